"""A whole log in one file: what is needed to check it, serve it as a mirror, or build it anew.

A zip whose members lie as C2SP tlog-tiles has them, so that unpacking it gives a static mirror:

========================  ========================================================================
``checkpoint``            the latest signed note
``checkpoints``           every signed note in the order of sizes
``cosigned``              the notes that witnesses cosigned, where there are any
``tile/<L>/<N>[.p/<W>]``  the hashes of the tree
``tile/entries/<N>...``   leaf records: 256 to a bundle
``envelope/<N>...``       the signed envelopes of the same entries; of length 0 where erased
========================  ========================================================================

Records are framed by their length in big-endian: two bytes before a leaf record, as C2SP entry
bundles have it, four before an envelope or a note. The same log gives the same bytes wherever it
is exported: order and times are fixed, and nothing is compressed, because compressors differ (and
what is not compressed cannot swell when it is read). Keys and tokens are not in it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from secrets import token_hex
from typing import IO, Final, TypeAlias
from zipfile import ZIP_STORED, BadZipFile, LargeZipFile, ZipFile, ZipInfo

import sqlalchemy as sa

from ledger import tables, tile_store, tiles
from ledger.checkpoint import Checkpoint
from ledger.errors import (
    CheckpointRefused,
    ExportRefused,
    LogNotFound,
    TileTruncated,
    TreeDamaged,
)
from ledger.jws import MAX_COMPACT_BYTES
from ledger.merkle import HASH_BYTES, Frontier, leaf_hash
from ledger.note import MAX_NOTE_BYTES
from ledger.store import reading
from ledger.tiles import WIDTH

CHECKPOINT: Final = "checkpoint"
CHECKPOINTS: Final = "checkpoints"
COSIGNED: Final = "cosigned"

MAX_LEAF_BYTES: Final = 0xFFFF
"""What the two bytes before a leaf record can say; ours have a few hundred."""

Step: TypeAlias = Callable[[int, int], object]
"""Is told how far it has come: entries done, entries in all."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_PLAIN_FILE = 0o100644 << 16
_ENTRY, _CHECKPOINT = tables.entry.c, tables.checkpoint.c
_NOT_A_ZIP = (BadZipFile, LargeZipFile, struct.error, ValueError, EOFError, OverflowError)
_NOT_OURS = (NotImplementedError, RuntimeError)
"""What zipfile raises for methods it does not know, and for encryption."""


@dataclass(frozen=True, slots=True)
class Frames:
    """Records one after another, each led by its length in ``head`` bytes; at most ``limit``."""

    head: int
    limit: int

    def join(self, records: Iterable[bytes]) -> bytes:
        return b"".join(len(each).to_bytes(self.head, "big") + each for each in records)

    def split(self, file: IO[bytes]) -> Iterator[bytes]:
        """Raises ExportRefused for a record that is longer than allowed, or cut off."""
        while head := file.read(self.head):
            length = int.from_bytes(head, "big")
            if len(head) < self.head or length > self.limit:
                raise ExportRefused(reason="a record in it has an impossible length")
            record = file.read(length)
            if len(record) < length:
                raise ExportRefused(reason="a record in it is cut off")
            yield record


LEAVES = Frames(2, MAX_LEAF_BYTES)
ENVELOPES = Frames(4, MAX_COMPACT_BYTES)
NOTES = Frames(4, MAX_NOTE_BYTES)


def envelopes_path(index: int, width: int = WIDTH) -> str:
    """Where the envelopes of the bundle at ``entries_path(index, width)`` are."""
    return f"envelope/{tiles.place(index, width)}"


def bundles(size: int) -> list[tuple[int, int]]:
    """(index, width) of the bundles of a log of ``size`` entries."""
    lowest = takewhile(lambda tile: tile[0] == 0, tiles.layout(size))
    return [(index, width) for _, index, width in lowest]


def _members(size: int, cosigned: bool) -> Iterator[str]:
    """The names in the export of a log, in their order."""
    yield from (CHECKPOINT, CHECKPOINTS, *([COSIGNED] if cosigned else []))
    yield from (tiles.tile_path(*tile) for tile in tiles.layout(size))
    yield from (tiles.entries_path(*bundle) for bundle in bundles(size))
    yield from (envelopes_path(*bundle) for bundle in bundles(size))


