"""The carbon account of an enterprise or a park in the terminal: a waterfall, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from api.cli.figures import (
    BAR_WIDTH,
    MOST_LINES,
    number_text,
    show_name,
    told_of_boundary,
    year_options,
)
from api.cli.speech import Speech, pass_speech
from api.figures.numbers import percent, places_for, tonnes
from graph.books.account_rows import Matter
from graph.books.advice import Less
from graph.books.movements import Cause

_LEAST_WIDTH: Final = 12
_ITEMS: Final = 3
_ROOM: Final = 0.25
"""How much of what moved is shown below the lowest level, where the rest of the bars is cut off."""


@dataclass(frozen=True, slots=True)
class Step:
    """A bar from ``start`` to ``end`` kg; a total begins at zero."""

    start: float
    end: float
    is_total: bool = False


@dataclass(frozen=True, slots=True)
class Floating:
    """A bar of a waterfall on a scale from ``low`` to ``high``; totals are cut off at ``low``."""

    step: Step
    low: float
    high: float

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(_LEAST_WIDTH, BAR_WIDTH)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, BAR_WIDTH)
        yield Text.assemble(*self.drawn(width), no_wrap=True)

    def drawn(self, width: int) -> tuple[tuple[str, str], ...]:
        """Parts of a line with their styles: what is left empty, what is cut off, the bar."""
        step = self.step
        if step.is_total:
            full = max(1, self._at(step.end, width))
            cut = "╱" if self.low > 0 else "█"
            return (cut + "█" * (full - 1), "cyan"), ("", "")
        first, last = sorted((self._at(step.start, width), self._at(step.end, width)))
        bar = "█" * max(1, last - first) if step.start != step.end else "│"
        return (" " * first, ""), (bar, "red" if step.end > step.start else "green")

    def _at(self, kg: float, width: int) -> int:
        span = self.high - self.low
        return round((width - 1) * (kg - self.low) / span) if span > 0 else 0


def floating(steps: Sequence[Step]) -> list[Floating]:
    """The bars on one scale, which begins at zero unless what moved would hardly be seen then."""
    levels = [step.end for step in steps] + [s.start for s in steps if not s.is_total]
    high, lowest = max(0.0, *levels), min(levels)
    low = lowest - _ROOM * (high - lowest)
    if low <= 0 or high == lowest:
        low = min(0.0, lowest)
    return [Floating(step, low, high) for step in steps]


@click.command()
@click.argument("which", metavar="PARK|ENTERPRISE")
@year_options
@click.option(
    "--from", "since", type=int, help="The year to begin with; by default the one before."
)
@pass_speech
def account(speech: Speech, /, which: str, since: int | None, **asked: Any) -> None:
    """The carbon account of a park or an enterprise: opening, what moved it and why, closing.

    The opening is the figure of the year before as it was published, and that of today where it
    was not. Below it stand what is behind each cause, what is made, and the largest levers.
    """
    asked["from"] = since
    kind, answer = told_of_boundary(speech, which, "account", **asked)
    if speech.as_json:
        speech.json(answer)
        return
    show_name(speech, answer[kind])
    _opening(speech, answer)
    _waterfall(speech, answer)
    _behind(speech, answer)
    _products(speech, answer)
    _advice(speech, answer)


def _opening(speech: Speech, answer: dict[str, Any]) -> None:
    speech.say("From %(first)s to %(last)s, GWP %(gwp)s.",
               first=str(answer["from"]), last=str(answer["year"]), gwp=answer["gwp"])  # fmt: skip
    published = answer["published"]
    if published is None:
        speech.say("No figure was published for %(year)s: it opens as it is known today.",
                   year=str(answer["from"]))  # fmt: skip
    else:
        speech.say("It opens as published in entry %(index)d.", index=published["index"])


# --- The waterfall ---------------------------------------------------------------------------


def _waterfall(speech: Speech, answer: dict[str, Any]) -> None:
    ends, movements = answer["account"], answer["movements"]
    is_valued = all(_is_valued(each) for each in (ends["opening"], ends["closing"], *movements))
    name = "value" if is_valued else "atLeast"
    first, last = float(ends["opening"][name]), float(ends["closing"][name])
    moved = [float(each[name]) for each in movements]
    bars = floating(list(_steps(first, moved, last)))
    largest = max(map(abs, (first, last, *moved)))
    places, words = places_for(largest), _cause_words(speech)
    named = [
        speech.text("Opening %(year)s", {"year": str(answer["from"])}),
        *(words[Cause(each["cause"])] for each in movements),
        speech.text("Closing %(year)s", {"year": str(answer["year"])}),
    ]
    table = speech.table("", "", "t CO2e", right=("t CO2e",))
    for told, bar, kg in zip(named, bars, (first, *moved, last), strict=True):
        sign = "+" if kg > 0 and not bar.step.is_total else ""
        bound = "≥ " if bar.step.is_total and not is_valued else ""
        table.add_row(told, bar, bound + sign + tonnes(kg, places))
    speech.out.print()
    speech.out.print(table)
    if not is_valued:
        speech.say("Something is open: these are lower bounds, and what moved of what is known.")
    if bars[0].low > 0:
        speech.say("The bars begin at %(kg)s t.", kg=tonnes(bars[0].low, places))


def _is_valued(each: dict[str, Any]) -> bool:
    return each["value"] is not None


def _steps(opening: float, moved: Sequence[float], closing: float) -> Iterator[Step]:
    level = opening
    yield Step(0.0, opening, is_total=True)
    for kg in moved:
        yield Step(level, level + kg)
        level += kg
    yield Step(0.0, closing, is_total=True)


def _cause_words(speech: Speech) -> dict[Cause, str]:
    return {
        Cause.RESTATEMENT: speech.text("Restatement"),
        Cause.STRUCTURE: speech.text("Sites that joined or left"),
        Cause.ACTIVITY: speech.text("Activity"),
        Cause.SUPPLIER: speech.text("Other suppliers"),
        Cause.FACTOR: speech.text("Other footprints and factors"),
        Cause.METHOD: speech.text("Known in another way"),
        Cause.UNKNOWN: speech.text("Unknown in one of the years"),
        Cause.UNDISCLOSED: speech.text("Not disclosed"),
    }


# --- What is behind it -----------------------------------------------------------------------


def _behind(speech: Speech, answer: dict[str, Any]) -> None:
    """The largest items of each cause."""
    table = speech.table("Cause", "Behind it", "t CO2e", right=("t CO2e",))
    words = _cause_words(speech)
    places = _places(item for each in answer["movements"] for item in each["items"])
    for movement in answer["movements"]:
        cause, items = words[Cause(movement["cause"])], movement["items"][:_ITEMS]
        for item in items:
            table.add_row(cause, _about(speech, item), _moved(item, places))
            cause = ""
    if table.row_count:
        speech.out.print()
        speech.out.print(table)


def _about(speech: Speech, item: dict[str, Any]) -> str:
    """What an item or a lever is about, and who supplies it or where it is."""
    product, site, enterprise = item["product"], item["site"], item["enterprise"]
    if product is not None:
        return f"{product['name']} ({enterprise['name']})" if enterprise else str(product["name"])
    if item["kind"] == Matter.DIRECT or item.get("less") == Less.EMITTED:
        return f"{_sources(speech)[item['of']]} ({site['name']})"
    told = _carriers(speech).get(item["of"], item["of"]) or (site["name"] if site else "")
    return f"{told} ({site['name']})" if item["kind"] == Matter.FUEL else told


def _sources(speech: Speech) -> dict[str | None, str]:
    return {
        None: speech.text("direct emissions"),
        "combustion": speech.text("combustion"),
        "process": speech.text("process emissions"),
        "fugitive": speech.text("fugitive emissions"),
        "waste": speech.text("treatment of waste"),
        "other": speech.text("other direct emissions"),
    }


def _carriers(speech: Speech) -> dict[str, str]:
    return {
        "electricity": speech.text("electricity"),
        "heat": speech.text("heat"),
        "steam": speech.text("steam"),
        "cooling": speech.text("cooling"),
    }


def _kg(moved: dict[str, Any]) -> float:
    """What moved; of what is known where there is no value."""
    return float(moved["value"] if moved["value"] is not None else moved["atLeast"])


def _places(items: Iterable[dict[str, Any]]) -> int:
    return places_for(max((abs(_kg(item)) for item in items), default=0.0))


def _moved(item: dict[str, Any], places: int) -> str:
    """Both ways with a sign."""
    kg = _kg(item)
    return ("+" if kg > 0 else "") + tonnes(kg, places)


def _products(speech: Speech, answer: dict[str, Any]) -> None:
    table = speech.table(
        "Product",
        "Year",
        "kg CO2e per unit",
        "Output",
        "t CO2e",
        "Share",
        right=("kg CO2e per unit", "Output", "t CO2e", "Share"),
    )
    for line in answer["products"][:MOST_LINES]:
        name = line["product"]["name"]
        for year, made in ((answer["from"], line["before"]), (answer["year"], line["after"])):
            if made is not None:
                table.add_row(name, str(year), *_made(made))
                name = ""
    if table.row_count:
        speech.out.print()
        speech.out.print(table)
    more = len(answer["products"][MOST_LINES:]) + answer["productsNotShown"]
    if more:
        speech.say("  … and %(count)d more.", count=more)
    for year, worth in _worth(answer):
        if worth["perUnit"] is not None:
            speech.say("%(year)s: %(kg)s kg CO2e per unit of %(unit)s.",
                       year=str(year), kg=number_text(worth["perUnit"]),
                       unit=worth["unit"])  # fmt: skip


def _made(made: dict[str, Any]) -> tuple[str, ...]:
    footprint, kg, share = made["footprint"], made["kgCo2e"], made["share"]
    per_unit = "?"
    if footprint is not None:
        is_open = footprint["value"] is None
        per_unit = ("≥ " if is_open else "") + number_text(
            footprint["atLeast"] if is_open else footprint["value"]
        )
    return (
        per_unit,
        "?" if made["output"] is None else number_text(made["output"]),
        "?" if kg is None else tonnes(float(kg), places_for(float(kg))),
        "?" if share is None else percent(float(share)),
    )


def _worth(answer: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    values = answer["outputValue"]
    for year, worth in ((answer["from"], values["before"]), (answer["year"], values["after"])):
        if worth is not None:
            yield year, worth


# --- What to do ------------------------------------------------------------------------------


def _advice(speech: Speech, answer: dict[str, Any]) -> None:
    """The largest levers, with what they do to the own figure and to the parks."""
    if not answer["advice"]:
        return
    parks = [each["park"] for each in answer["advice"][0]["parks"]]
    named = [each["name"] for each in parks]
    table = speech.table("A tenth less of", "t CO2e", *named, right=("t CO2e", *named))
    places = _places(advice["t2"] for advice in answer["advice"])
    for advice in answer["advice"]:
        effects = [_effect(speech, each["t2"], places) for each in advice["parks"]]
        table.add_row(_about(speech, advice), _moved(advice["t2"], places), *effects)
    speech.out.print()
    speech.out.print(table)
    on_parks = [each["t2"] for advice in answer["advice"] for each in advice["parks"]]
    if any(kg is not None and not _kg(kg) for kg in on_parks):
        speech.say("What is made within a park counts there whoever takes it: less of it moves the "
                   "park once its maker makes less.")  # fmt: skip


def _effect(speech: Speech, kg: dict[str, Any] | None, places: int) -> str:
    return speech.text("not shown") if kg is None else _moved(kg, places)
