"""What stands, as columns: a million statements in arrays that a file can hold as they are.

A `Table` is read only and lies over one buffer, which may be a mapped file: opening it costs
nothing, and what nobody asks about is never touched. Of every chain of statements it has one row:

=============  =============  =====================================================================
section        one for each   holds
=============  =============  =====================================================================
``kind``       row            the statement type, as a place in ``kinds``
``flags``      row            `STANDS`, `VOIDED`, `KNOWN`
``index``      row            the entry that said last what the chain says
``owner``      row            the enterprise whose it is, as a number of ``ids``, or `NOBODY`
``digest``     row            SHA-256 of the signing input of that entry
``opening``    row            the same of the chain's first entry, where the chain is `KNOWN`
``key``        row            the ids in its natural key, as one text
``said``       row            the envelope, where the statement stands
``keys``       row            (hash of kind and key) in order, with the row of each
``openings``   known row      (first eight bytes of the opening) in order, with the row of each
``ids``        id             (hash of the text) in order; its place is the number of an id
``pairs``      pair           (kind, id) in order, with the last entry that touched it, and the rows
                              that stand and are about it
=============  =============  =====================================================================

Rows that stand come first, in the order of their entries; the rest follow. Hashes are keyed by
``salt``, drawn anew for every table that is made from nothing, so that nobody can choose ids that
collide; and whatever a hash finds is compared with what was asked for.

`Columns` collects rows; `assemble` puts a table and the columns that go over it into a new one.
"""

from __future__ import annotations

import secrets
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

STANDS: Final = 1
VOIDED: Final = 2
KNOWN: Final = 4
NOBODY: Final = 2**32 - 1
ABSENT: Final = -1
_LAST: Final = np.iinfo(np.int64).max
_DIGEST: Final = np.dtype("V32")
_AT_ONCE: Final = 4096

Buffer: TypeAlias = "bytes | bytearray | memoryview"
Chunks: TypeAlias = Iterator[Buffer]
_Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One row that stands, read."""

    row: int
    key: str
    index: int
    digest: str
    owner: str
    opening: str
    voided: bool


class Columns:
    """Rows in the making. Ids are numbered in the order they come in; `assemble` numbers anew."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}
        self.kinds: dict[str, int] = {}
        self.kind, self.flags = array("B"), array("B")
        self.index, self.owner = array("q"), array("I")
        self.digest, self.opening = bytearray(), bytearray()
        self.key, self.key_end = bytearray(), array("q", [0])
        self.said = bytearray()
        self.said_start, self.said_length = array("q"), array("q")
        self.about_row, self.about_pair = array("I"), array("Q")
        self.moved = array("q")
        self.touched_pair, self.touched_index = array("Q"), array("q")

    def __len__(self) -> int:
        return len(self.kind)

    def add(self, kind: str, key: str, abouts: Iterable[str] = ()) -> int:
        """A row that nothing is said in yet; ``abouts`` are the ids it will be about."""
        row, place = len(self), self._kind(kind)
        self.kind.append(place)
        self.moved.append(ABSENT)
        self.flags.append(0)
        self.index.append(ABSENT)
        self.owner.append(NOBODY)
        self.digest.extend(bytes(32))
        self.opening.extend(bytes(32))
        self.key.extend(key.encode())
        self.key_end.append(len(self.key))
        self.said_start.append(0)
        self.said_length.append(0)
        for each in dict.fromkeys(abouts):
            self.about_row.append(row)
            self.about_pair.append(place << 32 | self._id(each))
        return row

    def know(self, row: int, opening: str) -> None:
        """The chain of a row is the one that this entry opened."""
        self.flags[row] |= KNOWN
        self.opening[32 * row : 32 * row + 32] = bytes.fromhex(opening)

    def say(self, row: int, index: int, digest: str, voided: bool, envelope: bytes) -> None:
        """Of the row's chain, this is what stands now."""
        self.flags[row] = self.flags[row] & KNOWN | STANDS | (VOIDED if voided else 0)
        self.index[row] = index
        self.digest[32 * row : 32 * row + 32] = bytes.fromhex(digest)
        self.said_start[row], self.said_length[row] = len(self.said), len(envelope)
        self.said.extend(envelope)

    def end(self, row: int) -> None:
        """Of the row's chain, nothing stands now."""
        self.flags[row] &= KNOWN

    def own(self, row: int, owner: str) -> None:
        self.owner[row] = self._id(owner)

    def move(self, row: int, index: int) -> None:
        """Entry ``index`` was the last of a row's chain, so about all that the row is about."""
        self.moved[row] = index

    def touch(self, kind: str, entity: str, index: int) -> None:
        """Entry ``index`` was about (kind, entity)."""
        self.touched_pair.append(self._kind(kind) << 32 | self._id(entity))
        self.touched_index.append(index)

    def touches(self) -> tuple[_Array, _Array]:
        """Every pair that was touched, and the entry that did; of one pair there may be many."""
        moved, rows = np.frombuffer(self.moved, np.int64), np.frombuffer(self.about_row, np.uint32)
        last = np.full(len(self.kinds), ABSENT, dtype=np.int64)
        np.maximum.at(last, np.frombuffer(self.kind, np.uint8), moved)
        kinds = np.arange(len(last), dtype=np.uint64) << np.uint64(32) | np.uint64(self._id(""))
        touched = np.frombuffer(self.touched_pair, np.uint64)
        pairs = [kinds, np.frombuffer(self.about_pair, np.uint64), touched]
        index = np.concatenate([last, moved[rows], np.frombuffer(self.touched_index, np.int64)])
        return np.concatenate(pairs)[index >= 0], index[index >= 0]

    def _kind(self, kind: str) -> int:
        return self.kinds.setdefault(kind, len(self.kinds))

    def _id(self, entity: str) -> int:
        return self.ids.setdefault(entity, len(self.ids))


