"""How long to wait before something is tried again: 10 s, twice as long each time, up to an hour.

Up to a quarter is added at random, so that what failed together is not tried together again.
"""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime
from typing import Final

LEAST_MS: Final = 10_000
MOST_MS: Final = 3_600_000
_JITTER: Final = 0.25
_MOST_DIGITS: Final = 9
_DOUBLINGS: Final = (MOST_MS // LEAST_MS).bit_length()

_RANDOM: Final = random.SystemRandom()


def wait_ms(attempts: int) -> int:
    """Milliseconds to wait after ``attempts`` in vain, 1 at least."""
    doubled: int = LEAST_MS * 2 ** min(attempts - 1, _DOUBLINGS)
    return min(round(doubled * _RANDOM.uniform(1, 1 + _JITTER)), MOST_MS)


def retry_after_s(header: str | None, now_ms: int) -> int | None:
    """Seconds that a Retry-After header asks for (RFC 9110, section 10.2.3: a number or a date);
    None where it says nothing that is understood."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return int(text[:_MOST_DIGITS])
    try:
        seconds = parsedate_to_datetime(text).timestamp() - now_ms / 1000
    except (ValueError, OverflowError):
        return None
    return max(0, round(seconds))
