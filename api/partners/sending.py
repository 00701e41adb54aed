"""Sending an event to a partner, and what a refusal of its host means for this event and others."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Final

from api.errors import (
    CalledHostNotUnderstood,
    CalledHostRefused,
    CalledHostUnreachable,
    DeliveryFailed,
    PartnerUnknown,
)
from api.outbox import backoff
from api.outbox.courier import Sender
from api.outbox.outbox import Delivery
from api.partners.answering import body_of
from api.partners.calling import PactHost
from api.partners.partners import Partner, partners_of
from api.services import Services

REFUSALS: Final = 5
"""How often an event is sent to a host that says there is something wrong with it: an hour later
it will say the same, but a proxy in front of it may have said it while it was being mended."""

_PASSING: Final = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
"""Answers from 400 to 499 that are about the host or our rights there, and not about the event."""


def sender(services: Services) -> Sender:
    """Writes to registered partners."""
    return partial(_send, services, _Hosts(services))


class _Hosts:
    """The partners' hosts, each with the token it gave us last time."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[str, tuple[Partner, PactHost]] = {}

    def of(self, partner: Partner) -> PactHost:
        known, host = self._known.get(partner.id, (None, None))
        if host is None or known != partner:
            host = PactHost(self._services, partner)
            self._known[partner.id] = partner, host
        return host


def _send(services: Services, hosts: _Hosts, delivery: Delivery) -> None:
    """Post an event to a registered partner. Raises DeliveryFailed."""
    try:
        partner = partners_of(services).get(delivery.recipient)
        body = body_of(services, partner, delivery)
        hosts.of(partner).send_event(body)
    except PartnerUnknown as removed:
        raise DeliveryFailed(str(removed), final=True) from None
    except CalledHostRefused as refused:
        raise _refused(services, delivery, refused) from None
    except (CalledHostUnreachable, CalledHostNotUnderstood) as failed:
        raise DeliveryFailed(str(failed)) from None


def _refused(services: Services, delivery: Delivery, refused: CalledHostRefused) -> DeliveryFailed:
    status = int(str(refused.params["status"]))
    about_event = 400 <= status < 500 and status not in _PASSING
    asked = str(refused.params.get("retry_after", ""))
    return DeliveryFailed(
        str(refused),
        retry_after=backoff.retry_after_s(asked, services.clock()),
        final=about_event and delivery.attempts + 1 >= REFUSALS,
        about_event=about_event,
    )
