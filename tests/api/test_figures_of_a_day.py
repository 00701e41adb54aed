"""Figures as of a day over HTTP and in the terminal, and whom they must not give away."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.conftest import AsRole, Headers
from tests.chain import Chain, build_chain
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "it is about answers, wherever the log is stored")

FIRST_HALF, SECOND_HALF = ("2025-01-01", "2025-07-01"), ("2025-07-01", "2026-01-01")
SPRING, AUTUMN = "valid_on=2025-03-31", "valid_on=2025-10-01"


def get(client: FlaskClient, address: str, headers: Headers) -> tuple[int, Any]:
    response = client.get(address, headers=headers)
    return response.status_code, response.get_json(force=True)


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


def test_every_route_about_a_year_answers_for_a_day(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    auditor, product = as_role("auditor"), chain.products["P1"]
    firm = chain.firms["P1"].id
    of_product = ("footprint", "contributions", "quality", "findings", "explanation", "paths")
    of_boundary = ("inventory", "quality", "findings", "explanation", "levers", "downstream")
    addresses = [
        *(f"/v1/products/{product}/{what}?{AUTUMN}" for what in of_product),
        *(f"/v1/parks/{chain.park}/{what}?{AUTUMN}" for what in of_boundary),
        *(f"/v1/enterprises/{firm}/{what}?{AUTUMN}" for what in of_boundary),
        f"/v1/region?park={chain.park}&{AUTUMN}",
        f"/v1/loops?{AUTUMN}",
    ]
    for address in addresses:
        status, body = get(client, address, auditor)
        assert (status, body.get("validOn"), body.get("year")) == (200, "2025-10-01", 2025), address
    assert get(client, f"/v1/products/{product}/footprint", auditor)[1]["validOn"] is None


@pytest.mark.parametrize("day", ["1900-01-01", "2025-02-30", "2025"])
def test_a_day_that_cannot_be_meant_is_refused(
    client: FlaskClient, chain: Chain, as_role: AsRole, day: str
) -> None:
    address = f"/v1/parks/{chain.park}/inventory?valid_on={day}"
    status, body = get(client, address, as_role("auditor"))
    assert (status, body["code"]) == (400, "parameters-refused")
    assert "valid_on" in body["problems"][0]["where"]


def test_a_day_of_another_year_than_the_one_asked_about_is_refused(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    address = f"/v1/parks/{chain.park}/inventory?year=2024&{AUTUMN}"
    status, body = get(client, address, as_role("auditor"))
    assert (status, body["code"]) == (422, "day-outside-year")
    assert "2025-10-01" in body["detail"]
    assert "2024" in body["detail"]


def test_a_day_and_its_year_say_the_same(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    address, auditor = f"/v1/parks/{chain.park}/inventory", as_role("auditor")
    alone, both, year = (
        client.get(f"{address}?{query}", headers=auditor)
        for query in (AUTUMN, f"year=2025&{AUTUMN}", "year=2025")
    )
    assert alone.get_json() == both.get_json()
    assert alone.headers["ETag"] == both.headers["ETag"] != year.headers["ETag"]


def test_a_figure_to_be_published_is_of_a_whole_year(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    address = f"/v1/parks/{chain.park}/figure?{AUTUMN}"
    assert get(client, address, as_role("auditor"))[0] == 400


# --- Whom a day must not give away ------------------------------------------------------------


@pytest.fixture
def maker(factory: Factory) -> Actor:
    return factory.enterprise("Maker")


def test_a_day_is_refused_while_anything_is_hidden(
    client: FlaskClient, factory: Factory, maker: Actor, as_role: AsRole
) -> None:
    """Three hidden suppliers in each half; the halves share two: their difference is of two."""
    site, machine = maker.site(), maker.product("Machine")
    suppliers = [factory.enterprise(f"S{n}") for n in range(4)]
    parts = [each.product(f"Part {each.name}") for each in suppliers]
    for supplier, part in zip(suppliers, parts, strict=True):
        supplier.footprint(part, "2")
    for period, bought in ((FIRST_HALF, parts[:3]), (SECOND_HALF, parts[1:])):
        maker.recipe(machine, site, inputs=[(p, "1", "KGM") for p in bought], period=period)
        maker.production(machine, site, "10", period=period)
    address, own = f"/v1/products/{machine}", as_role("supplier", maker)
    assert get(client, f"{address}/footprint?year=2025", own)[0] == 200
    for what in ("footprint", "contributions", "quality", "explanation", "paths"):
        status, body = get(client, f"{address}/{what}?{SPRING}", own)
        assert (status, body["code"]) == (403, "day-not-disclosed"), what
    assert get(client, f"{address}/footprint?{SPRING}", as_role("auditor"))[0] == 200
    for supplier, part in zip(suppliers, parts, strict=True):
        supplier.disclose("footprint", part, to=maker)
    status, body = get(client, f"{address}/footprint?{SPRING}", own)
    assert (status, body["value"]) == (200, "6")


@pytest.mark.parametrize(("start", "status"), [("2025-01-01", 200), ("2025-07-01", 403)])
def test_a_consent_from_july_does_not_open_what_was_before(
    client: FlaskClient, factory: Factory, maker: Actor, as_role: AsRole, start: str, status: int
) -> None:
    """As of a day a site counts whole: the year of the park and that of the day would tell its
    first half."""
    host = factory.enterprise("Host")
    park, site = host.park(), maker.site()
    host.membership(park, site, start=start, consent_by=maker, small_aggregates=True)
    maker.inventory(site, [("CO2", "fossil", "100")], period=FIRST_HALF)
    maker.inventory(site, [("CO2", "fossil", "60")], period=SECOND_HALF)
    own, address = as_role("park", host), f"/v1/parks/{park}/inventory"
    assert get(client, f"{address}?year=2025", own)[0] == 200
    assert get(client, f"{address}?{AUTUMN}", own)[0] == status


def test_a_day_is_refused_while_tenants_are_guarded(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    host = factory.enterprise("Host")
    park = host.park()
    for n in range(3):
        tenant = factory.enterprise(f"Tenant {n}")
        site = tenant.site(f"Site {n}")
        host.membership(park, site)
        tenant.inventory(site, [("CO2", "fossil", "10")])
    own, address = as_role("park", host), f"/v1/parks/{park}/inventory"
    assert get(client, f"{address}?year=2025", own)[0] == 200
    status, body = get(client, f"{address}?{AUTUMN}", own)
    assert (status, body["code"]) == (403, "day-not-disclosed")


def test_whoever_took_over_a_site_does_not_learn_what_was_said_before(
    client: FlaskClient, factory: Factory, maker: Actor, as_role: AsRole
) -> None:
    buyer = factory.enterprise("Buyer")
    site = maker.site()
    maker.inventory(site, [("CO2", "fossil", "100")], period=FIRST_HALF)
    maker.transfer("site", site, buyer, start="2025-07-01")
    buyer.inventory(site, [("CO2", "fossil", "60")], period=SECOND_HALF)
    address, own = f"/v1/enterprises/{buyer.id}/inventory", as_role("supplier", buyer)
    assert get(client, f"{address}?year=2025", own)[1]["scope1"]["value"] == "60"
    status, body = get(client, f"{address}?{AUTUMN}", own)
    assert (status, body["code"]) == (403, "day-not-disclosed")
    _, body = get(client, f"{address}?{AUTUMN}", as_role("auditor"))
    assert body["scope1"]["value"] == "160"
