"""Which footprints answer a request.

A request is answered by footprints that its supplier has made and that its buyer may read. Of a
request that came from a partner the buyer is the partner's enterprise.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from api import tables
from api.access.access import Access
from api.asking.limits import MOST_FOOTPRINTS
from api.asking.rows import Request, criteria_for
from api.callers import Caller
from api.errors import AnswerNotDisclosed, AnswerRefused
from api.pact.criteria import Criteria
from api.pact.shelf import shelf_of
from api.services import Services
from ledger.standing import Standing
from ledger.store import reading

_SHELVED = tables.shelved.c


def access_of(services: Services, enterprise: str | None) -> Access:
    """What an enterprise may read, as the log stands now."""
    return Access(services.engine.standing(), Caller("procurement", enterprise))


def is_readable(services: Services, product: str, enterprise: str) -> bool:
    """Whether an enterprise may read the footprints of a product."""
    return access_of(services, enterprise).may_read_footprint_of(product)


def standing_answers(services: Services, request: Request) -> tuple[str, ...]:
    """Footprints of the supplier that would answer it, whether or not the buyer may read."""
    return matching(services, access_of(services, request.supplier), request)


def matching(services: Services, access: Access, request: Request) -> tuple[str, ...]:
    """Ids of the footprints that answer a request and that the caller may read, the newest first.

    They are in force, unless the request says which status or which day it is about.
    """
    if request.product is not None and not access.may_read_footprint_of(request.product):
        return ()
    shelf_of(services).follow(access.standing)
    conditions = list(criteria_for(request).conditions(services.clock()))
    if request.product is not None:
        conditions.append(_SHELVED.product == request.product)
    query = sa.select(_SHELVED.id, _SHELVED.product).where(*conditions)
    with reading(services.database) as connection:
        rows = connection.execute(query.order_by(_SHELVED.serial.desc())).all()
    fit = (
        row.id
        for row in rows
        if request.product is not None or _makes(access.standing, row.product, request.supplier)
        if access.may_read_footprint_of(row.product)
    )
    return tuple(islice(fit, MOST_FOOTPRINTS))


def readable(services: Services, criteria: Criteria, access: Access) -> list[str]:
    """Ids of the footprints, whoever made them, that fit and that the caller may read.

    They are those in force, or the others if none is; one more than an answer holds, if there are.
    """
    page = shelf_of(services).page(criteria, access, limit=MOST_FOOTPRINTS + 1)
    active = [each.id for each in page.items if each.status == "Active"]
    return active or [each.id for each in page.items]


def check(services: Services, request: Request, footprints: Sequence[str]) -> None:
    """That each of these answers the request. Raises AnswerRefused and AnswerNotDisclosed."""
    fitting = set(standing_answers(services, request))
    for each in footprints:
        _check(services, request, each, fitting)


def _check(services: Services, request: Request, footprint: str, fitting: set[str]) -> None:
    supplier, buyer = access_of(services, request.supplier), access_of(services, request.buyer)
    found = shelf_of(services).find(footprint, supplier)
    if found is None or not _makes(supplier.standing, found.product, request.supplier):
        raise AnswerRefused(footprint=footprint, reason="you have no footprint of this id")
    if footprint not in fitting:
        raise AnswerRefused(
            footprint=footprint, reason="it is not what is asked for, or no longer in force"
        )
    if not buyer.may_read_footprint_of(found.product):
        statement = json.dumps(disclosure(found.product, request.buyer))
        raise AnswerNotDisclosed(footprint=footprint, buyer=request.buyer, statement=statement)


def disclosure(product: str, buyer: str) -> dict[str, Any]:
    """The statement that opens a product's footprints to a buyer, to be signed by its owner."""
    opened = {"type": "footprint", "id": product}
    return {"type": "disclosure", "object": opened, "level": "named", "grantee": buyer}


def _makes(standing: Standing, product: str, enterprise: str | None) -> bool:
    return enterprise is not None and standing.owner_of("product", product) == enterprise
