"""Publishing a figure, and fetching the bundle that lets others check it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click

from api.cli.figures import (
    PLURALS,
    asked_client,
    id_of,
    number_names,
    server_or_here_option,
)
from api.cli.options import key_options, receipt_dir_option, server_option, token_option
from api.cli.speaking import is_digest
from api.cli.speech import Speech, json_option, pass_speech
from api.cli.supplier import Saved, sign_and_submit
from api.client import Client
from api.errors import NothingPublished, WouldOverwrite
from api.keys.keyfile import KeyFile
from ledger.gases import GWP_SETS

_KINDS: Final = ("enterprise", "park")
_SAID_AGAIN: Final = ("engine", "factorSets", "results")
"""What a figure says that can differ while the entry that moved it last is the same."""


@click.command()
@click.argument("which", metavar="ID|NAME")
@click.option("--of", "kind", type=click.Choice(_KINDS), default="park", show_default=True,
              help="What the figure is of.")  # fmt: skip
@click.option("--year", type=int, help="Calendar year; by default the latest.")
@click.option("--gwp", type=click.Choice(GWP_SETS, case_sensitive=False), help="By default AR6.")
@key_options
@server_option
@token_option
@receipt_dir_option
@json_option
@pass_speech
def publish(
    speech: Speech,
    which: str,
    kind: str,
    year: int | None,
    gwp: str | None,
    key: KeyFile | None,
    server: str,
    token: str | None,
    receipt_dir: Path,
) -> None:
    """Publish the figure of a park or an enterprise: sign it, and say it in the log.

    The server computes it and confirms it again when it comes back signed. From then on nobody can
    change it, and whoever has its bundle can compute it again.
    """
    if key is None:
        raise click.UsageError("--key is needed.")
    client = Client(server, token, language=speech.language)
    asked = {"year": None if year is None else str(year), "gwp": gwp}
    entity = id_of(client, PLURALS[kind], which)
    document = client.about(PLURALS[kind], entity, "figure", **asked)
    if not speech.as_json:
        _show(speech, document)
    if _is_published(client, document):
        _say_published(speech, client, document)
        return
    _say_done(speech, client, sign_and_submit(client, document, key, receipt_dir, "figure"))


@click.command()
@click.argument("which", metavar="DIGEST|ID|NAME")
@click.option("--of", "kind", type=click.Choice(_KINDS), default="park", show_default=True,
              help="What is named.")  # fmt: skip
@click.option("--year", type=int, help="Calendar year; by default that published last.")
@server_or_here_option
@token_option
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, dir_okay=False),
              help="Where to write it, such as figure.zip.")  # fmt: skip
@pass_speech
def bundle(
    speech: Speech,
    which: str,
    kind: str,
    year: int | None,
    server: str | None,
    token: str | None,
    out: Path,
) -> None:
    """Write the bundle of a published figure, for “catchment verify”.

    Name the figure by its digest, or the park: then it is what was published of it last.
    """
    client = asked_client(speech, server, token)
    digest = which if is_digest(which) else _last_published(client, kind, which, year)
    _write_new(out, client.bundle(digest))
    speech.say("%(path)s is written. Check it with “catchment verify”, offline.", path=out)


def _last_published(client: Client, kind: str, which: str, year: int | None) -> str:
    """The digest of what was published last of a park or enterprise. Raises NothingPublished."""
    entity = id_of(client, PLURALS[kind], which)
    asked = None if year is None else str(year)
    figures = client.published_figures(object=entity, year=asked)
    if not figures:
        raise NothingPublished(kind=kind, id=entity)
    return str(figures[-1]["digest"])


def _is_published(client: Client, document: dict[str, Any]) -> bool:
    """Whether what was published of the same question before says the same."""
    if "prev" not in document:
        return False
    before = client.published_figure(document["prev"])["payload"]
    return all(before[name] == document[name] for name in _SAID_AGAIN)


def _write_new(path: Path, pieces: Iterable[bytes]) -> None:
    """Raises WouldOverwrite; a file that is not complete does not stay."""
    try:
        file = path.open("xb")
    except FileExistsError:
        raise WouldOverwrite(path=str(path)) from None
    try:
        with file:
            file.writelines(pieces)
    except BaseException:
        path.unlink()
        raise


# --- Showing -------------------------------------------------------------------------------


def _show(speech: Speech, document: dict[str, Any]) -> None:
    speech.say("%(year)s, GWP %(gwp)s, from %(at)d entries; last moved by entry %(as_of)d.",
               year=str(document["year"]), gwp=document["gwp"], at=document["at"]["size"],
               as_of=document["asOf"])  # fmt: skip
    names = number_names(speech)
    table = speech.table("", "kg CO2e", right=("kg CO2e",))
    for result in document["results"]:
        number = result.get("value") or f"≥ {result['atLeast']}"
        table.add_row(names.get(result["name"], result["name"]), number)
    speech.out.print(table)


def _say_published(speech: Speech, client: Client, document: dict[str, Any]) -> None:
    address = client.bundle_address(document["prev"])
    if speech.as_json:
        speech.json({"digest": document["prev"], "new": False, "bundle": address})
        return
    speech.say("It is published already, as %(digest)s.", digest=document["prev"])
    speech.say("Its bundle: %(address)s", address=address)


def _say_done(speech: Speech, client: Client, saved: Saved) -> None:
    held, address = saved.held, client.bundle_address(saved.held.digest)
    if speech.as_json:
        speech.json({"digest": held.digest, "index": held.index, "new": held.new,
                     "bundle": address, "statement": str(saved.statement),
                     "receipt": str(saved.receipt)})  # fmt: skip
        return
    speech.say("Published as entry %(index)d, digest %(digest)s.",
               index=held.index, digest=held.digest)  # fmt: skip
    speech.say("%(statement)s and its receipt %(receipt)s are saved.",
               statement=saved.statement, receipt=saved.receipt)  # fmt: skip
    speech.say("Its bundle: %(address)s", address=address)
