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
import hashlib
import mmap
import os
import tempfile
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Protocol

import numpy as np
import orjson

from ledger.columns import Assembled, Buffer, Section, Table
from ledger.errors import SnapshotRefused
from ledger.standing import RULES, Handed, Prefixes, Standing

_MAGIC: Final = b"catchment standing\n"
_LENGTH_BYTES: Final = 8
_START: Final = len(_MAGIC) + _LENGTH_BYTES
_ALIGNED: Final = 64
_PIECE: Final = 64 * 1024 * 1024
_DIGEST_BYTES: Final = 32
_MOST_HEADER_BYTES: Final = 1 << 32
_PART: Final = ".part"
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
            raise _refused(self.path, "a payload was erased since")
        _check_digest(mapped, self.path)
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
        with tempfile.NamedTemporaryFile(
            dir=self.path.parent, prefix=self.path.name, suffix=_PART, delete=False
        ) as file:
            try:
                _write(file, standing, log)
                os.fsync(file.fileno())
                os.replace(file.name, self.path)
            except FileNotFoundError:
                return False  # an erasure took it away before it was there
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
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
        for ending in (f"*{_PART}", f"{BESIDE}*"):
            for file in self.path.parent.glob(self.path.name + ending):
                file.unlink(missing_ok=True)


NOWHERE: Final = Snapshots(None)


# --- Writing -------------------------------------------------------------------------------


class _Digested:
    """A file that is hashed as it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._outer, self._inner, self._room = hashlib.sha256(), hashlib.sha256(), _PIECE

    def write(self, data: Buffer) -> None:
        view = memoryview(data)
        self._file.write(view)
        while len(view):
            piece = view[: self._room]
            self._inner.update(piece)
            self._room -= len(piece)
            view = view[len(piece) :]
            if not self._room:
                self._next()

    def digest(self) -> bytes:
        if self._room < _PIECE:
            self._next()
        return self._outer.digest()

    def _next(self) -> None:
        self._outer.update(self._inner.digest())
        self._inner, self._room = hashlib.sha256(), _PIECE


def _write(file: IO[bytes], standing: Standing, log: Source) -> None:
    assembled = standing.assembled()
    header = _header(standing, log, assembled)
    out = _Digested(file)
    out.write(_MAGIC + len(header).to_bytes(_LENGTH_BYTES, "big") + header)
    for section in assembled.sections:
        for chunk in section.chunks():
            out.write(chunk)
        out.write(bytes(-_size(section) % _ALIGNED))
    file.write(out.digest())
    file.flush()


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
    text = orjson.dumps(members)
    return text + b" " * (-(_START + len(text)) % _ALIGNED)


def _size(section: Section) -> int:
    return int(np.dtype(section.dtype).itemsize) * section.count


# --- Reading -------------------------------------------------------------------------------


def _opened(path: Path) -> tuple[dict[str, Any], mmap.mmap]:
    """The header, and the whole file mapped."""
    with path.open("rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise _refused(path, "it is empty") from None
    return _read_header(mapped, path), mapped


def _read_header(mapped: mmap.mmap, path: Path) -> dict[str, Any]:
    if mapped[: len(_MAGIC)] != _MAGIC:
        raise _refused(path, "it is no snapshot")
    length = int.from_bytes(mapped[len(_MAGIC) : _START], "big")
    try:
        header = orjson.loads(mapped[_START : _START + min(length, _MOST_HEADER_BYTES)])
        version = header["version"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise _refused(path, "its header cannot be read") from None
    if version != VERSION:
        raise _refused(path, "it is of another version")
    header["start"] = _START + length
    return dict(header)


def _check_fits(header: dict[str, Any], log: Source, path: Path) -> None:
    size = header["size"]
    if header["origin"] != log.origin:
        raise _refused(path, "it is of another log")
    if size > log.size() or log.root(size).hex() != header["root"]:
        raise _refused(path, "it is of a prefix that the log does not have")


def _check_digest(mapped: mmap.mmap, path: Path) -> None:
    """Hashing takes most of the time that opening takes, so every core takes its pieces."""
    view = memoryview(mapped)
    content, trailer = view[:-_DIGEST_BYTES], bytes(view[-_DIGEST_BYTES:])
    pieces = (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))
    with ThreadPoolExecutor() as pool:
        digests = pool.map(lambda piece: hashlib.sha256(piece).digest(), pieces)
        if hashlib.sha256(b"".join(digests)).digest() != trailer:
            raise _refused(path, "its digest is wrong")


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
        offset += size + -size % _ALIGNED


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


def _refused(path: Path, reason: str) -> SnapshotRefused:
    return SnapshotRefused(path=str(path), reason=reason)
