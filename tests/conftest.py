"""Fixtures that every floor's tests share, and the choice of the database they run on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings

from ledger.store import open_engine
from tests.bytecode import kept_elsewhere
from tests.databases import KINDS, Databases, databases_of
from tests.factory import Factory

# How fast a machine is, is no property. With CI set, the examples are the same each time.
settings.register_profile(
    "patient",
    parent=settings.default,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=KINDS,
        default="sqlite",
        help="what databases are; on postgresql only the tests that have one are run",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Several hundred processes are started, by pytest's own workers too."""
    bytecode = ExitStack()
    bytecode.enter_context(kept_elsewhere())
    config.add_cleanup(bytecode.close)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL, leave out what has no database: it ran on SQLite, and would do the same."""
    kind = config.getoption("--database")
    for item in items:
        for only, reason in (mark.args for mark in item.iter_markers("only_on")):
            if only != kind:
                item.add_marker(pytest.mark.skip(reason=f"only on {only}: {reason}"))
    # What takes long begins first: begun last, it would run alone while the other workers idle.
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if kind != "postgresql":
        return
    idle = {item for item in items if not _has_database(item)}
    config.hook.pytest_deselected(items=list(idle))
    items[:] = [item for item in items if item not in idle]


def _has_database(item: pytest.Item) -> bool:
    asked = "databases" in getattr(item, "fixturenames", ())
    return asked or any(item.iter_markers("only_on"))


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config) -> Iterator[Databases]:
    """All databases come from here. What is made directly lasts until the session ends."""
    made = databases_of(pytestconfig.getoption("--database"))
    yield made
    made.close()


@pytest.fixture
def waiting_for_the_disk(databases: Databases) -> Iterator[None]:
    """For tests of what is on the disk when: others need not wait for it."""
    with databases.waiting_for_the_disk():
        yield


@pytest.fixture
def new_url(databases: Databases, tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Makes databases by name, and gives their URLs; gone at the end of the test."""
    with ExitStack() as made:

        def make(name: str, *, empty: bool = False) -> str:
            url = databases.new(tmp_path, name, empty=empty)
            made.callback(databases.drop, url)
            return url

        yield make


@pytest.fixture
def new_database(new_url: Callable[..., str]) -> Iterator[Callable[..., sa.Engine]]:
    """Makes databases by name that have the tables and nothing in them; closed at the end."""
    with ExitStack() as opened:

        def make(name: str, *, empty: bool = False) -> sa.Engine:
            engine = open_engine(new_url(name, empty=empty))
            opened.callback(engine.dispose)
            return engine

        yield make


@pytest.fixture
def database_setting(databases: Databases, tmp_path: Path) -> Iterator[str]:
    """What DATABASE_URL says in a fresh deployment."""
    setting = databases.setting(tmp_path)
    yield setting
    if setting:
        databases.drop(setting)


@pytest.fixture
def new_factory(new_url: Callable[..., str]) -> Iterator[Callable[..., Factory]]:
    """Makes fresh logs that hold their genesis and nothing else; closed at the end."""
    with ExitStack() as opened:

        def make(**how: Any) -> Factory:
            factory = Factory(new_url("log"), **how)
            opened.callback(factory.close)
            return factory

        yield make


@pytest.fixture
def factory(new_factory: Callable[..., Factory]) -> Factory:
    """A fresh log that holds its genesis and nothing else."""
    return new_factory()
