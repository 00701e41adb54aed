"""Numbers as they leave the house: plain decimal strings, and numbers for people.

JSON carries figures as strings, because many readers turn a JSON number into something else. A
string is plain: no exponent, no ``+``, no digit that the figure does not have.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Final, overload

DIGITS: Final = 12
"""Significant digits of a figure in JSON."""


@overload
def plain(value: float) -> str: ...
@overload
def plain(value: None) -> None: ...
def plain(value: float | None) -> str | None:
    """A figure as a plain decimal string of at most 12 significant digits; ``None`` stays so.

    Raises
    ------
    ValueError
        For NaN and infinities: an unknown figure is ``None``, and it never becomes a number.
    """
    if value is None:
        return None
    if not math.isfinite(value):
        raise ValueError("a figure is a finite number or None")
    rounded = Decimal(f"{value:.{DIGITS}g}")
    return f"{rounded:f}" if rounded else "0"


def tonnes(kg: float) -> str:
    """kg as tonnes for a page: thousands separators, at least three significant digits."""
    return grouped(kg / 1000)


def grouped(value: float) -> str:
    """A number for a page; the fewer digits before the point, the more after it."""
    size = abs(value)
    places = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 or not size else 3
    text = f"{value:,.{places}f}"
    return text.removeprefix("-") if float(text.replace(",", "")) == 0 else text


def percent(share: float) -> str:
    """A share (1 is the whole) in per cent, one decimal."""
    return f"{100 * share:.1f} %"
