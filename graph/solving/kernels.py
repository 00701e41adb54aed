"""Compiled passes over a network that changes: sweeps, waves and the order of supply.

Only ``graph.solving.live`` imports this module, and only when it is used: the compiler takes a
third of a second to load and, once per machine, a few seconds to translate what is below.
Everything is plain loops over the arrays of a ``Net``; why a step is right stands with
``graph.solving.live``. Sums run in the order of the stored inputs and are neither fused nor
reordered, so that a figure has the same bits whichever pass computed it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Nodes = NDArray[np.uint32]
Bytes = NDArray[np.uint8]
Function = TypeVar("Function", bound=Callable[..., object])

SMALL_LOOP, LARGE_LOOP, REFUSED_LOOP = 0, 1, 2
"""Kinds of loops: closed by an inverse, solved outside the compiled passes, without an answer."""

VALUE, MARKS, SEED, NOTED, WAITING = 1, 2, 4, 8, 16
"""Bits of ``Wave.flags``. Of components, set at their head: the sums are due, the marks are due,
waits on a stack. Of products: the change began here, the marks before the wave are noted."""

DONE, OUTSIDE, WIDE = 0, 1, 2
"""Why a wave pauses: it is over; a large loop is to be solved outside; it is too wide for a heap
and goes on in the order of supply."""

HEAP, REACHED, NOTES, SUMMED, BROAD = 0, 1, 2, 3, 4
"""Places in ``Wave.counts``: lengths of lists, rows summed, and how many notes are too many."""

EVERY_MARK = 255
_UNTOLD = -2


class Net(NamedTuple):
    """A network by products.

    Suppliers of ``j`` are ``suppliers[start : start + count]`` with ``start = in_start[j]`` and
    ``count = in_count[j]``, ascending, with ``amounts`` beside them; consumers likewise, in no
    order. ``head[j]`` is the component of ``j``: its smallest member. ``loop[j]`` is the slot of
    its loop, or -1. ``key`` is larger for every component than for all that supply it. The members
    of a slot are ``members[start : start + size]`` with ``start = loop_start[slot]``, ascending;
    the inverse of a small loop is stored by rows from ``inverses[loop_inverse[slot]]``.
    """

    in_start: Ints
    in_count: Ints
    suppliers: Nodes
    amounts: Floats
    out_start: Ints
    out_count: Ints
    consumers: Nodes
    key: Ints
    head: Nodes
    loop: NDArray[np.int32]
    loop_start: Ints
    loop_size: Ints
    loop_inverse: Ints
    loop_kind: Ints
    members: Nodes
    inverses: Floats


class Table(NamedTuple):
    """What each product brings of its own, and what follows from it and all upstream of it."""

    direct: Floats
    own_as_of: Ints
    own_marks: Bytes
    values: Floats
    as_of: Ints
    marks: Bytes


class Wave(NamedTuple):
    """Working memory of a wave. ``flags`` and ``moved`` are zero between waves.

    By product: ``moved``, by how much a row moved (columns weighted), and ``via``, the supplier
    through which the largest part of that came. ``heap`` with ``heap_key``, ``stack``: components
    to visit. ``reached``: moved rows in the order of supply, with their values ``before``.
    ``noted``: rows whose marks were touched, with what these were. ``right`` and ``fresh``: right
    sides and new values of the component at hand.
    """

    flags: Bytes
    moved: Floats
    via: NDArray[np.int32]
    heap_key: Ints
    heap: Nodes
    stack: Nodes
    reached: Nodes
    before: Floats
    noted: Nodes
    noted_as_of: Ints
    noted_marks: Bytes
    weights: Floats
    right: Floats
    fresh: Floats
    counts: Ints

    @classmethod
    def blank(cls, capacity: int, largest: int, weights: Floats) -> Wave:
        """Memory for so many products and loops of that size, a weight for every column."""
        return cls(
            flags=np.zeros(capacity, dtype=np.uint8),
            moved=np.zeros(capacity),
            via=np.zeros(capacity, dtype=np.int32),
            heap_key=np.zeros(capacity, dtype=np.int64),
            heap=np.zeros(capacity, dtype=np.uint32),
            stack=np.zeros(capacity, dtype=np.uint32),
            reached=np.zeros(capacity, dtype=np.uint32),
            before=np.zeros((capacity, len(weights))),
            noted=np.zeros(capacity, dtype=np.uint32),
            noted_as_of=np.zeros(capacity, dtype=np.int64),
            noted_marks=np.zeros(capacity, dtype=np.uint8),
            weights=weights,
            right=np.zeros((largest, len(weights))),
            fresh=np.zeros((largest, len(weights))),
            counts=np.zeros(5, dtype=np.int64),
        )


_njit: Callable[..., Any] = numba.njit
"""Its published types leave out the options below. Without ``_nrt`` no references are counted,
which costs more than the arithmetic: nothing here allocates or keeps an array."""


def compiled(function: Function) -> Function:
    """Translated at first use, once per machine; runs without holding the interpreter."""
    return cast(Function, _njit(cache=True, nogil=True, _nrt=False)(function))


def inner(function: Function) -> Function:
    """Translated along with the compiled functions that call it; not callable from outside."""
    options = {"_nrt": False, "forceinline": True}
    hidden = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(Function, _njit(nogil=True, **options, **hidden)(function))


# -- one component ---------------------------------------------------------------------------------


@inner
def _size(net: Net, head: int) -> int:
    slot = net.loop[head]
    return int(net.loop_size[slot]) if slot >= 0 else 1


@inner
def _member(net: Net, head: int, position: int) -> int:
    slot = net.loop[head]
    return int(net.members[net.loop_start[slot] + position]) if slot >= 0 else int(head)


@inner
def _copy(values: Floats, into: Floats) -> None:
    for column in range(into.shape[0]):
        into[column] = values[column]


@inner
def _sum(net: Net, table: Table, node: int, looped: bool, out: Floats, row: int) -> None:
    """``out[row] = direct + sum of amount * value`` over suppliers outside the node's loop.

    Suppliers without an answer are passed over. Eight columns at a time stay in registers.
    """
    start, columns = net.in_start[node], out.shape[1]
    stop = start + net.in_count[node]
    column = 0
    while column + 8 <= columns:
        a, b, c, d, e, f, g, h = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for at in range(start, stop):
            supplier, amount = net.suppliers[at], net.amounts[at]
            if table.values[supplier, 0] != table.values[supplier, 0]:
                continue
            if looped and net.head[supplier] == net.head[node]:
                continue
            a += amount * table.values[supplier, column]
            b += amount * table.values[supplier, column + 1]
            c += amount * table.values[supplier, column + 2]
            d += amount * table.values[supplier, column + 3]
            e += amount * table.values[supplier, column + 4]
            f += amount * table.values[supplier, column + 5]
            g += amount * table.values[supplier, column + 6]
            h += amount * table.values[supplier, column + 7]
        out[row, column] = table.direct[node, column] + a
        out[row, column + 1] = table.direct[node, column + 1] + b
        out[row, column + 2] = table.direct[node, column + 2] + c
        out[row, column + 3] = table.direct[node, column + 3] + d
        out[row, column + 4] = table.direct[node, column + 4] + e
        out[row, column + 5] = table.direct[node, column + 5] + f
        out[row, column + 6] = table.direct[node, column + 6] + g
        out[row, column + 7] = table.direct[node, column + 7] + h
        column += 8
    while column < columns:
        a = 0.0
        for at in range(start, stop):
            supplier = net.suppliers[at]
            if table.values[supplier, 0] != table.values[supplier, 0]:
                continue
            if looped and net.head[supplier] == net.head[node]:
                continue
            a += net.amounts[at] * table.values[supplier, column]
        out[row, column] = table.direct[node, column] + a
        column += 1


@inner
def _sum_all(net: Net, table: Table, head: int, right: Floats) -> None:
    looped = net.loop[head] >= 0
    for position in range(_size(net, head)):
        _sum(net, table, _member(net, head, position), looped, right, position)


@inner
def _close(net: Net, slot: int, right: Floats, fresh: Floats) -> None:
    """``fresh = (I - B)^-1 right`` for a small loop."""
    size, at = net.loop_size[slot], net.loop_inverse[slot]
    for row in range(size):
        for column in range(fresh.shape[1]):
            fresh[row, column] = 0.0
        for other in range(size):
            factor = net.inverses[at + row * size + other]
            for column in range(fresh.shape[1]):
                fresh[row, column] += factor * right[other, column]


@inner
def _fresh(net: Net, table: Table, wave: Wave, head: int) -> int:
    """Compute the rows of a loop into ``wave.fresh``; ``OUTSIDE`` leaves that to the caller."""
    slot = net.loop[head]
    if net.loop_kind[slot] == REFUSED_LOOP:
        for position in range(net.loop_size[slot]):
            for column in range(wave.fresh.shape[1]):
                wave.fresh[position, column] = np.nan
        return DONE
    _sum_all(net, table, head, wave.right)
    if net.loop_kind[slot] == LARGE_LOOP:
        return OUTSIDE
    _close(net, slot, wave.right, wave.fresh)
    return DONE


@inner
def _collect(net: Net, table: Table, head: int) -> tuple[int, int]:
    """The latest entry and all marks of a component's members and of their suppliers."""
    latest, marks = table.own_as_of[head], table.own_marks[head]
    for position in range(_size(net, head)):
        node = _member(net, head, position)
        latest = max(latest, table.own_as_of[node])
        marks |= table.own_marks[node]
        for at in range(net.in_start[node], net.in_start[node] + net.in_count[node]):
            supplier = net.suppliers[at]
            if net.head[supplier] != net.head[head]:
                latest = max(latest, table.as_of[supplier])
                marks |= table.marks[supplier]
    slot = net.loop[head]
    if slot >= 0 and net.loop_kind[slot] == REFUSED_LOOP:
        marks |= np.uint8(EVERY_MARK)
    return latest, marks


