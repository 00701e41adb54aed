"""Shapes of the carbon account of an enterprise or a park, and of the question.

Movements, items and levers are differences: what is known, what the factor ladder fills in, and
both together, kg CO2e. Null is unknown or not shown to the caller, never zero.
"""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from api.figures.wire import (
    FIRST_YEAR,
    LAST_YEAR,
    AmountSchema,
    HeadSchema,
    MadeSchema,
    NamedSchema,
    Number,
    YearQuery,
)
from api.web.wire import Wire, described, digest, whole
from graph.books.account_rows import Matter
from graph.books.advice import Less
from graph.books.movements import Cause

SITE = "site"
KINDS = (*(str(each) for each in Matter), SITE)
"""What an item is about."""


def _maybe(text: str) -> Number:
    return Number(required=True, allow_none=True, metadata=described(text))


def _nested(schema: type[ma.Schema], text: str, **more: Any) -> fields.Nested:
    return fields.Nested(schema, required=True, metadata=described(text), **more)


def _list(schema: type[ma.Schema], text: str, **more: Any) -> fields.List[Any]:
    items = fields.Nested(schema)
    return fields.List(items, required=True, metadata=described(text), **more)


class AccountQuery(YearQuery):
    """Which two years."""

    since = fields.Integer(
        data_key="from",
        validate=validate.Range(FIRST_YEAR, LAST_YEAR),
        metadata=described("The year to begin with; by default the year before."),
    )


class AccountMovedSchema(Wire):
    """By how much something moved, or would, kg CO2e."""

    at_least = Number(required=True, metadata=described("Of what is known, kg CO2e."))
    filled = _maybe("Of what the factor ladder fills in, kg CO2e; null: not shown.")
    value = _maybe("Both; null where a figure it belongs to has no value.")


