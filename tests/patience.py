"""How tests wait: until it is so, however long that takes. No test knows how fast its machine is.

A limit is there for what hangs, and so far away that nothing else reaches it. A test of something
that must give up needs no clock either: the other side never ends by itself, so that who does not
give up hangs, and `hanging_fails`.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

HANG_SECONDS = 1800
"""What has taken so long will not come: machines differ by a factor of ten, not of a thousand."""

_PAUSE_SECONDS = 0.005


def until(happens: Callable[[], T], told: Callable[[], object] = str) -> T:
    """What ``happens`` gives as soon as that is true; an AssertionError with ``told`` if never."""
    over = time.monotonic() + HANG_SECONDS
    while not (found := happens()):
        assert time.monotonic() < over, f"it did not come to this. {told()}"
        time.sleep(_PAUSE_SECONDS)
    return found


@contextmanager
def hanging_fails() -> Iterator[None]:
    """An AssertionError in the main thread where the block hangs, even in a call that waits."""
    with _alarm(signal.ITIMER_REAL, signal.SIGALRM, HANG_SECONDS, "it hangs"):
        yield


@contextmanager
def endless_work_fails(seconds: float = 60) -> Iterator[None]:
    """An AssertionError where the block works for so many seconds; waiting does not count.

    For inputs so large that what is quadratic would take hours, and what is linear no second.
    """
    with _alarm(signal.ITIMER_VIRTUAL, signal.SIGVTALRM, seconds, "it does not come to an end"):
        yield


@contextmanager
def _alarm(timer: int, number: signal.Signals, seconds: float, told: str) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise AssertionError(told)

    before = signal.signal(number, ring)
    signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        signal.setitimer(timer, 0)
        signal.signal(number, before)
