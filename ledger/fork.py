"""Two views of one log compared, and the proof that its key signed two histories.

A log that shows different people different trees has to sign both. Whoever holds one signed
checkpoint of each can tell: of one size, the roots differ; of two sizes, the larger tree is proved
to have had another root at the smaller size. Such a proof convinces anybody who knows the log's
key, without either server.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from ledger import strict_base64, strict_json, tiles
from ledger.checkpoint import Checkpoint
from ledger.errors import (
    CatchmentError,
    ForkUnproven,
    JsonRefused,
    NotCanonicalBase64,
    ProofMismatch,
    TileTruncated,
)
from ledger.merkle import verify_consistency
from ledger.note import MAX_NOTE_BYTES
from ledger.tiles import TileReader
from ledger.trust import Trust, open_checkpoint

FORMAT: Final = "catchment-fork/v1"
MAX_FORK_BYTES: Final = 4 * MAX_NOTE_BYTES

_MEMBERS = frozenset({"format", "older", "newer", "root", "proof"})


@dataclass(frozen=True, slots=True)
class Side:
    """One view of a log: a signed note, and the tiles of its tree where they can be had."""

    note: bytes
    read_tile: TileReader | None = None


@dataclass(frozen=True, slots=True)
class Fork:
    """Proof of a fork: two signed notes, ``older`` of no larger a tree than ``newer``.

    ``root`` is that of the tree of ``newer`` at the size of ``older``, by ``proof`` (RFC 6962
    section 2.1.2); where the sizes are equal, it is ``newer``'s own and the proof is empty.
    """

    older: bytes
    newer: bytes
    root: bytes
    proof: tuple[bytes, ...]

    @property
    def members(self) -> dict[str, Any]:
        """What the file holds."""
        return {
            "format": FORMAT,
            "older": self.older.decode("utf-8"),
            "newer": self.newer.decode("utf-8"),
            "root": strict_base64.to_standard(self.root),
            "proof": [strict_base64.to_standard(each) for each in self.proof],
        }

    def encode(self) -> bytes:
        """Write it as JSON."""
        return strict_json.dumps(self.members)

    @classmethod
    def parse(cls, data: bytes) -> Fork:
        """Read what `encode` wrote; nothing in it is to be believed. Raises ForkUnproven."""
        if len(data) > MAX_FORK_BYTES:
            raise ForkUnproven(reason="it is too large")
        try:
            members: Any = strict_json.loads(data)
        except JsonRefused:
            raise ForkUnproven(reason="it is not strict JSON") from None
        if not isinstance(members, dict) or members.keys() != _MEMBERS:
            raise ForkUnproven(reason="its members are not those of a fork proof")
        texts = [members[name] for name in ("format", "older", "newer", "root")]
        if not isinstance(members["proof"], list):
            raise ForkUnproven(reason="its members are not those of a fork proof")
        if not all(isinstance(each, str) for each in (*texts, *members["proof"])):
            raise ForkUnproven(reason="its members are not those of a fork proof")
        if members["format"] != FORMAT:
            raise ForkUnproven(reason="it is not a catchment-fork/v1")
        hashes = tuple(map(_hash, members["proof"]))
        older, newer = members["older"].encode("utf-8"), members["newer"].encode("utf-8")
        return cls(older, newer, _hash(members["root"]), hashes)


class Verdict(Enum):
    """What two views of a log are to each other."""

    SAME = "same"
    EXTENDS = "extends"
    UNDECIDED = "undecided"
    FORK = "fork"


@dataclass(frozen=True, slots=True)
class Comparison:
    """``older`` has no more entries than ``newer``; ``fork`` is there where it was proved."""

    verdict: Verdict
    older: Checkpoint
    newer: Checkpoint
    fork: Fork | None = None


def compare(a: Side, b: Side, trust: Trust) -> Comparison:
    """Whether two views are of one history of the trusted log.

    Tiles are believed only as far as they lead to the root that the log signed over them. Raises
    NoteRefused or CheckpointRefused for a note that the log did not sign, and what the tile readers
    raise.
    """
    sides = sorted((a, b), key=lambda side: open_checkpoint(side.note, trust).checkpoint.size)
    older, newer = (open_checkpoint(side.note, trust).checkpoint for side in sides)
    if older.size == 0:  # every tree continues the empty one
        return Comparison(Verdict.EXTENDS, older, newer)
    proven = _proven(older.size, newer, sides[1].read_tile)
    if proven is None:
        return Comparison(Verdict.UNDECIDED, older, newer)
    root, proof = proven
    if root == older.root:
        verdict = Verdict.SAME if older.size == newer.size else Verdict.EXTENDS
        return Comparison(verdict, older, newer)
    return Comparison(Verdict.FORK, older, newer, Fork(sides[0].note, sides[1].note, root, proof))


def verify_fork(fork: Fork, trust: Trust) -> tuple[Checkpoint, Checkpoint]:
    """Check that the trusted log's key signed two histories; the two checkpoints that show it.

    1. The log signed both notes, under its own name.
    2. The newer tree had ``root`` at the size of the older (RFC 9162 section 2.1.4.2).
    3. The older note states another root.

    Raises ForkUnproven.
    """
    try:
        older, newer = (
            open_checkpoint(each, trust).checkpoint for each in (fork.older, fork.newer)
        )
        verify_consistency(older.size, fork.root, newer.size, newer.root, fork.proof)
    except CatchmentError as refused:
        reason = refused.params.get("reason", "it is malformed")
        raise ForkUnproven(reason=reason) from None
    if fork.root == older.root:
        raise ForkUnproven(reason="both checkpoints are of one history")
    return older, newer


def _proven(
    size: int, newer: Checkpoint, read_tile: TileReader | None
) -> tuple[bytes, tuple[bytes, ...]] | None:
    """The root that the newer tree had at ``size``, with its proof, if the tiles lead to both."""
    if size == newer.size:
        return newer.root, ()
    if read_tile is None:
        return None
    try:
        root = tiles.root(size, read_tile)
        proof = tuple(tiles.consistency_path(size, newer.size, read_tile))
        verify_consistency(size, root, newer.size, newer.root, proof)
    except (TileTruncated, ProofMismatch):
        return None
    return root, proof


def _hash(text: str) -> bytes:
    try:
        return strict_base64.from_standard(text)
    except NotCanonicalBase64:
        raise ForkUnproven(reason="a hash is not canonical base64") from None
