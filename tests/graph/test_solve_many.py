"""A thousand parks at once get what each of them gets alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array, csr_array

from graph.errors import TableMismatch
from graph.solving import many
from graph.solving.many import upstream_of_each
from graph.solving.solve import Plan


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1]))
def test_many_boundaries_together_draw_what_each_draws_alone(seed, credits):
    random = np.random.default_rng(seed)
    n, b = int(random.integers(1, 80)), int(random.integers(1, 9))
    A = random.random((n, n)) * (random.random((n, n)) < random.choice([0.5, 1.2, 2.5]) / n)
    A *= random.choice([0.9, 1.3]) * random.random(n) / np.maximum(A.sum(axis=0), 1e-9)
    A[random.random((n, n)) < credits] *= -1
    direct, plan = random.random(n), Plan.of(csr_array(A))
    boundaries = [np.flatnonzero(random.random(n) < random.choice([0, 0.1, 0.5])) for _ in range(b)]
    inflows = random.random((n, b)) * (random.random((n, b)) < 0.3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(many, "PANEL", 3)
        together = upstream_of_each(plan, direct, boundaries, csc_array(inflows))

    for inside, inflow, upstream in zip(boundaries, inflows.T, together, strict=True):
        held = np.isin(np.arange(n), inside)
        alone = np.nan_to_num(plan.footprints(direct[:, None], held=held)[:, 0])
        assert upstream == pytest.approx(alone @ inflow, rel=1e-11)


def test_what_leaves_a_park_and_returns_is_not_drawn_from_outside():
    # 0 -> 1 -> 2, the park owns 0 and 2: of the 10 units of 1 that it buys only the own
    # emissions of 1 count, 3 each; a park that owns 2 alone draws 3 + 2 * 5 each.
    A = np.zeros((3, 3))
    A[0, 1], A[1, 2] = 2.0, 10.0
    inflows = csc_array(np.array([[0, 0], [10.0, 10.0], [0, 0]]))
    boundaries = [np.array([0, 2]), np.array([2])]

    drawn = upstream_of_each(Plan.of(csr_array(A)), np.array([5.0, 3.0, 1.0]), boundaries, inflows)

    assert drawn.tolist() == [30.0, 130.0]


def test_every_boundary_needs_its_inflow():
    with pytest.raises(TableMismatch):
        upstream_of_each(Plan.of(csr_array((2, 2))), np.ones(2), [], csc_array((2, 1)))
