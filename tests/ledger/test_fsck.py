"""Whoever changes the database behind the log's back is found, and what was changed is named."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.fsck import Report, fsck
from ledger.statements import Product
from ledger.store import open_engine
from tests.factory import Actor, Factory

SIZE = 300


@dataclass
class World:
    """A log of 300 entries: one to six by registration and books, the rest products.

    One checkpoint for each of the first, one for every fifty of the rest, each a minute later.
    ``chain`` are the indexes of a statement, its correction and their withdrawal.
    """

    bytes: bytes
    chain: tuple[int, int, int]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    factory = Factory(tmp_path_factory.mktemp("world"))
    acme = factory.enterprise("Acme", alg="ES256")
    steel = acme.product("Steel")
    said = acme.footprint(steel, "1.5")
    corrected = acme.correct(said, pact=acme.pact_body("2.5"))
    gone = acme.withdraw(corrected)
    fill(acme, SIZE)
    factory.close()
    with closing(sqlite3.connect(factory.database)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return World(factory.database.read_bytes(), (said.index, corrected.index, gone.index))


def fill(acme: Actor, size: int, batch: int = 50) -> None:
    factory = acme.factory
    while missing := size - factory.log.size():
        factory.clock.advance(seconds=60)
        bodies = [Product(id=factory.uuid(), name="Iron", unit="KGM") for _ in range(missing)]
        factory.log.append([acme.sign(body) for body in bodies[:batch]])


@pytest.fixture
def database(world: World, tmp_path: Path) -> Path:
    path = tmp_path / "log.db"
    path.write_bytes(world.bytes)
    return path


def checked(path: Path) -> Report:
    engine = open_engine(f"sqlite:///{path}")
    try:
        return fsck(engine)
    finally:
        engine.dispose()


def tampered(path: Path, *statements: str) -> list[str]:
    """Where and what is found after raw SQL: ``"where rule"``."""
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)
    return [f"{each.where}: {each.rule}" for each in checked(path).findings]


def test_a_sound_log_has_no_findings(database: Path) -> None:
    assert checked(database) == Report(SIZE, ())


ENTRY = 'UPDATE entry SET {} WHERE "index" = 100'


def swap(column: str, a: int, b: int) -> tuple[str, ...]:
    """Exchange what two entries have in a column."""
    return (
        f'CREATE TEMP TABLE kept AS SELECT {column} AS value FROM entry WHERE "index" = {a}',
        (
            f'UPDATE entry SET {column} = (SELECT {column} FROM entry WHERE "index" = {b}) '
            f'WHERE "index" = {a}'
        ),
        f'UPDATE entry SET {column} = (SELECT value FROM kept) WHERE "index" = {b}',
    )


TAMPERING: dict[str, tuple[tuple[str, ...], str]] = {
    "another byte in a leaf": (
        (ENTRY.format("leaf = CAST(replace(leaf, '\"v\":1', '\"v\":2') AS BLOB)"),),
        "entry 100: leaf-malformed",
    ),
    "another time in a leaf": (
        (ENTRY.format("leaf = CAST(replace(leaf, '\"time\":1', '\"time\":2') AS BLOB)"),),
        "entry 100: leaf-not-in-tree",
    ),
    "a leaf that is nothing": ((ENTRY.format("leaf = X''"),), "entry 100: leaf-malformed"),
    "a leaf that is a number": ((ENTRY.format("leaf = 7"),), "entry 100: leaf-malformed"),
    "leaves exchanged": (swap("leaf", 100, 101), "entry 101: leaf-not-in-tree"),
    "envelopes exchanged": (swap("envelope", 100, 101), "entry 100: envelope-differs"),
    "an envelope of garbage": (
        (ENTRY.format("envelope = X'00FF'"),),
        "entry 100: envelope-malformed",
    ),
    "an envelope as text": (
        (ENTRY.format("envelope = CAST(envelope AS TEXT)"),),
        "entry 100: envelope-malformed",
    ),
    "an envelope taken out": ((ENTRY.format("envelope = X''"),), "entry 100: entry-refused"),
    "another signature": (
        (
            ENTRY.format(
                "envelope = CAST(substr(CAST(envelope AS TEXT), 1, length(envelope) - 86) || "
                "substr((SELECT CAST(envelope AS TEXT) FROM entry WHERE \"index\" = 99), -86) "
                "AS BLOB)"
            ),
        ),
        "entry 100: envelope-differs",
    ),
    "another digest": ((ENTRY.format("signed = 'x'"),), "entry 100: column-differs"),
    "another type": ((ENTRY.format("type = 'site'"),), "entry 100: column-differs"),
    "another key": ((ENTRY.format("kid = 'x'"),), "entry 100: column-differs"),
    "another chain": ((ENTRY.format("chain = 'x'"),), "entry 100: column-differs"),
    "another subject": ((ENTRY.format("subject = 'x'"),), "entry 100: column-differs"),
    "another time": ((ENTRY.format("time = 0"),), "entry 100: column-differs"),
    "a time that is no number": ((ENTRY.format("time = 'soon'"),), "entry 100: column-differs"),
    "text that is not UTF-8": (
        (ENTRY.format("subject = CAST(X'FF' AS TEXT)"),),
        "entry 100: column-differs",
    ),
    "an erasure that nobody said": ((ENTRY.format("erased_by = 3"),), "entry 100: derived-differs"),
    "an entry deleted": (('DELETE FROM entry WHERE "index" = 100',), "entry 100: entry-missing"),
    "the last entries deleted": (
        ('DELETE FROM entry WHERE "index" >= 290',),
        "entry 290: entries-missing",
    ),
    "the genesis deleted": (('DELETE FROM entry WHERE "index" = 0',), "entry 0: entry-missing"),
    "an entry moved away": (
        ('UPDATE entry SET "index" = 1000000000000 WHERE "index" = 299',),
        "entry 1000000000000: entry-outside",
    ),
    "an entry before the first": (
        ('UPDATE entry SET "index" = -1 WHERE "index" = 299',),
        "entry -1: entry-outside",
    ),
    "an entry added": (
        (
            ("INSERT INTO entry SELECT 300, 'x', envelope, leaf, type, kid, chain, subject, time, "
            'erased_by FROM entry WHERE "index" = 299'),
        ),
        "entry 300: entry-unsigned",
    ),
    "a hash in a tile": (
        (("UPDATE tile SET hashes = CAST(X'00' || substr(hashes, 2) AS BLOB) "
         'WHERE level = 0 AND "index" = 1'),),
        "entry 256: leaf-not-in-tree",
    ),
    "a hash higher up": (
        ("UPDATE tile SET hashes = CAST(X'00' || substr(hashes, 2) AS BLOB) WHERE level = 1",),
        "tile/1/000.p/1: tile-differs",
    ),
    "a short tile": (
        ("UPDATE tile SET hashes = substr(hashes, 1, 33) WHERE level = 0 AND \"index\" = 1",),
        "tile/0/001.p/44: tile-malformed",
    ),
    "a long tile": (
        ("UPDATE tile SET hashes = CAST(hashes || hashes AS BLOB) WHERE level = 1",),
        "tile/1/000.p/1: tile-malformed",
    ),
    "a tile of text": (("UPDATE tile SET hashes = 'x' WHERE level = 1",),
                       "tile/1/000.p/1: tile-malformed"),
    "a tile deleted": (('DELETE FROM tile WHERE level = 0 AND "index" = 0',),
                       "tile/0/000: tile-missing"),
    "a tile too many": (("INSERT INTO tile VALUES (5, 7, X'00')",), "tile/5/7: tile-outside"),
    "tiles exchanged": (
        ('UPDATE tile SET "index" = 9 WHERE level = 0 AND "index" = 0',
         'UPDATE tile SET "index" = 0 WHERE level = 0 AND "index" = 1',
         'UPDATE tile SET "index" = 1 WHERE level = 0 AND "index" = 9'),
        "tile/0/000: tile-malformed",
    ),
    "a signature of a checkpoint": (
        (("UPDATE checkpoint SET note = CAST(replace(CAST(note AS TEXT), 'log.test', 'log.text') "
         "AS BLOB) WHERE size = 5"),),
        "checkpoint 5: checkpoint-malformed",
    ),
    "a checkpoint of garbage": (("UPDATE checkpoint SET note = X'FF' WHERE size = 300",),
                                "checkpoint 300: checkpoint-malformed"),
    "a checkpoint of text": (("UPDATE checkpoint SET note = 'x' WHERE size = 300",),
                             "checkpoint 300: checkpoint-malformed"),
    "checkpoints exchanged": (
        (("UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 4) "
         "WHERE size = 5"),),
        "checkpoint 5: checkpoint-differs",
    ),
    "the last checkpoint deleted": (("DELETE FROM checkpoint WHERE size = 300",),
                                    "entry 257: entry-unsigned"),
    "a checkpoint in between deleted": (("DELETE FROM checkpoint WHERE size = 157",),
                                        "checkpoint 157: checkpoint-missing"),
    "the first checkpoint deleted": (("DELETE FROM checkpoint WHERE size = 1",),
                                     "checkpoint 1: checkpoint-missing"),
    "a checkpoint beyond the end": (
        ("INSERT INTO checkpoint SELECT 999999999999, note FROM checkpoint WHERE size = 5",),
        "checkpoint 999999999999: checkpoint-differs",
    ),
    "a head on its last statement but one": (
        (('UPDATE head SET "index" = 4, digest = (SELECT signed FROM entry WHERE "index" = 4) '
         "WHERE withdrawn"),),
        "head footprint|: derived-differs",
    ),
    "a withdrawal undone": (("UPDATE head SET withdrawn = 0 WHERE withdrawn",),
                            "head footprint|: derived-differs"),
    "another owner": (("UPDATE head SET owner = 'x' WHERE type = 'key'",),
                      "head key|: derived-differs"),
    "a head deleted": (("DELETE FROM head WHERE type = 'key'",), "head key|: derived-missing"),
    "a head added": (
        (("INSERT INTO head SELECT 'key|x', type, about, 'x', digest, sound_digest, \"index\", "
         "stated_index, owner, withdrawn FROM head WHERE type = 'key'"),),
        "head key|x: derived-surplus",
    ),
    "a value released": (("DELETE FROM taken WHERE space = 'pact-id' AND \"index\" = 4",),
                         "taken pact-id: derived-missing"),
    "a value claimed": (("INSERT INTO taken VALUES ('id', 'x', 3)",),
                        "taken id x: derived-surplus"),
    "a value claimed by another": (("UPDATE taken SET \"index\" = 2 WHERE space = 'pact-id'",),
                                   "taken pact-id: derived-differs"),
}  # fmt: skip


def matches(found: str, expected: str) -> bool:
    where, _, rule = expected.partition(": ")
    return found.startswith(where) and found.endswith(f": {rule}")


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_found_and_its_place_is_named(database: Path, how: str) -> None:
    statements, expected = TAMPERING[how]
    found = tampered(database, *statements)
    assert any(matches(each, expected) for each in found), found
    assert len(found) < 60


def test_one_wrong_row_does_not_hide_another(database: Path) -> None:
    found = tampered(
        database,
        ENTRY.format("leaf = X'00'"),
        'DELETE FROM entry WHERE "index" = 200',
        "UPDATE tile SET hashes = X'00' WHERE level = 1",
        "UPDATE checkpoint SET note = X'00' WHERE size = 257",
    )
    assert {
        "entry 100: leaf-malformed",
        "entry 200: entry-missing",
        "tile/1/000.p/1: tile-malformed",
        "checkpoint 257: checkpoint-malformed",
        "head, taken: replay-ended",
    } <= set(found)


def test_a_rewritten_history_no_longer_fits_what_was_signed(database: Path) -> None:
    """Leaf, columns and tile altered alike, as one who has the database but not the key can."""
    found = tampered(
        database,
        ENTRY.format("leaf = CAST(replace(leaf, '\"time\":1', '\"time\":2') AS BLOB)"),
        "UPDATE tile SET hashes = CAST(substr(hashes, 1, 3200) || randomblob(32) || "
        'substr(hashes, 3233) AS BLOB) WHERE level = 0 AND "index" = 0',
    )
    assert "checkpoint 107: checkpoint-root" in found
    assert "entry 100: leaf-not-in-tree" in found


def test_an_empty_database_is_said_to_be_one(
    new_database: Callable[[str], sa.Engine],
) -> None:
    assert [each.rule for each in fsck(new_database("empty")).findings] == ["log-empty"]


def test_a_damaged_file_is_said_to_be_one(database: Path) -> None:
    whole = database.read_bytes()
    database.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))
    assert checked(database).findings[-1].rule == "database-unreadable"


COLUMNS = {
    "entry": ("signed", "envelope", "leaf", "type", "kid", "chain", "subject", "time"),
    "tile": ("level", "hashes"),
    "checkpoint": ("note",),
    "head": ("type", "about", "opening", "digest", "index", "stated_index", "owner", "withdrawn"),
    "taken": ("index",),
}
VALUES = ("X''", "X'FF00'", "'text'", "7", "-1", "1e300", "CAST(X'C328' AS TEXT)", "NULL")


@given(
    data=st.data(),
    value=st.sampled_from(VALUES),
    table=st.sampled_from(sorted(COLUMNS)),
)
@settings(max_examples=25, deadline=None)
def test_whatever_is_stored_findings_come_of_it(
    world: World, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, value: str,
    table: str,
) -> None:  # fmt: skip
    column = data.draw(st.sampled_from(COLUMNS[table]))
    nth = data.draw(st.integers(0, 2))
    path = tmp_path_factory.mktemp("any") / "log.db"
    path.write_bytes(world.bytes)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        before = database.execute(f"SELECT * FROM {table}").fetchall()
        # As a damaged page would have it, whatever the table asks for.
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '')")
        database.execute("PRAGMA writable_schema = RESET")
        key = "rowid" if table != "taken" else "value"
        which = f"SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {nth * 2}"
        database.execute(
            f'UPDATE OR IGNORE {table} SET "{column}" = {value} WHERE {key} = ({which})'
        )
        try:
            same = database.execute(f"SELECT * FROM {table}").fetchall() == before
        except sqlite3.OperationalError:
            same = False
    assert bool(checked(path).findings) is not same
