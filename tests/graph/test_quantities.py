"""Every quantity that indicators can ask for, of one park whose numbers fit on paper."""

from __future__ import annotations

from decimal import Decimal

import pytest

from graph.indicators.quantities import COMPUTED, Ground
from ledger.statements import QUANTITIES, Capture, OutputValue, Removal
from tests.factory import Factory
from tests.graph.parkland import Parkland

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")


@pytest.fixture
def park(factory: Factory) -> Parkland:
    return Parkland(factory)


def value(amount: str, unit: str = "CNY:2025:basic") -> OutputValue:
    return OutputValue(amount=Decimal(amount), unit=unit)


def reasons(ground: Ground, name: str) -> list[str]:
    return [each.reason for each in ground(name).missing]


def test_every_quantity_that_can_be_asked_for_is_computed_and_no_other() -> None:
    assert COMPUTED.keys() == QUANTITIES.keys()


def test_all_of_them_on_paper(park: Parkland) -> None:
    """Two sites that take in nothing but power, which nobody describes: Scope 1 = 7 t of lime.

    A: 2 t of fossil CO2 stored, 3 t taken out of the air and not verified, 20 of 30 t waste used,
    40 of 100 m3 water used again, 5 of 8 MWh waste heat used, 100 MWh from the grid and 50 from the
    sun, 0.3 million yuan; B: 10 MWh from a line of green power, 0.2 million yuan.
    """
    park.basis(electricity="120")
    park.says(
        "A",
        emissions=[("CO2", "fossil", "7000", "process")],
        energy=[
            ("electricity", "bought", "grid", "100"),
            ("electricity", "generated", "non-fossil", "50"),
            ("heat", "recoverable", "recovered", "8"),
            ("heat", "generated", "recovered", "5"),
        ],
        captured=(Capture(origin="fossil", fate="stored", amount=Decimal(2000)),),
        removals=(Removal(sink="natural", name="Wood", amount=Decimal(3000)),),
        waste=[("industrial-solid", "utilised", "20"), ("industrial-solid", "landfilled", "10")],
        water=[("fresh", "60"), ("reused", "40"), ("discharged", "50")],
        output_value=value("300000"),
    )
    park.says(
        "B",
        energy=[
            ("electricity", "bought", "non-fossil", "10"),
            ("heat", "recoverable", "recovered", "0"),
        ],
        waste=[("industrial-solid", "stored", "0"), ("hazardous", "treated", "4")],
        water=[("fresh", "0"), ("reused", "0")],
        output_value=value("200000"),
    )
    for name in "AB":
        park.firms[name].purchases(park.sites[name])
    park.certified("30")
    ground = park.ground()
    found = {name: ground(name).value for name in QUANTITIES}
    assert {name: amount for name, amount in found.items() if amount is None} == {
        # Nobody says that nothing is taken in under each category, nor what becomes of products.
        "scope3": None,
        "scope3-upstream": None,
        "scope3-downstream": None,
        "gross": None,
        "net": None,
        "primary-share": None,
    }
    assert {name: amount for name, amount in found.items() if amount is not None} == {
        name: pytest.approx(amount)
        for name, amount in {
            "scope1": 7,
            "scope2-location": 0,
            "scope2-market": 0,
            "gross-operational": 7,
            "net-operational": 5,
            "removals-verified": 0,
            "removals": 3,
            "captured": 2,
            "offsets": 0,
            "co2-of-notice-910": 7 + 70 * 0.8325,
            "energy": 0.12 * 160,
            "energy-clean": 0.12 * 90,
            "electricity": 160,
            "electricity-bought": 110,
            "electricity-green": 90,
            "electricity-green-direct": 60,
            "electricity-generated-non-fossil": 50,
            "heat-recovered": 5,
            "heat-recoverable": 8,
            "waste-industrial": 30,
            "waste-industrial-utilised": 20,
            "water": 100,
            "water-reused": 40,
            "output-value": 50,
            "tenants": 2,
            "tenants-with-inventory": 2,
            "coverage": 1,
            "verified-share": 0,
        }.items()
    }
    assert reasons(ground, "scope3") == ["categories"]
    assert ground("scope3-upstream").missing[0].params == {"categories": "1, 2, 3, 4, 5, 6, 7, 8"}
    assert reasons(ground, "primary-share") == ["quality"]


def test_what_one_site_leaves_unsaid_is_named_and_the_rest_is_told_as_known(
    park: Parkland,
) -> None:
    grid = ("electricity", "bought", "grid", "1")
    park.says(
        "A",
        energy=[grid, ("heat", "recoverable", "recovered", "4")],
        waste=[("industrial-solid", "utilised", "2")],
        water=[("fresh", "5")],
        output_value=value("10000", "EUR:2025:basic"),
    )
    park.says("B", energy=[grid], output_value=value("20000"))
    ground = park.ground()
    waste = ground("waste-industrial")
    assert (waste.value, waste.known) == (None, pytest.approx(2))
    assert [each.sentence[:25] for each in waste.missing] == ["The inventories of Site B"]
    assert reasons(ground, "water-reused") == ["water", "water"]
    assert reasons(ground, "heat-recoverable") == ["recoverable"]
    assert reasons(ground, "heat-recovered") == ["recovered"]
    assert reasons(ground, "output-value") == ["output-currency"]
    assert ground("output-value").known == pytest.approx(2)


def test_prices_of_different_years_do_not_add_up(park: Parkland) -> None:
    park.says("A", output_value=value("1"))
    park.says("B", output_value=value("1", "CNY:2024:basic"))
    assert reasons(park.ground(), "output-value") == ["price-years"]


def test_more_waste_heat_used_than_there_is_cannot_be(park: Parkland) -> None:
    used = [
        ("electricity", "bought", "grid", "0"),
        ("heat", "recoverable", "recovered", "4"),
        ("heat", "generated", "recovered", "5"),
    ]
    park.says("A", energy=used)
    park.says("B", energy=[("heat", "recoverable", "recovered", "0")])
    assert reasons(park.ground(), "heat-recovered") == ["recovered-above-recoverable"]


def test_a_tenant_without_an_inventory_is_counted_and_told_apart(park: Parkland) -> None:
    park.says("A", energy=[("electricity", "bought", "grid", "1")])
    ground = park.ground()
    assert (ground("tenants").value, ground("tenants-with-inventory").value) == (2, 1)
    assert reasons(ground, "captured") == ["inventory"]
    assert reasons(ground, "gross-operational") == ["gaps"]
