"""What a server does without being asked: each errand in a thread, one process at a time.

An errand looks at what is due and does it; one that finds nothing costs a query. Whatever goes
wrong is written to the server's log, and the errand is run again: nothing may depend on its having
run once only.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from api.asking import requests as asked
from api.leases import lease
from api.outbox import courier
from api.pact import announcing, computed, receiving
from api.partners import pulling
from api.services import Services
from api.subscriptions import watching

_LOG = logging.getLogger("catchment.errands")


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to be done every so many ``seconds``, within ``at_most`` of them each time."""

    name: str
    run: Callable[[Services], None]
    seconds: float = 1.0
    at_most: float = 120.0


ERRANDS: Final[Sequence[Errand]] = (
    Errand("computed", computed.follow, at_most=600.0),
    Errand("received", receiving.run),
    Errand("requests", asked.settle, seconds=5.0),
    Errand("pull", pulling.pull_announced, at_most=600.0),
    Errand("announcing", announcing.run, seconds=5.0),
    Errand("watching", watching.watch),
    Errand("deliveries", courier.run),
    Errand("received-forgets", receiving.forget, seconds=3600.0),
    Errand("outbox-forgets", lambda services: services.outbox.forget(), seconds=3600.0),
)


def start(services: Services, errands: Sequence[Errand] = ERRANDS) -> threading.Event:
    """Run the errands in the background of a server process; setting the event ends them."""
    stop, holder = threading.Event(), secrets.token_hex(8)
    for errand in errands:
        threading.Thread(
            target=_repeat, args=(services, errand, holder, stop), daemon=True, name=errand.name
        ).start()
    return stop


def _repeat(services: Services, errand: Errand, holder: str, stop: threading.Event) -> None:
    while not stop.wait(errand.seconds):
        try:
            run(services, errand, holder)
        except Exception:
            # A thread of its own: what nobody foresaw must not end the errand for good.
            _LOG.exception("The errand %s was not done", errand.name)


def run(services: Services, errand: Errand, holder: str) -> bool:
    """Do an errand now; False where another process is at it."""
    until = round(errand.at_most * 1000)
    with lease(services.database, errand.name, holder, services.clock, until) as held:
        if held:
            errand.run(services)
        return held
