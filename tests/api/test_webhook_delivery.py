"""Events on their way to a real receiver over HTTP, which checks them with nothing but hmac."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from flask.testing import FlaskClient

from api.services import Services
from api.serving.delivery import courier_of
from api.settings import Settings
from api.subscriptions.addresses import session
from api.subscriptions.watching import watch
from ledger.log import Accepted
from tests.api.conftest import AsRole, Headers
from tests.e2e.tls_proxy import TlsProxy
from tests.factory import Actor, Factory
from tests.patience import HANG_SECONDS
from tests.serving import running

HOUR = 3600


@dataclass
class Request:
    """What arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """A server that keeps what it is sent, and answers as ``answers`` say, in the end 204."""

    url: str
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    got: list[Request] = field(default_factory=list)


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            named = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Request(named, body))
            status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    with running(server) as address:
        receiver.url = f"{address}/hook"
        yield receiver


@dataclass
class World:
    """A supplier, a buyer that has subscribed to its product, and where it is told."""

    services: Services
    client: FlaskClient
    factory: Factory
    supplier: Actor
    headers: Headers
    receiver: Receiver
    subscription: dict[str, Any]
    disclosed: Accepted
    last: Accepted

    @property
    def path(self) -> str:
        return f"/v1/subscriptions/{self.subscription['id']}"

    def restates(self, total: str) -> None:
        self.last = self.supplier.correct(self.last, pact=self.supplier.pact_body(total))

    def runs(self) -> None:
        """What the server does in the background."""
        watch(self.services)
        courier_of(self.services).run()

    def deliveries(self) -> list[Any]:
        answer = self.client.get(f"{self.path}/deliveries", headers=self.headers).get_json()
        items: list[Any] = answer["items"]
        return items

    def replays(self, event: str) -> int:
        path = f"{self.path}/deliveries/{event}/replay"
        return self.client.post(path, headers=self.headers).status_code


@pytest.fixture
def world(
    services: Services, client: FlaskClient, as_role: AsRole, factory: Factory
) -> Iterator[World]:
    supplier, buyer = factory.enterprise("Supplier"), factory.enterprise("Buyer")
    product = supplier.product("Steel")
    last = supplier.footprint(product, "2")
    disclosed = supplier.disclose("footprint", product, to=buyer)
    headers = as_role("procurement", buyer)
    with receiving() as receiver:
        asked = {"kind": "product", "id": product, "url": receiver.url, "year": 2025}
        made = client.post("/v1/subscriptions", json=asked, headers=headers).get_json()
        yield World(services, client, factory, supplier, headers, receiver, made, disclosed, last)


def signatures_of(secret: str, request: Request) -> str:
    """As the specification words it: base64(HMAC-SHA256(key, id.timestamp.body))."""
    key = base64.b64decode(secret[len("whsec_") :])
    id_, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    content = id_.encode() + b"." + at.encode() + b"." + request.body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def test_a_change_arrives_signed(world: World) -> None:
    world.restates("3")
    world.runs()
    (request,) = world.receiver.got
    assert request.headers["content-type"].startswith("application/cloudevents+json")
    assert request.headers["webhook-id"] == request.event["id"]
    assert int(request.headers["webhook-timestamp"]) == world.factory.clock() // 1000
    secret = world.subscription["secret"]
    assert request.headers["webhook-signature"] == signatures_of(secret, request)
    assert request.event["data"]["after"]["value"] == "3"
    (delivery,) = world.deliveries()
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)
    world.runs()
    assert len(world.receiver.got) == 1


def test_a_receiver_that_fails_gets_the_event_again_with_its_id_and_a_new_time(
    world: World,
) -> None:
    world.receiver.answers = [(500, {}), (307, {"Location": "http://127.0.0.1:1/"})]
    world.restates("3")
    for _ in range(3):
        world.runs()
        world.factory.clock.advance(seconds=HOUR)
    first, second, third = world.receiver.got
    assert first.body == second.body == third.body
    assert first.headers["webhook-id"] == third.headers["webhook-id"]
    assert first.headers["webhook-timestamp"] != third.headers["webhook-timestamp"]
    secret = world.subscription["secret"]
    assert third.headers["webhook-signature"] == signatures_of(secret, third)
    assert (world.deliveries()[0]["state"], world.deliveries()[0]["attempts"]) == ("delivered", 3)


def test_what_went_wrong_can_be_looked_at(world: World) -> None:
    world.receiver.answers = [(503, {"Retry-After": "7200"})]
    world.restates("3")
    world.runs()
    (delivery,) = world.deliveries()
    assert (delivery["state"], delivery["attempts"]) == ("waiting", 1)
    assert "503" in delivery["lastAnswer"]
    world.factory.clock.advance(seconds=7199)
    world.runs()
    assert len(world.receiver.got) == 1
    world.factory.clock.advance(seconds=1)
    world.runs()
    assert len(world.receiver.got) == 2


