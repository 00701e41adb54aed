"""From accounts of nodes to the arrays of a network, whole or only where they changed.

Nodes are numbered in the order in which they are given; one that comes later gets the next number,
and where some go, the others move up in their order. Edges stand by consumer, and within one in the
order of its lines.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from graph.findings import Finding, finding
from graph.reading.accounts import Account
from graph.reading.links import NodeKey
from graph.reading.network import (
    OUTPUT_TOLERANCE,
    Book,
    Column,
    Edges,
    Estimate,
    Floats,
    Gap,
    Ints,
    Network,
    Node,
    Nodes,
    Vector,
    uses_of,
)
from graph.reading.year import Place

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Surroundings:
    """What a network says beside its nodes."""

    year: int
    books: Mapping[Place, Book]
    site_owners: Mapping[str, str]
    site_as_of: Mapping[str, int]
    findings: tuple[Finding, ...]


def empty_network(year: int) -> Network:
    """A network of nothing, to be revised."""
    none = np.zeros(0)
    return Network(
        year=year,
        nodes=(),
        columns=(),
        direct=np.zeros((0, 0)),
        edges=_edges((), {}),
        output=none,
        gaps=(),
        generation={},
        declared={},
        books={},
        as_of=none.astype(np.int64),
        findings=(),
    )


class Rows(Protocol):
    """Nodes in a table, to be found by what they are."""

    def __len__(self) -> int: ...

    def row(self, key: NodeKey) -> int | None: ...


class Numbering:
    """The number of every node of a network."""

    def __init__(self, table: Rows | None = None) -> None:
        """The nodes of a ``table``, where one is given, come first, in the order of its rows."""
        self._table = table
        self.of_row: Ints = np.arange(len(table) if table else 0)
        """The number of each row of the table; -1 of those that are no nodes any more."""
        self._kept = len(self.of_row)
        self._numbers: dict[NodeKey, int] = {}

    def __len__(self) -> int:
        return self._kept + len(self._numbers)

    def __getitem__(self, key: NodeKey) -> int:
        if (number := self.get(key)) is None:
            raise KeyError(key)
        return number

    def get(self, key: NodeKey) -> int | None:
        """The number of a node, if it has one."""
        if (number := self._numbers.get(key)) is not None or self._table is None:
            return number
        row = self._table.row(key)
        number = -1 if row is None else int(self.of_row[row])
        return None if number < 0 else number

    def copy(self) -> Numbering:
        other = copy.copy(self)
        other._numbers = dict(self._numbers)
        return other

    def add(self, keys: Iterable[NodeKey]) -> None:
        """Number what has no number yet."""
        for key in keys:
            if self.get(key) is None:
                self._numbers[key] = len(self)

    def remove(self, keys: Iterable[NodeKey]) -> NDArray[np.bool_]:
        """Forget some nodes and move the others up; returns which of the old numbers stay."""
        stays = np.ones(len(self), dtype=bool)
        for key in keys:
            if (number := self.get(key)) is not None:
                stays[number] = False
                self._numbers.pop(key, None)
        if not stays.all():
            new = np.append(np.where(stays, np.cumsum(stays) - 1, -1), -1)
            self.of_row = new[self.of_row]
            self._kept = int(np.count_nonzero(stays[: self._kept]))
            self._numbers = {key: i for i, key in enumerate(self._numbers, start=self._kept)}
        return stays


def revised(
    network: Network,
    numbers: Numbering,
    changed: Sequence[Account],
    gone: Iterable[NodeKey],
    around: Surroundings,
) -> Network:
    """The network with some accounts changed or new, and some nodes gone.

    ``numbers`` numbers the nodes of ``network`` and is brought up to date. ``network`` itself stays
    as it is.
    """
    network = _without(network, numbers.remove(gone))
    numbers.add(account.key for account in changed)
    columns = _all_columns(network.columns, changed)
    at = {column: k for k, column in enumerate(columns)}
    numbered = {numbers[account.key]: account for account in changed}
    nodes = _nodes_with(network.nodes, numbered, len(numbers))
    wide = _widened(network, len(numbers), len(columns))
    for i, account in numbered.items():
        wide.direct[i] = _row(account.direct, at)
        wide.output[i] = account.output
        wide.as_of[i] = account.as_of
    edges = _edges_with(network.edges, numbered, numbers)
    if len(nodes) > len(network.nodes):
        edges = replace(edges)  # what is worked out from them counts nodes, too
    after = Network(
        year=around.year,
        nodes=nodes,
        columns=columns,
        direct=wide.direct,
        edges=edges,
        output=wide.output,
        gaps=_gaps_with(network.gaps, numbered),
        generation=_rows_with(network.generation, numbered, at, "generation"),
        declared=_rows_with(network.declared, numbered, at, "declared"),
        books=dict(around.books),
        as_of=wide.as_of,
        findings=(*around.findings, *_excess_uses(nodes, edges, wide.output)),
        partly_told=_told_with(network.partly_told, numbered),
        site_owners=dict(around.site_owners),
        site_as_of=dict(around.site_as_of),
        stand_ins=_stand_ins_with(network.stand_ins, numbered),
    )
    _hand_on(network, after)
    return after


_OF_NODES = ("nodes_of", "nodes_at", "feeds", "owners", "owner_codes")
_OF_EDGES = ("inputs", "by_consumer")


def _hand_on(before: Network, after: Network) -> None:
    """What was worked out from nodes or edges stays true while these are the same."""
    if len(after.nodes) != len(before.nodes):
        return
    alike = [name for name in _OF_NODES if after.nodes == before.nodes]
    alike += [name for name in _OF_EDGES if after.edges is before.edges]
    known = vars(before)
    vars(after).update({name: known[name] for name in alike if name in known})


def _nodes_with(
    nodes: tuple[Node, ...] | Nodes, numbered: Mapping[int, Account], count: int
) -> tuple[Node, ...] | Nodes:
    if isinstance(nodes, Nodes):
        return nodes.revised({i: account.node for i, account in numbered.items()})
    row: list[Node | None] = [*nodes, *[None] * (count - len(nodes))]
    for i, account in numbered.items():
        row[i] = account.node
    return tuple(node for node in row if node is not None)


def _nodes_that_stay(
    nodes: tuple[Node, ...] | Nodes, stays: NDArray[np.bool_]
) -> tuple[Node, ...] | Nodes:
    if isinstance(nodes, Nodes):
        return nodes.without(stays)
    return tuple(node for node, stay in zip(nodes, stays, strict=True) if stay)


def _all_columns(known: tuple[Column, ...], changed: Iterable[Account]) -> tuple[Column, ...]:
    seen = {column for account in changed for column in account.columns()}
    further = sorted(seen - set(known), key=lambda c: (c.gas, c.origin, c.stated_under or ""))
    return (*known, *further)


def _row(vector: Vector, at: Mapping[Column, int]) -> Floats:
    values = np.zeros(len(at))
    for column, value in vector.items():
        values[at[column]] = value
    return values


@dataclass(frozen=True)
class _Wide:
    direct: Floats
    output: Floats
    as_of: Ints


def _widened(network: Network, n: int, k: int) -> _Wide:
    """Copies of a network's arrays with room for further nodes and columns."""
    more, wider = n - len(network.nodes), k - len(network.columns)
    return _Wide(
        direct=np.pad(network.direct, ((0, more), (0, wider))),
        output=np.pad(network.output, (0, more), constant_values=np.nan),
        as_of=np.pad(network.as_of, (0, more), constant_values=-1),
    )


