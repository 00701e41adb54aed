"""The rules of a log and its own keys: the genesis, and what may change it later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import marshmallow as ma
from marshmallow import fields

from ledger.keys import PublicKey
from ledger.note import VerifierKey
from ledger.schema import Checked, Many, Text, nested, said
from ledger.statements.base import Singleton
from ledger.statements.members import (
    compact_field,
    future_field,
    instant_field,
    jwk_field,
    past_field,
    public_key,
)

_MOST_APPROVALS = 20


class OfTheRegistrar(Singleton):
    """A body that says whose key the registrar's is."""

    __slots__ = ()
    registrar: Mapping[str, str]

    @property
    def registrar_key(self) -> PublicKey:
        return public_key(tuple(self.registrar.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryKeys:
    """Offline keys that together can only replace the registrar's and the checkpoint key."""

    threshold: int = said(fields.Integer(required=True, strict=True), "How many must agree.")
    keys: tuple[Mapping[str, str], ...] = said(
        Many(jwk_field(), required=True, most=20), "Public JWKs."
    )

    def __post_init__(self) -> None:
        if len({PublicKey.from_jwk(jwk) for jwk in self.keys}) < len(self.keys):
            raise ma.ValidationError("The same item is given twice.", "keys")
        if not min(1, len(self.keys)) <= self.threshold <= len(self.keys):
            raise ma.ValidationError(
                "The threshold lies between 1 and the number of keys.", "threshold"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis(OfTheRegistrar):
    """Entry 0: the rules of this log and the keys everything else is traced back to."""

    TYPE = "genesis"
    SIGNED_BY = ("registrar",)
    name: str = said(Text(required=True), "What this log is called among people.")
    registrar: Mapping[str, str] = said(jwk_field(required=True), "The registrar's public JWK.")
    checkpoint_key: str = said(
        Checked(VerifierKey.parse, max_length=512, required=True),
        "C2SP verifier key of the log's checkpoints.",
    )
    recovery: RecoveryKeys = said(nested(RecoveryKeys, required=True), "Offline recovery keys.")
    past_seconds: int = said(past_field(), "How old `iat` may be on arrival.")
    future_seconds: int = said(future_field(), "How far `iat` may lie ahead of the log's clock.")

    def __post_init__(self) -> None:
        if self.registrar_key in map(PublicKey.from_jwk, self.recovery.keys):
            raise ma.ValidationError("A recovery key is not the registrar's own.", "recovery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Singleton):
    """The rules of this log from here on, in place of those in its genesis."""

    TYPE = "policy"
    SIGNED_BY = ("registrar",)
    name: str = said(Text(required=True), "What this log is called among people.")
    past_seconds: int = said(past_field(), "How old `iat` may be on arrival.")
    future_seconds: int = said(future_field(), "How far `iat` may lie ahead of the log's clock.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery(OfTheRegistrar):
    """The offline keys of the genesis give the log a new registrar key, checkpoint key, or both.

    The envelope is signed by the new registrar key, which so proves itself; the approvals are what
    makes it count.
    """

    TYPE = "recovery"
    SIGNED_BY = ("registrar",)
    registrar: Mapping[str, str] = said(
        jwk_field(required=True), "The registrar's public JWK from here on."
    )
    checkpoint_key: str = said(
        Checked(VerifierKey.parse, max_length=512, required=True),
        "C2SP verifier key of the checkpoints from here on.",
    )
    compromised_since: int | None = said(
        instant_field(),
        "Ledger time, seconds since 1970 (UTC), from which on others may have used the registrar "
        "key that is replaced; absent if it was lost and nobody else has it.",
    )
    approvals: tuple[str, ...] = said(
        Many(compact_field(), required=True, least=1, most=_MOST_APPROVALS),
        "Compact JWS by the recovery keys over the same members, log and prev.",
    )
