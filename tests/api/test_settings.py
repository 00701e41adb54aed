"""Settings: one table of variables, read once, refused where they make no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.errors import SettingRefused
from api.settings import Settings, table


def test_without_variables_the_defaults_stand() -> None:
    assert Settings.from_env({}) == Settings()
    assert Settings().database == "sqlite:///var/catchment.db"
    assert Settings().signing_key_file == Path("var/signing-key.pem")
    assert Settings().high_water_file == Path("var/high-water")
    assert Settings().snapshot_file == Path("var/standing.snapshot")
    assert not Settings().is_production


def test_every_setting_is_read_from_its_variable() -> None:
    other = {
        "CATCHMENT_DATA": "/srv/catchment",
        "DATABASE_URL": "sqlite:////srv/log.db",
        "CATCHMENT_SIGNING_KEY": "/run/secrets/key.pem",
        "CATCHMENT_ENV": "production",
        "CATCHMENT_HOST": "0.0.0.0",
        "CATCHMENT_PORT": "80",
        "CATCHMENT_THREADS": "4",
        "CATCHMENT_WORKERS": "2",
        "CATCHMENT_HIGH_WATER": "/mnt/other/high-water",
        "CATCHMENT_QUEUE_STATEMENTS": "10",
        "CATCHMENT_QUEUE_BYTES": "5000",
        "CATCHMENT_TRUSTED_PROXIES": "1",
        "CATCHMENT_RATE_STORAGE": "redis://cache",
        "CATCHMENT_READ_LIMIT": "1 per second",
        "CATCHMENT_SUBMIT_LIMIT": "2 per second",
        "CATCHMENT_BATCH_LIMIT": "3 per hour",
        "CATCHMENT_TOKEN_LIMIT": "4 per minute",
        "CATCHMENT_EVENT_LIMIT": "5 per minute",
        "CATCHMENT_BATCH_STATEMENTS": "7",
        "CATCHMENT_BATCH_BYTES": "1000",
        "CATCHMENT_WITNESSES": "/srv/witnesses.json",
        "CATCHMENT_PUBLISH_SECONDS": "60",
        "CATCHMENT_SNAPSHOT": "/mnt/fast/standing",
        "CATCHMENT_SNAPSHOT_ENTRIES": "1000000",
        "CATCHMENT_CUSTODY": "/srv/custody",
        "CATCHMENT_SEALING_KEY": "/run/secrets/sealing.key",
        "CATCHMENT_TOKEN_KEY": "/run/secrets/token.pem",
        "CATCHMENT_PUBLIC_URL": "https://log.example/",
        "CATCHMENT_REACHABLE": "hooks.internal",
    }
    assert set(other) == {row.variable for row in table()}
    read, default = Settings.from_env(other), Settings()
    assert read.database == "sqlite:////srv/log.db"
    assert read.signing_key_file == Path("/run/secrets/key.pem")
    for name in Settings.__slots__:
        assert getattr(read, name) != getattr(default, name), name


def test_an_empty_variable_counts_as_absent() -> None:
    assert Settings.from_env({"CATCHMENT_PORT": ""}).port == 8000


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("CATCHMENT_PORT", "http"),
        ("CATCHMENT_PORT", "0"),
        ("CATCHMENT_PORT", "65536"),
        ("CATCHMENT_ENV", "prod"),
        ("CATCHMENT_THREADS", "-1"),
        ("CATCHMENT_WORKERS", "0"),
        ("CATCHMENT_QUEUE_STATEMENTS", "0"),
        ("CATCHMENT_THREADS", "٣"),
        ("CATCHMENT_TRUSTED_PROXIES", "one"),
        ("CATCHMENT_PUBLISH_SECONDS", "9"),
        ("CATCHMENT_PUBLISH_SECONDS", "61"),
        ("CATCHMENT_PUBLIC_URL", "log.example"),
        ("CATCHMENT_READ_LIMIT", "often"),
        ("CATCHMENT_BATCH_STATEMENTS", "1001"),
    ],
)
def test_a_setting_that_makes_no_sense_names_its_variable(variable: str, text: str) -> None:
    with pytest.raises(SettingRefused, match=variable) as refused:
        Settings.from_env({variable: text})
    assert text in str(refused.value)


def test_every_setting_is_documented() -> None:
    for row in table():
        assert row.doc.endswith(".")
    assert len({row.variable for row in table()}) == len(table())
