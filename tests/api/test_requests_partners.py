"""Requests between hosts: what partners ask is answered once, what they are asked is ended by them.

The outbox is the real one; what would go over the network is read from it.
"""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

import orjson
import pytest

from api.asking import between_hosts
from api.asking.between_hosts import NOT_TAKEN, NOTHING_FOUND
from api.asking.requests import Asking, requests_of
from api.asking.rows import Request
from api.asking.settling import settle
from api.asking.whom import Wanted
from api.outbox.outbox import outbox_of
from api.pact.events import (
    REQUEST_CREATED,
    REQUEST_FULFILLED,
    REQUEST_REJECTED,
    RequestCreated,
    RequestFulfilled,
    RequestRejected,
)
from api.partners.answering import body_of
from api.partners.partners import Partner, partners_of
from api.partners.taking import Taken
from api.services import Services
from tests.factory import START_MS, Actor, Factory

URN = "urn:pact:maker.example:product:42"
SOURCE = "https://buyer.example/3/events"
IN_A_MONTH = START_MS + 30 * 86_400_000


class World:
    """Maker makes Resin and Twin makes the same; Buyer's host is a partner, and asks for it."""

    def __init__(self, factory: Factory, services: Services) -> None:
        self.factory, self.services = factory, services
        self.maker, self.twin = factory.enterprise("Maker"), factory.enterprise("Twin")
        self.buyer, self.local = factory.enterprise("Buyer"), factory.enterprise("Local")
        self.mill = factory.enterprise("Mill")
        self.resin = self.maker.product("Resin", identifiers=(URN,))
        self.copy = self.twin.product("Resin too", identifiers=(URN,))
        self.partner = partners_of(services).add(
            name="Buyer's host", enterprise=self.buyer.id, url="https://buyer.example",
            client_id="c", secret="s", buyers=[self.local.id],
        )  # fmt: skip

    def asks(self, id_: str = "1", **criteria: tuple[str, ...]) -> None:
        event = RequestCreated(id_, SOURCE, criteria or {"productId": (URN,)}, "For the tender.")
        between_hosts.came(self.services, self.partner, event)

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """Type and data of everything that the partner is sent, oldest first."""
        kept = reversed(outbox_of(self.services).of("partner", self.partner.id))
        sent = (orjson.loads(body_of(self.services, self.partner, each)) for each in kept)
        return [(each["type"], each["data"]) for each in sent]

    def inbox(self, actor: Actor) -> list[Request]:
        return requests_of(self.services).inbox(actor.id)


@pytest.fixture
def world(factory: Factory, services: Services) -> World:
    return World(factory, services)


def footprint(actor: Actor, product: str, total: str = "2.5", **more: Any) -> str:
    said = actor.footprint(product, total, productIds=[URN], **more)
    return str(said.statement.body.pact.id)


def test_what_the_partner_may_read_fulfils_its_request_at_once(world: World) -> None:
    id_ = footprint(world.maker, world.resin)
    world.maker.disclose("footprint", world.resin, to=world.buyer)
    footprint(world.twin, world.copy)
    world.asks()
    ((kind, data),) = world.told()
    assert (kind, data["requestEventId"]) == (REQUEST_FULFILLED, "1")
    # The twin's is not disclosed: it is neither told nor asked for.
    assert [each["id"] for each in data["pfs"]] == [id_]
    assert data["pfs"][0]["pcf"]["pcfExcludingBiogenicUptake"] == "2.5"
    (waiting,) = outbox_of(world.services).of()
    assert orjson.loads(waiting.body)["data"]["pfs"] == [{"id": id_}]
    assert world.inbox(world.twin) == []