# -- everything, in the order of supply ------------------------------------------------------------


@compiled
def sweep(net: Net, table: Table, wave: Wave, order: Nodes, at: int) -> int:
    """Compute every component from position ``at`` of ``order`` on.

    Stops at a large loop with its right sides in ``wave.right`` and returns its position.
    """
    while at < order.shape[0]:
        head = order[at]
        latest, marks = _collect(net, table, head)
        for position in range(_size(net, head)):
            node = _member(net, head, position)
            table.as_of[node], table.marks[node] = latest, marks
        slot = net.loop[head]
        if slot < 0:
            _sum(net, table, head, False, table.values, head)
        elif _fresh(net, table, wave, head) == OUTSIDE:
            return at
        else:
            for position in range(net.loop_size[slot]):
                _copy(wave.fresh[position], table.values[_member(net, head, position)])
        at += 1
    return at


@compiled
def need_suppliers(net: Net, order: Nodes, needed: Bytes) -> None:
    """Mark everything upstream of the marked rows."""
    for back in range(order.shape[0]):
        head = order[order.shape[0] - 1 - back]
        wanted = False
        for position in range(_size(net, head)):
            wanted |= needed[_member(net, head, position)] != 0
        if not wanted:
            continue
        for position in range(_size(net, head)):
            node = _member(net, head, position)
            needed[node] = 1
            for at in range(net.in_start[node], net.in_start[node] + net.in_count[node]):
                needed[net.suppliers[at]] = 1


