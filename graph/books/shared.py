"""Shared infrastructure: what a site emits and draws on for others, put to those it works for.

    ``a_{s→t} = m_s · (d_{st} / d_s) · w_t``            kg CO2e

``m_s`` is the footprint of the overhead node of place *s* (``graph.reading.accounts``): its own
emissions and everything upstream of what it takes in beyond the products it sells, for the ``d_s``
days of the place. ``d_st`` are the days that the place, the period of the ``allocation`` and a
place of the site *t* have in common, and ``w_t`` is the share of that site.

It moves no total: what one is given another gives, so over a park that holds all of them it sums to
zero. What goes to a site outside leaves, and what comes from one outside enters; both are told,
neither is added to any figure.

Members of one park need no word of each other, once the taker has agreed to be one. To any other
site of another enterprise nobody puts anything by saying so: it is noticed, and its owner takes
nothing.

An allocation stands beside purchases. Where a product of the shared site is bought by others and no
recipe takes it out of the overhead, the same emissions may be told twice; that is noticed.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, cast

import numpy as np

from graph.engine import Answered, Books
from graph.figures.boundary import NOTHING, Amount, Lacking
from graph.figures.services import times
from graph.findings import Finding, finding
from graph.kept import kept
from graph.reading.network import Book
from graph.reading.year import Place, Whole, Year, wholes
from graph.terms import Feed
from ledger.findings import Party, Side
from ledger.standing import Standing
from ledger.statements import Allocation, Membership, Period

UNKNOWN: Final = Amount(0.0, lacking=Lacking.OPEN)


@dataclass(frozen=True, slots=True)
class Allotted:
    """What a place of a shared site does for another site on ``days`` that both have.

    ``scope1`` is the part of ``total`` that the place emits itself; kg CO2e. ``giver`` and
    ``taker`` are the enterprises whose sites these are on those days, ``taker`` None where no such
    site stands any more. ``gives`` and ``takes`` tell whether either end is inside the boundary,
    and ``index`` is the entry that says so. ``accepted``: both ends are of one enterprise, or were
    members of one park on those days.
    """

    place: Place
    giver: str
    site: str
    taker: str | None
    share: float
    days: int
    service: str
    key: str
    scope1: Amount
    total: Amount
    gives: bool
    takes: bool
    accepted: bool
    index: int

    @property
    def leaves(self) -> bool:
        return self.gives and not self.takes

    @property
    def enters(self) -> bool:
        return self.takes and not self.gives


@dataclass(frozen=True, slots=True)
class Moved:
    """What an enterprise gives and takes within one boundary, in kg CO2e."""

    given: Amount = NOTHING
    taken: Amount = NOTHING
    scope1_given: Amount = NOTHING
    scope1_taken: Amount = NOTHING

    @property
    def net(self) -> Amount:
        """How much more it has with what is shared; below zero: less."""
        return self.taken - self.given

    @property
    def scope1_net(self) -> Amount:
        return self.scope1_taken - self.scope1_given

    def __add__(self, other: Moved) -> Moved:
        return Moved(
            self.given + other.given,
            self.taken + other.taken,
            self.scope1_given + other.scope1_given,
            self.scope1_taken + other.scope1_taken,
        )


@dataclass(frozen=True)
class Shared:
    """What is shared at or for the places of a boundary; ``as_of`` is the last entry about it."""

    rows: tuple[Allotted, ...]
    findings: tuple[Finding, ...]
    as_of: int

    @cached_property
    def by_owner(self) -> Mapping[str, Moved]:
        """Enterprises inside, by what they give and take of what is accepted."""
        moved: dict[str, Moved] = defaultdict(Moved)
        for row in self.rows:
            if row.gives and row.accepted:
                moved[row.giver] += Moved(given=row.total, scope1_given=row.scope1)
            if row.takes and row.accepted and row.taker is not None:
                moved[row.taker] += Moved(taken=row.total, scope1_taken=row.scope1)
        return dict(moved)

    @property
    def leaving(self) -> Amount:
        """What is done inside for sites that are not."""
        return sum((row.total for row in self.rows if row.leaves), NOTHING)

    @property
    def entering(self) -> Amount:
        """What is done outside for sites that are inside, as far as it is accepted."""
        return sum((row.total for row in self.rows if row.enters and row.accepted), NOTHING)


def shared_of(books: Books) -> Shared:
    """What is shared at or for the places of a boundary."""
    sharing = _Sharing(books.answered, frozenset(books.places))
    rows = tuple(row for site in sharing.sites() for row in sharing.of_site(site))
    beside = (each for site in sharing.sites() for each in sharing.noticed_at(site))
    found = dict.fromkeys((*beside, *sharing.strange(rows)))
    touched = books.answered.standing.touched.get((Allocation.TYPE, ""), -1)
    return Shared(rows, tuple(found), max(books.as_of, touched))


class _Sharing:
    """Reads the allocations that concern a boundary."""

    def __init__(self, answered: Answered, inside: frozenset[Place]) -> None:
        self._standing, self._inside = answered.standing, inside
        self._solved, self._network = answered.solved, answered.solved.network
        self._weights = answered.weights
        self._year = Year(answered.standing, answered.year, answered.valid_on)

    def sites(self) -> list[str]:
        """Shared sites that are inside or work for one that is."""
        inside = {place.site for place in self._inside}
        shared, served = _shared_sites(self._standing)
        return sorted(
            (inside & shared) | {each for site in inside for each in served.get(site, ())}
        )

    def of_site(self, site: str) -> Iterator[Allotted]:
        for whole in self._allocations(site):
            for place in self._year.places(site):
                if place.common_days(whole.period) > 0:
                    yield from self._of_place(place, whole)

    def _allocations(self, site: str) -> list[Whole[Allocation]]:
        stated = wholes(self._standing.about(Allocation.TYPE, site), Allocation)
        return [each for each in stated.get((site,), ()) if each.period.year == self._year.year]

    def _of_place(self, place: Place, whole: Whole[Allocation]) -> Iterator[Allotted]:
        (body,) = whole.bodies
        scope1, total = self._overhead(place)
        for share in body.shares:
            for taking, days in self._taking(share.site, place, whole.period):
                part = float(share.share) * days / place.days
                row = Allotted(
                    place=place,
                    giver=str(self._owner(place)),
                    site=share.site,
                    taker=self._owner(taking) if taking else None,
                    share=float(share.share),
                    days=days,
                    service=body.service,
                    key=body.key,
                    scope1=times(scope1, part),
                    total=times(total, part),
                    gives=place in self._inside,
                    takes=taking in self._inside,
                    accepted=taking is None or self._is_accepted(place, taking),
                    index=whole.index,
                )
                if row.gives or row.takes:
                    yield row

    def _owner(self, place: Place) -> str | None:
        return self._standing.owner_on("site", place.site, self._year.valid_on or place.start)

    def _is_accepted(self, shared: Place, taking: Place) -> bool:
        is_own = self._owner(shared) == self._owner(taking)
        parks = {each.park for each in self._memberships(shared)}
        return is_own or any(
            each.park in parks and self._is_agreed(each, taking)
            for each in self._memberships(taking)
        )

    def _is_agreed(self, membership: Membership, place: Place) -> bool:
        """A park may call any site a member: who founds one for it alone must not bind the site."""
        is_own = self._standing.owner_of("park", membership.park) == self._owner(place)
        return is_own or membership.consent is not None

    def _memberships(self, place: Place) -> tuple[Membership, ...]:
        """Those that hold on all days of a place, or on the day that is asked about; places are
        cut where memberships change."""
        first, last = place.start, place.end - dt.timedelta(days=1)
        if self._year.valid_on is not None:
            first = last = self._year.valid_on
        said = self._standing.about(Membership.TYPE, place.site)
        bodies = (cast(Membership, each.statement.body) for each in said)
        return tuple(
            each for each in bodies if each.start <= first and (each.end is None or last < each.end)
        )

    def _taking(
        self, site: str, shared: Place, period: Period
    ) -> Iterator[tuple[Place | None, int]]:
        """Places of a site that something is done for, with the days they have in common with the
        shared place and the period; ``None``: no such site stands any more."""
        first, after = max(shared.start, period.start), min(shared.end, period.end)
        common = Place(shared.site, first, after)
        places = self._year.places(site)
        if not places:
            yield None, common.days
        for place in places:
            if (days := place.common_days(common)) > 0:
                yield place, days

    def _overhead(self, place: Place) -> tuple[Amount, Amount]:
        """Scope 1 and footprint of what a place emits and draws on beyond its products."""
        node = self._overhead_node(place)
        if node is None:
            return UNKNOWN, UNKNOWN
        book, solved = self._network.books.get(place, Book(0, 0)), self._solved
        emits = book.inventory_days == place.days and not book.unknown_fuels
        known, filled, spread = (
            float(self._weights.co2e(np.nan_to_num(table[node])))
            for table in (solved.footprints, solved.estimated, solved.spread)
        )
        if not emits or book.purchase_days < place.days or solved.open_ended[node]:
            lacking = Lacking.OPEN
        else:
            lacking = Lacking.ESTIMATED if solved.incomplete[node] else Lacking.NOTHING
        emitted = float(self._weights.co2e(self._network.direct[node]))
        scope1 = Amount(emitted, lacking=Lacking.NOTHING if emits else Lacking.OPEN)
        return scope1, Amount(known, filled, spread, lacking)

    def _overhead_node(self, place: Place) -> int | None:
        nodes = self._network.nodes_at.get(place, ())
        return next((i for i in nodes if self._network.nodes[i].feed is Feed.OVERHEAD), None)

    # -- what was noticed ----------------------------------------------------------------------

    def noticed_at(self, site: str) -> Iterator[Finding]:
        """Products of a shared site that others buy and no recipe takes out of its overhead."""
        for place in self._year.places(site):
            if any(place.common_days(each.period) > 0 for each in self._allocations(site)):
                for name in self._sold(place):
                    at = self._year.site_name(site)
                    yield finding("allocation-beside-sales", site=at, product=name)

    def strange(self, rows: Iterable[Allotted]) -> Iterator[Finding]:
        """What the owners inside did not accept."""
        for row in rows:
            if row.takes and not row.accepted and row.taker is not None:
                site, taking = (self._year.site_name(each) for each in (row.place.site, row.site))
                party = Party(Side.CONSUMER, row.taker, site=row.site)
                yield finding("allocation-to-strangers", parties=(party,), site=site, taker=taking)

    def _sold(self, place: Place) -> Iterator[str]:
        network = self._network
        for i in network.nodes_at.get(place, ()):
            node = network.nodes[i]
            is_apart = node.feed is Feed.RECIPE and not np.isnan(network.output[i])
            if node.product is not None and not is_apart and self._is_bought_elsewhere(i, place):
                yield node.name

    def _is_bought_elsewhere(self, i: int, place: Place) -> bool:
        row = self._network.inputs[[i]]
        takers = row.indices[row.data != 0].tolist()
        places = (self._network.nodes[j].place for j in takers)
        return any(taker is None or taker.site != place.site for taker in places)


def _shared_sites(standing: Standing) -> tuple[frozenset[str], Mapping[str, frozenset[str]]]:
    """Sites that are shared, and by site those that work for it."""
    return kept(standing, "shared sites", lambda: _read_shared_sites(standing))


def _read_shared_sites(
    standing: Standing,
) -> tuple[frozenset[str], Mapping[str, frozenset[str]]]:
    serving: dict[str, set[str]] = defaultdict(set)
    bodies = [
        cast(Allocation, said.statement.body) for said in standing.statements(Allocation.TYPE)
    ]
    for body in bodies:
        for share in body.shares:
            serving[share.site].add(body.site)
    shared = frozenset(body.site for body in bodies)
    return shared, {site: frozenset(each) for site, each in serving.items()}
