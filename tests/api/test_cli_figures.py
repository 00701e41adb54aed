"""Figures in the terminal say what the API says, from this machine's database or from a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.cli.figures import BAR_WIDTH, bar
from api.keys.keyfile import write_secret
from tests.cli_world import Terminal, served, terminal
from tests.factory import Factory

pytestmark = pytest.mark.only_on("sqlite", "about commands; a worked example runs on both kinds")


@pytest.fixture
def at(factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A mill and a wire drawer in one park; the drawer's ore is a gap."""
    made = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    mill, drawer = factory.enterprise("Mill"), factory.enterprise("Drawer")
    operator = factory.enterprise("Park company")
    park = operator.park("East park")
    works = {each.name: each.site(f"{each.name} works") for each in (mill, drawer)}
    for site, owner in ((works["Mill"], mill), (works["Drawer"], drawer)):
        operator.membership(park, site, consent_by=owner)
    steel = mill.product("Steel")
    mill.recipe(steel, works["Mill"], emissions=[("CO2", "fossil", "2")])
    mill.production(steel, works["Mill"], "1000")
    mill.inventory(works["Mill"], [("CO2", "fossil", "2000")])
    wire = drawer.product("Wire")
    ore = factory.uuid()
    drawer.recipe(wire, works["Drawer"], inputs=[(steel, "1.5", "KGM"), (ore, "1", "KGM")])
    drawer.production(wire, works["Drawer"], "100")
    return made


def test_a_product_shows_its_footprint_and_its_gases(at: Terminal) -> None:
    said = at.ok("product", "steel", "--year", 2025).out
    rows = [line.split() for line in said.splitlines()]
    assert ["Footprint", "2", "kg", "CO2e", "per", "KGM"] in rows
    assert ["CO2", "fossil", "2", "2"] in rows


def test_what_stands_in_for_another_year_is_told(at: Terminal) -> None:
    assert "stands in" not in at.ok("product", "steel", "--year", 2025).out
    said = at.ok("product", "steel", "--year", 2019).out
    assert "A recipe of another year stands in for one of 2019." in said


def test_a_gwp_set_is_one_of_three(at: Terminal) -> None:
    assert "GWP AR5" in at.ok("product", "steel", "--gwp", "ar5").out
    assert at.run("product", "steel", "--gwp", "AR9").code == 2


def test_a_lower_bound_is_marked_and_its_gap_told(at: Terminal) -> None:
    said = at.ok("product", "Wire").out
    assert "≥ 3" in said
    assert "Gaps" in said


def test_json_is_what_the_api_answers(at: Terminal) -> None:
    token = at.ok("token", "issue", "--role", "auditor", "--json").json["token"]
    with served() as address:
        asked = at.ok("product", "Steel", "--server", address, "--token", token, "--json")
    assert asked.json == at.ok("product", "Steel", "--json").json
    assert asked.json["value"] == "2"


def test_a_park_shows_its_scopes_and_its_bridge(at: Terminal) -> None:
    said = at.ok("park", "East park").out
    assert "Scope 1" in said
    assert all(step in said for step in ("T0", "T1", "T2"))
    assert "█" in said


def test_an_enterprise_has_books_of_its_own(at: Terminal) -> None:
    assert at.ok("enterprise", "Mill", "--json").json["scope1"]["value"] == "2000"


def test_a_name_that_nothing_or_much_has_is_refused(at: Terminal) -> None:
    assert "There is no product “tin”." in at.run("product", "tin").err
    said = at.run("enterprise", "r")
    assert said.code == 1
    assert "More than one enterprise is called “r”" in said.err
    assert at.run("enterprise", "r", "--json").json["code"] == "name-ambiguous"


def test_a_year_without_data_is_a_refusal_and_not_a_zero(at: Terminal) -> None:
    said = at.run("park", "East park", "--year", 2019)
    assert said.code == 1
    assert said.out == ""


def test_without_a_token_a_server_refuses_and_says_so(at: Terminal) -> None:
    with served() as address:
        said = at.run("product", "Steel", "--server", address)
    assert said.code == 1
    assert "token" in said.err


@pytest.mark.parametrize(
    ("value", "drawn"),
    [(8.0, "█" * BAR_WIDTH), (4.0, "█" * (BAR_WIDTH // 2)), (0.0, ""), (-1.0, ""), (0.01, "")],
)
def test_a_bar_is_as_long_as_its_share_of_the_largest(value: float, drawn: str) -> None:
    assert bar(value, 8.0) == drawn


def test_a_bar_ends_at_an_eighth_of_a_character() -> None:
    assert bar(1.5, float(BAR_WIDTH)) == "█▌"


def test_figures_as_of_a_day_say_so(at: Terminal) -> None:
    for asked in (("product", "steel"), ("park", "East park"), ("enterprise", "Mill")):
        said = at.ok(*asked, "--valid-on", "2025-10-01").out
        assert "As of 2025-10-01, for the whole year." in said
        assert "As of 2025" not in at.ok(*asked).out
    refused = at.run("product", "steel", "--year", 2024, "--valid-on", "2025-10-01", "--json")
    assert (refused.code, refused.json["code"]) == (1, "day-outside-year")
    assert at.run("product", "steel", "--valid-on", "October").code == 2
