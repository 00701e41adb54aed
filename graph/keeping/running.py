"""A year and its answer, taken forward together.

A small network is solved as a whole whenever it moved; from ``LIVE_FROM`` nodes on, only what lies
downstream of a change is (``graph.solving.live``). The live solution is made anew where nodes go or
columns come, which it has no step for.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from graph.reading.accounts import Account
from graph.reading.current import CurrentYear, Wave
from graph.reading.network import Floats, Ints, Network
from graph.solving.live import GAP, OPEN, Changes, LiveSolution
from graph.solving.solved import Solved
from ledger.standing import Standing
from ledger.statements import NaturalKey

LIVE_FROM = 1000
"""Nodes from which following a change costs less than solving anew; below, that takes a few ms."""
NEAR = 2000
"""Entries that a year is taken forward over, at least, before reading it anew costs less."""


class Running:
    """One year as it is read, and its solution."""

    def __init__(
        self, current: CurrentYear, live_from: int = LIVE_FROM, solved: Solved | None = None
    ) -> None:
        """``solved`` is the answer to the network of ``current``, where it is known."""
        self.current = current
        self._live_from = live_from
        self._live: LiveSolution | None = None
        self._solved = solved

    @property
    def standing(self) -> Standing:
        return self.current.standing

    @property
    def near(self) -> int:
        """How many entries it is taken forward over before reading the year anew costs less."""
        return max(NEAR, len(self.current.network().nodes) // 4)

    def fork(self) -> Running:
        """The same, to be taken forward apart from this one."""
        return Running(self.current.fork(), self._live_from, self._solved)

    def follow(self, standing: Standing, spoken: Iterable[NaturalKey]) -> Wave:
        """Take in what was said since, given the natural keys it was said under."""
        before = self.current.network() if self._live else None
        wave = self.current.follow(standing, spoken)
        if wave.is_empty:
            return wave
        self._solved = None
        if before is not None and self._live is not None:
            after = self.current.network()
            if wave.gone or _shape(before) != _shape(after):
                self._live = None
            else:
                self._live.apply(self._changes(wave, before, after))
        return wave

    def solved(self) -> Solved:
        if self._solved is None:
            network = self.current.network()
            if len(network.nodes) < self._live_from or not network.columns:
                self._solved = Solved.of(network)
            else:
                self._live = self._live or _live(network)
                self._solved = _answer(network, self._live)
        return self._solved

    def _changes(self, wave: Wave, before: Network, after: Network) -> Changes:
        accounts = {self.current.number(key): self.current.accounts[key] for key in wave.accounts}
        return Changes(
            appended=len(after.nodes) - len(before.nodes),
            inputs={i: _inputs(after, i) for i in accounts},
            direct={i: _direct(after, i, account) for i, account in accounts.items()},
            marks={i: _marks_of(account) for i, account in accounts.items()},
            as_of={i: account.as_of for i, account in accounts.items()},
        )


def _shape(network: Network) -> tuple[object, ...]:
    """What a live solution has no step for when it changes."""
    return network.columns, network.has_estimates


def _live(network: Network) -> LiveSolution:
    direct = [network.direct]
    if network.has_estimates:
        direct += [network.estimates, network.spread]
    marks = GAP * network.gap_mask().astype(np.uint8) | OPEN * network.unestimated.astype(np.uint8)
    return LiveSolution(network.inputs, np.hstack(direct), marks, network.as_of)


def _answer(network: Network, live: LiveSolution) -> Solved:
    solution, k = live.solution(), len(network.columns)
    rows, nothing = solution.footprints, np.broadcast_to(0.0, network.direct.shape)
    filled = network.has_estimates
    return Solved(
        network=network,
        footprints=rows[:, :k],
        estimated=rows[:, k : 2 * k] if filled else nothing,
        spread=rows[:, 2 * k :] if filled else nothing,
        incomplete=solution.incomplete,
        open_ended=solution.open_ended,
        as_of=solution.as_of,
        keeps=solution,
    )


def _inputs(network: Network, consumer: int) -> tuple[Ints, Floats]:
    span = slice(*np.searchsorted(network.edges.consumer, [consumer, consumer + 1]))
    return network.edges.supplier[span], network.edges.amount[span]


def _direct(network: Network, i: int, account: Account) -> Floats:
    known: Floats = network.direct[i]
    if not network.has_estimates:
        return known
    filled, more = np.zeros((2, len(network.columns)))
    for estimate in account.estimates:
        row = network.row(estimate.emissions)
        filled += row
        more += row * estimate.spread
    return np.concatenate([known, filled, more])


def _marks_of(account: Account) -> int:
    return GAP * account.has_gap | OPEN * account.is_open_ended
