"""The application over a small real log: engine, services, app, client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.app import assemble
from api.keys.tokens import Tokens
from api.services import Services
from api.settings import Settings
from graph.engine import Engine
from tests.factory import Actor, Factory

Headers = dict[str, str]
AsRole = Callable[..., Headers]


@pytest.fixture
def settings() -> Settings:
    return Settings(batch_statements=20, batch_bytes=300_000)


@pytest.fixture
def services(factory: Factory, settings: Settings, tmp_path: Path) -> Services:
    """Of this test alone: what they write to files goes into a folder of its own."""
    log, engine = factory.log, factory.engine
    own = replace(settings, data=tmp_path / "of-the-services")
    own.data.mkdir(exist_ok=True)
    tokens = Tokens(engine, factory.clock)
    return Services(log, Engine(log), tokens, own, engine, factory.clock)


@pytest.fixture(scope="session")
def assembled() -> Callable[[Settings], Flask]:
    """Applications that answer from nothing: to assemble one takes longer than most tests do."""
    return cache(assemble)


@pytest.fixture
def app(
    assembled: Callable[[Settings], Flask], settings: Settings, services: Services
) -> Iterator[Flask]:
    """The application of this test: nothing is left of the requests of others."""
    app = assembled(settings)
    app.extensions["catchment"] = services
    yield app
    del app.extensions["catchment"]
    for limiter in app.extensions["limiter"]:
        limiter.reset()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def as_role(services: Services) -> AsRole:
    """``as_role("auditor")`` or ``as_role("supplier", acme)``: headers with a fresh token."""

    def headers(role: str, enterprise: Actor | None = None) -> Headers:
        speaks_for = enterprise.id if enterprise else None
        _, secret = services.tokens.issue(role, speaks_for, f"test {role}")
        return {"Authorization": f"Bearer {secret}"}

    return headers
