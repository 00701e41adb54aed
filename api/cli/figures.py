"""Figures in the terminal: products, parks, enterprises."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import click
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from api.cli.local import local_client
from api.cli.options import token_option
from api.cli.speech import Speech, json_option, pass_speech
from api.client import Client, Refused
from api.errors import NameAmbiguous, NameUnknown
from api.figures.grades import COVER_WORDS
from api.figures.ladder import RUNG_WORDS, SEVERAL
from api.figures.numbers import compact, percent, places_for, tonnes
from api.figures.scope3 import CATEGORIES
from api.settings import Settings
from graph.terms import BASES, Assessed, Cover, Feed, Rung, category_name
from ledger.gases import GWP_SETS

PLURALS: Final = {"product": "products", "park": "parks", "enterprise": "enterprises"}
"""What has figures -> how its address begins."""
BAR_WIDTH: Final = 36
_LEAST_BAR: Final = 8
MOST_LINES: Final = 12
_FULL = "█"
_EIGHTHS = " ▏▎▍▌▋▊▉"


def server_or_here_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--server",
        envvar="CATCHMENT_SERVER",
        show_envvar=True,
        help="Ask this server, with a token; otherwise the database of this machine.",
    )(command)


def gwp_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--gwp", type=click.Choice(GWP_SETS, case_sensitive=False), help="By default AR6."
    )(command)


def year_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What everything about a year is asked with."""
    for option in (
        json_option,
        token_option,
        server_or_here_option,
        click.option("--at", type=click.IntRange(1), help="As of the first so many entries."),
        gwp_option,
        click.option("--year", type=int, help="Calendar year; by default the latest."),
    ):
        command = option(command)
    return command


def question_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What every figure is asked with."""
    day = click.option(
        "--valid-on",
        type=click.DateTime(["%Y-%m-%d"]),
        metavar="YYYY-MM-DD",
        help="As of one day: what is in force on it stands for its whole year.",
    )
    return year_options(day(command))


def _asks(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.argument("which", metavar="ID|NAME")(question_options(command))


@click.command()
@_asks
@click.option("--site", help="One site; by default the mix of all that make it.")
@pass_speech
def product(speech: Speech, /, which: str, site: str | None, **asked: Any) -> None:
    """The footprint of a product, with its gases and its gaps."""
    figure = _figure(speech, "products", which, site=site, **asked)
    if speech.as_json:
        speech.json(figure)
        return
    _heading(speech, figure, figure["product"])
    table = speech.table("", "Value", "Unit", right=("Value",))
    table.show_header = False
    table.add_row(speech.text("Footprint"), _figure_text(figure), figure["unit"])
    for told, part in (
        (speech.text("Declared"), figure["declared"]),
        (speech.text("Residual"), figure["residual"]),
    ):
        if part is not None:
            table.add_row(told, number_text(part), figure["unit"])
    if figure["coverage"] is not None:
        table.add_row(speech.text("Coverage"), percent(float(figure["coverage"])), "")
    speech.out.print(table)
    _bounds(speech, figure, number_text)
    _stand_ins(speech, figure)
    _gases(speech, figure["byGas"])
    _noticed(speech, figure)


@click.command()
@_asks
@pass_speech
def park(speech: Speech, /, which: str, **asked: Any) -> None:
    """The books of a park: Scope 1, 2 and 3, and the bridge T0 → T1 → T2."""
    _books(speech, "parks", which, asked)


@click.command()
@_asks
@pass_speech
def enterprise(speech: Speech, /, which: str, **asked: Any) -> None:
    """The books of an enterprise: all its sites, wherever they are."""
    _books(speech, "enterprises", which, asked)


# --- Asking --------------------------------------------------------------------------------


def asked_client(speech: Speech, server: str | None, token: str | None) -> Client:
    """The server that is named, or the database of this machine, read with an auditor's eyes."""
    if server:
        return Client(server, token, language=speech.language)
    return local_client(Settings.from_env(), speech.language)


def _figure(
    speech: Speech,
    kind: str,
    which: str,
    *,
    server: str | None,
    token: str | None,
    year: int | None,
    gwp: str | None,
    at: int | None,
    valid_on: dt.datetime | None,
    site: str | None = None,
) -> dict[str, Any]:
    client = asked_client(speech, server, token)
    query = query_of(year=year, gwp=gwp, at=at, valid_on=valid_on and valid_on.date(), site=site)
    return client.figure(kind, id_of(client, kind, which), **query)


