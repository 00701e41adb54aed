"""Exchange with others: OAuth clients, footprints handed out, partners, events, requests."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "client",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("enterprise", sa.Text, nullable=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_client"),
    )
    op.create_table(
        "client_secret",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("secret_sha256", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_client_secret"),
        sa.UniqueConstraint("secret_sha256", name="uq_client_secret_secret_sha256"),
        sa.ForeignKeyConstraint(["client"], ["client.id"], name="fk_client_secret_client_client"),
    )
    op.create_index("ix_client_secret_client", "client_secret", ["client"])
    op.create_table(
        "client_use",
        sa.Column("serial", _ROW, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_client_use"),
    )
    op.create_index("ix_client_use_client", "client_use", ["client"])
    op.create_table(
        "shelved",
        sa.Column("serial", _ROW, autoincrement=False, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("entry", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.Column("extensions", sa.LargeBinary, nullable=False),
        sa.Column("provenance", sa.LargeBinary, nullable=False),
        sa.Column("valid_from", sa.BigInteger, nullable=False),
        sa.Column("valid_until", sa.BigInteger, nullable=False),
        sa.Column("deprecated_at", sa.BigInteger, nullable=True),
        sa.Column("deprecated_size", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("serial", name="pk_shelved"),
        sa.UniqueConstraint("id", name="uq_shelved_id"),
    )
    op.create_index("ix_shelved_digest", "shelved", ["digest"])
    op.create_index("ix_shelved_key", "shelved", ["key"])
    op.create_index("ix_shelved_product", "shelved", ["product"])
    op.create_table(
        "shelved_term",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("serial", _ROW, nullable=False),
        sa.PrimaryKeyConstraint("name", "value", "serial", name="pk_shelved_term"),
        sa.ForeignKeyConstraint(
            ["serial"], ["shelved.serial"], name="fk_shelved_term_serial_shelved"
        ),
    )
    op.create_table(
        "withheld",
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("year", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("params", sa.Text, nullable=False),
        sa.Column("problems", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("product", "year", name="pk_withheld"),
    )
    op.create_table(
        "progress",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_progress"),
    )
    op.create_table(
        "partner",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("enterprise", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("auth_url", sa.Text, nullable=True),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("sealed_secret", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=True),
        sa.Column("buyers", sa.Text, nullable=False),
        sa.Column("companies", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("removed_at", sa.BigInteger, nullable=True),
        sa.Column("pulled_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_partner"),
        sa.UniqueConstraint("name", name="uq_partner_name"),
        sa.ForeignKeyConstraint(["client"], ["client.id"], name="fk_partner_client_client"),
    )
    op.create_table(
        "pulled",
        sa.Column("partner", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("entry", sa.BigInteger, nullable=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("partner", "id", name="pk_pulled"),
        sa.ForeignKeyConstraint(["partner"], ["partner.id"], name="fk_pulled_partner_partner"),
    )
    op.create_index("ix_pulled_partner_sha256", "pulled", ["partner", "sha256"])
    op.create_table(
        "announced",
        sa.Column("partner", sa.Text, nullable=False),
        sa.Column("serial", _ROW, nullable=False),
        sa.PrimaryKeyConstraint("partner", "serial", name="pk_announced"),
        sa.ForeignKeyConstraint(["partner"], ["partner.id"], name="fk_announced_partner_partner"),
    )
    op.create_table(
        "received",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("partner", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source", "id", name="pk_received"),
        sa.ForeignKeyConstraint(["partner"], ["partner.id"], name="fk_received_partner_partner"),
    )
    op.create_index("ix_received_state_next_at", "received", ["state", "next_at"])
    op.create_table(
        "delivery",
        sa.Column("serial", _ROW, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("delivered_at", sa.BigInteger, nullable=True),
        sa.Column("told", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_delivery"),
    )
    op.create_index("ix_delivery_id", "delivery", ["id"])
    op.create_index("ix_delivery_recipient", "delivery", ["recipient"])
    op.create_index("ix_delivery_state_next_at", "delivery", ["state", "next_at"])
    op.create_table(
        "request",
        sa.Column("serial", _ROW, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("asking", sa.Text, nullable=False),
        sa.Column("parent", sa.Text, nullable=True),
        sa.Column("buyer", sa.Text, nullable=False),
        sa.Column("supplier", sa.Text, nullable=True),
        sa.Column("partner", sa.Text, nullable=True),
        sa.Column("came", sa.Boolean, nullable=False),
        sa.Column("event_source", sa.Text, nullable=True),
        sa.Column("event", sa.Text, nullable=True),
        sa.Column("product", sa.Text, nullable=True),
        sa.Column("criteria", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("answered_at", sa.BigInteger, nullable=True),
        sa.Column("told_at", sa.BigInteger, nullable=True),
        sa.Column("footprints", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_request"),
        sa.UniqueConstraint("id", name="uq_request_id"),
        sa.ForeignKeyConstraint(["partner"], ["partner.id"], name="fk_request_partner_partner"),
    )
    op.create_index("ix_request_asking", "request", ["asking"])
    op.create_index("ix_request_buyer", "request", ["buyer"])
    op.create_index("ix_request_event", "request", ["event"])
    op.create_index("ix_request_parent", "request", ["parent"])
    op.create_index("ix_request_state_due_at", "request", ["state", "due_at"])
    op.create_index("ix_request_supplier", "request", ["supplier"])
    op.create_table(
        "subscription",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("enterprise", sa.Text, nullable=True),
        sa.Column("token", sa.Text, nullable=True),
        sa.Column("client", sa.Text, nullable=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("net", sa.Text, nullable=True),
        sa.Column("year", sa.Integer, nullable=True),
        sa.Column("threshold", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("sealed_secret", sa.Text, nullable=False),
        sa.Column("sealed_former", sa.Text, nullable=True),
        sa.Column("former_until", sa.BigInteger, nullable=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("held_until", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_subscription"),
    )
    op.create_index("ix_subscription_owner", "subscription", ["owner"])
    op.create_table(
        "watched",
        sa.Column("subscription", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("told", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("subscription", "kind", "about", name="pk_watched"),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscription.id"], name="fk_watched_subscription_subscription"
        ),
    )


def downgrade() -> None:
    for name in reversed(_TABLES):
        op.drop_table(name)


_TABLES = (
    "client",
    "client_secret",
    "client_use",
    "shelved",
    "shelved_term",
    "withheld",
    "progress",
    "partner",
    "pulled",
    "announced",
    "received",
    "delivery",
    "request",
    "subscription",
    "watched",
)
