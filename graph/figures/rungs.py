"""How well a figure is known: the share of each rung of the factor ladder in it.

A kilogram stands on the rung of whoever said it: a product that its own recipe describes is
*computed*, a stated footprint *declared*, and so on down to what a factor fills in for a gap. What
no rung reaches has no kilograms, so it has no share: the figure is open.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from graph.figures.gaps import RUNGS, Estimates
from graph.kept import kept
from graph.reading.network import FEEDS, RUNG_OF_FEED, Floats, Ints, Network
from graph.solving.characterise import Characterisation
from graph.solving.outside import SMALLEST, block_of, cone_of
from graph.solving.solve import Plan
from graph.solving.solved import Solved
from graph.terms import Rung

_OF_FEED = np.array([RUNGS.index(RUNG_OF_FEED[feed]) for feed in FEEDS])
AT_ONCE: Final = 1_000
"""Up to so many nodes, all footprints are split together: that costs less than looking closer."""
COMPUTED = RUNGS.index(Rung.COMPUTED)


def shares_of(kg: Floats) -> dict[Rung, float]:
    """Shares of the rungs that occur, best first, of kg in the order of ``RUNGS``; they sum to 1.

    Empty where there is nothing.
    """
    total = float(kg.sum())
    return {RUNGS[k]: float(kg[k]) / total for k in np.flatnonzero(kg)} if total else {}


def known_by_rung(network: Network, kg: Floats) -> Floats:
    """kg CO2e by the node that emitted them (n,), added up in the order of ``RUNGS``."""
    emitting = np.flatnonzero(kg)
    rungs = _OF_FEED[network.feeds[emitting]]
    return np.bincount(rungs, kg[emitting], len(RUNGS)).astype(float)


def footprints_by_rung(solved: Solved, nodes: Ints, weights: Characterisation) -> Floats:
    """(rows, rungs) footprints of ``nodes`` by rung, kg CO2e per declared unit, filled in included.

    All footprints of a network are split once, or, in one so large that this is felt, those
    upstream of ``nodes`` where they are few. Gases without a potential under the set count nothing
    here: who shows a row asks for its total.
    """
    size = len(solved.network.nodes)
    held = np.zeros(size, dtype=bool)
    cone = None if size <= AT_ONCE else cone_of(solved.network, nodes, held, SMALLEST)
    if cone is None:
        return kept(solved, ("by rung", weights.gwp), lambda: _all_by_rung(solved, weights))[nodes]
    position = np.full(size, -1)
    position[cone] = np.arange(len(cone))
    plan = Plan.of(block_of(solved.network, cone, position))
    footprints = plan.footprints(_emitted(solved.network, cone, position, weights))
    return np.asarray(footprints[position[nodes]])


def _all_by_rung(solved: Solved, weights: Characterisation) -> Floats:
    nodes = np.arange(len(solved.network.nodes))
    emitted = _emitted(solved.network, nodes, nodes, weights)
    occurring = np.flatnonzero(emitted.any(axis=0))
    footprints = np.zeros_like(emitted)
    footprints[:, occurring] = solved.plan.footprints(emitted[:, occurring])
    return footprints


def _emitted(network: Network, nodes: Ints, position: Ints, weights: Characterisation) -> Floats:
    """(rows, rungs) what arises at ``nodes`` or is filled in there; others have no position."""
    emitted = np.zeros((len(nodes), len(RUNGS)))
    rungs = _OF_FEED[network.feeds[nodes]]
    emitted[np.arange(len(nodes)), rungs] = network.direct[nodes] @ weights.gross
    found = Estimates.of(network)
    here = position[found.nodes] >= 0
    cells = position[found.nodes[here]], found.rungs[here]
    np.add.at(emitted, cells, found.emissions[here] @ weights.gross)
    return emitted
