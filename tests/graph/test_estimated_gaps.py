"""Figures with gaps: what the factor ladder fills in, what it cannot, and what a supplier says
later. All numbers are worked beside the tests."""

from __future__ import annotations

from typing import Any

import pytest

from graph.terms import Assessed, Rung
from ledger.log import Accepted
from ledger.schema import load
from ledger.statements import ELECTRICITY, Factors
from tests.factory import Actor, Factory, line
from tests.graph.ask import co2, figure, firm, known, park

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")

COIL, METALS, CUPS = "urn:cpc:41211", "urn:cpc:41", "urn:cpc:371"
YUAN = "CNY:2025:purchaser"
STEEL_BY_CLASS = ((COIL, "CN-JS"), "2", "KGM")
METALS_BY_PRICE = ((METALS, "CN-JS"), "10", YUAN)
POWER = ((ELECTRICITY, "CN-JS"), "3", "KWH")
CUPS_BY_NUMBER = ((CUPS, "CN-JS"), "4", "H87")


def row(kind: str, of: str, unit: str, kg: str) -> dict[str, Any]:
    emissions = [{"gas": "CO2", "origin": "fossil", "amount": kg}]
    return {
        "kind": kind,
        "name": of,
        "of": of,
        "unit": unit,
        "region": "CN",
        "emissions": emissions,
    }


def state(f: Factory, coil: str = "2.15", **common: Any) -> Accepted:
    """A ton of coil 2150 kg, a yuan of metals 0.21 kg, a kilowatt hour 0.58 kg."""
    rows = [
        row("average", COIL, "KGM", coil),
        row("spend", METALS, YUAN, "0.21"),
        row("grid", ELECTRICITY, "KWH", "0.58"),
    ]
    about = {"name": "china", "publisher": "I", "source": "Y", "year": 2025}
    body = load(Factors, {**about, "version": coil, "rows": rows})
    return f.operator.say(body, **common)


@pytest.fixture
def widget(acme: Actor) -> str:
    return acme.product("Widget", unit="H87", mass_per_unit="3")


def make(acme: Actor, site: str, widget: str, *lines: Any) -> Accepted:
    """Making one widget emits 1 kg itself."""
    said = acme.recipe(widget, site, basis=("1", "H87"), emissions=co2("1"), inputs=lines)
    acme.production(widget, site, "100", "H87")
    return said


def test_gaps_are_filled_by_average_and_by_spend(
    factory: Factory, acme: Actor, site: str, widget: str
) -> None:
    """1 itself + 2·2.15 by average + 3·0.58 from the grid + 10·0.21 by spend = 9.14."""
    state(factory)
    make(acme, site, widget, STEEL_BY_CLASS, METALS_BY_PRICE, POWER)
    amount = figure(factory, widget).amount
    assert known(amount) == pytest.approx(9.14)
    assert amount.at_least == pytest.approx(1)
    assert amount.coverage == pytest.approx(1 / 9.14)
    assert amount.upper is not None
    assert amount.upper > known(amount)
    estimates = [gap.estimate for gap in figure(factory, widget).gaps]
    rungs = sorted(each.rung for each in estimates if each)
    assert rungs == [Rung.AVERAGE, Rung.AVERAGE, Rung.SPEND]


def test_one_gap_that_no_rung_reaches_leaves_a_lower_bound_alone(
    factory: Factory, acme: Actor, site: str, widget: str
) -> None:
    state(factory)
    make(acme, site, widget, STEEL_BY_CLASS, CUPS_BY_NUMBER)
    found = figure(factory, widget)
    assert (found.amount.value, found.amount.coverage, found.amount.upper) == (None, None, None)
    assert found.amount.at_least == pytest.approx(1)
    assert [gap.estimate is None for gap in found.gaps].count(True) == 1


def test_without_any_set_every_gap_stays_unknown(
    factory: Factory, acme: Actor, site: str, widget: str
) -> None:
    make(acme, site, widget, STEEL_BY_CLASS)
    assert figure(factory, widget).amount.value is None
    state(factory)
    assert known(figure(factory, widget).amount) == pytest.approx(1 + 2 * 2.15)


