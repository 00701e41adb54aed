"""The tables in code and the database that the migrations make are the same."""

import logging
import re
from pathlib import Path

import sqlalchemy as sa

import migrations
from ledger.store import open_engine, reading


def _structure(engine: sa.Engine) -> list[str]:
    """Every statement that made the database, without its quotes and spacing."""
    query = sa.text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE :own")
    with reading(engine) as connection:
        made = connection.execute(query, {"own": "alembic%"}).scalars()
        return sorted(re.sub(r'["\s]+', " ", sql).replace("( ", "(") for sql in made)


def test_an_upgraded_database_has_exactly_the_tables_in_code(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/upgraded.db")
    migrations.upgrade(engine)
    assert migrations.differences(engine) == []


def test_a_database_made_from_the_tables_in_code_has_the_same_structure(tmp_path: Path) -> None:
    # compare_metadata overlooks names, options and partial types; the SQL shows all of them.
    upgraded = open_engine(f"sqlite:///{tmp_path}/upgraded.db")
    migrations.upgrade(upgraded)
    created = open_engine(f"sqlite:///{tmp_path}/created.db")
    for metadata in migrations.METADATA:
        metadata.create_all(created)
    assert _structure(upgraded) == _structure(created)


def test_a_difference_is_noticed(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/altered.db")
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE entry ADD COLUMN note TEXT")
    assert len(migrations.differences(engine)) == 1


def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/twice.db")
    migrations.upgrade(engine)
    before = _structure(engine)
    migrations.upgrade(engine)
    assert _structure(engine) == before


def test_upgrading_leaves_logging_as_it_was(tmp_path: Path) -> None:
    before = (logging.root.level, list(logging.root.handlers))
    migrations.upgrade(open_engine(f"sqlite:///{tmp_path}/quiet.db"))
    assert (logging.root.level, list(logging.root.handlers)) == before
