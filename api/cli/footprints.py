"""Which footprints an enterprise hands out over PACT, in the terminal."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import click
from rich.text import Text

from api.cli.figures import asked_client, id_of, number_text, server_or_here_option
from api.cli.options import token_option
from api.cli.speech import Speech, json_option, pass_speech

KIND_WORDS: Final = {
    "declared": "declared by its owner",
    "external": "read from another host",
    "computed": "computed from the log",
}
"""How a footprint came about, for people."""


@click.command()
@click.argument("which", metavar="ENTERPRISE")
@server_or_here_option
@token_option
@click.option("--deprecated", is_flag=True, help="Also those that are Deprecated.")
@json_option
@pass_speech
def footprints(
    speech: Speech, which: str, server: str | None, token: str | None, deprecated: bool
) -> None:
    """Which footprints an enterprise hands out, to whom, and which not and why.

    For the enterprise itself, and auditors. Computed footprints are made by the server that runs.
    """
    client = asked_client(speech, server, token)
    enterprise = id_of(client, "enterprises", which)
    query = {"deprecated": "true"} if deprecated else {}
    items = client.entities(f"enterprises/{enterprise}/shelf", **query)
    if speech.as_json:
        speech.json(items)
        return
    _handed_out(speech, items)
    _withheld(speech, items)


def _handed_out(speech: Speech, items: list[dict[str, Any]]) -> None:
    rows = [(item, each) for item in items for each in item["footprints"]]
    if not rows:
        speech.say("Nothing is handed out.")
        return
    table = speech.table(
        "Product", "kg CO2e", "Per", "From", "Until", "How", "Open to", "PACT id",
        right=("kg CO2e",),
    )  # fmt: skip
    for item, each in rows:
        style = "dim" if each["status"] == "Deprecated" else ""
        table.add_row(
            item["product"]["name"],
            number_text(each["kgCo2e"]),
            each["declaredUnit"],
            _day(each["referencePeriodStart"]),
            _day(each["referencePeriodEnd"]),
            speech.text(KIND_WORDS[each["kind"]]),
            _readers(speech, item),
            each["id"],
            style=style,
        )
    speech.out.print(table)


def _day(moment: str) -> str:
    """The day whose midnight is nearest: a year begins at another hour of UTC in every zone."""
    return str((dt.datetime.fromisoformat(moment) + dt.timedelta(hours=12)).date())


def _readers(speech: Speech, item: dict[str, Any]) -> str:
    if item["isPublic"]:
        return speech.text("everybody")
    names = [each["name"] or each["id"] for each in item["disclosedTo"]]
    return ", ".join(names) or speech.text("nobody else")


def _withheld(speech: Speech, items: list[dict[str, Any]]) -> None:
    rows = [(item, each) for item in items for each in item["withheld"]]
    if not rows:
        return
    speech.out.print()
    speech.say("Disclosed, and not handed out:")
    for item, each in rows:
        why = each["why"]
        speech.out.print(
            Text(f"  {item['product']['name']}, {each['year']}: "), Text(why["detail"], "yellow")
        )
        for problem in why.get("problems", ()):
            speech.out.print(Text(f"      {problem['detail']}", "dim"))
        if advice := why.get("advice"):
            speech.out.print(Text(f"      {advice}", "dim"))
