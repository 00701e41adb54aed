"""What an enterprise hands out: which footprints of its products, to whom, and which are not, why.

For the enterprise itself, and auditors. Nothing is computed for it: what is handed out stands on
the shelf, and why something is not was kept when it was tried (`api.pact.computed`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from itertools import islice
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa
from marshmallow import fields

from api import tables
from api.access.access import Access
from api.auth import current_caller, needs_token
from api.errors import ShelfNotYours
from api.figures.parts import name_of
from api.pact.computed import disclosed
from api.services import services
from api.web.blueprint import Blueprint
from api.web.catalogue import conditions
from api.web.problems import problem_of
from api.web.wire import (
    NEXT_PAGE,
    PageQuery,
    PlainDecimal,
    ProblemSchema,
    Wire,
    described,
    entity,
    iso_time,
    moment,
    next_link,
    whole,
)
from graph.errors import UnknownBoundary
from ledger.errors import CatchmentError
from ledger.standing import Said, Standing
from ledger.statements import Disclosure, Product
from ledger.store import reading

_AT_ONCE: Final = 200

_SHELVED, _WITHHELD = tables.shelved.c, tables.withheld.c

blueprint = Blueprint(
    "shelf",
    __name__,
    url_prefix="/v1/enterprises",
    description="Which PACT footprints an enterprise hands out, to whom, and which not, and why.",
)


class NamedOnShelfSchema(Wire):
    """Something by id and name."""

    id = entity(required=True, metadata=described("Its id."))
    name = fields.String(required=True, allow_none=True, metadata=described("Its registered name."))


class HandedOutSchema(Wire):
    """A footprint that is handed out."""

    id = fields.String(required=True, metadata=described("Its PACT id, as under /3/footprints."))
    kind = fields.String(required=True, metadata=described("declared, external or computed."))
    status = fields.String(required=True, metadata=described("Active or Deprecated."))
    index = whole(
        required=True,
        metadata=described("The entry that states it, or the last that moved it."),
    )
    reference_period_start = moment(
        required=True, metadata=described("When what was measured begins.")
    )
    reference_period_end = moment(required=True, metadata=described("When it ends, exclusive."))
    valid_until = moment(
        required=True, metadata=described("When it becomes Deprecated at the latest.")
    )
    kg_co2e = PlainDecimal(
        required=True,
        metadata=described("Total without biogenic uptake, kg CO2e per declared unit."),
    )
    declared_unit = fields.String(
        required=True, metadata=described("Amount and PACT unit that it is for.")
    )


class WithheldSchema(Wire):
    """A computed footprint that is not handed out though it is disclosed."""

    year = fields.Integer(required=True, metadata=described("The calendar year."))
    why = fields.Nested(
        ProblemSchema, required=True, metadata=described("What forbids it, and what to do.")
    )


class OnShelfSchema(Wire):
    """What is handed out of a product."""

    product = fields.Nested(NamedOnShelfSchema, required=True, metadata=described("The product."))
    is_public = fields.Boolean(
        required=True, metadata=described("Whether its footprint is disclosed to everybody.")
    )
    disclosed_to = fields.List(
        fields.Nested(NamedOnShelfSchema),
        required=True,
        metadata=described("The enterprises it is disclosed to by name."),
    )
    footprints = fields.List(
        fields.Nested(HandedOutSchema),
        required=True,
        metadata=described("Its footprints, in the order they came."),
    )
    withheld = fields.List(
        fields.Nested(WithheldSchema),
        required=True,
        metadata=described("What is not handed out, and why."),
    )


class OnShelfPage(Wire):
    """A page of products."""

    items = fields.List(
        fields.Nested(OnShelfSchema), required=True, metadata=described("By registration.")
    )


class ShelfQuery(PageQuery):
    """Which page, and whether what is over is told too."""

    deprecated = fields.Boolean(
        load_default=False, metadata=described("Also footprints that are Deprecated.")
    )


@blueprint.route("/<uuid:enterprise>/shelf", methods=["GET"])
@needs_token
@blueprint.query(ShelfQuery)
@blueprint.response(200, OnShelfPage, headers=NEXT_PAGE)
def shelf(query: dict[str, Any], enterprise: UUID) -> tuple[dict[str, Any], HTTPStatus, Any]:
    """Read which footprints an enterprise hands out

    Its products whose footprint is disclosed, or that have one: under which ids PACT clients find
    them, to whom they are open, and what is withheld for which reason. For the enterprise, and
    auditors.
    """
    standing = services().engine.standing()
    access = Access(standing, current_caller())
    _require(access, str(enterprise))
    found = _told(standing, str(enterprise), query.get("cursor", -1), query["deprecated"])
    page = list(islice(found, query["limit"] + 1))
    items = page[: query["limit"]]
    more = next_link(items[-1]["index"]) if len(page) > len(items) else {}
    return {"items": items}, HTTPStatus.OK, more


def _require(access: Access, enterprise: str) -> None:
    """Raises UnknownBoundary, ShelfNotYours."""
    if enterprise not in access.standing.enterprises:
        raise UnknownBoundary(kind="enterprise", id=enterprise)
    if not access.caller.is_auditor and access.caller.enterprise != enterprise:
        raise ShelfNotYours(id=enterprise)


def _told(
    standing: Standing, enterprise: str, after: int, deprecated: bool
) -> Iterator[dict[str, Any]]:
    """What there is to say of each product, in the order of registration."""
    opened = disclosed(standing)
    owned = (
        said
        for said in standing.statements(Product.TYPE)
        if said.index > after and said.owner == enterprise
    )
    while some := list(islice(owned, _AT_ONCE)):
        ids = [cast(Product, said.statement.body).id for said in some]
        rows, withheld = _shelved(ids), _withheld(ids)
        for said, product in zip(some, ids, strict=True):
            if product in opened or rows[product] or withheld[product]:
                footprints = [row for row in rows[product] if deprecated or _is_active(row)]
                yield _item(standing, said, product, footprints, withheld[product])


def _item(
    standing: Standing,
    said: Said,
    product: str,
    rows: Iterable[Any],
    withheld: Iterable[Any],
) -> dict[str, Any]:
    bodies = [cast(Disclosure, s.statement.body) for s in standing.about("disclosure", product)]
    opened = [each for each in bodies if each.object.type == "footprint"]
    grantees = sorted(each.grantee for each in opened if each.level == "named" and each.grantee)
    return {
        "index": said.index,
        "product": {"id": product, "name": cast(Product, said.statement.body).name},
        "is_public": any(each.level == "public" for each in opened),
        "disclosed_to": [{"id": each, "name": name_of(standing, each)} for each in grantees],
        "footprints": [_footprint(row) for row in rows],
        "withheld": [{"year": row.year, "why": problem_of(_condition(row))} for row in withheld],
    }


def _shelved(products: Sequence[str]) -> dict[str, list[Any]]:
    query = sa.select(tables.shelved).where(_SHELVED.product.in_(products))
    return _by_product(query.order_by(_SHELVED.serial))


def _withheld(products: Sequence[str]) -> dict[str, list[Any]]:
    query = sa.select(tables.withheld).where(_WITHHELD.product.in_(products))
    return _by_product(query.order_by(_WITHHELD.year.desc()))


def _by_product(query: sa.Select[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    with reading(services().database) as connection:
        for row in connection.execute(query):
            found[row.product].append(row)
    return found


def _is_active(row: Any) -> bool:
    return row.deprecated_at is None and row.valid_until > services().clock()


def _footprint(row: Any) -> dict[str, Any]:
    pcf = json.loads(row.document)["pcf"]
    return {
        "id": row.id,
        "kind": row.kind,
        "status": "Active" if _is_active(row) else "Deprecated",
        "index": row.entry,
        "reference_period_start": pcf["referencePeriodStart"],
        "reference_period_end": pcf["referencePeriodEnd"],
        "valid_until": iso_time(row.valid_until),
        "kg_co2e": pcf["pcfExcludingBiogenicUptake"],
        "declared_unit": f"{pcf['declaredUnitAmount']} {pcf['declaredUnitOfMeasurement']}",
    }


def _condition(row: Any) -> CatchmentError:
    """The condition that was kept, as it was raised."""
    kind = conditions()[row.code]
    forbids = kind.__new__(kind)
    CatchmentError.__init__(forbids, **json.loads(row.params))
    forbids.problems = tuple((where, told) for where, told in json.loads(row.problems))
    return forbids
