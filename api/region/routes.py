"""Regions: the books of a union of parks, enterprises and administrative divisions.

With the figures of its members, a region tells two things more: what lies in the overlap of
members, and what one member takes in of what another made. Each must be of nobody who is to be
protected, or of three or more; see ``api.access.rule_of_three``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Response
from flask_babel import gettext

from api.access.access import Access, Tenants
from api.access.rule_of_three import allows
from api.errors import FewerThanThreeTenants, RegionForAuditors
from api.figures.boundaries import Guarded, boundary_answer
from api.figures.parts import Answer, amount, site_name
from api.figures.routes import FIGURE_HEADERS, Asked, enterprise_books, park_books
from api.region.wire import RegionQuery, RegionSchema
from api.services import services
from api.web.blueprint import Blueprint
from graph.books.division import KIND as DIVISION
from graph.books.division import code_of, division_books, undecided
from graph.books.region import KIND, Region, region_of
from graph.engine import Books, Question
from graph.reading.year import Place

blueprint = Blueprint(
    KIND,
    __name__,
    url_prefix="/v1",
    description="Unions of parks, enterprises and divisions in a year.",
)


@blueprint.route("/region", methods=["GET"])
@blueprint.query(RegionQuery)
@blueprint.response(200, RegionSchema, headers=FIGURE_HEADERS)
def region(query: dict[str, Any]) -> Response:
    """Read the books of a region

    The union of parks, enterprises and divisions (a city or a province: every site that states to
    lie in it) as one boundary: what they deliver to each other, and places that are in several of
    them, count once. Beside it the sum of their own figures, which is never the figure of the
    region, and the difference. For auditors; a region of parks alone also for those who may read
    the figure of each. Where some of their tenants have not agreed to figures as
    small as theirs, these are told the totals, and nothing where a member's overlap or trade with
    another would tell of one or two.
    """
    members = [("park", each) for each in query["park"]]
    members += [("enterprise", each) for each in query["enterprise"]]
    members += [(DIVISION, code_of(each)) for each in query["division"]]
    named = dict.fromkeys((kind, str(each)) for kind, each in members)
    asked = Asked.of(KIND, "+".join(sorted(each for _, each in named)), query)
    read = [_member(kind, each, asked.question, asked.access) for kind, each in named]
    union = region_of([each.books for each in read])
    tenants = _tenants(union, read)
    document = region_answer(union, Guarded(union.books, asked.access, tenants=tenants))
    return asked.answer(RegionSchema, document, union.books.answered)


def _member(kind: str, entity: str, question: Question, access: Access) -> Guarded:
    """The books of a member as far as the caller may read them; raises as they do."""
    if kind == "park":
        return park_books(entity, question, access)
    if kind == DIVISION:
        return _division_books(entity, question, access)
    guarded = enterprise_books(entity, question, access)
    if not access.caller.is_auditor:
        raise RegionForAuditors
    return guarded


def _division_books(code: str, question: Question, access: Access) -> Guarded:
    """Sites of whoever states to lie there, whom nobody asked: for auditors."""
    if not access.caller.is_auditor:
        raise RegionForAuditors
    books = division_books(services().engine.answer(question), code)
    return Guarded(books, access, tenants=Tenants())


def _tenants(region: Region, read: list[Guarded]) -> Tenants:
    """Whom the books of the union protect. Raises FewerThanThreeTenants."""
    known = [each.tenants for each in read if each.tenants is not None]
    guarded = frozenset[str]().union(*(each.guarded for each in known))
    unread = frozenset[str]().union(*(each.unread for each in known))
    if not (guarded or unread):
        return Tenants()
    for cell in region.cells:
        owners = _owners_at(region.books, cell)
        if not (allows(len(owners & guarded)) and allows(len(owners & unread))):
            raise FewerThanThreeTenants
    if not all(allows(len(traders & guarded)) for traders in region.traders):
        raise FewerThanThreeTenants
    return Tenants(guarded, unread)


def _owners_at(books: Books, places: frozenset[Place]) -> frozenset[str]:
    network = books.answered.solved.network
    nodes = (i for place in places for i in network.nodes_at.get(place, ()))
    return frozenset(network.nodes[i].owner for i in nodes)


def region_answer(region: Region, guarded: Guarded) -> Answer:
    """The books of the union; of protected tenants the totals alone, for every part of them, less
    that of each member, is what one member takes in of another's."""
    told = boundary_answer(guarded)
    if guarded.tenants is not None and guarded.tenants.guarded | guarded.tenants.unread:
        told |= _WITHHELD
    filled = guarded.tells_filled
    return {
        **told,
        "members": list(_members(region, tells_filled=filled)),
        "sum_of_members": amount(region.sum_of_members, tells_filled=filled),
        "difference": amount(region.difference, tells_filled=filled),
        "overlap": list(_overlap(region, guarded)),
        "undecided": len(_undecided(region)),
        "warning": gettext(
            "The figures of the members must not be added up: what they deliver to each other is "
            "in the figures of both. Scope 3 of parks is never summed."
        ),
    }


def _undecided(region: Region) -> frozenset[str]:
    """Sites that may lie in a division of the region, and are not in it."""
    codes = [member.id for member in region.members if member.kind == DIVISION]
    known = frozenset(place.site for place in region.books.places)
    return undecided(region.books.answered.standing, codes) - known


_WITHHELD: Mapping[str, Any] = {
    "scope2": {"location": None},
    "scope3": {"upstream": None, "by_category": [], "not_stated": []},
    "rungs": None,
    "by_gas": {"scope1": [], "upstream": []},
    "by_tenant": None,
    "origins": None,
}


def _members(region: Region, *, tells_filled: bool) -> Iterator[Answer]:
    for member in region.members:
        yield {
            "kind": member.kind,
            "id": member.id,
            "name": member.name,
            "t2": amount(member.assessment.t2, tells_filled=tells_filled),
        }


def _overlap(region: Region, guarded: Guarded) -> Iterator[Answer]:
    """Sites that are in several members, for those who may know each of these memberships."""
    standing = region.books.answered.standing
    for site in sorted({place.site for place in region.overlap}):
        parks = [member.id for member in region.members if member.kind == "park"]
        sees = all(guarded.access.sees_member(park, site) for park in parks)
        shown = sees or guarded.access.caller.is_auditor
        yield {
            "id": site if shown else None,
            "name": site_name(standing, site) if shown else None,
        }
