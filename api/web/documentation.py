"""The OpenAPI document as flask-smorest makes it, put right in one place.

Left alone it would say that errors are ``application/json``, and document headers of a pagination
and an ETag that are not ours. Here every operation's errors are what the protocol of its path says
(`api.web.protocols`), decimal strings carry their pattern, and who needs a token is said.
"""

from __future__ import annotations

from threading import Lock
from typing import Any, Final

import flask_smorest
from flask import Blueprint, Response, current_app, jsonify, render_template
from marshmallow.validate import Regexp
from werkzeug.exceptions import HTTPException

from api.callers import GRANTS_PATH, SCOPES
from api.web import problems
from api.web.protocols import PROTOCOLS, Protocol, protocol_of
from api.web.wire import PLAIN_DECIMAL, PROBLEM_TYPE, ProblemSchema
from ledger import pact
from ledger.schema import Day, Many, Quantity

VERSION: Final = "1"
OPENAPI_VERSION: Final = "3.1.0"
_DESCRIPTION = """\
Product carbon footprints along supply chains, every number of which can be checked.

Enterprises submit signed statements; the log takes them and hands out receipts; figures follow
from what the log holds, and say as of which entry. Amounts and figures are decimal strings;
`null` is unknown, never zero. Errors are problem documents (RFC 9457) with a stable `code`, in
English or Chinese (`Accept-Language`)."""

_GENERAL: Final = ("/DEFAULT_ERROR", "/BAD_REQUEST")
"""The answers that flask-smorest documents by itself."""

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
        for schema in made["components"]["schemas"].values():
            _leave_out_empty_defaults(schema)
        for path, operations in made["paths"].items():
            _tell_errors_as(protocol_of(path), operations)
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
        told = "What is wrong, and what to do next."
        for protocol in PROTOCOLS:
            content = {protocol.content_type: {"schema": protocol.schema}}
            response = {"description": told, "content": content}
            self.spec.components.response(protocol.name, response)
        content = {PROBLEM_TYPE: {"schema": self.ERROR_SCHEMA}}
        refused = {"description": "A parameter does not fit.", "content": content}
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
    api.register_field(pact.Words, "string", None)
    api.register_field(pact.Uuid, "string", "uuid")
    api.register_field(pact.Instant, "string", "date-time")
    api.register_field(pact.PactDecimal, "string", None)
    api.register_field(pact.Flag, "boolean", None)
    api.register_field(pact.Listed, "array", None)
    return api


def describe(api: Documentation) -> None:
    """Say what holds for all operations, once the extension is bound to its application."""
    for say in (_decimal_pattern, _pact_pattern, _pact_list):
        api.ma_plugin.converter.add_attribute_function(say)
    api.spec.components.security_scheme(
        "bearer",
        {
            "type": "http",
            "scheme": "bearer",
            "description": "A token from the operator: `ctm_` and 43 characters.",
        },
    )
    api.spec.components.security_scheme(
        "client",
        {
            "type": "http",
            "scheme": "basic",
            "description": "Id and secret of a client that the operator registered.",
        },
    )
    api.spec.components.security_scheme(
        "oauth",
        {
            "type": "oauth2",
            "description": "A token of a client that the operator registered.",
            "flows": {
                "clientCredentials": {"tokenUrl": GRANTS_PATH, "scopes": dict(SCOPES)},
            },
        },
    )


def _tell_errors_as(protocol: Protocol, operations: dict[str, Any]) -> None:
    """Let the operations of a path refer to errors as its protocol has them."""
    if protocol.schema is Documentation.ERROR_SCHEMA:
        return
    told = {"$ref": f"#/components/responses/{protocol.name}"}
    for method in operations.keys() - {"parameters"}:
        responses = operations[method]["responses"]
        general = [each for each in responses if responses[each].get("$ref", "").endswith(_GENERAL)]
        responses |= {each: dict(told) for each in general}


def _leave_out_empty_defaults(schema: dict[str, Any]) -> None:
    """A list that is never sent empty is not to be read as an empty one."""
    for member in schema.get("properties", {}).values():
        if member.get("minItems") and not member.get("default", True):
            del member["default"]


def _decimal_pattern(_converter: Any, field: Any, **_: Any) -> dict[str, str]:
    is_decimal = isinstance(field, Quantity | pact.PactDecimal)
    return {"pattern": PLAIN_DECIMAL} if is_decimal else {}


def _pact_pattern(_converter: Any, field: Any, **_: Any) -> dict[str, str]:
    """Python's end of a text is JSON Schema's ``$``."""
    if not isinstance(field, pact.Words):
        return {}
    patterns = [str(each.regex.pattern) for each in field.validators if isinstance(each, Regexp)]
    return {"pattern": patterns[0].replace(r"\Z", "$")} if patterns else {}


def _pact_list(_converter: Any, field: Any, **_: Any) -> dict[str, Any]:
    """Left out rather than sent empty."""
    if not isinstance(field, pact.Listed):
        return {}
    return {"minItems": 1, **({"uniqueItems": True} if field.unique else {})}


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
