"""Threat 18 on a real disk: one that is full, one that lost what it had not been told to keep."""

from __future__ import annotations

import resource
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from ledger import note
from ledger.checkpoint import Checkpoint
from ledger.errors import CatchmentError, HighWaterRefused, StoreFull, StoreUnavailable
from ledger.high_water import HighWater
from ledger.log import Accepted, Log
from ledger.merkle import leaf_hash, node_hash
from ledger.statements import Product
from ledger.store import open_engine
from tests.factory import Actor, Factory


@pytest.fixture
def factory(tmp_path: Path) -> Iterator[Factory]:
    """On SQLite, whatever database the other tests use."""
    factory = Factory(tmp_path)
    yield factory
    factory.close()


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


def _products(actor: Actor, count: int) -> list[bytes]:
    return [
        actor.sign(Product(id=actor.factory.uuid(), name="x" * 100, unit="KGM"))
        for _ in range(count)
    ]


def _root(hashes: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, by its definition."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(_root(hashes[:k]), _root(hashes[k:]))


def _check_sound(log: Log) -> list[bytes]:
    """The envelopes, of a log without gaps whose root is the signed one."""
    entries = list(log.entries())
    head = Checkpoint.parse(note.open_note(log.checkpoint(), [log.verifier]).text)
    assert [entry.index for entry in entries] == list(range(head.size))
    assert head.root == _root([leaf_hash(entry.leaf.encode()) for entry in entries])
    return [entry.envelope for entry in entries]


def _check_refused_and_taken_later(
    log: Log, envelopes: list[bytes], refusal: type[CatchmentError]
) -> Iterator[None]:
    before = _check_sound(log)
    with pytest.raises(refusal) as refused:
        log.append(envelopes)
    assert refused.value.advice
    assert "Traceback" not in str(refused.value)
    assert _check_sound(log) == before
    yield
    assert all(isinstance(each, Accepted) and each.stored for each in log.append(envelopes))
    assert _check_sound(log) == before + envelopes


def test_a_database_that_may_not_grow_refuses_by_name_and_goes_on_when_it_may(
    factory: Factory, acme: Actor
) -> None:
    pages = {"limit": 0}

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages['limit']}").close()

    event.listen(factory.engine, "checkout", limit)
    now = factory.database.stat().st_size // 4096
    pages["limit"] = now + 3
    story = _check_refused_and_taken_later(factory.log, _products(acme, 30), StoreFull)
    next(story)
    pages["limit"] = 1_000_000
    next(story, None)


@contextmanager
def _files_no_larger_than(size: int) -> Iterator[None]:
    """The kernel refuses to write beyond it (EFBIG): another way to be out of room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [1, 4096, 20_000, 60_000])
def test_a_file_that_may_not_grow_is_left_whole_and_grows_when_it_may(
    factory: Factory, acme: Actor, room: int
) -> None:
    log = factory.log
    wal = Path(f"{factory.database}-wal").stat().st_size
    story = _check_refused_and_taken_later(log, _products(acme, 100), StoreUnavailable)
    with _files_no_larger_than(wal + room):
        next(story)
    next(story, None)


def test_a_log_that_may_be_read_and_not_written_refuses_by_name(
    factory: Factory, acme: Actor
) -> None:
    def read_only(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA query_only=ON").close()

    event.listen(factory.engine, "checkout", read_only)
    story = _check_refused_and_taken_later(factory.log, _products(acme, 1), StoreUnavailable)
    next(story)
    event.remove(factory.engine, "checkout", read_only)
    factory.engine.dispose()
    next(story, None)


def test_a_write_ahead_log_cut_off_anywhere_leaves_a_sound_log_that_goes_on(
    factory: Factory, acme: Actor, tmp_path: Path
) -> None:
    """A power cut leaves of what was not yet synced: a shorter file, or one with old bytes in it.

    Everything up to the last whole transaction is there, and nothing of the next.
    """
    envelopes = _products(acme, 6)
    with closing(sqlite3.connect(factory.database)) as beside:
        beside.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    wal, base = Path(f"{factory.database}-wal"), _check_sound(factory.log)
    ends = []
    for start in range(0, 6, 2):
        factory.log.append(envelopes[start : start + 2])
        ends.append(wal.stat().st_size)
    whole = wal.read_bytes()
    frame = 24 + 4096
    cuts = {*range(0, len(whole), 5 * frame + 1000), *ends, *(end - 1 for end in ends)}
    for number, cut in enumerate(sorted(cuts)):
        old = bytes(byte ^ 0xFF for byte in whole[cut : cut + frame])
        for name, kept in (("short", b""), ("holed", old + whole[cut + frame :])):
            place = tmp_path / f"{number}-{name}"
            found = _after_power_cut(factory, place, whole[:cut] + kept, envelopes)
            transactions = sum(end <= cut for end in ends)
            assert found == base + envelopes[: 2 * transactions], (cut, name)


def _after_power_cut(
    factory: Factory, place: Path, wal: bytes, envelopes: list[bytes]
) -> list[bytes]:
    """What the log holds with that much of its write-ahead log; it must go on from there."""
    place.mkdir()
    shutil.copy(factory.database, place / "log.db")
    (place / "log.db-wal").write_bytes(wal)
    engine = open_engine(f"sqlite:///{place}/log.db")
    log = Log(engine, factory.signer, factory.clock)
    found = _check_sound(log)
    log.append(envelopes)
    assert sorted(_check_sound(log)[-6:]) == sorted(envelopes)
    engine.dispose()
    return found


def test_connections_that_failed_are_not_used_again(factory: Factory, acme: Actor) -> None:
    """A file that could be opened only for reading, once, must not stop all writing for good."""
    factory.engine.dispose()
    opened = []

    def once(dialect: object, record: object, arguments: list[str], options: object) -> None:
        opened.append(arguments[0])
        if len(opened) == 1:
            arguments[0] = f"file:{arguments[0]}?mode=ro"
            options["uri"] = True  # type: ignore[index]  # a dict, by SQLAlchemy's contract

    event.listen(factory.engine, "do_connect", once)
    envelopes = _products(acme, 1)
    with pytest.raises(StoreUnavailable, match="readonly"):
        factory.log.append(envelopes)
    assert isinstance(factory.log.append(envelopes)[0], Accepted)
    assert len(opened) == 2


def test_what_was_stored_and_not_marked_is_marked_before_it_is_acknowledged(
    factory: Factory, acme: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The move of the mark fails after the commit; the client sends the same again."""
    mark = HighWater(tmp_path / "high-water")
    log = Log(factory.engine, factory.signer, factory.clock, mark)
    first, second = _products(acme, 2)
    log.append([first])

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as harmed:
        harmed.setattr("os.replace", fail)
        with pytest.raises(HighWaterRefused):
            log.append([second])
    (outcome,) = log.append([second])
    assert isinstance(outcome, Accepted)
    marked = mark.checkpoint([log.verifier])
    assert marked is not None
    assert marked.size == outcome.index + 1 == log.size()
