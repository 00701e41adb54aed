"""Events that came from partners, kept until they were dealt with.

Accepting an event is keeping it. What it asks for is done later, and what cannot be done yet is
put off, longer each time, for 72 hours.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from api.outbox import backoff
from api.outbox.outbox import ABANDONED_AFTER_MS, KEPT_MS
from api.pact import events
from api.pact.events import PUBLISHED, Event
from api.partners.partners import Partner
from api.services import Services, one_each
from api.tables import partner as partners
from api.tables import received
from ledger.store import reading, writing

WAITING: Final = "waiting"
DONE: Final = "done"
FAILED: Final = "failed"

_AT_ONCE: Final = 100
_RECEIVED = received.c


@dataclass(frozen=True, slots=True)
class Received:
    """An event that came; ``at`` is milliseconds since 1970, ``told`` what became of it."""

    source: str
    id: str
    partner: str
    type: str
    body: bytes
    at: int
    state: str
    told: str
    attempts: int
    next_at: int


class Inbox:
    """The events that came to one deployment; ``clock`` gives milliseconds since 1970 (UTC)."""

    def __init__(self, database: sa.Engine, clock: Callable[[], int]) -> None:
        self._database, self._clock = database, clock

    def keep(self, partner: Partner, event: Event, body: bytes) -> bool:
        """Whether an event is new; then it waits to be dealt with. A repeat changes nothing."""
        same = (_RECEIVED.source == event.source, _RECEIVED.id == event.id)
        row = {
            "source": event.source,
            "id": event.id,
            "partner": partner.id,
            "type": events.type_of(event),
            "body": body,
            "at": self._clock(),
            "state": WAITING,
            "told": "",
            "attempts": 0,
            "next_at": 0,
        }
        with writing(self._database) as connection:
            if connection.execute(sa.select(_RECEIVED.at).where(*same)).first() is not None:
                return False
            connection.execute(received.insert(), row)
        return True

    # -- what is due -------------------------------------------------------------------------

    def due(self) -> list[Received]:
        """The oldest that are due, but for news of footprints."""
        order = (_RECEIVED.at, _RECEIVED.source, _RECEIVED.id)
        query = sa.select(received).where(*self._is_due(), _RECEIVED.type != PUBLISHED)
        return self._found(query.order_by(*order).limit(_AT_ONCE))

    def due_news(self) -> list[Received]:
        """Of each active partner the oldest news of footprints that are due."""
        place = sa.func.row_number().over(
            partition_by=_RECEIVED.partner, order_by=(_RECEIVED.at, _RECEIVED.id)
        )
        due = (
            sa.select(received, place.label("place"))
            .join(partners, partners.c.id == _RECEIVED.partner)
            .where(*self._is_due(), _RECEIVED.type == PUBLISHED, partners.c.removed_at.is_(None))
            .subquery()
        )
        return self._found(sa.select(due).where(due.c.place == 1).order_by(due.c.at))

    def _is_due(self) -> tuple[sa.ColumnElement[bool], ...]:
        return _RECEIVED.state == WAITING, _RECEIVED.next_at <= self._clock()

    # -- what became of it -------------------------------------------------------------------

    def put_off(self, event: Received, told: str) -> bool:
        """Have it tried again later. False, and nothing is written, where its 72 hours are over:
        then it is for the caller to settle."""
        attempts = event.attempts + 1
        next_at = self._clock() + backoff.wait_ms(attempts)
        if next_at > event.at + ABANDONED_AFTER_MS:
            return False
        with writing(self._database) as connection:
            later = _row_of(event).values(attempts=attempts, next_at=next_at, told=told)
            connection.execute(later)
        return True

    def settle(
        self,
        event: Received,
        state: str,
        told: str,
        *,
        kept: bytes | None = None,
        connection: sa.Connection | None = None,
    ) -> None:
        """It is DONE, or FAILED; ``kept`` takes the place of its body.

        With a ``connection`` it is, if, and only if, that transaction is committed.
        """
        body = {} if kept is None else {"body": kept}
        ended = _row_of(event).values(state=state, told=told, **body)
        with nullcontext(connection) if connection else writing(self._database) as within:
            within.execute(ended)

    # -- looking -----------------------------------------------------------------------------

    def of(self, *, state: str | None = None, limit: int = 100) -> list[Received]:
        """The newest events that came, first; with a ``state``, only those in it."""
        conditions = [] if state is None else [_RECEIVED.state == state]
        order = (_RECEIVED.at.desc(), _RECEIVED.source, _RECEIVED.id)
        return self._found(sa.select(received).where(*conditions).order_by(*order).limit(limit))

    def forget(self) -> None:
        """Drop the bodies of events that were dealt with and are older than 90 days.

        That they came is kept: a repeat must change nothing, however late.
        """
        old = (_RECEIVED.state != WAITING, _RECEIVED.at < self._clock() - KEPT_MS)
        full = sa.func.length(_RECEIVED.body) > 0
        with writing(self._database) as connection:
            connection.execute(received.update().where(*old, full).values(body=b""))

    def _found(self, query: sa.Select[tuple[object, ...]]) -> list[Received]:
        with reading(self._database) as connection:
            return [_read(row) for row in connection.execute(query)]


@one_each
def inbox_of(services: Services) -> Inbox:
    """The inbox of these services."""
    return Inbox(services.database, services.clock)


def _row_of(event: Received) -> sa.Update:
    return received.update().where(_RECEIVED.source == event.source, _RECEIVED.id == event.id)


def _read(row: sa.Row[tuple[object, ...]]) -> Received:
    return Received(**{name: row._mapping[name] for name in Received.__slots__})
