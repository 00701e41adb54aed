"""Figures over HTTP, held to arithmetic done on paper (the docstring of ``tests.chain``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from graph.version import VERSION
from tests.api.conftest import AsRole, Headers
from tests.chain import YEAR, Chain, build_chain
from tests.factory import Factory, line

pytestmark = pytest.mark.only_on("sqlite", "it is about answers, which come from no database")

EXAMPLE = Path(__file__).parents[2] / "../shared/data/park-hand-example/example.json"
FOOTPRINTS = {"P1": "3.7125", "P2": "4.29", "E3": "0.8", "T4": "3.345"}


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


@pytest.fixture
def auditor(as_role: AsRole) -> Headers:
    return as_role("auditor")


def get(client: FlaskClient, address: str, headers: Headers) -> Any:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def amount(value: str) -> dict[str, str]:
    """A figure that lacks nothing."""
    return {
        **dict.fromkeys(("atLeast", "value", "lower", "upper"), value),
        "filled": "0",
        "coverage": "1",
        "lacking": "nothing",
    }


@pytest.mark.parametrize(("name", "kg_co2e"), FOOTPRINTS.items())
def test_a_product_has_the_footprint_worked_out_on_paper(
    client: FlaskClient, chain: Chain, auditor: Headers, name: str, kg_co2e: str
) -> None:
    product = chain.products[name]
    body = get(client, f"/v1/products/{product}/footprint?year={YEAR}", auditor)
    assert (body["atLeast"], body["value"], body["coverage"]) == (kg_co2e, kg_co2e, "1")
    assert body["product"] == {"id": product, "name": name, "unit": "H87"}
    assert body["unit"] == "kg CO2e per H87"
    assert body["byGas"] == [{"gas": "CO2", "origin": "fossil", "kg": kg_co2e, "kgCo2e": kg_co2e}]
    assert (body["feeds"], body["gaps"], body["onBehalf"]) == (["recipe"], [], False)
    assert (body["declared"], body["residual"], body["mixedGwpShare"]) == (None, None, "0")
    assert (body["year"], body["gwp"], body["engine"]) == (YEAR, "AR6", VERSION)
    assert body["at"] == chain.factory.log.size()
    assert body["asOf"] == max(said.index for said in chain.recipes.values()) or name == "E3"


def test_contributions_are_the_column_of_the_origin_matrix(
    client: FlaskClient, chain: Chain, auditor: Headers
) -> None:
    body = get(client, f"/v1/products/{chain.products['P2']}/contributions?year=2025", auditor)
    rows = {row["product"]["name"]: row["kgCo2e"] for row in body["rows"]}
    assert rows == {"P1": "2", "P2": "1.25", "E3": "0.84", "T4": "0.2"}
    assert body["total"] == "4.29"
    assert {row["part"] for row in body["rows"]} == {"direct"}


def test_a_park_has_the_books_worked_out_on_paper(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    body = get(
        client, f"/v1/parks/{chain.park}/inventory?year=2025", as_role("park", chain.manager)
    )
    assert body["park"] == {"id": chain.park, "name": "Example Park"}
    assert body["scope1"] == amount("250")
    assert body["scope2"] == {"location": amount("56"), "market": amount("56")}
    assert body["scope3"]["upstream"] == amount("24")
    assert body["upstream"] == amount("80")
    assert body["scope3"]["byCategory"][0] == {
        "category": 1,
        "name": "Purchased goods and services",
        **amount("24"),
    }
    assert body["bridge"] == {
        "t0": amount("585.75"),
        "internal": amount("212.85"),
        "t1": amount("372.9"),
        "returned": amount("42.9"),
        "t2": amount("330"),
        "status": "assessed",
    }
    assert (body["returning"], body["unit"], body["memberships"]) == ("assessed", "kg CO2e", 2)
    tenants = {row["enterprise"]["name"]: row["scope1"]["value"] for row in body["byTenant"]}
    assert tenants == {"P1 Works": "200", "P2 Works": "50"}


def test_the_park_s_upstream_was_emitted_at_the_power_station_and_the_assembler(
    client: FlaskClient, chain: Chain, auditor: Headers
) -> None:
    body = get(client, f"/v1/parks/{chain.park}/inventory?year=2025", auditor)
    rows = {row["product"]["name"]: (row["kgCo2e"], row["share"]) for row in body["origins"]}
    # 70·0.8 of power, and 20·0.25·0.8 in the tools; 20·1 at the assembler.
    assert rows == {"E3": ("60", "0.75"), "T4": ("20", "0.25")}


@pytest.mark.parametrize(("name", "t2"), [("P1", "297"), ("P2", "171.6"), ("E3", "160")])
def test_an_enterprise_has_the_total_of_its_own_fence(
    client: FlaskClient, chain: Chain, auditor: Headers, name: str, t2: str
) -> None:
    firm = chain.firms[name].id
    body = get(client, f"/v1/enterprises/{firm}/inventory?year=2025", auditor)
    assert body["enterprise"] == {"id": firm, "name": f"{name} Works"}
    assert body["bridge"]["t2"]["value"] == t2


def test_the_numbers_on_paper_are_those_of_the_shared_example(
    client: FlaskClient, chain: Chain, auditor: Headers
) -> None:
    if not EXAMPLE.is_file():
        pytest.skip("the worked example is absent: ../shared/data/park-hand-example")
    expected = json.loads(EXAMPLE.read_text("utf-8"))["expected"]
    for name, kg_co2e in expected["unit_footprints_m"].items():
        address = f"/v1/products/{chain.products[name]}/footprint?year=2025"
        assert float(get(client, address, auditor)["value"]) == pytest.approx(kg_co2e)
    park, body = (
        expected["park"],
        get(client, f"/v1/parks/{chain.park}/inventory?year=2025", auditor),
    )
    assert float(body["scope1"]["value"]) == park["scope1"]
    assert float(body["scope2"]["location"]["value"]) == park["scope2_location"]
    assert float(body["scope3"]["upstream"]["value"]) == park["scope3_upstream_net"]
    assert float(body["bridge"]["t2"]["value"]) == park["T2_boundary_consistent"]


def test_a_gap_makes_a_figure_null_never_zero_and_says_what_to_do(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    maker = factory.enterprise("Maker")
    steel = maker.product("Steel")
    gtin = "urn:gtin:4012345123456"
    maker.recipe(
        steel,
        maker.site(),
        emissions=[("CO2", "fossil", "2")],
        inputs=[line((gtin, "0.5", "KGM"), category=1)],
    )
    address = f"/v1/products/{steel}/footprint?year=2025"
    body = get(client, address, as_role("supplier", maker))
    assert (body["atLeast"], body["value"], body["coverage"]) == ("2", None, None)
    assert body["gaps"] == [
        {
            "consumer": "Steel",
            "wanted": gtin,
            "supplier": None,
            "amount": "0.5",
            "unit": "KGM",
            "category": 1,
            "reason": "unregistered",
            "estimate": None,
            "effect": None,
            "sentence": f"Steel takes in {gtin}, which nobody has registered: ask the supplier to "
            "register the product and state its footprint.",
        }
    ]


def test_a_registered_product_that_nobody_describes_is_a_gap_as_well(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    maker, silent = factory.enterprise("Maker"), factory.enterprise("Silent")
    steel, ore = maker.product("Steel"), silent.product("Ore")
    silent.production(ore, silent.site(), "7")
    maker.recipe(steel, maker.site(), inputs=[(ore, "1.6", "KGM")])
    address = f"/v1/products/{steel}/footprint?year=2025"
    body = get(client, address, as_role("supplier", maker))
    gaps = [(gap["wanted"], gap["supplier"], gap["reason"]) for gap in body["gaps"]]
    assert gaps == [("Ore", "Silent", "undeclared")]


def test_gaps_and_findings_of_others_are_counted_not_shown(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    maker, supplier = factory.enterprise("Maker"), factory.enterprise("Supplier")
    steel, ore = maker.product("Steel"), supplier.product("Ore")
    supplier.recipe(
        ore,
        supplier.site(),
        emissions=[("CO2", "fossil", "1")],
        inputs=[("urn:gtin:4012345123456", "1", "KGM")],
    )
    supplier.disclose("footprint", ore, to=maker)
    maker.recipe(steel, maker.site(), inputs=[(ore, "1", "KGM")])
    address = f"/v1/products/{steel}/footprint?year=2025"
    body = get(client, address, as_role("supplier", maker))
    assert (body["gaps"], body["gapsNotShown"]) == ([], 1)
    assert {finding["sentence"] for finding in body["findings"]} == {
        "Steel has a recipe but no production: its output is unknown."
    }
    assert get(client, address, as_role("auditor"))["gaps"][0]["consumer"] == "Ore"


def test_a_finding_about_a_name_that_two_products_carry_is_passed_over(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    address = ""
    for name in ("Maker", "Namesake"):
        maker = factory.enterprise(name)
        steel = maker.product("Steel")
        maker.recipe(steel, maker.site(f"Plant of {name}"))
        address = f"/v1/products/{steel}/footprint?year=2025"
    assert get(client, address, as_role("supplier", maker))["findings"] == []


def test_a_figure_says_that_another_spoke_for_its_owner(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    maker, consultant = factory.enterprise("Maker"), factory.enterprise("Consultant")
    steel, plant = maker.product("Steel"), maker.site()
    recipe = maker.recipe(steel, plant, emissions=[("CO2", "fossil", "2")])
    address = f"/v1/products/{steel}/footprint?year=2025"
    reader = as_role("supplier", maker)
    assert get(client, address, reader)["onBehalf"] is False
    maker.delegate(consultant)
    consultant.correct(recipe)
    assert get(client, address, reader)["onBehalf"] is True


def test_a_figure_says_that_the_operator_holds_the_key(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    maker = factory.enterprise("Maker")
    held = maker.with_key()
    factory.register(held, custody="operator")
    plant = held.site()
    held.inventory(plant, [("CO2", "fossil", "2")])
    held.purchases(plant)
    address = f"/v1/enterprises/{maker.id}/inventory?year=2025"
    assert get(client, address, as_role("supplier", maker))["onBehalf"] is True


def test_a_stated_footprint_beside_a_recipe_is_shown_with_the_residual(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    maker = factory.enterprise("Maker")
    steel, plant = maker.product("Steel"), maker.site()
    maker.recipe(steel, plant, emissions=[("CO2", "fossil", "2")])
    maker.footprint(steel, "1.9", site=plant)
    address = f"/v1/products/{steel}/footprint?year=2025"
    body = get(client, address, as_role("supplier", maker))
    assert (body["value"], body["declared"], body["residual"]) == ("2", "1.9", "0.1")


def test_gases_keep_their_origin_and_biogenic_co2_stands_apart(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    maker = factory.enterprise("Maker")
    board, plant = maker.product("Board"), maker.site()
    gases = [("CH4", "biogenic", "2"), ("CO2", "biogenic", "30"), ("CO2", "fossil", "1")]
    maker.recipe(board, plant, emissions=gases)
    address = f"/v1/products/{board}/footprint?year=2025"
    body = get(client, address, as_role("supplier", maker))
    # AR6, 100 years: non-fossil methane 27.0; biogenic CO2 is told apart and not added.
    assert body["value"] == "55"
    assert body["byGas"] == [
        {"gas": "CH4", "origin": "biogenic", "kg": "2", "kgCo2e": "54"},
        {"gas": "CO2", "origin": "fossil", "kg": "1", "kgCo2e": "1"},
    ]
    assert body["apart"] == {"biogenicCO2": "30"}


def test_a_site_that_says_nothing_is_named_to_the_park_and_counted_for_others(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    manager, tenant = factory.enterprise("Manager"), factory.enterprise("Tenant")
    park, site = manager.park("Park"), tenant.site("Yard")
    manager.membership(park, site, consent_by=tenant, small_aggregates=True)
    tenant.inventory(site, [("CO2", "fossil", "3")], period=("2025-01-01", "2025-07-01"))
    manager.disclose("figure", park)
    address = f"/v1/parks/{park}/inventory?year=2025"
    body = get(client, address, as_role("park", manager))
    told = [(each["site"]["name"], each["what"]) for each in body["missing"]]
    assert told == [("Yard", "inventory-incomplete"), ("Yard", "purchases")]
    assert body["missing"][1]["sentence"] == (
        "Yard has stated no purchases for 2025-01-01 to 2025-12-31: state what it took in; "
        "if nothing, state an empty list."
    )
    assert (body["scope1"]["atLeast"], body["scope1"]["value"]) == ("3", None)
    anybody = get(client, address, {})
    assert (anybody["missing"], anybody["missingNotShown"]) == ([], 2)


def test_categories_and_sentences_are_told_in_the_reader_s_language(
    client: FlaskClient, chain: Chain, auditor: Headers
) -> None:
    address = f"/v1/parks/{chain.park}/inventory?year=2025"
    body = get(client, address, {**auditor, "Accept-Language": "zh-CN"})
    assert body["scope3"]["byCategory"][0]["name"] == "购买的商品和服务"


# --- What is registered ----------------------------------------------------------------------


def test_what_is_registered_is_listed_page_by_page(
    client: FlaskClient, chain: Chain, auditor: Headers
) -> None:
    names, address = [], "/v1/products?limit=3"
    while address:
        response = client.get(address, headers=auditor)
        names += [item["name"] for item in response.get_json()["items"]]
        link = response.headers.get("Link", "")
        address = link.partition("<")[2].partition(">")[0].replace("http://localhost", "")
    assert names == ["P1", "P2", "E3", "T4"]


def test_what_is_registered_is_found_by_name_owner_and_identifier(
    client: FlaskClient, factory: Factory, auditor: Headers
) -> None:
    maker, other = factory.enterprise("Maker"), factory.enterprise("Other")
    gtin = "urn:gtin:4012345123456"
    bolt = maker.product("Hex bolt", identifiers=(gtin,), mass_per_unit="0.0120", unit="H87")
    other.product("Hex nut")

    def found(query: str) -> list[str]:
        return [item["name"] for item in get(client, f"/v1/products?{query}", auditor)["items"]]

    assert found("name=HEX") == ["Hex bolt", "Hex nut"]
    assert found(f"owner={maker.id}") == ["Hex bolt"]
    assert found(f"identifier={gtin}") == ["Hex bolt"]
    body = get(client, f"/v1/products/{bolt}", auditor)
    assert (body["owner"], body["unit"], body["massPerUnit"]) == (maker.id, "H87", "0.0120")


def test_a_park_is_registered_with_its_fence_and_a_site_with_its_place(
    client: FlaskClient, chain: Chain, auditor: Headers
) -> None:
    park = get(client, f"/v1/parks/{chain.park}", auditor)
    assert park["fence"][0] == ["120", "31"]
    site = get(client, f"/v1/sites/{chain.sites['P1']}", auditor)
    assert (site["longitude"], site["latitude"], site["timeZone"]) == (
        "120.5",
        "31.5",
        "Asia/Shanghai",
    )
