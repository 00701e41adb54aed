"""Every row of a log held against what it must be; each finding names where it is.

Nothing in the database is believed but the key in its genesis, which a reader compares with the
one that was given on another way. Entries are held against their columns, their envelopes and the
tree; tiles against those below them; checkpoints against key and tree; and what follows from the
entries (heads, taken values) against a replay of them in a database beside this one.

The replay ends at the first entry that the log could not have taken. All else is looked at
wherever it can be, so that one wrong row does not hide the next.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import sqlalchemy as sa

from ledger import jws, tables, tile_store, tiles
from ledger.checkpoint import Checkpoint
from ledger.errors import CatchmentError, EntryRefused, StoreUnavailable
from ledger.export import Step, nobody
from ledger.findings import Finding, Rulebook
from ledger.leaf import Leaf
from ledger.merkle import HASH_BYTES, Frontier, leaf_hash
from ledger.note import VerifierKey, open_note
from ledger.rebuild import Growth, Replay, told
from ledger.statements import Erasure, Genesis, Statement, read
from ledger.store import open_engine, reading, writing
from ledger.tiles import TILE_BYTES, WIDTH

RULES: Final = Rulebook(
    {
        "database-unreadable": "The database itself is damaged, and was not read further.",
        "log-empty": "There is no log in this database.",
        "entry-missing": "The entry is missing.",
        "entries-missing": "The entries up to %(last)s are missing.",
        "entry-outside": "There is an entry beyond the %(size)s that the log has.",
        "entry-unsigned": "No checkpoint covers the entry and those after it.",
        "leaf-malformed": "The leaf record is malformed: %(reason)s.",
        "column-differs": "The column %(column)s is not what the entry says.",
        "envelope-malformed": "The envelope is malformed: %(reason)s.",
        "envelope-differs": "The envelope is not the one that the leaf record names.",
        "time-backwards": "Its ledger time is before that of the entry before it.",
        "leaf-not-in-tree": "Its leaf hash is not the one in %(tile)s.",
        "entry-refused": "The log could not have taken the entry: %(reason)s.",
        "tile-missing": "The tile is missing.",
        "tile-outside": "The tile lies outside the tree.",
        "tile-malformed": "The tile has not the %(width)s hashes that it must have.",
        "tile-differs": "Hash %(place)s of the tile is not that of the tile below it.",
        "checkpoint-malformed": "It is not signed by the key of the log: %(reason)s.",
        "checkpoint-differs": "It is not a checkpoint of this size and origin.",
        "checkpoint-root": "The root that was signed is not that of the tree.",
        "checkpoint-missing": "The checkpoint that was signed with the entry before is missing.",
        "derived-missing": "The row that follows from the entries is missing.",
        "derived-differs": "The row is not the one that follows from the entries.",
        "derived-surplus": "No entry gives rise to the row.",
        "replay-ended": "What follows from the entries cannot be told: they do not replay.",
    }
)

_PAGE = 256
_ENTRY, _TILE, _CHECKPOINT = tables.entry.c, tables.tile.c, tables.checkpoint.c
_REPEATED = ("signed", "type", "kid", "chain", "time")
"""Columns of an entry that say again what its leaf record says."""
_BEYOND_LEAF = ("envelope", "subject", "erased_by")
"""Columns of an entry that its leaf record does not tell once a later one erased its payload."""


@dataclass(frozen=True, slots=True)
class Report:
    """``size`` is how many entries the log has, or should have."""

    size: int
    findings: tuple[Finding, ...]


def fsck(engine: sa.Engine, step: Step = nobody) -> Report:
    """Look at every row of the log, as of one moment; whatever is stored, findings come of it."""
    with tempfile.TemporaryDirectory(prefix="catchment-fsck-") as folder:
        beside = open_engine(f"sqlite:///{Path(folder) / 'replay.db'}")
        try:
            with writing(beside) as connection:
                tables.metadata.create_all(connection)
            return _report(engine, beside, step)
        finally:
            beside.dispose()


def _report(engine: sa.Engine, beside: sa.Engine, step: Step) -> Report:
    check: _Check | None = None
    found: list[Finding] = []
    try:
        with reading(engine) as connection, _any_text(connection):
            check = _Check(connection, beside, step)
            for finding in check.findings():
                found.append(finding)
    except StoreUnavailable:
        if check is None:
            raise
        found.append(RULES.finding("database-unreadable", "database"))
    return Report(check.size, tuple(found))


@contextmanager
def _any_text(connection: sa.Connection) -> Iterator[None]:
    """SQLite takes any bytes for text: let them be read, and differ from what they should be."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite":
        yield
        return
    before = driver.text_factory
    driver.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = before


