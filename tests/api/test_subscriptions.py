"""Subscriptions: who may have them, and which changes are told, with numbers worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

from api import tables
from api.callers import Caller
from api.errors import TooManySubscriptions
from api.figures.products import footprint_answer
from api.outbox.outbox import Delivery, outbox_of
from api.services import Services
from api.subscriptions import subscriptions as kept
from api.subscriptions import watching
from api.subscriptions.subscriptions import subscriptions_of
from api.subscriptions.watching import CHANGED, ENDED, TEST, look, watch
from ledger.log import Accepted
from tests.api.conftest import AsRole, Headers
from tests.chain import build_chain
from tests.factory import Actor, Factory, gas, line

URL = "http://127.0.0.1:9/hook"
SUBSCRIPTIONS = "/v1/subscriptions"
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass
class Desk:
    """A buyer of one product of a supplier, and what it is sent."""

    services: Services
    client: FlaskClient
    as_role: AsRole
    factory: Factory
    supplier: Actor
    buyer: Actor
    product: str
    disclosed: Accepted

    def headers(self) -> Headers:
        return self.as_role("procurement", self.buyer)

    def subscribe(self, **members: Any) -> dict[str, Any]:
        headers = members.pop("headers", None) or self.headers()
        body = {"kind": "product", "id": self.product, "url": URL, "year": 2025, **members}
        response = self.client.post(SUBSCRIPTIONS, json=_given(body), headers=headers)
        assert response.status_code == 201, response.get_data(as_text=True)
        made: dict[str, Any] = response.get_json()
        return made

    def refused(self, **members: Any) -> tuple[int, str]:
        headers = members.pop("headers", None) or self.headers()
        body = {"kind": "product", "id": self.product, "url": URL, **members}
        response = self.client.post(SUBSCRIPTIONS, json=body, headers=headers)
        return response.status_code, response.get_json(force=True).get("code")

    def states(self, total: str, last: Accepted | None = None) -> Accepted:
        if last is None:
            return self.supplier.footprint(self.product, total)
        return self.supplier.footprint(self.product, total, prev=last)

    def closes(self) -> Accepted:
        """The supplier takes back what it disclosed."""
        return self.supplier.correct(self.disclosed, level="private")

    def told(self, subscription: str) -> list[Any]:
        return told(self.services, subscription)


def _given(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def sent(services: Services, subscription: str) -> list[Delivery]:
    """Events, the oldest first."""
    watch(services)
    return outbox_of(services).of("subscription", subscription)[::-1]


def told(services: Services, subscription: str) -> list[Any]:
    """What they say."""
    return [orjson.loads(each.body)["data"] for each in sent(services, subscription)]


@pytest.fixture
def desk(services: Services, client: FlaskClient, as_role: AsRole, factory: Factory) -> Desk:
    supplier, buyer = factory.enterprise("Supplier"), factory.enterprise("Buyer")
    product = supplier.product("Steel")
    disclosed = supplier.disclose("footprint", product, to=buyer)
    return Desk(services, client, as_role, factory, supplier, buyer, product, disclosed)


def restate(desk: Desk, last: Accepted, total: str) -> Accepted:
    return desk.supplier.correct(last, pact=desk.supplier.pact_body(total))


# -- what is told -----------------------------------------------------------------------------


def test_a_change_beyond_the_threshold_is_told_once_with_both_figures(desk: Desk) -> None:
    """From 2 to 2.03 is 0.03, or 1.5 % of 2."""
    first = desk.states("2")
    made = desk.subscribe()
    second = restate(desk, first, "2.03")
    (event,) = desk.told(made["id"])
    assert desk.told(made["id"]) == [event]
    assert (event["kind"], event["id"], event["year"]) == ("product", desk.product, 2025)
    assert (event["before"]["value"], event["after"]["value"]) == ("2", "2.03")
    assert event["change"] == {"absolute": "0.03", "relative": "0.015"}
    assert event["after"]["unit"] == "kg CO2e per KGM"
    assert event["after"]["coverage"] == "1"
    assert (event["before"]["asOf"], event["after"]["asOf"]) == (first.index, second.index)


def test_the_links_lead_to_the_figure_and_to_what_moved_it(desk: Desk) -> None:
    first = desk.states("2")
    made = desk.subscribe()
    restate(desk, first, "3")
    (event,) = desk.told(made["id"])
    source = desk.services.settings.public_address
    for name in ("figure", "diff"):
        path = event["links"][name].removeprefix(source)
        response = desk.client.get(path, headers=desk.headers())
        assert response.status_code == 200, path
    numbers = [each for each in response.get_json()["numbers"] if each["name"] == "footprint"]
    assert [numbers[0]["before"]["value"], numbers[0]["after"]["value"]] == ["2", "3"]


def test_the_event_says_what_happened_to_what_and_where(desk: Desk) -> None:
    first = desk.states("2")
    made = desk.subscribe()
    restate(desk, first, "3")
    (delivery,) = sent(desk.services, made["id"])
    event = orjson.loads(delivery.body)
    assert event["specversion"] == "1.0"
    assert (event["id"], event["type"]) == (delivery.id, CHANGED)
    assert event["source"] == desk.services.settings.public_address
    assert event["subject"] == desk.product
    assert event["data"]["subscription"] == made["id"]


def test_changes_below_the_threshold_add_up_until_they_are_told(desk: Desk) -> None:
    """0.5 % and again 0.5 % of 2 are not more than 1 % of what was told; 1.5 % are."""
    last = desk.states("2")
    made = desk.subscribe()
    for total, expected in (("2.01", 0), ("2.02", 0), ("2.03", 1), ("2.05", 1)):
        last = restate(desk, last, total)
        assert len(desk.told(made["id"])) == expected, total
    assert desk.told(made["id"])[0]["before"]["value"] == "2"


def test_with_threshold_zero_every_change_is_told_and_no_other(desk: Desk) -> None:
    last = desk.states("2")
    made = desk.subscribe(threshold="0")
    last = restate(desk, last, "2.0000001")
    assert len(desk.told(made["id"])) == 1
    restate(desk, last, "2.0000001")
    assert len(desk.told(made["id"])) == 1


def test_any_change_from_nothing_is_told(desk: Desk) -> None:
    first = desk.states("0")
    made = desk.subscribe(threshold="0.5")
    restate(desk, first, "0.001")
    (event,) = desk.told(made["id"])
    assert event["change"] == {"absolute": "0.001", "relative": None}


def test_the_first_figure_of_a_product_without_one_is_told(desk: Desk) -> None:
    made = desk.subscribe()
    assert [(each["state"], each["reason"]) for each in made["figures"]] == [
        ("none", "no-data-for-year")
    ]
    desk.states("2")
    (event,) = desk.told(made["id"])
    assert (event["before"]["state"], event["after"]["state"]) == ("none", "value")
    assert event["change"] is None


def test_a_figure_that_loses_a_value_and_keeps_a_lower_bound_is_told(
    desk: Desk, factory: Factory
) -> None:
    """1 kg of its own, and then 1 kg of ore of which nobody knows anything."""
    ore = factory.enterprise("Mine").product("Ore")
    plant = desk.supplier.site("Works")
    recipe = desk.supplier.recipe(desk.product, plant, emissions=[("CO2", "fossil", "1")])
    made = desk.subscribe()
    desk.supplier.correct(recipe, inputs=(line((ore, "1", "KGM")),))
    (event,) = desk.told(made["id"])
    after = event["after"]
    assert (after["state"], after["value"], after["atLeast"]) == ("at-least", None, "1")


def test_of_the_latest_year_the_next_one_is_told_without_a_difference(desk: Desk) -> None:
    plant = desk.supplier.site("Works")
    desk.supplier.recipe(desk.product, plant, year=2024, emissions=[("CO2", "fossil", "4")])
    made, fixed = desk.subscribe(year=None), desk.subscribe(year=2024)
    desk.supplier.recipe(desk.product, plant, year=2025, emissions=[("CO2", "fossil", "5")])
    (event,) = desk.told(made["id"])
    assert (event["before"]["year"], event["after"]["year"]) == (2024, 2025)
    assert event["change"] is None
    assert desk.told(fixed["id"]) == []


def test_a_disclosure_taken_back_ends_in_one_event_without_any_number(desk: Desk) -> None:
    first = desk.states("2")
    made = desk.subscribe(threshold="0")
    desk.closes()
    last = restate(desk, first, "77")
    (event,) = desk.told(made["id"])
    assert event["before"] is None
    assert event["after"] == {
        "state": "closed",
        "year": 2025,
        "value": None,
        "atLeast": None,
        "coverage": None,
        "unit": None,
        "asOf": None,
        "reason": "not-disclosed",
    }
    restate(desk, last, "78")
    assert len(desk.told(made["id"])) == 1
    detail = desk.client.get(f"{SUBSCRIPTIONS}/{made['id']}", headers=desk.headers()).get_json()
    assert [each["value"] for each in detail["figures"]] == [None]


def test_what_is_disclosed_again_is_told_again(desk: Desk) -> None:
    desk.states("2")
    made = desk.subscribe()
    closing = desk.closes()
    assert len(desk.told(made["id"])) == 1
    desk.supplier.correct(closing, level="named")
    _, event = desk.told(made["id"])
    assert (event["before"]["state"], event["after"]["value"]) == ("closed", "2")


def test_of_a_supplier_every_product_is_followed_that_may_be_read(desk: Desk) -> None:
    first = desk.states("2")
    open_later = desk.supplier.product("Wire")
    desk.supplier.footprint(open_later, "5")
    made = desk.subscribe(kind="enterprise", id=desk.supplier.id)
    assert [each["id"] for each in made["figures"]] == [desk.product]
    restate(desk, first, "3")
    assert [each["id"] for each in desk.told(made["id"])] == [desk.product]
    desk.supplier.disclose("footprint", open_later, to=desk.buyer)
    event = desk.told(made["id"])[-1]
    assert (event["id"], event["before"], event["after"]["value"]) == (open_later, None, "5")


def test_of_a_supplier_its_own_books_are_followed_too_if_they_are_open(desk: Desk) -> None:
    """10 kg of Scope 1, then 12; categories of Scope 3 that nobody stated leave a lower bound."""
    plant = desk.supplier.site("Works")
    desk.supplier.disclose("figure", desk.supplier.id, to=desk.buyer)
    stated = desk.supplier.inventory(plant, [("CO2", "fossil", "10")])
    desk.supplier.purchases(plant)
    made = desk.subscribe(kind="enterprise", id=desk.supplier.id)
    desk.supplier.correct(stated, emissions=(gas(("CO2", "fossil", "12")),))
    (event,) = desk.told(made["id"])
    assert (event["kind"], event["id"]) == ("enterprise", desk.supplier.id)
    assert (event["before"]["atLeast"], event["after"]["atLeast"]) == ("10", "12")


def test_a_product_that_a_supplier_has_sold_is_no_longer_its(desk: Desk, factory: Factory) -> None:
    desk.states("2")
    made = desk.subscribe(kind="enterprise", id=desk.supplier.id)
    heir = factory.enterprise("Heir")
    desk.supplier.transfer("product", desk.product, heir)
    states = [(each["after"]["state"], each["after"]["reason"]) for each in desk.told(made["id"])]
    assert states[-1][0] == "closed"


# -- a park, worked by hand -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reader", "net", "corrected", "emits", "before", "after", "relative"),
    [
        ("auditor", "full", "T4", "80", "330", "350", "0.0606060606061"),
        ("park", "operational", "E3", "180", "306", "313", "0.0228758169935"),
    ],
)
def test_a_supplier_s_correction_moves_a_park_once_by_what_it_takes_in(
    services: Services,
    client: FlaskClient,
    as_role: AsRole,
    factory: Factory,
    reader: str,
    net: str,
    corrected: str,
    emits: str,
    before: str,
    after: str,
    relative: str,
) -> None:
    """Scope 1 250, Scope 2 70·0.8 = 56; 20 pieces of T4 with m* = 1 + 0.25·0.8 = 1.2: Scope 3 24.

    T4 says 80 instead of 40 for its 40 pieces: m* = 2.2, Scope 3 44; from 330 to 350, by 20/330.
    E3 says 180 instead of 160 of 200: 0.9, Scope 2 63; from 306 to 313, by 7/306.
    """
    chain = build_chain(factory)
    headers = as_role(reader, None if reader == "auditor" else chain.manager)
    asked = {"kind": "park", "id": chain.park, "url": URL, "year": 2025, "net": net}
    made = client.post(SUBSCRIPTIONS, json=asked, headers=headers).get_json()
    emissions = (gas(("CO2", "fossil", emits)),)
    chain.firms[corrected].correct(chain.recipes[corrected], emissions=emissions)
    (event,) = told(services, made["id"])
    assert event["figure"] == f"net-{net}"
    known = "atLeast"
    assert (event["before"][known], event["after"][known]) == (before, after)
    change = str(int(after) - int(before))
    assert event["change"] == {"absolute": change, "relative": relative}
    assert told(services, made["id"]) == [event]


def test_a_net_figure_that_a_park_is_not_shown_is_not_subscribed_to(
    client: FlaskClient, as_role: AsRole, factory: Factory
) -> None:
    """Where its tenants' goods go is known to one buyer alone: of all scopes nothing is told."""
    chain = build_chain(factory)
    headers = as_role("park", chain.manager)
    asked = {"kind": "park", "id": chain.park, "url": URL, "year": 2025}
    response = client.post(SUBSCRIPTIONS, json=asked, headers=headers)
    assert (response.status_code, response.get_json(force=True)["code"]) == (403, "not-disclosed")


