"""Parks in a network of a million products: one with all its books, and a thousand totals.

Ratios are to one solve of the whole network with eight quantities, its structure known. Run with
``python -m tests.bench.bench_park``.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from graph.figures.boundary import assess, assess_totals
from graph.reading.network import Column, Edges, Network, Node
from graph.reading.year import Place
from graph.solving.characterise import characterise
from graph.solving.solved import Solved
from graph.terms import Feed
from tests.bench.row import Row

PRODUCTS = 1_000_000
INPUTS = 10_000_000
LEVELS = 12
PARKS = 1_000
TENANTS = 40
PER_TENANT = 5
QUANTITIES = 8
WHOLE_YEAR = dt.date(2025, 1, 1), dt.date(2026, 1, 1)
COLUMNS = tuple(
    Column(gas, origin) for gas in ("CO2", "CH4", "N2O", "SF6") for origin in ("fossil", "land-use")
)

T = TypeVar("T")


def generated() -> tuple[Network, list[list[Place]]]:
    """A year, the same on every run, and parks of forty sites with five products each.

    Products draw on ten that stand before them, mostly on an earlier level; one in a hundred is
    drawn on by the next as well, so that there are loops. Sites beyond the parks have one product.
    """
    random = np.random.default_rng(2026)
    consumer = np.repeat(np.arange(PRODUCTS), INPUTS // PRODUCTS)
    band = PRODUCTS // LEVELS
    reach = np.maximum(consumer - consumer % band, 1)
    supplier = (reach * random.random(INPUTS)).astype(np.int64)
    looped = np.flatnonzero((consumer % 100 == 1) & (np.arange(INPUTS) % 10 == 0))
    supplier[looped] = consumer[looped] - 1
    back = np.flatnonzero((consumer % 100 == 0) & (np.arange(INPUTS) % 10 == 0))
    supplier[back] = np.minimum(consumer[back] + 1, PRODUCTS - 1)
    keep = supplier != consumer
    supplier, consumer = supplier[keep], consumer[keep]
    amount = random.lognormal(sigma=2, size=len(supplier))
    amount *= 0.8 / np.bincount(consumer, amount, PRODUCTS)[consumer]
    sites, parks = _sites(random)
    network = Network(
        2025,
        tuple(_node(i, site) for i, site in enumerate(sites)),
        COLUMNS,
        random.random((PRODUCTS, QUANTITIES)),
        Edges(
            supplier=supplier,
            consumer=consumer,
            category=random.integers(1, 9, len(supplier)),
            amount=amount,
            mixed=np.zeros(len(supplier), dtype=bool),
        ),
        np.ones(PRODUCTS),
        (),
        {},
        {},
        {},
        np.zeros(PRODUCTS, dtype=np.int64),
        (),
        site_owners={f"s{site}": f"e{site}" for site in set(sites)},
    )
    return network, [[_place(site) for site in park] for park in parks]


def _sites(random: np.random.Generator) -> tuple[list[int], list[list[int]]]:
    """The site of each product, and the sites of each park."""
    inside = random.choice(PRODUCTS, PARKS * TENANTS * PER_TENANT, replace=False)
    site = np.arange(PRODUCTS) + PARKS * TENANTS
    site[inside] = np.repeat(np.arange(PARKS * TENANTS), PER_TENANT)
    parks = np.arange(PARKS * TENANTS).reshape(PARKS, TENANTS)
    return site.tolist(), parks.tolist()


def _place(site: int) -> Place:
    return Place(f"s{site}", *WHOLE_YEAR)


def _node(i: int, site: int) -> Node:
    return Node(f"p{i}", _place(site), f"e{site}", f"n{i}", "KGM", Feed.RECIPE)


def timed(work: Callable[[], T], times: int = 1) -> tuple[float, T]:
    """The best of several times, and what came of it."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        outcome = work()
        took.append(time.perf_counter() - start)
    return min(took), outcome


def run(parks: int = PARKS) -> list[Row]:
    network, places = generated()
    weights = characterise(COLUMNS, "AR6")
    solved = Solved.of(network)
    whole, _ = timed(lambda: solved.plan.footprints(network.direct), 3)
    first, _ = timed(lambda: assess(solved, places[0], weights))
    one, books = timed(lambda: assess(solved, places[0], weights), 3)
    many, totals = timed(lambda: assess_totals(solved, places[:parks], weights))
    if not np.isclose(totals[0].t2.at_least, books.t2.at_least, rtol=1e-9):
        raise AssertionError("one park and many must arrive at the same figure")
    size = f"{PRODUCTS:,} products, {len(network.edges.amount):,} inputs"
    beside = f"one solve of all, {QUANTITIES} quantities"
    return [
        Row(f"solve {size}, {QUANTITIES} quantities, structure known", whole, "s", 1.0, beside),
        Row("first park of a network: all its books", first, "s", first / whole, beside),
        Row("any further park: T0, T1, T2, categories, origins", one, "s", one / whole, beside),
        Row(f"totals of {parks:,} parks", many, "s", many / whole, beside),
    ]


def main() -> None:
    for row in run():
        print(f"{row.what:70} {row.value:9.4g} {row.unit:3} {row.ratio:8.4g} x {row.beside}")


if __name__ == "__main__":
    main()
