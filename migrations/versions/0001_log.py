"""The log: entries, heads of chains, values used once, tiles and checkpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INDEX = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "entry",
        sa.Column("index", _INDEX, autoincrement=False, nullable=False),
        sa.Column("signed", sa.Text, nullable=False),
        sa.Column("envelope", sa.LargeBinary, nullable=False),
        sa.Column("leaf", sa.LargeBinary, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("kid", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("index", name="pk_entry"),
        sa.UniqueConstraint("signed", name="uq_entry_signed"),
    )
    op.create_index("ix_entry_chain_index", "entry", ["chain", "index"])
    op.create_table(
        "head",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("opening", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("index", _INDEX, nullable=False),
        sa.Column("stated_index", _INDEX, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("withdrawn", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_head"),
        sa.UniqueConstraint("opening", name="uq_head_opening"),
        sa.ForeignKeyConstraint(["index"], ["entry.index"], name="fk_head_index_entry"),
        sa.ForeignKeyConstraint(
            ["stated_index"], ["entry.index"], name="fk_head_stated_index_entry"
        ),
    )
    op.create_index("ix_head_type_about", "head", ["type", "about"])
    op.create_table(
        "taken",
        sa.Column("space", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("index", _INDEX, nullable=False),
        sa.PrimaryKeyConstraint("space", "value", name="pk_taken"),
        sa.ForeignKeyConstraint(["index"], ["entry.index"], name="fk_taken_index_entry"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tile",
        sa.Column("level", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name="pk_tile"),
    )
    op.create_table(
        "checkpoint",
        sa.Column("size", _INDEX, autoincrement=False, nullable=False),
        sa.Column("note", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_checkpoint"),
    )


def downgrade() -> None:
    for table in ("checkpoint", "tile", "taken", "head", "entry"):
        op.drop_table(table)
