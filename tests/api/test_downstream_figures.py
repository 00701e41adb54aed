"""What becomes of what a park sells, over HTTP and in the terminal, for those who may know it.

The numbers are those of ``tests.graph.test_downstream``: category 10 is 24 kg, all of it at T4.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.keys.keyfile import write_secret
from ledger.statements import Basis, Downstream, Use
from tests.api.conftest import AsRole, Headers
from tests.chain import Chain, build_chain
from tests.cli_world import terminal
from tests.factory import Factory, year_of

pytestmark = pytest.mark.only_on("sqlite", "what is sold is not about databases")


@pytest.fixture
def chain(factory: Factory) -> Chain:
    """P1 says what becomes of its product, P2 does not."""
    chain = build_chain(factory, weighed=True)
    co2 = [("CO2", "fossil", "2")]
    chain.firms["P1"].downstream(
        chain.products["P1"],
        chain.sites["P1"],
        basis=("1", "H87"),
        delivery=(),
        use=co2,
        end_of_life=co2,
    )
    return chain


def asked(client: FlaskClient, address: str, headers: Headers) -> Any:
    response = client.get(f"/v1/{address}/downstream?year=2025", headers=headers)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def category(body: Any, number: int) -> Any:
    return next(each for each in body["categories"] if each["category"] == number)


def test_auditors_see_every_category_with_its_names_and_shares(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    body = asked(client, f"parks/{chain.park}", as_role("auditor"))
    assert body["park"] == {"id": chain.park, "name": "Example Park"}
    processing = category(body, 10)
    assert processing["name"] == "Processing of sold products"
    assert (processing["amount"]["value"], processing["status"]) == ("24", "assessed")
    use = category(body, 11)
    assert (use["amount"]["atLeast"], use["amount"]["value"]) == ("120", None)
    assert use["status"] == "partial"
    assert [(each["product"], each["reason"]) for each in use["concerns"]] == [("P2", "not-stated")]
    assert "P2" in use["concerns"][0]["sentence"]
    assert [each["category"] for each in body["notStated"]] == [13, 14, 15]
    shares = {each["product"]["name"]: each for each in body["shares"]}
    assert (shares["T4"]["upstream"], shares["T4"]["processing"]) == ("0.5", "1")
    assert (shares["E3"]["upstream"], shares["E3"]["kgCo2e"]) == ("0.375", "0")


def test_a_category_that_is_one_customers_figure_is_not_shown_to_the_park(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    """What T4 emits, and how much of P2 it uses, would follow from categories 10 and 11."""
    manager = as_role("park", chain.manager)
    body = asked(client, f"parks/{chain.park}", manager)
    assert category(body, 10)["amount"] is None
    assert category(body, 11)["amount"] is None
    assert category(body, 12)["amount"]["atLeast"] == "120"
    assert body["shares"] is None
    assert (category(body, 12)["concerns"], category(body, 12)["concernsNotShown"]) == ([], 1)
    chain.firms["T4"].disclose("recipe", chain.products["T4"], to=chain.manager)
    opened = asked(client, f"parks/{chain.park}", manager)
    assert category(opened, 10)["amount"]["value"] == "24"
    assert category(opened, 11)["amount"]["atLeast"] == "120"
    earlier = client.get(
        f"/v1/parks/{chain.park}/downstream?year=2025&at={body['at']}", headers=manager
    )
    assert category(earlier.get_json(), 10)["amount"]["value"] == "24"


def test_tenants_who_agreed_to_no_small_aggregates_are_protected(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    chain = build_chain(factory, weighed=True, small_aggregates=False)
    address = f"/v1/parks/{chain.park}/downstream?year=2025"
    refused = client.get(address, headers=as_role("park", chain.manager))
    assert (refused.status_code, refused.get_json()["code"]) == (403, "fewer-than-three-tenants")


def test_an_enterprise_reads_its_own_and_what_it_entered(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    chain.disclose_all()
    firm = chain.firms["P1"]
    firm.holdings((13, [("CO2", "fossil", "7")]))
    body = asked(client, f"enterprises/{firm.id}", as_role("supplier", firm))
    assert body["enterprise"]["id"] == firm.id
    assert category(body, 13)["amount"]["value"] == "7"
    assert category(body, 14)["amount"]["value"] == "0"
    assert body["notStated"] == []
    # Its one customer is P2, which has not opened its recipe.
    assert category(body, 10)["amount"] is None
    assert category(body, 12)["amount"]["value"] is not None


def test_an_answer_says_when_a_delegate_spoke(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    auditor, park = as_role("auditor"), f"parks/{chain.park}"
    assert asked(client, park, auditor)["onBehalf"] is False
    firm, speaker = chain.firms["P2"], chain.firms["T4"]
    firm.delegate(speaker)
    body = Downstream(
        product=chain.products["P2"],
        site=chain.sites["P2"],
        period=year_of(2025),
        basis=Basis(amount=Decimal(1), unit="H87"),
        use=Use(emissions=(), assumptions="It is only built in."),
    )
    speaker.say(body, subject=firm.id)
    assert asked(client, park, auditor)["onBehalf"] is True


def test_strangers_and_anonymous_callers_read_nothing(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    address = f"/v1/parks/{chain.park}/downstream?year=2025"
    stranger = as_role("supplier", chain.firms["T4"])
    assert client.get(address, headers=stranger).get_json()["code"] == "not-disclosed"
    assert client.get(address).status_code == 401


@pytest.mark.parametrize("kind", ["downstream", "holdings"])
def test_what_was_said_is_read_by_its_owner_auditors_and_grantees(
    client: FlaskClient, chain: Chain, as_role: AsRole, kind: str
) -> None:
    firm, other = chain.firms["P2"], chain.firms["T4"]
    if kind == "downstream":
        said = firm.downstream(chain.products["P2"], chain.sites["P2"], basis=("1", "H87"), use=())
    else:
        said = firm.holdings((15, ()))
    about = {"downstream": chain.products["P2"], "holdings": firm.id}[kind]

    def status(headers: Headers) -> int:
        return client.get(f"/v1/statements/{said.digest}", headers=headers).status_code

    assert status(as_role("supplier", firm)) == status(as_role("auditor")) == 200
    assert status(as_role("supplier", other)) == status(as_role("park", chain.manager)) == 404
    firm.disclose(kind, about, to=other)
    assert status(as_role("supplier", other)) == 200


def test_an_answer_that_has_not_moved_is_not_sent_again(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    address, auditor = f"/v1/parks/{chain.park}/downstream?year=2025", as_role("auditor")
    tag = client.get(address, headers=auditor).headers["ETag"]
    assert client.get(address, headers={**auditor, "If-None-Match": tag}).status_code == 304
    chain.firms["P2"].downstream(chain.products["P2"], chain.sites["P2"], basis=("1", "H87"),
                                 use=())  # fmt: skip
    assert client.get(address, headers={**auditor, "If-None-Match": tag}).status_code == 200


def test_the_terminal_says_the_same(
    chain: Chain, factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    said = at.ok("downstream", "park", "Example Park", "--year", 2025).out
    assert "Processing of sold products" in said
    assert "≥ 0.1" in said
    assert "Nobody has stated what becomes of P2" in said
    told = at.ok("downstream", "enterprise", "P1 Works", "--json").json
    assert told["enterprise"]["name"] == "P1 Works"
