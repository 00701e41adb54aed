"""Requests for footprints within this log: to ask, to answer, and to see how far it has come."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from uuid import UUID

import marshmallow as ma

from api.access.access import Access
from api.asking.answers import Teller
from api.asking.limits import DAY_MS, DUE_DAYS
from api.asking.requests import Asking, Requests, requests_of
from api.asking.rows import Request
from api.asking.whom import Given, Suppliers, Wanted, by_criteria, suppliers_of
from api.asking.wire import (
    AnswerRequestSchema,
    AskedForSchema,
    AskingSchema,
    AskSchema,
    BoxQuery,
    CriteriaSchema,
    DeclineSchema,
    FootprintRequestSchema,
    PassOnSchema,
    RequestPageSchema,
)
from api.auth import identified_caller, needs_token
from api.errors import (
    AskingForEnterprises,
    AskingUnknown,
    DueRefused,
    NobodyToAsk,
    NotDisclosed,
    RequestEnded,
)
from api.figures.parts import Answer
from api.pact.criteria import Criteria
from api.services import services
from api.web.blueprint import Blueprint
from api.web.bodies import body_flaw, read_as
from api.web.wire import NEXT_PAGE, next_link
from graph.engine import Question
from graph.errors import UnknownProduct

blueprint = Blueprint(
    "requests",
    __name__,
    url_prefix="/v1",
    description="Requests for footprints: asked, answered, declined, and passed on.",
)

LARGEST_BODY: Final = 512 * 1024
MOST_DAYS: Final = 366

Page: TypeAlias = tuple[dict[str, Any], HTTPStatus, dict[str, str]]


def _body(schema: type[ma.Schema]) -> Any:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


@blueprint.route("/requests", methods=["POST"])
@needs_token
@blueprint.doc(requestBody=_body(AskSchema))
@blueprint.response(201, AskedForSchema)
def ask() -> Answer:
    """Ask for footprints

    One request is made per supplier and product: to the maker of a product, to every supplier of a
    product of yours whose footprint you lack, or to the makers of what fits criteria. Footprints
    that you may read already answer at once. Companies of a registered partner are asked by a PACT
    event. The same open request again is the same request. For tokens that speak for an enterprise.
    """
    buyer, asked = _enterprise(), read_as(AskSchema, LARGEST_BODY)
    suppliers = _wanted(buyer, asked)
    comment, due_at = asked["comment"], _due_at(asked.get("due"))
    return _made(Asking(buyer, suppliers.wanted, due_at, comment), suppliers.unnamed)


@blueprint.route("/requests", methods=["GET"])
@needs_token
@blueprint.query(BoxQuery)
@blueprint.response(200, RequestPageSchema, headers=NEXT_PAGE)
def requests(query: dict[str, Any]) -> Page:
    """List requests

    What you were asked, with what to do next, or what you have asked; the newest first. Requests
    between others are not listed.
    """
    enterprise = _enterprise()
    list_ = _store().sent if query["box"] == "sent" else _store().inbox
    limit = query["limit"]
    found = list_(enterprise, state=query.get("state"), before=query.get("cursor"), limit=limit + 1)
    shown = found[:limit]
    more = next_link(shown[-1].serial) if len(found) > limit else {}
    teller = Teller(services(), enterprise)
    items = [teller.request(each) for each in shown]
    return {"items": items, **teller.page(shown)}, HTTPStatus.OK, more


@blueprint.route("/requests/<uuid:request>", methods=["GET"])
@needs_token
@blueprint.response(200, FootprintRequestSchema)
def request(request: UUID) -> Answer:
    """Read a request

    One that is between others answers as one that is not there.
    """
    enterprise = _enterprise()
    return _told(_store().of_either(str(request), enterprise))


@blueprint.route("/requests/<uuid:request>/answer", methods=["POST"])
@needs_token
@blueprint.doc(requestBody=_body(AnswerRequestSchema))
@blueprint.response(200, FootprintRequestSchema)
def answer(request: UUID) -> Answer:
    """Answer a request with footprints

    Each must be yours, fit what is asked for, be in force, and be open to the buyer: the refusal of
    one that is not holds the disclosure to sign. Footprints that fit answer by themselves as soon
    as the buyer may read them.
    """
    asked = _asked_of_me(request)
    _store().answer(asked, read_as(AnswerRequestSchema, LARGEST_BODY)["footprints"])
    return _again(asked)


@blueprint.route("/requests/<uuid:request>/decline", methods=["POST"])
@needs_token
@blueprint.doc(requestBody=_body(DeclineSchema))
@blueprint.response(200, FootprintRequestSchema)
def decline(request: UUID) -> Answer:
    """Decline a request, saying why"""
    asked = _asked_of_me(request)
    _store().decline(asked, read_as(DeclineSchema, LARGEST_BODY)["reason"])
    return _again(asked)


@blueprint.route("/requests/<uuid:request>/pass-on", methods=["POST"])
@needs_token
@blueprint.doc(requestBody=_body(PassOnSchema))
@blueprint.response(201, AskedForSchema)
def pass_on(request: UUID) -> Answer:
    """Ask your own suppliers on account of a request

    Every supplier of the product asked for whose footprint you lack is asked in your name. The
    buyer is told how many were asked and have answered, not who they are.
    """
    asked, body = _asked_of_me(request), read_as(PassOnSchema, LARGEST_BODY)
    if not asked.may_be_answered:
        raise RequestEnded(request=asked.id)
    product = asked.product or body.get("product")
    if body.get("product", product) != product:
        raise body_flaw("/product", "The request names a product itself: leave this out.")
    if product is None:
        raise NobodyToAsk(reason="the request names no product, and neither do you")
    suppliers = _of_own(str(asked.supplier), product, body.get("year"), {})
    due_at = _due_at(body.get("due"), asked.due_at)
    comment = body["comment"]
    passed_on = Asking(str(asked.supplier), suppliers.wanted, due_at, comment, asked.id)
    return _made(passed_on, suppliers.unnamed)


@blueprint.route("/askings/<uuid:asking>", methods=["GET"])
@needs_token
@blueprint.response(200, AskingSchema)
def asking(asking: UUID) -> Answer:
    """Read how far an asking has come

    How many of those you asked have answered, and over the chain how many of those they asked on
    your account: of these only counts are told.
    """
    enterprise = _enterprise()
    found = _store().asked(str(asking), enterprise)
    if not found:
        raise AskingUnknown(asking=str(asking))
    return Teller(services(), enterprise).asking(str(asking), found)


# --- Asking ----------------------------------------------------------------------------------


def _wanted(buyer: str, asked: dict[str, Any]) -> Suppliers:
    """Who is asked for what. Raises UnknownProduct, NotDisclosed, NobodyToAsk, CriterionRefused."""
    given = _given(asked["criteria"])
    Criteria.of(given)
    if asked["suppliers_of"]:
        return _of_own(buyer, asked["product"], asked.get("year"), given)
    standing = services().engine.standing()
    if "product" in asked:
        owner = standing.owner_of("product", asked["product"])
        if owner is None:
            raise UnknownProduct(product=asked["product"])
        found = [Wanted(owner, asked["product"], given)]
    else:
        found = list(by_criteria(standing, given))
    others = tuple(each for each in found if each.supplier != buyer)
    if not found:
        raise NobodyToAsk(reason="nothing is registered that fits what is asked for")
    if not others:
        raise NobodyToAsk(reason="what is asked for is your own")
    return Suppliers(others, 0)


def _of_own(buyer: str, product: str, year: int | None, given: Given) -> Suppliers:
    """Whose footprints are lacking for a product of the caller's own."""
    engine = services().engine
    access = Access(engine.standing(), identified_caller())
    owner = access.standing.owner_of("product", product)
    if owner is None:
        raise UnknownProduct(product=product)
    if owner != buyer:
        raise NotDisclosed(kind="recipe", id=product)
    network = engine.answer(Question(year)).solved.network
    found = suppliers_of(access, network, product, buyer)
    if not found.wanted:
        raise NobodyToAsk(reason="no footprint is lacking of a supplier that is registered")
    wanted = (
        Wanted(each.supplier, each.product, {**given, **each.criteria}) for each in found.wanted
    )
    return Suppliers(tuple(wanted), found.unnamed)


