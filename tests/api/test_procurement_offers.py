"""Offers over HTTP: compared as their buyer may know them, awarded, and followed.

What is on offer, per tonne: the mill's coil declares 2 kg per kg, 2 000; the works make sheet from
1.5 kg of ore at 1 kg each and emit 1 kg, 2 500; a rod weighs 2.5 kg and declares 5 kg, 2 000 per
tonne of rods (400 pieces). 40 t of coil are 80 000 kg; at 600 CNY per tonne 48 000 CNY.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from api.access.access import Access
from api.callers import Caller
from api.keys.keyfile import write_secret
from api.procurement.comparing import desk_of
from api.services import Services
from api.submission.custody import custody_of
from graph.engine import Question
from ledger.log import Accepted
from ledger.receipt import Receipt
from ledger.schema import dump, load
from ledger.statements import Award
from tests.api.conftest import AsRole, Headers
from tests.cli_world import Terminal, terminal
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "access and words are not about the database")

CNY = "CNY"


class Tender:
    """A buyer, and what three suppliers offer; all but the sheet is open to the buyer."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.buyer = factory.enterprise("Buyer")
        self.mill, self.works, self.mine = (
            factory.enterprise(name) for name in ("Mill", "Works", "Mine")
        )
        self.coil = self.mill.product("Coil", identifiers=("urn:gtin:4006381333931",))
        self.declared = self.mill.footprint(self.coil, "2")
        self.rod = self.mill.product("Rod", unit="H87", mass_per_unit="2.5")
        self.mill.footprint(self.rod, "5", unit="H87", pcf={"productMassPerDeclaredUnit": "2.5"})
        self.ore = self.mine.product("Ore")
        self.dug = self.mine.footprint(self.ore, "1")
        self.mine.disclose("footprint", self.ore, to=self.works)
        self.sheet = self.works.product("Sheet")
        self.site = self.works.site("Works")
        self.works.recipe(
            self.sheet, self.site, emissions=[("CO2", "fossil", "1")],
            inputs=[(self.ore, "1.5", "KGM")],
        )  # fmt: skip
        self.opened = [
            self.mill.disclose("footprint", each, to=self.buyer) for each in (self.coil, self.rod)
        ]

    def opens_sheet(self) -> Accepted:
        return self.works.disclose("footprint", self.sheet, to=self.buyer)


def offer(label: str, amount: str = "40", unit: str = "TNE", **more: Any) -> dict[str, Any]:
    return {"label": label, "amount": amount, "unit": unit, **more}


def priced(amount: str, currency: str = CNY) -> dict[str, str]:
    return {"amount": amount, "currency": currency}


@pytest.fixture
def tender(factory: Factory) -> Tender:
    return Tender(factory)


@pytest.fixture
def buyer(tender: Tender, as_role: AsRole) -> Headers:
    return as_role("procurement", tender.buyer)


def post(client: FlaskClient, headers: Headers, status: Any = 200, **asked: Any) -> Any:
    response = client.post("/v1/comparisons", headers=headers, json={"unit": "TNE", **asked})
    assert response.status_code == status, response.get_data(as_text=True)
    return response.get_json(force=True)


def offers_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {each["label"]: each for each in answer["offers"]}


def codes(told: Mapping[str, Any]) -> list[str]:
    return [each["code"] for each in told["reasons"]]


# --- Comparing ---------------------------------------------------------------------------------


def test_offers_in_any_units_are_compared_in_one(
    client: FlaskClient, tender: Tender, buyer: Headers
) -> None:
    tender.opens_sheet()
    answer = post(
        client, buyer, carbonPrice=priced("600"), order="price-with-carbon",
        offers=[
            offer("coil", gtin="04006381333931", supplier=tender.mill.id, price=priced("152000")),
            offer("sheet", "10000", "KGM", product=tender.sheet, price=priced("37000")),
            offer("rods", "400", "H87", product=tender.rod, price=priced("4400")),
        ],
    )  # fmt: skip
    told = offers_of(answer)
    assert [told[each]["facts"]["value"] for each in told] == ["2000", "2500", "2000"]
    assert [told[each]["units"] for each in told] == ["40", "10", "1"]
    assert [told[each]["total"] for each in told] == ["80000", "25000", "2000"]
    # 152 000 + 48 000 over 40; 37 000 + 15 000 over 10; 4 400 + 1 200 over 1.
    money = [told[each]["money"]["withCarbonPerUnit"] for each in told]
    assert (money, [told[each]["rank"] for each in told]) == (["5000", "5200", "5600"], [1, 2, 3])
    assert (answer["first"], answer["unit"], answer["year"]) == ("coil", "TNE", 2025)
    assert told["coil"]["notToldApart"] == ["rods"]
    assert told["sheet"]["facts"]["usability"] is None


