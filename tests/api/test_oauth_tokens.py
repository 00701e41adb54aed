"""Access tokens: what is taken for one, until when, and where the key lies that signs them."""

from __future__ import annotations

import base64
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask.testing import FlaskClient
from joserfc import jwk, jwt

from api.app import create_app
from api.callers import Caller
from api.errors import TokenExpired, TokenInvalid, TokenKeyRefused
from api.keys.keyfile import INSECURE_LINE
from api.oauth import token_key
from api.oauth.clients import clients_of
from api.oauth.grants import LIVING_MS, Grants, grants_of
from api.services import Services
from api.settings import Settings
from ledger.keys import PrivateKey
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "what is stored is tested with the store")


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


@pytest.fixture
def erp(services: Services, acme: Actor) -> tuple[str, str]:
    return clients_of(services).add("supplier", acme.id, "ERP", ("footprints", "events"))


@pytest.fixture
def token(services: Services, erp: tuple[str, str]) -> str:
    return granted(services, erp)


def granted(services: Services, erp: tuple[str, str]) -> str:
    return grants_of(services).grant(clients_of(services).authenticate(*erp)).token


def is_good(services: Services, token: str) -> bool:
    try:
        return grants_of(services).caller(token).client is not None
    except TokenInvalid:
        return False


def parts(token: str) -> list[Any]:
    """Header and claims, read without the library that wrote them."""
    return [
        json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        for part in token.split(".")[:2]
    ]


def test_a_token_says_what_rfc_9068_asks_for(
    services: Services, token: str, erp: tuple[str, str], factory: Factory
) -> None:
    header, claims = parts(token)
    assert (header["alg"], header["typ"]) == ("Ed25519", "at+jwt")
    now = factory.clock.now_ms // 1000
    assert (claims["iat"], claims["exp"]) == (now, now + 1800)
    assert (claims["sub"], claims["client_id"], claims["scope"]) == (
        erp[0],
        erp[0],
        "events footprints",
    )
    assert claims["iss"] == claims["aud"] == services.settings.public_address
    assert len(claims["jti"]) >= 16
    assert granted(services, erp) != token


def test_whoever_has_the_published_key_can_check_a_token(services: Services, token: str) -> None:
    keys = jwk.KeySet.import_key_set(grants_of(services).jwks)  # type: ignore[arg-type]  # as JSON has it
    assert jwt.decode(token, keys, ["Ed25519"]).claims == parts(token)[1]


def test_a_token_speaks_for_its_client(
    services: Services, token: str, erp: tuple[str, str], acme: Actor
) -> None:
    scopes = frozenset({"footprints", "events"})
    assert grants_of(services).caller(token) == Caller(
        "supplier", acme.id, client=erp[0], scopes=scopes
    )


# --- Forged ----------------------------------------------------------------------------------


def forged(token: str, key: Any, header: dict[str, Any], claims: dict[str, Any]) -> str:
    own, said = parts(token)
    return jwt.encode(own | header, said | claims, key, [(own | header)["alg"]])


def own_key(services: Services) -> jwk.OKPKey:
    return jwk.OKPKey.import_key(services.settings.token_key_file.read_bytes())


def test_a_token_without_a_signature_is_none(services: Services, token: str) -> None:
    header, claims = ({"alg": "none", "typ": "at+jwt"}, parts(token)[1])
    encoded = [
        base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=")
        for each in (header, claims)
    ]
    assert not is_good(services, ".".join((*encoded, "")))
    assert not is_good(services, token.rpartition(".")[0] + ".")


def test_a_token_signed_with_the_public_key_as_a_password_is_none(
    services: Services, token: str
) -> None:
    """The confusion of algorithms that RFC 8725 warns of in section 2.1."""
    public = grants_of(services).jwks["keys"][0]["x"]
    secret = jwk.OctKey.import_key({"kty": "oct", "k": public})
    assert not is_good(services, forged(token, secret, {"alg": "HS256"}, {}))


