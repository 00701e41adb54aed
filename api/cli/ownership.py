"""A site or product changes hands: drafted, accepted by the new owner offline, and submitted."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any, Final

import click

from api.cli.options import key_options, server_option, yes_option
from api.cli.speaking import DAY, ID, ask, registrar, speaker
from api.cli.speech import Speech, json_option, pass_speech
from api.cli.supplier import check_log
from api.errors import FileRefused, NameUnknown, WouldOverwrite
from api.keys.keyfile import KeyFile
from ledger import jws, strict_json
from ledger.errors import CatchmentError
from ledger.schema import dump, load
from ledger.statements import Transfer, Transferred
from ledger.trust import Trust

_MOST_BYTES: Final = 64 * 1024


@click.group()
def transfer() -> None:
    """Hand a site or product over to another enterprise, for good."""


@transfer.command()
@click.argument("kind", type=click.Choice(("site", "product")))
@click.argument("thing", metavar="ID", type=ID)
@click.option("--to", required=True, type=ID, help="Id of the enterprise that takes it over.")
@click.option("--from", "start", required=True, type=DAY, help="First day of the new owner.")
@click.option("--serial", type=click.IntRange(1, 999), default=1, show_default=True,
              help="1 for its first transfer, 2 for the next.")  # fmt: skip
@click.option("--trust", "trust_file", required=True, type=click.Path(path_type=Path, exists=True),
              help="The log: trust.json.")  # fmt: skip
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False))
@pass_speech
def draft(
    speech: Speech,
    kind: str,
    thing: str,
    to: str,
    start: dt.date,
    serial: int,
    trust_file: Path,
    out: Path,
) -> None:
    """Write what changes hands, to be accepted by the new owner.

    Of periods that ended before the day the old owner still speaks, of later ones the new one.
    """
    if out.exists():
        raise WouldOverwrite(path=str(out))
    body = Transfer(object=Transferred(type=kind, id=thing), to=to, start=start, serial=serial)
    _write(out, body, Trust.read(trust_file).log)
    speech.say("Send %(path)s to the new owner: “catchment transfer accept”.", path=out)


@transfer.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@key_options
@yes_option
@pass_speech
def accept(speech: Speech, file: Path, key: KeyFile | None, yes: bool) -> None:
    """Accept what is drafted, as the new owner; no network is needed.

    The acceptance is written into the file. Send it back to the old owner.
    """
    if key is None:
        raise click.UsageError("--key is needed: a key of the new owner.")
    body, log = _read(file)
    check_log(log, key)
    if body.to != key.enterprise:
        raise FileRefused(path=str(file), reason="it hands over to another enterprise than yours")
    said = {"kind": body.object.type, "id": body.object.id, "start": body.start}
    ask(speech, speech.text("Take over the %(kind)s %(id)s from %(start)s on?", said), yes)
    acceptance = jws.sign({"log": log, **_accepted(body)}, key.private, jws.ACCEPTANCE_TYP)
    _write(file, body, log, acceptance.decode("ascii"))
    speech.say("%(path)s is accepted: send it back to the old owner.", path=file)


@transfer.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--mandate",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The registrar: a scan of the contract, of which the digest is stated.",
)
@key_options
@server_option
@yes_option
@json_option
@pass_speech
def submit(
    speech: Speech,
    file: Path,
    mandate: Path | None,
    key: KeyFile | None,
    server: str,
    yes: bool,
) -> None:
    """State the transfer: as the old owner with --key, or as the registrar with --mandate.

    It is final: only a transfer back by the new owner undoes it.
    """
    if (key is None) == (mandate is None):
        raise click.UsageError("Give --key as the old owner, or --mandate as the registrar.")
    body, log = _read(file)
    if key is not None:
        who, subject = speaker(speech, key, server, None), key.enterprise
    else:
        who = registrar(speech)
        subject = _owner(who.client.entities(f"{body.object.type}s"), body.object)
        body = load(Transfer, dump(body) | {"mandate": _digest(mandate)})
    check_log(log, who.key)
    envelope = who.signed(body, subject)
    who.client.rehearse([envelope])
    said = {"kind": body.object.type, "id": body.object.id, "to": body.to}
    ask(speech, speech.text("Hand the %(kind)s %(id)s over to %(to)s, for good?", said), yes)
    (done,) = who.state([envelope])
    if speech.as_json:
        speech.json({"index": done.index, "digest": done.digest})
        return
    speech.say("The %(kind)s %(id)s is handed over (entry %(index)d).",
               kind=body.object.type, id=body.object.id, index=done.index)  # fmt: skip


def _accepted(body: Transfer) -> dict[str, Any]:
    members = dump(body)
    return {name: members[name] for name in ("object", "to", "from", "serial")}


def _write(path: Path, body: Transfer, log: dict[str, str], acceptance: str | None = None) -> None:
    document = {"type": Transfer.TYPE, "log": log, **_accepted(body)}
    if acceptance is not None:
        document["acceptance"] = acceptance
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def _read(path: Path) -> tuple[Transfer, dict[str, str]]:
    """What is drafted, and for which log. Raises FileRefused."""
    try:
        with path.open("rb") as file:
            members: Any = strict_json.loads(file.read(_MOST_BYTES))
        log: dict[str, str] = dict(members.pop("log"))
        members.pop("type")
        return load(Transfer, members), log
    except (CatchmentError, KeyError, TypeError, ValueError, AttributeError):
        reason = "it is no draft of “catchment transfer draft”"
        raise FileRefused(path=str(path), reason=reason) from None


def _owner(things: list[dict[str, Any]], thing: Transferred) -> str:
    owner = next((each["owner"] for each in things if each["id"] == thing.id), None)
    if owner is None:
        raise NameUnknown(kind=thing.type, text=thing.id)
    return str(owner)


def _digest(mandate: Path | None) -> str:
    return hashlib.sha256(mandate.read_bytes() if mandate else b"").hexdigest()
