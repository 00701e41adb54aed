"""The log as tiles: a stranger with the checkpoint and the tiles has all proofs there are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api.app import create_app
from api.keys.tokens import Tokens
from api.services import Services
from api.settings import Settings
from graph.engine import Engine
from ledger import tiles
from ledger.checkpoint import Checkpoint
from ledger.leaf import Leaf
from ledger.merkle import HASH_BYTES, leaf_hash, verify_consistency, verify_inclusion
from ledger.note import VerifierKey, open_note
from ledger.statements import Product
from tests.api.conftest import AsRole
from tests.databases import Databases
from tests.factory import Factory

VECTORS = Path(__file__).resolve().parents[2] / "../shared/data/vectors/tlog-tiles"
SIZE = 300

Fetch = Callable[[str], bytes]


class Mirror:
    """Knows where a tiled log is, its key, and nothing else; reads only what it must."""

    def __init__(self, fetch: Fetch, vkey: str) -> None:
        self.fetch, self.verifier = fetch, VerifierKey.parse(vkey)

    def checkpoint(self, name: str = "checkpoint") -> Checkpoint:
        return Checkpoint.parse(open_note(self.fetch(name), [self.verifier]).text)

    def tiles(self, size: int) -> tiles.TileReader:
        """The tiles of the tree of ``size`` entries, none wider than that tree has it."""

        def read(level: int, index: int) -> bytes:
            width = min(tiles.WIDTH, (size >> tiles.HEIGHT * level) - index * tiles.WIDTH)
            return self.fetch(tiles.tile_path(level, index, width))

        return read

    def entries(self, size: int) -> Iterator[bytes]:
        for level, index, width in tiles.layout(size):
            if level == 0:
                yield from split(self.fetch(tiles.entries_path(index, width)))


def split(bundle: bytes) -> Iterator[bytes]:
    """C2SP tlog-tiles: each entry after its length as a big-endian uint16."""
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        yield bundle[2 : 2 + length]
        bundle = bundle[2 + length :]


def fill(factory: Factory) -> None:
    """Up to 300 entries: two tiles of level 0, the second of them 44 wide."""
    acme = factory.enterprise("Acme")
    body = [Product(id=factory.uuid(), name="Steel", unit="KGM") for _ in range(SIZE - 3)]
    factory.log.append([acme.sign(each) for each in body])


@pytest.fixture(scope="module")
def log(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    """Filled once, for all who only read it."""
    factory = Factory(databases.new(tmp_path_factory.mktemp("log"), "log"))
    fill(factory)
    yield factory
    factory.close()


@pytest.fixture
def factory(log: Factory) -> Factory:
    """What the client asks."""
    return log


def over_http(client: FlaskClient, headers: dict[str, str] | None = None) -> Fetch:
    def fetch(path: str) -> bytes:
        response = client.get(f"/v1/log/{path}", headers=headers)
        assert response.status_code == 200, path
        return response.data

    return fetch


def test_a_stranger_mirrors_the_log_and_makes_its_own_proofs(
    client: FlaskClient, log: Factory
) -> None:
    mirror = Mirror(over_http(client), str(log.log.verifier))
    head = mirror.checkpoint()
    read = mirror.tiles(head.size)
    assert (head.size, head.root) == (SIZE, tiles.root(SIZE, read))
    leaves = [leaf_hash(entry.leaf.encode()) for entry in log.log.entries()]
    for index in range(0, SIZE, 13):
        path = tiles.inclusion_path(index, SIZE, read)
        verify_inclusion(leaves[index], index, SIZE, path, head.root)
        older = tiles.root(index + 1, read)
        growth = tiles.consistency_path(index + 1, SIZE, read)
        verify_consistency(index + 1, older, SIZE, head.root, growth)


def test_an_auditor_mirrors_the_leaf_records_too(
    client: FlaskClient, log: Factory, as_role: AsRole
) -> None:
    mirror = Mirror(over_http(client, as_role("auditor")), str(log.log.verifier))
    records = list(mirror.entries(SIZE))
    read = mirror.tiles(SIZE)
    assert [Leaf.parse(record) for record in records] == [e.leaf for e in log.log.entries()]
    for level, index, width in tiles.layout(SIZE):
        if level == 0:
            start = index * tiles.WIDTH
            hashes = b"".join(map(leaf_hash, records[start : start + width]))
            assert hashes == read(0, index)


def test_what_a_mirror_kept_stays_right_as_the_log_grows(
    new_factory: Callable[..., Factory], settings: Settings
) -> None:
    log = new_factory()
    fill(log)
    tokens = Tokens(log.engine, log.clock)
    services = Services(log.log, Engine(log.log), tokens, settings, log.engine, log.clock)
    fetch = over_http(create_app(settings, services=services).test_client())
    kept = {path: fetch(path) for path in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1")}
    for name in "ABC":
        log.enterprise(name)
    assert {path: fetch(path) for path in kept} == kept
    assert fetch("tile/0/001.p/50")[: 44 * HASH_BYTES] == kept["tile/0/001.p/44"]
    assert fetch("tile/0/000.p/255") == kept["tile/0/000"][:-HASH_BYTES]


def test_a_tile_may_be_kept_by_everyone_and_a_bundle_by_who_may_read_it(
    client: FlaskClient, log: Factory, as_role: AsRole
) -> None:
    tile = client.get("/v1/log/tile/0/000")
    bundle = client.get("/v1/log/tile/entries/000", headers=as_role("auditor"))
    assert tile.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert bundle.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert {tile.content_type, bundle.content_type} == {"application/octet-stream"}
    assert "Vary" not in tile.headers
    assert "Authorization" in bundle.headers["Vary"]


def test_leaf_records_are_for_auditors(client: FlaskClient, log: Factory, as_role: AsRole) -> None:
    assert client.get("/v1/log/tile/entries/000").status_code == 401
    for role in ("operator", "supplier"):
        headers = as_role(role, log.operator if role == "supplier" else None)
        assert client.get("/v1/log/tile/entries/000", headers=headers).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "0/001",
        "0/001.p/45",
        "0/001.p/256",
        "0/001.p/0",
        "0/001.p/044",
        "0/002.p/1",
        "0/0",
        "0/0000",
        "0/x000/000",
        "0/x001/000",
        "0/x999/x999/x999/x999/x999/x999/999",
        "0/x999/x999/x999/x999/x999/x999/x999/999",
        "00/000",
        "1/000",
        "1/000.p/2",
        "2/000.p/1",
        "63/000.p/1",
        "64/000.p/1",
        "-1/000",
        "+0/000",
        "٠/000",
        "data/000",
        "0/000/",
        "0/000.p/1.gz",
        "entries/001",
        "entries/001.p/45",
        "entries/x000/000",
        "entries/0",
    ],
)
def test_what_is_no_tile_of_this_log_is_a_clear_problem(
    client: FlaskClient, log: Factory, as_role: AsRole, path: str
) -> None:
    response = client.get(f"/v1/log/tile/{path}", headers=as_role("auditor"))
    problem = response.get_json(force=True)
    assert (response.status_code, problem["code"]) == (404, "tile-not-found")
    assert f"tile/{path}" in problem["detail"]


def test_the_mirror_reads_a_log_that_others_published() -> None:
    """The public test log of a tiled-log server: 15 entries, and a checkpoint of every size."""
    if not VECTORS.is_dir():
        pytest.skip("public test vectors are absent: ../shared/data/vectors/tlog-tiles")
    vkey = json.loads((VECTORS / "vkey.json").read_text())["vkey"]
    mirror = Mirror(lambda path: (VECTORS / path).read_bytes(), vkey)
    head = mirror.checkpoint()
    leaves = [leaf_hash(entry) for entry in mirror.entries(head.size)]
    for size in range(1, head.size + 1):
        older = mirror.checkpoint(f"checkpoint.{size}")
        assert (older.size, older.root) == (size, tiles.root(size, mirror.tiles(size)))
        growth = tiles.consistency_path(size, head.size, mirror.tiles(head.size))
        verify_consistency(size, older.root, head.size, head.root, growth)
        path = tiles.inclusion_path(size - 1, head.size, mirror.tiles(head.size))
        verify_inclusion(leaves[size - 1], size - 1, head.size, path, head.root)
