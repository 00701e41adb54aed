"""The books of a site in a period: what it emitted itself, and what it took in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import marshmallow as ma
from marshmallow import fields, validate

from ledger.schema import EntityId, Many, many, nested, said
from ledger.statements.base import Periodic
from ledger.statements.flows import (
    Capture,
    DirectEmission,
    Energy,
    Fuel,
    OutputValue,
    Removal,
    Waste,
    Water,
)
from ledger.statements.parts import MOST_EMISSIONS, WHOLE, InputLine, Part, Period
from ledger.statements.quality import DataQuality

_MOST_FLOWS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory(Periodic):
    """All direct emissions of a site in a period, and the fuels, energy and sinks behind them.

    Direct emissions are those under ``emissions`` and those of burning what is under ``fuels``:
    one or the other, never the same twice.
    """

    TYPE = "inventory"
    site: str = said(EntityId(required=True), "The site.")
    period: Period = said(nested(Period, required=True), "When.")
    part: Part = said(nested(Part, load_default=WHOLE), "Piece of a long inventory.")
    emissions: tuple[DirectEmission, ...] = said(
        many(DirectEmission, required=True, most=MOST_EMISSIONS),
        "Everything the site emits itself but from `fuels`; empty means nothing else.",
    )
    fuels: tuple[Fuel, ...] = said(
        many(Fuel, load_default=(), most=_MOST_FLOWS), "Fuels used, whose emissions follow."
    )
    energy: tuple[Energy, ...] = said(
        many(Energy, load_default=(), most=_MOST_FLOWS),
        "Electricity, heat, steam and cooling bought, sold, generated.",
    )
    waste: tuple[Waste, ...] = said(
        many(Waste, load_default=(), most=_MOST_FLOWS), "Waste by what became of it."
    )
    water: tuple[Water, ...] = said(
        many(Water, load_default=(), most=_MOST_FLOWS), "Water taken in, used again, discharged."
    )
    removals: tuple[Removal, ...] = said(
        many(Removal, load_default=(), most=_MOST_FLOWS),
        "What sinks at the site removed; counts once this statement is attested.",
    )
    captured: tuple[Capture, ...] = said(
        many(Capture, load_default=(), most=_MOST_FLOWS),
        "CO2 caught; direct emissions are stated before it.",
    )
    output_value: OutputValue | None = said(
        nested(OutputValue), "The value of what was made, for figures per unit of money."
    )
    quality: DataQuality | None = said(
        nested(DataQuality), "What the data behind these emissions are like."
    )

    @property
    def about(self) -> tuple[str, ...]:
        return (self.site,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases(Periodic):
    """All that a site took in during a period."""

    TYPE = "purchases"
    site: str = said(EntityId(required=True), "The site.")
    period: Period = said(nested(Period, required=True), "When.")
    part: Part = said(nested(Part, load_default=WHOLE), "Piece of a long list.")
    inputs: tuple[InputLine, ...] = said(
        many(InputLine, required=True, most=2000),
        "Everything taken in; empty means nothing.",
    )
    without: tuple[int, ...] = said(
        Many(fields.Integer(strict=True, validate=validate.Range(1, 8)), load_default=(), most=8),
        "Scope 3 categories, 1 to 8, under which the site took in nothing at all: not unknown, "
        "none.",
    )

    def __post_init__(self) -> None:
        if len(set(self.without)) < len(self.without):
            raise ma.ValidationError("A category is given twice.", "without")
        taken = {line.category for line in self.inputs}
        if both := sorted(taken & set(self.without)):
            raise ma.ValidationError(f"Something was taken in under category {both[0]}.", "without")

    @property
    def about(self) -> tuple[str, ...]:
        return (self.site,)
