"""Base64 with one spelling per byte string (RFC 4648 sections 3.5, 4 and 5).

Common decoders skip foreign characters, tolerate padding and ignore unused trailing bits, so one
signature gets many spellings. Here a text is accepted only if encoding its bytes gives it back.
"""

from __future__ import annotations

import base64

from ledger.errors import NotCanonicalBase64


def to_url(data: bytes) -> str:
    """Write base64url without padding, as JOSE does (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_url(text: str, where: str = "") -> bytes:
    """Read base64url without padding; raises NotCanonicalBase64."""
    data = _lenient(text + "=" * (-len(text) % 4), b"-_", where)
    if to_url(data) != text:
        raise NotCanonicalBase64(where)
    return data


def to_standard(data: bytes) -> str:
    """Write standard base64 with padding, as C2SP notes and checkpoints do."""
    return base64.b64encode(data).decode("ascii")


def from_standard(text: str, where: str = "") -> bytes:
    """Read standard base64 with padding; raises NotCanonicalBase64."""
    data = _lenient(text, b"+/", where)
    if to_standard(data) != text:
        raise NotCanonicalBase64(where)
    return data


def _lenient(text: str, altchars: bytes, where: str) -> bytes:
    try:
        return base64.b64decode(text, altchars)
    except ValueError:  # bad padding, or a character outside ASCII
        raise NotCanonicalBase64(where) from None
