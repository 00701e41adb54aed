"""What may be told of a product's figure to who buys it: the number, and how far it can be trusted.

Everything is as the product's footprint and its quality show it to the same caller
(``api.figures.products``, ``api.quality.answers``): what these do not show is not known here
either, and so has no part in any verdict.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from api.access.access import Access, Sight
from api.errors import (
    DayNotDisclosed,
    EarlierPositionNotDisclosed,
    FewerThanThree,
    NotDisclosed,
    TokenMissing,
)
from api.figures.parts import Answer, by_gas, columns_of
from api.procurement.lookup import product_of
from api.quality.answers import product_quality_answer
from graph.engine import Answered, Question
from graph.errors import (
    GasWithoutGwp,
    GraphError,
    LoopGain,
    NoDataForYear,
    SitesWithoutOutput,
    UnknownProduct,
)
from graph.figures.boundary import Lacking
from graph.figures.footprint import ProductFootprint, mix_of, product_footprint
from graph.kept import kept
from graph.reading.network import Floats, Ints
from graph.reading.openings import is_mass_disputed
from graph.reading.year import Standby, Year
from graph.solving.upstream import made_for_each
from graph.soundness.comparison import in_unit, stated
from graph.soundness.usability import usability
from graph.terms import Feed
from graph.tracing.draws import draw_of_product
from graph.tracing.facts import facts_of
from ledger import units
from ledger.errors import CatchmentError, UnitMismatch
from ledger.recent import Recent
from ledger.standing import Standing
from ledger.statements import OfferFacts

Drawn: TypeAlias = tuple[Ints, Floats]
"""Nodes, and the units of each in one unit of a product."""
DAYS_PER_YEAR: Final = 365.25
_OTHER_TIME: Final = frozenset({Feed.OTHER_YEAR, Feed.EXPIRED})
_KEPT: Final = 4096
_DECIDES: Final = (
    "disclosure",
    "product",
    "transfer",
    "attestation",
    "accreditation",
    "revocation",
    "recovery",
    "erasure",
)
"""Types that decide, beside what moves a figure, what is told of it and to whom."""
REFUSED_AS: Final[Mapping[type[CatchmentError], str]] = MappingProxyType(
    {
        TokenMissing: "not-disclosed",
        NotDisclosed: "not-disclosed",
        FewerThanThree: "fewer-than-three",
        EarlierPositionNotDisclosed: "not-disclosed",
        DayNotDisclosed: "day-not-disclosed",
        UnknownProduct: "not-registered",
        NoDataForYear: "no-data",
        LoopGain: "not-computed",
        SitesWithoutOutput: "not-computed",
        GasWithoutGwp: "not-computed",
    }
)
"""Why there is no figure -> why an offer is not compared."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is told of a product, per declared unit of it, in kg CO2e.

    ``amount`` is as ``api.figures.parts.amount`` tells it; ``age`` is in years. ``statement`` is
    the declaration that feeds the figure, if one does, and ``usability`` its level.
    """

    product: str
    name: str
    unit: str
    mass_per_unit: Decimal | None
    is_mass_disputed: bool
    as_of: int
    amount: Answer
    verified: Mapping[str, float] | None
    age: float | None
    uncertainty: Answer | None
    mixed_gwp: bool | None
    usability: int | None
    statement: Standby | None
    is_of_other_time: bool

    @property
    def verified_share(self) -> float | None:
        return None if self.verified is None else min(sum(self.verified.values()), 1.0)

    @property
    def age_days(self) -> float | None:
        return None if self.age is None else self.age * DAYS_PER_YEAR

    @property
    def interval(self) -> tuple[float | None, float | None]:
        """The 95 % interval; both ends are None where it is not known or not shown."""
        spread = self.uncertainty
        return (spread["lower"], spread["upper"]) if spread else (None, None)

    def refused(self, offered: str, unit: str) -> str | None:
        """Why an amount ``offered`` is not compared in ``unit``; None where nothing is in the
        way."""
        if self.is_mass_disputed and self._needs_mass(offered, unit):
            return "mass-disputed"
        try:
            self.in_unit(Decimal(1), offered, unit)
        except UnitMismatch:
            return "other-unit"
        if self.is_of_other_time:
            return "other-time"
        if self.amount["value"] is None:
            is_open = self.amount["lacking"] == Lacking.OPEN.name.lower()
            return "at-least" if is_open else "not-shown"
        return None

    def _needs_mass(self, *stated_in: str) -> bool:
        if units.parse(self.unit).dimension == "mass":
            return False
        return any(units.parse(each).dimension == "mass" for each in stated_in)

    def in_unit(self, amount: Decimal, offered: str, unit: str) -> tuple[Decimal, Decimal]:
        """As ``graph.soundness.comparison.in_unit``."""
        return in_unit(amount, offered, self.unit, self.mass_per_unit, unit)

    def facts(self, per_unit: Decimal) -> OfferFacts:
        """What is known for one of a unit that ``per_unit`` declared units make."""

        def scaled(kg: float | None) -> Decimal | None:
            return None if kg is None else stated(Decimal(repr(kg)) * per_unit)

        amount, (lower, upper) = self.amount, self.interval
        return OfferFacts(
            at_least=scaled(amount["at_least"]) or Decimal(0),
            value=scaled(amount["value"]),
            lower=scaled(lower),
            upper=scaled(upper),
            coverage=stated(amount["coverage"]),
            verified_share=stated(self.verified_share),
            age_days=stated(self.age_days),
            usability=self.usability,
            estimated=amount["lacking"] == Lacking.ESTIMATED.name.lower(),
            mixed_gwp=self.mixed_gwp,
        )


class Figures:
    """What is known of products, read once until an entry may have changed it."""

    def __init__(self) -> None:
        self._known: Recent[tuple[Any, ...], Known] = Recent(_KEPT)

    def drawn(
        self, access: Access, answered: Answered, products: Iterable[str]
    ) -> dict[str, Drawn]:
        """What the products draw on, of which nothing is kept and a caller may know something."""
        demands: dict[str, dict[int, float]] = {}
        for product in dict.fromkeys(products):
            if self._known.get(_key(access, answered, product, None)) is None:
                demands |= _demand(access, answered, product)
        made = made_for_each(answered.solved, list(demands.values()))
        return dict(zip(demands, made, strict=True))

    def known(
        self,
        access: Access,
        answered: Answered,
        product: str,
        site: str | None = None,
        drawn: Drawn | None = None,
    ) -> Known:
        """What the caller may know of a product in what was ``answered``.

        An answer from an earlier position of the log is judged as one from the whole log is: it is
        only to be compared with what somebody was told then. Raises as the footprint does.
        """
        access.require("product", product, "footprint")
        if product not in answered.standing.products:
            raise UnknownProduct(product=product)
        key = _key(access, answered, product, site)
        known = self._known.get(key)
        return known or self._known.put(key, _read(access, answered, product, site, drawn))


def _key(access: Access, answered: Answered, product: str, site: str | None) -> tuple[Any, ...]:
    """What is known of a product is the same as long as this is."""
    question = answered.year, answered.gwp, answered.valid_on, product, site
    decided = _decided(answered.standing), _decided(access.standing)
    state = _last_word(answered, product), *decided
    return (*question, *state, access.caller.is_auditor)


def _demand(access: Access, answered: Answered, product: str) -> dict[str, dict[int, float]]:
    """One unit of the mix of a product; nothing where there is none, or none for the caller."""
    if not access.may_read_footprint_of(product):
        return {}
    try:
        nodes, shares = mix_of(answered.solved, product, None)
    except GraphError:
        return {}
    return {product: dict(zip(nodes, map(float, shares), strict=True))}


def _last_word(answered: Answered, product: str) -> int:
    """The last entry that had a say in the numbers."""
    solved = answered.solved
    nodes = solved.network.nodes_of.get(product, [])
    return int(solved.as_of[nodes].max()) if nodes else -1


def _decided(standing: Standing) -> tuple[int, ...]:
    """The last entries that may have decided who may read what, and what stands."""

    def last() -> tuple[int, ...]:
        return tuple(standing.touched.get((kind, ""), -1) for kind in _DECIDES)

    return kept(standing, "decided", last)


def _read(
    access: Access, answered: Answered, product: str, site: str | None, drawn: Drawn | None
) -> Known:
    """Of those who may read the footprint, all are shown the same but auditors."""
    asked = Question(answered.year, answered.gwp, None, answered.valid_on)
    solved, weights = answered.solved, answered.weights
    sight = access.require_footprint(product, solved, asked, site)
    figure = product_footprint(solved, product, weights, site)
    facts = facts_of(answered.standing, solved.network, answered.valid_on)
    draw = draw_of_product(solved, weights, facts, product, site, drawn)
    quality = product_quality_answer(answered, figure, draw, sight, access)
    registered, year = product_of(answered.standing, product), _year(answered)
    standbys = tuple(_standbys(answered, year, product, site))
    return Known(
        product=product,
        name=registered.name,
        unit=registered.unit,
        mass_per_unit=registered.mass_per_unit,
        is_mass_disputed=is_mass_disputed(year, registered),
        as_of=max(figure.as_of, quality["as_of"]),
        amount=quality["amount"],
        verified=quality["verified"],
        age=quality["age"] and quality["age"]["value"],
        uncertainty=quality["uncertainty"],
        mixed_gwp=_mixed_gwp(answered, figure, sight),
        usability=_usability(standbys, answered),
        statement=standbys[0] if len(standbys) == 1 else None,
        is_of_other_time=not _OTHER_TIME.isdisjoint(figure.feeds),
    )


def _year(answered: Answered) -> Year:
    return Year(answered.standing, answered.year, answered.valid_on)


def _mixed_gwp(answered: Answered, figure: ProductFootprint, sight: Sight) -> bool | None:
    hidden = columns_of(sight.hidden, answered.solved.footprints)
    columns = answered.solved.network.columns
    gases = by_gas(columns, figure.columns, answered.weights, hidden) if hidden else []
    if any(row["gas"] is None for row in gases):
        return None
    return figure.mixed_gwp_share > 0


def _standbys(answered: Answered, year: Year, product: str, site: str | None) -> Iterator[Standby]:
    """The declarations that feed the figure; none where a recipe has a part in it."""
    nodes = [answered.solved.network.nodes[i] for i in mix_of(answered.solved, product, site)[0]]
    if any(node.feed is not Feed.FOOTPRINT for node in nodes):
        return
    sites = (node.place.site if node.place else None for node in nodes)
    found = (year.footprint(product, each) for each in sites)
    yield from {each.said.digest: each for each in found if each}.values()


def _usability(standbys: tuple[Standby, ...], answered: Answered) -> int | None:
    """The lowest level of what was declared; nothing was where the figure is computed."""
    day = answered.valid_on or dt.date(answered.year, 12, 31)
    levels = (usability(each.footprint.pact, day).level for each in standbys)
    return min(levels, default=None)
