"""A log that is built anew from its export is the log: every row, every receipt, every proof."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ledger import errors, jws, receipt, tables
from ledger.checkpoint import Checkpoint
from ledger.export import export, open_archive
from ledger.fsck import fsck
from ledger.log import Accepted, Log
from ledger.note import SignerKey, open_note, sign, text_of
from ledger.rebuild import Rebuilt, rebuild
from ledger.receipt import Receipt
from ledger.statements import Erasure, Product
from ledger.store import writing
from ledger.trust import Trust
from tests.factory import ORIGIN, Actor, Factory

NewDatabase = Callable[[str], sa.Engine]


def rows(engine: sa.Engine) -> dict[str, set[Any]]:
    with engine.connect() as connection:
        return {
            table.name: {tuple(row) for row in connection.execute(table.select())}
            for table in tables.metadata.sorted_tables
        }


def eventful(factory: Factory) -> Actor:
    """Everything that makes admission look back: chains, keys, delegations, consents, periods."""
    acme, park_owner = factory.enterprise("Acme", alg="ES256"), factory.enterprise("Park")
    plant, steel, park = acme.site(), acme.product("Steel"), park_owner.park()
    factory.clock.advance(days=1)
    recipe = acme.recipe(steel, plant, emissions=[("CO2", "fossil", "2")])
    acme.correct(recipe, emissions=())
    acme.withdraw(acme.production(steel, plant, "5"))
    acme.footprint(steel, "1.5")
    park_owner.membership(park, plant, consent_by=acme)
    acme.delegate(park_owner)
    factory.clock.advance(days=1)
    park_owner.say(Product(id=factory.uuid(), name="For Acme", unit="KGM"), subject=acme.id)
    acme.disclose("footprint", steel)
    new = acme.with_key()
    acme.say(factory.key_body(new, action="rotate", replaces=acme.key.public.kid))
    return new


def fill(acme: Actor, size: int, batch: int = 100) -> None:
    """Bring the log to ``size`` entries, ``batch`` to a checkpoint."""
    factory = acme.factory
    while missing := size - factory.log.size():
        factory.clock.advance(seconds=60)
        bodies = [Product(id=factory.uuid(), name="Iron", unit="KGM") for _ in range(missing)]
        factory.log.append([acme.sign(body) for body in bodies[:batch]])


@pytest.fixture
def acme(factory: Factory) -> Actor:
    """Speaks in a log of 600 entries: three bundles, many checkpoints."""
    acme = eventful(factory)
    fill(acme, 256, batch=7)
    fill(acme, 600)
    return acme


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def exported(factory: Factory, name: str = "log") -> Path:
    path = Path(f"{name}.zip").absolute()
    export(factory.engine, path)
    return path


def built(engine: sa.Engine, path: Path, trust: Trust | None = None) -> Rebuilt:
    with open_archive(path) as archive:
        return rebuild(engine, archive, trust)


def test_a_rebuilt_database_is_the_same_in_every_row(
    factory: Factory, acme: Actor, new_database: NewDatabase
) -> None:
    engine = new_database("other")
    done = built(engine, exported(factory))
    assert rows(engine) == rows(factory.engine)
    assert (done.added, done.checkpoint.size) == (600, 600)


def test_export_rebuild_export_is_byte_for_byte_the_same(
    factory: Factory, acme: Actor, new_database: NewDatabase, tmp_path: Path
) -> None:
    engine, first = new_database("other"), exported(factory)
    built(engine, first)
    export(engine, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == first.read_bytes()


def test_what_witnesses_cosigned_is_kept_beside_the_checkpoints(
    factory: Factory, acme: Actor, new_database: NewDatabase, tmp_path: Path
) -> None:
    """Two of the checkpoints have been published with the line of a witness below the log's."""
    with factory.engine.connect() as connection:
        stored = dict(tuple(row) for row in connection.execute(tables.checkpoint.select()))
    witness = SignerKey("witness.example", factory.operator.key)
    lines = [
        {"size": size, "note": stored[size] + sign(text_of(stored[size]), witness).splitlines()[-1]
         + b"\n"}
        for size in (1, 600)
    ]  # fmt: skip
    with writing(factory.engine) as connection:
        connection.execute(tables.published.insert(), lines)
    path, engine = exported(factory), new_database("other")
    built(engine, path)
    assert rows(engine) == rows(factory.engine)
    export(engine, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == path.read_bytes()
    wrong = framed([lines[0]["note"].replace(b"\n1\n", b"\n600\n")])
    with pytest.raises((errors.ExportRefused, errors.NoteRefused)):
        built(new_database("third"), retold(path, {"cosigned": wrong}))


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_smallest_logs_are_rebuilt_too(
    factory: Factory, new_database: NewDatabase, size: int
) -> None:
    if size > 1:
        factory.enterprise("Acme")
    engine = new_database("other")
    built(engine, exported(factory))
    assert rows(engine) == rows(factory.engine)


def test_an_old_receipt_holds_after_corrections_withdrawals_and_a_rebuild(
    factory: Factory, new_database: NewDatabase
) -> None:
    acme = factory.enterprise("Acme")
    said = acme.inventory(acme.site(), [("CO2", "fossil", "10")])
    kept = factory.log.receipt(said.index).encode()
    before = Checkpoint.parse(open_note(factory.log.checkpoint(), [factory.log.verifier]).text)
    factory.clock.advance(days=31)
    acme.withdraw(acme.correct(said, emissions=()))
    fill(acme, 300)
    engine = new_database("other")
    built(engine, exported(factory))
    log = Log(engine, factory.signer, factory.clock)
    proof = Receipt.parse(kept)
    assert receipt.verify(proof, [log.verifier], ORIGIN) == before
    assert log.entry(said.index).leaf.encode() == proof.leaf
    assert log.consistency(before.size, 300) == factory.log.consistency(before.size, 300)


def test_a_rebuilt_log_goes_on(factory: Factory, acme: Actor, new_database: NewDatabase) -> None:
    engine = new_database("other")
    built(engine, exported(factory))
    log = Log(engine, factory.signer, factory.clock)
    envelope = acme.sign(Product(id=factory.uuid(), name="Steel", unit="KGM"))
    assert log.append([envelope]) == factory.log.append([envelope])
    assert rows(engine) == rows(factory.engine)


@pytest.mark.parametrize("size", [1, 200, 256, 300, 512, 599, 600])
def test_a_beginning_of_the_log_is_brought_up_to_the_export(
    factory: Factory, new_database: NewDatabase, size: int
) -> None:
    engine = new_database("other")
    if size == 1:
        built(engine, exported(factory))
    acme = eventful(factory)
    if size > 1:
        fill(acme, size)
        built(engine, exported(factory))
    fill(acme, 600)
    assert built(engine, exported(factory)).added == 600 - size
    assert rows(engine) == rows(factory.engine)


def test_a_beginning_with_a_damaged_tree_is_put_right(
    factory: Factory, acme: Actor, new_database: NewDatabase
) -> None:
    engine = new_database("other")
    built(engine, exported(factory))
    fill(acme, 700)
    with engine.begin() as connection:
        connection.execute(tables.tile.delete().where(tables.tile.c.level == 0))
    built(engine, exported(factory))
    assert rows(engine) == rows(factory.engine)


class Interrupted(BaseException):
    """As ^C at that moment."""


def interrupted_after(engine: sa.Engine, path: Path, bundles: int) -> None:
    def step(done: int, total: int) -> None:
        if done == 256 * bundles:
            raise Interrupted

    with open_archive(path) as archive, pytest.raises(Interrupted):
        rebuild(engine, archive, step=step)


@pytest.mark.parametrize("bundles", [1, 2])
def test_half_a_log_cannot_be_signed_and_is_finished_by_the_next_run(
    factory: Factory, acme: Actor, new_database: NewDatabase, bundles: int
) -> None:
    engine, path = new_database("other"), exported(factory)
    interrupted_after(engine, path, bundles)
    half = Log(engine, factory.signer, factory.clock)
    assert half.size() < 256 * bundles
    assert sum(1 for _ in half.entries()) == half.size()
    envelope = acme.sign(Product(id=factory.uuid(), name="Steel", unit="KGM"))
    before = rows(engine)
    with pytest.raises(errors.TreeDamaged):
        half.append([envelope])
    assert rows(engine) == before
    assert built(engine, path).added == 600 - 256 * bundles
    assert rows(engine) == rows(factory.engine)
    assert half.append([envelope])


def test_only_one_checkpoint_in_between_makes_half_a_log_signable_no_more(
    factory: Factory, new_database: NewDatabase
) -> None:
    """Checkpoints at 1, 2, ..., then only at 256: the one at the bundle's end is held back."""
    acme = factory.enterprise("Acme")
    fill(acme, 256, batch=256)
    fill(acme, 300)
    engine, path = new_database("other"), exported(factory)
    interrupted_after(engine, path, 1)
    assert Log(engine, factory.signer, factory.clock).size() == 3
    built(engine, path)
    assert rows(engine) == rows(factory.engine)


# --- what does not fit ---


def product(acme: Actor) -> bytes:
    return acme.sign(Product(id=acme.factory.uuid(), name="Steel", unit="KGM"))


@pytest.mark.parametrize("shared", [300, 512])
def test_another_history_is_refused_at_the_first_entry_that_differs(
    factory: Factory, new_database: NewDatabase, shared: int
) -> None:
    """Two logs of one name and key, the same up to entry ``shared`` - 1."""
    acme = factory.enterprise("Acme")
    fill(acme, shared)
    fork = new_database("fork")
    built(fork, exported(factory))
    Log(fork, factory.signer, factory.clock).append([product(acme) for _ in range(3)])
    fill(acme, 600)
    before = rows(fork)
    with pytest.raises(errors.ExportDiffers) as caught:
        built(fork, exported(factory))
    assert caught.value.params == {"index": shared}
    assert rows(fork) == before


def test_an_export_that_is_behind_takes_nothing_back(
    factory: Factory, acme: Actor, new_database: NewDatabase
) -> None:
    engine, old = new_database("other"), exported(factory)
    factory.append(product(acme))
    built(engine, exported(factory, "new"))
    with pytest.raises(errors.ExportShorter):
        built(engine, old)


def test_the_log_that_is_trusted_is_the_only_one_that_is_built(
    factory: Factory, acme: Actor, new_database: NewDatabase
) -> None:
    engine, path = new_database("other"), exported(factory)
    vkey = str(factory.log.verifier)
    for origin, genesis in [(ORIGIN, "0" * 64), ("other.example", factory.log.genesis.digest)]:
        with pytest.raises(errors.ExportForeign):
            built(engine, path, Trust(origin, genesis, vkey))
    assert not any(rows(engine).values())
    assert built(engine, path, Trust(ORIGIN, factory.log.genesis.digest, vkey)).added == 600


def retold(path: Path, changes: dict[str, bytes]) -> Path:
    """The same export with some members replaced."""
    with zipfile.ZipFile(path) as old:
        content = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as made:
        for name, data in (content | changes).items():
            made.writestr(zipfile.ZipInfo(name), data)
    return path


def member(path: Path, name: str) -> bytes:
    with zipfile.ZipFile(path) as opened:
        return opened.read(name)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("name", "at", "condition"),
    [
        ("tile/entries/001", 700, errors.ExportRefused),
        ("tile/entries/001", 30_000, errors.ExportRefused),
        ("tile/0/001", 700, errors.ExportRefused),
        ("tile/0/002.p/88", 7, errors.ExportRefused),
        ("tile/1/000.p/2", 63, errors.ExportRefused),
        ("envelope/001", 50_000, errors.EntryRefused),
        ("envelope/002.p/88", -1, errors.EntryRefused),
    ],
)
def test_a_flipped_bit_is_found_wherever_it_is(
    factory: Factory,
    acme: Actor,
    new_database: NewDatabase,
    name: str,
    at: int,
    condition: type[errors.CatchmentError],
) -> None:
    path = exported(factory)
    data = member(path, name)
    engine = new_database("other")
    with pytest.raises(condition):
        built(engine, retold(path, {name: flipped(data, at % len(data))}))


