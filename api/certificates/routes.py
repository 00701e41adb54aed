"""Certificates that are used up for a park or an enterprise, a resource beside its books."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response

from api.certificates.answers import Certified
from api.certificates.wire import EnterpriseCertificatesSchema, ParkCertificatesSchema
from api.figures.boundaries import Guarded
from api.figures.routes import FIGURE_HEADERS, Asked, enterprise_books, park_books
from api.figures.wire import FigureQuery
from api.web.blueprint import Blueprint

blueprint = Blueprint(
    "certificates",
    __name__,
    url_prefix="/v1",
    description="Certificates of green power, removals and offsets that are used up.",
)


@blueprint.route("/parks/<uuid:park>/certificates", methods=["GET"])
@blueprint.query(FigureQuery)
@blueprint.response(200, ParkCertificatesSchema, headers=FIGURE_HEADERS)
def park_certificates(query: dict[str, Any], park: UUID) -> Response:
    """Read which certificates are used up for a park

    What is used for the park and for its sites in a year, how much power it covers, and what
    exceeds the power from public grids. For those who may read the park's inventory: sums for all
    of them, as far as these tell of no tenant alone; single certificates for who stated them, and
    for auditors.
    """
    asked = Asked.of("park-certificates", park, query)
    guarded = park_books(asked.id, asked.question, asked.access)
    return _answered(asked, guarded, ParkCertificatesSchema)


@blueprint.route("/enterprises/<uuid:enterprise>/certificates", methods=["GET"])
@blueprint.query(FigureQuery)
@blueprint.response(200, EnterpriseCertificatesSchema, headers=FIGURE_HEADERS)
def enterprise_certificates(query: dict[str, Any], enterprise: UUID) -> Response:
    """Read which certificates are used up for the sites of an enterprise

    As of a park; what is used for a park counts for no enterprise. For those who may read the
    enterprise's inventory.
    """
    asked = Asked.of("enterprise-certificates", enterprise, query)
    guarded = enterprise_books(asked.id, asked.question, asked.access)
    return _answered(asked, guarded, EnterpriseCertificatesSchema)


def _answered(asked: Asked, guarded: Guarded, schema: type[ma.Schema]) -> Response:
    return asked.answer(schema, Certified(guarded).answer(), guarded.books.answered)
