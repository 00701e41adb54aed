"""The command about events: what came from other hosts, and what goes out to them."""

from __future__ import annotations

import dataclasses
from typing import Any

import click
import sqlalchemy as sa

import migrations
from api import tables
from api.cli.local import existing
from api.cli.speech import Speech, json_option, pass_speech, time_text
from api.opening import clock_ms
from api.outbox.outbox import DELIVERED, FAILED, WAITING, Delivery, Outbox
from api.partners.inbox import DONE, Inbox, Received
from api.settings import Settings
from api.web.wire import iso_time
from ledger.store import open_engine, reading

_STATES = (WAITING, DONE, DELIVERED, FAILED)
_TIMES = ("at", "next_at", "until", "created_at", "delivered_at")


@click.command()
@click.option("--received", "which", flag_value="received", help="Only what came.")
@click.option("--outgoing", "which", flag_value="outgoing", help="Only what goes out.")
@click.option("--state", type=click.Choice(_STATES), help="Only what is in this state.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--replay", type=int, metavar="NO", help="Send an outgoing event once more.")
@json_option
@pass_speech
def events(
    speech: Speech, which: str | None, state: str | None, limit: int, replay: int | None
) -> None:
    """Show events that came and events that go out, the newest first.

    Run on the machine of the server. An event that goes out is tried for 72 hours; --replay sends
    it once more, with the id it had, whatever became of it before.
    """
    database = open_engine(existing(Settings.from_env()).database)
    migrations.upgrade(database)
    outbox = Outbox(database, clock_ms)
    if replay is not None:
        _replay(speech, outbox, replay)
        return
    inbox = Inbox(database, clock_ms)
    came = inbox.of(state=state, limit=limit) if which != "outgoing" else []
    going = outbox.of(state=state, limit=limit) if which != "received" else []
    if speech.as_json:
        shown = {"received": list(map(_members, came)), "outgoing": list(map(_members, going))}
        speech.json(shown)
        return
    partners = _names(database)
    if which != "outgoing":
        _show_received(speech, came, partners)
    if which != "received":
        _show_outgoing(speech, going, partners)


def _replay(speech: Speech, outbox: Outbox, serial: int) -> None:
    again = outbox.replay(serial)
    if speech.as_json:
        speech.json(_members(again))
        return
    speech.say("The event %(id)s is sent again.", id=again.id)


def _show_received(speech: Speech, came: list[Received], partners: dict[str, str]) -> None:
    speech.say("Received:")
    table = speech.table("Time", "Sender", "Type", "Id", "State", "What became of it")
    for each in came:
        sender = partners.get(each.partner, each.partner)
        state = _state(speech, each.state)
        table.add_row(time_text(each.at), sender, _kind(each.type), each.id, state, each.told)
    speech.out.print(table)


def _show_outgoing(speech: Speech, going: list[Delivery], partners: dict[str, str]) -> None:
    speech.say("Outgoing:")
    table = speech.table(
        "No.", "Time", "Recipient", "Type", "State", "Attempts", "Next attempt", "Last answer"
    )
    for each in going:
        next_at = time_text(each.next_at if each.state == WAITING else None)
        table.add_row(
            str(each.serial),
            time_text(each.created_at),
            partners.get(each.recipient, each.recipient),
            _kind(each.type),
            _state(speech, each.state),
            str(each.attempts),
            next_at,
            each.told,
        )
    speech.out.print(table)


def _state(speech: Speech, state: str) -> str:
    words = {
        WAITING: speech.text("waiting"),
        DONE: speech.text("done"),
        DELIVERED: speech.text("delivered"),
        FAILED: speech.text("failed"),
    }
    return words[state]


def _kind(type_: str) -> str:
    """The last words of a type: ``RequestCreatedEvent.3``."""
    return ".".join(type_.rsplit(".", 2)[-2:])


def _names(database: sa.Engine) -> dict[str, str]:
    """What people call the partners, those removed too."""
    query = sa.select(tables.partner.c.id, tables.partner.c.name)
    with reading(database) as connection:
        return {row.id: row.name for row in connection.execute(query)}


def _members(found: Received | Delivery) -> dict[str, Any]:
    """As a program reads it; the body is a text, as it was or is sent."""
    members = dataclasses.asdict(found)
    moments = {name: members[name] for name in _TIMES if name in members}
    times = {name: iso_time(at) if at else None for name, at in moments.items()}
    return members | times | {"body": found.body.decode("utf-8", "replace")}
