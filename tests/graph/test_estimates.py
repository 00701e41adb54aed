"""Gaps with estimates, against the same year in which a supplier had stated just that.

Where the ladder estimates a gap, the value of a figure is what it would be if a supplier outside
had stated the estimate as its footprint; the lower bound is what it is without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from graph.figures.boundary import Amount, Assessment, Lacking
from graph.figures.footprint import product_footprint
from graph.reading.network import Book, Edges, Estimate, Gap, Network, Node
from graph.solving.solved import Solved
from graph.terms import Assessed, Feed, Rung
from tests.graph.test_identities import COLUMNS, TIGHT, WEIGHTS, Year, place, years

CO2, CH4, CO2E = COLUMNS
GSD = 1.5
METHANE = 29.8
"""kg CO2e per kg of fossil methane in AR6."""
TOTALS = ("scope1", "upstream", "t0", "t1", "t2", "returned")


def estimate(kg: float, rung: Rung = Rung.AVERAGE, gsd: float = GSD) -> Estimate:
    """``kg`` of CO2, and a tenth of it as methane."""
    return Estimate(rung, {CO2: kg, CH4: kg / 10}, gsd, "averages 1, row 1", 7)


def co2e(kg: float) -> float:
    return kg * (1 + METHANE / 10)


def gap(
    node: int, kg: float | None, category: int = 1, supplier: str | None = None, **of: object
) -> Gap:
    known = None if kg is None else estimate(kg, **of)  # type: ignore[arg-type]  # as above
    return Gap(node, "unregistered", f"thing for {node}", supplier, 2.0, "KGM", category, known)


def with_suppliers(network: Network, gaps: tuple[Gap, ...]) -> Network:
    """Each gap met by a product of its own, made nowhere in particular, one unit per unit."""
    n, edges = len(network.nodes), network.edges
    new = [
        Node(f"met-{k}", None, f"supplier-{k}", f"met {k}", "KGM", Feed.FOOTPRINT)
        for k in range(len(gaps))
    ]
    emitted = [network.row(g.estimate.emissions) for g in gaps if g.estimate]
    return replace(
        network,
        nodes=(*network.nodes, *new),
        direct=np.vstack([network.direct, *emitted]),
        output=np.append(network.output, np.full(len(gaps), np.nan)),
        as_of=np.append(network.as_of, np.zeros(len(gaps), dtype=np.int64)),
        edges=Edges(
            supplier=np.append(edges.supplier, n + np.arange(len(gaps))),
            consumer=np.append(edges.consumer, [g.node for g in gaps]).astype(np.int64),
            category=np.append(edges.category, [g.category for g in gaps]).astype(np.int64),
            amount=np.append(edges.amount, np.ones(len(gaps))),
            mixed=np.append(edges.mixed, np.zeros(len(gaps), dtype=bool)),
        ),
    )


@st.composite
def gaps_in(draw: st.DrawFn, year: Year) -> tuple[Gap, ...]:
    nodes = st.integers(0, len(year.network.nodes) - 1)
    kgs = st.floats(0.01, 10)
    categories = st.sampled_from([1, 2, 4, 5, 6])
    rungs = st.sampled_from([Rung.AVERAGE, Rung.SPEND])
    return tuple(
        gap(draw(nodes), draw(kgs), draw(categories), rung=draw(rungs))
        for _ in range(draw(st.integers(1, 5)))
    )


def by_recipes(network: Network) -> Network:
    """Where anything is made, recipes stand in for inventory and purchases."""
    making = {node.place for node in network.nodes if node.product and node.place}
    return replace(network, books={**network.books, **dict.fromkeys(making, Book(0, 0))})


def value(amount: Amount | None) -> float:
    assert amount is not None
    assert amount.value is not None
    return amount.value


def amounts(books: Assessment) -> dict[str, Amount | None]:
    by_category = {f"category {c}": a for c, a in books.scope3_by_category.items()}
    totals = {name: getattr(books, name) for name in TOTALS}
    return {**totals, **by_category}


@settings(deadline=None, max_examples=40)
@given(years(), st.data())
def test_a_filled_figure_is_what_it_would_be_if_suppliers_had_stated_the_estimates(
    year: Year, data: st.DataObject
) -> None:
    network = by_recipes(year.network)
    gaps = data.draw(gaps_in(year))
    filled = Year(replace(network, gaps=gaps), year.inside).books()
    met = amounts(Year(with_suppliers(network, gaps), year.inside).books())
    bare = amounts(Year(network, year.inside).books())
    for name, amount in amounts(filled).items():
        assert value(amount) == pytest.approx(value(met[name]), **TIGHT)
        assert amount is not None
        if name in bare:
            assert amount.lower == pytest.approx(value(bare[name]), **TIGHT)
        assert amount.upper == pytest.approx(value(amount) + (GSD**2 - 1) * amount.filled)
    assert sum(filled.rungs.values()) == pytest.approx(1 if value(filled.t2) else 0)


@settings(deadline=None, max_examples=30)
@given(years(), st.data())
def test_what_purchases_and_recipes_both_lack_is_counted_once(
    year: Year, data: st.DataObject
) -> None:
    """Purchases of a place repeat the gaps of its recipes; its rest holds only the difference."""
    network = year.network
    gaps = data.draw(gaps_in(year))
    overhead = {node.place: i for i, node in enumerate(network.nodes) if not node.product}
    bought, rest = [], []
    for each in gaps:
        node, made = network.nodes[each.node], network.output[each.node]
        assert each.estimate is not None
        whole = each.estimate.scaled(float(made) * 1.5)
        bought.append(replace(each, node=overhead[node.place], estimate=whole))
        left = whole if not node.product else each.estimate.scaled(float(made) * 0.5)
        rest.append(replace(each, node=overhead[node.place], estimate=left))
    recipes = tuple(g for g in gaps if network.nodes[g.node].product)
    filled = Year(replace(network, gaps=(*recipes, *bought)), year.inside).books()
    met = Year(with_suppliers(network, (*recipes, *rest)), year.inside).books()
    for total in ("upstream", "t0", "t1", "t2"):
        inside, outside = getattr(filled, total), getattr(met, total)
        assert value(inside) == pytest.approx(value(outside), rel=1e-7, abs=1e-7)


@settings(deadline=None, max_examples=30)
@given(years(), st.data())
def test_a_product_figure_and_its_rungs_add_up_and_its_gaps_are_ranked(
    year: Year, data: st.DataObject
) -> None:
    gaps = data.draw(gaps_in(year))
    solved = Solved.of(replace(year.network, gaps=gaps))
    met = Solved.of(with_suppliers(year.network, gaps))
    product = data.draw(st.sampled_from([n.product for n in year.network.nodes if n.product]))
    figure, oracle = (product_footprint(each, product, WEIGHTS) for each in (solved, met))
    assert value(figure.amount) == pytest.approx(value(oracle.amount), **TIGHT)
    assume(value(figure.amount))
    assert sum(figure.rungs.values()) == pytest.approx(1)
    filled = 1 - figure.rungs.get(Rung.COMPUTED, 0)
    assert filled == pytest.approx(figure.amount.filled / value(figure.amount), **TIGHT)
    effects = [effect.kg_co2e or 0.0 for effect in figure.effects]
    assert effects == sorted(effects, reverse=True)
    assert figure.amount.upper == pytest.approx(figure.amount.lower + sum(effects), **TIGHT)


# --- By hand: a works that takes in something nobody describes -----------------------------------


def year_of(seed_gaps: Callable[[int, int], tuple[Gap, ...]]) -> Year:
    """Works (100 pieces, 200 kg CO2, inside) draws 0.5 of a mill's product (1 kg each, outside)."""
    here, there = place(1), place(2)
    nodes = (
        Node("works", here, "works", "Part", "H87", Feed.RECIPE),
        Node("mill", there, "mill", "Sheet", "KGM", Feed.RECIPE),
    )
    network = Network(
        year=2025,
        nodes=nodes,
        columns=COLUMNS,
        direct=np.array([[2.0, 0, 0], [1.0, 0, 0]]),
        edges=Edges(*(np.array([each]) for each in (1, 0, 1, 0.5, False))),
        output=np.array([100.0, 400.0]),
        gaps=seed_gaps(0, 1),
        generation={},
        declared={},
        books={},
        as_of=np.array([3, 5]),
        findings=(),
        site_owners={here.site: "works", there.site: "mill"},
    )
    return Year(network, frozenset({here}))


