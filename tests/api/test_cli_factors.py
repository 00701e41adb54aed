"""``catchment factors``: a table becomes a set, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_world import ORIGIN, Said, Terminal, terminal

pytestmark = pytest.mark.only_on("sqlite", "it is about what is said, and to whom")

HEAD = "kind,name,of,region,unit,gas,amount\n"
COIL = "average,Coil,urn:cpc:41211,CN,t,CO2,2150\n"
WIRE = "average,Wire,urn:cpc:41263,CN,t,CO2,2400\n"
GLASS = "average,Glass,urn:cpc:371,CN,t,CO2,900\n"


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = terminal(tmp_path, monkeypatch)
    made.ok("init", "--origin", ORIGIN)
    return made


def state(at: Terminal, *lines: str, version: str = "1", options: tuple[str, ...] = ()) -> Said:
    at.write("steel.csv", HEAD + "".join(lines))
    about = ("--set", "steel", "--version", version, "--year", "2024")
    who = ("--publisher", "Institute", "--source", "Yearbook")
    return at.run("factors", "load", "steel.csv", *about, *who, *options)


def names(at: Terminal) -> list[str]:
    return [each["name"] for each in at.ok("factors", "show", "steel", "--json").json["items"]]


def test_a_table_becomes_a_set_that_can_be_looked_up(at: Terminal) -> None:
    said = state(at, WIRE, COIL, options=("--yes",))
    assert said.code == 0, said.err
    assert "Lines read: 2; factors: 2; parts: 1." in said.out
    assert "steel is a new set." in said.out
    (listed,) = at.ok("factors", "list", "--json").json["items"]
    assert (listed["name"], listed["version"], listed["factors"]) == ("steel", "1", 2)
    assert names(at) == ["Coil", "Wire"]
    shown = at.ok("factors", "show", "steel", "--class", "urn:cpc:41211").out
    assert "2150 kg CO2" in shown
    assert "Wire" not in shown
    assert "steel" in at.ok("factors", "list").out


def test_a_dry_run_says_what_would_change_and_writes_nothing(at: Terminal) -> None:
    state(at, COIL, WIRE, options=("--yes",))
    said = state(
        at, COIL.replace("2150", "2100"), GLASS, WIRE, version="2", options=("--dry-run", "--json")
    )
    assert said.json["written"] is False
    assert said.json["changes"] == {"new": 1, "changed": 1, "gone": 0, "unchanged": 1}
    (listed,) = at.ok("factors", "list", "--json").json["items"]
    assert listed["version"] == "1"


def test_a_new_version_takes_the_place_of_the_one_before(at: Terminal) -> None:
    state(at, COIL, WIRE, options=("--yes",))
    said = state(at, COIL, version="2", options=("--yes",))
    assert "steel stands in version 1; 2 would change 0 factors, add 0, drop 1 and leave 1." in (
        said.out
    )
    assert names(at) == ["Coil"]


def test_the_same_again_writes_nothing(at: Terminal) -> None:
    state(at, COIL, WIRE, options=("--yes",))
    said = state(at, WIRE, COIL, options=("--json",))
    assert (said.code, said.json["written"]) == (0, False)
    assert said.json["changes"]["unchanged"] == 2


def test_one_bad_line_refuses_the_whole_table(at: Terminal) -> None:
    said = state(at, COIL, "average,Wire,urn:cpc:41263,CN,stone,CO2,1\n", options=("--yes",))
    assert said.code == 1
    assert "line 3" in said.err
    assert "stone" in said.err
    assert "Lines read: 2, refused: 1. Nothing was written." in said.out
    refused = state(at, COIL, WIRE.replace("2400", "-1"), options=("--yes", "--json"))
    assert [each["where"] for each in refused.json["refused"]] == ["line 3 amount"]


def test_where_every_line_is_refused_the_year_is_not_missed_as_well(at: Terminal) -> None:
    at.write("steel.csv", HEAD + WIRE.replace("2400", "-1"))
    about = ("--set", "steel", "--version", "1", "--publisher", "Institute", "--source", "Yearbook")
    refused = at.run("factors", "load", "steel.csv", *about, "--json")
    assert [each["where"] for each in refused.json["refused"]] == ["line 2 amount"]
    assert at.ok("factors", "list", "--json").json["items"] == []


def test_a_set_of_parts_shrinks_and_grows_again(
    at: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that is no longer needed is withdrawn, and said again on top of that."""
    monkeypatch.setattr("api.importing.factor_tables.PART_BYTES", 1)
    state(at, COIL, WIRE, GLASS, options=("--yes",))
    (listed,) = at.ok("factors", "list", "--json").json["items"]
    assert listed["parts"] == 3
    state(at, COIL, version="2", options=("--yes",))
    assert names(at) == ["Coil"]
    said = state(at, COIL, WIRE, GLASS, version="3", options=("--yes",))
    assert said.code == 0, said.err
    assert sorted(names(at)) == ["Coil", "Glass", "Wire"]


def test_nobody_is_asked_about_what_the_log_would_not_take(at: Terminal) -> None:
    said = state(at, COIL, version="v" * 61)
    assert said.code == 1
    assert "version" in said.err


def test_without_a_yes_nothing_is_written(at: Terminal) -> None:
    at.write("steel.csv", HEAD + COIL)
    said = at.run(
        *("factors", "load", "steel.csv", "--set", "steel", "--version", "1", "--year", "2024"),
        *("--publisher", "I", "--source", "Y"),
        typed="n\n",
    )
    assert said.code == 1
    assert at.ok("factors", "list", "--json").json["items"] == []


def test_a_set_that_does_not_stand_is_not_shown(at: Terminal) -> None:
    said = at.run("factors", "show", "steel")
    assert said.code == 1
    assert "No set of factors “steel” stands." in said.err
