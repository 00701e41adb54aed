"""An erasure that is committed while the engine reads what came before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graph.engine import Engine
from ledger.entry import Entry, Suspected
from ledger.log import Accepted, Log
from ledger.soundness import Soundness
from tests.factory import Actor, Factory


class Raced:
    """A log in which ``owner`` erases a statement right after its size was asked first."""

    def __init__(self, log: Log, owner: Actor, said: Accepted) -> None:
        self._log, self._owner, self._said = log, owner, said
        self._asked = 0

    def size(self) -> int:
        size = self._log.size()
        self._asked += 1
        if self._asked == 1:
            self._owner.erase(self._said)
        return size

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        return self._log.entries(start, stop)

    def heads_at(self, size: int) -> Iterator[Entry]:
        return self._log.heads_at(size)

    def suspects_at(self, size: int) -> Sequence[Suspected]:
        return self._log.suspects_at(size)

    def soundness_at(self, size: int) -> Soundness:
        return self._log.soundness_at(size)


def test_what_is_erased_while_it_is_read_is_not_there_and_nobody_is_refused(
    factory: Factory,
) -> None:
    owner = factory.enterprise("Acme")
    said = owner.inventory(owner.site(), [("CO2", "fossil", "500")])
    standing = Engine(Raced(factory.log, owner, said)).standing()
    assert standing.size == factory.log.size()
    assert not list(standing.statements("inventory"))
