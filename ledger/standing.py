"""What stands after the first ``size`` entries of a log: a fold over them, in memory.

    standing(n) = fold(standing(n - 1), entry n - 1),   standing(0) = nothing

Of every chain the last statement stands, unless it was withdrawn. So the last entries of the chains
(``Log.heads_at``) give the same as all entries, and cost far less to read.

An entry that makes earlier ones suspect, or erases one, changes what the fold has gone over: then
what stands is folded anew, from the heads of the longer prefix.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Protocol, TypeAlias

from immutables import Map

from ledger.entry import Entry, Suspected
from ledger.soundness import NOTHING_SUSPECT, Soundness
from ledger.statements import (
    Entity,
    Erasure,
    Membership,
    NaturalKey,
    Statement,
    Transfer,
    Withdrawal,
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
    "disclosure": slice(1, 2),
    "transfer": slice(0, 1),
    "attestation": slice(0, 2),
    "accreditation": slice(0, 1),
    "figure": slice(1, 2),
}
"""Which parts of a natural key are ids of what the statement is about."""


_Pair: TypeAlias = tuple[str, str]


class Source(Protocol):
    """Where a statement can be read; `Entry` is one."""

    @property
    def statement(self) -> Statement: ...


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
class _Handed:
    """A thing passed from ``giver``; ``start`` is the first day of the next owner."""

    giver: str
    start: dt.date


@dataclass(frozen=True, slots=True)
class Suspect:
    """A statement that does not stand because entry ``cause`` made it suspect."""

    said: Said
    cause: int


class Prefixes(Protocol):
    """The part of a log that says how it stood at each size; `Log` does."""

    def heads_at(self, size: int) -> Iterator[Entry]: ...

    def suspects_at(self, size: int) -> Sequence[Suspected]: ...

    def soundness_at(self, size: int) -> Soundness: ...


class Live(Mapping[str, Said]):
    """What stands of one type, by the ids in its natural key; in the order of the entries."""

    def __init__(self, standing: Standing, kind: str) -> None:
        self._standing, self._kind = standing, kind

    def __getitem__(self, within: str) -> Said:
        return self._standing._of(self._kind)[within]

    def __contains__(self, within: object) -> bool:
        return within in self._standing._of(self._kind)

    def __iter__(self) -> Iterator[str]:
        return (said.key.within for said in self._standing.statements(self._kind))

    def __len__(self) -> int:
        return len(self._standing._of(self._kind))


@dataclass
class Standing:
    """What stands after ``size`` entries.

    ``suspects`` are the statements that do not because others may have signed them; ``soundness``
    tells which keys are behind that.

    ``touched`` maps (statement type, id) to the last entry of that type about that id, and
    (type, "") to the last of that type about anything; a withdrawal counts as of the type that it
    ends. An answer that read only some of these pairs is as of the greatest index among them.

    Every map is persistent: a copy shares them all, and folding changes only the path to what is
    new, so `copy` costs nothing and `fold` O(log n).
    """

    size: int = 0
    soundness: Soundness = NOTHING_SUSPECT
    suspects: tuple[Suspect, ...] = ()
    touched: Map[_Pair, int] = field(default_factory=Map)
    _said: Map[str, Map[str, Said]] = field(default_factory=Map)
    _about: Map[_Pair, Map[str, None]] = field(default_factory=Map)
    _keys: Map[str, NaturalKey] = field(default_factory=Map)
    _owners: Map[_Pair, str] = field(default_factory=Map)
    _transfers: Map[_Pair, tuple[_Handed, ...]] = field(default_factory=Map)
    _in_order: dict[str, tuple[Said, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @classmethod
    def after(cls, log: Prefixes, size: int) -> Standing:
        """What stands after the first ``size`` entries of a log."""
        suspects = ((each.entry, each.cause) for each in log.suspects_at(size))
        standing = cls.of(log.heads_at(size), suspects, log.soundness_at(size))
        standing.size = size
        for index in standing.soundness.corrections:
            standing._touch_restored(log, index)
        return standing

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

    def copy(self) -> Standing:
        """A standing that can be folded further without changing this one."""
        return replace(self)

    def after_entry(self, entry: Entry) -> Standing:
        """What stands once the next entry is taken in; this standing stays as it is."""
        ahead = self.copy()
        ahead.fold(entry)
        return ahead

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
            return self._keys.get(opening)
        key = statement.body.natural_key(statement.subject)
        self._keys = self._keys.set(opening, key)
        return key

    def _say(self, key: NaturalKey, entry: Entry) -> None:
        statement = entry.statement
        if isinstance(statement.body, Entity):
            self._owners = self._owners.set((key.type, key.within), statement.subject)
        self._put(_said(entry, key, self._voids(entry)))
        for about in _abouts(key):
            those = self._about.get(about, _NONE).set(key.within, None)
            self._about = self._about.set(about, those)

    def _end(self, key: NaturalKey) -> None:
        live = self._of(key.type)
        if key.within not in live:
            return
        self._said = self._said.set(key.type, live.delete(key.within))
        for about in _abouts(key):
            rest = self._about[about].delete(key.within)
            self._about = self._about.set(about, rest) if rest else self._about.delete(about)

    def _put(self, said: Said) -> None:
        live = self._of(said.key.type).set(said.key.within, said)
        self._said = self._said.set(said.key.type, live)

    def _voids(self, entry: Entry) -> bool:
        """Whether an entry is a membership with a consent that others may have signed."""
        body = entry.statement.body
        if not isinstance(body, Membership):
            return False
        return self.soundness.consent_cause(body, entry.index, entry.leaf.time) is not None

    def _hand_over(self, transfer: Transfer, giver: str) -> None:
        thing = kind, entity = transfer.object.type, transfer.object.id
        handed = (*self._transfers.get(thing, ()), _Handed(giver, transfer.start))
        self._transfers = self._transfers.set(thing, handed)
        self._owners = self._owners.set(thing, transfer.to)
        if said := self._of(kind).get(entity):
            self._put(replace(said, owner=transfer.to))

    def _set_aside(self, entry: Entry, cause: int) -> Suspect:
        statement, opening = entry.statement, entry.leaf.chain
        key = self._keys.get(opening)
        if key is None and not isinstance(statement.body, Withdrawal):
            key = statement.body.natural_key(statement.subject)
            self._keys = self._keys.set(opening, key)
        if key is not None:
            self._touch(key, cause)
        return Suspect(_said(entry, key or NaturalKey(statement.type, ())), cause)

    def _touch_restored(self, log: Prefixes, index: int) -> None:
        """What entry ``index`` made sound again stands since then, however long ago it was said."""
        before, after = log.suspects_at(index), log.suspects_at(index + 1)
        still = {each.entry.index for each in after}
        for entry in (each.entry for each in before):
            if entry.index not in still and (key := self._keys.get(entry.leaf.chain)) is not None:
                self._touch(key, index)

    def _touch(self, key: NaturalKey, index: int) -> None:
        for about in ((key.type, ""), *_abouts(key)):
            if self.touched.get(about, -1) < index:
                self.touched = self.touched.set(about, index)

    def statements(self, kind: str) -> Sequence[Said]:
        """Everything of one type that stands, in the order of the entries."""
        if kind not in self._in_order:
            self._in_order[kind] = tuple(sorted(self._of(kind).values(), key=_INDEX))
        return self._in_order[kind]

    def about(self, kind: str, entity: str) -> tuple[Said, ...]:
        """The statements of one type whose natural key names an entity, in that order.

        Takes time in proportion to how many there are. Which parts of a key are ids is said in
        ``_IDS``; a type without any there is about nothing.
        """
        live = self._of(kind)
        those = self._about.get((kind, entity), _NONE)
        return tuple(sorted((live[within] for within in those), key=_INDEX))

    def key_of(self, opening: str) -> NaturalKey | None:
        """The natural key of the chain that a statement of this digest opened."""
        return self._keys.get(opening)

    def find(self, key: NaturalKey) -> Said | None:
        """What stands under a natural key."""
        return self._of(key.type).get(key.within)

    def owner_of(self, kind: str, entity: str) -> str | None:
        """The enterprise that owns a product, site or park; ``None`` if none such stands."""
        said = self._of(kind).get(entity)
        return said.owner if said else None

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
        return self._owners.get((kind, entity))

    def ever_owned(self, kind: str) -> Iterator[tuple[str, str]]:
        """Every product, site or park there ever was, with its last owner; in no order."""
        return ((each, owner) for (of_kind, each), owner in self._owners.items() if of_kind == kind)

    def ever_said(self, kind: str) -> Iterator[NaturalKey]:
        """The natural key of every chain of one type, whether it stands or was withdrawn.

        In no order.
        """
        return (key for key in self._keys.values() if key.type == kind)

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

    def _of(self, kind: str) -> Map[str, Said]:
        return self._said.get(kind, _NOTHING)


_INDEX = attrgetter("index")
_NONE: Map[str, None] = Map()
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


def _abouts(key: NaturalKey) -> tuple[_Pair, ...]:
    return tuple((key.type, part) for part in key.parts[_IDS.get(key.type, slice(0))])
