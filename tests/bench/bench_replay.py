"""How soon a server stands: a whole log replayed, and a snapshot of what stands opened.

A million statements are not signed one by one: a product and a recipe that were are filled with new
ids and put under the same signatures, which nothing here verifies. The rows are those the log would
write; what it would have judged is not asked, and there is no tree over them.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from ledger import jws, strict_base64, tables
from ledger.entry import Entry
from ledger.leaf import Leaf
from ledger.log import Log
from ledger.merkle import EMPTY_ROOT
from ledger.snapshot import Snapshots
from ledger.standing import Standing
from ledger.statements import read, reread
from tests.bench.row import Row
from tests.factory import Actor, Factory

T = TypeVar("T")

LARGE = "CATCHMENT_BENCH_LARGE"
"""Set to measure a million products as well: some minutes, and 8 GB of disk."""
SIZES = (50_000, 1_000_000) if os.environ.get(LARGE) else (50_000,)
"""How many products, each with a recipe of four inputs."""
INPUTS = 4
ASKED = 2_000
_AT_ONCE = 10_000


def run() -> list[Row]:
    """Statements read again, a log replayed, and a snapshot of what stands opened."""
    rows = []
    for products in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            factory = Factory(Path(folder))
            acme = factory.enterprise("Acme")
            templates = _templates(acme)
            rows += [] if rows else _reading(templates)
            _fill(factory, templates, products)
            rows += _standing(_Filled(factory, products), Path(folder) / "standing")
            factory.close()
    return rows


def _reading(templates: Sequence[_Template]) -> list[Row]:
    rows = []
    for each in templates:
        envelopes = [each.envelope(number, ASKED) for number in range(ASKED)]
        judged = _rate(lambda envelope: read(jws.parse(envelope)), envelopes[: ASKED // 4])
        again = _rate(reread, envelopes)
        rows.append(
            Row(
                f"read a {each.kind} of one's own log again",
                again,
                "1/s",
                again / judged,
                "read and judge it",
            )
        )
    return rows


@dataclass(frozen=True)
class _Taken:
    """Seconds that it took, the memory (MB) that it left the process with, and what it measured."""

    seconds: float
    memory: float
    measured: float


def _standing(log: _Filled, path: Path) -> list[Row]:
    """Each in a process of its own, so that memory tells."""
    replayed = _apart(lambda: _replay(log, path))
    opened = _apart(lambda: _open(log, path))
    of = f"{log.size():,} statements".replace(",", " ")
    replay = f"replay of {of}"
    file = path.stat().st_size / 1e6
    return [
        Row(f"{replay}, not signed one by one", replayed.seconds, "s", 1.0, replay),
        Row("its memory, envelopes included", replayed.memory, "MB", 1.0, replay),
        Row(
            "snapshot of it written",
            replayed.measured,
            "s",
            replayed.measured / replayed.seconds,
            replay,
        ),
        Row("snapshot opened", opened.seconds, "s", opened.seconds / replayed.seconds, replay),
        Row("its memory beside the file", opened.memory, "MB", opened.memory / file, "the file"),
        Row(
            f"find and read one of {log.products:,} products".replace(",", " "),
            1e6 * opened.measured,
            "µs",
            opened.measured / opened.seconds,
            "snapshot opened",
        ),
    ]


def _replay(log: _Filled, path: Path) -> _Taken:
    before = _memory()
    seconds, standing = _timed(lambda: Standing.after(log, log.size()))
    memory = _memory() - before
    writing, _ = _timed(lambda: Snapshots(path).dump(standing, log))
    return _Taken(seconds, memory, writing)


def _open(log: _Filled, path: Path) -> _Taken:
    before = _memory()
    seconds, standing = _timed(lambda: Snapshots(path).load(log))
    assert standing is not None
    asked = [_id(number) for number in range(0, log.products, log.products // ASKED)]
    one = 1 / _rate(lambda product: standing.products[product].statement, asked)
    return _Taken(seconds, _memory() - before, one)


# --- A log that nobody signed ------------------------------------------------------------------


class _Filled(Log):
    """A log with entries behind its last checkpoint, and no tree over them."""

    def __init__(self, factory: Factory, products: int) -> None:
        super().__init__(factory.engine, factory.signer, factory.clock)
        with factory.engine.connect() as connection:
            self._size = connection.execute(sa.func.max(tables.entry.c.index)).scalar_one() + 1
        self.products = products

    def size(self) -> int:
        return self._size

    def root(self, size: int) -> bytes:
        return EMPTY_ROOT


@dataclass(frozen=True)
class _Template:
    """A signed statement whose product's ids are to be replaced by those of others."""

    kind: str
    kid: str
    header: str
    payload: str
    signature: str
    subject: str
    products: tuple[str, ...]
    """The id of the product, and those of its inputs, as they stand in the payload."""

    def envelope(self, number: int, of: int) -> bytes:
        payload = self.payload.replace(self.products[0], _id(number))
        for place, product in enumerate(self.products[1:], start=1):
            payload = payload.replace(product, _id(number * place % of))
        encoded = strict_base64.to_url(payload.encode())
        return f"{self.header}.{encoded}.{self.signature}".encode()


