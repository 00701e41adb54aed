"""Requests for footprints in the terminal: to ask for them, and to answer."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

import click
from rich.text import Text

from api.cli.figures import id_of, query_of, show_name
from api.cli.options import server_option, token_option
from api.cli.speech import Speech, json_option, pass_speech
from api.client import Client, Refused

_MEANT: Final = ("product_id", "company_id", "classification")
_STATES: Final = ("open", "overdue", "answered", "declined")
STATE_WORDS: Final = {
    "open": "waited for",
    "overdue": "overdue, no answer",
    "answered": "has answered",
    "declined": "has declined",
}


@click.group()
def requests() -> None:
    """Ask suppliers for footprints, answer buyers, and see how far it has come."""


def _asks(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (pass_speech, json_option, token_option, server_option):
        command = option(command)
    return command


def _due_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--due",
        type=click.DateTime(["%Y-%m-%d"]),
        metavar="YYYY-MM-DD",
        help="Last day for an answer.",
    )(command)


# --- Asking --------------------------------------------------------------------------------


@requests.command()
@click.argument("product", required=False, metavar="[PRODUCT]")
@click.option("--suppliers", is_flag=True, help="Of your own product: ask all its suppliers.")
@click.option("--year", type=int, help="Whose recipes and purchases tell the suppliers.")
@click.option("--product-id", multiple=True, metavar="URN", help="A URN of the product.")
@click.option("--company-id", multiple=True, metavar="URN", help="A URN of its maker.")
@click.option("--classification", multiple=True, metavar="URN", help="A URN of its class.")
@click.option("--geography", multiple=True, help="Region, country or subdivision.")
@click.option("--valid-on", multiple=True, metavar="TIME", help="A moment it is valid on.")
@_due_option
@click.option("--comment", help="A note to who is asked.")
@_asks
def ask(
    speech: Speech,
    server: str,
    token: str | None,
    product: str | None,
    suppliers: bool,
    year: int | None,
    due: dt.datetime | None,
    comment: str | None,
    **criteria: tuple[str, ...],
) -> None:
    """Ask for a footprint.

    Of a PRODUCT (its id or name), or of what criteria describe.
    """
    if product is None and not any(criteria[name] for name in _MEANT):
        raise click.UsageError("Give a PRODUCT, or --product-id, --company-id or --classification.")
    client = Client(server, token, language=speech.language)
    body = {
        "product": product and id_of(client, "products", product),
        "suppliersOf": suppliers or None,
        "year": year,
        "criteria": {_camel(name): list(values) for name, values in criteria.items() if values},
        "due": due and due.date().isoformat(),
        "comment": comment,
    }
    _made(speech, client.ask({name: value for name, value in body.items() if value}))


@requests.command("pass-on")
@click.argument("request", type=click.UUID, metavar="REQUEST")
@click.option("--product", help="The product of yours that is meant, if the request names none.")
@click.option("--year", type=int, help="Whose recipes and purchases tell the suppliers.")
@_due_option
@click.option("--comment", help="A note to who is asked.")
@_asks
def pass_on(
    speech: Speech,
    server: str,
    token: str | None,
    request: UUID,
    product: str | None,
    due: dt.datetime | None,
    **more: Any,
) -> None:
    """Ask your own suppliers in turn.

    On account of a REQUEST that lies in your inbox, for what its product is made of.
    """
    client = Client(server, token, language=speech.language)
    body = {
        "product": product and id_of(client, "products", product),
        "due": due and due.date().isoformat(),
        **more,
    }
    sent = {name: value for name, value in body.items() if value}
    _made(speech, client.pass_on(str(request), sent))


def _made(speech: Speech, answer: dict[str, Any]) -> None:
    if speech.as_json:
        speech.json(answer)
        return
    _table(speech, answer["requests"], "supplier")
    speech.say("Asked under %(asking)s.", asking=answer["asking"])
    if answer["unnamed"]:
        speech.say("Of %(count)d inputs nobody says who supplies them.", count=answer["unnamed"])


# --- Looking -------------------------------------------------------------------------------


def _box(command: Callable[..., Any]) -> Callable[..., Any]:
    state = click.option("--state", type=click.Choice(_STATES), help="Only those in this state.")
    return state(_asks(command))


@requests.command()
@_box
def inbox(speech: Speech, server: str, token: str | None, state: str | None) -> None:
    """What you were asked for, the newest first."""
    found = Client(server, token, language=speech.language).requests_made(**query_of(state=state))
    if speech.as_json:
        speech.json(found)
        return
    _table(speech, found, "buyer")


@requests.command()
@_box
def sent(speech: Speech, server: str, token: str | None, state: str | None) -> None:
    """What you have asked for, and who has answered.

    The newest first.
    """
    client = Client(server, token, language=speech.language)
    found = client.requests_made(**query_of(box="sent", state=state))
    if speech.as_json:
        speech.json(found)
        return
    _table(speech, found, "supplier")
    for asking in dict.fromkeys(each["asking"] for each in found):
        speech.out.print()
        _progress(speech, client.asking(asking))


@requests.command()
@click.argument("which", type=click.UUID, metavar="REQUEST|ASKING")
@_asks
def show(speech: Speech, server: str, token: str | None, which: UUID) -> None:
    """A REQUEST, with what to do about it.

    Or, of an ASKING, how far all that was asked at once has come.
    """
    client = Client(server, token, language=speech.language)
    try:
        request = client.request(str(which))
    except Refused as refused:
        if refused.code != "request-unknown":
            raise
        _show_asking(speech, client.asking(str(which)))
        return
    if speech.as_json:
        speech.json(request)
        return
    _show(speech, request)


def _show_asking(speech: Speech, asking: dict[str, Any]) -> None:
    if speech.as_json:
        speech.json(asking)
        return
    _table(speech, asking["requests"], "supplier")
    _progress(speech, asking)


def _show(speech: Speech, request: dict[str, Any]) -> None:
    if request["product"]:
        show_name(speech, request["product"])
    table = speech.table("", "")
    table.show_header = False
    table.add_row(speech.text("Buyer"), request["buyer"]["name"])
    table.add_row(speech.text("Supplier"), request["supplier"]["name"])
    table.add_row(speech.text("State"), speech.text(STATE_WORDS[request["state"]]))
    table.add_row(speech.text("Due"), request["dueAt"])
    for name, values in request["criteria"].items():
        table.add_row(name, ", ".join(values))
    for told, value in ((speech.text("Comment"), request["comment"]),
                        (speech.text("Reason"), request["reason"]),
                        (speech.text("Footprints"), ", ".join(request["footprints"]))):  # fmt: skip
        if value:
            table.add_row(told, value)
    speech.out.print(table)
    if request["passedOn"]:
        speech.say("Of your own suppliers: %(answered)d of %(asked)d requests answered, "
                   "%(declined)d declined, %(overdue)d overdue.",
                   **request["passedOn"])  # fmt: skip
    for step in request["next"]:
        _step(speech, step)


def _step(speech: Speech, step: dict[str, Any]) -> None:
    speech.out.print()
    speech.out.print(Text(step["sentence"]))
    speech.out.print(Text(f"  {step['command']}"))
    if step["period"]:
        speech.say("  From %(start)s up to %(end)s, the last day excluded.", **step["period"])
    if step["statement"]:
        click.echo(f"  {json.dumps(step['statement'], ensure_ascii=False)}")
    if step["prev"]:
        speech.say("  It takes the place of another: sign it with --prev %(prev)s.",
                   prev=step["prev"])  # fmt: skip


def _progress(speech: Speech, asking: dict[str, Any]) -> None:
    progress = asking["progress"]
    speech.say("%(asking)s: %(answered)d of %(count)d suppliers answered.", asking=asking["asking"],
               answered=progress["suppliersAnswered"], count=progress["suppliers"])  # fmt: skip
    for number, tier in enumerate(asking["tiers"], start=1):
        speech.say("  Tier %(tier)d: %(answered)d of %(asked)d requests answered, "
                   "%(declined)d declined, %(overdue)d overdue.", **tier, tier=number)  # fmt: skip
    if asking["nextDue"]:
        speech.say("  The next answer is due by %(due)s.", due=asking["nextDue"])


def _table(speech: Speech, found: Iterable[dict[str, Any]], other: str) -> None:
    heading = speech.text("Buyer") if other == "buyer" else speech.text("Supplier")
    table = speech.table("Id", heading, "Product", "Due", "State")
    for each in found:
        product = each["product"]["name"] if each["product"] else ""
        table.add_row(each["id"], each[other]["name"], product, each["dueAt"][:10],
                      speech.text(STATE_WORDS[each["state"]]))  # fmt: skip
    speech.out.print(table)


# --- Answering -----------------------------------------------------------------------------


@requests.command()
@click.argument("request", type=click.UUID, metavar="REQUEST")
@click.argument("footprints", nargs=-1, required=True, metavar="FOOTPRINT...")
@_asks
def answer(
    speech: Speech, server: str, token: str | None, request: UUID, footprints: tuple[str, ...]
) -> None:
    """Answer a REQUEST with footprints of yours, by their PACT ids."""
    client = Client(server, token, language=speech.language)
    _ended(speech, client.answer_request(str(request), footprints))


@requests.command()
@click.argument("request", type=click.UUID, metavar="REQUEST")
@click.option("--reason", required=True, help="Told to whoever asked.")
@_asks
def decline(speech: Speech, server: str, token: str | None, request: UUID, reason: str) -> None:
    """Say why there is no footprint for a REQUEST."""
    client = Client(server, token, language=speech.language)
    _ended(speech, client.decline_request(str(request), reason))


def _ended(speech: Speech, told: dict[str, Any]) -> None:
    if speech.as_json:
        speech.json(told)
        return
    _show(speech, told)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
