"""The quality of figures over HTTP and in the terminal, as far as each caller may read it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.keys.keyfile import write_secret
from ledger.statements import DataQuality
from tests.api.conftest import AsRole, Headers
from tests.chain import Chain, build_chain
from tests.cli_world import Terminal, terminal
from tests.factory import Actor, Factory
from tests.graph.told import say_all, tell, verifier_of

pytestmark = pytest.mark.only_on("sqlite", "the quality of figures is not about databases")


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


@pytest.fixture
def auditor(as_role: AsRole) -> Headers:
    return as_role("auditor")


def get(client: FlaskClient, address: str, headers: Headers) -> Any:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def test_a_product_tells_how_good_its_data_are(
    client: FlaskClient, chain: Chain, auditor: Headers
) -> None:
    say_all(chain, "primary_share", {"P1": 100, "P2": 100, "E3": 0, "T4": 50})
    verifier_of(chain.factory).attest(chain.recipes["P1"])
    body = get(client, f"/v1/products/{chain.products['P1']}/quality?year=2025", auditor)
    # 2.5 + 0.3125 + 0 + 0.5·0.25 of 3.7125 kg; P1 itself emits 2.5 of them.
    share = "0.791245791246"
    assert body["primaryDataShare"] == {"value": share, "ofTold": share, "told": "1"}
    assert body["ratings"]["time"] == {"value": None, "ofTold": None, "told": "0"}
    assert body["verified"] == {"limited": "0.673400673401", "reasonable": "0"}
    assert body["rungs"] == [{"rung": "computed", "share": "1"}]
    assert body["age"]["value"] == body["oldest"]
    assert body["uncertainty"]["byDefault"] == "1"
    assert body["amount"]["value"] == "3.7125"
    lower, upper = (float(body["uncertainty"][bound]) for bound in ("lower", "upper"))
    assert lower < 3.7125 < upper
    assert body["asOf"] == chain.factory.log.size() - 1


def test_a_park_tells_of_its_halves(client: FlaskClient, chain: Chain, as_role: AsRole) -> None:
    say_all(chain, "primary_share", {"P1": 100, "P2": 50, "E3": 0, "T4": 100})
    park = as_role("park", chain.manager)
    body = get(client, f"/v1/parks/{chain.park}/quality?year=2025", park)
    assert body["scope1"]["primaryDataShare"]["value"] == "0.9"
    assert body["upstream"]["primaryDataShare"]["value"] == "0.25"
    assert body["t2"]["amount"]["value"] == "330"
    firm = chain.firms["P1"]
    own = get(client, f"/v1/enterprises/{firm.id}/quality?year=2025", as_role("auditor"))
    assert own["t2"]["amount"]["value"] == "297"


def test_what_counts_as_unknown_is_told_to_its_owner_alone(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    tell(chain, "E3", primary_share="0.6")
    address = f"/v1/products/{chain.products['E3']}/quality"
    own = get(client, address, as_role("supplier", chain.firms["E3"]))
    assert [row["rule"] for row in own["findings"]] == ["primary-data-share"]
    chain.firms["E3"].disclose("footprint", chain.products["E3"], to=chain.firms["P1"])
    reader = get(client, address, as_role("supplier", chain.firms["P1"]))
    assert reader["findings"] == []
    assert reader["primaryDataShare"]["told"] == "0"


def test_a_figure_that_is_not_disclosed_tells_nothing_of_its_quality(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    stranger = as_role("supplier", chain.firms["P2"])
    for address in (f"products/{chain.products['E3']}", f"parks/{chain.park}"):
        assert client.get(f"/v1/{address}/quality", headers=stranger).status_code == 403


def test_a_share_that_one_undisclosed_supplier_has_is_not_shown(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    buyer, product = _buyer_of(factory, ["100", None, None])
    body = get(client, f"/v1/products/{product}/quality", as_role("supplier", buyer))
    assert body["primaryDataShare"] is None
    assert body["ratings"]["technology"]["told"] == "0"
    assert (body["oldest"], body["uncertainty"]["byDefault"]) == (None, None)
    assert body["age"]["told"] == "1"


def test_a_share_that_three_undisclosed_suppliers_have_is_shown(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    buyer, product = _buyer_of(factory, ["100", "100", "100"])
    body = get(client, f"/v1/products/{product}/quality", as_role("supplier", buyer))
    assert body["primaryDataShare"]["value"] == "1"


def test_who_has_all_primary_data_and_who_has_some_is_not_told_apart(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    # Everybody has some: but what is not primary is one supplier's.
    buyer, product = _buyer_of(factory, ["100", "100", "60"])
    body = get(client, f"/v1/products/{product}/quality", as_role("supplier", buyer))
    assert body["primaryDataShare"] is None


def _buyer_of(factory: Factory, shares: list[str | None]) -> tuple[Actor, str]:
    """An enterprise whose product is made of nothing but those of suppliers that hide them."""
    buyer, bought = factory.enterprise("Buyer"), []
    for k, share in enumerate(shares):
        supplier = factory.enterprise(f"Supplier {k}")
        bought.append(supplier.product(f"Part {k}"))
        supplier.footprint(bought[-1], str(k + 1), pcf={"primaryDataShare": share})
    product, site = buyer.product("Whole"), buyer.site("Works")
    buyer.recipe(product, site, inputs=[(part, "1", "KGM") for part in bought])
    return buyer, product


def test_a_park_does_not_tell_which_of_two_guarded_tenants_have_primary_data(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    park = factory.enterprise("Park")
    fence = park.park("Fence")
    for k, share in enumerate(("100", "0", "0")):
        tenant = factory.enterprise(f"Tenant {k}")
        site, product = tenant.site(f"Site {k}"), tenant.product(f"Good {k}")
        said = tenant.recipe(product, site, emissions=[("CO2", "fossil", "1")])
        tenant.correct(said, quality=DataQuality(primary_share=Decimal(share)))
        tenant.production(product, site, "1")
        park.membership(fence, site, consent_by=tenant)
    body = get(client, f"/v1/parks/{fence}/quality", as_role("park", park))
    assert body["scope1"]["primaryDataShare"] is None
    assert body["scope1"]["rungs"] == [{"rung": "computed", "share": "1"}]
    told = get(client, f"/v1/parks/{fence}/quality", as_role("auditor"))
    assert told["scope1"]["primaryDataShare"]["value"] == "0.333333333333"


def test_the_answer_is_kept_until_a_verifier_speaks(
    client: FlaskClient, chain: Chain, auditor: Headers
) -> None:
    address = f"/v1/products/{chain.products['P1']}/quality?year=2025"
    tag = client.get(address, headers=auditor).headers["ETag"]
    verifier = verifier_of(chain.factory)
    again = {**auditor, "If-None-Match": tag}
    assert client.get(address, headers=again).status_code == 304
    verifier.attest(chain.recipes["E3"])
    assert client.get(address, headers=again).status_code == 200


def test_the_terminal_draws_it(
    chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say_all(chain, "primary_share", {"P1": 100, "P2": 50, "E3": 0, "T4": 100})
    at = _here(chain.factory, tmp_path, monkeypatch)
    said = at.ok("quality", "park", "Example Park", "--year", 2025).out
    rows = [line.split() for line in said.splitlines()]
    primary = [row for row in rows if row[:2] == ["Primary", "data"]]
    assert [row[3] for row in primary] == ["74.2", "90.0", "25.0"]
    assert "█" in primary[0][2]
    assert "Between, 19 times in 20" in at.ok("quality", "product", "P1").out
    assert at.run("quality", "site", "P1").code == 2


def _here(f: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", f.signer.private)
    monkeypatch.setenv("DATABASE_URL", f.url)
    return made
