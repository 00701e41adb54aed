"""Random lives of a log, thieves included: heads and suspects are what their definitions say.

The definitions are written out here over all entries, as plainly as they are meant; the log keeps
its heads up to date one entry at a time and reads only what it must. Both must come to the same.
"""

from __future__ import annotations

import dataclasses
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from graph.engine import Engine
from ledger import errors, tables
from ledger.export import export, open_archive
from ledger.leaf import Leaf
from ledger.log import Accepted, Log
from ledger.rebuild import rebuild
from ledger.soundness import EVENTS, Signed, Soundness, event_of
from ledger.standing import Standing
from ledger.statements import (
    Erasure,
    Genesis,
    NaturalKey,
    Recovery,
    Revocation,
    Statement,
    Withdrawal,
)
from tests.factory import Actor, Factory

STEPS = 90
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Told:
    """An entry as it was when the log took it: nothing here is read from the database later."""

    index: int
    leaf: Leaf
    statement: Statement

    @property
    def withdraws(self) -> bool:
        return isinstance(self.statement.body, Withdrawal)


# --- The definitions -------------------------------------------------------------------------


def keys_of(told: Sequence[Told]) -> dict[str, NaturalKey]:
    """By opening, what each chain is about."""
    return {
        each.leaf.chain: each.statement.body.natural_key(each.statement.subject)
        for each in told
        if not each.withdraws
    }


def signed(each: Told, keys: dict[str, NaturalKey]) -> Signed:
    leaf = each.leaf
    return Signed(
        index=each.index,
        time=leaf.time,
        kid=leaf.kid,
        type=leaf.type,
        subject=each.statement.subject,
        chain=leaf.chain,
        objects=keys[leaf.chain].parts,
    )


def soundness_of(told: Sequence[Told]) -> Soundness:
    keys = keys_of(told)
    decisive = (each for each in told if keys[each.leaf.chain].type in (*EVENTS, "genesis"))
    return Soundness.of([event_of(signed(each, keys), each.statement) for each in decisive])


def causes_of(told: Sequence[Told]) -> dict[int, int]:
    soundness, keys = soundness_of(told), keys_of(told)
    causes = {each.index: soundness.cause(signed(each, keys)) for each in told}
    return {index: cause for index, cause in causes.items() if cause is not None}


def heads_of(told: Sequence[Told]) -> dict[str, tuple[Any, ...]]:
    """By natural key, the columns of its head as `stored_heads` has them."""
    causes, keys = causes_of(told), keys_of(told)
    erased = {e.statement.body.digest for e in told if isinstance(e.statement.body, Erasure)}
    chains: dict[str, list[Told]] = defaultdict(list)
    for each in told:
        chains[each.leaf.chain].append(each)
    heads = {}
    for opening, versions in chains.items():
        sound = [each for each in versions if each.index not in causes]
        stated = [each for each in sound or versions if not each.withdraws]
        stated = stated or [each for each in versions if not each.withdraws]
        gone = stated[-1].leaf.signed in erased
        heads[keys[opening].text] = (
            opening,
            versions[-1].leaf.signed,
            sound[-1].leaf.signed if sound else None,
            versions[-1].index,
            stated[-1].index,
            (sound or stated)[-1].statement.subject,
            not sound or sound[-1].withdraws or gone,
        )
    return heads


def barred_of(told: Sequence[Told]) -> set[str]:
    """Keys that sign nothing: revoked soundly, registered by suspect words alone, or replaced."""
    causes = causes_of(told)
    registrars = [
        each.statement.body.registrar_key.kid
        for each in told
        if isinstance(each.statement.body, Genesis | Recovery)
    ]
    barred = set(registrars[:-1]) - set(registrars[-1:])
    last_word: dict[str, Told] = {}
    for each in told:
        if isinstance(each.statement.body, Revocation) and each.index not in causes:
            barred.add(each.statement.body.kid)
        if each.statement.type == "key":
            last_word[each.statement.body.public.kid] = each  # type: ignore[attr-defined]  # a key
    return barred | {kid for kid, each in last_word.items() if each.index in causes}


# --- A life ----------------------------------------------------------------------------------


