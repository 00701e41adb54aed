"""No figure lets one reader calculate what another enterprise keeps to itself."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from api.access.rule_of_three import LEAST, allows, merged
from tests.api.conftest import AsRole, Headers
from tests.factory import Actor, Factory, line

pytestmark = pytest.mark.only_on("sqlite", "it is about who may read, wherever it is stored")


class Buyer:
    """A maker of one product from the products of some suppliers, and whoever asks about it."""

    def __init__(self, factory: Factory, client: FlaskClient, as_role: AsRole) -> None:
        self.factory, self.client, self.as_role = factory, client, as_role
        self.actor = factory.enterprise("Buyer")
        self.plant = self.actor.site("Plant")
        self.product = self.actor.product("Machine")
        self.suppliers: list[Actor] = []
        self.bought: list[str] = []

    def buys(self, name: str, *, total: str = "2", gas: str | None = None) -> str:
        """From a supplier of its own: a product with a stated footprint, or one gas of its own."""
        supplier = self.factory.enterprise(name)
        part = supplier.product(f"{name} part")
        if gas:
            site = supplier.site()
            supplier.recipe(part, site, emissions=[(gas, "fossil", total)])
        else:
            supplier.footprint(part, total)
        self.suppliers.append(supplier)
        self.bought.append(part)
        return part

    def makes(self, site: str | None = None, bought: list[str] | None = None) -> None:
        lines = [(part, "1", "KGM") for part in (self.bought if bought is None else bought)]
        self.actor.recipe(
            self.product, site or self.plant, emissions=[("CO2", "fossil", "1")], inputs=lines
        )

    def asks(self, what: str = "footprint", query: str = "", **who: Any) -> tuple[int, Any]:
        headers = who.get("headers") or self.as_role("supplier", who.get("as_", self.actor))
        address = f"/v1/products/{self.product}/{what}?year=2025{query}"
        response = self.client.get(address, headers=headers)
        return response.status_code, response.get_json(force=True)


@pytest.fixture
def buyer(factory: Factory, client: FlaskClient, as_role: AsRole) -> Buyer:
    return Buyer(factory, client, as_role)


@pytest.mark.parametrize(
    ("suppliers", "status"), [(0, 200), (1, 403), (2, 403), (3, 200), (4, 200)]
)
@pytest.mark.parametrize("what", ["footprint", "contributions"])
def test_a_figure_hides_no_enterprise_or_three(
    buyer: Buyer, suppliers: int, status: int, what: str
) -> None:
    for number in range(suppliers):
        buyer.buys(f"S{number}")
    buyer.makes()
    answered, body = buyer.asks(what)
    assert answered == status
    assert body.get("code") == ("fewer-than-three" if status == 403 else None)


def test_the_owner_is_told_whom_to_ask_for_disclosure(buyer: Buyer) -> None:
    parts = [buyer.buys("S0"), buyer.buys("S1")]
    buyer.makes()
    _, body = buyer.asks()
    assert {p["where"] for p in body["problems"]} == {f"/v1/products/{part}" for part in parts}
    for supplier, part in zip(buyer.suppliers, parts, strict=True):
        supplier.disclose("footprint", part, to=buyer.actor)
    assert buyer.asks()[0] == 200


def test_three_products_of_two_enterprises_are_still_two(buyer: Buyer) -> None:
    buyer.buys("S0")
    first = buyer.suppliers[0]
    for name in ("B", "C"):
        part = first.product(name)
        first.footprint(part, "3")
        buyer.bought.append(part)
    buyer.buys("S1")
    buyer.makes()
    assert buyer.asks()[0] == 403


def test_a_supplier_that_says_nothing_or_zero_does_not_count_towards_three(buyer: Buyer) -> None:
    buyer.buys("S0")
    buyer.buys("Zero", total="0")
    silent = buyer.factory.enterprise("Silent")
    part = silent.product("Nothing said of it")
    silent.production(part, silent.site(), "5")
    buyer.bought.append(part)
    buyer.makes()
    assert buyer.asks()[0] == 403


def test_a_walk_ends_at_the_first_undisclosed_product_whoever_stands_behind_it(
    buyer: Buyer,
) -> None:
    middle = buyer.factory.enterprise("Middleman")
    site, part = middle.site(), middle.product("Assembly")
    behind = [buyer.buys(f"S{number}") for number in range(3)]
    middle.recipe(part, site, inputs=[(each, "1", "KGM") for each in behind])
    buyer.makes(bought=[part])
    assert buyer.asks()[0] == 403
    middle.disclose("footprint", part, to=buyer.actor)
    assert buyer.asks()[0] == 200


@pytest.mark.parametrize(("suppliers", "status"), [(2, 403), (3, 200)])
def test_own_products_are_looked_into(buyer: Buyer, suppliers: int, status: int) -> None:
    own = buyer.actor.product("Own part")
    parts = [buyer.buys(f"S{number}") for number in range(suppliers)]
    buyer.actor.recipe(own, buyer.plant, inputs=[(each, "1", "KGM") for each in parts])
    buyer.makes(bought=[own])
    assert buyer.asks()[0] == status


def test_a_grantee_sees_what_the_owner_may_pass_on_and_no_more(buyer: Buyer) -> None:
    friend = buyer.factory.enterprise("Friend")
    parts = [buyer.buys("S0"), buyer.buys("S1")]
    buyer.makes()
    buyer.actor.disclose("footprint", buyer.product, to=friend)
    status, body = buyer.asks(as_=friend)
    assert (status, body["code"]) == (403, "fewer-than-three")
    assert "problems" not in body
    for supplier, part in zip(buyer.suppliers, parts, strict=True):
        supplier.disclose("footprint", part, to=buyer.actor)
    assert buyer.asks(as_=friend)[0] == 200


def test_another_position_of_the_log_is_refused_while_anything_is_hidden(buyer: Buyer) -> None:
    parts = [buyer.buys(f"S{number}") for number in range(3)]
    buyer.makes()
    size = buyer.factory.log.size()
    assert buyer.asks(query=f"&at={size}")[0] == 200
    buyer.actor.product("Something else")
    status, body = buyer.asks(query=f"&at={size}")
    assert (status, body["code"]) == (403, "earlier-position-not-disclosed")
    assert buyer.asks(query=f"&at={size}", headers=buyer.as_role("auditor"))[0] == 200
    for supplier, part in zip(buyer.suppliers, parts, strict=True):
        supplier.disclose("footprint", part, to=buyer.actor)
    assert buyer.asks(query=f"&at={size}")[0] == 200


def test_what_was_closed_since_is_closed_for_earlier_positions_too(buyer: Buyer) -> None:
    parts = [buyer.buys("S0"), buyer.buys("S1")]
    buyer.makes()
    opened = [
        supplier.disclose("footprint", part, to=buyer.actor)
        for supplier, part in zip(buyer.suppliers, parts, strict=True)
    ]
    size = buyer.factory.log.size()
    assert buyer.asks(query=f"&at={size}")[0] == 200
    buyer.suppliers[0].correct(opened[0], level="private")
    assert buyer.asks(query=f"&at={size}")[0] == 403


def test_of_two_sites_neither_is_shown_alone_when_the_mix_would_give_away_the_other(
    buyer: Buyer,
) -> None:
    parts = [buyer.buys(f"S{number}") for number in range(4)]
    second = buyer.actor.site("Second plant")
    buyer.makes(bought=parts[:3])
    buyer.makes(second, bought=parts[3:])
    for site in (buyer.plant, second):
        buyer.actor.production(buyer.product, site, "10")
    assert buyer.asks()[0] == 200
    assert buyer.asks(query=f"&site={buyer.plant}")[0] == 403
    assert buyer.asks(query=f"&site={second}")[0] == 403


def test_a_gas_of_one_supplier_is_added_to_others(buyer: Buyer) -> None:
    for number in range(3):
        buyer.buys(f"S{number}", gas="CO2")
    buyer.buys("Switchgear", gas="SF6", total="0.001")
    buyer.makes()
    _, body = buyer.asks()
    assert [(row["gas"], row["kg"]) for row in body["byGas"]] == [(None, None)]
    _, open_body = buyer.asks(headers=buyer.as_role("auditor"))
    assert {row["gas"] for row in open_body["byGas"]} == {"CO2", "SF6"}
    assert body["value"] == open_body["value"]
    assert body["byGas"][0]["kgCo2e"] == body["value"]


def test_the_undisclosed_suppliers_are_one_row_and_the_disclosed_ones_are_named(
    buyer: Buyer,
) -> None:
    for number in range(3):
        buyer.buys(f"S{number}", total=str(number + 1))
    shown = buyer.buys("Open", total="4")
    buyer.suppliers[-1].disclose("footprint", shown, to=buyer.actor)
    buyer.makes()
    _, body = buyer.asks("contributions")
    rows = {
        (row["product"] or {}).get("name"): (row["kgCo2e"], row["part"]) for row in body["rows"]
    }
    assert rows == {
        "Machine": ("1", "direct"),
        "Open part": ("4", "cradle-to-gate"),
        None: ("6", "cradle-to-gate"),
    }
    assert body["total"] == "11"


# --- Enterprises -----------------------------------------------------------------------------


@pytest.mark.parametrize(("suppliers", "status"), [(1, 403), (2, 403), (3, 200)])
def test_an_enterprise_reads_its_books_when_they_hide_none_or_three_suppliers(
    buyer: Buyer, suppliers: int, status: int
) -> None:
    parts = [buyer.buys(f"S{number}") for number in range(suppliers)]
    buyer.actor.inventory(buyer.plant, [("CO2", "fossil", "10")])
    buyer.actor.purchases(buyer.plant, [(part, "5", "KGM") for part in parts])
    address = f"/v1/enterprises/{buyer.actor.id}/inventory?year=2025"
    response = buyer.client.get(address, headers=buyer.as_role("supplier", buyer.actor))
    assert response.status_code == status


def test_categories_of_one_supplier_are_added_up(buyer: Buyer) -> None:
    parts = [buyer.buys(f"S{number}") for number in range(5)]
    categories = (1, 1, 1, 4, 6)
    buyer.actor.inventory(buyer.plant)
    lines = [line((p, "1", "KGM"), category=c) for p, c in zip(parts, categories, strict=True)]
    buyer.actor.purchases(buyer.plant, lines)
    address = f"/v1/enterprises/{buyer.actor.id}/inventory?year=2025"
    body = buyer.client.get(address, headers=buyer.as_role("supplier", buyer.actor)).get_json()
    by_category = {row["category"]: row["value"] for row in body["scope3"]["byCategory"]}
    # Categories 4 and 6 hide one supplier each, which is too few together: category 1 joins them.
    assert by_category[None] == "10"
    assert not {1, 4, 6} & by_category.keys()
    assert body["scope3"]["upstream"]["value"] == "10"


# --- Parks -----------------------------------------------------------------------------------


class Tenancy:
    """A park and its tenants, each with an inventory."""

    def __init__(self, factory: Factory, client: FlaskClient, as_role: AsRole) -> None:
        self.factory, self.client, self.as_role = factory, client, as_role
        self.manager = factory.enterprise("Manager")
        self.park = self.manager.park("Park")
        self.tenants: list[Actor] = []

    def admit(self, *, consents: bool = False, small: bool = False, states: bool = True) -> Actor:
        tenant = self.factory.enterprise(f"Tenant {len(self.tenants)}")
        site = tenant.site(f"Site {len(self.tenants)}")
        self.manager.membership(
            self.park, site, consent_by=tenant if consents else None, small_aggregates=small
        )
        if states:
            tenant.inventory(site, [("CO2", "fossil", str(10 * (len(self.tenants) + 1)))])
            tenant.purchases(site)
        self.tenants.append(tenant)
        return tenant

    def asks(self, headers: Headers | None = None, query: str = "") -> tuple[int, Any]:
        chosen = headers if headers is not None else self.as_role("park", self.manager)
        address = f"/v1/parks/{self.park}/inventory?year=2025{query}"
        response = self.client.get(address, headers=chosen)
        return response.status_code, response.get_json(force=True)


@pytest.fixture
def tenancy(factory: Factory, client: FlaskClient, as_role: AsRole) -> Tenancy:
    return Tenancy(factory, client, as_role)


@pytest.mark.parametrize(("tenants", "status"), [(1, 403), (2, 403), (3, 200)])
def test_a_park_sums_over_three_tenants_that_did_not_consent(
    tenancy: Tenancy, tenants: int, status: int
) -> None:
    for _ in range(tenants):
        tenancy.admit()
    answered, body = tenancy.asks()
    assert answered == status
    assert body.get("code") == ("fewer-than-three-tenants" if status == 403 else None)
    assert tenancy.asks(tenancy.as_role("auditor"))[0] == 200


def test_one_tenant_is_enough_where_it_agreed_to_small_aggregates(tenancy: Tenancy) -> None:
    tenancy.admit(consents=True, small=True)
    status, body = tenancy.asks()
    assert (status, body["scope1"]["value"]) == (200, "10")


def test_two_that_read_openly_but_keep_small_sums_closed_are_too_few(tenancy: Tenancy) -> None:
    tenancy.admit(consents=True)
    tenancy.admit(consents=True)
    assert tenancy.asks()[0] == 403
    tenancy.admit(consents=True)
    assert tenancy.asks()[0] == 200


def test_inventories_the_park_reads_may_not_leave_one_that_it_does_not(tenancy: Tenancy) -> None:
    """Five guarded tenants, four readable: the sum less four inventories is the fifth's."""
    for _ in range(4):
        tenancy.admit(consents=True)
    tenancy.admit()
    assert tenancy.asks()[0] == 403


