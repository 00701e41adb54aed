"""Meters over HTTP: who may read them, and what a park is told while its year runs."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger.statements import Energy, Inventory, Meter
from tests.api.conftest import AsRole, Headers
from tests.factory import Actor, Factory, year_of
from tests.metered import count, state_factors

pytestmark = pytest.mark.only_on("sqlite", "what meters count is not about databases")


@dataclass
class Valley:
    """A park: the mill lets it read, the forge joins in June and does too, the dye works do not."""

    f: Factory
    park: str
    manager: Actor
    mill: Actor
    forge: Actor
    dyer: Actor
    sites: dict[str, str]


@pytest.fixture
def valley(factory: Factory) -> Valley:
    manager = factory.enterprise("Manager")
    mill, forge, dyer = (factory.enterprise(name) for name in ("Mill", "Forge", "Dyer"))
    sites = {a.name: a.site(a.name, grid_region="CN-JS") for a in (mill, forge, dyer)}
    park = manager.park()
    manager.membership(park, sites["Mill"], consent_by=mill)
    manager.membership(park, sites["Forge"], start="2025-06-01", consent_by=forge)
    manager.membership(park, sites["Dyer"])
    for actor in (mill, forge, dyer):
        count(actor, sites[actor.name], "E1", "3650")
    return Valley(factory, park, manager, mill, forge, dyer, sites)


def read(client: FlaskClient, address: str, headers: Headers, status: int = 200) -> Any:
    response = client.get(f"/v1/{address}", headers=headers)
    assert response.status_code == status, response.get_data(as_text=True)
    return response.get_json()


def of_meter(valley: Valley, name: str) -> str:
    return f"sites/{valley.sites[name]}/meters/E1"


def test_an_owner_reads_its_meter_month_by_month(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    body = read(client, of_meter(valley, "Mill"), as_role("supplier", valley.mill))
    assert (body["year"], body["unit"], body["site"]["name"]) == (2025, "KWH", "Mill")
    assert [each["month"] for each in body["months"]][:2] == ["2025-01", "2025-02"]
    assert body["months"][0] == {
        "month": "2025-01", "amount": "310", "share": "1", "days": "31", "readings": 1, "flags": [],
    }  # fmt: skip
    assert (body["total"]["amount"], body["through"]) == ("3650", "2026-01-01T00:00:00+08:00")
    assert (body["flags"], body["flagsNotShown"]) == ([], 0)


def test_what_was_not_read_is_null_and_flagged_in_words(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    body = read(client, f"{of_meter(valley, 'Mill')}?year=2027", as_role("auditor"))
    assert {each["amount"] for each in body["months"]} == {None}
    (flag,) = body["flags"]
    assert flag["sentence"] == ("No reading from 2027-01-01 00:00+08:00 to 2028-01-01 00:00+08:00.")


def test_a_park_reads_a_tenants_meter_on_the_days_it_agreed_to(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    """3 650 in 365 days: 10 a day, from June."""
    manager = as_role("park", valley.manager)
    body = read(client, of_meter(valley, "Forge"), manager)
    assert [each["amount"] for each in body["months"]][4:6] == [None, "300"]
    assert body["months"][4]["days"] is None
    refused = read(client, of_meter(valley, "Dyer"), manager, 403)
    assert refused["code"] == "not-disclosed"
    valley.dyer.disclose("inventory", valley.sites["Dyer"], to=valley.manager)
    assert read(client, of_meter(valley, "Dyer"), manager)["total"]["amount"] == "3650"


def test_nobody_else_reads_a_meter(client: FlaskClient, valley: Valley, as_role: AsRole) -> None:
    address = of_meter(valley, "Mill")
    assert read(client, address, as_role("supplier", valley.forge), 403)["code"] == "not-disclosed"
    assert read(client, address, {}, 401)["code"] == "token-missing"


def test_what_does_not_exist_is_not_found(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    auditor = as_role("auditor")
    unknown = read(client, f"sites/{valley.sites['Mill']}/meters/E9", auditor, 404)
    assert unknown["code"] == "unknown-meter"
    elsewhere = read(client, f"sites/{valley.park}/meters/E1", auditor, 404)
    assert elsewhere["code"] == "unknown-boundary"
    for kind in ("parks", "enterprises"):
        missing = read(client, f"{kind}/{valley.sites['Mill']}/meters", auditor, 404)
        assert missing["code"] == "unknown-boundary"


def test_statements_of_meters_and_readings_are_read_like_inventories(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    def types(headers: Headers, name: str) -> set[str]:
        address = f"statements?about={valley.sites[name]}"
        return {each["type"] for each in read(client, address, headers)["items"]}

    both = {"meter", "readings"}
    assert both <= types(as_role("supplier", valley.mill), "Mill")
    manager = as_role("park", valley.manager)
    assert both <= types(manager, "Mill")
    # Of readings of a whole year the park may read none that begin before June.
    assert types(manager, "Forge") & both == {"meter"}
    assert types(manager, "Dyer") & both == set()
    assert types(as_role("supplier", valley.forge), "Mill") & both == set()


def test_a_park_adds_up_what_it_may_read_and_counts_the_rest(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    """Mill 3 650, Forge 214 days at 10; the power of both at 0.6 kg per kWh."""
    state_factors(valley.f, "grid")
    body = read(client, f"parks/{valley.park}/meters", as_role("park", valley.manager))
    (row,) = body["rows"]
    assert (row["measures"], row["flow"], row["source"]) == ("electricity", "bought", "grid")
    assert (row["total"]["amount"], row["meters"]) == ("5790", 2)
    assert [month["amount"] for month in row["months"]][4:6] == ["310", "600"]
    assert (body["sites"], body["sitesNotShown"], body["year"]) == (2, 1, 2025)
    assert body["estimate"]["scope2"]["total"]["amount"] == "3474"
    assert body["estimate"]["scope1"] is None
    assert body["estimate"]["label"].startswith("From meters")
    assert "not the inventory" in body["estimate"]["label"]
    assert {each["site"]["name"] for each in body["meters"]} == {"Mill", "Forge"}
    everything = read(client, f"parks/{valley.park}/meters", as_role("auditor"))
    assert everything["rows"][0]["total"]["amount"] == "9440"
    assert everything["sitesNotShown"] == 0


def test_a_park_is_read_by_itself_and_auditors_only(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    """A public figure opens no meters."""
    valley.manager.disclose("figure", valley.park)
    address = f"parks/{valley.park}/meters"
    assert read(client, address, {}, 401)["code"] == "token-missing"
    refused = read(client, address, as_role("supplier", valley.mill), 403)
    assert refused["code"] == "not-disclosed"


def test_an_enterprise_reads_its_own_year_with_what_differs_from_its_inventory(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    stated = Energy(
        carrier="electricity", flow="bought", source="grid", amount=Decimal(4), unit="MWH"
    )
    period = year_of(2025)
    site = valley.sites["Mill"]
    valley.mill.say(Inventory(site=site, emissions=(), energy=(stated,), period=period))
    address = f"enterprises/{valley.mill.id}/meters"
    body = read(client, address, as_role("supplier", valley.mill))
    assert body["enterprise"]["name"] == "Mill"
    (finding,) = body["findings"]
    assert finding["rule"] == "meters-against-inventory"
    assert "3650 KWH" in finding["sentence"]
    assert "4000 KWH" in finding["sentence"]
    (lack,) = body["estimate"]["lacks"]
    assert lack["rule"] == "meter-without-grid-factor"
    assert read(client, address, as_role("supplier", valley.forge), 403)["code"] == "not-disclosed"
    told = read(client, f"enterprises/{valley.mill.id}/findings", as_role("supplier", valley.mill))
    assert "meters-against-inventory" in {each["rule"] for each in told["findings"]}


def test_a_park_is_told_of_differences_only_where_it_may_read_the_whole_year(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    """The forge states its year, of which the park may read no day before June."""
    for actor in (valley.mill, valley.forge):
        stated = Energy(
            carrier="electricity", flow="bought", source="grid", amount=Decimal(9), unit="MWH"
        )
        site, period = valley.sites[actor.name], year_of(2025)
        actor.say(Inventory(site=site, emissions=(), energy=(stated,), period=period))
    address = f"parks/{valley.park}/meters"
    told = read(client, address, as_role("park", valley.manager))["findings"]
    assert [each["sentence"].split(" count")[0] for each in told] == ["The meters of Mill"]
    assert len(read(client, address, as_role("auditor"))["findings"]) == 2


def test_an_earlier_position_of_the_log_gives_what_followed_from_it(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    owner = as_role("supplier", valley.mill)
    address = f"enterprises/{valley.mill.id}/meters"
    before = read(client, address, owner)
    count(valley.mill, valley.sites["Mill"], "E2", "1000")
    after = read(client, address, owner)
    assert after["rows"][0]["total"]["amount"] == "4650"
    again = read(client, f"{address}?at={before['at']}", owner)
    assert again == before


def test_a_meter_without_readings_makes_no_year_of_its_own(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    acme = factory.enterprise("Acme")
    site = acme.site("Works")
    acme.say(
        Meter(site=site, meter="W1", measures="water", flow="bought", unit="MTQ", reads="register")
    )
    acme.inventory(site, [], year=2024)
    body = read(client, f"enterprises/{acme.id}/meters", as_role("supplier", acme))
    assert (body["year"], body["through"], body["latest"]) == (2024, None, None)
    assert body["rows"][0]["total"] == {"amount": None, "share": "0"}


def test_a_copy_that_is_still_right_is_not_sent_again(
    client: FlaskClient, valley: Valley, as_role: AsRole
) -> None:
    owner = as_role("supplier", valley.mill)
    address = f"/v1/enterprises/{valley.mill.id}/meters"
    tag = client.get(address, headers=owner).headers["ETag"]
    assert client.get(address, headers={**owner, "If-None-Match": tag}).status_code == 304
    count(valley.mill, valley.sites["Mill"], "E2", "1000")
    assert client.get(address, headers={**owner, "If-None-Match": tag}).status_code == 200
