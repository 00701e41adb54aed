"""What would follow if something else had been said, and that nobody has said it."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from graph.differences.whatif import (
    NO_PREFIX,
    Change,
    Compared,
    Hypothetical,
    RemoveInput,
    ReplaceInput,
    Say,
    ScaleEmissions,
    ScaleInput,
    Scope,
    Supposition,
    TakeBack,
    compared,
    is_hypothetical,
    moved,
    suppose,
    supposition,
)
from graph.engine import Answered, Engine, Question
from graph.errors import NothingToChange, NothingToTakeBack, NotSupposable, SpeakerUnknown
from graph.publishing.published import figure_body
from graph.solving.solved import Solved
from ledger.errors import OverlappingPeriods, StatementMalformed
from ledger.schema import dump
from ledger.statements import Body, Emission, Inputs
from tests.chain import YEAR, Chain, build_chain
from tests.factory import Factory
from tests.graph.world import World

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

ASKED = Question(year=YEAR)


def members(body: Body) -> dict[str, Any]:
    return {"type": body.TYPE, **dump(body)}


class Case:
    """An engine before, and what it would be after some changes."""

    def __init__(self, factory: Factory, *changes: Change) -> None:
        self.before = Engine(factory.log)
        self.answered: Answered = self.before.answer(ASKED)
        self.supposed = suppose(self.answered.standing, changes)
        self.after = supposition(self.answered, self.supposed)

    def number(self, kind: str, entity: str, name: str) -> tuple[float | None, float | None]:
        told = compared(self.before, self.after, kind, entity, ASKED)
        assert told is not None
        number = next(each for each in told.numbers if each.name == name)
        return tuple(  # type: ignore[return-value]  # of two, before and after
            None if each is None else each.at_least for each in (number.before, number.after)
        )

    def park(self, chain: Chain, name: str = "t2") -> tuple[float | None, float | None]:
        return self.number("park", chain.park, name)

    def footprint(self, chain: Chain, name: str) -> tuple[float | None, float | None]:
        return self.number("product", chain.products[name], "footprint")

    def moved(self) -> dict[tuple[str, str], Compared]:
        return {(told.kind, told.name): told for told in moved(self.before, self.after, ASKED)[0]}


def test_supposing_nothing_changes_nothing_and_writes_nothing(factory: Factory) -> None:
    chain = build_chain(factory)
    checkpoint = factory.log.checkpoint()
    case = Case(factory)
    assert case.park(chain) == pytest.approx((330, 330))
    assert case.moved() == {}
    assert factory.log.checkpoint() == checkpoint


def test_what_is_supposed_is_what_follows_once_it_is_said(factory: Factory) -> None:
    """P1 would emit 300 instead of 200: Scope 1 350, T2 430, m(P1) 2.64 → 3.64 + 0.25 m(P2)."""
    chain = build_chain(factory)
    recipe = chain.recipes["P1"].statement.body
    said = members(recipe)
    said["emissions"][0]["amount"] = "300"
    checkpoint = factory.log.checkpoint()
    case = Case(factory, Say(said))
    assert factory.log.checkpoint() == checkpoint
    assert case.park(chain) == pytest.approx((330, 430))
    assert {name for _, name in case.moved()} == {
        "Example Park",
        "P1 Works",
        "P2 Works",
        "T4 Works",
        "P1",
        "P2",
        "T4",
    }
    supposed = {name: case.footprint(chain, name)[1] for name in chain.products}
    emissions = (Emission(gas="CO2", origin="fossil", amount=Decimal(300)),)
    chain.firms["P1"].correct(chain.recipes["P1"], emissions=emissions)
    engine = Engine(factory.log)
    for name, product in chain.products.items():
        assert engine.footprint(product, ASKED)[1].amount.at_least == supposed[name]
    assert engine.park(chain.park, ASKED).assessment.t2.at_least == case.park(chain)[1]


@pytest.mark.parametrize("seed", range(3))
def test_any_statement_supposed_gives_the_figures_it_gives_when_said(
    factory: Factory, seed: int
) -> None:
    world = World(factory, random.Random(seed))
    for _ in range(40):
        world.step()
    for _ in range(6):
        engine, size = Engine(factory.log), factory.log.size()
        before = engine.answer(ASKED)
        world.step()
        (entry,) = factory.log.entries(size, size + 1)
        statement = entry.statement
        if statement.type == "disclosure":
            continue
        if statement.type == "withdrawal":
            change: Change = TakeBack(str(statement.common.prev))
        else:
            change = Say(members(statement.body), statement.subject)
        then = supposition(before, suppose(before.standing, [change])).answer(ASKED)
        now = Engine(factory.log).answer(ASKED)
        assert _figures(then.solved) == _figures(now.solved)


def _figures(solved: Solved) -> dict[Any, Any]:
    nodes = enumerate(solved.network.nodes)
    return {
        (node.product, node.place): (
            dict(zip(solved.network.columns, map(float, solved.footprints[i]), strict=True)),
            bool(solved.incomplete[i]),
        )
        for i, node in nodes
    }


def test_a_supplier_is_replaced_in_the_lines_of_one_product(factory: Factory) -> None:
    """P1 takes its 20 tools from a maker of 1 kg a piece: 330 − 24 + 20 = 326."""
    chain = build_chain(factory)
    other = factory.enterprise("Other")
    tool = other.product("Better tool", unit="H87")
    other.footprint(tool, "1", unit="H87")
    scope = Scope("product", chain.products["P1"])
    case = Case(factory, ReplaceInput(chain.products["T4"], tool, scope))
    assert case.park(chain) == pytest.approx((330, 326))
    assert all(is_hypothetical(said) for said in _hypothetical(case))


def _hypothetical(case: Case) -> list[Any]:
    standing = case.supposed.standing
    digests = {statement.digest for statement in case.supposed.said}
    found = [said for said in standing.statements("recipe") if said.digest in digests]
    assert len(found) == len(digests) == 1
    return found


@pytest.mark.parametrize("kind", ["product", "site", "enterprise", "park", "log"])
def test_an_input_is_removed_or_scaled_in_its_scope(factory: Factory, kind: str) -> None:
    """Without its tools P1 draws on 24 kg less; with half of them on 12."""
    chain = build_chain(factory)
    named = {
        "product": chain.products["P1"],
        "site": chain.sites["P1"],
        "enterprise": chain.firms["P1"].id,
        "park": chain.park,
        "log": "",
    }
    scope = Scope(kind, named[kind])
    tool = chain.products["T4"]
    assert Case(factory, RemoveInput(tool, scope)).park(chain) == pytest.approx((330, 306))
    halved = Case(factory, ScaleInput(tool, Decimal("0.5"), scope))
    assert halved.park(chain) == pytest.approx((330, 318))


def test_emissions_are_scaled_where_they_arise(factory: Factory) -> None:
    """E3 at half: 0.4 a unit. The park buys 70 of it and 5 in its tools: 30 less."""
    chain = build_chain(factory)
    case = Case(factory, ScaleEmissions(chain.products["E3"], Decimal("0.5")))
    assert case.footprint(chain, "E3") == pytest.approx((0.8, 0.4))
    assert case.park(chain) == pytest.approx((330, 300))
    assert case.park(chain, "scope2Location") == pytest.approx((56, 28))


def test_scaled_emissions_lower_scope_1_also_where_an_inventory_fixes_it(factory: Factory) -> None:
    chain = build_chain(factory, tenants_books=True)
    case = Case(factory, ScaleEmissions(chain.products["P1"], Decimal("0.9")))
    assert case.park(chain, "scope1") == pytest.approx((250, 230))


def test_changes_are_made_one_on_top_of_the_other(factory: Factory) -> None:
    chain = build_chain(factory)
    tool, scope = chain.products["T4"], Scope("product", chain.products["P1"])
    twice = ScaleInput(tool, Decimal("2"), scope), ScaleInput(tool, Decimal("0.5"), scope)
    assert Case(factory, *twice).park(chain) == pytest.approx((330, 330))
    gone = RemoveInput(tool, scope)
    with pytest.raises(NothingToChange):
        Case(factory, gone, gone)


def test_what_is_taken_back_becomes_a_gap(factory: Factory) -> None:
    chain = build_chain(factory)
    case = Case(factory, TakeBack(chain.recipes["T4"].digest))
    told = case.moved()["park", "Example Park"].main
    assert told.before is not None
    assert told.after is not None
    assert (told.before.value, told.after.value) == (pytest.approx(330), None)
    assert told.after.at_least == pytest.approx(306)
    with pytest.raises(NothingToTakeBack):
        Case(factory, TakeBack("0" * 64))


def test_what_has_not_moved_is_not_listed(factory: Factory) -> None:
    chain = build_chain(factory)
    stranger = factory.enterprise("Stranger")
    ware = stranger.product("Ware")
    stranger.footprint(ware, "5")
    case = Case(factory, ScaleEmissions(chain.products["T4"], Decimal("0.5")))
    names = {name for _, name in case.moved()}
    assert "Stranger" not in names
    assert "E3 Works" not in names
    assert "Ware" not in names


def test_a_hypothetical_figure_cannot_be_stated(factory: Factory) -> None:
    chain = build_chain(factory)
    after = Case(factory, ScaleEmissions(chain.products["T4"], Decimal("0.5"))).after
    books = after.park(chain.park, ASKED)
    assert isinstance(books.answered, Hypothetical)
    assert books.answered.at == NO_PREFIX
    with pytest.raises(Exception, match="prefix"):
        figure_body(books, Inputs(count=0, root="0" * 64), bytes(32))


def test_what_moves_no_figure_is_not_supposed(factory: Factory) -> None:
    with pytest.raises(NotSupposable):
        Case(factory, Say({"type": "disclosure"}))
    with pytest.raises(SpeakerUnknown):
        Case(factory, Say({"type": "recipe", "product": factory.uuid()}))


def test_a_statement_is_supposed_as_strictly_as_it_is_taken(factory: Factory) -> None:
    chain = build_chain(factory)
    said = members(chain.recipes["P1"].statement.body)
    with pytest.raises(StatementMalformed):
        Case(factory, Say(said | {"emissions": [{"gas": "CO2", "amount": 5}]}))
    half = {"start": "2025-01-01", "end": "2025-07-01"}
    with pytest.raises(OverlappingPeriods):
        Case(factory, Say(said | {"period": half}))


def test_new_things_can_be_supposed_in_someones_name(factory: Factory) -> None:
    chain = build_chain(factory)
    firm, new = chain.firms["T4"].id, factory.uuid()
    product = {"type": "product", "id": new, "name": "Supposed", "unit": "H87"}
    case = Case(
        factory,
        Say(product, firm),
        ReplaceInput(chain.products["T4"], new, Scope("product", chain.products["P1"])),
    )
    assert isinstance(case.after, Supposition)
    assert case.park(chain) == pytest.approx((330, 306))
    told = case.moved()["park", "Example Park"].main
    assert told.after is not None
    assert told.after.value is None
