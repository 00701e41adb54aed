"""Callers who come together share a transaction, and nothing else: not a fault, not an answer."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ledger import errors, note, receipt
from ledger.limits import MAX_BATCH
from ledger.log import Accepted, Log, Outcome, Refused, Submission
from ledger.sequencer import Sequencer
from ledger.statements import Product
from tests.factory import ORIGIN, Actor, Factory
from tests.patience import HANG_SECONDS, until

ROOT = Path(__file__).resolve().parents[2]


class Gate:
    """A log whose transactions wait to be let through; ``sizes`` says what each one held."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._open = threading.Event()
        self.entered = threading.Event()
        self.sizes: list[list[int]] = []
        self.prepared = 0
        self._counting = threading.Lock()

    def open(self) -> None:
        self._open.set()

    def prepare(self, envelopes: Sequence[bytes], *, atomic: bool = False) -> Submission:
        submission = self._log.prepare(envelopes, atomic=atomic)
        with self._counting:
            self.prepared += 1
        return submission

    def commit(self, submissions: Sequence[Submission]) -> list[list[Outcome]]:
        self.entered.set()
        assert self._open.wait(HANG_SECONDS)
        self.sizes.append([len(each.items) for each in submissions])
        return self._log.commit(submissions)

    def append(self, envelopes: Sequence[bytes], **how: bool) -> list[Outcome]:
        return self._log.append(envelopes, **how)


class Crowd:
    """Callers of one sequencer, the first of whom is held in its transaction until `let_go`."""

    def __init__(self, gate: Gate, sequencer: Sequencer, pool: ThreadPoolExecutor) -> None:
        self.gate, self.sequencer, self._pool = gate, sequencer, pool
        self._calls: list[Future[list[Outcome]]] = []

    def call(self, envelopes: Sequence[bytes], **how: bool) -> Future[list[Outcome]]:
        """Call from another thread; returns once that stands in line, behind those before it."""
        self._calls.append(self._pool.submit(self.sequencer.append, envelopes, **how))
        waited = 1 if len(self._calls) == 1 else len(self._calls) - 1
        if len(self._calls) == 1:
            assert self.gate.entered.wait(HANG_SECONDS)
        else:
            until(lambda: len(self.sequencer._waiting) == waited)
        return self._calls[-1]

    def let_go(self) -> list[list[Outcome]]:
        self.gate.open()
        return [call.result(HANG_SECONDS) for call in self._calls]


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


@pytest.fixture
def crowd(factory: Factory, acme: Actor) -> Any:
    gate = Gate(factory.log)
    with ThreadPoolExecutor(60) as pool:
        crowd = Crowd(gate, Sequencer(gate), pool)  # type: ignore[arg-type]  # as much of a Log as it asks for
        yield crowd
        gate.open()


def _products(actor: Actor, count: int) -> list[bytes]:
    return [
        actor.sign(Product(id=actor.factory.uuid(), name=f"Product {n}", unit="KGM"))
        for n in range(count)
    ]


def _stored(factory: Factory) -> list[bytes | None]:
    return [entry.envelope for entry in factory.log.entries()]


def test_those_who_come_meanwhile_go_into_one_transaction(
    factory: Factory, acme: Actor, crowd: Crowd
) -> None:
    calls = [_products(acme, count) for count in (1, 2, 3, 1)]
    size = factory.log.size()
    for envelopes in calls:
        crowd.call(envelopes)
    answers = crowd.let_go()
    assert crowd.gate.sizes == [[1], [2, 3, 1]]
    assert _stored(factory)[size:] == [each for envelopes in calls for each in envelopes]
    indexes = [[each.index for each in answer if isinstance(each, Accepted)] for answer in answers]
    assert indexes == [[size], [size + 1, size + 2], [size + 3, size + 4, size + 5], [size + 6]]
    proof = receipt.Receipt.parse(factory.log.receipt(size + 6).encode())
    assert receipt.verify(proof, [factory.log.verifier], ORIGIN).size == size + 7


