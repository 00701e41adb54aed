"""Shapes of the answers that take a figure apart, and of the questions."""

from __future__ import annotations

from marshmallow import fields, validate

from api.figures.wire import FigureQuery, HeadSchema, MadeSchema, NamedSchema, Number, ProductQuery
from api.web.wire import Wire, described, entity, whole
from graph.tracing.levers import Kind

MOST_ROWS = 200
WAYS = ("origin", "tier", "site", "enterprise", "gas", "category")


def _by() -> fields.String:
    return fields.String(
        load_default="origin",
        validate=validate.OneOf(WAYS),
        metadata=described(
            "Where it was emitted (origin), how many links upstream (tier), by site, by "
            "enterprise, by gas, or by the Scope 3 category of the link over which it came."
        ),
    )


def _most() -> fields.Integer:
    return fields.Integer(
        load_default=20,
        validate=validate.Range(1, MOST_ROWS),
        metadata=described("How many rows at most; all others are one sum."),
    )


class ExplanationQuery(ProductQuery):
    """How a product's figure is to be taken apart."""

    by = _by()
    most = _most()


class BoundaryExplanationQuery(FigureQuery):
    """How a boundary's figure is to be taken apart."""

    by = _by()
    most = _most()


class PathsQuery(ProductQuery):
    """How many paths are asked for."""

    most = _most()


class LeversQuery(FigureQuery):
    """What would be less, and how many rows of each."""

    most = _most()


class LoopsQuery(FigureQuery):
    """Which loops, and through which figure."""

    product = entity(metadata=described("Say how much of this product's footprint passes."))
    park = entity(metadata=described("Say how much of this park's T2 passes."))
    enterprise = entity(metadata=described("Say how much of this enterprise's T2 passes."))
    most = _most()


class KgSchema(Wire):
    """An amount of carbon, kg CO2e."""

    kg_co2e = Number(required=True, metadata=described("What is known, kg CO2e."))
    filled = Number(required=True, metadata=described("What factors fill in for gaps, kg CO2e."))
    share = Number(
        required=True,
        allow_none=True,
        metadata=described("Both, as a part of the figure; null where that is zero."),
    )


class PartSchema(KgSchema):
    """One part of a figure. Which members say what it is depends on how the figure is split."""

    product = fields.Nested(
        NamedSchema, allow_none=True, metadata=described("The product; null: no product.")
    )
    enterprise = fields.Nested(NamedSchema, metadata=described("The enterprise."))
    site = fields.Nested(
        NamedSchema, allow_none=True, metadata=described("The site; null: of no known site.")
    )
    tier = whole(metadata=described("Links upstream: 0 the thing itself, 1 its suppliers …"))
    gas = fields.String(metadata=described("Formula; CO2e where only that was stated."))
    origin = fields.String(metadata=described("fossil, biogenic, land-use or unspecified."))
    category = whole(metadata=described("1 to 8; 0: not over any link."))
    name = fields.String(metadata=described("Name of the category."))
    whole = fields.Boolean(
        metadata=described("Whether it is all that arose up to the gate, not only there.")
    )


class RestSchema(KgSchema):
    """Everything that has no row of its own."""

    parts = whole(
        required=True,
        allow_none=True,
        metadata=described("How many; null where they cannot be counted."),
    )


class ExplanationSchema(HeadSchema):
    """A figure taken apart: rows, rest and what is not disclosed sum to it."""

    by = fields.String(required=True, metadata=described("How it is split."))
    unit = fields.String(required=True, metadata=described("Unit of all amounts."))
    figure = fields.Nested(KgSchema, required=True, metadata=described("The whole figure."))
    rows = fields.List(
        fields.Nested(PartSchema), required=True, metadata=described("Largest first; tiers upward.")
    )
    rest = fields.Nested(RestSchema, required=True, metadata=described("All other parts."))
    undisclosed = fields.Nested(
        KgSchema,
        required=True,
        allow_none=True,
        metadata=described("What the caller may not tell apart; null: nothing is hidden."),
    )


class ProductExplanationSchema(ExplanationSchema):
    """A product's footprint taken apart, per declared unit."""

    product = fields.Nested(MadeSchema, required=True, metadata=described("The product."))


class ParkExplanationSchema(ExplanationSchema):
    """A park's T2 taken apart."""

    park = fields.Nested(NamedSchema, required=True, metadata=described("The park."))


class EnterpriseExplanationSchema(ExplanationSchema):
    """An enterprise's T2 taken apart."""

    enterprise = fields.Nested(NamedSchema, required=True, metadata=described("The enterprise."))


class StepSchema(Wire):
    """One product on a path."""

    product = fields.Nested(
        NamedSchema, required=True, allow_none=True, metadata=described("null: a site's rest.")
    )
    enterprise = fields.Nested(NamedSchema, required=True, metadata=described("Whose."))


