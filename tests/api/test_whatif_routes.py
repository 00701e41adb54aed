"""What if: nothing is written, and nothing is learned by difference that could not be read."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger.schema import dump
from tests.api.conftest import AsRole, Headers
from tests.chain import YEAR, Chain, build_chain
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "these tests are not about the database")


class Asker:
    def __init__(self, client: FlaskClient, headers: Headers) -> None:
        self.client, self.headers = client, headers

    def __call__(
        self, figure: dict[str, str], *changes: dict[str, Any], status: int = 200, **more: Any
    ) -> Any:
        body = {"figure": figure, "changes": list(changes), "year": YEAR, **more}
        return self.send("/v1/what-if", body, status)

    def stress(self, status: int = 200, **body: Any) -> Any:
        return self.send("/v1/stress", {"year": YEAR, **body}, status)

    def send(self, address: str, body: Any, status: int) -> Any:
        answer = self.client.post(address, json=body, headers=self.headers)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json(force=True)


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


@pytest.fixture
def auditor(client: FlaskClient, as_role: AsRole) -> Asker:
    return Asker(client, as_role("auditor"))


def numbers(told: Any) -> dict[str, tuple[str | None, str | None, str | None]]:
    return {
        each["name"]: (
            each["before"] and each["before"]["atLeast"],
            each["after"] and each["after"]["atLeast"],
            each["difference"],
        )
        for each in told["figure"]["numbers"]
    }


def test_an_auditor_is_told_what_would_follow_and_nothing_is_written(
    factory: Factory, chain: Chain, auditor: Asker
) -> None:
    checkpoint = factory.log.checkpoint()
    half = {"scaleEmissions": {"product": chain.products["E3"], "factor": "0.5"}}
    told = auditor({"park": chain.park}, half)
    assert told["hypothetical"] is True
    assert "asOf" not in told
    assert numbers(told)["t2"] == ("330", "300", "-30")
    assert told["moved"][0]["name"] == "Example Park"
    assert factory.log.checkpoint() == checkpoint


def test_every_form_of_a_change_is_understood(chain: Chain, auditor: Asker) -> None:
    tool, scope = chain.products["T4"], {"product": chain.products["P1"]}
    recipe = chain.recipes["P1"].statement.body
    said = {"type": recipe.TYPE, **dump(recipe)}
    said["emissions"][0]["amount"] = "300"
    for change, t2 in (
        ({"remove": {"product": tool, "in": scope}}, "306"),
        ({"scaleInput": {"product": tool, "factor": "0.5", "in": scope}}, "318"),
        ({"replace": {"product": tool, "by": chain.products["E3"], "in": scope}}, "322"),
        ({"takeBack": chain.recipes["T4"].digest}, "306"),
        ({"say": {"statement": said}}, "430"),
    ):
        assert numbers(auditor({"park": chain.park}, change))["t2"][1] == t2, change


def test_no_change_moves_nothing(chain: Chain, auditor: Asker) -> None:
    told = auditor({"product": chain.products["P1"]})
    assert numbers(told) == {"footprint": ("3.7125", "3.7125", "0")}
    assert (told["moved"], told["statements"]) == ([], 0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"figure": {}, "changes": []},
        {"figure": {"park": "x"}, "changes": []},
        {"changes": [{"remove": {}, "takeBack": "0" * 64}]},
        {"changes": [{"unknown": 1}]},
        {"changes": [{"scaleEmissions": {"product": "x", "factor": "-1"}}]},
        [],
    ],
)
def test_a_body_of_another_form_is_refused(chain: Chain, auditor: Asker, body: Any) -> None:
    if isinstance(body, dict) and body.keys() == {"changes"}:
        body = {"figure": {"park": chain.park}, **body}
    assert auditor.send("/v1/what-if", body, 422)["code"] == "body-refused"


# --- What an enterprise may ask --------------------------------------------------------------


def firm_with(factory: Factory, suppliers: int, disclosed: int = 0) -> tuple[Actor, Any, list[str]]:
    """A firm whose product emits 1 kg and takes in 1 kg of 2 kg CO2e of each supplier's."""
    firm = factory.enterprise("Firm")
    site, ware, parts = firm.site("Works"), firm.product("Ware"), []
    for number in range(suppliers):
        supplier = factory.enterprise(f"S{number}")
        part = supplier.product(f"Part {number}")
        supplier.footprint(part, "2")
        if number < disclosed:
            supplier.disclose("footprint", part, to=firm)
        parts.append(part)
    firm.recipe(
        ware, site, emissions=[("CO2", "fossil", "1")], inputs=[(p, "1", "KGM") for p in parts]
    )
    return firm, ware, parts


