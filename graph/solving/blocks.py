"""Closing a loop: whether a strongly connected component converges, and its inverse.

A *block* is the square part of the network that belongs to one component, **consumers in rows**:
``B[j, i]`` is the amount of product ``i`` used per declared unit of product ``j``. Closing it
means solving ``(I - B) x = r``, which is finite and unique as the sum ``r + B r + B B r + ...``
exactly when the spectral radius (the *gain*) of ``B`` is below one.

**The certificate.** For any ``w > 0`` the ratios ``(|B| w)_j / w_j`` enclose the gain of ``|B|``
(Collatz 1942, Wielandt 1950), which is never below the gain of ``B``. One positive ``w`` whose
ratios all stay below one therefore proves convergence, however it was found. The best witness is
``w = (I - |B|)^-1 (I - |B|)^-1 1``: the ratio of row ``j`` is then one minus the reciprocal of the
mean number of steps of the paths behind it, so that it does not matter that one product is counted
in grams and the next in ships. Column sums prove nothing, and nor do the gains of single cycles.

A certified block is diagonally dominant after a change of units. Elimination may then take its
pivots from the diagonal, and must: exchanging rows compares kilograms with pieces, and where
magnitudes differ by 1e12 the digits lost are visible in the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, eye_array
from scipy.sparse.linalg import ArpackError, SuperLU, eigs, splu

from graph.errors import LoopUnsolved

FloatArray = NDArray[np.float64]

SMALL = 32
"""Blocks up to this size are inverted densely, all blocks of one size together."""

_ELIMINATED = 2_000
"""Blocks up to this size are always eliminated: their factors fill a few megabytes at most."""

_DENSE_SPECTRUM = 1_000
"""Blocks up to this size have all their eigenvalues computed when the certificate is silent."""

_ALMOST_ONE = 1.0 - 1e-12
"""A gain this close to one cannot be told from one in double precision."""

_SWEEPS = 64
_ROUNDS = 12
_ITERATIONS = 200
_QUICK = 60
_REDUCTION = 1e-10
_ROUNDING = 1e-14
_ACCEPTED = 1e-12


class Refusal(NamedTuple):
    """Why a block has no inverse.

    ``gain`` is a lower bound or an estimate of the spectral radius. ``reason`` is ``"gain"`` when
    it reaches one, ``"unsolved"`` when no method reached the promised residual.
    """

    gain: float
    reason: Literal["gain", "unsolved"]


class ClosedBatch(NamedTuple):
    """Inverses of equally large blocks, ``(count, size, size)``, and those refused, by position.

    The inverse of a refused block has no meaning.
    """

    inverses: FloatArray
    refusals: dict[int, Refusal]


def close_small(amounts: FloatArray) -> ClosedBatch:
    """Invert ``I - B`` for many small dense blocks ``(count, size, size)`` at once."""
    inverses = _inverted(amounts)
    sizes = np.abs(amounts)
    reach = inverses if np.array_equal(sizes, amounts) else _inverted(sizes)
    with np.errstate(all="ignore"):
        witness = (reach @ reach.sum(axis=2)[:, :, None])[:, :, 0]
        highest = _ratios((sizes @ witness[:, :, None])[:, :, 0], witness).max(axis=1)
    refusals = {}
    for position in np.flatnonzero(~(highest < _ALMOST_ONE)):
        outcome = _settle_small(amounts[position])
        if isinstance(outcome, Refusal):
            refusals[int(position)] = outcome
        else:
            inverses[position] = outcome
    return ClosedBatch(inverses, refusals)


def close_large(amounts: csr_array) -> SparseBlock | Refusal:
    """Make a large block solvable, or say why it is not.

    A few damped power sweeps give a positive vector that serves three times: it balances the
    units of the block, its ratios enclose the gain, and most blocks are settled by them. Only
    when they leave the question open is the exact witness computed.
    """
    scale = _balance(abs(amounts))
    balanced = _rescaled(amounts, scale)
    sizes = abs(balanced)
    lowest, highest = _enclosure(sizes, _witness(sizes))
    without_credits = bool((amounts.data >= 0).all())
    if without_credits and lowest >= _ALMOST_ONE:
        return Refusal(lowest, "gain")
    if highest < _ALMOST_ONE or _certified(sizes):
        return SparseBlock(balanced, scale)
    if without_credits:
        return Refusal(_gain(balanced), "gain")
    return _settle_large(balanced, scale)


@dataclass(frozen=True, eq=False)
class SparseBlock:
    """A large convergent block that solves ``(I - B) x = r`` for many right-hand sides at once.

    ``balanced`` is ``D^-1 B D`` with ``D = diag(scale)``; the scale consists of powers of two, so
    that changing units rounds nothing. ``pivoting`` exchanges rows during elimination, which only
    blocks without a certificate need.

    Elimination is exact but fills in: on a loop of 14 000 products with eleven inputs each it can
    take minutes and a gigabyte, where an iteration (BiCGSTAB, van der Vorst 1992) takes a tenth of
    a second. Long thin loops are the other way round. A trial run chooses; either way the answer
    is refined until no row misses by more than rounding, and elimination follows an iteration
    that did not get there.
    """

    balanced: csr_array
    scale: FloatArray
    pivoting: bool = False

    def solve(self, right: FloatArray, *, transposed: bool = False) -> FloatArray:
        """Solve ``(I - B) x = right``, or ``(I - B)' x = right``; shape ``(size, k)`` both.

        Raises
        ------
        LoopUnsolved
            No method brings every row's relative residual to 1e-12.
        """
        scale = (1.0 / self.scale if transposed else self.scale)[:, None]
        return scale * self._solve_balanced(right / scale, transposed)

    def _solve_balanced(self, right: FloatArray, transposed: bool) -> FloatArray:
        amounts = self._transposed if transposed else self.balanced
        answer = None
        if self.iterates:
            answer = _refined(amounts, right, lambda left: _bicgstab(amounts, left, _ITERATIONS)[0])
        if answer is None:
            answer = _refined(amounts, right, lambda left: self._eliminated(left, transposed))
        if answer is None:
            raise LoopUnsolved(products=len(self.scale))
        return answer

    def _eliminated(self, right: FloatArray, transposed: bool) -> FloatArray:
        # The published stubs of SuperLU.solve leave out its second parameter.
        return self._factors.solve(right, "T" if transposed else "N")  # type: ignore[call-overload, no-any-return]

    @cached_property
    def iterates(self) -> bool:
        """Whether an iteration is tried before elimination."""
        size = len(self.scale)
        if self.pivoting or size <= _ELIMINATED:
            return False
        # Rough on purpose: along the dominant vector every iteration looks good.
        probe = np.random.default_rng(0).random((size, 1))
        return _bicgstab(self.balanced, probe, _QUICK)[1]

    @cached_property
    def _transposed(self) -> csr_array:
        return self.balanced.T.tocsr()

    @cached_property
    def _factors(self) -> SuperLU:
        threshold = 1.0 if self.pivoting else 0.0
        system = (eye_array(len(self.scale), format="csr") - self.balanced).tocsc()
        try:
            return splu(system, permc_spec="COLAMD", diag_pivot_thresh=threshold)
        except RuntimeError as singular:
            raise LoopUnsolved(products=len(self.scale)) from singular


def _inverted(amounts: FloatArray) -> FloatArray:
    """Invert ``I - B`` by Gauss-Jordan elimination on the diagonal, for a batch of blocks.

    A vanishing pivot leaves infinities behind, which no certificate survives.
    """
    work = np.eye(amounts.shape[1]) - amounts
    with np.errstate(all="ignore"):
        for pivot in range(amounts.shape[1]):
            reciprocal = 1.0 / work[:, pivot, pivot]
            row = work[:, pivot, :] * reciprocal[:, None]
            column = work[:, :, pivot].copy()
            work -= column[:, :, None] * row[:, None, :]
            work[:, pivot, :] = row
            work[:, :, pivot] = -column * reciprocal[:, None]
            work[:, pivot, pivot] = reciprocal
    return work


def _ratios(grown: FloatArray, witness: FloatArray) -> FloatArray:
    """``grown / witness`` where the witness is positive and finite, infinity elsewhere."""
    with np.errstate(all="ignore"):
        valid = np.isfinite(grown / witness) & (witness > 0)
        return np.where(valid, grown / witness, np.inf)


def _enclosure(sizes: csr_array, witness: FloatArray) -> tuple[float, float]:
    """Collatz-Wielandt bounds of the gain of a non-negative block; ``(0, inf)`` proves nothing."""
    ratios = _ratios(sizes @ witness, witness)
    if not np.isfinite(ratios).all():
        return 0.0, np.inf
    return float(ratios.min()), float(ratios.max())


def _witness(sizes: csr_array) -> FloatArray:
    """A positive vector near the dominant one of a non-negative block; the damping stops cycles."""
    witness = np.ones(sizes.shape[0])
    for _ in range(_SWEEPS):
        witness = witness + sizes @ witness
        witness /= witness.max()
    return witness


def _balance(sizes: csr_array) -> FloatArray:
    """Powers of two near the dominant vector: the units in which a block's rows weigh alike."""
    return np.asarray(np.exp2(np.rint(np.log2(_witness(sizes)))), dtype=np.float64)


