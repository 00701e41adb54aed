"""The four events of PACT v3: read from what another host sent, and made for it.

=========================  ==============================================================
``RequestCreatedEvent``    whoever needs footprints asks for them by criteria
``RequestFulfilledEvent``  the footprints that answer it, one at least
``RequestRejectedEvent``   why there are none
``PublishedEvent``         ids of footprints that are new
=========================  ==============================================================

They are CloudEvents 1.0 in structured mode. An event is read strictly: JSON that every reader
understands alike, context attributes as CloudEvents wants them (strings without control
characters; ``id`` is free text, no UUID), data as PACT's schema has them. What PACT does not name
is passed over. JSON numbers with fractions are taken inside footprints alone, where their owners'
extensions may have them.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import orjson

from api.errors import CriterionRefused, EventMalformed
from api.outbox.cloud_event import SPEC_VERSION, CloudEvent
from api.pact.criteria import MOMENTS, TERMS, Criteria
from api.pact.documents import is_uuid
from api.pact.pages import items_of, only_item_of
from ledger.errors import JsonRefused
from ledger.strict_json import MAX_DEPTH, Float, JsonPath, JsonValue, dumps, loads

_PREFIX: Final = "org.wbcsd.pact.ProductFootprint."
REQUEST_CREATED: Final = f"{_PREFIX}RequestCreatedEvent.3"
REQUEST_FULFILLED: Final = f"{_PREFIX}RequestFulfilledEvent.3"
REQUEST_REJECTED: Final = f"{_PREFIX}RequestRejectedEvent.3"
PUBLISHED: Final = f"{_PREFIX}PublishedEvent.3"

EVENTS_PATH: Final = "/3/events"
CRITERIA: Final = (*TERMS, *MOMENTS, "status")
"""By what a request may ask: the filters of PACT's list, but for its length."""