def test_all_that_the_partner_may_read_is_told_but_nothing_superseded(world: World) -> None:
    first = world.maker.footprint(world.resin, "2.6", productIds=[URN])
    now = world.maker.correct(first, pact=world.maker.pact_body("2.5", productIds=[URN]))
    other = footprint(world.twin, world.copy)
    for actor, product in ((world.maker, world.resin), (world.twin, world.copy)):
        actor.disclose("footprint", product)
    world.asks()
    ((_, data),) = world.told()
    told = {each["id"] for each in data["pfs"]}
    assert told == {now.statement.body.pact.id, other}


def test_the_same_event_again_changes_nothing(world: World) -> None:
    footprint(world.maker, world.resin)
    world.maker.disclose("footprint", world.resin)
    for _ in range(3):
        world.asks()
        settle(world.services)
    assert len(world.told()) == 1


def test_a_process_that_ends_between_keeping_and_telling_has_lost_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(between_hosts, "tell", lambda *_: None)
    world.asks(productId=("urn:x-y:none",))
    assert world.told() == []
    monkeypatch.undo()
    settle(world.services)
    settle(world.services)
    assert [kind for kind, _ in world.told()] == [REQUEST_REJECTED]


def test_what_nobody_knows_is_rejected_at_once(world: World) -> None:
    for id_, criteria in enumerate(
        ({"productId": ("urn:x-y:none",)}, {"geography": ("DE",)}, {"companyId": ("urn:x-y:z",)})
    ):
        world.asks(str(id_), **criteria)
    told = world.told()
    assert [kind for kind, _ in told] == [REQUEST_REJECTED] * 3
    assert {data["error"]["code"] for _, data in told} == {"NotFound"}
    assert {data["error"]["message"] for _, data in told} == {NOTHING_FOUND}


def test_a_request_without_criteria_asks_nobody(world: World) -> None:
    between_hosts.came(world.services, world.partner, RequestCreated("1", SOURCE, {}, ""))
    assert [kind for kind, _ in world.told()] == [REQUEST_REJECTED]
    assert world.inbox(world.maker) == []


def test_criteria_that_are_none_are_rejected(world: World) -> None:
    world.asks(validOn=("yesterday",), productId=(URN,))
    ((kind, data),) = world.told()
    assert (kind, data["error"]["code"]) == (REQUEST_REJECTED, "BadRequest")


def test_makers_are_asked_and_the_event_ends_when_all_have_ended(world: World) -> None:
    """Two makers: one declines, one states a footprint. One event ends both: Fulfilled."""
    world.asks()
    assert world.told() == []
    (at_maker,), (at_twin,) = world.inbox(world.maker), world.inbox(world.twin)
    assert (at_maker.product, at_maker.comment) == (world.resin, "For the tender.")
    requests_of(world.services).decline(at_maker, "Out of our range.")
    assert world.told() == []
    id_ = footprint(world.twin, world.copy)
    world.twin.disclose("footprint", world.copy, to=world.buyer)
    settle(world.services)
    ((kind, data),) = world.told()
    assert kind == REQUEST_FULFILLED
    assert [each["id"] for each in data["pfs"]] == [id_]
    settle(world.services)
    assert len(world.told()) == 1
    assert world.inbox(world.twin)[0].id == at_twin.id


def test_when_all_decline_the_partner_is_told_why(world: World) -> None:
    world.asks()
    for actor, reason in ((world.maker, "Out of our range."), (world.twin, "Not before May.")):
        (item,) = world.inbox(actor)
        requests_of(world.services).decline(item, reason)
    ((kind, data),) = world.told()
    error = data["error"]
    assert (kind, error["code"]) == (REQUEST_REJECTED, "AccessDenied")
    assert error["message"] == "Out of our range. Not before May."


