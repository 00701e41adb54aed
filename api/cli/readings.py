"""``catchment readings``: a table of readings becomes signed statements, all or nothing."""

from __future__ import annotations

import zoneinfo
from pathlib import Path
from uuid import UUID

import click

from api.cli.import_ import Prepared, Signers, report
from api.cli.options import key_options, server_option, token_option
from api.cli.speech import REFUSED, Speech, json_option, pass_speech
from api.client import Client
from api.errors import NameAmbiguous, NameUnknown
from api.importing.planning import plan
from api.importing.readings import Of, readings_in
from api.importing.sheets import read_file
from api.importing.wanted import Books, Stands
from api.keys.keyfile import KeyFile
from graph.errors import UnknownMeter
from ledger.statements import NaturalKey

_PAGE = 50
"""Statements of readings are long."""
_SHOWN = 12


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True,
                dir_okay=False))  # fmt: skip
@click.option("--site", required=True, metavar="ID|NAME", help="Where the meter is.")
@click.option("--meter", required=True, help="Its name at the site.")
@click.option("--replace", is_flag=True,
              help="The file has all readings of its months: others that stand go.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would happen, and write nothing.")
@click.option("--on-behalf-of", "subject", type=click.UUID,
              help="The enterprise spoken for, under a delegation.")  # fmt: skip
@key_options
@server_option
@token_option
@json_option
@pass_speech
@click.pass_context
def readings(
    ctx: click.Context,
    speech: Speech,
    path: Path,
    site: str,
    meter: str,
    replace: bool,
    dry_run: bool,
    subject: UUID | None,
    key: KeyFile | None,
    server: str,
    token: str | None,
) -> None:
    """State the readings of a meter from a .csv or .xlsx FILE, a statement for each month.

    The file has a column for the time (“time” or 时间) and one for what was read (“value” or 读数);
    others are passed over. Times have an offset from UTC, or are local to the site. A month that is
    stated already is corrected, and keeps the readings that the file does not have.

    Nothing is written if one row is refused. Exit code 1 if one is.
    """
    if key is None:
        raise click.UsageError("--key is needed.")
    if token is None:
        raise click.UsageError("A token that may read the enterprise's statements is needed.")
    client = Client(server, token, language=speech.language)
    where = _site(client, site)
    speaker = str(subject) if subject else key.enterprise
    zone = zoneinfo.ZoneInfo(client.entity("sites", where)["timeZone"])
    books = _books(client, speaker, where, meter)
    found = readings_in(read_file(path)[0], Of(speaker, where, meter, zone, replace), books)
    prepared, signers = Prepared(found, plan(found, lambda _: books)), Signers({speaker: key}, None)
    if not prepared.problems:
        prepared.sign(signers)
        prepared.judge(client, speech, signers)
    writes = not dry_run and bool(prepared.to_send) and not prepared.problems
    if writes:
        prepared.write(client, speech, atomic=True)
    report(speech, prepared, writes)
    ctx.exit(REFUSED if prepared.problems else 0)


def _site(client: Client, which: str) -> str:
    """The id of a site that is called by id or by name. Raises NameUnknown or NameAmbiguous."""
    try:
        return str(UUID(which))
    except ValueError:
        pass
    found = client.entities("sites", name=which)
    candidates = [each for each in found if each["name"].casefold() == which.casefold()] or found
    if not candidates:
        raise NameUnknown(kind="site", text=which)
    if len(candidates) > 1:
        choices = ", ".join(f"{each['name']} ({each['id']})" for each in candidates[:_SHOWN])
        raise NameAmbiguous(kind="site", text=which, choices=choices)
    return str(candidates[0]["id"])


def _books(client: Client, speaker: str, site: str, meter: str) -> Books:
    """What stands of the readings of a meter. Raises UnknownMeter for one that is not stated."""
    meters = client.statements(subject=speaker, kind="meter", about=site)
    if NaturalKey("meter", (site, meter)) not in {each.key for each in meters}:
        raise UnknownMeter(meter=meter, site=site)
    stated = client.statements(subject=speaker, kind="readings", about=site, page=_PAGE)
    return {
        each.key.text: Stands(each.digest, each.body)
        for each in stated
        if each.key.parts[:2] == (site, meter)
    }
