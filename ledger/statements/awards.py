"""What a buyer decided between offers, and what of their carbon was known when it did."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import marshmallow as ma
from marshmallow import fields, validate

from ledger import gases, units
from ledger.identifiers import parse as parse_identifier
from ledger.schema import (
    Checked,
    Day,
    EntityId,
    Many,
    Quantity,
    Text,
    many,
    nested,
    nonnegative,
    positive,
    said,
)
from ledger.statements.base import Body
from ledger.statements.members import HEX_DIGEST, serial_field
from ledger.statements.parts import FIRST_YEAR, LAST_YEAR
from ledger.statements.trust import Prefix
from ledger.strict_json import MAX_INTEGER

VERDICTS: Final = ("passed", "failed", "refused")
"""Compared and within the rule; compared and not; not comparable."""
ORDERS: Final = ("carbon", "price", "price-with-carbon")
"""By what offers are put in order, each per unit, lowest first."""
MOST_OFFERS: Final = 100
MOST_USABLE: Final = 3
"""The highest usability level of a footprint; 0 is below the first."""
_MOST_REASONS: Final = 20
_KEBAB: Final = r"^[a-z][a-z0-9-]{0,59}\Z"


def _share(**kwargs: Any) -> Quantity:
    most = validate.Range(max=Decimal(1), error="At most 1 is expected.")
    return Quantity(least=Decimal(0), validate=most, **kwargs)


def _code(**kwargs: Any) -> fields.String:
    known = validate.Regexp(_KEBAB, error="A code such as not-disclosed is expected.")
    return fields.String(validate=known, **kwargs)


def _currency(**kwargs: Any) -> fields.String:
    known = validate.OneOf(sorted(units.CURRENCIES), error="A currency of ISO 4217 is expected.")
    return fields.String(validate=known, **kwargs)


def _level() -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(0, MOST_USABLE))


def _flag() -> fields.Boolean:
    return fields.Boolean(truthy={True}, falsy={False}, load_default=False)


def _index() -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(0, MAX_INTEGER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount of a currency."""

    amount: Decimal = said(nonnegative(required=True), "How much.")
    currency: str = said(_currency(required=True), "ISO 4217 code.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRule:
    """What an offer must meet. What is not stated is not asked for."""

    max_per_unit: Decimal | None = said(Quantity(), "At most so many kg CO2e per unit.")
    max_ratio_to_best: Decimal | None = said(
        Quantity(least=Decimal(1)), "At most so many times the lowest value among those compared."
    )
    min_coverage: Decimal | None = said(_share(), "At least this share is known, not estimated.")
    min_verified_share: Decimal | None = said(
        _share(), "At least this share rests on statements that a verifier assures."
    )
    max_age_days: Decimal | None = said(
        nonnegative(), "The data are on average at most so many days old at the end of the year."
    )
    min_usability: int | None = said(_level(), "At least this usability level, 1 to 3.")
    signed_only: bool = said(_flag(), "Objects that the log does not hold do not pass.")
    no_estimates: bool = said(_flag(), "Values with something filled in do not pass.")
    one_gwp: bool = said(_flag(), "Values stated under another GWP set do not pass.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferFacts:
    """What was known of an offer's carbon, per unit of the award; absent: unknown or not shown."""

    at_least: Decimal = said(Quantity(required=True), "kg CO2e that are known.")
    value: Decimal | None = said(Quantity(), "kg CO2e; absent while anything is missing.")
    lower: Decimal | None = said(Quantity(), "Lower end of the 95 % interval, kg CO2e.")
    upper: Decimal | None = said(Quantity(), "Upper end of the 95 % interval, kg CO2e.")
    coverage: Decimal | None = said(Quantity(), "Share that is known, not estimated.")
    verified_share: Decimal | None = said(_share(), "Share that a verifier assures.")
    age_days: Decimal | None = said(Quantity(), "Age of the data at the end of the year, days.")
    usability: int | None = said(_level(), "Usability level, 0 to 3.")
    estimated: bool = said(_flag(), "Whether something is filled in.")
    mixed_gwp: bool | None = said(
        fields.Boolean(truthy={True}, falsy={False}), "Whether some was stated under another set."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """An offer as it was compared. ``footprint`` is a PACT id; ``unsigned`` tells an object apart
    that the bidder sent and the log does not hold."""

    label: str = said(Text(required=True, max_length=120), "What the buyer calls it.")
    product: str | None = said(EntityId(), "The registered product.")
    identifier: str | None = said(
        Checked(parse_identifier), "The URN it was asked by, where it was asked by one."
    )
    footprint: str | None = said(EntityId(), "The id of the PACT footprint.")
    unsigned: str | None = said(
        fields.String(validate=HEX_DIGEST),
        "SHA-256 of an unsigned object, as canonical JSON (RFC 8785); its facts are the buyer's "
        "word.",
    )
    amount: Decimal = said(positive(required=True), "How much is offered.")
    unit: str = said(Checked(units.parse, required=True), "Unit code of that amount.")
    units: Decimal | None = said(
        positive(), "How many units of the award that is; absent where it cannot be converted."
    )
    price: Money | None = said(nested(Money), "The price of that amount.")
    as_of: int | None = said(_index(), "The last entry that moved its figure.")
    facts: OfferFacts | None = said(nested(OfferFacts), "Absent where nothing was to be read.")
    verdict: str = said(
        fields.String(required=True, validate=validate.OneOf(VERDICTS)),
        "passed, failed, or refused: not comparable.",
    )
    reasons: tuple[str, ...] = said(
        Many(_code(), load_default=(), most=_MOST_REASONS), "Why it did not pass, as codes."
    )

    def __post_init__(self) -> None:
        if self.product is not None and self.unsigned is not None:
            raise ma.ValidationError("Either a product or an unsigned object is meant.", "unsigned")
        if self.product is None and self.unsigned is None and self.verdict != "refused":
            raise ma.ValidationError("What is compared is named.", "product")
        if (self.verdict == "passed") == bool(self.reasons):
            raise ma.ValidationError("Reasons say why an offer did not pass.", "reasons")
        if self.verdict != "refused" and (self.facts is None or self.facts.value is None):
            raise ma.ValidationError("What is compared has a value.", "facts")
        if self.verdict != "refused" and self.units is None:
            raise ma.ValidationError("What is compared is so many units.", "units")


@dataclass(frozen=True, slots=True, kw_only=True)
class Award(Body):
    """A decision between offers with what it rested on: figures are pinned as they were then."""

    TYPE = "award"
    SIGNED_BY = ("supplier", "park")
    reference: str = said(Text(required=True, max_length=120), "The tender, as the buyer calls it.")
    serial: int = said(serial_field(), "Tells apart several decisions on one tender.")
    unit: str = said(Checked(units.parse, required=True), "The unit everything is compared in.")
    year: int = said(
        fields.Integer(required=True, strict=True, validate=validate.Range(FIRST_YEAR, LAST_YEAR)),
        "The calendar year of the figures.",
    )
    valid_on: dt.date | None = said(Day(), "The day they are as of; absent: the year as it went.")
    gwp: str = said(
        fields.String(required=True, validate=validate.OneOf(gases.GWP_SETS)), "The GWP set."
    )
    at: Prefix = said(nested(Prefix, required=True), "The prefix of the log that was asked.")
    engine: str = said(Text(required=True, max_length=60), "Version of the engine.")
    order: str = said(
        fields.String(required=True, validate=validate.OneOf(ORDERS)), "By what offers are ordered."
    )
    carbon_price: Money | None = said(nested(Money), "Price of one tonne CO2e, added to prices.")
    rule: OfferRule = said(nested(OfferRule, required=True), "What an offer had to meet.")
    offers: tuple[Offered, ...] = said(
        many(Offered, required=True, least=1, most=MOST_OFFERS), "The offers, as they came."
    )
    chosen: str | None = said(Text(max_length=120), "Label of the offer taken; absent: none.")

    def __post_init__(self) -> None:
        labels = [offer.label for offer in self.offers]
        if len(set(labels)) < len(labels):
            raise ma.ValidationError("Two offers have the same label.", "offers")
        if self.chosen is not None and self.chosen not in labels:
            raise ma.ValidationError("The chosen offer is one of those compared.", "chosen")
        if self.valid_on is not None and self.valid_on.year != self.year:
            raise ma.ValidationError("The day lies in the year.", "validOn")
        for i, offer in enumerate(self.offers):
            if offer.as_of is not None and offer.as_of >= self.at.size:
                raise ma.ValidationError(
                    "The entry that moved it lies in the prefix.", f"offers/{i}/asOf"
                )

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (subject, self.reference, str(self.serial))
