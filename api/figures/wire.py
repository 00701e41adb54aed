"""Shapes of the answers about figures, and of the questions.

Every field that measures something has its unit. Figures are plain decimal strings; null is
unknown or not shown to the caller, never zero.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from api.figures.numbers import plain
from api.web.wire import PlainDecimal, Query, Wire, described, entity, whole
from graph.figures.boundary import Lacking
from graph.findings import GAP_SENTENCES, MISSING_SENTENCES
from graph.terms import Assessed, Feed, Rung
from ledger.gases import GWP_SETS
from ledger.strict_json import MAX_INTEGER

_RUNGS = "How well it is known, best rung first; null: not shown."
_GAPS = "Inputs that nobody describes: those without an estimate, then by what they may add."
FIRST_YEAR, LAST_YEAR = 1990, 2100


class Number(PlainDecimal):
    """A figure computed by the engine, written as a plain decimal string."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        figure: float | None = value
        return plain(figure)


def _number(text: str, **more: Any) -> Number:
    return Number(required=True, metadata=described(text), **more)


def _maybe(text: str) -> Number:
    return _number(text, allow_none=True)


def _text(text: str, **more: Any) -> fields.String:
    return fields.String(required=True, metadata=described(text), **more)


def _one_of(values: Any, text: str) -> fields.String:
    return _text(text, validate=validate.OneOf([str(value) for value in values]))


def _nested(schema: type[ma.Schema], text: str, **more: Any) -> fields.Nested:
    return fields.Nested(schema, required=True, metadata=described(text), **more)


def _list(schema: type[ma.Schema], text: str, **more: Any) -> fields.List[Any]:
    items = fields.Nested(schema)
    return fields.List(items, required=True, metadata=described(text), **more)


# --- Questions -------------------------------------------------------------------------------


def gwp_set() -> fields.String:
    """Under which potentials gases are added up."""
    return fields.String(
        load_default="AR6",
        validate=validate.OneOf(GWP_SETS),
        metadata=described("Global warming potentials: an IPCC assessment report, 100 years."),
    )


class YearQuery(Query):
    """A year of the log, or of an earlier position of it."""

    year = fields.Integer(
        validate=validate.Range(FIRST_YEAR, LAST_YEAR),
        metadata=described("Calendar year; by default the latest that anything was stated for."),
    )
    gwp = gwp_set()
    at = fields.Integer(
        validate=validate.Range(1, MAX_INTEGER),
        metadata=described("Answer as of the first so many entries of the log."),
    )


def _of_a_year_that_can_be_asked(day: dt.date) -> None:
    validate.Range(FIRST_YEAR, LAST_YEAR)(day.year)


class FigureQuery(YearQuery):
    """What is asked besides the thing itself."""

    valid_on = fields.Date(
        format="iso",
        validate=_of_a_year_that_can_be_asked,
        metadata=described(
            "Answer as of one day of the year: what is in force on it stands for the whole year. "
            "A site counts whole, for the park and the owner that it has on the day."
        ),
    )


class ProductQuery(FigureQuery):
    """What is asked of a product besides the product itself."""

    site = entity(metadata=described("One site; by default the mix of all that make it."))


# --- In common -------------------------------------------------------------------------------


class NamedSchema(Wire):
    """Something registered."""

    id = entity(required=True, metadata=described("Its id."))
    name = _text("Its name.")


class MethodSchema(Wire):
    """How the figure was computed."""

    allocation = _text("How co-products share: `as-declared` by whoever states a recipe.")
    boundary = _text("`cradle-to-gate` of a product; `fence`: what crosses it, and what is inside.")
    gwp = _text("Global warming potentials used.")


class HeadSchema(Wire):
    """Which question was answered, and of which prefix of the log."""

    year = whole(required=True, metadata=described("Calendar year."))
    gwp = _text("Global warming potentials asked for.")
    valid_on = fields.String(
        required=True,
        allow_none=True,
        metadata=described("The day it is as of; null: the year as it went.", format="date"),
    )
    at = whole(required=True, metadata=described("Size of the log it was answered from."))
    as_of = whole(required=True, metadata=described("The last entry that moved the figure."))
    engine = _text("Version of the engine: the same prefix and question give the same figure.")
    method = _nested(MethodSchema, "How it was computed.")
    on_behalf = fields.Boolean(
        required=True,
        metadata=described(
            "Whether a delegate, or the operator with a key it holds, said something of what the "
            "figure is about."
        ),
    )


class AmountSchema(Wire):
    """A figure with what it lacks, kg CO2e."""

    at_least = _number("What is known, kg CO2e: gaps contribute nothing.")
    filled = _maybe("What the factor ladder puts in the place of gaps; null: not shown.")
    value = _maybe("`atLeast` + `filled`; null while a gap has no estimate.")
    coverage = _maybe("`atLeast` / `value`; null where that is.")
    lower = _number("The lower bound: what is known.")
    upper = _maybe("Every estimate at the upper end of its factor; null where `value` is.")
    lacking = _one_of(
        [each.name.lower() for each in Lacking],
        "What the figure lacks at worst: a gap that is estimated, or one that is open.",
    )


