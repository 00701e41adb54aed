"""Reading a partner's host: all of it by command, and what it announced in the background.

PACT has no filter for what changed since, and a footprint that ends keeps its id. So every page is
read each time, and what is listed in the same bytes as before is passed over: a pull costs the
partner as much as the first did, and here a look at a table.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, cast

import sqlalchemy as sa

from api.errors import CalledHostRefused
from api.pact import events
from api.partners import taking
from api.partners.calling import PactHost
from api.partners.inbox import DONE, FAILED, Received, inbox_of
from api.partners.partners import Partner, partners_of
from api.partners.taking import Taken
from api.services import Services
from api.tables import pulled
from ledger.errors import CatchmentError
from ledger.store import reading

_LOG = logging.getLogger("catchment.partners")

PATIENCE_SECONDS: Final = 120.0
"""How long one event may take at a time; a partner is no reason for others to wait longer."""
_AT_ONCE: Final = 20
_OUR_FAULT: Final = "This server failed; its log says how."
_GONE: Final = (403, 404)
"""What is not shown to us is not there for us; asking again changes nothing."""


def pull_announced(services: Services) -> None:
    """The errand: fetch what partners' Published events name, and take it over.

    Each partner has its turn with its oldest event, and `PATIENCE_SECONDS` for it. An event whose
    host does not answer, or not in that time, waits, longer each time, and is given up after
    72 hours; what was taken over by then is not fetched again.
    Companies that nobody admitted stay out: that takes the operator.
    """
    for event in inbox_of(services).due_news():
        try:
            taken = _taken(services, partners_of(services).get(event.partner), event)
        except CatchmentError as error:
            _put_off(services, event, taking.told_of(error))
        except Exception:
            # Whatever is wrong with one of them, other partners must not wait for a correction.
            _LOG.exception("What the event %s of %s names was not read", event.id, event.source)
            _put_off(services, event, _OUR_FAULT)
        else:
            inbox_of(services).settle(event, DONE, summary(taken))


def summary(taken: Iterable[Taken]) -> str:
    """How many had which outcome, such as “2 new, 1 unchanged”."""
    counts = Counter(each.outcome for each in taken)
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))


def _taken(services: Services, partner: Partner, event: Received) -> list[Taken]:
    """What became of all that an event names.

    Few are held at once, as each may be large. Raises as `PactHost.footprint`.
    """
    named = cast(events.Published, events.read(event.body)).footprints
    since = _taken_since(services, partner, event.at)
    taken = [since[each] for each in named if each in since]
    fetched = _fetched(PactHost(services, partner), [each for each in named if each not in since])
    while some := list(islice(fetched, _AT_ONCE)):
        taken += [each for each in some if isinstance(each, Taken)]
        raws = [each for each in some if isinstance(each, bytes)]
        taken += taking.take_in(services, partner, raws)
    return taken


def _fetched(host: PactHost, footprints: Iterable[str]) -> Iterator[bytes | Taken]:
    until = time.monotonic() + PATIENCE_SECONDS
    for footprint in footprints:
        try:
            yield host.footprint(footprint)
        except CalledHostRefused as refused:
            if refused.params["status"] not in _GONE:
                raise
            yield Taken(footprint, taking.REFUSED, told=taking.told_of(refused))
        if time.monotonic() > until:
            raise host.unreachable("it does not answer in time")


def _taken_since(services: Services, partner: Partner, at: int) -> dict[str, Taken]:
    """What was looked at since an event came, by id: nothing of it is fetched for it again."""
    query = sa.select(pulled).where(pulled.c.partner == partner.id, pulled.c.at >= at)
    with reading(services.database) as connection:
        rows = connection.execute(query).all()
    return {row.id: Taken(row.id, row.outcome, row.entry, row.told) for row in rows}


def _put_off(services: Services, event: Received, told: str) -> None:
    if not inbox_of(services).put_off(event, told):
        inbox_of(services).settle(event, FAILED, told)
