"""Events of PACT v3: how they are read and made, who may send them, and that none counts twice."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from api import tables
from api.asking import between_hosts, receiving
from api.asking.settling import settle
from api.errors import EventFromElsewhere, EventMalformed, StatementNotFound
from api.oauth.clients import clients_of
from api.outbox.cloud_event import CloudEvent
from api.outbox.outbox import KEPT_MS, outbox_of
from api.pact import events
from api.partners import event_routes, taking
from api.partners.inbox import Received, inbox_of
from api.partners.partners import Partner, partners_of
from api.partners.sources import require_source
from api.services import Services
from ledger.errors import StoreFull
from tests.api.conftest import AsRole
from tests.factory import Actor, Factory

HOST = "https://pact.buyer.example"
NOW = 1_768_435_200_000
TYPE = "org.wbcsd.pact.ProductFootprint."
PF = "4fb7a1b9-3f27-4c04-8d3e-3a2c07f9d3a1"
JSON_TYPE = "application/cloudevents+json; charset=UTF-8"

pure = pytest.mark.only_on("sqlite", "reading bytes needs no database")


def event(kind: str = "RequestCreatedEvent.3", /, **members: Any) -> dict[str, Any]:
    """An event as PACT shows them, with members changed; None leaves one out."""
    data = {"productId": ["urn:pact:seller.example:product-id:44055"], "geography": ["DE"]}
    plain = {
        "type": TYPE + kind,
        "specversion": "1.0",
        "id": "1934405d-4f9b-4b3b-9c05bc35-68f8",
        "source": f"{HOST}/3/events",
        "time": "2025-03-05T17:31:00Z",
        "data": data,
    }
    return {name: each for name, each in {**plain, **members}.items() if each is not None}


def read(kind: str = "RequestCreatedEvent.3", /, **members: Any) -> events.Event:
    return events.read(json.dumps(event(kind, **members)).encode())


def where(kind: str = "RequestCreatedEvent.3", /, **members: Any) -> str:
    """Where an event is malformed."""
    with pytest.raises(EventMalformed) as refused:
        read(kind, **members)
    return refused.value.where


# --- Reading -----------------------------------------------------------------------------------


@pure
def test_a_request_is_read_with_its_criteria_and_an_id_that_is_no_uuid() -> None:
    data = {
        "productId": ["urn:gtin:4712345060507", "URN:gtin:1"],
        "validAfter": "2025-01-01T00:00:00Z",
        "status": ["Active"],
        "comment": "For the tender.",
        "nobody": {"knows": "this"},
    }
    assert read(data=data) == events.RequestCreated(
        id="1934405d-4f9b-4b3b-9c05bc35-68f8",
        source=f"{HOST}/3/events",
        criteria={
            "productId": ("urn:gtin:4712345060507", "URN:gtin:1"),
            "validAfter": ("2025-01-01T00:00:00Z",),
            "status": ("Active",),
        },
        comment="For the tender.",
    )


@pure
def test_a_request_without_criteria_is_an_event_too() -> None:
    for data in ({}, {"productId": []}, {"productId": None, "comment": None}, {"pf": {"a": ["b"]}}):
        read_ = read(data=data)
        assert isinstance(read_, events.RequestCreated)
        assert (read_.criteria, read_.comment) == ({}, "")


@pure
def test_footprints_of_an_answer_keep_the_bytes_they_were_sent_in() -> None:
    odd = b'{ "id":"b", "extensions": [{"data": {"x": 1.50e3}}],  "text": "\\u00e9]}\xc3\xa9" }'
    body = (
        b'{"specversion":"1.0","id":"a","source":"//pact.buyer.example","type":"'
        + events.REQUEST_FULFILLED.encode()
        + b'","data":{"pfs": [ '
        + odd
        + b' , {"id":"c"}],"requestEventId":"the one"}}'
    )
    assert events.read(body) == events.RequestFulfilled(
        id="a",
        source="//pact.buyer.example",
        request="the one",
        footprints=(odd, b'{"id":"c"}'),
    )


@pure
def test_a_rejection_is_read_with_its_code_and_message() -> None:
    error = {"code": "NotFound", "message": "There is no such footprint."}
    read_ = read("RequestRejectedEvent.3", data={"requestEventId": "7", "error": error})
    assert isinstance(read_, events.RequestRejected)
    assert (read_.request, read_.code, read_.message) == ("7", *error.values())


@pure
def test_published_ids_are_uuids_in_lower_case_each_once() -> None:
    read_ = read("PublishedEvent.3", data={"pfIds": [PF, PF.upper()]})
    assert isinstance(read_, events.Published)
    assert read_.footprints == (PF,)


@pure
def test_a_urn_among_published_ids_names_no_footprint_and_is_passed_over() -> None:
    """WBCSD's conformance service publishes urn:gtin:4712345060507, and expects status 200."""
    read_ = read("PublishedEvent.3", data={"pfIds": ["urn:gtin:4712345060507", PF]})
    assert isinstance(read_, events.Published)
    assert read_.footprints == (PF,)