# --- Edges ---------------------------------------------------------------------------------


def _edges_with(edges: Edges, numbered: Mapping[int, Account], numbers: Numbering) -> Edges:
    """The edges with those of some consumers anew."""
    if not numbered:
        return edges
    stays = ~np.isin(edges.consumer, np.fromiter(numbered, dtype=np.int64))
    anew = _edges(sorted(numbered.items()), numbers)
    if _are_alike(anew, _where(edges, ~stays)):
        return edges
    consumer = np.concatenate([edges.consumer[stays], anew.consumer])
    order = np.argsort(consumer, kind="stable")

    return Edges(
        supplier=_joined(edges.supplier[stays], anew.supplier)[order],
        consumer=consumer[order],
        category=_joined(edges.category[stays], anew.category)[order],
        amount=_joined(edges.amount[stays], anew.amount)[order],
        mixed=_joined(edges.mixed[stays], anew.mixed)[order],
    )


def _where(edges: Edges, chosen: NDArray[np.bool_]) -> Edges:
    return Edges(
        supplier=edges.supplier[chosen],
        consumer=edges.consumer[chosen],
        category=edges.category[chosen],
        amount=edges.amount[chosen],
        mixed=edges.mixed[chosen],
    )


def _are_alike(one: Edges, other: Edges) -> bool:
    names = ("supplier", "consumer", "category", "amount", "mixed")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def _joined(kept: NDArray[T], anew: NDArray[T]) -> NDArray[T]:
    return np.concatenate([kept, anew])