# -- what others keep to themselves -----------------------------------------------------------


def test_what_rests_on_others_figures_is_told_after_midnight_without_the_entry(
    desk: Desk, factory: Factory
) -> None:
    """Three undisclosed suppliers, one of which corrects itself at noon: 1 + 2 + 2 + 2, then 10."""
    parts, first = [], None
    for name in ("A", "B", "C"):
        firm = factory.enterprise(name)
        part = firm.product(f"{name} part")
        first = (firm, firm.footprint(part, "2"))
        parts.append((part, "1", "KGM"))
    plant = desk.supplier.site("Works")
    desk.supplier.recipe(desk.product, plant, emissions=[("CO2", "fossil", "1")], inputs=parts)
    made = desk.subscribe()
    assert (made["figures"][0]["value"], made["figures"][0]["asOf"]) == ("7", None)
    factory.clock.advance(seconds=12 * 3600)
    assert first is not None
    firm, stated = first
    firm.correct(stated, pact=firm.pact_body("5"))
    assert desk.told(made["id"]) == []
    factory.clock.advance(seconds=12 * 3600 - 1)
    assert desk.told(made["id"]) == []
    factory.clock.advance(seconds=1)
    (event,) = desk.told(made["id"])
    assert (event["before"]["value"], event["after"]["value"]) == ("7", "10")
    assert (event["before"]["asOf"], event["after"]["asOf"]) == (None, None)
    assert event["links"]["diff"] is None
    assert desk.told(made["id"]) == [event]


