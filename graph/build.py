"""Fold the statements that count in a year into its network.

Order of work: open a node for every product at every place, read what each site bought, describe
each node by its recipe or footprint, then put what recipes leave over (or use too much of) into
the overhead node of the place. The signed rest stands there, never clipped: with or without
recipes a place has the same direct emissions and the same inflow.

Amounts leave ``Decimal`` here, once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Literal, TypeAlias, cast

import numpy as np

from graph.findings import Finding, finding
from graph.links import (
    Bought,
    Consumer,
    LineReader,
    Link,
    Read,
    Roster,
    in_declared_unit,
    lines_of,
    wanted,
)
from graph.network import Book, Column, Edges, Feed, Floats, Gap, Network, Node
from graph.references import Catalogue, Listed
from graph.year import Place, Standby, Whole, Year, overruled
from ledger import pact
from ledger.errors import UnitMismatch
from ledger.gases import CO2E, GWP_SETS
from ledger.standing import Standing
from ledger.statements import (
    Emission,
    Inventory,
    Period,
    Periodic,
    Product,
    Production,
    Recipe,
)

UNSPECIFIED = "unspecified"
"""Origin of a stated footprint of which only the total is known."""
ORIGIN_OF_PART = {
    "fossil": "fossil",
    "landUseChange": "land-use",
    "landManagementBiogenicCO2": "land-use",
    "biogenicNonCO2": "biogenic",
    "landManagementBiogenicCO2Removals": "removal",
    "technologicalCO2Removals": "removal",
    "ccsTechnologicalCO2Capture": "capture",
    "biogenicCO2Uptake": "uptake",
}
"""PACT component -> origin of the column it is kept in."""
OUTPUT_TOLERANCE = 1e-9

Vector = dict[Column, float]
"""kg by column; sparse, because most things emit one or two gases."""
Described: TypeAlias = Whole[Recipe] | Standby | list[tuple[Whole[Recipe], float]]
"""By a recipe of another year, by a footprint, or by recipes of the year with their weights."""


def build(standing: Standing, year: int) -> Network:
    """The network of ``year`` at the prefix ``standing`` was folded from; a pure function of both.

    Statements of other years enter only as stand-ins for products nothing in the year describes.
    """
    return _Builder(Year.of(standing, year)).network()


class _Builder:
    """Holds what is collected while the year is read; used once."""

    def __init__(self, year: Year) -> None:
        self.year = year
        self.catalogue = Catalogue(year.standing)
        self.roster = Roster()
        self.reader = LineReader(self.catalogue, self.roster)
        self.feeds: dict[int, Described] = {}
        self.direct: dict[int, Vector] = {}
        self.links: dict[int, list[Link]] = defaultdict(list)
        self.gaps: list[Gap] = []
        self.generation: dict[int, Vector] = {}
        self.declared: dict[int, Vector] = {}
        self.books: dict[Place, Book] = {}
        self.partly_told: list[int] = []
        self.findings: list[Finding] = []

    def network(self) -> Network:
        for listed in sorted(self.catalogue.products(), key=lambda each: each.product.id):
            self._open(listed)
        bought = {place: self._bought(place) for place in self._stated_places("purchases")}
        for j in range(len(self.roster.nodes)):
            self._describe(j, bought)
        for place in sorted({*self._stated_places("inventories"), *bought}):
            self._open_overhead(place, bought.get(place))
        self._note_excess_uses()
        self._note_overruled()
        return self._arrays()

    def _stated_places(self, kind: Literal["inventories", "purchases"]) -> list[Place]:
        """Places of whose days a statement of the kind tells at least one."""
        stated: dict[tuple[str, ...], list[Whole[Periodic]]] = getattr(self.year, kind)
        return [
            place
            for (site,), wholes in stated.items()
            for place in self.year.places.get(site, ())
            if _days(place, wholes)
        ]

    # -- nodes -----------------------------------------------------------------------------

    def _open(self, listed: Listed) -> None:
        """Open a node for the product at each place it is made; or at none in particular."""
        product = listed.product.id
        self.roster.last_word[product] = self.year.last_word(product)
        for site in self.year.sites_of(product):
            for place in self.year.places[site] if site else (None,):
                self._open_at(listed, place)

    def _open_at(self, listed: Listed, place: Place | None) -> None:
        product, site = listed.product, place.site if place else None
        standby = self._readable_footprint(product, site)
        feed, described_by = self._feed(product, place, standby)
        node = Node(
            product=product.id,
            place=place,
            owner=listed.owner,
            name=product.name,
            unit=product.unit,
            feed=feed,
            carrier=product.energy_carrier,
        )
        output = self._output(product, place) if place else math.nan
        index = self.roster.open(node, output, self._last_word(product, site))
        if described_by is not None:
            self.feeds[index] = described_by
        if place and 0 < _days(place, self._production(product, place)) < place.days:
            self._note("production-incomplete", product=product.name, site=self._site_name(place))
            self.partly_told.append(index)
        if feed is Feed.RECIPE and standby and not standby.expired:
            self.declared[index] = self._stated_vector(standby, product)

    def _feed(
        self, product: Product, place: Place | None, standby: Standby | None
    ) -> tuple[Feed, Described | None]:
        """The best that describes the product at the place."""
        if place and (recipes := self._weighted_recipes(product, place)):
            return Feed.RECIPE, recipes
        if standby and not standby.expired:
            return Feed.FOOTPRINT, standby
        if place and (older := self._older_recipe(product, place.site)):
            return Feed.OTHER_YEAR, older
        return (Feed.EXPIRED, standby) if standby else (Feed.NONE, None)

    def _readable_footprint(self, product: Product, site: str | None) -> Standby | None:
        """The footprint that may stand for the product; set aside if its unit does not fit."""
        standby = self.year.footprint(product.id, site)
        if standby is None:
            return None
        unit = standby.footprint.pact.pcf.unit_code
        try:
            in_declared_unit(unit, product)
        except UnitMismatch:
            self._note("footprint-unit", product=product.name, unit=unit, declared=product.unit)
            return None
        return standby

    def _older_recipe(self, product: Product, site: str) -> Whole[Recipe] | None:
        recipes = self.year.recipes_of_other_years(product.id, site)
        return next((whole for whole in recipes if self._is_sound(product, whole)), None)

    def _last_word(self, product: Product, site: str | None) -> int:
        """The last entry that can have shaped a node, and which purchases its recipe met."""
        bought = self.year.standing.touched.get(("purchases", site), -1) if site else -1
        return max(self.roster.last_word[product.id], bought)

    def _output(self, product: Product, place: Place) -> float:
        """Declared units made at the place in the year; NaN where no production tells of it."""
        stated = self._production(product, place)
        if not _days(place, stated):
            return math.nan
        for whole in stated:
            self._note_split(place, whole)
        return sum(self._made(product, whole) * place.share_of(whole.period) for whole in stated)

    def _production(self, product: Product, place: Place) -> Sequence[Whole[Production]]:
        return self.year.production.get((product.id, place.site), ())

    def _made(self, product: Product, whole: Whole[Production]) -> float:
        """Declared units of the product in one production; NaN, with a finding, if unreadable."""
        try:
            return sum(
                float(body.amount) * in_declared_unit(body.unit, product) for body in whole.bodies
            )
        except UnitMismatch:
            unit = whole.bodies[0].unit
            self._note("production-unit", product=product.name, unit=unit, declared=product.unit)
            return math.nan

    def _weighted_recipes(
        self, product: Product, place: Place
    ) -> list[tuple[Whole[Recipe], float]]:
        """Recipes that hold at the place with weights that sum to 1.

        Weights are the production within the recipes' periods; where that is not stated for each,
        the recipes' own bases, with a finding.
        """
        recipes = [w for w in self.year.recipes_at(product.id, place) if self._is_sound(product, w)]
        if len(recipes) <= 1:
            return [(whole, 1.0) for whole in recipes]
        weights = [self._made_within(product, place, whole.period) for whole in recipes]
        total = sum(weights)
        if not total > 0:
            self._note("recipe-weights", product=product.name, year=self.year.year)
            weights = [self._basis(product, whole) for whole in recipes]
            total = sum(weights)
        return [(whole, weight / total) for whole, weight in zip(recipes, weights, strict=True)]

    def _made_within(self, product: Product, place: Place, period: Period) -> float:
        """What was made of the product at the place in a period; NaN where that is not stated."""
        stated = self._production(product, place)
        within = [whole for whole in stated if _is_within(whole.period, period)]
        if not within:
            return math.nan
        return sum(self._made(product, whole) * place.share_of(whole.period) for whole in within)

    def _is_sound(self, product: Product, whole: Whole[Recipe]) -> bool:
        """Whether a recipe's basis can be read; one that cannot is set aside with a finding."""
        basis = whole.bodies[0].basis
        if any(body.basis != basis for body in whole.bodies):
            self._note("recipe-bases-differ", product=product.name)
            return False
        try:
            self._basis(product, whole)
        except UnitMismatch:
            self._note("recipe-unit", product=product.name, unit=basis.unit, declared=product.unit)
            return False
        return True

    def _basis(self, product: Product, whole: Whole[Recipe]) -> float:
        """Declared units of the product that a recipe's totals are for. Raises UnitMismatch."""
        basis = whole.bodies[0].basis
        return float(basis.amount) * in_declared_unit(basis.unit, product)

    # -- what nodes are made of ------------------------------------------------------------

    def _bought(self, place: Place) -> Bought:
        """The lines of a place's purchases, read; amounts are the place's share by days."""
        consumer, reads = Consumer(self._site_name(place), place), []
        for whole in self.year.purchases.get((place.site,), ()):
            share = place.share_of(whole.period)
            self._note_split(place, whole)
            for body in whole.bodies if share else ():
                for line in lines_of(body.inputs):
                    reads.append(_scaled(self.reader.read(line, consumer), share))
        return Bought(reads)

    def _describe(self, j: int, bought: dict[Place, Bought]) -> None:
        node, feed = self.roster.nodes[j], self.feeds.get(j)
        if isinstance(feed, Standby):
            self._describe_by_footprint(j, feed)
        elif isinstance(feed, Whole):
            self._describe_by_recipe(j, [(feed, 1.0)], Bought())
        elif feed is not None:
            self._describe_by_recipe(j, feed, bought.get(cast(Place, node.place), Bought()))
            if math.isnan(self.roster.output[j]):
                self._note("output-unknown", product=node.name)

    def _describe_by_footprint(self, j: int, standby: Standby) -> None:
        product = self._product(j)
        self.direct[j] = self._stated_vector(standby, product)
        generated = pact.energy_generation(standby.footprint.pact)
        if generated is None or product.energy_carrier is None:
            return
        per_unit = float(generated) / self._declared_amount(standby, product)
        total = sum(v for c, v in self.direct[j].items() if v > 0)
        if per_unit > total * (1 + OUTPUT_TOLERANCE):
            self._note("generation-above-footprint", product=product.name)
        column = Column(CO2E, "fossil", self._set_of(standby, product))
        self.generation[j] = {column: per_unit}

    def _describe_by_recipe(
        self, j: int, recipes: Sequence[tuple[Whole[Recipe], float]], bought: Bought
    ) -> None:
        product = self._product(j)
        consumer = Consumer(product.name, cast(Place, self.roster.nodes[j].place))
        for whole, weight in recipes:
            per_unit = weight / self._basis(product, whole)
            self.roster.saw(j, whole.index)
            for body in whole.bodies:
                _add(self.direct.setdefault(j, {}), body.emissions, per_unit)
                if body.generation is not None:
                    _add(self.generation.setdefault(j, {}), body.generation, per_unit)
                for line in lines_of(body.inputs):
                    self._enter(j, self.reader.read(line, consumer, bought), per_unit)

    def _enter(self, j: int, read: Read, scale: float) -> None:
        """Put a line that was read into column ``j``, as links or as a gap."""
        self.roster.saw(j, read.as_of)
        self.findings += read.findings
        if read.unmet is not None and read.line.amount:
            gap = Gap(
                node=j,
                reason=read.unmet.reason,
                wanted=read.listed.product.name if read.listed else wanted(read.line.ref),
                supplier=read.unmet.supplier,
                amount=float(read.line.amount) * scale,
                unit=read.line.unit,
                category=read.line.category,
            )
            self.gaps.append(gap)
        self.links[j] += [replace(link, amount=link.amount * scale) for link in read.links]

    def _stated_vector(self, standby: Standby, product: Product) -> Vector:
        """A footprint by column, per declared unit of the product.

        Parts that sum to the total keep their columns; of an indicative footprint only the total
        is meaningful, and it may hide removals (``net-inside``).
        """
        pcf = standby.footprint.pact.pcf
        stated_under = self._set_of(standby, product)
        amount = self._declared_amount(standby, product)
        if not pcf.parts_known:
            self._note("net-inside", product=product.name)
            total = float(pcf.pcf_excluding_biogenic_uptake)
            return {Column(CO2E, UNSPECIFIED, stated_under): total / amount}
        vector: Vector = defaultdict(float)
        for part, value in pcf.components.items():
            vector[Column(CO2E, ORIGIN_OF_PART[part], stated_under)] += float(value) / amount
        return dict(vector)

    def _declared_amount(self, standby: Standby, product: Product) -> float:
        """Declared units of the product in the footprint's own declared amount."""
        pcf = standby.footprint.pact.pcf
        return float(pcf.declared_unit_amount) * in_declared_unit(pcf.unit_code, product)

    def _set_of(self, standby: Standby, product: Product) -> str:
        """The GWP set a footprint names; several stand together, and match no question's set."""
        named = sorted(standby.footprint.pact.pcf.ipcc_characterization_factors)
        if not set(named) <= set(GWP_SETS):
            self._note("characterisation-unknown", product=product.name, sets=", ".join(named))
        return "+".join(named)

    # -- overhead --------------------------------------------------------------------------

    def _open_overhead(self, place: Place, bought: Bought | None) -> None:
        """The node that holds what the place's recipes do not account for, with its sign."""
        node = Node(
            product=None,
            place=place,
            owner=cast(str, self.year.standing.owner_of("site", place.site)),
            name=self._site_name(place),
            unit="C62",
            feed=Feed.OVERHEAD,
        )
        j = self.roster.open(node, 1.0, self.year.last_word_at(place.site))
        inventories = self.year.inventories.get((place.site,), [])
        purchases = self.year.purchases.get((place.site,), [])
        book = self.books[place] = Book(_days(place, inventories), _days(place, purchases))
        produced = [
            i
            for i in self.roster.at_place.get(place, ())
            if self.roster.nodes[i].feed is Feed.RECIPE and not math.isnan(self.roster.output[i])
        ]
        if book.has_inventory:
            self._rest_of_emissions(j, place, inventories, produced)
        if bought is not None:
            self._rest_of_purchases(j, place, bought, produced)

    def _rest_of_emissions(
        self, j: int, place: Place, inventories: Sequence[Whole[Inventory]], produced: list[int]
    ) -> None:
        rest: Vector = defaultdict(float)
        for whole in inventories:
            self._note_split(place, whole)
            for body in whole.bodies:
                _add(rest, body.emissions, place.share_of(whole.period))
        stated = max(rest.values(), default=0.0)
        for i in produced:
            for column, value in self.direct.get(i, {}).items():
                rest[column] = rest.get(column, 0.0) - value * self.roster.output[i]
        self._note_negative(place, rest.values(), stated)
        self.direct[j] = dict(rest)

    def _rest_of_purchases(self, j: int, place: Place, bought: Bought, produced: list[int]) -> None:
        for read in bought.reads:
            self._enter(j, read, 1.0)
        stated = sum(link.amount for read in bought.reads for link in read.links)
        self.links[j] += [
            replace(link, amount=-link.amount * self.roster.output[consumer])
            for consumer in produced
            for link in self.links[consumer]
            if self.roster.nodes[link.node].place != place
        ]
        rest: dict[int, float] = defaultdict(float)
        for link in self.links[j]:
            rest[link.node] += link.amount
        self._note_negative(place, rest.values(), stated)

    # -- what was noticed ------------------------------------------------------------------

    def _note(self, rule: str, **params: object) -> None:
        self.findings.append(finding(rule, "", **params))

    def _note_split(self, place: Place, whole: Whole[Periodic]) -> None:
        if 0 < place.common_days(whole.period) < whole.period.days:
            self._note("split-by-days", site=self._site_name(place))

    def _note_negative(self, place: Place, rest: Iterable[float], scale: float) -> None:
        if min(rest, default=0.0) < -OUTPUT_TOLERANCE * max(scale, 1.0):
            self._note("negative-residual", site=self._site_name(place))

    def _note_overruled(self) -> None:
        for site in sorted(
            set(overruled(self.year.standing, self.year.year)) & set(self.year.sites)
        ):
            self._note("overruled", site=self.year.sites[site].name)

    def _note_excess_uses(self) -> None:
        """y = x − Z·1 < 0: reported, kept."""
        output = np.array(self.roster.output)
        uses = np.zeros(len(output))
        # Where output is unknown, so are the uses; they do not make those of others unknown.
        made = np.nan_to_num(output)
        for consumer, links in self.links.items():
            for link in links:
                uses[link.node] += link.amount * made[consumer]
        for i in np.flatnonzero(uses > output * (1 + OUTPUT_TOLERANCE)):
            node = self.roster.nodes[i]
            excess = f"{uses[i] - output[i]:.6g}"
            self._note("deliveries-exceed-output", product=node.name, amount=excess, unit=node.unit)

    def _site_name(self, place: Place) -> str:
        return self.year.sites[place.site].name

    def _product(self, j: int) -> Product:
        listed = self.catalogue.product(cast(str, self.roster.nodes[j].product))
        assert listed is not None
        return listed.product

    # -- arrays ----------------------------------------------------------------------------

    def _arrays(self) -> Network:
        vectors = (self.direct, self.generation, self.declared)
        seen = {column for group in vectors for vector in group.values() for column in vector}
        columns = sorted(seen, key=lambda c: (c.gas, c.origin, c.stated_under or ""))
        at = {column: k for k, column in enumerate(columns)}

        def row(vector: Vector) -> Floats:
            values = np.zeros(len(columns))
            for column, value in vector.items():
                values[at[column]] = value
            return values

        standing = self.year.standing
        direct = np.zeros((len(self.roster.nodes), len(columns)))
        for j, vector in self.direct.items():
            direct[j] = row(vector)
        return Network(
            year=self.year.year,
            nodes=tuple(self.roster.nodes),
            columns=tuple(columns),
            direct=direct,
            edges=_edges(self.links),
            output=np.array(self.roster.output),
            gaps=tuple(self.gaps),
            generation={j: row(vector) for j, vector in self.generation.items()},
            declared={j: row(vector) for j, vector in self.declared.items()},
            books=self.books,
            as_of=np.array(self.roster.as_of, dtype=np.int64),
            findings=tuple(dict.fromkeys(self.findings)),
            partly_told=frozenset(self.partly_told),
            site_owners={
                site: cast(str, standing.owner_of("site", site)) for site in self.year.sites
            },
            site_as_of={site: self.year.last_word_at(site) for site in self.year.sites},
        )