@dataclass(frozen=True, slots=True)
class Section:
    """One array of a table on its way out, in pieces."""

    name: str
    dtype: str
    count: int
    chunks: Callable[[], Chunks]


@dataclass(frozen=True)
class Table:
    """Rows that do not change. ``sections`` are arrays over one buffer."""

    kinds: tuple[str, ...] = ()
    salt: bytes = b""
    sections: dict[str, _Array] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self["kind"])

    def __getitem__(self, section: str) -> _Array:
        return self.sections[section] if self.sections else _EMPTY[section]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {kind: place for place, kind in enumerate(self.kinds)}

    @cached_property
    def standing(self) -> int:
        """How many rows stand; they come first."""
        return int(np.count_nonzero(self["flags"] & STANDS))

    @cached_property
    def _rows_of(self) -> dict[str, _Array]:
        """By kind, the rows that stand."""
        kinds = self["kind"][: self.standing]
        order = np.argsort(kinds, kind="stable").astype(np.uint32)
        bounds = np.searchsorted(kinds[order], np.arange(len(self.kinds) + 1))
        return {k: order[a:b] for k, (a, b) in zip(self.kinds, pairwise(bounds), strict=True)}

    def rows(self, kind: str) -> _Array:
        """The rows of a kind that stand, in the order of their entries."""
        return self._rows_of.get(kind, _EMPTY["keys-row"])

    def find(self, kind: str, key: str) -> int | None:
        """The row of a natural key, whether it stands or not."""
        for row in self._found("keys", _hashed(self.salt, kind, key)):
            if self.key(row) == key and self.kind(row) == kind:
                return row
        return None

    def opened_by(self, opening: str) -> int | None:
        """The row of the chain that an entry opened."""
        asked = bytes.fromhex(opening)
        for row in self._found("openings", int.from_bytes(asked[:8], "big")):
            if self["opening"][row].tobytes() == asked:
                return row
        return None

    def touched(self, kind: str, entity: str) -> int | None:
        """The last entry about (kind, entity)."""
        place = self._pair(kind, entity)
        return None if place is None else int(self["pairs-touched"][place])

    def about(self, kind: str, entity: str) -> list[int]:
        """The rows of a kind that stand and are about an entity, in the order of their entries."""
        place = self._pair(kind, entity)
        if place is None:
            return []
        start, end = self["pairs-start"][place : place + 2].tolist()
        rows: list[int] = self["about-row"][start:end].tolist()
        return rows

    def kind(self, row: int) -> str:
        return self.kinds[int(self["kind"][row])]

    def key(self, row: int) -> str:
        return self._text("key", row)

    def owner(self, row: int) -> str | None:
        number = int(self["owner"][row])
        return None if number == NOBODY else self._text("id", number)

    def envelope(self, row: int) -> bytes:
        """The envelope of a row that stands."""
        return self._bytes("said", row)

    def row(self, row: int) -> Row:
        """A row that stands."""
        return Row(
            row=row,
            key=self.key(row),
            index=int(self["index"][row]),
            digest=self["digest"][row].tobytes().hex(),
            owner=self._text("id", int(self["owner"][row])),
            opening=self["opening"][row].tobytes().hex(),
            voided=bool(self["flags"][row] & VOIDED),
        )

    def read(self, rows: Sequence[int] | _Array) -> Iterator[Row]:
        """Rows that stand, read some thousands at a time."""
        for start in range(0, len(rows), _AT_ONCE):
            chunk = np.asarray(rows[start : start + _AT_ONCE], dtype=np.int64)
            digests, openings = self["digest"][chunk].tobytes(), self["opening"][chunk].tobytes()
            columns = (self["index"], self["owner"], self["flags"])
            values = (column[chunk].tolist() for column in columns)
            for place, (row, index, owner, flags) in enumerate(
                zip(chunk.tolist(), *values, strict=True)
            ):
                of = slice(32 * place, 32 * place + 32)
                yield Row(
                    row=row,
                    key=self.key(row),
                    index=index,
                    digest=digests[of].hex(),
                    owner=self._text("id", owner),
                    opening=openings[of].hex(),
                    voided=bool(flags & VOIDED),
                )

    def flagged(self, kind: str, flag: int) -> Iterator[int]:
        """The rows of a kind with a flag, whether they stand or not."""
        place = self._places.get(kind, ABSENT)
        yield from np.flatnonzero((self["kind"] == place) & (self["flags"] & flag > 0)).tolist()

    def owned(self, kind: str) -> Iterator[int]:
        """The rows of a kind that have an owner, whether they stand or not."""
        place = self._places.get(kind, ABSENT)
        yield from np.flatnonzero((self["kind"] == place) & (self["owner"] != NOBODY)).tolist()

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every (kind, id) that was ever touched."""
        for pair in self["pairs"].tolist():
            yield self.kinds[pair >> 32], self._text("id", pair & NOBODY)

    def id(self, text: str) -> int | None:
        """The number of an id."""
        for number in self._places_of("ids", _hashed(self.salt, "", text)):
            if self._text("id", number) == text:
                return number
        return None

    def _pair(self, kind: str, entity: str) -> int | None:
        number, place = self.id(entity), self._places.get(kind)
        if number is None or place is None:
            return None
        pair = place << 32 | number
        return next(iter(self._places_of("pairs", pair)), None)

    def _found(self, section: str, asked: int) -> list[int]:
        rows = self[f"{section}-row"]
        return [int(rows[place]) for place in self._places_of(section, asked)]

    def _places_of(self, section: str, asked: int) -> range:
        values, sought = self[section], np.uint64(asked)
        start = int(values.searchsorted(sought))
        end = start
        while end < len(values) and values[end] == sought:
            end += 1
        return range(start, end)

    def _text(self, section: str, place: int) -> str:
        return self._bytes(section, place).decode()

    def _bytes(self, section: str, place: int) -> bytes:
        ends = self[f"{section}-end"]
        return bytes(self[f"{section}-bytes"].data[ends[place] : ends[place + 1]])


_DTYPES: Final = {
    "kind": "u1",
    "flags": "u1",
    "index": "<i8",
    "owner": "<u4",
    "digest": "V32",
    "opening": "V32",
    "key-end": "<i8",
    "key-bytes": "u1",
    "said-end": "<i8",
    "said-bytes": "u1",
    "keys": "<u8",
    "keys-row": "<u4",
    "openings": "<u8",
    "openings-row": "<u4",
    "ids": "<u8",
    "id-end": "<i8",
    "id-bytes": "u1",
    "pairs": "<u8",
    "pairs-touched": "<i8",
    "pairs-start": "<i8",
    "about-row": "<u4",
}
_EMPTY: Final[dict[str, _Array]] = {name: np.zeros(0, kind) for name, kind in _DTYPES.items()}
EMPTY: Final = Table()


def _hashed(salt: bytes, *texts: str) -> int:
    data = "\0".join(texts).encode()
    return int.from_bytes(blake2b(data, digest_size=8, key=salt).digest(), "little")


@dataclass(frozen=True, slots=True)
class Assembled:
    """A table on its way out: what its header says, and its sections."""

    kinds: tuple[str, ...]
    salt: bytes
    sections: tuple[Section, ...]

    def in_memory(self) -> Table:
        arrays = {
            each.name: np.frombuffer(b"".join(each.chunks()), each.dtype) for each in self.sections
        }
        return Table(self.kinds, self.salt, arrays)


def assemble(table: Table, dropped: Sequence[int], columns: Columns) -> Assembled:
    """The rows of ``table`` without those ``dropped``, and those of ``columns``, as one table.

    What the two say of a pair is taken together: the later touch counts. Nothing is copied before
    the sections are written.
    """
    return _Assembly(table, dropped, columns).assembled()


class _Assembly:
    """Rows of both are first numbered one after the other, then put in their order."""

    def __init__(self, table: Table, dropped: Sequence[int], columns: Columns) -> None:
        self.table, self.columns = table, columns
        self.salt = table.salt or secrets.token_bytes(16)
        self.kinds = tuple(dict.fromkeys((*table.kinds, *columns.kinds)))
        self.kept = np.ones(len(table), dtype=bool)
        self.kept[np.asarray(dropped, dtype=np.int64)] = False
        self.touched, self.touched_index = columns.touches()  # may bring the id of all of a kind
        self._number_ids()
        self._order_rows()

    def assembled(self) -> Assembled:
        sections = (*self._rows(), *self._keys(), *self._ids(), *self._pairs())
        return Assembled(self.kinds, self.salt, tuple(sections))

    # --- numbers ---

    def _number_ids(self) -> None:
        """The ids of the columns that the table lacks come in; all are ordered by their hash."""
        known = [self.table.id(text) for text in self.columns.ids]
        self.new_ids = [t for t, k in zip(self.columns.ids, known, strict=True) if k is None]
        hashes = np.fromiter(
            (_hashed(self.salt, "", text) for text in self.new_ids), np.uint64, len(self.new_ids)
        )
        both = np.concatenate([self.table["ids"], hashes])
        self.id_order = np.argsort(both, kind="stable")
        self.id_hashes = both[self.id_order]
        number = np.empty(len(both) + 1, dtype=np.uint32)
        number[self.id_order] = np.arange(len(both), dtype=np.uint32)
        number[-1] = NOBODY
        old = len(self.table["ids"])
        places = iter(range(old, len(both)))
        place = [next(places) if k is None else k for k in known]
        self.table_ids = number
        self.column_ids = np.append(number[np.asarray(place, dtype=np.int64)], np.uint32(NOBODY))

    def _order_rows(self) -> None:
        rows = np.flatnonzero(self.kept)
        self.source = np.concatenate([rows, len(self.table) + np.arange(len(self.columns))])
        stands = self._both("flags") & STANDS > 0
        order = np.argsort(np.where(stands, self._both("index"), _LAST), kind="stable")
        self.source = self.source[order]
        self.stands = stands[order]
        self.row = np.full(len(self.table) + len(self.columns), ABSENT, dtype=np.int64)
        self.row[self.source] = np.arange(len(self.source))

    def _both(self, name: str) -> _Array:
        """A column of what is taken over, in the order of ``source``."""
        mine = np.frombuffer(getattr(self.columns, name), _DTYPES[name])
        both: _Array = np.concatenate([self.table[name], mine])
        return np.take(both, self.source)

    # --- sections ---

    def _rows(self) -> Iterator[Section]:
        of_columns = np.asarray([self.kinds.index(k) for k in self.columns.kinds], dtype=np.uint8)
        kinds = np.frombuffer(self.columns.kind, np.uint8)
        self.kind = np.concatenate([self.table["kind"], of_columns[kinds]])[self.source]
        yield _section("kind", self.kind)
        self.flags = self._both("flags")
        yield _section("flags", self.flags)
        yield _section("index", np.where(self.stands, self._both("index"), ABSENT))
        owners = np.concatenate(
            [
                _renumbered(self.table["owner"], self.table_ids),
                _renumbered(np.frombuffer(self.columns.owner, np.uint32), self.column_ids),
            ]
        )
        yield _section("owner", owners[self.source])
        yield _section("digest", np.where(self.stands, self._both("digest"), np.zeros(1, _DIGEST)))
        self.opening = self._both("opening")
        yield _section("opening", self.opening)
        ends = np.frombuffer(self.columns.key_end, np.int64)
        yield from self._ragged("key", ends[:-1], np.diff(ends), self.columns.key, len(self.stands))
        starts = np.frombuffer(self.columns.said_start, np.int64)
        lengths = np.frombuffer(self.columns.said_length, np.int64)
        standing = int(np.count_nonzero(self.stands))
        yield from self._ragged("said", starts, lengths, self.columns.said, standing)

    def _ragged(
        self, name: str, starts: _Array, lengths: _Array, data: bytearray, count: int
    ) -> Iterator[Section]:
        """The texts of the first ``count`` rows; those after have none."""
        ends = self.table[f"{name}-end"]
        mine = _Texts(memoryview(data), starts, lengths)
        theirs = _Texts(self.table[f"{name}-bytes"].data, ends[:-1], np.diff(ends))
        yield from _texts(name, theirs, mine, self.source[:count], len(self.source))

    def _keys(self) -> Iterator[Section]:
        mine = np.fromiter(self._key_hashes(), np.uint64, len(self.columns))
        theirs = np.empty(len(self.table), dtype=np.uint64)
        theirs[self.table["keys-row"]] = self.table["keys"]
        yield from _lookup("keys", np.concatenate([theirs, mine])[self.source])
        known = np.flatnonzero(self.flags & KNOWN)
        prefixes = np.frombuffer(self.opening[known].tobytes(), ">u8")[::4]
        yield from _lookup("openings", prefixes.astype(np.uint64), known)

    def _key_hashes(self) -> Iterator[int]:
        columns, kinds = self.columns, list(self.columns.kinds)
        for kind, (start, end) in zip(columns.kind, pairwise(columns.key_end), strict=True):
            yield _hashed(self.salt, kinds[kind], columns.key[start:end].decode())

    def _ids(self) -> Iterator[Section]:
        yield _section("ids", self.id_hashes)
        data = [text.encode() for text in self.new_ids]
        lengths = np.fromiter(map(len, data), np.int64, len(data))
        mine = _Texts(memoryview(b"".join(data)), np.cumsum(lengths) - lengths, lengths)
        ends = self.table["id-end"]
        theirs = _Texts(self.table["id-bytes"].data, ends[:-1], np.diff(ends))
        yield from _texts("id", theirs, mine, self.id_order, len(self.id_order))

    def _pairs(self) -> Iterator[Section]:
        theirs = _repaired(self.table["pairs"], np.arange(256), self.table_ids)
        kinds = np.asarray([self.kinds.index(kind) for kind in self.columns.kinds], np.int64)
        pairs = np.concatenate([theirs, _repaired(self.touched, kinds, self.column_ids)])
        last = np.concatenate([self.table["pairs-touched"], self.touched_index])
        order = np.argsort(pairs, kind="stable")
        found, starts = np.unique(pairs[order], return_index=True)
        yield _section("pairs", found)
        yield _section(
            "pairs-touched", np.maximum.reduceat(last[order], starts) if len(found) else last
        )
        abouts = np.frombuffer(self.columns.about_pair, np.uint64)
        about = np.concatenate(
            [
                np.repeat(theirs, np.diff(self.table["pairs-start"])),
                _repaired(abouts, kinds, self.column_ids),
            ]
        )
        mine = np.frombuffer(self.columns.about_row, np.uint32).astype(np.int64)
        rows = np.concatenate([self.table["about-row"], mine + len(self.table)]).astype(np.int64)
        rows = self.row[rows]
        standing = np.count_nonzero(self.stands)
        counts = (rows >= 0) & (rows < standing)
        about, rows = about[counts], rows[counts]
        order = np.lexsort((rows, about))
        edges = np.searchsorted(about[order], found)
        yield _section("pairs-start", np.append(edges, len(rows)))
        yield _section("about-row", rows[order])


def _renumbered(owners: _Array, numbers: _Array) -> _Array:
    """Numbers of ids as they are from now on; the last of ``numbers`` is nobody's."""
    places = np.where(owners == NOBODY, len(numbers) - 1, owners).astype(np.int64)
    return np.take(numbers, places)


