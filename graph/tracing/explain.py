"""Taking a figure apart: where it was emitted, how far upstream, by whom, as what, through what.

A figure is traced from its start ``s₀`` (for a product its mix, for a boundary the output of its
own nodes ``x_P``) over the links that it may follow, ``A`` with suppliers in rows:

    ``s_{t+1} = A s_t``            units made of each node, ``t + 1`` tiers upstream
    ``v = Σ_t s_t``                units made in all,  ``v = s₀ + A v``
    ``figure = e'v``               every unit with what it emits itself

Of a boundary, links into its own nodes are not followed: ``v_O = (I − A_OO)⁻¹ A_OP x_P``, and the
figure is T2. Where a reader may not look further, the walk ends at a frontier whose nodes count
whole (``e`` is then their footprint), as in ``graph.tracing.frontier``.

Every list is a partition of ``e'v``: its parts and its rest sum to the figure. Two amounts stand
side by side in each part, what is known and what the factor ladder puts in the place of gaps; they
sum to the lower bound and to what is filled in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.figures.boundary import Fence
from graph.figures.footprint import mix_of
from graph.figures.gaps import GapIndex
from graph.reading.network import Floats, Gap, Ints, Network, Node
from graph.reading.year import Place
from graph.solving.characterise import Characterisation
from graph.solving.outside import cone_of
from graph.solving.solve import Plan
from graph.solving.solved import Solved
from graph.solving.upstream import made_for
from graph.terms import Feed
from graph.tracing.frontier import View

K = TypeVar("K", bound=Hashable)
Mask = NDArray[np.bool_]

OWN = 0
"""The category of what arises at the start itself: its own emissions come over no link."""
TIERS = 8
"""Tiers that are told apart; what lies beyond is the rest."""
MOST = 20
CATEGORIES = 9


@dataclass(frozen=True, slots=True)
class Kg:
    """kg CO2e that are known, and kg CO2e that the factor ladder fills in."""

    known: float = 0.0
    filled: float = 0.0

    @property
    def total(self) -> float:
        return self.known + self.filled

    def __add__(self, other: Kg) -> Kg:
        return Kg(self.known + other.known, self.filled + other.filled)

    def __sub__(self, other: Kg) -> Kg:
        return Kg(self.known - other.known, self.filled - other.filled)


@dataclass(frozen=True, slots=True)
class Part(Generic[K]):
    """What ``of`` contributes to a figure."""

    of: K
    kg: Kg


@dataclass(frozen=True)
class Breakdown(Generic[K]):
    """Some parts of a figure, and what all others come to: ``Σ parts + rest = figure``.

    ``others`` is how many parts the rest consists of, where they can be counted.
    """

    figure: Kg
    parts: tuple[Part[K], ...]
    rest: Kg
    others: int | None = None


@dataclass(frozen=True)
class Trace:
    """A figure with everything it was drawn from. Arrays follow ``nodes``, which ascend.

    ``start`` and ``units``: declared units of tier 0 and of all tiers. ``known`` and ``filled``:
    kg CO2e per declared unit that arise at the node; where ``whole``, up to its gate, and nothing
    upstream of it is followed. Links are followed into nodes that are ``entered``.
    """

    solved: Solved
    weights: Characterisation
    nodes: Ints
    start: Floats
    units: Floats
    emissions: Floats
    """(nodes, k) kg of each column per declared unit, known."""
    estimates: Floats
    """The same of what the ladder fills in."""
    whole: Mask
    entered: Mask
    gaps: tuple[Gap, ...] = ()
    """Inputs of tier 0 that nothing describes, per declared unit, as far as they count."""
    _gate: tuple[Floats, Floats] | None = field(default=None, repr=False)
    _plan: Plan | None = field(default=None, repr=False)

    @property
    def network(self) -> Network:
        return self.solved.network

    @cached_property
    def known(self) -> Floats:
        return self.weights.co2e(self.emissions)

    @cached_property
    def filled(self) -> Floats:
        return self.weights.co2e(self.estimates)

    @cached_property
    def figure(self) -> Kg:
        """kg CO2e in all."""
        return Kg(float(self.known @ self.units), float(self.filled @ self.units))

    @cached_property
    def links(self) -> sparse.csc_array:
        """``A`` among the nodes, consumers in columns: the links that are followed, no others."""
        columns = self.network.by_consumer[:, self.nodes].tocoo()
        rank = np.full(len(self.network.nodes), -1)
        rank[self.nodes] = np.arange(len(self.nodes))
        row, size = rank[columns.row], len(self.nodes)
        kept = (row >= 0) & self.entered[row] & ~self.whole[columns.col]
        at = (row[kept], columns.col[kept])
        return sparse.csc_array((columns.data[kept], at), shape=(size, size))

    def links_into(self, consumer: int) -> tuple[Ints, Floats]:
        """Positions of what one position draws on over links that are followed, and the amounts.

        A column of ``links``, without putting together the others.
        """
        columns, node = self.network.by_consumer, self.nodes[consumer]
        span = slice(columns.indptr[node], columns.indptr[node + 1])
        suppliers, amounts = columns.indices[span], columns.data[span]
        if self.whole[consumer] or not len(suppliers):
            return np.empty(0, dtype=np.int64), np.empty(0)
        at = np.searchsorted(self.nodes, suppliers)
        at[at == len(self.nodes)] = 0
        kept = (self.nodes[at] == suppliers) & self.entered[at]
        return at[kept].astype(np.int64), amounts[kept]

    @cached_property
    def gate(self) -> tuple[Floats, Floats]:
        """Known and filled kg CO2e per declared unit up to the gate of each node, over the links
        that are followed: ``f = e + A'f``."""
        if self._gate is not None:
            return self._gate
        table = self.plan.footprints(np.stack([self.known, self.filled], axis=1))
        return np.nan_to_num(table[:, 0]), np.nan_to_num(table[:, 1])

    @cached_property
    def plan(self) -> Plan:
        """The order of supply over the links that are followed."""
        return self._plan or Plan.of(sparse.csr_array(self.links))

    def without(self, hidden: Iterable[int]) -> Trace:
        """The same trace where what arises at the ``hidden`` nodes counts nothing."""
        silent = np.isin(self.nodes, list(hidden))
        return replace(
            self,
            emissions=np.where(silent[:, None], 0.0, self.emissions),
            estimates=np.where(silent[:, None], 0.0, self.estimates),
            _gate=None,
        )


