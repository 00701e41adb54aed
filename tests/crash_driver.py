"""Appenders that fail on purpose: each runs under strace, which fails one of its system calls.

    python -m tests.crash_driver <folder> < runs.jsonl > results.jsonl

``<folder>`` holds what `prepare` writes. A run is ``{"folder": …, "inject": [call, harm, n]}``: a
process of its own appends to a copy of the log, and the n-th ``call`` on one of the log's files
fails with the error ``harm``; if that is ``KILL``, the process ends as the call begins. ``null`` in
place of the three counts the calls. Everything is imported and done once, and then forked, or each
run would cost a second.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from ledger import note
from ledger.checkpoint import Checkpoint
from ledger.errors import CatchmentError
from ledger.high_water import HighWater
from ledger.keys import PrivateKey
from ledger.log import Accepted, Log
from ledger.merkle import leaf_hash, node_hash
from ledger.note import SignerKey
from ledger.store import open_engine
from tests.factory import ORIGIN, START_MS, Factory
from tests.patience import HANG_SECONDS

MARK = "elsewhere/high-water"

FILES = (
    *("log.db", "log.db-wal", "log.db-shm", "log.db-journal", "log.db.lock"),
    *(MARK, f"{MARK}.new", f"{MARK}.lock", "elsewhere"),
)
"""What the log keeps on the disk; the shared memory of ``-shm`` is written without a call."""

PAGES_PER_CHECKPOINT = 12
"""So few that the series moves pages from the write-ahead log into the database."""


def prepare(factory: Factory, batches: list[list[bytes]], folder: Path) -> None:
    """Lay out what the runs need: the log as it is, its signer, and what is to be appended."""
    checkpoint = factory.log.checkpoint()
    factory.close()
    shutil.copy(factory.database, folder / "log.db")
    (folder / "signer.pem").write_bytes(factory.signer.private.to_pem())
    (folder / "high-water").write_bytes(checkpoint)
    batched = [[each.decode() for each in batch] for batch in batches]
    (folder / "batches.json").write_text(json.dumps(batched))


def main(folder: str) -> None:
    _practise(Path(folder))
    for line in sys.stdin:
        print(json.dumps(_run(Path(folder), **json.loads(line))), flush=True)


def _practise(material: Path) -> None:
    """What a run does, unharmed: what is made at first use is there when the others are forked."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _lay_out(material, place)
        _append(material, place, place / "said.jsonl")
        _judge(material, place)
    gc.collect()
    gc.freeze()  # or each fork would copy what it only looks at


def _lay_out(material: Path, place: Path) -> None:
    shutil.copy(material / "log.db", place / "log.db")
    (place / MARK).parent.mkdir()
    shutil.copy(material / "high-water", place / MARK)


def _run(material: Path, folder: str, inject: list[Any] | None) -> dict[str, Any]:
    place = Path(folder)
    place.mkdir()
    _lay_out(material, place)
    said = place / "said.jsonl"
    status, trace = _traced(place, inject, lambda: _append(material, place, said))
    after, found = place / "after.json", None
    if _forked(lambda: after.write_text(json.dumps(_judge(material, place)))) == 0:
        found = json.loads(after.read_text())
    told = [json.loads(line) for line in said.read_text().splitlines()] if said.exists() else []
    shutil.rmtree(place)
    return {
        "inject": inject,
        "status": status,
        "calls": _calls(trace),
        "told": told,
        "log": found,
        "injected": any("(INJECTED)" in line for line in trace) or status == -signal.SIGKILL,
    }


# --- the process that is harmed ---


def _append(material: Path, place: Path, said: Path) -> None:
    """Append every batch, and again those that failed; say of each at once what became of it.

    Then close the database, which moves the last pages and takes the side files away.
    """
    told = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    engine = _engine(place)
    log = cache(lambda: _log(material, place, engine))
    waiting = list(enumerate(_batches(material)))
    for _ in ("first", "again"):
        failed = []
        for number, batch in waiting:
            answer = _answer(log, batch)
            os.write(told, json.dumps([number, answer]).encode() + b"\n")
            failed += [(number, batch)] if isinstance(answer, str) else []
        waiting = failed
    engine.dispose()