def test_what_is_compared_is_what_is_looked_up(
    client: FlaskClient, tender: Tender, as_role: AsRole
) -> None:
    auditor, products = as_role("auditor"), [tender.coil, tender.sheet, tender.ore]
    asked = [offer(each, product=each) for each in products]
    told = offers_of(post(client, auditor, unit="KGM", offers=asked))
    for each in products:
        found = client.get("/v1/footprint", headers=auditor, query_string={"product": each}).json
        assert found is not None
        facts = told[each]["facts"]
        for name in ("value", "coverage", "verifiedShare", "ageDays"):
            assert float(facts[name]) == float(found[name])
        interval = [float(facts[end]) for end in ("lower", "upper")]
        assert interval == pytest.approx([float(found["interval"][e]) for e in ("lower", "upper")])
        assert told[each]["asOf"] == found["asOf"]


def test_what_is_not_comparable_is_refused_by_name(
    client: FlaskClient, tender: Tender, buyer: Headers
) -> None:
    power = tender.mill.product("Power", unit="KWH")
    tender.mill.footprint(power, "0.5", unit="KWH", pcf={"productMassPerDeclaredUnit": "0"})
    tender.mill.disclose("footprint", power, to=tender.buyer)
    nothing = tender.mill.product("Nothing")
    tender.mill.disclose("footprint", nothing, to=tender.buyer)
    old = tender.mill.product("Old")
    tender.mill.footprint(old, "1", year=2019)
    tender.mill.disclose("footprint", old, to=tender.buyer)
    told = offers_of(
        post(
            client,
            buyer,
            offers=[
                offer("coil", product=tender.coil),
                offer("power", "1", "KWH", product=power),
                offer("pieces", "1", "H87", product=tender.coil),
                offer("nothing", product=nothing),
                offer("old", product=old),
                offer("closed", product=tender.sheet),
                offer("unknown", product=tender.site),
                offer("nobody's", gtin="96385074"),
                offer("no such", pactId=tender.site),
            ],
        )
    )
    assert {label: codes(each) for label, each in told.items()} == {
        "coil": [],
        "power": ["other-unit"],
        "pieces": ["other-unit"],
        "nothing": ["no-data"],
        "old": ["other-time"],
        "closed": ["not-disclosed"],
        "unknown": ["not-registered"],
        "nobody's": ["not-registered"],
        "no such": ["not-disclosed"],
    }
    assert told["closed"]["facts"] is None
    assert {each["rank"] for label, each in told.items() if label != "coil"} == {None}


def test_a_lower_bound_is_not_compared(
    client: FlaskClient, tender: Tender, as_role: AsRole
) -> None:
    bar = tender.works.product("Open")
    unknown = "urn:pact:nobody.example:sku:1"
    tender.works.recipe(
        bar, tender.site, emissions=[("CO2", "fossil", "1")], inputs=[(unknown, "1", "KGM")]
    )
    told = post(client, as_role("auditor"), offers=[offer("open", product=bar)])["offers"][0]
    assert (codes(told), told["facts"]["value"]) == (["at-least"], None)
    assert (told["facts"]["atLeast"], told["facts"]["upper"]) == ("1000", None)


def test_a_closed_offer_changes_nothing_that_is_said_of_the_others(
    client: FlaskClient, tender: Tender, buyer: Headers
) -> None:
    """Whatever it emits: nobody may read it off an order, a best or a verdict."""
    asked = {
        "rule": {"maxRatioToBest": "1.0001"},
        "offers": [offer("coil", product=tender.coil), offer("closed", product=tender.sheet)],
    }
    before = post(client, buyer, **asked)
    lighter = [("CO2", "fossil", "0.0001")]
    tender.works.recipe(
        tender.sheet, tender.site, emissions=lighter, period=("2024-01-01", "2025-01-01")
    )
    tender.mine.correct(tender.dug, pact=tender.mine.pact_body("0.0001"))
    after = post(client, buyer, **asked)
    assert [before[name] for name in ("offers", "first")] == [
        after[name] for name in ("offers", "first")
    ]


