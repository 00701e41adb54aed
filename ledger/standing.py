"""What stands after the first ``size`` entries of a log: a fold over them, in memory.

    standing(n) = fold(standing(n - 1), entry n - 1),   standing(0) = nothing

Of every chain the last statement stands, unless it was withdrawn. So the last entries of the chains
(``Log.heads_at``) give the same as all entries, and cost far less to read.

An entry that makes earlier ones suspect, or erases one, changes what the fold has gone over: then
what stands is folded anew, from the heads of the longer prefix.

What was folded at once lies in a `Table`, which does not change; what is folded later lies over it
in persistent maps, and hides the rows that it takes the place of.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import chain
from operator import attrgetter
from typing import Any, Final, Protocol, TypeAlias, cast, overload, runtime_checkable

import numpy as np
from immutables import Map

from ledger.columns import EMPTY, KNOWN, Assembled, Columns, Row, Table, assemble
from ledger.entry import Entry, Filed, Suspected
from ledger.errors import PayloadErased
from ledger.recent import Recent
from ledger.soundness import NOTHING_SUSPECT, Soundness
from ledger.statements import (
    BODIES,
    Entity,
    Erasure,
    Membership,
    NaturalKey,
    Statement,
    Transfer,
    Withdrawal,
    reread,
    split,
)

_IDS: Mapping[str, slice] = {
    "enterprise": slice(0, 1),
    "key": slice(0, 1),
    "delegation": slice(0, 2),
    "site": slice(0, 1),
    "park": slice(0, 1),
    "membership": slice(0, 2),
    "product": slice(0, 1),
    "footprint": slice(0, 2),
    "recipe": slice(0, 2),
    "production": slice(0, 2),
    "inventory": slice(0, 1),
    "purchases": slice(0, 1),
    "downstream": slice(0, 2),
    "holdings": slice(0, 1),
    "meter": slice(0, 1),
    "readings": slice(0, 1),
    "allocation": slice(0, 1),
    "target": slice(0, 1),
    "scenario": slice(0, 1),
    "disclosure": slice(1, 2),
    "transfer": slice(0, 1),
    "attestation": slice(0, 2),
    "accreditation": slice(0, 1),
    "factors": slice(0, 1),
    "indicators": slice(0, 1),
    "figure": slice(1, 2),
    "award": slice(0, 1),
}
"""Which parts of a natural key are ids of what the statement is about."""
RULES: Final = hashlib.sha256(repr(sorted(_IDS.items(), key=str)).encode()).hexdigest()[:16]
"""Changes with the table above, which decides what a statement is about."""
_ENTITIES: Final = frozenset(kind for kind, body in BODIES.items() if issubclass(body, Entity))
_CHANGE_HANDS: Final = ("site", "product")
_MOST_RECENT: Final = 4096


_Pair: TypeAlias = tuple[str, str]


class Source(Protocol):
    """Where a statement can be read; `Entry` is one."""

    @property
    def statement(self) -> Statement: ...

    @property
    def envelope(self) -> bytes: ...


class _Stored:
    """A statement in a table, read when somebody asks."""

    __slots__ = ("_row", "_statement", "_table")

    def __init__(self, table: Table, row: int) -> None:
        self._table, self._row = table, row
        self._statement: Statement | None = None

    @property
    def envelope(self) -> bytes:
        """Raises PayloadErased where it is gone from the file that the table lies in."""
        envelope = self._table.envelope(self._row)
        if not envelope.strip(b"\0"):
            raise PayloadErased(entry=int(self._table["index"][self._row]))
        return envelope

    @property
    def statement(self) -> Statement:
        if self._statement is None:
            self._statement = reread(self.envelope)
        return self._statement


@dataclass(frozen=True, slots=True)
class Said:
    """A statement in force, and where the log says so.

    ``key`` is the natural key of its chain, ``owner`` the enterprise whose chain it is, ``opening``
    the digest of the chain's first statement. ``voided`` tells that the consent of a membership
    does not count, because others may have signed it.

    What it says is read where somebody asks for it: most of what stands nobody asks about.
    """

    source: Source = field(compare=False, repr=False)
    key: NaturalKey
    index: int
    digest: str
    owner: str
    opening: str
    voided: bool = False

    @property
    def statement(self) -> Statement:
        """What is said; raises PayloadErased where that is gone."""
        statement = self.source.statement
        if self.voided and isinstance(statement.body, Membership):
            return replace(statement, body=replace(statement.body, consent=None))
        return statement

    @property
    def on_behalf(self) -> bool:
        """Whether another enterprise spoke for the owner of the chain."""
        return self.source.statement.on_behalf

    @property
    def is_revised(self) -> bool:
        """Whether something else was said before in its place."""
        return self.digest != self.opening


@dataclass(frozen=True, slots=True)
class Handed:
    """A thing passed from ``giver``; ``start`` is the first day of the next owner."""

    kind: str
    entity: str
    giver: str
    start: dt.date

    @property
    def thing(self) -> _Pair:
        return self.kind, self.entity


@dataclass(frozen=True, slots=True)
class Suspect:
    """A statement that does not stand because entry ``cause`` made it suspect."""

    said: Said
    cause: int


class Prefixes(Protocol):
    """The part of a log that says how it stood at each size."""

    def heads_at(self, size: int) -> Iterator[Entry]: ...

    def suspects_at(self, size: int) -> Sequence[Suspected]: ...

    def soundness_at(self, size: int) -> Soundness: ...


@runtime_checkable
class Files(Prefixes, Protocol):
    """One's own log, in files that need not be read to know what they are about; `Log` is."""

    def filed_at(self, size: int) -> Iterator[Filed]: ...