@pure
@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"specversion": None}, "/specversion"),
        ({"specversion": "0.3"}, "/specversion"),
        ({"id": None}, "/id"),
        ({"id": ""}, "/id"),
        ({"id": 7}, "/id"),
        ({"id": "a\x00b"}, "/id"),
        ({"id": "a\nb"}, "/id"),
        ({"id": "x" * 1001}, "/id"),
        ({"source": None}, "/source"),
        ({"source": ["https://pact.buyer.example"]}, "/source"),
        ({"type": None}, "/type"),
        ({"type": "org.wbcsd.pathfinder.ProductFootprintRequest.Created.v1"}, "/type"),
        ({"type": f"{TYPE}RequestCreatedEvent.2"}, "/type"),
        ({"time": "yesterday"}, "/time"),
        ({"time": "2025-03-05T17:31:00"}, "/time"),
        ({"time": 1741195860}, "/time"),
        ({"data": None}, "/data"),
        ({"data": []}, "/data"),
        ({"data": "e30="}, "/data"),
        ({"data": {"productId": "urn:gtin:1"}}, "/data/productId"),
        ({"data": {"productId": [7]}}, "/data/productId/0"),
        ({"data": {"productId": ["urn:gtin:1", None]}}, "/data/productId/1"),
        ({"data": {"productId": ["a\x00"]}}, "/data/productId/0"),
        ({"data": {"productId": ["urn:gtin:1"] * 101}}, "/data/productId"),
        ({"data": {"validOn": ["2025-13-01T00:00:00Z"]}}, "/data/validOn"),
        ({"data": {"validOn": "2025-01-01T00:00:00"}}, "/data/validOn"),
        ({"data": {"comment": 7}}, "/data/comment"),
        ({"data": {"comment": "a\x00b"}}, "/data/comment"),
    ],
)
def test_what_is_wrong_with_a_request_is_told_by_its_place(
    members: dict[str, Any], place: str
) -> None:
    assert where(**members) == place


@pure
@pytest.mark.parametrize(
    ("kind", "data", "place"),
    [
        ("RequestFulfilledEvent.3", {"pfs": [{}]}, "/data/requestEventId"),
        ("RequestFulfilledEvent.3", {"requestEventId": "", "pfs": [{}]}, "/data/requestEventId"),
        ("RequestFulfilledEvent.3", {"requestEventId": "7"}, "/data/pfs"),
        ("RequestFulfilledEvent.3", {"requestEventId": "7", "pfs": []}, "/data/pfs"),
        ("RequestFulfilledEvent.3", {"requestEventId": "7", "pfs": {}}, "/data/pfs"),
        ("RequestFulfilledEvent.3", {"requestEventId": "7", "pfs": [{}, PF]}, "/data/pfs/1"),
        ("RequestRejectedEvent.3", {"requestEventId": "7"}, "/data/error"),
        ("RequestRejectedEvent.3", {"requestEventId": "7", "error": "No."}, "/data/error"),
        (
            "RequestRejectedEvent.3",
            {"error": {"code": "a", "message": "b"}},
            "/data/requestEventId",
        ),
        (
            "RequestRejectedEvent.3",
            {"requestEventId": "7", "error": {"code": "NotFound"}},
            "/data/error/message",
        ),
        ("PublishedEvent.3", {}, "/data/pfIds"),
        ("PublishedEvent.3", {"pfIds": []}, "/data/pfIds"),
        ("PublishedEvent.3", {"pfIds": PF}, "/data/pfIds"),
        ("PublishedEvent.3", {"pfIds": [PF, f"{{{PF}}}"]}, "/data/pfIds/1"),
        ("PublishedEvent.3", {"pfIds": ["5"]}, "/data/pfIds/0"),
        ("PublishedEvent.3", {"pfIds": [5]}, "/data/pfIds/0"),
    ],
)
def test_what_is_wrong_with_other_events_is_told_by_its_place(
    kind: str, data: dict[str, Any], place: str
) -> None:
    assert where(kind, data=data) == place


