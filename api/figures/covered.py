"""What may be told of the certificates behind the power of a boundary, and of its sinks.

What a tenant has bought for its site is its own affair. A sum over the certificates of one or two
tenants tells what they have, and so does any figure that only these lower: market-based Scope 2
beside location-based, and what is made of it. By the rule of three it is told where certificates
are used for sites of none of the tenants that are to be protected, or of three or more. What sinks
removed and what was captured is told by the same rule, for inventories state it.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from api.access.access import Access, Tenants
from api.access.rule_of_three import allows, merged
from graph.engine import Books
from graph.findings import Finding
from graph.reading.year import Place

_OF_GRIDS: Final = "residual-mix-absent"


def covered_may_be_told(books: Books, tenants: Tenants | None) -> bool:
    """Whether sums over certificates, and what they lower, tell of nobody alone.

    What is covered and what is in excess are two sums: nobody counts in one to whom nothing of it
    belongs.
    """
    uses = books.market.uses
    covering = {used.said.owner for use in uses if use.covered_kwh for used in use.used}
    beyond = {
        used.said.owner for use in uses if use.excess_kwh for used in (*use.used, *use.refused)
    }
    return _may_add(covering, tenants) and _may_add(beyond, tenants)


@dataclass(frozen=True, slots=True)
class Deductions:
    """Which sums of what was captured and removed may be told.

    Each is a sum of its own: who has nothing in it hides nobody. What is verified of removals and
    what is not are told both or neither: whoever reads the inventories knows what they add up to.
    """

    captured: bool
    removed: bool

    @property
    def net(self) -> bool:
        """Where one of them is known, the net figure tells the other."""
        return self.captured and self.removed


def deductions_told(books: Books, tenants: Tenants | None) -> Deductions:
    """By the rule of three, for whoever the tenants are to be protected from."""
    standing, ledgers = books.answered.standing, books.ledgers

    def owners(places: Iterable[Place]) -> set[str | None]:
        return {standing.owner_on("site", place.site, place.start) for place in places}

    captured = owners(each.place for each in ledgers.caught if each.counts)
    verified = owners(each.place for each in ledgers.sunk if each.verified_kg)
    unverified = owners(each.place for each in ledgers.sunk if each.open_kg)
    return Deductions(
        captured=_tells_nobody(captured, tenants),
        removed=_tells_nobody(verified, tenants) and _tells_nobody(unverified, tenants),
    )


def rows_told(
    rows: Iterable[tuple[Place, float]], books: Books, access: Access, tenants: Tenants | None
) -> frozenset[Place]:
    """Of the places that have rows in a ledger, in kg, those whose rows may stand by themselves.

    Those whose inventory the caller may read; and none, where what is left of the sum would be of
    one or two others.
    """
    standing, stated = books.answered.standing, list(rows)
    readable = {place for place, _ in stated if access.may_read_place(place)}
    left = {place for place, kg in stated if kg} - readable
    rest = {standing.owner_on("site", each.site, each.start) for each in left}
    is_own = tenants is None
    return frozenset(readable if is_own or allows(len(rest)) else ())


def verification_told(place: Place, books: Books, tenants: Tenants | None) -> bool:
    """Whether it may be told of one place how much of what its sinks removed is verified."""
    owner = books.answered.standing.owner_on("site", place.site, place.start)
    return not _guarded({owner}, tenants)


def grids_together(books: Books, tenants: Tenants | None) -> frozenset[str | None]:
    """Regions of grids that must be one row: by itself each would tell what one or two take in."""
    standing = books.answered.standing
    drawing = {
        each.region: _guarded(
            {standing.owner_on("site", p.site, p.start) for p in each.places if p is not None},
            tenants,
        )
        for each in books.market.residual
    }
    return frozenset(merged(drawing))


def _tells_nobody(owners: AbstractSet[str | None], tenants: Tenants | None) -> bool:
    """As `_may_add`, and of nobody or of three whose inventories are closed: of a sum over
    inventories the park can subtract what it reads."""
    unread = frozenset[str]() if tenants is None else tenants.unread
    return _may_add(owners, tenants) and allows(len(unread & owners))


def _guarded(owners: AbstractSet[str | None], tenants: Tenants | None) -> frozenset[str]:
    return frozenset() if tenants is None else tenants.guarded & owners


def _may_add(owners: AbstractSet[str | None], tenants: Tenants | None) -> bool:
    return allows(len(_guarded(owners, tenants)))


def may_be_told(noticed: Finding, books: Books, access: Access, tenants: Tenants | None) -> bool:
    """Whether what was noticed about a boundary is for the caller.

    Auditors and the enterprise whose books they are read all of it; others what is about their own
    certificates, and whoever runs a park what is about its fence, its sinks and grids. How much of
    a park's certificates is in excess tells how much those of its tenants cover.
    """
    caller = access.caller
    if caller.is_auditor or (caller.enterprise is not None and caller.enterprise == books.id):
        return True
    runs = caller.enterprise == books.answered.standing.owner_of(books.kind, books.id)
    if noticed in books.ledgers.findings:
        return runs and deductions_told(books, tenants).net
    if noticed not in books.market.findings or noticed.rule == _OF_GRIDS:
        return runs
    own = [party for party in noticed.parties if party.enterprise == caller.enterprise]
    at_sites = any(party.site is not None for party in own)
    return at_sites or (bool(own) and covered_may_be_told(books, tenants))