def test_an_idle_log_is_written_in_the_callers_own_thread(factory: Factory, acme: Actor) -> None:
    threads = threading.active_count()
    sequencer = Sequencer(factory.log)
    (outcome,) = sequencer.append(_products(acme, 1))
    assert isinstance(outcome, Accepted)
    assert outcome.stored
    assert threading.active_count() == threads
    assert sequencer.append([]) == []


def test_a_transaction_has_a_limit_and_the_rest_follows(
    factory: Factory, acme: Actor, crowd: Crowd
) -> None:
    junk = [b"no envelope"] * (MAX_BATCH - 1)
    for envelopes in (_products(acme, 1), junk, _products(acme, 1), _products(acme, 1)):
        crowd.call(envelopes)
    crowd.let_go()
    assert crowd.gate.sizes == [[1], [MAX_BATCH - 1, 1], [1]]


def test_of_two_corrections_that_come_together_one_wins(
    factory: Factory, acme: Actor, crowd: Crowd
) -> None:
    body = Product(id=factory.uuid(), name="Steel", unit="KGM")
    opened = acme.say(body)
    crowd.call(_products(acme, 1))
    for name in ("Iron", "Tin", "Zinc"):
        corrected = Product(id=body.id, name=name, unit="KGM")
        crowd.call([acme.sign(corrected, prev=opened.digest)])
    _, (first,), *others = crowd.let_go()
    assert crowd.gate.sizes[1:] == [[1, 1, 1]]
    assert isinstance(first, Accepted)
    for (other,) in others:
        assert isinstance(other, Refused)
        assert isinstance(other.error, errors.StaleHead)


def test_a_spoiled_atomic_batch_spoils_nobody_else(
    factory: Factory, acme: Actor, crowd: Crowd
) -> None:
    before, one, two, after = (_products(acme, 1) for _ in range(4))
    crowd.call(before)
    crowd.call(one)
    spoiled = crowd.call([*two, b"no envelope"], atomic=True)
    crowd.call(after)
    crowd.let_go()
    assert crowd.gate.sizes == [[1], [1], [2], [1]]
    assert _stored(factory)[-3:] == [*before, *one, *after]
    accepted, refused = spoiled.result()
    assert isinstance(accepted, Accepted)
    assert not accepted.stored
    assert isinstance(refused, Refused)


def test_a_dry_run_goes_past_those_who_wait(factory: Factory, acme: Actor, crowd: Crowd) -> None:
    crowd.call(_products(acme, 1))
    (outcome,) = crowd.sequencer.append(_products(acme, 1), dry_run=True)
    assert isinstance(outcome, Accepted)
    assert not outcome.stored
    crowd.let_go()


