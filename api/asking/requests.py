"""Requests as the buyer that asks and the supplier that is asked see and change them.

A request asks one enterprise for the footprint of one product. It ends when it is *answered*, by
footprints that the supplier names or by the first that come on the shelf (`api.asking.settling`),
or *declined* with a reason. Nobody sees requests between others.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from api import tables
from api.access.access import Access
from api.asking.between_hosts import asked_by_event, hosts_for, tell
from api.asking.fitting import access_of, check, matching
from api.asking.limits import MOST_AT_ONCE, MOST_FOOTPRINTS, MOST_OPEN
from api.asking.rows import (
    ANSWERED,
    DECLINED,
    OPEN,
    Request,
    alike,
    all_of,
    answered,
    as_request,
    begun,
    change,
    declined,
    in_inbox,
    key_of,
    open_of,
    request_of,
    same_as,
)
from api.asking.whom import Wanted, criteria_of
from api.errors import RequestEnded, RequestUnknown, TooManyRequestsOpen
from api.partners.partners import Partner
from api.services import Services, one_each
from ledger.store import reading, writing

_DENIED: Final = "AccessDenied"

_REQUEST = tables.request.c


@dataclass(frozen=True, slots=True)
class Asking:
    """What a buyer asks of several, by when."""

    buyer: str
    wanted: Sequence[Wanted]
    due_at: int
    comment: str = ""
    parent: str | None = None


class Requests:
    """The requests of one deployment; safe to share between threads and processes."""

    def __init__(self, services: Services) -> None:
        self._services = services

    # -- looking -----------------------------------------------------------------------------

    def of_buyer(self, request: str, enterprise: str) -> Request:
        """A request that an enterprise has made. Raises RequestUnknown."""
        return self._one(request, _REQUEST.buyer == enterprise, ~_REQUEST.came)

    def of_supplier(self, request: str, enterprise: str) -> Request:
        """A request in the inbox of an enterprise. Raises RequestUnknown."""
        return self._one(request, *in_inbox(enterprise))

    def of_either(self, request: str, enterprise: str) -> Request:
        """A request that an enterprise has made or that was made to it. Raises RequestUnknown."""
        made = sa.and_(_REQUEST.buyer == enterprise, ~_REQUEST.came)
        return self._one(request, sa.or_(made, sa.and_(*in_inbox(enterprise))))

    def sent(self, enterprise: str, **page: Any) -> list[Request]:
        """What an enterprise has asked, the newest first; ``page`` as `_page`."""
        return self._page(_REQUEST.buyer == enterprise, ~_REQUEST.came, **page)

    def inbox(self, enterprise: str, **page: Any) -> list[Request]:
        """What an enterprise was asked, the newest first; ``page`` as `_page`."""
        return self._page(*in_inbox(enterprise), **page)

    def asked(self, asking: str, buyer: str) -> list[Request]:
        """The requests of one asking, in their order; none of an asking of another's."""
        mine = (_REQUEST.asking == asking, _REQUEST.buyer == buyer, ~_REQUEST.came)
        return self._all(*mine)

    def passed_on(self, parents: Iterable[str]) -> list[Request]:
        """The requests that those who were asked have made for these."""
        found: list[Request] = []
        ids = list(parents)
        for start in range(0, len(ids), MOST_FOOTPRINTS):
            found += self._all(_REQUEST.parent.in_(ids[start : start + MOST_FOOTPRINTS]))
        return found

    def _page(
        self,
        *conditions: sa.ColumnElement[bool],
        state: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Request]:
        query = sa.select(tables.request).where(*conditions)
        if state is not None:
            query = query.where(_REQUEST.state == state)
        if before is not None:
            query = query.where(_REQUEST.serial < before)
        with reading(self._services.database) as connection:
            rows = connection.execute(query.order_by(_REQUEST.serial.desc()).limit(limit))
            return [request_of(row) for row in rows]

    def _all(self, *conditions: sa.ColumnElement[bool]) -> list[Request]:
        return all_of(self._services.database, *conditions)

    def _one(self, request: str, *conditions: sa.ColumnElement[bool]) -> Request:
        found = self._all(_REQUEST.id == request, *conditions)
        if not found:
            raise RequestUnknown(request=request)
        return found[0]

    # -- asking ------------------------------------------------------------------------------

    def ask(self, asking: Asking) -> list[Request]:
        """Make a request to each of those wanted, or find the same one open; in their order.

        What the buyer may read already is answered at once. What a partner is to answer goes out as
        an event in the same transaction. Raises TooManyRequestsOpen.
        """
        hosts = hosts_for(self._services, asking.buyer)
        access = access_of(self._services, asking.buyer)
        drafts = [self._draft(asking, each, hosts, access) for each in asking.wanted]
        own, suppliers = str(uuid.uuid4()), [each.supplier for each in asking.wanted]
        with writing(self._services.database) as connection:
            known = {key_of(each): each.id for each in alike(connection, asking.buyer, suppliers)}
            new = {same_as(each): each for each in drafts if same_as(each) not in known}
            if open_of(connection, asking.buyer) + len(new) > MOST_OPEN or len(new) > MOST_AT_ONCE:
                raise TooManyRequestsOpen(most=MOST_OPEN, at_once=MOST_AT_ONCE)
            for each in new.values():
                self._insert(connection, each | {"asking": own})
        ids = known | {key: each["id"] for key, each in new.items()}
        return [self.of_buyer(ids[same_as(each)], asking.buyer) for each in drafts]

    def _draft(
        self, asking: Asking, wanted: Wanted, hosts: dict[str, Partner], access: Access
    ) -> dict[str, Any]:
        host = hosts.get(wanted.supplier)
        criteria = dict(wanted.criteria)
        if wanted.product is not None:
            criteria = {**criteria_of(access.standing, wanted.product), **criteria}
        draft = begun(
            buyer=asking.buyer,
            supplier=wanted.supplier,
            product=wanted.product,
            criteria=criteria,
            comment=asking.comment,
            created_at=self._services.clock(),
            due_at=asking.due_at,
            parent=asking.parent,
            partner=host.id if host else None,
        )
        found = matching(self._services, access, as_request(draft))
        return draft | (answered(found, self._services.clock()) if found else {})

    def _insert(self, connection: sa.Connection, row: dict[str, Any]) -> None:
        if row["partner"] and row["state"] == OPEN:
            row = asked_by_event(self._services, row, connection)
        connection.execute(tables.request.insert(), row)

    # -- answering ---------------------------------------------------------------------------

    def answer(self, request: Request, footprints: Sequence[str]) -> None:
        """Answer with footprints of the supplier that the buyer may read.

        Raises RequestEnded, AnswerRefused and AnswerNotDisclosed.
        """
        wanted = tuple(dict.fromkeys(each.lower() for each in footprints))
        if request.state == ANSWERED and set(wanted) <= set(request.footprints):
            return
        if not request.may_be_answered:
            raise RequestEnded(request=request.id)
        check(self._services, request, wanted)
        self._end(request, **answered(wanted, self._services.clock()))

    def decline(self, request: Request, reason: str) -> None:
        """Say why there is no footprint. Raises RequestEnded."""
        if request.state == DECLINED and request.reason == reason:
            return
        self._end(request, **declined(reason, _DENIED, self._services.clock()))

    def _end(self, request: Request, **values: Any) -> None:
        """Raises RequestEnded where somebody was faster."""
        with writing(self._services.database) as connection:
            if not change(connection, request, values):
                raise RequestEnded(request=request.id)
        if request.came:
            partner, source = str(request.partner), str(request.event_source)
            tell(self._services, partner, source, str(request.event))


@one_each
def requests_of(services: Services) -> Requests:
    """The requests of these services."""
    return Requests(services)