_IN_DATA: Final = 3
"""A footprint lies so many levels deep in an event."""
_MOST_FOOTPRINTS: Final = 10_000
_LONGEST_ATTRIBUTE: Final = 1_000
_LONGEST_TEXT: Final = 10_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_URN = re.compile(r"urn:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RequestCreated:
    """``criteria`` maps names of `CRITERIA` to the values asked for; it may be empty."""

    id: str
    source: str
    criteria: Mapping[str, tuple[str, ...]]
    comment: str


@dataclass(frozen=True, slots=True)
class RequestFulfilled:
    """``request`` is the id of the event that asked; ``footprints`` are JSON objects, unread."""

    id: str
    source: str
    request: str
    footprints: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RequestRejected:
    """``request`` is the id of the event that asked."""

    id: str
    source: str
    request: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Published:
    """``footprints`` are UUIDs in lower case, each once."""

    id: str
    source: str
    footprints: tuple[str, ...]


Event: TypeAlias = RequestCreated | RequestFulfilled | RequestRejected | Published


# --- Reading ---------------------------------------------------------------------------------


def read(body: bytes) -> Event:
    """The event in ``body``. Raises EventMalformed, which says what is wrong and where."""
    members = _members(body)
    if members.get("specversion") != SPEC_VERSION:
        raise EventMalformed("/specversion", reason=f"“{SPEC_VERSION}” is expected")
    kind, id_, source = (_attribute(members, name) for name in ("type", "id", "source"))
    _check_time(members.get("time"))
    if kind not in _READERS:
        raise EventMalformed("/type", reason="this is none of PACT's four types of events")
    data = members.get("data")
    if not isinstance(data, dict):
        raise EventMalformed("/data", reason="an object is expected")
    event = _READERS[kind](id_, source, data)
    if isinstance(event, RequestFulfilled):
        # In the bytes they were sent in: their digest is of these.
        return replace(event, footprints=tuple(items_of(only_item_of(body), "pfs")))
    return event


def by_ids(body: bytes) -> bytes:
    """A RequestFulfilledEvent with nothing of its footprints but their ids; others as they are.

    For keeping: footprints may be closed or erased later, and copies of them would stay.
    """
    event: dict[str, Any] = _members(body)
    if event["type"] != REQUEST_FULFILLED:
        return body
    ids = [str(each.get("id", "")) for each in event["data"]["pfs"]]
    event["data"]["pfs"] = [{"id": each} for each in ids]
    return dumps(event)


def type_of(event: Event) -> str:
    """The CloudEvents type of an event that was read."""
    return _TYPES[type(event)]


def _members(body: bytes) -> dict[str, JsonValue]:
    try:
        read_ = loads(body, max_depth=MAX_DEPTH + _IN_DATA, float_allowed=_in_footprint)
    except JsonRefused as refused:
        reason = (refused.sentence % refused.params).rstrip(".")
        raise EventMalformed(refused.where, reason=reason) from None
    if not isinstance(read_, dict):
        raise EventMalformed(reason="a JSON object is expected")
    return read_


def _in_footprint(path: JsonPath) -> bool:
    return len(path) > _IN_DATA and path[:2] == ("data", "pfs")


def _attribute(members: Mapping[str, JsonValue], name: str) -> str:
    """A CloudEvents attribute of type String that has to be there."""
    value = members.get(name)
    if not isinstance(value, str) or isinstance(value, Float) or not value:
        raise EventMalformed(f"/{name}", reason="a text that is not empty is expected")
    if len(value) > _LONGEST_ATTRIBUTE:
        raise EventMalformed(
            f"/{name}", reason=f"it is longer than {_LONGEST_ATTRIBUTE} characters"
        )
    if _CONTROL.search(value):
        raise EventMalformed(f"/{name}", reason="control characters are not allowed here")
    return value


def _check_time(value: JsonValue) -> None:
    if value is None:
        return
    try:
        if not isinstance(value, str) or dt.datetime.fromisoformat(value).tzinfo is None:
            raise ValueError
    except ValueError:
        reason = "a date and time with a zone, such as 2025-01-01T00:00:00Z, is expected"
        raise EventMalformed("/time", reason=reason) from None


def _request_created(id_: str, source: str, data: Mapping[str, JsonValue]) -> RequestCreated:
    asked = {name: _values(data, name) for name in CRITERIA}
    criteria = {name: values for name, values in asked.items() if values}
    try:
        Criteria.of(criteria)
    except CriterionRefused as refused:
        where = f"/data/{refused.params['name']}"
        raise EventMalformed(where, reason=refused.params["reason"]) from None
    return RequestCreated(id_, source, criteria, _text(data, "comment", required=False))


def _values(data: Mapping[str, JsonValue], name: str) -> tuple[str, ...]:
    """What is asked for under a name: texts in an array.

    PACT's own schema has a text alone for moments and the status, which the list takes once.
    """
    given = data.get(name)
    if given is None:
        return ()
    if isinstance(given, str) and name not in TERMS:
        given = [given]
    if not isinstance(given, list):
        raise EventMalformed(f"/data/{name}", reason="an array of texts is expected")
    return tuple(_checked(value, f"/data/{name}/{i}") for i, value in enumerate(given))


def _request_fulfilled(id_: str, source: str, data: Mapping[str, JsonValue]) -> RequestFulfilled:
    request = _text(data, "requestEventId")
    found = _several(data, "pfs")
    for i, each in enumerate(found):
        if not isinstance(each, dict):
            raise EventMalformed(f"/data/pfs/{i}", reason="an object is expected")
    return RequestFulfilled(id_, source, request, ())


def _request_rejected(id_: str, source: str, data: Mapping[str, JsonValue]) -> RequestRejected:
    request, error = _text(data, "requestEventId"), data.get("error")
    if not isinstance(error, dict):
        raise EventMalformed("/data/error", reason="an object is expected")
    code, message = (_text(error, name, "/data/error") for name in ("code", "message"))
    return RequestRejected(id_, source, request, code, message)


def _published(id_: str, source: str, data: Mapping[str, JsonValue]) -> Published:
    return Published(id_, source, tuple(dict.fromkeys(_ids(_several(data, "pfIds")))))


def _ids(given: Sequence[JsonValue]) -> Iterator[str]:
    """The UUIDs among ids. A URN is passed over: it names a product, and no footprint can be read
    by it, but hosts do send them (WBCSD's conformance service for one)."""
    for i, value in enumerate(given):
        where = f"/data/pfIds/{i}"
        text = _checked(value, where)
        if is_uuid(text):
            yield text.lower()
        elif not _URN.match(text):
            raise EventMalformed(where, reason="a UUID with hyphens, without braces, is expected")


def _several(data: Mapping[str, JsonValue], name: str) -> list[JsonValue]:
    given = data.get(name)
    if not isinstance(given, list) or not given:
        raise EventMalformed(f"/data/{name}", reason="an array that is not empty is expected")
    if len(given) > _MOST_FOOTPRINTS:
        raise EventMalformed(f"/data/{name}", reason=f"more than {_MOST_FOOTPRINTS} at once")
    return given


def _text(
    data: Mapping[str, JsonValue], name: str, within: str = "/data", *, required: bool = True
) -> str:
    value = data.get(name)
    if value is None and not required:
        return ""
    text = _checked(value, f"{within}/{name}")
    if required and not text:
        raise EventMalformed(f"{within}/{name}", reason="a text that is not empty is expected")
    return text


def _checked(value: JsonValue, where: str) -> str:
    """A text that a database takes: PostgreSQL has none with NUL in it."""
    if not isinstance(value, str) or isinstance(value, Float):
        raise EventMalformed(where, reason="a text is expected")
    if len(value) > _LONGEST_TEXT:
        raise EventMalformed(where, reason=f"it is longer than {_LONGEST_TEXT} characters")
    if "\x00" in value:
        raise EventMalformed(where, reason="control characters are not allowed here")
    return value


_READERS: Final[Mapping[str, Callable[[str, str, Mapping[str, JsonValue]], Event]]] = {
    REQUEST_CREATED: _request_created,
    REQUEST_FULFILLED: _request_fulfilled,
    REQUEST_REJECTED: _request_rejected,
    PUBLISHED: _published,
}
_TYPES: Final[Mapping[type[Event], str]] = {
    RequestCreated: REQUEST_CREATED,
    RequestFulfilled: REQUEST_FULFILLED,
    RequestRejected: REQUEST_REJECTED,
    Published: PUBLISHED,
}


# --- Making ----------------------------------------------------------------------------------


def source_of(public_address: str) -> str:
    """What our events name as their source: where answers to them are sent."""
    return f"{public_address}{EVENTS_PATH}"


def request_created(
    source: str, now_ms: int, criteria: Mapping[str, Sequence[str]], comment: str = ""
) -> CloudEvent:
    """Ask for footprints; ``criteria`` as in `RequestCreated`.

    A moment or a status, of which PACT takes one, is written as a text alone.
    """
    asked = {name: values for name in CRITERIA if (values := list(criteria.get(name, ())))}
    data: dict[str, Any] = {
        name: values[0] if name not in TERMS and len(values) == 1 else values
        for name, values in asked.items()
    }
    return _made(REQUEST_CREATED, source, now_ms, data | ({"comment": comment} if comment else {}))


def request_fulfilled(
    source: str, now_ms: int, request: str, footprints: Iterable[bytes]
) -> CloudEvent:
    """Answer a request with ``footprints``, whole JSON objects; there must be one."""
    found = [orjson.Fragment(each) for each in footprints]
    if not found:
        raise ValueError("a request is fulfilled by one footprint at least")
    return _made(REQUEST_FULFILLED, source, now_ms, {"requestEventId": request, "pfs": found})


def request_fulfilled_by(
    source: str, now_ms: int, request: str, footprints: Iterable[str]
) -> CloudEvent:
    """The same answer for keeping, with nothing of its footprints but their ids."""
    only_ids = (orjson.dumps({"id": each}) for each in footprints)
    return request_fulfilled(source, now_ms, request, only_ids)


def request_rejected(
    source: str, now_ms: int, request: str, message: str, code: str = "NotFound"
) -> CloudEvent:
    """Say why a request is not fulfilled; ``code`` is one of PACT's (`api.web.pact_errors`)."""
    error = {"code": code, "message": message}
    return _made(REQUEST_REJECTED, source, now_ms, {"requestEventId": request, "error": error})


def published(source: str, now_ms: int, footprints: Sequence[str]) -> CloudEvent:
    """Tell of footprints that are new, by their ids."""
    return _made(PUBLISHED, source, now_ms, {"pfIds": list(footprints)})


def _made(kind: str, source: str, now_ms: int, data: Mapping[str, Any]) -> CloudEvent:
    return CloudEvent(str(uuid.uuid4()), kind, source, now_ms, data)
