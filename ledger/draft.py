"""The log as it would be with the statements admitted so far; nothing is written until `write`.

A draft lives inside one transaction. It answers admission's questions from the database, overlaid
with what it has taken in itself, so that the statements of a batch see one another. To refuse all
of it, forget it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, cast

import sqlalchemy as sa

from ledger import heads, jws, tables, tile_store, tiles
from ledger.errors import OutsideTree
from ledger.heads import Version
from ledger.leaf import Leaf
from ledger.merkle import leaf_hash
from ledger.recent import Recent
from ledger.soundness import EVENTS, Event, Signed, Soundness, event_of, unsettles
from ledger.statements import (
    Body,
    Erasure,
    NaturalKey,
    Statement,
    Withdrawal,
    joined,
    read,
    split,
)
from ledger.suspects import chains_of, stored_events, suspects_at, versions_of
from ledger.view import ENTITY_ID, Admission, Head, Stamp, about_of_key, claims_of

Bodies = Recent[int, Body]
"""What committed statements say, by their index."""

_PAGE = 1000

_About = tuple[str, tuple[str, ...]]

_ENTRY, _HEAD, _TAKEN = tables.entry.c, tables.head.c, tables.taken.c

# Whole, so that they are put together once and not for every statement.
_LAST = sa.select(_ENTRY.index, _ENTRY.time).order_by(_ENTRY.index.desc()).limit(1)
_FOUND = sa.select(_ENTRY.signed, _ENTRY.index, _ENTRY.chain).where(
    _ENTRY.signed.in_(sa.bindparam("digests", expanding=True))
)
_CLAIMED = sa.select(_TAKEN.value).where(
    _TAKEN.space == sa.bindparam("of_space"),
    _TAKEN.value.in_(sa.bindparam("values", expanding=True)),
)
_HEADS = sa.select(tables.head).order_by(_HEAD.index)
_HEADS_BY_KEY = _HEADS.where(_HEAD.key.in_(sa.bindparam("keys", expanding=True)))
_HEADS_OF = _HEADS.where(_HEAD.opening.in_(sa.bindparam("chains", expanding=True)))
_HEADS_ABOUT = _HEADS.where(
    _HEAD.type == sa.bindparam("kind"), _HEAD.about == sa.bindparam("of_about")
)
_ANY_OF = sa.select(sa.literal(1)).where(_HEAD.type == sa.bindparam("kind")).limit(1)
_OUTDATED = tables.head.delete().where(_HEAD.key == sa.bindparam("changed"))


class Draft:
    """Implements ``view.View``.

    ``size`` and ``time`` are the log's with the drafted entries: how many there are, and the time
    of the last in milliseconds (0 in an empty log). ``added`` are the drafted statements by index,
    ``leaf_hashes`` the hashes of the drafted entries in their order.
    """

    def __init__(
        self, connection: sa.Connection, genesis: Statement | None, bodies: Bodies
    ) -> None:
        self._connection = connection
        self._genesis = genesis
        self._committed = bodies
        last: int
        self.time: int
        last, self.time = connection.execute(_LAST).one_or_none() or (-1, 0)
        self.size = self._stored_size = last + 1
        self.added: dict[int, Statement] = {}
        self.leaf_hashes: list[bytes] = []
        self._rows: dict[int, dict[str, Any]] = {}
        self._drafted: dict[str, tuple[int, NaturalKey, str]] = {}
        self._taken: dict[tuple[str, str], int] = {}
        self._released: set[tuple[str, str]] = set()
        self._erased: dict[int, int] = {}
        self._found: dict[str, tuple[int, str] | None] = {}
        self._free: set[tuple[str, str]] = set()
        self._changed: dict[str, Head] = {}
        self._changed_about: dict[_About, dict[str, Head]] = defaultdict(dict)
        self._read: dict[str, Head | None] = {}
        self._read_about: dict[_About, dict[str, Head]] = {}
        self._present: dict[str, bool] = {}

    # --- What admission asks ---

    def genesis(self) -> Statement | None:
        return self._genesis

    def head(self, key: NaturalKey) -> Head | None:
        return self._changed.get(key.text) or self._stored(key)

    def head_of(self, digest: str) -> Head | None:
        if digest in self._drafted:
            return self.head(self._drafted[digest][1])
        chain = sa.select(_ENTRY.chain).where(_ENTRY.signed == digest)
        query = sa.select(_HEAD.key).where(_HEAD.opening == chain.scalar_subquery())
        key = self._connection.execute(query).scalar_one_or_none()
        return self.head(NaturalKey.parse(key)) if key is not None else None

    def heads_about(self, kind: str, about: tuple[str, ...]) -> Sequence[Head]:
        heads = {**self._stored_about(kind, about), **self._changed_about[kind, about]}
        in_force = (head for head in heads.values() if not head.withdrawn)
        return sorted(in_force, key=lambda head: head.index)

    def stated(self, head: Head) -> Body:
        index = head.stated_index
        if index in self.added:
            return self.added[index].body
        return self._committed.get(index) or self._committed.put(index, self._load(index))

    def statement(self, digest: str) -> Statement | None:
        if digest in self._drafted:
            index = self._drafted[digest][0]
            return self.added.get(index) if index not in self._erased else None
        query = sa.select(_ENTRY.envelope, _ENTRY.index).where(_ENTRY.signed == digest)
        row = self._connection.execute(query).one_or_none()
        envelope, index = row if row is not None else (b"", -1)
        return read(jws.parse(envelope)) if envelope and index not in self._erased else None

    def stamp(self, digest: str) -> Stamp | None:
        if digest in self._drafted:
            row = self._rows[self._drafted[digest][0]]
            return Stamp(row["type"], row["subject"])
        query = sa.select(_ENTRY.type, _ENTRY.subject).where(_ENTRY.signed == digest)
        found = self._connection.execute(query).one_or_none()
        return Stamp(*found) if found is not None else None

    def taken(self, space: str, value: str) -> int | None:
        if (space, value) in self._taken:
            return self._taken[space, value]
        if (space, value) in self._free or (space, value) in self._released:
            return None
        query = sa.select(_TAKEN.index).where(_TAKEN.space == space, _TAKEN.value == value)
        return self._connection.execute(query).scalar_one_or_none()

    def root(self, size: int) -> bytes:
        if not 0 < size <= self.size:
            raise OutsideTree(size=self.size)
        stored = tile_store.reader(self._connection)
        beyond = self.leaf_hashes[: max(0, size - self._stored_size)]
        changed = tiles.extend(self._stored_size, beyond, stored)
        return tiles.root(size, lambda *tile: changed.get(tile) or stored(*tile))

    def find(self, digest: str) -> tuple[int, str] | None:
        """Index and chain opening of the entry whose statement has this digest."""
        if digest in self._drafted:
            index, _, opening = self._drafted[digest]
            return index, opening
        if digest not in self._found:
            self._find([digest])
        return self._found[digest]

    def foresee(self, statements: Sequence[Statement]) -> None:
        """Read at once what judging each of these will ask; answers stay the same."""
        self._find([statement.digest for statement in statements])
        wanted = defaultdict(set)
        for statement in statements:
            for space, value in claims_of(statement):
                wanted[space].add(value)
        for space, values in wanted.items():
            self._foresee_claims(space, values)
        bodies = [s for s in statements if not isinstance(s.body, Withdrawal)]
        kids = {s.envelope.kid for s in statements}
        self._foresee_heads(
            {s.body.natural_key(s.subject).text for s in bodies}
            | {NaturalKey(kind, (kid,)).text for kid in kids for kind in ("key", "revocation")}
            | {NaturalKey(kind, ()).text for kind in ("policy", "recovery")}
        )

    # --- Taking in ---

    def add(self, statement: Statement, admission: Admission, now_ms: int) -> int:
        """Draft the next entry and return its index.

        Its time is ``now_ms``, or that of the entry before it where the clock has gone back.
        """
        envelope = statement.envelope
        leaf = Leaf(
            envelope=envelope.envelope_digest,
            signed=envelope.signing_digest,
            type=statement.type,
            kid=envelope.kid,
            chain=admission.opening,
            time=max(now_ms, self.time),
        )
        self._genesis = self._genesis or statement
        index = self._append(leaf, admission.key, statement.subject, envelope.compact)
        self.added[index] = statement
        self._released.update(each for each in admission.claims if self.taken(*each) is not None)
        self._taken.update(dict.fromkeys(admission.claims, index))
        self._move_head(index, leaf, admission.key, admission.about, admission.owner)
        if isinstance(statement.body, Erasure):
            self._erase(index, statement.body, statement.subject)
        if unsettles(statement):
            self._settle()
        return index

    def add_erased(self, leaf: Leaf, erasure: Erasure, owner: str) -> int:
        """Draft an entry whose payload a later one, said for ``owner``, erases; returns its index.

        For those who rebuild a log: they have the leaf, and the erasure tells the natural key. The
        erasure itself has to follow.
        """
        key = erasure.erased_key
        index = self._append(leaf, key, owner, b"")
        self._move_head(index, leaf, key, about_of_key(key), owner)
        return index

    def write(self) -> None:
        """Insert the drafted entries, move the heads, and store what is claimed."""
        changed = [{"changed": key} for key in self._changed]
        taken = [{"space": s, "value": v, "index": i} for (s, v), i in self._taken.items()]
        run = self._connection.execute
        run(tables.entry.insert(), list(self._rows.values()))
        self._write_erasures()
        run(_OUTDATED, changed)
        run(tables.head.insert(), [_row(head) for head in self._changed.values()])
        if taken:
            run(tables.taken.insert(), taken)

    def _write_erasures(self) -> None:
        stored = {index: by for index, by in self._erased.items() if index < self._stored_size}
        for index, by in stored.items():
            gone = tables.entry.update().values(envelope=b"", erased_by=by)
            here = gone.where(_ENTRY.index == index, _ENTRY.erased_by.is_(None))
            self._connection.execute(here)
        for space, value in self._released:
            which = (_TAKEN.space == space, _TAKEN.value == value)
            self._connection.execute(tables.taken.delete().where(*which))

    def _append(self, leaf: Leaf, key: NaturalKey, subject: str, envelope: bytes) -> int:
        index, self.time = self.size, leaf.time
        self.size += 1
        record = leaf.encode()
        self.leaf_hashes.append(leaf_hash(record))
        self._drafted[leaf.signed] = index, key, leaf.chain
        self._rows[index] = {
            "index": index,
            "signed": leaf.signed,
            "envelope": envelope,
            "leaf": record,
            "type": leaf.type,
            "kid": leaf.kid,
            "chain": leaf.chain,
            "subject": subject,
            "time": leaf.time,
            "erased_by": None,
        }
        return index

    def _move_head(
        self, index: int, leaf: Leaf, key: NaturalKey, about: tuple[str, ...], owner: str
    ) -> None:
        self._put(heads.moved(self.head(key), index, leaf, key, about, owner))

    def _put(self, head: Head) -> None:
        self._changed[head.key.text] = head
        self._changed_about[head.key.type, head.about][head.key.text] = head

    def _erase(self, erasure: int, body: Erasure, owner: str) -> None:
        """The payload goes, and with it what it claimed and, if it stands, what is in force."""
        index, _ = cast(tuple[int, str], self.find(body.digest))
        if (erased := self.statement(body.digest)) is not None:
            own = (each for each in claims_of(erased) if self.taken(*each) == index)
            released = [each for each in own if each[0] != ENTITY_ID]
            self._released.update(released)
            for claim in released:
                self._taken.pop(claim, None)
        first = self._erased.setdefault(index, erasure)
        if index in self._rows:
            self._rows[index] |= {"envelope": b"", "erased_by": first}
        head = cast(Head, self.head_of(body.digest))
        self._put(heads.erased(head, index, owner))

    # --- What is suspect ---

    def _settle(self) -> None:
        """Let every chain in which the last entry makes others suspect, or sound again, rest on its
        last sound one."""
        stored = stored_events(self._connection, self._stored_size)
        *before, last = (*stored, *self._drafted_events())
        suspects = self._suspects(Soundness.of([*before, last]))
        shaken = self._chains(suspects.keys() ^ self._suspects(Soundness.of(before)).keys())
        versions = self._versions(shaken)
        for head in self._heads_of(shaken):
            self._put(heads.settled(head, versions[head.opening], suspects))

    def _suspects(self, soundness: Soundness) -> dict[int, int]:
        drafted = ((index, soundness.cause(self._signed(index))) for index in self._rows)
        suspects = {index: cause for index, cause in drafted if cause is not None}
        return suspects | suspects_at(self._connection, soundness, self._stored_size)

    def _chains(self, indexes: Set[int]) -> list[str]:
        drafted = {self._rows[each]["chain"] for each in indexes & self._rows.keys()}
        stored = chains_of(self._connection, sorted(indexes - self._rows.keys()))
        return sorted(drafted.union(stored))

    def _drafted_events(self) -> Iterator[Event]:
        for index, statement in self.added.items():
            signed = self._signed(index)
            if self._drafted[statement.digest][1].type in EVENTS or index == 0:
                yield event_of(signed, statement)

    def _signed(self, index: int) -> Signed:
        row = self._rows[index]
        return Signed(
            index=index,
            time=row["time"],
            kid=row["kid"],
            type=row["type"],
            subject=row["subject"],
            chain=row["chain"],
            objects=self._drafted[row["signed"]][1].parts,
        )

    def _versions(self, chains: Sequence[str]) -> dict[str, list[Version]]:
        versions = versions_of(self._connection, chains, self._stored_size)
        for row in self._rows.values():
            if row["chain"] in versions:
                versions[row["chain"]].append(_version(row))
        return {
            chain: [self._as_erased(each) for each in found] for chain, found in versions.items()
        }

    def _as_erased(self, version: Version) -> Version:
        by = self._erased.get(version.index) if version.erased_by is None else version.erased_by
        return replace(version, erased_by=by)

    def _heads_of(self, chains: Sequence[str]) -> list[Head]:
        found: dict[str, Head] = {}
        for start in range(0, len(chains), _PAGE):
            page = {"chains": chains[start : start + _PAGE]}
            found |= {head.opening: head for head in self._heads(_HEADS_OF, page)}
        wanted = set(chains)
        changed = (head for head in self._changed.values() if head.opening in wanted)
        return list((found | {head.opening: head for head in changed}).values())

    # --- Reading what is stored ---

    def _find(self, digests: Sequence[str]) -> None:
        self._found.update(dict.fromkeys(digests))
        for signed, *found in self._connection.execute(_FOUND, {"digests": digests}):
            self._found[signed] = found[0], found[1]

    def _foresee_claims(self, space: str, values: set[str]) -> None:
        wanted, taken = sorted(values), set[str]()
        # Each certificate has up to a thousand serial numbers: more than a database takes at once.
        for start in range(0, len(wanted), _PAGE):
            asked = {"of_space": space, "values": wanted[start : start + _PAGE]}
            taken.update(self._connection.execute(_CLAIMED, asked).scalars())
        self._free.update((space, value) for value in values - taken)

    def _foresee_heads(self, keys: set[str]) -> None:
        self._read.update(dict.fromkeys(keys))
        heads = self._heads(_HEADS_BY_KEY, {"keys": list(keys)})
        self._read.update({head.key.text: head for head in heads})

    def _stored(self, key: NaturalKey) -> Head | None:
        if key.text not in self._read:
            self._foresee_heads({key.text})
        return self._read[key.text]

    def _stored_about(self, kind: str, about: tuple[str, ...]) -> dict[str, Head]:
        if (kind, about) not in self._read_about:
            if not self._has_any(kind):
                return {}
            heads = self._heads(_HEADS_ABOUT, {"kind": kind, "of_about": joined(about)})
            self._read_about[kind, about] = {head.key.text: head for head in heads}
        return self._read_about[kind, about]

    def _has_any(self, kind: str) -> bool:
        """Most logs have no transfer, and most batches ask for one with every statement."""
        if kind not in self._present:
            found = self._connection.execute(_ANY_OF, {"kind": kind}).scalar_one_or_none()
            self._present[kind] = found is not None
        return self._present[kind]

    def _heads(self, query: sa.Select[Any], asked: dict[str, Any]) -> list[Head]:
        return [_head(row) for row in self._connection.execute(query, asked).mappings()]

    def _load(self, index: int) -> Body:
        query = sa.select(_ENTRY.envelope).where(_ENTRY.index == index)
        return read(jws.parse(self._connection.execute(query).scalar_one())).body


def _head(row: sa.RowMapping) -> Head:
    return Head(
        key=NaturalKey.parse(row["key"]),
        about=split(row["about"]),
        opening=row["opening"],
        digest=row["digest"],
        sound_digest=row["sound_digest"],
        index=row["index"],
        stated_index=row["stated_index"],
        owner=row["owner"],
        withdrawn=row["withdrawn"],
    )


def _row(head: Head) -> dict[str, Any]:
    return {
        "key": head.key.text,
        "type": head.key.type,
        "about": joined(head.about),
        "opening": head.opening,
        "digest": head.digest,
        "sound_digest": head.sound_digest,
        "index": head.index,
        "stated_index": head.stated_index,
        "owner": head.owner,
        "withdrawn": head.withdrawn,
    }


def _version(row: Mapping[str, Any]) -> Version:
    return Version(row["index"], row["type"], row["signed"], row["subject"], row["erased_by"])
