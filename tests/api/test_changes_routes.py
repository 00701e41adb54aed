"""What changed and why: deltas add up exactly, and nobody learns more than figures tell."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from api.changes import routes as changes
from api.keys.keyfile import write_secret
from tests.api.conftest import AsRole, Headers
from tests.chain import YEAR, build_chain
from tests.cli_world import Terminal, terminal
from tests.factory import Factory, line

pytestmark = pytest.mark.only_on("sqlite", "these tests are not about the database")


class Asker:
    def __init__(self, client: FlaskClient, headers: Headers) -> None:
        self.client, self.headers = client, headers

    def __call__(self, kind: str, entity: str, start: int, **query: Any) -> Any:
        return self.answer(f"/v1/{kind}s/{entity}/diff", 200, **{"from": start, **query})

    def refused(self, kind: str, entity: str, start: int, status: int = 403, **query: Any) -> str:
        address = f"/v1/{kind}s/{entity}/diff"
        return str(self.answer(address, status, **{"from": start, **query})["code"])

    def wave(self, index: int, status: int = 200) -> Any:
        return self.answer(f"/v1/log/{index}/wave", status)

    def answer(self, address: str, status: int, **query: Any) -> Any:
        response = self.get(address, **query)
        assert response.status_code == status, response.get_data(as_text=True)
        return response.get_json(force=True)

    def get(self, address: str, headers: Headers | None = None, **query: Any) -> Any:
        asked = {"year": YEAR, **query}
        return self.client.get(address, query_string=asked, headers=self.headers | (headers or {}))


Ask = Callable[..., Asker]


@pytest.fixture
def ask(client: FlaskClient, as_role: AsRole) -> Ask:
    return lambda role, actor=None: Asker(client, as_role(role, actor))


@pytest.fixture
def auditor(ask: Ask) -> Asker:
    return ask("auditor")


def adds_up(told: Any) -> None:
    """Every number of the ends differs by exactly what the causes come to."""
    parts = [*told["causes"], *filter(None, [told["undisclosed"]])]
    for number in told["numbers"]:
        before, after = (
            Decimal(number[at]["atLeast"]) if number[at] else Decimal(0)
            for at in ("before", "after")
        )
        deltas = (
            Decimal(each["delta"])
            for part in parts
            for each in part["numbers"]
            if each["name"] == number["name"]
        )
        assert sum(deltas, Decimal(0)) == after - before == Decimal(number["delta"]), number


class Firm:
    """Steel from 1.6 kg of ore at 0.3 kg CO2e, with 2 kg of its own: 2.48."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.actor, self.mine = factory.enterprise("Acme"), factory.enterprise("Mine")
        self.site, self.steel = self.actor.site("Works"), self.actor.product("Steel")
        self.ore = self.mine.product("Ore")
        self.stated = self.mine.footprint(self.ore, "0.3")
        self.recipe = self.actor.recipe(
            self.steel, self.site, emissions=[("CO2", "fossil", "2")],
            inputs=[(self.ore, "1.6", "KGM")],
        )  # fmt: skip
        self.start = factory.log.size()

    def corrects(self, total: str = "0.5") -> int:
        said = self.mine.correct(self.stated, pact=self.mine.pact_body(total))
        self.stated = said
        return int(said.index)

    def takes_in(self, *parts: str) -> None:
        """Another recipe of one kg each."""
        lines = tuple(line((part, "1", "KGM")) for part in parts)
        self.recipe = self.actor.correct(self.recipe, inputs=lines)

    def supplied(self, name: str, total: str = "1", *, disclosed: bool = False) -> str:
        supplier = self.factory.enterprise(name)
        part = supplier.product(f"{name} part")
        supplier.footprint(part, total)
        if disclosed:
            supplier.disclose("footprint", part, to=self.actor)
        return part


@pytest.fixture
def firm(factory: Factory) -> Firm:
    return Firm(factory)


# --- What is told ----------------------------------------------------------------------------


