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

What nobody describes is a gap. The factor ladder may estimate it; then a figure has a lower bound,
a value and an upper bound. A gap whose supplier has a site inside may have been supplied from
there: it is never estimated as upstream, and keeps T2 partial.

A footprint that names no site is made inside if all sites of its owner are. If only some are,
nobody knows: it is not counted as upstream, as its emissions may be in an inventory already, and
T2 is *partial*.
"""

from __future__ import annotations

import enum
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.errors import NoDataForYear
from graph.figures.gaps import RUNGS, Effect, Estimates, GapIndex, ranked
from graph.figures.generation import generation_outside
from graph.figures.rungs import COMPUTED, known_by_rung, shares_of
from graph.kept import kept
from graph.reading.network import FEEDS, Book, Floats, Gap, Ints, Network
from graph.reading.year import Place
from graph.solving.characterise import Characterisation
from graph.solving.many import upstream_of_each
from graph.solving.outside import EdgesByConsumer, Outside, outside_of
from graph.solving.solved import Solved
from graph.terms import Assessed, Feed, Rung

Mask = NDArray[np.bool_]
ENERGY = 3
"""The Scope 3 category under which energy is bought; its generation part is Scope 2."""
CATEGORIES = 9
"""Columns of a table by category; category 0 is unused."""
COUNTED_INSIDE = (Feed.RECIPE, Feed.OVERHEAD)
CONTAINED = 1e-9
"""How far rounding may bring a generation above the footprint that contains it."""
ROUNDING = 1e-12
"""What remains of amounts that cancel, relative to their size."""
BLACK_BOX = (Feed.FOOTPRINT, Feed.EXPIRED, Feed.NONE)


class Lacking(enum.IntEnum):
    """What a figure lacks, at worst."""

    NOTHING = 0
    ESTIMATED = 1
    """Every gap in it has an estimate."""
    OPEN = 2
    """Something in it has none, or was not stated."""


@dataclass(frozen=True, slots=True)
class Amount:
    """kg CO2e: what is known, what the factor ladder fills in, how much higher that may be.

    ``at_least`` is all that remains while the figure is open: then value, coverage and upper bound
    are null, never zero.
    """

    at_least: float
    filled: float = 0.0
    spread: float = 0.0
    lacking: Lacking = Lacking.NOTHING

    @property
    def complete(self) -> bool:
        return self.lacking is Lacking.NOTHING

    @property
    def value(self) -> float | None:
        return None if self.lacking is Lacking.OPEN else self.at_least + self.filled

    @property
    def coverage(self) -> float | None:
        """``at_least / value``: 1 where nothing is filled in."""
        value = self.value
        if value is None:
            return None
        return self.at_least / value if value else 1.0

    @property
    def lower(self) -> float:
        return self.at_least

    @property
    def upper(self) -> float | None:
        """Every estimate at the upper end of its factor at once."""
        return None if self.lacking is Lacking.OPEN else self.at_least + self.filled + self.spread

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.at_least + other.at_least,
            self.filled + other.filled,
            self.spread + other.spread,
            max(self.lacking, other.lacking),
        )

    def __sub__(self, part: Amount) -> Amount:
        """The rest of a sum; what only rounding leaves of a term is nothing."""
        return Amount(
            _rest(self.at_least, part.at_least),
            _rest(self.filled, part.filled),
            _rest(self.spread, part.spread),
            max(self.lacking, part.lacking),
        )


NOTHING = Amount(0.0)


def _rest(larger: float, smaller: float) -> float:
    left = larger - smaller
    return 0.0 if abs(left) <= ROUNDING * abs(larger) else left


@dataclass(frozen=True, slots=True)
class Missing:
    """A place whose own statements leave something open, and what."""

    place: Place
    what: str


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
    effects: tuple[Effect, ...]
    """Unmet inputs of the boundary and of what it draws on, by how much they may move T2."""
    rungs: Mapping[Rung, float]
    """How well T2 is known: the share of each rung; they sum to 1."""
    incomplete: tuple[int, ...]
    """Outside nodes bought from whose own figure lacks something."""
    unsplit: tuple[int, ...]
    """Energy carriers bought whose generation is not known, or exceeds what they carry."""
    split_mixes: tuple[str, ...]
    """Products bought without naming a site that are made inside and outside."""
    made_outside: Floats
    """(n,) units made of every node outside for what is bought; zero inside."""
    emitted_outside: Floats
    """(n,) kg CO2e of ``upstream`` by the node that emitted them."""
    as_of: int

    @cached_property
    def origins(self) -> dict[int, float]:
        """Outside node -> its share of ``upstream``, in kg CO2e."""
        emitting = np.flatnonzero(self.emitted_outside)
        return dict(zip(emitting.tolist(), self.emitted_outside[emitting].tolist(), strict=True))


def assess(solved: Solved, places: Iterable[Place], weights: Characterisation) -> Assessment:
    """The books of the boundary made of ``places``.

    Raises
    ------
    NoDataForYear
        Nothing was stated about any of the places in the year.
    """
    return Fence(solved, frozenset(places), weights).assessment()


@dataclass(frozen=True)
class _Ground:
    """What is the same for all boundaries of a network."""

    of_no_site: Mapping[int, Ints]
    """Owner's code -> its nodes that stand nowhere in particular."""
    sites_owned: Mapping[str, int]
    """Enterprise -> how many sites it owns."""
    owner_code: Mapping[str, int]

    @classmethod
    def of(cls, network: Network) -> _Ground:
        return kept(network, "ground", lambda: cls._of(network))

    @classmethod
    def _of(cls, network: Network) -> _Ground:
        somewhere = np.array(network.nodes_at.get(None, ()), dtype=np.int64)
        owners = network.owner_codes[somewhere]
        by_owner = somewhere[np.argsort(owners, kind="stable")]
        codes, starts = np.unique(np.sort(owners), return_index=True)
        return cls(
            of_no_site=dict(zip(codes.tolist(), np.split(by_owner, starts[1:]), strict=True))
            if codes.size
            else {},
            sites_owned=Counter(network.site_owners.values()),
            owner_code={owner: code for code, owner in enumerate(network.owners)},
        )


