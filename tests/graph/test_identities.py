"""Accounting identities on random years: loops, overhead nodes, black boxes and mixed units.

The years are drawn as arrays, not as statements, so that hypothesis can reach odd shapes cheaply;
the dense formulas beside them are the definitions, written down a second time.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.errors import LoopGain
from graph.figures.boundary import Assessment, assess
from graph.figures.footprint import product_footprint
from graph.reading.network import Book, Column, Edges, Floats, Network, Node
from graph.reading.year import Place
from graph.solving.characterise import characterise
from graph.solving.solved import Solved
from graph.terms import Assessed, Feed

COLUMNS = (Column("CO2", "fossil"), Column("CH4", "fossil"), Column("CO2e", "fossil", "AR6"))
WEIGHTS = characterise(COLUMNS, "AR6")
TIGHT = {"rel": 1e-9, "abs": 1e-9}


def place(site: int) -> Place:
    return Place(f"site-{site:02}", dt.date(2025, 1, 1), dt.date(2026, 1, 1))


@dataclass(frozen=True)
class Year:
    """A random year and the places of a park in it."""

    network: Network
    inside: frozenset[Place]

    @property
    def is_inside(self) -> np.ndarray:
        return np.array([node.place in self.inside for node in self.network.nodes])

    @property
    def A(self) -> Floats:
        return np.asarray(self.network.inputs.todense())

    @property
    def e(self) -> Floats:
        return self.network.direct @ WEIGHTS.gross

    @property
    def x(self) -> Floats:
        return self.network.output

    def books(self, inside: frozenset[Place] | None = None) -> Assessment:
        return assess(Solved.of(self.network), inside or self.inside, WEIGHTS)


@st.composite
def years(draw: st.DrawFn, *, black_boxes: bool = False) -> Year:
    """A year with loops, an overhead node per site, y >= 0 and units nine decades apart."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_products, n_sites = draw(st.integers(3, 14)), draw(st.integers(2, 5))
    n = n_products + n_sites
    site_of = np.concatenate([rng.integers(0, n_sites, n_products), np.arange(n_sites)])
    overhead = np.arange(n) >= n_products
    stated = (rng.random(n) < 0.3) & ~overhead if black_boxes else np.zeros(n, dtype=bool)
    used = rng.random((n, n)) * (rng.random((n, n)) < 0.35)
    used[overhead, :] = 0  # nobody buys an overhead
    used[:, stated] = 0
    left = rng.random(n) * 2 + 0.05
    left[overhead] = 0
    output = np.where(overhead, 1.0, used.sum(axis=1) + left)
    scale = 10.0 ** rng.integers(-4, 5, n)  # declared units: grams beside kilotonnes
    scale[overhead] = 1.0
    output, used = output * scale, used * scale[:, None]
    direct = rng.random((n, len(COLUMNS))) * (rng.random((n, len(COLUMNS))) < 0.7)
    amounts = used / output
    supplier, consumer = np.nonzero(amounts)
    edges = Edges(
        supplier=supplier,
        consumer=consumer,
        category=rng.integers(1, 9, len(supplier)),
        amount=amounts[supplier, consumer],
        mixed=np.zeros(len(supplier), dtype=bool),
    )
    nodes = tuple(
        Node(
            product=None if overhead[i] else f"p{i}",
            place=place(int(site_of[i])),
            owner=f"firm-{site_of[i]}",
            name=f"n{i}",
            unit="KGM",
            feed=Feed.OVERHEAD if overhead[i] else Feed.FOOTPRINT if stated[i] else Feed.RECIPE,
        )
        for i in range(n)
    )
    network = Network(
        year=2025,
        nodes=nodes,
        columns=COLUMNS,
        direct=direct / output[:, None],
        edges=edges,
        output=output,
        gaps=(),
        generation={},
        declared={},
        books={place(s): Book(365, 365) for s in range(n_sites)},
        as_of=np.arange(n, dtype=np.int64),
        findings=(),
    )
    others = [s for s in range(n_sites) if s != site_of[0]]
    chosen = draw(st.sets(st.sampled_from(others), max_size=len(others) - 1))
    return Year(network, frozenset(place(int(s)) for s in {*chosen, site_of[0]}))


def leontief(a: Floats) -> Floats:
    return np.linalg.inv(np.eye(len(a)) - a)


@settings(deadline=None, max_examples=60)
@given(years())
def test_a_footprint_is_the_sum_of_where_it_was_emitted(year: Year) -> None:
    m = WEIGHTS.co2e(Solved.of(year.network).footprints)
    origin_matrix = year.e[:, None] * leontief(year.A)
    assert origin_matrix.sum(axis=0) == pytest.approx(m, **TIGHT)


