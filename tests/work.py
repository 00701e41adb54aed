"""How much is done, counted and not timed."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def calls(work: Callable[[], object]) -> int:
    """How many functions ``work`` calls, in Python and in C; the same number each time."""
    count = 0

    def called(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    with _no_collector():
        sys.setprofile(called)
        try:
            work()
        finally:
            sys.setprofile(before)
    return count


@contextmanager
def _no_collector() -> Iterator[None]:
    """It comes when it likes, and calls what others left: finalizers, and `gc.callbacks`."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
