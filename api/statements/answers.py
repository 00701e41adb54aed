"""A statement as it is told to those who may read it."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import orjson

from api.access.access import Access
from api.auth import current_caller
from api.errors import StatementNotFound
from api.services import services
from api.statements.attestations import attestations_of
from api.web.wire import (
    DIGEST,
    iso_time,
)
from ledger import strict_json
from ledger.entry import Entry
from ledger.errors import EntryNotFound
from ledger.standing import Standing
from ledger.statements import Statement, Withdrawal


def readable(digest: str) -> Entry:
    """The entry, if the caller may read its statement.

    Raises StatementNotFound; PayloadErased to those with a token, as nobody can tell any more who
    could read it.
    """
    # Not everything that fits into an address fits into a database: PostgreSQL takes no NUL.
    if not re.fullmatch(DIGEST, digest):
        raise StatementNotFound(digest=digest)
    try:
        entry = services().log.entry_by_digest(digest)
    except EntryNotFound:
        raise StatementNotFound(digest=digest) from None
    if entry.is_erased and current_caller().is_anonymous:
        raise StatementNotFound(digest=digest)
    if not _access().may_read_statement(entry.statement):
        raise StatementNotFound(digest=digest)
    return entry


def _access() -> Access:
    return Access(services().engine.standing(), current_caller())


def statement_answer(entry: Entry) -> dict[str, Any]:
    """A statement that the caller may read, as `StatementSchema` shows it."""
    statement, standing = entry.statement, services().engine.standing()
    state = _state(entry, standing)
    today = dt.datetime.now(dt.UTC).date()
    document = {
        "index": entry.index,
        "digest": statement.digest,
        "type": statement.type,
        "issuer": statement.common.iss,
        "subject": statement.subject,
        "on_behalf": statement.on_behalf,
        "time": iso_time(entry.leaf.time),
        "state": state,
        "envelope": entry.envelope.decode("ascii"),
        "payload": payload_of(statement),
        "attestations": list(
            attestations_of(statement.digest, state == "in-force", standing, today)
        ),
    }
    if _access().may_read_entry(entry):
        document["receipt"] = services().log.receipt(entry.index).encode().decode()
    return document


def _state(entry: Entry, standing: Standing) -> str:
    """What has become of a statement. A withdrawal is in force while its chain stays withdrawn."""
    if any(each.said.digest == entry.statement.digest for each in standing.suspects):
        return "suspect"
    chain = entry.leaf.chain
    stands = standing.find(services().log.chain_ends([chain])[chain].key)
    if stands is None:
        return "in-force" if isinstance(entry.statement.body, Withdrawal) else "withdrawn"
    return "in-force" if stands.digest == entry.statement.digest else "superseded"


def payload_of(statement: Statement) -> orjson.Fragment:
    """The payload as JSON; floats in PACT extensions keep the digits they came with."""
    return orjson.Fragment(strict_json.dumps(dict(statement.envelope.payload)))
