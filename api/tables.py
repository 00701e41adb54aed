"""Tables of operations, not of facts: who may read, who is told, whose turn it is.

What was said is in ``ledger.tables``. Times are whole milliseconds since 1970 (UTC).

================  ==============================================================================
token, client,    who may read: bearer tokens, OAuth clients with their secrets, and what was
...               granted and refused to them
lease             whose turn it is to do what only one process does at a time
shelved, ...      PACT footprints as they are handed out: those that were declared follow from
                  the log, those that were computed are kept as they were first handed out
partner           other PACT hosts
received          events that came, so that none counts twice
delivery          events that go out, and what became of them
request           what a buyer asked a supplier for
subscription      who wants to hear of which change
================  ==============================================================================
"""

from __future__ import annotations

import sqlalchemy as sa

from ledger.tables import NAMING

metadata = sa.MetaData(naming_convention=NAMING)

# In SQLite only INTEGER makes a primary key the row id itself.
_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

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
    # A holder that is gone keeps nobody out for longer.
    sa.Column("until", sa.BigInteger, nullable=False),
)

# --- OAuth clients ---------------------------------------------------------------------------

client = sa.Table(
    "client",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("enterprise", sa.Text),
    # Scopes, separated by spaces as in RFC 6749.
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
)

client_secret = sa.Table(
    "client_secret",
    metadata,
    # Access tokens name the secret they were granted for, and end with it.
    sa.Column("id", sa.Text, primary_key=True),
    # Only the digest, as of tokens: secrets are generated, 256 random bits each.
    sa.Column("secret_sha256", sa.Text, nullable=False, unique=True),
    sa.Column("client", sa.Text, sa.ForeignKey("client.id"), nullable=False, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    # A secret that was rotated out stays valid until its successor is everywhere.
    sa.Column("expires_at", sa.BigInteger),
)

client_use = sa.Table(
    "client_use",
    metadata,
    sa.Column("serial", _ROW, primary_key=True),
    # What was sent as client id, known or not; shortened.
    sa.Column("client", sa.Text, nullable=False, index=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
)

# --- Footprints as they are handed out -------------------------------------------------------

shelved = sa.Table(
    "shelved",
    metadata,
    # In the order in which they came; given under the writer's lock, never reused.
    sa.Column("serial", _ROW, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    # declared, external or computed.
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("product", sa.Text, nullable=False, index=True),
    # What it is a version of: the natural key of a chain, or a question about a product.
    sa.Column("key", sa.Text, nullable=False, index=True),
    # The statement, or the last entry that moved the figure.
    sa.Column("entry", sa.BigInteger, nullable=False),
    # Signing-input digest of the statement; absent for what was computed.
    sa.Column("digest", sa.Text, index=True),
    # The JSON object without its status, which is derived, and without extensions.
    sa.Column("document", sa.LargeBinary, nullable=False),
    # Its owner's extensions as a JSON array, and what our own says as a JSON object.
    sa.Column("extensions", sa.LargeBinary, nullable=False),
    sa.Column("provenance", sa.LargeBinary, nullable=False),
    sa.Column("valid_from", sa.BigInteger, nullable=False),
    sa.Column("valid_until", sa.BigInteger, nullable=False),
    # Ledger time from which it is Deprecated, but for its validity running out.
    sa.Column("deprecated_at", sa.BigInteger),
    # Of one that was computed, the log size then: what is disclosed later opens it to nobody.
    sa.Column("deprecated_size", sa.BigInteger),
)

shelved_term = sa.Table(
    "shelved_term",
    metadata,
    # By which filter it is found, and with which value in lower case.
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("serial", _ROW, sa.ForeignKey("shelved.serial"), primary_key=True),
)

withheld = sa.Table(
    "withheld",
    metadata,
    # What is not handed out though it is disclosed, for its owner to know why.
    sa.Column("product", sa.Text, primary_key=True),
    sa.Column("year", sa.Integer, primary_key=True, autoincrement=False),
    # The condition, its particulars, and what stands in the way, as JSON.
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("params", sa.Text, nullable=False),
    sa.Column("problems", sa.Text, nullable=False),
)

progress = sa.Table(
    "progress",
    metadata,
    # How far something that follows the log has come: a log size.
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
)

# --- Other hosts, and events -----------------------------------------------------------------

partner = sa.Table(
    "partner",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    # The enterprise in this log that the host belongs to: it is told what that one may read.
    sa.Column("enterprise", sa.Text, nullable=False),
    # Address without /3; whatever an event says of its source, only this one is called.
    sa.Column("url", sa.Text, nullable=False),
    # Where its tokens come from, if from elsewhere.
    sa.Column("auth_url", sa.Text),
    # Whom to authenticate as over there; the secret is encrypted (`api.keys.secret_box`).
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("sealed_secret", sa.Text, nullable=False),
    # The client that the host authenticates as here, if it may send events.
    sa.Column("client", sa.Text, sa.ForeignKey("client.id")),
    # For which enterprises here its footprints are read, as JSON: they are disclosed to these.
    sa.Column("buyers", sa.Text, nullable=False),
    # Enterprises that were admitted through it, as JSON: no other partner speaks of them.
    sa.Column("companies", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("removed_at", sa.BigInteger),
    sa.Column("pulled_at", sa.BigInteger),
)

pulled = sa.Table(
    "pulled",
    metadata,
    # What a partner listed, and what became of it here.
    sa.Column("partner", sa.Text, sa.ForeignKey("partner.id"), primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("told", sa.Text, nullable=False),
    sa.Column("entry", sa.BigInteger),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index(None, "partner", "sha256"),
)

announced = sa.Table(
    "announced",
    metadata,
    # Which footprints a partner has been told of by a Published event.
    sa.Column("partner", sa.Text, sa.ForeignKey("partner.id"), primary_key=True),
    sa.Column("serial", _ROW, primary_key=True),
)

received = sa.Table(
    "received",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("partner", sa.Text, sa.ForeignKey("partner.id"), nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    # What is left to do (waiting), or what became of it.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("told", sa.Text, nullable=False),
    # How often it was tried in vain, and when it is tried again.
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("next_at", sa.BigInteger, nullable=False, default=0),
    sa.Index(None, "state", "next_at"),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("serial", _ROW, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, index=True),
    # partner or subscription, and which.
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("recipient", sa.Text, nullable=False, index=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    # waiting, delivered or failed.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", sa.BigInteger, nullable=False),
    # After this it is tried no more.
    sa.Column("until", sa.BigInteger, nullable=False),
    sa.Column("delivered_at", sa.BigInteger),
    # What the last attempt came to, for people.
    sa.Column("told", sa.Text, nullable=False),
    sa.Index(None, "state", "next_at"),
)

# --- Requests --------------------------------------------------------------------------------

request = sa.Table(
    "request",
    metadata,
    # In the order in which they came: where a page ends.
    sa.Column("serial", _ROW, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    # One asking may reach several suppliers and products: its requests have one of these.
    sa.Column("asking", sa.Text, nullable=False, index=True),
    # The request that its buyer was asked itself and passes on, if it does.
    sa.Column("parent", sa.Text, index=True),
    sa.Column("buyer", sa.Text, nullable=False, index=True),
    # Whose inbox it lies in, or who is asked through a partner; absent for an event of a partner
    # that was answered without asking anybody.
    sa.Column("supplier", sa.Text, index=True),
    # The host that asked (`came`), or through which it is asked.
    sa.Column("partner", sa.Text, sa.ForeignKey("partner.id")),
    sa.Column("came", sa.Boolean, nullable=False),
    # The event it came with or was sent as, where a partner is party to it.
    sa.Column("event_source", sa.Text),
    sa.Column("event", sa.Text, index=True),
    sa.Column("product", sa.Text),
    # The criteria as JSON, as in a RequestCreated event.
    sa.Column("criteria", sa.Text, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    # open, overdue, answered or declined.
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("answered_at", sa.BigInteger),
    # When the host that asked was told how it ended.
    sa.Column("told_at", sa.BigInteger),
    # Ids of the footprints it was answered with, as JSON; or why it was declined, with PACT's code.
    sa.Column("footprints", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Index(None, "state", "due_at"),
)

# --- Subscriptions ---------------------------------------------------------------------------

subscription = sa.Table(
    "subscription",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    # Who may see and end it: an enterprise, or the token or client of an auditor.
    sa.Column("owner", sa.Text, nullable=False, index=True),
    # With whose eyes it looks, and by which token or client: when that ends, so does this.
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("enterprise", sa.Text),
    sa.Column("token", sa.Text),
    sa.Column("client", sa.Text),
    # product, enterprise or park, and which.
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("about", sa.Text, nullable=False),
    # Of a park or an enterprise: operational or full net.
    sa.Column("net", sa.Text),
    sa.Column("year", sa.Integer),
    # Fraction of the last value told by which it must move, as a decimal.
    sa.Column("threshold", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    # Key of the signatures, encrypted (`api.keys.secret_box`); and the one it came in place of.
    sa.Column("sealed_secret", sa.Text, nullable=False),
    sa.Column("sealed_former", sa.Text),
    sa.Column("former_until", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger),
    # Log size at which it was last looked at.
    sa.Column("seen", sa.BigInteger, nullable=False),
    # Until when a change is held back, where there is one.
    sa.Column("held_until", sa.BigInteger),
)

watched = sa.Table(
    "watched",
    metadata,
    # Which figures a subscription is about, and what was last told of each, as JSON.
    sa.Column("subscription", sa.Text, sa.ForeignKey("subscription.id"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("about", sa.Text, primary_key=True),
    sa.Column("told", sa.Text, nullable=False),
)