@pure
@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "character 0"),
        (b"[]", ""),
        (b'"event"', ""),
        (b'{"id": "a", "id": "b"}', ""),
        (b'{"data": {"productId": [1.5]}}', "/data/productId/0"),
        (b'{"id": 1e400}', "/id"),
        (b'{"id": "\\ud800"}', "/id"),
        (b'{"id": "\xff"}', "byte 8"),
        (b'{"id": NaN}', "/id"),
        (b'{"a": ' * 200 + b"1" + b"}" * 200, ""),
    ],
)
def test_json_that_readers_understand_differently_is_refused(body: bytes, place: str) -> None:
    with pytest.raises(EventMalformed) as refused:
        events.read(body)
    assert refused.value.where == place


@pure
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: json.dumps(text).encode()))
def test_any_bytes_are_read_or_refused_in_words(body: bytes) -> None:
    with pytest.raises(EventMalformed):
        events.read(body)


@pure
def test_nothing_of_an_answer_s_footprints_is_kept_but_their_ids() -> None:
    """Whatever they hold: here a number that no double holds, and one without an id."""
    body = json.dumps(event("RequestFulfilledEvent.3", data={"requestEventId": "7", "pfs": "?"}))
    full = body.replace('"?"', '[{"id": "a", "extensions": [1e400]}, {"n": 1.5}]').encode()
    kept = orjson.loads(events.by_ids(full))
    data = {"requestEventId": "7", "pfs": [{"id": "a"}, {"id": ""}]}
    assert kept == event("RequestFulfilledEvent.3", data=data)
    assert orjson.loads(events.by_ids(events.by_ids(full))) == kept
    other = json.dumps(event()).encode()
    assert events.by_ids(other) == other


# --- Making ------------------------------------------------------------------------------------


@pure
def test_an_event_has_the_members_that_cloudevents_names() -> None:
    """CloudEvents 1.0.2, JSON format, section 3: one object, the attributes beside the data."""
    made = CloudEvent("a", "t", "https://log.example", NOW, {"b": 1}, subject="s")
    assert orjson.loads(made.body) == {
        "specversion": "1.0",
        "id": "a",
        "source": "https://log.example",
        "type": "t",
        "time": "2026-01-15T00:00:00.000Z",
        "subject": "s",
        "data": {"b": 1},
    }


_TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"))


@pure
@given(
    terms=st.lists(_TEXTS, max_size=5),
    moments=st.lists(st.sampled_from(["2025-01-01T00:00:00Z", "2025-02-01T00:00:00+08:00"])),
    comment=_TEXTS,
)
def test_a_request_that_is_made_is_read_as_it_was_meant(
    terms: list[str], moments: list[str], comment: str
) -> None:
    asked = {"productId": terms, "validOn": moments}
    made = events.request_created(HOST, NOW, asked, comment)
    read_ = events.read(made.body)
    assert isinstance(read_, events.RequestCreated)
    assert read_.criteria == {name: tuple(each) for name, each in asked.items() if each}
    assert (read_.id, read_.source, read_.comment) == (made.id, HOST, comment)


