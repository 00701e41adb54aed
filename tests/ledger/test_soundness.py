"""Keys in time: what a compromise makes suspect, what it leaves alone, and how things come back.

Threats 8 (a stolen key) and 22 (the log's own keys).
"""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from ledger import errors, tables
from ledger.keys import PrivateKey
from ledger.log import Accepted, Log
from ledger.note import SignerKey
from ledger.receipt import verify
from ledger.standing import Standing
from ledger.statements import Production, Withdrawal
from tests.factory import ORIGIN, Actor, Factory


def amount_of(factory: Factory, product: str, size: int | None = None) -> Decimal | None:
    """What stands of a product's output in 2025."""
    for said in factory.standing(size).statements("production"):
        body = said.statement.body
        if isinstance(body, Production) and body.product == product:
            return body.amount
    return None


def suspects(factory: Factory) -> list[int]:
    return [each.said.index for each in factory.standing().suspects]


class Victim:
    """A supplier that states an output of 100, whose key is stolen a day later."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.owner = factory.enterprise("Acme")
        self.site = self.owner.site()
        self.product = self.owner.product("Steel")
        self.first = self.owner.production(self.product, self.site, "100")
        factory.clock.advance(days=1)
        self.stolen_at = factory.clock.now_ms
        factory.clock.advance(seconds=60)
        self.thief = self.owner

    def recovers(self) -> Actor:
        """The registrar registers a new key and revokes the old one since the theft."""
        self.factory.clock.advance(days=1)
        sound = self.owner.with_key()
        self.factory.register(sound, roles=("supplier", "park"))
        self.factory.operator.revoke(self.owner, since=self.stolen_at)
        return sound


@pytest.fixture
def victim(factory: Factory) -> Victim:
    return Victim(factory)


def test_a_chain_falls_back_to_its_last_sound_statement(victim: Victim) -> None:
    forged = victim.thief.correct(victim.first, amount=Decimal(1))
    assert amount_of(victim.factory, victim.product) == 1
    victim.recovers()
    assert amount_of(victim.factory, victim.product) == 100
    assert suspects(victim.factory) == [forged.index]


def test_what_a_thief_opened_or_withdrew_does_not_count(victim: Victim) -> None:
    opened = victim.thief.product("Slag")
    victim.thief.withdraw(victim.first)
    assert amount_of(victim.factory, victim.product) is None
    victim.recovers()
    assert amount_of(victim.factory, victim.product) == 100
    assert opened not in victim.factory.standing().products


def test_every_prefix_answers_as_it_did(victim: Victim) -> None:
    victim.thief.correct(victim.first, amount=Decimal(1))
    stolen = victim.factory.log.size()
    victim.recovers()
    assert amount_of(victim.factory, victim.product, stolen) == 1
    assert amount_of(victim.factory, victim.product) == 100


def test_saying_it_again_with_a_sound_key_brings_it_back(victim: Victim) -> None:
    true_after_all = victim.owner.correct(victim.first, amount=Decimal(120))
    sound = victim.recovers()
    again = dataclasses.replace(sound).correct(true_after_all)
    assert amount_of(victim.factory, victim.product) == 120
    assert again.opening == victim.first.opening


@pytest.mark.parametrize("named", ["the suspect head", "the last sound one"])
def test_a_correction_may_follow_either(victim: Victim, named: str) -> None:
    forged = victim.thief.correct(victim.first, amount=Decimal(1))
    sound = victim.recovers()
    prev = forged.digest if named == "the suspect head" else victim.first.digest
    sound.correct(victim.first, prev=prev, amount=Decimal(90))
    assert amount_of(victim.factory, victim.product) == 90


def test_a_stale_statement_is_still_no_head(victim: Victim) -> None:
    second = victim.owner.correct(victim.first, amount=Decimal(101))
    victim.owner.correct(second, amount=Decimal(1))
    sound = victim.recovers()
    with pytest.raises(errors.StaleHead):
        sound.correct(victim.first, prev=second.digest, amount=Decimal(90))


def test_a_lost_key_takes_nothing_with_it(victim: Victim) -> None:
    later = victim.owner.correct(victim.first, amount=Decimal(120))
    victim.factory.operator.revoke(victim.owner)
    assert amount_of(victim.factory, victim.product) == 120
    assert suspects(victim.factory) == []
    with pytest.raises(errors.KeyRevoked):
        victim.owner.correct(later, amount=Decimal(121))


def test_an_owner_revokes_its_own_key_with_it_and_only_once(victim: Victim) -> None:
    victim.thief.correct(victim.first, amount=Decimal(1))
    said = victim.owner.revoke(victim.owner, since=victim.stolen_at)
    assert amount_of(victim.factory, victim.product) == 100
    other = victim.owner.with_key()
    victim.factory.register(other)
    with pytest.raises(errors.RevocationFinal):
        other.correct(said, compromised_since=0)
    with pytest.raises(errors.KeyRevoked):
        victim.owner.product("Another")


def test_nobody_revokes_the_key_of_another(victim: Victim) -> None:
    rival = victim.factory.enterprise("Rival")
    with pytest.raises(errors.NotAuthorised):
        rival.revoke(victim.owner, subject=victim.owner.id)
    with pytest.raises(errors.NotOwner):
        rival.revoke(victim.owner, subject=rival.id)


def test_the_registrar_corrects_the_time_of_a_theft(victim: Victim) -> None:
    honest = victim.owner.correct(victim.first, amount=Decimal(120))
    victim.factory.clock.advance(days=1)
    said = victim.factory.operator.revoke(victim.owner, since=victim.stolen_at)
    assert amount_of(victim.factory, victim.product) == 100
    later = victim.factory.clock.now_ms // 1000
    victim.factory.operator.correct(said, compromised_since=later)
    assert amount_of(victim.factory, victim.product) == 120
    assert suspects(victim.factory) == []
    assert honest.index in {s.index for s in victim.factory.standing().statements("production")}


def test_a_revoked_key_is_never_registered_or_rotated_again(victim: Victim) -> None:
    sound = victim.recovers()
    with pytest.raises(errors.KeyRevoked):
        victim.factory.operator.say(
            victim.factory.key_body(victim.owner),
            subject=victim.owner.id,
            prev=registration(victim.factory, victim.owner).digest,
        )
    sound.product("Business goes on")


def registration(factory: Factory, actor: Actor) -> Any:
    (said,) = (s for s in factory.standing().statements("key") if actor.key.public.kid == key_of(s))
    return said


def key_of(said: Any) -> str:
    kid: str = said.statement.body.public.kid
    return kid


def test_a_compromise_cannot_lie_in_the_future(victim: Victim) -> None:
    with pytest.raises(errors.InTheFuture):
        victim.factory.operator.revoke(victim.owner, since=victim.factory.clock.now_ms + 5_000)


# --- What rests on it ------------------------------------------------------------------------


def test_a_key_that_a_thief_rotated_to_falls_with_all_it_signed(victim: Victim) -> None:
    factory = victim.factory
    thiefs = victim.owner.with_key()
    victim.thief.say(
        factory.key_body(
            thiefs, action="rotate", replaces=victim.owner.key.public.kid, roles=("supplier",)
        )
    )
    thiefs.correct(victim.first, amount=Decimal(1))
    sound = victim.recovers()
    assert amount_of(factory, victim.product) == 100
    with pytest.raises(errors.KeySuspect):
        thiefs.product("More")
    assert amount_of(factory, victim.product) == 100
    sound.correct(victim.first, amount=Decimal(90))
    assert amount_of(factory, victim.product) == 90


def test_what_a_delegate_said_by_a_stolen_keys_delegation_falls(victim: Victim) -> None:
    factory = victim.factory
    agent = factory.enterprise("Agent")
    delegation = victim.thief.delegate(agent)
    agent.correct(victim.first, amount=Decimal(1))
    own = agent.product("The agent's own")
    sound = victim.recovers()
    assert amount_of(factory, victim.product) == 100
    assert own in factory.standing().products
    with pytest.raises(errors.NotAuthorised):
        agent.correct(victim.first, amount=Decimal(2))
    sound.correct(delegation)
    agent.correct(victim.first, amount=Decimal(95))
    assert amount_of(factory, victim.product) == 95


def test_a_delegation_that_was_sound_before_still_carries(victim: Victim) -> None:
    factory = victim.factory
    agent = factory.enterprise("Agent")
    with_yesterdays = dataclasses.replace(victim.owner)
    factory.clock.advance(days=-1)
    with_yesterdays.delegate(agent)
    factory.clock.advance(days=1)
    factory.clock.advance(seconds=60)
    agent.correct(victim.first, amount=Decimal(110))
    factory.operator.revoke(victim.owner, since=factory.clock.now_ms)
    assert amount_of(factory, victim.product) == 110


def test_a_site_that_a_thief_gave_away_comes_back_with_its_books(victim: Victim) -> None:
    factory = victim.factory
    fence = factory.enterprise("Accomplice")
    victim.thief.transfer("site", victim.site, fence, start="2025-06-01")
    victim.thief.transfer("product", victim.product, fence, start="2025-06-01", serial=2)
    fence.say(
        dataclasses.replace(victim.first.statement.body, amount=Decimal(1)),
        prev=victim.first.digest,
    )
    assert amount_of(factory, victim.product) == 1
    own = fence.production(fence.product("Own"), fence.site(), "5")
    victim.recovers()
    standing = factory.standing()
    assert standing.owner_of("site", victim.site) == victim.owner.id
    assert amount_of(factory, victim.product) == 100
    assert own.index in {said.index for said in standing.statements("production")}


def test_a_former_owner_who_takes_it_back_with_a_stolen_key_says_nothing_of_it(
    victim: Victim,
) -> None:
    factory = victim.factory
    factory.clock.advance(days=-1)
    seller = factory.enterprise("Seller")
    site = seller.site()
    seller.transfer("site", site, victim.owner, start="2025-01-01")
    factory.clock.advance(days=1)
    victim.thief.transfer("site", site, seller, start="2025-02-01", serial=2)
    forged = seller.inventory(site, [("CO2", "fossil", "1")])
    victim.recovers()
    standing = factory.standing()
    assert standing.owner_of("site", site) == victim.owner.id
    assert forged.index not in {said.index for said in standing.statements("inventory")}


def test_a_consent_of_a_stolen_key_opens_nothing(victim: Victim) -> None:
    factory = victim.factory
    host = factory.enterprise("Host")
    park = host.park()
    host.membership(park, victim.site, consent_by=victim.thief)
    (before,) = factory.standing().statements("membership")
    assert before.statement.body.consent is not None  # type: ignore[attr-defined]  # a membership
    victim.recovers()
    (after,) = factory.standing().statements("membership")
    assert after.index == before.index
    assert after.statement.body.consent is None  # type: ignore[attr-defined]  # a membership


# --- The registrar ---------------------------------------------------------------------------


class Coup:
    """The registrar's key is stolen; the recovery keys replace it and the checkpoint key."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.honest = factory.enterprise("Honest")
        factory.clock.advance(days=1)
        self.since = factory.clock.now_ms // 1000
        factory.clock.advance(seconds=60)
        self.registrar = factory.operator.with_key()
        self.signer = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))

    def recovery(self, **common: Any) -> bytes:
        self.factory.clock.advance(days=1)
        return self.factory.recovery(
            self.registrar, self.signer, **{"compromised_since": self.since, **common}
        )

    def recovered(self) -> Log:
        f = self.factory
        f.log = Log.recover(f.engine, self.recovery(), self.signer, f.clock)
        f.operator = self.registrar
        return f.log