def test_a_tenant_that_states_nothing_does_not_count_towards_three(tenancy: Tenancy) -> None:
    tenancy.admit()
    tenancy.admit()
    tenancy.admit(states=False)
    assert tenancy.asks()[0] == 403


def test_the_park_s_own_sites_do_not_count_towards_three(tenancy: Tenancy) -> None:
    own = tenancy.manager.site("Own site")
    tenancy.manager.membership(tenancy.park, own)
    tenancy.manager.inventory(own, [("CO2", "fossil", "5")])
    tenancy.admit()
    tenancy.admit()
    assert tenancy.asks()[0] == 403


def test_a_tenant_to_whom_the_figure_is_disclosed_does_not_count_itself(tenancy: Tenancy) -> None:
    for _ in range(3):
        tenancy.admit()
    tenancy.manager.disclose("figure", tenancy.park, to=tenancy.tenants[0])
    assert tenancy.asks()[0] == 200
    assert tenancy.asks(tenancy.as_role("supplier", tenancy.tenants[0]))[0] == 403


def test_rows_by_tenant_are_for_the_park_and_add_up_those_without_consent(
    tenancy: Tenancy,
) -> None:
    for _ in range(3):
        tenancy.admit()
    tenancy.admit(consents=True, small=True)
    tenancy.manager.disclose("figure", tenancy.park)
    _, body = tenancy.asks()
    rows = [
        ((row["enterprise"] or {}).get("name"), row["enterprises"], row["scope1"]["value"])
        for row in body["byTenant"]
    ]
    assert rows == [("Tenant 3", 1, "40"), (None, 3, "60")]
    assert tenancy.asks({})[1]["byTenant"] is None