def test_an_enterprise_may_ask_what_its_own_emissions_do(
    factory: Factory, client: FlaskClient, as_role: AsRole
) -> None:
    firm, ware, _ = firm_with(factory, suppliers=3)
    ask = Asker(client, as_role("supplier", firm))
    told = ask({"product": ware}, {"scaleEmissions": {"product": ware, "factor": "0"}})
    assert numbers(told) == {"footprint": ("7", "6", "-1")}
    assert {each["name"] for each in told["moved"]} == {"Ware"}


def test_it_may_take_in_less_of_what_is_disclosed_and_of_no_other(
    factory: Factory, client: FlaskClient, as_role: AsRole
) -> None:
    firm, ware, parts = firm_with(factory, suppliers=5, disclosed=1)
    ask, own = Asker(client, as_role("supplier", firm)), {"product": ware}
    less = {"scaleInput": {"product": parts[0], "factor": "0.5", "in": own}}
    assert numbers(ask({"product": ware}, less))["footprint"] == ("11", "10", "-1")
    other = {"scaleInput": {"product": parts[1], "factor": "0.5", "in": own}}
    assert ask({"product": ware}, other, status=403)["code"] == "would-reveal"
    gone = {"remove": {"product": parts[1], "in": own}}
    assert ask({"product": ware}, gone, status=403)["code"] == "would-reveal"


def test_the_same_share_of_all_that_is_undisclosed_tells_nothing_new(
    factory: Factory, client: FlaskClient, as_role: AsRole
) -> None:
    firm, ware, parts = firm_with(factory, suppliers=3)
    ask, own = Asker(client, as_role("supplier", firm)), {"product": ware}
    halves = [{"scaleInput": {"product": p, "factor": "0.5", "in": own}} for p in parts]
    assert numbers(ask({"product": ware}, *halves))["footprint"] == ("7", "4", "-3")


def test_what_own_goods_do_to_a_suppliers_product_is_not_told(
    factory: Factory, client: FlaskClient, as_role: AsRole
) -> None:
    """The supplier's disclosed product contains an unknown amount of the firm's own."""
    firm, other = factory.enterprise("Firm"), factory.enterprise("Other")
    site, ware, raw = firm.site("Works"), firm.product("Ware"), firm.product("Raw")
    part, elsewhere = other.product("Part"), other.site("Elsewhere")
    firm.recipe(raw, site, emissions=[("CO2", "fossil", "4")])
    other.recipe(part, elsewhere, inputs=[(raw, "0.7", "KGM")])
    other.disclose("footprint", part, to=firm)
    firm.recipe(ware, site, inputs=[(part, "1", "KGM")])
    ask = Asker(client, as_role("supplier", firm))
    change = {"scaleEmissions": {"product": raw, "factor": "0.5"}}
    assert ask({"product": ware}, change, status=403)["code"] == "would-reveal"
    told = ask({"product": raw}, change)
    assert [each["name"] for each in told["moved"]] == ["Raw"]
    other.disclose("contributions", part, to=firm)
    assert numbers(ask({"product": ware}, change))["footprint"][2] == "-1.4"


