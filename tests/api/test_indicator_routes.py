"""Indicators of a park over HTTP: what they say, and who may read what tenants say of their energy.

The park is that of ``tests.graph.parkland``; its numbers are worked there and in
``tests.graph.test_notice910``.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger.schema import load
from ledger.statements import Indicators
from tests.api.conftest import AsRole, Headers
from tests.factory import Factory
from tests.graph.parkland import NOTHING_ELSE, Parkland

pytestmark = pytest.mark.only_on("sqlite", "what is said of parks is not about databases")

RULES = {
    "name": "local",
    "version": "1",
    "title": "Local rules",
    "titleZh": "本地规则",
    "publisher": "Province",
    "source": "Notice 1",
    "passMark": "2",
    "parkTypes": ["steel", "chips"],
    "items": [
        {
            "id": "net",
            "title": "Net figure",
            "titleZh": "净排放",
            "class": "principled",
            "quantity": "net-operational",
            "operator": "at-most",
            "threshold": "10",
        },
        {
            "id": "tenants",
            "title": "Tenants that state",
            "class": "non-principled",
            "quantity": "tenants-with-inventory",
            "per": "tenants",
            "operator": "at-least",
            "threshold": "1",
            "weight": "2",
            "parkType": "chips",
        },
    ],
}


@pytest.fixture
def park(factory: Factory) -> Parkland:
    """A burns 2 t CO2 of coal and takes 1000 MWh from the grid; B has nothing but the sun."""
    park = Parkland(factory)
    park.factors(coal="2")
    park.basis(coal="0.7", electricity="120")
    no_heat = ("heat", "recoverable", "recovered", "0")
    park.says(
        "A",
        fuels=[("coal", "1000")],
        energy=[("electricity", "bought", "grid", "1000"), no_heat],
        **NOTHING_ELSE,
    )
    generated = ("electricity", "generated", "non-fossil", "500")
    park.says("B", energy=[generated, no_heat], **NOTHING_ELSE)
    for name, firm in park.firms.items():
        firm.purchases(park.sites[name])
    return park


def asked(client: FlaskClient, park: Parkland, headers: Headers, query: str = "") -> Any:
    address = f"/v1/parks/{park.park}/indicators?year=2025{query}"
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def refused(client: FlaskClient, park: Parkland, headers: Headers, query: str = "") -> Any:
    address = f"/v1/parks/{park.park}/indicators?year=2025{query}"
    return client.get(address, headers=headers).get_json()


def items(answer: Any) -> dict[str, Any]:
    return {each["id"]: each for each in answer["items"]}


def test_the_national_indicators_with_every_part_on_paper(
    client: FlaskClient, park: Parkland, as_role: AsRole
) -> None:
    """2 t + 1000 MWh · 0.8325 = 834.5 t over 0.7 + 120 + 60 = 180.7 tce."""
    answer = asked(client, park, as_role("auditor"))
    core = items(answer)["carbon-per-energy"]
    assert (core["verdict"], core["unit"], core["class"]) == (
        "no-verdict",
        "t CO2 / tce",
        "principled",
    )
    assert float(core["value"]) == pytest.approx(834.5 / 180.7)
    assert [each["reason"] for each in core["missing"]] == ["no-threshold"]
    assert items(answer)["unit-product-energy"]["verdict"] == "missing"
    assert "second level" in items(answer)["unit-product-energy"]["missing"][0]["sentence"]
    assert (answer["points"], answer["outOf"]) == ("0", "2")
    direct = items(answer)["direct-green-power"]
    assert (direct["value"][:7], direct["verdict"], direct["unit"]) == ("0.33333", "not-met", "1")
    assert float(direct["beyond"]) == pytest.approx(500 - 750)
    assert (answer["result"], answer["basis"]) == (
        "cannot-be-judged",
        {"name": "coal", "version": "1"},
    )
    notice = answer["notice"]
    assert "different number from the net figure" in notice["remark"]
    emissions, energy = notice["emissions"], notice["energy"]
    assert (emissions["tCo2"], energy["tce"], energy["clean"]) == ("834.5", "180.7", "60")
    parts = [(p["site"]["name"], p["amount"], p["factor"], p["tCo2"]) for p in emissions["parts"]]
    assert parts == [
        ("Site A", "1000", "0.002", "2"),
        ("Site A", "1000", "0.8325", "832.5"),
    ]
    lines = {(line["site"]["name"], line["how"]): line["tce"] for line in energy["lines"]}
    assert lines == {
        ("Site A", "final"): "0.7",
        ("Site A", "net"): "120",
        ("Site B", "generated"): "60",
    }


def test_energy_without_a_basis_is_named_and_one_that_does_not_stand_is_refused(
    client: FlaskClient, park: Parkland, as_role: AsRole
) -> None:
    auditor = as_role("auditor")
    assert refused(client, park, auditor, "&basis=other")["code"] == "coal-basis-unknown"
    park.basis("other", coal="0.8", electricity="300")
    answer = asked(client, park, auditor)
    core = items(answer)["carbon-per-energy"]
    assert (core["value"], core["verdict"], answer["basis"]) == (None, "missing", None)
    assert "(coal, other): name one" in core["missing"][0]["sentence"]
    assert (answer["notice"]["energy"], answer["notice"]["emissions"]["tCo2"]) == (None, "834.5")
    chosen = asked(client, park, auditor, "&basis=other")
    assert (chosen["basis"]["name"], chosen["notice"]["energy"]["tce"]) == ("other", "450.8")


def test_the_parks_enterprise_reads_it_where_all_tenants_let_it(
    client: FlaskClient, park: Parkland, as_role: AsRole
) -> None:
    manager = as_role("park", park.manager)
    assert items(asked(client, park, manager))["carbon-per-energy"]["value"] is not None
    # B takes its consent back: its inventory is closed to the park.
    park.firms["B"].disclose("inventory", park.sites["B"], to=park.manager, level="private")
    assert refused(client, park, manager)["code"] == "fewer-than-three-tenants"
    assert asked(client, park, as_role("auditor"))["notice"]["emissions"]["tCo2"] == "834.5"


def test_three_tenants_that_keep_their_inventories_hide_the_indicators_and_are_named(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    manager = factory.enterprise("Manager")
    park = manager.park()
    for name in "XYZ":
        firm = factory.enterprise(name)
        site = firm.site(f"Site {name}")
        manager.membership(park, site)
        firm.inventory(site)
        firm.purchases(site)
    answer = client.get(
        f"/v1/parks/{park}/indicators?year=2025", headers=as_role("park", manager)
    ).get_json()
    assert answer["code"] == "inventories-not-open"
    assert sorted(each["detail"] for each in answer["problems"]) == ["Site X", "Site Y", "Site Z"]


def test_whoever_may_only_read_the_figure_does_not_read_the_indicators(
    client: FlaskClient, park: Parkland, as_role: AsRole
) -> None:
    stranger = park.f.enterprise("Stranger")
    headers = as_role("supplier", stranger)
    assert refused(client, park, headers)["code"] == "not-disclosed"
    park.manager.disclose("figure", park.park)
    assert refused(client, park, headers)["code"] == "not-disclosed"
    assert refused(client, park, {})["code"] == "token-missing"


def test_a_stated_system_is_listed_and_applied(
    client: FlaskClient, park: Parkland, as_role: AsRole
) -> None:
    auditor = as_role("auditor")
    park.f.operator.say(load(Indicators, RULES))
    listed = client.get("/v1/indicators", headers=as_role("supplier", park.manager)).get_json()
    names = [(each["name"], each["builtIn"], len(each["items"])) for each in listed["items"]]
    assert names == [("local", False, 2), ("notice-910", True, 7)]
    first = client.get("/v1/indicators?limit=1", headers=auditor)
    assert 'rel="next"' in first.headers["Link"]
    assert client.get("/v1/indicators").status_code == 401
    answer = asked(client, park, auditor, "&system=local&type=chips")
    assert (answer["result"], answer["points"], answer["outOf"]) == ("passed", "2", "2")
    assert (answer["notice"], answer["basis"], answer["parkType"]) == (None, None, "chips")
    assert items(answer)["net"]["value"] == "2"
    chinese = asked(client, park, auditor | {"Accept-Language": "zh"}, "&system=local&type=steel")
    assert chinese["system"]["title"] == "本地规则"
    assert [each["title"] for each in chinese["items"]] == ["净排放"]


def test_what_cannot_be_asked_is_a_clear_problem(
    client: FlaskClient, park: Parkland, as_role: AsRole
) -> None:
    auditor = as_role("auditor")
    park.f.operator.say(load(Indicators, RULES))
    unknown = refused(client, park, auditor, "&system=elsewhere")
    assert (unknown["status"], unknown["code"]) == (404, "indicator-system-unknown")
    assert "local, notice-910" in unknown["advice"]
    untyped = refused(client, park, auditor, "&system=local")
    assert (untyped["status"], untyped["code"]) == (422, "park-type-unknown")
    assert "steel, chips" in untyped["advice"]
    typed = refused(client, park, auditor, "&type=steel")
    assert (typed["status"], typed["code"]) == (422, "no-park-types")
    assert typed["detail"] == "The system of indicators “notice-910” has no types of parks."
    assert refused(client, park, auditor, "&sytem=local")["code"] == "parameters-refused"


def test_what_the_inventory_does_not_show_is_no_indicator_either(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    """Three tenants let the park read their inventories and agreed to no small sums. Only one took
    in energy, so Scope 2 would be its own; to an auditor it is Scope 1, 3 t, and a gap."""
    manager, grid = factory.enterprise("Manager"), factory.enterprise("Grid")
    power = grid.product("Power", unit="KWH", energy_carrier="electricity")
    grid.footprint(power, "0.5", unit="KWH")
    park = manager.park()
    for name in "XYZ":
        firm = factory.enterprise(name)
        site = firm.site(f"Site {name}")
        manager.membership(park, site, consent_by=firm)
        firm.inventory(site, [("CO2", "fossil", "1000")])
        firm.purchases(site, [(power, "100", "KWH")] if name == "X" else [])
    rules = {**RULES, "passMark": "0", "parkTypes": [], "items": [RULES["items"][0]]}
    factory.operator.say(load(Indicators, rules))
    address = f"/v1/parks/{park}/indicators?year=2025&system=local"
    told = client.get(address, headers=as_role("auditor")).get_json()["items"][0]
    assert (told["known"], [each["reason"] for each in told["missing"]]) == ("3", ["gaps"])
    seen = client.get(address, headers=as_role("park", manager)).get_json()
    assert [each["reason"] for each in seen["items"][0]["missing"]] == ["not-shown"]
    assert (seen["items"][0]["known"], seen["items"][0]["beyond"]) == (None, None)
    assert seen["result"] == "cannot-be-judged"


def test_the_answer_has_a_tag_that_moves_with_what_it_rests_on(
    client: FlaskClient, park: Parkland, as_role: AsRole
) -> None:
    address, auditor = f"/v1/parks/{park.park}/indicators?year=2025", as_role("auditor")
    first = client.get(address, headers=auditor)
    tagged = auditor | {"If-None-Match": first.headers["ETag"]}
    assert client.get(address, headers=tagged).status_code == 304
    park.certified("400")
    again = client.get(address, headers=tagged)
    assert again.status_code == 200
    assert again.get_json()["asOf"] > first.get_json()["asOf"]
    # 2 t + (1000 − 400) MWh · 0.8325
    assert again.get_json()["notice"]["emissions"]["tCo2"] == "501.5"
