"""The nodes of a network as columns: a million of them, of which few are ever looked at.

A ``NodeTable`` does not change. A ``Roster`` is the nodes of one network over it: some of the
table's rows, of which a few say something else by now, and the nodes that came since.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import index
from typing import Any, Final, SupportsIndex, TypeAlias, cast, overload

import numpy as np
from numpy.typing import NDArray

from graph.reading.links import NodeKey
from graph.reading.network import FEEDS, Ints, Node, Nodes
from graph.reading.texts import NOBODY, Texts
from graph.reading.year import Place

Array: TypeAlias = NDArray[Any]

NOWHERE: Final = -1
"""The number of no place, and of no row."""
OF_NODES: Final = ("product", "place", "owner", "name", "unit", "carrier", "feed")
OF_PLACES: Final = ("site", "start", "end")
_CODE: Final = {feed: code for code, feed in enumerate(FEEDS)}
_AT_ONCE: Final = 4096


class NodeTable:
    """``columns`` holds a number per node for each of ``OF_NODES``, and per place ``OF_PLACES``."""

    def __init__(self, texts: Texts, columns: Mapping[str, Array]) -> None:
        self._texts, self._columns = texts, columns

    def __len__(self) -> int:
        return len(self._columns["feed"])

    def column(self, name: str) -> Array:
        return self._columns[name]

    @property
    def texts(self) -> Texts:
        return self._texts

    @property
    def places(self) -> int:
        """How many places there are."""
        return len(self._columns["site"])

    def nodes(self, rows: Ints) -> Iterator[Node]:
        """Some thousands are taken out of the columns at a time."""
        for start in range(0, len(rows), _AT_ONCE):
            chunk = rows[start : start + _AT_ONCE]
            columns = (self._columns[name][chunk].tolist() for name in OF_NODES)
            for product, place, owner, name, unit, carrier, feed in zip(*columns, strict=True):
                yield Node(
                    product=self._texts.get(product),
                    place=self.place(place),
                    owner=self._texts[owner],
                    name=self._texts[name],
                    unit=self._texts[unit],
                    feed=FEEDS[feed],
                    carrier=self._texts.get(carrier),
                )

    def node(self, row: int) -> Node:
        return next(self.nodes(np.array([row])))

    def key(self, row: int) -> NodeKey:
        product, place = (int(self._columns[name][row]) for name in ("product", "place"))
        return self._texts.get(product), self.place(place)

    def row(self, key: NodeKey) -> int | None:
        """The row of a node by what it is."""
        product, place = key
        number = self.place_number(place)
        if number is None:
            return None
        code = NOBODY if product is None else self._texts.find(product)
        rows = self.rows_at(place) if product is None else self.rows_of(product)
        return next((row for row in rows if self._is(row, code, number)), None)

    def _is(self, row: int, product: int | None, place: int) -> bool:
        columns = self._columns
        return bool(columns["product"][row] == product and columns["place"][row] == place)

    def place(self, number: int) -> Place | None:
        if number == NOWHERE:
            return None
        site, start, end = (int(self._columns[name][number]) for name in OF_PLACES)
        days = (dt.date.fromordinal(day) for day in (start, end))
        return Place(self._texts[site], *days)

    def place_number(self, place: Place | None) -> int | None:
        """The number of a place; None for one that the table does not have."""
        if place is None:
            return NOWHERE
        site = self._texts.find(place.site)
        if site is None:
            return None
        return next((k for k in self._by_site.get(site) if self.place(k) == place), None)

    def rows_of(self, product: str) -> list[int]:
        """The rows of a product."""
        code = self._texts.find(product)
        return [] if code is None else self._by_product.get(code)

    def rows_at(self, place: Place | None) -> list[int]:
        """The rows at a place, or of what stands nowhere in particular."""
        number = self.place_number(place)
        return [] if number is None else self._by_place.get(number)

    @cached_property
    def _by_product(self) -> Places:
        return Places.of(self._columns["product"])

    @cached_property
    def _by_place(self) -> Places:
        return Places.of(self._columns["place"])

    @cached_property
    def _by_site(self) -> Places:
        return Places.of(self._columns["site"])


@dataclass(frozen=True)
class Places:
    """Where each value of a column stands, ascending."""

    values: Array
    order: Ints

    @classmethod
    def of(cls, column: Array) -> Places:
        order = np.argsort(column, kind="stable")
        return cls(column[order], order)

    def get(self, value: int) -> list[int]:
        sought = self.values.dtype.type(value)
        start, end = (int(np.searchsorted(self.values, sought, side)) for side in _SIDES)
        found: list[int] = self.order[start:end].tolist()
        return found


_SIDES: Final = ("left", "right")


@dataclass(frozen=True, eq=False)
class Roster(Nodes):
    """Nodes over a table: those of ``rows`` (None: all), some ``changed``, and those ``added``.

    What changes of a node is never which product it is, or where.
    """

    table: NodeTable
    rows: Ints | None = None
    changed: Mapping[int, Node] = field(default_factory=dict)
    added: tuple[Node, ...] = ()

    @property
    def kept(self) -> int:
        """How many rows of the table are among the nodes; they come first."""
        return len(self.table) if self.rows is None else len(self.rows)

    def __len__(self) -> int:
        return self.kept + len(self.added)

    def __eq__(self, other: object) -> bool:
        """Whether both are the same nodes of the same table, known without reading them."""
        if not isinstance(other, Roster):
            return NotImplemented
        alike = self.table is other.table and self.rows is other.rows
        return alike and self.changed == other.changed and self.added == other.added

    __hash__ = object.__hash__

    @overload
    def __getitem__(self, i: SupportsIndex) -> Node: ...
    @overload
    def __getitem__(self, i: slice) -> Sequence[Node]: ...
    def __getitem__(self, i: SupportsIndex | slice) -> Node | Sequence[Node]:
        if isinstance(i, slice):
            return tuple(self[k] for k in range(*i.indices(len(self))))
        place = index(i) + len(self) * (index(i) < 0)
        if not 0 <= place < len(self):
            raise IndexError(i)
        if place >= self.kept:
            return self.added[place - self.kept]
        node = self.changed.get(place)
        return node or self.table.node(place if self.rows is None else int(self.rows[place]))

    def __iter__(self) -> Iterator[Node]:
        rows = np.arange(len(self.table)) if self.rows is None else self.rows
        for place, node in enumerate(self.table.nodes(rows)):
            yield self.changed.get(place, node)
        yield from self.added

    def revised(self, nodes: Mapping[int, Node]) -> Roster:
        """With some nodes changed, or added under the next numbers."""
        moved = {i: node for i, node in nodes.items() if i >= len(self) or self[i] != node}
        if not moved:
            return self
        added = [*self.added, *[None] * sum(i >= len(self) for i in moved)]
        changed = dict(self.changed)
        for i, node in moved.items():
            if i < self.kept:
                changed[i] = node
            else:
                added[i - self.kept] = node
        return Roster(self.table, self.rows, changed, cast("tuple[Node, ...]", tuple(added)))

    def without(self, stays: NDArray[np.bool_]) -> Roster:
        """The nodes that stay, in their order."""
        rows = np.arange(len(self.table)) if self.rows is None else self.rows
        new, kept = np.cumsum(stays) - 1, self.kept
        changed = {int(new[i]): node for i, node in self.changed.items() if stays[i]}
        added = (node for node, stay in zip(self.added, stays[kept:], strict=True) if stay)
        return Roster(self.table, rows[stays[:kept]], changed, tuple(added))

    # -- what is asked of all ----------------------------------------------------------------

    @cached_property
    def feeds(self) -> NDArray[np.int8]:
        return self._column("feed", lambda node: _CODE[node.feed]).astype(np.int8)

    @cached_property
    def _owners(self) -> tuple[tuple[str, ...], Ints]:
        texts = self.table.texts.extended()
        codes = self._column("owner", lambda node: texts.code(node.owner))
        found, first, place = np.unique(codes, return_index=True, return_inverse=True)
        order = np.argsort(first)
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        return tuple(texts[code] for code in found[order].tolist()), rank[place]

    @property
    def owners(self) -> tuple[str, ...]:
        return self._owners[0]

    @property
    def owner_codes(self) -> Ints:
        return self._owners[1]

    @cached_property
    def nodes_of(self) -> Mapping[str, list[int]]:
        return _NodesOf(self)

    @cached_property
    def nodes_at(self) -> Mapping[Place | None, list[int]]:
        return _NodesAt(self)

    def _column(self, name: str, of: Any) -> Array:
        column = self.table.column(name)
        column = column.copy() if self.rows is None else column[self.rows]
        for i, node in self.changed.items():
            column[i] = of(node)
        return np.concatenate([column, np.array([of(node) for node in self.added], column.dtype)])

    def numbers(self, rows: Iterable[int]) -> list[int]:
        """The numbers of those rows of the table that are among the nodes."""
        if self.rows is None:
            return list(rows)
        return [number for row in rows if (number := int(self._number[row])) != NOWHERE]

    @cached_property
    def _number(self) -> Ints:
        number = np.full(len(self.table), NOWHERE, dtype=np.int64)
        number[self.rows] = np.arange(self.kept)
        return number

    @cached_property
    def added_of(self) -> Mapping[str | None, list[int]]:
        """Product -> the nodes of it that came since."""
        found: dict[str | None, list[int]] = defaultdict(list)
        for i, node in enumerate(self.added, start=self.kept):
            found[node.product].append(i)
        return found

    @cached_property
    def added_at(self) -> Mapping[Place | None, list[int]]:
        """Place -> the nodes at it that came since."""
        found: dict[Place | None, list[int]] = defaultdict(list)
        for i, node in enumerate(self.added, start=self.kept):
            found[node.place].append(i)
        return found


class _NodesOf(Mapping[str, list[int]]):
    """Product id -> its nodes, in order of their places."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def __getitem__(self, product: str) -> list[int]:
        roster = self._roster
        rows = roster.table.rows_of(product)
        found = [*roster.numbers(rows), *roster.added_of.get(product, ())]
        if not found:
            raise KeyError(product)
        if len(found) > 1:
            found.sort(key=lambda i: cast(Place, roster[i].place))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(n.product for n in self._roster if n.product is not None))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _NodesAt(Mapping["Place | None", list[int]]):
    """Place -> its nodes."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def __getitem__(self, place: Place | None) -> list[int]:
        roster = self._roster
        rows = roster.table.rows_at(place)
        found = [*roster.numbers(rows), *roster.added_at.get(place, ())]
        if not found:
            raise KeyError(place)
        return found

    def __iter__(self) -> Iterator[Place | None]:
        return iter(dict.fromkeys(node.place for node in self._roster))

    def __len__(self) -> int:
        return sum(1 for _ in self)
