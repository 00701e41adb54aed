"""Subscriptions in the terminal: to begin, look at, repeat and end being told of changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click
from rich.text import Text

from api.cli.figures import MOST_LINES, PLURALS, id_of
from api.cli.options import server_option, token_option
from api.cli.speech import Speech, json_option, pass_speech
from api.client import Client
from api.figures.numbers import percent


def _asks(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (pass_speech, json_option, token_option, server_option):
        command = option(command)
    return command


@click.command()
@click.argument("kind", type=click.Choice(list(PLURALS)), metavar="product|park|enterprise")
@click.argument("which", metavar="ID|NAME")
@click.argument("url", metavar="URL")
@click.option("--year", type=int, help="Calendar year; by default always the latest.")
@click.option("--threshold", help="Fraction by which it must move; 0: every change.  [0.01]")
@click.option("--net", type=click.Choice(["full", "operational"]), help="Which net figure.")
@_asks
def subscribe(
    speech: Speech,
    server: str,
    token: str | None,
    kind: str,
    which: str,
    url: str,
    **members: Any,
) -> None:
    """Have changes of a figure posted to a URL, signed.

    A product's footprint, a park's net figure, or all figures of an enterprise that you may read.
    The key of the signatures is shown this once.
    """
    client = Client(server, token, language=speech.language)
    wanted = {name: value for name, value in members.items() if value is not None}
    about = id_of(client, PLURALS[kind], which)
    made = client.subscribe({"kind": kind, "id": about, "url": url, **wanted})
    if speech.as_json:
        speech.json(made)
        return
    speech.say("Subscription %(id)s. Key of its signatures, shown this once:", id=made["id"])
    click.echo(made["secret"])


@click.command()
@click.option("--deliveries", type=click.UUID, metavar="ID", help="What was sent to one of them.")
@click.option(
    "--replay", type=click.UUID, metavar="EVENT", help="With --deliveries: send this event again."
)
@click.option("--rotate", type=click.UUID, metavar="ID", help="Exchange the key of one of them.")
@click.option("--test", type=click.UUID, metavar="ID", help="Send a test event to one of them.")
@click.option("--end", type=click.UUID, metavar="ID", help="End one of them.")
@_asks
def subscriptions(
    speech: Speech,
    server: str,
    token: str | None,
    deliveries: UUID | None,
    replay: UUID | None,
    rotate: UUID | None,
    test: UUID | None,
    end: UUID | None,
) -> None:
    """Your subscriptions, and what was sent to them."""
    client = Client(server, token, language=speech.language)
    if end is not None:
        client.end_subscription(str(end))
        speech.say("The subscription %(id)s has ended.", id=str(end))
    elif rotate is not None:
        _rotated(speech, client.rotate_subscription(str(rotate)))
    elif test is not None:
        _sent(speech, client.test_subscription(str(test)))
    elif deliveries is not None and replay is not None:
        _sent(speech, client.replay_delivery(str(deliveries), str(replay)))
    elif deliveries is not None:
        _deliveries(speech, client.deliveries(str(deliveries)))
    elif replay is not None:
        raise click.UsageError("--replay needs --deliveries ID, the subscription.")
    else:
        _list(speech, client.subscriptions())


def _rotated(speech: Speech, answer: dict[str, Any]) -> None:
    if speech.as_json:
        speech.json(answer)
        return
    speech.say(
        "The former key signs as well until %(time)s. New key, shown this once:",
        time=answer["formerUntil"],
    )
    click.echo(answer["secret"])


def _sent(speech: Speech, answer: dict[str, Any]) -> None:
    if speech.as_json:
        speech.json(answer)
        return
    speech.say("The event %(event)s is on its way.", event=answer["event"])


def _list(speech: Speech, found: list[dict[str, Any]]) -> None:
    if speech.as_json:
        speech.json(found)
        return
    table = speech.table("Id", "Kind", "About", "Year", "Threshold", "URL", right=("Threshold",))
    for each in found:
        table.add_row(
            each["id"],
            _words(speech)[each["kind"]],
            each["about"],
            speech.text("latest") if each["year"] is None else str(each["year"]),
            percent(float(each["threshold"])),
            Text(each["url"]),
        )
    speech.out.print(table)


def _words(speech: Speech) -> dict[str, str]:
    return {
        "product": speech.text("product"),
        "enterprise": speech.text("enterprise"),
        "park": speech.text("park"),
        "waiting": speech.text("waiting"),
        "delivered": speech.text("delivered"),
        "failed": speech.text("failed"),
    }


def _deliveries(speech: Speech, found: list[dict[str, Any]]) -> None:
    if speech.as_json:
        speech.json(found)
        return
    table = speech.table(
        "Event", "Type", "Time", "State", "Attempts", "Last failure", right=("Attempts",)
    )
    for each in found[:MOST_LINES]:
        table.add_row(
            each["id"],
            each["type"],
            each["createdAt"],
            _words(speech)[each["state"]],
            str(each["attempts"]),
            Text(each["lastAnswer"]),
        )
    speech.out.print(table)
    if len(found) > MOST_LINES:
        speech.say("  … and %(count)d more.", count=len(found) - MOST_LINES)
