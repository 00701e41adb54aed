"""``catchment import``: a workbook or CSV file becomes signed statements, all or nothing."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click

from api.cli import refusals
from api.cli.options import key_options, server_option, token_option
from api.cli.speech import REFUSED, Speech, json_option, pass_speech
from api.client import Client, Refused, Result, told
from api.errors import FileRefused, WouldOverwrite
from api.importing.columns import SHEETS
from api.importing.planning import plan
from api.importing.sheets import read_file
from api.importing.tables import read
from api.importing.template import Wording, described, write_template
from api.importing.wanted import Books, Problem, Reading, Stands, Step
from api.keys import keyfile
from api.keys.keyfile import KeyFile
from api.keys.signing import signed
from api.settings import Settings
from ledger.errors import ChainExists
from ledger.statements import Allocation, Body, Disclosure, Periodic, Target

BATCH: Final = 500
"""How many statements are sent at once; also what a server takes by default. A statement rests on
a product and a site at most, so a third of it leaves room for all that a batch rests on."""
BATCH_BYTES: Final = 8 * 1024 * 1024
_SHOWN = 200


class _WithDefault(click.Group):
    """A group whose first argument may be a file instead of a command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args.insert(0, "file")
        return super().parse_args(ctx, args)


@click.group("import", cls=_WithDefault)
def import_() -> None:
    """Import a .csv or .xlsx file: “catchment import FILE --key acme.key”.

    See “catchment import file --help” for the options, and “catchment import template” for an
    empty workbook.
    """


@import_.command()
@click.argument("path", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@pass_speech
def template(speech: Speech, path: Path) -> None:
    """Write an empty workbook in the language of the terminal, and list its columns."""
    if path.exists():
        raise WouldOverwrite(path=str(path))
    wording = Wording(speech.language, speech.text)
    write_template(path, wording)
    if speech.as_json:
        speech.json([{"sheet": s.name, "column": c.name, "required": c.required,
                      "meaning": speech.text(c.doc), "sheetZh": s.zh, "columnZh": c.zh}
                     for s, c in described()])  # fmt: skip
        return
    table = speech.table("Sheet", "Column", "Required", "Meaning")
    for sheet, column in described():
        required = speech.text("yes") if column.required else ""
        table.add_row(
            wording.sheet(sheet.name), wording.head(column.name), required, speech.text(column.doc)
        )
    speech.out.print(table)


@import_.command("file")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True,
                dir_okay=False))  # fmt: skip
@click.option("--type", "sheet", type=click.Choice(list(SHEETS)), help="What a CSV file holds; by "
              "default what it is called.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would happen, and write nothing.")
@click.option("--partial", is_flag=True, help="Write what is accepted though rows are refused.")
@click.option(
    "--on-behalf-of",
    "subject",
    type=click.UUID,
    help="The enterprise spoken for, under a delegation.",
)
@click.option("--keys", type=click.Path(path_type=Path, exists=True, file_okay=False),
              help="Folder of key files; each row then names its enterprise.")  # fmt: skip
@key_options
@server_option
@token_option
@json_option
@pass_speech
@click.pass_context
def file(
    ctx: click.Context,
    speech: Speech,
    path: Path,
    sheet: str | None,
    dry_run: bool,
    partial: bool,
    subject: UUID | None,
    keys: Path | None,
    key: KeyFile | None,
    server: str,
    token: str | None,
) -> None:
    """Import FILE: say what is new, what changes and what is refused, and write it.

    Ids are made of the enterprise and your own codes, so importing the same file again changes
    nothing, and an edited cell becomes a correction.

    Nothing is written if one row is refused, unless --partial is given. Up to 500 statements (and
    8 MiB of them) are one batch that is stored whole or not at all. More are judged in full first
    and then stored in several batches; should one of those be refused because somebody else wrote
    in between, those before it are stored already: import the file again to go on.

    Exit code 1 if a row is refused.
    """
    signers = _signers(key, keys, None if subject is None else str(subject))
    if token is None:
        # Without one the server does not show what stands, and all of it would look new.
        raise click.UsageError("A token that may read the enterprise's statements is needed.")
    client = Client(server, token, language=speech.language)
    books = _Fetched(client)
    reading = read(read_file(path, sheet), signers.only, books, dt.datetime.now(dt.UTC))
    prepared = Prepared(reading, plan(reading, books))
    prepared.sign(signers)
    if partial or not prepared.problems:
        prepared.judge(client, speech, signers)
    writes = not dry_run and bool(prepared.to_send) and (partial or not prepared.problems)
    if writes:
        prepared.write(client, speech, atomic=not partial)
    report(speech, prepared, writes)
    ctx.exit(REFUSED if prepared.problems else 0)


