"""The largest paths: against all paths listed one by one, and with loops and credits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.engine import Engine, Question
from graph.tracing.explain import trace_boundary, trace_product
from graph.tracing.paths import largest_paths
from tests.chain import YEAR, build_chain
from tests.factory import Factory
from tests.graph.nets import solved_of

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

LONGEST = 12
LEAST_UNITS = 1e-7


def all_paths(amounts: np.ndarray, direct: np.ndarray) -> list[float]:
    """The size of every path from product 0 that is larger than any that was cut off, by walking
    them all: up to ``LONGEST`` links, each a quarter at most, and down to ``LEAST_UNITS``."""
    found, wave = [], [(0, 1.0)]
    for _ in range(LONGEST):
        found += [abs(units * direct[at]) for at, units in wave if units * direct[at]]
        wave = [
            (i, units * amounts[i, at])
            for at, units in wave
            for i in range(len(direct))
            if abs(units * amounts[i, at]) > LEAST_UNITS
        ]
    return sorted((size for size in found if size > LEAST_UNITS * max(direct)), reverse=True)


@st.composite
def systems(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Up to four products with loops and credits, of a small enough gain to list all paths."""
    size = draw(st.integers(2, 4))
    share = st.one_of(st.just(0.0), st.floats(0.02, 0.25), st.floats(-0.1, -0.02))
    amounts = np.array([[draw(share) for _ in range(size)] for _ in range(size)])
    return amounts, np.array([draw(st.floats(0.5, 10)) for _ in range(size)])


@settings(max_examples=40, deadline=None)
@given(systems(), st.integers(1, 8))
def test_no_larger_path_is_missed(system: tuple[np.ndarray, np.ndarray], most: int) -> None:
    amounts, direct = system
    solved, weights = solved_of(amounts, direct)
    told = largest_paths(trace_product(solved, "p0", weights), most)
    assert told.proven
    sizes = [abs(path.kg.total) for path in told.paths]
    assert sizes == sorted(sizes, reverse=True)
    expected = all_paths(amounts, direct)[:most]
    assert sizes[: len(expected)] == pytest.approx(expected)
    figure = float(weights.co2e(solved.footprints[0]))
    assert sum(path.kg.total for path in told.paths) + told.rest.total == pytest.approx(figure)
    for path in told.paths:
        steps = zip(path.nodes[1:], path.nodes, strict=False)
        units = math.prod(amounts[i, j] for i, j in steps)
        assert path.units == pytest.approx(units)
        assert path.kg.total == pytest.approx(units * direct[path.nodes[-1]])


def test_a_loop_is_unrolled_turn_by_turn() -> None:
    solved, weights = solved_of(np.array([[0.5]]), np.array([8]))
    told = largest_paths(trace_product(solved, "p0", weights), 4)
    assert [(path.nodes, path.kg.total) for path in told.paths] == [
        ((0,), 8),
        ((0, 0), 4),
        ((0, 0, 0), 2),
        ((0, 0, 0, 0), 1),
    ]
    assert told.rest.total == pytest.approx(1)
    assert told.bound == 1


def test_a_large_amount_far_upstream_comes_before_a_near_small_one() -> None:
    # 0 ← 1 ← 2 ← 3 with 1000 kg at the end, and 50 direct suppliers of 1 kg each.
    size = 54
    amounts = np.zeros((size, size))
    amounts[1, 0] = amounts[2, 1] = amounts[3, 2] = 1
    amounts[4:, 0] = 1
    direct = np.ones(size)
    direct[[1, 2]], direct[3] = 0, 1000
    solved, weights = solved_of(amounts, direct)
    told = largest_paths(trace_product(solved, "p0", weights), 1)
    assert told.paths[0].nodes == (0, 1, 2, 3)
    assert told.rest.total == pytest.approx(51)


def test_every_path_of_a_short_chain_is_listed_and_nothing_is_left() -> None:
    solved, weights = solved_of(np.array([[0, 0], [2, 0]]), np.array([1, 3]))
    told = largest_paths(trace_product(solved, "p0", weights))
    assert [path.nodes for path in told.paths] == [(0, 1), (0,)]
    assert (told.proven, told.bound, told.rest.total) == (True, 0.0, 0.0)


def test_credits_that_only_cancel_in_the_sum_leave_the_answer_unproven() -> None:
    # In absolute values the two feed each other with a gain of 1.1; with signs the gain is 0.51.
    amounts = np.array([[0.6, 0.5], [-0.5, 0.6]])
    solved, weights = solved_of(amounts, np.array([1, 1]))
    assert not solved.plan.refused
    told = largest_paths(trace_product(solved, "p0", weights), 5, most_expanded=200)
    assert not told.proven
    assert told.bound == math.inf
    assert len(told.paths) == 5
    figure = float(weights.co2e(solved.footprints[0]))
    assert sum(path.kg.total for path in told.paths) + told.rest.total == pytest.approx(figure)


def test_paths_of_a_park_begin_inside_and_never_come_back(factory: Factory) -> None:
    chain = build_chain(factory)
    books = Engine(factory.log).park(chain.park, Question(year=YEAR))
    trace = trace_boundary(books.answered.solved, books.places, books.answered.weights)
    told = largest_paths(trace)
    names = [
        (" ← ".join(trace.network.nodes[i].name for i in path.nodes), path.kg.total)
        for path in told.paths
    ]
    assert dict(names) == pytest.approx(
        {
            "P1": 200,
            "P2": 50,
            "P1 ← E3": 40,
            "P2 ← E3": 16,
            "P1 ← T4": 20,
            "P1 ← T4 ← E3": 4,
        }
    )
    assert told.rest.total == pytest.approx(0, abs=1e-9)
