"""A year as its meters tell it, in the terminal: month by month, with what that emits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

import click
from rich.text import Text

from api.cli.figures import (
    MOST_LINES,
    Bar,
    number_text,
    show_name,
    told_of_boundary,
    year_options,
)
from api.cli.speech import Speech, pass_speech
from api.figures.numbers import percent, places_for, tonnes

_UNITS: Final = {"KWH": "kWh", "MWH": "MWh", "GV": "GJ", "MTQ": "m³", "NM3": "Nm³", "TNE": "t"}
"""What people call the units that a year is told in; others by their code."""


@click.command()
@click.argument("which", metavar="PARK|ENTERPRISE")
@year_options
@pass_speech
def meters(speech: Speech, /, which: str, **asked: Any) -> None:
    """The year of a park or enterprise as its meters tell it, while it runs."""
    kind, answer = told_of_boundary(speech, which, "meters", **asked)
    if speech.as_json:
        speech.json(answer)
        return
    _heading(speech, answer, answer[kind])
    for row in answer["rows"]:
        _months(speech, _named(speech, row), unit_text(row["unit"]), row, number_text)
    _estimate(speech, answer["estimate"])
    _meters(speech, answer["meters"])
    _left_out(speech, answer)
    _noticed(speech, answer)


def unit_text(code: str) -> str:
    return _UNITS.get(code, code)


def _heading(speech: Speech, answer: dict[str, Any], about: dict[str, Any]) -> None:
    show_name(speech, about)
    speech.say("%(year)s, from meters and %(at)d entries; last moved by entry %(as_of)d.",
               year=str(answer["year"]), at=answer["at"], as_of=answer["asOf"])  # fmt: skip
    if answer["through"] is None:
        speech.say("No meter was read in this year.")
    elif answer["through"] == answer["latest"]:
        speech.say("All readings reach %(through)s.", through=_moment(answer["through"]))
    else:
        speech.say("All meters that were read reach %(through)s, the latest %(latest)s.",
                   through=_moment(answer["through"]),
                   latest=_moment(answer["latest"]))  # fmt: skip


def _named(speech: Speech, row: dict[str, Any]) -> str:
    """Such as “electricity, bought (grid)”."""
    what = (row["fuel"] or "").rpartition(":")[2] or speech.text(row["measures"])
    source = f" ({speech.text(row['source'])})" if row["source"] else ""
    return f"{what}, {speech.text(row['flow'])}{source}"


def _months(
    speech: Speech, title: str, unit: str, row: dict[str, Any], written: Callable[[str], str]
) -> None:
    """A line for each month that has begun, with a bar, and the whole."""
    known = [each for each in row["months"] if each["amount"] is not None]
    largest = max((abs(float(each["amount"])) for each in known), default=0.0)
    speech.out.print()
    speech.out.print(Text(title, style="bold"))
    table = speech.table("Month", unit, "Covered", "", right=(unit, "Covered"))
    for each in row["months"]:
        bar = Bar(max(0.0, float(each["amount"] or 0)), largest)
        table.add_row(each["month"], _amount(speech, each, written), _share(each), bar)
    total = row["total"]
    table.add_row(speech.text("Total"), _amount(speech, total, written), _share(total), "")
    speech.out.print(table)


def _amount(speech: Speech, known: dict[str, Any], written: Callable[[str], str]) -> str:
    if known["amount"] is None:
        return speech.text("not read") if known["share"] is not None else ""
    return written(known["amount"])


def _share(known: dict[str, Any]) -> str:
    return "" if known["share"] is None else percent(float(known["share"]))


def _estimate(speech: Speech, estimate: dict[str, Any]) -> None:
    together = estimate["together"]
    if together is not None:
        known = [abs(float(e["amount"])) for e in together["months"] if e["amount"] is not None]
        places = places_for(max(known, default=0.0))
        _months(speech, speech.text("Operational emissions, estimated"), "t CO2e", together,
                lambda kg: tonnes(float(kg), places))  # fmt: skip
        for name, part in (
            (speech.text("Scope 1 (fuels)"), estimate["scope1"]),
            (speech.text("Scope 2 (energy bought)"), estimate["scope2"]),
        ):
            if part is not None and part["total"]["amount"] is not None:
                told = tonnes(float(part["total"]["amount"]), places)
                speech.out.print(Text(f"  {name}: {told} t CO2e"))
        speech.out.print(Text(estimate["label"]))
    _sentences(speech, speech.text("Not in the estimate"), estimate["lacks"])


def _meters(speech: Speech, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    table = speech.table(
        "Site", "Meter", "Measures", "Total", "Covered", "Read through", "Flags",
        right=("Total", "Covered"),
    )  # fmt: skip
    for row in rows:
        total = row["total"]
        amount = number_text(total["amount"]) if total["amount"] else speech.text("not read")
        unit = unit_text(row["unit"]) if total["amount"] else ""
        flags = ", ".join(speech.text(each) for each in row["flags"])
        table.add_row(row["site"]["name"], row["meter"], _named(speech, row),
                      f"{amount} {unit}".rstrip(), _share(total), _moment(row["through"]),
                      flags)  # fmt: skip
    speech.out.print()
    speech.out.print(table)
    for row in rows:
        about = f"{row['site']['name']}, {row['meter']}"
        for flag in row["noticed"]:
            speech.out.print(Text(f"  {about}: {flag['sentence']}"))
        if row["noticedNotShown"]:
            speech.say("  … and %(count)d more.", count=row["noticedNotShown"])


def _moment(text: str | None) -> str:
    """As a clock shows it, with the offset."""
    return dt.datetime.fromisoformat(text).isoformat(" ", "minutes") if text else ""


def _left_out(speech: Speech, answer: dict[str, Any]) -> None:
    if answer["withoutMeters"]:
        names = ", ".join(each["name"] for each in answer["withoutMeters"][:MOST_LINES])
        speech.say("Sites without a meter: %(count)d (%(names)s). Nothing of them is in here.",
                   count=len(answer["withoutMeters"]), names=names)  # fmt: skip
    if answer["sitesNotShown"]:
        speech.say("Sites whose inventory you may not read: %(count)d. They are not in here.",
                   count=answer["sitesNotShown"])  # fmt: skip


def _noticed(speech: Speech, answer: dict[str, Any]) -> None:
    _sentences(speech, speech.text("Findings"), answer["findings"])


def _sentences(speech: Speech, heading: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    speech.out.print()
    speech.out.print(Text(heading, style="bold"))
    for row in rows[:MOST_LINES]:
        speech.out.print(Text(f"  {row['sentence']}"))
    if len(rows) > MOST_LINES:
        speech.say("  … and %(count)d more.", count=len(rows) - MOST_LINES)
