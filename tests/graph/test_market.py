"""Market-based Scope 2: certificates, residual mix, direct supply. The numbers are worked here.

The grid emits 0.6 kg CO2e per kWh on average and 0.7 without what others have claimed; power from
a direct line emits nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from graph.differences.changes import difference, wave
from graph.engine import Books, Engine, Question
from graph.figures.boundary import Fence, Lacking
from graph.figures.market import Market, Use, market_based
from graph.keeping import filed
from graph.keeping.begun import BegunYear, written
from graph.keeping.running import Running
from graph.reading.current import CurrentYear
from graph.reading.factors import Ladder
from graph.reading.network import Grid
from ledger.log import Accepted
from ledger.schema import load
from ledger.statements import ELECTRICITY, RESIDUAL_MIX, Certificate, Factors
from tests.factory import Actor, Factory, line
from tests.graph.ask import YEAR, co2, known

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")

AVERAGE, RESIDUAL = "0.6", "0.7"


def state_factors(
    f: Factory, *, average: str | None = None, residual: str | None = None, name: str = "china"
) -> None:
    """Factors of the grid of CN-JS, in kg of CO2 per kWh."""
    kinds = ((ELECTRICITY, average), (RESIDUAL_MIX, residual))
    rows = [
        {
            "kind": "grid",
            "name": "Grid",
            "of": of,
            "region": "CN-JS",
            "unit": "KWH",
            "gsd": "1.1",
            "emissions": [{"gas": "CO2", "origin": "fossil", "amount": kg}],
        }
        for of, kg in kinds
        if kg is not None
    ]
    about = {"name": name, "version": "1", "publisher": "I", "source": "Y", "year": YEAR}
    f.operator.say(load(Factors, {**about, "rows": rows}))


def power(actor: Actor, name: str, kg_per_kwh: str, **members: Any) -> str:
    """Electricity of an enterprise, generated at a site of its own far away."""
    product = actor.product(name, unit="KWH", energy_carrier="electricity", **members)
    site = actor.site(name, at=("100", "20"))
    actor.recipe(product, site, basis=("1", "KWH"), emissions=co2(kg_per_kwh))
    actor.production(product, site, "1000000000", "KWH")
    return product


@dataclass
class Valley:
    """A park with two sites of one tenant, a grid, and a solar field with a line to the park."""

    f: Factory
    manager: Actor
    tenant: Actor
    park: str
    north: str
    south: str
    grid: str
    solar: str

    def buys(self, site: str, *lines: tuple[Any, str, str], **when: Any) -> Accepted:
        bought = [line(each, category=3) for each in lines]
        return self.tenant.purchases(site, bought, **when)

    def certify(self, amount: str, serial: str = "A-000001", **members: Any) -> Accepted:
        """Green power in MWh, used for the park unless a site is named."""
        where = {} if "site" in members else {"park": self.park}
        who = self.tenant if "site" in members else self.manager
        plain = {"kind": "green-power", "registry": "gec.example", "unit": "MWH", "year": YEAR}
        stated = {**plain, **where, "serial": serial, "amount": Decimal(amount), **members}
        return who.say(Certificate(**stated))

    def market(self, boundary: str = "park") -> Market:
        engine, question = Engine(self.f.log), Question(year=YEAR)
        if boundary == "park":
            books = engine.park(self.park, question)
            return ask(books, {self.park: books.places})
        return ask(engine.enterprise(self.tenant.id, question))

    @property
    def located(self) -> Books:
        return Engine(self.f.log).park(self.park, Question(year=YEAR))


def ask(books: Books, parks: Any = None) -> Market:
    answered = books.answered
    fence = Fence(answered.solved, frozenset(books.places), answered.weights)
    ladder = Ladder.of(answered.standing, answered.year)
    return market_based(fence, answered.standing, ladder, parks or {})


def rules(market: Market) -> list[str]:
    return [each.rule for each in market.findings]


def of_holder(market: Market, holder: str) -> Use:
    return next(use for use in market.uses if use.holder == holder)


@pytest.fixture
def valley(factory: Factory) -> Valley:
    manager, tenant = factory.enterprise("Manager"), factory.enterprise("Tenant")
    state_grid, sunny = factory.enterprise("Grid"), factory.enterprise("Sunny")
    park = manager.park()
    north, south = tenant.site("North"), tenant.site("South")
    for site in (north, south):
        manager.membership(park, site, consent_by=tenant)
        tenant.inventory(site)
    grid = power(state_grid, "Mix", AVERAGE, grid="CN-JS")
    return Valley(factory, manager, tenant, park, north, south, grid, power(sunny, "Sun", "0"))


def test_certificates_direct_lines_and_the_residual_mix(valley: Valley) -> None:
    """1000 MWh from the grid, 100 MWh from the sun, certificates for 300 MWh.

    Location-based 1000·0.6 = 600 t; market-based (1000 − 300)·0.7 + 100·0 = 490 t.
    """
    state_factors(valley.f, residual=RESIDUAL)
    valley.buys(valley.north, (valley.grid, "1000", "MWH"), (valley.solar, "100", "MWH"))
    valley.buys(valley.south)
    valley.certify("300")
    market = valley.market()
    assert known(valley.located.assessment.scope2) == pytest.approx(600_000)
    assert known(market.amount) == pytest.approx(490_000)
    assert market.amount.complete
    assert (market.grid_kwh, market.direct_kwh) == pytest.approx((1_000_000, 100_000))
    assert (market.covered_kwh, market.excess_kwh) == pytest.approx((300_000, 0))
    (residual,) = market.residual
    assert (residual.region, residual.kwh) == ("CN-JS", pytest.approx(700_000))
    assert residual.kg_per_kwh == pytest.approx(0.7)
    assert str(residual.factor).startswith("china 1: Grid")
    assert rules(market) == []


def test_without_a_residual_mix_the_grid_average_stands_in_and_that_is_said(
    valley: Valley,
) -> None:
    """(1000 − 300)·0.6 = 420 t."""
    valley.buys(valley.north, (valley.grid, "1000", "MWH"))
    valley.buys(valley.south)
    valley.certify("300")
    market = valley.market()
    assert known(market.amount) == pytest.approx(420_000)
    assert [each.stood_in for each in market.residual] == [True]
    assert rules(market) == ["residual-mix-absent"]


def test_power_bought_as_a_class_is_an_estimate_by_the_residual_mix(valley: Valley) -> None:
    """Nobody describes the grid: 100 MWh·0.7 are filled in, gsd 1.1 gives 1.1² − 1 = 0.21 more.

    Location-based it is 100·0.6.
    """
    state_factors(valley.f, average=AVERAGE, residual=RESIDUAL)
    valley.buys(valley.north, ((ELECTRICITY, "CN-JS"), "150", "MWH"))
    valley.buys(valley.south)
    valley.certify("50")
    amount, located = valley.market().amount, valley.located.assessment.scope2
    assert (located.at_least, located.filled) == (0, pytest.approx(90_000))
    assert (amount.at_least, amount.filled) == (0, pytest.approx(70_000))
    assert amount.spread == pytest.approx(70_000 * 0.21)
    assert amount.lacking is Lacking.ESTIMATED


def test_a_residual_mix_makes_a_grid_known_that_nobody_describes(valley: Valley) -> None:
    """Without a factor of the average, location-based is open; 100·0.7 = 70 t is not."""
    state_factors(valley.f, residual=RESIDUAL)
    valley.buys(valley.north, ((ELECTRICITY, "CN-JS"), "100", "MWH"))
    valley.buys(valley.south)
    assert valley.located.assessment.scope2.lacking is Lacking.OPEN
    assert known(valley.market().amount) == pytest.approx(70_000)
    assert valley.market().amount.lacking is Lacking.ESTIMATED


def test_power_that_is_covered_needs_no_factor(valley: Valley) -> None:
    """Nothing says what the grid emits, but all of it is covered."""
    valley.buys(valley.north, ((ELECTRICITY, "CN-JS"), "100", "MWH"))
    valley.buys(valley.south)
    assert valley.market().amount.lacking is Lacking.OPEN
    valley.certify("100")
    assert known(valley.market().amount) == 0
    assert valley.market().residual == ()


def test_an_undeclared_mix_of_a_grid_is_estimated_as_that_grid(valley: Valley) -> None:
    """Its owner is in another country: the region of the product decides, 10·0.6 and 10·0.7."""
    state_factors(valley.f, average=AVERAGE, residual=RESIDUAL)
    abroad = valley.f.enterprise("Abroad", country="DE")
    mix = abroad.product(
        "Mix",
        unit="KWH",
        energy_carrier="electricity",
        grid="CN-JS",
        classifications=(ELECTRICITY,),
    )
    valley.buys(valley.north, (mix, "10", "MWH"))
    valley.buys(valley.south)
    assert known(valley.located.assessment.scope2) == pytest.approx(6_000)
    assert known(valley.market().amount) == pytest.approx(7_000)


def test_purchases_that_are_missing_leave_it_open(valley: Valley) -> None:
    state_factors(valley.f, residual=RESIDUAL)
    valley.buys(valley.north, (valley.grid, "1", "MWH"))
    amount = valley.market().amount
    assert amount.lacking is Lacking.OPEN
    assert amount.at_least == pytest.approx(700)


def test_certificates_of_a_site_come_before_those_of_the_park(valley: Valley) -> None:
    """North takes 100 MWh and South 300. 120 for North cover its 100, and 20 are in excess; of the
    300 that are left, 60 for the park cover 60: (300 − 60)·0.7 = 168 t."""
    state_factors(valley.f, residual=RESIDUAL)
    valley.buys(valley.north, (valley.grid, "100", "MWH"))
    valley.buys(valley.south, (valley.grid, "300", "MWH"))
    valley.certify("60", "P-1")
    valley.certify("120", "N-1", site=valley.north)
    market = valley.market()
    assert known(market.amount) == pytest.approx(168_000)
    assert of_holder(market, valley.north).covered_kwh == pytest.approx(100_000)
    assert of_holder(market, valley.north).excess_kwh == pytest.approx(20_000)
    assert of_holder(market, valley.park).covered_kwh == pytest.approx(60_000)
    (excess,) = market.findings
    assert excess.rule == "certificates-in-excess"
    assert excess.params == {"holder": "North", "amount": "20", "year": "2025"}


def test_an_enterprise_counts_the_certificates_of_its_sites_and_no_park_s(valley: Valley) -> None:
    """400 MWh, 60 of them covered for the park, 10 for South: (400 − 10)·0.7 = 273 t."""
    state_factors(valley.f, residual=RESIDUAL)
    valley.buys(valley.north, (valley.grid, "100", "MWH"))
    valley.buys(valley.south, (valley.grid, "300", "MWH"))
    valley.certify("60", "P-1")
    valley.certify("10", "S-1", site=valley.south)
    assert known(valley.market("enterprise").amount) == pytest.approx(273_000)
    assert known(valley.market().amount) == pytest.approx(231_000)


def test_a_site_that_leaves_takes_its_certificates_along_by_days(valley: Valley) -> None:
    """North is inside for 73 of 365 days, a fifth: 20 of 100 MWh, and 10 of certificates for 50."""
    state_factors(valley.f, residual=RESIDUAL)
    east = valley.tenant.site("East")
    valley.manager.membership(
        valley.park, east, end="2025-03-15", consent_by=valley.tenant, small_aggregates=True
    )
    valley.tenant.inventory(east)
    for site in (valley.north, valley.south):
        valley.buys(site)
    valley.buys(east, (valley.grid, "100", "MWH"))
    valley.certify("50", site=east)
    market = valley.market()
    assert market.grid_kwh == pytest.approx(20_000)
    assert market.covered_kwh == pytest.approx(10_000)
    assert known(market.amount) == pytest.approx(7_000)
    assert known(valley.market("enterprise").amount) == pytest.approx(35_000)


@pytest.mark.parametrize(("vintage", "covered"), [(2023, 0), (2024, 5), (2025, 5), (2026, 5)])
def test_power_of_too_distant_a_year_is_not_counted(
    valley: Valley, vintage: int, covered: int
) -> None:
    state_factors(valley.f, residual=RESIDUAL)
    valley.buys(valley.north, (valley.grid, "100", "MWH"))
    valley.buys(valley.south)
    valley.certify("5", vintage=vintage)
    market = valley.market()
    assert market.covered_kwh == pytest.approx(covered * 1000)
    assert rules(market) == ([] if covered else ["certificate-of-another-time"])
    assert [len(use.refused) for use in market.uses] == [0 if covered else 1]


def test_power_that_is_resold_inside_crosses_the_fence_once(valley: Valley) -> None:
    """The tenant's South buys 100 MWh from the grid and sells 80 of them to North: 100·0.7."""
    state_factors(valley.f, residual=RESIDUAL)
    resold = valley.tenant.product("Resold", unit="KWH", energy_carrier="electricity")
    bought = [line((valley.grid, "1", "KWH"), category=3)]
    valley.tenant.recipe(resold, valley.south, basis=("1", "KWH"), inputs=bought)
    valley.tenant.production(resold, valley.south, "80000", "KWH")
    valley.buys(valley.south, (valley.grid, "100", "MWH"))
    valley.buys(valley.north, (resold, "80", "MWH"))
    market = valley.market()
    assert market.grid_kwh == pytest.approx(100_000)
    assert known(market.amount) == pytest.approx(70_000)
    assert market.direct_kwh == 0


