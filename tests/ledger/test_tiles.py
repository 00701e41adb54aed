"""The tiled tree, compared with the definitions of RFC 6962 section 2.1 written out below."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import OutsideTree, TileTruncated
from ledger.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    Frontier,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from ledger.tiles import (
    TILE_BYTES,
    WIDTH,
    consistency_path,
    entries_path,
    extend,
    frontier,
    inclusion_path,
    layout,
    parse_place,
    place,
    root,
    tile_path,
)


@cache
def leaf(index: int) -> bytes:
    return leaf_hash(index.to_bytes(8, "big"))


def split(length: int) -> int:
    """The largest power of two smaller than ``length``."""
    k = 1
    while k * 2 < length:
        k *= 2
    return k


@cache
def mth(start: int, end: int) -> bytes:
    """MTH(D[start:end]), by the RFC's recursion."""
    if end - start == 1:
        return leaf(start)
    k = split(end - start)
    return node_hash(mth(start, start + k), mth(start + k, end))


def rfc_path(m: int, start: int, end: int) -> list[bytes]:
    """PATH(m, D[start:end]), by the RFC's recursion."""
    if end - start == 1:
        return []
    k = split(end - start)
    if m < k:
        return [*rfc_path(m, start, start + k), mth(start + k, end)]
    return [*rfc_path(m - k, start + k, end), mth(start, start + k)]


def rfc_proof(m: int, start: int, end: int, whole: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[start:end], whole), by the RFC's recursion."""
    if m == end - start:
        return [] if whole else [mth(start, end)]
    k = split(end - start)
    if m <= k:
        return [*rfc_proof(m, start, start + k, whole), mth(start + k, end)]
    return [*rfc_proof(m - k, start + k, end, False), mth(start, start + k)]


class Tiles(dict):
    """A tile store that counts what is read."""

    reads = 0

    def read(self, level: int, index: int) -> bytes:
        self.reads += 1
        return self[level, index]


def tree(size: int) -> Tiles:
    tiles = Tiles()
    tiles.update(extend(0, map(leaf, range(size)), tiles.read))
    return tiles


BIGGEST = 600


@pytest.fixture(scope="module")
def tiles() -> Tiles:
    """Tiles of the biggest tree: every proof below is for a size at or before it."""
    return tree(BIGGEST)


def test_the_root_at_every_size_is_that_of_the_definition(tiles):
    assert root(0, tiles.read) == EMPTY_ROOT
    for size in range(1, BIGGEST + 1):
        assert root(size, tiles.read) == mth(0, size)


