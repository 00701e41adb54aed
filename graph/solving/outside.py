"""What lies outside a boundary, as far as the boundary draws on it.

``O`` are the nodes outside, ``A_OO`` what they take from one another. Whatever is inside is *held*:
it emits nothing and passes nothing on, for it is counted where it is made.

    ``m* = e_O' (I − A_OO)⁻¹``       outside footprints, outside emissions only
    ``v  = (I − A_OO)⁻¹ z``          units made outside for the inflow ``z``

Two ways give the same numbers. The **cone** is cut out of the network and planned anew, which costs
what the cone is worth; the **whole** network is passed once with the inside held, which costs a
solve. A boundary whose cone is small takes the first, any other the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.kept import kept
from graph.reading.network import Edges, Floats, Ints, Network
from graph.solving.solve import Plan
from graph.solving.solved import Solved

Mask = NDArray[np.bool_]

SMALLEST: Final = 2_000
"""Cones up to this many nodes are cut out, whatever the size of the network."""
SHARE: Final = 0.01
"""Cones up to this part of the network are cut out: planning a node costs about a hundred times
what passing it does."""


def outside_of(solved: Solved, held: Mask, bought: Ints, emitted: Floats) -> Outside:
    """The outside as seen from the nodes ``bought`` there, in the cheaper of the two ways.

    ``emitted`` (n, q): what arises at every node per declared unit, in any q quantities.
    """
    most = max(SMALLEST, int(SHARE * len(held)))
    nodes = cone_of(solved.network, bought, held, most)
    if nodes is None:
        return _Whole(solved, held, bought, emitted)
    return _Cone(solved, held, bought, emitted, nodes)


def cone_of(network: Network, start: Ints, held: Mask, most: int | None = None) -> Ints | None:
    """Nodes from which ``start`` draws, over any number of tiers outside ``held``, ascending.

    ``None`` as soon as there are more than ``most``.
    """
    drawn_by = network.by_consumer
    reached = np.zeros(len(held), dtype=bool)
    tier, count = np.unique(start), 0
    while tier.size:
        reached[tier] = True
        count += tier.size
        if most is not None and count > most:
            return None
        suppliers = drawn_by.indices[spans(drawn_by.indptr, tier)]
        fresh = np.unique(suppliers[~reached[suppliers] & ~held[suppliers]])
        tier = fresh.astype(np.int64)
    return np.flatnonzero(reached)


def spans(pointers: NDArray[np.integer], rows: Ints) -> Ints:
    """The positions ``pointers[r]`` to before ``pointers[r + 1]`` of each row in turn."""
    starts, counts = pointers[rows], pointers[rows + 1] - pointers[rows]
    ends = np.cumsum(counts)
    total = int(ends[-1]) if ends.size else 0
    return np.asarray(np.arange(total) + np.repeat(starts - ends + counts, counts))


@dataclass(frozen=True)
class EdgesByConsumer:
    """Edge numbers ``order[pointers[j]:pointers[j + 1]]`` are those into node ``j``."""

    order: Ints
    pointers: Ints

    @classmethod
    def of(cls, network: Network) -> EdgesByConsumer:
        return kept(
            network.edges, "by consumer", lambda: cls._of(network.edges, len(network.nodes))
        )

    @classmethod
    def _of(cls, edges: Edges, nodes: int) -> EdgesByConsumer:
        consumer = edges.consumer
        is_sorted = bool((consumer[1:] >= consumer[:-1]).all())
        order = np.arange(len(consumer)) if is_sorted else np.argsort(consumer, kind="stable")
        return cls(order, np.searchsorted(consumer[order], np.arange(nodes + 1)))

    def into(self, nodes: Ints) -> Ints:
        """The edges into ``nodes``, in the order of these."""
        return self.order[spans(self.pointers, nodes)]


class Outside(Protocol):
    """One of the two ways. Rows of what it says follow ``bought``.

    ``per_unit`` (rows, q): ``m*`` of each quantity, per unit of what is bought. ``refuses``:
    whether some loop outside has no answer.
    """

    per_unit: Floats
    refuses: bool

    def supplied(self, bought: Floats) -> Floats:
        """(n,) ``v``: units made of every node for ``bought`` units; zero inside."""

    def rests_on(self, mask: Mask) -> Mask:
        """Whether what is bought draws on a node of ``mask``, or on a refused loop, outside."""


def block_of(network: Network, nodes: Ints, position: Ints) -> sparse.csr_array:
    """Amounts among ``nodes``, suppliers in rows; ``position`` of every other node is negative."""
    drawn_by = network.by_consumer
    at = spans(drawn_by.indptr, nodes)
    supplier = position[drawn_by.indices[at]]
    consumer = np.repeat(np.arange(len(nodes)), np.diff(drawn_by.indptr)[nodes])
    among = supplier >= 0
    cells = supplier[among], consumer[among]
    return sparse.csr_array((drawn_by.data[at][among], cells), shape=(len(nodes),) * 2)


class _Cone:
    def __init__(
        self, solved: Solved, held: Mask, bought: Ints, emitted: Floats, nodes: Ints
    ) -> None:
        position = np.full(len(held), -1)
        position[nodes] = np.arange(len(nodes))
        self.size, self.nodes, self.rows = len(held), nodes, position[bought]
        self.plan = Plan.of(block_of(solved.network, nodes, position))
        self.per_unit = np.nan_to_num(self.plan.footprints(emitted[nodes])[self.rows])
        self.refuses = bool(self.plan.refused)

    def supplied(self, bought: Floats) -> Floats:
        demand = np.zeros((len(self.nodes), 1))
        demand[self.rows, 0] = bought
        made = np.zeros(self.size)
        made[self.nodes] = np.nan_to_num(self.plan.supply(demand))[:, 0]
        return made

    def rests_on(self, mask: Mask) -> Mask:
        own = mask[self.nodes] | self.plan.refused_mask
        return np.asarray(self.plan.downstream_max(own.astype(np.int64))[self.rows] > 0)


class _Whole:
    def __init__(self, solved: Solved, held: Mask, bought: Ints, emitted: Floats) -> None:
        self.plan, self.held, self.bought = solved.plan, held, bought
        footprints = self.plan.footprints(emitted, held=held)
        # With credits, loops may gain without the inside that do not gain with it.
        self.refused = np.isnan(footprints[:, 0])
        self.refuses = bool(self.refused.any())
        self.per_unit = np.nan_to_num(footprints[bought])

    def supplied(self, bought: Floats) -> Floats:
        demand = np.zeros((len(self.held), 1))
        demand[self.bought, 0] = bought
        return np.asarray(np.nan_to_num(self.plan.supply(demand, held=self.held)[:, 0]))

    def rests_on(self, mask: Mask) -> Mask:
        own = (mask | self.refused) & ~self.held
        highest = self.plan.downstream_max(own.astype(np.int64), held=self.held)
        return np.asarray(highest[self.bought] > 0)