def test_a_correction_of_a_set_moves_the_figures_that_rest_on_it(
    factory: Factory, acme: Actor, site: str, widget: str
) -> None:
    first = state(factory)
    make(acme, site, widget, STEEL_BY_CLASS)
    before = figure(factory, widget)
    corrected = state(factory, "2.00", prev=first.digest)
    after = figure(factory, widget)
    assert known(after.amount) == pytest.approx(1 + 2 * 2.00)
    assert (before.as_of < corrected.index, after.as_of) == (True, corrected.index)
    factory.operator.withdraw(corrected)
    assert figure(factory, widget).amount.value is None


def test_a_product_that_nobody_describes_is_estimated_until_its_owner_does(
    factory: Factory, acme: Actor, site: str, widget: str
) -> None:
    """By factor 1 + 2·2.15 = 5.3; by the supplier's own declaration 1 + 2·1.9 = 4.8."""
    for_anywhere = row("average", COIL, "KGM", "2.15")
    del for_anywhere["region"]
    about = {"name": "world", "version": "1", "publisher": "I", "source": "Y", "year": 2025}
    factory.operator.say(load(Factors, {**about, "rows": [for_anywhere]}))
    mill = factory.enterprise("Mill")
    coil = mill.product("Coil", classifications=(COIL,))
    make(acme, site, widget, (coil, "2", "KGM"))
    estimated = figure(factory, widget)
    assert known(estimated.amount) == pytest.approx(5.3)
    assert estimated.amount.coverage == pytest.approx(1 / 5.3)
    mill.footprint(coil, "1.9")
    declared = figure(factory, widget)
    assert known(declared.amount) == pytest.approx(4.8)
    assert declared.amount.coverage == 1
    assert declared.gaps == ()


def test_a_supplier_that_appears_takes_the_place_of_the_unknown(
    factory: Factory, acme: Actor, site: str, widget: str
) -> None:
    mill = factory.enterprise("Mill")
    number = "urn:gtin:4006381333931"
    make(acme, site, widget, line(([number], "2", "KGM"), supplier=mill.id))
    assert figure(factory, widget).amount.value is None
    coil = mill.product("Coil", identifiers=(number,))
    mill.footprint(coil, "1.9")
    assert known(figure(factory, widget).amount) == pytest.approx(4.8)


def test_a_park_with_an_estimated_gap_covers_less_than_all(
    factory: Factory, acme: Actor, site: str
) -> None:
    """Scope 1 50; bought 20 kg of coil at 2.15 = 43; T2 = 93, of which 50 are known."""
    state(factory)
    fence = acme.park()
    acme.membership(fence, site, consent_by=acme)
    acme.inventory(site, co2("50"))
    acme.purchases(site, [((COIL, "CN-JS"), "20", "KGM")])
    assessed = park(factory, fence).assessment
    assert known(assessed.scope1) == pytest.approx(50)
    assert known(assessed.upstream) == pytest.approx(43)
    assert known(assessed.t2) == pytest.approx(93)
    assert assessed.t2.coverage == pytest.approx(50 / 93)
    assert assessed.upstream.coverage == 0


def test_power_from_the_grid_is_scope_2_and_its_fuel_is_unknown(
    factory: Factory, acme: Actor, site: str
) -> None:
    """100 MWh at 0.58 kg per kWh are 58 000 kg at generation. What mining the coal and losses in
    the wires came to, no factor of a grid says: category 3 is unknown, never zero."""
    state(factory)
    acme.inventory(site, co2("1000"))
    power = ((ELECTRICITY, "CN-JS"), "100", "MWH")
    acme.purchases(site, [line(power, category=3)])
    books = firm(factory, acme.id)
    assert known(books.scope2) == pytest.approx(0.58 * 100_000)
    assert (books.scope2.at_least, books.scope2.coverage) == (0, 0)
    fuel = books.scope3_by_category[3]
    assert (fuel.value, fuel.coverage, fuel.at_least, fuel.filled) == (None, None, 0, 0)
    assert (books.scope3.value, books.scope3.coverage) == (None, None)
    assert books.t2.value == pytest.approx(59_000)
    assert books.t2.coverage == pytest.approx(1000 / 59_000)
    assert books.t2_status is Assessed.PARTIAL