@dataclass(frozen=True, slots=True)
class _Seen:
    """An entry as far as it can be read; ``unread`` says why leaf or envelope cannot be."""

    index: int
    row: Mapping[str, Any]
    leaf: Leaf | None
    statement: Statement | None
    unread: Mapping[str, str]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> _Seen:
        unread = {}
        leaf = None
        try:
            leaf = Leaf.parse(row["leaf"])
        except CatchmentError as refused:
            unread["leaf"] = str(refused.params.get("reason", told(refused)))
        except (TypeError, AttributeError):
            unread["leaf"] = "it is not bytes"
        statement = None
        if row["envelope"] != b"":
            statement, reason = _statement(row["envelope"])
            if reason:
                unread["envelope"] = reason
        return cls(row["index"], row, leaf, statement, unread)

    @property
    def where(self) -> str:
        return f"entry {self.index}"

    @property
    def record(self) -> bytes | None:
        stored = self.row["leaf"]
        return stored if isinstance(stored, bytes) else None

    @property
    def is_whole(self) -> bool:
        """Whether it can be replayed: an erased envelope is not missing."""
        return not self.unread

    def findings(self) -> Iterator[Finding]:
        for part, reason in self.unread.items():
            yield RULES.finding(f"{part}-malformed", self.where, reason=reason)
        if self.leaf is not None:
            said = {name: getattr(self.leaf, name) for name in _REPEATED}
            subject = self.statement.subject if self.statement else self.row["subject"]
            for column, value in {**said, "subject": subject}.items():
                if self.row[column] != value:
                    yield RULES.finding("column-differs", self.where, column=column)
            if self.statement is not None and not _is_named(self.statement, self.leaf):
                yield RULES.finding("envelope-differs", self.where)


def _is_named(statement: Statement, leaf: Leaf) -> bool:
    envelope = statement.envelope
    said = (envelope.envelope_digest, envelope.signing_digest, statement.type, envelope.kid)
    return said == (leaf.envelope, leaf.signed, leaf.type, leaf.kid)


