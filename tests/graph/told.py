"""The worked example with what its firms say of their data, and the question asked of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from graph.engine import Answered, Engine, Question
from graph.tracing.draws import Draw, draw_of_boundary, draw_of_product
from graph.tracing.facts import Facts, facts_of
from graph.tracing.quality import Origins, Quality
from ledger.log import Accepted
from ledger.statements import DataQuality, Recipe
from tests.chain import YEAR, Chain
from tests.factory import Actor, Factory


def tell(chain: Chain, name: str, *, line_gsd: str | None = None, **quality: Any) -> Accepted:
    """The recipe of a product said again with what its data are like; numbers as text."""
    said = chain.recipes[name]
    body = said.statement.body
    assert isinstance(body, Recipe)
    gsd = Decimal(line_gsd) if line_gsd else None
    lines = tuple(dataclasses.replace(line, gsd=gsd) for line in body.inputs)
    like = DataQuality(**{k: Decimal(str(v)) for k, v in quality.items()}) if quality else None
    chain.recipes[name] = chain.firms[name].correct(said, quality=like, inputs=lines)
    return chain.recipes[name]


def answered(f: Factory, **question: Any) -> Answered:
    return Engine(f.log).answer(Question(**{"year": YEAR, **question}))


def facts(given: Answered) -> Facts:
    return facts_of(given.standing, given.solved.network)


def draw(f: Factory, product: str, site: str | None = None) -> Draw:
    given = answered(f)
    return draw_of_product(given.solved, given.weights, facts(given), product, site)


def quality(f: Factory, product: str) -> Quality:
    return Origins.of(draw(f, product)).quality


def draw_of_park(f: Factory, park: str) -> Draw:
    books = Engine(f.log).park(park, Question(year=YEAR))
    given = books.answered
    return draw_of_boundary(
        given.solved, given.weights, facts(given), books.places, books.assessment
    )


def say_all(chain: Chain, member: str, values: Mapping[str, Any]) -> None:
    """Let every named recipe say one thing of its data, and nothing else."""
    for name, value in values.items():
        tell(chain, name, **{member: value})


def verifier_of(f: Factory) -> Actor:
    """A verifier that may look into recipes, footprints and inventories."""
    verifier = f.enterprise("Verifier", roles=("verifier",))
    f.operator.accredit(verifier, scope=("recipe", "footprint", "inventory"))
    return verifier
