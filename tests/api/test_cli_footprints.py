"""``catchment footprints``: what an enterprise hands out, to whom, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.demo.tables import id_of
from api.opening import open_services
from api.pact import computed
from api.settings import Settings
from tests.cli_world import ORIGIN, Terminal, terminal

pytestmark = pytest.mark.only_on("sqlite", "it is about what is said, and to whom")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture
def at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """In a folder with the demonstration, over which a server has run."""
    monkeypatch.setenv("COLUMNS", "240")
    made = terminal(folder, monkeypatch)
    if not (folder / "var").exists():
        made.ok("init", "--origin", ORIGIN)
        made.ok("demo")
        services = open_services(Settings.from_env())
        computed.follow(services)
        services.database.dispose()
    return made


def test_it_tells_under_which_id_and_to_whom(at: Terminal) -> None:
    said = at.ok("footprints", "Heron Lake Special Steel")
    (coil,) = (line for line in said.out.splitlines() if "1,085" in line)
    assert coil.startswith("Hot-rolled coil")
    for told in ("1000 kilogram", "2025-01-01", "2026-01-01", "declared by its owner", "everybody"):
        assert told in coil
    assert "computed from the log" in said.out


def test_it_tells_what_is_withheld_and_whom_to_ask(at: Terminal) -> None:
    said = at.ok("footprints", "Plum Ford Board and Carton")
    assert "Nothing is handed out." in said.out
    assert "Linerboard from recovered paper, 2025" in said.out
    assert "Recovered paper" in said.out


def test_it_names_those_that_one_is_open_to(at: Terminal) -> None:
    said = at.ok("footprints", id_of("reed-cells"))
    assert "Plum Ford Packs, Reed Bank Storage Systems" in said.out


def test_json_is_what_the_server_answers(at: Terminal) -> None:
    items = at.ok("footprints", "Plum Ford Packs", "--json").json
    (pack,) = [each for each in items if each["product"]["id"] == id_of("plum-pack")]
    assert pack["footprints"][0]["status"] == "Active"
    assert pack["withheld"] == []