def test_heat_and_contracted_power_keep_their_own_generation(valley: Valley) -> None:
    """10 MWh of contracted gas power at 0.4, 5 of heat at 0.2, whatever certificates there are."""
    state_factors(valley.f, residual=RESIDUAL)
    plant = valley.f.enterprise("Plant")
    gas = power(plant, "Gas power", "0.4")
    heat = plant.product("Heat", unit="KWH", energy_carrier="heat")
    furnace = plant.site("Furnace", at=("100", "20"))
    plant.recipe(heat, furnace, basis=("1", "KWH"), emissions=co2("0.2"))
    valley.buys(valley.north, (gas, "10", "MWH"), (heat, "5", "MWH"))
    valley.buys(valley.south)
    valley.certify("7")
    market = valley.market()
    assert known(market.amount) == pytest.approx(5_000)
    assert (market.grid_kwh, market.direct_kwh) == (0, pytest.approx(10_000))
    assert rules(market) == ["certificates-in-excess"]


def test_a_mix_that_is_counted_in_pieces_stays_as_it_is_located(valley: Valley) -> None:
    state_factors(valley.f, residual=RESIDUAL)
    odd = valley.f.enterprise("Odd")
    mix = odd.product("Parcels", unit="H87", energy_carrier="electricity", grid="CN-JS")
    site = odd.site("Odd", at=("100", "20"))
    odd.recipe(mix, site, basis=("1", "H87"), emissions=co2("3"))
    valley.buys(valley.north, (mix, "10", "H87"))
    valley.buys(valley.south)
    market = valley.market()
    assert known(market.amount) == pytest.approx(30)
    assert rules(market) == ["grid-power-unmeasured"]


