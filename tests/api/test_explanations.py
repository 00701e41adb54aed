"""Figures are taken apart for whoever may know their parts, and for nobody else."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.explanations.wire import WAYS
from tests.api.conftest import AsRole, Headers
from tests.chain import YEAR, Chain, build_chain
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "these tests are not about the database")


class Asker:
    def __init__(self, client: FlaskClient, headers: Headers) -> None:
        self.client, self.headers = client, headers

    def __call__(self, address: str, status: int = 200) -> Any:
        answer = self.client.get(address, headers=self.headers)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json(force=True)


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


@pytest.fixture
def auditor(client: FlaskClient, as_role: AsRole) -> Asker:
    return Asker(client, as_role("auditor"))


def total(document: Any) -> Decimal:
    """Rows, rest and what is not disclosed, known and filled."""
    rows = [*document["rows"], document["rest"], document["undisclosed"]]
    return sum((Decimal(row["kgCo2e"]) + Decimal(row["filled"]) for row in rows if row), Decimal(0))


@pytest.mark.parametrize("by", WAYS)
def test_every_way_of_splitting_a_product_sums_to_its_figure(
    chain: Chain, auditor: Asker, by: str
) -> None:
    told = auditor(f"/v1/products/{chain.products['P1']}/explanation?by={by}&most=2")
    assert total(told) == pytest.approx(Decimal("3.7125"))
    assert told["figure"]["kgCo2e"] == "3.7125"
    assert told["undisclosed"] is None
    assert told["by"] == by


def test_origins_of_a_product_are_named(chain: Chain, auditor: Asker) -> None:
    told = auditor(f"/v1/products/{chain.products['P2']}/explanation")
    assert [(r["product"]["name"], Decimal(r["kgCo2e"])) for r in told["rows"]] == [
        ("P1", pytest.approx(Decimal(2))),
        ("P2", pytest.approx(Decimal("1.25"))),
        ("E3", pytest.approx(Decimal("0.84"))),
        ("T4", pytest.approx(Decimal("0.2"))),
    ]


def test_categories_are_named_and_begin_with_what_is_emitted_there(
    chain: Chain, auditor: Asker
) -> None:
    told = auditor(f"/v1/products/{chain.products['P1']}/explanation?by=category")
    assert [(r["category"], r["name"]) for r in told["rows"]] == [
        (0, "Direct emissions"),
        (1, "Purchased goods and services"),
        (3, "Fuel- and energy-related activities"),
    ]


@pytest.mark.parametrize("by", WAYS)
def test_every_way_of_splitting_a_park_sums_to_t2(chain: Chain, auditor: Asker, by: str) -> None:
    told = auditor(f"/v1/parks/{chain.park}/explanation?by={by}")
    assert total(told) == pytest.approx(Decimal(330))
    assert told["park"]["name"] == "Example Park"


@pytest.mark.parametrize("by", ["tier", "category"])
def test_what_rounding_leaves_is_no_rest(chain: Chain, auditor: Asker, by: str) -> None:
    for name in chain.products:
        told = auditor(f"/v1/products/{chain.products[name]}/explanation?by={by}")
        rest = Decimal(told["rest"]["kgCo2e"])
        assert rest == 0 or rest > Decimal("1e-9")


def test_paths_are_told_step_by_step_and_the_rest_is_stated(chain: Chain, auditor: Asker) -> None:
    told = auditor(f"/v1/products/{chain.products['P1']}/paths?most=3")
    names = [[step["product"]["name"] for step in row["steps"]] for row in told["rows"]]
    assert names[:2] == [["P1"], ["P1", "E3"]]
    assert told["proven"] is True
    assert total(told) == pytest.approx(Decimal("3.7125"))


def test_the_owner_sees_whole_footprints_where_it_may_not_look_further(
    chain: Chain, client: FlaskClient, as_role: AsRole
) -> None:
    """P1 takes in 0.5 · 0.8 of E3, 0.15 · 4.29 of P2 and 0.2 · 3.345 of T4, none disclosed."""
    owner = Asker(client, as_role("supplier", chain.firms["P1"]))
    address = f"/v1/products/{chain.products['P1']}/explanation"
    told = owner(address)
    assert [(r["product"]["name"], r["kgCo2e"], r["whole"]) for r in told["rows"]] == [
        ("P1", "2", False)
    ]
    assert Decimal(told["undisclosed"]["kgCo2e"]) == pytest.approx(Decimal("1.7125"))
    for by in WAYS:
        assert total(owner(f"{address}?by={by}")) == pytest.approx(Decimal("3.7125"))
    assert len(owner(f"/v1/products/{chain.products['P1']}/paths")["rows"]) == 1
    for name in ("E3", "P2", "T4"):
        chain.firms[name].disclose("footprint", chain.products[name], to=chain.firms["P1"])
    told = owner(address)
    assert told["undisclosed"] is None
    assert {r["product"]["name"]: r["whole"] for r in told["rows"]} == {
        "P1": False,
        "E3": True,
        "P2": True,
        "T4": True,
    }


@pytest.mark.parametrize("what", ["explanation", "paths"])
def test_others_may_not_take_a_product_apart(
    chain: Chain, client: FlaskClient, as_role: AsRole, what: str
) -> None:
    stranger = Asker(client, as_role("supplier", chain.firms["E3"]))
    assert stranger(f"/v1/products/{chain.products['P1']}/{what}", 403)["code"] == "not-disclosed"
    assert Asker(client, {})(f"/v1/products/{chain.products['P1']}/{what}", 401)


def test_one_undisclosed_supplier_closes_the_explanation(
    factory: Factory, client: FlaskClient, as_role: AsRole
) -> None:
    acme, other = factory.enterprise("Acme"), factory.enterprise("Other")
    site, ware, part = acme.site(), acme.product("Ware"), other.product("Part")
    other.footprint(part, "3")
    acme.recipe(ware, site, emissions=[("CO2", "fossil", "1")], inputs=[(part, "1", "KGM")])
    owner = Asker(client, as_role("supplier", acme))
    told = owner(f"/v1/products/{ware}/explanation?year={YEAR}", 403)
    assert told["code"] == "fewer-than-three"


# --- Levers ----------------------------------------------------------------------------------


def kinds(document: Any) -> dict[str, Any]:
    return {each["kind"]: each for each in document["levers"]}


def test_levers_of_a_park_for_auditors(chain: Chain, auditor: Asker) -> None:
    told = kinds(auditor(f"/v1/parks/{chain.park}/levers"))
    assert [(r["product"]["name"], r["t2"]) for r in told["supplier"]["rows"]] == [
        ("E3", "-5.6"),
        ("T4", "-2.4"),
    ]
    assert [(r["carrier"], r["t2"]) for r in told["carrier"]["rows"]] == [("electricity", "-5.6")]
    assert [(r["site"]["name"], r["t2"], r["upstream"]) for r in told["site"]["rows"]] == [
        ("P1 site", "-20", "0"),
        ("P2 site", "-5", "0"),
    ]
    assert all(r["linear"] for kind in told.values() for r in kind["rows"])


def test_a_parks_enterprise_sees_levers_as_far_as_suppliers_let_it(
    chain: Chain, client: FlaskClient, as_role: AsRole
) -> None:
    manager = Asker(client, as_role("park", chain.manager))
    told = kinds(manager(f"/v1/parks/{chain.park}/levers"))
    assert told["supplier"] == {"kind": "supplier", "rows": None, "others": None}
    assert told["use"]["rows"] is None
    assert {row["site"]["name"] for row in told["site"]["rows"]} == {"P1 site", "P2 site"}
    assert manager(f"/v1/parks/{chain.park}/explanation", 403)["code"] == "fewer-than-three"


def test_tenants_that_did_not_agree_close_the_parks_levers(
    factory: Factory, client: FlaskClient, as_role: AsRole
) -> None:
    chain = build_chain(factory, small_aggregates=False)
    manager = Asker(client, as_role("park", chain.manager))
    told = manager(f"/v1/parks/{chain.park}/levers", 403)
    assert told["code"] == "fewer-than-three-tenants"


def test_a_grantee_of_a_figure_is_not_told_what_it_consists_of(
    chain: Chain, client: FlaskClient, as_role: AsRole
) -> None:
    friend = chain.firms["E3"]
    chain.manager.disclose("figure", chain.park, to=friend)
    reader = Asker(client, as_role("supplier", friend))
    assert reader(f"/v1/parks/{chain.park}/inventory")
    assert reader(f"/v1/parks/{chain.park}/levers", 403)["code"] == "not-disclosed"


def supplied_firm(factory: Factory, *, suppliers: int, disclosed: int) -> tuple[Actor, list[str]]:
    """A firm with direct emissions of 1 000 kg that buys 100 units of 2 kg of each supplier."""
    firm = factory.enterprise("Firm")
    site = firm.site("Works")
    firm.inventory(site, [("CO2", "fossil", "1000")])
    parts = []
    for number in range(suppliers):
        supplier = factory.enterprise(f"S{number}")
        part = supplier.product(f"Part {number}")
        supplier.footprint(part, "2")
        if number < disclosed:
            supplier.disclose("footprint", part, to=firm)
        parts.append(part)
    firm.purchases(site, [(part, "100", "KGM") for part in parts])
    return firm, parts


def test_an_enterprise_reads_its_own_levers_and_three_undisclosed_are_one_sum(
    factory: Factory, client: FlaskClient, as_role: AsRole
) -> None:
    firm, _ = supplied_firm(factory, suppliers=5, disclosed=2)
    owner = Asker(client, as_role("supplier", firm))
    told = kinds(owner(f"/v1/enterprises/{firm.id}/levers"))
    assert [row["t2"] for row in told["supplier"]["rows"]] == ["-20", "-20"]
    assert told["supplier"]["others"] == {"count": 3, "t2": "-60"}
    assert told["use"]["others"] is None
    split = owner(f"/v1/enterprises/{firm.id}/explanation")
    assert split["undisclosed"]["kgCo2e"] == "600"
    assert total(split) == 2000


# --- Loops -----------------------------------------------------------------------------------


def test_auditors_read_loops_and_what_passes_through_them(chain: Chain, auditor: Asker) -> None:
    told = auditor(f"/v1/loops?park={chain.park}")
    (loop,) = told["loops"]
    assert {member["product"]["name"] for member in loop["members"]} == {"P1", "P2", "T4"}
    assert Decimal(loop["lowest"]) <= Decimal(loop["gain"]) <= Decimal(loop["highest"]) < 1
    assert loop["through"]["kgCo2e"] == "330"
    assert auditor("/v1/loops")["loops"][0]["through"] is None


def test_the_operator_reads_loops_and_no_figures(
    chain: Chain, client: FlaskClient, as_role: AsRole
) -> None:
    operator = Asker(client, as_role("operator"))
    assert operator("/v1/loops")["count"] == 1
    assert operator(f"/v1/loops?park={chain.park}", 403)["code"] == "not-disclosed"
    supplier = Asker(client, as_role("supplier", chain.firms["P1"]))
    assert supplier("/v1/loops", 403)["code"] == "not-disclosed"