@pytest.fixture
def coup(factory: Factory) -> Coup:
    return Coup(factory)


def test_what_a_stolen_registrar_key_admitted_is_suspect_and_what_it_signed(coup: Coup) -> None:
    ghost = coup.factory.enterprise("Ghost")
    made_up = ghost.product("Nothing")
    coup.recovered()
    standing = coup.factory.standing()
    assert ghost.id not in standing.enterprises
    assert made_up not in standing.products
    assert coup.honest.id in standing.enterprises
    with pytest.raises(errors.KeySuspect):
        ghost.product("More of nothing")
    coup.honest.product("Business goes on")


def test_the_new_registrar_admits_again_whom_the_old_one_admitted_late(coup: Coup) -> None:
    factory = coup.factory
    late = factory.enterprise("Late but honest")
    said = [e.statement for e in factory.log.entries() if e.statement.subject == late.id]
    coup.recovered()
    for statement in said:
        factory.operator.say(statement.body, subject=late.id, prev=statement.digest)
    assert late.id in factory.standing().enterprises
    late.product("Welcome back")


def test_a_thief_who_revokes_everybody_revoked_nobody(coup: Coup) -> None:
    product = coup.honest.product("Steel")
    coup.factory.operator.revoke(coup.honest, since=0)
    assert product not in coup.factory.standing().products
    coup.recovered()
    assert product in coup.factory.standing().products
    coup.honest.product("Still in business")