class Live(Mapping[str, Said]):
    """What stands of one type, by the ids in its natural key; in the order of the entries."""

    def __init__(self, standing: Standing, kind: str) -> None:
        self._standing, self._kind = standing, kind

    def __getitem__(self, within: str) -> Said:
        said = self._standing._find(self._kind, within)
        if said is None:
            raise KeyError(within)
        return said

    def __contains__(self, within: object) -> bool:
        return self._standing._stands(self._kind, str(within))

    def __iter__(self) -> Iterator[str]:
        return (said.key.within for said in self._standing.statements(self._kind))

    def __len__(self) -> int:
        return len(self._standing.statements(self._kind))


class Touched(Mapping[_Pair, int]):
    """(statement type, id) -> the last entry of that type about that id."""

    def __init__(self, table: Table, later: Map[_Pair, int]) -> None:
        self._table, self._later = table, later

    def __getitem__(self, pair: _Pair) -> int:
        index = self._later.get(pair)
        if index is None:
            index = self._table.touched(*pair)
        if index is None:
            raise KeyError(pair)
        return index

    def __iter__(self) -> Iterator[_Pair]:
        yield from self._later
        yield from (pair for pair in self._table.pairs() if pair not in self._later)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def last(self, kinds: Iterable[str], about: str = "") -> int:
        """The last entry of any of these types about an id, or about anything; -1 for none."""
        return max(self.get((kind, about), -1) for kind in kinds)


class InOrder(Sequence[Said]):
    """What stands of one type in the order of the entries, read as it is gone through."""

    def __init__(self, standing: Standing, kind: str) -> None:
        rows = standing._table.rows(kind)
        if hidden := standing._hidden.get(kind):
            rows = np.delete(rows, np.searchsorted(rows, sorted(hidden)))
        self._table, self._kind, self._rows = standing._table, kind, rows
        self._later = sorted(standing._over(kind).values(), key=_INDEX)

    def __len__(self) -> int:
        return len(self._rows) + len(self._later)

    def __iter__(self) -> Iterator[Said]:
        rows = _told(self._table, self._kind, self._rows)
        return (
            chain(rows, self._later) if self._is_later() else merge(rows, self._later, key=_INDEX)
        )

    @overload
    def __getitem__(self, place: int) -> Said: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Said]: ...
    def __getitem__(self, place: int | slice) -> Said | Sequence[Said]:
        return tuple(self)[place]

    def _is_later(self) -> bool:
        """Whether all that lies over the table was said after it; not where an owner changed."""
        if not self._later or not len(self._rows):
            return True
        return bool(self._later[0].index > self._table["index"][self._rows[-1]])


