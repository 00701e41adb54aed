"""Targets, what became of them, and years restated with one fence, in the terminal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import click
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

from api.cli.figures import (
    BAR_WIDTH,
    Bar,
    asked_client,
    gwp_option,
    id_of,
    query_of,
    server_or_here_option,
    show_name,
    told_of_boundary,
    year_options,
)
from api.cli.options import token_option
from api.cli.speech import Speech, json_option, pass_speech
from api.figures.numbers import places_for, tonnes
from graph.books.restatement import Why
from graph.books.targets import FULL

_LEAST_SPAN: Final = 8
_BLOCK: Final = "█"
_LINE: Final = "▏"


# --- Targets -------------------------------------------------------------------------------


@click.command()
@click.argument("which", metavar="PARK|ENTERPRISE")
@year_options
@pass_speech
def targets(speech: Speech, /, which: str, **asked: Any) -> None:
    """The targets of a park or an enterprise: the path, what became of it, where it leads."""
    kind, answer = told_of_boundary(speech, which, "targets", **asked)
    if speech.as_json:
        speech.json(answer)
        return
    show_name(speech, answer[kind])
    speech.say("Years up to %(year)s with the fence of %(day)s; net, market-based.",
               year=str(answer["year"]), day=answer["fenceOn"])  # fmt: skip
    if not answer["targets"]:
        speech.say("No target stands.")
    for target in answer["targets"]:
        speech.out.print()
        _target(speech, target)
    for scenario in answer["scenarios"] or ():
        speech.out.print()
        _scenario(speech, scenario, answer["targets"])


def _target(speech: Speech, target: dict[str, Any]) -> None:
    speech.out.print(Text(target["name"], style="bold"))
    _about(speech, target)
    rows = list(_rows(target))
    largest = max((abs(kg) for row in rows for kg in row.numbers), default=0.0)
    places = places_for(largest)
    table = speech.table("Year", "", "At most", "t CO2e", "Beside the path", "",
                         right=("At most", "t CO2e", "Beside the path"))  # fmt: skip
    for row in rows:
        required = "?" if row.required is None else tonnes(row.required, places)
        table.add_row(
            str(row.year),
            Bar(row.figure, largest) if row.figure is not None else "",
            required,
            row.told(speech, places),
            _signed(row.distance, places),
            _verdict(speech, row),
        )
    speech.out.print(table)
    line = target["projection"]
    if line is None:
        speech.say("There is no projection: it needs two years whose figures are known and shown.")
    else:
        speech.say("Projected through %(years)s: %(rate)s t CO2e a year.",
                   years=", ".join(map(str, line["years"])),
                   rate=_signed(float(line["perYear"]), places))  # fmt: skip


def _about(speech: Speech, target: dict[str, Any]) -> None:
    scopes = speech.text("Scope 1, 2 and 3" if target["ambition"] == FULL else "Scope 1 and 2")
    speech.say("%(scopes)s, against %(base)s.", scopes=scopes, base=str(target["baseYear"]))
    base = target["base"]
    if base["figure"] is None or base["required"] is None:
        speech.say("The base year is not known, so that nothing is demanded of any other.")
    elif base["asItWas"] is not None and base["asItWas"] != base["figure"]:
        told = [float(base[name]["atLeast"]) for name in ("figure", "asItWas")]
        places = places_for(max(map(abs, told)))
        speech.say("The base year has %(now)s t CO2e with this fence, and had %(then)s.",
                   now=tonnes(told[0], places), then=tonnes(told[1], places))  # fmt: skip
    if target["zeroYear"] is not None:
        speech.say("Nothing may remain in %(year)s.", year=str(target["zeroYear"]))


@dataclass(frozen=True, slots=True)
class _Row:
    """A year of the chart; kg CO2e. ``is_projected``: where the line leads."""

    year: int
    required: float | None
    figure: float | None
    is_bound: bool
    is_projected: bool
    is_shown: bool
    distance: float | None
    on_path: bool | None

    @property
    def numbers(self) -> Iterator[float]:
        yield from (each for each in (self.required, self.figure) if each is not None)

    def told(self, speech: Speech, places: int) -> str:
        if self.figure is None:
            return speech.text("nothing stated" if self.is_shown else "not shown")
        text = tonnes(self.figure, places)
        if self.is_projected:
            return f"→ {text}"
        return f"≥ {text}" if self.is_bound else text


def _rows(target: dict[str, Any]) -> Iterator[_Row]:
    """Every year with a figure, then the milestones that are ahead."""
    last = 0
    for each in target["years"]:
        figure, last = each["figure"], each["year"]
        bound = figure is not None and figure["value"] is None
        kg = None if figure is None else float(figure["atLeast" if bound else "value"])
        yield _Row(each["year"], _number(each["required"]), kg, bound, False, each["shown"],
                   _number(each["distance"]), each["onPath"])  # fmt: skip
    for each in target["milestones"]:
        if each["year"] > last:
            kg = _number(each["projected"])
            yield _Row(each["year"], _number(each["required"]), kg, False, True, True,
                       _number(each["distance"]), each["onPath"])  # fmt: skip


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _signed(kg: float | None, places: int) -> str:
    if kg is None:
        return ""
    text = tonnes(kg, places)
    return text if text.startswith("-") else f"+{text}"


def _verdict(speech: Speech, row: _Row) -> str:
    if row.on_path is None:
        ahead = row.is_projected and row.figure is None
        return "" if ahead else speech.text("cannot be told")
    if row.is_projected:
        return speech.text("would be on the path" if row.on_path else "would be off the path")
    return speech.text("on the path" if row.on_path else "off the path")


def _scenario(speech: Speech, scenario: dict[str, Any], told: Iterable[dict[str, Any]]) -> None:
    speech.out.print(Text(scenario["name"], style="bold"))
    speech.say("A scenario from %(year)s on; nobody has said this.",
               year=str(scenario["startYear"]))  # fmt: skip
    if scenario["problem"] is not None:
        problem = scenario["problem"]
        speech.out.print(Text(f"  {problem['detail']} {problem['advice']}".rstrip()))
        return
    for each in scenario["figures"]:
        kg = [float(each[name]["atLeast"]) for name in ("before", "after")]
        places = places_for(max(map(abs, kg)))
        scopes = speech.text("Scope 1, 2 and 3" if each["ambition"] == FULL else "Scope 1 and 2")
        texts = [_amount(each[name], places) for name in ("before", "after")]
        speech.say("  %(scopes)s: %(before)s → %(after)s t CO2e (%(difference)s)",
                   scopes=scopes, before=texts[0], after=texts[1],
                   difference=_signed(_number(each["difference"]), places) or "?")  # fmt: skip
    _outlook(speech, scenario, {target["serial"]: target["name"] for target in told})
    for finding in scenario["findings"]:
        speech.out.print(Text(f"  {finding['sentence']}"))
    if float(scenario["unverifiedRemovals"] or 0):
        kg_removed = float(scenario["unverifiedRemovals"])
        speech.say("  %(tonnes)s t CO2 of removals in it are verified by nobody and do not count.",
                   tonnes=tonnes(kg_removed, places_for(kg_removed)))  # fmt: skip


def _amount(amount: dict[str, Any], places: int) -> str:
    if amount["value"] is None:
        return f"≥ {tonnes(float(amount['atLeast']), places)}"
    return tonnes(float(amount["value"]), places)


def _outlook(speech: Speech, scenario: dict[str, Any], names: dict[int, str]) -> None:
    for each in scenario["outlook"]:
        said = {"target": names[each["serial"]], "year": str(each["year"])}
        if each["onPath"] is None:
            speech.say("  %(target)s: in %(year)s, cannot be told.", **said)
        elif each["onPath"]:
            speech.say("  %(target)s: on the path in %(year)s, and up to %(last)s.",
                       **said, last=str(each["lastOnPath"]))  # fmt: skip
        else:
            speech.say("  %(target)s: off the path in %(year)s.", **said)


# --- Restatement ---------------------------------------------------------------------------


@click.command()
@click.argument("which", metavar="PARK")
@click.option("--base", type=int, required=True, help="The base year.")
@click.option("--year", type=int, help="The later year; by default the latest.")
@click.option(
    "--fence-on",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The day whose fence is laid over both years; by default the last of the later one.",
)
@gwp_option
@click.option("--at", type=click.IntRange(1), help="As of the first so many entries.")
@server_or_here_option
@token_option
@json_option
@pass_speech
def restatement(
    speech: Speech,
    /,
    which: str,
    server: str | None,
    token: str | None,
    fence_on: dt.datetime | None,
    **asked: Any,
) -> None:
    """A base year of a park with the members of a later year, and the way between the two."""
    client = asked_client(speech, server, token)
    query = query_of(fence_on=fence_on and fence_on.date(), **asked)
    answer = client.about("parks", id_of(client, "parks", which), "restatement", **query)
    if speech.as_json:
        speech.json(answer)
        return
    about = answer["park"]
    speech.out.print(Text(about["name"], style="bold"), Text(about["id"], style="dim"))
    speech.say("%(base)s and %(year)s with the fence of %(day)s: %(count)d sites.",
               base=str(answer["base"]), year=str(answer["year"]), day=answer["fenceOn"],
               count=len(answer["fence"]))  # fmt: skip
    speech.out.print()
    _waterfall(speech, answer)
    _moved(speech, answer)


@dataclass(frozen=True, slots=True)
class Span:
    """A bar that begins elsewhere than at zero, in a table: from ``start`` to ``end`` kg CO2e on a
    scale from 0 to ``largest``."""

    start: float
    end: float
    largest: float

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(_LEAST_SPAN, BAR_WIDTH)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, BAR_WIDTH)
        style = "green" if self.end <= self.start or self.start == 0 else "yellow"
        yield Text(span(self.start, self.end, self.largest, width), style=style, no_wrap=True)


def span(start: float, end: float, largest: float, width: int = BAR_WIDTH) -> str:
    """Blocks from the lower to the higher of two levels; a step of next to nothing is one line."""
    if largest <= 0:
        return ""
    low, high = sorted(round(width * max(0.0, each) / largest) for each in (start, end))
    if low == high:
        return " " * min(low, width - 1) + _LINE
    return " " * low + _BLOCK * (high - low)


def _waterfall(speech: Speech, answer: dict[str, Any]) -> None:
    levels = ("baseAsItWas", "baseRestated", "yearRestated", "yearAsItWas")
    largest = max(_known(answer[name]["t2"]) for name in levels)
    level = _known(answer["baseAsItWas"]["t2"])
    for each in answer["steps"]:
        level += _known(each["t2"])
        largest = max(largest, level)
    places = places_for(largest)
    table = speech.table("", "", "T2, t CO2e", "Scope 1, t CO2e",
                         right=("T2, t CO2e", "Scope 1, t CO2e"))  # fmt: skip
    for name, totals, start in _bars(speech, answer):
        is_step = "why" in totals
        kg = _known(totals["t2"])
        table.add_row(
            name,
            Span(start, start + kg, largest),
            *(_told(totals[scope], places, signed=is_step) for scope in ("t2", "scope1")),
        )
    speech.out.print(table)


def _bars(speech: Speech, answer: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], float]]:
    """Totals from zero and the steps between them, each with the level at which it starts."""
    base, year = str(answer["base"]), str(answer["year"])
    level = _known(answer["baseAsItWas"]["t2"])
    yield speech.text("%(year)s as it was", {"year": base}), answer["baseAsItWas"], 0.0
    for each in answer["steps"]:
        if each["why"] == Why.ACTIVITY:
            name = speech.text("%(year)s restated", {"year": base})
            yield name, answer["baseRestated"], 0.0
        yield _step_name(speech, each), each, level
        level += _known(each["t2"])
        if each["why"] == Why.ACTIVITY:
            name = speech.text("%(year)s restated", {"year": year})
            yield name, answer["yearRestated"], 0.0
    yield speech.text("%(year)s as it was", {"year": year}), answer["yearAsItWas"], 0.0


def _step_name(speech: Speech, step: dict[str, Any]) -> str:
    match step["why"]:
        case Why.LEFT:
            return "  " + speech.text("left (%(count)d)", {"count": step["sites"]})
        case Why.JOINED:
            return "  " + speech.text("joined (%(count)d)", {"count": step["sites"]})
        case Why.ACTIVITY:
            return "  " + speech.text("what became of the same sites")
        case _:
            return "  " + speech.text("days of the year outside")


def _known(amount: dict[str, Any]) -> float:
    return float(amount["value"] if amount["value"] is not None else amount["atLeast"])


def _told(amount: dict[str, Any], places: int, *, signed: bool) -> str:
    kg = _known(amount)
    text = _signed(kg, places) if signed else tonnes(kg, places)
    if amount["value"] is not None:
        return text
    return f"{text} ?" if signed else f"≥ {text}"


def _moved(speech: Speech, answer: dict[str, Any]) -> None:
    for each in answer["moved"]:
        parks = ", ".join(park["name"] for park in each["parks"])
        said = {"site": each["site"]["name"], "day": each["day"], "parks": parks}
        if each["why"] == Why.JOINED:
            text = speech.text("%(site)s joined on %(day)s.", said)
            more = speech.text("Before, it was in %(parks)s.", said) if parks else ""
        else:
            text = speech.text("%(site)s left on %(day)s.", said)
            more = speech.text("It is in %(parks)s now.", said) if parks else ""
        speech.out.print(Text(f"{text} {more}".rstrip()))
        if each["t2"] is not None:
            places = places_for(_known(each["t2"]))
            speech.say("  %(t2)s t CO2e of T2, %(scope1)s of Scope 1.",
                       t2=_told(each["t2"], places, signed=True),
                       scope1=_told(each["scope1"], places, signed=True))  # fmt: skip
    for each in answer["handed"]:
        speech.say("%(site)s passed from %(giver)s to %(taker)s on %(day)s.",
                   site=each["site"]["name"], giver=each["giver"]["name"],
                   taker=each["taker"]["name"], day=each["day"])  # fmt: skip