def test_another_position_is_refused_while_tenants_are_guarded(tenancy: Tenancy) -> None:
    for _ in range(3):
        tenancy.admit()
    size = tenancy.factory.log.size()
    tenancy.manager.product("Something else")
    status, body = tenancy.asks(query=f"&at={size}")
    assert (status, body["code"]) == (403, "earlier-position-not-disclosed")


def test_a_category_of_one_guarded_tenant_is_not_shown_alone(
    factory: Factory, tenancy: Tenancy
) -> None:
    power = factory.enterprise("Carrier")
    freight = power.product("Freight", unit="TKM")
    power.footprint(freight, "0.1", unit="TKM")
    for number in range(3):
        tenant = factory.enterprise(f"Guarded {number}")
        site = tenant.site(f"Yard {number}")
        tenancy.manager.membership(tenancy.park, site)
        tenant.inventory(site, [("CO2", "fossil", "1")])
        lines = [line((freight, "100", "TKM"), category=4 if number else 6)]
        tenant.purchases(site, lines)
    _, body = tenancy.asks()
    rows = {row["category"]: row["value"] for row in body["scope3"]["byCategory"]}
    assert rows[None] == "30"
    assert not {4, 6} & rows.keys()
    assert body["origins"] is None


# --- The rule itself -------------------------------------------------------------------------

