"""What must hold on every network, whatever its shape and units."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, diags_array

from graph.solving.solve import Plan

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=60, deadline=None)


def network(seed: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Amounts with loops and self-loops, every column adding up to 0.9 or less, and emissions."""
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 90))
    A = random.random((n, n)) * (random.random((n, n)) < random.choice([0.5, 1.5, 4.0]) / n)
    A *= random.uniform(0, 0.9, n) / np.maximum(A.sum(axis=0), 1e-9)
    A[A < 1e-6] = 0
    return A, random.random((n, 4)), random


def alike(one: np.ndarray, other: np.ndarray, digits: float = 1e-12) -> bool:
    return np.allclose(one, other, rtol=digits, atol=0)


@few
@given(seeds)
def test_footprints_and_supply_equal_a_dense_solve(seed):
    A, direct, _ = network(seed)
    n = len(A)
    plan = Plan.of(csr_array(A))

    assert alike(plan.footprints(direct), np.linalg.solve(np.eye(n) - A.T, direct), 1e-11)
    assert alike(plan.supply(direct), np.linalg.solve(np.eye(n) - A, direct), 1e-11)


@few
@given(seeds)
def test_a_change_of_units_changes_nothing_but_the_units(seed):
    A, direct, random = network(seed)
    units = (10.0 ** random.uniform(-9, 9, len(A)))[:, None]
    rescaled = csr_array(A / units * units.T)

    plain, mixed = Plan.of(csr_array(A)), Plan.of(rescaled)

    assert alike(mixed.footprints(direct * units), plain.footprints(direct) * units)
    assert alike(mixed.supply(direct / units), plain.supply(direct) / units)
    assert not mixed.refused


@few
@given(seeds)
def test_all_emissions_land_on_final_demand_once(seed):
    A, direct, random = network(seed)
    demand = random.random((len(A), 1))
    plan = Plan.of(csr_array(A))
    output = plan.supply(demand)

    assert alike(plan.footprints(direct).T @ demand, direct.T @ output)


@few
@given(seeds)
def test_origins_add_up_to_the_footprint(seed):
    A, direct, _ = network(seed)
    plan = Plan.of(csr_array(A))

    origins = plan.footprints(np.diag(direct[:, 0])).T

    assert alike(origins.sum(axis=0), plan.footprints(direct[:, :1])[:, 0])


@few
@given(seeds)
def test_freezing_a_product_at_its_own_footprint_changes_nothing(seed):
    A, direct, random = network(seed)
    footprints = Plan.of(csr_array(A)).footprints(direct)
    frozen = random.integers(len(A))
    A[:, frozen], direct[frozen] = 0, footprints[frozen]

    assert alike(Plan.of(csr_array(A)).footprints(direct), footprints)


@few
@given(seeds)
def test_all_columns_together_equal_one_by_one(seed):
    A, direct, _ = network(seed)
    plan = Plan.of(csr_array(A))

    together = plan.footprints(direct)
    apart = np.hstack([plan.footprints(direct[:, [column]]) for column in range(4)])

    assert alike(together, apart, 1e-15 * 8)


@few
@given(seeds)
def test_the_residual_is_at_rounding_in_any_units(seed):
    A, direct, random = network(seed)
    units = 10.0 ** random.uniform(-9, 9, len(A))
    mixed = diags_array(1 / units) @ csr_array(A) @ diags_array(units)
    plan = Plan.of(csr_array(mixed))

    assert plan.residual(direct, plan.footprints(direct)) < 1e-14


@few
@given(seeds)
def test_the_residual_sees_a_figure_that_is_off(seed):
    A, direct, random = network(seed)
    plan = Plan.of(csr_array(A))
    footprints = plan.footprints(direct)
    footprints[random.integers(len(A))] *= 1.001

    assert plan.residual(direct, footprints) > 1e-5


@few
@given(seeds)
def test_planning_again_after_an_unrelated_change_gives_the_same_bits(seed):
    A, direct, _ = network(seed)
    n = len(A)
    larger = np.zeros((n + 3, n + 3))
    larger[:n, :n] = A
    larger[n, n + 1] = larger[n + 1, n + 2] = 0.5
    more = np.vstack([direct, np.ones((3, 4))])

    before, after = Plan.of(csr_array(A)), Plan.of(csr_array(larger))

    assert np.array_equal(before.footprints(direct), after.footprints(more)[:n])
    assert np.array_equal(before.supply(direct), after.supply(more)[:n])


@few
@given(seeds)
def test_a_refused_loop_is_an_island(seed):
    A, direct, random = network(seed)
    bad = int(random.integers(len(A)))
    A[bad, bad] = 1.5
    plan = Plan.of(csr_array(A))
    (refused,) = plan.refused
    without = A.copy()
    without[refused.nodes, :] = without[:, refused.nodes] = 0

    expected = Plan.of(csr_array(without)).footprints(direct)
    expected[refused.nodes] = np.nan

    assert bad in refused.nodes
    assert refused.gain > 1.4
    assert np.array_equal(plan.footprints(direct), expected, equal_nan=True)


@few
@given(seeds)
def test_the_highest_value_upstream_equals_a_walk_over_the_supply_cone(seed):
    A, _, random = network(seed)
    values = random.integers(0, 1000, len(A))
    reach = (A != 0) | np.eye(len(A), dtype=bool)
    for _ in range(8):
        reach = reach @ reach

    walked = np.where(reach, values[:, None], -1).max(axis=0)

    assert np.array_equal(Plan.of(csr_array(A)).downstream_max(values), walked)