def test_the_old_registrar_and_the_old_checkpoint_key_sign_no_more(coup: Coup) -> None:
    f = coup.factory
    old, old_signer, old_log = f.operator, f.signer, f.log
    coup.recovered()
    with pytest.raises(errors.KeyRevoked):
        f.append(old.sign(f.key_body(coup.honest.with_key()), subject=coup.honest.id))
    with pytest.raises(errors.SignerReplaced):
        old_log.append([coup.honest.sign(Withdrawal(reason="Any."), prev="0" * 64)])
    with pytest.raises(errors.SignerReplaced):
        Log(f.engine, old_signer, f.clock)


def test_checkpoints_after_the_recovery_carry_the_new_key_and_old_receipts_hold(coup: Coup) -> None:
    f = coup.factory
    old = f.log.receipt(2)
    coup.recovered()
    verify(old, [f.signer.verifier], ORIGIN)
    verify(f.log.receipt(2), [coup.signer.verifier], ORIGIN)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"approved_by": "one"}, "too few"),
        ({"approved_by": "one twice"}, "too few"),
        ({"approved_by": "a stranger"}, "no recovery key"),
        ({"prev": "0" * 64}, None),
    ],
)
def test_a_recovery_needs_enough_of_the_right_keys(
    coup: Coup, change: dict[str, str], reason: str | None
) -> None:
    f = coup.factory
    one, two, _ = f.recovery_keys
    approvers = {
        "one": [one],
        "one twice": [one, one],
        "a stranger": [one, two, PrivateKey.generate("EdDSA")],
    }
    if "approved_by" in change:
        recovery = coup.recovery(approved_by=approvers[change["approved_by"]])
    else:
        recovery = coup.recovery(**change)
    before = f.log.checkpoint()
    with pytest.raises((errors.RecoveryRefused, errors.NothingToSupersede)) as refused:
        Log.recover(f.engine, recovery, coup.signer, f.clock)
    assert reason is None or reason in str(refused.value)
    assert f.log.checkpoint() == before


