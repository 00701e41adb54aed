"""A snapshot and the entries after it give what a replay from the first entry gives."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.errors import PayloadErased, SnapshotRefused
from ledger.log import Log
from ledger.snapshot import NOWHERE, Snapshots
from ledger.soundness import unsettles
from ledger.standing import Standing
from ledger.statements import Erasure, NaturalKey
from tests.factory import Actor, Factory
from tests.ledger.test_random_lives import Life
from tests.ledger.test_standing import assert_about_agrees

pytestmark = pytest.mark.only_on("sqlite", "a snapshot is a file beside any database")

STEPS = 60


@pytest.fixture
def snapshots(tmp_path: Path) -> Snapshots:
    return Snapshots(tmp_path / "standing.snapshot")


def followed(standing: Standing, log: Log) -> Standing:
    """What stands now, as a server follows its log."""
    size = log.size()
    for entry in log.entries(standing.size, size):
        if entry.is_erased or unsettles(entry.statement):
            return Standing.after(log, size)
        is_erasure = isinstance(entry.statement.body, Erasure)
        ahead = standing.after_erasure(entry) if is_erasure else standing.after_entry(entry)
        if ahead is None:
            return Standing.after(log, size)
        standing = ahead
    return standing.doubting(log)


def loaded(snapshots: Snapshots, log: Log) -> Standing:
    standing = snapshots.load(log)
    assert standing is not None
    return standing


@pytest.mark.parametrize("seed", [6, 9])
def test_a_snapshot_and_the_entries_after_it_are_a_replay(
    new_factory: Callable[..., Factory], snapshots: Snapshots, seed: int
) -> None:
    life = Life(f := new_factory(seed=seed), seed)
    live = Standing.after(f.log, f.log.size())
    refused = size = 0
    for step in range(STEPS):
        life.step()
        live = followed(live, f.log)
        if step % 5:
            continue
        if f.log.erased_since(size):
            assert step == 0 or refusal(snapshots, f.log) == "a payload was erased since"
            refused += step > 0
        elif step:
            live = followed(loaded(snapshots, f.log), f.log)
        assert live == Standing.after(f.log, f.log.size())
        assert_about_agrees(live)
        assert snapshots.dump(live, f.log)
        assert loaded(snapshots, f.log) == live
        size = live.size
    assert refused


def test_whatever_lies_over_a_snapshot_goes_into_the_next(
    factory: Factory, snapshots: Snapshots
) -> None:
    acme, other = factory.enterprise("Acme"), factory.enterprise("Other")
    site, steel, iron = acme.site(), acme.product("Steel"), acme.product("Iron")
    recipe, gone = acme.recipe(steel, site), acme.recipe(iron, site)
    acme.withdraw(acme.inventory(site))
    live = factory.standing()
    for change in (
        lambda: acme.correct(recipe),
        lambda: acme.withdraw(gone),
        lambda: acme.transfer("product", steel, other, start="2025-01-01"),
        lambda: other.production(steel, other.site(), "5"),
    ):
        snapshots.dump(live, factory.log)
        change()
        live = followed(loaded(snapshots, factory.log), factory.log)
        assert live == factory.standing()
        assert_about_agrees(live)
    assert live.owner_of("product", steel) == other.id
    assert [said.index for said in live.statements("product")] == sorted(
        said.index for said in live.products.values()
    )


def test_what_is_said_is_read_from_the_file(factory: Factory, snapshots: Snapshots) -> None:
    acme = factory.enterprise("Acme")
    product = acme.product("Steel")
    snapshots.dump(factory.standing(), factory.log)
    standing = loaded(snapshots, factory.log)
    said = standing.products[product]
    assert said.statement == factory.log.entry(said.index).statement
    assert standing.find(NaturalKey("product", (product,))) is said
    assert said.statement is said.statement
    assert dict(standing.products) == {product: said}
    assert standing.statements("product")[0] == said


def test_without_a_file_or_a_path_there_is_no_snapshot(
    factory: Factory, snapshots: Snapshots
) -> None:
    assert snapshots.load(factory.log) is None
    assert NOWHERE.load(factory.log) is None
    assert not NOWHERE.dump(factory.standing(), factory.log)


@pytest.fixture
def dumped(factory: Factory, snapshots: Snapshots) -> Path:
    factory.enterprise("Acme").product("Steel")
    snapshots.dump(factory.standing(), factory.log)
    assert snapshots.path is not None
    return snapshots.path


def refusal(snapshots: Snapshots, log: Log) -> str:
    with pytest.raises(SnapshotRefused) as refused:
        snapshots.load(log)
    return str(refused.value.params["reason"])


def test_a_snapshot_with_any_byte_changed_is_refused(
    factory: Factory, snapshots: Snapshots, dumped: Path
) -> None:
    sound = dumped.read_bytes()
    for place in range(0, len(sound), 211):
        dumped.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        assert refusal(snapshots, factory.log)
    dumped.write_bytes(sound)
    assert snapshots.load(factory.log) is not None


@pytest.mark.parametrize("size", [0, 5, 30, 2000, -40, -1])
def test_a_snapshot_that_was_cut_short_is_refused(
    factory: Factory, snapshots: Snapshots, dumped: Path, size: int
) -> None:
    sound = dumped.read_bytes()
    dumped.write_bytes(sound[:size])
    assert refusal(snapshots, factory.log)


def test_a_snapshot_of_another_log_is_refused(
    factory: Factory, new_url: Callable[[str], str], snapshots: Snapshots, dumped: Path
) -> None:
    other = Factory(new_url("other"), seed=2)
    other.enterprise("Acme").product("Steel")
    assert refusal(snapshots, other.log) == "it is of a prefix that the log does not have"
    other.close()


def test_a_snapshot_of_more_than_the_log_has_is_refused(
    factory: Factory, snapshots: Snapshots, dumped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = factory.log.size()
    monkeypatch.setattr(factory.log, "size", lambda: size - 1)
    assert refusal(snapshots, factory.log) == "it is of a prefix that the log does not have"


def test_a_snapshot_of_another_version_is_refused(
    factory: Factory, snapshots: Snapshots, dumped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.snapshot.VERSION", "2")
    assert refusal(snapshots, factory.log) == "it is of another version"


# --- Erasures ------------------------------------------------------------------------------


@pytest.fixture
def keeping(factory: Factory, snapshots: Snapshots) -> Factory:
    """A log that takes what it erases out of its snapshot."""
    factory.log = Log(factory.engine, factory.signer, factory.clock, snapshots=snapshots)
    return factory


def test_an_erased_payload_does_not_survive_in_the_file(
    keeping: Factory, snapshots: Snapshots
) -> None:
    acme = keeping.enterprise("Acme")
    inventory = acme.inventory(acme.site(), [("CO2", "fossil", "123456789.5")])
    snapshots.dump(keeping.standing(), keeping.log)
    assert snapshots.path is not None
    envelope = keeping.log.entry(inventory.index).envelope
    other_name = snapshots.path.with_suffix(".copy")
    os.link(snapshots.path, other_name)
    assert envelope in other_name.read_bytes()
    mapped = loaded(snapshots, keeping.log)
    acme.erase(inventory)
    assert not snapshots.path.exists()
    # Whoever opened the file before has it still, without what was erased.
    assert envelope not in other_name.read_bytes()
    (said,) = mapped.statements("inventory")
    with pytest.raises(PayloadErased):
        _ = said.statement


def test_an_erasure_is_followed_without_reading_the_log_anew(
    factory: Factory, snapshots: Snapshots
) -> None:
    acme = factory.enterprise("Acme")
    site, product = acme.site(), acme.product("Steel")
    first, recipe = acme.inventory(site), acme.recipe(product, site)
    for said in (acme.correct(first), recipe):
        standings = Standing.of(factory.log.heads_at(factory.log.size())), factory.standing()
        acme.erase(said)
        for live in standings:
            ahead = live.after_erasure(factory.log.entry(live.size))
            assert ahead == factory.standing()
            assert ahead is not None
            assert ahead.about(said.statement.type, site) == ()
            snapshots.dump(ahead, factory.log)
            assert loaded(snapshots, factory.log) == ahead
    # Who erases what was corrected since takes nothing away.
    corrected = acme.production(product, site, "5")
    acme.correct(corrected)
    live = factory.standing()
    acme.erase(corrected)
    assert live.after_erasure(factory.log.entry(live.size)) == factory.standing()
    assert len(factory.standing().about("production", site)) == 1
    # Of a chain that was withdrawn, the log tells what is left.
    withdrawn = acme.purchases(site)
    acme.withdraw(withdrawn)
    live = factory.standing()
    acme.erase(withdrawn)
    assert live.after_erasure(factory.log.entry(live.size)) is None


def test_a_file_from_before_an_erasure_is_refused(factory: Factory, snapshots: Snapshots) -> None:
    acme = factory.enterprise("Acme")
    inventory = acme.inventory(acme.site())
    before = factory.standing()
    snapshots.dump(before, factory.log)
    acme.erase(inventory)
    assert refusal(snapshots, factory.log) == "a payload was erased since"
    # Nor is one written that would hold it.
    assert not snapshots.dump(before, factory.log)
    assert snapshots.load(factory.log) is None
    assert snapshots.dump(factory.standing(), factory.log)
    assert loaded(snapshots, factory.log) == factory.standing()


def test_an_erasure_while_a_snapshot_is_written_takes_it_away(
    keeping: Factory, snapshots: Snapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme: Actor = keeping.enterprise("Acme")
    inventory = acme.inventory(acme.site())
    before = keeping.standing()
    with monkeypatch.context() as patched:
        patched.setattr("ledger.snapshot.os.fsync", _once(lambda: acme.erase(inventory)))
        assert not snapshots.dump(before, keeping.log)
    assert snapshots.path is not None
    assert not list(snapshots.path.parent.glob(f"{snapshots.path.name}*"))


def _once(work: Callable[[], object]) -> Callable[[int], None]:
    waiting = [work]

    def run(_: int) -> None:
        if waiting:
            waiting.pop()()

    return run
