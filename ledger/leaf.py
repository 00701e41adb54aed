"""The leaf record: what the log hashes for each entry.

It names the envelope and its statement by digest only, so payloads stay confidential and can be
erased while the log stays complete. Strings and integers only, in one canonical form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from ledger.errors import JsonRefused, LeafRefused
from ledger.strict_json import MAX_INTEGER, loads

VERSION: Final = 1

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
# The last of 43 base64url characters carries four bits of 32 bytes and two that must be zero.
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]", re.ASCII)
_TYPE = re.compile(r"[a-z][a-z0-9-]{0,63}", re.ASCII)
_FORMS: Mapping[str, re.Pattern[str]] = {
    "envelope": _DIGEST,
    "signed": _DIGEST,
    "type": _TYPE,
    "kid": _THUMBPRINT,
    "chain": _DIGEST,
}
_CANONICAL = re.compile(
    rf'\{{"chain":"({_DIGEST.pattern})","envelope":"({_DIGEST.pattern})",'
    rf'"kid":"({_THUMBPRINT.pattern})","signed":"({_DIGEST.pattern})",'
    rf'"time":(0|[1-9][0-9]{{0,14}}),"type":"({_TYPE.pattern})","v":{VERSION}\}}',
    re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One entry of the log.

    ``envelope``: SHA-256 (hex) of the compact envelope. ``signed``: SHA-256 (hex) of its signing
    input. ``type``: the statement type. ``kid``: the thumbprint of the signing key. ``chain``: the
    ``signed`` digest of the chain's opening. ``time``: ledger time in milliseconds since
    1970-01-01T00:00:00Z. ``v``: version of this record. Raises LeafRefused.
    """

    v: int = VERSION
    envelope: str
    signed: str
    type: str
    kid: str
    chain: str
    time: int

    def __post_init__(self) -> None:
        for name, form in _FORMS.items():
            _check_form(name, getattr(self, name), form)
        if _number(self.v) != VERSION:
            raise LeafRefused("/v", reason=f"its version is not {VERSION}")
        if not 0 <= _number(self.time) <= MAX_INTEGER:
            raise LeafRefused("/time", reason="its time is not a whole number of milliseconds")

    def encode(self) -> bytes:
        """The canonical JSON: these bytes are hashed."""
        # No form above admits a character that JSON escapes, so the general writer, a hundred times
        # slower and under the sequencer's lock, would write the same.
        return (
            f'{{"chain":"{self.chain}","envelope":"{self.envelope}","kid":"{self.kid}",'
            f'"signed":"{self.signed}","time":{self.time},"type":"{self.type}","v":{self.v}}}'
        ).encode("ascii")

    @classmethod
    def parse(cls, data: bytes) -> Leaf:
        """Read a leaf record; ``parse(data).encode() == data``. Raises LeafRefused."""
        # What has the canonical form needs no general reader, which takes as long as ten of these
        # do; whatever has not is read by it, to say what is wrong.
        if (match := _CANONICAL.fullmatch(data.decode("latin-1"))) is not None:
            chain, envelope, kid, signed, time, kind = match.groups()
            return cls(
                envelope=envelope, signed=signed, type=kind, kid=kid, chain=chain, time=int(time)
            )
        leaf = cls(**_members(data))
        if leaf.encode() != data:
            raise LeafRefused(reason="it is not in canonical form")
        return leaf


_NAMES = frozenset(each.name for each in fields(Leaf))


def _members(data: bytes) -> dict[str, Any]:
    try:
        members = loads(data, max_depth=1)
    except JsonRefused as refusal:
        raise LeafRefused(refusal.where, reason="it is not strict JSON") from None
    if not isinstance(members, dict) or members.keys() != _NAMES:
        raise LeafRefused(reason="its members are not the seven of a leaf")
    return members


def _check_form(name: str, value: object, form: re.Pattern[str]) -> None:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise LeafRefused(f"/{name}", reason=f"{name} is malformed")


def _number(value: object) -> int:
    """The integer, or -1 for anything else; a JSON true is no number though a Python True is."""
    return value if type(value) is int else -1
