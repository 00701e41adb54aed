"""``catchment verify``: a receipt or a bundle checked offline, each check by its name.

A bundle is checked by ``ledger.verify`` and ``graph.publishing.recompute`` and shown by
``api.cli.audit``, which is loaded for bundles only. The rest is about receipts.

Needs the receipt, the signed statement and the log that is trusted; no server, no database, no web
framework. In this order, because each check rests on those before it:

1. statement: it is a well-formed envelope meant for the trusted log;
2. receipt: it is a C2SP tlog-proof with a leaf record;
3. signed, envelope, key, type: the leaf is this statement's (signing digest, envelope digest, key
   id and type);
4. checkpoint: the trusted log signed it, under its own name;
5. inclusion: the leaf leads to the root that the checkpoint states (RFC 9162 section 2.1.3.2);
6. witnesses: as many of those that the trust file names cosigned the checkpoint as it asks for.

Too few cosignatures are no fault: a receipt that was given at once has none yet. That the log shows
others the same tree cannot be decided then, and a later receipt decides it.

What it cannot tell: whether the statement still stands, and, where the trust file names no
witnesses, whether the log shows others the same tree. The signature on the statement was checked by
the log when it took it; to check it again, take the public key from the key's own statement.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.text import Text

from api.cli.speech import CANNOT_DECIDE, REFUSED, Speech, json_option, pass_speech
from api.errors import FileRefused
from ledger import jws
from ledger.errors import CatchmentError, ForeignLog, QuorumMissing
from ledger.jws import Envelope
from ledger.leaf import Leaf
from ledger.merkle import leaf_hash, verify_inclusion
from ledger.receipt import FORMAT, MAX_RECEIPT_BYTES, Receipt
from ledger.statements import Statement, read
from ledger.trust import Signed, Trust, check_quorum, open_checkpoint


@dataclass(frozen=True, slots=True)
class Check:
    """One check: ``passed`` is None where it could not be made, or decides nothing.

    ``detail`` is a template over ``params``; where something was refused, ``refused`` says why.
    """

    name: str
    passed: bool | None
    detail: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    refused: CatchmentError | None = None


NAMES = (
    "statement",
    "receipt",
    "signed digest",
    "envelope digest",
    "key id",
    "type",
    "checkpoint",
    "inclusion",
    "witnesses",
)


def checks(receipt: bytes, envelope: bytes, trust: Trust) -> list[Check]:
    """Every check by name, in order; nothing is raised for what is wrong with the two files."""
    done: list[Check] = []
    try:
        for check in _made(receipt, envelope, trust):
            done.append(check)
    except CatchmentError as failed:
        done.append(Check(NAMES[len(done)], False, refused=failed))
    return done + [Check(name, None) for name in NAMES[len(done) :]]


def _made(receipt: bytes, envelope: bytes, trust: Trust) -> Iterator[Check]:
    statement = _statement(envelope, trust)
    said = {"type": statement.type, "subject": statement.subject}
    yield Check("statement", True, "%(type)s of %(subject)s", said)
    proof = Receipt.parse(receipt)
    leaf = Leaf.parse(proof.leaf)
    yield Check("receipt", True, "entry %(index)d", {"index": proof.index})
    yield from _same(leaf, statement.envelope, statement)
    signed = open_checkpoint(proof.checkpoint_note, trust)
    checkpoint = signed.checkpoint
    states = {"origin": checkpoint.origin, "size": checkpoint.size, "index": proof.index}
    yield Check("checkpoint", True, "%(origin)s, %(size)d entries", states)
    verify_inclusion(
        leaf_hash(proof.leaf), proof.index, checkpoint.size, proof.path, checkpoint.root
    )
    yield Check("inclusion", True, "entry %(index)d of %(size)d", states)
    yield _witnessed(signed, trust)


def _statement(envelope: bytes, trust: Trust) -> Statement:
    statement = read(jws.parse(envelope))
    log = statement.common.log
    own = statement.digest == trust.genesis and log.genesis is None
    if log.origin != trust.origin or not (own or log.genesis == trust.genesis):
        raise ForeignLog(
            "/log",
            named=log.origin,
            begun=log.genesis,
            origin=trust.origin,
            genesis=trust.genesis,
        )
    return statement


def _same(leaf: Leaf, envelope: Envelope, statement: Statement) -> Iterator[Check]:
    pairs = (
        ("signed digest", leaf.signed, envelope.signing_digest),
        ("envelope digest", leaf.envelope, envelope.envelope_digest),
        ("key id", leaf.kid, envelope.kid),
        ("type", leaf.type, statement.type),
    )
    for name, logged, given in pairs:
        same = logged == given
        yield Check(name, same, "%(given)s" if same else "%(logged)s ≠ %(given)s",
                    {"logged": logged, "given": given})  # fmt: skip


def _witnessed(signed: Signed, trust: Trust) -> Check:
    if not trust.quorum:
        return Check("witnesses", True, "the trust file asks for none")
    try:
        check_quorum(signed, trust)
    except QuorumMissing as missing:
        return Check("witnesses", None, refused=missing)
    cosigned = {"names": ", ".join(each.witness.name for each in signed.cosignatures)}
    return Check("witnesses", True, "cosigned by %(names)s", cosigned)


_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_MARKS = {
    True: Text("✓", style="green"),
    False: Text("✗", style="red"),
    None: Text("·", style="dim"),
}


@click.command()
@click.argument("file", type=_FILE, metavar="FILE")
@click.option("--statement", type=_FILE, help="For a receipt: the signed statement, FILE.jws.")
@click.option(
    "--trust", "trust_file", type=click.Path(path_type=Path), help="trust.json of the log."
)
@json_option
@pass_speech
@click.pass_context
def verify(
    ctx: click.Context,
    speech: Speech,
    file: Path,
    statement: Path | None,
    trust_file: Path | None,
) -> None:
    """Check a receipt or the bundle of a published figure offline.

    \b
    Exit codes:
      0  every check passes
      1  one fails
      2  a bundle is valid, and something in it is suspect or withheld
      3  cannot be decided: no trust file, witnesses that the trust file asks for
         are missing, or another version of the engine computed the figure
    """
    if _is_bundle(file):
        if statement is not None:
            raise click.UsageError("--statement belongs to a receipt: a bundle has its own.")
        audit = importlib.import_module("api.cli.audit")
        ctx.exit(audit.show(speech, file, trust_file))
    if statement is None or trust_file is None or not trust_file.is_file():
        _needed(file, statement)
    trust = Trust.read(trust_file)
    done = checks(_read(file, MAX_RECEIPT_BYTES), _read(statement, jws.MAX_COMPACT_BYTES), trust)
    valid = _valid(done)
    if speech.as_json:
        speech.json({"valid": valid, "checks": [_row(speech, check) for check in done]})
    else:
        table = speech.table("", "", "")
        table.show_header = False
        for check in done:
            table.add_row(_MARKS[check.passed], speech.text(check.name), _detail(speech, check))
        speech.out.print(table)
    ctx.exit(_EXIT[valid])


def _needed(file: Path, statement: Path | None) -> NoReturn:
    """Says what to give beside a receipt; FileRefused where there seems to be none."""
    if statement is not None:
        raise click.UsageError("--trust is needed: trust.json of the log that is believed.")
    if not _read(file, MAX_RECEIPT_BYTES).startswith(FORMAT.encode("ascii")):
        raise FileRefused(path=str(file), reason="it is neither a receipt nor a bundle")
    raise click.UsageError("--statement is needed: FILE.jws, which the receipt is about.")


def _is_bundle(file: Path) -> bool:
    with file.open("rb") as opened:
        return file.suffix == ".zip" or opened.read(len(_ZIP)) == _ZIP


_ZIP = b"PK\3\4"
_EXIT = {True: 0, False: REFUSED, None: CANNOT_DECIDE}


def _valid(done: list[Check]) -> bool | None:
    """None where nothing failed and not everything could be decided."""
    passed = {check.passed for check in done}
    if False in passed:
        return False
    return None if None in passed else True


def _row(speech: Speech, check: Check) -> dict[str, Any]:
    return {"name": check.name, "passed": check.passed, "detail": _detail(speech, check)}


def _detail(speech: Speech, check: Check) -> str:
    return speech.told(check.refused) if check.refused else speech.text(check.detail, check.params)


def _read(path: Path, limit: int) -> bytes:
    """One byte more than the limit at most: what is larger is refused by whoever reads it."""
    with path.open("rb") as file:
        return file.read(limit + 1).strip() if path.suffix == ".jws" else file.read(limit + 1)
