"""The generation part of energy: what of a carrier's footprint arose where it was generated.

For a generator it is its direct emissions per unit. A reseller (its own intake of the same carrier
covers its output) has the supply-weighted mean of its carriers' generation *per unit delivered*:
losses are not generation, they stay in the footprint and thus in category 3. In between, the own
share is generated. As a linear system over outside carriers, with ``a`` in units of the consumer:

    ``g_j = (Σ_i a_ij g_i) / max(1, Σ_i a_ij) + e_j · [Σ_i a_ij < 1]``

A stated value (recipe, or the extension of a PACT footprint) comes first. A carrier that states
neither is *unknown*, and so is one with a gap that may be energy taken in, for it is said in the
same kind of unit: the split of the figure it enters is null, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.network import Feed, Floats, Ints, Network
from graph.solve import Plan
from ledger import units
from ledger.errors import UnitMismatch

FULL_INTAKE = 1 - 1e-9
DERIVABLE = (Feed.RECIPE, Feed.OTHER_YEAR)


@dataclass(frozen=True)
class Generation:
    """``per_unit`` (rows as asked, k): kg at generation per declared unit; ``unknown`` rows."""

    per_unit: Floats
    unknown: NDArray[np.bool_]


def generation_outside(network: Network, cone: Ints, drawn: NDArray[np.bool_]) -> Generation:
    """Generation per declared unit for the nodes ``cone``, all outside the boundary.

    Carriers inside the boundary count zero, as everything inside does in m*; their share of an
    intake still counts as intake. ``unknown`` is set only for rows that are ``drawn`` on.
    """
    carriers = np.array([network.nodes[i].carrier is not None for i in cone], dtype=bool)
    resale = _Resale(network, cone)
    plan = Plan.of(sparse.csr_array(resale.intake @ sparse.diags_array(resale.scale)))
    per_unit = np.nan_to_num(plan.footprints(resale.own))
    per_unit[~carriers] = 0.0
    undecided = (resale.undecided | plan.refused_mask).astype(np.int64)
    unknown = plan.downstream_max(undecided) > 0
    return Generation(per_unit, unknown & carriers & drawn)


class _Resale:
    """What outside carriers generate themselves and what they take in of the same carrier.

    ``own`` (n, k) is generated at the carrier itself, ``intake`` (n × n) in units of the supplier,
    to be scaled by ``scale`` (n); of ``undecided`` rows neither is known.
    """

    def __init__(self, network: Network, cone: Ints) -> None:
        self.network = network
        self.position = {int(i): at for at, i in enumerate(cone)}
        self.own = np.zeros((len(cone), len(network.columns)))
        self.total = np.zeros(len(cone))
        self.undecided = np.zeros(len(cone), dtype=bool)
        self.lacking = {(gap.node, units.parse(gap.unit).dimension) for gap in network.gaps}
        self._entries: list[tuple[int, int, float]] = []
        for j, at in self.position.items():
            if network.nodes[j].carrier is not None:
                self._enter(j, at)

    @property
    def scale(self) -> Floats:
        return np.asarray(1 / np.maximum(1.0, self.total))

    @property
    def intake(self) -> sparse.csr_array:
        rows, columns, amounts = zip(*self._entries, strict=True) if self._entries else ((),) * 3
        shape = (len(self.total),) * 2
        return sparse.csr_array((np.array(amounts, dtype=float), (rows, columns)), shape=shape)

    def _enter(self, j: int, at: int) -> None:
        if j in self.network.generation:
            self.own[at] = self.network.generation[j]
        elif self.network.nodes[j].feed in DERIVABLE:
            self._derive(j, at)
        else:
            self.undecided[at] = True

    def _derive(self, j: int, at: int) -> None:
        carrier = self.network.nodes[j].carrier
        columns = self.network.by_consumer
        span = slice(columns.indptr[j], columns.indptr[j + 1])
        for i, amount in zip(columns.indices[span], columns.data[span], strict=True):
            if self.network.nodes[i].carrier == carrier:
                self._take_in(int(i), j, at, float(amount))
        if (j, units.parse(self.network.nodes[j].unit).dimension) in self.lacking:
            self.undecided[at] = True
        if self.total[at] < FULL_INTAKE:
            self.own[at] = self.network.direct[j]

    def _take_in(self, i: int, j: int, at: int, amount: float) -> None:
        """Count an intake; one that cannot be said in the consumer's unit leaves it undecided."""
        bought, sold = (units.parse(self.network.nodes[k].unit) for k in (i, j))
        try:
            self.total[at] += amount * float(units.ratio(bought, sold))
        except UnitMismatch:
            self.undecided[at] = True
            return
        if i in self.position:
            self._entries.append((self.position[i], at, amount))
