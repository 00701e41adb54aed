"""A lost or stolen key of the log itself, replaced by the offline keys that its genesis names."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest

from api.cli.examples import EXAMPLES
from api.cli.operator import checked_size
from api.keys import keyfile
from api.opening import open_services
from api.settings import Settings
from ledger.checkpoint import Checkpoint
from ledger.errors import NoteRefused, SignerReplaced
from ledger.note import SignerKey, sign
from ledger.store import open_engine
from ledger.trust import Trust, open_checkpoint
from tests.cli_world import ORIGIN, Terminal, admitted, served, terminal


@pytest.fixture
def at(database_setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal, and offline keys safe1 to safe3 of which two must approve."""
    made = terminal(tmp_path, monkeypatch, database_setting)
    named = []
    for number in (1, 2, 3):
        made.ok("recovery", "keygen", "--out", f"safe{number}")
        named += ["--recovery-key", f"safe{number}.pub.json"]
    made.ok("init", "--origin", ORIGIN, *named, "--threshold", "2")
    return made


def draft(at: Terminal, *what: str, out: str = "new") -> str:
    at.ok("recovery", "draft", *(what or ("--new-registrar", "--new-signing-key")), "--out", out)
    return f"{out}/recovery.json"


def approved(at: Terminal, file: str, *numbers: int) -> list[str]:
    for number in numbers:
        at.ok("recovery", "approve", file, "--key", f"safe{number}.key", "--yes")
    return [str(Path(file).parent / f"safe{number}.approval") for number in numbers]


def size() -> int:
    return open_services(Settings.from_env()).log.size()


def test_a_log_whose_two_keys_were_stolen_goes_on_with_new_ones(at: Terminal) -> None:
    before = Trust.read(Path("var/trust.json"))
    file = draft(at)
    said = at.ok("recovery", "apply", file, *approved(at, file, 1, 3), "--yes")
    after = Trust.read(Path("var/trust.json"))
    assert f"The verifier key changed to {after.vkey}." in said.out
    assert (after.log, after.vkey != before.vkey) == (before.log, True)
    with served() as address:
        token = admitted(at, address, "acme")
        assert token.startswith("ctm_")
        assert Trust.read(Path("trust.json")) == after


def test_what_is_approved_is_shown_before_it_is_signed(at: Terminal) -> None:
    file = draft(at)
    proposed = json.loads(Path(file).read_text())["approve"]
    said = at.run("recovery", "approve", file, "--key", "safe1.key", typed="n\n")
    assert said.code == 1
    for named in (ORIGIN, proposed["registrar"], proposed["checkpointKey"]):
        assert named in said.err
    assert not Path("new/safe1.approval").exists()


def test_the_server_with_the_old_signing_key_does_not_start(at: Terminal) -> None:
    shutil.copy("var/signing-key.pem", "old.pem")
    file = draft(at, "--new-signing-key")
    at.ok("recovery", "apply", file, *approved(at, file, 1, 2), "--yes")
    assert Path("var/signing-key.pem.replaced").read_bytes() == Path("old.pem").read_bytes()
    shutil.copy("old.pem", "var/signing-key.pem")
    with pytest.raises(SignerReplaced):
        open_services(Settings.from_env())
    said = at.run("serve", "--port", free_port())
    assert said.code == 1
    assert "have named another checkpoint key" in said.err
    assert "Start with the signing key of that name" in said.err


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def test_the_old_registrar_signs_nothing_more(at: Terminal) -> None:
    shutil.copytree("var", "old")
    file = draft(at, "--new-registrar", "--since", "2020-01-01T00:00:00Z")
    at.ok("recovery", "apply", file, *approved(at, file, 2, 3), "--yes")
    for name in ("registrar.key", "registrar.json"):
        shutil.copy(f"old/{name}", f"var/{name}")
    at.ok("keygen", "--name", "Acme", "--log", "var/trust.json", "--out", "acme")
    said = at.run("admit", "acme.request.json", "--yes")
    assert said.code == 1
    assert "was revoked (replaced by a recovery)" in said.err


def test_what_a_thief_signs_with_the_old_key_convinces_nobody_who_has_the_new_trust(
    at: Terminal,
) -> None:
    old = SignerKey(ORIGIN, keyfile.read_secret(Path("var/signing-key.pem")))
    file = draft(at, "--new-signing-key")
    at.ok("recovery", "apply", file, *approved(at, file, 1, 2), "--yes")
    forged = sign(Checkpoint(ORIGIN, 99, bytes(32)).text, old)
    with pytest.raises(NoteRefused):
        open_checkpoint(forged, Trust.read(Path("var/trust.json")))
    log = open_services(Settings.from_env()).log
    assert open_checkpoint(log.checkpoint(), Trust.read(Path("var/trust.json")))


def test_after_a_recovery_receipts_are_fetched_anew(at: Terminal) -> None:
    at.write("site.json", EXAMPLES["site"])
    with served() as address:
        admitted(at, address, "acme")
        at.ok("sign", "site.json", "--key", "acme.key", "--out", "site.jws")
        at.ok("submit", "site.jws", "--server", address)
    file = draft(at, "--new-signing-key")
    at.ok("recovery", "apply", file, *approved(at, file, 1, 2), "--yes")
    verify = ("verify", "site.tlog-proof", "--statement", "site.jws", "--trust", "var/trust.json")
    assert at.run(*verify).code == 1
    with served() as address:
        assert "already" in at.ok("submit", "site.jws", "--server", address).out
    at.ok(*verify)


