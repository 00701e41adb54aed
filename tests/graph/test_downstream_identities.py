"""Identities of what lies after the gate, on random years and on an official table.

The dense formulas are the definitions, written down a second time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.books.downstream import GOODS, Downstream, Flows, Sides, downstream, upstream_shares
from graph.figures.boundary import Fence
from graph.figures.services import Priced, Services
from graph.reading.gate import NOTHING, Told
from graph.reading.network import Book, Edges, Floats, Gap, Network, Node
from graph.reading.year import Place
from graph.solving.characterise import characterise
from graph.solving.solved import Solved
from graph.terms import Assessed
from tests.graph.nets import network_of
from tests.graph.test_identities import TIGHT, WEIGHTS, Year, leontief, place, years


class PlainGate:
    """Every product weighs as much as its unit says, and nothing happens to it after the gate."""

    def mass(self, node: Node) -> float | None:
        return 0.0 if node.product is None or node.carrier else 1.0

    def told(self, node: Node, category: int) -> Told | None:
        return NOTHING

    def costs(self, node: Node) -> Mapping[str, float] | None:
        return None


class NoServices(Services):
    def __init__(self) -> None:
        pass

    def priced(self, wanted: object) -> list[Priced]:
        assert not wanted
        return []


@dataclass(frozen=True)
class Split:
    """A random year with a boundary, as the code sees it and as dense arrays."""

    year: Year
    carriers: np.ndarray

    @property
    def fence(self) -> Fence:
        return Fence(Solved.of(self.year.network), self.year.inside, WEIGHTS)

    @property
    def found(self) -> Downstream:
        return downstream(Sides.of(self.fence), PlainGate(), NoServices())

    @property
    def inside(self) -> np.ndarray:
        return self.year.is_inside

    @property
    def drawn(self) -> Floats:
        """x inside; v = (I − A_OO)⁻¹ z outside."""
        year, outside = self.year, ~self.inside
        bought = year.A[np.ix_(outside, self.inside)] @ year.x[self.inside]
        drawn = year.x.copy()
        drawn[outside] = leontief(year.A[np.ix_(outside, outside)]) @ bought
        return drawn

    @property
    def r(self) -> Floats:
        return np.where(self.inside, 0.0, self.drawn / self.year.x)

    @property
    def q(self) -> Floats:
        """By mass, every unit weighing the same; carriers are left out on both ends."""
        edges = self.year.network.edges
        kg = np.zeros_like(self.year.A)
        goods = edges.category == GOODS
        np.add.at(kg, (edges.supplier[goods], edges.consumer[goods]), edges.amount[goods])
        kg[self.carriers], kg[:, self.carriers] = 0, 0
        total = kg.sum(axis=0)
        for gap in self.year.network.gaps:
            total[gap.node] += gap.amount
        key = np.divide(kg, total, out=np.zeros_like(kg), where=total > 0)
        outside = ~self.inside
        q = np.zeros(len(kg))
        from_inside = key[np.ix_(self.inside, outside)].sum(axis=0)
        q[outside] = from_inside @ leontief(key[np.ix_(outside, outside)])
        return q


@st.composite
def splits(draw: st.DrawFn) -> Split:
    """Half of all inputs are goods; a few products outside are power that no power goes into.

    Everything also takes in some ore that nobody registered, so no loop of materials is closed.
    """
    year = draw(years())
    network = year.network
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    product = np.array([node.product is not None for node in network.nodes])
    carriers = product & ~year.is_inside & (rng.random(len(product)) < 0.3)
    edges = network.edges
    kept = ~(carriers[edges.supplier] & carriers[edges.consumer])
    category = np.where(rng.random(len(kept)) < 0.5, GOODS, edges.category)
    less = Edges(
        edges.supplier[kept],
        edges.consumer[kept],
        category[kept],
        edges.amount[kept],
        edges.mixed[kept],
    )
    nodes = tuple(
        replace(node, carrier="electricity") if carriers[i] else node
        for i, node in enumerate(network.nodes)
    )
    ores = [
        Gap(j, "unregistered", "ore", None, float(amount), "KGM", GOODS)
        for j, amount in enumerate(rng.random(len(nodes)) * year.A.mean(axis=0) + 1e-9)
        if not carriers[j]
    ]
    changed = replace(network, nodes=nodes, edges=less, gaps=tuple(ores))
    return Split(Year(changed, year.inside), carriers)


@settings(deadline=None, max_examples=60)
@given(years())
def test_the_share_upstream_is_the_same_by_supply_and_by_sale(year: Year) -> None:
    """r by supply, v/x, equals r by sale: what is sold inside, and to others by their r (Ghosh)."""
    fence = Fence(Solved.of(year.network), year.inside, WEIGHTS)
    flows = Flows.of(Sides.of(fence))
    refused = np.zeros(len(year.x), dtype=bool)
    by_supply = upstream_shares(year.network, flows, refused)
    sold = year.A * year.x / year.x[:, None]
    inside, outside = year.is_inside, ~year.is_inside
    to_inside = sold[np.ix_(outside, inside)].sum(axis=1)
    by_sale = np.linalg.solve(
        np.eye(int(outside.sum())) - sold[np.ix_(outside, outside)], to_inside
    )
    assert by_supply[outside] == pytest.approx(by_sale, **TIGHT)
    assert (by_sale <= 1 + 1e-9).all()


@settings(deadline=None, max_examples=60)
@given(years())
def test_what_never_returns_is_the_same_with_and_without_recipes_inside(year: Year) -> None:
    """x_P − A_PP x_P − A_PO v = (L_PP)⁻¹ x_P."""
    inside = year.is_inside
    delivered = Flows.of(Sides.of(Fence(Solved.of(year.network), year.inside, WEIGHTS))).delivered
    multipliers = leontief(year.A)[np.ix_(inside, inside)]
    expected = np.linalg.solve(multipliers, year.x[inside])
    assert delivered[inside] / year.x[inside] == pytest.approx(
        expected / year.x[inside], rel=1e-7, abs=1e-7
    )


@settings(deadline=None, max_examples=80)
@given(splits())
def test_every_outside_emission_is_split_once(split: Split) -> None:
    """Upstream, processing and what is not the boundary's add up, and none of it is negative."""
    year, found = split.year, split.found
    outside, r, q = ~split.inside, split.r, split.q
    processed = np.where(outside, (1 - r) * q, 0.0)
    emitted = year.e * year.x
    own = processed * emitted
    to_power = (year.A * year.x)[split.carriers] @ processed
    power = np.zeros(len(own))
    power[split.carriers] = year.e[split.carriers] * to_power
    upstream = np.where(outside, r * emitted, 0.0)
    others = np.where(outside, emitted - upstream - own - power, 0.0)
    assert (others >= -1e-9 * (emitted + 1e-12)).all()
    (processing,) = (s for s in found.stages if s.category == 10)
    assert processing.amount.value == pytest.approx((own + power).sum(), **TIGHT)
    fence = split.fence
    counted = fence.scope1.at_least + fence.upstream.at_least + processing.amount.at_least
    assert counted + others.sum() == pytest.approx(emitted.sum(), **TIGHT)


