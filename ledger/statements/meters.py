"""Meters at a site, and what they read."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import marshmallow as ma
from marshmallow import fields, validate

from ledger import units
from ledger.identifiers import parse as parse_identifier
from ledger.schema import Checked, EntityId, Text, many, nested, nonnegative, positive, said
from ledger.statements.base import Body, Periodic
from ledger.statements.flows import ENERGY_SOURCES
from ledger.statements.parts import WHOLE, Part, Period
from ledger.statements.products import CARRIERS

METERED: Final = (*CARRIERS, "fuel", "water")
METER_FLOWS: Final = ("bought", "sold", "generated", "used")
MOST_READINGS: Final = 3000
"""Readings of one statement: a month of quarters of an hour, within the size of an envelope."""
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})", re.ASCII)
_LONGEST_SPACING: Final = 31 * 86_400
_DIMENSIONS: Final = {"water": ("volume",), "fuel": None}
METER_NAME = validate.Regexp(
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}\Z",
    error="Up to 60 letters, digits, full stops, hyphens and underscores are expected.",
)


class Instant(fields.Field[dt.datetime]):
    """A moment with its offset from UTC, such as ``2025-01-01T00:15:00+08:00``."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dt.datetime:
        if not isinstance(value, str) or not _INSTANT.fullmatch(value):
            raise ma.ValidationError("A time such as 2025-01-01T00:15:00+08:00 is expected.")
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError as unreal:
            raise ma.ValidationError("This time is not in the calendar.") from unreal

    def reread(self, value: str) -> dt.datetime:
        return dt.datetime.fromisoformat(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return None if value is None else value.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter(Body):
    """A meter at a site: what it measures, and how its readings are to be understood."""

    TYPE = "meter"
    site: str = said(EntityId(required=True), "The site.")
    meter: str = said(
        fields.String(required=True, validate=METER_NAME), "Its number or name at the site."
    )
    measures: str = said(
        fields.String(required=True, validate=validate.OneOf(METERED)),
        "electricity, heat, steam, cooling, fuel or water.",
    )
    flow: str = said(
        fields.String(required=True, validate=validate.OneOf(METER_FLOWS)),
        "bought, sold, generated, or used (a part of what is counted elsewhere).",
    )
    source: str | None = said(
        fields.String(validate=validate.OneOf(ENERGY_SOURCES)),
        "What the energy was made from: grid, non-fossil, fossil or recovered.",
    )
    fuel: str | None = said(Checked(parse_identifier), "URN of the fuel it measures.")
    unit: str = said(Checked(units.parse, required=True), "Unit code of the readings.")
    reads: str = said(
        fields.String(required=True, validate=validate.OneOf(("register", "interval"))),
        "register: a count that only grows; interval: the amount since the reading before.",
    )
    multiplier: Decimal | None = said(
        positive(), "What a reading is multiplied by, such as a transformer ratio; absent: 1."
    )
    rollover: Decimal | None = said(
        positive(), "Registers: the count at which it begins again at 0."
    )
    spacing_seconds: int | None = said(
        fields.Integer(strict=True, validate=validate.Range(60, _LONGEST_SPACING)),
        "How often it is read; where more time passes, there is a gap.",
    )

    def __post_init__(self) -> None:
        if (self.fuel is not None) != (self.measures == "fuel"):
            raise ma.ValidationError("A meter of fuel, and no other, names its fuel.", "fuel")
        if self.rollover is not None and self.reads != "register":
            raise ma.ValidationError("Only a register begins again.", "rollover")
        if self.source is not None and self.measures not in CARRIERS:
            raise ma.ValidationError("Only energy has a source.", "source")
        expected = _DIMENSIONS.get(self.measures, ("energy",))
        if expected is not None and units.parse(self.unit).dimension not in expected:
            raise ma.ValidationError(f"A unit of {expected[0]} is expected.", "unit")

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.site, self.meter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a meter showed at a moment."""

    at: dt.datetime = said(Instant(required=True), "When, with the offset from UTC.")
    value: Decimal = said(nonnegative(required=True), "What it showed, in the meter's unit.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings(Periodic):
    """A series of readings of one meter, in the order of time.

    A reading at the very end of the period belongs to it as well as to the next.
    """

    TYPE = "readings"
    site: str = said(EntityId(required=True), "The site.")
    meter: str = said(fields.String(required=True, validate=METER_NAME), "The meter at the site.")
    period: Period = said(nested(Period, required=True), "When, in days of the site.")
    part: Part = said(nested(Part, load_default=WHOLE), "Piece of a long series.")
    readings: tuple[Reading, ...] = said(
        many(Reading, required=True, least=1, most=MOST_READINGS), "The readings."
    )
    remark: str | None = said(Text(max_length=400), "What is to be said of them.")

    def __post_init__(self) -> None:
        for i, (one, next_one) in enumerate(zip(self.readings, self.readings[1:], strict=False)):
            if next_one.at <= one.at:
                raise ma.ValidationError(
                    "Readings come in the order of time, one for each moment.",
                    f"readings/{i + 1}/at",
                )

    @property
    def about(self) -> tuple[str, ...]:
        return (self.site, self.meter)
