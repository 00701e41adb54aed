"""An RFC 6962 tree kept in tiles 256 hashes wide (C2SP tlog-tiles).

Hash i of level L is the root of the complete subtree over entries [i·256^L, (i+1)·256^L); tile n
of a level holds its hashes [256n, 256n+256), fewer at the right edge. Whatever a proof needs is
made of complete subtrees, and those never change once written. So proofs for any older size can be
read from the tiles of today.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from hashlib import sha256
from itertools import pairwise
from typing import Final, TypeAlias

from ledger.errors import OutsideTree, TileTruncated
from ledger.merkle import EMPTY_ROOT, HASH_BYTES, Frontier, node_hash

HEIGHT: Final = 8
WIDTH: Final = 1 << HEIGHT
TILE_BYTES: Final = WIDTH * HASH_BYTES
LEVELS: Final = 64

TileReader: TypeAlias = Callable[[int, int], bytes]
"""(level, tile index) -> the hashes of that tile, at least as many as the tree's size asks for."""

_Range: TypeAlias = tuple[int, int]

# Six groups before the last are more than any index of a tile can have.
_PLACE = re.compile(
    r"(?P<groups>(?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?", re.ASCII
)


def extend(
    size: int, leaf_hashes: Iterable[bytes], read: TileReader
) -> dict[tuple[int, int], bytes]:
    """Append to a tree of ``size`` entries: {(level, tile index): full new content}.

    Holds every tile that changes and no other; one partial tile per level is read. Hashes that
    ``read`` returns beyond ``size`` are overwritten. Raises TileTruncated, and ValueError for a
    leaf hash that is not 32 bytes long: it would shift every hash after it.
    """
    changed: dict[tuple[int, int], bytes] = {}
    hashes, count, level = list(leaf_hashes), size, 0
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ValueError("a leaf hash must be 32 bytes long")
    while hashes:
        tiles = dict(_filled(level, count, hashes, read))
        changed.update(tiles)
        hashes = [_fold(tile) for tile in tiles.values() if len(tile) == TILE_BYTES]
        count, level = count >> HEIGHT, level + 1
    return changed


def root(size: int, read: TileReader) -> bytes:
    """MTH(D[0:size]); the root of the empty tree for size 0. Raises TileTruncated."""
    return _hash_of((0, size), cache(read)) if size else EMPTY_ROOT


def frontier(size: int, read: TileReader) -> Frontier:
    """The right edge of the tree of ``size`` entries. Raises TileTruncated."""
    cached = cache(read)
    return Frontier(size, tuple(_subtree(each, cached) for each in pairwise(_cuts(0, size))))


def inclusion_path(index: int, size: int, read: TileReader) -> list[bytes]:
    """PATH(index, D[0:size]) of RFC 6962 section 2.1.1, sibling of the leaf first.

    Requires 0 <= index < size. Raises OutsideTree or TileTruncated.
    """
    if not 0 <= index < size:
        raise OutsideTree(size=size)
    return _hashes_of(_siblings(index, size), read)


def consistency_path(size1: int, size2: int, read: TileReader) -> list[bytes]:
    """PROOF(size1, D[0:size2]) of RFC 6962 section 2.1.2.

    Requires 0 < size1 <= size2. Raises OutsideTree or TileTruncated.
    """
    if not 0 < size1 <= size2:
        raise OutsideTree(size=size2)
    return _hashes_of(_growth(size1, size2), read)


def tile_path(level: int, index: int, width: int = WIDTH) -> str:
    """Where a tile of ``width`` hashes is published: ``tile/0/x001/067.p/8``.

    Requires 0 <= level < 64, 0 <= index and 0 < width <= 256; raises ValueError.
    """
    if not 0 <= level < LEVELS:
        raise ValueError(f"no tile has level {level}")
    return f"tile/{level}/{place(index, width)}"


def entries_path(index: int, width: int = WIDTH) -> str:
    """Where the bundle of the ``width`` entries below a tile of level 0 is published."""
    return f"tile/entries/{place(index, width)}"


def place(index: int, width: int = WIDTH) -> str:
    """The end of a path: the index in groups of three digits, and the width of a partial tile.

    Requires 0 <= index and 0 < width <= 256; raises ValueError.
    """
    if not (index >= 0 and 0 < width <= WIDTH):
        raise ValueError(f"no tile has index {index} and width {width}")
    thousands, last = divmod(index, 1000)
    groups = f"{last:03d}"
    while thousands:
        thousands, group = divmod(thousands, 1000)
        groups = f"x{group:03d}/{groups}"
    return f"{groups}.p/{width}" if width < WIDTH else groups


