"""Notes, checkpoints, leaf records and receipts, judged by a public log and by mutation."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import note as notes
from ledger.checkpoint import MAX_SIZE, Checkpoint
from ledger.errors import (
    CatchmentError,
    CheckpointRefused,
    KeyRefused,
    LeafRefused,
    NoteRefused,
    ProofMismatch,
    ReceiptRefused,
)
from ledger.keys import PrivateKey
from ledger.leaf import Leaf
from ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from ledger.note import Note, SignerKey, VerifierKey, open_note
from ledger.receipt import MAX_PATH, MAX_RECEIPT_BYTES, Receipt, verify
from ledger.strict_json import dumps
from ledger.tiles import consistency_path, extend, inclusion_path, root, tile_path

ORIGIN = "log.example/park"
SIGNER = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))
WITNESS = SignerKey("witness.example/w1", PrivateKey.generate("EdDSA"))
STRANGER = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))
TEXT = "first\n\nlast\n"


def signature_line(text: str, signer: SignerKey) -> bytes:
    return notes.sign(text, signer).rpartition(b"\n\n")[2]


# --- Signed notes


def test_signing_then_opening_is_identity():
    note = notes.sign(TEXT, SIGNER)
    assert open_note(note, [SIGNER.verifier]) == Note(TEXT, (ORIGIN,))


def test_the_published_example_of_a_verifier_key_is_read_and_written(vectors):
    text = json.loads((vectors / "tlog-tiles/vkey.json").read_bytes())["vkey"]
    key = VerifierKey.parse(text)
    assert str(key) == text
    assert (key.name, key.key_id.hex()) == ("example.com/log/testdata", "33d7b496")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("+", "", 1),
        lambda text: text[:-1],
        lambda text: text + "\n",
        lambda text: text.replace("log.", "l0g."),
        lambda text: text.upper(),
        lambda text: text.split("+")[0],
        lambda text: "log example" + text[len(ORIGIN) :],
        lambda text: text.rpartition("+")[0] + "+" + base64.b64encode(b"\x04" * 33).decode(),
        lambda text: text.rpartition("+")[0] + "+" + base64.b64encode(b"\x01" * 32).decode(),
        lambda text: "",
    ],
    ids=range(10),
)
def test_a_verifier_key_in_any_other_spelling_is_refused(change):
    with pytest.raises(KeyRefused):
        VerifierKey.parse(change(str(SIGNER.verifier)))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb"])
def test_a_key_name_with_a_space_or_a_plus_is_refused(name):
    with pytest.raises(KeyRefused):
        SignerKey(name, PrivateKey.generate("EdDSA"))


def test_notes_are_not_signed_with_es256():
    with pytest.raises(KeyRefused):
        SignerKey("name", PrivateKey.generate("ES256"))


@pytest.mark.parametrize("text", ["", "no newline", "tab\there\n", "carriage\r\n", "nul\0\n"])
def test_text_that_a_note_cannot_hold_is_not_signed(text):
    with pytest.raises(NoteRefused):
        notes.sign(text, SIGNER)


def test_lines_of_unknown_keys_are_ignored_even_under_a_known_name():
    note = notes.sign(TEXT, SIGNER) + signature_line(TEXT, STRANGER) + signature_line(TEXT, WITNESS)
    assert open_note(note, [SIGNER.verifier]).signers == (ORIGIN,)
    both = open_note(note, [WITNESS.verifier, SIGNER.verifier])
    assert both.signers == (ORIGIN, WITNESS.name)


GOOD = notes.sign(TEXT, SIGNER)
LINE = signature_line(TEXT, SIGNER)


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        (b"", "no text"),
        (TEXT.encode(), "malformed"),
        (b"\n" + LINE, "no text"),
        (TEXT.encode() + b"\n", "no text"),
        (GOOD[:-1], "no text"),
        (GOOD + b"\n", "no text"),
        (GOOD.replace(b"first", b"tirst"), "does not verify"),
        (GOOD + signature_line("other\n", SIGNER), "twice"),
        (TEXT.encode() + b"\n" + signature_line("other\n", SIGNER), "does not verify"),
        (notes.sign(TEXT, STRANGER), "no trusted key"),
        (TEXT.encode() + b"\n" + LINE.replace(b"\xe2\x80\x94", b"--"), "malformed"),
        (TEXT.encode() + b"\n" + LINE.replace(b" log", b"  log"), "malformed"),
        (TEXT.encode() + b"\n" + LINE.replace(b"=\n", b"\n"), "malformed"),
        (TEXT.encode() + b"\n" + f"— {ORIGIN} AAAA\n".encode(), "malformed"),
        (TEXT.encode() + b"\n" + f"— {ORIGIN}\n".encode(), "malformed"),
        (GOOD.replace(b"first", b"fi\rst"), "control"),
        (GOOD.replace(b"first", b"fi\xffst"), "UTF-8"),
        (b"x" * notes.MAX_NOTE_BYTES + GOOD, "too large"),
    ],
    ids=range(18),
)
def test_a_note_that_is_malformed_or_unsigned_is_refused(note, reason):
    with pytest.raises(NoteRefused, match=reason):
        open_note(note, [SIGNER.verifier])


def test_a_line_of_a_known_key_that_does_not_verify_refuses_the_whole_note():
    note = notes.sign(TEXT, SIGNER) + signature_line("other\n", WITNESS)
    with pytest.raises(NoteRefused, match=r"witness\.example/w1 does not verify"):
        open_note(note, [SIGNER.verifier, WITNESS.verifier])


def test_a_line_of_a_known_key_that_comes_twice_refuses_the_whole_note():
    with pytest.raises(NoteRefused, match="twice"):
        open_note(GOOD + LINE, [SIGNER.verifier])


# --- Checkpoints


@given(st.integers(0, MAX_SIZE), st.binary(min_size=32, max_size=32))
def test_writing_then_reading_a_checkpoint_is_identity(size, digest):
    checkpoint = Checkpoint(ORIGIN, size, digest, ("extension",))
    assert Checkpoint.parse(checkpoint.text) == checkpoint


HEAD = Checkpoint(ORIGIN, 12, leaf_hash(b"")).text


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEAD[:-1],
        HEAD + "\n",
        "\n" + HEAD,
        HEAD.replace("12", "012"),
        HEAD.replace("12", "+12"),
        HEAD.replace("12", " 12"),
        HEAD.replace("12", "-1"),
        HEAD.replace("12", "1_2"),
        HEAD.replace("12", "١٢"),
        HEAD.replace("12", ""),
        HEAD.replace("12", str(MAX_SIZE + 1)),
        HEAD.replace("12", "9" * 5000),
        HEAD.replace("=\n", "\n"),
        HEAD.replace("=\n", "==\n"),
        "\n".join(HEAD.split("\n")[:2]) + "\n",
        "\n".join([*HEAD.split("\n")[:2], base64.b64encode(bytes(31)).decode(), ""]),
    ],
    ids=range(17),
)
def test_a_checkpoint_in_any_other_spelling_is_refused(text):
    with pytest.raises(CheckpointRefused):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "change", [{"origin": "two\nlines"}, {"extensions": ("",)}, {"size": -1}, {"root": b""}]
)
def test_a_checkpoint_that_would_read_as_another_cannot_be_made(change):
    with pytest.raises(CheckpointRefused):
        replace(Checkpoint.parse(HEAD), **change)


# --- A public log: sixteen signed checkpoints, their tiles and their entries


def public_checkpoint(vectors: Path, size: int) -> Checkpoint:
    key = VerifierKey.parse(json.loads((vectors / "tlog-tiles/vkey.json").read_bytes())["vkey"])
    opened = open_note((vectors / f"tlog-tiles/checkpoint.{size}").read_bytes(), [key])
    return Checkpoint.parse(opened.text)


def public_tile(vectors: Path, size: int):
    return lambda level, index: (
        vectors / "tlog-tiles" / tile_path(level, index, size)
    ).read_bytes()


def public_entries(vectors: Path, size: int) -> list[bytes]:
    bundle = (vectors / f"tlog-tiles/tile/entries/000.p/{size}").read_bytes()
    entries = []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        entries.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    return entries


def test_all_public_checkpoints_verify_and_their_roots_follow_from_tiles_and_entries(vectors):
    for size in range(16):
        checkpoint = public_checkpoint(vectors, size)
        assert checkpoint.size == size
        assert checkpoint.root == root(size, public_tile(vectors, size))
        if size:
            hashes = map(leaf_hash, public_entries(vectors, size))
            assert extend(0, hashes, {}.__getitem__) == {(0, 0): public_tile(vectors, size)(0, 0)}


def test_every_pair_of_public_checkpoints_is_consistent_and_no_swapped_root_is(vectors):
    heads = {size: public_checkpoint(vectors, size).root for size in range(1, 16)}
    for new in heads:
        for old in range(1, new + 1):
            path = consistency_path(old, new, public_tile(vectors, new))
            verify_consistency(old, heads[old], new, heads[new], path)
            with pytest.raises(ProofMismatch):
                verify_consistency(old, heads[old], new, heads[new % 15 + 1], path)


def test_every_public_entry_is_included_in_every_public_checkpoint(vectors):
    entries = public_entries(vectors, 15)
    for size in range(1, 16):
        head = public_checkpoint(vectors, size).root
        for index, entry in enumerate(entries[:size]):
            path = inclusion_path(index, size, public_tile(vectors, size))
            verify_inclusion(leaf_hash(entry), index, size, path, head)


# --- Leaf records

LEAF = Leaf(
    envelope="e" * 64,
    signed="5" * 64,
    type="footprint",
    kid="kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    chain="c" * 64,
    time=1_767_225_600_000,
)
ENCODED = (
    b'{"chain":"' + b"c" * 64 + b'","envelope":"' + b"e" * 64 + b'",'
    b'"kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","signed":"' + b"5" * 64 + b'",'
    b'"time":1767225600000,"type":"footprint","v":1}'
)


def test_a_leaf_has_one_encoding():
    assert LEAF.encode() == ENCODED == dumps(asdict(LEAF))
    assert Leaf.parse(ENCODED) == LEAF


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        ENCODED + b"\n",
        ENCODED.replace(b",", b", "),
        ENCODED.replace(b'"v":1', b'"v":1,"w":1'),
        ENCODED.replace(b',"v":1', b""),
        ENCODED.replace(b'"v":1', b'"v":2'),
        ENCODED.replace(b'"v":1', b'"v":true'),
        ENCODED.replace(b'"v":1', b'"v":1,"v":1'),
        ENCODED.replace(b"1767225600000", b'"1767225600000"'),
        ENCODED.replace(b"1767225600000", b"-1"),
        ENCODED.replace(b"1767225600000", b"1767225600000.0"),
        ENCODED.replace(b"1767225600000", b"true"),
        ENCODED.replace(b"c" * 64, b"C" * 64),
        ENCODED.replace(b"c" * 64, b"c" * 63),
        ENCODED.replace(b"e" * 64, b"\\u0065" + b"e" * 63),
        ENCODED.replace(b"footprint", b"Footprint"),
        ENCODED.replace(b"footprint", b""),
        ENCODED.replace(b"S4k", b"S4l"),
        ENCODED.replace(b"S4k", b"S4"),
        ENCODED.replace(b'"footprint"', b'["footprint"]'),
    ],
    ids=range(22),
)
def test_a_leaf_in_any_other_spelling_is_refused(data):
    with pytest.raises(LeafRefused):
        Leaf.parse(data)


# --- Receipts


def receipt_for(index: int, size: int, signer: SignerKey = SIGNER, origin: str = ORIGIN) -> Receipt:
    records = [replace(LEAF, time=n).encode() for n in range(size)]
    tiles: dict[tuple[int, int], bytes] = {}
    tiles = extend(0, map(leaf_hash, records), lambda *key: tiles[key])

    def read(level: int, number: int) -> bytes:
        return tiles[level, number]

    checkpoint = Checkpoint(origin, size, root(size, read))
    return Receipt(
        index,
        tuple(inclusion_path(index, size, read)),
        notes.sign(checkpoint.text, signer),
        records[index],
    )


@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (4, 7), (255, 256), (256, 300)])
def test_a_receipt_survives_its_text_and_verifies(index, size):
    receipt = receipt_for(index, size)
    read_back = Receipt.parse(receipt.encode())
    assert read_back == receipt
    checkpoint = verify(read_back, [SIGNER.verifier], ORIGIN)
    assert (checkpoint.origin, checkpoint.size) == (ORIGIN, size)
    assert Leaf.parse(read_back.leaf).time == index


def test_a_receipt_has_the_text_of_the_specification():
    receipt = receipt_for(1, 3)
    lines = receipt.encode().decode().split("\n")
    assert lines[:3] == [
        "c2sp.org/tlog-proof@v1",
        "extra " + base64.b64encode(receipt.leaf).decode(),
        "index 1",
    ]
    assert [base64.b64decode(line) for line in lines[3:5]] == list(receipt.path)
    assert lines[5:8] == ["", ORIGIN, "3"]


def test_every_flipped_bit_of_a_receipt_is_refused():
    data = receipt_for(4, 7).encode()
    for position in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[position] ^= 1 << bit
            with pytest.raises(CatchmentError):
                verify(Receipt.parse(bytes(flipped)), [SIGNER.verifier], ORIGIN)


def test_every_shortened_receipt_is_refused():
    data = receipt_for(4, 7).encode()
    for length in range(len(data)):
        with pytest.raises(CatchmentError):
            verify(Receipt.parse(data[:length]), [SIGNER.verifier], ORIGIN)


TEXT_OF = receipt_for(1, 3).encode()
HASH_LINE = TEXT_OF.split(b"\n")[3] + b"\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        TEXT_OF.replace(b"@v1", b"@v2"),
        TEXT_OF.replace(b"index 1\n", b"index 01\n"),
        TEXT_OF.replace(b"index 1\n", b"index -1\n"),
        TEXT_OF.replace(b"index 1\n", b"index  1\n"),
        TEXT_OF.replace(b"index 1\n", b"index 1 \n"),
        TEXT_OF.replace(b"index 1\n", b"index " + b"9" * 5000 + b"\n"),
        TEXT_OF.replace(b"index 1\n", b""),
        TEXT_OF.replace(b"extra ", b"extra"),
        TEXT_OF.replace(TEXT_OF.split(b"\n")[1] + b"\n", b""),
        TEXT_OF.replace(HASH_LINE, HASH_LINE[:-1] + b"\r\n"),
        TEXT_OF.replace(HASH_LINE, base64.b64encode(bytes(31)) + b"\n"),
        TEXT_OF.replace(HASH_LINE, b"\xe9" * 44 + b"\n"),
        TEXT_OF.replace(HASH_LINE, HASH_LINE * (MAX_PATH + 1)),
        TEXT_OF + b" " * MAX_RECEIPT_BYTES,
    ],
    ids=range(15),
)
def test_a_receipt_in_any_other_spelling_is_refused(data):
    with pytest.raises(ReceiptRefused):
        Receipt.parse(data)


def test_a_receipt_of_another_log_or_signer_is_refused():
    receipt = receipt_for(1, 3)
    with pytest.raises(ReceiptRefused, match="did not sign"):
        verify(receipt, [SIGNER.verifier], "other.example/log")
    with pytest.raises(NoteRefused, match="no trusted key"):
        verify(receipt, [STRANGER.verifier], ORIGIN)
    foreign = receipt_for(1, 3, origin="other.example/log")
    with pytest.raises(ReceiptRefused, match="of another log"):
        verify(foreign, [SIGNER.verifier], ORIGIN)


def test_a_witness_alone_cannot_speak_for_the_log():
    receipt = receipt_for(1, 3, signer=WITNESS)
    with pytest.raises(ReceiptRefused, match="did not sign"):
        verify(receipt, [SIGNER.verifier, WITNESS.verifier], ORIGIN)


def test_a_receipt_with_another_leaf_or_place_is_refused():
    receipt = receipt_for(1, 3)
    for changed in (
        replace(receipt, leaf=LEAF.encode()),
        replace(receipt, index=0),
        replace(receipt, index=3),
        replace(receipt, path=receipt.path[:-1]),
        replace(receipt, path=(*receipt.path, receipt.path[0])),
    ):
        with pytest.raises(ProofMismatch):
            verify(changed, [SIGNER.verifier], ORIGIN)
