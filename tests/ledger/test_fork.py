"""Two histories from one key (threat 6): what two views prove, and what they cannot."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import strict_json
from ledger.errors import CatchmentError, ForkUnproven, NoteRefused
from ledger.fork import MAX_FORK_BYTES, Fork, Side, Verdict, compare, verify_fork
from ledger.keys import PrivateKey
from ledger.note import SignerKey
from tests.tree import LOG, ORIGIN, TRUST, Tree

HONEST = Tree(600)
FORKED = Tree(600, "'", fork=300)
STRANGER = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))


def verdict(a: Side, b: Side) -> Verdict:
    compared = compare(a, b, TRUST)
    assert compared.older.size <= compared.newer.size
    if compared.fork is None:
        assert compared.verdict is not Verdict.FORK
    else:
        assert compared.verdict is Verdict.FORK
        assert verify_fork(compared.fork, TRUST) == (compared.older, compared.newer)
    return compared.verdict


@pytest.mark.parametrize("size", [1, 299, 300, 301, 600])
def test_two_copies_of_one_checkpoint_show_the_same(size: int):
    assert verdict(Side(HONEST.note(size)), Side(HONEST.note(size))) is Verdict.SAME


@pytest.mark.parametrize(("older", "newer"), [(1, 2), (255, 257), (256, 512), (300, 600)])
def test_a_log_that_has_grown_extends_what_it_showed_before(older: int, newer: int):
    old, new = Side(HONEST.note(older)), Side(HONEST.note(newer), HONEST.read)
    assert verdict(old, new) is verdict(new, old) is Verdict.EXTENDS


def test_two_roots_of_one_size_are_a_fork_without_any_tile():
    assert verdict(Side(HONEST.note(301)), Side(FORKED.note(301))) is Verdict.FORK


@pytest.mark.parametrize(("older", "newer"), [(301, 302), (301, 600), (512, 513), (400, 600)])
def test_two_roots_of_two_sizes_are_a_fork_by_the_tiles_of_the_larger(older: int, newer: int):
    old, new = Side(HONEST.note(older)), Side(FORKED.note(newer), FORKED.read)
    assert verdict(old, new) is verdict(new, old) is Verdict.FORK


def test_what_both_histories_share_is_no_fork():
    assert verdict(Side(HONEST.note(300)), Side(FORKED.note(600), FORKED.read)) is Verdict.EXTENDS


def test_without_tiles_of_the_larger_tree_nothing_can_be_decided():
    assert verdict(Side(HONEST.note(301)), Side(FORKED.note(600))) is Verdict.UNDECIDED
    smaller = Side(HONEST.note(301), HONEST.read)
    assert verdict(smaller, Side(FORKED.note(600))) is Verdict.UNDECIDED


def test_tiles_that_do_not_lead_to_the_signed_root_accuse_nobody():
    lying = Side(HONEST.note(600), FORKED.read)
    assert verdict(Side(HONEST.note(301)), lying) is Verdict.UNDECIDED
    absent = Side(HONEST.note(600), lambda *_: b"")
    assert verdict(Side(HONEST.note(301)), absent) is Verdict.UNDECIDED


def test_a_stranger_with_the_name_of_the_log_cannot_make_it_look_forked():
    with pytest.raises(NoteRefused):
        compare(Side(HONEST.note(301)), Side(FORKED.note(301, STRANGER)), TRUST)


@settings(max_examples=50)
@given(older=st.integers(1, 600), newer=st.integers(1, 600))
def test_of_any_two_sizes_the_verdict_is_the_truth(older: int, newer: int):
    older, newer = sorted((older, newer))
    found = verdict(Side(HONEST.note(older)), Side(FORKED.note(newer), FORKED.read))
    shared = Verdict.SAME if older == newer else Verdict.EXTENDS
    assert found is (shared if older <= 300 else Verdict.FORK)


def proof(older: int, newer: int) -> Fork:
    compared = compare(Side(HONEST.note(older)), Side(FORKED.note(newer), FORKED.read), TRUST)
    assert compared.fork is not None
    return compared.fork


def test_writing_then_reading_a_fork_proof_is_identity():
    for each in (proof(301, 600), proof(512, 600), proof(600, 600)):
        assert Fork.parse(each.encode()) == each


FORK = proof(400, 600)


@pytest.mark.parametrize(
    "change",
    [
        {"older": HONEST.note(401)},
        {"older": FORKED.note(400)},
        {"newer": HONEST.note(600)},
        {"newer": FORKED.note(599)},
        {"older": HONEST.note(400, STRANGER)},
        {"newer": FORKED.note(600, STRANGER)},
        {"older": FORK.newer, "newer": FORK.older},
        {"root": HONEST.root(400)},
        {"root": bytes(32)},
        {"root": b""},
        {"proof": FORK.proof[1:]},
        {"proof": (*FORK.proof, bytes(32))},
        {"proof": FORK.proof[::-1]},
        {"proof": ()},
    ],
    ids=range(14),
)
def test_a_fork_proof_with_anything_else_in_it_proves_nothing(change: dict[str, object]):
    with pytest.raises(ForkUnproven):
        verify_fork(dataclasses.replace(FORK, **change), TRUST)


def test_one_history_is_no_fork_however_it_is_put():
    honest = Fork(HONEST.note(400), HONEST.note(400), HONEST.root(400), ())
    with pytest.raises(ForkUnproven, match="one history"):
        verify_fork(honest, TRUST)


def test_a_fork_of_one_log_says_nothing_of_another():
    other = dataclasses.replace(
        TRUST, origin="other", vkey=str(SignerKey("other", LOG.private).verifier)
    )
    with pytest.raises(ForkUnproven):
        verify_fork(FORK, other)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"format": 1, "older": "", "newer": "", "root": "", "proof": []}',
        b'{"format": "catchment-fork/v1", "older": "", "newer": "", "root": "!", "proof": []}',
        b'{"format": "catchment-fork/v1", "older": "", "newer": "", "root": "", "proof": ""}',
        b'{"format": "catchment-fork/v1", "older": "", "newer": "", "root": "", "proof": [1]}',
        b'{"format": "catchment-fork/v2", "older": "", "newer": "", "root": "", "proof": []}',
        strict_json.dumps(FORK.members | {"extra": 1}),
        b" " * MAX_FORK_BYTES + FORK.encode(),
    ],
    ids=range(10),
)
def test_what_is_not_a_fork_proof_is_refused(data: bytes):
    with pytest.raises(ForkUnproven):
        Fork.parse(data)


WRITTEN = FORK.encode()


@given(at=st.integers(0, len(WRITTEN) - 1), flip=st.integers(1, 255))
def test_no_byte_of_a_fork_proof_can_be_changed(at: int, flip: int):
    changed = WRITTEN[:at] + bytes([WRITTEN[at] ^ flip]) + WRITTEN[at + 1 :]
    try:
        verify_fork(Fork.parse(changed), TRUST)
    except CatchmentError:
        return
    # JSON knows two spellings of some characters; what is said is the same.
    assert Fork.parse(changed) == FORK
