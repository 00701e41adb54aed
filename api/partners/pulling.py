"""Reading a partner's host: all of it by command, and what it announced in the background.

PACT has no filter for what changed since, and a footprint that ends keeps its id. So every page is
read each time, and what is listed in the same bytes as before is passed over: a pull costs the
partner as much as the first did, and here a look at a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, cast

import sqlalchemy as sa

from api.errors import CalledHostRefused
from api.outbox import backoff
from api.pact import events
from api.partners import taking
from api.partners.calling import PactHost
from api.partners.partners import Partner
from api.partners.taking import Taken
from api.services import Services
from api.tables import partner as partners
from api.tables import received
from ledger.errors import CatchmentError
from ledger.store import reading, writing

ATTEMPTS: Final = 12
_AT_ONCE: Final = 20
_GONE: Final = (403, 404)
"""What is not shown to us is not there for us; asking again changes nothing."""


def pull_announced(services: Services) -> None:
    """The errand: fetch what partners' Published events name, and take it over.

    An event whose host does not answer waits, longer each time, and is given up after `ATTEMPTS`.
    Companies that nobody admitted stay out: that takes the operator.
    """
    for event in _waiting(services):
        try:
            taken = _fetched(services, services.partners.get(event.partner), event.body)
        except CatchmentError as error:
            _put_off(services, event, taking.told_of(error))
        else:
            _settle(services, event, "done", summary(taken))


def summary(taken: Iterable[Taken]) -> str:
    """How many had which outcome, such as “2 new, 1 unchanged”."""
    counts = Counter(each.outcome for each in taken)
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))


def _fetched(services: Services, partner: Partner, body: bytes) -> list[Taken]:
    event = cast(events.Published, events.read(body))
    host, raws, gone = PactHost(services, partner), list[bytes](), list[Taken]()
    for footprint in event.footprints:
        try:
            raws.append(host.footprint(footprint))
        except CalledHostRefused as refused:
            if refused.params["status"] not in _GONE:
                raise
            gone.append(Taken(footprint, taking.REFUSED, told=taking.told_of(refused)))
    return [*gone, *taking.take_in(services, partner, raws)]


def _waiting(services: Services) -> list[sa.Row[tuple[object, ...]]]:
    """Events of active partners that are due, the oldest first."""
    query = (
        sa.select(received)
        .join(partners, sa.and_(partners.c.id == received.c.partner))
        .where(
            received.c.type == events.PUBLISHED,
            received.c.state == "waiting",
            received.c.next_at <= services.clock(),
            partners.c.removed_at.is_(None),
        )
        .order_by(received.c.at)
        .limit(_AT_ONCE)
    )
    with reading(services.database) as connection:
        return list(connection.execute(query))


def _put_off(services: Services, event: sa.Row[tuple[object, ...]], told: str) -> None:
    attempts = event.attempts + 1
    wait = backoff.wait_ms(attempts)
    state = "waiting" if attempts < ATTEMPTS else "failed"
    _settle(services, event, state, told, attempts=attempts, next_at=services.clock() + wait)


def _settle(
    services: Services, event: sa.Row[tuple[object, ...]], state: str, told: str, **more: int
) -> None:
    same = sa.and_(received.c.source == event.source, received.c.id == event.id)
    with writing(services.database) as connection:
        connection.execute(received.update().where(same).values(state=state, told=told, **more))
