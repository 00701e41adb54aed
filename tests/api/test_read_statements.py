"""Reading statements: one by its digest, and those in force page by page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger import jws, receipt
from ledger.statements import Footprint
from ledger.strict_json import Float
from tests.api.conftest import AsRole
from tests.factory import ORIGIN, Actor, Factory


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


def test_an_owner_reads_its_statement_with_its_receipt(
    client: FlaskClient, factory: Factory, acme: Actor, as_role: AsRole
) -> None:
    said = acme.inventory(acme.site(), [("CO2", "fossil", "12.50")])
    told = client.get(f"/v1/statements/{said.digest}", headers=as_role("supplier", acme)).get_json()
    assert told["payload"]["emissions"][0]["amount"] == "12.50"
    assert told["envelope"] == said.statement.envelope.compact.decode()
    assert (told["issuer"], told["subject"], told["onBehalf"]) == (acme.id, acme.id, False)
    assert told["time"] == "2026-01-15T00:00:00.000Z"
    proof = receipt.Receipt.parse(told["receipt"].encode())
    receipt.verify(proof, [factory.log.verifier], ORIGIN)


def test_a_statement_tells_what_has_become_of_it(
    client: FlaskClient, acme: Actor, as_role: AsRole
) -> None:
    first = acme.inventory(acme.site())
    auditor = as_role("auditor")

    def state(digest: str) -> Any:
        return client.get(f"/v1/statements/{digest}", headers=auditor).get_json()["state"]

    assert state(first.digest) == "in-force"
    second = acme.correct(first)
    assert (state(first.digest), state(second.digest)) == ("superseded", "in-force")
    end = acme.withdraw(second)
    assert [state(said.digest) for said in (first, second, end)] == [
        "withdrawn",
        "withdrawn",
        "in-force",
    ]
    third = acme.correct(second, prev=end.digest)
    assert [state(said.digest) for said in (second, end, third)] == [
        "superseded",
        "superseded",
        "in-force",
    ]


def test_a_private_statement_and_none_at_all_look_the_same(
    client: FlaskClient, factory: Factory, acme: Actor, as_role: AsRole
) -> None:
    said = acme.inventory(acme.site())
    stranger = as_role("supplier", factory.enterprise("Other"))
    hidden = client.get(f"/v1/statements/{said.digest}", headers=stranger)
    absent = client.get(f"/v1/statements/{'0' * 64}", headers=stranger)
    assert hidden.status_code == absent.status_code == 404
    assert hidden.text.replace(said.digest, "0" * 64) == absent.text


def test_a_public_footprint_is_read_without_a_token_and_without_receipt(
    client: FlaskClient, acme: Actor
) -> None:
    product = acme.product("Steel")
    said = acme.footprint(product, "3.5")
    assert client.get(f"/v1/statements/{said.digest}").status_code == 404
    acme.disclose("footprint", product)
    told = client.get(f"/v1/statements/{said.digest}").get_json()
    assert told["payload"]["pact"]["pcf"]["pcfExcludingBiogenicUptake"] == "3.5"
    # The leaf record in a receipt tells the chain and the key: not for everybody.
    assert "receipt" not in told


def test_numbers_in_pact_extensions_come_back_digit_by_digit(
    client: FlaskClient, acme: Actor, as_role: AsRole
) -> None:
    product = acme.product("Steel")
    payload = acme.payload(Footprint(product=product, pact=acme.pact_body("1")))
    payload["pact"]["extensions"] = [
        {
            "specVersion": "2.0.0",
            "dataSchema": "https://schema.example/own.json",
            "data": {"share": Float("1.10e-3")},
        }
    ]
    envelope = jws.sign(payload, acme.key)
    digest = acme.factory.append(envelope).digest
    response = client.get(f"/v1/statements/{digest}", headers=as_role("auditor"))
    assert '"share":1.10e-3' in response.text


def test_the_list_holds_what_is_in_force_and_the_caller_may_read(
    client: FlaskClient, factory: Factory, acme: Actor, as_role: AsRole
) -> None:
    plant = acme.site()
    first = acme.inventory(plant)
    second = acme.correct(first)
    gone = acme.purchases(plant)
    acme.withdraw(gone)
    own = client.get("/v1/statements?type=inventory", headers=as_role("supplier", acme)).get_json()
    assert [(each["digest"], each["key"][0]) for each in own["items"]] == [(second.digest, plant)]
    purchases = client.get("/v1/statements?type=purchases", headers=as_role("auditor")).get_json()
    assert purchases["items"] == []
    other = as_role("supplier", factory.enterprise("Other"))
    assert client.get("/v1/statements?type=inventory", headers=other).get_json()["items"] == []
    assert client.get("/v1/statements").get_json()["items"] == []


def test_the_list_is_filtered_by_subject_and_by_what_it_is_about(
    client: FlaskClient, factory: Factory, acme: Actor, as_role: AsRole
) -> None:
    other = factory.enterprise("Other")
    plant, workshop = acme.site(), acme.site()
    for site in (plant, workshop):
        acme.inventory(site)
    other.inventory(other.site())
    auditor = as_role("auditor")

    def digests(query: str) -> int:
        return len(client.get(f"/v1/statements?{query}", headers=auditor).get_json()["items"])

    assert digests("type=inventory") == 3
    assert digests(f"type=inventory&subject={acme.id}") == 2
    assert digests(f"type=inventory&about={plant}") == 1
    assert digests(f"about={plant}") == 2  # the registration of the site, and its inventory


def test_pages_follow_one_another_and_miss_nothing(
    client: FlaskClient, acme: Actor, as_role: AsRole
) -> None:
    for name in "ABCDE":
        acme.product(name)
    auditor, url, seen, pages = as_role("auditor"), "/v1/statements?type=product&limit=2", [], 0
    while url:
        response = client.get(url, headers=auditor)
        seen += [each["payload"]["name"] for each in response.get_json()["items"]]
        pages += 1
        link = re.fullmatch(r'<(.*)>; rel="next"', response.headers.get("Link", ""))
        assert not link or link[1].startswith("http://localhost/v1/statements?type=product&limit=2")
        url = link[1] if link else ""
    assert (seen, pages) == (list("ABCDE"), 3)


def test_a_statement_corrected_between_two_pages_comes_again_at_the_end(
    client: FlaskClient, acme: Actor, as_role: AsRole
) -> None:
    plants = [acme.site() for _ in range(3)]
    said = [acme.inventory(plant) for plant in plants]
    auditor = as_role("auditor")
    first = client.get("/v1/statements?type=inventory&limit=2", headers=auditor)
    acme.correct(said[0])
    link = first.headers["Link"].partition(">")[0].removeprefix("<")
    rest = client.get(link, headers=auditor).get_json()["items"]
    assert [each["key"][0] for each in rest] == [plants[2], plants[0]]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=many",
        "cursor=-1",
        "cursor=9223372036854775808",
        "cursor=1.5",
        "type=recipes",
        "subject=acme",
        "subject=C8A70639-EB11-47B3-A7A9-C3787C65C1E5",
        "about=",
        "offset=10",
    ],
)
def test_a_parameter_that_does_not_fit_is_named(client: FlaskClient, query: str) -> None:
    response = client.get(f"/v1/statements?{query}")
    problem = response.get_json(force=True)
    assert (response.status_code, problem["code"]) == (400, "parameters-refused")
    assert problem["where"] == "?" + query.partition("=")[0]


@pytest.mark.parametrize("digest", ["0", "z" * 64, "0" * 63, "%00" * 64, "..%2f..%2fetc"])
def test_an_address_that_is_no_digest_is_not_found(client: FlaskClient, digest: str) -> None:
    assert client.get(f"/v1/statements/{digest}").status_code == 404
