"""The outbox: events that go out, kept until they have arrived or nobody took them for 72 hours.

An event is written here in the same transaction as what it tells of, or after it, and is sent by
`api.outbox.courier`. It keeps its id however often it is sent: whoever gets it twice can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from api import tables
from api.errors import DeliveryUnknown
from api.outbox.cloud_event import CloudEvent
from api.services import Services, one_each
from ledger.store import reading, writing

HOUR_MS: Final = 3_600_000
ABANDONED_AFTER_MS: Final = 72 * HOUR_MS
"""How long an event is tried for (PACT v3, request events)."""
KEPT_MS: Final = 90 * 24 * HOUR_MS
"""How long it is kept once it is delivered or given up."""

WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
FAILED: Final = "failed"

_DELIVERY = tables.delivery.c


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event on its way to one recipient. Times are milliseconds since 1970 (UTC).

    ``told`` is what the last attempt came to, for people.
    """

    serial: int
    id: str
    kind: str
    recipient: str
    type: str
    body: bytes
    created_at: int
    state: str
    attempts: int
    next_at: int
    until: int
    delivered_at: int | None
    told: str


class Outbox:
    """The events that go out of one deployment; ``clock`` gives milliseconds since 1970 (UTC)."""

    def __init__(self, database: sa.Engine, clock: Callable[[], int]) -> None:
        self._database, self._clock = database, clock

    # -- putting in --------------------------------------------------------------------------

    def put(
        self,
        kind: str,
        recipient: str,
        event: CloudEvent,
        *,
        connection: sa.Connection | None = None,
    ) -> int:
        """Have ``event`` sent to a recipient of a ``kind``; the serial of its delivery.

        With a ``connection`` it is sent if, and only if, that transaction is committed.
        """
        now = self._clock()
        row = {
            "id": event.id,
            "kind": kind,
            "recipient": recipient,
            "type": event.type,
            "body": event.body,
            "created_at": now,
            "state": WAITING,
            "attempts": 0,
            "next_at": now,
            "until": now + ABANDONED_AFTER_MS,
            "delivered_at": None,
            "told": "",
        }
        with self._within(connection) as open_connection:
            put = tables.delivery.insert().values(**row).returning(_DELIVERY.serial)
            return int(open_connection.execute(put).scalar_one())

    def replay(self, serial: int) -> Delivery:
        """Send a delivery once more, with the id it had, from now on for 72 hours.

        Raises DeliveryUnknown.
        """
        now = self._clock()
        again = {
            "state": WAITING,
            "attempts": 0,
            "next_at": now,
            "until": now + ABANDONED_AFTER_MS,
            "delivered_at": None,
        }
        with writing(self._database) as connection:
            change = tables.delivery.update().where(_DELIVERY.serial == serial).values(**again)
            if connection.execute(change).rowcount == 0:
                raise DeliveryUnknown(serial=serial)
            return _delivery(connection.execute(_one(serial)).one())

    # -- looking -----------------------------------------------------------------------------

    def of(
        self,
        kind: str | None = None,
        recipient: str | None = None,
        *,
        state: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Delivery]:
        """The newest deliveries first; ``before`` is the serial at which the last page ended."""
        wanted = (
            (_DELIVERY.kind, kind),
            (_DELIVERY.recipient, recipient),
            (_DELIVERY.state, state),
        )
        conditions = [column == value for column, value in wanted if value is not None]
        if before is not None:
            conditions.append(_DELIVERY.serial < before)
        query = sa.select(tables.delivery).where(*conditions)
        with reading(self._database) as connection:
            rows = connection.execute(query.order_by(_DELIVERY.serial.desc()).limit(limit))
            return [_delivery(row) for row in rows]

    def due(self, most_each: int) -> dict[tuple[str, str], list[int]]:
        """Serials of what is due, at most ``most_each`` of one recipient (kind, recipient).

        Recipients that have waited longest come first.
        """
        due = (_DELIVERY.state == WAITING, _DELIVERY.next_at <= self._clock())
        order = (_DELIVERY.next_at, _DELIVERY.serial)
        to_one = sa.func.row_number().over(
            partition_by=(_DELIVERY.kind, _DELIVERY.recipient), order_by=order
        )
        columns = (_DELIVERY.kind, _DELIVERY.recipient, _DELIVERY.serial, _DELIVERY.next_at)
        ranked = sa.select(*columns, to_one.label("place")).where(*due).subquery()
        chosen = sa.select(ranked).where(ranked.c.place <= most_each)
        found: dict[tuple[str, str], list[int]] = {}
        with reading(self._database) as connection:
            if connection.execute(sa.select(_DELIVERY.serial).where(*due).limit(1)).first() is None:
                return found
            for row in connection.execute(chosen.order_by(ranked.c.next_at, ranked.c.serial)):
                found.setdefault((row.kind, row.recipient), []).append(row.serial)
        return found

    def pending(self, serial: int) -> Delivery | None:
        """A delivery whose time has come; None where it was sent or put off meanwhile."""
        due = (_DELIVERY.state == WAITING, _DELIVERY.next_at <= self._clock())
        with reading(self._database) as connection:
            row = connection.execute(_one(serial).where(*due)).one_or_none()
        return None if row is None else _delivery(row)

    # -- what became of it -------------------------------------------------------------------

    def delivered(self, delivery: Delivery) -> None:
        """It has arrived."""
        now, attempts = self._clock(), delivery.attempts + 1
        self._change(delivery, state=DELIVERED, delivered_at=now, attempts=attempts)

    def put_off(self, delivery: Delivery, next_at: int, told: str) -> None:
        """It did not arrive, and is tried again at ``next_at``."""
        self._change(delivery, next_at=next_at, attempts=delivery.attempts + 1, told=told)

    def given_up(self, delivery: Delivery, told: str) -> None:
        """It did not arrive, and is tried no more."""
        self._change(delivery, state=FAILED, attempts=delivery.attempts + 1, told=told)

    def hold(self, kind: str, recipient: str, *, until: int) -> None:
        """Let everything that waits for a recipient wait until then; no attempt is counted."""
        earlier = (_DELIVERY.state == WAITING, _DELIVERY.next_at < until)
        to_it = (_DELIVERY.kind == kind, _DELIVERY.recipient == recipient)
        with writing(self._database) as connection:
            held = tables.delivery.update().where(*earlier, *to_it)
            connection.execute(held.values(next_at=until))

    def _change(self, delivery: Delivery, **values: object) -> None:
        """Nothing where another process was faster, or somebody asked for a replay meanwhile."""
        same = (
            _DELIVERY.serial == delivery.serial,
            _DELIVERY.state == WAITING,
            _DELIVERY.attempts == delivery.attempts,
            _DELIVERY.next_at == delivery.next_at,
        )
        with writing(self._database) as connection:
            connection.execute(tables.delivery.update().where(*same).values(**values))

    def forget(self) -> None:
        """Drop what was delivered or given up, and has been kept for 90 days."""
        old = (_DELIVERY.state != WAITING, _DELIVERY.until < self._clock() - KEPT_MS)
        with writing(self._database) as connection:
            connection.execute(tables.delivery.delete().where(*old))

    @contextmanager
    def _within(self, connection: sa.Connection | None) -> Iterator[sa.Connection]:
        if connection is not None:
            yield connection
            return
        with writing(self._database) as own:
            yield own


@one_each
def outbox_of(services: Services) -> Outbox:
    """The outbox of these services."""
    return Outbox(services.database, services.clock)


def _one(serial: int) -> sa.Select[tuple[object, ...]]:
    return sa.select(tables.delivery).where(_DELIVERY.serial == serial)


def _delivery(row: sa.Row[tuple[object, ...]]) -> Delivery:
    return Delivery(**{name: row._mapping[name] for name in Delivery.__slots__})
