"""The whole inventory down to net, over HTTP and in the terminal, for those who may know it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.keys.keyfile import write_secret
from ledger.statements import (
    Allocation,
    Certificate,
    Holdings,
    Inventory,
    Planner,
    Purchases,
    Removal,
    Share,
    Target,
)
from ledger.statements.plans import Milestone
from tests.api.conftest import AsRole, Headers
from tests.chain import Chain, build_chain
from tests.cli_world import terminal
from tests.factory import Actor, Factory, gas, year_of

pytestmark = pytest.mark.only_on("sqlite", "what follows is not about databases")


class Estate:
    """A park company and three tenants who agreed to no small aggregates.

    Each tenant emits 100, 200, 300 kg; nobody buys anything; tenant 1 has a sink of 40 kg.
    """

    def __init__(self, factory: Factory, client: FlaskClient, as_role: AsRole) -> None:
        self.factory, self.client, self.as_role = factory, client, as_role
        self.host = factory.enterprise("Host")
        self.park = self.host.park("Estate")
        self.tenants = [factory.enterprise(f"Tenant {k}") for k in (1, 2, 3)]
        self.sites: dict[str, str] = {}
        for k, firm in enumerate([self.host, *self.tenants]):
            self.join(firm, kg=100 * k, sinks=[40] if k == 1 else [])

    def join(self, firm: Actor, kg: int, sinks: list[int]) -> None:
        site = self.sites[firm.id] = firm.site(f"Site of {firm.name}")
        firm.say(
            Inventory(
                site=site,
                period=year_of(2025),
                emissions=(gas(("CO2", "fossil", str(kg))),),
                removals=tuple(
                    Removal(sink="natural", name="Grove", amount=Decimal(each)) for each in sinks
                ),
            )
        )
        self.buys_nothing(firm)
        self.host.membership(self.park, site, consent_by=firm)

    def buys_nothing(self, firm: Actor, without: tuple[int, ...] = tuple(range(1, 9))) -> None:
        body = Purchases(site=self.sites[firm.id], period=year_of(2025), inputs=(), without=without)
        head = self.factory.standing().find(body.natural_key(firm.id))
        firm.say(body, prev=head.digest if head else None)

    def certify(self, kind: str, kg: int, by: Actor | None = None) -> None:
        speaker = by or self.host
        where = {"park": self.park} if by is None else {"site": self.sites[by.id]}
        body = Certificate(
            kind=kind,
            registry="sinks.example",
            serial=f"{kind.upper()}-1",
            amount=Decimal(kg),
            unit="KGM",
            year=2025,
            **where,
        )
        speaker.say(body)

    def asks(self, headers: Headers, **query: Any) -> Any:
        asked = {"year": 2025, **query}
        response = self.client.get(
            f"/v1/parks/{self.park}/net", query_string=asked, headers=headers
        )
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.get_json()

    @property
    def auditor(self) -> Headers:
        return self.as_role("auditor")

    @property
    def company(self) -> Headers:
        return self.as_role("park", self.host)


@pytest.fixture
def estate(factory: Factory, client: FlaskClient, as_role: AsRole) -> Estate:
    return Estate(factory, client, as_role)


def grade(body: Any, name: str) -> Any:
    return next(each for each in body["status"]["grades"] if each["name"] == name)


def reasons(body: Any, name: str) -> list[str]:
    return [each["reason"] for each in grade(body, name)["obstacles"]]


def test_an_auditor_sees_the_way_from_gross_to_net(estate: Estate) -> None:
    estate.certify("removal", 40, by=estate.tenants[0])
    estate.certify("offset", 9000)
    body = estate.asks(estate.auditor)
    assert body["gross"]["operational"]["market"]["value"] == "600"
    assert body["ledgers"]["removals"]["verified"] == "40"
    assert body["net"]["operational"]["market"]["value"] == "560"
    assert body["ledgers"]["offsets"]["amount"] == "9000"
    assert body["scope2"]["gridKwh"] == "0"
    assert {each["status"] for each in body["scope3"]["byCategory"][:8]} == {"none"}
    assert body["status"]["name"] == "none"
    assert reasons(body, "operational-net-zero") == ["above-zero"]


def test_what_one_tenant_removed_is_shown_to_nobody_it_has_not_agreed_to(estate: Estate) -> None:
    """The sum over the park is the sink of tenant 1; so is the difference of gross and net. The
    park reads in the inventory that it is 40 kg: nothing unverified would tell that all of it is
    verified."""
    estate.certify("removal", 40, by=estate.tenants[0])
    body = estate.asks(estate.company)
    assert body["scope1"]["value"] == "600"
    removals = body["ledgers"]["removals"]
    assert (removals["verified"], removals["unverified"]) == (None, None)
    assert [(row["kg"], row["verifiedKg"], row["by"]) for row in removals["rows"]] == [
        ("40", None, None)
    ]
    assert body["net"]["operational"] == {"location": None, "market": None}
    assert reasons(body, "operational-net-zero") == ["not-shown"]


def test_nobody_reaches_net_zero_by_leaving_a_category_out(estate: Estate) -> None:
    """Sinks of 600 kg and more; every downstream category stated; then one category unsaid."""
    firm = estate.tenants[0]
    estate.join(estate.factory.enterprise("Forester"), kg=0, sinks=[700])
    estate.certify("removal", 700)
    estate.host.say(Holdings(enterprise=estate.park, period=year_of(2025), holdings=()))
    body = estate.asks(estate.auditor)
    assert body["net"]["full"]["market"]["value"] == "-100"
    assert body["status"]["name"] == "net-zero"
    estate.buys_nothing(firm, without=(1, 2, 3, 4, 5, 6, 8))
    body = estate.asks(estate.auditor)
    assert body["status"]["name"] == "operational-net-zero"
    assert body["net"]["full"]["market"]["value"] is None
    (commuting,) = [each for each in body["scope3"]["byCategory"] if each["category"] == 7]
    assert commuting["status"] == "not-stated"
    assert "Site of Tenant 1" in commuting["reasons"][0]
    assert reasons(body, "net-zero") == ["open", "categories"]
    assert "7." in grade(body, "net-zero")["obstacles"][1]["sentence"]


def test_a_site_inside_the_fence_that_is_no_member_blocks_every_status(estate: Estate) -> None:
    estate.certify("removal", 40)
    estate.factory.enterprise("Neighbour").site("Shed")
    assert "unfenced" in reasons(estate.asks(estate.auditor), "operational-net-zero")
    told = grade(estate.asks(estate.company), "operational-net-zero")["obstacles"]
    assert any("Shed" in each["sentence"] for each in told)


def test_near_zero_needs_a_declared_threshold_and_a_known_base_year(estate: Estate) -> None:
    assert "no-threshold" in reasons(estate.asks(estate.auditor), "near-zero")
    estate.host.say(
        Target(
            object=Planner(type="park", id=estate.park),
            serial=1,
            name="A tenth",
            ambition="full",
            base_year=2024,
            milestones=(Milestone(year=2030, reduction=Decimal(90)),),
            near_zero=Decimal(10),
        )
    )
    body = estate.asks(estate.auditor)
    assert "base-unknown" in reasons(body, "near-zero")
    assert "2024" in str(grade(body, "near-zero")["obstacles"])


def test_tenants_carry_what_shared_sites_do_for_them_and_the_sum_stays(estate: Estate) -> None:
    """Tenant 3 (300 kg) works for 1 and 2: a quarter falls on 1, the rest on 2."""
    one, two, three = (estate.sites[firm.id] for firm in estate.tenants)
    estate.tenants[2].say(
        Allocation(
            site=three,
            period=year_of(2025),
            service="waste water",
            key="Metered volume.",
            shares=(
                Share(site=one, share=Decimal("0.25")),
                Share(site=two, share=Decimal("0.75")),
            ),
        )
    )
    body = estate.asks(estate.auditor)
    rows = {each["enterprise"]["name"]: each for each in body["byTenant"]}
    told = {name: row["scope1WithShared"]["value"] for name, row in rows.items()}
    assert told == {"Host": "0", "Tenant 1": "175", "Tenant 2": "425", "Tenant 3": "0"}
    assert rows["Tenant 3"]["allocated"]["value"] == "-300"
    assert body["scope1"]["value"] == "600"


def test_strangers_and_anonymous_callers_read_nothing(estate: Estate) -> None:
    address = f"/v1/parks/{estate.park}/net?year=2025"
    stranger = estate.as_role("supplier", estate.factory.enterprise("Stranger"))
    assert estate.client.get(address, headers=stranger).get_json()["code"] == "not-disclosed"
    assert estate.client.get(address).status_code == 401


def test_the_tag_changes_with_a_certificate(estate: Estate) -> None:
    address, headers = f"/v1/parks/{estate.park}/net?year=2025", estate.auditor

    def tag() -> str:
        return str(estate.client.get(address, headers=headers).headers["ETag"])

    before = tag()
    assert tag() == before
    estate.certify("offset", 1)
    assert tag() != before


def test_an_enterprise_reads_its_own(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    chain: Chain = build_chain(factory)
    chain.disclose_all()
    firm = chain.firms["P1"]
    response = client.get(
        f"/v1/enterprises/{firm.id}/net?year=2025", headers=as_role("supplier", firm)
    )
    body = response.get_json()
    assert response.status_code == 200
    assert body["enterprise"]["id"] == firm.id
    assert body["net"]["operational"]["location"]["value"] == "240"  # 200 + 50 · 0.8
    assert "byTenant" not in body


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Operational net", "Status: no status", "✗ operational net zero"]),
        ("zh", ["运营净排放", "状态"]),
    ],
)
def test_the_terminal_shows_the_way_to_net_and_the_status(
    estate: Estate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    words: list[str],
) -> None:
    at = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", estate.factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", estate.factory.url)
    shown = at.ok("--lang", language, "park", "Estate", "--year", 2025).out
    for each in words:
        assert each in shown
