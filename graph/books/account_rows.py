"""What the figure of a boundary consists of in one year, row by row, so that years can be compared.

    T2 = Σ rows,   a row: what one site took in of one product, burnt of one fuel, or emitted

A row knows how much there was of it (in a unit that the other year has as well) and what that came
to, in kg CO2e by column:

==================  =============================================================================
``RUNGS``           upstream, by the rung of the factor ladder that each kilogram stands on: of a
                    product ``m*_i z_i``, of an input that no product meets what is estimated
``GENERATION``      of these, known and filled in: what arose where bought energy was generated
                    (Scope 2 by location); the rest of upstream is Scope 3
``SCOPE1``          emitted at the site itself
==================  =============================================================================

Rows are grouped by **material**: energy by its carrier, products by their class (the first of them
in order of code), products without a class each for itself; within these by dimension, which is
mass where a product says what a unit of it weighs. Fuels and direct emissions are those of a site.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, TypeAlias, cast

import numpy as np

from graph.engine import Answered, Books
from graph.figures.boundary import ROUNDING, Fence, is_generation
from graph.figures.gaps import RUNGS
from graph.figures.generation import generation_outside
from graph.reading.direct import Burnt, direct_of
from graph.reading.factors import Ladder
from graph.reading.flows import inventories_of, region_of
from graph.reading.network import FEEDS, RUNG_OF_FEED, Column, Estimate, Floats, Gap, Ints, Vector
from graph.reading.openings import is_mass_disputed
from graph.reading.year import Place, Year
from graph.solving.characterise import characterise
from graph.solving.outside import outside_of
from graph.terms import Feed, Rung
from graph.tracing.explain import Kg
from ledger import units
from ledger.statements import CARRIER_URNS, Factors, Fuel, Product

FILLED: Final = tuple(RUNGS.index(rung) for rung in (Rung.AVERAGE, Rung.SPEND))
"""Columns of what the factor ladder fills in; the other rungs are known."""
GENERATION: Final = (len(RUNGS), len(RUNGS) + 1)
SCOPE1: Final = len(RUNGS) + 2
COLUMNS: Final = SCOPE1 + 1
_KNOWN: Final = tuple(k for k in range(len(RUNGS)) if k not in FILLED)
_OF_FEED: Final = np.array([RUNGS.index(RUNG_OF_FEED[feed]) for feed in FEEDS])
_STATED: Final = (Feed.FOOTPRINT, Feed.EXPIRED)
_CARRIER_OF: Final = {urn: carrier for carrier, urn in CARRIER_URNS.items()}

Way: TypeAlias = tuple[str, ...]
"""How something is known: its rung, then the set of factors or the GWP sets it was stated under."""


class Matter(enum.StrEnum):
    """What a row is about."""

    CARRIER = "carrier"
    CLASS = "class"
    PRODUCT = "product"
    WANTED = "wanted"
    """An input that names neither a registered product nor a class."""
    FUEL = "fuel"
    DIRECT = "direct"


@dataclass(frozen=True, slots=True, order=True)
class Material:
    """What rows of two years are grouped by.

    ``of`` is a carrier, the URN of a class or fuel, the id of a product, or what was wanted; of
    direct emissions their source, empty where only the total is known. ``apart`` keeps amounts of
    another dimension, or another use of a fuel, apart. ``site`` is given for fuels and direct
    emissions.
    """

    matter: Matter
    of: str
    apart: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a year. ``amount`` is in the base unit of the material's dimension; of direct
    emissions it is their kg CO2e.

    ``product`` None: nobody in particular. ``kg`` (COLUMNS,) is its part of T2; ``shared`` is the
    same with everything held that is inside in either of the years compared, ``None`` where the
    supplier itself is. ``nodes`` are the suppliers. ``is_open``: ``kg`` is a lower bound.
    """

    site: str
    material: Material
    product: str | None
    amount: float
    kg: Floats
    shared: Floats | None
    ways: frozenset[Way]
    is_open: bool = False
    nodes: frozenset[int] = frozenset()

    @property
    def is_direct(self) -> bool:
        return self.material.matter in (Matter.FUEL, Matter.DIRECT)


@dataclass(frozen=True)
class Side:
    """One of the two years.

    ``days`` are the share of the year for which each site is inside. ``untold`` and ``by_recipes``
    name what sites left out, and what their recipes stand in for: (site, inventory or purchases).
    """

    rows: tuple[Row, ...]
    days: Mapping[str, float]
    untold: frozenset[tuple[str, str]]
    by_recipes: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Split:
    """kg CO2e by column, as the scopes have it. They add up: T2 is Scope 1, 2 and 3 together."""

    columns: Floats

    @property
    def scope1(self) -> Kg:
        return Kg(float(self.columns[SCOPE1]))

    @property
    def upstream(self) -> Kg:
        columns = self.columns
        return Kg(float(columns[list(_KNOWN)].sum()), float(columns[list(FILLED)].sum()))

    @property
    def scope2(self) -> Kg:
        return Kg(*map(float, self.columns[list(GENERATION)]))

    @property
    def scope3(self) -> Kg:
        return self.upstream - self.scope2

    @property
    def t2(self) -> Kg:
        return self.scope1 + self.upstream


