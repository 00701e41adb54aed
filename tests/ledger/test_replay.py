"""A log in memory comes to the same heads, and the same judgements, as the one in its database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from ledger import jws
from ledger.admission import admit
from ledger.draft import Draft
from ledger.entry import Entry, Suspected
from ledger.errors import CatchmentError
from ledger.log import Refused
from ledger.recent import Recent
from ledger.replay import Replay
from ledger.statements import (
    Delegation,
    Erasure,
    Inventory,
    NaturalKey,
    Revocation,
    Transfer,
    Transferred,
    Withdrawal,
    read,
)
from ledger.store import reading
from tests.factory import Actor, Factory, day, year_of


class Life:
    """Whatever enterprises may do, right or wrong, in an order that a seed decides.

    ``answers`` counts what the log answered; each answer was foreseen by ``replay``.
    """

    def __init__(self, factory: Factory, seed: int) -> None:
        self.factory, self.random = factory, Random(seed)
        self.replay = Replay()
        self.answers: Counter[str] = Counter()
        self.keys: dict[str, NaturalKey] = {}
        self.said: list[Entry] = []
        self.actors = [factory.enterprise(name) for name in "ABC"]
        self.sites = [actor.site() for actor in self.actors for _ in range(2)]
        for actor, site in zip((a for a in self.actors for _ in range(2)), self.sites, strict=True):
            actor.inventory(site, [("CO2", "fossil", "1")])
        for entry in factory.log.entries():
            self._follow(entry)

    def _follow(self, entry: Entry) -> None:
        admission = admit(entry.statement, self.replay, entry.leaf.time)
        assert admission.opening == entry.leaf.chain
        self.replay.put(entry, admission)
        self.keys[entry.leaf.chain] = admission.key
        if entry.leaf.type in ("site", "inventory"):
            self.said.append(entry)

    def live(self, steps: int) -> None:
        acts = (
            self._correct,
            self._correct,
            self._withdraw,
            self._erase,
            self._delegate,
            self._speak_for,
            self._hand_over,
            self._revoke,
            self._register,
        )
        for _ in range(steps):
            self.factory.clock.advance(seconds=self.random.randrange(90_000))
            act: Callable[[Actor, Entry], bytes] = self.random.choice(acts)
            self._say(act(self.random.choice(self.actors), self.random.choice(self.said)))

    def _say(self, envelope: bytes) -> None:
        """Say it to both; they answer alike."""
        statement = read(jws.parse(envelope))
        now_ms = max(self.factory.clock.now_ms, self.replay.time)
        try:
            admit(statement, self.replay, now_ms)
            foreseen = "taken"
        except CatchmentError as refused:
            foreseen = refused.code
        (outcome,) = self.factory.log.append([envelope])
        answer = outcome.error.code if isinstance(outcome, Refused) else "taken"
        assert foreseen == answer
        self.answers[answer] += 1
        if not isinstance(outcome, Refused):
            leaf = self.factory.log.entry(outcome.index).leaf
            self._follow(Entry(outcome.index, leaf, envelope))

    def _correct(self, actor: Actor, about: Entry) -> bytes:
        speaker = self._owner(about) if self.random.random() < 0.8 else actor
        prev = self._last(about) if self.random.random() < 0.8 else about.leaf.signed
        said = about.statement
        return speaker.sign(said.body, prev=prev, subject=said.subject)

    def _withdraw(self, actor: Actor, about: Entry) -> bytes:
        said = about.statement
        body = Withdrawal(reason="Not so.")
        return self._owner(about).sign(body, prev=self._last(about), subject=said.subject)

    def _erase(self, actor: Actor, about: Entry) -> bytes:
        key = self.keys[about.leaf.chain].text
        body = Erasure(digest=about.leaf.signed, key=key, reason="Sent by mistake.")
        return self._owner(about).sign(body, subject=about.statement.subject)

    def _delegate(self, actor: Actor, about: Entry) -> bytes:
        other, serial = self.random.choice(self.actors), self.random.randrange(1, 4)
        return actor.sign(Delegation(delegate=other.id, serial=serial, until=day("2027-12-31")))

    def _speak_for(self, actor: Actor, about: Entry) -> bytes:
        site, year = self.random.choice(self.sites), self.random.randrange(2020, 2026)
        body = Inventory(site=site, period=year_of(year), emissions=())
        return actor.sign(body, subject=self.random.choice(self.actors).id)

    def _hand_over(self, actor: Actor, about: Entry) -> bytes:
        site, to = self.random.choice(self.sites), self.random.choice(self.actors)
        start, serial = f"2026-01-{self.random.randrange(1, 15):02}", self.random.randrange(1, 4)
        accepted = {
            "log": self.factory.log_members(),
            "object": {"type": "site", "id": site},
            "to": to.id,
            "from": start,
            "serial": serial,
        }
        body = Transfer(
            object=Transferred(type="site", id=site),
            to=to.id,
            start=day(start),
            serial=serial,
            acceptance=jws.sign(accepted, to.key, jws.ACCEPTANCE_TYP).decode(),
        )
        return actor.sign(body)

    def _revoke(self, actor: Actor, about: Entry) -> bytes:
        since = self.factory.clock.now_ms // 1000 - self.random.randrange(500_000)
        kid = actor.key.public.kid
        body = Revocation(kid=kid, reason="compromised", compromised_since=since)
        return self.factory.operator.sign(body, subject=actor.id)

    def _register(self, actor: Actor, about: Entry) -> bytes:
        fresh = actor.with_key()
        self.actors[self.actors.index(actor)] = fresh
        return self.factory.operator.sign(self.factory.key_body(fresh), subject=fresh.id)

    def _owner(self, about: Entry) -> Actor:
        return next(each for each in self.actors if each.id == about.statement.subject)

    def _last(self, about: Entry) -> str:
        head = self.replay.head(self.keys[about.leaf.chain])
        assert head is not None
        return head.digest


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_both_come_to_the_same(factory: Factory, seed: int) -> None:
    life, log = Life(factory, seed), factory.log
    life.live(60)
    assert life.answers["taken"] > 15
    assert len(life.answers) > 5
    with reading(factory.engine) as connection:
        draft = Draft(connection, log.genesis, Recent(1))
        for opening, key in life.keys.items():
            assert life.replay.head(key) == draft.head(key)
            assert life.replay.head_of(opening) == draft.head_of(opening)
            about = draft.head(key).about  # type: ignore[union-attr]  # it has one
            found = life.replay.heads_about(key.type, about)
            assert found == draft.heads_about(key.type, about)
        assert life.replay.root(draft.size) == draft.root(draft.size)
    for size in range(1, log.size() + 1, 5):
        for ours, stored in (
            (life.replay.heads_at(size), log.heads_at(size)),
            (life.replay.suspects_at(size), log.suspects_at(size)),
        ):
            assert list(map(_told, ours)) == list(map(_told, stored))


def _told(found: Entry | Suspected) -> tuple[int, int | None]:
    """The index of an entry, and what made it suspect."""
    if isinstance(found, Suspected):
        return found.entry.index, found.cause
    return found.index, None
