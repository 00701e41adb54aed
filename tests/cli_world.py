"""A person at a terminal: a folder, a log begun by ``catchment init``, and a server on a port."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click.testing
import pytest

from api.app import create_app
from api.cli import main
from api.client import http
from api.settings import Settings
from tests import serving
from tests.patience import HANG_SECONDS

ORIGIN = "log.test.example/2026"


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Terminal:
    """``run`` is one command; files are relative to ``folder``."""

    folder: Path

    def run(self, *arguments: object, typed: str | None = None) -> Said:
        result = click.testing.CliRunner().invoke(
            main, [str(each) for each in arguments], input=typed
        )
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    def ok(self, *arguments: object, typed: str | None = None) -> Said:
        """Run a command that must succeed."""
        said = self.run(*arguments, typed=typed)
        assert said.code == 0, said.out + said.err
        return said

    def write(self, name: str, content: object) -> Path:
        path = self.folder / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path


def terminal(folder: Path, monkeypatch: pytest.MonkeyPatch, database: str = "") -> Terminal:
    """A terminal in an empty folder, whose environment names a data directory and ``database``."""
    for name in ("CATCHMENT_SERVER", "CATCHMENT_TOKEN", "CATCHMENT_ENV"):
        monkeypatch.delenv(name, raising=False)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.setenv(name, "C.UTF-8")
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", HANG_SECONDS)
    monkeypatch.setenv("CATCHMENT_DATA", str(folder / "var"))
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.chdir(folder)
    return Terminal(folder)


def served() -> AbstractContextManager[str]:
    """The address of a server over the log that the environment names."""
    return serving.served(create_app(Settings.from_env()))


def admitted(at: Terminal, address: str, name: str, *options: str) -> str:
    """Make a key ``<name>.key``, have it admitted, and return its token."""
    at.ok("keygen", "--name", name.title(), "--log", address, "--out", name, *options)
    said = at.ok("admit", f"{name}.request.json", "--yes", "--json")
    token: str = said.json["token"]
    return token
