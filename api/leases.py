"""Whose turn it is: what several processes on one database do, one of them does at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from api import tables
from ledger.store import writing

_LEASE = tables.lease.c


@contextmanager
def lease(
    database: sa.Engine, name: str, holder: str, clock: Callable[[], int], ms: int
) -> Iterator[bool]:
    """Whether it is this holder's turn, while the block runs; for ``ms`` at most.

    Two holders at once, after a clock jumped or a block took longer, must do no harm.
    """
    mine = _LEASE.name == name
    with writing(database) as connection:
        row = connection.execute(sa.select(tables.lease).where(mine)).one_or_none()
        held = row is None or row.until <= clock() or row.holder == holder
        if held:
            connection.execute(tables.lease.delete().where(mine))
            values = {"name": name, "holder": holder, "until": clock() + ms}
            connection.execute(tables.lease.insert().values(**values))
    try:
        yield held
    finally:
        with writing(database) as connection:
            connection.execute(tables.lease.delete().where(mine, _LEASE.holder == holder))