def test_a_token_of_another_key_is_none(services: Services, token: str) -> None:
    other = jwk.OKPKey.generate_key("Ed25519")
    assert not is_good(services, forged(token, other, {}, {}))
    assert not is_good(services, forged(token, other, {"jwk": other.as_dict(private=False)}, {}))


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ({"typ": "JWT"}, {}),
        ({"kid": "other"}, {}),
        ({"cty": "x"}, {}),
        ({}, {"aud": "https://other.example"}),
        ({}, {"aud": ["https://other.example"]}),
        ({}, {"iss": "https://other.example"}),
        ({}, {"sub": "00000000-0000-4000-8000-000000000000"}),
        ({}, {"secret": "0"}),
    ],
)
def test_our_own_signature_under_anything_else_is_no_token(
    services: Services, token: str, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    key = own_key(services)
    assert is_good(services, forged(token, key, {}, {}))
    assert not is_good(services, forged(token, key, header, claims))


def test_a_token_that_was_cut_or_changed_anywhere_is_none(services: Services, token: str) -> None:
    for at in range(0, len(token), 7):
        assert not is_good(services, token[:at])
    for at in range(0, len(token) - 2, 5):  # the last character carries bits that say nothing
        other = "A" if token[at] != "A" else "B"
        assert not is_good(services, token[:at] + other + token[at + 1 :])


@pytest.mark.parametrize(
    "sent", ["", ".", "..", "a.b.c", "é.è.à", "\x00", "x" * 3000, "A" * 2_000_000, "[" * 1000]
)
def test_rubbish_is_no_token(services: Services, sent: str) -> None:
    assert not is_good(services, sent)


# --- Until when ------------------------------------------------------------------------------


def test_a_token_ends_when_it_says_also_if_it_was_just_seen(
    services: Services, token: str, factory: Factory
) -> None:
    factory.clock.advance(seconds=1799)
    assert is_good(services, token)
    factory.clock.advance(seconds=1)
    with pytest.raises(TokenExpired):
        grants_of(services).caller(token)


def another_process(services: Services) -> Grants:
    return Grants(clients_of(services), services.settings, services.clock)


def test_a_revoked_clients_living_token_ends_within_seconds(
    services: Services, token: str, erp: tuple[str, str], factory: Factory
) -> None:
    assert is_good(services, token)
    clients_of(services).revoke(erp[0])
    with pytest.raises(TokenInvalid):
        another_process(services).caller(token)
    factory.clock.advance(seconds=LIVING_MS // 1000)
    assert LIVING_MS <= 5000
    assert not is_good(services, token)


def test_tokens_of_a_secret_that_was_ended_at_once_end_and_others_go_on(
    services: Services, token: str, erp: tuple[str, str], factory: Factory
) -> None:
    assert is_good(services, token)
    new = clients_of(services).rotate(erp[0], hours=0)
    after = granted(services, (erp[0], new))
    factory.clock.advance(seconds=5)
    assert not is_good(services, token)
    assert is_good(services, after)


def test_tokens_of_a_secret_that_was_rotated_out_go_on(
    services: Services, token: str, erp: tuple[str, str], factory: Factory
) -> None:
    clients_of(services).rotate(erp[0])
    factory.clock.advance(seconds=60)
    assert is_good(services, token)


def test_a_clock_that_was_put_back_keeps_no_revoked_client_alive(
    services: Services, token: str, erp: tuple[str, str], factory: Factory
) -> None:
    factory.clock.advance(seconds=600)
    assert is_good(services, token)
    clients_of(services).revoke(erp[0])
    factory.clock.advance(seconds=-300)
    assert not is_good(services, token)


def test_a_token_that_was_checked_is_not_checked_again(
    services: Services, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_good(services, token)
    monkeypatch.setattr(jwt, "decode", None)
    monkeypatch.setattr(clients_of(services), "holding", None)
    assert is_good(services, token)


def test_tokens_that_are_remembered_take_no_more_than_their_room(
    services: Services, erp: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.oauth.grants._MOST_REMEMBERED", 3)
    tokens = [granted(services, erp) for _ in range(5)]
    assert all(is_good(services, each) for each in tokens * 2)
    assert len(grants_of(services)._remembered._kept) == 3


# --- The key ---------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


def test_the_key_is_made_once_and_for_its_owner_alone(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as pool:
        read = {key.public.kid for key in pool.map(token_key.read, [settings] * 32)}
    assert len(read) == 1
    path = settings.token_key_file
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == [path.name]
    assert load_pem_private_key(path.read_bytes(), None)


def test_in_production_a_key_that_others_may_read_is_refused(
    settings: Settings,
) -> None:
    token_key.read(settings)
    production = replace(settings, environment="production")
    token_key.check(production)
    settings.token_key_file.chmod(0o640)
    token_key.check(settings)
    with pytest.raises(TokenKeyRefused, match="other users"):
        token_key.check(production)


def test_in_production_a_key_that_everybody_knows_is_refused(settings: Settings) -> None:
    pem = PrivateKey.generate("EdDSA").to_pem()
    settings.token_key_file.write_bytes(INSECURE_LINE + pem)
    settings.token_key_file.chmod(0o600)
    assert token_key.read(settings)
    with pytest.raises(TokenKeyRefused, match="insecure"):
        token_key.read(replace(settings, environment="production"))


@pytest.mark.parametrize(
    "text", [b"", b"rubbish", b"-----BEGIN PRIVATE KEY-----", PrivateKey.generate("ES256").to_pem()]
)
def test_what_is_no_ed25519_key_is_refused(settings: Settings, text: bytes) -> None:
    settings.token_key_file.write_bytes(text)
    with pytest.raises(TokenKeyRefused):
        token_key.read(settings)


def test_a_folder_that_is_not_there_is_told(settings: Settings) -> None:
    with pytest.raises(TokenKeyRefused, match="No such file"):
        token_key.read(replace(settings, token_key=str(settings.data / "absent" / "key.pem")))


# --- Over the network ------------------------------------------------------------------------


def production_client(services: Services, **settings: Any) -> FlaskClient:
    own = replace(services.settings, environment="production", **settings)
    return create_app(own, services=replace(services, settings=own)).test_client()


def test_in_production_no_secret_is_taken_over_plain_http(
    services: Services, erp: tuple[str, str]
) -> None:
    client = production_client(services, trusted_proxies=1)
    header = "Basic " + base64.b64encode(":".join(erp).encode()).decode()
    asked: dict[str, Any] = {
        "data": {"grant_type": "client_credentials"},
        "headers": {"Authorization": header},
    }
    plain = client.post("/auth/token", **asked)
    assert (plain.status_code, json.loads(plain.data)["error"]) == (400, "invalid_request")
    assert client.get("/.well-known/openid-configuration").status_code == 400
    asked["headers"]["X-Forwarded-Proto"] = "https"
    assert client.post("/auth/token", **asked).status_code == 200
    found = client.get(
        "/.well-known/openid-configuration",
        headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "carbon.example"},
    )
    assert found.get_json()["token_endpoint"] == "https://carbon.example/auth/token"
