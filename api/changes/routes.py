"""What changed in a figure from one prefix of the log to another, and by which entries.

A difference tells no number that figures at the positions in between would not tell. So both ends,
and every prefix between them, must be open to the caller as an earlier position is: whoever asks of
a figure that contained undisclosed parts anywhere on the way is refused. Else two prefixes around
one supplier's statement would give that statement away, and so would any choice of several such
differences. Which entries the caller is then told of is decided by ``api.changes.answers``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

import marshmallow as ma
from flask import Response

from api.access.access import Access
from api.auth import current_caller, identified_caller, needs_token
from api.caching import figure_response
from api.changes.answers import diff_answer, position_of, said_in, wave_answer
from api.changes.wire import (
    DiffQuery,
    EnterpriseDiffSchema,
    ParkDiffSchema,
    ProductDiffSchema,
    WaveQuery,
    WaveSchema,
)
from api.errors import NotDisclosed, RangeTooLong
from api.figures.parts import Answer
from api.figures.routes import FIGURE_HEADERS
from api.services import services
from api.web.blueprint import Blueprint
from graph.differences.changes import MOVES_BOUNDARIES, Rippled, difference, wave
from graph.engine import Answered, Engine, Question, Settled
from graph.errors import GraphError
from graph.version import VERSION
from ledger.entry import Entry
from ledger.strict_json import MAX_INTEGER

blueprint = Blueprint(
    "changes",
    __name__,
    url_prefix="/v1",
    description="What changed in figures, and which entries changed them.",
)

MOST_ENTRIES: Final = 5000
"""How many entries a difference may span for callers other than auditors."""
_DISCLOSED: Final = {"product": "footprint", "park": "figure", "enterprise": "figure"}


@blueprint.route("/products/<uuid:product>/diff", methods=["GET"])
@blueprint.query(DiffQuery)
@blueprint.response(200, ProductDiffSchema, headers=FIGURE_HEADERS)
def product_diff(query: dict[str, Any], product: UUID) -> Response:
    """Read what changed in the footprint of a product, and why

    From one size of the log to a later one, entry by entry; all deltas add up to the difference.
    For the owner, auditors, and those it has disclosed the product's footprint to, where nothing
    undisclosed was in the figure at any size in between.
    """
    return _diff("product", product, query, ProductDiffSchema)


@blueprint.route("/parks/<uuid:park>/diff", methods=["GET"])
@blueprint.query(DiffQuery)
@blueprint.response(200, ParkDiffSchema, headers=FIGURE_HEADERS)
def park_diff(query: dict[str, Any], park: UUID) -> Response:
    """Read what changed in the books of a park, and why

    As of a product. For the park's enterprise, auditors, and those it has disclosed the park's
    figure to, where no tenant had to be protected at any size in between.
    """
    return _diff("park", park, query, ParkDiffSchema)


@blueprint.route("/enterprises/<uuid:enterprise>/diff", methods=["GET"])
@blueprint.query(DiffQuery)
@blueprint.response(200, EnterpriseDiffSchema, headers=FIGURE_HEADERS)
def enterprise_diff(query: dict[str, Any], enterprise: UUID) -> Response:
    """Read what changed in the books of an enterprise, and why

    As of a product. For the enterprise, auditors, and those it has disclosed its figure to, where
    nothing undisclosed was in the figure at any size in between.
    """
    return _diff("enterprise", enterprise, query, EnterpriseDiffSchema)


@blueprint.route(f"/log/<int(max={MAX_INTEGER}):index>/wave", methods=["GET"])
@needs_token
@blueprint.query(WaveQuery)
@blueprint.response(200, WaveSchema)
def entry_wave(query: dict[str, Any], index: int) -> Answer:
    """Read everything that one entry moved

    Parks, enterprises and products before and after it, and the way the change came to each. For
    auditors.
    """
    if not identified_caller().is_auditor:
        raise NotDisclosed(kind="wave", id=index)
    entry, engine = services().log.entry(index), services().engine
    standing, access = engine.standing(index + 1), Access(engine.standing(), identified_caller())
    question = Question(query.get("year"), query["gwp"])
    return {
        **said_in(entry, standing, access),
        "gwp": question.gwp,
        **wave_answer(_wave(engine, index, question), standing),
    }


def _wave(engine: Engine, index: int, question: Question) -> Rippled:
    """What an entry moved; the first one has nothing before it, and moves nothing."""
    if index:
        return wave(engine, index, question)
    return Rippled(index, engine.answer(question).year, (), 0)


# --- Differences -----------------------------------------------------------------------------


class _Judged(Engine):
    """An engine that hands out no answer before ``judge`` has let it pass."""

    def __init__(self, engine: Engine, judge: Callable[[Answered], None]) -> None:
        self._engine, self._judge = engine, judge

    def answer(self, question: Question) -> Answered:
        """As the engine. Raises also what the judge does."""
        answered = self._engine.answer(question)
        self._judge(answered)
        return answered

    def steps(self, question: Question, start: int, stop: int) -> Iterator[tuple[Entry, Answered]]:
        """As the engine; what moves nothing is judged already. Raises also what the judge does."""
        solved = None
        for entry, answered in self._engine.steps(question, start, stop):
            moves = entry.leaf.type in (*MOVES_BOUNDARIES, "withdrawal")
            if moves or answered.solved is not solved:
                self._judge(answered)
            solved = answered.solved
            yield entry, answered


def _judge(access: Access, kind: str, entity: str) -> Callable[[Answered], None]:
    """Whether the caller may read the figure at the position of an answer, and at others beside it.

    Raises what ``Access.require_footprint``, ``require_tenants`` and ``require_suppliers`` do.
    """

    def judge_product(answered: Answered) -> None:
        access.require_footprint(entity, answered.solved, position_of(answered))

    def judge_boundary(answered: Answered) -> None:
        settled, question = Settled(answered), position_of(answered)
        with suppress(GraphError):  # where there is no figure, there is nothing to protect
            if kind == "park":
                access.require_tenants(settled.park(entity, question), question)
            else:
                access.require_suppliers(settled.enterprise(entity, question), question)

    return judge_product if kind == "product" else judge_boundary


def _diff(kind: str, asked_of: UUID, query: dict[str, Any], schema: type[ma.Schema]) -> Response:
    engine, entity, log = services().engine, str(asked_of), services().log
    access = Access(engine.standing(), current_caller())
    access.require(kind, entity, _DISCLOSED[kind])
    start, stop = query["start"], query.get("stop") or access.standing.size
    question = Question(query.get("year"), query["gwp"])
    if not access.caller.is_auditor:
        if stop - start > MOST_ENTRIES:
            raise RangeTooLong(entries=stop - start, most=MOST_ENTRIES)
        engine = _Judged(engine, _judge(access, kind, entity))
    found = difference(engine, kind, entity, question, start, stop)
    last = engine.answer(replace(question, year=found.year, at=stop))
    begin = engine.answer(replace(question, year=found.year, at=start))
    document = {
        **diff_answer(found, begin, _unit(last, kind, entity), access, log.entry),
        "gwp": question.gwp,
        "engine": VERSION,
    }
    return _respond(schema, document, query, access)


def _unit(last: Answered, kind: str, entity: str) -> str:
    if kind != "product":
        return "kg CO2e"
    network = last.solved.network
    return f"kg CO2e per {network.nodes[network.nodes_of[entity][0]].unit}"


def _respond(
    schema: type[ma.Schema], document: Answer, query: dict[str, Any], access: Access
) -> Response:
    """The document, or 304. Where the later size was not given, its growth alone changes nothing:
    only what moved the figure does."""
    question: dict[str, str | int | None] = {
        "what": "diff",
        "from": document["start"],
        "to": query.get("stop"),
    }
    return figure_response(
        schema().dump(document),
        as_of=document["start"],
        question=question,
        standing=access.standing,
        size="to",
    )
