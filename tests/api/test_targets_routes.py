"""Targets and scenarios over HTTP, in the terminal and as a picture, and who may read them.

A park of three tenants and its owner, each emitting 100 kg in 2024 and 80 kg in 2025, in books that
say nothing was taken in: 400 → 320 kg. Half by 2028: the path is 400, 350, 300, 250, 200.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.cli.examples import EXAMPLES
from api.keys.keyfile import write_secret
from api.pages.path_picture import Course, Figure, Wish, course_of, path_picture
from api.whatif.wire import ChangeSchema
from ledger.log import Accepted
from ledger.schema import load
from ledger.statements import Scenario, Target
from tests.api.conftest import AsRole, Headers
from tests.cli_world import terminal
from tests.factory import Actor, Factory, line

pytestmark = pytest.mark.only_on("sqlite", "access and words are not about the database")

YEARS = {2024: "100", 2025: "80"}
_PARTS = "▏▎▍▌▋▊▉"
"""How a bar may end."""


class Harbour:
    """The park, with a target; ``small`` tenants agree to small aggregates."""

    def __init__(self, factory: Factory, *, small: bool = True) -> None:
        self.factory, self.owner, self.small = factory, factory.enterprise("Owner"), small
        self.park = self.owner.park("Harbour")
        self.bought: dict[tuple[str, int], Accepted] = {}
        self.sites = {"Owner": self.owner.site("Owner site")}
        self.firms = {"Owner": self.owner}
        for name in ("Ash", "Elm", "Fir"):
            self.firms[name] = factory.enterprise(name)
            self.sites[name] = self.firms[name].site(f"{name} site")
        for name in self.firms:
            self.books(name)
            self.joins(name, "2024-01-01")
        self.aims({"type": "park", "id": self.park})

    def books(self, name: str, power: str | None = None) -> None:
        firm, site = self.firms[name], self.sites[name]
        bought = [line((power, "10", "KWH"), category=3)] if power else []
        for year, kg in YEARS.items():
            firm.inventory(site, [("CO2", "fossil", kg)], year=year)
            self.bought[name, year] = firm.purchases(site, bought, year=year)

    def buys(self, name: str, power: str) -> None:
        """10 kWh in each year, where nothing was said to be bought."""
        for year in YEARS:
            inputs = (line((power, "10", "KWH"), category=3),)
            self.firms[name].correct(self.bought[name, year], inputs=inputs)

    def joins(self, name: str, start: str) -> None:
        self.owner.membership(
            self.park, self.sites[name], start=start, consent_by=self.firms[name],
            small_aggregates=self.small,
        )  # fmt: skip

    def aims(self, planner: dict[str, str], by: Actor | None = None, **members: Any) -> None:
        plain = {
            "object": planner, "serial": 1, "name": "Half by 2028", "ambition": "operational",
            "baseYear": 2024, "milestones": [{"year": 2028, "reduction": "50"}],
        }  # fmt: skip
        (by or self.owner).say(load(Target, {**plain, **members}))

    def imagines(self, *changes: dict[str, Any], by: Actor | None = None, **members: Any) -> None:
        plain = {
            "object": {"type": "park", "id": self.park}, "serial": 1, "name": "Idea",
            "startYear": 2026, "changes": list(changes),
        }  # fmt: skip
        (by or self.owner).say(load(Scenario, {**plain, **members}))

    def emitting(self, name: str, kg: str, **members: Any) -> dict[str, Any]:
        """What if a site emitted so much in 2025."""
        stated = {
            "type": "inventory",
            "site": self.sites[name],
            "period": {"start": "2025-01-01", "end": "2026-01-01"},
            "emissions": [{"gas": "CO2", "origin": "fossil", "amount": kg}],
            **members,
        }
        return {"say": {"statement": stated}}


@pytest.fixture
def harbour(factory: Factory) -> Harbour:
    return Harbour(factory)


def ask(client: FlaskClient, headers: Headers, address: str, status: int = 200) -> Any:
    response = client.get(f"/v1/{address}/targets", headers=headers)
    assert response.status_code == status, response.get_data(as_text=True)
    return response.get_json(force=True)


def of_park(client: FlaskClient, headers: Headers, harbour: Harbour, status: int = 200) -> Any:
    return ask(client, headers, f"parks/{harbour.park}", status)


def test_the_path_is_told_with_what_became_of_it(
    client: FlaskClient, harbour: Harbour, as_role: AsRole
) -> None:
    for who in (as_role("auditor"), as_role("park", harbour.owner)):
        body = of_park(client, who, harbour)
        (target,) = body["targets"]
        assert [each["required"] for each in target["path"]] == ["400", "350", "300", "250", "200"]
        assert [
            (each["year"], each["figure"]["value"], each["distance"], each["onPath"])
            for each in target["years"]
        ] == [(2024, "400", "0", True), (2025, "320", "-30", True)]
        assert target["projection"]["years"] == [2024, 2025]
        assert target["projection"]["perYear"] == "-80"
        assert [each["projected"] for each in target["projection"]["path"]] == [
            "320", "240", "160", "80",
        ]  # fmt: skip
        assert target["milestones"][0]["projected"] == "80"
        assert (target["milestones"][0]["onPath"], target["zeroYear"]) == (True, None)
        assert (body["fenceOn"], body["scenarios"]) == ("2025-12-31", [])


def test_all_scopes_are_a_lower_bound_while_categories_are_silent(
    client: FlaskClient, harbour: Harbour, as_role: AsRole
) -> None:
    park = {"type": "park", "id": harbour.park}
    harbour.aims(park, serial=2, ambition="full", nearZero="10")
    _, target = of_park(client, as_role("auditor"), harbour)["targets"]
    assert target["base"]["figure"]["value"] is None
    assert target["base"]["figure"]["atLeast"] == "400"
    assert {each["required"] for each in target["path"]} == {None}
    assert (target["projection"], target["nearZero"]) == (None, "10")
    assert {each["onPath"] for each in target["years"]} == {None}


def test_targets_of_an_enterprise_are_its_own(
    client: FlaskClient, harbour: Harbour, as_role: AsRole
) -> None:
    ash = harbour.firms["Ash"]
    harbour.aims({"type": "enterprise", "id": ash.id}, by=ash)
    address = f"enterprises/{ash.id}"
    (target,) = ask(client, as_role("supplier", ash), address)["targets"]
    assert [each["figure"]["value"] for each in target["years"]] == ["100", "80"]
    ask(client, as_role("supplier", harbour.firms["Elm"]), address, 403)


def test_who_may_read_the_figure_reads_the_path_and_no_scenario(
    client: FlaskClient, harbour: Harbour, as_role: AsRole
) -> None:
    harbour.imagines(harbour.emitting("Owner", "0"))
    stranger = harbour.factory.enterprise("Stranger")
    assert of_park(client, as_role("supplier", stranger), harbour, 403)["code"] == "not-disclosed"
    harbour.owner.disclose("figure", harbour.park, to=stranger)
    body = of_park(client, as_role("supplier", stranger), harbour)
    assert body["scenarios"] is None
    assert body["targets"][0]["years"][1]["onPath"] is True


def test_a_year_that_would_tell_of_one_tenant_is_not_told_nor_what_follows_from_it(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    """Oak joins in 2025 without agreeing to small figures: 2024 restated less 2024 as it was would
    be Oak's."""
    harbour = Harbour(factory, small=False)
    oak = harbour.firms["Oak"] = factory.enterprise("Oak")
    harbour.sites["Oak"] = oak.site("Oak site")
    harbour.books("Oak")
    harbour.joins("Oak", "2025-01-01")
    (target,) = of_park(client, as_role("park", harbour.owner), harbour)["targets"]
    base, later = target["years"]
    assert (base["shown"], base["figure"]) == (False, None)
    assert base["asItWas"]["value"] == "400"
    assert {each["required"] for each in target["path"]} == {None}
    assert (later["figure"]["value"], later["onPath"], later["distance"]) == ("400", None, None)
    assert target["projection"] is None
    (seen,) = of_park(client, as_role("auditor"), harbour)["targets"]
    assert (seen["base"]["figure"]["value"], seen["base"]["asItWas"]["value"]) == ("500", "400")