def test_only_own_things_may_be_otherwise(
    chain: Chain, client: FlaskClient, as_role: AsRole
) -> None:
    ask = Asker(client, as_role("supplier", chain.firms["P1"]))
    mine, theirs = {"product": chain.products["P1"]}, chain.products["T4"]
    recipe = chain.recipes["T4"].statement.body
    for change, code in (
        ({"scaleEmissions": {"product": theirs, "factor": "0"}}, "only-your-own"),
        ({"remove": {"product": theirs}}, "only-your-own"),
        ({"remove": {"product": theirs, "in": {"park": chain.park}}}, "only-your-own"),
        ({"say": {"statement": {"type": recipe.TYPE, **dump(recipe)}}}, "only-your-own"),
        ({"say": {"statement": {"type": "membership", "park": chain.park}}}, "only-your-own"),
    ):
        assert ask(mine, change, status=403)["code"] == code, change
    taken = {"takeBack": chain.recipes["T4"].digest}
    assert ask(mine, taken, status=422)["code"] == "nothing-to-take-back"


def test_only_own_figures_may_be_asked_about(
    chain: Chain, client: FlaskClient, as_role: AsRole
) -> None:
    ask = Asker(client, as_role("supplier", chain.firms["P1"]))
    for figure in ({"product": chain.products["T4"]}, {"park": chain.park}):
        assert ask(figure, status=403)["code"] == "not-disclosed"
    manager = Asker(client, as_role("park", chain.manager))
    assert manager({"park": chain.park}, status=403)["code"] == "not-disclosed"
    assert Asker(client, {})({"park": chain.park}, status=401)["code"] == "token-missing"


# --- Trust -----------------------------------------------------------------------------------


def test_without_a_supplier_the_park_loses_what_came_through_it(
    chain: Chain, auditor: Asker
) -> None:
    told = auditor.stress(without={"supplier": chain.firms["T4"].id}, figure={"park": chain.park})
    assert numbers(told)["t2"] == ("330", "306", "-24")
    assert told["figure"]["numbers"][0]["name"] == "scope1"
    rests = {each["enterprise"]["name"]: each for each in told["restsOn"]["enterprises"]}
    assert rests["T4 Works"]["kgCo2e"] == "24"
    assert rests["P1 Works"]["share"] == "0.8"


def test_without_a_key_what_it_signed_falls(chain: Chain, auditor: Asker) -> None:
    kid = chain.firms["T4"].key.public.kid
    told = auditor.stress(without={"key": kid})
    assert told["figure"] is None
    assert "Example Park" in {each["name"] for each in told["moved"]}
    ranked = auditor.stress(figure={"park": chain.park})["restsOn"]["keys"]
    assert kid in {each["key"] for each in ranked}
    assert ranked[0]["enterprise"]["name"] == "P1 Works"


def test_without_a_verifier_less_is_verified_and_nothing_moves(
    factory: Factory, chain: Chain, auditor: Asker
) -> None:
    verifier = factory.enterprise("Verifier", roles=("verifier",))
    factory.operator.accredit(verifier, scope=("recipe",))
    verifier.attest(chain.recipes["E3"])
    told = auditor.stress(without={"verifier": verifier.id}, figure={"park": chain.park})
    assert told["moved"] == []
    shares = {each["level"]: (each["before"], each["after"]) for each in told["verified"]}
    assert float(shares["limited"][0]) == pytest.approx(60 / 330)
    assert shares["limited"][1] == "0"


def test_the_operator_may_ask_and_others_may_not(
    chain: Chain, client: FlaskClient, as_role: AsRole
) -> None:
    without = {"supplier": chain.firms["T4"].id}
    assert Asker(client, as_role("operator")).stress(without=without)["moved"]
    for role, actor in (("supplier", chain.firms["P1"]), ("park", chain.manager)):
        told = Asker(client, as_role(role, actor)).stress(status=403, without=without)
        assert told["code"] == "not-disclosed"


def test_a_parks_enterprise_may_ask_what_its_figure_rests_on_where_all_is_open_to_it(
    chain: Chain, client: FlaskClient, as_role: AsRole
) -> None:
    manager = Asker(client, as_role("park", chain.manager))
    about = {"park": chain.park}
    assert manager.stress(status=403, figure=about)["code"] == "not-disclosed"
    for name in ("E3", "T4"):
        chain.firms[name].disclose("contributions", chain.products[name], to=chain.manager)
    assert len(manager.stress(figure=about)["restsOn"]["enterprises"]) == 4
