"""What the signer refuses to sign: a log that was rolled back or forked, a tree miswritten."""

from __future__ import annotations

import multiprocessing
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import errors, merkle, note, tables, tile_store, tiles
from ledger.checkpoint import Checkpoint
from ledger.high_water import UNMARKED, HighWater, check_continues
from ledger.keys import PrivateKey
from ledger.log import Accepted, Log
from ledger.note import SignerKey
from ledger.statements import Product
from ledger.store import open_engine
from tests.factory import ORIGIN, Actor, Factory


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


@pytest.fixture
def mark(tmp_path: Path) -> HighWater:
    (tmp_path / "elsewhere").mkdir()
    return HighWater(tmp_path / "elsewhere" / "high-water")


@pytest.fixture
def log(factory: Factory, acme: Actor, mark: HighWater) -> Log:
    """The factory's log with a mark."""
    return Log(factory.engine, factory.signer, factory.clock, mark)


@pytest.fixture
def copied(factory: Factory, tmp_path: Path) -> Iterable[Callable[[str], sa.Engine]]:
    """Copies the database as a backup does, under a name; gives the copy's engine."""
    if factory.engine.dialect.name != "sqlite":
        pytest.skip("only a SQLite database can be copied as one file")
    engines = []

    def copy(name: str) -> sa.Engine:
        path = tmp_path / f"{name}.db"
        with closing(sqlite3.connect(str(factory.engine.url.database))) as now:
            now.execute("VACUUM INTO ?", [str(path)])
        engines.append(open_engine(f"sqlite:///{path}"))
        return engines[-1]

    yield copy
    for engine in engines:
        engine.dispose()


def _product(actor: Actor) -> bytes:
    return actor.sign(Product(id=actor.factory.uuid(), name="Steel", unit="KGM"))


def _marked(factory: Factory, mark: HighWater) -> Checkpoint | None:
    return mark.checkpoint([factory.signer.verifier])


def _state(log: Log) -> tuple[int, bytes, list[bytes | None]]:
    return log.size(), log.checkpoint(), [entry.envelope for entry in log.entries()]


# --- the mark ---


def test_every_checkpoint_signed_is_marked_before_it_is_answered(
    factory: Factory, acme: Actor, log: Log, mark: HighWater
) -> None:
    assert _marked(factory, mark) is None
    for _ in range(3):
        log.append([_product(acme)])
        text = note.open_note(log.checkpoint(), [factory.signer.verifier]).text
        assert _marked(factory, mark) == Checkpoint.parse(text)


def test_a_log_is_marked_from_its_genesis_on(
    factory: Factory, mark: HighWater, new_database: Callable[[str], sa.Engine]
) -> None:
    begin = (factory.genesis, factory.signer, factory.clock, mark)
    Log.create(new_database("one"), *begin)
    marked = _marked(factory, mark)
    assert marked is not None
    assert marked.size == 1
    # Its leaf has another ledger time: a second beginning of the log is a fork of the first.
    factory.clock.advance(seconds=1)
    with pytest.raises(errors.LogRolledBack):
        Log.create(new_database("two"), *begin)


def test_a_restored_backup_is_not_signed_and_says_how_to_go_on(
    factory: Factory, acme: Actor, log: Log, mark: HighWater, copied: Callable[[str], sa.Engine]
) -> None:
    log.append([_product(acme)])
    backup = copied("backup")
    lost = _product(acme)
    log.append([lost])
    restored = Log(backup, factory.signer, factory.clock, mark)
    before = _state(restored)
    for attempt in (lambda: restored.append([_product(acme)]), restored.check_high_water):
        with pytest.raises(errors.LogRolledBack, match=r"4 entries.*5 have been.*log rebuild"):
            attempt()
    assert _state(restored) == before
    # Reading goes on: dry runs, receipts, and what the log holds already.
    assert isinstance(restored.append([_product(acme)], dry_run=True)[0], Accepted)
    assert restored.receipt(3).index == 3
    log.append([_product(acme)])  # the log itself goes on


