"""Statements over HTTP: what is taken, what is refused and how, and that nothing is half done."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ledger import jws, receipt, strict_base64
from ledger.keys import PrivateKey
from ledger.statements import Enterprise, Inventory, Product, Production
from tests.factory import ORIGIN, Actor, Factory, day, year_of

JOSE = "application/jose"
BATCH = "/v1/statements/batch"


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


def steel(actor: Actor, name: str = "Steel") -> bytes:
    return actor.sign(Product(id=actor.factory.uuid(), name=name, unit="KGM"))


def submit(client: FlaskClient, body: bytes, content_type: str = JOSE) -> TestResponse:
    return client.post("/v1/statements", data=body, content_type=content_type)


def submit_batch(client: FlaskClient, envelopes: list[bytes], query: str = "") -> TestResponse:
    return client.post(
        f"{BATCH}{query}", json={"statements": [each.decode() for each in envelopes]}
    )


def check_problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """A problem document with everything a person needs, and nothing internal."""
    assert response.content_type == "application/problem+json"
    problem: dict[str, Any] = json.loads(response.data)
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"/v1/problems/{code}"
    assert problem["title"]
    assert problem["detail"]
    assert not {"Traceback", "sqlalchemy", "/work", ".py"} & set(response.text.split())
    return problem


# --- Taken -----------------------------------------------------------------------------------


def test_a_new_statement_is_created_with_a_receipt_that_stands_offline(
    client: FlaskClient, factory: Factory, acme: Actor
) -> None:
    envelope = steel(acme)
    response = submit(client, envelope)
    told = response.get_json()
    assert response.status_code == 201
    assert (told["index"], told["type"], told["new"]) == (3, "product", True)
    assert told["digest"] == jws.parse(envelope).signing_digest
    assert response.headers["Location"] == f"/v1/statements/{told['digest']}"
    proof = receipt.Receipt.parse(told["receipt"].encode())
    checkpoint = receipt.verify(proof, [factory.log.verifier], ORIGIN)
    assert (proof.index, checkpoint.size) == (3, 4)


def test_the_same_statement_again_changes_nothing_and_gets_its_receipt(
    client: FlaskClient, factory: Factory, acme: Actor
) -> None:
    envelope = steel(acme)
    first = submit(client, envelope).get_json()
    steel_again = submit(client, envelope)
    assert steel_again.status_code == 200
    assert steel_again.get_json()["index"] == first["index"]
    assert steel_again.get_json()["new"] is False
    assert factory.log.size() == 4


def test_one_statement_sent_by_many_at_once_becomes_one_entry(
    app: Flask, factory: Factory, acme: Actor
) -> None:
    envelope = steel(acme)
    with ThreadPoolExecutor(8) as pool:
        sent = pool.map(lambda _: submit(app.test_client(), envelope), range(16))
    answers = [(each.status_code, each.get_json()["index"]) for each in sent]
    assert sorted(answers) == [(200, 3)] * 15 + [(201, 3)]
    assert factory.log.size() == 4


def test_plain_text_is_taken_too(client: FlaskClient, acme: Actor) -> None:
    assert submit(client, steel(acme), "text/plain; charset=utf-8").status_code == 201


def test_speaking_for_another_is_shown(client: FlaskClient, factory: Factory, acme: Actor) -> None:
    agent = factory.enterprise("Agent")
    acme.delegate(agent)
    body = Product(id=factory.uuid(), name="Steel", unit="KGM")
    told = submit(client, agent.sign(body, subject=acme.id)).get_json()
    assert told["onBehalf"] is True


# --- Refused one by one ------------------------------------------------------------------------


def wrong_signature(acme: Actor) -> bytes:
    signing_input, _, signature = steel(acme).rpartition(b".")
    flipped = b"A" if signature[:1] != b"A" else b"B"
    return signing_input + b"." + flipped + signature[1:]


def unknown_key(acme: Actor) -> bytes:
    return steel(acme.with_key())


def hand_made(acme: Actor, payload: bytes) -> bytes:
    """An envelope that our own signer would refuse to make, over any payload."""
    header = {"alg": "EdDSA", "kid": acme.key.public.kid, "typ": jws.STATEMENT_TYP}
    parts = (json.dumps(header).encode(), payload)
    signing_input = ".".join(strict_base64.to_url(part) for part in parts).encode()
    signature = strict_base64.to_url(acme.key.sign(signing_input))
    return signing_input + b"." + signature.encode()


def payload_text(acme: Actor) -> str:
    return json.dumps(acme.payload(Product(id=acme.factory.uuid(), name="Steel", unit="KGM")))


def duplicate_key(acme: Actor) -> bytes:
    return hand_made(acme, payload_text(acme).replace("{", '{"v": 1, ', 1).encode())


def float_number(acme: Actor) -> bytes:
    text = payload_text(acme).replace('"name": "Steel"', '"name": "Steel", "massPerUnit": 1.5')
    return hand_made(acme, text.encode())


def deep(acme: Actor) -> bytes:
    nested = "[" * 40 + "]" * 40
    return hand_made(acme, payload_text(acme).replace('"Steel"', nested).encode())


def not_json(acme: Actor) -> bytes:
    return hand_made(acme, b"{")


def list_payload(acme: Actor) -> bytes:
    return hand_made(acme, b"[]")


def byte_order_mark(acme: Actor) -> bytes:
    return hand_made(acme, b"\xef\xbb\xbf" + payload_text(acme).encode())


def negative_mass(acme: Actor) -> bytes:
    text = payload_text(acme).replace('"KGM"', '"KGM", "massPerUnit": "-1"')
    return hand_made(acme, text.encode())


def trailing_newline(acme: Actor) -> bytes:
    return steel(acme) + b"\n"


def algorithm_none(acme: Actor) -> bytes:
    header = strict_base64.to_url(b'{"alg":"none","kid":"x","typ":"catchment-statement"}')
    return header.encode() + b"." + steel(acme).split(b".", 1)[1]


def foreign_log(acme: Actor) -> bytes:
    text = payload_text(acme).replace(ORIGIN, "another.example/log")
    return hand_made(acme, text.encode())


def old_clock(acme: Actor) -> bytes:
    body = Product(id=acme.factory.uuid(), name="Steel", unit="KGM")
    return acme.sign(body, iat=acme.factory.clock.now_ms // 1000 - 30 * 86_400)


def unregistered_site(acme: Actor) -> bytes:
    return acme.sign(Inventory(site=acme.factory.uuid(), period=year_of(2025), emissions=()))


def not_the_registrar(acme: Actor) -> bytes:
    return acme.sign(Enterprise(id=acme.id, name="Acme the second"))


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        (wrong_signature, 422, "signature-invalid"),
        (unknown_key, 403, "unknown-key"),
        (duplicate_key, 400, "json-duplicate-key"),
        (float_number, 400, "json-float-refused"),
        (deep, 400, "json-too-deep"),
        (not_json, 400, "json-syntax"),
        (byte_order_mark, 400, "json-not-utf8"),
        (list_payload, 400, "envelope-payload-not-object"),
        (negative_mass, 422, "statement-malformed"),
        (trailing_newline, 400, "base64-not-canonical"),
        (algorithm_none, 400, "envelope-algorithm-refused"),
        (foreign_log, 422, "foreign-log"),
        (old_clock, 422, "clock-skew"),
        (unregistered_site, 422, "unknown-reference"),
        (not_the_registrar, 403, "not-authorised"),
    ],
)
def test_a_bad_statement_gets_a_clear_problem_and_leaves_no_trace(
    client: FlaskClient,
    factory: Factory,
    acme: Actor,
    make: Callable[[Actor], bytes],
    status: int,
    code: str,
) -> None:
    body, before = make(acme), factory.log.checkpoint()
    problem = check_problem(submit(client, body), status, code)
    assert factory.log.checkpoint() == before
    # In a batch the same statement has the same problem, and a good neighbour is not held up.
    result = submit_batch(client, [body, steel(acme)]).get_json()["results"]
    assert result[0] == {"status": status, "problem": problem}
    assert result[1]["status"] == 201


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"", JOSE, 400, "body-empty"),
        (bytes(range(256)), JOSE, 400, "envelope-not-compact"),
        (b"\xff.\xfe.\xfd", JOSE, 400, "base64-not-canonical"),
        (b"..", JOSE, 400, "json-syntax"),
        (b"{}", "application/json", 415, "media-type-refused"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "media-type-refused"),
        (b"a.b.c", "", 415, "media-type-refused"),
        (b"a" * 266_241, JOSE, 413, "too-large"),
    ],
)
def test_a_body_that_is_no_statement_gets_a_clear_problem(
    client: FlaskClient,
    factory: Factory,
    body: bytes,
    content_type: str,
    status: int,
    code: str,
) -> None:
    check_problem(submit(client, body, content_type), status, code)
    assert factory.log.size() == 1


def test_every_flaw_of_a_statement_is_listed(client: FlaskClient, acme: Actor) -> None:
    text = payload_text(acme).replace('"KGM"', '"cubits", "energyCarrier": "hope"')
    problem = check_problem(
        submit(client, hand_made(acme, text.encode())), 422, "statement-malformed"
    )
    assert {each["where"] for each in problem["problems"]} == {"/unit", "/energyCarrier"}


def test_a_second_opening_of_a_chain_names_the_head_to_follow(
    client: FlaskClient, factory: Factory, acme: Actor
) -> None:
    plant = acme.site()
    head = acme.inventory(plant)
    again = acme.sign(head.statement.body)
    problem = check_problem(submit(client, again), 409, "chain-exists")
    assert head.digest in problem["advice"]


def test_overlapping_periods_are_refused(client: FlaskClient, acme: Actor) -> None:
    plant, product = acme.site(), acme.product("Steel")
    acme.production(product, plant, "5")
    quarter = dataclasses.replace(year_of(2025), end=day("2025-04-01"))
    body = Production(product=product, site=plant, period=quarter, amount=Decimal(1), unit="KGM")
    problem = check_problem(submit(client, acme.sign(body)), 409, "overlapping-periods")
    assert "2025-01-01/2026-01-01" in problem["detail"]


def test_an_outrun_correction_names_the_statement_in_force(
    client: FlaskClient, acme: Actor
) -> None:
    plant = acme.site()
    first = acme.inventory(plant)
    second = acme.correct(first)
    late = acme.sign(first.statement.body, prev=first.digest)
    problem = check_problem(submit(client, late), 409, "stale-head")
    assert second.digest in problem["advice"]


def test_a_body_longer_than_announced_limits_is_refused_unread(client: FlaskClient) -> None:
    class Unread:
        def read(self, *_: object) -> bytes:
            raise AssertionError("the body was read")

    response = client.post(
        "/v1/statements",
        content_type=JOSE,
        environ_overrides={"wsgi.input": Unread(), "CONTENT_LENGTH": "266241"},
    )
    check_problem(response, 413, "too-large")


def test_a_stream_without_length_is_cut_off_at_the_limit(client: FlaskClient) -> None:
    class Endless:
        sent = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= 1_000_000
            self.sent += size
            return b"a" * size

        def readinto(self, buffer: bytearray) -> int:
            buffer[:] = b"a" * len(buffer)
            self.sent += len(buffer)
            return len(buffer)

    body = Endless()
    response = client.post(
        "/v1/statements",
        content_type=JOSE,
        environ_overrides={
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "CONTENT_LENGTH": "",
        },
    )
    check_problem(response, 413, "too-large")
    assert body.sent <= 2 * jws.MAX_COMPACT_BYTES


# --- Batches -----------------------------------------------------------------------------------


def test_a_batch_keeps_what_passes_and_says_why_of_the_rest(
    client: FlaskClient, factory: Factory, acme: Actor
) -> None:
    before = factory.log.size()
    sent = [steel(acme, "A"), wrong_signature(acme), steel(acme, "B")]
    response = submit_batch(client, sent)
    told = response.get_json()
    assert response.status_code == 200
    assert [each["status"] for each in told["results"]] == [201, 422, 201]
    assert (told["accepted"], told["refused"], told["written"]) == (2, 1, True)
    assert factory.log.size() == before + 2


def test_the_statements_of_a_batch_stand_on_one_another(
    client: FlaskClient, factory: Factory, acme: Actor
) -> None:
    product = Product(id=factory.uuid(), name="Steel", unit="KGM")
    opening = acme.sign(product)
    correction = acme.sign(
        dataclasses.replace(product, name="Stainless"), prev=jws.parse(opening).signing_digest
    )
    told = submit_batch(client, [opening, correction, opening]).get_json()
    assert [each["status"] for each in told["results"]] == [201, 201, 200]


def test_an_atomic_batch_with_a_refusal_stores_nothing(
    client: FlaskClient, factory: Factory, acme: Actor
) -> None:
    before = factory.log.checkpoint()
    response = submit_batch(client, [steel(acme), wrong_signature(acme)], "?atomic=true")
    problem = check_problem(response, 409, "batch-refused")
    assert [each["status"] for each in problem["results"]] == [201, 422]
    assert (problem["accepted"], problem["refused"], problem["written"]) == (1, 1, False)
    assert factory.log.checkpoint() == before


def test_an_atomic_batch_without_refusals_is_stored(
    client: FlaskClient, factory: Factory, acme: Actor
) -> None:
    told = submit_batch(client, [steel(acme), steel(acme)], "?atomic=true").get_json()
    assert told["written"] is True
    assert factory.log.size() == 5


def test_a_dry_run_tells_and_stores_nothing(
    client: FlaskClient, factory: Factory, acme: Actor
) -> None:
    before = factory.log.checkpoint()
    sent = [steel(acme), wrong_signature(acme)]
    for query in ("?dry_run=true", "?dry_run=true&atomic=true"):
        response = submit_batch(client, sent, query)
        told = response.get_json()
        assert response.status_code == 200
        assert [each["status"] for each in told["results"]] == [201, 422]
        assert told["written"] is False
    assert factory.log.checkpoint() == before


@pytest.mark.parametrize(
    ("body", "status", "code", "where"),
    [
        (b"", 400, "body-empty", None),
        (b"{", 400, "json-syntax", None),
        (b'{"statements": ["a"], "statements": ["b"]}', 400, "json-duplicate-key", None),
        (b"[]", 422, "body-refused", "/"),
        (b"{}", 422, "body-refused", "/"),
        (b'{"statements": ["a"], "atomic": true}', 422, "body-refused", "/"),
        (b'{"statements": "a.b.c"}', 422, "body-refused", "/statements"),
        (b'{"statements": []}', 422, "body-refused", "/statements"),
        (b'{"statements": ["a", 7]}', 422, "body-refused", "/statements/1"),
        (b'{"statements": [1.5]}', 400, "json-float-refused", "/statements/0"),
        (b'{"statements": ["\\ud800"]}', 400, "json-lone-surrogate", "/statements/0"),
        (json.dumps({"statements": ["a"] * 21}).encode(), 413, "batch-too-large", "/statements"),
        (b'"' + b"a" * 300_000, 413, "too-large", None),
        (b"\x00\xff" * 50, 400, "json-not-utf8", None),
    ],
)
def test_a_body_that_is_no_batch_gets_a_clear_problem(
    client: FlaskClient,
    factory: Factory,
    body: bytes,
    status: int,
    code: str,
    where: str | None,
) -> None:
    response = client.post(BATCH, data=body, content_type="application/json")
    problem = check_problem(response, status, code)
    if where is not None:
        assert problem["where"] == where
    assert factory.log.size() == 1


def test_a_batch_is_json(client: FlaskClient) -> None:
    response = client.post(BATCH, data=b"a.b.c", content_type=JOSE)
    assert "application/json" in check_problem(response, 415, "media-type-refused")["advice"]


@pytest.mark.parametrize("query", ["?atomic=perhaps", "?atomc=true", "?dry-run=true"])
def test_a_mistyped_parameter_is_refused_before_anything_is_stored(
    client: FlaskClient, factory: Factory, acme: Actor, query: str
) -> None:
    before = factory.log.size()
    check_problem(submit_batch(client, [steel(acme)], query), 400, "parameters-refused")
    assert factory.log.size() == before


def test_items_that_are_not_text_of_the_alphabet_are_refused_one_by_one(
    client: FlaskClient, acme: Actor
) -> None:
    sent = {"statements": ["钢.铁.厂", "", steel(acme).decode()]}
    told = client.post(BATCH, json=sent).get_json()
    codes = [each.get("problem", {}).get("code") for each in told["results"]]
    assert codes == ["base64-not-canonical", "envelope-not-compact", None]


def test_an_unregistered_key_of_the_other_kind_is_refused_alike(
    client: FlaskClient, acme: Actor
) -> None:
    stranger = dataclasses.replace(acme, key=PrivateKey.generate("ES256"))
    check_problem(submit(client, steel(stranger)), 403, "unknown-key")
