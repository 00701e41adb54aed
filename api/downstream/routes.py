"""Downstream Scope 3 of a park or an enterprise, a resource beside its books."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response

from api.access.access import is_further_cut
from api.downstream.answers import Readable
from api.downstream.wire import EnterpriseDownstreamSchema, ParkDownstreamSchema
from api.figures.boundaries import Guarded
from api.figures.routes import Asked, enterprise_books, park_books
from api.figures.wire import FigureQuery
from api.web.blueprint import Blueprint
from graph.books.downstream import downstream_of

blueprint = Blueprint(
    "downstream",
    __name__,
    url_prefix="/v1",
    description="What becomes of what a boundary sells: Scope 3, categories 9 to 15.",
)


@blueprint.route("/parks/<uuid:park>/downstream", methods=["GET"])
@blueprint.query(FigureQuery)
@blueprint.response(200, ParkDownstreamSchema)
def park_downstream(query: dict[str, Any], park: UUID) -> Response:
    """Read what becomes of what a park sells

    Categories 9 to 12 from what its tenants and their customers state. For those who may read the
    park's inventory; a category that would tell what one or two others state is null, and products
    are named to those who may know what they are made from.
    """
    asked = Asked.of("park-downstream", park, query)
    guarded = park_books(asked.id, asked.question, asked.access)
    return _answered(asked, guarded, ParkDownstreamSchema)


@blueprint.route("/enterprises/<uuid:enterprise>/downstream", methods=["GET"])
@blueprint.query(FigureQuery)
@blueprint.response(200, EnterpriseDownstreamSchema)
def enterprise_downstream(query: dict[str, Any], enterprise: UUID) -> Response:
    """Read what becomes of what an enterprise sells

    Categories 9 to 12 from what it and its customers state, 13 to 15 as it entered them. For those
    who may read its inventory; a category that would tell what one or two others state is null.
    """
    asked = Asked.of("enterprise-downstream", enterprise, query)
    guarded = enterprise_books(asked.id, asked.question, asked.access)
    return _answered(asked, guarded, EnterpriseDownstreamSchema)


def _answered(asked: Asked, guarded: Guarded, schema: type[ma.Schema]) -> Response:
    found = downstream_of(guarded.books)
    readable = Readable(guarded, found, is_earlier=is_further_cut(asked.question))
    return asked.answer(schema, readable.answer(), guarded.books.answered)