@pure
def test_pact_takes_one_moment_and_one_status_so_they_are_written_as_texts() -> None:
    asked = {"productId": ["urn:gtin:1"], "validOn": ["2025-01-01T00:00:00Z"], "status": ["Active"]}
    data = orjson.loads(events.request_created(HOST, NOW, asked).body)["data"]
    assert data == {
        "productId": ["urn:gtin:1"],
        "validOn": "2025-01-01T00:00:00Z",
        "status": "Active",
    }


@pure
def test_answers_and_news_that_are_made_are_read_as_they_were_meant() -> None:
    raw = b'{ "id": "x", "n": 1.50 }'
    assert events.read(events.request_fulfilled(HOST, NOW, "7", [raw, raw]).body) == (
        events.RequestFulfilled(id=_ANY, source=HOST, request="7", footprints=(raw, raw))
    )
    assert events.read(events.request_fulfilled_by(HOST, NOW, "7", ["x"]).body) == (
        events.RequestFulfilled(id=_ANY, source=HOST, request="7", footprints=(b'{"id":"x"}',))
    )
    assert events.read(events.request_rejected(HOST, NOW, "7", "Why.").body) == (
        events.RequestRejected(id=_ANY, source=HOST, request="7", code="NotFound", message="Why.")
    )
    assert events.read(events.published(HOST, NOW, [PF]).body) == (
        events.Published(id=_ANY, source=HOST, footprints=(PF,))
    )
    with pytest.raises(ValueError, match="one footprint"):
        events.request_fulfilled(HOST, NOW, "7", [])


class _Any(str):
    """Equal to whatever was drawn."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)

    __hash__ = str.__hash__


_ANY = _Any()


# --- Whose event it is -------------------------------------------------------------------------


def partner_at(url: str) -> Partner:
    return Partner(
        id="p",
        name="Buyer",
        enterprise="e",
        url=url,
        auth_url=None,
        client_id="us",
        client="them",
        buyers=(),
        companies=(),
        created_at=0,
        removed_at=None,
        pulled_at=None,
    )


@pure
@pytest.mark.parametrize(
    ("registered", "source"),
    [
        (HOST, HOST),
        (HOST, f"{HOST}/"),
        (HOST, f"{HOST}/3/events"),
        (HOST, f"{HOST}/3/events/"),
        (HOST, "HTTPS://Pact.Buyer.EXAMPLE/3/events"),
        (HOST, "https://pact.buyer.example:443"),
        (HOST, "//pact.buyer.example/3/events"),
        (f"{HOST}/tenants/7", f"{HOST}/tenants/7/3/events"),
        ("http://127.0.0.1:8001", "http://127.0.0.1:8001/3/events"),
        ("https://[2001:db8::1]:8443/x", "//[2001:DB8::1]:8443/x"),
    ],
)
def test_a_source_is_the_registered_address_however_it_is_written(
    registered: str, source: str
) -> None:
    require_source(partner_at(registered), source)


@pure
@pytest.mark.parametrize(
    "source",
    [
        "https://evil.example",
        "https://pact.buyer.example.evil.example",
        "https://pact.buyer.example@evil.example",
        "https://evil.example/?https://pact.buyer.example",
        "https://pact.buyer.example/other",
        "https://pact.buyer.example:8443",
        "http://pact.buyer.example",
        "https://pact.buyer.example/3/events?to=evil.example",
        "https://pact.buyer.example#/3/events",
        "https://user@pact.buyer.example",
        "pact.buyer.example",
        "https:///3/events",
        "https://[::1",
        "https://pact.buyer.example:99999",
        "https://pact.buyer.example/3/events/3/events",
    ],
)
def test_any_other_source_is_refused(source: str) -> None:
    with pytest.raises(EventFromElsewhere):
        require_source(partner_at(HOST), source)


# --- Receiving ---------------------------------------------------------------------------------

Send = Callable[..., TestResponse]


@pytest.fixture
def buyer(factory: Factory) -> Actor:
    return factory.enterprise("Buyer")


@pytest.fixture
def credentials(services: Services, buyer: Actor) -> tuple[str, str]:
    return clients_of(services).add("procurement", buyer.id, "Their host", ("footprints", "events"))


@pytest.fixture
def partner(services: Services, buyer: Actor, credentials: tuple[str, str]) -> Partner:
    return partners_of(services).add(
        name="Buyer's host",
        enterprise=buyer.id,
        url=HOST,
        client_id="us",
        secret="over there",
        client=credentials[0],
    )


def token(client: FlaskClient, credentials: tuple[str, str]) -> dict[str, str]:
    basic = base64.b64encode(":".join(credentials).encode()).decode()
    answer = client.post(
        "/auth/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {basic}"},
    )
    return {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


@pytest.fixture
def send(client: FlaskClient, credentials: tuple[str, str], partner: Partner) -> Send:
    """Post an event as the partner's host does."""
    headers = token(client, credentials)

    def post(body: dict[str, Any] | bytes, content_type: str = JSON_TYPE) -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body)
        return client.post("/3/events", data=data, content_type=content_type, headers=headers)

    return post


