"""Short questions to a small log, for tests that say what follows from what was said."""

from __future__ import annotations

from typing import Any

from graph.engine import Books, Engine, Question
from graph.figures.boundary import Amount, Assessment
from graph.figures.footprint import ProductFootprint
from graph.reading.network import Gap, Network
from graph.solving.solved import Solved
from tests.factory import Factory

YEAR = 2025


def co2(kg: str) -> list[tuple[str, ...]]:
    """Emissions of fossil CO2 alone."""
    return [("CO2", "fossil", kg)]


def solved(f: Factory, year: int = YEAR) -> Solved:
    return Engine(f.log).answer(Question(year=year)).solved


def network(f: Factory, year: int = YEAR) -> Network:
    return solved(f, year).network


def figure(
    f: Factory, product: str, *, site: str | None = None, year: int = YEAR, **question: Any
) -> ProductFootprint:
    return Engine(f.log).footprint(product, Question(year=year, **question), site)[1]


def park(f: Factory, park: str, *, year: int = YEAR, **question: Any) -> Books:
    return Engine(f.log).park(park, Question(year=year, **question))


def firm(f: Factory, enterprise: str, *, year: int = YEAR, **question: Any) -> Assessment:
    return Engine(f.log).enterprise(enterprise, Question(year=year, **question)).assessment


def known(amount: Amount | None) -> float:
    """The value of an amount that must be complete."""
    assert amount is not None
    assert amount.value is not None
    return amount.value


def rules(f: Factory, year: int = YEAR) -> set[str]:
    """Rules of everything noticed while the year was folded."""
    return {finding.rule for finding in network(f, year).findings}


def sentences(f: Factory, rule: str, year: int = YEAR) -> list[str]:
    return [each.sentence for each in network(f, year).findings if each.rule == rule]


def reasons(gaps: tuple[Gap, ...]) -> list[str]:
    return [gap.reason for gap in gaps]
