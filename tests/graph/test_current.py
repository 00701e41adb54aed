"""A year kept up with the log and a year read from nothing are the same, at every prefix."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.keeping.history import History
from graph.keeping.running import Running
from graph.reading.current import CurrentYear
from graph.reading.network import Estimate, Network
from graph.solving.solved import Solved
from tests.factory import Actor, Factory
from tests.graph.ask import YEAR, co2
from tests.graph.world import World

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

AUTUMN = dt.date(2025, 10, 1)


def by_node(network: Network) -> dict[Any, Any]:
    """What each node is, without its number: it depends on the order of coming."""
    names = [(node.product, node.place) for node in network.nodes]
    edges = network.edges
    drawn: dict[Any, list[Any]] = {name: [] for name in names}
    for k, consumer in enumerate(edges.consumer):
        amount = float(f"{edges.amount[k]:.9g}")
        drawn[names[consumer]].append((names[edges.supplier[k]], int(edges.category[k]), amount))
    gaps: dict[Any, list[Any]] = {name: [] for name in names}
    for gap in network.gaps:
        amount = f"{gap.amount:.9g}"
        told = gap.reason, gap.wanted, gap.unit, amount, filled(gap.estimate), repr(gap.grid)
        gaps[names[gap.node]].append(told)
    emitted = [
        {column: float(f"{kg:.9g}") for column, kg in zip(network.columns, row, strict=True) if kg}
        for row in network.direct
    ]
    return {
        name: (
            network.nodes[i],
            emitted[i],
            None if np.isnan(network.output[i]) else float(f"{network.output[i]:.9g}"),
            int(network.as_of[i]),
            i in network.partly_told,
            sorted(map(repr, drawn[name])),
            sorted(gaps[name]),
            filled(network.stand_ins.get(i)),
        )
        for i, name in enumerate(names)
    }


def filled(estimate: Estimate | None) -> str:
    """What the ladder says, to nine digits."""
    if estimate is None:
        return ""
    kg = {str(column): f"{each:.9g}" for column, each in estimate.emissions.items()}
    return repr((estimate.factor, estimate.index, estimate.gsd, sorted(kg.items())))


def around(network: Network) -> Any:
    findings = {finding.sentence for finding in network.findings}
    return network.books, network.site_owners, network.site_as_of, findings


def steps(
    f: Factory, first: int, stride: int, day: dt.date | None = None
) -> Iterator[tuple[CurrentYear, CurrentYear]]:
    """The year followed in steps of ``stride`` entries, each beside the year read from nothing."""
    history = History(f.log)
    followed = CurrentYear(history.at(first), YEAR, day)
    for size in range(first + stride, f.log.size() + 1, stride):
        standing = history.at(size)
        spoken = history.spoken(followed.standing, standing)
        assert spoken is not None
        followed.follow(standing, spoken)
        yield followed, CurrentYear(standing, YEAR, day)


@pytest.mark.parametrize(
    ("seed", "stride", "day"), [(1, 1, None), (2, 1, None), (3, 4, None), (6, 2, AUTUMN)]
)
def test_following_a_random_life_is_reading_it_anew(
    new_factory: Callable[..., Factory], seed: int, stride: int, day: dt.date | None
) -> None:
    f = new_factory(seed=seed)
    world, first = World(f, random.Random(seed)), f.log.size()
    for _ in range(60):
        world.step()
    for followed, anew in steps(f, first, stride, day):
        assert by_node(followed.network()) == by_node(anew.network())
        assert around(followed.network()) == around(anew.network())


def test_a_fork_goes_its_own_way(factory: Factory, acme: Actor, site: str, steel: str) -> None:
    acme.recipe(steel, site, emissions=co2("2"))
    history = History(factory.log)
    one = CurrentYear(history.live(), YEAR)
    before = by_node(one.network())
    other = one.fork()
    acme.production(steel, site, "10")
    standing = history.live()
    spoken = history.spoken(one.standing, standing)
    assert spoken is not None
    other.follow(standing, spoken)
    assert by_node(one.network()) == before
    assert by_node(other.network()) == by_node(CurrentYear(standing, YEAR).network())


def test_what_is_said_of_a_product_after_it_left_a_site_is_no_word_about_the_site(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """Also where both are followed in one step."""
    made = acme.recipe(steel, site, emissions=co2("2"))
    first = factory.log.size()
    left = acme.withdraw(made)
    acme.footprint(steel, "3", site=acme.site("Other"))
    (both,) = steps(factory, first, factory.log.size() - first)
    assert [year.site_as_of[site] for year in both] == [left.index] * 2


# --- What a wave reads -----------------------------------------------------------------------


def test_a_corrected_footprint_makes_no_buyer_read_its_lines_again(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    ore = acme.product("Ore")
    stated = acme.footprint(ore, "0.3")
    acme.recipe(steel, site, inputs=[(ore, "1.6", "KGM")])
    history = History(factory.log)
    year = CurrentYear(history.live(), YEAR)
    acme.correct(stated, pact=acme.pact_body("0.4"))
    standing = history.live()
    spoken = history.spoken(year.standing, standing)
    assert spoken is not None
    wave = year.follow(standing, spoken)
    assert {product for product, _ in wave.accounts} == {ore}


def test_what_moves_no_figure_moves_nothing(factory: Factory, acme: Actor, steel: str) -> None:
    acme.footprint(steel, "2")
    history = History(factory.log)
    year = CurrentYear(history.live(), YEAR)
    network = year.network()
    acme.disclose("footprint", steel)
    standing = history.live()
    spoken = history.spoken(year.standing, standing)
    assert spoken is not None
    assert year.follow(standing, spoken).is_empty
    assert year.network() is network


# --- Solved on the way -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", [4, 5])
def test_a_solution_taken_on_is_the_solution_of_the_network(
    new_factory: Callable[..., Factory], seed: int
) -> None:
    """Live from the first node on, against planning and solving the whole at every entry."""
    f = new_factory(seed=seed)
    world = World(f, random.Random(seed))
    for _ in range(10):
        world.step()
    history = History(f.log)
    running = Running(CurrentYear(history.live(), YEAR), live_from=1)
    running.solved()
    for _ in range(60):
        before = history.live()
        world.step()
        spoken = history.spoken(before, history.live())
        assert spoken is not None
        running.follow(history.live(), spoken)
        live, whole = running.solved(), Solved.of(running.current.network())
        for name in ("footprints", "estimated", "spread"):
            assert_allclose(getattr(live, name), getattr(whole, name), rtol=1e-9, atol=1e-12)
        for name in ("incomplete", "open_ended", "as_of"):
            assert_array_equal(getattr(live, name), getattr(whole, name))
