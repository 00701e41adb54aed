"""``catchment indicators`` and ``indicators-load``: verdicts with marks, tables line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.keys.keyfile import write_secret
from tests.cli_world import ORIGIN, Said, Terminal, terminal
from tests.factory import Factory
from tests.graph.parkland import Parkland
from tests.graph.test_notice910 import published_example

pytestmark = pytest.mark.only_on("sqlite", "it is about what is said, and to whom")

HEAD = (
    "id,title,title_zh,class,quantity,per,operator,threshold,weight,when,below,park_type,source\n"
)
NET = "net,Net figure,净排放,principled,net,,at-most,0,,,,,\n"
WASTE = (
    "waste,Waste,,non-principled,waste-industrial-utilised,waste-industrial,at-least,0.8,5,,,,\n"
)
SMALL = "energy,Energy,,non-principled,energy,,at-most,9,1,tenants,3,steel,Clause 4\n"
GREEN = "green,Green power,,bonus,electricity-green,electricity,above,0.5,3,,,,\n"
ABOUT = (
    *("--name", "local", "--version", "1", "--title", "Local rules"),
    *("--publisher", "Province", "--source", "Notice 1"),
)


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = terminal(tmp_path, monkeypatch)
    made.ok("init", "--origin", ORIGIN)
    return made


def state(at: Terminal, *lines: str, options: tuple[str, ...] = ("--yes",)) -> Said:
    at.write("rules.csv", HEAD + "".join(lines))
    return at.run("indicators-load", "rules.csv", *ABOUT, *options)


def test_a_rule_table_becomes_a_system(at: Terminal) -> None:
    said = state(at, NET, WASTE, SMALL, GREEN, options=("--pass-mark", "4", "--yes"))
    assert said.code == 0, said.err
    assert "local is a new system." in said.out
    assert "Written to the log." in said.out
    again = state(at, NET, WASTE, SMALL, GREEN, options=("--pass-mark", "4", "--json"))
    assert (again.code, again.json["written"], again.json["items"]) == (0, False, 4)
    changed = state(at, NET, WASTE, options=("--yes",))
    assert "local stands in version 1; this is version 1." in changed.out
    assert "Written to the log." in changed.out


def test_what_a_system_says_can_be_a_file_of_its_own(at: Terminal) -> None:
    system = {
        "name": "local",
        "version": "1",
        "title": "Local rules",
        "publisher": "Province",
        "source": "Notice 1",
        "items": [
            {
                "id": "net",
                "title": "Net figure",
                "class": "principled",
                "quantity": "net",
                "operator": "at-most",
                "threshold": "0",
            }
        ],
    }
    at.write("rules.json", system)
    dry = at.ok("indicators-load", "rules.json", "--dry-run", "--json")
    assert dry.json == {
        "written": False,
        "system": "local",
        "version": "1",
        "items": 1,
        "refused": [],
    }
    assert at.ok("indicators-load", "rules.json", "--yes", "--json").json["written"] is True
    both = at.run("indicators-load", "rules.json", "--name", "other")
    assert (both.code, "it says itself what --name would say" in both.err) == (1, True)
    at.write("rules.json", {**system, "name": "notice-910"})
    taken = at.run("indicators-load", "rules.json", "--yes")
    assert (taken.code, "is built in" in taken.err) == (1, True)
    at.write("rules.json", [system])
    assert "not a JSON object" in at.run("indicators-load", "rules.json").err


@pytest.mark.parametrize(
    ("line", "where"),
    [
        (NET.replace("net,,at", "gross-net,,at"), "line 3 quantity"),
        (NET.replace("at-most", "under"), "line 3 operator"),
        (NET.replace("0,,,,,", "zero,,,,,"), "line 3 threshold"),
        (NET.replace("0,,,,,", "0,7,,,,"), "line 3 weight"),
        (GREEN.replace(",3,", ",,"), "line 3 weight"),
        (NET.replace("principled", "principal"), "line 3 class"),
        (SMALL.replace("tenants,3", ",3"), "line 3 when"),
        (WASTE, "line 3 id"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(at: Terminal, line: str, where: str) -> None:
    said = state(at, WASTE, line, options=("--yes", "--json"))
    assert said.code == 1
    assert [each["where"] for each in said.json["refused"]] == [where]
    assert said.json["written"] is False


def test_a_table_that_is_no_rule_table_is_refused(at: Terminal) -> None:
    at.write("rules.csv", "id,title\nnet,Net\n")
    assert "it has no column class" in at.run("indicators-load", "rules.csv", *ABOUT).err
    said = state(at, NET.replace("at-most", "=<").replace("principled", "grand"))
    assert "line 2 operator: Must be one of: at-most, below, at-least, above." in said.err
    assert "line 2 class" in said.err
    assert "formula" not in said.err
    said = state(at, NET.replace(",0,", ",=1-1,").replace("principled", "grand"))
    assert "line 2 threshold: The cell holds a formula" in said.err
    assert (said.err.count("line 2 threshold"), said.err.count("line 2 class")) == (1, 1)
    at.write("rules.csv", HEAD.replace(",per,", ",formula,") + NET)
    assert "nothing is called formula" in at.run("indicators-load", "rules.csv", *ABOUT).err
    at.write("rules.csv", HEAD + NET)
    said = at.run("indicators-load", "rules.csv", "--name", "local")
    assert (said.code, "--version, --title, --publisher, --source" in said.err) == (2, True)
    bad = at.run("indicators-load", "rules.csv", "--name", "Not a name", *ABOUT[2:])
    assert (bad.code, "/name" in bad.err) == (1, True)


def test_the_terminal_shows_the_published_example_item_by_item(
    factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    park = Parkland(factory)
    published_example(park)
    at = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    said = at.ok("indicators", "Example Park", "--year", 2025).out
    lines = said.splitlines()
    core = next(line for line in lines if "CO2 per unit of energy" in line)
    assert core.split() == [
        *("✗", "CO2", "per", "unit", "of", "energy", "principled"),
        *("0.23", "t", "CO2", "/", "tce", "≤", "0.2", "+24,000", "t", "CO2"),
    ]
    assert "Not passed, with 1 of 5 points." in said
    assert "Standard coal by coal 1." in said
    assert "different number from the net figure" in said
    terms = [line.split()[-1] for line in lines if "Fossil fuels" in line or "Together" in line]
    assert terms == ["68,000", "184,000"]
    assert "Energy: 800,000 tce, of it clean 760,994 tce." in said
    assert "? The inventories of Site A say nothing of industrial solid waste" in said
    document = at.ok("indicators", "Example Park", "--json").json
    assert document["items"][0]["verdict"] == "not-met"
    refused = at.run("indicators", "Example Park", "--basis", "other")
    assert (refused.code, "Name one of those that stand: coal." in refused.err) == (1, True)


def test_coefficients_of_standard_coal_are_shown_in_their_set(at: Terminal) -> None:
    at.write("coal.csv", "energy,unit,kgce_per_unit,status\n焦炭 coke,kg,0.9714,remembered\n")
    about = ("--set", "coal", "--version", "2020", "--publisher", "SAC", "--source", "GB/T 2589")
    at.ok("factors", "load", "coal.csv", "--layout", "china-coal", "--year", 2020, *about, "--yes")
    shown = at.ok("factors", "show", "coal").out
    assert "焦炭 coke (remembered)" in shown
    assert "0.9714 kgce" in shown