def _rescaled(amounts: csr_array, scale: FloatArray) -> csr_array:
    return csr_array(diags_array(1.0 / scale) @ amounts @ diags_array(scale))


def _certified(sizes: csr_array) -> bool:
    """Whether the exact witness of a balanced, non-negative block proves a gain below one."""
    block = SparseBlock(sizes, np.ones(sizes.shape[0]))
    try:
        witness = block.solve(block.solve(np.ones((sizes.shape[0], 1))))[:, 0]
    except LoopUnsolved:
        return False
    return _enclosure(sizes, witness)[1] < _ALMOST_ONE


def _settle_small(amounts: FloatArray) -> FloatArray | Refusal:
    """Decide one small block the certificate is silent about; return its inverse if it has one."""
    block = csr_array(amounts)
    scale = _balance(abs(block))
    balanced = _rescaled(block, scale)
    gain = _gain(balanced)
    if (amounts >= 0).all() or gain >= _ALMOST_ONE:
        return Refusal(gain, "gain")
    inverse = np.linalg.inv(np.eye(len(amounts)) - balanced.toarray())
    unit = np.eye(len(amounts))
    if _backward_error(balanced, unit, inverse) > _ACCEPTED:
        return Refusal(gain, "unsolved")
    return np.asarray(scale[:, None] * inverse / scale, dtype=np.float64)


