"""The token endpoint by RFC 6749, and what its tokens open."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.oauth.clients import GRANTED, clients_of
from api.oauth.grants import grants_of
from api.services import Services
from tests.api.conftest import AsRole
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "what is stored is tested with the store")

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


@pytest.fixture
def erp(services: Services, acme: Actor) -> tuple[str, str]:
    """Id and secret of a client that may read footprints and send events."""
    return clients_of(services).add("supplier", acme.id, "ERP", ("footprints", "events"))


def basic(client_id: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def asked(
    client: FlaskClient,
    header: str | None = None,
    body: str | bytes = "grant_type=client_credentials",
    content_type: str = FORM,
) -> TestResponse:
    headers = {} if header is None else {"Authorization": header}
    return client.post("/auth/token", data=body, content_type=content_type, headers=headers)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def error_of(response: TestResponse) -> tuple[int, str]:
    """Status and error, of an answer that has the form of RFC 6749, section 5.2."""
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    told: dict[str, Any] = json.loads(response.data)
    assert told.keys() == {"error", "error_description"}
    allowed = set(range(0x20, 0x7F)) - {0x22, 0x5C}
    assert set(map(ord, told["error_description"])) <= allowed
    return response.status_code, told["error"]


# --- Granted ---------------------------------------------------------------------------------


def test_a_token_is_granted_as_the_rfc_shows_it(
    client: FlaskClient, erp: tuple[str, str], services: Services
) -> None:
    """RFC 6749, 4.4.2 and 5.1: the request and the answer, member for member."""
    response = asked(client, basic(*erp))
    assert response.status_code == 200
    assert response.content_type == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Pragma"] == "no-cache"
    granted = json.loads(response.data)
    token = granted.pop("access_token")
    assert granted == {"token_type": "Bearer", "expires_in": 1800, "scope": "events footprints"}
    caller = grants_of(services).caller(token)
    assert caller.client == erp[0]
    assert caller.scopes == frozenset({"events", "footprints"})


def test_credentials_may_come_in_the_form(client: FlaskClient, erp: tuple[str, str]) -> None:
    body = f"grant_type=client_credentials&client_id={erp[0]}&client_secret={erp[1]}"
    assert asked(client, body=body).status_code == 200


def test_what_no_client_needs_to_encode_may_be_encoded_all_the_same(
    client: FlaskClient, erp: tuple[str, str]
) -> None:
    """RFC 6749, 2.3.1: id and secret are form-encoded inside Basic; many clients leave it out."""
    encoded = ("".join(f"%{ord(char):02X}" for char in part) for part in erp)
    assert asked(client, basic(*encoded)).status_code == 200
    assert tuple(map(quote_plus, erp)) == erp


def test_an_id_in_the_form_goes_with_basic(client: FlaskClient, erp: tuple[str, str]) -> None:
    body = f"grant_type=client_credentials&client_id={erp[0]}"
    assert asked(client, basic(*erp), body).status_code == 200
    assert error_of(asked(client, basic(*erp), body + "x")) == (400, "invalid_request")


def test_the_scheme_is_read_in_any_case_and_what_is_unknown_is_left_alone(
    client: FlaskClient, erp: tuple[str, str]
) -> None:
    header = basic(*erp).replace("Basic", "bAsIc")
    body = "grant_type=client_credentials&audience=urn%3Ax&scope="
    response = asked(client, header, body, FORM + "; charset=utf-8")
    assert json.loads(response.data)["scope"] == "events footprints"


@pytest.mark.parametrize("scope", ["footprints", "events", "events footprints"])
def test_less_may_be_asked_for(client: FlaskClient, erp: tuple[str, str], scope: str) -> None:
    body = f"grant_type=client_credentials&scope={quote_plus(scope)}"
    assert json.loads(asked(client, basic(*erp), body).data)["scope"] == scope


# --- Refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", ["figures", "footprints figures", "Footprints", "\x00", "a  b"])
def test_more_than_the_client_may_is_refused(
    client: FlaskClient, erp: tuple[str, str], scope: str
) -> None:
    body = f"grant_type=client_credentials&scope={quote_plus(scope)}"
    assert error_of(asked(client, basic(*erp), body)) == (400, "invalid_scope")


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        ("grant_type=password&username=a&password=b", FORM, "unsupported_grant_type"),
        ("grant_type=authorization_code&code=Splx", FORM, "unsupported_grant_type"),
        ("scope=footprints", FORM, "invalid_request"),
        ("grant_type=", FORM, "invalid_request"),
        ("", FORM, "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", FORM, "invalid_request"),
        ('{"grant_type": "client_credentials"}', "application/json", "invalid_request"),
        ("grant_type=client_credentials", "text/plain", "invalid_request"),
        (b"grant_type=client_credentials&x=\xff", FORM, "invalid_request"),
        ("grant_type=client_credentials&x=%ff", FORM, "invalid_request"),
        ("grant_type=client_credentials&" + "x=1&" * 1000, FORM, "invalid_request"),
        ("grant_type=client_credentials&client_secret=x", FORM, "invalid_request"),
    ],
)  # fmt: skip
def test_what_is_not_asked_for_rightly_is_refused_in_the_rfcs_words(
    client: FlaskClient, erp: tuple[str, str], body: str | bytes, content_type: str, error: str
) -> None:
    assert error_of(asked(client, basic(*erp), body, content_type)) == (400, error)


def hostile(text: bytes) -> str:
    return "Basic " + base64.b64encode(text).decode()


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic YWJj",
        "Basic YTpi=",
        hostile(b"\xff\xfe:\xff"),
        hostile(b"a\x00b:c\x00d"),
        hostile("农场:秘密".encode()),
        hostile(b":"),
        hostile(b"%00:%ZZ%"),
        hostile(b"a:b:c"),
        hostile(b"a" * 600 + b":" + b"b" * 600),
        "Basic " + "A" * 20_000,
        "Basic é",
        "Bearer ctm_x",
        "Digest username=x",
    ],
)
def test_whatever_is_sent_instead_of_credentials_is_refused_alike(
    client: FlaskClient, erp: tuple[str, str], header: str | None
) -> None:
    response = asked(client, header)
    assert error_of(response) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"] == 'Basic realm="catchment"'


def test_an_unknown_client_and_a_wrong_secret_are_told_alike(
    client: FlaskClient, erp: tuple[str, str], services: Services, acme: Actor
) -> None:
    other, others = clients_of(services).add("supplier", acme.id, "Other", ("events",))
    clients_of(services).revoke(other)
    wrong = erp[1][:-4] + "AAAA"
    answers = {
        asked(client, basic(*sent)).data
        for sent in (("nobody", erp[1]), (erp[0], wrong), (erp[0], "x"), (other, others))
    }
    assert len(answers) == 1


def test_addresses_that_ask_too_often_wait(app: Flask, client: FlaskClient) -> None:
    codes = [asked(client).status_code for _ in range(121)]
    assert codes == [401] * 120 + [429]


def test_the_audit_says_who_was_granted_and_refused_what_from_where(
    client: FlaskClient, erp: tuple[str, str], services: Services
) -> None:
    asked(client, basic(*erp))
    asked(client, basic(erp[0], "guessed"))
    asked(client, basic(*erp), "grant_type=client_credentials&scope=figures")
    asked(client, basic("who\x00ever", "x"))
    asked(client)
    uses = reversed(clients_of(services).uses())
    assert [(use.client, use.outcome, use.address) for use in uses] == [
        (erp[0], GRANTED, "127.0.0.1"),
        (erp[0], "invalid_client", "127.0.0.1"),
        (erp[0], "invalid_scope", "127.0.0.1"),
        ("who\\x00ever", "invalid_client", "127.0.0.1"),
        ("", "invalid_client", "127.0.0.1"),
    ]  # fmt: skip


# --- Where it is found -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["openid-configuration", "oauth-authorization-server"])
def test_the_token_endpoint_is_found_at_the_address_that_was_asked(
    client: FlaskClient, name: str
) -> None:
    found = client.get(f"/.well-known/{name}", base_url="https://carbon.example:8443").get_json()
    assert found["issuer"] == "https://carbon.example:8443"
    assert found["token_endpoint"] == "https://carbon.example:8443/auth/token"
    assert found["grant_types_supported"] == ["client_credentials"]
    assert "client_secret_basic" in found["token_endpoint_auth_methods_supported"]
    # OpenID Connect Discovery 1.0, section 3: what is required and can be said here.
    for member in ("response_types_supported", "subject_types_supported", "jwks_uri"):
        assert member in found


def test_the_key_is_shown_without_its_secret(client: FlaskClient) -> None:
    """RFC 8037, section 2: the members of a public Ed25519 key; `d` is the secret one."""
    (key,) = client.get("/.well-known/jwks.json").get_json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "kid", "alg", "use"}
    assert (key["kty"], key["crv"]) == ("OKP", "Ed25519")


# --- What a token opens ----------------------------------------------------------------------


def token_of(client: FlaskClient, erp: tuple[str, str], scope: str = "") -> str:
    body = f"grant_type=client_credentials&scope={quote_plus(scope)}"
    token: str = json.loads(asked(client, basic(*erp), body).data)["access_token"]
    return token


def test_without_the_scope_a_client_reads_what_anybody_may(
    client: FlaskClient, erp: tuple[str, str], acme: Actor, services: Services
) -> None:
    steel = acme.product("Steel")
    acme.footprint(steel, "2")
    address = f"/v1/products/{steel}/footprint"
    headers = bearer(token_of(client, erp))
    stranger = client.get(address)
    assert client.get(address, headers=headers).status_code == stranger.status_code != 200
    refused = client.get("/v1/log/entries/0", headers=headers)
    assert refused.status_code == 403
    assert json.loads(refused.data)["code"] == "scope-missing"
    whole = clients_of(services).add("supplier", acme.id, "Whole", ("figures",))
    assert client.get(address, headers=bearer(token_of(client, whole))).status_code == 200


def test_pact_is_answered_as_far_as_the_scope_reaches(
    client: FlaskClient, erp: tuple[str, str], factory: Factory
) -> None:
    def answer(scope: str) -> tuple[int, object]:
        headers = bearer(tokens[scope])
        response = client.get("/3/footprints", headers=headers)
        return response.status_code, json.loads(response.data).get("code")

    tokens = {scope: token_of(client, erp, scope) for scope in ("footprints", "events")}
    assert answer("footprints") == (200, None)
    assert answer("events") == (403, "AccessDenied")
    factory.clock.advance(seconds=1800)
    assert answer("footprints") == (401, "TokenExpired")


def test_a_client_reads_figures_as_a_token_of_its_role_and_enterprise_does(
    client: FlaskClient, acme: Actor, factory: Factory, services: Services, as_role: AsRole
) -> None:
    other = factory.enterprise("Other")
    steel = other.product("Steel")
    other.footprint(steel, "2")
    address, codes = f"/v1/products/{steel}/footprint", {}
    for role, of in (("supplier", acme), ("supplier", other), ("auditor", None)):
        added = clients_of(services).add(role, of.id if of else None, "ERP", ("figures",))
        code = client.get(address, headers=bearer(token_of(client, added))).status_code
        assert code == client.get(address, headers=as_role(role, of)).status_code
        codes[role, of.name if of else None] = code
    assert codes == {("supplier", "Acme"): 403, ("supplier", "Other"): 200, ("auditor", None): 200}


def test_a_wrong_access_token_is_refused_also_where_none_is_needed(
    client: FlaskClient, erp: tuple[str, str], acme: Actor
) -> None:
    token = token_of(client, erp)
    for wrong in (token[:-5], token + "A", token.replace(".", "", 1), "x.y.z"):
        response = client.get("/v1/statements", headers=bearer(wrong))
        assert (response.status_code, json.loads(response.data)["code"]) == (401, "token-invalid")


def test_an_expired_token_is_told_from_an_invalid_one(
    client: FlaskClient, erp: tuple[str, str], factory: Factory
) -> None:
    headers = bearer(token_of(client, erp))
    factory.clock.advance(seconds=1800)
    response = client.get("/v1/statements", headers=headers)
    assert (response.status_code, json.loads(response.data)["code"]) == (401, "token-expired")
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_a_copy_made_for_one_reach_serves_no_other(
    client: FlaskClient, acme: Actor, services: Services, factory: Factory
) -> None:
    steel = acme.product("Steel")
    acme.footprint(steel, "2")
    reaches = (("figures",), ("figures", "events"))
    tags = set()
    for scopes in reaches:
        erp = clients_of(services).add("supplier", acme.id, "ERP", scopes)
        headers = bearer(token_of(client, erp))
        tags.add(client.get(f"/v1/products/{steel}/footprint", headers=headers).headers["ETag"])
    assert len(tags) == len(reaches)
