"""Bundles by somebody who wants to be believed: with a forged recovery, or by the operator itself.

Whoever signs checkpoints can put any leaf record into the tree; what it cannot do is hide that.
"""

from __future__ import annotations

import dataclasses
from typing import cast

import pytest

from ledger.bundle import Bundle, LeafHash
from ledger.checkpoint import Checkpoint
from ledger.keys import PrivateKey
from ledger.leaf import Leaf
from ledger.log import Accepted
from ledger.merkle import Frontier
from ledger.note import SignerKey, sign
from ledger.statements import Park as ParkBody
from ledger.verify import Verdict
from tests.audited import bundled, check, failed, forced, overall, publish, trust_of, verified
from tests.factory import ORIGIN, Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "it is about bundles, which come from no database")


class Park:
    """A park with one site that emits 500 kg CO2, and its bundled figure."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.owner: Actor = factory.enterprise("Acme")
        site = self.owner.site()
        self.owner.production(self.owner.product("Steel"), site, "100")
        self.emitted: Accepted = self.owner.inventory(site, [("CO2", "fossil", "500")])
        self.park = self.owner.park()
        self.owner.membership(self.park, site, consent_by=self.owner)

    def published(self) -> Bundle:
        return bundled(self.factory.log, publish(self.owner, "park", self.park).index)


@pytest.fixture
def park(factory: Factory) -> Park:
    return Park(factory)


def resealed(content: Bundle, signer: SignerKey) -> Bundle:
    root = Frontier(0, ()).grown(content.leaf_hashes()).root
    text = Checkpoint(ORIGIN, content.size, root).text
    return dataclasses.replace(content, checkpoint=sign(text, signer))


def test_a_recovery_that_nobody_approved_is_found_however_much_is_withheld(park: Park) -> None:
    """What is withheld excuses much that cannot be judged, and never who signs the checkpoint."""
    factory = park.factory
    thief = factory.operator.with_key()
    signer = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))
    unapproved = factory.recovery(thief, signer, approved_by=[thief.key, thief.with_key().key])
    crafted = forced(factory, park.published(), unapproved)
    withheld = dataclasses.replace(crafted, leaves=[*crafted.leaves, LeafHash(b"x" * 32)])
    found = verified(resealed(withheld, signer), trust_of(factory.log))
    assert failed(found) == "keys"


def test_a_withdrawal_that_is_withheld_is_no_reason_to_leave_an_input_out(park: Park) -> None:
    withdrawal = park.owner.withdraw(park.emitted)
    figure = publish(park.owner, "park", park.park)
    found = verified(
        bundled(park.factory.log, figure.index, [withdrawal.index]), trust_of(park.factory.log)
    )
    assert overall(found) is Verdict.DOUBTED
    assert check(found, "heads").entries == (withdrawal.index,)


def test_the_operator_hides_no_input_behind_a_record_of_the_same_digest(park: Park) -> None:
    """A record says once more that the inventory was opened, as of a type that moves no figure."""
    content = park.published()
    hidden = Leaf.parse(bytes_of(content, park.emitted.index))
    copy = dataclasses.replace(hidden, type="attestation", time=park.factory.clock.now_ms)
    assert failed(verified(behind(park, content, copy), trust_of(park.factory.log))) == "keys"


def test_the_operator_hides_no_correction_in_a_chain_of_another_type(park: Park) -> None:
    opinion = park.owner.disclose("footprint", park.owner.product("Steel"))
    content = park.published()
    record = Leaf.parse(bytes_of(content, park.emitted.index))
    strange = dataclasses.replace(
        record, signed="1" * 64, chain=opinion.digest, time=park.factory.clock.now_ms
    )
    assert failed(verified(behind(park, content, strange), trust_of(park.factory.log))) == "keys"


def bytes_of(content: Bundle, index: int) -> bytes:
    record = content.leaves[index]
    assert isinstance(record, bytes)
    return record


def behind(park: Park, content: Bundle, leaf: Leaf) -> Bundle:
    """With one more leaf record, which the operator signs, and nobody's envelope."""
    longer = dataclasses.replace(content, leaves=[*content.leaves, leaf.encode()])
    return resealed(longer, park.factory.signer)


def test_an_input_that_was_withdrawn_and_then_erased_is_not_missed(park: Park) -> None:
    withdrawal = park.owner.withdraw(park.emitted)
    park.owner.erase(park.emitted)
    figure = publish(park.owner, "park", park.park)
    content = bundled(park.factory.log, figure.index, [withdrawal.index])
    assert overall(verified(content, trust_of(park.factory.log))) is Verdict.VALID


def test_a_fence_that_a_thief_drew_is_doubted_though_all_inputs_are_sound(park: Park) -> None:
    factory, owner = park.factory, park.owner
    other = owner.with_key()
    factory.register(other, roles=("park",))
    factory.clock.advance(days=1)
    stolen = factory.clock.now_ms
    factory.clock.advance(seconds=60)
    drawn = factory.standing().parks[park.park]
    moved = owner.say(
        dataclasses.replace(cast(ParkBody, drawn.statement.body), name="Redrawn"), prev=drawn.digest
    )
    figure = publish(other, "park", park.park)
    factory.clock.advance(days=1)
    factory.operator.revoke(owner, since=stolen)
    found = verified(bundled(factory.log, figure.index), trust_of(factory.log))
    assert overall(found) is Verdict.DOUBTED
    assert check(found, "inputs").entries == (moved.index,)
