"""A restated base year over HTTP and in the terminal, and whom it must not give away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.keys.keyfile import write_secret
from tests.api.conftest import AsRole, Headers
from tests.cli_world import terminal
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "access and words are not about the database")

BASE, LATER = 2024, 2025


class Town:
    """A park whose tenants state 10 kg in 2024 and 20 kg in 2025 each."""

    def __init__(self, factory: Factory) -> None:
        self.factory, self.owner = factory, factory.enterprise("Owner")
        self.park = self.owner.park("Town")
        self.other = self.owner.park("Other")
        self.sites: dict[str, str] = {}
        self.firms: dict[str, Actor] = {}

    def tenant(
        self,
        name: str,
        start: str = "2024-01-01",
        end: str | None = None,
        *,
        small: bool = False,
        park: str | None = None,
        buys: str | None = None,
    ) -> str:
        """A member for some days; its product, which 5 kg of ``buys`` go into in 2024."""
        if name not in self.firms:
            firm = self.firms[name] = self.factory.enterprise(name)
            site = self.sites[name] = firm.site(f"{name} site")
            goods = firm.product(f"{name} goods")
            for year, kg in ((BASE, "10"), (LATER, "20")):
                inputs = [(buys, "0.5", "KGM")] if buys else []
                firm.recipe(goods, site, year=year, inputs=inputs,
                            emissions=[("CO2", "fossil", "1")])  # fmt: skip
                firm.production(goods, site, kg, year=year)
        else:
            goods = ""
        self.owner.membership(
            park or self.park, self.sites[name], start=start, end=end,
            consent_by=self.firms[name], small_aggregates=small,
            serial=self.factory.log.size(),
        )  # fmt: skip
        return goods

    def opens(self, name: str) -> None:
        self.firms[name].disclose("inventory", self.sites[name], to=self.owner)


@pytest.fixture
def town(factory: Factory) -> Town:
    return Town(factory)


def ask(client: FlaskClient, headers: Headers, town: Town, status: int = 200, **query: Any) -> Any:
    asked = {"base": BASE, "year": LATER, **query}
    address = f"/v1/parks/{town.park}/restatement"
    response = client.get(address, headers=headers, query_string=asked)
    assert response.status_code == status, response.get_data(as_text=True)
    return response.get_json(force=True)


def steps(body: Any) -> list[tuple[str, int, str, str]]:
    return [
        (each["why"], each["sites"], each["t2"]["value"], each["scope1"]["value"])
        for each in body["steps"]
    ]


def code_of(body: Any) -> str:
    return str(body["code"])


def test_an_auditor_sees_every_site_that_moved(
    client: FlaskClient, town: Town, as_role: AsRole
) -> None:
    """Ash stays (10 → 20), Elm leaves for the other park, Oak joins on 1 July 2025, for 184 of 365
    days of its 20 kg."""
    town.tenant("Ash")
    town.tenant("Elm", end="2025-01-01")
    town.tenant("Elm", "2025-01-01", park=town.other)
    town.tenant("Oak", "2025-07-01")
    body = ask(client, as_role("auditor"), town)
    assert (body["base"], body["year"], body["fenceOn"]) == (BASE, LATER, "2025-12-31")
    assert [each["name"] for each in body["fence"]] != []
    assert steps(body) == [
        ("left", 1, "-10", "-10"),
        ("joined", 1, "10", "10"),
        ("activity", 0, "20", "20"),
        ("days", 0, str(float(f"{-20 * 181 / 365:.12g}")), str(float(f"{-20 * 181 / 365:.12g}"))),
    ]
    left, joined = body["moved"]
    assert (left["site"]["name"], left["day"], left["t2"]["value"]) == (
        "Elm site", "2025-01-01", "-10",
    )  # fmt: skip
    assert [each["name"] for each in left["parks"]] == ["Other"]
    assert (joined["site"]["name"], joined["day"], joined["days"]) == (
        "Oak site",
        "2025-07-01",
        366,
    )
    assert body["baseAsItWas"]["t2"]["value"] == "20"
    assert body["yearRestated"]["scope1"]["value"] == "40"


def test_the_park_is_told_nothing_of_a_single_tenant_that_joined(
    client: FlaskClient, town: Town, as_role: AsRole
) -> None:
    for name in ("Ash", "Elm", "Fir"):
        town.tenant(name)
    town.tenant("Oak", "2025-01-01")
    body = ask(client, as_role("park", town.owner), town, 403)
    assert code_of(body) == "fewer-than-three-tenants"


def test_three_that_joined_in_one_year_are_one_sum(
    client: FlaskClient, town: Town, as_role: AsRole
) -> None:
    for name in ("Ash", "Elm", "Fir"):
        town.tenant(name)
    for name in ("Oak", "Yew", "Box"):
        town.tenant(name, "2025-01-01")
    body = ask(client, as_role("park", town.owner), town)
    assert steps(body)[0] == ("joined", 3, "30", "30")
    assert len(body["moved"]) == 3
    assert {each["t2"] for each in body["moved"]} == {None}
    assert {each["scope1"] for each in body["moved"]} == {None}


def test_three_that_joined_in_different_years_are_not(
    client: FlaskClient, town: Town, as_role: AsRole
) -> None:
    """The fence of the end of 2024 has one of them less: the difference would be that one."""
    for name in ("Ash", "Elm", "Fir"):
        town.tenant(name)
    town.tenant("Oak", "2024-12-01")
    for name in ("Yew", "Box"):
        town.tenant(name, "2025-01-01")
    body = ask(client, as_role("park", town.owner), town, 403)
    assert code_of(body) == "fewer-than-three-tenants"


def test_what_is_planned_for_later_years_counts_already(
    client: FlaskClient, town: Town, as_role: AsRole
) -> None:
    """One of four leaves in 2026: asked next year, its share would be the difference."""
    for name in ("Ash", "Elm", "Fir"):
        town.tenant(name)
    for name in ("Oak", "Yew", "Box"):
        town.tenant(name, "2025-01-01")
    town.tenant("Gum", "2025-01-01", "2026-03-01")
    assert code_of(ask(client, as_role("park", town.owner), town, 403)) == (
        "fewer-than-three-tenants"
    )


@pytest.mark.parametrize(("small", "opened", "status"), [
    (True, True, 200), (True, False, 403), (False, True, 403),
])  # fmt: skip
def test_one_that_agreed_and_opened_its_past_is_told(
    client: FlaskClient, town: Town, as_role: AsRole, small: bool, opened: bool, status: int
) -> None:
    """Days before it joined are covered by no consent: they are opened by a grant."""
    for name in ("Ash", "Elm", "Fir"):
        town.tenant(name, small=True)
    town.tenant("Oak", "2025-01-01", small=small)
    if opened:
        town.opens("Oak")
    body = ask(client, as_role("park", town.owner), town, status)
    if status == 200:
        assert (steps(body)[0], body["moved"][0]["t2"]["value"]) == (
            ("joined", 1, "10", "10"), "10",
        )  # fmt: skip


def test_a_tenant_that_draws_on_one_that_agreed_is_protected(
    client: FlaskClient, town: Town, as_role: AsRole
) -> None:
    """Oak agreed, but what Ash alone takes in of it is the difference of its two T2."""
    oak = town.tenant("Oak", "2025-01-01", small=True)
    town.opens("Oak")
    town.tenant("Ash", buys=oak)
    for name in ("Elm", "Fir"):
        town.tenant(name)
    body = ask(client, as_role("park", town.owner), town, 403)
    assert code_of(body) == "fewer-than-three-tenants"


def test_whoever_takes_a_site_over_agrees_to_nothing_for_the_one_before(
    client: FlaskClient, town: Town, as_role: AsRole
) -> None:
    """What was emitted in 2024 is Oak's, who never was a tenant; the Buyer's consent is its own."""
    for name in ("Ash", "Elm", "Fir"):
        town.tenant(name, small=True)
    town.tenant("Oak", park=town.other)
    oak, site = town.firms["Oak"], town.sites["Oak"]
    buyer = town.firms["Oak"] = town.factory.enterprise("Buyer")
    oak.transfer("site", site, buyer, start="2025-01-01")
    town.tenant("Oak", "2025-01-01", small=True)
    town.opens("Oak")
    assert code_of(ask(client, as_role("park", town.owner), town, 403)) == (
        "fewer-than-three-tenants"
    )
    handed = ask(client, as_role("auditor"), town)["handed"]
    assert [(each["giver"]["name"], each["day"]) for each in handed] == [("Oak", "2025-01-01")]


def test_it_is_for_the_park_and_auditors(client: FlaskClient, town: Town, as_role: AsRole) -> None:
    town.tenant("Ash", small=True)
    stranger = town.factory.enterprise("Stranger")
    town.owner.disclose("figure", town.park, to=stranger)
    for who in (as_role("supplier", stranger), as_role("supplier", town.firms["Ash"])):
        assert code_of(ask(client, who, town, 403)) == "not-disclosed"
    ask(client, as_role("park", town.owner), town)


def test_another_day_of_the_fence_is_for_auditors(
    client: FlaskClient, town: Town, as_role: AsRole
) -> None:
    town.tenant("Ash", small=True)
    day = {"fence_on": "2025-06-30"}
    assert code_of(ask(client, as_role("park", town.owner), town, 403, **day)) == (
        "day-not-disclosed"
    )
    assert ask(client, as_role("auditor"), town, **day)["fenceOn"] == "2025-06-30"
    refused = ask(client, as_role("auditor"), town, 422, fence_on="2024-06-30")
    assert code_of(refused) == "fence-outside-year"


def test_what_cannot_be_asked_is_refused(client: FlaskClient, town: Town, as_role: AsRole) -> None:
    town.tenant("Ash")
    auditor = as_role("auditor")
    assert code_of(ask(client, auditor, town, 422, base=LATER)) == "base-year-not-earlier"
    address = f"/v1/parks/{town.park}/restatement?year={LATER}"
    assert client.get(address, headers=auditor).status_code == 400


def test_the_terminal_draws_the_waterfall(
    factory: Factory, town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.tenant("Ash")
    town.tenant("Elm", end="2025-01-01")
    town.tenant("Oak", "2025-01-01")
    at = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    said = at.ok("restatement", "Town", "--base", BASE, "--year", LATER).out
    rows = {line.rsplit("  ", 1)[0].split("█")[0].strip(): line.split() for line in
            said.splitlines() if "█" in line}  # fmt: skip
    assert rows["2024 as it was"][-2:] == ["0.020", "0.020"]
    assert rows["left (1)"][-2:] == ["-0.010", "-0.010"]
    assert rows["joined (1)"][-2:] == ["+0.010", "+0.010"]
    assert rows["2025 restated"][-2:] == ["0.040", "0.040"]
    assert "Elm site left on 2025-01-01." in said
    document = at.ok("restatement", town.park, "--base", BASE, "--json").json
    assert document["baseRestated"]["t2"]["value"] == "20"
