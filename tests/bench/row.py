"""One line of the benchmark report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """``ratio`` is how this compares with ``beside``, measured in the same run."""

    what: str
    value: float
    unit: str
    ratio: float
    beside: str
