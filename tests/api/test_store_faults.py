"""Threat 18 as a client sees it: a problem document that says what to do, and nothing internal."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from ledger.statements import Product
from tests.factory import Factory


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Factory]:
    """On SQLite, whatever database the other tests use: its faults are made by pragmas."""
    factory = Factory(tmp_path)
    yield factory
    factory.close()


@pytest.fixture
def batch(factory: Factory) -> list[str]:
    """More than fits on the pages that the file has."""
    acme = factory.enterprise("Acme")
    products = (Product(id=factory.uuid(), name="Steel", unit="KGM") for _ in range(20))
    return [acme.sign(each).decode() for each in products]


def full(connection: sqlite3.Connection, *_: object) -> None:
    connection.execute("PRAGMA max_page_count=1").close()


def read_only(connection: sqlite3.Connection, *_: object) -> None:
    connection.execute("PRAGMA query_only=ON").close()


def gone(connection: sqlite3.Connection, *_: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (full, 507, "store-full"),
        (read_only, 503, "database-unavailable"),
        (gone, 503, "database-unavailable"),
    ],
)
def test_a_database_that_fails_is_a_problem_with_advice_and_is_used_again_when_it_recovers(
    client: FlaskClient,
    factory: Factory,
    batch: list[str],
    fault: Callable[..., None],
    status: int,
    code: str,
) -> None:
    size = factory.log.size()
    event.listen(factory.engine, "checkout", fault)
    response = client.post("/v1/statements/batch", json={"statements": batch})
    event.remove(factory.engine, "checkout", fault)
    factory.engine.dispose()
    problem = json.loads(response.data)
    assert response.content_type == "application/problem+json"
    assert (response.status_code, problem["code"]) == (status, code)
    assert problem["advice"]
    assert not any(word in response.text for word in ("Traceback", "INSERT", "sqlalchemy", ".py"))
    assert factory.log.size() == size
    again = client.post("/v1/statements/batch", json={"statements": batch}).get_json()
    assert (again["accepted"], factory.log.size()) == (len(batch), size + len(batch))
