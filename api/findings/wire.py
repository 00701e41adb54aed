"""Shapes of the answers about findings, and of the questions."""

from __future__ import annotations

from marshmallow import fields, validate

from api.figures.wire import FigureQuery, NamedSchema
from api.web.wire import Wire, described, digest, entity, whole
from ledger.findings import Severity, Side

_KINDS = ("enterprise", "product", "site")


class FindingsQuery(FigureQuery):
    """What is asked besides the thing itself."""

    severity = fields.String(
        validate=validate.OneOf([str(each) for each in Severity]),
        metadata=described("Only findings of this severity."),
    )


class PartySchema(Wire):
    """Something a finding is about."""

    kind = fields.String(
        required=True, validate=validate.OneOf(_KINDS), metadata=described("What it is.")
    )
    id = entity(required=True, metadata=described("Its id."))


class SourceSchema(Wire):
    """Where the log says what a finding is about."""

    index = whole(required=True, metadata=described("Entry of the log."))
    digest = digest(required=True, metadata=described("Digest of the statement, SHA-256 in hex."))
    pointer = fields.String(
        required=True,
        metadata=described("JSON pointer into the statement (RFC 6901); empty: all of it."),
    )


class NoticedSchema(Wire):
    """One thing noticed, in the words for the caller's side of it."""

    rule = fields.String(required=True, metadata=described("Stable name of the rule."))
    severity = fields.String(
        required=True,
        validate=validate.OneOf([str(each) for each in Severity]),
        metadata=described(
            "refuse: not computed; quarantine: set aside, counts as a gap; warning: counts, and "
            "may be wrong; notice: counts."
        ),
    )
    side = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([str(each) for each in Side]),
        metadata=described("Whose side the sentence is for; null: of whoever may know all of it."),
    )
    sentence = fields.String(
        required=True, metadata=described("What is wrong, and what to do next.")
    )
    about = fields.List(
        fields.Nested(PartySchema),
        required=True,
        metadata=described("What it is about, as far as the caller may know."),
    )
    sources = fields.List(
        fields.Nested(SourceSchema),
        required=True,
        metadata=described("The caller's own statements that it is about; of auditors, all."),
    )


class FindingsSchema(Wire):
    """What was noticed about a product, an enterprise or a park; the worst first."""

    kind = fields.String(required=True, metadata=described("product, enterprise or park."))
    subject = fields.Nested(NamedSchema, required=True, metadata=described("What was asked about."))
    year = whole(required=True, metadata=described("Calendar year."))
    gwp = fields.String(required=True, metadata=described("Global warming potentials asked for."))
    valid_on = fields.String(
        required=True,
        allow_none=True,
        metadata=described("The day it is as of; null: the year as it went.", format="date"),
    )
    at = whole(required=True, metadata=described("Size of the log it was answered from."))
    as_of = whole(
        required=True, metadata=described("The last entry that can have moved the answer.")
    )
    findings = fields.List(
        fields.Nested(NoticedSchema), required=True, metadata=described("Worst first.")
    )
