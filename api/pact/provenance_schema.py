"""The JSON Schema of what our extension says of a footprint, and where everybody reads it.

It never changes at its address: another version has another number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Response

from api.pact.provenance import COMPUTED, DECLARED, EXTERNAL
from api.web.blueprint import Blueprint
from ledger.strict_json import dumps

SCHEMA_SECONDS: Final = 365 * 24 * 3600

blueprint = Blueprint(
    "schemas",
    __name__,
    url_prefix="/v1/schemas",
    description="JSON Schemas of what is handed out beyond PACT's own data model.",
)

_DIGEST: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_SHARE: Final = {"type": "string", "pattern": r"^(0(\.[0-9]+)?|1)$"}
_WHOLE: Final = {"type": "integer", "minimum": 0}


def _told(description: str, like: Mapping[str, Any]) -> dict[str, Any]:
    return {**like, "description": description}


def _object(description: str, members: dict[str, Any], optional: tuple[str, ...] = ()) -> Any:
    return {
        "type": "object",
        "description": description,
        "properties": members,
        "required": [name for name in members if name not in optional],
        "additionalProperties": False,
    }


_LOG: Final = _object(
    "The transparency log that the footprint, or what it follows from, is in.",
    {
        "origin": _told("Name that the log signs under.", {"type": "string", "minLength": 1}),
        "genesis": _told("Digest of its first entry: the log's identity.", _DIGEST),
    },
)
_GRADES: Final = {
    "usability": _object(
        "Level of WBCSD's usability model on the day of issue.",
        {
            "level": _told(
                "1 indicative, 2 consistent, 3 methodologically complete.",
                {"type": "integer", "minimum": 1, "maximum": 3},
            ),
            "lacking": _told(
                "Members that the next level asks for as well, as JSON pointers.",
                {"type": "array", "items": {"type": "string", "pattern": "^/"}},
            ),
        },
    ),
    "findings": _told(
        "Codes of the rules of PACT's text that the footprint does not keep.",
        {"type": "array", "items": {"type": "string", "pattern": "^[a-z-]+$"}},
    ),
    "ageDays": _told("Days from the middle of what was measured to the day of issue.", _WHOLE),
}
_OF_STATEMENT: Final = {
    "log": _LOG,
    "digest": _told("SHA-256 of the signing input of the statement that carries it.", _DIGEST),
    "index": _told("The statement's place in the log.", _WHOLE),
    "receipt": _told(
        "Proof that the log holds the statement (C2SP tlog-proof), to be checked offline.",
        {"type": "string", "pattern": "^c2sp.org/tlog-proof@v1\n"},
    ),
    "onBehalf": _told(
        "Whether a delegate signed it, or the operator with a key that it holds.",
        {"type": "boolean"},
    ),
    **_GRADES,
}
_EXTERNAL: Final = _object(
    "Where it was read.",
    {
        "host": _told("Address of the host that answered.", {"type": "string", "minLength": 1}),
        "fetched": _told("When.", {"type": "string", "format": "date-time"}),
        "sha256": _told("SHA-256 of the JSON object, in the bytes it was received in.", _DIGEST),
        "note": _told("That the owner has signed nothing here.", {"type": "string"}),
    },
)
_QUESTION: Final = _object(
    "Which question it answers.",
    {
        "product": _told("Id of the product.", {"type": "string", "format": "uuid"}),
        "year": _told("The calendar year.", {"type": "integer"}),
        "gwp": _told("The set of global warming potentials.", {"enum": ["AR4", "AR5", "AR6"]}),
    },
)
_COMPUTED: Final = {
    "log": _LOG,
    "question": _QUESTION,
    "asOf": _told("The last entry that moved it.", _WHOLE),
    "size": _told("How many entries of the log it was computed from.", _WHOLE),
    "root": _told("Root hash of the tree over these entries, base64.", {"type": "string"}),
    "engine": _told("Version of the engine that computed it.", {"type": "string"}),
    "address": _told(
        "Where it is computed again from these entries. Where it contains what others have not "
        "disclosed, only auditors are answered about a past size.",
        {"type": "string", "format": "uri"},
    ),
    "coverage": _told("Share of it that is known and not estimated.", _SHARE),
    "estimatedShare": _told("Share that factors fill in for what suppliers left unsaid.", _SHARE),
    "verifiedShare": _object(
        "Share that verifiers assure, by level of assurance.",
        {"limited": _told("Limited.", _SHARE), "reasonable": _told("Reasonable.", _SHARE)},
    ),
    "onBehalfShare": _told("Share that was declared on somebody's behalf.", _SHARE),
    **_GRADES,
}
_UNTOLD: Final = ("verifiedShare", "onBehalfShare", "ageDays")
"""Left out where it is not known, or would tell what is not disclosed."""


def _kind(kind: str, description: str, members: dict[str, Any], *optional: str) -> Any:
    return _object(description, {"kind": {"const": kind}, **members}, optional)


SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Catchment provenance of a PACT product footprint, version 1",
    "description": "Where a footprint comes from, as it was when it was first handed out. Shares "
    "are decimal strings from 0 to 1. What is not known, or would give away what somebody keeps "
    "to itself, is left out.",
    "type": "object",
    "required": ["kind"],
    "oneOf": [
        _kind(DECLARED, "Its owner signed it.", _OF_STATEMENT),
        _kind(
            EXTERNAL,
            "It was read from another host; its owner signed nothing here.",
            {**_OF_STATEMENT, "external": _EXTERNAL},
        ),
        _kind(COMPUTED, "It follows from what the log holds.", _COMPUTED, *_UNTOLD),
    ],
}


@blueprint.route("/provenance-1.json", methods=["GET"])
@blueprint.response(
    200,
    {"type": "object"},
    content_type="application/schema+json",
    description="A JSON Schema (draft 2020-12).",
)
def provenance() -> Response:
    """Read the JSON Schema of our extension of PACT footprints

    Every footprint under `/3/footprints` carries one extension with this `dataSchema`. Open to
    everybody, and the same for good.
    """
    response = Response(dumps(SCHEMA), content_type="application/schema+json")
    response.cache_control.public = True
    response.cache_control.max_age = SCHEMA_SECONDS
    response.cache_control.immutable = True
    return response
