"""A base year restated with a later fence, and the way from one year to the next, by hand.

Three firms, each with one site, Scope 1 in kg of fossil CO2 (2024 → 2025), and what they buy:

    Alder  100 → 90      buys 10 kg of Birch's goods (2 kg CO2 each, made with nothing else)
    Birch  20  → 30      makes 10 kg → 15 kg of them, 2 kg CO2 each
    Cedar  40  → 40

In 2024 Alder and Cedar are members of the park; Cedar leaves on 1 January 2025 for the second park,
and Birch joins on that day.

    2024 as it was      {Alder, Cedar}: S1 140, upstream 10 · 2 = 20      T2 160
    Cedar left          {Alder}:        S1 100, upstream 20               T2 120   −40
    Birch joined        {Alder, Birch}: S1 120, Birch's goods are inside  T2 120    ±0
    2025                {Alder, Birch}: S1 120                            T2 120    ±0

Birch contributes 20 to Scope 1 and nothing to T2: what it sells Alder was upstream before.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.books.region import region_of
from graph.books.restatement import (
    Moved,
    Restatement,
    Step,
    Why,
    last_day,
    restated_books,
    restatement,
    totals_along,
)
from graph.engine import Engine, Question
from graph.errors import BaseYearNotEarlier, NoDataForYear, UnknownBoundary
from graph.figures.boundary import Amount
from graph.reading.year import Place
from tests.factory import Actor, Factory
from tests.graph.ask import co2, known
from tests.graph.test_identities import Year, years
from tests.graph.test_union import member

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")

BASE, LATER = 2024, 2025


@dataclass
class Grove:
    """The firms of the example with their sites, and two parks of one manager."""

    f: Factory
    manager: Actor
    firms: dict[str, Actor]
    sites: dict[str, str]
    first: str
    second: str

    def member(self, park: str, name: str, start: str, end: str | None = None) -> None:
        serial = self.f.log.size()
        self.manager.membership(park, self.sites[name], start=start, end=end, serial=serial)

    def restated(self, park: str, base: int = BASE, year: int = LATER) -> Restatement:
        return restatement(Engine(self.f.log), park, base, Question(year))

    def emits(self, name: str, year: int, kg: str) -> None:
        site = self.sites[name]
        self.firms[name].inventory(site, co2(kg), year=year)


def plant(f: Factory) -> Grove:
    manager = f.enterprise("Manager")
    firms = {name: f.enterprise(name) for name in ("Alder", "Birch", "Cedar")}
    sites = {name: firm.site(f"{name} site") for name, firm in firms.items()}
    grove = Grove(f, manager, firms, sites, manager.park("First"), manager.park("Second"))
    goods = firms["Birch"].product("Goods")
    for year, alder, made, cedar in ((BASE, "100", "10", "40"), (LATER, "90", "15", "40")):
        grove.emits("Alder", year, alder)
        grove.emits("Cedar", year, cedar)
        firms["Alder"].purchases(sites["Alder"], [(goods, "10", "KGM")], year=year)
        firms["Cedar"].purchases(sites["Cedar"], [], year=year)
        firms["Birch"].recipe(goods, sites["Birch"], emissions=co2("2"), year=year)
        firms["Birch"].production(goods, sites["Birch"], made, year=year)
    return grove


@pytest.fixture
def grove(factory: Factory) -> Grove:
    grown = plant(factory)
    grown.member(grown.first, "Alder", "2024-01-01")
    grown.member(grown.first, "Cedar", "2024-01-01", "2025-01-01")
    grown.member(grown.second, "Cedar", "2025-01-01")
    grown.member(grown.first, "Birch", "2025-01-01")
    return grown


def values(steps: tuple[Step, ...]) -> list[tuple[str, float, float]]:
    return [(str(each.why), known(each.scope1), known(each.t2)) for each in steps]


def test_the_waterfall_is_the_one_worked_by_hand(grove: Grove) -> None:
    found = grove.restated(grove.first)
    assert known(found.base_as_it_was.t2) == pytest.approx(160)
    assert known(found.base_restated.t2) == pytest.approx(120)
    assert known(found.year_restated.t2) == pytest.approx(120)
    assert values(found.steps) == [
        ("left", pytest.approx(-40), pytest.approx(-40)),
        ("joined", pytest.approx(20), pytest.approx(0, abs=1e-9)),
        ("activity", pytest.approx(0, abs=1e-9), pytest.approx(0, abs=1e-9)),
        ("days", 0, 0),
    ]
    assert found.fence == tuple(sorted((grove.sites["Alder"], grove.sites["Birch"])))


def test_a_move_is_told_with_its_day_and_the_other_park(grove: Grove) -> None:
    left, joined = grove.restated(grove.first).moved
    day = dt.date(2025, 1, 1)
    assert (left.site, left.why, left.day) == (grove.sites["Cedar"], Why.LEFT, day)
    assert left.parks == (grove.second,)
    assert (joined.site, joined.why, joined.day) == (grove.sites["Birch"], Why.JOINED, day)
    assert joined.parks == ()
    assert grove.restated(grove.second).moved[0].parks == (grove.first,)


def test_every_step_begins_where_the_one_before_it_ends(grove: Grove) -> None:
    found = grove.restated(grove.first)
    assert all(one.after is other.before for one, other in pairwise(found.steps))
    moved = sum(known(each.t2) for each in found.steps)
    assert known(found.base_as_it_was.t2) + moved == pytest.approx(known(found.year_as_it_was.t2))


def test_a_firm_that_changes_parks_leaves_their_union_alone(factory: Factory) -> None:
    """Alder in the first park; Cedar moves from the first to the second; Birch is in the second.

    As it was, first {Alder, Cedar} S1 140, second {Birch} S1 20; restated 100 and 60: Cedar's 40
    are in both restatements, with opposite signs. The union {Alder, Birch, Cedar} is one both ways:
    S1 160, and Birch's goods are inside, so T2 160.
    """
    grove = plant(factory)
    grove.member(grove.first, "Alder", "2024-01-01")
    grove.member(grove.second, "Birch", "2024-01-01")
    grove.member(grove.first, "Cedar", "2024-01-01", "2025-01-01")
    grove.member(grove.second, "Cedar", "2025-01-01")
    engine, question = Engine(factory.log), Question(BASE)
    parks = (grove.first, grove.second)
    one, other = (grove.restated(park) for park in parks)
    assert known(one.steps[0].scope1) == pytest.approx(-40)
    assert known(other.steps[0].scope1) == pytest.approx(40)
    answered = engine.answer(question)
    as_it_was = region_of([engine.park(park, question) for park in parks]).books
    day = last_day(LATER)
    restated = region_of([restated_books(answered, "park", park, day) for park in parks]).books
    assert as_it_was.places == restated.places
    for books in (as_it_was, restated):
        assert known(books.assessment.scope1) == pytest.approx(160)
        assert known(books.assessment.t2) == pytest.approx(160)


def test_who_joins_in_june_is_restated_for_the_year_and_counted_for_its_days(
    factory: Factory,
) -> None:
    """Cedar joins on 1 June 2025. Its 40 kg of 2024 are in the restated base; of its 40 kg of 2025
    the 214 days from 1 June are the park's, 40 · 214 / 365 = 23.4521; 16.5479 are not."""
    grove = plant(factory)
    grove.member(grove.first, "Alder", "2024-01-01")
    grove.member(grove.first, "Cedar", "2025-06-01")
    found = grove.restated(grove.first)
    assert [each.why for each in found.steps] == [Why.JOINED, Why.ACTIVITY, Why.DAYS]
    assert found.moved[0].day == dt.date(2025, 6, 1)
    assert known(found.base_as_it_was.scope1) == pytest.approx(100)
    assert known(found.base_restated.scope1) == pytest.approx(140)
    assert known(found.year_restated.scope1) == pytest.approx(130)
    assert known(found.year_as_it_was.scope1) == pytest.approx(90 + 40 * 214 / 365)
    assert known(found.step(Why.DAYS).scope1) == pytest.approx(-40 * 151 / 365)