def test_a_copy_that_was_brought_up_to_date_goes_on(
    factory: Factory, acme: Actor, log: Log, mark: HighWater, copied: Callable[[str], sa.Engine]
) -> None:
    log.append([_product(acme)])
    moved = Log(copied("moved"), factory.signer, factory.clock, mark)
    moved.check_high_water()
    moved.append([_product(acme)])
    with pytest.raises(errors.LogRolledBack):
        log.append([_product(acme)])


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_of_two_servers_with_a_database_each_and_one_mark_the_second_refuses(
    factory: Factory,
    acme: Actor,
    log: Log,
    mark: HighWater,
    copied: Callable[[str], sa.Engine],
    ahead: int,
) -> None:
    log.append([_product(acme)])
    copy = copied("second")
    # What no mark keeps from happening: the copy was signed elsewhere, and comes back.
    unmarked = Log(copy, factory.signer, factory.clock)
    for _ in range(ahead):
        unmarked.append([_product(acme)])
    second = Log(copy, factory.signer, factory.clock, mark)
    log.append([_product(acme)])
    before = _state(second)
    wanted = errors.LogForked if ahead else errors.LogRolledBack
    for attempt in (lambda: second.append([_product(acme)]), second.check_high_water):
        with pytest.raises(wanted):
            attempt()
    assert _state(second) == before


