"""How good the data behind a figure are, weighed by the carbon they answer for.

Quality propagates as carbon does. With ``e`` own emissions per declared unit, ``A[i, j]`` units of
*i* per unit of *j* (edges point from supplier to consumer), ``L = (I − A)⁻¹`` and ``m' = e'L``:

=================  ==============================================================================
primary data       ``p' = (e∘δ)'(I − A∘α)⁻¹``, share ``p/m``: δ the primary share of own emissions,
share              α 1 where the amount of an input is primary data, else 0. What an amount that is
                   not primary brings in is not primary either. A footprint that states its share
                   is a leaf with ``p_k = share_k·m_k`` (PACT ``primaryDataShare``)
ratings            ``s' = (e∘d)'L``, rating ``s/m``, one for each dimension, 1 (best) to 5 (PACT v3)
verified share     the same with 1 where a verifier assures the very statement in force, for each
                   level of assurance apart
age                the same with years from the middle of the time that was measured to the end of
                   the time asked about
share by rung      the same with 1 on the rung of the factor ladder on which a node stands
=================  ==============================================================================

All are right-hand sides of one plan (``quality_table``), or sums over the origins of one figure
(``Origins``). Only α is of another matrix: a second plan, where any amount says that it is not
primary. Weights are absolute, so that credits do not carry a share out of 0 to 1; in the table they
are per node only, so where amounts are negative it is the origins that tell the shares.

Unknown is neither zero nor the best grade: an average is null until all of what it is over is told,
and beside it stand the average over what is told, and the share of that.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from graph.figures.gaps import RUNGS
from graph.findings import Finding
from graph.reading.assurance import Assurance
from graph.reading.network import RUNG_OF_FEED, Estimate, Floats, Ints
from graph.solving.characterise import Characterisation
from graph.solving.outside import EdgesByConsumer
from graph.solving.solve import Plan
from graph.solving.solved import Solved
from graph.terms import Rung
from graph.tracing.draws import Draw
from graph.tracing.facts import DIMENSIONS, Datum, Facts

Mask = NDArray[np.bool_]
_DAYS: Final = 365.25
_ROUNDING: Final = 1e-12
"""What rounding may leave of carbon of which all is told."""


class Part(enum.IntEnum):
    """What is added up over origins, kg CO2e: columns of ``quality_table`` before the rungs.

    ``CARBON`` is what all else is a part of; a rating and the age are kg times grade and years.
    """

    CARBON = 0
    PRIMARY = 1
    UNTOLD = 2
    TECHNOLOGY = 3
    GEOGRAPHY = 4
    TIME = 5
    RATED_TECHNOLOGY = 6
    RATED_GEOGRAPHY = 7
    RATED_TIME = 8
    LIMITED = 9
    REASONABLE = 10
    AGE = 11
    DATED = 12


WIDTH: Final = len(Part) + len(RUNGS)
OVER_MEASURED: Final = [Part.PRIMARY, Part.UNTOLD]
"""Columns that only amounts which are primary data carry on."""
_LEVELS: Final = {Assurance.LIMITED: Part.LIMITED, Assurance.REASONABLE: Part.REASONABLE}


def rung_column(rung: Rung) -> int:
    return len(Part) + RUNGS.index(rung)


@dataclass(frozen=True, slots=True)
class Average:
    """Weighed by carbon. ``value`` is null unless all carbon is told; ``told`` is how much is."""

    value: float | None
    of_told: float | None
    told: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the data behind ``carbon`` kg CO2e are (absolute, what is estimated included).

    ``complete`` is false where something has no estimate: all shares are then of what is known,
    and no average has a value. ``verified`` and ``rungs`` are shares of ``carbon`` (0 to 1); the
    rungs sum to 1. ``age`` is in years, ``oldest`` the age of the oldest datum with any carbon.
    """

    carbon: float
    complete: bool
    primary: Average
    ratings: Mapping[str, Average]
    verified: Mapping[Assurance, float]
    age: Average
    oldest: float | None
    rungs: Mapping[Rung, float]

    @classmethod
    def of(cls, parts: Floats, *, complete: bool, oldest: float | None) -> Quality:
        """From ``parts`` (``WIDTH``,) as ``Part`` and the rungs name them."""
        carbon = float(parts[Part.CARBON])
        share = parts / carbon if carbon else np.zeros(WIDTH)

        def average(graded: int, told: float) -> Average:
            of_told = float(share[graded]) / told if told else None
            is_told = complete and 1 - told <= _ROUNDING and carbon > 0
            return Average(of_told if is_told else None, of_told, min(told, 1.0))

        return cls(
            carbon=carbon,
            complete=complete,
            primary=average(Part.PRIMARY, float(1 - share[Part.UNTOLD]) if carbon else 0.0),
            ratings={
                name: average(Part.TECHNOLOGY + k, float(share[Part.RATED_TECHNOLOGY + k]))
                for k, name in enumerate(DIMENSIONS)
            },
            verified={level: float(share[part]) for level, part in _LEVELS.items()},
            age=average(Part.AGE, float(share[Part.DATED])),
            oldest=oldest,
            rungs={rung: float(share[rung_column(rung)]) for rung in Rung},
        )


