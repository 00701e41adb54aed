"""What stands on this machine: the settings, the database behind them, and the registrar's key."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import requests
from requests.adapters import BaseAdapter

from api.client import Client
from api.keys import keyfile
from api.keys.keyfile import KeyFile
from api.settings import Settings
from ledger.errors import LogNotFound
from ledger.uncollected import uncollected

if TYPE_CHECKING:
    from api.services import Services

REGISTRAR_FILE: Final = "registrar.key"
TRUST_FILE: Final = "trust.json"


def existing(settings: Settings) -> Settings:
    """The settings, if they name a database that holds a log's tables. Raises LogNotFound.

    Without looking first, a command would make them; and connecting makes a SQLite file.
    """
    # Commands that ask a server over HTTP load no database.
    import sqlalchemy as sa

    from ledger import tables
    from ledger.store import open_engine, parse_url, reading

    database = parse_url(settings.database)
    if database.get_backend_name() == "sqlite" and not Path(database.database or "").is_file():
        raise LogNotFound
    engine = open_engine(settings.database)
    with reading(engine) as connection:
        is_there = sa.inspect(connection).has_table(tables.entry.name)
    engine.dispose()
    if not is_there:
        raise LogNotFound
    return settings


def registrar_path(settings: Settings) -> Path:
    return settings.data / REGISTRAR_FILE


def registrar_key(settings: Settings) -> KeyFile:
    """Raises KeyFileRefused where ``catchment init`` was not run, or elsewhere."""
    return keyfile.read(registrar_path(settings), production=settings.is_production)


def local_client(settings: Settings, language: str, services: Services | None = None) -> Client:
    """The API over the database of this machine, without a server, with an auditor's eyes.

    Whoever has the database has everything in it anyway. ``services`` replace those that the
    settings would open.
    """
    session = requests.Session()
    session.mount("http://", _InProcess(settings, services))
    return Client("http://local", session=session, language=language)


class _InProcess(BaseAdapter):
    """Answers requests from the application itself."""

    def __init__(self, settings: Settings, services: Services | None) -> None:
        with uncollected():
            from api.app import create_app

        super().__init__()
        self._app = create_app(existing(settings), services=services)

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        from flask import g

        from api.callers import Caller

        headers = dict(request.headers)
        asked = {"headers": headers, "data": request.body}
        with self._app.test_request_context(request.url, method=request.method, **asked):
            g.caller = Caller("auditor")
            made = self._app.full_dispatch_request()
            response = requests.Response()
            response.status_code = made.status_code
            response.headers.update(made.headers.to_wsgi_list())
            response.raw = BytesIO(made.get_data())
        response.url = str(request.url)
        response.encoding = "utf-8"
        return response

    def close(self) -> None:
        """Nothing is held open."""
