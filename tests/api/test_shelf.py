"""Footprints as they are handed out: what comes on the shelf, who finds it, and how it ends."""

from __future__ import annotations

import orjson
import pytest

from api.access import Access
from api.callers import Caller
from api.pact.criteria import Criteria
from api.services import Services
from tests.factory import Actor, Factory

EVERYTHING = Criteria()


def access(services: Services, reader: Actor | None, role: str = "procurement") -> Access:
    caller = Caller(role, reader.id if reader else None)
    return Access(services.engine.standing(), caller)


@pytest.fixture
def maker(factory: Factory) -> Actor:
    return factory.enterprise("Maker")


def test_a_declared_footprint_is_listed_for_whom_its_owner_discloses_it(
    factory: Factory, services: Services, maker: Actor
) -> None:
    buyer, other = factory.enterprise("Buyer"), factory.enterprise("Other")
    resin = maker.product("Resin")
    maker.footprint(resin, "2.5")
    assert not services.shelf.page(EVERYTHING, access(services, buyer)).items
    maker.disclose("footprint", resin, to=buyer)
    (found,) = services.shelf.page(EVERYTHING, access(services, buyer)).items
    document = orjson.loads(found.json)
    assert document["pcf"]["pcfExcludingBiogenicUptake"] == "2.5"
    assert document["status"] == "Active"
    assert services.shelf.find(found.id, access(services, buyer)) == found
    assert services.shelf.find(found.id, access(services, other)) is None


def test_a_corrected_footprint_is_deprecated_and_stays_readable(
    services: Services, maker: Actor
) -> None:
    resin = maker.product("Resin")
    first = maker.footprint(resin, "2.5")
    mine = access(services, maker)
    assert [each.status for each in services.shelf.page(EVERYTHING, mine).items] == ["Active"]
    maker.correct(first, pact=maker.pact_body("2.4"))
    told = services.shelf.page(EVERYTHING, access(services, maker)).items
    assert [each.status for each in told] == ["Deprecated", "Active"]
