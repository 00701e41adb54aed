"""Carbon accounts over HTTP and in the terminal, as far as each caller may read them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.cli.account import Step, floating
from api.keys.keyfile import write_secret
from ledger.statements import Allocation, Share
from tests.api.conftest import AsRole, Headers
from tests.audited import figure_of
from tests.chain import YEAR, build_chain
from tests.cli_world import Terminal, terminal
from tests.factory import Actor, Factory, line, year_of
from tests.mill import FIRST, ON_PAPER, SECOND, Mill, build_mill

pytestmark = pytest.mark.only_on("sqlite", "accounts are not about databases")


@pytest.fixture
def mill(factory: Factory) -> Mill:
    return build_mill(factory)


@pytest.fixture
def auditor(as_role: AsRole) -> Headers:
    return as_role("auditor")


def address(of: str, kind: str = "enterprises", **query: object) -> str:
    asked = "&".join(f"{name}={value}" for name, value in {"year": SECOND, **query}.items())
    return f"/v1/{kind}/{of}/account?{asked}"


def get(client: FlaskClient, at: str, headers: Headers) -> Any:
    response = client.get(at, headers=headers)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def refused(client: FlaskClient, at: str, headers: Headers) -> str:
    response = client.get(at, headers=headers)
    assert response.status_code >= 400
    return str(response.get_json()["code"])


def moved(movements: list[dict[str, Any]]) -> dict[str, float]:
    return {each["cause"]: float(each["value"] or each["atLeast"]) for each in movements}


# --- What is told ------------------------------------------------------------------------------


def test_the_enterprise_reads_every_movement_with_what_is_behind_it(
    client: FlaskClient, mill: Mill, as_role: AsRole
) -> None:
    mill.disclose_all()
    body = get(client, address(mill.firm.id), as_role("supplier", mill.firm))
    ends = body["account"]
    assert [ends[end]["value"] for end in ("opening", "restated", "closing")] == [
        "3450",
        "3550",
        "3520",
    ]
    assert moved(body["movements"]) == pytest.approx(ON_PAPER)
    supplier = next(each for each in body["movements"] if each["cause"] == "supplier")
    told = [(i["product"]["name"], i["enterprise"]["name"], i["value"]) for i in supplier["items"]]
    assert told == [("Steel A", "Steel A Co", "-80"), ("Steel B", "Steel B Co", "40")]
    assert body["from"] == FIRST
    assert body["published"]["index"] == mill.published.index
    assert body["outputValue"]["after"]["unit"] == "CNY:2025:basic"
    assert body["outputValue"]["after"]["perUnit"] == "0.293333333333"


def test_each_scope_adds_up_by_itself(client: FlaskClient, mill: Mill, auditor: Headers) -> None:
    scopes = get(client, address(mill.firm.id), auditor)["scopes"]
    assert moved(scopes["scope1"]["movements"]) == pytest.approx(
        {"restatement": 100, "activity": 200}
    )
    assert moved(scopes["scope2"]["movements"]) == pytest.approx(
        {"restatement": 0, "activity": -55, "factor": -95}
    )
    # The factor of a grid says nothing of fuel and losses: Scope 3 is open, and so are its values.
    assert scopes["scope3"]["closing"] == {"atLeast": "370", "filled": None, "value": None}


def test_advice_tells_what_a_tenth_less_does(
    client: FlaskClient, mill: Mill, auditor: Headers
) -> None:
    body = get(client, address(mill.firm.id), auditor)
    told = [(each["less"], each["of"], each["t2"]["value"]) for each in body["advice"]]
    # Scope 1 2700, power 450, copper 180, steel of A 120, steel of B 40.
    assert told == [
        ("emitted", None, "-270"),
        ("energy", "electricity", "-45"),
        ("use", None, "-18"),
        ("use", "urn:cpc:41211", "-12"),
        ("use", "urn:cpc:41211", "-4"),
    ]
    assert body["less"] == "0.1"


def test_years_in_the_wrong_order_are_refused(
    client: FlaskClient, mill: Mill, auditor: Headers
) -> None:
    at = address(mill.firm.id, **{"from": SECOND})
    assert refused(client, at, auditor) == "years-reversed"
    assert refused(client, address(mill.firm.id, **{"from": FIRST - 4}), auditor) == (
        "no-data-for-year"
    )


def test_the_answer_is_kept_until_something_it_rests_on_is_said(
    client: FlaskClient, mill: Mill, auditor: Headers
) -> None:
    tag = client.get(address(mill.firm.id), headers=auditor).headers["ETag"]
    again = {**auditor, "If-None-Match": tag}
    mill.f.enterprise("Somebody")
    assert client.get(address(mill.firm.id), headers=again).status_code == 304
    mill.firm.say(figure_of(mill.f.log, "enterprise", mill.firm.id, FIRST))
    assert client.get(address(mill.firm.id), headers=again).status_code == 200


def test_no_copy_outlives_the_figure_that_the_opening_was_taken_from(
    client: FlaskClient, mill: Mill, auditor: Headers
) -> None:
    at = address(mill.firm.id)
    again = {**auditor, "If-None-Match": client.get(at, headers=auditor).headers["ETag"]}
    withdrawn = mill.firm.withdraw(mill.published)
    response = client.get(at, headers=again)
    assert (response.status_code, response.get_json()["asOf"]) == (200, withdrawn.index)


def test_no_copy_outlives_what_its_advice_says_of_a_park(
    client: FlaskClient, mill: Mill, auditor: Headers
) -> None:
    """The tenant next door emits more: that is of the park's year, not of the mill's own."""
    neighbour, manager = mill.f.enterprise("Neighbour"), mill.f.enterprise("Manager")
    park, site = manager.park(), neighbour.site()
    for actor, each in ((mill.firm, mill.site), (neighbour, site)):
        manager.membership(park, each, consent_by=actor)
    at = address(mill.firm.id)
    again = {**auditor, "If-None-Match": client.get(at, headers=auditor).headers["ETag"]}
    stated = neighbour.inventory(site, [("CO2", "fossil", "7")], year=SECOND)
    response = client.get(at, headers=again)
    assert (response.status_code, response.get_json()["asOf"]) == (200, stated.index)


# --- To whom -----------------------------------------------------------------------------------


def test_an_account_is_for_whoever_it_is_of_and_for_auditors(
    client: FlaskClient, mill: Mill, as_role: AsRole
) -> None:
    mill.disclose_all()
    seller = mill.sellers["Copper"]
    at = address(mill.firm.id)
    assert client.get(at).status_code == 401
    assert refused(client, at, as_role("supplier", seller)) == "not-disclosed"
    # Whoever may read the figure may not read why it moved.
    mill.firm.disclose("figure", mill.firm.id, to=seller)
    figure = f"/v1/enterprises/{mill.firm.id}/inventory?year={SECOND}"
    get(client, figure, as_role("supplier", seller))
    assert refused(client, at, as_role("supplier", seller)) == "not-disclosed"


def test_undisclosed_suppliers_are_refused_unless_they_are_three(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    buyer, _ = _buyer_of(factory, hidden=2)
    assert refused(client, address(buyer.id), as_role("supplier", buyer)) == "fewer-than-three"


def test_three_undisclosed_suppliers_are_one_movement_and_nothing_else(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    """Each of three hidden ones goes from 10 to 20 kg at 1, 2 and 3: 60 more. Open: 10 to 12 at 5.

    Own emissions stay. Of the hidden ones nothing is told but that sum: no cause, no scope, no
    lever, no item, and no item of what was restated.
    """
    buyer, opened = _buyer_of(factory, hidden=3)
    body = get(client, address(buyer.id), as_role("supplier", buyer))
    assert moved(body["movements"]) == pytest.approx(
        {"restatement": 0, "activity": 10, "undisclosed": 60}
    )
    items = [item for each in body["movements"] for item in each["items"]]
    assert [item["product"]["id"] for item in items] == [opened]
    assert (body["scopes"]["scope2"], body["scopes"]["scope3"]) == (None, None)
    levers = [(each["less"], each["product"] and each["product"]["id"]) for each in body["advice"]]
    assert levers == [("emitted", None), ("use", opened)]
    whole = get(client, address(buyer.id), as_role("auditor"))
    assert moved(whole["movements"]) == pytest.approx({"restatement": 0, "activity": 70})


def test_an_account_of_an_earlier_position_is_refused_where_something_is_undisclosed(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    buyer, _ = _buyer_of(factory, hidden=3)
    at = address(buyer.id, at=factory.log.size() - 1)
    assert refused(client, at, as_role("supplier", buyer)) == "earlier-position-not-disclosed"
    assert client.get(at, headers=as_role("auditor")).status_code == 200


def _buyer_of(f: Factory, hidden: int) -> tuple[Actor, str]:
    """An enterprise that buys from suppliers that hide their footprints, and of one that does
    not, and has published its first year."""
    buyer = f.enterprise("Buyer")
    site = buyer.site("Works")
    parts = []
    for k in range(hidden):
        supplier = f.enterprise(f"Supplier {k}")
        parts.append(supplier.product(f"Part {k}"))
        for year in (FIRST, SECOND):
            supplier.footprint(parts[-1], str(k + 1), year=year)
    open_one = f.enterprise("Open")
    opened = open_one.product("Open part")
    open_one.disclose("footprint", opened, to=buyer)
    for year, amount, more in ((FIRST, "10", "10"), (SECOND, "20", "12")):
        open_one.footprint(opened, "5", year=year)
        lines = [(part, amount, "KGM") for part in parts] + [(opened, more, "KGM")]
        buyer.purchases(site, lines, year=year)
        buyer.inventory(site, [("CO2", "fossil", "100")], year=year)
    buyer.say(figure_of(f.log, "enterprise", buyer.id, FIRST))
    return buyer, opened


# --- Parks -------------------------------------------------------------------------------------


def test_a_park_reads_its_account_where_its_tenants_have_agreed(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    manager, park, tenant = _park(factory, agreed=True)
    body = get(client, address(park, "parks"), as_role("park", manager))
    assert moved(body["movements"]) == pytest.approx({"restatement": 0, "activity": 20})
    assert body["park"]["name"] == "Fence"
    assert refused(client, address(park, "parks"), as_role("supplier", tenant)) == "not-disclosed"


def test_a_park_whose_tenants_have_not_agreed_has_no_account_for_it(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    manager, park, _ = _park(factory, agreed=False)
    code = refused(client, address(park, "parks"), as_role("park", manager))
    assert code in ("not-disclosed", "fewer-than-three-tenants")
    assert client.get(address(park, "parks"), headers=as_role("auditor")).status_code == 200


@pytest.mark.parametrize("suppliers", [2, 3])
def test_what_tenants_buy_of_undisclosed_suppliers_is_one_movement_of_three_or_refused(
    client: FlaskClient, factory: Factory, as_role: AsRole, suppliers: int
) -> None:
    """The tenant buys 1 kg, then 2, of each of three at 1, 2 and 3: 6 more."""
    manager, park, tenant = _park(factory, agreed=True)
    (site,) = factory.standing().sites
    sold = [factory.enterprise(f"Supplier {k}") for k in range(suppliers)]
    parts = [each.product(f"Part of {each.name}") for each in sold]
    for year, amount in ((FIRST, "1"), (SECOND, "2")):
        for k, (each, part) in enumerate(zip(sold, parts, strict=True)):
            each.footprint(part, str(k + 1), year=year)
        said = next(
            each
            for each in factory.standing().about("purchases", site)
            if each.statement.body.period.year == year  # type: ignore[attr-defined]  # purchases
        )
        lines = tuple(line((part, amount, "KGM")) for part in parts)
        tenant.say(replace(said.statement.body, inputs=lines), prev=said.digest)  # type: ignore[type-var]  # a dataclass
    at, headers = address(park, "parks"), as_role("park", manager)
    if suppliers < 3:
        assert refused(client, at, headers) == "fewer-than-three"
        return
    told = moved(get(client, at, headers)["movements"])
    assert told == pytest.approx({"restatement": 0, "activity": 20, "undisclosed": 6})


def _park(f: Factory, agreed: bool) -> tuple[Actor, str, Actor]:
    manager, tenant = f.enterprise("Manager"), f.enterprise("Tenant")
    park, site = manager.park("Fence"), tenant.site("Works")
    manager.membership(park, site, consent_by=tenant, small_aggregates=agreed, start="2024-01-01")
    for year, kg in ((FIRST, "100"), (SECOND, "120")):
        tenant.inventory(site, [("CO2", "fossil", kg)], year=year)
        tenant.purchases(site, year=year)
    return manager, park, tenant


def test_what_a_lever_does_to_the_park_is_told_to_those_who_may_read_its_figure(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    chain = build_chain(factory, tenants_books=True)
    chain.disclose_all()
    firm, site = chain.firms["P1"], chain.sites["P1"]
    firm.inventory(site, [("CO2", "fossil", "190")], year=YEAR - 1)
    firm.purchases(site, year=YEAR - 1)

    def told() -> dict[str, str | None]:
        body = get(client, address(firm.id), as_role("supplier", firm))
        effects = {each["of"] or each["less"]: each["parks"][0]["t2"] for each in body["advice"]}
        return {of: kg and kg["atLeast"] for of, kg in effects.items()}

    closed = told()
    assert (closed["emitted"], closed["electricity"]) == ("-20", None)
    chain.manager.disclose("figure", chain.park, to=firm)
    assert (told()["emitted"], told()["electricity"]) == ("-20", "-4")


def test_what_shared_infrastructure_gives_stands_beside_the_closing(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    """A boiler house emits 100 for two tenants, 60 and 40 of each hundred."""
    host, tenant = factory.enterprise("Host"), factory.enterprise("Tenant")
    boiler, works, other = host.site("Boiler"), tenant.site("Works"), host.site("Other")
    for year in (FIRST, SECOND):
        for firm, site, kg in ((host, boiler, "100"), (tenant, works, "10"), (host, other, "0")):
            firm.inventory(site, [("CO2", "fossil", kg)], year=year)
            firm.purchases(site, year=year)
    park = host.park()
    for firm, site in ((host, boiler), (tenant, works), (host, other)):
        host.membership(park, site, consent_by=firm)
    host.say(_allocation(boiler, {works: "0.6", other: "0.4"}))
    given = get(client, address(host.id), as_role("supplier", host))["allocated"]
    assert (given["given"]["value"], given["taken"]["value"]) == ("100", "40")
    # What it takes would tell the tenant what the boiler house emits.
    taken = get(client, address(tenant.id), as_role("supplier", tenant))["allocated"]
    assert (taken["given"]["value"], taken["taken"]) == ("0", None)
    told = get(client, address(tenant.id), as_role("auditor"))["allocated"]
    assert told["taken"]["value"] == "60"
    host.disclose("inventory", boiler, to=tenant)
    taken = get(client, address(tenant.id), as_role("supplier", tenant))["allocated"]
    assert taken["taken"]["value"] == "60"


def _allocation(site: str, shares: dict[str, str]) -> Allocation:
    recipients = tuple(Share(site=to, share=Decimal(share)) for to, share in shares.items())
    return Allocation(
        site=site, period=year_of(SECOND), service="steam", key="metered", shares=recipients
    )


# --- In the terminal ---------------------------------------------------------------------------


@pytest.fixture
def at(factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    return made


def test_the_terminal_draws_the_waterfall_with_what_is_behind_it(at: Terminal, mill: Mill) -> None:
    said = at.ok("account", "Mill", "--year", SECOND, "--from", FIRST).out
    rows = [line.split() for line in said.splitlines() if line.strip()]
    assert ["Opening", "2024"] in [row[:2] for row in rows]
    assert [row[-1] for row in rows if row[:1] == ["Opening"]] == ["3.45"]
    assert [row[-1] for row in rows if row[:1] == ["Closing"]] == ["3.52"]
    assert any(row[:2] == ["Other", "suppliers"] and row[-1] == "-0.04" for row in rows)
    assert "Steel B (Steel B Co)" in said
    assert "natural-gas (Mill site)" in said
    assert any(row[-2:] == ["electricity", "-0.045"] for row in rows)
    assert any(" ".join(row[:-1]) == "direct emissions (Mill site)" for row in rows)
    assert at.ok("account", mill.firm.id, "--json").json["account"]["closing"]["value"] == "3520"
    assert at.run("account", "Nobody").code == 1


def test_the_terminal_tells_what_advice_does_to_the_park(at: Terminal, factory: Factory) -> None:
    """P2 is made inside: −1.98 kg for P1, nothing for the park."""
    chain = build_chain(factory, tenants_books=True)
    chain.firms["P1"].inventory(chain.sites["P1"], year=FIRST)
    chain.firms["P1"].purchases(chain.sites["P1"], year=FIRST)
    said = at.ok("account", "P1 Works").out
    rows = [line.split() for line in said.splitlines() if line.strip()]
    assert ["P2", "(P2", "Works)", "-0.002", "0.000"] in rows
    assert "made within a park counts there" in said
    # How much P1 was made in 2024 nobody said: that is unknown, not nothing.
    assert any(row[:2] == ["P1", "2024"] and row[-3:] == ["?", "?", "?"] for row in rows)


def test_bars_float_from_one_level_to_the_next_and_say_where_they_are_cut() -> None:
    opening, less, more, closing = floating(
        [Step(0, 100, is_total=True), Step(100, 90), Step(90, 95), Step(0, 95, is_total=True)]
    )
    # From 90 − ¼ · 10 = 87.5 to 100: of 25 characters, two for each kg.
    assert opening.low == pytest.approx(87.5)
    assert opening.drawn(26)[0][0] == "╱" + "█" * 24
    assert less.drawn(26) == ((" " * 5, ""), ("█" * 20, "green"))
    assert more.drawn(26) == ((" " * 5, ""), ("█" * 10, "red"))
    assert closing.drawn(26)[0][0] == "╱" + "█" * 14
    whole = floating([Step(0, 10, is_total=True), Step(10, 0), Step(0, 0, is_total=True)])
    assert whole[0].drawn(11)[0][0] == "█" * 10
