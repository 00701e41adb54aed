"""What statements are made of: periods, pieces, emissions, references to products, input lines."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

import marshmallow as ma
from marshmallow import fields, validate

from ledger import gases, units
from ledger.errors import GasUnknown, GwpSetRefused
from ledger.identifiers import parse as parse_identifier
from ledger.schema import (
    Checked,
    Day,
    EntityId,
    Many,
    Quantity,
    Text,
    nested,
    nonnegative,
    positive,
    said,
)
from ledger.statements.quality import gsd_field

MOST_EMISSIONS = 500
FIRST_YEAR, LAST_YEAR = 1900, 9000


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days ``[start, end)`` in the site's time zone, all within one calendar year."""

    start: dt.date = said(Day(required=True), "First day of the period, local to the site.")
    end: dt.date = said(Day(required=True), "First day after the period, local to the site.")

    def __post_init__(self) -> None:
        if not FIRST_YEAR <= self.start.year <= LAST_YEAR:
            # Beyond them, a day is outside of what times can say in some time zone.
            raise ma.ValidationError(
                f"A year from {FIRST_YEAR} to {LAST_YEAR} is expected.", "start"
            )
        if self.end <= self.start:
            raise ma.ValidationError("The period ends before it starts.", "end")
        if (self.end - dt.timedelta(days=1)).year != self.start.year:
            raise ma.ValidationError("The period leaves its calendar year; split it there.", "end")

    @property
    def year(self) -> int:
        return self.start.year

    @property
    def last(self) -> dt.date:
        """The last day: who owns a site then answers for the whole period."""
        return self.end - dt.timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def text(self) -> str:
        return f"{self.start}/{self.end}"

    @classmethod
    def parse(cls, text: str) -> Period:
        """``parse(period.text) == period``."""
        start, _, end = text.partition("/")
        return cls(start=dt.date.fromisoformat(start), end=dt.date.fromisoformat(end))

    def overlaps(self, other: Period) -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Piece ``k`` of ``n`` of one long statement; only a complete set counts."""

    k: int = said(fields.Integer(required=True, strict=True), "This piece, from 1.")
    n: int = said(fields.Integer(required=True, strict=True), "How many pieces there are.")

    def __post_init__(self) -> None:
        if not 1 <= self.k <= self.n <= 999:
            raise ma.ValidationError("Parts count from 1 to n, and n is at most 999.", "k")

    @property
    def text(self) -> str:
        return f"{self.k}of{self.n}"

    @classmethod
    def parse(cls, text: str) -> Part:
        """``parse(part.text) == part``."""
        k, _, n = text.partition("of")
        return cls(k=int(k), n=int(n))


WHOLE = Part(k=1, n=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emission:
    """A mass of one gas, as a total for the period or basis it stands in."""

    gas: str = said(fields.String(required=True), "Formula, such as CO2, or CO2e with a GWP set.")
    origin: str = said(
        fields.String(load_default="fossil", validate=validate.OneOf(gases.ORIGINS)),
        "Where the carbon comes from: fossil, biogenic or land-use.",
    )
    amount: Decimal = said(nonnegative(required=True), "Mass in kg of the gas (CO2e: kg CO2e).")
    gwp: str | None = said(
        fields.String(validate=validate.OneOf(gases.GWP_SETS)),
        "The GWP set behind a CO2e amount; absent for a single gas.",
    )

    def __post_init__(self) -> None:
        try:
            gases.parse(self.gas, self.gwp)
        except GasUnknown as refused:
            raise ma.ValidationError(str(refused), "gas") from refused
        except GwpSetRefused as refused:
            raise ma.ValidationError(str(refused), "gwp") from refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Which product is meant: its id, identifiers it carries, or a class of products."""

    product: str | None = said(EntityId(), "Id of a registered product.")
    identifiers: tuple[str, ...] = said(
        Many(Checked(parse_identifier), load_default=(), least=1, most=10),
        "URNs the product carries, such as urn:gtin:….",
    )
    classification: str | None = said(Checked(parse_identifier), "URN of a product class.")
    region: str | None = said(
        Text(max_length=60), "Where a product of this class comes from, such as CN-JS."
    )

    def __post_init__(self) -> None:
        ways = (self.product, self.identifiers, self.classification)
        if sum(1 for way in ways if way) != 1:
            raise ma.ValidationError(
                "Name the product by exactly one of product, identifiers, classification."
            )
        if (self.region is not None) != (self.classification is not None):
            raise ma.ValidationError("A classification comes with a region.", "region")


def check_supplier(text: str) -> None:
    """An enterprise by id, or by a URN it is known under (it may not be registered yet)."""
    if text.lower().startswith("urn:"):
        parse_identifier(text)
    else:
        EntityId().deserialize(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """The transport service that brought an input; its own link of category 4."""

    ref: Reference = said(nested(Reference, required=True), "The transport service.")
    supplier: str | None = said(Checked(check_supplier), "Who carried it: enterprise id or URN.")
    amount: Decimal = said(Quantity(required=True), "How much of the service.")
    unit: str = said(Checked(units.parse, required=True), "Unit code, such as TKM.")


@dataclass(frozen=True, slots=True, kw_only=True)
class InputLine:
    """One thing taken in. The amount carries its own unit, whatever the supplier declares in."""

    ref: Reference = said(nested(Reference, required=True), "What was taken in.")
    supplier: str | None = said(Checked(check_supplier), "Whose: enterprise id or URN.")
    site: str | None = said(EntityId(), "The supplier's site it comes from, if known.")
    amount: Decimal = said(Quantity(required=True), "Total amount for the period or basis.")
    unit: str = said(Checked(units.parse, required=True), "Unit code of the amount.")
    category: int = said(
        fields.Integer(required=True, strict=True, validate=validate.Range(1, 8)),
        "Upstream Scope 3 category of the link, 1 to 8 (GHG Protocol).",
    )
    transport: Transport | None = said(nested(Transport), "How it was brought, if apart.")
    primary: bool | None = said(
        fields.Boolean(truthy={True}, falsy={False}),
        "Whether the amount is primary data; false: from averages, literature or models. "
        "Absent: it is, as whoever takes it in says so itself.",
    )
    gsd: Decimal | None = said(
        gsd_field(), "Geometric standard deviation of the amount, 1 (exact) or more."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The output a recipe's totals are for. It says nothing about how much was made."""

    amount: Decimal = said(positive(required=True), "Amount of product.")
    unit: str = said(Checked(units.parse, required=True), "Unit code of that amount.")