def test_a_lost_registrar_key_is_replaced_without_a_word_on_what_it_did(coup: Coup) -> None:
    f = coup.factory
    recovery = coup.recovery(compromised_since=None)
    f.log = Log.recover(f.engine, recovery, coup.signer, f.clock)
    assert coup.honest.id in f.standing().enterprises
    assert suspects(f) == []


def test_the_registrar_alone_is_replaced_by_an_ordinary_append(coup: Coup) -> None:
    f = coup.factory
    f.clock.advance(days=1)
    accepted = f.append(f.recovery(coup.registrar, f.signer, compromised_since=coup.since))
    assert isinstance(accepted, Accepted)
    f.operator = coup.registrar
    f.enterprise("New")


def test_the_new_registrar_corrects_since_when_the_old_key_was_stolen(coup: Coup) -> None:
    f = coup.factory
    ghost = f.enterprise("Ghost")
    old = f.operator
    recovery = coup.recovery(compromised_since=f.clock.now_ms // 1000 + 3600)
    f.log = Log.recover(f.engine, recovery, coup.signer, f.clock)
    f.operator = coup.registrar
    assert ghost.id in f.standing().enterprises
    f.operator.revoke(old, since=coup.since * 1000)
    assert ghost.id not in f.standing().enterprises
    with pytest.raises(errors.NotAuthorised):
        f.operator.revoke(f.operator)


def test_a_second_recovery_follows_the_first(coup: Coup) -> None:
    f = coup.factory
    coup.recovered()
    (first,) = f.standing().statements("recovery")
    third = coup.registrar.with_key()
    with pytest.raises(errors.ChainExists):
        f.append(f.recovery(third, coup.signer))
    f.append(f.recovery(third, coup.signer, prev=first.digest))
    f.operator = third
    f.enterprise("Under the third registrar")


def test_what_stands_is_the_same_by_a_fold_over_a_fresh_read(coup: Coup) -> None:
    coup.factory.enterprise("Ghost").product("Nothing")
    coup.recovered()
    f = coup.factory
    size = f.log.size()
    again = Log(f.engine, coup.signer, f.clock)
    assert Standing.after(again, size) == Standing.after(f.log, size)


def test_a_thief_who_delegates_a_victim_to_itself_silences_nobody(victim: Victim) -> None:
    victim.thief.delegate(victim.owner)
    sound = victim.recovers()
    later = sound.correct(victim.first, amount=Decimal(90))
    assert amount_of(victim.factory, victim.product) == 90
    assert later.index not in suspects(victim.factory)


def test_what_a_thief_said_can_be_erased_and_the_rest_still_stands(victim: Victim) -> None:
    forged = victim.thief.correct(victim.first, amount=Decimal(1))
    sound = victim.recovers()
    sound.erase(forged)
    assert amount_of(victim.factory, victim.product) == 100
    assert suspects(victim.factory) == []


def test_what_was_said_of_a_stolen_site_stays_suspect_when_it_is_sold_in_earnest(
    victim: Victim,
) -> None:
    factory = victim.factory
    taker = factory.enterprise("Taker")
    victim.thief.transfer("product", victim.product, taker, start="2025-06-01")
    victim.thief.transfer("site", victim.site, taker, start="2025-06-01")
    taker.say(
        dataclasses.replace(victim.first.statement.body, amount=Decimal(1)),
        prev=victim.first.digest,
    )
    sound = victim.recovers()
    sound.transfer("product", victim.product, taker, start="2026-01-01", serial=2)
    sound.transfer("site", victim.site, taker, start="2026-01-01", serial=2)
    assert amount_of(factory, victim.product) == 100
    assert Standing.after(factory.reopen(), factory.log.size()) == factory.standing()


def test_a_withdrawn_chain_rests_on_what_turns_out_sound_after_all(victim: Victim) -> None:
    """The head of the chain is sound all along; only the statement before it comes and goes."""
    second = victim.owner.correct(victim.first, amount=Decimal(120))
    sound = victim.recovers()
    sound.withdraw(second)
    (revoked,) = victim.factory.standing().statements("revocation")
    factory = victim.factory
    later = factory.clock.now_ms // 1000
    factory.operator.say(
        dataclasses.replace(revoked.statement.body, compromised_since=later),  # type: ignore[type-var]  # a dataclass
        prev=revoked.digest,
        subject=victim.owner.id,
    )
    with factory.engine.connect() as connection:
        stated = connection.execute(
            sa.select(tables.head.c.stated_index).where(tables.head.c.opening == second.opening)
        ).scalar_one()
    assert stated == second.index


def test_a_stolen_key_that_its_successor_revokes_stays_revoked(victim: Victim) -> None:
    """The successor was registered by the stolen key, so it falls with it; its last word does not:
    else nothing would revoke the stolen key any more."""
    factory = victim.factory
    successor = victim.owner.with_key()
    body = factory.key_body(successor, action="rotate", replaces=victim.owner.key.public.kid)
    victim.owner.say(body)
    revoked = successor.revoke(victim.owner, since=victim.stolen_at)
    assert revoked.index not in suspects(factory)
    with pytest.raises(errors.KeyRevoked):
        victim.thief.correct(victim.first, amount=Decimal(1))
    with pytest.raises(errors.KeySuspect):
        successor.correct(victim.first, amount=Decimal(2))
