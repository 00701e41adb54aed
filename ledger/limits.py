"""How much at once: numbers that settings are held to, without loading the log itself."""

from __future__ import annotations

from typing import Final

MAX_BATCH: Final = 1000
"""How many statements one call may append: the lock is held for all of them."""
MAX_STATEMENTS: Final = 2_000
"""Statements that may wait to be appended."""
MAX_BYTES: Final = 32 * 1024 * 1024
"""Bytes that they may have together."""
