"""The verdict on one loop where the quick witnesses are silent, and what happens when all fails."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.linalg import ArpackError

from graph.errors import LoopUnsolved
from graph.solving import blocks
from graph.solving.blocks import Refusal, SparseBlock, close_large, close_small

CREDITED = np.array([[0.9, 0.6], [-0.6, 0.2]])
"""Gain sqrt(0.54), since its eigenvalues are a pair of that size; 1.24 without the sign."""


def two_rings(strong: float, weak: float, link: float, size: int = 30) -> csr_array:
    """Two rings with the given gains that feed each other a little: sweeps settle slowly."""
    B = np.zeros((2 * size, 2 * size))
    around = np.arange(size)
    B[(around + 1) % size, around] = strong
    B[size + (around + 1) % size, size + around] = weak
    B[size, 0] = B[0, size] = link
    return csr_array(B)


def credited(size: int) -> csr_array:
    """A ring with small amounts around ``CREDITED``."""
    B = np.diag(np.full(size - 1, 0.05), 1) + np.diag(np.full(size - 1, 0.05), -1)
    B[:2, :2] = CREDITED
    return csr_array(B)


def test_the_exact_witness_vouches_for_a_loop_that_sweeps_leave_open(monkeypatch):
    units = 10.0 ** np.random.default_rng(4).uniform(-6, 6, 60)
    plain = two_rings(strong=0.999, weak=0.5, link=1e-3)
    B = csr_array(plain.toarray() / units[:, None] * units)
    monkeypatch.setattr(blocks, "_SWEEPS", 2)
    balanced = blocks._rescaled(B, blocks._balance(B))
    lowest, highest = blocks._enclosure(balanced, blocks._witness(balanced))
    assert lowest < 1 < highest

    block = close_large(B)

    assert isinstance(block, SparseBlock)
    answer = block.solve(1 / units[:, None]) * units[:, None]
    assert answer == pytest.approx(np.linalg.solve(np.eye(60) - plain.toarray(), np.ones((60, 1))))


def test_a_witness_that_is_not_positive_proves_nothing():
    assert blocks._enclosure(csr_array(np.abs(CREDITED)), np.array([1.0, -1.0])) == (0, np.inf)


def test_a_loop_that_sweeps_leave_open_is_refused_when_no_witness_exists():
    outcome = close_large(two_rings(strong=1.002, weak=0.2, link=1e-6))

    assert outcome == Refusal(pytest.approx(1.002), "gain")


def test_the_witness_does_not_mind_grams_beside_ships():
    units = 10.0 ** np.random.default_rng(3).uniform(-9, 9, 12)
    B = np.full((1, 12, 12), 0.99 / 12) / units[:, None] * units

    closed = close_small(B)

    assert not closed.refusals
    ones = np.ones(12) / units
    assert closed.inverses[0] @ ones == pytest.approx(100 * ones, rel=1e-12)


def test_a_large_loop_with_credits_is_judged_by_arnoldi_iteration(monkeypatch):
    monkeypatch.setattr(blocks, "_DENSE_SPECTRUM", 10)

    assert isinstance(close_large(credited(40)), SparseBlock)
    assert close_large(csr_array(-1.5 * credited(40))) == Refusal(pytest.approx(1.10, 0.01), "gain")


def test_a_loop_whose_spectrum_stays_unknown_is_refused(monkeypatch):
    def undecided(*_, **__):
        raise ArpackError(-9999)

    monkeypatch.setattr(blocks, "_DENSE_SPECTRUM", 10)
    monkeypatch.setattr(blocks, "eigs", undecided)

    outcome = close_large(credited(40))

    assert isinstance(outcome, Refusal)
    assert outcome.gain > 1


def test_a_loop_that_cannot_be_computed_accurately_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(blocks, "_ROUNDING", -1.0)
    monkeypatch.setattr(blocks, "_ACCEPTED", -1.0)

    small = close_small(CREDITED[None])
    large = close_large(credited(40))

    assert small.refusals == {0: Refusal(pytest.approx(np.sqrt(0.54)), "unsolved")}
    assert isinstance(large, Refusal)
    assert large.reason == "unsolved"


def test_a_certified_loop_is_never_answered_badly(monkeypatch):
    block = close_large(two_rings(strong=0.5, weak=0.5, link=0.1))
    monkeypatch.setattr(blocks, "_ROUNDING", -1.0)
    monkeypatch.setattr(blocks, "_ACCEPTED", -1.0)

    with pytest.raises(LoopUnsolved, match="60 products"):
        block.solve(np.ones((60, 1)))


def test_a_loop_without_an_inverse_is_not_solved():
    with pytest.raises(LoopUnsolved):
        SparseBlock(csr_array([[1.0]]), np.ones(1)).solve(np.ones((1, 1)))
