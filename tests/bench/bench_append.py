"""Appending statements, beside bare verification of the same signatures.

The machine's limit for taking signed statements is how fast it verifies them; everything above that
is the log's own work: strict reading, admission, the tree, the rows and the commit to disk.
"""

from __future__ import annotations

import http.client
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import local
from unittest import mock
from urllib.parse import urlsplit

from ledger import jws, tile_store, tiles
from ledger import log as log_module
from ledger.log import Outcome, Refused
from ledger.sequencer import Sequencer
from ledger.statements import Product
from tests.bench.row import Row
from tests.e2e.factory_server import serving
from tests.factory import Actor, Factory

STATEMENTS = 2_000
BATCH = 100
CALLERS = 32
"""Threads that append single statements at the same time."""
CLIENTS = 8
"""Connections to the server, as many as it has threads."""


def run() -> list[Row]:
    """Statements per second: verified, appended one by one and together, sent to a server."""
    with tempfile.TemporaryDirectory() as folder:
        factory = Factory(Path(folder))
        try:
            acme = factory.enterprise("Acme")
            return [*_alone(acme), *_together(acme), *_over_http(acme, Path(folder))]
        finally:
            factory.close()


def _signed(acme: Actor, count: int) -> list[bytes]:
    body = {"name": "A product", "unit": "KGM"}
    return [acme.sign(Product(id=acme.factory.uuid(), **body)) for _ in range(count)]


def _alone(acme: Actor) -> list[Row]:
    """One caller, beside bare verification of the same signatures."""
    factory = acme.factory
    singles, batched = _signed(acme, STATEMENTS // 4), _signed(acme, STATEMENTS)
    envelopes = [jws.parse(envelope) for envelope in batched]
    key = acme.key.public

    verifying = _rate(lambda e: jws.verify(e, key), envelopes)
    reading = _rate(jws.parse, batched)
    one_by_one = _rate(lambda e: _append(factory, [e]), singles)
    batches = [batched[i : i + BATCH] for i in range(0, STATEMENTS, BATCH)]
    with _in_the_tree() as spent:
        in_batches = _rate(lambda b: _append(factory, b), batches) * BATCH
    share = sum(spent) * in_batches / STATEMENTS
    limit = "bare Ed25519 verification"
    return [
        Row("verify one signature (cryptography)", verifying, "1/s", 1.0, limit),
        Row("read one envelope strictly", reading, "1/s", reading / verifying, limit),
        Row("append one statement per commit", one_by_one, "1/s", one_by_one / verifying, limit),
        Row(f"append {BATCH} per commit", in_batches, "1/s", in_batches / verifying, limit),
        Row(f"{BATCH} per commit", in_batches, "1/s", in_batches / one_by_one, "one per commit"),
        Row(
            "tree, tiles and both roots of it",
            1000 * sum(spent) / len(batches),
            "ms",
            share,
            f"append {BATCH} per commit",
        ),
    ]


def _together(acme: Actor) -> list[Row]:
    """Many callers at once, with a transaction each and with a shared one."""
    log = acme.factory.log
    sequencer = Sequencer(log)
    each = _rate_at_once(CALLERS, lambda e: _check(log.append([e])), _signed(acme, STATEMENTS // 2))
    shared = _rate_at_once(
        CALLERS, lambda e: _check(sequencer.append([e])), _signed(acme, STATEMENTS // 2)
    )
    beside = "a commit for each"
    return [
        Row(f"{CALLERS} callers, a commit for each", each, "1/s", 1.0, beside),
        Row(f"{CALLERS} callers, commits shared", shared, "1/s", shared / each, beside),
    ]


def _over_http(acme: Actor, folder: Path) -> list[Row]:
    """A server in a process of its own, sent single statements and batches."""
    unlimited = "1000000 per minute"
    # The server reads the real clock.
    acme.factory.clock.now_ms = time.time_ns() // 1_000_000
    with serving(
        acme.factory, folder, CATCHMENT_SUBMIT_LIMIT=unlimited, CATCHMENT_BATCH_LIMIT=unlimited
    ) as address:
        post = _poster(address)
        singles, batched = _signed(acme, STATEMENTS // 2), _signed(acme, 2 * STATEMENTS)
        batches = [batched[i : i + BATCH] for i in range(0, len(batched), BATCH)]
        single = _rate_at_once(
            CLIENTS, lambda e: post("/v1/statements", e, "application/jose"), singles
        )
        bodies = [
            json.dumps({"statements": [each.decode() for each in b]}).encode() for b in batches
        ]
        batch = BATCH * _rate_at_once(
            CLIENTS, lambda b: post("/v1/statements/batch", b, "application/json"), bodies
        )
    beside = "single over HTTP"
    return [
        Row(f"single over HTTP, {CLIENTS} clients", single, "1/s", 1.0, beside),
        Row(f"batches of {BATCH} over HTTP", batch, "1/s", batch / single, beside),
    ]


def _poster(address: str) -> Callable[[str, bytes, str], None]:
    """Posts over one connection for each thread; raises AssertionError for what is refused."""
    here, mine = urlsplit(address), local()

    def post(path: str, body: bytes, media_type: str) -> None:
        if not hasattr(mine, "connection"):
            mine.connection = http.client.HTTPConnection(str(here.hostname), here.port, timeout=60)
        mine.connection.request("POST", path, body, {"Content-Type": media_type})
        response = mine.connection.getresponse()
        answer = json.loads(response.read())
        assert response.status in (200, 201), answer
        assert not answer.get("refused"), answer

    return post


@contextmanager
def _in_the_tree() -> Iterator[list[float]]:
    """Seconds spent in each step that grows the tree, reads it back, or checks it."""
    spent: list[float] = []

    def timed(work: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object) -> object:
            started = time.perf_counter()
            try:
                return work(*arguments)
            finally:
                spent.append(time.perf_counter() - started)

        return run

    steps = (
        (log_module, "_signed_frontier"),
        (log_module, "_agreed_root"),
        (tiles, "extend"),
        (tile_store, "write"),
    )
    with ExitStack() as patched:
        for module, name in steps:
            step = timed(getattr(module, name))
            patched.enter_context(mock.patch.object(module, name, step))
        yield spent


def _append(factory: Factory, envelopes: Sequence[bytes]) -> None:
    _check(factory.log.append(envelopes))


def _check(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            raise outcome.error


def _rate_at_once(threads: int, work: Callable[..., object], items: Sequence[object]) -> float:
    with ThreadPoolExecutor(threads) as pool:
        started = time.perf_counter()
        list(pool.map(work, items))
        return len(items) / (time.perf_counter() - started)


def _rate(work: Callable[..., object], items: Sequence[object]) -> float:
    started = time.perf_counter()
    for item in items:
        work(item)
    return len(items) / (time.perf_counter() - started)
