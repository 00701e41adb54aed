"""How far a reader sees upstream, and what a figure is made of at the edge of that view.

A reader may look *into* some products (its own, for example): these are open. Walking upstream from
open products ends at the **frontier**: the first products that are not open. With ``T`` the open
nodes reached, ``F`` the frontier, ``e`` direct emissions, ``m`` footprints and ``d`` the demand:

    ``s = (I − A_TT)⁻¹ d``            units made of each open product
    ``m'd = e_T's + m_F'(A_FT s)``    own direct emissions, and whole footprints of the frontier

The sum is exact wherever the frontier runs, so no figure is split finer than the reader may see.
With every node open it is the origin matrix ``G = diag(e) L`` applied to ``d``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from graph.reading.network import Floats, Ints, Network
from graph.solving.characterise import Characterisation
from graph.solving.solve import Plan
from graph.solving.solved import Solved


@dataclass(frozen=True)
class View:
    """Node numbers in ascending order: those looked into, and those looked at from outside."""

    open: Ints
    frontier: Ints


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a footprint, in kg CO2e.

    ``whole`` false: emitted at ``node`` itself. True: all that arose up to the gate of ``node``.
    """

    node: int
    kg_co2e: float
    whole: bool


def view_from(network: Network, start: Iterable[int], is_open: Callable[[int], bool]) -> View:
    """Walk upstream from ``start``, which counts as open, through open nodes.

    Every edge into an open node is looked at once.
    """
    opened, met = set(start), set[int]()
    waiting = list(opened)
    while waiting:
        for supplier in map(int, network.suppliers_of(waiting.pop())):
            if supplier in opened or supplier in met:
                continue
            if is_open(supplier):
                opened.add(supplier)
                waiting.append(supplier)
            else:
                met.add(supplier)
    return View(_sorted(opened), _sorted(met))


def pieces_of(
    solved: Solved, view: View, demand: dict[int, float], weights: Characterisation
) -> tuple[Piece, ...]:
    """What the footprint of ``demand`` (open node -> declared units) consists of, largest first.

    The pieces sum to the footprint, gaps and refused loops contributing nothing.
    """
    network, inner, edge = solved.network, view.open, view.frontier
    made = made_in(network, view, demand)
    drawn = sparse.csr_array(network.by_consumer[:, inner][edge]) @ made
    pieces = [
        *_pieces(inner, weights.co2e(network.direct[inner]) * made, whole=False),
        *_pieces(edge, weights.co2e(np.nan_to_num(solved.footprints[edge])) * drawn, whole=True),
    ]
    return tuple(sorted(pieces, key=lambda piece: (-abs(piece.kg_co2e), piece.node)))


def made_in(network: Network, view: View, demand: dict[int, float]) -> Floats:
    """``s``: units made of each open node for ``demand``, over open nodes alone."""
    inner = view.open
    wanted = np.zeros((len(inner), 1))
    wanted[np.searchsorted(inner, list(demand)), 0] = list(demand.values())
    plan = Plan.of(sparse.csr_array(network.by_consumer[:, inner][inner]))
    return np.asarray(np.nan_to_num(plan.supply(wanted))[:, 0])


def _pieces(nodes: Ints, kg_co2e: Floats, *, whole: bool) -> list[Piece]:
    return [
        Piece(int(node), float(kg), whole) for node, kg in zip(nodes, kg_co2e, strict=True) if kg
    ]


def _sorted(nodes: set[int]) -> Ints:
    return np.array(sorted(nodes), dtype=np.int64)