def test_an_event_is_sent_again_by_its_id(world: World) -> None:
    world.restates("3")
    world.runs()
    (delivery,) = world.deliveries()
    world.factory.clock.advance(days=1)
    assert world.replays(delivery["id"]) == 202
    world.runs()
    first, again = world.receiver.got
    assert again.body == first.body
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert int(again.headers["webhook-timestamp"]) == world.factory.clock() // 1000
    assert world.replays("00000000-0000-4000-8000-000000000000") == 404


def test_both_secrets_sign_while_one_is_exchanged_for_the_other(world: World) -> None:
    fresh = world.client.post(f"{world.path}/rotate", headers=world.headers).get_json()["secret"]
    world.restates("3")
    world.runs()
    (request,) = world.receiver.got
    given = request.headers["webhook-signature"].split(" ")
    former = world.subscription["secret"]
    assert given == [signatures_of(fresh, request), signatures_of(former, request)]


def test_a_number_that_waited_is_not_sent_once_it_is_closed(world: World) -> None:
    world.receiver.answers = [(500, {})]
    world.restates("3")
    world.runs()
    assert len(world.receiver.got) == 1
    world.supplier.correct(world.disclosed, level="private")
    world.factory.clock.advance(seconds=HOUR)
    world.runs()
    world.factory.clock.advance(seconds=HOUR)
    world.runs()
    told = [request.event["data"]["after"]["state"] for request in world.receiver.got]
    assert told == ["value", "closed"]
    closing, number = world.deliveries()
    assert (closing["state"], number["state"]) == ("delivered", "failed")
    assert world.replays(number["id"]) == 202
    world.runs()
    assert len(world.receiver.got) == 2


def test_nothing_is_sent_after_the_end(world: World) -> None:
    world.restates("3")
    watch(world.services)
    assert world.client.delete(world.path, headers=world.headers).status_code == 204
    courier_of(world.services).run()
    assert world.receiver.got == []


def test_a_receiver_that_is_gone_ends_the_subscription(world: World) -> None:
    world.receiver.answers = [(410, {})]
    world.restates("3")
    world.runs()
    detail = world.client.get(world.path, headers=world.headers).get_json()
    assert detail["endedAt"] is not None
    assert world.deliveries()[0]["state"] == "failed"


def test_the_end_of_a_token_is_said_last(world: World) -> None:
    (token,) = world.services.tokens.list()
    world.services.tokens.revoke(token.id)
    world.restates("3")
    world.runs()
    (request,) = world.receiver.got
    assert request.event["type"] == "org.catchment.subscription.ended.1"
    assert "3" not in str(request.event["data"].get("after", ""))


def test_a_test_event_arrives(world: World) -> None:
    answered = world.client.post(f"{world.path}/test", headers=world.headers)
    world.runs()
    (request,) = world.receiver.got
    assert request.event["id"] == answered.get_json()["event"]
    assert request.event["type"] == "org.catchment.subscription.test.1"


def test_nobody_listening_is_told_as_no_connection(world: World) -> None:
    asked = {"kind": "product", "id": world.subscription["about"], "url": "http://127.0.0.1:1/"}
    made = world.client.post("/v1/subscriptions", json=asked, headers=world.headers).get_json()
    world.client.post(f"/v1/subscriptions/{made['id']}/test", headers=world.headers)
    world.runs()
    path = f"/v1/subscriptions/{made['id']}/deliveries"
    (delivery,) = world.client.get(path, headers=world.headers).get_json()["items"]
    assert (delivery["state"], delivery["lastAnswer"]) == ("waiting", "no connection.")


def test_deliveries_are_listed_page_by_page_the_newest_first(world: World) -> None:
    for total in ("3", "4", "5"):
        world.restates(total)
        watch(world.services)
    page = world.client.get(f"{world.path}/deliveries?limit=2", headers=world.headers)
    rest = world.client.get(
        page.headers["Link"].split(";")[0].strip("<>").split("localhost")[1],
        headers=world.headers,
    )
    ids = [each["id"] for each in page.get_json()["items"] + rest.get_json()["items"]]
    assert ids == [each["id"] for each in world.deliveries()]
    assert (len(ids), "Link" in rest.headers) == (3, False)


def test_in_production_events_go_over_tls_with_a_certificate_that_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(environment="production", reachable=("localhost",))
    with receiving() as receiver:
        port = int(receiver.url.split(":")[2].split("/")[0])
        with TlsProxy(tmp_path, port) as proxy:
            with session(settings) as opened, pytest.raises(requests.exceptions.SSLError):
                opened.post(proxy.url, b"{}", timeout=HANG_SECONDS)
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(proxy.certificate))
            with (
                session(settings) as opened,
                opened.post(proxy.url, b"{}", timeout=HANG_SECONDS) as answer,
            ):
                assert answer.status_code == 204
    assert [request.body for request in receiver.got] == [b"{}"]
