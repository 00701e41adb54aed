"""What is told to nobody without a token is asked for with one, also of a public figure."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import AsRole
from tests.chain import build_chain
from tests.factory import Factory

pytestmark = pytest.mark.only_on("sqlite", "who asks is not about databases")

OWN = ("account", "indicators", "restatement?base=2024")


@pytest.mark.parametrize("what", OWN)
@pytest.mark.parametrize("public", [False, True])
def test_whoever_sends_no_token_is_told_to(
    client: FlaskClient, factory: Factory, what: str, public: bool
) -> None:
    chain = build_chain(factory)
    if public:
        chain.manager.disclose("figure", chain.park)
    response = client.get(f"/v1/parks/{chain.park}/{what}")
    assert (response.status_code, response.get_json()["code"]) == (401, "token-missing")


def test_targets_of_a_public_figure_are_public(client: FlaskClient, factory: Factory) -> None:
    chain = build_chain(factory)
    chain.disclose_all()
    at = f"/v1/parks/{chain.park}/targets?year=2025"
    assert client.get(at).get_json()["code"] == "token-missing"
    chain.manager.disclose("figure", chain.park)
    assert client.get(at).get_json().get("code") != "token-missing"


def test_an_account_of_a_year_without_data_names_the_year_that_was_asked(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    chain = build_chain(factory)
    body = client.get(
        f"/v1/parks/{chain.park}/account?year=2019", headers=as_role("auditor")
    ).get_json()
    assert (body["code"], body["params"]["year"]) == ("no-data-for-year", "2019")
