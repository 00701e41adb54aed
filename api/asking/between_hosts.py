"""Requests between hosts: events of partners become requests here, and requests become events.

An event of a partner may become several requests, one for each maker of what it describes. When
none of them is open any more, the partner is told, once: that it was told and the outgoing event
are one transaction. What is not known here and what nobody answers is told alike, in the words that
nothing was found. That something is known can show in how soon the answer comes; products that are
registered are no secret among callers with a token (`api.access.access`), and partners have one.

What is asked of a partner goes out as an event, and is ended by the event that answers it, or by a
footprint that comes on the shelf like any other.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa

from api import tables
from api.asking.fitting import access_of, readable
from api.asking.limits import (
    DAY_MS,
    DUE_DAYS,
    LONGEST_TEXT,
    MOST_AT_ONCE,
    MOST_FOOTPRINTS,
    MOST_OPEN,
)
from api.asking.rows import (
    DECLINED,
    OPEN,
    OVERDUE,
    Request,
    all_of,
    answered,
    begun,
    declined,
    of_event,
    open_of,
    put_to,
)
from api.asking.whom import Wanted, by_criteria
from api.errors import CriterionRefused
from api.outbox.cloud_event import CloudEvent
from api.outbox.outbox import outbox_of
from api.pact import events
from api.pact.criteria import Criteria
from api.pact.shelf import shelf_of
from api.partners.partners import KIND as PARTNER
from api.partners.partners import Partner, partners_of
from api.partners.taking import Taken
from api.services import Services
from ledger.standing import Standing
from ledger.store import reading, writing

NOTHING_FOUND: Final = "No footprint was found that could be given."
TOO_MANY_MATCH: Final = (
    f"More than {MOST_FOOTPRINTS} footprints match: read them with GET /3/footprints."
)
TOO_MANY_ASKED: Final = "Too many requests of this partner are open, or one asks for too much."
NOT_TAKEN: Final = "What came in answer was not taken over."

_NOT_FOUND: Final = "NotFound"
_BAD: Final = "BadRequest"

_REQUEST = tables.request.c


# --- What partners ask -----------------------------------------------------------------------


def came(services: Services, partner: Partner, event: events.RequestCreated) -> None:
    """Take what a partner asks for. The same event again changes nothing."""
    ours = of_event(partner.id, event.source, event.id)
    if not all_of(services.database, *ours):
        rows = _judged(services, partner, event)
        with writing(services.database) as connection:
            if connection.execute(sa.select(_REQUEST.id).where(*ours)).first() is None:
                connection.execute(tables.request.insert(), rows)
    tell(services, partner.id, event.source, event.id)


def _judged(
    services: Services, partner: Partner, event: events.RequestCreated
) -> list[dict[str, Any]]:
    """What an event becomes: requests to those who can answer, or one that has ended."""
    now, access = services.clock(), access_of(services, partner.enterprise)
    head = begun(
        asking=str(uuid.uuid4()),
        buyer=partner.enterprise,
        partner=partner.id,
        came=True,
        event_source=event.source,
        event=event.id,
        criteria=event.criteria,
        comment=event.comment[:LONGEST_TEXT],
        created_at=now,
        due_at=now + DUE_DAYS * DAY_MS,
    )
    try:
        found = readable(services, Criteria.of(event.criteria), access)
    except CriterionRefused as refused:
        told = f"{refused.sentence} {refused.advice}" % refused.params
        return [head | declined(told, _BAD, now) | {"criteria": "{}"}]
    if len(found) > MOST_FOOTPRINTS:
        return [head | declined(TOO_MANY_MATCH, _BAD, now)]
    if found:
        return [head | answered(found, now)]
    wanted = list(_askable(services, access.standing, partner, event))
    if not wanted:
        return [head | declined(NOTHING_FOUND, _NOT_FOUND, now)]
    if len(wanted) > MOST_AT_ONCE or _open_from(services, partner) + len(wanted) > MOST_OPEN:
        return [head | declined(TOO_MANY_ASKED, _BAD, now)]
    return [
        head | {"id": str(uuid.uuid4()), "supplier": each.supplier, "product": each.product}
        for each in wanted
    ]


def _askable(
    services: Services, standing: Standing, partner: Partner, event: events.RequestCreated
) -> Iterator[Wanted]:
    """Makers here, but for those that speak through a partner themselves."""
    hosts = partners_of(services).active()
    elsewhere = {each for host in hosts for each in host.companies} | {partner.enterprise}
    for wanted in by_criteria(standing, event.criteria):
        if wanted.product is not None and wanted.supplier not in elsewhere:
            yield wanted


def _open_from(services: Services, partner: Partner) -> int:
    with reading(services.database) as connection:
        return open_of(connection, partner.enterprise)


# --- What partners are told ------------------------------------------------------------------


def tell(services: Services, partner: str, source: str, event: str) -> None:
    """Tell the host that asked how an event ended, if it has, and has not been told."""
    ours = of_event(partner, source, event)
    ended = all_of(services.database, *ours)
    if any(each.state == OPEN for each in ended):
        return
    answer = _answer_to(services, event, ended)
    with writing(services.database) as connection:
        untold = tables.request.update().where(*ours, _REQUEST.told_at.is_(None))
        told = connection.execute(untold.values(told_at=services.clock()))
        if told.rowcount:
            outbox_of(services).put(PARTNER, partner, answer, connection=connection)


def tell_all(services: Services) -> None:
    """Tell partners of every event that has ended and of which they have not been told."""
    event = (_REQUEST.partner, _REQUEST.event_source, _REQUEST.event)
    query = sa.select(*event).where(_REQUEST.came, _REQUEST.told_at.is_(None)).distinct()
    with reading(services.database) as connection:
        untold = connection.execute(query).all()
    for partner, source, id_ in untold:
        tell(services, str(partner), str(source), str(id_))


def _answer_to(services: Services, event: str, ended: Sequence[Request]) -> CloudEvent:
    source = events.source_of(services.settings.public_address)
    now, access = services.clock(), access_of(services, ended[0].buyer)
    ids = dict.fromkeys(id_ for each in ended for id_ in each.footprints)
    # What was closed or erased since is not told any more.
    found = [id_ for id_ in ids if shelf_of(services).find(id_, access)]
    if found:
        return events.request_fulfilled_by(source, now, event, found)
    said = [each for each in ended if each.state == DECLINED]
    reasons = " ".join(dict.fromkeys(each.reason for each in said)) or NOTHING_FOUND
    code = said[0].code if said else _NOT_FOUND
    return events.request_rejected(source, now, event, reasons, code)


# --- What partners are asked -----------------------------------------------------------------


def hosts_for(services: Services, buyer: str) -> dict[str, Partner]:
    """Through which partner which enterprise is asked for this buyer, to whom the partner's
    footprints are told."""
    return {
        enterprise: each
        for each in partners_of(services).active()
        if buyer in each.buyers
        for enterprise in (each.enterprise, *each.companies)
    }


def asked_by_event(
    services: Services, row: dict[str, Any], connection: sa.Connection
) -> dict[str, Any]:
    """A request to a partner, with the event that goes out in the transaction that keeps it."""
    source = events.source_of(services.settings.public_address)
    now, criteria = services.clock(), json.loads(row["criteria"])
    event = events.request_created(source, now, criteria, row["comment"])
    outbox_of(services).put(PARTNER, row["partner"], event, connection=connection)
    return row | {"event": event.id, "event_source": event.source}


def was_asked(services: Services, partner: Partner, event: str) -> bool:
    """Whether a partner was asked by this event of ours."""
    with reading(services.database) as connection:
        query = sa.select(_REQUEST.id).where(*put_to(partner.id, event))
        return connection.execute(query).first() is not None


def was_fulfilled(
    services: Services, partner: Partner, event: events.RequestFulfilled, taken: Sequence[Taken]
) -> None:
    """A partner has answered; ``taken`` is what became of its footprints here."""
    found = tuple(each.id for each in taken if each.entry is not None)
    now = services.clock()
    ended = answered(found, now) if found else declined(NOT_TAKEN, "", now)
    _end(services, partner, event.request, ended)


def was_rejected(services: Services, partner: Partner, event: events.RequestRejected) -> None:
    """A partner has no footprint for us, and says why."""
    reason, code = event.message[:LONGEST_TEXT], event.code[:100]
    _end(services, partner, event.request, declined(reason, code, services.clock()))


def _end(services: Services, partner: Partner, event: str, ended: dict[str, Any]) -> None:
    """End what we asked a partner, unless it has ended; what we never asked is passed over."""
    unanswered = _REQUEST.state.in_((OPEN, OVERDUE))
    sent = tables.request.update().where(*put_to(partner.id, event), unanswered)
    with writing(services.database) as connection:
        connection.execute(sent.values(ended))
