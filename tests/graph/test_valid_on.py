"""A year as of one of its days: what is in force on the day stands for the whole year."""

from __future__ import annotations

import datetime as dt

import pytest

from graph.engine import Engine, Question
from graph.figures.footprint import ProductFootprint
from graph.terms import Rung
from tests.factory import Actor, Factory
from tests.graph.ask import YEAR, co2, known

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")

FIRST_HALF, SECOND_HALF = ("2025-01-01", "2025-07-01"), ("2025-07-01", "2026-01-01")
SPRING, AUTUMN = dt.date(2025, 3, 31), dt.date(2025, 10, 1)


def on(day: dt.date | None) -> Question:
    return Question(YEAR, valid_on=day)


def ask(factory: Factory, product: str, day: dt.date | None) -> ProductFootprint:
    return Engine(factory.log).footprint(product, on(day))[1]


def test_the_recipe_of_the_day_stands_for_the_year(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """10 kg at 2 and 30 kg at 4 are 3.5 on the average of the year."""
    for period, kg, made in ((FIRST_HALF, "2", "10"), (SECOND_HALF, "4", "30")):
        acme.recipe(steel, site, emissions=co2(kg), period=period)
        acme.production(steel, site, made, period=period)
    assert known(ask(factory, steel, None).amount) == pytest.approx(3.5)
    assert known(ask(factory, steel, SPRING).amount) == pytest.approx(2)
    assert known(ask(factory, steel, AUTUMN).amount) == pytest.approx(4)


def test_a_recipe_that_has_ended_stands_in_by_name_and_is_never_zero(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    acme.recipe(steel, site, emissions=co2("2"), period=FIRST_HALF)
    beam = acme.product("Beam")
    acme.recipe(beam, site, emissions=co2("1"), inputs=[(steel, "3", "KGM")])
    assert ask(factory, steel, SPRING).feeds == ("recipe",)
    assert ask(factory, steel, AUTUMN).feeds == ("recipe-of-another-year",)
    found = ask(factory, beam, AUTUMN)
    assert known(found.amount) == pytest.approx(1 + 3 * 2)
    assert found.rungs == {
        Rung.COMPUTED: pytest.approx(1 / 7),
        Rung.OTHER_YEAR: pytest.approx(6 / 7),
    }


def test_a_footprint_counts_on_the_days_of_its_validity(
    factory: Factory, acme: Actor, steel: str
) -> None:
    """For 2025 as a whole both are in force, and the one measured later counts."""

    def state(kg: str, measured: str, start: str, end: str) -> None:
        pcf = {"referencePeriodStart": measured, "referencePeriodEnd": start}
        validity = {"validityPeriodStart": start, "validityPeriodEnd": end}
        acme.footprint(steel, kg, pcf=pcf, **validity)

    state("2", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z", "2025-07-01T00:00:00Z")
    assert known(ask(factory, steel, SPRING).amount) == pytest.approx(2)
    assert ask(factory, steel, AUTUMN).feeds == ("expired-footprint",)
    state("3", "2024-07-01T00:00:00Z", "2025-07-01T00:00:00Z", "2026-07-01T00:00:00Z")
    figures = {day: known(ask(factory, steel, day).amount) for day in (None, SPRING, AUTUMN)}
    assert figures == {None: 3, SPRING: 2, AUTUMN: 3}


def test_membership_on_the_day_decides_for_the_whole_year(
    factory: Factory, acme: Actor, site: str
) -> None:
    """A site with 365 kg in the year joins the park on 1 July: 184 of them are the park's."""
    host = factory.enterprise("Host")
    park, own = host.park(), host.site("Own")
    host.membership(park, own)
    host.membership(park, site, start="2025-07-01")
    host.inventory(own, co2("10"))
    acme.inventory(site, co2("365"))
    engine = Engine(factory.log)

    def scope1(day: dt.date | None) -> float:
        return engine.park(park, on(day)).assessment.scope1.at_least

    assert scope1(None) == pytest.approx(10 + 184)
    assert scope1(SPRING) == pytest.approx(10)
    assert scope1(AUTUMN) == pytest.approx(10 + 365)


def test_a_site_that_changed_hands_is_whole_in_the_books_of_its_owner_on_the_day(
    factory: Factory,
) -> None:
    seller, buyer = factory.enterprise("Seller"), factory.enterprise("Buyer")
    site = seller.site()
    for firm, kg in ((seller, "5"), (buyer, "7")):
        firm.inventory(firm.site("Other"), co2(kg))
    seller.inventory(site, co2("100"), period=FIRST_HALF)
    seller.transfer("site", site, buyer, start="2025-07-01")
    buyer.inventory(site, co2("60"), period=SECOND_HALF)
    engine = Engine(factory.log)

    def scope1(day: dt.date | None) -> list[float]:
        books = (engine.enterprise(firm.id, on(day)).assessment for firm in (seller, buyer))
        return [each.scope1.at_least for each in books]

    assert scope1(None) == pytest.approx([105, 67])
    assert scope1(SPRING) == pytest.approx([165, 7])
    assert scope1(AUTUMN) == pytest.approx([5, 167])


def test_a_day_without_a_year_is_asked_of_its_own_year(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    acme.recipe(steel, site, emissions=co2("2"), year=2024)
    acme.recipe(steel, site, emissions=co2("3"))
    answered, found = Engine(factory.log).footprint(steel, Question(valid_on=dt.date(2024, 5, 1)))
    assert (answered.year, known(found.amount)) == (2024, pytest.approx(2))
