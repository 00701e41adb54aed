"""The inventory of a park or an enterprise as a file to keep, to send or to print."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from api.cli.figures import (
    PLURALS,
    asked_client,
    boundary_of,
    gwp_option,
    query_of,
    server_or_here_option,
)
from api.cli.options import token_option
from api.cli.speech import Speech, json_option, pass_speech
from api.errors import WouldOverwrite

FORMS: Final = ("xlsx", "csv", "html")


@click.command()
@click.argument("which", metavar="PARK|ENTERPRISE")
@click.option("--format", "form", type=click.Choice(FORMS),
              help="By default what the name of the file ends with.")  # fmt: skip
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, dir_okay=False),
              help="Where to write it, such as park.xlsx.")  # fmt: skip
@click.option("--year", type=int, help="Calendar year; by default the latest.")
@gwp_option
@click.option("--at", type=click.IntRange(1), help="As of the first so many entries.")
@server_or_here_option
@token_option
@json_option
@pass_speech
def report(
    speech: Speech,
    /,
    which: str,
    form: str | None,
    out: Path,
    server: str | None,
    token: str | None,
    **question: Any,
) -> None:
    """Write the inventory of a park or an enterprise as a workbook, as CSV or as a page to print.

    With the position of the log that it was answered from, its signed checkpoint, and the published
    figure of the same question. In the language of --lang.
    """
    wanted = form or _form_of(out)
    client = asked_client(speech, server, token)
    kind, entity = boundary_of(client, which)
    data = client.report(PLURALS[kind], entity, wanted, **query_of(**question))
    _write_new(out, data)
    if speech.as_json:
        speech.json({"path": str(out), "format": wanted, "bytes": len(data)})
        return
    speech.say("%(path)s is written.", path=out)


def _form_of(path: Path) -> str:
    """What the name of a file says it is. Raises UsageError."""
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMS:
        raise click.UsageError("--format is needed, or a file that ends in .xlsx, .csv or .html.")
    return ending


def _write_new(path: Path, data: bytes) -> None:
    """Raises WouldOverwrite."""
    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise WouldOverwrite(path=str(path)) from None
