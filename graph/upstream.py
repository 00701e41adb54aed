"""What is made upstream for a demand: the adjoint of the footprints, where it costs what it covers.

``v = (I − A)⁻¹ d``      declared units of every node for ``d`` declared units of some
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy import sparse

from graph.network import Floats, Ints
from graph.outside import cone_of
from graph.solve import Plan
from graph.solved import Solved

SMALL_CONE: Final = 30_000
"""Nodes upstream of a product up to which a plan of their own is cheaper than a whole pass."""


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
