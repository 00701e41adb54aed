"""Cosignatures: worked by hand with ``cryptography``, and by flipping every byte."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ledger import cosignature
from ledger import note as notes
from ledger.checkpoint import Checkpoint
from ledger.errors import CatchmentError, KeyRefused, NoteRefused, ReceiptRefused, SignatureInvalid
from ledger.keys import PrivateKey
from ledger.merkle import leaf_hash
from ledger.note import Kind, SignerKey, VerifierKey, open_note
from ledger.receipt import Receipt, verify

ORIGIN = "log.example/park"
TEXT = Checkpoint(ORIGIN, 1, leaf_hash(b"leaf")).text
SEED = bytes(range(32))
NAME = "witness.example/w1"
LOG = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))
WITNESS = SignerKey(NAME, PrivateKey(Ed25519PrivateKey.from_private_bytes(SEED)), Kind.COSIGNATURE)
TIME = 1_679_315_147
NOTE = notes.sign(TEXT, LOG)


def by_hand(text: str, time_s: int) -> bytes:
    """A cosignature line as C2SP tlog-cosignature describes it, with none of our code."""
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    public = key.public_key().public_bytes_raw()
    key_id = hashlib.sha256(NAME.encode() + b"\n\x04" + public).digest()[:4]
    signature = key.sign(b"cosignature/v1\ntime %d\n" % time_s + text.encode())
    data = base64.b64encode(key_id + time_s.to_bytes(8, "big") + signature)
    return b"\xe2\x80\x94 " + NAME.encode() + b" " + data + b"\n"


def test_a_cosignature_is_the_one_worked_by_hand():
    assert notes.cosign(TEXT, WITNESS, TIME).line == by_hand(TEXT, TIME)


def test_a_witness_key_is_written_with_its_own_type():
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    key_id = hashlib.sha256(NAME.encode() + b"\n\x04" + public).hexdigest()[:8]
    text = f"{NAME}+{key_id}+{base64.b64encode(bytes([4]) + public).decode()}"
    assert str(WITNESS.verifier) == text
    assert VerifierKey.parse(text, Kind.COSIGNATURE) == WITNESS.verifier


def test_a_key_of_one_kind_is_refused_where_the_other_is_expected():
    with pytest.raises(KeyRefused):
        VerifierKey.parse(str(WITNESS.verifier))
    with pytest.raises(KeyRefused):
        VerifierKey.parse(str(LOG.verifier), Kind.COSIGNATURE)
    with pytest.raises(KeyRefused):
        notes.sign(TEXT, WITNESS)
    with pytest.raises(KeyRefused):
        notes.cosign(TEXT, LOG, TIME)


def test_a_note_tells_signatures_from_cosignatures():
    note = NOTE + by_hand(TEXT, TIME)
    opened = open_note(note, [WITNESS.verifier, LOG.verifier])
    assert opened.signers == (ORIGIN,)
    (seen,) = opened.cosignatures
    assert (seen.witness, seen.time_s) == (WITNESS.verifier, TIME)
    assert NOTE + seen.line == note


def test_a_witness_with_the_name_of_the_log_does_not_sign_for_it():
    namesake = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"), Kind.COSIGNATURE)
    note = TEXT.encode() + b"\n" + notes.cosign(TEXT, namesake, TIME).line
    assert open_note(note, [namesake.verifier]).signers == ()
    receipt = Receipt(0, (), note, b"leaf")
    with pytest.raises(ReceiptRefused):
        verify(receipt, [LOG.verifier, namesake.verifier], ORIGIN)


def test_one_key_as_two_kinds_gives_signatures_that_do_not_stand_for_each_other():
    both = SignerKey(NAME, WITNESS.private)
    plain = notes.sign(TEXT, both)
    with pytest.raises(NoteRefused, match="no trusted key"):
        open_note(plain, [WITNESS.verifier])
    with pytest.raises(NoteRefused, match="no trusted key"):
        open_note(TEXT.encode() + b"\n" + by_hand(TEXT, TIME), [both.verifier])
    # Not even with the key id of the other kind.
    signature = WITNESS.private.sign(TEXT.encode())
    with pytest.raises(SignatureInvalid):
        cosignature.verify(TEXT, WITNESS.private.public, TIME.to_bytes(8, "big") + signature)


def test_cosigned_twice_by_one_witness_is_refused():
    with pytest.raises(NoteRefused, match="twice"):
        open_note(NOTE + by_hand(TEXT, TIME) + by_hand(TEXT, TIME + 1), [WITNESS.verifier])


@pytest.mark.parametrize("time_s", [0, 1, TIME, 2**63 - 1])
def test_any_time_that_the_format_holds_is_read_back(time_s: int):
    stamped = cosignature.sign(TEXT, WITNESS.private, time_s)
    assert cosignature.verify(TEXT, WITNESS.private.public, stamped) == time_s


@pytest.mark.parametrize("time_s", [-1, 2**63, 2**64])
def test_no_other_time_is_signed(time_s: int):
    with pytest.raises((ValueError, OverflowError)):
        cosignature.sign(TEXT, WITNESS.private, time_s)


def test_a_time_beyond_the_format_is_refused_even_with_a_good_signature():
    late = 2**63
    message = f"cosignature/v1\ntime {late}\n{TEXT}".encode()
    stamped = late.to_bytes(8, "big") + WITNESS.private.sign(message)
    with pytest.raises(SignatureInvalid):
        cosignature.verify(TEXT, WITNESS.private.public, stamped)


@pytest.mark.parametrize("length", [0, 7, 8, 64, 71, 73, 144])
def test_a_cosignature_of_another_length_is_refused(length: int):
    stamped = (cosignature.sign(TEXT, WITNESS.private, TIME) * 2)[:length]
    with pytest.raises(SignatureInvalid):
        cosignature.verify(TEXT, WITNESS.private.public, stamped)


def test_a_cosignature_with_any_bit_flipped_is_refused():
    stamped = cosignature.sign(TEXT, WITNESS.private, TIME)
    for bit in range(len(stamped) * 8):
        flipped = bytearray(stamped)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SignatureInvalid):
            cosignature.verify(TEXT, WITNESS.private.public, bytes(flipped))


COSIGNED = NOTE + by_hand(TEXT, TIME)


@given(at=st.integers(0, len(COSIGNED) - 1), flip=st.integers(1, 255))
def test_no_byte_of_a_cosigned_note_can_be_changed_and_both_still_stand(at: int, flip: int):
    changed = COSIGNED[:at] + bytes([COSIGNED[at] ^ flip]) + COSIGNED[at + 1 :]
    try:
        opened = open_note(changed, [LOG.verifier, WITNESS.verifier])
    except CatchmentError:
        return
    # A name or a key id that nobody knows is another key's line, and is passed over.
    assert not (opened.signers and opened.cosignatures)


@given(text=st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=99))
def test_cosigning_then_opening_is_identity(text: str):
    seen = notes.cosign(f"{text}\n", WITNESS, TIME)
    note = notes.sign(f"{text}\n", LOG) + seen.line
    assert open_note(note, [LOG.verifier, WITNESS.verifier]).cosignatures == (seen,)