def test_a_figure_that_would_give_one_supplier_away_is_closed_at_once(
    desk: Desk, factory: Factory
) -> None:
    desk.states("2")
    made = desk.subscribe()
    part = factory.enterprise("Hidden")
    piece = part.product("Part")
    part.footprint(piece, "1")
    plant = desk.supplier.site("Works")
    desk.supplier.recipe(desk.product, plant, inputs=[(piece, "1", "KGM")])
    (event,) = desk.told(made["id"])
    assert (event["after"]["state"], event["after"]["reason"]) == ("closed", "fewer-than-three")
    assert event["before"] is None


# -- whose they are ---------------------------------------------------------------------------


def test_what_may_not_be_read_cannot_be_subscribed_to(desk: Desk, factory: Factory) -> None:
    stranger = factory.enterprise("Stranger")
    desk.states("2")
    theirs = desk.as_role("procurement", stranger)
    assert desk.refused(headers=theirs) == (403, "not-disclosed")
    assert desk.refused(kind="enterprise", id=desk.supplier.id, headers=theirs) == (
        403,
        "not-disclosed",
    )
    assert desk.refused(id=NOBODY) == (404, "unknown-product")
    assert desk.refused(headers={"Accept": "application/json"}) == (401, "token-missing")


def test_an_operator_that_speaks_for_nobody_is_told_of_nothing(desk: Desk) -> None:
    headers = desk.as_role("operator")
    assert desk.refused(headers=headers) == (422, "subscription-refused")


