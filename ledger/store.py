"""The database under the log: how it is opened, and how one writer at a time gets in.

==========  ===============================================  ===============================
            SQLite                                           PostgreSQL
==========  ===============================================  ===============================
readers     WAL mode: the state at their first query         REPEATABLE READ, READ ONLY
writers     ``flock`` beside the file, ``BEGIN IMMEDIATE``   an advisory lock as first statement
on disk     ``synchronous=FULL``                             ``synchronous_commit=on``
==========  ===============================================  ===============================

Readers never wait for a writer, nor a writer for readers. What was acknowledged survives a power
cut, as far as the disk keeps what it was told to (`check_durable`).
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from time import monotonic, sleep
from types import MappingProxyType
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event

from ledger.errors import (
    StoreBusy,
    StoreFull,
    StoreNotDurable,
    StoreUnavailable,
    StoreUnsupported,
)

BUSY_SECONDS: Final = 30
"""How long a database is waited for when others keep it busy.

In SQLite that is reached only when another program holds the file: writers of this one stand in
line before it, however long.
"""
_AGAIN_SECONDS: Final = 0.01

POSTGRESQL_LOCK: Final = int.from_bytes(b"catchmnt", "big")
"""The advisory lock of whoever writes a log: 7161132852798385780. PostgreSQL's locks are per
database, so logs in several databases of one server do not wait for one another."""

_CONNECT_SECONDS = 10
_IDLE_WRITER_SECONDS = 60
_WRITES = "catchment_writes"
_ALONE = "catchment_alone"

_MISTAKES = (
    sa.exc.IntegrityError,
    sa.exc.ProgrammingError,
    sa.exc.DataError,
    sa.exc.NotSupportedError,
)
"""Errors of a database that come from what it was asked and not from its state."""


def parse_url(url: str) -> sa.URL:
    """A database URL as this program uses it: the driver for PostgreSQL is chosen here.

    Raises StoreUnsupported for what is no database URL; its text is not repeated, because it may
    hold a password.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise StoreUnsupported(dialect="what is no database URL") from None
    if parsed.get_backend_name() in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def open_engine(url: str) -> sa.Engine:
    """The engine for ``sqlite:////srv/catchment.db`` or ``postgresql://user@host/catchment``.

    Connects to nothing yet. Raises StoreUnsupported for a database that cannot keep a log: one in
    memory, too, because each connection would have its own.
    """
    parsed = parse_url(url)
    return _dialect(parsed.get_backend_name()).open(parsed)


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that sees one state of the database throughout and blocks nobody.

    Raises StoreBusy and StoreUnavailable.
    """
    with _faults_named(engine), _dialect(engine.dialect.name).reading(engine) as connection:
        yield connection


@contextmanager
def asking(engine: sa.Engine) -> Iterator[sa.Connection]:
    """For one query alone, which sees one state of the database without a transaction around it.

    Raises StoreBusy and StoreUnavailable.
    """
    with _faults_named(engine), _dialect(engine.dialect.name).asking(engine) as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction beside which nobody writes, from its first read on.

    Commits when the block ends, rolls back when it raises. Whatever decides what is written has to
    be read inside. Raises StoreBusy and StoreFull, and then nothing was stored; and
    StoreUnavailable: where the database was lost during the commit, nobody can tell whether it
    took place.
    """
    with _faults_named(engine), _dialect(engine.dialect.name).writing(engine) as connection:
        yield connection


def check_durable(engine: sa.Engine) -> None:
    """Raises StoreNotDurable for a server that acknowledges what is not yet on its disk."""
    with reading(engine) as connection:
        _dialect(engine.dialect.name).check_durable(connection)


