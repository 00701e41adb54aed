"""A log's tree without a log: numbered leaves, signed heads of any size, and forks."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ledger import note as notes
from ledger import tiles
from ledger.checkpoint import Checkpoint
from ledger.keys import PrivateKey
from ledger.note import SignerKey
from ledger.trust import Trust
from ledger.witness import Submission

ORIGIN = "log.example/park"
LOG = SignerKey(ORIGIN, PrivateKey.generate("EdDSA"))
TRUST = Trust(ORIGIN, "0" * 64, str(LOG.verifier))


class Tree:
    """A tree over numbered leaves; another ``salt`` makes another history from ``fork`` on."""

    def __init__(self, size: int, salt: str = "", fork: int = 0) -> None:
        names = [f"{i}{salt if i >= fork else ''}" for i in range(size)]
        hashes = [hashlib.sha256(name.encode()).digest() for name in names]
        self.size, self._tiles = size, tiles.extend(0, hashes, lambda *_: b"")

    def read(self, level: int, index: int) -> bytes:
        return self._tiles.get((level, index), b"")

    def root(self, size: int) -> bytes:
        return tiles.root(size, self.read)

    def note(self, size: int, signer: SignerKey = LOG) -> bytes:
        return notes.sign(Checkpoint(signer.name, size, self.root(size)).text, signer)

    def submission(self, old: int, size: int, signer: SignerKey = LOG) -> Submission:
        """What a publisher sends to a witness that knows the tree of ``old`` entries."""
        proof = tiles.consistency_path(old, size, self.read) if 0 < old <= size else []
        return Submission(old, tuple(proof), self.note(size, signer))

    def unpacked(self, folder: Path, size: int) -> Path:
        """A static mirror: the head of ``size`` entries and the tiles below it, as files."""
        (folder / "checkpoint").parent.mkdir(parents=True, exist_ok=True)
        (folder / "checkpoint").write_bytes(self.note(size))
        for level, index, width in tiles.layout(size):
            path = folder / tiles.tile_path(level, index, width)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.read(level, index)[: width * 32])
        return folder


def trust_file(folder: Path, trust: Trust = TRUST) -> Path:
    path = folder / "trust.json"
    path.write_text(json.dumps(trust.members))
    return path
