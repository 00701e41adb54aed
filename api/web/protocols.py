"""Whose protocol is spoken under which path: how its errors look, and whether plain HTTP will do.

Catchment answers with problem documents (RFC 9457). Under two paths it speaks to programs that were
written for others' specifications, and answers as these say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import marshmallow as ma
from flask import request
from marshmallow import fields, validate

from api.errors import OAuthRefused, PlainHttpRefused
from api.services import services
from api.web.pact_errors import CODES, pact_error
from api.web.wire import PROBLEM_TYPE, ProblemSchema, Wire, described
from ledger.errors import CatchmentError

_JSON: Final = "application/json"
_ASCII: Final = str.maketrans({"“": "'", "”": "'", "’": "'", "…": "...", '"': "'", "\\": "/"})


class PactErrorSchema(Wire):
    """What is wrong, as PACT says it."""

    code = fields.String(
        required=True,
        validate=validate.OneOf(CODES),
        metadata=described("What kind of error.", example="NotFound"),
    )
    message = fields.String(
        required=True, metadata=described("What is wrong, and what to do next.")
    )


class OAuthErrorSchema(ma.Schema):
    """What is wrong, as OAuth 2.0 says it (RFC 6749, section 5.2)."""

    error = fields.String(
        required=True, metadata=described("What kind of error.", example="invalid_client")
    )
    error_description = fields.String(metadata=described("The same in words, in English."))


@dataclass(frozen=True)
class Protocol:
    """How errors are told below ``prefix``.

    ``name`` is that of the answer in the OpenAPI document, ``scheme`` the way of authenticating
    that a 401 asks for; ``error`` makes the body from the condition and its problem document.
    ``translated`` says whether it is in the reader's language, ``https_only`` whether production
    refuses what did not come over TLS.
    """

    prefix: str
    name: str
    schema: type[ma.Schema]
    content_type: str
    error: Callable[[CatchmentError, dict[str, Any]], dict[str, Any]]
    scheme: str = "Bearer"
    translated: bool = True
    https_only: bool = True


def _oauth_error(error: CatchmentError, problem: dict[str, Any]) -> dict[str, Any]:
    """A description has printable ASCII only, without quotes and backslashes (RFC 6749, 5.2)."""
    described = str(error).translate(_ASCII).encode("ascii", "replace").decode()
    return {"error": _oauth_code(error, problem["status"]), "error_description": described}


def _oauth_code(error: CatchmentError, status: int) -> str:
    if isinstance(error, OAuthRefused):
        return error.oauth_error
    return "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request"


PROBLEMS: Final = Protocol(
    prefix="/",
    name="DEFAULT_ERROR",
    schema=ProblemSchema,
    content_type=PROBLEM_TYPE,
    error=lambda _, problem: problem,
    https_only=False,
)
PACT: Final = Protocol(
    prefix="/3/",
    name="PACT_ERROR",
    schema=PactErrorSchema,
    content_type=_JSON,
    error=lambda _, problem: pact_error(problem),
)
OAUTH: Final = Protocol(
    prefix="/auth/",
    name="OAUTH_ERROR",
    schema=OAuthErrorSchema,
    content_type=_JSON,
    error=_oauth_error,
    scheme="Basic",
    translated=False,
    https_only=False,  # `api.oauth` refuses it in its own words
)
PROTOCOLS: Final = (PACT, OAUTH, PROBLEMS)


def protocol_of(path: str) -> Protocol:
    """The protocol that is spoken under a path."""
    return next(each for each in PROTOCOLS if f"{path}/".startswith(each.prefix))


def refuse_plain_http() -> None:
    """In production, tokens and footprints do not travel where others can read them.

    Raises PlainHttpRefused. Behind a proxy that ends TLS, what it says of the request counts if it
    is trusted.
    """
    if not protocol_of(request.path).https_only or request.is_secure:
        return
    if services().settings.is_production:
        raise PlainHttpRefused
