"""The database's structure and its history, run from our own code: no alembic.ini, no paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

import sqlalchemy as sa

import api.tables
import ledger.tables
from ledger.errors import StoreNewer
from ledger.store import reading, writing

METADATA = [ledger.tables.metadata, api.tables.metadata]

_FOLDER: Final = Path(__file__).parent
STRUCTURES: Final = tuple(
    sorted(path.stem.partition("_")[0] for path in _FOLDER.glob("versions/[0-9]*.py"))
)
"""The revisions, oldest first: each file begins with its own.

Whether a database has the newest is asked by every command; Alembic, which takes longer to load
than to ask, is needed only where it has not.
"""


def upgrade(engine: sa.Engine) -> None:
    """Bring the database to the newest structure; does nothing when it has it.

    One transaction under the writer's lock: of several processes that start at once, one upgrades
    and the others find it done. Raises StoreNewer for a database that a later release upgraded.
    """
    with reading(engine) as connection:
        # Whoever finds nothing to do waits for no writer.
        if _structure(connection) == STRUCTURES[-1]:
            return
    with writing(engine) as connection:
        _check_known(_structure(connection))
        _run_migrations(connection)


def _run_migrations(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def differences(engine: sa.Engine) -> list[Any]:
    """What an upgraded database lacks or has beyond the tables in code; empty when they agree."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        # Alembic compares with several collections of tables; its annotation names only one.
        return list(compare_metadata(context, cast(sa.MetaData, METADATA)))


def _structure(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def _check_known(found: str | None) -> None:
    if found is not None and found not in STRUCTURES:
        raise StoreNewer(found=found, known=STRUCTURES[-1])
