"""What stands again because its withdrawal is suspect never counts beside what was said since."""

from __future__ import annotations

import pytest

from graph.engine import Engine, Question
from tests.factory import Actor, Factory


@pytest.fixture
def owner(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


def test_a_year_whose_withdrawal_is_suspect_gives_way_to_the_quarter_stated_since(
    factory: Factory, owner: Actor
) -> None:
    site = owner.site("Works")
    year = owner.inventory(site, [("CO2", "fossil", "100")])
    owner.purchases(site, [])
    sound = owner.with_key()
    factory.register(sound)
    factory.clock.advance(days=1)
    since = factory.clock.now_ms
    factory.clock.advance(seconds=60)
    owner.withdraw(year)
    sound.inventory(site, [("CO2", "fossil", "25")], period=("2025-01-01", "2025-04-01"))
    factory.clock.advance(days=1)
    factory.operator.revoke(owner, since=since)
    books = Engine(factory.log).enterprise(owner.id, Question(2025))
    assert books.assessment.scope1.at_least == 25
    network = books.answered.solved.network
    assert [each.params for each in network.findings if each.rule == "overruled"] == [
        {"site": "Works"}
    ]


def test_a_site_that_is_a_member_twice_counts_once(factory: Factory, owner: Actor) -> None:
    host = factory.enterprise("Host")
    site, park = owner.site(), host.park()
    owner.inventory(site, [("CO2", "fossil", "100")])
    first = host.membership(park, site)
    sound = host.with_key()
    factory.register(sound, roles=("park",))
    factory.clock.advance(days=1)
    since = factory.clock.now_ms
    factory.clock.advance(seconds=60)
    host.withdraw(first)
    sound.membership(park, site, serial=2)
    factory.clock.advance(days=1)
    factory.operator.revoke(host, since=since)
    books = Engine(factory.log).park(park, Question(2025))
    assert books.assessment.scope1.at_least == 100