def test_an_estimate_stands_apart_from_what_is_known() -> None:
    """Known 200 + 100 · 0.5 · 1 = 250; filled 100 · 0.3 · 3.98; spread 1.5² − 1 = 1.25 of that."""
    books = year_of(lambda works, mill: (gap(works, 0.3),)).books()
    filled = 100 * co2e(0.3)
    assert books.t2.lower == pytest.approx(250)
    assert books.t2.filled == pytest.approx(filled)
    assert books.t2.value == pytest.approx(250 + filled)
    assert books.t2.upper == pytest.approx(250 + 2.25 * filled)
    assert books.t2.coverage == pytest.approx(250 / (250 + filled))
    assert books.t2.lacking is Lacking.ESTIMATED
    assert books.rungs == {
        Rung.COMPUTED: pytest.approx(250 / (250 + filled)),
        Rung.AVERAGE: pytest.approx(filled / (250 + filled)),
    }
    assert books.scope1.value == 200


def test_a_gap_that_nothing_estimates_opens_the_figure_and_stands_first() -> None:
    books = year_of(lambda works, mill: (gap(works, 9.0), gap(mill, None), gap(mill, 1.0))).books()
    assert (books.t2.value, books.t2.upper, books.t2.coverage) == (None, None, None)
    assert books.t2.lower == pytest.approx(250)
    assert [effect.kg_co2e for effect in books.effects] == [
        None,
        pytest.approx(100 * co2e(9.0) * 2.25),
        pytest.approx(100 * 0.5 * co2e(1.0) * 2.25),
    ]
    assert books.scope1.value == 200


