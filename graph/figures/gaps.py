"""Gaps as arrays: what the factor ladder puts in their place, and how far each may move a figure.

A figure draws ``v`` units of every node. What a node lacks per unit, times the units drawn of it,
is what the figure lacks; at the upper end of its factor it is the most that the gap can add:

    ``effect = v_j · estimate · (1 + spread)``        kg CO2e

A gap that no rung of the ladder reaches may move the figure by anything, so it stands first.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.kept import kept
from graph.reading.network import Estimate, Floats, Gap, Ints, Network
from graph.solving.characterise import Characterisation
from graph.terms import Feed, Rung

Mask = NDArray[np.bool_]

RUNGS: Final = tuple(Rung)
NOBODY: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Effect:
    """A gap and the most that it adds to a figure; ``None``: nothing can estimate it."""

    gap: Gap
    kg_co2e: float | None


@dataclass(frozen=True)
class Estimates:
    """What the ladder says in a network, one row for each gap or product that it reaches.

    ``emissions`` (g, k) are kg per declared unit of ``nodes``; ``spread`` (g,) is relative to them.
    ``owners`` are those whose gaps were left out.
    """

    network: Network
    nodes: Ints
    rungs: Ints
    emissions: Floats
    spread: Floats
    owners: AbstractSet[str] = NOBODY

    @classmethod
    def of(cls, network: Network) -> Estimates:
        return kept(network, "estimates", lambda: cls._of(network, NOBODY))

    @classmethod
    def _of(cls, network: Network, owners: AbstractSet[str]) -> Estimates:
        said = [*network.stand_ins.items(), *_said_of_gaps(network, owners)]
        rows = [network.row(estimate.emissions) for _, estimate in said]
        return cls(
            network=network,
            nodes=np.array([node for node, _ in said], dtype=np.int64),
            rungs=np.array([RUNGS.index(e.rung) for _, e in said], dtype=np.int64),
            emissions=np.array(rows).reshape(len(said), len(network.columns)),
            spread=np.array([e.spread for _, e in said]),
            owners=owners,
        )

    def without(self, owners: AbstractSet[str]) -> Estimates:
        """The same but for gaps that ``owners`` were to fill."""
        if not GapIndex.of(self.network).lacking_from(owners):
            return self
        return self._of(self.network, owners)

    def at_nodes(self, weights: Characterisation) -> tuple[Floats, Floats]:
        """(n,) kg CO2e per declared unit that are filled in at each node, and their spread."""
        n, kg = len(self.network.nodes), self.emissions @ weights.gross
        more = kg * self.spread
        filled, spread = (np.bincount(self.nodes, each, n).astype(float) for each in (kg, more))
        return filled, spread

    def by_rung(self, made: Floats, weights: Characterisation) -> Floats:
        """kg CO2e filled in for the units ``made`` (n,) of every node, in the order of ``RUNGS``.

        Raises ``GasWithoutGwp`` where a gas occurs that the set does not know.
        """
        drawn = made[self.nodes] != 0
        kg = weights.co2e(self.emissions[drawn]) * made[self.nodes[drawn]]
        return np.bincount(self.rungs[drawn], kg, len(RUNGS)).astype(float)

    @property
    def lacking(self) -> Mask:
        """(n,) nodes that are a gap, or lack something that somebody else was to supply."""
        if not self.owners:
            return self.network.gap_mask()
        mask = self.network.fed_by(Feed.NONE)
        mask[[gap.node for gap in self._others]] = True
        return mask

    @property
    def unestimated(self) -> Mask:
        """(n,) of these, where no rung of the ladder reaches."""
        if not self.owners:
            return self.network.unestimated
        mask = self.network.fed_by(Feed.NONE)
        mask[list(self.network.stand_ins)] = False
        mask[[gap.node for gap in self._others if gap.estimate is None]] = True
        return mask

    @property
    def _others(self) -> Iterator[Gap]:
        return (gap for gap in self.network.gaps if gap.supplier not in self.owners)


@dataclass(frozen=True)
class GapIndex:
    """Where gaps lie. ``nodes`` follows the gaps of the network, ``undeclared`` (u, 2) its inputs
    that nobody describes: supplier and consumer. ``lacked_from``: nodes by whoever was to supply.
    """

    network: Network
    nodes: Ints
    undeclared: Ints
    lacked_from: Mapping[str | None, frozenset[int]]

    @classmethod
    def of(cls, network: Network) -> GapIndex:
        return kept(network, "gap index", lambda: cls._of(network))

    @classmethod
    def _of(cls, network: Network) -> GapIndex:
        lacked: dict[str | None, set[int]] = defaultdict(set)
        for gap in network.gaps:
            lacked[gap.supplier].add(gap.node)
        ends = [(supplier, gap.node) for supplier, gap in network.undeclared]
        return cls(
            network=network,
            nodes=np.array([gap.node for gap in network.gaps], dtype=np.int64),
            undeclared=np.array(ends, dtype=np.int64).reshape(-1, 2),
            lacked_from={supplier: frozenset(nodes) for supplier, nodes in lacked.items()},
        )

    def at(self, nodes: Ints) -> list[Gap]:
        """The unmet inputs of ``nodes``."""
        return [self.network.gaps[k] for k in np.flatnonzero(np.isin(self.nodes, nodes))]

    def undeclared_at(self, nodes: Ints) -> list[tuple[int, Gap]]:
        """What ``nodes`` take in of products that nobody describes, with the node of these."""
        found = np.flatnonzero(np.isin(self.undeclared[:, 1], nodes))
        return [self.network.undeclared[k] for k in found]

    def lacking_from(self, owners: Iterable[str]) -> frozenset[int]:
        """Nodes with a gap that one of ``owners`` was to fill."""
        return frozenset[int]().union(*(self.lacked_from.get(owner, ()) for owner in owners))


def _said_of_gaps(network: Network, owners: AbstractSet[str]) -> Iterator[tuple[int, Estimate]]:
    for gap in network.gaps:
        if gap.estimate is not None and gap.supplier not in owners:
            yield gap.node, gap.estimate


def ranked(
    network: Network,
    weights: Characterisation,
    made: Floats,
    own: Iterable[Gap] = (),
    owners: AbstractSet[str] = NOBODY,
) -> tuple[Effect, ...]:
    """Gaps by what they may add to a figure that draws ``made`` (n,) units of every node.

    ``own`` gaps are said for the whole figure. What one of ``owners`` was to supply is estimated
    by nothing: it may come from inside the boundary.
    """
    index = GapIndex.of(network)
    drawn = np.flatnonzero(made)
    upstream = [
        *index.at(drawn),
        *(gap for supplier, gap in index.undeclared_at(drawn) if made[supplier]),
    ]
    effects = [
        *(effect_of(network, weights, gap, 1.0, owners) for gap in own),
        *(effect_of(network, weights, gap, float(made[gap.node]), owners) for gap in upstream),
    ]
    first = sorted(effects, key=lambda e: -abs(e.kg_co2e) if e.kg_co2e is not None else -math.inf)
    return tuple(first)


def effect_of(
    network: Network,
    weights: Characterisation,
    gap: Gap,
    units: float,
    owners: AbstractSet[str] = NOBODY,
) -> Effect:
    """What a gap may add where ``units`` of its node are drawn."""
    if gap.estimate is None or gap.supplier in owners:
        return Effect(replace(gap, estimate=None), None)
    kg = float(weights.co2e(network.row(gap.estimate.emissions)))
    return Effect(gap, units * kg * (1 + gap.estimate.spread))
