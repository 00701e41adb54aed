"""Shapes of requests: what is asked, what lies in an inbox, and how far it has come."""

from __future__ import annotations

from typing import Any, Final

import marshmallow as ma
from marshmallow import fields, validate

from api.asking.limits import LONGEST_TEXT, MOST_FOOTPRINTS
from api.asking.rows import STATES
from api.figures.wire import FIRST_YEAR, LAST_YEAR, NamedSchema
from api.pact.criteria import LONGEST_VALUE, MOST_VALUES
from api.web.wire import PageQuery, Sent, Wire, described, entity, moment, whole
from ledger.schema import Day, Text

BOXES: Final = ("inbox", "sent")
STEPS: Final = ("disclose", "declare", "register")


def _alternatives(text: str) -> fields.List[Any]:
    return fields.List(
        Text(max_length=LONGEST_VALUE),
        validate=validate.Length(1, MOST_VALUES),
        metadata=described(text),
    )


class CriteriaSchema(Sent):
    """What a footprint must be like, as in a request event of PACT.

    Values of one name are alternatives; all names must hold.
    """

    product_id = _alternatives("URNs of the product.")
    company_id = _alternatives("URNs of its maker.")
    geography = _alternatives("Region, country or subdivision.")
    classification = _alternatives("URNs of product classes.")
    valid_on = _alternatives("Moments on one of which it is valid.")
    valid_after = _alternatives("Moments after one of which its validity starts.")
    valid_before = _alternatives("Moments before one of which its validity ends.")
    status = _alternatives("Active or Deprecated; by default what is in force.")


def _due() -> Day:
    return Day(metadata=described("Last day for an answer (UTC); by default in 30 days."))


def _comment() -> Text:
    return Text(
        max_length=LONGEST_TEXT, load_default="", metadata=described("A note to who is asked.")
    )


def _year() -> fields.Integer:
    return fields.Integer(
        strict=True,
        validate=validate.Range(FIRST_YEAR, LAST_YEAR),
        metadata=described("Whose recipes and purchases tell the suppliers; the latest if absent."),
    )


class AskSchema(Sent):
    """What is asked for: a product, the suppliers of a product of yours, or criteria."""

    product = entity(metadata=described("A registered product."))
    suppliers_of = fields.Boolean(
        truthy={True},
        falsy={False},
        load_default=False,
        metadata=described(
            "The product is your own: ask every supplier of it whose footprint you lack."
        ),
    )
    year = _year()
    criteria = fields.Nested(
        CriteriaSchema, load_default=dict, metadata=described("What the footprint must be like.")
    )
    due = _due()
    comment = _comment()

    @ma.validates_schema
    def _check_what(self, data: dict[str, Any], **_: Any) -> None:
        meant = {"product_id", "company_id", "classification"} & set(data.get("criteria", ()))
        if "product" in data and meant:
            raise ma.ValidationError(
                "The product is known: ask for a place, a validity or a status only.", "criteria"
            )
        if "product" not in data and (not meant or data.get("suppliers_of")):
            raise ma.ValidationError(
                "Either a product, or criteria with productId, companyId or classification.",
                "product",
            )


class PassOnSchema(Sent):
    """Whom a request is passed on to: the suppliers of the product asked for."""

    product = entity(
        metadata=described("The product of yours that is meant, where the request names none.")
    )
    year = _year()
    due = Day(metadata=described("Last day for an answer (UTC); by default that of the request."))
    comment = _comment()


class AnswerRequestSchema(Sent):
    """The footprints that answer a request."""

    footprints = fields.List(
        entity(),
        required=True,
        validate=validate.Length(1, MOST_FOOTPRINTS),
        metadata=described("PACT ids of your footprints."),
    )


class DeclineSchema(Sent):
    """Why there is no footprint."""

    reason = Text(
        required=True, max_length=LONGEST_TEXT, metadata=described("Told to whoever asked.")
    )


class TallySchema(Wire):
    """How many requests there are and where they stand."""

    asked = whole(required=True, metadata=described("Requests, one per supplier and product."))
    answered = whole(required=True, metadata=described("Answered with footprints."))
    declined = whole(required=True, metadata=described("Declined with a reason."))
    overdue = whole(required=True, metadata=described("Not answered by their day."))
    open = whole(required=True, metadata=described("Still waited for."))
    suppliers = whole(required=True, metadata=described("Enterprises asked."))
    suppliers_answered = whole(
        required=True, metadata=described("Enterprises that answered all they were asked.")
    )


class StatementPeriodSchema(Wire):
    """The period a new footprint should be of."""

    start = fields.String(required=True, metadata=described("First day."))
    end = fields.String(required=True, metadata=described("First day no longer."))


