"""Procurement over HTTP: a product's figure by any of its names, comparisons, awards, drift."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Final, ParamSpec, cast

import sqlalchemy as sa
from flask import Response, jsonify, request
from flask_babel import get_locale

from api import tables
from api.access.access import Access
from api.auth import current_caller, identified_caller, needs_token
from api.caching import CHECKPOINT_HEADER, checkpoint_header, content_digest, figure_tag
from api.callers import Caller
from api.errors import NoKeyInCustody, StatementNotFound
from api.figures.parts import Answer
from api.figures.routes import FIGURE_HEADERS, question_of
from api.pact.shelf import shelf_of
from api.procurement.answers import award_row, comparison_answer, drift_answer, found_answer
from api.procurement.awards import drift, next_serial
from api.procurement.comparing import Bid, Comparison, Rendered, Terms, desk_of
from api.procurement.known import Known
from api.procurement.lookup import Wanted, resolve
from api.procurement.unsigned import Unsigned
from api.procurement.wire import (
    NAMED_BY,
    AwardsPageSchema,
    AwardsQuery,
    ComparisonQuerySchema,
    ComparisonSchema,
    DriftSchema,
    FoundFigureSchema,
    LookupQuery,
)
from api.services import Services, services
from api.statements.answers import readable
from api.submission.custody import custody_of
from api.web.blueprint import Blueprint
from api.web.bodies import body_flaw, loaded, read_body
from api.web.wire import NEXT_PAGE, iso_time, next_link
from graph.engine import Question
from ledger.standing import Said
from ledger.statements import Award, Money, OfferRule
from ledger.store import reading
from ledger.strict_json import JsonPath, loads

P = ParamSpec("P")

blueprint = Blueprint(
    "procurement",
    __name__,
    url_prefix="/v1",
    description="Figures for buyers: found by an identifier, compared, awarded, followed.",
)

LARGEST_BODY: Final = 4 * 1024 * 1024
_DAY_MS: Final = 86_400_000
_PASSING_MS: Final = 5_000
"""How long an answer is kept that something outside the log may change."""


# --- From an identifier to the figure ----------------------------------------------------------


def _kept(made: Callable[P, Rendered]) -> Callable[P, Response]:
    """Answer again what was answered to the same caller, in the same state of the log.

    Everything an answer depends on is in its key, or in the time it is kept: the size of the log
    (an append that moves the figure and a disclosure taken back are both entries), the day, who
    asks in which language, and the question as it was written. Refusals are not kept.
    """

    @wraps(made)
    def answered(*args: P.args, **kwargs: P.kwargs) -> Response:
        here, caller = services(), current_caller()
        now, size = here.clock(), here.engine.standing().size
        who = caller.role, caller.enterprise, str(get_locale())
        key, answers = (size, now // _DAY_MS, *who, request.query_string), desk_of(here).answers
        known = answers.get(key)
        if known and (known.until is None or now < known.until):
            return _response(known)
        answer = made(*args, **kwargs)
        # What was made while the log grew may be of either size.
        if here.engine.standing().size == size and answer.checkpoint.startswith(f"{size} "):
            answers.put(key, answer)
        return _response(answer)

    return answered


def _response(answer: Rendered) -> Response:
    """The document, or 304 where the reader's copy is the same."""
    if request.if_none_match.contains_weak(answer.tag):
        response = Response(status=HTTPStatus.NOT_MODIFIED)
    else:
        response = Response(answer.body, content_type="application/json")
    response.set_etag(answer.tag, weak=True)
    response.headers[CHECKPOINT_HEADER] = answer.checkpoint
    return response