@settings(deadline=None, max_examples=60)
@given(years())
def test_all_emissions_land_on_final_demand_once(year: Year) -> None:
    m = WEIGHTS.co2e(Solved.of(year.network).footprints)
    y = year.x - year.A @ year.x
    assert m @ y == pytest.approx(year.e @ year.x, **TIGHT)


@settings(deadline=None, max_examples=60)
@given(years())
def test_the_bridge_holds_in_both_forms(year: Year) -> None:
    """T1 = m_P'ξ, T2 = S1 + m*'z = m_P'(L_PP)⁻¹x_P, RET = m_P'A_PO(I − A_OO)⁻¹z."""
    books, inside = year.books(), year.is_inside
    a, x = year.A, year.x
    m, big_l = year.e @ leontief(a), leontief(a)
    x_p, m_p = x[inside], m[inside]
    never_returning = np.linalg.solve(big_l[np.ix_(inside, inside)], x_p)
    z = a[np.ix_(~inside, inside)] @ x_p
    made_for_z = np.linalg.solve(np.eye((~inside).sum()) - a[np.ix_(~inside, ~inside)], z)
    assert books.t0 is not None
    assert books.t1 is not None
    assert books.returned is not None
    assert books.t0.at_least == pytest.approx(m_p @ x_p, **TIGHT)
    assert books.t1.at_least == pytest.approx(
        m_p @ (x_p - a[np.ix_(inside, inside)] @ x_p), **TIGHT
    )
    assert books.t2.at_least == pytest.approx(m_p @ never_returning, **TIGHT)
    returned = m_p @ a[np.ix_(inside, ~inside)] @ made_for_z
    assert books.returned.at_least == pytest.approx(returned, rel=1e-7, abs=1e-7)


@settings(deadline=None, max_examples=60)
@given(years(black_boxes=True))
def test_scope_1_and_upstream_never_exceed_what_was_emitted(year: Year) -> None:
    """With black boxes inside, their stated total is the outside's view and counts zero here."""
    books = year.books()
    assert books.t2.at_least <= year.e @ year.x * (1 + 1e-9) + 1e-9


@settings(deadline=None, max_examples=60)
@given(years(), st.integers(0, 10))
def test_a_larger_boundary_never_has_a_smaller_figure(year: Year, more: int) -> None:
    sites = sorted({node.place for node in year.network.nodes if node.place})
    larger = year.inside | {sites[more % len(sites)]}
    assert year.books(frozenset(larger)).t2.at_least >= year.books().t2.at_least * (1 - 1e-9)


@settings(deadline=None, max_examples=40)
@given(years())
def test_everything_inside_has_no_upstream(year: Year) -> None:
    everywhere = frozenset(node.place for node in year.network.nodes if node.place)
    books = year.books(everywhere)
    assert books.upstream.at_least == 0
    assert books.t2.at_least == pytest.approx(year.e @ year.x, **TIGHT)


@settings(deadline=None, max_examples=40)
@given(years())
def test_the_parts_of_a_region_are_never_less_than_the_region(year: Year) -> None:
    parts = sum(year.books(frozenset({each})).t2.at_least for each in year.inside)
    assert parts >= year.books().t2.at_least * (1 - 1e-9)


@settings(deadline=None, max_examples=40)
@given(years(), st.integers(-6, 6), st.integers(0, 100))
def test_another_declared_unit_leaves_park_totals_alone(year: Year, power: int, which: int) -> None:
    product = which % sum(node.product is not None for node in year.network.nodes)
    factor = np.ones(len(year.network.nodes))
    factor[product] = 10.0**power
    network, edges = year.network, year.network.edges
    changed = replace(
        network,
        direct=network.direct / factor[:, None],
        output=network.output * factor,
        edges=replace(edges, amount=edges.amount * factor[edges.supplier] / factor[edges.consumer]),
    )
    before, after = year.books(), Year(changed, year.inside).books()
    for total in ("scope1", "upstream", "t0", "t1", "t2"):
        expected = getattr(before, total).at_least
        assert getattr(after, total).at_least == pytest.approx(expected, **TIGHT)


@settings(deadline=None, max_examples=40)
@given(years())
def test_gas_by_gas_gives_the_same_as_co2e(year: Year) -> None:
    books = year.books()
    assert WEIGHTS.gross @ books.scope1_columns == pytest.approx(books.scope1.at_least)
    assert WEIGHTS.gross @ books.upstream_columns == pytest.approx(books.upstream.at_least)
    by_owner = sum(amount.at_least for amount in books.scope1_by_owner.values())
    assert by_owner == pytest.approx(books.scope1.at_least, **TIGHT)


