"""Who supplies whom in a network that changes: lists of inputs, loops, and the order of supply.

Every component has a key larger than the keys of all that supply it. Three things may upset that,
one consumer at a time:

* A new input whose supplier has the larger key. What draws on the consumer, as far as keys below
  the supplier's allow, is searched: if the supplier is among it, all components between them have
  become one loop with the supplier's key. Either way, what draws on them is lifted above.
* A loop that lost an input of its own may fall apart. It is taken apart at the end, its parts get
  the loop's key and their levels on top of it.
* A loop whose amounts changed is closed anew; whether it still converges is found there.

All loops touched are closed together, as one small network, by the code that plans a whole one.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graph.solving import kernels
from graph.solving.blocks import SMALL, SparseBlock
from graph.solving.solve import Closed, Layout, closed_loops, ranges

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
NodeArray = NDArray[np.uint32]
BoolArray = NDArray[np.bool_]
Value = TypeVar("Value", bound=np.generic)

_ROOM = 1 << 32
"""Distance between the keys of two levels: room for what comes in between."""


def roomy(array: NDArray[Value], capacity: int) -> NDArray[Value]:
    """The array at the beginning of a longer one of zeros; nothing is touched that is not used."""
    longer = np.zeros((capacity, *array.shape[1:]), dtype=array.dtype)
    longer[: len(array)] = array
    return longer


def capacity_for(count: int) -> int:
    return count + count // 8 + 64


class Growing(Generic[Value]):
    """An array with room at its end."""

    def __init__(self, values: NDArray[Value]) -> None:
        self.values: NDArray[Value] = roomy(values, capacity_for(len(values)))
        self.used = len(values)

    def extend(self, values: NDArray[Value]) -> int:
        """Add values at the end; the place of the first of them."""
        at = self.reserve(len(values))
        self.values[at : self.used] = values
        return at

    def reserve(self, count: int) -> int:
        at, self.used = self.used, self.used + count
        if self.used > len(self.values):
            self.values = roomy(self.values[:at], capacity_for(self.used))
        return at


class Lists:
    """A list per product, all in one array, with parallel columns.

    A list that outgrows its place moves to the end with room to double; when more than half of the
    array is abandoned places, everything is packed again.
    """

    def __init__(self, pointers: IntArray, *columns: NDArray[Any]) -> None:
        self.start = Growing(pointers[:-1].astype(np.int64))
        self.count = Growing(np.diff(pointers).astype(np.int64))
        self.room = Growing(np.diff(pointers).astype(np.int64))
        self.columns: tuple[Growing[Any], ...] = tuple(Growing(column) for column in columns)
        self._lost = 0

    def grow(self, count: int) -> None:
        for array in (self.start, self.count, self.room):
            array.reserve(count)

    def row(self, node: int) -> tuple[NDArray[Any], ...]:
        place = self._place(node)
        return tuple(column.values[place] for column in self.columns)

    def write(self, node: int, *values: NDArray[Any]) -> None:
        self._make_room(node, len(values[0]))
        self.count.values[node] = len(values[0])
        place = self._place(node)
        for column, new in zip(self.columns, values, strict=True):
            column.values[place] = new

    def append(self, node: int, *values: np.generic) -> None:
        count = int(self.count.values[node])
        self._make_room(node, count + 1)
        self.count.values[node] = count + 1
        at = self.start.values[node] + count
        for column, value in zip(self.columns, values, strict=True):
            column.values[at] = value

    def pointers(self) -> IntArray:
        count = self.count.values[: self.count.used]
        return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(count)])

    def gathered(self) -> IntArray:
        """Places of all entries, list after list."""
        return ranges(self.start.values[: self.start.used], self.count.values[: self.count.used])

    def _place(self, node: int) -> slice:
        start = int(self.start.values[node])
        return slice(start, start + int(self.count.values[node]))

    def _make_room(self, node: int, count: int) -> None:
        if count <= self.room.values[node]:
            return
        if self._lost > self.columns[0].used // 2:
            self._pack()
        old, room = self._place(node), 2 * count
        for column in self.columns:
            start = column.reserve(room)
            column.values[start : start + old.stop - old.start] = column.values[old]
        self._lost += int(self.room.values[node])
        self.start.values[node], self.room.values[node] = start, room

    def _pack(self) -> None:
        places, pointers = self.gathered(), self.pointers()
        for column in self.columns:
            kept = column.values[places]
            column.values[: len(kept)] = kept
            column.used = len(kept)
        self.start.values[: self.start.used] = pointers[:-1]
        self.room.values[: self.room.used] = self.count.values[: self.count.used]
        self._lost = 0


class Wiring:
    """The structure of a network of ``n`` products; products are only ever added."""

    def __init__(self, used: csr_array, layout: Layout) -> None:
        """``used`` has consumers in rows, as ``graph.solving.solve.checked`` makes it."""
        closed = closed_loops(used, layout)
        users = used.T.tocsr()
        self.n: int = used.shape[0]
        self.inputs = Lists(used.indptr.astype(np.int64), used.indices.astype(np.uint32), used.data)
        self.outputs = Lists(users.indptr.astype(np.int64), users.indices.astype(np.uint32))
        self.key = Growing((layout.level[layout.rank] + 1) * _ROOM)
        self.head = Growing(np.arange(self.n, dtype=np.uint32))
        self.loop = Growing(np.full(self.n, -1, dtype=np.int32))
        self.loop_start, self.loop_size, self.loop_inverse, self.loop_kind = (
            Growing[np.int64](np.zeros(0, dtype=np.int64)) for _ in range(4)
        )
        self.members = Growing(np.zeros(0, dtype=np.uint32))
        self.inverses = Growing(np.zeros(0))
        self.blocks: dict[int, SparseBlock] = {}
        self._free: defaultdict[int, list[int]] = defaultdict(list)
        self._loose: set[int] = set()
        self._order: NodeArray | None = None
        self._install(np.arange(self.n), layout, closed)

    def net(self) -> kernels.Net:
        """The arrays as they are now; asked for again after anything was added."""
        return kernels.Net(
            in_start=self.inputs.start.values,
            in_count=self.inputs.count.values,
            suppliers=self.inputs.columns[0].values,
            amounts=self.inputs.columns[1].values,
            out_start=self.outputs.start.values,
            out_count=self.outputs.count.values,
            consumers=self.outputs.columns[0].values,
            key=self.key.values,
            head=self.head.values,
            loop=self.loop.values,
            loop_start=self.loop_start.values,
            loop_size=self.loop_size.values,
            loop_inverse=self.loop_inverse.values,
            loop_kind=self.loop_kind.values,
            members=self.members.values,
            inverses=self.inverses.values,
        )

    @property
    def largest(self) -> int:
        """Size of the largest loop there ever was, at least that of the largest small one."""
        return int(self.loop_size.values.max(initial=SMALL))

    def amounts(self) -> csr_array:
        """``A`` as it is now, suppliers in rows."""
        places = self.inputs.gathered()
        suppliers, amounts = (column.values[places] for column in self.inputs.columns)
        used = (amounts, suppliers.astype(np.int64), self.inputs.pointers())
        return csr_array(csr_array(used, shape=(self.n, self.n)).T)

    def order(self) -> NodeArray:
        """Heads of all components in the order of supply."""
        if self._order is None:
            heads = np.flatnonzero(self.head.values[: self.n] == np.arange(self.n))
            ordered = np.argsort(self.key.values[heads], kind="stable")
            self._order = heads[ordered].astype(np.uint32)
        return self._order

    def append(self, count: int) -> None:
        """Add products without inputs, before all others in the order of supply."""
        if not count:
            return
        for lists in (self.inputs, self.outputs):
            lists.grow(count)
        self.key.reserve(count)
        self.head.extend(np.arange(self.n, self.n + count, dtype=np.uint32))
        self.loop.extend(np.full(count, -1, dtype=np.int32))
        self.n += count
        self._order = None

    def rewire(
        self, consumer: int, suppliers: NodeArray, amounts: FloatArray, wave: kernels.Wave
    ) -> None:
        """Replace the inputs of a product by others, ascending and without repetition."""
        before, was = self.inputs.row(consumer)
        head = self.head.values[consumer]
        own, own_now = self.head.values[before] == head, self.head.values[suppliers] == head
        if not (
            np.array_equal(before[own], suppliers[own_now])
            and np.array_equal(was[own], amounts[own_now])
        ):
            self._loose.add(int(head))
        added = np.setdiff1d(suppliers, before, assume_unique=True)
        for supplier in np.setdiff1d(before, suppliers, assume_unique=True).tolist():
            kernels.unlink(self.net(), supplier, consumer)
        self.inputs.write(consumer, suppliers, amounts)
        for supplier in added.tolist():
            self.outputs.append(supplier, np.uint32(consumer))
            self._put_in_order(supplier, consumer, wave)

    def settle(self, wave: kernels.Wave) -> NodeArray:
        """Close again what was rewired inside; all products of the loops that were touched."""
        heads = sorted(self._loose)
        self._loose.clear()
        if not heads:
            return np.zeros(0, dtype=np.uint32)
        groups = [self._members(head) for head in heads]
        rows = np.sort(np.concatenate(groups))
        used = self._inside(rows)
        layout = Layout.of(used)
        closed = closed_loops(used, layout)
        for head in heads:
            self._dissolve(head)
        self._install(rows, layout, closed)
        self._spread(rows, layout, wave)
        return rows.astype(np.uint32)

    # -- order -----------------------------------------------------------------------------

    def _put_in_order(self, supplier: int, consumer: int, wave: kernels.Wave) -> None:
        net = self.net()
        above, below = int(net.head[supplier]), int(net.head[consumer])
        limit = int(net.key[above])
        if above == below or limit < net.key[below]:
            return
        self._order = None
        count = kernels.ahead(net, wave, below, limit)
        drawing = wave.stack[:count].copy()
        ring = [below]
        if wave.flags[above] & kernels.WAITING:
            ring = wave.reached[: kernels.behind(net, wave, above)].tolist()
        wave.flags[drawing] = 0
        if len(ring) > 1:
            self._merge(ring, limit, wave)
        else:
            kernels.lift(net, wave, below, limit + 1)

    def _merge(self, heads: list[int], key: int, wave: kernels.Wave) -> None:
        """Make one loop of several components, to be closed later."""
        members = np.sort(np.concatenate([self._members(head) for head in heads]))
        for head in heads:
            self._dissolve(head)
        head = int(members[0])
        self._loose.difference_update(heads)
        self._loose.add(head)
        self._occupy(members, np.array([len(members)]))
        kernels.lift(self.net(), wave, head, key)

    def _spread(self, rows: IntArray, layout: Layout, wave: kernels.Wave) -> None:
        """Order the parts of loops by their levels, and what draws on them after them."""
        if not layout.level.any():
            return
        self._order = None
        level = layout.level[layout.rank]
        self.key.values[rows] += level
        net = self.net()
        for row in np.argsort(level, kind="stable").tolist():
            node = int(rows[row])
            if level[row] and net.head[node] == node:
                kernels.lift(net, wave, node, int(net.key[node]))

    # -- loops -----------------------------------------------------------------------------

    def _members(self, head: int) -> IntArray:
        slot = int(self.loop.values[head])
        if slot < 0:
            return np.array([head], dtype=np.int64)
        start = int(self.loop_start.values[slot])
        size = int(self.loop_size.values[slot])
        return self.members.values[start : start + size].astype(np.int64)

    def _inside(self, rows: IntArray) -> csr_array:
        """The inputs that the loops with these members have from themselves, by row."""
        parts = [self.inputs.row(node) for node in rows.tolist()]
        consumer = np.repeat(np.arange(len(rows)), [len(part[0]) for part in parts])
        supplier, amount = (np.concatenate(column) for column in zip(*parts, strict=True))
        own = self.head.values[supplier] == self.head.values[rows[consumer]]
        at = np.searchsorted(rows, supplier[own])
        used = csr_array((amount[own], (consumer[own], at)), shape=(len(rows), len(rows)))
        used.sum_duplicates()
        return used

    def _dissolve(self, head: int) -> None:
        slot = int(self.loop.values[head])
        members = self._members(head)
        self.loop.values[members] = -1
        self.head.values[members] = members
        self._order = None
        if slot >= 0:
            self.blocks.pop(slot, None)
            self._free[len(members)].append(slot)

    def _occupy(self, members: IntArray, sizes: IntArray) -> IntArray:
        """Slots for loops of these sizes and members, refused until they are closed."""
        slots = self._slots(sizes)
        starts = np.cumsum(sizes) - sizes
        places = ranges(self.loop_start.values[slots], sizes)
        self.members.values[places] = members
        self.loop_kind.values[slots] = kernels.REFUSED_LOOP
        self.head.values[members] = np.repeat(members[starts], sizes)
        self.loop.values[members] = np.repeat(slots, sizes)
        self._order = None
        return slots

    def _slots(self, sizes: IntArray) -> IntArray:
        """Slots of these sizes, free ones first."""
        free = self._free
        slots = np.array([free[s].pop() if free[s] else -1 for s in sizes.tolist()], dtype=np.int64)
        new = sizes[slots < 0]
        room = np.where(new <= SMALL, new**2, 0)
        first = self.loop_size.extend(new)
        self.loop_kind.reserve(len(new))
        members, inverses = self.members.reserve(int(new.sum())), self.inverses.reserve(room.sum())
        self.loop_start.extend(members + np.cumsum(new) - new)
        self.loop_inverse.extend(inverses + np.cumsum(room) - room)
        slots[slots < 0] = np.arange(first, first + len(new))
        return slots

    def _install(self, nodes: IntArray, layout: Layout, closed: Closed) -> None:
        """Enter the loops of a network whose product numbers are ``nodes``, all that there are."""
        starts = layout.loops()
        sizes = layout.sizes[starts]
        slots = self._occupy(nodes[layout.order[layout.members(starts)]], sizes)
        large = np.isin(starts, [block.start for block in closed.blocks])
        small = ~closed.refused[starts] & ~large
        self.loop_kind.values[slots[small]] = kernels.SMALL_LOOP
        area, pointers = sizes[small] ** 2, closed.inverse.indptr.astype(np.int64)
        places = ranges(self.loop_inverse.values[slots[small]], area)
        self.inverses.values[places] = closed.inverse.data[ranges(pointers[starts[small]], area)]
        slot_of = dict(zip(starts.tolist(), slots.tolist(), strict=True))
        for start, _, block in closed.blocks:
            self.blocks[slot_of[start]] = block
            self.loop_kind.values[slot_of[start]] = kernels.LARGE_LOOP