def test_a_correction_is_told_with_its_path_its_delta_and_a_sentence(
    firm: Firm, auditor: Asker
) -> None:
    """1.6 × (0.5 − 0.3) = 0.32."""
    index = firm.corrects()
    firm.actor.product("Something else")
    told = auditor("product", firm.steel, firm.start)
    (cause,) = told["causes"]
    assert (cause["index"], cause["type"]) == (index, "footprint")
    assert cause["about"] == {"kind": "product", "id": firm.ore, "name": "Ore"}
    assert cause["by"]["name"] == "Mine"
    assert cause["digest"] == firm.stated.digest
    assert [step["product"]["name"] for step in cause["path"]] == ["Steel", "Ore"]
    assert cause["sentence"] == ("Mine corrected the footprint of Ore: +0.32 kg CO2e per KGM.")
    assert cause["numbers"] == [
        {
            "name": "footprint",
            "before": {"atLeast": "2.48", "value": "2.48"},
            "after": {"atLeast": "2.8", "value": "2.8"},
            "delta": "0.32",
        }
    ]
    assert (told["from"], told["to"], told["undisclosed"]) == (firm.start, index + 2, None)
    adds_up(told)


def test_deltas_add_up_to_the_last_digit(factory: Factory, firm: Firm, auditor: Asker) -> None:
    draw = random.Random(7)
    for _ in range(12):
        firm.corrects(f"{draw.random() * 10 ** draw.randrange(-6, 9):.9f}")
        firm.recipe = firm.actor.correct(
            firm.recipe, inputs=(line((firm.ore, f"{draw.random():.7f}", "KGM")),)
        )
    told = auditor("product", firm.steel, firm.start)
    assert len(told["causes"]) == 24
    adds_up(told)
    adds_up(auditor("enterprise", firm.actor.id, firm.start))


def test_a_figure_that_was_not_there_counts_as_nothing_and_is_null(
    firm: Firm, auditor: Asker
) -> None:
    told = auditor("product", firm.steel, 2)
    assert told["numbers"][0]["before"] is None
    assert told["numbers"][0]["delta"] == "2.48"
    adds_up(told)


def test_members_that_join_and_books_that_come_in_move_a_park(
    factory: Factory, auditor: Asker
) -> None:
    chain = build_chain(factory)
    told = auditor("park", chain.park, 2)
    adds_up(told)
    assert {number["name"]: number["delta"] for number in told["numbers"]}["t2"] == "330"
    start = factory.log.size()
    chain.manager.membership(chain.park, chain.sites["T4"], consent_by=chain.firms["T4"])
    (cause,) = auditor("park", chain.park, start)["causes"]
    assert cause["about"]["name"] == "T4 site"
    assert cause["sentence"].startswith("Park Manager stated the membership of T4 site: +")


def test_what_was_withdrawn_is_told_and_what_was_erased_is_withheld(
    firm: Firm, factory: Factory, auditor: Asker
) -> None:
    firm.mine.withdraw(firm.stated)
    other = firm.mine.footprint(firm.ore, "1", geography="DE")
    told = auditor("product", firm.steel, firm.start)
    assert [cause["sentence"] for cause in told["causes"]] == [
        "Mine withdrew the footprint of Ore: -0.48 kg CO2e per KGM.",
        "Mine stated the footprint of Ore: +1.6 kg CO2e per KGM.",
    ]
    firm.mine.erase(other)
    assert auditor.refused("product", firm.steel, firm.start, 410) == "payload-erased"


def test_nothing_that_moved_is_no_cause(firm: Firm, auditor: Asker) -> None:
    firm.actor.disclose("footprint", firm.steel)
    told = auditor("product", firm.steel, firm.start)
    assert (told["causes"], told["numbers"][0]["delta"]) == ([], "0")


# --- Who may know ----------------------------------------------------------------------------


