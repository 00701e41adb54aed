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
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

from graph.blocks import SMALL, Refusal, SparseBlock, close_large, close_small
from graph.errors import AmountNotFinite, NetworkNotSquare, TableMismatch

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_PLAIN, _SMALL, _LARGE = range(3)


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
    _order: IntArray
    _rank: IntArray
    _first: IntArray
    _bounds: IntArray
    _by_consumer: csr_array
    _by_supplier: csr_array
    _within: csr_array
    _inverse: csr_array
    _blocks: tuple[_PlacedBlock, ...]

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
        used = _checked(A)
        layout = _Layout.of(used)
        by_consumer = layout.arranged(used)
        crossing = layout.crosses(by_consumer)
        within = _kept(by_consumer, ~crossing)
        closed = _close(within, layout)
        refused_rows = closed.refused_rows(len(layout.order))
        by_supplier = layout.arranged(used.T.tocsr())
        return cls(
            refused=closed.named(layout.order),
            refused_mask=refused_rows[layout.rank],
            components=layout.components,
            largest=int(layout.sizes.max(initial=0)),
            looped=int((layout.kind != _PLAIN).sum()),
            _order=layout.order,
            _rank=layout.rank,
            _first=layout.first,
            _bounds=layout.bounds(),
            _by_consumer=_silenced(_kept(by_consumer, crossing), refused_rows),
            _by_supplier=_silenced(_kept(by_supplier, layout.crosses(by_supplier)), refused_rows),
            _within=within,
            _inverse=closed.inverse,
            _blocks=closed.blocks,
        )

    @property
    def products(self) -> int:
        """Number of products ``n``."""
        return len(self._order)

    @property
    def levels(self) -> int:
        """Number of levels: the length of the longest chain of supply, a loop counting once."""
        return len(self._bounds)

    def footprints(self, direct: FloatArray) -> FloatArray:
        """Solve ``m_j = e_j + sum_i A[i, j] m_i`` for ``k`` quantities together.

        Parameters
        ----------
        direct:
            Shape ``(n, k)``: what arises at each product itself, per declared unit of it.

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
        return self._pass(self._forward, self._entered(direct, "direct emissions"))

    def supply(self, demand: FloatArray) -> FloatArray:
        """Solve ``v_i = d_i + sum_j A[i, j] v_j``: what must be made of everything for a demand.

        Both tables have the shape ``(n, k)`` and are in declared units. The adjoint of
        ``footprints``: ``sum(footprints(e) * d) == sum(e * supply(d))``. Refused loops are NaN
        and order nothing from their suppliers. Raises as ``footprints`` does.
        """
        return self._pass(self._backward, self._entered(demand, "demand"))

    def residual(self, direct: FloatArray, footprints: FloatArray) -> float:
        """Largest miss of ``m = e + A'm`` over all rows, relative to the terms of that row.

        A number near 1e-16 says that the figures are as exact as their inputs. Refused loops are
        left out, as they were from the sums.
        """
        e = self._entered(direct, "direct emissions")
        m = self._entered(np.where(self.refused_mask[:, None], 0.0, footprints), "footprints")
        missed = np.abs(e - m + self._by_consumer @ m + self._within @ m)
        terms = np.abs(e) + np.abs(m)
        terms += abs(self._by_consumer) @ np.abs(m) + abs(self._within) @ np.abs(m)
        terms[self.refused_mask[self._order]] = 0.0
        ratios = np.divide(missed, terms, out=np.zeros_like(terms), where=terms > 0)
        return float(ratios.max(initial=0.0))

    def downstream_max(self, values: IntArray) -> IntArray:
        """The largest value among a product and everything upstream of it, for every product.

        Shapes ``(n,)``. Members of a loop share one result, and refused loops pass theirs on:
        with a 0/1 mask of gaps this marks every figure that a gap touches.
        """
        highest = np.asarray(values, dtype=np.int64)[self._order]
        np.maximum.at(highest, self._first, highest)
        for level in self._forward:
            level.raise_to_inputs(highest, self._first)
        return highest[self._first][self._rank]

    @cached_property
    def _forward(self) -> tuple[_Level, ...]:
        return tuple(self._levels(self._by_consumer, self._inverse, transposed=False))

    @cached_property
    def _backward(self) -> tuple[_Level, ...]:
        inverse = self._inverse.T.tocsr()
        return tuple(self._levels(self._by_supplier, inverse, transposed=True))[::-1]

    def _levels(
        self, inputs: csr_array, inverse: csr_array, *, transposed: bool
    ) -> Iterator[_Level]:
        for start, loops, large, stop in self._bounds.tolist():
            yield _Level(
                start=start,
                loops=loops,
                large=large,
                stop=stop,
                inputs=_sliced(inputs, start, stop),
                inverse=_sliced(inverse, loops, large),
                blocks=tuple(b for b in self._blocks if start <= b.start < stop),
                transposed=transposed,
            )

    def _entered(self, table: FloatArray, what: str) -> FloatArray:
        """The table in row order, refused rows zeroed so that they contribute nothing."""
        table = np.asarray(table, dtype=np.float64)
        if table.ndim != 2 or len(table) != self.products:
            raise TableMismatch(what=what, products=self.products, shape=table.shape)
        rows = np.take(table, self._order, axis=0)
        rows[self.refused_mask[self._order]] = 0.0
        _refuse_infinities(rows, what)
        return rows

    def _pass(self, levels: tuple[_Level, ...], rows: FloatArray) -> FloatArray:
        for level in levels:
            level.advance(rows)
        answer = np.take(rows, self._rank, axis=0)
        answer[self.refused_mask] = np.nan
        return answer


class _PlacedBlock(NamedTuple):
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
    inverse: csr_array
    blocks: tuple[_PlacedBlock, ...]
    transposed: bool

    def advance(self, rows: FloatArray) -> None:
        """Complete this level in place, given that the levels it draws on are complete."""
        if self.inputs.nnz:
            rows[self.start : self.stop] += self.inputs @ rows
        if self.loops < self.large:
            rows[self.loops : self.large] = self.inverse @ rows
        for start, stop, block in self.blocks:
            rows[start:stop] = block.solve(rows[start:stop], transposed=self.transposed)

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
class _Layout:
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
    def of(cls, used: csr_array) -> _Layout:
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
class _Closed:
    """All loops of a network: inverses of the small ones, large ones, and refusals by rows."""

    inverse: csr_array
    blocks: tuple[_PlacedBlock, ...]
    refusals: tuple[tuple[slice, Refusal], ...]

    def refused_rows(self, n: int) -> BoolArray:
        mask = np.zeros(n, dtype=np.bool_)
        for rows, _ in self.refusals:
            mask[rows] = True
        return mask

    def named(self, order: IntArray) -> tuple[RefusedComponent, ...]:
        named = [
            RefusedComponent(np.sort(order[rows]), refusal.gain, refusal.reason)
            for rows, refusal in self.refusals
        ]
        return tuple(sorted(named, key=lambda component: int(component.nodes[0])))


def _checked(A: csr_array) -> csr_array:
    """The amounts with consumers in rows, in canonical form, without stored zeros."""
    rows, columns = A.shape
    if rows != columns:
        raise NetworkNotSquare(rows=rows, columns=columns)
    used: csr_array = A.T.tocsr().astype(np.float64)
    used.sum_duplicates()
    used.eliminate_zeros()
    _refuse_infinities(used.data, "amounts")
    return used


def _refuse_infinities(values: FloatArray, what: str) -> None:
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


def _close(within: csr_array, layout: _Layout) -> _Closed:
    """Close every loop; ``within`` holds the amounts used inside components, in row order."""
    inverse, refusals = _close_all_small(within, layout)
    blocks = []
    for start in np.unique(layout.first[layout.kind == _LARGE]).tolist():
        stop = start + int(layout.sizes[start])
        outcome = close_large(within[start:stop, start:stop])
        if isinstance(outcome, Refusal):
            refusals.append((slice(start, stop), outcome))
        else:
            blocks.append(_PlacedBlock(start, stop, outcome))
    return _Closed(inverse, tuple(blocks), tuple(refusals))


def _close_all_small(
    within: csr_array, layout: _Layout
) -> tuple[csr_array, list[tuple[slice, Refusal]]]:
    """Inverses of all small loops as one block-diagonal matrix; refused loops have empty rows."""
    small = _kept(within, np.repeat(layout.kind == _SMALL, np.diff(within.indptr))).tocoo()
    size_of_entry = layout.sizes[small.row]
    parts: list[tuple[FloatArray, IntArray, IntArray]] = []
    refusals: list[tuple[slice, Refusal]] = []
    for size in np.unique(size_of_entry).tolist():
        mine = size_of_entry == size
        starts, entry = np.unique(layout.first[small.row[mine]], return_inverse=True)
        dense = np.zeros((len(starts), size, size))
        local = small.row[mine] - starts[entry], small.col[mine] - starts[entry]
        dense[entry, local[0], local[1]] = small.data[mine]
        batch = close_small(dense)
        refusals += [
            (slice(int(starts[at]), int(starts[at]) + size), refusal)
            for at, refusal in batch.refusals.items()
        ]
        sound = np.setdiff1d(np.arange(len(starts)), list(batch.refusals))
        parts.append(_placed(batch.inverses[sound], starts[sound]))
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


def _silenced(matrix: csr_array, refused: BoolArray) -> csr_array:
    """The same entries, but nothing passes into or out of a refused row."""
    if not refused.any():
        return matrix
    touched = np.repeat(refused, np.diff(matrix.indptr)) | refused[matrix.indices]
    return _csr(np.where(touched, 0.0, matrix.data), matrix.indices, matrix.indptr, matrix.shape)


def _kept(matrix: csr_array, mask: BoolArray) -> csr_array:
    """The stored entries that ``mask`` selects, in their order."""
    before = np.concatenate([[0], np.cumsum(mask)]).astype(matrix.indptr.dtype)
    return _csr(matrix.data[mask], matrix.indices[mask], before[matrix.indptr], matrix.shape)


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
