"""Which loops converge, which are refused, and what a refusal leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import block_diag, csr_array

from graph.errors import AmountNotFinite, NetworkNotSquare, NoLoop, TableMismatch
from graph.solving import blocks
from graph.solving.loops import worst_loop
from graph.solving.solve import Plan


def plan_of(amounts: object) -> Plan:
    return Plan.of(csr_array(np.array(amounts, dtype=float)))


def ring(size: int, gain: float, seed: int = 0) -> np.ndarray:
    """Products that each feed the next; the amounts multiply to ``gain ** size``."""
    units = 10.0 ** np.random.default_rng(seed).uniform(-6, 6, size)
    A = np.zeros((size, size))
    A[np.arange(size), (np.arange(size) + 1) % size] = gain
    return A / units[:, None] * units


def web(size: int, gain: float, seed: int = 0, inputs: int = 6) -> csr_array:
    """A random loop of many products with the given spectral radius, in units of 1e-4 to 1e4.

    Every column adds up to ``gain`` before the units are mixed, so that this is its gain.
    """
    random = np.random.default_rng(seed)
    consumer = np.repeat(np.arange(size), inputs + 1)
    supplier = random.integers(0, size, consumer.size)
    supplier[:: inputs + 1] = (np.arange(size) + 1) % size
    share = random.random(consumer.size)
    share *= gain / np.bincount(consumer, share)[consumer]
    units = 10.0 ** random.uniform(-4, 4, size)
    amounts = share / units[supplier] * units[consumer]
    return csr_array((amounts, (supplier, consumer)), shape=(size, size))


def test_a_product_that_uses_itself_up_by_a_fifth_costs_five_quarters():
    assert plan_of([[0.2]]).footprints(np.array([[4.0]]))[0, 0] == 5.0


@pytest.mark.parametrize("share", [1.0, 1.5, -1.0, 1.0 - 1e-13])
def test_a_product_that_uses_up_all_it_makes_is_refused(share):
    (refused,) = plan_of([[share]]).refused

    assert refused.nodes.tolist() == [0]
    assert refused.gain == pytest.approx(abs(share))
    assert refused.reason == "gain"


def test_a_column_sum_above_one_is_no_reason_to_refuse():
    # Eigenvalues of [[0, 0.25/1.0028], [1.0028, 0]] are +-0.5.
    A = [[0.0, 0.25 / 1.0028], [1.0028, 0.0]]
    plan = plan_of(A)

    assert np.sum(A, axis=0).max() == pytest.approx(1.0028)
    assert not plan.refused
    # m0 = 1 + 1.0028 m1, m1 = 1 + (0.25 / 1.0028) m0, so m0 = 2.0028 / 0.75.
    assert plan.footprints(np.ones((2, 1)))[0, 0] == pytest.approx(2.0028 / 0.75, rel=1e-15)


def test_overlapping_loops_are_refused_though_no_single_one_gains():
    # Four products that each use 0.35 of the other three: eigenvalue 3 * 0.35 = 1.05, while the
    # strongest single loop is 0.35 * 0.35.
    A = 0.35 * (np.ones((4, 4)) - np.eye(4))

    (refused,) = plan_of(A).refused
    cycle, gain = worst_loop(csr_array(A), refused.nodes)

    assert refused.gain == pytest.approx(1.05)
    assert len(cycle) == 2
    assert gain == pytest.approx(0.1225)


@pytest.mark.parametrize("size", [2, 7, 32, 33, 200])
def test_a_gain_just_below_one_is_accepted_and_accurate(size):
    # With natural units u, m_j = u_j * m and m = 1 + 0.99 m.
    A = ring(size, 0.99)
    plan = plan_of(A)
    units = np.ones(size)
    for product in range(size - 1):
        units[product + 1] = units[product] * A[product, product + 1] / 0.99

    footprints = plan.footprints(units[:, None])[:, 0]

    assert not plan.refused
    assert footprints / units == pytest.approx(np.full(size, 100.0), rel=1e-12)


@pytest.mark.parametrize("size", [2, 7, 32, 33, 200])
def test_a_gain_just_above_one_is_refused(size):
    (refused,) = plan_of(ring(size, 1.01)).refused

    assert refused.nodes.tolist() == list(range(size))
    assert refused.gain == pytest.approx(1.01, rel=1e-3)


@pytest.mark.parametrize("size", [40, 500, 6000])
@pytest.mark.parametrize("gain", [0.5, 0.99])
def test_a_large_loop_is_solved_to_the_last_digits(size, gain):
    A = web(size, gain)
    direct = np.random.default_rng(1).random((size, 3))
    plan = Plan.of(A)

    footprints, supply = plan.footprints(direct), plan.supply(direct)

    assert plan.largest > 0.9 * size
    assert plan.residual(direct, footprints) < 1e-13
    assert np.sum(footprints * direct) == pytest.approx(np.sum(direct * supply), rel=1e-11)


@pytest.mark.parametrize("size", [40, 500, 6000])
def test_a_large_loop_above_one_is_refused(size):
    (refused,) = Plan.of(web(size, 1.01)).refused

    assert refused.gain == pytest.approx(1.01, rel=1e-3)


def test_iteration_and_elimination_agree_on_a_giant_loop(monkeypatch):
    A, direct = web(2500, 0.95), np.ones((2500, 2))
    iterated = Plan.of(A).footprints(direct)
    monkeypatch.setattr(blocks, "_ELIMINATED", 10_000)

    eliminated = Plan.of(A).footprints(direct)

    assert iterated == pytest.approx(eliminated, rel=1e-12)
    assert (iterated != eliminated).any()


def test_elimination_takes_over_where_iterations_crawl():
    # A ring of 3000 products turns one step per sweep: iterating would need thousands.
    plan = plan_of(ring(3000, 0.999))
    direct = np.random.default_rng(2).random((3000, 1))

    assert plan.residual(direct, plan.footprints(direct)) < 1e-13


@pytest.mark.parametrize("size", [2, 40])
def test_credits_are_judged_by_the_true_spectral_radius(size):
    # [[0.9, -0.6], [0.6, 0.2]] has eigenvalues of size sqrt(0.54) = 0.73: the credit damps the
    # loop. Its sizes alone would grow by 1.24 at every step.
    A = np.zeros((size, size))
    A[:2, :2] = [[0.9, -0.6], [0.6, 0.2]]
    for product in range(2, size):
        A[product - 1, product], A[product, product - 1] = 0.05, 0.05
    assert np.abs(np.linalg.eigvals(np.abs(A))).max() > 1
    plan = plan_of(A)

    footprints = plan.footprints(np.ones((size, 1)))[:, 0]

    assert not plan.refused
    assert footprints == pytest.approx(np.linalg.solve(np.eye(size) - A.T, np.ones(size)))


def test_a_loop_of_credits_needs_another_pivot_than_its_diagonal():
    # All eigenvalues are zero, but 1 - A[0, 0] is too: m0 = 1 + m0 + m1 and m1 = 1 - m0 - m1.
    plan = plan_of([[1.0, -1.0], [1.0, -1.0]])

    assert not plan.refused
    assert plan.footprints(np.ones((2, 1)))[:, 0] == pytest.approx([3.0, -1.0])


@pytest.mark.parametrize("size", [3, 40])
def test_a_loop_of_credits_that_swings_out_of_bounds_is_refused(size):
    A = -ring(size, 1.1)

    (refused,) = plan_of(A).refused

    assert refused.gain == pytest.approx(1.1)


def test_a_refused_loop_leaves_everything_else_exactly_right():
    # 0 -> 1 <-> 2 -> 3 <- 4 -> 5; the pair 1, 2 multiplies itself by 1.2.
    A = np.zeros((6, 6))
    A[0, 1], A[1, 2], A[2, 1], A[2, 3], A[4, 3], A[4, 5] = 0.5, 2.0, 0.6, 1.0, 0.25, 0.125
    plan = plan_of(A)

    footprints = plan.footprints(np.ones((6, 1)))[:, 0]
    gap = plan.downstream_max(plan.refused_mask.astype(np.int64))

    assert plan.refused_mask.tolist() == [False, True, True, False, False, False]
    # 3 is summed without the loop: 1 + 0.25; whoever asks learns that it is a gap.
    np.testing.assert_array_equal(footprints, [1, np.nan, np.nan, 1.25, 1, 1.125])
    np.testing.assert_array_equal(gap, [0, 1, 1, 1, 0, 0])
    assert plan.residual(np.ones((6, 1)), footprints[:, None]) == 0


def test_a_refused_loop_orders_nothing():
    A = np.zeros((3, 3))
    A[0, 1], A[1, 1], A[1, 2] = 0.5, 2.0, 1.0

    made = plan_of(A).supply(np.ones((3, 1)))[:, 0]

    np.testing.assert_array_equal(made, [1, np.nan, 1])


def test_refused_loops_are_listed_by_their_first_product():
    A = csr_array(block_diag([ring(40, 1.1), np.array([[3.0]]), 0.1 * np.eye(1), ring(2, 2.0)]))

    refused = Plan.of(A).refused

    assert [component.nodes[0] for component in refused] == [0, 40, 42]
    assert [component.nodes.size for component in refused] == [40, 1, 2]


def test_the_latest_entry_reaches_every_figure_downstream_of_it():
    # 0 -> 1 <-> 2 -> 3, 4 -> 3, 5 alone.
    A = np.zeros((6, 6))
    A[0, 1], A[1, 2], A[2, 1], A[2, 3], A[4, 3] = 1, 0.1, 0.1, 1, 1

    latest = plan_of(A).downstream_max(np.array([7, 2, 9, 1, 8, 3]))

    assert latest.tolist() == [7, 9, 9, 9, 8, 3]


def test_the_loop_that_gains_is_named_in_the_order_of_supply():
    # 12 -> 30 -> 21 -> 12 with 1e-9 * 2e3 * 6e5 = 1.2.
    A = csr_array(np.array([[0, 1e-9, 0], [0, 0, 2e3], [6e5, 1e-7, 0]]))

    cycle, gain = worst_loop(A, [12, 30, 21])

    assert cycle == [12, 30, 21]
    assert gain == pytest.approx(1.2)


def test_a_loop_of_gain_one_exactly_is_the_one_that_is_named():
    A = csr_array(np.array([[0.0, 0.5, 0.9], [2.0, 0, 0], [0.9, 0, 0]]))

    assert worst_loop(A, [0, 1, 2]) == ([0, 1], 1.0)


def test_a_product_that_feeds_itself_too_much_is_a_loop_of_its_own():
    A = csr_array(np.array([[0.0, 0.5], [0.5, -2.0]]))

    assert worst_loop(A, [4, 3]) == ([3], -2.0)


def test_without_a_loop_there_is_none_to_name():
    with pytest.raises(NoLoop, match="None of the 1 products feeds itself"):
        worst_loop(csr_array(([0.0], ([0], [0])), shape=(1, 1)), [0])


def test_what_cannot_be_a_network_is_refused():
    with pytest.raises(NetworkNotSquare):
        Plan.of(csr_array((2, 3)))
    with pytest.raises(AmountNotFinite):
        plan_of([[0, np.nan], [0, 0]])


@pytest.mark.parametrize("shape", [(3,), (2, 1), (3, 1, 1)])
def test_a_table_that_does_not_fit_the_network_is_refused(shape):
    with pytest.raises(TableMismatch):
        plan_of(np.zeros((3, 3))).footprints(np.zeros(shape))


def test_an_unknown_emission_is_not_a_number_to_compute_with():
    with pytest.raises(AmountNotFinite):
        plan_of([[0.0]]).footprints(np.array([[np.nan]]))


def test_an_empty_network_has_an_empty_answer():
    plan = Plan.of(csr_array((0, 0)))

    assert (plan.levels, plan.components, plan.largest, plan.looped) == (0, 0, 0, 0)
    assert plan.footprints(np.zeros((0, 2))).shape == (0, 2)
    assert plan.residual(np.zeros((0, 2)), np.zeros((0, 2))) == 0
    assert plan.downstream_max(np.zeros(0, dtype=np.int64)).shape == (0,)
