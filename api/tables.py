"""Tables of operations, not of facts: who may read, and whose turn it is to publish.

What was said is in ``ledger.tables``.
"""

from __future__ import annotations

import sqlalchemy as sa

from ledger.tables import NAMING

metadata = sa.MetaData(naming_convention=NAMING)

token = sa.Table(
    "token",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    # Only the digest: who reads this table learns no token. Tokens are 256 random bits, so a
    # plain hash is as hard to invert as a slow one.
    sa.Column("secret_sha256", sa.Text, nullable=False, unique=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("enterprise", sa.Text),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("issued_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    # Milliseconds since 1970 (UTC): a holder that is gone keeps nobody out for longer.
    sa.Column("until", sa.BigInteger, nullable=False),
)
