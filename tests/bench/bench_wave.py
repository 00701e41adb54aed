"""Changes beside full solves: a million products that sell as raw materials and goods do.

Run with ``python -m tests.bench.bench_wave``.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.sparse import csc_array, csr_array

from graph.solving.live import Changes, LiveSolution
from graph.solving.many import upstream_of_each
from graph.solving.solve import Plan
from tests.bench.machine import best
from tests.bench.networks import QUANTITIES, generated
from tests.bench.row import Row

PRODUCTS = 1_000_000
CHANGES = 400
HUBS = 3
PARKS = 1_000
CONTRIBUTORS = 20


def run() -> list[Row]:
    """Measure; every figure beside a full solve of the same network in the same run."""
    A, direct = generated(PRODUCTS)
    live = LiveSolution(A, direct, np.zeros(PRODUCTS, np.uint8), np.zeros(PRODUCTS, np.int64))
    full = best(live.solve_anew)
    solve = "a full solve"
    size = f"{PRODUCTS:,} products, {A.nnz:,} inputs"
    ordinary, origins = _ordinary(live)
    hubs = [_changed(live, hub) for hub in range(HUBS)]
    parks = _parks(A, direct[:, 0])
    middle, late = np.median(ordinary), np.quantile(ordinary, 0.95)
    return [
        Row(f"a full solve, {size}", full * 1e3, "ms", 1.0, solve),
        Row("a changed product, all downstream, median", middle * 1e3, "ms", middle / full, solve),
        Row("the same, 95th percentile", late * 1e3, "ms", late / full, solve),
        Row("the dearest of all", max(ordinary) * 1e3, "ms", max(ordinary) / full, solve),
        Row(
            "a raw material that reaches everything", min(hubs) * 1e3, "ms", min(hubs) / full, solve
        ),
        Row(
            f"the {CONTRIBUTORS} largest contributors of a product, median",
            np.median(origins) * 1e3,
            "ms",
            np.median(origins) / 5e-3,
            "5 ms",
        ),
        Row(f"what {PARKS:,} parks draw from outside", parks, "s", parks / 10, "10 s"),
    ]


def _ordinary(live: LiveSolution) -> tuple[list[float], list[float]]:
    """Seconds per change of a random product, and per list of its contributors."""
    random = np.random.default_rng(7)
    chosen = random.integers(0, PRODUCTS, CHANGES).tolist()
    _changed(live, chosen[0])
    changes = [_changed(live, product) for product in chosen]
    origins = []
    for product in chosen:
        start = time.perf_counter()
        _largest(live, product)
        origins.append(time.perf_counter() - start)
    return changes, origins


def _changed(live: LiveSolution, product: int) -> float:
    random = np.random.default_rng(product)
    changes = Changes(direct={product: random.random(QUANTITIES)}, as_of={product: time.time_ns()})
    start = time.perf_counter()
    live.apply(changes)
    return time.perf_counter() - start


def _largest(live: LiveSolution, product: int) -> np.ndarray:
    upstream = live.upstream(product, share=1e-4)
    return upstream.nodes[np.argsort(upstream.units)[-CONTRIBUTORS:]]


def _parks(A: csr_array, direct: np.ndarray) -> float:
    """Seconds for parks that make half of all products among them."""
    random = np.random.default_rng(8)
    park = random.integers(0, 2 * PARKS, PRODUCTS)
    inside = np.flatnonzero(park < PARKS)
    made = csr_array((random.random(inside.size), (inside, park[inside])), shape=(PRODUCTS, PARKS))
    used = (A @ made).tocoo()
    crossing = park[used.row] != used.col
    cells = used.row[crossing], used.col[crossing]
    inflows = csc_array((used.data[crossing], cells), shape=used.shape)
    boundaries = [np.flatnonzero(park == each) for each in range(PARKS)]
    plan = Plan.of(A)
    upstream_of_each(plan, direct, boundaries[:1], inflows[:, :1])
    return best(lambda: upstream_of_each(plan, direct, boundaries, inflows), of=1)


def main() -> None:
    for row in run():
        print(f"{row.what:70} {row.value:9.4g} {row.unit:3} {row.ratio:8.4g} x {row.beside}")


if __name__ == "__main__":
    main()
