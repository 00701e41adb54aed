"""The footprint of one product: value, what it lacks, and where it was emitted.

``m_j`` is cradle-to-gate, kg CO2e per declared unit. A product made at several places is their
output-weighted mix. Where a product has a recipe and also declares a footprint, both are shown
with the residual between them; neither is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graph.errors import LoopGain, NoDataForYear, SitesWithoutOutput
from graph.figures.boundary import Amount, Lacking
from graph.figures.gaps import Effect, ranked
from graph.figures.rungs import footprints_by_rung, shares_of
from graph.reading.network import Floats, Gap, output_shares
from graph.solving.characterise import Characterisation
from graph.solving.solved import Solved
from graph.solving.upstream import made_for
from graph.terms import Feed, Rung


@dataclass(frozen=True)
class ProductFootprint:
    """A product's figure under one question; amounts per declared unit.

    ``columns`` (k,): kg of each column, so that gases and origins can be shown apart.
    ``declared`` is what a footprint statement says where a recipe feeds the figure, ``residual``
    is computed minus declared, where the computed figure is complete. ``rungs`` are shares of what
    is known and filled in. ``effects`` are the unmet inputs anywhere upstream, ranked.
    """

    product: str
    name: str
    unit: str
    feeds: tuple[Feed, ...]
    amount: Amount
    columns: Floats
    declared: float | None
    residual: float | None
    mixed_gwp_share: float
    rungs: Mapping[Rung, float]
    effects: tuple[Effect, ...]
    as_of: int

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return tuple(effect.gap for effect in self.effects)


@dataclass(frozen=True, slots=True)
class Origin:
    """Emitted at ``node`` per declared unit of the product asked for, kg CO2e; and its share."""

    node: int
    kg_co2e: float
    share: float


def product_footprint(
    solved: Solved, product: str, weights: Characterisation, site: str | None = None
) -> ProductFootprint:
    """The figure of ``product`` in the network's year, at one ``site`` or as its mix.

    Raises
    ------
    NoDataForYear
        Nothing describes the product: no recipe, no footprint, of any year.
    LoopGain
        The product is part of a refused loop; the loop is named.
    SitesWithoutOutput
        Several sites make it and their outputs are not all known.
    """
    nodes, shares = mix_of(solved, product, site)
    network = solved.network
    first = network.nodes[nodes[0]]
    columns = shares @ solved.footprints[nodes]
    amount = _amount(solved, nodes, shares, weights)
    declared = _declared(solved, nodes, shares, weights)
    by_rung = shares @ footprints_by_rung(solved, np.array(nodes), weights)
    return ProductFootprint(
        product=product,
        name=first.name,
        unit=first.unit,
        feeds=tuple(dict.fromkeys(network.nodes[i].feed for i in nodes)),
        amount=amount,
        columns=columns,
        declared=declared,
        residual=_residual(amount, declared),
        mixed_gwp_share=weights.mixed_share(columns),
        rungs=shares_of(by_rung),
        effects=upstream_gaps(solved, nodes, shares, weights),
        as_of=int(solved.as_of[nodes].max()),
    )


def mix_of(solved: Solved, product: str, site: str | None) -> tuple[list[int], Floats]:
    """The nodes of a product and their output shares, which sum to 1. Raises as the figure does."""
    network = solved.network
    nodes = [
        i
        for i in network.nodes_of.get(product, [])
        if site is None or ((place := network.nodes[i].place) and place.site == site)
    ]
    if not nodes or all(network.nodes[i].feed is Feed.NONE for i in nodes):
        raise NoDataForYear(year=network.year)
    for i in nodes:
        if (loop := solved.loop_through(i)) is not None:
            raise LoopGain(product=network.nodes[i].name, loop=loop)
    shares = output_shares([network.nodes[i] for i in nodes], network.output[nodes])
    if shares is None:
        raise SitesWithoutOutput(product=network.nodes[nodes[0]].name)
    made = np.flatnonzero(shares)
    return [nodes[k] for k in made], shares[made]


def _declared(
    solved: Solved, nodes: Sequence[int], shares: Floats, weights: Characterisation
) -> float | None:
    stated = solved.network.declared
    if not all(i in stated for i in nodes):
        return None
    rows = np.array([stated[i] for i in nodes])
    return float(weights.co2e(shares @ rows))


def _amount(solved: Solved, nodes: list[int], shares: Floats, weights: Characterisation) -> Amount:
    tables = (solved.footprints, solved.estimated, solved.spread)
    known, filled, spread = (float(weights.co2e(shares @ table[nodes])) for table in tables)
    return Amount(known, filled, spread, _lacking(solved, nodes))


def _lacking(solved: Solved, nodes: list[int]) -> Lacking:
    if solved.open_ended[nodes].any():
        return Lacking.OPEN
    return Lacking.ESTIMATED if solved.incomplete[nodes].any() else Lacking.NOTHING


def _residual(computed: Amount, declared: float | None) -> float | None:
    return computed.at_least - declared if computed.complete and declared is not None else None


def upstream_gaps(
    solved: Solved, nodes: Sequence[int], shares: Floats, weights: Characterisation
) -> tuple[Effect, ...]:
    """Unmet inputs anywhere upstream of a mix of ``nodes``, by what they may add to its figure."""
    if not solved.incomplete[nodes].any():
        return ()
    return ranked(solved.network, weights, drawn_by(solved, nodes, shares))


def drawn_by(solved: Solved, nodes: Sequence[int], shares: Floats) -> Floats:
    """(n,) ``v = (I − A)⁻¹ d``: units of every node in one unit of the mix, itself included."""
    drawn = np.zeros(len(solved.network.nodes))
    made, units = made_for(solved, dict(zip(nodes, map(float, shares), strict=True)))
    drawn[made] = units
    return drawn


def origins_of(
    solved: Solved, product: str, weights: Characterisation, site: str | None = None
) -> tuple[Origin, ...]:
    """Where the footprint was emitted: ``G_ij = e_i L_ij`` for the product *j*, largest first.

    The sum over *i* is the product footprint. Raises as ``product_footprint`` does.
    """
    nodes, shares = mix_of(solved, product, site)
    supplied = drawn_by(solved, nodes, shares)
    emitted = weights.co2e(solved.network.direct * supplied[:, None])
    total = float(emitted.sum())
    order = np.argsort(-np.abs(emitted), kind="stable")
    return tuple(
        Origin(int(i), float(emitted[i]), float(emitted[i]) / total if total else 0.0)
        for i in order
        if emitted[i]
    )
