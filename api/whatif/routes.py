"""What if: figures of a log in which something else was said, or somebody is not trusted.

Nothing here is written, and nothing that is answered can be published: a hypothetical figure has no
prefix of the log, no entry it is as of, and no receipt.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

import marshmallow as ma

from api.access.access import Access
from api.auth import identified_caller, needs_token
from api.errors import NotDisclosed
from api.explanations.answers import kg_of
from api.figures.parts import Answer, name_of
from api.figures.routes import park_books
from api.services import services
from api.web.blueprint import Blueprint
from api.web.bodies import read_as
from api.whatif.hypotheses import (
    require_nothing_new,
    require_own_changes,
    require_own_question,
    require_said_by,
)
from api.whatif.wire import (
    HypothesisSchema,
    StressedSchema,
    StressSchema,
    WhatIfSchema,
    change_of,
)
from graph.differences.stress import (
    Rest,
    rests_on_enterprises,
    rests_on_keys,
    verified_shares,
    without_key,
    without_supplier,
    without_verifier,
)
from graph.differences.whatif import (
    Compared,
    Number,
    Supposed,
    compared,
    moved,
    suppose,
    supposition,
)
from graph.engine import Answered, Engine, Question
from graph.errors import NoDataForYear
from graph.tracing.explain import Trace, trace_boundary, trace_product
from ledger.errors import CatchmentError
from ledger.standing import Standing

blueprint = Blueprint(
    "whatif",
    __name__,
    url_prefix="/v1",
    description="What would follow if something else had been said. Nothing is written.",
)

LARGEST_BODY: Final = 1024 * 1024
_OWN_NUMBERS: Final = ("footprint", "scope1", "upstream", "t2")
"""What an enterprise is told: other numbers would be further sums over its suppliers."""


def _body(schema: type[ma.Schema]) -> Any:
    return {
        "required": True,
        "content": {"application/json": {"schema": schema}},
    }


@blueprint.route("/what-if", methods=["POST"])
@needs_token
@blueprint.doc(requestBody=_body(HypothesisSchema))
@blueprint.response(200, WhatIfSchema)
def what_if() -> Answer:
    """Ask what would follow

    A figure before and after some changes, and everything else that would move. Auditors may change
    anything; an enterprise only what it could state itself, and it is answered about its own
    products and its own figure, as far as the difference tells nothing about others that it may not
    read. Nothing is written.
    """
    asked = read_as(HypothesisSchema, LARGEST_BODY)
    engine, access = services().engine, _access()
    ((kind, entity),) = asked["figure"].items()
    changes = [change_of(each) for each in asked["changes"]]
    require_own_question(access, kind, entity)
    question = _question(access, asked)
    answered = engine.answer(question)
    require_own_changes(access, answered.standing, changes)
    supposed = suppose(answered.standing, changes)
    require_said_by(access, supposed)
    after = supposition(answered, supposed)
    return {
        **_compared_answer(access, engine, after, (kind, entity), question, answered),
        "statements": len(supposed.said),
    }


@blueprint.route("/stress", methods=["POST"])
@needs_token
@blueprint.doc(requestBody=_body(StressSchema))
@blueprint.response(200, StressedSchema)
def stress() -> Answer:
    """Ask what rests on whom

    Which figures would move without a key, a verifier or a supplier; and which keys and enterprises
    a figure rests on most. For auditors and the operator; what its own figure rests on also for a
    park's enterprise, where it may look into all of it.
    """
    asked = read_as(StressSchema, LARGEST_BODY)
    engine, access = services().engine, _access()
    about = next(iter(asked.get("figure", {}).items()), None)
    question = _question(access, asked)
    if not _sees_all(access):
        _require_own_park(access, question, about, "without" in asked)
    answered = engine.answer(question)
    without = asked.get("without")
    after = supposition(answered, _distrusting(answered.standing, without)) if without else None
    told: Answer = {"figure": None, "moved": [], "not_compared": 0, **_head(answered)}
    if after is not None:
        told = _compared_answer(access, engine, after, about, question, answered)
    return {
        **told,
        "verified": _verified(engine, after, about, question) if about and after else None,
        "rests_on": _rests_on(engine, about, question) if about else None,
    }


# --- Asking ----------------------------------------------------------------------------------


def _access() -> Access:
    return Access(services().engine.standing(), identified_caller())


def _sees_all(access: Access) -> bool:
    return access.caller.is_auditor or access.caller.role == "operator"


def _question(access: Access, asked: dict[str, Any]) -> Question:
    """The year is settled first: what is supposed must not move the question."""
    at = asked.get("at")
    question = Question(asked.get("year"), asked["gwp"], None if at == access.standing.size else at)
    year = services().engine.answer(question).year
    return Question(year, question.gwp, question.at)


def _distrusting(standing: Standing, without: dict[str, str]) -> Supposed:
    ((what, whom),) = without.items()
    match what:
        case "key":
            return Supposed(without_key(services().log, standing, whom))
        case "verifier":
            return Supposed(without_verifier(standing, whom))
        case _:
            return Supposed(without_supplier(standing, whom))


def _require_own_park(
    access: Access, question: Question, about: tuple[str, str] | None, tries: bool
) -> None:
    """A park's enterprise may ask what its figure rests on where nothing in it is closed to it."""
    if about is None or about[0] != "park" or tries:
        raise NotDisclosed(kind="stress", id=about[1] if about else "the log")
    guarded = park_books(about[1], question, access)
    tenants, own = guarded.tenants, access.standing.owner_of("park", about[1])
    protected = tenants is None or tenants.guarded or tenants.unread
    books = guarded.books
    trace = trace_boundary(books.answered.solved, books.places, books.answered.weights)
    outside = (int(i) for i in trace.nodes[trace.start == 0])
    closed = protected or not all(guarded.may_show_origin(i) for i in outside)
    if closed or access.caller.enterprise != own:
        raise NotDisclosed(kind="stress", id=about[1])


