"""Footprints for programs that speak PACT v3: `ListFootprints` and `GetFootprint`.

A footprint is listed for those its owner discloses it to, for its owner, and for auditors; what a
client may not read answers, to the byte, as what does not exist. 403 is about the client's token
alone.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Response, request

from api.access.access import Access
from api.auth import current_caller, needs_scope
from api.errors import FootprintNotFound
from api.pact import answers
from api.pact.criteria import Criteria
from api.pact.documents import is_uuid
from api.pact.shelf import shelf_of
from api.pact.wire import (
    FootprintAnswerSchema,
    FootprintListSchema,
    FootprintsQuery,
    filters_of,
)
from api.services import services
from api.web.blueprint import Blueprint
from api.web.protocols import PactErrorSchema

_LINK: Final = {"description": 'The next page (rel="next").', "schema": {"type": "string"}}
_TAG: Final = {
    "description": "Changes when the answer does; sent back as If-None-Match, it may spare it.",
    "schema": {"type": "string"},
}


def _refused(why: str) -> dict[str, Any]:
    """How an error is documented; one decorator for all spares each request the others."""
    return {"description": why, "content": {"application/json": {"schema": PactErrorSchema}}}


_OTHERWISE: Final = {
    304: {"description": "The reader's copy is still right."},
    401: _refused("Without a token that is good."),
    403: _refused("With a token that does not reach to footprints."),
}

blueprint = Blueprint(
    "pact",
    __name__,
    url_prefix="/3",
    description="PACT v3: footprints handed out to other systems, and events about them.",
)


@blueprint.route("/footprints", methods=["GET"])
@needs_scope("footprints")
@blueprint.query(FootprintsQuery)
@blueprint.response(200, FootprintListSchema, headers={"Link": _LINK, "ETag": _TAG})
@blueprint.doc(responses=_OTHERWISE)
def footprints(query: dict[str, Any]) -> Response:
    """List footprints

    Those of the caller, and those that their owners disclose to it, in the order in which they
    came; Deprecated ones too, unless `status` says otherwise. Filters may be given several times:
    one of the values has to fit. Their case does not matter, and an empty one asks for nothing.
    Parameters that PACT v3 does not have are refused, as a list that they did not shorten would be
    taken for one that they did. A page has at most `limit` footprints; where there are more, the
    Link header leads to them, and stays good.
    """
    box, limit = services().box, query["limit"]
    criteria = Criteria.of(filters_of(request.args))
    after = answers.serial_of(query["cursor"], box) if "cursor" in query else None
    page = shelf_of(services()).page(criteria, _access(), after=after, limit=limit)
    return answers.listed(page, box, limit)


@blueprint.route("/footprints/<string:footprint>", methods=["GET"])
@needs_scope("footprints")
@blueprint.response(200, FootprintAnswerSchema, headers={"ETag": _TAG})
@blueprint.doc(responses=_OTHERWISE | {404: _refused("There is none that the caller may read.")})
def one_footprint(footprint: str) -> Response:
    """Read one footprint

    By its `id`, whatever its status. One that is not disclosed to the caller and one that does not
    exist are answered alike.
    """
    if not is_uuid(footprint):
        raise FootprintNotFound
    found = shelf_of(services()).read(footprint.lower(), current_caller())
    if found is None:
        raise FootprintNotFound
    return answers.single(found)


def _access() -> Access:
    return Access(services().engine.standing(), current_caller())
