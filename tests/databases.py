"""Where tests get their databases from: the one place that knows which kind the run is about.

``pytest`` runs on SQLite, ``pytest --database postgresql`` on a PostgreSQL server of its own. The
fixtures in ``tests/conftest.py`` hand these out; a test that has none of them in its closure
touches no database, and runs once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

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

    def close(self) -> None:
        """Throw everything away."""


class SqliteDatabases:
    """Files in the folder of the test, which pytest clears away."""

    def new(self, folder: Path, name: str, *, empty: bool = False) -> str:
        url = f"sqlite:///{folder}/{name}.db"
        if not empty:
            _upgrade(url)
        return url

    def drop(self, url: str) -> None:
        """The folder goes, and the file with it."""

    def setting(self, folder: Path) -> str:
        return ""

    def close(self) -> None:
        """Nothing is held open."""


class PostgresqlDatabases:
    """Copies of a template that has the tables, on a server of this process."""

    def __init__(self) -> None:
        self._server = Server(**SCRATCH)
        self._numbers = itertools.count()
        _upgrade(self._server.create("upgraded"))

    def new(self, folder: Path, name: str, *, empty: bool = False) -> str:
        template = "template1" if empty else "upgraded"
        return self._server.create(f"{name}-{next(self._numbers)}", template)

    def drop(self, url: str) -> None:
        self._server.drop(str(open_engine(url).url.database))

    def setting(self, folder: Path) -> str:
        return self.new(folder, "deployment", empty=True)

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


def _upgrade(url: str) -> None:
    engine = open_engine(url)
    migrations.upgrade(engine)
    engine.dispose()
