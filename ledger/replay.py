"""A log in memory, entry by entry: what admission asks, answered without a database.

For whoever holds the leaf records and some of the envelopes: an auditor goes through them as the
log did, and judges each statement by what stood before it. An entry without its envelope is
*unseen*: its place in its chain, its key and its time are known, what it says is not. One of which
there is not even the leaf record is *hidden*.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

from ledger import heads
from ledger.entry import Entry, Suspected
from ledger.errors import OutsideTree
from ledger.heads import Version
from ledger.leaf import Leaf
from ledger.merkle import Frontier, leaf_hash
from ledger.soundness import EVENTS, NOTHING_SUSPECT, Event, Signed, Soundness, event_of, unsettles
from ledger.statements import (
    Body,
    Delegation,
    Erasure,
    NaturalKey,
    Statement,
    Withdrawal,
)
from ledger.view import ENTITY_ID, Admission, Head, Stamp, about_of_key, claims_of

_Key: TypeAlias = tuple[str, tuple[str, ...]]
"""A natural key, or a type with its ``about``, as what is looked up most is hashed fastest."""


@dataclass(slots=True)
class _Place:
    """What is known of one entry; ``key`` is that of its chain, where anything tells it."""

    entry: Entry
    key: NaturalKey | None
    subject: str
    erased_by: int | None = None

    @property
    def leaf(self) -> Leaf:
        return self.entry.leaf

    @property
    def statement(self) -> Statement | None:
        gone = self.entry.is_erased or self.erased_by is not None
        return None if gone else self.entry.statement


class Replay:
    """Implements ``view.View`` and ``standing.Prefixes`` over the entries put in so far.

    ``time`` is that of the last entry, in milliseconds.
    """

    def __init__(self) -> None:
        self.time = 0
        self._genesis: Statement | None = None
        self._places: list[_Place | None] = []
        self._hashes: list[bytes] = []
        self._indexes: dict[str, int] = {}
        self._chains: dict[str, list[int]] = defaultdict(list)
        self._keys: dict[str, NaturalKey] = {}
        self._heads: dict[_Key, Head] = {}
        self._about: dict[_Key, dict[_Key, None]] = defaultdict(dict)
        self._taken: dict[tuple[str, str], int] = {}
        self._events: list[Event] = []
        self._delegations: set[str] = set()

    # --- What admission asks ---

    def genesis(self) -> Statement | None:
        return self._genesis

    def head(self, key: NaturalKey) -> Head | None:
        return self._heads.get((key.type, key.parts))

    def head_of(self, digest: str) -> Head | None:
        place = self._place(digest)
        key = place.key if place else None
        return self.head(key) if key else None

    def heads_about(self, kind: str, about: tuple[str, ...]) -> Sequence[Head]:
        if (kind, about) not in self._about:
            return []
        found = (self._heads[key] for key in self._about[kind, about])
        return sorted((each for each in found if not each.withdrawn), key=lambda head: head.index)

    def stated(self, head: Head) -> Body:
        """Raises PayloadErased for one that is unseen."""
        return cast(_Place, self._places[head.stated_index]).entry.statement.body

    def statement(self, digest: str) -> Statement | None:
        place = self._place(digest)
        return place.statement if place else None

    def stamp(self, digest: str) -> Stamp | None:
        place = self._place(digest)
        if place is None:
            return None
        return Stamp(place.leaf.type, "" if place.entry.is_erased else place.subject)

    def taken(self, space: str, value: str) -> int | None:
        return self._taken.get((space, value))

    def root(self, size: int) -> bytes:
        if not 0 < size <= len(self._hashes):
            raise OutsideTree(size=len(self._hashes))
        return Frontier(0, ()).grown(self._hashes[:size]).root

    def _place(self, digest: str) -> _Place | None:
        index = self._indexes.get(digest)
        return None if index is None else self._places[index]

    # --- Taking in ---

    def put(self, entry: Entry, admission: Admission) -> None:
        """Take in the next entry, as admission has judged it."""
        statement = entry.statement
        self._genesis = self._genesis or statement
        place = _Place(entry, admission.key, statement.subject)
        self._append(place, leaf_hash(entry.leaf.encode()))
        self._taken.update(dict.fromkeys(admission.claims, entry.index))
        self._move(place, admission.about, admission.owner)
        self._take_event(place, statement)
        if isinstance(statement.body, Erasure):
            self._erase(entry.index, statement.body, statement.subject)
        if unsettles(statement):
            self._settle()

    def put_unseen(self, entry: Entry, key: NaturalKey | None, owner: str) -> None:
        """Take in the next entry, of which only the leaf record is there.

        ``key`` and ``owner`` are those of its chain, as far as others tell: without a key, no head
        of the chain is kept.
        """
        place = _Place(entry, key, owner)
        self._append(place, leaf_hash(entry.leaf.encode()))
        if key is not None:
            self._move(place, about_of_key(key), owner)

    def put_hidden(self, leaf_hash: bytes) -> None:
        """Take in the next entry, of which only the leaf hash is there."""
        self._places.append(None)
        self._hashes.append(leaf_hash)

    def _append(self, place: _Place, leaf_hash: bytes) -> None:
        leaf, index = place.leaf, len(self._places)
        self.time = leaf.time
        self._places.append(place)
        self._hashes.append(leaf_hash)
        self._indexes[leaf.signed] = index
        self._chains[leaf.chain].append(index)

    def _move(self, place: _Place, about: tuple[str, ...], owner: str) -> None:
        key = cast(NaturalKey, place.key)
        before = self.head(key)
        self._put(heads.moved(before, place.entry.index, place.leaf, key, about, owner))

    def _put(self, head: Head) -> None:
        key = head.key.type, head.key.parts
        self._heads[key] = head
        self._about[head.key.type, head.about][key] = None

    def _take_event(self, place: _Place, statement: Statement) -> None:
        body, chain = statement.body, place.leaf.chain
        if isinstance(body, Delegation):
            self._delegations.add(chain)
        if isinstance(body, Withdrawal) and chain not in self._delegations:
            return
        if cast(NaturalKey, place.key).type in EVENTS or place.entry.index == 0:
            self._events.append(event_of(_signed(place), statement))

    def _erase(self, erasure: int, body: Erasure, owner: str) -> None:
        if (index := self._indexes.get(body.digest)) is None:
            return
        place = cast(_Place, self._places[index])
        if (said := place.statement) is not None:
            for space, value in claims_of(said):
                if space != ENTITY_ID and self._taken.get((space, value)) == index:
                    del self._taken[space, value]
        if place.erased_by is None:
            place.erased_by = erasure
        if (head := self.head_of(body.digest)) is not None:
            self._put(heads.erased(head, index, owner))

    # --- What is suspect ---

    def soundness_at(self, size: int) -> Soundness:
        """Which keys, delegations and transfers were suspect after ``size`` entries."""
        events = [event for event in self._events if event.signed.index < size]
        if not any(unsettles(event.statement) for event in events):
            return NOTHING_SUSPECT
        return Soundness.of(events)

    def causes_at(self, size: int) -> dict[int, int]:
        """Entry that was suspect after ``size`` entries -> the entry that made it so."""
        return self._causes(self.soundness_at(size), size)

    def _causes(self, soundness: Soundness, size: int) -> dict[int, int]:
        if soundness.is_clean:
            return {}
        causes = ((i, soundness.cause(_signed(place))) for i, place in self._known(size))
        return {index: cause for index, cause in causes if cause is not None}

    def suspects_at(self, size: int) -> list[Suspected]:
        """As `Log.suspects_at`, of the entries that are seen."""
        causes = self.causes_at(size).items()
        return [Suspected(self._entry(i), cause) for i, cause in causes if self._stood(i, size)]

    def _settle(self) -> None:
        """Let every chain in which the last entry makes others suspect, or sound again, rest on its
        last sound one."""
        size = len(self._places)
        suspects, before = self.causes_at(size), self.causes_at(size - 1)
        for chain in {self._entry(i).leaf.chain for i in suspects.keys() ^ before.keys()}:
            versions = [_version(cast(_Place, self._places[i])) for i in self._chains[chain]]
            if (head := self.head_of(versions[-1].digest)) is not None:
                self._put(heads.settled(head, versions, suspects))

    # --- How the log stood at each size ---

    def ends_at(self, size: int) -> dict[str, int]:
        """By the opening of each chain, its last sound one of the first ``size`` entries.

        Unless it was erased by then or, of a withdrawal, what it ended: nothing is left of those.
        """
        suspects = self.causes_at(size)
        ends: dict[str, int] = {}
        stated: dict[str, int] = {}
        for index, place in self._known(size):
            if index in suspects:
                continue
            ends[place.leaf.chain] = index
            if place.leaf.type != Withdrawal.TYPE:
                stated[place.leaf.chain] = index
        gone = {
            chain
            for chain, each in (*ends.items(), *stated.items())
            if self._was_erased(each, size)
        }
        return {chain: index for chain, index in ends.items() if chain not in gone}

    def erased_by(self, index: int) -> int | None:
        """The entry that erased the payload of ``index``."""
        place = self._places[index]
        return place.erased_by if place else None

    def heads_at(self, size: int) -> Iterator[Entry]:
        """As `Log.heads_at`, of the entries that are seen."""
        suspects = self.causes_at(size)
        wanted: set[int] = set()
        for indexes in self._chains.values():
            sound = [i for i in indexes if i < size and i not in suspects]
            if sound and self._stood(sound[-1], size):
                stated = [i for i in sound if self._entry(i).leaf.type != "withdrawal"]
                wanted.update((sound[-1], *stated[-1:]))
        yield from (self._entry(index) for index in sorted(wanted) if self._stood(index, size))

    def _stood(self, index: int, size: int) -> bool:
        """Whether an entry is seen, and none of the first ``size`` erased it."""
        return not (self._entry(index).is_erased or self._was_erased(index, size))

    def _was_erased(self, index: int, size: int) -> bool:
        erased_by = self.erased_by(index)
        return erased_by is not None and erased_by < size

    def size(self) -> int:
        return len(self._places)

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        """The entries from ``start`` to before ``stop`` that are not hidden."""
        yield from (place.entry for place in self._places[start:stop] if place)

    def _entry(self, index: int) -> Entry:
        return cast(_Place, self._places[index]).entry

    def _known(self, size: int) -> Iterator[tuple[int, _Place]]:
        return ((i, place) for i, place in enumerate(self._places[:size]) if place)


def _signed(place: _Place) -> Signed:
    leaf = place.leaf
    return Signed(
        index=place.entry.index,
        time=leaf.time,
        kid=leaf.kid,
        type=leaf.type,
        subject=place.subject,
        chain=leaf.chain,
        objects=place.key.parts if place.key else (),
    )


def _version(place: _Place) -> Version:
    leaf = place.leaf
    return Version(place.entry.index, leaf.type, leaf.signed, place.subject, place.erased_by)
