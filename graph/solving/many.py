"""What many boundaries draw from outside themselves, in one pass over the network for dozens.

A boundary's upstream emissions are ``m*' z``: what it buys, times outside footprints in which its
own products count zero (``graph.figures.boundary``). One boundary takes one pass with its products
held. For many, each gets a column: the rows of its products are zero in its column only, and a loop
with a member inside is closed without that member in this column only.

Columns come in panels, so that the table stays small and a row of it is read in one go.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from graph.errors import TableMismatch
from graph.solving.blocks import SMALL, close_small
from graph.solving.solve import Plan, ranges, refuse_infinities

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

PANEL = 16
"""Boundaries in one pass: a row of the table is then two cache lines."""

_AT_ONCE = min(4, os.cpu_count() or 1)
"""Panels under way at the same time; each has a table of its own."""

_NONE = np.zeros(0, dtype=np.int64)


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
    if not together.size:
        return total
    panels, by_row = _Panels(plan, direct), csc_array(inflows[plan.layout.order])

    def draw(panel: IntArray) -> None:
        crossing = by_row[:, panel]
        drawn = np.zeros(plan.products, dtype=np.bool_)
        drawn[crossing.indices] = True
        footprints = panels.footprints([rows[at] for at in panel.tolist()], drawn)
        total[panel] = _carried(footprints, crossing)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(draw, np.split(together, range(PANEL, len(together), PANEL))))
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
    """Loops with members inside a boundary: first row, column and place of their new inverse."""

    entries: IntArray
    inverses: FloatArray

    @classmethod
    def of(cls, plan: Plan, held: Sequence[IntArray]) -> _Opened:
        layout = plan.layout
        pairs = [np.unique(layout.first[rows[layout.looped[rows]]]) for rows in held]
        column = np.repeat(np.arange(len(held)), [len(each) for each in pairs])
        first = np.concatenate([np.zeros(0, dtype=np.int64), *pairs])
        size = layout.sizes[first]
        place = np.cumsum(size**2) - size**2
        inverses = np.zeros(int((size**2).sum()))
        for each in np.unique(size).tolist():
            mine = np.flatnonzero(size == each)
            blocks = _without(plan, first[mine], each, [held[at] for at in column[mine].tolist()])
            places = ranges(place[mine], np.full(len(mine), each**2))
            inverses[places] = close_small(blocks).inverses.ravel()
        entries = np.column_stack([first, column, place])
        return cls(entries[np.argsort(first, kind="stable")], inverses)


def _without(plan: Plan, first: IntArray, size: int, held: Sequence[IntArray]) -> FloatArray:
    """The blocks of loops as dense arrays, the held members neither using nor feeding anything."""
    members = plan.layout.members(first)
    entries = plan.within[members].tocoo()
    at, row = np.divmod(entries.row, size)
    blocks = np.zeros((len(first), size, size))
    blocks[at, row, entries.col - first[at]] = entries.data
    for block, start, rows in zip(blocks, first.tolist(), held, strict=True):
        low, high = np.searchsorted(rows, [start, start + size])
        inside = rows[low:high] - start
        block[inside, :] = block[:, inside] = 0.0
    return blocks


class _Panels:
    """The arrays of a plan as compiled passes read them, products by their rows."""

    def __init__(self, plan: Plan, direct: FloatArray) -> None:
        from graph.solving import kernels

        self.plan = plan
        layout, closed, inputs = plan.layout, plan.whole, plan.by_consumer
        own = np.where(plan.refused_mask, 0.0, direct)
        refuse_infinities(own, "direct emissions")
        self.own = own[layout.order]
        starts = layout.loops()
        sizes = layout.sizes[starts]
        self.blocks = {placed.start: placed.block for placed in closed.blocks}
        kind = np.where(sizes > SMALL, kernels.LARGE_LOOP, kernels.SMALL_LOOP)
        kind[closed.refused[starts]] = kernels.REFUSED_LOOP
        loop = np.full(plan.products, -1, dtype=np.int32)
        loop[layout.members(starts)] = np.repeat(np.arange(len(starts)), sizes)
        self.largest = int(sizes.max(initial=1))
        self.order = np.unique(layout.first).astype(np.uint32)
        pointers = inputs.indptr.astype(np.int64)
        self.net = kernels.Net(
            in_start=pointers[:-1],
            in_count=np.diff(pointers),
            suppliers=inputs.indices.astype(np.uint32),
            amounts=inputs.data,
            out_start=_NONE,
            out_count=_NONE,
            consumers=_NONE.astype(np.uint32),
            key=_NONE,
            head=layout.first.astype(np.uint32),
            loop=loop,
            loop_start=np.cumsum(sizes) - sizes,
            loop_size=sizes,
            loop_inverse=closed.inverse.indptr[starts].astype(np.int64),
            loop_kind=kind,
            members=layout.members(starts).astype(np.uint32),
            inverses=closed.inverse.data,
        )

    def footprints(self, held: Sequence[IntArray], drawn: BoolArray) -> FloatArray:
        """Outside footprints of some boundaries, one column each, of the rows ``drawn`` on.

        Rows as in the plan. Only what lies upstream of these is computed.
        """
        from graph.solving import kernels

        opened = _Opened.of(self.plan, held)
        row = np.concatenate([np.zeros(0, dtype=np.int64), *held])
        cells = np.column_stack([row, np.repeat(np.arange(len(held)), [len(r) for r in held])])
        cells = cells[np.argsort(row, kind="stable")]
        values = np.repeat(self.own[:, None], len(held), axis=1)
        values[cells[:, 0], cells[:, 1]] = 0.0
        marks = _NONE.astype(np.uint8)
        table = kernels.Table(values, _NONE, marks, values, _NONE, marks)
        needed = drawn.astype(np.uint8)
        kernels.need_suppliers(self.net, self.order, needed)
        wave = kernels.Wave.blank(0, self.largest, np.zeros(len(held)))._replace(flags=needed)
        rest = cells, opened.entries, opened.inverses
        at = kernels.sweep_columns(self.net, table, wave, self.order, 0, *rest)
        while at < len(self.order):
            head = int(self.order[at])
            size = int(self.net.loop_size[self.net.loop[head]])
            values[head : head + size] = self.blocks[head].solve(wave.right[:size].copy())
            at = kernels.sweep_columns(self.net, table, wave, self.order, at + 1, *rest)
        return values
