"""Tokens: what is stored, who they speak for, and when they stop."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from api import tables
from api.callers import TOKEN_ROLES, Caller
from api.errors import TokenRefused, TokenUnknown
from api.keys.tokens import Tokens
from tests.api.conftest import AsRole
from tests.factory import Factory

ENTERPRISE = "c8a70639-eb11-47b3-a7a9-c3787c65c1e5"


@pytest.fixture
def tokens(factory: Factory) -> Tokens:
    return Tokens(factory.engine, factory.clock)


def test_a_token_speaks_for_whom_it_was_issued_to(tokens: Tokens) -> None:
    token_id, secret = tokens.issue("supplier", ENTERPRISE, "Acme's importer")
    assert tokens.find(secret) == Caller("supplier", ENTERPRISE, token_id)
    (listed,) = tokens.list()
    assert (listed.id, listed.label, listed.revoked_at) == (token_id, "Acme's importer", None)


@pytest.mark.only_on("sqlite", "it reads the file; the row itself is the same everywhere")
def test_the_database_never_holds_a_secret(tokens: Tokens, factory: Factory) -> None:
    _, secret = tokens.issue("auditor", None, "audit")
    assert len(secret) == len("ctm_") + 43
    with factory.engine.connect() as connection:
        (row,) = connection.execute(sa.select(tables.token)).all()
    assert not any(secret[4:] in str(value) for value in row)
    assert secret.encode()[4:] not in factory.database.read_bytes()


def test_two_tokens_differ(tokens: Tokens) -> None:
    made = {tokens.issue("auditor", None, "same")[1] for _ in range(5)}
    assert len(made) == 5


def test_a_token_expires(tokens: Tokens, factory: Factory) -> None:
    _, secret = tokens.issue("auditor", None, "audit", ttl_days=1)
    factory.clock.advance(days=1, seconds=-1)
    assert tokens.find(secret) is not None
    factory.clock.advance(seconds=1)
    assert tokens.find(secret) is None


def test_a_revoked_token_stays_revoked_since_the_first_time(
    tokens: Tokens, factory: Factory
) -> None:
    token_id, secret = tokens.issue("auditor", None, "audit")
    tokens.revoke(token_id)
    revoked_at = factory.clock.now_ms
    factory.clock.advance(days=1)
    tokens.revoke(token_id)
    assert tokens.find(secret) is None
    assert [each.revoked_at for each in tokens.list()] == [revoked_at]


def test_an_unknown_token_cannot_be_revoked(tokens: Tokens) -> None:
    with pytest.raises(TokenUnknown):
        tokens.revoke("nothing")


@pytest.mark.parametrize("role", ["anonymous", "root", ""])
def test_a_role_that_does_not_exist_is_refused(tokens: Tokens, role: str) -> None:
    with pytest.raises(TokenRefused):
        tokens.issue(role, ENTERPRISE, "x")


@pytest.mark.parametrize("role", ["supplier", "park", "procurement"])
def test_who_speaks_for_an_enterprise_names_it(tokens: Tokens, role: str) -> None:
    with pytest.raises(TokenRefused, match="enterprise"):
        tokens.issue(role, None, "x")


@pytest.mark.parametrize("role", TOKEN_ROLES)
def test_every_role_opens_what_any_token_opens(
    client: FlaskClient, tokens: Tokens, role: str
) -> None:
    _, secret = tokens.issue(role, ENTERPRISE, "x")
    response = client.get("/v1/statements", headers={"Authorization": f"Bearer {secret}"})
    assert response.status_code == 200


def test_without_a_token_the_challenge_names_no_error(client: FlaskClient) -> None:
    response = client.get("/v1/log/entries/0")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="catchment"'
    assert response.get_json(force=True)["code"] == "token-missing"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer ctm_" + "A" * 43,
        "Bearer ctm_short",
        "Bearer ",
        "Bearer",
        "Basic dXNlcjpwYXNz",
        "",
        "Bearer ctm_" + "é" * 43,
        "Bearer " + "a" * 10_000,
    ],
)
@pytest.mark.parametrize("address", ["/v1/log/entries/0", "/v1/statements"])
def test_a_wrong_token_is_refused_wherever_it_is_read(
    client: FlaskClient, address: str, header: str
) -> None:
    response = client.get(address, headers={"Authorization": header})
    assert (response.status_code, response.get_json(force=True)["code"]) == (401, "token-invalid")
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_a_revoked_token_opens_nothing(
    client: FlaskClient, tokens: Tokens, as_role: AsRole
) -> None:
    headers = as_role("auditor")
    assert client.get("/v1/log/entries/0", headers=headers).status_code == 200
    tokens.revoke(tokens.list()[0].id)
    assert client.get("/v1/log/entries/0", headers=headers).status_code == 401


def test_the_scheme_is_read_in_any_case(client: FlaskClient, as_role: AsRole) -> None:
    secret = as_role("auditor")["Authorization"].removeprefix("Bearer ")
    headers = {"Authorization": f"bearer {secret}"}
    assert client.get("/v1/log/entries/0", headers=headers).status_code == 200