def came(services: Services) -> list[Received]:
    return inbox_of(services).of()


def sent(services: Services) -> list[dict[str, Any]]:
    """What lies in the outbox, the oldest first."""
    return [orjson.loads(each.body) for each in reversed(outbox_of(services).of())]


def refusal(answer: TestResponse) -> tuple[int, str]:
    """Status and code, of an answer that has PACT's form."""
    told = answer.get_json()
    assert answer.content_type == "application/json"
    assert told.keys() == {"code", "message"}
    return answer.status_code, told["code"]


def test_an_event_is_taken_with_an_empty_answer_and_its_repeat_changes_nothing(
    services: Services, send: Send, partner: Partner
) -> None:
    for body in (event(), event(), event(data={"productId": ["urn:gtin:1"]})):
        answer = send(body)
        assert (answer.status_code, answer.data) == (200, b"")
        assert "Content-Type" not in answer.headers
    (kept,) = came(services)
    assert (kept.partner, kept.state) == (partner.id, "waiting")
    assert orjson.loads(kept.body) == event()
    send(event(id="another"))
    assert len(came(services)) == 2


@pytest.mark.parametrize("content_type", ["application/cloudevents+json", JSON_TYPE])
def test_the_media_type_may_name_its_charset(send: Send, content_type: str) -> None:
    assert send(event(), content_type).status_code == 200


@pytest.mark.only_on("sqlite", "what is refused is not stored")
def test_what_is_no_event_is_refused_in_words_of_pact(services: Services, send: Send) -> None:
    malformed = send(event(data={"productId": "urn:gtin:1"}))
    assert refusal(malformed) == (400, "BadRequest")
    assert "/data/productId" in malformed.get_json()["message"]
    assert refusal(send(b"{")) == (400, "BadRequest")
    assert refusal(send(b"")) == (400, "BadRequest")
    deep = b'{"specversion":' + b"[" * 100_000
    assert refusal(send(deep)) == (400, "BadRequest")
    twice = json.dumps(event()).encode().replace(b'"id":', b'"id": "x", "id":', 1)
    assert refusal(send(twice)) == (400, "BadRequest")
    assert refusal(send(event(), "application/json"))[1] == "BadRequest"
    assert came(services) == []


@pytest.mark.only_on("sqlite", "what is refused is not stored")
def test_a_body_that_is_too_large_is_not_read(services: Services, send: Send) -> None:
    answer = send(b" " * (event_routes.MAX_EVENT_BYTES + 1))
    assert refusal(answer) == (413, "BadRequest")
    assert came(services) == []


@pytest.mark.only_on("sqlite", "what is refused is not stored")
def test_an_event_in_the_name_of_another_partner_is_refused(
    services: Services, factory: Factory, send: Send
) -> None:
    other = factory.enterprise("Other")
    client, _ = clients_of(services).add("procurement", other.id, "Other's", ("events",))
    partners_of(services).add(
        name="Other",
        enterprise=other.id,
        url="https://pact.other.example",
        client_id="us",
        secret="s",
        client=client,
    )
    for source in ("https://pact.other.example/3/events", "https://evil.example/3/events"):
        assert refusal(send(event(source=source))) == (403, "AccessDenied")
    assert came(services) == []
    assert sent(services) == []


