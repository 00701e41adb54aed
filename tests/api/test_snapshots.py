"""A server starts from a snapshot, and writes one when enough was said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from api import snapshots
from api.keys.keyfile import write_secret
from api.opening import open_services
from api.settings import Settings
from ledger.log import Log
from tests.factory import Factory

pytestmark = pytest.mark.only_on("sqlite", "a snapshot is a file beside any database")


@pytest.fixture
def settings(factory: Factory, tmp_path: Path) -> Settings:
    made = Settings(data=tmp_path, database_url=factory.url, snapshot_entries=3)
    write_secret(made.signing_key_file, factory.signer.private)
    return made


def test_a_short_log_has_no_snapshot(factory: Factory, settings: Settings) -> None:
    services = open_services(replace(settings, snapshot_entries=1000))
    assert services.engine.standing() == factory.standing()
    assert not snapshots.keep(services)
    assert not settings.snapshot_file.exists()


def test_without_a_number_of_entries_there_is_none(factory: Factory, settings: Settings) -> None:
    factory.enterprise("Acme")
    never = replace(settings, snapshot_entries=0)
    services = open_services(never)
    assert services.engine.standing() == factory.standing()
    assert not snapshots.keep(services)
    snapshots.start(services).set()
    assert not list(settings.data.glob("*snapshot*"))


def test_a_server_starts_from_the_snapshot_that_the_one_before_wrote(
    factory: Factory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = factory.enterprise("Acme")
    first = open_services(settings)
    assert settings.snapshot_file.stat().st_mode & 0o077 == 0
    assert first.engine.standing() == factory.standing()
    acme.product("Steel")
    expected = factory.standing()
    # The log is not read from its beginning.
    monkeypatch.setattr("ledger.log.Log.filed_at", None)
    monkeypatch.setattr("ledger.log.Log.heads_at", None)
    assert open_services(settings).engine.standing() == expected


def test_the_snapshot_is_written_anew_after_so_many_entries(
    factory: Factory, settings: Settings
) -> None:
    acme = factory.enterprise("Acme")
    services = open_services(settings)
    written = settings.snapshot_file.read_bytes()
    acme.product("Steel")
    assert not snapshots.keep(services)
    acme.product("Iron")
    acme.product("Coal")
    assert snapshots.keep(services)
    assert settings.snapshot_file.read_bytes() != written
    assert open_services(settings).engine.standing() == factory.standing()


def test_one_process_writes_while_the_others_go_on(factory: Factory, settings: Settings) -> None:
    factory.enterprise("Acme")
    services = open_services(settings)
    settings.snapshot_file.unlink()
    with snapshots._alone(snapshots.snapshots_of(settings)) as alone:
        assert alone
        assert not snapshots.keep(services)
    assert snapshots.keep(services)


def test_a_damaged_snapshot_is_replaced(
    factory: Factory, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    factory.enterprise("Acme")
    settings.snapshot_file.write_bytes(b"nothing of the kind")
    services = open_services(settings)
    assert "it is no snapshot" in caplog.text
    assert services.engine.standing() == factory.standing()
    assert settings.snapshot_file.stat().st_size > 100


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(
    factory: Factory, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    factory.enterprise("Acme")
    elsewhere = replace(settings, snapshot=str(settings.data / "nowhere" / "snapshot"))
    assert open_services(elsewhere).engine.standing() == factory.standing()
    assert "was not written" in caplog.text


def test_an_erasure_takes_the_snapshot_away(factory: Factory, settings: Settings) -> None:
    acme = factory.enterprise("Acme")
    inventory = acme.inventory(acme.site())
    services = open_services(settings)
    assert len(services.engine.standing().statements("inventory")) == 1
    kept = snapshots.snapshots_of(settings)
    factory.log = Log(factory.engine, factory.signer, factory.clock, snapshots=kept)
    acme.erase(inventory)
    assert not settings.snapshot_file.exists()
    assert len(services.engine.standing().statements("inventory")) == 0
    assert snapshots.keep(services)
    assert len(open_services(settings).engine.standing().statements("inventory")) == 0
