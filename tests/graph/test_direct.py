"""What burning fuels emits: defaults, measured values, uses, and what no factor fits."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from marshmallow import ValidationError

from graph.engine import Engine, Question
from graph.figures.boundary import Lacking
from graph.reading.direct import burn
from graph.reading.factors import Factor, Ladder
from graph.reading.network import Column
from ledger.statements import Emission, FactorRow, Factors, Fuel, Inventory
from tests.factory import Actor, Factory, gas, year_of

CO2 = Column("CO2", "fossil", None)
GAS = "urn:catchment:fuel:natural-gas"


def row(**members: Any) -> FactorRow:
    """Natural gas as China's guides have it: 38.931 MJ per Nm3, 0.0153 kg C per MJ, 0.99."""
    return FactorRow(
        **{
            "kind": "fuel",
            "name": "Natural gas",
            "of": GAS,
            "region": "CN",
            "unit": "NM3",
            "emissions": (Emission(gas="CO2", origin="fossil", amount=Decimal("2.1621888")),),
            "net_calorific_value": Decimal("38.931"),
            "carbon_content": Decimal("0.0153"),
            "oxidation": Decimal("0.99"),
            **members,
        }
    )


def ladder(*rows: FactorRow) -> Ladder:
    return Ladder(
        [Factor("fuels", "1", each, 2025, 7, (1, i)) for i, each in enumerate(rows)], 2025
    )


def fuel(amount: Any = 10_000, **members: Any) -> Fuel:
    return Fuel(**{"fuel": GAS, "amount": Decimal(amount), "unit": "NM3", **members})


def co2(*args: Any) -> float:
    found = burn(*args)
    assert found is not None
    return found.emissions[CO2]


def test_ten_thousand_cubic_metres_of_natural_gas_emit_21_6219_tonnes() -> None:
    """389.31 GJ · 0.0153 t C/GJ · 0.99 · 44/12 = 21.6219 t (GB/T 32151.34-2024, table C.1)."""
    assert co2(fuel(), ladder(row()), "CN-JS") == pytest.approx(21621.9, rel=1e-6)


def test_a_measured_value_takes_the_place_of_the_factors_alone() -> None:
    """36 MJ per Nm3 instead of 38.931: 21 621.888 · 36 / 38.931 = 19 994.04 kg."""
    found = burn(fuel(net_calorific_value=Decimal(36)), ladder(row()), "CN")
    assert found is not None
    assert found.emissions[CO2] == pytest.approx(10_000 * 36 * 0.0153 * 0.99 * 44 / 12)
    assert (found.measured, found.index) == (("net_calorific_value",), 7)


def test_all_three_values_measured_need_no_factor() -> None:
    own = {"net_calorific_value": "36", "carbon_content": "0.0155", "oxidation": "1"}
    measured = {name: Decimal(value) for name, value in own.items()}
    found = burn(fuel(**measured), ladder(), "CN")
    assert found is not None
    assert found.emissions == {CO2: pytest.approx(10_000 * 36 * 0.0155 * 44 / 12)}
    assert (found.factor, found.index) == (None, -1)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param((fuel(), ladder(), "CN"), id="no factor stands"),
        pytest.param((fuel(unit="TNE"), ladder(row()), "CN"), id="its unit does not convert"),
        pytest.param((fuel(), ladder(row()), "DE"), id="it is for another country"),
        pytest.param((fuel(), ladder(row(of="urn:catchment:fuel:coal")), "CN"), id="another fuel"),
        pytest.param(
            (fuel(oxidation=Decimal(1)), ladder(row(carbon_content=None)), "CN"),
            id="one value measured and another nowhere",
        ),
    ],
)
def test_what_no_factor_fits_is_unknown_and_not_zero(case: Any) -> None:
    assert burn(*case) is None


def test_a_factor_in_another_unit_of_the_same_kind_is_converted() -> None:
    coal = {"of": "urn:catchment:fuel:coal", "unit": "TNE", "net_calorific_value": Decimal(20_000)}
    known = ladder(row(**coal, carbon_content=Decimal("0.026"), oxidation=Decimal("0.9")))
    burnt = co2(fuel(500, fuel="urn:catchment:fuel:coal", unit="KGM"), known, "CN")
    assert burnt == pytest.approx(0.5 * 20_000 * 0.026 * 0.9 * 44 / 12)


