"""Figures that were published: what to sign, what was signed, and what it takes to check it.

To publish a figure is to say it in the log: the question, the prefix of the log, the engine, and
the numbers. From then on nobody can change it, and whoever has its bundle can compute it again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import fields as members_of
from functools import partial
from itertools import islice
from typing import IO, Any, cast
from uuid import UUID

import marshmallow as ma
from flask import Response, url_for
from marshmallow import fields, validate

from api.access.access import Access
from api.auth import current_caller
from api.errors import StatementNotFound
from api.figures.routes import enterprise_books, park_books, question_of
from api.figures.wire import FIRST_YEAR, LAST_YEAR, YearQuery
from api.publication.bundles import Bundler
from api.publication.publication import publishable
from api.services import services
from api.statements.answers import readable, statement_answer
from api.statements.wire import StatementSchema
from api.web.blueprint import Blueprint
from api.web.wire import PageQuery, PlainDecimal, Wire, described, digest, entity, next_link, whole
from graph.engine import Question
from graph.publishing.published import books_about, since
from ledger.entry import Entry
from ledger.errors import CatchmentError, PayloadErased
from ledger.standing import Said, Standing
from ledger.statements import Figure

BUNDLE_TYPE = "application/zip"
_CHUNK_BYTES = 1 << 16
_ZIP: dict[str, Any] = {"type": "string", "format": "binary"}

blueprint = Blueprint(
    "publication",
    __name__,
    url_prefix="/v1",
    description="Figures that were published in the log, and the bundles to check them offline.",
)


class Stated(PlainDecimal):
    """A number as a statement holds it."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{value:f}"


class FigureOfSchema(Wire):
    """What a figure is of."""

    type = fields.String(required=True, metadata=described("park or enterprise."))
    id = entity(required=True, metadata=described("The park or enterprise."))


class PrefixSchema(Wire):
    """The beginning of the log."""

    size = whole(required=True, metadata=described("How many entries."))
    root = digest(required=True, metadata=described("Root of the tree over them, hex."))


class FactorSetSchema(Wire):
    """A table of factors by its content."""

    name = fields.String(required=True, metadata=described("Such as AR6."))
    digest = digest(required=True, metadata=described("SHA-256 of the table as text."))


class InputsSchema(Wire):
    """Which statements went into a figure."""

    count = whole(required=True, metadata=described("How many."))
    root = digest(required=True, metadata=described("Root (RFC 6962, hex) over their leaves."))


class StatedResultSchema(Wire):
    """One number of a figure, kg CO2e."""

    name = fields.String(required=True, metadata=described("Such as scope1 or t2."))
    at_least = Stated(required=True, metadata=described("What is known, kg CO2e."))
    value = Stated(metadata=described("The figure, kg CO2e; absent while something is missing."))

    @ma.post_dump
    def _leave_out(self, document: dict[str, Any], **_: Any) -> dict[str, Any]:
        """As the statement to be signed has it."""
        return {name: each for name, each in document.items() if each is not None}


class StatedFigureSchema(Wire):
    """What a published figure says."""

    object = fields.Nested(FigureOfSchema, required=True, metadata=described("What it is of."))
    year = whole(required=True, metadata=described("Calendar year."))
    gwp = fields.String(required=True, metadata=described("Global warming potentials."))
    at = fields.Nested(
        PrefixSchema, required=True, metadata=described("What it was computed from.")
    )
    as_of = whole(required=True, metadata=described("The last entry that moved it."))
    engine = fields.String(required=True, metadata=described("Version of the engine."))
    factor_sets = fields.List(
        fields.Nested(FactorSetSchema), required=True, metadata=described("Tables of factors.")
    )
    inputs = fields.Nested(
        InputsSchema, required=True, metadata=described("The statements that it rests on.")
    )
    results = fields.List(
        fields.Nested(StatedResultSchema), required=True, metadata=described("The numbers.")
    )


