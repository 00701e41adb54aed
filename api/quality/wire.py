"""Shapes of the answers about the quality of figures.

Shares are from 0 to 1; null is unknown or not shown to the caller, never zero.
"""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from api.figures.wire import (
    AmountSchema,
    FindingSchema,
    HeadSchema,
    MadeSchema,
    NamedSchema,
    Number,
    RungSchema,
)
from api.web.wire import Wire, described


def _number(text: str) -> Number:
    return Number(required=True, allow_none=True, metadata=described(text))


def _nested(schema: type[ma.Schema], text: str, **more: Any) -> fields.Nested:
    return fields.Nested(schema, required=True, metadata=described(text), **more)


class AverageSchema(Wire):
    """An average weighed by carbon, with how much of the carbon it is known of."""

    value = _number("The average; null unless it is known of all carbon.")
    of_told = _number("The average of what is told; null where nothing is.")
    told = _number("Part of the carbon that is told, 0 to 1.")


def _average(text: str) -> fields.Nested:
    return _nested(AverageSchema, text, allow_none=True)


class RatingsSchema(Wire):
    """Data-quality ratings, 1 (best) to 5; each is null where it is not shown to the caller."""

    technology = _average("Fit to the technology used (PACT: technologicalDQR).")
    geography = _average("Fit to the place (PACT: geographicalDQR).")
    time = _average("Fit to the period (PACT: temporalDQR).")


class VerifiedSchema(Wire):
    """Part of the carbon whose statement in force an accredited verifier assures, by level."""

    limited = _number("With limited assurance, 0 to 1.")
    reasonable = _number("With reasonable assurance, 0 to 1.")


class UncertaintySchema(Wire):
    """How far off a figure may be, if it is lognormal."""

    gsd = _number("Geometric standard deviation, 1 or more.")
    lower = _number("2.5 % of what it may be lies below, in the figure's unit; null while open.")
    upper = _number("2.5 % of what it may be lies above, in the figure's unit; null while open.")
    by_default = _number(
        "Part of the variance (0 to 1) that rests on default deviations, as nothing was stated."
    )


class QualitySchema(Wire):
    """How good the data behind a figure are, weighed by carbon."""

    amount = _nested(AmountSchema, "The figure, kg CO2e.")
    primary_data_share = _average("Part (0 to 1) that rests on primary data.")
    ratings = _nested(RatingsSchema, "Data-quality ratings.")
    verified = _nested(VerifiedSchema, "What verifiers assure.", allow_none=True)
    age = _average("Years from the middle of what was measured to the end of the time asked about.")
    oldest = _number("Age in years of the oldest datum.")
    rungs = fields.List(
        fields.Nested(RungSchema),
        required=True,
        allow_none=True,
        metadata=described("Shares by rung of the factor ladder, best first."),
    )
    uncertainty = _nested(
        UncertaintySchema,
        "Spread; null where no lognormal describes the figure, or it is not shown.",
        allow_none=True,
    )


class _WithFindings(HeadSchema):
    unit = fields.String(required=True, metadata=described("Unit of the figures."))
    findings = fields.List(
        fields.Nested(FindingSchema),
        required=True,
        metadata=described("What was said of the data and counts as unknown."),
    )


class ProductQualitySchema(_WithFindings, QualitySchema):
    """How good the data behind a product's footprint are."""

    product = _nested(MadeSchema, "The product.")


class _BoundaryQualitySchema(_WithFindings):
    t2 = _nested(QualitySchema, "Of the figure of the boundary, Scope 1 + upstream.")
    scope1 = _nested(QualitySchema, "Of direct emissions inside.")
    upstream = _nested(QualitySchema, "Of Scope 2 and upstream Scope 3.")


class ParkQualitySchema(_BoundaryQualitySchema):
    """How good the data behind the books of a park are."""

    park = _nested(NamedSchema, "The park.")


class EnterpriseQualitySchema(_BoundaryQualitySchema):
    """How good the data behind the books of an enterprise are."""

    enterprise = _nested(NamedSchema, "The enterprise.")
