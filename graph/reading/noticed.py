"""What was noticed of which unit of a year, and every finding once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, Protocol, TypeVar

from graph.findings import Finding

K = TypeVar("K", bound=Hashable)
K_contra = TypeVar("K_contra", bound=Hashable, contravariant=True)


class Findings(Protocol[K_contra]):
    """Findings as they were once, looked up where somebody asks."""

    def noticed_of(self, whose: K_contra, /) -> tuple[Finding, ...]: ...

    def times_noticed(self) -> Iterable[tuple[Finding, int]]:
        """Every finding with how many it was noticed of."""


class Noticed(Generic[K]):
    """``note`` says what is noticed of somebody from now on."""

    def __init__(self, begin: Findings[K] | None = None) -> None:
        self._begin = begin
        self._of: dict[K, tuple[Finding, ...]] = {}
        self._times: Counter[Finding] = Counter(dict(begin.times_noticed()) if begin else {})

    def note(self, whose: K, findings: tuple[Finding, ...]) -> None:
        for each in self._before(whose):
            self._times[each] -= 1
            if not self._times[each]:
                del self._times[each]
        self._of.pop(whose, None)
        if findings or self._begin is not None:
            self._of[whose] = findings
        for each in findings:
            self._times[each] += 1

    @property
    def findings(self) -> Iterable[Finding]:
        """Every finding once."""
        return self._times.keys()

    @property
    def known(self) -> Mapping[K, tuple[Finding, ...]]:
        """Those of whom something was noted, also that there is nothing any more."""
        return self._of

    def fork(self) -> Noticed[K]:
        other: Noticed[K] = Noticed()
        other._begin, other._of, other._times = self._begin, dict(self._of), self._times.copy()
        return other

    def _before(self, whose: K) -> tuple[Finding, ...]:
        if whose in self._of or self._begin is None:
            return self._of.get(whose, ())
        return self._begin.noticed_of(whose)
