"""Where an enterprise or a park could change most: the largest levers on its own figure.

A lever is one thing of which there would be a tenth less:

========  ========================================================================================
use       what its sites take in of a supplier's product, or of what is wanted of nobody in
          particular
energy    what its sites take in of an energy carrier, whoever supplies it
emitted   what one of its sites emits itself
========  ========================================================================================

How much each moves is computed by solving again with less of it: once for T2 of its own boundary,
and once for every other boundary, such as the parks that its sites belong to. What a site buys from
within a park is made there whether or not it buys it, so that the park's figure stays; what it buys
from outside moves the park by less than itself where park goods are contained in it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, cast

import numpy as np

from graph.books.account_rows import Materials, Matter, Row, Side, Split
from graph.books.movements import Subject
from graph.engine import Books, places_of_park
from graph.figures.boundary import Fence
from graph.reading.network import Floats, Gap, Network
from graph.reading.year import Place
from graph.solving.solved import Solved
from graph.tracing.explain import Kg
from graph.tracing.levers import TENTH
from ledger.statements import Membership

MOST: Final = 5


class Less(enum.StrEnum):
    """What there would be less of."""

    USE = "use"
    ENERGY = "energy"
    EMITTED = "emitted"


@dataclass(frozen=True)
class Advice:
    """A lever: what there would be a tenth less of, and what that does, kg CO2e.

    ``own`` is the effect on T2 of the boundary itself, ``on`` that on others, by their ids.
    """

    less: Less
    of: Subject
    own: Kg
    on: Mapping[str, Kg]


@dataclass
class _Lever:
    """What rows have in common that would be less together."""

    kg: Floats
    nodes: set[int] = field(default_factory=set)


def parks_of(books: Books) -> dict[str, tuple[Place, ...]]:
    """The parks that sites of a boundary belong to in the year, with all places of each."""
    answered, own = books.answered, set(books.places)
    said = (each for p in books.places for each in answered.standing.about("membership", p.site))
    parks = {cast(Membership, each.statement.body).park for each in said}
    found = {
        park: places_of_park(answered.standing, park, answered.year, answered.valid_on)
        for park in sorted(parks & answered.standing.parks.keys())
        if (books.kind, books.id) != ("park", park)
    }
    return {park: places for park, places in found.items() if own & set(places)}


def advice(
    books: Books,
    side: Side,
    others: Mapping[str, Iterable[Place]],
    hides: Iterable[Row] = (),
    most: int = MOST,
    share: float = TENTH,
) -> tuple[Advice, ...]:
    """The ``most`` largest levers of a boundary, the largest first; ``side`` are its rows.

    A lever that one of the rows ``hides`` belongs to is not told.
    """
    hidden = {_lever_of(row) for row in hides}
    levers: dict[tuple[Less, Subject], _Lever] = {}
    for row in side.rows:
        key = _lever_of(row)
        lever = levers.setdefault(key, _Lever(np.zeros_like(row.kg)))
        lever.kg += row.kg
        lever.nodes |= row.nodes
    largest = sorted(
        ((key, lever) for key, lever in levers.items() if key not in hidden),
        key=lambda each: (-abs(Split(each[1].kg).t2.total), str(each[0])),
    )
    again = _Again(books, {books.id: books.places, **others})
    return tuple(
        _advice(again, *key, frozenset(lever.nodes), share)
        for key, lever in largest[:most]
        if lever.kg.any()
    )


def _lever_of(row: Row) -> tuple[Less, Subject]:
    material = row.material
    if row.is_direct:
        return Less.EMITTED, Subject(site=row.site)
    if material.matter is Matter.CARRIER:
        return Less.ENERGY, Subject(replace(material, apart=""))
    return Less.USE, Subject(material, row.product)


def _advice(again: _Again, less: Less, of: Subject, nodes: frozenset[int], share: float) -> Advice:
    moved = again.moved(again.with_less(less, of, nodes, share))
    own = moved.pop(again.own)
    return Advice(less, of, own, moved)


class _Again:
    """One year solved again with less of something."""

    def __init__(self, books: Books, boundaries: Mapping[str, Iterable[Place]]) -> None:
        self.answered, self.own = books.answered, books.id
        self.solved, self.materials = self.answered.solved, Materials(self.answered)
        self.boundaries = {of: frozenset(places) for of, places in boundaries.items()}
        self.fence = self._fence(self.solved, self.boundaries[self.own])
        self.before = self._t2(self.solved)

    def _fence(self, solved: Solved, places: frozenset[Place]) -> Fence:
        return Fence(solved, places, self.answered.weights)

    def _t2(self, solved: Solved) -> dict[str, Kg]:
        fences = {of: self._fence(solved, places) for of, places in self.boundaries.items()}
        figures = {of: fence.scope1 + fence.upstream for of, fence in fences.items()}
        return {of: Kg(figure.at_least, figure.filled) for of, figure in figures.items()}

    def moved(self, network: Network) -> dict[str, Kg]:
        """By how much T2 of each boundary is then another."""
        # T2 is solved for anew by each fence. What it asks the answer besides is what rests on
        # estimates and on gaps, which does not depend on how much of anything there is.
        after = self._t2(replace(self.solved, network=network))
        return {of: after[of] - kg for of, kg in self.before.items()}

    def with_less(self, less: Less, of: Subject, nodes: frozenset[int], share: float) -> Network:
        """The network in which there is ``share`` (0 to 1) less of something."""
        if less is Less.EMITTED:
            return self._emitting_less(cast(str, of.site), share)
        return self._taking_less(of, nodes, share)

    def _emitting_less(self, site: str, share: float) -> Network:
        network, counted = self.fence.network, self.fence.counted.tolist()
        here = [i for i in counted if cast(Place, network.nodes[i].place).site == site]
        direct = network.direct.copy()
        direct[here] *= 1 - share
        return replace(network, direct=direct)

    def _taking_less(self, of: Subject, nodes: frozenset[int], share: float) -> Network:
        network, counted = self.fence.network, self.fence.counted
        edges, amount = network.edges, network.edges.amount.copy()
        taken = np.isin(edges.supplier, list(nodes)) & np.isin(edges.consumer, counted)
        amount[taken] *= 1 - share
        wanting = frozenset(counted.tolist())
        gaps = tuple(
            _scaled(gap, 1 - share) if gap.node in wanting and self._is_of(gap, of) else gap
            for gap in network.gaps
        )
        return replace(network, edges=replace(edges, amount=amount), gaps=gaps)

    def _is_of(self, gap: Gap, of: Subject) -> bool:
        """Whether less of something is less of what a gap stands for."""
        if of.product is not None or of.material is None:
            return False
        material, _ = self.materials.of_gap(gap)
        if of.material.matter is Matter.CARRIER:
            return (material.matter, material.of) == (Matter.CARRIER, of.material.of)
        return material == of.material


def _scaled(gap: Gap, factor: float) -> Gap:
    estimate = gap.estimate and gap.estimate.scaled(factor)
    return replace(gap, amount=gap.amount * factor, estimate=estimate)
