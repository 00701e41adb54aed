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


def places_for(kg: float) -> int:
    """How many decimals tonnes have beside a total of ``kg``: the smaller it is, the more."""
    size = abs(kg) / 1000
    return 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 1 else 3


def tonnes(kg: float, places: int) -> str:
    """kg as tonnes for a page, with thousands separators; never minus zero."""
    text = f"{kg / 1000:,.{places}f}"
    return text if text.strip("-0.,") else text.removeprefix("-")


def compact(value: float) -> str:
    """A number with about six significant digits, for people."""
    places = max(0, 5 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def percent(share: float) -> str:
    """A share (1 is the whole) in per cent, one decimal."""
    return f"{100 * share:.1f} %"