@settings(deadline=None, max_examples=40)
@given(years())
def test_categories_and_origins_each_add_up_to_the_upstream(year: Year) -> None:
    books = year.books()
    by_category = sum(amount.at_least for amount in books.scope3_by_category.values())
    assert by_category + books.scope2.at_least == pytest.approx(books.upstream.at_least, **TIGHT)
    assert sum(books.origins.values()) == pytest.approx(books.upstream.at_least, **TIGHT)


@settings(deadline=None, max_examples=40)
@given(years())
def test_splitting_a_firm_inside_leaves_scope_1_and_upstream_alone(year: Year) -> None:
    """Half of every inside product's output is made by a twin node with the same recipe."""
    network, edges = year.network, year.network.edges
    first = next(i for i in np.flatnonzero(year.is_inside) if network.nodes[i].product)
    n = len(network.nodes)
    own = edges.consumer == first
    sold = edges.supplier == first

    def doubled(values: np.ndarray, twin_value: int | None, mask: np.ndarray) -> np.ndarray:
        extra = values[mask] if twin_value is None else np.full(mask.sum(), twin_value)
        return np.concatenate([values, extra])

    # The twin buys what the first buys; then all buyers, the twin included, draw on both halves.
    bought = Edges(
        supplier=doubled(edges.supplier, None, own),
        consumer=doubled(edges.consumer, n, own),
        category=doubled(edges.category, None, own),
        amount=doubled(edges.amount, None, own),
        mixed=doubled(edges.mixed, None, own),
    )
    sold = bought.supplier == first
    halves = np.where(sold, bought.amount / 2, bought.amount)
    split = replace(
        network,
        nodes=(*network.nodes, replace(network.nodes[first], product="twin")),
        direct=np.vstack([network.direct, network.direct[first]]),
        output=np.append(
            np.where(np.arange(n) == first, network.output / 2, network.output),
            network.output[first] / 2,
        ),
        as_of=np.append(network.as_of, 0),
        edges=Edges(
            supplier=doubled(bought.supplier, n, sold),
            consumer=doubled(bought.consumer, None, sold),
            category=doubled(bought.category, None, sold),
            amount=np.concatenate([halves, halves[sold]]),
            mixed=doubled(bought.mixed, None, sold),
        ),
    )
    before, after = year.books(), Year(split, year.inside).books()
    for total in ("scope1", "upstream", "t2"):
        expected = getattr(before, total).at_least
        assert getattr(after, total).at_least == pytest.approx(expected, **TIGHT)


@settings(deadline=None, max_examples=40)
@given(years(), st.integers(0, 100))
def test_a_single_node_inside_has_its_footprint_over_its_own_multiplier(
    year: Year, which: int
) -> None:
    """T2 = m_j x_j / L_jj for one node, here alone at a place of its own."""
    network = year.network
    products = [i for i, node in enumerate(network.nodes) if node.product]
    j = products[which % len(products)]
    alone = place(99)
    nodes = list(network.nodes)
    nodes[j] = replace(nodes[j], place=alone)
    moved = replace(network, nodes=tuple(nodes), books={**network.books, alone: Book(365, 365)})
    big_l = leontief(year.A)
    expected = (year.e @ big_l)[j] * year.x[j] / big_l[j, j]
    books = assess(Solved.of(moved), frozenset({alone}), WEIGHTS)
    assert books.t2.at_least == pytest.approx(expected, **TIGHT)


