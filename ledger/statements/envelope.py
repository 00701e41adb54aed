"""A statement as a whole: the members every type has, and the list of all types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from marshmallow import fields, validate

from ledger import jws, schema
from ledger.errors import StatementMalformed
from ledger.jws import Envelope
from ledger.schema import EntityId, Text, dump, load, recurring, said
from ledger.statements.awards import Award
from ledger.statements.base import Body
from ledger.statements.books import Inventory, Purchases
from ledger.statements.certificates import Certificate
from ledger.statements.downstream import Downstream, Holdings
from ledger.statements.factors import Factors
from ledger.statements.indicators import Indicators
from ledger.statements.members import BASE64URL, HEX_DIGEST
from ledger.statements.meters import Meter, Readings
from ledger.statements.parties import Accreditation, Delegation, Enterprise, Key, Revocation
from ledger.statements.places import Membership, Park, Site
from ledger.statements.plans import Scenario, Target
from ledger.statements.products import Footprint, Product, Production, Recipe
from ledger.statements.rules import Genesis, Policy, Recovery
from ledger.statements.sharing import Allocation
from ledger.statements.trust import Attestation, Disclosure, Erasure, Figure, Transfer, Withdrawal
from ledger.strict_json import MAX_INTEGER

VERSION = 1
BODIES: dict[str, type[Body]] = {
    body.TYPE: body
    for body in (
        Genesis,
        Policy,
        Recovery,
        Enterprise,
        Key,
        Revocation,
        Accreditation,
        Delegation,
        Site,
        Park,
        Membership,
        Product,
        Footprint,
        Recipe,
        Production,
        Inventory,
        Purchases,
        Downstream,
        Holdings,
        Meter,
        Readings,
        Allocation,
        Certificate,
        Target,
        Scenario,
        Factors,
        Indicators,
        Disclosure,
        Transfer,
        Attestation,
        Figure,
        Award,
        Erasure,
        Withdrawal,
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LogId:
    """Which log a statement is meant for; ``genesis`` is absent in the genesis itself."""

    origin: str = said(Text(required=True, max_length=255), "Origin line of the checkpoints.")
    genesis: str | None = said(
        fields.String(validate=HEX_DIGEST), "Signing-input digest of entry 0."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """The members every statement has."""

    type: str = said(fields.String(required=True, validate=validate.OneOf(sorted(BODIES))), "Type.")
    v: int = said(fields.Integer(required=True, strict=True, validate=validate.Equal(VERSION)), "1")
    log: LogId = said(recurring(LogId, required=True), "The log this is said to.")
    jti: str = said(
        fields.String(required=True, validate=[validate.Length(min=22, max=64), BASE64URL]),
        "At least 128 random bits, base64url: makes the statement unique.",
    )
    iat: int = said(
        fields.Integer(required=True, strict=True, validate=validate.Range(0, MAX_INTEGER)),
        "When it was signed, seconds since 1970 (UTC).",
    )
    iss: str = said(EntityId(required=True), "The enterprise whose key signs.")
    subject: str = said(EntityId(required=True), "The enterprise spoken for.")
    prev: str | None = said(
        fields.String(validate=HEX_DIGEST), "Signing-input digest of the statement it follows."
    )


_COMMON = ("type", "v", "log", "jti", "iat", "iss", "subject", "prev")


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A statement as read from a signed envelope. Reading does not verify the signature."""

    common: Common
    body: Body
    envelope: Envelope

    @property
    def type(self) -> str:
        return self.common.type

    @property
    def subject(self) -> str:
        return self.common.subject

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the signing input: the statement's identity."""
        return self.envelope.signing_digest

    @property
    def on_behalf(self) -> bool:
        """Whether one enterprise speaks for another. The registrar's own statements do not."""
        return self.common.iss != self.subject and roles_for(self.type) != ("registrar",)


def read(envelope: Envelope) -> Statement:
    """The statement an envelope carries.

    Raises
    ------
    StatementMalformed
        With every rule of the common members or of the type that the payload breaks.
    """
    payload = envelope.payload
    common = _common({name: payload[name] for name in _COMMON if name in payload})
    said_here = {name: value for name, value in payload.items() if name not in _COMMON}
    body = load(BODIES[common.type], said_here)
    if isinstance(body, Withdrawal) and common.prev is None:
        raise StatementMalformed("/prev", (("/prev", "A withdrawal names the statement it ends."),))
    return Statement(common=common, body=body, envelope=envelope)


def reread(compact: bytes) -> Statement:
    """As ``read(jws.parse(compact))``, of an envelope that this log admitted itself.

    Only for reading one's own store: nothing is checked that was checked on the way in.
    """
    envelope = jws.reparse(compact)
    return Statement(
        common=schema.reread(Common, envelope.payload),
        body=schema.reread(BODIES[str(envelope.payload["type"])], envelope.payload),
        envelope=envelope,
    )


def _common(members: Mapping[str, Any]) -> Common:
    """As ``load(Common, members)``, in a fraction of the time where they are as they should be.

    It takes nothing that the schema refuses, and leaves to it whatever it does not know.
    """
    filled = {"prev": _NO_PREV, **members}
    kinds = {name: type(value) for name, value in filled.items()}
    said = kinds == _KINDS and all(type(value) is str for value in filled["log"].values())
    if not said or filled["type"] not in BODIES or filled["v"] != VERSION:
        return load(Common, members)
    texts = " ".join((filled["jti"], filled["iss"], filled["subject"], filled["prev"]))
    if not 0 <= filled["iat"] <= MAX_INTEGER or not _TEXTS.fullmatch(texts):
        return load(Common, members)
    return Common(**{**members, "log": _log_id(tuple(filled["log"].items()))})


_NO_PREV = "0" * 64
_KINDS = {"v": int, "iat": int, "log": dict} | dict.fromkeys(
    ("type", "jti", "iss", "subject", "prev"), str
)
_ID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TEXTS = re.compile(f"[A-Za-z0-9_-]{{22,64}} {_ID} {_ID} [0-9a-f]{{64}}")


@lru_cache(maxsize=256)
def _log_id(members: tuple[tuple[str, str], ...]) -> LogId:
    return load(LogId, dict(members), "/log")


def payload_of(common: Common, body: Body) -> dict[str, Any]:
    """The JSON members to sign; ``read`` of the signed envelope gives both back."""
    return {**dump(common), **dump(body)}


@cache
def roles_for(statement_type: str) -> tuple[str, ...]:
    """The roles of which a key must have one to sign this type."""
    return BODIES[statement_type].SIGNED_BY
