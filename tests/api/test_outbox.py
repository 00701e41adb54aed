"""The outbox and its courier: a real receiver over HTTP, and a clock that only the test moves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.utils import formatdate

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import tables
from api.access.access import Access
from api.callers import Caller
from api.errors import DeliveryFailed, DeliveryUnknown
from api.outbox import backoff
from api.outbox.cloud_event import CloudEvent
from api.outbox.courier import AT_ONCE, Courier
from api.outbox.outbox import KEPT_MS, Delivery, outbox_of
from api.pact import events
from api.pact.shelf import shelf_of
from api.partners import calling
from api.partners.partners import Partner, partners_of
from api.services import Services
from api.serving.delivery import courier_of
from ledger.log import Accepted
from ledger.store import writing
from tests.factory import Actor, Factory
from tests.pact_host import CLIENT, SECRET, Answer, PactServer, Request
from tests.patience import HANG_SECONDS, until

EVENTS = "/3/events"
HOUR = 3600
about_calls = pytest.mark.only_on("sqlite", "about what is sent, not where it is kept")


@pytest.fixture
def server() -> Iterator[PactServer]:
    with PactServer() as host:
        yield host


def registered(services: Services, server: PactServer, name: str = "Buyer") -> Partner:
    return partners_of(services).add(
        name=name, enterprise="e", url=server.url, client_id=CLIENT, secret=SECRET
    )


@pytest.fixture
def partner(services: Services, server: PactServer) -> Partner:
    return registered(services, server)


def put(services: Services, partner: Partner, id_: str = "a", **more: object) -> int:
    made = CloudEvent(id_, "some.type", "https://log.example", services.clock(), {"n": 1})
    return outbox_of(services).put("partner", partner.id, made, **more)


def courier_by(services: Services, send: Callable[[Delivery], None]) -> Courier:
    """One that brings what is for the kind “test” by ``send``."""
    return Courier(outbox_of(services), services.clock, {"test": send})


def only(services: Services) -> Delivery:
    (delivery,) = outbox_of(services).of()
    return delivery


def attempts(server: PactServer) -> int:
    return server.paths().count(EVENTS)


def answering(*answers: Answer) -> Callable[[Request], Answer]:
    """Give these answers one after another, then 200."""
    left = list(answers)
    return lambda _: left.pop(0) if left else (200, {}, b"")


def runs_until(courier: Courier, so: Callable[[], bool]) -> None:
    """Run the courier, again and again, until it is ``so``."""

    def is_so() -> bool:
        courier.run(patience=0.1)
        return so()

    until(is_so)


def run_through(
    services: Services, factory: Factory, hours: float, courier: Courier | None = None
) -> list[int]:
    """Let time pass from attempt to attempt; the seconds between them."""
    runs = courier or courier_of(services)
    waited, end = list[int](), services.clock() + round(hours * HOUR * 1000)
    while (delivery := only(services)).state == "waiting" and delivery.next_at <= end:
        waited.append((delivery.next_at - services.clock()) // 1000)
        factory.clock.now_ms = delivery.next_at
        runs.run()
    return waited


# --- Arriving ----------------------------------------------------------------------------------


def test_an_event_arrives_as_it_was_put_in_and_is_not_sent_again(
    services: Services, server: PactServer, partner: Partner
) -> None:
    put(services, partner)
    courier_of(services).run()
    courier_of(services).run()
    delivery = only(services)
    assert server.events == [delivery.body]
    sent = next(each for each in server.requests if each.path == EVENTS)
    assert sent.headers["content-type"].startswith("application/cloudevents+json")
    assert (delivery.state, delivery.attempts) == ("delivered", 1)
    assert delivery.delivered_at == services.clock()


def test_an_event_of_a_transaction_that_is_rolled_back_is_never_sent(
    services: Services, server: PactServer, partner: Partner
) -> None:
    def fails() -> None:
        with writing(services.database) as connection:
            put(services, partner, connection=connection)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    courier_of(services).run()
    assert (outbox_of(services).of(), server.events) == ([], [])


@about_calls
def test_one_token_serves_for_many_events(
    services: Services, server: PactServer, partner: Partner
) -> None:
    for n in range(5):
        put(services, partner, f"{n}")
    courier_of(services).run()
    put(services, partner, "later")
    courier_of(services).run()
    assert len(server.events) == 6
    assert server.paths().count("/auth/token") == 1


def test_an_event_that_was_not_noted_as_delivered_is_sent_again_with_the_same_id(
    services: Services, server: PactServer, partner: Partner
) -> None:
    """A process that ends between the answer and the note leaves this behind."""
    put(services, partner)
    courier_of(services).run()
    with writing(services.database) as connection:
        connection.execute(tables.delivery.update().values(state="waiting"))
    courier_of(services).run()
    first, second = server.events
    assert first == second


# --- Not arriving ------------------------------------------------------------------------------


@about_calls
def test_a_receiver_that_fails_gets_the_event_later_under_the_same_id(
    factory: Factory, services: Services, server: PactServer, partner: Partner
) -> None:
    server.answers[EVENTS] = answering((503, {}, b""), (500, {}, b'{"message": "Oops."}'))
    put(services, partner)
    courier_of(services).run()
    delivery = only(services)
    assert (delivery.state, delivery.attempts) == ("waiting", 1)
    assert "503" in delivery.told
    courier_of(services).run()
    assert attempts(server) == 1  # it is not due yet
    waited = run_through(services, factory, hours=1)
    assert [10 <= waited[0] <= 13, 20 <= waited[1] <= 25, len(waited)] == [True, True, 2]
    assert only(services).state == "delivered"
    bodies = {each.body for each in server.requests if each.path == EVENTS}
    assert bodies == {only(services).body}


@about_calls
def test_after_72_hours_an_event_is_given_up_and_the_operator_is_told(
    factory: Factory,
    services: Services,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """PACT v3: exponential back-off, abandoned after 72 hours. 10 s doubled nine times is 5120 s,
    above an hour, so that about 70 of the attempts are an hour apart."""

    def fail(_: Delivery) -> None:
        raise DeliveryFailed("It is down.")

    courier = courier_by(services, fail)
    outbox_of(services).put("test", "r", CloudEvent("a", "t", "s", 0, {}))
    begun = services.clock()
    courier.run()
    waited = run_through(services, factory, hours=100, courier=courier)
    delivery = only(services)
    assert delivery.state == "failed"
    assert 71 * HOUR <= (services.clock() - begun) / 1000 <= 72 * HOUR
    assert waited == sorted(waited)
    assert waited[-1] == HOUR
    assert 72 <= delivery.attempts <= 82
    (told,) = [each.getMessage() for each in caplog.records]
    assert f"--replay {delivery.serial}" in told
    factory.clock.advance(days=1)
    courier.run()
    assert only(services) == delivery


@about_calls
def test_a_receiver_says_how_long_to_wait(
    factory: Factory, services: Services, server: PactServer, partner: Partner
) -> None:
    server.answers[EVENTS] = answering((429, {"Retry-After": "900"}, b""))
    put(services, partner)
    courier_of(services).run()
    assert only(services).next_at == services.clock() + 900_000
    assert run_through(services, factory, hours=1) == [900]
    assert only(services).state == "delivered"


@about_calls
def test_nobody_makes_us_wait_for_ever(
    services: Services, server: PactServer, partner: Partner
) -> None:
    server.answers[EVENTS] = answering((503, {"Retry-After": "99999999999"}, b""))
    put(services, partner)
    courier_of(services).run()
    assert only(services).next_at == services.clock() + 24 * HOUR * 1000


@about_calls
def test_an_event_that_is_refused_for_what_it_is_is_sent_five_times(
    factory: Factory, services: Services, server: PactServer, partner: Partner
) -> None:
    server.answers[EVENTS] = lambda _: (400, {}, b'{"code": "BadRequest", "message": "What?"}')
    put(services, partner)
    courier_of(services).run()
    assert len(run_through(services, factory, hours=72)) == 4
    delivery = only(services)
    assert (delivery.state, delivery.attempts, attempts(server)) == ("failed", 5, 5)
    assert "What?" in delivery.told


@about_calls
def test_an_event_that_is_refused_does_not_hold_up_the_others(
    services: Services, server: PactServer, partner: Partner
) -> None:
    def answer(request: Request) -> Answer:
        return (400 if b'"bad"' in request.body else 200), {}, b""

    server.answers[EVENTS] = answer
    for id_ in ("bad", "good"):
        put(services, partner, id_)
    courier_of(services).run()
    states = {each.id: each.state for each in outbox_of(services).of()}
    assert states == {"bad": "waiting", "good": "delivered"}


@about_calls
@pytest.mark.parametrize("status", [401, 403, 404])
def test_rights_and_addresses_are_mended_by_people_and_waited_for(
    factory: Factory, services: Services, server: PactServer, partner: Partner, status: int
) -> None:
    server.answers[EVENTS] = lambda _: (status, {}, b"")
    put(services, partner)
    courier_of(services).run()
    run_through(services, factory, hours=0.2)
    assert only(services).state == "waiting"
    assert only(services).attempts > 5
    del server.answers[EVENTS]
    run_through(services, factory, hours=1)
    assert only(services).state == "delivered"


@about_calls
def test_a_redirect_is_not_followed(
    services: Services, server: PactServer, partner: Partner
) -> None:
    server.answers[EVENTS] = lambda _: (307, {"Location": f"{server.url}/elsewhere"}, b"")
    put(services, partner)
    courier_of(services).run()
    assert "/elsewhere" not in server.paths()
    assert "307" in only(services).told


@about_calls
def test_while_a_host_cannot_be_reached_its_events_wait_together(
    factory: Factory, services: Services, server: PactServer, partner: Partner
) -> None:
    server.answers[EVENTS] = answering((503, {}, b""))
    for n in range(30):
        put(services, partner, f"{n}")
    courier_of(services).run()
    assert attempts(server) == 1
    waiting = outbox_of(services).of(state="waiting")
    assert len({each.next_at for each in waiting}) == 1
    assert sum(each.attempts for each in waiting) == 1
    factory.clock.advance(seconds=13)
    courier_of(services).run()
    assert len(outbox_of(services).of(state="delivered")) == 30


@about_calls
def test_events_to_a_host_that_was_removed_end(services: Services, partner: Partner) -> None:
    put(services, partner)
    partners_of(services).remove(partner)
    courier_of(services).run()
    assert only(services).state == "failed"


@about_calls
def test_one_that_hangs_holds_up_nobody_else(
    services: Services, server: PactServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "TIMEOUTS", HANG_SECONDS)
    monkeypatch.setattr(calling, "ANSWER_SECONDS", HANG_SECONDS)
    released = threading.Event()

    def hang(_: Request) -> Answer:
        released.wait(HANG_SECONDS)
        return 200, {}, b""

    with PactServer() as slow:
        slow.answers[EVENTS] = hang
        hanging, prompt = registered(services, slow, "Slow"), registered(services, server)
        for n in range(3):
            put(services, hanging, f"slow-{n}")
        runs_until(courier_of(services), lambda: attempts(slow) > 0)
        for number, id_ in enumerate(("first", "second")):
            put(services, prompt, id_)
            runs_until(courier_of(services), lambda number=number: len(server.events) > number)
        assert attempts(slow) == 1  # one at a time, however often it is asked
        released.set()
        runs_until(courier_of(services), lambda: not outbox_of(services).of(state="waiting"))
    assert {each.state for each in outbox_of(services).of()} == {"delivered"}


@about_calls
def test_no_more_than_eight_are_written_to_at_once(services: Services) -> None:
    begun, released, sent = list[str](), threading.Event(), list[str]()

    def send(delivery: Delivery) -> None:
        begun.append(delivery.recipient)
        released.wait(HANG_SECONDS)
        sent.append(delivery.recipient)

    courier = courier_by(services, send)
    made = CloudEvent("a", "t", "s", 0, {})
    for n in range(12):
        outbox_of(services).put("test", f"{n}", made)
    runs_until(courier, lambda: len(begun) >= AT_ONCE)
    courier.run(patience=0.1)
    assert len(begun) == AT_ONCE
    released.set()
    runs_until(courier, lambda: len(sent) >= 12)
    assert sorted(map(int, sent)) == list(range(12))


@about_calls
def test_a_sender_that_breaks_is_logged_and_the_next_event_is_sent(
    services: Services, caplog: pytest.LogCaptureFixture
) -> None:
    def send(delivery: Delivery) -> None:
        if delivery.id == "a":
            raise ZeroDivisionError

    courier = courier_by(services, send)
    for id_ in "ab":
        outbox_of(services).put("test", "r", CloudEvent(id_, "t", "s", 0, {}))
    courier.run()
    assert {each.id: each.state for each in outbox_of(services).of()} == {
        "a": "waiting",
        "b": "delivered",
    }
    assert "ZeroDivisionError" in caplog.text


@about_calls
def test_what_is_final_is_not_tried_again(services: Services) -> None:
    def send(_: Delivery) -> None:
        raise DeliveryFailed("Gone.", final=True)

    courier = courier_by(services, send)
    outbox_of(services).put("test", "r", CloudEvent("a", "t", "s", 0, {}))
    courier.run()
    assert (only(services).state, only(services).told) == ("failed", "Gone.")


# --- Answers with footprints -------------------------------------------------------------------


@dataclass
class Answered:
    """A request of the partner for two footprints, whose answer lies in the outbox."""

    maker: Actor
    disclosures: list[Accepted]
    footprints: list[Accepted]
    documents: list[object] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [each.statement.envelope.payload["pact"]["id"] for each in self.footprints]


@pytest.fixture
def answered(factory: Factory, services: Services, server: PactServer) -> Answered:
    maker, buyer = factory.enterprise("Maker"), factory.enterprise("Buyer")
    partner = partners_of(services).add(
        name="Buyer", enterprise=buyer.id, url=server.url, client_id=CLIENT, secret=SECRET
    )
    products = [maker.product(name) for name in ("Resin", "Steel")]
    made = Answered(
        maker,
        [maker.disclose("footprint", product, to=buyer) for product in products],
        [maker.footprint(product, "2.5") for product in products],
    )
    access = Access(services.engine.standing(), Caller("procurement", buyer.id))
    found = [shelf_of(services).find(id_, access) for id_ in made.ids]
    made.documents += [orjson.loads(each.json) for each in found if each]
    event = events.request_fulfilled_by("https://log.example", services.clock(), "7", made.ids)
    outbox_of(services).put("partner", partner.id, event)
    return made


def test_an_answer_arrives_with_its_footprints_and_no_copy_of_them_is_kept(
    services: Services, server: PactServer, answered: Answered
) -> None:
    before = only(services)
    kept = orjson.loads(before.body)
    assert kept["data"] == {"requestEventId": "7", "pfs": [{"id": each} for each in answered.ids]}
    courier_of(services).run()
    (sent,) = server.events
    whole = kept["data"] | {"pfs": answered.documents}
    assert orjson.loads(sent) == kept | {"data": whole}
    assert only(services).body == before.body
    outbox_of(services).replay(before.serial)
    courier_of(services).run()
    assert server.events == [sent, sent]


@about_calls
def test_what_was_closed_or_erased_since_is_not_sent_any_more(
    factory: Factory, services: Services, server: PactServer, answered: Answered
) -> None:
    server.answers[EVENTS] = answering((503, {}, b""))
    courier_of(services).run()
    answered.maker.correct(answered.disclosures[0], level="private")
    factory.clock.advance(seconds=13)
    courier_of(services).run()
    sent = orjson.loads(server.requests[-1].body)
    assert (sent["type"], sent["id"]) == (events.REQUEST_FULFILLED, only(services).id)
    assert [each["id"] for each in sent["data"]["pfs"]] == answered.ids[1:]
    answered.maker.erase(answered.footprints[1])
    outbox_of(services).replay(only(services).serial)
    courier_of(services).run()
    sent = orjson.loads(server.requests[-1].body)
    assert (sent["type"], sent["id"]) == (events.REQUEST_REJECTED, only(services).id)
    assert sent["data"]["requestEventId"] == "7"
    assert sent["data"]["error"]["code"] == "AccessDenied"


# --- Again, and no longer ----------------------------------------------------------------------


def test_a_replay_sends_the_same_event_for_another_72_hours(
    factory: Factory, services: Services, server: PactServer, partner: Partner
) -> None:
    serial = put(services, partner)
    courier_of(services).run()
    factory.clock.advance(days=10)
    again = outbox_of(services).replay(serial)
    assert (again.state, again.until) == ("waiting", services.clock() + 72 * HOUR * 1000)
    courier_of(services).run()
    assert server.events == [again.body] * 2
    with pytest.raises(DeliveryUnknown):
        outbox_of(services).replay(serial + 1)


def test_what_ended_is_kept_for_90_days_and_what_waits_for_ever(
    factory: Factory, services: Services, server: PactServer, partner: Partner
) -> None:
    put(services, partner)
    courier_of(services).run()
    put(services, partner, "waits")
    factory.clock.advance(days=KEPT_MS / 86_400_000)
    outbox_of(services).forget()
    assert len(outbox_of(services).of()) == 2
    factory.clock.advance(days=4)
    outbox_of(services).forget()
    assert [each.id for each in outbox_of(services).of()] == ["waits"]


def test_many_events_to_one_leave_room_for_others_and_pages_go_on(services: Services) -> None:
    for n in range(5):
        outbox_of(services).put("test", "many", CloudEvent(f"{n}", "t", "s", 0, {}))
    last = outbox_of(services).put("test", "one", CloudEvent("x", "t", "s", 0, {}))
    due = outbox_of(services).due(2)
    assert due == {("test", "many"): [last - 5, last - 4], ("test", "one"): [last]}
    newest = outbox_of(services).of("test", "many", limit=2)
    assert [each.id for each in newest] == ["4", "3"]
    rest = outbox_of(services).of("test", "many", before=newest[-1].serial)
    assert [each.id for each in rest] == ["2", "1", "0"]
    outbox_of(services).hold("test", "many", until=services.clock() + 1)
    assert outbox_of(services).due(2) == {("test", "one"): [last]}
    assert outbox_of(services).pending(last - 5) is None


# --- How long to wait --------------------------------------------------------------------------


@about_calls
@given(st.integers(1, 10_000))
def test_waits_double_from_ten_seconds_to_an_hour(tried: int) -> None:
    wait = backoff.wait_ms(tried) / 1000
    doubled = 10 * 2 ** min(tried - 1, 20)
    assert min(doubled, HOUR) <= wait <= min(doubled * 1.25, HOUR)


@about_calls
def test_retry_after_is_a_number_or_a_date() -> None:
    """RFC 9110, section 10.2.3; Thu, 15 Jan 2026 00:00:00 GMT is 1768435200."""
    now = 1_768_435_200_000
    assert backoff.retry_after_s("120", now) == 120
    assert backoff.retry_after_s(" 0 ", now) == 0
    assert backoff.retry_after_s("Thu, 15 Jan 2026 00:02:00 GMT", now) == 120
    assert backoff.retry_after_s(formatdate(0, usegmt=True), now) == 0
    for nothing in (None, "", "soon", "-5", "1.5", "9" * 5000 + "x", "Thu, 99 Jan 2026 00:00 GMT"):
        assert backoff.retry_after_s(nothing, now) is None
    assert backoff.retry_after_s("9" * 5000, now) == 999_999_999
