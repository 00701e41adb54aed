"""A region: the union of boundaries in a year, as one boundary.

Its members are parks, enterprises, and divisions such as a city or a province.

``T2(P₁ ∪ P₂) ≤ T2(P₁) + T2(P₂)``: what one part delivers to another is upstream of the one and
inside the other, and a place that is in both counts in both. So the figure of a region is computed
on the union. The sum of its parts stands beside it, with the difference; Scope 3 of parks must not
be added up (GHG Protocol, Corporate Value Chain Standard, on double counting).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from graph.books.division import KIND as DIVISION
from graph.books.division import parks_within
from graph.engine import Books, books_of_places
from graph.figures.boundary import NOTHING, Amount, Fence
from graph.reading.network import Ints
from graph.reading.year import Place

KIND = "region"


@dataclass(frozen=True)
class Region:
    """``books`` of the union; ``overlap`` are places of more than one member, counted once."""

    members: tuple[Books, ...]
    books: Books
    overlap: tuple[Place, ...]

    @property
    def sum_of_members(self) -> Amount:
        """T2 of the members added up: never the figure of the region."""
        return sum((member.assessment.t2 for member in self.members), NOTHING)

    @property
    def difference(self) -> Amount:
        """How far the sum of the members exceeds the region."""
        return self.sum_of_members - self.books.assessment.t2

    @cached_property
    def cells(self) -> tuple[frozenset[Place], ...]:
        """The places by the members that they are in. Sums over members and over the region tell
        the sum over each cell."""
        found: dict[frozenset[int], set[Place]] = {}
        held = [frozenset(member.places) for member in self.members]
        for place in self.books.places:
            within = frozenset(k for k, places in enumerate(held) if place in places)
            found.setdefault(within, set()).add(place)
        return tuple(map(frozenset, found.values()))

    @cached_property
    def traders(self) -> tuple[frozenset[str], frozenset[str]]:
        """Who takes in what another member made, over any number of tiers, and who made it.

        The difference is theirs, but for what lies in the overlap.
        """
        takers, makers = set[str](), set[str]()
        for member in self.members:
            taking, making = _drawn_between(member, self.books.places)
            takers |= taking
            makers |= making
        return frozenset(takers), frozenset(makers)


def region_of(members: Sequence[Books]) -> Region:
    """The union of boundaries that answer the same question. Raises ``NoDataForYear``.

    With a division among them, every park that lies in the union as a whole belongs to it with its
    own certificates, so that a province is the union of its cities.
    """
    first = members[0].answered
    inside = Counter(place for member in members for place in set(member.places))
    places = tuple(sorted(inside))
    parks = {member.id: member.places for member in members if member.kind == "park"}
    if any(member.kind == DIVISION for member in members):
        parks |= parks_within(first, places)
    books = books_of_places(
        KIND,
        "+".join(sorted(member.id for member in members)),
        " + ".join(member.name for member in members),
        first,
        places,
        noticed=(),
        drawn=max(member.as_of for member in members),
        parks=parks,
    )
    return Region(tuple(members), books, tuple(p for p in places if inside[p] > 1))


def _drawn_between(member: Books, places: Sequence[Place]) -> tuple[set[str], set[str]]:
    """Owners inside a member that draw on the other places, and owners there of what is drawn."""
    solved, weights = member.answered.solved, member.answered.weights
    fence = Fence(solved, frozenset(member.places), weights)
    others = np.setdiff1d(Fence(solved, frozenset(places), weights).inside, fence.inside)
    beyond = np.zeros(len(solved.network.nodes), dtype=bool)
    beyond[others] = True
    drawn = fence.inflow.suppliers[fence.outside.rests_on(beyond)]
    taking = fence.takers_of(drawn)
    made = others[fence.made_outside[others] != 0]
    return _owners(member, taking), _owners(member, made)


def _owners(books: Books, nodes: Ints) -> set[str]:
    network = books.answered.solved.network
    return {network.owners[code] for code in np.unique(network.owner_codes[nodes]).tolist()}
