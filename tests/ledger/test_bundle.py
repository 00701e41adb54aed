"""The file that an auditor gets: what is written is read, and nothing else is."""

from __future__ import annotations

import io
import os
import tracemalloc
import zipfile
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import bundle
from ledger.bundle import Bundle, LeafHash
from ledger.errors import BundleRefused

_LEAVES = st.lists(
    st.binary(min_size=1, max_size=40) | st.binary(min_size=32, max_size=32).map(LeafHash),
    min_size=1,
    max_size=8,
)


def written(
    figure: int,
    checkpoint: bytes,
    leaves: Iterable[bytes | LeafHash],
    envelopes: Iterable[tuple[int, bytes]],
) -> bytes:
    target = io.BytesIO()
    bundle.write(target, figure, checkpoint, leaves, envelopes)
    return target.getvalue()


SMALL = written(1, b"a note", [b"zero", LeafHash(bytes(32)), b"2"], [(0, b"a.b.c"), (2, b"d.e.f")])


@given(leaves=_LEAVES, note=st.binary(max_size=50), data=st.data())
def test_what_is_written_is_read(
    leaves: list[bytes | LeafHash], note: bytes, data: st.DataObject
) -> None:
    indexes = st.integers(0, len(leaves) - 1)
    figure = data.draw(indexes)
    envelopes = dict(sorted(data.draw(st.dictionaries(indexes, st.binary(min_size=1))).items()))
    packed = written(figure, note, leaves, envelopes.items())
    assert bundle.parse(packed) == Bundle(figure, note, leaves, envelopes)


def test_any_unzip_reads_it() -> None:
    with zipfile.ZipFile(io.BytesIO(SMALL)) as zip:
        assert zip.testzip() is None
        assert zip.namelist() == list(bundle.MEMBERS)
        heading = b'{"format":"catchment-bundle@v1","figure":1,"size":3}'
        assert zip.read("bundle.json") == heading
        assert zip.read("checkpoint") == b"a note"
        assert {info.date_time for info in zip.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_no_byte_of_it_can_be_another() -> None:
    """What the container does not fix is content: then another content is read, never the same."""
    content = bundle.parse(SMALL)
    for at in range(len(SMALL)):
        for flip in (1, 0x80, 0xFF):
            changed = SMALL[:at] + bytes([SMALL[at] ^ flip]) + SMALL[at + 1 :]
            with pytest.raises(BundleRefused):
                assert bundle.parse(changed) == content


@pytest.mark.parametrize("size", range(0, len(SMALL), 7))
def test_a_bundle_cut_off_anywhere_is_refused(size: int) -> None:
    with pytest.raises(BundleRefused):
        bundle.parse(SMALL[:size])


@pytest.mark.parametrize("around", [b"\0", b"PK\5\6" + bytes(18), SMALL])
def test_nothing_stands_around_a_bundle(around: bytes) -> None:
    with pytest.raises(BundleRefused, match="something follows"):
        bundle.parse(SMALL + around)
    with pytest.raises(BundleRefused):
        bundle.parse(around + SMALL)


def test_what_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", len(SMALL) - 1)
    with pytest.raises(BundleRefused, match="too large"):
        bundle.read(io.BytesIO(SMALL))


def test_a_bundle_that_would_be_too_large_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", 1000)
    with pytest.raises(BundleRefused, match="too large"):
        written(0, bytes(900), [b"leaf"], [])


@pytest.mark.parametrize("envelopes", [[(2, b"a"), (0, b"b")], [(1, b"a"), (1, b"a")], [(3, b"a")]])
def test_envelopes_stand_in_the_order_of_their_entries(envelopes: list[tuple[int, bytes]]) -> None:
    with pytest.raises(BundleRefused, match="order"):
        bundle.parse(written(0, b"", [b"0", b"1", b"2"], envelopes))


def test_an_empty_envelope_is_none() -> None:
    with pytest.raises(BundleRefused, match="impossible length"):
        bundle.parse(written(0, b"", [b"0"], [(0, b"")]))


def test_the_figure_is_an_entry_of_the_tree() -> None:
    with pytest.raises(BundleRefused, match="leaves"):
        bundle.parse(written(1, b"", [b"0"], []))


def test_a_leaf_hash_is_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        LeafHash(bytes(31))


def test_a_large_bundle_is_not_held_in_memory() -> None:
    """50 MB of leaves and envelopes, of which no more than 8 MB each are kept at a time."""
    leaves = (b"x" * 1000 for _ in range(25_000))
    envelopes = ((index, b"y" * 1000) for index in range(25_000))
    with open(os.devnull, "wb") as nowhere:
        tracemalloc.start()
        try:
            bundle.write(nowhere, 0, b"note", leaves, envelopes)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 25 << 20