def sides_of(before: Books, after: Books) -> tuple[Side, Side]:
    """The rows of one boundary in two years, or at two prefixes of the log."""
    sites = {place.site for books in (before, after) for place in books.places}
    return side_of(before, frozenset(sites)), side_of(after, frozenset(sites))


def side_of(books: Books, sites: frozenset[str] = frozenset()) -> Side:
    """The rows of a boundary in a year; ``sites`` are inside in either of two compared years."""
    return _Reader(books, sites).side()


class _Reader:
    """Takes one year of a boundary apart."""

    def __init__(self, books: Books, sites: frozenset[str]) -> None:
        self.books, self.answered = books, books.answered
        self.network, self.weights = self.answered.solved.network, self.answered.weights
        self.fence = Fence(self.answered.solved, frozenset(books.places), self.weights)
        self.shared = self._shared_fence(sites)
        self.materials = Materials(self.answered)

    def _shared_fence(self, sites: frozenset[str]) -> Fence:
        """The fence around everything that is inside in either year."""
        more = {place for place in self.network.nodes_at if place and place.site in sites}
        if more <= set(self.books.places):
            return self.fence
        return Fence(self.answered.solved, frozenset(self.books.places) | more, self.weights)

    def side(self) -> Side:
        assessed = self.books.assessment
        days, whole = Counter[str](), _days_of(self.answered.year)
        for place in self.books.places:
            days[place.site] += place.days
        return Side(
            rows=(*self._inflow(), *self._unmet(), *self._emitted()),
            days={site: inside / whole for site, inside in days.items()},
            untold=frozenset(
                (m.place.site, m.what.removesuffix("-incomplete")) for m in assessed.missing
            ),
            by_recipes=frozenset((m.place.site, m.what) for m in assessed.stand_ins),
        )

    # -- what is bought ----------------------------------------------------------------------

    def _inflow(self) -> Iterator[Row]:
        """What every site took in of every product from outside."""
        taken = self._taken()
        suppliers = np.array(sorted({node for _, node in taken}), dtype=np.int64)
        at = {node: k for k, node in enumerate(suppliers.tolist())}
        per_unit, is_open = _per_unit(self.fence, suppliers), _open_ended(self.fence, suppliers)
        shared = self._shared_per_unit(suppliers, per_unit)
        for (site, product), nodes in _by_product(self, taken).items():
            material, ratio = self.materials.of_product(product)
            ks, amounts = [at[node] for node, _ in nodes], np.array([q for _, q in nodes])
            kept = ~np.isnan(shared[ks, 0])
            kg = amounts @ per_unit[ks]
            yield Row(
                site=site,
                material=material,
                product=product,
                amount=float(amounts[kept].sum()) * ratio,
                kg=kg,
                shared=amounts[kept] @ shared[ks][kept] if kept.any() else None,
                ways=frozenset(self._way(node) for node, _ in nodes),
                is_open=bool(is_open[ks].any()),
                nodes=frozenset(node for node, _ in nodes),
            )

    def _taken(self) -> dict[tuple[str, int], float]:
        """(site, supplier) -> declared units; what recipes and purchases cancel out is left out."""
        edges, (over, bought) = self.network.edges, self.fence.crossing
        units_of: dict[tuple[str, int], list[float]] = defaultdict(list)
        for edge, amount in zip(over.tolist(), bought.tolist(), strict=True):
            place = cast(Place, self.network.nodes[int(edges.consumer[edge])].place)
            units_of[place.site, int(edges.supplier[edge])].append(amount)
        together = {key: sum(each) for key, each in units_of.items()}
        return {
            key: amount
            for key, amount in together.items()
            if abs(amount) > ROUNDING * sum(map(abs, units_of[key]))
        }

    def _shared_per_unit(self, suppliers: Ints, per_unit: Floats) -> Floats:
        """The same within the shared fence; NaN for what is inside that."""
        if self.shared is self.fence:
            return per_unit
        inside = np.isin(suppliers, self.shared.held)
        found = np.full_like(per_unit, np.nan)
        found[~inside] = _per_unit(self.shared, suppliers[~inside])
        return found

    def _way(self, node: int) -> Way:
        described = self.network.nodes[node].feed
        rung = RUNG_OF_FEED[described]
        if described in _STATED:
            row = self.network.direct[node]
            under = {self.network.columns[k].stated_under or "" for k in np.flatnonzero(row)}
            return (str(rung), *sorted(under))
        stand_in = self.network.stand_ins.get(node)
        return self.materials.way(stand_in) if stand_in else (str(rung),)

    # -- what no product meets ---------------------------------------------------------------

    def _unmet(self) -> Iterator[Row]:
        for gap in self.fence.unmet:
            place = cast(Place, self.network.nodes[gap.node].place)
            kg = self._estimated(gap)
            material, ratio = self.materials.of_gap(gap)
            yield Row(
                site=place.site,
                material=material,
                product=None,
                amount=gap.amount * ratio,
                kg=kg,
                shared=None if gap.supplier in self.shared.owners else kg,
                ways=frozenset({self.materials.way(gap.estimate)}),
                is_open=gap.estimate is None,
            )

    def _estimated(self, gap: Gap) -> Floats:
        kg = np.zeros(COLUMNS)
        if gap.estimate is not None:
            filled = float(self.weights.co2e(self.network.row(gap.estimate.emissions)))
            kg[RUNGS.index(gap.estimate.rung)] = filled
            kg[GENERATION[1]] = filled if is_generation(gap) else 0.0
        return kg

    # -- what is emitted inside --------------------------------------------------------------

    def _emitted(self) -> Iterator[Row]:
        """Fuels, and direct emissions by source; what no inventory tells of has no source."""
        whole, told = self._direct_by_site(), _Told(self.answered, self.books.places)
        left = whole.copy()
        for row in told.fuels():
            left[row.site] -= float(row.kg[SCOPE1])
            yield row
        for (site, source), kg in told.direct.items():
            left[site] -= kg
            yield _direct(site, source, kg)
        for site, kg in left.items():
            if abs(kg) > _RESIDUE * max(abs(whole[site]), told.size[site]):
                yield _direct(site, "", kg)

    def _direct_by_site(self) -> dict[str, float]:
        """kg CO2e by site: its part of Scope 1."""
        found: dict[str, float] = defaultdict(float)
        kg = self.weights.co2e(self.network.direct[self.fence.counted]) * self.fence.output
        for node, emitted in zip(self.fence.counted.tolist(), kg.tolist(), strict=True):
            found[cast(Place, self.network.nodes[node].place).site] += emitted
        return found


