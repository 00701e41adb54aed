"""The OpenAPI document as flask-smorest makes it, put right in one place.

Left alone it would say that errors are ``application/json``, and document headers of a pagination
and an ETag that are not ours. Here every operation's errors are problem documents, decimal strings
carry their pattern, and who needs a token is said.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, Final

import flask_smorest
from flask import Blueprint, Response, current_app, jsonify, render_template
from werkzeug.exceptions import HTTPException

from api import problems
from api.callers import SCOPES
from api.wire import PLAIN_DECIMAL, PROBLEM_TYPE, ProblemSchema
from ledger.schema import Day, Many, Quantity

VERSION: Final = "1"
OPENAPI_VERSION: Final = "3.1.0"
_DESCRIPTION = """\
Product carbon footprints along supply chains, every number of which can be checked.

Enterprises submit signed statements; the log takes them and hands out receipts; figures follow
from what the log holds, and say as of which entry. Amounts and figures are decimal strings;
`null` is unknown, never zero. Errors are problem documents (RFC 9457) with a stable `code`, in
English or Chinese (`Accept-Language`)."""

_CSP = (
    "default-src 'self'; script-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
"""Swagger UI draws its icons from data URLs; scripts and styles stay ours."""

pages = Blueprint("docs", __name__)


class Documentation(flask_smorest.Api):  # type: ignore[misc]  # it comes without types
    """The extension that collects the operations of all blueprints.

    It describes them once the document is asked for: that takes longer than to start serving, and
    a command that asks its own application one question never needs it.
    """

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._undescribed: list[flask_smorest.Blueprint] = []
        self._describing = Lock()

    def register_blueprint(self, blueprint: flask_smorest.Blueprint) -> None:
        """Serve its operations."""
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._app.register_blueprint(blueprint)
        self._undescribed.append(blueprint)

    def document(self) -> dict[str, Any]:
        """The OpenAPI document, the same each time it is asked for."""
        with self._describing:
            while self._undescribed:
                self._describe(self._undescribed.pop(0))
        made: dict[str, Any] = self.spec.to_dict()
        made["components"].pop("headers", None)
        made["paths"] = dict(sorted(made["paths"].items()))
        made["tags"] = sorted(made["tags"], key=lambda tag: str(tag["name"]))
        return made

    def _describe(self, blueprint: flask_smorest.Blueprint) -> None:
        name = blueprint.name
        blueprint.register_views_in_doc(self, self._app, self.spec, name=name, parameters=None)
        self.spec.tag({"name": name, "description": blueprint.description})

    def handle_http_exception(self, error: HTTPException) -> Response:
        return problems.http_exception(error)

    def _register_responses(self) -> None:
        content = {PROBLEM_TYPE: {"schema": self.ERROR_SCHEMA}}
        default = {"description": "What is wrong, and what to do next.", "content": content}
        self.spec.components.response(self.DEFAULT_ERROR_RESPONSE_NAME, default, lazy=True)
        refused = {**default, "description": "A parameter does not fit."}
        self.spec.components.response("BAD_REQUEST", refused, lazy=True)

    def _register_etag_headers(self) -> None:
        """Ours are documented where they are sent."""

    def _register_pagination_header(self) -> None:
        """Pages are linked by Link."""


def documentation() -> Documentation:
    """The extension, with what holds for all operations."""
    api = Documentation(
        spec_kwargs={
            "title": "Catchment",
            "version": VERSION,
            "openapi_version": OPENAPI_VERSION,
            "info": {"description": _DESCRIPTION},
            "servers": [{"url": "/", "description": "This server."}],
        }
    )
    api.register_field(Quantity, "string", None)
    api.register_field(Day, "string", "date")
    api.register_field(Many, "array", None)
    return api


def describe(api: Documentation) -> None:
    """Say what holds for all operations, once the extension is bound to its application."""
    api.ma_plugin.converter.add_attribute_function(_decimal_pattern)
    api.spec.components.security_scheme(
        "bearer",
        {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from the operator: `ctm_` and 43 characters.",
        },
    )
    api.spec.components.security_scheme(
        "oauth",
        {
            "type": "oauth2",
            "description": "A token of a client that the operator registered.",
            "flows": {
                "clientCredentials": {"tokenUrl": "/auth/token", "scopes": dict(SCOPES)},
            },
        },
    )


def _decimal_pattern(_converter: Any, field: Any, **_: Any) -> dict[str, str]:
    return {"pattern": PLAIN_DECIMAL} if isinstance(field, Quantity) else {}


@pages.route("/openapi.json")
def openapi_json() -> Response:
    """The OpenAPI document, for programs."""
    api: Documentation = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    response = jsonify(api.document())
    response.cache_control.no_cache = True
    return response


@pages.route("/docs")
def docs() -> Response:
    """The OpenAPI document, for people."""
    response = Response(render_template("docs.html"), content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _CSP
    return response
