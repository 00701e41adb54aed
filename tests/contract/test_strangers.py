"""What strangers may send: schemathesis makes requests from the OpenAPI document, fit and unfit.

Every operation is asked with ids that exist and with whatever its schemas allow or forbid; no
answer may be a server error, undocumented, or of another form than the document says.

That all a schema allows is also taken is not asked: which years are known, that of several
parameters one is given, that one log size comes before another and that a signature holds, a schema
cannot say; each is refused with a condition that names it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import schemathesis
import yaml
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import BaseSchema, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.callers import SCOPES
from api.keys.tokens import Tokens
from api.oauth.clients import clients_of
from api.oauth.grants import grants_of
from api.partners.partners import partners_of
from api.services import Services
from api.settings import Settings
from graph.engine import Engine
from tests.factory import Factory

ROOT = Path(__file__).parents[2]
FORM = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]

EXAMPLES = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.only_on("sqlite", "about forms, not about the database"),
]


@dataclass(frozen=True)
class World:
    """A small log behind the API, an auditor who may read all of it, and a partner's program."""

    app: Flask
    auditor: str
    partner: str
    ids: dict[str, str]

    def headers(self, path: str) -> dict[str, str]:
        """Events are taken from partners only."""
        token = self.partner if path == "/3/events" else self.auditor
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    f = Factory(tmp_path_factory.mktemp("strangers"))
    acme = f.enterprise("Acme")
    plant, steel, park = acme.site(), acme.product("Steel"), acme.park()
    acme.membership(park, plant, consent_by=acme, small_aggregates=True)
    stated = acme.inventory(plant, [("CO2", "fossil", "10")])
    acme.purchases(plant)
    acme.recipe(steel, plant, emissions=[("CO2", "fossil", "2")])
    acme.production(steel, plant, "5")
    declared = acme.footprint(acme.product("Bolts"), "1.5")
    unlimited = Settings(
        data=tmp_path_factory.mktemp("var"),
        **dict.fromkeys(
            ("read_limit", "submit_limit", "batch_limit", "event_limit"), "1000000 per minute"
        ),
    )
    tokens = Tokens(f.engine, f.clock)
    made = Services(f.log, Engine(f.log), tokens, unlimited, f.engine, f.clock)
    buyer = f.enterprise("Buyer")
    clients = clients_of(made)
    program, secret = clients.add("procurement", buyer.id, "Buyer's program", tuple(SCOPES))
    partners_of(made).add(
        name="Buyer", enterprise=buyer.id, url="http://buyer.example", client_id="us", secret="s",
        client=program,
    )  # fmt: skip
    granted = grants_of(made).grant(clients.authenticate(program, secret))
    _, auditor = tokens.issue("auditor", None, "test")
    ids = {
        "park": park,
        "product": steel,
        "site": plant,
        "enterprise": acme.id,
        "digest": stated.digest,
        "footprint": str(declared.statement.body.pact.id),
    }
    yield World(create_app(unlimited, services=made), auditor, granted.token, ids)
    f.close()


DOCUMENT = yaml.load((ROOT / "openapi.yaml").read_text("utf-8"), yaml.CSafeLoader)
OPERATIONS = [
    (method.upper(), path)
    for path, item in DOCUMENT["paths"].items()
    for method in item
    if method != "parameters"
]


@pytest.fixture(scope="module")
def document(world: World) -> BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi.json", world.app)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_the_document_allows_is_answered_as_documented(
    document: BaseSchema, world: World, method: str, path: str
) -> None:
    """Half of the requests name things that exist."""

    @EXAMPLES
    @given(
        case=document[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE),
        known=st.booleans(),
    )
    def ask(case: Case, known: bool) -> None:
        if known:
            case.path_parameters |= {
                name: world.ids[name] for name in case.path_parameters if name in world.ids
            }
        case.call_and_validate(headers=world.headers(path), checks=FORM)

    ask()


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_what_the_document_forbids_is_refused_as_documented(
    document: BaseSchema, world: World, method: str, path: str
) -> None:
    @EXAMPLES
    @given(case=document[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def ask(case: Case) -> None:
        case.call_and_validate(headers=world.headers(path), checks=[*FORM, negative_data_rejection])

    try:
        ask()
    except Unsatisfiable:
        pytest.skip("nothing can be said wrongly here")
