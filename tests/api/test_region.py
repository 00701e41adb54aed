"""Regions over HTTP and in the terminal: the union, the sum beside it, and who may read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.keys.keyfile import write_secret
from tests.api.conftest import AsRole, Headers
from tests.chain import Chain, build_chain
from tests.cli_world import terminal
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "access and words are not about the database")


@pytest.fixture
def chain(factory: Factory) -> Chain:
    """The worked example, its assembler in a park of its own."""
    made = build_chain(factory)
    second = made.manager.park("Second Park")
    made.manager.membership(
        second, made.sites["T4"], consent_by=made.firms["T4"], small_aggregates=True
    )
    made.sites["second park"] = second
    return made


def ask(client: FlaskClient, headers: Headers, **members: str) -> tuple[int, Any]:
    query = "&".join(f"{name.rstrip('0123456789')}={each}" for name, each in members.items())
    response = client.get(f"/v1/region?year=2025&{query}", headers=headers)
    return response.status_code, response.get_json(force=True)


def test_two_parks_are_one_boundary_beside_their_sum(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    """290 + 64 = 354; the parks alone have 330 and 121.636363636364."""
    for who in (as_role("auditor"), as_role("park", chain.manager)):
        status, body = ask(client, who, park1=chain.park, park2=chain.sites["second park"])
        assert status == 200
        assert body["bridge"]["t2"]["value"] == "354"
        assert float(body["sumOfMembers"]["value"]) == pytest.approx(330 + 121.636363636364)
        assert float(body["difference"]["value"]) == pytest.approx(97.636363636364)
        assert [each["name"] for each in body["members"]] == ["Example Park", "Second Park"]
        assert body["overlap"] == []
        assert "must not be added up" in body["warning"]
        assert body["scope2"]["location"]["value"] == "64"


def test_a_site_in_two_members_is_counted_once_and_named(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    firm = chain.firms["P1"].id
    status, body = ask(client, as_role("auditor"), park=chain.park, enterprise=firm)
    assert (status, body["bridge"]["t2"]["value"]) == (200, "330")
    assert body["sumOfMembers"]["value"] == "627"
    assert [each["name"] for each in body["overlap"]] == ["P1 site"]


def test_a_region_with_an_enterprise_is_for_auditors(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    firm = chain.firms["P1"]
    firm.disclose("figure", firm.id)
    chain.disclose_all()
    manager = as_role("park", chain.manager)
    status, body = ask(client, manager, park=chain.park, enterprise=firm.id)
    assert (status, body["type"].rpartition("/")[2]) == (403, "region-for-auditors")


def test_a_region_is_closed_where_one_of_its_members_is(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    stranger = as_role("supplier", chain.firms["E3"])
    status, body = ask(client, stranger, park=chain.park)
    assert (status, body["type"].rpartition("/")[2]) == (403, "not-disclosed")


def test_a_region_has_members_and_no_unknown_parameters(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    headers = as_role("auditor")
    assert client.get("/v1/region", headers=headers).status_code == 400
    address = f"/v1/region?park={chain.park}&yaer=2025"
    assert client.get(address, headers=headers).status_code == 400
    twice = f"/v1/region?park={chain.park}&year=2025&year=2024"
    assert client.get(twice, headers=headers).status_code == 400


def lay(chain: Chain, **divisions: str) -> None:
    """State the divisions of sites."""
    for name, division in divisions.items():
        said = chain.factory.standing().sites[chain.sites[name]]
        body = replace(said.statement.body, division=division)
        chain.firms[name].say(body, prev=said.digest)


def test_a_province_is_its_sites_and_says_how_many_may_be_left_out(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    """Suzhou is the park, Nanjing the second one; of the power station nobody knows."""
    lay(chain, P1="320505", P2="320506", T4="320102")
    auditor = as_role("auditor")
    for code in ("32", "320000"):
        status, body = ask(client, auditor, division=code)
        assert (status, body["bridge"]["t2"]["value"], body["undecided"]) == (200, "354", 1)
    status, body = ask(client, auditor, division1="3205", division2="3201")
    assert (body["bridge"]["t2"]["value"], body["undecided"]) == ("354", 1)
    assert float(body["sumOfMembers"]["value"]) == pytest.approx(330 + 121.636363636364)
    assert [(each["kind"], each["id"]) for each in body["members"]] == [
        ("division", "3205"),
        ("division", "3201"),
    ]


def test_a_division_mixes_with_parks_and_enterprises(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    lay(chain, P1="320505", P2="320506", T4="320102")
    mixed = {"division": "3205", "park": chain.park, "enterprise": chain.firms["T4"].id}
    status, body = ask(client, as_role("auditor"), **mixed)
    assert (status, body["bridge"]["t2"]["value"]) == (200, "354")
    assert {each["name"] for each in body["overlap"]} == {"P1 site", "P2 site"}


def test_a_division_is_for_auditors_and_has_sites(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    lay(chain, P1="320505")
    for who in (as_role("park", chain.manager), as_role("supplier", chain.firms["P1"])):
        for code in ("32", "44"):  # whether there is anything is not told either
            status, body = ask(client, who, division=code)
            assert (status, code_of(body)) == (403, "region-for-auditors")
    status, body = ask(client, as_role("auditor"), division="44")
    assert (status, code_of(body)) == (404, "no-site-in-division")
    for wrong in ("3", "325", "02", "32050", "3205055", "Jiangsu", "３２"):
        assert ask(client, as_role("auditor"), division=wrong)[0] == 400


def test_what_is_wrong_with_one_of_several_is_told_in_words(
    client: FlaskClient, as_role: AsRole
) -> None:
    status, body = ask(
        client, as_role("auditor"), division1="3", division2="32", division3="４４", park="x"
    )
    assert (status, code_of(body)) == (400, "parameters-refused")
    assert sorted((each["where"], each["detail"]) for each in body["problems"]) == [
        ("?division", "Two, four or six digits are expected (GB/T 2260)."),
        ("?park", "A UUID in lower case with hyphens is expected."),
    ]


def test_a_division_where_all_lie_elsewhere_is_told_as_one(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    lay(chain, **dict.fromkeys(chain.firms.keys() & chain.sites.keys(), "320505"))
    _, body = ask(client, as_role("auditor"), division="44")
    assert body["detail"].endswith("sites that may lie there and do not say it: 0.")


class Parks:
    """Parks of one enterprise, and tenants that have not agreed to small aggregates."""

    def __init__(self, factory: Factory) -> None:
        self.factory, self.owner = factory, factory.enterprise("Owner")
        self.parks: dict[str, str] = {}

    def tenant(self, name: str, *parks: str, buys: tuple[str, ...] = ()) -> str:
        """A tenant with a site in each of ``parks``, in turn; its product."""
        firm = self.factory.enterprise(name)
        site, product = firm.site(f"{name} site"), firm.product(f"{name} product")
        firm.recipe(product, site, emissions=[("CO2", "fossil", "1")],
                    inputs=[(each, "1", "KGM") for each in buys])  # fmt: skip
        firm.production(product, site, "10")
        for park, start, end in zip(
            parks, ("2025-01-01", "2025-07-01"), ("2025-07-01", None), strict=False
        ):
            self.joins(park, firm, site, start if len(parks) > 1 else "2025-01-01",
                       end if len(parks) > 1 else None)  # fmt: skip
        return product

    def joins(self, park: str, firm: Actor, site: str, start: str, end: str | None) -> None:
        if park not in self.parks:
            self.parks[park] = self.owner.park(park)
        self.owner.membership(
            self.parks[park], site, start=start, end=end, consent_by=firm, small_aggregates=False
        )


@pytest.fixture
def parks(factory: Factory) -> Parks:
    return Parks(factory)


def code_of(body: Any) -> str:
    return str(body.get("type", "")).rpartition("/")[2]


def test_of_protected_tenants_the_totals_are_told_and_nothing_finer(
    client: FlaskClient, parks: Parks, as_role: AsRole
) -> None:
    for k in range(3):
        parks.tenant(f"west {k}", "West")
        parks.tenant(f"east {k}", "East")
    west, east = parks.parks.values()
    status, body = ask(client, as_role("park", parks.owner), park1=west, park2=east)
    assert (status, body["bridge"]["t2"]["value"]) == (200, "60")
    assert body["scope3"]["upstream"] is None
    assert (body["rungs"], body["origins"], body["byGas"]["scope1"]) == (None, None, [])


@pytest.mark.parametrize(("traders", "status"), [(1, 403), (2, 403), (3, 200)])
def test_the_difference_does_not_tell_what_one_tenant_buys_of_another_park(
    client: FlaskClient, parks: Parks, as_role: AsRole, traders: int, status: int
) -> None:
    made = [parks.tenant(f"west {k}", "West") for k in range(3)]
    for k in range(3):
        parks.tenant(f"east {k}", "East", buys=tuple(made) if k < traders else ())
    west, east = parks.parks.values()
    got, body = ask(client, as_role("park", parks.owner), park1=west, park2=east)
    assert got == status
    assert status == 200 or code_of(body) == "fewer-than-three-tenants"


def test_the_difference_does_not_tell_what_one_tenant_sells_to_another_park(
    client: FlaskClient, parks: Parks, as_role: AsRole
) -> None:
    made = [parks.tenant(f"west {k}", "West") for k in range(3)]
    for k in range(3):
        parks.tenant(f"east {k}", "East", buys=(made[0],))
    west, east = parks.parks.values()
    status, body = ask(client, as_role("park", parks.owner), park1=west, park2=east)
    assert (status, code_of(body)) == (403, "fewer-than-three-tenants")


def test_the_terminal_shows_the_region_beside_the_sum(
    factory: Factory, chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    said = at.ok("region", "Example Park", "t4 works", "--year", 2025).out
    rows = [line.split() for line in said.splitlines()]
    assert ["The", "members", "added", "up", "0.452"] in rows
    assert ["The", "region", "(T2)", "0.354"] in rows
    assert "must not be added up" in said
    by_id = at.ok("region", chain.park, chain.firms["T4"].id, "--year", 2025, "--json").json
    assert by_id["bridge"]["t2"]["value"] == "354"
    assert at.run("region", "Nowhere").code == 1
    assert at.run("region").code == 2
    lay(chain, P1="320505", T4="320102")
    city = at.ok("region", "Example Park", "--division", "3205", "--year", 2025).out
    assert "Sites that may lie there and do not say so: 1." in city
    assert "Counted once: P1 site." in city