def _count(size: int) -> int:
    """How many names `_members` gives, without the cosigned notes."""
    found, level = 2 + 2 * -(-size // WIDTH), size
    while level:
        found, level = found + -(-level // WIDTH), level // WIDTH
    return found


def nobody(done: int, total: int) -> None:
    """Nobody waits."""


# --- Writing -------------------------------------------------------------------------------


def export(engine: sa.Engine, path: Path, step: Step = nobody) -> Checkpoint:
    """Write the log as of its latest checkpoint to ``path``; returns that checkpoint.

    The file is there as a whole or not at all, and replaces one of that name. It is for its owner
    alone: what enterprises keep confidential is in it. Raises LogNotFound, and TreeDamaged or
    TileTruncated where what is stored does not lead to the signed root.
    """
    with reading(engine) as connection, _appearing(path) as file:
        writer = _Writer(connection, ZipFile(file, "w", ZIP_STORED), step)
        with writer.zip:
            return writer.write()


class _Writer:
    """One export, from one state of the database."""

    def __init__(self, connection: sa.Connection, zip: ZipFile, step: Step) -> None:
        self.connection, self.zip, self.step = connection, zip, step

    def write(self) -> Checkpoint:
        note = self._latest()
        checkpoint = unverified(note)
        size = checkpoint.size
        self._add(CHECKPOINT, note)
        self._add_notes(CHECKPOINTS, tables.checkpoint, size)
        self._add_notes(COSIGNED, tables.published, size)
        read = tile_store.reader(self.connection)
        for level, index, width in tiles.layout(size):
            self._add(tiles.tile_path(level, index, width), _cut(read, level, index, width))
        frontier = Frontier(0, ())
        for index, width in bundles(size):
            leaves = self._column(_ENTRY.leaf, index, width, size)
            frontier = frontier.grown(map(leaf_hash, leaves))
            self._add(tiles.entries_path(index, width), LEAVES.join(leaves))
        if frontier.root != checkpoint.root:
            raise TreeDamaged(size=size)
        for index, width in bundles(size):
            envelopes = self._column(_ENTRY.envelope, index, width, size)
            self._add(envelopes_path(index, width), ENVELOPES.join(e or b"" for e in envelopes))
            self.step(index * WIDTH + width, size)
        return checkpoint

    def _latest(self) -> bytes:
        latest = sa.select(_CHECKPOINT.note).order_by(_CHECKPOINT.size.desc()).limit(1)
        note: bytes | None = self.connection.execute(latest).scalar_one_or_none()
        if note is None:
            raise LogNotFound
        return note

    def _add(self, name: str, data: bytes) -> None:
        self.zip.writestr(_info(name), data)

    def _add_notes(self, name: str, table: sa.Table, size: int) -> None:
        """The notes of a table, piece by piece: there may be as many as entries."""
        of_log = table.c.size <= size
        lengths = sa.select(sa.func.sum(sa.func.length(table.c.note) + NOTES.head))
        length = self.connection.execute(lengths.where(of_log)).scalar_one()
        if not length:
            return
        info = _info(name)
        info.file_size = length
        notes = sa.select(table.c.note).where(of_log).order_by(table.c.size)
        with self.zip.open(info, "w") as member:
            for page in self.connection.execute(notes).scalars().partitions(WIDTH):
                member.write(NOTES.join(page))

    def _column(self, column: sa.Column[bytes], index: int, width: int, size: int) -> list[bytes]:
        start = index * WIDTH
        which = (_ENTRY.index >= start) & (_ENTRY.index < start + width)
        query = sa.select(column).where(which).order_by(_ENTRY.index)
        found = list(self.connection.execute(query).scalars())
        if len(found) != width:
            raise TreeDamaged(size=size)
        return found


def _cut(read: tiles.TileReader, level: int, index: int, width: int) -> bytes:
    """The first ``width`` hashes of a stored tile."""
    tile, wanted = read(level, index), width * HASH_BYTES
    if len(tile) < wanted:
        raise TileTruncated(level=level, index=index, found=len(tile), wanted=wanted)
    return tile[:wanted]


def _info(name: str) -> ZipInfo:
    """Nothing in it depends on the time, the machine or the user."""
    info = ZipInfo(name, _EPOCH)
    info.create_system, info.external_attr = _UNIX, _PLAIN_FILE
    return info


@contextmanager
def _appearing(path: Path) -> Iterator[IO[bytes]]:
    """A file beside ``path`` that takes its name once it is written and on the disk."""
    hidden = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        with os.fdopen(os.open(hidden, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(path)
    finally:
        hidden.unlink(missing_ok=True)


# --- Reading -------------------------------------------------------------------------------


class Archive:
    """An export that is open for reading; nothing in it is to be believed.

    ``size`` is what its checkpoint says. It has exactly the members of an export of that size, and
    each is of the length it must or may have; what they hold is checked by who reads them.
    """

    def __init__(self, zip: ZipFile) -> None:
        self._zip = zip
        infos = zip.infolist()
        self._lengths = {info.filename: info.file_size for info in infos}
        _check_plain(infos)
        if len(self._lengths) != len(infos):
            raise ExportRefused(reason="a member is in it twice")
        self.note: Final = self._read(CHECKPOINT, MAX_NOTE_BYTES)
        self.size: Final = unverified(self.note).size
        self._check_members()

    def notes(self) -> Iterator[bytes]:
        """Every checkpoint's signed note, in the order of sizes."""
        return self._notes(CHECKPOINTS)

    def cosigned(self) -> Iterator[bytes]:
        """The notes that witnesses cosigned, in the order of sizes."""
        return self._notes(COSIGNED) if COSIGNED in self._lengths else iter(())

    def _notes(self, name: str) -> Iterator[bytes]:
        with _zip_faults(), self._zip.open(name) as file:
            yield from NOTES.split(file)

    def tile(self, level: int, index: int, width: int) -> bytes:
        length = width * HASH_BYTES
        data = self._read(tiles.tile_path(level, index, width), length)
        if len(data) != length:
            raise ExportRefused(reason="a tile in it is too short")
        return data

    def leaves(self, index: int, width: int) -> list[bytes]:
        """The leaf records of a bundle."""
        return self._bundle(tiles.entries_path(index, width), width, LEAVES)

    def envelopes(self, index: int, width: int) -> list[bytes | None]:
        """The envelopes of a bundle; ``None`` where the payload was erased."""
        found = self._bundle(envelopes_path(index, width), width, ENVELOPES)
        return [envelope or None for envelope in found]

    def _bundle(self, name: str, width: int, frames: Frames) -> list[bytes]:
        if self._lengths[name] > width * (frames.head + frames.limit):
            raise ExportRefused(reason="a bundle in it is too large")
        with _zip_faults(), self._zip.open(name) as file:
            records = list(frames.split(file))
        if len(records) != width:
            raise ExportRefused(reason="a bundle in it has another number of records")
        return records

    def _read(self, name: str, limit: int) -> bytes:
        if self._lengths.get(name, limit + 1) > limit:
            raise ExportRefused(reason="a member is missing or too large")
        with _zip_faults():
            return self._zip.read(name)

    def _check_members(self) -> None:
        # Counted first: a size out of thin air would have more names than there is memory.
        cosigned = COSIGNED in self._lengths
        counted = self.size > 0 and len(self._lengths) == _count(self.size) + cosigned
        if not counted or list(self._lengths) != list(_members(self.size, cosigned)):
            raise ExportRefused(reason="its members are not those of a log of its size")


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an export; raises ExportRefused, and OSError where the file cannot be read."""
    with path.open("rb") as file:
        with _zip_faults():
            zip = ZipFile(file)
        with zip:
            yield Archive(zip)


@contextmanager
def _zip_faults() -> Iterator[None]:
    try:
        yield
    except (*_NOT_A_ZIP, *_NOT_OURS):
        raise ExportRefused(reason="it is not a zip file, or it is damaged") from None


def _check_plain(infos: Iterable[ZipInfo]) -> None:
    for info in infos:
        if info.compress_type != ZIP_STORED or info.flag_bits:
            raise ExportRefused(reason="a member is compressed or encrypted")
        if info.file_size != info.compress_size:
            raise ExportRefused(reason="a member has two lengths")


def unverified(note: bytes) -> Checkpoint:
    """What a note says, whoever signed it."""
    try:
        text = note.rpartition(b"\n\n")[0].decode("utf-8") + "\n"
        return Checkpoint.parse(text)
    except (UnicodeDecodeError, CheckpointRefused):
        raise ExportRefused(reason="its checkpoint is none") from None