@pytest.mark.only_on("sqlite", "what is refused is not stored")
def test_only_hosts_that_the_operator_registered_send_events(
    services: Services, client: FlaskClient, partner: Partner, as_role: AsRole, buyer: Actor
) -> None:
    body = {"data": json.dumps(event()), "content_type": JSON_TYPE}
    assert refusal(client.post("/3/events", **body))[0] == 401
    stranger = clients_of(services).add("procurement", buyer.id, "Another program", ("events",))
    headers = token(client, stranger)
    assert refusal(client.post("/3/events", headers=headers, **body)) == (403, "AccessDenied")
    reader = clients_of(services).add("procurement", buyer.id, "A reader", ("footprints",))
    headers = token(client, reader)
    assert refusal(client.post("/3/events", headers=headers, **body)) == (403, "AccessDenied")
    headers = as_role("procurement", buyer)
    assert refusal(client.post("/3/events", headers=headers, **body)) == (403, "AccessDenied")
    assert came(services) == []


@pytest.mark.only_on("sqlite", "what is refused is not stored")
def test_a_host_that_was_removed_is_heard_no_more(
    services: Services, send: Send, partner: Partner
) -> None:
    assert send(event()).status_code == 200
    partners_of(services).remove(partner)
    assert refusal(send(event(id="later"))) == (403, "AccessDenied")
    receiving.run(services)
    (kept,) = came(services)
    assert kept.state == "failed"
    assert sent(services) == []


# --- What follows ------------------------------------------------------------------------------


def resin_of(factory: Factory, buyer: Actor) -> tuple[Actor, dict[str, Any]]:
    """A maker whose resin the buyer may read, and the resin's footprint."""
    maker = factory.enterprise("Maker")
    resin = maker.product("Resin")
    said = maker.footprint(resin, "2.5")
    maker.disclose("footprint", resin, to=buyer)
    return maker, said.statement.envelope.payload["pact"]


def test_a_request_for_what_may_be_read_ends_in_one_event_with_it(
    factory: Factory, services: Services, send: Send, buyer: Actor, partner: Partner
) -> None:
    _, footprint = resin_of(factory, buyer)
    assert send(event(data={"productId": footprint["productIds"]})).status_code == 200
    for _ in range(3):
        receiving.run(services)
        settle(services)
        send(event(data={"productId": footprint["productIds"]}))
    (answer,) = sent(services)
    assert answer["type"] == events.REQUEST_FULFILLED
    assert answer["data"]["requestEventId"] == event()["id"]
    assert [each["id"] for each in answer["data"]["pfs"]] == [footprint["id"]]
    (delivery,) = outbox_of(services).of("partner", partner.id)
    assert (delivery.state, delivery.id) == ("waiting", answer["id"])


def test_a_request_for_what_is_not_there_is_accepted_and_ends_in_one_rejection(
    services: Services, send: Send
) -> None:
    for data in ({"productId": ["urn:gtin:0"]}, {}, {"status": ["Imagined"]}):
        id_ = str(uuid.uuid4())
        for _ in range(2):
            assert send(event(id=id_, data=data)).status_code == 200
            receiving.run(services)
            settle(services)
        answer = sent(services)[-1]
        assert answer["type"] == events.REQUEST_REJECTED
        assert answer["data"]["requestEventId"] == id_
        assert answer["data"]["error"].keys() == {"code", "message"}
    assert len(sent(services)) == 3
    assert {each.state for each in came(services)} == {"done"}


def test_a_process_that_ended_before_it_noted_what_it_did_does_it_once(
    services: Services, send: Send
) -> None:
    send(event(data={"productId": ["urn:gtin:0"]}))
    receiving.run(services)
    with services.database.begin() as connection:
        connection.execute(tables.received.update().values(state="waiting"))
    receiving.run(services)
    assert len(sent(services)) == 1


