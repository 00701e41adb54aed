"""The worked example of docs/accounting.md, as statements in a real log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from graph.boundary import Amount, Assessed, Assessment
from graph.engine import Engine, Question
from tests.factory import Factory, line

YEAR = 2025
MADE = {"P1": ("100", "200"), "P2": ("50", "50"), "E3": ("200", "160"), "T4": ("40", "40")}
"""Output and direct emissions, kg CO2."""
FLOWS = [
    ("P1", "P2", "40"),
    ("P2", "P1", "15"),
    ("P2", "T4", "20"),
    ("E3", "P1", "50"),
    ("E3", "P2", "20"),
    ("E3", "T4", "10"),
    ("T4", "P1", "20"),
]


@dataclass
class Chain:
    """The example in a log: four firms, one park around P1 and P2."""

    engine: Engine
    park: str
    products: dict[str, str]
    enterprises: dict[str, str]

    def books(self) -> Assessment:
        return self.engine.park(self.park, Question(year=YEAR)).assessment


def build_chain(folder: Path, *, recipes_inside: bool = True, books_inside: bool = False) -> Chain:
    f = Factory(folder)
    firms = {name: f.enterprise(f"{name} Works") for name in MADE}
    manager = f.enterprise("Park Manager")
    sites = {name: firm.site(f"{name} site") for name, firm in firms.items()}
    park = manager.park("Example Park")
    for name in ("P1", "P2"):
        manager.membership(park, sites[name], consent_by=firms[name])
    carrier = {"E3": "electricity"}
    products = {
        name: firm.product(name, unit="H87", energy_carrier=carrier.get(name))
        for name, firm in firms.items()
    }
    for name, (output, emitted) in MADE.items():
        firm, inside = firms[name], name in ("P1", "P2")
        bought = [
            line((products[i], amount, "H87"), category=3 if i == "E3" else 1)
            for i, j, amount in FLOWS
            if j == name
        ]
        if recipes_inside or not inside:
            firm.recipe(
                products[name],
                sites[name],
                year=YEAR,
                basis=(output, "H87"),
                emissions=[("CO2", "fossil", emitted)],
                inputs=bought,
            )
        firm.production(products[name], sites[name], output, "H87", year=YEAR)
        if inside and books_inside:
            firm.inventory(sites[name], year=YEAR, emissions=[("CO2", "fossil", emitted)])
            firm.purchases(sites[name], year=YEAR, inputs=bought)
    return Chain(Engine(f.log), park, products, {name: firm.id for name, firm in firms.items()})


def known(amount: Amount | None) -> float:
    assert amount is not None
    assert amount.value is not None
    return amount.value


@pytest.mark.parametrize(
    ("name", "kg_co2e"), [("P1", 3.7125), ("P2", 4.29), ("E3", 0.8), ("T4", 3.345)]
)
def test_product_footprints_match_the_arithmetic_on_paper(
    tmp_path: Path, name: str, kg_co2e: float
) -> None:
    chain = build_chain(tmp_path)
    _, figure = chain.engine.footprint(chain.products[name], Question(year=YEAR))
    assert known(figure.amount) == pytest.approx(kg_co2e, rel=1e-12)


@pytest.mark.parametrize("books_inside", [False, True])
def test_the_bridge_of_the_park_matches_the_arithmetic_on_paper(
    tmp_path: Path, books_inside: bool
) -> None:
    books = build_chain(tmp_path, books_inside=books_inside).books()
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
    tmp_path: Path,
) -> None:
    books = build_chain(tmp_path, recipes_inside=False, books_inside=True).books()
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
    tmp_path: Path, name: str, kg_co2e: float
) -> None:
    chain = build_chain(tmp_path)
    books = chain.engine.enterprise(chain.enterprises[name], Question(year=YEAR)).assessment
    assert known(books.t2) == pytest.approx(kg_co2e, rel=1e-12)


def test_origins_of_a_product_sum_to_its_footprint_and_match_the_origin_matrix(
    tmp_path: Path,
) -> None:
    chain = build_chain(tmp_path)
    answered, origins = chain.engine.origins(chain.products["P2"], Question(year=YEAR))
    nodes = answered.solved.network.nodes
    assert {nodes[o.node].name: o.kg_co2e for o in origins} == pytest.approx(
        {"P1": 2.0, "P2": 1.25, "E3": 0.84, "T4": 0.2}
    )
    assert sum(o.share for o in origins) == pytest.approx(1)


def test_origins_of_the_park_are_where_the_upstream_was_emitted(tmp_path: Path) -> None:
    chain = build_chain(tmp_path)
    books = chain.engine.park(chain.park, Question(year=YEAR))
    nodes = books.answered.solved.network.nodes
    emitted = {nodes[i].name: kg for i, kg in books.assessment.origins.items()}
    assert emitted == pytest.approx({"E3": 70 * 0.8 + 20 * 0.25 * 0.8, "T4": 20.0})
