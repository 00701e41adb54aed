"""The solver beside what the machine allows and what others offer.

Ratios count, both taken in one run on one machine; seconds are printed for orientation. Run with
``python -m tests.bench.bench_solve``.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import warnings
from pathlib import Path

import networkx as nx
import numpy as np
from scipy.sparse import csr_array

from graph.solving.live import LiveSolution
from graph.solving.solve import Plan
from tests.bench.machine import best, gather_rate, stream_rate
from tests.bench.networks import QUANTITIES, generated
from tests.bench.row import Row

SIZES = (10_000, 100_000, 1_000_000)
BRIGHTWAY = (10_000, 100_000)
NETWORKX = 100_000
PATIENCE = 60.0
"""Seconds that another program gets."""


def run() -> list[Row]:
    """Measure. Passes are the best of three, plans of two, other programs run once."""
    # The kernel lets a child begin with the peak of its parent, so this one comes first.
    memory = _in_a_child("--memory")
    gathers, streamed = gather_rate(), stream_rate()
    rows = [
        Row("rows of 8 gathered at random, one core", gathers / 1e6, "M/s", 1.0, "the machine"),
        Row("memory read in a row, one core", streamed / 1e9, "GB/s", 1.0, "the machine"),
    ]
    solves = {}
    for products in SIZES:
        A, direct = generated(products)
        planned, solves[products], footprints = _ours(A, direct)
        limit = A.nnz / gathers
        what = f"{products:,} products, {A.nnz:,} inputs, {QUANTITIES} quantities"
        plan = Row(f"plan, {what}", planned, "s", planned / limit, "the gather limit")
        solve = solves[products]
        rows += [plan, Row(f"solve, {what}", solve, "s", solve / limit, "the gather limit")]
        if products in BRIGHTWAY:
            rows.append(_brightway(products, solve))
        if products == NETWORKX:
            rows.append(_networkx(A, direct, footprints, solve))
    growth = solves[SIZES[-1]] / solves[SIZES[-2]]
    rows += [
        Row("solving ten times the products", growth, "x", growth / 12, "12 x the time"),
        Row(
            "peak memory of a process that plans and solves these", memory, "GB", memory / 2, "2 GB"
        ),
    ]
    return rows


def _ours(A: csr_array, direct: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Seconds to plan, and to solve with the compiled pass; the footprints."""
    planned = best(lambda: Plan.of(A), of=2)
    n = A.shape[0]
    live = LiveSolution(A, direct, np.zeros(n, dtype=np.uint8), np.zeros(n, dtype=np.int64))
    solved = best(live.solve_anew)
    return planned, solved, live.solution().footprints.copy()


def _networkx(A: csr_array, direct: np.ndarray, expected: np.ndarray, ours: float) -> Row:
    outcome: list[np.ndarray] = []
    theirs = best(lambda: outcome.append(with_networkx(A, direct)), of=1)
    if not np.allclose(outcome[0], expected, rtol=1e-9, atol=0):
        raise AssertionError("both must arrive at the same footprints")
    return Row(f"networkx, {len(direct):,} products", theirs, "s", theirs / ours, "our solve")


def _brightway(products: int, ours: float) -> Row:
    """In a process of its own, stopped after a while."""
    try:
        theirs, what = _in_a_child("--brightway", str(products), seconds=PATIENCE), "bw2calc"
    except subprocess.TimeoutExpired:
        theirs, what = PATIENCE, "bw2calc, stopped before it was done"
    return Row(f"{what}, {products:,} products", theirs, "s", theirs / ours, "our solve")


def print_brightway(products: int) -> None:
    A, direct = generated(products)
    outcome: list[np.ndarray] = []
    taken = best(lambda: outcome.append(_with_brightway(A, direct)), of=1)
    if not np.allclose(outcome[0], Plan.of(A).footprints(direct), rtol=1e-6, atol=0):
        raise AssertionError("both must arrive at the same footprints")
    print(taken)


def _with_brightway(A: csr_array, direct: np.ndarray) -> np.ndarray:
    """Its matrices, and its factorisation of them solved for all products at once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import bw2calc
        import bw_processing
    entries, n = A.tocoo(), A.shape[0]
    package = bw_processing.create_datapackage()
    used = np.array([*zip(entries.row + n, entries.col + n, strict=True)], dtype="i4,i4")
    made = np.array([(i, i) for i in range(n, 2 * n)], dtype="i4,i4")
    kinds = [("row", "i4"), ("col", "i4")]
    package.add_persistent_vector(
        matrix="technosphere_matrix",
        indices_array=np.concatenate([made, used]).astype(kinds),
        data_array=np.concatenate([np.ones(n), entries.data]),
        flip_array=np.repeat([False, True], [n, len(used)]),
    )
    flows = np.array([(c, j + n) for j in range(n) for c in range(QUANTITIES)], dtype="i4,i4")
    package.add_persistent_vector(
        matrix="biosphere_matrix", indices_array=flows.astype(kinds), data_array=direct.ravel()
    )
    lca = bw2calc.LCA(demand={n: 1}, data_objs=[package])
    lca.load_lci_data()
    order = [lca.dicts.activity[n + j] for j in range(n)]
    solve = bw2calc.factorized(lca.technosphere_matrix.T.tocsc())
    emitted = lca.biosphere_matrix.toarray()
    solved = np.column_stack([solve(emitted[lca.dicts.biosphere[c]]) for c in range(QUANTITIES)])
    return solved[[lca.dicts.product[n + j] for j in range(n)] if order else []]


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


def _in_a_child(*arguments: str, seconds: float | None = None) -> float:
    """The number that a process of its own prints."""
    command = [sys.executable, "-m", "tests.bench.bench_solve", *arguments]
    root = Path(__file__).parents[2]
    child = subprocess.run(command, cwd=root, check=True, capture_output=True, timeout=seconds)
    return float(child.stdout)


def print_memory() -> None:
    A, direct = generated(SIZES[-1])
    Plan.of(A).footprints(direct)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2)


def main() -> None:
    for row in run():
        print(f"{row.what:70} {row.value:9.4g} {row.unit:4} {row.ratio:8.4g} x {row.beside}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--memory"]:
            print_memory()
        case ["--brightway", products]:
            print_brightway(int(products))
        case _:
            main()