class UnsignedFigureSchema(StatedFigureSchema):
    """A figure to be signed as it is: `catchment sign`, or any JOSE library, adds the rest."""

    type = fields.String(
        required=True, validate=validate.Equal(Figure.TYPE), metadata=described("figure")
    )
    subject = entity(required=True, metadata=described("Whose figure it is."))
    prev = digest(metadata=described("What was published of the same before, if anything was."))


class FigureInForceSchema(StatedFigureSchema):
    """A published figure in force, in a list."""

    index = whole(required=True, metadata=described("Place in the log, from 0."))
    digest = digest(required=True, metadata=described("SHA-256 of the signing input."))
    issuer = entity(required=True, metadata=described("The enterprise whose key signed."))
    subject = entity(required=True, metadata=described("Whose figure it is."))


class FiguresPageSchema(Wire):
    """A page of published figures."""

    items = fields.List(
        fields.Nested(FigureInForceSchema),
        required=True,
        metadata=described("In the log's order."),
    )


class SinceSchema(Wire):
    """How many of the statements that could move figures do not stand any more, and why."""

    superseded = whole(required=True, metadata=described("Something else stands in their place."))
    withdrawn = whole(required=True, metadata=described("Nothing stands in their place."))
    suspect = whole(required=True, metadata=described("Others may have signed them."))


class PublishedFigureSchema(StatementSchema):
    """A published figure, and what has come after it."""

    inputs_since = fields.Nested(
        SinceSchema,
        required=True,
        allow_none=True,
        metadata=described(
            "What has become of the inputs; null: one was erased, so that the figure can no longer "
            "be computed here."
        ),
    )
    as_of_now = whole(
        required=True,
        allow_none=True,
        metadata=described(
            "What `asOf` would be, asked now: another entry than that of the payload tells that "
            "the figure has moved since. Null: it can no longer be asked."
        ),
    )
    bundle = fields.String(required=True, metadata=described("Address of its bundle."))


class FiguresQuery(PageQuery):
    """Which published figures."""

    object = entity(metadata=described("The park or enterprise that they are of."))
    year = fields.Integer(
        validate=validate.Range(FIRST_YEAR, LAST_YEAR), metadata=described("Calendar year.")
    )


# --- What to sign ------------------------------------------------------------------------------


@blueprint.route("/parks/<uuid:park>/figure", methods=["GET"])
@blueprint.query(YearQuery)
@blueprint.response(200, UnsignedFigureSchema)
def park_figure(query: dict[str, Any], park: UUID) -> dict[str, Any]:
    """Compute the figure of a park, to be signed

    The statement that publishes it, without signature: what its owner may publish, with everything
    that somebody else needs to compute the same. For those who may read the park's books.
    """
    return _unsigned("park", str(park), query)


@blueprint.route("/enterprises/<uuid:enterprise>/figure", methods=["GET"])
@blueprint.query(YearQuery)
@blueprint.response(200, UnsignedFigureSchema)
def enterprise_figure(query: dict[str, Any], enterprise: UUID) -> dict[str, Any]:
    """Compute the figure of an enterprise, to be signed

    The statement that publishes it, without signature: what it may publish, with everything that
    somebody else needs to compute the same. For those who may read the enterprise's books.
    """
    return _unsigned("enterprise", str(enterprise), query)


def _unsigned(kind: str, wanted: str, query: Mapping[str, Any]) -> dict[str, Any]:
    standing = services().engine.standing()
    question = question_of(query, standing)
    read = park_books if kind == "park" else enterprise_books
    books = read(wanted, question, Access(standing, current_caller())).books
    figure = publishable(services().log, books, standing)
    owner = standing.owner_of("park", wanted) if kind == "park" else wanted
    document = {"type": Figure.TYPE, "subject": owner, **_members(figure)}
    before = standing.find(figure.natural_key(cast(str, owner)))
    return {**document, **({"prev": before.digest} if before else {})}


def _members(figure: Figure) -> dict[str, Any]:
    return {each.name: getattr(figure, each.name) for each in members_of(figure)}


