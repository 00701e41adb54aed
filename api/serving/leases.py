"""Whose turn it is: what several processes on one database do, one of them does at a time.

Two at once, after a clock jumped or a process was stopped and went on, must do no harm: a lease
saves work and orders nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from api import tables
from ledger.store import writing

_LEASE = tables.lease.c
Clock = Callable[[], int]


@contextmanager
def lease(database: sa.Engine, name: str, holder: str, clock: Clock, ms: int) -> Iterator[bool]:
    """Whether it is this holder's turn, while the block runs; for ``ms`` at most."""
    held = take(database, name, holder, clock, ms)
    try:
        yield held
    finally:
        give_back(database, name, holder)


def take(database: sa.Engine, name: str, holder: str, clock: Clock, ms: int) -> bool:
    """Whether it is this holder's turn, for another ``ms`` from now."""
    mine = _LEASE.name == name
    with writing(database) as connection:
        row = connection.execute(sa.select(tables.lease).where(mine)).one_or_none()
        held = row is None or row.until <= clock() or row.holder == holder
        if held:
            connection.execute(tables.lease.delete().where(mine))
            values = {"name": name, "holder": holder, "until": clock() + ms}
            connection.execute(tables.lease.insert().values(**values))
        return held


def give_back(database: sa.Engine, name: str, holder: str) -> None:
    """Nothing to do where it is not this holder's turn."""
    mine = (_LEASE.name == name, _LEASE.holder == holder)
    with writing(database) as connection:
        connection.execute(tables.lease.delete().where(*mine))
