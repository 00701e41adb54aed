"""Bundles by somebody who wants to be believed: with a forged recovery, or by the operator itself.

Whoever signs checkpoints can put any leaf record into the tree; what it cannot do is hide that.
"""

from __future__ import annotations

import dataclasses

import pytest

from ledger.bundle import Bundle, LeafHash
from ledger.checkpoint import Checkpoint
from ledger.keys import PrivateKey
from ledger.log import Accepted
from ledger.merkle import Frontier
from ledger.note import SignerKey, sign
from tests.audited import (
    bundled,
    failed,
    forced,
    publish,
    trust_of,
    verified,
)
from tests.factory import ORIGIN, Actor, Factory


class Park:
    """A park with one site that emits 500 kg CO2, and its bundled figure."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.owner: Actor = factory.enterprise("Acme")
        site = self.owner.site()
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