def test_a_transaction_that_fails_is_told_to_its_callers_and_to_nobody_else(
    factory: Factory, acme: Actor, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = _stored(factory)
    doomed = [_products(acme, 1) for _ in range(3)]
    sign, falls = note.sign, threading.Event()

    def fail_once(text: str, signer: note.SignerKey) -> bytes:
        if falls.is_set():
            falls.clear()
            raise OSError(28, "No space left on device")
        return sign(text, signer)

    monkeypatch.setattr(note, "sign", fail_once)
    first = crowd.call(_products(acme, 1))
    late = [crowd.call(envelopes) for envelopes in doomed]
    falls.set()
    crowd.gate.open()
    with pytest.raises(OSError, match="No space left"):
        first.result(HANG_SECONDS)
    assert [type(call.result(HANG_SECONDS)[0]) for call in late] == [Accepted] * 3
    assert _stored(factory) == [*stored, *(each for (each,) in doomed)]


def test_what_nobody_foresaw_spoils_one_statement_and_not_its_neighbours(
    factory: Factory, acme: Actor, crowd: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    (poison,), (one,), (two,) = (_products(acme, 1) for _ in range(3))
    commit = crowd.gate._log.commit

    def stumble(submissions: Sequence[Submission]) -> list[list[Outcome]]:
        envelopes = [
            item.statement.envelope.compact
            for each in submissions
            for item in each.items
            if not isinstance(item, Refused)
        ]
        if poison in envelopes:
            raise ArithmeticError("a mistake in the code")
        return commit(submissions)

    monkeypatch.setattr(crowd.gate._log, "commit", stumble)
    crowd.call(_products(acme, 1))
    calls = [crowd.call([each]) for each in (one, poison, two)]
    crowd.gate.open()
    with pytest.raises(ArithmeticError):
        calls[1].result(HANG_SECONDS)
    assert [type(calls[place].result(HANG_SECONDS)[0]) for place in (0, 2)] == [Accepted] * 2
    assert _stored(factory)[-2:] == [one, two]


# --- push-back ---


def test_when_too_much_waits_the_next_is_sent_away_unread(
    factory: Factory, acme: Actor, crowd: Crowd
) -> None:
    crowd.sequencer._max_statements = 4
    crowd.call(_products(acme, 1))
    crowd.call(_products(acme, 3))
    prepared = crowd.gate.prepared
    with pytest.raises(errors.LogBusy) as busy:
        crowd.sequencer.append(_products(acme, 1))
    assert (busy.value.params["waiting"], busy.value.retry_after) == (4, 1)
    assert crowd.gate.prepared == prepared
    crowd.let_go()
    assert len(crowd.sequencer.append(_products(acme, 4))) == 4


def test_bytes_are_counted_as_well_and_one_large_call_is_let_into_an_empty_log(
    factory: Factory, acme: Actor, crowd: Crowd
) -> None:
    large = _products(acme, 5)
    crowd.sequencer._max_bytes = len(large[0]) * 2
    crowd.call(large)
    with pytest.raises(errors.LogBusy):
        crowd.sequencer.append(_products(acme, 1))
    crowd.let_go()


def test_the_time_to_wait_follows_from_the_pace_of_the_last_batches(factory: Factory) -> None:
    sequencer = Sequencer(factory.log)
    assert sequencer._seconds_for(1_000) == 1
    sequencer._paces.extend([(100, 1.0), (300, 3.0)])  # 100 statements per second
    assert [sequencer._seconds_for(count) for count in (1, 100, 101, 1_000)] == [1, 1, 2, 10]


# --- many ---


def test_fifty_threads_with_one_statement_make_one_entry(factory: Factory, acme: Actor) -> None:
    (envelope,) = _products(acme, 1)
    size, sequencer, start = factory.log.size(), Sequencer(factory.log), threading.Barrier(50)

    def post(_: int) -> Accepted:
        start.wait(HANG_SECONDS)
        (outcome,) = sequencer.append([envelope])
        assert isinstance(outcome, Accepted)
        return outcome

    with ThreadPoolExecutor(50) as pool:
        found = list(pool.map(post, range(50)))
    assert {(said.index, said.stored) for said in found} == {(size, True)}
    assert sum(said.new for said in found) == 1
    assert factory.log.size() == size + 1
    receipts = {factory.log.receipt(said.index).encode() for said in found}
    assert len(receipts) == 1


FORKING = """
import os, sys, threading, warnings
warnings.simplefilter("ignore")
from ledger.sequencer import Sequencer

class Held:
    let_go = threading.Event()
    in_child = False
    def prepare(self, envelopes, *, atomic=False):
        from ledger.log import Submission
        return Submission((), atomic)
    def commit(self, submissions):
        if not self.in_child:
            inside.set()
            self.let_go.wait()
        return [[] for _ in submissions]

inside, log = threading.Event(), Held()
sequencer = Sequencer(log)
leader = threading.Thread(target=sequencer.append, args=([b""],))
leader.start()
inside.wait()
child = os.fork()
if child == 0:
    log.in_child = True
    os._exit(7 if sequencer.append([b""]) == [] else 1)
_, status = os.waitpid(child, 0)
log.let_go.set()
leader.join()
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_forked_process_begins_with_nobody_waiting() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORKING], cwd=ROOT, timeout=HANG_SECONDS, check=False
    )
    assert done.returncode == 7
