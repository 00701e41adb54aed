"""Figures: the footprint of a product, and the books of a park or an enterprise.

A figure is a function of a prefix of the log and a question; the answer says which. Who may read it
is decided by ``api.access.access``, first whether at all and then whether it would tell too much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response

from api.access.access import Access, Sight
from api.auth import current_caller
from api.caching import CHECKPOINT_HEADER, figure_response
from api.errors import DayOutsideYear
from api.figures.boundaries import Guarded, boundary_answer
from api.figures.parts import Answer, iso_day
from api.figures.products import contributions_answer, footprint_answer
from api.figures.wire import (
    ContributionsSchema,
    EnterpriseBooksSchema,
    FigureQuery,
    FootprintSchema,
    ParkBooksSchema,
    ProductQuery,
)
from api.services import services
from api.web.blueprint import Blueprint
from graph.engine import Answered, Question
from graph.figures.footprint import ProductFootprint, product_footprint
from ledger.standing import Standing

blueprint = Blueprint(
    "figures",
    __name__,
    url_prefix="/v1",
    description="What follows from the statements: footprints of products, books of boundaries.",
)

FIGURE_HEADERS = {
    "ETag": {"description": "Changes when the answer may.", "schema": {"type": "string"}},
    CHECKPOINT_HEADER: {
        "description": "Size and root (base64) of the latest checkpoint.",
        "schema": {"type": "string"},
    },
}


@dataclass(frozen=True)
class Asked:
    """A question of one caller."""

    what: str
    id: str
    question: Question
    site: str | None
    access: Access

    @classmethod
    def of(cls, what: str, asked_of: UUID | str, query: Mapping[str, Any]) -> Asked:
        standing = services().engine.standing()
        access = Access(standing, current_caller())
        question = question_of(query, standing)
        return cls(what, str(asked_of), question, query.get("site"), access)

    def answer(self, schema: type[ma.Schema], document: Answer, answered: Answered) -> Response:
        """The document, or 304."""
        question: dict[str, str | int | None] = {
            "what": self.what,
            "id": self.id,
            "year": answered.year,
            "gwp": answered.gwp,
            "at": self.question.at,
            "validOn": iso_day(answered),
            "site": self.site,
        }
        return figure_response(
            schema().dump(document),
            as_of=document["as_of"],
            question=question,
            standing=self.access.standing,
        )


def question_of(query: Mapping[str, Any], standing: Standing) -> Question:
    """What a query asks; ``at`` is None where that is of the whole log, as ``standing`` is.

    Raises DayOutsideYear.
    """
    year, day = query.get("year"), query.get("valid_on")
    if day is not None and year not in (None, day.year):
        raise DayOutsideYear(day=day.isoformat(), year=year)
    at = None if query.get("at") == standing.size else query.get("at")
    return Question(year, query["gwp"], at, day)


@blueprint.route("/products/<uuid:product>/footprint", methods=["GET"])
@blueprint.query(ProductQuery)
@blueprint.response(200, FootprintSchema, headers=FIGURE_HEADERS)
def footprint(query: dict[str, Any], product: UUID) -> Response:
    """Read the footprint of a product

    Cradle to gate, kg CO2e per declared unit, with its gases, its gaps and what was noticed. For
    the owner, auditors, and those it has disclosed the product's footprint to.
    """
    asked = Asked.of("footprint", product, query)
    answered, figure, sight = footprint_of(asked)
    document = footprint_answer(answered, figure, sight, asked.access, asked.site)
    return asked.answer(FootprintSchema, document, answered)


@blueprint.route("/products/<uuid:product>/contributions", methods=["GET"])
@blueprint.query(ProductQuery)
@blueprint.response(200, ContributionsSchema, headers=FIGURE_HEADERS)
def contributions(query: dict[str, Any], product: UUID) -> Response:
    """Read what the footprint of a product consists of

    Direct emissions of what the caller may look into, whole footprints of what is disclosed to it,
    and one sum for everything else. For the owner, auditors, and those it has disclosed the
    product's contributions to.
    """
    asked = Asked.of("contributions", product, query)
    asked.access.require("product", asked.id, "contributions")
    answered = services().engine.about_product(asked.id, asked.question)
    site = asked.site
    sight = asked.access.require_contributions(asked.id, answered.solved, asked.question, site)
    figure = product_footprint(answered.solved, asked.id, answered.weights, site)
    document = contributions_answer(answered, figure, site, sight)
    return asked.answer(ContributionsSchema, document, answered)


@blueprint.route("/parks/<uuid:park>/inventory", methods=["GET"])
@blueprint.query(FigureQuery)
@blueprint.response(200, ParkBooksSchema, headers=FIGURE_HEADERS)
def park_inventory(query: dict[str, Any], park: UUID) -> Response:
    """Read the books of a park

    Scope 1, 2 and upstream 3 of its member sites, and the bridge T0 → T1 → T2. For the park's
    enterprise, auditors, and those it has disclosed the park's figure to.
    """
    asked = Asked.of("park", park, query)
    guarded = park_books(asked.id, asked.question, asked.access)
    return asked.answer(ParkBooksSchema, boundary_answer(guarded), guarded.books.answered)


@blueprint.route("/enterprises/<uuid:enterprise>/inventory", methods=["GET"])
@blueprint.query(FigureQuery)
@blueprint.response(200, EnterpriseBooksSchema, headers=FIGURE_HEADERS)
def enterprise_inventory(query: dict[str, Any], enterprise: UUID) -> Response:
    """Read the books of an enterprise

    Scope 1, 2 and upstream 3 of all its sites, and the bridge T0 → T1 → T2. For the enterprise,
    auditors, and those it has disclosed its figure to.
    """
    asked = Asked.of("enterprise", enterprise, query)
    guarded = enterprise_books(asked.id, asked.question, asked.access)
    return asked.answer(EnterpriseBooksSchema, boundary_answer(guarded), guarded.books.answered)


def footprint_of(asked: Asked) -> tuple[Answered, ProductFootprint, Sight]:
    """The footprint of the product asked about, and what of it the caller may see.

    Raises what ``Access.require``, ``Engine.about_product`` and ``Access.require_footprint`` do.
    """
    asked.access.require("product", asked.id, "footprint")
    answered = services().engine.about_product(asked.id, asked.question)
    solved, site = answered.solved, asked.site
    sight = asked.access.require_footprint(asked.id, solved, asked.question, site)
    return answered, product_footprint(solved, asked.id, answered.weights, site), sight


def park_books(park: str, question: Question, access: Access) -> Guarded:
    """The books of a park as far as the caller may read them.

    Raises what ``Access.require``, ``Engine.park`` and ``Access.require_tenants`` do.
    """
    access.require("park", park, "figure")
    books = services().engine.park(park, question)
    return Guarded(books, access, tenants=access.require_tenants(books, question))


def enterprise_books(enterprise: str, question: Question, access: Access) -> Guarded:
    """The books of an enterprise as far as the caller may read them.

    Raises what ``Access.require``, ``Engine.enterprise`` and ``Access.require_suppliers`` do.
    """
    access.require("enterprise", enterprise, "figure")
    books = services().engine.enterprise(enterprise, question)
    return Guarded(books, access, suppliers=access.require_suppliers(books, question))
