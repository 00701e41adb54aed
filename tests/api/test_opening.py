"""Opening a log by its settings: the right key, kept secret, or a clear refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from api.errors import InsecureDevelopmentKey, SigningKeyExposed, SigningKeyMissing
from api.keys.keyfile import write_secret
from api.opening import open_services
from api.settings import Settings
from ledger.errors import GenesisRefused, LogNotFound, StoreNotDurable
from ledger.keys import PrivateKey
from tests.factory import ORIGIN, Factory


def settings_for(factory: Factory, folder: Path, environment: str = "production") -> Settings:
    return Settings(data=folder, database_url=factory.url, environment=environment)


def test_a_log_is_opened_under_the_name_in_its_genesis(factory: Factory, tmp_path: Path) -> None:
    settings = settings_for(factory, tmp_path, "development")
    write_secret(settings.signing_key_file, factory.signer.private)
    services = open_services(settings)
    assert (services.log.origin, services.log.size()) == (ORIGIN, 1)
    assert services.engine.standing().size == 1
    assert services.tokens.list() == []


@pytest.mark.only_on("postgresql", "a SQLite file is always flushed")
def test_production_refuses_a_server_that_does_not_flush(factory: Factory, tmp_path: Path) -> None:
    # As the servers of these tests are: nobody will miss their data.
    settings = settings_for(factory, tmp_path)
    write_secret(settings.signing_key_file, factory.signer.private)
    with pytest.raises(StoreNotDurable, match="fsync switched off"):
        open_services(settings)


def test_another_key_is_refused(factory: Factory, tmp_path: Path) -> None:
    settings = settings_for(factory, tmp_path)
    write_secret(settings.signing_key_file, PrivateKey.generate("EdDSA"))
    with pytest.raises(GenesisRefused):
        open_services(settings)


def test_without_a_key_or_a_log_nothing_starts(
    factory: Factory, new_url: Callable[..., str], tmp_path: Path
) -> None:
    with pytest.raises(SigningKeyMissing):
        open_services(settings_for(factory, tmp_path))
    with pytest.raises(LogNotFound):
        open_services(Settings(data=tmp_path, database_url=new_url("empty")))


def test_production_refuses_a_key_that_others_may_read(factory: Factory, tmp_path: Path) -> None:
    settings = settings_for(factory, tmp_path)
    write_secret(settings.signing_key_file, factory.signer.private)
    settings.signing_key_file.chmod(0o640)
    with pytest.raises(SigningKeyExposed):
        open_services(settings)
    open_services(settings_for(factory, tmp_path, "development"))


def test_production_refuses_a_key_whose_secret_is_known(factory: Factory, tmp_path: Path) -> None:
    settings = settings_for(factory, tmp_path)
    write_secret(settings.signing_key_file, factory.signer.private, insecure=True)
    with pytest.raises(InsecureDevelopmentKey):
        open_services(settings)
    open_services(settings_for(factory, tmp_path, "development"))
