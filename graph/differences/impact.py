"""What a compromise moved: the figures that suspect entries had touched, before and after.

    impact(c) = figures(prefix c + 1) − figures(prefix c)

Entry *c* says that a key was compromised, and moves nothing else. So the difference between the two
prefixes around it is exactly what the suspect entries had brought into each figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from graph.engine import Books, Engine, Question, latest_year
from graph.errors import NoDataForYear
from graph.publishing.published import results_of
from ledger.standing import Standing
from ledger.statements import Periodic, Result


@dataclass(frozen=True, slots=True)
class Moved:
    """The figures of a park or enterprise in a year, before and after; empty where there are none.

    In the order of ``graph.publishing.published.results_of``, kg CO2e.
    """

    kind: str
    id: str
    name: str
    year: int
    before: tuple[Result, ...]
    after: tuple[Result, ...]


def impact(engine: Engine, cause: int, gwp: str) -> Iterator[Moved]:
    """Every park and enterprise whose figures entry ``cause`` moved by making others suspect.

    In the years that the suspect statements are about; in the latest one where they are about none.
    Raises ``LogPositionUnknown`` and ``UnknownGwpSet``.
    """
    after = engine.standing(cause + 1)
    for year in sorted(_years(after, cause)):
        for kind, entities in (("park", after.parks), ("enterprise", after.enterprises)):
            for entity in entities:
                if moved := _moved(engine, kind, entity, Question(year, gwp, cause + 1), cause):
                    yield moved


def _years(standing: Standing, cause: int) -> set[int]:
    bodies = (each.said.statement.body for each in standing.suspects if each.cause == cause)
    years = {body.period.year for body in bodies if isinstance(body, Periodic)}
    return years or {latest_year(standing)}


def _moved(engine: Engine, kind: str, entity: str, question: Question, cause: int) -> Moved | None:
    after = _books(engine, kind, entity, question)
    if after is not None and after.as_of < cause:
        return None  # nothing that decides these figures became suspect
    before = _books(engine, kind, entity, Question(question.year, question.gwp, cause))
    was, results = _results(before), _results(after)
    named = after or before
    if was == results or named is None:
        return None
    return Moved(kind, entity, named.name, cast(int, question.year), was, results)


def _books(engine: Engine, kind: str, entity: str, question: Question) -> Books | None:
    standing = engine.standing(question.at)
    if entity not in (standing.parks if kind == "park" else standing.enterprises):
        return None
    try:
        return (engine.park if kind == "park" else engine.enterprise)(entity, question)
    except NoDataForYear:
        return None


def _results(books: Books | None) -> tuple[Result, ...]:
    return results_of(books) if books is not None else ()
