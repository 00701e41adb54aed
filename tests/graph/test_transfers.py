"""A site that changes hands in the middle of a year is in the books of each owner for its days."""

from __future__ import annotations

import pytest

from graph.engine import Engine, Question
from tests.factory import Actor, Factory

FIRST_HALF = ("2025-01-01", "2025-07-01")
SECOND_HALF = ("2025-07-01", "2026-01-01")


def scope1(engine: Engine, of: Actor, year: int = 2025) -> float | None:
    return engine.enterprise(of.id, Question(year)).assessment.scope1.value


def test_each_owner_has_the_emissions_of_its_days(factory: Factory) -> None:
    seller, buyer = factory.enterprise("Seller"), factory.enterprise("Buyer")
    site = seller.site()
    seller.inventory(site, [("CO2", "fossil", "100")], period=FIRST_HALF)
    seller.transfer("site", site, buyer, start="2025-07-01")
    buyer.inventory(site, [("CO2", "fossil", "60")], period=SECOND_HALF)
    engine = Engine(factory.log)
    assert scope1(engine, seller) == pytest.approx(100)
    assert scope1(engine, buyer) == pytest.approx(60)


def test_a_period_over_the_transfer_is_split_by_days(factory: Factory) -> None:
    seller, buyer = factory.enterprise("Seller"), factory.enterprise("Buyer")
    site = seller.site()
    seller.transfer("site", site, buyer, start="2025-07-01")
    buyer.inventory(site, [("CO2", "fossil", "365")])
    engine = Engine(factory.log)
    assert scope1(engine, seller) == pytest.approx(181)
    assert scope1(engine, buyer) == pytest.approx(184)


def test_a_live_engine_sees_the_transfer_and_earlier_prefixes_do_not(factory: Factory) -> None:
    seller, buyer = factory.enterprise("Seller"), factory.enterprise("Buyer")
    site = seller.site()
    seller.inventory(site, [("CO2", "fossil", "365")])
    engine = Engine(factory.log)
    assert scope1(engine, seller) == pytest.approx(365)
    before = factory.log.size()
    transferred = seller.transfer("site", site, buyer, start="2025-07-01")
    books = engine.enterprise(seller.id, Question(2025))
    assert books.assessment.scope1.value == pytest.approx(181)
    assert books.as_of == transferred.index
    assert engine.enterprise(seller.id, Question(2025, at=before)).assessment.scope1.value == 365


def test_a_park_keeps_its_site_whoever_owns_it(factory: Factory) -> None:
    seller, buyer, host = (factory.enterprise(name) for name in ("Seller", "Buyer", "Host"))
    site, park = seller.site(), host.park()
    host.membership(park, site)
    seller.inventory(site, [("CO2", "fossil", "100")], period=FIRST_HALF)
    seller.transfer("site", site, buyer, start="2025-07-01")
    buyer.inventory(site, [("CO2", "fossil", "60")], period=SECOND_HALF)
    books = Engine(factory.log).park(park, Question(2025))
    assert books.assessment.scope1.at_least == pytest.approx(160)


def test_the_new_owner_is_resolved_as_the_supplier_of_a_product(factory: Factory) -> None:
    seller, buyer, customer = (factory.enterprise(n) for n in ("Seller", "Buyer", "Customer"))
    site, steel = seller.site(), seller.product("Steel")
    seller.recipe(steel, site, emissions=[("CO2", "fossil", "2")])
    seller.transfer("product", steel, buyer, start="2026-01-01")
    plant, wire = customer.site(), customer.product("Wire")
    customer.recipe(wire, plant, inputs=[(steel, "1", "KGM")])
    engine = Engine(factory.log)
    _, figure = engine.footprint(wire, Question(2025))
    assert figure.amount.value == pytest.approx(2)
    assert engine.standing().products[steel].owner == buyer.id