# --- What is traced --------------------------------------------------------------------------


def trace_product(
    solved: Solved,
    product: str,
    weights: Characterisation,
    site: str | None = None,
    view: View | None = None,
) -> Trace:
    """The footprint of a product, per declared unit, as far as ``view`` goes (None: everywhere).

    Raises as ``graph.figures.footprint.product_footprint``.
    """
    nodes, shares = mix_of(solved, product, site)
    demand = dict(zip(nodes, map(float, shares), strict=True))
    if view is not None:
        return _trace_view(solved, demand, weights, view)
    drawn, units = made_for(solved, demand)
    known = weights.co2e(np.nan_to_num(solved.footprints[drawn]))
    filled = weights.co2e(np.nan_to_num(solved.estimated[drawn]))
    trace = _trace(solved, weights, drawn, demand)
    return replace(trace, units=units, entered=~solved.refused[drawn], _gate=(known, filled))


def _trace_view(
    solved: Solved, demand: Mapping[int, float], weights: Characterisation, view: View
) -> Trace:
    trace = _trace(solved, weights, np.union1d(view.open, view.frontier), demand)
    trace = replace(trace, entered=~solved.refused[trace.nodes])
    tables = solved.footprints[view.frontier], solved.estimated[view.frontier]
    return _supplied(_ending(trace, view.frontier, *map(np.nan_to_num, tables)))


def trace_boundary(
    solved: Solved,
    places: Iterable[Place],
    weights: Characterisation,
    view: View | None = None,
) -> Trace:
    """T2 of the boundary around ``places``, in kg CO2e of the year.

    Its own nodes are the start, each with its output; links back into them are not followed. What
    stands at the frontier counts whole but for what arose inside, which is counted where it is.
    Raises ``NoDataForYear``.
    """
    fence = Fence(solved, frozenset(places), weights)
    start = {int(i): float(x) for i, x in zip(fence.counted, fence.output, strict=True) if x}
    begun, outside = np.array(sorted(start), dtype=np.int64), ~fence.held_mask
    if view is None:
        trace = _trace(solved, weights, _upstream(fence, begun), start)
        return _supplied(_fenced(trace, fence))
    frontier = view.frontier[outside[view.frontier]]
    reached = np.union1d(view.open, frontier)
    nodes = np.union1d(begun, reached[outside[reached]])
    beyond = _fenced(_trace(solved, weights, _upstream(fence, frontier), {}), fence)
    at = np.searchsorted(beyond.nodes, frontier)
    tables = (beyond.plan.footprints(table)[at] for table in (beyond.emissions, beyond.estimates))
    trace = _fenced(_trace(solved, weights, nodes, start), fence)
    return _supplied(_ending(trace, frontier, *map(np.nan_to_num, tables)))