def test_a_plain_factor_of_kg_per_unit_is_taken_with_its_other_gases() -> None:
    plain = row(
        net_calorific_value=None,
        carbon_content=None,
        oxidation=None,
        emissions=(gas(("CO2", "fossil", "2")), gas(("CH4", "fossil", "0.001"))),
    )
    found = burn(fuel(100), ladder(plain), "CN")
    assert found is not None
    assert found.emissions == {CO2: 200, Column("CH4", "fossil", None): pytest.approx(0.1)}


def test_a_factor_in_co2e_adds_nothing_to_measured_carbon() -> None:
    """Its CO2e holds the carbon already; a factor that states both is refused where it is said."""
    whole = row(
        net_calorific_value=None,
        carbon_content=None,
        oxidation=None,
        emissions=(gas(("CO2e", "fossil", "2.17", "AR6")),),
    )
    own = {"net_calorific_value": "36", "carbon_content": "0.0155", "oxidation": "1"}
    measured = {name: Decimal(value) for name, value in own.items()}
    found = burn(fuel(**measured), ladder(whole), "CN")
    assert found is not None
    assert found.emissions == {CO2: pytest.approx(10_000 * 36 * 0.0155 * 44 / 12)}
    with pytest.raises(ValidationError, match="has its gases apart"):
        row(emissions=whole.emissions)


def test_processing_is_balanced_in_carbon_and_feedstock_emits_nothing() -> None:
    """Oxidation 1 both ways: what goes in less what comes out as other fuels."""
    known = ladder(row())
    carbon = 10_000 * 38.931 * 0.0153 * 44 / 12
    assert co2(fuel(use="processing"), known, "CN") == pytest.approx(carbon)
    assert co2(fuel(use="derived"), known, "CN") == pytest.approx(-carbon)
    kept = burn(fuel(use="feedstock"), ladder(), "CN")
    assert kept is not None
    assert kept.emissions == {}


def test_biogenic_carbon_stays_biogenic() -> None:
    wood = row(emissions=(gas(("CO2", "biogenic", "1")),))
    found = burn(fuel(1), ladder(wood), "CN")
    assert found is not None
    assert list(found.emissions) == [Column("CO2", "biogenic", None)]


# --- In a boundary ---------------------------------------------------------------------------


def burning(factory: Factory, **members: Any) -> tuple[Actor, str]:
    acme = factory.enterprise("Acme")
    site = acme.site(grid_region="CN-JS")
    acme.purchases(site, [])
    acme.say(
        Inventory(
            site=site,
            period=year_of(2025),
            emissions=(gas(("CO2", "fossil", "100")),),
            fuels=(fuel(**members),),
        )
    )
    return acme, site


def state_factors(factory: Factory, *rows: FactorRow, **common: Any) -> Any:
    return factory.operator.say(
        Factors(name="fuels", version="1", publisher="NDRC", source="Guides", year=2025, rows=rows),
        **common,
    )


def test_fuels_add_to_what_a_site_states_and_follow_their_factor(factory: Factory) -> None:
    acme, _ = burning(factory)
    engine = Engine(factory.log)

    def scope1() -> Any:
        books = engine.enterprise(acme.id, Question(2025))
        return books.assessment.scope1, [
            each.rule for each in books.answered.solved.network.findings
        ]

    before, noticed = scope1()
    assert (before.at_least, before.value, before.lacking) == (100, None, Lacking.OPEN)
    assert "fuel-without-factor" in noticed
    said = state_factors(factory, row())
    after, noticed = scope1()
    assert after.value == pytest.approx(100 + 21621.888)
    assert "fuel-without-factor" not in noticed
    state_factors(factory, row(oxidation=Decimal(1)), prev=said.digest)
    assert scope1()[0].value == pytest.approx(100 + 21621.888 / 0.99)


def test_a_fuel_without_a_factor_is_named_as_missing(factory: Factory) -> None:
    acme, site = burning(factory)
    books = Engine(factory.log).enterprise(acme.id, Question(2025))
    missing = [(each.place.site, each.what) for each in books.assessment.missing]
    assert missing == [(site, "inventory-fuels")]
    assert books.assessment.t2.value is None
