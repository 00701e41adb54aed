"""The courier brings what lies in the outbox to where it belongs, at least once.

Whoever does not take an event gets it again: after 10 s, 20 s, … up to an hour, for 72 hours (PACT
v3), or when they asked for with Retry-After. An event is kept as waiting until it was taken; a
process that ends in between has it sent again with the same id.

Each recipient has a thread of its own while something is due to it, so that one that is slow holds
up nobody else, as long as fewer than eight are. After a failure that is about the recipient and not
about one event (it cannot be reached, it is overloaded), everything due to it waits with the event
that failed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias

from sqlalchemy.exc import SQLAlchemyError

from api.errors import DeliveryFailed
from api.outbox import backoff
from api.outbox.outbox import Delivery
from api.pact.events import by_ids
from api.partners.calling import PactHost
from api.partners.sending import send_to_partner
from api.subscriptions.sending import send_to_subscriber
from ledger.errors import CatchmentError

if TYPE_CHECKING:
    from api.partners.partners import Partner
    from api.services import Services

_LOG = logging.getLogger("catchment.outbox")

AT_ONCE: Final = 8
"""How many recipients are written to at the same time."""
EACH: Final = 20
"""How many events one of them gets before the others have their turn again."""
PATIENCE_SECONDS: Final = 30.0
"""How long a run waits for what it began."""
LONGEST_RETRY_AFTER_S: Final = 24 * 3600

_LOOKS_EVERY_SECONDS: Final = 1.0

Recipient: TypeAlias = tuple[str, str]
Sender: TypeAlias = "Callable[[Services, Delivery], None]"

SENDERS: Final[dict[str, Sender]] = {
    "partner": send_to_partner,
    "subscription": send_to_subscriber,
}
"""Kind of recipient -> how an event is brought there; raises DeliveryFailed."""


def run(services: Services) -> None:
    """Bring what is due."""
    services.courier.run()


class Courier:
    """The courier of one process; only one thread calls `run`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._busy: set[Recipient] = set()
        self._one_is_free = threading.Event()
        self._hosts: dict[str, tuple[Partner, PactHost]] = {}

    def host(self, partner: Partner) -> PactHost:
        """A partner's host, with the token it gave us last time."""
        known, host = self._hosts.get(partner.id, (None, None))
        if host is None or known != partner:
            host = PactHost(self._services, partner)
            self._hosts[partner.id] = partner, host
        return host

    def run(self, patience: float = PATIENCE_SECONDS) -> None:
        """Bring what is due, until nothing is, or for ``patience`` seconds.

        Recipients that are slow are left to their threads: the next run goes on without them.
        """
        until = time.monotonic() + patience
        while True:
            self._one_is_free.clear()
            self._begin(until)
            left = until - time.monotonic()
            if not self._busy or left <= 0:
                return
            self._one_is_free.wait(min(left, _LOOKS_EVERY_SECONDS))

    def _begin(self, until: float) -> None:
        """Write to recipients that nobody writes to yet, as long as there are threads."""
        free = AT_ONCE - len(self._busy)
        due = self._services.outbox.due(EACH) if free else {}
        idle = (each for each in due if each not in self._busy)
        for recipient in list(islice(idle, free)):
            # A daemon: what is not delivered when the process ends is sent by the next.
            self._busy.add(recipient)
            work = (recipient, due[recipient], until)
            threading.Thread(target=self._work, args=work, daemon=True).start()

    def _work(self, recipient: Recipient, serials: Sequence[int], until: float) -> None:
        try:
            _bring(self._services, recipient, serials, until)
        except (CatchmentError, SQLAlchemyError):
            _LOG.exception("What became of an event to the %s %s was not noted", *recipient)
        finally:
            self._busy.discard(recipient)
            self._one_is_free.set()


def _bring(services: Services, recipient: Recipient, serials: Sequence[int], until: float) -> None:
    for serial in serials:
        delivery = services.outbox.pending(serial) if time.monotonic() < until else None
        if delivery is None:
            continue
        failed = _attempt(services, delivery)
        if failed is None:
            services.outbox.delivered(delivery, _kept(delivery))
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


def _kept(delivery: Delivery) -> bytes:
    """What is kept of an event that was delivered or given up; enough to send it again."""
    return by_ids(delivery.body) if delivery.kind == "partner" else delivery.body


def _wait_ms(delivery: Delivery, failed: DeliveryFailed) -> int:
    asked = min(failed.retry_after or 0, LONGEST_RETRY_AFTER_S) * 1000
    return max(backoff.wait_ms(delivery.attempts + 1), asked)


def _note(services: Services, delivery: Delivery, failed: DeliveryFailed, later: int) -> None:
    if not failed.final and later <= delivery.until:
        services.outbox.put_off(delivery, later, failed.reason)
        return
    services.outbox.given_up(delivery, failed.reason, _kept(delivery))
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
