"""The books of a boundary: Scope 1, 2 and 3 and the bridge T0 → T1 → T2.

A boundary is a set of places in a year: a firm, a park, a region. P are the nodes inside, O the
others; ``e`` direct emissions per declared unit, ``x`` output, ``A[i, j]`` units of *i* per unit of
*j* (edges point from supplier to consumer):

* Scope 1  ``S1 = e_P' x_P``, overhead nodes included.
* inflow  ``z = A_OP x_P``: everything bought across the fence.
* outside footprints  ``m* = e_O' (I − A_OO)⁻¹``: outside emissions only. Park goods inside outside
  goods count zero here, because they are counted where they are made.
* upstream  ``m*' z``: Scope 2 and upstream Scope 3 together.
* deliveries  ``ξ = x_P − A_PP x_P``.

=====  =======================  ==============================================================
T0     ``m_P' x_P``             sum over all products made inside; counts chains twice
T1     ``m_P' ξ``               trade inside the boundary eliminated
T2     ``S1 + m*' z``           goods that leave and return eliminated too: the boundary's figure
RET    ``T1 − T2``              what came back
=====  =======================  ==============================================================

T2 is hypothetical extraction (Hertwich, Koslowski, Rasul 2024, J. Ind. Ecol. 28:736, eqs. 21-25;
after Dente et al. 2018 and Cabernard et al. 2019). It needs nobody's recipe inside the fence: a
place's inventory and purchases fix ``S1`` and ``z``, so T2 stands while T0, T1 and RET are *not
assessable*. A stated footprint inside counts nothing: its emissions are in the place's inventory.

A footprint that names no site is made inside if all sites of its owner are. If only some are,
nobody knows: it is not counted as upstream, as its emissions may be in an inventory already, and
T2 is *partial*.
"""

from __future__ import annotations

import enum
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.characterise import Characterisation
from graph.errors import NoDataForYear
from graph.generation import Generation, generation_outside
from graph.network import Book, Feed, Floats, Gap, Ints
from graph.solve import Plan
from graph.solved import Solved
from graph.year import Place

Mask = NDArray[np.bool_]
ENERGY = 3
"""The Scope 3 category under which energy is bought; its generation part is Scope 2."""
COUNTED_INSIDE = (Feed.RECIPE, Feed.OVERHEAD)
CONTAINED = 1e-9
"""How far rounding may bring a generation above the footprint that contains it."""
ROUNDING = 1e-12
"""What remains of amounts that cancel, relative to their size."""
BLACK_BOX = (Feed.FOOTPRINT, Feed.EXPIRED, Feed.NONE)


class Assessed(enum.StrEnum):
    """How far a statement about a boundary goes."""

    ASSESSED = "assessed"
    PARTIAL = "partial"
    NOT_ASSESSABLE = "not_assessable"


@dataclass(frozen=True, slots=True)
class Amount:
    """kg CO2e. ``at_least`` is what is known; ``value`` is null while anything is missing."""

    at_least: float
    complete: bool

    @property
    def value(self) -> float | None:
        return self.at_least if self.complete else None

    @property
    def coverage(self) -> float | None:
        """``at_least / value``; null while a gap has no estimate."""
        return 1.0 if self.complete else None


@dataclass(frozen=True, slots=True)
class Missing:
    """A place whose own statements leave something open, and what."""

    place: Place
    what: str


@dataclass(frozen=True)
class Inflow:
    """What crosses the fence, and what it carries. Rows follow ``suppliers``.

    ``amounts[i, c]``: declared units of supplier *i* bought under category *c* (columns 0 to 8, 0
    unused). ``outside[i]``: m* in kg of each column; ``generated[i]``: the part of it that arose
    at generation, zero for what is no energy carrier.
    """

    suppliers: Ints
    amounts: Floats
    outside: Floats
    generation: Generation
    incomplete: Mask

    def by_category(self) -> Floats:
        """(9, k) kg by category, generation included."""
        return np.asarray(self.amounts.T @ self.outside)

    def stated(self, gaps: Iterable[Gap]) -> list[int]:
        """Categories in which anything was bought, or would have been but for a gap."""
        bought = (int(c) for c in np.flatnonzero(self.amounts.any(axis=0)))
        return sorted({*bought, *(gap.category for gap in gaps)})

    def is_complete(self, category: int, gaps: Iterable[Gap]) -> bool:
        """Whether everything bought under a category is known, generation of energy included."""
        drawn = self.amounts[:, category] != 0
        open_ended = (self.incomplete | self.generation.unknown) & drawn
        return not open_ended.any() and all(gap.category != category for gap in gaps)

    def generated_by_category(self) -> Floats:
        """(9, k) kg by category that arose at generation of bought energy."""
        return np.asarray(self.amounts.T @ self.generation.per_unit)