# --- What was published ------------------------------------------------------------------------


@blueprint.route("/figures", methods=["GET"])
@blueprint.query(FiguresQuery)
@blueprint.response(
    200,
    FiguresPageSchema,
    headers={"Link": {"description": 'The next page (rel="next")', "schema": {"type": "string"}}},
)
def figures(query: dict[str, Any]) -> Any:
    """List published figures

    Those in force that the caller may read: of its own parks and of itself, those disclosed to it,
    and public ones.
    """
    page = list(islice(_chosen(query, services().engine.standing()), query["limit"] + 1))
    items = page[: query["limit"]]
    more = next_link(items[-1].index) if len(page) > len(items) else {}
    return {"items": [_item(said) for said in items]}, more


def _chosen(query: Mapping[str, Any], standing: Standing) -> Iterator[Said]:
    access = Access(standing, current_caller())
    after, wanted, year = query.get("cursor", -1), query.get("object"), query.get("year")
    for said in standing.statements(Figure.TYPE):
        figure = cast(Figure, said.statement.body)
        fits = wanted in (None, figure.object.id) and year in (None, figure.year)
        if said.index > after and fits and access.may_read_said(said):
            yield said


def _item(said: Said) -> dict[str, Any]:
    common = said.statement.common
    return {
        **_members(cast(Figure, said.statement.body)),
        "index": said.index,
        "digest": said.digest,
        "issuer": common.iss,
        "subject": common.subject,
    }


@blueprint.route("/figures/<string(length=64):digest>", methods=["GET"])
@blueprint.response(200, PublishedFigureSchema)
def figure(digest: str) -> dict[str, Any]:
    """Read a published figure

    What was signed, by whom and when, with what has become of its inputs since. A published figure
    stands as of its prefix, whatever is said later.
    """
    entry, published = _published(digest)
    return {
        **statement_answer(entry),
        "inputs_since": _since(published),
        "as_of_now": _as_of_now(published),
        "bundle": url_for("publication.bundle", digest=digest),
    }


@blueprint.route("/figures/<string(length=64):digest>/bundle", methods=["GET"])
@blueprint.response(200, _ZIP, content_type=BUNDLE_TYPE, description="To verify offline.")
def bundle(digest: str) -> Response:
    """Download the bundle of a published figure

    With the checkpoint, every leaf of the tree, and the statements that the figure was computed
    from; `catchment verify` checks it offline. What the caller may not read is left out, and its
    leaves are given as hashes: auditors can compute the figure again, others see what was kept from
    them.
    """
    entry, published = _published(digest)
    bundler = Bundler(services().log, Access(services().engine.standing(), current_caller()))
    with ExitStack() as opened:
        # Bundles may be larger than memory has room for.
        file = opened.enter_context(tempfile.TemporaryFile())
        bundler.write(file, entry.index, published)
        opened.pop_all()
    return _sent(file, f"figure-{digest[:12]}.zip")


def _sent(file: IO[bytes], name: str) -> Response:
    """The whole file as a download; it goes when it is sent, or the reader hangs up."""
    size = file.tell()
    file.seek(0)
    response = Response(_closing(file), content_type=BUNDLE_TYPE)
    response.content_length = size
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    response.call_on_close(file.close)
    return response


def _closing(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        yield from iter(partial(file.read, _CHUNK_BYTES), b"")


def _published(digest: str) -> tuple[Entry, Figure]:
    """Raises StatementNotFound for what is no figure, or none that the caller may read."""
    entry = readable(digest)
    if not isinstance(entry.statement.body, Figure):
        raise StatementNotFound(digest=digest)
    return entry, entry.statement.body


def _since(published: Figure) -> Any:
    engine = services().engine
    try:
        return since(engine.standing(published.at.size), engine.standing(), published.engine)
    except PayloadErased:
        return None


def _as_of_now(published: Figure) -> int | None:
    question = Question(published.year, published.gwp)
    try:
        return books_about(services().engine, published.object, question).as_of
    except CatchmentError:
        return None
