"""Every loop of a network, with its gain, and how much of a figure passes through it.

A loop is a strongly connected component of more than one product, or a product that takes in some
of itself. Its **gain** is the spectral radius of the amounts inside it: how much of itself it uses
up per turn, all its paths together. Below one it has a footprint; ``graph.solving.solve`` refuses
it otherwise.

For amounts ``B`` inside a loop, consumers in rows, and any ``w > 0`` the ratios ``(|B| w)_j / w_j``
enclose the gain of ``|B|`` (Collatz 1942, Wielandt 1950). Without credits that is the gain itself;
with credits it is an upper bound of it, and the lower bound is nothing more than zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from graph.reading.network import Floats, Ints
from graph.solving.solve import Plan
from graph.solving.solved import Solved
from graph.tracing.explain import Kg, Trace

_SWEEPS = 200
_SOLVES = 12
_TIGHT = 1e-9
"""How near to each other bounds need not be brought any further."""


@dataclass(frozen=True)
class Loop:
    """``nodes`` in ascending order, and what encloses their gain: ``lowest <= gain <= highest``.

    ``gain`` is the estimate between them. ``refused``: it has no footprint.
    """

    nodes: Ints
    gain: float
    lowest: float
    highest: float
    refused: bool


def loops_of(solved: Solved) -> tuple[Loop, ...]:
    """Every loop, the largest gain first."""
    used = solved.network.by_consumer.T.tocsr()
    labels, members = _components(used)
    if not members.size:
        return ()
    within = _within(used, labels, members)
    of_loop = np.unique(labels[members], return_inverse=True)[1]
    refused = solved.plan.refused_mask[members]
    ratios = _Ratios(within, of_loop)
    ratios.tighten(refused)
    order = np.argsort(of_loop, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(of_loop[order])) + 1)
    loops = (ratios.loop(k, members[at], bool(refused[at[0]])) for k, at in enumerate(groups))
    return tuple(sorted(loops, key=lambda loop: (-loop.gain, int(loop.nodes[0]))))


def through(trace: Trace, loop: Loop) -> Kg:
    """kg CO2e of the figure that came over any path through the loop.

    Entering it for the first time, a unit of *i* brings all of its footprint with it. What enters
    *i* is what is made of it less what the loop itself draws, ``v_i − Σ_{j in loop} A_ij v_j``:
    nothing that has left a strongly connected component comes back to it.
    """
    at = np.searchsorted(trace.nodes, loop.nodes)
    at = at[at < len(trace.nodes)]
    at = at[np.isin(trace.nodes[at], loop.nodes)]
    inside = trace.links[:, at][at] @ trace.units[at]
    entering = trace.units[at] - inside
    known, filled = trace.gate
    return Kg(float(known[at] @ entering), float(filled[at] @ entering))


def _components(used: sparse.csr_array) -> tuple[Ints, Ints]:
    """The component of every node, and the nodes that are in a loop."""
    _, labels = connected_components(used, connection="strong")
    large = np.bincount(labels)[labels] > 1
    return labels.astype(np.int64), np.flatnonzero(large | (used.diagonal() != 0)).astype(np.int64)


def _within(used: sparse.csr_array, labels: Ints, members: Ints) -> sparse.csr_array:
    """The sizes of the amounts inside loops, consumers in rows, over ``members``."""
    block = used[members][:, members].tocoo()
    inside = labels[members[block.row]] == labels[members[block.col]]
    at = (block.row[inside], block.col[inside])
    return sparse.csr_array((block.data[inside], at), shape=block.shape)


class _Ratios:
    """A positive witness for all loops at once, and the bounds it gives."""

    def __init__(self, within: sparse.csr_array, of_loop: Ints) -> None:
        self.sizes, self.of_loop = abs(within), of_loop
        self.count = int(of_loop.max()) + 1
        self.has_credits = np.zeros(self.count, dtype=bool)
        entries = within.tocoo()
        self.has_credits[of_loop[entries.row[entries.data < 0]]] = True
        self.witness: Floats = np.ones(len(of_loop))
        self.lowest, self.highest = np.zeros(self.count), np.full(self.count, np.inf)

    def tighten(self, refused: np.ndarray) -> None:
        """Improve the witness by ``w ← (I − |B|)⁻¹ w`` where that converges, which it does the
        faster the nearer the gain is to one; by damped power steps elsewhere."""
        plan = Plan.of(sparse.csr_array(self.sizes.T))
        solvable = ~plan.refused_mask & ~refused
        for _ in range(_SOLVES):
            grown = np.nan_to_num(plan.footprints(self.witness[:, None]))[:, 0]
            self._take(np.where(solvable, grown, self.witness))
        for _ in range(_SWEEPS):
            if self._is_tight:
                return
            self._take(np.where(solvable, self.witness, self.witness + self.sizes @ self.witness))

    def loop(self, k: int, nodes: Ints, refused: bool) -> Loop:
        lowest, highest = float(self.lowest[k]), float(self.highest[k])
        estimate = (lowest + highest) / 2
        return Loop(nodes, estimate, 0.0 if self.has_credits[k] else lowest, highest, refused)

    @property
    def _is_tight(self) -> bool:
        return bool((self.highest - self.lowest <= _TIGHT * self.highest).all())

    def _take(self, witness: Floats) -> None:
        """Keep each loop's bounds where the new witness gives better ones."""
        top = np.zeros(self.count)
        np.maximum.at(top, self.of_loop, witness)
        self.witness = witness / top[self.of_loop]
        # A witness that underflows is zero there: that bounds nothing from above.
        nothing, positive = np.full(len(witness), np.inf), self.witness > 0
        ratios = np.divide(self.sizes @ self.witness, self.witness, out=nothing, where=positive)
        lowest, highest = np.full(self.count, np.inf), np.zeros(self.count)
        np.minimum.at(lowest, self.of_loop, ratios)
        np.maximum.at(highest, self.of_loop, ratios)
        self.lowest = np.maximum(self.lowest, lowest)
        self.highest = np.minimum(self.highest, highest)