@dataclass(eq=False)
class Standing:
    """What stands after ``size`` entries.

    ``suspects`` are the statements that do not because others may have signed them; ``soundness``
    tells which keys are behind that.

    A copy shares everything, and folding changes only the path to what is new, so `copy` costs
    nothing and `fold` O(log n).
    """

    size: int = 0
    soundness: Soundness = NOTHING_SUSPECT
    suspects: tuple[Suspect, ...] = ()
    _table: Table = EMPTY
    _hidden: Map[str, Map[int, None]] = field(default_factory=Map)
    _forgotten: Map[int, None] = field(default_factory=Map)
    _said: Map[str, Map[str, Said]] = field(default_factory=Map)
    _about: Map[_Pair, Map[str, None]] = field(default_factory=Map)
    _touched: Map[_Pair, int] = field(default_factory=Map)
    _keys: Map[str, NaturalKey] = field(default_factory=Map)
    _owners: Map[_Pair, str] = field(default_factory=Map)
    _transfers: Map[_Pair, tuple[Handed, ...]] = field(default_factory=Map)
    _recent: Recent[int, Said] = field(default_factory=lambda: Recent(_MOST_RECENT), repr=False)
    _in_order: dict[str, InOrder] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def after(cls, log: Prefixes, size: int) -> Standing:
        """What stands after the first ``size`` entries of a log."""
        soundness = log.soundness_at(size)
        if isinstance(log, Files):
            standing = _Bulk.folded(log.filed_at(size), soundness)
        else:
            standing = cls.of(log.heads_at(size), (), soundness)
        standing.size = size
        return standing.doubting(log)

    @classmethod
    def of(
        cls,
        entries: Iterable[Entry],
        suspects: Iterable[tuple[Entry, int]] = (),
        soundness: Soundness = NOTHING_SUSPECT,
    ) -> Standing:
        """Fold entries in the order of their indexes; with each suspect comes its cause."""
        standing = cls(soundness=soundness)
        for entry in entries:
            standing.fold(entry)
        standing.suspects = tuple(standing._set_aside(entry, cause) for entry, cause in suspects)
        return standing

    @classmethod
    def over(cls, table: Table, size: int, handed: Iterable[Handed]) -> Standing:
        """What stood after ``size`` entries, from the table that `assembled` wrote of it."""
        standing = cls(size=size, _table=table)
        for each in handed:
            standing._hand(each)
        return standing

    def assembled(self) -> Assembled:
        """All that stands as one table; what `handed` tells belongs to it."""
        return assemble(self._table, *self._laid_over())

    @property
    def handed(self) -> Iterator[Handed]:
        """Every transfer, those of one thing in their order."""
        return chain.from_iterable(self._transfers.values())

    def doubting(self, log: Prefixes) -> Standing:
        """With what the log says is suspect at this size; the rest is folded already."""
        ahead = replace(self, soundness=log.soundness_at(self.size))
        found = log.suspects_at(self.size)
        ahead.suspects = tuple(ahead._set_aside(each.entry, each.cause) for each in found)
        for index in ahead.soundness.corrections:
            ahead._touch_restored(log, index)
        return ahead

    def __eq__(self, other: object) -> bool:
        """Whether the same stands, however it was reached; takes as long as there is much of it."""
        if not isinstance(other, Standing):
            return NotImplemented
        return self._content() == other._content()

    def _content(self) -> tuple[Any, ...]:
        return (
            (self.size, self.soundness, self.suspects, dict(self.touched), dict(self._transfers)),
            {kind: list(self.statements(kind)) for kind in BODIES},
            {kind: set(self.ever_said(kind)) for kind in BODIES},
            {kind: dict(self.ever_owned(kind)) for kind in BODIES},
        )

    @property
    def touched(self) -> Touched:
        """(statement type, id) -> the last entry of that type about that id.

        (type, "") is about anything; a withdrawal counts as of the type that it ends. An answer
        that read only some of these pairs is as of the greatest index among them.
        """
        return Touched(self._table, self._touched)

    def copy(self) -> Standing:
        """A standing that can be folded further without changing this one."""
        return replace(self)

    def after_entry(self, entry: Entry) -> Standing:
        """What stands once the next entry is taken in; this standing stays as it is."""
        ahead = self.copy()
        ahead.fold(entry)
        return ahead

    def after_erasure(self, entry: Entry) -> Standing | None:
        """What stands once the next entry, an erasure, is taken in.

        What it erased is forgotten with its whole chain, as nothing takes its place; unless another
        took it before. ``None`` where that does not tell what stands: where nothing of the chain
        does, or anything is suspect.
        """
        erasure = cast(Erasure, entry.statement.body)
        said = self.find(erasure.erased_key)
        if said is None or not self.soundness.is_clean:
            return None
        ahead = self.copy()
        if said.digest == erasure.digest:
            ahead._end(said.key)
            ahead._forget(said)
        ahead.fold(entry)
        return ahead

    def _forget(self, said: Said) -> None:
        if said.opening in self._keys:
            self._keys = self._keys.delete(said.opening)
        elif (row := self._table.opened_by(said.opening)) is not None:
            self._forgotten = self._forgotten.set(row, None)

    def fold(self, entry: Entry) -> None:
        """Take in the next entry; of the chain it withdraws, the statement comes before it.

        Unless that is erased: then nothing is left that the withdrawal could end. Raises
        PayloadErased for an entry whose own payload is gone.
        """
        self.size = entry.index + 1
        self._in_order = {}
        if (key := self._key_of(entry)) is None:
            return
        body = entry.statement.body
        if isinstance(body, Withdrawal):
            self._end(key)
        else:
            self._say(key, entry)
        if isinstance(body, Transfer):
            self._hand_over(body, entry.statement.subject)
        if isinstance(body, Erasure):
            self._touch(body.erased_key, entry.index)
        self._touch(key, entry.index)

    def _key_of(self, entry: Entry) -> NaturalKey | None:
        """What the entry's chain is about; ``None`` for a withdrawal of what is not known."""
        opening, statement = entry.leaf.chain, entry.statement
        if isinstance(statement.body, Withdrawal):
            return self.key_of(opening)
        key = statement.body.natural_key(statement.subject)
        self._learn(opening, key)
        return key

    def key_of(self, opening: str) -> NaturalKey | None:
        """The natural key of the chain that a statement of this digest opened."""
        if (key := self._keys.get(opening)) is not None:
            return key
        row = self._table.opened_by(opening)
        return None if row is None or row in self._forgotten else _key(self._table, row)

    def _learn(self, opening: str, key: NaturalKey) -> None:
        if self.key_of(opening) is None:
            self._keys = self._keys.set(opening, key)

    def _say(self, key: NaturalKey, entry: Entry) -> None:
        statement = entry.statement
        if isinstance(statement.body, Entity):
            self._owners = self._owners.set((key.type, key.within), statement.subject)
        self._put(_said(entry, key, self._voids(entry)))

    def _voids(self, entry: Entry) -> bool:
        """Whether an entry is a membership with a consent that others may have signed."""
        body = entry.statement.body
        if not isinstance(body, Membership):
            return False
        return self.soundness.consent_cause(body, entry.index, entry.leaf.time) is not None

    def _end(self, key: NaturalKey) -> None:
        self._hide(key)
        live = self._over(key.type)
        if key.within not in live:
            return
        self._said = self._said.set(key.type, live.delete(key.within))
        for about in _abouts(key):
            rest = self._about[about].delete(key.within)
            self._about = self._about.set(about, rest) if rest else self._about.delete(about)

    def _put(self, said: Said) -> None:
        self._hide(said.key)
        live = self._over(said.key.type).set(said.key.within, said)
        self._said = self._said.set(said.key.type, live)
        for about in _abouts(said.key):
            those = self._about.get(about, _NONE).set(said.key.within, None)
            self._about = self._about.set(about, those)

    def _hide(self, key: NaturalKey) -> None:
        """The row of the table, where there is one, counts no more."""
        row = self._row(key.type, key.within)
        if row is not None:
            hidden = self._hidden.get(key.type, _SEEN).set(row, None)
            self._hidden = self._hidden.set(key.type, hidden)

    def _row(self, kind: str, within: str) -> int | None:
        """The row of the table that stands under a natural key."""
        row = self._table.find(kind, within)
        if row is None or row >= self._table.standing or row in self._hidden.get(kind, _SEEN):
            return None
        return row

    def _hand_over(self, transfer: Transfer, giver: str) -> None:
        thing = kind, entity = transfer.object.type, transfer.object.id
        self._hand(Handed(kind, entity, giver, transfer.start))
        self._owners = self._owners.set(thing, transfer.to)
        if said := self._find(kind, entity):
            self._put(replace(said, owner=transfer.to))

    def _hand(self, handed: Handed) -> None:
        before = self._transfers.get(handed.thing, ())
        self._transfers = self._transfers.set(handed.thing, (*before, handed))

    def _set_aside(self, entry: Entry, cause: int) -> Suspect:
        statement, opening = entry.statement, entry.leaf.chain
        key = self.key_of(opening)
        if key is None and not isinstance(statement.body, Withdrawal):
            key = statement.body.natural_key(statement.subject)
            self._learn(opening, key)
        if key is not None:
            self._touch(key, cause)
        return Suspect(_said(entry, key or NaturalKey(statement.type, ())), cause)

    def _touch_restored(self, log: Prefixes, index: int) -> None:
        """What entry ``index`` made sound again stands since then, however long ago it was said."""
        before, after = log.suspects_at(index), log.suspects_at(index + 1)
        still = {each.entry.index for each in after}
        for entry in (each.entry for each in before):
            if entry.index not in still and (key := self.key_of(entry.leaf.chain)) is not None:
                self._touch(key, index)

    def _touch(self, key: NaturalKey, index: int) -> None:
        touched = self.touched
        for about in ((key.type, ""), *_abouts(key)):
            if touched.get(about, -1) < index:
                self._touched = self._touched.set(about, index)

    def statements(self, kind: str) -> Sequence[Said]:
        """Everything of one type that stands, in the order of the entries.

        What a table holds is read each time it is gone through, and kept by nobody.
        """
        if kind not in self._in_order:
            self._in_order[kind] = InOrder(self, kind)
        return self._in_order[kind]

    def about(self, kind: str, entity: str) -> tuple[Said, ...]:
        """The statements of one type whose natural key names an entity, in that order.

        Takes time in proportion to how many there are. Which parts of a key are ids is said in
        ``_IDS``; a type without any there is about nothing.
        """
        hidden, over = self._hidden.get(kind, _SEEN), self._over(kind)
        rows = (row for row in self._table.about(kind, entity) if row not in hidden)
        told = (_said_in(self._table, kind, self._table.row(row)) for row in rows)
        later = (over[within] for within in self._about.get((kind, entity), _NONE))
        return tuple(sorted((*told, *later), key=_INDEX))

    def find(self, key: NaturalKey) -> Said | None:
        """What stands under a natural key."""
        return self._find(key.type, key.within)

    def _find(self, kind: str, within: str) -> Said | None:
        if (said := self._over(kind).get(within)) is not None:
            return said
        row = self._row(kind, within)
        return None if row is None else self._read(kind, row)

    def _read(self, kind: str, row: int) -> Said:
        if (said := self._recent.get(row)) is not None:
            return said
        return self._recent.put(row, _said_in(self._table, kind, self._table.row(row)))

    def _stands(self, kind: str, within: str) -> bool:
        return within in self._over(kind) or self._row(kind, within) is not None

    def owner_of(self, kind: str, entity: str) -> str | None:
        """The enterprise that owns a product, site or park; ``None`` if none such stands."""
        if (said := self._over(kind).get(entity)) is not None:
            return said.owner
        row = self._row(kind, entity)
        return None if row is None else self._table.owner(row)

    def owner_on(self, kind: str, entity: str, day: dt.date) -> str | None:
        """Who owned a product or site on a day: before a transfer's first day, who gave it away."""
        for handed in self._transfers.get((kind, entity), ()):
            if day < handed.start:
                return handed.giver
        return self.owner_of(kind, entity)

    def transfer_days(self, kind: str, entity: str) -> Iterator[dt.date]:
        """The first day of each new owner."""
        return (handed.start for handed in self._transfers.get((kind, entity), ()))

    def last_owner_of(self, kind: str, entity: str) -> str | None:
        """As ``owner_of``, or who owned it when it was withdrawn."""
        owner = self._owners.get((kind, entity))
        if owner is not None or kind not in _ENTITIES:
            return owner
        row = self._table.find(kind, entity)
        return None if row is None else self._table.owner(row)

    def ever_owned(self, kind: str) -> Iterator[tuple[str, str]]:
        """Every product, site or park there ever was, with its last owner; in no order."""
        for (of_kind, entity), owner in self._owners.items():
            if of_kind == kind:
                yield entity, owner
        for row in self._table.owned(kind) if kind in _ENTITIES else ():
            entity = self._table.key(row)
            if (kind, entity) not in self._owners:
                yield entity, str(self._table.owner(row))

    def ever_said(self, kind: str) -> Iterator[NaturalKey]:
        """The natural key of every chain of one type, whether it stands or was withdrawn.

        In no order.
        """
        for row in self._table.flagged(kind, KNOWN):
            if row not in self._forgotten:
                yield _key(self._table, row)
        yield from (key for key in self._keys.values() if key.type == kind)

    @property
    def enterprises(self) -> Mapping[str, Said]:
        return Live(self, "enterprise")

    @property
    def sites(self) -> Mapping[str, Said]:
        return Live(self, "site")

    @property
    def parks(self) -> Mapping[str, Said]:
        return Live(self, "park")

    @property
    def products(self) -> Mapping[str, Said]:
        return Live(self, "product")

    def _over(self, kind: str) -> Map[str, Said]:
        """What lies over the table."""
        return self._said.get(kind, _NOTHING)

    def _laid_over(self) -> tuple[list[int], Columns]:
        """What lies over the table as columns, and the rows that give way to it."""
        columns = Columns()
        openings = {(key.type, key.within): opening for opening, key in self._keys.items()}
        said = {
            (kind, each): said for kind, live in self._said.items() for each, said in live.items()
        }
        hidden = (row for rows in self._hidden.values() for row in rows)
        gone = ((self._table.kind(row), self._table.key(row)) for row in hidden)
        dropped = []
        for kind, within in dict.fromkeys((*openings, *said, *gone, *self._owners)):
            if (old := self._table.find(kind, within)) is not None:
                dropped.append(old)
            opening = openings.get((kind, within))
            if opening is None and old not in self._forgotten:
                opening = _opening(self._table, old)
            row = columns.add(kind, within, _ids(kind, split(within)))
            if opening:
                columns.know(row, opening)
            if here := said.get((kind, within)):
                columns.say(row, here.index, here.digest, here.voided, here.source.envelope)
                columns.own(row, here.owner)
            elif owner := self.last_owner_of(kind, within):
                columns.own(row, owner)
        for (kind, entity), index in self._touched.items():
            columns.touch(kind, entity, index)
        return dropped, columns


