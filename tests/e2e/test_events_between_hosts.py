"""Two servers, each the other's partner: events go both ways over HTTP and are answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.keys.secret_box import SecretBox
from api.oauth.clients import Clients
from api.opening import clock_ms
from api.outbox.outbox import Outbox
from api.pact import events
from api.partners.inbox import Inbox
from api.partners.partners import Partner, Partners
from tests.e2e.factory_server import serving
from tests.factory import Actor, Factory
from tests.patience import until

pytestmark = pytest.mark.slow


@dataclass
class Host:
    """A server over the log of ``factory``, with ``folder`` as its data directory."""

    factory: Factory
    folder: Path
    address: str

    def client_of(self, enterprise: Actor) -> tuple[str, str]:
        """Id and secret of a new client that acts for an enterprise here."""
        clients = Clients(self.factory.engine, clock_ms)
        scopes = ("footprints", "events")
        return clients.add("procurement", enterprise.id, "Its host", scopes)

    def registers(
        self, other: Host, enterprise: Actor, *, there: tuple[str, str], here: str
    ) -> Partner:
        """Register ``other`` as the host of an enterprise: our client there, its client here."""
        box = SecretBox(self.folder / "sealing.key")
        partners = Partners(self.factory.engine, box, clock_ms, https_only=False)
        client_id, secret = there
        return partners.add(
            name=enterprise.name,
            enterprise=enterprise.id,
            url=other.address,
            client_id=client_id,
            secret=secret,
            client=here,
        )

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.factory.engine, clock_ms)

    @property
    def inbox(self) -> Inbox:
        return Inbox(self.factory.engine, clock_ms)

    def sent(self, partner: Partner) -> list[str]:
        """States of what was sent to a partner."""
        return [each.state for each in self.outbox.of("partner", partner.id)]

    def received(self, kind: str) -> list[dict[str, Any]]:
        """Events of a type that came, the newest first."""
        came = self.inbox.of()
        return [orjson.loads(each.body) for each in came if each.type == kind]


@pytest.fixture
def hosts(new_url: Callable[..., str], tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    """The seller's and the buyer's."""
    with ExitStack() as running:
        made = []
        for seed, name in enumerate(("seller", "buyer")):
            factory = Factory(new_url(name), seed=seed)
            running.callback(factory.close)
            factory.clock.now_ms = clock_ms()
            folder = tmp_path / name
            folder.mkdir()
            address = running.enter_context(serving(factory, folder))
            made.append(Host(factory, folder, address))
        yield made[0], made[1]


def awaited(look: Callable[[], list[dict[str, Any]]]) -> dict[str, Any]:
    """The one thing that is there in the end."""
    (only,) = until(look)
    return only


def test_requests_are_answered_and_new_footprints_announced_by_event(
    hosts: tuple[Host, Host],
) -> None:
    seller, buyer = hosts
    maker, customer = seller.factory.enterprise("Maker"), seller.factory.enterprise("Customer")
    maker_there = buyer.factory.enterprise("Maker")
    resin = maker.product("Resin")
    maker.disclose("footprint", resin, to=customer)
    first = maker.footprint(resin, "2.5").statement.envelope.payload["pact"]
    at_seller, at_buyer = seller.client_of(customer), buyer.client_of(maker_there)
    to_seller = buyer.registers(seller, maker_there, there=at_seller, here=at_buyer[0])
    to_buyer = seller.registers(buyer, customer, there=at_buyer, here=at_seller[0])

    def ask(**criteria: list[str]) -> str:
        source = events.source_of(buyer.address)
        asked = events.request_created(source, clock_ms(), criteria, "For the tender.")
        buyer.outbox.put("partner", to_seller.id, asked)
        return asked.id

    request = ask(productId=first["productIds"])
    fulfilled = awaited(lambda: buyer.received(events.REQUEST_FULFILLED))
    assert fulfilled["data"]["requestEventId"] == request
    assert [each["id"] for each in fulfilled["data"]["pfs"]] == [first["id"]]

    request = ask(productId=["urn:gtin:04012345123456"])
    rejected = awaited(lambda: buyer.received(events.REQUEST_REJECTED))
    assert rejected["data"]["requestEventId"] == request
    assert rejected["data"]["error"]["code"] == "NotFound"

    seller.factory.clock.now_ms = clock_ms()
    second = maker.footprint(resin, "2.4", year=2024).statement.envelope.payload["pact"]
    published = awaited(lambda: buyer.received(events.PUBLISHED))
    assert published["data"]["pfIds"] == [second["id"]]

    # What was taken over there is noted here a moment later.
    until(lambda: buyer.sent(to_seller) == ["delivered"] * 2)
    until(lambda: seller.sent(to_buyer) == ["delivered"] * 3)
    assert len(seller.inbox.of(state="done")) == 2
