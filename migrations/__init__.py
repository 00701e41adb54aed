"""The database's structure and its history, run from our own code: no alembic.ini, no paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

import api.tables
import ledger.tables
from ledger.store import reading, writing

METADATA = [ledger.tables.metadata, api.tables.metadata]


def upgrade(engine: sa.Engine) -> None:
    """Bring the database to the newest structure; does nothing when it has it.

    One transaction under the writer's lock: of several processes that start at once, one upgrades
    and the others find it done.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def differences(engine: sa.Engine) -> list[Any]:
    """What an upgraded database lacks or has beyond the tables in code; empty when they agree."""
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        # Alembic compares with several collections of tables; its annotation names only one.
        return list(compare_metadata(context, cast(sa.MetaData, METADATA)))