class Life:
    """Enterprises that say, correct, delegate, hand over and lose their keys, in a random order.

    ``told`` is everything that the log took; ``barred`` are the keys that could sign nothing when
    each entry came.
    """

    def __init__(self, factory: Factory, seed: int) -> None:
        self.factory, self.random = factory, random.Random(seed)
        self.told: list[Told] = []
        self.barred: list[set[str]] = []
        self._append, factory.append = factory.append, self.append  # type: ignore[method-assign]  # to look on
        self.accepted: list[Accepted] = []
        self.note(0, factory.log.entry(0).statement)
        self.actors = [factory.enterprise(name) for name in ("Acme", "Bee", "Cee")]
        self.things = [("site", each.site(), each) for each in self.actors]
        self.things += [("product", each.product("P"), each) for each in self.actors]
        self.serial = 0

    def append(self, envelope: bytes) -> Accepted:
        barred = barred_of(self.told)
        accepted = self._append(envelope)
        self.barred.append(barred)
        self.note(accepted.index, accepted.statement)
        self.accepted.append(accepted)
        return accepted

    def note(self, index: int, statement: Statement) -> None:
        self.told.append(Told(index, self.factory.log.entry(index).leaf, statement))

    def step(self) -> None:
        """Something happens, or is refused."""
        self.factory.clock.advance(seconds=self.random.choice([0, 60, 3600, 86_400]))
        what = self.random.choice(
            [self.makes, self.makes, self.makes, self.corrects, self.corrects, self.corrects,
             self.withdraws, self.erases, self.delegates, self.hands_over, self.hands_over,
             self.registers, self.registers, self.rotates, self.registers_again, self.revokes,
             self.corrects_revocation, self.recovers]
        )  # fmt: skip
        try:
            what()
        except errors.CatchmentError:
            return

    def any_actor(self) -> Actor:
        return self.random.choice(self.actors)

    def one_of(self, enterprise: str) -> Actor:
        """Mostly somebody with a key of this enterprise, new or old."""
        own = [each for each in self.actors if each.id == enterprise]
        return self.random.choice(own[-3:]) if self.random.random() < 0.8 else self.any_actor()

    def any_said(self, *types: str) -> Accepted:
        fitting = [each for each in self.accepted if each.statement.type in types]
        if not fitting:
            raise errors.EntryNotFound(entry=types)
        return self.random.choice(fitting[-6:])

    def last_of_chain(self, said: Accepted) -> str:
        chain = [each for each in self.told if each.leaf.chain == said.opening]
        return self.random.choice(chain[-2:]).leaf.signed

    def makes(self) -> None:
        kind, thing, owner = self.random.choice(self.things)
        actor, year = self.one_of(owner.id), self.random.choice([2024, 2025])
        if kind == "site":
            actor.inventory(thing, [("CO2", "fossil", "1")], year=year)
        else:
            actor.footprint(thing, "1.5", year=year)

    def corrects(self) -> None:
        said = self.any_said("inventory", "footprint", "site", "product", "delegation")
        subject = self.one_of(said.statement.subject).id
        body = said.statement.body
        if said.statement.type == "footprint" and self.random.random() < 0.7:
            actor = self.any_actor()
            body = dataclasses.replace(body, pact=actor.pact_body("2.5", year=2025))  # type: ignore[type-var]  # a dataclass
        self.one_of(subject).say(body, prev=self.last_of_chain(said), subject=subject)

    def withdraws(self) -> None:
        said = self.any_said("inventory", "footprint", "delegation")
        self.one_of(said.statement.subject).withdraw(said, prev=self.last_of_chain(said))

    def erases(self) -> None:
        said = self.any_said("inventory", "footprint", "withdrawal")
        keys = keys_of(self.told)
        body = Erasure(digest=said.digest, key=keys[said.opening].text, reason=".")
        again = [e for e in self.told if getattr(e.statement.body, "digest", "") == said.digest]
        prev = again[-1].leaf.signed if again else None
        speaker = self.one_of(said.statement.subject)
        speaker.say(body, subject=said.statement.subject, prev=prev)

    def delegates(self) -> None:
        self.serial += 1
        self.any_actor().delegate(self.any_actor(), serial=self.serial)

    def hands_over(self) -> None:
        self.serial += 1
        kind, thing, owner = self.random.choice(self.things)
        start = self.random.choice(["2024-06-01", "2025-06-01", "2026-01-01"])
        giver, taker = self.one_of(owner.id), self.any_actor()
        giver.transfer(kind, thing, taker, start=start, serial=self.serial)

    def registers(self) -> None:
        actor = self.any_actor().with_key()
        self.factory.register(actor, roles=("supplier", "park"))
        self.actors.append(actor)

    def rotates(self) -> None:
        old = self.any_actor()
        new = old.with_key()
        old.say(self.factory.key_body(new, action="rotate", replaces=old.key.public.kid))
        self.actors.append(new)

    def registers_again(self) -> None:
        actor = self.any_actor()
        kid = actor.key.public.kid
        said = [
            each
            for each in self.told
            if each.statement.type == "key" and each.statement.body.public.kid == kid  # type: ignore[attr-defined]  # a key
        ]
        prev = said[-1].leaf.signed
        self.factory.operator.say(self.factory.key_body(actor), subject=actor.id, prev=prev)

    def since(self) -> int | None:
        hours = self.random.choice([None, 0, 1, 5, 30, 100, 1000])
        return None if hours is None else self.factory.clock.now_ms - hours * HOUR_MS

    def revokes(self) -> None:
        victim = self.any_actor()
        by = self.random.choice([self.factory.operator, self.any_actor(), victim])
        body = Revocation(
            kid=victim.key.public.kid,
            reason="lost" if (since := self.since()) is None else "compromised",
            compromised_since=None if since is None else since // 1000,
        )
        by.say(body, subject=victim.id)

    def corrects_revocation(self) -> None:
        said, since = self.any_said("revocation"), self.since()
        self.factory.operator.say(
            dataclasses.replace(
                said.statement.body,  # type: ignore[type-var]  # a dataclass
                reason="lost" if since is None else "compromised",
                compromised_since=None if since is None else since // 1000,
            ),
            prev=self.last_of_chain(said),
            subject=said.statement.subject,
        )

    def recovers(self) -> None:
        if self.random.random() < 0.6:
            return
        f, since = self.factory, self.since()
        before = [each for each in self.told if each.statement.type == "recovery"]
        registrar = f.operator.with_key()
        f.append(
            f.recovery(
                registrar,
                f.signer,
                compromised_since=None if since is None else since // 1000,
                prev=before[-1].leaf.signed if before else None,
            )
        )
        f.operator = registrar