def _fenced(trace: Trace, fence: Fence) -> Trace:
    """Links are followed outside only, and gaps filled in as far as the boundary fills them in.

    Not what somebody inside was to supply, nor what a recipe lacks at a place whose purchases are
    stated: those are its inflow.
    """
    gaps = tuple(gap for gap in trace.gaps if _is_inflow(trace.network, fence, gap))
    inside = [(gap.node, gap.estimate) for gap in gaps if gap.estimate is not None]
    estimates = np.zeros_like(trace.estimates)
    told, outside = fence.estimates, ~fence.held_mask
    _add(
        estimates, trace.nodes, told.nodes[outside[told.nodes]], told.emissions[outside[told.nodes]]
    )
    rows = [trace.network.row(estimate.emissions) for _, estimate in inside]
    nodes = np.array([node for node, _ in inside], dtype=np.int64)
    _add(estimates, trace.nodes, nodes, np.array(rows).reshape(len(rows), estimates.shape[1]))
    return replace(trace, entered=outside[trace.nodes], estimates=estimates, gaps=gaps)


def _is_inflow(network: Network, fence: Fence, gap: Gap) -> bool:
    node = network.nodes[gap.node]
    book = network.books.get(node.place) if node.place else None
    distributes = node.feed is not Feed.OVERHEAD and book is not None and book.has_purchases
    return gap.supplier not in fence.owners and not distributes


def _add(table: Floats, nodes: Ints, at: Ints, rows: Floats) -> None:
    """Add ``rows`` to the rows of the ``nodes`` that they are about; others are left out."""
    there = np.isin(at, nodes)
    np.add.at(table, np.searchsorted(nodes, at[there]), rows[there])


def _trace(
    solved: Solved, weights: Characterisation, nodes: Ints, start: Mapping[int, float]
) -> Trace:
    """A trace whose links all may be followed, and whose supply is not yet known."""
    begun = np.zeros(len(nodes))
    begun[np.searchsorted(nodes, list(start))] = list(start.values())
    return Trace(
        solved=solved,
        weights=weights,
        nodes=nodes,
        start=begun,
        units=begun,
        emissions=solved.network.direct[nodes],
        estimates=solved.network.estimates[nodes],
        whole=np.zeros(len(nodes), dtype=bool),
        entered=np.ones(len(nodes), dtype=bool),
        gaps=tuple(GapIndex.of(solved.network).at(np.array(sorted(start), dtype=np.int64))),
    )


def _ending(trace: Trace, frontier: Ints, known: Floats, filled: Floats) -> Trace:
    """The trace ends at ``frontier``, whose nodes count with what arose up to their gates."""
    at = np.searchsorted(trace.nodes, frontier)
    emissions, estimates, whole = trace.emissions, trace.estimates, trace.whole.copy()
    emissions[at], estimates[at], whole[at] = known, filled, True
    return replace(trace, emissions=emissions, estimates=estimates, whole=whole)


def _supplied(trace: Trace) -> Trace:
    """``v = s₀ + A v`` over the links that the trace follows; refused loops supply nothing."""
    plan = Plan.of(sparse.csr_array(trace.links))
    units = np.nan_to_num(plan.supply(trace.start[:, None]))[:, 0]
    entered = trace.entered & ~plan.refused_mask
    return replace(trace, units=units, entered=entered, _plan=plan)


def _upstream(fence: Fence, start: Ints) -> Ints:
    """``start`` and every node outside that it draws on, ascending."""
    nodes = cone_of(fence.network, start, fence.held_mask)
    assert nodes is not None  # there is no bound
    return nodes


# --- Partitions ------------------------------------------------------------------------------


def by_origin(trace: Trace, most: int = MOST) -> Breakdown[int]:
    """By the node where it was emitted, ``e_i v_i``, largest first; at the frontier, by the node up
    to whose gate it arose."""
    known, filled = trace.known * trace.units, trace.filled * trace.units
    size = np.abs(known + filled)
    kept = _largest(size, most)
    parts = tuple(
        Part(int(trace.nodes[i]), Kg(float(known[i]), float(filled[i]))) for i in kept if size[i]
    )
    others = int(np.count_nonzero(size)) - len(parts)
    return _broken_down(trace.figure, parts, others)


def by_tier(trace: Trace, tiers: int = TIERS) -> Breakdown[int]:
    """By how many links lie between the start and where it was emitted: 0 the start itself, 1 its
    direct suppliers, …; the rest arose ``tiers`` links upstream or further."""
    parts, units = [], trace.start
    for tier in range(tiers):
        if not units.any():
            break
        kg = Kg(float(trace.known @ units), float(trace.filled @ units))
        parts.append(Part(tier, kg))
        units = trace.links @ units
    return _broken_down(trace.figure, tuple(parts))


