"""Sets of factors: emissions per unit of what nobody upstream describes, and what converts prices.

Which sets count decides every figure with a gap in it, so only the registrar states them, for the
whole log. A set is stated in parts and stands when all parts of one version do.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import marshmallow as ma
from marshmallow import fields, validate

from ledger import units
from ledger.gases import CO2E
from ledger.identifiers import parse as parse_identifier
from ledger.schema import Checked, Quantity, Text, many, nested, nonnegative, positive, said
from ledger.statements.base import Body
from ledger.statements.parts import WHOLE, Emission, Part

EMITTING = ("average", "spend", "grid", "fuel")
"""Kinds of rows that say what one unit of something emits."""
CONVERTING = ("exchange-rate", "price-index")
"""Kinds of rows that turn one price unit into another."""
COAL_EQUIVALENT = "coal-equivalent"
"""The kind of rows that say how much standard coal one unit of something counts as."""
ROW_KINDS = (*EMITTING, *CONVERTING, COAL_EQUIVALENT)
ELECTRICITY = "urn:cpc:17100"
"""What a grid row is for and a line says that buys from the grid: CPC 2.1, electrical energy."""
CARRIER_URNS = {
    "electricity": ELECTRICITY,
    "heat": "urn:catchment:energy:heat",
    "steam": "urn:catchment:energy:steam",
    "cooling": "urn:catchment:energy:cooling",
}
"""What a row is for that is about an energy carrier."""
RESIDUAL_MIX = "urn:catchment:electricity:residual-mix"
"""What a grid row is for that leaves out the power others have claimed by contract."""
MOST_ROWS = 2000
EARLIEST_YEAR, LATEST_YEAR = 1900, 2100
_MOST_GASES = 60
_SET_NAME = validate.Regexp(
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}\Z",
    error="Up to 60 letters, digits, full stops, hyphens and underscores are expected.",
)
_REGION = validate.Regexp(
    r"^[A-Z]{2}(-[A-Za-z0-9-]{1,57})?\Z",
    error="A country, or a region within one, such as CN or CN-JS is expected.",
)
_NEEDED = {
    **dict.fromkeys(EMITTING, ("of", "emissions")),
    **dict.fromkeys(CONVERTING, ("to", "factor")),
    COAL_EQUIVALENT: ("of", "factor"),
}
"""Kind of row -> the members that it must have."""
_ONLY_OF = {
    "to": CONVERTING,
    "factor": (*CONVERTING, COAL_EQUIVALENT),
    "of": (*EMITTING, COAL_EQUIVALENT),
    "region": (*EMITTING, COAL_EQUIVALENT),
    "year": (*EMITTING, COAL_EQUIVALENT),
    "gsd": EMITTING,
    "emissions": EMITTING,
    "net_calorific_value": ("fuel",),
    "carbon_content": ("fuel",),
    "oxidation": ("fuel",),
}
"""Member -> the kinds of rows that may have it."""


def _year(*, required: bool = False) -> fields.Integer:
    sane = validate.Range(EARLIEST_YEAR, LATEST_YEAR)
    return fields.Integer(strict=True, validate=sane, required=required)


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRow:
    """One factor: what a unit of something emits, or how many of one price unit make another.

    ``average``: emissions of making one unit of a product of a class, cradle to gate. ``grid``: of
    generating one unit of electricity or heat in a region. ``spend``: of what one unit of money
    buys of a class. ``fuel``: of burning one unit. ``exchange-rate``: between currencies of one
    price year and basis. ``price-index``: between price years of one currency and basis.
    ``coal-equivalent``: kg of standard coal (29.3076 MJ each) that one unit of a fuel or energy
    carrier counts as.
    """

    kind: str = said(
        fields.String(required=True, validate=validate.OneOf(ROW_KINDS)),
        "average, spend, grid, fuel, exchange-rate, price-index or coal-equivalent.",
    )
    name: str = said(Text(required=True), "What people call it.")
    of: str | None = said(
        Checked(parse_identifier),
        "URN of the class, fuel or grid that it is for, such as urn:cpc:17100.",
    )
    region: str | None = said(
        fields.String(validate=_REGION),
        "ISO 3166 country or subdivision, or a grid region after its country; absent: anywhere.",
    )
    year: int | None = said(_year(), "The year it is for, where that is not the year of the set.")
    unit: str = said(
        Checked(units.parse, required=True), "Unit code: the factor is per one of this."
    )
    emissions: tuple[Emission, ...] = said(
        many(Emission, load_default=(), least=1, most=_MOST_GASES), "What one unit emits."
    )
    gsd: Decimal | None = said(
        Quantity(least=Decimal(1)), "Geometric standard deviation, 1 or more; absent: not stated."
    )
    net_calorific_value: Decimal | None = said(positive(), "Fuels: MJ per unit.")
    carbon_content: Decimal | None = said(nonnegative(), "Fuels: kg of carbon per MJ.")
    oxidation: Decimal | None = said(
        nonnegative(validate=validate.Range(max=Decimal(1))),
        "Fuels: share of the carbon that is oxidised, 0 to 1.",
    )
    to: str | None = said(Checked(units.parse), "Price unit that a price is converted into.")
    factor: Decimal | None = said(
        positive(), "How many of `to` one `unit` is; of coal-equivalent: kg of standard coal."
    )

    def __post_init__(self) -> None:
        for member, kinds in _ONLY_OF.items():
            if getattr(self, member) not in (None, ()) and self.kind not in kinds:
                raise ma.ValidationError("A row of this kind does not have it.", member)
        for member in _NEEDED[self.kind]:
            if getattr(self, member) in (None, ()):
                raise ma.ValidationError("A row of this kind needs it.", member)
        kinds_of_gas = {(each.gas, each.origin, each.gwp) for each in self.emissions}
        if len(kinds_of_gas) < len(self.emissions):
            raise ma.ValidationError("The same gas and origin is given twice.", "emissions")
        has_carbon = self.carbon_content is not None
        if has_carbon and any(each.gas == CO2E for each in self.emissions):
            raise ma.ValidationError(
                "A fuel whose carbon is stated has its gases apart: its CO2e would hold it twice.",
                "emissions",
            )
        self._check_units()

    def _check_units(self) -> None:
        price = units.price_of(self.unit)
        if (price is not None) != (self.kind in ("spend", *CONVERTING)):
            raise ma.ValidationError(
                "Spend, exchange rates and price indices are per price unit, others are not.",
                "unit",
            )
        if self.kind in CONVERTING:
            _check_conversion(self.kind, price, units.price_of(str(self.to)))

    @property
    def key(self) -> tuple[str, ...]:
        """What two rows of one set must not share: they would answer the same question."""
        of = parse_identifier(self.of).key if self.of else ""
        measured = units.parse(self.unit).dimension
        year = str(self.year or "")
        return (self.kind, of, self.region or "", year, measured, self.to or "")


def _check_conversion(kind: str, source: units.Price | None, target: units.Price | None) -> None:
    if source is None or target is None:
        raise ma.ValidationError("A price unit such as USD:2022:purchaser is expected.", "to")
    currencies = {source.currency, target.currency}
    changes = (len(currencies) > 1, source.year != target.year)
    if source.basis != target.basis or changes != (kind == "exchange-rate", kind == "price-index"):
        raise ma.ValidationError(
            "An exchange rate changes the currency alone, a price index the year alone.", "to"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors(Body):
    """A part of a version of a set of factors, which stands when all its parts do.

    A new version follows the parts of the one before it, part by part; parts that it no longer has
    are withdrawn. Until all parts are of one version, the set does not stand.
    """

    TYPE = "factors"
    SIGNED_BY = ("registrar",)
    name: str = said(
        fields.String(required=True, validate=_SET_NAME), "Name of the set, the same in all parts."
    )
    version: str = said(Text(required=True, max_length=60), "The publisher's version.")
    publisher: str = said(Text(required=True), "Who publishes it.")
    source: str = said(
        Text(required=True, max_length=2000), "What it was taken from: title, table, address."
    )
    year: int = said(_year(required=True), "The year its rows are for, where they name no other.")
    licence: str | None = said(Text(max_length=400), "On what terms it may be used.")
    part: Part = said(nested(Part, load_default=WHOLE), "Piece of a long set.")
    rows: tuple[FactorRow, ...] = said(
        many(FactorRow, required=True, least=1, most=MOST_ROWS), "The factors."
    )

    def __post_init__(self) -> None:
        if (twice := _repeated(self.rows)) is not None:
            raise ma.ValidationError("A row above is for the same.", f"rows/{twice}")

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.name, str(self.part.k))


def _repeated(rows: tuple[FactorRow, ...]) -> int | None:
    """The index of the first row whose key an earlier row has."""
    seen: set[tuple[str, ...]] = set()
    for i, row in enumerate(rows):
        if row.key in seen:
            return i
        seen.add(row.key)
    return None