def test_the_owner_is_told_what_a_supplier_that_discloses_did(firm: Firm, ask: Ask) -> None:
    firm.mine.disclose("footprint", firm.ore, to=firm.actor)
    firm.corrects()
    told = ask("supplier", firm.actor)("product", firm.steel, firm.start)
    (cause,) = told["causes"]
    assert cause["sentence"].startswith("Mine corrected the footprint of Ore")
    assert cause["digest"] is None  # the entry itself is the mine's and the auditors' to read
    assert [step["product"]["name"] for step in cause["path"]] == ["Steel", "Ore"]
    assert cause["cut"] is True


@pytest.mark.parametrize(
    ("suppliers", "code"), [(1, "fewer-than-three"), (3, "earlier-position-not-disclosed")]
)
def test_two_positions_around_a_hidden_statement_do_not_give_it_away(
    firm: Firm, ask: Ask, auditor: Asker, suppliers: int, code: str
) -> None:
    """Of three hidden suppliers, the one that spoke in between would be known to the gram."""
    firm.takes_in(*(firm.supplied(f"S{number}") for number in range(suppliers)))
    start = firm.factory.log.size()
    firm.actor.product("Something else")
    assert ask("supplier", firm.actor).refused("product", firm.steel, start) == code
    assert auditor("product", firm.steel, start)["causes"] == []


def test_a_supplier_that_came_and_went_between_two_open_ends_stays_hidden(
    firm: Firm, ask: Ask
) -> None:
    """Both ends may be read; on the way there was a supplier alone."""
    own = firm.actor.product("Own part")
    firm.actor.footprint(own, "1")
    firm.takes_in(own)
    start = firm.factory.log.size()
    owner = ask("supplier", firm.actor)
    firm.takes_in(own, firm.supplied("Secret"))
    firm.takes_in(own)
    assert owner.refused("product", firm.steel, start) == "fewer-than-three"
    end = firm.factory.log.size()
    firm.takes_in(own, own)
    assert len(owner("product", firm.steel, end)["causes"]) == 1


def test_one_that_came_and_went_without_moving_the_figure_stays_hidden_too(
    firm: Firm, ask: Ask
) -> None:
    """That the figure did not move would say that the hidden part is the same as the own one."""
    own = firm.actor.product("Own part")
    firm.actor.footprint(own, "1")
    firm.takes_in(own)
    secret = firm.supplied("Secret", "1")
    start = firm.factory.log.size()
    firm.takes_in(secret)
    firm.takes_in(own)
    assert ask("supplier", firm.actor).refused("product", firm.steel, start) == "fewer-than-three"


def test_a_buyer_of_the_footprint_learns_neither_who_nor_what_nor_when(
    firm: Firm, ask: Ask
) -> None:
    buyer = firm.factory.enterprise("Buyer")
    firm.mine.disclose("footprint", firm.ore, to=firm.actor)
    firm.actor.disclose("footprint", firm.steel, to=buyer)
    start = firm.factory.log.size()
    firm.corrects()
    firm.actor.correct(firm.recipe, inputs=(line((firm.ore, "1", "KGM")),))
    told = ask("procurement", buyer)("product", firm.steel, start)
    assert told["causes"] == []
    assert told["undisclosed"]["numbers"] == [{"name": "footprint", "delta": "0.02"}]
    assert told["undisclosed"]["sentence"] == (
        "Entries changed that are not disclosed to you: +0.02 kg CO2e per KGM."
    )
    said = json.dumps(told)
    for secret in ("Mine", "Ore", firm.ore, firm.mine.id, firm.stated.digest, "Works", "recipe"):
        assert secret not in said
    adds_up(told)


