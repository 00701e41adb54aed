"""The carbon account of an enterprise or a park: opening, movements by cause, closing, advice.

It says why a figure moved, which is finer than the figure: so it is for whoever the figure is of,
and for auditors. What of it must not be told apart is one movement (``api.account.answers``).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, cast
from uuid import UUID

import marshmallow as ma
from flask import Response

from api.access.access import Access
from api.account.answers import Pair, Told, account_answer, is_hidden
from api.account.wire import AccountQuery, EnterpriseAccountSchema, ParkAccountSchema
from api.errors import NotDisclosed
from api.figures.boundaries import Guarded
from api.figures.routes import FIGURE_HEADERS, Asked, enterprise_books, park_books
from api.services import services
from api.web.blueprint import Blueprint
from graph.books.account_rows import side_of
from graph.books.advice import advice, parks_of
from graph.books.carbon_account import carbon_account, published_before, years_of
from graph.engine import Books, Question
from ledger.errors import CatchmentError
from ledger.standing import Said
from ledger.statements import Figure

blueprint = Blueprint(
    "account",
    __name__,
    url_prefix="/v1",
    description="Carbon accounts: what a figure was, why it moved, what it is, and what to do.",
)

_BOOKS: Final = {"park": park_books, "enterprise": enterprise_books}


@blueprint.route("/enterprises/<uuid:enterprise>/account", methods=["GET"])
@blueprint.query(AccountQuery)
@blueprint.response(200, EnterpriseAccountSchema, headers=FIGURE_HEADERS)
def of_enterprise(query: dict[str, Any], enterprise: UUID) -> Response:
    """Read the carbon account of an enterprise

    T2 of an earlier year, as it was published, what moved it since, by cause and by what is behind
    it, and T2 of the year; the same by scope, by product and per value of output; and the largest
    levers, with what they do to the own figure and to that of its parks. For the enterprise and
    auditors.
    """
    return _account("enterprise", enterprise, query, EnterpriseAccountSchema)


@blueprint.route("/parks/<uuid:park>/account", methods=["GET"])
@blueprint.query(AccountQuery)
@blueprint.response(200, ParkAccountSchema, headers=FIGURE_HEADERS)
def of_park(query: dict[str, Any], park: UUID) -> Response:
    """Read the carbon account of a park

    As of an enterprise. For the park's enterprise, where its tenants have agreed to small
    aggregates, and auditors.
    """
    return _account("park", park, query, ParkAccountSchema)


def _account(kind: str, asked_of: UUID, query: dict[str, Any], schema: type[ma.Schema]) -> Response:
    asked = Asked.of("account", asked_of, query)
    told = told_of(kind, asked, query.get("since"))
    return asked.answer(schema, account_answer(told), told.pair.after.books.answered)


def told_of(kind: str, asked: Asked, since: int | None = None) -> Told:
    """The account since a year, by default the year before, as far as the caller may read it.

    Raises as figures do, TokenMissing, NotDisclosed and FewerThanThree.
    """
    asked.access.require(kind, asked.id, "figure")
    asked.access.require_token()
    first, last = years_of(services().engine, asked.question, since)
    after = _guarded(kind, asked, last)
    pair = Pair(_guarded(kind, asked, first), after)
    pair.require_three()
    published = published_before(pair.after.books.answered.standing, pair.before.books)
    account = carbon_account(
        pair.before.books, pair.after.books, published, _then(pair, published), pair.hides
    )
    books = pair.after.books
    parks = parks_of(books)
    given = advice(books, pair.sides[1], parks, pair.hidden_rows)
    readable = {park: _may_read(asked.access, park, asked.question, last) for park in parks}
    question = replace(asked.question, year=last)
    as_of = max((services().engine.park(park, question).as_of for park in parks), default=-1)
    return Told(account, pair, asked.question, given, readable, as_of)


def _guarded(kind: str, asked: Asked, year: int) -> Guarded:
    """The books of a year, for whoever they are of. Raises as figures do, and NotDisclosed."""
    question = replace(asked.question, year=year)
    guarded = _BOOKS[kind](asked.id, question, asked.access)
    _require_own(guarded)
    return guarded


def _require_own(guarded: Guarded) -> None:
    """Whether the figure is the caller's own, and no tenant must be protected from it.

    Raises NotDisclosed.
    """
    books, access = guarded.books, guarded.access
    if access.caller.is_auditor:
        return
    owner = books.id if books.kind == "enterprise" else access.standing.owner_of("park", books.id)
    protects = guarded.tenants is not None and guarded.tenants.guarded
    if access.caller.enterprise is None or access.caller.enterprise != owner or protects:
        raise NotDisclosed(kind="account", id=books.id)


def _then(pair: Pair, published: Said | None) -> Books | None:
    """The books that were published, where their parts may be told; the numbers are anyway.

    Nothing undisclosed may be in them or in the account: at another position of the log it would
    be told apart from what it is today.
    """
    if published is None or pair.hidden:
        return None
    figure, books = cast(Figure, published.statement.body), pair.before.books
    question = Question(figure.year, figure.gwp, figure.at.size)
    with suppress(CatchmentError):
        guarded = _BOOKS[books.kind](books.id, question, pair.access)
        if not any(is_hidden(guarded, row) for row in side_of(guarded.books).rows):
            return guarded.books
    return None


def _may_read(access: Access, park: str, question: Question, year: int) -> bool:
    with suppress(CatchmentError):
        park_books(park, replace(question, year=year), access)
        return True
    return False
