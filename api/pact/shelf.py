"""The shelf: every PACT footprint that is, or was, handed out, as its readers got it.

A footprint that was declared (or read from another host) comes on the shelf when the log takes the
statement; it is Deprecated as soon as another stands in its place or nothing does, and when its
validity is over. Nothing else about it changes. One whose payload is erased is gone.

The shelf follows the log and can be made anew from it, but for what was computed: see
``api.pact.computed``. Who may read a footprint is decided when it is asked for
(`api.access.access.Access.may_read_footprint_of`), so that a disclosure taken back holds at once;
one that the caller may not read answers as one that is not there.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, cast

import orjson
import sqlalchemy as sa

from api import tables
from api.access.access import Access
from api.callers import Caller
from api.pact import provenance
from api.pact.criteria import Criteria, terms_of
from api.pact.documents import Document, declared
from api.pact.marks import mark, set_mark
from api.services import Services, one_each
from ledger import tables as ledger_tables
from ledger.entry import Entry
from ledger.errors import PayloadErased
from ledger.standing import Said, Standing
from ledger.statements import Erasure, Footprint, NaturalKey
from ledger.store import asking, reading, writing
from ledger.strict_json import dumps

PROVENANCE_SPEC: Final = "2.0.0"
"""Version of PACT's extension specification that ours follows."""
PROVENANCE_PATH: Final = "/v1/schemas/provenance-1.json"
"""Where this server publishes the JSON Schema of its extension."""
_DOCUMENTATION_PATH: Final = "/docs"

_FOLLOWED = ("footprint", "withdrawal", "erasure", "revocation", "recovery")
_UNSETTLING = ("revocation", "recovery")
"""What may take the ground from under statements that it does not name."""
_STATUSES = {
    status: b',"status":"%s","extensions":[' % status.encode()
    for status in ("Active", "Deprecated")
}
_AT_ONCE = 100
_SCANNED = 500

_SHELVED = tables.shelved.c
_TERM = tables.shelved_term.c
_SEEN = (_SHELVED.serial, _SHELVED.product, _SHELVED.kind, _SHELVED.deprecated_size)
_LAST_SERIAL = "shelved-serial"
"""Kept apart, so that no number comes again once the footprint that had it is erased."""
_BY_ID = sa.select(tables.shelved).where(_SHELVED.id == sa.bindparam("id"))
_NOW = sa.select(sa.func.max(ledger_tables.checkpoint.c.size).label("log_size")).subquery()
_BY_ID_NOW = sa.select(_NOW.c.log_size, tables.shelved).select_from(
    _NOW.outerjoin(tables.shelved, _SHELVED.id == sa.bindparam("id"))
)


