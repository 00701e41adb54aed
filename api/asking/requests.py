"""Requests in their table, from when they are made until they have ended.

A request asks one enterprise for the footprint of one product. It is *answered* by footprints that
the buyer may read: those its supplier names, or the first that come on the shelf. It is *declined*
with a reason. It is *overdue* when its day has passed; within the enterprise's own reach it may
still be answered then. Whoever comes first settles it: every change says from which states, and a
second one finds none of them.

An event of a partner may become several requests, one for each maker of what it describes. When
none of them is open any more, the partner is told, once: the events's end and the outgoing event
are one transaction. What is not known here and what nobody answers is told alike, in the words that
nothing was found. That something is known can show in how soon the answer comes; products that are
registered are no secret among callers with a token (`api.access.access`), and partners have one.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from api import tables
from api.access.access import Access
from api.asking.rows import (
    ANSWERED,
    DECLINED,
    OPEN,
    OVERDUE,
    Request,
    alike,
    answered,
    as_request,
    change,
    criteria_for,
    declined,
    in_inbox,
    key_of,
    of_event,
    open_of,
    request_of,
    same_as,
)
from api.asking.whom import Wanted, by_criteria, criteria_of
from api.callers import Caller
from api.errors import (
    AnswerNotDisclosed,
    AnswerRefused,
    CriterionRefused,
    RequestEnded,
    RequestUnknown,
    TooManyRequestsOpen,
)
from api.outbox.cloud_event import CloudEvent
from api.outbox.outbox import outbox_of
from api.pact import events
from api.pact.criteria import Criteria
from api.pact.shelf import shelf_of
from api.partners.partners import KIND as PARTNER
from api.partners.partners import Partner, partners_of
from api.services import Services, one_each
from ledger.standing import Standing
from ledger.store import reading, writing

if TYPE_CHECKING:
    from api.partners.taking import Taken

DAY_MS: Final = 86_400_000
DUE_DAYS: Final = 30
"""By when an answer is asked for, where nobody says."""
LATE_DAYS: Final = 365
"""For so long after its day a request is still answered by a footprint that comes."""
MOST_OPEN: Final = 1_000
"""Open requests of one buyer, or of one partner."""
MOST_AT_ONCE: Final = 200
"""Requests of one asking or one event."""
MOST_FOOTPRINTS: Final = 500
"""In one answer; who asks for more reads the list."""
LONGEST_TEXT: Final = 2_000
"""Of comments and reasons, in characters."""

NOTHING_FOUND: Final = "No footprint was found that could be given."
TOO_MANY_MATCH: Final = (
    f"More than {MOST_FOOTPRINTS} footprints match: read them with GET /3/footprints."
)
TOO_MANY_ASKED: Final = "Too many requests of this partner are open, or one asks for too much."
NOT_TAKEN: Final = "What came in answer was not taken over."

_NOT_FOUND: Final = "NotFound"
_BAD: Final = "BadRequest"
_DENIED: Final = "AccessDenied"

_REQUEST = tables.request.c
_SHELVED = tables.shelved.c


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

    def standing_answers(self, request: Request) -> tuple[str, ...]:
        """Footprints of the supplier that would answer it, whether or not the buyer may read."""
        return self._matching(self._access(request.supplier), request)

    def is_readable(self, product: str, enterprise: str) -> bool:
        """Whether an enterprise may read the footprints of a product."""
        return self._access(enterprise).may_read_footprint_of(product)

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
        query = sa.select(tables.request).where(*conditions).order_by(_REQUEST.serial)
        with reading(self._services.database) as connection:
            return [request_of(row) for row in connection.execute(query)]

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
        hosts = self._hosts_for(asking.buyer)
        access = self._access(asking.buyer)
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
        draft = self._row(
            buyer=asking.buyer,
            supplier=wanted.supplier,
            product=wanted.product,
            criteria=criteria,
            comment=asking.comment,
            due_at=asking.due_at,
            parent=asking.parent,
            partner=host.id if host else None,
        )
        found = self._matching(access, as_request(draft))
        return draft | (answered(found, self._services.clock()) if found else {})

    def _hosts_for(self, buyer: str) -> dict[str, Partner]:
        """Through which partner which enterprise is asked for this buyer, to whom the partner's
        footprints are told."""
        return {
            enterprise: each
            for each in partners_of(self._services).active()
            if buyer in each.buyers
            for enterprise in (each.enterprise, *each.companies)
        }

    def _insert(self, connection: sa.Connection, row: dict[str, Any]) -> None:
        if row["partner"] and not row["came"] and row["state"] == OPEN:
            source = events.source_of(self._services.settings.public_address)
            now, comment = self._services.clock(), row["comment"]
            event = events.request_created(source, now, json.loads(row["criteria"]), comment)
            outbox_of(self._services).put(PARTNER, row["partner"], event, connection=connection)
            row = row | {"event": event.id, "event_source": event.source}
        connection.execute(tables.request.insert(), row)

    def _row(self, **values: Any) -> dict[str, Any]:
        """A request as it begins; the rest is given."""
        made = {
            "id": str(uuid.uuid4()),
            "asking": "",
            "parent": None,
            "supplier": None,
            "partner": None,
            "came": False,
            "event_source": None,
            "event": None,
            "product": None,
            "comment": "",
            "created_at": self._services.clock(),
            "state": OPEN,
            "answered_at": None,
            "told_at": None,
            "footprints": "[]",
            "reason": "",
            "code": "",
        }
        values["criteria"] = json.dumps(values["criteria"], sort_keys=True, ensure_ascii=False)
        return made | values

    # -- what answers a request --------------------------------------------------------------

    def _access(self, enterprise: str | None) -> Access:
        return Access(self._services.engine.standing(), Caller("procurement", enterprise))

    def _matching(self, access: Access, request: Request) -> tuple[str, ...]:
        """Ids of the footprints that answer a request and that the caller may read.

        They are in force, unless the request says which status or which day it is about.
        """
        if request.product is not None and not access.may_read_footprint_of(request.product):
            return ()
        shelf_of(self._services).follow(access.standing)
        conditions = list(criteria_for(request).conditions(self._services.clock()))
        if request.product is not None:
            conditions.append(_SHELVED.product == request.product)
        query = sa.select(_SHELVED.id, _SHELVED.product).where(*conditions)
        with reading(self._services.database) as connection:
            rows = connection.execute(query.order_by(_SHELVED.serial.desc())).all()
        fit = (
            row.id
            for row in rows
            if request.product is not None or _makes(access.standing, row.product, request.supplier)
            if access.may_read_footprint_of(row.product)
        )
        return tuple(islice(fit, MOST_FOOTPRINTS))

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
        fitting = set(self.standing_answers(request))
        for each in wanted:
            self._check(request, each, fitting)
        self._end(request, **answered(wanted, self._services.clock()))

    def decline(self, request: Request, reason: str) -> None:
        """Say why there is no footprint. Raises RequestEnded."""
        if request.state == DECLINED and request.reason == reason:
            return
        self._end(request, **declined(reason, _DENIED, self._services.clock()))

    def _check(self, request: Request, footprint: str, fitting: set[str]) -> None:
        supplier, buyer = self._access(request.supplier), self._access(request.buyer)
        found = shelf_of(self._services).find(footprint, supplier)
        if found is None or not _makes(supplier.standing, found.product, request.supplier):
            raise AnswerRefused(footprint=footprint, reason="you have no footprint of this id")
        if footprint not in fitting:
            raise AnswerRefused(
                footprint=footprint, reason="it is not what is asked for, or no longer in force"
            )
        if not buyer.may_read_footprint_of(found.product):
            statement = json.dumps(disclosure(found.product, request.buyer))
            raise AnswerNotDisclosed(footprint=footprint, buyer=request.buyer, statement=statement)

    def _end(self, request: Request, **values: Any) -> None:
        """Raises RequestEnded where somebody was faster."""
        with writing(self._services.database) as connection:
            if not change(connection, request, values):
                raise RequestEnded(request=request.id)
        if request.came:
            self._tell(str(request.partner), str(request.event_source), str(request.event))

    # -- partners ----------------------------------------------------------------------------

    def came(self, partner: Partner, event: events.RequestCreated) -> None:
        """Take what a partner asks for. The same event again changes nothing."""
        if not self._all(*of_event(partner.id, event.source, event.id)):
            rows = self._judged(partner, event)
            with writing(self._services.database) as connection:
                ours = of_event(partner.id, event.source, event.id)
                if connection.execute(sa.select(_REQUEST.id).where(*ours)).first() is None:
                    connection.execute(tables.request.insert(), rows)
        self._tell(partner.id, event.source, event.id)

    def _judged(self, partner: Partner, event: events.RequestCreated) -> list[dict[str, Any]]:
        """What an event becomes: requests to those who can answer, or one that has ended."""
        now, access = self._services.clock(), self._access(partner.enterprise)
        head = self._row(
            asking=str(uuid.uuid4()),
            buyer=partner.enterprise,
            partner=partner.id,
            came=True,
            event_source=event.source,
            event=event.id,
            criteria=event.criteria,
            comment=event.comment[:LONGEST_TEXT],
            due_at=now + DUE_DAYS * DAY_MS,
        )
        try:
            found = self._readable(Criteria.of(event.criteria), access)
        except CriterionRefused as refused:
            told = f"{refused.sentence} {refused.advice}" % refused.params
            return [head | declined(told, _BAD, now) | {"criteria": "{}"}]
        if len(found) > MOST_FOOTPRINTS:
            return [head | declined(TOO_MANY_MATCH, _BAD, now)]
        if found:
            return [head | answered(found, now)]
        wanted = list(self._askable(access.standing, partner, event))
        if not wanted:
            return [head | declined(NOTHING_FOUND, _NOT_FOUND, now)]
        if len(wanted) > MOST_AT_ONCE or self._open_from(partner) + len(wanted) > MOST_OPEN:
            return [head | declined(TOO_MANY_ASKED, _BAD, now)]
        return [
            head | {"id": str(uuid.uuid4()), "supplier": each.supplier, "product": each.product}
            for each in wanted
        ]

    def _readable(self, criteria: Criteria, access: Access) -> list[str]:
        """The footprints that fit and may be read: those in force, or the others if none is."""
        page = shelf_of(self._services).page(criteria, access, limit=MOST_FOOTPRINTS + 1)
        active = [each.id for each in page.items if each.status == "Active"]
        return active or [each.id for each in page.items]

    def _askable(
        self, standing: Standing, partner: Partner, event: events.RequestCreated
    ) -> Iterator[Wanted]:
        """Makers here, but for those that speak through a partner themselves."""
        hosts = partners_of(self._services).active()
        elsewhere = {each for host in hosts for each in host.companies} | {partner.enterprise}
        for wanted in by_criteria(standing, event.criteria):
            if wanted.product is not None and wanted.supplier not in elsewhere:
                yield wanted

    def _open_from(self, partner: Partner) -> int:
        with reading(self._services.database) as connection:
            return open_of(connection, partner.enterprise)

    def was_fulfilled(
        self, partner: Partner, event: events.RequestFulfilled, taken: Sequence[Taken]
    ) -> None:
        """A partner has answered; ``taken`` is what became of its footprints here."""
        found = tuple(each.id for each in taken if each.entry is not None)
        now = self._services.clock()
        ended = answered(found, now) if found else declined(NOT_TAKEN, "", now)
        self._end_sent(partner, event.request, ended)

    def was_rejected(self, partner: Partner, event: events.RequestRejected) -> None:
        """A partner has no footprint for us, and says why."""
        reason, code = event.message[:LONGEST_TEXT], event.code[:100]
        self._end_sent(partner, event.request, declined(reason, code, self._services.clock()))

    def _end_sent(self, partner: Partner, event: str, ended: dict[str, Any]) -> None:
        """End what we asked a partner, unless it has ended; what we never asked is passed over."""
        ours = (_REQUEST.partner == partner.id, _REQUEST.event == event, ~_REQUEST.came)
        with writing(self._services.database) as connection:
            change = tables.request.update().where(*ours, _REQUEST.state.in_((OPEN, OVERDUE)))
            connection.execute(change.values(ended))

    def _tell(self, partner: str, source: str, event: str) -> None:
        """Tell the host that asked how an event ended, if it has, and has not been told."""
        ours = of_event(partner, source, event)
        ended = self._all(*ours)
        if any(each.state == OPEN for each in ended):
            return
        answer = self._answer_to(event, ended)
        with writing(self._services.database) as connection:
            untold = tables.request.update().where(*ours, _REQUEST.told_at.is_(None))
            told = connection.execute(untold.values(told_at=self._services.clock()))
            if told.rowcount:
                outbox_of(self._services).put(PARTNER, partner, answer, connection=connection)

    def _answer_to(self, event: str, ended: Sequence[Request]) -> CloudEvent:
        source = events.source_of(self._services.settings.public_address)
        now, access = self._services.clock(), self._access(ended[0].buyer)
        ids = dict.fromkeys(id_ for each in ended for id_ in each.footprints)
        # What was closed or erased since is not told any more.
        found = [id_ for id_ in ids if shelf_of(self._services).find(id_, access)]
        if found:
            return events.request_fulfilled_by(source, now, event, found)
        said = [each for each in ended if each.state == DECLINED]
        reasons = " ".join(dict.fromkeys(each.reason for each in said)) or NOTHING_FOUND
        code = said[0].code if said else _NOT_FOUND
        return events.request_rejected(source, now, event, reasons, code)

    # -- in the background -------------------------------------------------------------------

    def settle(self) -> None:
        """Answer what can be answered, end what is overdue, and tell partners."""
        now = self._services.clock()
        for request in self._answerable(now):
            found = self._matching(self._access(request.buyer), request)
            if found:
                with writing(self._services.database) as connection:
                    change(connection, request, answered(found, now))
        with writing(self._services.database) as connection:
            late = tables.request.update().where(_REQUEST.state == OPEN, _REQUEST.due_at <= now)
            connection.execute(late.values(state=OVERDUE))
        for partner, source, event in self._untold():
            self._tell(partner, source, event)

    def _answerable(self, now: int) -> list[Request]:
        """Requests for what the shelf has a footprint of, and for what is not registered."""
        shelf_of(self._services).follow(self._services.engine.standing())
        shelved = sa.select(_SHELVED.product).where(_SHELVED.product == _REQUEST.product).exists()
        return self._all(
            sa.or_(_REQUEST.state == OPEN, sa.and_(_REQUEST.state == OVERDUE, ~_REQUEST.came)),
            _REQUEST.due_at > now - LATE_DAYS * DAY_MS,
            sa.or_(_REQUEST.product.is_(None), shelved),
        )

    def _untold(self) -> list[tuple[str, str, str]]:
        event = (_REQUEST.partner, _REQUEST.event_source, _REQUEST.event)
        query = sa.select(*event).where(_REQUEST.came, _REQUEST.told_at.is_(None)).distinct()
        with reading(self._services.database) as connection:
            return [
                (str(one), str(two), str(three)) for one, two, three in connection.execute(query)
            ]


@one_each
def requests_of(services: Services) -> Requests:
    """The requests of these services."""
    return Requests(services)


def settle(services: Services) -> None:
    """The errand (`api.serving.errands`)."""
    requests_of(services).settle()


def disclosure(product: str, buyer: str) -> dict[str, Any]:
    """The statement that opens a product's footprints to a buyer, to be signed by its owner."""
    opened = {"type": "footprint", "id": product}
    return {"type": "disclosure", "object": opened, "level": "named", "grantee": buyer}


def _makes(standing: Standing, product: str, enterprise: str | None) -> bool:
    return enterprise is not None and standing.owner_of("product", product) == enterprise
