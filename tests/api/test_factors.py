"""Routes: the sets that stand, and their factors, for anyone with a token."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger.schema import load
from ledger.statements import Factors
from tests.api.conftest import AsRole, Headers
from tests.factory import Factory

pytestmark = pytest.mark.only_on("sqlite", "it is about answers, which come from no database")

CO2 = [{"gas": "CO2", "origin": "fossil", "amount": "2.5"}]


def rows() -> list[dict[str, Any]]:
    common = {"kind": "average", "unit": "KGM", "emissions": CO2}
    return [
        common | {"name": "Coil", "of": "urn:cpc:41211", "region": "CN", "gsd": "1.2"},
        common | {"name": "Steel", "of": "urn:cpc:412", "year": 2021},
        common | {"name": "Glass", "of": "urn:cpc:371"},
        {
            "kind": "exchange-rate",
            "name": "Mean of the year",
            "unit": "CNY:2024:purchaser",
            "to": "USD:2024:purchaser",
            "factor": "0.139",
        },
    ]


@pytest.fixture
def reader(factory: Factory, as_role: AsRole) -> Headers:
    said = {"publisher": "Institute", "source": "Yearbook", "year": 2024, "version": "7"}
    for name, part in (("goods", None), ("half", {"k": 1, "n": 2})):
        more = {"part": part} if part else {}
        factory.operator.say(load(Factors, {**said, "name": name, "rows": rows(), **more}))
    return as_role("supplier", factory.enterprise("Acme"))


def get(client: FlaskClient, path: str, headers: Headers) -> list[dict[str, Any]]:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json["items"]
    return items


def test_sets_that_stand_are_listed_and_half_a_set_is_not(
    client: FlaskClient, reader: Headers
) -> None:
    (found,) = get(client, "/v1/factors", reader)
    told = {name: found[name] for name in ("name", "version", "year", "parts", "factors")}
    assert told == {"name": "goods", "version": "7", "year": 2024, "parts": 1, "factors": 4}
    assert (found["publisher"], found["source"], found["licence"]) == (
        "Institute",
        "Yearbook",
        None,
    )


def test_the_factors_of_a_set_are_listed_with_all_they_say(
    client: FlaskClient, reader: Headers
) -> None:
    coil, steel, _, rate = get(client, "/v1/factors/goods", reader)
    assert coil["emissions"] == [{"gas": "CO2", "origin": "fossil", "amount": "2.5", "gwp": None}]
    assert (coil["gsd"], coil["region"], coil["year"]) == ("1.2", "CN", 2024)
    assert (steel["gsd"], steel["region"], steel["year"]) == (None, None, 2021)
    assert (rate["to"], rate["factor"], rate["of"]) == ("USD:2024:purchaser", "0.139", None)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("class=urn:cpc:41211", ["Coil", "Steel"]),
        ("class=urn:cpc:412", ["Steel"]),
        ("class=urn:cpc:41211&region=CN", ["Coil"]),
        ("class=steel", []),
        ("region=US", []),
    ],
)
def test_a_list_of_factors_can_be_narrowed(
    client: FlaskClient, reader: Headers, query: str, names: list[str]
) -> None:
    found = get(client, f"/v1/factors/goods?{query}", reader)
    assert [each["name"] for each in found] == names


def test_a_list_of_factors_comes_in_pages(client: FlaskClient, reader: Headers) -> None:
    first = client.get("/v1/factors/goods?limit=3&class=urn:cpc:41211", headers=reader)
    assert "Link" not in first.headers
    first = client.get("/v1/factors/goods?limit=3", headers=reader)
    link = first.headers["Link"].partition(">")[0].lstrip("<")
    second = get(client, link, reader)
    assert [each["name"] for each in (*first.json["items"], *second)] == [
        "Coil",
        "Steel",
        "Glass",
        "Mean of the year",
    ]


def test_a_set_that_does_not_stand_is_not_found(client: FlaskClient, reader: Headers) -> None:
    for name in ("half", "steel"):
        answer = client.get(f"/v1/factors/{name}", headers=reader)
        assert (answer.status_code, answer.json["code"]) == (404, "unknown-factor-set")


def test_factors_are_for_those_with_a_token(client: FlaskClient, reader: Headers) -> None:
    for path in ("/v1/factors", "/v1/factors/goods"):
        assert client.get(path).status_code == 401


def test_the_statements_of_a_set_are_open_to_those_with_a_token(
    client: FlaskClient, reader: Headers
) -> None:
    found = get(client, "/v1/statements?type=factors", reader)
    assert [each["key"] for each in found] == [["goods", "1"], ["half", "1"]]