def test_two_grids_of_a_site_are_covered_in_proportion(valley: Valley) -> None:
    """60 MWh of 0.7 and 40 of another grid's average 0.2, half covered: 30·0.7 + 20·0.2 = 25 t."""
    state_factors(valley.f, residual=RESIDUAL)
    other = power(valley.f.enterprise("Other"), "Hydro mix", "0.2", grid="CN-SC")
    valley.buys(valley.north, (valley.grid, "60", "MWH"), (other, "40", "MWH"))
    valley.buys(valley.south)
    valley.certify("50", site=valley.north)
    market = valley.market()
    assert known(market.amount) == pytest.approx(25_000)
    assert [(each.region, each.stood_in) for each in market.residual] == [
        ("CN-JS", False),
        ("CN-SC", True),
    ]


def test_withdrawn_certificates_cover_nothing_any_more(valley: Valley) -> None:
    state_factors(valley.f, residual=RESIDUAL)
    valley.buys(valley.north, (valley.grid, "10", "MWH"))
    valley.buys(valley.south)
    said = valley.certify("4")
    covered = valley.market()
    withdrawn = valley.manager.withdraw(said)
    assert (covered.covered_kwh, valley.market().covered_kwh) == (pytest.approx(4_000), 0)
    assert valley.market().as_of == withdrawn.index


