"""Exporting, rebuilding and checking a log from the command line."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli_world import ORIGIN, Terminal, terminal


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    at = terminal(tmp_path, monkeypatch)
    at.ok("init", "--origin", ORIGIN)
    return at


def elsewhere(at: Terminal, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another data directory from here on, with nothing in it."""
    monkeypatch.setenv("CATCHMENT_DATA", str(at.folder / "new"))
    return at.folder / "new"


def test_a_log_goes_into_one_file_and_out_of_it_into_another_database(
    begun: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported = begun.ok("log", "export", "log.zip", "--json").json
    assert (exported["path"], exported["size"]) == ("log.zip", 2)
    elsewhere(begun, monkeypatch)
    rebuilt = begun.ok("log", "rebuild", "log.zip", "--trust", "var/trust.json", "--json").json
    assert rebuilt == {"added": 2, "size": 2, "root": exported["root"]}
    assert begun.ok("log", "export", "again.zip", "--json").json["root"] == exported["root"]
    assert Path("again.zip").read_bytes() == Path("log.zip").read_bytes()
    assert begun.ok("log", "rebuild", "log.zip", "--json").json["added"] == 0
    assert begun.ok("log", "fsck", "--json").json == {"size": 2, "findings": []}


def test_people_are_told_what_was_done_and_what_remains(
    begun: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "log.zip holds 2 entries." in begun.ok("log", "export", "log.zip").out
    elsewhere(begun, monkeypatch)
    said = begun.ok("log", "rebuild", "log.zip").out
    assert "holds the 2 entries of the export; 2 are new in it." in said
    assert "Compare its origin and key" in said
    assert "All 2 entries" in begun.ok("log", "fsck").out


def test_a_log_that_is_not_the_trusted_one_is_not_built(
    begun: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun.ok("log", "export", "log.zip")
    folder = elsewhere(begun, monkeypatch)
    begun.ok("init", "--origin", ORIGIN)
    said = begun.run("log", "rebuild", "log.zip", "--trust", folder / "trust.json", "--json")
    assert (said.code, said.json["code"]) == (1, "export-foreign")
    said = begun.run("log", "rebuild", "log.zip", "--json")
    assert (said.code, said.json["code"]) == (1, "export-differs")
    assert said.json["detail"].startswith("Entry 0 ")


def test_nothing_is_overwritten_and_no_database_made_by_looking(
    begun: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun.ok("log", "export", "log.zip")
    before = Path("log.zip").read_bytes()
    assert begun.run("log", "export", "log.zip").code == 1
    assert Path("log.zip").read_bytes() == before
    folder = elsewhere(begun, monkeypatch)
    for command in (("log", "fsck"), ("log", "export", "other.zip")):
        said = begun.run(*command)
        assert said.code == 1
        assert "no log" in said.err
    assert not folder.exists()
    said = begun.run("log", "rebuild", "var/trust.json")
    assert said.code == 1
    assert "not a zip file" in said.err


def test_damage_is_listed_with_its_place(begun: Terminal) -> None:
    with closing(sqlite3.connect("var/catchment.db")) as database, database:
        database.execute("UPDATE entry SET subject = 'x' WHERE \"index\" = 1")
    said = begun.run("log", "fsck")
    assert said.code == 1
    assert "entry 1" in said.out
    assert "The column subject is not what the entry says." in said.out
    told = begun.run("log", "fsck", "--json")
    assert told.code == 1
    assert told.json["findings"] == [
        {
            "rule": "column-differs",
            "where": "entry 1",
            "finding": "The column subject is not what the entry says.",
        },
        {
            "rule": "derived-differs",
            "where": "entry 1",
            "finding": "The row is not the one that follows from the entries.",
        },
    ]
