"""How well a figure is known: the share of each rung of the factor ladder in it.

A kilogram stands on the rung of whoever said it: a product that its own recipe describes is
*computed*, a stated footprint *declared*, and so on down to what a factor fills in for a gap. What
no rung reaches has no kilograms, so it has no share: the figure is open.
"""

from __future__ import annotations

import numpy as np

from graph.characterise import Characterisation
from graph.gaps import RUNGS, Estimates
from graph.kept import kept
from graph.network import FEEDS, RUNG_OF_FEED, Floats, Network, Rung
from graph.solved import Solved

_OF_FEED = np.array([RUNGS.index(RUNG_OF_FEED[feed]) for feed in FEEDS])
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


def footprints_by_rung(solved: Solved, weights: Characterisation) -> Floats:
    """(n, rungs) every product footprint by rung, kg CO2e per declared unit, filled in included.

    Gases without a potential under the set count nothing here: who shows a row asks for its total.
    """
    return kept(solved, ("by rung", weights.gwp), lambda: _footprints_by_rung(solved, weights))


def _footprints_by_rung(solved: Solved, weights: Characterisation) -> Floats:
    network, found = solved.network, Estimates.of(solved.network)
    emitted = np.zeros((len(network.nodes), len(RUNGS)))
    rows = np.arange(len(emitted))
    emitted[rows, _OF_FEED[network.feeds]] = network.direct @ weights.gross
    np.add.at(emitted, (found.nodes, found.rungs), found.emissions @ weights.gross)
    occurring = np.flatnonzero(emitted.any(axis=0))
    footprints = np.zeros_like(emitted)
    footprints[:, occurring] = solved.plan.footprints(emitted[:, occurring])
    return footprints