@dataclass(frozen=True)
class Assessment:
    """The figures of a boundary in one year under one GWP set, in kg CO2e unless said otherwise."""

    scope1: Amount
    scope1_columns: Floats
    scope1_by_owner: dict[str, Amount]
    scope2: Amount
    scope3: Amount
    scope3_by_category: dict[int, Amount]
    """Of the categories in which anything was stated: of the others nothing is known, not zero."""
    upstream: Amount
    upstream_columns: Floats
    t0: Amount | None
    t1: Amount | None
    t2: Amount
    t2_status: Assessed
    returned: Amount | None
    returning: Assessed
    not_assessable_because: tuple[str, ...]
    missing: tuple[Missing, ...]
    stand_ins: tuple[Missing, ...]
    """What places did not state and their recipes and production stand in for."""
    gaps: tuple[Gap, ...]
    """Unmet inputs of the boundary; amounts are totals of the year."""
    incomplete: tuple[int, ...]
    """Outside nodes bought from whose own figure lacks something."""
    unsplit: tuple[int, ...]
    """Energy carriers bought whose generation is not known, or exceeds what they carry."""
    split_mixes: tuple[str, ...]
    """Products bought without naming a site that are made inside and outside."""
    origins: dict[int, float]
    """Outside node -> its share of ``upstream``, in kg CO2e."""
    as_of: int


def assess(solved: Solved, places: Iterable[Place], weights: Characterisation) -> Assessment:
    """The books of the boundary made of ``places``.

    Raises
    ------
    NoDataForYear
        Nothing was stated about any of the places in the year.
    """
    return _Fence(solved, frozenset(places), weights).assessment()


