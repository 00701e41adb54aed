"""Fixtures that every floor's tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

import migrations
from ledger.store import open_engine
from tests.factory import Factory


@pytest.fixture
def new_database(tmp_path: Path) -> Iterator[Callable[[str], sa.Engine]]:
    """Makes databases by name that have the tables and nothing in them; closed at the end."""
    with ExitStack() as opened:

        def make(name: str) -> sa.Engine:
            engine = open_engine(f"sqlite:///{tmp_path}/{name}.db")
            opened.callback(engine.dispose)
            migrations.upgrade(engine)
            return engine

        yield make


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Factory]:
    """A fresh log that holds its genesis and nothing else."""
    factory = Factory(tmp_path)
    yield factory
    factory.close()
