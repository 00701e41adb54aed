"""Pages for people: what this log is, and the public figures of its parks.

Plain HTML without scripts, in English and Chinese. A page shows what anyone may read, whoever asks;
everything else is asked for over the API with a token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

import marshmallow as ma
from flask import Blueprint, render_template, request, url_for
from flask_babel import get_locale, lazy_gettext
from marshmallow import fields, validate

from api import waterfall
from api.access import Access
from api.answer_parts import Answer
from api.boundary_answers import boundary_answer
from api.caching import latest_checkpoint
from api.callers import ANONYMOUS
from api.errors import NotDisclosed, ParametersRefused
from api.figure_wire import FigureQuery
from api.figures import park_books
from api.log import rules_in_force
from api.numbers import percent, places_for, tonnes
from api.problems import problem_of
from api.scope3 import CATEGORIES
from api.services import services
from api.waterfall import Picture, Step
from api.wire import iso_time
from graph.engine import Question
from graph.errors import UnknownBoundary
from ledger import strict_base64
from ledger.errors import CatchmentError
from ledger.statements import Figure, Park

LANGUAGES: Final = {"en": "English", "zh": "中文"}

blueprint = Blueprint("pages", __name__)
blueprint.add_app_template_filter(tonnes)
blueprint.add_app_template_filter(percent)


class PageQuery(FigureQuery):
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
    books = boundary_answer(park_books(wanted, question, access))
    places = places_for(books["bridge"]["t2"]["at_least"])
    return _page(
        "park.html",
        books=books,
        categories=_categories(books["scope3"]),
        picture=bridge_picture(books, places),
        places=places,
        published=_published(wanted, books["year"], books["gwp"], access),
    )


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


def _categories(scope3: Answer) -> list[Answer]:
    """All categories in order, those of which nothing is known among them, sums last."""
    rows = [*scope3["by_category"], *scope3["not_stated"]]
    return sorted(rows, key=lambda row: row["category"] or len(CATEGORIES) + 1)


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


# --- The picture -------------------------------------------------------------------------------

_LABELS: Final = {
    "t0": lazy_gettext("All products (T0)"),
    "internal": lazy_gettext("Trade inside"),
    "t1": lazy_gettext("Deliveries (T1)"),
    "returned": lazy_gettext("Came back"),
    "t2": lazy_gettext("The park (T2)"),
    "upstream": lazy_gettext("Upstream"),
    "scope3": lazy_gettext("Scope 3"),
    "scope2": lazy_gettext("Scope 2"),
    "scope1": lazy_gettext("Scope 1"),
}


def bridge_picture(books: Answer, places: int) -> Picture:
    """From T0 down to T2, as far as it can be assessed, then what T2 consists of down to zero.

    ``places``: decimals of the numbers above the bars.
    """
    steps = [*_eliminations(books["bridge"]), *_parts(books)]
    return waterfall.picture([_step(*step, places) for step in steps])


_Drawn: TypeAlias = tuple[str, Answer, float, float]
"""Kind, amount, and where the bar starts and ends."""


def _eliminations(bridge: Answer) -> Iterator[_Drawn]:
    if bridge["t0"] is not None:
        t0, t1, t2 = (bridge[name]["at_least"] for name in ("t0", "t1", "t2"))
        yield "t0", bridge["t0"], 0.0, t0
        yield "internal", bridge["internal"], t0, t1
        yield "t1", bridge["t1"], 0.0, t1
        yield "returned", bridge["returned"], t1, t2
    yield "t2", bridge["t2"], 0.0, bridge["t2"]["at_least"]


def _parts(books: Answer) -> Iterator[_Drawn]:
    location, scope3 = books["scope2"]["location"], books["scope3"]["upstream"]
    parts = {"upstream": books["upstream"]}
    if location is not None and scope3 is not None:
        parts = {"scope3": scope3, "scope2": location}
    level = books["bridge"]["t2"]["at_least"]
    for kind, figure in {**parts, "scope1": books["scope1"]}.items():
        yield kind, figure, level, level - figure["at_least"]
        level -= figure["at_least"]


def _step(kind: str, figure: Answer, start: float, end: float, places: int) -> Step:
    """Of two lower bounds the difference is only about right; a lower bound says that it is one."""
    removed = kind in ("internal", "returned")
    sign = "" if figure["value"] is not None else "≈ " if removed else "≥ "
    told = sign + tonnes(-figure["at_least"] if removed else figure["at_least"], places)
    label = str(_LABELS[kind])
    return Step(kind, label, told.replace("-", "−"), start, end)