@compiled
def sweep_columns(
    net: Net,
    table: Table,
    wave: Wave,
    order: Nodes,
    at: int,
    held: Ints,
    opened: Ints,
    pool: Floats,
) -> int:
    """As ``sweep`` without marks, where single rows and loops differ in single columns.

    The members of a component follow one another. ``held`` lists row and column of values that
    stay zero; ``opened`` first row, column and place in ``pool`` of the inverse of loops that are
    closed differently there; both by rows. ``wave.counts`` holds how many were passed. Components
    without a flag are left out.
    """
    while at < order.shape[0]:
        head = order[at]
        slot, size = net.loop[head], _size(net, head)
        if wave.flags[head] == 0:
            while wave.counts[1] < opened.shape[0] and opened[wave.counts[1], 0] == head:
                wave.counts[1] += 1
        elif slot < 0:
            _sum(net, table, head, False, table.values, head)
        elif _fresh(net, table, wave, head) == OUTSIDE:
            return at
        else:
            while wave.counts[1] < opened.shape[0] and opened[wave.counts[1], 0] == head:
                column, place = opened[wave.counts[1], 1], opened[wave.counts[1], 2]
                for row in range(size):
                    value = 0.0
                    for other in range(size):
                        value += pool[place + row * size + other] * wave.right[other, column]
                    wave.fresh[row, column] = value
                wave.counts[1] += 1
            for position in range(size):
                _copy(wave.fresh[position], table.values[head + position])
        while wave.counts[0] < held.shape[0] and held[wave.counts[0], 0] < head + size:
            table.values[held[wave.counts[0], 0], held[wave.counts[0], 1]] = 0.0
            wave.counts[0] += 1
        at += 1
    return at


