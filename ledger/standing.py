"""What stands after the first ``size`` entries of a log: a fold over them, in memory.

    standing(n) = fold(standing(n - 1), entry n - 1),   standing(0) = nothing

Of every chain the last statement stands, unless it was withdrawn. So the last entries of the chains
(``Log.heads_at``) give the same as all entries, and cost far less to read.

An entry that makes earlier ones suspect, or erases one, changes what the fold has gone over: then
what stands is folded anew, from the heads of the longer prefix.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

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


@dataclass(frozen=True, slots=True)
class Said:
    """A statement in force, and where the log says so.

    ``owner`` is the enterprise whose chain it is; ``on_behalf`` tells that another spoke for it;
    ``opening`` is the digest of the chain's first statement.
    """

    statement: Statement
    index: int
    digest: str
    owner: str
    on_behalf: bool
    opening: str

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


@dataclass
class Standing:
    """What stands after ``size`` entries.

    ``suspects`` are the statements that do not because others may have signed them; ``soundness``
    tells which keys are behind that.

    ``touched`` maps (statement type, id) to the last entry of that type about that id, and
    (type, "") to the last of that type about anything; a withdrawal counts as of the type that it
    ends. An answer that read only some of these pairs is as of the greatest index among them.
    """

    size: int = 0
    soundness: Soundness = NOTHING_SUSPECT
    suspects: tuple[Suspect, ...] = ()
    touched: dict[tuple[str, str], int] = field(default_factory=dict)
    _said: dict[str, dict[str, Said]] = field(default_factory=lambda: defaultdict(dict))
    _keys: dict[str, NaturalKey] = field(default_factory=dict)
    _owners: dict[tuple[str, str], str] = field(default_factory=dict)
    _transfers: dict[tuple[str, str], tuple[_Handed, ...]] = field(default_factory=dict)

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

    def fold(self, entry: Entry) -> None:
        """Take in the next entry; of the chain it withdraws, the statement comes before it.

        Unless that is erased: then nothing is left that the withdrawal could end. Raises
        PayloadErased for an entry whose own payload is gone.
        """
        statement, opening = self._sound(entry), entry.leaf.chain
        self.size = entry.index + 1
        withdrawn = isinstance(statement.body, Withdrawal)
        if not withdrawn:
            self._keys[opening] = statement.body.natural_key(statement.subject)
        if (key := self._keys.get(opening)) is None:
            return
        # Taken out first: the order of statements is that of their entries, however it was reached.
        self._said[key.type].pop(key.within, None)
        if not withdrawn:
            self._said[key.type][key.within] = _said(statement, entry.index, opening)
        if isinstance(statement.body, Entity):
            self._owners[key.type, key.within] = statement.subject
        if isinstance(statement.body, Transfer):
            self._hand_over(statement.body, statement.subject)
        if isinstance(statement.body, Erasure):
            self._touch(statement.body.erased_key, entry.index)
        self._touch(key, entry.index)

    def _sound(self, entry: Entry) -> Statement:
        """What an entry says; a membership, without a consent that others may have signed."""
        statement, body = entry.statement, entry.statement.body
        if not isinstance(body, Membership):
            return statement
        voided = self.soundness.consent_cause(body, entry.index, entry.leaf.time)
        return statement if voided is None else replace(statement, body=replace(body, consent=None))

    def _hand_over(self, transfer: Transfer, giver: str) -> None:
        kind, entity = transfer.object.type, transfer.object.id
        before = self._transfers.get((kind, entity), ())
        self._transfers[kind, entity] = (*before, _Handed(giver, transfer.start))
        self._owners[kind, entity] = transfer.to
        if said := self._of(kind).get(entity):
            self._said[kind][entity] = replace(said, owner=transfer.to)

    def _set_aside(self, entry: Entry, cause: int) -> Suspect:
        statement, opening = entry.statement, entry.leaf.chain
        if not isinstance(statement.body, Withdrawal):
            self._keys.setdefault(opening, statement.body.natural_key(statement.subject))
        if (key := self._keys.get(opening)) is not None:
            self._touch(key, cause)
        return Suspect(_said(statement, entry.index, opening), cause)

    def _touch_restored(self, log: Prefixes, index: int) -> None:
        """What entry ``index`` made sound again stands since then, however long ago it was said."""
        before, after = log.suspects_at(index), log.suspects_at(index + 1)
        still = {each.entry.index for each in after}
        for entry in (each.entry for each in before):
            if entry.index not in still and (key := self._keys.get(entry.leaf.chain)) is not None:
                self._touch(key, index)

    def _touch(self, key: NaturalKey, index: int) -> None:
        for about in _touches(key):
            self.touched[about] = max(index, self.touched.get(about, -1))

    def copy(self) -> Standing:
        """A standing that can be folded further without changing this one."""
        said = defaultdict(dict, {kind: dict(live) for kind, live in self._said.items()})
        return replace(
            self,
            touched=dict(self.touched),
            _said=said,
            _keys=dict(self._keys),
            _owners=dict(self._owners),
            _transfers=dict(self._transfers),
        )

    def statements(self, kind: str) -> Iterable[Said]:
        """Everything of one type that stands, in the order of the entries."""
        return self._of(kind).values()

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
        """Every product, site or park there ever was, with its last owner."""
        return ((each, owner) for (of_kind, each), owner in self._owners.items() if of_kind == kind)

    def ever_said(self, kind: str) -> Iterator[NaturalKey]:
        """The natural key of every chain of one type, whether it stands or was withdrawn."""
        return (key for key in self._keys.values() if key.type == kind)

    @property
    def enterprises(self) -> Mapping[str, Said]:
        return self._of("enterprise")

    @property
    def sites(self) -> Mapping[str, Said]:
        return self._of("site")

    @property
    def parks(self) -> Mapping[str, Said]:
        return self._of("park")

    @property
    def products(self) -> Mapping[str, Said]:
        return self._of("product")

    def _of(self, kind: str) -> Mapping[str, Said]:
        return self._said.get(kind, {})


def _said(statement: Statement, index: int, opening: str) -> Said:
    return Said(
        statement=statement,
        index=index,
        digest=statement.digest,
        owner=statement.subject,
        on_behalf=statement.on_behalf,
        opening=opening,
    )


def _touches(key: NaturalKey) -> Iterator[tuple[str, str]]:
    yield key.type, ""
    for part in key.parts[_IDS.get(key.type, slice(0))]:
        yield key.type, part
