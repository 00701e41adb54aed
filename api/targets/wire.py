"""Shapes of the answer about targets, what became of them, and what is thought of doing.

Figures are net: Scope 1 and 2 (`operational`) or all scopes (`full`), market-based, less capture
and verified removals. Null is unknown or not shown to the caller, never zero.
"""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from api.figures.wire import AmountSchema, FindingSchema, HeadSchema, NamedSchema, Number
from api.web.wire import Wire, described, whole
from ledger.statements.plans import AMBITIONS


def _text(text: str, **more: Any) -> fields.String:
    return fields.String(required=True, metadata=described(text), **more)


def _ambition() -> fields.String:
    return _text("Scope 1 and 2, or all scopes.", validate=validate.OneOf(AMBITIONS))


def _number(text: str) -> Number:
    return Number(required=True, allow_none=True, metadata=described(text))


def _nested(schema: type[ma.Schema], text: str, **more: Any) -> fields.Nested:
    return fields.Nested(schema, required=True, metadata=described(text), **more)


def _amount(text: str) -> fields.Nested:
    return _nested(AmountSchema, text, allow_none=True)


def _list(schema: type[ma.Schema], text: str, **more: Any) -> fields.List[Any]:
    return fields.List(fields.Nested(schema), required=True, metadata=described(text), **more)


def _year(text: str, **more: Any) -> fields.Integer:
    return whole(required=True, metadata=described(text), **more)


class _BesideSchema(Wire):
    year = _year("Calendar year.")
    required = _number("At most this much is on the path, kg CO2e; null: no base year to measure.")
    distance = _number("How far the figure lies above the path, kg CO2e; null: it is not known.")
    on_path = fields.Boolean(
        required=True,
        allow_none=True,
        metadata=described("Whether it is on the path; null: it cannot be told. Open is not."),
    )


class JudgedSchema(_BesideSchema):
    """The figure of a year beside the path."""

    figure = _amount("Of the year with the fence of the answer; null: nothing stated or not shown.")
    as_it_was = _amount("Of the year with its own members; null: as above.")
    shown = fields.Boolean(
        required=True, metadata=described("Whether the caller may read the figure.")
    )


class MilestoneSchema(_BesideSchema):
    """How much is to be reached by a year, and where the projection leads."""

    reduction = Number(
        required=True, metadata=described("Percent below the base year's figure, as stated.")
    )
    projected = _number("Where the projection is in that year, kg CO2e; null: it is past, or none.")


class PathPointSchema(Wire):
    """What the path allows in a year."""

    year = _year("Calendar year.")
    required = _number("kg CO2e; null: there is no base year to measure from.")


class ProjectionPointSchema(Wire):
    """Where the projection leads in a year."""

    year = _year("Calendar year.")
    projected = Number(required=True, metadata=described("kg CO2e."))


class ProjectionSchema(Wire):
    """The least-squares line through the figures that are known."""

    years = fields.List(
        fields.Integer(), required=True, metadata=described("The years it is laid through.")
    )
    per_year = Number(required=True, metadata=described("How it moves in a year, kg CO2e."))
    path = _list(ProjectionPointSchema, "Year by year, from the latest with a figure.")


class TargetSchema(Wire):
    """A target, its path, and what became of it."""

    serial = _year("Tells it from others of the same owner.")
    name = _text("What it is called.")
    ambition = _ambition()
    base_year = _year("The year it is measured against.")
    near_zero = Number(
        required=True,
        allow_none=True,
        metadata=described("Percent of the base year's gross that may remain for near-zero."),
    )
    base = _nested(JudgedSchema, "The base year.")
    zero_year = _year("The first year in which nothing may remain; null: none.", allow_none=True)
    milestones = _list(MilestoneSchema, "In the order of years.")
    path = _list(PathPointSchema, "Year by year, from the base year to the last milestone.")
    years = _list(JudgedSchema, "The years with figures since the base year.")
    projection = _nested(
        ProjectionSchema,
        "Null where fewer than two years are known, or one of them is not shown.",
        allow_none=True,
    )


class ScenarioProblemSchema(Wire):
    """Why a scenario cannot be computed at this position of the log."""

    code = _text("Stable name of the condition.")
    detail = _text("What is wrong.")
    advice = _text("What to do next; may be empty.")


class SupposedSchema(Wire):
    """The net figure of the latest year as it is, and as it would be."""

    ambition = _ambition()
    before = _nested(AmountSchema, "As it is.")
    after = _nested(AmountSchema, "As it would be.")
    difference = _number("What it would differ by, kg CO2e; null while either is open.")


class OutlookSchema(_BesideSchema):
    """A scenario beside the path of a target, in its first year."""

    serial = _year("Of the target.")
    last_on_path = _year(
        "The last year to the target that such a figure would still be on the path; null: none.",
        allow_none=True,
    )


class ScenarioSchema(Wire):
    """Changes that are thought of, tried on the latest year. Nobody has said this."""

    serial = _year("Tells it from others of the same owner.")
    name = _text("What it is called.")
    start_year = _year("The first year it would be so.")
    changes = fields.List(
        fields.Dict(keys=fields.String()),
        required=True,
        metadata=described("What would be otherwise, in the words of POST /v1/what-if."),
    )
    problem = _nested(
        ScenarioProblemSchema, "Why there is nothing below; null: there is.", allow_none=True
    )
    figures = _list(SupposedSchema, "By ambition; the full one where a target has it.")
    unverified_removals = _number("Removals in it that nobody verifies, kg CO2: they do not count.")
    outlook = _list(OutlookSchema, "Beside each target.")
    findings = _list(FindingSchema, "What would be noticed that is not noticed now.")


class _PlansSchema(HeadSchema):
    unit = _text("Unit of the figures.")
    fence_on = _text("The day whose fence all years are restated with.")
    targets = _list(TargetSchema, "Every target that stands.")
    scenarios = _list(
        ScenarioSchema, "Every scenario that stands; null: not shown.", allow_none=True
    )


class ParkTargetsSchema(_PlansSchema):
    """What a park means to reach."""

    park = _nested(NamedSchema, "The park.")


class EnterpriseTargetsSchema(_PlansSchema):
    """What an enterprise means to reach."""

    enterprise = _nested(NamedSchema, "The enterprise.")
