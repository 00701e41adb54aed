"""A reader's copy of a figure stays right until something that moved the figure comes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from flask.testing import FlaskClient

from ledger.statements import Basis
from tests.api.conftest import AsRole, Headers
from tests.chain import Chain, build_chain
from tests.factory import Factory

pytestmark = pytest.mark.only_on("sqlite", "it is about answers, which come from no database")


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


def tag(client: FlaskClient, address: str, headers: Headers) -> str:
    response = client.get(address, headers=headers)
    assert response.status_code == 200
    return response.headers["ETag"]


@pytest.fixture(params=["footprint", "contributions", "park", "enterprise"])
def address(request: pytest.FixtureRequest, chain: Chain) -> str:
    product, firm = chain.products["P1"], chain.firms["P1"].id
    return {
        "footprint": f"/v1/products/{product}/footprint?year=2025",
        "contributions": f"/v1/products/{product}/contributions?year=2025",
        "park": f"/v1/parks/{chain.park}/inventory?year=2025",
        "enterprise": f"/v1/enterprises/{firm}/inventory?year=2025",
    }[request.param]


def test_a_copy_that_is_still_right_is_not_sent_again(
    client: FlaskClient, address: str, as_role: AsRole
) -> None:
    reader = as_role("auditor")
    known = tag(client, address, reader)
    assert known.startswith('W/"')
    again = client.get(address, headers={**reader, "If-None-Match": known})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == known
    assert again.headers["Catchment-Checkpoint"]


def test_a_statement_about_something_else_leaves_the_copy_alone(
    client: FlaskClient, chain: Chain, address: str, as_role: AsRole
) -> None:
    reader = as_role("auditor")
    known = tag(client, address, reader)
    maker = chain.factory.enterprise("Elsewhere")
    unrelated = maker.product("Unrelated")
    maker.footprint(unrelated, "7")
    response = client.get(address, headers={**reader, "If-None-Match": known})
    assert response.status_code == 304
    size = response.headers["Catchment-Checkpoint"].split()[0]
    assert int(size) == chain.factory.log.size()


def test_a_statement_that_moves_the_figure_changes_the_tag(
    client: FlaskClient, chain: Chain, address: str, as_role: AsRole
) -> None:
    reader = as_role("auditor")
    known = tag(client, address, reader)
    recipe = chain.recipes["T4"]
    chain.firms["T4"].correct(recipe, basis=Basis(amount=Decimal(20), unit="H87"))
    response = client.get(address, headers={**reader, "If-None-Match": known})
    assert response.status_code == 200
    assert response.headers["ETag"] != known


def test_a_disclosure_changes_the_tag_because_it_changes_what_is_shown(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    reader = as_role("supplier", chain.firms["P1"])
    address = f"/v1/products/{chain.products['P1']}/contributions?year=2025"
    known = tag(client, address, reader)
    for name in ("P2", "E3", "T4"):
        chain.firms[name].disclose("footprint", chain.products[name])
    response = client.get(address, headers={**reader, "If-None-Match": known})
    assert response.status_code == 200
    assert all(row["product"] for row in response.get_json()["rows"])


def test_no_reader_is_answered_with_the_copy_of_another(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    chain.disclose_all()
    chain.manager.disclose("figure", chain.park)
    address = f"/v1/parks/{chain.park}/inventory?year=2025"
    readers = [
        {},
        as_role("auditor"),
        as_role("park", chain.manager),
        as_role("supplier", chain.firms["P1"]),
        as_role("supplier", chain.firms["P2"]),
        as_role("operator"),
    ]
    tags = [tag(client, address, reader) for reader in readers]
    assert len(set(tags)) == len(tags)


@pytest.mark.parametrize("other", ["year=2024", "year=2025&gwp=AR5", "year=2025&at=29"])
def test_another_question_has_another_tag(
    client: FlaskClient, chain: Chain, as_role: AsRole, other: str
) -> None:
    reader = as_role("auditor")
    product = f"/v1/products/{chain.products['P1']}/footprint"
    assert tag(client, f"{product}?year=2025", reader) != tag(client, f"{product}?{other}", reader)


def test_another_language_has_another_tag(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    reader = as_role("auditor")
    address = f"/v1/parks/{chain.park}/inventory?year=2025"
    chinese = {**reader, "Accept-Language": "zh"}
    assert tag(client, address, reader) != tag(client, address, chinese)


def test_a_new_name_reaches_readers_although_no_figure_moved(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    reader = as_role("auditor")
    address = f"/v1/products/{chain.products['P1']}/contributions?year=2025"
    known = tag(client, address, reader)
    operator, firm = chain.factory.operator, chain.firms["T4"]
    said = chain.factory.standing().enterprises[firm.id]
    body = replace(said.statement.body, name="T4 Renamed")  # type: ignore[type-var]  # a dataclass
    operator.say(body, subject=firm.id, prev=said.digest)
    response = client.get(address, headers={**reader, "If-None-Match": known})
    assert "T4 Renamed" in response.get_data(as_text=True)