_RESIDUE: Final = 1e-9
"""What adding up in another order leaves of Scope 1, relative to what is added."""


def _by_product(
    reader: _Reader, taken: Mapping[tuple[str, int], float]
) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """(site, product) -> its nodes with the units taken of them."""
    found: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    for (site, node), amount in sorted(taken.items()):
        found[site, cast(str, reader.network.nodes[node].product)].append((node, amount))
    return found


def _per_unit(fence: Fence, suppliers: Ints) -> Floats:
    """(suppliers, COLUMNS) m* by rung and its generation part, kg CO2e per declared unit."""
    network, weights = fence.network, fence.weights
    emitted = np.zeros((len(network.nodes), len(RUNGS)))
    emitted[np.arange(len(network.nodes)), _OF_FEED[network.feeds]] = network.direct @ weights.gross
    told = fence.estimates
    np.add.at(emitted, (told.nodes, told.rungs), told.emissions @ weights.gross)
    found = np.zeros((len(suppliers), COLUMNS))
    generated = generation_outside(network, suppliers, fence.held_mask)
    found[:, : len(RUNGS)] = outside_of(fence.solved, fence.held_mask, suppliers, emitted).per_unit
    found[:, GENERATION[0]] = weights.co2e(generated.known)
    found[:, GENERATION[1]] = weights.co2e(generated.filled)
    return found


def _open_ended(fence: Fence, suppliers: Ints) -> Floats:
    """(suppliers,) whether m* rests on something that nothing estimates."""
    nothing = np.zeros((len(fence.network.nodes), 1))
    outside = outside_of(fence.solved, fence.held_mask, suppliers, nothing)
    return np.asarray(outside.rests_on(fence.estimates.unestimated))


def _direct(site: str, source: str, kg: float) -> Row:
    columns = np.zeros(COLUMNS)
    columns[SCOPE1] = kg
    material = Material(Matter.DIRECT, source, site=site)
    return Row(site, material, None, kg, columns, columns, frozenset())


def _days_of(year: int) -> int:
    return (dt.date(year + 1, 1, 1) - dt.date(year, 1, 1)).days


# --- What inventories tell -------------------------------------------------------------------


@dataclass
class _Fuel:
    """What a site burnt of one fuel for one use."""

    amount: float = 0.0
    kg: float = 0.0
    ways: set[Way] = field(default_factory=set)
    is_open: bool = False


