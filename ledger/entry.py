"""One entry of the log: the leaf record that was hashed, and the envelope it stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from ledger import jws
from ledger.errors import PayloadErased
from ledger.leaf import Leaf
from ledger.statements import Statement, read, reread


@dataclass(frozen=True)
class Entry:
    """Entry ``index`` of a log.

    ``envelope`` holds the bytes as they were sent, and nothing once its payload is erased.
    ``is_own``: it comes from the store of the log that admitted it, so it is not judged again.
    """

    index: int
    leaf: Leaf
    envelope: bytes = field(repr=False)
    is_own: bool = field(default=False, compare=False, repr=False)

    @property
    def is_erased(self) -> bool:
        return not self.envelope

    @cached_property
    def statement(self) -> Statement:
        """What the envelope says; its signature was verified when the log took it.

        Raises PayloadErased.
        """
        if self.is_erased:
            raise PayloadErased(entry=self.index)
        return reread(self.envelope) if self.is_own else read(jws.parse(self.envelope))


@dataclass(frozen=True, slots=True)
class Filed:
    """An entry as one's own log has it in its files: what it is about need not be read from it.

    ``digest`` and ``opening`` are those of the leaf record; ``time`` is ledger time (ms). ``kind``
    and ``within`` are the natural key of its chain.
    """

    index: int
    type: str
    digest: str
    opening: str
    time: int
    subject: str
    kind: str
    within: str
    envelope: bytes = field(repr=False)

    @property
    def statement(self) -> Statement:
        """Raises PayloadErased."""
        if not self.envelope:
            raise PayloadErased(entry=self.index)
        return reread(self.envelope)


@dataclass(frozen=True, slots=True)
class Suspected:
    """A suspect entry, and the entry that made it so."""

    entry: Entry
    cause: int
