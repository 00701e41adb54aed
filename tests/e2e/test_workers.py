"""Several worker processes behind one port: one log, whoever answers."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from api.keys.tokens import Tokens
from ledger import receipt
from ledger.statements import Product
from tests.e2e.factory_server import serving
from tests.factory import ORIGIN, Factory
from tests.patience import HANG_SECONDS, until

WORKERS = 3
POSTS = 90
LIMIT = 10_000


@pytest.fixture
def server(factory: Factory, tmp_path: Path) -> Iterator[str]:
    """The address of a server with several workers over the factory's log."""
    limit = f"{LIMIT} per hour"
    with serving(factory, tmp_path, workers=WORKERS, CATCHMENT_SUBMIT_LIMIT=limit) as address:
        yield address


@pytest.mark.slow
def test_what_several_workers_take_is_one_log_and_every_receipt_stands(
    server: str, factory: Factory
) -> None:
    acme = factory.enterprise("Acme")
    # The workers read the real clock.
    factory.clock.now_ms = time.time_ns() // 1_000_000
    size = factory.log.size()
    once = [
        acme.sign(Product(id=factory.uuid(), name="Steel", unit="KGM")) for _ in range(POSTS // 2)
    ]

    def post(envelope: bytes) -> requests.Response:
        # A connection each: the kernel deals them out to the workers.
        headers = {"Content-Type": "application/jose"}
        return requests.post(
            f"{server}/v1/statements", envelope, headers=headers, timeout=HANG_SECONDS
        )

    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(post, [*once, *once]))
    assert {response.status_code for response in responses} == {200, 201}, responses[0].text
    answers = [response.json() for response in responses]
    for answer in answers:
        proof = receipt.Receipt.parse(answer["receipt"].encode())
        assert proof.index == answer["index"]
        assert receipt.verify(proof, [factory.log.verifier], ORIGIN).size > answer["index"]
    indexes = [answer["index"] for answer in answers]
    assert indexes[: POSTS // 2] == indexes[POSTS // 2 :]
    assert sorted({*indexes}) == list(range(size, size + POSTS // 2))
    assert sum(answer["new"] for answer in answers) == POSTS // 2
    assert [factory.log.entry(index).envelope for index in indexes[: POSTS // 2]] == once

    # Each worker counts for itself: nobody was counted as often as there were posts.
    left = [int(response.headers["X-RateLimit-Remaining"]) for response in responses]
    assert LIMIT - min(left) < POSTS

    # Whichever worker is asked, it has followed what the others took.
    _, secret = Tokens(factory.engine, factory.clock).issue("auditor", None, "test")
    for _ in range(4 * WORKERS):
        found = _get(server, "/v1/statements?type=product&limit=100", secret)
        assert [item["index"] for item in found["items"]] == sorted({*indexes})
        assert _get(server, "/v1/log", secret)["size"] == size + POSTS // 2


@pytest.mark.slow
def test_a_worker_that_dies_takes_nobody_with_it_and_another_comes(
    server: str, tmp_path: Path
) -> None:
    def told(what: str) -> list[str]:
        return re.findall(what, (tmp_path / "server.log").read_text("utf-8"))

    begun = told(r"with PID: (\d+)")
    assert len(begun) == WORKERS
    os.kill(int(begun[0]), signal.SIGKILL)
    until(lambda: len(told("Started worker-")) == WORKERS + 1)
    assert len(told("with PID: ")) == WORKERS + 1
    assert requests.get(f"{server}/health", timeout=HANG_SECONDS).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_a_server_that_is_told_to_end_while_its_workers_start_ends(
    factory: Factory, tmp_path: Path, attempt: int
) -> None:
    with serving(factory, tmp_path, workers=WORKERS, waits_for=1):
        pass  # to leave is to have it end


def _get(server: str, path: str, secret: str) -> Any:
    response = requests.get(
        f"{server}{path}", headers={"Authorization": f"Bearer {secret}"}, timeout=HANG_SECONDS
    )
    assert response.ok, response.text
    return response.json()
