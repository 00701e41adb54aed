"""What was said of products after they left the gate, ready to be computed with.

Everything is per declared unit of the product, kg by column where it is stated, services to be
priced where it is not. Silence is ``None``, never nothing: only of what weighs nothing (energy and
services) no transport, no use and no waste need be stated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Final, Protocol, cast

from graph.kept import kept
from graph.reading.network import Column, Node, Vector
from graph.reading.openings import in_declared_unit
from graph.reading.references import Catalogue, Resolved
from graph.reading.year import Place, Whole, wholes
from ledger import units
from ledger.errors import UnitMismatch
from ledger.standing import Standing
from ledger.statements import Downstream, Emission, Holdings, Product, Reference

DELIVERY, PROCESSING, USE, END_OF_LIFE = 9, 10, 11, 12
"""Categories of downstream Scope 3 that are derived (GHG Protocol, Scope 3 Standard, chapter 5)."""
HELD: Final = (13, 14, 15)
"""Those that are entered: leased assets, franchises, investments."""
WEIGHTLESS: Final = ("energy", "freight", "time", "data")
"""Dimensions of what has no mass."""
UNRESOLVED: Final = ""
"""The product under which costs stand whose reference means none."""


def mass_of(unit: str, mass_per_unit: Decimal | None) -> float | None:
    """kg in one ``unit`` of something; ``None`` if that is not known.

    ``mass_per_unit`` is what its maker states, kg per declared unit, 0 for energy and services.
    """
    measured = units.parse(unit)
    if measured.dimension == "mass":
        return float(measured.factor)
    if measured.dimension in WEIGHTLESS or units.price_of(unit) is not None:
        return 0.0
    return None if mass_per_unit is None else float(mass_per_unit)


@dataclass(frozen=True, slots=True)
class Service:
    """``amount`` in ``unit`` of a service for one declared unit of a product."""

    ref: Reference
    supplier: str | None
    amount: float
    unit: str


@dataclass(frozen=True, slots=True)
class Told:
    """What one declared unit of a product brings about in one category."""

    emissions: Vector = field(default_factory=dict)
    services: tuple[Service, ...] = ()


NOTHING: Final = Told()


class Gate(Protocol):
    """What the downstream categories must know of a product besides its node."""

    def mass(self, node: Node) -> float | None:
        """kg per declared unit; 0 for energy and services, ``None`` if nobody says."""

    def told(self, node: Node, category: int) -> Told | None:
        """What is stated for a category; ``None``: nothing is."""

    def costs(self, node: Node) -> Mapping[str, float] | None:
        """Cost by product of the node's materials where its key is economic, else ``None``.

        Costs of what no registered product is meant by stand under ``UNRESOLVED``.
        """


@dataclass(frozen=True)
class StatedGate:
    """A ``Gate`` that reads the statements of one year at one prefix of the log."""

    standing: Standing
    year: int

    def mass(self, node: Node) -> float | None:
        product = self._product(node)
        if product is None or product.energy_carrier is not None:
            return 0.0
        return mass_of(product.unit, product.mass_per_unit)

    def told(self, node: Node, category: int) -> Told | None:
        """Averaged over the periods that overlap the node's place, by days.

        A period that leaves the category out leaves it open for the whole place.
        """
        stated = self._at(node)
        found = [(self._told(node, whole, category), days) for whole, days in stated]
        if not found or any(told is None for told, _ in found):
            return NOTHING if self.mass(node) == 0 else None
        total = sum(days for _, days in found)
        return _added((cast(Told, told), days / total) for told, days in found)

    def costs(self, node: Node) -> Mapping[str, float] | None:
        keys = [whole.bodies[0].processing for whole, _ in self._at(node)]
        latest = next((key for key in reversed(keys) if key is not None), None)
        if latest is None or latest.costs is None:
            return None
        costs: dict[str, float] = {}
        for cost in latest.costs:
            meant = self.catalogue.resolve(cost.ref, cost.supplier)
            product = meant.listed.product.id if isinstance(meant, Resolved) else UNRESOLVED
            costs[product] = costs.get(product, 0.0) + float(cost.amount)
        return costs

    def held(self, holder: str) -> tuple[Mapping[int, Vector], int] | None:
        """What an enterprise or park entered of the year by category, and of how many days."""
        said = wholes(self.standing.about(Holdings.TYPE, holder), Holdings)
        stated = [w for group in said.values() for w in group if w.period.year == self.year]
        if not stated:
            return None
        by_category: dict[int, dict[Column, float]] = {category: {} for category in HELD}
        for body in (body for whole in stated for body in whole.bodies):
            for holding in body.holdings:
                _emit(by_category[holding.category], holding.emissions, 1.0)
        return by_category, sum(whole.period.days for whole in stated)

    @property
    def catalogue(self) -> Catalogue:
        return kept(self.standing, "catalogue", lambda: Catalogue(self.standing))

    # -- one node ------------------------------------------------------------------------------

    def _product(self, node: Node) -> Product | None:
        said = self.standing.products.get(node.product or "")
        return cast(Product, said.statement.body) if said else None

    @cached_property
    def _wholes(self) -> dict[str, dict[tuple[str, ...], list[Whole[Downstream]]]]:
        return {}

    def _at(self, node: Node) -> list[tuple[Whole[Downstream], int]]:
        """What holds at a node's place, with days; where nothing does, what holds at its site."""
        if node.product is None or node.place is None:
            return []
        if node.product not in self._wholes:
            about = self.standing.about(Downstream.TYPE, node.product)
            self._wholes[node.product] = wholes(about, Downstream)
        said = self._wholes[node.product].get((node.product, node.place.site), ())
        stated = [whole for whole in said if whole.period.year == self.year]
        return _overlapping(node.place, stated) or [(w, w.period.days) for w in stated]

    def _told(self, node: Node, whole: Whole[Downstream], category: int) -> Told | None:
        basis = self._basis(node, whole)
        if basis is None:
            return None
        if category == DELIVERY:
            return _delivered(whole, basis)
        first = whole.bodies[0]
        if category == USE:
            return _emitted(first.use.emissions, basis) if first.use else None
        return self._discarded(node, first, basis)

    def _discarded(self, node: Node, body: Downstream, basis: float) -> Told | None:
        discarded, mass = body.end_of_life, self.mass(node)
        if discarded is not None and discarded.emissions is not None:
            return _emitted(discarded.emissions, basis)
        if discarded is None or mass is None:
            return None
        return Told(
            services=tuple(
                Service(each.ref, each.supplier, float(each.share) * mass, "KGM")
                for each in discarded.treatments or ()
            )
        )

    def _basis(self, node: Node, whole: Whole[Downstream]) -> float | None:
        """Declared units that the totals are for; ``None`` if that cannot be told."""
        basis, product = whole.bodies[0].basis, self._product(node)
        if product is None or any(body.basis != basis for body in whole.bodies):
            return None
        try:
            return float(basis.amount) * in_declared_unit(basis.unit, product)
        except UnitMismatch:
            return None


