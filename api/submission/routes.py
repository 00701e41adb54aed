"""Submitting statements.

It needs a valid signature and no token: the signature says who speaks. The answer carries the
receipt, the log's promise that can be checked offline; whoever lost it sends the same statement
again.
"""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, cast

from flask import url_for

from api.errors import BatchRefused, status_of
from api.services import services
from api.submission import submission
from api.submission.wire import BatchProblemSchema, BatchQuery, BatchSchema, SubmittedSchema
from api.web.blueprint import Blueprint
from api.web.bodies import body_flaw, read_body, read_json
from api.web.problems import problem_of, problem_response
from ledger.errors import BatchTooLarge, NotPublished
from ledger.jws import MAX_COMPACT_BYTES
from ledger.log import Accepted, Outcome, Refused
from ledger.receipt import Receipt

JOSE: Final = "application/jose"

blueprint = Blueprint(
    "submission",
    __name__,
    url_prefix="/v1/statements",
    description="What enterprises sign: submit it, one by one or in batches.",
)

_ENVELOPE = {
    "type": "string",
    "description": "A signed statement: JWS in compact form.",
    "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$",
    "maxLength": MAX_COMPACT_BYTES,
}

_ANY_TEXT = {
    "type": "string",
    "description": "A signed statement: JWS in compact form. What is none is told in its result.",
}


@blueprint.route("", methods=["POST"])
@blueprint.doc(
    requestBody={
        "required": True,
        "content": {JOSE: {"schema": _ENVELOPE}, "text/plain": {"schema": _ENVELOPE}},
    }
)
@blueprint.response(201, SubmittedSchema, description="The log took it.")
@blueprint.alt_response(200, schema=SubmittedSchema, description="The log had it already.")
def submit() -> Any:
    """Submit one signed statement

    The body is the JWS in compact form. No token is needed: the signature says who speaks. The same
    statement sent again changes nothing and gets its first index and a fresh receipt, with the
    cosignatures that witnesses have given by then.
    """
    envelope = read_body(MAX_COMPACT_BYTES, JOSE, "text/plain")
    (outcome,) = submission.append(services(), [envelope])
    if isinstance(outcome, Refused):
        raise outcome.error
    address = url_for("statements.show", digest=outcome.digest)
    return _submitted(outcome), _status(outcome), {"Location": address}


@blueprint.route("/batch", methods=["POST"])
@blueprint.query(BatchQuery)
@blueprint.doc(
    requestBody={
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["statements"],
                    "additionalProperties": False,
                    "properties": {
                        "statements": {"type": "array", "items": _ANY_TEXT, "minItems": 1}
                    },
                }
            }
        },
    }
)
@blueprint.response(200, BatchSchema, description="Every statement was judged.")
@blueprint.alt_response(
    409,
    schema=BatchProblemSchema,
    content_type="application/problem+json",
    description="The batch is atomic and a statement was refused: nothing was stored.",
)
def submit_batch(query: dict[str, Any]) -> Any:
    """Submit several signed statements

    They are judged in their order, each on top of those before it, in one transaction. Those that
    pass are stored and the others are not, whatever their number: the answer is 200 and says for
    each what became of it. With `atomic=true` one refusal stores none: the answer is then 409.
    With `dry_run=true` none is stored, and the answer is 200.
    """
    envelopes = _envelopes()
    atomic, dry_run = query["atomic"], query["dry_run"]
    outcomes = submission.append(services(), envelopes, atomic=atomic, dry_run=dry_run)
    refused = sum(isinstance(outcome, Refused) for outcome in outcomes)
    report = {
        "results": [_result(outcome) for outcome in outcomes],
        "accepted": len(outcomes) - refused,
        "refused": refused,
        "written": not dry_run and not (atomic and refused),
    }
    if atomic and refused and not dry_run:
        error = BatchRefused(refused=refused, size=len(outcomes))
        return problem_response(error, **BatchSchema().dump(report))
    return report


def _envelopes() -> list[bytes]:
    """The statements in the body; raises what reading it raises, BodyRefused or BatchTooLarge."""
    settings = services().settings
    body = read_json(settings.batch_bytes)
    if not isinstance(body, dict) or body.keys() != {"statements"}:
        raise body_flaw("/", "An object with the one member statements is expected.")
    statements = body["statements"]
    if not isinstance(statements, list) or not statements:
        raise body_flaw("/statements", "A list of at least one compact JWS is expected.")
    if len(statements) > settings.batch_statements:
        raise BatchTooLarge("/statements", size=len(statements), limit=settings.batch_statements)
    for place, statement in enumerate(statements):
        if not isinstance(statement, str):
            raise body_flaw(f"/statements/{place}", "A compact JWS is expected, as a text.")
    return [cast(str, statement).encode("utf-8") for statement in statements]


def _submitted(outcome: Accepted) -> dict[str, Any]:
    return {**_accepted(outcome), "receipt": _receipt(outcome).encode().decode()}


def _receipt(outcome: Accepted) -> Receipt:
    """Fresh; of what is sent again, with the cosignatures that witnesses have given by now."""
    if not outcome.new and services().settings.witnesses:
        with suppress(NotPublished):
            return services().log.receipt(outcome.index, published=True)
    return services().log.receipt(outcome.index)


def _accepted(outcome: Accepted) -> dict[str, Any]:
    return {
        "index": outcome.index,
        "digest": outcome.digest,
        "type": outcome.statement.type,
        "new": outcome.new,
        "on_behalf": outcome.on_behalf,
    }


def _status(outcome: Accepted) -> HTTPStatus:
    return HTTPStatus.CREATED if outcome.new else HTTPStatus.OK


def _result(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Refused):
        return {"status": int(status_of(outcome.error)), "problem": problem_of(outcome.error)}
    return {"status": int(_status(outcome)), **_accepted(outcome)}