def test_a_crash_between_commit_and_mark_is_harmless(
    factory: Factory, acme: Actor, log: Log, mark: HighWater, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append([_product(acme)])
    marked, envelope = _marked(factory, mark), _product(acme)
    with monkeypatch.context() as crashed:
        crashed.setattr(HighWater, "move", lambda _: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            log.append([envelope])
    assert _marked(factory, mark) == marked
    reopened = Log(factory.engine, factory.signer, factory.clock, mark)
    reopened.check_high_water()
    (again,) = reopened.append([envelope])
    assert isinstance(again, Accepted)
    assert (again.new, again.stored) == (False, True)
    reopened.append([_product(acme)])
    newest = _marked(factory, mark)
    assert newest is not None
    assert newest.size == reopened.size()


def test_a_mark_that_cannot_be_written_is_known_before_anything_is_stored(
    factory: Factory, acme: Actor, log: Log, mark: HighWater, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append([_product(acme)])
    before, envelope = _state(log), _product(acme)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as failing:
        failing.setattr("ledger.high_water.os.fsync", full)
        with pytest.raises(errors.HighWaterRefused, match="No space left on device"):
            log.append([envelope])
    assert _state(log) == before
    (outcome,) = log.append([envelope])
    assert isinstance(outcome, Accepted)
    assert outcome.new


def test_a_mark_in_no_folder_is_refused(factory: Factory, acme: Actor, tmp_path: Path) -> None:
    nowhere = HighWater(tmp_path / "unmounted" / "high-water")
    log = Log(factory.engine, factory.signer, factory.clock, nowhere)
    with pytest.raises(errors.HighWaterRefused, match="No such file"):
        log.append([_product(acme)])


def _torn(text: bytes) -> bytes:
    return text[: len(text) // 2]


def _flipped(text: bytes) -> bytes:
    return text.replace(b"\n4\n", b"\n3\n")


def _of_another_key(text: bytes) -> bytes:
    stranger = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))
    return note.sign(text.decode().partition("\n\n")[0] + "\n", stranger)


@pytest.mark.parametrize("harm", [_torn, _flipped, _of_another_key, lambda _: b""])
def test_a_mark_that_is_no_checkpoint_of_the_log_is_refused(
    acme: Actor, log: Log, mark: HighWater, harm: Callable[[bytes], bytes]
) -> None:
    log.append([_product(acme)])
    assert mark.path is not None
    sound, before = mark.path.read_bytes(), _state(log)
    mark.path.write_bytes(harm(sound))
    for attempt in (lambda: log.append([_product(acme)]), log.check_high_water):
        with pytest.raises(errors.HighWaterRefused, match="cannot be used"):
            attempt()
    assert _state(log) == before
    mark.path.write_bytes(sound)
    log.append([_product(acme)])


def test_who_reads_or_copies_the_log_does_not_wait_for_the_mark(
    factory: Factory, acme: Actor, log: Log, mark: HighWater, copied: Callable[[str], sa.Engine]
) -> None:
    log.append([_product(acme)])
    with mark.held([factory.signer.verifier]):
        log.check_high_water()
        assert log.append([_product(acme)], dry_run=True)
        assert Log(copied("backup"), factory.signer, factory.clock).size() == 4


def _append_many(url: str, pem: bytes, path: str, now_ms: int, envelopes: list[bytes]) -> None:
    signer = SignerKey(ORIGIN, PrivateKey.from_pem(pem))
    engine = open_engine(url)
    log = Log(engine, signer, lambda: now_ms, HighWater(Path(path)))
    for envelope in envelopes:
        log.append([envelope])
    engine.dispose()


def test_two_processes_move_the_mark_and_only_forwards(
    factory: Factory, acme: Actor, log: Log, mark: HighWater
) -> None:
    log.append([_product(acme)])
    shares = [[_product(acme) for _ in range(30)] for _ in range(2)]
    pem, url = factory.signer.private.to_pem(), factory.engine.url.render_as_string(False)
    spawn = multiprocessing.get_context("spawn")
    processes = [
        spawn.Process(
            target=_append_many, args=(url, pem, str(mark.path), factory.clock.now_ms, share)
        )
        for share in shares
    ]
    for process in processes:
        process.start()
    seen: list[int] = []
    while any(process.is_alive() for process in processes):
        marked = _marked(factory, mark)
        assert marked is not None
        seen.append(marked.size)
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert seen == sorted(seen)
    marked = _marked(factory, mark)
    assert marked is not None
    assert marked.size == log.size() == 64
    log.check_high_water()


@given(st.integers(1, 600), st.integers(0, 600), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_log_is_signed_exactly_when_it_continues_the_mark(
    size: int, more: int, altered: bool
) -> None:
    leaves = [merkle.leaf_hash(bytes([n % 256, n // 256])) for n in range(size + more)]
    first = merkle.leaf_hash(b"another beginning") if altered else leaves[0]
    older = merkle.Frontier(0, ()).grown(leaves[:size])
    built = tiles.extend(0, [first, *leaves[1:]], lambda *_: b"")

    def read_tile(level: int, index: int) -> bytes:
        return built.get((level, index), b"")

    mark = Checkpoint(ORIGIN, size, older.root)
    check_continues(None, size + more, read_tile)
    if altered:
        with pytest.raises(errors.LogForked):
            check_continues(mark, size + more, read_tile)
    else:
        check_continues(mark, size + more, read_tile)
    with pytest.raises(errors.LogRolledBack):
        check_continues(mark, size - 1, read_tile)


def test_without_a_file_nothing_is_marked() -> None:
    with UNMARKED.held([]) as mark:
        mark.stage(b"")
        mark.move()
    assert UNMARKED.checkpoint([]) is None


# --- a bit that flips between computing and writing ---


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _flipped_tile(write: Callable[..., None]) -> Callable[..., None]:
    def wrapped(connection: sa.Connection, changed: tile_store.Tiles) -> None:
        write(connection, {place: _flip(data, len(data) - 1) for place, data in changed.items()})

    return wrapped


def _flipped_leaf_hashes(extend: Callable[..., object]) -> Callable[..., object]:
    def wrapped(size: int, leaf_hashes: list[bytes], read: tiles.TileReader) -> object:
        return extend(size, [*leaf_hashes[:-1], _flip(leaf_hashes[-1], 7)], read)

    return wrapped


@pytest.mark.parametrize(
    ("where", "flipped"),
    [("ledger.tile_store.write", _flipped_tile), ("ledger.tiles.extend", _flipped_leaf_hashes)],
)
@pytest.mark.parametrize("count", [1, 3, 300])
def test_a_bit_flipped_before_signing_is_neither_signed_nor_stored(
    acme: Actor,
    log: Log,
    mark: HighWater,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    flipped: Callable[[Callable[..., object]], Callable[..., object]],
    count: int,
) -> None:
    log.append([_product(acme)])
    assert mark.path is not None
    before, marked = _state(log), mark.path.read_bytes()
    module, name = where.rsplit(".", 1)
    sound = getattr({"ledger.tile_store": tile_store, "ledger.tiles": tiles}[module], name)
    envelopes = [_product(acme) for _ in range(count)]
    with monkeypatch.context() as harmed:
        harmed.setattr(where, flipped(sound))
        with pytest.raises(errors.TreeMiswritten):
            log.append(envelopes)
    assert (_state(log), mark.path.read_bytes()) == (before, marked)
    assert all(isinstance(each, Accepted) for each in log.append(envelopes))


def test_a_leaf_flipped_on_its_way_to_the_database_is_not_signed(
    acme: Actor, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, write = _state(log), tile_store.write

    def and_flip_a_leaf(connection: sa.Connection, changed: tile_store.Tiles) -> None:
        write(connection, changed)
        index = tables.entry.c.index
        newest = index == sa.select(sa.func.max(index)).scalar_subquery()
        leaf = connection.execute(sa.select(tables.entry.c.leaf).where(newest)).scalar_one()
        connection.execute(tables.entry.update().where(newest), {"leaf": _flip(leaf, 20)})

    monkeypatch.setattr(tile_store, "write", and_flip_a_leaf)
    with pytest.raises(errors.TreeMiswritten):
        log.append([_product(acme)])
    assert _state(log) == before
