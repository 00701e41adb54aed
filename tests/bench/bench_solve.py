"""The solver beside networkx: 100 000 products, a million inputs, eight quantities.

Ratios count, both taken in one run on one machine; seconds are printed for orientation. Run with
``python -m tests.bench.bench_solve``.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import networkx as nx
import numpy as np
from scipy.sparse import csr_array

from graph.solve import Plan
from tests.bench.row import Row

PRODUCTS = 100_000
INPUTS = 1_000_000
QUANTITIES = 8
LOOPS = 3_000
LOOPED_ALONE = 3_000


def generated() -> tuple[csr_array, np.ndarray]:
    """Amounts and direct emissions, the same on every run.

    Products draw on products numbered before them, so that all loops are those put in: rings of
    two to eight neighbours, and products that use some of themselves. Every column adds up to 0.8.
    """
    random = np.random.default_rng(2026)
    heads = random.choice(PRODUCTS // 8 - 1, LOOPS, replace=False) * 8
    sizes = random.integers(2, 9, LOOPS)
    alone = random.choice(PRODUCTS, LOOPED_ALONE, replace=False)
    steps = np.concatenate(
        [np.arange(head, head + size - 1) for head, size in zip(heads, sizes, strict=True)]
    )
    rest = INPUTS - steps.size - LOOPS - LOOPED_ALONE
    later = random.integers(1, PRODUCTS, rest)
    earlier = (later * random.random(rest)).astype(np.int64)
    supplier = np.concatenate([earlier, steps, heads + sizes - 1, alone])
    consumer = np.concatenate([later, steps + 1, heads, alone])
    amount = random.lognormal(sigma=2, size=INPUTS)
    amount *= 0.8 / np.bincount(consumer, amount, PRODUCTS)[consumer]
    A = csr_array((amount, (supplier, consumer)), shape=(PRODUCTS, PRODUCTS))
    return A, random.random((PRODUCTS, QUANTITIES))


def with_networkx(A: csr_array, direct: np.ndarray) -> np.ndarray:
    """What a careful user of networkx writes: components, their order, one sum per product."""
    network = nx.DiGraph()
    network.add_nodes_from(range(A.shape[0]))
    entries = A.tocoo()
    network.add_weighted_edges_from(
        zip(entries.row.tolist(), entries.col.tolist(), entries.data.tolist(), strict=True)
    )
    condensed = nx.condensation(network)
    footprints = direct.copy()
    for component in nx.topological_sort(condensed):
        members = list(condensed.nodes[component]["members"])
        if len(members) == 1 and not network.has_edge(members[0], members[0]):
            _add_inputs(network, footprints, members[0], ())
        else:
            _close_loop(network, footprints, members)
    return footprints


def _add_inputs(network, footprints, product, besides) -> None:
    for supplier, edge in network.pred[product].items():
        if supplier not in besides:
            footprints[product] += edge["weight"] * footprints[supplier]


def _close_loop(network, footprints, members) -> None:
    at = {product: row for row, product in enumerate(members)}
    system = np.eye(len(members))
    for product in members:
        _add_inputs(network, footprints, product, at)
        for supplier in at.keys() & network.pred[product].keys():
            system[at[product], at[supplier]] -= network.pred[product][supplier]["weight"]
    footprints[members] = np.linalg.solve(system, footprints[members])


def timed(work):
    start = time.perf_counter()
    outcome = work()
    return time.perf_counter() - start, outcome


def run() -> list[Row]:
    """Measure. Our figures are the best of five, networkx runs once."""
    memory = _peak_memory()
    A, direct = generated()
    first, again, footprints = _ours(A, direct)
    theirs, expected = timed(lambda: with_networkx(A, direct))
    if not np.allclose(footprints, expected, rtol=1e-12, atol=0):
        raise AssertionError("both must arrive at the same footprints")
    size = f"{A.shape[0]:,} products, {A.nnz:,} inputs, {QUANTITIES} quantities"
    beside = "networkx and numpy"
    return [
        Row(f"plan and solve {size}", first, "s", theirs / first, beside),
        Row("solve again, structure known", again, "s", theirs / again, beside),
        Row("the same with networkx and numpy", theirs, "s", 1.0, beside),
        Row("peak memory of a process that does it", memory, "GB", memory, "1 GB"),
    ]


def _ours(A: csr_array, direct: np.ndarray) -> tuple[float, float, np.ndarray]:
    firsts, agains = [], []
    for _ in range(5):
        first, plan = timed(lambda: _planned_and_solved(A, direct))
        again, footprints = timed(lambda plan=plan: plan.footprints(direct))
        firsts.append(first)
        agains.append(again)
    return min(firsts), min(agains), footprints


def _planned_and_solved(A: csr_array, direct: np.ndarray) -> Plan:
    plan = Plan.of(A)
    plan.footprints(direct)
    return plan


def _peak_memory() -> float:
    """GB at most: the kernel lets a child begin with the peak of its parent."""
    command = [sys.executable, "-m", "tests.bench.bench_solve", "--memory"]
    root = Path(__file__).parents[2]
    child = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    return float(child.stdout)


def print_memory() -> None:
    _planned_and_solved(*generated())
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2)


def main() -> None:
    for row in run():
        print(f"{row.what:70} {row.value:9.4g} {row.unit:3} {row.ratio:8.4g} x {row.beside}")


if __name__ == "__main__":
    print_memory() if "--memory" in sys.argv else main()
