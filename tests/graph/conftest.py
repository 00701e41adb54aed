"""Fixtures of the graph floor: published tables, read from beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factory import Actor, Factory

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of tables made by others; the project carries no copy of them."""
    if not SHARED.is_dir():
        pytest.skip("published tables are absent: expected in ../shared/data")
    return SHARED


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


@pytest.fixture
def site(acme: Actor) -> str:
    return acme.site("Works")


@pytest.fixture
def steel(acme: Actor) -> str:
    return acme.product("Steel")
