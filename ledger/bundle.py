"""What it takes to check a published figure without the log: one file, to be believed in nothing.

A zip with exactly these members, in this order, stored as they are:

===============  =================================================================================
``bundle.json``  the format, the index of the figure's entry, and the size of the tree
``checkpoint``   the signed note of the tree of that size, with its cosignatures
``leaves``       for each entry a byte 1, two bytes of length and the leaf record; or a byte 0 and
                 the 32 bytes of its leaf hash, where the record is kept from this reader
``envelopes``    for each that is given, in ascending order: eight bytes of index, four of length,
                 and the compact envelope
===============  =================================================================================

Numbers are big-endian. The same content is the same bytes wherever it is written, and no other
bytes are read: times, attributes and checksums of the container are fixed by what is in it, so
that a bundle is changed by whoever changes a single byte of it.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, Final

from ledger.errors import BundleRefused
from ledger.jws import MAX_COMPACT_BYTES
from ledger.merkle import HASH_BYTES, leaf_hash
from ledger.note import MAX_NOTE_BYTES

FORMAT: Final = "catchment-bundle@v1"
MEMBERS: Final = ("bundle.json", "checkpoint", "leaves", "envelopes")
MAX_BYTES: Final = 1 << 30
"""Room for a million entries; whoever needs more has to ask for less of them."""

_MAX_HEADING_BYTES = 256
_IN_MEMORY = 1 << 23
_CHUNK = 1 << 16
_LIMITS: Mapping[str, int] = {"bundle.json": _MAX_HEADING_BYTES, "checkpoint": MAX_NOTE_BYTES}


@dataclass(frozen=True, slots=True)
class LeafHash:
    """The hash of a leaf whose record is kept from this reader."""

    digest: bytes

    def __post_init__(self) -> None:
        if len(self.digest) != HASH_BYTES:
            raise ValueError("a leaf hash is 32 bytes long")


@dataclass(frozen=True, slots=True)
class Bundle:
    """The figure that entry ``figure`` publishes, and what the log held when it was bundled.

    ``leaves`` are those of all entries up to the size of the tree, ``envelopes`` those that the
    reader may see, by index.
    """

    figure: int
    checkpoint: bytes
    leaves: Sequence[bytes | LeafHash]
    envelopes: Mapping[int, bytes]

    @property
    def size(self) -> int:
        return len(self.leaves)

    def leaf_hashes(self) -> Iterator[bytes]:
        """The leaf hash of every entry, in the log's order."""
        for leaf in self.leaves:
            yield leaf.digest if isinstance(leaf, LeafHash) else leaf_hash(leaf)


# --- Writing -------------------------------------------------------------------------------


def write(
    target: BinaryIO,
    figure: int,
    checkpoint: bytes,
    leaves: Iterable[bytes | LeafHash],
    envelopes: Iterable[tuple[int, bytes]],
) -> None:
    """Write the bundle of the figure that is entry ``figure``; ``target`` need not seek.

    ``leaves`` are those of every entry from 0 up to the checkpoint's size, ``envelopes`` come in
    ascending order of their indexes. Both are taken as they come, and kept on disk where they are
    many. Raises BundleRefused when it becomes too large.
    """
    with SpooledTemporaryFile(_IN_MEMORY) as records, SpooledTemporaryFile(_IN_MEMORY) as compact:
        size = _spool(records, map(_framed, leaves))
        _spool(compact, (_ENVELOPE.pack(index, len(each)) + each for index, each in envelopes))
        heading = _heading(figure, size)
        if records.tell() + compact.tell() > MAX_BYTES - _most_around(heading, checkpoint):
            raise BundleRefused(reason="it is too large")
        for piece in _zipped((BytesIO(heading), BytesIO(checkpoint), records, compact)):
            target.write(piece)


def _spool(target: IO[bytes], pieces: Iterable[bytes]) -> int:
    """Write pieces, and count them; no more than a bundle has room for."""
    count = 0
    for piece in pieces:
        if target.tell() + len(piece) > MAX_BYTES:
            raise BundleRefused(reason="it is too large")
        target.write(piece)
        count += 1
    return count


def _heading(figure: int, size: int) -> bytes:
    members = {"format": FORMAT, "figure": figure, "size": size}
    return json.dumps(members, separators=(",", ":")).encode("ascii")


def _framed(leaf: bytes | LeafHash) -> bytes:
    if isinstance(leaf, LeafHash):
        return bytes([_HASH]) + leaf.digest
    return _RECORD.pack(_WHOLE, len(leaf)) + leaf


_HASH, _WHOLE = 0, 1
_RECORD = struct.Struct(">BH")
_ENVELOPE = struct.Struct(">QI")


# --- Reading -------------------------------------------------------------------------------


def read(source: BinaryIO) -> Bundle:
    """Read what `write` wrote; its members are well-formed, and nothing more.

    Raises BundleRefused.
    """
    data = source.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise BundleRefused(reason="it is too large")
    return parse(data)


def parse(data: bytes) -> Bundle:
    """As `read`, from memory; writing the result gives ``data`` again."""
    heading, checkpoint, leaves, envelopes = _unzipped(memoryview(data))
    figure, size = _parsed_heading(bytes(heading))
    found = list(_leaves(leaves))
    if len(found) != size or figure >= size:
        raise BundleRefused(reason="its leaves are not as many as it says")
    return Bundle(figure, bytes(checkpoint), found, dict(_envelopes(envelopes, size)))


