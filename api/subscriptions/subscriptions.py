"""The subscriptions: who wants to hear of which figure, where, and what was last told.

A subscription belongs to the enterprise whose token or client made it, an auditor's to that very
token or client. It ends with the token or client that made it: what a secret that leaked has
subscribed to goes with the secret. Secrets of signatures are encrypted (`api.keys.secret_box`).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import sqlalchemy as sa

from api import tables
from api.callers import Caller
from api.errors import SubscriptionRefused, SubscriptionUnknown, TooManySubscriptions
from api.keys.secret_box import SecretBox
from api.services import Services, one_each
from api.subscriptions.signatures import new_secret
from api.subscriptions.told import Asked, Figure, Told
from graph.books.targets import FULL
from ledger.store import reading, writing

MOST_EACH: Final = 100
"""How many subscriptions one enterprise, or one auditor, may have."""
FORMER_MS: Final = 24 * 3_600_000
"""How long the secret before the last one signs as well."""
KIND: Final = "subscription"
"""What the outbox calls recipients of this kind."""

_ROW = tables.subscription.c
_WATCHED = tables.watched.c


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who wants to hear of what. Times are milliseconds since 1970 (UTC).

    ``seen`` is the log size at which it was last looked at; ``held_until``: until when a change is
    kept back, where there is one.
    """

    id: str
    owner: str
    role: str
    enterprise: str | None
    token: str | None
    client: str | None
    kind: str
    about: str
    net: str | None
    year: int | None
    threshold: Decimal
    url: str
    created_at: int
    ended_at: int | None
    seen: int
    held_until: int | None

    @property
    def asked(self) -> Asked:
        return Asked(self.year, self.net or FULL)

    @property
    def caller(self) -> Caller:
        """Whose eyes it looks with."""
        return Caller(self.role, self.enterprise, self.token, self.client)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks to be told of."""

    kind: str
    about: str
    asked: Asked
    threshold: Decimal
    url: str


def owner_of(caller: Caller) -> str:
    """Whose subscriptions a caller may see and end.

    An auditor's are its own alone: others of its enterprise may not read what it is told. Raises
    SubscriptionRefused for who speaks for no enterprise and is no auditor.
    """
    if caller.enterprise is not None and not caller.is_auditor:
        return caller.enterprise
    credential = caller.client or caller.token_id
    if not caller.is_auditor or credential is None:
        raise SubscriptionRefused(reason="only enterprises and auditors are told of changes")
    return f"auditor:{credential}"


class Subscriptions:
    """The subscriptions of one deployment; ``clock`` gives milliseconds since 1970 (UTC)."""

    def __init__(self, database: sa.Engine, box: SecretBox, clock: Callable[[], int]) -> None:
        self._database, self._box, self._clock = database, box, clock

    # -- beginning and ending ------------------------------------------------------------------

    def add(
        self, caller: Caller, wanted: Wanted, seen: int, told: Mapping[Figure, Told]
    ) -> tuple[Subscription, str]:
        """A new subscription and its secret, which is shown this once.

        ``told`` is what the subscriber can read at the log size ``seen``: changes are told against
        that. Raises SubscriptionRefused and TooManySubscriptions.
        """
        owner, secret = owner_of(caller), new_secret()
        row = {
            "id": str(uuid.uuid4()),
            "owner": owner,
            "role": caller.role,
            "enterprise": caller.enterprise,
            "token": None if caller.client else caller.token_id,
            "client": caller.client,
            "kind": wanted.kind,
            "about": wanted.about,
            "net": None if wanted.kind == "product" else wanted.asked.net,
            "year": wanted.asked.year,
            "threshold": f"{wanted.threshold:f}",
            "url": wanted.url,
            "sealed_secret": self._box.seal(secret),
            "created_at": self._clock(),
            "seen": seen,
        }
        with writing(self._database) as connection:
            if _how_many(connection, owner) >= MOST_EACH:
                raise TooManySubscriptions(most=MOST_EACH)
            connection.execute(tables.subscription.insert(), row)
            for figure, figure_told in told.items():
                tell(connection, str(row["id"]), figure, None, figure_told)
        return self.find(str(row["id"]), owner), secret

    def end(self, subscription: str, *, connection: sa.Connection | None = None) -> None:
        """Tell nothing more; again is no error."""
        change = (
            tables.subscription.update()
            .where(_ROW.id == subscription, _ROW.ended_at.is_(None))
            .values(ended_at=self._clock())
        )
        if connection is not None:
            connection.execute(change)
            return
        with writing(self._database) as own:
            own.execute(change)

    def rotate(self, subscription: str) -> str:
        """A new secret, shown this once; for 24 hours the one before signs as well.

        The one before that is gone at once. Raises SubscriptionUnknown.
        """
        secret = new_secret()
        change = tables.subscription.update().where(_ROW.id == subscription)
        values = {
            "sealed_former": _ROW.sealed_secret,
            "former_until": self._clock() + FORMER_MS,
            "sealed_secret": self._box.seal(secret),
        }
        with writing(self._database) as connection:
            if connection.execute(change.values(values)).rowcount == 0:
                raise SubscriptionUnknown(id=subscription)
        return secret

    # -- looking -------------------------------------------------------------------------------

    def find(self, subscription: str, owner: str | None = None) -> Subscription:
        """One that lasts or has ended; with an ``owner`` only one of its own.

        Raises SubscriptionUnknown.
        """
        query = sa.select(tables.subscription).where(_ROW.id == subscription)
        if owner is not None:
            query = query.where(_ROW.owner == owner)
        with reading(self._database) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise SubscriptionUnknown(id=subscription)
        return _subscription(row)

    def of(self, owner: str) -> list[Subscription]:
        """Those of an owner that last, in the order in which they were made."""
        query = sa.select(tables.subscription).where(_ROW.owner == owner, _ROW.ended_at.is_(None))
        with reading(self._database) as connection:
            rows = connection.execute(query.order_by(_ROW.created_at, _ROW.id))
            return [_subscription(row) for row in rows]

    def told(self, subscription: str) -> dict[Figure, Told]:
        """What was last told of each figure."""
        query = sa.select(tables.watched).where(_WATCHED.subscription == subscription)
        with reading(self._database) as connection:
            rows = connection.execute(query.order_by(_WATCHED.kind, _WATCHED.about))
            return {Figure(row.kind, row.about): Told.parse(row.told) for row in rows}

    def secrets(self, subscription: str) -> tuple[str, ...]:
        """What events are signed with now. Raises SubscriptionUnknown, SealingKeyRefused."""
        query = sa.select(_ROW.sealed_secret, _ROW.sealed_former, _ROW.former_until)
        with reading(self._database) as connection:
            row = connection.execute(query.where(_ROW.id == subscription)).one_or_none()
        if row is None:
            raise SubscriptionUnknown(id=subscription)
        is_former = row.former_until is not None and self._clock() < row.former_until
        sealed = (row.sealed_secret, row.sealed_former) if is_former else (row.sealed_secret,)
        return tuple(map(self._box.open, sealed))

    def delivery(self, subscription: str, event: str) -> int | None:
        """The serial under which the outbox has one of its events."""
        about = tables.delivery.c
        query = sa.select(about.serial).where(
            about.kind == KIND, about.recipient == subscription, about.id == event
        )
        with reading(self._database) as connection:
            return connection.execute(query).scalar_one_or_none()

    # -- watching ------------------------------------------------------------------------------

    def due(self, size: int, most: int) -> list[Subscription]:
        """Those to be looked at in a log of ``size`` entries, the longest unseen first."""
        now = self._clock()
        query = sa.select(tables.subscription).where(
            _ROW.ended_at.is_(None), sa.or_(_ROW.seen < size, _ROW.held_until <= now)
        )
        with reading(self._database) as connection:
            rows = connection.execute(query.order_by(_ROW.seen, _ROW.id).limit(most))
            return [_subscription(row) for row in rows]

    def outlived(self) -> list[Subscription]:
        """Those whose token or client has expired or was revoked."""
        token, client = tables.token.c, tables.client.c
        query = (
            sa.select(tables.subscription)
            .outerjoin(tables.token, token.id == _ROW.token)
            .outerjoin(tables.client, client.id == _ROW.client)
            .where(
                _ROW.ended_at.is_(None),
                sa.or_(
                    token.revoked_at.is_not(None),
                    token.expires_at <= self._clock(),
                    client.revoked_at.is_not(None),
                ),
            )
        )
        with reading(self._database) as connection:
            return [_subscription(row) for row in connection.execute(query)]

    def have_seen(self, looked_at: Iterable[str], size: int) -> None:
        """Nothing in the first ``size`` entries is left to tell of any of these."""
        ids = list(looked_at)
        change = tables.subscription.update().where(_ROW.id.in_(ids)).values(seen=size)
        with writing(self._database) as connection:
            connection.execute(change)


@one_each
def subscriptions_of(services: Services) -> Subscriptions:
    """The subscriptions of these services."""
    return Subscriptions(services.database, services.box, services.clock)


def tell(
    connection: sa.Connection, subscription: str, figure: Figure, before: Told | None, after: Told
) -> bool:
    """Keep what is told of a figure; False where another process has told something meanwhile."""
    mine = (
        _WATCHED.subscription == subscription,
        _WATCHED.kind == figure.kind,
        _WATCHED.about == figure.id,
    )
    if before is not None:
        change = tables.watched.update().where(*mine, _WATCHED.told == before.json)
        return connection.execute(change.values(told=after.json)).rowcount == 1
    if connection.execute(sa.select(_WATCHED.about).where(*mine)).first() is not None:
        return False
    row = {"subscription": subscription, "kind": figure.kind, "about": figure.id}
    connection.execute(tables.watched.insert(), {**row, "told": after.json})
    return True


def look_again(
    connection: sa.Connection, subscription: str, size: int, held_until: int | None
) -> None:
    """Keep up to where a subscription was looked at, and until when a change of it is held."""
    change = tables.subscription.update().where(_ROW.id == subscription)
    connection.execute(change.values(seen=size, held_until=held_until))


def _how_many(connection: sa.Connection, owner: str) -> int:
    lasting = (_ROW.owner == owner, _ROW.ended_at.is_(None))
    query = sa.select(sa.func.count()).select_from(tables.subscription).where(*lasting)
    return int(connection.execute(query).scalar_one())


_KEPT_AS_THEY_ARE: Final = tuple(n for n in Subscription.__slots__ if n != "threshold")


def _subscription(row: sa.Row[tuple[object, ...]]) -> Subscription:
    kept = row._mapping
    rest = {name: kept[name] for name in _KEPT_AS_THEY_ARE}
    return Subscription(**rest, threshold=Decimal(kept["threshold"]))