HIDDEN = st.dictionaries(st.integers(0, 8), st.frozensets(st.sampled_from("ABCDE")), max_size=6)


@given(HIDDEN)
def test_what_is_shown_one_by_one_hides_none_or_three(hidden: dict[int, frozenset[str]]) -> None:
    together = merged(hidden)
    assert all(allows(len(hidden[part])) for part in hidden.keys() - together)


@given(HIDDEN)
def test_what_is_added_up_hides_three_or_is_everything(hidden: dict[int, frozenset[str]]) -> None:
    together = merged(hidden)
    behind = set().union(*(hidden[part] for part in together))
    assert not together or len(behind) >= LEAST or together == hidden.keys()


@given(HIDDEN, HIDDEN)
def test_adding_up_for_one_kind_of_protection_keeps_the_other(
    one: dict[int, frozenset[str]], other: dict[int, frozenset[str]]
) -> None:
    parts = one.keys() | other.keys()
    one = {part: one.get(part, frozenset()) for part in parts}
    other = {part: other.get(part, frozenset()) for part in parts}
    together = merged(one, other)
    for kind in (one, other):
        behind = set().union(*(kind[part] for part in together))
        assert allows(len(behind)) or together == parts


def test_nothing_hidden_is_shown_as_it_is() -> None:
    assert merged({1: set(), 2: set()}) == set()
