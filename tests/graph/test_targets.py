"""Targets beside what became of them, by hand.

A park of one firm that burns something and buys grid power at 0.5 kg CO2 per kWh, in kg:

    year   Scope 1   power      operational net
    2023   600       400 kWh    600 + 200 = 800
    2024   500       400 kWh    500 + 200 = 700
    2025   450       500 kWh    450 + 250 = 700

The target: 50 % below 2023 by 2027, 100 % by 2033. The path falls by 12.5 points a year to 2027,
so that 2024 may have 700, 2025 may have 600 and 2027 may have 400, and then by 8⅓ points a year.

The line through 800, 700, 700: mean 733⅓ in 2024, slope (−1·66⅔ + 1·(−33⅓)) / 2 = −50 a year; in
2027 it is at 733⅓ − 150 = 583⅓, and 183⅓ above the path.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.books.targets import (
    FULL,
    OPERATIONAL,
    Imagined,
    Judged,
    Path,
    Plans,
    Progress,
    Projection,
    outlook,
    plans_of,
)
from graph.differences.whatif import (
    NO_PREFIX,
    Change,
    Hypothetical,
    RemoveInput,
    ReplaceInput,
    Say,
    Scope,
    suppose,
    supposition,
)
from graph.engine import Engine, Question
from graph.errors import CertificateWithdrawn, NothingToChange
from graph.figures.boundary import Amount, Lacking
from ledger.errors import CertificateUsed
from ledger.log import Accepted
from ledger.schema import dump
from ledger.statements import (
    Attestation,
    Body,
    Certificate,
    Inventory,
    Milestone,
    Removal,
    Scenario,
    Target,
    Withdrawal,
)
from ledger.statements.plans import Planner
from tests.factory import Actor, Factory, gas, line, year_of
from tests.graph.ask import co2, known

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")

YEARS = {2023: ("600", "400"), 2024: ("500", "400"), 2025: ("450", "500")}
LATEST = 2025


@dataclass
class Mill:
    """The firm, its park, and two products that power can be."""

    f: Factory
    firm: Actor
    site: str
    park: str
    grid: str
    wind: str
    books: dict[int, Accepted] = field(default_factory=dict)

    def target(self, *milestones: tuple[int, str], **members: Any) -> Accepted:
        demanded = tuple(Milestone(year=y, reduction=Decimal(r)) for y, r in milestones)
        plain: dict[str, Any] = {
            "object": Planner(type="park", id=self.park),
            "serial": 1,
            "name": "Half by 2027, all by 2033",
            "ambition": OPERATIONAL,
            "base_year": 2023,
            "milestones": demanded or (fall(2027, 50), fall(2033, 100)),
        }
        return self.firm.say(Target(**{**plain, **members}))

    def plans(self, kind: str = "park", entity: str | None = None, year: int = LATEST) -> Plans:
        return plans_of(Engine(self.f.log), kind, entity or self.park, Question(year))

    def progress(self) -> Progress:
        (found,) = self.plans().progress
        return found

    def imagine(self, *changes: Change) -> Imagined:
        engine, question = Engine(self.f.log), Question(LATEST)
        before = engine.answer(question)
        after = supposition(before, suppose(before.standing, changes))
        return Imagined.of(before, after.answer(question), "park", self.park)

    def burns(self, year: int, kg: str, **members: Any) -> Inventory:
        return Inventory(
            site=self.site, period=year_of(year), emissions=tuple(map(gas, co2(kg))), **members
        )


def fall(year: int, percent: int) -> Milestone:
    return Milestone(year=year, reduction=Decimal(percent))


def power(maker: Actor, name: str, kg: str, grid: str | None = None) -> str:
    site, product = (
        maker.site(name, at=("100", "20")),
        maker.product(name, unit="KWH", energy_carrier="electricity", grid=grid),
    )
    for year in YEARS:
        maker.recipe(product, site, basis=("1", "KWH"), emissions=co2(kg), year=year)
        maker.production(product, site, "100000", "KWH", year=year)
    return product


@pytest.fixture
def mill(factory: Factory) -> Mill:
    firm, maker = factory.enterprise("Mill"), factory.enterprise("Power")
    site, park = firm.site("Mill"), firm.park("Mill Park")
    firm.membership(park, site, start="2020-01-01")
    made = Mill(
        factory, firm, site, park, power(maker, "Grid", "0.5", "CN-JS"), power(maker, "Wind", "0")
    )
    for year, (kg, kwh) in YEARS.items():
        made.books[year] = firm.say(made.burns(year, kg))
        firm.purchases(site, [line((made.grid, kwh, "KWH"), category=3)], year=year)
    return made


def said(body: Body) -> dict[str, Any]:
    return {"type": body.TYPE, **dump(body)}


# --- The path --------------------------------------------------------------------------------


def test_the_path_and_the_line_are_those_worked_by_hand(mill: Mill) -> None:
    mill.target()
    found = mill.progress()
    rows = [(each.year, known(each.figure), each.required) for each in found.judged]
    assert rows == [
        (2023, pytest.approx(800), pytest.approx(800)),
        (2024, pytest.approx(700), pytest.approx(700)),
        (2025, pytest.approx(700), pytest.approx(600)),
    ]
    assert [each.on_path for each in found.judged] == [True, True, False]
    assert found.latest.distance == pytest.approx(100)
    assert found.path.zero_year == 2033
    line = found.projection
    assert line is not None
    assert (line.years, line.slope) == ((2023, 2024, 2025), pytest.approx(-50))
    half, none = found.projected
    assert (half.year, known(half.figure)) == (2027, pytest.approx(733 + 1 / 3 - 150))
    assert half.distance == pytest.approx(183 + 1 / 3)
    assert (none.year, known(none.figure)) == (2033, pytest.approx(733 + 1 / 3 - 450))
    assert none.required == pytest.approx(0)


def test_after_the_last_milestone_the_path_stays_where_it_is() -> None:
    path = Path(2020, 1000.0, (fall(2025, 20), fall(2030, 30)))
    assert [path.required(year) for year in (2020, 2025, 2027, 2030, 2050)] == pytest.approx(
        [1000, 800, 760, 700, 700]
    )
    assert path.zero_year is None


@given(
    st.lists(st.integers(0, 100), min_size=1, max_size=5).map(sorted),
    st.floats(1, 1e9, allow_nan=False),
)
def test_a_path_never_rises_and_keeps_its_milestones(falls: list[int], base: float) -> None:
    path = Path(2020, base, tuple(fall(2021 + 3 * k, each) for k, each in enumerate(falls)))
    levels = [path.required(year) for year in range(2020, 2040)]
    told = [each for each in levels if each is not None]
    assert told == sorted(told, reverse=True)
    for each in path.milestones:
        assert path.required(each.year) == pytest.approx(base * (1 - float(each.reduction) / 100))


def test_without_a_known_base_nothing_is_demanded(mill: Mill) -> None:
    mill.target(base_year=2022)
    found = mill.progress()
    assert found.path.base is None
    assert (found.base.year, found.base.figure, found.base.on_path) == (2022, None, None)
    assert [(each.required, each.on_path) for each in found.judged] == [(None, None)] * 3


@pytest.mark.parametrize("base", [None, Amount(0.0), Amount(-5.0), Amount(9, lacking=Lacking.OPEN)])
def test_a_base_that_is_open_or_not_above_zero_has_no_path(base: Amount | None) -> None:
    body = Target(
        object=Planner(type="park", id="5f3c3e33-64a8-4d3b-8f7a-0f8f7f1c2b11"),
        serial=1,
        name="T",
        ambition=OPERATIONAL,
        base_year=2020,
        milestones=(fall(2030, 50),),
    )
    assert Path.of(body, base).required(2030) is None


def test_an_open_year_is_never_on_the_path_and_off_it_once_its_bound_is_above() -> None:
    low, high = (Amount(kg, lacking=Lacking.OPEN) for kg in (10.0, 900.0))
    assert Judged(2025, 600.0, low).on_path is None
    assert Judged(2025, 600.0, high).on_path is False
    assert (Judged(2025, 600.0, high).distance, Judged(2025, None, high).on_path) == (None, None)


def test_a_year_that_says_nothing_of_power_is_a_lower_bound_and_no_point_of_the_line(
    mill: Mill,
) -> None:
    """2026 states an inventory of 300 kg and no purchases: at least 300, and nobody knows."""
    mill.target()
    mill.f.clock.advance(days=365)
    mill.firm.say(mill.burns(2026, "300"))
    (found,) = mill.plans(year=2026).progress
    assert found.latest.year == 2026
    assert found.latest.figure is not None
    assert found.latest.figure.value is None
    assert found.latest.figure.at_least == pytest.approx(300)
    assert found.latest.on_path is None
    assert found.projection is not None
    assert found.projection.years == (2023, 2024, 2025)


def test_one_year_is_no_line() -> None:
    assert Projection.of({2025: 10.0}) is None
    assert Projection.of({}) is None


def test_all_scopes_are_open_while_categories_are_not_stated(mill: Mill) -> None:
    mill.target(ambition=FULL)
    found = mill.progress()
    assert found.base.figure is not None
    assert found.base.figure.value is None
    assert found.base.figure.at_least == pytest.approx(800)
    assert (found.path.base, found.projection) == (None, None)


def test_targets_of_an_enterprise_are_of_all_its_sites(mill: Mill) -> None:
    mill.target(object=Planner(type="enterprise", id=mill.firm.id))
    (found,) = mill.plans("enterprise", mill.firm.id).progress
    assert [known(each.figure) for each in found.judged] == pytest.approx([800, 700, 700])


def test_the_base_is_restated_with_the_fence_of_the_end_of_the_latest_year(mill: Mill) -> None:
    """A neighbour of 100 kg in each year joins on 1 July 2025: the base is 900, and was 800. In
    2025 as it was, 184 of 365 days of its 100 kg count."""
    mill.target()
    neighbour = mill.f.enterprise("Neighbour")
    site = neighbour.site()
    mill.firm.membership(mill.park, site, start="2025-07-01", serial=2)
    for year in YEARS:
        neighbour.inventory(site, co2("100"), year=year)
        neighbour.purchases(site, [], year=year)
    found = mill.progress()
    assert known(found.base.figure) == pytest.approx(900)
    assert known(found.base.as_it_was) == pytest.approx(800)
    assert found.latest.required == pytest.approx(900 * 0.75)
    assert known(found.latest.figure) == pytest.approx(800)
    assert known(found.latest.as_it_was) == pytest.approx(700 + 100 * 184 / 365)
    assert mill.plans().day == dt.date(2025, 12, 31)


def test_offsets_count_for_no_target(mill: Mill) -> None:
    mill.target()
    certificate(mill, "offset", "1000", "KGM", say=True)
    assert known(mill.progress().latest.figure) == pytest.approx(700)


# --- Scenarios -------------------------------------------------------------------------------


def certificate(
    mill: Mill, kind: str, amount: str, unit: str, *, say: bool = False, **m: Any
) -> Say:
    body = Certificate(
        kind=kind,
        registry="gec.example",
        **{"serial": "X-0001", "amount": Decimal(amount), "unit": unit, "year": LATEST,
           "park": mill.park, **m},
    )  # fmt: skip
    if say:
        mill.firm.say(body)
    return Say(said(body))


def with_sink(mill: Mill, kg: str = "200") -> Say:
    wood = Removal(sink="natural", name="Wood", amount=Decimal(kg))
    return Say(said(mill.burns(LATEST, "450", removals=(wood,))))


def test_green_supply_instead_of_grid_power_is_seen(mill: Mill) -> None:
    """500 kWh at 0.5 become 500 kWh at 0: 700 − 250 = 450, on the path of 2026 (500), 2027 (400) no
    more."""
    mill.target()
    found = mill.imagine(ReplaceInput(mill.grid, mill.wind, Scope("park", mill.park)))
    assert found.difference(OPERATIONAL) == pytest.approx(-250)
    path = mill.progress().path
    scenario = planned(mill, 2026)
    figure = found.after.net_operational(found.after.market.amount)
    seen = outlook(path, scenario, LATEST, figure)
    assert (seen.first.year, seen.first.required) == (2026, pytest.approx(500))
    assert (seen.first.on_path, seen.first.distance) == (True, pytest.approx(-50))
    assert seen.last_on_path == 2026
    late = outlook(path, planned(mill, 2030), LATEST, figure)
    assert (late.first.on_path, late.last_on_path) == (False, None)
    assert known(mill.progress().latest.figure) == pytest.approx(700)


def planned(mill: Mill, start: int, *changes: dict[str, Any]) -> Scenario:
    return Scenario(
        object=Planner(type="park", id=mill.park),
        serial=1,
        name="S",
        start_year=start,
        changes=changes or ({"takeBack": "0" * 64},),
    )


def test_a_sink_counts_once_somebody_verifies_it(mill: Mill) -> None:
    """200 kg a year taken up by a wood lower the net figure only with a certificate."""
    alone = mill.imagine(with_sink(mill))
    assert alone.difference(OPERATIONAL) == pytest.approx(0)
    assert alone.unverified == pytest.approx(200)
    verified = mill.imagine(
        with_sink(mill), certificate(mill, "removal", "150", "KGM", site=mill.site, park=None)
    )
    assert verified.difference(OPERATIONAL) == pytest.approx(-150)
    assert verified.unverified == pytest.approx(50)


def test_an_opinion_on_a_stated_sink_can_be_supposed(mill: Mill) -> None:
    wood = Removal(sink="natural", name="Wood", amount=Decimal(200))
    stated = mill.firm.correct(mill.books[LATEST], removals=(wood,))
    verifier = mill.f.enterprise("Verifier", roles=("verifier",))
    opinion = Attestation(
        digest=stated.digest, standard="ISO 14064-3", level="limited", scope="All of it.",
        until=dt.date(2027, 12, 31),
    )  # fmt: skip
    supposed = Say(said(opinion), verifier.id)
    assert mill.imagine(supposed).difference(OPERATIONAL) == pytest.approx(0)
    mill.f.operator.accredit(verifier)
    assert mill.imagine(supposed).difference(OPERATIONAL) == pytest.approx(-200)


def test_another_supplier_is_seen_in_all_scopes(mill: Mill) -> None:
    """Steel of 3 kg CO2 is replaced by one of 1 kg: 40 kg of it, 80 kg less in Scope 3 alone."""
    maker = mill.f.enterprise("Steel")
    dear, clean = maker.product("Dear"), maker.product("Clean")
    for product, kg in ((dear, "3"), (clean, "1")):
        maker.footprint(product, kg)
    purchases = [line((mill.grid, "500", "KWH"), category=3), line((dear, "40", "KGM"))]
    stated = mill.f.standing().about("purchases", mill.site)[-1]
    body = stated.statement.body
    mill.firm.say(type(body)(**{**members(body), "inputs": tuple(purchases)}), prev=stated.digest)
    found = mill.imagine(ReplaceInput(dear, clean, Scope("site", mill.site)))
    assert found.difference(OPERATIONAL) == pytest.approx(0)
    assert found.difference(FULL) is None
    was, then = (each.assessment.scope3 for each in (found.before, found.after))
    assert then.at_least - was.at_least == pytest.approx(-80)


def members(body: Body) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__dataclass_fields__}


def test_green_certificates_can_be_supposed_once(mill: Mill) -> None:
    """300 of the 500 kWh from the grid would be green: 150 kg less. A serial number that is used up
    already is none to suppose."""
    supposed = certificate(mill, "green-power", "300", "KWH", serial="X-0002")
    assert mill.imagine(supposed).difference(OPERATIONAL) == pytest.approx(-150)
    certificate(mill, "green-power", "1", "KWH", serial="X-0001", count=3, say=True)
    with pytest.raises(CertificateUsed):
        mill.imagine(supposed)
    with pytest.raises(CertificateUsed):
        mill.imagine(certificate(mill, "green-power", "300", "KWH", serial="X-2"))


def test_a_withdrawn_serial_number_is_none_to_suppose(mill: Mill) -> None:
    certificate(mill, "green-power", "1", "KWH", serial="X-0001", say=True)
    (stands,) = mill.f.standing().statements("certificate")
    mill.firm.say(Withdrawal(reason="A mistake."), prev=stands.digest)
    for spelt in ("X-0001", "X-1"):
        with pytest.raises(CertificateWithdrawn):
            mill.imagine(certificate(mill, "green-power", "300", "KWH", serial=spelt))


def test_a_certificate_is_supposed_otherwise_by_whoever_may_correct_it(mill: Mill) -> None:
    certificate(mill, "green-power", "1", "KWH", serial="X-0001", say=True)
    more = certificate(mill, "green-power", "300", "KWH", serial="X-0001")
    assert mill.imagine(more).difference(OPERATIONAL) == pytest.approx(-149.5)
    other = mill.f.enterprise("Other")
    taken = certificate(
        mill, "green-power", "300", "KWH", serial="X-0001", site=other.site(), park=None
    )
    with pytest.raises(CertificateUsed):
        mill.imagine(taken)


@pytest.mark.parametrize(
    "change",
    [
        lambda mill: RemoveInput(mill.f.uuid(), Scope("park", mill.park)),
        lambda mill: ReplaceInput(mill.f.uuid(), mill.wind, Scope()),
    ],
)
def test_what_does_not_fit_the_log_is_said(mill: Mill, change: Callable[[Mill], Change]) -> None:
    with pytest.raises(NothingToChange):
        mill.imagine(change(mill))


def test_a_supposed_member_is_in_the_fence_it_is_supposed_for(mill: Mill) -> None:
    neighbour = mill.f.enterprise("Neighbour")
    site = neighbour.site()
    neighbour.inventory(site, co2("100"), year=LATEST)
    neighbour.purchases(site, [], year=LATEST)
    joined = {"type": "membership", "park": mill.park, "site": site, "serial": 9,
              "from": "2025-12-01"}  # fmt: skip
    assert mill.imagine(Say(joined)).difference(OPERATIONAL) == pytest.approx(100)


def test_nothing_of_a_scenario_can_be_taken_for_a_figure(mill: Mill) -> None:
    after = mill.imagine(with_sink(mill)).after
    assert isinstance(after.answered, Hypothetical)
    assert after.answered.at == NO_PREFIX
