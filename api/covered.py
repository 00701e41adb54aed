"""What may be told of the certificates behind the power of a boundary, and of its sinks.

What a tenant has bought for its site is its own affair. A sum over the certificates of one or two
tenants tells what they have, and so does any figure that only these lower: market-based Scope 2
beside location-based, and what is made of it. By the rule of three it is told where certificates
are used for sites of none of the tenants that are to be protected, or of three or more. What sinks
removed and what was captured is told by the same rule, for inventories state it.
"""

from __future__ import annotations

from typing import Final

from api.access import Access, Tenants
from api.rule_of_three import allows
from graph.engine import Books
from graph.findings import Finding

_OF_GRIDS: Final = "residual-mix-absent"


def covered_may_be_told(books: Books, tenants: Tenants | None) -> bool:
    """Whether sums over certificates, and what they lower, tell of nobody alone."""
    if tenants is None:
        return True
    holders = {used.said.owner for use in books.market.uses for used in (*use.used, *use.refused)}
    return allows(len(holders & tenants.guarded))


def deducted_may_be_told(books: Books, tenants: Tenants | None) -> bool:
    """Whether sums of what was captured and removed, and what they lower, tell of nobody alone."""
    if tenants is None:
        return True
    places = {each.place for each in books.ledgers.caught}
    places |= {each.place for each in books.ledgers.sunk}
    standing = books.answered.standing
    owners = {standing.owner_on("site", place.site, place.start) for place in places}
    return allows(len(owners & tenants.guarded))


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
        return runs and deducted_may_be_told(books, tenants)
    if noticed not in books.market.findings or noticed.rule == _OF_GRIDS:
        return runs
    own = [party for party in noticed.parties if party.enterprise == caller.enterprise]
    at_sites = any(party.site is not None for party in own)
    return at_sites or (bool(own) and covered_may_be_told(books, tenants))
