"""What a park or an enterprise means to reach, and what it thinks of doing for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

import marshmallow as ma
from marshmallow import fields, validate

from ledger.schema import EntityId, Many, Quantity, Text, many, nested, said
from ledger.statements.base import Body
from ledger.statements.members import serial_field
from ledger.statements.parts import FIRST_YEAR, LAST_YEAR

PLANNERS: Final = ("park", "enterprise")
AMBITIONS: Final = ("operational", "full")
"""Scope 1 and 2, or Scope 1, 2 and 3."""
SUPPOSITIONS: Final = (
    "say",
    "takeBack",
    "replace",
    "scaleInput",
    "remove",
    "scaleEmissions",
)
"""What can be supposed, each as the one member of a change."""
_MOST_CHANGES: Final = 100
_MOST_NEAR_ZERO: Final = 50


def _year(**kwargs: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(FIRST_YEAR, LAST_YEAR), **kwargs)


def _percent(most: int = 100, **kwargs: Any) -> Quantity:
    within = validate.Range(max=Decimal(most), error=f"At most {most} is expected.")
    return Quantity(least=Decimal(0), validate=within, **kwargs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """Whose plan it is."""

    type: str = said(fields.String(required=True, validate=validate.OneOf(PLANNERS)), "The kind.")
    id: str = said(EntityId(required=True), "The park or enterprise.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """How much is to be reached by a year."""

    year: int = said(_year(required=True), "The calendar year.")
    reduction: Decimal = said(
        _percent(required=True), "Percent by which the base year's figure is to be lower."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Body):
    """A reduction against a base year, by milestones. Offsets do not count towards it."""

    TYPE = "target"
    SIGNED_BY = ("supplier", "park")
    object: Planner = said(nested(Planner, required=True), "Whose target.")
    serial: int = said(serial_field(), "Tells apart several targets.")
    name: str = said(Text(required=True), "What it is called.")
    ambition: str = said(
        fields.String(required=True, validate=validate.OneOf(AMBITIONS)),
        "operational: Scope 1 and 2; full: Scope 1, 2 and 3. Market-based, less capture and "
        "verified removals.",
    )
    base_year: int = said(_year(required=True), "The year it is measured against.")
    milestones: tuple[Milestone, ...] = said(
        many(Milestone, required=True, least=1, most=50),
        "In the order of years, the last one being the target itself.",
    )
    near_zero: Decimal | None = said(
        _percent(_MOST_NEAR_ZERO),
        "Percent, at most 50, of the base year's gross emissions that may remain for the park to "
        "be called near-zero.",
    )

    def __post_init__(self) -> None:
        if self.milestones[0].year <= self.base_year:
            raise ma.ValidationError("Milestones lie after the base year.", "milestones/0/year")
        for i, (one, next_one) in enumerate(pairwise(self.milestones)):
            if next_one.year <= one.year:
                raise ma.ValidationError(
                    "Milestones come in the order of years.", f"milestones/{i + 1}/year"
                )
            if next_one.reduction < one.reduction:
                raise ma.ValidationError(
                    "A later milestone reduces no less.", f"milestones/{i + 1}/reduction"
                )

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.object.id, str(self.serial))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario(Body):
    """Changes that are thought of, kept so that they can be asked about again at any prefix."""

    TYPE = "scenario"
    SIGNED_BY = ("supplier", "park")
    object: Planner = said(nested(Planner, required=True), "Whose scenario.")
    serial: int = said(serial_field(), "Tells apart several scenarios.")
    name: str = said(Text(required=True), "What it is called.")
    start_year: int = said(_year(required=True), "The first year it would be so.")
    changes: tuple[Mapping[str, Any], ...] = said(
        Many(fields.Dict(keys=fields.String()), required=True, least=1, most=_MOST_CHANGES),
        "What would be otherwise, in the words of POST /v1/what-if, one member each.",
    )

    def __post_init__(self) -> None:
        for i, change in enumerate(self.changes):
            if len(change) != 1 or not change.keys() <= set(SUPPOSITIONS):
                raise ma.ValidationError(
                    f"Exactly one of {', '.join(SUPPOSITIONS)} is expected.", f"changes/{i}"
                )

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.object.id, str(self.serial))
