"""How subscriptions are written."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import fields, validate

from api.subscriptions.addresses import LONGEST_URL
from api.subscriptions.told import KINDS, NETS
from api.web.wire import PlainDecimal, Query, Wire, described, entity, moment, whole
from graph.books.targets import FULL
from ledger.strict_json import MAX_INTEGER

_FRACTION = r"^(0|[1-9][0-9]{0,2})(\.[0-9]{1,9})?$"
_STATES = ("value", "at-least", "none", "closed")
_DELIVERY_STATES = ("waiting", "delivered", "failed")


class SubscribeSchema(ma.Schema):
    """What to be told of, and where."""

    class Meta:
        unknown = ma.RAISE

    kind = fields.String(
        required=True,
        validate=validate.OneOf(KINDS),
        metadata=described(
            "product: its footprint. park: its net figure. enterprise: as a supplier, the "
            "footprint of each of its products that you may read, and its own net figure if that "
            "is open to you."
        ),
    )
    id = entity(required=True, metadata=described("Which."))
    net = fields.String(
        load_default=FULL,
        validate=validate.OneOf(NETS),
        metadata=described(
            "Which net figure of a park or an enterprise, market-based: full is of all scopes, "
            "operational of Scope 1 and 2."
        ),
    )
    year = fields.Integer(
        strict=True,
        validate=validate.Range(1990, 2200),
        metadata=described("Calendar year; by default always the latest."),
    )
    threshold = fields.String(
        load_default="0.01",
        validate=validate.Regexp(
            _FRACTION, error="It is a fraction such as 0.05, at most 999, with 9 decimals at most."
        ),
        metadata=described(
            "Fraction of the value last told by which it must have moved; 0: every change. By "
            "default 0.01.",
            example="0.05",
        ),
    )
    url = fields.String(
        required=True,
        validate=validate.Length(1, LONGEST_URL),
        metadata=described(
            "Where events are posted to: an https address of the public internet.",
            example="https://erp.example/hooks/catchment",
        ),
    )


class ToldFigureSchema(Wire):
    """What was last told of a figure."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf(KINDS),
        metadata=described("Of what it is a figure: a product, an enterprise or a park."),
    )
    id = entity(required=True, metadata=described("Of which of them."))
    state = fields.String(
        required=True,
        validate=validate.OneOf(_STATES),
        metadata=described(
            "value; at-least: something is open, atLeast is a lower bound; none: there is no "
            "figure; closed: it may not be read."
        ),
    )
    year = fields.Integer(
        required=True,
        allow_none=True,
        metadata=described("Calendar year; null where none was asked for and there is no figure."),
    )
    value = PlainDecimal(
        required=True,
        allow_none=True,
        metadata=described("The figure, in its unit; null unless its state is value."),
    )
    at_least = PlainDecimal(
        required=True,
        allow_none=True,
        metadata=described("What is known of it, in its unit; null where there is no number."),
    )
    coverage = PlainDecimal(
        required=True,
        allow_none=True,
        metadata=described("`atLeast` / `value`; null where that is."),
    )
    unit = fields.String(
        required=True,
        allow_none=True,
        metadata=described("Unit of the numbers; null where there are none."),
    )
    as_of = whole(
        required=True,
        allow_none=True,
        metadata=described(
            "The last entry that moved it; null where it contains what others keep to themselves."
        ),
    )
    reason = fields.String(
        required=True, allow_none=True, metadata=described("Code of why there is no number.")
    )


class SubscriptionSchema(Wire):
    """Who is told of what."""

    id = fields.String(required=True, metadata=described("Id of the subscription."))
    kind = fields.String(
        required=True,
        validate=validate.OneOf(KINDS),
        metadata=described("Whose figures are told: a product's, an enterprise's or a park's."),
    )
    about = entity(required=True, metadata=described("Which product, enterprise or park."))
    net = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(NETS),
        metadata=described("Which net figure; null for a product."),
    )
    year = fields.Integer(
        required=True,
        allow_none=True,
        metadata=described("Calendar year; null: always the latest."),
    )
    threshold = PlainDecimal(
        required=True,
        metadata=described(
            "Fraction of the value last told by which it must have moved; 0: every change."
        ),
    )
    url = fields.String(required=True, metadata=described("Where events are posted to."))
    created_at = moment(required=True, metadata=described("When it was made."))
    ended_at = moment(
        required=True,
        allow_none=True,
        metadata=described("When it ended; null as long as events are sent."),
    )


class SubscriptionDetailSchema(SubscriptionSchema):
    """A subscription with what was last told."""

    figures = fields.List(fields.Nested(ToldFigureSchema), required=True)


class SubscribedSchema(SubscriptionDetailSchema):
    """A new subscription."""

    secret = fields.String(
        required=True,
        metadata=described("Key of the signatures, shown this once.", example="whsec_…"),
    )


class SubscriptionsSchema(Wire):
    """Your subscriptions, in the order in which they were made."""

    items = fields.List(fields.Nested(SubscriptionSchema), required=True)


class RotatedSchema(Wire):
    """A new secret."""

    secret = fields.String(required=True, metadata=described("Shown this once."))
    former_until = moment(
        required=True, metadata=described("Until then the former secret signs as well.")
    )


class WebhookDeliverySchema(Wire):
    """An event on its way."""

    id = fields.String(required=True, metadata=described("Id of the event; a replay has the same."))
    type = fields.String(required=True)
    created_at = moment(required=True)
    state = fields.String(required=True, validate=validate.OneOf(_DELIVERY_STATES))
    attempts = whole(required=True)
    next_at = moment(required=True, allow_none=True, metadata=described("When it is tried again."))
    delivered_at = moment(required=True, allow_none=True)
    last_answer = fields.String(
        required=True, metadata=described("What the last attempt that failed came to.")
    )


class WebhookDeliveriesSchema(Wire):
    """Events of a subscription, the newest first."""

    items = fields.List(fields.Nested(WebhookDeliverySchema), required=True)


class DeliveriesQuery(Query):
    """Which page of the deliveries."""

    limit = fields.Integer(
        load_default=100,
        validate=validate.Range(1, 500),
        metadata=described("How many items at most."),
    )
    cursor = fields.Integer(
        validate=validate.Range(1, MAX_INTEGER),
        metadata=described("Where the next page begins; take it from the Link header."),
    )


class SentSchema(Wire):
    """An event that was put on its way."""

    event = fields.String(required=True, metadata=described("Id of the event."))
