"""A database from an export: everything is judged again, and nothing is signed.

What a log decided follows from its entries and their ledger times. So entries are admitted once
more, each at its own time, by the rules by which the log admitted them; leaf records must come out
byte for byte, roots as they were signed. The signing key is not needed: checkpoints are copied.

Bundles are written one transaction each, and a run that was interrupted is taken up by the next.
Until the last one the newest entry is always under no checkpoint yet. A log is not signed in that
state: half a log that could be would become a second one of the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import TypeAlias, cast

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
    LeafRefused,
)
from ledger.export import Archive, Step, bundles, nobody, unverified
from ledger.leaf import Leaf
from ledger.merkle import HASH_BYTES, Frontier, leaf_hash
from ledger.note import VerifierKey, open_note, text_of
from ledger.recent import Recent
from ledger.statements import Erasure, Genesis, Recovery, Statement, read
from ledger.store import reading, writing
from ledger.tiles import TILE_BYTES, WIDTH
from ledger.trust import Trust

_BODIES = 4096

Read: TypeAlias = tuple[int, bytes, Statement | None]
"""Index, leaf record and statement of an entry; no statement where its payload was erased."""
ErasureOf: TypeAlias = Callable[[str], Statement | None]
"""By the digest of a statement: the one that erased its payload, from anywhere in the log."""

_ERASURE = f'"type":"{Erasure.TYPE}"'.encode()

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
        self._keys: dict[int, VerifierKey] = {}

    def verifier(self, size: int) -> VerifierKey | None:
        """The key that signs the checkpoint of ``size``, as the entries before it say."""
        known = [start for start in self._keys if start <= size]
        return self._keys[max(known)] if known else None

    def note_key(self, index: int, statement: Statement) -> None:
        """Take notice of an entry that names the checkpoint key."""
        if isinstance(statement.body, Genesis | Recovery):
            self._keys[index + 1] = VerifierKey.parse(statement.body.checkpoint_key)

    def skip(self, index: int, statement: Statement) -> None:
        """Take notice of an entry that is written already."""
        if index == 0:
            self.genesis = statement
        self.note_key(index, statement)

    def take(
        self, connection: sa.Connection, entries: Sequence[Read], erasure_of: ErasureOf
    ) -> None:
        """Write entries in their order with what follows from them. Raises EntryRefused."""
        if not entries:
            return
        draft = Draft(connection, self.genesis, self._bodies)
        draft.foresee([statement for _, _, statement in entries if statement])
        for index, record, statement in entries:
            try:
                _admit(draft, Leaf.parse(record), statement, erasure_of)
                if statement:
                    self.skip(index, statement)
            except CatchmentError as refused:
                raise EntryRefused(index=index, reason=told(refused)) from refused
            if draft.leaf_hashes[-1] != leaf_hash(record):
                reason = "its leaf record is not the one that its envelope and its place give"
                raise EntryRefused(index=index, reason=reason)
        draft.write()


def _admit(draft: Draft, leaf: Leaf, statement: Statement | None, erasure_of: ErasureOf) -> None:
    if statement is not None:
        draft.add(statement, admit(statement, draft, leaf.time), leaf.time)
        return
    erasure = erasure_of(leaf.signed)
    if erasure is None:
        raise LeafRefused(reason="its payload is gone, and no entry erased it")
    draft.add_erased(leaf, cast(Erasure, erasure.body), erasure.subject)


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
            entries = list(zip(count(start), leaves, statements, strict=False))[known:]
            self.replay.take(connection, entries, self._erasure_of)
            self._check_notes(hashes)
            self._write_notes(connection)
            if self.is_last:
                self._write_cosigned(connection)

    @property
    def is_last(self) -> bool:
        return self.growth.size == self.archive.size

    def _erasure_of(self, digest: str) -> Statement | None:
        return self._erasures.get(digest)

    @cached_property
    def _erasures(self) -> dict[str, Statement]:
        """Looked for once, and only where a payload is missing: it stands before what erased it."""
        found: dict[str, Statement] = {}
        for index, width in bundles(self.archive.size):
            leaves = self.archive.leaves(index, width)
            if any(_ERASURE in leaf for leaf in leaves):
                for said in _statements(index * WIDTH, self.archive.envelopes(index, width)):
                    if said and isinstance(said.body, Erasure):
                        found[said.body.digest] = said
        return found

    def _check_trust(self, genesis: Statement | None) -> None:
        if genesis is None:
            raise EntryRefused(index=0, reason="the genesis is never erased")
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
        statements: Sequence[Statement | None],
    ) -> None:
        """What the database has is the same. Raises ExportDiffers."""
        which = (_ENTRY.index >= start) & (_ENTRY.index < start + len(leaves))
        query = sa.select(_ENTRY.index, _ENTRY.leaf, _ENTRY.envelope).where(which)
        rows = connection.execute(query.order_by(_ENTRY.index))
        found = {index: (leaf, envelope) for index, leaf, envelope in rows}
        for index, leaf, statement in zip(count(start), leaves, statements, strict=False):
            stored = found.get(index, (b"", b""))
            if stored != (leaf, statement.envelope.compact if statement else stored[1]):
                raise ExportDiffers(index=index)
            if statement:
                self.replay.skip(index, statement)

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
        key = cast(VerifierKey, self.replay.verifier(size))  # the genesis names one
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

    def _write_cosigned(self, connection: sa.Connection) -> None:
        """What witnesses added to checkpoints that are stored by now; whom to believe of them is
        each reader's own choice."""
        table = tables.published.c
        known = set(connection.execute(sa.select(table.size)).scalars())
        for note in self.archive.cosigned():
            size = unverified(note).size
            signed = sa.select(_CHECKPOINT.note).where(_CHECKPOINT.size == size)
            found = connection.execute(signed).scalar_one_or_none()
            key = cast(VerifierKey, self.replay.verifier(size))
            if found is None or open_note(note, [key]).text != text_of(found):
                raise ExportRefused(reason="a cosigned note in it is not one of its checkpoints")
            if size not in known:
                known.add(size)
                connection.execute(tables.published.insert(), {"size": size, "note": note})


def _noted(archive: Archive) -> Iterator[tuple[int, bytes]]:
    """Sizes and notes of the checkpoints, from size 1; raises ExportRefused out of order."""
    last = 0
    for note in archive.notes():
        size = unverified(note).size
        if size <= last or (last == 0 and size != 1):
            raise ExportRefused(reason="its checkpoints do not begin with the first entry's")
        yield size, note
        last = size


def _statements(start: int, envelopes: Sequence[bytes | None]) -> list[Statement | None]:
    numbered = enumerate(envelopes, start)
    return [None if each is None else _statement(index, each) for index, each in numbered]


def _statement(index: int, envelope: bytes) -> Statement:
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
