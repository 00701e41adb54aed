"""Appending statements, beside bare verification of the same signatures.

The machine's limit for taking signed statements is how fast it verifies them; everything above that
is the log's own work: strict reading, admission, the tree, the rows and the commit to disk.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ledger import jws
from ledger.log import Refused
from ledger.statements import Product
from tests.bench.row import Row
from tests.factory import Factory

STATEMENTS = 2_000
BATCH = 100


def run() -> list[Row]:
    """Verify, append one by one, append in batches: statements per second of each."""
    with tempfile.TemporaryDirectory() as folder:
        factory = Factory(Path(folder))
        acme = factory.enterprise("Acme")
        singles, batched = (
            [acme.sign(Product(id=factory.uuid(), name="A product", unit="KGM")) for _ in range(n)]
            for n in (STATEMENTS // 4, STATEMENTS)
        )
        envelopes = [jws.parse(envelope) for envelope in batched]
        key = acme.key.public

        verifying = _rate(lambda e: jws.verify(e, key), envelopes)
        reading = _rate(jws.parse, batched)
        one_by_one = _rate(lambda e: _append(factory, [e]), singles)
        batches = [batched[i : i + BATCH] for i in range(0, STATEMENTS, BATCH)]
        in_batches = _rate(lambda b: _append(factory, b), batches) * BATCH
    limit = "bare Ed25519 verification"
    return [
        Row("verify one signature (cryptography)", verifying, "1/s", 1.0, limit),
        Row("read one envelope strictly", reading, "1/s", reading / verifying, limit),
        Row("append one statement per commit", one_by_one, "1/s", one_by_one / verifying, limit),
        Row(f"append {BATCH} per commit", in_batches, "1/s", in_batches / verifying, limit),
        Row(f"{BATCH} per commit", in_batches, "1/s", in_batches / one_by_one, "one per commit"),
    ]


def _append(factory: Factory, envelopes: Sequence[bytes]) -> None:
    for outcome in factory.log.append(envelopes):
        if isinstance(outcome, Refused):
            raise outcome.error


def _rate(work: Callable[..., object], items: Sequence[object]) -> float:
    started = time.perf_counter()
    for item in items:
        work(item)
    return len(items) / (time.perf_counter() - started)
