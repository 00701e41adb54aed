"""The log over HTTP: whoever has its key can check everything it says."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger import receipt
from ledger.checkpoint import Checkpoint
from ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from ledger.note import VerifierKey, open_note
from tests.api.conftest import AsRole
from tests.factory import ORIGIN, Actor, Factory


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


def hashes(proof: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(each) for each in proof["hashes"]]


def test_the_log_introduces_itself(client: FlaskClient, factory: Factory, acme: Actor) -> None:
    told = client.get("/v1/log").get_json()
    assert (told["origin"], told["genesis"]) == (ORIGIN, factory.log.genesis.digest)
    assert VerifierKey.parse(told["vkey"]) == factory.log.verifier
    assert told["registrar"] == factory.operator.key.public.kid
    assert (told["pastSeconds"], told["futureSeconds"], told["size"]) == (604_800, 300, 3)


def test_the_checkpoint_is_a_note_anybody_may_keep_for_a_moment(
    client: FlaskClient, factory: Factory, acme: Actor
) -> None:
    response = client.get("/v1/log/checkpoint")
    assert response.content_type == "text/plain; charset=utf-8"
    assert response.headers["Cache-Control"] == "public, max-age=2"
    assert "Vary" not in response.headers
    note = open_note(response.data, [factory.log.verifier])
    assert Checkpoint.parse(note.text).size == 3


def test_proofs_need_no_token_and_hold(
    client: FlaskClient, factory: Factory, acme: Actor, as_role: AsRole
) -> None:
    older = Checkpoint.parse(open_note(factory.log.checkpoint(), [factory.log.verifier]).text)
    for name in "ABCD":
        acme.product(name)
    told = client.get("/v1/log").get_json()
    size, root = told["size"], base64.b64decode(told["root"])
    entry = client.get("/v1/log/entries/4", headers=as_role("auditor")).get_json()
    leaf = receipt.Receipt.parse(entry["receipt"].encode()).leaf

    inclusion = client.get("/v1/log/proofs/inclusion?index=4").get_json()
    assert inclusion["size"] == size
    verify_inclusion(leaf_hash(leaf), 4, size, hashes(inclusion), root)

    consistency = client.get(f"/v1/log/proofs/consistency?from={older.size}&to={size}").get_json()
    verify_consistency(older.size, older.root, size, root, hashes(consistency))


def test_an_entry_is_shown_to_auditors_and_to_whose_statement_it_is(
    client: FlaskClient, factory: Factory, acme: Actor, as_role: AsRole
) -> None:
    said = acme.inventory(acme.site())
    other = factory.enterprise("Other")
    address = f"/v1/log/entries/{said.index}"
    for reader in (as_role("auditor"), as_role("supplier", acme)):
        told = client.get(address, headers=reader).get_json()
        assert told["leaf"]["signed"] == said.digest
        assert told["envelope"] == said.statement.envelope.compact.decode()
    for stranger in (as_role("supplier", other), as_role("operator")):
        response = client.get(address, headers=stranger)
        assert (response.status_code, response.get_json(force=True)["code"]) == (
            404,
            "entry-not-found",
        )
    assert client.get(address).status_code == 401


def test_a_receipt_is_text_that_stands_offline(
    client: FlaskClient, factory: Factory, acme: Actor, as_role: AsRole
) -> None:
    said = acme.inventory(acme.site())
    response = client.get(f"/v1/log/receipts/{said.index}", headers=as_role("supplier", acme))
    assert response.content_type == "text/plain; charset=utf-8"
    proof = receipt.Receipt.parse(response.data)
    assert receipt.verify(proof, [factory.log.verifier], ORIGIN).size == factory.log.size()
    assert proof.index == said.index


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("entries/3", 404, "entry-not-found"),
        ("entries/-1", 404, "not-found"),
        ("entries/9007199254740991", 404, "entry-not-found"),
        ("entries/9007199254740992", 404, "not-found"),
        ("entries/1e1", 404, "not-found"),
        ("receipts/3", 404, "entry-not-found"),
        ("proofs/inclusion", 400, "parameters-refused"),
        ("proofs/inclusion?index=3", 404, "outside-tree"),
        ("proofs/inclusion?index=0&size=0", 404, "outside-tree"),
        ("proofs/inclusion?index=0&size=4", 404, "outside-tree"),
        ("proofs/inclusion?index=0&size=9007199254740991", 404, "outside-tree"),
        ("proofs/inclusion?index=99999999999999999999", 400, "parameters-refused"),
        ("proofs/consistency?from=0", 404, "outside-tree"),
        ("proofs/consistency?from=2&to=1", 404, "outside-tree"),
        ("proofs/consistency?from=1&to=4", 404, "outside-tree"),
        ("proofs/consistency?from=1&from_=2", 400, "parameters-refused"),
        ("proofs/consistency?to=1", 400, "parameters-refused"),
    ],
)
def test_what_is_outside_the_tree_is_a_clear_problem(
    client: FlaskClient, acme: Actor, as_role: AsRole, address: str, status: int, code: str
) -> None:
    response = client.get(f"/v1/log/{address}", headers=as_role("auditor"))
    assert (response.status_code, response.get_json(force=True)["code"]) == (status, code)
