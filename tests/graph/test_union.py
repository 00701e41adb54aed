"""Unions of boundaries: counted once, and never more than their parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.books.region import Region, region_of
from graph.engine import Answered, Books, Engine, Question, books_of_places
from graph.reading.year import Place
from graph.solving.solved import Solved
from ledger.standing import Standing
from tests.chain import YEAR, build_chain
from tests.factory import Factory
from tests.graph.test_identities import TIGHT, WEIGHTS, Year, years


def member(year: Year, places: frozenset[Place], name: str) -> Books:
    answered = Answered(2025, "AR6", 1, Standing(), Solved.of(year.network), WEIGHTS, frozenset())
    return books_of_places("park", name, name, answered, tuple(places), (), 0)


@settings(deadline=None, max_examples=40)
@given(years(), st.data())
def test_two_parks_are_never_less_than_their_union(year: Year, data: st.DataObject) -> None:
    sites = sorted({node.place for node in year.network.nodes if node.place})
    parts = st.sets(st.sampled_from(sites), min_size=1)
    one, other = (frozenset(data.draw(parts)) for _ in range(2))
    region = region_of([member(year, one, "one"), member(year, other, "other")])
    t2 = region.books.assessment.t2.at_least
    assert region.sum_of_members.at_least >= t2 * (1 - 1e-9)
    assert region.difference.at_least == pytest.approx(
        region.sum_of_members.at_least - t2, rel=1e-9, abs=1e-9 * t2
    )
    assert set(region.overlap) == one & other
    assert frozenset().union(*region.cells) == one | other


@settings(deadline=None, max_examples=40)
@given(years(), st.data())
def test_without_overlap_the_difference_is_of_those_who_trade(
    year: Year, data: st.DataObject
) -> None:
    sites = sorted({node.place for node in year.network.nodes if node.place})
    chosen = data.draw(st.sampled_from(sites))
    one, other = frozenset({chosen}), frozenset(sites) - {chosen}
    region = region_of([member(year, one, "one"), member(year, other, "other")])
    takers, makers = region.traders
    if not takers:
        assert region.difference.at_least == pytest.approx(0, abs=1e-9)
    assert bool(takers) == bool(makers)


@settings(deadline=None, max_examples=20)
@given(years())
def test_a_region_of_everything_takes_nothing_in(year: Year) -> None:
    sites = sorted({node.place for node in year.network.nodes if node.place})
    region = region_of([member(year, frozenset({s}), s.site) for s in sites])
    assert region.books.assessment.upstream.at_least == 0
    assert region.books.assessment.t2.at_least == pytest.approx(year.e @ year.x, **TIGHT)


def worked(factory: Factory) -> tuple[Region, Books]:
    chain = build_chain(factory)
    engine, question = Engine(chain.factory.log), Question(year=YEAR)
    park = engine.park(chain.park, question)
    assembler = engine.enterprise(chain.firms["T4"].id, question)
    return region_of([park, assembler]), park


@pytest.mark.only_on("sqlite", "the arithmetic is not about the database")
def test_a_park_and_its_assembler_match_the_arithmetic_on_paper(factory: Factory) -> None:
    """Scope 1 200 + 50 + 40; power for all three (50 + 20 + 10) · 0.8 = 64; nothing else comes in.

    The park alone has 330 and the assembler 121.636363…, together 97.636363… too much.
    """
    region, park = worked(factory)
    books = region.books.assessment
    assert (books.scope1.value, books.scope2.value) == (pytest.approx(290), pytest.approx(64))
    assert books.scope3.value == pytest.approx(0)
    assert books.t2.value == pytest.approx(354)
    assert region.sum_of_members.value == pytest.approx(330 + 121.636363636364)
    assert region.difference.value == pytest.approx(97.636363636364)
    assert region.overlap == ()
    assert np.all(region.books.as_of >= park.as_of)


@pytest.mark.only_on("sqlite", "the arithmetic is not about the database")
def test_a_place_in_two_members_is_counted_once(factory: Factory) -> None:
    region, park = worked(factory)
    twice = region_of([park, park, *region.members])
    assert twice.books.assessment.t2.value == pytest.approx(354)
    assert set(twice.overlap) == set(park.places)
