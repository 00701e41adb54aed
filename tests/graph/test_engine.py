"""The engine is a function of a prefix and a question, and `asOf` never claims to be older."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from graph.engine import Books, Engine, Question
from graph.errors import LogPositionUnknown, NoDataForYear, UnknownBoundary, UnknownProduct
from graph.figures.boundary import Amount
from graph.figures.footprint import ProductFootprint
from ledger.entry import Entry, Suspected
from ledger.errors import CatchmentError
from ledger.log import Accepted, Log
from ledger.soundness import Soundness
from ledger.statements import Enterprise, Product
from tests.factory import Actor, Factory, line
from tests.graph.ask import YEAR, known
from tests.graph.world import World

GTIN = "urn:gtin:4006381333931"
QUESTION = Question(year=YEAR)
NOISE = 1e-12
"""Differences of sums that add up in another order."""


# --- Random lives ---------------------------------------------------------------------------


@dataclass
class CutLog:
    """The first ``length`` entries of a log, as if it had never grown further."""

    log: Log
    length: int

    def size(self) -> int:
        return self.length

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        return self.log.entries(start, min(stop, self.length))

    def heads_at(self, size: int) -> Iterator[Entry]:
        return self.log.heads_at(min(size, self.length))

    def suspects_at(self, size: int) -> list[Suspected]:
        return self.log.suspects_at(min(size, self.length))

    def soundness_at(self, size: int) -> Soundness:
        return self.log.soundness_at(min(size, self.length))


def shown(value: float | None) -> float | None:
    """To nine digits."""
    if value is None or abs(value) < NOISE:
        return value and 0.0
    return float(f"{value:.9g}")


def amount(given: Amount | None) -> Any:
    return given and (shown(given.at_least), given.complete)


def footprint_shown(figure: ProductFootprint) -> Any:
    """What a reader sees, without the numbers of nodes."""
    gaps = sorted((g.reason, g.wanted, shown(g.amount), g.unit, g.category) for g in figure.gaps)
    return amount(figure.amount), shown(figure.declared), shown(figure.residual), gaps, figure.feeds


def books_shown(books: Books) -> Any:
    a = books.assessment
    totals = (a.scope1, a.scope2, a.scope3, a.upstream, a.t0, a.t1, a.t2, a.returned)
    gaps = sorted((g.reason, g.wanted, shown(g.amount), g.unit, g.category) for g in a.gaps)
    return (
        [amount(total) for total in totals],
        (amount(books.market.amount), shown(books.ledgers.removed)),
        {category: amount(each) for category, each in a.scope3_by_category.items()},
        (a.t2_status, a.returning, a.not_assessable_because, a.split_mixes),
        (a.missing, a.stand_ins),
        gaps,
        [finding.sentence for finding in books.findings],
    )


Answers = dict[tuple[str, str], tuple[Any, int | None]]
"""(kind, id) -> what is shown, and `asOf`; a refusal has none."""


def everything(engine: Engine, world: World, at: int | None) -> Answers:
    question = Question(year=YEAR, at=at)
    answers: Answers = {}
    for product in world.products:
        try:
            figure = engine.footprint(product, question)[1]
            answers["product", product] = footprint_shown(figure), figure.as_of
        except CatchmentError as refused:
            answers["product", product] = (refused.code, refused.params), None
    boundaries = [("park", world.park), *(("enterprise", firm.id) for firm in world.firms)]
    for kind, boundary in boundaries:
        try:
            books = getattr(engine, kind)(boundary, question)
            answers[kind, boundary] = books_shown(books), books.as_of
        except CatchmentError as refused:
            answers[kind, boundary] = (refused.code, refused.params), None
    return answers


@pytest.mark.parametrize("seed", [22, 206])
def test_every_prefix_answers_as_it_did_and_as_of_moves_with_the_figure(
    new_factory: Callable[..., Factory], seed: int
) -> None:
    """A life of statements, corrections and withdrawals, asked everything after each entry.

    Two engines agree: one that has the whole log and is asked about the past, which it reads from
    the heads of then, and one that follows a log that ends there. Whenever a figure is another than
    before, `asOf` is the entry that has just come; it never goes back.
    """
    f = new_factory(seed=seed)
    world = World(f, random.Random(seed))
    first = f.log.size()
    for _ in range(40):
        world.step()
    whole = Engine(f.log)
    before: Answers = {}
    for size in range(first, f.log.size() + 1):
        now = everything(whole, world, size)
        assert everything(Engine(CutLog(f.log, size)), world, None) == now
        for asked, (figure, as_of) in now.items():
            was, was_as_of = before.get(asked, (None, None))
            if as_of is not None and was_as_of is not None:
                assert as_of >= was_as_of
                assert figure == was or as_of == size - 1
        before = now
    f.close()


# --- The past -------------------------------------------------------------------------------


@dataclass
class Chain:
    """Ore (2 kg CO2e per kg) → steel (+1, 1 kg of ore) → beam (+0.5, 2 kg of steel): 6.5."""

    f: Factory
    engine: Engine
    mine: Actor
    mill: Actor
    works: Actor
    sites: dict[str, str]
    ore: str
    steel: str
    beam: str
    said: dict[str, Accepted]

    def figure(self, **question: Any) -> ProductFootprint:
        return self.engine.footprint(self.beam, Question(year=YEAR, **question))[1]


@pytest.fixture
def chain(factory: Factory) -> Chain:
    mine, mill, works = map(factory.enterprise, ("Mine", "Mill", "Works"))
    sites = {firm.name: firm.site(f"{firm.name} site") for firm in (mine, mill, works)}
    ore, steel, beam = mine.product("Ore"), mill.product("Steel"), works.product("Beam")
    said = {
        "ore": mine.footprint(ore, "2"),
        "steel": mill.recipe(
            steel,
            sites["Mill"],
            emissions=[("CO2", "fossil", "1")],
            inputs=[(ore, "1", "KGM")],
        ),
        "beam": works.recipe(
            beam,
            sites["Works"],
            emissions=[("CO2", "fossil", "0.5")],
            inputs=[(steel, "2", "KGM")],
        ),
    }
    return Chain(factory, Engine(factory.log), mine, mill, works, sites, ore, steel, beam, said)


def test_a_question_about_the_past_is_answered_as_it_was(chain: Chain) -> None:
    then = chain.f.log.size()
    assert known(chain.figure().amount) == pytest.approx(0.5 + 2 * (1 + 2))
    emissions = (replace(chain.said["steel"].statement.body.emissions[0], amount=3),)  # type: ignore[attr-defined]  # a recipe
    chain.mill.correct(chain.said["steel"], emissions=emissions)
    assert known(chain.figure().amount) == pytest.approx(0.5 + 2 * (3 + 2))
    assert known(chain.figure(at=then).amount) == pytest.approx(6.5)
    assert chain.figure(at=then).as_of == chain.said["beam"].index


def test_a_withdrawal_leaves_the_past_alone(chain: Chain) -> None:
    then = chain.f.log.size()
    chain.mine.withdraw(chain.said["ore"])
    assert chain.figure().amount.value is None
    assert chain.figure().amount.at_least == pytest.approx(2.5)
    assert known(chain.figure(at=then).amount) == pytest.approx(6.5)


def test_a_product_is_unknown_before_it_is_registered(chain: Chain) -> None:
    with pytest.raises(UnknownProduct):
        chain.figure(at=2)
    with pytest.raises(UnknownBoundary):
        chain.engine.enterprise(chain.works.id, Question(year=YEAR, at=1))
    with pytest.raises(UnknownBoundary):
        chain.engine.park(chain.beam, QUESTION)


@pytest.mark.parametrize("at", [0, -1, 10_000])
def test_a_position_the_log_does_not_have_is_refused(chain: Chain, at: int) -> None:
    with pytest.raises(LogPositionUnknown):
        chain.figure(at=at)


def test_a_year_that_nobody_spoke_of_is_unknown_not_zero(chain: Chain) -> None:
    with pytest.raises(NoDataForYear):
        chain.engine.enterprise(chain.mine.id, QUESTION)
    for year in (2023, 2024, 2026):
        figure = chain.engine.footprint(chain.beam, Question(year=year))[1]
        assert figure.feeds == ("recipe-of-another-year",)
    lonely = chain.works.product("Lonely")
    with pytest.raises(NoDataForYear):
        chain.engine.footprint(lonely, QUESTION)


def test_the_latest_year_of_the_log_is_meant_where_none_is_named(chain: Chain) -> None:
    chain.works.inventory(chain.sites["Works"], [("CO2", "fossil", "7")], year=2024)
    assert chain.engine.answer(Question()).year == 2025
    chain.works.inventory(chain.sites["Works"], [("CO2", "fossil", "9")], year=2026)
    assert chain.engine.answer(Question()).year == 2026


def test_where_only_footprints_were_declared_the_latest_of_their_years_is_meant(
    factory: Factory,
) -> None:
    maker = factory.enterprise("Maker")
    bolts = maker.product("Bolts")
    for year in (2023, 2024):
        maker.footprint(bolts, "2", year=year)
    assert Engine(factory.log).answer(Question()).year == 2024
    maker.production(bolts, maker.site(), "5", year=2022)
    assert Engine(factory.log).answer(Question()).year == 2022


def test_readers_at_once_get_one_answer(chain: Chain) -> None:
    found: list[float] = []
    readers = [
        threading.Thread(target=lambda: found.append(known(chain.figure().amount)))
        for _ in range(8)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert found == [pytest.approx(6.5)] * 8


# --- When `asOf` moves ----------------------------------------------------------------------


def test_as_of_is_the_last_entry_that_had_a_say(chain: Chain) -> None:
    assert chain.figure().as_of == chain.said["beam"].index


def test_what_is_said_elsewhere_leaves_as_of_where_it_is(chain: Chain) -> None:
    """Another firm's and even the supplier's own new products, disclosures, keys, mandates."""
    before = chain.figure().as_of
    other = chain.f.enterprise("Other", identifiers=("urn:duns:804735132",))
    site = other.site("Other site")
    nail = other.product("Nail", identifiers=(GTIN,))
    other.recipe(nail, site, inputs=[(chain.beam, "1", "KGM")])
    other.production(nail, site, "5")
    chain.mill.footprint(chain.mill.product("Rail"), "4")
    chain.mine.disclose("footprint", chain.ore, to=chain.mill)
    chain.mill.delegate(other)
    chain.f.register(chain.mill.with_key())
    park = other.park()
    other.membership(park, site)
    assert chain.figure().as_of == before
    assert known(chain.figure().amount) == pytest.approx(6.5)


def moves(chain: Chain, said: Accepted, value: float | None) -> None:
    """The figure is ``value`` and dates from what was just said."""
    figure = chain.figure()
    assert figure.as_of == said.index == chain.f.log.size() - 1
    assert figure.amount.value == (value if value is None else pytest.approx(value))


def test_what_is_said_upstream_moves_as_of(chain: Chain) -> None:
    body = chain.mine.pact_body("3")
    moves(chain, chain.mine.correct(chain.said["ore"], pact=body), 0.5 + 2 * (1 + 3))


def test_each_end_of_a_statement_upstream_moves_as_of(chain: Chain) -> None:
    moves(chain, chain.mine.withdraw(chain.said["ore"]), None)
    expired = chain.mine.footprint(chain.ore, "7", year=2019)
    moves(chain, expired, 0.5 + 2 * (1 + 7))
    moves(chain, chain.mill.withdraw(chain.said["steel"]), None)
    registered = chain.f.standing().products[chain.steel]
    withdrawn = chain.mill.withdraw(as_accepted(registered))
    moves(chain, withdrawn, None)


def as_accepted(said: Any) -> Accepted:
    return Accepted(said.statement, said.index, said.opening, new=False, stored=True)


def test_a_replacement_moves_as_of_when_it_comes_and_when_it_goes(chain: Chain) -> None:
    newer = Product(id=chain.f.uuid(), name="Better steel", unit="KGM", replaces=(chain.steel,))
    said = chain.mill.say(newer)
    moves(chain, said, None)
    moves(chain, chain.mill.footprint(newer.id, "1"), 0.5 + 2 * 1)
    moves(chain, chain.mill.correct(said, replaces=()), 6.5)


@pytest.fixture
def waiting(chain: Chain) -> Chain:
    """The works take in nails by number as well: 1 kg, of a supplier that the line names or not."""
    body = chain.said["beam"].statement.body
    lines = (*body.inputs, line((GTIN, "1", "KGM")))  # type: ignore[attr-defined]  # a recipe
    chain.said["beam"] = chain.works.correct(chain.said["beam"], inputs=lines)
    return chain


def admit(chain: Chain, firm: Actor, *identifiers: str) -> Accepted:
    said = chain.f.standing().enterprises[firm.id]
    body = Enterprise(id=firm.id, name=firm.name, admitted=identifiers)
    return chain.f.operator.say(body, subject=firm.id, prev=said.digest)


def test_claims_and_admissions_of_a_number_move_as_of_of_the_lines_that_wait_for_it(
    waiting: Chain,
) -> None:
    chain = waiting
    first, second = chain.f.enterprise("First"), chain.f.enterprise("Second")
    nail = Product(id=chain.f.uuid(), name="Nail", unit="KGM", identifiers=(GTIN,))
    copy = replace(nail, id=chain.f.uuid(), name="Copy")
    said = first.say(nail)
    assert chain.figure().gaps[0].reason == "not-admitted"
    moves(chain, said, None)
    moves(chain, admit(chain, first, GTIN), None)
    moves(chain, first.footprint(nail.id, "4"), 6.5 + 4)
    claimed = second.say(copy)
    moves(chain, claimed, 6.5 + 4)
    moves(chain, admit(chain, second, GTIN), None)
    moves(chain, second.withdraw(claimed), 6.5 + 4)
    moves(chain, admit(chain, first), None)


def test_books_date_from_the_withdrawal_of_the_last_thing_said_at_a_site(chain: Chain) -> None:
    """The second site of the works has nothing but its inventory; then not even that."""
    second = chain.works.site("Second")
    chain.works.purchases(chain.sites["Works"], [])
    chain.works.inventory(chain.sites["Works"], [])
    chain.works.purchases(second, [])
    alone = chain.works.inventory(second, [("CO2", "fossil", "7")])

    def books() -> Books:
        return chain.engine.enterprise(chain.works.id, QUESTION)

    assert (known(books().assessment.scope1), books().as_of) == (7, alone.index)
    gone = chain.works.withdraw(alone)
    assert (books().assessment.scope1.value, books().as_of) == (None, gone.index)


def test_books_do_not_date_from_sites_that_are_registered_elsewhere(chain: Chain) -> None:
    manager = chain.f.enterprise("Manager")
    fenced = manager.park()
    manager.membership(fenced, chain.sites["Works"])
    chain.works.production(chain.beam, chain.sites["Works"], "10")

    def as_of() -> tuple[int, int]:
        park = chain.engine.park(fenced, QUESTION)
        return park.as_of, chain.engine.enterprise(chain.works.id, QUESTION).as_of

    before = as_of()
    stranger = chain.f.enterprise("Stranger")
    stranger.site("Far away", at=("10", "50"))
    assert as_of() == before
    inside = stranger.site("Inside the fence")
    assert as_of() == (chain.f.standing().sites[inside].index, before[1])
