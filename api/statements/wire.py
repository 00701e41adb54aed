"""Statements on the wire, as they are read."""

from __future__ import annotations

from marshmallow import fields, validate

from api.statements import attestations
from api.web.wire import (
    PageQuery,
    Wire,
    described,
    digest,
    entity,
    moment,
    whole,
)
from ledger.schema import Day
from ledger.statements import BODIES

_TYPE = fields.String(
    validate=validate.OneOf(sorted(BODIES)), metadata=described("The type of statement.")
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