class _Bulk:
    """Folds the files of one's own log into a table, to the same end as `Standing.fold`.

    What they say is read only where it changes what stands elsewhere.
    """

    def __init__(self, soundness: Soundness) -> None:
        self._soundness = soundness
        self._columns = Columns()
        self._rows: dict[bytes, int] = {}
        self._things: dict[_Pair, int] = {}
        self._transfers: list[tuple[Transfer, str, int]] = []

    @classmethod
    def folded(cls, files: Iterable[Filed], soundness: Soundness) -> Standing:
        """What stands after files, which come in the order of their indexes."""
        bulk, size = cls(soundness), 0
        for filed in files:
            bulk.fold(filed)
            size = filed.index + 1
        return bulk.standing(size)

    def fold(self, filed: Filed) -> None:
        """Raises PayloadErased for one whose own payload is gone."""
        if not filed.envelope:
            raise PayloadErased(entry=filed.index)
        opening = bytes.fromhex(filed.opening)
        row = self._rows.get(opening)
        if filed.type == Withdrawal.TYPE:
            if row is not None:
                self._columns.end(row)
                self._columns.move(row, filed.index)
            return
        if row is None:
            row = self._rows[opening] = self._add(filed.kind, filed.within)
            self._columns.know(row, filed.opening)
        voided = self._voids(filed)
        self._columns.say(row, filed.index, filed.digest, voided, filed.envelope)
        self._columns.own(row, filed.subject)
        if filed.type in (Transfer.TYPE, Erasure.TYPE):
            self._take_beyond(filed)
        self._columns.move(row, filed.index)

    def _voids(self, filed: Filed) -> bool:
        if filed.type != Membership.TYPE or self._soundness.is_clean:
            return False
        body = cast(Membership, filed.statement.body)
        return self._soundness.consent_cause(body, filed.index, filed.time) is not None

    def _take_beyond(self, filed: Filed) -> None:
        """What it says about what others said."""
        body = filed.statement.body
        if isinstance(body, Transfer):
            self._transfers.append((body, filed.subject, filed.index))
        if isinstance(body, Erasure):
            key = body.erased_key
            for kind, entity in ((key.type, ""), *_abouts(key)):
                self._columns.touch(kind, entity, filed.index)

    def standing(self, size: int) -> Standing:
        handed = [
            Handed(body.object.type, body.object.id, giver, body.start)
            for body, giver, _ in self._transfers
        ]
        self._hand_over()
        table = assemble(EMPTY, (), self._columns).in_memory()
        return replace(Standing.over(table, size, handed), soundness=self._soundness)

    def _add(self, kind: str, within: str) -> int:
        if kind in _CHANGE_HANDS:
            self._things[kind, within] = len(self._columns)
        return self._columns.add(kind, within, _ids(kind, split(within)))

    def _hand_over(self) -> None:
        """Who takes a thing over owns it, unless something was said of it since."""
        for body, _, index in self._transfers:
            thing = body.object.type, body.object.id
            row = self._things.get(thing)
            if row is None:
                row = self._add(*thing)
            if self._columns.index[row] < index:
                self._columns.own(row, body.to)


