"""Submitting statements, and reading those in force.

Submitting needs a valid signature and no token: the signature says who speaks. The answer carries
the receipt, the log's promise that can be checked offline; whoever lost it sends the same statement
again. Reading needs what ``api.figures.access`` asks for.
"""

from __future__ import annotations

import datetime as dt
import heapq
import re
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from itertools import islice
from typing import Any, Final, cast

import orjson
from flask import url_for
from marshmallow import fields, validate

from api.errors import BatchRefused, BodyRefused, StatementNotFound, status_of
from api.figures.access import Access
from api.services import services
from api.statements import attestations, submission
from api.statements.attestations import attestations_of
from api.web.auth import current_caller
from api.web.blueprint import Blueprint
from api.web.bodies import read_body, read_json
from api.web.problems import problem_of, problem_response
from api.web.wire import (
    DIGEST,
    PageQuery,
    ProblemSchema,
    Query,
    Wire,
    described,
    digest,
    entity,
    iso_time,
    moment,
    next_link,
    whole,
)
from ledger import strict_json
from ledger.entry import Entry
from ledger.errors import BatchTooLarge, EntryNotFound, NotPublished
from ledger.jws import MAX_COMPACT_BYTES
from ledger.log import Accepted, Outcome, Refused
from ledger.receipt import Receipt
from ledger.schema import Day
from ledger.standing import Said, Standing
from ledger.statements import BODIES, Statement, Withdrawal

JOSE: Final = "application/jose"

blueprint = Blueprint(
    "statements",
    __name__,
    url_prefix="/v1/statements",
    description="What enterprises have signed: submit it, and read what is in force.",
)

