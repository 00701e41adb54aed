"""The log: statements in, entries and proofs out.

Appending has two halves. Statements are read and verified by whoever brings them, holding up
nobody. Then, in one transaction for as many calls as wait, inside the writer's lock: the head is
read, each statement is judged against what stands at its index, and entries, tree and signed
checkpoint are written together; only after the commit is anybody answered. There is no entry
without its place in a signed tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any, Final, TypeAlias, cast

import sqlalchemy as sa

from ledger import jws, note, tables, tile_store, tiles
from ledger.admission import admit
from ledger.authority import registered_key
from ledger.checkpoint import Checkpoint
from ledger.draft import Bodies, Draft
from ledger.entry import Entry, Filed, Suspected
from ledger.errors import (
    AlreadyInitialised,
    BatchTooLarge,
    CatchmentError,
    EntryNotFound,
    GenesisRefused,
    LogNotFound,
    NotPublished,
    OutsideTree,
    SignerReplaced,
    TreeDamaged,
    TreeMiswritten,
    UnknownKey,
)
from ledger.high_water import UNMARKED, HighWater, Mark, check_continues
from ledger.keys import PublicKey
from ledger.leaf import Leaf
from ledger.limits import MAX_BATCH
from ledger.merkle import Frontier, leaf_hash
from ledger.receipt import Receipt
from ledger.recent import Recent
from ledger.snapshot import NOWHERE, Snapshots
from ledger.soundness import Compromise, Soundness
from ledger.statements import Erasure, Genesis, NaturalKey, Recovery, Statement, read
from ledger.store import asking, reading, scrub, writing
from ledger.suspects import (
    ChainEnd,
    ends_of,
    erased_before,
    last_of_chains,
    soundness_at,
    soundness_if,
    suspects_at,
)
from ledger.view import View

Clock: TypeAlias = Callable[[], int]
"""Milliseconds since 1970-01-01T00:00:00Z."""

_RECENT_BODIES = 4096
_RECENT_KEYS = 4096
_RECENT_PREFIXES = 8
_PAGE = 1000

_ENTRY, _CHECKPOINT, _HEAD = tables.entry.c, tables.checkpoint.c, tables.head.c
_ENTRIES = sa.select(_ENTRY.index, _ENTRY.leaf, _ENTRY.envelope)
_FILED = sa.select(
    _ENTRY.index,
    _ENTRY.type,
    _ENTRY.signed,
    _ENTRY.chain,
    _ENTRY.time,
    _ENTRY.subject,
    _ENTRY.envelope,
    _HEAD.key,
).join(tables.head, _HEAD.opening == _ENTRY.chain)
_LEAVES_FROM = (
    sa.select(_ENTRY.leaf).where(_ENTRY.index >= sa.bindparam("start")).order_by(_ENTRY.index)
)
_LEAF = sa.select(_ENTRY.leaf).where(_ENTRY.index == sa.bindparam("at"))
_LATEST = sa.select(tables.checkpoint).order_by(_CHECKPOINT.size.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A statement that the log holds, or would hold.

    ``new``: it was not there before this call, or this item of the batch. ``stored``: it is there
    now; false in a dry run and where another item spoiled an atomic batch, and then ``index`` is
    where it would have come. ``opening`` is the digest of its chain's first statement.
    """

    statement: Statement
    index: int
    opening: str
    new: bool
    stored: bool

    @property
    def digest(self) -> str:
        return self.statement.digest

    @property
    def on_behalf(self) -> bool:
        return self.statement.on_behalf


@dataclass(frozen=True, slots=True)
class Refused:
    """What the log did not take, and why."""

    error: CatchmentError


