"""Commands about tokens: who may read over HTTP."""

from __future__ import annotations

import dataclasses
import datetime as dt

import click
import sqlalchemy as sa

import migrations
from api.callers import TOKEN_ROLES
from api.cli.local import existing
from api.cli.speech import Speech, json_option, pass_speech
from api.errors import TokenRefused
from api.keys.tokens import Tokens, is_registered
from api.settings import Settings
from ledger.store import open_engine, reading


@click.group()
def token() -> None:
    """Issue, list and revoke the tokens that reading over HTTP needs."""


@token.command()
@click.option("--role", type=click.Choice(TOKEN_ROLES), required=True, help="What it may read.")
@click.option("--enterprise", help="Id of the enterprise it speaks for.")
@click.option("--label", default="", help="A note for yourself: who holds it, and for what.")
@click.option("--days", type=click.IntRange(1, 3650), help="How long it lasts; otherwise for good.")
@json_option
@pass_speech
def issue(speech: Speech, role: str, enterprise: str | None, label: str, days: int | None) -> None:
    """Issue a token. It is shown this once; only its digest is kept."""
    database = _database()
    if enterprise is not None:
        with reading(database) as connection:
            if not is_registered(connection, enterprise):
                raise TokenRefused(reason="no enterprise of this id is registered")
    token_id, secret = Tokens(database).issue(role, enterprise, label, days)
    if speech.as_json:
        speech.json({"id": token_id, "token": secret})
        return
    speech.say("Token %(id)s, shown this once:", id=token_id)
    click.echo(secret)


@token.command()
@click.argument("token_id", metavar="ID")
@pass_speech
def revoke(speech: Speech, token_id: str) -> None:
    """Refuse a token from now on."""
    Tokens(_database()).revoke(token_id)
    speech.say("The token %(id)s is revoked.", id=token_id)


@token.command("list")
@json_option
@pass_speech
def list_(speech: Speech) -> None:
    """List every token ever issued, without its secret."""
    found = Tokens(_database()).list()
    if speech.as_json:
        speech.json([dataclasses.asdict(each) for each in found])
        return
    table = speech.table("Id", "Role", "Enterprise", "Label", "Issued", "Expires", "Revoked")
    for each in found:
        times = (each.issued_at, each.expires_at, each.revoked_at)
        table.add_row(
            each.id, each.role, each.enterprise or "", each.label, *(_day(at) for at in times)
        )
    speech.out.print(table)


def _database() -> sa.Engine:
    database = open_engine(existing(Settings.from_env()).database)
    migrations.upgrade(database)
    return database


def _day(at_ms: int | None) -> str:
    return "" if at_ms is None else str(dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).date())
