"""Many callers, one transaction: statements that arrive together are committed together.

A commit costs the same for one statement as for a hundred, so whoever arrives while one is under
way waits, and what has gathered by its end goes into the next. There is no thread for that: of
those who wait, the first commits for all and answers them, then hands over to the next. An idle
log commits at once, in the caller's own thread; nothing has to be started, stopped or watched.

Several processes on one log each have their own sequencer; the database's lock orders them.
"""

from __future__ import annotations

import math
import os
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock
from time import monotonic
from typing import Final

from ledger.errors import CatchmentError, LogBusy
from ledger.limits import MAX_BATCH, MAX_BYTES, MAX_STATEMENTS
from ledger.log import Log, Outcome, Submission

_PACED_BATCHES = 32


@dataclass(slots=True, eq=False)
class _Caller:
    """One who waits: woken with ``outcomes``, with an ``error``, or, without either, to lead."""

    submission: Submission
    woken: Event = field(default_factory=Event)
    outcomes: list[Outcome] | None = None
    error: BaseException | None = None

    @property
    def is_answered(self) -> bool:
        return self.outcomes is not None or self.error is not None

    @property
    def size(self) -> int:
        return len(self.submission.items)

    def result(self) -> list[Outcome]:
        if self.error is not None:
            raise self.error
        assert self.outcomes is not None
        return self.outcomes


class Sequencer:
    """Appends to ``log`` for any number of threads; see `append`.

    ``max_statements`` and ``max_bytes`` bound what is inside at once, from its arrival to its
    answer. A single call is let in whatever its size when nothing else is there.
    """

    def __init__(
        self, log: Log, *, max_statements: int = MAX_STATEMENTS, max_bytes: int = MAX_BYTES
    ) -> None:
        self._log = log
        self._max_statements, self._max_bytes = max_statements, max_bytes
        self.forget()
        _ALIVE.add(self)

    def forget(self) -> None:
        """Begin with nobody waiting, as in a forked process, where the waiting threads are not."""
        self._lock = Lock()
        self._waiting: deque[_Caller] = deque()
        self._led = False
        self._statements = self._bytes = 0
        self._paces: deque[tuple[int, float]] = deque(maxlen=_PACED_BATCHES)

    def append(
        self, envelopes: Sequence[bytes], *, atomic: bool = False, dry_run: bool = False
    ) -> list[Outcome]:
        """As `Log.append`, in a transaction shared with others who call at the same time.

        The statements of a call keep their order, and no others come between them. An atomic call
        has a transaction to itself, and a dry run goes past those who wait. What the database
        raises is raised to those whose transaction it ended, and to nobody else.

        Raises LogBusy when too much waits already, and as `Log.append`.
        """
        if dry_run:
            return self._log.append(envelopes, atomic=atomic, dry_run=True)
        with self._room(envelopes):
            caller = _Caller(self._log.prepare(envelopes, atomic=atomic))
            if not self._is_first(caller):
                caller.woken.wait()
            if not caller.is_answered:
                self._lead()
            return caller.result()

    @contextmanager
    def _room(self, envelopes: Sequence[bytes]) -> Iterator[None]:
        """Counted before anything is read: who is sent away has cost nothing."""
        count, size = len(envelopes), sum(map(len, envelopes))
        with self._lock:
            self._check_room(count, size)
            self._statements, self._bytes = self._statements + count, self._bytes + size
        try:
            yield
        finally:
            with self._lock:
                self._statements, self._bytes = self._statements - count, self._bytes - size

    def _check_room(self, count: int, size: int) -> None:
        fits = (
            self._statements + count <= self._max_statements
            and self._bytes + size <= self._max_bytes
        )
        if self._statements and not fits:
            raise LogBusy(waiting=self._statements, seconds=self._seconds_for(self._statements))

    def _seconds_for(self, statements: int) -> int:
        """How long so many take at the pace of the last batches, in whole seconds, at least 1."""
        done = sum(size for size, _ in self._paces)
        spent = sum(seconds for _, seconds in self._paces)
        return max(1, math.ceil(statements * spent / done)) if done else 1

    def _is_first(self, caller: _Caller) -> bool:
        """Stand in line; true for who finds nobody leading, and so has to."""
        with self._lock:
            self._waiting.append(caller)
            first = not self._led
            self._led = True
        return first

    def _lead(self) -> None:
        """Commit what waits, as far as it goes into one transaction, and let the next one lead."""
        with self._lock:
            batch = self._take()
        began = monotonic()
        try:
            self._commit(batch)
        except BaseException as error:
            # Not only errors: whoever interrupts this thread must not leave the others waiting.
            for caller in batch:
                if not caller.is_answered:
                    caller.error = error
        with self._lock:
            self._paces.append((sum(caller.size for caller in batch), monotonic() - began))
            self._led = bool(self._waiting)
            following = self._waiting[0] if self._led else None
        for caller in [*batch, *([following] if following else [])]:
            caller.woken.set()

    def _take(self) -> list[_Caller]:
        """The first that waits, and those after it that its transaction has room for."""
        batch = [self._waiting.popleft()]
        room = 0 if batch[0].submission.atomic else MAX_BATCH - batch[0].size
        while self._waiting and self._joins(self._waiting[0], room):
            batch.append(self._waiting.popleft())
            room -= batch[-1].size
        return batch

    @staticmethod
    def _joins(caller: _Caller, room: int) -> bool:
        return caller.size <= room and not caller.submission.atomic

    def _commit(self, batch: list[_Caller]) -> None:
        try:
            answers = self._log.commit([caller.submission for caller in batch])
        except (CatchmentError, OSError):
            raise  # of the log or its database as a whole: it would be the same for each
        except Exception:
            if len(batch) == 1:
                raise
            self._commit_each(batch)
        else:
            for caller, outcomes in zip(batch, answers, strict=True):
                caller.outcomes = outcomes

    def _commit_each(self, batch: list[_Caller]) -> None:
        """One by one: a statement that nobody foresaw must not spoil those it came with."""
        for caller in batch:
            try:
                self._commit([caller])
            except Exception as error:
                caller.error = error


_ALIVE: Final[weakref.WeakSet[Sequencer]] = weakref.WeakSet()


def _forget_all() -> None:
    for sequencer in _ALIVE:
        sequencer.forget()


os.register_at_fork(after_in_child=_forget_all)
