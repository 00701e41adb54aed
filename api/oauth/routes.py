"""The token endpoint of OAuth 2.0 (RFC 6749, 4.4), and where programs find it (RFC 8414)."""

from __future__ import annotations

from typing import Any, Final

from flask import request

from api.callers import GRANTS_PATH, SCOPES
from api.errors import GrantInsecure, GrantMalformed, GrantTypeRefused, OAuthRefused
from api.oauth.clients import GRANTED, clients_of
from api.oauth.grants import grants_of
from api.oauth.wire import (
    FORM,
    FORM_SCHEMA,
    GRANT_TYPE,
    AccessTokenSchema,
    Credentials,
    DiscoverySchema,
    JwksSchema,
    credentials,
    read_form,
)
from api.services import services
from api.web.blueprint import Blueprint
from api.web.protocols import OAuthErrorSchema

_UNKEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}

blueprint = Blueprint(
    "oauth", __name__, description="Access tokens for programs: OAuth 2.0 client credentials."
)


@blueprint.route(GRANTS_PATH, methods=["POST"])
@blueprint.doc(
    security=[{"client": []}, {}],
    requestBody={"required": True, "content": {FORM: {"schema": FORM_SCHEMA}}},
)
@blueprint.response(200, AccessTokenSchema)
@blueprint.alt_response(400, schema=OAuthErrorSchema, description="It is not asked for rightly.")
@blueprint.alt_response(401, schema=OAuthErrorSchema, description="It is not known who asks.")
def token() -> Any:
    """Fetch an access token

    The operator registers clients and gives each an id and a secret, which are sent by HTTP Basic
    or in the form. In production only over https. A token is good for half an hour, and ends with
    its client or with the secret it was granted for.
    """
    _refuse_plain_http()
    form = read_form()
    sent = credentials(form)
    try:
        granted = _granted(sent, form)
    except OAuthRefused as refused:
        _note(sent, refused.oauth_error)
        raise
    _note(sent, GRANTED)
    return granted, 200, _UNKEPT


@blueprint.route("/.well-known/openid-configuration", methods=["GET"])
@blueprint.response(200, DiscoverySchema)
def openid_configuration() -> dict[str, Any]:
    """Find the token endpoint

    Its address is that of the host that is asked. There is no login of people here, and there are
    no ID tokens.
    """
    return _discovery()


@blueprint.route("/.well-known/oauth-authorization-server", methods=["GET"])
@blueprint.response(200, DiscoverySchema)
def authorization_server() -> dict[str, Any]:
    """Find the token endpoint, where RFC 8414 puts it"""
    return _discovery()


@blueprint.route("/.well-known/jwks.json", methods=["GET"])
@blueprint.response(200, JwksSchema)
def jwks() -> dict[str, Any]:
    """Show the key that access tokens are signed with"""
    return grants_of(services()).jwks


def _granted(sent: Credentials, form: dict[str, str]) -> dict[str, Any]:
    shown = clients_of(services()).authenticate(sent.client_id, sent.secret)
    if "grant_type" not in form:
        raise GrantMalformed(reason="grant_type is missing")
    if form["grant_type"] != GRANT_TYPE:
        raise GrantTypeRefused
    grant = grants_of(services()).grant(shown, form.get("scope"))
    return {
        "access_token": grant.token,
        "token_type": "Bearer",
        "expires_in": grant.seconds,
        "scope": " ".join(sorted(grant.scopes)),
    }


def _discovery() -> dict[str, Any]:
    """Addresses are those under which the reader found this, as strict readers insist."""
    _refuse_plain_http()
    here = request.root_url.rstrip("/")
    return {
        "issuer": here,
        "token_endpoint": here + GRANTS_PATH,
        "jwks_uri": f"{here}/.well-known/jwks.json",
        "grant_types_supported": [GRANT_TYPE],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": list(SCOPES),
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "service_documentation": f"{here}/docs",
    }


def _refuse_plain_http() -> None:
    """Raises GrantInsecure in production: a secret would be sent for everybody to read."""
    if services().settings.is_production and not request.is_secure:
        raise GrantInsecure


def _note(sent: Credentials, outcome: str) -> None:
    clients_of(services()).note(sent.client_id, outcome, request.remote_addr or "")