# -- what a node's own emissions are worth -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """A datum with its share of a node's own emissions; the shares of a node sum to 1."""

    datum: Datum
    share: float


def sources_of(facts: Facts, weights: Characterisation, node: int) -> tuple[Source, ...]:
    """The data behind a node's own emissions, by the carbon each states."""
    data = facts.data(node)
    if len(data) == 1:
        return (Source(data[0], 1.0),)
    kg = [float(weights.co2e(facts.network.row(datum.emissions))) for datum in data]
    total = sum(kg)
    shares = [each / total for each in kg] if total else [1 / len(data)] * len(data)
    return tuple(Source(datum, share) for datum, share in zip(data, shares, strict=True))


def _per_carbon(facts: Facts, weights: Characterisation, node: int) -> Floats:
    """(WIDTH,) the parts of one kg that is emitted at a node itself."""
    parts = np.zeros(WIDTH)
    parts[Part.CARBON] = parts[rung_column(RUNG_OF_FEED[facts.network.nodes[node].feed])] = 1
    sources = sources_of(facts, weights, node)
    parts[Part.UNTOLD] = 0 if sources else 1
    for source in sources:
        parts[: len(Part)] += source.share * _told_by(source.datum, facts)
    return parts


def _told_by(datum: Datum, facts: Facts) -> Floats:
    """(Part,) what one statement says of each kg, the carbon itself aside."""
    told = np.zeros(len(Part))
    told[Part.PRIMARY], told[Part.UNTOLD] = datum.primary or 0, datum.primary is None
    for k, rating in enumerate(datum.ratings):
        told[Part.TECHNOLOGY + k] = rating or 0
        told[Part.RATED_TECHNOLOGY + k] = rating is not None
    if datum.assurance is not None:
        told[_LEVELS[datum.assurance]] = 1
    told[Part.AGE], told[Part.DATED] = age_of(datum, facts), 1
    return told


def age_of(datum: Datum, facts: Facts) -> float:
    """Years from the middle of what was measured to the end of the time asked about."""
    return (facts.end - datum.middle).days / _DAYS


def _of_estimate(rung: Rung) -> Floats:
    """(WIDTH,) the parts of one kg of an estimate: known not to be primary, and nothing else."""
    parts = np.zeros(WIDTH)
    parts[Part.CARBON] = parts[rung_column(rung)] = 1
    return parts


def own_parts(facts: Facts, weights: Characterisation, nodes: Ints) -> Floats:
    """(len(nodes), WIDTH) the parts of what arises at each node, per declared unit.

    What the factor ladder estimates at a node is included.
    """
    emitted = np.abs(weights.co2e(facts.network.direct[nodes]))
    parts = np.zeros((len(nodes), WIDTH))
    for row in np.flatnonzero(emitted).tolist():
        parts[row] = _per_carbon(facts, weights, int(nodes[row])) * emitted[row]
    for row, node in enumerate(nodes.tolist()):
        for filling in facts.fillings.get(node, ()):
            kg = abs(_kg(facts, weights, filling.estimate))
            parts[row] += _of_estimate(filling.estimate.rung) * kg
    return parts


def _kg(facts: Facts, weights: Characterisation, estimate: Estimate) -> float:
    return float(weights.co2e(facts.network.row(estimate.emissions)))


