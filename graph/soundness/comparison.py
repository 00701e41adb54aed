"""Offers compared by their carbon: in one unit, over one boundary, of one time; or not at all.

With ``m`` kg CO2e per declared unit of a product (cradle to gate), ``r`` declared units in one unit
that is asked about, and ``n`` such units offered:

    ``value = m·r``  [kg CO2e per unit],  ``total = value·n``  [kg CO2e]
    ``priced = price + carbon price·total/1000``  [currency; a carbon price is per tonne]

What is not known is not compared: a lower bound is no value, and an offer whose figure nobody may
tell the buyer has none. Such an offer is *refused*, by name, and has no part in the order, nor in
what is best; so neither says anything about it. An offer that is compared *passes* the buyer's rule
or fails it, by name. Two offers whose 95 % intervals meet **cannot be told apart**.

Judging reads nothing but stated decimals. Whoever has an award has all it takes to judge it again,
and gets the same verdicts to the letter.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from types import MappingProxyType
from typing import Final, TypeAlias, cast

from ledger import units
from ledger.statements import Money, OfferFacts, OfferRule
from ledger.statements.awards import ORDERS

DIGITS: Final = 12
"""Significant digits of a stated number."""
KG_PER_TONNE: Final = Decimal(1000)
_EXACT: Final = Context(prec=50)
_STATED: Final = Context(prec=DIGITS)

CARBON, PRICE, PRICE_WITH_CARBON = ORDERS

REFUSALS: Final = MappingProxyType(
    {
        "not-disclosed": "Its figure is not open to you: ask its owner to disclose it.",
        "fewer-than-three": "It rests on undisclosed figures of one or two suppliers, which could "
        "be calculated from it.",
        "day-not-disclosed": "It rests on undisclosed figures of others, so it is not told as of a "
        "day.",
        "not-registered": "The identifier means no registered product.",
        "several-products": "The identifier may mean several products: name the supplier or the "
        "product.",
        "no-data": "Nothing describes the product in this year.",
        "not-computed": "Its figure cannot be computed: its sites or a loop stand in the way.",
        "at-least": "Something in it is not known: a lower bound is no value.",
        "not-shown": "What was filled in may not be told, so its value is not known to you.",
        "other-unit": "Its unit cannot be converted to the one compared: they measure different "
        "things.",
        "mass-disputed": "Its owner gives two masses per unit that contradict each other.",
        "other-time": "It is of another time: it is not valid on the day compared.",
        "deprecated": "Its owner no longer uses this footprint.",
        "superseded": "Another footprint stands in its place now.",
    }
)
"""Why an offer is not compared, by code."""
FAILURES: Final = MappingProxyType(
    {
        "above-limit": "More carbon per unit than allowed.",
        "above-best": "Too far above the best offer.",
        "coverage-low": "Less of it is known than asked for.",
        "coverage-not-told": "How much of it is known is not told.",
        "verified-low": "Less of it is verified than asked for.",
        "verified-not-told": "How much of it is verified is not told.",
        "too-old": "Its data are older than allowed.",
        "age-not-told": "How old its data are is not told.",
        "usability-low": "Its usability level is lower than asked for.",
        "usability-not-told": "Its usability level is not known.",
        "unsigned": "It is not signed in the log.",
        "estimated": "Something in it is estimated.",
        "mixed-gwp": "Some of it was stated under other warming potentials.",
        "gwp-not-told": "Under which warming potentials it was stated is not told.",
    }
)
"""Why an offer that was compared does not pass, by code."""
OTHER_CURRENCY: Final = "other-currency"
NO_PRICE: Final = "no-price"
NOT_PRICED: Final = MappingProxyType(
    {
        NO_PRICE: "No price is given.",
        OTHER_CURRENCY: "Its price is in another currency than the price of carbon: exchange rates "
        "are not ours to choose.",
    }
)
"""Why carbon is not added to a price, by code."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is compared. ``amount`` is in units asked about; ``facts`` are per such unit.

    ``refused`` says why it is not compared, a code of ``REFUSALS``; then nothing else is read.
    """

    label: str
    amount: Decimal | None
    facts: OfferFacts | None
    price: Money | None = None
    signed: bool = True
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """An offer against the rule and the others.

    ``total`` is kg CO2e of the whole amount; ``carbon_cost`` and ``priced`` are in the currency of
    the price, ``*_per_unit`` the same for one unit. ``not_priced`` is a code of ``NOT_PRICED``.
    ``rank`` counts from 1 among the offers compared; ``tied`` are positions of the offers that it
    cannot be told apart from, ``None`` where an interval is not known.
    """

    offer: Offer
    refused: str | None
    failed: tuple[str, ...]
    total: Decimal | None = None
    ratio_to_best: Decimal | None = None
    price_per_unit: Decimal | None = None
    carbon_cost: Decimal | None = None
    priced: Decimal | None = None
    priced_per_unit: Decimal | None = None
    not_priced: str | None = None
    rank: int | None = None
    tied: tuple[int, ...] | None = None

    @property
    def verdict(self) -> str:
        """``refused``, ``failed`` or ``passed``."""
        return "refused" if self.refused else "failed" if self.failed else "passed"

    @property
    def reasons(self) -> tuple[str, ...]:
        return (self.refused,) if self.refused else self.failed


def in_unit(
    amount: Decimal, offered: str, declared: str, mass_per_unit: Decimal | None, unit: str
) -> tuple[Decimal, Decimal]:
    """How many of ``unit`` an offered amount is, and declared units in one of ``unit``.

    Between mass and pieces there is one bridge, the mass of the product's own declared unit.
    Raises UnitMismatch.
    """
    stated, asked = units.parse(offered), units.parse(unit)
    one = units.parse(declared)
    per_offered = units.ratio(stated, one, mass_per_unit)
    per_asked = units.ratio(asked, one, mass_per_unit)
    return _EXACT.divide(_EXACT.multiply(amount, per_offered), per_asked), per_asked


def stated(number: float | Decimal | None) -> Decimal | None:
    """A number as awards state it: ``DIGITS`` significant digits, no exponent."""
    if number is None:
        return None
    rounded = _STATED.create_decimal(number if isinstance(number, Decimal) else repr(number))
    return Decimal(format(rounded.normalize(), "f")) if rounded else Decimal(0)


# -- judging -----------------------------------------------------------------------------------


def judge(
    offers: Sequence[Offer], rule: OfferRule, order: str, carbon_price: Money | None = None
) -> tuple[Judged, ...]:
    """Every offer against the rule and the others, in the order they came. O(n²) in ties alone."""
    refusals = [_refusal(offer) for offer in offers]
    values = [_value(each) for each, refused in zip(offers, refusals, strict=True) if not refused]
    best = min(values, default=None)
    priced = [
        Judged(offer, refused, ())
        if refused
        else _priced(offer, tuple(_failures(offer, rule, best)), best, carbon_price)
        for offer, refused in zip(offers, refusals, strict=True)
    ]
    ranks, ties = _ranks(priced, order), _ties(priced)
    return tuple(
        replace(each, rank=rank, tied=tied)
        for each, rank, tied in zip(priced, ranks, ties, strict=True)
    )


def first_of(judged: Sequence[Judged]) -> Judged | None:
    """The first in order among those that pass."""
    passed = [each for each in judged if each.verdict == "passed" and each.rank is not None]
    return min(passed, key=lambda each: cast(int, each.rank), default=None)


def _refusal(offer: Offer) -> str | None:
    if offer.refused is not None:
        return offer.refused
    return None if offer.facts and offer.facts.value is not None else "at-least"


def _value(offer: Offer) -> Decimal:
    return cast(Decimal, cast(OfferFacts, offer.facts).value)


def _failures(offer: Offer, rule: OfferRule, best: Decimal | None) -> Iterator[str]:
    facts, value = cast(OfferFacts, offer.facts), _value(offer)
    if rule.max_per_unit is not None and value > rule.max_per_unit:
        yield "above-limit"
    if rule.max_ratio_to_best is not None and _is_far(value, best, rule.max_ratio_to_best):
        yield "above-best"
    yield from _least("coverage", facts.coverage, rule.min_coverage)
    yield from _least("verified", facts.verified_share, rule.min_verified_share)
    yield from _most("too-old", "age-not-told", facts.age_days, rule.max_age_days)
    yield from _least("usability", facts.usability, rule.min_usability)
    if rule.signed_only and not offer.signed:
        yield "unsigned"
    if rule.no_estimates and facts.estimated:
        yield "estimated"
    if rule.one_gwp and facts.mixed_gwp is not False:
        yield "mixed-gwp" if facts.mixed_gwp else "gwp-not-told"


def _is_far(value: Decimal, best: Decimal | None, ratio: Decimal) -> bool:
    """A best of zero or less has no multiples: then only it is near itself."""
    if best is None:
        return False
    return value > best * ratio if best > 0 else value > best


def _least(what: str, told: Decimal | int | None, asked: Decimal | int | None) -> Iterator[str]:
    if asked is None:
        return
    if told is None:
        yield f"{what}-not-told"
    elif told < asked:
        yield f"{what}-low"


def _most(high: str, untold: str, told: Decimal | None, asked: Decimal | None) -> Iterator[str]:
    if asked is None:
        return
    if told is None:
        yield untold
    elif told > asked:
        yield high


def _priced(
    offer: Offer, failed: tuple[str, ...], best: Decimal | None, carbon_price: Money | None
) -> Judged:
    amount, value, price = cast(Decimal, offer.amount), _value(offer), offer.price
    total = _EXACT.multiply(value, amount)
    judged = Judged(
        offer,
        None,
        failed,
        total=stated(total),
        ratio_to_best=_ratio(value, best),
        price_per_unit=stated(_EXACT.divide(price.amount, amount)) if price else None,
    )
    if carbon_price is None:
        return judged
    if price is None or price.currency != carbon_price.currency:
        return replace(judged, not_priced=NO_PRICE if price is None else OTHER_CURRENCY)
    cost = _EXACT.divide(_EXACT.multiply(total, carbon_price.amount), KG_PER_TONNE)
    priced = _EXACT.add(price.amount, cost)
    per_unit = stated(_EXACT.divide(priced, amount))
    return replace(
        judged, carbon_cost=stated(cost), priced=stated(priced), priced_per_unit=per_unit
    )


def _ratio(value: Decimal, best: Decimal | None) -> Decimal | None:
    return stated(_EXACT.divide(value, best)) if best is not None and best > 0 else None


# -- order -------------------------------------------------------------------------------------


def _ranks(judged: Sequence[Judged], order: str) -> list[int | None]:
    """Place in order, from 1; the same for equals. ``None`` for what has nothing to be ordered by,
    such as a price in another currency."""
    key = _KEYS[order]
    currency = _currency(judged)
    keys = [key(each) if order == CARBON or _is_in(each, currency) else None for each in judged]
    known = sorted(each for each in keys if each is not None)
    return [None if each is None else bisect_left(known, each) + 1 for each in keys]


_KEYS: Final[Mapping[str, Callable[[Judged], Decimal | None]]] = MappingProxyType(
    {
        CARBON: lambda each: None if each.refused else _value(each.offer),
        PRICE: lambda each: each.price_per_unit,
        PRICE_WITH_CARBON: lambda each: each.priced_per_unit,
    }
)


def _currency(judged: Sequence[Judged]) -> str | None:
    """The one in which prices are ordered: that of the first offer compared."""
    prices = (each.offer.price for each in judged if not each.refused)
    return next((price.currency for price in prices if price), None)


def _is_in(judged: Judged, currency: str | None) -> bool:
    price = judged.offer.price
    return price is not None and price.currency == currency


def _ties(judged: Sequence[Judged]) -> list[tuple[int, ...] | None]:
    spans = [None if each.refused else _interval(each.offer) for each in judged]
    return [None if span is None else tuple(_meeting(k, spans)) for k, span in enumerate(spans)]


_Span: TypeAlias = tuple[Decimal, Decimal]


def _interval(offer: Offer) -> _Span | None:
    facts = cast(OfferFacts, offer.facts)
    if facts.lower is None or facts.upper is None:
        return None
    return facts.lower, facts.upper


def _meeting(k: int, spans: Sequence[_Span | None]) -> Iterator[int]:
    lower, upper = cast(_Span, spans[k])
    for other, span in enumerate(spans):
        if span is not None and other != k and span[0] <= upper and lower <= span[1]:
            yield other
