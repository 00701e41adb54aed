"""The log as a whole: what was acknowledged is stored, once, in order, and can be proved."""

from __future__ import annotations

import base64
import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ledger import errors, merkle, note, receipt, tables
from ledger.checkpoint import Checkpoint
from ledger.keys import PrivateKey
from ledger.leaf import Leaf
from ledger.limits import MAX_BATCH
from ledger.log import Accepted, Log, Refused
from ledger.note import SignerKey
from ledger.statements import Enterprise, LogId, Product, Withdrawal
from ledger.store import open_engine, writing
from tests.databases import tampering
from tests.factory import ORIGIN, START_MS, Actor, Factory
from tests.patience import HANG_SECONDS
from tests.processes import running

ROOT = Path(__file__).resolve().parents[2]
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


def _products(actor: Actor, count: int) -> list[bytes]:
    return [
        actor.sign(Product(id=actor.factory.uuid(), name=f"Product {n}", unit="KGM"))
        for n in range(count)
    ]


def _rows(engine: sa.Engine) -> dict[str, list[Any]]:
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(table.select())]
            for table in tables.metadata.sorted_tables
        }


def _root(leaves: Sequence[bytes]) -> Callable[[int, int], bytes]:
    """RFC 6962 section 2.1, word for word: MTH(D[start:end])."""

    @cache
    def mth(start: int, end: int) -> bytes:
        if end - start == 1:
            return hashlib.sha256(b"\x00" + leaves[start]).digest()
        k = 1
        while 2 * k < end - start:
            k *= 2
        both = mth(start, start + k) + mth(start + k, end)
        return hashlib.sha256(b"\x01" + both).digest()

    return mth


def _check_log(factory: Factory, log: Log) -> int:
    """Everything the log holds agrees with itself; returns its size."""
    entries = list(log.entries())
    signed = note.open_note(log.checkpoint(), [factory.signer.verifier])
    head = Checkpoint.parse(signed.text)
    leaves = [entry.leaf.encode() for entry in entries]
    assert head == Checkpoint(ORIGIN, len(entries), _root(leaves)(0, len(entries)))
    assert [entry.index for entry in entries] == list(range(len(entries)))
    times = [entry.leaf.time for entry in entries]
    assert times == sorted(times)
    for entry in entries:
        assert hashlib.sha256(entry.envelope).hexdigest() == entry.leaf.envelope
        assert entry.statement.digest == entry.leaf.signed
        assert log.entry_by_digest(entry.leaf.signed) == entry
    for index in range(0, len(entries), 7):
        again = receipt.Receipt.parse(log.receipt(index).encode())
        assert receipt.verify(again, [factory.signer.verifier], ORIGIN) == head
        assert Leaf.parse(again.leaf) == entries[index].leaf
    return len(entries)


# --- the life of a chain ---


def test_a_chain_is_opened_corrected_withdrawn_and_continued(factory: Factory, acme: Actor) -> None:
    body = Product(id=factory.uuid(), name="Steel", unit="KGM")
    opened = acme.say(body)
    corrected = acme.correct(opened, name="Iron")
    gone = acme.withdraw(corrected)
    back = acme.say(body, prev=gone.digest)
    chain = [opened, corrected, gone, back]
    assert [said.opening for said in chain] == [opened.digest] * 4
    assert [said.index for said in chain] == list(range(opened.index, opened.index + 4))
    names = [
        [said.statement.body.name for said in factory.standing(end).statements("product")]
        for end in range(opened.index, opened.index + 5)
    ]
    assert names == [[], ["Steel"], ["Iron"], [], ["Steel"]]


# --- idempotency ---


def test_the_same_bytes_again_give_the_first_index(factory: Factory, acme: Actor) -> None:
    envelope = _products(acme, 1)[0]
    first = factory.append(envelope)
    before = _rows(factory.engine)
    again = factory.append(envelope)
    assert (first.new, again.new) == (True, False)
    assert (again.index, again.digest, again.opening) == (
        first.index,
        first.digest,
        first.opening,
    )
    assert again.stored
    assert _rows(factory.engine) == before


