"""Subscriptions over HTTP: begin, look, end; what was sent; send again; exchange the secret."""

from __future__ import annotations

from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final, TypeAlias
from uuid import UUID

from flask import Response

from api.access.access import Access
from api.auth import identified_caller, needs_scope
from api.errors import EventNotYours, NotDisclosed, TestUnderWay
from api.figures.parts import Answer
from api.outbox.outbox import WAITING, Delivery, outbox_of
from api.services import services
from api.subscriptions import addresses, watching
from api.subscriptions.subscriptions import (
    FORMER_MS,
    KIND,
    Subscription,
    Wanted,
    owner_of,
    subscriptions_of,
)
from api.subscriptions.told import CLOSED, Asked, Figure, Told, figures_of
from api.subscriptions.wire import (
    DeliveriesQuery,
    RotatedSchema,
    SentSchema,
    SubscribedSchema,
    SubscribeSchema,
    SubscriptionDetailSchema,
    SubscriptionsSchema,
    WebhookDeliveriesSchema,
)
from api.web.blueprint import Blueprint
from api.web.bodies import read_as
from api.web.wire import NEXT_PAGE, iso_time, next_link

blueprint = Blueprint(
    "subscriptions",
    __name__,
    url_prefix="/v1/subscriptions",
    description="Be told by signed webhooks when figures change.",
)

LARGEST_BODY: Final = 16 * 1024
Page: TypeAlias = tuple[Answer, HTTPStatus, dict[str, str]]
_BODY: Final[Any] = {"required": True, "content": {"application/json": {"schema": SubscribeSchema}}}


@blueprint.route("", methods=["POST"])
@needs_scope("figures")
@blueprint.doc(requestBody=_BODY)
@blueprint.response(201, SubscribedSchema)
def subscribe() -> tuple[Answer, HTTPStatus]:
    """Subscribe to a figure

    For enterprises and auditors, to what they may read now. Whenever it has moved further than the
    threshold from the value last told, or can no longer be read, an event is posted to the URL,
    signed as Standard Webhooks has it. A figure that contains what others keep to themselves is
    told once a day at most, after midnight UTC. The subscription ends with the token or client that
    made it.
    """
    asked = read_as(SubscribeSchema, LARGEST_BODY)
    caller = identified_caller()
    owner_of(caller)  # refused before anything is looked up
    addresses.check(asked["url"], services().settings)
    standing = services().engine.standing()
    question = Asked(asked.get("year"), asked["net"])
    told = _told_now(Access(standing, caller), asked["kind"], asked["id"], question)
    wanted = Wanted(
        kind=asked["kind"],
        about=asked["id"],
        asked=question,
        threshold=Decimal(asked["threshold"]),
        url=asked["url"],
    )
    made, secret = subscriptions_of(services()).add(caller, wanted, standing.size, told)
    return {**_detail(made), "secret": secret}, HTTPStatus.CREATED


@blueprint.route("", methods=["GET"])
@needs_scope("figures")
@blueprint.response(200, SubscriptionsSchema)
def listed() -> Answer:
    """List your subscriptions

    Those of your enterprise; of an auditor, those made with the same token or client.
    """
    found = subscriptions_of(services()).of(owner_of(identified_caller()))
    return {"items": [_answer(each) for each in found]}


@blueprint.route("/<uuid:subscription>", methods=["GET"])
@needs_scope("figures")
@blueprint.response(200, SubscriptionDetailSchema)
def one(subscription: UUID) -> Answer:
    """Read a subscription, and what it was last told

    Others' subscriptions answer as ones that are not there.
    """
    return _detail(_own(subscription))


@blueprint.route("/<uuid:subscription>", methods=["DELETE"])
@needs_scope("figures")
@blueprint.response(204, description="It has ended; nothing more is sent.")
def end(subscription: UUID) -> Response:
    """End a subscription

    What is still on its way is not sent any more.
    """
    subscriptions_of(services()).end(_own(subscription).id)
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.route("/<uuid:subscription>/deliveries", methods=["GET"])
@needs_scope("figures")
@blueprint.query(DeliveriesQuery)
@blueprint.response(200, WebhookDeliveriesSchema, headers=NEXT_PAGE)
def deliveries(query: dict[str, Any], subscription: UUID) -> Page:
    """List what was sent to a subscription

    The newest first: its state, how often it was tried, and what the last failure was.
    """
    limit: int = query["limit"]
    found = outbox_of(services()).of(
        KIND, _own(subscription).id, before=query.get("cursor"), limit=limit + 1
    )
    more = next_link(found[limit - 1].serial) if len(found) > limit else {}
    return {"items": [_delivery(each) for each in found[:limit]]}, HTTPStatus.OK, more


