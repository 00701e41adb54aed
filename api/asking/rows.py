"""A request as its table holds it, and which rows are meant.

A request is *overdue* when its day has passed; within the enterprise's own reach it may still be
answered then. Whoever comes first settles it: every change says from which states, and a second one
finds none of them.
"""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from api import tables
from api.asking.whom import OF_PRODUCTS, Given
from api.pact.criteria import Criteria
from ledger.store import reading

OPEN: Final = "open"
OVERDUE: Final = "overdue"
ANSWERED: Final = "answered"
DECLINED: Final = "declined"
STATES: Final = (OPEN, OVERDUE, ANSWERED, DECLINED)

_JSON = ("criteria", "footprints")
_REQUEST = tables.request.c


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Times are milliseconds since 1970 (UTC).

    ``supplier`` is asked by its inbox, or through ``partner``; with ``came`` it is the partner that
    asked. ``told_at``: when that was told how it ended. ``code`` is PACT's word beside ``reason``.
    """

    serial: int
    id: str
    asking: str
    parent: str | None
    buyer: str
    supplier: str | None
    partner: str | None
    came: bool
    event_source: str | None
    event: str | None
    product: str | None
    criteria: Given
    comment: str
    created_at: int
    due_at: int
    state: str
    answered_at: int | None
    told_at: int | None
    footprints: tuple[str, ...]
    reason: str
    code: str

    def state_at(self, now_ms: int) -> str:
        """Its state, also when nobody has looked since its day passed."""
        return OVERDUE if self.state == OPEN and self.due_at <= now_ms else self.state

    @property
    def may_be_answered(self) -> bool:
        """A partner that was told that nobody answered is told nothing else any more."""
        return self.state == OPEN or (self.state == OVERDUE and not self.came)


def in_inbox(enterprise: str) -> tuple[sa.ColumnElement[bool], ...]:
    """Asked of an enterprise, by its inbox and not through a partner."""
    return (_REQUEST.supplier == enterprise, sa.or_(_REQUEST.came, _REQUEST.partner.is_(None)))


def of_event(partner: str, source: str, event: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        _REQUEST.partner == partner,
        _REQUEST.event_source == source,
        _REQUEST.event == event,
        _REQUEST.came,
    )


def put_to(partner: str, event: str) -> tuple[sa.ColumnElement[bool], ...]:
    """What a partner was asked by an event of ours."""
    return (_REQUEST.partner == partner, _REQUEST.event == event, ~_REQUEST.came)


def all_of(database: sa.Engine, *conditions: sa.ColumnElement[bool]) -> list[Request]:
    """The requests that meet all of the conditions, the oldest first."""
    query = sa.select(tables.request).where(*conditions).order_by(_REQUEST.serial)
    with reading(database) as connection:
        return [request_of(row) for row in connection.execute(query)]


def open_of(connection: sa.Connection, buyer: str) -> int:
    mine = (_REQUEST.buyer == buyer, _REQUEST.state == OPEN)
    return connection.execute(sa.select(sa.func.count()).where(*mine)).scalar_one()


def alike(connection: sa.Connection, buyer: str, suppliers: Iterable[str]) -> Iterator[Request]:
    """What a buyer has asked of enterprises and was not declined."""
    query = sa.select(tables.request).where(
        _REQUEST.buyer == buyer,
        _REQUEST.supplier.in_(set(suppliers)),
        _REQUEST.state.in_((OPEN, ANSWERED)),
        ~_REQUEST.came,
    )
    return map(request_of, connection.execute(query))


def change(connection: sa.Connection, request: Request, values: dict[str, Any]) -> bool:
    """End a request that may still be answered; False where it has ended meanwhile."""
    states = (OPEN,) if request.came else (OPEN, OVERDUE)
    mine = (_REQUEST.serial == request.serial, _REQUEST.state.in_(states))
    changed = connection.execute(tables.request.update().where(*mine).values(values))
    return changed.rowcount == 1


def begun(**values: Any) -> dict[str, Any]:
    """The row of a request as it begins; nobody is asked, and nothing known, that is not given."""
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
        "state": OPEN,
        "answered_at": None,
        "told_at": None,
        "footprints": "[]",
        "reason": "",
        "code": "",
    }
    values["criteria"] = json.dumps(values["criteria"], sort_keys=True, ensure_ascii=False)
    return made | values


def answered(footprints: Sequence[str], now: int) -> dict[str, Any]:
    return {"state": ANSWERED, "answered_at": now, "footprints": json.dumps(list(footprints))}


def declined(reason: str, code: str, now: int) -> dict[str, Any]:
    return {"state": DECLINED, "answered_at": now, "reason": reason, "code": code}


def request_of(row: sa.Row[Any]) -> Request:
    return as_request(dict(row._mapping))


def as_request(row: Mapping[str, Any]) -> Request:
    read = {name: json.loads(row[name]) for name in _JSON}
    criteria = {name: tuple(values) for name, values in read["criteria"].items()}
    members: dict[str, Any] = (
        {"serial": 0} | dict(row) | {"criteria": criteria, "footprints": tuple(read["footprints"])}
    )
    return Request(**members)


def key_of(request: Request) -> tuple[Any, ...]:
    """What makes two requests of one buyer the same: also what they were answered with."""
    asked = json.dumps(request.criteria, sort_keys=True, ensure_ascii=False)
    return request.supplier, request.product, asked, request.parent, request.footprints


def same_as(row: dict[str, Any]) -> tuple[Any, ...]:
    return key_of(as_request(row))


def criteria_for(request: Request) -> Criteria:
    """Which footprints answer: of a known product, what tells products apart is settled."""
    given = dict(request.criteria)
    if request.product is not None:
        given = {name: each for name, each in given.items() if name not in OF_PRODUCTS}
    criteria = Criteria.of(given)
    if criteria.moments or criteria.statuses:
        return criteria
    return dataclasses.replace(criteria, statuses=("active",))
