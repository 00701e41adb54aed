"""What is sent to and from the token endpoint: credentials, forms, and the documents about it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

import marshmallow as ma
from flask import request
from marshmallow import fields

from api.callers import SCOPES
from api.errors import BodyEmpty, GrantMalformed, MediaTypeRefused, TooLarge
from api.web.bodies import read_body
from api.web.wire import described

FORM: Final = "application/x-www-form-urlencoded"
GRANT_TYPE: Final = "client_credentials"

_MOST_BYTES = 8 * 1024
_MOST_PARAMETERS = 32
_MOST_CREDENTIALS = 1024

FORM_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "grant_type": {"type": "string", "enum": [GRANT_TYPE]},
        "scope": {
            "type": "string",
            "description": "Some of what the client may, by spaces; otherwise all of it.",
            "example": "footprints events",
        },
        "client_id": {"type": "string", "description": "Instead of HTTP Basic."},
        "client_secret": {"type": "string", "description": "Instead of HTTP Basic."},
    },
    "required": ["grant_type"],
}


class AccessTokenSchema(ma.Schema):
    """An access token (RFC 6749, section 5.1)."""

    access_token = fields.String(
        required=True, metadata=described("Sent as `Authorization: Bearer …`.")
    )
    token_type = fields.String(required=True, metadata=described("Always `Bearer`."))
    expires_in = fields.Integer(required=True, metadata=described("Seconds it is good for."))
    scope = fields.String(
        required=True, metadata=described(f"Some of: {', '.join(SCOPES)}; by spaces.")
    )


class DiscoverySchema(ma.Schema):
    """Where tokens are granted and how (RFC 8414, OpenID Connect Discovery 1.0)."""

    issuer = fields.URL(required=True, metadata=described("Who grants them."))
    token_endpoint = fields.URL(required=True, metadata=described("Where."))
    jwks_uri = fields.URL(required=True, metadata=described("The key they are signed with."))
    grant_types_supported = fields.List(
        fields.String(), required=True, metadata=described(f"`{GRANT_TYPE}` alone.")
    )
    token_endpoint_auth_methods_supported = fields.List(
        fields.String(),
        required=True,
        metadata=described("How a client may send its secret: by HTTP Basic, or in the form."),
    )
    scopes_supported = fields.List(
        fields.String(), required=True, metadata=described("What a token may be asked for.")
    )
    response_types_supported = fields.List(
        fields.String(), required=True, metadata=described("None: nobody is sent to a login.")
    )
    subject_types_supported = fields.List(
        fields.String(),
        required=True,
        metadata=described("`public`: a client has the same name for everybody."),
    )
    id_token_signing_alg_values_supported = fields.List(
        fields.String(),
        required=True,
        metadata=described("Readers of OpenID Connect insist on it; there are no ID tokens."),
    )
    service_documentation = fields.URL(
        required=True, metadata=described("Where this API is described.")
    )


class JwkSchema(ma.Schema):
    """A public key (RFC 7517, RFC 8037)."""

    kty = fields.String(required=True, metadata=described("Family of the key."))
    crv = fields.String(required=True, metadata=described("Its curve."))
    x = fields.String(required=True, metadata=described("The public key, in base64url."))
    kid = fields.String(
        required=True, metadata=described("Its name, as in the header of the tokens it signs.")
    )
    alg = fields.String(required=True, metadata=described("The algorithm it signs by."))
    use = fields.String(required=True, metadata=described("What it is for: `sig`, signatures."))


class JwksSchema(ma.Schema):
    """Public keys (RFC 7517, section 5)."""

    keys = fields.List(fields.Nested(JwkSchema), required=True)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client sent to show who it is; empty where nothing was sent that can be read."""

    client_id: str
    secret: str


NOBODY: Final = Credentials("", "")


def read_form() -> dict[str, str]:
    """The parameters of a token request; those without a value count as absent (RFC 6749, 3.2).

    Raises GrantMalformed.
    """
    try:
        text = read_body(_MOST_BYTES, FORM).decode("utf-8")
        pairs = parse_qsl(text, errors="strict", max_num_fields=_MOST_PARAMETERS)
    except MediaTypeRefused:
        raise GrantMalformed(reason="its body is not application/x-www-form-urlencoded") from None
    except BodyEmpty:
        raise GrantMalformed(reason="it has no body") from None
    except (TooLarge, ValueError):
        raise GrantMalformed(reason="its body cannot be read") from None
    found = dict(pairs)
    if len(found) < len(pairs):
        raise GrantMalformed(reason="a parameter is given twice")
    return found


def credentials(form: dict[str, str]) -> Credentials:
    """Who the client says it is: HTTP Basic, or ``client_id`` and ``client_secret`` in the form.

    Raises GrantMalformed for both (RFC 6749, 2.3). An id in the form may go with HTTP Basic.
    """
    header = request.headers.get("Authorization")
    if header is None:
        return Credentials(form.get("client_id", ""), form.get("client_secret", ""))
    sent = _basic(header)
    if "client_secret" in form or form.get("client_id", sent.client_id) != sent.client_id:
        raise GrantMalformed(reason="the client authenticates in two ways")
    return sent


def _basic(header: str) -> Credentials:
    """Id and secret are percent-encoded inside HTTP Basic (RFC 6749, 2.3.1).

    Neither of ours has a character that this would change, so clients that leave it out are
    understood as well.
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > _MOST_CREDENTIALS:
        return NOBODY
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except ValueError:
        return NOBODY
    client_id, _, secret = text.partition(":")
    return Credentials(unquote_plus(client_id), unquote_plus(secret))
