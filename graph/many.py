"""What many boundaries draw from outside themselves, in one pass over the network for dozens.

A boundary's upstream emissions are ``m*' z``: what it buys, times outside footprints in which its
own products count zero (``graph.boundary``). One boundary takes one pass with its products held.
For many, each gets a column: the rows of its products are zero in its column only, and a loop with
a member inside is closed without that member in this column only.

Columns come in panels, so that the table stays small and a row of it is read in one go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from graph.blocks import SMALL, close_small
from graph.errors import TableMismatch
from graph.solve import Plan

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

PANEL = 48
"""Boundaries in one pass: a row of the table is then a few cache lines."""


def upstream_of_each(
    plan: Plan, direct: FloatArray, boundaries: Sequence[IntArray], inflows: csc_array
) -> FloatArray:
    """``m*_b' z_b`` for every boundary ``b``, with ``m*_b = e_O' (I - A_OO)^-1``.

    Parameters
    ----------
    direct:
        Shape ``(n,)``: one quantity that arises at each product, per declared unit.
    boundaries:
        For each boundary, the products inside it.
    inflows:
        Shape ``(n, b)``: declared units of each product that cross into each boundary.

    Returns
    -------
    Shape ``(b,)``. Refused loops count nothing, as in ``Plan.footprints``. Boundaries that hold
    members of a refused loop, of one with credits or of a large one take a pass of their own.

    Raises
    ------
    TableMismatch, AmountNotFinite
        The shapes do not fit, or ``direct`` is not finite.
    """
    if inflows.shape != (plan.products, len(boundaries)):
        raise TableMismatch(what="inflows", products=plan.products, shape=inflows.shape)
    total = np.zeros(len(boundaries))
    rows = [np.unique(plan.layout.rank[np.asarray(inside, np.int64)]) for inside in boundaries]
    alone = [at for at, held in enumerate(rows) if _is_intricate(plan, held)]
    together = np.setdiff1d(np.arange(len(boundaries)), alone)
    for at in alone:
        held = np.zeros(plan.products, dtype=np.bool_)
        held[boundaries[at]] = True
        footprints = plan.footprints(direct[:, None], held=held)
        total[at] = _carried(footprints, inflows[:, [at]])[0]
    for start in range(0, len(together), PANEL):
        panel = together[start : start + PANEL]
        footprints = _panel(plan, direct, [rows[at] for at in panel.tolist()])
        total[panel] = _carried(footprints, inflows[:, panel])
    return total


def _carried(footprints: FloatArray, inflows: csc_array) -> FloatArray:
    """``sum(footprints * inflows)`` by column, or by the only column of footprints."""
    entries = inflows.tocoo()
    column = np.minimum(entries.col, footprints.shape[1] - 1)
    carried = np.nan_to_num(footprints[entries.row, column]) * entries.data
    return np.bincount(entries.col, carried, minlength=inflows.shape[1]).astype(np.float64)


def _is_intricate(plan: Plan, held: IntArray) -> bool:
    """Whether what is left of the loops of a boundary must be judged anew, or is large."""
    first = plan.layout.first[held[plan.layout.looped[held]]]
    if (plan.layout.sizes[first] > SMALL).any() or plan.whole.refused[first].any():
        return True
    return bool((plan.within[plan.layout.members(np.unique(first))].data < 0).any())


@dataclass(frozen=True)
class _Opened:
    """Loops with members inside a boundary: for each its column, first row and new inverse."""

    column: IntArray
    first: IntArray
    size: IntArray
    inverses: list[FloatArray]

    @classmethod
    def of(cls, plan: Plan, held: Sequence[IntArray]) -> _Opened:
        layout = plan.layout
        pairs = [np.unique(layout.first[rows[layout.looped[rows]]]) for rows in held]
        column = np.repeat(np.arange(len(held)), [len(each) for each in pairs])
        first = np.concatenate([np.zeros(0, dtype=np.int64), *pairs])
        order = np.argsort(first, kind="stable")
        column, first = column[order], first[order]
        size = layout.sizes[first]
        inverses: list[FloatArray] = [np.zeros((0, 0))] * len(first)
        for each in np.unique(size).tolist():
            mine = np.flatnonzero(size == each)
            blocks = _without(plan, first[mine], each, [held[at] for at in column[mine].tolist()])
            for at, inverse in zip(mine.tolist(), close_small(blocks).inverses, strict=True):
                inverses[at] = inverse
        return cls(column, first, size, inverses)

    def between(self, start: int, stop: int) -> range:
        low, high = np.searchsorted(self.first, [start, stop])
        return range(int(low), int(high))


def _without(plan: Plan, first: IntArray, size: int, held: Sequence[IntArray]) -> FloatArray:
    """The blocks of loops as dense arrays, the held members neither using nor feeding anything."""
    members = plan.layout.members(first)
    entries = plan.within[members].tocoo()
    at, row = np.divmod(entries.row, size)
    blocks = np.zeros((len(first), size, size))
    blocks[at, row, entries.col - first[at]] = entries.data
    for block, start, rows in zip(blocks, first.tolist(), held, strict=True):
        inside = rows[(rows >= start) & (rows < start + size)] - start
        block[inside, :] = block[:, inside] = 0.0
    return blocks


def _panel(plan: Plan, direct: FloatArray, held: Sequence[IntArray]) -> FloatArray:
    """Outside footprints of some boundaries, one column each."""
    opened = _Opened.of(plan, held)
    own = np.where(plan.refused_mask, 0.0, direct)[plan.layout.order]
    table = np.repeat(own[:, None], len(held), axis=1)
    row = np.concatenate([np.zeros(0, dtype=np.int64), *held])
    column = np.repeat(np.arange(len(held)), [len(rows) for rows in held])
    order = np.argsort(row, kind="stable")
    row, column = row[order], column[order]
    table[row, column] = 0.0
    for level in plan.forward:
        parted = opened.between(level.start, level.stop)
        level.draw(table)
        kept = [
            table[opened.first[at] : opened.first[at] + opened.size[at], opened.column[at]].copy()
            for at in parted
        ]
        level.close(table, plan.whole)
        for at, right in zip(parted, kept, strict=True):
            rows = slice(opened.first[at], opened.first[at] + opened.size[at])
            table[rows, opened.column[at]] = opened.inverses[at] @ right
        low, high = np.searchsorted(row, [level.start, level.stop])
        table[row[low:high], column[low:high]] = 0.0
    return table[plan.layout.rank]
