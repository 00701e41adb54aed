"""Shapes of hypotheses and of what would follow from them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from api.explanations.wire import KgSchema
from api.figures.wire import FIRST_YEAR, LAST_YEAR, NamedSchema, Number, gwp_set
from api.web.wire import Sent, Wire, described, digest, entity, whole
from graph.differences.whatif import (
    Change,
    RemoveInput,
    ReplaceInput,
    Say,
    ScaleEmissions,
    ScaleInput,
    Scope,
    TakeBack,
)
from ledger.schema import Quantity
from ledger.strict_json import MAX_INTEGER

MOST_CHANGES = 100
KINDS = ("product", "park", "enterprise")
SCOPES = ("product", "site", "enterprise", "park")
EXACTLY_ONE = "Exactly one of these is expected: %s."


class _OneOf(Sent):
    """Of its members exactly one is given."""

    @ma.validates_schema
    def _check_one(self, data: dict[str, Any], **_: Any) -> None:
        if len(data) != 1:
            raise ma.ValidationError(EXACTLY_ONE % ", ".join(map(str, self.fields)))


class AskedFigureSchema(_OneOf):
    """Which figure is asked about."""

    product = entity(metadata=described("A product, per declared unit."))
    park = entity(metadata=described("A park."))
    enterprise = entity(metadata=described("An enterprise."))


class ScopeSchema(_OneOf):
    """Whose recipes and purchases are changed."""

    product = entity(metadata=described("The recipes of a product."))
    site = entity(metadata=described("A site."))
    enterprise = entity(metadata=described("All sites of an enterprise."))
    park = entity(metadata=described("All member sites of a park."))


def _scope() -> fields.Nested:
    return fields.Nested(
        ScopeSchema, data_key="in", metadata=described("Where; absent: everywhere in the log.")
    )


def _factor() -> Quantity:
    return Quantity(
        required=True,
        least=Decimal(0),
        metadata=described("How many times as much, a plain decimal string from 0."),
    )


class SaySchema(Sent):
    """A statement, as the log would take it but for its common members."""

    statement = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata=described("The members of its type, `type` included; common ones are ignored."),
    )
    subject = entity(metadata=described("Whose it would be, where nobody owns what it is about."))


class ReplaceSchema(Sent):
    """Take in another product instead."""

    product = entity(required=True, metadata=described("The product that is taken in."))
    by = entity(required=True, metadata=described("The product that would be, amount for amount."))
    scope = _scope()


class ScaleInputSchema(Sent):
    """Take in more or less of a product, and of its transport."""

    product = entity(required=True, metadata=described("The product that is taken in."))
    factor = _factor()
    scope = _scope()


class RemoveSchema(Sent):
    """Take in nothing of a product."""

    product = entity(required=True, metadata=described("The product that is taken in."))
    scope = _scope()


class ScaleEmissionsSchema(Sent):
    """More or less emitted at a product itself; of a stated footprint, all of it."""

    product = entity(required=True, metadata=described("The product."))
    factor = _factor()


class ChangeSchema(_OneOf):
    """One thing that would be otherwise."""

    say = fields.Nested(SaySchema, metadata=described("A statement would be made."))
    take_back = digest(metadata=described("The statement with this digest would be withdrawn."))
    replace = fields.Nested(ReplaceSchema, metadata=described("An input would be another product."))
    scale_input = fields.Nested(
        ScaleInputSchema, metadata=described("Another amount of an input would be taken in.")
    )
    remove = fields.Nested(RemoveSchema, metadata=described("An input would not be taken in."))
    scale_emissions = fields.Nested(
        ScaleEmissionsSchema, metadata=described("Something else would be emitted at a product.")
    )


def change_of(told: dict[str, Any]) -> Change:
    """The change that was sent, read by ``ChangeSchema``."""
    ((kind, what),) = told.items()
    match kind:
        case "say":
            return Say(what["statement"], what.get("subject"))
        case "take_back":
            return TakeBack(what)
        case "replace":
            return ReplaceInput(what["product"], what["by"], _scope_of(what))
        case "scale_input":
            return ScaleInput(what["product"], what["factor"], _scope_of(what))
        case "remove":
            return RemoveInput(what["product"], _scope_of(what))
        case _:
            return ScaleEmissions(what["product"], what["factor"])


def _scope_of(what: dict[str, Any]) -> Scope:
    ((kind, entity_id),) = what.get("scope", {"log": ""}).items()
    return Scope(kind, entity_id)


class _Question(Sent):
    year = fields.Integer(
        strict=True,
        validate=validate.Range(FIRST_YEAR, LAST_YEAR),
        metadata=described("Calendar year; by default the latest that anything was stated for."),
    )
    gwp = gwp_set()


class HypothesisSchema(_Question):
    """What would be otherwise, and which figure is asked about."""

    at = fields.Integer(
        strict=True,
        validate=validate.Range(1, MAX_INTEGER),
        metadata=described("On top of the first so many entries of the log."),
    )
    figure = fields.Nested(
        AskedFigureSchema, required=True, metadata=described("Which figure is asked about.")
    )
    changes = fields.List(
        fields.Nested(ChangeSchema),
        required=True,
        validate=validate.Length(max=MOST_CHANGES),
        metadata=described("In their order, each on top of those before it."),
    )


class DistrustedSchema(_OneOf):
    """Who would no longer be trusted."""

    key = fields.String(
        validate=validate.Regexp(r"^[A-Za-z0-9_-]{43}\Z", error="A thumbprint is expected."),
        metadata=described("Thumbprint of a key: nothing it ever signed would stand."),
    )
    verifier = entity(metadata=described("An enterprise whose attestations would not stand."))
    supplier = entity(metadata=described("An enterprise of which nothing said would stand."))


class StressSchema(_Question):
    """Who would no longer be trusted, or which figure is asked what it rests on."""

    without = fields.Nested(
        DistrustedSchema,
        metadata=described("Who would no longer be trusted; absent: only what the figure rests on"),
    )
    figure = fields.Nested(AskedFigureSchema, metadata=described("Which figure is asked about."))

    @ma.validates_schema
    def _check_asked(self, data: dict[str, Any], **_: Any) -> None:
        if not ({"without", "figure"} & data.keys()):
            raise ma.ValidationError(EXACTLY_ONE % "without, figure")


# --- Answers ---------------------------------------------------------------------------------


class StandSchema(Wire):
    """A number as it is, or as it would be."""

    at_least = Number(required=True, metadata=described("What is known, kg CO2e."))
    value = Number(
        required=True,
        allow_none=True,
        metadata=described("With gaps filled in, kg CO2e; null while something is missing."),
    )


class NumberSchema(Wire):
    """One number before and after; null where there is none."""

    name = fields.String(required=True, metadata=described("footprint, scope1, t2 …"))
    before = fields.Nested(
        StandSchema, required=True, allow_none=True, metadata=described("As it is.")
    )
    after = fields.Nested(
        StandSchema, required=True, allow_none=True, metadata=described("As it would be.")
    )
    difference = Number(
        required=True,
        allow_none=True,
        metadata=described("What would be known less what is known, kg CO2e."),
    )


class ComparedSchema(NamedSchema):
    """One figure before and after; of a product per declared unit, else of the year."""

    kind = fields.String(
        required=True, validate=validate.OneOf(KINDS), metadata=described("What it is of.")
    )
    numbers = fields.List(
        fields.Nested(NumberSchema), required=True, metadata=described("Its numbers.")
    )


class _FollowsSchema(Wire):
    hypothetical = fields.Boolean(
        required=True,
        metadata=described("Always true: nobody said this, and nothing can be published from it."),
    )
    year = whole(required=True, metadata=described("Calendar year."))
    gwp = fields.String(required=True, metadata=described("Global warming potentials."))
    at = whole(required=True, metadata=described("How many entries of the log it stands on."))
    figure = fields.Nested(
        ComparedSchema,
        required=True,
        allow_none=True,
        metadata=described("The figure asked about; null: none was."),
    )
    moved = fields.List(
        fields.Nested(ComparedSchema),
        required=True,
        metadata=described("Everything that would move and that the caller may read."),
    )
    not_compared = whole(
        required=True,
        metadata=described("How many parks and enterprises were not looked at: there are many."),
    )


class WhatIfSchema(_FollowsSchema):
    """What would follow."""

    statements = whole(
        required=True, metadata=described("How many hypothetical statements the changes came to.")
    )


class RestsSchema(KgSchema):
    """Somebody without whom part of a figure would not be there."""

    key = fields.String(metadata=described("Thumbprint of the key."))
    enterprise = fields.Nested(NamedSchema, required=True, metadata=described("Whose."))
    statements = whole(metadata=described("How many statements the key signed for it."))


class RestsOnSchema(Wire):
    """What a figure rests on most; what passes through two of them is counted with both."""

    keys = fields.List(fields.Nested(RestsSchema), required=True, metadata=described("Keys."))
    enterprises = fields.List(
        fields.Nested(RestsSchema), required=True, metadata=described("Enterprises.")
    )


class AssuredSchema(Wire):
    """How much of a figure a verifier has looked into, at one level of assurance."""

    level = fields.String(required=True, metadata=described("limited or reasonable."))
    before = Number(required=True, metadata=described("As a part of the figure (0 to 1)."))
    after = Number(required=True, metadata=described("Without whom is no longer trusted."))


class StressedSchema(_FollowsSchema):
    """What would move if somebody were no longer trusted, and what a figure rests on."""

    verified = fields.List(
        fields.Nested(AssuredSchema),
        required=True,
        allow_none=True,
        metadata=described("How much of the figure asked about is verified; null: none was."),
    )
    rests_on = fields.Nested(
        RestsOnSchema,
        required=True,
        allow_none=True,
        metadata=described("What the figure asked about rests on; null: none was."),
    )