@settings(deadline=None, max_examples=40)
@given(years(), st.integers(0, 100))
def test_freezing_a_product_at_its_own_footprint_changes_nothing(year: Year, which: int) -> None:
    solved = Solved.of(year.network)
    products = [i for i, node in enumerate(year.network.nodes) if node.product]
    j = products[which % len(products)]
    edges = year.network.edges
    kept = edges.consumer != j
    frozen_edges = Edges(
        edges.supplier[kept],
        edges.consumer[kept],
        edges.category[kept],
        edges.amount[kept],
        edges.mixed[kept],
    )
    direct = year.network.direct.copy()
    direct[j] = solved.footprints[j]
    frozen = Solved.of(replace(year.network, edges=frozen_edges, direct=direct))
    assert frozen.footprints == pytest.approx(solved.footprints, rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(years())
def test_deliveries_are_scope_1_and_the_gross_footprints_of_what_comes_in(year: Year) -> None:
    """T1 = m_P'ξ = S1 + m_O'z: the second form, with full footprints of what is bought."""
    books, inside = year.books(), year.is_inside
    m = year.e @ leontief(year.A)
    z = year.A[np.ix_(~inside, inside)] @ year.x[inside]
    assert books.t1 is not None
    assert books.t1.at_least == pytest.approx(books.scope1.at_least + m[~inside] @ z, **TIGHT)


@settings(deadline=None, max_examples=40)
@given(years())
def test_every_gas_alone_adds_up_to_the_totals(year: Year) -> None:
    """Each column as a network of its own; their CO2e are added only at the end."""
    books = year.books()
    alone = []
    for k in range(len(COLUMNS)):
        only = np.zeros_like(year.network.direct)
        only[:, k] = year.network.direct[:, k]
        alone.append(Year(replace(year.network, direct=only), year.inside).books())
    for total in ("scope1", "scope2", "scope3", "upstream", "t0", "t1", "t2"):
        added = sum(getattr(each, total).at_least for each in alone)
        assert added == pytest.approx(getattr(books, total).at_least, **TIGHT)
    for columns in ("scope1_columns", "upstream_columns"):
        added = sum(getattr(each, columns) for each in alone)
        assert added == pytest.approx(getattr(books, columns), rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(years())
def test_merging_all_firms_inside_leaves_scope_1_and_upstream_alone(year: Year) -> None:
    nodes = tuple(
        replace(node, owner="merged") if node.place in year.inside else node
        for node in year.network.nodes
    )
    before, after = year.books(), Year(replace(year.network, nodes=nodes), year.inside).books()
    assert list(after.scope1_by_owner) == ["merged"]
    for total in ("scope1", "upstream", "t2"):
        expected = getattr(before, total).at_least
        assert getattr(after, total).at_least == pytest.approx(expected, **TIGHT)


def looping(gain: float, size: int = 12) -> Year:
    """A ring outside, each product drawing ``gain`` of the one before; a works inside that draws
    one unit of the first, and a mill outside that draws on nothing and sells it another."""
    works, mill, n = size, size + 1, size + 2
    ring = np.arange(size)
    supplier = np.concatenate([ring, [0, mill]])
    nodes = tuple(
        Node(f"p{i}", place(i), f"firm-{i}", f"n{i}", "KGM", Feed.RECIPE) for i in range(n)
    )
    network = Network(
        2025,
        nodes,
        COLUMNS,
        np.ones((n, len(COLUMNS))),
        Edges(
            supplier=supplier,
            consumer=np.concatenate([(ring + 1) % size, [works, works]]),
            category=np.ones(len(supplier), dtype=np.int64),
            amount=np.concatenate([np.full(size, gain), [1.0, 1.0]]),
            mixed=np.zeros(len(supplier), dtype=bool),
        ),
        np.ones(n),
        (),
        {},
        {},
        {node.place: Book(365, 365) for node in nodes if node.place},
        np.arange(n, dtype=np.int64),
        (),
    )
    return Year(network, frozenset({place(works)}))


def test_a_component_of_gain_099_has_its_figures() -> None:
    """The ring sums to 1 / (1 − 0.99) = 100 times what one product emits."""
    year = looping(0.99)
    one = float(WEIGHTS.gross.sum())
    solved = Solved.of(year.network)
    assert WEIGHTS.co2e(solved.footprints[:12]) == pytest.approx(100 * one, rel=1e-12)
    books = year.books()
    assert (books.upstream.complete, books.returning) == (True, Assessed.ASSESSED)
    assert books.upstream.value == pytest.approx(101 * one, rel=1e-12)
    assert books.t2.value == pytest.approx(102 * one, rel=1e-12)


def test_a_component_of_gain_101_is_refused_and_nothing_else() -> None:
    year = looping(1.01)
    one = float(WEIGHTS.gross.sum())
    solved = Solved.of(year.network)
    with pytest.raises(LoopGain) as refused:
        product_footprint(solved, "p3", WEIGHTS)
    assert "n3" in str(refused.value)
    works, mill = (product_footprint(solved, each, WEIGHTS).amount for each in ("p12", "p13"))
    assert (works.value, works.at_least) == (None, pytest.approx(2 * one))
    assert mill.value == pytest.approx(one)
    books = year.books()
    assert (books.t2.value, books.t2.at_least) == (None, pytest.approx(2 * one))
    assert (books.scope1.value, books.t2_status) == (pytest.approx(one), Assessed.PARTIAL)
