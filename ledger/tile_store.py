"""Tiles in the database: one row each, replaced as the tree grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import sqlalchemy as sa

from ledger import tables
from ledger.tiles import TileReader

_TILE = tables.tile.c
_ONE = sa.select(_TILE.hashes).where(
    _TILE.level == sa.bindparam("of_level"), _TILE.index == sa.bindparam("at")
)
_REMOVED = tables.tile.delete().where(
    _TILE.level == sa.bindparam("old_level"), _TILE.index == sa.bindparam("old_index")
)

Tiles: TypeAlias = Mapping[tuple[int, int], bytes]
"""(level, tile index) -> the hashes of that tile."""


def reader(connection: sa.Connection) -> TileReader:
    """Reads the stored tiles; empty where there is none."""

    def read_tile(level: int, index: int) -> bytes:
        found = connection.execute(_ONE, {"of_level": level, "at": index})
        return found.scalar_one_or_none() or b""

    return read_tile


def write(connection: sa.Connection, changed: Tiles) -> None:
    """Store tiles in the place of those that have their level and index; requires at least one."""
    rows = [{"level": at, "index": i, "hashes": data} for (at, i), data in changed.items()]
    connection.execute(_REMOVED, [{"old_level": at, "old_index": i} for at, i in changed])
    connection.execute(tables.tile.insert(), rows)