def test_what_a_supplier_with_a_site_inside_left_unmet_is_never_estimated_as_upstream() -> None:
    """The mill buys back from the works: what returns counts zero, so T2 is known in part."""
    books = year_of(lambda works, mill: (gap(mill, 1.0, supplier="works"),)).books()
    assert (books.t2.value, books.t2_status) == (250, Assessed.PARTIAL)
    assert [effect.kg_co2e for effect in books.effects] == [None]
    inside = year_of(lambda works, mill: (gap(works, 1.0, supplier="works"),)).books()
    assert (inside.t2.value, inside.t2_status) == (250, Assessed.PARTIAL)
    assert (inside.t0 and inside.t0.value) is None


def test_of_an_estimated_energy_gap_the_generation_part_is_not_known() -> None:
    books = year_of(lambda works, mill: (gap(works, 1.0, category=3),)).books()
    assert books.upstream.value == pytest.approx(50 + 100 * co2e(1.0))
    assert books.scope2.value is None
    assert books.scope3.value is None
    assert books.scope3_by_category[3].value is None
    assert books.scope3_by_category[1].value == pytest.approx(50)


def test_a_factor_of_generation_fills_scope_2() -> None:
    """100 · 3.98 kg arise where the power is generated; of its fuel and losses nobody knows."""
    kg = 100 * co2e(1.0)
    grid = replace(estimate(1.0), is_generation=True)
    books = year_of(lambda works, mill: (replace(gap(works, None, 3), estimate=grid),)).books()
    assert books.scope2 == Amount(0, pytest.approx(kg), pytest.approx(1.25 * kg), Lacking.ESTIMATED)
    assert (books.scope3.value, books.scope3.at_least) == (None, pytest.approx(50))
    fuel = books.scope3_by_category[3]
    assert (fuel.value, fuel.coverage, fuel.at_least) == (None, None, 0)
    assert books.upstream.value == pytest.approx(50 + kg)


def test_a_carrier_nobody_describes_has_the_generation_its_factor_says() -> None:
    year = year_of(lambda works, mill: ())
    power = replace(year.network.nodes[1], feed=Feed.NONE, place=None, carrier="electricity")
    edges = replace(year.network.edges, category=np.array([3]))
    for is_generation in (True, False):
        stand_in = replace(estimate(4.0), is_generation=is_generation)
        network = replace(
            year.network,
            nodes=(year.network.nodes[0], power),
            direct=np.array([[2.0, 0, 0], [0.0, 0, 0]]),
            edges=edges,
            stand_ins={1: stand_in},
        )
        books = Year(network, year.inside).books()
        assert books.upstream.value == pytest.approx(50 * co2e(4.0))
        expected = pytest.approx(50 * co2e(4.0)) if is_generation else None
        assert books.scope2.value == expected
        assert books.scope3_by_category[3].value is None


def test_a_product_nobody_describes_is_filled_by_its_stand_in() -> None:
    year = year_of(lambda works, mill: ())
    nodes = (year.network.nodes[0], replace(year.network.nodes[1], feed=Feed.NONE, place=None))
    direct = np.array([[2.0, 0, 0], [0.0, 0, 0]])
    silent = replace(year.network, nodes=nodes, direct=direct, stand_ins={1: estimate(4.0)})
    books = Year(silent, year.inside).books()
    assert (books.t2.lower, books.t2.value) == (200, pytest.approx(200 + 50 * co2e(4.0)))
    (effect,) = books.effects
    assert (effect.gap.reason, effect.gap.amount) == ("undeclared", pytest.approx(50))
    assert effect.kg_co2e == pytest.approx(50 * co2e(4.0) * 2.25)
    open_ended = Year(replace(silent, stand_ins={}), year.inside).books()
    assert (open_ended.t2.value, open_ended.effects[0].kg_co2e) == (None, None)
