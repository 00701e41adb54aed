"""Every figure by every kind of reader, over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.keys.tokens import Tokens
from api.services import Services
from api.settings import Settings
from graph.engine import Engine
from tests.chain import Chain, build_chain
from tests.databases import Databases
from tests.factory import Factory

pytestmark = pytest.mark.only_on("sqlite", "it is about who may read, wherever it is stored")

OK, NO_TOKEN, CLOSED = 200, 401, 403
READERS = (
    "anonymous",
    "P1",
    "P2",
    "grantee",
    "manager",
    "stranger",
    "procurement",
    "auditor",
    "operator",
)
"""P1 owns what is asked for, P2 is another tenant of its park, which the manager runs."""


def statuses(*granted: str) -> dict[str, int]:
    """200 for those who may read it, 403 for other tokens, 401 without one."""
    closed = {reader: OK if reader in granted else CLOSED for reader in READERS}
    return {**closed, "anonymous": OK if "anonymous" in granted else NO_TOKEN}


EVERYONE = statuses(*READERS)
WITH_TOKEN = {**EVERYONE, "anonymous": NO_TOKEN}
EXPECTED = {
    "/v1/enterprises": WITH_TOKEN,
    "/v1/enterprises/{P1}": WITH_TOKEN,
    "/v1/sites": WITH_TOKEN,
    "/v1/sites/{site}": WITH_TOKEN,
    "/v1/parks": WITH_TOKEN,
    "/v1/parks/{park}": WITH_TOKEN,
    "/v1/products": WITH_TOKEN,
    "/v1/products/{product}": WITH_TOKEN,
    "/v1/products/{product}/footprint": statuses("P1", "grantee", "auditor"),
    "/v1/products/{product}/contributions": statuses("P1", "grantee", "auditor"),
    "/v1/products/{public}/footprint": EVERYONE,
    "/v1/products/{public}/contributions": statuses("auditor"),
    "/v1/parks/{park}/inventory": statuses("manager", "grantee", "auditor"),
    "/v1/parks/{public_park}/inventory": EVERYONE,
    "/v1/enterprises/{P1}/inventory": statuses("P1", "grantee", "auditor"),
    "/v1/parks/{park}/figure": statuses("manager", "grantee", "auditor"),
    "/v1/parks/{public_park}/figure": EVERYONE,
    "/v1/enterprises/{P1}/figure": statuses("P1", "grantee", "auditor"),
    "/parks/{public_park}": EVERYONE,
    "/parks/{park}": dict.fromkeys(READERS, CLOSED),
    "/": EVERYONE,
}


Ask = Callable[[str, str], int]


@pytest.fixture(scope="module")
def ask(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """``ask(reader, address)``: the status. Addresses name things in braces."""
    factory = Factory(databases.new(tmp_path_factory.mktemp("log"), "log"))
    chain = build_chain(factory)
    names = _disclose(chain)
    tokens = Tokens(factory.engine, factory.clock)
    services = Services(
        factory.log, Engine(factory.log), tokens, Settings(), factory.engine, factory.clock
    )
    client = create_app(Settings(), services=services).test_client()
    headers = {reader: _headers(tokens, reader, names) for reader in READERS}

    def status(reader: str, address: str) -> int:
        return client.get(address.format(**names), headers=headers[reader]).status_code

    yield status
    factory.close()


def _disclose(chain: Chain) -> dict[str, str]:
    """Open figures of P1 and of the park to a grantee; make E3's and a second park's public."""
    p1, factory = chain.firms["P1"], chain.factory
    grantee, stranger = factory.enterprise("Grantee"), factory.enterprise("Stranger")
    procurement, manager = factory.enterprise("Procurement"), chain.manager
    p1.disclose("footprint", chain.products["P1"], to=grantee)
    p1.disclose("contributions", chain.products["P1"], to=grantee)
    p1.disclose("figure", p1.id, to=grantee)
    manager.disclose("figure", chain.park, to=grantee)
    # E3 takes nothing in: its figure is its own emissions and hides nobody.
    chain.firms["E3"].disclose("footprint", chain.products["E3"])
    public_park = manager.park("Public park")
    power = chain.firms["E3"]
    manager.membership(public_park, chain.sites["E3"], consent_by=power, small_aggregates=True)
    manager.disclose("figure", public_park)
    chain.firms["P2"].disclose("footprint", chain.products["P2"], to=p1)
    chain.firms["T4"].disclose("footprint", chain.products["T4"], to=p1)
    chain.firms["P2"].disclose("footprint", chain.products["P2"], to=grantee)
    chain.firms["T4"].disclose("footprint", chain.products["T4"], to=grantee)
    return {
        "site": chain.sites["P1"],
        "park": chain.park,
        "product": chain.products["P1"],
        "public": chain.products["E3"],
        "public_park": public_park,
        "grantee": grantee.id,
        "stranger": stranger.id,
        "procurement": procurement.id,
        "manager": manager.id,
        **{name: firm.id for name, firm in chain.firms.items()},
    }


def _headers(tokens: Tokens, reader: str, names: dict[str, str]) -> dict[str, str]:
    if reader == "anonymous":
        return {}
    role = {"manager": "park", "procurement": "procurement"}.get(reader, "supplier")
    role = reader if reader in ("auditor", "operator") else role
    _, secret = tokens.issue(role, names.get(reader), f"test {reader}")
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("address", EXPECTED)
@pytest.mark.parametrize("reader", READERS)
def test_a_figure_is_shown_to_those_it_is_for_and_to_nobody_else(
    ask: Ask, reader: str, address: str
) -> None:
    assert ask(reader, address) == EXPECTED[address][reader]


@pytest.mark.parametrize(
    "address",
    [
        "/v1/products/{site}/footprint",
        "/v1/products/{site}/contributions",
        "/v1/products/{site}",
        "/v1/parks/{site}",
        "/v1/parks/{site}/inventory",
        "/v1/enterprises/{site}/inventory",
        "/v1/parks/{site}/figure",
        "/v1/enterprises/{site}/figure",
    ],
)
def test_what_is_not_registered_is_not_found_whoever_asks_with_a_token(
    ask: Ask, address: str
) -> None:
    assert {ask(reader, address) for reader in ("P1", "stranger", "auditor")} == {404}
    assert ask("anonymous", address) == NO_TOKEN


def problem(client: FlaskClient, address: str, headers: dict[str, str]) -> tuple[int, str]:
    response = client.get(address, headers=headers)
    return response.status_code, response.get_json(force=True)["code"]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("year=1989", 400, "parameters-refused"),
        ("year=2101", 400, "parameters-refused"),
        ("year=MMXXV", 400, "parameters-refused"),
        ("gwp=AR2", 400, "parameters-refused"),
        ("at=0", 400, "parameters-refused"),
        ("yaer=2025", 400, "parameters-refused"),
        ("site=here", 400, "parameters-refused"),
        ("at=1000", 404, "log-position-unknown"),
        ("year=1999", 200, ""),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_name(
    client: FlaskClient,
    factory: Factory,
    as_role: Callable[..., dict[str, str]],
    query: str,
    status: int,
    code: str,
) -> None:
    chain = build_chain(factory)
    address = f"/v1/products/{chain.products['P1']}/footprint?{query}"
    response = client.get(address, headers=as_role("auditor"))
    assert response.status_code == status
    assert response.get_json(force=True).get("code", "") == code


def test_a_year_without_statements_has_no_books_which_is_not_zero(
    client: FlaskClient, factory: Factory, as_role: Callable[..., dict[str, str]]
) -> None:
    chain = build_chain(factory)
    address = f"/v1/enterprises/{chain.manager.id}/inventory?year=2025"
    assert problem(client, address, as_role("auditor")) == (404, "no-data-for-year")


def test_a_loop_that_uses_more_than_it_yields_is_refused_and_named(
    client: FlaskClient, factory: Factory, as_role: Callable[..., dict[str, str]]
) -> None:
    maker = factory.enterprise("Maker")
    plant, a, b = maker.site(), maker.product("A"), maker.product("B")
    maker.recipe(a, plant, inputs=[(b, "2", "KGM")])
    maker.recipe(b, plant, inputs=[(a, "1", "KGM")])
    address = f"/v1/products/{a}/footprint?year=2025"
    assert problem(client, address, as_role("supplier", maker)) == (409, "loop-gain")