@dataclass(frozen=True, slots=True)
class Shelved:
    """A footprint as it is handed out; ``json`` is the whole object."""

    serial: int
    id: str
    kind: str
    product: str
    entry: int
    digest: str | None
    status: str
    json: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; ``after`` is where the next page begins, None on the last."""

    items: tuple[Shelved, ...]
    after: int | None


@dataclass(frozen=True, slots=True)
class New:
    """A footprint that comes on the shelf under the next serial number."""

    id: str
    kind: str
    product: str
    key: str
    entry: int
    digest: str | None
    document: Document
    provenance: dict[str, Any]
    valid_from: int
    valid_until: int
    deprecated_at: int | None = None


class Shelf:
    """The footprints of one log; safe to share between threads."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._followed = -1
        self._standing: Standing | None = None

    # -- reading -----------------------------------------------------------------------------

    def find(self, footprint: str, access: Access) -> Shelved | None:
        """The footprint with this id; None where there is none that the caller may read."""
        self.follow(access.standing)
        with asking(self._services.database) as connection:
            row = connection.execute(_BY_ID, {"id": footprint}).one_or_none()
        return self._opened(row, access)

    def read(self, footprint: str, caller: Caller) -> Shelved | None:
        """As `find`, by what stands now.

        Most often nothing was appended since the last was read: then one query tells so, and gives
        the footprint.
        """
        with asking(self._services.database) as connection:
            row = connection.execute(_BY_ID_NOW, {"id": footprint}).one()
        known = self._standing
        if known is not None and known.size == row.log_size <= self._followed:
            return self._opened(None if row.id is None else row, Access(known, caller))
        self._standing = self._services.engine.standing()
        return self.find(footprint, Access(self._standing, caller))

    def _opened(self, row: Any, access: Access) -> Shelved | None:
        if row is None or not _may_read(access, row.product, _computed_until(row)):
            return None
        return self._shelved(row, self._services.clock())

    def page(
        self, criteria: Criteria, access: Access, *, after: int | None = None, limit: int = 100
    ) -> Page:
        """At most ``limit`` footprints that the caller may read, in the order they came.

        ``after`` is that of the page before. A page that begins there is the same for good, but
        for what was closed, deprecated or erased since.
        """
        self.follow(access.standing)
        with reading(self._services.database) as connection:
            found = self._visible(connection, criteria, access, after or 0, limit + 1)
            rows = _rows(connection, found[:limit])
        more = len(found) > limit
        now = self._services.clock()
        items = tuple(self._shelved(row, now) for row in rows)
        return Page(items, found[limit - 1] if more else None)

    def _visible(
        self,
        connection: sa.Connection,
        criteria: Criteria,
        access: Access,
        after: int,
        most: int,
    ) -> list[int]:
        """Serials of the first ``most`` that match and may be read."""
        conditions = tuple(criteria.conditions(self._services.clock()))
        readable: dict[tuple[str, int | None], bool] = {}
        found: list[int] = []
        at_once = most  # enough where all may be read
        while True:
            query = sa.select(*_SEEN).where(_SHELVED.serial > after, *conditions)
            scanned = connection.execute(query.order_by(_SHELVED.serial).limit(at_once)).all()
            for row in scanned:
                which = row.product, _computed_until(row)
                if which not in readable:
                    readable[which] = _may_read(access, *which)
                if readable[which]:
                    found.append(row.serial)
                if len(found) == most:
                    return found
            if len(scanned) < at_once:
                return found
            after, at_once = scanned[-1].serial, _SCANNED

    def _shelved(self, row: Any, now: int) -> Shelved:
        over = row.deprecated_at is not None or row.valid_until <= now
        status = "Deprecated" if over else "Active"
        return Shelved(
            serial=row.serial,
            id=row.id,
            kind=row.kind,
            product=row.product,
            entry=row.entry,
            digest=row.digest,
            status=status,
            json=self._json(row, status),
        )

    def _json(self, row: Any, status: str) -> bytes:
        """The object: the stored pieces are whole, so nothing is parsed to hand it out."""
        owners = row.extensions[1:-1]
        return b"".join(
            (
                row.document[:-1],
                _STATUSES[status],
                owners,
                b"," if owners else b"",
                self._our_extension,
                row.provenance,
                b"}]}",
            )
        )

    @cached_property
    def _our_extension(self) -> bytes:
        """How it begins; what it says follows."""
        address = self._services.settings.public_address
        members = {
            "specVersion": PROVENANCE_SPEC,
            "dataSchema": f"{address}{PROVENANCE_PATH}",
            "documentation": f"{address}{_DOCUMENTATION_PATH}",
        }
        return orjson.dumps(members)[:-1] + b',"data":'

    # -- following the log -------------------------------------------------------------------

    def follow(self, standing: Standing) -> None:
        """Bring the shelf up to what ``standing`` is after; nothing to do most of the time."""
        if standing.size <= self._followed:
            return
        with self._lock:
            while (done := self._follow_some(standing)) < standing.size:
                pass
            self._followed = max(self._followed, done)

    def _follow_some(self, standing: Standing) -> int:
        """Take in the next entries, all or nothing; the log size that is taken in.

        What is long to make, proofs and documents, is made before the writer's lock is taken, so
        that whoever appends meanwhile waits for rows only.
        """
        with reading(self._services.database) as connection:
            size = mark(connection, tables.shelved.name)
        if size >= standing.size:
            return size
        stop = min(size + _AT_ONCE, standing.size)
        entries = list(self._services.log.typed(_FOLLOWED, size, stop))
        declared = {each.index: self._declared(each, standing) for each in entries if _says(each)}
        unsettles = any(each.leaf.type in _UNSETTLING for each in entries)
        keys = self._unsettled(standing) if unsettles else set[str]()
        with writing(self._services.database) as connection:
            if (done := mark(connection, tables.shelved.name)) != size:
                return done  # somebody was faster
            for entry in entries:
                keys |= self._taken_in(connection, entry, declared.get(entry.index))
            self._settle(connection, standing, keys)
            set_mark(connection, tables.shelved.name, stop)
            return stop

    def _unsettled(self, standing: Standing) -> set[str]:
        """The keys under which something is handed out that stands no more."""
        with reading(self._services.database) as connection:
            rows = connection.execute(_IN_USE).all()
        found = ((row, standing.find(NaturalKey.parse(row.key))) for row in rows)
        return {row.key for row, said in found if said is None or said.digest != row.digest}

    def _taken_in(self, connection: sa.Connection, entry: Entry, declared: New | None) -> set[str]:
        """The keys of which another footprint may stand because of an entry."""
        if entry.is_erased:
            return set()
        if declared is not None:
            return self._put_declared(connection, declared)
        if entry.leaf.type == Erasure.TYPE:
            erased = cast(Erasure, entry.statement.body).digest
            return _remove(connection, _SHELVED.digest == erased)
        if entry.leaf.type in _UNSETTLING:
            return set()  # found before
        prev = entry.statement.common.prev
        return set(
            connection.execute(sa.select(_SHELVED.key).where(_SHELVED.digest == prev)).scalars()
        )

    def _put_declared(self, connection: sa.Connection, new: New) -> set[str]:
        """One that is said again with the same id takes the place of the first.

        The log lets that happen to a suspect statement only. Another's id that was computed here
        is in no statement, and can be repeated in one: that is no footprint of its own.
        """
        taken = connection.execute(sa.select(_SHELVED.key).where(_SHELVED.id == new.id)).scalar()
        if taken not in (None, new.key):
            return set()
        if taken is not None:
            _remove(connection, _SHELVED.id == new.id)
        put(connection, [new])
        return {new.key}

    def _declared(self, entry: Entry, standing: Standing) -> New:
        statement = entry.statement
        body = cast(Footprint, statement.body)
        kind = provenance.DECLARED if body.external is None else provenance.EXTERNAL
        said_deprecated = body.pact.status == "Deprecated"
        return New(
            id=body.pact.id,
            kind=kind,
            product=body.product,
            key=body.natural_key(statement.subject).text,
            entry=entry.index,
            digest=statement.digest,
            document=declared(statement),
            provenance=provenance.of_statement(self._services, entry, kind, standing),
            valid_from=ms_of(body.pact.valid_from),
            valid_until=ms_of(body.pact.valid_until),
            deprecated_at=entry.leaf.time if said_deprecated else None,
        )

    def _settle(self, connection: sa.Connection, standing: Standing, keys: Iterable[str]) -> None:
        """Deprecate what does not stand, and what was computed where a declared one does.

        Once Deprecated, a footprint stays so.
        """
        for key in sorted(keys):
            said = standing.find(NaturalKey.parse(key))
            self._deprecate(connection, key, standing.size, but=said.digest if said else "")
            if said is not None:
                self._deprecate(connection, _computed_beside(said), said.index + 1)

    def _deprecate(self, connection: sa.Connection, key: str, size: int, but: str = "") -> None:
        others = sa.or_(_SHELVED.digest.is_(None), _SHELVED.digest != but)
        change = tables.shelved.update().where(
            _SHELVED.key == key, others, _SHELVED.deprecated_at.is_(None)
        )
        now = self._services.clock()
        connection.execute(change.values(deprecated_at=now, deprecated_size=size))