def quality_table(
    solved: Solved, weights: Characterisation, facts: Facts, nodes: Ints | None = None
) -> Floats:
    """(n, WIDTH) the parts of every product footprint at once, per declared unit.

    Given ``nodes``, only what arises at these counts: rows of products that draw on nothing else
    are right. Products of a refused loop are NaN.
    """
    count = len(solved.network.nodes)
    at = np.arange(count) if nodes is None else nodes
    arising = np.zeros((count, WIDTH))
    arising[at] = own_parts(facts, weights, at)
    table = solved.plan.footprints(arising)
    measured = _measured_inputs(facts, at)
    if measured is not None:
        plan = Plan.of(measured)
        table[:, OVER_MEASURED] = plan.footprints(arising[:, OVER_MEASURED])
    return table


def _measured_inputs(facts: Facts, nodes: Ints) -> sparse.csr_array | None:
    """``A∘α`` (n × n) where the lines of ``nodes`` say that an amount is not primary, else None."""
    network = facts.network
    into = EdgesByConsumer.of(network).into(nodes)
    shares = facts.primary_shares(into)
    if (shares == 1).all():
        return None
    amount = network.edges.amount.copy()
    amount[into] *= shares
    at = (network.edges.supplier, network.edges.consumer)
    return sparse.csr_array((amount, at), shape=(len(network.nodes),) * 2)


# -- one figure --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Origins:
    """What a figure is a sum of, a row for each node and estimate.

    ``parts`` (rows, ``WIDTH``) in kg CO2e; ``scope1`` (rows,) are emissions inside a boundary;
    ``oldest`` (rows,) the age of the oldest datum, -inf where there is none. ``as_of`` is the last
    entry that had a say in what is said of the data, or in who assures it.
    """

    draw: Draw
    parts: Floats
    scope1: Mask
    oldest: Floats
    as_of: int

    @classmethod
    def of(cls, draw: Draw) -> Origins:
        speakers, row = np.unique(draw.speakers[draw.nodes], return_inverse=True)
        emitted = np.bincount(row, draw.emitted, len(speakers))
        reached = np.abs(draw.measured[draw.nodes]) / np.abs(draw.made[draw.nodes])
        measured = np.bincount(row, draw.emitted * np.minimum(reached, 1.0), len(speakers))
        told = [
            _weighed(draw, int(node), kg, over_measured)
            for node, kg, over_measured in zip(speakers, emitted, measured, strict=True)
            if kg
        ]
        filled = [_of_estimate(f.estimate.rung) * abs(kg) for _, f, kg in draw.fillings()]
        return cls(
            draw=draw,
            parts=np.array([*(parts for parts, _ in told), *filled]).reshape(-1, WIDTH),
            scope1=np.array([*draw.inside[speakers[emitted != 0]], *[False] * len(filled)], bool),
            oldest=np.array([*(oldest for _, oldest in told), *[-np.inf] * len(filled)]),
            as_of=max(
                (datum.as_of for node in speakers.tolist() for datum in draw.facts.data(node)),
                default=-1,
            ),
        )

    @property
    def quality(self) -> Quality:
        """Of the whole figure: of a boundary, T2."""
        return self._of(np.ones_like(self.scope1), complete=self.draw.complete)

    @property
    def of_scope1(self) -> Quality:
        return self._of(self.scope1, complete=self.draw.scope1_complete)

    @property
    def of_upstream(self) -> Quality:
        return self._of(~self.scope1, complete=self.draw.upstream_complete)

    def _of(self, rows: Mask, *, complete: bool) -> Quality:
        oldest = float(self.oldest[rows].max(initial=-np.inf))
        return Quality.of(
            self.parts[rows].sum(axis=0),
            complete=complete,
            oldest=oldest if np.isfinite(oldest) else None,
        )


def _weighed(draw: Draw, node: int, kg: float, measured: float) -> tuple[Floats, float]:
    """The parts of what the statements of a node answer for, and the age of the oldest."""
    parts = _per_carbon(draw.facts, draw.weights, node) * abs(kg)
    parts[OVER_MEASURED] *= abs(measured / kg)
    ages = (age_of(datum, draw.facts) for datum in draw.facts.data(node))
    return parts, max(ages, default=-np.inf)


def doubts(facts: Facts, nodes: Iterable[int]) -> tuple[Finding, ...]:
    """What was stated of the data behind ``nodes`` and counts as unknown, each once."""
    found = (each for node in nodes for datum in facts.data(node) for each in datum.findings)
    return tuple(dict.fromkeys(found))