# -- a wave ----------------------------------------------------------------------------------------


@inner
def _push(wave: Wave, key: int, node: int) -> None:
    at = wave.counts[HEAP]
    wave.counts[HEAP] = at + 1
    while at > 0:
        above = (at - 1) >> 1
        if wave.heap_key[above] <= key:
            break
        wave.heap_key[at], wave.heap[at] = wave.heap_key[above], wave.heap[above]
        at = above
    wave.heap_key[at], wave.heap[at] = key, node


@inner
def _pop(wave: Wave) -> int:
    first = wave.heap[0]
    last = wave.counts[HEAP] - 1
    wave.counts[HEAP] = last
    key, node = wave.heap_key[last], wave.heap[last]
    at, below = 0, 1
    while below < last:
        if below + 1 < last and wave.heap_key[below + 1] < wave.heap_key[below]:
            below += 1
        if wave.heap_key[below] >= key:
            break
        wave.heap_key[at], wave.heap[at] = wave.heap_key[below], wave.heap[below]
        at, below = below, 2 * below + 1
    wave.heap_key[at], wave.heap[at] = key, node
    return int(first)


@inner
def _due(net: Net, wave: Wave, head: int, what: int, walking: bool) -> None:
    if walking and wave.flags[head] & (VALUE | MARKS) == 0:
        _push(wave, net.key[head], head)
    wave.flags[head] |= np.uint8(what)


@inner
def _pass_on(net: Net, wave: Wave, head: int, what: int, walking: bool) -> None:
    """What draws on a component is due."""
    for position in range(_size(net, head)):
        node = _member(net, head, position)
        for at in range(net.out_start[node], net.out_start[node] + net.out_count[node]):
            consumer = net.consumers[at]
            if wave.flags[consumer] & what == 0 and net.head[consumer] != head:
                _due(net, wave, net.head[consumer], what, walking)


@inner
def _mark(net: Net, table: Table, wave: Wave, head: int, latest: int, marks: int) -> None:
    """Give all members of a component new marks, having noted the old ones."""
    for position in range(_size(net, head)):
        node = _member(net, head, position)
        if wave.flags[node] & NOTED == 0:
            at = wave.counts[NOTES]
            wave.counts[NOTES] = at + 1
            wave.noted[at] = node
            wave.noted_as_of[at], wave.noted_marks[at] = table.as_of[node], table.marks[node]
            wave.flags[node] |= np.uint8(NOTED)
        table.as_of[node], table.marks[node] = latest, marks


@inner
def _raise_marks(net: Net, table: Table, wave: Wave, start: int) -> None:
    """Raise the marks of all that draws on a component, in any order: a maximum has none.

    Once they are ``BROAD`` the rest is due instead: the wave is about to go on in order.
    """
    depth = 1
    wave.stack[0] = start
    while depth:
        depth -= 1
        head = wave.stack[depth]
        wave.flags[head] &= np.uint8(~WAITING & 255)
        if wave.counts[NOTES] > wave.counts[BROAD]:
            _pass_on(net, wave, head, MARKS, False)
            continue
        latest, marks = table.as_of[head], table.marks[head]
        for position in range(_size(net, head)):
            node = _member(net, head, position)
            for at in range(net.out_start[node], net.out_start[node] + net.out_count[node]):
                consumer = net.consumers[at]
                later = max(latest, table.as_of[consumer])
                if later == table.as_of[consumer] and (
                    marks == 0 or marks | table.marks[consumer] == table.marks[consumer]
                ):
                    continue
                consumer = net.head[consumer]
                _mark(net, table, wave, consumer, later, marks | table.marks[consumer])
                if wave.flags[consumer] & WAITING == 0:
                    wave.flags[consumer] |= np.uint8(WAITING)
                    wave.stack[depth] = consumer
                    depth += 1


