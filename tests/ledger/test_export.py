"""A log in one file: the same bytes for the same log, and nothing else is taken for one."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import errors, tiles
from ledger.export import bundles, export, open_archive
from ledger.note import open_note
from ledger.statements import Product
from tests.databases import tampering
from tests.factory import Factory


def grown_to(factory: Factory, size: int) -> Factory:
    """A log of ``size`` entries, at least 4, signed in ever smaller batches an hour apart."""
    acme = factory.enterprise("Acme", alg="ES256")
    while missing := size - factory.log.size():
        factory.clock.advance(seconds=3600)
        bodies = [Product(id=factory.uuid(), name="Steel", unit="KGM") for _ in range(missing)]
        factory.log.append([acme.sign(body) for body in bodies[: 1 + missing // 2]])
    return factory


@pytest.fixture
def exported(factory: Factory, tmp_path: Path) -> Path:
    grown_to(factory, 300)
    export(factory.engine, tmp_path / "log.zip")
    return tmp_path / "log.zip"


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def zipped(path: Path, content: dict[str, bytes], **how: int) -> Path:
    """A zip of these members, in this order, as we would write it."""
    with zipfile.ZipFile(path, "w", **how) as made:
        for name, data in content.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = how.get("compression", zipfile.ZIP_STORED)
            made.writestr(info, data)
    return path


def test_an_export_lies_as_tlog_tiles_prescribes(exported: Path, factory: Factory) -> None:
    """300 = 256 + 44 entries: two bundles, two tiles of level 0, one hash of level 1."""
    assert list(members(exported)) == [
        "checkpoint",
        "checkpoints",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
        "envelope/000",
        "envelope/001.p/44",
    ]
    assert members(exported)["checkpoint"] == factory.log.checkpoint()


def test_an_entry_bundle_hashes_to_its_tile_as_others_read_it(exported: Path) -> None:
    """Read by hand as C2SP tlog-tiles says: uint16 length, data; RFC 6962 leaf hash."""
    read = members(exported)
    for place in ("000", "001.p/44"):
        bundle, hashes = io.BytesIO(read[f"tile/entries/{place}"]), b""
        while head := bundle.read(2):
            data = bundle.read(int.from_bytes(head, "big"))
            hashes += hashlib.sha256(b"\x00" + data).digest()
        assert hashes == read[f"tile/0/{place}"]


def test_an_export_is_for_its_owner_alone(exported: Path) -> None:
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert [each.name for each in exported.parent.glob(".*")] == []


def test_the_same_log_gives_the_same_bytes(exported: Path, factory: Factory) -> None:
    first = exported.read_bytes()
    factory.reopen()
    export(factory.engine, exported)
    assert exported.read_bytes() == first


def test_what_is_read_is_what_the_log_holds(exported: Path, factory: Factory) -> None:
    entries = list(factory.log.entries())
    with open_archive(exported) as archive:
        assert archive.size == factory.log.size() == 300
        leaves = [leaf for bundle in bundles(300) for leaf in archive.leaves(*bundle)]
        envelopes = [each for bundle in bundles(300) for each in archive.envelopes(*bundle)]
        notes = list(archive.notes())
        for level, index, width in tiles.layout(300):
            assert archive.tile(level, index, width) == factory.log.tile(level, index)
    assert leaves == [entry.leaf.encode() for entry in entries]
    assert envelopes == [entry.envelope for entry in entries]
    assert notes[-1] == archive.note == factory.log.checkpoint()
    assert all(open_note(note, [factory.log.verifier]) for note in notes)


def test_progress_ends_where_the_log_ends(exported: Path, factory: Factory) -> None:
    told: list[tuple[int, int]] = []
    export(factory.engine, exported, lambda *at: told.append(at))
    assert told == [(256, 300), (300, 300)]


def test_a_database_without_a_log_is_not_exported(
    new_database: Callable[[str], sa.Engine], tmp_path: Path
) -> None:
    with pytest.raises(errors.LogNotFound):
        export(new_database("empty"), tmp_path / "log.zip")
    assert not list(tmp_path.glob("*.zip*"))


@pytest.mark.parametrize(
    ("damage", "condition"),
    [
        ('DELETE FROM entry WHERE "index" = 290', errors.TreeDamaged),
        ('UPDATE entry SET leaf = :nul WHERE "index" = 290', errors.TreeDamaged),
        ("UPDATE tile SET hashes = :nul WHERE level = 1", errors.TileTruncated),
    ],
)
def test_a_damaged_log_leaves_no_export_behind(
    factory: Factory, tmp_path: Path, damage: str, condition: type[Exception]
) -> None:
    grown_to(factory, 300)
    with tampering(factory.url) as connection:
        connection.execute(sa.text(damage), {"nul": b"\0"})
    with pytest.raises(condition):
        export(factory.engine, tmp_path / "log.zip")
    assert not list(tmp_path.glob("*log.zip*"))


# --- what is not an export ---


def read_all(path: Path) -> None:
    with open_archive(path) as archive:
        list(archive.notes())
        for bundle in bundles(archive.size):
            archive.leaves(*bundle)
            archive.envelopes(*bundle)
        for tile in tiles.layout(archive.size):
            archive.tile(*tile)


def refused(path: Path) -> str:
    with pytest.raises(errors.ExportRefused) as caught:
        read_all(path)
    return str(caught.value)


def test_no_zip_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.zip").write_bytes(b"PK\x03\x04 no, it is not")
    assert "not a zip file" in refused(tmp_path / "log.zip")


def test_what_would_swell_when_it_is_read_is_refused(exported: Path) -> None:
    bomb = {**members(exported), "tile/0/000": bytes(50_000_000)}
    zipped(exported, bomb, compression=zipfile.ZIP_DEFLATED)
    assert exported.stat().st_size < 300_000
    assert "compressed" in refused(exported)


def test_a_member_that_is_too_large_is_refused_before_it_is_read(exported: Path) -> None:
    zipped(exported, {**members(exported), "checkpoint": bytes(200_000)})
    assert "too large" in refused(exported)


def without(content: dict[str, bytes], name: str) -> dict[str, bytes]:
    return {each: data for each, data in content.items() if each != name}


CHANGES: dict[str, Callable[[dict[str, bytes]], dict[str, bytes]]] = {
    "one more": lambda m: {**m, "notes.txt": b""},
    "one less": lambda m: without(m, "tile/1/000.p/1"),
    "another name": lambda m: {**without(m, "envelope/001.p/44"), "envelope/001.p/45": b""},
    "up and away": lambda m: {**without(m, "envelope/001.p/44"), "../../x": b""},
    "another order": lambda m: dict(reversed(m.items())),
    "no checkpoint": lambda m: without(m, "checkpoint"),
    "no note": lambda m: {**m, "checkpoint": b"\xff\n\n"},
    "a size out of thin air": lambda m: {
        **m,
        "checkpoint": m["checkpoint"].replace(b"\n300\n", b"\n9223372036854775807\n"),
    },
    "nothing at all": lambda m: {
        "checkpoint": m["checkpoint"].replace(b"\n300\n", b"\n0\n"),
        "checkpoints": b"",
    },
    "a short tile": lambda m: {**m, "tile/0/000": bytes(8191)},
    "a long tile": lambda m: {**m, "tile/0/000": bytes(8193)},
    "a record cut off": lambda m: {**m, "envelope/000": m["envelope/000"][:-1]},
    "a length cut off": lambda m: {**m, "envelope/000": m["envelope/000"] + b"\x00"},
    "a record too many": lambda m: {**m, "tile/entries/000": m["tile/entries/000"] + b"\x00\x00"},
    "a record too long": lambda m: {**m, "envelope/000": b"\xff\xff\xff\xff"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_exactly_an_export_is_refused(exported: Path, change: str) -> None:
    refused(zipped(exported, CHANGES[change](members(exported))))


def test_a_member_given_twice_is_refused(exported: Path) -> None:
    with (
        zipfile.ZipFile(exported, "a") as made,
        pytest.warns(UserWarning, match="Duplicate name"),
    ):
        made.writestr(zipfile.ZipInfo("checkpoint"), b"")
    assert "twice" in refused(exported)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_damage_of_the_file_is_a_clear_condition(
    tmp_path_factory: pytest.TempPathFactory, small: bytes, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "log.zip"
    at = data.draw(st.integers(0, len(small) - 1))
    changed = bytearray(small)
    changed[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(changed[: data.draw(st.sampled_from([at, len(small)]))]))
    with suppress(errors.ExportRefused):
        read_all(path)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    factory = Factory(tmp_path_factory.mktemp("small"))
    factory.enterprise("Acme")
    path = factory.database.with_name("log.zip")
    export(factory.engine, path)
    factory.close()
    return path.read_bytes()
