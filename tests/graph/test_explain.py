"""Every way of taking a figure apart gives the figure back when its parts are added up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.engine import Engine, Question
from graph.solving.solved import Solved
from graph.tracing.explain import (
    Breakdown,
    Kg,
    Trace,
    by_category,
    by_enterprise,
    by_gas,
    by_origin,
    by_site,
    by_tier,
    trace_boundary,
    trace_product,
)
from graph.tracing.frontier import view_from
from tests.chain import YEAR, Chain, build_chain
from tests.factory import Factory
from tests.graph.nets import solved_of
from tests.graph.test_estimates import by_recipes, gaps_in
from tests.graph.test_identities import WEIGHTS, Year, years

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

WAYS: tuple[Callable[..., Breakdown[Any]], ...] = (
    by_origin,
    by_tier,
    by_site,
    by_enterprise,
    by_gas,
    by_category,
)


def summed(breakdown: Breakdown[Any]) -> float:
    return sum(part.kg.total for part in breakdown.parts) + breakdown.rest.total


def parts(breakdown: Breakdown[Any]) -> dict[Any, float]:
    return {part.of: part.kg.total for part in breakdown.parts}


@st.composite
def systems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amounts with loops and credits, two gases, a category for each link."""
    size = draw(st.integers(2, 6))
    share = st.floats(-0.2 / size, 0.8 / size)
    amounts = np.array([[draw(share) for _ in range(size)] for _ in range(size)])
    direct = np.array([[draw(st.floats(0, 10)), draw(st.floats(0, 1))] for _ in range(size)])
    labels = np.array([[draw(st.integers(1, 8)) for _ in range(size)] for _ in range(size)])
    return amounts, direct, labels


@settings(max_examples=40, deadline=None)
@given(systems(), st.integers(1, 3), st.frozensets(st.integers(0, 5)))
def test_each_list_and_its_rest_sum_to_the_figure_wherever_the_view_ends(
    system: tuple[np.ndarray, np.ndarray, np.ndarray], most: int, is_open: frozenset[int]
) -> None:
    solved, weights = solved_of(*system)
    figure = float(weights.co2e(solved.footprints[0]))
    view = view_from(solved.network, [0], is_open.__contains__)
    for seen in (None, view):
        trace = trace_product(solved, "p0", weights, view=seen)
        assert trace.figure.total == pytest.approx(figure, abs=1e-9)
        for way in (by_origin, by_site, by_enterprise, by_gas):
            assert summed(way(trace, most)) == pytest.approx(figure, abs=1e-9)
        assert summed(by_tier(trace, most)) == pytest.approx(figure, abs=1e-9)
        told = by_category(trace)
        assert sum(parts(told).values()) == pytest.approx(figure, abs=1e-9)
        assert told.rest.total == pytest.approx(0, abs=1e-9)


def test_tiers_and_categories_of_a_chain_by_hand() -> None:
    # 0 takes in 2 of 1 (category 1) and 1 of 2 (category 4); 1 takes in 3 of 2 (category 3).
    # Emitted per unit: 1, 10, 100. Tier 0: 1. Tier 1: 2·10 + 1·100 = 120. Tier 2: 2·3·100 = 600.
    amounts = np.array([[0, 0, 0], [2, 0, 0], [1, 3, 0]])
    labels = np.array([[1, 1, 1], [1, 1, 1], [4, 3, 1]])
    solved, weights = solved_of(amounts, np.array([1, 10, 100]), labels)
    trace = trace_product(solved, "p0", weights)
    assert parts(by_tier(trace)) == {0: 1, 1: 120, 2: 600}
    assert parts(by_category(trace)) == {0: 1, 1: 2 * (10 + 300), 4: 100}
    assert parts(by_origin(trace)) == {2: 700, 1: 20, 0: 1}
    two = by_tier(trace, 2)
    assert (parts(two), two.rest) == ({0: 1, 1: 120}, Kg(600.0))
    assert by_origin(trace, 1).others == 2


def test_a_loop_is_counted_in_every_tier_it_comes_back_in() -> None:
    # Half of every unit goes back in: 1 + 0.5 + 0.25 + … = 2.
    solved, weights = solved_of(np.array([[0.5]]), np.array([1]))
    trace = trace_product(solved, "p0", weights)
    told = by_tier(trace, 3)
    assert parts(told) == {0: 1, 1: 0.5, 2: 0.25}
    assert told.rest.total == pytest.approx(0.25)