@one_each
def shelf_of(services: Services) -> Shelf:
    """The shelf of these services."""
    return Shelf(services)


def _says(entry: Entry) -> bool:
    """Whether an entry declares a footprint that can still be read."""
    return entry.leaf.type == Footprint.TYPE and not entry.is_erased


_IN_USE = sa.select(_SHELVED.key, _SHELVED.digest).where(
    _SHELVED.deprecated_at.is_(None), _SHELVED.digest.is_not(None)
)


def put(connection: sa.Connection, new: Sequence[New]) -> None:
    """Put footprints on the shelf, under the writer's lock."""
    if not new:
        return
    first = mark(connection, _LAST_SERIAL) + 1
    set_mark(connection, _LAST_SERIAL, first + len(new) - 1)
    rows = [_row(serial, each) for serial, each in enumerate(new, start=first)]
    connection.execute(tables.shelved.insert(), rows)
    terms = [
        {"name": name, "value": value, "serial": serial}
        for serial, each in enumerate(new, start=first)
        for name, value in terms_of(each.document.members)
    ]
    connection.execute(tables.shelved_term.insert(), terms)


def _row(serial: int, new: New) -> dict[str, Any]:
    return {
        "serial": serial,
        "id": new.id,
        "kind": new.kind,
        "product": new.product,
        "key": new.key,
        "entry": new.entry,
        "digest": new.digest,
        "document": dumps(new.document.members),
        "extensions": dumps(list(new.document.extensions)),
        "provenance": dumps(new.provenance),
        "valid_from": new.valid_from,
        "valid_until": new.valid_until,
        "deprecated_at": new.deprecated_at,
    }