@contextmanager
def _faults_named(engine: sa.Engine) -> Iterator[None]:
    try:
        yield
    except sa.exc.TimeoutError as raised:
        raise StoreBusy(seconds=BUSY_SECONDS) from raised
    except sa.exc.DBAPIError as raised:
        if isinstance(raised, _MISTAKES):
            raise
        if _dialect(engine.dialect.name).is_busy(raised.orig):
            raise StoreBusy(seconds=BUSY_SECONDS) from raised
        if _dialect(engine.dialect.name).is_full(raised.orig):
            raise StoreFull from raised
        raise StoreUnavailable(reason=_first_line(raised.orig)) from raised


def _first_line(error: object) -> str:
    return str(error).partition("\n")[0].rstrip(". ")


# --- SQLite --------------------------------------------------------------------------------


@contextmanager
def _lock_faults_named() -> Iterator[None]:
    try:
        yield
    except OSError as failed:
        raise StoreUnavailable(reason=failed.strerror or str(failed)) from failed


@contextmanager
def writer_lock(engine: sa.Engine) -> Iterator[None]:
    """Wait in line to write to a SQLite file: an exclusive ``flock`` on ``<file>.lock``.

    SQLite's own busy handler polls with growing pauses, so under load the unlucky wait for
    seconds; the kernel wakes those who wait on a file lock in turn. The lock goes with its file
    descriptor: a process that is killed leaves none behind, and the file's presence means nothing.
    Raises StoreUnavailable where there is no room for the file, or it cannot be opened.
    """
    with _lock_faults_named():
        descriptor = os.open(
            f"{engine.url.database}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    try:
        with _lock_faults_named():
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _reading_sqlite(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def _asking_sqlite(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect().execution_options(**{_ALONE: True}) as connection:
        yield connection


@contextmanager
def _writing_sqlite(engine: sa.Engine) -> Iterator[sa.Connection]:
    with (
        writer_lock(engine),
        engine.connect().execution_options(**{_WRITES: True}) as connection,
        connection.begin(),
    ):
        yield connection


def scrub(engine: sa.Engine) -> None:
    """After an erasure was committed: leave no older copy of it where others could find one.

    SQLite's write-ahead log still holds pages as they were: it is written into the file and
    emptied, unless readers keep it in use all the while; then that happens with a later one. On
    PostgreSQL the old rows stay in the files until VACUUM has gone over the table.
    """
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        # What was committed is committed: a disk that fails here is met at the next commit.
        with suppress(sqlite3.OperationalError):
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()


def _open_sqlite(url: sa.URL) -> sa.Engine:
    if url.database in (None, "", ":memory:") or "mode" in url.query:
        raise StoreUnsupported(dialect="a SQLite database in memory")
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    event.listen(engine, "handle_error", _drop_failed_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would begin transactions late, and as readers; _begin_sqlite does it instead.
    connection.isolation_level = None
    _use_write_ahead_log(connection)
    # What is erased is overwritten in the file, not only taken out of its index.
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Of several that open a new file at once one switches it; SQLite lets the others not wait."""
    over = monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError as failed:
            if not _sqlite_is_busy(failed) or monotonic() > over:
                raise
            sleep(_AGAIN_SECONDS)
        else:
            return


def _begin_sqlite(connection: sa.Connection) -> None:
    # A reader that turns writer fails at once when another wrote in between, however long it would
    # wait: who means to write says so at the start.
    options = connection.get_execution_options()
    if not options.get(_ALONE, False):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(_WRITES, False) else "BEGIN")


def _drop_failed_sqlite(context: sa.engine.ExceptionContext) -> None:
    # Where a file could not be opened for writing, SQLite opens it for reading and says nothing:
    # such a connection would refuse to write until the program is started again.
    failed = context.original_exception
    if isinstance(failed, sqlite3.OperationalError) and not _sqlite_is_busy(failed):
        context.is_disconnect = True


def _sqlite_is_busy(error: object) -> bool:
    # The low byte is the kind of error, what stands above it the variety.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _sqlite_is_full(error: object) -> bool:
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL


def _sqlite_is_durable(_connection: sa.Connection) -> None:
    """``synchronous=FULL`` is set on every connection; nobody else has a say."""


# --- PostgreSQL ----------------------------------------------------------------------------

_SESSION: Final = f"""
    SELECT set_config('lock_timeout', '{BUSY_SECONDS}s', false),
           set_config('tcp_keepalives_idle', '30', false),
           set_config('tcp_keepalives_interval', '10', false),
           set_config('tcp_keepalives_count', '3', false),
           set_config('synchronous_commit', CASE current_setting('synchronous_commit')
               WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)
"""
"""Settings of every connection. A commit returns once it is on the disk (and on that of a
synchronous standby), whatever the server's default. A client whose machine vanished holds the
writer's lock until the server notices: within a minute, instead of the usual two hours."""

# A client that hangs in the middle must not keep everybody else from writing.
_TAKE_TURN = sa.text(
    "SELECT set_config('idle_in_transaction_session_timeout', :idle, true), "
    "pg_advisory_xact_lock(:lock)"
).bindparams(idle=f"{_IDLE_WRITER_SECONDS}s", lock=POSTGRESQL_LOCK)

_LOCK_NOT_AVAILABLE = "55P03"
_DISK_FULL = "53100"


@contextmanager
def _reading_postgresql(engine: sa.Engine) -> Iterator[sa.Connection]:
    snapshot: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with (
        engine.connect().execution_options(**snapshot) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def _asking_postgresql(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


@contextmanager
def _writing_postgresql(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.connect() as connection, connection.begin():
        # Those who wait are woken in turn. Under READ COMMITTED every statement after this one
        # sees what the writer before has committed; a snapshot taken earlier would not.
        connection.execute(_TAKE_TURN)
        yield connection


def _open_postgresql(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(
        url,
        isolation_level="READ COMMITTED",
        # A connection that broke while it lay in the pool is replaced before it is used.
        pool_pre_ping=True,
        pool_timeout=BUSY_SECONDS,
        connect_args={"connect_timeout": _CONNECT_SECONDS, "client_encoding": "utf8"},
    )
    event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _prepare_postgresql(connection: Any, _record: object) -> None:
    connection.execute(_SESSION)
    # What is set in a transaction that is rolled back is forgotten with it.
    connection.commit()


def _postgresql_is_busy(error: object) -> bool:
    return getattr(error, "sqlstate", None) == _LOCK_NOT_AVAILABLE


def _postgresql_is_full(error: object) -> bool:
    return getattr(error, "sqlstate", None) == _DISK_FULL


def _postgresql_is_durable(connection: sa.Connection) -> None:
    if connection.exec_driver_sql("SHOW fsync").scalar_one() == "off":
        raise StoreNotDurable(setting="fsync")


# --- Both ----------------------------------------------------------------------------------

_Transaction = Callable[[sa.Engine], AbstractContextManager[sa.Connection]]


@dataclass(frozen=True, slots=True)
class _Dialect:
    """Everything in which the databases differ."""

    open: Callable[[sa.URL], sa.Engine]
    reading: _Transaction
    asking: _Transaction
    writing: _Transaction
    is_busy: Callable[[object], bool]
    is_full: Callable[[object], bool]
    check_durable: Callable[[sa.Connection], None]


_DIALECTS = MappingProxyType(
    {
        "sqlite": _Dialect(
            open=_open_sqlite,
            reading=_reading_sqlite,
            asking=_asking_sqlite,
            writing=_writing_sqlite,
            is_busy=_sqlite_is_busy,
            is_full=_sqlite_is_full,
            check_durable=_sqlite_is_durable,
        ),
        "postgresql": _Dialect(
            open=_open_postgresql,
            reading=_reading_postgresql,
            asking=_asking_postgresql,
            writing=_writing_postgresql,
            is_busy=_postgresql_is_busy,
            is_full=_postgresql_is_full,
            check_durable=_postgresql_is_durable,
        ),
    }
)


def _dialect(name: str) -> _Dialect:
    if name not in _DIALECTS:
        raise StoreUnsupported(dialect=name)
    return _DIALECTS[name]