# --- Who signs -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Signers:
    """Which key speaks for which enterprise; ``only`` is spoken for where rows name none."""

    keys: dict[str, KeyFile]
    only: str | None

    def sign(self, step: Step) -> bytes:
        subject = step.wanted.subject
        if subject not in self.keys:
            raise FileRefused(path="--keys", reason=f"it has no key of {subject}")
        return signed(self.keys[subject], step.wanted.body, subject, step.prev)


def _signers(key: KeyFile | None, folder: Path | None, subject: str | None) -> Signers:
    if key is not None and folder is None:
        only = subject or key.enterprise
        return Signers({only: key}, only)
    if folder is None or key is not None or subject is not None:
        raise click.UsageError("Give either --key (with --on-behalf-of, if need be) or --keys.")
    production = Settings.from_env().is_production
    found = [keyfile.read(p, production=production) for p in sorted(folder.glob("*.key"))]
    return Signers({each.enterprise: each for each in found}, None)


class _Fetched:
    """What stands of an enterprise, asked of the server once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._books: dict[str, Books] = {}

    def __call__(self, enterprise: str) -> Books:
        if enterprise not in self._books:
            found = self._client.statements(subject=enterprise)
            self._books[enterprise] = {each.key.text: Stands(each.digest, each.body)
                                       for each in found}  # fmt: skip
        return self._books[enterprise]


# --- What is sent --------------------------------------------------------------------------


@dataclass
class _Sent:
    """A step with its signed envelope, and where the log put it."""

    step: Step
    envelope: bytes
    index: int | None = None


@dataclass
class Prepared:
    """An import on its way: everything planned, what is sent of it, and what is wrong."""

    reading: Reading
    steps: Sequence[Step]
    to_send: list[_Sent] = field(default_factory=list)

    @property
    def problems(self) -> list[Problem]:
        return self.reading.problems

    def sign(self, signers: Signers) -> None:
        changing = (step for step in self.steps if step.action != "unchanged")
        self.to_send = [_Sent(step, signers.sign(step)) for step in changing]

    def judge(self, client: Client, speech: Speech, signers: Signers) -> None:
        """Ask the log, without writing. What it refuses becomes a problem and is not sent."""
        kept: list[_Sent] = []
        for sent, result in self._judged(client, speech):
            if result.problem is None:
                kept.append(sent)
                continue
            resumed = _resumed(sent, result, client, signers)
            if resumed is not None:
                kept.append(resumed)
            else:
                self.problems.append(_refusal(sent.step, result))
        self.to_send = kept

    def _judged(self, client: Client, speech: Speech) -> Iterator[tuple[_Sent, Result]]:
        batches = list(_with_context(self.to_send))
        with speech.progress() as bar:
            for context, batch in bar.track(batches, description=speech.text("Checking")):
                envelopes = [sent.envelope for sent in (*context, *batch)]
                results = client.submit_batch(envelopes, dry_run=True)
                yield from zip(batch, results[len(context) :], strict=True)

    def write(self, client: Client, speech: Speech, *, atomic: bool) -> None:
        batches = list(_batches(self.to_send, BATCH))
        with speech.progress() as bar:
            for batch in bar.track(batches, description=speech.text("Writing")):
                results = client.submit_batch([each.envelope for each in batch], atomic=atomic)
                refused = [(s, r) for s, r in zip(batch, results, strict=True) if r.problem]
                self.problems.extend(_refusal(sent.step, result) for sent, result in refused)
                if refused and atomic:
                    return
                for sent, result in zip(batch, results, strict=True):
                    sent.index = result.index


def _batches(sent: Sequence[_Sent], most: int) -> Iterator[list[_Sent]]:
    """Cut by number and by size, in order."""
    batch: list[_Sent] = []
    size = 0
    for each in sent:
        if batch and (len(batch) == most or size + len(each.envelope) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += len(each.envelope)
    if batch:
        yield batch


def _with_context(sent: Sequence[_Sent]) -> Iterator[tuple[list[_Sent], list[_Sent]]]:
    """Batches to be judged, each with what it rests on in other batches.

    A dry run stores nothing, so a recipe in the second batch would not find its product that came
    in the first.
    """
    whole = list(_batches(sent, BATCH))
    if len(whole) <= 1:
        yield from (([], batch) for batch in whole)
        return
    order = {id(each): place for place, each in enumerate(sent)}
    giving: dict[str, list[_Sent]] = defaultdict(list)
    for each in sent:
        giving[_gives(each.step)].append(each)
    for batch in _batches(sent, BATCH // 3):
        here = {id(each) for each in batch}
        names = dict.fromkeys(name for each in batch for name in _rests_on(each.step))
        context = [each for name in names for each in giving[name] if id(each) not in here]
        yield sorted(context, key=lambda each: order[id(each)]), batch


def _gives(step: Step) -> str:
    """What others rest on: the entity that is opened, or the rows whose old parts are ended."""
    if step.action == "end":
        return step.wanted.rows[0]
    return getattr(step.wanted.body, "id", "")


def _rests_on(step: Step) -> Iterator[str]:
    body = step.wanted.body
    yield step.wanted.rows[0]
    for name in ("product", "site", "park"):
        if isinstance(value := getattr(body, name, None), str):
            yield value
    if isinstance(body, Disclosure | Target):
        yield body.object.id
    if isinstance(body, Allocation):
        yield from (each.site for each in body.shares)


def _resumed(sent: _Sent, result: Result, client: Client, signers: Signers) -> _Sent | None:
    """The same statement on top of a withdrawal, which the list of what stands does not show."""
    problem = result.problem or {}
    head = problem.get("params", {}).get("head")
    if sent.step.action != "new" or problem.get("code") != ChainExists.code or head is None:
        return None
    try:
        if client.statement(head)["type"] != "withdrawal":
            return None
    except Refused:
        return None
    step = replace(sent.step, prev=head)
    return _Sent(step, signers.sign(step))


def _refusal(step: Step, result: Result) -> Problem:
    return Problem(step.wanted.rows[0], told(result.problem or {}).replace("%", "%%"))


# --- Saying what happened ------------------------------------------------------------------


def report(speech: Speech, prepared: Prepared, written: bool) -> None:
    indexes = {id(sent.step): sent.index for sent in prepared.to_send}
    if speech.as_json:
        speech.json(
            {
                "written": written,
                "statements": [_row(step, indexes.get(id(step))) for step in prepared.steps],
                "refused": refusals.rows(speech, prepared.problems),
            }
        )
        return
    _table(speech, prepared.steps)
    refusals.show(speech, prepared.problems, _SHOWN)
    counts = Counter(step.action for step in prepared.steps)
    speech.say("New: %(new)d, corrections: %(change)d, unchanged: %(unchanged)d, refused: "
               "%(refused)d.", new=counts["new"] + counts["end"], change=counts["change"],
               unchanged=counts["unchanged"], refused=len(prepared.problems))  # fmt: skip
    speech.say("Written to the log." if written else "Nothing was written.")


def _row(step: Step, index: int | None) -> dict[str, Any]:
    row = {
        "where": step.wanted.rows[0],
        "action": step.action,
        "type": step.wanted.body.TYPE,
        "label": step.wanted.label,
        "changed": list(step.changed),
    }
    return row if index is None else {**row, "index": index}


def _table(speech: Speech, steps: Sequence[Step]) -> None:
    shown = [step for step in steps if step.action != "unchanged"]
    if not shown:
        return
    actions = {
        "new": speech.text("new"),
        "change": speech.text("will change"),
        "end": speech.text("withdrawn, stated anew"),
    }
    table = speech.table("Where", "What", "Statement", "Changed")
    for step in shown[:_SHOWN]:
        wanted, body = step.wanted, step.wanted.body
        table.add_row(
            _places(wanted.rows),
            actions[step.action],
            f"{speech.text(body.TYPE)} {wanted.label}{_part(body)}",
            ", ".join(step.changed),
        )
    speech.out.print(table)
    speech.say_more(len(shown) - _SHOWN)


def _part(body: Body) -> str:
    if not isinstance(body, Periodic) or body.part.n == 1:
        return ""
    return f" {body.part.k}/{body.part.n}"


def _places(rows: Sequence[str]) -> str:
    return rows[0] if len(rows) == 1 else f"{rows[0]}…{rows[-1].rpartition('!')[2]}"