def test_who_joined_during_the_base_year_is_added_for_the_days_before(factory: Factory) -> None:
    """Cedar joins on 1 July 2024, a leap year: 182 of 366 days lie before, 40 · 182 / 366."""
    grove = plant(factory)
    grove.member(grove.first, "Alder", "2024-01-01")
    grove.member(grove.first, "Cedar", "2024-07-01")
    found = grove.restated(grove.first)
    (joined,) = found.moved
    assert joined.places == (Place(grove.sites["Cedar"], dt.date(2024, 1, 1), dt.date(2024, 7, 1)),)
    assert known(found.steps[0].scope1) == pytest.approx(40 * 182 / 366)
    assert known(found.base_restated.scope1) == pytest.approx(140)


def test_a_fence_that_stayed_restates_nothing(factory: Factory) -> None:
    grove = plant(factory)
    grove.member(grove.first, "Alder", "2024-01-01")
    found = grove.restated(grove.first)
    assert [each.why for each in found.steps] == [Why.ACTIVITY, Why.DAYS]
    assert found.base_restated == found.base_as_it_was
    assert known(found.steps[0].scope1) == pytest.approx(-10)


def test_another_day_of_the_year_has_another_fence(factory: Factory) -> None:
    grove = plant(factory)
    grove.member(grove.first, "Alder", "2024-01-01")
    grove.member(grove.first, "Cedar", "2025-06-01")
    engine, question = Engine(factory.log), Question(LATER)
    found = restatement(engine, grove.first, BASE, question, dt.date(2025, 5, 31))
    assert found.fence == (grove.sites["Alder"],)
    assert known(found.base_restated.scope1) == pytest.approx(100)
    assert known(found.step(Why.DAYS).scope1) == pytest.approx(40 * 214 / 365)


