"""What the machine itself can do, as compiled loops: the limits that other figures stand beside."""

from __future__ import annotations

import time
from collections.abc import Callable

import numba
import numpy as np

ROWS = 1_000_000
COLUMNS = 8
GATHERS = 10_000_000


def best(work: Callable[[], object], of: int = 3) -> float:
    """Seconds of the fastest of some runs."""
    taken = []
    for _ in range(of):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


@numba.njit
def _gathered(table, rows):
    total = 0.0
    for row in rows:
        for column in range(table.shape[1]):
            total += table[row, column]
    return total


@numba.njit
def _streamed(values):
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for at in range(0, values.shape[0] - 3, 4):
        a += values[at]
        b += values[at + 1]
        c += values[at + 2]
        d += values[at + 3]
    return a + b + c + d


def gather_rate() -> float:
    """Rows of eight numbers per second that one core fetches from random places of a million."""
    random = np.random.default_rng(2026)
    table = random.random((ROWS, COLUMNS))
    rows = random.integers(0, ROWS, GATHERS).astype(np.uint32)
    _gathered(table, rows[:1])
    return GATHERS / best(lambda: _gathered(table, rows))


def stream_rate() -> float:
    """Bytes per second that one core reads in a row."""
    values = np.ones(50_000_000)
    _streamed(values[:8])
    return values.nbytes / best(lambda: _streamed(values))
