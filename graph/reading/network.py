"""From statements to the arrays of one year: who makes what, from what, emitting what.

The network of a year (symbols as in ``docs/accounting.md``):

=========  ==================================================================================
nodes      one product made at one place, or the **overhead node** of a place: what its site
           emits and takes in beyond its recipes (output 1, to final demand)
``A``      ``A[i, j]``: declared units of *i* per declared unit of *j*; edges point from the
           supplier *i* to the consumer *j*
``E``      ``direct[j, c]``: kg of column *c* emitted at *j* per declared unit of *j*
``x``      ``output[j]``: declared units made in the year, NaN where nobody said
=========  ==================================================================================

Columns keep gases and origins apart until a question names a GWP set; CO2e that was only ever
stated as such has columns of its own. Nothing here is a guess: an input without a known supplier
is a ``Gap``, a product nobody describes is a node that feeds nothing, and both are marked.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol, SupportsIndex, cast, overload

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.findings import Finding
from graph.reading.year import Place
from graph.terms import Feed, Rung

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


RUNG_OF_FEED = {
    Feed.RECIPE: Rung.COMPUTED,
    Feed.OVERHEAD: Rung.COMPUTED,
    Feed.FOOTPRINT: Rung.DECLARED,
    Feed.OTHER_YEAR: Rung.OTHER_YEAR,
    Feed.EXPIRED: Rung.EXPIRED,
    Feed.NONE: Rung.UNKNOWN,
}
"""The rung on which an edge from a supplier node stands, by what describes that node."""
FEEDS = tuple(Feed)
OUTPUT_TOLERANCE = 1e-9
"""How far rounding may bring stated uses above an output."""


@dataclass(frozen=True, slots=True)
class Column:
    """One right-hand side: a gas by origin, or CO2e as stated under a GWP set."""

    gas: str
    origin: str
    stated_under: str | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A product at a place (``place`` None: somewhere), or the overhead of a place."""

    product: str | None
    place: Place | None
    owner: str
    name: str
    unit: str
    feed: Feed
    carrier: str | None = None


class Nodes(Sequence[Node]):
    """Nodes that lie in columns, and answer from them what a network asks of all its nodes."""

    @overload
    def __getitem__(self, i: SupportsIndex) -> Node: ...
    @overload
    def __getitem__(self, i: slice) -> Sequence[Node]: ...
    @abstractmethod
    def __getitem__(self, i: SupportsIndex | slice) -> Node | Sequence[Node]: ...

    @property
    @abstractmethod
    def feeds(self) -> NDArray[np.int8]: ...

    @property
    @abstractmethod
    def owners(self) -> tuple[str, ...]: ...

    @property
    @abstractmethod
    def owner_codes(self) -> Ints: ...

    @property
    @abstractmethod
    def nodes_of(self) -> Mapping[str, list[int]]: ...

    @property
    @abstractmethod
    def nodes_at(self) -> Mapping[Place | None, list[int]]: ...

    @abstractmethod
    def revised(self, nodes: Mapping[int, Node]) -> Nodes:
        """With some nodes changed, or added under the next numbers."""

    @abstractmethod
    def without(self, stays: NDArray[np.bool_]) -> Nodes:
        """The nodes that stay, in their order."""


class Placed(Protocol):
    """What stands at a place, or nowhere in particular."""

    @property
    def place(self) -> Place | None: ...


def output_shares(
    nodes: Sequence[Placed], output: Sequence[float] | Floats, during: Place | None = None
) -> Floats | None:
    """What each of a product's nodes contributes to its mix; the shares sum to 1.

    Weighted by output, for a place ``during`` whose days something is taken in by what was made on
    these days: a year that is cut must not let its second half buy from the first. A single site
    that does not state its output is weighted by days. ``None``: several sites, not all outputs
    known, or nothing made.
    """
    if len(nodes) == 1:
        return np.ones(1)
    places = [node.place for node in nodes]
    made = np.array(output, dtype=float)
    if np.isnan(made).any() or made.sum() <= 0:
        if len({place.site if place else None for place in places}) > 1:
            return None
        made = np.array([place.days if place else 0 for place in places], dtype=float)
    then = made * [during.share_of(place) if during and place else 1.0 for place in places]
    weights = then if then.sum() > 0 else made
    return np.asarray(weights / weights.sum())


