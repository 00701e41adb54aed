"""Certificates that are used up, in the terminal: what they cover, and what is in excess."""

from __future__ import annotations

from typing import Any, Final

import click
from rich.text import Text

from api.cli.figures import (
    MOST_LINES,
    PLURALS,
    Bar,
    asked_client,
    gwp_option,
    id_of,
    query_of,
    server_or_here_option,
)
from api.cli.options import token_option
from api.cli.speech import Speech, json_option, pass_speech
from api.numbers import compact

_KINDS: Final = ("park", "enterprise")
_KIND_WORDS: Final = {"green-power": "green power", "removal": "removal", "offset": "offset"}


@click.command()
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("which", metavar="ID|NAME")
@click.option("--year", type=int, help="Calendar year; by default the latest.")
@gwp_option
@click.option("--at", type=click.IntRange(1), help="As of the first so many entries.")
@server_or_here_option
@token_option
@json_option
@pass_speech
def certificates(
    speech: Speech,
    /,
    kind: str,
    which: str,
    server: str | None,
    token: str | None,
    **question: Any,
) -> None:
    """Which certificates a park or enterprise uses up, and how much power they cover."""
    client = asked_client(speech, server, token)
    entity = id_of(client, PLURALS[kind], which)
    answer = client.certificates(PLURALS[kind], entity, **query_of(**question))
    if speech.as_json:
        speech.json(answer)
        return
    speech.out.print(Text(answer[kind]["name"], style="bold"), Text(entity, style="dim"))
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