@blueprint.route("/<uuid:subscription>/deliveries/<uuid:event>/replay", methods=["POST"])
@needs_scope("figures")
@blueprint.response(202, SentSchema)
def replay(subscription: UUID, event: UUID) -> tuple[Answer, HTTPStatus]:
    """Send an event again

    With the same id and body and a new time, from now on for 72 hours. A number is not sent again
    after the figure was closed to you.
    """
    serial = subscriptions_of(services()).delivery(_own(subscription).id, str(event))
    if serial is None:
        raise EventNotYours(event=str(event))
    outbox_of(services()).replay(serial)
    return {"event": str(event)}, HTTPStatus.ACCEPTED


@blueprint.route("/<uuid:subscription>/rotate", methods=["POST"])
@needs_scope("figures")
@blueprint.response(200, RotatedSchema)
def rotate(subscription: UUID) -> Answer:
    """Exchange the secret of a subscription

    For 24 hours events carry the signatures of both.
    """
    secret = subscriptions_of(services()).rotate(_own(subscription).id)
    return {"secret": secret, "former_until": iso_time(services().clock() + FORMER_MS)}


@blueprint.route("/<uuid:subscription>/test", methods=["POST"])
@needs_scope("figures")
@blueprint.response(202, SentSchema)
def test(subscription: UUID) -> tuple[Answer, HTTPStatus]:
    """Send a test event

    It tells nothing, and is signed and sent as all others are. One at a time.
    """
    own, outbox = _own(subscription), outbox_of(services())
    if any(each.type == watching.TEST for each in outbox.of(KIND, own.id, state=WAITING)):
        raise TestUnderWay
    event = watching.test_event(services(), own)
    outbox.put(KIND, own.id, event)
    return {"event": event.id}, HTTPStatus.ACCEPTED


# -- asking and answering ---------------------------------------------------------------------


def _told_now(access: Access, kind: str, about: str, asked: Asked) -> dict[Figure, Told]:
    """What there is to subscribe to, as the caller may read it now.

    Raises as ``Figure.require``, and as reading a figure that the rule of three closes would:
    there has to be something that may be read.
    """
    figures = list(figures_of(access, kind, about))
    for each in figures if kind != "enterprise" else ():
        each.require(access)
    if not figures:
        Figure(kind, about).require(access)
    told = {each: each.now(services().engine, access, asked) for each in figures}
    if all(each.state == CLOSED for each in told.values()):
        raise NotDisclosed(kind="figure", id=about)
    return told


def _own(subscription: UUID) -> Subscription:
    """Raises SubscriptionUnknown for others' as for what is not there."""
    return subscriptions_of(services()).find(str(subscription), owner_of(identified_caller()))


def _answer(subscription: Subscription) -> Answer:
    ended = subscription.ended_at
    return {
        "id": subscription.id,
        "kind": subscription.kind,
        "about": subscription.about,
        "net": subscription.net,
        "year": subscription.year,
        "threshold": f"{subscription.threshold:f}",
        "url": subscription.url,
        "created_at": iso_time(subscription.created_at),
        "ended_at": None if ended is None else iso_time(ended),
    }


def _detail(subscription: Subscription) -> Answer:
    told = subscriptions_of(services()).told(subscription.id)
    return {
        **_answer(subscription),
        "figures": [_figure(figure, each) for figure, each in told.items()],
    }


def _figure(figure: Figure, told: Told) -> Answer:
    return {
        "kind": figure.kind,
        "id": figure.id,
        "state": told.state,
        "year": told.year,
        "value": told.value,
        "at_least": told.at_least,
        "coverage": told.coverage,
        "unit": told.unit,
        "as_of": None if told.held else told.as_of,
        "reason": told.reason,
    }


def _delivery(delivery: Delivery) -> Answer:
    waits = delivery.state == WAITING
    delivered = delivery.delivered_at
    return {
        "id": delivery.id,
        "type": delivery.type,
        "created_at": iso_time(delivery.created_at),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "next_at": iso_time(delivery.next_at) if waits else None,
        "delivered_at": None if delivered is None else iso_time(delivered),
        "last_answer": delivery.told,
    }
