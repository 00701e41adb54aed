"""A network with its answer: every product footprint of the year, solved once.

The answer depends on nothing but the network, so it is kept as long as the network is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from graph.findings import Finding, finding
from graph.reading.network import Floats, Ints, Network
from graph.solving.solve import Plan, RefusedComponent


@dataclass(frozen=True)
class Solved:
    """``footprints`` (n × k): kg of each column per declared unit, gaps contributing nothing.

    ``incomplete[j]`` is true when something upstream of *j* is a gap or a refused loop; the row is
    then only a lower bound. ``as_of[j]`` is the last entry that had a say in row *j*.

    What the factor ladder puts in the place of gaps stands apart: ``estimated`` (n × k) is to be
    added to ``footprints``, and ``spread`` (n × k) is how much higher that may be. Where
    ``open_ended[j]``, something upstream has no estimate, and only the lower bound is known.
    """

    network: Network
    footprints: Floats
    estimated: Floats
    spread: Floats
    incomplete: NDArray[np.bool_]
    open_ended: NDArray[np.bool_]
    as_of: Ints
    keeps: object = field(default=None, repr=False, compare=False)
    """Whatever must live as long as the arrays are read."""

    @classmethod
    def of(cls, network: Network) -> Solved:
        """Plan and solve a network as a whole."""
        plan = Plan.of(network.inputs)
        gap = network.gap_mask() | plan.refused_mask
        open_ended = network.unestimated | plan.refused_mask
        nothing = np.broadcast_to(0.0, network.direct.shape)
        filled = network.has_estimates
        # One pass for both marks: what has no estimate is a gap, too.
        marks = plan.downstream_max(gap.astype(np.int64) + open_ended)
        solved = cls(
            network=network,
            footprints=plan.footprints(network.direct),
            estimated=plan.footprints(network.estimates) if filled else nothing,
            spread=plan.footprints(network.spread) if filled else nothing,
            incomplete=marks > 0,
            open_ended=marks > 1,
            as_of=plan.downstream_max(network.as_of),
        )
        vars(solved)["plan"] = plan
        return solved

    @cached_property
    def plan(self) -> Plan:
        """The order of supply of the network, for what is asked of it besides its footprints."""
        return Plan.of(self.network.inputs)

    @cached_property
    def refused(self) -> NDArray[np.bool_]:
        """(n,) members of refused loops, which have no footprint."""
        if not self.network.columns:
            return self.plan.refused_mask
        return np.asarray(np.isnan(self.footprints).any(axis=1))

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The loops that are refused, in the order of ``plan.refused``."""
        if not self.refused.any():
            return ()
        return tuple(_refusal(self.network, component) for component in self.plan.refused)

    def loop_through(self, node: int) -> str | None:
        """The refused loop a node belongs to, in product names; ``None`` if it is in none."""
        if not self.refused[node]:
            return None
        for component, refusal in zip(self.plan.refused, self.findings, strict=True):
            if node in component.nodes:
                return refusal.params["loop"]
        return None


def _refusal(network: Network, component: RefusedComponent) -> Finding:
    # Takes long to import, and a year in which no loop is refused never needs it.
    from graph.solving.loops import worst_loop

    block = network.inputs[component.nodes][:, component.nodes]
    cycle, _ = worst_loop(block, component.nodes)
    names = [network.nodes[i].name for i in cycle]
    return finding("loop-gain", gain=f"{component.gain:.3g}", loop=" → ".join([*names, names[0]]))
