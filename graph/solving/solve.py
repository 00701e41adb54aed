"""Solving a network: every product footprint at once, by one pass in the order of supply.

The amounts ``A[i, j]`` (product ``i`` used per declared unit of product ``j``) fall apart into
strongly connected components: single products, and loops of products that feed one another. Sorted
into levels, so that every supplier outside the loop stands on an earlier level, the system is
block triangular and one pass over the inputs solves it exactly, whatever the units:

    x[rows] = right[rows] + inputs[rows] @ x          what earlier levels supply
    x[rows] = (I - B)^-1 x[rows]                      for rows in a loop with block B

The order, the inverses and the verdict on each loop depend on the amounts only. They form a
``Plan``, made once; a pass costs about as much as reading the inputs. The adjoint question, what
must be made for a demand, is the same pass over the transposed arrays from the last level back.

Figures do not depend on how rows were arranged: within a row the sum runs in the order of the
product numbers, so that planning again gives the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.csgraph import connected_components

from graph.errors import AmountNotFinite, NetworkNotSquare, TableMismatch
from graph.solving.blocks import SMALL, Refusal, SparseBlock, close_large, close_small

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_PLAIN, _SMALL, _LARGE = range(3)
_NOTHING = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class RefusedComponent:
    """A loop without a finite footprint.

    ``nodes`` are its products in ascending order. ``gain`` is a lower bound or an estimate of its
    spectral radius: how much of itself the loop uses up per turn. ``reason`` is ``"gain"`` when
    that is one or more, ``"unsolved"`` when no method was accurate enough to answer.
    """

    nodes: IntArray
    gain: float
    reason: Literal["gain", "unsolved"] = "gain"


@dataclass(frozen=True, eq=False)
class Plan:
    """The order of supply of one network, with every loop closed or refused.

    Products keep their numbers at every public door. Inside, *rows* are products sorted by level
    and, within a level, into plain products, small loops and large loops, the members of a loop
    side by side.
    """

    refused: tuple[RefusedComponent, ...]
    """Loops that have no answer, by ascending first product."""
    refused_mask: BoolArray
    """Shape ``(n,)``: whether the product belongs to a refused loop."""
    components: int
    """Number of strongly connected components; a product outside all loops is its own."""
    largest: int
    """Number of products in the largest component."""
    looped: int
    """Number of products that feed themselves, directly or through others."""
    layout: Layout
    bounds: IntArray
    by_consumer: csr_array
    within: csr_array
    whole: Closed

    @classmethod
    def of(cls, A: csr_array) -> Plan:
        """Plan a network from its amounts ``A`` (``n`` x ``n``, suppliers in rows).

        ``A[i, j]`` is in declared units of ``i`` per declared unit of ``j``. Negative amounts are
        credits and allowed. A loop is refused, and only that loop, when its gain reaches one.
        What only one direction needs, and the factors of large loops, are made at first use.

        Raises
        ------
        NetworkNotSquare
            The table does not have as many rows as columns.
        AmountNotFinite
            An amount is NaN or infinite.
        """
        used = checked(A)
        layout = Layout.of(used)
        by_consumer = layout.arranged(used)
        crossing = layout.crosses(by_consumer)
        within = _kept(by_consumer, ~crossing)
        closed = _close(within, layout, layout.loops(), np.zeros(len(layout.order), dtype=np.bool_))
        return cls(
            refused=closed.named(layout.order),
            refused_mask=closed.refused[layout.rank],
            components=layout.components,
            largest=int(layout.sizes.max(initial=0)),
            looped=int((layout.kind != _PLAIN).sum()),
            layout=layout,
            bounds=layout.bounds(),
            by_consumer=_kept(by_consumer, crossing),
            within=within,
            whole=closed,
        )

    @property
    def products(self) -> int:
        """Number of products ``n``."""
        return len(self.layout.order)

    @property
    def levels(self) -> int:
        """Number of levels: the length of the longest chain of supply, a loop counting once."""
        return len(self.bounds)

    def footprints(self, direct: FloatArray, *, held: BoolArray | None = None) -> FloatArray:
        """Solve ``m_j = e_j + sum_i A[i, j] m_i`` for ``k`` quantities together.

        Parameters
        ----------
        direct:
            Shape ``(n, k)``: what arises at each product itself, per declared unit of it.
        held:
            Shape ``(n,)``: products whose row stays zero whatever they emit and use. The others
            get the footprints of the network without these: ``m* = e_O' (I - A_OO)^-1``. A loop
            with a held member is judged anew without it: one that gained may then converge.

        Returns
        -------
        Shape ``(n, k)``, per declared unit: cradle to gate. Products of a refused loop are NaN.
        Products that use them are summed without them, which makes theirs a lower bound where
        nothing is negative: ask ``downstream_max`` which ones these are.

        Raises
        ------
        TableMismatch, AmountNotFinite
            ``direct`` is not an ``(n, k)`` table of finite numbers.
        """
        closed = self._closed(held)
        rows = self._entered(direct, "direct emissions", closed)
        return self._passed(self.forward, rows, closed)

    def supply(self, demand: FloatArray, *, held: BoolArray | None = None) -> FloatArray:
        """Solve ``v_i = d_i + sum_j A[i, j] v_j``: what must be made of everything for a demand.

        Both tables have the shape ``(n, k)`` and are in declared units. The adjoint of
        ``footprints``: ``sum(footprints(e) * d) == sum(e * supply(d))``, also with the same
        ``held``. Refused loops are NaN and order nothing from their suppliers. Raises as
        ``footprints`` does.
        """
        closed = self._closed(held)
        rows = self._entered(demand, "demand", closed)
        return self._passed(self._backward, rows, closed)

    def residual(self, direct: FloatArray, footprints: FloatArray) -> float:
        """Largest miss of ``m = e + A'm`` over all rows, relative to the terms of that row.

        A number near 1e-16 says that the figures are as exact as their inputs. Refused loops are
        left out, as they were from the sums.
        """
        e = self._entered(direct, "direct emissions", self.whole)
        known = np.where(self.refused_mask[:, None], 0.0, footprints)
        m = self._entered(known, "footprints", self.whole)
        missed = np.abs(e - m + self.by_consumer @ m + self.within @ m)
        terms = np.abs(e) + np.abs(m)
        terms += abs(self.by_consumer) @ np.abs(m) + abs(self.within) @ np.abs(m)
        terms[self.whole.refused] = 0.0
        ratios = np.divide(missed, terms, out=np.zeros_like(terms), where=terms > 0)
        return float(ratios.max(initial=0.0))

    def downstream_max(self, values: IntArray, *, held: BoolArray | None = None) -> IntArray:
        """The largest value among a product and everything upstream of it, for every product.

        Shapes ``(n,)``. Members of a loop share one result, and refused loops pass theirs on:
        with a 0/1 mask of gaps this marks every figure that a gap touches. Products that are
        ``held`` keep their own value, take none and pass none on.
        """
        own = np.asarray(values, dtype=np.int64)[self.layout.order]
        still = self._held_rows(held)
        opened = self.layout.members(self.layout.loops(still))
        highest = np.where(still, _NOTHING, own)
        lead = self.layout.first.copy()
        lead[opened] = opened
        circling = opened[~still[opened]]
        np.maximum.at(highest, lead, highest)
        for level in self.forward:
            level.raise_to_inputs(highest, lead)
            highest[level.start : level.stop][still[level.start : level.stop]] = _NOTHING
            self._circulate(highest, _between(circling, level.start, level.stop))
        return np.where(still, own, highest[lead])[self.layout.rank]

    def _circulate(self, highest: IntArray, rows: IntArray) -> None:
        """Raise loop members to one another until nothing moves; needed where a loop is opened."""
        inputs = self.within[rows]
        fed = np.flatnonzero(np.diff(inputs.indptr))
        while fed.size:
            best = np.maximum.reduceat(highest[inputs.indices], inputs.indptr[fed])
            rising = best > highest[rows[fed]]
            if not rising.any():
                return
            highest[rows[fed[rising]]] = best[rising]

    @cached_property
    def forward(self) -> tuple[_Level, ...]:
        return tuple(self._levels(self.by_consumer, transposed=False))

    @cached_property
    def _backward(self) -> tuple[_Level, ...]:
        # Transposed from product order, so that each row keeps its entries by ascending product.
        turned = self.by_consumer[self.layout.rank].T.tocsr()
        columns = self.layout.rank[turned.indices].astype(turned.indices.dtype)
        by_supplier = _csr(turned.data, columns, turned.indptr, turned.shape)
        return tuple(self._levels(by_supplier, transposed=True))[::-1]

    def _levels(self, inputs: csr_array, *, transposed: bool) -> Iterator[_Level]:
        for start, loops, large, stop in self.bounds.tolist():
            part = _sliced(inputs, start, stop)
            yield _Level(start, loops, large, stop, part, transposed)

    def _held_rows(self, held: BoolArray | None) -> BoolArray:
        if held is None:
            return np.zeros(self.products, dtype=np.bool_)
        return np.asarray(held, dtype=np.bool_)[self.layout.order]

    def _closed(self, held: BoolArray | None) -> Closed:
        """All loops as they are without the held products."""
        if held is None:
            return self.whole
        still, layout, whole = self._held_rows(held), self.layout, self.whole
        starts = layout.loops(still)
        silent = (whole.refused & ~layout.mask(starts)) | still
        silent[self._refused_within(starts, still)] = True
        opened = _close(self.within, layout, starts, silent)
        return Closed(
            inverse=_kept_rows(whole.inverse, ~layout.mask(starts)) + opened.inverse,
            blocks=tuple(b for b in whole.blocks if b.start not in starts) + opened.blocks,
            refusals=(),
            silent=silent | opened.silent,
            refused=(silent | opened.silent) & ~still,
        )

    def _refused_within(self, starts: IntArray, still: BoolArray) -> IntArray:
        """Rows refused in what is left of loops that lost members.

        Without credits the rest of a loop that converged converges. Any other falls apart anew:
        what is left of it may hold several loops, of which some gain.
        """
        rows = self.layout.members(starts)
        credited = np.zeros(len(still), dtype=np.bool_)
        inputs = self.within[rows]
        negative = np.repeat(rows, np.diff(inputs.indptr))[inputs.data < 0]
        credited[self.layout.first[negative]] = True
        doubtful = starts[self.whole.refused[starts] | credited[starts]]
        rows = self.layout.members(doubtful)
        rest = rows[~still[rows]]
        return rest[Plan.of(csr_array(self.within[rest][:, rest].T)).refused_mask]

    def _entered(self, table: FloatArray, what: str, closed: Closed) -> FloatArray:
        """The table in row order, silent rows zeroed so that they contribute nothing."""
        table = np.asarray(table, dtype=np.float64)
        if table.ndim != 2 or len(table) != self.products:
            raise TableMismatch(what=what, products=self.products, shape=table.shape)
        rows = np.take(table, self.layout.order, axis=0)
        rows[closed.silent] = 0.0
        refuse_infinities(rows, what)
        return rows

    def _passed(self, levels: tuple[_Level, ...], rows: FloatArray, closed: Closed) -> FloatArray:
        for level in levels:
            level.advance(rows, closed)
        rows[closed.refused] = np.nan
        return np.take(rows, self.layout.rank, axis=0)


class PlacedBlock(NamedTuple):
    """A large loop and the rows it occupies."""

    start: int
    stop: int
    block: SparseBlock


@dataclass(frozen=True, eq=False)
class _Level:
    """Rows ``start:stop``, which use nothing of each other except within loops.

    Rows ``loops:large`` are small loops, closed by one sparse product; large loops follow.
    """

    start: int
    loops: int
    large: int
    stop: int
    inputs: csr_array
    transposed: bool

    def advance(self, rows: FloatArray, closed: Closed) -> None:
        """Complete this level in place, given that the levels it draws on are complete."""
        self.draw(rows)
        self.close(rows, closed)

    def draw(self, rows: FloatArray) -> None:
        """Add what earlier levels supply."""
        if self.inputs.nnz:
            rows[self.start : self.stop] += self.inputs @ rows

    def close(self, rows: FloatArray, closed: Closed) -> None:
        """Close the loops of this level, and silence what is silent."""
        if self.loops < self.large:
            inverse = closed.turned if self.transposed else closed.inverse
            rows[self.loops : self.large] = _sliced(inverse, self.loops, self.large) @ rows
        for start, stop, block in closed.blocks_between(self.large, self.stop):
            rows[start:stop] = block.solve(rows[start:stop], transposed=self.transposed)
        rows[closed.silent_between(self.start, self.stop)] = 0.0

    def raise_to_inputs(self, highest: IntArray, first: IntArray) -> None:
        """Raise the first row of each component to the highest first row among its suppliers."""
        counts = np.diff(self.inputs.indptr)
        fed = np.flatnonzero(counts)
        if not fed.size:
            return
        offered = highest[first[self.inputs.indices]]
        best = np.maximum.reduceat(offered, self.inputs.indptr[fed])
        np.maximum.at(highest, first[self.start + fed], best)


@dataclass(frozen=True, eq=False)
class Layout:
    """Where every product stands. All arrays are in row order except ``order`` and ``rank``.

    ``order[row]`` is a product and ``rank[product]`` its row. ``level`` and ``kind`` are sorted
    together. ``first`` is the first row of the row's component, ``sizes`` the component's size.
    """

    components: int
    order: IntArray
    rank: IntArray
    level: IntArray
    kind: IntArray
    first: IntArray
    sizes: IntArray

    @classmethod
    def of(cls, used: csr_array) -> Layout:
        n = used.shape[0]
        components, labels = connected_components(used, connection="strong")
        label = labels.astype(np.int64)
        size = np.bincount(label, minlength=components)
        kind = np.where(size > SMALL, _LARGE, np.where(size > 1, _SMALL, _PLAIN))[label]
        kind[(used.diagonal() != 0) & (kind == _PLAIN)] = _SMALL
        level = _depths(used, label, components)[label]
        earliest = np.full(components, n)
        np.minimum.at(earliest, label, np.arange(n))
        order = np.lexsort((earliest[label], kind, level))
        rank = np.empty(n, dtype=np.int64)
        rank[order] = np.arange(n)
        return cls(
            components=components,
            order=order,
            rank=rank,
            level=level[order],
            kind=kind[order],
            first=rank[earliest[label]][order],
            sizes=size[label][order],
        )

    def loops(self, touched: BoolArray | None = None) -> IntArray:
        """First rows of all loops, or of those with a row in the mask ``touched``."""
        rows = self.looped if touched is None else self.looped & touched
        return np.unique(self.first[rows])

    @cached_property
    def looped(self) -> BoolArray:
        """Whether the row is part of a loop, or uses itself."""
        return np.asarray(self.kind != _PLAIN)

    def members(self, starts: IntArray) -> IntArray:
        """The rows of the components with these first rows, one component after the other."""
        return ranges(starts, self.sizes[starts])

    def mask(self, starts: IntArray) -> BoolArray:
        chosen = np.zeros(len(self.order), dtype=np.bool_)
        chosen[self.members(starts)] = True
        return chosen

    def arranged(self, matrix: csr_array) -> csr_array:
        """Rows and columns in row order; each row keeps its entries by ascending product."""
        rows = matrix[self.order]
        columns = self.rank[rows.indices].astype(rows.indices.dtype)
        return _csr(rows.data, columns, rows.indptr, rows.shape)

    def crosses(self, matrix: csr_array) -> BoolArray:
        """For every stored entry, whether it joins two components."""
        rows = np.repeat(self.first, np.diff(matrix.indptr))
        return np.asarray(rows != self.first[matrix.indices])

    def bounds(self) -> IntArray:
        """Shape ``(levels, 4)``: start, first looped row, first row of a large loop, stop."""
        levels = int(self.level[-1]) + 1 if self.level.size else 0
        key = 3 * self.level + self.kind
        edges = np.searchsorted(key, np.arange(3 * levels + 1))
        starts = edges[:-1].reshape(levels, 3)
        return np.column_stack([starts, edges[3::3]])


@dataclass(frozen=True, eq=False)
class Closed:
    """Loops made solvable: inverses of the small ones, large ones, and refusals by rows.

    ``silent`` rows stay zero: they are ``refused``, or held from outside.
    """

    inverse: csr_array
    blocks: tuple[PlacedBlock, ...]
    refusals: tuple[tuple[slice, Refusal], ...]
    silent: BoolArray
    refused: BoolArray

    def named(self, order: IntArray) -> tuple[RefusedComponent, ...]:
        named = [
            RefusedComponent(np.sort(order[rows]), refusal.gain, refusal.reason)
            for rows, refusal in self.refusals
        ]
        return tuple(sorted(named, key=lambda component: int(component.nodes[0])))

    def blocks_between(self, start: int, stop: int) -> Iterator[PlacedBlock]:
        return (block for block in self.blocks if start <= block.start < stop)

    def silent_between(self, start: int, stop: int) -> IntArray:
        return _between(self._silent_rows, start, stop)

    @cached_property
    def turned(self) -> csr_array:
        """The inverse of the transposed loops."""
        return self.inverse.T.tocsr()

    @cached_property
    def _silent_rows(self) -> IntArray:
        return np.flatnonzero(self.silent)


def checked(A: csr_array) -> csr_array:
    """The amounts with consumers in rows, in canonical form, without stored zeros."""
    rows, columns = A.shape
    if rows != columns:
        raise NetworkNotSquare(rows=rows, columns=columns)
    used: csr_array = A.T.tocsr().astype(np.float64)
    used.sum_duplicates()
    used.eliminate_zeros()
    refuse_infinities(used.data, "amounts")
    return used


def closed_loops(used: csr_array, layout: Layout) -> Closed:
    """Every loop of a network, closed or refused; consumers in the rows of ``used``."""
    component = layout.first[layout.rank]
    rows = np.repeat(component, np.diff(used.indptr))
    within = layout.arranged(_kept(used, rows == component[used.indices]))
    return _close(within, layout, layout.loops(), np.zeros(len(component), dtype=np.bool_))


def refuse_infinities(values: FloatArray, what: str) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        raise AmountNotFinite(what=what, count=int(finite.size - finite.sum()))


def _depths(used: csr_array, label: IntArray, components: int) -> IntArray:
    """Level of every component: the number of steps of the longest chain that supplies it.

    Kahn's algorithm, one wave at a time: a component joins the wave after its last supplier.
    """
    consumers = _condensed(used, label, components)
    waiting = np.bincount(consumers.indices, minlength=components)
    level = np.zeros(components, dtype=np.int64)
    wave, depth = np.flatnonzero(waiting == 0), 0
    while wave.size:
        level[wave] = depth
        reached = consumers[wave].indices
        np.subtract.at(waiting, reached, 1)
        wave, depth = np.unique(reached[waiting[reached] == 0]), depth + 1
    return level


def _condensed(used: csr_array, label: IntArray, components: int) -> csr_array:
    """The network of components, suppliers in rows: one entry where any member feeds another."""
    consumer = np.repeat(label, np.diff(used.indptr))
    supplier = label[used.indices]
    outside = consumer != supplier
    ones = np.ones(int(outside.sum()), dtype=np.bool_)
    edges = (supplier[outside], consumer[outside])
    return coo_array((ones, edges), shape=(components, components)).tocsr()


def _close(within: csr_array, layout: Layout, starts: IntArray, silent: BoolArray) -> Closed:
    """Close the loops that begin at the rows ``starts``, without their ``silent`` members.

    ``within`` holds the amounts used inside components, in row order.
    """
    large = layout.sizes[starts] > SMALL
    inverse, refusals = _close_all_small(within, layout, starts[~large], silent)
    blocks = []
    for start in starts[large].tolist():
        stop = start + int(layout.sizes[start])
        outcome = close_large(_unless(silent[start:stop], within[start:stop, start:stop]))
        if isinstance(outcome, Refusal):
            refusals.append((slice(start, stop), outcome))
        else:
            blocks.append(PlacedBlock(start, stop, outcome))
    refused = np.zeros(len(silent), dtype=np.bool_)
    for rows, _ in refusals:
        refused[rows] = True
    return Closed(inverse, tuple(blocks), tuple(refusals), refused, refused)


def _unless(silent: BoolArray, block: csr_array) -> csr_array:
    """A block in which silent members neither use nor feed anything."""
    if not silent.any():
        return block
    heard = diags_array((~silent).astype(np.float64))
    rest = csr_array(heard @ block @ heard)
    rest.eliminate_zeros()
    return rest


def _close_all_small(
    within: csr_array, layout: Layout, starts: IntArray, silent: BoolArray
) -> tuple[csr_array, list[tuple[slice, Refusal]]]:
    """Inverses of small loops as one block-diagonal matrix; refused loops have empty rows."""
    rows = layout.members(starts)
    entries = within[rows].tocoo()
    row, column = rows[entries.row], entries.col
    amounts = np.where(silent[row] | silent[column], 0.0, entries.data)
    size_of_entry = layout.sizes[row]
    parts: list[tuple[FloatArray, IntArray, IntArray]] = []
    refusals: list[tuple[slice, Refusal]] = []
    for size in np.unique(layout.sizes[starts]).tolist():
        mine, heads = size_of_entry == size, starts[layout.sizes[starts] == size]
        first = layout.first[row[mine]]
        dense = np.zeros((len(heads), size, size))
        entry = np.searchsorted(heads, first)
        dense[entry, row[mine] - first, column[mine] - first] = amounts[mine]
        batch = close_small(dense)
        refusals += [
            (slice(int(heads[at]), int(heads[at]) + size), refusal)
            for at, refusal in batch.refusals.items()
        ]
        sound = np.setdiff1d(np.arange(len(heads)), list(batch.refusals))
        parts.append(_placed(batch.inverses[sound], heads[sound]))
    return _assembled(parts, within.shape), refusals


def _placed(inverses: FloatArray, starts: IntArray) -> tuple[FloatArray, IntArray, IntArray]:
    """Values, rows and columns of dense blocks whose first rows are ``starts``."""
    inside = starts[:, None] + np.arange(inverses.shape[1])
    rows = np.broadcast_to(inside[:, :, None], inverses.shape)
    columns = np.broadcast_to(inside[:, None, :], inverses.shape)
    return inverses.ravel(), rows.ravel(), columns.ravel()


def _assembled(
    parts: list[tuple[FloatArray, IntArray, IntArray]], shape: tuple[int, int]
) -> csr_array:
    if not parts:
        return csr_array(shape, dtype=np.float64)
    values, rows, columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return coo_array((values, (rows, columns)), shape=shape).tocsr()


def ranges(starts: IntArray, counts: IntArray) -> IntArray:
    """``starts[0]``, ``starts[0] + 1`` and so on for ``counts[0]`` numbers, then the next range."""
    ends = np.cumsum(counts)
    return np.repeat(starts - ends + counts, counts) + np.arange(counts.sum())


def _kept(matrix: csr_array, mask: BoolArray) -> csr_array:
    """The stored entries that ``mask`` selects, in their order."""
    before = np.concatenate([[0], np.cumsum(mask)]).astype(matrix.indptr.dtype)
    return _csr(matrix.data[mask], matrix.indices[mask], before[matrix.indptr], matrix.shape)


def _kept_rows(matrix: csr_array, mask: BoolArray) -> csr_array:
    """The matrix with the other rows emptied."""
    return _kept(matrix, np.repeat(mask, np.diff(matrix.indptr)))


def _between(ordered: IntArray, start: int, stop: int) -> IntArray:
    """The rows from ``start`` to before ``stop`` in an ordered list."""
    low, high = np.searchsorted(ordered, [start, stop])
    return ordered[low:high]


def _sliced(matrix: csr_array, start: int, stop: int) -> csr_array:
    """Rows ``start:stop`` as a view on the matrix's own arrays."""
    pointers = matrix.indptr[start : stop + 1]
    inside = slice(int(pointers[0]), int(pointers[-1]))
    return _csr(
        matrix.data[inside],
        matrix.indices[inside],
        pointers - pointers[0],
        (stop - start, matrix.shape[1]),
    )


def _csr(
    data: FloatArray,
    indices: NDArray[np.integer],
    indptr: NDArray[np.integer],
    shape: tuple[int, int],
) -> csr_array:
    """A matrix on given arrays whose rows stay in the order they come in."""
    return csr_array((data, indices, indptr), shape=shape, copy=False)
