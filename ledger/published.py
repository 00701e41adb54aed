"""Checkpoints as they were published: signed by the log, cosigned by those witnesses that answered.

Only what was verified is kept, and a cosignature that was published once stays.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from ledger import tables
from ledger.checkpoint import Checkpoint
from ledger.note import Cosignature, VerifierKey, open_note
from ledger.store import reading, writing

_PUBLISHED = tables.published.c


class Published:
    """The published notes of the log that signs with ``log``, cosigned by some of ``witnesses``."""

    def __init__(
        self, engine: sa.Engine, log: VerifierKey, witnesses: Iterable[VerifierKey] = ()
    ) -> None:
        self._engine, self._keys = engine, (log, *witnesses)

    def cosignatures(self, signed: bytes) -> tuple[Cosignature, ...] | None:
        """Those that are kept of the checkpoint ``signed``; None if it was not published."""
        with reading(self._engine) as connection:
            return self._kept(connection, signed)

    def keep(self, signed: bytes, cosignatures: Iterable[Cosignature]) -> bytes:
        """Publish ``signed``, the log's own note, with what is kept and what is new.

        Of two cosignatures by one witness the new one is kept. Raises NoteRefused.
        """
        with writing(self._engine) as connection:
            kept = {each.witness: each for each in self._kept(connection, signed) or ()}
            kept |= {each.witness: each for each in cosignatures}
            note = signed + b"".join(each.line for each in kept.values())
            size = Checkpoint.parse(open_note(note, self._keys).text).size
            connection.execute(tables.published.delete().where(_PUBLISHED.size == size))
            connection.execute(tables.published.insert().values(size=size, note=note))
        return note

    def _kept(self, connection: sa.Connection, signed: bytes) -> tuple[Cosignature, ...] | None:
        text = open_note(signed, self._keys).text
        query = sa.select(_PUBLISHED.note).where(_PUBLISHED.size == Checkpoint.parse(text).size)
        stored = connection.execute(query).scalar_one_or_none()
        if stored is None:
            return None
        opened = open_note(stored, self._keys)
        return opened.cosignatures if opened.text == text else ()
