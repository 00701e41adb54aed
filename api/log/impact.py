"""By how much a compromise moved each figure: for auditors, who may see every earlier position."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from api.auth import identified_caller, needs_token
from api.errors import NotDisclosed
from api.figures.wire import gwp_set
from api.services import services
from api.web.blueprint import Blueprint
from api.web.wire import PlainDecimal, Query, Wire, described, entity, whole
from graph.differences.impact import Moved, impact
from ledger.statements import Result
from ledger.strict_json import MAX_INTEGER

blueprint = Blueprint(
    "impact",
    __name__,
    url_prefix="/v1/log/suspects",
    description="What suspect statements had brought into the figures.",
)


class MovedNumberSchema(Wire):
    """One number, kg CO2e: what was known of it before and after; null where nothing was stated."""

    name = fields.String(required=True, metadata=described("Such as scope1."))
    before = PlainDecimal(allow_none=True, metadata=described("With what has become suspect."))
    after = PlainDecimal(allow_none=True, metadata=described("Without it."))


class MovedSchema(Wire):
    """The figures of a park or enterprise that a compromise moved."""

    kind = fields.String(required=True, metadata=described("park or enterprise."))
    id = entity(required=True, metadata=described("Its id."))
    name = fields.String(required=True, metadata=described("Its name."))
    year = fields.Integer(required=True, metadata=described("The calendar year."))
    numbers = fields.List(
        fields.Nested(MovedNumberSchema), required=True, metadata=described("Those that moved.")
    )


class ImpactSchema(Wire):
    """What one revocation or recovery moved."""

    cause = whole(required=True, metadata=described("The entry that made others suspect."))
    moved = fields.List(
        fields.Nested(MovedSchema), required=True, metadata=described("By year, parks first.")
    )


class ImpactQuery(Query):
    """Under which potentials the figures are compared."""

    gwp = gwp_set()


@blueprint.route(f"/<int(max={MAX_INTEGER}):cause>/impact", methods=["GET"])
@needs_token
@blueprint.query(ImpactQuery)
@blueprint.response(200, ImpactSchema)
def moved_by(query: dict[str, Any], cause: int) -> dict[str, Any]:
    """Read by how much a compromise moved the figures

    Of every park and enterprise it touched, in the years that the suspect statements are about. For
    auditors.
    """
    if not identified_caller().is_auditor:
        raise NotDisclosed(kind="impact", id=cause)
    services().log.entry(cause)
    found = impact(services().engine, cause, query["gwp"])
    return {"cause": cause, "moved": [_moved(each) for each in found]}


def _moved(moved: Moved) -> dict[str, Any]:
    before, after = _known(moved.before), _known(moved.after)
    names = [*before, *(name for name in after if name not in before)]
    return {
        "kind": moved.kind,
        "id": moved.id,
        "name": moved.name,
        "year": moved.year,
        "numbers": [
            {"name": name, "before": before.get(name), "after": after.get(name)}
            for name in names
            if before.get(name) != after.get(name)
        ],
    }


def _known(results: tuple[Result, ...]) -> dict[str, str]:
    return {result.name: f"{result.at_least:f}" for result in results}
