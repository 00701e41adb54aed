"""A witness against a public log (tlog-tiles vectors), forks, and itself in a race."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from ledger import note as notes
from ledger import tiles
from ledger.checkpoint import Checkpoint
from ledger.errors import (
    CatchmentError,
    LogDidNotSign,
    LogNotWitnessed,
    OldSizeDiffers,
    ProofMismatch,
    RootDiffers,
    SubmissionMalformed,
    WitnessUnprepared,
)
from ledger.keys import PrivateKey
from ledger.merkle import EMPTY_ROOT
from ledger.note import Kind, SignerKey, VerifierKey, open_note
from ledger.store import open_engine
from ledger.witness import (
    MAX_SUBMISSION_BYTES,
    NOTHING,
    Seen,
    Store,
    Submission,
    Witness,
    identify,
    judge,
)
from tests.tree import LOG, ORIGIN, Tree

STRANGER = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))
WITNESS = SignerKey("witness.example", PrivateKey.generate("EdDSA"), Kind.COSIGNATURE)
TIME = 1_700_000_000


TREE = Tree(600)
FORKED = Tree(600, "'", fork=300)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_engine(f"sqlite:///{tmp_path}/witness.db")
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> Store:
    return Store.create(engine)


@pytest.fixture
def witness(store: Store) -> Witness:
    return Witness(WITNESS, {ORIGIN: [LOG.verifier]}, store, lambda: TIME)


def test_a_growing_log_is_cosigned_step_by_step(witness: Witness, store: Store):
    for old, size in [(0, 1), (1, 2), (2, 2), (2, 255), (255, 256), (256, 600), (600, 600)]:
        submission = TREE.submission(old, size)
        seen = witness.cosign(submission)
        opened = open_note(submission.note + seen.line, [LOG.verifier, WITNESS.verifier])
        assert opened.cosignatures == (seen,)
        assert (seen.time_s, store.seen(ORIGIN)) == (TIME, Seen(size, TREE.root(size)))


def test_a_public_log_is_cosigned_from_every_size_to_every_other(vectors: Path, store: Store):
    folder = vectors / "tlog-tiles"
    key = VerifierKey.parse(json.loads((folder / "vkey.json").read_bytes())["vkey"])
    signed = {size: (folder / f"checkpoint.{size}").read_bytes() for size in range(1, 16)}
    row = max((folder / "tile/0/000.p").iterdir(), key=lambda path: int(path.name)).read_bytes()
    for old in range(1, 16):
        for size in range(old, 16):
            proof = tiles.consistency_path(old, size, lambda *_: row)
            submission = Submission(old, tuple(proof), signed[size])
            checkpoint = identify(submission, {key.name: [key]})
            seen = Seen(old, Checkpoint.parse(notes.text_of(signed[old])).root)
            assert judge(submission, checkpoint, seen) == Seen(size, checkpoint.root)


def test_the_empty_log_can_be_cosigned_and_then_grow(witness: Witness):
    empty = notes.sign(Checkpoint(ORIGIN, 0, EMPTY_ROOT).text, LOG)
    witness.cosign(Submission(0, (), empty))
    witness.cosign(Submission(0, (), empty))
    witness.cosign(TREE.submission(0, 5))


@pytest.mark.parametrize("size", [300, 301, 511, 512, 600])
def test_a_fork_is_never_cosigned(witness: Witness, store: Store, size: int):
    witness.cosign(TREE.submission(0, 301))
    seen = store.seen(ORIGIN)
    proofs = [FORKED.submission(old, size) for old in (0, 1, 299, 300, 301, 302)]
    mixed = Submission(301, TREE.submission(301, 600).proof, FORKED.note(600))
    for submission in [*proofs, mixed]:
        with pytest.raises((OldSizeDiffers, ProofMismatch, SubmissionMalformed)):
            witness.cosign(submission)
    assert store.seen(ORIGIN) == seen


REFUSALS: list[tuple[Submission, type[CatchmentError]]] = [
    (TREE.submission(99, 200), OldSizeDiffers),
    (TREE.submission(0, 200), OldSizeDiffers),
    (TREE.submission(101, 200), OldSizeDiffers),
    (Submission(201, (), TREE.note(200)), SubmissionMalformed),
    (Submission(100, (), TREE.note(200)), ProofMismatch),
    (Submission(100, (bytes(32),), TREE.note(100)), ProofMismatch),
    (Submission(100, (), Tree(100, "'").note(100)), RootDiffers),
    (TREE.submission(100, 200, STRANGER), LogDidNotSign),
    (TREE.submission(100, 200, SignerKey("other", LOG.private)), LogNotWitnessed),
    (Submission(100, (), b"no note"), SubmissionMalformed),
    (Submission(100, (), notes.sign("no checkpoint\n", LOG)), SubmissionMalformed),
]


@pytest.mark.parametrize(("submission", "refusal"), REFUSALS, ids=range(len(REFUSALS)))
def test_what_is_not_cosigned_leaves_no_trace(
    witness: Witness, store: Store, submission: Submission, refusal: type[CatchmentError]
):
    witness.cosign(TREE.submission(0, 100))
    with pytest.raises(refusal) as caught:
        witness.cosign(submission)
    assert type(caught.value) is refusal
    assert store.seen(ORIGIN) == Seen(100, TREE.root(100))


def test_who_sends_another_old_size_is_told_the_right_one(witness: Witness):
    witness.cosign(TREE.submission(0, 100))
    with pytest.raises(OldSizeDiffers) as caught:
        witness.cosign(TREE.submission(0, 200))
    witness.cosign(TREE.submission(caught.value.params["size"], 200))


def test_from_the_empty_tree_the_proof_has_to_be_empty(witness: Witness):
    with pytest.raises(ProofMismatch):
        witness.cosign(Submission(0, (bytes(32),), TREE.note(5)))


def test_logs_do_not_disturb_each_other(store: Store):
    other = SignerKey("other.example", PrivateKey.generate("EdDSA"))
    keys = {each.name: [each.verifier] for each in (LOG, other)}
    witness = Witness(WITNESS, keys, store, lambda: TIME)
    witness.cosign(TREE.submission(0, 100))
    witness.cosign(FORKED.submission(0, 400, other))
    assert (store.seen(ORIGIN).size, store.seen("other.example").size) == (100, 400)


def test_what_was_cosigned_is_remembered_when_it_starts_again(engine: sa.Engine, witness: Witness):
    witness.cosign(TREE.submission(0, 9))
    engine.dispose()
    assert Store(engine).seen(ORIGIN) == Seen(9, TREE.root(9))


def test_a_witness_whose_memory_is_gone_does_not_start(engine: sa.Engine):
    with pytest.raises(WitnessUnprepared):
        Store(engine)


def test_the_state_moves_only_from_what_was_judged(store: Store):
    at = [Seen(size, TREE.root(size)) for size in (10, 20, 30)]
    assert store.advance(ORIGIN, NOTHING, at[0], b"")
    assert not store.advance(ORIGIN, NOTHING, at[1], b"")
    assert store.advance(ORIGIN, at[0], at[1], b"")
    assert not store.advance(ORIGIN, at[0], at[2], b"")
    assert not store.advance(ORIGIN, Seen(20, bytes(32)), at[2], b"")
    assert store.seen(ORIGIN) == at[1]


def test_of_two_forks_that_race_one_is_cosigned(witness: Witness, store: Store):
    witness.cosign(TREE.submission(0, 300))
    outcomes: list[bytes] = []
    start = threading.Barrier(8)

    def submit(tree: Tree) -> None:
        start.wait()
        try:
            seen = witness.cosign(tree.submission(300, 600))
        except (OldSizeDiffers, RootDiffers):
            return
        outcomes.append(tree.root(600))
        assert open_note(tree.note(600) + seen.line, [WITNESS.verifier])

    threads = [threading.Thread(target=submit, args=(t,)) for t in [TREE, FORKED] * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(outcomes)) == 1
    assert store.seen(ORIGIN) == Seen(600, outcomes[0])


# --- What is sent


@given(old=st.integers(0, 600), size=st.integers(1, 600))
def test_writing_then_reading_a_submission_is_identity(old: int, size: int):
    submission = TREE.submission(old, size)
    assert Submission.parse(submission.encode()) == submission


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"",
        lambda body: body.replace(b"old ", b"Old "),
        lambda body: body.replace(b"old 1", b"old 01"),
        lambda body: body.replace(b"old 1", b"old -1"),
        lambda body: body.replace(b"old 1", b"old  1"),
        lambda body: body.replace(b"old 1\n", b"old 1\r\n"),
        lambda body: body.replace(b"old 1\n", b"\n"),
        lambda body: body.replace(b"old 1\n", b"old 1\nAAAA\n"),
        lambda body: body.replace(b"old 1\n", b"old 1\n!\n"),
        lambda body: body.replace(b"old 1\n", b"old 1\n" + b"A" * 43 + b"=\n" * 64),
        lambda body: body.replace(b"old 1\n", b"old 1\n" + (b"A" * 43 + b"=\n") * 64),
        lambda body: body.split(b"\n\n")[0],
        lambda body: body + b"x" * MAX_SUBMISSION_BYTES,
    ],
    ids=range(13),
)
def test_a_submission_in_any_other_form_is_refused(change: Callable[[bytes], bytes]):
    with pytest.raises(SubmissionMalformed):
        Submission.parse(change(TREE.submission(1, 100).encode()))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_submission_or_refused(body: bytes):
    try:
        submission = Submission.parse(body)
    except SubmissionMalformed:
        return
    assert submission.encode() == body


SENT = TREE.submission(100, 200).encode()


@given(at=st.integers(0, len(SENT) - 1), flip=st.integers(1, 255))
def test_no_byte_of_a_submission_can_be_changed(at: int, flip: int):
    changed = SENT[:at] + bytes([SENT[at] ^ flip]) + SENT[at + 1 :]
    with pytest.raises(CatchmentError):
        judged(changed)


def judged(body: bytes) -> Seen:
    submission = Submission.parse(body)
    checkpoint = identify(submission, {ORIGIN: [LOG.verifier]})
    return judge(submission, checkpoint, Seen(100, TREE.root(100)))


def test_the_table_is_the_only_one(engine: sa.Engine, store: Store):
    assert sa.inspect(engine).get_table_names() == ["witnessed"]
