"""Requests in the background: footprints that came answer, days pass, and partners are told."""

from __future__ import annotations

import sqlalchemy as sa

from api import tables
from api.asking.between_hosts import tell_all
from api.asking.fitting import access_of, matching
from api.asking.limits import DAY_MS, LATE_DAYS
from api.asking.rows import OPEN, OVERDUE, Request, all_of, answered, change
from api.pact.shelf import shelf_of
from api.services import Services
from ledger.store import writing

_REQUEST = tables.request.c
_SHELVED = tables.shelved.c


def settle(services: Services) -> None:
    """Answer what can be answered, end what is overdue, and tell partners."""
    now = services.clock()
    for request in _answerable(services, now):
        found = matching(services, access_of(services, request.buyer), request)
        if found:
            with writing(services.database) as connection:
                change(connection, request, answered(found, now))
    with writing(services.database) as connection:
        late = tables.request.update().where(_REQUEST.state == OPEN, _REQUEST.due_at <= now)
        connection.execute(late.values(state=OVERDUE))
    tell_all(services)


def _answerable(services: Services, now: int) -> list[Request]:
    """Requests for what the shelf has a footprint of, and for what is not registered."""
    shelf_of(services).follow(services.engine.standing())
    shelved = sa.select(_SHELVED.product).where(_SHELVED.product == _REQUEST.product).exists()
    return all_of(
        services.database,
        sa.or_(_REQUEST.state == OPEN, sa.and_(_REQUEST.state == OVERDUE, ~_REQUEST.came)),
        _REQUEST.due_at > now - LATE_DAYS * DAY_MS,
        sa.or_(_REQUEST.product.is_(None), shelved),
    )