@pytest.mark.parametrize(
    "members",
    [
        {"threshold": "-1"},
        {"threshold": 1},
        {"net": "gross"},
        {"threshold": "1e-3"},
        {"threshold": "NaN"},
        {"kind": "site"},
        {"year": "2025"},
        {"secret": "mine"},
        {"id": "x"},
    ],
)
def test_what_is_not_understood_is_refused(desk: Desk, members: dict[str, Any]) -> None:
    assert desk.refused(**members) == (422, "body-refused")


def test_an_address_inside_is_refused_at_once(desk: Desk) -> None:
    desk.states("2")
    assert desk.refused(url="https://10.0.0.1/hook") == (422, "url-refused")


ROUTES = [
    ("get", ""),
    ("delete", ""),
    ("get", "/deliveries"),
    ("post", f"/deliveries/{NOBODY}/replay"),
    ("post", "/rotate"),
    ("post", "/test"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_others_subscriptions_are_as_ones_that_are_not_there(
    desk: Desk, factory: Factory, method: str, path: str
) -> None:
    desk.states("2")
    made = desk.subscribe()
    ask: Callable[..., Any] = getattr(desk.client, method)
    stranger = desk.as_role("procurement", factory.enterprise("Stranger"))
    for headers in (stranger, desk.as_role("auditor"), desk.as_role("auditor", desk.buyer)):
        there = ask(f"{SUBSCRIPTIONS}/{made['id']}{path}", headers=headers)
        nowhere = ask(f"{SUBSCRIPTIONS}/{NOBODY}{path}", headers=headers)
        assert (there.status_code, nowhere.status_code) == (404, 404)
        assert there.get_json(force=True)["code"] == "subscription-unknown"
    assert desk.client.get(SUBSCRIPTIONS, headers=stranger).get_json() == {"items": []}


def test_every_token_of_an_enterprise_sees_its_subscriptions(desk: Desk) -> None:
    desk.states("2")
    made = desk.subscribe()
    (item,) = desk.client.get(SUBSCRIPTIONS, headers=desk.headers()).get_json()["items"]
    assert (item["id"], item["about"], item["threshold"]) == (made["id"], desk.product, "0.01")
    assert "secret" not in item


def test_nothing_is_told_after_the_end(desk: Desk) -> None:
    first = desk.states("2")
    made = desk.subscribe()
    ended = desk.client.delete(f"{SUBSCRIPTIONS}/{made['id']}", headers=desk.headers())
    assert ended.status_code == 204
    restate(desk, first, "3")
    assert desk.told(made["id"]) == []
    assert desk.client.get(SUBSCRIPTIONS, headers=desk.headers()).get_json() == {"items": []}


def test_a_subscription_ends_with_the_token_that_made_it_and_says_so_once(desk: Desk) -> None:
    first = desk.states("2")
    made = desk.subscribe()
    token = next(each for each in desk.services.tokens.list() if each.enterprise == desk.buyer.id)
    desk.services.tokens.revoke(token.id)
    restate(desk, first, "3")
    (delivery,) = sent(desk.services, made["id"])
    assert delivery.type == ENDED
    assert len(sent(desk.services, made["id"])) == 1


def test_a_subscriber_may_not_have_more_than_so_many(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MOST_EACH", 2)
    desk.states("2")
    first = desk.subscribe()
    desk.subscribe()
    assert desk.refused() == (409, TooManySubscriptions.code)
    desk.client.delete(f"{SUBSCRIPTIONS}/{first['id']}", headers=desk.headers())
    desk.subscribe()


def test_one_test_event_is_under_way_at_a_time(desk: Desk) -> None:
    desk.states("2")
    made = desk.subscribe()
    path = f"{SUBSCRIPTIONS}/{made['id']}/test"
    answered = desk.client.post(path, headers=desk.headers())
    assert answered.status_code == 202
    (delivery,) = sent(desk.services, made["id"])
    assert (delivery.type, delivery.id) == (TEST, answered.get_json()["event"])
    again = desk.client.post(path, headers=desk.headers())
    assert (again.status_code, again.get_json(force=True)["code"]) == (409, "test-under-way")


# -- how it is kept ---------------------------------------------------------------------------


def test_the_secret_is_shown_once_and_stands_nowhere_in_the_open(desk: Desk) -> None:
    desk.states("2")
    made = desk.subscribe()
    assert made["secret"].startswith("whsec_")
    detail = desk.client.get(f"{SUBSCRIPTIONS}/{made['id']}", headers=desk.headers()).get_json()
    assert made["secret"] not in str(detail)
    with desk.services.database.connect() as connection:
        rows = connection.execute(tables.subscription.select()).all()
    assert made["secret"][6:] not in str(rows)
    assert subscriptions_of(desk.services).secrets(made["id"]) == (made["secret"],)


def test_for_a_day_after_an_exchange_both_secrets_sign(desk: Desk) -> None:
    desk.states("2")
    made = desk.subscribe()
    path = f"{SUBSCRIPTIONS}/{made['id']}/rotate"
    fresh = desk.client.post(path, headers=desk.headers()).get_json()["secret"]
    keys = subscriptions_of(desk.services).secrets
    assert keys(made["id"]) == (fresh, made["secret"])
    desk.factory.clock.advance(days=1)
    assert keys(made["id"]) == (fresh,)


def test_a_change_that_another_process_has_told_is_not_told_again(desk: Desk) -> None:
    first = desk.states("2")
    made = desk.subscribe()
    restate(desk, first, "3")
    stale = subscriptions_of(desk.services).find(made["id"])
    told_before = subscriptions_of(desk.services).told(made["id"])
    standing = desk.services.engine.standing()
    look(desk.services, stale, standing)
    ((figure, before),) = told_before.items()
    with desk.services.database.begin() as connection:
        assert not kept.tell(connection, made["id"], figure, before, before)
    look(desk.services, stale, standing)
    assert len(desk.told(made["id"])) == 1


def test_many_changes_of_one_supplier_are_told_over_several_runs(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_MOST_EVENTS", 2)
    made = desk.subscribe(kind="enterprise", id=desk.supplier.id)
    desk.states("2")
    for name in ("Wire", "Rod"):
        product = desk.supplier.product(name)
        desk.supplier.footprint(product, "5")
        desk.supplier.disclose("footprint", product, to=desk.buyer)
    assert [len(desk.told(made["id"])) for _ in range(3)] == [2, 3, 3]


@pytest.mark.only_on("sqlite", "it is about what is computed, wherever it is stored")
def test_what_cannot_have_moved_is_not_computed(
    desk: Desk, factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.states("2")
    made = desk.subscribe()
    asked: list[str] = []

    def counted(*arguments: Any, **named: Any) -> Any:
        asked.append("footprint")
        return footprint_answer(*arguments, **named)

    monkeypatch.setattr("api.subscriptions.told.footprint_answer", counted)
    other = factory.enterprise("Other")
    part = other.product("Part")
    other.footprint(part, "4")
    assert desk.told(made["id"]) == []
    assert asked == []
    seen = subscriptions_of(desk.services).find(made["id"]).seen
    assert seen == desk.services.log.size()


def test_a_caller_is_looked_for_as_it_subscribed(desk: Desk) -> None:
    desk.states("2")
    made = desk.subscribe(headers=desk.as_role("auditor"))
    caller = subscriptions_of(desk.services).find(made["id"]).caller
    assert (caller.role, caller.enterprise) == ("auditor", None)
    assert isinstance(caller, Caller)
    assert caller.token_id is not None
