"""The generation part of energy: what of a carrier's footprint arose where it was generated.

For a generator it is its direct emissions per unit. A reseller (its own intake of the same carrier
covers its output) has the supply-weighted mean of its carriers' generation *per unit delivered*:
losses are not generation, they stay in the footprint and thus in category 3. In between, the own
share is generated. As a linear system over outside carriers, with ``a`` in units of the consumer:

    ``g_j = (Σ_i a_ij g_i) / max(1, Σ_i a_ij) + e_j · [Σ_i a_ij < 1]``

A stated value (recipe, or the extension of a PACT footprint) comes first. A carrier that states
neither is *unknown*, unless a factor of generation stands in for it; and so is one with a gap that
may be energy taken in, for it is said in the same kind of unit. Then the split of the figure it
enters is null, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.reading.network import Floats, Ints, Network
from graph.solving.solve import Plan
from graph.terms import Feed
from ledger import units
from ledger.errors import UnitMismatch

FULL_INTAKE = 1 - 1e-9
DERIVABLE = (Feed.RECIPE, Feed.OTHER_YEAR)

_PARTS: Final = 3
"""Known, filled in, spread: side by side in the table that is solved."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Generation:
    """kg at generation per declared unit (rows as asked, k): what is known, what a factor of
    generation fills in for carriers that nobody describes, and its spread; ``unknown`` rows."""

    known: Floats
    filled: Floats
    spread: Floats
    unknown: Mask


def generation_outside(network: Network, bought: Ints, held: Mask) -> Generation:
    """Generation per declared unit of the nodes ``bought`` outside a boundary; zero for others.

    Carriers inside the boundary, which are ``held``, count zero, as everything inside does in m*;
    their share of an intake still counts as intake.
    """
    carriers = np.array([network.nodes[i].carrier is not None for i in bought], dtype=bool)
    k = len(network.columns)
    per_unit, unknown = np.zeros((len(bought), _PARTS * k)), np.zeros_like(carriers)
    if carriers.any():
        resale = _Resale(network, bought[carriers], held)
        per_unit[carriers], unknown[carriers] = resale.answer()
    known, filled, spread = np.split(per_unit, _PARTS, axis=1)
    return Generation(known, filled, spread, unknown)


class _Resale:
    """What outside carriers generate themselves and what they take in of the same carrier.

    Walks upstream from ``start`` through carriers that derive their generation from what they take
    in. ``own`` is generated at the carrier itself; of ``undecided`` ones it is not known.
    """

    def __init__(self, network: Network, start: Ints, held: Mask) -> None:
        self.network, self.held, self.start = network, held, start
        self.position = {int(i): at for at, i in enumerate(start)}
        self.own: dict[int, Floats] = {}
        self.total: dict[int, float] = {}
        self.undecided: set[int] = set()
        self.lacking = {(gap.node, units.parse(gap.unit).dimension) for gap in network.gaps}
        self.entries: list[tuple[int, int, float]] = []
        waiting = list(self.position)
        while waiting:
            waiting += self._enter(waiting.pop())

    def answer(self) -> tuple[Floats, Mask]:
        """Per declared unit, and what is unknown, of the carriers that the walk began with."""
        n = len(self.position)
        own = np.zeros((n, _PARTS * len(self.network.columns)))
        scale, undecided = np.ones(n), np.zeros(n, dtype=np.int64)
        for j, at in self.position.items():
            own[at] = self.own.get(j, 0.0)
            scale[at] = 1 / max(1.0, self.total.get(j, 0.0))
            undecided[at] = j in self.undecided
        cells = np.array(self.entries, dtype=float).reshape(-1, 3)
        supplier, consumer = cells[:, 0].astype(np.int64), cells[:, 1].astype(np.int64)
        amounts = cells[:, 2] * scale[consumer]
        plan = Plan.of(sparse.csr_array((amounts, (supplier, consumer)), shape=(n, n)))
        per_unit = np.nan_to_num(plan.footprints(own))
        unknown = plan.downstream_max(undecided | plan.refused_mask) > 0
        begun = len(self.start)
        return per_unit[:begun], unknown[:begun]

    def _enter(self, j: int) -> list[int]:
        """Read one carrier; the carriers met for the first time."""
        if j in self.network.generation:
            self.own[j] = self._known(self.network.generation[j])
            return []
        if self.network.nodes[j].feed in DERIVABLE:
            return self._derive(j)
        stand_in = self.network.stand_ins.get(j)
        if stand_in is None or not stand_in.is_generation:
            self.undecided.add(j)
            return []
        kg = self.network.row(stand_in.emissions)
        self.own[j] = np.concatenate([np.zeros_like(kg), kg, kg * stand_in.spread])
        return []

    def _known(self, kg: Floats) -> Floats:
        return np.concatenate([kg, np.zeros((_PARTS - 1) * len(kg))])

    def _derive(self, j: int) -> list[int]:
        carrier, met = self.network.nodes[j].carrier, []
        columns = self.network.by_consumer
        span = slice(columns.indptr[j], columns.indptr[j + 1])
        for i, amount in zip(columns.indices[span], columns.data[span], strict=True):
            if self.network.nodes[i].carrier == carrier:
                met += self._take_in(int(i), j, float(amount))
        if (j, units.parse(self.network.nodes[j].unit).dimension) in self.lacking:
            self.undecided.add(j)
        if self.total.get(j, 0.0) < FULL_INTAKE:
            self.own[j] = self._known(self.network.direct[j])
        return met

    def _take_in(self, i: int, j: int, amount: float) -> list[int]:
        """Count an intake; one that cannot be said in the consumer's unit leaves it undecided."""
        bought, sold = (units.parse(self.network.nodes[k].unit) for k in (i, j))
        try:
            self.total[j] = self.total.get(j, 0.0) + amount * float(units.ratio(bought, sold))
        except UnitMismatch:
            self.undecided.add(j)
            return []
        if self.held[i]:
            return []
        is_new = i not in self.position
        at = self.position.setdefault(i, len(self.position))
        self.entries.append((at, self.position[j], amount))
        return [i] if is_new else []