class RungSchema(Wire):
    """How much of a figure stands on one rung of the factor ladder."""

    rung = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf([str(rung) for rung in Rung]),
        metadata=described("The rung; null: several that must be added up."),
    )
    share = _number("Part of what is known and filled in, 0 to 1.")


class EstimateSchema(Wire):
    """What the factor ladder puts in the place of a gap."""

    rung = _one_of(Rung, "Which rung of the ladder.")
    factor = _text("Set, version and row of the factor.")
    index = whole(required=True, metadata=described("The entry that states it."))
    kg_co2e = _number("For the amount of the gap, kg CO2e.")
    upper = _number("The same at the upper end of the factor.")


class GasSchema(Wire):
    """One gas of one origin; all null but `kgCo2e` where several must be added up."""

    gas = _text("Formula; CO2e where only that was stated.", allow_none=True)
    origin = _text("fossil, biogenic, land-use or unspecified.", allow_none=True)
    stated_under = fields.String(metadata=described("The GWP set behind stated CO2e."))
    kg = _maybe("Mass of the gas, kg.")
    kg_co2e = _number("The same, kg CO2e.")


class FindingSchema(Wire):
    """Something noticed that refuses nothing."""

    rule = _text("Stable name of the rule.")
    sentence = _text("What was noticed.")


class GapSchema(Wire):
    """An input that no figure contains."""

    consumer = _text("Product, or site, that takes it in.")
    wanted = _text("What is meant, as far as it is known.")
    supplier = _text("Name of the supplier, if known.", allow_none=True)
    amount = _number("How much, in `unit`, per declared unit of a product or for a site's year.")
    unit = _text("Unit code of the amount.")
    category = whole(required=True, metadata=described("Scope 3 category of the link, 1 to 8."))
    reason = _one_of(GAP_SENTENCES, "Why nothing is known.")
    estimate = _nested(
        EstimateSchema, "Its estimate; null: nothing can estimate it.", allow_none=True
    )
    effect = _maybe(
        "The most it adds to the figure, kg CO2e; null without an estimate, or not shown."
    )
    sentence = _text("The same in words, and what to do next.")


class OriginSchema(Wire):
    """Whose product emitted how much; product and enterprise are null in the sum of the others."""

    product = _nested(
        NamedSchema, "The product; null for what a site emits besides.", allow_none=True
    )
    enterprise = _nested(NamedSchema, "Its owner.", allow_none=True)
    kg_co2e = _number("kg CO2e.")
    share = _maybe("Part of the whole, 0 to 1; null where the whole is zero.")


# --- Products --------------------------------------------------------------------------------


class MadeSchema(NamedSchema):
    """A product."""

    unit = _text("Code of its declared unit.")


class FootprintSchema(HeadSchema, AmountSchema):
    """The footprint of a product, per declared unit."""

    product = _nested(MadeSchema, "The product.")
    rungs = _list(RungSchema, _RUNGS, allow_none=True)
    unit = _text("Unit of the figures.")
    feeds = fields.List(
        fields.String(validate=validate.OneOf([str(feed) for feed in Feed])),
        required=True,
        metadata=described("What describes the product: recipe, footprint …"),
    )
    declared = _maybe("What a footprint statement says, where a recipe feeds the figure.")
    residual = _maybe("Computed minus declared.")
    mixed_gwp_share = _maybe("Part (0 to 1) that was stated under another GWP set than asked for.")
    by_gas = _list(GasSchema, "The figure by gas and origin, largest first.")
    apart = fields.Dict(
        keys=fields.String(),
        values=Number(allow_none=True),
        required=True,
        metadata=described("kg of what is never netted: biogenic CO2, removals, capture, uptake."),
    )
    gaps = _list(GapSchema, _GAPS)
    gaps_not_shown = whole(
        required=True, metadata=described("How many gaps lie in what the caller may not look into.")
    )
    findings = _list(FindingSchema, "What was noticed.")


class PieceSchema(OriginSchema):
    """A part of a product's footprint."""

    part = _one_of(
        ("direct", "cradle-to-gate"),
        "Emitted at the product itself, or all that arose up to its gate.",
    )


class ContributionsSchema(HeadSchema):
    """What a product's footprint consists of, per declared unit."""

    product = _nested(MadeSchema, "The product.")
    rows = _list(PieceSchema, "Largest first; they sum to the total.")
    total = _number("kg CO2e per declared unit: what is known.")


# --- Parks and enterprises -------------------------------------------------------------------