def test_a_buyer_does_not_learn_whether_a_change_arose_at_the_maker_or_behind_it(
    firm: Firm, ask: Ask
) -> None:
    """A product whose registration is revised is no secret, and says nothing about suppliers."""
    buyer = firm.factory.enterprise("Buyer")
    firm.mine.disclose("footprint", firm.ore, to=firm.actor)
    firm.actor.disclose("footprint", firm.steel, to=buyer)
    declared = firm.actor.footprint(firm.steel, "7")
    firm.actor.withdraw(firm.recipe)
    start = firm.factory.log.size()
    firm.actor.correct(declared, pact=firm.actor.pact_body("8"))
    (cause,) = ask("procurement", buyer)("product", firm.steel, start)["causes"]
    assert cause["sentence"] == "Acme corrected the footprint of Steel: +1 kg CO2e per KGM."
    assert [step["product"]["name"] for step in cause["path"]] == ["Steel"]
    assert cause["cut"] is True


def test_levels_between_what_is_told_and_what_is_not_are_left_out(firm: Firm, ask: Ask) -> None:
    """The figure right before an own change would split the sum of the others."""
    middle = firm.factory.enterprise("Middle")
    part, site = middle.product("Part"), middle.site("Shed")
    mixed = middle.recipe(part, site, emissions=[("CO2", "fossil", "3")],
                          inputs=[(firm.ore, "1", "KGM")])  # fmt: skip
    middle.disclose("footprint", part, to=firm.actor)
    firm.takes_in(part)
    start = firm.factory.log.size()
    middle.correct(mixed, emissions=mixed.statement.body.emissions[:0])
    firm.takes_in(part, part)
    told = ask("supplier", firm.actor)("product", firm.steel, start)
    (own,) = told["causes"]
    assert own["sentence"].startswith("Acme corrected the recipe of Steel")
    assert (own["numbers"][0]["before"], own["numbers"][0]["after"]) == (None, None)
    assert told["undisclosed"]["numbers"] == [{"name": "footprint", "delta": "-3"}]
    assert "Shed" not in json.dumps(told)
    adds_up(told)


def test_what_happens_behind_a_product_whose_figure_may_be_read_is_told_as_behind_it(
    firm: Firm, ask: Ask
) -> None:
    middle = firm.factory.enterprise("Middle")
    part, site = middle.product("Part"), middle.site("Shed")
    middle.recipe(part, site, inputs=[(firm.ore, "1", "KGM")])
    middle.disclose("footprint", part, to=firm.actor)
    firm.mine.disclose("footprint", firm.ore, to=middle)
    firm.takes_in(part)
    start = firm.factory.log.size()
    firm.corrects()
    told = ask("supplier", firm.actor)("product", firm.steel, start)
    (cause,) = told["causes"]
    assert cause["sentence"].startswith("Something behind Part of Middle changed: +0.2 ")
    assert [cause[name] for name in ("index", "type", "time", "digest")] == [None] * 4
    assert "Mine" not in json.dumps(told)


def test_a_registration_that_everybody_may_read_does_not_say_who_supplies_whom(
    firm: Firm, ask: Ask
) -> None:
    """The ore is counted in pieces now: that is no secret, but that steel is made of it is."""
    buyer = firm.factory.enterprise("Buyer")
    firm.mine.disclose("footprint", firm.ore, to=firm.actor)
    firm.actor.disclose("footprint", firm.steel, to=buyer)
    said = firm.factory.standing().products[firm.ore]
    start = firm.factory.log.size()
    firm.mine.say(type(said.statement.body)(id=firm.ore, name="Ore", unit="H87"), prev=said.digest)
    told = ask("procurement", buyer)("product", firm.steel, start)
    assert told["causes"] == []
    assert told["undisclosed"] is not None
    assert firm.ore not in json.dumps(told)
    owner = ask("supplier", firm.actor)("product", firm.steel, start)
    assert "Mine revised the registration of Ore" in owner["causes"][0]["sentence"]


def test_an_enterprise_is_refused_where_one_supplier_was_hidden_on_the_way(
    firm: Firm, ask: Ask, auditor: Asker
) -> None:
    firm.actor.production(firm.steel, firm.site, "10")
    start = firm.factory.log.size()
    firm.corrects()
    own = ask("supplier", firm.actor)
    assert own.refused("enterprise", firm.actor.id, start) == "fewer-than-three"
    firm.mine.disclose("footprint", firm.ore, to=firm.actor)
    told = own("enterprise", firm.actor.id, start)
    adds_up(told)
    deltas = {number["name"]: number["delta"] for number in told["numbers"]}
    assert (deltas["t2"], deltas["scope1"]) == ("3.2", "0")
    assert auditor("enterprise", firm.actor.id, start)["numbers"] == told["numbers"]