def test_what_rests_on_one_closed_supplier_is_not_compared_though_it_was_disclosed(
    client: FlaskClient, tender: Tender, buyer: Headers
) -> None:
    sand = tender.mine.product("Sand")
    tender.mine.footprint(sand, "1")
    glass = tender.works.product("Glass")
    tender.works.recipe(glass, tender.site, inputs=[(sand, "1", "KGM")])
    tender.works.disclose("footprint", glass, to=tender.buyer)
    (told,) = post(client, buyer, offers=[offer("glass", product=glass)])["offers"]
    assert (codes(told), told["facts"]) == (["fewer-than-three"], None)


def test_the_rule_is_judged_with_named_reasons(
    client: FlaskClient, tender: Tender, buyer: Headers
) -> None:
    rule = {"maxPerUnit": "1999", "minVerifiedShare": "0.5", "maxAgeDays": "100", "minUsability": 2}
    answer = post(client, buyer, rule=rule, offers=[offer("coil", product=tender.coil)])
    (told,) = answer["offers"]
    assert codes(told) == ["above-limit", "verified-low", "too-old", "usability-low"]
    assert (told["verdict"], told["rank"], answer["first"]) == ("failed", 1, None)
    assert told["reasons"][0]["sentence"] == "More carbon per unit than allowed."


def test_an_object_that_was_sent_along_is_unsigned_and_says_so(
    client: FlaskClient, tender: Tender, buyer: Headers
) -> None:
    sent = dump(tender.mill.pact_body("1.2"))
    sent["extensions"] = [
        {"specVersion": "2.0.0", "dataSchema": "https://x.example/s.json", "data": {"x": 1.5}}
    ]
    asked = {"offers": [offer("sent", footprint=sent), offer("coil", product=tender.coil)]}
    told = offers_of(post(client, buyer, rule={"signedOnly": True}, **asked))
    assert (told["sent"]["signed"], told["coil"]["signed"]) == (False, True)
    assert (codes(told["sent"]), codes(told["coil"])) == (["unsigned"], [])
    assert told["sent"]["facts"]["value"] == "1200"
    assert (told["sent"]["facts"]["verifiedShare"], len(told["sent"]["unsigned"])) == ("0", 64)
    same = replace_pcf(sent, pcfExcludingBiogenicUptake="2", pcfIncludingBiogenicUptake="2",
                       fossilGhgEmissions="2")  # fmt: skip
    facts = offers_of(post(client, buyer, offers=[
        offer("sent", footprint=same), offer("coil", product=tender.coil)
    ]))  # fmt: skip
    assert facts["sent"]["facts"] == facts["coil"]["facts"]


def replace_pcf(sent: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**sent, "pcf": {**sent["pcf"], **changes}}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": "Deprecated"}, "deprecated"),
        ({"validityPeriodStart": "2027-01-01T00:00:00Z"}, None),
    ],
)
def test_an_object_of_no_use_is_not_compared(
    client: FlaskClient, tender: Tender, buyer: Headers, changes: dict[str, str], code: str | None
) -> None:
    sent = {**dump(tender.mill.pact_body("1.2", year=2024)), **changes}
    (told,) = post(client, buyer, year=2025, offers=[offer("sent", footprint=sent)])["offers"]
    assert codes(told) == [code or "other-time"]


def test_a_footprint_that_is_handed_out_names_its_product(
    client: FlaskClient, tender: Tender, buyer: Headers
) -> None:
    first = tender.declared.statement.body.pact.id  # type: ignore[attr-defined]  # a footprint
    asked = {"offers": [offer("coil", pactId=first)]}
    (told,) = post(client, buyer, **asked)["offers"]
    assert (told["product"]["id"], told["facts"]["value"]) == (tender.coil, "2000")
    tender.mill.correct(tender.declared, pact=tender.mill.pact_body("3"))
    (told,) = post(client, buyer, **asked)["offers"]
    assert codes(told) == ["superseded"]


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"offers": []}, "/offers"),
        ({"offers": [offer("a"), offer("b")]}, "/offers/0/product"),
        ({"offers": [offer("a", gtin="96385074", cas="7439-89-6")]}, "/offers/0/product"),
        ({"offers": [offer("a", gtin="96385074")] * 2}, "/offers"),
        ({"offers": [offer("a", gtin="96385074")], "rule": {"cheap": "1"}}, "/rule/cheap"),
        ({"offers": [offer("a", gtin="96385074")], "unit": "ton"}, "/unit"),
        (
            {"offers": [offer("a", gtin="96385074")], "log": {"reference": "T", "chosen": "b"}},
            "/log/chosen",
        ),
    ],
)
def test_what_is_asked_is_read_strictly(
    client: FlaskClient, buyer: Headers, asked: dict[str, Any], where: str
) -> None:
    problem = post(client, buyer, 422, **asked)
    assert (problem["code"], problem["where"]) == ("body-refused", where)


