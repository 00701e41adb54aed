"""``POST /3/events``: what other PACT hosts have to say (PACT v3, action Events)."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from api.auth import current_caller, needs_scope
from api.errors import SenderUnknown
from api.outbox.cloud_event import MEDIA_TYPE, SPEC_VERSION
from api.pact import events
from api.partners.inbox import inbox_of
from api.partners.partners import Partner, partners_of
from api.partners.sources import require_source
from api.services import services
from api.web.blueprint import Blueprint
from api.web.bodies import read_body

MAX_EVENT_BYTES: Final = 8 * 1024 * 1024
"""Room for five hundred footprints with what their hosts say of them."""

blueprint = Blueprint(
    "events",
    __name__,
    description="Events between PACT v3 hosts: requests for footprints, their answers, and news.",
)

_TEXT: Final = {"type": "string", "minLength": 1}
_EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "data"],
    "properties": {
        "specversion": {"type": "string", "const": SPEC_VERSION},
        "id": {**_TEXT, "description": "Free text; with the source it names the event for good."},
        "source": {**_TEXT, "description": "The registered address of the host that sends it."},
        "type": {
            "type": "string",
            "enum": [
                events.REQUEST_CREATED,
                events.REQUEST_FULFILLED,
                events.REQUEST_REJECTED,
                events.PUBLISHED,
            ],
        },
        "time": {"type": "string", "format": "date-time"},
        "data": {
            "type": "object",
            "description": "As PACT has it: criteria and comment; requestEventId and pfs; "
            "requestEventId and error; or pfIds.",
        },
    },
}


@blueprint.route(events.EVENTS_PATH, methods=["POST"])
@blueprint.doc(
    summary="Take an event",
    description="Requests for footprints, answers to ours, and news of footprints. The client must "
    "belong to a registered partner, and the event's source be that partner's address. A repeat of "
    "an event changes nothing. A request is accepted whatever it asks for, and answered by one "
    "event: the footprints, or why there are none.",
    requestBody={"required": True, "content": {MEDIA_TYPE: {"schema": _EVENT}}},
)
@blueprint.response(200, description="The event was taken.")
@needs_scope("events")
def receive() -> Response:
    partner = _sender()
    body = read_body(MAX_EVENT_BYTES, MEDIA_TYPE)
    event = events.read(body)
    require_source(partner, event.source)
    inbox_of(services()).keep(partner, event, body)
    taken = Response(status=200)
    del taken.headers["Content-Type"]  # of nothing
    return taken


def _sender() -> Partner:
    """The partner whose client sent this request. Raises SenderUnknown."""
    client = current_caller().client
    partner = partners_of(services()).of_client(client) if client else None
    if partner is None:
        raise SenderUnknown
    return partner
