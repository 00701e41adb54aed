"""How a log stood at each of its prefixes, and what was said from one to the next.

The live standing is folded forward as entries arrive. Standings share what did not change, so one
is kept at every ``SPACING`` entries that were gone past; a question about the past folds forward
from the nearest of them, and from the chain heads of its prefix only where none is near.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from graph.errors import LogPositionUnknown
from ledger.entry import Entry
from ledger.errors import PayloadErased
from ledger.soundness import EVENTS
from ledger.standing import Prefixes, Standing
from ledger.statements import NaturalKey

SPACING = 500
"""Entries between two standings that are kept on the way."""
KEPT = 64
"""Standings that are kept."""
REDRAWS = ("transfer", "erasure", "revocation", "recovery")
"""Types of statements that change what was said before them, or whose it is."""


class Reader(Prefixes, Protocol):
    """The part of the log that is read."""

    def size(self) -> int: ...

    def entries(self, start: int, stop: int) -> Iterator[Entry]: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One entry, what stands after it, and under which natural key it was said.

    ``spoken`` is ``None`` for an entry that changes more than what is said under its own key.
    """

    entry: Entry
    standing: Standing
    spoken: tuple[NaturalKey, ...] | None


class History:
    """The standings of one log; not safe between threads by itself.

    ``begin`` is a standing of the same log to go on from.
    """

    def __init__(self, log: Reader, begin: Standing | None = None) -> None:
        self._log = log
        self._live = begin or Standing()
        self._sizes: list[int] = []
        self._kept: dict[int, Standing] = {}
        self.erasures = 0
        """How often something was erased: what was computed from it must be forgotten then."""

    def live(self) -> Standing:
        """What stands after everything the log has."""
        size = self._log.size()
        try:
            if self._live.size < size:
                self._live = self._ahead(size)
        except PayloadErased:
            # What stood a moment ago was erased since: what stands now says so.
            if self._log.size() == size:
                raise
            return self.live()
        return self._live

    def at(self, size: int | None) -> Standing:
        """What stands after the first ``size`` entries (None: all there are).

        Raises ``LogPositionUnknown`` for a prefix the log does not have.
        """
        live = self.live()
        if size is None or size == live.size:
            return live
        if not 0 < size < live.size:
            raise LogPositionUnknown(size=live.size, at=size)
        if size not in self._kept:
            self._keep(self._past(size))
        return self._kept[size]

    def spoken(self, start: Standing, stop: Standing) -> list[NaturalKey] | None:
        """The natural keys of what was said from one prefix to a later one.

        ``None`` where something among it changed what was said before, or whose it is: then the one
        does not follow from the other by reading what is new.
        """
        keys = []
        for entry in self._log.entries(start.size, stop.size):
            if _redraws(entry, start):
                return None
            if (key := stop.key_of(entry.leaf.chain)) is not None:
                keys.append(key)
        return keys

    def walk(self, start: Standing, stop: int) -> Iterator[Step]:
        """Every entry from one prefix to a later one, with what stands after it."""
        standing = start
        for entry in self._log.entries(start.size, stop):
            if _redraws(entry, standing):
                standing = Standing.after(self._log, entry.index + 1)
                yield Step(entry, standing, None)
                continue
            standing = standing.after_entry(entry)
            key = standing.key_of(entry.leaf.chain)
            yield Step(entry, standing, () if key is None else (key,))

    def _ahead(self, size: int) -> Standing:
        ahead = self._live.copy()
        for entry in self._log.entries(ahead.size, size):
            if entry.is_erased or entry.leaf.type == "erasure":
                # What an earlier prefix says must be forgotten here, too.
                self._forget()
                erased = None if entry.is_erased else ahead.after_erasure(entry)
                if erased is None:
                    return Standing.after(self._log, size)
                ahead = erased
                continue
            if entry.leaf.type in REDRAWS and entry.leaf.type != "transfer":
                return Standing.after(self._log, size)
            if entry.leaf.type in EVENTS and not ahead.soundness.is_clean:
                # A key that was suspect may have been registered again: its consents count anew.
                ahead.soundness = self._log.soundness_at(size)
            if entry.index % SPACING == 0 and entry.index:
                self._keep(ahead.copy())
            ahead.fold(entry)
        ahead.size = size  # a reader of parts of a log may not have its last entries
        return ahead

    def _past(self, size: int) -> Standing:
        """From the nearest earlier standing that leads there, else from the heads of then."""
        before = bisect.bisect_left(self._sizes, size) - 1
        near = self._kept[self._sizes[before]] if before >= 0 else None
        if near is None or size - near.size > SPACING:
            return Standing.after(self._log, size)
        ahead = near.copy()
        for entry in self._log.entries(near.size, size):
            if _redraws(entry, near):
                return Standing.after(self._log, size)
            ahead.fold(entry)
        ahead.size = size
        return ahead

    def _keep(self, standing: Standing) -> None:
        if standing.size in self._kept:
            return
        bisect.insort(self._sizes, standing.size)
        self._kept[standing.size] = standing
        if len(self._sizes) > KEPT:
            # Of those that crowd together most, one can be spared.
            gaps = [b - a for a, b in zip(self._sizes, self._sizes[1:], strict=False)]
            self._kept.pop(self._sizes.pop(gaps.index(min(gaps))))

    def _forget(self) -> None:
        self.erasures += 1
        self._sizes.clear()
        self._kept.clear()


def _redraws(entry: Entry, before: Standing) -> bool:
    """Whether an entry changes more than what is said under its own natural key."""
    if entry.is_erased or entry.leaf.type in REDRAWS:
        return True
    return entry.leaf.type in EVENTS and not before.soundness.is_clean
