"""Fields that several statement types declare alike: keys, signatures, times, serial numbers."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from ledger.errors import CatchmentError
from ledger.keys import PublicKey
from ledger.strict_json import MAX_INTEGER

MOST_SERIALS = 999
_MOST_JWK_MEMBERS = 16
_LONGEST_JWK_TEXT = 256
_LONGEST_COMPACT = 8192
HEX_DIGEST = validate.Regexp(r"^[0-9a-f]{64}\Z", error="A SHA-256 digest in hex is expected.")
BASE64URL = validate.Regexp(r"^[A-Za-z0-9_-]+\Z", error="Base64url is expected.")


def _jwk(value: Any) -> None:
    try:
        PublicKey.from_jwk(value)
    except CatchmentError as refused:
        raise ma.ValidationError(str(refused)) from refused


@lru_cache(maxsize=4096)
def public_key(members: tuple[tuple[str, str], ...]) -> PublicKey:
    """Checking a point takes as long as verifying a signature, and the same few keys come often."""
    return PublicKey.from_jwk(dict(members))


def jwk_field(**kwargs: Any) -> fields.Dict:
    # Keys stay in memory, and any stranger can send members that nobody asked for.
    short = fields.String(validate=validate.Length(max=_LONGEST_JWK_TEXT))
    few = validate.Length(max=_MOST_JWK_MEMBERS)
    return fields.Dict(keys=short, values=short, validate=[few, _jwk], **kwargs)


def past_field() -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(60, 10**9))


def future_field() -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(0, 86_400))


def serial_field() -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(1, MOST_SERIALS))


def compact_field(**kwargs: Any) -> fields.String:
    return fields.String(validate=validate.Length(max=_LONGEST_COMPACT), **kwargs)


def instant_field(**kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(0, MAX_INTEGER // 1000), **kwargs)


def coordinate_range(limit: int) -> validate.Range:
    return validate.Range(Decimal(-limit), Decimal(limit))
