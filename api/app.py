"""The one place where settings, services, extensions and operations meet."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
from flask import Flask, Response, request
from flask.json.provider import JSONProvider
from flask_babel import Babel
from flask_limiter import HeaderNames, Limiter
from flask_limiter.util import get_remote_address
from werkzeug.middleware.proxy_fix import ProxyFix

from api import factors, health, registry
from api.account import routes as account
from api.asking import routes as asking
from api.certificates import routes as certificates
from api.changes import routes as changes
from api.downstream import routes as downstream
from api.explanations import routes as explanations
from api.figures import routes as figures
from api.findings import routes as findings
from api.indicators import routes as indicators
from api.inventory import routes as inventory
from api.log import impact, published, suspects
from api.log import routes as log
from api.meters import routes as meters
from api.oauth import routes as oauth
from api.opening import open_services
from api.pact import overview, provenance_schema
from api.pact import routes as pact
from api.pages import routes as pages
from api.partners import event_routes
from api.procurement import routes as procurement
from api.publication import routes as published_figures
from api.quality import routes as quality
from api.region import routes as region
from api.reports import routes as reports
from api.restatement import routes as restatement
from api.services import Services
from api.settings import Settings
from api.statements import routes as statements
from api.submission import routes as submission
from api.subscriptions import routes as subscriptions
from api.targets import routes as targets
from api.web import catalogue, documentation, problems, protocols
from api.whatif import routes as whatif

LANGUAGES = ("en", "zh")
_SMALL_BODY = 64 * 1024
"""What a route takes that does not say otherwise; those that take statements do."""

_LIMIT_SECONDS = "X-RateLimit-Seconds"
"""How long until an address's count begins anew, as the rate limit says of every answer."""

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'self'; script-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
}


class _Orjson(JSONProvider):
    """JSON by orjson: members in their order, UTF-8. Reading is left to ``api.web.bodies``."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        body = orjson.dumps(self._prepare_response_obj(args, kwargs))
        return Response(body, content_type="application/json")


def create_app(settings: Settings, *, services: Services | None = None) -> Flask:
    """The application, ready to serve.

    ``services`` replace those that the settings would open. Raises as `open_services`.
    """
    app = assemble(settings)
    app.extensions["catchment"] = services or open_services(settings)
    return app


def assemble(settings: Settings) -> Flask:
    """The application with all its operations and nothing to answer from."""
    app = Flask("api", static_url_path="/static")
    app.json = _Orjson(app)
    app.config["MAX_CONTENT_LENGTH"] = _SMALL_BODY
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = "locale"
    if settings.trusted_proxies:
        trusted = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # how Flask takes middleware
            app.wsgi_app, x_for=trusted, x_proto=trusted, x_host=trusted
        )
    Babel(app, locale_selector=preferred_language)
    problems.register(app)
    app.before_request(protocols.refuse_plain_http)
    _register_operations(app)
    app.after_request(_finish)
    _limit_rates(app, settings)  # what was registered first is run last, and sees its headers
    return app


def preferred_language() -> str:
    """The language asked for with ``?lang=``, or that of ours the reader likes best, or English."""
    if (asked := request.args.get("lang")) in LANGUAGES:
        return str(asked)
    return request.accept_languages.best_match(LANGUAGES, LANGUAGES[0])


def _register_operations(app: Flask) -> None:
    api = documentation.documentation()
    api.init_app(app)
    documentation.describe(api)
    for module in (
        statements,
        submission,
        log,
        suspects,
        impact,
        changes,
        published,
        registry,
        factors,
        figures,
        inventory,
        procurement,
        reports,
        downstream,
        certificates,
        explanations,
        account,
        whatif,
        findings,
        meters,
        quality,
        indicators,
        region,
        restatement,
        targets,
        published_figures,
        subscriptions,
        asking,
        catalogue,
        health,
        pact,
        event_routes,
        provenance_schema,
        overview,
        oauth,
    ):
        api.register_blueprint(module.blueprint)
    app.register_blueprint(documentation.pages)
    app.register_blueprint(pages.blueprint)


def _limit_rates(app: Flask, settings: Settings) -> None:
    """Count requests by address and route.

    Kept in memory, counts are per process: with several workers an address gets as many times the
    limit. A batch counts as one request, whatever it holds.
    """
    limiter = Limiter(
        get_remote_address,
        app=app,
        default_limits=[settings.read_limit],
        storage_uri=settings.rate_storage,
        headers_enabled=True,
        # Only who is sent away has to wait (`_finish`), and that not only for the rate limit.
        header_name_mapping={HeaderNames.RETRY_AFTER: _LIMIT_SECONDS},
    )
    for endpoint, limit in (
        ("submission.submit", settings.submit_limit),
        ("submission.submit_batch", settings.batch_limit),
        ("oauth.token", settings.token_limit),
        ("events.receive", settings.event_limit),
    ):
        view: Callable[..., Any] = app.view_functions[endpoint]
        app.view_functions[endpoint] = limiter.limit(limit)(view)
    for endpoint in ("static", "service.health"):
        limiter.exempt(app.view_functions[endpoint])


def _finish(response: Response) -> Response:
    """Say of every answer how it may be used and kept."""
    seconds = response.headers.pop(_LIMIT_SECONDS, None)
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS and seconds is not None:
        response.headers["Retry-After"] = seconds
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if "Cache-Control" not in response.headers:
        response.cache_control.private = True
        response.cache_control.no_cache = True
    if not response.cache_control.public:
        response.vary.update(["Authorization", "Accept-Language"])
    return response
