"""Bundling a published figure with all that it takes to check it without the server.

What the reader may not see is left out: of an envelope nothing remains, and of its leaf record the
hash. So anybody can see that nothing is missing from the tree, and only those who may read the
inputs can compute the figure again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from api.access.access import Access
from graph.publishing.published import input_types
from ledger import bundle
from ledger.checkpoint import Checkpoint
from ledger.entry import Entry
from ledger.errors import CatchmentError
from ledger.log import Log
from ledger.merkle import leaf_hash
from ledger.note import open_note
from ledger.rejudge import DECIDE
from ledger.statements import Figure, Park

_ENDED_BY_WITHDRAWAL: Final = frozenset({"delegation", "accreditation"})
_WITHDRAWAL: Final = "withdrawal"


@dataclass(frozen=True)
class Bundler:
    """Bundles for one reader."""

    log: Log
    access: Access

    def write(self, target: BinaryIO, index: int, figure: Figure) -> None:
        """Write the bundle of ``figure``, which is entry ``index``.

        Raises BundleRefused when it becomes too large.
        """
        size, note = self._checkpoint(index)
        envelopes = self._envelopes(size, {index, *self._inputs(figure)})
        bundle.write(target, index, note, self._leaves(size), envelopes)

    def _checkpoint(self, index: int) -> tuple[int, bytes]:
        """A note that covers the figure: the published one, which witnesses have seen, if it does.

        One that an earlier key signed is of no use to whoever trusts the key of today.
        """
        with suppress(CatchmentError):
            published = self.log.published()
            if (size := self._size(published)) > index:
                return size, published
        latest = self.log.checkpoint()
        return self._size(latest), latest

    def _size(self, note: bytes) -> int:
        return Checkpoint.parse(open_note(note, [self.log.verifier]).text).size

    def _inputs(self, figure: Figure) -> Iterator[int]:
        """Entries that decide what stood: the last sound ones of chains that can move a figure, and
        those that were suspect, as they tell which entry moved it last."""
        chains, size = set[str](), figure.at.size
        types = input_types(figure.engine)
        suspects = (each.entry for each in self.log.suspects_at(size))
        for entries in (self.log.heads_at(size), suspects):
            for entry in entries:
                if entry.leaf.type in types or _draws(entry, figure):
                    chains.add(entry.leaf.chain)
                if entry.leaf.chain in chains:
                    yield entry.index

    def _envelopes(self, size: int, wanted: set[int]) -> Iterator[tuple[int, bytes]]:
        ended = set[str]()
        for entry in self.log.entries(0, size):
            leaf = entry.leaf
            if leaf.type in _ENDED_BY_WITHDRAWAL:
                ended.add(leaf.chain)
            judges = leaf.type in DECIDE or (leaf.type == _WITHDRAWAL and leaf.chain in ended)
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
        """Whether there is an envelope that the reader may see.

        The genesis says nothing that ``/v1/log`` does not tell everybody, and without it there is
        no telling of which log the rest is.
        """
        if entry.is_erased:
            return False
        # Auditors may read everything; there is no need to look into each statement first.
        if self.access.caller.is_auditor or entry.index == 0:
            return True
        return self.access.may_read_statement(entry.statement)


def _draws(entry: Entry, figure: Figure) -> bool:
    """Whether an entry is what registers the park that the figure is of."""
    if entry.leaf.type != Park.TYPE or entry.is_erased:
        return False
    return cast(Park, entry.statement.body).id == figure.object.id
