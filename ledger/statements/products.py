"""What is made: products, their footprints, their recipes, and how much was made."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

import marshmallow as ma
from marshmallow import fields, validate

from ledger import units
from ledger.identifiers import parse as parse_identifier
from ledger.pact import ProductFootprint
from ledger.schema import Checked, EntityId, Many, Text, many, nested, nonnegative, said
from ledger.statements.base import Body, Entity, Periodic
from ledger.statements.members import HEX_DIGEST, instant_field
from ledger.statements.parts import MOST_EMISSIONS, WHOLE, Basis, Emission, InputLine, Part, Period
from ledger.statements.quality import DataQuality

CARRIERS = ("electricity", "heat", "steam", "cooling")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product(Entity):
    """Something that is made and counted in one declared unit."""

    TYPE = "product"
    id: str = said(EntityId(required=True), "The product's id.")
    name: str = said(Text(required=True), "Trade name.")
    unit: str = said(Checked(units.parse, required=True), "Code of the declared unit.")
    identifiers: tuple[str, ...] = said(
        Many(Checked(parse_identifier), load_default=(), most=50),
        "URNs the product is known under (GTIN, CAS, own numbers).",
    )
    classifications: tuple[str, ...] = said(
        Many(Checked(parse_identifier), load_default=(), most=20),
        "URNs of product classes (CPC, UNSPSC …).",
    )
    mass_per_unit: Decimal | None = said(
        nonnegative(), "kg per declared unit, without packaging; 0 for energy and services."
    )
    energy_carrier: str | None = said(
        fields.String(validate=validate.OneOf(CARRIERS)),
        "Set for electricity, heat, steam and cooling: its generation is Scope 2 of the buyer.",
    )
    grid: str | None = said(
        Text(max_length=60),
        "Electricity only: it is the mix of the public grid of this region, such as CN-JS. Absent: "
        "it is what its maker generates or contracts.",
    )
    replaces: tuple[str, ...] = said(
        Many(EntityId(), load_default=(), most=50),
        "Product ids whose references now mean this product.",
    )

    def __post_init__(self) -> None:
        if self.grid is not None and self.energy_carrier != "electricity":
            raise ma.ValidationError("Only electricity is the mix of a grid.", "grid")


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """Where a footprint was read whose owner signed nothing: another host's answer, taken down.

    Only a key in the operator's custody may say so, and nobody reads it as its owner's word.
    """

    host: str = said(Text(required=True, max_length=2000), "Address of the host that answered.")
    fetched: int = said(instant_field(required=True), "When, seconds since 1970 (UTC).")
    digest: str = said(
        fields.String(required=True, validate=HEX_DIGEST),
        "SHA-256 (hex) of the JSON object as it was received, in the bytes it had there.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint(Body):
    """A PACT v3 product footprint: a total per declared unit, made to be shared."""

    TYPE = "footprint"
    SOMEWHERE: ClassVar[str] = "geo:"
    """Before the geography, in the key of a footprint that is for no site."""
    product: str = said(EntityId(required=True), "The product.")
    site: str | None = said(EntityId(), "The site it is made at, if the footprint is for one.")
    pact: ProductFootprint = said(
        nested(ProductFootprint, required=True), "The PACT v3 ProductFootprint."
    )
    external: External | None = said(
        nested(External), "Set where it was read from another host, unsigned by its owner."
    )

    def key_parts(self, subject: str) -> tuple[str, ...]:
        pcf = self.pact.pcf
        reference_period = f"{pcf.reference_period_start}/{pcf.reference_period_end}"
        return (self.product, self.site or self.SOMEWHERE + pcf.geography, reference_period)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Periodic):
    """How a product is made at a site: direct emissions and inputs, as totals for ``basis``."""

    TYPE = "recipe"
    product: str = said(EntityId(required=True), "The product made.")
    site: str = said(EntityId(required=True), "Where it is made.")
    period: Period = said(nested(Period, required=True), "When it is made so.")
    part: Part = said(nested(Part, load_default=WHOLE), "Piece of a long recipe.")
    basis: Basis = said(nested(Basis, required=True), "The output the totals are for.")
    emissions: tuple[Emission, ...] = said(
        many(Emission, load_default=(), most=MOST_EMISSIONS), "Direct emissions of making `basis`."
    )
    inputs: tuple[InputLine, ...] = said(
        many(InputLine, load_default=(), most=2000),
        "What making `basis` takes in.",
    )
    generation: tuple[Emission, ...] | None = said(
        many(Emission, most=MOST_EMISSIONS),
        "Energy carriers only: emissions at generation for `basis`, where it is known apart.",
    )
    quality: DataQuality | None = said(
        nested(DataQuality), "What the data behind the direct emissions are like."
    )

    @property
    def about(self) -> tuple[str, ...]:
        return (self.product, self.site)


@dataclass(frozen=True, slots=True, kw_only=True)
class Production(Periodic):
    """How much of a product a site made: the only source of output."""

    TYPE = "production"
    product: str = said(EntityId(required=True), "The product made.")
    site: str = said(EntityId(required=True), "Where it was made.")
    period: Period = said(nested(Period, required=True), "When.")
    part: Part = said(nested(Part, load_default=WHOLE), "Piece of a long statement.")
    amount: Decimal = said(nonnegative(required=True), "Total output of the period.")
    unit: str = said(Checked(units.parse, required=True), "Unit code of the amount.")

    @property
    def about(self) -> tuple[str, ...]:
        return (self.product, self.site)