def _repaired(pairs: _Array, kinds: _Array, numbers: _Array) -> _Array:
    """Pairs whose kinds and ids are numbered anew."""
    shift = np.uint64(32)
    kind = kinds[(pairs >> shift).astype(np.int64)].astype(np.uint64)
    return kind << shift | numbers[(pairs & np.uint64(NOBODY)).astype(np.int64)].astype(np.uint64)


def _section(name: str, values: _Array) -> Section:
    array_ = np.ascontiguousarray(values, dtype=_DTYPES[name])
    return Section(name, _DTYPES[name], len(array_), lambda: iter([array_.tobytes()]))


def _lookup(name: str, hashes: _Array, rows: _Array | None = None) -> Iterator[Section]:
    order = np.argsort(hashes, kind="stable")
    yield _section(name, hashes[order])
    yield _section(f"{name}-row", order if rows is None else rows[order])


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts of any length in one buffer."""

    data: memoryview
    starts: _Array
    lengths: _Array


def _texts(
    name: str, theirs: _Texts, mine: _Texts, source: _Array, count: int
) -> Iterator[Section]:
    """Texts out of two buffers in the order of ``source``; those up to ``count`` are empty."""
    lengths = np.zeros(count + 1 if count else 0, dtype=np.int64)
    lengths[1 : 1 + len(source)] = np.concatenate([theirs.lengths, mine.lengths])[source]
    ends = np.cumsum(lengths)
    yield _section(f"{name}-end", ends)
    starts = np.concatenate([theirs.starts, mine.starts])[source]
    size = int(ends[-1]) if count else 0
    yield Section(
        f"{name}-bytes", "u1", size, lambda: _runs(theirs, mine, source, starts, lengths[1:])
    )


def _runs(theirs: _Texts, mine: _Texts, source: _Array, starts: _Array, lengths: _Array) -> Chunks:
    """Stretches that lie in one buffer as they will lie in the other go over in one piece."""
    if not len(source):
        return
    is_mine = source >= len(theirs.starts)
    lengths = lengths[: len(source)]
    joined = (starts[1:] == starts[:-1] + lengths[:-1]) & (is_mine[1:] == is_mine[:-1])
    firsts = np.flatnonzero(np.concatenate([[True], ~joined]))
    lasts = np.append(firsts[1:], len(source)) - 1
    ends = starts[lasts] + lengths[lasts]
    for own, start, end in zip(
        is_mine[firsts].tolist(), starts[firsts].tolist(), ends.tolist(), strict=True
    ):
        yield (mine if own else theirs).data[start:end]