def test_an_enterprise_is_not_told_what_the_one_before_it_emitted(
    client: FlaskClient, harbour: Harbour, as_role: AsRole
) -> None:
    """Elm takes over Ash's site: restated, 2024 would hold 100 kg that were Ash's."""
    ash, elm = harbour.firms["Ash"], harbour.firms["Elm"]
    harbour.aims({"type": "enterprise", "id": elm.id}, by=elm)
    ash.transfer("site", harbour.sites["Ash"], elm, start="2025-07-01")
    address = f"enterprises/{elm.id}"
    (target,) = ask(client, as_role("supplier", elm), address)["targets"]
    assert (target["base"]["shown"], target["base"]["asItWas"]["value"]) == (False, "100")
    (seen,) = ask(client, as_role("auditor"), address)["targets"]
    assert seen["base"]["figure"]["value"] == "200"


# --- Scenarios -------------------------------------------------------------------------------


def scenario_of(client: FlaskClient, headers: Headers, harbour: Harbour) -> Any:
    (told,) = of_park(client, headers, harbour)["scenarios"]
    return told


def test_the_owner_is_told_what_its_own_site_could_do(
    client: FlaskClient, harbour: Harbour, as_role: AsRole
) -> None:
    """80 kg less of its own: 320 → 240 kg, on the path (300 in 2026) up to 2027 (250)."""
    harbour.imagines(harbour.emitting("Owner", "0"))
    for who in (as_role("auditor"), as_role("park", harbour.owner)):
        told = scenario_of(client, who, harbour)
        assert (told["name"], told["startYear"], told["problem"]) == ("Idea", 2026, None)
        (figure,) = told["figures"]
        assert (figure["before"]["value"], figure["after"]["value"]) == ("320", "240")
        assert figure["difference"] == "-80"
        (outlook,) = told["outlook"]
        assert (outlook["required"], outlook["distance"], outlook["onPath"]) == ("300", "-60", True)
        assert outlook["lastOnPath"] == 2027