def _edges(links_of: dict[int, list[Link]]) -> Edges:
    drawn = [(consumer, link) for consumer in sorted(links_of) for link in links_of[consumer]]
    return Edges(
        supplier=np.array([link.node for _, link in drawn], dtype=np.int64),
        consumer=np.array([consumer for consumer, _ in drawn], dtype=np.int64),
        category=np.array([link.category for _, link in drawn], dtype=np.int64),
        amount=np.array([link.amount for _, link in drawn], dtype=np.float64),
        mixed=np.array([link.mixed for _, link in drawn], dtype=np.bool_),
    )


def _scaled(read: Read, share: float) -> Read:
    """The part of a purchase that belongs to a place."""
    if share == 1.0:
        return read
    links = tuple(replace(link, amount=link.amount * share) for link in read.links)
    line = replace(read.line, amount=read.line.amount * Decimal(share))
    return replace(read, line=line, links=links)


def _add(vector: Vector, emissions: Iterable[Emission], scale: float) -> None:
    for emission in emissions:
        column = Column(emission.gas, emission.origin, emission.gwp)
        vector[column] = vector.get(column, 0.0) + float(emission.amount) * scale


def _is_within(inner: Period, outer: Period) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _days(place: Place, stated: Iterable[Whole[Periodic]]) -> int:
    return sum(max(0, place.common_days(whole.period)) for whole in stated)