def _parsed_heading(heading: bytes) -> tuple[int, int]:
    match = _HEADING.fullmatch(heading)
    if match is None:
        raise BundleRefused(reason=f"it is not a {FORMAT}")
    return int(match[1]), int(match[2])


_HEADING = re.compile(
    rb'\{"format":"%s","figure":(0|[1-9][0-9]{0,18}),"size":([1-9][0-9]{0,18})\}' % FORMAT.encode()
)


def _leaves(member: memoryview) -> Iterator[bytes | LeafHash]:
    at = 0
    while at < len(member):
        kind = member[at]
        if kind not in (_HASH, _WHOLE) or at + _RECORD.size > len(member):
            raise BundleRefused(reason="a leaf in it is neither a record nor a hash")
        start = at + (_RECORD.size if kind else 1)
        at = start + (_RECORD.unpack_from(member, at)[1] if kind else HASH_BYTES)
        if not start < at <= len(member):
            raise BundleRefused(reason="a leaf in it is empty, or cut off")
        data = bytes(member[start:at])
        yield data if kind else LeafHash(data)


def _envelopes(member: memoryview, size: int) -> Iterator[tuple[int, bytes]]:
    at, end, before = 0, len(member), -1
    while at < end:
        if at + _ENVELOPE.size > end:
            raise BundleRefused(reason="an envelope in it is cut off")
        index, length = _ENVELOPE.unpack_from(member, at)
        start, at = at + _ENVELOPE.size, at + _ENVELOPE.size + length
        if not before < index < size:
            raise BundleRefused(reason="its envelopes are not in the order of their entries")
        if not 0 < length <= MAX_COMPACT_BYTES or at > end:
            raise BundleRefused(reason="an envelope in it has an impossible length")
        yield index, bytes(member[start:at])
        before = index


# --- The container -------------------------------------------------------------------------
# A zip (PKWARE APPNOTE 6.3.3 sections 4.3.7, 4.3.12, 4.3.16) of stored members. It is written here,
# and read by comparing with what would have been written: general readers look for the directory
# from the end and forgive much, so that two of them may see two bundles in one file.

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_VERSION = 20
_UNIX = 3 << 8
_PLAIN_FILE = 0o100644 << 16
_MIDNIGHT, _NEW_YEAR_1980 = 0, 1 << 5 | 1
_SIZE_AT = 18
_AROUND = sum(_LOCAL.size + _CENTRAL.size + 2 * len(name) for name in MEMBERS) + _END.size


def _most_around(*others: bytes) -> int:
    """How many bytes a bundle has besides its leaves and envelopes."""
    return _AROUND + sum(map(len, others))


def _zipped(contents: Sequence[IO[bytes]]) -> Iterator[bytes]:
    at, directory = 0, []
    for name, content in zip(MEMBERS, contents, strict=True):
        crc, length = _measured(content)
        directory.append(_central(name, crc, length, at))
        header = _local(name, crc, length)
        yield header
        yield from _chunks(content)
        at += len(header) + length
    yield _directory(directory, at)


def _measured(content: IO[bytes]) -> tuple[int, int]:
    """Checksum and length."""
    crc = length = 0
    for chunk in _chunks(content):
        crc, length = zlib.crc32(chunk, crc), length + len(chunk)
    return crc, length


def _chunks(content: IO[bytes]) -> Iterator[bytes]:
    """All of it from the beginning."""
    content.seek(0)
    return iter(partial(content.read, _CHUNK), b"")


def _unzipped(data: memoryview) -> list[memoryview]:
    at, directory, contents = 0, [], []
    for name in MEMBERS:
        start = at + _LOCAL.size + len(name)
        if start > len(data):
            raise BundleRefused(reason=f"it has no member {name} in its place")
        (length,) = struct.unpack_from("<I", data, at + _SIZE_AT)
        content = data[start : start + length]
        if length > _LIMITS.get(name, MAX_BYTES) or len(content) < length:
            raise BundleRefused(reason=f"its member {name} is too large, or cut off")
        crc = zlib.crc32(content)
        if data[at:start] != _local(name, crc, length):
            raise BundleRefused(reason=f"its member {name} is damaged, or not in its place")
        directory.append(_central(name, crc, length, at))
        contents.append(content)
        at = start + length
    if data[at:] != _directory(directory, at):
        raise BundleRefused(reason="its directory is damaged, or something follows it")
    return contents


def _local(name: str, crc: int, length: int) -> bytes:
    head = (b"PK\3\4", _VERSION, 0, 0, _MIDNIGHT, _NEW_YEAR_1980, crc, length, length)
    return _LOCAL.pack(*head, len(name), 0) + name.encode("ascii")


def _central(name: str, crc: int, length: int, at: int) -> bytes:
    head = (b"PK\1\2", _UNIX | _VERSION, _VERSION, 0, 0, _MIDNIGHT, _NEW_YEAR_1980)
    of_file = (crc, length, length, len(name), 0, 0, 0, 0, _PLAIN_FILE, at)
    return _CENTRAL.pack(*head, *of_file) + name.encode("ascii")


def _directory(entries: Sequence[bytes], at: int) -> bytes:
    listed = b"".join(entries)
    count = len(entries)
    return listed + _END.pack(b"PK\5\6", 0, 0, count, count, len(listed), at, 0)
