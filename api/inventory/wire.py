"""Shapes of the answer about a whole inventory, down to the net figure."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from api.figures.wire import (
    AmountSchema,
    BooksSchema,
    EnterpriseBooksSchema,
    NamedSchema,
    Number,
    ParkBooksSchema,
    Scope2Schema,
    TenantSchema,
)
from api.web.wire import Wire, described, whole
from graph.books.inventory import OBSTACLES
from graph.terms import Cover, Grade
from ledger.statements.flows import FATES, SINKS


def _amount(text: str) -> fields.Nested:
    return fields.Nested(AmountSchema, required=True, allow_none=True, metadata=described(text))


def _number(text: str, **more: Any) -> Number:
    return Number(required=True, metadata=described(text), **more)


def _maybe(text: str) -> Number:
    return _number(text, allow_none=True)


def _text(text: str, **more: Any) -> fields.String:
    return fields.String(required=True, metadata=described(text), **more)


def _list(schema: type[Wire], text: str) -> fields.List[Any]:
    return fields.List(fields.Nested(schema), required=True, metadata=described(text))


def _nested(schema: type[Wire], text: str) -> fields.Nested:
    return fields.Nested(schema, required=True, metadata=described(text))


class ResidualSchema(Wire):
    """What counts for power of one public grid that no certificate covers."""

    region = _text(
        "Region of the grid; null: nobody says which, or several that must be added up.",
        allow_none=True,
    )
    kwh = _number("Uncovered power, kWh.")
    factor = _text(
        "Set, version and row of the residual mix; null: none stands and the grid average stood "
        "in, or several grids are added up.",
        allow_none=True,
    )


class PoweredScope2Schema(Scope2Schema):
    """Energy bought, both ways, and the electricity behind it."""

    grid_kwh = _maybe("Bought from public grids, kWh; null: not shown.")
    covered_kwh = _maybe("Of that covered by certificates, kWh; null: not shown.")
    direct_kwh = _maybe("Electricity from elsewhere, kWh; null: not shown.")
    residual = _list(ResidualSchema, "By what the rest counts.")


class CoveredCategorySchema(Wire):
    """A category of Scope 3, and how far it is covered."""

    category = whole(required=True, metadata=described("1 to 15."))
    name = _text("Name of the category.")
    direction = _text("Side of the chain.", validate=validate.OneOf(("upstream", "downstream")))
    status = _text(
        "`none`: every site says that there was nothing; `not-stated`: unknown, not zero.",
        validate=validate.OneOf([str(each) for each in Cover]),
    )
    amount = _amount("The category; null: unknown, or not shown.")
    reasons = fields.List(
        fields.String(),
        required=True,
        metadata=described("Why it is not covered, as far as that may be told."),
    )


class WholeScope3Schema(Wire):
    """Scope 3, up and down the chain."""

    upstream = _amount("Categories 1 to 8; null: not shown.")
    downstream = _amount("Categories 9 to 15; null: not shown.")
    total = _amount("All of them; null: not shown.")
    by_category = _list(CoveredCategorySchema, "All 15 categories.")


class ByBasisSchema(Wire):
    """A figure by the two methods of Scope 2."""

    location = _amount("Location-based; null: not shown.")
    market = _amount("Market-based; null: not shown.")


class ByReachSchema(Wire):
    """A figure of Scope 1 and 2, and of all scopes."""

    operational = _nested(ByBasisSchema, "Scope 1 and 2.")
    full = _nested(ByBasisSchema, "Scope 1, 2 and 3.")


class CaughtSchema(Wire):
    """CO2 caught at a site."""

    site = _nested(NamedSchema, "The site.")
    origin = _text("Where its carbon comes from.")
    fate = _text("What became of it.", validate=validate.OneOf(FATES))
    kg = _number("kg CO2.")
    counted_kg = _number(
        "Of that what lowers the net figure, kg CO2: fossil, stored, and no more than was emitted."
    )


class CapturedSchema(Wire):
    """The ledger of capture."""

    stored_fossil = _maybe("What lowers the net figure, kg CO2; null: not shown.")
    rows = _list(CaughtSchema, "By site, for who runs the boundary and auditors.")


class SunkSchema(Wire):
    """What one sink removed."""

    site = _nested(NamedSchema, "The site.")
    sink = _text("Kind of sink.", validate=validate.OneOf(SINKS))
    name = _text("What it is.")
    kg = _number("Removed, kg CO2.")
    verified_kg = _maybe("Of that verified, kg CO2; null: not shown.")
    by = _text("Level of assurance, or `certificate`; null: nobody, or not shown.", allow_none=True)


class RemovalsSchema(Wire):
    """The ledger of removals by sinks inside."""

    verified = _maybe("What lowers the net figure, kg CO2; null: not shown.")
    unverified = _maybe("What nobody has verified, kg CO2; null: not shown.")
    rows = _list(SunkSchema, "By sink, for who runs the boundary and auditors.")


class OffsetSchema(Wire):
    """Offsets of one series of certificates."""

    registry = _text("The registry.")
    serial = _text("First serial number.")
    count = whole(required=True, metadata=described("How many in a row."))
    project = _text("What they come from.", allow_none=True)
    vintage = whole(
        required=True, allow_none=True, metadata=described("Year of the reduction or removal.")
    )
    kg = _number("kg CO2e.")
    index = whole(required=True, metadata=described("The entry that says so."))


class OffsetsSchema(Wire):
    """The ledger of offsets: told beside the net figure, which they do not lower."""

    amount = _number("kg CO2e.")
    share_of_gross = _maybe("Relative to the full gross figure, market-based; null: not known.")
    rows = _list(OffsetSchema, "By series of certificates.")


class LedgersSchema(Wire):
    """What stands beside the gross emissions."""

    captured = _nested(CapturedSchema, "CO2 caught.")
    removals = _nested(RemovalsSchema, "CO2 removed by sinks inside.")
    offsets = _nested(OffsetsSchema, "Offsets used up.")


class ObstacleSchema(Wire):
    """What stands in the way of a grade."""

    reason = _text("Stable name.", validate=validate.OneOf((*sorted(OBSTACLES), "not-shown")))
    sentence = _text("The same in words.")


class GradeSchema(Wire):
    """One of the things a boundary may be called."""

    name = _text("The grade.", validate=validate.OneOf([str(each) for each in Grade]))
    title = _text("The same in words.")
    reached = fields.Boolean(required=True, metadata=described("Whether it is reached."))
    obstacles = _list(ObstacleSchema, "What stands in the way.")


class StatusSchema(Wire):
    """What the boundary may be called, judged market-based."""

    name = _text("The highest grade.", validate=validate.OneOf([str(each) for each in Grade]))
    title = _text("The same in words.")
    grades = _list(GradeSchema, "Every grade, from the least.")


class InventorySchema(BooksSchema):
    """A whole inventory: all scopes, down to the net figure, kg CO2e."""

    scope2 = _nested(PoweredScope2Schema, "Energy bought, location- and market-based.")
    scope3 = _nested(WholeScope3Schema, "Scope 3, all 15 categories.")
    biogenic = _maybe("Biogenic CO2 emitted inside, in no scope, kg CO2; null: not shown.")
    gross = _nested(ByReachSchema, "Before capture and removals.")
    ledgers = _nested(LedgersSchema, "Capture, removals and offsets, each by itself.")
    net = _nested(ByReachSchema, "Gross less fossil capture and verified removals.")
    status = _nested(StatusSchema, "What it may be called, and why not more.")


class SharingTenantSchema(TenantSchema):
    """Scope 1 of one tenant, or of several, with what shared sites do for it."""

    allocated = _amount(
        "What shared sites emit for it, less what it emits for others; null: not shown."
    )
    scope1_with_shared = _amount("Scope 1 with that; over all tenants the sum is the same.")


class ParkInventorySchema(InventorySchema, ParkBooksSchema):
    """The whole inventory of a park in a year, kg CO2e."""

    by_tenant = fields.List(
        fields.Nested(SharingTenantSchema),
        required=True,
        allow_none=True,
        metadata=described("Scope 1 by tenant, for the park itself; null for others."),
    )


class EnterpriseInventorySchema(InventorySchema, EnterpriseBooksSchema):
    """The whole inventory of an enterprise in a year, kg CO2e."""
