"""A PostgreSQL server that dies in the middle of commits: what was acknowledged is there.

SIGKILL ends every process of the server at once and leaves its files as they are; recovery replays
its log of changes. What the operating system had not yet written would only be lost with the power:
against that stands ``fsync``, which this server keeps, and which production insists on.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger import merkle, note
from ledger.checkpoint import Checkpoint
from ledger.statements import Product
from tests.databases import upgrade
from tests.factory import ORIGIN, Actor, Factory
from tests.patience import HANG_SECONDS, until
from tests.postgresql import Server
from tests.processes import running

ROOT = Path(__file__).parents[2]
KILLS = 8
WRITERS = 2
SENT = 400
"""Statements of each writer: more than it can append before the server is killed."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.only_on("postgresql", "of SQLite, tests/ledger/test_crash_injection.py tells"),
]


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.stop()


@dataclass
class Writer:
    """A process that appends ``envelopes`` one at a time."""

    process: subprocess.Popen[bytes]
    envelopes: list[bytes]
    printed: Path

    @classmethod
    @contextmanager
    def started(cls, acme: Actor, folder: Path) -> Iterator[Writer]:
        f = acme.factory
        envelopes = [acme.sign(Product(id=f.uuid(), name="Steel", unit="KGM")) for _ in range(SENT)]
        pem, lines, printed = (folder / f"{f.uuid()}.{kind}" for kind in ("pem", "in", "out"))
        pem.write_bytes(f.signer.private.to_pem())
        lines.write_bytes(b"\n".join(envelopes))
        command = [sys.executable, "-m", "tests.appender", f.url, str(pem), str(lines)]
        with (
            printed.open("wb") as out,
            running(command, cwd=ROOT, stdout=out, stderr=subprocess.DEVNULL) as process,
        ):
            yield cls(process, envelopes, printed)

    def acknowledged(self) -> dict[int, bytes]:
        """Index -> envelope, of whole lines: the answer may be cut off with the process."""
        *lines, _ = self.printed.read_text().split("\n")
        return {int(line): envelope for line, envelope in zip(lines, self.envelopes, strict=False)}


def _root(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, as it defines the hash of a tree."""
    if len(leaves) == 1:
        return merkle.leaf_hash(leaves[0])
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return merkle.node_hash(_root(leaves[:half]), _root(leaves[half:]))


def _check(factory: Factory, acknowledged: dict[int, bytes]) -> int:
    """Nothing is missing, nothing is out of place, and the head is that of the leaves."""
    log = factory.reopen()
    entries = list(log.entries())
    assert [entry.index for entry in entries] == list(range(len(entries)))
    lost = [at for at, envelope in acknowledged.items() if log.entry(at).envelope != envelope]
    assert not lost
    head = Checkpoint(ORIGIN, len(entries), _root([entry.leaf.encode() for entry in entries]))
    assert note.open_note(log.checkpoint(), [factory.signer.verifier]).text == head.text
    return len(entries)


def test_what_was_acknowledged_survives_every_kill_of_the_server(
    server: Server, tmp_path: Path
) -> None:
    chance = random.Random(3)
    upgrade(url := server.create("log"))
    factory = Factory(url)
    acme = factory.enterprise("Acme")
    acknowledged: dict[int, bytes] = {}
    in_the_middle = 0
    for _ in range(KILLS):
        before = factory.log.size()
        with ExitStack() as started:
            writers = [
                started.enter_context(Writer.started(acme, tmp_path)) for _ in range(WRITERS)
            ]
            _wait_for(writers, chance.randint(5, 60))
            time.sleep(chance.uniform(0, 0.02))  # so that it dies at any point of a commit
            server.kill()
            in_the_middle += sum(writer.process.wait(HANG_SECONDS) != 0 for writer in writers)
        server.restart()
        told = {k: v for writer in writers for k, v in writer.acknowledged().items()}
        acknowledged |= told
        # Each writer may have been killed between the commit and its answer.
        assert 0 <= _check(factory, acknowledged) - before - len(told) <= WRITERS
        # What was sent without an answer is sent again, and the log goes on.
        for writer in writers:
            for unanswered in writer.envelopes[len(writer.acknowledged()) :][:1]:
                said = factory.append(unanswered)
                acknowledged[said.index] = unanswered
    assert in_the_middle, "the server was always killed too late: the writers had finished"
    size = _check(factory, acknowledged)
    factory.close()
    print(f"{KILLS} kills, {size} entries, {len(acknowledged)} acknowledged, none lost")


def _wait_for(writers: list[Writer], count: int) -> None:
    until(lambda: sum(len(writer.acknowledged()) for writer in writers) >= count)
