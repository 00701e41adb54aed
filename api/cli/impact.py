"""By how much a compromise moved the figures, in the terminal."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from api.cli.figures import asked_client, gwp_option, server_or_here_option
from api.cli.options import token_option
from api.cli.speech import Speech, json_option, pass_speech
from api.figures.numbers import places_for, tonnes


@click.command()
@click.argument("cause", type=click.IntRange(0))
@gwp_option
@server_or_here_option
@token_option
@json_option
@pass_speech
def impact(
    speech: Speech, /, cause: int, gwp: str | None, server: str | None, token: str | None
) -> None:
    """By how much entry CAUSE, a revocation or recovery, moved the figures.

    CAUSE is what ``catchment suspects`` names. For auditors, and on the server's own machine.
    """
    answer = asked_client(speech, server, token).impact(cause, gwp=gwp)
    if speech.as_json:
        speech.json(answer)
        return
    if not answer["moved"]:
        speech.say("Entry %(cause)s moved no figure of a park or enterprise.", cause=cause)
    for moved in answer["moved"]:
        speech.out.print(Text(f"{moved['name']}, {moved['year']}", style="bold"))
        table = speech.table(
            "t CO2e, at least",
            "Before",
            "After",
            "Difference",
            right=("Before", "After", "Difference"),
        )
        for number in moved["numbers"]:
            table.add_row(number["name"], *_cells(number))
        speech.out.print(table)


def _cells(number: dict[str, Any]) -> tuple[str, str, str]:
    told = [None if number[at] is None else float(number[at]) for at in ("before", "after")]
    known = [value for value in told if value is not None]
    places = places_for(max(map(abs, known)))
    before, after = ("–" if value is None else tonnes(value, places) for value in told)
    difference = tonnes(known[1] - known[0], places) if len(known) == len(told) else "–"
    return before, after, difference