class AccountAboutSchema(Wire):
    """What an item or a lever is about."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf(KINDS),
        metadata=described(
            "An energy carrier, a class of products, a product, something wanted that names "
            "neither, a fuel, direct emissions of a source, or a site."
        ),
    )
    of = fields.String(
        required=True,
        allow_none=True,
        metadata=described(
            "The carrier, the URN of the class or fuel, the source, or what was wanted; null: a "
            "product, a site, or direct emissions of no stated source."
        ),
    )
    product = _nested(NamedSchema, "The supplier's product, if it is one.", allow_none=True)
    enterprise = _nested(NamedSchema, "Who supplies it.", allow_none=True)
    site = _nested(NamedSchema, "The site, if it is one.", allow_none=True)


class AccountItemSchema(AccountAboutSchema, AccountMovedSchema):
    """Something behind a movement."""


class AccountRestSchema(AccountMovedSchema):
    """Everything that has no row of its own."""

    count = whole(required=True, metadata=described("How many items."))


class ShareOfCauseSchema(AccountMovedSchema):
    """What one cause moved."""

    cause = fields.String(
        required=True,
        validate=validate.OneOf([str(each) for each in Cause]),
        metadata=described(
            "`restatement`: later entries about the earlier year; `structure`: sites that joined "
            "or left; `activity`: more or less of it; `supplier`: of another product or supplier; "
            "`factor`: with another footprint or factor; `method`: known in another way; "
            "`unknown`: left open in one of the years; `undisclosed`: not to be told apart."
        ),
    )


class MovementSchema(ShareOfCauseSchema):
    """What one cause moved, and what is behind it."""

    items = _list(AccountItemSchema, "What is behind it, the largest first.")
    others = _nested(AccountRestSchema, "All other items together.", allow_none=True)


class AccountEndSchema(Wire):
    """A figure at one end of an account, kg CO2e."""

    at_least = Number(required=True, metadata=described("What is known, kg CO2e."))
    filled = _maybe("What the factor ladder fills in, kg CO2e; null: not known, or not shown.")
    value = _maybe("Both; null while a gap is open, where it was not published, or is not shown.")


class AccountOfSchema(Wire):
    """One figure from year to year: opening, movements and closing add up."""

    opening = _nested(
        AccountEndSchema,
        "The earlier year: as published, else as known today; null: not published.",
        allow_none=True,
    )
    restated = _nested(AccountEndSchema, "The earlier year as it is known today.")
    closing = _nested(AccountEndSchema, "The later year.")


class ScopeAccountSchema(AccountOfSchema):
    """The account of one scope."""

    movements = _list(ShareOfCauseSchema, "What moved it, by cause; the restatement first.")


class ScopesSchema(Wire):
    """The accounts of the scopes."""

    scope1 = _nested(ScopeAccountSchema, "Scope 1.")
    scope2 = _nested(
        ScopeAccountSchema,
        "Scope 2, location-based; null: it would tell too much.",
        allow_none=True,
    )
    scope3 = _nested(
        ScopeAccountSchema, "Upstream Scope 3; null: it would tell too much.", allow_none=True
    )


class MadeInYearSchema(Wire):
    """A product in one of the years."""

    footprint = _nested(AccountMovedSchema, "kg CO2e per declared unit.", allow_none=True)
    output = _maybe("Declared units made; null: not stated.")
    kg_co2e = _maybe("Footprint times output, kg CO2e.")
    share = _maybe("Part of T0, 0 to 1.")


class ProductLineSchema(Wire):
    """A product made inside."""

    product = _nested(MadeSchema, "The product.")
    before = _nested(MadeInYearSchema, "In the earlier year.", allow_none=True)
    after = _nested(MadeInYearSchema, "In the later year.", allow_none=True)


class OutputValueSchema(Wire):
    """What was made in a year is worth."""

    amount = Number(required=True, metadata=described("The value."))
    unit = fields.String(required=True, metadata=described("Price unit, such as CNY:2025:basic."))
    per_unit = _maybe("T2 in kg CO2e for one of the unit; null while T2 is open.")


class OutputValuesSchema(Wire):
    """In both years; null where not every place states it, in the same unit."""

    before = _nested(OutputValueSchema, "In the earlier year.", allow_none=True)
    after = _nested(OutputValueSchema, "In the later year.", allow_none=True)


class ParkEffectSchema(Wire):
    """What a lever does to the figure of a park."""

    park = _nested(NamedSchema, "The park.")
    t2 = _nested(AccountMovedSchema, "Its effect on T2; null: not shown.", allow_none=True)


class AccountAdviceSchema(AccountAboutSchema):
    """Of what there would be a tenth less, and what that does."""

    less = fields.String(
        required=True,
        validate=validate.OneOf([str(each) for each in Less]),
        metadata=described("Less used, less energy, or less emitted at a site."),
    )
    t2 = _nested(AccountMovedSchema, "Its effect on the own figure.")
    parks = _list(ParkEffectSchema, "Its effect on the parks that the sites belong to.")


class AllocatedSchema(Wire):
    """What shared infrastructure gives and takes; beside the figure, never in it."""

    given = _nested(AmountSchema, "What its sites do for others.")
    taken = _nested(AmountSchema, "What others' sites do for it; null: not shown.", allow_none=True)


class PublishedSchema(Wire):
    """The published figure that an account opens with."""

    digest = digest(required=True, metadata=described("Digest of the statement."))
    index = whole(required=True, metadata=described("Its place in the log, from 0."))


class AccountSchema(HeadSchema):
    """The carbon account of a boundary between two years, kg CO2e of T2."""

    unit = fields.String(required=True, metadata=described("Unit of all amounts."))
    since = whole(required=True, data_key="from", metadata=described("The earlier year."))
    published = _nested(
        PublishedSchema,
        "Where the opening is published; null: it is not, and nothing is restated.",
        allow_none=True,
    )
    account = _nested(AccountOfSchema, "T2: opening and closing.")
    movements = _list(MovementSchema, "What moved it, by cause; the restatement first.")
    scopes = _nested(ScopesSchema, "The same by scope.")
    products = _list(ProductLineSchema, "What is made inside, by its carbon in the later year.")
    products_not_shown = whole(required=True, metadata=described("How many more."))
    output_value = _nested(OutputValuesSchema, "What was made is worth.")
    less = Number(required=True, metadata=described("How much less advice assumes, 0 to 1."))
    advice = _list(AccountAdviceSchema, "The largest levers, the largest first.")
    allocated = _nested(AllocatedSchema, "Of shared infrastructure.", allow_none=True)


class EnterpriseAccountSchema(AccountSchema):
    """The carbon account of an enterprise."""

    enterprise = _nested(NamedSchema, "The enterprise.")


class ParkAccountSchema(AccountSchema):
    """The carbon account of a park."""

    park = _nested(NamedSchema, "The park.")
