"""A deployment as its operator and its users have it: a data folder, a server, the command line.

The server is a process of its own, and so is every command unless a test is about what commands
lead to and not about starting them; nothing is shared but files and HTTP.
"""

from __future__ import annotations

import itertools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from click.testing import CliRunner

from api.cli import main
from tests.patience import HANG_SECONDS
from tests.processes import serving

COMMAND = str(Path(sys.executable).with_name("catchment"))


_PORTS = itertools.count(20_000 + 1_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]))
"""Below the range from which the system hands out ports: one that is free now stays free until its
server is up, whatever connections and other workers' servers come up meanwhile."""


def free_port() -> int:
    """A port that no other server of the tests is given."""
    return next(port for port in _PORTS if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass
class Deployment:
    """``folder`` is where its users work; the operator's data lie in ``folder/var``.

    ``database`` is what DATABASE_URL says; empty for the default. With ``starts_commands`` false,
    commands are run by this process: starting one takes longer than most take.
    """

    folder: Path
    database: str = ""
    starts_commands: bool = True
    port: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "CATCHMENT_DATA": str(self.folder / "var"),
            "CATCHMENT_PORT": str(self.port),
            "DATABASE_URL": self.database,
            "LANG": "C.UTF-8",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def run(self, *arguments: str, token: str | None = None) -> str:
        """Run ``catchment`` with these arguments; its output, or an AssertionError with it."""
        environment = self.environment | ({"CATCHMENT_TOKEN": token} if token else {})
        if not self.starts_commands:
            return self._run_here(arguments, environment)
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
        )
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _run_here(self, arguments: tuple[str, ...], environment: dict[str, str]) -> str:
        with chdir(self.folder):
            done = CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)
        assert done.exit_code == 0, f"{arguments}: {done.exit_code}\n{done.output}"
        return done.stdout

    def run_json(self, *arguments: str, token: str | None = None) -> Any:
        return json.loads(self.run(*arguments, "--json", token=token), parse_float=str)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve while the block runs; gives the address."""
        command, log = [COMMAND, "serve", "--port", str(self.port)], self.folder / "server.log"
        with serving(command, self.address, log, cwd=self.folder, env=self.environment):
            yield self.address

    def admitted(self, name: str, role: str = "supplier") -> Member:
        """An enterprise from ``keygen`` to its first token."""
        stem = name.lower().replace(" ", "-")
        self.run("keygen", "--name", name, "--log", self.address, "--out", stem)
        request = self.folder / f"{stem}.request.json"
        answer = self.run_json("admit", request.name, "--role", role, "--yes")
        enterprise = json.loads(request.read_text())["enterprise"]
        return Member(self, enterprise, f"{stem}.key", answer["token"])

    def get(self, path: str, token: str, **query: str) -> Any:
        """A JSON answer of the API; numbers stay the strings they were sent as."""
        response = requests.get(
            f"{self.address}{path}",
            params=query,
            headers={"Authorization": f"Bearer {token}"},
            timeout=HANG_SECONDS,
        )
        assert response.ok, response.text
        return response.json()


@dataclass
class Member:
    """An admitted enterprise with its key file and token."""

    deployment: Deployment
    id: str
    key: str
    token: str

    def imports(self, path: Path) -> Any:
        """Import a workbook or table, signed with the member's key."""
        server = ("--server", self.deployment.address)
        return self.deployment.run_json(
            "import", str(path), "--key", self.key, *server, token=self.token
        )
