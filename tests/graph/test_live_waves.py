"""A network that changes holds what it would hold had it been made as it is now."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from graph.errors import (
    AmountNotFinite,
    LoopUnsolved,
    ProductNumberUnknown,
    SolutionInterrupted,
    TableMismatch,
)
from graph.solving import blocks, solve, waves
from graph.solving.live import GAP, OPEN, Changes, LiveSolution, Reached, Solution
from graph.solving.solve import Plan

few = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32 - 1)


class Mirror:
    """A network that is kept as plain arrays, changed at random and solved anew every time."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.density = self.random.choice([0.4, 1.0, 2.0])
        self.gain = self.random.choice([0.6, 0.99, 1.01, 1.4])
        n = int(self.random.integers(1, 40))
        self.units = 10.0 ** self.random.uniform(-4, 5, n)
        self.A = np.zeros((n, n))
        for product in range(n):
            self.A[:, product] = self.inputs_of(product)
        self.direct = self.random.random((n, 3)) * self.units[:, None]
        self.marks = self.random.choice([0, 0, 0, 0, GAP, OPEN, GAP | OPEN], n).astype(np.uint8)
        self.as_of = self.random.integers(0, 50, n)

    def inputs_of(self, product: int) -> np.ndarray:
        """Shares that add up to the gain or less, some of them credits, in everybody's units."""
        n = len(self.units)
        share = self.random.random(n) * (self.random.random(n) < self.density / n)
        share *= self.gain * self.random.random() ** 0.3 / max(share.sum(), 1e-9)
        share[self.random.random(n) < 0.08] *= -1
        return share / self.units * self.units[product]

    def live(self) -> LiveSolution:
        return LiveSolution(csr_array(self.A), self.direct, self.marks, self.as_of)

    def changed(self) -> Changes:
        """Change something and say what."""
        appended = int(self.random.choice([0, 0, 0, 1, 3]))
        self.append(appended)
        n = len(self.units)
        some = self.random.choice(n, min(n, int(self.random.choice([1, 1, 2, 5]))), replace=False)
        named = [int(product) for product in some]
        inputs, direct, marks, as_of = {}, {}, {}, {}
        for product in named:
            if self.random.random() < 0.7:
                self.A[:, product] = self.rewired(product)
                suppliers = self.random.permutation(np.flatnonzero(self.A[:, product]))
                inputs[product] = suppliers, self.A[suppliers, product]
            if self.random.random() < 0.3:
                direct[product] = self.random.random(3) * self.units[product]
                self.direct[product] = direct[product]
            if self.random.random() < 0.3:
                marks[product] = self.marks[product] = self.random.choice([0, 0, GAP, OPEN])
            if self.random.random() < 0.7:
                as_of[product] = self.as_of[product] = int(self.random.integers(0, 99))
        return Changes(appended, inputs, direct, marks, as_of)

    def rewired(self, product: int) -> np.ndarray:
        column = self.A[:, product].copy()
        match self.random.integers(4):
            case 0:
                return np.zeros_like(column)
            case 1:
                return column * self.random.uniform(0.5, 1.5)
            case 2:
                column[self.random.integers(len(column))] = 0
                return column
        return self.inputs_of(product)

    def append(self, count: int) -> None:
        self.units = np.append(self.units, 10.0 ** self.random.uniform(-4, 5, count))
        self.A = np.pad(self.A, ((0, count), (0, count)))
        self.direct = np.pad(self.direct, ((0, count), (0, 0)))
        self.marks, self.as_of = np.pad(self.marks, (0, count)), np.pad(self.as_of, (0, count))