def test_what_nobody_answers_in_time_is_rejected_in_the_words_of_what_is_unknown(
    world: World,
) -> None:
    world.asks()
    world.factory.clock.advance(days=29)
    settle(world.services)
    assert world.told() == []
    world.factory.clock.advance(days=1)
    settle(world.services)
    ((kind, data),) = world.told()
    assert kind == REQUEST_REJECTED
    assert data["error"] == {"code": "NotFound", "message": NOTHING_FOUND}
    # What comes later is told by no second answer.
    footprint(world.maker, world.resin)
    world.maker.disclose("footprint", world.resin)
    settle(world.services)
    assert len(world.told()) == 1
    assert {each.state for each in world.inbox(world.maker)} == {"overdue"}


def test_at_the_day_those_who_answered_fulfil_it_for_all(world: World) -> None:
    world.asks()
    id_ = footprint(world.maker, world.resin)
    world.maker.disclose("footprint", world.resin, to=world.buyer)
    settle(world.services)
    assert world.told() == []
    world.factory.clock.advance(days=30)
    settle(world.services)
    ((kind, data),) = world.told()
    assert (kind, [each["id"] for each in data["pfs"]]) == (REQUEST_FULFILLED, [id_])


def test_an_answer_that_was_closed_again_before_it_was_told_is_not_told(world: World) -> None:
    world.asks()
    footprint(world.maker, world.resin)
    opened = world.maker.disclose("footprint", world.resin, to=world.buyer)
    settle(world.services)
    world.maker.correct(opened, level="private")
    world.factory.clock.advance(days=30)
    settle(world.services)
    assert [kind for kind, _ in world.told()] == [REQUEST_REJECTED]


