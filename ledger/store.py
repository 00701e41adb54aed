"""The database under the log: how it is opened, and how one writer at a time gets in.

SQLite is used in WAL mode, so that readers see the last commit and never wait, and with
``synchronous=FULL``, so that what was acknowledged survives a power cut.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy import event

from ledger.errors import StoreUnsupported

BUSY_SECONDS: Final = 30
"""How long SQLite itself waits for a lock; reached only when another program holds the file."""

T = TypeVar("T")

_WRITES = "catchment_writes"


def open_engine(url: str) -> sa.Engine:
    """The engine for a database URL such as ``sqlite:////srv/catchment.db``.

    Raises StoreUnsupported for a database that cannot keep a log: one in memory, too, because each
    connection would have its own.
    """
    parsed = sa.make_url(url)
    return _chosen(_OPENERS, parsed.get_backend_name())(parsed)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that sees one state of the database throughout and blocks nobody."""
    with engine.connect() as connection, connection.begin():
        yield connection


def writing(engine: sa.Engine) -> AbstractContextManager[sa.Connection]:
    """A transaction beside which nobody writes, from its first read on.

    Commits when the block ends, rolls back when it raises. Whatever decides what is written has to
    be read inside.
    """
    return _chosen(_WRITERS, engine.dialect.name)(engine)


@contextmanager
def writer_lock(engine: sa.Engine) -> Iterator[None]:
    """Wait in line to write to a SQLite file: an exclusive ``flock`` on ``<file>.lock``.

    SQLite's own busy handler polls with growing pauses, so under load the unlucky wait for
    seconds; the kernel wakes those who wait on a file lock in turn. The lock goes with its file
    descriptor: a process that is killed leaves none behind, and the file's presence means nothing.
    """
    descriptor = os.open(
        f"{engine.url.database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _writing_to_sqlite(engine: sa.Engine) -> Iterator[sa.Connection]:
    with (
        writer_lock(engine),
        engine.connect().execution_options(**{_WRITES: True}) as connection,
        connection.begin(),
    ):
        yield connection


def _open_sqlite(url: sa.URL) -> sa.Engine:
    if url.database in (None, "", ":memory:") or "mode" in url.query:
        raise StoreUnsupported(dialect="a SQLite database in memory")
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would begin transactions late, and as readers; _begin_sqlite does it instead.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A reader that turns writer fails at once when another wrote in between, however long it would
    # wait: who means to write says so at the start.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


_OPENERS: dict[str, Callable[[sa.URL], sa.Engine]] = {"sqlite": _open_sqlite}
_WRITERS: dict[str, Callable[[sa.Engine], AbstractContextManager[sa.Connection]]] = {
    "sqlite": _writing_to_sqlite
}


def _chosen(ways: dict[str, T], dialect: str) -> T:
    if dialect not in ways:
        raise StoreUnsupported(dialect=dialect)
    return ways[dialect]