def test_a_sink_of_its_own_counts_with_its_certificate(
    client: FlaskClient, harbour: Harbour, as_role: AsRole
) -> None:
    wood = {"sink": "natural", "name": "Wood", "amount": "50"}
    certificate = {"type": "certificate", "kind": "removal", "registry": "ccer.cn", "serial": "R1",
                   "amount": "30", "unit": "KGM", "year": 2025,
                   "site": harbour.sites["Owner"]}  # fmt: skip
    sink = harbour.emitting("Owner", "80", removals=[wood])
    harbour.imagines(sink, {"say": {"statement": certificate}})
    told = scenario_of(client, as_role("park", harbour.owner), harbour)
    assert (told["figures"][0]["difference"], told["unverifiedRemovals"]) == ("-30", "20")


@pytest.mark.parametrize("which", ["a tenant's inventory", "a tenant's statement", "everything"])
def test_the_owner_learns_nothing_of_tenants_by_a_scenario(
    client: FlaskClient, harbour: Harbour, as_role: AsRole, which: str
) -> None:
    stated = harbour.factory.standing().about("inventory", harbour.sites["Ash"])[-1]
    change = {
        "a tenant's inventory": harbour.emitting("Ash", "0"),
        "a tenant's statement": {"takeBack": stated.digest},
        "everything": {"remove": {"product": harbour.factory.uuid()}},
    }[which]
    harbour.imagines(change)
    told = scenario_of(client, as_role("park", harbour.owner), harbour)
    assert told["figures"] == []
    assert told["problem"]["code"] in ("only-your-own", "nothing-to-take-back")
    if which != "everything":
        assert scenario_of(client, as_role("auditor"), harbour)["problem"] is None