Outcome: TypeAlias = Accepted | Refused


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement as read outside the lock; ``verified`` if its key was known there."""

    statement: Statement
    verified: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """The statements of one call, read and verified as far as that goes outside the lock."""

    items: tuple[_Prepared | Refused, ...]
    atomic: bool


class Log:
    """A log in a database, signed by ``signer`` no further than ``high_water`` allows.

    What is erased is also taken out of its ``snapshots``.
    Any number of threads and processes may hold the same log open and append to it: nothing that
    decides is kept between calls. Raises LogNotFound for an empty database, and GenesisRefused
    when the log is not the signer's. A database that was rolled back or forked is opened: it can
    be read, but nothing is appended to it (`check_high_water`).
    """

    def __init__(
        self,
        engine: sa.Engine,
        signer: note.SignerKey,
        clock: Clock,
        high_water: HighWater = UNMARKED,
        snapshots: Snapshots = NOWHERE,
    ) -> None:
        self._engine, self._signer, self._clock = engine, signer, clock
        self._high_water, self._snapshots = high_water, snapshots
        self._bodies: Bodies = Recent(_RECENT_BODIES)
        self._keys: Recent[str, PublicKey] = Recent(_RECENT_KEYS)
        self._soundness: Recent[int, tuple[Soundness, dict[int, int]]] = Recent(_RECENT_PREFIXES)
        with reading(engine) as connection:
            row = connection.execute(_ENTRIES.where(_ENTRY.index == 0)).one_or_none()
            if row is None:
                raise LogNotFound
            self.genesis: Final = read(jws.parse(row.envelope))
            _check_signer(self._draft(connection), signer)
            self.checkpoint_keys: Final = _checkpoint_keys(connection, self.genesis)
            """Every key that ever signed for this log, the one in force last."""

    @classmethod
    def create(
        cls,
        engine: sa.Engine,
        genesis: bytes,
        signer: note.SignerKey,
        clock: Clock,
        high_water: HighWater = UNMARKED,
    ) -> Log:
        """Begin a log with its signed genesis, in a database that has the tables and no entry.

        Raises AlreadyInitialised, GenesisRefused, what a statement may be refused for, and as
        `append` where ``high_water`` is the mark of another log, or of this one further on.
        """
        statement = read(jws.parse(genesis))
        with high_water.held([signer.verifier]) as mark:
            with writing(engine) as connection:
                draft = Draft(connection, None, Recent(1))
                if draft.size:
                    raise AlreadyInitialised
                now_ms = clock()
                admission = admit(statement, draft, now_ms)
                draft.add(statement, admission, now_ms)
                _check_signer(draft, signer)
                _seal(connection, draft, signer, mark)
            mark.move()
        return cls(engine, signer, clock, high_water)

    @classmethod
    def recover(
        cls,
        engine: sa.Engine,
        recovery: bytes,
        signer: note.SignerKey,
        clock: Clock,
        high_water: HighWater = UNMARKED,
    ) -> Log:
        """Go on with a log whose recovery keys approve the ``signer`` in their ``recovery``.

        The last checkpoint must be signed by the key that was in force, so nothing that whoever
        stole it may have signed elsewhere is taken over. Raises SignerReplaced when the recovery
        names another checkpoint key, what a statement may be refused for, and as `append`.
        """
        statement = read(jws.parse(recovery))
        with reading(engine) as connection:
            row = connection.execute(_ENTRIES.where(_ENTRY.index == 0)).one_or_none()
            if row is None:
                raise LogNotFound
            genesis = read(jws.parse(row.envelope))
            replaced = checkpoint_key(Draft(connection, genesis, Recent(1)))
        with high_water.held([replaced, signer.verifier]) as mark:
            with writing(engine) as connection:
                draft = Draft(connection, genesis, Recent(_RECENT_BODIES))
                now_ms = max(clock(), draft.time)
                admission = admit(statement, draft, now_ms)
                draft.add(statement, admission, now_ms)
                _check_signer(draft, signer)
                _seal(connection, draft, signer, mark, replaced)
            mark.move()
        return cls(engine, signer, clock, high_water)

    @property
    def origin(self) -> str:
        return self._signer.name

    @property
    def verifier(self) -> note.VerifierKey:
        """The key that checkpoints and receipts are verified with."""
        return self._signer.verifier

    # --- appending ---

    def append(
        self, envelopes: Sequence[bytes], *, atomic: bool = False, dry_run: bool = False
    ) -> list[Outcome]:
        """Judge envelopes in their order, store those that pass, and answer for each.

        A statement that the log holds already, under whichever valid signature, is accepted with
        its first index. ``atomic``: if one is refused, none is stored. ``dry_run``: none is stored.
        Either way the outcomes are those the batch would have had.

        This is `prepare` and `commit` for a single caller. When anything raises, nothing was
        stored, except where the high-water mark could not be moved or a database was lost during
        the commit: then the same envelopes sent again tell. Raises BatchTooLarge, LogRolledBack
        or LogForked, TreeDamaged, HighWaterRefused, and what the database does.
        """
        submission = self.prepare(envelopes, atomic=atomic)
        if dry_run:
            return self._rehearse(submission)
        return self.commit([submission])[0]

    def prepare(self, envelopes: Sequence[bytes], *, atomic: bool = False) -> Submission:
        """Read, and verify where the key is known: the slow part, outside any lock.

        Raises BatchTooLarge.
        """
        if len(envelopes) > MAX_BATCH:
            raise BatchTooLarge(size=len(envelopes), limit=MAX_BATCH)
        read_ones = [_read(envelope) for envelope in envelopes]
        self._learn_keys({each.envelope.kid for each in read_ones if isinstance(each, Statement)})
        items = (
            each if isinstance(each, Refused) else self._prepare_one(each) for each in read_ones
        )
        return Submission(tuple(items), atomic)

    def commit(self, submissions: Sequence[Submission]) -> list[list[Outcome]]:
        """Judge submissions in their order and store what passes, in one transaction.

        The outcomes of each, in the same order. An atomic submission comes alone (ValueError):
        what spoils it must not touch others. Raises as `append`.
        """
        if len(submissions) > 1 and any(each.atomic for each in submissions):
            raise ValueError("an atomic submission shares its transaction with no other")
        with self._high_water.held(self.checkpoint_keys) as mark:
            with writing(self._engine) as connection:
                draft = self._draft(connection)
                _check_signer(draft, self._signer)
                judged = self._judge(submissions, draft)
                if _is_spoiled(submissions[0], judged[0]):
                    return judged
                if draft.added:
                    _seal(connection, draft, self._signer, mark)
                elif mark.is_behind(draft.size):
                    _catch_up(connection, draft.size, self._signer, mark)
                else:
                    return judged
            mark.move()
        erased = [each.body for each in draft.added.values() if isinstance(each.body, Erasure)]
        if erased:
            self._snapshots.forget([body.digest for body in erased])
            scrub(self._engine)
        return [[_stored(outcome) for outcome in outcomes] for outcomes in judged]

    def check_high_water(self) -> None:
        """Check that this database may be signed; `append` does so itself.

        Raises LogRolledBack, LogForked or HighWaterRefused.
        """
        marked = self._high_water.checkpoint(self.checkpoint_keys)
        with reading(self._engine) as connection:
            check_continues(marked, _latest(connection)[0], tile_store.reader(connection))

    def _rehearse(self, submission: Submission) -> list[Outcome]:
        """What would come of it, judged by what was last committed: no writer is held up."""
        with reading(self._engine) as connection:
            return self._judge([submission], self._draft(connection))[0]

    def _prepare_one(self, statement: Statement) -> _Prepared | Refused:
        """A thumbprint belongs to one key for good: it may retire before the statement is judged,
        but no other can take its place."""
        key = self._keys.get(statement.envelope.kid)
        try:
            if key is not None:
                jws.verify(statement.envelope, key)
        except CatchmentError as error:
            return Refused(error)
        return _Prepared(statement, verified=key is not None)

    def _learn_keys(self, kids: set[str]) -> None:
        unknown = {kid for kid in kids if self._keys.get(kid) is None}
        if not unknown:
            return
        with reading(self._engine) as connection:
            draft = self._draft(connection)
            for kid in unknown:
                with suppress(UnknownKey):
                    self._keys.put(kid, registered_key(draft, kid))

    def _judge(self, submissions: Sequence[Submission], draft: Draft) -> list[list[Outcome]]:
        items = chain.from_iterable(each.items for each in submissions)
        draft.foresee([each.statement for each in items if isinstance(each, _Prepared)])
        now_ms = max(self._clock(), draft.time)
        return [
            [
                each if isinstance(each, Refused) else self._judge_one(each, draft, now_ms)
                for each in submission.items
            ]
            for submission in submissions
        ]

    def _judge_one(self, prepared: _Prepared, draft: Draft, now_ms: int) -> Outcome:
        statement, verified = prepared.statement, prepared.verified
        try:
            if found := draft.find(statement.digest):
                return _already(prepared, draft, *found)
            admission = admit(statement, draft, now_ms, verified=verified)
            self._check_signs_on(statement)
        except CatchmentError as error:
            return Refused(error)
        index = draft.add(statement, admission, now_ms)
        return Accepted(statement, index, admission.opening, new=True, stored=False)

    def _check_signs_on(self, statement: Statement) -> None:
        """The checkpoint key is replaced by whoever holds the new one (`recover`)."""
        body = statement.body
        if isinstance(body, Recovery) and body.checkpoint_key != str(self.verifier):
            raise SignerReplaced("/checkpointKey", vkey=body.checkpoint_key)

    def _draft(self, connection: sa.Connection) -> Draft:
        return Draft(connection, self.genesis, self._bodies)

    # --- reading ---

    def size(self) -> int:
        """How many entries the latest checkpoint covers."""
        with asking(self._engine) as connection:
            return _latest(connection)[0]

    def checkpoint(self) -> bytes:
        """The latest signed checkpoint."""
        with asking(self._engine) as connection:
            return _latest(connection)[1]

    def published(self) -> bytes:
        """The latest published checkpoint, with its cosignatures; raises NotPublished."""
        with reading(self._engine) as connection:
            return _latest_published(connection)[1]

    def entry(self, index: int) -> Entry:
        """Raises EntryNotFound."""
        return self._one(_ENTRY.index == index, index)

    def entry_by_digest(self, digest: str) -> Entry:
        """The entry whose statement has this signing-input digest; raises EntryNotFound."""
        return self._one(_ENTRY.signed == digest, digest)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """The entries ``[start, stop)``, up to the latest checkpoint where ``stop`` is absent."""
        stop = self.size() if stop is None else stop
        for first in range(start, stop, _PAGE):
            # Entries never change: pages read in separate transactions still make one state.
            page = _ENTRIES.where(_ENTRY.index >= first, _ENTRY.index < min(first + _PAGE, stop))
            yield from self._all(page)

    def typed(self, types: Sequence[str], start: int, stop: int) -> Iterator[Entry]:
        """The entries ``[start, stop)`` of some types, in the order of indexes."""
        within = _ENTRIES.where(_ENTRY.type.in_(types), _ENTRY.index.between(start, stop - 1))
        yield from self._all(within)

    def heads_at(self, size: int) -> Iterator[Entry]:
        """What it takes to know what stood after ``size`` entries, in the order of indexes.

        Of every chain the last of its entries that was not suspect then; where that is a
        withdrawal, also the statement it ended, which tells what was withdrawn. What was erased
        before is left out; what was erased later is there, and says nothing (PayloadErased).
        """
        suspects = self._suspects(size)[1]
        with reading(self._engine) as connection:
            wanted = last_of_chains(connection, size, suspects)
        yield from self._chosen(wanted)

    def filed_at(self, size: int) -> Iterator[Filed]:
        """As `heads_at`, as they are filed: several times faster, where nothing is to be proved."""
        suspects = self._suspects(size)[1]
        with reading(self._engine) as connection:
            wanted = last_of_chains(connection, size, suspects)
        for start in range(0, len(wanted), _PAGE):
            page = _FILED.where(_among(wanted[start : start + _PAGE])).order_by(_ENTRY.index)
            with reading(self._engine) as connection:
                rows = connection.execute(page).all()
            yield from map(_filed, rows)

    def suspects_at(self, size: int) -> list[Suspected]:
        """The entries that were suspect after ``size`` entries, in the order of indexes.

        Erased ones as in `heads_at`.
        """
        causes = self._suspects(size)[1]
        with reading(self._engine) as connection:
            wanted = sorted(causes.keys() - erased_before(connection, size))
        return [Suspected(each, causes[each.index]) for each in self._chosen(wanted)]

    def suspects_if(self, kid: str, since_ms: int) -> list[Entry]:
        """The entries that would become suspect if it were said now that others may have signed
        with a key since ``since_ms`` (ledger time)."""
        with reading(self._engine) as connection:
            size = _latest(connection)[0]
            feared = soundness_if(connection, size, Compromise(kid, since_ms, size))
            found = suspects_at(connection, feared, size)
        already = self._suspects(size)[1]
        return list(self._chosen(sorted(found.keys() - already.keys())))

    def chain_ends(self, chains: Sequence[str]) -> dict[str, ChainEnd]:
        """By its opening, what each of these chains is about, and where it has come to."""
        with reading(self._engine) as connection:
            return ends_of(connection, chains)

    def soundness_at(self, size: int) -> Soundness:
        """Which keys, delegations and transfers were suspect after ``size`` entries."""
        return self._suspects(size)[0]

    def _suspects(self, size: int) -> tuple[Soundness, dict[int, int]]:
        """What was suspect after ``size`` entries never changes, and is asked for often."""
        if (known := self._soundness.get(size)) is not None:
            return known
        with reading(self._engine) as connection:
            soundness = soundness_at(connection, size)
            found = soundness, suspects_at(connection, soundness, size)
        return self._soundness.put(size, found)

    def _chosen(self, indexes: Sequence[int]) -> Iterator[Entry]:
        for start in range(0, len(indexes), _PAGE):
            yield from self._all(_ENTRIES.where(_among(indexes[start : start + _PAGE])))

    def receipt(self, index: int, *, published: bool = False) -> Receipt:
        """Proof that entry ``index`` is in the latest checkpoint, or in the latest published one.

        Raises EntryNotFound; NotPublished for one that the published checkpoint does not cover.
        """
        with reading(self._engine) as connection:
            size, signed = (_latest_published if published else _latest)(connection)
            record = connection.execute(_LEAF, {"at": index}).scalar_one_or_none()
            if record is None:
                raise EntryNotFound(entry=index)
            if index >= size:
                raise NotPublished
            path = tiles.inclusion_path(index, size, tile_store.reader(connection))
        return Receipt(index, tuple(path), signed, record)

    def root(self, size: int) -> bytes:
        """The root of the tree of ``size`` entries; raises OutsideTree."""
        with self._tree(size) as read_tile:
            return tiles.root(size, read_tile)

    def erased_since(self, size: int) -> bool:
        """Whether an entry from ``size`` on erased the payload of another."""
        later = (_ENTRY.index >= size, _ENTRY.type == Erasure.TYPE)
        with reading(self._engine) as connection:
            return connection.execute(sa.select(sa.exists().where(*later))).scalar_one()

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The RFC 6962 path of an entry in the tree of ``size``; raises OutsideTree."""
        with self._tree(size) as read_tile:
            return tiles.inclusion_path(index, size, read_tile)

    def consistency(self, size1: int, size2: int) -> list[bytes]:
        """The RFC 6962 proof that the tree of ``size2`` continues that of ``size1``."""
        with self._tree(size2) as read_tile:
            return tiles.consistency_path(size1, size2, read_tile)

    def tile(self, level: int, index: int) -> bytes:
        """The hashes of a tile, as many as there are by now; empty where there is none."""
        with reading(self._engine) as connection:
            return tile_store.reader(connection)(level, index)

    @contextmanager
    def _tree(self, size: int) -> Iterator[tiles.TileReader]:
        with reading(self._engine) as connection:
            latest = _latest(connection)[0]
            if size > latest:
                raise OutsideTree(size=latest)
            yield tile_store.reader(connection)

    def _one(self, which: sa.ColumnElement[bool], named: object) -> Entry:
        entries = self._all(_ENTRIES.where(which))
        if not entries:
            raise EntryNotFound(entry=named)
        return entries[0]

    def _all(self, query: sa.Select[Any]) -> list[Entry]:
        with reading(self._engine) as connection:
            return [_entry(row) for row in connection.execute(query.order_by(_ENTRY.index))]


