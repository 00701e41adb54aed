"""Who is asking: a bearer token (RFC 6750) becomes a `Caller`.

Nobody needs a token to submit, to check proofs or to read what is public. Where one is needed, a
missing one and a wrong one are told apart, both with 401 and ``WWW-Authenticate``. A token that is
sent is always checked: a wrong one is refused also where none would have been needed.

Access tokens of OAuth clients reach as far as their scopes. What needs no other scope needs the
scope ``figures``: a client without it is there what somebody without a token is.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from flask import g, request

from api.callers import ANONYMOUS, Caller, Scope
from api.errors import ScopeMissing, TokenInvalid, TokenMissing
from api.keys.tokens import PREFIX
from api.oauth.grants import grants_of
from api.services import services

P = ParamSpec("P")
R = TypeVar("R")

_OTHERWISE: Final[Scope] = "figures"


def current_caller() -> Caller:
    """Who sent this request, as far as the token reaches here; `ANONYMOUS` without one.

    Raises TokenInvalid for a wrong one, TokenExpired for an access token whose time is over.
    """
    caller = _sender()
    return caller if caller.may(_scope()) else ANONYMOUS


def identified_caller() -> Caller:
    """Who sent this request. Raises as `current_caller`, and TokenMissing, ScopeMissing."""
    caller = _sender()
    if caller.is_anonymous:
        raise TokenMissing
    if not caller.may(_scope()):
        raise ScopeMissing(scope=_scope())
    return caller


def needs_token(view: Callable[P, R]) -> Callable[P, R]:
    """Decorate a view that answers only callers with a valid token, and document that."""
    return needs_scope(_OTHERWISE)(view)


def needs_scope(scope: Scope) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a view that answers callers with a token that reaches to ``scope``."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            g.scope = scope
            identified_caller()
            return view(*args, **kwargs)

        documented = deepcopy(getattr(view, "_apidoc", {}))
        documented.setdefault("manual_doc", {}).update(security(scope))
        checked._apidoc = documented  # type: ignore[attr-defined]  # flask-smorest looks for it
        return checked

    return decorate


def security(scope: Scope) -> dict[str, Any]:
    """How the OpenAPI document says that a token is needed."""
    return {"security": [{"bearer": []}, {"oauth": [scope]}]}


def _scope() -> Scope:
    """What the token has to reach to for the operation that is being answered."""
    scope: Scope = g.get("scope", _OTHERWISE)
    return scope


def _sender() -> Caller:
    if "caller" not in g:
        g.caller = _identify(request.headers.get("Authorization"))
    caller: Caller = g.caller
    return caller


def _identify(header: str | None) -> Caller:
    if header is None:
        return ANONYMOUS
    scheme, _, sent = header.partition(" ")
    if scheme.lower() != "bearer":
        raise TokenInvalid
    token = sent.strip()
    if not token.startswith(PREFIX):
        return grants_of(services()).caller(token)
    caller = services().tokens.find(token)
    if caller is None:
        raise TokenInvalid
    return caller
