"""The document and the server say the same: every route, every parameter, every answer."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Flask
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from api.app import assemble, create_app
from api.keys.tokens import Tokens
from api.openapi import spec_text
from api.publication.publication import publishable
from api.services import Services
from api.settings import Settings
from graph.engine import Engine, Question
from ledger.statements import Figure
from tests.factory import Factory
from tests.metered import count

ROOT = Path(__file__).parents[2]
SPEC = yaml.safe_load(spec_text())
UNDOCUMENTED = {"static", "docs.docs", "docs.openapi_json"}
"""Files and the documents themselves; pages for people are named by their blueprint."""
PAGES = "pages."
ERRORS = {"3": ("application/json", "/PactError"), "auth": ("application/json", "/OAuthError")}
"""By the first part of a path: media type and schema."""
DECIMAL_PATTERN = "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?$"


@pytest.fixture(scope="module")
def app() -> Flask:
    return assemble(Settings())


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in SPEC["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield path, method, operation


def test_the_document_in_the_repository_is_what_the_server_says() -> None:
    written = (ROOT / "openapi.yaml").read_text("utf-8")
    assert written == spec_text(), "run `catchment openapi`, and look at what changed"


def test_the_document_is_valid_openapi() -> None:
    assert SPEC["openapi"].startswith("3.1")
    validate(SPEC)


def test_every_route_is_documented_and_every_documented_route_is_served(app: Flask) -> None:
    served = {
        (re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in UNDOCUMENTED and not rule.endpoint.startswith(PAGES)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert served == {(path, method) for path, method, _ in operations()}


def test_every_operation_is_described() -> None:
    tags = {tag["name"] for tag in SPEC["tags"]}
    for path, method, operation in operations():
        assert operation["summary"], (method, path)
        assert not operation["summary"].endswith("."), (method, path)
        assert set(operation["tags"]) <= tags, (method, path)
    assert all(tag["description"] for tag in SPEC["tags"])


def test_errors_have_the_form_of_the_protocol_that_is_spoken_under_the_path() -> None:
    """Problem documents, but for PACT's errors below /3 and OAuth's below /auth."""
    for path, method, operation in operations():
        assert "default" in operation["responses"], (method, path)
        expected = ERRORS.get(path.split("/")[1], ("application/problem+json", "Problem"))
        for status, response in operation["responses"].items():
            if status == "default" or status[0] in "45":
                content = resolved(response).get("content", {})
                assert set(content) == {expected[0]}, (method, path, status)
                (body,) = content.values()
                assert body["schema"]["$ref"].endswith(expected[1]), (method, path, status)
    assert "422" not in {s for _, _, operation in operations() for s in operation["responses"]}


def test_no_number_is_a_json_number_and_no_page_has_a_header_of_its_own() -> None:
    text = spec_text()
    assert "X-Pagination" not in text
    assert "type: number" not in text


def test_who_needs_a_token_is_said(client: FlaskClient) -> None:
    for path, method, operation in operations():
        if method != "get" or "security" not in operation:
            continue
        filled = re.sub(r"\{\w+\}", "0", path)
        status = client.get(filled).status_code
        # A route may also find the address itself malformed; what it must not do is answer.
        assert status in (401, 404), path


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        *_, kind, name = node["$ref"].split("/")
        node = SPEC["components"][kind][name]
    return node


@pytest.fixture
def ids(factory: Factory) -> dict[str, str]:
    """A park with one plant that makes steel, and the ids an address may name."""
    acme = factory.enterprise("Acme")
    plant, steel, park = acme.site(), acme.product("Steel"), acme.park()
    acme.membership(park, plant, consent_by=acme, small_aggregates=True)
    stated = acme.inventory(plant, [("CO2", "fossil", "10")])
    acme.purchases(plant)
    acme.recipe(steel, plant, emissions=[("CO2", "fossil", "2")])
    acme.production(steel, plant, "5")
    count(acme, plant, "E1", "3650", spacing_seconds=86_400)
    declared = acme.footprint(acme.product("Bolts"), "1.5")
    return {
        "enterprise": acme.id,
        "site": plant,
        "product": steel,
        "park": park,
        "digest": stated.digest,
        "figure": acme.say(published(factory, park)).digest,
        "meter": "E1",
        "footprint": str(declared.statement.body.pact.id),
    }


def published(factory: Factory, park: str) -> Figure:
    books = Engine(factory.log).park(park, Question(year=2025))
    return publishable(factory.log, books, factory.standing())


@pytest.fixture
def client(factory: Factory) -> FlaskClient:
    tokens = Tokens(factory.engine, factory.clock)
    log, engine = factory.log, factory.engine
    services = Services(log, Engine(log), tokens, Settings(), engine, factory.clock)
    app = create_app(Settings(), services=services)
    return app.test_client()


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/health", ""),
        ("/v1/log", ""),
        ("/v1/log/entries/{index}", ""),
        ("/v1/log/proofs/inclusion", "?index=2"),
        ("/v1/log/proofs/consistency", "?from=2"),
        ("/v1/statements", ""),
        ("/v1/statements/{digest}", ""),
        ("/v1/problems", ""),
        ("/v1/problems/{code}", ""),
        ("/v1/enterprises", ""),
        ("/v1/enterprises/{enterprise}", ""),
        ("/v1/sites", ""),
        ("/v1/sites/{site}", ""),
        ("/v1/parks", ""),
        ("/v1/parks/{park}", ""),
        ("/v1/products", ""),
        ("/v1/products/{product}", ""),
        ("/v1/products/{product}/footprint", "?year=2025"),
        ("/v1/products/{product}/contributions", ""),
        ("/v1/parks/{park}/inventory", ""),
        ("/v1/enterprises/{enterprise}/inventory", ""),
        ("/v1/parks/{park}/figure", "?year=2025"),
        ("/v1/enterprises/{enterprise}/figure", ""),
        ("/v1/figures", ""),
        ("/v1/sites/{site}/meters/{meter}", ""),
        ("/v1/sites/{site}/meters/{meter}", "?year=2024"),
        ("/v1/parks/{park}/meters", ""),
        ("/v1/enterprises/{enterprise}/meters", "?year=2024"),
        ("/3/footprints", ""),
        ("/3/footprints", "?status=Active&limit=1"),
        ("/3/footprints/{footprint}", ""),
    ],
)
def test_answers_have_the_documented_form(
    client: FlaskClient, auditor: dict[str, str], ids: dict[str, str], path: str, query: str
) -> None:
    address = path.format(**ids, index=3, code="stale-head") + query
    response = client.get(address, headers=auditor)
    assert response.status_code == 200, response.text
    check_form(path, response)


def test_a_published_figure_has_the_documented_form(
    client: FlaskClient, auditor: dict[str, str], ids: dict[str, str]
) -> None:
    response = client.get(f"/v1/figures/{ids['figure']}", headers=auditor)
    assert response.status_code == 200, response.text
    check_form("/v1/figures/{digest}", response)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/v1/log/entries/{index}", "/v1/log/entries/99"),
        ("/v1/statements", "/v1/statements?limit=none"),
        ("/v1/products/{product}/footprint", f"/v1/products/{uuid.UUID(int=7)}/footprint"),
        ("/3/footprints", "/3/footprints?offset=1"),
        ("/3/footprints/{footprint}", f"/3/footprints/{uuid.UUID(int=7)}"),
    ],
)
def test_problems_have_the_documented_form(
    client: FlaskClient, auditor: dict[str, str], path: str, address: str
) -> None:
    response = client.get(address, headers=auditor)
    assert 400 <= response.status_code < 500
    check_form(path, response)


@pytest.fixture
def auditor(factory: Factory) -> dict[str, str]:
    _, secret = Tokens(factory.engine, factory.clock).issue("auditor", None, "test")
    return {"Authorization": f"Bearer {secret}"}


def check_form(path: str, response: TestResponse) -> None:
    documented = SPEC["paths"][path]["get"]["responses"]
    node = documented.get(str(response.status_code), documented["default"])
    schema = resolved(node)["content"][response.content_type]["schema"]
    whole = {"$ref": schema["$ref"], "components": SPEC["components"]}
    Draft202012Validator(whole).validate(response.get_json(force=True))


def test_the_document_is_served_as_it_is_written(client: FlaskClient) -> None:
    assert client.get("/openapi.json").get_json() == SPEC
