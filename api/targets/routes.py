"""Targets of parks and enterprises: the path, what became of it, and what is thought of doing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import marshmallow as ma
from flask import Response

from api.access.access import is_further_cut
from api.errors import (
    DayNotDisclosed,
    EarlierPositionNotDisclosed,
    FewerThanThree,
    FewerThanThreeTenants,
    NotDisclosed,
)
from api.figures.boundaries import Guarded
from api.figures.routes import FIGURE_HEADERS, Asked, enterprise_books, park_books
from api.figures.wire import YearQuery
from api.inventory.net_figures import shows_net
from api.restatement.restated import Restated
from api.services import services
from api.targets.answers import PlansTold, Read
from api.targets.wire import EnterpriseTargetsSchema, ParkTargetsSchema
from api.web.blueprint import Blueprint
from api.whatif.scenarios import Trial, Tried
from graph.books.restatement import PARK
from graph.books.targets import OPERATIONAL, Plans, YearFigures, plans_of
from graph.engine import Books, Question
from ledger.errors import CatchmentError

blueprint = Blueprint(
    "targets",
    __name__,
    url_prefix="/v1",
    description="What parks and enterprises mean to reach, and how far they have come.",
)

_CLOSED = (
    NotDisclosed,
    FewerThanThree,
    FewerThanThreeTenants,
    EarlierPositionNotDisclosed,
    DayNotDisclosed,
)
"""Why the figure of a single year may not be told, while those of others may."""


@blueprint.route("/parks/<uuid:park>/targets", methods=["GET"])
@blueprint.query(YearQuery)
@blueprint.response(200, ParkTargetsSchema, headers=FIGURE_HEADERS)
def of_park(query: dict[str, Any], park: UUID) -> Response:
    """Read the targets of a park

    For each target the base year as it was and with the fence of the latest year, the path, the
    figures of the years since, a projection, and whether they are on the path. For those who may
    read the park's figure; scenarios for its enterprise and auditors. The figure of a year that
    would tell of one or two tenants is null, and so is all that follows from it.
    """
    asked = Asked.of("park-targets", park, query)
    now = park_books(asked.id, asked.question, asked.access)
    return _answer(asked, now, ParkTargetsSchema)


@blueprint.route("/enterprises/<uuid:enterprise>/targets", methods=["GET"])
@blueprint.query(YearQuery)
@blueprint.response(200, EnterpriseTargetsSchema, headers=FIGURE_HEADERS)
def of_enterprise(query: dict[str, Any], enterprise: UUID) -> Response:
    """Read the targets of an enterprise

    As of a park, with the sites it owns at the end of the latest year. For those who may read its
    figure; scenarios for itself and auditors.
    """
    asked = Asked.of("enterprise-targets", enterprise, query)
    now = enterprise_books(asked.id, asked.question, asked.access)
    return _answer(asked, now, EnterpriseTargetsSchema)


def _answer(asked: Asked, now: Guarded, schema: type[ma.Schema]) -> Response:
    return asked.answer(schema, told_of(asked, now).answer(), now.books.answered)


def told_of(asked: Asked, now: Guarded) -> PlansTold:
    """The targets as far as the caller may read them, who may read the figure of ``now``."""
    question = replace(asked.question, year=now.books.answered.year)
    plans = plans_of(services().engine, now.books.kind, asked.id, question)
    return PlansTold(
        plans,
        {year.year: _read(asked, plans, year) for year in plans.figures},
        _tried(asked, plans, question) if _runs(asked, now) else None,
        is_further_cut(question),
    )


def _runs(asked: Asked, now: Guarded) -> bool:
    """Whether the caller owns the boundary, or audits it."""
    books, caller = now.books, asked.access.caller
    owner = asked.access.standing.owner_of(PARK, books.id) if books.kind == PARK else books.id
    return caller.is_auditor or caller.enterprise == owner


# -- years -------------------------------------------------------------------------------------


def _read(asked: Asked, plans: Plans, figures: YearFigures) -> Read:
    """The books of a year as far as the caller may read them."""
    question = replace(asked.question, year=figures.year)
    return Read(
        _unless_closed(figures.as_it_was, lambda books: _guarded(asked, books, question)),
        _unless_closed(
            figures.restated, lambda books: _guarded_restated(asked, plans, books, question)
        ),
    )


def _unless_closed(books: Books | None, read: Callable[[Books], Guarded]) -> Guarded | None:
    try:
        return None if books is None else read(books)
    except _CLOSED:
        return None


def _guarded(asked: Asked, books: Books, question: Question) -> Guarded:
    access = asked.access
    if books.kind == PARK:
        return Guarded(books, access, tenants=access.require_tenants(books, question))
    return Guarded(books, access, suppliers=access.require_suppliers(books, question))


def _guarded_restated(asked: Asked, plans: Plans, books: Books, question: Question) -> Guarded:
    """A restated year. Raises as ``Restated`` does, and FewerThanThreeTenants where a part of it
    that the year as it was lacks, or has besides, would tell more than the year itself."""
    restated = Restated(books, plans.day, asked.access)
    if books.kind == PARK:
        tenants = restated.require_tenants(question)
        guarded = partial(Guarded, access=asked.access, tenants=tenants)
        protected = bool(tenants.guarded or tenants.unread)
    else:
        sight = restated.require_suppliers(question)
        guarded = partial(Guarded, access=asked.access, suppliers=sight)
        protected = bool(sight.hidden)
    if protected and len(restated.cells) > 1:
        parts, earlier = map(guarded, restated.books_by_cell()), is_further_cut(question)
        ambitions = {OPERATIONAL, *(each.target.ambition for each in plans.progress)}
        if not all(shows_net(part, each, earlier) for part in parts for each in ambitions):
            raise FewerThanThreeTenants
    return guarded(books)


# -- scenarios ---------------------------------------------------------------------------------


def _tried(asked: Asked, plans: Plans, question: Question) -> tuple[Tried, ...]:
    """Every scenario, tried on the latest year with the fence of its end."""
    latest = next((each.restated for each in plans.figures if each.year == question.year), None)
    if latest is None:
        return ()
    try:
        guarded = _guarded_restated(asked, plans, latest, question)
    except CatchmentError as closed:
        return tuple(Tried(each, None, closed) for each in plans.scenarios)
    trial = Trial(services().engine, asked.access, question, guarded)
    return tuple(map(trial.of, plans.scenarios))
