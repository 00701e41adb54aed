"""What holds of the quality of any figure, on random years with loops and what random firms say."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.reading.assurance import Assurance
from graph.reading.network import Floats, Network
from graph.solving.solved import Solved
from graph.tracing.draws import Draw, draw_of_boundary
from graph.tracing.facts import Amount, Datum, Facts, Taken
from graph.tracing.quality import Origins, Part, Quality, quality_table
from tests.graph.test_identities import WEIGHTS, Year, years

TIGHT = {"rel": 1e-9, "abs": 1e-12}
SHARE = 0.3
"""How often something is not said, or not primary."""


class Said(Facts):
    """What random firms say of their data. ``frozen`` replaces what is said of some nodes."""

    def __init__(self, network: Network, seed: int, frozen: Mapping[int, Datum] | None = None):
        self.network, self._day = network, dt.date(2025, 12, 31)
        self.seed, self.frozen = seed, frozen or {}

    def data(self, node: int) -> tuple[Datum, ...]:
        if node in self.frozen:
            return (self.frozen[node],)
        rng = np.random.default_rng([self.seed, node])
        return (
            Datum(
                index=node,
                emissions={},
                primary=float(rng.random()),
                ratings=(_rating(rng), _rating(rng), _rating(rng)),
                gsd=None,
                assurance=None if rng.random() < SHARE else rng.choice(list(Assurance)),
                middle=dt.date(int(rng.integers(2015, 2025)), 7, 1),
                as_of=node,
            ),
        )

    def amounts(self, node: int) -> Mapping[Taken, tuple[Amount, ...]]:
        rng = np.random.default_rng([self.seed, node, 1])
        edges, nodes = self.network.edges, self.network.nodes
        return {
            (nodes[edges.supplier[k]].product, int(edges.category[k])): (
                Amount(1.0, bool(rng.random() > SHARE), None),
            )
            for k in np.flatnonzero(edges.consumer == node)
        }


def _rating(rng: np.random.Generator) -> float | None:
    return None if rng.random() < SHARE else float(rng.uniform(1, 5))


def alpha(said: Said) -> Floats:
    """A∘α, written down anew."""
    edges, n = said.network.edges, len(said.network.nodes)
    amounts = np.zeros((n, n))
    for i, j, c, a in zip(
        edges.supplier, edges.consumer, edges.category, edges.amount, strict=True
    ):
        (line,) = said.amounts(int(j))[said.network.nodes[i].product, int(c)]
        amounts[i, j] += a * line.is_primary
    return amounts


@settings(max_examples=25, deadline=None)
@given(years(black_boxes=True), st.integers(0, 99))
def test_primary_data_reach_a_product_over_primary_amounts_alone(year: Year, seed: int) -> None:
    said = Said(year.network, seed)
    own = np.array([datum.primary for i in range(len(year.e)) for datum in said.data(i)])
    expected = np.linalg.solve((np.eye(len(own)) - alpha(said)).T, year.e * own)
    table = quality_table(Solved.of(year.network), WEIGHTS, said)
    assert table[:, Part.PRIMARY] == pytest.approx(expected, **TIGHT)
    assert table[:, Part.CARBON] == pytest.approx(
        np.linalg.solve((np.eye(len(own)) - year.A).T, year.e), **TIGHT
    )


@settings(max_examples=25, deadline=None)
@given(years(black_boxes=True), st.integers(0, 99))
def test_shares_lie_between_nothing_and_all_and_grades_on_their_scale(
    year: Year, seed: int
) -> None:
    table = quality_table(Solved.of(year.network), WEIGHTS, Said(year.network, seed))
    for row in table[year.e > 0]:
        found = Quality.of(row, complete=True, oldest=None)
        assert found.primary.value is not None
        assert -1e-12 <= found.primary.value <= 1 + 1e-12
        assert sum(found.rungs.values()) == pytest.approx(1)
        assert -1e-12 <= sum(found.verified.values()) <= 1 + 1e-12
        for rating in found.ratings.values():
            assert rating.of_told is None or 1 - 1e-9 <= rating.of_told <= 5 + 1e-9


@settings(max_examples=25, deadline=None)
@given(years(), st.integers(0, 99), st.integers(0, 10**6))
def test_freezing_a_product_at_its_own_figure_moves_no_share(
    year: Year, seed: int, which: int
) -> None:
    network, said = year.network, Said(year.network, seed)
    products = [i for i, node in enumerate(network.nodes) if node.product]
    node = products[which % len(products)]
    solved = Solved.of(network)
    before = quality_table(solved, WEIGHTS, said)
    share = before[node, Part.PRIMARY] / before[node, Part.CARBON] if before[node, 0] else 0.0
    stay = network.edges.consumer != node
    edges = replace(
        network.edges,
        **{
            name: getattr(network.edges, name)[stay]
            for name in ("supplier", "consumer", "category", "amount", "mixed")
        },
    )
    direct = network.direct.copy()
    direct[node] = solved.footprints[node]
    frozen = replace(network, edges=edges, direct=direct)
    leaf = {node: replace(said.data(node)[0], primary=float(share))}
    after = quality_table(Solved.of(frozen), WEIGHTS, Said(frozen, seed, leaf))
    columns = [Part.CARBON, Part.PRIMARY]
    assert after[:, columns] == pytest.approx(before[:, columns], **TIGHT)


@settings(max_examples=25, deadline=None)
@given(years(), st.integers(0, 99))
def test_a_boundary_weighs_all_of_its_carbon_and_nothing_else(year: Year, seed: int) -> None:
    origins = _of_park(year, seed)
    books = year.books()
    assert origins.quality.carbon == pytest.approx(books.t2.at_least, **TIGHT)
    assert origins.of_scope1.carbon == pytest.approx(books.scope1.at_least, **TIGHT)
    assert origins.of_upstream.carbon == pytest.approx(books.upstream.at_least, **TIGHT)


@settings(max_examples=25, deadline=None)
@given(years(), st.integers(0, 99))
def test_a_boundary_has_the_primary_data_of_what_it_emits_and_takes_in(
    year: Year, seed: int
) -> None:
    # With every place's rest left out, recipes speak for themselves.
    year = replace(year, network=replace(year.network, books={}))
    said, inside = Said(year.network, seed), year.is_inside
    own = year.e * np.array([said.data(i)[0].primary for i in range(len(year.e))])
    measured, made = alpha(said), year.x * inside
    outside = np.flatnonzero(~inside)
    among = np.eye(len(outside)) - measured[np.ix_(outside, outside)]
    per_unit = np.linalg.solve(among.T, own[outside])
    expected = own @ made + per_unit @ (measured @ made)[outside]
    found = _of_park(year, seed).parts[:, Part.PRIMARY].sum()
    assert found == pytest.approx(expected, **TIGHT)


def _of_park(year: Year, seed: int) -> Origins:
    solved, said = Solved.of(year.network), Said(year.network, seed)
    draw: Draw = draw_of_boundary(solved, WEIGHTS, said, year.inside, year.books())
    return Origins.of(draw)
