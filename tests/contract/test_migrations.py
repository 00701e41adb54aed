"""The tables in code and the database that the migrations make are the same."""

import logging
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

import migrations
from ledger.errors import StoreNewer
from ledger.store import open_engine, reading
from tests.patience import HANG_SECONDS
from tests.postgresql import STRUCTURE
from tests.processes import running

ROOT = Path(__file__).parents[2]
NewDatabase = Callable[..., sa.Engine]
NewUrl = Callable[..., str]

SQLITE_STRUCTURE = """
    SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'
"""


def _structure(engine: sa.Engine) -> list[str]:
    """Everything that makes the database what it is, without quotes and spacing."""
    on_sqlite = engine.dialect.name == "sqlite"
    query = sa.text(SQLITE_STRUCTURE if on_sqlite else STRUCTURE)
    with reading(engine) as connection:
        made = connection.execute(query).scalars()
        return sorted(re.sub(r'["\s]+', " ", sql).replace("( ", "(") for sql in made)


def test_an_upgraded_database_has_exactly_the_tables_in_code(new_database: NewDatabase) -> None:
    assert migrations.differences(new_database("upgraded")) == []


def test_files_of_migrations_are_named_and_ordered_by_their_revisions() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent)).walk_revisions()
    assert tuple(script.revision for script in scripts)[::-1] == migrations.STRUCTURES


def test_a_database_made_from_the_tables_in_code_has_the_same_structure(
    new_database: NewDatabase,
) -> None:
    # compare_metadata overlooks names, options and partial types; the catalogue shows all of them.
    created = new_database("created", empty=True)
    for metadata in migrations.METADATA:
        metadata.create_all(created)
    found = _structure(new_database("upgraded"))
    assert len(found) >= 8
    assert found == _structure(created)


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
    migrations.upgrade(new_database("quiet", empty=True))
    assert (logging.root.level, list(logging.root.handlers)) == before


def test_three_processes_that_start_at_once_upgrade_one_database(
    new_url: NewUrl, new_database: NewDatabase
) -> None:
    url = new_url("fresh", empty=True)
    start = (
        "import sys, migrations; from ledger.store import open_engine; "
        "print('ready', flush=True); sys.stdin.read(); migrations.upgrade(open_engine(sys.argv[1]))"
    )
    with ExitStack() as started:
        processes = [
            started.enter_context(
                running(
                    [sys.executable, "-c", start, url],
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(3)
        ]
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 3
        for process in processes:
            process.stdin.close()
        assert [process.wait(HANG_SECONDS) for process in processes] == [0, 0, 0]
    upgraded = open_engine(url)
    assert _structure(upgraded) == _structure(new_database("upgraded"))
    upgraded.dispose()


def test_a_database_of_a_later_release_is_left_alone(new_database: NewDatabase) -> None:
    engine = new_database("later")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    before = _structure(engine)
    with pytest.raises(StoreNewer, match="structure 9999; this release knows structures up to 0"):
        migrations.upgrade(engine)
    assert _structure(engine) == before
