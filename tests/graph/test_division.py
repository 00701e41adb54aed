"""A city or a province is the union of the sites that state to lie in it."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from graph.books.division import code_of, division_books, parks_within, undecided
from graph.books.region import region_of
from graph.engine import Answered, Books, Engine, Question
from graph.errors import NoDataForYear, NoSiteInDivision
from tests.chain import YEAR, Chain, build_chain
from tests.factory import Factory
from tests.graph.world import World

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

SUZHOU, NANJING, JIANGSU = "3205", "3201", "32"
TIGHT = {"rel": 1e-9, "abs": 1e-9}


@pytest.mark.parametrize(
    ("text", "code"),
    [("32", "32"), ("320000", "32"), ("320500", "3205"), ("3205", "3205"), ("320505", "320505"),
     ("110100", "1101"), ("1000", "10")],
)  # fmt: skip
def test_zeros_at_the_end_name_the_whole(text: str, code: str) -> None:
    assert code_of(text) == code


def answered(factory: Factory) -> Answered:
    return Engine(factory.log).answer(Question(year=YEAR))


def lay(chain: Chain, **divisions: str) -> None:
    """State the divisions of sites."""
    for name, division in divisions.items():
        said = chain.factory.standing().sites[chain.sites[name]]
        chain.firms[name].say(
            replace(said.statement.body, division=division),
            prev=said.digest,
        )


@pytest.fixture
def chain(factory: Factory) -> Chain:
    """The park's two sites in Suzhou, the assembler in Nanjing, the power station anywhere."""
    made = build_chain(factory)
    lay(made, P1="320505", P2="320506", T4="320102")
    return made


def t2(books: Books) -> float | None:
    return books.assessment.t2.value


def test_a_city_is_its_sites_and_a_province_its_cities(chain: Chain) -> None:
    """Suzhou is the park of the worked example, 330; Nanjing its assembler, 121.636363…; of both
    together what they deliver to each other counts once: 354 (tests/graph/test_union.py)."""
    of = answered(chain.factory)
    cities = [division_books(of, code) for code in (SUZHOU, NANJING)]
    assert list(map(t2, cities)) == [pytest.approx(330), pytest.approx(121.636363636364)]
    province = division_books(of, JIANGSU)
    assert t2(province) == pytest.approx(354)
    union = region_of(cities)
    assert t2(union.books) == pytest.approx(354)
    assert union.books.places == tuple(sorted(province.places))
    assert union.difference.value == pytest.approx(97.636363636364)


def test_a_division_may_be_asked_for_with_its_zeros(chain: Chain) -> None:
    of = answered(chain.factory)
    assert division_books(of, "320000").places == division_books(of, "32").places
    assert division_books(of, "320500").id == SUZHOU


def test_sites_that_state_nothing_or_too_little_are_counted_and_put_nowhere(chain: Chain) -> None:
    standing = chain.factory.standing()
    assert undecided(standing, [JIANGSU]) == {chain.sites["E3"]}
    lay(chain, E3="320000")
    standing = chain.factory.standing()
    assert undecided(standing, [JIANGSU]) == frozenset()
    assert undecided(standing, [SUZHOU]) == {chain.sites["E3"]}
    assert undecided(standing, ["33"]) == frozenset()
    assert t2(division_books(answered(chain.factory), SUZHOU)) == pytest.approx(330)


def test_a_division_without_a_site_is_no_boundary(chain: Chain) -> None:
    with pytest.raises(NoSiteInDivision, match="division 33; sites that may lie there"):
        division_books(answered(chain.factory), "330000")


def test_a_park_belongs_to_a_division_as_a_whole_or_not_at_all(chain: Chain) -> None:
    of = answered(chain.factory)
    assert set(parks_within(of, division_books(of, SUZHOU).places)) == {chain.park}
    assert set(parks_within(of, division_books(of, "320505").places)) == set()


def test_a_site_that_moves_away_takes_its_emissions_along(chain: Chain) -> None:
    before = division_books(answered(chain.factory), SUZHOU)
    lay(chain, P2="320102")
    after = division_books(answered(chain.factory), SUZHOU)
    assert (before.assessment.scope1.value, after.assessment.scope1.value) == (250, 200)
    assert after.as_of == chain.factory.log.size() - 1


@dataclass
class Country:
    """A random world whose sites lie at random in two provinces, or nobody knows where."""

    factory: Factory
    seed: int

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.world = World(self.factory, self.random)
        for _ in range(90):
            self.world.step()
        for site, owner in self.world.sites.items():
            said = self.factory.standing().sites.get(site)
            if said is not None:
                code = self.random.choice(["320505", "320506", "320102", "320500", "330102", None])
                body = replace(said.statement.body, division=code)
                owner.say(body, prev=said.digest)


def books(of: Answered, code: str) -> Books | None:
    try:
        return division_books(of, code)
    except (NoSiteInDivision, NoDataForYear):
        return None


@pytest.mark.parametrize("seed", range(4))
def test_divisions_contain_and_bound_what_lies_in_them(
    new_factory: Callable[..., Factory], seed: int
) -> None:
    country = Country(new_factory(seed=seed), seed)
    of = Engine(country.factory.log).answer(Question(year=YEAR))
    stated = {
        code_of(site.statement.body.division or "")
        for site in of.standing.sites.values()
        if site.statement.body.division
    }
    codes = {code[:digits] for code in stated for digits in (2, 4, 6)}
    known = {code: found for code in codes if (found := books(of, code))}
    assert len(known) > 2
    for code, whole in known.items():
        inside = [each for other, each in known.items() if other != code and other[:-2] == code]
        assert all(set(each.places) <= set(whole.places) for each in inside)
        if not inside:
            continue
        union = region_of(inside)
        bound = union.sum_of_members.at_least
        assert union.books.assessment.t2.at_least <= bound + 1e-9 * (1 + abs(bound))
        if set(union.books.places) == set(whole.places):
            assert union.books.assessment.t2.at_least == pytest.approx(
                whole.assessment.t2.at_least, **TIGHT
            )
            assert union.books.market == whole.market
            assert union.books.ledgers == whole.ledgers
        then = Engine(country.factory.log).answer(Question(year=YEAR, at=whole.as_of + 1))
        told = books(then, code)
        assert told is not None
        assert told.assessment.t2 == whole.assessment.t2
