"""The database's structure and its history, run from our own code: no alembic.ini, no paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import api.tables
import ledger.tables
from ledger.errors import StoreNewer
from ledger.store import reading, writing

METADATA = [ledger.tables.metadata, api.tables.metadata]

_FOLDER: Final = Path(__file__).parent


def upgrade(engine: sa.Engine) -> None:
    """Bring the database to the newest structure; does nothing when it has it.

    One transaction under the writer's lock: of several processes that start at once, one upgrades
    and the others find it done. Raises StoreNewer for a database that a later release upgraded.
    """
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    with reading(engine) as connection:
        # Whoever finds nothing to do waits for no writer.
        if _structure(connection) == scripts.get_current_head():
            return
    with writing(engine) as connection:
        _check_known(_structure(connection), scripts)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def differences(engine: sa.Engine) -> list[Any]:
    """What an upgraded database lacks or has beyond the tables in code; empty when they agree."""
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        # Alembic compares with several collections of tables; its annotation names only one.
        return list(compare_metadata(context, cast(sa.MetaData, METADATA)))


def _structure(connection: sa.Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _check_known(found: str | None, scripts: ScriptDirectory) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    if found is not None and found not in known:
        raise StoreNewer(found=found, known=scripts.get_current_head())