def _settle_large(balanced: csr_array, scale: FloatArray) -> SparseBlock | Refusal:
    """Decide a large block with credits that its absolute values cannot vouch for."""
    gain = _gain(balanced)
    if gain >= _ALMOST_ONE:
        return Refusal(gain, "gain")
    block = SparseBlock(balanced, scale, pivoting=True)
    try:
        block.solve(scale[:, None])
    except LoopUnsolved:
        return Refusal(gain, "unsolved")
    return block


def _gain(balanced: csr_array) -> float:
    """The spectral radius of a balanced block, or the upper bound of it that could be had."""
    size = balanced.shape[0]
    if size <= _DENSE_SPECTRUM:
        return float(np.abs(np.linalg.eigvals(balanced.toarray())).max())
    try:
        largest = eigs(balanced, k=1, v0=np.ones(size), return_eigenvectors=False)
    except ArpackError:
        return _enclosure(abs(balanced), _witness(abs(balanced)))[1]
    return float(np.abs(largest).max())


def _backward_error(amounts: csr_array, right: FloatArray, answer: FloatArray) -> float:
    """Largest miss of any row of ``x = r + B x``, relative to the terms of that row (Oettli 1964).

    Rows in different units are judged alike, and a row of zeros is met exactly.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        missed = np.abs(right - answer + amounts @ answer)
        terms = np.abs(right) + np.abs(answer) + abs(amounts) @ np.abs(answer)
        ratios = np.divide(missed, terms, out=np.zeros_like(terms), where=terms != 0)
    return float(ratios.max(initial=0.0)) if np.isfinite(ratios).all() else np.inf


def _refined(
    amounts: csr_array, right: FloatArray, step: Callable[[FloatArray], FloatArray]
) -> FloatArray | None:
    """Repeat ``x += step(r - x + B x)`` until every row is met; ``None`` when some row is not."""
    answer = np.zeros_like(right)
    error = _backward_error(amounts, right, answer)
    for _ in range(_ROUNDS):
        if error <= _ROUNDING:
            return answer
        answer += step(right - answer + amounts @ answer)
        error = _backward_error(amounts, right, answer)
    return answer if error <= _ACCEPTED else None


def _bicgstab(amounts: csr_array, right: FloatArray, most: int) -> tuple[FloatArray, bool]:
    """BiCGSTAB on ``(I - B) x = right``, every column with its own coefficients in one sweep.

    Returns the iterate and whether all residuals fell by ten orders. A coefficient whose
    denominator vanishes is taken as zero; the caller starts afresh from the true residual.
    """
    answer = np.zeros_like(right)
    left, direction, shadow = right, right, right
    along = _dots(shadow, left)
    goal = _REDUCTION**2 * _dots(right, right)
    for _ in range(most):
        moved = direction - amounts @ direction
        alpha = _quotients(along, _dots(shadow, moved))
        half = left - alpha * moved
        turned = half - amounts @ half
        omega = _quotients(_dots(turned, half), _dots(turned, turned))
        answer += alpha * direction + omega * half
        left = half - omega * turned
        if (_dots(left, left) <= goal).all():
            return answer, True
        before, along = along, _dots(shadow, left)
        beta = _quotients(along, before) * _quotients(alpha, omega)
        direction = left + beta * (direction - omega * moved)
    return answer, False


def _dots(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("ij,ij->j", one, other), dtype=np.float64)


def _quotients(above: FloatArray, below: FloatArray) -> FloatArray:
    """``above / below``, and zero where that is no number."""
    with np.errstate(all="ignore"):
        quotients = above / below
    return np.where(np.isfinite(quotients), quotients, 0.0)