def parse_place(text: str) -> tuple[int, int] | None:
    """The (index, width) of what `place` wrote; ``None`` for any other text."""
    match = _PLACE.fullmatch(text)
    if match is None:
        return None
    index = int("".join(group[-3:] for group in match["groups"].split("/")))
    width = int(match["width"] or WIDTH)
    found = 0 < width <= WIDTH and place(index, width) == text
    return (index, width) if found else None


def layout(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, index, width) of every tile of a tree of ``size`` entries, level by level."""
    level = 0
    while size:
        complete, rest = divmod(size, WIDTH)
        yield from ((level, index, WIDTH) for index in range(complete))
        if rest:
            yield level, complete, rest
        size, level = complete, level + 1


def _filled(
    level: int, count: int, hashes: list[bytes], read: TileReader
) -> Iterator[tuple[tuple[int, int], bytes]]:
    """The tiles that change when ``hashes`` follow the first ``count`` of a level."""
    index, width = divmod(count, WIDTH)
    row = b"".join([_slice(level, index, 0, width, read), *hashes])
    for number, start in enumerate(range(0, len(row), TILE_BYTES)):
        yield (level, index + number), row[start : start + TILE_BYTES]


def _siblings(index: int, size: int) -> Iterator[_Range]:
    """What the path from the root down to the leaf leaves aside at each step."""
    start, end = 0, size
    while end - start > 1:
        middle = _middle(start, end)
        if index < middle:
            yield middle, end
            end = middle
        else:
            yield start, middle
            start = middle


def _growth(size1: int, size2: int) -> Iterator[_Range]:
    """What the path from the root down to the old tree's last subtree leaves aside, and that."""
    start, end = 0, size2
    while end != size1:
        middle = _middle(start, end)
        if size1 <= middle:
            yield middle, end
            end = middle
        else:
            yield start, middle
            start = middle
    if start:  # else the subtree is the whole old tree, whose root the verifier has
        yield start, end


def _middle(start: int, end: int) -> int:
    """Where RFC 6962 splits: after the largest power of two smaller than the length."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _hashes_of(ranges: Iterable[_Range], read: TileReader) -> list[bytes]:
    cached = cache(read)
    return [_hash_of(each, cached) for each in ranges][::-1]


def _hash_of(entries: _Range, read: TileReader) -> bytes:
    """MTH(D[start:end]) where ``start`` is a multiple of a power of two >= the length."""
    *subtrees, node = [_subtree(each, read) for each in pairwise(_cuts(*entries))]
    for left in reversed(subtrees):
        node = node_hash(left, node)
    return node


def _cuts(start: int, end: int) -> Iterator[int]:
    """Cut into complete subtrees, largest first: one for each binary digit of the length."""
    yield start
    while start < end:
        start += 1 << (end - start).bit_length() - 1
        yield start


def _subtree(entries: _Range, read: TileReader) -> bytes:
    """The root over a complete, aligned range of 2^h entries: folded from one slice of one tile."""
    start, end = entries
    level, height = divmod((end - start).bit_length() - 1, HEIGHT)
    index, offset = divmod(start >> level * HEIGHT, WIDTH)
    return _fold(_slice(level, index, offset, 1 << height, read))


def _slice(level: int, index: int, offset: int, count: int, read: TileReader) -> bytes:
    """``count`` hashes of a tile from the one at ``offset`` on, end to end."""
    if not count:
        return b""
    tile, wanted = read(level, index), (offset + count) * HASH_BYTES
    if len(tile) < wanted:
        raise TileTruncated(level=level, index=index, found=len(tile), wanted=wanted)
    return tile[offset * HASH_BYTES : wanted]


def _fold(row: bytes) -> bytes:
    """The root over a power of two of hashes that stand end to end."""
    pair = 2 * HASH_BYTES
    while len(row) > HASH_BYTES:
        # As merkle.node_hash; a proof folds hundreds of pairs, which calls and copies would double.
        row = b"".join(
            [sha256(b"\x01" + row[at : at + pair]).digest() for at in range(0, len(row), pair)]
        )
    return row