def test_a_year_in_a_file_keeps_the_grid_of_its_gaps(valley: Valley, tmp_path: Path) -> None:
    valley.buys(
        valley.north, ((ELECTRICITY, "CN-JS"), "1", "MWH"), (("urn:cpc:41", "CN"), "1", "KGM")
    )
    running = Running(CurrentYear(valley.f.standing(), YEAR))
    filed.write(tmp_path / "year", *written(running.current, running.solved()))
    gaps = BegunYear(*filed.read(tmp_path / "year")).network.gaps
    assert gaps == running.solved().network.gaps
    assert [gap.grid for gap in gaps] == [Grid("CN-JS"), None]


def test_a_residual_mix_that_is_stated_later_is_what_moved_the_market_based_figures(
    valley: Valley,
) -> None:
    """150 MWh from the grid at 0.6, then at 0.7: 90 t and 105 t; no footprint is another."""
    valley.buys(valley.north, (valley.grid, "100", "MWH"))
    valley.buys(valley.south, ((ELECTRICITY, "CN-JS"), "50", "MWH"))
    state_factors(valley.f, average=AVERAGE)
    size, engine, asked = valley.f.log.size(), Engine(valley.f.log), Question(year=YEAR)
    state_factors(valley.f, average=AVERAGE, residual=RESIDUAL, name="residual")
    told = difference(engine, "park", valley.park, asked, size, size + 1)
    assert {each.name: each.difference for each in told.whole.numbers if each.has_moved} == {
        "scope2Market": pytest.approx(10_000),
        "netOperationalMarket": pytest.approx(10_000),
    }
    assert [cause.index for cause in told.causes] == [size]
    moved = {each.id for each, _ in wave(engine, size, asked).moved}
    assert moved == {valley.park, valley.tenant.id}


