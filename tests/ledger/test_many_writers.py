"""Eight processes on one log: what they were told is what is stored, once, in order."""

from __future__ import annotations

import json
import multiprocessing
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ledger import merkle, note
from ledger.checkpoint import Checkpoint
from ledger.high_water import HighWater
from ledger.keys import PrivateKey
from ledger.log import Log, Outcome, Refused
from ledger.note import SignerKey
from ledger.sequencer import Sequencer
from ledger.statements import Product
from ledger.store import open_engine
from tests.factory import ORIGIN, Actor, Factory

PROCESSES = 8
THREADS = 4
OWN, SHARED, CONTESTED = 300, 100, 100
"""Statements of each process alone; sent by every process; chains that every process corrects."""

SECONDS_BEHIND = 20
"""The clock of each process lags this much behind that of the one before it."""


def _post(url: str, pem: bytes, folder: str, name: str, now_ms: int) -> None:
    """Append the envelopes in ``<name>.in`` and write what was answered to ``<name>.out``."""
    engine = open_engine(url)
    signer = SignerKey(ORIGIN, PrivateKey.from_pem(pem))
    log = Log(engine, signer, lambda: now_ms, HighWater(Path(folder) / "high-water"))
    sequencer = Sequencer(log)

    def one(envelope: bytes) -> tuple[str, Any]:
        (outcome,) = sequencer.append([envelope])
        return envelope.decode(), _told(outcome)

    with ThreadPoolExecutor(THREADS) as pool:
        told = list(pool.map(one, (Path(folder) / f"{name}.in").read_bytes().split()))
    (Path(folder) / f"{name}.out").write_text(json.dumps(told))
    engine.dispose()


def _told(outcome: Outcome) -> Any:
    if isinstance(outcome, Refused):
        return outcome.error.code
    assert outcome.stored
    return outcome.index, outcome.new


def _product(actor: Actor, id: str, name: str, **common: Any) -> bytes:
    return actor.sign(Product(id=id, name=name, unit="KGM"), **common)


def _shares(acme: Actor) -> tuple[list[list[bytes]], list[list[bytes]]]:
    """What each process sends, in an order of its own; and the rivals of each contested chain."""
    f = acme.factory
    opened = [_product(acme, f.uuid(), f"Chain {n}") for n in range(CONTESTED)]
    heads = [outcome.statement for outcome in f.log.append(opened)]  # type: ignore[union-attr]  # all are accepted
    rivals = [
        [
            _product(acme, head.body.id, f"By {rival}", prev=head.digest)
            for rival in range(PROCESSES)
        ]
        for head in heads
    ]
    shared = [_product(acme, f.uuid(), "Shared") for _ in range(SHARED)]
    shares = []
    for process in range(PROCESSES):
        own = [_product(acme, f.uuid(), "Own") for _ in range(OWN)]
        share = [*own, *shared, *(chain[process] for chain in rivals)]
        random.Random(process).shuffle(share)
        shares.append(share)
    return shares, rivals


@pytest.mark.slow
def test_eight_processes_with_duplicates_and_rival_corrections_lose_nothing(
    factory: Factory, tmp_path: Path
) -> None:
    acme = factory.enterprise("Acme")
    shares, rivals = _shares(acme)
    before = factory.log.size()
    told = _posted(factory, tmp_path, shares)
    entries = list(factory.log.entries())

    # Every post was answered; what was acknowledged is stored where it was said to be.
    assert sum(map(len, told)) == PROCESSES * (OWN + SHARED + CONTESTED)
    accepted = [(sent, *said) for each in told for sent, said in each if not isinstance(said, str)]
    assert all(entries[index].envelope == sent.encode() for sent, index, _ in accepted)
    acknowledged = {index for _, index, _ in accepted}
    assert acknowledged == set(range(before, len(entries)))
    assert len(entries) == before + PROCESSES * OWN + SHARED + CONTESTED
    assert [entry.index for entry in entries] == list(range(len(entries)))

    # It was new to exactly one of those who were told its index.
    assert Counter(index for _, index, new in accepted if new) == Counter(acknowledged)

    # Of the rivals for one head one won, and the others were told that they came late.
    answers = {sent.encode(): said for each in told for sent, said in each}
    for chain in rivals:
        said = [answers[each] for each in chain]
        assert said.count("stale-head") == PROCESSES - 1

    # Clocks differ by minutes, ledger time does not run backwards.
    times = [entry.leaf.time for entry in entries]
    assert times == sorted(times)

    # The root is that of the leaves, and the mark is where the log is.
    hashes = [merkle.leaf_hash(entry.leaf.encode()) for entry in entries]
    root = merkle.Frontier(0, ()).grown(hashes).root
    signed = note.open_note(factory.log.checkpoint(), [factory.signer.verifier])
    assert Checkpoint.parse(signed.text) == Checkpoint(ORIGIN, len(entries), root)
    assert (tmp_path / "high-water").read_bytes() == factory.log.checkpoint()


def _posted(
    factory: Factory, folder: Path, shares: list[list[bytes]]
) -> list[list[tuple[str, Any]]]:
    """Send each share from a process of its own; what each was told."""
    url, pem = factory.engine.url.render_as_string(False), factory.signer.private.to_pem()
    several, processes = multiprocessing.get_context("forkserver"), []
    several.set_forkserver_preload([__name__])
    for number, share in enumerate(shares):
        (folder / f"{number}.in").write_bytes(b"\n".join(share))
        now_ms = factory.clock.now_ms - number * SECONDS_BEHIND * 1000
        arguments = (url, pem, str(folder), str(number), now_ms)
        processes.append(several.Process(target=_post, args=arguments))
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return [json.loads((folder / f"{n}.out").read_text()) for n in range(len(shares))]


def test_an_old_correction_sent_again_later_gets_its_first_index_and_moves_nothing(
    factory: Factory,
) -> None:
    acme = factory.enterprise("Acme")
    id = factory.uuid()
    opened = factory.append(_product(acme, id, "Steel"))
    correction = _product(acme, id, "Iron", prev=opened.digest)
    corrected = factory.append(correction)
    newest = factory.append(_product(acme, id, "Tin", prev=corrected.digest))
    again = factory.append(correction)
    assert (again.index, again.new) == (corrected.index, False)
    (stands,) = factory.standing().statements("product")
    assert stands.digest == newest.digest
    # Signed anew, with another jti, it is another statement and comes too late.
    (late,) = factory.log.append([_product(acme, id, "Iron", prev=opened.digest)])
    assert isinstance(late, Refused)
    assert late.error.code == "stale-head"
    assert factory.log.size() == newest.index + 1


def test_when_a_clock_is_set_back_the_other_processes_do_not_follow(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    # Back to 1970, as after a flat battery.
    ahead, behind = factory.log, Log(factory.engine, factory.signer, lambda: 0)
    ahead.append([_product(acme, factory.uuid(), "One")])
    behind.append([_product(acme, factory.uuid(), "Two")])
    factory.clock.advance(seconds=1)
    ahead.append([_product(acme, factory.uuid(), "Three")])
    one, two, three = (entry.leaf.time for entry in ahead.entries(ahead.size() - 3))
    assert (two - one, three - two) == (0, 1000)
