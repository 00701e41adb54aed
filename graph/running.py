"""A year and its answer, taken forward together."""

from __future__ import annotations

from collections.abc import Iterable

from graph.current import CurrentYear, Wave
from graph.solved import Solved
from ledger.standing import Standing
from ledger.statements import NaturalKey


class Running:
    """One year as it is read, and its solution."""

    def __init__(self, current: CurrentYear) -> None:
        self.current = current
        self._solved: Solved | None = None

    @property
    def standing(self) -> Standing:
        return self.current.standing

    def fork(self) -> Running:
        """The same, to be taken forward apart from this one."""
        other = Running(self.current.fork())
        other._solved = self._solved
        return other

    def follow(self, standing: Standing, spoken: Iterable[NaturalKey]) -> Wave:
        """Take in what was said since, given the natural keys it was said under."""
        wave = self.current.follow(standing, spoken)
        if not wave.is_empty:
            self._solved = None
        return wave

    def solved(self) -> Solved:
        if self._solved is None:
            self._solved = Solved.of(self.current.network())
        return self._solved
