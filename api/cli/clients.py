"""Commands about OAuth clients: which programs may read and send over HTTP."""

from __future__ import annotations

import dataclasses
from typing import Any

import click

import migrations
from api.callers import GRANTS_PATH, SCOPES, TOKEN_ROLES
from api.cli.figures import registered
from api.cli.local import existing, local_client
from api.cli.speech import Speech, json_option, pass_speech, time_text
from api.oauth.clients import ROTATION_HOURS, Client, Clients
from api.opening import clock_ms
from api.settings import Settings
from ledger.store import open_engine

_ID = click.argument("client_id", metavar="ID")


@click.group()
def client() -> None:
    """Register programs that fetch access tokens (OAuth 2.0 client credentials)."""


@client.command()
@click.argument("name")
@click.option("--role", type=click.Choice(TOKEN_ROLES), default="procurement", show_default=True,
              help="What it may read.")  # fmt: skip
@click.option("--enterprise", help="Id or name of the enterprise it acts for.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(list(SCOPES)),
    multiple=True,
    default=tuple(SCOPES),
    show_default=True,
    help="What its tokens reach to; may be given several times.",
)
@json_option
@pass_speech
def add(
    speech: Speech, name: str, role: str, enterprise: str | None, scopes: tuple[str, ...]
) -> None:
    """Register a client. Its secret is shown this once; only its digest is kept."""
    settings = existing(Settings.from_env())
    if enterprise is not None:
        enterprise = registered(local_client(settings, speech.language), "enterprises", enterprise)
    client_id, secret = _clients(settings).add(role, enterprise, name, scopes)
    endpoint = f"{settings.public_address}{GRANTS_PATH}"
    if speech.as_json:
        speech.json({"token_endpoint": endpoint, "client_id": client_id, "client_secret": secret})
        return
    speech.say("Give these three to whoever runs the client; the secret is shown this once:")
    click.echo(f"token_endpoint  {endpoint}")
    click.echo(f"client_id       {client_id}")
    click.echo(f"client_secret   {secret}")


@client.command("list")
@json_option
@pass_speech
def list_(speech: Speech) -> None:
    """List every client ever registered, without its secrets."""
    found = _clients().list()
    if speech.as_json:
        speech.json([_members(each) for each in found])
        return
    table = speech.table(
        "Id", "Name", "Role", "Enterprise", "OAuth scopes", "Registered", "Revoked"
    )
    for each in found:
        who = (each.id, each.name, each.role, each.enterprise or "")
        times = (time_text(each.created_at), time_text(each.revoked_at))
        table.add_row(*who, " ".join(sorted(each.scopes)), *times)
    speech.out.print(table)


@client.command()
@_ID
@click.option(
    "--hours",
    type=click.IntRange(1, 24 * 90),
    default=ROTATION_HOURS,
    show_default=True,
    help="How long the secrets it has now stay valid.",
)
@click.option("--now", is_flag=True, help="End them at once, and the tokens granted for them.")
@json_option
@pass_speech
def rotate(speech: Speech, client_id: str, hours: int, now: bool) -> None:
    """Give a client a new secret, which is shown this once."""
    secret = _clients().rotate(client_id, 0 if now else hours)
    if speech.as_json:
        speech.json({"client_id": client_id, "client_secret": secret})
        return
    if now:
        speech.say("The old secret is no longer taken. The new one, shown this once:")
    else:
        speech.say(
            "The old secret is taken for %(hours)d more hours. The new one, shown this once:",
            hours=hours,
        )
    click.echo(secret)


@client.command()
@_ID
@json_option
@pass_speech
def revoke(speech: Speech, client_id: str) -> None:
    """Refuse a client from now on; the tokens it holds end within seconds."""
    _clients().revoke(client_id)
    if speech.as_json:
        speech.json({"client_id": client_id, "revoked": True})
        return
    speech.say("The client %(id)s is revoked.", id=client_id)


@client.command()
@click.argument("client_id", metavar="[ID]", required=False)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@json_option
@pass_speech
def uses(speech: Speech, client_id: str | None, limit: int) -> None:
    """Show which tokens were granted and refused, the newest first."""
    found = _clients().uses(client_id, limit)
    if speech.as_json:
        speech.json([dataclasses.asdict(each) for each in found])
        return
    table = speech.table("Time", "Client", "Outcome", "Address")
    for each in found:
        table.add_row(time_text(each.at), each.client, each.outcome, each.address)
    speech.out.print(table)


def _clients(settings: Settings | None = None) -> Clients:
    database = open_engine((settings or existing(Settings.from_env())).database)
    migrations.upgrade(database)
    return Clients(database, clock_ms)


def _members(found: Client) -> dict[str, Any]:
    return dataclasses.asdict(found) | {"scopes": sorted(found.scopes)}
