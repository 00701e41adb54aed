"""What stands, in a file: so that a server need not read its whole log again to start.

::

    catchment standing\\n
    length of the header, 8 bytes, big-endian
    header: JSON, filled up with spaces
    the sections of the table (``ledger.columns``), each from a multiple of 64 bytes on
    32 bytes: SHA-256 of the SHA-256 of every 64 MiB of all that comes before

The header names the log's origin, and size and root of the prefix it stands for. A file that is of
another version or log, of a prefix that the log does not have, or whose digest is wrong is not
used. It is derived from the log: whoever deletes it loses nothing but the time to read the log.

The file is mapped, not read: what nobody asks about stays on the disk, and processes share it. The
envelopes in it are those of the log, read again without being judged (`ledger.statements.reread`).
Once a payload is erased it must not survive here: `Snapshots.forget` overwrites it and removes the
file, and what others still have mapped says PayloadErased.
"""

from __future__ import annotations

import datetime as dt
import mmap
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import orjson

from ledger import filed
from ledger.columns import Assembled, Buffer, Section, Table
from ledger.errors import SnapshotRefused
from ledger.filed import refused
from ledger.standing import RULES, Handed, Prefixes, Standing

_KIND: Final = b"catchment standing\n"
BESIDE: Final = ".of-"
"""Goes on the name of a file with what follows from a snapshot, which goes when that goes."""
VERSION: Final = f"1 {RULES}"
"""Of the format, and of what the table's columns follow from."""


class Source(Prefixes, Protocol):
    """A log whose snapshots these are; `Log` is one."""

    @property
    def origin(self) -> str: ...

    def size(self) -> int: ...

    def root(self, size: int) -> bytes: ...

    def erased_since(self, size: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class Snapshots:
    """The snapshot of one log in the file ``path``; without a path there never is one."""

    path: Path | None

    def load(self, log: Source) -> Standing | None:
        """What stood when the snapshot was written; None where there is none.

        Raises SnapshotRefused for a file that cannot be used.
        """
        if self.path is None or not self.path.exists():
            return None
        header, mapped = _opened(self.path)
        _check_fits(header, log, self.path)
        if log.erased_since(header["size"]):
            self.remove()
            raise refused(self.path, "a payload was erased since")
        filed.check_digest(mapped, self.path)
        table = Table(
            tuple(header["kinds"]), bytes.fromhex(header["salt"]), _arrays(header, mapped)
        )
        handed = (_handed(each) for each in header["handed"])
        return Standing.over(table, header["size"], handed).doubting(log)

    def size(self) -> int:
        """How many entries the file stands for; 0 where there is none that can be read."""
        if self.path is None:
            return 0
        try:
            return int(_opened(self.path)[0]["size"])
        except (OSError, SnapshotRefused):
            return 0

    def dump(self, standing: Standing, log: Source) -> bool:
        """Write what stands in place of what was there; whether the file is there now.

        It is written aside and appears whole or not at all. Where a payload was erased since, it
        is removed again.
        """
        if self.path is None:
            return False
        assembled = standing.assembled()
        header = _header(standing, log, assembled)
        if not filed.write(self.path, _KIND, header, _content(assembled)):
            return False  # an erasure took it away before it was there
        # Whoever erases looks for the file after the commit, and we for the commit after the file.
        if log.erased_since(standing.size):
            self.remove()
            return False
        return True

    def forget(self, digests: Collection[str]) -> None:
        """Let nothing survive of these statements, whose payloads are erased from now on."""
        if self.path is None:
            return
        with suppress(FileNotFoundError, SnapshotRefused):
            _blank(self.path, digests)
        self.remove()

    def remove(self) -> None:
        """Remove the file, what is on its way to take its place, and what follows from it."""
        if self.path is None:
            return
        self.path.unlink(missing_ok=True)
        for ending in (f"*{filed.PART}", f"{BESIDE}*"):
            for file in self.path.parent.glob(self.path.name + ending):
                file.unlink(missing_ok=True)


NOWHERE: Final = Snapshots(None)


# --- Writing -------------------------------------------------------------------------------


def _content(assembled: Assembled) -> Iterator[Buffer]:
    for section in assembled.sections:
        yield from section.chunks()
        yield bytes(-_size(section) % filed.ALIGNED)


def _header(standing: Standing, log: Source, assembled: Assembled) -> bytes:
    members = {
        "version": VERSION,
        "origin": log.origin,
        "size": standing.size,
        "root": log.root(standing.size).hex(),
        "kinds": assembled.kinds,
        "salt": assembled.salt.hex(),
        "handed": [
            [each.kind, each.entity, each.giver, each.start.isoformat()] for each in standing.handed
        ],
        "sections": [[each.name, each.dtype, each.count] for each in assembled.sections],
    }
    return orjson.dumps(members)


def _size(section: Section) -> int:
    return int(np.dtype(section.dtype).itemsize) * section.count


# --- Reading -------------------------------------------------------------------------------


def _opened(path: Path) -> tuple[dict[str, Any], mmap.mmap]:
    """The header, and the whole file mapped."""
    text, start, mapped = filed.opened(path, _KIND)
    try:
        header = orjson.loads(text)
        version = header["version"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise refused(path, "its header cannot be read") from None
    if version != VERSION:
        raise refused(path, "it is of another version")
    return {**header, "start": start}, mapped


def _check_fits(header: dict[str, Any], log: Source, path: Path) -> None:
    size = header["size"]
    if header["origin"] != log.origin:
        raise refused(path, "it is of another log")
    if size > log.size() or log.root(size).hex() != header["root"]:
        raise refused(path, "it is of a prefix that the log does not have")


def _arrays(header: dict[str, Any], mapped: mmap.mmap) -> dict[str, Any]:
    return {
        name: np.frombuffer(mapped, dtype, count, offset)
        for name, dtype, count, offset in _placed(header)
    }


def _placed(header: dict[str, Any]) -> Iterator[tuple[str, str, int, int]]:
    """Name, type, length and place in the file of every section."""
    offset: int = header["start"]
    for name, dtype, count in header["sections"]:
        yield name, dtype, count, offset
        size = int(np.dtype(dtype).itemsize) * count
        offset += size + -size % filed.ALIGNED


def _handed(members: list[str]) -> Handed:
    kind, entity, giver, start = members
    return Handed(kind, entity, giver, dt.date.fromisoformat(start))


# --- Forgetting ----------------------------------------------------------------------------


def _blank(path: Path, digests: Collection[str]) -> None:
    """Overwrite what these statements say with zeros, in the file itself."""
    header, mapped = _opened(path)
    arrays = _arrays(header, mapped)
    start = next(at for name, _, _, at in _placed(header) if name == "said-bytes")
    with path.open("r+b") as file:
        for row in _rows_with(arrays["digest"], digests):
            begins, ends = arrays["said-end"][row : row + 2].tolist()
            file.seek(start + begins)
            file.write(bytes(ends - begins))
        file.flush()
        os.fsync(file.fileno())


def _rows_with(column: Any, digests: Iterable[str]) -> Iterator[int]:
    for digest in digests:
        yield from np.flatnonzero(column == np.void(bytes.fromhex(digest))).tolist()
