"""A published figure computed again from its bundle, and compared with what was published.

The last step of verifying one offline: the statements of the bundle go through the same engine as
in the server. An engine of another version, or with other factors, may arrive at other numbers
without anybody having done wrong; then nothing can be decided here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import BinaryIO, Final

from graph.engine import Engine
from graph.errors import EngineDiffers, FactorsDiffer, FigureDiffers, UnknownBoundary
from graph.publishing.published import (
    REPRODUCED,
    books_of,
    compare,
    difference,
    factor_sets,
    figure_body,
    input_types,
)
from graph.version import VERSION
from ledger.entry import Entry, Suspected
from ledger.rejudge import Step
from ledger.replay import Replay
from ledger.soundness import Soundness
from ledger.statements import Figure, Result
from ledger.trust import Trust
from ledger.verify import Audit, Check, Verdict, guarded

NAME: Final = "figure"
DETAILS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "agrees": "%(count)d numbers, the same as published",
        "withdrawn": "the same numbers as published, and withdrawn later by entry %(index)d",
        "inputs-withheld": "not computed: some of its inputs are withheld",
        "boundary-withheld": "not computed: the statement that draws its boundary is withheld",
    }
)
"""What is said of the check where it did not fail: templates over its particulars."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number of a figure in kg CO2e, as it was published and as it comes out here."""

    name: str
    stated: Result
    computed: Result | None
    agrees: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """Every check by name, in order, and the numbers, where they could be computed."""

    checks: tuple[Check, ...]
    numbers: tuple[Number, ...] = ()
    figure: Figure | None = None


def verify(source: BinaryIO, trust: Trust | None, step: Step) -> Verified:
    """Check a bundle as `ledger.verify` does, then compute its figure again.

    Nothing is raised for what is wrong with the bundle: the checks say so.
    """
    audit = Audit(source, trust, input_types, step)
    checks = tuple(audit.run())
    if audit.is_stopped:
        return Verified((*checks, Check(NAME, Verdict.UNDECIDED)))
    again = _Again(audit)
    check = guarded(NAME, again.check)
    return Verified((*checks, check), tuple(again.numbers), audit.figure)


class _Again:
    """The figure of an audit, computed again."""

    def __init__(self, audit: Audit) -> None:
        self._audit, self._stated = audit, audit.figure
        self.numbers: list[Number] = []

    def check(self) -> Check:
        stated = self._stated
        if stated.engine not in (VERSION, *REPRODUCED):
            return _undecided(EngineDiffers(stated=stated.engine, own=VERSION))
        if set(stated.factor_sets) != set(factor_sets(stated.gwp)):
            return _undecided(FactorsDiffer(gwp=stated.gwp))
        if self._audit.withheld:
            return Check(NAME, Verdict.DOUBTED, DETAILS["inputs-withheld"])
        if (computed := self._computed()) is None:
            return Check(NAME, Verdict.DOUBTED, DETAILS["boundary-withheld"])
        self.numbers += _numbers(stated.results, computed.results)
        differs = difference(stated, replace(computed, engine=stated.engine))
        if differs is not None and stated.engine != VERSION:
            self.numbers.clear()
            return _undecided(EngineDiffers(stated=stated.engine, own=VERSION))
        if differs is not None:
            raise FigureDiffers(
                differs.where,
                name=differs.name,
                stated=differs.stated or "–",
                computed=differs.computed or "–",
            )
        return self._agreed()

    def _agreed(self) -> Check:
        if (index := self._audit.withdrawn_by) is not None:
            said = {"index": index}
            return Check(NAME, Verdict.DOUBTED, DETAILS["withdrawn"], said, entries=(index,))
        counted = {"count": len(self.numbers)}
        return Check(NAME, Verdict.VALID, DETAILS["agrees"], counted)

    def _computed(self) -> Figure | None:
        """The same question, answered here; ``None`` where the boundary's statement is withheld."""
        stated = self._stated
        prefix = _Prefix(self._audit.replay, stated.at.size)
        try:
            books = books_of(Engine(prefix), stated)
        except UnknownBoundary:
            if self._audit.is_unseen(stated.object.type, stated.at.size):
                return None
            raise
        computed = figure_body(books, stated.inputs, bytes.fromhex(stated.at.root))
        if prefix.has_unseen_suspects:
            # They, too, may have been the last to move it: an entry without a payload tells nobody.
            return replace(computed, as_of=stated.as_of)
        return computed


class _Prefix:
    """The first ``size`` entries of a bundle as the engine reads a log."""

    def __init__(self, replay: Replay, size: int) -> None:
        self._replay, self._size = replay, size

    def size(self) -> int:
        return self._size

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        return self._replay.entries(start, stop)

    def heads_at(self, size: int) -> Iterator[Entry]:
        return self._replay.heads_at(size)

    def suspects_at(self, size: int) -> Sequence[Suspected]:
        return self._replay.suspects_at(size)

    def soundness_at(self, size: int) -> Soundness:
        return self._replay.soundness_at(size)

    @property
    def has_unseen_suspects(self) -> bool:
        sizes = (self._size, *self.soundness_at(self._size).corrections)
        return any(len(self.suspects_at(n)) < len(self._replay.causes_at(n)) for n in sizes)


def _numbers(stated: Sequence[Result], computed: Sequence[Result]) -> Iterator[Number]:
    found = {result.name: result for result in computed}
    for result in stated:
        differs = compare([result], computed)
        agrees = differs is None or differs.name != result.name
        yield Number(result.name, result, found.get(result.name), agrees)


def _undecided(refused: EngineDiffers | FactorsDiffer) -> Check:
    return Check(NAME, Verdict.UNDECIDED, refused=refused)
