"""Indicators of parks: the national ones of notice 910, and systems that the registrar states.

They are computed from what tenants say of their energy, waste and water, site by site. So they are
for whoever may read all of their inventories: fewer than may read the park's figure.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, TypeAlias
from uuid import UUID

from flask import Response
from marshmallow import fields, validate

from api.access.access import Access, is_further_cut
from api.auth import needs_token
from api.errors import InventoriesNotOpen, NotDisclosed
from api.figures.boundaries import Guarded
from api.figures.parts import site_name
from api.figures.routes import FIGURE_HEADERS, Asked, park_books
from api.figures.wire import YearQuery
from api.indicators.answers import IndicatorAnswer, system_answer
from api.indicators.wire import ParkIndicatorsSchema, SystemsSchema
from api.services import services
from api.web.blueprint import Blueprint
from api.web.wire import NEXT_PAGE, PageQuery, described, next_link
from graph.indicators.indicators import system_of, systems
from graph.indicators.notice910 import NAME
from graph.indicators.quantities import Ground

blueprint = Blueprint(
    "indicators",
    __name__,
    url_prefix="/v1",
    description="Systems of indicators, and what they say of parks.",
)

Page: TypeAlias = tuple[dict[str, Any], HTTPStatus, dict[str, str]]
_LONGEST: Final = 60


class IndicatorQuery(YearQuery):
    """Which year of a park, by which rules."""

    system = fields.String(
        load_default=NAME,
        validate=validate.Length(1, _LONGEST),
        metadata=described("The system of indicators; by default China's national one."),
    )
    basis = fields.String(
        validate=validate.Length(1, _LONGEST),
        metadata=described(
            "The set of factors whose coefficients turn energy into standard coal; needed where "
            "several stand."
        ),
    )
    type = fields.String(
        validate=validate.Length(1, _LONGEST),
        metadata=described("The type of park, for a system that tells types apart."),
    )


@blueprint.route("/indicators", methods=["GET"])
@needs_token
@blueprint.query(PageQuery)
@blueprint.response(200, SystemsSchema, headers=NEXT_PAGE)
def listed(query: dict[str, Any]) -> Page:
    """List the systems of indicators

    Those that are built in, and those that the registrar has stated, with all of their rules.
    """
    found = [each for _, each in sorted(systems(services().engine.standing()).items())]
    start: int = query.get("cursor", 0)
    stop = start + query["limit"]
    more = next_link(stop) if stop < len(found) else {}
    return {"items": [system_answer(each) for each in found[start:stop]]}, HTTPStatus.OK, more


@blueprint.route("/parks/<uuid:park>/indicators", methods=["GET"])
@blueprint.query(IndicatorQuery)
@blueprint.response(200, ParkIndicatorsSchema, headers=FIGURE_HEADERS)
def of_park(query: dict[str, Any], park: UUID) -> Response:
    """Read the indicators of a park

    Item by item: value, threshold, verdict and what is missing. By default those of notice 910,
    whose CO2 is another number than the park's net figure; its parts are shown so that they can be
    checked on paper. For auditors, and for the park's enterprise where it may read the inventories
    of all tenants: nobody else, whoever the park's figure is disclosed to. A quantity of the
    park's inventory that is not shown there is not shown here.
    """
    asked = Asked.of("park-indicators", park, query)
    answer = judged(asked, query["system"], query.get("basis"), query.get("type"))
    answered = answer.guarded.books.answered
    return asked.answer(ParkIndicatorsSchema, answer.document(), answered)


def judged(
    asked: Asked, system: str = NAME, basis: str | None = None, park_type: str | None = None
) -> IndicatorAnswer:
    """What a system says of a park, for whoever may read every inventory behind it.

    Raises as ``park_books``, NotDisclosed, InventoriesNotOpen and as ``system_of``.
    """
    guarded = _open_books(asked)
    rules = system_of(guarded.books.answered.standing, system)
    ground, is_earlier = Ground(guarded.books, basis), is_further_cut(asked.question)
    return IndicatorAnswer(guarded, ground, rules, park_type, is_earlier)


def _open_books(asked: Asked) -> Guarded:
    """The books of a park, for whoever may read every inventory behind them.

    Raises as ``park_books``, TokenMissing, NotDisclosed and InventoriesNotOpen.
    """
    access: Access = asked.access
    access.require("park", asked.id, "figure")
    if not _runs(access, asked.id):
        access.require_token()
        raise NotDisclosed(kind="indicators", id=asked.id)
    guarded = park_books(asked.id, asked.question, access)
    unread = guarded.tenants.unread if guarded.tenants else frozenset()
    if unread:
        raise InventoriesNotOpen(tuple(_closed(guarded, unread)))
    return guarded


def _runs(access: Access, park: str) -> bool:
    caller = access.caller
    return caller.is_auditor or caller.enterprise == access.standing.owner_of("park", park)


def _closed(guarded: Guarded, unread: frozenset[str]) -> list[tuple[str, str]]:
    standing = guarded.books.answered.standing
    sites = dict.fromkeys(place.site for place in guarded.books.places)
    closed = (site for site in sites if standing.owner_of("site", site) in unread)
    return [(f"/v1/sites/{site}", site_name(standing, site)) for site in closed]
