"""Naming the loop: which products of a refused component feed one another, and how strongly."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from graph.errors import NoLoop

_STARTS = 64
"""Products from which the best loop is sought when no single loop gains."""

_ROUNDING = 1e-12


def worst_loop(
    block: csr_array, nodes: NDArray[np.int64] | Sequence[int]
) -> tuple[list[int], float]:
    """The loop to show to the people who can mend a refused component.

    Parameters
    ----------
    block:
        The amounts inside one strongly connected component, suppliers in rows: ``block[a, b]`` of
        ``nodes[a]`` is used per declared unit of ``nodes[b]``.
    nodes:
        The product number of each row.

    Returns
    -------
    The products in the order of supply, the last one feeding the first, beginning with the
    smallest number; and the product of the amounts around the loop, which no change of units
    alters. Credits count with their size, so that the result is negative for an odd number.

    A loop with a gain of one or more is returned if there is any: it is a negative cycle of the
    weights ``-log |a|`` and found by Bellman and Ford's method. **There need not be one.** A
    component is refused for its spectral radius, the growth of all its paths together: four
    products that each use 0.35 of the three others have no loop above 0.35 * 0.35, yet so many
    loops that 1 becomes 1.05 at every step. Then the strongest single loop is returned as an
    example, found by shortest paths from the 64 products with the strongest links in and out; in
    components of up to that size there is none stronger.

    Raises
    ------
    NoLoop
        Nothing in the block feeds itself.
    """
    network = _weighted(block)
    cycle = _gaining_loop(network) or _strongest_loop(network)
    if cycle is None:
        raise NoLoop(products=len(nodes))
    gain = math.prod(network.edges[edge]["amount"] for edge in _edges(cycle))
    return _from_smallest([int(nodes[row]) for row in cycle]), gain


def _weighted(block: csr_array) -> nx.DiGraph[int]:
    """Edges from supplier to consumer; short where the amount is large.

    The tiny discount makes a loop whose gain is exactly one count as gaining.
    """
    network: nx.DiGraph[int] = nx.DiGraph()
    entries = block.tocoo()
    for supplier, consumer, amount in zip(
        entries.row.tolist(), entries.col.tolist(), entries.data.tolist(), strict=True
    ):
        if amount:
            weight = -math.log(abs(amount)) - _ROUNDING
            network.add_edge(supplier, consumer, amount=amount, weight=weight)
    return network


def _gaining_loop(network: nx.DiGraph[int]) -> list[int] | None:
    looped = nx.nodes_with_selfloops(network)
    alone = next((row for row in looped if _weight(network, row, row) < 0), None)
    if alone is not None:
        return [alone]
    if not network:
        return None
    try:
        return list(nx.find_negative_cycle(network, next(iter(network))))[:-1]
    except nx.NetworkXError:
        return None


def _strongest_loop(network: nx.DiGraph[int]) -> list[int] | None:
    """The shortest loop through any of the best-linked products; no loop is negative here.

    Bellman and Ford's distances make all weights non-negative (Johnson 1977), for Dijkstra's sake,
    and leave the lengths of loops as they were. The shortest loop so far bounds the next search.
    """
    starts = sorted(network, key=lambda row: _throughput(network, row))[:_STARTS]
    height = nx.single_source_bellman_ford_path_length(network, starts[0]) if starts else {}

    def lifted(supplier: int, consumer: int, edge: dict[str, float]) -> float:
        return max(edge["weight"] + height[supplier] - height[consumer], 0.0)

    shortest, ends = math.inf, None
    for start in starts:
        lengths = nx.single_source_dijkstra_path_length(network, start, shortest, lifted)
        for last in network.pred[start].keys() & lengths.keys():
            length = lengths[last] + lifted(last, start, network.edges[last, start])
            if length < shortest:
                shortest, ends = length, (start, last)
    return nx.dijkstra_path(network, *ends, weight=lifted) if ends else None


def _throughput(network: nx.DiGraph[int], row: int) -> float:
    """Weight of the strongest link in plus that of the strongest link out."""
    entering = min((_weight(network, other, row) for other in network.pred[row]), default=math.inf)
    leaving = min((_weight(network, row, other) for other in network.succ[row]), default=math.inf)
    return entering + leaving


def _weight(network: nx.DiGraph[int], supplier: int, consumer: int) -> float:
    return float(network.edges[supplier, consumer]["weight"])


def _edges(cycle: list[int]) -> Iterator[tuple[int, int]]:
    return zip(cycle, [*cycle[1:], cycle[0]], strict=True)


def _from_smallest(cycle: list[int]) -> list[int]:
    first = cycle.index(min(cycle))
    return cycle[first:] + cycle[:first]
