"""Certificates that are used up, in the terminal: what they cover, and what is in excess."""

from __future__ import annotations

from typing import Any, Final

import click
from rich.text import Text

from api.cli.figures import (
    MOST_LINES,
    Bar,
    show_name,
    told_of_boundary,
    year_options,
)
from api.cli.speech import Speech, pass_speech
from api.figures.numbers import compact

_KIND_WORDS: Final = {"green-power": "green power", "removal": "removal", "offset": "offset"}


@click.command()
@click.argument("which", metavar="PARK|ENTERPRISE")
@year_options
@pass_speech
def certificates(speech: Speech, /, which: str, **asked: Any) -> None:
    """Which certificates a park or enterprise uses up, and how much power they cover."""
    kind, answer = told_of_boundary(speech, which, "certificates", **asked)
    if speech.as_json:
        speech.json(answer)
        return
    show_name(speech, answer[kind])
    _power(speech, answer)
    _used(speech, answer)
    for sentence in answer["findings"]:
        speech.out.print(Text(f"  {sentence}", style="yellow"))


def _power(speech: Speech, answer: dict[str, Any]) -> None:
    """Power over the fence by how it counts market-based, to scale."""
    grid, covered = answer["gridKwh"], answer["coveredKwh"]
    left = None if grid is None or covered is None else float(grid) - float(covered)
    parts = (
        (speech.text("By line or contract"), answer["directKwh"]),
        (speech.text("From grids, covered by certificates"), covered),
        (speech.text("From grids, not covered"), left),
        (speech.text("Certificates in excess"), answer["excessKwh"]),
    )
    largest = max((float(kwh) for _, kwh in parts if kwh is not None), default=0.0)
    table = speech.table("", "MWh", "", right=("MWh",))
    for name, kwh in parts:
        if kwh is None:
            table.add_row(name, speech.text("not shown"), "")
        else:
            table.add_row(name, compact(float(kwh) / 1000), Bar(float(kwh), largest))
    speech.out.print(table)


def _used(speech: Speech, answer: dict[str, Any]) -> None:
    rows = answer["certificates"]
    if rows:
        table = speech.table("Used for", "Kind", "Serial numbers", "Amount", right=("Amount",))
        for row in rows[:MOST_LINES]:
            table.add_row(row["holder"]["name"], *_cells(speech, row))
        speech.out.print(table)
    if len(rows) > MOST_LINES:
        speech.say("  … and %(count)d more.", count=len(rows) - MOST_LINES)
    if answer["notShown"]:
        speech.say("There are others that are not shown to you.")


def _cells(speech: Speech, row: dict[str, Any]) -> tuple[str, str, str]:
    serial = f"{row['registry']} {row['serial']}"
    if row["count"] > 1:
        serial = f"{serial} × {row['count']}"
    return speech.text(_KIND_WORDS[row["kind"]]), serial, f"{row['amount']} {row['unit']}"
