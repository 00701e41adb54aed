"""What is suspect, and what is erased."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INDEX = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("head", sa.Column("sound_digest", sa.Text))
    op.execute("UPDATE head SET sound_digest = digest")
    op.add_column("entry", sa.Column("erased_by", _INDEX))
    op.create_index("ix_entry_kid_index", "entry", ["kid", "index"])


def downgrade() -> None:
    op.drop_index("ix_entry_kid_index", "entry")
    op.drop_column("entry", "erased_by")
    op.drop_column("head", "sound_digest")
