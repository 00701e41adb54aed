"""The receipt of an entry: proof that the log holds it, to be checked offline (C2SP tlog-proof).

The format's ``extra`` line carries the leaf record, which the format itself does not protect: it
is believed only because its leaf hash leads to the signed root.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ledger import strict_base64
from ledger.checkpoint import Checkpoint
from ledger.errors import NotCanonicalBase64, ReceiptRefused
from ledger.merkle import HASH_BYTES, leaf_hash, verify_inclusion
from ledger.note import MAX_NOTE_BYTES, VerifierKey, open_note

FORMAT: Final = "c2sp.org/tlog-proof@v1"
MAX_PATH: Final = 63
MAX_RECEIPT_BYTES: Final = MAX_NOTE_BYTES + 64 * 1024

_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_EXTRA = "extra "


@dataclass(frozen=True)
class Receipt:
    """Entry ``index`` is ``leaf``: by ``path``, in the tree that ``checkpoint_note`` signs.

    ``path`` runs from the leaf's sibling to the root's child, 32 bytes each. Nothing in it is to
    be believed before `verify`.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint_note: bytes
    leaf: bytes

    def encode(self) -> bytes:
        """Write the tlog-proof text."""
        lines = [
            FORMAT,
            _EXTRA + strict_base64.to_standard(self.leaf),
            f"index {self.index}",
            *map(strict_base64.to_standard, self.path),
        ]
        return "\n".join(lines).encode("ascii") + b"\n\n" + self.checkpoint_note

    @classmethod
    def parse(cls, data: bytes) -> Receipt:
        """Read the tlog-proof text; ``parse(data).encode() == data``. Raises ReceiptRefused."""
        if len(data) > MAX_RECEIPT_BYTES:
            raise ReceiptRefused(reason="it is too large")
        head, divider, checkpoint_note = data.partition(b"\n\n")
        lines = head.decode("latin-1").split("\n")  # any byte beyond ASCII is refused below
        if not divider or len(lines) < 3 or lines[0] != FORMAT:
            raise ReceiptRefused(reason=f"it is not a {FORMAT}")
        if len(lines) - 3 > MAX_PATH:
            raise ReceiptRefused(reason=f"its path has more than {MAX_PATH} hashes")
        _, extra, index, *path = lines
        return cls(_index(index), tuple(map(_hash, path)), checkpoint_note, _leaf(extra))


def verify(receipt: Receipt, verifiers: Iterable[VerifierKey], origin: str) -> Checkpoint:
    """Check that the log ``origin`` holds the receipt's leaf; returns the checkpoint that says so.

    1. The checkpoint note is signed by a key of ``verifiers`` whose name is ``origin``: a log signs
       under its own name, and a witness alone cannot speak for it.
    2. The checkpoint is of ``origin``.
    3. The leaf hash of the leaf leads by the path to the checkpoint's root.

    Raises NoteRefused, CheckpointRefused, ReceiptRefused or ProofMismatch.
    """
    note = open_note(receipt.checkpoint_note, verifiers)
    if origin not in note.signers:
        raise ReceiptRefused(reason="the log itself did not sign its checkpoint")
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise ReceiptRefused(reason="its checkpoint is of another log")
    verify_inclusion(
        leaf_hash(receipt.leaf), receipt.index, checkpoint.size, receipt.path, checkpoint.root
    )
    return checkpoint


def _index(line: str) -> int:
    match = _INDEX.fullmatch(line)
    if match is None:
        raise ReceiptRefused(reason="its index is not a plain whole number")
    return int(match[1])


def _hash(line: str) -> bytes:
    data = _decoded(line)
    if len(data) != HASH_BYTES:
        raise ReceiptRefused(reason="a hash is not 32 bytes long")
    return data


def _leaf(line: str) -> bytes:
    if not line.startswith(_EXTRA):
        raise ReceiptRefused(reason="it does not carry the leaf record")
    return _decoded(line.removeprefix(_EXTRA))


def _decoded(text: str) -> bytes:
    try:
        return strict_base64.from_standard(text)
    except NotCanonicalBase64:
        raise ReceiptRefused(reason="a line is not canonical base64") from None
