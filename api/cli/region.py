"""The union of parks and enterprises, in the terminal."""

from __future__ import annotations

import datetime as dt
from typing import Any

import click

from api.cli.figures import (
    PLURALS,
    asked_client,
    boundary_of,
    query_of,
    question_options,
    show_books,
)
from api.cli.speech import Speech, pass_speech
from api.figures.numbers import places_for, tonnes


@click.command()
@click.argument("which", nargs=-1, metavar="[ID|NAME]...")
@click.option(
    "--division",
    "divisions",
    multiple=True,
    metavar="DIGITS",
    help="A province, city or county by two, four or six digits (GB/T 2260): all sites that state "
    "to lie there.",
)
@question_options
@pass_speech
def region(
    speech: Speech,
    /,
    which: tuple[str, ...],
    divisions: tuple[str, ...],
    server: str | None,
    token: str | None,
    year: int | None,
    gwp: str | None,
    at: int | None,
    valid_on: dt.datetime | None,
) -> None:
    """The books of parks, enterprises and divisions as one boundary, beside their sum."""
    if not (which or divisions):
        raise click.UsageError("Name a park, an enterprise or a --division.")
    client = asked_client(speech, server, token)
    members: dict[str, list[str]] = {"parks": [], "enterprises": []}
    for each in which:
        kind, found = boundary_of(client, each)
        members[PLURALS[kind]].append(found)
    query = query_of(year=year, gwp=gwp, at=at, valid_on=valid_on and valid_on.date())
    books = client.region(members["parks"], members["enterprises"], list(divisions), **query)
    if speech.as_json:
        speech.json(books)
        return
    names = ", ".join(each["name"] for each in books["members"])
    show_books(speech, books, {"name": names, "id": ""})
    _beside(speech, books)


def _beside(speech: Speech, books: dict[str, Any]) -> None:
    """The sum of the members and the difference; why that is not the figure."""
    rows = [
        *((each["name"], each["t2"]) for each in books["members"]),
        (speech.text("The members added up"), books["sumOfMembers"]),
        (speech.text("Counted in several members"), books["difference"]),
        (speech.text("The region (T2)"), books["bridge"]["t2"]),
    ]
    places = places_for(max(float(amount["atLeast"]) for _, amount in rows))
    table = speech.table("T2", "t CO2e", right=("t CO2e",))
    for name, amount in rows:
        known = amount["value"]
        text = tonnes(float(known if known is not None else amount["atLeast"]), places)
        table.add_row(name, text if known is not None else f"≥ {text}")
    speech.out.print()
    speech.out.print(table)
    if books["undecided"]:
        speech.say("Sites that may lie there and do not say so: %(count)d. They are not counted.",
                   count=books["undecided"])  # fmt: skip
    for each in books["overlap"]:
        speech.say("Counted once: %(site)s.", site=each["name"] or speech.text("a site"))
    speech.out.print(books["warning"])