_INDEX = attrgetter("index")
_NONE: Map[str, None] = Map()
_SEEN: Map[int, None] = Map()
_NOTHING: Map[str, Said] = Map()


def _said(entry: Entry, key: NaturalKey, voided: bool = False) -> Said:
    return Said(
        source=entry,
        key=key,
        index=entry.index,
        digest=entry.leaf.signed,
        owner=entry.statement.subject,
        opening=entry.leaf.chain,
        voided=voided,
    )


def _told(table: Table, kind: str, rows: Any) -> Iterator[Said]:
    """What some rows of one kind say."""
    return (_said_in(table, kind, row) for row in table.read(rows))


def _said_in(table: Table, kind: str, row: Row) -> Said:
    return Said(
        source=_Stored(table, row.row),
        key=NaturalKey(kind, split(row.key)),
        index=row.index,
        digest=row.digest,
        owner=row.owner,
        opening=row.opening,
        voided=row.voided,
    )


def _key(table: Table, row: int) -> NaturalKey:
    return NaturalKey(table.kind(row), split(table.key(row)))


def _opening(table: Table, row: int | None) -> str | None:
    if row is None or not int(table["flags"][row]) & KNOWN:
        return None
    opening: str = table["opening"][row].tobytes().hex()
    return opening


def _abouts(key: NaturalKey) -> tuple[_Pair, ...]:
    return tuple((key.type, part) for part in _ids(key.type, key.parts))


def _ids(kind: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    return parts[_IDS.get(kind, slice(0))]
