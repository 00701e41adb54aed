"""How far off a figure may be: lognormal, to first order.

Everything a figure rests on is lognormal with a geometric standard deviation (GSD) of its own,
``σ = ln GSD``. With ``v`` units of every node in the figure *m*, ``e`` own emissions per unit and
``A[i, l]`` units of *i* per unit of *l* (edges point from supplier to consumer):

    ``Var(ln m) ≈ Σ_k (e_k v_k / m)² σ²_ek + Σ_il (m_i A_il v_l / m)² σ²_Ail``

Each term is the elasticity of the figure to one number, squared, times its variance. Numbers from
one source move together: the same statement behind several nodes, the same row of a factor set in
several gaps, the same line split over several sites. Their terms are added before they are squared.

What says nothing of its spread takes a default, by the rung it stands on; how much of the variance
rests on defaults is told. Defaults are variances of ``ln`` from the pedigree approach (Weidema et
al. 2013, ecoinvent data quality guideline 3, chapter 10), a basic one and one for each weakness.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from graph.reading.links import CATEGORY_TRANSPORT
from graph.reading.network import RUNG_OF_FEED, Floats, Ints
from graph.terms import Feed, Rung
from graph.tracing.draws import Draw
from graph.tracing.quality import sources_of

Z95: Final = 1.959963984540054
"""Half the width, in standard deviations, of the middle 95 % of a normal distribution."""
WIDEST: Final = math.log(1000)
"""A spread beyond which an interval says nothing: the figure is what nearly cancelling terms
leave."""

BASIC: Final = 0.0006
"""Basic variance of energy, material and waste amounts, and of CO2 emissions (table 10.3)."""
TRANSPORT: Final = 0.12
"""Basic variance of transport services."""
_ESTIMATED_IN_PART: Final = 0.0006
"""Reliability, score 2: verified but partly assumed, or measured and not verified (table 10.5)."""
_ESTIMATED: Final = 0.002
"""Reliability, score 3: not verified and partly from qualified estimates."""
_MOST_SITES: Final = 0.0001
"""Completeness, score 2: more than half of the sites."""
_WITHIN_6_YEARS: Final = 0.0002
"""Temporal correlation, score 2."""
_WITHIN_10_YEARS: Final = 0.002
"""Temporal correlation, score 3."""


def _gsd(*variances: float) -> float:
    return math.exp(math.sqrt(sum(variances)))


DEFAULT_GSD: Final[Mapping[Rung, float]] = MappingProxyType(
    {
        Rung.COMPUTED: _gsd(BASIC, _ESTIMATED_IN_PART),
        Rung.OTHER_YEAR: _gsd(BASIC, _ESTIMATED_IN_PART, _WITHIN_6_YEARS),
        Rung.DECLARED: _gsd(BASIC, _ESTIMATED, _MOST_SITES, _WITHIN_6_YEARS),
        Rung.EXPIRED: _gsd(BASIC, _ESTIMATED, _MOST_SITES, _WITHIN_10_YEARS),
    }
)
"""GSD of own emissions of which nothing is said, by rung. Estimates bring that of their factor."""
DEFAULT_AMOUNT_GSD: Final = _gsd(BASIC, _ESTIMATED_IN_PART)
DEFAULT_TRANSPORT_GSD: Final = _gsd(TRANSPORT, _ESTIMATED_IN_PART)


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """A figure's GSD and the interval that holds 95 % of what it may be, in the figure's unit.

    ``by_default`` is the share (0 to 1) of the variance that rests on default GSDs. The bounds are
    null while something has no estimate: nobody knows how much is missing.
    """

    gsd: float
    lower: float | None
    upper: float | None
    by_default: float


@dataclass(frozen=True)
class Terms:
    """What a figure rests on: ``kg`` CO2e that move in proportion to a number, signed; ``sigma`` of
    its ln; ``group`` of numbers that move together; whether its GSD is a default; and whether the
    kg are Scope 1. All (t,)."""

    kg: Floats
    sigma: Floats
    group: Ints
    default: NDArray[np.bool_]
    scope1: NDArray[np.bool_]

    def chosen(self, mask: NDArray[np.bool_]) -> Terms:
        kg, sigma, group = self.kg[mask], self.sigma[mask], self.group[mask]
        return Terms(kg, sigma, group, self.default[mask], self.scope1[mask])


def variance(kg: Floats, sigma: Floats, group: Ints) -> Floats:
    """(groups,) variance in kg²: terms of one group are added before they are squared."""
    if not kg.size:
        return np.zeros(0)
    return np.asarray(np.bincount(group, kg * sigma) ** 2)


def uncertainty(total: float, terms: Terms, *, complete: bool) -> Uncertainty | None:
    """Of a figure of ``total`` kg CO2e; ``None`` where no lognormal can describe it.

    That is one of zero or less, or one that is all but cancelled by credits.
    """
    if total <= 0:
        return None
    of_groups = variance(terms.kg, terms.sigma, terms.group)
    spread = math.sqrt(float(of_groups.sum())) / total
    if spread > WIDEST:
        return None
    by_default = variance(terms.kg, np.where(terms.default, terms.sigma, 0.0), terms.group).sum()
    factor = math.exp(Z95 * spread)
    return Uncertainty(
        gsd=math.exp(spread),
        lower=total / factor if complete else None,
        upper=total * factor if complete else None,
        by_default=min(float(by_default / of_groups.sum()), 1.0) if spread else 0.0,
    )


@dataclass(frozen=True)
class Spread:
    """The uncertainty of a figure and, of a boundary, of its two halves."""

    whole: Uncertainty | None
    scope1: Uncertainty | None
    upstream: Uncertainty | None

    @classmethod
    def of(cls, draw: Draw) -> Spread:
        terms = terms_of(draw)
        inside = float(draw.emitted[draw.inside[draw.nodes]].sum())
        total = float(draw.emitted.sum()) + sum(kg for *_, kg in draw.fillings())
        own = terms.chosen(terms.scope1)
        brought = terms.chosen(~terms.scope1)
        return cls(
            whole=uncertainty(total, terms, complete=draw.complete),
            scope1=uncertainty(inside, own, complete=draw.scope1_complete),
            upstream=uncertainty(total - inside, brought, complete=draw.upstream_complete),
        )


@dataclass(frozen=True, slots=True)
class _Term:
    kg: float
    sigma: float
    source: Hashable
    default: bool
    scope1: bool


def terms_of(draw: Draw) -> Terms:
    """Every number that the figure rests on, from its emissions to its amounts."""
    found = [*_emissions(draw), *_estimates(draw)]
    code: dict[Hashable, int] = {}
    group = [code.setdefault(term.source, len(code)) for term in found]
    amounts = _amounts(draw, len(code))
    return Terms(
        kg=np.array([*(term.kg for term in found), *amounts.kg]),
        sigma=np.array([*(term.sigma for term in found), *amounts.sigma]),
        group=np.array([*group, *amounts.group], dtype=np.int64),
        default=np.array([*(term.default for term in found), *amounts.default], dtype=np.bool_),
        scope1=np.array([*(term.scope1 for term in found), *amounts.scope1], dtype=np.bool_),
    )


def _emissions(draw: Draw) -> Iterator[_Term]:
    """Own emissions: a statement is one source, at however many nodes it counts."""
    speakers, row = np.unique(draw.speakers[draw.nodes], return_inverse=True)
    emitted = np.bincount(row, draw.emitted, len(speakers))
    for node, kg in zip(speakers.tolist(), emitted.tolist(), strict=True):
        feed = draw.network.nodes[node].feed
        for source in sources_of(draw.facts, draw.weights, node) if kg else ():
            gsd = source.datum.gsd
            yield _Term(
                kg=kg * source.share,
                sigma=math.log(gsd or DEFAULT_GSD[RUNG_OF_FEED[feed]]),
                source=("statement", source.datum.index),
                default=gsd is None,
                scope1=bool(draw.inside[node]),
            )


def _estimates(draw: Draw) -> Iterator[_Term]:
    """What factors fill in: a row is one source, in however many gaps it stands. The amount of a
    gap is a number of its own."""
    for node, filling, kg in draw.fillings():
        estimate = filling.estimate
        factor = ("factor", estimate.factor)
        yield _Term(kg, math.log(estimate.gsd), factor, default=False, scope1=False)
        if filling.category is not None:
            sigma = math.log(_default_amount_gsd(filling.category))
            line = ("gap", node, estimate.factor, filling.category)
            yield _Term(kg, sigma, line, default=True, scope1=False)


def _default_amount_gsd(category: int) -> float:
    return DEFAULT_TRANSPORT_GSD if category == CATEGORY_TRANSPORT else DEFAULT_AMOUNT_GSD


def _amounts(draw: Draw, first: int) -> Terms:
    """Amounts taken in; groups count from ``first``.

    What a node's statements say of one product in one category is one number: it may be several
    edges, to several sites, and of a place that was cut in two it stands at both halves.
    """
    edges, network = draw.network.edges, draw.network
    supplier, consumer = edges.supplier[draw.edges], edges.consumer[draw.edges]
    category = edges.category[draw.edges]
    kg = draw.per_unit[supplier] * edges.amount[draw.edges] * draw.made[consumer]
    usual = np.where(category == CATEGORY_TRANSPORT, DEFAULT_TRANSPORT_GSD, DEFAULT_AMOUNT_GSD)
    sigma, default = np.log(usual), np.ones(len(kg), dtype=np.bool_)
    for k, amounts in draw.facts.said_of(draw.edges, draw.takes):
        gsds = [amount.gsd for amount in amounts]
        each = (amount.share * math.log(amount.gsd or usual[k]) for amount in amounts)
        sigma[k] = math.sqrt(sum(part**2 for part in each))
        default[k] = None in gsds
    product = _codes(supplier, lambda i: network.nodes[i].product)
    said = _codes(consumer, lambda j: _lines_of(draw, j))
    cells = np.column_stack([said, product, category])
    _, group = np.unique(cells, axis=0, return_inverse=True)
    terms = Terms(kg, sigma, group + first, default, np.zeros(len(kg), dtype=np.bool_))
    return terms.chosen(kg != 0)


def _lines_of(draw: Draw, node: int) -> Hashable:
    """The statements that list what a node takes in: one number each, at whatever nodes."""
    at = draw.network.nodes[draw.taker(node)]
    if at.feed is Feed.OVERHEAD:
        return at.place and at.place.site
    return tuple(datum.index for datum in draw.facts.data(node)) or node


def _codes(numbers: Ints, name: Callable[[int], Hashable]) -> Ints:
    """A code for each of ``numbers``, the same where they have the same name."""
    code: dict[Hashable, int] = {}
    distinct, at = np.unique(numbers, return_inverse=True)
    codes = [code.setdefault(name(number), len(code)) for number in distinct.tolist()]
    return np.array(codes, dtype=np.int64)[at]
