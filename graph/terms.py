"""The words in which figures are told: how they are known, covered and graded.

Apart from the numbers themselves, so that whoever only speaks of them loads no solver.
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


class Feed(enum.StrEnum):
    """What describes a node, best first."""

    RECIPE = "recipe"
    FOOTPRINT = "footprint"
    OTHER_YEAR = "recipe-of-another-year"
    EXPIRED = "expired-footprint"
    NONE = "none"
    OVERHEAD = "overhead"


class Rung(enum.StrEnum):
    """How well an amount of carbon is known, best first."""

    COMPUTED = "computed"
    DECLARED = "declared"
    OTHER_YEAR = "recipe-of-another-year"
    EXPIRED = "expired-footprint"
    AVERAGE = "product-average"
    SPEND = "spend-based"
    UNKNOWN = "unknown"


class Assessed(enum.StrEnum):
    """How far a statement about a boundary goes."""

    ASSESSED = "assessed"
    PARTIAL = "partial"
    NOT_ASSESSABLE = "not_assessable"


def category_name(category: int) -> str:
    """What the result of a Scope 3 category is called."""
    return f"scope3Category{category}"
