"""Reports over HTTP: the inventory of a park or an enterprise as a file to keep."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from flask import Response
from flask_babel import get_locale
from marshmallow import fields, validate

from api.auth import current_caller
from api.caching import figure_tag, tagged_response
from api.figures.boundaries import Guarded
from api.figures.parts import Answer
from api.figures.routes import FIGURE_HEADERS, Asked, enterprise_books, park_books
from api.figures.wire import FigureQuery
from api.inventory.routes import inventory_of
from api.reports import as_csv, as_html, as_xlsx
from api.reports.compose import report
from api.reports.document import Document
from api.reports.evidence import About, Evidence, evidence
from api.reports.names import disposition
from api.reports.parts import parts_of
from api.services import services
from api.web.blueprint import Blueprint
from api.web.wire import described

blueprint = Blueprint(
    "reports",
    __name__,
    url_prefix="/v1",
    description="Inventories as files: a workbook, a table of text, and a page to print.",
)


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of file; one that ``is_read`` in a browser is not sent to be saved."""

    media_type: str
    write: Callable[[Document], bytes]
    is_read: bool = False


FORMS: Final[Mapping[str, Form]] = MappingProxyType(
    {
        "xlsx": Form(as_xlsx.MEDIA_TYPE, as_xlsx.write),
        "csv": Form(as_csv.MEDIA_TYPE, as_csv.write),
        "html": Form(as_html.MEDIA_TYPE, as_html.write, is_read=True),
    }
)
_FILE: Final = {"type": "string", "format": "binary"}
_DOCUMENTED: Final = {
    "200": {
        "description": "The report.",
        "headers": FIGURE_HEADERS
        | {
            "Content-Disposition": {
                "description": "What the file is called (RFC 6266).",
                "schema": {"type": "string"},
            }
        },
        "content": {
            form.media_type.partition(";")[0]: {"schema": _FILE} for form in FORMS.values()
        },
    }
}


class ReportQuery(FigureQuery):
    """What is asked besides the thing itself; ``lang`` is read where the language is chosen."""

    lang = fields.String(
        validate=validate.OneOf(("en", "zh")),
        metadata=described("Language; by default that of Accept-Language, or English."),
    )


@blueprint.route("/parks/<uuid:park>/report.<any(xlsx,csv,html):form>", methods=["GET"])
@blueprint.query(ReportQuery)
@blueprint.doc(responses=_DOCUMENTED)
def park_report(query: dict[str, Any], park: UUID, form: str) -> Response:
    """Read the inventory of a park as a file

    All its sections with the position of the log, its signed checkpoint and the published figure of
    the same question, if there is one. For those who may read the park's inventory; what a reader
    may not have of it is left out, with a sentence that says so.
    """
    asked = Asked.of("park-report", park, query)
    return _sent(asked, park_books(asked.id, asked.question, asked.access), form)


@blueprint.route("/enterprises/<uuid:enterprise>/report.<any(xlsx,csv,html):form>", methods=["GET"])
@blueprint.query(ReportQuery)
@blueprint.doc(responses=_DOCUMENTED)
def enterprise_report(query: dict[str, Any], enterprise: UUID, form: str) -> Response:
    """Read the inventory of an enterprise as a file

    All its sections and its carbon account, with the position of the log, its signed checkpoint and
    the published figure of the same question, if there is one. For those who may read the
    enterprise's inventory.
    """
    asked = Asked.of("enterprise-report", enterprise, query)
    return _sent(asked, enterprise_books(asked.id, asked.question, asked.access), form)


def _sent(asked: Asked, guarded: Guarded, form: str) -> Response:
    """The file, or 304 where the reader has one that says the same of an earlier position."""
    answer = inventory_of(asked, guarded).answer()
    parts = tuple(parts_of(asked, guarded))
    rests_on = _evidence(asked, guarded)
    told = as_csv.write(report(answer, rests_on.timeless(), parts))
    tag = _tag(asked, answer, form, hashlib.sha256(told).hexdigest())
    response = tagged_response(tag, lambda: _file(report(answer, rests_on, parts), form))
    if FORMS[form].is_read:
        # Also of a 304: its headers take the place of those that the reader has kept.
        response.headers["Content-Security-Policy"] = as_html.policy()
    return response


def _evidence(asked: Asked, guarded: Guarded) -> Evidence:
    answered = guarded.books.answered
    about = About(
        kind=guarded.books.kind,
        id=asked.id,
        year=answered.year,
        gwp=answered.gwp,
        size=answered.at,
        as_of=guarded.books.as_of,
        is_of_year=answered.valid_on is None,
    )
    return evidence(services().log, asked.access, about)


def _tag(asked: Asked, answer: Answer, form: str, content: str) -> str:
    question = {
        "what": asked.what,
        "form": form,
        "id": asked.id,
        "year": answer["year"],
        "gwp": answer["gwp"],
        "at": asked.question.at,
        "validOn": answer["valid_on"],
        "content": content,
    }
    standing, language = asked.access.standing, str(get_locale())
    return figure_tag(answer["as_of"], question, standing, current_caller(), language)


def _file(document: Document, name: str) -> Response:
    form = FORMS[name]
    response = Response(form.write(document), content_type=form.media_type)
    ending = f"{document.year}-{document.gwp}.{name}"
    response.headers["Content-Disposition"] = disposition(
        document.name, ending, inline=form.is_read
    )
    return response
