"""The signed envelope: JWS Compact (RFC 7515), one signature, header exactly alg, kid and typ.

`parse` reads strictly and verifies nothing; `verify` checks the signature of what was parsed with
a key the caller trusts. Between them the bytes never change: what is verified is what was parsed,
and what is stored and hashed.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Final, cast

import orjson

from ledger import strict_base64
from ledger.errors import (
    AlgorithmMismatch,
    AlgorithmRefused,
    EnvelopeTooLarge,
    HeaderRefused,
    JsonRefused,
    KidMismatch,
    KidRefused,
    NotCanonicalBase64,
    NotCompact,
    PayloadNotObject,
    SignatureMalformed,
    TypMismatch,
)
from ledger.keys import ALGORITHMS, SIGNATURE_BYTES, PrivateKey, PublicKey
from ledger.strict_json import JsonPath, JsonValue, dumps, loads

STATEMENT_TYP: Final = "catchment-statement"
KEY_PROOF_TYP: Final = "catchment-key-proof"
CONSENT_TYP: Final = "catchment-consent"
ACCEPTANCE_TYP: Final = "catchment-acceptance"
RECOVERY_TYP: Final = "catchment-recovery"

MAX_COMPACT_BYTES: Final = 260 * 1024
MAX_PAYLOAD_BYTES: Final = 192 * 1024
MAX_HEADER_BYTES: Final = 1024

_HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})
# A kid is looked up before any signature is checked: no database meets one of another form.
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True)
class Envelope:
    """A well-formed envelope. Nothing in it is to be believed before `verify`.

    ``compact`` is the whole as it was sent; all else is read from it.
    """

    compact: bytes
    alg: str = field(compare=False)
    kid: str = field(compare=False)
    typ: str = field(compare=False)
    payload: Mapping[str, JsonValue] = field(compare=False, repr=False)
    signing_input: bytes = field(compare=False, repr=False)
    signature: bytes = field(compare=False, repr=False)

    @cached_property
    def envelope_digest(self) -> str:
        """SHA-256 (hex) of the compact bytes: which envelope the log holds."""
        return hashlib.sha256(self.compact).hexdigest()

    @cached_property
    def signing_digest(self) -> str:
        """SHA-256 (hex) of ``header.payload``: which statement this is.

        ECDSA signatures are malleable, (r, n-s) verifies too; both twins have this one digest.
        """
        return hashlib.sha256(self.signing_input).hexdigest()


def parse(compact: bytes, typ: str = STATEMENT_TYP) -> Envelope:
    """Read an envelope of the kind ``typ``. No key is needed and no signature checked.

    Sizes are checked before anything is decoded. Raises an EnvelopeRefused, NotCanonicalBase64, or
    a JsonRefused; ``where`` begins with ``header`` or is a pointer into the payload.
    """
    _check_size("envelope", len(compact), MAX_COMPACT_BYTES)
    if (dots := compact.count(b".")) != 2:
        raise NotCompact(dots=dots)
    signing_input = compact.rpartition(b".")[0]
    header_part, payload_part, signature_part = _text(compact).split(".")
    alg, kid = _read_header(header_part, typ)
    return Envelope(
        compact=compact,
        alg=alg,
        kid=kid,
        typ=typ,
        payload=_read_payload(payload_part),
        signing_input=signing_input,
        signature=_read_signature(signature_part),
    )


def reparse(compact: bytes) -> Envelope:
    """As `parse`, of a statement's envelope that was parsed before it was stored.

    Nothing is checked: what else is given here makes nonsense, or raises anything.
    """
    header, payload, signature = compact.split(b".")
    alg, kid = _read_header(header.decode("ascii"), STATEMENT_TYP)
    return Envelope(
        compact=compact,
        alg=alg,
        kid=kid,
        typ=STATEMENT_TYP,
        payload=_reread_payload(_padded(payload)),
        signing_input=compact[: -len(signature) - 1],
        signature=_padded(signature),
    )


def _padded(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def _reread_payload(data: bytes) -> dict[str, JsonValue]:
    # The fast reader knows nothing of tokens; floats are only in what PACT calls extensions.
    if b'"extensions"' in data:
        return cast(dict[str, JsonValue], loads(data, float_allowed=_in_extension_data))
    return cast(dict[str, JsonValue], orjson.loads(data))


def verify(envelope: Envelope, key: PublicKey) -> None:
    """Check that ``key`` signed ``envelope``.

    The key decides the algorithm; a header that disagrees is refused, never obeyed. Raises
    KidMismatch, AlgorithmMismatch or SignatureInvalid.
    """
    if envelope.kid != key.kid:
        raise KidMismatch("header /kid", named=envelope.kid, used=key.kid)
    if not key.goes_by(envelope.alg):
        raise AlgorithmMismatch("header /alg", named=envelope.alg, used=key.alg)
    key.verify(envelope.signature, envelope.signing_input)


def sign(payload: Mapping[str, object], key: PrivateKey, typ: str = STATEMENT_TYP) -> bytes:
    """Sign ``payload`` into an envelope that `parse` accepts.

    Raises what `parse` raises, so that nothing is signed that no one would take.
    """
    header = {"alg": key.public.alg, "kid": key.public.kid, "typ": typ}
    parts = (strict_base64.to_url(dumps(part)) for part in (header, dict(payload)))
    signing_input = ".".join(parts).encode("ascii")
    signature = strict_base64.to_url(key.sign(signing_input))
    return parse(signing_input + b"." + signature.encode("ascii"), typ).compact


def _check_size(part: str, size: int, limit: int) -> None:
    if size > limit:
        raise EnvelopeTooLarge(part=part, size=size, limit=limit)


def _text(compact: bytes) -> str:
    try:
        return compact.decode("ascii")
    except UnicodeDecodeError:
        raise NotCanonicalBase64 from None


@lru_cache(maxsize=4096)
def _read_header(part: str, typ: str) -> tuple[str, str]:
    """Algorithm and key; a key's header is the same every time, so what was read is remembered."""
    # Refusals quote what a header says.
    _check_size("header", len(part) * 3 // 4, MAX_HEADER_BYTES)
    header = _header_object(strict_base64.from_url(part, "header"))
    if not isinstance(header, dict) or header.keys() != _HEADER_MEMBERS:
        raise HeaderRefused("header")
    alg, kid, found = header["alg"], header["kid"], header["typ"]
    if not (isinstance(alg, str) and isinstance(kid, str) and isinstance(found, str)):
        raise HeaderRefused("header")
    if alg not in ALGORITHMS:
        raise AlgorithmRefused("header /alg", alg=alg)
    if found != typ:
        raise TypMismatch("header /typ", found=found, expected=typ)
    if not _THUMBPRINT.fullmatch(kid):
        raise KidRefused("header /kid")
    return alg, kid


def _header_object(data: bytes) -> JsonValue:
    try:
        return loads(data)
    except JsonRefused as refusal:
        raise type(refusal)(f"header {refusal.where}", **refusal.params) from None


def _read_payload(part: str) -> dict[str, JsonValue]:
    _check_size("payload", len(part) * 3 // 4, MAX_PAYLOAD_BYTES)
    payload = loads(strict_base64.from_url(part, "payload"), float_allowed=_in_extension_data)
    if not isinstance(payload, dict):
        raise PayloadNotObject
    return payload


def _in_extension_data(path: JsonPath) -> bool:
    """PACT data model extensions define their own members, floats too; we only carry them."""
    return (
        len(path) > 4
        and path[:2] == ("pact", "extensions")
        and isinstance(path[2], int)
        and path[3] == "data"
    )


def _read_signature(part: str) -> bytes:
    signature = strict_base64.from_url(part, "signature")
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureMalformed("signature", size=len(signature))
    return signature
