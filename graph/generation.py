"""The generation part of energy: what of a carrier's footprint arose where it was generated.

For a generator it is its direct emissions per unit. A reseller (its own intake of the same carrier
covers its output) has the supply-weighted mean of its carriers' generation *per unit delivered*:
losses are not generation, they stay in the footprint and thus in category 3. In between, the own
share is generated. As a linear system over outside carriers, with ``a`` in units of the consumer:

    ``g_j = (Σ_i a_ij g_i) / max(1, Σ_i a_ij) + e_j · [Σ_i a_ij < 1]``

A stated value (recipe, or the extension of a PACT footprint) comes first. A carrier that states
neither is *unknown*: the split of the figure it enters is null, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.network import Feed, Floats, Ints, Network
from graph.solve import Plan
from ledger import units

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
    own, scale, intake = _own_and_intake(network, cone)
    plan = Plan.of(sparse.csr_array(intake @ sparse.diags_array(scale)))
    per_unit = np.nan_to_num(plan.footprints(own))
    per_unit[~carriers] = 0.0
    undecided = np.array([_is_unknown(network, int(i)) for i in cone], dtype=bool)
    unknown = plan.downstream_max((undecided | plan.refused_mask).astype(np.int64)) > 0
    return Generation(per_unit, unknown & carriers & drawn)


def _is_unknown(network: Network, i: int) -> bool:
    node = network.nodes[i]
    known = i in network.generation or node.feed in DERIVABLE
    return node.carrier is not None and not known


def _own_and_intake(network: Network, cone: Ints) -> tuple[Floats, Floats, sparse.csr_array]:
    """Own generation (n, k), the scale of each intake (n), and the intake matrix (n × n)."""
    position = {int(i): at for at, i in enumerate(cone)}
    own = np.zeros((len(cone), len(network.columns)))
    total_intake = np.zeros(len(cone))
    entries: list[tuple[int, int, float]] = []
    by_consumer = sparse.csc_array(network.inputs)
    for j, at in position.items():
        if j in network.generation:
            own[at] = network.generation[j]
            continue
        node = network.nodes[j]
        if node.carrier is None or node.feed not in DERIVABLE:
            continue
        span = slice(by_consumer.indptr[j], by_consumer.indptr[j + 1])
        for i, amount in zip(by_consumer.indices[span], by_consumer.data[span], strict=True):
            supplier = network.nodes[i]
            if supplier.carrier != node.carrier:
                continue
            same = float(units.ratio(units.parse(supplier.unit), units.parse(node.unit)))
            total_intake[at] += float(amount) * same
            if int(i) in position:
                entries.append((position[int(i)], at, float(amount)))
        if total_intake[at] < FULL_INTAKE:
            own[at] = network.direct[j]
    rows, columns, amounts = zip(*entries, strict=True) if entries else ((), (), ())
    shape = (len(cone), len(cone))
    intake = sparse.csr_array((np.array(amounts, dtype=float), (rows, columns)), shape=shape)
    return own, 1 / np.maximum(1.0, total_intake), intake
