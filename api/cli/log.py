"""``catchment log``: a log as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import click

import migrations
from api.cli.local import existing
from api.cli.speech import CANNOT_DECIDE, REFUSED, Speech, json_option, pass_speech
from api.errors import AnswerNotUnderstood, FileRefused, ServerUnreachable, WouldOverwrite
from api.settings import Settings
from ledger import fork, strict_base64, tiles
from ledger.checkpoint import Checkpoint
from ledger.errors import CatchmentError
from ledger.export import Step, export, open_archive
from ledger.findings import Finding
from ledger.fork import Comparison, Fork, Side, Verdict
from ledger.fsck import fsck
from ledger.merkle import HASH_BYTES
from ledger.note import MAX_NOTE_BYTES, text_of
from ledger.rebuild import rebuild
from ledger.receipt import FORMAT, MAX_RECEIPT_BYTES, Receipt
from ledger.store import open_engine
from ledger.tiles import WIDTH, TileReader
from ledger.trust import Trust

TIMEOUT_SECONDS: Final = (5, 30)
_ZIP_START = b"PK"
_PLACES = ("/v1/log", "")
"""Where a server has its log: one of ours, or an unpacked export on any web server."""

_file_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))

_trust_option = click.option(
    "--trust",
    "trust_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default="trust.json",
    show_default=True,
    help="trust.json of the log.",
)


@click.group()
def log() -> None:
    """Look at a log as a whole."""


@log.command("export")
@_file_argument
@json_option
@pass_speech
def export_log(speech: Speech, file: Path) -> None:
    """Write the whole log to one zip file, which is also a static mirror of it.

    Keys and tokens are not in it, but what enterprises keep confidential is: keep it as you keep
    the database.
    """
    database = open_engine(existing(Settings.from_env()).database)
    if file.exists():
        raise WouldOverwrite(path=str(file))
    with _bar(speech, speech.text("Exporting")) as step:
        checkpoint = export(database, file, step)
    if speech.as_json:
        speech.json({"path": str(file), **_shown(checkpoint)})
        return
    speech.say("%(path)s holds %(size)d entries.", path=file, size=checkpoint.size)
    speech.say("The root of its tree is %(root)s.", root=_shown(checkpoint)["root"])


@log.command("rebuild")
@_file_argument
@click.option(
    "--trust",
    "trust_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="trust.json of the log that it must be.",
)
@json_option
@pass_speech
def rebuild_log(speech: Speech, file: Path, trust_file: Path | None) -> None:
    """Build the database from an export, or bring it up to one.

    Everything is verified again: signatures, admission, roots. Nothing is signed, and no signing
    key is needed. A run that was interrupted is finished by running it again.
    """
    settings = Settings.from_env()
    trust = Trust.read(trust_file) if trust_file else None
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = open_engine(settings.database)
    with open_archive(file) as archive, _bar(speech, speech.text("Verifying")) as step:
        migrations.upgrade(database)
        done = rebuild(database, archive, trust, step)
    if speech.as_json:
        speech.json({"added": done.added, **_shown(done.checkpoint)})
        return
    speech.say("The database holds the %(size)d entries of the export; %(added)d are new in it.",
               size=done.checkpoint.size, added=done.added)  # fmt: skip
    speech.say("The root of its tree is %(root)s.", root=_shown(done.checkpoint)["root"])
    if trust is None:
        speech.say("Compare its origin and key with what you were given: no trust.json was named.")


@log.command("fsck")
@json_option
@pass_speech
@click.pass_context
def fsck_log(ctx: click.Context, speech: Speech) -> None:
    """Check every row of the log in the database, and name each that is not what it must be.

    \b
    Exit codes:
      0  everything is as it was signed
      1  damaged: the findings are listed
    """
    database = open_engine(existing(Settings.from_env()).database)
    with _bar(speech, speech.text("Checking")) as step:
        report = fsck(database, step)
    if speech.as_json:
        speech.json({"size": report.size, "findings": [_told(speech, f) for f in report.findings]})
    elif report.findings:
        table = speech.table("Where", "Finding")
        for finding in report.findings:
            table.add_row(finding.where, speech.text(finding.template, finding.params))
        speech.out.print(table)
        speech.say("The log is damaged: keep a copy of the database as evidence.")
    else:
        speech.say("All %(size)d entries and what belongs to them are sound.", size=report.size)
    ctx.exit(REFUSED if report.findings else 0)


def _told(speech: Speech, finding: Finding) -> dict[str, str]:
    said = speech.text(finding.template, finding.params)
    return {"rule": finding.rule, "where": finding.where, "finding": said}


@contextmanager
def _bar(speech: Speech, what: str) -> Iterator[Step]:
    with speech.progress() as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@log.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@_trust_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Keep a fork proof.")
@json_option
@pass_speech
@click.pass_context
def compare(
    ctx: click.Context, speech: Speech, a: str, b: str, trust_file: Path, out: Path | None
) -> None:
    """Compare two views of a log: has everybody been shown the same history?

    A and B are files (a signed checkpoint, a receipt, an export) or addresses of servers.

    \b
    Exit codes:
      0  the same, or one continues the other
      1  a fork: the log's key signed two histories; the proof is printed
      3  cannot be decided: a view cannot be read, is of another log, or nobody
         has the tiles of the larger tree
    """
    try:
        with ExitStack() as opened:
            trust = Trust.read(trust_file)
            compared = fork.compare(_side(a, opened), _side(b, opened), trust)
    except CatchmentError as refused:
        speech.refuse(refused)
        ctx.exit(CANNOT_DECIDE)
    if out is not None and compared.fork is not None:
        _keep(out, compared.fork)
    if speech.as_json:
        speech.json(_document(compared))
    else:
        _say(speech, compared, trust.origin)
    ctx.exit(_EXIT[compared.verdict])


@log.command("verify-fork")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_trust_option
@json_option
@pass_speech
def verify_fork(speech: Speech, file: Path, trust_file: Path) -> None:
    """Check offline a proof that a log's key signed two histories.

    Exit code 0 if it does prove that, 1 if not.
    """
    with file.open("rb") as opened:
        proof = Fork.parse(opened.read(fork.MAX_FORK_BYTES + 1))
    trust = Trust.read(trust_file)
    older, newer = fork.verify_fork(proof, trust)
    if speech.as_json:
        speech.json({"valid": True, "older": _shown(older), "newer": _shown(newer)})
        return
    _say_forked(speech, trust.origin, older, newer)


_EXIT = {
    Verdict.SAME: 0,
    Verdict.EXTENDS: 0,
    Verdict.UNDECIDED: CANNOT_DECIDE,
    Verdict.FORK: REFUSED,
}


def _say(speech: Speech, compared: Comparison, origin: str) -> None:
    older, newer = compared.older, compared.newer
    match compared.verdict:
        case Verdict.SAME:
            speech.say("Both show the same tree of %(size)d entries.", size=newer.size)
        case Verdict.EXTENDS:
            speech.say("The tree of %(newer)d entries continues that of %(older)d.",
                       newer=newer.size, older=older.size)  # fmt: skip
        case Verdict.UNDECIDED:
            speech.say("It cannot be decided whether the tree of %(newer)d entries continues that "
                       "of %(older)d: its tiles are not to be had. Name a server or an export that "
                       "has them.", newer=newer.size, older=older.size)  # fmt: skip
        case Verdict.FORK:
            _say_forked(speech, origin, older, newer)
    if compared.fork is not None:
        click.echo(compared.fork.encode())


def _say_forked(speech: Speech, origin: str, older: Checkpoint, newer: Checkpoint) -> None:
    speech.say("FORK: the key of %(origin)s signed two histories: a tree of %(older)d entries, and "
               "one of %(newer)d that does not continue it.",
               origin=origin, older=older.size, newer=newer.size)  # fmt: skip


def _document(compared: Comparison) -> dict[str, Any]:
    document: dict[str, Any] = {
        "verdict": compared.verdict.value,
        "older": _shown(compared.older),
        "newer": _shown(compared.newer),
    }
    if compared.fork is not None:
        document["fork"] = compared.fork.members
    return document


def _shown(checkpoint: Checkpoint) -> dict[str, Any]:
    return {"size": checkpoint.size, "root": strict_base64.to_standard(checkpoint.root)}


def _keep(path: Path, proof: Fork) -> None:
    if path.exists():
        raise WouldOverwrite(path=str(path))
    path.write_bytes(proof.encode() + b"\n")


# --- Where a view comes from ---------------------------------------------------------------


def _side(named: str, opened: ExitStack) -> Side:
    """A server, or a file by what it holds; archives stay open until ``opened`` is closed."""
    if named.startswith(("http://", "https://")):
        return _server(named.rstrip("/"))
    path = Path(named)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_RECEIPT_BYTES + 1)
    except OSError as failed:
        raise FileRefused(path=named, reason=failed.strerror or "unreadable") from None
    if data.startswith(_ZIP_START):
        archive = opened.enter_context(open_archive(path))
        return Side(archive.note, _cut_to(archive.size, archive.tile))
    if data.startswith(FORMAT.encode("ascii")):
        return Side(Receipt.parse(data).checkpoint_note)
    if len(data) > MAX_NOTE_BYTES:
        raise FileRefused(path=named, reason="it is no checkpoint, receipt or export")
    return Side(data)


def _server(address: str) -> Side:
    for place in _PLACES:
        note = _fetch(f"{address}{place}/checkpoint", MAX_NOTE_BYTES)
        if note is not None:
            break
    else:
        raise AnswerNotUnderstood(url=address)

    def tile(level: int, index: int, width: int) -> bytes:
        url = f"{address}{place}/{tiles.tile_path(level, index, width)}"
        return _fetch(url, WIDTH * HASH_BYTES) or b""

    return Side(note, _cut_to(Checkpoint.parse(text_of(note)).size, tile))


def _cut_to(size: int, tile: Callable[[int, int, int], bytes]) -> TileReader:
    """Reads tiles as wide as a tree of ``size`` entries has them."""

    def read_tile(level: int, index: int) -> bytes:
        width = (size >> tiles.HEIGHT * level) - index * WIDTH
        return tile(level, index, min(width, WIDTH)) if width > 0 else b""

    return read_tile


def _fetch(url: str, limit: int) -> bytes | None:
    """The body, or None where there is none. Raises ServerUnreachable or AnswerNotUnderstood."""
    import requests

    try:
        with requests.get(url, timeout=TIMEOUT_SECONDS, stream=True) as response:
            if response.status_code == HTTPStatus.NOT_FOUND:
                return None
            body: bytes = response.raw.read(limit + 1, decode_content=True)
    except (requests.RequestException, OSError):
        raise ServerUnreachable(url=url, reason="no connection") from None
    if response.status_code != HTTPStatus.OK or len(body) > limit:
        raise AnswerNotUnderstood(url=url)
    return body
