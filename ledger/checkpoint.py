"""The head of the log at one size, as text to be signed (C2SP tlog-checkpoint)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ledger import strict_base64
from ledger.errors import CheckpointRefused, NotCanonicalBase64
from ledger.merkle import HASH_BYTES

MAX_SIZE: Final = 2**63 - 1

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True)
class Checkpoint:
    """``root`` is the RFC 6962 root over the first ``size`` entries of the log ``origin``.

    ``extensions`` are lines that others may add; ours has none. Raises CheckpointRefused when a
    line would be empty or break in two, or a value is out of range.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(not line or "\n" in line for line in (self.origin, *self.extensions)):
            raise CheckpointRefused(reason="a line is empty or broken")
        if not 0 <= self.size <= MAX_SIZE:
            raise CheckpointRefused(reason="its size is out of range")
        if len(self.root) != HASH_BYTES:
            raise CheckpointRefused(reason="its root is not 32 bytes long")

    @property
    def text(self) -> str:
        """The note text, with its final newline."""
        root = strict_base64.to_standard(self.root)
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extensions))

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a note; ``parse(c.text) == c``. Raises CheckpointRefused."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop():
            raise CheckpointRefused(reason="it needs three lines, each ended by a newline")
        origin, size, root, *extensions = lines
        if not _SIZE.fullmatch(size):
            raise CheckpointRefused(reason="its size is not a plain whole number")
        return cls(origin, int(size), _root(root), tuple(extensions))


def _root(line: str) -> bytes:
    try:
        return strict_base64.from_standard(line)
    except NotCanonicalBase64:
        raise CheckpointRefused(reason="its root is not canonical base64") from None
