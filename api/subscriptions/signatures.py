"""Signatures of webhooks as Standard Webhooks 1.0.0 has them, so that its libraries can check them.

    webhook-signature = "v1," + base64(HMAC-SHA256(key, id "." timestamp "." body))

``timestamp`` is in whole seconds since 1970 (UTC) and is that of the attempt; ``id`` stays the same
however often an event is sent. The key is what follows ``whsec_`` in the secret, base64-decoded.
Several signatures stand side by side, separated by spaces: while a secret is exchanged both sign.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Final

from api.errors import SignatureRefused

PREFIX: Final = "whsec_"
"""Marks a leaked secret for scanners."""
ID: Final = "webhook-id"
TIMESTAMP: Final = "webhook-timestamp"
SIGNATURE: Final = "webhook-signature"
VERSION: Final = "v1"
TOLERANCE_SECONDS: Final = 300

_KEY_BYTES = 32


def new_secret() -> str:
    """A secret with 256 random bits."""
    return PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def headers(keys: Sequence[str], event: str, timestamp: int, body: bytes) -> dict[str, str]:
    """What is sent beside ``body``; each of the secrets ``keys`` signs."""
    signed = (f"{VERSION},{_mac(key, event, str(timestamp), body)}" for key in keys)
    return {ID: event, TIMESTAMP: str(timestamp), SIGNATURE: " ".join(signed)}


def verify(
    secret: str,
    received: Mapping[str, str],
    body: bytes,
    now: int,
    tolerance: int = TOLERANCE_SECONDS,
) -> str:
    """The id of an event that was signed with ``secret``, ``now`` or up to ``tolerance`` s away.

    ``received`` are the headers under lower-case names, or any mapping that ignores case. Raises
    SignatureRefused.
    """
    try:
        event, timestamp, given = (received[name] for name in (ID, TIMESTAMP, SIGNATURE))
    except KeyError:
        raise SignatureRefused(reason="a header is missing") from None
    if not timestamp.isascii() or not timestamp.isdigit():
        raise SignatureRefused(reason="its time is not a number of seconds")
    if abs(now - int(timestamp)) > tolerance:
        raise SignatureRefused(reason="it was made too long ago, or the clocks differ")
    expected = f"{VERSION},{_mac(secret, event, timestamp, body)}".encode()
    if not any(hmac.compare_digest(expected, each.encode()) for each in given.split(" ")):
        raise SignatureRefused(reason="it was not made with this secret, or of this body")
    return event


def _mac(secret: str, event: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((event.encode(), timestamp.encode(), body))
    return base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise SignatureRefused(reason="the secret is not one that was given out") from None