def _answer(log: Callable[[], Log], batch: list[bytes]) -> list[int] | str:
    """The indexes that were acknowledged, or the name of what was raised."""
    try:
        outcomes = log().append(batch)
    except (CatchmentError, sa.exc.DBAPIError, OSError) as raised:
        return type(raised).__name__
    assert all(isinstance(each, Accepted) and each.stored for each in outcomes), outcomes
    return [each.index for each in outcomes if isinstance(each, Accepted)]


def _engine(place: Path) -> sa.Engine:
    engine = open_engine(f"sqlite:///{place}/log.db")
    event.listen(engine, "connect", _checkpoint_often)
    return engine


def _log(material: Path, place: Path, engine: sa.Engine) -> Log:
    signer = SignerKey(ORIGIN, PrivateKey.from_pem((material / "signer.pem").read_bytes()))
    return Log(engine, signer, _clock(), HighWater(place / MARK))


def _checkpoint_often(connection: Any, _record: object) -> None:
    connection.execute(f"PRAGMA wal_autocheckpoint={PAGES_PER_CHECKPOINT}").close()


def _clock() -> Callable[[], int]:
    began = time.monotonic_ns()
    return lambda: START_MS + (time.monotonic_ns() - began) // 1_000_000


def _batches(material: Path) -> list[list[bytes]]:
    stored = json.loads((material / "batches.json").read_text())
    return [[each.encode() for each in batch] for batch in stored]


# --- what a fresh process finds ---


def _judge(material: Path, place: Path) -> dict[str, Any]:
    """Everything the log holds, by definition and not by its own proofs; and that it goes on."""
    engine = _engine(place)
    log = _log(material, place, engine)
    before = _state(log, place)
    for batch in _batches(material):
        outcomes = log.append(batch)
        assert all(isinstance(each, Accepted) and each.stored for each in outcomes), outcomes
    after = _state(log, place)
    engine.dispose()
    return {"before": before, "after": after}


def _state(log: Log, place: Path) -> dict[str, Any]:
    entries = list(log.entries())
    head = Checkpoint.parse(note.open_note(log.checkpoint(), [log.verifier]).text)
    leaves = [leaf_hash(entry.leaf.encode()) for entry in entries]
    mark = HighWater(place / MARK).checkpoint([log.verifier])
    return {
        "marked": mark.size if mark else 0,
        "envelopes": [entry.envelope.decode() for entry in entries],
        "gapless": [entry.index for entry in entries] == list(range(head.size)),
        "rooted": head.root == _root(leaves),
        "bound": all(
            hashlib.sha256(entry.envelope).hexdigest() == entry.leaf.envelope for entry in entries
        ),
    }


def _root(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, by its definition."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(_root(hashes[:k]), _root(hashes[k:]))


# --- processes ---


def _traced(
    place: Path, inject: list[Any] | None, work: Callable[[], None]
) -> tuple[int, list[str]]:
    """Do ``work`` in a fork under strace; its exit status (-9: killed) and the trace."""
    ready, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        os.read(ready, 1)
        signal.alarm(HANG_SECONDS)  # or it would keep the others waiting for ever
        _leave(work)
    os.close(ready)
    trace = place / "trace"
    with subprocess.Popen(_strace(place, inject, pid, trace), stderr=subprocess.PIPE) as strace:
        assert strace.stderr is not None
        attached = strace.stderr.readline()
        os.close(go)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        strace.stderr.read()
    assert b"attached" in attached, attached
    return status, trace.read_text().splitlines()


def _strace(place: Path, inject: list[Any] | None, pid: int, trace: Path) -> list[str]:
    command = ["strace", "-f", "-p", str(pid), "-o", str(trace)]
    for name in FILES:
        command += ["-P", str(place / name)]
    if inject is None:
        return [*command, "-e", "trace=%file,%desc"]
    call, harm, nth = inject
    how = "signal=KILL" if harm == "KILL" else f"error={harm}"
    return [*command, "-e", f"trace={call}", "-e", f"inject={call}:{how}:when={nth}"]


def _forked(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        _leave(work)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _leave(work: Callable[[], object]) -> None:
    try:
        work()
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
    os._exit(0)


def _calls(trace: list[str]) -> dict[str, int]:
    return dict(Counter(found[1] for line in trace if (found := _CALL.match(line))))


_CALL = re.compile(r"\d+ +(\w+)\(")


if __name__ == "__main__":
    main(*sys.argv[1:])
