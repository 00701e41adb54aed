"""A supplier's whole road, over real processes and a real socket, as the README tells it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).parents[2]
START_SECONDS = 20
COMMAND = (sys.executable, "-c", "from api.cli import main; main(prog_name='catchment')")


@dataclass
class Shell:
    folder: Path
    environ: dict[str, str]

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [*COMMAND, *arguments], cwd=self.folder, env=self.environ,
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def sign_and_submit(self, name: str, document: dict[str, object]) -> None:
        (self.folder / f"{name}.json").write_text(json.dumps(document))
        self.run("sign", f"{name}.json", "--key", "acme.key", "--trust", "trust.json",
                 "--out", f"{name}.jws")  # fmt: skip
        self.run("submit", f"{name}.jws")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A shell beside a log that ``catchment serve`` serves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    made = Shell(
        tmp_path,
        {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
            "CATCHMENT_DATA": str(tmp_path / "var"),
            "CATCHMENT_SERVER": address,
        },
    )
    made.run("init", "--origin", "road.test.example/2026")
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", str(port)], cwd=tmp_path, env=made.environ,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_until_up(address, process)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=15)


def _wait_until_up(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended"
        try:
            if requests.get(f"{address}/health", timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise AssertionError("the server did not start")


@pytest.mark.slow
def test_from_a_key_to_a_footprint_that_can_be_checked(shell: Shell) -> None:
    address = shell.environ["CATCHMENT_SERVER"]
    shell.run("keygen", "--name", "Acme", "--country", "CN", "--log", address, "--out", "acme")
    admitted = json.loads(shell.run("admit", "acme.request.json", "--yes", "--json"))

    plant, steel = "0f0e0d0c-0b0a-4908-8706-050403020100", "0f0e0d0c-0b0a-4908-8706-050403020101"
    year = {"start": "2025-01-01", "end": "2026-01-01"}
    place = {"latitude": "31.3", "longitude": "120.7", "timeZone": "Asia/Shanghai"}
    shell.sign_and_submit("site", {"type": "site", "id": plant, "name": "Plant", **place})
    shell.sign_and_submit("product", {"type": "product", "id": steel, "name": "Steel",
                                      "unit": "TNE"})  # fmt: skip
    emissions = [{"gas": "CO2", "origin": "fossil", "amount": "1850"}]
    made = {"product": steel, "site": plant, "period": year}
    shell.sign_and_submit("recipe", {"type": "recipe", **made, "emissions": emissions,
                                     "basis": {"amount": "1", "unit": "TNE"}})  # fmt: skip
    shell.sign_and_submit("production", {"type": "production", **made, "amount": "1200",
                                         "unit": "TNE"})  # fmt: skip

    # 1850 kg of fossil CO2 for 1 t: 1850 kg CO2e per tonne.
    asked = ("product", steel, "--server", address, "--token", admitted["token"])
    assert json.loads(shell.run(*asked, "--json"))["value"] == "1850"
    assert "1,850" in shell.run(*asked)
    for name in ("site", "product", "recipe", "production"):
        shell.run("verify", f"{name}.tlog-proof", "--statement", f"{name}.jws",
                  "--trust", "trust.json")  # fmt: skip
