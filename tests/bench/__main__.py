"""Measure everything and write the report: ``python -m tests.bench docs/benchmarks.md``.

Every subject runs in a process of its own, so that memory it measures is not what others left.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import track

from tests.bench import (
    bench_append,
    bench_engine,
    bench_exchange,
    bench_park,
    bench_replay,
    bench_solve,
    bench_start,
    bench_verify,
    bench_wave,
)
from tests.bench.row import Row
from tests.bytecode import kept_elsewhere

SUBJECTS: dict[str, Callable[[], list[Row]]] = {
    "Solve: ten thousand to a million products, 8 right-hand sides": bench_solve.run,
    "Change: a million products, and what one entry moves": bench_wave.run,
    "Parks: one with all its books, and a thousand, in a million products": bench_park.run,
    "Engine: from a signed statement to the figures it moves": bench_engine.run,
    "Append: signed statements on one SQLite file, singly, shared and over HTTP": bench_append.run,
    f"Start: what stands, replayed and from a snapshot; {bench_replay.LARGE}=1 adds a million "
    "products": bench_replay.run,
    "Start: a year read anew, and gone on with from its snapshot": bench_start.run,
    "Exchange: what a procurement system waits for": bench_exchange.run,
    "Verify: proofs from stored tiles, and a bundle audited offline": bench_verify.run,
}


def main(report: Path) -> None:
    results = {
        title: _apart(run)
        for title, run in track(
            SUBJECTS.items(), "Measuring", console=Console(stderr=True), total=len(SUBJECTS)
        )
    }
    report.write_text(_written(results), encoding="utf-8")
    print(report.read_text(encoding="utf-8"))


def _apart(run: Callable[[], list[Row]]) -> list[Row]:
    """What a subject measures in a new process; started anew, for a fork would inherit memory."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(run).result()


PREFACE = (
    "Written by `make bench`. Ratios compare two measurements of the same run on the same machine; "
    "absolute figures do not travel."
)
HEADINGS = ("| what | measured | ratio | beside |", "|---|---|---|---|")


def _written(results: dict[str, list[Row]]) -> str:
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}."
    lines = ["# Benchmarks", "", PREFACE, "", machine]
    for title, rows in results.items():
        lines += ["", f"## {title}", "", *HEADINGS]
        lines += [
            f"| {row.what} | {row.value:.4g} {row.unit} | {row.ratio:.3g} | {row.beside} |"
            for row in rows
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with kept_elsewhere():
        main(Path(sys.argv[1]))
