"""Answers that a reader may keep: weak ETags over everything an answer depends on.

    ETag = hash(engine version, asOf, last disclosure, question, content, access class, language)

``asOf`` is the last entry that moved the figure, so an append elsewhere kills nobody's copy. Who
may see what is decided by disclosures and consents, which move no figure: the last of them counts
too. So does the content: names, and who spoke for whom, change without moving a figure. The access
class is the caller's role, enterprise and scopes: no copy made for one serves another. That only
the caller's own cache may keep it is said of every answer, in ``api.app``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from flask import Response, jsonify, request
from flask_babel import get_locale

from api.auth import current_caller
from api.callers import Caller
from api.services import services
from graph.version import VERSION
from ledger import strict_base64
from ledger.checkpoint import Checkpoint
from ledger.note import open_note
from ledger.standing import Standing
from ledger.strict_json import dumps

CHECKPOINT_HEADER: Final = "Catchment-Checkpoint"
_DECIDES_ACCESS = ("disclosure", "membership")


def figure_response(
    document: Mapping[str, Any],
    *,
    as_of: int,
    question: Mapping[str, str | int | None],
    standing: Standing,
    size: str = "at",
) -> Response:
    """Answer with a figure, or with 304 where the reader's copy is still right.

    ``question`` is what was asked, defaults filled in; ``standing`` is what the answer was read
    from; ``size`` as in `content_digest`. Whether the caller may read is decided before.
    """
    asked = {**question, "content": content_digest(document, size)}
    tag = figure_tag(as_of, asked, standing, current_caller(), str(get_locale()))
    return tagged_response(tag, lambda: jsonify(document))


def content_digest(document: Mapping[str, Any], size: str = "at") -> str:
    """SHA-256 of what a document says, but for its member ``size``: what it was answered from."""
    content = {name: value for name, value in document.items() if name != size}
    return hashlib.sha256(dumps(content)).hexdigest()


def tagged_response(tag: str, made: Callable[[], Response]) -> Response:
    """Answer with what is ``made``, or with 304 where the reader's copy has the same weak tag."""
    fresh = request.if_none_match.contains_weak(tag)
    response = Response(status=304) if fresh else made()
    response.set_etag(tag, weak=True)
    response.headers[CHECKPOINT_HEADER] = checkpoint_header()
    return response


def figure_tag(
    as_of: int,
    question: Mapping[str, str | int | None],
    standing: Standing,
    caller: Caller,
    language: str,
) -> str:
    """The opaque part of the weak ETag."""
    shown = standing.touched.last(_DECIDES_ACCESS)
    asked = [[name, question[name]] for name in sorted(question)]
    scopes = None if caller.scopes is None else sorted(caller.scopes)
    parts = [VERSION, as_of, shown, asked, caller.role, caller.enterprise, scopes, language]
    return hashlib.sha256(dumps(parts)).hexdigest()[:32]


def checkpoint_header() -> str:
    """The log's latest checkpoint: ``<size> <root in base64>``."""
    checkpoint = latest_checkpoint()
    return f"{checkpoint.size} {strict_base64.to_standard(checkpoint.root)}"


def latest_checkpoint() -> Checkpoint:
    log = services().log
    return Checkpoint.parse(open_note(log.checkpoint(), [log.verifier]).text)