def check(live: LiveSolution, mirror: Mirror) -> None:
    plan, now = Plan.of(csr_array(mirror.A)), live.solution()
    refused = plan.refused_mask
    np.testing.assert_allclose(now.footprints, plan.footprints(mirror.direct), rtol=1e-9)
    np.testing.assert_array_equal(now.footprints, mirror.live().solution().footprints)
    np.testing.assert_array_equal(now.as_of, plan.downstream_max(mirror.as_of))
    for bit, read in ((GAP, now.incomplete), (OPEN, now.open_ended)):
        own = (mirror.marks & bit > 0) | refused
        np.testing.assert_array_equal(read, plan.downstream_max(own.astype(np.int64)) > 0)
    np.testing.assert_allclose(live.amounts().toarray(), mirror.A, rtol=1e-15)


def check_told(reached: Reached, before: Solution, after: Solution, named: list[int]) -> None:
    """The trace is the difference of the two solutions, and every path leads to the change."""
    common = len(before.footprints)
    was = np.zeros_like(after.footprints)
    was[:common] = before.footprints
    moved = ((was != after.footprints) & ~(np.isnan(was) & np.isnan(after.footprints))).any(axis=1)
    assert sorted(reached.nodes.tolist()) == np.flatnonzero(moved).tolist()
    np.testing.assert_array_equal(reached.before, was[reached.nodes])
    np.testing.assert_array_equal(reached.after, after.footprints[reached.nodes])
    marked = (before.as_of != after.as_of[:common]) | (before.marks != after.marks[:common])
    told = reached.marked[reached.marked < common]
    assert sorted(told.tolist()) == np.flatnonzero(marked).tolist()
    via = dict(zip(reached.nodes.tolist(), reached.via.tolist(), strict=True))
    for node in via:
        seen = set()
        while via.get(node, -1) >= 0:
            assert node not in seen
            seen.add(node)
            node = via[node]


@few
@given(seeds)
@pytest.mark.parametrize(("wide", "large_from"), [(False, 32), (True, 32), (False, 2), (True, 2)])
def test_after_any_changes_all_figures_are_those_of_the_changed_network(wide, large_from, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solve, "SMALL", large_from)
        if wide:
            patch.setattr(waves, "_FEW", 0)
        mirror = Mirror(seed)
        live = mirror.live()
        check(live, mirror)
        for _ in range(5):
            before = live.solution()
            changes = mirror.changed()
            reached = live.apply(changes)
            check(live, mirror)
            check_told(reached, before, live.solution(), changes.named)


