"""Holding products at zero equals leaving them out of the network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from graph.solving import blocks, solve
from graph.solving.solve import Plan

few = settings(max_examples=40, deadline=None)


def tangled(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amounts with converging and gaining loops, credits, units over 1e9; emissions; a mask."""
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 70))
    A = random.random((n, n)) * (random.random((n, n)) < random.choice([0.5, 1.2, 3.0]) / n)
    A *= random.choice([0.7, 0.99, 1.6]) * random.random(n) / np.maximum(A.sum(axis=0), 1e-9)
    A[random.random((n, n)) < 0.1] *= -1
    units = 10.0 ** random.uniform(0, 9, n)
    held = random.random(n) < random.choice([0.05, 0.3, 0.8])
    return A / units[:, None] * units, random.random((n, 2)) * units[:, None], held


def outside_only(A: np.ndarray, held: np.ndarray) -> tuple[Plan, np.ndarray]:
    rest = np.flatnonzero(~held)
    return Plan.of(csr_array(A[np.ix_(rest, rest)])), rest


@few
@given(st.integers(0, 2**32 - 1))
@pytest.mark.parametrize("large_from", [blocks.SMALL, 2])
def test_held_products_are_as_if_they_were_not_there(large_from, seed):
    A, direct, held = tangled(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solve, "SMALL", large_from)
        plan = Plan.of(csr_array(A))
        sub, rest = outside_only(A, held)
        footprints = plan.footprints(direct, held=held)
        supply = plan.supply(1 / direct, held=held)

        np.testing.assert_allclose(footprints[rest], sub.footprints(direct[rest]), rtol=1e-9)
        np.testing.assert_allclose(supply[rest], sub.supply(1 / direct[rest]), rtol=1e-9)
        assert not footprints[held].any()
        assert not supply[held].any()


@few
@given(st.integers(0, 2**32 - 1))
def test_what_passes_downstream_does_not_pass_through_held_products(seed):
    A, _, held = tangled(seed)
    values = np.random.default_rng(seed).integers(-5, 1000, len(A))
    sub, rest = outside_only(A, held)

    highest = Plan.of(csr_array(A)).downstream_max(values, held=held)

    assert np.array_equal(highest[rest], sub.downstream_max(values[rest]))
    assert np.array_equal(highest[held], values[held])


def test_a_loop_that_gains_is_sound_without_the_member_that_makes_it_gain():
    # 0 <-> 1 multiply by 0.25; 1 <-> 2 by 1.2. Without 2: m0 = 1 + 0.5 m1, m1 = 1 + 0.5 m0.
    A = np.zeros((4, 4))
    A[0, 1] = A[1, 0] = 0.5
    A[1, 2], A[2, 1], A[1, 3] = 1.2, 1.0, 2.0
    plan = Plan.of(csr_array(A))
    held = np.array([False, False, True, False])

    assert plan.refused_mask.tolist() == [True, True, True, False]
    assert plan.footprints(np.ones((4, 1)), held=held)[:, 0] == pytest.approx([2, 2, 0, 5])


def test_what_is_left_of_a_loop_may_still_gain_in_one_of_its_parts():
    # 0 <-> 1 gain 1.2 and feed 2, which feeds 3, which feeds 0: without 3, 2 is out of the loop.
    A = np.zeros((4, 4))
    A[0, 1], A[1, 0], A[1, 2], A[2, 3], A[3, 0] = 1.2, 1.0, 0.5, 0.5, 0.5
    held = np.array([False, False, False, True])

    footprints = Plan.of(csr_array(A)).footprints(np.ones((4, 1)), held=held)[:, 0]

    np.testing.assert_array_equal(footprints, [np.nan, np.nan, 1, 0])
