"""Arrays in a file, mapped and not read: what nobody asks about stays on the disk.

::

    catchment arrays\\n
    length of the header, 8 bytes, big-endian
    header: JSON, filled up with spaces
    the arrays in the order of the header, each from a multiple of 64 bytes on
    32 bytes: SHA-256 of the SHA-256 of every 64 MiB of all that comes before

A file appears whole or not at all. It is derived: whoever deletes it loses nothing but time.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ledger.errors import SnapshotRefused

Array = NDArray[Any]

PART: Final = ".part"
"""Ends the name of a file that is on its way."""
_MAGIC: Final = b"catchment arrays\n"
_START: Final = len(_MAGIC) + 8
_ALIGNED: Final = 64
_PIECE: Final = 64 * 1024 * 1024
_DIGEST_BYTES: Final = 32


def write(path: Path, header: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Put arrays into a file in place of what was there; ``header`` is kept as JSON.

    Raises ``FileNotFoundError`` where somebody removed what was on its way.
    """
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=path.name, suffix=PART, delete=False
    ) as file:
        try:
            digest = hashlib.sha256()
            for piece in _pieces(_chunks(header, arrays)):
                file.write(piece)
                digest.update(hashlib.sha256(piece).digest())
            file.write(digest.digest())
            file.flush()
            os.fsync(file.fileno())
            os.replace(file.name, path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """The header and the arrays, read-only.

    Raises ``SnapshotRefused`` for a file that is none, or not as it was written.
    """
    header, mapped = _opened(path)
    _check_digest(mapped, path)
    return header, dict(_arrays(header, mapped))


def _chunks(header: Mapping[str, Any], arrays: Mapping[str, Array]) -> Iterator[memoryview]:
    sections = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    text = json.dumps({**header, "sections": sections}).encode()
    text += b" " * (-(_START + len(text)) % _ALIGNED)
    yield memoryview(_MAGIC + len(text).to_bytes(8, "big") + text)
    for array in arrays.values():
        if array.size:
            yield np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        yield memoryview(bytes(-array.nbytes % _ALIGNED))


def _pieces(chunks: Iterator[memoryview]) -> Iterator[bytearray]:
    """The same bytes, ``_PIECE`` at a time."""
    piece = bytearray()
    for chunk in chunks:
        while len(chunk):
            room = _PIECE - len(piece)
            piece += chunk[:room]
            chunk = chunk[room:]
            if len(piece) == _PIECE:
                yield piece
                piece = bytearray()
    if piece:
        yield piece


def _opened(path: Path) -> tuple[dict[str, Any], mmap.mmap]:
    with path.open("rb") as file:
        try:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise refused(path, "it is empty") from None
    if mapped[: len(_MAGIC)] != _MAGIC:
        raise refused(path, "it is no snapshot")
    length = int.from_bytes(mapped[len(_MAGIC) : _START], "big")
    try:
        header = json.loads(mapped[_START : min(_START + length, len(mapped))])
    except ValueError:
        raise refused(path, "its header cannot be read") from None
    if not isinstance(header, dict) or "sections" not in header:
        raise refused(path, "its header cannot be read")
    header["start"] = _START + length
    return header, mapped


def _check_digest(mapped: mmap.mmap, path: Path) -> None:
    """Hashing takes most of the time that opening takes, so every core takes its pieces."""
    view = memoryview(mapped)
    content, trailer = view[:-_DIGEST_BYTES], bytes(view[-_DIGEST_BYTES:])
    pieces = (content[start : start + _PIECE] for start in range(0, len(content), _PIECE))
    with ThreadPoolExecutor() as pool:
        digests = pool.map(lambda piece: hashlib.sha256(piece).digest(), pieces)
        if hashlib.sha256(b"".join(digests)).digest() != trailer:
            raise refused(path, "its digest is wrong")


def _arrays(header: dict[str, Any], mapped: mmap.mmap) -> Iterator[tuple[str, Array]]:
    offset: int = header["start"]
    for name, kind, shape in header["sections"]:
        dtype = np.dtype(kind)
        count = int(np.prod(shape, dtype=np.int64))
        yield name, np.frombuffer(mapped, dtype, count, offset).reshape(shape)
        offset += count * dtype.itemsize
        offset += -offset % _ALIGNED


def refused(path: Path, reason: str) -> SnapshotRefused:
    return SnapshotRefused(path=str(path), reason=reason)
