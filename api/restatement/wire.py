"""Shapes of the question about a restated base year, and of the answer."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from api.figures.wire import (
    FIRST_YEAR,
    LAST_YEAR,
    AmountSchema,
    HeadSchema,
    NamedSchema,
    YearQuery,
)
from api.web.wire import Wire, described, whole
from graph.books.restatement import Why


def _text(text: str, **more: Any) -> fields.String:
    return fields.String(required=True, metadata=described(text), **more)


def _day(text: str, **more: Any) -> fields.String:
    return fields.String(required=True, metadata=described(text, format="date"), **more)


def _nested(schema: type[ma.Schema], text: str, **more: Any) -> fields.Nested:
    return fields.Nested(schema, required=True, metadata=described(text), **more)


def _list(schema: type[ma.Schema], text: str) -> fields.List[Any]:
    return fields.List(fields.Nested(schema), required=True, metadata=described(text))


class RestatementQuery(YearQuery):
    """Which base year is restated, and with which fence."""

    base = fields.Integer(
        required=True,
        validate=validate.Range(FIRST_YEAR, LAST_YEAR),
        metadata=described("The base year."),
    )
    fence_on = fields.Date(
        format="iso",
        metadata=described(
            "The day of the year whose fence is laid over both; by default its last. Another one "
            "is for auditors."
        ),
    )


class FenceTotalsSchema(Wire):
    """Two totals of a boundary, kg CO2e."""

    scope1 = _nested(AmountSchema, "Emitted inside: the sum over all sites.")
    t2 = _nested(AmountSchema, "Scope 1 and upstream, what sites deliver each other counted once.")


class HandoverSchema(Wire):
    """A site that passed from one enterprise to another, which moves no figure of the park."""

    site = _nested(NamedSchema, "The site.")
    day = _day("First day of the new owner.")
    giver = _nested(NamedSchema, "Who gave it away.")
    taker = _nested(NamedSchema, "Who took it over.")


class MovedSiteSchema(Wire):
    """A site that the restated base year has for other days than the base year had."""

    site = _nested(NamedSchema, "The site.")
    why = _text("Which way.", validate=validate.OneOf([str(Why.LEFT), str(Why.JOINED)]))
    day = _day("First day as a member, or first day no longer.")
    parks = _list(NamedSchema, "Other parks: those it came from, or went to.")
    handed = _list(HandoverSchema, "Its owners since the base year began.")
    days = whole(
        required=True, metadata=described("Days of the base year that are added or left out.")
    )
    scope1 = _nested(
        AmountSchema, "What it adds to Scope 1, kg CO2e; null: not shown.", allow_none=True
    )
    t2 = _nested(
        AmountSchema,
        "What it adds to T2 in the order of this list, kg CO2e; null: not shown.",
        allow_none=True,
    )


class RestatementStepSchema(FenceTotalsSchema):
    """A step of the waterfall: what both totals differ by, kg CO2e."""

    why = _text(
        "`left` and `joined`: sites; `activity`: what became of the same sites; `days`: those of "
        "the later year on which sites were outside, or only then inside.",
        validate=validate.OneOf([str(why) for why in Why]),
    )
    sites = whole(required=True, metadata=described("How many sites it is about."))


class RestatementSchema(HeadSchema):
    """A base year beside a later one, with one fence."""

    park = _nested(NamedSchema, "The park.")
    unit = _text("Unit of the figures.")
    base = whole(required=True, metadata=described("The base year."))
    fence_on = _day("The day whose fence both years are restated with.")
    fence = _list(NamedSchema, "The sites within it.")
    base_as_it_was = _nested(FenceTotalsSchema, "The base year with its own members.")
    base_restated = _nested(FenceTotalsSchema, "The base year with the fence of the day.")
    year_restated = _nested(FenceTotalsSchema, "The later year with the fence of the day.")
    year_as_it_was = _nested(FenceTotalsSchema, "The later year with its own members.")
    steps = _list(
        RestatementStepSchema, "From the base year as it was to the later year as it was."
    )
    moved = _list(
        MovedSiteSchema,
        "What left, then what joined, each by day and id: the order in which T2 is told apart.",
    )
    handed = _list(HandoverSchema, "Sites within the fence that changed hands.")
