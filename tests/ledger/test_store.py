"""One writer at a time, readers that never wait, and commits that are on the disk."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from ledger import store
from ledger.errors import StoreBusy, StoreUnavailable, StoreUnsupported
from ledger.store import POSTGRESQL_LOCK, asking, open_engine, parse_url, reading, writing
from tests.patience import HANG_SECONDS

NewDatabase = Callable[..., sa.Engine]
NewUrl = Callable[..., str]


@pytest.fixture
def engine(new_database: NewDatabase) -> sa.Engine:
    engine = new_database("store")
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE counter (count INTEGER)")
        connection.exec_driver_sql("INSERT INTO counter VALUES (0)")
    return engine


def _count(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count FROM counter").scalar_one())


def _set(connection: sa.Connection, count: int) -> None:
    connection.exec_driver_sql(f"UPDATE counter SET count = {count}")


@pytest.mark.only_on("sqlite", "its pragmas")
@pytest.mark.usefixtures("waiting_for_the_disk")
@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)]
)
def test_every_connection_is_durable_and_checked(
    engine: sa.Engine, pragma: str, value: object
) -> None:
    with reading(engine) as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


@pytest.mark.only_on("postgresql", "its settings")
@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("synchronous_commit", "on"),
        ("lock_timeout", "30s"),
        ("transaction_isolation", "repeatable read"),
        ("transaction_read_only", "on"),
    ],
)
def test_every_session_waits_for_the_disk_and_reads_one_state(
    new_url: NewUrl, setting: str, value: str
) -> None:
    url = new_url("store")
    lax = open_engine(url)
    with lax.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = connection.dialect.identifier_preparer.quote(str(lax.url.database))
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    lax.dispose()
    engine = open_engine(url)
    with reading(engine) as connection:
        assert connection.exec_driver_sql(f"SHOW {setting}").scalar_one() == value
    engine.dispose()


@pytest.mark.only_on("postgresql", "a file is lost by nobody")
def test_connections_that_broke_in_the_pool_are_replaced(engine: sa.Engine) -> None:
    other = sa.create_engine(engine.url)
    with other.begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    other.dispose()
    with writing(engine) as connection:
        assert _count(connection) == 0


def test_who_waits_too_long_is_told_that_others_are_busy(new_url: NewUrl) -> None:
    url = new_url("store")
    hasty, holder = open_engine(url), sa.create_engine(parse_url(url), isolation_level="AUTOCOMMIT")
    event.listen(hasty, "connect", _hurry)
    locked = {
        "sqlite": "BEGIN IMMEDIATE",
        "postgresql": f"SELECT pg_advisory_lock({POSTGRESQL_LOCK})",
    }
    with holder.connect() as connection:
        connection.exec_driver_sql(locked[holder.dialect.name])
        with pytest.raises(StoreBusy, match="kept busy by others"), writing(hasty):
            pytest.fail("nobody may write beside another")
        with reading(hasty) as reader:
            assert reader.scalar(sa.select(1)) == 1
        connection.invalidate()
    with writing(hasty) as writer:
        assert writer.scalar(sa.select(1)) == 1
    hasty.dispose()
    holder.dispose()


@pytest.mark.only_on("sqlite", "a file that comes to be while others open it")
def test_who_opens_a_new_file_waits_for_those_who_open_it_too(
    new_url: NewUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, waits = new_url("store", empty=True), threading.Event()
    monkeypatch.setattr(store, "sleep", lambda seconds: (waits.set(), time.sleep(seconds)))
    holder = sqlite3.connect(str(parse_url(url).database), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    opened = open_engine(url)
    with ThreadPoolExecutor(1) as others, closing(holder):
        modes = others.submit(_journal_mode, opened)
        assert waits.wait(HANG_SECONDS)
        holder.execute("COMMIT")
        assert modes.result(HANG_SECONDS) == "wal"
    opened.dispose()


def _journal_mode(engine: sa.Engine) -> str:
    with reading(engine) as connection:
        return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar_one())


def _hurry(connection: Any, _record: object) -> None:
    if hasattr(connection, "info"):
        connection.execute("SET lock_timeout = '100ms'")
        connection.commit()
    else:
        connection.execute("PRAGMA busy_timeout = 100").close()


@pytest.mark.parametrize(
    "url", ["postgresql://someone:hidden@127.0.0.1:1/log", "sqlite:////nowhere/at/all/log.db"]
)
def test_a_database_that_is_not_there_is_one_sentence_without_its_password(url: str) -> None:
    engine = open_engine(url)
    with pytest.raises(StoreUnavailable) as raised, reading(engine):
        pytest.fail("there is nothing to read")
    assert "The database cannot be used: " in str(raised.value)
    assert "hidden" not in str(raised.value)
    assert "DATABASE_URL" in str(raised.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_gets_the_same_driver(scheme: str) -> None:
    engine = open_engine(f"{scheme}://someone@localhost/log?host=/run/postgresql")
    assert (engine.dialect.name, engine.dialect.driver) == ("postgresql", "psycopg")


def test_what_is_no_url_is_refused_without_being_repeated() -> None:
    with pytest.raises(StoreUnsupported, match="what is no database URL") as raised:
        open_engine("someone:hidden@localhost")
    assert "hidden" not in str(raised.value)


def test_who_reads_and_then_writes_loses_no_update(engine: sa.Engine) -> None:
    def add_ten() -> None:
        for _ in range(10):
            with writing(engine) as connection:
                _set(connection, _count(connection) + 1)

    threads = [threading.Thread(target=add_ten) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as connection:
        assert _count(connection) == 60


def test_a_reader_sees_one_state_throughout_while_another_writes(engine: sa.Engine) -> None:
    with reading(engine) as reader:
        assert _count(reader) == 0
        with writing(engine) as writer:
            _set(writer, 1)
        assert _count(reader) == 0
    with reading(engine) as reader:
        assert _count(reader) == 1


def test_a_reader_does_not_wait_for_an_open_write(engine: sa.Engine) -> None:
    with writing(engine) as writer:
        _set(writer, 1)
        with reading(engine) as reader:
            assert _count(reader) == 0


def _spoil(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        _set(connection, 1)
        raise ValueError("spoiled")


def test_a_query_alone_waits_for_nobody_and_sees_what_was_committed(engine: sa.Engine) -> None:
    with writing(engine) as writer:
        _set(writer, 1)
        with asking(engine) as asker:
            assert _count(asker) == 0
    for _ in range(2):
        with asking(engine) as asker:
            assert _count(asker) == 1
    with writing(engine) as writer:  # nothing was left open
        _set(writer, 2)
    with reading(engine) as reader:
        assert _count(reader) == 2


def test_what_raises_is_rolled_back_and_gives_way_to_the_next(engine: sa.Engine) -> None:
    with pytest.raises(ValueError, match="spoiled"):
        _spoil(engine)
    with writing(engine) as connection:
        assert _count(connection) == 0
