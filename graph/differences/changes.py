"""What changed between two prefixes of the log, and which entries changed it.

    figure(n₂) − figure(n₁) = Σ_i [figure(i + 1) − figure(i)],   i from n₁ to n₂ − 1

Entries are taken in one at a time, in the order of the log, so what each of them moved adds up to
the whole difference, whatever depends on what. An entry that moved nothing is no cause. What one
entry moved everywhere is its **wave**.

How a change came to a figure is told as a **path**: from where the figure is asked, against the
flow, always to the supplier through which the largest part of the change came, until most of it
arose at the node itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, cast

import numpy as np

from graph.differences.whatif import Compared, figure_numbers, moved, set_side_by_side
from graph.engine import Answered, Books, Engine, Question, Settled
from graph.errors import GraphError, PrefixesReversed
from graph.reading.network import Network, Node
from ledger.entry import Entry

MOVES_BOUNDARIES: Final = (
    "park",
    "membership",
    "site",
    "transfer",
    "enterprise",
    "factors",
    "certificate",
    "attestation",
    "accreditation",
)
"""Types that can move the figure of a boundary and leave every footprint as it is."""


@dataclass(frozen=True, slots=True)
class Cause:
    """An entry that moved a figure: what it said, the figure before and after it, and the path."""

    index: int
    type: str
    moved: Compared
    path: tuple[int, ...]
    answered: Answered
    """The answer right after the entry; ``path`` holds node numbers of its network."""

    @property
    def nodes(self) -> tuple[Node, ...]:
        network = self.answered.solved.network
        return tuple(network.nodes[i] for i in self.path)


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure at two prefixes; ``causes`` in the order of the log."""

    whole: Compared
    causes: tuple[Cause, ...]
    start: int
    stop: int
    year: int


@dataclass(frozen=True, slots=True)
class Rippled:
    """Everything that one entry moved in a year: parks, then enterprises, then products.

    ``left`` parks and enterprises were not looked at because there are too many.
    """

    index: int
    year: int
    moved: tuple[tuple[Compared, tuple[Node, ...]], ...]
    left: int


def difference(
    engine: Engine, kind: str, entity: str, question: Question, start: int, stop: int
) -> Difference:
    """What became of the figure of a product, park or enterprise from one prefix to a later one.

    The year is that of ``question``, by default the latest of the later prefix.

    Raises
    ------
    PrefixesReversed
        ``start`` does not lie before ``stop``.
    UnknownProduct, UnknownBoundary, NoDataForYear …
        There is no figure at ``stop``, as the engine says. At ``start`` there need not be one.
    """
    if not 0 < start < stop:
        raise PrefixesReversed(start=start, stop=stop)
    last = engine.answer(replace(question, at=stop))
    question = replace(question, year=last.year, at=None)
    _require(last, kind, entity, question)
    before = engine.answer(replace(question, at=start))
    first = told = figure_numbers(Settled(before), kind, entity, question)
    causes = []
    for entry, after in engine.steps(question, start, stop):
        if not _may_move(kind, entry, before, after):
            continue
        now = figure_numbers(Settled(after), kind, entity, question)
        one = set_side_by_side(kind, entity, told, now)
        if one is not None and one.has_moved:
            path = _path_to(before, after, kind, entity, question)
            causes.append(Cause(entry.index, entry.leaf.type, one, path, after))
            told = now  # what rounding moves is left to the next cause, so that nothing is lost
        before = after
    whole = cast(Compared, set_side_by_side(kind, entity, first, told))
    return Difference(whole, tuple(causes), start, stop, cast(int, question.year))


def wave(engine: Engine, index: int, question: Question) -> Rippled:
    """What entry ``index`` moved in the year of ``question`` (by default the latest after it).

    Raises ``LogPositionUnknown``.
    """
    year = engine.answer(replace(question, at=index + 1)).year
    question = replace(question, year=year, at=None)
    before = engine.answer(replace(question, at=index))
    for _, after in engine.steps(question, index, index + 1):
        found, left = moved(Settled(before), Settled(after), question)
        with_paths = tuple((each, _nodes_to(before, after, each, question)) for each in found)
        return Rippled(index, year, with_paths, left)
    return Rippled(index, year, (), 0)


