"""Request bodies: their type and size are checked before a byte is read."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import request

from api.errors import BodyEmpty, BodyRefused, MediaTypeRefused, TooLarge
from ledger.schema import malformed
from ledger.strict_json import JsonValue, loads


def read_body(limit: int, *media_types: str) -> bytes:
    """The body, of at most ``limit`` bytes and one of ``media_types``.

    A Content-Length above the limit is refused unread, a longer stream when it passes the limit.
    Raises MediaTypeRefused, TooLarge or BodyEmpty.
    """
    if request.mimetype not in media_types:
        found = request.mimetype or "none"
        raise MediaTypeRefused(found=found, expected=" or ".join(media_types))
    if (request.content_length or 0) > limit:
        raise TooLarge(limit=limit)
    # A stream of unknown length is cut off at the maximum without a word; one byte more tells.
    request.max_content_length = limit + 1
    body = request.get_data(cache=False)
    if len(body) > limit:
        raise TooLarge(limit=limit)
    if not body:
        raise BodyEmpty
    return body


def read_json(limit: int) -> JsonValue:
    """A JSON body, read as strictly as a statement. Raises also a JsonRefused."""
    return loads(read_body(limit, "application/json"))


def read_as(schema: type[ma.Schema], limit: int) -> Any:
    """A JSON body as ``schema`` has it. Raises as `read_json` and `loaded`."""
    return loaded(schema, read_json(limit))


def loaded(schema: type[ma.Schema], body: JsonValue) -> Any:
    """What was sent, as ``schema`` has it. Raises BodyRefused, which names every flaw."""
    try:
        return schema().load(body)  # type: ignore[arg-type]  # checked by it
    except ma.ValidationError as refused:
        found = malformed(refused)
        raise BodyRefused(found.where, found.problems) from None


def body_flaw(where: str, sentence: str) -> BodyRefused:
    """That a body is refused for one thing, at one place."""
    return BodyRefused(where, ((where, sentence),))