def query_of(**question: object) -> dict[str, str | None]:
    """What is asked, as the query of an address has it."""
    return {name: None if value is None else str(value) for name, value in question.items()}


def id_of(client: Client, kind: str, which: str) -> str:
    """The id of what is called by id or by name. Raises NameUnknown or NameAmbiguous."""
    if _is_id(which):
        return which.lower()
    found = client.entities(kind, name=which)
    exact = [each for each in found if each["name"].casefold() == which.casefold()]
    candidates = exact or found
    if not candidates:
        raise NameUnknown(kind=_singular(kind), text=which)
    if len(candidates) > 1:
        choices = ", ".join(f"{each['name']} ({each['id']})" for each in candidates[:MOST_LINES])
        raise NameAmbiguous(kind=_singular(kind), text=which, choices=choices)
    return str(candidates[0]["id"])


def registered(client: Client, kind: str, which: str) -> str:
    """As `id_of`, and of an id too it is looked whether anything registered has it.

    Raises NameUnknown or NameAmbiguous.
    """
    try:
        return str(client.entity(kind, id_of(client, kind, which))["id"])
    except Refused as refused:
        if refused.problem["status"] != HTTPStatus.NOT_FOUND:
            raise
        raise NameUnknown(kind=_singular(kind), text=which) from None


def _singular(kind: str) -> str:
    return next(one for one, plural in PLURALS.items() if plural == kind)


def boundary_of(client: Client, which: str) -> tuple[str, str]:
    """What a name or an id is of, a park or else an enterprise, and its id.

    Raises NameUnknown or NameAmbiguous.
    """
    for kind in ("park", "enterprise"):
        try:
            found = id_of(client, PLURALS[kind], which)
        except NameUnknown:
            continue
        is_name = found != which.lower()
        if is_name or any(each["id"] == found for each in client.entities(PLURALS[kind])):
            return kind, found
    raise NameUnknown(kind="boundary", text=which)


def told_of_boundary(
    speech: Speech,
    which: str,
    resource: str,
    *,
    server: str | None,
    token: str | None,
    **question: object,
) -> tuple[str, dict[str, Any]]:
    """Whether it is a park or an enterprise, and what there is to say of it."""
    client = asked_client(speech, server, token)
    kind, entity = boundary_of(client, which)
    return kind, client.about(PLURALS[kind], entity, resource, **query_of(**question))


def show_name(speech: Speech, about: dict[str, Any]) -> None:
    """What something is called, and its id."""
    speech.out.print(Text(about["name"], style="bold"), Text(about["id"], style="dim"))


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


# --- Showing -------------------------------------------------------------------------------


def _books(speech: Speech, kind: str, which: str, asked: dict[str, Any]) -> None:
    books = _figure(speech, kind, which, **asked)
    if speech.as_json:
        speech.json(books)
        return
    show_inventory(speech, books, books.get("park") or books["enterprise"])


def show_inventory(speech: Speech, books: dict[str, Any], about: dict[str, Any]) -> None:
    """The whole inventory: all scopes, the way to the net figure, its status, and the books."""
    _heading(speech, books, about)
    scope2, scope3 = books["scope2"], books["scope3"]
    table = speech.table("", "t CO2e", "Coverage", "", right=("t CO2e", "Coverage"))
    rows = [
        (speech.text("Scope 1"), books["scope1"], ""),
        (speech.text("Scope 2, location-based"), scope2["location"], ""),
        (speech.text("Scope 2, market-based"), scope2["market"], ""),
        (speech.text("Scope 3, upstream"), scope3["upstream"], ""),
        *_category_rows(speech, scope3["byCategory"], "upstream"),
        (speech.text("Scope 3, downstream"), scope3["downstream"], ""),
        *_category_rows(speech, scope3["byCategory"], "downstream"),
        (speech.text("Scope 3 in all"), scope3["total"], ""),
    ]
    places = places_for(max(float(amount["atLeast"]) for _, amount, _ in rows if amount))
    for name, amount, told in rows:
        _row(speech, table, name, amount, places, told)
    speech.out.print(table)
    show_net(speech, books, places)
    _explained(speech, books, places)


def _category_rows(
    speech: Speech, categories: list[dict[str, Any]], direction: str
) -> Iterator[tuple[str, dict[str, Any] | None, str]]:
    for each in categories:
        if each["direction"] == direction:
            whole = each["status"] in _WHOLE
            told = "" if whole else speech.text(COVER_WORDS[Cover(each["status"])])
            yield _category(each), each["amount"], told