def _read(envelope: bytes) -> Statement | Refused:
    try:
        return read(jws.parse(envelope))
    except CatchmentError as error:
        return Refused(error)


def _already(prepared: _Prepared, draft: Draft, index: int, opening: str) -> Accepted:
    """The same statement again: its signature must hold, though another may be stored."""
    envelope = prepared.statement.envelope
    if not prepared.verified:
        jws.verify(envelope, registered_key(draft, envelope.kid))
    stored = index not in draft.added
    return Accepted(prepared.statement, index, opening, new=False, stored=stored)


def _stored(outcome: Outcome) -> Outcome:
    return replace(outcome, stored=True) if isinstance(outcome, Accepted) else outcome


def checkpoint_key(view: View) -> note.VerifierKey:
    """The key that the log signs with: that of the last recovery, or of the genesis."""
    recovery = view.head(NaturalKey("recovery", ()))
    body = view.stated(recovery) if recovery else cast(Statement, view.genesis()).body
    return note.VerifierKey.parse(cast(Genesis | Recovery, body).checkpoint_key)


def _checkpoint_keys(connection: sa.Connection, genesis: Statement) -> tuple[note.VerifierKey, ...]:
    chain = sa.select(_HEAD.opening).where(_HEAD.type == "recovery").scalar_subquery()
    query = sa.select(_ENTRY.envelope).where(_ENTRY.chain == chain).order_by(_ENTRY.index)
    recoveries = [read(jws.parse(each)) for each in connection.execute(query).scalars()]
    bodies = [cast(Genesis | Recovery, each.body) for each in (genesis, *recoveries)]
    return tuple(note.VerifierKey.parse(body.checkpoint_key) for body in bodies)