def stored_heads(engine: sa.Engine) -> dict[str, tuple[Any, ...]]:
    names = ("opening", "digest", "sound_digest", "index", "stated_index", "owner", "withdrawn")
    with engine.connect() as connection:
        rows = connection.execute(tables.head.select()).mappings()
        return {row["key"]: tuple(row[name] for name in names) for row in rows}


def rows(engine: sa.Engine) -> dict[str, set[Any]]:
    with engine.connect() as connection:
        return {
            table.name: {tuple(row) for row in connection.execute(table.select())}
            for table in tables.metadata.sorted_tables
        }


def standing_or_gone(log: Log, size: int) -> Standing | None:
    try:
        return Standing.after(log, size)
    except errors.PayloadErased:
        return None


@pytest.mark.parametrize("seed", [0, 6, 9, 12])
def test_heads_and_suspects_are_what_their_definitions_say(
    new_factory: Callable[..., Factory],
    new_database: Callable[[str], sa.Engine],
    tmp_path: Path,
    seed: int,
) -> None:
    f = new_factory(seed=seed)
    life, live = Life(f, seed), Engine(f.log)
    then: dict[int, Standing] = {}
    for _ in range(STEPS):
        life.step()
        size = len(life.told)
        assert stored_heads(f.engine) == heads_of(life.told)
        then[size] = live.standing()

    for each, barred in zip(life.told[1:], life.barred, strict=True):
        assert each.leaf.kid not in barred

    again = f.reopen()
    for size, standing in then.items():
        causes = causes_of(life.told[:size])
        assert all(index < cause < size for index, cause in causes.items())
        if (now := standing_or_gone(again, size)) is not None:
            assert now == dataclasses.replace(standing, soundness=now.soundness)
            assert {each.said.index: each.cause for each in now.suspects} == {
                index: cause for index, cause in causes.items() if index not in gone(life, size)
            }

    export(f.engine, path := tmp_path / "log.zip")
    with open_archive(path) as archive:
        rebuild(other := new_database("other"), archive)
    assert rows(other) == rows(f.engine)


def gone(life: Life, size: int) -> set[int]:
    """The entries whose payload was erased within the first ``size``."""
    digests = {
        each.statement.body.digest
        for each in life.told[:size]
        if isinstance(each.statement.body, Erasure)
    }
    return {each.index for each in life.told if each.leaf.signed in digests}


def test_the_lives_are_eventful(new_factory: Callable[..., Factory]) -> None:
    """Otherwise the properties above would hold of nothing much."""
    life = Life(new_factory(seed=9), 9)
    for _ in range(STEPS):
        life.step()
    kinds = {each.statement.type for each in life.told}
    assert {"revocation", "delegation", "transfer", "erasure", "withdrawal", "recovery"} <= kinds
    assert causes_of(life.told)