Vector = Mapping[Column, float]
"""kg by column; sparse, because most things emit one or two gases."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the factor ladder puts in a gap's place.

    ``emissions`` are kg by column for the whole gap. ``factor`` names set, version and row,
    ``index`` is the entry that states it, ``gsd`` (at least 1) its geometric standard deviation.
    ``is_generation``: all of it arises where energy is generated, as the factor of a grid says.
    """

    rung: Rung
    emissions: Vector
    gsd: float
    factor: str
    index: int
    is_generation: bool = False

    @property
    def spread(self) -> float:
        """How much higher the true amount may be, relative to the estimate (97.5th percentile)."""
        return self.gsd**2 - 1

    def scaled(self, factor: float) -> Estimate:
        return replace(self, emissions={c: kg * factor for c, kg in self.emissions.items()})


@dataclass(frozen=True, slots=True)
class Grid:
    """A public power grid, by its region; ``None``: nobody says which."""

    region: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """An input that nobody upstream describes. ``node`` is the consumer; ``supplier`` an
    enterprise id.

    ``amount`` is per declared unit of the consumer (overhead: of the year), in ``unit``.
    ``estimate`` is for that amount; ``None``: no rung of the ladder reaches it. ``grid`` is given
    for electricity that comes from a public grid.
    """

    node: int
    reason: str
    wanted: str
    supplier: str | None
    amount: float
    unit: str
    category: int
    estimate: Estimate | None = None
    grid: Grid | None = None


@dataclass(frozen=True, slots=True)
class Book:
    """What a place's own statements fix: days of its year covered by inventory and purchases.

    ``unknown_fuels``: how many fuels in its inventories no factor fits.
    """

    inventory_days: int
    purchase_days: int
    unknown_fuels: int = 0

    @property
    def has_inventory(self) -> bool:
        return self.inventory_days > 0

    @property
    def has_purchases(self) -> bool:
        return self.purchase_days > 0


@dataclass(frozen=True)
class Edges:
    """Parallel arrays; ``amount`` is declared units of the supplier per unit of the consumer."""

    supplier: Ints
    consumer: Ints
    category: Ints
    amount: Floats
    mixed: NDArray[np.bool_]
    """True where a line named no site and the supplier's output mix was used."""


def uses_of(edges: Edges, output: Floats) -> Floats:
    """(n,) declared units of every node that others state to have taken in: ``Z·1``.

    Where the output of a consumer is unknown, so are its uses; they count as none, and do not make
    those of others unknown.
    """
    taken = edges.amount * np.nan_to_num(output)[edges.consumer]
    uses = np.bincount(edges.supplier, taken, minlength=len(output))
    return uses.astype(np.float64, copy=False)


