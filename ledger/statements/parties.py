"""Who may speak: enterprises, their keys, delegations and the accreditation of verifiers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import marshmallow as ma
from marshmallow import fields, validate

from ledger.identifiers import parse as parse_identifier
from ledger.keys import PublicKey
from ledger.schema import Checked, Day, EntityId, Many, Text, said
from ledger.statements.base import ROLES, VERIFIABLE, Body, Entity
from ledger.statements.members import (
    BASE64URL,
    HEX_DIGEST,
    compact_field,
    instant_field,
    jwk_field,
    public_key,
    serial_field,
)

_COUNTRY = validate.Regexp(r"^[A-Z]{2}\Z", error="Two capital letters such as CN are expected.")
_THUMBPRINT = validate.Regexp(r"^[A-Za-z0-9_-]{43}\Z", error="An RFC 7638 thumbprint is expected.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Enterprise(Entity):
    """A legal entity, admitted by the registrar."""

    TYPE = "enterprise"
    SIGNED_BY = ("registrar",)
    id: str = said(EntityId(required=True), "The enterprise's id.")
    name: str = said(Text(required=True), "Legal name.")
    country: str | None = said(fields.String(validate=_COUNTRY), "ISO 3166-1 alpha-2.")
    identifiers: tuple[str, ...] = said(
        Many(Checked(parse_identifier), load_default=(), most=50),
        "URNs the enterprise is known under (USCC, LEI, DUNS …).",
    )
    admitted: tuple[str, ...] = said(
        Many(Checked(parse_identifier), load_default=(), most=2000),
        "Product identifiers the registrar has seen proof for: only these resolve "
        "without a named supplier.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Key(Body):
    """A public key speaks for an enterprise, from here on.

    ``register`` is the registrar's; ``rotate`` may also be signed by the key in ``replaces``,
    which retires with it.
    """

    TYPE = "key"
    SIGNED_BY = ("registrar",)
    action: str = said(
        fields.String(required=True, validate=validate.OneOf(("register", "rotate"))),
        "register a first or further key, or rotate to a new one.",
    )
    jwk: Mapping[str, str] = said(jwk_field(required=True), "The new public key.")
    roles: tuple[str, ...] = said(
        Many(
            fields.String(validate=validate.OneOf(ROLES)),
            required=True,
            least=1,
            most=len(ROLES),
        ),
        "What the key may be used for.",
    )
    custody: str = said(
        fields.String(load_default="self", validate=validate.OneOf(("self", "operator"))),
        "Who holds the private key.",
    )
    replaces: str | None = said(
        fields.String(validate=BASE64URL), "kid of the key that retires (rotate)."
    )
    until: dt.date | None = said(Day(), "Last day (UTC) the key may sign.")
    proof: str = said(
        compact_field(required=True),
        "Compact JWS by the new key over {log, enterprise, thumbprint}.",
    )

    def __post_init__(self) -> None:
        if (self.action == "rotate") != (self.replaces is not None):
            raise ma.ValidationError("A rotation names the key it replaces.", "replaces")
        if self.replaces == self.public.kid:
            raise ma.ValidationError("A key cannot replace itself.", "replaces")

    @property
    def public(self) -> PublicKey:
        return public_key(tuple(self.jwk.items()))

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.public.kid,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation(Body):
    """A key may no longer sign. What it signed before stands, but for what others may have signed.

    Entries are judged by ledger time: those that the key signed from ``compromised_since`` on are
    suspect, and so is what rests on them.
    """

    TYPE = "revocation"
    SIGNED_BY = ("registrar", "supplier", "park", "verifier", "operator")
    kid: str = said(fields.String(required=True, validate=_THUMBPRINT), "Thumbprint of the key.")
    reason: str = said(
        fields.String(required=True, validate=validate.OneOf(("compromised", "lost", "retired"))),
        "compromised: others may have signed with it; lost, retired: nobody has.",
    )
    compromised_since: int | None = said(
        instant_field(),
        "Ledger time, seconds since 1970 (UTC), from which on others may have signed.",
    )

    def __post_init__(self) -> None:
        if (self.reason == "compromised") != (self.compromised_since is not None):
            raise ma.ValidationError(
                "A compromised key names the time since when, and no other does.",
                "compromisedSince",
            )

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.kid,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accreditation(Body):
    """The registrar has seen that the subject may verify: what, by which standards, until when."""

    TYPE = "accreditation"
    SIGNED_BY = ("registrar",)
    serial: int = said(serial_field(), "Tells apart several accreditations of one verifier.")
    scope: tuple[str, ...] = said(
        Many(
            fields.String(validate=validate.OneOf(VERIFIABLE)),
            required=True,
            least=1,
            most=len(VERIFIABLE),
        ),
        "Types of statements it may verify.",
    )
    standards: tuple[str, ...] = said(
        Many(Text(max_length=60), required=True, least=1, most=20),
        "Standards it may verify by, such as ISO 14064-3.",
    )
    start: dt.date = said(Day(required=True, data_key="from"), "First day (UTC).")
    until: dt.date = said(Day(required=True), "Last day (UTC).")

    def __post_init__(self) -> None:
        if self.until < self.start:
            raise ma.ValidationError("The accreditation ends before it starts.", "until")

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (subject, str(self.serial))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation(Body):
    """The subject lets another enterprise speak for it."""

    TYPE = "delegation"
    SIGNED_BY = ("supplier", "park")
    delegate: str = said(EntityId(required=True), "The enterprise that may speak.")
    serial: int = said(
        serial_field(),
        "Tells apart several delegations between the same two.",
    )
    until: dt.date = said(Day(required=True), "Last day (UTC) of the delegation.")
    mandate: str | None = said(
        fields.String(validate=HEX_DIGEST),
        "SHA-256 of a paper mandate, when the registrar signs instead of the subject.",
    )

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (subject, self.delegate, str(self.serial))
