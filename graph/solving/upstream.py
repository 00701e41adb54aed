"""What is made upstream for a demand: the adjoint of the footprints, where it costs what it covers.

``v = (I − A)⁻¹ d``      declared units of every node for ``d`` declared units of some
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from scipy import sparse

from graph.reading.network import Floats, Ints
from graph.solving.outside import cone_of
from graph.solving.solve import Plan
from graph.solving.solved import Solved

SMALL_CONE: Final = 30_000
"""Nodes upstream of a product up to which a plan of their own is cheaper than a whole pass."""


_CELLS: Final = 4_000_000
"""Of several demands as many are passed through a plan at once as have so many cells."""


def made_for_each(
    solved: Solved, demands: Sequence[Mapping[int, float]]
) -> list[tuple[Ints, Floats]]:
    """As ``made_for``, for many demands: what is upstream of them all is planned once."""
    if not demands:
        return []
    network = solved.network
    at = np.unique(np.concatenate([np.array(list(each), dtype=np.int64) for each in demands]))
    cone = cone_of(network, at, solved.refused, SMALL_CONE)
    nodes = np.arange(len(network.nodes)) if cone is None else cone
    plan = solved.plan
    if cone is not None:
        plan = Plan.of(sparse.csr_array(network.by_consumer[:, nodes][nodes]))
    step = max(1, _CELLS // max(1, len(nodes)))
    return [
        made
        for first in range(0, len(demands), step)
        for made in _passed(plan, nodes, demands[first : first + step])
    ]


def _passed(
    plan: Plan, nodes: Ints, demands: Sequence[Mapping[int, float]]
) -> list[tuple[Ints, Floats]]:
    wanted = np.zeros((len(nodes), len(demands)))
    for k, demand in enumerate(demands):
        at = np.array(list(demand), dtype=np.int64)
        wanted[np.searchsorted(nodes, at), k] = list(demand.values())
    made = np.nan_to_num(plan.supply(wanted))
    rows = (np.flatnonzero((made[:, k] != 0) | (wanted[:, k] != 0)) for k in range(len(demands)))
    return [(nodes[row], made[row, k]) for k, row in enumerate(rows)]


def made_for(solved: Solved, demand: Mapping[int, float]) -> tuple[Ints, Floats]:
    """Everything made for a demand: the nodes, ascending, and their declared units.

    Refused loops supply nothing. Of a few upstream nodes a plan of their own is made, so that the
    order of the whole network need not be known; more are found by one pass over it.
    """
    network = solved.network
    at, amounts = np.array(list(demand), dtype=np.int64), np.array(list(demand.values()))
    nodes = cone_of(network, at, solved.refused, SMALL_CONE)
    if nodes is None:
        wanted = np.zeros((len(network.nodes), 1))
        wanted[at, 0] = amounts
        made = np.nan_to_num(solved.plan.supply(wanted))[:, 0]
        nodes = np.union1d(np.flatnonzero(made), at)
        return nodes, made[nodes]
    plan = Plan.of(sparse.csr_array(network.by_consumer[:, nodes][nodes]))
    wanted = np.zeros((len(nodes), 1))
    wanted[np.searchsorted(nodes, at), 0] = amounts
    return nodes, np.nan_to_num(plan.supply(wanted))[:, 0]
