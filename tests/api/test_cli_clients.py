"""OAuth clients from the command line, and a stranger's program that uses one."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests

from api.errors import TokenKeyRefused
from api.opening import open_services
from api.settings import Settings
from tests.cli_world import ORIGIN, Terminal, served, terminal
from tests.patience import HANG_SECONDS


@pytest.fixture
def begun(database_setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    at = terminal(tmp_path, monkeypatch, database_setting)
    at.ok("init", "--origin", ORIGIN)
    return at


def operator_id() -> str:
    return open_services(Settings.from_env()).log.genesis.subject


def added(at: Terminal, *options: str) -> dict[str, str]:
    made: dict[str, str] = at.ok(
        "client", "add", "ERP", "--role", "auditor", *options, "--json"
    ).json
    return made


def granted(address: str, of: dict[str, str]) -> requests.Response:
    """What a program does that knows three lines and RFC 6749."""
    found = requests.get(f"{address}/.well-known/openid-configuration", timeout=HANG_SECONDS).json()
    return requests.post(
        found["token_endpoint"],
        data={"grant_type": "client_credentials"},
        auth=(of["client_id"], of["client_secret"]),
        timeout=HANG_SECONDS,
    )


def reads(address: str, token: str) -> int:
    url, headers = f"{address}/v1/log/entries/0", {"Authorization": f"Bearer {token}"}
    return requests.get(url, headers=headers, timeout=HANG_SECONDS).status_code


def test_a_stranger_needs_three_lines(begun: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATCHMENT_PUBLIC_URL", "https://carbon.example/")
    said = begun.ok("client", "add", "Buyer's ERP", "--role", "procurement",
                    "--enterprise", operator_id())  # fmt: skip
    told = dict(line.split(maxsplit=1) for line in said.out.splitlines()[-3:])
    assert told["token_endpoint"] == "https://carbon.example/auth/token"
    (listed,) = begun.ok("client", "list", "--json").json
    assert (listed["id"], listed["name"]) == (told["client_id"], "Buyer's ERP")
    assert listed["scopes"] == ["events", "figures", "footprints"]
    assert told["client_secret"].startswith("cts_")
    listing = begun.ok("client", "list").out
    assert told["client_secret"] not in listing


def test_a_program_fetches_a_token_and_reads_until_it_is_revoked(begun: Terminal) -> None:
    erp = added(begun, "--scope", "figures")
    with served() as address:
        token = granted(address, erp).json()["access_token"]
        assert reads(address, token) == 200
        begun.ok("client", "revoke", erp["client_id"])
        assert granted(address, erp).status_code == 401
    with served() as address:  # another process: what this one has seen is believed for seconds
        assert reads(address, token) == 401
    uses = begun.ok("client", "uses", erp["client_id"], "--json").json
    assert [use["outcome"] for use in uses] == ["invalid_client", "granted"]
    assert "127.0.0.1" in begun.ok("client", "uses").out


def test_a_secret_is_rotated_with_and_without_a_window(begun: Terminal) -> None:
    first = added(begun)
    second = begun.ok("client", "rotate", first["client_id"], "--json").json
    with served() as address:
        assert [granted(address, each).status_code for each in (first, second)] == [200, 200]
        told = begun.ok("client", "rotate", first["client_id"], "--now").out
        assert [granted(address, each).status_code for each in (first, second)] == [401, 401]
        third = first | {"client_secret": told.split()[-1]}
        assert granted(address, third).status_code == 200


@pytest.mark.usefixtures("waiting_for_the_disk")
@pytest.mark.only_on("sqlite", "the server of the tests does not wait for its disk")
def test_in_production_a_server_does_not_begin_with_a_key_that_others_may_read(
    begun: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served() as address:
        assert granted(address, added(begun)).status_code == 200
    monkeypatch.setenv("CATCHMENT_ENV", "production")
    settings = Settings.from_env()
    open_services(settings).database.dispose()
    settings.token_key_file.chmod(0o644)
    with pytest.raises(TokenKeyRefused):
        open_services(settings)


@pytest.mark.parametrize(
    "wrong",
    [
        ("client", "rotate", "nobody"),
        ("client", "revoke", "nobody"),
        ("client", "add", "x", "--role", "supplier"),
        ("client", "add", "x", "--role", "supplier", "--enterprise", "nobody"),
        ("client", "add", "x", "--enterprise", "018f0000-0000-7000-8000-000000000000"),
    ],
)
def test_what_makes_no_sense_is_refused(begun: Terminal, wrong: tuple[str, ...]) -> None:
    assert begun.run(*wrong).code == 1
    assert begun.ok("client", "list", "--json").json == []