def _computed_until(row: Any) -> int | None:
    """Of a computed footprint that is over, the size of the log then; else None."""
    return row.deprecated_size if row.kind == provenance.COMPUTED else None


def _may_read(access: Access, product: str, computed_until: int | None) -> bool:
    if computed_until is None:
        return access.may_read_footprint_of(product)
    return access.might_read_footprint_of(product, computed_until)


def computed_key(product: str, year: int) -> str:
    """What the computed footprints of a product in a calendar year are versions of."""
    return f"{provenance.COMPUTED}|{product}|{year}"


def _computed_beside(said: Said) -> str:
    """The key of what is computed where this was not declared; none where it is for one site."""
    try:
        declared = cast(Footprint, said.statement.body)
    except PayloadErased:  # since the standing was read; the erasure comes next
        return ""
    if declared.site is not None or declared.pact.status == "Deprecated":
        return ""
    return computed_key(declared.product, declared.pact.pcf.reference_year)


def _remove(connection: sa.Connection, which: sa.ColumnElement[bool]) -> set[str]:
    """Take footprints off the shelf; the keys they were under."""
    rows = connection.execute(sa.select(*_SEEN, _SHELVED.key).where(which)).all()
    for row in rows:
        connection.execute(tables.shelved_term.delete().where(_TERM.serial == row.serial))
        connection.execute(tables.shelved.delete().where(_SHELVED.serial == row.serial))
    return {row.key for row in rows}


def _rows(connection: sa.Connection, serials: Sequence[int]) -> Iterator[Any]:
    if not serials:
        return iter(())
    query = sa.select(tables.shelved).where(_SHELVED.serial.in_(serials))
    return iter(connection.execute(query.order_by(_SHELVED.serial)).all())


def ms_of(instant: dt.datetime) -> int:
    return round(instant.timestamp() * 1000)
