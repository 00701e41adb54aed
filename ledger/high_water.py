"""How far the log was signed, kept where its database is not.

A database that comes back from a backup looks sound: it is the log as it was. Signing on from there
would make a second log of the same name, and those who hold receipts of the first could prove it.
So the last signed checkpoint is also kept in a small file, and whoever is about to sign compares:
a database that ends before the mark, or does not lead through it, is not signed.

The mark is moved after the commit and before anybody is answered, and it stays locked from the
comparison until then: two servers that share a mark but not a database cannot both go on. A crash
between commit and mark leaves a database ahead of its mark, which is sound.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from ledger import tiles
from ledger.checkpoint import Checkpoint
from ledger.errors import (
    CheckpointRefused,
    HighWaterRefused,
    LogForked,
    LogRolledBack,
    NoteRefused,
)
from ledger.note import VerifierKey, open_note

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HighWater:
    """The mark in the file ``path``; without one nothing is marked.

    Beside it lie ``<name>.lock``, which orders those who move it, and for moments ``<name>.new``.
    A mark that does not exist yet is made when the log is next signed.
    """

    path: Path | None

    def checkpoint(self, verifiers: Iterable[VerifierKey]) -> Checkpoint | None:
        """The last checkpoint that was marked, signed by one of ``verifiers``; None without one.

        Raises HighWaterRefused for a file that cannot be read or is no checkpoint of theirs.
        """
        if self.path is None:
            return None
        try:
            return Checkpoint.parse(open_note(self.path.read_bytes(), verifiers).text)
        except FileNotFoundError:
            return None
        except (NoteRefused, CheckpointRefused) as refused:
            reason = str(refused.params["reason"])
            raise HighWaterRefused(path=str(self.path), reason=reason) from None
        except OSError as failed:
            raise self._refused(failed) from failed

    @contextmanager
    def held(self, verifiers: Iterable[VerifierKey]) -> Iterator[Mark]:
        """The mark while nobody else moves it. Raises HighWaterRefused."""
        if self.path is None:
            yield Mark(self, None)
            return
        lock = self._try(self._open, ".lock")
        try:
            self._try(fcntl.flock, lock, fcntl.LOCK_EX)
            yield Mark(self, self.checkpoint(verifiers))
        finally:
            os.close(lock)

    def stage(self, note: bytes) -> None:
        """Write what `move` will put in place; raises HighWaterRefused, on a full disk as well."""
        if self.path is not None:
            self._try(self._write_new, note)

    def move(self) -> None:
        """Put in place what was staged, for good."""
        if self.path is not None:
            self._try(self._replace, self.path)

    def _open(self, suffix: str) -> int:
        return os.open(f"{self.path}{suffix}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _write_new(self, note: bytes) -> None:
        with open(self._open(".new"), "wb", buffering=0) as file:
            file.truncate()
            file.write(note)
            os.fsync(file.fileno())

    def _replace(self, path: Path) -> None:
        os.replace(f"{path}.new", path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)  # else a power cut could bring the old mark back
        finally:
            os.close(folder)

    def _try(self, work: Callable[..., T], *arguments: object) -> T:
        try:
            return work(*arguments)
        except OSError as failed:
            raise self._refused(failed) from failed

    def _refused(self, failed: OSError) -> HighWaterRefused:
        return HighWaterRefused(path=str(self.path), reason=failed.strerror or str(failed))


UNMARKED: Final = HighWater(None)


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark that is held: ``checkpoint`` stays the last one until `move`."""

    place: HighWater
    checkpoint: Checkpoint | None

    def is_behind(self, size: int) -> bool:
        """Whether a log of ``size`` entries has one that is not marked yet."""
        marked = self.checkpoint.size if self.checkpoint else 0
        return self.place.path is not None and marked < size

    def check(self, size: int, read_tile: tiles.TileReader) -> None:
        """Check that a log of ``size`` entries, with a sound tree, continues what was marked.

        Raises LogRolledBack or LogForked.
        """
        check_continues(self.checkpoint, size, read_tile)

    def stage(self, note: bytes) -> None:
        """Before the commit, so that a full disk is known while nothing is stored yet."""
        self.place.stage(note)

    def move(self) -> None:
        """After the commit, and before anybody is answered."""
        self.place.move()


def check_continues(mark: Checkpoint | None, size: int, read_tile: tiles.TileReader) -> None:
    """Check that a log of ``size`` entries continues ``mark``; raises LogRolledBack, LogForked."""
    if mark is None:
        return
    if size < mark.size:
        raise LogRolledBack(size=size, mark=mark.size)
    if tiles.root(mark.size, read_tile) != mark.root:
        raise LogForked(size=size, mark=mark.size)
