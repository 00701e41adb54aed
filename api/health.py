"""Whether the service can do its work, for whatever watches over it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from api.services import services
from api.web.blueprint import Blueprint
from api.web.wire import Wire, described, whole
from graph.version import VERSION

blueprint = Blueprint("service", __name__, description="How the service is doing.")


class HealthSchema(Wire):
    """The service works."""

    status = fields.String(required=True, metadata=described("Always `ok`.", enum=["ok"]))
    size = whole(required=True, metadata=described("How many entries the log has."))
    engine = fields.String(required=True, metadata=described("Version of the figures' engine."))


@blueprint.route("/health", methods=["GET"])
@blueprint.response(200, HealthSchema)
def health() -> dict[str, Any]:
    """Ask whether the service works

    503 while the database does not answer.
    """
    return {"status": "ok", "size": services().log.size(), "engine": VERSION}
