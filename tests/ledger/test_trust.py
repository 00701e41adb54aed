"""The trust file and the quorum of witnesses it asks for."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from ledger import note as notes
from ledger.checkpoint import Checkpoint
from ledger.errors import CheckpointRefused, NoteRefused, QuorumMissing, TrustRefused
from ledger.keys import PrivateKey
from ledger.note import Kind, SignerKey
from ledger.trust import Trust, check_quorum, open_checkpoint
from tests.tree import LOG, ORIGIN, TRUST, Tree, trust_file

A, B, C = (
    SignerKey(f"{name}.example", PrivateKey.generate("EdDSA"), Kind.COSIGNATURE) for name in "abc"
)
NOTE = Tree(5).note(5)
TEXT = notes.text_of(NOTE)


def asking(quorum: int, *witnesses: SignerKey) -> Trust:
    vkeys = tuple(str(each.verifier) for each in witnesses)
    return dataclasses.replace(TRUST, witnesses=vkeys, quorum=quorum)


def cosigned(*witnesses: SignerKey, text: str = TEXT) -> bytes:
    return NOTE + b"".join(notes.cosign(text, each, 1).line for each in witnesses)


def test_writing_then_reading_is_identity(tmp_path: Path):
    for trust in (TRUST, asking(1, A), asking(2, A, B, C)):
        assert Trust.read(trust_file(tmp_path, trust)) == trust
        trust.write(tmp_path / "again.json")
        assert Trust.read(tmp_path / "again.json") == trust


def test_a_file_without_witnesses_holds_what_it_always_held(tmp_path: Path):
    TRUST.write(tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text()).keys() == {"origin", "genesis", "vkey"}


def test_witnesses_that_a_server_names_are_not_believed():
    told = asking(1, A).members
    assert Trust.of(told, "a server") == TRUST


def test_the_fingerprint_names_the_log_whatever_the_witnesses():
    assert asking(1, A).fingerprint == TRUST.fingerprint
    assert asking(1, A).same_log(TRUST)


VKEY = str(A.verifier)


@pytest.mark.parametrize(
    "change",
    [
        {"witnesses": [VKEY]},
        {"quorum": 1},
        {"witnesses": VKEY, "quorum": 1},
        {"witnesses": [1], "quorum": 1},
        {"witnesses": [], "quorum": 0},
        {"witnesses": [VKEY], "quorum": 0},
        {"witnesses": [VKEY], "quorum": 2},
        {"witnesses": [VKEY], "quorum": True},
        {"witnesses": [VKEY], "quorum": "1"},
        {"witnesses": [VKEY, VKEY], "quorum": 1},
        {"witnesses": [VKEY[:-1]], "quorum": 1},
        {"witnesses": [TRUST.vkey], "quorum": 1},
        {"witnesses": [str(SignerKey("d", A.private).verifier)], "quorum": 1},
        {"witnesses": [VKEY, str(dataclasses.replace(A, name="d").verifier)], "quorum": 2},
        {"witnesses": [str(SignerKey("d", LOG.private, Kind.COSIGNATURE).verifier)], "quorum": 1},
    ],
    ids=range(15),
)
def test_a_quorum_that_means_nothing_is_refused(tmp_path: Path, change: dict[str, Any]):
    path = tmp_path / "trust.json"
    path.write_text(json.dumps(TRUST.members | change))
    with pytest.raises(TrustRefused):
        Trust.read(path)


def test_as_many_witnesses_as_are_asked_for_are_enough():
    for note in (cosigned(A, B), cosigned(B, C), cosigned(C, B, A)):
        trust = asking(2, A, B, C)
        check_quorum(open_checkpoint(note, trust), trust)


def test_who_is_missing_is_named():
    trust = asking(2, A, B, C)
    with pytest.raises(QuorumMissing) as caught:
        check_quorum(open_checkpoint(cosigned(B), trust), trust)
    assert caught.value.params["missing"] == "a.example, c.example"
    assert (caught.value.params["found"], caught.value.params["quorum"]) == (1, 2)


def test_strangers_do_not_count_and_do_no_harm():
    stranger = SignerKey("a.example", PrivateKey.generate("EdDSA"), Kind.COSIGNATURE)
    trust = asking(1, A)
    signed = open_checkpoint(cosigned(stranger, B), trust)
    with pytest.raises(QuorumMissing):
        check_quorum(signed, trust)


def test_no_witness_is_asked_for_where_the_trust_file_names_none():
    check_quorum(open_checkpoint(NOTE, TRUST), TRUST)


def test_witnesses_without_the_log_are_not_enough():
    alone = TEXT.encode() + b"\n" + notes.cosign(TEXT, A, 1).line
    with pytest.raises(NoteRefused, match="the log itself"):
        open_checkpoint(alone, asking(1, A))


def test_a_cosignature_of_something_else_spoils_the_note():
    with pytest.raises(NoteRefused):
        open_checkpoint(cosigned(A, text="other\n"), asking(1, A))


def test_the_log_speaks_only_for_itself():
    other = notes.sign(Checkpoint("other", 1, bytes(32)).text, LOG)
    with pytest.raises(CheckpointRefused):
        open_checkpoint(other, TRUST)
    assert open_checkpoint(NOTE, TRUST).checkpoint.origin == ORIGIN
