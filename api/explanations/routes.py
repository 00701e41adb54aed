"""Figures taken apart: contributors, paths, levers, loops.

Whoever may read what a product's footprint consists of may have it split in any of these ways, as
far upstream as it may look. A boundary is taken apart for the enterprise whose it is, and for
auditors.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
from flask import Response

from api.access.rule_of_three import allows
from api.auth import identified_caller, needs_token
from api.errors import FewerThanThree, NotDisclosed
from api.explanations.answers import (
    LESS,
    Shown,
    explanation_of,
    kg_of,
    levers_answer,
    loop_rows,
    paths_of,
)
from api.explanations.wire import (
    BoundaryExplanationQuery,
    EnterpriseExplanationSchema,
    EnterpriseLeversSchema,
    ExplanationQuery,
    LeversQuery,
    LoopsQuery,
    LoopsSchema,
    ParkExplanationSchema,
    ParkLeversSchema,
    PathsQuery,
    PathsSchema,
    ProductExplanationSchema,
)
from api.figures.boundaries import Guarded
from api.figures.parts import Answer, head
from api.figures.products import BOUNDARY
from api.figures.routes import FIGURE_HEADERS, Asked, enterprise_books, park_books
from api.services import services
from api.web.blueprint import Blueprint
from graph.engine import Answered, Books, Question
from graph.figures.footprint import mix_of
from graph.tracing.cycles import loops_of
from graph.tracing.explain import Trace, trace_boundary, trace_product
from graph.tracing.frontier import View, view_from

blueprint = Blueprint(
    "explanations",
    __name__,
    url_prefix="/v1",
    description="What figures consist of, and what would move them.",
)

FENCE = "fence"
"""The boundary of the figure that is taken apart, as its head says."""


# --- Products --------------------------------------------------------------------------------


@blueprint.route("/products/<uuid:product>/explanation", methods=["GET"])
@blueprint.query(ExplanationQuery)
@blueprint.response(200, ProductExplanationSchema, headers=FIGURE_HEADERS)
def explanation(query: dict[str, Any], product: UUID) -> Response:
    """Take the footprint of a product apart

    By origin, tier, site, enterprise, gas or category; the rows, the rest and what is not disclosed
    sum to the figure. For the owner, auditors, and those it has disclosed the product's
    contributions to.
    """
    asked = Asked.of("explanation", product, query)
    answered, shown = _product(asked)
    parts = explanation_of(shown, query["by"], query["most"])
    document = {**_about_product(asked, answered, shown.trace), **parts}
    return asked.answer(ProductExplanationSchema, document, answered)


@blueprint.route("/products/<uuid:product>/paths", methods=["GET"])
@blueprint.query(PathsQuery)
@blueprint.response(200, PathsSchema, headers=FIGURE_HEADERS)
def paths(query: dict[str, Any], product: UUID) -> Response:
    """Read the largest paths of a product's footprint

    The chains of supply over which most of it came, each as far as the caller may look, and what
    all others come to. For the owner, auditors, and those it has disclosed the product's
    contributions to.
    """
    asked = Asked.of("paths", product, query)
    answered, shown = _product(asked)
    document = {**_about_product(asked, answered, shown.trace), **paths_of(shown, query["most"])}
    return asked.answer(PathsSchema, document, answered)


def _product(asked: Asked) -> tuple[Answered, Shown]:
    """The figure of a product traced as far as the caller may look.

    Raises as the contributions do.
    """
    access = asked.access
    access.require("product", asked.id, "contributions")
    answered = services().engine.about_product(asked.id, asked.question)
    solved, weights, site = answered.solved, answered.weights, asked.site
    if access.caller.is_auditor:
        trace = trace_product(solved, asked.id, weights, site)
        return answered, Shown(trace, frozenset(), answered.standing, access)
    sight = access.require_contributions(asked.id, solved, asked.question, site)
    trace = trace_product(solved, asked.id, weights, site, sight.view)
    return answered, Shown(trace, frozenset(sight.hidden), answered.standing, access)


def _about_product(asked: Asked, answered: Answered, trace: Trace) -> Answer:
    network = answered.solved.network
    made = network.nodes_of[asked.id]
    first = network.nodes[made[0]]
    nodes, _ = mix_of(answered.solved, asked.id, asked.site)
    sites = {place.site for i in made if (place := network.nodes[i].place)}
    return {
        "product": {"id": asked.id, "name": first.name, "unit": first.unit},
        "unit": f"kg CO2e per {first.unit}",
        **head(answered, int(answered.solved.as_of[nodes].max()), BOUNDARY),
        "on_behalf": not answered.spoken_for.isdisjoint({asked.id} | sites),
    }


# --- Boundaries ------------------------------------------------------------------------------


@blueprint.route("/parks/<uuid:park>/explanation", methods=["GET"])
@blueprint.query(BoundaryExplanationQuery)
@blueprint.response(200, ParkExplanationSchema, headers=FIGURE_HEADERS)
def park_explanation(query: dict[str, Any], park: UUID) -> Response:
    """Take the figure of a park apart

    T2 by origin, tier, site, enterprise, gas or category. For the park's enterprise, where its
    tenants have agreed to small aggregates, and auditors.
    """
    asked = Asked.of("explanation", park, query)
    guarded = park_books(asked.id, asked.question, asked.access)
    shown = _boundary(guarded)
    document = {
        **_about_boundary(guarded.books),
        **explanation_of(shown, query["by"], query["most"]),
    }
    return asked.answer(ParkExplanationSchema, document, guarded.books.answered)


@blueprint.route("/enterprises/<uuid:enterprise>/explanation", methods=["GET"])
@blueprint.query(BoundaryExplanationQuery)
@blueprint.response(200, EnterpriseExplanationSchema, headers=FIGURE_HEADERS)
def enterprise_explanation(query: dict[str, Any], enterprise: UUID) -> Response:
    """Take the figure of an enterprise apart

    T2 by origin, tier, site, enterprise, gas or category. For the enterprise and auditors.
    """
    asked = Asked.of("explanation", enterprise, query)
    guarded = enterprise_books(asked.id, asked.question, asked.access)
    shown = _boundary(guarded)
    document = {
        **_about_boundary(guarded.books),
        **explanation_of(shown, query["by"], query["most"]),
    }
    return asked.answer(EnterpriseExplanationSchema, document, guarded.books.answered)


@blueprint.route("/parks/<uuid:park>/levers", methods=["GET"])
@blueprint.query(LeversQuery)
@blueprint.response(200, ParkLeversSchema, headers=FIGURE_HEADERS)
def park_levers(query: dict[str, Any], park: UUID) -> Response:
    """Read what would move the figure of a park

    What a tenth less does to T2: bought of a product across the fence, of an energy carrier,
    emitted at a site inside or at an origin outside, or taken in of a product by anybody. For the
    park's enterprise, where its tenants have agreed to small aggregates, and auditors.
    """
    asked = Asked.of("levers", park, query)
    guarded = park_books(asked.id, asked.question, asked.access)
    document = _levers(guarded, query["most"])
    return asked.answer(ParkLeversSchema, document, guarded.books.answered)


@blueprint.route("/enterprises/<uuid:enterprise>/levers", methods=["GET"])
@blueprint.query(LeversQuery)
@blueprint.response(200, EnterpriseLeversSchema, headers=FIGURE_HEADERS)
def enterprise_levers(query: dict[str, Any], enterprise: UUID) -> Response:
    """Read what would move the figure of an enterprise

    As of a park. For the enterprise and auditors.
    """
    asked = Asked.of("levers", enterprise, query)
    guarded = enterprise_books(asked.id, asked.question, asked.access)
    document = _levers(guarded, query["most"])
    return asked.answer(EnterpriseLeversSchema, document, guarded.books.answered)


def _boundary(guarded: Guarded) -> Shown:
    """T2 traced as far as the caller may look. Raises NotDisclosed and FewerThanThree."""
    trace, books, access = _whole(guarded), guarded.books, guarded.access
    if access.caller.is_auditor:
        return Shown(trace, frozenset(), books.answered.standing, access)
    _require_own(guarded)
    network = books.answered.solved.network
    inside = set(map(int, trace.nodes[trace.start != 0]))
    seen = view_from(network, inside, lambda i: _looks_into(guarded, i))
    trace = trace_boundary(
        books.answered.solved, books.places, books.answered.weights, _outside(trace, seen)
    )
    hidden = _hidden(guarded, trace, inside)
    owners = {network.nodes[i].owner for i in hidden - inside}
    if not allows(len(owners)):
        raise FewerThanThree
    return Shown(trace, hidden, books.answered.standing, access)


def _whole(guarded: Guarded) -> Trace:
    answered = guarded.books.answered
    return trace_boundary(answered.solved, guarded.books.places, answered.weights)


def _outside(trace: Trace, seen: View) -> View:
    """The view without what the boundary does not draw on."""
    parts = (part[np.isin(part, trace.nodes)] for part in (seen.open, seen.frontier))
    return View(*parts)


def _require_own(guarded: Guarded) -> None:
    """Whether the figure is the caller's own, and no tenant must be protected from it."""
    books, access = guarded.books, guarded.access
    owner = books.id if guarded.tenants is None else access.standing.owner_of("park", books.id)
    if access.caller.enterprise is None or access.caller.enterprise != owner:
        raise NotDisclosed(kind="contributions", id=books.id)
    if guarded.tenants is not None and guarded.tenants.guarded:
        raise NotDisclosed(kind="contributions", id=books.id)