_WHOLE: Final = [str(each) for each in Cover if each.is_whole]


def show_net(speech: Speech, books: dict[str, Any], places: int) -> None:
    """From gross to net by both methods of Scope 2, offsets beside it, and the status."""
    ledgers = books["ledgers"]
    table = speech.table(
        "Net", "location-based", "market-based", right=("location-based", "market-based")
    )

    def row(name: str, amounts: dict[str, Any], less: bool = False) -> None:
        told = [_net_text(speech, amounts[basis], places, less) for basis in BASES]
        table.add_row(name, *told)

    def alike(kg: str | None) -> dict[str, Any]:
        return dict.fromkeys(BASES, kg and {"value": kg, "atLeast": kg})

    captured = alike(ledgers["captured"]["storedFossil"])
    removed = alike(ledgers["removals"]["verified"])
    row(speech.text("Scope 1 and 2, gross"), books["gross"]["operational"])
    row(speech.text("  fossil CO2 captured and stored"), captured, less=True)
    row(speech.text("  verified removals"), removed, less=True)
    row(speech.text("Operational net"), books["net"]["operational"])
    row(speech.text("Scope 1, 2 and 3, gross"), books["gross"]["full"])
    row(speech.text("Full net"), books["net"]["full"])
    speech.out.print()
    speech.out.print(table)
    _beside_net(speech, books, places)
    _status_of(speech, books["status"])


def _net_text(speech: Speech, amount: dict[str, Any] | None, places: int, less: bool) -> str:
    if amount is None:
        return speech.text("not shown")
    text = _tonnes(amount, places)
    return f"−{text}" if less and float(amount["value"]) else text


def _beside_net(speech: Speech, books: dict[str, Any], places: int) -> None:
    """What does not lower the net figure: unverified sinks, biogenic carbon, offsets."""
    ledgers, offsets = books["ledgers"], books["ledgers"]["offsets"]
    unverified, biogenic = ledgers["removals"]["unverified"], books["biogenic"]
    if unverified is not None and float(unverified):
        speech.say("Not verified, and not counted: %(tonnes)s t CO2 of removals.",
                   tonnes=tonnes(float(unverified), places))  # fmt: skip
    if biogenic is not None and float(biogenic):
        speech.say("Biogenic CO2, in no scope: %(tonnes)s t.",
                   tonnes=tonnes(float(biogenic), places))  # fmt: skip
    if float(offsets["amount"]):
        share = offsets["shareOfGross"]
        speech.say("Offsets beside the net figure, which they do not lower: %(tonnes)s t CO2e "
                   "(%(share)s of the full gross figure).",
                   tonnes=tonnes(float(offsets["amount"]), places),
                   share="?" if share is None else percent(float(share)))  # fmt: skip


def _status_of(speech: Speech, status: dict[str, Any]) -> None:
    speech.out.print()
    speech.out.print(Text.assemble((speech.text("Status") + ": ", "bold"), status["title"]))
    for grade in status["grades"]:
        if grade["reached"]:
            speech.out.print(Text(f"  ✓ {grade['title']}", style="green"))
            continue
        speech.out.print(Text(f"  ✗ {grade['title']}"))
        for each in grade["obstacles"][:MOST_LINES]:
            speech.out.print(Text(f"      {each['sentence']}", style="dim"))


def show_books(speech: Speech, books: dict[str, Any], about: dict[str, Any]) -> None:
    """The books of a boundary: scopes, bridge, bounds, gases, and what is missing."""
    _heading(speech, books, about)
    table = speech.table("", "t CO2e", "Coverage", right=("t CO2e", "Coverage"))
    rows = [
        (speech.text("Scope 1"), books["scope1"]),
        (speech.text("Scope 2, location-based"), books["scope2"]["location"]),
        (speech.text("Scope 2, market-based"), books["scope2"]["market"]),
        (speech.text("Scope 3, upstream"), books["scope3"]["upstream"]),
        *((_category(part), part) for part in books["scope3"]["byCategory"]),
    ]
    places = places_for(max(float(amount["atLeast"]) for _, amount in rows if amount))
    for name, amount in rows:
        _row(speech, table, name, amount, places)
    for part in books["scope3"]["notStated"]:
        table.add_row(_category(part), speech.text("nothing stated"), "")
    speech.out.print(table)
    _explained(speech, books, places)


