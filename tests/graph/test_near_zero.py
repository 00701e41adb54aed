"""Near-zero: of the base year as its fence is now, and by the strictest target."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import pytest

from graph.books.inventory import FullBooks, threshold_of, with_base
from graph.engine import Engine, Question
from graph.terms import MARKET, Grade
from ledger.statements import Milestone, Planner, Target
from tests.factory import Actor, Factory
from tests.graph.ask import co2

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")

BASE, LATER = 2024, 2025


@dataclass
class Park:
    """A steelworks of 900 kg that leaves at the end of the base year, and a bakery of 100 kg."""

    f: Factory
    host: Actor
    id: str
    bakery: str

    def aims(self, near_zero: str | None, *, serial: int = 1, base: int = BASE) -> None:
        self.host.say(
            Target(
                object=Planner(type="park", id=self.id),
                serial=serial,
                name=f"Target {serial}",
                ambition="full",
                base_year=base,
                milestones=(Milestone(year=2030, reduction=Decimal(90)),),
                near_zero=None if near_zero is None else Decimal(near_zero),
            )
        )

    def full(self, year: int = LATER) -> FullBooks:
        engine = Engine(self.f.log)
        return with_base(engine, engine.park(self.id, Question(year=year)))


@pytest.fixture
def park(factory: Factory) -> Park:
    host, steel, bakery = (factory.enterprise(name) for name in ("Host", "Steel", "Bakery"))
    own = host.park()
    works, ovens = steel.site("Works"), bakery.site("Ovens")
    host.membership(own, works, start="2024-01-01", end="2025-01-01", consent_by=steel)
    host.membership(own, ovens, start="2024-01-01", consent_by=bakery)
    for year in (BASE, LATER):
        steel.inventory(works, co2("900"), year=year)
        bakery.inventory(ovens, co2("100"), year=year)
        for actor, site in ((steel, works), (bakery, ovens)):
            actor.purchases(site, year=year)
    return Park(factory, host, own, ovens)


def test_nobody_comes_near_zero_by_letting_a_site_leave(park: Park) -> None:
    """As it was the base year had 1000 kg, and 10 % remained; without the works it has 100."""
    park.aims("50")
    base = park.full().base
    assert base is not None
    assert base.gross[MARKET].at_least == pytest.approx(100)
    assert {place.site for place in base.books.places} == {park.bakery}


def test_a_year_can_be_its_own_base(park: Park) -> None:
    park.aims("50", base=LATER)
    full = park.full()
    assert full.base is not None
    assert full.base.gross == full.gross
    assert full.base.books is full.books


def test_of_several_targets_the_strictest_counts(park: Park) -> None:
    for serial, share in enumerate(("20", "5", None, "50"), start=1):
        park.aims(share, serial=serial)
    threshold = threshold_of(park.f.standing(), park.id)
    assert threshold is not None
    assert threshold.serial == 2


def test_without_a_threshold_there_is_no_base(park: Park) -> None:
    park.aims(None)
    full = park.full()
    assert full.base is None
    assert "no-threshold" in [each.reason for each in full.status.against(Grade.NEAR_ZERO)]


def test_a_base_year_of_which_nothing_is_stated_is_not_known(park: Park) -> None:
    park.aims("10", base=2023)
    full = park.full()
    assert full.base is None
    assert "base-unknown" in [each.reason for each in full.status.against(Grade.NEAR_ZERO)]
