"""From an identifier to the figure: what it means, who may read it, and what is kept of answers.

A mill makes coil at 2 kg CO2e per kg, as it declares; the works make the same from 1.5 kg of ore at
1 kg each and emit 1 kg: 2.5 kg per kg.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger.statements import Enterprise
from tests.api.conftest import AsRole, Headers
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "access and words are not about the database")

GTIN = "4006381333931"


class Market:
    """Two suppliers that claim one GTIN, of which the registrar admitted the mill's."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        urn = (f"urn:gtin:{GTIN}",)
        self.mill = factory.enterprise("Mill", admitted=urn)
        self.works = factory.enterprise("Works", identifiers=("urn:duns:123456789",))
        self.mine = factory.enterprise("Mine")
        self.buyer = factory.enterprise("Buyer")
        self.coil = self.mill.product("Coil", identifiers=urn)
        self.sheet = self.works.product("Sheet", identifiers=urn)
        self.ore = self.mine.product("Ore", identifiers=("urn:cas:7439-89-6",))
        self.declared = self.mill.footprint(self.coil, "2")
        self.mine.footprint(self.ore, "1")
        site = self.works.site("Works")
        self.works.recipe(
            self.sheet, site, emissions=[("CO2", "fossil", "1")], inputs=[(self.ore, "1.5", "KGM")]
        )
        self.opened = self.mill.disclose("footprint", self.coil, to=self.buyer)


@pytest.fixture
def market(factory: Factory) -> Market:
    return Market(factory)


@pytest.fixture
def buyer(market: Market, as_role: AsRole) -> Headers:
    return as_role("procurement", market.buyer)


def find(client: FlaskClient, headers: Headers, status: Any = 200, **asked: str) -> Any:
    response = client.get("/v1/footprint", headers=headers, query_string=asked)
    assert response.status_code == status, response.get_data(as_text=True)
    return response.get_json(force=True)


def test_an_identifier_leads_to_the_figure_in_one_answer(
    client: FlaskClient, market: Market, buyer: Headers
) -> None:
    found = find(client, buyer, gtin=GTIN)
    assert (found["product"]["id"], found["supplier"]["name"]) == (market.coil, "Mill")
    assert (found["value"], found["atLeast"], found["unit"]) == ("2", "2", "kg CO2e per KGM")
    assert (found["coverage"], found["verifiedShare"], found["mixedGwp"]) == ("1", "0", False)
    assert float(found["interval"]["lower"]) < 2 < float(found["interval"]["upper"])
    assert found["ageDays"] == "183"
    assert found["usability"] == 1
    assert found["asOf"] >= market.declared.index
    pact = market.declared.statement.body.pact.id  # type: ignore[attr-defined]  # a footprint
    assert (found["pactId"], found["links"]["pact"]) == (pact, f"/3/footprints/{pact}")
    assert found["links"]["statement"] == f"/v1/statements/{market.declared.digest}"
    assert (found["links"]["contributions"], found["links"]["receipt"]) == (None, None)


def test_its_links_lead_somewhere_for_whom_they_are_given(
    client: FlaskClient, market: Market, as_role: AsRole
) -> None:
    owner = as_role("supplier", market.mill)
    links = find(client, owner, product=market.coil)["links"]
    addresses = [address for name, address in links.items() if name != "pact"]
    assert [client.get(each, headers=owner).status_code for each in addresses] == [200] * 5


@pytest.mark.parametrize(
    "text",
    [
        GTIN,
        f"0{GTIN}",
        f"https://id.gs1.example/01/0{GTIN}",
        f"https://brand.example/shop/01/0{GTIN}/10/LOT7?x=1",
        f" {GTIN} ",
    ],
)
def test_one_number_in_any_of_its_forms_is_one_product(
    client: FlaskClient, market: Market, buyer: Headers, text: str
) -> None:
    assert find(client, buyer, gtin=text)["product"]["id"] == market.coil


def test_a_mistyped_gtin_is_refused_by_its_check_digit(
    client: FlaskClient, market: Market, buyer: Headers
) -> None:
    problem = find(client, buyer, 422, gtin="4006381333932")
    assert (problem["code"], problem["params"]["reason"]) == ("identifier-refused", "check digit")


def test_other_schemes_and_any_urn_find_it_too(
    client: FlaskClient, market: Market, as_role: AsRole
) -> None:
    auditor = as_role("auditor")
    mine = market.mine.id
    for asked in ({"cas": "7439-89-6"}, {"identifier": "URN:CAS:7439-89-6"}):
        assert find(client, auditor, supplier=mine, **asked)["product"]["id"] == market.ore


def test_the_supplier_that_is_named_decides_whose_product_is_meant(
    client: FlaskClient, market: Market, as_role: AsRole
) -> None:
    auditor = as_role("auditor")
    for supplier in (market.works.id, "urn:duns:123456789"):
        found = find(client, auditor, gtin=GTIN, supplier=supplier)
        assert (found["product"]["id"], found["value"]) == (market.sheet, "2.5")


def test_a_claim_that_nobody_admitted_captures_nobody(
    client: FlaskClient, market: Market, as_role: AsRole
) -> None:
    auditor = as_role("auditor")
    problem = find(client, auditor, 409, cas="7439-89-6")
    assert problem["code"] == "identifier-ambiguous"
    assert problem["problems"] == [{"where": f"/v1/products/{market.ore}", "detail": "Ore, Mine"}]


