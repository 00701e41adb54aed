"""Statements about what others said or own: who may read it, who verified it, who owns it now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import marshmallow as ma
from marshmallow import fields, validate

from ledger import gases
from ledger.schema import Day, EntityId, Quantity, Text, many, nested, said
from ledger.statements.base import VERIFIABLE, Body, NaturalKey
from ledger.statements.members import HEX_DIGEST, compact_field, serial_field
from ledger.statements.parts import FIRST_YEAR, LAST_YEAR
from ledger.strict_json import MAX_INTEGER

ERASABLE = (*VERIFIABLE, "attestation", "withdrawal")
"""Types of statements whose payload can go without taking the ground from under others."""
DISCLOSED = (
    "footprint",
    "recipe",
    "production",
    "inventory",
    "purchases",
    "downstream",
    "holdings",
    "contributions",
    "figure",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosedObject:
    """What a disclosure opens: a kind of information about one product, site, park, enterprise."""

    type: str = said(fields.String(required=True, validate=validate.OneOf(DISCLOSED)), "The kind.")
    id: str = said(EntityId(required=True), "The product, site, park or enterprise.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure(Body):
    """Who else may read something. Without one, only its owner and auditors may."""

    TYPE = "disclosure"
    SIGNED_BY = ("supplier", "park")
    object: DisclosedObject = said(nested(DisclosedObject, required=True), "What is opened.")
    level: str = said(
        fields.String(required=True, validate=validate.OneOf(("private", "named", "public"))),
        "named: to the grantee; public: to everyone; private: closed again.",
    )
    grantee: str | None = said(EntityId(), "The enterprise that may read (absent: everyone).")

    def __post_init__(self) -> None:
        if self.level == "named" and self.grantee is None:
            raise ma.ValidationError("A named disclosure names its grantee.", "grantee")
        if self.level == "public" and self.grantee is not None:
            raise ma.ValidationError("A public disclosure has no grantee.", "grantee")
        if self.level == "public" and self.object.type not in ("footprint", "figure"):
            raise ma.ValidationError("Only footprints and figures can be public.", "level")

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.object.type, self.object.id, self.grantee or "public")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """What changes hands."""

    type: str = said(
        fields.String(required=True, validate=validate.OneOf(("site", "product"))), "The kind."
    )
    id: str = said(EntityId(required=True), "The site or product.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Body):
    """A site or product passes from the subject to another enterprise, for good.

    What was said of it stands. From here on the new owner speaks of it; of periods that ended
    before ``from``, still the old one.
    """

    TYPE = "transfer"
    object: Transferred = said(nested(Transferred, required=True), "What changes hands.")
    to: str = said(EntityId(required=True), "The enterprise that takes it over.")
    start: dt.date = said(Day(required=True, data_key="from"), "First day of the new owner.")
    serial: int = said(serial_field(), "Tells apart several transfers of one site or product.")
    acceptance: str | None = said(
        compact_field(),
        "Compact JWS by a key of the new owner over {log, object, to, from, serial}.",
    )
    mandate: str | None = said(
        fields.String(validate=HEX_DIGEST),
        "SHA-256 of a paper mandate, when the registrar signs instead of the two.",
    )

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.object.id, str(self.serial))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation(Body):
    """A verifier has looked into a statement. It falls silent when that is superseded."""

    TYPE = "attestation"
    SIGNED_BY = ("verifier",)
    digest: str = said(
        fields.String(required=True, validate=HEX_DIGEST),
        "Signing-input digest of the statement that was verified.",
    )
    standard: str = said(Text(required=True, max_length=60), "Standard it was verified by.")
    level: str = said(
        fields.String(required=True, validate=validate.OneOf(("limited", "reasonable"))),
        "Level of assurance.",
    )
    scope: str = said(Text(required=True, max_length=2000), "What was looked into.")
    until: dt.date = said(Day(required=True), "Last day (UTC) of the opinion.")

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (subject, self.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureObject:
    """What a figure is of."""

    type: str = said(
        fields.String(required=True, validate=validate.OneOf(("park", "enterprise"))), "The kind."
    )
    id: str = said(EntityId(required=True), "The park or enterprise.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """The beginning of the log that a figure was computed from."""

    size: int = said(
        fields.Integer(required=True, strict=True, validate=validate.Range(1, MAX_INTEGER)),
        "How many entries.",
    )
    root: str = said(
        fields.String(required=True, validate=HEX_DIGEST), "Root hash of the tree over them, hex."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorSet:
    """A table of factors by name and content."""

    name: str = said(Text(required=True, max_length=60), "Such as AR6.")
    digest: str = said(
        fields.String(required=True, validate=HEX_DIGEST), "SHA-256 (hex) of the table as text."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Which statements went into a figure, without telling what they say."""

    count: int = said(
        fields.Integer(required=True, strict=True, validate=validate.Range(0, MAX_INTEGER)),
        "How many.",
    )
    root: str = said(
        fields.String(required=True, validate=HEX_DIGEST),
        "RFC 6962 root (hex) of the tree over their leaf records, in the log's order.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One number of a figure. What is missing counts as missing, never as zero."""

    name: str = said(Text(required=True, max_length=60), "Such as scope1.")
    at_least: Decimal = said(Quantity(required=True), "kg CO2e that are known.")
    value: Decimal | None = said(Quantity(), "kg CO2e; absent while anything is missing.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure(Body):
    """A published figure: the question, what it was computed from and with, and the result."""

    TYPE = "figure"
    SIGNED_BY = ("park", "supplier", "operator")
    object: FigureObject = said(nested(FigureObject, required=True), "What it is a figure of.")
    year: int = said(
        fields.Integer(required=True, strict=True, validate=validate.Range(FIRST_YEAR, LAST_YEAR)),
        "The calendar year.",
    )
    gwp: str = said(
        fields.String(required=True, validate=validate.OneOf(gases.GWP_SETS)), "The GWP set."
    )
    at: Prefix = said(nested(Prefix, required=True), "The prefix of the log it was computed from.")
    as_of: int = said(
        fields.Integer(required=True, strict=True, validate=validate.Range(0, MAX_INTEGER)),
        "The last entry that moved it.",
    )
    engine: str = said(Text(required=True, max_length=60), "Version of the engine.")
    factor_sets: tuple[FactorSet, ...] = said(
        many(FactorSet, required=True, most=50), "Every table of factors it was computed with."
    )
    inputs: Inputs = said(nested(Inputs, required=True), "The statements it was computed from.")
    results: tuple[Result, ...] = said(
        many(Result, required=True, least=1, most=200), "The numbers."
    )

    def __post_init__(self) -> None:
        if self.as_of >= self.at.size:
            raise ma.ValidationError("The entry that moved it lies in the prefix.", "asOf")
        if len({result.name for result in self.results}) < len(self.results):
            raise ma.ValidationError("The same item is given twice.", "results")

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.object.type, self.object.id, str(self.year), self.gwp, str(self.as_of))


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure(Body):
    """The payload of a statement is gone: from here on a gap, in earlier prefixes withheld."""

    TYPE = "erasure"
    SIGNED_BY = ("supplier", "park", "verifier", "operator")
    digest: str = said(
        fields.String(required=True, validate=HEX_DIGEST),
        "Signing-input digest of the statement whose payload goes.",
    )
    key: str = said(
        Text(required=True, max_length=1000),
        "Natural key of its chain, which nobody could tell from the log alone any more.",
    )
    reason: str = said(Text(required=True, max_length=2000), "Why it is erased.")

    @property
    def erased_key(self) -> NaturalKey:
        return NaturalKey.parse(self.key)

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.digest,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(Body):
    """Ends the chain whose head is named in ``prev``. The chain can be continued later."""

    TYPE = "withdrawal"
    reason: str = said(Text(required=True, max_length=2000), "Why it is withdrawn.")
