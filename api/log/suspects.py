"""What does not stand because others may have signed it: listed, so that its owner says it again.

Also asked before a key is revoked: what would become suspect if it were? Nothing is stored by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from marshmallow import fields

from api.auth import identified_caller, needs_token
from api.callers import Caller
from api.errors import ParametersRefused
from api.services import services
from api.web.blueprint import Blueprint
from api.web.wire import (
    PageQuery,
    Wire,
    described,
    digest,
    entity,
    iso_time,
    moment,
    next_link,
    whole,
)
from ledger.entry import Entry
from ledger.statements import Withdrawal
from ledger.suspects import ChainEnd

_SEE_ALL = ("auditor", "operator")
_MILLISECONDS = 1000

blueprint = Blueprint(
    "suspects",
    __name__,
    url_prefix="/v1/log/suspects",
    description="Statements that others may have signed, and that therefore do not stand.",
)


class SuspectSchema(Wire):
    """A statement that does not stand, or would not."""

    index = whole(required=True, metadata=described("Place in the log, from 0."))
    digest = digest(
        required=True, metadata=described("SHA-256 of the signing input; `prev` of what follows.")
    )
    type = fields.String(required=True, metadata=described("The type of statement."))
    subject = entity(required=True, metadata=described("The enterprise spoken for."))
    key = fields.List(
        fields.String(), required=True, metadata=described("What its chain is about.")
    )
    kid = fields.String(required=True, metadata=described("Thumbprint of the key that signed."))
    time = moment(required=True, metadata=described("When the log took it (UTC)."))
    cause = whole(
        required=True,
        allow_none=True,
        metadata=described("The entry that makes it suspect; null where none does yet."),
    )
    last = fields.Boolean(
        required=True, metadata=described("Whether it is the last word of its chain.")
    )
    reattested = fields.Boolean(
        required=True,
        metadata=described(
            "Whether something sound has been said in its place, or it ended what does not stand."
        ),
    )


class SuspectPageSchema(Wire):
    """A page of suspect statements."""

    items = fields.List(
        fields.Nested(SuspectSchema), required=True, metadata=described("In the log's order.")
    )


class SuspectQuery(PageQuery):
    """Those that are suspect, or with both parameters those that would become so."""

    kid = fields.String(metadata=described("Thumbprint of a key: what if it were compromised …"))
    since = whole(metadata=described("… from this ledger time on, in seconds since 1970 (UTC)."))


@blueprint.route("", methods=["GET"])
@needs_token
@blueprint.query(SuspectQuery)
@blueprint.response(
    200,
    SuspectPageSchema,
    headers={"Link": {"description": 'The next page (rel="next")', "schema": {"type": "string"}}},
)
def suspects(query: dict[str, Any]) -> Any:
    """List suspect statements

    Signed, or resting on what was signed, when a key was compromised: they do not count until their
    owner says them again with a sound key. Auditors and the operator see all, others their own.
    With `kid` and `since`: those that would become suspect by such a revocation.
    """
    found = _visible(_asked(query), identified_caller(), query.get("cursor", -1))
    page = list(islice(found, query["limit"] + 1))
    items = page[: query["limit"]]
    ends = services().log.chain_ends([entry.leaf.chain for entry, _ in items])
    headers = next_link(items[-1][0].index) if len(page) > len(items) else {}
    return {"items": [_item(*each, ends[each[0].leaf.chain]) for each in items]}, headers


def _asked(query: dict[str, Any]) -> Iterable[tuple[Entry, int | None]]:
    """Entries, each with what makes it suspect. Raises ParametersRefused for half a question."""
    log = services().log
    if ("kid" in query) != ("since" in query):
        flaw = "Give both kid and since, or neither."
        raise ParametersRefused("?since", (("?since", flaw),))
    if "kid" not in query:
        return ((each.entry, each.cause) for each in log.suspects_at(log.size()))
    feared = log.suspects_if(query["kid"], query["since"] * _MILLISECONDS)
    return ((entry, None) for entry in feared)


def _visible(
    found: Iterable[tuple[Entry, int | None]], caller: Caller, after: int
) -> Iterator[tuple[Entry, int | None]]:
    """Those after the cursor that the caller may know of; of what was erased nothing is left."""
    return (
        (entry, cause)
        for entry, cause in found
        if entry.index > after and not entry.is_erased and _concerns(entry, caller)
    )


def _concerns(entry: Entry, caller: Caller) -> bool:
    common = entry.statement.common
    return caller.role in _SEE_ALL or caller.enterprise in (common.subject, common.iss)


def _item(entry: Entry, cause: int | None, end: ChainEnd) -> dict[str, Any]:
    return {
        "index": entry.index,
        "digest": entry.statement.digest,
        "type": entry.statement.type,
        "subject": entry.statement.subject,
        "key": list(end.key.parts),
        "kid": entry.leaf.kid,
        "time": iso_time(entry.leaf.time),
        "cause": cause,
        "last": end.index == entry.index,
        "reattested": _is_settled(entry, end),
    }


def _is_settled(entry: Entry, end: ChainEnd) -> bool:
    """Whether nothing is left to be said again; a withdrawal not where nothing stands anyway."""
    if isinstance(entry.statement.body, Withdrawal) and end.withdrawn:
        return True
    return end.is_sound and end.index > entry.index
