"""A real server on a real socket: granian in its own process, spoken to over HTTP/1.1."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ledger import receipt
from ledger.statements import Product
from tests.e2e.factory_server import serving
from tests.factory import ORIGIN, START_MS, Factory
from tests.patience import HANG_SECONDS


@pytest.fixture
def server(factory: Factory, tmp_path: Path) -> Iterator[str]:
    """The address of a server over the factory's log."""
    with serving(factory, tmp_path, CATCHMENT_THREADS=4) as address:
        yield address


@pytest.mark.slow
def test_a_statement_goes_in_over_the_wire_and_its_receipt_stands(
    server: str, factory: Factory
) -> None:
    # The server reads the real clock, the factory its own: `iat` has to please the first.
    acme = factory.enterprise("Acme")
    factory.clock.now_ms = time.time_ns() // 1_000_000
    assert factory.clock.now_ms > START_MS
    envelope = acme.sign(Product(id=factory.uuid(), name="Steel", unit="KGM"))
    headers = {"Content-Type": "application/jose"}

    first = requests.post(
        f"{server}/v1/statements", envelope, headers=headers, timeout=HANG_SECONDS
    )
    assert first.status_code == 201, first.text
    proof = receipt.Receipt.parse(first.json()["receipt"].encode())
    assert receipt.verify(proof, [factory.log.verifier], ORIGIN).size == factory.log.size()

    # Once more, in chunks and without a length.
    pieces = (envelope[at : at + 100] for at in range(0, len(envelope), 100))
    again = requests.post(f"{server}/v1/statements", pieces, headers=headers, timeout=HANG_SECONDS)
    assert (again.status_code, again.json()["new"]) == (200, False)

    # What is too large is refused, announced or not, and the server lives on.
    announced = http.client.HTTPConnection(server.removeprefix("http://"), timeout=HANG_SECONDS)
    announced.putrequest("POST", "/v1/statements")
    announced.putheader("Content-Type", "application/jose")
    announced.putheader("Content-Length", "1000000000")
    announced.endheaders()
    assert announced.getresponse().status == 413
    announced.close()
    chunks = (b"a" * 10_000 for _ in range(30))
    streamed = requests.post(
        f"{server}/v1/statements", chunks, headers=headers, timeout=HANG_SECONDS
    )
    assert streamed.status_code == 413
    assert requests.get(f"{server}/health", timeout=HANG_SECONDS).json()["status"] == "ok"