def _check_signer(view: View, signer: note.SignerKey) -> None:
    if cast(Statement, view.genesis()).common.log.origin != signer.name:
        raise GenesisRefused("/log/origin", reason="it names another origin than the signer's")
    if view.head(NaturalKey("recovery", ())) is not None:
        if checkpoint_key(view) != signer.verifier:
            raise SignerReplaced(vkey=str(checkpoint_key(view)))
    elif checkpoint_key(view) != signer.verifier:
        raise GenesisRefused("/checkpointKey", reason="it names another key than the signer's")


def _is_spoiled(submission: Submission, outcomes: Sequence[Outcome]) -> bool:
    return submission.atomic and any(isinstance(each, Refused) for each in outcomes)


def _seal(
    connection: sa.Connection,
    draft: Draft,
    signer: note.SignerKey,
    mark: Mark,
    replaced: note.VerifierKey | None = None,
) -> None:
    """Write the drafted entries, grow the tree by them, and sign its new head.

    The root is computed twice over from what was written, and signed when both agree. ``replaced``
    is the key that signed before, if it was another.
    """
    size = draft.size - len(draft.leaf_hashes)
    stored = cache(tile_store.reader(connection))
    before = _signed_frontier(connection, size, stored, signer.name, replaced or signer.verifier)
    mark.check(size, stored)
    draft.write()
    tile_store.write(connection, tiles.extend(size, draft.leaf_hashes, stored))
    root = _agreed_root(connection, before, draft.size)
    signed = note.sign(Checkpoint(signer.name, draft.size, root).text, signer)
    connection.execute(tables.checkpoint.insert(), {"size": draft.size, "note": signed})
    mark.stage(signed)


