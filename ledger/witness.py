"""A witness cosigns what a log signed if it continues all that it saw before (C2SP tlog-witness).

The decision is a pure function of what was sent and what was cosigned last. The state is one row
per log, moved by compare-and-set: of two requests that were judged by the same row one wins, and
the other is told the new size. A row is on disk before its cosignature leaves the witness, so
whatever happens, the witness never cosigns two trees of which neither continues the other.

Who runs the database may make it forget, and a witness that has forgotten would cosign a fork. So a
store is made once, and opened only where it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import sqlalchemy as sa

from ledger import note, strict_base64
from ledger.checkpoint import Checkpoint
from ledger.errors import (
    CheckpointRefused,
    LogDidNotSign,
    LogNotWitnessed,
    NotCanonicalBase64,
    NoteRefused,
    OldSizeDiffers,
    ProofMismatch,
    RootDiffers,
    SubmissionMalformed,
    WitnessUnprepared,
)
from ledger.merkle import EMPTY_ROOT, HASH_BYTES, verify_consistency
from ledger.note import Cosignature, SignerKey, VerifierKey
from ledger.store import reading, writing
from ledger.tables import NAMING

MAX_PROOF: Final = 63
MAX_SUBMISSION_BYTES: Final = note.MAX_NOTE_BYTES + 4096
"""A note, 63 hashes of 45 bytes with their newlines, and the line with the old size."""

Clock: TypeAlias = Callable[[], int]
"""Seconds since 1970-01-01T00:00:00Z."""

_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)

metadata = sa.MetaData(naming_convention=NAMING)

witnessed = sa.Table(
    "witnessed",
    metadata,
    sa.Column("origin", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    # As the log signed it: with another of its notes, the evidence of a fork.
    sa.Column("note", sa.LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Submission:
    """A checkpoint for a witness, and the proof that it continues the tree of ``old`` entries."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """The body of ``POST /add-checkpoint``."""
        lines = [f"old {self.old}", *map(strict_base64.to_standard, self.proof)]
        return "\n".join(lines).encode("ascii") + b"\n\n" + self.note

    @classmethod
    def parse(cls, body: bytes) -> Submission:
        """Read such a body; ``parse(body).encode() == body``. Raises SubmissionMalformed."""
        if len(body) > MAX_SUBMISSION_BYTES:
            raise SubmissionMalformed(reason="it is too large")
        head, divider, signed = body.partition(b"\n\n")
        old, *proof = head.decode("latin-1").split("\n")  # what is not ASCII is refused below
        match = _OLD.fullmatch(old)
        if match is None or not divider:
            raise SubmissionMalformed(reason="it does not begin with an old size")
        if len(proof) > MAX_PROOF:
            raise SubmissionMalformed(reason="its proof has more than 63 hashes")
        return cls(int(match[1]), tuple(map(_hash, proof)), signed)


@dataclass(frozen=True, slots=True)
class Seen:
    """The latest tree of a log that the witness cosigned."""

    size: int
    root: bytes


NOTHING: Final = Seen(0, EMPTY_ROOT)
"""What has been seen of a log before its first checkpoint."""


def identify(submission: Submission, logs: Mapping[str, Iterable[VerifierKey]]) -> Checkpoint:
    """The checkpoint, if a key of its origin in ``logs`` (origin -> keys) signed it.

    Raises SubmissionMalformed, LogNotWitnessed or LogDidNotSign.
    """
    try:
        checkpoint = Checkpoint.parse(note.text_of(submission.note))
    except (NoteRefused, CheckpointRefused) as refused:
        raise SubmissionMalformed(reason=refused.params["reason"]) from None
    if checkpoint.origin not in logs:
        raise LogNotWitnessed(origin=checkpoint.origin)
    try:
        note.open_note(submission.note, logs[checkpoint.origin])
    except NoteRefused:
        raise LogDidNotSign(origin=checkpoint.origin) from None
    return checkpoint


def judge(submission: Submission, checkpoint: Checkpoint, seen: Seen) -> Seen:
    """What will have been seen once ``checkpoint`` is cosigned; the log is known to have signed it.

    Raises SubmissionMalformed for an old size beyond the checkpoint's, OldSizeDiffers,
    RootDiffers, and ProofMismatch.
    """
    if submission.old > checkpoint.size:
        raise SubmissionMalformed(reason="its old size is beyond the checkpoint's")
    if submission.old != seen.size:
        raise OldSizeDiffers(size=seen.size)
    if checkpoint.size == seen.size and checkpoint.root != seen.root:
        raise RootDiffers(size=seen.size)
    _check_continues(seen, checkpoint, submission.proof)
    return Seen(checkpoint.size, checkpoint.root)


class Store:
    """What a witness has cosigned, by origin. Raises WitnessUnprepared for another database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        with reading(engine) as connection:
            if not sa.inspect(connection).has_table(witnessed.name):
                raise WitnessUnprepared(path=str(engine.url.database))

    @classmethod
    def create(cls, engine: sa.Engine) -> Store:
        """Make the table in a database that may have none."""
        with writing(engine) as connection:
            metadata.create_all(connection)
        return cls(engine)

    def seen(self, origin: str) -> Seen:
        query = sa.select(witnessed.c.size, witnessed.c.root).where(witnessed.c.origin == origin)
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        return Seen(*row) if row else NOTHING

    def advance(self, origin: str, seen: Seen, new: Seen, signed: bytes) -> bool:
        """Go from ``seen`` to ``new``, durably; false, and nothing done, if it is no longer so."""
        values = {"size": new.size, "root": new.root, "note": signed}
        at_seen = (
            witnessed.c.origin == origin,
            witnessed.c.size == seen.size,
            witnessed.c.root == seen.root,
        )
        known = sa.select(witnessed.c.size).where(witnessed.c.origin == origin)
        with writing(self._engine) as connection:
            if seen == NOTHING and connection.execute(known).first() is None:
                connection.execute(witnessed.insert().values(origin=origin, **values))
                return True
            return bool(
                connection.execute(witnessed.update().where(*at_seen).values(**values)).rowcount
            )


