"""What is registered: enterprises, sites, parks and products, for anyone with a token.

Names, identifiers and units are what suppliers and buyers need to find each other; nothing here is
a figure. What was withdrawn is not listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from itertools import islice
from typing import Any, TypeAlias, cast
from uuid import UUID

import marshmallow as ma
from marshmallow import fields, validate

from api.auth import needs_token
from api.services import services
from api.web.blueprint import Blueprint
from api.web.wire import NEXT_PAGE, PageQuery, Wire, described, digest, entity, next_link, whole
from graph.errors import UnknownBoundary, UnknownProduct
from ledger.schema import Day, Quantity
from ledger.standing import Said
from ledger.statements import Enterprise, NaturalKey, Park, Product, Site

blueprint = Blueprint(
    "registry", __name__, url_prefix="/v1", description="Enterprises, sites, parks and products."
)

Page: TypeAlias = tuple[dict[str, Any], HTTPStatus, dict[str, str]]


class RegisteredSchema(Wire):
    """Something registered, and the statement that says so."""

    id = entity(required=True, metadata=described("Its id."))
    name = fields.String(required=True, metadata=described("Its name."))
    index = whole(required=True, metadata=described("Entry of the statement in force."))
    digest = digest(required=True, metadata=described("Digest of that statement."))


def _urns(text: str) -> fields.List[Any]:
    return fields.List(fields.String(), required=True, metadata=described(text))


class EnterpriseSchema(RegisteredSchema):
    """A legal entity."""

    country = fields.String(
        required=True, allow_none=True, metadata=described("ISO 3166-1 alpha-2.")
    )
    identifiers = _urns("URNs it is known under.")
    admitted = _urns("Product identifiers that the registrar has seen proof for.")


class OwnedSchema(RegisteredSchema):
    """Something that an enterprise has registered."""

    owner = entity(required=True, metadata=described("The enterprise it belongs to."))
    owned_since = Day(
        required=True,
        allow_none=True,
        metadata=described("First day of this owner; null for the one that registered it."),
    )


class SiteSchema(OwnedSchema):
    """A place where an enterprise makes things."""

    latitude = Quantity(required=True, metadata=described("Degrees north, WGS 84."))
    longitude = Quantity(required=True, metadata=described("Degrees east, WGS 84."))
    time_zone = fields.String(required=True, metadata=described("IANA zone of its calendar."))
    grid_region = fields.String(
        required=True, allow_none=True, metadata=described("Power grid region.")
    )


class ParkSchema(OwnedSchema):
    """A fenced group of sites."""

    fence = fields.List(
        fields.List(Quantity()),
        required=True,
        metadata=described("Corners [longitude, latitude] in order; the last joins the first."),
    )


class ProductSchema(OwnedSchema):
    """Something that is made and counted in one declared unit."""

    unit = fields.String(required=True, metadata=described("Code of the declared unit."))
    identifiers = _urns("URNs it is known under.")
    classifications = _urns("URNs of product classes.")
    mass_per_unit = Quantity(
        required=True, allow_none=True, metadata=described("kg per declared unit.")
    )
    energy_carrier = fields.String(
        required=True, allow_none=True, metadata=described("electricity, heat, steam or cooling.")
    )
    replaces = fields.List(
        entity(), required=True, metadata=described("Products whose references now mean this one.")
    )


def _page_of(item: type[ma.Schema], name: str) -> type[Wire]:
    listed = fields.List(
        fields.Nested(item), required=True, metadata=described("In the log's order.")
    )
    page = type(name, (Wire,), {"items": listed, "__doc__": "A page of what is registered."})
    return cast(type[Wire], page)


EnterprisePage = _page_of(EnterpriseSchema, "EnterprisePageSchema")
SitePage = _page_of(SiteSchema, "SitePageSchema")
ParkPage = _page_of(ParkSchema, "ParkPageSchema")
ProductPage = _page_of(ProductSchema, "ProductPageSchema")


class NameQuery(PageQuery):
    """Which of them."""

    name = fields.String(
        validate=validate.Length(1, 200),
        metadata=described("Part of the name, whatever its case."),
    )


class OwnedQuery(NameQuery):
    """Which of them, and whose."""

    owner = entity(metadata=described("The enterprise they belong to."))


class ProductQuery(OwnedQuery):
    """Which products."""

    identifier = fields.String(
        validate=validate.Length(1, 300),
        metadata=described("A URN it carries, such as a GTIN."),
    )


@blueprint.route("/enterprises", methods=["GET"])
@needs_token
@blueprint.query(NameQuery)
@blueprint.response(200, EnterprisePage, headers=NEXT_PAGE)
def enterprises(query: dict[str, Any]) -> Page:
    """List enterprises"""
    return _list("enterprise", query, _enterprise)


@blueprint.route("/enterprises/<uuid:enterprise>", methods=["GET"])
@needs_token
@blueprint.response(200, EnterpriseSchema)
def enterprise(enterprise: UUID) -> dict[str, Any]:
    """Read an enterprise"""
    return _enterprise(_registered("enterprise", enterprise))


@blueprint.route("/sites", methods=["GET"])
@needs_token
@blueprint.query(OwnedQuery)
@blueprint.response(200, SitePage, headers=NEXT_PAGE)
def sites(query: dict[str, Any]) -> Page:
    """List sites"""
    return _list("site", query, _site)


@blueprint.route("/sites/<uuid:site>", methods=["GET"])
@needs_token
@blueprint.response(200, SiteSchema)
def site(site: UUID) -> dict[str, Any]:
    """Read a site"""
    return _site(_registered("site", site))


@blueprint.route("/parks", methods=["GET"])
@needs_token
@blueprint.query(OwnedQuery)
@blueprint.response(200, ParkPage, headers=NEXT_PAGE)
def parks(query: dict[str, Any]) -> Page:
    """List parks"""
    return _list("park", query, _park)


@blueprint.route("/parks/<uuid:park>", methods=["GET"])
@needs_token
@blueprint.response(200, ParkSchema)
def park(park: UUID) -> dict[str, Any]:
    """Read a park"""
    return _park(_registered("park", park))


@blueprint.route("/products", methods=["GET"])
@needs_token
@blueprint.query(ProductQuery)
@blueprint.response(200, ProductPage, headers=NEXT_PAGE)
def products(query: dict[str, Any]) -> Page:
    """List products"""
    return _list("product", query, _product)


@blueprint.route("/products/<uuid:product>", methods=["GET"])
@needs_token
@blueprint.response(200, ProductSchema)
def product(product: UUID) -> dict[str, Any]:
    """Read a product"""
    return _product(_registered("product", product))


# --- What they share ---------------------------------------------------------------------------


def _registered(kind: str, entity: UUID) -> Said:
    """Raises UnknownProduct or UnknownBoundary."""
    said = services().engine.standing().find(NaturalKey(kind, (str(entity),)))
    if said is None and kind == "product":
        raise UnknownProduct(product=str(entity))
    if said is None:
        raise UnknownBoundary(kind=kind, id=str(entity))
    return said


def _list(kind: str, query: dict[str, Any], shown: Callable[[Said], dict[str, Any]]) -> Page:
    found = _chosen(services().engine.standing().statements(kind), query)
    page = list(islice(found, query["limit"] + 1))
    items = page[: query["limit"]]
    more = next_link(items[-1].index) if len(page) > len(items) else {}
    return {"items": [shown(said) for said in items]}, HTTPStatus.OK, more


def _chosen(statements: Iterable[Said], query: dict[str, Any]) -> Iterator[Said]:
    """The statements after the cursor that fit the query."""
    after, part = query.get("cursor", -1), query.get("name", "").casefold()
    owner, identifier = query.get("owner"), query.get("identifier")
    return (
        said
        for said in statements
        if said.index > after
        and part in cast(Any, said.statement.body).name.casefold()
        and owner in (None, said.owner)
        and identifier in (None, *getattr(said.statement.body, "identifiers", ()))
    )


def _registration(said: Said) -> dict[str, Any]:
    body = cast(Any, said.statement.body)
    return {"id": body.id, "name": body.name, "index": said.index, "digest": said.digest}


def _owned(said: Said) -> dict[str, Any]:
    kind, owned = said.statement.type, cast(Any, said.statement.body).id
    days = services().engine.standing().transfer_days(kind, owned)
    return {
        **_registration(said),
        "owner": said.owner,
        "owned_since": max(days, default=None),
    }


def _enterprise(said: Said) -> dict[str, Any]:
    body = cast(Enterprise, said.statement.body)
    return {
        **_registration(said),
        "country": body.country,
        "identifiers": body.identifiers,
        "admitted": body.admitted,
    }


def _site(said: Said) -> dict[str, Any]:
    body = cast(Site, said.statement.body)
    return {
        **_owned(said),
        "latitude": body.latitude,
        "longitude": body.longitude,
        "time_zone": body.time_zone,
        "grid_region": body.grid_region,
    }


def _park(said: Said) -> dict[str, Any]:
    body = cast(Park, said.statement.body)
    return {**_owned(said), "fence": body.fence}


def _product(said: Said) -> dict[str, Any]:
    body = cast(Product, said.statement.body)
    return {
        **_owned(said),
        "unit": body.unit,
        "identifiers": body.identifiers,
        "classifications": body.classifications,
        "mass_per_unit": body.mass_per_unit,
        "energy_carrier": body.energy_carrier,
        "replaces": body.replaces,
    }