def test_what_the_owner_draws_is_no_measure_of_protected_tenants(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    harbour = Harbour(factory, small=False)
    goods = harbour.owner.product("Goods")
    period = {"start": "2025-01-01", "end": "2026-01-01"}
    bought = {"ref": {"product": goods}, "amount": "1", "unit": "KGM", "category": 1}
    purchases = {"type": "purchases", "site": harbour.sites["Owner"], "period": period,
                 "inputs": [bought]}  # fmt: skip
    harbour.imagines({"say": {"statement": purchases}})
    told = scenario_of(client, as_role("park", harbour.owner), harbour)
    assert told["problem"]["code"] == "would-reveal"
    assert scenario_of(client, as_role("auditor"), harbour)["problem"] is None


def test_a_scenario_that_the_log_has_outgrown_is_told_with_its_problem(
    client: FlaskClient, harbour: Harbour, as_role: AsRole
) -> None:
    gone = harbour.factory.uuid()
    harbour.imagines({"remove": {"product": gone, "in": {"park": harbour.park}}})
    harbour.imagines({"replace": {"product": gone}}, serial=2, name="Not a change")
    harbour.imagines(harbour.emitting("Elm", "0"), serial=3, name="Fits")
    first, second, third = of_park(client, as_role("auditor"), harbour)["scenarios"]
    assert first["problem"]["code"] == "nothing-to-change"
    assert second["problem"]["code"] == "statement-malformed"
    assert (first["figures"], second["outlook"]) == ([], [])
    assert (third["problem"], third["figures"][0]["difference"]) == (None, "-80")
    assert first["changes"] == [{"remove": {"product": gone, "in": {"park": harbour.park}}}]


def test_the_scenario_that_is_given_as_an_example_can_be_evaluated() -> None:
    for change in EXAMPLES["scenario"]["changes"]:
        assert ChangeSchema().load(change)


def test_what_a_scenario_gives_cause_to_notice_is_told(
    client: FlaskClient, harbour: Harbour, as_role: AsRole
) -> None:
    """Certificates of removals that no sink is said to have made count for nothing."""
    harbour.imagines({"say": {"statement": certified(harbour)}})
    for who in (as_role("auditor"), as_role("park", harbour.owner)):
        told = scenario_of(client, who, harbour)
        assert told["figures"][0]["difference"] == "0"
        assert [each["rule"] for each in told["findings"]] == ["removal-certificates-exceed"]


def certified(harbour: Harbour) -> dict[str, str | int]:
    return {"type": "certificate", "kind": "removal", "registry": "ccer.cn", "serial": "R1",
            "amount": "30", "unit": "KGM", "year": 2025, "park": harbour.park}  # fmt: skip


def test_certificates_of_a_park_are_supposed_by_whoever_runs_it(
    client: FlaskClient, harbour: Harbour, as_role: AsRole
) -> None:
    ash = harbour.firms["Ash"]
    planner = {"type": "enterprise", "id": ash.id}
    harbour.imagines({"say": {"statement": certified(harbour)}}, by=ash, object=planner)
    (told,) = ask(client, as_role("supplier", ash), f"enterprises/{ash.id}")["scenarios"]
    assert told["problem"]["code"] == "only-your-own"


@pytest.mark.parametrize(("buyers", "shown"), [(1, False), (3, True)])
def test_the_power_of_one_that_joined_is_not_told_by_the_difference(
    client: FlaskClient, factory: Factory, as_role: AsRole, buyers: int, shown: bool
) -> None:
    """Three joined, and Scope 1 of the three is told. If one of them alone buys power, Scope 2 of
    the year restated less that of the year as it was would be its own."""
    harbour = Harbour(factory, small=False)
    maker = factory.enterprise("Maker")
    power = maker.product("Power", unit="KWH", energy_carrier="electricity")
    works = maker.site("Works", at=("100", "20"))
    for year in YEARS:
        maker.recipe(power, works, basis=("1", "KWH"), emissions=[("CO2", "fossil", "0.5")],
                     year=year)  # fmt: skip
        maker.production(power, works, "1000", "KWH", year=year)
    joined = ("Oak", "Yew", "Box")
    for name in joined:
        harbour.firms[name] = factory.enterprise(name)
        harbour.sites[name] = harbour.firms[name].site(f"{name} site")
        harbour.books(name, power if name in joined[:buyers] else None)
        harbour.joins(name, "2025-01-01")
    for name in ("Ash", "Elm", "Fir"):
        harbour.buys(name, power)
    (target,) = of_park(client, as_role("park", harbour.owner), harbour)["targets"]
    assert target["base"]["shown"] is shown
    assert target["base"]["asItWas"]["value"] == "415"


# --- The terminal ----------------------------------------------------------------------------


def test_the_terminal_shows_the_path_as_bars(
    factory: Factory, harbour: Harbour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harbour.imagines(harbour.emitting("Owner", "0"))
    at = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    said = at.ok("targets", "harbour").out
    rows = {
        line[:4]: line.split("█")[-1].lstrip(_PARTS).split()
        for line in said.splitlines()
        if "█" in line
    }
    assert rows["2024"][-6:] == ["0.400", "0.400", "+0.000", "on", "the", "path"]
    assert rows["2025"][-6:] == ["0.350", "0.320", "-0.030", "on", "the", "path"]
    assert rows["2028"][:4] == ["0.200", "→", "0.080", "-0.120"]
    assert "Projected through 2024, 2025: -0.080 t CO2e a year." in said
    assert "0.320 → 0.240 t CO2e (-0.080)" in said
    assert "Half by 2028: on the path in 2026, and up to 2027." in said
    assert at.ok("targets", harbour.park, "--json").json["targets"][0]["serial"] == 1


# --- The picture -----------------------------------------------------------------------------


def test_the_picture_has_every_point_in_its_place() -> None:
    """View box 920 × 330; years from 36 to 884, heights from 34 (400 kg) to 290 (nothing)."""
    drawn = path_picture(
        Course(
            required={2024: 400.0, 2026: 200.0, 2028: 0.0},
            figures=(Figure(2024, 400.0, on_path=True), Figure(2025, 100.0, is_bound=True)),
            projected={2025: 300.0, 2028: 0.0},
            wishes=(Wish("Idea", 2026, 200.0),),
        )
    )
    assert drawn.path == "36,34 460,162 884,290"
    assert [(dot.x, dot.y) for dot in drawn.dots] == [(36, 34), (248, 226)]
    assert drawn.projection == "248,98 884,290"
    assert [(each.x1, each.x2, each.y) for each in drawn.levels] == [(460, 884, 162)]
    assert [tick.year for tick in drawn.ticks] == [2024, 2025, 2026, 2027, 2028]
    assert drawn.baseline == 290


def test_a_picture_of_nothing_is_empty_and_one_below_zero_fits() -> None:
    nothing = path_picture(Course({}, (), {}))
    assert (nothing.path, nothing.dots, nothing.ticks) == ("", (), ())
    below = path_picture(Course({2020: 100.0}, (Figure(2025, -100.0),), {}))
    assert (below.baseline, below.dots[0].y) == (162, 290)


def test_the_picture_is_drawn_from_what_is_shown() -> None:
    figure = {"at_least": 5.0, "value": None}
    target = {
        "serial": 1,
        "ambition": "operational",
        "path": [{"year": 2024, "required": None}, {"year": 2025, "required": 7.0}],
        "years": [
            {"year": 2024, "figure": None, "on_path": None},
            {"year": 2025, "figure": figure, "on_path": None},
        ],
        "projection": None,
    }
    after = {"ambition": "operational", "after": {"value": 3.0, "at_least": 3.0}}
    told = course_of(target, [{"name": "Idea", "start_year": 2026, "figures": [after]},
                              {"name": "Not told", "start_year": 2026, "figures": []}])  # fmt: skip
    assert told.required == {2025: 7.0}
    assert told.figures == (Figure(2025, 5.0, is_bound=True, on_path=None),)
    assert (told.projected, told.wishes) == ({}, (Wish("Idea", 2026, 3.0),))
