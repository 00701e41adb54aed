"""What becomes of what is sold, in the terminal: Scope 3, categories 9 to 15."""

from __future__ import annotations

from typing import Any, Final

import click
from rich.text import Text

from api.cli.figures import (
    MOST_LINES,
    PLURALS,
    asked_client,
    id_of,
    query_of,
    year_options,
)
from api.cli.speech import Speech, pass_speech
from api.figures.numbers import places_for, tonnes
from graph.terms import Assessed

_KINDS: Final = ("park", "enterprise")


@click.command()
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("which", metavar="ID|NAME")
@year_options
@pass_speech
def downstream(
    speech: Speech,
    /,
    kind: str,
    which: str,
    server: str | None,
    token: str | None,
    **question: Any,
) -> None:
    """What becomes of what a park or enterprise sells: Scope 3, categories 9 to 15."""
    client = asked_client(speech, server, token)
    entity = id_of(client, PLURALS[kind], which)
    answer = client.about(PLURALS[kind], entity, "downstream", **query_of(**question))
    if speech.as_json:
        speech.json(answer)
        return
    speech.out.print(Text(answer[kind]["name"], style="bold"), Text(entity, style="dim"))
    _categories(speech, answer)
    _concerns(speech, answer["categories"])


def _categories(speech: Speech, answer: dict[str, Any]) -> None:
    known = [float(each["amount"]["atLeast"]) for each in answer["categories"] if each["amount"]]
    places = places_for(max(map(abs, known), default=0.0))
    table = speech.table("", "t CO2e", "Status", right=("t CO2e",))
    for each in answer["categories"]:
        table.add_row(_named(each), _kg(speech, each["amount"], places), _status(speech, each))
    for each in answer["notStated"]:
        table.add_row(_named(each), speech.text("nothing stated"), "")
    speech.out.print(table)


def _named(category: dict[str, Any]) -> str:
    """Its name is in the reader's language, as the API says it."""
    return f"{category['category']:>2} {category['name']}"


def _kg(speech: Speech, amount: dict[str, Any] | None, places: int) -> str:
    if amount is None:
        return speech.text("not shown")
    if amount["value"] is None:
        return f"≥ {tonnes(float(amount['atLeast']), places)}"
    return tonnes(float(amount["value"]), places)


def _status(speech: Speech, category: dict[str, Any]) -> str:
    match category["status"]:
        case Assessed.ASSESSED:
            return speech.text("known")
        case Assessed.PARTIAL:
            return speech.text("known in part")
        case _:
            return speech.text("not assessable")


def _concerns(speech: Speech, categories: list[dict[str, Any]]) -> None:
    """Why something is not assessable: one sentence for each product, as the API says it."""
    for each in categories:
        if not each["concerns"] and not each["concernsNotShown"]:
            continue
        speech.out.print()
        speech.out.print(Text(_named(each), style="bold"))
        for concern in each["concerns"][:MOST_LINES]:
            speech.out.print(Text(f"  {concern['sentence']}"))
        more = len(each["concerns"][MOST_LINES:]) + int(each["concernsNotShown"])
        if more:
            speech.say("  … and %(count)d more.", count=more)
