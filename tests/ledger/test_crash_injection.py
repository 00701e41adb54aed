"""Threat 18: the append fails at every system call it makes, in turn; nothing acknowledged is lost.

A series of appends, with the write-ahead log moved into the database on the way, is run once to
count its calls on the log's files. Then it is run again for every one of them: killed as the call
begins, told of an input/output error, told that the disk is full. Afterwards a fresh process reads
the log and finishes the series.

Not reached this way: writes to memory that SQLite shares between processes (no system call; it is
rebuilt from the write-ahead log), and a power cut that keeps some writes and loses others, which
`test_crash_disk` imitates.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger import errors
from ledger.errors import CatchmentError
from ledger.statements import Product
from tests.crash_driver import prepare
from tests.factory import Actor, Factory
from tests.processes import running

ROOT = Path(__file__).resolve().parents[2]
WORKERS = min(4, os.cpu_count() or 1)
BATCHES = (1, 4)

WRITES = frozenset(
    {
        "write",
        "pwrite64",
        "writev",
        "pwritev",
        "fsync",
        "fdatasync",
        "ftruncate",
        "fallocate",
        "rename",
        "renameat",
        "renameat2",
        "unlink",
        "unlinkat",
        "openat",
    }
)
"""Calls that change what is on the disk, or may: where a kill and a full disk can be told."""

Run = dict[str, Any]


@dataclass
class Series:
    """What every run appends, and to what."""

    material: Path
    stored: list[str]
    batches: list[list[str]]

    def run(self, harm: str, injections: list[list[Any] | None]) -> list[Run]:
        """Run the series once for each injection, on as many processes as there are workers."""
        workers = min(WORKERS, len(injections))
        shares = [injections[worker::workers] for worker in range(workers)]
        with ExitStack() as running:
            drivers = [
                running.enter_context(self._driver(f"{harm}-{number}", share))
                for number, share in enumerate(shares)
            ]
            return [run for driver in drivers for run in _results(driver)]

    @contextmanager
    def _driver(
        self, name: str, injections: list[list[Any] | None]
    ) -> Iterator[subprocess.Popen[str]]:
        jobs = self.material / f"{name}.jsonl"
        jobs.write_text(
            "".join(
                json.dumps({"folder": str(self.material / f"{name}-{n}"), "inject": inject}) + "\n"
                for n, inject in enumerate(injections)
            )
        )
        command = [sys.executable, "-m", "tests.crash_driver", str(self.material)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with (
            jobs.open() as given,
            running(command, cwd=ROOT, stdin=given, text=True, **pipes) as driver,
        ):
            yield driver


def _results(driver: subprocess.Popen[str]) -> list[Run]:
    told, complaints = driver.communicate()  # it ends each run that hangs
    if "Operation not permitted" in complaints:
        pytest.skip("strace may not trace processes here (ptrace is forbidden)")
    assert driver.returncode == 0, complaints
    return [json.loads(line) for line in told.splitlines()]


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Series:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: no system call can be made to fail")
    material = tmp_path_factory.mktemp("crash")
    factory = Factory(tmp_path_factory.mktemp("log"))
    acme = factory.enterprise("Acme")
    batches = [[_product(acme) for _ in range(count)] for count in BATCHES]
    stored = [entry.envelope.decode() for entry in factory.log.entries()]
    prepare(factory, batches, material)
    return Series(material, stored, [[each.decode() for each in batch] for batch in batches])


def _product(actor: Actor) -> bytes:
    return actor.sign(Product(id=actor.factory.uuid(), name="Steel", unit="KGM"))


@pytest.fixture(scope="module")
def calls(series: Series) -> dict[str, int]:
    """How often an undisturbed series makes each system call on the log's files."""
    (run,) = series.run("none", [None])
    _check(run, series)
    assert [answer for _, answer in run["told"]] == [[3], [4, 5, 6, 7]]
    return dict(run["calls"])


def _check(run: Run, series: Series) -> None:
    """What must hold whatever happened; the message names the call that was made to fail."""
    assert run["log"] is not None, run
    before, after = run["log"]["before"], run["log"]["after"]
    for state in (before, after):
        assert state["gapless"], run
        assert state["rooted"], run
        assert state["bound"], run
    _check_marked(run)
    held = before["envelopes"]
    assert held[: len(series.stored)] == series.stored, run
    for number, answer in run["told"]:
        if isinstance(answer, list):
            assert [held[index] for index in answer] == series.batches[number], run
    found = Counter(held[len(series.stored) :])
    for batch in series.batches:
        assert sorted({found.pop(envelope, 0) for envelope in batch}) in ([0], [1]), run
    assert not found, run
    everything = series.stored + [envelope for batch in series.batches for envelope in batch]
    assert sorted(after["envelopes"]) == sorted(everything), run


def _check_marked(run: Run) -> None:
    """Nobody was answered before the mark outside the database covered the answer."""
    answers = [answer for _, answer in run["told"] if isinstance(answer, list)]
    assert run["log"]["before"]["marked"] > max(map(max, answers), default=-1), run


def _known(name: str) -> bool:
    """Whether a refusal is one of the vocabulary: then a client is told what to do."""
    return issubclass(getattr(errors, name, type(None)), CatchmentError)


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["KILL", "EIO", "ENOSPC"])
def test_whichever_system_call_fails_what_was_acknowledged_stays_and_the_log_goes_on(
    series: Series, calls: dict[str, int], harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    harmed = {call: count for call, count in calls.items() if call in WRITES}
    assert harmed.keys() >= {"pwrite64", "fdatasync", "ftruncate", "unlink", "openat"}
    injections: list[list[Any] | None] = [
        [call, harm, n + 1] for call in harmed for n in range(harmed[call])
    ]
    runs = series.run(harm, injections)
    for run in runs:
        _check(run, series)
    if harm != "KILL":
        _check_told(runs)
    reached = Counter(run["inject"][0] for run in runs if run["injected"])
    assert reached.total() > 0.95 * len(runs)
    refused = sum(isinstance(answer, str) for run in runs for _, answer in run["told"])
    with capsys.disabled():
        counts = ", ".join(f"{call} {count}" for call, count in sorted(reached.items()))
        print(f"\n{harm}: {reached.total()} runs ({counts}), {refused} appends refused")


def _check_told(runs: list[Run]) -> None:
    """A process that saw an error lives, names it, and takes the same statements afterwards."""
    for run in runs:
        assert run["status"] == 0, run
        refusals = [answer for _, answer in run["told"] if isinstance(answer, str)]
        assert all(map(_known, refusals)), run
        acknowledged = {number for number, answer in run["told"] if isinstance(answer, list)}
        assert acknowledged == set(range(len(BATCHES))), run
