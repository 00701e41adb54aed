"""The years that are kept: each as it is now, and as it was at a few earlier prefixes.

A year is kept by the prefix it was read at. What is asked next is most often the same prefix or one
a little further, and to go there only what was said in between is read.
"""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeAlias

from graph.keeping.history import SPACING, History
from graph.keeping.running import NEAR, Running
from graph.reading.current import CurrentYear
from graph.solving.solved import Solved
from ledger.standing import Standing

KEPT = 12
"""States of years that are kept."""
Of: TypeAlias = tuple[int, dt.date | None]
"""Which year, and as of which day of it."""


class Years:
    """States of years at prefixes of one log; not safe between threads by itself."""

    def __init__(self, history: History, begin: Iterable[Running] = ()) -> None:
        """``begin`` are states to go on from."""
        self._history = history
        self._erasures = history.erasures
        self._states: OrderedDict[tuple[Of, int], Running] = OrderedDict()
        for state in begin:
            year = state.current.year
            self._states[(year.year, year.valid_on), state.standing.size] = state

    def calendar_years(self, standing: Standing) -> list[Running]:
        """Forks, at the prefix of ``standing``, of the calendar years that are asked about.

        The last one always; others only where that takes no more than a few entries to be read.
        """
        last: dict[Of, int] = {}
        for of, size in reversed(self._states):
            if of[1] is None:
                last[of] = max(size, last.get(of, 0))
        years = [of for k, of in enumerate(last) if not k or standing.size - last[of] <= NEAR]
        states = [self.running(standing, of) for of in years]
        for state in states:
            state.solved()
        return [state.fork() for state in states]

    def solved(self, standing: Standing, year: int, valid_on: dt.date | None) -> Solved:
        """The network of a year at the prefix of ``standing``, with its answer."""
        return self.running(standing, (year, valid_on)).solved()

    def running(self, standing: Standing, of: Of) -> Running:
        """The state of a year at the prefix of ``standing``."""
        if self._erasures != self._history.erasures:
            self._erasures = self._history.erasures
            self._states.clear()
        key = of, standing.size
        state = self._states.get(key) or self._reached(standing, of)
        self._states[key] = state
        self._states.move_to_end(key)
        while len(self._states) > KEPT:
            self._states.popitem(last=False)
        return state

    def _reached(self, standing: Standing, of: Of) -> Running:
        """From the nearest earlier state of the year, if what was said since leads on from it."""
        sizes = [size for each, size in self._states if each == of and size < standing.size]
        before = self._states[of, max(sizes)] if sizes else None
        if before is not None and standing.size - before.standing.size <= before.near:
            spoken = self._history.spoken(before.standing, standing)
            if spoken is not None:
                state = self._released(of, before, standing)
                state.follow(standing, spoken)
                return state
        return Running(CurrentYear(standing, *of))

    def _released(self, of: Of, before: Running, standing: Standing) -> Running:
        """A state that may be taken on: the last one itself, unless it is kept for the past."""
        size = before.standing.size
        is_last = standing is self._history.live()
        if not is_last or size // SPACING != standing.size // SPACING:
            return before.fork()
        return self._states.pop((of, size))
