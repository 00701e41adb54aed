"""What a published figure states, on the worked example whose numbers are on paper."""

from __future__ import annotations

import dataclasses
import hashlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.engine import MOVES_FIGURES, Books, Engine, Question
from graph.publishing.published import (
    Difference,
    Since,
    books_of,
    compare,
    difference,
    factor_sets,
    figure_body,
    inputs_of,
    known_alone,
    results_of,
    since,
    stated_number,
)
from graph.version import VERSION
from ledger.leaf import Leaf
from ledger.merkle import leaf_hash, node_hash
from ledger.statements import Figure, Result
from tests.chain import YEAR, Chain, build_chain
from tests.factory import Factory

ON_PAPER = {
    "scope1": "250",
    "scope2Location": "56",
    "scope2Market": "56",
    "scope3Upstream": "24",
    "scope3Category1": "24",
    "scope3Category3": "0",
    "upstream": "80",
    "t0": "585.75",
    "t1": "372.9",
    "t2": "330",
    "returned": "42.9",
    "offsets": "0",
    "netOperationalLocation": "306",
    "netOperationalMarket": "306",
}
ROOT = bytes(32)


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


def books(chain: Chain, at: int | None = None) -> Books:
    return Engine(chain.factory.log).park(chain.park, Question(year=YEAR, at=at))


def leaves(factory: Factory, size: int | None = None) -> list[Leaf]:
    heads = factory.log.heads_at(size or factory.log.size())
    return [entry.leaf for entry in heads]


def stated(chain: Chain) -> Figure:
    return figure_body(books(chain), inputs_of(leaves(chain.factory)), ROOT)


def test_the_results_are_those_on_paper_as_decimals_in_a_fixed_order(chain: Chain) -> None:
    results = results_of(books(chain))
    assert [(each.name, str(each.value)) for each in results] == list(ON_PAPER.items())
    assert all(each.at_least == each.value for each in results)


def test_what_is_not_assessable_is_left_out_and_the_boundary_keeps_its_figure(
    factory: Factory,
) -> None:
    chain = build_chain(factory, tenants_recipes=False, tenants_books=True)
    results = {each.name: each.value for each in results_of(books(chain))}
    assert not results.keys() & {"t0", "t1", "returned"}
    assert results["t2"] == 330


def test_a_lower_bound_states_no_value(factory: Factory) -> None:
    maker = factory.enterprise("Maker")
    plant, product, unknown = maker.site(), maker.product("Bar"), factory.uuid()
    maker.recipe(product, plant, emissions=[("CO2", "fossil", "2")], inputs=[(unknown, "1", "KGM")])
    maker.production(product, plant, "10")
    asked = Engine(factory.log).enterprise(maker.id, Question(year=YEAR))
    results = {each.name: each for each in results_of(asked)}
    assert (results["scope1"].at_least, results["scope1"].value) == (Decimal(20), Decimal(20))
    assert (results["t2"].at_least, results["t2"].value) == (Decimal(20), None)


@pytest.mark.parametrize(
    ("kg", "text"),
    [
        (1 / 3, "0.333333333333"),
        (-0.0, "0"),
        (123456789012.5, "123456789012"),
        (1e-7, "0.0000001"),
        (2.5e15, "2500000000000000"),
    ],
)
def test_numbers_have_twelve_significant_digits_and_no_exponent(kg: float, text: str) -> None:
    assert f"{stated_number(kg):f}" == text


def test_the_figure_says_what_it_answers_and_from_what(chain: Chain) -> None:
    figure = stated(chain)
    size = chain.factory.log.size()
    assert (figure.object.type, figure.object.id) == ("park", chain.park)
    assert (figure.year, figure.gwp, figure.engine) == (YEAR, "AR6", VERSION)
    assert (figure.at.size, figure.at.root) == (size, "00" * 32)
    assert figure.as_of < size


def test_inputs_are_the_tree_over_what_is_in_force_and_can_move_a_figure(factory: Factory) -> None:
    """Genesis, enterprise and key come first; of the rest, two sites and a membership that ended.

    The tree over three leaves is node(node(a, b), c) (RFC 6962 section 2.1).
    """
    maker = factory.enterprise("Maker")
    plant, park = maker.site(), maker.park()
    member = maker.membership(park, plant)
    inventory = maker.inventory(plant, [("CO2", "fossil", "1")])
    maker.withdraw(member)
    corrected = maker.correct(inventory)
    entries = factory.log.entries()
    records = {entry.index: leaf_hash(entry.leaf.encode()) for entry in entries}
    enterprise, site, head = 1, 3, corrected.index
    found = inputs_of(leaves(factory))
    assert found.count == 3
    assert (
        found.root == node_hash(node_hash(records[enterprise], records[site]), records[head]).hex()
    )


