"""A network that changes, and its answer: only what a change reaches is computed again.

A change gives some products new inputs, emissions, gaps or entries. What it moves lies downstream
of them. A **wave** visits these products in the order of supply and sums each once, from values
that are final by then; it goes on only where a value moved, in any of its bits. Marks (the last
entry that had a say, gaps upstream) travel with it. A wave that grows beyond a few per cent of the
network leaves its heap and becomes a sweep over all products that skips those not due, which costs
less than solving anew.

The order of supply is a key per component, larger than the keys of all that supply it. A new input
whose supplier has the larger key either closes a loop, found by searching from the consumer, or
has the consumer and what draws on it lifted above (Pearce and Kelly 2006, J. Exp. Algorithmics 11,
article 1.7, with keys that leave room). Loops that gained, lost or changed an input of their own
are taken apart and closed again by themselves, through the same code that plans a whole network.

**The figures do not depend on the path.** A row is the same sum in the same order whether a wave or
a sweep computed it, and a loop's inverse depends on its block only. So ``LiveSolution`` holds, bit
for bit, what it would hold had it been made from the network as it is now.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graph.errors import ProductNumberUnknown, SolutionInterrupted, TableMismatch
from graph.solving.solve import Layout, Plan, checked, refuse_infinities

if TYPE_CHECKING:
    from graph.solving.kernels import Table

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
NodeArray = NDArray[np.uint32]
ByteArray = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]
Value = TypeVar("Value", bound=np.generic)

GAP, OPEN = 1, 2
"""Marks: something upstream is missing; something upstream is missing and has no estimate."""

_KEPT = 2
"""Copies of the answer that are kept up to date; a reader of a third reads on undisturbed."""


@dataclass(frozen=True)
class Changes:
    """What becomes different, by product number; whatever is not named stays as it is.

    ``appended`` products come first and get the next numbers; until the rest of the change says
    otherwise they use and emit nothing. Nothing is ever removed: a product that is withdrawn gets
    empty inputs and no emissions.
    """

    appended: int = 0
    inputs: Mapping[int, tuple[IntArray, FloatArray]] = field(default_factory=dict)
    """Consumer -> all its suppliers and the amounts, in declared units per declared unit of it."""
    direct: Mapping[int, FloatArray] = field(default_factory=dict)
    """Product -> ``(k,)``: what arises at the product itself, per declared unit."""
    marks: Mapping[int, int] = field(default_factory=dict)
    """Product -> its own marks: ``GAP``, ``OPEN``, both or any other bits of a byte."""
    as_of: Mapping[int, int] = field(default_factory=dict)
    """Product -> the last entry that had a say in its own inputs and emissions."""

    @property
    def named(self) -> list[int]:
        """All products that are named, ascending."""
        return sorted({*self.inputs, *self.direct, *self.marks, *self.as_of})


@dataclass(frozen=True)
class Reached:
    """What a change moved, for ``m`` products in the order of supply."""

    nodes: IntArray
    """Shape ``(m,)``: products whose footprint moved, in any bit of any column."""
    before: FloatArray
    """Shape ``(m, k)``; NaN where a refused loop was, zero for appended products."""
    after: FloatArray
    """Shape ``(m, k)``."""
    via: IntArray
    """Shape ``(m,)``: the supplier through which the largest part of the change came, columns
    weighted; -1 where it began. Following it ends at a product that the change names. Inside a
    loop it is the neighbour on a shortest way from where the change entered the loop."""
    marked: IntArray
    """Products whose ``as_of`` or marks are different now, in no order."""


@dataclass(frozen=True)
class Solution:
    """The answer at one moment, read-only. **Keep this object as long as you read its arrays**:
    while it lives they do not change, afterwards they may."""

    footprints: FloatArray
    """Shape ``(n, k)``, as ``Plan.footprints``: NaN in refused loops."""
    marks: ByteArray
    """Shape ``(n,)``: own marks and those of everything upstream; all bits for a refused loop."""
    as_of: IntArray
    """Shape ``(n,)``: the last entry that had a say in the product or anything upstream of it."""

    @cached_property
    def incomplete(self) -> BoolArray:
        """Shape ``(n,)``: downstream of a ``GAP`` or of a refused loop."""
        return (self.marks & GAP).astype(np.bool_)

    @cached_property
    def open_ended(self) -> BoolArray:
        """Shape ``(n,)``: downstream of what is ``OPEN`` or of a refused loop."""
        return (self.marks & OPEN).astype(np.bool_)


@dataclass(frozen=True)
class Upstream:
    """What is made upstream of a product for one declared unit of it.

    ``units[i]`` declared units of ``nodes[i]``, consumers before their suppliers; times its direct
    emissions, what it contributes. ``left`` is the weight (columns weighted) of what was not
    followed: no product that is missing contributes more.
    """

    nodes: IntArray
    units: FloatArray
    left: float


class LiveSolution:
    """The arrays of a network that changes, and its answer, kept right.

    One thread at a time changes; any number read. ``solution`` is whole at any moment: a change
    works on a second copy of the answer while somebody keeps the first.
    """

    def __init__(
        self,
        A: csr_array,
        direct: FloatArray,
        marks: ByteArray,
        as_of: IntArray,
        *,
        weights: FloatArray | None = None,
    ) -> None:
        """Plan and solve a network.

        Parameters
        ----------
        A:
            ``(n, n)``, suppliers in rows: units of *i* per declared unit of *j*.
        direct:
            ``(n, k)`` with at least one column, per declared unit.
        marks, as_of:
            ``(n,)``: own marks (bits of a byte) and the last entry about the product itself.
        weights:
            ``(k,)``: what a unit of each column counts when ``Reached.via`` compares the parts of
            a change, such as GWPs; by default all count alike.

        Raises
        ------
        NetworkNotSquare, AmountNotFinite, TableMismatch
            The arrays are no network.
        LoopUnsolved
            A large loop could not be computed accurately.
        """
        # The compiler is loaded by whoever follows changes, and by nobody else.
        from graph.solving.waves import Waves
        from graph.solving.wiring import Growing, Wiring

        used = checked(A)
        direct = _table(direct, used.shape[0])
        self._lock = threading.RLock()
        self._wiring = Wiring(used, Layout.of(used))
        counted = np.ones(direct.shape[1]) if weights is None else np.asarray(weights, dtype=float)
        self._waves = Waves(self._wiring, counted)
        self._direct = Growing(direct)
        self._own_as_of = Growing(np.asarray(as_of, dtype=np.int64))
        self._own_marks = Growing(np.asarray(marks, dtype=np.uint8))
        self._sheets = [_Sheet.blank(*direct.shape)]
        self._whole = False
        self._plan: Plan | None = None
        self._waves.solve(self._table(self._sheets[0]))
        self._whole = True

    @property
    def products(self) -> int:
        """Number of products ``n``."""
        return self._wiring.n

    def solution(self) -> Solution:
        """The answer as it is now. Waits for a change that is under way.

        Raises ``SolutionInterrupted`` when a change failed: make the solution anew.
        """
        with self._lock:
            self._refuse_if_interrupted()
            return self._sheets[0].read(self.products)

    def apply(self, changes: Changes) -> Reached:
        """Change the network and bring the answer up to date.

        The figures afterwards are those of the changed network to the last bit, whatever came
        before. A change that is refused for what it says leaves everything as it was.

        Raises
        ------
        ProductNumberUnknown, AmountNotFinite, TableMismatch
            The change is about products that do not exist, or its numbers are none.
        LoopUnsolved
            A large loop could not be computed accurately. The solution is lost.
        SolutionInterrupted
            That happened before.
        """
        with self._lock:
            self._refuse_if_interrupted()
            inputs = self._understood(changes)
            self._whole, self._plan = False, None
            reached = self._applied(changes, inputs)
            self._whole = True
            return reached

    def solve_anew(self) -> None:
        """Compute every figure again, in place: what a change would cost without waves."""
        with self._lock:
            self._refuse_if_interrupted()
            self._waves.solve(self._table(self._free_sheet()))

    def upstream(self, node: int, *, share: float = 1e-6) -> Upstream:
        """Where the footprint of a product comes from: the adjoint over its upstream cone.

        Branches that carry less than ``share`` of the footprint are not followed, so that the work
        depends on how concentrated a footprint is and not on the size of the cone. With zero
        everything is followed. Raises ``ProductNumberUnknown`` and ``SolutionInterrupted``.
        """
        with self._lock:
            self._refuse_if_interrupted()
            _refuse_strangers([node], self.products)
            return Upstream(*self._waves.upstream(self._table(self._sheets[0]), node, share))

    def amounts(self) -> csr_array:
        """``A`` as it is now, ``(n, n)``, suppliers in rows; costs as much as reading it."""
        with self._lock:
            return self._wiring.amounts()

    def direct(self) -> FloatArray:
        """A copy of what arises at each product itself, ``(n, k)``."""
        with self._lock:
            return self._direct.values[: self.products].copy()

    def plan(self) -> Plan:
        """The plan of the network as it is now, made when first asked for after a change."""
        with self._lock:
            if self._plan is None:
                self._plan = Plan.of(self._wiring.amounts())
            return self._plan

    # -- inside ----------------------------------------------------------------------------

    def _refuse_if_interrupted(self) -> None:
        if not self._whole:
            raise SolutionInterrupted()

    def _understood(self, changes: Changes) -> dict[int, tuple[NodeArray, FloatArray]]:
        """The new inputs in canonical form, everything else checked."""
        products, columns = self.products + changes.appended, self._direct.values.shape[1]
        _refuse_strangers(changes.named, products)
        for row in changes.direct.values():
            if np.shape(row) != (columns,):
                raise TableMismatch(what="direct emissions", products=1, shape=np.shape(row))
            refuse_infinities(np.asarray(row, dtype=np.float64), "direct emissions")
        return {
            consumer: _canonical(*entries, products) for consumer, entries in changes.inputs.items()
        }

    def _applied(
        self, changes: Changes, inputs: Mapping[int, tuple[NodeArray, FloatArray]]
    ) -> Reached:
        first = self.products
        sheet = self._free_sheet()
        self._append(changes.appended)
        sheet.fit(self.products)
        self._waves.fit()
        for consumer, (suppliers, amounts) in inputs.items():
            self._wiring.rewire(consumer, suppliers, amounts, self._waves.memory)
        due = self._wiring.settle(self._waves.memory)
        self._waves.fit()
        for node, row in changes.direct.items():
            self._direct.values[node] = row
        for own, said in ((self._own_marks, changes.marks), (self._own_as_of, changes.as_of)):
            for node, value in said.items():
                own.values[node] = value
        appended = np.arange(first, self.products)
        began = np.union1d(np.array(changes.named, dtype=np.int64), appended)
        trace = self._waves.run(self._table(sheet), began.astype(np.uint32), due)
        for other in self._sheets[1:]:
            other.fall_behind(trace.nodes, trace.marked, appended)
        return Reached(trace.nodes, trace.before, trace.after, trace.via, trace.marked)

    def _append(self, count: int) -> None:
        self._wiring.append(count)
        for array in (self._direct, self._own_as_of, self._own_marks):
            array.reserve(count)

    def _table(self, sheet: _Sheet) -> Table:
        from graph.solving.kernels import Table

        return Table(
            direct=self._direct.values,
            own_as_of=self._own_as_of.values,
            own_marks=self._own_marks.values,
            values=sheet.values,
            as_of=sheet.as_of,
            marks=sheet.marks,
        )

    def _free_sheet(self) -> _Sheet:
        """An up-to-date copy of the answer that nobody reads; it becomes the first."""
        current = self._sheets[0]
        if not current.is_kept:
            return current
        free = next((sheet for sheet in self._sheets if not sheet.is_kept), None)
        if free is None:
            free = current.copy()
        else:
            self._sheets.remove(free)
            free.catch_up(current, self.products)
        self._sheets = [free, *self._sheets][:_KEPT]
        return free


class _Sheet:
    """One copy of the answer, and which of its rows are out of date against the first copy."""

    def __init__(self, values: FloatArray, marks: ByteArray, as_of: IntArray) -> None:
        self.values, self.marks, self.as_of = values, marks, as_of
        self._behind: list[IntArray] | None = []
        self._reader: weakref.ref[Solution] | None = None

    @classmethod
    def blank(cls, n: int, k: int) -> _Sheet:
        return cls(np.zeros((n, k)), np.zeros(n, dtype=np.uint8), np.zeros(n, dtype=np.int64))

    @property
    def is_kept(self) -> bool:
        return self._reader is not None and self._reader() is not None

    def read(self, n: int) -> Solution:
        solution = self._reader() if self._reader else None
        if solution is None:
            rows = self.values[:n], self.marks[:n], self.as_of[:n]
            solution = Solution(_read_only(rows[0]), _read_only(rows[1]), _read_only(rows[2]))
            self._reader = weakref.ref(solution)
        return solution

    def copy(self) -> _Sheet:
        return _Sheet(self.values.copy(), self.marks.copy(), self.as_of.copy())

    def fit(self, n: int) -> None:
        """Make room for ``n`` products."""
        from graph.solving.wiring import capacity_for, roomy

        if n > len(self.values):
            self.values, self.marks, self.as_of = (
                roomy(self.values, capacity_for(n)),
                roomy(self.marks, capacity_for(n)),
                roomy(self.as_of, capacity_for(n)),
            )

    def fall_behind(self, *rows: IntArray) -> None:
        """Note rows that the first copy has anew; once they are many, all of them."""
        if self._behind is not None:
            self._behind += [part for part in rows if part.size]
            if sum(map(len, self._behind)) > len(self.values) // 4:
                self._behind = None

    def catch_up(self, current: _Sheet, n: int) -> None:
        """Copy what changed since this was the first copy."""
        self.fit(len(current.values))
        rows: IntArray | slice = slice(0, n)
        if self._behind is not None:
            rows = np.concatenate([np.zeros(0, dtype=np.int64), *self._behind])
        self.values[rows] = current.values[rows]
        self.marks[rows] = current.marks[rows]
        self.as_of[rows] = current.as_of[rows]
        self._behind = []


def _table(direct: FloatArray, n: int) -> FloatArray:
    table = np.ascontiguousarray(direct, dtype=np.float64)
    if table.ndim != 2 or len(table) != n or not table.shape[1]:
        raise TableMismatch(what="direct emissions", products=n, shape=table.shape)
    refuse_infinities(table, "direct emissions")
    return table


def _refuse_strangers(named: Iterable[int], products: int) -> None:
    for number in named:
        if not 0 <= number < products:
            raise ProductNumberUnknown(products=products, number=number)


def _canonical(
    suppliers: IntArray, amounts: FloatArray, products: int
) -> tuple[NodeArray, FloatArray]:
    """Inputs by ascending supplier, each once and none zero."""
    suppliers = np.asarray(suppliers, dtype=np.int64)
    amounts = np.asarray(amounts, dtype=np.float64)
    if suppliers.shape != amounts.shape or suppliers.ndim != 1:
        raise TableMismatch(what="amounts", products=suppliers.size, shape=amounts.shape)
    refuse_infinities(amounts, "amounts")
    unknown = suppliers[(suppliers < 0) | (suppliers >= products)]
    _refuse_strangers(unknown[:1].tolist(), products)
    each, entry = np.unique(suppliers, return_inverse=True)
    total = np.bincount(entry, amounts, minlength=len(each)) if len(each) else np.zeros(0)
    return each[total != 0].astype(np.uint32), total[total != 0]


def _read_only(array: NDArray[Value]) -> NDArray[Value]:
    view = array.view()
    view.flags.writeable = False
    return view