class AskingStepSchema(Wire):
    """What the supplier can do next; the request is then answered by itself."""

    do = fields.String(
        required=True,
        validate=validate.OneOf(STEPS),
        metadata=described("disclose a footprint, declare a new one, or register the product."),
    )
    sentence = fields.String(required=True, metadata=described("The same for people."))
    command = fields.String(required=True, metadata=described("How the command line begins it."))
    footprints = fields.List(
        entity(), required=True, metadata=described("Footprints that would answer.")
    )
    product = entity(required=True, allow_none=True, metadata=described("The product it is about."))
    period = fields.Nested(
        StatementPeriodSchema,
        required=True,
        allow_none=True,
        metadata=described("Of a new footprint."),
    )
    statement = fields.Dict(
        keys=fields.String(),
        required=True,
        allow_none=True,
        metadata=described("The statement to sign, filled in."),
    )
    prev = fields.String(
        required=True,
        allow_none=True,
        metadata=described("Digest of the statement it takes the place of, if one stands."),
    )


class FootprintRequestSchema(Wire):
    """One request, as its buyer or its supplier sees it."""

    id = entity(required=True, metadata=described("Its id."))
    box = fields.String(
        required=True,
        validate=validate.OneOf(BOXES),
        metadata=described("Whether you were asked (inbox) or have asked (sent)."),
    )
    asking = entity(
        required=True,
        allow_none=True,
        metadata=described("What it was asked with, to its buyer only."),
    )
    parent = entity(
        required=True,
        allow_none=True,
        metadata=described("The request in your inbox that it passes on."),
    )
    buyer = fields.Nested(NamedSchema, required=True, metadata=described("Who asks."))
    supplier = fields.Nested(NamedSchema, required=True, metadata=described("Who is asked."))
    via_partner = fields.Boolean(
        required=True, metadata=described("Whether it came from another PACT host, or went there.")
    )
    product = fields.Nested(
        NamedSchema,
        required=True,
        allow_none=True,
        metadata=described("What is asked for; null: what the criteria describe."),
    )
    criteria = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        required=True,
        metadata=described("What the footprint must be like."),
    )
    comment = fields.String(required=True, metadata=described("The buyer's note."))
    created_at = moment(required=True, metadata=described("When it was made."))
    due_at = moment(required=True, metadata=described("By when an answer is asked for."))
    state = fields.String(
        required=True, validate=validate.OneOf(STATES), metadata=described("What became of it.")
    )
    answered_at = moment(
        required=True, allow_none=True, metadata=described("When it was answered or declined.")
    )
    footprints = fields.List(
        entity(), required=True, metadata=described("PACT ids it was answered with.")
    )
    reason = fields.String(
        required=True, allow_none=True, metadata=described("Why it was declined.")
    )
    passed_on = fields.Nested(
        TallySchema,
        required=True,
        allow_none=True,
        metadata=described("What you asked your own suppliers on its account; in the inbox only."),
    )
    next = fields.List(
        fields.Nested(AskingStepSchema),
        required=True,
        metadata=described("What to do about it; in the inbox, until it has ended."),
    )


class AskingSchema(Wire):
    """How far an asking has come."""

    asking = entity(required=True, metadata=described("Its id."))
    progress = fields.Nested(TallySchema, required=True, metadata=described("Whom you asked."))
    tiers = fields.List(
        fields.Nested(TallySchema),
        required=True,
        metadata=described(
            "Over the chain: whom you asked, whom they asked on your account, and so on."
        ),
    )
    next_due = moment(
        required=True, allow_none=True, metadata=described("When the next answer is due.")
    )
    requests = fields.List(
        fields.Nested(FootprintRequestSchema),
        required=True,
        metadata=described("The requests it consists of."),
    )


class AskedForSchema(Wire):
    """What an asking has led to."""

    asking = entity(required=True, metadata=described("Under which its progress is told."))
    requests = fields.List(
        fields.Nested(FootprintRequestSchema),
        required=True,
        metadata=described("New requests, and those that were made before and say the same."),
    )
    unnamed = whole(
        required=True,
        metadata=described("Inputs of the product of which nobody says who supplies them."),
    )


class RequestPageSchema(Wire):
    """A page of requests, the newest first."""

    items = fields.List(
        fields.Nested(FootprintRequestSchema), required=True, metadata=described("Requests.")
    )
    next_due = moment(
        required=True,
        allow_none=True,
        metadata=described("When the next answer of those listed is due."),
    )


class BoxQuery(PageQuery):
    """Which requests."""

    box = fields.String(
        load_default="inbox",
        validate=validate.OneOf(BOXES),
        metadata=described("What you were asked (inbox), or what you have asked (sent)."),
    )
    state = fields.String(
        validate=validate.OneOf(STATES), metadata=described("Only those in this state.")
    )
