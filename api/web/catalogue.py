"""Every kind of problem there is, so that a program can be written against their codes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from flask_babel import gettext
from marshmallow import fields

from api.errors import NotFound, status_of
from api.web.blueprint import Blueprint
from api.web.wire import Wire, described
from ledger.errors import CatchmentError

blueprint = Blueprint(
    "problems", __name__, url_prefix="/v1/problems", description="What the codes of problems mean."
)


class KindSchema(Wire):
    """A kind of problem. Names between `%(` and `)s` stand for particulars."""

    code = fields.String(required=True, metadata=described("Stable name of the condition."))
    status = fields.Integer(required=True, metadata=described("The HTTP status."))
    sentence = fields.String(required=True, metadata=described("What is wrong."))
    advice = fields.String(required=True, metadata=described("What to do next; may be empty."))


class KindsSchema(Wire):
    """All kinds of problems."""

    items = fields.List(fields.Nested(KindSchema), required=True, metadata=described("By code."))


@blueprint.route("", methods=["GET"])
@blueprint.response(200, KindsSchema)
def kinds() -> dict[str, Any]:
    """List every kind of problem"""
    return {"items": [_shown(kind) for _, kind in sorted(conditions().items())]}


@blueprint.route("/<string:code>", methods=["GET"])
@blueprint.response(200, KindSchema)
def kind(code: str) -> dict[str, Any]:
    """Read what a kind of problem means

    The `type` of every problem document leads here.
    """
    found = conditions().get(code)
    if found is None:
        raise NotFound
    return _shown(found)


@cache
def conditions() -> dict[str, type[CatchmentError]]:
    """Every named condition by its code."""
    return {each.code: each for each in _descendants(CatchmentError)}


def _descendants(kind: type[CatchmentError]) -> Iterator[type[CatchmentError]]:
    """The kinds below, without those that only group others and say nothing themselves."""
    for each in kind.__subclasses__():
        if "sentence" in vars(each):
            yield each
        yield from _descendants(each)


def _shown(kind: type[CatchmentError]) -> dict[str, Any]:
    return {
        "code": kind.code,
        "status": int(status_of(kind)),
        "sentence": gettext(kind.sentence),
        "advice": gettext(kind.advice) if kind.advice else "",
    }