# --- Answering -------------------------------------------------------------------------------


def _head(answered: Answered) -> Answer:
    return {
        "hypothetical": True,
        "year": answered.year,
        "gwp": answered.gwp,
        "at": answered.at,
    }


def _compared_answer(
    access: Access,
    before: Engine,
    after: Engine,
    about: tuple[str, str] | None,
    question: Question,
    answered: Answered,
) -> Answer:
    """The figure asked about, and all that moved, as far as the caller may know it.

    Raises NoDataForYear where there is no such figure before or after.
    """
    figure = None
    if about is not None:
        if not _sees_all(access):
            require_nothing_new(access, before, after, *about, question)
        figure = compared(before, after, *about, question)
        if figure is None:
            raise NoDataForYear(year=answered.year)
    found, left = moved(before, after, question)
    shown = found if _sees_all(access) else _own(access, before, after, found, question)
    return {
        **_head(answered),
        "figure": figure and _compared(access, figure),
        "moved": [_compared(access, each) for each in shown],
        "not_compared": left if _sees_all(access) else 0,
    }


def _own(
    access: Access,
    before: Engine,
    after: Engine,
    found: Iterable[Compared],
    question: Question,
) -> list[Compared]:
    """The caller's own figures whose difference tells nothing about others."""
    shown = []
    for each in found:
        with suppress(CatchmentError):
            require_own_question(access, each.kind, each.id)
            require_nothing_new(access, before, after, each.kind, each.id, question)
            shown.append(each)
    return shown


def _compared(access: Access, figure: Compared) -> Answer:
    numbers = [
        _number(number)
        for number in figure.numbers
        if _sees_all(access) or number.name in _OWN_NUMBERS
    ]
    return {"kind": figure.kind, "id": figure.id, "name": figure.name, "numbers": numbers}


def _number(number: Number) -> Answer:
    stand = {"before": number.before, "after": number.after}
    return {
        "name": number.name,
        "difference": number.difference,
        **{
            when: amount and {"at_least": amount.at_least, "value": amount.value}
            for when, amount in stand.items()
        },
    }


def _verified(
    before: Engine, after: Engine, about: tuple[str, str], question: Question
) -> list[Answer]:
    was, then = (verified_shares(engine, *about, question) for engine in (before, after))
    return [
        {"level": str(level), "before": share, "after": then.get(level, 0.0)}
        for level, share in was.items()
    ]


def _rests_on(engine: Engine, about: tuple[str, str], question: Question) -> Answer:
    trace, standing = _trace(engine, *about, question), engine.answer(question).standing
    keys = [
        {"key": rest.of, "statements": rest.statements, **_rest(standing, trace, rest)}
        for rest in rests_on_keys(trace, standing)
    ]
    enterprises = [_rest(standing, trace, rest) for rest in rests_on_enterprises(trace)]
    return {"keys": keys, "enterprises": enterprises}


def _rest(standing: Standing, trace: Trace, rest: Rest) -> Answer:
    named = {"id": rest.owner, "name": name_of(standing, rest.owner) or rest.owner}
    return {"enterprise": named, **kg_of(rest.kg, trace.figure)}


def _trace(engine: Engine, kind: str, entity: str, question: Question) -> Trace:
    if kind == "product":
        answered = engine.about_product(entity, question)
        return trace_product(answered.solved, entity, answered.weights)
    books = (engine.park if kind == "park" else engine.enterprise)(entity, question)
    return trace_boundary(books.answered.solved, books.places, books.answered.weights)