class Scope2Schema(Wire):
    """Energy bought, at its generation."""

    location = _nested(AmountSchema, "By where it was generated.", allow_none=True)
    market = _nested(
        AmountSchema,
        "By what was contracted: direct supply, certificates, residual mix.",
        allow_none=True,
    )


class CategorySchema(AmountSchema):
    """One category of upstream Scope 3."""

    category = whole(
        required=True,
        allow_none=True,
        metadata=described("1 to 8; null: categories that must be added up."),
    )
    name = _text("Name of the category.")


class UnstatedCategorySchema(Wire):
    """A category in which nobody stated anything: unknown, not zero."""

    category = whole(required=True, metadata=described("1 to 8."))
    name = _text("Name of the category.")


class Scope3Schema(Wire):
    """Upstream Scope 3."""

    upstream = _nested(
        AmountSchema, "All categories in which anything was stated.", allow_none=True
    )
    by_category = _list(CategorySchema, "By the link that crosses the fence.")
    not_stated = _list(UnstatedCategorySchema, "Categories in which nothing was stated.")


class BridgeSchema(Wire):
    """From the sum over products to the figure of the boundary."""

    t0 = _nested(
        AmountSchema,
        "Sum over all products made inside; null: recipes are missing.",
        allow_none=True,
    )
    internal = _nested(AmountSchema, "T0 − T1: trade inside.", allow_none=True)
    t1 = _nested(AmountSchema, "Trade inside eliminated.", allow_none=True)
    returned = _nested(AmountSchema, "T1 − T2: what left and came back.", allow_none=True)
    t2 = _nested(AmountSchema, "Scope 1 + upstream: the figure of the boundary.")
    status = _one_of(Assessed, "How far T2 goes.")


class ReasonsSchema(Wire):
    """Why T0, T1 and what returned cannot be assessed."""

    count = whole(required=True, metadata=described("How many products lack recipe or output."))
    products = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata=described("Their names; null where the caller may not know them."),
    )


class GasesSchema(Wire):
    """The figures by gas."""

    scope1 = _list(GasSchema, "Scope 1.")
    upstream = _list(GasSchema, "Scope 2 and upstream Scope 3.")


class TenantSchema(Wire):
    """Scope 1 of one tenant, or of several that are added up."""

    enterprise = _nested(NamedSchema, "The tenant; null: several.", allow_none=True)
    enterprises = whole(required=True, metadata=described("How many tenants."))
    scope1 = _nested(AmountSchema, "Scope 1.")


class MissingSchema(Wire):
    """What the statements of a site leave open."""

    site = _nested(NamedSchema, "The site.")
    from_ = fields.String(
        required=True,
        data_key="from",
        attribute="from",
        metadata=described("First day.", format="date"),
    )
    to = _text("First day after.")
    what = _one_of(MISSING_SENTENCES, "What is missing.")
    sentence = _text("The same in words, and what to do next.")


class BooksSchema(HeadSchema):
    """The books of a boundary in a year, kg CO2e."""

    unit = _text("Unit of all amounts.")
    scope1 = _nested(AmountSchema, "Direct emissions inside.")
    scope2 = _nested(Scope2Schema, "Energy bought.")
    scope3 = _nested(Scope3Schema, "Upstream Scope 3.")
    upstream = _nested(AmountSchema, "Scope 2 and upstream Scope 3.")
    bridge = _nested(BridgeSchema, "From T0 to T2.")
    returning = _one_of(Assessed, "How far what returned can be seen.")
    not_assessable_because = _nested(ReasonsSchema, "What T0, T1 and what returned lack.")
    by_gas = _nested(GasesSchema, "By gas and origin.")
    origins = fields.List(
        fields.Nested(OriginSchema),
        required=True,
        allow_none=True,
        metadata=described("Where the upstream figure was emitted; null: not shown to the caller."),
    )
    missing = _list(MissingSchema, "What sites inside have left unsaid.")
    missing_not_shown = whole(required=True, metadata=described("How many more."))
    rungs = _list(RungSchema, _RUNGS, allow_none=True)
    gaps = _list(GapSchema, _GAPS)
    gaps_not_shown = whole(required=True, metadata=described("How many more."))
    findings = _list(FindingSchema, "What was noticed.")


class ParkBooksSchema(BooksSchema):
    """The books of a park in a year, kg CO2e."""

    park = _nested(NamedSchema, "The park.")
    by_tenant = fields.List(
        fields.Nested(TenantSchema),
        required=True,
        allow_none=True,
        metadata=described("Scope 1 by tenant, for the park itself; null for others."),
    )
    memberships = whole(required=True, metadata=described("Memberships counted."))


class EnterpriseBooksSchema(BooksSchema):
    """The books of an enterprise in a year, kg CO2e."""

    enterprise = _nested(NamedSchema, "The enterprise.")
