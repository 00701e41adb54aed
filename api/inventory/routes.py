"""The whole inventory of a park or an enterprise, down to the net figure and the status."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response

from api.access.access import is_further_cut
from api.figures.boundaries import Guarded
from api.figures.routes import FIGURE_HEADERS, Asked, enterprise_books, park_books
from api.figures.wire import FigureQuery
from api.inventory.answers import Inventory
from api.inventory.wire import EnterpriseInventorySchema, ParkInventorySchema
from api.services import services
from api.web.blueprint import Blueprint
from graph.books.inventory import with_base

blueprint = Blueprint(
    "inventory",
    __name__,
    url_prefix="/v1",
    description="Everything a boundary answers for: all scopes, capture, removals, offsets, net.",
)


@blueprint.route("/parks/<uuid:park>/net", methods=["GET"])
@blueprint.query(FigureQuery)
@blueprint.response(200, ParkInventorySchema, headers=FIGURE_HEADERS)
def park_net(query: dict[str, Any], park: UUID) -> Response:
    """Read the whole inventory of a park, down to net

    Its books, Scope 2 both ways, all categories of Scope 3, what was captured, removed and offset,
    the net figures, and what the park may be called. For those who may read the park's inventory; a
    part that would tell what one or two tenants state is null, and so is what is made of it.
    """
    asked = Asked.of("park-net", park, query)
    guarded = park_books(asked.id, asked.question, asked.access)
    return _answered(asked, guarded, ParkInventorySchema)


@blueprint.route("/enterprises/<uuid:enterprise>/net", methods=["GET"])
@blueprint.query(FigureQuery)
@blueprint.response(200, EnterpriseInventorySchema, headers=FIGURE_HEADERS)
def enterprise_net(query: dict[str, Any], enterprise: UUID) -> Response:
    """Read the whole inventory of an enterprise, down to net

    As that of a park. For those who may read the enterprise's inventory.
    """
    asked = Asked.of("enterprise-net", enterprise, query)
    guarded = enterprise_books(asked.id, asked.question, asked.access)
    return _answered(asked, guarded, EnterpriseInventorySchema)


def _answered(asked: Asked, guarded: Guarded, schema: type[ma.Schema]) -> Response:
    document = inventory_of(asked, guarded).answer()
    return asked.answer(schema, document, guarded.books.answered)


def inventory_of(asked: Asked, guarded: Guarded) -> Inventory:
    """The inventory of what was asked, as far as the caller may read it."""
    full = with_base(services().engine, guarded.books)
    return Inventory(guarded, full, is_earlier=is_further_cut(asked.question))
