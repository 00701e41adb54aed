"""Loops are found with their gain, and what passes through one is what is lost without it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.engine import Engine, Question
from graph.tracing.cycles import loops_of, through
from graph.tracing.explain import trace_boundary, trace_product
from tests.chain import YEAR, build_chain
from tests.factory import Factory
from tests.graph.nets import solved_of

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")


def test_a_product_that_takes_in_itself_is_a_loop() -> None:
    solved, _ = solved_of(np.array([[0.25, 1], [0, 0]]), np.array([1, 1]))
    (loop,) = loops_of(solved)
    assert loop.nodes.tolist() == [0]
    assert (loop.gain, loop.refused) == (0.25, False)


def test_a_network_without_loops_has_none() -> None:
    solved, _ = solved_of(np.array([[0, 1], [0, 0]]), np.array([1, 1]))
    assert loops_of(solved) == ()


@pytest.mark.parametrize(("gain", "refused"), [(0.99, False), (1.01, True)])
def test_a_gain_near_one_is_enclosed_in_any_units(gain: float, refused: bool) -> None:
    # A ring of three in grams, tonnes and pieces: the product of its amounts is gain³.
    amounts = np.zeros((3, 3))
    amounts[1, 0], amounts[2, 1], amounts[0, 2] = 1e6, 1e-9 * gain**3, 1e3
    solved, _ = solved_of(amounts, np.ones(3))
    (loop,) = loops_of(solved)
    assert loop.lowest <= gain * (1 + 1e-12)
    assert loop.highest >= gain * (1 - 1e-12)
    assert loop.gain == pytest.approx(gain, rel=0.02)
    assert loop.refused is refused


def test_single_cycles_are_not_the_gain() -> None:
    # Four products that each take in 0.35 of the three others: the best cycle has 0.12, ρ = 1.05.
    solved, _ = solved_of(0.35 * (1 - np.eye(4)), np.ones(4))
    (loop,) = loops_of(solved)
    assert loop.gain == pytest.approx(1.05)
    assert loop.refused


def test_credits_leave_only_the_upper_bound() -> None:
    solved, _ = solved_of(np.array([[0.6, 0.5], [-0.5, 0.6]]), np.ones(2))
    (loop,) = loops_of(solved)
    assert loop.lowest == 0
    assert loop.highest >= 1.1 - 1e-9


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_gain_lies_between_its_bounds(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 6))
    share = st.one_of(st.just(0.0), st.floats(0.01, 1.5 / size))
    amounts = np.array([[data.draw(share) for _ in range(size)] for _ in range(size)])
    solved, _ = solved_of(amounts, np.ones(size))
    for loop in loops_of(solved):
        block = amounts[np.ix_(loop.nodes, loop.nodes)]
        radius = float(np.abs(np.linalg.eigvals(block)).max())
        assert loop.lowest <= radius * (1 + 1e-9)
        assert loop.highest >= radius * (1 - 1e-9)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_passes_through_a_loop_is_what_is_lost_without_its_members(
    data: st.DataObject,
) -> None:
    size = data.draw(st.integers(2, 6))
    share = st.one_of(st.just(0.0), st.floats(-0.1 / size, 0.8 / size))
    amounts = np.array([[data.draw(share) for _ in range(size)] for _ in range(size)])
    direct = np.array([data.draw(st.floats(0, 10)) for _ in range(size)])
    solved, weights = solved_of(amounts, direct)
    trace = trace_product(solved, "p0", weights)
    for loop in loops_of(solved):
        silent = amounts.copy()
        silent[loop.nodes] = silent[:, loop.nodes] = 0
        emitting = direct.copy()
        emitting[loop.nodes] = 0
        without, _ = solved_of(silent, emitting)
        left = 0.0 if 0 in loop.nodes else float(without.footprints[0, 0])
        assert through(trace, loop).total == pytest.approx(trace.figure.total - left, abs=1e-9)


def test_what_a_park_draws_through_a_loop_that_it_is_part_of(factory: Factory) -> None:
    """P1 ↔ P2 and P1 ← T4 ← P2 are one component; outside it is T4, bought for 20 · 1.2."""
    chain = build_chain(factory)
    books = Engine(factory.log).park(chain.park, Question(year=YEAR))
    solved = books.answered.solved
    (loop,) = loops_of(solved)
    assert {solved.network.nodes[i].name for i in loop.nodes} == {"P1", "P2", "T4"}
    trace = trace_boundary(solved, books.places, books.answered.weights)
    # All that P1 and P2 emit and take in passes through them: the whole figure.
    assert through(trace, loop).total == pytest.approx(330)