def test_other_factors_with_the_same_residual_mix_move_nothing(valley: Valley) -> None:
    valley.buys(valley.north, (valley.grid, "100", "MWH"))
    state_factors(valley.f, residual=RESIDUAL)
    state_factors(valley.f, average=AVERAGE, name="average")
    rippled = wave(Engine(valley.f.log), valley.f.log.size() - 1, Question(year=YEAR))
    assert (rippled.moved, rippled.left) == ((), 0)


@pytest.mark.parametrize("seed", range(6))
def test_every_kilowatt_hour_is_covered_once_or_has_the_residual_mix(
    valley: Valley, seed: int
) -> None:
    """``S2 = 0.7·(grid − covered)``, ``covered ≤ grid``, ``covered + excess = certificates``."""
    chance = random.Random(seed)
    state_factors(valley.f, residual=RESIDUAL)
    grid = 0
    for site in (valley.north, valley.south):
        amounts = [chance.randint(0, 40) for _ in range(2)]
        valley.buys(site, *((valley.grid, str(amount), "MWH") for amount in amounts))
        grid += 1000 * sum(amounts)
    stated = 0
    for n in range(chance.randint(0, 4)):
        amount, site = chance.randint(1, 50), chance.choice([valley.north, valley.south, None])
        valley.certify(str(amount), f"A-{n}", **({"site": site} if site else {}))
        stated += 1000 * amount
    market = valley.market()
    assert market.grid_kwh == pytest.approx(grid)
    assert 0 <= market.covered_kwh <= grid + 1e-6
    assert market.covered_kwh + market.excess_kwh == pytest.approx(stated)
    assert known(market.amount) == pytest.approx(0.7 * (grid - market.covered_kwh), abs=1e-6)