def _looks_into(guarded: Guarded, i: int) -> bool:
    return guarded.access.may_know_inputs_of(guarded.books.answered.solved.network.nodes[i])


def _hidden(guarded: Guarded, trace: Trace, inside: set[int]) -> frozenset[int]:
    """Nodes that have no row of their own: tenants whose inventories are not read, and outside all
    that may not stand alone."""
    nodes = trace.network.nodes
    unread = guarded.tenants.unread if guarded.tenants else frozenset()
    apart = {int(i) for i in trace.nodes if int(i) not in inside}
    return frozenset(
        {i for i in apart if not guarded.may_show_origin(i)}
        | {i for i in inside if nodes[i].owner in unread}
    )


def _levers(guarded: Guarded, most: int) -> Answer:
    trace, books, access = _whole(guarded), guarded.books, guarded.access
    hidden: frozenset[int] = frozenset()
    if not access.caller.is_auditor:
        _require_own(guarded)
        hidden = _hidden(guarded, trace, set(map(int, trace.nodes[trace.start != 0])))
    shown = Shown(trace, hidden, books.answered.standing, access)
    return {
        **_about_boundary(books),
        "less": LESS,
        "t2": kg_of(trace.figure, trace.figure),
        "levers": levers_answer(shown, most),
    }


def _about_boundary(books: Books) -> Answer:
    nodes = books.answered.solved.network.nodes
    sites = {place.site for place in books.places}
    nodes_at = books.answered.solved.network.nodes_at
    inside = (i for place in books.places for i in nodes_at.get(place, ()))
    products = {product for i in inside if (product := nodes[i].product)}
    return {
        books.kind: {"id": books.id, "name": books.name},
        "unit": "kg CO2e",
        **head(books.answered, books.as_of, FENCE),
        "on_behalf": not books.answered.spoken_for.isdisjoint(sites | products),
    }