class _Check:
    """One look at a log, from one state of its database."""

    def __init__(self, connection: sa.Connection, beside: sa.Engine, step: Step) -> None:
        self.stored, self.beside, self.step = connection, beside, step
        self.replay, self.growth, self.replays = Replay(), Growth(), True
        self.next = 0
        self.time: int | None = None
        # Two trees: over the leaf records, and over the hashes stored for them. Each is followed
        # while it is whole, so that one wrong leaf or tile does not condemn every checkpoint.
        self.trees: list[Frontier | None] = [Frontier(0, ()), Frontier(0, ())]
        self.rooted = True
        self.size = 0

    def findings(self) -> Iterator[Finding]:
        self.size = max(self._counted(), self._signed_size())
        if not self.size:
            yield RULES.finding("log-empty")
            return
        for indexes in self._index_pages():
            yield from self._page(indexes)
            self.step(min(self.next, self.size), self.size)
        yield from self._gap(self.size)
        yield from self._uncovered()
        yield from self._tiles()
        yield from self._derived()

    # --- How long the log is, and its rows of whatever type ---

    def _counted(self) -> int:
        count = sa.select(sa.func.count()).select_from(tables.entry).where(_ENTRY.index >= 0)
        return self.stored.execute(count).scalar_one()

    def _signed_size(self) -> int:
        """Of the latest checkpoint that the key of the genesis signed, if there is one."""
        key = self._genesis_key()
        query = sa.select(_CHECKPOINT.size).order_by(_CHECKPOINT.size.desc())
        for size in self.stored.execute(query).scalars() if key else ():
            for row in _rows(self.stored, tables.checkpoint, _CHECKPOINT.size == size):
                checkpoint, _ = _checkpoint(row["note"], key)
                if checkpoint is not None and checkpoint.size == size:
                    return checkpoint.size
        return 0

    def _genesis_key(self) -> VerifierKey | None:
        for row in _rows(self.stored, tables.entry, _ENTRY.index == 0):
            body = statement.body if (statement := _statement(row["envelope"])[0]) else None
            if isinstance(body, Genesis):
                return VerifierKey.parse(body.checkpoint_key)
        return None

    def _index_pages(self) -> Iterator[list[int]]:
        query = sa.select(_ENTRY.index).order_by(_ENTRY.index).limit(_PAGE)
        page = list(self.stored.execute(query).scalars())
        while page:
            yield page
            page = list(self.stored.execute(query.where(_ENTRY.index > page[-1])).scalars())

    # --- Entries ---

    def _page(self, indexes: Sequence[int]) -> Iterator[Finding]:
        low, high = self.next, indexes[-1] + 1
        which = (_ENTRY.index >= indexes[0], _ENTRY.index < high)
        rows = {row["index"]: row for row in _rows(self.stored, tables.entry, *which)}
        checkpoints = _Signed(self.stored, low, min(high, self.size))
        whole: list[_Seen] = []
        for index in indexes:
            if not 0 <= index < self.size:
                yield RULES.finding("entry-outside", f"entry {index}", size=self.size)
                continue
            yield from self._gap(index)
            self.next = index + 1
            seen = _Seen.of(rows[index])
            yield from seen.findings()
            yield from self._placed(seen, checkpoints)
            self.replays = self.replays and seen.is_whole
            if self.replays:
                self._note_key(seen)
                whole.append(seen)
            yield from checkpoints.findings(index + 1, self)
        yield from self._replay(whole)

    def _gap(self, upto: int) -> Iterator[Finding]:
        if self.next >= upto:
            return
        if self.next == upto - 1:
            yield RULES.finding("entry-missing", f"entry {self.next}")
        else:
            yield RULES.finding("entries-missing", f"entry {self.next}", last=upto - 1)
        self.next, self.replays, self.trees = upto, False, [None, None]

    def _placed(self, seen: _Seen, checkpoints: _Signed) -> Iterator[Finding]:
        """The entry in time and in the tree."""
        if seen.leaf is not None:
            if self.time is not None and seen.leaf.time < self.time:
                yield RULES.finding("time-backwards", seen.where)
            later = self.time is not None and seen.leaf.time > self.time
            # One batch has one time, and every batch its checkpoint.
            if (later or seen.index == 1) and not checkpoints.has(seen.index):
                yield RULES.finding("checkpoint-missing", f"checkpoint {seen.index}")
            self.time = seen.leaf.time
        stored = self._slot(seen.index)
        own = leaf_hash(seen.record) if seen.record is not None else None
        if stored is not None and own != stored:
            tile = seen.index // WIDTH
            path = tiles.tile_path(0, tile, self._width(0, tile))
            yield RULES.finding("leaf-not-in-tree", seen.where, tile=path)
        self._grow(own, stored)

    def _slot(self, index: int) -> bytes | None:
        """The hash that the stored tile has for an entry, if the tile has its right length."""
        tile, place = divmod(index, WIDTH)
        data = self._tile(0, tile)
        if len(data) != self._width(0, tile) * HASH_BYTES:
            return None
        return data[place * HASH_BYTES : (place + 1) * HASH_BYTES]

    def _grow(self, own: bytes | None, stored: bytes | None) -> None:
        leaves, slots = self.trees
        grown = leaves.grown([own]) if leaves is not None and own else None
        same = leaves is slots and own == stored
        self.trees = [grown, grown if same else slots.grown([stored]) if slots and stored else None]

    def _note_key(self, seen: _Seen) -> None:
        """Which key signs from here on: checkpoints are looked at before the page is replayed."""
        if seen.statement is not None:
            with suppress(CatchmentError):
                self.replay.note_key(seen.index, seen.statement)

    def _replay(self, whole: Sequence[_Seen]) -> Iterator[Finding]:
        """Admit the entries of a page once more, beside."""
        if not whole:
            return
        records = [cast(bytes, seen.record) for seen in whole]
        changed = self.growth.add(list(map(leaf_hash, records)))
        entries = [(seen.index, seen.record or b"", seen.statement) for seen in whole]
        try:
            with writing(self.beside) as connection:
                tile_store.write(connection, changed)
                self.replay.take(connection, entries, self._erasure)
        except EntryRefused as refused:
            self.replays = False
            where = f"entry {refused.params['index']}"
            yield RULES.finding("entry-refused", where, reason=refused.params["reason"])

    def _erasure(self, digest: str) -> Statement | None:
        """The statement that erased another, wherever it comes."""
        for row in _rows(self.stored, tables.entry, _ENTRY.type == Erasure.TYPE):
            statement = _statement(row["envelope"])[0]
            if statement and isinstance(body := statement.body, Erasure) and body.digest == digest:
                return statement
        return None

    def _uncovered(self) -> Iterator[Finding]:
        within = sa.select(sa.func.max(_CHECKPOINT.size)).where(_CHECKPOINT.size <= self.size)
        covered = self.stored.execute(within).scalar_one() or 0
        if covered < self.size:
            yield RULES.finding("entry-unsigned", f"entry {covered}")
        beyond = sa.select(_CHECKPOINT.size).where(
            (_CHECKPOINT.size > self.size) | (_CHECKPOINT.size < 1)
        )
        for size in self.stored.execute(beyond).scalars():
            yield RULES.finding("checkpoint-differs", f"checkpoint {size}")

    # --- Tiles ---

    def _width(self, level: int, index: int) -> int:
        return min(WIDTH, (self.size >> tiles.HEIGHT * level) - index * WIDTH)

    def _tile(self, level: int, index: int) -> bytes:
        """What is stored as the hashes of a tile, if it is bytes at all."""
        if self._last_tile[0] != (level, index):
            which = (_TILE.level == level, _TILE.index == index)
            stored = [row["hashes"] for row in _rows(self.stored, tables.tile, *which)]
            data = stored[0] if stored and isinstance(stored[0], bytes) else b""
            self._last_tile = (level, index), data
        return self._last_tile[1]

    _last_tile: tuple[tuple[int, int], bytes] = (-1, -1), b""

    def _tiles(self) -> Iterator[Finding]:
        query = sa.select(
            *(sa.type_coerce(c, sa.types.NullType()) for c in (_TILE.level, _TILE.index))
        )
        stored = {tuple(row) for row in self.stored.execute(query)}
        for level, index, width in tiles.layout(self.size):
            path = tiles.tile_path(level, index, width)
            if (level, index) not in stored:
                yield RULES.finding("tile-missing", path)
            elif len(data := self._tile(level, index)) != width * HASH_BYTES:
                yield RULES.finding("tile-malformed", path, width=width)
            elif level:
                yield from self._folded(path, level, index, data)
            stored.discard((level, index))
        for level, index in sorted(stored, key=repr):
            yield RULES.finding("tile-outside", f"tile/{level}/{index}")

    def _folded(self, path: str, level: int, index: int, data: bytes) -> Iterator[Finding]:
        for place in range(len(data) // HASH_BYTES):
            below = self._tile(level - 1, index * WIDTH + place)
            hashes = [below[at : at + HASH_BYTES] for at in range(0, len(below), HASH_BYTES)]
            root = Frontier(0, ()).grown(hashes).root if len(below) == TILE_BYTES else None
            if data[place * HASH_BYTES : (place + 1) * HASH_BYTES] != root:
                yield RULES.finding("tile-differs", path, place=place)

    # --- What follows from the entries ---

    def _derived(self) -> Iterator[Finding]:
        if not self.replays:
            yield RULES.finding("replay-ended", "head, taken")
            return
        with reading(self.beside) as beside:
            for table in (tables.entry, tables.head, tables.taken):
                yield from _compared(table, self.stored, beside)


class _Signed:
    """The stored checkpoints of sizes in (low, high], plain and published."""

    def __init__(self, connection: sa.Connection, low: int, high: int) -> None:
        self.notes: dict[int, list[tuple[str, Any]]] = {}
        for table in (tables.checkpoint, tables.published):
            size = table.c.size
            for row in _rows(connection, table, size >= low, size <= high):
                at = self.notes.setdefault(row["size"], [])
                at.append((table.name, row["note"]))

    def has(self, size: int) -> bool:
        return any(name == tables.checkpoint.name for name, _ in self.notes.get(size, ()))

    def findings(self, size: int, check: _Check) -> Iterator[Finding]:
        """What is wrong with those of ``size``, when as many entries were looked at."""
        for name, note in self.notes.get(size, ()):
            where = f"{name} {size}"
            key = check.replay.verifier(size)
            checkpoint, reason = _checkpoint(note, key)
            if key is None or checkpoint is None:
                yield RULES.finding("checkpoint-malformed", where, reason=reason)
            elif (checkpoint.size, checkpoint.origin) != (size, key.name):
                yield RULES.finding("checkpoint-differs", where)
            elif check.rooted and not _has_root(check.trees, checkpoint.root):
                check.rooted = False  # all that follow would differ too
                yield RULES.finding("checkpoint-root", where)


def _checkpoint(note: object, key: VerifierKey | None) -> tuple[Checkpoint | None, str]:
    """What a note says that ``key`` signed, or why that cannot be read."""
    if key is None:
        return None, "no genesis says which key that is"
    if not isinstance(note, bytes):
        return None, "it is not bytes"
    try:
        return Checkpoint.parse(open_note(note, [key]).text), ""
    except CatchmentError as refused:
        return None, told(refused)


def _has_root(trees: Sequence[Frontier | None], root: bytes) -> bool:
    """Whether it is the root of one of the trees, or cannot be compared with any."""
    whole = [tree for tree in trees if tree is not None]
    return not whole or any(tree.root == root for tree in whole)


def _statement(envelope: object) -> tuple[Statement | None, str]:
    """What an envelope says, or why it cannot be read."""
    if not isinstance(envelope, bytes):
        return None, "it is not bytes"
    try:
        return read(jws.parse(envelope)), ""
    except CatchmentError as refused:
        return None, told(refused)


def _rows(
    connection: sa.Connection,
    table: sa.Table,
    *which: sa.ColumnElement[bool],
    names: Collection[str] | None = None,
) -> list[dict[str, Any]]:
    """Rows as the database has them, of whatever type; raises what the database does."""
    wanted = (c for c in table.c if names is None or c.name in names)
    columns = [sa.type_coerce(c, sa.types.NullType()).label(c.name) for c in wanted]
    query = sa.select(*columns).where(*which).order_by(*table.primary_key)
    return [dict(row) for row in connection.execute(query).mappings()]


def _compared(table: sa.Table, stored: sa.Connection, beside: sa.Connection) -> Iterator[Finding]:
    """The stored table against the one that a replay gave."""
    names = _BEYOND_LEAF if table is tables.entry else tuple(c.name for c in table.c)
    is_whole = True
    for keys in _pages(beside, table):
        wanted, found = (_having(side, table, keys, names) for side in (beside, stored))
        for key, row in wanted.items():
            if key not in found:
                is_whole = False
                yield RULES.finding("derived-missing", _named(table, key))
            elif any(found[key][name] != row[name] for name in names):
                yield RULES.finding("derived-differs", _named(table, key))
    if is_whole and _count(stored, table) == _count(beside, table):
        return
    for keys in _pages(stored, table):
        for key in set(keys) - _having(beside, table, keys).keys():
            yield RULES.finding("derived-surplus", _named(table, key))


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _pages(connection: sa.Connection, table: sa.Table) -> Iterator[list[tuple[Any, ...]]]:
    """The primary keys of a table."""
    key = sa.tuple_(*table.primary_key)
    query = sa.select(*table.primary_key).order_by(*table.primary_key).limit(_PAGE)
    page = [tuple(row) for row in connection.execute(query)]
    while page:
        yield page
        page = [tuple(row) for row in connection.execute(query.where(key > sa.tuple_(*page[-1])))]


def _having(
    connection: sa.Connection,
    table: sa.Table,
    keys: Sequence[tuple[Any, ...]],
    names: Collection[str] = (),
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """By their primary keys, rows with some of their columns."""
    columns = tuple(table.primary_key)
    if len(columns) == 1:
        which = columns[0].in_([key for (key,) in keys])
    else:
        which = sa.tuple_(*columns).in_(keys)
    primary = [c.name for c in columns]
    rows = _rows(connection, table, which, names={*primary, *names})
    return {tuple(row[name] for name in primary): row for row in rows}


def _named(table: sa.Table, key: tuple[Any, ...]) -> str:
    return " ".join(map(str, (table.name, *key)))
