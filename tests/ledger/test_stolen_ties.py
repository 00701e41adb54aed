"""What a thief ties others to: things accepted with a stolen key, and keys stolen twice.

Threat 8, where more than one enterprise or more than one theft is in it.
"""

from __future__ import annotations

import dataclasses

import pytest

from ledger import errors
from ledger.keys import PrivateKey
from ledger.log import Log
from ledger.statements import Enterprise, Transfer, Transferred
from tests.factory import Actor, Factory, day


class Dump:
    """A seller hands a site to an enterprise whose key it has stolen."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.seller = factory.enterprise("Seller")
        self.site = self.seller.site("A site that nobody wants")
        self.buyer = factory.enterprise("Buyer")
        factory.clock.advance(days=1)
        self.stolen_at = factory.clock.now_ms
        factory.clock.advance(seconds=60)
        self.transfer = self.seller.transfer("site", self.site, self.buyer, start="2025-01-01")
        factory.clock.advance(days=1)

    def recovers(self) -> Actor:
        sound = self.buyer.with_key()
        self.factory.register(sound)
        self.factory.operator.revoke(self.buyer, since=self.stolen_at)
        return sound

    def owner(self) -> str | None:
        return self.factory.standing().owner_of("site", self.site)


@pytest.fixture
def dump(factory: Factory) -> Dump:
    return Dump(factory)


def test_what_was_accepted_with_a_stolen_key_goes_back(dump: Dump) -> None:
    assert dump.owner() == dump.buyer.id
    dump.recovers()
    assert dump.owner() == dump.seller.id
    assert [each.said.index for each in dump.factory.standing().suspects] == [dump.transfer.index]
    dump.seller.inventory(dump.site, year=2025)


def test_it_is_handed_over_again_when_the_new_owner_accepts_with_a_sound_key(dump: Dump) -> None:
    sound = dump.recovers()
    with pytest.raises(errors.NotOwner):
        sound.inventory(dump.site, year=2025)
    dump.seller.transfer("site", dump.site, sound, start="2025-01-01", serial=2)
    sound.inventory(dump.site, year=2025)
    assert dump.owner() == dump.buyer.id


def test_nobody_is_given_anything_by_a_mandate_that_only_the_giver_knows_of(
    factory: Factory,
) -> None:
    giver, victim = factory.enterprise("Giver"), factory.enterprise("Victim")
    made_up = Transfer(
        object=Transferred(type="site", id=giver.site()),
        to=victim.id,
        start=day("2025-01-01"),
        serial=1,
        mandate="0" * 64,
    )
    with pytest.raises(errors.NotAuthorised):
        giver.say(made_up)


def test_a_key_that_two_thieves_registered_is_suspect_for_as_long_as_either(
    factory: Factory,
) -> None:
    """Two more registrar keys are stolen. The first thief registers a key for Acme; after that is
    found out, the second one registers it again, and the key speaks. Then that is found out, too.
    """
    owner = factory.enterprise("Acme")
    first, second = (_registrar(factory) for _ in range(2))
    factory.clock.advance(days=1)
    stolen_at = factory.clock.now_ms
    factory.clock.advance(seconds=60)
    thiefs = owner.with_key()
    said = first.say(factory.key_body(thiefs), subject=owner.id)
    factory.operator.revoke(first, since=stolen_at)
    second.say(factory.key_body(thiefs), subject=owner.id, prev=said.digest)
    forged = thiefs.product("Steel")
    factory.clock.advance(days=1)
    factory.operator.revoke(second, since=stolen_at)
    assert forged not in factory.standing().products


def test_what_a_registrar_key_signed_is_known_again_after_two_recoveries(factory: Factory) -> None:
    between = _recovered(factory, None)
    body = Enterprise(id=factory.uuid(), name="Acme")
    envelope = between.sign(body, subject=body.id)
    said = factory.append(envelope)
    _recovered(factory, factory.log.entry(1).leaf.signed)
    again = factory.append(envelope)
    assert (again.index, again.new) == (said.index, False)
    with pytest.raises(errors.KeyRevoked):
        between.say(body, subject=body.id)


def _recovered(factory: Factory, prev: str | None) -> Actor:
    registrar = factory.operator.with_key()
    recovery = factory.recovery(registrar, factory.signer, prev=prev)
    factory.log = Log.recover(factory.engine, recovery, factory.signer, factory.clock)
    return registrar


def _registrar(factory: Factory) -> Actor:
    clerk = dataclasses.replace(factory.operator, key=PrivateKey.generate("EdDSA"))
    factory.register(clerk, roles=("registrar",))
    return clerk
