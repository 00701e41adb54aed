"""Who may read a year restated with another fence.

A restated year stands beside the year as it was, and beside the same year restated with the fences
of other years. Between them they tell the sum over each **cell**: the places that lie within the
same of these fences. So every cell of what is shown must contain undisclosed figures of nobody, or
of three or more (``api.access.rule_of_three``); and so must what a cell and the rest draw from
each other, for goods that pass between them are in no T2 of both.

Days before a tenant joined, or after it left, are covered by no consent: the park may read what was
stated of them only where the tenant has granted it its site's inventory. Whether figures as small
as the tenant's may be shown is what its consent in force on the day of the fence says.

An enterprise that took a site over may not learn what the one before it emitted there: a restated
year that reaches back behind a transfer is for auditors.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import cast

from api.access.access import Access, Sight, Tenants, is_further_cut
from api.access.rule_of_three import allows
from api.errors import (
    EarlierPositionNotDisclosed,
    FewerThanThreeTenants,
    NotDisclosed,
)
from graph.books.region import Region
from graph.books.restatement import PARK, days_of_change, fence_on, last_day, whole_year_of
from graph.engine import (
    Books,
    Question,
    books_of_places,
    memberships_of,
    places_of_enterprise,
    places_of_park,
)
from graph.reading.year import Place
from ledger.standing import Standing
from ledger.statements import Membership


@dataclass(frozen=True)
class Restated:
    """A year of a boundary as it was, and with the fence of ``day``; ``books`` are of the latter,
    or of the former where nothing is stated of the latter."""

    books: Books
    day: dt.date
    access: Access

    @property
    def _standing(self) -> Standing:
        return self.books.answered.standing

    @cached_property
    def was(self) -> frozenset[Place]:
        of = places_of_park if self.books.kind == PARK else places_of_enterprise
        return frozenset(of(self._standing, self.books.id, self.books.answered.year))

    @cached_property
    def restated(self) -> frozenset[Place]:
        return self._whole_year(self.day)

    def _whole_year(self, day: dt.date) -> frozenset[Place]:
        fence = fence_on(self._standing, self.books.kind, self.books.id, day)
        return frozenset(whole_year_of(self._standing, self.books.answered.year, fence))

    @cached_property
    def cells(self) -> tuple[frozenset[Place], ...]:
        """What is shown, by the fences it lies within: that of the year as it went, those of the
        last days of this and all later years, and that of the day."""
        fences = [self.was, self.restated, *map(self._whole_year, self._last_days())]
        found: dict[frozenset[int], set[Place]] = defaultdict(set)
        for place in self.was | self.restated:
            found[frozenset(k for k, fence in enumerate(fences) if place in fence)].add(place)
        return tuple(map(frozenset, found.values()))

    def _last_days(self) -> Iterator[dt.date]:
        years = [day.year for day in self._days_of_change()]
        for year in range(self.books.answered.year, max(years, default=0) + 1):
            yield last_day(year)

    def _days_of_change(self) -> Iterable[dt.date]:
        if self.books.kind == PARK:
            return days_of_change(self._standing, self.books.id)
        sites = {place.site for place in self.was | self.restated}
        return chain.from_iterable(self._standing.transfer_days("site", site) for site in sites)

    # -- parks ---------------------------------------------------------------------------------

    @cached_property
    def protected(self) -> Tenants:
        """Whom either figure protects from the caller; see ``Access.require_tenants``."""
        if self.access.caller.is_auditor:
            return Tenants()
        guarded, unread = set[str](), set[str]()
        for place in self.was | self.restated:
            for owner in self.owners_at((place,)) - self._known:
                small, read = self._agreed(place, owner)
                guarded |= set() if small else {owner}
                unread |= set() if read else {owner}
        return Tenants(frozenset(guarded), frozenset(unread))

    @cached_property
    def _known(self) -> frozenset[str]:
        known = {self._owner}
        if not self.access.is_public("figure", self.books.id):
            known.add(self.access.caller.enterprise)
        return frozenset(each for each in known if each is not None)

    @property
    def _owner(self) -> str | None:
        return self._standing.owner_of(self.books.kind, self.books.id)

    def _agreed(self, place: Place, owner: str) -> tuple[bool, bool]:
        """Whether a tenant agreed to small aggregates, and lets the park read what it said of the
        place: by a consent for these days, or else by one of today and by a grant."""
        of_site = [each for each in self._memberships if each.site == place.site]
        then = [each for each in of_site if _covers(each, place)]
        on_day = [each for each in of_site if _holds_on(each, self.day)]
        consents = [self.access.consent_of(each, owner) for each in then or on_day]
        small = any(each is not None and each.small_aggregates for each in consents)
        granted = self.access.granted_to(self._owner, "inventory", place.site)
        return small, granted or (bool(then) and any(each is not None for each in consents))

    @cached_property
    def _memberships(self) -> tuple[Membership, ...]:
        said = memberships_of(self.access.standing, self.books.id)
        return tuple(cast(Membership, each.statement.body) for each in said)

    def owners_at(self, places: Iterable[Place]) -> frozenset[str]:
        """Who states anything about places."""
        network = self.books.answered.solved.network
        nodes = (i for place in places for i in network.nodes_at.get(place, ()))
        return frozenset(network.nodes[i].owner for i in nodes)

    def require_tenants(self, question: Question) -> Tenants:
        """Whom the figures protect.

        Raises FewerThanThreeTenants and EarlierPositionNotDisclosed.
        """
        tenants = self.protected
        if not (tenants.guarded or tenants.unread):
            return tenants
        if is_further_cut(question):
            raise EarlierPositionNotDisclosed
        if not (all(map(self._may_add_up, self.cells)) and self._trade_is_hidden()):
            raise FewerThanThreeTenants
        return tenants

    def _may_add_up(self, places: Iterable[Place]) -> bool:
        """Whether a sum over places is of nobody who is to be protected, or of three or more."""
        owners, tenants = self.owners_at(places), self.protected
        return allows(len(owners & tenants.guarded)) and allows(len(owners & tenants.unread))

    def _trade_is_hidden(self) -> bool:
        """Whether what passes between the cells tells of nobody, or of three or more."""
        guarded = self.protected.guarded
        return all(
            allows(len(traders & guarded))
            for shown in (self.was, self.restated)
            for cell in self.cells
            for traders in self._traders(cell & shown, shown - cell)
        )

    def _traders(self, one: frozenset[Place], other: frozenset[Place]) -> Iterator[frozenset[str]]:
        """Who takes in what the other side made, and who made it."""
        if self.owners_at(one) and self.owners_at(other):
            members = tuple(self._books_of(side) for side in (one, other))
            yield from Region(members, self._books_of(one | other), ()).traders

    def _books_of(self, places: Iterable[Place]) -> Books:
        return replace(self.books, places=tuple(sorted(places)))

    # -- both ----------------------------------------------------------------------------------

    def books_by_cell(self) -> Iterator[Books]:
        """The books of every cell of which anything is stated."""
        books = self.books
        for cell in self.cells:
            if self.owners_at(cell):
                places = tuple(sorted(cell))
                parks = {books.id: places} if books.kind == PARK else {}
                kind, name = books.kind, books.name
                yield books_of_places(kind, books.id, name, books.answered, places, (), 0, parks)

    # -- enterprises ---------------------------------------------------------------------------

    def require_suppliers(self, question: Question) -> Sight:
        """What the restated books of an enterprise show of its suppliers.

        Raises NotDisclosed where they count days on which a site was another's, and as
        ``Access.require_suppliers``, also of every part that differs from the year as it was.
        """
        if not self.access.caller.is_auditor:
            if any(self._was_anothers(place) for place in self.restated):
                raise NotDisclosed(kind="restatement", id=self.books.id)
            for cell in self.cells:
                self.access.require_suppliers(self._books_of(cell), question)
        return self.access.require_suppliers(self._books_of(self.restated), question)

    def _was_anothers(self, place: Place) -> bool:
        return self._standing.owner_on("site", place.site, place.start) != self.books.id


def _covers(membership: Membership, place: Place) -> bool:
    return membership.start <= place.start and place.end <= (membership.end or dt.date.max)


def _holds_on(membership: Membership, day: dt.date) -> bool:
    return membership.start <= day < (membership.end or dt.date.max)
