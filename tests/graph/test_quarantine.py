"""What contradicts itself is set aside where the network is built, until it is corrected."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest

from graph.engine import Engine, Question
from graph.errors import NoDataForYear
from graph.figures.footprint import ProductFootprint
from ledger.log import Accepted
from ledger.schema import load
from ledger.statements import Factors, Site
from tests.factory import Actor, Factory
from tests.graph.ask import YEAR, co2, figure, firm, known, reasons, rules

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")

COIL = "urn:cpc:41211"


def weighs(mass: str, amount: str = "1") -> dict[str, str]:
    return {"declaredUnitAmount": amount, "productMassPerDeclaredUnit": mass}


@pytest.fixture
def maker(factory: Factory) -> Actor:
    return factory.enterprise("Maker")


@pytest.fixture
def bolt(maker: Actor) -> str:
    """A piece of 2.5 kg."""
    return maker.product("Bolt", unit="H87", mass_per_unit="2.5", classifications=(COIL,))


@pytest.fixture
def engine(factory: Factory) -> Engine:
    """One that follows the log, so that a correction must find its way to every line."""
    return Engine(factory.log)


def ask(engine: Engine, product: str) -> ProductFootprint:
    return engine.footprint(product, Question(year=YEAR))[1]


def correct(
    maker: Actor, stated: Accepted, kg: str, pcf: dict[str, str], year: int = YEAR
) -> Accepted:
    return maker.correct(stated, pact=maker.pact_body(kg, unit="H87", year=year, pcf=pcf))


def test_a_footprint_of_many_with_the_mass_of_one_is_set_aside(
    factory: Factory, engine: Engine, maker: Actor, bolt: str
) -> None:
    """4000 kg for 1000 pieces are 4 each; with the mass of one nobody knows what the 4000 are."""
    stated = maker.footprint(bolt, "4000", unit="H87", pcf=weighs("2.5", "1000"))
    site = maker.site()
    frame = maker.product("Frame")
    maker.recipe(frame, site, emissions=co2("1"), inputs=[(bolt, "2", "H87")])
    found = ask(engine, frame)
    assert (found.amount.value, found.amount.at_least) == (None, pytest.approx(1))
    assert "declared-amount-by-mass" in rules(factory)
    corrected = correct(maker, stated, "4000", weighs("2500", "1000"))
    found = ask(engine, frame)
    assert (known(found.amount), found.as_of) == (pytest.approx(1 + 2 * 4), corrected.index)


def test_no_earlier_footprint_takes_the_place_of_one_set_aside(
    factory: Factory, maker: Actor, bolt: str
) -> None:
    site = maker.site()
    maker.production(bolt, site, "10", "H87")
    maker.footprint(bolt, "3", unit="H87", year=2024, pcf=weighs("2.5"))
    maker.footprint(bolt, "4000", unit="H87", pcf=weighs("2.5", "1000"))
    with pytest.raises(NoDataForYear):
        figure(factory, bolt)


@pytest.mark.parametrize("year", [2019, 2025])
def test_amounts_by_a_mass_that_is_disputed_are_set_aside(
    factory: Factory, engine: Engine, maker: Actor, bolt: str, acme: Actor, site: str, year: int
) -> None:
    """A bolt is registered with 2.5 kg, and a footprint gives it 4: how many are in 5 kg?"""
    maker.footprint(bolt, "8", unit="H87", pcf=weighs("2.5"))
    disputing = maker.footprint(
        bolt, "9", unit="H87", year=year, site=maker.site(), pcf=weighs("4")
    )
    by_mass, by_piece = acme.product("By mass"), acme.product("By piece")
    acme.recipe(by_mass, site, emissions=co2("1"), inputs=[(bolt, "5", "KGM")])
    acme.recipe(by_piece, site, emissions=co2("1"), inputs=[(bolt, "2", "H87")])
    found = ask(engine, by_mass)
    assert (found.amount.value, reasons(found.gaps)) == (None, ["mass-disputed"])
    assert ask(engine, by_piece).amount.value is not None
    assert "mass-disputed" in rules(factory)
    settled = correct(maker, disputing, "8", weighs("2.55"), year)
    found = ask(engine, by_mass)
    assert (known(found.amount), found.as_of) == (pytest.approx(1 + 2 * 8), settled.index)
    again = correct(maker, settled, "8", weighs("4"), year)
    found = ask(engine, by_mass)
    assert (found.amount.value, found.as_of) == (None, again.index)


def test_a_recipe_by_mass_does_not_distribute_what_was_bought_by_piece(
    factory: Factory, maker: Actor, bolt: str, acme: Actor, site: str, steel: str
) -> None:
    maker.footprint(bolt, "8", unit="H87", pcf=weighs("4"))
    acme.recipe(steel, site, emissions=co2("1"), inputs=[(bolt, "5", "KGM")])
    acme.production(steel, site, "10")
    acme.inventory(site, co2("10"))
    acme.purchases(site, [(bolt, "20", "H87")])
    assert reasons(figure(factory, steel).gaps) == ["mass-disputed"]
    assert known(firm(factory, acme.id).upstream) == pytest.approx(20 * 8)


def test_a_factor_is_not_reached_by_a_mass_that_is_disputed(
    factory: Factory, maker: Actor, bolt: str, acme: Actor, site: str, steel: str
) -> None:
    """5 kg at 2 kg CO2 each are 10; how many pieces they are nobody knows."""
    maker.footprint(bolt, "8", unit="H87", pcf=weighs("4"))
    acme.recipe(steel, site, inputs=[(bolt, "5", "KGM")])
    stated = state(factory, "H87", "7")
    assert figure(factory, steel).amount.value is None
    factory.operator.withdraw(stated)
    state(factory, "KGM", "2")
    assert known(figure(factory, steel).amount) == pytest.approx(10)


# --- The country of whoever owns it ------------------------------------------------------------


def state(f: Factory, unit: str, *kg: str) -> Accepted:
    """Averages of a class: for anywhere, for China, for one province."""
    places: list[dict[str, Any]] = [{}, {"region": "CN"}, {"region": "CN-JS"}]
    rows = [
        {
            "kind": "average",
            "name": "Coil",
            "of": COIL,
            "unit": unit,
            "emissions": [{"gas": "CO2", "origin": "fossil", "amount": each}],
            **place,
        }
        for each, place in zip(kg, places, strict=False)
    ]
    about = {"name": f"by-{unit.lower()}", "version": "1", "publisher": "I", "source": "Y"}
    return f.operator.say(load(Factors, {**about, "year": 2025, "rows": rows}))


@pytest.mark.parametrize("made_somewhere", [True, False])
def test_what_nobody_describes_is_estimated_for_the_country_of_its_owner(
    factory: Factory, engine: Engine, acme: Actor, site: str, steel: str, made_somewhere: bool
) -> None:
    """2 for anywhere, 3 for China, 4 for the grid region of a site that makes it."""
    state(factory, "KGM", "2", "3", "4")
    mill = factory.enterprise("Mill")
    coil, mill_site = mill.product("Coil", classifications=(COIL,)), mill.site()
    acme.recipe(steel, site, inputs=[(coil, "1", "KGM")])
    if made_somewhere:
        mill.production(coil, mill_site, "10")
    assert known(ask(engine, steel).amount) == pytest.approx(2)
    said = factory.standing().enterprises[mill.id]
    body = dataclasses.replace(said.statement.body, country="CN")  # type: ignore[type-var]  # every body is a dataclass
    moved = factory.operator.say(body, subject=mill.id, prev=said.digest)
    found = ask(engine, steel)
    assert (known(found.amount), found.as_of) == (pytest.approx(3), moved.index)
    registered = factory.standing().sites[mill_site]
    there = Site(
        id=mill_site,
        name="Mill",
        latitude=Decimal("31.5"),
        longitude=Decimal("120.5"),
        time_zone="Asia/Shanghai",
        grid_region="CN-JS",
    )
    mill.say(there, prev=registered.digest)
    assert known(ask(engine, steel).amount) == pytest.approx(4 if made_somewhere else 3)