def test_gases_are_weighed_before_they_are_compared() -> None:
    solved, weights = solved_of(np.zeros((1, 1)), np.array([[5.0, 1.0]]))
    told = parts(by_gas(trace_product(solved, "p0", weights)))
    assert told == pytest.approx({("CH4", "fossil"): 29.8, ("CO2", "fossil"): 5.0})
    assert list(told) == [("CH4", "fossil"), ("CO2", "fossil")]


def test_what_is_hidden_is_what_is_missing() -> None:
    amounts = np.array([[0, 0, 0], [2, 0, 0], [1, 3, 0]])
    solved, weights = solved_of(amounts, np.array([1, 10, 100]))
    trace = trace_product(solved, "p0", weights).without([2])
    assert trace.figure == Kg(21.0)
    assert parts(by_tier(trace)) == {0: 1, 1: 20, 2: 0}
    assert parts(by_category(trace)) == {0: 1, 1: 20}


# --- A boundary: the worked example ----------------------------------------------------------


def park_trace(factory: Factory) -> tuple[Chain, Trace]:
    chain, engine = build_chain(factory), Engine(factory.log)
    books = engine.park(chain.park, Question(year=YEAR))
    return chain, trace_boundary(books.answered.solved, books.places, books.answered.weights)


def test_the_worked_park_is_taken_apart(factory: Factory) -> None:
    """T2 330: scope 1 200 + 50; 70 power and 20 tools bought; a tool is 1 + 0.25 · 0.8."""
    chain, trace = park_trace(factory)
    names = {i: node.name for i, node in enumerate(trace.network.nodes)}
    assert trace.figure.total == pytest.approx(330)
    assert parts(by_tier(trace)) == pytest.approx({0: 250, 1: 70 * 0.8 + 20, 2: 20 * 0.25 * 0.8})
    assert parts(by_category(trace)) == pytest.approx({0: 250, 1: 24, 3: 56})
    assert {names[i]: kg for i, kg in parts(by_origin(trace)).items()} == pytest.approx(
        {"P1": 200, "E3": 60, "P2": 50, "T4": 20}
    )
    assert parts(by_site(trace))[chain.sites["E3"]] == pytest.approx(60)
    assert parts(by_enterprise(trace))[chain.firms["P1"].id] == pytest.approx(200)
    for way in WAYS:
        assert summed(way(trace)) == pytest.approx(330)


def test_a_frontier_of_a_boundary_counts_outside_emissions_only(factory: Factory) -> None:
    """T4 contains goods of the park: whole, it is 20 · m*(T4) = 24, not 20 · m(T4) = 66.9."""
    chain, trace = park_trace(factory)
    books = Engine(factory.log).park(chain.park, Question(year=YEAR))
    inside = [int(i) for i in trace.nodes[trace.start != 0]]
    view = view_from(trace.network, inside, lambda _: False)
    seen = trace_boundary(trace.solved, books.places, trace.weights, view)
    names = {i: node.name for i, node in enumerate(trace.network.nodes)}
    assert {names[i]: kg for i, kg in parts(by_origin(seen)).items()} == pytest.approx(
        {"P1": 200, "E3": 56, "P2": 50, "T4": 24}
    )
    assert parts(by_category(seen)) == pytest.approx({0: 250, 1: 24, 3: 56})


@settings(max_examples=40, deadline=None)
@given(years(), st.data())
def test_a_boundary_is_taken_apart_with_what_is_filled_in(year: Year, data: st.DataObject) -> None:
    gaps = data.draw(gaps_in(year))
    owners = sorted({node.owner for node in year.network.nodes})
    named = [replace(gap, supplier=data.draw(st.sampled_from([None, *owners]))) for gap in gaps]
    stated = data.draw(st.booleans())
    network = year.network if stated else by_recipes(year.network)
    asked = Year(replace(network, gaps=tuple(named)), year.inside)
    books, solved = asked.books(), Solved.of(asked.network)
    trace = trace_boundary(solved, asked.inside, WEIGHTS)
    near = {"abs": 1e-9, "rel": 1e-9}
    assert trace.figure.known == pytest.approx(books.t2.at_least, **near)
    assert trace.figure.filled == pytest.approx(books.t2.filled, **near)
    upstream = Kg(books.upstream.at_least, books.upstream.filled)
    told = {part.of: part.kg for part in by_category(trace).parts}
    came = sum((kg for category, kg in told.items() if category), Kg())
    assert came.known == pytest.approx(upstream.known, **near)
    assert came.filled == pytest.approx(upstream.filled, **near)
    for way in WAYS:
        assert summed(way(trace)) == pytest.approx(trace.figure.total, **near)
