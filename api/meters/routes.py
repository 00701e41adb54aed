"""Meters: what each of them counted, and the year of a park or an enterprise as it runs.

A meter and its readings are read by whoever may read the inventory of its site on the same days. A
park adds up only what it may read; how many sites are left out is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from uuid import UUID

import marshmallow as ma
from flask import Response
from marshmallow import fields, validate

from api.access.access import Access
from api.auth import current_caller
from api.caching import figure_response
from api.errors import NotDisclosed, TokenMissing
from api.figures.parts import Answer
from api.figures.routes import FIGURE_HEADERS
from api.figures.wire import FIRST_YEAR, LAST_YEAR, YearQuery
from api.meters.answers import boundary_meters_answer, meter_answer
from api.meters.wire import EnterpriseMetersSchema, MeterSchema, ParkMetersSchema
from api.services import services
from api.web.blueprint import Blueprint
from api.web.wire import Query, described
from graph.books.metering import metered_year
from graph.books.reconciliation import differences
from graph.engine import memberships_of, places_of_enterprise, places_of_park
from graph.errors import UnknownBoundary
from graph.reading.meters import latest_year_at, metered
from graph.reading.year import Place, Year
from ledger.standing import Standing
from ledger.statements import Enterprise, Membership, NaturalKey, Park
from ledger.strict_json import MAX_INTEGER

blueprint = Blueprint(
    "meters",
    __name__,
    url_prefix="/v1",
    description="What meters count, month by month, while the year runs.",
)


class MeterQuery(Query):
    """Which year of a meter."""

    year = fields.Integer(
        validate=validate.Range(FIRST_YEAR, LAST_YEAR),
        metadata=described("Calendar year; by default the latest that it was read in."),
    )
    at = fields.Integer(
        validate=validate.Range(1, MAX_INTEGER),
        metadata=described("Answer as of the first so many entries of the log."),
    )


class MetersQuery(YearQuery):
    """Which year of a boundary."""

    year = fields.Integer(
        validate=validate.Range(FIRST_YEAR, LAST_YEAR),
        metadata=described("Calendar year; by default the latest that a meter was read in."),
    )


@blueprint.route("/sites/<uuid:site>/meters/<meter>", methods=["GET"])
@blueprint.query(MeterQuery)
@blueprint.response(200, MeterSchema, headers=FIGURE_HEADERS)
def of_site(query: dict[str, Any], site: UUID, meter: str) -> Response:
    """Read what a meter counted

    By month of the site's calendar, with gaps, resets and whatever else a reader must know. For the
    site's owner, auditors, and those who may read the site's inventory; for days on which they may
    not, it tells nothing.
    """
    access, standing = _asking(query)
    entity = str(site)
    year = query.get("year") or latest_year_at(standing, [entity])
    days = _readable(access, standing, entity, year)
    found = metered(standing, entity, meter, year, days)
    document = meter_answer(standing, found)
    return _answer(f"meter {meter}", entity, query, access, MeterSchema, document)


@blueprint.route("/parks/<uuid:park>/meters", methods=["GET"])
@blueprint.query(MetersQuery)
@blueprint.response(200, ParkMetersSchema, headers=FIGURE_HEADERS)
def of_park(query: dict[str, Any], park: UUID) -> Response:
    """Read the year of a park as its meters tell it

    What the meters of its member sites count on the days of their membership, by month, and a
    running estimate of operational emissions, which is not the inventory. For the park's enterprise
    and auditors, over the sites whose inventory they may read.
    """
    access, standing = _asking(query)
    entity = str(park)
    name = cast(Park, _own(access, standing, "park", entity)).name
    members = (cast(Membership, s.statement.body) for s in memberships_of(standing, entity))
    year = query.get("year") or latest_year_at(standing, {member.site for member in members})
    places = places_of_park(standing, entity, year)
    document = _boundary(access, standing, places, query, year)
    as_of = max(document["as_of"], standing.touched.last(("park", "membership"), entity))
    told = {**document, "park": {"id": entity, "name": name}, "as_of": as_of}
    return _answer("park-meters", entity, query, access, ParkMetersSchema, told)


@blueprint.route("/enterprises/<uuid:enterprise>/meters", methods=["GET"])
@blueprint.query(MetersQuery)
@blueprint.response(200, EnterpriseMetersSchema, headers=FIGURE_HEADERS)
def of_enterprise(query: dict[str, Any], enterprise: UUID) -> Response:
    """Read the year of an enterprise as its meters tell it

    What the meters of its sites count on the days on which they are its own, by month, and a
    running estimate of operational emissions, which is not the inventory. For the enterprise and
    auditors.
    """
    access, standing = _asking(query)
    entity = str(enterprise)
    name = cast(Enterprise, _own(access, standing, "enterprise", entity)).name
    owned = {site for site in standing.sites if standing.owner_of("site", site) == entity}
    year = query.get("year") or latest_year_at(standing, owned)
    places = places_of_enterprise(standing, entity, year)
    document = _boundary(access, standing, places, query, year)
    as_of = max(document["as_of"], standing.touched.get(("enterprise", entity), -1))
    told = {**document, "enterprise": {"id": entity, "name": name}, "as_of": as_of}
    return _answer("enterprise-meters", entity, query, access, EnterpriseMetersSchema, told)


# -- who may read -------------------------------------------------------------------------------


def _asking(query: dict[str, Any]) -> tuple[Access, Standing]:
    """What the caller may read now, and what stood where it asks about."""
    engine = services().engine
    return Access(engine.standing(), current_caller()), engine.standing(query.get("at"))


def _own(access: Access, standing: Standing, kind: str, entity: str) -> Any:
    """The statement of a park or an enterprise, for itself and auditors.

    Raises TokenMissing, UnknownBoundary and NotDisclosed.
    """
    if access.caller.is_anonymous:
        raise TokenMissing
    said = standing.find(NaturalKey(kind, (entity,)))
    if said is None:
        raise UnknownBoundary(kind=kind, id=entity)
    owner = entity if kind == "enterprise" else access.standing.owner_of(kind, entity)
    if not (access.caller.is_auditor or access.caller.enterprise == owner):
        raise NotDisclosed(kind="meters", id=entity)
    return said.statement.body


def _readable(access: Access, standing: Standing, site: str, year: int) -> list[Place]:
    """The days of a year on which the caller may read what is metered at a site.

    Raises TokenMissing, UnknownBoundary and NotDisclosed.
    """
    places = Year(standing, year).places(site)
    readable = [place for place in places if access.may_read_place(place)]
    if readable:
        return readable
    if access.caller.is_anonymous:
        raise TokenMissing
    if not places:
        raise UnknownBoundary(kind="site", id=site)
    raise NotDisclosed(kind="meters", id=site)


# -- what is asked ------------------------------------------------------------------------------


def _boundary(
    access: Access, standing: Standing, places: Iterable[Place], query: dict[str, Any], year: int
) -> Answer:
    """The year at the places that the caller may read; whole sites are counted as not shown."""
    met = list(places)
    readable = [place for place in met if access.may_read_place(place)]
    found = metered_year(standing, readable, year, query["gwp"])
    told = Year(standing, year)
    # An inventory may be for days that the caller may not read.
    open_sites = (s for s in found.sites if all(map(access.may_read_place, told.places(s))))
    differing = [each for site in open_sites for each in differences(told, site)]
    hidden = len({place.site for place in met if place not in readable})
    return boundary_meters_answer(standing, found, query["gwp"], hidden, differing)


def _answer(
    what: str,
    entity: str,
    query: dict[str, Any],
    access: Access,
    schema: type[ma.Schema],
    document: Answer,
) -> Response:
    """The document, or 304 where the caller's copy still says the same."""
    question: dict[str, str | int | None] = {
        "what": what,
        "id": entity,
        "year": document["year"],
        "at": query.get("at"),
    }
    return figure_response(
        schema().dump(document),
        as_of=document["as_of"],
        question=question,
        standing=access.standing,
    )
