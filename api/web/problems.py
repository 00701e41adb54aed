"""From a condition to a problem document (RFC 9457), in the language of whoever reads it.

Where another protocol is spoken (`api.web.protocols`), what the problem document says is told in
that protocol's form.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

import orjson
import sqlalchemy.exc
from flask import Flask, Response, request
from flask_babel import get_locale, gettext
from werkzeug.exceptions import HTTPException

from api import errors
from api.web.protocols import protocol_of
from ledger.errors import CatchmentError, StoreUnavailable

_LOG = logging.getLogger("catchment")

TITLES: Final[Mapping[int, str]] = MappingProxyType(
    {
        HTTPStatus.BAD_REQUEST: "The request cannot be understood",
        HTTPStatus.UNAUTHORIZED: "It is not known who asks",
        HTTPStatus.FORBIDDEN: "This is not allowed",
        HTTPStatus.NOT_FOUND: "There is nothing like this",
        HTTPStatus.METHOD_NOT_ALLOWED: "The method does not fit",
        HTTPStatus.CONFLICT: "The log holds something that stands against this",
        HTTPStatus.GONE: "It was erased",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "It is too large",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The media type does not fit",
        HTTPStatus.UNPROCESSABLE_ENTITY: "The content is not accepted",
        HTTPStatus.TOO_MANY_REQUESTS: "Too many requests",
        HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong on our side",
        HTTPStatus.BAD_GATEWAY: "Another host did not answer as it should",
        HTTPStatus.SERVICE_UNAVAILABLE: "The service is not available",
        HTTPStatus.INSUFFICIENT_STORAGE: "There is no room for more",
    }
)
"""What kind of problem a status means."""


def problem_of(error: CatchmentError) -> dict[str, Any]:
    """The problem document of a condition; members that say nothing are left out."""
    status = errors.status_of(error)
    document = {
        "type": f"/v1/problems/{error.code}",
        "title": gettext(TITLES[status]),
        "status": int(status),
        "detail": _told(error.sentence, error.params),
        "code": error.code,
        "where": error.where,
        "advice": _told(error.advice, error.params),
        "problems": [
            {"where": where, "detail": _phrase(sentence)} for where, sentence in error.problems
        ],
        "params": {name: str(value) for name, value in error.params.items()},
    }
    return {name: value for name, value in document.items() if value not in ("", [], {})}


def problem_response(error: CatchmentError, **members: Any) -> Response:
    """The answer for a condition; ``members`` extend the document."""
    document, protocol = problem_of(error) | members, protocol_of(request.path)
    response = Response(
        orjson.dumps(protocol.error(error, document)),
        status=document["status"],
        content_type=protocol.content_type,
    )
    language = str(get_locale()) if protocol.translated else "en"
    response.headers["Content-Language"] = language
    response.cache_control.no_store = True
    if (seconds := getattr(error, "retry_after", None)) is not None:
        response.headers["Retry-After"] = str(seconds)
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = _challenge(error, protocol.scheme)
    return response


def register(app: Flask) -> None:
    """Answer every error of ``app`` in words."""
    app.register_error_handler(CatchmentError, _condition)
    app.register_error_handler(HTTPException, http_exception)
    # What a database says of itself is for the operator alone.
    for lost in (StoreUnavailable, sqlalchemy.exc.OperationalError):
        app.register_error_handler(lost, _database)
    app.register_error_handler(Exception, _unforeseen)


def http_exception(raised: HTTPException) -> Response:
    """What werkzeug and the rate limit raise; redirects and the like pass unchanged."""
    response = raised.get_response()
    if response.status_code < HTTPStatus.BAD_REQUEST:
        return Response(response.get_data(), response.status_code, response.headers)
    answer = problem_response(_named(raised))
    for name in ("Allow", "Retry-After"):
        if name in response.headers:
            answer.headers[name] = response.headers[name]
    return answer


def _condition(error: CatchmentError) -> Response:
    if errors.status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.error("%s %s: %s", request.method, request.path, error, exc_info=error)
    return problem_response(error)


def _database(error: StoreUnavailable | sqlalchemy.exc.OperationalError) -> Response:
    _LOG.error("The database failed: %s %s", request.method, request.path, exc_info=error)
    return problem_response(errors.DatabaseUnavailable())


def _unforeseen(error: Exception) -> Response:
    reference = secrets.token_hex(8)
    _LOG.error("%s: %s %s", reference, request.method, request.path, exc_info=error)
    return problem_response(errors.Internal(reference=reference))


def _named(raised: HTTPException) -> CatchmentError:
    match raised.code:
        case HTTPStatus.NOT_FOUND:
            return errors.NotFound()
        case HTTPStatus.METHOD_NOT_ALLOWED:
            return errors.MethodNotAllowed()
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return errors.TooLarge(limit=request.max_content_length or 0)
        case HTTPStatus.TOO_MANY_REQUESTS:
            return errors.TooManyRequests()
        case _:
            return errors.RequestRefused()


def _told(template: str, params: Mapping[str, object]) -> str:
    """A sentence in the reader's language; to gettext the empty one is its own header."""
    translated = {name: _phrase(value) for name, value in params.items()}
    return gettext(template) % translated if template else ""


def _phrase(value: Any) -> Any:
    """A phrase that a sentence quotes, such as a reason; text nobody translated stays as it is.

    So do single words: they are names, codes, or what was sent.
    """
    return gettext(value) if isinstance(value, str) and " " in value else value


def _challenge(error: CatchmentError, scheme: str) -> str:
    """RFC 6750 section 3: no error code where no token was sent."""
    realm = f'{scheme} realm="catchment"'
    return f'{realm}, error="invalid_token"' if isinstance(error, errors.TokenInvalid) else realm
