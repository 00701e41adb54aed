"""Bundling a published figure with all that it takes to check it without the server.

What the reader may not see is left out: of an envelope nothing remains, and of its leaf record the
hash. So anybody can see that nothing is missing from the tree, and only those who may read the
inputs can compute the figure again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final

from api.access import Access
from graph.engine import MOVES_FIGURES
from ledger import bundle
from ledger.checkpoint import Checkpoint
from ledger.entry import Entry
from ledger.errors import CatchmentError
from ledger.log import Log
from ledger.merkle import leaf_hash
from ledger.note import open_note

JUDGED_BY: Final = frozenset(
    {
        "genesis",
        "policy",
        "enterprise",
        "key",
        "revocation",
        "recovery",
        "delegation",
        "transfer",
        "accreditation",
        "erasure",
    }
)
"""Types that decide whether other statements could be said, and which of them still stand."""
_ENDED_BY_WITHDRAWAL: Final = frozenset({"delegation", "accreditation"})
_WITHDRAWAL: Final = "withdrawal"


@dataclass(frozen=True)
class Bundler:
    """Bundles for one reader."""

    log: Log
    access: Access

    def write(self, target: BinaryIO, figure: int, prefix: int) -> None:
        """Write the bundle of the figure in entry ``figure``, computed from ``prefix`` entries.

        Raises BundleRefused when it becomes too large.
        """
        size, note = self._checkpoint(figure)
        envelopes = self._envelopes(size, {figure, *self._inputs(prefix)})
        bundle.write(target, figure, note, self._leaves(size), envelopes)

    def _checkpoint(self, figure: int) -> tuple[int, bytes]:
        """A note that covers the figure: the published one, which witnesses have seen, if it does.

        One that an earlier key signed is of no use to whoever trusts the key of today.
        """
        with suppress(CatchmentError):
            published = self.log.published()
            if (size := self._size(published)) > figure:
                return size, published
        latest = self.log.checkpoint()
        return self._size(latest), latest

    def _size(self, note: bytes) -> int:
        return Checkpoint.parse(open_note(note, [self.log.verifier]).text).size

    def _inputs(self, prefix: int) -> Iterator[int]:
        """Entries that decide what stood: the last sound ones of chains that can move a figure, and
        those that were suspect, as they tell which entry moved it last."""
        chains = set[str]()
        suspects = (each.entry for each in self.log.suspects_at(prefix))
        for entries in (self.log.heads_at(prefix), suspects):
            for entry in entries:
                if entry.leaf.type in MOVES_FIGURES:
                    chains.add(entry.leaf.chain)
                if entry.leaf.chain in chains:
                    yield entry.index

    def _envelopes(self, size: int, wanted: set[int]) -> Iterator[tuple[int, bytes]]:
        ended = set[str]()
        for entry in self.log.entries(0, size):
            leaf = entry.leaf
            if leaf.type in _ENDED_BY_WITHDRAWAL:
                ended.add(leaf.chain)
            judges = leaf.type in JUDGED_BY or (leaf.type == _WITHDRAWAL and leaf.chain in ended)
            if (judges or entry.index in wanted) and self._is_shown(entry):
                yield entry.index, entry.envelope

    def _leaves(self, size: int) -> Iterator[bytes | bundle.LeafHash]:
        for entry in self.log.entries(0, size):
            record = entry.leaf.encode()
            if self.access.caller.is_auditor or self._is_shown(entry):
                yield record
            else:
                yield bundle.LeafHash(leaf_hash(record))

    def _is_shown(self, entry: Entry) -> bool:
        """Whether there is an envelope that the reader may see."""
        if entry.is_erased:
            return False
        # Auditors may read everything; there is no need to look into each statement first.
        return self.access.caller.is_auditor or self.access.may_read_statement(entry.statement)
