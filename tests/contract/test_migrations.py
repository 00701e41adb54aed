"""The tables in code and the database that the migrations make are the same."""

import logging
import re
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

import migrations
from ledger.store import reading


def _structure(engine: sa.Engine) -> list[str]:
    """Every statement that made the database, without its quotes and spacing."""
    query = sa.text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE :own")
    with reading(engine) as connection:
        made = connection.execute(query, {"own": "alembic%"}).scalars()
        return sorted(re.sub(r'["\s]+', " ", sql).replace("( ", "(") for sql in made)


NewDatabase = Callable[[str], sa.Engine]


def test_an_upgraded_database_has_exactly_the_tables_in_code(new_database: NewDatabase) -> None:
    assert migrations.differences(new_database("upgraded")) == []


def test_a_database_made_from_the_tables_in_code_has_the_same_structure(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    # compare_metadata overlooks names, options and partial types; the SQL shows all of them.
    created = sa.create_engine(f"sqlite:///{tmp_path}/created.db")
    for metadata in migrations.METADATA:
        metadata.create_all(created)
    assert _structure(new_database("upgraded")) == _structure(created)
    created.dispose()


def test_a_difference_is_noticed(new_database: NewDatabase) -> None:
    engine = new_database("altered")
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE entry ADD COLUMN note TEXT")
    assert len(migrations.differences(engine)) == 1


def test_upgrading_twice_changes_nothing(new_database: NewDatabase) -> None:
    engine = new_database("twice")
    before = _structure(engine)
    migrations.upgrade(engine)
    assert _structure(engine) == before


def test_upgrading_leaves_logging_as_it_was(new_database: NewDatabase) -> None:
    before = (logging.root.level, list(logging.root.handlers))
    new_database("quiet")
    assert (logging.root.level, list(logging.root.handlers)) == before
