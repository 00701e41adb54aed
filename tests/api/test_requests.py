"""Requests for footprints within one log: asked, answered, declined, overdue, passed on."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.asking.limits import MOST_AT_ONCE
from api.asking.requests import Asking, requests_of
from api.asking.settling import settle
from api.asking.whom import Wanted
from api.errors import RequestEnded, TooManyRequestsOpen
from api.pact import computed
from api.services import Services
from tests.api.conftest import AsRole, Headers
from tests.factory import START_MS, Actor, Factory

DAY = 86_400_000
IN_A_MONTH = START_MS + 30 * DAY
GTIN = "urn:gtin:4006381333931"
URN = "urn:pact:maker.example:product:42"

only_sqlite = pytest.mark.only_on("sqlite", "words and access are not about the database")


class Chain:
    """Car is made of Seat (by Sew) and Door (by Press); Sew takes in Foam (by Chem) and Thread
    (by Spin). Nobody has stated a footprint."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        names = ("Auto", "Sew", "Press", "Chem", "Spin", "Other")
        self.auto, self.sew, self.press, self.chem, self.spin, self.other = (
            factory.enterprise(name) for name in names
        )
        self.foam = self.chem.product("Foam", identifiers=(URN,))
        self.thread = self.spin.product("Thread", identifiers=(GTIN,))
        self.seat, self.door = self.sew.product("Seat"), self.press.product("Door")
        self.car = self.auto.product("Car")
        plant, shop = self.auto.site("Plant"), self.sew.site("Shop")
        kg = "KGM"
        self.auto.recipe(self.car, plant, inputs=[(self.seat, "1", kg), (self.door, "2", kg)])
        self.sew.recipe(self.seat, shop, inputs=[(self.foam, "1", kg), (self.thread, "1", kg)])


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return Chain(factory)


class Portal:
    """Requests over HTTP in the name of enterprises."""

    def __init__(self, client: FlaskClient, as_role: AsRole) -> None:
        self._client, self._as_role = client, as_role
        self._headers: dict[str, Headers] = {}

    def _of(self, actor: Actor) -> Headers:
        if actor.id not in self._headers:
            self._headers[actor.id] = self._as_role("supplier", actor)
        return self._headers[actor.id]

    def post(self, actor: Actor, path: str, body: Any, status: int = 201) -> dict[str, Any]:
        answer = self._client.post(f"/v1/{path}", json=body, headers=self._of(actor))
        assert answer.status_code == status, answer.get_data(as_text=True)
        return dict(answer.get_json())

    def get(self, actor: Actor, path: str, status: int = 200) -> dict[str, Any]:
        answer = self._client.get(f"/v1/{path}", headers=self._of(actor))
        assert answer.status_code == status, answer.get_data(as_text=True)
        return dict(answer.get_json())

    def ask(self, actor: Actor, **body: Any) -> dict[str, Any]:
        return self.post(actor, "requests", body)

    def inbox(self, actor: Actor) -> list[dict[str, Any]]:
        return list(self.get(actor, "requests")["items"])

    def sent(self, actor: Actor) -> list[dict[str, Any]]:
        return list(self.get(actor, "requests?box=sent")["items"])


@pytest.fixture
def portal(client: FlaskClient, as_role: AsRole) -> Portal:
    return Portal(client, as_role)


def asked(services: Services, chain: Chain, *products: tuple[Actor, str]) -> list[Any]:
    wanted = [Wanted(actor.id, product) for actor, product in products]
    return requests_of(services).ask(Asking(chain.auto.id, wanted, IN_A_MONTH))


# --- The table, on every database -------------------------------------------------------------


def test_a_request_is_answered_by_itself_when_its_buyer_may_read_a_footprint(
    services: Services, chain: Chain
) -> None:
    (one,) = asked(services, chain, (chain.sew, chain.seat))
    settle(services)
    assert requests_of(services).of_buyer(one.id, chain.auto.id).state == "open"
    said = chain.sew.footprint(chain.seat, "3")
    settle(services)
    assert requests_of(services).of_buyer(one.id, chain.auto.id).state == "open"
    chain.sew.disclose("footprint", chain.seat, to=chain.auto)
    settle(services)
    done = requests_of(services).of_buyer(one.id, chain.auto.id)
    assert (done.state, done.footprints) == ("answered", (said.statement.body.pact.id,))
    assert done.answered_at == services.clock()


