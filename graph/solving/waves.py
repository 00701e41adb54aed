"""Driving the compiled passes: a first sweep, then waves of change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graph.solving import kernels
from graph.solving.wiring import Wiring, capacity_for

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
NodeArray = NDArray[np.uint32]

_WIDE = 48
"""A wave that has summed one row in so many goes on as a sweep."""

_BROAD = 16
"""Rows whose marks may be raised out of order, as a multiple of those."""

_FEW = 1_000
"""Rows that a wave may sum before that is considered."""


@dataclass(frozen=True)
class Trace:
    """What a wave left behind: moved rows in the order of supply, and rows with other marks."""

    nodes: IntArray
    before: FloatArray
    after: FloatArray
    via: IntArray
    marked: IntArray


class Waves:
    """Working memory and the steps that are not compiled: large loops and the choice of pass."""

    def __init__(self, wiring: Wiring, weights: FloatArray) -> None:
        self._wiring = wiring
        self._weights = weights
        self._nowhere = np.zeros(0, dtype=np.uint32)
        self.memory = kernels.Wave.blank(capacity_for(wiring.n), wiring.largest, weights)

    def fit(self) -> None:
        """Make the memory large enough for all products and loops."""
        if len(self.memory.flags) < self._wiring.n:
            capacity = capacity_for(self._wiring.n)
            self.memory = kernels.Wave.blank(capacity, self._wiring.largest, self._weights)
        if len(self.memory.fresh) < self._wiring.largest:
            shape = (self._wiring.largest, len(self._weights))
            self.memory = self.memory._replace(right=np.zeros(shape), fresh=np.zeros(shape))

    def solve(self, table: kernels.Table) -> None:
        """Compute every row and all marks."""
        net, order = self._wiring.net(), self._wiring.order()
        at = kernels.sweep(net, table, self.memory, order, 0)
        while at < len(order):
            size = self._solve_outside(int(order[at]))
            start = net.loop_start[net.loop[order[at]]]
            table.values[net.members[start : start + size]] = self.memory.fresh[:size]
            at = kernels.sweep(net, table, self.memory, order, at + 1)

    def run(self, table: kernels.Table, began: NodeArray, due: NodeArray) -> Trace:
        """Bring the table up to date where a change at ``began`` and in ``due`` rows reaches."""
        most = max(_FEW, self._wiring.n // _WIDE)
        self._begin(began, due)
        self.memory.counts[kernels.BROAD] = _BROAD * most
        if self._advance(table, self._nowhere, -1, most) == kernels.WIDE:
            self._advance(table, self._wiring.order(), 0, most)
        return self._read(table, began)

    def _begin(self, began: NodeArray, due: NodeArray) -> None:
        """Put the first components into the heap: in order, which is a heap."""
        memory, net = self.memory, self._wiring.net()
        heads = np.unique(net.head[np.concatenate([began, due])])
        heads = heads[np.argsort(net.key[heads], kind="stable")]
        memory.flags[heads] = kernels.VALUE | kernels.MARKS
        memory.flags[began] |= kernels.SEED
        memory.heap[: len(heads)], memory.heap_key[: len(heads)] = heads, net.key[heads]
        memory.counts[:] = 0
        memory.counts[kernels.HEAP] = len(heads)

    def _advance(self, table: kernels.Table, order: NodeArray, at: int, most: int) -> int:
        net = self._wiring.net()
        state, head, at = kernels.advance(net, table, self.memory, order, at, most, -1)
        while state == kernels.OUTSIDE:
            self._solve_outside(head)
            state, head, at = kernels.advance(net, table, self.memory, order, at, most, head)
        return state

    def _values_before(self, count: int) -> FloatArray:
        """What the moved rows were; many are handed over, for copying takes as long as solving."""
        rows = self.memory.before[:count]
        if count < self._wiring.n // 4:
            return rows.copy()
        self.memory = self.memory._replace(before=np.zeros_like(self.memory.before))
        return rows

    def upstream(
        self, table: kernels.Table, node: int, share: float
    ) -> tuple[IntArray, FloatArray, float]:
        """What is made upstream for a unit of a product: products, units, and the weight left."""
        net, memory = self._wiring.net(), self.memory
        head = int(net.head[node])
        memory.moved[node], memory.flags[head] = 1.0, kernels.VALUE
        memory.heap[0], memory.heap_key[0] = head, 0
        memory.counts[:] = 0
        memory.counts[kernels.HEAP] = 1
        floor = share * float(self._weights @ np.abs(np.nan_to_num(table.values[node])))
        loop, left = kernels.descend(net, table, memory, floor, -1)
        while loop >= 0:
            self._solve_outside(loop, transposed=True)
            loop, more = kernels.descend(net, table, memory, floor, loop)
            left += more
        reached = memory.reached[: memory.counts[kernels.REACHED]].astype(np.int64)
        units = memory.before[: len(reached), 0].copy()
        memory.moved[reached] = 0.0
        return reached[units != 0], units[units != 0], left

    def _solve_outside(self, head: int, *, transposed: bool = False) -> int:
        """Solve a large loop whose right sides are ready; its size."""
        slot = int(self._wiring.loop.values[head])
        size = int(self._wiring.loop_size.values[slot])
        right = self.memory.right[:size].copy()
        self.memory.fresh[:size] = self._wiring.blocks[slot].solve(right, transposed=transposed)
        return size

    def _read(self, table: kernels.Table, began: NodeArray) -> Trace:
        """Take down the trace and leave the memory as it was found."""
        memory = self.memory
        reached = memory.reached[: memory.counts[kernels.REACHED]].astype(np.int64)
        noted = memory.noted[: memory.counts[kernels.NOTES]].astype(np.int64)
        other = table.as_of[noted] != memory.noted_as_of[: len(noted)]
        other |= table.marks[noted] != memory.noted_marks[: len(noted)]
        for touched in (reached, noted, began):
            memory.flags[touched] = 0
        memory.moved[reached] = 0.0
        return Trace(
            nodes=reached,
            before=self._values_before(len(reached)),
            after=table.values[reached],
            via=memory.via[reached].astype(np.int64),
            marked=noted[other],
        )
