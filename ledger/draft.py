"""The log as it would be with the statements admitted so far; nothing is written until `write`.

A draft lives inside one transaction. It answers admission's questions from the database, overlaid
with what it has taken in itself, so that the statements of a batch see one another. To refuse all
of it, forget it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from ledger import jws, tables
from ledger.admission import Admission, Head, claims_of
from ledger.leaf import Leaf
from ledger.merkle import leaf_hash
from ledger.recent import Recent
from ledger.statements import Body, NaturalKey, Statement, Withdrawal, joined, read, split

Bodies = Recent[int, Body]
"""What committed statements say, by their index."""

_About = tuple[str, tuple[str, ...]]

_ENTRY, _HEAD, _TAKEN = tables.entry.c, tables.head.c, tables.taken.c
_LAST = sa.select(_ENTRY.index, _ENTRY.time).order_by(_ENTRY.index.desc()).limit(1)


class Draft:
    """Implements ``admission.View``.

    ``size`` and ``time`` are the log's with the drafted entries: how many there are, and the time
    of the last in milliseconds (0 in an empty log). ``added`` are the drafted statements by index,
    ``leaf_hashes`` their hashes in the same order.
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
        self.size = last + 1
        self.added: dict[int, Statement] = {}
        self.leaf_hashes: list[bytes] = []
        self._rows: list[dict[str, Any]] = []
        self._drafted: dict[str, tuple[int, Admission]] = {}
        self._taken: dict[tuple[str, str], int] = {}
        self._found: dict[str, tuple[int, str] | None] = {}
        self._free: set[tuple[str, str]] = set()
        self._changed: dict[str, Head] = {}
        self._changed_about: dict[_About, dict[str, Head]] = defaultdict(dict)
        self._read: dict[str, Head | None] = {}
        self._read_about: dict[_About, dict[str, Head]] = {}

    def genesis(self) -> Statement | None:
        return self._genesis

    def head(self, key: NaturalKey) -> Head | None:
        return self._changed.get(key.text) or self._stored(key)

    def head_of(self, digest: str) -> Head | None:
        if digest in self._drafted:
            return self._changed[self._drafted[digest][1].key.text]
        chain = sa.select(_ENTRY.chain).where(_ENTRY.signed == digest)
        query = sa.select(_HEAD.key).where(_HEAD.opening == chain.scalar_subquery())
        key = self._connection.execute(query).scalar_one_or_none()
        return self.head(NaturalKey.parse(key)) if key is not None else None

    def heads_about(self, kind: str, about: tuple[str, ...]) -> Sequence[Head]:
        heads = {**self._stored_about(kind, about), **self._changed_about[kind, about]}
        return [head for head in heads.values() if not head.withdrawn]

    def stated(self, head: Head) -> Body:
        index = head.stated_index
        if index in self.added:
            return self.added[index].body
        return self._committed.get(index) or self._committed.put(index, self._load(index))

    def taken(self, space: str, value: str) -> int | None:
        if (space, value) in self._taken:
            return self._taken[space, value]
        if (space, value) in self._free:
            return None
        query = sa.select(_TAKEN.index).where(_TAKEN.space == space, _TAKEN.value == value)
        return self._connection.execute(query).scalar_one_or_none()

    def find(self, digest: str) -> tuple[int, str] | None:
        """Index and chain opening of the entry whose statement has this digest."""
        if digest in self._drafted:
            index, admission = self._drafted[digest]
            return index, admission.opening
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
        self._foresee_heads({s.body.natural_key(s.subject).text for s in bodies})

    def add(self, statement: Statement, admission: Admission, now_ms: int) -> int:
        """Draft the next entry and return its index.

        Its time is ``now_ms``, or that of the entry before it where the clock has gone back.
        """
        index, self.time = self.size, max(now_ms, self.time)
        self.size += 1
        self._genesis = self._genesis or statement
        self._draft_entry(index, statement, admission)
        self._draft_head(index, statement, admission)
        self._taken.update(dict.fromkeys(admission.claims, index))
        self._drafted[statement.digest] = index, admission
        self.added[index] = statement
        return index

    def write(self) -> None:
        """Insert the drafted entries, move the heads, and store what is claimed."""
        changed = [{"changed": key} for key in self._changed]
        taken = [{"space": s, "value": v, "index": i} for (s, v), i in self._taken.items()]
        run = self._connection.execute
        run(tables.entry.insert(), self._rows)
        run(tables.head.delete().where(_HEAD.key == sa.bindparam("changed")), changed)
        run(tables.head.insert(), [_row(head) for head in self._changed.values()])
        run(tables.taken.insert(), taken)

    def _draft_entry(self, index: int, statement: Statement, admission: Admission) -> None:
        envelope = statement.envelope
        leaf = Leaf(
            envelope=envelope.envelope_digest,
            signed=envelope.signing_digest,
            type=statement.type,
            kid=envelope.kid,
            chain=admission.opening,
            time=self.time,
        )
        record = leaf.encode()
        self.leaf_hashes.append(leaf_hash(record))
        self._rows.append(
            {
                "index": index,
                "signed": leaf.signed,
                "envelope": envelope.compact,
                "leaf": record,
                "type": leaf.type,
                "kid": leaf.kid,
                "chain": leaf.chain,
                "subject": statement.subject,
                "time": leaf.time,
            }
        )

    def _draft_head(self, index: int, statement: Statement, admission: Admission) -> None:
        before = self.head(admission.key)
        withdrawn = isinstance(statement.body, Withdrawal)
        head = Head(
            key=admission.key,
            about=admission.about,
            opening=admission.opening,
            digest=statement.digest,
            index=index,
            stated_index=before.stated_index if withdrawn and before else index,
            owner=admission.owner,
            withdrawn=withdrawn,
        )
        self._changed[head.key.text] = head
        self._changed_about[head.key.type, head.about][head.key.text] = head

    def _find(self, digests: Sequence[str]) -> None:
        self._found.update(dict.fromkeys(digests))
        query = sa.select(_ENTRY.signed, _ENTRY.index, _ENTRY.chain)
        for signed, *found in self._connection.execute(query.where(_ENTRY.signed.in_(digests))):
            self._found[signed] = found[0], found[1]

    def _foresee_claims(self, space: str, values: set[str]) -> None:
        query = sa.select(_TAKEN.value).where(_TAKEN.space == space, _TAKEN.value.in_(values))
        taken = set(self._connection.execute(query).scalars())
        self._free.update((space, value) for value in values - taken)

    def _foresee_heads(self, keys: set[str]) -> None:
        self._read.update(dict.fromkeys(keys))
        self._read.update({head.key.text: head for head in self._heads(_HEAD.key.in_(keys))})

    def _stored(self, key: NaturalKey) -> Head | None:
        if key.text not in self._read:
            self._foresee_heads({key.text})
        return self._read[key.text]

    def _stored_about(self, kind: str, about: tuple[str, ...]) -> dict[str, Head]:
        if (kind, about) not in self._read_about:
            heads = self._heads(_HEAD.type == kind, _HEAD.about == joined(about))
            self._read_about[kind, about] = {head.key.text: head for head in heads}
        return self._read_about[kind, about]

    def _heads(self, *which: sa.ColumnElement[bool]) -> list[Head]:
        query = sa.select(tables.head).where(*which).order_by(_HEAD.index)
        return [_head(row) for row in self._connection.execute(query).mappings()]

    def _load(self, index: int) -> Body:
        query = sa.select(_ENTRY.envelope).where(_ENTRY.index == index)
        return read(jws.parse(self._connection.execute(query).scalar_one())).body


def _head(row: sa.RowMapping) -> Head:
    return Head(
        key=NaturalKey.parse(row["key"]),
        about=split(row["about"]),
        opening=row["opening"],
        digest=row["digest"],
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
        "index": head.index,
        "stated_index": head.stated_index,
        "owner": head.owner,
        "withdrawn": head.withdrawn,
    }
