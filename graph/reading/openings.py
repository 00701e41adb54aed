"""What stands for a product in a year: its places, how each is described, and how much was made.

A product is opened before anything is said of what it takes in. How it looks to those who use it
(unit, mass, places, output) decides what their lines draw on; it changes far more seldom than what
it is made of, so most corrections by a supplier need nobody's line to be read again.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from graph.findings import Finding, finding
from graph.reading.masses import bridges_by_mass, declared_units, is_for_one, masses_disagree
from graph.reading.network import Column, Node, Vector
from graph.reading.references import Listed
from graph.reading.year import Place, Standby, Whole, Year
from graph.terms import Feed
from ledger import units
from ledger.errors import UnitMismatch
from ledger.gases import CO2E, GWP_SETS
from ledger.statements import Footprint, Period, Periodic, Product, Production, Recipe

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

Described: TypeAlias = Whole[Recipe] | Standby | list[tuple[Whole[Recipe], float]]
"""By a recipe of another year, by a footprint, or by recipes of the year with their weights."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A node of a product: one place where it is made, or none in particular.

    ``output`` is in declared units of the year, NaN where nobody said. ``declared`` is what a
    footprint states beside a recipe, per declared unit.
    """

    node: Node
    output: float
    described_by: Described | None
    declared: Vector | None
    is_partly_told: bool

    @property
    def place(self) -> Place | None:
        return self.node.place


@dataclass(frozen=True, slots=True)
class Opened:
    """A product with all its seats. ``last_word`` is the last entry that can have shaped any.

    ``mass_disputed``: a footprint that stands gives another mass than the registration, so that no
    amount is converted by either.
    """

    listed: Listed
    seats: tuple[Seat, ...]
    last_word: int
    mass_disputed: bool
    findings: tuple[Finding, ...]

    @property
    def product(self) -> Product:
        return self.listed.product

    @property
    def bridge(self) -> Product | None:
        """The product, where its mass may convert amounts."""
        return None if self.mass_disputed else self.product

    def disputes(self, unit: str) -> bool:
        """Whether an amount in ``unit`` becomes declared units only by a mass that is disputed."""
        return self.mass_disputed and bridges_by_mass(unit, self.product)

    def looks_like(self, other: Opened | None) -> bool:
        """Whether lines that use the product draw on the same: unit, mass, owner, places, output.

        Without a seat there is nothing to draw on, and the last word is all that can be said.
        """
        return other is not None and self._face() == other._face()

    def _face(self) -> tuple[object, ...]:
        # A single seat takes everything, whatever its output.
        several = len(self.seats) > 1
        seats = tuple((seat.place, _known(seat.output) if several else 0) for seat in self.seats)
        product = self.product
        named = product.name, product.unit, product.identifiers, product.classifications
        mass = product.mass_per_unit, self.mass_disputed
        return (self.listed.owner, *named, *mass, seats, not seats or several)


def _known(output: float) -> float | None:
    return None if math.isnan(output) else output


def in_declared_unit(unit: str, product: Product) -> float:
    """Declared units of ``product`` in one ``unit``. Raises ``UnitMismatch``."""
    source, target = units.parse(unit), units.parse(product.unit)
    return float(units.ratio(source, target, product.mass_per_unit))


def basis_of(product: Product, whole: Whole[Recipe]) -> float:
    """Declared units of the product that a recipe's totals are for. Raises ``UnitMismatch``."""
    basis = whole.bodies[0].basis
    return float(basis.amount) * in_declared_unit(basis.unit, product)


def declared_amount(standby: Standby, product: Product) -> float:
    """Declared units of the product in the footprint's own declared amount."""
    return declared_units(standby.footprint.pact, product)


def gwp_sets_of(standby: Standby) -> str:
    """The GWP set a footprint names; several stand together, and match no question's set."""
    return "+".join(sorted(standby.footprint.pact.pcf.ipcc_characterization_factors))