_TYPE = fields.String(
    validate=validate.OneOf(sorted(BODIES)), metadata=described("The type of statement.")
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


class AcceptedSchema(Wire):
    """Where the log holds a statement."""

    index = whole(required=True, metadata=described("Place in the log, from 0."))
    digest = digest(required=True, metadata=described("SHA-256 of the signing input."))
    type = fields.String(required=True, metadata=described("The type of statement."))
    new = fields.Boolean(required=True, metadata=described("Whether it came by this request."))
    on_behalf = fields.Boolean(
        required=True, metadata=described("Whether one enterprise spoke for another.")
    )


class SubmittedSchema(AcceptedSchema):
    """What the log answers to a statement it holds."""

    receipt = fields.String(
        required=True, metadata=described("Proof that the log holds it (C2SP tlog-proof).")
    )


class ResultSchema(AcceptedSchema):
    """What became of one statement of a batch: the members of one accepted, or its problem."""

    index = whole(metadata=described("Place in the log; in a dry run, where it would come."))
    digest = digest(metadata=described("SHA-256 of the signing input."))
    type = fields.String(metadata=described("The type of statement."))
    new = fields.Boolean(metadata=described("Whether it came, or would come, by this request."))
    on_behalf = fields.Boolean(metadata=described("Whether one enterprise spoke for another."))
    status = fields.Integer(
        required=True, metadata=described("The status a single submission would have had.")
    )
    problem = fields.Nested(ProblemSchema, metadata=described("Why it was refused."))


class BatchSchema(Wire):
    """What became of a batch."""

    results = fields.List(
        fields.Nested(ResultSchema),
        required=True,
        metadata=described("One for each statement, in their order."),
    )
    accepted = whole(required=True, metadata=described("How many passed."))
    refused = whole(required=True, metadata=described("How many did not."))
    written = fields.Boolean(
        required=True, metadata=described("Whether those that passed are in the log now.")
    )


class BatchProblemSchema(ProblemSchema, BatchSchema):
    """An atomic batch of which at least one statement was refused."""


class BatchQuery(Query):
    """How to treat a batch."""

    atomic = fields.Boolean(
        load_default=False,
        metadata=described("Store none of the statements if one of them is refused."),
    )
    dry_run = fields.Boolean(
        load_default=False, metadata=described("Judge the statements and store none of them.")
    )


class AttestedSchema(Wire):
    """A verifier's opinion on a statement."""

    verifier = entity(required=True, metadata=described("The enterprise that verified it."))
    name = fields.String(required=True, metadata=described("Its name."))
    standard = fields.String(required=True, metadata=described("By which standard."))
    level = fields.String(
        required=True, metadata=described("Level of assurance: limited or reasonable.")
    )
    scope = fields.String(required=True, metadata=described("What was looked into."))
    until = Day(required=True, metadata=described("Last day (UTC) of the opinion."))
    digest = digest(required=True, metadata=described("Digest of the attestation."))
    state = fields.String(
        required=True,
        validate=validate.OneOf(attestations.STATES),
        metadata=described(
            "Whether it speaks; it is silent where the statement is superseded, its last day is "
            "over, or others may have signed it."
        ),
    )


class StatementSchema(Wire):
    """A statement of the log."""

    index = whole(required=True, metadata=described("Place in the log, from 0."))
    digest = digest(required=True, metadata=described("SHA-256 of the signing input."))
    type = fields.String(required=True, metadata=described("The type of statement."))
    issuer = entity(required=True, metadata=described("The enterprise whose key signed."))
    subject = entity(required=True, metadata=described("The enterprise spoken for."))
    on_behalf = fields.Boolean(
        required=True, metadata=described("Whether one enterprise spoke for another.")
    )
    time = moment(required=True, metadata=described("When the log took it (UTC)."))
    state = fields.String(
        required=True,
        validate=validate.OneOf(("in-force", "superseded", "withdrawn", "suspect")),
        metadata=described("Whether it still stands at the end of the log."),
    )
    envelope = fields.String(required=True, metadata=described("The signed bytes as sent."))
    payload = fields.Raw(
        required=True, metadata=described("What the envelope says.", type="object")
    )
    attestations = fields.List(
        fields.Nested(AttestedSchema), required=True, metadata=described("Who has verified it.")
    )
    receipt = fields.String(
        metadata=described("Its receipt, for auditors and for those whose statement it is.")
    )


class InForceSchema(Wire):
    """A statement in force, in a list."""

    index = whole(required=True, metadata=described("Place in the log, from 0."))
    digest = digest(
        required=True, metadata=described("SHA-256 of the signing input; `prev` of a correction.")
    )
    type = fields.String(required=True, metadata=described("The type of statement."))
    subject = entity(required=True, metadata=described("The enterprise spoken for."))
    key = fields.List(
        fields.String(),
        required=True,
        metadata=described("What it is about: of one type and key one statement is in force."),
    )
    payload = fields.Raw(required=True, metadata=described("What it says.", type="object"))


class InForcePageSchema(Wire):
    """A page of statements in force."""

    items = fields.List(
        fields.Nested(InForceSchema), required=True, metadata=described("In the log's order.")
    )


class InForceQuery(PageQuery):
    """Which statements in force."""

    type = _TYPE
    subject = entity(metadata=described("The enterprise spoken for."))
    about = fields.String(
        validate=validate.Length(1, 200),
        metadata=described("An id the statement is about: one part of its key."),
    )


# --- Submitting ------------------------------------------------------------------------------


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
        raise _flaw("/", "An object with the one member statements is expected.")
    statements = body["statements"]
    if not isinstance(statements, list) or not statements:
        raise _flaw("/statements", "A list of at least one compact JWS is expected.")
    if len(statements) > settings.batch_statements:
        raise BatchTooLarge("/statements", size=len(statements), limit=settings.batch_statements)
    for place, statement in enumerate(statements):
        if not isinstance(statement, str):
            raise _flaw(f"/statements/{place}", "A compact JWS is expected, as a text.")
    return [cast(str, statement).encode("utf-8") for statement in statements]


def _flaw(where: str, sentence: str) -> BodyRefused:
    return BodyRefused(where, ((where, sentence),))


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


# --- Reading ---------------------------------------------------------------------------------


@blueprint.route("/<string(length=64):digest>", methods=["GET"])
@blueprint.response(200, StatementSchema)
def show(digest: str) -> dict[str, Any]:
    """Read one statement

    Whatever its state. A statement the caller may not read and one that does not exist are answered
    alike, so that nobody learns what exists by guessing.
    """
    return statement_answer(readable(digest))


def readable(digest: str) -> Entry:
    """The entry, if the caller may read its statement.

    Raises StatementNotFound; PayloadErased to those with a token, as nobody can tell any more who
    could read it.
    """
    # Not everything that fits into an address fits into a database: PostgreSQL takes no NUL.
    if not re.fullmatch(DIGEST, digest):
        raise StatementNotFound(digest=digest)
    try:
        entry = services().log.entry_by_digest(digest)
    except EntryNotFound:
        raise StatementNotFound(digest=digest) from None
    if entry.is_erased and current_caller().is_anonymous:
        raise StatementNotFound(digest=digest)
    if not _access().may_read_statement(entry.statement):
        raise StatementNotFound(digest=digest)
    return entry


def _access() -> Access:
    return Access(services().engine.standing(), current_caller())


def statement_answer(entry: Entry) -> dict[str, Any]:
    """A statement that the caller may read, as `StatementSchema` shows it."""
    statement, standing = entry.statement, services().engine.standing()
    state = _state(entry, standing)
    today = dt.datetime.now(dt.UTC).date()
    document = {
        "index": entry.index,
        "digest": statement.digest,
        "type": statement.type,
        "issuer": statement.common.iss,
        "subject": statement.subject,
        "on_behalf": statement.on_behalf,
        "time": iso_time(entry.leaf.time),
        "state": state,
        "envelope": entry.envelope.decode("ascii"),
        "payload": _payload(statement),
        "attestations": list(
            attestations_of(statement.digest, state == "in-force", standing, today)
        ),
    }
    if _access().may_read_entry(entry):
        document["receipt"] = services().log.receipt(entry.index).encode().decode()
    return document


def _state(entry: Entry, standing: Standing) -> str:
    """What has become of a statement. A withdrawal is in force while its chain stays withdrawn."""
    if any(each.said.digest == entry.statement.digest for each in standing.suspects):
        return "suspect"
    chain = entry.leaf.chain
    stands = standing.find(services().log.chain_ends([chain])[chain].key)
    if stands is None:
        return "in-force" if isinstance(entry.statement.body, Withdrawal) else "withdrawn"
    return "in-force" if stands.digest == entry.statement.digest else "superseded"


@blueprint.route("", methods=["GET"])
@blueprint.query(InForceQuery)
@blueprint.response(
    200,
    InForcePageSchema,
    headers={"Link": {"description": 'The next page (rel="next")', "schema": {"type": "string"}}},
)
def in_force(query: dict[str, Any]) -> Any:
    """List the statements in force that the caller may read

    In the log's order. A statement that is superseded between two pages comes again at the end, as
    what superseded it; none in force is left out.
    """
    found = _chosen(query, services().engine.standing())
    page = list(islice(found, query["limit"] + 1))
    items = page[: query["limit"]]
    headers = next_link(items[-1].index) if len(page) > len(items) else {}
    return {"items": [_item(said) for said in items]}, headers


def _chosen(query: dict[str, Any], standing: Standing) -> Iterator[Said]:
    """The statements in force after the cursor that fit the query and that the caller may read."""
    access = Access(standing, current_caller())
    after = query.get("cursor", -1)
    subject, about = query.get("subject"), query.get("about")
    return (
        said
        for said in _in_order(query.get("type"), standing)
        if said.index > after
        and subject in (None, said.statement.subject)
        and about in (None, *_key(said))
        and access.may_read_said(said)
    )


def _in_order(kind: str | None, standing: Standing) -> Iterator[Said]:
    kinds = [kind] if kind else sorted(BODIES)
    return heapq.merge(*map(standing.statements, kinds), key=lambda said: said.index)


def _key(said: Said) -> tuple[str, ...]:
    return said.statement.body.natural_key(said.statement.subject).parts


def _item(said: Said) -> dict[str, Any]:
    return {
        "index": said.index,
        "digest": said.digest,
        "type": said.statement.type,
        "subject": said.statement.subject,
        "key": list(_key(said)),
        "payload": _payload(said.statement),
    }


def _payload(statement: Statement) -> orjson.Fragment:
    """The payload as JSON; floats in PACT extensions keep the digits they came with."""
    return orjson.Fragment(strict_json.dumps(dict(statement.envelope.payload)))