# --- Loops -----------------------------------------------------------------------------------


@blueprint.route("/loops", methods=["GET"])
@needs_token
@blueprint.query(LoopsQuery)
@blueprint.response(200, LoopsSchema, headers=FIGURE_HEADERS)
def loops(query: dict[str, Any]) -> Response:
    """Read the loops of a year

    Products that feed one another, with their gain, and how much of one product's, park's or
    enterprise's figure passes through each. For auditors; the operator reads the loops alone.
    """
    caller = identified_caller()
    named = [kind for kind in ("product", "park", "enterprise") if query.get(kind)]
    if not (caller.is_auditor or (caller.role == "operator" and not named)):
        raise NotDisclosed(kind="loops", id=query.get(named[0]) if named else "the log")
    asked = Asked.of("loops", UUID(query[named[0]]) if named else UUID(int=0), query)
    answered = services().engine.answer(asked.question)
    trace = _named_trace(named[0], asked.id, asked.question) if named else None
    found = loops_of(answered.solved)
    nodes, standing = answered.solved.network.nodes, answered.standing
    document = {
        **head(answered, int(answered.solved.as_of.max(initial=0)), BOUNDARY),
        "on_behalf": False,
        "loops": list(loop_rows(found[: query["most"]], standing, nodes, trace)),
        "count": len(found),
    }
    return asked.answer(LoopsSchema, document, answered)


def _named_trace(kind: str, entity: str, question: Question) -> Trace:
    """The figure whose share passes through loops. Raises as the figure does."""
    engine = services().engine
    if kind == "product":
        answered = engine.about_product(entity, question)
        return trace_product(answered.solved, entity, answered.weights)
    books = (engine.park if kind == "park" else engine.enterprise)(entity, question)
    return trace_boundary(books.answered.solved, books.places, books.answered.weights)
