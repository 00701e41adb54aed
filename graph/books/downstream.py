"""Downstream Scope 3 of a boundary: what becomes of what it sells.

P are the nodes inside, O the others; ``x`` output in declared units, ``A[i, j]`` units of *i* per
unit of *j* (edges point from supplier to consumer), ``z = A_OP x_P`` what is bought across the
fence.

**Processing (category 10).** Two shares split what is emitted at an outside product *k* (0 to 1):

* ``r_k = [(I − A_OO)⁻¹ z]_k / x_k``: how much of the output of *k* is upstream of the boundary.
* ``q' = 1'K_PO (I − K_OO)⁻¹``: how much of *k* falls on material from the boundary, by the
  processing key ``K[i, j]``, the share of material *i* in all materials of *j*. By default that is
  its share in their mass; by cost only where the maker of *j* says so. Materials are what is bought
  as goods (category 1). Carriers of energy are none, and nothing is attributed through their
  makers, for what these emit follows the energy, not the fuel. So the columns of ``K`` sum to 1 or
  less. Beyond the direct customers, material is followed through what has mass.

With ``h_k`` the Scope 1 and 2 emissions of *k* in kg CO2e per unit, category 10 is
``Σ_k (1 − r_k) q_k h_k x_k``, and every outside emission is split once: ``r`` of it is upstream,
``(1 − r) q`` is processing, the rest is not the boundary's.

**Delivery, use, end of life (9, 11, 12)** are stated by the maker per declared unit
(``graph.reading.gate``):

* what never returns, ``ξ_net = (L_PP)⁻¹ x_P = x_P − A_PP x_P − A_PO (I − A_OO)⁻¹ z``, is delivered
  and discarded: categories 9 and 12. The second form needs nobody's recipe inside the fence.
* what leaves the modelled system, ``y = x − A x``, is used: category 11. It may be negative where
  statements do not fit; that is kept.

Nothing unknown is taken for zero: what cannot be assessed is named with its reason. *Partial* says
of a category without such names that flows are hidden behind suppliers that state only a total:
more may return, and ``r`` be larger, than can be seen.

Sources: GHG Protocol, Scope 3 Standard, chapter 5 (categories); the split by ``r`` is hypothetical
extraction as in ``graph.figures.boundary``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.engine import MOVES_FIGURES, Books
from graph.figures.boundary import BLACK_BOX, ENERGY, NOTHING, ROUNDING, Amount, Fence, Lacking
from graph.figures.generation import generation_outside
from graph.figures.services import Priced, Services, co2e_of, times
from graph.kept import kept
from graph.reading.gate import (
    DELIVERY,
    END_OF_LIFE,
    HELD,
    PROCESSING,
    USE,
    Gate,
    StatedGate,
    Told,
    mass_of,
)
from graph.reading.network import Edges, Floats, Gap, Ints, Network, Node, Vector
from graph.solving.outside import spans
from graph.solving.solve import Plan
from graph.terms import Assessed, Feed
from ledger import units

Mask = NDArray[np.bool_]
GOODS: Final = 1
"""The Scope 3 category under which materials are bought."""
ROUNDED_REST: Final = 1e-9
"""What remains at a site of purchases that its recipes use up, relative to that use."""
FULL: Final = 1 + 1e-9
"""How far rounding may bring a share above 1."""
MOVES_DOWNSTREAM: Final = (*MOVES_FIGURES, "downstream", "holdings")
"""Statement types that can move a downstream figure; the last two move no other."""


@dataclass(frozen=True, slots=True)
class Concern:
    """A product for which a category is not assessable, and why (a key of ``REASONS``)."""

    node: int
    reason: str


REASONS: Final[Mapping[str, str]] = {
    "not-stated": "Nobody has stated what becomes of %(product)s after the gate.",
    "not-priced": "What is done with %(product)s is stated, but nobody says what that emits.",
    "output-unknown": "How much is made of %(product)s is not known, or not for the whole year.",
    "buyers-unknown": "%(product)s is used by products of which nobody states how much is made.",
    "material-unknown": "What share of %(product)s comes from here is not known: of some of its "
    "materials the mass, cost or maker is not stated.",
    "closed-loop": "%(product)s belongs to, or draws on, a closed loop of materials: by its key "
    "it is made of nothing but itself.",
    "emissions-unknown": "What making %(product)s emits, energy included, is not fully known.",
    "draws-exceed-output": "More of %(product)s is drawn upstream of here than is made of it.",
}
"""Why a category is not assessable for a product. Declared units and amounts are not told."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One category, in kg CO2e; its value is null while it is not assessable for some product."""

    category: int
    amount: Amount
    status: Assessed
    concerns: tuple[Concern, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """How an outside product's own emissions fall apart; ``kg_co2e`` is its part of category 10.

    ``upstream`` is r and ``processing`` is q, each 0 to 1; ``None``: not assessable.
    """

    node: int
    upstream: float | None
    processing: float | None
    kg_co2e: float


@dataclass(frozen=True, slots=True)
class Downstream:
    """Downstream categories of a boundary in one year under one GWP set.

    ``not_stated`` are the categories (13 to 15) of which nothing was entered: not zero, unknown.
    ``behind`` are the nodes, by category, that something in the figure is of, for whoever decides
    who may read it.
    """

    stages: tuple[Stage, ...]
    shares: tuple[Share, ...]
    not_stated: tuple[int, ...]
    behind: Mapping[int, frozenset[int]]


@dataclass(frozen=True)
class Sides:
    """A boundary as masks (n,): what is inside, what may be, and of the inside whose inputs count.

    Where ``told`` is false something inside has not said what it takes in.
    """

    fence: Fence
    inside: Mask
    unsure: Mask
    counted: Mask
    outside: Mask
    told: bool

    @classmethod
    def of(cls, fence: Fence, *, told: bool = True) -> Sides:
        masks = (fence.inside, fence.unsure, fence.counted)
        inside, unsure, counted = (_mask(nodes, len(fence.network.nodes)) for nodes in masks)
        return cls(fence, inside, unsure, counted, ~(inside | unsure), told)


def _mask(nodes: Ints, size: int) -> Mask:
    mask = np.zeros(size, dtype=bool)
    mask[nodes] = True
    return mask


def downstream(sides: Sides, gate: Gate, services: Services) -> Downstream:
    """Categories 9 to 12 of a boundary. Raises ``GasWithoutGwp``."""
    flows = Flows.of(sides)
    processing, sold = _Processing(sides, gate, flows), _Sold(sides, gate, services, flows)
    stages = sold.stages()
    return Downstream(
        stages=(stages[DELIVERY], processing.stage(), stages[USE], stages[END_OF_LIFE]),
        shares=processing.shares(),
        not_stated=HELD,
        behind={PROCESSING: processing.behind, **sold.behind},
    )


def downstream_of(books: Books) -> Downstream:
    """As ``downstream``, from what stands; and what an enterprise or a park entered itself."""
    answered, missing = books.answered, books.assessment.missing
    fence = Fence(answered.solved, frozenset(books.places), answered.weights)
    told = not any(each.what.startswith("purchases") for each in missing)
    gate = StatedGate(answered.standing, answered.year)
    services = Services(answered.standing, fence)
    derived = downstream(Sides.of(fence, told=told), gate, services)
    entered = gate.held(books.id)
    if entered is None:
        return derived
    stages = (*derived.stages, *_entered(*entered, gate.year, answered.gwp))
    return replace(derived, stages=stages, not_stated=())


def last_moved(books: Books) -> int:
    """The last entry that can have moved the downstream figures of a boundary.

    A customer may begin or cease to buy anywhere, so every entry that moves a figure counts: an
    answer may be called younger than it is, never older.
    """
    return max(books.as_of, books.answered.standing.touched.last(MOVES_DOWNSTREAM))


def _entered(by_category: Mapping[int, Vector], days: int, year: int, gwp: str) -> Iterator[Stage]:
    """Categories 13 to 15; a year of which not all days are told is known in part."""
    whole = days == (dt.date(year + 1, 1, 1) - dt.date(year, 1, 1)).days
    status = Assessed.ASSESSED if whole else Assessed.PARTIAL
    lacking = Lacking.NOTHING if whole else Lacking.OPEN
    for category, emissions in sorted(by_category.items()):
        kg = co2e_of(emissions, gwp)
        yield Stage(category, Amount(kg, lacking=lacking), status, ())


# -- flows -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Flows:
    """What moves between the sides, in declared units of the product; all (n,).

    ``drawing``: output of nodes inside whose inputs count, zero elsewhere. ``supplied``:
    ``v = (I − A_OO)⁻¹ z`` outside, zero inside. ``delivered``: ξ_net inside. ``hidden``: whether
    part of what is upstream cannot be seen.
    """

    drawing: Floats
    supplied: Floats
    delivered: Floats
    hidden: bool

    @classmethod
    def of(cls, sides: Sides) -> Flows:
        fence, network = sides.fence, sides.fence.network
        drawing = np.where(sides.counted, np.nan_to_num(network.output), 0.0)
        supplied = fence.made_outside
        opaque = network.fed_by(*BLACK_BOX) | network.gap_mask() | sides.unsure
        return cls(
            drawing=drawing,
            supplied=supplied,
            delivered=leaving(sides, drawing + supplied),
            hidden=not sides.told or bool(fence.outside.rests_on(opaque).any()),
        )


def leaving(sides: Sides, taking: Floats) -> Floats:
    """``x − A·taking`` for nodes inside, in declared units; 0 where the output is not known."""
    network = sides.fence.network
    made = np.where(sides.inside, np.nan_to_num(network.output), 0.0)
    used = np.where(sides.inside, network.inputs @ taking, 0.0)
    size = made + np.where(sides.inside, abs(network.inputs) @ np.abs(taking), 0.0)
    return np.where(np.isnan(network.output), 0.0, _settled(made - used, size))


def _settled(amounts: Floats, size: Floats) -> Floats:
    """Amounts with what is left of those that cancel set to zero."""
    return np.where(np.abs(amounts) <= ROUNDING * size, 0.0, amounts)


# -- processing --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Materials:
    """Goods bought, by supplier and by consumer; carriers of energy are left out on both ends.

    Amounts are summed before credits are left out: a site's rest is what it bought less what its
    recipes use.
    """

    by_supplier: sparse.csr_array
    by_consumer: sparse.csc_array

    @classmethod
    def of(cls, network: Network) -> Materials:
        carriers = kept(network, "carriers", lambda: _carriers(network))
        # A product may become a carrier, or cease to be one, while the edges stay as they are.
        name = "materials", carriers.tobytes()
        return kept(network.edges, name, lambda: cls._of(network.edges, carriers))

    @classmethod
    def _of(cls, edges: Edges, carriers: Mask) -> Materials:
        goods = edges.category == GOODS
        goods &= ~(carriers[edges.supplier] | carriers[edges.consumer])
        at = edges.supplier[goods], edges.consumer[goods]
        by_supplier = sparse.csr_array((edges.amount[goods], at), shape=(len(carriers),) * 2)
        by_supplier.data[by_supplier.data < 0] = 0.0
        by_supplier.eliminate_zeros()
        return cls(by_supplier, sparse.csc_array(by_supplier))


def _carriers(network: Network) -> Mask:
    return np.array([node.carrier is not None for node in network.nodes], dtype=bool)


class Keys:
    """The processing key of everything outside that takes in material from inside.

    ``chain`` (c,) are these products, ascending: the direct customers of the boundary, and what is
    made of what they make. ``q`` (c,) is NaN where it cannot be told; then ``loops`` says whether a
    closed loop is why. A loop may also lie upstream of the chain, among the other materials it is
    made of, so the key is set up for all of these: the ``scope`` (s,).
    """

    def __init__(self, sides: Sides, gate: Gate) -> None:
        self.network, self.sides, self.gate = sides.fence.network, sides, gate
        self.owners = sides.fence.owners
        self.materials = Materials.of(self.network)
        size = len(self.network.nodes)
        self._mass = np.full(size, np.inf)  # infinite: not asked for yet
        self.reached = self._downstream()
        self.chain = np.flatnonzero(self.reached).astype(np.int64)
        self.scope = self._upstream()
        self._position = np.full(size, -1)
        self._position[self.scope] = np.arange(len(self.scope))
        q, loops = self._solved()
        at = self._position[self.chain]
        self.q, self.loops = q[at], loops[at]

    def mass(self, nodes: Ints) -> Floats:
        """kg per declared unit of each node, NaN where nobody says."""
        for i in np.unique(nodes[np.isinf(self._mass[nodes])]):
            kg = self.gate.mass(self.network.nodes[i])
            self._mass[i] = np.nan if kg is None else kg
        return np.asarray(self._mass[nodes])

    def _downstream(self) -> Mask:
        """Tier by tier down from the gate, through what carries mass or may carry it."""
        goods = self.materials.by_supplier
        reached = np.zeros(len(self._mass), dtype=bool)
        tier = self._customers()
        while tier.size:
            reached[tier] = True
            carrying = tier[self.mass(tier) != 0]
            consumers = np.unique(goods.indices[spans(goods.indptr, carrying)]).astype(np.int64)
            tier = consumers[self.sides.outside[consumers] & ~reached[consumers]]
        return reached

    def _upstream(self) -> Ints:
        """The chain, and tier by tier up from it all materials outside."""
        goods, met, tier = self.materials.by_consumer, self.reached.copy(), self.chain
        while tier.size:
            suppliers = np.unique(goods.indices[spans(goods.indptr, tier)]).astype(np.int64)
            fresh = suppliers[self.sides.outside[suppliers] & ~met[suppliers]]
            tier = fresh[self.mass(fresh) != 0]
            met[tier] = True
        return np.flatnonzero(met).astype(np.int64)

    def _customers(self) -> Ints:
        """Those outside that take in anything but energy from inside, or wanted to."""
        inputs, nodes = self.network.inputs, self.network.nodes
        near = np.flatnonzero(self.sides.inside | self.sides.unsure)
        goods = np.array([i for i in near if nodes[i].carrier is None], dtype=np.int64)
        at = spans(inputs.indptr, goods)
        found = set(map(int, inputs.indices[at][inputs.data[at] > 0]))
        found |= {gap.node for gap in self._gaps if gap.supplier in self.owners}
        tier = (j for j in found if self.sides.outside[j] and nodes[j].carrier is None)
        return np.array(sorted(tier), dtype=np.int64)

    @cached_property
    def _gaps(self) -> list[Gap]:
        return [gap for gap in self.network.gaps if gap.category == GOODS and gap.amount > 0]

    def _solved(self) -> tuple[Floats, Mask]:
        """(s,) q, NaN where it is not known, and whether a closed loop is why."""
        suppliers, column, share = self._shares()
        unknown = self._unknown(suppliers, column, share)
        share = np.where(unknown[column] | np.isnan(share), 0.0, share)
        size = len(self.scope)
        inside = np.where(self.sides.inside[suppliers], share, 0.0)
        row = self._position[suppliers]
        cells = row[row >= 0], column[row >= 0]
        plan = Plan.of(sparse.csr_array((share[row >= 0], cells), shape=(size, size)))
        start = np.bincount(column, inside, size).astype(np.float64)
        q = plan.footprints(start[:, None])[:, 0]
        looped = plan.downstream_max(plan.refused_mask.astype(np.int64)) > 0
        doubtful = plan.downstream_max((unknown | plan.refused_mask).astype(np.int64)) > 0
        return np.where(doubtful, np.nan, q), looped

    def _shares(self) -> tuple[Ints, Ints, Floats]:
        """Parallel (supplier, position of the consumer in the scope, share in its materials)."""
        goods = self.materials.by_consumer
        at = spans(goods.indptr, self.scope)
        suppliers = goods.indices[at].astype(np.int64)
        column = np.repeat(np.arange(len(self.scope)), np.diff(goods.indptr)[self.scope])
        kg = goods.data[at] * self.mass(suppliers)
        kg[self._is_rounding(suppliers, column, goods.data[at])] = 0.0
        total = np.bincount(column, kg, len(self.scope)) + self._gap_mass()
        shares = np.divide(kg, total[column], out=np.zeros_like(kg), where=total[column] != 0)
        self._enter_costs(suppliers, column, goods.data[at], shares)
        return suppliers, column, shares

    def _gap_mass(self) -> Floats:
        """kg of materials per unit of the scope whose supplier is not known."""
        kg = np.zeros(len(self.scope))
        for gap in self._gaps:
            if (at := self._position[gap.node]) >= 0:
                mass = mass_of(gap.unit, None)
                kg[at] += np.nan if mass is None else mass * gap.amount
        return kg

    def _is_rounding(self, suppliers: Ints, column: Ints, amounts: Floats) -> Mask:
        """Whether a site's rest of what it bought is nothing but what rounding left of it."""
        network, rest = self.network, np.zeros(len(suppliers), dtype=bool)
        for j in self.chain:
            if network.nodes[j].feed is Feed.OVERHEAD:
                here = network.nodes_at[network.nodes[j].place]
                mine = _entries(column, self._position[j])
                made = np.nan_to_num(network.output[here])
                used = np.abs(network.inputs[suppliers[mine]][:, here] @ made) - amounts[mine]
                rest[mine] = amounts[mine] <= ROUNDED_REST * used
        return rest

    def _enter_costs(self, suppliers: Ints, column: Ints, amounts: Floats, shares: Floats) -> None:
        """Put shares in cost where a key is economic, NaN where a material has none."""
        for j in self.chain:
            costs, at = self.gate.costs(self.network.nodes[j]), self._position[j]
            if costs is None:
                continue
            mine = _entries(column, at)
            shares[mine] = 0.0
            here = np.arange(mine.start, mine.stop)[self.mass(suppliers[mine]) != 0]
            products = [self.network.nodes[i].product or "" for i in suppliers[here]]
            shares[here] = _in_cost(products, amounts[here], costs)

    def _unknown(self, suppliers: Ints, column: Ints, shares: Floats) -> Mask:
        """Columns of the key that cannot be told and that material from inside may be in."""
        near = self.sides.inside | self.sides.unsure | self.reached
        may_carry = near[suppliers] & (self.mass(suppliers) != 0)
        concerned = np.bincount(column, may_carry, len(self.scope)) > 0
        silent = np.bincount(column, np.isnan(shares), len(self.scope)) > 0
        unsure = self.sides.unsure[suppliers] & (shares != 0)
        doubtful = np.bincount(column, unsure, len(self.scope)) > 0
        wanted = [gap.node for gap in self._gaps if gap.supplier in self.owners]
        doubtful[[at for j in wanted if (at := self._position[j]) >= 0]] = True
        return (silent & concerned) | doubtful


def _entries(column: Ints, at: int) -> slice:
    """Where the entries of one column stand; columns come in ascending order."""
    first, last = np.searchsorted(column, [at, at + 1])
    return slice(int(first), int(last))


def _in_cost(products: Sequence[str], amounts: Floats, costs: Mapping[str, float]) -> Floats:
    """Each material's share in all costs; what one product costs is split over its sites."""
    total = sum(costs.values())
    if not total or any(product not in costs for product in products):
        return np.full(len(products), np.nan)
    bought: dict[str, float] = {}
    for product, amount in zip(products, amounts, strict=True):
        bought[product] = bought.get(product, 0.0) + float(amount)
    paid = [costs[p] * a / bought[p] for p, a in zip(products, amounts, strict=True)]
    return np.array(paid) / total


class _Processing:
    """Category 10 of one boundary; used once."""

    def __init__(self, sides: Sides, gate: Gate, flows: Flows) -> None:
        fence = sides.fence
        self.network, self.weights = fence.network, fence.weights
        self.sides, self.flows = sides, flows
        self.keys = Keys(sides, gate)
        self.chain, self.q = self.keys.chain, self.keys.q
        self.h, self.h_known = self._scope_1_and_2()
        self.r = upstream_shares(self.network, flows, fence.solved.plan.refused_mask)

    @cached_property
    def behind(self) -> frozenset[int]:
        """The products that process what is made inside, and what they take in of it."""
        process = self.chain[self.q != 0]
        goods = Materials.of(self.network).by_consumer
        taken_in = goods.indices[spans(goods.indptr, process)]
        sold = taken_in[~self.sides.outside[taken_in]]
        return frozenset(map(int, (*process, *sold)))

    @cached_property
    def kg(self) -> Floats:
        """(c,) ``(1 − r) q h x``: zero where it cannot be assessed."""
        r, x = self.r[self.chain], self.network.output[self.chain]
        return np.asarray(np.nan_to_num((1 - r) * self.q * self.h * x))

    def stage(self) -> Stage:
        concerns = tuple(
            Concern(int(j), reason)
            for at, j in enumerate(self.chain)
            if (reason := self._concern(at, int(j))) is not None
        )
        return stage(PROCESSING, Amount(float(self.kg.sum())), concerns, hidden=self.flows.hidden)

    def _concern(self, at: int, j: int) -> str | None:
        """Why the part of one product is not, or not fully, known."""
        if np.isnan(self.q[at]):
            return "closed-loop" if self.keys.loops[at] else "material-unknown"
        if self.q[at] == 0:
            return None
        if np.isnan(self.network.output[j]) or j in self.network.partly_told:
            return "output-unknown"
        if np.isnan(self.r[j]):
            return "draws-exceed-output"
        return None if self.h_known[at] else "emissions-unknown"

    def shares(self) -> tuple[Share, ...]:
        """Every outside product that the boundary draws on or that processes what it makes."""
        position = {int(j): at for at, j in enumerate(self.chain)}
        met = sorted({*position, *map(int, np.flatnonzero(self.flows.supplied))})
        return tuple(self._share(j, position.get(j)) for j in met)

    def _share(self, j: int, at: int | None) -> Share:
        q, kg = (0.0, 0.0) if at is None else (float(self.q[at]), float(self.kg[at]))
        r = float(self.r[j])
        return Share(j, None if np.isnan(r) else r, None if np.isnan(q) else q, kg)

    def _scope_1_and_2(self) -> tuple[Floats, Mask]:
        """(c,) h: direct emissions, and generation of the energy taken in, kg CO2e per unit.

        ``h = e_k + Σ_i A_ik g_i`` over carriers *i*, those inside counting zero. Known unless
        energy is bought of which nobody says how it was made, or a site's inventory is missing.
        """
        network, drawn_by = self.network, self.network.by_consumer
        at = spans(drawn_by.indptr, self.chain)
        suppliers = drawn_by.indices[at].astype(np.int64)
        column = np.repeat(np.arange(len(self.chain)), np.diff(drawn_by.indptr)[self.chain])
        energy = np.array([network.nodes[i].carrier is not None for i in suppliers], dtype=bool)
        suppliers, column, amounts = suppliers[energy], column[energy], drawn_by.data[at][energy]
        bought, which = np.unique(suppliers, return_inverse=True)
        generated = generation_outside(network, bought.astype(np.int64), ~self.sides.outside)
        per_unit = self.weights.co2e(generated.known)
        scope2 = np.bincount(column, amounts * per_unit[which], len(self.chain))
        unsaid = generated.unknown | generated.filled.any(axis=1)
        lacking = unsaid[which] | self.sides.unsure[suppliers]
        unknown = np.bincount(column, lacking, len(self.chain)) > 0
        unknown |= np.array([self._is_silent(network.nodes[j]) for j in self.chain], dtype=bool)
        unknown |= np.isin(self.chain, [gap.node for gap in network.gaps if _is_energy(gap)])
        return self.weights.co2e(network.direct[self.chain]) + scope2, ~unknown

    def _is_silent(self, node: Node) -> bool:
        """Whether the rest of a site stands for emissions that its inventory does not tell."""
        if node.feed is not Feed.OVERHEAD or node.place is None:
            return False
        book = self.network.books.get(node.place)
        return book is None or book.inventory_days < node.place.days


def _is_energy(gap: Gap) -> bool:
    return gap.category == ENERGY or units.parse(gap.unit).dimension == "energy"


def upstream_shares(network: Network, flows: Flows, refused: Mask) -> Floats:
    """(n,) ``r = v / x``: NaN where output is not known, or more is drawn than is made."""
    drawn, made = flows.supplied, network.output
    r = np.divide(drawn, made, out=np.zeros_like(drawn), where=(drawn != 0) & (made != 0))
    impossible = (r > FULL) | ((drawn != 0) & (made == 0)) | refused
    return np.where(impossible | np.isnan(made) & (drawn != 0), np.nan, np.minimum(r, 1.0))


# -- delivery, use, end of life ----------------------------------------------------------------

_Row: TypeAlias = tuple[int, int]
"""A category and a node."""


class _Sold:
    """Categories 9, 11 and 12 of one boundary; used once."""

    def __init__(self, sides: Sides, gate: Gate, services: Services, flows: Flows) -> None:
        self.network, self.gwp = sides.fence.network, sides.fence.weights.gwp
        self.sides, self.gate, self.services, self.flows = sides, gate, services, flows
        taken = np.where(sides.outside, np.nan_to_num(self.network.output), flows.drawing)
        self.final = leaving(sides, taken)

    @cached_property
    def products(self) -> list[int]:
        """Nodes of what is made inside; energy needs no transport, no use of its own, no waste."""
        nodes = self.network.nodes
        return [i for i in self.sides.fence.made if nodes[i].carrier is None]

    @cached_property
    def told(self) -> dict[_Row, Told | None]:
        """What is stated of every product in the three categories."""
        return {
            (c, i): self._told(c, i) for c in (DELIVERY, USE, END_OF_LIFE) for i in self.products
        }

    @cached_property
    def services_of(self) -> dict[_Row, list[Priced]]:
        """The services of every row; those of all are priced together."""
        rows = [(row, service) for row, t in self.told.items() if t for service in t.services]
        wanted = [(service, self.network.nodes[i].place) for (_, i), service in rows]
        found: dict[_Row, list[Priced]] = {}
        for (row, _), priced in zip(rows, self.services.priced(wanted), strict=True):
            found.setdefault(row, []).append(priced)
        return found

    @property
    def behind(self) -> dict[int, frozenset[int]]:
        """By category: the products that count, services drawn on, and for use also the buyers."""
        found: dict[int, set[int]] = {DELIVERY: set(), USE: set(), END_OF_LIFE: set()}
        for (category, i), told in self.told.items():
            if told is None or told.emissions or told.services:
                found[category].add(i)
            found[category].update(
                n for s in self.services_of.get((category, i), ()) for n in s.nodes
            )
        found[USE].update(self._buyers(found[USE]))
        return {category: frozenset(nodes) for category, nodes in found.items()}

    def _buyers(self, products: Iterable[int]) -> Iterator[int]:
        """What is left for use tells how much they take."""
        inputs = self.network.inputs
        rows = np.array(sorted(products), dtype=np.int64)
        yield from map(int, inputs.indices[spans(inputs.indptr, rows)])

    def stages(self) -> dict[int, Stage]:
        return {category: self._stage(category) for category in (DELIVERY, USE, END_OF_LIFE)}

    def _leaves(self, category: int) -> Floats:
        return self.final if category == USE else self.flows.delivered

    def _told(self, category: int, i: int) -> Told | None:
        """Only asked of what leaves; nobody need say what becomes of the rest."""
        leaves = self._leaves(category)[i] != 0 or np.isnan(self.network.output[i])
        return self.gate.told(self.network.nodes[i], category) if leaves else Told()

    def _per_unit(self, row: _Row) -> Amount | None:
        """kg CO2e that one unit of a product brings about in a category."""
        told = self.told[row]
        if told is None:
            return None
        services = (service.amount for service in self.services_of.get(row, ()))
        return sum(services, Amount(co2e_of(told.emissions, self.gwp)))

    def _stage(self, category: int) -> Stage:
        amounts = self._leaves(category)
        per_unit = {i: self._per_unit((category, i)) for i in self.products}
        parts = (times(each, float(amounts[i])) for i, each in per_unit.items() if each)
        concerns = tuple(
            Concern(i, reason)
            for i, each in per_unit.items()
            if (reason := self._concern(category, i, each)) is not None
        )
        hidden = self.flows.hidden and category != USE
        return stage(category, sum(parts, NOTHING), concerns, hidden=hidden)

    def _concern(self, category: int, i: int, per_unit: Amount | None) -> str | None:
        if per_unit is None:
            return "not-stated"
        if per_unit.value == 0:
            return None
        if np.isnan(self.network.output[i]) or i in self.network.partly_told:
            return "output-unknown"
        if per_unit.value is None:
            return "not-priced"
        return "buyers-unknown" if category == USE and i in self._with_unknown_buyers else None

    @cached_property
    def _with_unknown_buyers(self) -> frozenset[int]:
        """What is used inside or outside by something of which nobody says how much is made."""
        network = self.network
        counts = self.sides.counted | self.sides.outside
        silent = [
            j
            for j in np.flatnonzero(np.isnan(network.output) & counts)
            if not self._purchases_tell(network.nodes[j])
        ]
        drawn = network.by_consumer
        return frozenset(map(int, drawn.indices[spans(drawn.indptr, np.array(silent, dtype=int))]))

    def _purchases_tell(self, node: Node) -> bool:
        """Where a site states its purchases, these say what its products draw on."""
        book = self.network.books.get(node.place) if node.place else None
        return book is not None and book.has_purchases


def stage(category: int, known: Amount, concerns: tuple[Concern, ...], *, hidden: bool) -> Stage:
    """A category with its status; what is not assessable leaves only a lower bound."""
    if not concerns:
        return Stage(category, known, Assessed.PARTIAL if hidden else Assessed.ASSESSED, ())
    status = Assessed.PARTIAL if known.at_least else Assessed.NOT_ASSESSABLE
    return Stage(category, replace(known, lacking=Lacking.OPEN), status, concerns)