def test_a_park_is_told_of_tenants_that_agreed_and_of_no_others(factory: Factory, ask: Ask) -> None:
    chain = build_chain(factory)
    start = factory.log.size()
    emitted = chain.recipes["P1"].statement.body.emissions
    more = type(emitted[0])(gas="CO2", origin="fossil", amount=Decimal(300))
    chain.firms["P1"].correct(chain.recipes["P1"], emissions=(more,))
    park = ask("park", chain.manager)
    told = park("park", chain.park, start)
    adds_up(told)
    assert {n["name"]: n["delta"] for n in told["numbers"]}["t2"] == "100"
    # The recipe is the tenant's to show; only that something moved is told.
    assert told["undisclosed"]["sentence"].endswith("+100 kg CO2e.")
    chain.firms["P1"].disclose("recipe", chain.products["P1"], to=chain.manager)
    (cause,) = park("park", chain.park, start)["causes"]
    assert cause["sentence"] == "P1 Works corrected the recipe of P1: +100 kg CO2e."
    assert [step["product"]["name"] for step in cause["path"]] == ["P1"]
    stranger = factory.enterprise("Stranger")
    assert ask("supplier", stranger).refused("park", chain.park, start) == "not-disclosed"


def test_a_park_is_not_told_through_which_tenant_a_change_came(factory: Factory, ask: Ask) -> None:
    """The power is everybody's, and the park buys none itself: that P1 uses most of it is P1's."""
    chain = build_chain(factory)
    chain.firms["E3"].disclose("recipe", chain.products["E3"], to=chain.manager)
    start = factory.log.size()
    chain.firms["E3"].correct(chain.recipes["E3"], emissions=())
    told = ask("park", chain.manager)("park", chain.park, start)
    assert told["causes"] == []
    assert told["undisclosed"]["numbers"]
    assert "P1" not in json.dumps(told)


def test_a_park_whose_tenants_must_be_protected_is_refused(factory: Factory, ask: Ask) -> None:
    chain = build_chain(factory, small_aggregates=False)
    start = factory.log.size()
    factory.enterprise("Anybody")
    park = ask("park", chain.manager)
    assert park.refused("park", chain.park, start) == "fewer-than-three-tenants"


def test_a_public_park_does_not_tell_its_readers_which_tenant_it_was(
    factory: Factory, ask: Ask
) -> None:
    chain = build_chain(factory)
    chain.manager.disclose("figure", chain.park)
    start = factory.log.size()
    chain.firms["P1"].withdraw(chain.recipes["P1"])
    told = ask("supplier", factory.enterprise("Reader"))("park", chain.park, start)
    assert told["causes"] == []
    assert "P1" not in json.dumps(told)


# --- How it is asked -------------------------------------------------------------------------


def test_questions_that_make_no_sense_are_refused_by_name(
    firm: Firm, ask: Ask, auditor: Asker, client: FlaskClient
) -> None:
    size = firm.factory.log.size()
    for start, to in ((size, size), (size, 1)):
        code = auditor.refused("product", firm.steel, start, 422, to=to)
        assert code == "prefixes-reversed"
    assert auditor.refused("product", firm.steel, 1, 404, to=size + 1) == "log-position-unknown"
    assert auditor.refused("product", firm.factory.uuid(), 1, 404) == "unknown-product"
    assert auditor.answer(f"/v1/products/{firm.steel}/diff", 400)["code"] == "parameters-refused"
    nobody = Asker(client, {})
    assert nobody.refused("product", firm.steel, 1, 401) == "token-missing"
    assert ask("supplier", firm.mine).refused("product", firm.steel, 1) == "not-disclosed"


