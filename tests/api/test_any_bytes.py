"""Whatever bytes arrive, the answer is a problem with a 4xx, and the log stays as it was."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from api.app import create_app
from api.keys.tokens import Tokens
from api.services import Services
from api.settings import Settings
from graph.engine import Engine
from ledger import jws
from ledger.statements import Product
from tests.databases import Databases
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "it is about answers, which come from no database")

UNLIMITED = Settings(
    read_limit="1000000 per minute",
    submit_limit="1000000 per minute",
    batch_limit="1000000 per minute",
    event_limit="1000000 per minute",
)


@pytest.fixture(scope="module")
def actor(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Actor:
    return Factory(databases.new(tmp_path_factory.mktemp("log"), "log")).enterprise("Acme")


@pytest.fixture(scope="module")
def client(actor: Actor) -> FlaskClient:
    f = actor.factory
    services = Services(
        f.log, Engine(f.log), Tokens(f.engine, f.clock), UNLIMITED, f.engine, f.clock
    )
    return create_app(UNLIMITED, services=services).test_client()


@pytest.fixture(scope="module")
def envelope(actor: Actor) -> bytes:
    return actor.sign(Product(id=actor.factory.uuid(), name="Steel", unit="KGM"))


def check_refused(client: FlaskClient, actor: Actor, address: str, body: bytes, kind: str) -> None:
    before = actor.factory.log.checkpoint()
    response = client.post(address, data=body, content_type=kind)
    assert 400 <= response.status_code < 500, response.text
    assert response.content_type == "application/problem+json"
    assert actor.factory.log.checkpoint() == before


@tried(max_examples=40, deadline=None)
@given(body=st.binary(max_size=400))
def test_arbitrary_bytes_are_no_statement(client: FlaskClient, actor: Actor, body: bytes) -> None:
    check_refused(client, actor, "/v1/statements", body, "application/jose")


@tried(max_examples=40, deadline=None)
@given(body=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
def test_arbitrary_bytes_are_no_batch(client: FlaskClient, actor: Actor, body: bytes) -> None:
    check_refused(client, actor, "/v1/statements/batch", body, "application/json")


@tried(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_statement_with_one_byte_changed_is_refused(
    client: FlaskClient, actor: Actor, envelope: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(envelope) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda each: each != envelope[place]))
    changed = envelope[:place] + bytes([byte]) + envelope[place + 1 :]
    check_refused(client, actor, "/v1/statements", changed, "application/jose")


@tried(max_examples=40, deadline=None)
@given(
    members=st.dictionaries(
        st.sampled_from(["type", "v", "log", "jti", "iat", "iss", "subject", "prev", "id", "name"]),
        st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=5), st.just([])),
        min_size=1,
    )
)
def test_a_well_signed_statement_with_odd_members_is_refused(
    client: FlaskClient, actor: Actor, members: dict[str, object]
) -> None:
    body = Product(id=actor.factory.uuid(), name="Steel", unit="KGM")
    payload = actor.payload(body) | {"v": 2} | members
    if payload["v"] in (1, True):
        payload["v"] = 2
    signed = jws.sign(payload, actor.key)
    check_refused(client, actor, "/v1/statements", signed, "application/jose")


@tried(max_examples=40, deadline=None)
@given(
    query=st.dictionaries(
        st.sampled_from(["type", "subject", "about", "limit", "cursor", "from", "index"]),
        st.text(max_size=12),
    ),
    address=st.sampled_from(
        ["/v1/statements", "/v1/log/proofs/inclusion", "/v1/log/proofs/consistency"]
    ),
)
def test_arbitrary_parameters_never_break_the_server(
    client: FlaskClient, query: dict[str, str], address: str
) -> None:
    assert client.get(address, query_string=query).status_code in (200, 400, 404)
