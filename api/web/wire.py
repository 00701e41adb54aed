"""Shapes that several operations share, and how they are documented.

Members are named in camelCase; numbers that measure something are plain decimal strings, never
JSON numbers; what is unknown is ``null``, never zero.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import marshmallow as ma
from flask import request
from marshmallow import fields, validate
from werkzeug.datastructures import MultiDict

from ledger.schema import EntityId
from ledger.strict_json import MAX_INTEGER

PLAIN_DECIMAL: Final = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"
DIGEST: Final = r"^[0-9a-f]{64}$"
MAX_PAGE: Final = 500
PROBLEM_TYPE: Final = "application/problem+json"


def described(text: str, **more: Any) -> dict[str, Any]:
    """The metadata that gives a field its description in the OpenAPI document."""
    return {"description": text, **more}


class PlainDecimal(fields.String):
    """A figure: a plain decimal string with up to 12 significant digits."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"pattern": PLAIN_DECIMAL, "example": "3.7125", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)


def whole(**kwargs: Any) -> fields.Integer:
    """A whole number from 0 that every reader of JSON, and the database, holds exactly."""
    return fields.Integer(validate=validate.Range(0, MAX_INTEGER), **kwargs)


def digest(**kwargs: Any) -> fields.String:
    """A SHA-256 digest in hex."""
    kwargs["metadata"] = {"pattern": DIGEST, **kwargs.get("metadata", {})}
    return fields.String(**kwargs)


def entity(**kwargs: Any) -> EntityId:
    """The id of an entity: a UUID in lower case."""
    kwargs["metadata"] = {"format": "uuid", **kwargs.get("metadata", {})}
    return EntityId(**kwargs)


def moment(**kwargs: Any) -> fields.String:
    """A moment as `iso_time` writes it."""
    kwargs["metadata"] = {"format": "date-time", **kwargs.get("metadata", {})}
    return fields.String(**kwargs)


def iso_time(ms: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC, with milliseconds and a Z."""
    text = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


class Wire(ma.Schema):
    """What is sent: members are written in camelCase."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.data_key = field_obj.data_key or _camel(field_name)


class Sent(Wire):
    """What is sent to us: a member that nobody declared is refused."""

    class Meta:
        unknown = ma.RAISE


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


NO_SUCH_PARAMETER: Final = "There is no such parameter."
GIVEN_TWICE: Final = "It is given more than once."


class Query(ma.Schema):
    """Query parameters. One nobody declared is refused: a mistyped ``?yaer=`` must not pass.

    One given twice is refused too: nobody could tell which of the two was meant.
    """

    class Meta:
        unknown = ma.RAISE

    error_messages = {"unknown": NO_SUCH_PARAMETER}  # noqa: RUF012  # as its base has it

    @ma.pre_load
    def _refuse_twice(self, data: MultiDict[str, str], **_: Any) -> MultiDict[str, str]:
        if twice := [name for name in data if len(data.getlist(name)) > 1]:
            raise ma.ValidationError({name: [GIVEN_TWICE] for name in twice})
        return data


class PageQuery(Query):
    """Which page of a list."""

    limit = fields.Integer(
        load_default=100,
        validate=validate.Range(1, MAX_PAGE),
        metadata=described("How many items at most."),
    )
    cursor = whole(
        metadata=described("Where the next page begins; take it from the Link header."),
    )


class ProblemSchema(Wire):
    """What is wrong, in words a person understands and a code a program does (RFC 9457)."""

    type = fields.String(
        required=True, metadata=described("Address of the description of this kind of problem.")
    )
    title = fields.String(required=True, metadata=described("What kind of problem it is."))
    status = fields.Integer(required=True, metadata=described("The HTTP status."))
    detail = fields.String(required=True, metadata=described("What is wrong here."))
    code = fields.String(
        required=True, metadata=described("Stable name of the condition.", example="stale-head")
    )
    where = fields.String(metadata=described("Path into what was sent.", example="/prev"))
    advice = fields.String(metadata=described("What to do next."))
    problems = fields.List(
        fields.Nested(
            ma.Schema.from_dict(
                {
                    "where": fields.String(required=True, metadata=described("Path.")),
                    "detail": fields.String(required=True, metadata=described("What is wrong.")),
                },
                name="Flaw",
            )
        ),
        metadata=described("Every rule that was broken, where there can be several."),
    )
    params = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        metadata=described("What detail and advice name, for programs.", example={"head": "9f…"}),
    )


NEXT_PAGE: Final = {
    "Link": {"description": 'The next page (rel="next")', "schema": {"type": "string"}}
}
"""How an operation that answers with `next_link` documents it."""


def next_link(cursor: int | str) -> dict[str, str]:
    """The header that leads to the next page (RFC 8288): absolute, with the filters kept."""
    query = urlencode([*_kept_arguments(), ("cursor", str(cursor))])
    return {"Link": f'<{request.base_url}?{query}>; rel="next"'}


def _kept_arguments() -> list[tuple[str, str]]:
    return [each for each in request.args.items(multi=True) if each[0] != "cursor"]
