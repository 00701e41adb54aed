"""Answers made of footprints as the shelf has them: their bytes are sent, and never parsed."""

from __future__ import annotations

import hashlib
from typing import Final

from flask import Response, request

from api.errors import CriterionRefused, SealingKeyRefused
from api.keys.secret_box import SecretBox
from api.pact.shelf import Page, Shelved
from api.web.wire import next_link

_JSON: Final = "application/json"
_TAG_BYTES: Final = 16


def single(footprint: Shelved) -> Response:
    """``{"data": {…}}``, or 304 where the reader's copy is still right."""
    return _tagged(b"".join((b'{"data":', footprint.json, b"}")))


def listed(page: Page, box: SecretBox, limit: int) -> Response:
    """``{"data": […]}`` and, where there are more, where the next page is; or 304.

    A page of none leads nowhere, so that nobody follows it for ever.
    """
    found = [footprint.json for footprint in page.items]
    response = _tagged(b"".join((b'{"data":[', b",".join(found), b"]}")))
    if page.after is not None and limit:
        response.headers.update(next_link(cursor_of(page.after, box)))
    return response


def cursor_of(serial: int, box: SecretBox) -> str:
    """Where a page begins: sealed, as the number tells how many footprints others have."""
    return box.seal(str(serial))


def serial_of(cursor: str, box: SecretBox) -> int:
    """Raises CriterionRefused for what `cursor_of` did not make with this server's key."""
    try:
        return int(box.open(cursor))
    except SealingKeyRefused:
        raise CriterionRefused(
            name="cursor", reason="this server did not give it out; begin again without it"
        ) from None


def _tagged(body: bytes) -> Response:
    """The weak tag is over all that is sent: ids, statuses, and digests among it."""
    tag = hashlib.blake2b(body, digest_size=_TAG_BYTES).hexdigest()
    if request.if_none_match.contains_weak(tag):
        response = Response(status=304, content_type=_JSON)
    else:
        response = Response(body, content_type=_JSON)
    response.set_etag(tag, weak=True)
    return response