@dataclass(frozen=True)
class Inflow:
    """What crosses the fence. ``amounts[i, c]``: declared units of ``suppliers[i]`` under category
    ``c``. Suppliers of which nothing remains once purchases and recipes cancel are left out."""

    suppliers: Ints
    amounts: Floats

    @classmethod
    def of(cls, supplier: Ints, category: Ints, amount: Floats) -> Inflow:
        suppliers, row = np.unique(supplier, return_inverse=True)
        bought, size = (np.zeros((len(suppliers), CATEGORIES)) for _ in range(2))
        np.add.at(bought, (row, category), amount)
        np.add.at(size, (row, category), np.abs(amount))
        bought[np.abs(bought) <= ROUNDING * size] = 0.0
        drawn = bought.any(axis=1)
        return cls(suppliers[drawn], bought[drawn])

    @property
    def total(self) -> Floats:
        """Units bought of each supplier, all categories together."""
        return np.asarray(self.amounts.sum(axis=1))

    def in_category(self, mask: Mask) -> Mask:
        """(9,) whether anything bought under each category is of a supplier in ``mask``."""
        return np.asarray((self.amounts[mask] != 0).any(axis=0))


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is drawn from suppliers outside: kg CO2e (known, filled in, spread), and whether any of
    it lacks something, or something that nothing estimates."""

    kg: Floats
    lacks: bool
    is_open: bool


class Fence:
    """One boundary laid over a solved network.

    Nodes are kept as sorted lists of numbers, so that a small boundary costs little in a large
    network. ``inside`` stand at its places, or are those of owners all of whose sites are inside;
    of ``unsure`` ones nobody knows.
    """

    def __init__(self, solved: Solved, places: frozenset[Place], weights: Characterisation) -> None:
        self.solved, self.network = solved, solved.network
        self.places, self.weights = places, weights
        at_place = self._at_places()
        if not at_place.size:
            raise NoDataForYear(year=self.network.year)
        self.owners = self._owners(at_place)
        whole, part = self._of_no_site()
        self.inside = np.union1d(at_place, whole)
        self.unsure = part
        self.held = np.union1d(self.inside, part)
        codes = [FEEDS.index(feed) for feed in COUNTED_INSIDE]
        self.counted = self.inside[np.isin(self.network.feeds[self.inside], codes)]
        self.output = np.nan_to_num(self.network.output[self.counted])

    def _at_places(self) -> Ints:
        nodes_at = self.network.nodes_at
        return np.array(sorted({i for p in self.places for i in nodes_at.get(p, ())}), dtype=int)

    def _owners(self, at_place: Ints) -> frozenset[str]:
        """Who owns a site or a node inside."""
        named = {self.network.owners[c] for c in np.unique(self.network.owner_codes[at_place])}
        sites = {place.site for place in self.places}
        return frozenset(named | {self.network.site_owners[s] for s in sites & self._registered})

    @property
    def _registered(self) -> set[str]:
        return {place.site for place in self.places if place.site in self.network.site_owners}

    def _of_no_site(self) -> tuple[Ints, Ints]:
        """Nodes of no site: of owners that have all sites inside, and of owners that have some."""
        ground = _Ground.of(self.network)
        inside = Counter(self.network.site_owners[site] for site in self._registered)
        whole, part = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for owner in self.owners:
            nodes = ground.of_no_site.get(ground.owner_code.get(owner, -1))
            if nodes is not None:
                (whole if inside[owner] == ground.sites_owned.get(owner, 0) else part).append(nodes)
        return np.unique(np.concatenate(whole)), np.unique(np.concatenate(part))

    @cached_property
    def made(self) -> tuple[int, ...]:
        """Nodes of products made inside; an expired footprint of no site tells of no making."""
        nodes = ((i, self.network.nodes[i]) for i in self.inside.tolist())
        return tuple(
            i for i, node in nodes if node.product and (node.place or node.feed is not Feed.EXPIRED)
        )

    def assessment(self) -> Assessment:
        inflow = self.inflow
        scope1, upstream, t2 = self.scope1, self.upstream, self.scope1 + self.upstream
        partial = self.has_gap_inside or self._may_draw_on_inside or not t2.complete
        t0, t1 = self.chain_totals()
        made, emitted = self.made_outside, self._emitted_outside
        return Assessment(
            scope1=scope1,
            scope1_columns=self._emitted.sum(axis=0),
            scope1_by_owner=self._by_owner(),
            scope2=self._scope2(),
            scope3=self._scope3(),
            scope3_by_category=self._by_category(),
            upstream=upstream,
            upstream_columns=made @ self.network.direct,
            t0=t0,
            t1=t1,
            t2=t2,
            t2_status=Assessed.PARTIAL if partial else Assessed.ASSESSED,
            returned=t1 and t1 - t2,
            returning=self._returning(made),
            not_assessable_because=self.recipes_missing,
            missing=self._missing[0],
            stand_ins=self._missing[1],
            gaps=self.gaps,
            effects=self._effects(made),
            rungs=self._rungs(made),
            incomplete=tuple(inflow.suppliers[self._lacks].tolist()),
            unsplit=tuple(inflow.suppliers[self._unsplit].tolist()),
            split_mixes=self._split_mixes(),
            made_outside=made,
            emitted_outside=emitted,
            as_of=self._as_of(made),
        )

    def _as_of(self, made: Floats) -> int:
        at_sites = (self.network.site_as_of.get(place.site, -1) for place in self.places)
        of_inside = self.network.as_of[self.inside].max()
        of_outside = self.network.as_of[made != 0].max(initial=-1)
        return int(max(of_inside, of_outside, *at_sites))

    def _kg(self, columns: Floats) -> float:
        return float(self.weights.co2e(columns))

    # -- Scope 1 ---------------------------------------------------------------------------

    @cached_property
    def _emitted(self) -> Floats:
        """(counted, k) kg of the year emitted at each node inside."""
        return self.network.direct[self.counted] * self.output[:, None]

    @cached_property
    def scope1(self) -> Amount:
        is_open = any(m.what.startswith("inventory") for m in self._missing[0])
        return Amount(
            self._kg(self._emitted.sum(axis=0)),
            lacking=Lacking.OPEN if is_open else Lacking.NOTHING,
        )

    def _by_owner(self) -> dict[str, Amount]:
        open_sites = {m.place.site for m in self._missing[0] if m.what.startswith("inventory")}
        codes = self.network.owner_codes
        kg = np.bincount(
            codes[self.counted], self.weights.co2e(self._emitted), len(self.network.owners)
        )
        owners = {c: self.network.owners[c] for c in np.unique(codes[self.inside]).tolist()}
        is_open = {self.network.site_owners.get(site) for site in open_sites}
        is_open |= {
            self.network.nodes[i].owner
            for place in self.places
            if place.site in open_sites
            for i in self.network.nodes_at.get(place, ())
        }
        return {
            owner: Amount(
                float(kg[code]), lacking=Lacking.OPEN if owner in is_open else Lacking.NOTHING
            )
            for code, owner in owners.items()
        }

    # -- what crosses the fence ------------------------------------------------------------

    @cached_property
    def _edges_in(self) -> Ints:
        """Edges into what counts inside, from wherever."""
        return EdgesByConsumer.of(self.network).into(self.counted)

    @cached_property
    def _bought(self) -> Floats:
        """Units of the year that come in over each of ``_edges_in``."""
        edges, into = self.network.edges, self._edges_in
        made = self.output[np.searchsorted(self.counted, edges.consumer[into])]
        return np.asarray(edges.amount[into] * made)

    @cached_property
    def crossing(self) -> tuple[Ints, Floats]:
        """Edges over the fence into what counts inside, and the units of the year over each."""
        into = self._edges_in
        crossing = ~np.isin(self.network.edges.supplier[into], self.held)
        return into[crossing], self._bought[crossing]

    @cached_property
    def inflow(self) -> Inflow:
        """z by supplier and category."""
        edges, (over, bought) = self.network.edges, self.crossing
        return Inflow.of(edges.supplier[over], edges.category[over], bought)

    def takers_of(self, suppliers: Ints) -> Ints:
        """Nodes inside that take in what ``suppliers`` deliver."""
        edges, into = self.network.edges, self._edges_in
        taken = np.isin(edges.supplier[into], suppliers) & (self._bought != 0)
        return np.unique(edges.consumer[into[taken]])

    @cached_property
    def held_mask(self) -> Mask:
        mask = np.zeros(len(self.network.nodes), dtype=bool)
        mask[self.held] = True
        return mask

    @cached_property
    def estimates(self) -> Estimates:
        """What the ladder says, but for gaps that may have been supplied from inside."""
        return Estimates.of(self.network).without(self.owners)

    @cached_property
    def outside(self) -> Outside:
        """m* of what is known, filled in and its spread, in kg CO2e."""
        known = self.network.direct @ self.weights.gross
        quantities = [known, *self._estimated_outside]
        return outside_of(
            self.solved, self.held_mask, self.inflow.suppliers, np.column_stack(quantities)
        )

    @cached_property
    def _estimated_outside(self) -> tuple[Floats, ...]:
        """(n,) kg CO2e filled in, and their spread; nothing where no purchase rests on any."""
        if not self.solved.estimated[self.inflow.suppliers].any():
            return ()
        return self.estimates.at_nodes(self.weights)

    @cached_property
    def _per_unit(self) -> Floats:
        """(suppliers, 3) m*: known, filled in, spread."""
        found = np.zeros((len(self.inflow.suppliers), 3))
        found[:, : self.outside.per_unit.shape[1]] = self.outside.per_unit
        return found

    @cached_property
    def _lacks(self) -> Mask:
        """Suppliers whose own figure lacks something; what came from inside counts zero anyway."""
        return self._rest_on(self.solved.incomplete, self.estimates.lacking)

    @cached_property
    def _open_ended(self) -> Mask:
        """Suppliers whose own figure lacks something that nothing can estimate."""
        return self._rest_on(self.solved.open_ended, self.estimates.unestimated)

    def _rest_on(self, anywhere: Mask, gaps: Mask) -> Mask:
        suppliers = self.inflow.suppliers
        if not self.outside.refuses and not anywhere[suppliers].any():
            return np.zeros(len(suppliers), dtype=bool)
        return self.outside.rests_on(gaps)

    @cached_property
    def _brought(self) -> Floats:
        """(9, 3) kg CO2e by category: known, filled in, spread; generation included."""
        brought = self.inflow.amounts.T @ self._per_unit
        self._add_estimates(brought, self.unmet)
        return np.asarray(brought)

    def _add_estimates(self, table: Floats, gaps: Iterable[Gap]) -> None:
        """Add what is filled in for gaps, and its spread, to a table by category."""
        for gap in gaps:
            if gap.estimate is not None:
                kg = self._kg(self.network.row(gap.estimate.emissions))
                table[gap.category, 1:] += kg, kg * gap.estimate.spread

    @cached_property
    def generation(self) -> tuple[Floats, Mask]:
        """(suppliers, 3) the part of m* that arose at generation; where it is not known."""
        found = generation_outside(self.network, self.inflow.suppliers, self.held_mask)
        tables = (found.known, found.filled, found.spread)
        per_unit = np.column_stack([self.weights.co2e(each) for each in tables])
        contained = self._per_unit[:, :2].sum(axis=1) * (1 + CONTAINED)
        return per_unit, found.unknown | (per_unit[:, :2].sum(axis=1) > contained)

    @property
    def _unsplit(self) -> Mask:
        return self.generation[1]

    @cached_property
    def _generated(self) -> Floats:
        """(9, 3) kg CO2e by category that arose at generation of bought energy."""
        generated = self.inflow.amounts.T @ self.generation[0]
        self._add_estimates(generated, (gap for gap in self.unmet if is_generation(gap)))
        return np.asarray(generated)

    @cached_property
    def has_inflow(self) -> bool:
        """Whether every place states what it took in, or its recipes tell."""
        return not any(m.what.startswith("purchases") for m in self._missing[0])

    @cached_property
    def _lacking(self) -> list[Lacking]:
        """By category, what is lacking of what came in under it."""
        is_open, lacks = (self.inflow.in_category(m) for m in (self._open_ended, self._lacks))
        for gap in self.gaps:
            lacks[gap.category] = True
            is_open[gap.category] |= gap.estimate is None
        if not self.has_inflow:
            is_open[:] = True
        return [
            Lacking.OPEN if o else Lacking.ESTIMATED if e else Lacking.NOTHING
            for o, e in zip(is_open.tolist(), lacks.tolist(), strict=True)
        ]

    @cached_property
    def upstream(self) -> Amount:
        return self.upstream_of(self.drawn)

    @cached_property
    def drawn(self) -> Drawn:
        """What was drawn from outside, all suppliers together."""
        if self.weights.weightless:
            self._check_gases()
        kg = self.inflow.total @ self._per_unit
        return Drawn(kg, bool(self._lacks.any()), bool(self._open_ended.any()))

    def _check_gases(self) -> None:
        """Raises ``GasWithoutGwp`` where something drawn on emits a gas without a potential."""
        self.weights.co2e(self.network.direct[self.made_outside != 0])

    def upstream_of(self, drawn: Drawn) -> Amount:
        """Upstream of what is drawn from suppliers and of what no product meets."""
        unmet = np.zeros((CATEGORIES, 3))
        self._add_estimates(unmet, self.unmet)
        is_open = drawn.is_open or any(gap.estimate is None for gap in self.gaps)
        if is_open or not self.has_inflow:
            lacking = Lacking.OPEN
        else:
            lacking = Lacking.ESTIMATED if drawn.lacks or self.gaps else Lacking.NOTHING
        return _amount(drawn.kg + unmet.sum(axis=0), lacking)

    @cached_property
    def _split_open(self) -> Mask:
        """(9,) categories whose generation part is not known.

        An estimate tells it only where its factor is one of generation.
        """
        is_open = self.inflow.in_category(self._unsplit)
        energy = (gap for gap in self.unmet if gap.category == ENERGY)
        is_open[ENERGY] |= any(not is_generation(gap) for gap in energy)
        if not self.has_inflow:
            is_open[:] = True
        return is_open

    @cached_property
    def _fuel_open(self) -> Mask:
        """(9,) categories in which what comes before and after generation is not known.

        A factor of generation says nothing of fuel and losses: that is unknown, never zero.
        """
        is_open = self._split_open | self.inflow.in_category(self.generation[0][:, 1] != 0)
        for gap in self.unmet:
            is_open[gap.category] |= is_generation(gap)
        return np.asarray(is_open)

    def _scope2(self) -> Amount:
        lacking = Lacking.ESTIMATED if self._generated[:, 1].any() else Lacking.NOTHING
        return _amount(
            self._generated.sum(axis=0), Lacking.OPEN if self._split_open.any() else lacking
        )

    def _scope3(self) -> Amount:
        lacking = Lacking.OPEN if self._fuel_open.any() else max(self._lacking)
        return _amount((self._brought - self._generated).sum(axis=0), lacking)

    def _by_category(self) -> dict[int, Amount]:
        bought = np.flatnonzero(self.inflow.amounts.any(axis=0)).tolist()
        left = self._brought - self._generated
        return {
            c: _amount(left[c], Lacking.OPEN if self._fuel_open[c] else self._lacking[c])
            for c in sorted({*bought, *(gap.category for gap in self.gaps)})
        }

    @cached_property
    def made_outside(self) -> Floats:
        """(n,) v: units made of every node outside for what is bought."""
        return self.outside.supplied(self.inflow.total)

    @cached_property
    def _emitted_outside(self) -> Floats:
        """(n,) kg CO2e emitted for it at each node; raises where a gas has no potential."""
        emitting = np.flatnonzero(self.made_outside)
        emitted = np.zeros(len(self.network.nodes))
        kg = self.weights.co2e(self.network.direct[emitting])
        emitted[emitting] = kg * self.made_outside[emitting]
        return emitted

    # -- what is not known -----------------------------------------------------------------

    @cached_property
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
            if book.unknown_fuels:
                missing.append(Missing(place, "inventory-fuels"))
        return tuple(missing), tuple(stand_ins)

    def _recipes_tell_all(self, place: Place) -> bool:
        """Without inventory or purchases, recipes with known output stand in for them."""
        somewhere = self._made_at.get(self.network.site_owners.get(place.site), [])
        made = self._made_at.get(place, [])
        return bool(made) and self._told.issuperset((*made, *somewhere))

    @cached_property
    def _made_at(self) -> dict[Place | str | None, list[int]]:
        """What is made by place; and by owner, where it is not known at which of its sites."""
        found: dict[Place | str | None, list[int]] = defaultdict(list)
        for i in self.made:
            found[self.network.nodes[i].place or self.network.nodes[i].owner].append(i)
        return found

    @cached_property
    def _told(self) -> frozenset[int]:
        """Nodes inside of which a recipe and the production of all days are stated."""
        by_recipe = self.network.feeds[self.inside] == FEEDS.index(Feed.RECIPE)
        told = self.inside[by_recipe & ~np.isnan(self.network.output[self.inside])]
        return frozenset(told.tolist()) - self.network.partly_told

    def _output_of(self, node: int) -> float:
        return float(self.output[np.searchsorted(self.counted, node)])

    @cached_property
    def _unmet_anywhere(self) -> tuple[Gap, ...]:
        """Inputs of the boundary that no product meets, as totals of the year.

        Where a place states its purchases, those are its inflow: the same gap in one of its
        recipes is not counted again.
        """
        return tuple(
            _scaled(gap, self._output_of(gap.node))
            for gap in GapIndex.of(self.network).at(self.counted)
            if self._taker(gap.node) == gap.node
        )

    @cached_property
    def unmet(self) -> tuple[Gap, ...]:
        """Those whose supplier has no site inside."""
        return tuple(gap for gap in self._unmet_anywhere if gap.supplier not in self.owners)

    @cached_property
    def has_gap_inside(self) -> bool:
        """Whether a supplier that has a site inside left an input unmet."""
        unmet = [*self._unmet_anywhere, *self._undeclared]
        return any(gap.supplier in self.owners for gap in unmet)

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Unmet inputs from outside, as totals of the year."""
        undeclared = (gap for gap in self._undeclared if gap.supplier not in self.owners)
        return (*self.unmet, *undeclared)

    @cached_property
    def _undeclared(self) -> tuple[Gap, ...]:
        """What is bought of products outside that nobody describes, as totals."""
        bought: dict[tuple[int, int, int], list[float]] = defaultdict(list)
        gaps: dict[tuple[int, int, int], tuple[Gap, float]] = {}
        for supplier, gap in GapIndex.of(self.network).undeclared_at(self.counted):
            if not self.held_mask[supplier]:
                key = self._taker(gap.node), supplier, gap.category
                bought[key].append(gap.amount * self._output_of(gap.node))
                gaps[key] = gap, gap.amount
        return tuple(
            replace(_scaled(gap, math.fsum(bought[key]) / amount), node=key[0])
            for key, (gap, amount) in gaps.items()
            # Recipes and the rest of a place add up to its purchases, and to nothing without.
            if abs(math.fsum(bought[key])) > ROUNDING * max(map(abs, bought[key]))
        )

    @cached_property
    def _may_draw_on_inside(self) -> bool:
        """Whether what counts draws on something that may be made inside or outside.

        That is a product of no site, or a gap of an outside node, whose supplier has a site inside.
        """
        if not self.unsure.size and not self._returning_gaps:
            return False
        made = self.made_outside
        return self._draws_on_unsure(made) or any(made[i] != 0 for i in self._returning_gaps)

    @cached_property
    def _returning_gaps(self) -> frozenset[int]:
        """Outside nodes that lack what an enterprise with a site inside was to supply."""
        lacking = GapIndex.of(self.network).lacking_from(self.owners)
        return frozenset(i for i in lacking if not self.held_mask[i])

    def _draws_on_unsure(self, made: Floats) -> bool:
        if not self.unsure.size:
            return False
        drawing = made != 0
        drawing[self.counted] = True
        block = self.network.inputs[self.unsure]
        return bool(drawing[block.indices[block.data != 0]].any())

    def _split_mixes(self) -> tuple[str, ...]:
        edges = self.network.edges
        mixed = self._edges_in[edges.mixed[self._edges_in]]
        suppliers = np.unique(edges.supplier[mixed[edges.amount[mixed] != 0]])
        inside, outside = (
            {self.network.nodes[i].product: self.network.nodes[i].name for i in side}
            for side in (
                suppliers[np.isin(suppliers, self.inside)],
                suppliers[~np.isin(suppliers, self.held)],
            )
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

    @cached_property
    def recipes_missing(self) -> tuple[str, ...]:
        """Names of products made inside whose recipe or output is not known."""
        return tuple(sorted({self.network.nodes[i].name for i in self.made if i not in self._told}))

    def _returning(self, made: Floats) -> Assessed:
        """Loops through suppliers that state only a total cannot be seen."""
        if self.recipes_missing:
            return Assessed.NOT_ASSESSABLE
        hidden = self.network.fed_by(*BLACK_BOX)[made != 0].any()
        return Assessed.PARTIAL if hidden else Assessed.ASSESSED

    def _effects(self, made: Floats) -> tuple[Effect, ...]:
        """The gaps of the boundary, then those of what it draws on; see ``graph.figures.gaps``."""
        if not (self.gaps or self.has_gap_inside or self._lacks.any() or self._returning_gaps):
            return ()
        unmet = [*self._unmet_anywhere, *self._undeclared]
        own = [replace(g, estimate=None) if g.supplier in self.owners else g for g in unmet]
        return ranked(self.network, self.weights, made, own, self.owners)

    def _rungs(self, made: Floats) -> dict[Rung, float]:
        kg = known_by_rung(self.network, self._emitted_outside)
        kg += self.estimates.by_rung(made, self.weights)
        kg[COMPUTED] += self.scope1.at_least
        for gap in self.unmet:
            if gap.estimate is not None:
                emitted = self._kg(self.network.row(gap.estimate.emissions))
                kg[RUNGS.index(gap.estimate.rung)] += emitted
        return shares_of(kg)

    # -- chains ----------------------------------------------------------------------------

    def chain_totals(self) -> tuple[Amount, Amount] | tuple[None, None]:
        """T0 and T1 from full product footprints, overhead nodes included."""
        if self.recipes_missing:
            return None, None
        edges, into = self.network.edges, self._edges_in
        traded = np.isin(edges.supplier[into], self.inside)
        at = np.searchsorted(self.inside, edges.supplier[into][traded])
        used = np.bincount(at, self._bought[traded], len(self.inside))
        made = np.zeros(len(self.inside))
        made[np.searchsorted(self.inside, self.counted)] = self.output
        lacking = self._chains_lacking()
        return self._chain(made, lacking), self._chain(made - used, lacking)

    def _chain(self, units: Floats, lacking: Lacking) -> Amount:
        tables = (self.solved.footprints, self.solved.estimated, self.solved.spread)
        known, filled, spread = (np.nan_to_num(each[self.inside]).T @ units for each in tables)
        twice, more = self._stated_twice
        kg = np.array([self._kg(known), self._kg(filled) - twice, self._kg(spread) - more])
        return _amount(kg, lacking)

    def _chains_lacking(self) -> Lacking:
        if self._missing[0] or self.has_gap_inside or self.solved.open_ended[self.inside].any():
            return Lacking.OPEN
        lacks = self.solved.incomplete[self.inside].any()
        return Lacking.ESTIMATED if lacks else Lacking.NOTHING

    @cached_property
    def _stated_twice(self) -> tuple[float, float]:
        """What recipes leave open and the purchases of their place repeat: estimate and spread.

        The rest of the place holds its purchases less its recipes; of gaps it holds all.
        """
        kg, more = 0.0, 0.0
        for gap in GapIndex.of(self.network).at(self.counted):
            if gap.estimate is not None and self._taker(gap.node) != gap.node:
                filled = self._kg(self.network.row(gap.estimate.emissions))
                kg += filled * self._output_of(gap.node)
                more += filled * self._output_of(gap.node) * gap.estimate.spread
        return kg, more


def _amount(kg: Floats, lacking: Lacking) -> Amount:
    """``kg``: known, filled in, spread."""
    known, filled, spread = map(float, kg)
    return Amount(known, filled, spread, lacking)


def is_generation(gap: Gap) -> bool:
    """Whether all that is estimated of a gap arises where energy is generated."""
    return gap.estimate is not None and gap.estimate.is_generation


def _scaled(gap: Gap, factor: float) -> Gap:
    estimate = gap.estimate and gap.estimate.scaled(factor)
    return replace(gap, amount=gap.amount * factor, estimate=estimate)


@dataclass(frozen=True, slots=True)
class Totals:
    """Scope 1, upstream and the three totals of a boundary; T0 and T1 where recipes tell."""

    scope1: Amount
    upstream: Amount
    t0: Amount | None
    t1: Amount | None

    @property
    def t2(self) -> Amount:
        return self.scope1 + self.upstream


def assess_totals(
    solved: Solved, boundaries: Iterable[Iterable[Place]], weights: Characterisation
) -> tuple[Totals, ...]:
    """The totals of many boundaries, the same that ``assess`` gives for each.

    What they draw from outside is computed for dozens of them in one pass (``graph.solving.many``),
    but for those to which a gap may return, and where a loop is refused or a gas has no potential.

    Raises
    ------
    NoDataForYear
        Nothing was stated about one of them.
    """
    fences = [Fence(solved, frozenset(places), weights) for places in boundaries]
    is_plain = not solved.plan.refused and not weights.weightless
    together = [f for f in fences if is_plain and not f.estimates.owners]
    drawn = dict(zip(map(id, together), _drawn_by_each(solved, together, weights), strict=True))
    return tuple(
        Totals(f.scope1, f.upstream_of(drawn.get(id(f)) or f.drawn), *f.chain_totals())
        for f in fences
    )


def _drawn_by_each(
    solved: Solved, fences: Sequence[Fence], weights: Characterisation
) -> list[Drawn]:
    if not fences:
        return []
    found, held = Estimates.of(solved.network), [fence.held for fence in fences]
    suppliers = np.concatenate([fence.inflow.suppliers for fence in fences])
    bought = np.concatenate([fence.inflow.total for fence in fences])
    pointers = np.cumsum([0, *(len(fence.inflow.suppliers) for fence in fences)])

    def each(emitted: Floats, amounts: Floats) -> Floats:
        if not emitted.any():
            return np.zeros(len(fences))
        shape = (len(emitted), len(fences))
        inflows = sparse.csc_array((amounts, suppliers, pointers), shape=shape)
        return upstream_of_each(solved.plan, emitted, held, inflows)

    quantities = (solved.network.direct @ weights.gross, *found.at_nodes(weights))
    kg = np.column_stack([each(quantity, bought) for quantity in quantities])
    marks = (found.lacking, found.unestimated)
    lacks, is_open = (each(mask.astype(float), np.ones_like(bought)) > 0 for mask in marks)
    return [Drawn(*row) for row in zip(kg, lacks.tolist(), is_open.tolist(), strict=True)]
