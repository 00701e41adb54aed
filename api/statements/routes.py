"""Reading the statements of the log. Who may is decided by ``api.access.access``."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import Any

from api.access.access import Access
from api.auth import current_caller
from api.services import services
from api.statements.answers import payload_of, readable, statement_answer
from api.statements.wire import InForcePageSchema, InForceQuery, StatementSchema
from api.web.blueprint import Blueprint
from api.web.wire import (
    next_link,
)
from ledger.standing import Said, Standing
from ledger.statements import BODIES

blueprint = Blueprint(
    "statements",
    __name__,
    url_prefix="/v1/statements",
    description="What enterprises have signed: read what is in force.",
)


@blueprint.route("/<string(length=64):digest>", methods=["GET"])
@blueprint.response(200, StatementSchema)
def show(digest: str) -> dict[str, Any]:
    """Read one statement

    Whatever its state. A statement the caller may not read and one that does not exist are answered
    alike, so that nobody learns what exists by guessing.
    """
    return statement_answer(readable(digest))


@blueprint.route("", methods=["GET"])
@blueprint.query(InForceQuery)
@blueprint.response(
    200,
    InForcePageSchema,
    headers={"Link": {"description": 'The next page (rel="next")', "schema": {"type": "string"}}},
)
def in_force(query: dict[str, Any]) -> Any:
    """List the statements in force that the caller may read

    In the log's order. A statement that is superseded between two pages comes again at the end, as
    what superseded it; none in force is left out.
    """
    found = _chosen(query, services().engine.standing())
    page = list(islice(found, query["limit"] + 1))
    items = page[: query["limit"]]
    headers = next_link(items[-1].index) if len(page) > len(items) else {}
    return {"items": [_item(said) for said in items]}, headers


def _chosen(query: dict[str, Any], standing: Standing) -> Iterator[Said]:
    """The statements in force after the cursor that fit the query and that the caller may read."""
    access = Access(standing, current_caller())
    after = query.get("cursor", -1)
    subject, about = query.get("subject"), query.get("about")
    return (
        said
        for said in _in_order(query.get("type"), standing)
        if said.index > after
        and subject in (None, said.statement.subject)
        and about in (None, *_key(said))
        and access.may_read_said(said)
    )


def _in_order(kind: str | None, standing: Standing) -> Iterator[Said]:
    kinds = [kind] if kind else sorted(BODIES)
    return heapq.merge(*map(standing.statements, kinds), key=lambda said: said.index)


def _key(said: Said) -> tuple[str, ...]:
    return said.statement.body.natural_key(said.statement.subject).parts


def _item(said: Said) -> dict[str, Any]:
    return {
        "index": said.index,
        "digest": said.digest,
        "type": said.statement.type,
        "subject": said.statement.subject,
        "key": list(_key(said)),
        "payload": payload_of(said.statement),
    }