@settings(deadline=None, max_examples=40)
@given(splits())
def test_shares_lie_between_nothing_and_all(split: Split) -> None:
    for share in split.found.shares:
        assert share.upstream == pytest.approx(split.r[share.node], **TIGHT)
        assert share.processing == pytest.approx(split.q[share.node], **TIGHT)
        assert 0 <= share.upstream <= 1
        assert 0 <= share.processing <= 1 + 1e-9


# -- an official table -------------------------------------------------------------------------


def state_as_park(folder: Path) -> tuple[Network, frozenset[Place]]:
    """A US state (the first half of the sectors) and the rest of the country; units are dollars."""
    matrices = {name: np.array(json.loads((folder / "matrix" / f"{name}.json").read_text()))
                for name in ("A", "D", "L")}  # fmt: skip
    sectors = json.loads((folder / "sectors.json").read_text())
    indicators = json.loads((folder / "indicators.json").read_text())
    (row,) = (i["index"] for i in indicators if i["code"] == "GHG")
    produced = sorted((folder / "demands").glob("*_Production_Complete.json"))
    demand = sum(
        np.array([row["amount"] for row in json.loads(path.read_text())]) for path in produced
    )
    state = [sector["location"] != "RoUS" for sector in sectors]
    network = network_of(matrices["A"], matrices["D"][row])
    places = [place(0 if inside else 1) for inside in state]
    nodes = tuple(
        replace(node, place=places[i], owner=places[i].site, name=sectors[i]["id"])
        for i, node in enumerate(network.nodes)
    )
    books = {each: Book(365, 365) for each in places}
    output = matrices["L"] @ demand
    return replace(network, nodes=nodes, output=output, books=books), frozenset({place(0)})


def test_sectors_of_which_more_is_drawn_than_made_are_named_in_an_official_table(
    shared: Path,
) -> None:
    """California: net imports make r exceed 1, up to 1.446; these and no others are left out."""
    network, inside = state_as_park(shared / "useeio-states" / "CA")
    fence = Fence(Solved.of(network), inside, characterise(network.columns, "AR6"))
    assert fence.scope1.at_least / 1e9 == pytest.approx(238.050, abs=5e-4)
    assert fence.upstream.at_least / 1e9 == pytest.approx(185.185, abs=5e-4)
    r = fence.made_outside / network.output
    assert r.max() == pytest.approx(1.446, abs=5e-4)
    found = downstream(Sides.of(fence), PlainGate(), NoServices())
    (processing,) = (s for s in found.stages if s.category == 10)
    named = {c.node for c in processing.concerns if c.reason == "draws-exceed-output"}
    assert named == set(map(int, np.flatnonzero(r > 1 + 1e-9)))
    assert processing.status is Assessed.PARTIAL
    assert 0 < processing.amount.at_least < float(network.direct[:, 0] @ network.output)