def framed(notes: list[bytes]) -> bytes:
    return b"".join(len(note).to_bytes(4, "big") + note for note in notes)


def test_checkpoints_are_believed_for_their_signature_and_root_alone(
    factory: Factory, new_database: NewDatabase
) -> None:
    factory.enterprise("Acme")
    path, engine = exported(factory), new_database("other")
    with open_archive(path) as archive:
        first, middle, last = archive.notes()
    text = open_note(middle, [factory.log.verifier]).text
    other = SignerKey(ORIGIN, factory.operator.key)
    wrong = Checkpoint(ORIGIN, 2, bytes(32)).text
    for notes in (
        [first, sign(text, other), last],
        [first, sign(wrong, factory.signer), last],
        [first, last, middle],
        [first, middle, middle, last],
        [middle, last],
        [first, middle],
        [first, middle, last, last],
        [],
    ):
        with pytest.raises(errors.LedgerError) as caught:
            built(engine, retold(path, {"checkpoints": framed(notes)}))
        assert isinstance(caught.value, errors.ExportRefused | errors.NoteRefused)
    assert not any(rows(engine).values())


def test_what_a_careless_or_bribed_log_took_in_is_not_taken_again(
    factory: Factory, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log signs an entry whose own signature is another's: only a replay finds that."""
    acme, other = factory.enterprise("Acme"), factory.enterprise("Other")
    mine, theirs = product(acme), product(other)
    forged = mine.rpartition(b".")[0] + b"." + theirs.rpartition(b".")[2]
    with monkeypatch.context() as patched:
        patched.setattr(jws, "verify", lambda *_: None)
        said = factory.append(forged)
    engine = new_database("other")
    with pytest.raises(errors.EntryRefused) as caught:
        built(engine, exported(factory))
    assert caught.value.params["index"] == said.index
    assert "signature" in str(caught.value)
    assert not any(rows(engine).values())


def test_an_erased_payload_is_absent_from_the_rebuilt_log_too(
    factory: Factory, new_database: NewDatabase, tmp_path: Path
) -> None:
    """One erased soon after, in the same bundle of 256; one erased much later, in another."""
    acme = factory.enterprise("Acme")
    steel, plant = acme.product("Steel"), acme.site()
    first, second = acme.footprint(steel, "1.5"), acme.inventory(plant)
    erase(acme, first)
    fill(acme, 300)
    erase(acme, second)
    path, engine = exported(factory), new_database("other")
    built(engine, path)
    assert rows(engine) == rows(factory.engine)
    assert fsck(engine).findings == fsck(factory.engine).findings == ()
    export(engine, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == path.read_bytes()


def erase(acme: Actor, said: Accepted) -> None:
    key = said.statement.body.natural_key(acme.id).text
    acme.say(Erasure(digest=said.digest, key=key, reason="A person was named."))