def _twin(envelope: bytes) -> bytes:
    """The other valid ES256 signature of the same statement: (r, n - s)."""
    signed, _, signature = envelope.rpartition(b".")
    raw = base64.urlsafe_b64decode(signature + b"==")
    s = P256_ORDER - int.from_bytes(raw[32:], "big")
    twin = base64.urlsafe_b64encode(raw[:32] + s.to_bytes(32, "big")).rstrip(b"=")
    return signed + b"." + twin


def test_the_malleable_twin_is_the_same_statement(factory: Factory) -> None:
    acme = factory.enterprise("Acme", alg="ES256")
    envelope = _products(acme, 1)[0]
    first = factory.append(envelope)
    twin = factory.append(_twin(envelope))
    assert _twin(envelope) != envelope
    assert (twin.index, twin.digest, twin.new) == (first.index, first.digest, False)
    assert factory.log.entry(first.index).envelope == envelope


def test_a_known_statement_under_a_wrong_signature_is_refused(
    factory: Factory, acme: Actor
) -> None:
    one, two = _products(acme, 2)
    factory.append(one)
    forged = one.rpartition(b".")[0] + b"." + two.rpartition(b".")[2]
    with pytest.raises(errors.SignatureInvalid):
        factory.append(forged)


def test_a_statement_of_a_key_that_retired_is_still_known(factory: Factory, acme: Actor) -> None:
    envelope = _products(acme, 1)[0]
    first = factory.append(envelope)
    kid = acme.key.public.kid
    acme.say(factory.key_body(acme.with_key(), action="rotate", replaces=kid))
    assert factory.append(envelope).index == first.index
    assert isinstance(factory.reopen().append([envelope])[0], Accepted)


def test_one_statement_twice_in_one_batch_is_one_entry(factory: Factory) -> None:
    acme = factory.enterprise("Acme", alg="ES256")
    envelope = _products(acme, 1)[0]
    size = factory.log.size()
    outcomes = factory.log.append([envelope, envelope, _twin(envelope)])
    assert [(o.index, o.new, o.stored) for o in outcomes if isinstance(o, Accepted)] == [
        (size, True, True),
        (size, False, True),
        (size, False, True),
    ]
    assert factory.log.size() == size + 1


def test_the_genesis_again_is_the_first_entry(factory: Factory) -> None:
    again = factory.append(factory.genesis)
    assert (again.index, again.new, again.stored) == (0, False, True)


# --- batches ---


def test_statements_of_one_batch_build_on_one_another(factory: Factory) -> None:
    new = Actor(factory, factory.uuid(), "New", PrivateKey.generate("EdDSA"))
    operator = factory.operator
    product = Product(id=factory.uuid(), name="Steel", unit="KGM")
    opening = new.sign(product)
    digest = hashlib.sha256(opening.rpartition(b".")[0]).hexdigest()
    batch = [
        operator.sign(Enterprise(id=new.id, name="New"), subject=new.id),
        operator.sign(factory.key_body(new), subject=new.id),
        opening,
        new.sign(Withdrawal(reason="Too early."), prev=digest),
        new.sign(product, prev=digest),
        opening,
    ]
    *outcomes, stale, again = factory.log.append(batch)
    assert [isinstance(outcome, Accepted) for outcome in outcomes] == [True] * 4
    assert isinstance(stale, Refused)
    assert isinstance(stale.error, errors.StaleHead)
    assert isinstance(again, Accepted)
    assert (again.index, again.new) == (3, False)
    assert _check_log(factory, factory.log) == 5


def test_one_jti_for_two_statements_of_a_batch_is_refused(factory: Factory, acme: Actor) -> None:
    jti = factory.jti()
    batch = [acme.sign(Product(id=factory.uuid(), name=name, unit="KGM"), jti=jti) for name in "AB"]
    first, second = factory.log.append(batch)
    assert isinstance(first, Accepted)
    assert isinstance(second, Refused)
    assert isinstance(second.error, errors.JtiReused)