def _require(answered: Answered, kind: str, entity: str, question: Question) -> None:
    settled = Settled(answered)
    if kind == "product":
        settled.footprint(entity, question)
    else:
        (settled.park if kind == "park" else settled.enterprise)(entity, question)


def _may_move(kind: str, entry: Entry, before: Answered, after: Answered) -> bool:
    """Whether an entry can have moved a figure at all: it costs less to ask than to compute."""
    if after.solved is not before.solved:
        return True
    return kind != "product" and entry.leaf.type in (*MOVES_BOUNDARIES, "withdrawal")


# --- Paths -----------------------------------------------------------------------------------


def _nodes_to(
    before: Answered, after: Answered, each: Compared, question: Question
) -> tuple[Node, ...]:
    path = _path_to(before, after, each.kind, each.id, question)
    return tuple(after.solved.network.nodes[i] for i in path)


def _path_to(
    before: Answered, after: Answered, kind: str, entity: str, question: Question
) -> tuple[int, ...]:
    """Node numbers from the figure asked to where most of its change arose."""
    change = _Change(before, after)
    weighed = {i: abs(change.of(i) * weight) for i, weight in _asked(after, kind, entity, question)}
    if not any(weighed.values()):
        return ()
    return change.path(max(weighed, key=lambda i: weighed[i]))


def _asked(
    after: Answered, kind: str, entity: str, question: Question
) -> Iterator[tuple[int, float]]:
    """The nodes a figure is made of, with their weights."""
    network = after.solved.network
    if kind == "product":
        yield from ((i, 1.0) for i in network.nodes_of.get(entity, ()))
        return
    for i in _inside(after, kind, entity, question):
        yield i, float(np.nan_to_num(network.output[i]))


def _inside(after: Answered, kind: str, entity: str, question: Question) -> Iterable[int]:
    settled = Settled(after)
    try:
        books: Books = (settled.park if kind == "park" else settled.enterprise)(entity, question)
    except GraphError:
        return ()
    network: Network = after.solved.network
    return [i for place in books.places for i in network.nodes_at.get(place, ())]


class _Change:
    """By how much footprints moved from one answer to the next, in kg CO2e per declared unit."""

    def __init__(self, before: Answered, after: Answered) -> None:
        self._before, self._after = before, after
        self._known: dict[int, float] = {}

    def of(self, i: int) -> float:
        if i not in self._known:
            node = self._after.solved.network.nodes[i]
            was = self._number_before(i, node)
            before = _kg_co2e(self._before, was) if was is not None else 0.0
            self._known[i] = _kg_co2e(self._after, i) - before
        return self._known[i]

    def _number_before(self, i: int, node: Node) -> int | None:
        network = self._before.solved.network
        if i < len(network.nodes) and _is_same(network.nodes[i], node):
            return i
        alike = (
            network.nodes_at.get(node.place, ())
            if node.product is None
            else network.nodes_of.get(node.product, ())
        )
        return next((k for k in alike if _is_same(network.nodes[k], node)), None)

    def path(self, start: int) -> tuple[int, ...]:
        path = [start]
        while (further := self._largest_part(path[-1])) is not None and further not in path:
            path.append(further)
        return tuple(path)

    def _largest_part(self, j: int) -> int | None:
        """The supplier that brought more of the change at *j* than *j* itself; ``None``: none."""
        columns = self._after.solved.network.by_consumer
        span = slice(columns.indptr[j], columns.indptr[j + 1])
        suppliers = [int(i) for i in columns.indices[span]]
        parts = {
            i: amount * self.of(i)
            for i, amount in zip(suppliers, map(float, columns.data[span]), strict=True)
        }
        if not parts:
            return None
        largest = max(parts, key=lambda i: abs(parts[i]))
        own = self.of(j) - sum(parts.values())
        return largest if abs(parts[largest]) > abs(own) else None


def _is_same(one: Node, other: Node) -> bool:
    return one.product == other.product and one.place == other.place


def _kg_co2e(answered: Answered, i: int) -> float:
    solved = answered.solved
    columns = np.nan_to_num(solved.footprints[i] + solved.estimated[i])
    return float(answered.weights.co2e(columns))
