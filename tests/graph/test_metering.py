"""A park's year from its meters, and meters beside inventories. The numbers are worked here.

The grid emits 0.6 kg CO2 per kWh; natural gas has 38.931 MJ per m³ and 0.0153 kg of carbon per MJ,
of which 0.99 is oxidised: 38.931 · 0.0153 · 0.99 · 44/12 = 2.16219 kg CO2 (21.6219 t per 10⁴ m³).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from graph.books.metering import MeteredYear, Row, metered_year
from graph.books.reconciliation import compared
from graph.engine import Engine, Question, places_of_enterprise, places_of_park
from graph.findings import Finding
from graph.reading.year import Year
from graph.soundness.evidence import Evidence, Scope
from graph.soundness.plausibility import findings
from ledger.findings import Side
from ledger.schema import load
from ledger.statements import Energy, Fuel, Inventory, Meter, Period, Readings, Water
from tests.factory import Actor, Factory
from tests.metered import GAS, count, state_factors

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")

YEAR = Period(start=dt.date(2025, 1, 1), end=dt.date(2026, 1, 1))


@dataclass
class Valley:
    """A park of two tenants; the second joins on the first of June."""

    f: Factory
    park: str
    first: Actor
    second: Actor
    mill: str
    forge: str

    def year(self, year: int = 2025) -> MeteredYear:
        standing = self.f.standing()
        return metered_year(standing, places_of_park(standing, self.park, year), year, "AR6")


@pytest.fixture
def valley(factory: Factory) -> Valley:
    manager = factory.enterprise("Manager")
    first, second = factory.enterprise("First"), factory.enterprise("Second")
    mill = first.site("Mill", grid_region="CN-JS")
    forge = second.site("Forge", grid_region="CN-JS")
    park = manager.park()
    manager.membership(park, mill)
    manager.membership(park, forge, start="2025-06-01")
    return Valley(factory, park, first, second, mill, forge)


def row(found: MeteredYear, measures: str, flow: str = "bought") -> Row:
    return next(r for r in found.rows if (r.kind.measures, r.kind.flow) == (measures, flow))


def rules(found: MeteredYear) -> set[str]:
    return {each.rule for each in found.estimate.lacks}


def test_a_meter_counts_from_the_day_its_site_joins(valley: Valley) -> None:
    """10 a day at the mill all year, 20 a day at the forge from June, when 214 days are left."""
    count(valley.first, valley.mill, "E1", "3650")
    count(valley.second, valley.forge, "E1", "7300")
    power = row(valley.year(), "electricity")
    assert power.months[4].amount == pytest.approx(310)
    assert power.months[5].amount == pytest.approx(900)
    assert power.whole.amount == pytest.approx(3650 + 214 * 20)
    assert (power.whole.share, power.meters) == (1, 2)


def test_what_is_counted_alike_is_added_up_in_one_unit(valley: Valley) -> None:
    """3 650 kWh, and 3.65 MWh that are 3 650 kWh; what only divides them is told beside."""
    count(valley.first, valley.mill, "E1", "3650")
    count(valley.first, valley.mill, "E2", "3.65", unit="MWH")
    count(valley.first, valley.mill, "E3", "1000", flow="used")
    found = valley.year()
    assert row(found, "electricity").whole.amount == pytest.approx(7300)
    assert row(found, "electricity").kind.unit == "KWH"
    assert row(found, "electricity", "used").whole.amount == pytest.approx(1000)
    assert found.estimate.together is None


def test_the_estimate_is_grid_power_and_fuels_times_their_factors(valley: Valley) -> None:
    """(10 000 - 4 000) kWh · 0.6 = 3 600 kg; 100 m³ · 2.16219 = 216.219 kg."""
    state_factors(valley.f, "grid", "fuel")
    count(valley.first, valley.mill, "E1", "10000")
    count(valley.first, valley.mill, "E2", "4000", flow="sold")
    count(valley.first, valley.mill, "E3", "500", flow="used")
    count(valley.first, valley.mill, "PV", "700", flow="generated", source="non-fossil")
    count(valley.first, valley.mill, "G1", "100", measures="fuel", fuel=GAS, unit="NM3")
    estimate = valley.year().estimate
    assert estimate.scope1 is not None
    assert estimate.scope2 is not None
    assert estimate.together is not None
    assert estimate.scope2.whole.amount == pytest.approx(3600)
    assert estimate.scope1.whole.amount == pytest.approx(216.219, rel=1e-5)
    assert estimate.together.whole.amount == pytest.approx(3816.219, rel=1e-5)
    months = [month.amount for month in estimate.together.months]
    assert sum(m for m in months if m is not None) == pytest.approx(3816.219, rel=1e-5)
    assert (len(estimate.factors), estimate.lacks) == (2, ())


@pytest.mark.parametrize(
    ("rule", "members"),
    [
        ("meter-without-grid-factor", {}),
        ("meter-without-source", {"source": None}),
        ("metered-supply", {"source": "non-fossil"}),
        ("metered-supply", {"measures": "heat", "unit": "GV", "source": "recovered"}),
        ("meter-without-grid-factor", {"measures": "steam", "unit": "GV"}),
        ("metered-in-part", {"measures": "fuel", "fuel": GAS, "unit": "NM3", "flow": "used"}),
        ("metered-in-part", {"flow": "used"}),
        ("meter-without-fuel-factor", {"measures": "fuel", "fuel": GAS, "unit": "TNE"}),
        (
            "metered-fuel-made",
            {"measures": "fuel", "fuel": GAS, "unit": "NM3", "flow": "generated"},
        ),
    ],
)
def test_what_cannot_be_estimated_is_named_and_never_zero(
    valley: Valley, rule: str, members: dict[str, Any]
) -> None:
    count(valley.first, valley.mill, "M", "100", **members)
    found = valley.year()
    assert rules(found) == {rule}
    assert found.estimate.together is None
    (lack,) = found.estimate.lacks
    assert "M" in lack.sentence
    assert "Mill" in lack.sentence


def test_a_year_that_runs_says_how_far_it_reaches(valley: Valley) -> None:
    count(valley.first, valley.mill, "E1", "3650")
    valley.second.say(
        Meter(
            site=valley.forge, meter="E1", measures="electricity", flow="bought", source="grid",
            unit="KWH", reads="register",
        )
    )  # fmt: skip
    unread = valley.year()
    assert [m.site for m in unread.metered if m.through is None] == [valley.forge]
    assert row(unread, "electricity").whole.share == pytest.approx(365 / (365 + 214))
    ends = [("2026-01-01T00:00:00+08:00", "0"), ("2026-02-10T00:00:00+08:00", "400")]
    period = {"start": "2026-01-01", "end": "2027-01-01"}
    readings = [{"at": at, "value": value} for at, value in ends]
    members = {"meter": "E1", "period": period, "readings": readings}
    valley.second.say(load(Readings, {"site": valley.forge, **members}))
    found = valley.year(2026)
    power = row(found, "electricity")
    assert [month.amount for month in power.months] == [310, 90, *[None] * 10]
    assert found.latest is not None
    assert found.latest.isoformat() == "2026-02-10T00:00:00+08:00"
    assert power.months[1].share == pytest.approx(9 / 56)


def test_sites_without_meters_are_named(valley: Valley) -> None:
    count(valley.first, valley.mill, "E1", "3650")
    found = valley.year()
    assert found.without_meters == (valley.forge,)
    assert set(found.sites) == {valley.mill, valley.forge}


def test_a_reading_moves_the_answer(valley: Valley) -> None:
    before = valley.year().as_of
    count(valley.second, valley.forge, "E1", "1")
    assert valley.year().as_of > before


def test_an_enterprise_has_the_meters_of_all_its_sites(valley: Valley) -> None:
    count(valley.second, valley.forge, "E1", "7300")
    standing = valley.f.standing()
    places = places_of_enterprise(standing, valley.second.id, 2025)
    found = metered_year(standing, places, 2025, "AR6")
    assert row(found, "electricity").whole.amount == pytest.approx(7300)


# -- beside the inventory -----------------------------------------------------------------------


def state(actor: Actor, site: str, period: Period = YEAR, **members: Any) -> None:
    actor.say(Inventory(site=site, emissions=(), period=period, **members))


def power(amount: str, *, flow: str = "bought", source: str = "grid", unit: str = "KWH") -> Energy:
    return Energy(
        carrier="electricity", flow=flow, source=source, amount=Decimal(amount), unit=unit
    )


def noticed(valley: Valley) -> list[Finding]:
    answered = Engine(valley.f.log).answer(Question(year=2025))
    evidence = Evidence.of(answered.standing, answered.solved, answered.weights)
    found = findings(evidence, Scope(frozenset(), frozenset({valley.mill})))
    return [each for each in found if each.rule.startswith("meter")]


@pytest.mark.parametrize(
    ("stated", "differs"), [("3650", False), ("3579", False), ("3578", True), ("3725", True)]
)
def test_a_total_that_is_more_than_two_per_cent_off_is_told_with_both_numbers(
    valley: Valley, stated: str, differs: bool
) -> None:
    """3650 / 1.02 = 3 578.4; 3650 / 0.98 = 3 724.5."""
    count(valley.first, valley.mill, "E1", "3650")
    state(valley.first, valley.mill, energy=(power(stated),))
    found = noticed(valley)
    assert [each.rule for each in found] == ["meters-against-inventory"] * differs
    for each in found:
        assert "count 3650 KWH of grid electricity bought in 2025" in each.sentence
        assert f"states {stated} KWH" in each.sentence
        (party,) = each.of(Side.SUPPLIER)
        assert (party.enterprise, party.site) == (valley.first.id, valley.mill)


def test_only_the_days_of_the_inventory_are_compared(valley: Valley) -> None:
    """31 days of January at 10 a day, though the year has 3 650."""
    count(valley.first, valley.mill, "E1", "3650")
    january = Period(start=dt.date(2025, 1, 1), end=dt.date(2025, 2, 1))
    state(valley.first, valley.mill, january, energy=(power("0.31", unit="MWH"),))
    (found,) = compared(Year(valley.f.standing(), 2025), valley.mill)
    assert (found.metered, found.stated) == (pytest.approx(310), pytest.approx(310))
    assert not found.differ


def test_two_owners_of_a_site_are_each_told_of_their_own_days(valley: Valley) -> None:
    """181 days until July at 10 a day, and 184 after; the first states 2 000, the second 1 840."""
    count(valley.first, valley.mill, "E1", "3650")
    until_july = Period(start=dt.date(2025, 1, 1), end=dt.date(2025, 7, 1))
    after = Period(start=dt.date(2025, 7, 1), end=dt.date(2026, 1, 1))
    state(valley.first, valley.mill, until_july, energy=(power("2000"),))
    valley.first.transfer("site", valley.mill, valley.second, start="2025-07-01")
    state(valley.second, valley.mill, after, energy=(power("1840"),))
    first, second = compared(Year(valley.f.standing(), 2025), valley.mill)
    assert (first.said[0].owner, first.differ) == (valley.first.id, True)
    assert (second.said[0].owner, second.differ) == (valley.second.id, False)
    assert (first.metered, second.metered) == (pytest.approx(1810), pytest.approx(1840))


def test_meters_that_leave_out_days_are_not_compared(valley: Valley) -> None:
    valley.first.say(
        Meter(
            site=valley.mill, meter="E1", measures="electricity", flow="bought", source="grid",
            unit="KWH", reads="register",
        )
    )  # fmt: skip
    state(valley.first, valley.mill, energy=(power("3650"),))
    assert list(compared(Year(valley.f.standing(), 2025), valley.mill)) == []


def test_a_list_of_electricity_that_leaves_a_flow_out_states_that_there_was_none(
    valley: Valley,
) -> None:
    count(valley.first, valley.mill, "E2", "100", flow="sold")
    state(valley.first, valley.mill, energy=(power("3650"),))
    (found,) = compared(Year(valley.f.standing(), 2025), valley.mill)
    assert (found.metered, found.stated, found.differ) == (pytest.approx(100), 0, True)


def test_what_an_inventory_never_mentions_is_unstated_and_not_zero(valley: Valley) -> None:
    count(valley.first, valley.mill, "E1", "3650")
    state(valley.first, valley.mill)
    (found,) = noticed(valley)
    assert found.rule == "metered-and-unstated"
    assert "3650 KWH" in found.sentence


def test_a_meter_without_a_source_is_compared_with_all_sources(valley: Valley) -> None:
    count(valley.first, valley.mill, "E1", "3650", source=None)
    both = (power("3000"), power("650", source="non-fossil"))
    state(valley.first, valley.mill, energy=both)
    (found,) = compared(Year(valley.f.standing(), 2025), valley.mill)
    assert (found.stated, found.differ) == (3650, False)


def test_fuels_and_water_are_compared_with_what_was_used_and_taken_in(valley: Valley) -> None:
    """Gas: 1 000 - 100 bought and sold on, against 950 used, of which 50 were made here."""
    count(valley.first, valley.mill, "G1", "1000", measures="fuel", fuel=GAS, unit="NM3")
    count(
        valley.first, valley.mill, "G2", "100", measures="fuel", fuel=GAS, unit="NM3", flow="sold"
    )
    count(valley.first, valley.mill, "W1", "70", measures="water", unit="MTQ")
    fuels = tuple(
        Fuel(fuel=GAS, amount=Decimal(amount), unit="NM3", use=use)
        for amount, use in (("950", "final"), ("50", "derived"))
    )
    water = (Water(kind="fresh", amount=Decimal(80), unit="MTQ"),)
    state(valley.first, valley.mill, fuels=fuels, water=water)
    gas, taken = compared(Year(valley.f.standing(), 2025), valley.mill)
    assert (gas.metered, gas.stated, gas.differ) == (pytest.approx(900), 900, False)
    assert (taken.metered, taken.stated, taken.differ) == (pytest.approx(70), 80, True)


def test_amounts_that_do_not_convert_are_not_compared(valley: Valley) -> None:
    count(valley.first, valley.mill, "G1", "1000", measures="fuel", fuel=GAS, unit="NM3")
    fuels = (Fuel(fuel=GAS, amount=Decimal(1), unit="TNE", use="final"),)
    state(valley.first, valley.mill, fuels=fuels)
    assert list(compared(Year(valley.f.standing(), 2025), valley.mill)) == []
