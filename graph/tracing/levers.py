"""Where a boundary could change its figure: what a tenth less at one place would do to T2.

For a trace of T2 with the output ``x_P`` inside, the inflow ``z``, outside footprints ``m*`` and
units made outside ``v``, and with ``h`` the share that is saved (a tenth):

=========  ===================================  ================================================
lever      what falls by ``h``                  effect on T2
=========  ===================================  ================================================
supplier   how much of a product is bought      ``−h m*_i z_i``: linear; the products together
           across the fence (or the footprint   are the upstream figure
           that it comes with)
carrier    the same of an energy carrier,       ``−h Σ m*_i z_i`` over the carrier's nodes: linear
           whoever supplies it
site       the direct emissions of one site     ``−h Σ e_i x_i``: linear; the sites together are
           inside                               Scope 1
origin     the direct emissions of one node     ``−h e_i v_i``: linear; the origins together are
           outside                              the upstream figure
use        how much of a product anybody takes  ``−h m*_i v_i (1 − ρ_i) / (1 − (1 − h) ρ_i)``:
           in, the boundary and every supplier  linear only outside loops
=========  ===================================  ================================================

``ρ_i`` is how much of itself a unit of *i* takes in through loops outside, ``(I − A_OO)⁻¹_ii = 1 /
(1 − ρ_i)``. An arriving unit of *i* is ``1 / (1 − ρ_i)`` units in all; when each passage is scaled
by ``1 − h``, it arrives ``1 − h`` times and is ``1 / (1 − (1 − h) ρ_i)`` units, which gives the
last formula exactly. Effects of one kind of lever overlap with those of another. What the factor
ladder fills in for inputs of the boundary that no product meets is upstream, and has no lever.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from graph.reading.network import Floats, Ints
from graph.tracing.explain import MOST, Kg, Mask, Trace

TENTH = 0.1


class Kind(enum.StrEnum):
    """What would be less."""

    SUPPLIER = "supplier"
    CARRIER = "carrier"
    SITE = "site"
    ORIGIN = "origin"
    USE = "use"


@dataclass(frozen=True, slots=True)
class Lever:
    """What T2 and the upstream figure would change by, kg CO2e (negative: less).

    ``of`` names the product, site or carrier, or for an origin without a product its enterprise;
    ``nodes`` are those behind it. ``linear``: twice as much less does twice as much.
    """

    kind: Kind
    of: str
    nodes: tuple[int, ...]
    t2: Kg
    upstream: Kg
    linear: bool


def levers_of(
    trace: Trace, kind: Kind, most: int | None = MOST, share: float = TENTH
) -> tuple[Lever, ...]:
    """The levers of one kind over a trace of T2, the largest effect first.

    ``share`` (0 to 1): how much less.
    """
    if kind is Kind.USE:
        found = _uses(trace, most or len(trace.nodes), share)
    else:
        found = list(_linear(trace, kind, share))
    found.sort(key=lambda lever: (-abs(lever.t2.total), lever.of))
    return tuple(found[:most])


def _linear(trace: Trace, kind: Kind, share: float) -> Iterable[Lever]:
    known, filled = _weight(trace, kind)
    at = np.flatnonzero((known != 0) | (filled != 0))
    for of, positions in _grouped(trace, kind, at).items():
        kg = Kg(-share * float(known[positions].sum()), -share * float(filled[positions].sum()))
        nodes = tuple(int(trace.nodes[k]) for k in positions)
        yield Lever(kind, of, nodes, kg, Kg() if kind is Kind.SITE else kg, linear=True)


def _weight(trace: Trace, kind: Kind) -> tuple[Floats, Floats]:
    """Known and filled kg CO2e at each position that the lever would move."""
    if kind is Kind.SITE:
        # What is filled in at the start stands for what it buys: none of it arises there.
        return trace.known * trace.start, np.zeros(len(trace.nodes))
    if kind is Kind.ORIGIN:
        outside = trace.units - trace.start
        return trace.known * outside, trace.filled * outside
    known, filled = trace.gate
    bought = trace.links @ trace.start
    return known * bought, filled * bought


def _grouped(trace: Trace, kind: Kind, at: Ints) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for k in at.tolist():
        node = trace.network.nodes[trace.nodes[k]]
        if kind is Kind.CARRIER:
            of = node.carrier
        elif kind is Kind.SITE:
            of = node.place.site if node.place else None
        else:
            of = node.product or node.owner
        if of is not None:
            found[of].append(k)
    return found


def _uses(trace: Trace, most: int, share: float) -> list[Lever]:
    """Exact effects, for as many nodes as it takes to be sure of the ``most`` largest.

    Where nothing is negative ``ρ`` lies in [0, 1), so ``h m* v`` bounds the effect: the nodes are
    taken in the order of that bound until it falls below the effects that are found.
    """
    known, filled = trace.gate
    outside = trace.units - trace.start
    bound = np.abs((known + filled) * outside)
    ordered = np.argsort(-bound, kind="stable")
    ordered = ordered[bound[ordered] > 0]
    found: list[Lever] = []
    looped = _looped(trace)
    for start in range(0, len(ordered), most):
        sizes = sorted((abs(lever.t2.total) for lever in found), reverse=True)
        if len(sizes) >= most and sizes[most - 1] >= share * bound[ordered[start]]:
            break
        chunk = ordered[start : start + most]
        returning = _returning(trace, chunk, looped[chunk])
        factors = -share * (1 - returning) / (1 - (1 - share) * returning)
        for k, factor in zip(chunk.tolist(), factors.tolist(), strict=True):
            node = trace.network.nodes[trace.nodes[k]]
            amount = factor * float(outside[k])
            kg = Kg(amount * float(known[k]), amount * float(filled[k]))
            of = node.product or node.owner
            found.append(Lever(Kind.USE, of, (int(trace.nodes[k]),), kg, kg, linear=not looped[k]))
    return found


def _looped(trace: Trace) -> Mask:
    """Which positions take in some of themselves, over any number of links that are followed."""
    _, labels = connected_components(trace.links, connection="strong")
    several = np.bincount(labels)[labels] > 1
    return np.asarray(several | (trace.links.diagonal() != 0), dtype=np.bool_)


def _returning(trace: Trace, at: Ints, looped: Mask) -> Floats:
    """``ρ``: how much of itself a unit takes in through loops; exactly zero outside all loops."""
    returning = np.zeros(len(at))
    if looped.any():
        wanted = np.zeros((len(trace.nodes), int(looped.sum())))
        wanted[at[looped], np.arange(wanted.shape[1])] = 1.0
        made = np.nan_to_num(trace.plan.supply(wanted))[at[looped], np.arange(wanted.shape[1])]
        returning[looped] = 1 - 1 / made
    return returning