class PathSchema(KgSchema):
    """One chain of supply, from the product upstream to where it was emitted."""

    steps = fields.List(
        fields.Nested(StepSchema), required=True, metadata=described("From the product upstream.")
    )
    whole = fields.Boolean(
        required=True,
        metadata=described("Whether it is all that arose up to the gate of the last step."),
    )


class PathsSchema(HeadSchema):
    """The largest paths of a product's footprint."""

    product = fields.Nested(MadeSchema, required=True, metadata=described("The product."))
    unit = fields.String(required=True, metadata=described("Unit of all amounts."))
    figure = fields.Nested(KgSchema, required=True, metadata=described("The whole figure."))
    rows = fields.List(
        fields.Nested(PathSchema), required=True, metadata=described("Largest first.")
    )
    rest = fields.Nested(KgSchema, required=True, metadata=described("All other paths."))
    undisclosed = fields.Nested(
        KgSchema,
        required=True,
        allow_none=True,
        metadata=described("What the caller may not tell apart; null: nothing is hidden."),
    )
    proven = fields.Boolean(
        required=True, metadata=described("Whether no path that is left out is larger.")
    )
    bound = Number(
        required=True,
        allow_none=True,
        metadata=described("No path left out is larger, kg CO2e; null: there is no bound."),
    )


class LeverSchema(Wire):
    """What a tenth less of one thing does, kg CO2e (negative: less)."""

    product = fields.Nested(NamedSchema, allow_none=True, metadata=described("The product."))
    enterprise = fields.Nested(NamedSchema, metadata=described("Whose."))
    site = fields.Nested(NamedSchema, metadata=described("The site."))
    carrier = fields.String(metadata=described("The energy carrier."))
    linear = fields.Boolean(
        required=True, metadata=described("Whether twice as much less does exactly twice as much.")
    )
    t2 = Number(required=True, metadata=described("Change of T2, kg CO2e, gaps filled in."))
    upstream = Number(
        required=True, metadata=described("Change of the upstream figure, kg CO2e, the same way.")
    )


class OthersSchema(Wire):
    """Levers that must be added up, or are too many."""

    count = whole(required=True, metadata=described("How many."))
    t2 = Number(required=True, metadata=described("Change of T2 by all of them, kg CO2e."))


class LeversOfKindSchema(Wire):
    """The levers of one kind."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf([str(kind) for kind in Kind]),
        metadata=described(
            "supplier: bought across the fence; carrier: energy bought; site: emitted inside; "
            "origin: emitted outside; use: taken in by anybody."
        ),
    )
    rows = fields.List(
        fields.Nested(LeverSchema),
        required=True,
        allow_none=True,
        metadata=described("Largest first; null: they would tell too much."),
    )
    others = fields.Nested(
        OthersSchema, required=True, allow_none=True, metadata=described("All others; null: none.")
    )


class LeversSchema(HeadSchema):
    """What a tenth less would do to a boundary's figure."""

    unit = fields.String(required=True, metadata=described("Unit of all amounts."))
    less = Number(required=True, metadata=described("How much less, as a part (0 to 1)."))
    t2 = fields.Nested(KgSchema, required=True, metadata=described("T2 as it is."))
    levers = fields.List(
        fields.Nested(LeversOfKindSchema), required=True, metadata=described("By kind.")
    )


class ParkLeversSchema(LeversSchema):
    """What a tenth less would do to a park's figure."""

    park = fields.Nested(NamedSchema, required=True, metadata=described("The park."))


class EnterpriseLeversSchema(LeversSchema):
    """What a tenth less would do to an enterprise's figure."""

    enterprise = fields.Nested(NamedSchema, required=True, metadata=described("The enterprise."))


class LoopSchema(Wire):
    """Products that feed one another, or one that feeds itself."""

    gain = Number(required=True, metadata=described("How much of itself it uses up per turn."))
    lowest = Number(required=True, metadata=described("The gain is no less than this."))
    highest = Number(
        required=True,
        allow_none=True,
        metadata=described("The gain is no more than this; null: there is no bound."),
    )
    refused = fields.Boolean(
        required=True, metadata=described("Whether it has no footprint, its gain reaching 1.")
    )
    size = whole(required=True, metadata=described("How many products it has."))
    members = fields.List(
        fields.Nested(StepSchema), required=True, metadata=described("Some of them, up to 20.")
    )
    through = fields.Nested(
        KgSchema,
        required=True,
        allow_none=True,
        metadata=described("What of the figure asked about passes through it; null: none asked."),
    )


class LoopsSchema(HeadSchema):
    """The loops of a year, the strongest first."""

    loops = fields.List(
        fields.Nested(LoopSchema), required=True, metadata=described("The largest gain first.")
    )
    count = whole(required=True, metadata=described("How many there are."))