def _catch_up(connection: sa.Connection, size: int, signer: note.SignerKey, mark: Mark) -> None:
    """Stage the latest checkpoint, which a crash or a fault kept from being marked.

    Its entries are acknowledged when they are sent again, so the mark has to cover them first.
    """
    stored = cache(tile_store.reader(connection))
    _signed_frontier(connection, size, stored, signer.name, signer.verifier)
    mark.check(size, stored)
    mark.stage(_latest(connection)[1])


def _signed_frontier(
    connection: sa.Connection,
    size: int,
    read_tile: tiles.TileReader,
    origin: str,
    verifier: note.VerifierKey,
) -> Frontier:
    """The right edge of the stored tree, which must be the one that was signed.

    Whoever altered entries or tiles behind the log's back must not get it to sign them. Raises
    TreeDamaged.
    """
    edge = tiles.frontier(size, read_tile)
    if size:
        text = note.open_note(_latest(connection)[1], [verifier]).text
        if text != Checkpoint(origin, size, edge.root).text:
            raise TreeDamaged(size=size)
    return edge


def _agreed_root(connection: sa.Connection, before: Frontier, size: int) -> bytes:
    """The root over the tiles as they are stored now, which the stored leaves must lead to.

    What a bit flipped on the way to the database would change is read back on two ways that share
    no step but the hash function. Raises TreeMiswritten.
    """
    leaves = connection.execute(_LEAVES_FROM, {"start": before.size}).scalars()
    grown = before.grown(map(leaf_hash, leaves))
    root = tiles.root(size, tile_store.reader(connection))
    if (grown.size, grown.root) != (size, root):
        raise TreeMiswritten(size=size)
    return root


def _latest(connection: sa.Connection) -> tuple[int, bytes]:
    """Size and note of the latest checkpoint."""
    row = connection.execute(_LATEST).one()
    return row.size, row.note


def _latest_published(connection: sa.Connection) -> tuple[int, bytes]:
    """Size and note of the largest checkpoint that was published; raises NotPublished."""
    query = sa.select(tables.published).order_by(tables.published.c.size.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotPublished
    return row.size, row.note


def _among(indexes: Sequence[int]) -> sa.ColumnElement[bool]:
    """Whether an entry is one of these, which are in order; most often they are all of a range."""
    if indexes[-1] - indexes[0] == len(indexes) - 1:
        return _ENTRY.index.between(indexes[0], indexes[-1])
    return _ENTRY.index.in_(indexes)


def _filed(row: Any) -> Filed:
    index, kind, digest, opening, time, subject, envelope, key = row
    about, _, within = key.partition("|")
    return Filed(index, kind, digest, opening, time, subject, about, within, envelope)


def _entry(row: Any) -> Entry:
    index, leaf, envelope = row
    return Entry(index, Leaf.parse(leaf), envelope, is_own=True)