def test_of_processes_that_settle_at_once_one_tells(world: World) -> None:
    """Each has its own services, and all begin with the same day that has passed."""
    for id_ in map(str, range(5)):
        world.asks(id_)
    world.factory.clock.advance(days=30)
    start = threading.Barrier(4)

    def settled() -> None:
        own = dataclasses.replace(world.services)
        start.wait()
        settle(own)

    threads = [threading.Thread(target=settled) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(data["requestEventId"] for _, data in world.told()) == list("01234")


def test_of_processes_that_take_the_same_event_at_once_one_keeps_it(world: World) -> None:
    start = threading.Barrier(4)
    event = RequestCreated("1", SOURCE, {"productId": (URN,)}, "")

    def taken() -> None:
        own = dataclasses.replace(world.services)
        start.wait()
        between_hosts.came(own, world.partner, event)

    threads = [threading.Thread(target=taken) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(world.inbox(world.maker)), len(world.inbox(world.twin))) == (1, 1)


def test_a_partner_does_not_flood_inboxes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.asking.between_hosts.MOST_OPEN", 3)
    for id_ in ("1", "2"):
        world.asks(id_)
    assert len(world.inbox(world.maker)) == 1
    ((kind, data),) = world.told()
    assert (kind, data["requestEventId"]) == (REQUEST_REJECTED, "2")


def test_the_partner_itself_learns_of_no_inbox(world: World) -> None:
    world.asks()
    assert requests_of(world.services).sent(world.buyer.id) == []


# --- What we ask of partners -----------------------------------------------------------------


@pytest.fixture
def mill(world: World) -> Partner:
    """A partner whose host speaks for the company Mill, and shows its footprints to Local."""
    company = world.mill
    return partners_of(world.services).add(
        name="Mill", enterprise=company.id, url="https://mill.example",
        client_id="c", secret="s", buyers=[world.local.id],
    )  # fmt: skip


def steel_of(world: World) -> str:
    return world.mill.product("Steel", identifiers=("urn:gtin:4006381333931",))


def ask(world: World, product: str, mill: Partner) -> Request:
    wanted = [Wanted(mill.enterprise, product, {"geography": ("CN",)})]
    asking = Asking(world.local.id, wanted, IN_A_MONTH, "Please.")
    (request,) = requests_of(world.services).ask(asking)
    return request


def sent_to(world: World, mill: Partner) -> list[Any]:
    return outbox_of(world.services).of("partner", mill.id)


def test_a_partners_company_is_asked_by_an_event(world: World, mill: Partner) -> None:
    request = ask(world, steel_of(world), mill)
    (sent,) = sent_to(world, mill)
    assert (sent.type, sent.id) == (REQUEST_CREATED, request.event)
    assert orjson.loads(sent.body)["data"] == {
        "productId": ["urn:gtin:4006381333931"],
        "geography": ["CN"],
        "comment": "Please.",
    }
    assert requests_of(world.services).inbox(mill.enterprise) == []
    # Asked again, it is the same request, and no second event.
    wanted = [Wanted(mill.enterprise, str(request.product), {"geography": ("CN",)})]
    again = requests_of(world.services).ask(Asking(world.local.id, wanted, IN_A_MONTH))
    assert again == [request]
    assert len(sent_to(world, mill)) == 1


def test_a_buyer_the_partner_shows_nothing_asks_by_the_inbox(world: World, mill: Partner) -> None:
    steel = steel_of(world)
    wanted = [Wanted(mill.enterprise, steel)]
    requests_of(world.services).ask(Asking(world.twin.id, wanted, IN_A_MONTH))
    assert sent_to(world, mill) == []
    assert len(requests_of(world.services).inbox(mill.enterprise)) == 1


def test_the_answer_of_a_partner_ends_the_request(world: World, mill: Partner) -> None:
    request = ask(world, steel_of(world), mill)
    event = RequestFulfilled("9", "https://mill.example", str(request.event), ())
    taken = [Taken("a1", "new", 7), Taken("b2", "refused", None, "It is malformed.")]
    between_hosts.was_fulfilled(world.services, mill, event, taken)
    done = requests_of(world.services).of_buyer(request.id, world.local.id)
    assert (done.state, done.footprints) == ("answered", ("a1",))
    rejected = RequestRejected("10", "https://mill.example", str(request.event), "NotFound", "No.")
    between_hosts.was_rejected(world.services, mill, rejected)
    assert requests_of(world.services).of_buyer(request.id, world.local.id) == done


def test_an_answer_of_which_nothing_was_taken_over_is_none(world: World, mill: Partner) -> None:
    request = ask(world, steel_of(world), mill)
    event = RequestFulfilled("9", "https://mill.example", str(request.event), ())
    between_hosts.was_fulfilled(world.services, mill, event, [Taken("b2", "refused", None, "x")])
    done = requests_of(world.services).of_buyer(request.id, world.local.id)
    assert (done.state, done.reason) == ("declined", NOT_TAKEN)


def test_the_refusal_of_a_partner_is_told_with_its_reason_also_late(
    world: World, mill: Partner
) -> None:
    request = ask(world, steel_of(world), mill)
    world.factory.clock.advance(days=31)
    settle(world.services)
    assert requests_of(world.services).of_buyer(request.id, world.local.id).state == "overdue"
    event = RequestRejected("9", "https://mill.example", str(request.event), "NotFound", "None.")
    between_hosts.was_rejected(world.services, mill, event)
    done = requests_of(world.services).of_buyer(request.id, world.local.id)
    assert (done.state, done.reason, done.code) == ("declined", "None.", "NotFound")


def test_another_partner_ends_no_request_that_was_not_put_to_it(
    world: World, mill: Partner
) -> None:
    request = ask(world, steel_of(world), mill)
    event = RequestRejected("9", SOURCE, str(request.event), "NotFound", "None.")
    between_hosts.was_rejected(world.services, world.partner, event)
    assert requests_of(world.services).of_buyer(request.id, world.local.id).state == "open"


def test_the_footprint_that_a_pull_brings_answers_it_too(world: World, mill: Partner) -> None:
    steel = steel_of(world)
    request = ask(world, steel, mill)
    world.mill.footprint(steel, "1.9")
    world.mill.disclose("footprint", steel, to=world.local)
    settle(world.services)
    assert requests_of(world.services).of_buyer(request.id, world.local.id).state == "answered"
