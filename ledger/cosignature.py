"""What a witness signs: a checkpoint, and when it was seen (C2SP tlog-cosignature, Ed25519).

It says: at this time, the largest tree that the witness knew of this log had this root, and every
earlier one it had seen was a prefix of it. `ledger.note` writes and reads the lines that carry it.
"""

from __future__ import annotations

from typing import Final

from ledger.errors import SignatureInvalid
from ledger.keys import SIGNATURE_BYTES, PrivateKey, PublicKey

MAX_TIME: Final = 2**63 - 1
"""Seconds since 1970-01-01T00:00:00Z."""

_TIME_BYTES = 8
_TIMESTAMPED_BYTES = _TIME_BYTES + SIGNATURE_BYTES


def message(text: str, time_s: int) -> bytes:
    """The signed bytes: a header, the time in decimal, and the whole text of the checkpoint.

    The header keeps them apart from anything else that a key may sign. Raises ValueError for a
    time that the format cannot hold.
    """
    if not 0 <= time_s <= MAX_TIME:
        raise ValueError(f"a cosignature cannot be dated {time_s}")
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def sign(text: str, private: PrivateKey, time_s: int) -> bytes:
    """The time, big-endian in 8 bytes, and the 64 bytes of the signature (RFC 8032)."""
    return time_s.to_bytes(_TIME_BYTES, "big") + private.sign(message(text, time_s))


def verify(text: str, public: PublicKey, timestamped: bytes) -> int:
    """The time at which ``public`` cosigned ``text``; raises SignatureInvalid."""
    time_s = int.from_bytes(timestamped[:_TIME_BYTES], "big")
    if len(timestamped) != _TIMESTAMPED_BYTES or time_s > MAX_TIME:
        raise SignatureInvalid
    public.verify(timestamped[_TIME_BYTES:], message(text, time_s))
    return time_s