def test_the_same_open_request_again_is_the_same_request(services: Services, chain: Chain) -> None:
    (first,) = asked(services, chain, (chain.sew, chain.seat))
    again = asked(services, chain, (chain.sew, chain.seat), (chain.press, chain.door))
    assert again[0] == first
    assert again[1].asking != first.asking
    assert len(requests_of(services).sent(chain.auto.id)) == 2


def test_after_a_refusal_it_may_be_asked_anew(services: Services, chain: Chain) -> None:
    (first,) = asked(services, chain, (chain.sew, chain.seat))
    requests_of(services).decline(first, "Not before May.")
    (second,) = asked(services, chain, (chain.sew, chain.seat))
    assert second.id != first.id
    assert second.state == "open"


def test_what_may_be_read_already_is_answered_at_once_and_once(
    services: Services, chain: Chain
) -> None:
    said = chain.sew.footprint(chain.seat, "3")
    chain.sew.disclose("footprint", chain.seat)
    (one,) = asked(services, chain, (chain.sew, chain.seat))
    assert (one.state, one.footprints) == ("answered", (said.statement.body.pact.id,))
    assert asked(services, chain, (chain.sew, chain.seat)) == [one]


def test_a_footprint_that_no_longer_stands_answers_nothing(
    services: Services, chain: Chain
) -> None:
    (one,) = asked(services, chain, (chain.sew, chain.seat))
    chain.sew.disclose("footprint", chain.seat, to=chain.auto)
    chain.sew.withdraw(chain.sew.footprint(chain.seat, "3"))
    settle(services)
    assert requests_of(services).of_buyer(one.id, chain.auto.id).state == "open"


def test_after_its_day_a_request_is_overdue_and_a_late_footprint_still_answers_it(
    services: Services, chain: Chain
) -> None:
    (one,) = asked(services, chain, (chain.sew, chain.seat))
    chain.factory.clock.advance(days=30)
    settle(services)
    assert requests_of(services).of_buyer(one.id, chain.auto.id).state == "overdue"
    chain.sew.footprint(chain.seat, "3")
    chain.sew.disclose("footprint", chain.seat, to=chain.auto)
    settle(services)
    assert requests_of(services).of_buyer(one.id, chain.auto.id).state == "answered"