class Witness:
    """Cosigns for the logs it follows: ``logs`` is origin -> keys that may sign for it."""

    def __init__(
        self,
        signer: SignerKey,
        logs: Mapping[str, Iterable[VerifierKey]],
        store: Store,
        clock: Clock,
    ) -> None:
        self._signer, self._store, self._clock = signer, store, clock
        self._logs = {origin: tuple(keys) for origin, keys in logs.items()}

    def cosign(self, submission: Submission) -> Cosignature:
        """Decide, remember, and only then cosign.

        Raises SubmissionMalformed, LogNotWitnessed, LogDidNotSign, OldSizeDiffers, RootDiffers
        or ProofMismatch.
        """
        checkpoint = identify(submission, self._logs)
        seen = self._store.seen(checkpoint.origin)
        new = judge(submission, checkpoint, seen)
        # Taken before the state moves, or another could cosign a larger tree at an earlier time.
        time_s = self._clock()
        if not self._store.advance(checkpoint.origin, seen, new, submission.note):
            raise OldSizeDiffers(size=self._store.seen(checkpoint.origin).size)
        return note.cosign(checkpoint.text, self._signer, time_s)


def _check_continues(seen: Seen, checkpoint: Checkpoint, proof: tuple[bytes, ...]) -> None:
    if seen.size:
        verify_consistency(seen.size, seen.root, checkpoint.size, checkpoint.root, proof)
    elif proof:
        raise ProofMismatch(reason="from the empty tree nothing is to be proved")


def _hash(line: str) -> bytes:
    try:
        data = strict_base64.from_standard(line)
    except NotCanonicalBase64:
        raise SubmissionMalformed(reason="a hash is not canonical base64") from None
    if len(data) != HASH_BYTES:
        raise SubmissionMalformed(reason="a hash is not 32 bytes long")
    return data
