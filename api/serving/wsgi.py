"""For any WSGI server: ``granian --interface wsgi api.serving.wsgi:app``; settings from the env."""

from api.app import create_app
from api.settings import Settings

app = create_app(Settings.from_env())
