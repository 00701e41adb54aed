"""How far something that follows the log has come: a named number, kept with what it did."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from api import tables

_PROGRESS = tables.progress.c


def marks(connection: sa.Connection, names: Sequence[str]) -> list[int | None]:
    """The numbers that were last set, in the order of ``names``; None before the first."""
    query = sa.select(_PROGRESS.name, _PROGRESS.size).where(_PROGRESS.name.in_(names))
    found: dict[str, int] = {row.name: row.size for row in connection.execute(query)}
    return [found.get(name) for name in names]


def mark(connection: sa.Connection, name: str) -> int:
    """The number that was last set; 0 before the first."""
    return marks(connection, [name])[0] or 0


def set_mark(connection: sa.Connection, name: str, size: int) -> None:
    """Under the writer's lock."""
    connection.execute(tables.progress.delete().where(_PROGRESS.name == name))
    connection.execute(tables.progress.insert(), {"name": name, "size": size})
