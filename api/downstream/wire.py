"""Shapes of the answers about what lies after the gate."""

from __future__ import annotations

from marshmallow import fields, validate

from api.figures.wire import AmountSchema, HeadSchema, NamedSchema, Number
from api.web.wire import Wire, described, whole
from graph.books.downstream import REASONS
from graph.terms import Assessed


class ConcernSchema(Wire):
    """A product for which a category cannot be assessed."""

    product = fields.String(required=True, metadata=described("Its name."))
    reason = fields.String(
        required=True, validate=validate.OneOf(sorted(REASONS)), metadata=described("Why not.")
    )
    sentence = fields.String(required=True, metadata=described("The same in words."))


class CategoryNameSchema(Wire):
    """A downstream category."""

    category = whole(required=True, metadata=described("9 to 15."))
    name = fields.String(required=True, metadata=described("Name of the category."))


class StageSchema(CategoryNameSchema):
    """One downstream category of the year, kg CO2e."""

    amount = fields.Nested(
        AmountSchema,
        required=True,
        allow_none=True,
        metadata=described("The category; null: it would tell the caller too much."),
    )
    status = fields.String(
        required=True,
        validate=validate.OneOf([str(each) for each in Assessed]),
        metadata=described(
            "`partial`: not for all products, or flows are hidden behind suppliers that state only "
            "a total."
        ),
    )
    concerns = fields.List(
        fields.Nested(ConcernSchema),
        required=True,
        metadata=described("Products for which it cannot be assessed, as far as they may be told."),
    )
    concerns_not_shown = whole(required=True, metadata=described("How many more."))


class ShareSchema(Wire):
    """How what is emitted at an outside product falls apart."""

    product = fields.Nested(
        NamedSchema,
        required=True,
        allow_none=True,
        metadata=described("The product; null: what a site does beyond its recipes."),
    )
    enterprise = fields.Nested(NamedSchema, required=True, metadata=described("Whose it is."))
    upstream = Number(
        required=True,
        allow_none=True,
        metadata=described("Share of its output upstream of the boundary, 0 to 1."),
    )
    processing = Number(
        required=True,
        allow_none=True,
        metadata=described("Share attributed to material from the boundary, 0 to 1."),
    )
    kg_co2e = Number(
        required=True, metadata=described("Its part of the processing of sold products, kg CO2e.")
    )


class DownstreamSchema(HeadSchema):
    """Downstream Scope 3 of a boundary in a year, kg CO2e."""

    unit = fields.String(required=True, metadata=described("Unit of all amounts."))
    categories = fields.List(
        fields.Nested(StageSchema), required=True, metadata=described("Categories 9 to 15.")
    )
    not_stated = fields.List(
        fields.Nested(CategoryNameSchema),
        required=True,
        metadata=described("Categories of which nothing was entered: unknown, not zero."),
    )
    shares = fields.List(
        fields.Nested(ShareSchema),
        required=True,
        allow_none=True,
        metadata=described("The largest shares, for auditors; null for others."),
    )


class ParkDownstreamSchema(DownstreamSchema):
    """Downstream Scope 3 of a park in a year, kg CO2e."""

    park = fields.Nested(NamedSchema, required=True, metadata=described("The park."))


class EnterpriseDownstreamSchema(DownstreamSchema):
    """Downstream Scope 3 of an enterprise in a year, kg CO2e."""

    enterprise = fields.Nested(NamedSchema, required=True, metadata=described("The enterprise."))