@dataclass(frozen=True)
class Network:
    """The year as arrays. Rows and columns follow ``nodes``."""

    year: int
    nodes: tuple[Node, ...] | Nodes
    columns: tuple[Column, ...]
    direct: Floats
    edges: Edges
    output: Floats
    gaps: tuple[Gap, ...]
    generation: dict[int, Floats]
    """Stated emissions at generation per declared unit, by node; carriers not in it derive it."""
    declared: dict[int, Floats]
    """Stated footprints of nodes that a recipe feeds, per declared unit: shown beside it."""
    books: dict[Place, Book]
    as_of: Ints
    """Per node, the last entry that had a say in its own row and column."""
    findings: tuple[Finding, ...]
    partly_told: frozenset[int] = frozenset()
    """Nodes whose output is stated for some days of their place only."""
    site_owners: Mapping[str, str] = field(default_factory=dict)
    """Every registered site, also one that nothing is known of in the year."""
    site_as_of: Mapping[str, int] = field(default_factory=dict)
    """Per site, the last entry that had a say in which nodes stand there."""
    stand_ins: Mapping[int, Estimate] = field(default_factory=dict)
    """Estimates for nodes that nothing describes, per declared unit of them."""

    @cached_property
    def feeds(self) -> NDArray[np.int8]:
        """(n,) what describes each node, as positions in ``FEEDS``."""
        if isinstance(self.nodes, Nodes):
            return self.nodes.feeds
        code = {feed: np.int8(k) for k, feed in enumerate(FEEDS)}
        return np.array([code[node.feed] for node in self.nodes], dtype=np.int8)

    def fed_by(self, *feeds: Feed) -> NDArray[np.bool_]:
        """(n,) whether a node is described by one of ``feeds``."""
        return np.isin(self.feeds, [FEEDS.index(feed) for feed in feeds])

    @cached_property
    def owners(self) -> tuple[str, ...]:
        """The enterprises that own nodes, in the order of ``owner_codes``."""
        if isinstance(self.nodes, Nodes):
            return self.nodes.owners
        return tuple(dict.fromkeys(node.owner for node in self.nodes))

    @cached_property
    def owner_codes(self) -> Ints:
        """(n,) the owner of each node, as positions in ``owners``."""
        if isinstance(self.nodes, Nodes):
            return self.nodes.owner_codes
        code = {owner: k for k, owner in enumerate(self.owners)}
        return np.array([code[node.owner] for node in self.nodes], dtype=np.int64)

    @cached_property
    def column_numbers(self) -> dict[Column, int]:
        return {column: k for k, column in enumerate(self.columns)}

    def row(self, emissions: Vector) -> Floats:
        """(k,) kg by column number."""
        values = np.zeros(len(self.columns))
        for column, kg in emissions.items():
            values[self.column_numbers[column]] = kg
        return values

    @cached_property
    def _estimates(self) -> tuple[tuple[int, Estimate], ...]:
        in_gaps = ((gap.node, gap.estimate) for gap in self.gaps if gap.estimate)
        return (*self.stand_ins.items(), *in_gaps)

    @property
    def has_estimates(self) -> bool:
        """Whether the ladder fills anything."""
        return bool(self._estimates)

    @cached_property
    def estimates(self) -> Floats:
        """(n, k) kg that the ladder puts at each node, per declared unit of it."""
        filled = np.zeros_like(self.direct)
        for node, estimate in self._estimates:
            filled[node] += self.row(estimate.emissions)
        return filled

    @cached_property
    def spread(self) -> Floats:
        """(n, k) how much higher ``estimates`` may be, in kg."""
        more = np.zeros_like(self.direct)
        for node, estimate in self._estimates:
            more[node] += self.row(estimate.emissions) * estimate.spread
        return more

    @cached_property
    def unestimated(self) -> NDArray[np.bool_]:
        """(n,) nodes with a gap, or that are one, which no rung of the ladder reaches."""
        mask = self.fed_by(Feed.NONE)
        mask[list(self.stand_ins)] = False
        mask[[gap.node for gap in self.gaps if gap.estimate is None]] = True
        return mask

    @cached_property
    def inputs(self) -> sparse.csr_array:
        """``A`` (n × n); parallel edges of different categories are summed."""
        at = (self.edges.supplier, self.edges.consumer)
        return sparse.csr_array((self.edges.amount, at), shape=(len(self.nodes),) * 2)

    @cached_property
    def by_consumer(self) -> sparse.csc_array:
        """``A`` with the suppliers of one consumer side by side; amounts of zero are left out."""
        columns = sparse.csc_array(self.inputs)
        columns.eliminate_zeros()
        return columns

    def suppliers_of(self, consumer: int) -> Ints:
        """The nodes that ``consumer`` draws on directly."""
        columns = self.by_consumer
        start, stop = columns.indptr[consumer], columns.indptr[consumer + 1]
        return columns.indices[start:stop].astype(np.int64)

    @cached_property
    def undeclared(self) -> tuple[tuple[int, Gap], ...]:
        """Inputs whose supplier node nothing describes: that node, and what its consumer lacks."""
        edges = self.edges
        silent = self.fed_by(Feed.NONE)
        found = np.flatnonzero(silent[edges.supplier] & (edges.amount != 0))
        return tuple((int(edges.supplier[k]), self._undeclared(int(k))) for k in found)

    def _undeclared(self, k: int) -> Gap:
        i, amount = int(self.edges.supplier[k]), float(self.edges.amount[k])
        supplier, stand_in = self.nodes[i], self.stand_ins.get(i)
        return Gap(
            node=int(self.edges.consumer[k]),
            reason="undeclared",
            wanted=supplier.name,
            supplier=supplier.owner,
            amount=amount,
            unit=supplier.unit,
            category=int(self.edges.category[k]),
            estimate=stand_in and stand_in.scaled(amount),
        )

    @cached_property
    def nodes_of(self) -> Mapping[str, list[int]]:
        """Product id -> its nodes, in order of their places."""
        if isinstance(self.nodes, Nodes):
            return self.nodes.nodes_of
        found: dict[str, list[int]] = {}
        for i, node in enumerate(self.nodes):
            if node.product is not None:
                found.setdefault(node.product, []).append(i)
        for several in (nodes for nodes in found.values() if len(nodes) > 1):
            several.sort(key=lambda i: cast(Place, self.nodes[i].place))
        return found

    @cached_property
    def nodes_at(self) -> Mapping[Place | None, list[int]]:
        """Place -> its nodes; ``None``: those that stand nowhere in particular."""
        if isinstance(self.nodes, Nodes):
            return self.nodes.nodes_at
        found: dict[Place | None, list[int]] = {}
        for i, node in enumerate(self.nodes):
            found.setdefault(node.place, []).append(i)
        return found

    def gap_mask(self) -> NDArray[np.bool_]:
        """Nodes that are a gap themselves or have an input that is."""
        mask = self.fed_by(Feed.NONE)
        mask[[gap.node for gap in self.gaps]] = True
        return mask