@inner
def _settle_marks(net: Net, table: Table, wave: Wave, head: int, walking: bool) -> None:
    """Collect the marks of a component again; what was raised spreads at once."""
    latest, marks = _collect(net, table, head)
    before, marks_before = table.as_of[head], table.marks[head]
    uneven = False
    for position in range(_size(net, head)):
        node = _member(net, head, position)
        uneven |= table.as_of[node] != latest or table.marks[node] != marks
    if not uneven:
        return
    _mark(net, table, wave, head, latest, marks)
    if latest >= before and marks | marks_before == marks and net.loop[head] < 0:
        _raise_marks(net, table, wave, head)
    else:
        _pass_on(net, wave, head, MARKS, walking)


@inner
def _differ(one: Floats, other: Floats) -> bool:
    for column in range(one.shape[0]):
        both_unknown = one[column] != one[column] and other[column] != other[column]
        if one[column] != other[column] and not both_unknown:
            return True
    return False


@inner
def _distance(one: Floats, other: Floats, weights: Floats) -> float:
    """How far two rows are apart; a row without an answer counts as zero."""
    total = 0.0
    for column in range(one.shape[0]):
        left = one[column] if one[column] == one[column] else 0.0
        right = other[column] if other[column] == other[column] else 0.0
        total += weights[column] * abs(left - right)
    return total


@inner
def _strongest(net: Net, wave: Wave, node: int) -> tuple[int, float]:
    """The supplier outside the node's loop through which most of its change came, and how much."""
    supplier, most = -1, 0.0
    for at in range(net.in_start[node], net.in_start[node] + net.in_count[node]):
        other = net.suppliers[at]
        part = abs(net.amounts[at]) * wave.moved[other]
        if part > most and net.head[other] != net.head[node]:
            supplier, most = int(other), part
    return supplier, most


@inner
def _tell_loop(net: Net, wave: Wave, head: int) -> None:
    """Within a loop, every member tells its neighbour on a shortest way from the point of entry.

    A change enters where it began, or else where the largest part of it came in.
    """
    count, entry, most = 0, head, 0.0
    for position in range(_size(net, head)):
        node = _member(net, head, position)
        wave.via[node] = _UNTOLD
        part = _strongest(net, wave, node)[1]
        if part > most:
            entry, most = node, part
        if wave.flags[node] & SEED:
            wave.via[node] = -1
            wave.stack[count] = node
            count += 1
    if count == 0:
        wave.via[entry] = _strongest(net, wave, entry)[0]
        wave.stack[0] = entry
        count = 1
    told = 0
    while told < count:
        node = wave.stack[told]
        told += 1
        for at in range(net.out_start[node], net.out_start[node] + net.out_count[node]):
            consumer = net.consumers[at]
            if net.head[consumer] == net.head[head] and wave.via[consumer] == _UNTOLD:
                wave.via[consumer] = node
                wave.stack[count] = consumer
                count += 1


@inner
def _settle_values(net: Net, table: Table, wave: Wave, head: int, walking: bool) -> None:
    """Put ``wave.fresh`` in place of a component's values; where they move, consumers are due."""
    began = wave.counts[REACHED]
    for position in range(_size(net, head)):
        node = _member(net, head, position)
        row, fresh = table.values[node], wave.fresh[position]
        if _differ(row, fresh):
            at = wave.counts[REACHED]
            wave.counts[REACHED] = at + 1
            wave.reached[at] = node
            _copy(row, wave.before[at])
            wave.moved[node] = _distance(row, fresh, wave.weights)
            _copy(fresh, row)
    if wave.counts[REACHED] == began:
        return
    if net.loop[head] >= 0:
        _tell_loop(net, wave, head)
    else:
        wave.via[head] = -1 if wave.flags[head] & SEED else _strongest(net, wave, head)[0]
    _pass_on(net, wave, head, VALUE, walking)


