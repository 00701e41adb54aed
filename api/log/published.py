"""Published checkpoints and what can be proved by them: cosigned by the log's witnesses."""

from __future__ import annotations

from flask import Response

from api.auth import needs_token
from api.log.routes import readable
from api.services import services
from api.web.blueprint import Blueprint
from ledger.strict_json import MAX_INTEGER

PUBLISHED_SECONDS = 10
"""How long the published checkpoint may be kept: the shortest time until there is another."""

_TEXT = "text/plain; charset=utf-8"

blueprint = Blueprint(
    "published",
    __name__,
    url_prefix="/v1/log",
    description="Published checkpoints: what the log's witnesses have cosigned.",
)


@blueprint.route("/checkpoint/published", methods=["GET"])
@blueprint.response(
    200, {"type": "string"}, content_type="text/plain", description="A C2SP signed note."
)
def checkpoint() -> Response:
    """Read the latest published checkpoint

    The signed note with the cosignatures of the witnesses that answered (C2SP tlog-cosignature).
    Every so often the latest checkpoint is published; 404 before the first time.
    """
    response = Response(services().log.published(), content_type=_TEXT)
    response.cache_control.public = True
    response.cache_control.max_age = PUBLISHED_SECONDS
    return response


@blueprint.route(f"/receipts/<int(max={MAX_INTEGER}):index>/published", methods=["GET"])
@needs_token
@blueprint.response(
    200, {"type": "string"}, content_type="text/plain", description="A C2SP tlog-proof."
)
def receipt(index: int) -> Response:
    """Read the receipt of an entry against the published checkpoint

    For verifiers whose trust file asks for witnesses; 404 until an entry is covered. For auditors,
    and for the statement's issuer and subject.
    """
    proof = services().log.receipt(readable(index).index, published=True)
    return Response(proof.encode(), content_type=_TEXT)
