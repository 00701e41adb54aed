"""Where tests get their databases from: the one place that knows which kind the run is about.

``pytest`` runs on SQLite, ``pytest --database postgresql`` on a PostgreSQL server of its own. The
fixtures in ``tests/conftest.py`` hand these out; a test that has none of them in its closure
touches no database, and runs once.
"""

from __future__ import annotations

import itertools
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy import event

import migrations
from ledger.store import open_engine, parse_url
from tests.postgresql import SCRATCH, Server

KINDS = ("sqlite", "postgresql")


class Databases(Protocol):
    """Makes databases and throws them away."""

    def new(self, folder: Path, name: str, *, empty: bool = False) -> str:
        """The URL of a fresh database: with the tables, or ``empty`` without them."""

    def drop(self, url: str) -> None:
        """Throw a database away, whoever is connected to it."""

    def setting(self, folder: Path) -> str:
        """DATABASE_URL for a deployment in ``folder``; empty where its default will do."""

    def waiting_for_the_disk(self) -> AbstractContextManager[None]:
        """While it lasts, connections of this process are as those of a deployment."""

    def close(self) -> None:
        """Throw everything away."""


class SqliteDatabases:
    """Copies of a file that has the tables, in the folder of the test, which pytest clears away.

    Nobody will miss what is in them: as long as they are handed out, this process does not wait for
    the disk (`waiting_for_the_disk`). Those that it starts do.
    """

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="catchment-sqlite-")
        self._upgraded = Path(self._folder.name) / "upgraded.db"
        upgrade(f"sqlite:///{self._upgraded}")
        event.listen(sa.pool.Pool, "checkout", _do_not_wait)

    def new(self, folder: Path, name: str, *, empty: bool = False) -> str:
        if not empty:
            shutil.copyfile(self._upgraded, folder / f"{name}.db")
        return f"sqlite:///{folder}/{name}.db"

    def drop(self, url: str) -> None:
        """The folder goes, and the file with it."""

    def setting(self, folder: Path) -> str:
        return ""

    @contextmanager
    def waiting_for_the_disk(self) -> Iterator[None]:
        event.remove(sa.pool.Pool, "checkout", _do_not_wait)
        try:
            yield
        finally:
            event.listen(sa.pool.Pool, "checkout", _do_not_wait)

    def close(self) -> None:
        event.remove(sa.pool.Pool, "checkout", _do_not_wait)
        self._folder.cleanup()


def _do_not_wait(connection: Any, *_: object) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF").close()


class PostgresqlDatabases:
    """Databases that have the tables, on a server of this process; used again once emptied."""

    def __init__(self) -> None:
        self._server = Server(**SCRATCH)
        self._numbers = itertools.count()
        self._idle: list[str] = []
        self._bare: set[str] = set()
        upgrade(self._server.create("upgraded"))
        self._made = self._server.made("upgraded")

    def new(self, folder: Path, name: str, *, empty: bool = False) -> str:
        if self._idle and not empty:
            return self._server.url(self._idle.pop())
        made = f"{name}-{next(self._numbers)}"
        if empty:
            self._bare.add(made)
        return self._server.create(made, "template1" if empty else "upgraded")

    def drop(self, url: str) -> None:
        name = str(parse_url(url).database)
        if name not in self._bare and self._server.emptied(name, self._made):
            self._idle.append(name)
        else:
            self._server.drop(name)

    def setting(self, folder: Path) -> str:
        return self.new(folder, "deployment", empty=True)

    @contextmanager
    def waiting_for_the_disk(self) -> Iterator[None]:
        """What sessions wait for is theirs to say; only the server of `SCRATCH` does not."""
        yield

    def close(self) -> None:
        self._server.stop()


def databases_of(kind: str) -> Databases:
    return PostgresqlDatabases() if kind == "postgresql" else SqliteDatabases()


@contextmanager
def tampering(url: str) -> Iterator[sa.Connection]:
    """A connection of somebody who has the disk: no constraint stands in the way."""
    engine = sa.create_engine(parse_url(url))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET session_replication_role = replica")
        yield connection
    engine.dispose()


def upgrade(url: str) -> None:
    """Give the database the tables."""
    engine = open_engine(url)
    migrations.upgrade(engine)
    engine.dispose()
