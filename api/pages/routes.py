"""Pages for people: what this log is, and the public figures of its parks.

Plain HTML without scripts, in English and Chinese. A page shows what anyone may read, whoever asks;
everything else is asked for over the API with a token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast
from uuid import UUID

import marshmallow as ma
from flask import Blueprint, render_template, request, url_for
from flask_babel import get_locale, gettext
from marshmallow import fields, validate

from api.access.access import Access
from api.caching import latest_checkpoint
from api.callers import ANONYMOUS
from api.errors import NotDisclosed, ParametersRefused
from api.figures.boundaries import Guarded
from api.figures.grades import COVER_WORDS
from api.figures.ladder import RUNG_WORDS, SEVERAL
from api.figures.numbers import compact, percent, places_for, tonnes
from api.figures.parts import Answer
from api.figures.products import footprint_answer
from api.figures.routes import Asked, footprint_of, park_books
from api.figures.wire import YearQuery
from api.inventory.routes import inventory_of
from api.log.routes import rules_in_force
from api.pages.path_picture import course_of, path_picture
from api.pages.pictures import bounds_of, bridge_picture, net_picture
from api.services import services
from api.targets.routes import told_of
from api.web.problems import problem_of
from api.web.wire import iso_time
from graph.engine import Question
from graph.errors import UnknownBoundary, UnknownProduct
from graph.terms import Rung
from ledger import strict_base64
from ledger.errors import CatchmentError
from ledger.statements import Figure, Park

LANGUAGES: Final = {"en": "English", "zh": "中文"}

blueprint = Blueprint("pages", __name__)
blueprint.add_app_template_filter(tonnes)
blueprint.add_app_template_filter(percent)
blueprint.add_app_template_filter(compact)


class PageQuery(YearQuery):
    """What a page is asked; ``lang`` is read where the language is chosen."""

    lang = fields.String(validate=validate.OneOf(tuple(LANGUAGES)))


@blueprint.route("/", methods=["GET"])
def index() -> str:
    """What this log is, and the parks whose figures are public."""
    standing = services().engine.standing()
    access = Access(standing, ANONYMOUS)
    shown = [
        cast(Park, said.statement.body)
        for said in standing.statements("park")
        if access.is_public("figure", cast(Park, said.statement.body).id)
    ]
    log = services().log
    return _page(
        "index.html",
        parks=sorted(shown, key=lambda park: park.name),
        log=log,
        name=rules_in_force().name,
    )


@blueprint.route("/parks/<uuid:park>", methods=["GET"])
def park(park: UUID) -> str:
    """The books of a park in a year, if its owner has made them public."""
    query, wanted = _query(), str(park)
    standing = services().engine.standing()
    access = Access(standing, ANONYMOUS)
    if wanted not in standing.parks:
        raise UnknownBoundary(kind="park", id=wanted)
    if not access.is_public("figure", wanted):
        raise NotDisclosed(kind="figure", id=wanted)
    question = Question(query.get("year"), query["gwp"], query.get("at"))
    asked = Asked("park", wanted, question, None, access)
    guarded = park_books(wanted, question, access)
    books = inventory_of(asked, guarded).answer()
    places = places_for(books["bridge"]["t2"]["at_least"])
    return _page(
        "park.html",
        books=books,
        covers={str(cover): gettext(words) for cover, words in COVER_WORDS.items()},
        bridge=bridge_picture(books, places),
        descent=net_picture(books, places),
        targets=[(each, path_picture(course_of(each, ()))) for each in _targets(asked, guarded)],
        bounds=bounds_of(books["bridge"]["t2"]),
        rungs=_rungs(books["rungs"]),
        places=places,
        published=_published(wanted, books["year"], books["gwp"], access),
    )


@blueprint.route("/products/<uuid:product>", methods=["GET"])
def product(product: UUID) -> str:
    """The footprint of a product in a year, if its owner has made it public."""
    query, wanted = _query(), str(product)
    standing = services().engine.standing()
    access = Access(standing, ANONYMOUS)
    if wanted not in standing.products:
        raise UnknownProduct(product=wanted)
    if not access.is_public("footprint", wanted):
        raise NotDisclosed(kind="footprint", id=wanted)
    question = Question(query.get("year"), query["gwp"], query.get("at"))
    answered, figure, sight = footprint_of(Asked("product", wanted, question, None, access))
    told = footprint_answer(answered, figure, sight, access)
    return _page("product.html", figure=told, bounds=bounds_of(told), rungs=_rungs(told["rungs"]))


def _published(park: str, year: int, gwp: str, access: Access) -> dict[str, str] | None:
    """What was last published of the same question, if anything was."""
    found = None
    for said in access.standing.statements(Figure.TYPE):
        figure = cast(Figure, said.statement.body)
        same = (figure.object.id, figure.year, figure.gwp) == (park, year, gwp)
        if same and access.may_read_said(said):
            found = said
    if found is None:
        return None
    time = iso_time(services().log.entry(found.index).leaf.time)
    engine = cast(Figure, found.statement.body).engine
    bundle = url_for("publication.bundle", digest=found.digest)
    return {"day": time.partition("T")[0], "engine": engine, "bundle": bundle}


@blueprint.errorhandler(CatchmentError)
def refused(error: CatchmentError) -> tuple[str, int]:
    """What is wrong, and what to do next, as a page."""
    problem = problem_of(error)
    return _page("refused.html", problem=problem), problem["status"]


def _page(template: str, **shown: Any) -> str:
    checkpoint = latest_checkpoint()
    return render_template(
        template,
        language=str(get_locale()),
        languages=_languages(),
        checkpoint=checkpoint,
        root=strict_base64.to_standard(checkpoint.root),
        **shown,
    )


def _targets(asked: Asked, guarded: Guarded) -> list[Answer]:
    """The targets of a park of which something may be drawn."""
    targets: list[Answer] = told_of(asked, guarded).answer()["targets"]
    return [each for each in targets if any(year["figure"] for year in each["years"])]


def _query() -> dict[str, Any]:
    """The query parameters. Raises ParametersRefused."""
    try:
        return cast(dict[str, Any], PageQuery().load(request.args))
    except ma.ValidationError as refused:
        told = cast(Mapping[str, list[str]], refused.messages)
        problems = tuple((f"?{name}", each) for name, texts in told.items() for each in texts)
        raise ParametersRefused(problems[0][0], problems) from None


def _languages() -> Iterator[tuple[str, str, str]]:
    """Code, name and address of this page, for each language."""
    asked = {**(request.view_args or {}), **request.args.to_dict()}
    for code, name in LANGUAGES.items():
        address = url_for(request.endpoint, **{**asked, "lang": code}) if request.endpoint else "/"
        yield code, name, address


def _rungs(rows: list[Answer] | None) -> list[tuple[str, float]]:
    """How a figure is known, in words, with the share of each."""
    named = ((row["rung"], row["share"]) for row in rows or ())
    return [(gettext(RUNG_WORDS[Rung(rung)] if rung else SEVERAL), share) for rung, share in named]
