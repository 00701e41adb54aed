"""Findings as they are told: to each side in its own words, and never more than it may know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.keys.keyfile import write_secret
from tests.api.conftest import AsRole, Headers
from tests.cli_world import terminal
from tests.factory import Actor, Factory, line

pytestmark = pytest.mark.only_on("sqlite", "it is about who reads, wherever it is stored")


@pytest.fixture
def bolts(factory: Factory) -> Actor:
    return factory.enterprise("Bolts")


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


@pytest.fixture
def bolt(bolts: Actor) -> str:
    return bolts.product("Bolt", unit="H87")


@pytest.fixture
def frame(acme: Actor, bolt: str) -> str:
    """Made of 0.3125 kg of bolts, which are counted in pieces and have no mass."""
    works, frame = acme.site("Works"), acme.product("Frame")
    acme.recipe(frame, works, inputs=[(bolt, "0.3125", "KGM")])
    return frame


def findings(
    client: FlaskClient, headers: Headers, kind: str, entity: str, **query: Any
) -> dict[str, dict[str, Any]]:
    response = client.get(f"/v1/{kind}/{entity}/findings", headers=headers, query_string=query)
    assert response.status_code == 200, response.get_json()
    return {row["rule"]: row for row in response.get_json()["findings"]}


def test_the_buyer_reads_what_to_do_and_where_it_said_so(
    client: FlaskClient, as_role: AsRole, acme: Actor, frame: str, bolt: str
) -> None:
    row = findings(client, as_role("supplier", acme), "products", frame)["mass-missing"]
    assert (row["severity"], row["side"]) == ("quarantine", "consumer")
    assert "0.3125 KGM of Bolt for Frame" in row["sentence"]
    assert {"kind": "product", "id": bolt} in row["about"]
    assert [source["pointer"] for source in row["sources"]] == ["/inputs/0"]


def test_the_supplier_reads_neither_who_buys_nor_how_much(
    client: FlaskClient, as_role: AsRole, acme: Actor, bolts: Actor, frame: str, bolt: str
) -> None:
    asked = f"/v1/products/{bolt}/findings"
    response = client.get(asked, headers=as_role("supplier", bolts))
    rows = {row["rule"]: row for row in response.get_json()["findings"]}
    assert rows["mass-missing"]["side"] == "supplier"
    assert "add its mass per unit" in rows["mass-missing"]["sentence"]
    for secret in ("0.3125", "Frame", frame, acme.id, "Acme", "Works"):
        assert secret not in response.get_data(as_text=True)


def test_an_auditor_reads_both_with_their_statements(
    client: FlaskClient, as_role: AsRole, acme: Actor, bolts: Actor, frame: str, bolt: str
) -> None:
    row = findings(client, as_role("auditor"), "products", bolt)["mass-missing"]
    assert row["side"] is None
    assert {each["id"] for each in row["about"]} >= {acme.id, bolts.id, frame, bolt}
    assert row["sources"]


def test_strangers_read_nothing(
    client: FlaskClient, as_role: AsRole, bolts: Actor, frame: str
) -> None:
    response = client.get(f"/v1/products/{frame}/findings", headers=as_role("supplier", bolts))
    assert response.status_code == 403


def test_a_disclosed_footprint_brings_its_findings_but_not_its_digests(
    client: FlaskClient, as_role: AsRole, acme: Actor, bolts: Actor, bolt: str
) -> None:
    bolts.footprint(bolt, "2", unit="H87", pcf={"primaryDataShare": "0.4"})
    bolts.disclose("footprint", bolt, to=acme)
    row = findings(client, as_role("supplier", acme), "products", bolt)["primary-data-share"]
    assert (row["side"], row["sources"]) == ("consumer", [])
    assert "ask the supplier" in row["sentence"]
    own = findings(client, as_role("supplier", bolts), "products", bolt)["primary-data-share"]
    assert (own["side"], len(own["sources"])) == ("supplier", 1)
    assert "state it in percent" in own["sentence"]


def test_the_recipe_behind_a_footprint_is_told_to_its_owner_alone(
    client: FlaskClient, as_role: AsRole, acme: Actor, bolts: Actor, bolt: str
) -> None:
    shed = bolts.site("Shed")
    emitted = [("CO2", "fossil", "9")]
    bolts.recipe(bolt, shed, basis=("1", "H87"), emissions=emitted)
    bolts.footprint(bolt, "2", unit="H87", site=shed)
    bolts.disclose("footprint", bolt, to=acme)
    assert "footprint-below-direct" in findings(
        client, as_role("supplier", bolts), "products", bolt
    )
    assert "footprint-below-direct" not in findings(
        client, as_role("supplier", acme), "products", bolt
    )


@pytest.mark.parametrize(("buyers", "told"), [(1, False), (2, False), (3, True)])
def test_a_sum_over_buyers_is_told_to_the_supplier_from_three_on(
    factory: Factory,
    client: FlaskClient,
    as_role: AsRole,
    bolts: Actor,
    bolt: str,
    buyers: int,
    told: bool,
) -> None:
    shed = bolts.site("Shed")
    bolts.recipe(bolt, shed, basis=("1", "H87"))
    bolts.production(bolt, shed, "10", "H87")
    for n in range(buyers):
        buyer = factory.enterprise(f"Buyer {n}")
        buyer.purchases(buyer.site("Works"), [(bolt, "11", "H87")])
    supplier = as_role("supplier", bolts)
    assert ("deliveries-exceed-output" in findings(client, supplier, "products", bolt)) is told
    assert "deliveries-exceed-output" in findings(client, as_role("auditor"), "products", bolt)
    earlier = findings(client, supplier, "products", bolt, at=factory.log.size() - 1)
    assert "deliveries-exceed-output" not in earlier


def test_a_buyer_cannot_measure_its_suppliers_output_by_asking_more_and_more(
    client: FlaskClient, as_role: AsRole, acme: Actor, bolts: Actor, bolt: str
) -> None:
    shed = bolts.site("Shed")
    bolts.recipe(bolt, shed, basis=("1", "H87"))
    bolts.production(bolt, shed, "10", "H87")
    acme.purchases(acme.site("Works"), [(bolt, "11", "H87")])
    asked = ("enterprises", acme.id)
    assert "deliveries-exceed-output" not in findings(client, as_role("supplier", acme), *asked)
    bolts.disclose("footprint", bolt, to=acme)
    asked = ("products", bolt)
    assert "deliveries-exceed-output" not in findings(client, as_role("supplier", acme), *asked)
    bolts.disclose("production", bolt, to=acme)
    assert "deliveries-exceed-output" in findings(client, as_role("supplier", acme), *asked)


def test_an_enterprise_reads_of_its_purchases_too(
    client: FlaskClient, as_role: AsRole, acme: Actor, bolts: Actor, bolt: str
) -> None:
    works = acme.site("Works")
    acme.purchases(works, [line((bolt, "1", "H87"), supplier=acme.id)] * 2)
    found = findings(client, as_role("supplier", acme), "enterprises", acme.id)
    assert {"repeated-line", "supplier-differs"} <= found.keys()
    assert {"kind": "site", "id": works} in found["repeated-line"]["about"]
    sorted_by = [row["severity"] for row in found.values()]
    assert sorted_by == sorted(sorted_by, key=["refuse", "quarantine", "warning", "notice"].index)


def test_a_park_reads_of_its_fence_and_not_of_its_tenants_lines(
    factory: Factory, client: FlaskClient, as_role: AsRole, acme: Actor, bolt: str
) -> None:
    manager = factory.enterprise("Manager")
    park = manager.park()
    inside, away = acme.site("Works"), acme.site("Away", at=("10", "10"))
    for site in (inside, away):
        acme.inventory(site)
        manager.membership(park, site, consent_by=acme, small_aggregates=True)
    acme.purchases(inside, [(bolt, "0.3125", "KGM")])
    found = findings(client, as_role("park", manager), "parks", park)
    assert "member-outside-fence" in found
    assert "mass-missing" not in found
    assert "mass-missing" in findings(client, as_role("auditor"), "parks", park)


def test_only_one_severity_may_be_asked_for(
    client: FlaskClient, as_role: AsRole, acme: Actor, frame: str
) -> None:
    asked = ("products", frame)
    found = findings(client, as_role("supplier", acme), *asked, severity="quarantine")
    assert {row["severity"] for row in found.values()} == {"quarantine"}
    refused = client.get(
        f"/v1/products/{frame}/findings",
        headers=as_role("supplier", acme),
        query_string={"severity": "grave"},
    )
    assert refused.status_code == 400


def test_a_copy_is_kept_until_something_is_said(
    client: FlaskClient, as_role: AsRole, acme: Actor, frame: str
) -> None:
    headers = as_role("supplier", acme)
    first = client.get(f"/v1/products/{frame}/findings", headers=headers)
    again = {**headers, "If-None-Match": first.headers["ETag"]}
    assert client.get(f"/v1/products/{frame}/findings", headers=again).status_code == 304
    acme.footprint(frame, "2", pcf={"primaryDataShare": "0.4"})
    assert client.get(f"/v1/products/{frame}/findings", headers=again).status_code == 200


def test_the_terminal_shows_the_worst_first_with_where_it_was_said(
    factory: Factory, frame: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    shown = at.ok("findings", "enterprise", "Acme").out
    assert shown.index("Set aside") < shown.index("mass-missing") < shown.index("/inputs/0")
    none = at.ok("findings", "product", "Frame", "--severity", "refuse").out
    assert "Nothing was found" in none
