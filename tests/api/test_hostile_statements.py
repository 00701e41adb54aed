"""Threats 15 and 16 on the way in: whatever is signed and sent, the server never answers 5xx.

The examples of every type, well signed, with one member replaced by any JSON; and bytes that only
look like JSON under a sound signature.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from api.app import create_app
from api.cli.examples import EXAMPLES
from api.keys.tokens import Tokens
from api.services import Services
from api.settings import Settings
from graph.engine import Engine
from ledger import jws, strict_base64
from ledger.statements import Product
from tests.factory import Actor, Factory

UNLIMITED = Settings(
    read_limit="1000000 per minute",
    submit_limit="1000000 per minute",
    batch_limit="1000000 per minute",
)
ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["", "0", "-1", "1e400", "NaN", "9" * 400, "2025-02-30", "\x00", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def actor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Actor]:
    factory = Factory(Path(tmp_path_factory.mktemp("log")))
    yield factory.enterprise("Acme", roles=("supplier", "park"))
    factory.close()


@pytest.fixture(scope="module")
def client(actor: Actor) -> FlaskClient:
    f = actor.factory
    services = Services(
        f.log, Engine(f.log), Tokens(f.engine, f.clock), UNLIMITED, f.engine, f.clock
    )
    return create_app(UNLIMITED, services=services).test_client()


def _sealed(actor: Actor, payload: bytes) -> bytes:
    """Signed as it is: our own signer would refuse most of it."""
    header = {"alg": "EdDSA", "kid": actor.key.public.kid, "typ": jws.STATEMENT_TYP}
    parts = (json.dumps(header).encode(), payload)
    signing_input = ".".join(map(strict_base64.to_url, parts)).encode()
    return signing_input + b"." + strict_base64.to_url(actor.key.sign(signing_input)).encode()


def _check_never_5xx(client: FlaskClient, envelope: bytes) -> None:
    response = client.post("/v1/statements", data=envelope, content_type="application/jose")
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        assert response.content_type == "application/problem+json"
        assert json.loads(response.data)["detail"]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths to everything inside, the whole included."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(item, (*path, key))


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = _replaced(value[path[0]], path[1:], new)
    return changed


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
@tried(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_signed_statement_with_any_json_in_any_place_is_never_an_error_of_the_server(
    client: FlaskClient, actor: Actor, kind: str, data: st.DataObject
) -> None:
    """Threat 16."""
    common = actor.payload(Product(id=actor.factory.uuid(), name="Steel", unit="KGM"))
    body = {"jti": actor.factory.jti(), "iss": actor.id, "subject": actor.id}
    payload = {**common, **copy.deepcopy(dict(EXAMPLES[kind])), **body, "type": kind}
    place = data.draw(st.sampled_from(list(_places(payload))))
    changed = _replaced(payload, place, data.draw(ANY))
    _check_never_5xx(client, _sealed(actor, json.dumps(changed).encode()))


@tried(max_examples=60, deadline=None)
@given(data=st.data())
def test_signed_bytes_that_resemble_a_statement_are_never_an_error_of_the_server(
    client: FlaskClient, actor: Actor, data: st.DataObject
) -> None:
    """Threats 15 and 16: cut, doubled and overwritten under a sound signature."""
    sound = json.dumps(actor.payload(Product(id=actor.factory.uuid(), name="钢", unit="KGM")))
    text = sound.encode()
    for _ in range(data.draw(st.integers(1, 3))):
        start, stop = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        new = data.draw(st.one_of(st.binary(max_size=5), st.just(text[start:stop] * 2)))
        text = text[:start] + new + text[stop:]
    _check_never_5xx(client, _sealed(actor, text))