def test_a_site_of_which_the_base_year_says_nothing_leaves_it_open(factory: Factory) -> None:
    grove = plant(factory)
    dogwood = factory.enterprise("Dogwood")
    grove.firms["Dogwood"], grove.sites["Dogwood"] = dogwood, dogwood.site("Dogwood site")
    grove.member(grove.first, "Alder", "2024-01-01")
    grove.member(grove.first, "Dogwood", "2025-01-01")
    grove.emits("Dogwood", LATER, "5")
    found = grove.restated(grove.first)
    assert found.base_restated.scope1.value is None
    assert found.base_restated.scope1.at_least == pytest.approx(100)
    assert found.steps[0].t2.value is None
    assert known(found.base_as_it_was.scope1) == pytest.approx(100)


def test_a_park_that_was_founded_later_begins_with_nothing(factory: Factory) -> None:
    grove = plant(factory)
    grove.member(grove.first, "Alder", "2025-01-01")
    found = grove.restated(grove.first)
    assert known(found.base_as_it_was.t2) == 0
    assert known(found.steps[0].t2) == pytest.approx(120)


def test_a_site_that_changed_hands_is_named_and_moves_nothing(grove: Grove) -> None:
    alder, birch = grove.firms["Alder"], grove.firms["Birch"]
    before = values(grove.restated(grove.first).steps)
    alder.transfer("site", grove.sites["Alder"], birch, start="2024-10-01")
    found = grove.restated(grove.first)
    (handed,) = found.handed
    assert (handed.site, handed.day) == (grove.sites["Alder"], dt.date(2024, 10, 1))
    assert (handed.giver, handed.taker) == (alder.id, birch.id)
    for was, then in zip(before, values(found.steps), strict=True):
        assert then == (was[0], pytest.approx(was[1], abs=1e-9), pytest.approx(was[2], abs=1e-9))


def test_an_enterprise_is_restated_with_the_sites_it_owns_now(grove: Grove) -> None:
    """Alder's site is Birch's from 1 July 2025: restated, 2024 is 100 + 20 for Birch."""
    alder, birch = grove.firms["Alder"], grove.firms["Birch"]
    alder.transfer("site", grove.sites["Alder"], birch, start="2025-07-01")
    answered = Engine(grove.f.log).answer(Question(BASE))
    books = restated_books(answered, "enterprise", birch.id, last_day(LATER))
    assert known(books.assessment.scope1) == pytest.approx(120)
    with pytest.raises(NoDataForYear):
        restated_books(answered, "enterprise", alder.id, last_day(LATER))


def test_what_cannot_be_restated_is_refused(grove: Grove) -> None:
    with pytest.raises(BaseYearNotEarlier):
        grove.restated(grove.first, base=LATER)
    with pytest.raises(NoDataForYear):
        grove.restated(grove.second, base=2010)
    with pytest.raises(UnknownBoundary):
        grove.restated(grove.f.uuid())


@settings(deadline=None, max_examples=30)
@given(years(), st.data())
def test_contributions_sum_in_any_order_and_scope_1_is_the_same_in_each(
    year: Year, data: st.DataObject
) -> None:
    sites = sorted({node.place for node in year.network.nodes if node.place})
    order = data.draw(st.permutations(sites))
    answered = member(year, frozenset(sites), "all").answered
    moves = [Moved(place.site, Why.JOINED, place.start, (), (), (place,)) for place in order]
    levels = totals_along(answered, (), moves)
    whole = member(year, frozenset(sites), "all").assessment
    t2 = sum((after.t2 - before.t2 for before, after in pairwise(levels)), Amount(0.0))
    assert t2.at_least == pytest.approx(whole.t2.at_least, rel=1e-9, abs=1e-9)
    for move, (before, after) in zip(moves, pairwise(levels), strict=True):
        alone = member(year, frozenset(move.places), "alone").assessment.scope1
        assert (after.scope1 - before.scope1).at_least == pytest.approx(
            alone.at_least, rel=1e-9, abs=1e-9
        )
