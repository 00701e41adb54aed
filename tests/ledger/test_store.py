"""One writer at a time, readers that never wait, and commits that are on the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from ledger.store import reading, writing

NewDatabase = Callable[[str], sa.Engine]


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
@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)]
)
def test_every_connection_is_durable_and_checked(
    engine: sa.Engine, pragma: str, value: object
) -> None:
    with reading(engine) as connection:
        assert connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one() == value


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


def test_what_raises_is_rolled_back_and_gives_way_to_the_next(engine: sa.Engine) -> None:
    with pytest.raises(ValueError, match="spoiled"):
        _spoil(engine)
    with writing(engine) as connection:
        assert _count(connection) == 0
