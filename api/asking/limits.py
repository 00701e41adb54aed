"""How much may be asked and said, and until when."""

from __future__ import annotations

from typing import Final

DAY_MS: Final = 86_400_000
DUE_DAYS: Final = 30
"""By when an answer is asked for, where nobody says."""
LATE_DAYS: Final = 365
"""For so long after its day a request is still answered by a footprint that comes."""
MOST_OPEN: Final = 1_000
"""Open requests of one buyer, or of one partner."""
MOST_AT_ONCE: Final = 200
"""Requests of one asking or one event."""
MOST_FOOTPRINTS: Final = 500
"""In one answer; who asks for more reads the list."""
LONGEST_TEXT: Final = 2_000
"""Of comments and reasons, in characters."""
