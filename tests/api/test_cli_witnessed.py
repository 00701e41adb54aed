"""Verdicts of the command line that rest on witnesses, or on two views of one log."""

from __future__ import annotations

import dataclasses
import functools
import http.server
import json
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from api.cli.verification import NAMES
from ledger.export import export
from ledger.keys import PrivateKey
from ledger.note import Kind, SignerKey, cosign, text_of
from ledger.receipt import Receipt
from ledger.trust import Trust
from tests.cli_world import Terminal, terminal
from tests.factory import ORIGIN, Factory
from tests.serving import running
from tests.tree import TRUST, Tree, trust_file

HONEST = Tree(600)
FORKED = Tree(600, "'", fork=300)


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return terminal(tmp_path, monkeypatch)


def serving(folder: Path) -> AbstractContextManager[str]:
    """Any web server with the files of ``folder``."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    return running(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler))


# --- verify


def test_a_receipt_that_is_not_cosigned_yet_decides_nothing(at: Terminal, factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    acme.product("Steel")
    entry = factory.log.entry(3)
    receipt = factory.log.receipt(3).encode()
    witness = SignerKey("w.example", PrivateKey.generate("EdDSA"), Kind.COSIGNATURE)
    trust = Trust(ORIGIN, factory.log.genesis.digest, str(factory.signer.verifier))
    asking = dataclasses.replace(trust, witnesses=(str(witness.verifier),), quorum=1)
    asking.write(at.folder / "t.json")
    Path("r.tlog-proof").write_bytes(receipt)
    Path("s.jws").write_bytes(entry.envelope)
    command = ("verify", "r.tlog-proof", "--statement", "s.jws", "--trust", "t.json")
    said = at.run(*command)
    assert said.code == 3
    assert "w.example" in said.out
    assert at.run(*command, "--json").json["valid"] is None

    later = cosign(text_of(Receipt.parse(receipt).checkpoint_note), witness, 1)
    Path("r.tlog-proof").write_bytes(receipt + later.line)
    assert at.ok(*command).out.count("✓") == len(NAMES)

    # What is wrong is wrong, cosigned or not.
    Path("r.tlog-proof").write_bytes(receipt[:-10])
    assert at.run(*command).code == 1


# --- compare


def test_two_files_of_one_history_are_consistent(at: Terminal) -> None:
    trust_file(at.folder)
    Path("a").write_bytes(HONEST.note(300))
    Path("b").write_bytes(HONEST.note(300))
    assert "same tree of 300" in at.ok("log", "compare", "a", "b").out


def test_a_mirror_shows_that_a_log_continues_what_somebody_kept(at: Terminal) -> None:
    trust_file(at.folder)
    Path("a").write_bytes(HONEST.note(300))
    with serving(HONEST.unpacked(at.folder / "mirror", 600)) as address:
        said = at.ok("log", "compare", "a", address, "--json")
        assert (said.json["verdict"], said.json["newer"]["size"]) == ("extends", 600)
        assert "600" in at.ok("log", "compare", address, "a").out


def test_notes_alone_do_not_decide_about_two_sizes(at: Terminal) -> None:
    trust_file(at.folder)
    Path("a").write_bytes(HONEST.note(300))
    Path("b").write_bytes(HONEST.note(600))
    assert at.run("log", "compare", "a", "b").code == 3
    assert at.run("log", "compare", "a", "http://127.0.0.1:9").code == 3


def test_two_servers_with_two_histories_give_a_proof_for_anybody(at: Terminal) -> None:
    trust_file(at.folder)
    one = serving(HONEST.unpacked(at.folder / "one", 400))
    two = serving(FORKED.unpacked(at.folder / "two", 600))
    with one as first, two as second:
        said = at.run("log", "compare", first, second, "--out", "fork.json")
    assert said.code == 1
    assert "FORK" in said.out
    printed = json.loads(said.out.splitlines()[-1])
    assert printed == json.loads(Path("fork.json").read_text())
    assert "FORK" in at.ok("log", "verify-fork", "fork.json").out
    assert at.ok("log", "verify-fork", "fork.json", "--json").json["older"]["size"] == 400

    Path("fork.json").write_text(json.dumps(printed | {"older": FORKED.note(400).decode()}))
    assert at.run("log", "verify-fork", "fork.json").code == 1


def test_a_fork_proof_is_never_overwritten(at: Terminal) -> None:
    trust_file(at.folder)
    Path("a").write_bytes(HONEST.note(301))
    Path("b").write_bytes(FORKED.note(301))
    Path("fork.json").write_text("kept")
    assert at.run("log", "compare", "a", "b", "--out", "fork.json").code == 1
    assert Path("fork.json").read_text() == "kept"
    assert at.run("log", "compare", "a", "b", "--json").json["verdict"] == "fork"


def test_receipts_and_exports_are_compared_too(at: Terminal, factory: Factory) -> None:
    factory.enterprise("Acme")
    Path("r.tlog-proof").write_bytes(factory.log.receipt(1).encode())
    factory.enterprise("Bolt")
    export(factory.engine, Path("log.zip"))
    Trust(ORIGIN, factory.log.genesis.digest, str(factory.signer.verifier)).write(Path("t.json"))
    said = at.ok("log", "compare", "r.tlog-proof", "log.zip", "--trust", "t.json", "--json")
    assert said.json["verdict"] == "extends"


def test_what_the_log_did_not_sign_decides_nothing(at: Terminal) -> None:
    trust_file(at.folder, TRUST)
    Path("a").write_bytes(HONEST.note(300))
    for content in (b"", b"nonsense", b"PK nonsense", HONEST.note(300).replace(b"300", b"301")):
        Path("b").write_bytes(content)
        assert at.run("log", "compare", "a", "b").code == 3