def _templates(acme: Actor) -> list[_Template]:
    site = acme.site()
    products = tuple(acme.product(f"Product {number}") for number in range(INPUTS + 1))
    lines = [(each, "1.5", "KGM") for each in products[1:]]
    recipe = acme.recipe(products[0], site, emissions=[("CO2", "fossil", "12.5")], inputs=lines)
    entries = [entry for entry in acme.factory.log.entries() if entry.leaf.type == "product"]
    return [
        _template(entries[0], products[:1]),
        _template(acme.factory.log.entry(recipe.index), products),
    ]


def _template(entry: Entry, products: tuple[str, ...]) -> _Template:
    header, payload, signature = entry.envelope.decode().split(".")
    text = strict_base64.from_url(payload).decode()
    return _Template(
        entry.leaf.type, entry.leaf.kid, header, text, signature, entry.statement.subject, products
    )


def _fill(factory: Factory, templates: Sequence[_Template], products: int) -> None:
    size = factory.log.size()
    rows = (
        _row(size + len(templates) * number + place, template, template.envelope(number, products))
        for number in range(products)
        for place, template in enumerate(templates)
    )
    while batch := list(islice(rows, _AT_ONCE)):
        with factory.engine.begin() as connection:
            connection.execute(tables.entry.insert(), batch)
            connection.execute(tables.head.insert(), list(map(_head, batch)))


def _row(index: int, template: _Template, envelope: bytes) -> dict[str, Any]:
    signed = hashlib.sha256(envelope.rpartition(b".")[0]).hexdigest()
    leaf = Leaf(
        envelope=hashlib.sha256(envelope).hexdigest(),
        signed=signed,
        type=template.kind,
        kid=template.kid,
        chain=signed,
        time=1_768_435_200_000 + index,
    )
    return {
        "index": index,
        "signed": signed,
        "envelope": envelope,
        "leaf": leaf.encode(),
        "type": template.kind,
        "kid": template.kid,
        "chain": signed,
        "subject": template.subject,
        "time": leaf.time,
    }


def _head(row: dict[str, Any]) -> dict[str, Any]:
    key = reread(row["envelope"]).body.natural_key(row["subject"])
    return {
        "key": key.text,
        "type": row["type"],
        "about": "",
        "opening": row["chain"],
        "digest": row["signed"],
        "sound_digest": row["signed"],
        "index": row["index"],
        "stated_index": row["index"],
        "owner": row["subject"],
        "withdrawn": False,
    }


def _id(number: int) -> str:
    digest = hashlib.sha256(number.to_bytes(8, "big")).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


# --- Measuring ---------------------------------------------------------------------------------


def _apart(work: Callable[[], _Taken]) -> _Taken:
    context = get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=lambda: there.send(work()))
    process.start()
    there.close()
    taken: _Taken = here.recv()
    process.join()
    return taken


def _memory() -> float:
    """Memory of this process that no file is behind, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("RssAnon:"))
    return int(kilobytes) / 1000


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


def _rate(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    seconds, _ = _timed(lambda: [work(item) for item in items])
    return len(items) / seconds