def _given(criteria: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Criteria under PACT's names."""
    names = CriteriaSchema().fields
    return {str(names[name].data_key): tuple(values) for name, values in criteria.items()}


def _due_at(day: dt.date | None, otherwise: int | None = None) -> int:
    """The end of the day an answer is due on. Raises DueRefused."""
    now = services().clock()
    if day is None:
        return otherwise if otherwise and otherwise > now else now + DUE_DAYS * DAY_MS
    today = dt.datetime.fromtimestamp(now / 1000, dt.UTC).date()
    if not 0 <= (day - today).days <= MOST_DAYS:
        raise DueRefused(due=day.isoformat(), days=MOST_DAYS)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)
    return round(end.timestamp() * 1000)


def _made(asking: Asking, unnamed: int) -> Answer:
    found = _store().ask(asking)
    teller = Teller(services(), asking.buyer)
    newest = max(found, key=lambda each: each.serial)
    return {
        "asking": newest.asking,
        "requests": [teller.request(each) for each in found],
        "unnamed": unnamed,
    }


# --- In common -------------------------------------------------------------------------------


def _store() -> Requests:
    return requests_of(services())


def _enterprise() -> str:
    """For which enterprise the caller asks and answers. Raises AskingForEnterprises."""
    caller = identified_caller()
    if caller.enterprise is None or caller.is_auditor:
        raise AskingForEnterprises
    return caller.enterprise


def _asked_of_me(request: UUID) -> Request:
    return _store().of_supplier(str(request), _enterprise())


def _again(request: Request) -> Answer:
    """A request as it is now."""
    return _told(_store().of_supplier(request.id, str(request.supplier)))


def _told(request: Request) -> Answer:
    return Teller(services(), _enterprise()).request(request)