class _Fence:
    """One boundary laid over a solved network; used once."""

    def __init__(self, solved: Solved, places: frozenset[Place], weights: Characterisation) -> None:
        self.solved, self.network = solved, solved.network
        self.places, self.weights = places, weights
        nodes, nodes_at = self.network.nodes, self.network.nodes_at
        at_place = self._mask(i for place in places for i in nodes_at.get(place, ()))
        if not at_place.any():
            raise NoDataForYear(year=self.network.year)
        sites = {place.site for place in places}
        owners = self.network.site_owners.items()
        elsewhere = {owner for site, owner in owners if site not in sites}
        self.owners = {owner for site, owner in owners if site in sites}
        self.owners |= {nodes[i].owner for i in np.flatnonzero(at_place)}
        self.inside = at_place | self._of_no_site(self.owners - elsewhere)
        self.unsure = self._of_no_site(self.owners & elsewhere)
        self.outside: Mask = ~(self.inside | self.unsure)
        inside = map(int, np.flatnonzero(self.inside))
        self.counted = self._mask(i for i in inside if nodes[i].feed in COUNTED_INSIDE)
        self.output: Floats = np.where(self.counted, np.nan_to_num(self.network.output), 0.0)

    def _of_no_site(self, owners: Set[str]) -> Mask:
        """Nodes of these enterprises that stand nowhere in particular."""
        somewhere = self.network.nodes_at.get(None, ())
        return self._mask(i for i in somewhere if self.network.nodes[i].owner in owners)

    def _mask(self, nodes: Iterable[int]) -> Mask:
        mask = np.zeros(len(self.network.nodes), dtype=bool)
        mask[list(nodes)] = True
        return mask

    @cached_property
    def made(self) -> tuple[int, ...]:
        """Nodes of products made inside; an expired footprint of no site tells of no making."""
        nodes = ((int(i), self.network.nodes[i]) for i in np.flatnonzero(self.inside))
        return tuple(
            i for i, node in nodes if node.product and (node.place or node.feed is not Feed.EXPIRED)
        )

    def assessment(self) -> Assessment:
        cone, inflow, plan = self._inflow()
        missing, stand_ins = self._missing()
        gaps, internal = self._gaps()
        emitted = self.network.direct * self.output[:, None]
        has_inflow = not any(m.what.startswith("purchases") for m in missing)
        complete_inflow = has_inflow and not gaps and not inflow.incomplete.any()
        scope1 = self._amount(
            emitted.sum(axis=0), not any(m.what.startswith("inventory") for m in missing)
        )
        brought = inflow.by_category()
        generated = inflow.generated_by_category()
        upstream = self._amount(brought.sum(axis=0), complete_inflow)
        complete = {c: has_inflow and inflow.is_complete(c, gaps) for c in inflow.stated(gaps)}
        scope3 = {
            category: self._amount(brought[category] - generated[category], known)
            for category, known in complete.items()
        }
        generation_known = (
            has_inflow
            and not any(gap.category == ENERGY for gap in gaps)
            and not inflow.generation.unknown.any()
        )
        t2 = Amount(scope1.at_least + upstream.at_least, scope1.complete and upstream.complete)
        partial = internal or self._may_draw_on_inside(cone) or not t2.complete
        reasons = self._recipes_missing()
        t0, t1 = (None, None) if reasons else self._chain_totals(told=not missing)
        return Assessment(
            scope1=scope1,
            scope1_columns=emitted.sum(axis=0),
            scope1_by_owner=self._by_owner(emitted, missing),
            scope2=self._amount(generated.sum(axis=0), generation_known),
            scope3=self._amount(
                (brought - generated).sum(axis=0), complete_inflow and generation_known
            ),
            scope3_by_category=scope3,
            upstream=upstream,
            upstream_columns=brought.sum(axis=0),
            t0=t0,
            t1=t1,
            t2=t2,
            t2_status=Assessed.PARTIAL if partial else Assessed.ASSESSED,
            returned=t1 and _difference(t1, t2),
            returning=self._returning(cone, reasons),
            not_assessable_because=reasons,
            missing=missing,
            stand_ins=stand_ins,
            gaps=gaps,
            incomplete=tuple(map(int, cone[inflow.incomplete])),
            unsplit=tuple(map(int, cone[inflow.generation.unknown])),
            split_mixes=self._split_mixes(),
            origins=self._origins(cone, inflow, plan),
            as_of=self._as_of(cone),
        )

    def _as_of(self, cone: Ints) -> int:
        at_sites = (self.network.site_as_of.get(place.site, -1) for place in self.places)
        of_nodes = self.network.as_of[self.inside].max(), self.network.as_of[cone].max(initial=-1)
        return int(max(*of_nodes, *at_sites))

    def _amount(self, columns: Floats, complete: bool) -> Amount:
        return Amount(float(self.weights.co2e(columns)), complete)

    # -- what crosses the fence ------------------------------------------------------------

    def _inflow(self) -> tuple[Ints, Inflow, Plan]:
        """z by category, m* over its upstream cone, and the generation part of both."""
        edges = self.network.edges
        crossing = self.counted[edges.consumer] & self.outside[edges.supplier]
        amounts = edges.amount[crossing] * self.output[edges.consumer[crossing]]
        suppliers = edges.supplier[crossing]
        cone = self._cone(suppliers[amounts != 0])
        position = np.full(len(self.inside), -1)
        position[cone] = np.arange(len(cone))
        at = position[suppliers]
        cell = at[at >= 0], edges.category[crossing][at >= 0]
        bought, size = np.zeros((len(cone), 9)), np.zeros((len(cone), 9))
        np.add.at(bought, cell, amounts[at >= 0])
        np.add.at(size, cell, np.abs(amounts[at >= 0]))
        bought[np.abs(bought) <= ROUNDING * size] = 0.0
        block = sparse.csr_array(self.network.inputs[cone][:, cone])
        plan = Plan.of(block)
        gap = self._lacking(cone) | plan.refused_mask
        drawn = (bought != 0).any(axis=1)
        outside = np.nan_to_num(plan.footprints(self.network.direct[cone]))
        inflow = Inflow(
            suppliers=cone,
            amounts=bought,
            outside=outside,
            generation=self._generation(cone, outside, drawn),
            incomplete=(plan.downstream_max(gap.astype(np.int64)) > 0) & drawn,
        )
        return cone, inflow, plan

    def _lacking(self, cone: Ints) -> Mask:
        """Outside nodes with a gap of their own; what would come from inside counts zero anyway."""
        gaps = {gap.node for gap in self.network.gaps if gap.supplier not in self.owners}
        nodes = self.network.nodes
        return np.array([i in gaps or nodes[i].feed is Feed.NONE for i in cone], dtype=bool)

    def _generation(self, cone: Ints, outside: Floats, drawn: Mask) -> Generation:
        """The generation part of m*; unknown where more is stated than m* has."""
        generation = generation_outside(self.network, cone, drawn)
        contained = self.weights.co2e(outside) * (1 + CONTAINED)
        exceeding = self.weights.co2e(generation.per_unit) > contained
        return replace(generation, unknown=generation.unknown | (exceeding & drawn))

    def _cone(self, start: Ints) -> Ints:
        """Outside nodes from which ``start`` draws, over any number of outside tiers."""
        by_consumer = sparse.csc_array(self.network.inputs)
        reached = np.zeros(len(self.inside), dtype=bool)
        frontier: Ints = np.unique(start)
        while frontier.size:
            reached[frontier] = True
            rows = [
                by_consumer.indices[by_consumer.indptr[j] : by_consumer.indptr[j + 1]]
                for j in frontier
            ]
            tier: Ints = np.unique(np.concatenate(rows)).astype(np.int64)
            frontier = tier[~reached[tier] & self.outside[tier]]
        return np.flatnonzero(reached).astype(np.int64)

    def _origins(self, cone: Ints, inflow: Inflow, plan: Plan) -> dict[int, float]:
        """e_i [(I − A_OO)⁻¹ z]_i: where outside the upstream figure was emitted."""
        supplied = np.nan_to_num(plan.supply(inflow.amounts.sum(axis=1, keepdims=True))[:, 0])
        emitted = self.weights.co2e(self.network.direct[cone]) * supplied
        return {int(i): float(kg) for i, kg in zip(cone, emitted, strict=True) if kg}

    # -- what is not known -----------------------------------------------------------------

    def _missing(self) -> tuple[tuple[Missing, ...], tuple[Missing, ...]]:
        """What places leave open, and what their recipes stand in for."""
        missing: list[Missing] = []
        stand_ins: list[Missing] = []
        for place in sorted(self.places):
            book = self.network.books.get(place, Book(0, 0))
            by_recipes = self._recipes_tell_all(place)
            told = {"inventory": book.inventory_days, "purchases": book.purchase_days}
            for what, days in told.items():
                if 0 < days < place.days:
                    missing.append(Missing(place, f"{what}-incomplete"))
                elif days == 0:
                    (stand_ins if by_recipes else missing).append(Missing(place, what))
        return tuple(missing), tuple(stand_ins)

    def _recipes_tell_all(self, place: Place) -> bool:
        """Without inventory or purchases, recipes with known output stand in for them."""
        somewhere = self._made_at.get(self.network.site_owners.get(place.site), [])
        made = self._made_at.get(place, [])
        return bool(made) and all(self._is_told(i) for i in (*made, *somewhere))

    @cached_property
    def _made_at(self) -> dict[Place | str | None, list[int]]:
        """What is made by place; and by owner, where it is not known at which of its sites."""
        found: dict[Place | str | None, list[int]] = defaultdict(list)
        for i in self.made:
            found[self.network.nodes[i].place or self.network.nodes[i].owner].append(i)
        return found

    def _is_told(self, i: int) -> bool:
        """Whether a recipe and the production of all days are stated."""
        output_known = not np.isnan(self.network.output[i]) and i not in self.network.partly_told
        return self.network.nodes[i].feed is Feed.RECIPE and output_known

    def _gaps(self) -> tuple[tuple[Gap, ...], bool]:
        """Unmet inputs from outside, as totals; and whether a supplier inside left some unmet.

        Where a place states its purchases, those are its inflow: the same gap in one of its
        recipes is not counted again.
        """
        unmet = [
            replace(gap, amount=gap.amount * float(self.output[gap.node]))
            for gap in self.network.gaps
            if self.counted[gap.node] and self._taker(gap.node) == gap.node
        ]
        unmet += self._undeclared()
        outside = tuple(gap for gap in unmet if gap.supplier not in self.owners)
        return outside, len(outside) < len(unmet)

    def _undeclared(self) -> Iterator[Gap]:
        """What is bought of products outside that nobody describes, as totals."""
        bought: dict[tuple[int, int, int], list[float]] = defaultdict(list)
        gaps: dict[tuple[int, int, int], Gap] = {}
        for supplier, gap in self.network.undeclared:
            if self.counted[gap.node] and self.outside[supplier]:
                key = self._taker(gap.node), supplier, gap.category
                bought[key].append(gap.amount * float(self.output[gap.node]))
                gaps[key] = gap
        for key, amounts in bought.items():
            # Recipes and the rest of a place add up to its purchases, and to nothing without.
            if abs(math.fsum(amounts)) > ROUNDING * max(map(abs, amounts)):
                yield replace(gaps[key], node=key[0], amount=math.fsum(amounts))

    def _may_draw_on_inside(self, cone: Ints) -> bool:
        """Whether what counts draws on something that may be made inside or outside.

        That is a product of no site, or a gap of an outside node, whose supplier has a site inside.
        """
        edges, counting = self.network.edges, self.counted.copy()
        counting[cone] = True
        drawn = counting[edges.consumer] & self.unsure[edges.supplier] & (edges.amount != 0)
        outside = set(map(int, cone))
        returning = (
            gap.node in outside for gap in self.network.gaps if gap.supplier in self.owners
        )
        return bool(drawn.any()) or any(returning)

    def _split_mixes(self) -> tuple[str, ...]:
        edges = self.network.edges
        bought = edges.mixed & self.counted[edges.consumer] & (edges.amount != 0)
        suppliers = np.unique(edges.supplier[bought])
        inside, outside = (
            {self.network.nodes[i].product: self.network.nodes[i].name for i in suppliers[side]}
            for side in (self.inside[suppliers], self.outside[suppliers])
        )
        return tuple(sorted(name for product, name in inside.items() if product in outside))

    def _taker(self, i: int) -> int:
        """The node in whose name a place takes in: its rest where it states its purchases."""
        place = self.network.nodes[i].place
        book = self.network.books.get(place) if place else None
        if book is None or not book.has_purchases:
            return i
        nodes_here = self.network.nodes_at[place]
        return next(k for k in nodes_here if self.network.nodes[k].feed is Feed.OVERHEAD)

    def _recipes_missing(self) -> tuple[str, ...]:
        """Names of products made inside whose recipe or output is not known."""
        return tuple(
            sorted({self.network.nodes[i].name for i in self.made if not self._is_told(i)})
        )

    def _returning(self, cone: Ints, reasons: tuple[str, ...]) -> Assessed:
        """Loops through suppliers that state only a total cannot be seen."""
        if reasons:
            return Assessed.NOT_ASSESSABLE
        hidden = any(self.network.nodes[i].feed in BLACK_BOX for i in cone)
        return Assessed.PARTIAL if hidden else Assessed.ASSESSED

    # -- chains ----------------------------------------------------------------------------

    def _chain_totals(self, *, told: bool) -> tuple[Amount, Amount]:
        """T0 and T1 from full product footprints, overhead nodes included."""
        inside = np.flatnonzero(self.inside)
        block = self.network.inputs[inside][:, inside]
        made = self.output[inside]
        delivered = made - block @ made
        complete = told and not bool(self.solved.incomplete[inside].any())
        footprints = np.nan_to_num(self.solved.footprints[inside])
        t0 = self._amount(footprints.T @ made, complete)
        return t0, self._amount(footprints.T @ delivered, complete)

    def _by_owner(self, emitted: Floats, missing: tuple[Missing, ...]) -> dict[str, Amount]:
        open_sites = {m.place.site for m in missing if m.what.startswith("inventory")}
        totals: dict[str, float] = {}
        incomplete: set[str] = set()
        for i in np.flatnonzero(self.inside):
            node = self.network.nodes[i]
            totals[node.owner] = totals.get(node.owner, 0.0) + float(self.weights.co2e(emitted[i]))
            if node.place and node.place.site in open_sites:
                incomplete.add(node.owner)
        return {owner: Amount(kg, owner not in incomplete) for owner, kg in totals.items()}


def _difference(larger: Amount, smaller: Amount) -> Amount:
    left = larger.at_least - smaller.at_least
    if abs(left) <= ROUNDING * abs(larger.at_least):
        left = 0.0
    return Amount(left, larger.complete and smaller.complete)
