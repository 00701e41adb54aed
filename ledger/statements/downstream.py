"""What becomes of products after the gate, and what an enterprise has others run."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import marshmallow as ma
from marshmallow import fields, validate

from ledger import units
from ledger.errors import UnitUnknown
from ledger.schema import Checked, EntityId, Quantity, Text, many, nested, nonnegative, said
from ledger.statements.base import Periodic
from ledger.statements.parts import (
    MOST_EMISSIONS,
    WHOLE,
    Basis,
    Emission,
    Part,
    Period,
    Reference,
    Transport,
    check_supplier,
)

KEYS = ("mass", "economic")
HELD = (13, 14, 15)
"""Leased assets, franchises and investments (GHG Protocol, Corporate Value Chain Standard)."""
_MOST_LINES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Transport and storage after the gate that the maker does not pay for (category 9)."""

    emissions: tuple[Emission, ...] | None = said(
        many(Emission, most=MOST_EMISSIONS), "What delivering `basis` emits; empty means nothing."
    )
    services: tuple[Transport, ...] | None = said(
        many(Transport, most=_MOST_LINES), "Or the services that deliver `basis`, to be priced."
    )

    def __post_init__(self) -> None:
        if self.emissions is None and self.services is None:
            raise ma.ValidationError("State emissions, services or both.", "emissions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What using the product emits over its whole life (category 11)."""

    emissions: tuple[Emission, ...] = said(
        many(Emission, required=True, most=MOST_EMISSIONS),
        "What `basis` emits until nobody uses it any more; empty means nothing.",
    )
    assumptions: str = said(
        Text(required=True, max_length=2000), "How long, how often and on what energy it is used."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """Where a part of the product ends up. The service is priced per kg treated."""

    ref: Reference = said(nested(Reference, required=True), "The treatment service.")
    supplier: str | None = said(Checked(check_supplier), "Who treats it: enterprise id or URN.")
    share: Decimal = said(
        Quantity(required=True, validate=validate.Range(Decimal(0), Decimal(1))),
        "Part of the product's mass, 0 to 1.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOfLife:
    """What discarding the product emits (category 12)."""

    emissions: tuple[Emission, ...] | None = said(
        many(Emission, most=MOST_EMISSIONS), "What discarding `basis` emits; empty means nothing."
    )
    treatments: tuple[Treatment, ...] | None = said(
        many(Treatment, least=1, most=_MOST_LINES), "Or where the mass of it goes, to be priced."
    )
    assumptions: str = said(
        Text(required=True, max_length=2000), "Where the product ends up, and how that is known."
    )

    def __post_init__(self) -> None:
        if (self.emissions is None) == (self.treatments is None):
            raise ma.ValidationError("State either emissions or treatments.", "emissions")
        if self.treatments is not None and sum(each.share for each in self.treatments) != 1:
            raise ma.ValidationError("The shares add up to 1.", "treatments")


def _price(text: str) -> None:
    if not units.parse(text).dimension.startswith("price "):
        raise UnitUnknown(text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one material input of `basis` cost."""

    ref: Reference = said(nested(Reference, required=True), "The input, as in the recipe.")
    supplier: str | None = said(Checked(check_supplier), "Whose: enterprise id or URN.")
    amount: Decimal = said(nonnegative(required=True), "Its cost for `basis`.")
    unit: str = said(
        Checked(_price, required=True), "Currency, year and price basis, the same in all costs."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Processing:
    """By which key making the product falls on the materials it is made from.

    Whoever sold a material counts its share of what making this emits (category 10). By mass,
    recipe and products say all there is to say; by cost, the costs are said here.
    """

    key: str = said(
        fields.String(required=True, validate=validate.OneOf(KEYS)),
        "mass; or economic, where the mass of the materials means nothing.",
    )
    reason: str | None = said(Text(max_length=2000), "Why their mass means nothing (economic).")
    costs: tuple[Cost, ...] | None = said(
        many(Cost, least=1, most=_MOST_LINES), "What every material input cost (economic)."
    )

    def __post_init__(self) -> None:
        economic = self.key == "economic"
        if (self.reason is not None) != economic:
            raise ma.ValidationError("An economic key, and no other, has a reason.", "reason")
        if (self.costs is not None) != economic:
            raise ma.ValidationError("An economic key, and no other, has costs.", "costs")
        if len({cost.unit for cost in self.costs or ()}) > 1:
            raise ma.ValidationError("All costs are in one unit.", "costs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Downstream(Periodic):
    """What becomes of a product after the gate, as totals for ``basis``.

    What is left out is unknown, not nothing. Long lists of services come in pieces, which add up;
    everything else is in the first piece.
    """

    TYPE = "downstream"
    product: str = said(EntityId(required=True), "The product made.")
    site: str = said(EntityId(required=True), "Where it is made.")
    period: Period = said(nested(Period, required=True), "When what is sold was made.")
    part: Part = said(nested(Part, load_default=WHOLE), "Piece of a long statement.")
    basis: Basis = said(nested(Basis, required=True), "The output the totals are for.")
    delivery: Delivery | None = said(nested(Delivery), "Transport after the gate (category 9).")
    use: Use | None = said(nested(Use), "Use over the product's life (category 11).")
    end_of_life: EndOfLife | None = said(nested(EndOfLife), "Its end of life (category 12).")
    processing: Processing | None = said(
        nested(Processing), "The key for its materials; by mass if absent (their category 10)."
    )

    def __post_init__(self) -> None:
        first = {"use": self.use, "endOfLife": self.end_of_life, "processing": self.processing}
        for member, stated in first.items():
            if stated is not None and self.part.k > 1:
                raise ma.ValidationError("The first piece states this.", member)

    @property
    def about(self) -> tuple[str, ...]:
        return (self.product, self.site)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Emissions of what others run for the enterprise. They are entered, not derived."""

    category: int = said(
        fields.Integer(required=True, strict=True, validate=validate.OneOf(HELD)),
        "13 leased assets, 14 franchises, 15 investments.",
    )
    emissions: tuple[Emission, ...] = said(
        many(Emission, required=True, most=MOST_EMISSIONS), "Total of the period."
    )
    reason: str = said(
        Text(required=True, max_length=2000), "What is held, and where the number is from."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings(Periodic):
    """What an enterprise or a park leases out, franchises or invests in (categories 13 to 15)."""

    TYPE = "holdings"
    SIGNED_BY = ("supplier", "park")
    enterprise: str = said(EntityId(required=True), "The enterprise, or the park.")
    period: Period = said(nested(Period, required=True), "When.")
    part: Part = said(nested(Part, load_default=WHOLE), "Piece of a long statement.")
    holdings: tuple[Holding, ...] = said(
        many(Holding, required=True, most=_MOST_LINES),
        "Every holding; a category that none is in has no emissions.",
    )

    @property
    def about(self) -> tuple[str, ...]:
        return (self.enterprise,)
