"""Checking without the log: proofs from stored tiles, and a bundle audited offline.

The machine's limit for an audit is how fast it verifies the signatures; everything above that is
strict reading, judging each entry again, and the tree. Both are measured in turns, and the best of
each counts: what else the machine does must not tell for or against either.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

import migrations
from graph.publishing.published import input_types
from ledger import jws, tile_store, tiles
from ledger.log import Refused
from ledger.merkle import verify_inclusion
from ledger.rejudge import nobody
from ledger.statements import Product, Production
from ledger.store import open_engine, reading, writing
from ledger.verify import Audit, Verdict, verdict_of
from tests.audited import bundled, packed, publish, trust_of
from tests.bench.row import Row
from tests.factory import Factory, year_of

ENTRIES = 4_000
ROUNDS = 5
BATCH = 500
PROOFS = 200
TREES = {100_000: 2.0, 1_000_000: 4.0}
"""Entries in a log, and the milliseconds that a proof may take."""


def run() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        return [*_proofs(Path(folder)), *_audit(Path(folder))]


def _proofs(folder: Path) -> list[Row]:
    rows = []
    for size, limit in TREES.items():
        engine = open_engine(f"sqlite:///{folder}/tree-{size}.db")
        migrations.upgrade(engine)
        root = _grow(engine, size)
        rows.append(_proof(engine, size, root, limit))
        engine.dispose()
    return rows


def _grow(engine: sa.Engine, size: int) -> bytes:
    """Store the tiles of a tree over numbers, and return its root."""
    hashes = [_leaf(index) for index in range(size)]
    with writing(engine) as connection:
        tile_store.write(connection, tiles.extend(0, hashes, lambda level, index: b""))
        return tiles.root(size, tile_store.reader(connection))


def _leaf(index: int) -> bytes:
    return hashlib.sha256(index.to_bytes(8, "big")).digest()


def _proof(engine: sa.Engine, size: int, root: bytes, limit: float) -> Row:
    """Made and verified, each in a transaction of its own, spread over the whole tree."""
    spent = []
    for index in range(0, size, size // PROOFS):
        started = time.perf_counter()
        with reading(engine) as connection:
            path = tiles.inclusion_path(index, size, tile_store.reader(connection))
        spent.append(time.perf_counter() - started)
        verify_inclusion(_leaf(index), index, size, path, root)
    median = sorted(spent)[len(spent) // 2] * 1000
    return Row(
        f"a proof in a log of {size:,} entries", median, "ms", median / limit, f"{limit:g} ms"
    )


def _audit(folder: Path) -> list[Row]:
    factory = Factory(folder)
    try:
        envelopes, key, data = _published(factory)
        trust = trust_of(factory.log)
    finally:
        factory.close()

    def bare() -> None:
        for envelope in envelopes:
            jws.verify(envelope, key)

    def audited() -> None:
        audit = Audit(io.BytesIO(data), trust, input_types, nobody)
        if verdict_of(audit.run()) is not Verdict.VALID:
            raise AssertionError("the bundle must be valid")

    verifying, auditing = _in_turns(bare, audited)
    beside = "bare verification"
    one, other = len(envelopes) / verifying, len(envelopes) / auditing
    return [
        Row("bare verification of the same signatures", one, "1/s", 1.0, beside),
        Row(f"offline audit of {len(envelopes):,} entries", other, "1/s", other / one, beside),
    ]


def _published(factory: Factory):
    """What an enterprise said, its key, and the bundle of its figure."""
    acme = factory.enterprise("Acme")
    site = acme.site()
    acme.inventory(site, [("CO2", "fossil", "1")])
    signed = []
    for _ in range(ENTRIES // 2):
        product = Product(id=factory.uuid(), name="A product", unit="KGM")
        made = {"amount": Decimal(1), "unit": "KGM", "period": year_of(2025)}
        signed.append(acme.sign(product))
        signed.append(acme.sign(Production(product=product.id, site=site, **made)))
    for start in range(0, len(signed), BATCH):
        for outcome in factory.log.append(signed[start : start + BATCH]):
            if isinstance(outcome, Refused):
                raise outcome.error
    figure = publish(acme, "enterprise", acme.id)
    data = packed(bundled(factory.log, figure.index))
    return [jws.parse(each) for each in signed], acme.key.public, data


def _in_turns(*works: Callable[[], None]) -> list[float]:
    """The least CPU seconds that each took."""
    least = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for at, work in enumerate(works):
            started = time.process_time()
            work()
            least[at] = min(least[at], time.process_time() - started)
    return least


def main() -> None:
    for row in run():
        print(f"{row.what:70} {row.value:9.4g} {row.unit:3} {row.ratio:8.4g} x {row.beside}")


if __name__ == "__main__":
    main()
