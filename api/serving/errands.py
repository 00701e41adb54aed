"""What a server does without being asked: each errand in a thread, in one process at a time.

An errand looks at what is due and does it; one that finds nothing costs a query. Whatever goes
wrong is written to the server's log, and the errand is run again: nothing may depend on its having
run once only.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from api.asking import receiving, settling
from api.outbox.outbox import outbox_of
from api.pact import computed
from api.partners import announcing, pulling
from api.partners.inbox import inbox_of
from api.services import Services
from api.serving.delivery import courier_of
from api.serving.leases import give_back, take
from api.subscriptions import watching

_LOG = logging.getLogger("catchment.errands")


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to be done every so many ``seconds``."""

    name: str
    run: Callable[[Services], None]
    seconds: float = 1.0


ERRANDS: Final[Sequence[Errand]] = (
    Errand("computed", computed.follow),
    Errand("received", receiving.run),
    Errand("requests", settling.settle, seconds=5.0),
    Errand("pull", pulling.pull_announced),
    Errand("announcing", announcing.run, seconds=5.0),
    Errand("watching", watching.watch),
    Errand("deliveries", lambda services: courier_of(services).run()),
    Errand("received-forgets", lambda services: inbox_of(services).forget(), seconds=3600.0),
    Errand("outbox-forgets", lambda services: outbox_of(services).forget(), seconds=3600.0),
)


TURN_SECONDS: Final = 15.0
"""After this long without a sign of life from a process, another takes over."""
_RENEWED_SECONDS: Final = 5.0
_TURN: Final = "errands"


class Turn:
    """Whether the errands are this process's to do.

    Of several processes on one database one has its turn, and keeps it as long as it renews it:
    so errands that find nothing to do write nothing.
    """

    def __init__(self, services: Services) -> None:
        self._services, self._holder = services, secrets.token_hex(8)
        self._until = 0.0

    @property
    def is_mine(self) -> bool:
        return time.monotonic() < self._until

    def renew(self) -> None:
        """Take the turn, or keep it, if it is nobody else's."""
        begun, services = time.monotonic(), self._services
        milliseconds = round(TURN_SECONDS * 1000)
        mine = take(services.database, _TURN, self._holder, services.clock, milliseconds)
        self._until = begun + TURN_SECONDS if mine else 0.0

    def end(self) -> None:
        self._until = 0.0
        give_back(self._services.database, _TURN, self._holder)

    def keep(self, stop: threading.Event) -> None:
        """Renew the turn until stopped."""
        while not stop.is_set():
            _attempt("turn", self.renew)
            stop.wait(_RENEWED_SECONDS)
        _attempt("turn", self.end)


def start(services: Services, errands: Sequence[Errand] = ERRANDS) -> threading.Event:
    """Run the errands in the background of a server process; setting the event ends them."""
    stop, turn = threading.Event(), Turn(services)
    threading.Thread(target=turn.keep, args=(stop,), daemon=True, name="turn").start()
    for errand in errands:
        threading.Thread(
            target=_repeat, args=(services, errand, turn, stop), daemon=True, name=errand.name
        ).start()
    return stop


def _repeat(services: Services, errand: Errand, turn: Turn, stop: threading.Event) -> None:
    while not stop.wait(errand.seconds):
        if turn.is_mine:
            _attempt(errand.name, lambda: errand.run(services))


def _attempt(name: str, work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:
        # A thread of its own: what nobody foresaw must not end it for good.
        _LOG.exception("The errand %s was not done", name)
