"""Certificates: what may be said of them, and that every serial number counts once."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.cli.examples import EXAMPLES
from ledger import errors, tables
from ledger.admission import admit
from ledger.export import export, open_archive
from ledger.fsck import fsck
from ledger.log import Accepted, Refused
from ledger.merkle import leaf_hash
from ledger.rebuild import rebuild
from ledger.rejudge import Rejudged, nobody
from ledger.replay import Replay
from ledger.schema import dump, load
from ledger.statements import ERASABLE, Certificate
from ledger.statements.certificates import normalised
from ledger.view import CERTIFIED
from tests.factory import Actor, Factory


def members(**changes: Any) -> dict[str, Any]:
    stated = {name: value for name, value in EXAMPLES["certificate"].items() if name != "type"}
    return {name: value for name, value in {**stated, **changes}.items() if value is not None}


def refused_at(**changes: Any) -> set[str]:
    with pytest.raises(errors.StatementMalformed) as refused:
        load(Certificate, members(**changes))
    return {where for where, _ in refused.value.problems}


def certificate(serial: str, count: int = 1, **changes: Any) -> Certificate:
    plain: dict[str, Any] = {
        "kind": "green-power",
        "registry": "gec.example",
        "serial": serial,
        "count": count,
        "amount": Decimal(count),
        "unit": "MWH",
        "year": 2025,
    }
    return Certificate(**{**plain, **changes})


def claimed(engine: sa.Engine) -> dict[str, int]:
    """Serial number -> the entry that claimed it."""
    table = tables.taken
    which = sa.select(table.c.value, table.c.index).where(table.c.space == CERTIFIED)
    with engine.connect() as connection:
        return {value.partition("|")[2]: index for value, index in connection.execute(which)}


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


@pytest.fixture
def works(acme: Actor) -> str:
    return acme.site("Works")


# --- What a statement may say ----------------------------------------------------------------


def test_what_is_read_is_written_again() -> None:
    assert dump(load(Certificate, members())) == members()


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"registry": "GEC.example"}, "/registry"),
        ({"registry": "gec example"}, "/registry"),
        ({"registry": "www.gec.example"}, "/registry"),
        ({"registry": "gec.example."}, "/registry"),
        ({"registry": "gec.example-"}, "/registry"),
        ({"serial": "gec-1"}, "/serial"),
        ({"serial": " GEC-1"}, "/serial"),
        ({"serial": "GEC|1"}, "/serial"),
        ({"count": 0}, "/count"),
        ({"count": 1001}, "/count"),
        ({"amount": "0"}, "/amount"),
        ({"unit": "KGM"}, "/unit"),
        ({"kind": "removal"}, "/unit"),
        ({"site": None}, "/site"),
        ({"park": EXAMPLES["target"]["object"]["id"]}, "/site"),
        ({"kind": "offset", "unit": "TNE"}, "/park"),
        ({"serial": "GEC-A", "count": 2}, "/count"),
        ({"serial": "GEC-99", "count": 2}, "/count"),
    ],
)
def test_what_is_malformed_is_refused_where_it_is(changes: dict[str, Any], where: str) -> None:
    assert refused_at(**changes) == {where}


def test_serial_numbers_count_up_in_their_last_digits() -> None:
    site = EXAMPLES["certificate"]["site"]
    row = certificate("A7-098", 4, site=site)
    assert list(row.serials) == ["A7-098", "A7-099", "A7-100", "A7-101"]
    assert list(certificate("WIND/X", site=site).serials) == ["WIND/X"]


def test_one_who_pays_for_a_serial_number_has_it_for_good() -> None:
    """An erasure would give the numbers back; so there is none of a certificate."""
    assert "certificate" not in ERASABLE


# --- Once in the whole log -------------------------------------------------------------------


def test_a_serial_number_inside_another_s_row_is_used_already(
    factory: Factory, acme: Actor, works: str
) -> None:
    said = acme.say(certificate("A-001", 5, site=works))
    other = factory.enterprise("Other")
    with pytest.raises(errors.CertificateUsed) as refused:
        other.say(certificate("A-004", 3, site=other.site()))
    assert refused.value.params == {
        "registry": "gec.example",
        "serial": "A-4",
        "entry": said.index,
    }


def test_the_first_number_of_another_is_used_already_as_well(
    factory: Factory, acme: Actor, works: str
) -> None:
    said = acme.say(certificate("A-001", 5, site=works))
    other = factory.enterprise("Other")
    with pytest.raises(errors.CertificateUsed) as refused:
        other.say(certificate("A-001", site=other.site()))
    assert refused.value.params["entry"] == said.index


@pytest.mark.parametrize(
    ("first", "count", "again"),
    [
        ("GEC-0001", 1, "GEC-1"),
        ("GEC-1", 1, "GEC-0001"),
        ("GEC-098", 4, "GEC-00101"),
        ("007", 1, "7"),
        ("GEC-000", 1, "GEC-0"),
    ],
)
def test_zeros_before_a_number_make_no_other_number(
    acme: Actor, works: str, first: str, count: int, again: str
) -> None:
    acme.say(certificate(first, count, site=works))
    with pytest.raises(errors.CertificateUsed):
        acme.say(certificate(again, site=works))


def test_zeros_within_or_after_a_number_do() -> None:
    spelt = ["GEC-10", "GEC-100", "GEC-01-1", "GEC-1-1", "G0EC", "GEC"]
    assert [normalised(each) for each in spelt] == spelt


def test_another_registry_has_numbers_of_its_own(acme: Actor, works: str) -> None:
    acme.say(certificate("A-001", site=works))
    acme.say(certificate("A-001", registry="rec.example", site=works))


def test_the_same_kind_of_row_under_another_use_is_the_same_number(acme: Actor, works: str) -> None:
    acme.say(certificate("A-001", 3, site=works))
    removal = certificate("A-002", kind="removal", unit="TNE", site=works)
    with pytest.raises(errors.CertificateUsed):
        acme.say(removal)


def test_two_in_one_batch_cannot_use_the_same_number(
    factory: Factory, acme: Actor, works: str
) -> None:
    bodies = [certificate("A-001", 5, site=works), certificate("A-005", 2, site=works)]
    first, second = factory.log.append([acme.sign(body) for body in bodies])
    assert isinstance(first, Accepted)
    assert isinstance(second, Refused)
    assert isinstance(second.error, errors.CertificateUsed)
    assert second.error.params["entry"] == first.index


def test_a_batch_may_use_more_numbers_than_a_database_takes_at_once(
    factory: Factory, acme: Actor, works: str
) -> None:
    """PostgreSQL takes 65 535 values in one question, SQLite at least 32 766."""
    bodies = [certificate(f"A-{n}0001", 1000, site=works) for n in range(70)]
    assert all(
        isinstance(each, Accepted) for each in factory.log.append([acme.sign(b) for b in bodies])
    )
    with pytest.raises(errors.CertificateUsed):
        acme.say(certificate("A-691000", site=works))


def test_a_correction_says_something_else_of_the_same_numbers(
    factory: Factory, acme: Actor, works: str
) -> None:
    said = acme.say(certificate("A-001", 3, site=works))
    again = acme.correct(said, amount=Decimal(2), year=2024)
    assert claimed(factory.engine) == dict.fromkeys(["A-1", "A-2", "A-3"], said.index)
    with pytest.raises(errors.CertificatesDiffer) as refused:
        acme.correct(again, count=4)
    assert refused.value.params == {"count": 3, "now": 4}
    with pytest.raises(errors.NothingToSupersede):
        acme.correct(again, serial="A-010")


def test_what_is_withdrawn_stays_used(factory: Factory, acme: Actor, works: str) -> None:
    said = acme.say(certificate("A-001", 3, site=works))
    ended = acme.withdraw(said)
    other = factory.enterprise("Other")
    with pytest.raises(errors.CertificateUsed):
        other.say(certificate("A-003", site=other.site()))
    with pytest.raises(errors.CertificateUsed):
        acme.say(certificate("A-003", site=works))
    acme.correct(said, prev=ended.digest)
    with pytest.raises(errors.CertificatesDiffer):
        acme.correct(said, prev=factory.log.entry(factory.log.size() - 1).leaf.signed, count=2)


def test_nobody_uses_certificates_for_what_is_not_his(factory: Factory, works: str) -> None:
    other = factory.enterprise("Other")
    with pytest.raises(errors.NotOwner):
        other.say(certificate("A-001", site=works))
    park = other.park()
    other.say(certificate("A-001", kind="offset", unit="TNE", park=park))
    with pytest.raises(errors.UnknownReference):
        other.say(certificate("A-002", park=factory.uuid()))


def test_who_had_the_site_at_the_end_of_the_year_uses_them_for_it(
    factory: Factory, acme: Actor, works: str
) -> None:
    buyer = factory.enterprise("Buyer")
    acme.transfer("site", works, buyer, start="2026-01-01")
    acme.say(certificate("A-001", site=works))
    with pytest.raises(errors.NotOwner):
        buyer.say(certificate("A-002", site=works))
    buyer.say(certificate("A-002", site=works, year=2026))


def test_who_may_state_them_may_correct_them_after_the_site_changed_hands(
    factory: Factory, acme: Actor, works: str
) -> None:
    """At the end of 2025 the works were the buyer's, at the end of 2024 still Acme's."""
    early = acme.say(certificate("A-001", site=works, year=2024))
    said = acme.say(certificate("A-002", site=works))
    buyer = factory.enterprise("Buyer")
    acme.transfer("site", works, buyer, start="2025-07-01")
    with pytest.raises(errors.NotOwner):
        acme.correct(said, amount=Decimal(2))
    with pytest.raises(errors.NotOwner):
        acme.withdraw(said)
    corrected = buyer.say(certificate("A-002", amount=Decimal(2), site=works), prev=said.digest)
    buyer.withdraw(corrected)
    with pytest.raises(errors.NotOwner):
        buyer.say(certificate("A-001", site=works, year=2024), prev=early.digest)
    acme.correct(early, amount=Decimal(2))


def test_certificates_are_used_up_for_the_next_year_at_the_latest(acme: Actor, works: str) -> None:
    acme.say(certificate("A-001", site=works, year=2027))
    with pytest.raises(errors.InTheFuture) as refused:
        acme.say(certificate("A-002", site=works, year=2028))
    assert refused.value.where == "/year"


# --- Whoever goes through the log again ------------------------------------------------------


class Life:
    """Enterprises that use, correct and withdraw certificates at random, right or wrong.

    ``used`` are the serial numbers as they are meant to be: by the entry that used them first.
    """

    def __init__(self, factory: Factory, seed: int) -> None:
        self.factory, self.random = factory, random.Random(seed)
        self.actors = [factory.enterprise(name) for name in "ABC"]
        self.sites = [actor.site() for actor in self.actors]
        self.used: dict[str, int] = {}
        self.said: list[tuple[Actor, Accepted, str]] = []
        self.refused = 0

    def live(self, steps: int) -> None:
        for _ in range(steps):
            act = self.random.choice([self.use, self.use, self.correct, self.withdraw])
            act()

    def use(self) -> None:
        k = self.random.randrange(3)
        first, count = self.random.randrange(60), self.random.randint(1, 6)
        width = self.random.choice([2, 3, 5])
        body = certificate(f"A-{first:0{width}d}", count, site=self.sites[k])
        wanted = [normalised(each) for each in body.serials]
        is_free = self.used.keys().isdisjoint(wanted)
        try:
            said = self.actors[k].say(body)
        except (errors.CertificateUsed, errors.ChainExists):
            assert not is_free
            self.refused += 1
            return
        assert is_free
        self.used.update(dict.fromkeys(wanted, said.index))
        self.said.append((self.actors[k], said, said.digest))

    def correct(self) -> None:
        self._follow(lambda actor, said, prev: actor.correct(said, prev=prev, year=2024))

    def withdraw(self) -> None:
        def end(actor: Actor, said: Accepted, prev: str) -> Accepted:
            return actor.withdraw(said, prev=prev)

        self._follow(end)

    def _follow(self, act: Any) -> None:
        if not self.said:
            return
        at = self.random.randrange(len(self.said))
        actor, said, prev = self.said[at]
        try:
            self.said[at] = actor, said, act(actor, said, prev).digest
        except errors.AlreadyWithdrawn:
            self.refused += 1


@pytest.mark.parametrize("seed", range(4))
def test_over_a_random_life_no_number_counts_twice(
    factory: Factory, seed: int, tmp_path: Path, new_database: Any
) -> None:
    """Nor in a replay of it, nor in a log built anew from its export."""
    life = Life(factory, seed)
    life.live(50)
    assert life.refused
    assert claimed(factory.engine) == life.used
    replay = Replay()
    for entry in factory.log.entries():
        replay.put(entry, admit(entry.statement, replay, entry.leaf.time))
    assert {n: replay.taken(CERTIFIED, f"gec.example|{n}") for n in life.used} == life.used
    export(factory.engine, tmp_path / "log.zip")
    anew = new_database("anew")
    with open_archive(tmp_path / "log.zip") as archive:
        rebuild(anew, archive)
    assert claimed(anew) == life.used
    assert fsck(anew).findings == ()


def test_an_auditor_who_does_not_see_the_first_statement_lets_its_correction_pass(
    factory: Factory, acme: Actor, works: str
) -> None:
    said = acme.say(certificate("A-001", 3, site=works))
    acme.correct(said, amount=Decimal(2))
    entries = list(factory.log.entries())
    judged = Rejudged(
        [entry.leaf for entry in entries],
        [leaf_hash(entry.leaf.encode()) for entry in entries],
        {entry.index: entry.envelope for entry in entries if entry.index != said.index},
    )
    judged.run(nobody)
    assert judged.faults == {}
    assert judged.unseen == (said.index,)
