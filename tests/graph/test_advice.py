"""The levers of an enterprise, on its own figure and on that of the park its sites belong to."""

from __future__ import annotations

from decimal import Decimal

import pytest

from graph.books.account_rows import side_of
from graph.books.advice import Advice, Less, advice, parks_of
from graph.differences.whatif import ScaleInput, Scope, suppose, supposition
from graph.engine import Books, Engine, Question
from graph.tracing.explain import trace_boundary
from graph.tracing.levers import Kind, levers_of
from tests.chain import YEAR, Chain, build_chain
from tests.factory import Factory
from tests.mill import PAINT, Mill, build_mill

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory, tenants_books=True)


def given(books: Books, most: int = 20, share: float = 0.1) -> dict[str, Advice]:
    """Advice by the product, carrier, class or site it is about."""
    found = advice(books, side_of(books), parks_of(books), most=most, share=share)
    return {_about(each): each for each in found}


def _about(each: Advice) -> str:
    material = each.of.material
    return each.of.product or (material.of if material else each.of.site or "")


def firm(chain: Chain, name: str) -> Books:
    return Engine(chain.factory.log).enterprise(chain.firms[name].id, Question(YEAR))


def test_a_tenant_sees_what_a_tenth_less_does_to_its_own_figure_and_to_the_park(
    chain: Chain,
) -> None:
    """P1 buys 50 power (0.8 each), 15 P2 and 20 tools, and emits 200.

    Own: without P1, m*(P2) = 1 + 0.4·0.8 = 1.32 and m*(T4) = 1 + 0.25·0.8 + 0.5·1.32 = 1.86, so
    power −4, P2 −1.98, tools −3.72, own emissions −20. The park: power −4 as well; P2 is made
    inside whoever buys it, 0; tools −0.1·20·1.2 = −2.4; emissions −20.
    """
    told, made = given(firm(chain, "P1")), chain.products
    own = {about: each.own.total for about, each in told.items()}
    park = {about: each.on[chain.park].total for about, each in told.items()}
    site = chain.sites["P1"]
    assert own == pytest.approx(
        {site: -20, "electricity": -4, made["T4"]: -3.72, made["P2"]: -1.98}
    )
    assert park == pytest.approx({site: -20, "electricity": -4, made["T4"]: -2.4, made["P2"]: 0})
    assert list(own) == [site, "electricity", made["T4"], made["P2"]]
    assert [each.less for each in told.values()] == [Less.EMITTED, Less.ENERGY, Less.USE, Less.USE]


def test_the_effects_on_the_own_figure_are_those_of_its_levers(chain: Chain) -> None:
    books = firm(chain, "P1")
    trace = trace_boundary(books.answered.solved, books.places, books.answered.weights)
    levers = {
        lever.of: lever.t2.total
        for kind in (Kind.SUPPLIER, Kind.SITE)
        for lever in levers_of(trace, kind)
    }
    levers["electricity"] = levers.pop(chain.products["E3"])
    own = {about: each.own.total for about, each in given(books).items()}
    assert own == pytest.approx(levers)


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_the_effects_are_what_the_engine_answers_where_less_is_said(
    chain: Chain, share: float
) -> None:
    """P2 also has a site outside the park, which draws on T4 that takes in P2: a loop."""
    outside = chain.firms["P2"].site("Far", at=("100", "20"))
    chain.firms["P2"].purchases(outside, [(chain.products["T4"], "4", "H87")], year=YEAR)
    engine, own = Engine(chain.factory.log), chain.firms["P2"].id
    books = engine.enterprise(own, Question(YEAR))
    told = given(books, share=share)[chain.products["T4"]]
    change = ScaleInput(
        chain.products["T4"], Decimal(1) - Decimal(str(share)), Scope("enterprise", own)
    )
    supposed = supposition(books.answered, suppose(books.answered.standing, [change]))
    after = supposed.enterprise(own, Question(YEAR)).assessment.t2
    park = supposed.park(chain.park, Question(YEAR)).assessment.t2
    before = engine.park(chain.park, Question(YEAR)).assessment.t2
    assert told.own.known == pytest.approx(after.at_least - books.assessment.t2.at_least)
    assert told.on[chain.park].known == pytest.approx(park.at_least - before.at_least)


def test_what_nobody_in_particular_supplies_is_a_lever_too(factory: Factory) -> None:
    """In 2024 10 kg of paint at 5 kg each are estimated, and power at 600 kg."""
    mill: Mill = build_mill(factory)
    books = Engine(factory.log).enterprise(mill.firm.id, Question(2024))
    told = given(books)
    assert told[PAINT].own.filled == pytest.approx(-5)
    assert told["electricity"].own.filled == pytest.approx(-60)
    assert told[mill.site].own.known == pytest.approx(-250)
    assert all(not each.on for each in told.values())  # of no park


def test_only_as_many_as_asked_for_are_told_and_none_that_are_hidden(chain: Chain) -> None:
    books = firm(chain, "P1")
    side = side_of(books)
    (largest,) = advice(books, side, {}, most=1)
    assert largest.less is Less.EMITTED
    power = [row for row in side.rows if row.product == chain.products["E3"]]
    told = advice(books, side, {}, hides=power)
    assert Less.ENERGY not in {each.less for each in told}
