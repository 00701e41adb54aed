"""The witness on the web: statuses and types of C2SP tlog-witness."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api.errors import KeyFileRefused, WouldOverwrite
from api.serving import witnessing
from ledger import note as notes
from ledger.errors import KeyRefused, WitnessUnprepared
from ledger.keys import PrivateKey
from ledger.note import Kind, SignerKey, VerifierKey, open_note
from ledger.witness import MAX_SUBMISSION_BYTES, Submission
from tests.cli_world import Terminal, terminal
from tests.tree import LOG, ORIGIN, TRUST, Tree

TREE = Tree(300)
FORKED = Tree(300, "'", fork=100)
STRANGER = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))


@pytest.fixture
def key(tmp_path: Path) -> VerifierKey:
    return witnessing.init(tmp_path / "w", "witness.example")


@pytest.fixture
def witness(tmp_path: Path, key: VerifierKey) -> FlaskClient:
    return witnessing.create_app(witnessing.open_witness(tmp_path / "w", [TRUST])).test_client()


def test_the_answer_to_a_checkpoint_that_continues_is_a_cosignature_line(
    witness: FlaskClient, key: VerifierKey
) -> None:
    for old, size in [(0, 100), (100, 256), (256, 256), (256, 300)]:
        answer = witness.post("/add-checkpoint", data=TREE.submission(old, size).encode())
        assert (answer.status_code, answer.mimetype) == (200, "text/plain")
        note = open_note(TREE.note(size) + answer.data, [LOG.verifier, key])
        assert [each.witness for each in note.cosignatures] == [key]


@pytest.mark.parametrize(
    ("submission", "status"),
    [
        (TREE.submission(100, 200, SignerKey("other.example", LOG.private)), 404),
        (TREE.submission(100, 200, STRANGER), 403),
        (Submission(201, (), TREE.note(200)), 400),
        (TREE.submission(99, 200), 409),
        (Submission(100, (), Tree(100, "'").note(100)), 409),
        (Submission(100, (), TREE.note(200)), 422),
        (FORKED.submission(101, 200), 409),
        (Submission(100, Tree(300, "'").submission(100, 200).proof, FORKED.note(200)), 422),
    ],
    ids=range(8),
)
def test_the_status_says_why_a_checkpoint_is_not_cosigned(
    witness: FlaskClient, submission: Submission, status: int
) -> None:
    witness.post("/add-checkpoint", data=TREE.submission(0, 100).encode())
    answer = witness.post("/add-checkpoint", data=submission.encode())
    assert answer.status_code == status
    if status == 409:
        assert (answer.headers["Content-Type"], answer.data) == ("text/x.tlog.size", b"100\n")
    else:
        assert answer.mimetype == "text/plain"
    again = witness.post("/add-checkpoint", data=TREE.submission(100, 100).encode())
    assert again.status_code == 200


def test_bytes_that_are_no_submission_are_refused(witness: FlaskClient) -> None:
    for body in (b"", b"old 0\n", b"\xff" * 500, b"old 0\n\nno note"):
        assert witness.post("/add-checkpoint", data=body).status_code == 400
    large = b"x" * (MAX_SUBMISSION_BYTES + 1)
    assert witness.post("/add-checkpoint", data=large).status_code == 400
    assert witness.post("/add-checkpoint", data=large + b"x").status_code == 413


def test_only_one_address_takes_anything(witness: FlaskClient) -> None:
    assert witness.get("/add-checkpoint").status_code == 405
    assert witness.post("/").status_code == 404
    assert witness.get("/health").data == b"ok\n"


def test_what_was_cosigned_is_remembered_by_the_next_process(
    tmp_path: Path, witness: FlaskClient
) -> None:
    witness.post("/add-checkpoint", data=TREE.submission(0, 100).encode())
    again = witnessing.create_app(witnessing.open_witness(tmp_path / "w", [TRUST])).test_client()
    fork = again.post("/add-checkpoint", data=FORKED.submission(0, 200).encode())
    assert (fork.status_code, fork.data) == (409, b"100\n")


def test_a_log_whose_key_was_replaced_is_followed_under_both(
    tmp_path: Path, key: VerifierKey
) -> None:
    logs = [TRUST, replace(TRUST, vkey=str(STRANGER.verifier))]
    witness = witnessing.create_app(witnessing.open_witness(tmp_path / "w", logs)).test_client()
    for submission in (TREE.submission(0, 100), TREE.submission(100, 200, STRANGER)):
        assert witness.post("/add-checkpoint", data=submission.encode()).status_code == 200


def test_a_witness_is_made_once(tmp_path: Path, key: VerifierKey) -> None:
    with pytest.raises(WouldOverwrite):
        witnessing.init(tmp_path / "w", "witness.example")
    assert (tmp_path / "w/witness-key.pem").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("lost", ["witness-key.pem", "witness.db", "witness.vkey"])
def test_a_witness_that_has_lost_something_does_not_start(
    tmp_path: Path, key: VerifierKey, lost: str
) -> None:
    (tmp_path / "w" / lost).unlink()
    with pytest.raises(WitnessUnprepared):
        witnessing.open_witness(tmp_path / "w", [TRUST])


def test_a_witness_does_not_sign_under_anothers_name(tmp_path: Path, key: VerifierKey) -> None:
    other = SignerKey("other.example", PrivateKey.generate("EdDSA"), Kind.COSIGNATURE)
    for text in (str(other.verifier), str(LOG.verifier), "nonsense"):
        (tmp_path / "w/witness.vkey").write_text(text)
        with pytest.raises(KeyFileRefused):
            witnessing.open_witness(tmp_path / "w", [TRUST])


def test_a_name_that_notes_cannot_carry_makes_no_witness(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused):
        witnessing.init(tmp_path / "w", "two words")
    assert not (tmp_path / "w").exists()


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return terminal(tmp_path, monkeypatch)


def test_the_command_makes_a_witness_and_prints_its_key(at: Terminal) -> None:
    said = at.ok("witness", "init", "--name", "witness.example", "--json")
    key = VerifierKey.parse(said.json["vkey"], Kind.COSIGNATURE)
    assert key.name == "witness.example"
    assert (at.folder / "witness/witness.vkey").read_text() == f"{key}\n"
    assert at.run("witness", "init", "--name", "witness.example").code == 1


def test_the_key_is_spoken_to_people_too(at: Terminal) -> None:
    said = at.ok("witness", "init", "--name", "witness.example", "--folder", "w")
    assert (at.folder / "w/witness.vkey").read_text().strip() in said.out


def test_a_cosignature_is_dated_now(witness: FlaskClient, key: VerifierKey) -> None:
    before = int(time.time())
    answer = witness.post("/add-checkpoint", data=TREE.submission(0, 1).encode())
    (seen,) = notes.open_note(TREE.note(1) + answer.data, [key]).cosignatures
    assert before <= seen.time_s <= time.time()