def test_comparing_needs_a_token(client: FlaskClient, tender: Tender) -> None:
    assert (
        post(client, {}, 401, offers=[offer("a", product=tender.coil)])["code"] == "token-missing"
    )


# --- Awards ------------------------------------------------------------------------------------


def award_of(answer: Mapping[str, Any], **decided: Any) -> Award:
    plain = {"reference": "T-1", "serial": 1, "chosen": "coil"}
    members = {name: each for name, each in answer["award"].items() if name != "type"}
    return load(Award, {**members, **plain, **decided})


@pytest.fixture
def compared(client: FlaskClient, tender: Tender, buyer: Headers) -> dict[str, Any]:
    tender.opens_sheet()
    answer: dict[str, Any] = post(
        client, buyer, rule={"maxPerUnit": "2200"}, carbonPrice=priced("600"),
        offers=[
            offer("coil", product=tender.coil, price=priced("152000")),
            offer("sheet", product=tender.sheet, price=priced("148000")),
        ],
    )  # fmt: skip
    return answer


def submit(client: FlaskClient, actor: Actor, award: Award, **common: Any) -> Any:
    envelope = actor.sign(award, **common)
    return client.post("/v1/statements", data=envelope, content_type="application/jose")


def test_the_award_that_is_answered_is_taken_when_its_buyer_signs_it(
    client: FlaskClient, tender: Tender, compared: dict[str, Any]
) -> None:
    tender.mine.product("Sand")  # the log goes on meanwhile
    held = submit(client, tender.buyer, award_of(compared))
    assert held.status_code == 201, held.get_data(as_text=True)
    award = cast(Award, tender.factory.log.entry(held.json["index"]).statement.body)
    assert [(each.label, each.verdict, each.reasons) for each in award.offers] == [
        ("coil", "passed", ()),
        ("sheet", "failed", ("above-limit",)),
    ]


def altered(award: Award, k: int, **changes: Any) -> Award:
    offers = list(award.offers)
    offers[k] = replace(offers[k], **changes)
    return replace(award, offers=tuple(offers))


def wrong(award: Award) -> dict[str, Award]:
    """Awards that state something else than follows."""
    coil, sheet = (each.facts for each in award.offers)
    assert coil
    assert sheet
    other = type(coil.at_least)("1999")
    return {
        "/offers/0/facts": altered(award, 0, facts=replace(coil, value=other)),
        "/offers/1/verdict": altered(award, 1, verdict="passed", reasons=()),
        "/offers/1/units": altered(award, 1, units=other),
        "/offers/0/asOf": altered(award, 0, as_of=1),
        "/engine": replace(award, engine="0"),
    }


@pytest.mark.parametrize(
    "where",
    ["/offers/0/facts", "/offers/1/verdict", "/offers/1/units", "/offers/0/asOf", "/engine"],
)
def test_an_award_that_does_not_follow_is_not_taken(
    client: FlaskClient, tender: Tender, compared: dict[str, Any], where: str
) -> None:
    size = tender.factory.log.size()
    refused = submit(client, tender.buyer, wrong(award_of(compared))[where])
    assert (refused.status_code, refused.json["code"]) == (422, "award-differs")
    assert refused.json["where"] == where
    assert "2000" not in str(refused.json["params"])
    assert tender.factory.log.size() == size


def test_a_bidder_cannot_be_left_out_as_closed_who_is_open(
    client: FlaskClient, tender: Tender, compared: dict[str, Any]
) -> None:
    claimed = altered(
        award_of(compared), 1, verdict="refused", reasons=("not-disclosed",), facts=None,
        units=None, as_of=None,
    )  # fmt: skip
    assert submit(client, tender.buyer, claimed).json["code"] == "award-differs"


def test_nobody_is_told_by_an_award_what_it_may_not_read(
    client: FlaskClient, tender: Tender, compared: dict[str, Any]
) -> None:
    """The same award, said by an enterprise to which nothing is open."""
    refused = submit(client, tender.works, award_of(compared))
    assert (refused.json["code"], refused.json["params"]["name"]) == ("award-differs", "verdict")


