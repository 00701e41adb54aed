"""A database from an export: everything is judged again, and nothing is signed.

What a log decided follows from its entries and their ledger times. So entries are admitted once
more, each at its own time, by the rules by which the log admitted them; leaf records must come out
byte for byte, roots as they were signed. The signing key is not needed: checkpoints are copied.

Bundles are written one transaction each, and a run that was interrupted is taken up by the next.
Until the last one the newest entry is always under no checkpoint yet. A log is not signed in that
state: half a log that could be would become a second one of the same name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import cast

import sqlalchemy as sa

from ledger import jws, tables, tile_store, tiles
from ledger.admission import admit
from ledger.checkpoint import Checkpoint
from ledger.draft import Bodies, Draft
from ledger.errors import (
    CatchmentError,
    EntryRefused,
    ExportDiffers,
    ExportForeign,
    ExportRefused,
    ExportShorter,
)
from ledger.export import Archive, Step, bundles, nobody, unverified
from ledger.leaf import Leaf
from ledger.merkle import HASH_BYTES, Frontier, leaf_hash
from ledger.note import VerifierKey, open_note
from ledger.recent import Recent
from ledger.statements import Genesis, Recovery, Statement, read
from ledger.store import reading, writing
from ledger.tiles import TILE_BYTES, WIDTH
from ledger.trust import Trust

_BODIES = 4096

_ENTRY, _CHECKPOINT = tables.entry.c, tables.checkpoint.c


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of it: the log's latest checkpoint, and how many entries were new here."""

    checkpoint: Checkpoint
    added: int


def rebuild(
    engine: sa.Engine, archive: Archive, trust: Trust | None = None, step: Step = nobody
) -> Rebuilt:
    """Bring a database that has the tables to what the export holds.

    It is empty, or holds a beginning of the same log. ``trust`` says which log that must be;
    without it, what is built is whole, but whose it is remains to be compared.

    Raises ExportForeign, ExportShorter, ExportDiffers with the first entry that is not the same,
    EntryRefused for an entry that the log could not have taken, and ExportRefused.
    """
    with reading(engine) as connection:
        stored = _size(connection)
    if stored > archive.size:
        raise ExportShorter(stored=stored, size=archive.size)
    work = _Rebuild(engine, archive, trust)
    for index, width in bundles(archive.size):
        work.bundle(index, width)
        step(index * WIDTH + width, archive.size)
    return Rebuilt(unverified(archive.note), archive.size - stored)


class Replay:
    """Entries admitted once more, in their order, each at its ledger time.

    ``genesis`` is entry 0 once it was seen.
    """

    def __init__(self) -> None:
        self.genesis: Statement | None = None
        self._bodies: Bodies = Recent(_BODIES)
        self._keys: list[tuple[int, VerifierKey]] = []

    def verifier(self, size: int) -> VerifierKey:
        """The key that signs the checkpoint of ``size``, as the entries before it say."""
        return next(key for start, key in reversed(self._keys) if start <= size)

    def note_key(self, index: int, statement: Statement) -> None:
        """Take notice of an entry that names the checkpoint key."""
        if index == 0:
            self.genesis = statement
        if isinstance(statement.body, Genesis | Recovery):
            key = VerifierKey.parse(statement.body.checkpoint_key)
            self._keys.append((index + 1, key))

    def take(
        self, connection: sa.Connection, entries: Sequence[tuple[int, bytes, Statement]]
    ) -> None:
        """Write entries (index, leaf record, statement) with what follows from them.

        The tiles over them are to be stored already: statements may refer to the tree. Raises
        EntryRefused.
        """
        draft = Draft(connection, self.genesis, self._bodies)
        draft.foresee([statement for _, _, statement in entries])
        for index, record, statement in entries:
            self._admit(draft, index, record, statement)
        if entries:
            draft.write()

    def _admit(self, draft: Draft, index: int, record: bytes, statement: Statement) -> None:
        try:
            time = Leaf.parse(record).time
            draft.add(statement, admit(statement, draft, time), time)
            self.note_key(index, statement)
        except CatchmentError as refused:
            raise EntryRefused(index=index, reason=told(refused)) from refused
        if draft.leaf_hashes[-1] != leaf_hash(record):
            reason = "its leaf record is not the one that its envelope and its place give"
            raise EntryRefused(index=index, reason=reason)


def told(refused: CatchmentError) -> str:
    """What is wrong, to be quoted in a sentence."""
    return (refused.sentence % refused.params).rstrip(".")


class Growth:
    """A tree that grows by whole bundles and keeps only its ``edge``: the tiles not full yet."""

    def __init__(self) -> None:
        self.size = 0
        self.edge: tile_store.Tiles = {}

    def add(self, leaf_hashes: Sequence[bytes]) -> dict[tuple[int, int], bytes]:
        """The tiles that change, as they are then."""
        changed = tiles.extend(self.size, leaf_hashes, lambda *tile: self.edge.get(tile, b""))
        self.size += len(leaf_hashes)
        open_ones = {**self.edge, **changed}
        self.edge = {at: data for at, data in open_ones.items() if len(data) < TILE_BYTES}
        return changed