@few
@given(seeds)
@pytest.mark.parametrize("large_from", [32, 2])
def test_what_is_made_upstream_of_a_product_is_the_adjoint(large_from, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(solve, "SMALL", large_from)
        mirror = Mirror(seed)
        live, plan = mirror.live(), Plan.of(csr_array(mirror.A))
        n = len(mirror.units)
        supply = np.nan_to_num(plan.supply(np.eye(n)))

        for node in range(n):
            upstream = live.upstream(node, share=0.0)
            units = np.zeros(n)
            units[upstream.nodes] = upstream.units

            np.testing.assert_allclose(units, supply[:, node], rtol=1e-9)


def test_small_branches_are_left_and_their_weight_is_told():
    # 0 -> 2 and 1 -> 2: m = 1 + 0.9 + 0.1; a tenth of it is more than 1 carries.
    A = np.zeros((3, 3))
    A[0, 2], A[1, 2] = 0.9, 0.1
    live = LiveSolution(csr_array(A), np.ones((3, 1)), np.zeros(3, np.uint8), np.zeros(3, np.int64))

    upstream = live.upstream(2, share=0.1)

    assert dict(zip(upstream.nodes.tolist(), upstream.units.tolist(), strict=True)) == {
        2: 1,
        0: 0.9,
    }
    assert upstream.left == pytest.approx(0.1)


def test_a_reader_keeps_what_it_read_while_the_network_changes():
    mirror = Mirror(7)
    live = mirror.live()
    kept = [(first := live.solution(), first.footprints.copy())]
    for _ in range(6):
        live.apply(mirror.changed())
        kept.append((now := live.solution(), now.footprints.copy()))

    for solution, copy in kept:
        np.testing.assert_array_equal(solution.footprints, copy)
    assert live.solution() is kept[-1][0]
    with pytest.raises(ValueError, match="read-only"):
        live.solution().footprints[0] = 0


def test_figures_nobody_keeps_are_changed_in_place_and_others_catch_up():
    mirror = Mirror(8)
    live = mirror.live()
    for turn in range(12):
        kept = live.solution() if turn % 3 else None
        live.apply(mirror.changed())
        check(live, mirror)
        del kept


def test_the_largest_part_of_a_change_is_told_by_weight():
    # 0 brings much of a light column, 1 little of a heavy one.
    A = np.zeros((3, 3))
    A[0, 2] = A[1, 2] = 1.0
    nothing = np.zeros(3, np.uint8), np.zeros(3, np.int64)
    changes = Changes(direct={0: np.array([5.0, 0.0]), 1: np.array([0.0, 1.0])})
    told = [
        LiveSolution(csr_array(A), np.zeros((3, 2)), *nothing, weights=weights).apply(changes)
        for weights in (None, np.array([1.0, 27.0]))
    ]

    assert [reached.via.tolist() for reached in told] == [[-1, -1, 0], [-1, -1, 1]]


def test_a_new_product_that_is_used_at_once_stands_before_its_consumers():
    # 0 -> 1, then 2 -> 0: m0 = 1 + 3 * 4, m1 = 1 + 0.5 * 13.
    A = np.zeros((2, 2))
    A[0, 1] = 0.5
    live = LiveSolution(csr_array(A), np.ones((2, 1)), np.zeros(2, np.uint8), np.zeros(2, np.int64))

    reached = live.apply(
        Changes(1, {0: (np.array([2]), np.array([3.0]))}, {2: np.array([4.0])}, as_of={0: 5, 2: 6})
    )

    assert live.solution().footprints[:, 0].tolist() == [13.0, 7.5, 4.0]
    assert reached.nodes.tolist() == [2, 0, 1]
    assert reached.before[:, 0].tolist() == [0.0, 1.0, 1.5]
    assert live.solution().as_of.tolist() == [6, 6, 6]
    assert live.plan().levels == 3


REFUSED = [
    (Changes(inputs={9: (np.array([0]), np.array([1.0]))}), ProductNumberUnknown),
    (Changes(inputs={0: (np.array([9]), np.array([1.0]))}), ProductNumberUnknown),
    (Changes(inputs={0: (np.array([-1]), np.array([1.0]))}), ProductNumberUnknown),
    (Changes(inputs={0: (np.array([1]), np.array([np.nan]))}), AmountNotFinite),
    (Changes(inputs={0: (np.array([1]), np.array([1.0, 2.0]))}), TableMismatch),
    (Changes(direct={0: np.array([1.0])}), TableMismatch),
    (Changes(direct={0: np.array([1.0, np.inf, 0.0])}), AmountNotFinite),
    (Changes(as_of={-1: 3}), ProductNumberUnknown),
]


@pytest.mark.parametrize(("changes", "condition"), REFUSED)
def test_a_change_that_makes_no_sense_leaves_everything_as_it_was(changes, condition):
    live = LiveSolution(csr_array((3, 3)), np.ones((3, 3)), np.zeros(3), np.zeros(3))
    before = live.solution()

    with pytest.raises(condition):
        live.apply(changes)

    assert live.solution() is before


def test_a_loop_that_cannot_be_computed_ends_the_solution(monkeypatch):
    size = 40
    A = np.zeros((size + 1, size + 1))
    A[np.arange(size), (np.arange(size) + 1) % size] = 0.5
    live = LiveSolution(
        csr_array(A), np.ones((size + 1, 1)), np.zeros(size + 1), np.zeros(size + 1)
    )
    monkeypatch.setattr(blocks, "_ROUNDING", -1.0)
    monkeypatch.setattr(blocks, "_ACCEPTED", -1.0)

    with pytest.raises(LoopUnsolved):
        live.apply(Changes(inputs={3: (np.array([2, size]), np.array([0.5, 0.5]))}))
    with pytest.raises(SolutionInterrupted):
        live.solution()