def _overlapping(
    place: Place, stated: Iterable[Whole[Downstream]]
) -> list[tuple[Whole[Downstream], int]]:
    days = ((whole, place.common_days(whole.period)) for whole in stated)
    return [(whole, common) for whole, common in days if common > 0]


def _delivered(whole: Whole[Downstream], basis: float) -> Told | None:
    stated = [body.delivery for body in whole.bodies if body.delivery is not None]
    if not stated:
        return None
    emissions: dict[Column, float] = {}
    for delivery in stated:
        _emit(emissions, delivery.emissions or (), 1 / basis)
    lines = (line for delivery in stated for line in delivery.services or ())
    return Told(
        emissions,
        tuple(
            Service(line.ref, line.supplier, float(line.amount) / basis, line.unit)
            for line in lines
        ),
    )


def _emitted(emissions: Iterable[Emission], basis: float) -> Told:
    vector: dict[Column, float] = {}
    _emit(vector, emissions, 1 / basis)
    return Told(vector)


def _emit(vector: dict[Column, float], emissions: Iterable[Emission], scale: float) -> None:
    for emission in emissions:
        column = Column(emission.gas, emission.origin, emission.gwp)
        vector[column] = vector.get(column, 0.0) + float(emission.amount) * scale


def _added(weighted: Iterable[tuple[Told, float]]) -> Told:
    emissions: dict[Column, float] = {}
    services: list[Service] = []
    for told, weight in weighted:
        for column, kg in told.emissions.items():
            emissions[column] = emissions.get(column, 0.0) + kg * weight
        services += _scaled(told.services, weight)
    return Told(emissions, tuple(services))


def _scaled(services: Iterable[Service], weight: float) -> Iterator[Service]:
    for each in services:
        yield Service(each.ref, each.supplier, each.amount * weight, each.unit)