@pytest.mark.parametrize("numbers", [(1,), (1, 1)])
def test_too_few_approvals_change_nothing(at: Terminal, numbers: tuple[int, ...]) -> None:
    file = draft(at)
    (one,) = approved(at, file, 1)
    said = at.run("recovery", "apply", file, *[one for _ in numbers], "--yes")
    assert said.code == 1
    assert "too few of the recovery keys approve" in said.err or "twice" in said.err
    assert size() == 2
    assert Trust.read(Path("var/trust.json")).vkey == open_vkey()


def open_vkey() -> str:
    return str(open_services(Settings.from_env()).log.verifier)


def test_an_approval_of_another_draft_does_not_count(at: Terminal) -> None:
    first, second = draft(at), draft(at, out="other")
    approvals = [*approved(at, first, 1), *approved(at, second, 2)]
    said = at.run("recovery", "apply", first, *approvals, "--yes")
    assert said.code == 1
    assert "an approval is for another recovery" in said.err


def test_an_approval_for_another_log_is_not_given(at: Terminal) -> None:
    trust = json.loads(Path("var/trust.json").read_text()) | {"genesis": "0" * 64}
    at.write("other.json", trust)
    said = at.run("recovery", "approve", draft(at), "--key", "safe1.key", "--trust", "other.json",
                  "--yes")  # fmt: skip
    assert said.code == 1
    assert "for another log than the one trusted" in said.err


def test_a_draft_that_was_altered_is_not_approved(at: Terminal) -> None:
    file = Path(draft(at))
    document = json.loads(file.read_text())
    document["jwk"] = json.loads(Path("safe1.pub.json").read_text())["jwk"]
    file.write_text(json.dumps(document))
    said = at.run("recovery", "approve", file, "--key", "safe2.key", "--yes")
    assert said.code == 1
    assert "its key is not the one to be approved" in said.err


def test_only_the_recovery_keys_of_the_log_approve(at: Terminal) -> None:
    at.ok("recovery", "keygen", "--out", "stranger")
    said = at.run("recovery", "approve", draft(at), "--key", "stranger.key", "--yes")
    assert said.code == 1
    assert "not among the recovery keys" in said.err


def test_an_interrupted_recovery_is_finished_by_the_same_command(at: Terminal) -> None:
    file = draft(at)
    approvals = approved(at, file, 1, 2)
    shutil.copytree("new", "kept")
    new = Path("kept/signing-key.pem").read_bytes()
    shutil.copytree("var", "before", ignore=lambda *_: ["catchment.db", "high-water"])
    at.ok("recovery", "apply", file, *approvals, "--yes")
    entries = size()
    # As if the machine had stopped after the commit: the log has it, the keys are not in place.
    for name in ("registrar.key", "registrar.json", "signing-key.pem", "trust.json"):
        shutil.copy(f"before/{name}", f"var/{name}")
    at.ok("recovery", "apply", "kept/recovery.json", *approvals, "--yes")
    assert size() == entries
    assert Path("var/signing-key.pem").read_bytes() == new


def test_a_second_recovery_follows_the_first(at: Terminal) -> None:
    file = draft(at, "--new-signing-key")
    at.ok("recovery", "apply", file, *approved(at, file, 1, 2), "--yes")
    file = draft(at, out="again")
    assert "prev" in json.loads(Path(file).read_text())["approve"]
    at.ok("recovery", "apply", file, *approved(at, file, 2, 3), "--yes")
    assert size() == 4


@pytest.mark.only_on("sqlite", "a database server has its own backup")
def test_a_backup_after_a_recovery_is_checked_with_the_new_key(at: Terminal) -> None:
    file = draft(at)
    at.ok("recovery", "apply", file, *approved(at, file, 1, 2), "--yes")
    at.ok("backup", "copy.db")
    assert checked_size(open_engine("sqlite:///copy.db")) == 3


def test_a_log_without_recovery_keys_says_so(new_log: Terminal) -> None:
    said = new_log.run("recovery", "draft", "--new-registrar", "--out", "new")
    assert said.code == 1
    assert "its genesis names none" in said.err
    assert not Path("new").exists()


@pytest.fixture
def new_log(database_setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = terminal(tmp_path, monkeypatch, database_setting)
    said = made.ok("init", "--origin", ORIGIN)
    assert "It has no recovery keys" in said.out
    return made


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--recovery-key", "safe1.pub.json"), "--threshold is needed"),
        (("--recovery-key", "safe1.pub.json", "--threshold", "2"), "more than there are"),
    ],
)
def test_recovery_keys_and_their_threshold_belong_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], told: str
) -> None:
    made = terminal(tmp_path, monkeypatch)
    made.ok("recovery", "keygen", "--out", "safe1")
    said = made.run("init", *options)
    assert said.code == 2
    assert told in said.err
    assert not Path("var").exists()
