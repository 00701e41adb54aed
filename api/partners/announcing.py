"""Telling partners of footprints that are new to them, by ``PublishedEvent`` (PACT v3).

A partner is told of a footprint once: when it comes on the shelf and its enterprise may read it, or
when it is disclosed to that enterprise later. It is not told of

* what was said before it was registered and lay open to it then: it can list that, and a new
  partner is not flooded with all there is;
* footprints of products of its own enterprise, or of enterprises admitted through it: these came
  from there;
* footprints that are Deprecated already.

What a partner was told of is in `api.tables.announced`, written together with the event. As long as
nothing comes into the log or on the shelf, a run costs two queries, and one for each partner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, cast

import sqlalchemy as sa

from api import tables
from api.access.access import Access
from api.callers import Caller
from api.outbox.outbox import outbox_of
from api.pact import events
from api.pact.marks import marks, set_mark
from api.pact.shelf import shelf_of
from api.partners.partners import KIND, Partner, partners_of
from api.services import Services
from ledger import tables as ledger
from ledger.standing import Standing
from ledger.statements import Disclosure
from ledger.store import reading, writing

AT_ONCE: Final = 100
"""How many footprints one event tells of."""

_OPENING: Final = ("disclosure", "revocation", "recovery")
"""What may open a footprint that lies on the shelf: a revocation takes away what had closed it."""
_MOST_NAMED: Final = 500
"""How many products a query names; of more, all are looked at."""

_SHELVED = tables.shelved.c
_ANNOUNCED = tables.announced.c


@dataclass(frozen=True, slots=True)
class _Mark:
    """Up to where a partner's news was looked for: a log size, and the last serial on the shelf."""

    size: int
    serial: int


@dataclass(frozen=True, slots=True)
class _Candidate:
    serial: int
    id: str
    product: str
    entry: int


def run(services: Services) -> None:
    """Put into the outbox what partners are to be told of."""
    partners = partners_of(services).active()
    if not partners:
        return
    standing = services.engine.standing()
    shelf_of(services).follow(standing)
    now = _Mark(standing.size, _last_serial(services))
    for partner in partners:
        last = _mark(services, partner)
        if last is None:
            _begin(services, partner, standing, now)
        elif last != now:
            _go_on(services, partner, standing, last, now)


def _begin(services: Services, partner: Partner, standing: Standing, now: _Mark) -> None:
    """The first look: what was said before the partner was registered is no news."""
    found = _readable(services, partner, standing, sa.true())
    since = _size_at(services, partner.created_at)
    _tell(services, partner, found, [each for each in found if each.entry >= since], now)


def _go_on(
    services: Services, partner: Partner, standing: Standing, last: _Mark, now: _Mark
) -> None:
    opened = _opened(services, last, now)
    is_new = _SHELVED.serial > last.serial
    where = sa.true() if opened is None else sa.or_(is_new, _SHELVED.product.in_(opened))
    found = _readable(services, partner, standing, where)
    _tell(services, partner, found, found, now)


def _opened(services: Services, last: _Mark, now: _Mark) -> list[str] | None:
    """Products of which footprints were disclosed since; None where it may be any."""
    products = set[str]()
    for entry in services.log.typed(_OPENING, last.size, now.size):
        if entry.leaf.type != Disclosure.TYPE:
            return None
        if not entry.is_erased:
            disclosed = cast(Disclosure, entry.statement.body).object
            products |= {disclosed.id} if disclosed.type == "footprint" else set()
    return sorted(products) if len(products) <= _MOST_NAMED else None


def _readable(
    services: Services, partner: Partner, standing: Standing, where: sa.ColumnElement[bool]
) -> list[_Candidate]:
    """What is Active, not announced yet, not the partner's own, and may be read by it."""
    access = Access(standing, Caller("procurement", partner.enterprise))
    own = {partner.enterprise, *partner.companies}

    @cache
    def is_news(product: str) -> bool:
        return standing.owner_of("product", product) not in own and (
            access.may_read_footprint_of(product)
        )

    return [each for each in _unannounced(services, partner, where) if is_news(each.product)]


def _unannounced(
    services: Services, partner: Partner, where: sa.ColumnElement[bool]
) -> list[_Candidate]:
    told = sa.select(_ANNOUNCED.serial).where(
        _ANNOUNCED.partner == partner.id, _ANNOUNCED.serial == _SHELVED.serial
    )
    active = (_SHELVED.deprecated_at.is_(None), _SHELVED.valid_until > services.clock())
    columns = (_SHELVED.serial, _SHELVED.id, _SHELVED.product, _SHELVED.entry)
    query = sa.select(*columns).where(where, *active, ~told.exists()).order_by(_SHELVED.serial)
    with reading(services.database) as connection:
        return [_Candidate(*row) for row in connection.execute(query)]


def _tell(
    services: Services,
    partner: Partner,
    known: Sequence[_Candidate],
    news: Sequence[_Candidate],
    now: _Mark,
) -> None:
    """Remember what is ``known`` from now on, and send ``news``: all of it, or nothing."""
    source = events.source_of(services.settings.public_address)
    with writing(services.database) as connection:
        # Another process may have been here since they were looked up.
        told = _told_since(connection, partner, known)
        fresh = [
            {"partner": partner.id, "serial": each.serial}
            for each in known
            if each.serial not in told
        ]
        if fresh:
            connection.execute(tables.announced.insert(), fresh)
        ids = [each.id for each in news if each.serial not in told]
        for start in range(0, len(ids), AT_ONCE):
            event = events.published(source, services.clock(), ids[start : start + AT_ONCE])
            outbox_of(services).put(KIND, partner.id, event, connection=connection)
        _set_mark(connection, partner, now)


def _told_since(
    connection: sa.Connection, partner: Partner, known: Sequence[_Candidate]
) -> set[int]:
    """Serials announced to a partner, from the first of ``known`` on."""
    first = known[0].serial if known else 0
    mine = (_ANNOUNCED.partner == partner.id, _ANNOUNCED.serial >= first)
    return set(connection.execute(sa.select(_ANNOUNCED.serial).where(*mine)).scalars())


# --- How far it has come ---------------------------------------------------------------------


def _names(partner: Partner) -> tuple[str, str]:
    return f"announced {partner.id} size", f"announced {partner.id} serial"


def _mark(services: Services, partner: Partner) -> _Mark | None:
    """Where the last look ended; None before the first."""
    with reading(services.database) as connection:
        size, serial = marks(connection, _names(partner))
    return None if size is None or serial is None else _Mark(size, serial)


def _set_mark(connection: sa.Connection, partner: Partner, now: _Mark) -> None:
    for name, number in zip(_names(partner), (now.size, now.serial), strict=True):
        set_mark(connection, name, number)


def _last_serial(services: Services) -> int:
    with reading(services.database) as connection:
        return connection.execute(sa.select(sa.func.max(_SHELVED.serial))).scalar_one() or 0


def _size_at(services: Services, at: int) -> int:
    """The size of the log at a moment."""
    later = sa.select(sa.func.min(ledger.entry.c.index)).where(ledger.entry.c.time > at)
    with reading(services.database) as connection:
        first = connection.execute(later).scalar_one_or_none()
    return services.log.size() if first is None else first
