"""How good the data behind a figure are: primary, rated, verified, old, uncertain.

Whoever may read a figure may read its quality, as far as that does not tell whose data are which
(``api.quality.answers``).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from api.figures.boundaries import Guarded
from api.figures.routes import FIGURE_HEADERS, Asked, enterprise_books, footprint_of, park_books
from api.figures.wire import FigureQuery, ProductQuery
from api.quality.answers import boundary_quality_answer, product_quality_answer
from api.quality.wire import EnterpriseQualitySchema, ParkQualitySchema, ProductQualitySchema
from api.web.blueprint import Blueprint
from graph.engine import Answered
from graph.tracing.draws import Draw, draw_of_boundary, draw_of_product
from graph.tracing.facts import Facts, facts_of

blueprint = Blueprint(
    "quality",
    __name__,
    url_prefix="/v1",
    description="How good the data behind figures are, and how far off a figure may be.",
)


@blueprint.route("/products/<uuid:product>/quality", methods=["GET"])
@blueprint.query(ProductQuery)
@blueprint.response(200, ProductQualitySchema, headers=FIGURE_HEADERS)
def of_product(query: dict[str, Any], product: UUID) -> Response:
    """Read how good the data behind a product's footprint are

    Primary data share, data-quality ratings, what verifiers assure, age, shares by rung and a 95 %
    interval, all weighed by carbon. For the owner, auditors, and those it has disclosed the
    product's footprint to. A share that would tell which of fewer than three undisclosed suppliers
    have it is null.
    """
    asked = Asked.of("product-quality", product, query)
    answered, figure, sight = footprint_of(asked)
    facts = _facts(answered)
    draw = draw_of_product(answered.solved, answered.weights, facts, asked.id, asked.site)
    document = product_quality_answer(answered, figure, draw, sight, asked.access)
    return asked.answer(ProductQualitySchema, document, answered)


@blueprint.route("/parks/<uuid:park>/quality", methods=["GET"])
@blueprint.query(FigureQuery)
@blueprint.response(200, ParkQualitySchema, headers=FIGURE_HEADERS)
def of_park(query: dict[str, Any], park: UUID) -> Response:
    """Read how good the data behind the books of a park are

    As of a product, for T2 and its halves. For the park's enterprise, auditors, and those it has
    disclosed the park's figure to. A share that would tell which of fewer than three tenants have
    it is null.
    """
    asked = Asked.of("park-quality", park, query)
    guarded = park_books(asked.id, asked.question, asked.access)
    document = boundary_quality_answer(guarded, _draw(guarded))
    return asked.answer(ParkQualitySchema, document, guarded.books.answered)


@blueprint.route("/enterprises/<uuid:enterprise>/quality", methods=["GET"])
@blueprint.query(FigureQuery)
@blueprint.response(200, EnterpriseQualitySchema, headers=FIGURE_HEADERS)
def of_enterprise(query: dict[str, Any], enterprise: UUID) -> Response:
    """Read how good the data behind the books of an enterprise are

    As of a product, for T2 and its halves. For the enterprise, auditors, and those it has disclosed
    its figure to. A share that would tell which of fewer than three undisclosed suppliers have it
    is null.
    """
    asked = Asked.of("enterprise-quality", enterprise, query)
    guarded = enterprise_books(asked.id, asked.question, asked.access)
    document = boundary_quality_answer(guarded, _draw(guarded))
    return asked.answer(EnterpriseQualitySchema, document, guarded.books.answered)


def _draw(guarded: Guarded) -> Draw:
    books = guarded.books
    solved, weights, facts = books.answered.solved, books.answered.weights, _facts(books.answered)
    return draw_of_boundary(solved, weights, facts, books.places, books.assessment)


def _facts(answered: Answered) -> Facts:
    return facts_of(answered.standing, answered.solved.network, answered.valid_on)