class _Told:
    """Fuels and sources of direct emissions, as the inventories of places state them.

    ``size`` is how much of a site was added up, whatever its sign.
    """

    def __init__(self, answered: Answered, places: Iterable[Place]) -> None:
        self.answered = answered
        self.direct: dict[tuple[str, str], float] = defaultdict(float)
        self.size: dict[str, float] = defaultdict(float)
        self._fuels: dict[Material, _Fuel] = defaultdict(_Fuel)
        self._sets = _Sets(answered)
        self._read(places)

    def _read(self, places: Iterable[Place]) -> None:
        standing, year = self.answered.standing, self.answered.year
        ladder = Ladder.of(standing, year)
        for stated in inventories_of(Year(standing, year, self.answered.valid_on), places):
            site, share = stated.place.site, stated.share
            found = direct_of(stated.body, ladder, region_of(standing, site)[0])
            for burnt in found.burnt:
                self._burn(site, share, burnt)
            for fuel in found.unknown:
                self._of(site, fuel).is_open = True
                self._of(site, fuel).amount += share * _in_base(fuel)
            for emission in stated.body.emissions:
                column = Column(emission.gas, emission.origin, emission.gwp)
                kg = share * self._kg({column: float(emission.amount)})
                self.direct[site, emission.source or ""] += kg
                self.size[site] += abs(kg)

    def _burn(self, site: str, share: float, burnt: Burnt) -> None:
        told, kg = self._of(site, burnt.fuel), share * self._kg(burnt.emissions)
        told.amount += share * _in_base(burnt.fuel)
        told.kg += kg
        told.ways.add((*burnt.measured, self._sets.name_of(burnt.index)))
        self.size[site] += abs(kg)

    def _of(self, site: str, fuel: Fuel) -> _Fuel:
        apart = f"{fuel.use} {units.parse(fuel.unit).dimension}"
        return self._fuels[Material(Matter.FUEL, fuel.fuel, apart, site)]

    def _kg(self, vector: Vector) -> float:
        weights = characterise(tuple(vector), self.answered.gwp)
        return float(weights.co2e(np.array(list(vector.values()))))

    def fuels(self) -> Iterator[Row]:
        for material, told in self._fuels.items():
            columns = np.zeros(COLUMNS)
            columns[SCOPE1] = told.kg
            ways, at = frozenset(told.ways), material.site
            yield Row(at, material, None, told.amount, columns, columns, ways, told.is_open)


def _in_base(fuel: Fuel) -> float:
    return float(fuel.amount) * float(units.parse(fuel.unit).factor)


class _Sets:
    """The names of sets of factors, by the entry that states a part of one."""

    def __init__(self, answered: Answered) -> None:
        self._standing = answered.standing

    @cached_property
    def _names(self) -> dict[int, str]:
        return {
            said.index: cast(Factors, said.statement.body).name
            for said in self._standing.statements(Factors.TYPE)
        }

    def name_of(self, index: int) -> str:
        return self._names.get(index, "")


# --- Materials -------------------------------------------------------------------------------


class Materials:
    """What products and unmet inputs are grouped by, and their amounts in the unit of the group."""

    def __init__(self, answered: Answered) -> None:
        self._standing = answered.standing
        self._year = Year(answered.standing, answered.year, answered.valid_on)
        self._sets = _Sets(answered)
        self._known: dict[str, tuple[Material, float]] = {}

    def way(self, estimate: Estimate | None) -> Way:
        """How an estimate is known: its rung and the set of its factor."""
        if estimate is None:
            return (str(Rung.UNKNOWN),)
        return str(estimate.rung), self._sets.name_of(estimate.index)

    def of_product(self, product: str) -> tuple[Material, float]:
        """The material of a registered product, and base units of its dimension per unit of it."""
        if product not in self._known:
            said = self._standing.products[product]
            self._known[product] = self._read(cast(Product, said.statement.body))
        return self._known[product]

    def _read(self, product: Product) -> tuple[Material, float]:
        unit, mass = units.parse(product.unit), product.mass_per_unit
        dimension, ratio = unit.dimension, float(unit.factor)
        if dimension != "mass" and mass and not is_mass_disputed(self._year, product):
            dimension, ratio = "mass", float(mass)
        if product.energy_carrier is not None:
            return Material(Matter.CARRIER, product.energy_carrier, dimension), ratio
        if product.classifications:
            return Material(Matter.CLASS, min(product.classifications), dimension), ratio
        return Material(Matter.PRODUCT, product.id, dimension), ratio

    def of_gap(self, gap: Gap) -> tuple[Material, float]:
        """The material of what nobody describes; a class may be wanted of a region."""
        unit, urn = units.parse(gap.unit), gap.wanted.partition(" (")[0]
        matter, of = Matter.WANTED, gap.wanted
        if urn in _CARRIER_OF:
            matter, of = Matter.CARRIER, _CARRIER_OF[urn]
        elif urn.startswith("urn:") and urn != gap.wanted:
            matter, of = Matter.CLASS, urn
        return Material(matter, of, unit.dimension), float(unit.factor)
