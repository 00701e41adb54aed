"""Files that are mapped and not read: they appear whole or not at all, and say when they are not.

::

    a line that tells the kind of file
    length of the header, 8 bytes, big-endian
    header, filled up with spaces
    content, each section from a multiple of ``ALIGNED`` bytes on
    32 bytes: SHA-256 of the SHA-256 of every ``PIECE`` bytes of all that comes before

Such a file is derived: whoever deletes it loses nothing but time.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Final

from ledger.columns import Buffer
from ledger.errors import SnapshotRefused

PART: Final = ".part"
"""Ends the name of a file that is on its way."""
ALIGNED: Final = 64
PIECE: Final = 64 * 1024 * 1024
_LENGTH_BYTES: Final = 8
_DIGEST_BYTES: Final = 32


def write(path: Path, kind: bytes, header: bytes, content: Iterable[Buffer]) -> bool:
    """Put a file in place of what was there; false where somebody removed it on its way."""
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=path.name, suffix=PART, delete=False
    ) as file:
        try:
            out = _Digested(file)
            out.write(_headed(kind, header))
            for chunk in content:
                out.write(chunk)
            file.write(out.digest())
            file.flush()
            os.fsync(file.fileno())
            return _arrived(Path(file.name), path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _arrived(aside: Path, path: Path) -> bool:
    try:
        os.replace(aside, path)
    except FileNotFoundError:
        return False
    return True


def _headed(kind: bytes, header: bytes) -> bytes:
    padding = b" " * (-(len(kind) + _LENGTH_BYTES + len(header)) % ALIGNED)
    text = header + padding
    return kind + len(text).to_bytes(_LENGTH_BYTES, "big") + text


class _Digested:
    """A file that is hashed as it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._outer, self._inner, self._room = hashlib.sha256(), hashlib.sha256(), PIECE

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
        if self._room < PIECE:
            self._next()
        return self._outer.digest()

    def _next(self) -> None:
        self._outer.update(self._inner.digest())
        self._inner, self._room = hashlib.sha256(), PIECE


def opened(path: Path, kind: bytes) -> tuple[bytes, int, mmap.mmap]:
    """The header, where the content begins, and the whole file mapped; nothing is checked yet.

    Raises ``SnapshotRefused`` for a file of another kind.
    """
    with path.open("rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise refused(path, "it is empty") from None
    if mapped[: len(kind)] != kind:
        raise refused(path, "it is no snapshot")
    start = len(kind) + _LENGTH_BYTES
    after = start + int.from_bytes(mapped[len(kind) : start], "big")
    return mapped[start : min(after, len(mapped))], after, mapped


def check_digest(mapped: mmap.mmap, path: Path) -> None:
    """Raises ``SnapshotRefused`` for a file that is not as it was written.

    Hashing takes most of the time that opening takes, so every core takes its pieces.
    """
    view = memoryview(mapped)
    content, trailer = view[:-_DIGEST_BYTES], bytes(view[-_DIGEST_BYTES:])
    pieces = (content[start : start + PIECE] for start in range(0, len(content), PIECE))
    with ThreadPoolExecutor() as pool:
        digests = pool.map(lambda piece: hashlib.sha256(piece).digest(), pieces)
        if hashlib.sha256(b"".join(digests)).digest() != trailer:
            raise refused(path, "its digest is wrong")


def refused(path: Path, reason: str) -> SnapshotRefused:
    """Why the file cannot be used."""
    return SnapshotRefused(path=str(path), reason=reason)
