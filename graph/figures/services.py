"""What services after the gate emit: outside footprints, or what the factor ladder says.

A service that a registered product means is priced at its ``m*``, its footprint counting outside
emissions only (``graph.solving.outside``): what it emits inside the boundary is in Scope 1 already.
One that nobody describes is estimated from the factor ladder, unless somebody with a site inside
was to do it; and one that no rung reaches stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from graph.figures.boundary import NOTHING, Amount, Fence, Lacking
from graph.kept import kept
from graph.reading.factors import Ladder
from graph.reading.gate import Service
from graph.reading.links import Laddered
from graph.reading.network import Ints, Vector, output_shares
from graph.reading.openings import in_declared_unit, is_mass_disputed
from graph.reading.references import Catalogue, Resolved, Unresolved
from graph.reading.year import Place, Year
from graph.solving.characterise import characterise
from graph.solving.outside import outside_of
from ledger.errors import UnitMismatch
from ledger.standing import Standing
from ledger.statements import Product

UNPRICED: Final = Amount(0.0, lacking=Lacking.OPEN)


def co2e_of(emissions: Vector, gwp: str) -> float:
    """Gross kg CO2e of kg by column. Raises ``GasWithoutGwp``."""
    return float(characterise(tuple(emissions), gwp).co2e(np.array(list(emissions.values()))))


def times(figure: Amount, amount: float) -> Amount:
    """A figure per unit, for so many units."""
    return Amount(
        figure.at_least * amount, figure.filled * amount, figure.spread * amount, figure.lacking
    )


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Declared units of each node that one unit of a service draws on."""

    nodes: tuple[int, ...]
    amounts: tuple[float, ...]

    @property
    def parts(self) -> Iterator[tuple[int, float]]:
        return zip(self.nodes, self.amounts, strict=True)


@dataclass(frozen=True, slots=True)
class Priced:
    """What a service emits, and the nodes that this was computed from."""

    amount: Amount
    nodes: tuple[int, ...] = ()


class Services:
    """Prices services for one boundary, in kg CO2e.

    What is inside counts nothing here; what is bought from something that may be inside has no
    price.
    """

    def __init__(self, standing: Standing, fence: Fence) -> None:
        self.standing, self.fence, self.network = standing, fence, fence.network

    def priced(self, wanted: Sequence[tuple[Service, Place | None]]) -> list[Priced]:
        """Each service as used by what is made at a place. Raises ``GasWithoutGwp``."""
        drawn = [self._drawn(service, place) for service, place in wanted]
        nodes = np.unique([i for each in drawn if each for i in each.nodes]).astype(np.int64)
        prices = dict(zip(map(int, nodes), self._per_unit(nodes), strict=True))
        return [
            Priced(sum((times(prices[i], n) for i, n in each.parts), NOTHING), each.nodes)
            if each
            else Priced(self._estimated(service))
            for each, (service, _) in zip(drawn, wanted, strict=True)
        ]

    def _drawn(self, service: Service, place: Place | None) -> _Drawn | None:
        product = self._product(service)
        nodes = self.network.nodes_of.get(product.id, []) if product else []
        if product is None or not nodes:
            return None
        outputs = [float(self.network.output[i]) for i in nodes]
        shares = output_shares([self.network.nodes[i] for i in nodes], outputs, place)
        try:
            amount = service.amount * in_declared_unit(service.unit, product)
        except UnitMismatch:
            return None
        if shares is None:
            return None
        return _Drawn(tuple(nodes), tuple(amount * float(share) for share in shares))

    def _product(self, service: Service) -> Product | None:
        meant = self._meant(service)
        return meant.listed.product if isinstance(meant, Resolved) else None

    def _meant(self, service: Service) -> Resolved | Unresolved:
        return self.catalogue.resolve(service.ref, service.supplier)

    @property
    def catalogue(self) -> Catalogue:
        return kept(self.standing, "catalogue", lambda: Catalogue(self.standing))

    def _per_unit(self, nodes: Ints) -> list[Amount]:
        """m* of each node with what the ladder fills in."""
        held = self.fence.held_mask[nodes]
        priced = iter(self._outside(nodes[~held]))
        unsure = np.isin(nodes, self.fence.unsure)
        return [
            (UNPRICED if unsure[at] else NOTHING) if held[at] else next(priced)
            for at in range(len(nodes))
        ]

    def _outside(self, nodes: Ints) -> list[Amount]:
        fence, network = self.fence, self.network
        emitted = np.column_stack([network.direct, *fence.estimates.at_nodes(fence.weights)])
        outside = outside_of(fence.solved, fence.held_mask, nodes, emitted)
        known = fence.weights.co2e(outside.per_unit[:, : len(network.columns)])
        estimated = outside.per_unit[:, len(network.columns) :]
        lacks = outside.rests_on(network.gap_mask()).astype(int)
        lacks[outside.rests_on(network.unestimated)] = Lacking.OPEN
        return [
            Amount(float(kg), float(filled), float(spread), Lacking(int(lacking)))
            for kg, (filled, spread), lacking in zip(known, estimated, lacks, strict=True)
        ]

    def _estimated(self, service: Service) -> Amount:
        """By the ladder, as an input that no node answers for (``graph.reading.links``)."""
        meant = self._meant(service)
        listed = meant.listed if isinstance(meant, Resolved) else None
        supplier = meant.listed.owner if isinstance(meant, Resolved) else meant.supplier
        if supplier in self.fence.owners:
            return UNPRICED
        ladder = kept(
            self.standing,
            ("ladder", self.network.year),
            lambda: Ladder.of(self.standing, self.network.year),
        )
        bridge = self._bridge(listed.product) if listed else None
        amount = service.amount, service.unit
        estimate = Laddered.of(ladder, self.catalogue, service.ref, amount, listed, bridge).estimate
        if estimate is None:
            return UNPRICED
        kg = co2e_of(estimate.emissions, self.fence.weights.gwp)
        return Amount(0.0, kg, kg * estimate.spread, Lacking.ESTIMATED)

    def _bridge(self, product: Product) -> Product | None:
        """The product, where its mass may convert amounts."""
        year = Year(self.standing, self.network.year)
        return None if is_mass_disputed(year, product) else product