def test_a_batch_stores_what_passes_and_names_what_does_not(factory: Factory, acme: Actor) -> None:
    one, two = _products(acme, 2)
    size = factory.log.size()
    outcomes = factory.log.append([one, b"no envelope", two])
    assert [type(outcome) for outcome in outcomes] == [Accepted, Refused, Accepted]
    assert factory.log.size() == size + 2


def test_an_atomic_batch_with_a_refusal_leaves_no_trace(factory: Factory, acme: Actor) -> None:
    one, two = _products(acme, 2)
    before = _rows(factory.engine)
    outcomes = factory.log.append([one, b"no envelope", two], atomic=True)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Refused, Accepted]
    assert not any(outcome.stored for outcome in outcomes if isinstance(outcome, Accepted))
    assert _rows(factory.engine) == before
    outcomes = factory.log.append([one, two], atomic=True)
    assert all(isinstance(outcome, Accepted) and outcome.stored for outcome in outcomes)


def test_a_dry_run_tells_what_would_come_and_leaves_no_trace(factory: Factory, acme: Actor) -> None:
    one, two = _products(acme, 2)
    factory.append(one)
    before, size = _rows(factory.engine), factory.log.size()
    known, new, bad = factory.log.append([one, two, b"no envelope"], dry_run=True)
    assert isinstance(known, Accepted)
    assert isinstance(new, Accepted)
    assert isinstance(bad, Refused)
    assert (known.index, known.new, known.stored) == (size - 1, False, True)
    assert (new.index, new.new, new.stored) == (size, True, False)
    assert _rows(factory.engine) == before
    assert factory.append(two).index == new.index


def test_a_dry_run_does_not_wait_for_a_writer(factory: Factory, acme: Actor) -> None:
    with writing(factory.engine):
        outcomes = factory.log.append(_products(acme, 1), dry_run=True)
    assert isinstance(outcomes[0], Accepted)


def test_a_refused_statement_leaves_no_trace(factory: Factory, acme: Actor) -> None:
    before = _rows(factory.engine)
    (outcome,) = factory.log.append(
        [acme.with_key().sign(Product(id=factory.uuid(), name="Steel", unit="KGM"))]
    )
    assert isinstance(outcome, Refused)
    assert _rows(factory.engine) == before


def test_a_batch_has_a_limit(factory: Factory) -> None:
    with pytest.raises(errors.BatchTooLarge):
        factory.log.append([b""] * (MAX_BATCH + 1))


def test_an_empty_batch_is_nothing(factory: Factory) -> None:
    assert factory.log.append([]) == []
    assert factory.log.size() == 1


# --- when something breaks ---


def test_when_signing_fails_nothing_is_stored_and_the_log_goes_on(
    factory: Factory, acme: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    envelopes = _products(acme, 3)
    before = _rows(factory.engine)

    def fail(*_: object) -> bytes:
        raise OSError("the key is away")

    with monkeypatch.context() as patched:
        patched.setattr(note, "sign", fail)
        with pytest.raises(OSError, match="the key is away"):
            factory.log.append(envelopes)
    assert _rows(factory.engine) == before
    outcomes = factory.log.append(envelopes)
    assert [outcome.new for outcome in outcomes if isinstance(outcome, Accepted)] == [True] * 3
    _check_log(factory, factory.log)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE tile SET hashes = :zeros WHERE level = 0",
        "DELETE FROM tile",
        "DELETE FROM checkpoint WHERE size = (SELECT max(size) FROM checkpoint)",
        'DELETE FROM entry WHERE "index" = (SELECT max("index") FROM entry)',
    ],
)
def test_a_log_whose_tree_was_altered_signs_nothing_more(
    factory: Factory, acme: Actor, harm: str
) -> None:
    factory.append(_products(acme, 1)[0])
    with tampering(factory.url) as behind_its_back:
        behind_its_back.execute(sa.text(harm), {"zeros": bytes(32 * factory.log.size())})
    signed = factory.log.checkpoint()
    with pytest.raises((errors.TreeDamaged, errors.TileTruncated)):
        factory.log.append(_products(acme, 1))
    assert factory.log.checkpoint() == signed


