"""A log that has too much to do, or may not sign, says so and goes on answering the rest."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from api.app import create_app
from api.keys.keyfile import write_secret
from api.opening import open_services
from api.services import Services
from api.settings import Settings
from ledger.errors import LogBusy
from ledger.high_water import HighWater
from ledger.log import Log
from ledger.statements import Product
from tests.factory import Actor, Factory

JOSE = "application/jose"


def product(acme: Actor) -> bytes:
    return acme.sign(Product(id=acme.factory.uuid(), name="Steel", unit="KGM"))


def test_a_full_queue_is_a_503_that_says_when_to_come_back(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise LogBusy(waiting=2_000, seconds=7)

    monkeypatch.setattr(services.sequencer, "append", full)
    response = client.post("/v1/statements", data=b"e30.e30.AAAA", content_type=JOSE)
    problem = response.get_json(force=True)
    assert (response.status_code, problem["code"]) == (503, "log-busy")
    assert problem["params"] == {"waiting": "2000", "seconds": "7"}
    assert response.headers["Retry-After"] == "7"
    assert not [name for name in dict(response.headers) if name.endswith("-Seconds")]


def test_nobody_else_is_told_to_wait(client: FlaskClient, factory: Factory) -> None:
    for response in (
        client.get("/v1/log"),
        client.post("/v1/statements", data=product(factory.enterprise("A")), content_type=JOSE),
        client.post("/v1/statements", data=b"", content_type=JOSE),
    ):
        assert "Retry-After" not in response.headers
        assert not [name for name in dict(response.headers) if name.endswith("-Seconds")]


def test_an_address_over_its_rate_is_told_how_long(services: Services) -> None:
    app = create_app(Settings(read_limit="1 per hour"), services=services)
    client = app.test_client()
    assert client.get("/v1/log").status_code == 200
    response = client.get("/v1/log")
    assert response.status_code == 429
    assert 1 <= int(response.headers["Retry-After"]) <= 3600


def test_a_restored_backup_is_read_and_not_appended_to(
    factory: Factory, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if not factory.url.startswith("sqlite"):
        pytest.skip("a backup is a file of SQLite")
    settings = Settings(data=tmp_path, database_url=factory.url)
    write_secret(settings.signing_key_file, factory.signer.private)
    mark = HighWater(settings.high_water_file)
    log = Log(factory.engine, factory.signer, factory.clock, mark)
    acme = factory.enterprise("Acme")
    restored = tmp_path / "restored.db"
    database = sa.make_url(factory.url).database
    with closing(sqlite3.connect(str(database))) as now:
        now.execute("VACUUM INTO ?", [str(restored)])
    # The server reads the real clock.
    factory.clock.now_ms = time.time_ns() // 1_000_000
    log.append([product(acme)])

    settings = Settings(data=tmp_path, database_url=f"sqlite:///{restored}")
    services = open_services(settings)
    assert "have been signed" in caplog.text
    assert "catchment log rebuild" in caplog.text
    client = create_app(settings, services=services).test_client()
    assert client.get("/health").get_json()["size"] == 3
    assert client.get("/v1/log").get_json()["size"] == 3
    response = client.post("/v1/statements", data=product(acme), content_type=JOSE)
    problem = response.get_json(force=True)
    assert (response.status_code, problem["code"]) == (503, "log-rolled-back")
    assert problem["params"] == {"size": "3", "mark": "4"}
    assert services.log.size() == 3
