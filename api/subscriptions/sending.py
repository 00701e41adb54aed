"""Sending an event to whoever subscribed: signed, to public addresses only, once per attempt."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Any, Final

import orjson
import requests

from api.access.access import Access
from api.errors import DeliveryFailed, SubscriptionUnknown, UrlRefused
from api.outbox import backoff
from api.outbox.cloud_event import MEDIA_TYPE
from api.outbox.courier import Sender
from api.outbox.outbox import Delivery
from api.services import Services
from api.subscriptions import addresses, signatures
from api.subscriptions.subscriptions import Subscription, subscriptions_of
from api.subscriptions.told import NUMBERED, Figure
from api.subscriptions.watching import CHANGED, ENDED

USER_AGENT: Final = "Catchment-Webhooks/1"
_ABOUT_THE_EVENT: Final = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""Answers after which other events may arrive all the same."""


def sender(services: Services) -> Sender:
    """Writes to subscribers; what they were sent is kept as it is."""
    return partial(_send, services)


def _send(services: Services, delivery: Delivery) -> None:
    """Post an event to the URL of its subscription. Any answer from 200 to 299 means it arrived.

    A number is sent only while its reader may read the figure: one that waited, or is replayed,
    after a disclosure was taken back, is not. Raises DeliveryFailed.
    """
    try:
        subscription = subscriptions_of(services).find(delivery.recipient)
    except SubscriptionUnknown as gone:
        raise DeliveryFailed(str(gone), final=True) from None
    if subscription.ended_at is not None and delivery.type != ENDED:
        raise DeliveryFailed("the subscription has ended.", final=True)
    if not _may_be_told(services, subscription, delivery):
        raise DeliveryFailed("the subscriber may no longer read this figure.", final=True)
    _judge(services, subscription, *_post(services, subscription, delivery))


def _may_be_told(services: Services, subscription: Subscription, delivery: Delivery) -> bool:
    if delivery.type != CHANGED:
        return True
    data: dict[str, Any] = orjson.loads(delivery.body)["data"]
    if data["after"]["state"] not in NUMBERED:
        return True
    access = Access(services.engine.standing(), subscription.caller)
    return Figure(data["kind"], data["id"]).may_be_read(access)


def _post(services: Services, subscription: Subscription, delivery: Delivery) -> tuple[int, str]:
    """Status and Retry-After of the answer; what else it says is not read."""
    keys = subscriptions_of(services).secrets(subscription.id)
    at = services.clock() // 1000
    headers = {
        "Content-Type": MEDIA_TYPE,
        "User-Agent": USER_AGENT,
        **signatures.headers(keys, delivery.id, at, delivery.body),
    }
    timeout = (addresses.CONNECT_SECONDS, addresses.READ_SECONDS)
    try:
        with (
            addresses.session(services.settings) as session,
            session.post(
                subscription.url, delivery.body, headers=headers, timeout=timeout, stream=True
            ) as response,
        ):
            return response.status_code, response.headers.get("Retry-After", "")
    except UrlRefused as refused:
        raise DeliveryFailed(str(refused)) from None
    except requests.RequestException as failed:
        raise DeliveryFailed(_reason(failed)) from None


def _reason(failed: requests.RequestException) -> str:
    if isinstance(failed, requests.Timeout):
        return "it took too long."
    if isinstance(failed, requests.exceptions.SSLError):
        return "its certificate is not accepted."
    return "no connection."


def _judge(services: Services, subscription: Subscription, status: int, retry_after: str) -> None:
    """Raises DeliveryFailed for every answer that does not say that the event was taken."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status == HTTPStatus.GONE:
        subscriptions_of(services).end(subscription.id)
        raise DeliveryFailed("it answered 410: nobody listens there any more.", final=True)
    raise DeliveryFailed(
        f"it answered {status}.",
        retry_after=backoff.retry_after_s(retry_after, services.clock()),
        about_event=status in _ABOUT_THE_EVENT,
    )