def by_enterprise(trace: Trace, most: int = MOST) -> Breakdown[str]:
    """By the owner of the node where it was emitted, largest first."""
    network = trace.network
    codes, owners = network.owner_codes[trace.nodes], network.owners
    known = np.bincount(codes, trace.known * trace.units, minlength=len(owners))
    filled = np.bincount(codes, trace.filled * trace.units, minlength=len(owners))
    found = np.flatnonzero((known != 0) | (filled != 0))
    together = {owners[k]: Kg(float(known[k]), float(filled[k])) for k in found}
    return _ranked(trace.figure, together, most)


def by_site(
    trace: Trace, most: int = MOST, tells: Callable[[Node], bool] = lambda _: True
) -> Breakdown[str | None]:
    """By the site of the node where it was emitted, largest first.

    ``None``: of no known site, or of one that ``tells`` does not let be told.
    """
    known, filled = trace.known * trace.units, trace.filled * trace.units
    together: dict[str | None, Kg] = defaultdict(Kg)
    for i in np.flatnonzero((known != 0) | (filled != 0)):
        node = trace.network.nodes[trace.nodes[i]]
        site = node.place.site if node.place and tells(node) else None
        together[site] += Kg(float(known[i]), float(filled[i]))
    return _ranked(trace.figure, together, most)


def by_gas(trace: Trace, most: int = MOST) -> Breakdown[tuple[str, str]]:
    """By (gas, origin of the carbon), largest first; CO2e where only that was stated."""
    known, filled = trace.units @ trace.emissions, trace.units @ trace.estimates
    together: dict[tuple[str, str], Kg] = defaultdict(Kg)
    for k, column in enumerate(trace.network.columns):
        weight = float(trace.weights.gross[k])
        if weight and (known[k] or filled[k]):
            kg = Kg(float(known[k]) * weight, float(filled[k]) * weight)
            together[column.gas, column.origin] += kg
    return _ranked(trace.figure, together, most)


def by_category(trace: Trace) -> Breakdown[int]:
    """By the Scope 3 category (1 to 8) of the link over which it came to the start.

    Category 0 is what arose at the start itself: ``m_j = e_j + Σ_i A_ij m_i``. What is filled in
    for an input that nothing describes is of the category of that input.
    """
    edges, network = trace.network.edges, trace.network
    start, gate = np.zeros(len(network.nodes)), np.zeros((2, len(network.nodes)))
    start[trace.nodes] = np.where(trace.whole, 0.0, trace.start)
    gate[:, trace.nodes] = np.where(trace.entered, trace.gate, 0.0)
    drawn = edges.amount * start[edges.consumer]
    came = np.stack(
        [np.bincount(edges.category, drawn * kg[edges.supplier], CATEGORIES) for kg in gate]
    )
    for category, kg in _filled_in(trace):
        came[1, category] += kg
    came[0, OWN] = float(trace.known @ trace.start)
    parts = [
        Part(c, Kg(*map(float, came[:, c])))
        for c in range(CATEGORIES)
        if c == OWN or came[:, c].any()
    ]
    return _broken_down(trace.figure, parts)


def _filled_in(trace: Trace) -> Iterator[tuple[int, float]]:
    """Category and kg CO2e of what is filled in for inputs of tier 0."""
    for gap in trace.gaps:
        at = int(np.searchsorted(trace.nodes, gap.node))
        if gap.estimate is not None and trace.estimates[at].any():
            row = trace.network.row(gap.estimate.emissions)
            yield gap.category, float(trace.weights.co2e(row)) * float(trace.start[at])


def _ranked(figure: Kg, together: Mapping[K, Kg], most: int) -> Breakdown[K]:
    ordered = sorted(together.items(), key=lambda item: (-abs(item[1].total), str(item[0])))
    parts = tuple(Part(of, kg) for of, kg in ordered[:most])
    return _broken_down(figure, parts, len(ordered) - len(parts))


def _broken_down(figure: Kg, parts: Sequence[Part[K]], others: int | None = None) -> Breakdown[K]:
    told = sum((part.kg for part in parts), Kg())
    rest = Kg() if others == 0 else figure - told
    return Breakdown(figure, tuple(parts), rest, others)


def _largest(size: Floats, most: int) -> Ints:
    """Positions of the largest values, in falling order; of equals, the first."""
    most = min(most, len(size))
    kept = np.argpartition(-size, most - 1)[:most] if most else np.empty(0, dtype=np.int64)
    return kept[np.lexsort((kept, -size[kept]))]
