"""What changed in a figure and why, and what one entry moved, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

import click
from rich.text import Text

from api.cli.explain import KINDS
from api.cli.figures import (
    MOST_LINES,
    PLURALS,
    asked_client,
    gwp_option,
    id_of,
    number_text,
    query_of,
    server_or_here_option,
)
from api.cli.options import token_option
from api.cli.speech import Speech, json_option, pass_speech

_MAIN: Final = ("footprint", "t2")
_WIDTH: Final = 24
_DAY: Final = len("2025-01-31")
_LONG: Final = 4
"""A path of more steps is shortened."""

_Row: TypeAlias = tuple[str, str, str, str, Decimal]
"""Entry, day, who and what, over which products, and by how much."""


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("which", metavar="ID|NAME")
@click.option(
    "--from", "start", type=click.IntRange(1), required=True, help="From the first so many entries."
)
@click.option("--to", "stop", type=click.IntRange(1), help="To the first so many; by default all.")
@click.option("--year", type=int, help="Calendar year; by default the latest.")
@gwp_option
@click.option(
    "--most", type=click.IntRange(1), default=40, show_default=True, help="How many lines at most."
)
@server_or_here_option
@token_option
@json_option
@pass_speech
def diff(
    speech: Speech,
    /,
    kind: str,
    which: str,
    start: int,
    stop: int | None,
    year: int | None,
    gwp: str | None,
    most: int,
    server: str | None,
    token: str | None,
) -> None:
    """What changed in a figure since entry --from, and which entries changed it.

    The lines add up: the first is the figure as it was, the last as it became. Where there are
    more than --most, the smallest are one line.
    """
    client = asked_client(speech, server, token)
    query = query_of(**{"from": start, "to": stop, "year": year, "gwp": gwp})
    told = client.about(PLURALS[kind], id_of(client, PLURALS[kind], which), "diff", **query)
    if speech.as_json:
        speech.json(told)
        return
    about = told[kind]
    speech.out.print(Text(about["name"], style="bold"), Text(about["id"], style="dim"))
    speech.say("%(year)s, GWP %(gwp)s, from %(start)d to %(stop)d entries; %(unit)s.",
               year=str(told["year"]), gwp=told["gwp"], start=told["from"], stop=told["to"],
               unit=told["unit"])  # fmt: skip
    speech.out.print()
    if not told["causes"] and told["undisclosed"] is None:
        speech.say("Nothing changed.")
        return
    _waterfall(speech, told, most)


@click.command()
@click.argument("index", type=click.IntRange(0))
@click.option("--year", type=int, help="Calendar year; by default the latest.")
@gwp_option
@server_or_here_option
@token_option
@json_option
@pass_speech
def wave(
    speech: Speech,
    /,
    index: int,
    year: int | None,
    gwp: str | None,
    server: str | None,
    token: str | None,
) -> None:
    """Everything that entry INDEX moved: parks, enterprises, products.

    For auditors, and on the server's own machine.
    """
    client = asked_client(speech, server, token)
    told = client.wave(index, year=None if year is None else str(year), gwp=gwp)
    if speech.as_json:
        speech.json(told)
        return
    speech.say("Entry %(index)d: %(what)s, %(time)s; in %(year)s, GWP %(gwp)s.",
               index=told["index"], what=_what(speech, told), time=told["time"][:_DAY],
               year=str(told["year"]), gwp=told["gwp"])  # fmt: skip
    if told["moved"]:
        speech.out.print()
        speech.out.print(_moved(speech, told["moved"]))
    else:
        speech.say("It moved nothing.")
    if more := len(told["moved"][MOST_LINES:]):
        speech.say("  … and %(count)d more.", count=more)
    if told["left"]:
        speech.say("%(count)d parks and enterprises were not looked at.", count=told["left"])


# --- Differences -----------------------------------------------------------------------------


def _waterfall(speech: Speech, told: dict[str, Any], most: int) -> None:
    """The figure before, a step for every cause, and the figure after, on one scale."""
    levels = {number["name"]: number for number in told["numbers"]}
    main = next(levels[name] for name in _MAIN if name in levels)
    rows = _rows(speech, told, most)
    begin = _level(main["before"])
    running = [begin]
    for *_, delta in rows:
        running.append(running[-1] + delta)
    scale = _Scale([begin, *running])
    table = speech.table("Entry", "Date", "Statement", "Over", "kg CO2e", "so far", "",
                         right=("Entry", "kg CO2e", "so far"))  # fmt: skip
    table.add_row("", "", speech.text("before"), "", "", _text(main["before"]), scale.whole(begin))
    for (*said, delta), level in zip(rows, running[1:], strict=True):
        step = scale.step(level - delta, level)
        table.add_row(*map(str, said), _signed(delta), number_text(str(level)), step)
    end, change = running[-1], _signed(running[-1] - begin)
    table.add_row("", "", speech.text("after"), "", change, _text(main["after"]), scale.whole(end))
    speech.out.print(table)
    if others := sum(not _delta(cause["numbers"]) for cause in told["causes"]):
        speech.say("%(count)d entries moved other numbers only; --json has them.", count=others)


def _rows(speech: Speech, told: dict[str, Any], most: int) -> list[_Row]:
    """The causes, the smallest of too many as one line, and then what is not disclosed."""
    causes = [cause for cause in told["causes"] if _delta(cause["numbers"])]
    largest = sorted(range(len(causes)), key=lambda k: -abs(_delta(causes[k]["numbers"])))[:most]
    shown = [causes[k] for k in sorted(largest)]
    rows = [_row(speech, cause) for cause in shown]
    if others := len(causes) - len(shown):
        rest = sum((_delta(c["numbers"]) for c in causes), Decimal(0)) - sum(
            row[-1] for row in rows
        )
        rows.append(("", "", speech.text("%(count)d smaller ones", {"count": others}), "", rest))
    if told["undisclosed"] is not None:
        what = speech.text("not disclosed to you")
        rows.append(("", "", what, "", _delta(told["undisclosed"]["numbers"])))
    return rows


def _row(speech: Speech, cause: dict[str, Any]) -> _Row:
    entry = "" if cause["index"] is None else str(cause["index"])
    way = _way(speech, cause["path"])
    return entry, (cause["time"] or "")[:_DAY], _what(speech, cause), way, _delta(cause["numbers"])


def _what(speech: Speech, said: dict[str, Any]) -> str:
    """Who said what about what."""
    kind = speech.text("something behind") if said["type"] is None else speech.text(said["type"])
    named = f"{kind} {said['about']['name']}" if said["about"] else kind
    return f"{said['by']['name']}: {named}"


def _way(speech: Speech, path: Sequence[dict[str, Any]]) -> str:
    """A path from the figure upstream; of a long one both ends."""
    names = [_step(speech, step) for step in path]
    if len(names) > _LONG:
        names = [names[0], "…", *names[2 - _LONG :]]
    return " ← ".join(names)


def _step(speech: Speech, step: dict[str, Any]) -> str:
    if step["product"] is not None:
        return str(step["product"]["name"])
    return str(step["site"]["name"]) if step["site"] else speech.text("rest of a site")


def _delta(numbers: Sequence[dict[str, Any]]) -> Decimal:
    return next((Decimal(n["delta"]) for n in numbers if n["name"] in _MAIN), Decimal(0))


def _level(stand: dict[str, Any] | None) -> Decimal:
    return Decimal(stand["atLeast"]) if stand else Decimal(0)


def _text(stand: dict[str, Any] | None) -> str:
    return number_text(stand["atLeast"]) if stand else "–"


def _signed(delta: Decimal) -> str:
    return f"{'+' if delta > 0 else ''}{number_text(str(delta))}"


class _Scale:
    """Positions of bars on one line of ``_WIDTH`` characters that contains zero."""

    def __init__(self, levels: Sequence[Decimal]) -> None:
        self._low = min(Decimal(0), *levels)
        self._span = max(Decimal(0), *levels) - self._low or Decimal(1)

    def whole(self, level: Decimal) -> Text:
        """A bar from zero; none for nothing."""
        return Text(self._bar(Decimal(0), level) if level else "", style="dim")

    def step(self, start: Decimal, end: Decimal) -> Text:
        return Text(self._bar(start, end), style="red" if end > start else "green")

    def _bar(self, start: Decimal, end: Decimal) -> str:
        """Blocks from one level to another: one at least, so that a small step is seen."""
        left, right = sorted((self._at(start), self._at(end)))
        left = min(left, _WIDTH - 1)
        return " " * left + "█" * max(1, right - left)

    def _at(self, level: Decimal) -> int:
        return round(_WIDTH * (level - self._low) / self._span)


# --- Waves -----------------------------------------------------------------------------------


def _moved(speech: Speech, moved: Sequence[dict[str, Any]]) -> Any:
    columns = ("Before", "After", "Difference")
    table = speech.table("kg CO2e, at least", *columns, "Over", right=columns)
    for each in moved[:MOST_LINES]:
        main = next((n for n in each["numbers"] if n["name"] in _MAIN), each["numbers"][0])
        way = _way(speech, each["path"])
        table.add_row(
            f"{speech.text(each['kind'])} {each['name']}",
            _text(main["before"]),
            _text(main["after"]),
            _signed(Decimal(main["delta"])),
            way,
        )
    return table
