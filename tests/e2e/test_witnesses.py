"""A log, two witnesses and a fork of the log, in processes of their own (threat 6)."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from ledger.checkpoint import Checkpoint
from ledger.note import text_of
from ledger.trust import Trust, open_checkpoint
from tests import processes
from tests.e2e.deployment import COMMAND, Deployment, Member, free_port
from tests.patience import HANG_SECONDS, until

PUBLISH_SECONDS = 10
"""The shortest that a server takes."""


@dataclass
class Association:
    """Somebody who runs a witness in ``folder``."""

    folder: Path
    name: str
    port: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def made(self) -> str:
        """Its verifier key."""
        said = subprocess.run(
            [COMMAND, "witness", "init", "--name", self.name, "--json"],
            cwd=self.folder, capture_output=True, check=True, timeout=HANG_SECONDS,
        )  # fmt: skip
        return str(json.loads(said.stdout)["vkey"])

    @contextmanager
    def serving(self, trust: Path) -> Iterator[subprocess.Popen[bytes]]:
        command = [COMMAND, "witness", "serve", "--log", str(trust), "--port", str(self.port)]
        log = self.folder / "witness.log"
        with processes.serving(command, self.address, log, cwd=self.folder) as process:
            yield process


def folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name


def published(address: str, trust: Trust, cosigned_by: set[str]) -> bytes:
    """The published checkpoint, once it covers all entries and just these have cosigned it."""

    def found() -> bytes:
        answer = requests.get(f"{address}/v1/log/checkpoint/published", timeout=HANG_SECONDS)
        size = requests.get(f"{address}/v1/log", timeout=HANG_SECONDS).json()["size"]
        covers = answer.ok and Checkpoint.parse(text_of(answer.content)).size >= size
        return answer.content if covers and cosigners(answer.content, trust) == cosigned_by else b""

    return until(found)


def cosigners(note: bytes, trust: Trust) -> set[str]:
    return {each.witness.name for each in open_checkpoint(note, trust).cosignatures}


def verdict(here: Deployment, member: Member, index: int) -> int:
    """The exit code of ``catchment verify`` for an entry, against the published checkpoint."""
    headers = {"Authorization": f"Bearer {member.token}"}
    at = f"{here.address}/v1/log"
    receipt = requests.get(
        f"{at}/receipts/{index}/published", headers=headers, timeout=HANG_SECONDS
    )
    entry = requests.get(f"{at}/entries/{index}", headers=headers, timeout=HANG_SECONDS)
    assert receipt.ok, receipt.text
    assert entry.ok, entry.text
    (here.folder / "r.tlog-proof").write_bytes(receipt.content)
    (here.folder / "s.jws").write_text(entry.json()["envelope"])
    command = ["verify", "r.tlog-proof", "--statement", "s.jws", "--trust", "trust.json"]
    done = subprocess.run(
        [COMMAND, *command], cwd=here.folder, capture_output=True, timeout=HANG_SECONDS
    )
    return done.returncode


@pytest.mark.slow
def test_witnesses_cosign_one_history_and_a_fork_is_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = Deployment(folder(tmp_path, "here")), Deployment(folder(tmp_path, "there"))
    here.run("init", "--origin", "log.example/forked")
    # The same log with the same key, twice: what an operator would do who shows two histories.
    # No process that copies a SQLite file may have it open: closing the copy's source drops the
    # locks of its connections, and a server that comes then finds the file malformed.
    shutil.copytree(here.folder / "var", there.folder / "var")
    here.starts_commands = there.starts_commands = False
    one = Association(folder(tmp_path, "one"), "one.example")
    two = Association(folder(tmp_path, "two"), "two.example")
    keys = [one.made(), two.made()]
    addresses = [one.address, two.address]
    listed = [{"url": url, "vkey": key} for url, key in zip(addresses, keys, strict=True)]
    witnesses = tmp_path / "witnesses.json"
    witnesses.write_text(json.dumps({"witnesses": listed, "quorum": 2}))
    monkeypatch.setenv("CATCHMENT_WITNESSES", str(witnesses))
    monkeypatch.setenv("CATCHMENT_PUBLISH_SECONDS", str(PUBLISH_SECONDS))

    known = here.folder / "var/trust.json"
    asking = json.loads(known.read_text()) | {"witnesses": keys, "quorum": 2}
    (here.folder / "trust.json").write_text(json.dumps(asking))
    trust = Trust.read(here.folder / "trust.json")

    with one.serving(known):
        with two.serving(known) as second, here.serving():
            acme = here.admitted("Acme")
            published(here.address, trust, {"one.example", "two.example"})
            assert verdict(here, acme, 2) == 0

            second.terminate()
            second.wait(timeout=HANG_SECONDS)
            bolt = here.admitted("Bolt")
            published(here.address, trust, {"one.example"})
            assert verdict(here, bolt, 4) == 3
            real = requests.get(f"{here.address}/v1/log", timeout=HANG_SECONDS).json()["size"]

            with there.serving():
                for name in ("Mallory", "Niaj", "Olivia"):
                    there.admitted(name)
            with there.serving():
                note = published(there.address, trust, set())
                assert Checkpoint.parse(text_of(note)).size > real
                until(lambda: "does not continue" in (one.folder / "witness.log").read_text())
                compared = subprocess.run(
                    [COMMAND, "log", "compare", here.address, there.address, "--out", "fork.json"],
                    cwd=here.folder, capture_output=True, text=True, timeout=HANG_SECONDS,
                )  # fmt: skip
        assert compared.returncode == 1, compared.stdout + compared.stderr
        assert "FORK" in compared.stdout
    assert "FORK" in here.run("log", "verify-fork", "fork.json")