def test_time_never_runs_backwards(factory: Factory, acme: Actor) -> None:
    one, two, three = _products(acme, 3)
    factory.append(one)
    factory.clock.advance(seconds=-200)
    factory.append(two)
    assert factory.log.entry(factory.log.size() - 1).leaf.time == START_MS
    factory.clock.advance(seconds=201)
    factory.append(three)
    assert factory.log.entry(factory.log.size() - 1).leaf.time == START_MS + 1000


# --- many writers ---


def test_eight_threads_with_one_statement_make_one_entry(factory: Factory, acme: Actor) -> None:
    envelope = _products(acme, 1)[0]
    size, start = factory.log.size(), threading.Barrier(8)
    found: list[Accepted] = []

    def post() -> None:
        start.wait()
        found.append(factory.append(envelope))

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [said.index for said in found] == [size] * 8
    assert sum(said.new for said in found) == 1
    assert _check_log(factory, factory.log) == size + 1


def _appender(
    factory: Factory, folder: Path, envelopes: Sequence[bytes]
) -> AbstractContextManager[subprocess.Popen[str]]:
    pem, lines = folder / "signer.pem", folder / f"{factory.uuid()}.txt"
    pem.write_bytes(factory.signer.private.to_pem())
    lines.write_bytes(b"\n".join(envelopes))
    command = [sys.executable, "-m", "tests.appender", factory.url, str(pem), str(lines)]
    return running(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_four_processes_append_to_one_file_and_lose_nothing(
    factory: Factory, acme: Actor, tmp_path: Path
) -> None:
    size = factory.log.size()
    shares = [_products(acme, 12) for _ in range(4)]
    with ExitStack() as started:
        processes = [started.enter_context(_appender(factory, tmp_path, share)) for share in shares]
        acknowledged = [
            process.communicate(timeout=HANG_SECONDS)[0].split() for process in processes
        ]
    assert [process.returncode for process in processes] == [0] * 4
    indexes = sorted(int(index) for printed in acknowledged for index in printed)
    assert indexes == list(range(size, size + 48))
    for share, printed in zip(shares, acknowledged, strict=True):
        assert [factory.log.entry(int(index)).envelope for index in printed] == share
    assert _check_log(factory, factory.log) == size + 48


def test_a_writer_killed_in_the_middle_leaves_a_sound_log_with_all_it_acknowledged(
    factory: Factory, acme: Actor, tmp_path: Path
) -> None:
    size, envelopes = factory.log.size(), _products(acme, 400)
    with _appender(factory, tmp_path, envelopes) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(20)]
        process.kill()
        acknowledged += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    log = factory.reopen()
    assert acknowledged == list(range(size, size + len(acknowledged)))
    assert [log.entry(index).envelope for index in acknowledged] == envelopes[: len(acknowledged)]
    # The last one may be stored without its answer having got out.
    assert _check_log(factory, log) - size - len(acknowledged) in (0, 1)
    outcomes = log.append(envelopes[:100])
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    _check_log(factory, log)


# --- proofs ---


@pytest.mark.only_on("sqlite", "is about proofs; whole lives are read from both databases")
def test_all_proofs_of_600_entries_hold_against_the_definition(
    factory: Factory, acme: Actor
) -> None:
    log, envelopes = factory.log, _products(acme, 600 - factory.log.size())
    sizes, sent = [log.size()], 0
    for count in (1, 2, 3, 50, 200, 197, 144):
        log.append(envelopes[sent : sent + count])
        sent += count
        sizes.append(log.size())
    assert log.size() == 600
    leaves = [entry.leaf.encode() for entry in log.entries()]
    mth = _root(leaves)
    for size in sizes[-3:]:
        for index in range(0, size, 1 if size == 600 else 17):
            leaf = merkle.leaf_hash(leaves[index])
            path = log.inclusion(index, size)
            merkle.verify_inclusion(leaf, index, size, path, mth(0, size))
    for old in range(1, 601):
        path = log.consistency(old, 600)
        merkle.verify_consistency(old, mth(0, old), 600, mth(0, 600), path)
    _check_log(factory, log)


