"""A year in arrays that a file can hold: what it goes on from, without being read anew.

Arrays are by node in the order of ``Network.nodes``; all texts are numbers of one pool. A **unit**
(``graph.reading.current``) is the number of its node, or ``OF_PLACES - number`` of its place. What
few nodes have lies in ``text`` arrays as JSON.

What a year opened, bought and described is not here: it follows from what was said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Final, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from graph.findings import Finding, finding
from graph.reading.current import CurrentYear, Unit
from graph.reading.groups import Groups, TextGroups, no_groups, text_groups
from graph.reading.links import NodeKey
from graph.reading.network import (
    FEEDS,
    Book,
    Column,
    Edges,
    Estimate,
    Floats,
    Gap,
    Grid,
    Network,
    Node,
)
from graph.reading.references import REGISTERS, Key, Members, Register
from graph.reading.roster import NOWHERE, NodeTable, Roster
from graph.reading.texts import NAMES, Texts
from graph.reading.year import Place
from graph.solving.solved import Solved
from graph.terms import Rung

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = Mapping[str, Array]

OF_PLACES: Final = -2
"""The unit of the first place; those of the others follow downwards."""
_NODE: Final = ("product", "place", "owner", "name", "unit", "carrier", "feed")
_PLACE: Final = ("site", "start", "end")
_EDGE: Final = ("supplier", "consumer", "category", "amount", "mixed")
_SOLVED: Final = ("footprints", "incomplete", "open_ended", "as_of")
_FILLED: Final = ("estimated", "spread")
_GROUPS: Final = (*REGISTERS, "somewhere", "sites")
_FEED: Final = {feed: code for code, feed in enumerate(FEEDS)}
_SHIFT: Final = 32


class BegunYear:
    """``header`` and ``arrays`` as ``written`` made them."""

    def __init__(self, header: Mapping[str, Any], arrays: Arrays) -> None:
        self.header, self.arrays = header, arrays
        self.texts = Texts(bytes.fromhex(header["salt"]), {each: arrays[each] for each in NAMES})
        columns = {name: arrays[f"node-{name}"] for name in _NODE}
        columns |= {name: arrays[f"place-{name}"] for name in _PLACE}
        self.table = NodeTable(self.texts, columns)
        self.groups = {name: self._group(name) for name in _GROUPS}
        self.reads, self.notes = self._group("reader"), self._group("noticed")

    def _group(self, name: str) -> Groups:
        return Groups(self.arrays[f"{name}-key"], self.arrays[f"{name}-member"])

    # -- the network and its answer ----------------------------------------------------------

    @cached_property
    def network(self) -> Network:
        arrays, table = self.arrays, self.table
        columns = tuple(Column(*each) for each in self.header["columns"])
        books = {
            cast(Place, table.place(place)): Book(*days) for place, *days in arrays["book"].tolist()
        }
        sites = [
            (self.texts[site], self.texts[owner], as_of)
            for site, owner, as_of in arrays["site"].tolist()
        ]
        gaps = (_gap(columns, *each) for each in _parsed(arrays["gap-text"]))
        return Network(
            year=self.header["year"],
            nodes=Roster(table),
            columns=columns,
            direct=arrays["direct"],
            edges=Edges(*(arrays[f"edge-{name}"] for name in _EDGE)),
            output=arrays["output"],
            gaps=tuple(gaps),
            generation=self._rows("generation"),
            declared=self._rows("declared"),
            books=books,
            as_of=arrays["as_of"],
            findings=_findings(_parsed(arrays["finding-text"])),
            partly_told=frozenset(arrays["partly_told"].tolist()),
            site_owners={site: owner for site, owner, _ in sites},
            site_as_of={site: as_of for site, _, as_of in sites},
            stand_ins={
                node: _estimate(columns, *each) for node, each in _parsed(arrays["stand-in-text"])
            },
        )

    def _rows(self, name: str) -> dict[int, Floats]:
        nodes = self.arrays[f"{name}-node"].tolist()
        return dict(zip(nodes, self.arrays[f"{name}-row"], strict=True))

    @cached_property
    def solved(self) -> Solved:
        known = {name: self.arrays[f"solved-{name}"] for name in _SOLVED}
        nothing = np.broadcast_to(0.0, self.network.direct.shape)
        filled = {name: self.arrays.get(f"solved-{name}", nothing) for name in _FILLED}
        return Solved(network=self.network, **known, **filled)

    # -- what it goes on from ----------------------------------------------------------------

    @cached_property
    def register(self) -> Register[Members]:
        groups = {name: TextGroups(self.texts, self.groups[name]) for name in REGISTERS}
        revised = dict(map(tuple, self.header["revised"]))
        return Register(groups, self.header["renamed"], revised)

    def noticed_of(self, whose: Unit | str, /) -> tuple[Finding, ...]:
        number = self._number_of(whose)
        found = () if number is None else self.notes.get(number).tolist()
        return tuple(self.network.findings[at] for at in found)

    def times_noticed(self) -> Iterator[tuple[Finding, int]]:
        times = np.bincount(self.notes.members, minlength=len(self.network.findings)).tolist()
        return ((each, n) for each, n in zip(self.network.findings, times, strict=True) if n)

    def _number_of(self, whose: Unit | str) -> int | None:
        """The number of a unit, or of a product as ``of_product``."""
        if isinstance(whose, str):
            code = self.texts.find(whose)
            return None if code is None else of_product(code)
        if isinstance(whose, Place):
            place = self.table.place_number(whose)
            return None if place is None else OF_PLACES - place
        return self.table.row(whose)

    def somewhere(self, owner: str | None, /) -> Iterable[str]:
        return TextGroups(self.texts, self.groups["somewhere"]).get(owner)

    def sites_of(self, owner: str | None, /) -> Iterable[str]:
        return TextGroups(self.texts, self.groups["sites"]).get(owner)

    def seats_at(self, place: Place, /) -> Iterator[NodeKey]:
        keys = map(self.table.key, self.table.rows_at(place))
        return (key for key in keys if key[0] is not None)

    def readers(self, key: Key, /) -> Iterator[Unit]:
        kind, text = key
        kinds, code = self.header["kinds"], self.texts.find(text)
        if code is None or kind not in kinds:
            return iter(())
        return map(self.unit, self.reads.get(kinds.index(kind) << _SHIFT | code).tolist())

    def unit(self, number: int) -> Unit:
        if number >= 0:
            return self.table.key(number)
        return cast(Place, self.table.place(OF_PLACES - number))


def of_product(code: int) -> int:
    """What stands for a product where units stand for nodes."""
    return 1 << 40 | code


# --- Writing -------------------------------------------------------------------------------


def written(current: CurrentYear, solved: Solved) -> tuple[dict[str, Any], dict[str, Array]]:
    """A year as it is now, and the answer to its network.

    Takes time in proportion to what came since ``current.begin``; arrays are copied.
    """
    return _Writing(current, solved).written()


class _Writing:
    def __init__(self, current: CurrentYear, solved: Solved) -> None:
        self.current, self.solved, self.network = current, solved, solved.network
        begin = current.begin
        self.begin = begin if isinstance(begin, BegunYear) else None
        self.texts = self.begin.texts.extended() if self.begin else Texts()
        self.kinds: list[str] = list(self.begin.header["kinds"]) if self.begin else []
        self._places: dict[Place, int] = {}
        self._first_place = self.begin.table.places if self.begin else 0

    def written(self) -> tuple[dict[str, Any], dict[str, Array]]:
        arrays = {
            **self._of_nodes(),
            **self._of_network(),
            **self._of_few(),
            **self._of_solution(),
            **self._of_groups(),
            **self._of_readers(),
            **self._of_notes(),
        }
        arrays |= self._of_places()
        register, columns = self.current.catalogue.register, self.network.columns
        header = {
            "year": self.network.year,
            "columns": [[c.gas, c.origin, c.stated_under] for c in columns],
            "kinds": self.kinds,
            "renamed": register.last_renamed,
            "revised": list(register.last_revised.items()),
            "salt": self.texts.salt.hex(),
        }
        return header, arrays | self.texts.arrays()

    # -- nodes and places --------------------------------------------------------------------

    def _of_nodes(self) -> dict[str, Array]:
        nodes = self.network.nodes
        if not isinstance(nodes, Roster):
            return self._columns(dict.fromkeys(_NODE, np.zeros(0, np.int32)), {}, nodes)
        rows = slice(None) if nodes.rows is None else nodes.rows
        kept = {name: nodes.table.column(name)[rows] for name in _NODE}
        return self._columns(kept, nodes.changed, nodes.added)

    def _columns(
        self, kept: Mapping[str, Array], changed: Mapping[int, Node], added: Iterable[Node]
    ) -> dict[str, Array]:
        more = np.array([self._row(node) for node in added], np.int32).reshape(-1, len(_NODE)).T
        columns = {
            name: np.concatenate([kept[name], of]) for name, of in zip(_NODE, more, strict=True)
        }
        for i, node in changed.items():
            for name, value in zip(_NODE, self._row(node), strict=True):
                columns[name][i] = value
        columns["feed"] = columns["feed"].astype(np.int8)
        return {f"node-{name}": column for name, column in columns.items()}

    def _row(self, node: Node) -> tuple[int, ...]:
        return (
            self.texts.code(node.product),
            self._place(node.place),
            self.texts.code(node.owner),
            self.texts.code(node.name),
            self.texts.code(node.unit),
            self.texts.code(node.carrier),
            _FEED[node.feed],
        )

    def _place(self, place: Place | None) -> int:
        """The number of a place; it gets the next one if it has none."""
        if place is None:
            return NOWHERE
        number = self._places.get(place)
        if number is None and self.begin:
            number = self.begin.table.place_number(place)
        if number is None:
            number = self._places[place] = self._first_place + len(self._places)
        return number

    def _of_places(self) -> dict[str, Array]:
        more = [
            (self.texts.code(place.site), place.start.toordinal(), place.end.toordinal())
            for place in self._places
        ]
        columns = np.array(more, np.int32).reshape(-1, len(_PLACE)).T
        if self.begin is None:
            return {f"place-{name}": column for name, column in zip(_PLACE, columns, strict=True)}
        return {
            f"place-{name}": np.concatenate([self.begin.arrays[f"place-{name}"], column])
            for name, column in zip(_PLACE, columns, strict=True)
        }

    # -- the network -------------------------------------------------------------------------

    def _of_network(self) -> dict[str, Array]:
        network, texts = self.network, self.texts
        books = [
            (self._place(place), book.inventory_days, book.purchase_days, book.unknown_fuels)
            for place, book in network.books.items()
        ]
        sites = [
            (texts.code(site), texts.code(owner), network.site_as_of[site])
            for site, owner in network.site_owners.items()
        ]
        edges = {f"edge-{name}": getattr(network.edges, name) for name in _EDGE}
        return {
            **edges,
            "direct": network.direct,
            "output": network.output,
            "as_of": network.as_of,
            "book": np.array(books, np.int64).reshape(-1, 4),
            "site": np.array(sites, np.int64).reshape(-1, 3),
        }

    def _of_few(self) -> dict[str, Array]:
        network = self.network
        at = network.column_numbers
        gaps = [(*_lacking(gap), _estimated(at, gap.estimate)) for gap in network.gaps]
        stand_ins = [(node, _estimated(at, each)) for node, each in network.stand_ins.items()]
        return {
            "gap-text": _text(gaps),
            "stand-in-text": _text(stand_ins),
            "finding-text": _text([_told(each) for each in network.findings]),
            "partly_told": np.array(sorted(network.partly_told), np.int64),
            **self._rows("generation", network.generation),
            **self._rows("declared", network.declared),
        }

    def _rows(self, name: str, rows: Mapping[int, Floats]) -> dict[str, Array]:
        table = np.array(list(rows.values()), np.float64).reshape(
            len(rows), len(self.network.columns)
        )
        return {f"{name}-node": np.array(list(rows), np.int64), f"{name}-row": table}

    def _of_solution(self) -> dict[str, Array]:
        names = (*_SOLVED, *(_FILLED if self.network.has_estimates else ()))
        return {f"solved-{name}": getattr(self.solved, name) for name in names}

    # -- what it goes on from ----------------------------------------------------------------

    def _of_groups(self) -> dict[str, Array]:
        current = self.current
        known: dict[str, Mapping[Any, Iterable[str]]] = {
            **current.catalogue.register.groups,
            "somewhere": current.somewhere.known(),
            "sites": current.sites_of.known(),
        }
        arrays: dict[str, Array] = {}
        for name, sets in known.items():
            before = self.begin.groups[name] if self.begin else no_groups()
            gone = [self.texts.code(key) for key in sets]
            groups = before.instead(gone, text_groups(sets, self.texts))
            arrays |= {f"{name}-key": groups.keys, f"{name}-member": groups.members}
        return arrays

    def _of_readers(self) -> dict[str, Array]:
        asked = self.current.readers.asked
        pairs = [(self._key(key), self._unit(unit)) for unit, keys in asked.items() for key in keys]
        anew = np.array(pairs, np.int64).reshape(-1, 2).T
        groups = Groups.of(*np.concatenate([self._still_read(asked), anew], axis=1))
        return {"reader-key": groups.keys, "reader-member": groups.members}

    def _still_read(self, asked: Iterable[Unit]) -> Array:
        """What units asked for that did not ask anew, under their numbers of today."""
        if self.begin is None:
            return np.zeros((2, 0), np.int64)
        reads = self.begin.reads
        units = self._today(reads.members, asked)
        stays = units != NOWHERE
        return np.stack([reads.keys[stays], units[stays]])

    def _of_notes(self) -> dict[str, Array]:
        noticed = self.current.noticed.known
        at = {each: place for place, each in enumerate(self.network.findings)}
        pairs = [(self._whose(each), at[told]) for each, of in noticed.items() for told in of]
        anew = np.array(pairs, np.int64).reshape(-1, 2).T
        groups = Groups.of(*np.concatenate([self._still_noticed(noticed, at), anew], axis=1))
        return {"noticed-key": groups.keys, "noticed-member": groups.members}

    def _still_noticed(self, noticed: Iterable[Unit | str], at: Mapping[Finding, int]) -> Array:
        if self.begin is None:
            return np.zeros((2, 0), np.int64)
        notes, before = self.begin.notes, self.begin.network.findings
        place = np.array([at.get(each, NOWHERE) for each in before], np.int64)
        products = [self.texts.code(each) for each in noticed if isinstance(each, str)]
        units = notes.keys.copy()
        units[np.isin(units, [of_product(code) for code in products])] = NOWHERE
        of_units = units < of_product(0)
        told = [each for each in noticed if not isinstance(each, str)]
        units[of_units] = self._today(units[of_units], told)
        stays = units != NOWHERE
        return np.stack([units[stays], place[notes.members[stays]]])

    def _today(self, units: Array, anew: Iterable[Unit]) -> Array:
        """The numbers that units of ``begin`` have by now; none for those that are read anew."""
        assert self.begin is not None
        table = self.begin.table
        of_row = self.current.numbering.of_row.copy()
        of_place = OF_PLACES - np.arange(table.places)
        for unit in anew:
            if isinstance(unit, Place):
                if (number := table.place_number(unit)) is not None:
                    of_place[number] = NOWHERE
            elif (row := table.row(unit)) is not None:
                of_row[row] = NOWHERE
        unit_of = np.concatenate([of_place[::-1], [NOWHERE], of_row])
        today: Array = unit_of[units + len(of_place) + 1]
        return today

    def _key(self, key: Key) -> int:
        kind, text = key
        if kind not in self.kinds:
            self.kinds.append(kind)
        return self.kinds.index(kind) << _SHIFT | self.texts.code(text)

    def _unit(self, unit: Unit) -> int:
        if isinstance(unit, Place):
            return OF_PLACES - self._place(unit)
        number = self.current.numbering.get(unit)
        return NOWHERE if number is None else number

    def _whose(self, whose: Unit | str) -> int:
        if isinstance(whose, str):
            return of_product(self.texts.code(whose))
        return self._unit(whose)


# --- What few nodes have --------------------------------------------------------------------


def _text(value: Any) -> Array:
    return np.frombuffer(json.dumps(value, ensure_ascii=False).encode(), np.uint8)


def _parsed(array: Array) -> Any:
    return json.loads(array.tobytes())


def _told(noticed: Finding) -> tuple[Any, ...]:
    return noticed.rule, noticed.where, noticed.particulars


def _findings(told: Iterable[Any]) -> tuple[Finding, ...]:
    return tuple(_finding(*each) for each in told)


def _finding(rule: str, where: str, particulars: list[tuple[str, str]]) -> Finding:
    params: dict[str, Any] = dict(particulars)
    return finding(rule, where, **params)


def _estimated(at: Mapping[Column, int], estimate: Estimate | None) -> tuple[Any, ...] | None:
    if estimate is None:
        return None
    kg = [(at[column], each) for column, each in estimate.emissions.items()]
    of = estimate
    return of.rung, kg, of.gsd, of.factor, of.index, of.is_generation


def _estimate(columns: tuple[Column, ...], rung: str, kg: Any, *of: Any) -> Estimate:
    return Estimate(Rung(rung), {columns[at]: each for at, each in kg}, *of)


def _lacking(gap: Gap) -> tuple[Any, ...]:
    of = gap.node, gap.reason, gap.wanted, gap.supplier, gap.amount, gap.unit, gap.category
    return *of, gap.grid and (gap.grid.region,)


def _gap(columns: tuple[Column, ...], *of: Any) -> Gap:
    *stated, grid, estimated = of
    estimate = estimated and _estimate(columns, *estimated)
    return replace(Gap(*stated), estimate=estimate, grid=grid and Grid(*grid))
