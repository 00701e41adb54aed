"""One log that lives through everything at once: its parts have to agree about it, entry by entry.

Registration, rotation and expiry of keys, corrections and withdrawals, a month that passes, thefts
with all that rests on the stolen keys, re-attestation, verifiers, transfers, erasures, a policy, a
recovery of registrar and checkpoint key. Whatever keeps up with such a log (a database that is
brought up from exports, an engine that follows) must say at every size what a fresh look says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from graph.engine import Engine, Question
from ledger import errors, receipt, tables
from ledger.export import export, open_archive
from ledger.fsck import fsck
from ledger.keys import PrivateKey
from ledger.log import Accepted, Log
from ledger.note import SignerKey
from ledger.rebuild import rebuild
from ledger.receipt import Receipt
from ledger.soundness import Soundness
from ledger.standing import Standing
from ledger.statements import Policy
from tests.databases import tampering
from tests.factory import ORIGIN, Factory, day

NewDatabase = Callable[[str], sa.Engine]


class Life:
    """The story. ``after`` is called whenever the log has grown, by one entry each time."""

    receipt: Receipt
    """Of a recipe that is corrected, forged and said again later."""
    erased: int
    """An inventory that a verifier had attested."""
    suspect: int
    """A correction that a thief made, and nobody erased."""
    unsound: int
    """The only statement of a chain, by a key that the thief registered."""

    def __init__(self, factory: Factory, after: Callable[[], object] = lambda: None) -> None:
        self.factory, self.after = factory, after
        self._append, factory.append = factory.append, self.append  # type: ignore[method-assign]  # to look on
        after()
        self.people()
        self.books()
        factory.clock.advance(days=31)
        self.a_month_later()
        self.a_key_is_stolen()
        self.the_theft_is_noticed()
        self.said_again()
        self.the_registrar_is_replaced()
        self.business_goes_on()

    def append(self, envelope: bytes) -> Accepted:
        accepted = self._append(envelope)
        self.after()
        return accepted

    def people(self) -> None:
        f = self.factory
        self.acme = f.enterprise("Acme", alg="ES256")
        self.agent, self.host, self.buyer = map(f.enterprise, ("Agent", "Host", "Buyer"))
        self.verifier = f.enterprise("Verifier", roles=("verifier",))
        self.accreditation = f.operator.accredit(self.verifier)
        f.operator.say(Policy(name="Stricter", past_seconds=86_400, future_seconds=60))
        self.brief = self.acme.with_key()
        f.register(self.brief, until=day("2026-01-31"))

    def books(self) -> None:
        acme, host = self.acme, self.host
        self.plant, self.shed, self.park = acme.site("Plant"), acme.site("Shed"), host.park()
        self.ore, self.steel = acme.product("Ore"), acme.product("Steel")
        host.membership(self.park, self.plant, consent_by=acme)
        acme.recipe(self.ore, self.plant, emissions=[("CO2", "fossil", "1")])
        line = (self.ore, "1.6", "KGM")
        self.recipe = acme.recipe(
            self.steel, self.plant, emissions=[("CO2", "fossil", "2")], inputs=[line]
        )
        self.receipt = self.factory.log.receipt(self.recipe.index)
        self.made = acme.production(self.steel, self.plant, "100")
        acme.production(self.ore, self.plant, "160")
        self.inventory = self.brief.inventory(self.plant, [("CO2", "fossil", "360")])
        self.shed_inventory = acme.inventory(self.shed, [("CO2", "fossil", "7")])
        self.declared = acme.footprint(self.steel, "3.5")
        self.slip = acme.footprint(self.ore, "0.5")

    def a_month_later(self) -> None:
        f = self.factory
        with pytest.raises(errors.KeyExpired):
            self.brief.product("Too late")
        self.owner = self.acme.with_key()
        rotation = f.key_body(
            self.owner,
            action="rotate",
            replaces=self.acme.key.public.kid,
            roles=("supplier", "park"),
        )
        self.acme.say(rotation)
        self.verifier.attest(self.inventory)
        self.made = self.owner.correct(self.made, amount=Decimal(110))
        self.recipe = self.owner.correct(self.recipe, emissions=())
        self.ended = self.owner.withdraw(self.slip)
        self.owner.erase(self.slip)
        self.erased = self.owner.erase(self.inventory).index
        self.owner.transfer("product", self.ore, self.buyer, start="2026-02-01")

    def a_key_is_stolen(self) -> None:
        f, thief = self.factory, self.owner
        f.clock.advance(days=1)
        self.stolen_at = f.clock.now_ms
        f.clock.advance(seconds=60)
        self.forged = thief.correct(self.made, amount=Decimal(1))
        self.suspect = self.forged.index
        self.cruel = thief.correct(self.declared, pact=thief.pact_body("0.1"))
        thief.delegate(self.agent)
        self.agent.correct(self.recipe, inputs=())
        self.host.membership(self.park, self.shed, consent_by=thief)
        thief.transfer("site", self.shed, self.agent, start="2025-02-01")
        self.agent.say(self.shed_inventory.statement.body, prev=self.shed_inventory.digest)
        self.thiefs = thief.with_key()
        replaced = thief.key.public.kid
        thief.say(f.key_body(self.thiefs, action="rotate", replaces=replaced))
        self.thiefs.product("Nothing")
        self.unsound = f.log.size() - 1

    def the_theft_is_noticed(self) -> None:
        f = self.factory
        f.clock.advance(days=1)
        self.sound = self.owner.with_key()
        f.register(self.sound, roles=("supplier", "park"))
        revoked = f.operator.revoke(self.owner, since=self.stolen_at + 3_600_000)
        f.operator.correct(revoked, compromised_since=self.stolen_at // 1000)
        with pytest.raises(errors.KeySuspect):
            self.thiefs.product("More of it")

    def said_again(self) -> None:
        self.made = self.sound.correct(self.forged, amount=Decimal(120))
        self.sound.correct(self.cruel)
        self.sound.erase(self.cruel)
        self.sound.delegate(self.agent, serial=2)
        self.agent.correct(self.made, amount=Decimal(121))
        self.sound.transfer("site", self.shed, self.agent, start="2025-02-01", serial=2)

    def the_registrar_is_replaced(self) -> None:
        f = self.factory
        f.clock.advance(days=1)
        since = f.clock.now_ms // 1000
        f.clock.advance(seconds=60)
        f.enterprise("Ghost").product("Of a ghost")
        f.operator.revoke(self.verifier, since=0)
        f.clock.advance(days=1)
        registrar = f.operator.with_key()
        self.old_signer, f.signer = f.signer, SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))
        recovery = f.recovery(registrar, f.signer, compromised_since=since)
        f.log = Log.recover(f.engine, recovery, f.signer, f.clock)
        f.operator = registrar
        self.after()

    def business_goes_on(self) -> None:
        f = self.factory
        f.enterprise("New")
        again = self.sound.correct(self.inventory)
        self.verifier.attest(again)
        self.buyer.say(self.slip.statement.body, prev=self.ended.digest)
        self.sound.correct(self.recipe, emissions=self.recipe.statement.body.emissions)  # type: ignore[attr-defined]  # a recipe
        f.operator.correct(self.accreditation, until=day("2028-12-31"))


def rows(engine: sa.Engine) -> dict[str, set[Any]]:
    with engine.connect() as connection:
        return {
            table.name: {tuple(row) for row in connection.execute(table.select())}
            for table in tables.metadata.sorted_tables
        }


def brought_up(engine: sa.Engine, path: Path) -> sa.Engine:
    with open_archive(path) as archive:
        rebuild(engine, archive)
    return engine


def exported(engine: sa.Engine, path: Path) -> Path:
    export(engine, path)
    return path


@pytest.fixture
def life(factory: Factory) -> Life:
    return Life(factory)


@pytest.fixture
def rebuilt(life: Life, new_database: NewDatabase, tmp_path: Path) -> sa.Engine:
    return brought_up(new_database("rebuilt"), exported(life.factory.engine, tmp_path / "log.zip"))


def test_a_month_old_receipt_holds_here_and_in_the_rebuilt_log(
    life: Life, rebuilt: sa.Engine
) -> None:
    f = life.factory
    receipt.verify(life.receipt, [life.old_signer.verifier], ORIGIN)
    assert f.clock.now_ms // 1000 - life.recipe.statement.common.iat < 31 * 86_400
    for log in (f.log, Log(rebuilt, f.signer, f.clock)):
        anew = log.receipt(life.receipt.index)
        receipt.verify(anew, [f.signer.verifier], ORIGIN)
        assert anew.leaf == life.receipt.leaf


def test_the_rebuilt_log_is_the_same_in_every_row_and_byte(
    life: Life, rebuilt: sa.Engine, tmp_path: Path
) -> None:
    assert rows(rebuilt) == rows(life.factory.engine)
    again = exported(rebuilt, tmp_path / "again.zip")
    assert again.read_bytes() == (tmp_path / "log.zip").read_bytes()


def test_a_copy_that_keeps_up_by_exports_is_the_log_at_every_size(
    factory: Factory, new_database: NewDatabase, tmp_path: Path
) -> None:
    copy = new_database("copy")

    def keep_up() -> None:
        brought_up(copy, exported(factory.engine, tmp_path / f"{factory.log.size()}.zip"))
        assert rows(copy) == rows(factory.engine)

    Life(factory, keep_up)
    last = tmp_path / f"{factory.log.size()}.zip"
    for size in range(1, factory.log.size(), 11):
        late = brought_up(new_database(f"late{size}"), tmp_path / f"{size}.zip")
        assert rows(brought_up(late, last)) == rows(factory.engine)


def test_nothing_is_found_in_either_log(life: Life, rebuilt: sa.Engine) -> None:
    assert fsck(life.factory.engine).findings == ()
    assert fsck(rebuilt).findings == ()


FLIPS = {
    "a suspect statement taken for sound": (
        (
            "UPDATE head SET sound_digest = digest WHERE opening = "
            '(SELECT chain FROM entry WHERE "index" = {unsound})'
        ),
        "head product|",
    ),
    "a chain said to have nothing sound": (
        (
            "UPDATE head SET sound_digest = NULL WHERE opening = "
            '(SELECT chain FROM entry WHERE "index" = {suspect})'
        ),
        "head production|",
    ),
    "an erasure by another": (
        'UPDATE entry SET erased_by = erased_by + 1 WHERE erased_by = {erased}',
        "entry ",
    ),
    "an erasure undone": (
        'UPDATE entry SET erased_by = NULL WHERE erased_by = {erased}',
        "entry ",
    ),
    "an erased statement of another": (
        "UPDATE entry SET subject = 'x' WHERE erased_by = {erased}",
        "entry ",
    ),
    "a suspect entry of another key": (
        "UPDATE entry SET kid = 'x' WHERE \"index\" = {suspect}",
        "entry {suspect}",
    ),
    "a suspect entry dated before the theft": (
        'UPDATE entry SET time = time - 7200000 WHERE "index" = {suspect}',
        "entry {suspect}",
    ),
}  # fmt: skip


def test_raw_changes_to_what_is_suspect_or_erased_are_found(life: Life, rebuilt: sa.Engine) -> None:
    where = {"suspect": life.suspect, "unsound": life.unsound, "erased": life.erased}
    for engine in (life.factory.engine, rebuilt):
        for sql, place in FLIPS.values():
            before = rows(engine)
            with tampering(engine.url.render_as_string(hide_password=False)) as connection:
                connection.exec_driver_sql(sql.format(**where))
            assert rows(engine) != before
            found = [finding.where for finding in fsck(engine).findings]
            assert any(each.startswith(place.format(**where)) for each in found), (sql, found)
            put_back(engine, before)
    assert fsck(rebuilt).findings == ()


def put_back(engine: sa.Engine, before: dict[str, set[Any]]) -> None:
    with tampering(engine.url.render_as_string(hide_password=False)) as connection:
        for table in (tables.head, tables.entry):
            connection.execute(table.delete())
            columns = [column.name for column in table.c]
            values = [dict(zip(columns, row, strict=True)) for row in before[table.name]]
            connection.execute(table.insert(), values)


def standing_or_gone(log: Log, size: int) -> Standing | type[errors.CatchmentError]:
    try:
        return Standing.after(log, size)
    except errors.PayloadErased:
        return errors.PayloadErased


def test_both_logs_say_the_same_of_every_size(life: Life, rebuilt: sa.Engine) -> None:
    f = life.factory
    other = Log(rebuilt, f.signer, f.clock)
    sizes = range(1, f.log.size() + 1)
    ours = [standing_or_gone(f.log, size) for size in sizes]
    assert ours == [standing_or_gone(other, size) for size in sizes]
    gone = [size for size, said in zip(sizes, ours, strict=True) if said is errors.PayloadErased]
    assert gone
    assert max(gone) < f.log.size()


# --- Following -------------------------------------------------------------------------------


def answers(engine: Engine, life: Life, at: int | None = None) -> dict[str, Any]:
    """What the engine says of the park, enterprises and products, or why it says nothing."""
    question = Question(year=2025, at=at)
    asked: dict[str, Callable[[], Any]] = {
        "park": lambda: _books(engine.park(life.park, question)),
        "acme": lambda: _books(engine.enterprise(life.acme.id, question)),
        "agent": lambda: _books(engine.enterprise(life.agent.id, question)),
        "ore": lambda: _footprint(engine.footprint(life.ore, question)[1]),
        "steel": lambda: _footprint(engine.footprint(life.steel, question)[1]),
    }
    return {name: _or_error(ask) for name, ask in asked.items()}


def _books(books: Any) -> Any:
    assessment = dataclasses.asdict(books.assessment)
    return books.places, books.as_of, {name: repr(value) for name, value in assessment.items()}


def _footprint(footprint: Any) -> str:
    return repr(footprint)


def _or_error(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except errors.CatchmentError as refused:
        return type(refused).__name__
    except AttributeError:
        return "not stated yet"


def test_an_engine_that_follows_answers_as_a_fresh_one_at_every_size(factory: Factory) -> None:
    live = Engine(factory.log)
    told: dict[int, dict[str, Any]] = {}
    life = Life.__new__(Life)

    def follow() -> None:
        live._log = factory.log  # a recovery opens the log anew
        size = factory.log.size()
        told[size] = answers(live, life)
        fresh = Engine(factory.log)
        assert told[size] == answers(fresh, life), size
        assert live.standing() == fresh.standing()
        for earlier in (size - 1, size // 2) if size % 4 == 0 else ():
            assert answers(live, life, earlier) == answers(fresh, life, earlier)

    life.__init__(factory, follow)  # type: ignore[misc]  # the follower asks about what it names
    fresh = Engine(factory.log)
    for size, said in told.items():
        now = answers(fresh, life, size)
        if "PayloadErased" not in now.values():
            assert {name: now[name] for name in said if said[name] != "not stated yet"} == {
                name: value for name, value in said.items() if value != "not stated yet"
            }, size


def test_what_is_suspect_at_a_size_is_what_its_key_events_say(life: Life) -> None:
    log = life.factory.log
    assert log.soundness_at(3) == Soundness()
    causes = {each.entry.index: each.cause for each in log.suspects_at(log.size())}
    assert causes
    assert life.suspect in causes
    assert all(index < cause for index, cause in causes.items())
