"""Which footprints a partner is told of, and that it is told once."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from api.outbox.outbox import Delivery, outbox_of
from api.pact import events
from api.partners import announcing
from api.partners.partners import Partner, partners_of
from api.services import Services
from ledger.log import Accepted
from tests.factory import Actor, Factory


@pytest.fixture
def maker(factory: Factory) -> Actor:
    return factory.enterprise("Maker")


@pytest.fixture
def buyer(factory: Factory) -> Actor:
    return factory.enterprise("Buyer")


def registered(services: Services, enterprise: Actor) -> Partner:
    return partners_of(services).add(
        name=f"{enterprise.name}'s host",
        enterprise=enterprise.id,
        url="https://pact.example",
        client_id="us",
        secret="s",
    )


@pytest.fixture
def partner(services: Services, factory: Factory, buyer: Actor) -> Partner:
    made = registered(services, buyer)
    factory.clock.advance(seconds=1)
    return made


def id_of(said: Accepted) -> str:
    return str(said.statement.envelope.payload["pact"]["id"])


def told(services: Services, partner: Partner) -> list[list[str]]:
    """What each event to a partner tells of, the oldest event first."""
    announcing.run(services)
    deliveries = outbox_of(services).of("partner", partner.id)
    return [_ids(each) for each in reversed(deliveries)]


def _ids(delivery: Delivery) -> list[str]:
    published: dict[str, Any] = orjson.loads(delivery.body)
    assert published["type"] == delivery.type == events.PUBLISHED
    return list(published["data"]["pfIds"])


def test_a_footprint_is_announced_once_to_whom_it_is_disclosed(
    factory: Factory, services: Services, maker: Actor, partner: Partner, buyer: Actor
) -> None:
    other = registered(services, factory.enterprise("Other"))
    resin = maker.product("Resin")
    maker.disclose("footprint", resin, to=buyer)
    said = maker.footprint(resin, "2.5")
    for _ in range(3):
        assert told(services, partner) == [[id_of(said)]]
        assert told(services, other) == []


def test_what_is_disclosed_later_is_announced_then(
    services: Services, maker: Actor, partner: Partner, buyer: Actor
) -> None:
    resin, steel = maker.product("Resin"), maker.product("Steel")
    said = maker.footprint(resin, "2.5")
    maker.footprint(steel, "1.9")
    assert told(services, partner) == []
    maker.disclose("footprint", resin, to=buyer)
    assert told(services, partner) == [[id_of(said)]]
    maker.disclose("contributions", steel, to=buyer)
    assert told(services, partner) == [[id_of(said)]]


def test_a_correction_is_news_and_what_it_replaced_is_none(
    services: Services, maker: Actor, partner: Partner, buyer: Actor
) -> None:
    resin = maker.product("Resin")
    maker.disclose("footprint", resin)
    first = maker.footprint(resin, "2.5")
    assert told(services, partner) == [[id_of(first)]]
    second = maker.correct(first, pact=maker.pact_body("2.4"))
    third = maker.correct(second, pact=maker.pact_body("2.3"))
    assert told(services, partner) == [[id_of(first)], [id_of(third)]]


def test_a_new_partner_is_not_flooded_with_all_there_is(
    factory: Factory, services: Services, maker: Actor, buyer: Actor
) -> None:
    """It may list what was there. What is said after its registration is news, though the server
    first looks at it later."""
    resin, closed = maker.product("Resin"), maker.product("Closed")
    maker.disclose("footprint", resin)
    maker.footprint(resin, "2.5")
    hidden = maker.footprint(closed, "1.0")
    factory.clock.advance(days=1)
    partner = registered(services, buyer)
    factory.clock.advance(days=1)
    later = maker.footprint(resin, "2.6", year=2024)
    assert told(services, partner) == [[id_of(later)]]
    maker.disclose("footprint", resin, to=buyer)
    assert told(services, partner) == [[id_of(later)]]
    maker.disclose("footprint", closed, to=buyer)
    assert told(services, partner) == [[id_of(later)], [id_of(hidden)]]


def test_a_partner_is_not_told_of_what_came_from_it(
    services: Services, partner: Partner, buyer: Actor
) -> None:
    own = buyer.product("Own")
    buyer.disclose("footprint", own)
    buyer.footprint(own, "2.5")
    assert told(services, partner) == []


def test_many_footprints_make_few_events(
    services: Services,
    maker: Actor,
    partner: Partner,
    buyer: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(announcing, "AT_ONCE", 2)
    resin = maker.product("Resin")
    said = [maker.footprint(resin, "2.5", year=year) for year in (2021, 2022, 2023, 2024, 2025)]
    told(services, partner)
    maker.disclose("footprint", resin, to=buyer)
    # The year 2022 ended three years and two weeks ago: it and 2021 are no longer valid.
    news = [id_of(each) for each in said[2:]]
    assert told(services, partner) == [news[:2], news[2:]]


def test_a_footprint_that_was_closed_again_before_anybody_looked_is_not_announced(
    services: Services, maker: Actor, partner: Partner, buyer: Actor
) -> None:
    resin = maker.product("Resin")
    opened = maker.disclose("footprint", resin, to=buyer)
    maker.footprint(resin, "2.5")
    maker.correct(opened, level="private")
    assert told(services, partner) == []


@pytest.mark.only_on("sqlite", "about how much is asked, not of what")
def test_looking_costs_little_when_nothing_happened(
    services: Services, maker: Actor, partner: Partner, buyer: Actor
) -> None:
    resin = maker.product("Resin")
    maker.disclose("footprint", resin, to=buyer)
    maker.footprint(resin, "2.5")
    told(services, partner)
    asked = list[str]()

    def count(*args: Any) -> None:
        asked.append(args[2])

    sa.event.listen(services.database, "before_cursor_execute", count)
    announcing.run(services)
    sa.event.remove(services.database, "before_cursor_execute", count)
    assert len([each for each in asked if each.startswith("SELECT")]) <= 4
    assert not [each for each in asked if each.startswith(("INSERT", "UPDATE", "DELETE"))]


@pytest.mark.only_on("sqlite", "what is looked up is looked up on both elsewhere")
def test_without_partners_nothing_is_looked_up(services: Services, maker: Actor) -> None:
    maker.footprint(maker.product("Resin"), "2.5")
    announcing.run(services)
    assert outbox_of(services).of() == []
