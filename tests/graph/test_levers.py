"""A lever says what solving again with a tenth less says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.engine import Engine, Question
from graph.reading.network import Estimate, Gap
from graph.solving.solved import Solved
from graph.terms import Rung
from graph.tracing.explain import trace_boundary, trace_product
from graph.tracing.levers import Kind, levers_of
from tests.chain import YEAR, build_chain
from tests.factory import Factory
from tests.graph.nets import solved_of

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")


@st.composite
def systems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    size = draw(st.integers(2, 6))
    share = st.one_of(st.just(0.0), st.floats(0.01, 0.9 / size))
    amounts = np.array([[draw(share) for _ in range(size)] for _ in range(size)])
    return amounts, np.array([draw(st.floats(0.1, 10)) for _ in range(size)])


@settings(max_examples=40, deadline=None)
@given(systems(), st.integers(1, 4), st.floats(0.01, 1))
def test_using_less_does_what_solving_again_says_and_the_largest_are_listed(
    system: tuple[np.ndarray, np.ndarray], most: int, share: float
) -> None:
    amounts, direct = system
    solved, weights = solved_of(amounts, direct)
    figure = float(solved.footprints[0, 0])
    effects = []
    for i in range(len(direct)):
        less = amounts.copy()
        less[i] *= 1 - share
        effects.append(float(solved_of(less, direct)[0].footprints[0, 0]) - figure)
    found = levers_of(trace_product(solved, "p0", weights), Kind.USE, most, share)
    for lever in found:
        assert lever.t2.total == pytest.approx(effects[lever.nodes[0]], rel=1e-9, abs=1e-12)
    largest = sorted((abs(e) for e in effects if abs(e) > 1e-12), reverse=True)[:most]
    assert [abs(lever.t2.total) for lever in found][: len(largest)] == pytest.approx(largest)


@settings(max_examples=30, deadline=None)
@given(systems(), st.integers(0, 5), st.floats(0.01, 1))
def test_emitting_less_is_linear(
    system: tuple[np.ndarray, np.ndarray], at: int, share: float
) -> None:
    amounts, direct = system
    solved, weights = solved_of(amounts, direct)
    less = direct.copy()
    less[at % len(direct)] *= 1 - share
    moved = solved_of(amounts, less)[0].footprints[0, 0] - solved.footprints[0, 0]
    found = {
        lever.nodes[0]: lever.t2.total
        for kind in (Kind.ORIGIN,)
        for lever in levers_of(trace_product(solved, "p0", weights), kind, None, share)
    }
    # What the start emits itself in tier 0 is no origin outside.
    own = -share * direct[0] if at % len(direct) == 0 else 0.0
    assert found.get(at % len(direct), 0.0) + own == pytest.approx(moved, abs=1e-9)


def test_levers_of_the_worked_park(factory: Factory) -> None:
    """Scope 1 250 at two sites; 70 power for 56 and 20 tools for 24 bought; 60 emitted by E3."""
    chain = build_chain(factory)
    books = Engine(factory.log).park(chain.park, Question(year=YEAR))
    trace = trace_boundary(books.answered.solved, books.places, books.answered.weights)

    def effects(kind: Kind) -> dict[str, float]:
        return {lever.of: lever.t2.total for lever in levers_of(trace, kind)}

    made = chain.products
    assert effects(Kind.SUPPLIER) == pytest.approx({made["E3"]: -5.6, made["T4"]: -2.4})
    assert effects(Kind.CARRIER) == pytest.approx({"electricity": -5.6})
    assert effects(Kind.SITE) == pytest.approx({chain.sites["P1"]: -20, chain.sites["P2"]: -5})
    assert effects(Kind.ORIGIN) == pytest.approx({made["E3"]: -6, made["T4"]: -2})
    # A tenth less power for everybody also leaves the tool with 0.225 · 0.8 less: 7.5 kWh in all.
    assert effects(Kind.USE) == pytest.approx({made["E3"]: -6, made["T4"]: -2.4})
    site = levers_of(trace, Kind.SITE)[0]
    assert (site.upstream.total, site.linear) == (0, True)


def test_what_is_filled_in_for_a_sites_purchases_is_not_emitted_there(factory: Factory) -> None:
    """A gap of 3 kg per P1, 300 kg in all, is upstream: Scope 1 stays 250, a tenth of it 25."""
    chain = build_chain(factory)
    books = Engine(factory.log).park(chain.park, Question(year=YEAR))
    network = books.answered.solved.network
    column = next(each for each in network.columns if each.gas == "CO2")
    filled = Estimate(Rung.AVERAGE, {column: 3.0}, 1.2, "averages 1, row 1", 1)
    node = network.nodes_of[chain.products["P1"]][0]
    gap = Gap(node, "class-only", "paint", None, 1.0, "KGM", 1, filled)
    solved = Solved.of(replace(network, gaps=(gap,)))
    trace = trace_boundary(solved, books.places, books.answered.weights)
    assert trace.figure.filled == pytest.approx(300)
    assert sum(lever.t2.total for lever in levers_of(trace, Kind.SITE)) == pytest.approx(-25)
