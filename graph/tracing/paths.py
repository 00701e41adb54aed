"""The largest structural paths: which chains of supply a figure came over, one by one.

A path runs from the start of a trace upstream over links that may be followed, ``j_0 ← j_1 ← … ←
j_r``, and what was emitted at its end reached the start over it:

    ``kg(path) = s₀[j_0] · A[j_1, j_0] · … · A[j_r, j_{r-1}] · e[j_r]``

All paths together are the figure: ``e'v`` with ``v = s₀ + A s₀ + A A s₀ + …``. A path may pass
through a loop any number of times; each number of turns is a path of its own.
"""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from graph.kept import kept
from graph.reading.network import Floats, Ints, Network
from graph.solving.solve import Plan
from graph.tracing.explain import Kg, Trace

MOST = 20
MOST_EXPANDED = 50_000
"""Paths continued upstream before the search gives up the proof, not the answer."""


@dataclass(frozen=True, slots=True)
class Path:
    """Nodes from the start upstream, the units made of the last for it, and what that emitted.

    ``whole``: the trace ends here, and the amount is all that arose up to the gate of the last.
    """

    nodes: tuple[int, ...]
    units: float
    kg: Kg
    whole: bool


@dataclass(frozen=True)
class Paths:
    """The largest paths by size, and the rest: ``Σ paths + rest = figure``.

    ``bound``: no path that is left out has more kg CO2e than this, in absolute value. ``proven``:
    none that is left out is larger than one that is listed.
    """

    figure: Kg
    paths: tuple[Path, ...]
    rest: Kg
    bound: float
    proven: bool


def largest_paths(trace: Trace, most: int = MOST, most_expanded: int = MOST_EXPANDED) -> Paths:
    """The ``most`` paths with the largest amounts, known and filled in together.

    Best-first search. ``reach`` is the figure of the network in absolute values,
    ``reach_i = |e_i| + Σ_j |A_ji| reach_j`` (for networks without credits, the footprint), so that
    ``|units| · reach`` bounds the size of a path through *i* and of each of its continuations: they
    are some of the non-negative terms whose sum it is. The queue holds found paths with their size,
    and paths yet to be continued with that bound. Every path is, at any time, listed, or in the
    queue, or a continuation of one in the queue. So when a found path comes out on top, its size
    is no less than that of any path not listed, which is the proof. Where paths tie, any may be
    first.

    In a network without loops, or with loops whose absolute gain is below one, bounds fall along
    every path, only finitely many exceed a given size, and the search ends. Where credits bring a
    gain below one that is above it in absolute values, there is no finite bound: what was found
    after ``most_expanded`` continuations is listed then, and not ``proven``.
    """
    search = _Search(trace, most)
    found: list[Path] = []
    while search.queue and len(found) < most and search.expanded < most_expanded:
        found += search.step()
    proven = not search.queue or len(found) == most
    if not proven:
        found += search.found(most - len(found))
    rest = trace.figure - sum((path.kg for path in found), Kg())
    return Paths(trace.figure, tuple(found), rest, search.bound(found, proven), proven)


class _Waiting(NamedTuple):
    """A path in the queue, the most important first: found, or yet to be continued.

    ``size`` is negative: what a found path amounts to, or the bound of one to be continued. The
    ``number`` keeps equals in the order in which they came.
    """

    size: float
    number: int
    is_found: bool
    units: float
    at: int
    before: _Waiting | None


class _Search:
    """The queue of one search, over positions of a trace."""

    def __init__(self, trace: Trace, most: int) -> None:
        self.trace, self.most, self.expanded = trace, most, 0
        self.emitted = trace.known + trace.filled
        self.reach = _reach(trace)
        self.queue: list[_Waiting] = []
        self._best: list[float] = []
        self._numbers = itertools.count()
        begun = np.flatnonzero(trace.start)
        self._continue(None, begun, trace.start[begun])

    def step(self) -> list[Path]:
        """Take the top of the queue: it is a found path, or continued by one link."""
        top = heapq.heappop(self.queue)
        if top.is_found:
            return [self._path(top)]
        self.expanded += 1
        self._find(top)
        suppliers, amounts = self.trace.links_into(top.at)
        self._continue(top, suppliers, top.units * amounts)
        return []

    def found(self, count: int) -> list[Path]:
        """The best that were found but not proven to be the largest that are left."""
        left = [waiting for waiting in self.queue if waiting.is_found]
        self.queue = [waiting for waiting in self.queue if not waiting.is_found]
        return [self._path(each) for each in heapq.nsmallest(count, left)]

    def bound(self, found: list[Path], proven: bool) -> float:
        """What no path that is left out exceeds in size."""
        least = min((abs(path.kg.total) for path in found), default=0.0)
        if proven:
            return least if len(found) == self.most else 0.0
        return max(-min(self.queue).size if self.queue else 0.0, least)

    def _find(self, top: _Waiting) -> None:
        size = abs(top.units * float(self.emitted[top.at]))
        if not size or size < self._threshold:
            return
        heapq.heappush(self._best, size)
        if len(self._best) > self.most:
            heapq.heappop(self._best)
        heapq.heappush(self.queue, top._replace(size=-size, is_found=True))

    @property
    def _threshold(self) -> float:
        """The size that a path needs to be listed: as many as wanted are known to have it."""
        return self._best[0] if len(self._best) == self.most else 0.0

    def _continue(self, before: _Waiting | None, at: Ints, units: Floats) -> None:
        # Of a flow that is no more than rounding nothing can come, however far it would reach.
        bounds = np.where(units == 0.0, 0.0, np.abs(units) * self.reach[at])
        threshold = self._threshold
        for k in np.flatnonzero((bounds >= threshold) & (bounds > 0)).tolist():
            waiting = _Waiting(
                -float(bounds[k]), next(self._numbers), False, float(units[k]), int(at[k]), before
            )
            heapq.heappush(self.queue, waiting)

    def _path(self, last: _Waiting) -> Path:
        trace, steps = self.trace, list[int]()
        step: _Waiting | None = last
        while step is not None:
            steps.append(int(trace.nodes[step.at]))
            step = step.before
        kg = Kg(last.units * float(trace.known[last.at]), last.units * float(trace.filled[last.at]))
        return Path(tuple(reversed(steps)), last.units, kg, bool(trace.whole[last.at]))


def _reach(trace: Trace) -> Floats:
    """(nodes,) what everything up to the gate of a node comes to in absolute values; infinite
    where that has no bound."""
    emitted = trace.known + trace.filled
    known, filled = trace.gate
    if (emitted >= 0).all() and not _has_credits(trace.network):
        return known + filled
    links = abs(sparse.csr_array(trace.links))
    plan = Plan.of(links)
    reach = plan.footprints(np.abs(emitted)[:, None])[:, 0]
    endless = plan.downstream_max(plan.refused_mask.astype(np.int64)) > 0
    return np.where(endless, math.inf, reach)


def _has_credits(network: Network) -> bool:
    """Whether any amount of the network is negative."""
    return kept(network, "credits", lambda: bool((network.edges.amount < 0).any()))