@inner
def _visit(net: Net, table: Table, wave: Wave, head: int, walking: bool) -> int:
    """Bring a due component up to date; ``OUTSIDE`` with its right sides for a large loop."""
    due = wave.flags[head]
    wave.flags[head] = due & np.uint8(~(VALUE | MARKS) & 255)
    if due & MARKS:
        _settle_marks(net, table, wave, head, walking)
    if due & VALUE == 0:
        return DONE
    wave.counts[SUMMED] += _size(net, head)
    if net.loop[head] < 0:
        _sum(net, table, head, False, wave.fresh, 0)
    elif _fresh(net, table, wave, head) == OUTSIDE:
        return OUTSIDE
    _settle_values(net, table, wave, head, walking)
    return DONE


@compiled
def advance(
    net: Net, table: Table, wave: Wave, order: Nodes, at: int, most: int, solved: int
) -> tuple[int, int, int]:
    """Visit due components until none is left; why it stopped, at which component and position.

    With ``at`` below zero they come from the heap, and more than ``most`` rows summed or waiting
    are too ``WIDE``, or marks that became broad; else from position ``at`` of ``order`` on.
    ``OUTSIDE`` leaves the right sides of a large loop in ``wave.right``: put its values into
    ``wave.fresh`` and pass it as ``solved``.
    """
    walking = at < 0
    if solved >= 0:
        _settle_values(net, table, wave, solved, walking)
    while True:
        if walking:
            summed, waiting = wave.counts[SUMMED], wave.counts[HEAP]
            if max(summed, waiting) > most or wave.counts[NOTES] > wave.counts[BROAD]:
                return WIDE, -1, at
            if wave.counts[HEAP] == 0:
                return DONE, -1, at
            head = _pop(wave)
        else:
            while at < order.shape[0] and wave.flags[order[at]] & (VALUE | MARKS) == 0:
                at += 1
            if at == order.shape[0]:
                return DONE, -1, at
            head = order[at]
        if _visit(net, table, wave, head, walking) == OUTSIDE:
            return OUTSIDE, int(head), at


# -- the order of supply ---------------------------------------------------------------------------


@compiled
def unlink(net: Net, supplier: int, consumer: int) -> None:
    """Take a consumer off a supplier's list."""
    start, count = net.out_start[supplier], net.out_count[supplier]
    for at in range(start, start + count):
        if net.consumers[at] == consumer:
            net.consumers[at] = net.consumers[start + count - 1]
            net.out_count[supplier] = count - 1
            return


@compiled
def ahead(net: Net, wave: Wave, head: int, limit: int) -> int:
    """Components that draw on ``head`` and have no key above ``limit``; their number.

    They are listed in ``wave.stack``, ``head`` first, and flagged as waiting.
    """
    wave.stack[0], count, at = head, 1, 0
    wave.flags[head] |= np.uint8(WAITING)
    while at < count:
        supplier = wave.stack[at]
        at += 1
        for position in range(_size(net, supplier)):
            node = _member(net, supplier, position)
            for edge in range(net.out_start[node], net.out_start[node] + net.out_count[node]):
                consumer = net.head[net.consumers[edge]]
                if net.key[consumer] <= limit and wave.flags[consumer] & WAITING == 0:
                    wave.flags[consumer] |= np.uint8(WAITING)
                    wave.stack[count] = consumer
                    count += 1
    return count


@compiled
def behind(net: Net, wave: Wave, head: int) -> int:
    """Those of the waiting components that supply ``head``, itself included; their number.

    They are listed in ``wave.reached`` and no longer waiting.
    """
    wave.reached[0], count, at = head, 1, 0
    wave.flags[head] &= np.uint8(~WAITING & 255)
    while at < count:
        consumer = wave.reached[at]
        at += 1
        for position in range(_size(net, consumer)):
            node = _member(net, consumer, position)
            for edge in range(net.in_start[node], net.in_start[node] + net.in_count[node]):
                supplier = net.head[net.suppliers[edge]]
                if wave.flags[supplier] & WAITING:
                    wave.flags[supplier] &= np.uint8(~WAITING & 255)
                    wave.reached[count] = supplier
                    count += 1
    return count


