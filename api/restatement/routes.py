"""A base year of a park, restated with a later fence."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Response

from api.access.access import Access
from api.errors import DayNotDisclosed, FenceOutsideYear, NotDisclosed
from api.figures.boundaries import Guarded
from api.figures.routes import FIGURE_HEADERS, Asked, park_books
from api.restatement.answers import Told
from api.restatement.restated import Restated
from api.restatement.wire import RestatementQuery, RestatementSchema
from api.services import services
from api.web.blueprint import Blueprint
from graph.books.restatement import PARK, last_day, restated_books, restatement
from graph.engine import Question
from graph.errors import NoDataForYear

blueprint = Blueprint(
    "restatement",
    __name__,
    url_prefix="/v1",
    description="Years of a park with one fence: who joined, who left, what that does to figures.",
)


@blueprint.route("/parks/<uuid:park>/restatement", methods=["GET"])
@blueprint.query(RestatementQuery)
@blueprint.response(200, RestatementSchema, headers=FIGURE_HEADERS)
def of_park(query: dict[str, Any], park: UUID) -> Response:
    """Restate the base year of a park

    The base year as it was and with the members of a later year, that year both ways too, and the
    steps between: what left, what joined, what became of the rest. For the park's enterprise and
    auditors. Others than auditors are told nothing where a step, or a fence of another year, would
    tell of one or two tenants that have not agreed to it, and what a single site adds only where
    nobody is protected.
    """
    asked = Asked.of("restatement", park, query)
    now = _now(asked)
    question = replace(asked.question, year=now.books.answered.year)
    day = _fence_day(query.get("fence_on"), now.books.answered.year, asked.access)
    found = restatement(services().engine, asked.id, query["base"], question, day)
    earlier = replace(question, year=found.base.year)
    base, later = (_restated(asked, each, now, found.day) for each in (earlier, question))
    shown = [now, *_was(asked, earlier, base), *_guarded(earlier, base)]
    shown += _guarded(question, later)
    tells_filled = all(each.tells_filled for each in shown)
    document = Told(found, base.protected, tells_filled).answer()
    return asked.answer(RestatementSchema, document, found.year)


def _now(asked: Asked) -> Guarded:
    """The later year, for whoever runs the park.

    Raises as ``park_books``, TokenMissing and NotDisclosed.
    """
    asked.access.require(PARK, asked.id, "figure")
    asked.access.require_token()
    now = park_books(asked.id, asked.question, asked.access)
    caller, owner = asked.access.caller, asked.access.standing.owner_of(PARK, asked.id)
    if not (caller.is_auditor or caller.enterprise == owner):
        raise NotDisclosed(kind="restatement", id=asked.id)
    return now


def _fence_day(day: dt.date | None, year: int, access: Access) -> dt.date | None:
    """Raises FenceOutsideYear and DayNotDisclosed."""
    if day is not None and day.year != year:
        raise FenceOutsideYear(day=day.isoformat(), year=year)
    if day not in (None, last_day(year)) and not access.caller.is_auditor:
        raise DayNotDisclosed
    return day


def _restated(asked: Asked, question: Question, now: Guarded, day: dt.date) -> Restated:
    answered = services().engine.answer(question)
    try:
        books = restated_books(answered, PARK, asked.id, day)
    except NoDataForYear:
        books = replace(now.books, answered=answered)
    return Restated(books, day, asked.access)


def _was(asked: Asked, question: Question, base: Restated) -> list[Guarded]:
    """The base year as it was, where it had any members. Raises as ``park_books``."""
    if not base.owners_at(base.was):
        return []
    return [park_books(asked.id, question, asked.access)]


def _guarded(question: Question, restated: Restated) -> list[Guarded]:
    """A restated year of which anything is stated. Raises as ``Restated.require_tenants``."""
    tenants = restated.require_tenants(question)
    if not restated.owners_at(restated.restated):
        return []
    return [Guarded(restated.books, restated.access, tenants=tenants)]