class _Rebuild:
    """One run over an export, bundle by bundle from the first."""

    def __init__(self, engine: sa.Engine, archive: Archive, trust: Trust | None) -> None:
        self.engine, self.archive, self.trust = engine, archive, trust
        self.replay, self.growth = Replay(), Growth()
        self.frontier = Frontier(0, ())
        self.notes = _noted(archive)
        self.ahead = next(self.notes, None)
        self.held: list[tuple[int, bytes]] = []
        self.sealed = 0

    def bundle(self, index: int, width: int) -> None:
        start = index * WIDTH
        leaves = self.archive.leaves(index, width)
        statements = _statements(start, self.archive.envelopes(index, width))
        if start == 0:
            self._check_trust(statements[0])
        hashes = [leaf_hash(leaf) for leaf in leaves]
        changed: tile_store.Tiles = self.growth.add(hashes)
        if self.is_last:
            changed = {**self.growth.edge, **changed}
        self._check_tiles(changed)
        with writing(self.engine) as connection:
            known = min(max(_size(connection) - start, 0), width)
            self._compare(connection, start, leaves[:known], statements[:known])
            _store_tiles(connection, changed, self.is_last)
            self.replay.take(
                connection,
                list(zip(count(start), leaves, statements, strict=False))[known:],
            )
            self._check_notes(hashes)
            self._write_notes(connection)

    @property
    def is_last(self) -> bool:
        return self.growth.size == self.archive.size

    def _check_trust(self, genesis: Statement) -> None:
        origin = genesis.common.log.origin
        if self.trust and (self.trust.origin, self.trust.genesis) != (origin, genesis.digest):
            raise ExportForeign(origin=origin, genesis=genesis.digest)

    def _check_tiles(self, changed: tile_store.Tiles) -> None:
        """A tile is in the export as it is when it is full, or at the end."""
        for (level, index), hashes in changed.items():
            width = len(hashes) // HASH_BYTES
            done = width == WIDTH or self.is_last
            if done and self.archive.tile(level, index, width) != hashes:
                raise ExportRefused(reason="a tile in it is not the one its entries give")

    def _compare(
        self,
        connection: sa.Connection,
        start: int,
        leaves: Sequence[bytes],
        statements: Sequence[Statement],
    ) -> None:
        """What the database has is the same. Raises ExportDiffers."""
        which = (_ENTRY.index >= start) & (_ENTRY.index < start + len(leaves))
        query = sa.select(_ENTRY.index, _ENTRY.leaf, _ENTRY.envelope).where(which)
        rows = connection.execute(query.order_by(_ENTRY.index))
        found = {index: (leaf, envelope) for index, leaf, envelope in rows}
        for index, leaf, statement in zip(count(start), leaves, statements, strict=False):
            if found.get(index) != (leaf, statement.envelope.compact):
                raise ExportDiffers(index=index)
            self.replay.note_key(index, statement)

    def _check_notes(self, hashes: Sequence[bytes]) -> None:
        """The checkpoints up to here are signed, and their roots are those of the entries."""
        done, stop = 0, self.growth.size
        while self.ahead and self.ahead[0] <= stop:
            size, note = self.ahead
            upto = size - (stop - len(hashes))
            self.frontier = self.frontier.grown(hashes[done:upto])
            self._check_note(size, note)
            self.held.append((size, note))
            self.ahead, done = next(self.notes, None), upto
        self.frontier = self.frontier.grown(hashes[done:])
        if self.is_last and (self.ahead or self.held[-1:] != [(stop, self.archive.note)]):
            raise ExportRefused(reason="its checkpoints do not end with its latest one")

    def _check_note(self, size: int, note: bytes) -> None:
        key = self.replay.verifier(size)
        text = open_note(note, [key]).text
        if text != Checkpoint(key.name, size, self.frontier.root).text:
            raise ExportRefused(reason="a signed root in it is not that of its entries")

    def _write_notes(self, connection: sa.Connection) -> None:
        """Store what was signed, but for the newest entry's while there is more to come."""
        limit = self.growth.size if self.is_last else self.growth.size - 1
        due = {size: note for size, note in self.held if size <= limit}
        self.held = [(size, note) for size, note in self.held if size > limit]
        which = (_CHECKPOINT.size > self.sealed) & (_CHECKPOINT.size <= limit)
        query = sa.select(_CHECKPOINT.size, _CHECKPOINT.note).where(which)
        for size, note in connection.execute(query.order_by(_CHECKPOINT.size)):
            if due.pop(size, None) != note:
                raise ExportDiffers(index=size - 1)
        if due:
            rows = [{"size": size, "note": note} for size, note in due.items()]
            connection.execute(tables.checkpoint.insert(), rows)
        self.sealed = limit


def _noted(archive: Archive) -> Iterator[tuple[int, bytes]]:
    """Sizes and notes of the checkpoints, from size 1; raises ExportRefused out of order."""
    last = 0
    for note in archive.notes():
        size = unverified(note).size
        if size <= last or (last == 0 and size != 1):
            raise ExportRefused(reason="its checkpoints do not begin with the first entry's")
        yield size, note
        last = size


def _statements(start: int, envelopes: Sequence[bytes | None]) -> list[Statement]:
    return [_statement(index, each) for index, each in enumerate(envelopes, start)]


def _statement(index: int, envelope: bytes | None) -> Statement:
    if envelope is None:
        raise EntryRefused(index=index, reason="its payload was erased")
    try:
        return read(jws.parse(envelope))
    except CatchmentError as refused:
        raise EntryRefused(index=index, reason=told(refused)) from refused


def _store_tiles(connection: sa.Connection, changed: tile_store.Tiles, last: bool) -> None:
    """Tiles follow from the entries: those that are stored otherwise are put right.

    In a database that is further on, one that is not full yet is wider.
    """
    read_tile = tile_store.reader(connection)

    def is_right(at: tuple[int, int], data: bytes) -> bool:
        stored = read_tile(*at)
        return stored == data or (not last and stored.startswith(data))

    wrong = {at: data for at, data in changed.items() if not is_right(at, data)}
    if wrong:
        tile_store.write(connection, wrong)


def _size(connection: sa.Connection) -> int:
    last = connection.execute(sa.select(sa.func.max(_ENTRY.index))).scalar_one()
    return 0 if last is None else cast(int, last) + 1