def test_tiles_are_those_that_the_tree_was_proved_from(factory: Factory, acme: Actor) -> None:
    factory.log.append(_products(acme, 260))
    leaves = [merkle.leaf_hash(entry.leaf.encode()) for entry in factory.log.entries()]
    assert factory.log.tile(0, 0) == b"".join(leaves[:256])
    assert factory.log.tile(0, 1) == b"".join(leaves[256:])
    assert factory.log.tile(0, 2) == b""


def test_there_is_nothing_beyond_the_end(factory: Factory) -> None:
    log = factory.log
    for missing in (
        lambda: log.entry(1),
        lambda: log.entry_by_digest("ab" * 32),
        lambda: log.receipt(1),
    ):
        with pytest.raises(errors.EntryNotFound):
            missing()
    for beyond in (
        lambda: log.inclusion(0, 2),
        lambda: log.consistency(1, 2),
        lambda: log.consistency(0, 1),
    ):
        with pytest.raises(errors.OutsideTree):
            beyond()


def test_entries_are_read_by_range(factory: Factory, acme: Actor) -> None:
    factory.log.append(_products(acme, 5))
    size = factory.log.size()
    assert [entry.index for entry in factory.log.entries(2, 5)] == [2, 3, 4]
    assert [entry.index for entry in factory.log.entries(2)] == list(range(2, size))
    assert list(factory.log.entries(size)) == []


# --- beginning ---

NewDatabase = Callable[[str], sa.Engine]


def test_a_database_holds_one_log(factory: Factory) -> None:
    with pytest.raises(errors.AlreadyInitialised):
        Log.create(factory.engine, factory.genesis, factory.signer, factory.clock)


def test_an_empty_database_holds_none(factory: Factory, new_database: NewDatabase) -> None:
    with pytest.raises(errors.LogNotFound):
        Log(new_database("empty"), factory.signer, factory.clock)


def test_a_log_begins_with_a_genesis_and_nothing_else(
    factory: Factory, acme: Actor, new_database: NewDatabase
) -> None:
    product = _products(acme, 1)[0]
    with pytest.raises(errors.LogNotFound):
        Log.create(new_database("empty"), product, factory.signer, factory.clock)


def test_a_log_is_signed_under_the_origin_and_key_of_its_genesis(
    factory: Factory, new_database: NewDatabase
) -> None:
    strangers = (
        SignerKey(ORIGIN, PrivateKey.generate("EdDSA")),
        SignerKey("elsewhere.example", factory.signer.private),
    )
    for stranger in strangers:
        with pytest.raises(errors.GenesisRefused):
            Log(factory.engine, stranger, factory.clock)
        with pytest.raises(errors.GenesisRefused):
            Log.create(new_database("empty"), factory.genesis, stranger, factory.clock)
        with pytest.raises(errors.LogNotFound):
            Log(new_database("empty"), stranger, factory.clock)


def test_a_genesis_speaks_for_itself_and_is_fresh(
    factory: Factory, new_database: NewDatabase
) -> None:
    body, operator = factory.log.genesis.body, factory.operator
    alone = LogId(origin=ORIGIN)
    thief = Actor(factory, operator.id, "Thief", PrivateKey.generate("EdDSA"))
    unfit = (
        (errors.GenesisRefused, operator.sign(body, log=factory.log_id)),
        (errors.GenesisRefused, operator.sign(body, log=alone, prev="ab" * 32)),
        (errors.GenesisRefused, operator.sign(body, log=alone, subject=factory.uuid())),
        (errors.ClockSkew, operator.sign(body, log=alone, iat=1)),
        (errors.KidMismatch, thief.sign(body, log=alone)),
    )
    engine = new_database("empty")
    for condition, envelope in unfit:
        with pytest.raises(condition):
            Log.create(engine, envelope, factory.signer, factory.clock)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/log"])
def test_a_log_is_not_kept_where_it_cannot_be(url: str) -> None:
    with pytest.raises(errors.StoreUnsupported):
        open_engine(url)
