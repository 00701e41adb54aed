"""Pictures of figures: the bridge, the way from gross to net, and how far a figure is known.

What is drawn is what the page says in numbers; a picture adds none of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from flask_babel import lazy_gettext

from api.figures.numbers import tonnes
from api.figures.parts import Answer
from api.pages import waterfall
from api.pages.waterfall import Picture, Step

_LABELS: Final = {
    "t0": lazy_gettext("All products (T0)"),
    "internal": lazy_gettext("Trade inside"),
    "t1": lazy_gettext("Deliveries (T1)"),
    "returned": lazy_gettext("Came back"),
    "t2": lazy_gettext("The park (T2)"),
    "upstream": lazy_gettext("Upstream"),
    "scope3": lazy_gettext("Scope 3"),
    "scope2": lazy_gettext("Scope 2"),
    "scope1": lazy_gettext("Scope 1"),
    "gross": lazy_gettext("Gross"),
    "captured": lazy_gettext("Captured"),
    "removed": lazy_gettext("Removed by sinks"),
    "net": lazy_gettext("Net"),
    "offsets": lazy_gettext("Offsets, beside"),
}


def bridge_picture(books: Answer, places: int) -> Picture:
    """From T0 down to T2, as far as it can be assessed, then what T2 consists of down to zero.

    ``places``: decimals of the numbers above the bars.
    """
    parts = _parts(books)
    figures = [*parts.values(), *(f for f in map(books["bridge"].get, _BRIDGE) if f is not None)]
    # One measure for all, or the steps would not meet.
    measure = "value" if all(each["value"] is not None for each in figures) else "at_least"
    steps = [*_eliminations(books["bridge"], measure), *_descent(books, parts, measure)]
    return waterfall.picture([_step(*step, measure, places) for step in steps])


_BRIDGE: Final = ("t0", "internal", "t1", "returned", "t2")
_Drawn: TypeAlias = tuple[str, Answer, float, float]
"""Kind, amount, and where the bar starts and ends."""


def _eliminations(bridge: Answer, measure: str) -> Iterator[_Drawn]:
    if bridge["t0"] is not None:
        t0, t1, t2 = (bridge[name][measure] for name in ("t0", "t1", "t2"))
        yield "t0", bridge["t0"], 0.0, t0
        yield "internal", bridge["internal"], t0, t1
        yield "t1", bridge["t1"], 0.0, t1
        yield "returned", bridge["returned"], t1, t2
    yield "t2", bridge["t2"], 0.0, bridge["t2"][measure]


def _parts(books: Answer) -> dict[str, Answer]:
    """What T2 consists of; Scope 2 and 3 together where they cannot be told apart."""
    location, scope3 = books["scope2"]["location"], books["scope3"]["upstream"]
    parts = {"upstream": books["upstream"]}
    if location is not None and scope3 is not None:
        is_split = location["value"] is not None and scope3["value"] is not None
        if is_split or books["upstream"]["value"] is None:
            parts = {"scope3": scope3, "scope2": location}
    return {**parts, "scope1": books["scope1"]}


def _descent(books: Answer, parts: Mapping[str, Answer], measure: str) -> Iterator[_Drawn]:
    level = books["bridge"]["t2"][measure]
    for kind, figure in parts.items():
        yield kind, figure, level, level - figure[measure]
        level -= figure[measure]


def _step(kind: str, figure: Answer, start: float, end: float, measure: str, places: int) -> Step:
    """Of two lower bounds the difference is only about right; a lower bound says that it is one."""
    removed = kind in ("internal", "returned")
    is_exact = measure == "value" or figure["lacking"] == "nothing"
    sign = "" if is_exact else "≈ " if removed else "≥ "
    told = sign + tonnes(-figure[measure] if removed else figure[measure], places)
    label = str(_LABELS[kind])
    return Step(kind, label, told.replace("-", "−"), start, end)


def net_picture(inventory: Answer, places: int) -> Picture | None:
    """What the gross figure consists of, market-based, and what brings it down to net.

    Of all scopes, or of Scope 1 and 2 where nothing else is shown; ``None`` where no net figure is.
    Offsets stand apart: nothing leads from them to the net figure.
    """
    shown = (each for each in ("full", "operational") if inventory["net"][each]["market"])
    reach = next(shown, None)
    if reach is None:
        return None
    gross, net = (inventory[name][reach]["market"] for name in ("gross", "net"))
    measure = "value" if net["value"] is not None else "at_least"
    drawn = [*_ascent(inventory, reach, measure), ("gross", gross, 0.0, gross[measure])]
    steps = [_step(*each, measure, places) for each in drawn]
    steps += _deductions(inventory["ledgers"], gross[measure], places)
    steps.append(_step("net", net, 0.0, net[measure], measure, places))
    if offsets := inventory["ledgers"]["offsets"]["amount"]:
        steps.append(replace(_bare("offsets", offsets, 0.0, offsets, places), apart=True))
    return waterfall.picture(steps)


def _ascent(inventory: Answer, reach: str, measure: str) -> Iterator[_Drawn]:
    parts = {"scope1": inventory["scope1"], "scope2": inventory["scope2"]["market"]}
    if reach == "full":
        parts["scope3"] = inventory["scope3"]["total"]
    level = 0.0
    for kind, figure in parts.items():
        yield kind, figure, level, level + figure[measure]
        level += figure[measure]


def _deductions(ledgers: Answer, gross: float, places: int) -> Iterator[Step]:
    """Steps from gross towards net; a ledger in which nothing counts has none."""
    counted = {
        "captured": ledgers["captured"]["stored_fossil"],
        "removed": ledgers["removals"]["verified"],
    }
    level = gross
    for kind, kg in counted.items():
        if kg:
            yield _bare(kind, -kg, level, level - kg, places)
            level -= kg


def _bare(kind: str, kg: float, start: float, end: float, places: int) -> Step:
    """A step of what is known as it is stated."""
    return Step(kind, str(_LABELS[kind]), tonnes(kg, places).replace("-", "−"), start, end)


@dataclass(frozen=True, slots=True)
class Bounds:
    """A bar of `BOUNDS_WIDTH`: what is known, what is filled in, and how much higher it may be."""

    known: float
    filled: float
    spread: float


BOUNDS_WIDTH: Final = 920.0


def bounds_of(figure: Answer) -> Bounds | None:
    """The bar of a figure that rests on estimates; ``None`` where there is nothing to show."""
    if figure["value"] is None or figure["lacking"] == "nothing" or figure["upper"] <= 0:
        return None
    scale = BOUNDS_WIDTH / figure["upper"]
    lower, value, upper = (max(0.0, figure[name]) for name in ("lower", "value", "upper"))
    return Bounds(scale * lower, scale * (value - lower), scale * (upper - value))
