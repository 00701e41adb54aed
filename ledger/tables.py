"""Where the log is kept: six tables, none of them trusted.

==============  =================================================  ================================
table           holds                                              who finds out if it is altered
==============  =================================================  ================================
``entry``       envelopes and leaf records, by index               anyone: hashes lead to the root
``tile``        the hashes of the tree                             anyone: proofs no longer hold
``checkpoint``  every head that was ever signed                    anyone who kept one
``published``   heads as witnesses cosigned them                   anyone: signatures do not verify
``head``        which statement of each chain is in force          a replay of the entries
``taken``       values that may be used once in the whole log      a replay of the entries
==============  =================================================  ================================

``head`` and ``taken`` follow from the entries and exist only so that admission need not replay.
Text columns hold ids, digests and type names: values that the statement types have checked, so
neither NUL nor half a surrogate pair gets here. Times are whole milliseconds since 1970 (UTC).
"""

from __future__ import annotations

import sqlalchemy as sa

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Names of constraints, so that a migration can say which one it changes."""

metadata = sa.MetaData(naming_convention=NAMING)

# In SQLite only INTEGER makes a primary key the row id itself, without a second tree beside it.
_INDEX = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _index_of_entry(name: str = "index") -> sa.Column[int]:
    return sa.Column(name, _INDEX, sa.ForeignKey("entry.index"), nullable=False)


entry = sa.Table(
    "entry",
    metadata,
    # Given by the log under its lock, never by a sequence: those leave gaps.
    sa.Column("index", _INDEX, primary_key=True, autoincrement=False),
    sa.Column("signed", sa.Text, nullable=False, unique=True),
    # Empty where the payload was erased, first by the entry erased_by.
    sa.Column("envelope", sa.LargeBinary, nullable=False),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("kid", sa.Text, nullable=False),
    sa.Column("chain", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("erased_by", _INDEX),
    sa.Index(None, "chain", "index"),
    sa.Index(None, "kid", "index"),
)

head = sa.Table(
    "head",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    sa.Column("opening", sa.Text, nullable=False, unique=True),
    sa.Column("digest", sa.Text, nullable=False),
    _index_of_entry(),
    # The last sound statement of the chain that is not a withdrawal: what it says, or said last.
    _index_of_entry("stated_index"),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("withdrawn", sa.Boolean, nullable=False),
    # The last entry of the chain that is not suspect; absent where all are.
    sa.Column("sound_digest", sa.Text),
    sa.Index(None, "type", "about"),
)

taken = sa.Table(
    "taken",
    metadata,
    sa.Column("space", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    _index_of_entry(),
    sqlite_with_rowid=False,
)

tile = sa.Table(
    "tile",
    metadata,
    sa.Column("level", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)

checkpoint = sa.Table(
    "checkpoint",
    metadata,
    sa.Column("size", _INDEX, primary_key=True, autoincrement=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)

published = sa.Table(
    "published",
    metadata,
    sa.Column("size", _INDEX, primary_key=True, autoincrement=False),
    sa.Column("note", sa.LargeBinary, nullable=False),
)
