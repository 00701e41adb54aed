"""The courier brings what lies in the outbox to where it belongs, at least once.

Whoever does not take an event gets it again: after 10 s, 20 s, … up to an hour, for 72 hours (PACT
v3), or when they asked for with Retry-After. An event is kept as waiting until it was taken; a
process that ends in between has it sent again with the same id.

Each recipient has a thread of its own while something is due to it, so that one that is slow holds
up nobody else. After a failure that is about the recipient and not about one event (it cannot be
reached, it is overloaded), everything due to it waits with the event that failed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias
from weakref import WeakKeyDictionary

from api.errors import (
    CalledHostNotUnderstood,
    CalledHostRefused,
    CalledHostUnreachable,
    DeliveryFailed,
    PartnerUnknown,
)
from api.outbox import backoff
from api.outbox.outbox import Delivery
from ledger.errors import CatchmentError

if TYPE_CHECKING:
    from api.partners.calling import PactHost
    from api.partners.partners import Partner
    from api.services import Services

_LOG = logging.getLogger("catchment.outbox")

AT_ONCE: Final = 8
"""How many recipients are written to at the same time."""
EACH: Final = 20
"""How many events one of them gets before the others have their turn again."""
STARTS_FOR_SECONDS: Final = 60.0
"""How long a run goes on to begin with new ones; what is on its way then is waited for."""
LONGEST_RETRY_AFTER_S: Final = 24 * 3600
REFUSALS: Final = 5
"""How often an event is sent to a host that says there is something wrong with it: an hour later
it will say the same, but a proxy in front of it may have said it while it was being mended."""

_LOOKS_EVERY_SECONDS: Final = 1.0
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

Recipient: TypeAlias = tuple[str, str]
Sender: TypeAlias = "Callable[[Services, Delivery], None]"


# --- Partners --------------------------------------------------------------------------------

_HOSTS: WeakKeyDictionary[Services, dict[str, tuple[Partner, PactHost]]] = WeakKeyDictionary()
"""Hosts with the tokens they gave us: one is asked for once, not for each event."""


def send_to_partner(services: Services, delivery: Delivery) -> None:
    """Post an event to a registered partner. Raises DeliveryFailed."""
    try:
        _host(services, delivery.recipient).send_event(delivery.body)
    except PartnerUnknown as removed:
        raise DeliveryFailed(str(removed), final=True) from None
    except CalledHostRefused as refused:
        status = int(str(refused.params["status"]))
        about_it = 400 <= status < 500 and status not in _PASSING
        raise DeliveryFailed(
            str(refused),
            retry_after=_retry_after_s(services, refused),
            final=about_it and delivery.attempts + 1 >= REFUSALS,
            about_event=about_it,
        ) from None
    except (CalledHostUnreachable, CalledHostNotUnderstood) as failed:
        raise DeliveryFailed(str(failed)) from None


def _retry_after_s(services: Services, refused: CalledHostRefused) -> int | None:
    return backoff.retry_after_s(str(refused.params.get("retry_after", "")), services.clock())


def _host(services: Services, name: str) -> PactHost:
    from api.partners.calling import PactHost

    partner = services.partners.get(name)
    hosts = _HOSTS.setdefault(services, {})
    if name not in hosts or hosts[name][0] != partner:
        hosts[name] = partner, PactHost(services, partner)
    return hosts[name][1]


SENDERS: Final[dict[str, Sender]] = {"partner": send_to_partner}
"""Kind of recipient -> how an event is brought there; raises DeliveryFailed."""


# --- Delivering ------------------------------------------------------------------------------


def run(services: Services) -> None:
    """Bring what is due; returns when nothing is, or after a minute and what was begun in it."""
    busy: dict[Recipient, Future[None]] = {}
    until = time.monotonic() + STARTS_FOR_SECONDS
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="courier") as threads:
        while True:
            due = _due(services, busy) if time.monotonic() < until else {}
            for recipient, serials in due.items():
                busy[recipient] = threads.submit(_bring, services, recipient, serials)
            if not busy:
                return
            ended, _ = wait(busy.values(), _LOOKS_EVERY_SECONDS, FIRST_COMPLETED)
            for each in ended:
                each.result()
            busy = {recipient: each for recipient, each in busy.items() if each not in ended}


def _due(services: Services, busy: Mapping[Recipient, object]) -> dict[Recipient, list[int]]:
    """What to begin with now: recipients that nobody writes to yet, as there are threads."""
    free = AT_ONCE - len(busy)
    due = services.outbox.due(EACH) if free else {}
    return dict(islice((each for each in due.items() if each[0] not in busy), free))


def _bring(services: Services, recipient: Recipient, serials: Sequence[int]) -> None:
    for serial in serials:
        delivery = services.outbox.pending(serial)
        if delivery is None:
            continue
        failed = _attempt(services, delivery)
        if failed is None:
            services.outbox.delivered(delivery)
            continue
        later = services.clock() + _wait_ms(delivery, failed)
        _note(services, delivery, failed, later)
        if not (failed.final or failed.about_event):
            services.outbox.hold(*recipient, until=later)
            return


def _attempt(services: Services, delivery: Delivery) -> DeliveryFailed | None:
    """Send an event; why it was not taken, if it was not."""
    try:
        SENDERS[delivery.kind](services, delivery)
    except DeliveryFailed as failed:
        return failed
    except CatchmentError as failed:
        return DeliveryFailed(str(failed))
    except Exception:
        # One that cannot even be tried must not keep those behind it from being.
        _LOG.exception("The event %s was not sent", delivery.id)
        return DeliveryFailed("this server failed; its log says how", about_event=True)
    return None


def _wait_ms(delivery: Delivery, failed: DeliveryFailed) -> int:
    asked = min(failed.retry_after or 0, LONGEST_RETRY_AFTER_S) * 1000
    return max(backoff.wait_ms(delivery.attempts + 1), asked)


def _note(services: Services, delivery: Delivery, failed: DeliveryFailed, later: int) -> None:
    if not failed.final and later <= delivery.until:
        services.outbox.put_off(delivery, later, failed.reason)
        return
    services.outbox.given_up(delivery, failed.reason)
    _LOG.warning(
        "The event %s (%s, no. %d) was not taken by the %s %s in %d attempts and is given up: %s "
        "“catchment events --replay %d” sends it again.",
        delivery.id,
        delivery.type,
        delivery.serial,
        delivery.kind,
        delivery.recipient,
        delivery.attempts + 1,
        failed.reason,
        delivery.serial,
    )