def open_product(year: Year, listed: Listed) -> Opened:
    """Find the places of a product in the year, and what describes it at each."""
    opening = _Opening(year, listed)
    seats = tuple(
        opening.seat(place)
        for site in year.sites_of(listed.product.id)
        for place in (year.places(site) if site else (None,))
    )
    findings = tuple(dict.fromkeys(opening.findings))
    disputed = is_mass_disputed(year, listed.product)
    return Opened(listed, seats, opening.last_word, disputed, findings)


def is_mass_disputed(year: Year, product: Product) -> bool:
    """Whether a footprint that stands, of whatever year, gives another mass than is registered.

    Of what is declared by mass no amount is converted by one, and nothing is in dispute.
    """
    if product.mass_per_unit is None or not bridges_by_mass("KGM", product):
        return False
    footprints = (cast(Footprint, said.statement.body) for said in year.footprints(product.id))
    return any(masses_disagree(footprint.pact, product) for footprint in footprints)


class _Opening:
    """One product while it is opened; collects what is noticed."""

    def __init__(self, year: Year, listed: Listed) -> None:
        self.year, self.listed, self.product = year, listed, listed.product
        self.last_word = year.last_word(listed.product.id)
        self.findings: list[Finding] = []

    def seat(self, place: Place | None) -> Seat:
        product = self.product
        standby = self._readable_footprint(place.site if place else None)
        feed, described_by = self._feed(place, standby)
        node = Node(
            product=product.id,
            place=place,
            owner=self.listed.owner,
            name=product.name,
            unit=product.unit,
            feed=feed,
            carrier=product.energy_carrier,
        )
        is_partly_told = self._is_partly_told(place)
        if place and is_partly_told:
            site = self.year.site_name(place.site)
            self._note("production-incomplete", product=product.name, site=site)
        has_rival = feed is Feed.RECIPE and standby is not None and not standby.expired
        return Seat(
            node=node,
            output=self._output(place) if place else math.nan,
            described_by=described_by,
            declared=self.stated(standby) if has_rival and standby else None,
            is_partly_told=is_partly_told,
        )

    def _is_partly_told(self, place: Place | None) -> bool:
        return place is not None and 0 < days_told(place, self._production(place)) < place.days

    def _feed(self, place: Place | None, standby: Standby | None) -> tuple[Feed, Described | None]:
        """The best that describes the product at the place."""
        if place and (recipes := self._weighted_recipes(place)):
            return Feed.RECIPE, recipes
        if standby and not standby.expired:
            return Feed.FOOTPRINT, standby
        if place and (older := self._other_recipe(place.site)):
            return Feed.OTHER_YEAR, older
        return (Feed.EXPIRED, standby) if standby else (Feed.NONE, None)

    def _readable_footprint(self, site: str | None) -> Standby | None:
        """The footprint that may stand for the product; none takes the place of one set aside.

        It is set aside if its unit does not fit, or its values may be for one unit only.
        """
        standby = self.year.footprint(self.product.id, site)
        if standby is None:
            return None
        pcf, product = standby.footprint.pact.pcf, self.product
        unit, named = pcf.unit_code, product.name
        try:
            in_declared_unit(unit, product)
        except UnitMismatch:
            self._note("footprint-unit", product=named, unit=unit, declared=product.unit)
            return None
        if is_for_one(standby.footprint.pact, product):
            amount, word = pcf.declared_unit_amount, pcf.declared_unit_of_measurement
            self._note("declared-amount-by-mass", product=named, amount=amount, unit=word)
            return None
        return standby

    def stated(self, standby: Standby) -> Vector:
        vector, noticed = stated_vector(standby, self.product)
        self.findings += noticed
        return vector

    def _other_recipe(self, site: str) -> Whole[Recipe] | None:
        recipes = self.year.other_recipes(self.product.id, site)
        return next((whole for whole in recipes if self._is_sound(whole)), None)

    # -- output ------------------------------------------------------------------------------

    def _output(self, place: Place) -> float:
        """Declared units made at the place in the year; NaN where no production tells of it."""
        stated = self._production(place)
        if not days_told(place, stated):
            return math.nan
        if any(is_split(place, whole) for whole in stated):
            self._note("split-by-days", site=self.year.site_name(place.site))
        return sum(self._made(whole) * place.share_of(whole.period) for whole in stated)

    def _production(self, place: Place) -> Sequence[Whole[Production]]:
        stated = self.year.production(self.product.id)
        return stated.get((self.product.id, place.site), ())

    def _made(self, whole: Whole[Production]) -> float:
        """Declared units of the product in one production; NaN, with a finding, if unreadable."""
        product = self.product
        try:
            return sum(
                float(body.amount) * in_declared_unit(body.unit, product) for body in whole.bodies
            )
        except UnitMismatch:
            unit = whole.bodies[0].unit
            self._note("production-unit", product=product.name, unit=unit, declared=product.unit)
            return math.nan

    # -- recipes -----------------------------------------------------------------------------

    def _weighted_recipes(self, place: Place) -> list[tuple[Whole[Recipe], float]]:
        """Recipes that hold at the place with weights that sum to 1.

        Weights are the production within the recipes' periods; where that is not stated for each,
        the recipes' own bases, with a finding.
        """
        stated = self.year.recipes_at(self.product.id, place)
        recipes = [whole for whole in stated if self._is_sound(whole)]
        if len(recipes) <= 1:
            return [(whole, 1.0) for whole in recipes]
        weights = [self._made_within(place, whole.period) for whole in recipes]
        total = sum(weights)
        if not total > 0:
            self._note("recipe-weights", product=self.product.name, year=self.year.year)
            weights = [basis_of(self.product, whole) for whole in recipes]
            total = sum(weights)
        return [(whole, weight / total) for whole, weight in zip(recipes, weights, strict=True)]

    def _made_within(self, place: Place, period: Period) -> float:
        """What was made of the product at the place in a period; NaN where that is not stated."""
        stated = self._production(place)
        within = [whole for whole in stated if _is_within(whole.period, period)]
        if not within:
            return math.nan
        return sum(self._made(whole) * place.share_of(whole.period) for whole in within)

    def _is_sound(self, whole: Whole[Recipe]) -> bool:
        """Whether a recipe's basis can be read; one that cannot is set aside with a finding."""
        basis, product = whole.bodies[0].basis, self.product
        if any(body.basis != basis for body in whole.bodies):
            self._note("recipe-bases-differ", product=product.name)
            return False
        try:
            basis_of(product, whole)
        except UnitMismatch:
            self._note("recipe-unit", product=product.name, unit=basis.unit, declared=product.unit)
            return False
        return True

    def _note(self, rule: str, **params: object) -> None:
        self.findings.append(finding(rule, "", parties=(), **params))


