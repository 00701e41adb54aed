"""Sets of factors that stand: what gaps are estimated by, for anyone with a token."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, TypeAlias

from marshmallow import fields, validate

from api.auth import needs_token
from api.services import services
from api.web.blueprint import Blueprint
from api.web.wire import NEXT_PAGE, PageQuery, Wire, described, next_link, whole
from graph.errors import UnknownFactorSet
from graph.reading.factors import Factor, FactorSet, containing, factor_sets
from ledger import identifiers
from ledger.errors import IdentifierRefused
from ledger.schema import Quantity
from ledger.statements.factors import ROW_KINDS

blueprint = Blueprint(
    "factors",
    __name__,
    url_prefix="/v1/factors",
    description="Sets of factors: what stands in the place of what nobody describes.",
)

Page: TypeAlias = tuple[dict[str, Any], HTTPStatus, dict[str, str]]


def _text(doc: str, *, null: bool = False) -> fields.String:
    return fields.String(required=True, allow_none=null, metadata=described(doc))


class ListedSetSchema(Wire):
    """A set all of whose parts stand."""

    name = _text("Its name in this log.")
    version = _text("The publisher's version.")
    publisher = _text("Who publishes it.")
    source = _text("What it was taken from.")
    licence = _text("On what terms it may be used.", null=True)
    year = fields.Integer(required=True, metadata=described("The year of rows that name no other."))
    parts = whole(required=True, metadata=described("Of how many statements it consists."))
    factors = whole(required=True, metadata=described("How many factors it has."))
    index = whole(required=True, metadata=described("The last entry that states a part of it."))


class ListedSetsSchema(Wire):
    """A page of sets."""

    items = fields.List(
        fields.Nested(ListedSetSchema), required=True, metadata=described("By name.")
    )


class ListedEmissionSchema(Wire):
    """What one unit emits of one gas."""

    gas = _text("Formula, or CO2e.")
    origin = _text("fossil, biogenic or land-use.")
    amount = Quantity(required=True, metadata=described("kg of the gas."))
    gwp = _text("The GWP set behind CO2e.", null=True)


class ListedFactorSchema(Wire):
    """One factor."""

    kind = fields.String(
        required=True,
        validate=validate.OneOf(ROW_KINDS),
        metadata=described("What kind of factor it is."),
    )
    name = _text("What people call it.")
    of = _text("URN of what it is for.", null=True)
    region = _text("Where; null: anywhere.", null=True)
    year = fields.Integer(required=True, metadata=described("The year it is for."))
    unit = _text("Unit code: it is per one of this.")
    emissions = fields.List(
        fields.Nested(ListedEmissionSchema),
        required=True,
        metadata=described("What one unit emits."),
    )
    gsd = Quantity(
        required=True,
        allow_none=True,
        metadata=described("Geometric standard deviation, if the set states one."),
    )
    net_calorific_value = Quantity(
        required=True, allow_none=True, metadata=described("Fuels: MJ per unit.")
    )
    carbon_content = Quantity(
        required=True, allow_none=True, metadata=described("Fuels: kg of carbon per MJ.")
    )
    oxidation = Quantity(
        required=True, allow_none=True, metadata=described("Fuels: share that is oxidised.")
    )
    to = _text("Price unit that prices are converted into.", null=True)
    factor = Quantity(
        required=True, allow_none=True, metadata=described("How many of `to` one unit is.")
    )
    index = whole(required=True, metadata=described("The entry that states it."))


class ListedFactorsSchema(Wire):
    """A page of a set."""

    items = fields.List(
        fields.Nested(ListedFactorSchema),
        required=True,
        metadata=described("In the order of the set."),
    )


class RowQuery(PageQuery):
    """Which factors of a set."""

    of = fields.String(
        data_key="class",
        validate=validate.Length(1, 256),
        metadata=described("URN of a class; rows for classes that contain it are listed as well."),
    )
    region = fields.String(
        validate=validate.Length(1, 60), metadata=described("Only rows for this very region.")
    )


@blueprint.route("", methods=["GET"])
@needs_token
@blueprint.query(PageQuery)
@blueprint.response(200, ListedSetsSchema, headers=NEXT_PAGE)
def sets(query: dict[str, Any]) -> Page:
    """List the sets of factors that stand

    A set of which a part is missing, or still of another version, does not.
    """
    found = factor_sets(services().engine.standing())
    return _page([_set(each) for each in found], query)


@blueprint.route("/<string:name>", methods=["GET"])
@needs_token
@blueprint.query(RowQuery)
@blueprint.response(200, ListedFactorsSchema, headers=NEXT_PAGE)
def rows(query: dict[str, Any], name: str) -> Page:
    """List the factors of a set"""
    found = {each.head.name: each for each in factor_sets(services().engine.standing())}
    if name not in found:
        raise UnknownFactorSet(name=name[:80])
    return _page([_row(each) for each in _chosen(found[name], query)], query)


def _page(items: list[dict[str, Any]], query: dict[str, Any]) -> Page:
    """Pages by position: what stands changes as a whole, so a cursor of an older version may skip
    or repeat items."""
    start: int = query.get("cursor", 0)
    stop = start + query["limit"]
    more = next_link(stop) if stop < len(items) else {}
    return {"items": items[start:stop]}, HTTPStatus.OK, more


def _chosen(found: FactorSet, query: dict[str, Any]) -> Iterator[Factor]:
    wanted = _keys(query["of"]) if "of" in query else None
    region = query.get("region")
    for factor in found.factors:
        about = factor.row.of
        fits = wanted is None or (about and identifiers.parse(about).key in wanted)
        if fits and region in (None, factor.row.region):
            yield factor


def _keys(urn: str) -> frozenset[str]:
    """The class and those that contain it; nothing carries what is no URN."""
    try:
        return frozenset(containing(urn))
    except IdentifierRefused:
        return frozenset()


def _set(found: FactorSet) -> dict[str, Any]:
    head = found.head
    return {
        "name": head.name,
        "version": head.version,
        "publisher": head.publisher,
        "source": head.source,
        "licence": head.licence,
        "year": head.year,
        "parts": len(found.said),
        "factors": sum(1 for _ in found.factors),
        "index": found.index,
    }


def _row(factor: Factor) -> dict[str, Any]:
    row = factor.row
    return {
        "kind": row.kind,
        "name": row.name,
        "of": row.of,
        "region": row.region,
        "year": factor.year,
        "unit": row.unit,
        "emissions": row.emissions,
        "gsd": row.gsd,
        "net_calorific_value": row.net_calorific_value,
        "carbon_content": row.carbon_content,
        "oxidation": row.oxidation,
        "to": row.to,
        "factor": row.factor,
        "index": factor.index,
    }