def _explained(speech: Speech, books: dict[str, Any], places: int) -> None:
    """The bridge, bounds, gases, and what is missing."""
    _bridge(speech, books)
    t2 = books["bridge"]["t2"]
    _bounds(speech, {**t2, "rungs": books["rungs"]}, lambda text: tonnes(float(text or 0), places))
    _gases(speech, books["byGas"]["scope1"])
    _noticed(speech, books)


def _category(part: dict[str, Any]) -> str:
    """Indented below its scope; its name is in the reader's language, as the API says it."""
    return f"  {part['category'] or ''} {part['name']}"


def _row(
    speech: Speech,
    table: Table,
    name: str,
    amount: dict[str, Any] | None,
    places: int,
    told: str | None = None,
) -> None:
    """``told``: what else there is to say, in tables that have room for it."""
    more = () if told is None else (told,)
    if amount is None:
        table.add_row(name, "" if told else speech.text("not shown"), "", *more)
        return
    covered = amount["coverage"]
    share = "?" if covered is None else percent(float(covered))
    table.add_row(name, _tonnes(amount, places), share, *more)


def _bounds(speech: Speech, figure: dict[str, Any], written: Callable[[str | None], str]) -> None:
    """Known, filled in and the upper bound as one bar, and how well the figure is known."""
    if figure["value"] is not None and figure["lacking"] != "nothing":
        lower, value, upper = (float(figure[name]) for name in ("lower", "value", "upper"))
        drawn = bounds_bar(lower, value, upper)
        speech.out.print()
        speech.out.print(Text.assemble(*zip(drawn, ("green", "yellow", "dim"), strict=True)))
        speech.say("known %(lower)s, with estimates %(value)s, at most %(upper)s",
                   lower=written(figure["lower"]), value=written(figure["value"]),
                   upper=written(figure["upper"]))  # fmt: skip
    rungs = [row for row in figure["rungs"] or () if row["rung"] != str(Rung.COMPUTED)]
    if rungs:
        told = ", ".join(
            f"{rung_text(speech, row['rung'])} {percent(float(row['share']))}"
            for row in figure["rungs"]
        )
        speech.say("How well it is known: %(rungs)s.", rungs=told)


def bounds_bar(lower: float, value: float, upper: float) -> tuple[str, str, str]:
    """What is known, filled in, and may come on top, as three parts of ``BAR_WIDTH`` characters."""
    if upper <= 0:
        return "", "", ""
    known, filled = (round(BAR_WIDTH * max(0.0, each) / upper) for each in (lower, value))
    return _FULL * known, "▓" * (filled - known), "░" * (BAR_WIDTH - filled)


def number_names(speech: Speech) -> dict[str, str]:
    """What people call the numbers of a figure."""
    return {
        "footprint": speech.text("Footprint"),
        "scope1": speech.text("Scope 1"),
        "scope2Location": speech.text("Scope 2, location-based"),
        "scope2Market": speech.text("Scope 2, market-based"),
        "scope3Upstream": speech.text("Scope 3, upstream"),
        **{category_name(n): f"  {n} {speech.text(name)}" for n, name in CATEGORIES.items()},
        "upstream": speech.text("Scope 2 and upstream Scope 3"),
        "t0": "T0",
        "t1": "T1",
        "t2": "T2",
        "returned": "T1 − T2",
        "captured": speech.text("Fossil CO2 captured and stored"),
        "removals": speech.text("Verified removals"),
        "offsets": speech.text("Offsets"),
        "netOperationalLocation": speech.text("Operational net, location-based"),
        "netOperationalMarket": speech.text("Operational net, market-based"),
    }


def rung_text(speech: Speech, rung: str | None) -> str:
    """How an amount is known, in words; None where several rungs are added up."""
    return speech.text(RUNG_WORDS[Rung(rung)] if rung else SEVERAL)


def _bridge(speech: Speech, books: dict[str, Any]) -> None:
    """T0, T1 and T2 as bars on one scale; what cannot be assessed says so."""
    bridge = books["bridge"]
    steps = [
        ("T0", speech.text("all that is made inside, added up"), bridge["t0"]),
        ("T1", speech.text("without what tenants sell each other"), bridge["t1"]),
        ("T2", speech.text("without what left and came back"), bridge["t2"]),
    ]
    largest = max((float(a["value"] or a["atLeast"]) for _, _, a in steps if a), default=0.0)
    table = speech.table("Bridge", "", "t CO2e", "", right=("t CO2e",))
    for name, meaning, amount in steps:
        if amount is None:
            table.add_row(name, "", speech.text("not assessable"), meaning)
        else:
            drawn = Bar(float(amount["value"] or amount["atLeast"]), largest)
            table.add_row(name, drawn, _tonnes(amount, places_for(largest)), meaning)
    speech.out.print()
    speech.out.print(table)
    if bridge["status"] != Assessed.ASSESSED:
        speech.say("T2 is %(status)s.", status=_status(speech, bridge["status"]))
    if books["returning"] != Assessed.ASSESSED:
        speech.say("What goods returned is %(status)s.",
                   status=_status(speech, books["returning"]))  # fmt: skip


