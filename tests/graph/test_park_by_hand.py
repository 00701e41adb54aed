"""The worked example of docs/accounting.md, as statements in a real log."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from graph.engine import Engine, Question
from graph.figures.boundary import Assessment
from graph.terms import Assessed
from tests.chain import YEAR, Chain, build_chain
from tests.factory import Factory
from tests.graph.ask import known

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")


@dataclass
class Asked:
    """The example with an engine that answers for it."""

    chain: Chain
    engine: Engine

    @classmethod
    def of(cls, factory: Factory, **stated: bool) -> Asked:
        chain = build_chain(factory, **stated)
        return cls(chain, Engine(chain.factory.log))

    def books(self) -> Assessment:
        return self.engine.park(self.chain.park, Question(year=YEAR)).assessment


@pytest.mark.parametrize(
    ("name", "kg_co2e"), [("P1", 3.7125), ("P2", 4.29), ("E3", 0.8), ("T4", 3.345)]
)
def test_product_footprints_match_the_arithmetic_on_paper(
    factory: Factory, name: str, kg_co2e: float
) -> None:
    asked = Asked.of(factory)
    _, figure = asked.engine.footprint(asked.chain.products[name], Question(year=YEAR))
    assert known(figure.amount) == pytest.approx(kg_co2e, rel=1e-12)


@pytest.mark.parametrize("books_inside", [False, True])
def test_the_bridge_of_the_park_matches_the_arithmetic_on_paper(
    factory: Factory, books_inside: bool
) -> None:
    books = Asked.of(factory, tenants_books=books_inside).books()
    assert known(books.scope1) == pytest.approx(250)
    assert known(books.scope2) == pytest.approx(56)
    assert known(books.scope3) == pytest.approx(24)
    assert known(books.upstream) == pytest.approx(80)
    assert known(books.t0) == pytest.approx(585.75)
    assert known(books.t1) == pytest.approx(372.9)
    assert known(books.t2) == pytest.approx(330)
    assert known(books.returned) == pytest.approx(42.9)
    assert books.returning is Assessed.ASSESSED
    by_category = {c: known(a) for c, a in books.scope3_by_category.items() if known(a)}
    assert by_category == pytest.approx({1: 24})


def test_without_recipes_inside_the_park_keeps_its_figure_and_says_what_it_cannot_assess(
    factory: Factory,
) -> None:
    books = Asked.of(factory, tenants_recipes=False, tenants_books=True).books()
    assert known(books.scope1) == pytest.approx(250)
    assert known(books.upstream) == pytest.approx(80)
    assert known(books.scope3) == pytest.approx(24)
    assert known(books.t2) == pytest.approx(330)
    assert (books.t0, books.t1, books.returned) == (None, None, None)
    assert books.returning is Assessed.NOT_ASSESSABLE
    assert books.not_assessable_because == ("P1", "P2")


@pytest.mark.parametrize(
    ("name", "kg_co2e"), [("P1", 297.0), ("P2", 171.6), ("E3", 160.0), ("T4", 121.636363636364)]
)
def test_a_single_firm_has_the_total_of_its_own_fence(
    factory: Factory, name: str, kg_co2e: float
) -> None:
    asked = Asked.of(factory)
    books = asked.engine.enterprise(asked.chain.firms[name].id, Question(year=YEAR)).assessment
    assert known(books.t2) == pytest.approx(kg_co2e, rel=1e-12)


def test_origins_of_a_product_sum_to_its_footprint_and_match_the_origin_matrix(
    factory: Factory,
) -> None:
    asked = Asked.of(factory)
    answered, origins = asked.engine.origins(asked.chain.products["P2"], Question(year=YEAR))
    nodes = answered.solved.network.nodes
    assert {nodes[o.node].name: o.kg_co2e for o in origins} == pytest.approx(
        {"P1": 2.0, "P2": 1.25, "E3": 0.84, "T4": 0.2}
    )
    assert sum(o.share for o in origins) == pytest.approx(1)


def test_origins_of_the_park_are_where_the_upstream_was_emitted(factory: Factory) -> None:
    asked = Asked.of(factory)
    books = asked.engine.park(asked.chain.park, Question(year=YEAR))
    nodes = books.answered.solved.network.nodes
    emitted = {nodes[i].name: kg for i, kg in books.assessment.origins.items()}
    assert emitted == pytest.approx({"E3": 70 * 0.8 + 20 * 0.25 * 0.8, "T4": 20.0})
