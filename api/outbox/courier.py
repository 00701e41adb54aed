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
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Final, TypeAlias

from sqlalchemy.exc import SQLAlchemyError

from api.errors import DeliveryFailed
from api.outbox import backoff
from api.outbox.outbox import Delivery, Outbox
from ledger.errors import CatchmentError

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
Sender: TypeAlias = Callable[[Delivery], None]
"""How one kind of recipients is written to. Raises DeliveryFailed."""


class Courier:
    """The courier of one process; only one thread calls `run`.

    ``senders`` are by kind of recipient; ``clock`` gives milliseconds since 1970 (UTC).
    """

    def __init__(
        self, outbox: Outbox, clock: Callable[[], int], senders: Mapping[str, Sender]
    ) -> None:
        self._outbox, self._clock, self._senders = outbox, clock, senders
        self._busy: set[Recipient] = set()
        self._one_is_free = threading.Event()

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
        due = self._outbox.due(EACH) if free else {}
        idle = (each for each in due if each not in self._busy)
        for recipient in list(islice(idle, free)):
            # A daemon: what is not delivered when the process ends is sent by the next.
            self._busy.add(recipient)
            work = (recipient, due[recipient], until)
            threading.Thread(target=self._work, args=work, daemon=True).start()

    def _work(self, recipient: Recipient, serials: Sequence[int], until: float) -> None:
        try:
            self._bring(recipient, serials, until)
        except (CatchmentError, SQLAlchemyError):
            _LOG.exception("What became of an event to the %s %s was not noted", *recipient)
        finally:
            self._busy.discard(recipient)
            self._one_is_free.set()

    def _bring(self, recipient: Recipient, serials: Sequence[int], until: float) -> None:
        for serial in serials:
            delivery = self._outbox.pending(serial) if time.monotonic() < until else None
            if delivery is None:
                continue
            failed = self._attempt(delivery)
            if failed is None:
                self._outbox.delivered(delivery)
                continue
            later = self._clock() + _wait_ms(delivery, failed)
            self._note(delivery, failed, later)
            if not (failed.final or failed.about_event):
                self._outbox.hold(*recipient, until=later)
                return

    def _attempt(self, delivery: Delivery) -> DeliveryFailed | None:
        """Send an event; why it was not taken, if it was not."""
        try:
            self._senders[delivery.kind](delivery)
        except DeliveryFailed as failed:
            return failed
        except CatchmentError as failed:
            return DeliveryFailed(str(failed))
        except Exception:
            # One that cannot even be tried must not keep those behind it from being.
            _LOG.exception("The event %s was not sent", delivery.id)
            return DeliveryFailed("this server failed; its log says how", about_event=True)
        return None

    def _note(self, delivery: Delivery, failed: DeliveryFailed, later: int) -> None:
        if not failed.final and later <= delivery.until:
            self._outbox.put_off(delivery, later, failed.reason)
            return
        self._outbox.given_up(delivery, failed.reason)
        _LOG.warning(
            "The event %s (%s, no. %d) was not taken by the %s %s in %d attempts and is given up: "
            "%s “catchment events --replay %d” sends it again.",
            delivery.id,
            delivery.type,
            delivery.serial,
            delivery.kind,
            delivery.recipient,
            delivery.attempts + 1,
            failed.reason,
            delivery.serial,
        )


def _wait_ms(delivery: Delivery, failed: DeliveryFailed) -> int:
    asked = min(failed.retry_after or 0, LONGEST_RETRY_AFTER_S) * 1000
    return max(backoff.wait_ms(delivery.attempts + 1), asked)
