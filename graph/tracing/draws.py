"""What a figure draws on: how much of every node, and whose word counts for it.

A figure is a sum over nodes of what arises there, times the units that are made of it:

* of a product, ``v = (I − A)⁻¹ d`` units of everything for one unit of its mix ``d``;
* of a boundary, its own output ``x_P`` inside and ``v = (I − A_OO)⁻¹ z`` outside.

``made`` are these units (n,), and ``per_unit`` (n,) what a unit of each node is worth to the
figure: ``m`` for a product, ``m*`` for a boundary, in which goods made inside count nothing.

Inside a boundary the books of a place speak for its recipes, which only distribute them: the data
behind Scope 1 are the inventory's, and what came in is what the purchases say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.figures.boundary import Assessment, Fence
from graph.figures.footprint import drawn_by, mix_of
from graph.reading.network import Floats, Ints, Network
from graph.reading.year import Place
from graph.solving.characterise import Characterisation
from graph.solving.outside import EdgesByConsumer
from graph.solving.solve import Plan
from graph.solving.solved import Solved
from graph.terms import Feed
from graph.tracing.facts import Facts, Filling

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Draw:
    """One figure; ``demand`` (n,) is what is asked of its nodes outside, the rest follows.

    ``inside`` (n,) are the nodes whose own emissions are Scope 1, none of a product. ``emits`` and
    ``takes`` name the node whose statements speak for another's emissions and inputs. What
    ``owners`` were to supply is not estimated. ``complete`` tells that nothing is open.
    """

    facts: Facts
    weights: Characterisation
    made: Floats
    per_unit: Floats
    inside: Mask
    complete: bool
    scope1_complete: bool = True
    upstream_complete: bool = True
    demand: Floats | None = None
    emits: Mapping[int, int] = field(default_factory=dict)
    takes: Mapping[int, int] = field(default_factory=dict)
    owners: frozenset[str] = frozenset()

    @property
    def network(self) -> Network:
        return self.facts.network

    @cached_property
    def nodes(self) -> Ints:
        """The nodes that the figure draws on."""
        return np.flatnonzero(self.made)

    @cached_property
    def edges(self) -> Ints:
        """The edges over which it draws, wherever they come from."""
        return EdgesByConsumer.of(self.network).into(self.nodes)

    @cached_property
    def speakers(self) -> Ints:
        """(n,) the node whose statements speak for the emissions of each."""
        speakers = np.arange(len(self.made))
        for node, speaker in self.emits.items():
            speakers[node] = speaker
        return speakers

    def taker(self, node: int) -> int:
        """The node whose lines speak for what ``node`` takes in."""
        return self.takes.get(node, node)

    def fillings(self) -> Iterator[tuple[int, Filling, float]]:
        """Node, estimate and kg CO2e of what the ladder fills in.

        Where a place states its purchases, those are its gaps: its recipes repeat them.
        """
        filled = self.facts.fillings
        for node in sorted(node for node in filled if self.made[node]):
            for filling in filled[node]:
                if filling.category is None or self._counts(node, filling):
                    row = self.network.row(filling.estimate.emissions)
                    yield node, filling, float(self.weights.co2e(row) * self.made[node])

    def _counts(self, node: int, filling: Filling) -> bool:
        return self.taker(node) == node and filling.supplier not in self.owners

    @cached_property
    def emitted(self) -> Floats:
        """(len(nodes),) kg CO2e that arise at each of ``nodes``, estimates aside."""
        return self.weights.co2e(self.network.direct[self.nodes]) * self.made[self.nodes]

    @cached_property
    def measured(self) -> Floats:
        """(n,) as ``made``, over amounts alone that are primary data: ``(I − A∘α)⁻¹ d``."""
        shares = self.facts.primary_shares(self.edges, self.takes)
        if (shares == 1).all():
            return self.made
        edges, nodes = self.network.edges, self.nodes[~self.inside[self.nodes]]
        supplier, consumer = edges.supplier[self.edges], edges.consumer[self.edges]
        amount = edges.amount[self.edges] * shares
        position = np.full(len(self.made), -1)
        position[nodes] = np.arange(len(nodes))
        bought = self.inside[consumer] & (position[supplier] >= 0)
        demand = self.demand.copy() if self.demand is not None else np.zeros(len(self.made))
        np.add.at(demand, supplier[bought], amount[bought] * self.made[consumer[bought]])
        among = (position[supplier] >= 0) & (position[consumer] >= 0)
        cells = position[supplier[among]], position[consumer[among]]
        block = sparse.csr_array((amount[among], cells), shape=(len(nodes),) * 2)
        made = np.where(self.inside, self.made, 0.0)
        made[nodes] = np.nan_to_num(Plan.of(block).supply(demand[nodes, None]))[:, 0]
        return made


def draw_of_product(
    solved: Solved,
    weights: Characterisation,
    facts: Facts,
    product: str,
    site: str | None = None,
    drawn: tuple[Ints, Floats] | None = None,
) -> Draw:
    """What one unit of a product draws on; ``drawn`` is what ``made_for_each`` found of its mix.

    Raises as ``graph.figures.footprint.product_footprint``.
    """
    nodes, shares = mix_of(solved, product, site)
    demand, per_unit = np.zeros((2, len(solved.network.nodes)))
    demand[nodes] = shares
    if drawn is None:
        made = drawn_by(solved, nodes, shares)
    else:
        made = np.zeros(len(demand))
        made[drawn[0]] = drawn[1]
    cone = np.flatnonzero(made)
    known = np.nan_to_num(solved.footprints[cone]) + np.nan_to_num(solved.estimated[cone])
    per_unit[cone] = weights.co2e(known)
    return Draw(
        facts=facts,
        weights=weights,
        made=made,
        per_unit=per_unit,
        inside=np.zeros(len(demand), dtype=np.bool_),
        complete=not bool(solved.open_ended[nodes].any()),
        demand=demand,
    )


def draw_of_boundary(
    solved: Solved,
    weights: Characterisation,
    facts: Facts,
    places: Iterable[Place],
    assessment: Assessment,
) -> Draw:
    """What the books of a boundary draw on; ``assessment`` is that of its ``places``."""
    network = solved.network
    fence = Fence(solved, frozenset(places), weights)
    inside = np.zeros(len(network.nodes), dtype=np.bool_)
    inside[fence.counted] = True
    made = assessment.made_outside.copy()
    made[fence.counted] = fence.output
    emits, takes = _spoken_for(network, fence)
    filled, _ = fence.estimates.at_nodes(weights)
    arising = network.direct @ weights.gross + filled
    per_unit = solved.plan.footprints(arising[:, None], held=fence.held_mask)[:, 0]
    return Draw(
        facts=facts,
        weights=weights,
        made=made,
        per_unit=np.where(fence.held_mask, 0.0, np.nan_to_num(per_unit)),
        inside=inside,
        complete=assessment.t2.value is not None,
        scope1_complete=assessment.scope1.value is not None,
        upstream_complete=assessment.upstream.value is not None,
        emits=emits,
        takes=takes,
        owners=fence.owners,
    )


def _spoken_for(network: Network, fence: Fence) -> tuple[dict[int, int], dict[int, int]]:
    """Node inside -> the overhead node of its place: by an inventory, and by purchases."""
    emits, takes = {}, {}
    for place in fence.places:
        book, here = network.books.get(place), network.nodes_at.get(place, [])
        if book is None:
            continue
        rest = next(i for i in here if network.nodes[i].feed is Feed.OVERHEAD)
        emits.update(dict.fromkeys(here, rest) if book.has_inventory else {})
        takes.update(dict.fromkeys(here, rest) if book.has_purchases else {})
    return emits, takes
