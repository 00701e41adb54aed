"""The words in which a full inventory is told: bases of Scope 2, cover of a category, grades.

Apart from the inventory itself, so that whoever only speaks of them loads no solver.
"""

from __future__ import annotations

import enum
from typing import Final

LOCATION: Final = "location"
MARKET: Final = "market"
BASES: Final = (LOCATION, MARKET)
"""The two methods of Scope 2."""


class Cover(enum.StrEnum):
    """How far a category of Scope 3 is covered."""

    STATED = "stated"
    NONE = "none"
    """Every place says that there was nothing."""
    PARTIAL = "partial"
    NOT_ASSESSABLE = "not-assessable"
    NOT_STATED = "not-stated"

    @property
    def is_whole(self) -> bool:
        return self in (Cover.STATED, Cover.NONE)


class Grade(enum.StrEnum):
    """What a boundary may be called, from the least."""

    NONE = "none"
    OPERATIONAL = "operational-net-zero"
    NEAR_ZERO = "near-zero"
    NET_ZERO = "net-zero"
