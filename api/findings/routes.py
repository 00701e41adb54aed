"""Findings: what is wrong with what was stated, told to each side in its own words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast
from uuid import UUID

from flask import Response

from api.access.access import is_further_cut
from api.figures.covered import may_be_told
from api.figures.parts import Answer, iso_day, told
from api.figures.routes import FIGURE_HEADERS, Asked
from api.findings.answers import bare, noticed_while_building, rows, worst_first
from api.findings.wire import FindingsQuery, FindingsSchema
from api.services import services
from api.web.blueprint import Blueprint
from graph.engine import MOVES_FIGURES, Answered, Books
from graph.errors import UnknownBoundary
from graph.soundness.evidence import Evidence, Scope
from graph.soundness.plausibility import findings, findings_for_auditors
from ledger.findings import Finding
from ledger.statements import Enterprise, Product

blueprint = Blueprint(
    "findings",
    __name__,
    url_prefix="/v1",
    description="What is wrong with what was stated, and what to do next.",
)


@blueprint.route("/products/<uuid:product>/findings", methods=["GET"])
@blueprint.query(FindingsQuery)
@blueprint.response(200, FindingsSchema, headers=FIGURE_HEADERS)
def of_product(query: dict[str, Any], product: UUID) -> Response:
    """Read what is wrong with what was stated of a product

    Its footprints, recipes and production, what buyers state of it, and its class. For the owner,
    auditors, and those it has disclosed the product's footprint to, each as far as its side may
    know: a supplier never learns a buyer's name or amounts from a finding.
    """
    asked = Asked.of("findings", product, query)
    asked.access.require("product", asked.id, "footprint")
    answered = services().engine.about_product(asked.id, asked.question)
    body = cast(Product, answered.standing.products[asked.id].statement.body)
    scope = Scope(frozenset({asked.id}))
    return _answer(asked, query, answered, "product", body.name, scope)


@blueprint.route("/enterprises/<uuid:enterprise>/findings", methods=["GET"])
@blueprint.query(FindingsQuery)
@blueprint.response(200, FindingsSchema, headers=FIGURE_HEADERS)
def of_enterprise(query: dict[str, Any], enterprise: UUID) -> Response:
    """Read what is wrong with what an enterprise stated

    All its products and sites. For the enterprise, auditors, and those it has disclosed its figure
    to; a finding about one product is told only to whoever may know what it is about.
    """
    asked = Asked.of("findings", enterprise, query)
    asked.access.require("enterprise", asked.id, "figure")
    answered = services().engine.answer(asked.question)
    said = answered.standing.enterprises.get(asked.id)
    if said is None:
        raise UnknownBoundary(kind="enterprise", id=asked.id)
    owned = {
        kind: frozenset(i for i, s in held.items() if s.owner == asked.id)
        for kind, held in (
            ("product", answered.standing.products),
            ("site", answered.standing.sites),
        )
    }
    name = cast(Enterprise, said.statement.body).name
    scope = Scope(owned["product"], owned["site"])
    return _answer(asked, query, answered, "enterprise", name, scope)


@blueprint.route("/parks/<uuid:park>/findings", methods=["GET"])
@blueprint.query(FindingsQuery)
@blueprint.response(200, FindingsSchema, headers=FIGURE_HEADERS)
def of_park(query: dict[str, Any], park: UUID) -> Response:
    """Read what is wrong with what was stated of a park

    Its fence, and what its member sites make and take in. For the park's enterprise, auditors, and
    those it has disclosed the park's figure to; what a tenant stated is told only to whoever may
    know it, so that a park's own enterprise reads of its fence and of disclosed footprints.
    """
    asked = Asked.of("findings", park, query)
    asked.access.require("park", asked.id, "figure")
    books = services().engine.park(asked.id, asked.question)
    network = books.answered.solved.network
    here = (i for place in books.places for i in network.nodes_at.get(place, ()))
    products = frozenset(filter(None, (network.nodes[i].product for i in here)))
    scope = Scope(products, frozenset(place.site for place in books.places))
    fence = _of_books(books, asked)
    return _answer(asked, query, books.answered, "park", books.name, scope, fence)


def _of_books(books: Books, asked: Asked) -> Iterator[Finding]:
    """What was noticed about the park's books, as far as its inventory tells it; nothing of sums
    over tenants at another position or as of a day, where the inventory would not be told."""
    access = asked.access
    tenants = access.tenants_of(books)
    protects = bool(tenants.guarded or tenants.unread)
    sums = (*books.market.findings, *books.ledgers.findings)
    for each in books.findings:
        is_cut = protects and is_further_cut(asked.question) and each in sums
        if not is_cut and may_be_told(each, books, access, tenants):
            yield each


def _answer(
    asked: Asked,
    query: dict[str, Any],
    answered: Answered,
    kind: str,
    name: str,
    scope: Scope,
    fence: Iterable[Finding] = (),
) -> Response:
    found = [*_told(asked, answered, scope), *(bare(told(each)) for each in fence)]
    severity = query.get("severity")
    document = {
        "kind": kind,
        "subject": {"id": asked.id, "name": name},
        "year": answered.year,
        "gwp": answered.gwp,
        "valid_on": iso_day(answered),
        "at": answered.at,
        "as_of": _as_of(answered),
        "findings": worst_first(found, severity),
    }
    return asked.answer(FindingsSchema, document, answered)


def _told(asked: Asked, answered: Answered, scope: Scope) -> Iterator[Answer]:
    evidence = Evidence.of(answered.standing, answered.solved, answered.weights, answered.valid_on)
    look = findings_for_auditors if asked.access.caller.is_auditor else findings
    yield from rows(look(evidence, scope), asked.access, earlier=is_further_cut(asked.question))
    nodes = {*evidence.nodes_of(scope), *_at_sites(evidence, scope)}
    yield from noticed_while_building(answered, sorted(nodes), asked.access)


def _at_sites(evidence: Evidence, scope: Scope) -> Iterator[int]:
    for i, node in enumerate(evidence.nodes):
        if node.place is not None and node.place.site in scope.sites:
            yield i


def _as_of(answered: Answered) -> int:
    """The last entry of a kind that rules look at: the answer may be called younger than it is."""
    return answered.standing.touched.last((*MOVES_FIGURES, "meter", "readings"))
