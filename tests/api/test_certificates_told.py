"""Who is told which certificates are used up, what they cover, and what is in excess.

Three tenants take 100, 200 and 300 MWh from the grid; certificates for 60 MWh are used for the
park, and of some tenants for their own sites.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.keys.keyfile import write_secret
from ledger.log import Accepted
from ledger.statements import Certificate
from tests.api.conftest import AsRole, Headers
from tests.cli_world import terminal
from tests.factory import Actor, Factory, line

pytestmark = pytest.mark.only_on("sqlite", "what is certified is not about databases")

NAMES = ("North", "South", "West")


@dataclass
class Valley:
    manager: Actor
    tenants: dict[str, Actor]
    sites: dict[str, str]
    park: str

    def certify(self, who: str | None, serial: str, megawatt_hours: int, **more: Any) -> Accepted:
        """Green power for a tenant's site, or for the park."""
        where = {"site": self.sites[who]} if who else {"park": self.park}
        stated: dict[str, Any] = {
            "kind": "green-power",
            "registry": "gec.example",
            "serial": serial,
            "count": megawatt_hours,
            "amount": Decimal(megawatt_hours),
            "unit": "MWH",
            "year": 2025,
        }
        actor = self.tenants[who] if who else self.manager
        return actor.say(Certificate(**{**stated, **where, **more}))


@pytest.fixture
def valley(factory: Factory) -> Valley:
    """Nobody has agreed to small aggregates; all let the park read their inventories."""
    manager, state = factory.enterprise("Manager"), factory.enterprise("Grid")
    plant, park = state.site("Plant", at=("100", "20")), manager.park("Valley")
    grid = state.product("Mix", unit="KWH", energy_carrier="electricity", grid="CN-JS")
    state.recipe(grid, plant, basis=("1", "KWH"), emissions=[("CO2", "fossil", "0.6")])
    state.disclose("footprint", grid)
    tenants = {name: factory.enterprise(name) for name in NAMES}
    sites = {name: actor.site(f"{name} works") for name, actor in tenants.items()}
    for n, (name, actor) in enumerate(tenants.items(), 1):
        manager.membership(park, sites[name], consent_by=actor)
        actor.inventory(sites[name])
        actor.purchases(sites[name], [line((grid, str(100 * n), "MWH"), category=3)])
    valley = Valley(manager, tenants, sites, park)
    valley.certify(None, "P-001", 60)
    return valley


def asked(client: FlaskClient, address: str, headers: Headers) -> Any:
    response = client.get(f"/v1/{address}/certificates?year=2025", headers=headers)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def held(body: Any) -> dict[str, tuple[str, str | None]]:
    return {each["holder"]["name"]: (each["kwh"], each["coveredKwh"]) for each in body["uses"]}


def test_auditors_are_told_all_of_it(client: FlaskClient, valley: Valley, as_role: AsRole) -> None:
    """North has 120 MWh for the 100 it takes: 20 in excess; the park's 60 cover others' power."""
    valley.certify("North", "N-001", 120)
    said = valley.certify("South", "S-001", 5, vintage=2020, project="Wind farm")
    body = asked(client, f"parks/{valley.park}", as_role("auditor"))
    assert body["park"] == {"id": valley.park, "name": "Valley"}
    assert (body["gridKwh"], body["directKwh"]) == ("600000", "0")
    assert (body["coveredKwh"], body["excessKwh"]) == ("160000", "20000")
    assert held(body) == {
        "North works": ("120000", "100000"),
        "South works": ("0", "0"),
        "Valley": ("60000", "60000"),
    }
    late = next(row for row in body["certificates"] if row["index"] == said.index)
    assert late == {
        "kind": "green-power",
        "registry": "gec.example",
        "serial": "S-001",
        "count": 5,
        "amount": "5",
        "unit": "MWH",
        "vintage": 2020,
        "project": "Wind farm",
        "holder": {"type": "site", "id": valley.sites["South"], "name": "South works"},
        "share": "1",
        "counted": False,
        "index": said.index,
    }
    assert body["notShown"] is False
    assert len(body["findings"]) == 3


def test_a_park_is_not_told_what_one_tenant_has(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    """Its own certificates cover what those of North have left: that would tell as well."""
    manager = as_role("park", valley.manager)
    before = asked(client, f"parks/{valley.park}", manager)
    assert (before["coveredKwh"], before["excessKwh"], before["notShown"]) == ("60000", "0", False)
    valley.certify("North", "N-001", 120)
    body = asked(client, f"parks/{valley.park}", manager)
    assert (body["gridKwh"], body["coveredKwh"], body["excessKwh"]) == ("600000", None, None)
    assert held(body) == {"Valley": ("60000", None)}
    assert [row["serial"] for row in body["certificates"]] == ["P-001"]
    assert body["notShown"] is True
    assert not any("North" in sentence for sentence in body["findings"])


def test_the_findings_of_a_park_tell_no_more_of_certificates_than_its_books(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    """North has 20 MWh too much. As of a day the park's books are told to auditors alone."""
    valley.certify("North", "N-001", 120)
    at = f"/v1/parks/{valley.park}/findings?year=2025"

    def noticed(headers: Headers, more: str = "") -> list[str]:
        found = client.get(at + more, headers=headers).get_json()["findings"]
        return [each["sentence"] for each in found if "North" in each["sentence"]]

    assert noticed(as_role("auditor"))
    manager = as_role("park", valley.manager)
    assert noticed(manager) == []
    assert noticed(manager, "&valid_on=2025-12-31") == []


def test_a_sum_over_three_tenants_is_told(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    for name in NAMES:
        valley.certify(name, f"{name[0]}-001", 10)
    body = asked(client, f"parks/{valley.park}", as_role("park", valley.manager))
    assert (body["coveredKwh"], body["excessKwh"]) == ("90000", "0")
    assert held(body) == {"Valley": ("60000", "60000")}
    assert body["notShown"] is True


def test_a_tenant_reads_its_own_and_no_park_s(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    """The park's certificates count for no enterprise: 100 − 40 are left."""
    valley.certify("North", "N-001", 40)
    north = valley.tenants["North"]
    body = asked(client, f"enterprises/{north.id}", as_role("supplier", north))
    assert (body["gridKwh"], body["coveredKwh"]) == ("100000", "40000")
    assert held(body) == {"North works": ("40000", "40000")}
    assert [row["serial"] for row in body["certificates"]] == ["N-001"]
    other = as_role("supplier", valley.tenants["South"])
    refused = client.get(f"/v1/enterprises/{north.id}/certificates", headers=other)
    assert refused.status_code == 403


def test_who_may_read_the_figure_gets_sums_only(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    valley.certify("North", "N-001", 40)
    north = valley.tenants["North"]
    north.disclose("figure", north.id)
    body = asked(client, f"enterprises/{north.id}", as_role("supplier", valley.tenants["South"]))
    assert body["coveredKwh"] == "40000"
    assert (body["uses"], body["certificates"], body["findings"]) == ([], [], [])
    assert body["notShown"] is True


def test_the_terminal_shows_what_is_covered_and_what_is_used_up(
    valley: Valley, factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    valley.certify("North", "N-001", 120)
    at = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    shown = at.ok("certificates", "Valley", "--year", 2025).out
    assert "From grids, covered by certificates" in shown
    assert "Certificates in excess" in shown
    assert "gec.example N-001 × 120" in shown
    assert "took from public grids" in " ".join(shown.split())
    told = at.ok("certificates", "Valley", "--json").json
    assert told["coveredKwh"] == "160000"
