"""What suspect entries had brought into the figures, and what is left without them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest

from graph.differences.impact import Moved, impact
from graph.engine import Engine, Question
from tests.factory import Actor, Factory, gas


@dataclass
class Forged:
    acme: Actor
    park: str
    cause: int


def shown(moved: Moved) -> dict[str, tuple[Decimal | None, Decimal | None]]:
    before = {result.name: result.at_least for result in moved.before}
    after = {result.name: result.at_least for result in moved.after}
    return {name: (before.get(name), after.get(name)) for name in {*before, *after}}


@pytest.fixture
def forged(factory: Factory) -> Forged:
    """A firm in a park states 1000 kg CO2, and the thief of its key 1 kg; a bystander states 7."""
    acme, host, bystander = (factory.enterprise(name) for name in ("Acme", "Host", "Bystander"))
    bystander.inventory(bystander.site(), [("CO2", "fossil", "7")])
    site = acme.site()
    said = acme.inventory(site, [("CO2", "fossil", "1000")])
    acme.purchases(site, [])
    park = host.park()
    host.membership(park, site)
    factory.clock.advance(days=1)
    since = factory.clock.now_ms
    factory.clock.advance(seconds=60)
    acme.correct(said, emissions=(gas(("CO2", "fossil", "1")),))
    factory.clock.advance(days=1)
    return Forged(acme, park, factory.operator.revoke(acme, since=since).index)


def test_the_park_and_the_firm_of_a_forged_inventory_are_listed_by_how_much(
    factory: Factory, forged: Forged
) -> None:
    moved = impact(Engine(factory.log), forged.cause, "AR6")
    found = {(each.kind, each.id): shown(each) for each in moved}
    assert set(found) == {("park", forged.park), ("enterprise", forged.acme.id)}
    assert found["park", forged.park]["scope1"] == (Decimal(1), Decimal(1000))
    assert found["enterprise", forged.acme.id]["t2"] == (Decimal(1), Decimal(1000))


def test_a_compromise_that_nothing_was_signed_in_moves_nothing(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    acme.inventory(acme.site(), [("CO2", "fossil", "1000")])
    factory.clock.advance(days=1)
    cause = factory.operator.revoke(acme, since=factory.clock.now_ms).index
    assert list(impact(Engine(factory.log), cause, "AR6")) == []


def test_live_and_replayed_answers_agree_through_a_compromise(
    factory: Factory, forged: Forged
) -> None:
    live = Engine(factory.log)
    live.park(forged.park, Question(2025, at=forged.cause))
    sound = forged.acme.with_key()
    factory.register(sound)
    _, said = live.standing().statements("inventory")
    live.park(forged.park, Question(2025))
    sound.say(said.statement.body, prev=said.digest)
    fresh = Engine(factory.log)
    for size in range(forged.cause - 1, factory.log.size() + 1):
        question = Question(2025, at=size)
        assert live.park(forged.park, question).assessment.scope1 == (
            fresh.park(forged.park, question).assessment.scope1
        )