def test_long_ranges_are_for_auditors(
    firm: Firm, ask: Ask, auditor: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    firm.mine.disclose("footprint", firm.ore, to=firm.actor)
    monkeypatch.setattr(changes, "MOST_ENTRIES", 3)
    owner, size = ask("supplier", firm.actor), firm.factory.log.size()
    assert owner.refused("product", firm.steel, size - 4, 422) == "range-too-long"
    assert owner("product", firm.steel, size - 3)["to"] == size
    assert auditor("product", firm.steel, 1)["to"] == size


def test_a_copy_stays_good_until_something_in_it_changes(firm: Firm, auditor: Asker) -> None:
    index, address = firm.corrects(), f"/v1/products/{firm.steel}/diff"
    open_end, closed = {"from": firm.start}, {"from": firm.start, "to": index + 1}
    tags = [auditor.get(address, **query).headers["ETag"] for query in (open_end, closed)]
    firm.factory.enterprise("Anybody")

    def again(tag: str, query: dict[str, int]) -> int:
        return int(auditor.get(address, {"If-None-Match": tag}, **query).status_code)

    assert [again(tags[0], open_end), again(tags[1], closed)] == [304, 304]
    firm.corrects("0.9")
    assert [again(tags[0], open_end), again(tags[1], closed)] == [200, 304]


# --- Waves -----------------------------------------------------------------------------------


def test_a_wave_is_everything_that_one_entry_moved(firm: Firm, auditor: Asker) -> None:
    firm.actor.production(firm.steel, firm.site, "10")
    told = auditor.wave(firm.corrects())
    assert (told["type"], told["by"]["name"], told["left"]) == ("footprint", "Mine", 0)
    moved = {each["name"]: each for each in told["moved"]}
    assert list(moved) == ["Acme", "Steel", "Ore"]
    assert {name: each["numbers"][-1]["delta"] for name, each in moved.items()} == {
        "Acme": "3.2",
        "Steel": "0.32",
        "Ore": "0.2",
    }
    assert [step["product"]["name"] for step in moved["Acme"]["path"]] == ["Steel", "Ore"]


def test_waves_are_for_auditors_and_of_entries_that_are_there(
    firm: Firm, ask: Ask, auditor: Asker
) -> None:
    assert auditor.wave(0)["moved"] == []
    assert auditor.wave(firm.start + 1, 404)["code"] == "entry-not-found"
    for role in ("supplier", "operator"):
        assert ask(role, firm.mine).wave(3, 403)["code"] == "not-disclosed"


# --- In the terminal -------------------------------------------------------------------------


@pytest.fixture
def at(factory: Factory, firm: Firm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    made = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    return made


def test_a_difference_is_a_table_whose_lines_add_up(at: Terminal, firm: Firm) -> None:
    index = firm.corrects()
    firm.actor.correct(firm.recipe, inputs=(line((firm.ore, "1", "KGM")),))
    said = at.ok("diff", "product", "Steel", "--from", firm.start).out
    rows = [each.split() for each in said.splitlines()]
    assert any(row[:1] == [str(index)] and "+0.32" in row and "2.8" in row for row in rows)
    assert any(row[:1] == ["after"] and row[1:3] == ["+0.02", "2.5"] for row in rows)
    assert "Steel ← Ore" in said
    assert "█" in said
    one = at.ok("diff", "product", "Steel", "--from", firm.start, "--most", 1).out
    assert "1 smaller ones" in one
    told = at.ok("diff", "product", "Steel", "--from", firm.start, "--json").json
    adds_up(told)


def test_a_wave_is_a_table_of_what_moved(at: Terminal, firm: Firm) -> None:
    index = firm.corrects()
    said = at.ok("wave", index).out
    assert "Mine: footprint Ore" in said
    assert "+0.32" in said
    assert at.ok("wave", 0).out.count("moved nothing") == 1
    assert at.ok("wave", index, "--json").json["index"] == index