def test_an_award_is_its_buyers_and_auditors_to_read(
    client: FlaskClient, tender: Tender, compared: dict[str, Any], as_role: AsRole
) -> None:
    digest = submit(client, tender.buyer, award_of(compared)).json["digest"]
    read = {"auditor": as_role("auditor"), "buyer": as_role("supplier", tender.buyer)}
    closed = {"mill": as_role("supplier", tender.mill), "operator": as_role("operator")}
    for headers in read.values():
        assert client.get(f"/v1/awards/{digest}", headers=headers).status_code == 200
        (listed,) = client.get("/v1/awards", headers=headers).json["items"]  # type: ignore[index]  # it is JSON
        assert (listed["digest"], listed["chosen"], listed["offers"]) == (digest, "coil", 2)
    for headers in closed.values():
        assert client.get(f"/v1/awards/{digest}", headers=headers).status_code == 404
        assert client.get(f"/v1/statements/{digest}", headers=headers).status_code == 404
        assert client.get("/v1/awards", headers=headers).json["items"] == []  # type: ignore[index]  # as above


def test_what_is_no_award_is_none(client: FlaskClient, tender: Tender, as_role: AsRole) -> None:
    for digest in (tender.declared.digest, "0" * 64, "x" * 64):
        answer = client.get(f"/v1/awards/{digest}", headers=as_role("auditor"))
        assert (answer.status_code, answer.json["code"]) == (404, "statement-not-found")  # type: ignore[index]  # it is JSON


@pytest.fixture
def keeps_key(tender: Tender, services: Services) -> None:
    """The operator holds a key for the buyer; statements in custody are signed at the time of day,
    so the log's clock must show it."""
    tender.factory.clock.now_ms = round(time.time() * 1000)
    body = custody_of(services).make(tender.buyer.id)
    tender.factory.operator.say(body, subject=tender.buyer.id)


@pytest.mark.usefixtures("keeps_key")
def test_with_a_key_in_custody_the_award_is_logged_at_once(
    client: FlaskClient, tender: Tender, buyer: Headers
) -> None:
    asked = {"offers": [offer("coil", product=tender.coil)]}
    for serial in (1, 2):
        decided = {"reference": "T-9", "chosen": "coil"}
        logged = post(client, buyer, log=decided, **asked)["logged"]
        entry = tender.factory.log.entry(logged["index"])
        assert (entry.statement.digest, entry.statement.subject) == (
            logged["digest"],
            tender.buyer.id,
        )
        assert isinstance(entry.statement.body, Award)
        assert (entry.statement.body.serial, logged["serial"]) == (serial, serial)
        assert Receipt.parse(logged["receipt"].encode()).index == logged["index"]
    found = client.get("/v1/awards?reference=T-9&limit=1", headers=buyer)
    assert 'rel="next"' in found.headers["Link"]
    assert len(client.get("/v1/awards?reference=T-8", headers=buyer).json["items"]) == 0  # type: ignore[index]  # it is JSON


def test_without_a_key_in_custody_nothing_is_logged(
    client: FlaskClient, tender: Tender, buyer: Headers, as_role: AsRole
) -> None:
    asked = {"offers": [offer("coil", product=tender.coil)], "log": {"reference": "T-9"}}
    for who in (buyer, as_role("auditor")):
        assert post(client, who, 400, **asked)["code"] == "no-key-in-custody"


# --- Drift -------------------------------------------------------------------------------------