def test_of_two_who_end_a_request_at_once_one_does(services: Services, chain: Chain) -> None:
    (one,) = asked(services, chain, (chain.sew, chain.seat))
    refused: list[str] = []

    def decline(reason: str) -> None:
        try:
            requests_of(services).decline(one, reason)
        except RequestEnded:
            refused.append(reason)

    threads = [threading.Thread(target=decline, args=(name,)) for name in ("A", "B", "C")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = requests_of(services).of_buyer(one.id, chain.auto.id)
    assert sorted([*refused, done.reason]) == ["A", "B", "C"]


def test_inboxes_are_not_flooded(
    services: Services, chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.asking.requests.MOST_OPEN", 2)
    asked(services, chain, (chain.sew, chain.seat), (chain.press, chain.door))
    asked(services, chain, (chain.sew, chain.seat))
    with pytest.raises(TooManyRequestsOpen):
        asked(services, chain, (chain.chem, chain.foam))
    many = [Wanted(chain.sew.id, None, {"productId": (f"urn:x-y:{i}",)}) for i in range(201)]
    assert len(many) > MOST_AT_ONCE
    with pytest.raises(TooManyRequestsOpen):
        requests_of(services).ask(Asking(chain.other.id, many, IN_A_MONTH))


# --- Over HTTP ---------------------------------------------------------------------------------


@only_sqlite
def test_a_request_lies_in_the_inbox_of_the_maker_with_what_to_do_next(
    chain: Chain, portal: Portal
) -> None:
    portal.ask(chain.auto, product=chain.seat, due="2026-03-01", comment="For the tender.")
    (item,) = portal.inbox(chain.sew)
    assert item["buyer"] == {"id": chain.auto.id, "name": "Auto"}
    assert item["product"] == {"id": chain.seat, "name": "Seat"}
    assert item["dueAt"] == "2026-03-02T00:00:00.000Z"
    assert (item["box"], item["asking"], item["state"]) == ("inbox", None, "open")
    declare, disclose = item["next"]
    assert declare["command"] == "catchment sign --new footprint"
    # It is January 2026: the last year that is over.
    assert declare["period"] == {"start": "2025-01-01", "end": "2026-01-01"}
    assert disclose["statement"] == {
        "type": "disclosure",
        "object": {"type": "footprint", "id": chain.seat},
        "level": "named",
        "grantee": chain.auto.id,
    }


@only_sqlite
def test_an_answer_the_buyer_may_not_read_is_refused_with_the_statement_to_sign(
    services: Services, chain: Chain, portal: Portal
) -> None:
    (one,) = portal.ask(chain.auto, product=chain.seat)["requests"]
    footprint = chain.sew.footprint(chain.seat, "3").statement.body.pact.id
    path, body = f"requests/{one['id']}/answer", {"footprints": [footprint]}
    problem = portal.post(chain.sew, path, body, 409)
    assert problem["code"] == "answer-not-disclosed"
    assert f'"grantee": "{chain.auto.id}"' in problem["advice"]
    assert portal.inbox(chain.sew)[0]["next"][0]["footprints"] == [footprint]
    chain.sew.disclose("footprint", chain.seat, to=chain.auto)
    answered = portal.post(chain.sew, path, body, 200)
    assert (answered["state"], answered["footprints"]) == ("answered", [footprint])
    assert portal.post(chain.sew, path, body, 200) == answered
    (mine,) = portal.sent(chain.auto)
    assert mine["footprints"] == [footprint]
    declined = portal.post(chain.sew, f"requests/{one['id']}/decline", {"reason": "No."}, 409)
    assert declined["code"] == "request-ended"


@only_sqlite
def test_what_has_ended_is_said_to_have_ended_whatever_it_is_answered_with(
    chain: Chain, portal: Portal
) -> None:
    (one,) = portal.ask(chain.auto, product=chain.seat)["requests"]
    portal.post(chain.sew, f"requests/{one['id']}/decline", {"reason": "No."}, 200)
    unknown = {"footprints": ["11111111-1111-4111-8111-111111111111"]}
    problem = portal.post(chain.sew, f"requests/{one['id']}/answer", unknown, 409)
    assert problem["code"] == "request-ended"


@only_sqlite
def test_a_recipe_and_a_disclosure_answer_too(
    services: Services, chain: Chain, portal: Portal
) -> None:
    """As the next step says; nobody has to state a footprint beside its recipe."""
    chain.chem.footprint(chain.foam, "1")
    chain.chem.disclose("footprint", chain.foam, to=chain.sew)
    chain.spin.footprint(chain.thread, "1")
    chain.spin.disclose("footprint", chain.thread, to=chain.sew)
    portal.ask(chain.auto, product=chain.seat)
    (item,) = portal.inbox(chain.sew)
    assert "or its recipe" in item["next"][0]["sentence"]
    chain.sew.disclose("footprint", chain.seat, to=chain.auto)
    computed.follow(services)
    settle(services)
    (item,) = portal.inbox(chain.sew)
    assert (item["state"], len(item["footprints"])) == ("answered", 1)


@only_sqlite
def test_an_answer_is_of_the_supplier_and_of_what_was_asked_for(
    chain: Chain, portal: Portal
) -> None:
    (one,) = portal.ask(chain.auto, product=chain.seat)["requests"]
    cover = chain.sew.product("Cover")
    others = chain.press.footprint(chain.door, "1").statement.body.pact.id
    own = chain.sew.footprint(cover, "1").statement.body.pact.id
    path = f"requests/{one['id']}/answer"
    for footprint, said in ((others, "no footprint of this id"), (own, "not what is asked for")):
        problem = portal.post(chain.sew, path, {"footprints": [footprint]}, 422)
        assert problem["code"] == "answer-refused"
        assert said in problem["detail"]


@only_sqlite
def test_a_request_for_another_region_is_not_answered_by_this_one(
    services: Services, chain: Chain, portal: Portal
) -> None:
    (one,) = portal.ask(chain.auto, product=chain.seat, criteria={"geography": ["DE"]})["requests"]
    chain.sew.disclose("footprint", chain.seat)
    chinese = chain.sew.footprint(chain.seat, "3", geography="CN").statement.body.pact.id
    path = f"requests/{one['id']}/answer"
    assert portal.post(chain.sew, path, {"footprints": [chinese]}, 422)["code"] == "answer-refused"
    settle(services)
    assert portal.sent(chain.auto)[0]["state"] == "open"


@only_sqlite
def test_who_is_asked_by_identifier_class_or_company(chain: Chain, portal: Portal) -> None:
    # The same GTIN as GTIN-14, and the URN in other letters.
    given = {"productId": ["urn:gtin:04006381333931", URN.upper().replace("URN", "urn")]}
    found = portal.ask(chain.auto, criteria=given)["requests"]
    assert {each["supplier"]["name"] for each in found} == {"Chem", "Spin"}
    company = [f"urn:uuid:{chain.press.id}"]
    (one,) = portal.ask(chain.auto, criteria={"companyId": company})["requests"]
    assert one["product"]["id"] == chain.door
    # A product that its maker has not registered.
    unknown = {"companyId": company, "productId": ["urn:x-parts:77"]}
    (new,) = portal.ask(chain.auto, criteria=unknown)["requests"]
    assert (new["supplier"]["name"], new["product"]) == ("Press", None)
    assert [step["do"] for step in portal.inbox(chain.press)[0]["next"]] == ["register"]


@only_sqlite
def test_what_was_not_registered_is_answered_once_it_is(
    services: Services, chain: Chain, portal: Portal
) -> None:
    urn = "urn:x-parts:77"
    criteria = {"companyId": [f"urn:uuid:{chain.press.id}"], "productId": [urn]}
    portal.ask(chain.auto, criteria=criteria)
    hinge = chain.press.product("Hinge", identifiers=(urn,))
    company = f"urn:uuid:{chain.press.id}"
    chain.press.footprint(hinge, "1", productIds=[urn], companyIds=[company])
    chain.press.disclose("footprint", hinge)
    settle(services)
    assert portal.sent(chain.auto)[0]["state"] == "answered"


@only_sqlite
def test_all_suppliers_whose_footprint_is_lacking_are_asked(chain: Chain, portal: Portal) -> None:
    answer = portal.ask(chain.auto, product=chain.car, suppliersOf=True)
    asked_of = {(each["supplier"]["name"], each["product"]["name"]) for each in answer["requests"]}
    assert asked_of == {("Sew", "Seat"), ("Press", "Door")}
    assert {each["asking"] for each in answer["requests"]} == {answer["asking"]}


@only_sqlite
def test_whose_footprint_is_known_is_not_asked_and_unnamed_inputs_are_told(
    chain: Chain, portal: Portal
) -> None:
    chain.press.footprint(chain.door, "2")
    chain.press.disclose("footprint", chain.door, to=chain.auto)
    plant = chain.auto.site("Second plant")
    paint = (("urn:cpc:35110", "CN"), "1", "KGM")
    van = chain.auto.product("Van")
    chain.auto.recipe(
        van, plant, inputs=[(chain.door, "1", "KGM"), (chain.seat, "1", "KGM"), paint]
    )
    answer = portal.ask(chain.auto, product=van, suppliersOf=True)
    assert [each["product"]["name"] for each in answer["requests"]] == ["Seat"]
    assert answer["unnamed"] == 1


@only_sqlite
def test_what_is_made_of_ones_own_intermediates_is_asked_of_their_suppliers(
    chain: Chain, portal: Portal
) -> None:
    plant = chain.auto.site("Body shop")
    body, frame = chain.auto.product("Body"), chain.auto.product("Frame")
    chain.auto.recipe(body, plant, inputs=[(frame, "1", "KGM")])
    chain.auto.recipe(frame, plant, inputs=[(chain.foam, "1", "KGM")])
    chain.auto.purchases(plant, [(chain.thread, "5", "KGM")])
    answer = portal.ask(chain.auto, product=body, suppliersOf=True)
    assert {each["supplier"]["name"] for each in answer["requests"]} == {"Chem", "Spin"}


@only_sqlite
def test_what_is_taken_in_of_a_class_was_bought_of_somebody(chain: Chain, portal: Portal) -> None:
    """The recipe names a class only; the books of the site say from whom it was bought."""
    plant, van = chain.auto.site("Van works"), chain.auto.product("Van")
    chain.auto.recipe(van, plant, inputs=[(("urn:cpc:36270", "CN"), "1", "KGM")])
    chain.auto.purchases(plant, [(chain.thread, "5", "KGM")])
    answer = portal.ask(chain.auto, product=van, suppliersOf=True)
    assert [each["supplier"]["name"] for each in answer["requests"]] == ["Spin"]
    assert answer["unnamed"] == 0


@only_sqlite
@only_sqlite
def test_a_request_is_passed_on_for_the_product_that_it_names(chain: Chain, portal: Portal) -> None:
    (one,) = portal.ask(chain.auto, product=chain.seat)["requests"]
    path = f"requests/{one['id']}/pass-on"
    problem = portal.post(chain.sew, path, {"product": chain.foam}, 422)
    assert [flaw["where"] for flaw in problem["problems"]] == ["/product"]
    assert portal.inbox(chain.chem) == []
    portal.post(chain.sew, path, {"product": chain.seat}, 201)


def test_progress_over_a_chain_of_three_tiers(
    services: Services, chain: Chain, portal: Portal
) -> None:
    """Auto asks Sew and Press (tier 1). Sew passes on to Chem and Spin (tier 2), Chem to its own
    supplier Oil (tier 3). Press and Spin answer, Chem declines, Sew and Oil do not in time:
    tier 1 is 1 of 2, tier 2 is 1 of 2 and 1 declined, tier 3 is 0 of 1."""
    oil = chain.factory.enterprise("Oil")
    crude = oil.product("Crude")
    works = chain.chem.site("Works")
    chain.chem.recipe(chain.foam, works, inputs=[(crude, "1", "KGM")])
    asking = portal.ask(chain.auto, product=chain.car, suppliersOf=True, due="2026-02-01")["asking"]
    (at_sew,) = portal.inbox(chain.sew)
    portal.post(chain.sew, f"requests/{at_sew['id']}/pass-on", {})
    (at_chem,) = portal.inbox(chain.chem)
    portal.post(chain.chem, f"requests/{at_chem['id']}/pass-on", {"due": "2026-01-20"})
    for actor, product in ((chain.press, chain.door), (chain.spin, chain.thread)):
        actor.footprint(product, "1")
        actor.disclose("footprint", product)
    portal.post(chain.chem, f"requests/{at_chem['id']}/decline", {"reason": "Not our trade."}, 200)
    settle(services)
    told = portal.get(chain.auto, f"askings/{asking}")
    assert told["nextDue"] == "2026-02-02T00:00:00.000Z"
    chain.factory.clock.advance(days=30)
    told = portal.get(chain.auto, f"askings/{asking}")
    rows = [
        (each["asked"], each["answered"], each["declined"], each["overdue"], each["open"])
        for each in told["tiers"]
    ]
    assert rows == [(2, 1, 0, 1, 0), (2, 1, 1, 0, 0), (1, 0, 0, 1, 0)]
    assert told["progress"] == told["tiers"][0]
    assert (told["progress"]["suppliers"], told["progress"]["suppliersAnswered"]) == (2, 1)
    assert told["nextDue"] is None
    # Names of the first tier only.
    assert {each["supplier"]["name"] for each in told["requests"]} == {"Sew", "Press"}
    assert not any(name in str(told) for name in ("Chem", "Spin", "Oil"))
    # Sew sees what came of what it passed on, and Chem does not see for whom.
    (item,) = portal.inbox(chain.sew)
    assert (item["passedOn"]["asked"], item["passedOn"]["answered"]) == (2, 1)
    (at_chem,) = portal.inbox(chain.chem)
    assert (at_chem["buyer"]["name"], at_chem["parent"]) == ("Sew", None)
    assert chain.auto.id not in str(at_chem)


@only_sqlite
def test_nobody_learns_of_requests_between_others(chain: Chain, portal: Portal) -> None:
    answer = portal.ask(chain.auto, product=chain.seat)
    (one,) = answer["requests"]
    for path in (f"requests/{one['id']}", f"askings/{answer['asking']}"):
        portal.get(chain.other, path, 404)
    portal.get(chain.sew, f"askings/{answer['asking']}", 404)
    for what, body in (("decline", {"reason": "x"}), ("pass-on", {})):
        for actor in (chain.other, chain.auto):
            problem = portal.post(actor, f"requests/{one['id']}/{what}", body, 404)
            assert problem["code"] == "request-unknown"
    assert portal.inbox(chain.other) == portal.sent(chain.other) == portal.inbox(chain.auto) == []


@only_sqlite
def test_what_has_ended_is_not_passed_on(chain: Chain, portal: Portal) -> None:
    (one,) = portal.ask(chain.auto, product=chain.seat)["requests"]
    portal.post(chain.sew, f"requests/{one['id']}/decline", {"reason": "No."}, 200)
    problem = portal.post(chain.sew, f"requests/{one['id']}/pass-on", {}, 409)
    assert problem["code"] == "request-ended"
    assert portal.inbox(chain.chem) == []


@only_sqlite
def test_recipes_of_others_are_not_found_out_by_asking_for_their_suppliers(
    chain: Chain, portal: Portal
) -> None:
    body = {"product": chain.car, "suppliersOf": True}
    assert portal.post(chain.other, "requests", body, 403)["code"] == "not-disclosed"


@only_sqlite
def test_who_speaks_for_no_enterprise_asks_nobody(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    for headers in (as_role("operator"), as_role("auditor", chain.auto)):
        answer = client.get("/v1/requests", headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "asking-for-enterprises")
    assert client.get("/v1/requests").status_code == 401


@only_sqlite
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 422, "body-refused"),
        ({"product": "x"}, 422, "body-refused"),
        ({"product": "SEAT", "criteria": {"productId": ["urn:a:b"]}}, 422, "body-refused"),
        ({"product": "SEAT", "year": "2025"}, 422, "body-refused"),
        ({"product": "SEAT", "comment": "a\u0000b"}, 422, "body-refused"),
        ({"product": "SEAT", "comment": "x" * 2001}, 422, "body-refused"),
        ({"product": "SEAT", "due": "2026-01-14"}, 422, "due-refused"),
        ({"product": "SEAT", "due": "2027-01-17"}, 422, "due-refused"),
        ({"product": "SEAT", "nonsense": 1}, 422, "body-refused"),
        ({"criteria": {"geography": ["CN"]}}, 422, "body-refused"),
        ({"criteria": {"productId": []}}, 422, "body-refused"),
        ({"criteria": {"productId": ["urn:a:\u0000"]}}, 422, "body-refused"),
        ({"criteria": {"productId": ["' OR 1=1 --"]}}, 422, "nobody-to-ask"),
        ({"product": "SEAT", "criteria": {"validOn": ["yesterday"]}}, 400, "criterion-refused"),
        ({"product": "00000000-0000-4000-8000-000000000000"}, 404, "unknown-product"),
        ({"product": "CAR"}, 422, "nobody-to-ask"),
        ({"criteria": {"productId": ["urn:a:b"]}, "suppliersOf": True}, 422, "body-refused"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(
    chain: Chain, portal: Portal, body: dict[str, Any], status: int, code: str
) -> None:
    ids = {"SEAT": chain.seat, "CAR": chain.car}
    body = body | (
        {"product": ids.get(body["product"], body["product"])} if "product" in body else {}
    )
    assert portal.post(chain.auto, "requests", body, status)["code"] == code


@only_sqlite
def test_lists_are_paged_newest_first(
    client: FlaskClient, chain: Chain, as_role: AsRole, portal: Portal
) -> None:
    portal.ask(chain.auto, product=chain.seat)
    portal.ask(chain.auto, product=chain.door)
    portal.ask(chain.auto, product=chain.foam)
    headers, found = as_role("supplier", chain.auto), []
    address: str | None = "/v1/requests?box=sent&limit=2"
    while address:
        answer = client.get(address, headers=headers)
        found += [each["product"]["name"] for each in answer.get_json()["items"]]
        links = answer.headers.get("Link")
        address = links[1 : links.index(">")] if links else None
    assert found == ["Foam", "Door", "Seat"]
    portal.post(
        chain.sew, f"requests/{portal.inbox(chain.sew)[0]['id']}/decline", {"reason": "x"}, 200
    )
    states = portal.get(chain.auto, "requests?box=sent&state=declined")["items"]
    assert [each["reason"] for each in states] == ["x"]
