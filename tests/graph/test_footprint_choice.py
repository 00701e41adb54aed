"""What a stated footprint says here: per declared unit, part by part, under its own GWP set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from graph.engine import Engine, Question
from graph.errors import NoDataForYear, UnknownGwpSet
from graph.figures.footprint import ProductFootprint
from graph.terms import Feed
from tests.factory import Actor, Factory, line
from tests.graph.ask import YEAR, figure, firm, known, rules, sentences, solved

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")

PARTS: dict[str, Any] = {
    "fossilGhgEmissions": "10",
    "landUseChangeGhgEmissions": "2",
    "landManagementBiogenicCO2Emissions": "3",
    "biogenicNonCO2Emissions": "1",
    "landManagementBiogenicCO2Removals": "-4",
    "technologicalCO2Removals": "-0.5",
    "ccsTechnologicalCO2CaptureIncluded": True,
    "ccsTechnologicalCO2Capture": "-1.5",
    "biogenicCO2Uptake": "-6",
}
"""Gross 10 + 2 + 3 + 1 = 16; in all 16 − 4 − 0.5 − 1.5 = 10, with uptake 4."""


def apart(f: Factory, stated: ProductFootprint) -> dict[str, float]:
    """What is shown beside the gross figure, in kg per declared unit."""
    weights = Engine(f.log).answer(Question(year=YEAR)).weights
    shown = {name: float(stated.columns @ weight) for name, weight in weights.apart.items()}
    return {name: kg for name, kg in shown.items() if kg}


# --- Per declared unit ----------------------------------------------------------------------


def test_a_footprint_for_a_thousand_kilograms_is_not_one_for_each(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """PACT states emissions for the whole declared unit: 1850 kg CO2e for 1000 kg are 1.85."""
    acme.footprint(steel, "1850", pcf={"declaredUnitAmount": "1000"})
    assert known(figure(factory, steel).amount) == pytest.approx(1.85)
    beam = acme.product("Beam")
    acme.recipe(beam, site, inputs=[(steel, "2", "TNE")])
    assert known(figure(factory, beam).amount) == pytest.approx(2000 * 1.85)


def test_a_footprint_in_another_unit_is_converted_into_the_declared_one(
    factory: Factory, acme: Actor
) -> None:
    """0.5 kg CO2e per 2 kWh are 0.25 per kWh, 250 per MWh."""
    power = acme.product("Power", unit="MWH")
    acme.footprint(power, "0.5", unit="KWH", pcf={"declaredUnitAmount": "2"})
    assert known(figure(factory, power).amount) == pytest.approx(250)


def test_a_footprint_by_mass_serves_a_product_by_piece_of_known_mass(
    factory: Factory, acme: Actor
) -> None:
    bolt = acme.product("Bolt", unit="H87", mass_per_unit="0.02")
    acme.footprint(bolt, "3", unit="KGM")
    assert known(figure(factory, bolt).amount) == pytest.approx(0.06)


def test_a_footprint_whose_unit_no_longer_fits_is_set_aside(factory: Factory, acme: Actor) -> None:
    bolt = acme.product("Bolt", unit="KGM")
    acme.footprint(bolt, "3", unit="KGM")
    said = factory.standing().products[bolt]
    acme.say(replace(said.statement.body, unit="H87"), prev=said.digest)  # type: ignore[type-var]  # a dataclass
    with pytest.raises(NoDataForYear):
        figure(factory, bolt)
    (told,) = sentences(factory, "footprint-unit")
    assert told.startswith("The footprint of Bolt is declared in KGM, but the product is declared")


# --- Parts ----------------------------------------------------------------------------------


def test_negative_parts_keep_columns_of_their_own_and_never_net(
    factory: Factory, acme: Actor, steel: str
) -> None:
    acme.footprint(steel, "10", pcf={**PARTS, "pcfIncludingBiogenicUptake": "4"})
    stated = figure(factory, steel)
    assert known(stated.amount) == pytest.approx(16)
    assert apart(factory, stated) == pytest.approx({"removal": -4.5, "capture": -1.5, "uptake": -6})
    assert rules(factory) == set()


def test_parts_are_carried_downstream_apart(factory: Factory, acme: Actor, steel: str) -> None:
    acme.footprint(steel, "10", pcf={**PARTS, "pcfIncludingBiogenicUptake": "4"})
    buyer = factory.enterprise("Buyer")
    works, beam = buyer.site("Beam works"), buyer.product("Beam")
    buyer.recipe(beam, works, emissions=[("CO2", "biogenic", "7")], inputs=[(steel, "2", "KGM")])
    stated = figure(factory, beam)
    assert known(stated.amount) == pytest.approx(32)
    assert apart(factory, stated) == pytest.approx(
        {"removal": -9, "capture": -3, "uptake": -12, "biogenicCO2": 7}
    )
    buyer.production(beam, works, "10")
    assert known(firm(factory, buyer.id).upstream) == pytest.approx(320)


def test_an_indicative_footprint_is_only_a_total_and_says_what_may_be_inside(
    factory: Factory, acme: Actor, steel: str
) -> None:
    """fossilGhgEmissions is mandatory and filled in with 0: it says nothing."""
    acme.footprint(steel, "12", pcf={"fossilGhgEmissions": "0"})
    assert known(figure(factory, steel).amount) == pytest.approx(12)
    assert {column.origin for column in solved(factory).network.columns} == {"unspecified"}
    assert sentences(factory, "net-inside") == [
        "The footprint of Steel gives only a total, which may contain removals."
    ]


def test_a_net_total_below_zero_stays_below_zero_and_is_flagged(
    factory: Factory, acme: Actor, steel: str
) -> None:
    acme.footprint(steel, "-1.5", pcf={"fossilGhgEmissions": "0"})
    assert known(figure(factory, steel).amount) == pytest.approx(-1.5)
    assert "net-inside" in rules(factory)


# --- Gases and GWP sets ---------------------------------------------------------------------


def test_methane_weighs_by_its_origin_and_by_the_set_of_the_question(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """2 kg fossil and 3 kg biogenic CH4 and 1 kg N2O.

    AR6: 2 · 29.8 + 3 · 27 + 273 = 413.6. AR5: 5 · 28 + 265 = 405. AR4: 5 · 25 + 298 = 423.
    """
    emissions = [("CH4", "fossil", "2"), ("CH4", "biogenic", "3"), ("N2O", "fossil", "1")]
    acme.recipe(steel, site, emissions=emissions)
    by_set = {gwp: known(figure(factory, steel, gwp=gwp).amount) for gwp in ("AR4", "AR5", "AR6")}
    assert by_set == pytest.approx({"AR4": 423, "AR5": 405, "AR6": 413.6})
    assert figure(factory, steel).mixed_gwp_share == 0


def test_biogenic_co2_is_shown_apart_and_never_in_the_gross_figure(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    emissions = [("CO2", "fossil", "2"), ("CO2", "biogenic", "5"), ("CO2", "land-use", "1")]
    acme.recipe(steel, site, emissions=emissions)
    acme.production(steel, site, "10")
    stated = figure(factory, steel)
    assert known(stated.amount) == pytest.approx(3)
    assert apart(factory, stated) == pytest.approx({"biogenicCO2": 5})
    assert known(firm(factory, acme.id).scope1) == pytest.approx(30)


def test_co2e_stated_under_another_set_is_marked_with_its_share(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """1 kg of ore at 4 kg CO2e, computed with AR5, and 0.2 kg of fossil CH4.

    Under AR6: 4 + 5.96, of which 4 cannot be recomputed. Under AR5: 4 + 5.6, all of one set.
    """
    ore = acme.product("Ore")
    acme.footprint(ore, "4", pcf={"ipccCharacterizationFactors": ["AR5"]})
    acme.recipe(steel, site, emissions=[("CH4", "fossil", "0.2")], inputs=[(ore, "1", "KGM")])
    under_ar6, under_ar5 = figure(factory, steel), figure(factory, steel, gwp="AR5")
    assert known(under_ar6.amount) == pytest.approx(9.96)
    assert under_ar6.mixed_gwp_share == pytest.approx(4 / 9.96)
    assert known(under_ar5.amount) == pytest.approx(9.6)
    assert under_ar5.mixed_gwp_share == 0


def test_co2e_in_a_recipe_names_its_set_too(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    acme.recipe(
        steel, site, emissions=[("CO2e", "fossil", "3", "AR5"), ("CO2e", "fossil", "1", "AR6")]
    )
    stated = figure(factory, steel)
    assert (known(stated.amount), stated.mixed_gwp_share) == (pytest.approx(4), pytest.approx(0.75))


@pytest.mark.parametrize("named", [["AR5", "AR6"], ["AR7"], ["AR6", "AR7"]])
def test_a_footprint_computed_with_several_or_unknown_sets_is_of_none(
    factory: Factory, acme: Actor, steel: str, named: list[str]
) -> None:
    acme.footprint(steel, "4", pcf={"ipccCharacterizationFactors": named})
    for gwp in ("AR5", "AR6"):
        assert figure(factory, steel, gwp=gwp).mixed_gwp_share == 1
    assert ("characterisation-unknown" in rules(factory)) == ("AR7" in named)


def test_a_question_under_a_set_nobody_carries_is_refused(
    factory: Factory, acme: Actor, steel: str
) -> None:
    acme.footprint(steel, "4")
    with pytest.raises(UnknownGwpSet):
        figure(factory, steel, gwp="AR7")


# --- Declared and computed ------------------------------------------------------------------


def test_where_both_are_said_both_are_shown_with_the_residual(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """Computed 2 + 3 · 0.5 = 3.5, declared 3.2 per kg: 0.3 more than is declared."""
    ore = acme.product("Ore")
    acme.footprint(ore, "0.5")
    acme.footprint(steel, "3200", pcf={"declaredUnitAmount": "1000"})
    assert figure(factory, steel).declared is None
    acme.recipe(steel, site, emissions=[("CO2", "fossil", "2")], inputs=[(ore, "3", "KGM")])
    stated = figure(factory, steel)
    assert stated.feeds == (Feed.RECIPE,)
    assert (known(stated.amount), stated.declared) == (pytest.approx(3.5), pytest.approx(3.2))
    assert stated.residual == pytest.approx(0.3)


def test_the_figure_with_the_recipe_feeds_the_buyers(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    acme.footprint(steel, "9")
    acme.recipe(steel, site, emissions=[("CO2", "fossil", "2")])
    beam = acme.product("Beam")
    acme.recipe(beam, site, inputs=[(steel, "1", "KGM")])
    assert known(figure(factory, beam).amount) == pytest.approx(2)


def test_a_lower_bound_has_no_residual(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    acme.footprint(steel, "9")
    waiting = line(("urn:gtin:4006381333931", "3", "KGM"))
    acme.recipe(steel, site, emissions=[("CO2", "fossil", "2")], inputs=[waiting])
    stated = figure(factory, steel)
    assert (stated.declared, stated.residual) == (pytest.approx(9), None)


def test_an_expired_footprint_is_not_shown_beside_a_recipe(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    acme.footprint(steel, "9", year=2020)
    acme.recipe(steel, site, emissions=[("CO2", "fossil", "2")])
    assert figure(factory, steel).declared is None


def test_a_product_of_which_nothing_is_said_has_no_figure(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    with pytest.raises(NoDataForYear):
        figure(factory, steel)
    acme.production(steel, site, "10")
    with pytest.raises(NoDataForYear):
        figure(factory, steel)
    acme.footprint(steel, "9", year=2027)
    with pytest.raises(NoDataForYear):
        figure(factory, steel, site=acme.site("Never named"))