def test_two_that_are_admitted_are_both_named_and_neither_is_guessed(
    client: FlaskClient, market: Market, as_role: AsRole
) -> None:
    admit(market.factory, market.works, f"urn:gtin:{GTIN}")
    problem = find(client, as_role("auditor"), 409, gtin=GTIN)
    assert [each["detail"] for each in problem["problems"]] == ["Coil, Mill", "Sheet, Works"]


def admit(factory: Factory, actor: Actor, urn: str) -> None:
    said = factory.standing().enterprises[actor.id]
    body = Enterprise(id=actor.id, name=actor.name, identifiers=(), admitted=(urn,))
    factory.operator.say(body, subject=actor.id, prev=said.digest)


def test_without_a_token_nobody_learns_who_claims_what(client: FlaskClient, market: Market) -> None:
    for asked in ({"gtin": GTIN}, {"cas": "7439-89-6"}, {"gtin": "96385074"}):
        assert find(client, {}, 401, **asked)["code"] == "token-missing"
    market.mill.disclose("footprint", market.coil)
    assert find(client, {}, gtin=GTIN)["value"] == "2"


def test_what_is_not_open_to_the_caller_is_not_disclosed_by_any_name(
    client: FlaskClient, market: Market, buyer: Headers
) -> None:
    for asked in ({"product": market.sheet}, {"gtin": GTIN, "supplier": market.works.id}):
        assert find(client, buyer, 403, **asked)["code"] == "not-disclosed"
    assert find(client, buyer, 404, gtin="96385074")["code"] == "identifier-unregistered"
    of_another = {"product": market.coil, "supplier": market.works.id}
    assert find(client, buyer, 404, **of_another)["code"] == "identifier-unregistered"


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"gtin": GTIN, "cas": "7439-89-6"},
        {"gtln": GTIN},
        {"gtin": GTIN, "valid_on": "0001-01-01"},
    ],
)
def test_a_question_is_read_strictly_and_names_one_thing(
    client: FlaskClient, market: Market, buyer: Headers, asked: dict[str, str]
) -> None:
    assert find(client, buyer, 400, **asked)["code"] == "parameters-refused"


# --- What is kept ------------------------------------------------------------------------------


def tag(client: FlaskClient, headers: Headers, **asked: str) -> str:
    response = client.get("/v1/footprint", headers=headers, query_string=asked)
    assert response.status_code == 200
    assert "no-cache" in response.headers["Cache-Control"]
    assert response.headers["Catchment-Checkpoint"].split()[0] == str(response.json["at"])  # type: ignore[index]  # it is JSON
    return str(response.headers["ETag"])


def test_an_answer_that_is_still_right_is_not_sent_or_computed_again(
    client: FlaskClient, market: Market, buyer: Headers, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = tag(client, buyer, gtin=GTIN)
    monkeypatch.setattr("api.procurement.routes.resolve", pytest.fail)
    asked = {**buyer, "If-None-Match": known}
    again = client.get("/v1/footprint", headers=asked, query_string={"gtin": GTIN})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert (
        client.get("/v1/footprint", headers=buyer, query_string={"gtin": GTIN}).status_code == 200
    )


def test_an_append_elsewhere_kills_no_copy_and_one_that_moves_the_figure_does(
    client: FlaskClient, market: Market, buyer: Headers
) -> None:
    known = tag(client, buyer, gtin=GTIN)
    market.mine.product("Sand")
    assert tag(client, buyer, gtin=GTIN) == known
    pact = market.mill.pact_body("3")
    market.mill.correct(market.declared, pact=pact)
    assert tag(client, buyer, gtin=GTIN) != known
    assert find(client, buyer, gtin=GTIN)["value"] == "3"


def test_a_kept_answer_does_not_outlive_the_disclosure_it_rests_on(
    client: FlaskClient, market: Market, buyer: Headers
) -> None:
    known = tag(client, buyer, gtin=GTIN)
    market.mill.correct(market.opened, level="private")
    asked = {**buyer, "If-None-Match": known}
    closed = client.get("/v1/footprint", headers=asked, query_string={"gtin": GTIN})
    assert (closed.status_code, closed.json["code"]) == (403, "not-disclosed")  # type: ignore[index]  # it is JSON


def test_a_kept_answer_is_for_nobody_else_and_in_one_language(
    client: FlaskClient, market: Market, buyer: Headers, as_role: AsRole
) -> None:
    known = tag(client, buyer, gtin=GTIN)
    assert find(client, as_role("procurement", market.works), 403, gtin=GTIN)
    assert tag(client, as_role("auditor"), gtin=GTIN) != known
    assert tag(client, {**buyer, "Accept-Language": "zh"}, gtin=GTIN) != known


def test_a_token_that_was_revoked_is_answered_from_no_memory(
    client: FlaskClient, market: Market, services: Any
) -> None:
    token_id, secret = services.tokens.issue("procurement", market.buyer.id, "buyer")
    headers = {"Authorization": f"Bearer {secret}"}
    tag(client, headers, gtin=GTIN)
    services.tokens.revoke(token_id)
    assert find(client, headers, 401, gtin=GTIN)["code"] == "token-invalid"