@blueprint.route("/footprint", methods=["GET"])
@blueprint.response(200, FoundFigureSchema, headers=FIGURE_HEADERS)
@_kept
@blueprint.query(LookupQuery)
def lookup(query: dict[str, Any]) -> Rendered:
    """Find the footprint of a product by its identifier

    By its id, GTIN, CAS number or any URN it carries, in one answer that may be kept: the figure,
    how far off it may be, how old, how far verified, and where there is more. An identifier leads
    to a product of the supplier that is named; without one, to the sole claimant whose identifier
    the registrar has admitted. 409 names what it may mean otherwise. For whoever may read the
    footprint of the product.
    """
    here = services()
    wanted = Wanted.of(supplier=query.get("supplier"), **_names(query))
    answered = here.engine.answer(question_of(query, here.engine.standing()))
    access = Access(answered.standing, current_caller())
    product, site = resolve(desk_of(here).names, access, wanted), query.get("site")
    known = desk_of(here).figures.known(access, answered, product, site)
    pact, passing = _pact_id(here, known, access)
    document = found_answer(answered, known, access, site, pact)
    told = FoundFigureSchema().dump(document)
    return Rendered(
        body=jsonify(told).get_data(),
        tag=_tag(told, known.as_of, access),
        checkpoint=checkpoint_header(),
        until=here.clock() + _PASSING_MS if passing else None,
    )


def _names(query: dict[str, Any]) -> dict[str, str]:
    return {name: query[name] for name in NAMED_BY if name in query}


def _tag(told: dict[str, Any], as_of: int, access: Access) -> str:
    """All that is said counts, but for the size of the log that it was answered from."""
    asked = {"what": "lookup", "content": content_digest(told)}
    return figure_tag(as_of, asked, access.standing, access.caller, str(get_locale()))


def _pact_id(here: Services, known: Known, access: Access) -> tuple[str | None, bool]:
    """The id of the PACT footprint for a figure, and whether it may change without the log.

    That of a declaration is in it. What was computed is put on the shelf some time after it moved.
    """
    if known.statement is not None:
        return known.statement.footprint.pact.id, False
    shelf_of(here).follow(access.standing)
    shelved = tables.shelved.c
    latest = (
        sa.select(shelved.id)
        .where(
            shelved.product == known.product,
            shelved.kind == "computed",
            shelved.deprecated_at.is_(None),
            shelved.valid_until > here.clock(),
        )
        .order_by(shelved.serial.desc())
        .limit(1)
    )
    with reading(here.database) as connection:
        return connection.execute(latest).scalar_one_or_none(), True


# --- Comparisons -------------------------------------------------------------------------------

_COMPARED = {
    "required": True,
    "content": {"application/json": {"schema": ComparisonQuerySchema}},
}


@blueprint.route("/comparisons", methods=["POST"])
@needs_token
@blueprint.doc(requestBody=_COMPARED)
@blueprint.response(200, ComparisonSchema)
def compare() -> Answer:
    """Compare offers by their carbon

    In one unit, cradle to gate, of one time: value with its interval, coverage, age, what is
    verified, prices with carbon, and whether each passes a rule, with reasons. An offer that cannot
    be compared is refused by name and has no part in the order; one whose figure you may not read
    is `not-disclosed`. Answers with the award to be signed. With `log`, and a key that the operator
    holds for your enterprise, the award is signed and logged at once; the log takes only what
    follows from it.
    """
    asked, caller, here = _read(), identified_caller(), services()
    terms = _terms(asked)
    bids = [_bid(each, k) for k, each in enumerate(asked["offers"])]
    _require_labels(bids, asked.get("log"))
    compared = desk_of(here).compare(caller, terms, bids)
    root = desk_of(here).root(compared.answered.at)
    logged = _logged(here, caller, compared, root, asked["log"]) if "log" in asked else None
    return {**comparison_answer(compared, root), "logged": logged}


def _read() -> dict[str, Any]:
    """The body. Raises as ``api.web.bodies.read_body`` and ``loaded``."""
    body = loads(read_body(LARGEST_BODY, "application/json"), float_allowed=_in_footprint)
    return cast(dict[str, Any], loaded(ComparisonQuerySchema, body))


def _in_footprint(path: JsonPath) -> bool:
    """Data beyond PACT, in an object that a bidder sent, may have any numbers."""
    return len(path) > 2 and (path[0], path[2]) == ("offers", "footprint")