@compiled
def lift(net: Net, wave: Wave, head: int, key: int) -> None:
    """Give a component a key, and larger ones to all that draws on it where they are not.

    Visited in the order of the old keys, in which every supplier comes before its consumers.
    """
    wave.counts[HEAP] = 0
    _rekey(net, head, key)
    _push(wave, -1, head)
    while wave.counts[HEAP]:
        supplier = _pop(wave)
        wave.flags[supplier] &= np.uint8(~WAITING & 255)
        for position in range(_size(net, supplier)):
            node = _member(net, supplier, position)
            for at in range(net.out_start[node], net.out_start[node] + net.out_count[node]):
                consumer = net.head[net.consumers[at]]
                if consumer == supplier or net.key[consumer] > net.key[supplier]:
                    continue
                if wave.flags[consumer] & WAITING == 0:
                    wave.flags[consumer] |= np.uint8(WAITING)
                    _push(wave, net.key[consumer], consumer)
                _rekey(net, consumer, net.key[supplier] + 1)


@inner
def _rekey(net: Net, head: int, key: int) -> None:
    for position in range(_size(net, head)):
        net.key[_member(net, head, position)] = key


# -- where a footprint comes from ------------------------------------------------------------------


@inner
def _weight(table: Table, wave: Wave, node: int) -> float:
    """A row's value with its columns weighted; zero without an answer."""
    total = 0.0
    for column in range(wave.weights.shape[0]):
        value = table.values[node, column]
        total += wave.weights[column] * abs(value) if value == value else 0.0
    return total


@inner
def _turn(net: Net, slot: int, wave: Wave) -> None:
    """``fresh = (I - B)^-1' right`` for a small loop, first column."""
    size, at = net.loop_size[slot], net.loop_inverse[slot]
    for row in range(size):
        total = 0.0
        for other in range(size):
            total += net.inverses[at + other * size + row] * wave.right[other, 0]
        wave.fresh[row, 0] = total


@compiled
def descend(net: Net, table: Table, wave: Wave, floor: float, solved: int) -> tuple[int, float]:
    """Follow the demand in ``wave.moved`` upstream from the heap, consumers before suppliers.

    Lists what is visited in ``wave.reached`` and the units made of it in the first column of
    ``before``. What carries less than ``floor`` is not followed and listed with zero. Returns a
    large loop to be solved outside, or -1, and the weight not followed so far.
    """
    left = 0.0
    while solved >= 0 or wave.counts[HEAP]:
        head = solved if solved >= 0 else _pop(wave)
        slot, size = net.loop[head], _size(net, head)
        refused = slot >= 0 and net.loop_kind[slot] == REFUSED_LOOP
        if slot >= 0 and not refused:
            if solved < 0:
                for position in range(size):
                    wave.right[position, 0] = wave.moved[_member(net, head, position)]
                if net.loop_kind[slot] == LARGE_LOOP:
                    return int(head), left
                _turn(net, slot, wave)
            for position in range(size):
                wave.moved[_member(net, head, position)] = wave.fresh[position, 0]
        solved = -1
        wave.flags[head] &= np.uint8(~VALUE & 255)
        carried = 0.0
        for position in range(size):
            node = _member(net, head, position)
            carried += abs(wave.moved[node]) * _weight(table, wave, node)
        followed = carried >= floor and not refused
        if not followed:
            left += carried
        for position in range(size):
            node = _member(net, head, position)
            at = wave.counts[REACHED]
            wave.counts[REACHED] = at + 1
            wave.reached[at] = node
            wave.before[at, 0] = wave.moved[node] if followed else 0.0
            if not followed:
                continue
            for edge in range(net.in_start[node], net.in_start[node] + net.in_count[node]):
                supplier = net.suppliers[edge]
                other = net.head[supplier]
                if other != head:
                    wave.moved[supplier] += net.amounts[edge] * wave.moved[node]
                    if wave.flags[other] & VALUE == 0:
                        wave.flags[other] |= np.uint8(VALUE)
                        _push(wave, -net.key[other], other)
    return -1, left