def _edges(
    numbered: Iterable[tuple[int, Account]], numbers: Numbering | Mapping[NodeKey, int]
) -> Edges:
    drawn = [(consumer, link) for consumer, account in numbered for link in account.links]
    return Edges(
        supplier=np.array([numbers[link.node] for _, link in drawn], dtype=np.int64),
        consumer=np.array([consumer for consumer, _ in drawn], dtype=np.int64),
        category=np.array([link.category for _, link in drawn], dtype=np.int64),
        amount=np.array([link.amount for _, link in drawn], dtype=np.float64),
        mixed=np.array([link.mixed for _, link in drawn], dtype=np.bool_),
    )


def _excess_uses(nodes: Sequence[Node], edges: Edges, output: Floats) -> Iterator[Finding]:
    """y = x − Z·1 < 0: reported, kept."""
    uses = uses_of(edges, output)
    for i in map(int, np.flatnonzero(uses > output * (1 + OUTPUT_TOLERANCE))):
        name, excess = nodes[i].name, f"{uses[i] - output[i]:.6g}"
        yield finding("deliveries-exceed-output", product=name, amount=excess, unit=nodes[i].unit)


# --- What few nodes have --------------------------------------------------------------------


def _gaps_with(gaps: Iterable[Gap], numbered: Mapping[int, Account]) -> tuple[Gap, ...]:
    stays = (gap for gap in gaps if gap.node not in numbered)
    anew = (replace(gap, node=i) for i, account in numbered.items() for gap in account.gaps)
    return tuple(sorted(chain(stays, anew), key=lambda gap: gap.node))


def _rows_with(
    rows: Mapping[int, Floats],
    numbered: Mapping[int, Account],
    at: Mapping[Column, int],
    name: str,
) -> dict[int, Floats]:
    """Rows by node, in all columns; of some accounts the vector called ``name`` anew."""
    kept = {i: np.pad(row, (0, len(at) - len(row))) for i, row in rows.items() if i not in numbered}
    stated = ((i, getattr(account, name)) for i, account in numbered.items())
    return kept | {i: _row(vector, at) for i, vector in stated if vector is not None}


def _stand_ins_with(
    stand_ins: Mapping[int, Estimate], numbered: Mapping[int, Account]
) -> dict[int, Estimate]:
    kept = {i: estimate for i, estimate in stand_ins.items() if i not in numbered}
    return kept | {i: a.stand_in for i, a in numbered.items() if a.stand_in is not None}


def _told_with(partly_told: Iterable[int], numbered: Mapping[int, Account]) -> frozenset[int]:
    kept = {i for i in partly_told if i not in numbered}
    return frozenset(kept | {i for i, account in numbered.items() if account.is_partly_told})


# --- Nodes that go --------------------------------------------------------------------------


def _without(network: Network, stays: NDArray[np.bool_]) -> Network:
    """The network of the nodes that stay, numbered anew in their order."""
    if stays.all():
        return network
    new = np.cumsum(stays) - 1
    number = {int(i): int(new[i]) for i in np.flatnonzero(stays)}
    edges = _where(network.edges, stays[network.edges.consumer] & stays[network.edges.supplier])
    return replace(
        network,
        nodes=_nodes_that_stay(network.nodes, stays),
        direct=network.direct[stays],
        output=network.output[stays],
        as_of=network.as_of[stays],
        edges=replace(edges, supplier=new[edges.supplier], consumer=new[edges.consumer]),
        gaps=tuple(replace(g, node=number[g.node]) for g in network.gaps if g.node in number),
        generation={number[i]: row for i, row in network.generation.items() if i in number},
        declared={number[i]: row for i, row in network.declared.items() if i in number},
        stand_ins={number[i]: each for i, each in network.stand_ins.items() if i in number},
        partly_told=frozenset(number[i] for i in network.partly_told if i in number),
    )
