"""An auditor reads what a compromise had brought into the figures."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api.keys.keyfile import write_secret
from tests.api.conftest import AsRole
from tests.cli_world import terminal
from tests.factory import Actor, Factory, gas


def revoked_late(factory: Factory, acme: Actor) -> int:
    """The thief of Acme's key halves its emissions; the index of the revocation."""
    said = acme.inventory(acme.site("Works"), [("CO2", "fossil", "2000")])
    factory.clock.advance(days=1)
    since = factory.clock.now_ms
    factory.clock.advance(seconds=60)
    acme.correct(said, emissions=(gas(("CO2", "fossil", "1000")),))
    factory.clock.advance(days=1)
    return factory.operator.revoke(acme, since=since).index


def test_the_difference_is_told_by_name_and_only_where_something_moved(
    factory: Factory, client: FlaskClient, as_role: AsRole
) -> None:
    acme = factory.enterprise("Acme")
    cause = revoked_late(factory, acme)
    answer = client.get(f"/v1/log/suspects/{cause}/impact", headers=as_role("auditor")).get_json()
    (moved,) = answer["moved"]
    assert (moved["kind"], moved["id"], moved["year"]) == ("enterprise", acme.id, 2025)
    assert {"name": "scope1", "before": "1000", "after": "2000"} in moved["numbers"]


def test_only_auditors_see_earlier_positions_of_everybody(
    factory: Factory, client: FlaskClient, as_role: AsRole
) -> None:
    acme = factory.enterprise("Acme")
    cause = revoked_late(factory, acme)
    path = f"/v1/log/suspects/{cause}/impact"
    assert client.get(path).status_code == 401
    for role in ("supplier", "operator"):
        refused = client.get(path, headers=as_role(role, acme))
        assert (refused.status_code, refused.get_json()["code"]) == (403, "not-disclosed")


def test_an_entry_that_does_not_exist_is_told(client: FlaskClient, as_role: AsRole) -> None:
    refused = client.get("/v1/log/suspects/99/impact", headers=as_role("auditor"))
    assert (refused.status_code, refused.get_json()["code"]) == (404, "entry-not-found")


def test_the_command_shows_tonnes_before_and_after(
    factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cause = revoked_late(factory, factory.enterprise("Acme"))
    at = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    rows = [line.split() for line in at.ok("impact", cause).out.splitlines()]
    assert ["scope1", "1.000", "2.000", "1.000"] in rows or [
        "scope1",
        "1.00",
        "2.00",
        "1.00",
    ] in rows
    assert "moved no figure" in at.ok("impact", 3).out