def test_a_chain_that_was_ended_and_taken_up_again_is_an_input_once_more(factory: Factory) -> None:
    maker = factory.enterprise("Maker")
    plant, park = maker.site(), maker.park()
    member = maker.membership(park, plant)
    before = inputs_of(leaves(factory)).count
    ended = maker.withdraw(member)
    assert inputs_of(leaves(factory)).count == before - 1
    maker.correct(member, prev=ended.digest)
    assert inputs_of(leaves(factory)).count == before


def test_an_empty_prefix_has_the_root_of_the_empty_tree() -> None:
    found = inputs_of([])
    assert (found.count, found.root) == (0, hashlib.sha256().hexdigest())


def test_a_gwp_set_is_named_by_its_content() -> None:
    (ar6,), (ar5,) = factor_sets("AR6"), factor_sets("AR5")
    assert (ar6.name, ar5.name) == ("AR6", "AR5")
    assert ar6.digest != ar5.digest
    # The values of this version, so that nobody changes one without changing the version.
    assert ar6.digest == "7f0b31d1848728477aa962084ff1ebe5533f8e081cb7e42a5fe7cf27836a5962"


def test_a_figure_agrees_with_itself_computed_again(chain: Chain) -> None:
    figure = stated(chain)
    again = figure_body(
        books_of(Engine(chain.factory.log), figure), inputs_of(leaves(chain.factory)), ROOT
    )
    assert difference(figure, again) is None


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"engine": "0"}, "/engine"),
        ({"as_of": 3}, "/asOf"),
        ({"factor_sets": factor_sets("AR5")}, "/factorSets"),
    ],
)
def test_a_figure_from_something_else_differs_there(
    chain: Chain, changes: dict[str, object], where: str
) -> None:
    figure = stated(chain)
    altered = dataclasses.replace(figure, **changes)  # type: ignore[arg-type]  # by name
    found = difference(altered, figure)
    assert found is not None
    assert found.where == where


def kg(name: str, at_least: str, value: str | None = "same") -> Result:
    complete = Decimal(at_least) if value == "same" else None
    return Result(name=name, at_least=Decimal(at_least), value=complete)


BOOKS = (kg("scope1", "250"), kg("upstream", "80"), kg("t2", "330"), kg("returned", "0"))


@pytest.mark.parametrize(
    ("place", "stated", "difference"),
    [
        (0, kg("scope1", "250.0000001"), None),
        (0, kg("scope1", "250.000001"), Difference("/results/0", "scope1", "250.000001", "250")),
        (1, kg("upstream", "80", None), Difference("/results/1", "upstream", "≥ 80", "80")),
        (3, kg("returned", "0.0000000003"), None),
        (3, kg("returned", "0.000001"), Difference("/results/3", "returned", "0.000001", "0")),
        (3, kg("t0", "1"), Difference("/results/3", "t0", "1", None)),
    ],
)
def test_numbers_may_differ_by_what_rounding_explains_and_no_more(
    place: int, stated: Result, difference: Difference | None
) -> None:
    said = [*BOOKS[:place], stated, *BOOKS[place + 1 :]]
    assert compare(said, BOOKS) == difference


def test_parts_may_be_left_out_and_the_figure_itself_may_not() -> None:
    assert compare(BOOKS[:3], BOOKS) is None
    assert compare(BOOKS[:2], BOOKS) == Difference("/results", "t2", None, "330")


def test_a_value_that_rests_on_estimates_may_be_left_out_and_not_changed() -> None:
    estimated = Result(name="t2", at_least=Decimal(50), value=Decimal(93))
    assert known_alone(estimated) == kg("t2", "50", None)
    assert known_alone(BOOKS[0]) == BOOKS[0]
    assert compare([estimated], [estimated]) is None
    assert compare([known_alone(estimated)], [estimated]) is None
    assert compare([kg("t2", "50")], [estimated]) == Difference(
        "/results/0", "t2", "50", "≥ 50, 93"
    )
    open_ended = kg("t2", "50", None)
    assert compare([estimated], [open_ended]) == Difference("/results/0", "t2", "≥ 50, 93", "≥ 50")


@given(st.floats(-1e12, 1e12), st.floats(0.5, 2))
def test_what_is_off_by_a_millionth_never_agrees(value: float, factor: float) -> None:
    said, computed = kg("t2", f"{value * factor:.6f}"), kg("t2", f"{value:.6f}")
    agree = compare([said], [computed]) is None
    off = abs(said.at_least - computed.at_least)
    assert agree or off > 0
    assert not (agree and off > Decimal("1e-6") * max(abs(said.at_least), abs(computed.at_least)))


def test_what_became_of_the_inputs_is_counted(chain: Chain) -> None:
    engine = Engine(chain.factory.log)
    size = chain.factory.log.size()
    assert since(engine.standing(size), engine.standing()).is_nothing
    chain.firms["P1"].correct(chain.recipes["P1"])
    chain.firms["T4"].withdraw(chain.recipes["T4"])
    assert since(engine.standing(size), engine.standing()) == Since(1, 1, 0)


def test_every_type_that_can_move_a_figure_is_an_input() -> None:
    assert {"recipe", "inventory", "purchases", "membership", "transfer"} <= set(MOVES_FIGURES)