def stated_vector(standby: Standby, product: Product) -> tuple[Vector, list[Finding]]:
    """A footprint by column, per declared unit of the product, and what was noticed.

    Parts that sum to the total keep their columns; of an indicative footprint only the total
    is meaningful, and it may hide removals (``net-inside``).
    """
    pcf, stated_under = standby.footprint.pact.pcf, gwp_sets_of(standby)
    amount = declared_amount(standby, product)
    noticed = []
    if not set(pcf.ipcc_characterization_factors) <= set(GWP_SETS):
        sets = stated_under.replace("+", ", ")
        noticed.append(finding("characterisation-unknown", product=product.name, sets=sets))
    if not pcf.parts_known:
        noticed.append(finding("net-inside", product=product.name))
        total = float(pcf.pcf_excluding_biogenic_uptake)
        return {Column(CO2E, UNSPECIFIED, stated_under): total / amount}, noticed
    vector: dict[Column, float] = defaultdict(float)
    for part, value in pcf.components.items():
        vector[Column(CO2E, ORIGIN_OF_PART[part], stated_under)] += float(value) / amount
    return dict(vector), noticed


def days_told(place: Place, stated: Iterable[Whole[Periodic]]) -> int:
    """Days of a place that statements tell of."""
    return sum(max(0, place.common_days(whole.period)) for whole in stated)


def is_split(place: Place, whole: Whole[Periodic]) -> bool:
    """Whether a period straddles a change of membership: only a part of its days is the place's."""
    return 0 < place.common_days(whole.period) < whole.period.days


def _is_within(inner: Period, outer: Period) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end
