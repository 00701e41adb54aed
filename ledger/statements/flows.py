"""What passes through a site in a period besides products: fuels, energy, waste, water, carbon.

Amounts are totals of the period the statement is for. None of these is an input of a product: fuels
say what the site emits by burning them, the rest says how its energy, water and carbon add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import marshmallow as ma
from marshmallow import fields, validate

from ledger import units
from ledger.identifiers import parse as parse_identifier
from ledger.schema import Checked, Text, nonnegative, positive, said
from ledger.statements.parts import Emission
from ledger.statements.products import CARRIERS

SOURCES: Final = ("combustion", "process", "fugitive", "waste", "other")
"""Where direct emissions come from that are not those of fuels listed apart."""
BURNT: Final = ("final", "power", "heat")
"""Uses of a fuel that burn it: at the place of use, for power, for heat."""
FUEL_USES: Final = (*BURNT, "processing", "derived", "feedstock")
"""How a fuel is used: burnt; turned into other fuels or gas; made that way; or kept as material."""
FLOWS: Final = ("bought", "sold", "generated", "recoverable")
"""Over the fence of the site, made on it, and waste heat, cold or pressure that could be used."""
ENERGY_SOURCES: Final = ("grid", "non-fossil", "fossil", "recovered")
"""What energy was made from; ``grid``: the mix of a public grid."""
WASTES: Final = ("industrial-solid", "hazardous", "municipal")
TREATMENTS: Final = ("utilised", "incinerated", "landfilled", "treated", "stored")
WATERS: Final = ("fresh", "reused", "discharged")
SINKS: Final = ("natural", "technical")
FATES: Final = ("stored", "used")


def _check_dimension(unit: str, *dimensions: str) -> None:
    if units.parse(unit).dimension not in dimensions:
        raise ma.ValidationError(f"A unit of {' or '.join(dimensions)} is expected.", "unit")


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectEmission(Emission):
    """A mass of one gas that a site emitted, and what from."""

    source: str | None = said(
        fields.String(validate=validate.OneOf(SOURCES)),
        "combustion (of fuels not listed apart), process, fugitive, waste or other.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fuel:
    """A fuel that a site used. What it emits follows from its factor, or from measured values.

    ``kg CO2 = amount · net calorific value · carbon content · oxidation · 44/12``
    """

    fuel: str = said(
        Checked(parse_identifier, required=True),
        "URN of the fuel in a set of factors, such as urn:catchment:fuel:natural-gas.",
    )
    amount: Decimal = said(nonnegative(required=True), "Total of the period.")
    unit: str = said(Checked(units.parse, required=True), "Unit code, such as NM3 or TNE.")
    use: str = said(
        fields.String(load_default="final", validate=validate.OneOf(FUEL_USES)),
        "final, power, heat; processing (turned into other fuels), derived (made by that, its "
        "carbon is taken off), feedstock (kept as material, emits nothing here).",
    )
    net_calorific_value: Decimal | None = said(
        positive(), "Measured: MJ per unit, in place of the factor's."
    )
    carbon_content: Decimal | None = said(
        nonnegative(), "Measured: kg of carbon per MJ, in place of the factor's."
    )
    oxidation: Decimal | None = said(
        nonnegative(validate=validate.Range(max=Decimal(1), error="At most 1 is expected.")),
        "Measured: share of the carbon that is oxidised, in place of the factor's.",
    )

    @property
    def measured(self) -> tuple[str, ...]:
        """The members that its own values stand for."""
        names = ("net_calorific_value", "carbon_content", "oxidation")
        return tuple(name for name in names if getattr(self, name) is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Electricity, heat, steam or cooling that came, went, or was made.

    These amounts reconcile with the purchases and are what energy indicators rest on; what bought
    energy emits follows from the purchases.
    """

    carrier: str = said(
        fields.String(required=True, validate=validate.OneOf(CARRIERS)),
        "electricity, heat, steam or cooling.",
    )
    flow: str = said(
        fields.String(required=True, validate=validate.OneOf(FLOWS)),
        "bought, sold, generated, or recoverable (waste heat, cold or pressure there is to use).",
    )
    source: str = said(
        fields.String(required=True, validate=validate.OneOf(ENERGY_SOURCES)),
        "grid; non-fossil or fossil (supplied directly, or generated); recovered.",
    )
    amount: Decimal = said(nonnegative(required=True), "Total of the period.")
    unit: str = said(Checked(units.parse, required=True), "Unit code of energy, such as KWH or GV.")

    def __post_init__(self) -> None:
        _check_dimension(self.unit, "energy")
        from_grid = self.carrier == "electricity" and self.flow in ("bought", "sold")
        if self.source == "grid" and not from_grid:
            raise ma.ValidationError("Only electricity is bought from a grid or sold on.", "source")
        if self.flow == "recoverable" and self.source != "recovered":
            raise ma.ValidationError("What can be recovered has the source recovered.", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waste:
    """Waste that arose at a site, by what became of it."""

    kind: str = said(
        fields.String(required=True, validate=validate.OneOf(WASTES)),
        "industrial-solid, hazardous or municipal.",
    )
    treatment: str = said(
        fields.String(required=True, validate=validate.OneOf(TREATMENTS)),
        "utilised, incinerated, landfilled, treated or stored.",
    )
    amount: Decimal = said(nonnegative(required=True), "Total of the period.")
    unit: str = said(Checked(units.parse, required=True), "Unit code of mass.")

    def __post_init__(self) -> None:
        _check_dimension(self.unit, "mass")


@dataclass(frozen=True, slots=True, kw_only=True)
class Water:
    """Water taken in fresh, used again, or discharged."""

    kind: str = said(
        fields.String(required=True, validate=validate.OneOf(WATERS)),
        "fresh, reused or discharged.",
    )
    amount: Decimal = said(nonnegative(required=True), "Total of the period.")
    unit: str = said(Checked(units.parse, required=True), "Unit code of volume.")

    def __post_init__(self) -> None:
        _check_dimension(self.unit, "volume")


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """CO2 that a sink at the site took out of the air. It counts once a verifier attests it."""

    sink: str = said(
        fields.String(required=True, validate=validate.OneOf(SINKS)),
        "natural (forest, wetland, soil) or technical (direct air capture with storage).",
    )
    name: str = said(Text(required=True), "What the sink is.")
    amount: Decimal = said(nonnegative(required=True), "kg of CO2 removed in the period.")
    method: str | None = said(Text(max_length=2000), "How it was determined.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """CO2 that was caught before it left the site. Direct emissions are stated before capture."""

    origin: str = said(
        fields.String(required=True, validate=validate.OneOf(("fossil", "biogenic"))),
        "Where its carbon comes from.",
    )
    fate: str = said(
        fields.String(required=True, validate=validate.OneOf(FATES)),
        "stored for good, or used (which only delays it).",
    )
    amount: Decimal = said(nonnegative(required=True), "kg of CO2 caught in the period.")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputValue:
    """The value of what a site made in a period."""

    amount: Decimal = said(nonnegative(required=True), "Total of the period.")
    unit: str = said(Checked(units.parse, required=True), "Price unit, such as CNY:2025:basic.")

    def __post_init__(self) -> None:
        if units.price_of(self.unit) is None:
            raise ma.ValidationError("A price unit such as CNY:2025:basic is expected.", "unit")