def _terms(asked: dict[str, Any]) -> Terms:
    question = question_of(asked, services().engine.standing())
    carbon = asked.get("carbon_price")
    return Terms(
        unit=asked["unit"],
        question=Question(question.year, question.gwp, None, question.valid_on),
        rule=asked.get("rule") or OfferRule(),
        order=asked["order"],
        carbon_price=Money(**carbon) if carbon else None,
    )


def _bid(asked: dict[str, Any], k: int) -> Bid:
    price, sent, names = asked.get("price"), asked.get("footprint"), _names(asked)
    return Bid(
        label=asked["label"],
        amount=asked["amount"],
        unit=asked["unit"],
        price=Money(**price) if price else None,
        wanted=Wanted.of(supplier=asked.get("supplier"), **names) if names else None,
        footprint=asked.get("pact_id"),
        unsigned=None if sent is None else Unsigned.of(sent, f"/offers/{k}/footprint"),
    )


def _require_labels(bids: list[Bid], log: dict[str, Any] | None) -> None:
    labels = [bid.label for bid in bids]
    if len(set(labels)) < len(labels):
        raise body_flaw("/offers", "Two offers have the same label.")
    if log and log.get("chosen") not in (None, *labels):
        raise body_flaw("/log/chosen", "The chosen offer is one of those compared.")


def _logged(
    here: Services, caller: Caller, compared: Comparison, root: bytes, log: dict[str, Any]
) -> Answer:
    """Sign and log the award in the caller's name. Raises as ``Custody.say``."""
    if caller.enterprise is None:
        raise NoKeyInCustody(enterprise=caller.role)
    buyer, reference = caller.enterprise, log["reference"]
    serial = log.get("serial") or next_serial(compared.answered.standing, buyer, reference)
    body = compared.award(root, reference=reference, serial=serial, chosen=log.get("chosen"))
    accepted = custody_of(here).say(buyer, body)
    receipt = here.log.receipt(accepted.index).encode().decode()
    place = {"index": accepted.index, "digest": accepted.digest}
    return {**place, "serial": serial, "receipt": receipt}


# --- Awards ------------------------------------------------------------------------------------


@blueprint.route("/awards", methods=["GET"])
@needs_token
@blueprint.query(AwardsQuery)
@blueprint.response(200, AwardsPageSchema, headers=NEXT_PAGE)
def awards(query: dict[str, Any]) -> Response:
    """List awards

    Those in force that you may read: your own, and all for auditors. In the log's order, page by
    page.
    """
    here, access = services(), Access(services().engine.standing(), identified_caller())
    limit, cursor = query["limit"], query.get("cursor", 0)
    found = sorted(
        (each for each in _awards(access) if each.index >= cursor and _is_of(each, query)),
        key=lambda each: each.index,
    )
    items = [
        award_row(each, cast(Award, each.statement.body), _time(here, each.index))
        for each in found[:limit]
    ]
    response = jsonify(AwardsPageSchema().dump({"items": items}))
    if len(found) > limit:
        response.headers.update(next_link(found[limit].index))
    return response


def _awards(access: Access) -> list[Said]:
    return [said for said in access.standing.statements(Award.TYPE) if access.may_read_said(said)]


def _is_of(said: Said, query: dict[str, Any]) -> bool:
    award = cast(Award, said.statement.body)
    return query.get("reference") in (None, award.reference)


def _time(here: Services, index: int) -> str:
    return iso_time(here.log.entry(index).leaf.time)


@blueprint.route("/awards/<string(length=64):digest>", methods=["GET"])
@needs_token
@blueprint.response(200, DriftSchema)
def award_drift(digest: str) -> Answer:
    """Read what has become of an award

    Every figure as it was pinned and as it stands, as you may read it now; whether the offer taken
    still passes the rule, and whether it would still come first. For its buyer and auditors.
    """
    here, caller = services(), identified_caller()
    entry = readable(digest)
    if not isinstance(body := entry.statement.body, Award):
        raise StatementNotFound(digest=digest)
    return {
        **drift_answer(drift(here, caller, body)),
        "index": entry.index,
        "digest": digest,
        "subject": entry.statement.subject,
        "time": iso_time(entry.leaf.time),
    }