def test_inclusion_paths_at_every_size_are_those_of_the_definition(tiles):
    for size in range(1, BIGGEST + 1):
        for index in {0, size // 3, size // 2, size - 1, max(0, size - 257), min(255, size - 1)}:
            path = inclusion_path(index, size, tiles.read)
            assert path == rfc_path(index, 0, size)
            verify_inclusion(leaf(index), index, size, path, mth(0, size))


def test_consistency_paths_to_every_size_are_those_of_the_definition(tiles):
    for size2 in range(1, BIGGEST + 1):
        for size1 in {1, max(1, size2 // 3), max(1, size2 // 2), size2, min(256, size2)}:
            path = consistency_path(size1, size2, tiles.read)
            assert path == rfc_proof(size1, 0, size2)
            verify_consistency(size1, mth(0, size1), size2, mth(0, size2), path)


def test_every_proof_of_a_small_tree_is_that_of_the_definition(tiles):
    for size in range(1, 40):
        for index in range(size):
            assert inclusion_path(index, size, tiles.read) == rfc_path(index, 0, size)
            proof = consistency_path(index + 1, size, tiles.read)
            assert proof == rfc_proof(index + 1, 0, size)


@given(st.lists(st.integers(0, 400), max_size=6))
@settings(max_examples=30, deadline=None)
def test_appending_in_batches_gives_the_same_tiles_as_at_once(batches):
    tiles, size = Tiles(), 0
    for batch in batches:
        tiles.update(extend(size, map(leaf, range(size, size + batch)), tiles.read))
        size += batch
    assert tiles == tree(size)
    assert root(size, tiles.read) == (mth(0, size) if size else EMPTY_ROOT)


LARGE = 256 * 256 + 300


@pytest.fixture(scope="module")
def large() -> Tiles:
    return tree(LARGE)


@given(st.integers(0, 700), st.lists(st.integers(0, 300), max_size=4))
@settings(max_examples=40, deadline=None)
def test_a_frontier_grown_without_tiles_comes_to_the_root_of_the_tiles(size, growth):
    grown = frontier(size, tree(size).read)
    for count in growth:
        grown = grown.grown(map(leaf, range(grown.size, grown.size + count)))
    size += sum(growth)
    assert grown == frontier(size, tree(size).read)
    assert len(grown.peaks) == size.bit_count()
    assert grown.root == root(size, tree(size).read) == (mth(0, size) if size else EMPTY_ROOT)
    assert Frontier(0, ()).grown(map(leaf, range(size))) == grown


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_proofs_in_a_tree_of_three_levels_verify(large, data):
    size = data.draw(st.integers(1, LARGE))
    index = data.draw(st.integers(0, size - 1))
    head = root(size, large.read)
    path = inclusion_path(index, size, large.read)
    verify_inclusion(leaf(index), index, size, path, head)
    older = root(index + 1, large.read)
    growth = consistency_path(index + 1, size, large.read)
    verify_consistency(index + 1, older, size, head, growth)


def test_a_tree_of_three_levels_has_the_tiles_of_the_specification(large):
    """65 836 = 257·256 + 44: level 0 has 257 full tiles and 44 hashes; level 1 one full tile and
    one hash; level 2 one hash.
    """
    widths = {key: len(tile) // HASH_BYTES for key, tile in large.items()}
    assert [key for key, width in widths.items() if width < 256] == [(0, 257), (1, 1), (2, 0)]
    assert (widths[0, 257], widths[1, 1], widths[2, 0]) == (44, 1, 1)
    assert len(widths) == 258 + 2 + 1


def test_proofs_read_a_handful_of_tiles(large):
    for make in (
        lambda: root(LARGE - 1, large.read),
        lambda: inclusion_path(12_345, LARGE - 1, large.read),
        lambda: consistency_path(12_345, LARGE - 1, large.read),
    ):
        large.reads = 0
        make()
        assert 0 < large.reads <= 6


def test_appending_reads_one_partial_tile_per_level(large):
    large.reads = 0
    changed = extend(LARGE, [leaf(LARGE)], large.read)
    assert list(changed) == [(0, 257)]
    assert large.reads == 1
    filled = extend(LARGE, map(leaf, range(LARGE, LARGE + 212)), large.read)
    assert [key for key, tile in filled.items() if len(tile) == TILE_BYTES] == [(0, 257)]
    assert list(filled) == [(0, 257), (1, 1)]


def test_hashes_left_beyond_the_size_by_a_failed_append_are_overwritten():
    tiles = tree(10)
    tiles.update(extend(10, [leaf(99)], tiles.read))
    tiles.update(extend(10, [leaf(10)], tiles.read))
    assert tiles == tree(11)


def test_appending_nothing_changes_nothing():
    assert extend(5, [], Tiles().read) == {}


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_no_inclusion_path_exists_outside_the_tree(tiles, index, size):
    with pytest.raises(OutsideTree):
        inclusion_path(index, size, tiles.read)


@pytest.mark.parametrize(("size1", "size2"), [(0, 5), (6, 5), (-1, 5), (0, 0)])
def test_no_consistency_path_exists_from_nothing_or_backwards(tiles, size1, size2):
    with pytest.raises(OutsideTree):
        consistency_path(size1, size2, tiles.read)


def test_a_tile_too_short_for_the_size_is_named():
    tiles = tree(300)
    tiles[0, 1] = tiles[0, 1][:-1]
    with pytest.raises(TileTruncated, match="Tile 1 of level 0 has 1407 bytes; 1408 are needed"):
        root(300, tiles.read)
    with pytest.raises(TileTruncated):
        extend(300, [leaf(300)], tiles.read)


def test_a_leaf_hash_of_another_length_is_never_written():
    with pytest.raises(ValueError, match="32 bytes"):
        extend(0, [b"short"], Tiles().read)


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        ((0, 0, 1), "tile/0/000.p/1"),
        ((0, 67, 8), "tile/0/067.p/8"),
        ((0, 1067, 8), "tile/0/x001/067.p/8"),
        ((1, 1234067, 256), "tile/1/x001/x234/067"),
        ((63, 999, 255), "tile/63/999.p/255"),
        ((2, 1000000, 256), "tile/2/x001/x000/000"),
    ],
)
def test_tile_paths_are_those_of_the_specification(tile, path):
    assert tile_path(*tile) == path


@pytest.mark.parametrize("tile", [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)])
def test_there_is_no_path_to_a_tile_that_cannot_be(tile):
    with pytest.raises(ValueError, match="no tile"):
        tile_path(*tile)


def test_bundles_of_entries_stand_beside_the_tiles():
    assert entries_path(1067, 8) == "tile/entries/x001/067.p/8"


@given(st.integers(0, 10**18), st.integers(1, 256))
def test_a_place_is_read_as_it_was_written(index, width):
    assert parse_place(place(index, width)) == (index, width)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "00",
        "0000",
        "x000/000",
        "x001/x067",
        "001/067",
        "X001/067",
        "000.p",
        "000.p/",
        "000.p/0",
        "000.p/01",
        "000.p/256",
        "000.p/999",
        "000.p/-1",
        "000.p/1/",
        "000/",
        "/000",
        "000 ",
        "00٣",
        "x001/" * 7 + "000",
        "../000",
    ],
)
def test_any_other_spelling_of_a_place_is_none(text):
    assert parse_place(text) is None


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600, 65_536])
def test_the_layout_of_a_tree_names_the_tiles_it_has(size):
    built = {key: len(tile) // HASH_BYTES for key, tile in tree(size).items()}
    assert {(level, index): width for level, index, width in layout(size)} == built
    assert len(list(layout(size))) == len(built)
    assert all(0 < width <= WIDTH for _, _, width in layout(size))


def test_the_split_of_the_definition_is_checked_on_paper():
    assert [split(n) for n in range(2, 10)] == [1, 2, 2, 4, 4, 4, 4, 8]
    assert all(a <= b for a, b in pairwise(split(n) for n in range(2, 99)))