def drifted(client: FlaskClient, headers: Headers, digest: str) -> Any:
    answer = client.get(f"/v1/awards/{digest}", headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.json


def test_an_award_pins_its_figures_and_tells_what_moved_them(
    client: FlaskClient, tender: Tender, compared: dict[str, Any], buyer: Headers
) -> None:
    """Coil goes from 2 000 to 2 600 kg per t: above 2 200, and above sheet's 2 500."""
    digest = submit(client, tender.buyer, award_of(compared)).json["digest"]
    still = drifted(client, buyer, digest)
    assert (still["ruleHolds"], still["stillFirst"]) == (True, True)
    assert {(o["change"], o["diff"]) for o in still["offers"]} == {("0", None)}
    moved = tender.mill.correct(tender.declared, pact=tender.mill.pact_body("2.6"))
    now = drifted(client, buyer, digest)
    coil, sheet = now["offers"]
    assert (coil["then"]["value"], coil["now"]["value"], coil["change"]) == ("2000", "2600", "600")
    assert (coil["ratio"], coil["now"]["asOf"]) == ("1.3", moved.index)
    assert (coil["then"]["rank"], coil["now"]["rank"]) == (1, 2)
    assert (codes(coil["now"]), codes(sheet["now"])) == (["above-limit"], ["above-limit"])
    assert (now["ruleHolds"], now["stillFirst"]) == (False, False)
    assert (now["firstThen"], now["firstNow"], now["award"]["chosen"]) == ("coil", None, "coil")
    diff = client.get(coil["diff"], headers=buyer)
    assert [each["index"] for each in diff.json["causes"]] == [moved.index]  # type: ignore[index]  # it is JSON


def test_what_was_closed_since_is_told_no_more(
    client: FlaskClient, tender: Tender, compared: dict[str, Any], buyer: Headers
) -> None:
    digest = submit(client, tender.buyer, award_of(compared)).json["digest"]
    tender.mill.correct(tender.opened[0], level="private")
    coil, _ = drifted(client, buyer, digest)["offers"]
    assert (coil["then"]["value"], coil["now"]["value"], coil["change"]) == ("2000", None, None)
    assert codes(coil["now"]) == ["not-disclosed"]


def test_what_is_known_of_a_product_is_the_same_however_often_it_is_asked(
    services: Services, tender: Tender
) -> None:
    """And it is kept while the log goes on elsewhere."""
    engine, figures = services.engine, desk_of(services).figures
    access = Access(engine.standing(), Caller("procurement", tender.buyer.id))
    first = figures.known(access, engine.answer(Question(2025)), tender.coil)
    tender.mine.product("Sand at another place", unit="MTQ")
    access = Access(engine.standing(), access.caller)
    assert figures.known(access, engine.answer(Question(2025)), tender.coil) == first


# --- In the terminal ---------------------------------------------------------------------------


@pytest.fixture
def at(tmp_path: Path, tender: Tender, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    folder = tmp_path / "person"
    (folder / "var").mkdir(parents=True)
    made = terminal(folder, monkeypatch, tender.factory.url)
    write_secret(folder / "var" / "signing-key.pem", tender.factory.signer.private)
    return made


def test_offers_are_compared_in_the_terminal(at: Terminal, tender: Tender) -> None:
    at.write("offers.json", {
        "unit": "TNE", "carbonPrice": priced("600"), "order": "price-with-carbon",
        "rule": {"maxPerUnit": "2200"},
        "offers": [
            offer("coil", product=tender.coil, price=priced("152000")),
            offer("sheet", product=tender.sheet, price=priced("148000")),
            offer("nobody's", gtin="96385074"),
        ],
    })  # fmt: skip
    said = at.ok("compare", "offers.json").out
    assert "kg CO2e per TNE, cradle to gate, 2025, GWP AR6" in said
    assert "First among those that pass: coil." in said
    assert "sheet: More carbon per unit than allowed." in said
    assert "nobody's: The identifier means no registered product." in said
    assert "├" in said
    assert "5,000 CNY" in said
    assert at.ok("compare", "offers.json", "--json").json["first"] == "coil"
    assert at.run("compare", "offers.json", "--chosen", "coil").code == 2


def test_drift_is_told_by_the_tender(
    at: Terminal, client: FlaskClient, tender: Tender, compared: dict[str, Any]
) -> None:
    submit(client, tender.buyer, award_of(compared))
    tender.mill.correct(tender.declared, pact=tender.mill.pact_body("2.6"))
    assert "T-1 (1)" in at.ok("awards").out
    said = at.ok("drift", "T-1").out
    assert "coil does not meet the rule any more." in said
    assert "+600" in said
    assert at.ok("drift", "T-1", "--json").json["ruleHolds"] is False
    assert at.run("drift", "T-404").code == 1


def test_a_gas_without_a_warming_potential_refuses_its_own_offer_alone(
    client: FlaskClient, tender: Tender, as_role: AsRole
) -> None:
    """AR4 has no value for this gas; the comparison of the others goes on."""
    foam = tender.works.product("Foam")
    tender.works.recipe(foam, tender.site, emissions=[("HFC-41", "fossil", "1")])
    asked = [offer("foam", product=foam), offer("coil", product=tender.coil)]
    told = offers_of(post(client, as_role("auditor"), gwp="AR4", offers=asked))
    assert (codes(told["foam"]), codes(told["coil"])) == (["not-computed"], [])
