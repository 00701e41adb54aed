"""Who is asking: a bearer token (RFC 6750) becomes a `Caller`.

Nobody needs a token to submit, to check proofs or to read what is public. Where one is needed, a
missing one and a wrong one are told apart, both with 401 and ``WWW-Authenticate``. A token that is
sent is always checked: a wrong one is refused also where none would have been needed.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from flask import g, request

from api.callers import ANONYMOUS, Caller
from api.errors import TokenInvalid, TokenMissing
from api.services import services

P = ParamSpec("P")
R = TypeVar("R")

NEEDS_TOKEN: Final[dict[str, Any]] = {"security": [{"bearer": []}]}
"""How the OpenAPI document says so."""


def current_caller() -> Caller:
    """Who sent this request; `ANONYMOUS` without a token. Raises TokenInvalid for a wrong one."""
    if "caller" not in g:
        g.caller = _identify(request.headers.get("Authorization"))
    caller: Caller = g.caller
    return caller


def identified_caller() -> Caller:
    """Who sent this request, with a token. Raises TokenMissing or TokenInvalid."""
    caller = current_caller()
    if caller.is_anonymous:
        raise TokenMissing
    return caller


def needs_token(view: Callable[P, R]) -> Callable[P, R]:
    """Decorate a view that answers only callers with a valid token, and document that."""

    @wraps(view)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        identified_caller()
        return view(*args, **kwargs)

    documented = deepcopy(getattr(view, "_apidoc", {}))
    documented.setdefault("manual_doc", {}).update(NEEDS_TOKEN)
    checked._apidoc = documented  # type: ignore[attr-defined]  # where flask-smorest looks for it
    return checked


def _identify(header: str | None) -> Caller:
    if header is None:
        return ANONYMOUS
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer":
        raise TokenInvalid
    caller = services().tokens.find(secret.strip())
    if caller is None:
        raise TokenInvalid
    return caller
