"""Processes that a test starts: none outlives its block, and no pipe to one stays open."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import requests

from tests.patience import HANG_SECONDS, until

_STARTED = "Started worker-"
"""What granian says of each worker as soon as it has one."""


@contextmanager
def running(command: Sequence[str], **how: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process while the block runs; then it is asked to end, unless it has."""
    with subprocess.Popen(command, **how) as process:
        try:
            yield process
        finally:
            _end(process)


@contextmanager
def serving(
    command: Sequence[str], address: str, log: Path, *, workers: int = 1, **how: Any
) -> Iterator[subprocess.Popen[Any]]:
    """A server in a process of its own, from when it answers; its output is appended to ``log``.

    An AssertionError with that if it ends before, or never answers.
    """
    before = _started(log)
    with (
        log.open("ab") as output,
        running(command, stdout=output, stderr=output, **how) as process,
    ):
        until(
            lambda: process.poll() is not None or _started(log) - before >= workers,
            lambda: log.read_text("utf-8"),
        )
        # Started is not yet listening.
        until(
            lambda: process.poll() is not None or _answers(address), lambda: log.read_text("utf-8")
        )
        assert process.poll() is None, log.read_text("utf-8")
        yield process


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/health", timeout=HANG_SECONDS).ok
    except requests.ConnectionError:
        return False


def _started(log: Path) -> int:
    return log.read_text("utf-8").count(_STARTED) if log.exists() else 0


def _end(process: subprocess.Popen[Any]) -> None:
    family = _family(process)
    process.terminate()
    try:
        process.wait(HANG_SECONDS)
    except subprocess.TimeoutExpired:
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        raise AssertionError(f"it was told to end and did not: {process.args}") from None


def _family(process: subprocess.Popen[Any]) -> list[psutil.Process]:
    """The process and all that it has started, which would live on if it were killed alone."""
    if process.poll() is not None:
        return []
    first = psutil.Process(process.pid)
    return [first, *first.children(recursive=True)]
