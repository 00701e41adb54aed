"""The picture of a bridge: bars that rise from zero, and steps between them.

Pure geometry in the units of an SVG view box; words, colours and numbers are the page's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

WIDTH: Final = 920.0
HEIGHT: Final = 330.0
TOP: Final = 34.0
BOTTOM: Final = 56.0
GAP: Final = 0.28
"""Share of a column that stays empty."""
LEAST_HEIGHT: Final = 1.0
"""A bar of next to nothing stays visible."""


@dataclass(frozen=True, slots=True)
class Step:
    """A bar from ``start`` to ``end`` kg CO2e; a total starts at zero.

    ``kind`` names its colour, ``told`` is the number above it. The next bar continues at ``end``,
    but for one that stands ``apart`` from what is before it.
    """

    kind: str
    label: str
    told: str
    start: float
    end: float
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """A step with its place: corner, size, and where its words are centred."""

    step: Step
    x: float
    y: float
    width: float
    height: float
    middle: float


@dataclass(frozen=True, slots=True)
class Line:
    """A level that two neighbouring bars share."""

    x1: float
    x2: float
    y: float


@dataclass(frozen=True, slots=True)
class Picture:
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    baseline: float
    width: float = WIDTH
    height: float = HEIGHT


def picture(steps: Sequence[Step]) -> Picture:
    """Lay out at least one step from left to right, on one scale that contains zero."""
    scale = _Scale.of(steps)
    column = WIDTH / len(steps)
    bars = tuple(_bar(step, i * column, column, scale) for i, step in enumerate(steps))
    return Picture(bars, tuple(_lines(bars, scale)), scale.y(0.0))


@dataclass(frozen=True, slots=True)
class _Scale:
    high: float
    span: float

    @classmethod
    def of(cls, steps: Iterable[Step]) -> _Scale:
        ends = [0.0, *(end for step in steps for end in (step.start, step.end))]
        return cls(max(ends), max(ends) - min(ends) or 1.0)

    def y(self, value: float) -> float:
        share = (self.high - value) / self.span
        return round(TOP + share * (HEIGHT - TOP - BOTTOM), 2)


def _bar(step: Step, left: float, column: float, scale: _Scale) -> Bar:
    top, bottom = sorted((scale.y(step.start), scale.y(step.end)))
    width = column * (1 - GAP)
    return Bar(
        step=step,
        x=round(left + (column - width) / 2, 2),
        y=top,
        width=round(width, 2),
        height=max(round(bottom - top, 2), LEAST_HEIGHT),
        middle=round(left + column / 2, 2),
    )


def _lines(bars: Iterable[Bar], scale: _Scale) -> Iterator[Line]:
    for left, right in pairwise(bars):
        if not right.step.apart:
            yield Line(left.x + left.width, right.x, scale.y(left.step.end))