def _status(speech: Speech, status: str) -> str:
    return speech.text("known in part" if status == Assessed.PARTIAL else "not assessable")


def bar(value: float, largest: float, width: int = BAR_WIDTH) -> str:
    """A bar of at most ``width`` characters, to an eighth of one; empty for nothing."""
    if largest <= 0 or value <= 0:
        return ""
    eighths = round(8 * width * value / largest)
    return _FULL * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar in a table: shorter, on the scale of its column, where the terminal is narrow."""

    value: float
    largest: float

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(_LEAST_BAR, BAR_WIDTH)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, BAR_WIDTH)
        yield Text(bar(self.value, self.largest, width), style="green", no_wrap=True)


def _heading(speech: Speech, figure: dict[str, Any], about: dict[str, Any]) -> None:
    show_name(speech, about)
    speech.say("%(year)s, GWP %(gwp)s, from %(at)d entries; last moved by entry %(as_of)d.",
               year=str(figure["year"]), gwp=figure["gwp"], at=figure["at"],
               as_of=figure["asOf"])  # fmt: skip
    if figure["validOn"] is not None:
        speech.say("As of %(day)s, for the whole year.", day=figure["validOn"])
    speech.out.print()


def _stand_ins(speech: Speech, figure: dict[str, Any]) -> None:
    """Say where a figure rests on what was not stated for its year."""
    year = str(figure["year"])
    if Feed.OTHER_YEAR in figure["feeds"]:
        speech.say("A recipe of another year stands in for one of %(year)s.", year=year)
    if Feed.EXPIRED in figure["feeds"]:
        speech.say("A footprint that has expired stands in for one of %(year)s.", year=year)


def _gases(speech: Speech, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    table = speech.table("Gas", "Origin", "kg", "kg CO2e", right=("kg", "kg CO2e"))
    for row in rows[:MOST_LINES]:
        gas = row["gas"] or speech.text("several, added up")
        origin = speech.text(row["origin"] or "")
        table.add_row(gas, origin, number_text(row["kg"]), number_text(row["kgCo2e"]))
    speech.out.print()
    speech.out.print(table)


def _noticed(speech: Speech, figure: dict[str, Any]) -> None:
    """Gaps, what is missing, and findings: one sentence each, as the API says them."""
    for heading, name, hidden in (
        (speech.text("Gaps"), "gaps", "gapsNotShown"),
        (speech.text("Missing"), "missing", "missingNotShown"),
        (speech.text("Findings"), "findings", ""),
    ):
        rows = figure.get(name, [])
        if not rows:
            continue
        speech.out.print()
        speech.out.print(Text(heading, style="bold"))
        # One recipe may hold a gap for each of its periods, in the same words.
        lines = list(dict.fromkeys(f"  {row['sentence']}{_effect(speech, row)}" for row in rows))
        for line in lines[:MOST_LINES]:
            speech.out.print(Text(line))
        more = len(lines[MOST_LINES:]) + int(figure.get(hidden, 0) or 0)
        if more:
            speech.say("  … and %(count)d more.", count=more)


def _effect(speech: Speech, row: dict[str, Any]) -> str:
    """How far a gap may move the figure, as far as that is shown."""
    if row.get("effect") is None:
        return ""
    said = {"kg": number_text(row["effect"])}
    return " " + speech.text("It adds %(kg)s kg CO2e at most.", said)


def _tonnes(amount: dict[str, Any], places: int) -> str:
    if amount["value"] is None:
        return f"≥ {tonnes(float(amount['atLeast']), places)}"
    return tonnes(float(amount["value"]), places)


def _figure_text(figure: dict[str, Any]) -> str:
    return (
        number_text(figure["value"])
        if figure["value"] is not None
        else f"≥ {number_text(figure['atLeast'])}"
    )


def number_text(text: str | None) -> str:
    """A figure with about six significant digits, for people; `--json` has all of them."""
    if text is None:
        return ""
    return compact(float(text))