@pytest.mark.only_on("sqlite", "about what is done, not where it is kept")
def test_a_request_that_cannot_be_dealt_with_is_rejected_and_holds_up_no_other(
    services: Services, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise StatementNotFound(digest="0")

    send(event(id="bad"))
    monkeypatch.setattr(between_hosts, "came", refuse)
    receiving.run(services)
    monkeypatch.undo()
    send(event(id="good"))
    receiving.run(services)
    assert [each["data"]["requestEventId"] for each in sent(services)] == ["bad", "good"]
    assert {each.id: each.state for each in came(services)} == {"bad": "failed", "good": "done"}


@pytest.mark.parametrize("fault", [StoreFull(), ZeroDivisionError()])
def test_where_this_server_is_at_fault_an_event_waits_and_is_tried_again(
    factory: Factory,
    services: Services,
    send: Send,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
) -> None:
    def fail(*_: Any) -> None:
        raise fault

    send(event(id="a"))
    send(event(id="b"))
    monkeypatch.setattr(between_hosts, "came", fail)
    receiving.run(services)
    monkeypatch.undo()
    assert [(each.state, each.attempts) for each in came(services)] == [("waiting", 1)] * 2
    receiving.run(services)
    assert sent(services) == []
    factory.clock.advance(seconds=13)
    receiving.run(services)
    assert [each["data"]["requestEventId"] for each in sent(services)] == ["a", "b"]


@pytest.mark.only_on("sqlite", "about what is done, not where it is kept")
def test_a_request_that_this_server_fails_at_for_72_hours_is_rejected_too(
    factory: Factory, services: Services, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    send(event())
    monkeypatch.setattr(between_hosts, "came", fail)
    for hours in (70, 1.9, 1):
        assert sent(services) == []
        factory.clock.advance(days=hours / 24)
        receiving.run(services)
    (answer,) = sent(services)
    assert answer["data"]["error"]["code"] == "InternalError"
    assert "ZeroDivision" not in answer["data"]["error"]["message"]
    receiving.run(services)
    assert len(sent(services)) == 1


def test_news_of_footprints_wait_for_the_next_pull(services: Services, send: Send) -> None:
    send(event("PublishedEvent.3", data={"pfIds": [PF]}))
    receiving.run(services)
    (kept,) = came(services)
    assert (kept.type, kept.state) == (events.PUBLISHED, "waiting")


@pytest.mark.only_on("sqlite", "about what is done, not where it is kept")
def test_answers_to_what_nobody_asked_are_taken_and_change_nothing(
    services: Services, send: Send
) -> None:
    error = {"code": "NotFound", "message": "No."}
    send(event("RequestRejectedEvent.3", data={"requestEventId": "never", "error": error}))
    pfs = [{"id": "no footprint", "extensions": [{"data": {"x": 1.5}}]}]
    send(event("RequestFulfilledEvent.3", id="b", data={"requestEventId": "never", "pfs": pfs}))
    size = services.log.size()
    receiving.run(services)
    assert {each.state for each in came(services)} == {"done"}
    assert services.log.size() == size
    assert sent(services) == []


@pytest.mark.only_on("sqlite", "about what is done, not where it is kept")
def test_footprints_that_nobody_asked_for_are_not_even_looked_at(
    services: Services, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Any] = []
    monkeypatch.setattr(taking, "take_in", lambda *given: looked.append(given) or [])
    send(event("RequestFulfilledEvent.3", data={"requestEventId": "never", "pfs": [{}]}))
    receiving.run(services)
    assert looked == []
    (kept,) = came(services)
    assert (kept.state, kept.told) == ("done", "Nothing was asked of it under this id.")


def test_bodies_of_old_events_go_and_a_repeat_still_changes_nothing(
    factory: Factory, services: Services, client: FlaskClient, send: Send, partner: Partner
) -> None:
    send(event())
    send(event("PublishedEvent.3", id="news", data={"pfIds": [PF]}))
    receiving.run(services)
    factory.clock.advance(days=KEPT_MS / 86_400_000 + 1)
    inbox_of(services).forget()
    bodies = {each.id: len(each.body) for each in came(services)}
    assert bodies.pop("news") > 0  # it waits
    assert list(bodies.values()) == [0]
    again = events.read(json.dumps(event()).encode())
    assert not inbox_of(services).keep(partner, again, json.dumps(event()).encode())
    with services.database.connect() as connection:
        count = connection.execute(sa.select(sa.func.count()).select_from(tables.received))
        assert count.scalar_one() == 2
