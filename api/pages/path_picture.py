"""The picture of a target: the path, the figures of years, where they lead, what is thought of.

Pure geometry in the units of an SVG view box; words, colours and numbers are the page's. Years run
from left to right, kg CO2e upwards, on scales that contain everything there is and zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

WIDTH: Final = 920.0
HEIGHT: Final = 330.0
TOP: Final = 34.0
BOTTOM: Final = 40.0
SIDE: Final = 36.0
"""Left and right of the first and last year, so that what is written there stays inside."""
MOST_TICKS: Final = 12


@dataclass(frozen=True, slots=True)
class Figure:
    """The figure of a year, kg CO2e; ``is_bound``: at least so much. ``on_path`` as judged."""

    year: int
    kg: float
    is_bound: bool = False
    on_path: bool | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """A scenario: so much from a year on, kg CO2e."""

    name: str
    since: int
    kg: float


@dataclass(frozen=True, slots=True)
class Course:
    """What is drawn: kg CO2e by year."""

    required: Mapping[int, float]
    figures: Sequence[Figure]
    projected: Mapping[int, float]
    wishes: Sequence[Wish] = ()


@dataclass(frozen=True, slots=True)
class Dot:
    """A figure in its place."""

    figure: Figure
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Level:
    """A scenario in its place: from its first year to the end of the picture."""

    wish: Wish
    x1: float
    x2: float
    y: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A year at the foot of the picture."""

    year: int
    x: float


@dataclass(frozen=True, slots=True)
class Picture:
    """``path`` and ``projection`` are the ``points`` of an SVG polyline, empty for none."""

    path: str
    dots: tuple[Dot, ...]
    projection: str
    levels: tuple[Level, ...]
    ticks: tuple[Tick, ...]
    baseline: float
    width: float = WIDTH
    height: float = HEIGHT


def path_picture(course: Course) -> Picture:
    """Lay out a target; one of which nothing is known has ticks of no year."""
    years = sorted({*course.required, *course.projected, *(each.year for each in course.figures),
                    *(each.since for each in course.wishes)})  # fmt: skip
    scale = _Scale.of(years, course)
    return Picture(
        path=_points(course.required, scale),
        dots=tuple(Dot(each, scale.x(each.year), scale.y(each.kg)) for each in course.figures),
        projection=_points(course.projected, scale),
        levels=tuple(
            Level(each, scale.x(each.since), scale.x(scale.last), scale.y(each.kg))
            for each in course.wishes
        ),
        ticks=tuple(Tick(year, scale.x(year)) for year in _marked(years)),
        baseline=scale.y(0.0),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    first: int
    last: int
    high: float
    span: float

    @classmethod
    def of(cls, years: Sequence[int], course: Course) -> _Scale:
        told = [0.0, *course.required.values(), *course.projected.values()]
        told += [each.kg for each in course.figures]
        told += [each.kg for each in course.wishes]
        first, last = (years[0], years[-1]) if years else (0, 0)
        return cls(first, last, max(told), max(told) - min(told) or 1.0)

    def x(self, year: int) -> float:
        share = (year - self.first) / ((self.last - self.first) or 1)
        return round(SIDE + share * (WIDTH - 2 * SIDE), 2)

    def y(self, kg: float) -> float:
        share = (self.high - kg) / self.span
        return round(TOP + share * (HEIGHT - TOP - BOTTOM), 2)


def _points(levels: Mapping[int, float], scale: _Scale) -> str:
    placed = ((scale.x(year), scale.y(levels[year])) for year in sorted(levels))
    return " ".join(f"{x:g},{y:g}" for x, y in placed)


def _marked(years: Sequence[int]) -> Iterator[int]:
    """The years that are written down: all, or every so many from the first."""
    if years:
        step = -(-(years[-1] - years[0] + 1) // MOST_TICKS)
        yield from range(years[0], years[-1] + 1, step)


def course_of(target: Mapping[str, Any], scenarios: Iterable[Mapping[str, Any]] | None) -> Course:
    """What there is to draw of a target in an answer (``api.targets.answers``), as far as it is
    shown there."""
    line = target["projection"]
    return Course(
        required=_known(target["path"], "required"),
        figures=tuple(_figures(target["years"])),
        projected=_known(line["path"], "projected") if line else {},
        wishes=tuple(_wishes(target, scenarios or ())),
    )


def _known(rows: Iterable[Mapping[str, Any]], name: str) -> dict[int, float]:
    return {row["year"]: float(row[name]) for row in rows if row[name] is not None}


def _figures(rows: Iterable[Mapping[str, Any]]) -> Iterator[Figure]:
    for row in rows:
        figure = row["figure"]
        if figure is not None:
            is_bound = figure["value"] is None
            kg = float(figure["at_least"] if is_bound else figure["value"])
            yield Figure(row["year"], kg, is_bound, row["on_path"])


def _wishes(target: Mapping[str, Any], scenarios: Iterable[Mapping[str, Any]]) -> Iterator[Wish]:
    for scenario in scenarios:
        after = next(
            (f["after"] for f in scenario["figures"] if f["ambition"] == target["ambition"]), None
        )
        if after is not None and after["value"] is not None:
            yield Wish(scenario["name"], scenario["start_year"], float(after["value"]))
