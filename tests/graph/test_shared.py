"""Shared infrastructure: what a boiler house emits for its neighbours. Worked by hand.

The boiler house emits 900 kg itself and buys 100 kg of coal whose making emitted 1 kg each: 1000 kg
in all. It works for the mill with three quarters, and for the bakery with one.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from graph.books.shared import Moved, Shared, shared_of
from graph.engine import Books, Engine, Question
from graph.figures.boundary import Lacking
from ledger.findings import Side
from ledger.log import Accepted
from ledger.statements import Allocation, Period
from ledger.statements.sharing import Share
from tests.factory import Actor, Factory, day, line, year_of
from tests.graph.ask import YEAR, co2, known

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")


@dataclass
class Yard:
    f: Factory
    manager: Actor
    mill: Actor
    bakery: Actor
    park: str
    boiler: str
    sites: dict[str, str]
    bought_by_mill: Accepted

    def allocate(self, *shares: tuple[str, str], period: Period | None = None) -> Accepted:
        named = tuple(Share(site=self.sites[name], share=Decimal(w)) for name, w in shares)
        return self.manager.say(
            Allocation(
                site=self.boiler,
                period=period or year_of(YEAR),
                service="Steam",
                key="Metered heat",
                shares=named,
            )
        )

    def books(self) -> Books:
        return Engine(self.f.log).park(self.park, Question(year=YEAR))

    def shared(self) -> Shared:
        return shared_of(self.books())


def taken(moved: Moved) -> float:
    return known(moved.taken)


@pytest.fixture
def yard(factory: Factory) -> Yard:
    manager, mill, bakery = (factory.enterprise(name) for name in ("Manager", "Mill", "Bakery"))
    mine = factory.enterprise("Mine")
    pit = mine.site("Pit", at=("100", "20"))
    coal = mine.product("Coal")
    mine.recipe(coal, pit, emissions=co2("1"))
    mine.production(coal, pit, "1000")
    sites = {"mill": mill.site("Mill"), "bakery": bakery.site("Bakery")}
    boiler, park = manager.site("Boiler house"), manager.park()
    bought: list[Accepted] = []
    for actor, site in ((manager, boiler), (mill, sites["mill"]), (bakery, sites["bakery"])):
        manager.membership(park, site, consent_by=actor)
        actor.inventory(site, co2("900") if site == boiler else co2("10"))
        inputs = [(coal, "100", "KGM")] if site == boiler else []
        bought.append(actor.purchases(site, inputs))
    return Yard(factory, manager, mill, bakery, park, boiler, sites, bought[1])


def test_each_is_given_its_share_of_what_is_emitted_and_drawn_on(yard: Yard) -> None:
    """1000·0.75 = 750 to the mill and 250 to the bakery; of Scope 1, 675 and 225."""
    yard.allocate(("mill", "0.75"), ("bakery", "0.25"))
    moved = shared_of(yard.books()).by_owner
    assert taken(moved[yard.mill.id]) == pytest.approx(750)
    assert taken(moved[yard.bakery.id]) == pytest.approx(250)
    assert known(moved[yard.mill.id].scope1_net) == pytest.approx(675)
    assert known(moved[yard.manager.id].net) == pytest.approx(-1000)
    assert known(moved[yard.manager.id].scope1_net) == pytest.approx(-900)


def test_over_all_of_them_it_sums_to_zero_and_moves_no_total(yard: Yard) -> None:
    before = yard.books()
    yard.allocate(("mill", "0.6"), ("bakery", "0.4"))
    after = yard.books()
    nets = [moved.net for moved in shared_of(after).by_owner.values()]
    assert sum(map(known, nets)) == pytest.approx(0, abs=1e-9)
    for total in ("scope1", "scope2", "scope3", "t2"):
        assert getattr(before.assessment, total) == getattr(after.assessment, total)
    assert shared_of(before).by_owner == {}


def test_what_is_done_for_a_site_outside_is_told_and_stays_unless_it_agreed(yard: Yard) -> None:
    """A fifth is put to a site that is no member and has not agreed: it is told, and stays where it
    arises, so that no park is lower by what it says of strangers."""
    neighbour = yard.f.enterprise("Neighbour")
    yard.sites["outside"] = neighbour.site("Outside", at=("110", "30"))
    yard.allocate(("mill", "0.8"), ("outside", "0.2"))
    shared = yard.shared()
    assert known(shared.leaving) == pytest.approx(200)
    assert neighbour.id not in shared.by_owner
    assert known(shared.by_owner[yard.manager.id].net) == pytest.approx(-800)
    assert sum(known(moved.net) for moved in shared.by_owner.values()) == pytest.approx(0)
    own = shared_of(Engine(yard.f.log).enterprise(yard.mill.id, Question(year=YEAR)))
    assert known(own.entering) == pytest.approx(800)
    assert [row.enters for row in own.rows] == [True]


def test_nobody_puts_anything_to_a_stranger(yard: Yard) -> None:
    """The mill is told, takes nothing by it, and has what its own park does for it as before."""
    far = yard.f.enterprise("Far works")
    works = far.site("Far works", at=("110", "30"))
    far.inventory(works, co2("400"))
    far.purchases(works)
    far.say(
        Allocation(
            site=works,
            period=year_of(YEAR),
            service="Steam",
            key="As we please",
            shares=(Share(site=yard.sites["mill"], share=Decimal(1)),),
        )
    )
    yard.allocate(("mill", "1"))
    shared = yard.shared()
    assert taken(shared.by_owner[yard.mill.id]) == pytest.approx(1000)
    assert {row.giver: row.accepted for row in shared.rows} == {
        yard.manager.id: True,
        far.id: False,
    }
    assert known(shared.entering) == 0
    (noticed,) = shared.findings
    assert (noticed.rule, noticed.params) == (
        "allocation-to-strangers",
        {"site": "Far works", "taker": "Mill"},
    )
    assert [party.enterprise for party in noticed.parties] == [yard.mill.id]
    assert noticed.template_for(Side.CONSUMER) != noticed.template
    yard.mill.transfer("site", yard.sites["mill"], far, start="2025-01-01")
    assert {row.accepted for row in yard.shared().rows} == {True}


@pytest.mark.parametrize("agrees", [False, True])
def test_a_park_founded_for_a_site_binds_it_once_it_agrees(yard: Yard, agrees: bool) -> None:
    stranger = yard.f.enterprise("Stranger")
    plant = stranger.site("Plant", at=("110", "30"))
    yard.sites["plant"] = plant
    park = yard.manager.park("Snare")
    yard.manager.membership(park, yard.boiler, consent_by=yard.manager)
    yard.manager.membership(park, plant, consent_by=stranger if agrees else None)
    yard.allocate(("plant", "1"))
    own = shared_of(Engine(yard.f.log).park(park, Question(year=YEAR)))
    assert (stranger.id in own.by_owner) == agrees
    assert bool(own.findings) != agrees


def test_a_member_of_some_days_takes_its_share_of_these(yard: Yard) -> None:
    """The dairy is a member until 15 March, 73 of 365 days: a fifth of its half is taken inside."""
    dairy = yard.f.enterprise("Dairy")
    yard.sites["dairy"] = dairy.site("Dairy")
    yard.manager.membership(yard.park, yard.sites["dairy"], end="2025-03-15", consent_by=dairy)
    yard.allocate(("mill", "0.5"), ("dairy", "0.5"))
    shared = yard.shared()
    assert taken(shared.by_owner[dairy.id]) == pytest.approx(100)
    assert known(shared.leaving) == pytest.approx(400)
    assert taken(shared.by_owner[yard.mill.id]) == pytest.approx(500)


def test_an_allocation_of_a_quarter_is_for_its_days(yard: Yard) -> None:
    """90 of 365 days of 1000 kg."""
    quarter = Period(start=day("2025-01-01"), end=day("2025-04-01"))
    yard.allocate(("mill", "1"), period=quarter)
    moved = shared_of(yard.books()).by_owner
    assert taken(moved[yard.mill.id]) == pytest.approx(1000 * 90 / 365)


def test_who_keeps_a_share_of_its_own_gives_and_takes_it(yard: Yard) -> None:
    yard.sites["boiler"] = yard.boiler
    yard.allocate(("boiler", "0.1"), ("mill", "0.9"))
    own = shared_of(yard.books()).by_owner[yard.manager.id]
    assert (known(own.given), known(own.taken)) == (pytest.approx(1000), pytest.approx(100))


def test_a_shared_site_that_changes_hands_is_given_by_who_has_it(yard: Yard) -> None:
    """Half a year of 2025 has 181 days to the end of June, and 184 after."""
    yard.manager.transfer("site", yard.boiler, yard.bakery, start="2025-07-01")
    yard.bakery.say(
        Allocation(
            site=yard.boiler,
            period=year_of(YEAR),
            service="Steam",
            key="Metered heat",
            shares=(Share(site=yard.sites["mill"], share=Decimal(1)),),
        )
    )
    moved = shared_of(yard.books()).by_owner
    assert known(moved[yard.manager.id].given) == pytest.approx(1000 * 181 / 365)
    assert known(moved[yard.bakery.id].given) == pytest.approx(1000 * 184 / 365)
    assert taken(moved[yard.mill.id]) == pytest.approx(1000)


def test_what_a_shared_site_has_not_stated_is_not_shared_as_zero(yard: Yard) -> None:
    silent = yard.manager.site("Pumps")
    yard.manager.membership(yard.park, silent, consent_by=yard.manager)
    yard.manager.inventory(silent, co2("5"))
    share = Share(site=yard.sites["mill"], share=Decimal(1))
    yard.manager.say(
        Allocation(
            site=silent, period=year_of(YEAR), service="Water", key="Meters", shares=(share,)
        )
    )
    moved = shared_of(yard.books()).by_owner[yard.mill.id]
    assert moved.taken.lacking is Lacking.OPEN
    assert moved.taken.at_least == pytest.approx(5)
    assert known(moved.scope1_taken) == pytest.approx(5)


def _sells_steam(yard: Yard, **recipe: Any) -> None:
    """The mill also buys steam of the boiler house."""
    steam = yard.manager.product("Steam", unit="KWH", energy_carrier="steam")
    yard.manager.production(steam, yard.boiler, "100", "KWH")
    if recipe:
        yard.manager.recipe(steam, yard.boiler, basis=("1", "KWH"), **recipe)
    else:
        yard.manager.footprint(steam, "2", unit="KWH", site=yard.boiler)
    yard.mill.correct(yard.bought_by_mill, inputs=(line((steam, "40", "KWH"), category=3),))


def test_what_is_shared_and_sold_is_noticed(yard: Yard) -> None:
    _sells_steam(yard)
    yard.allocate(("mill", "1"))
    (noticed,) = yard.shared().findings
    assert noticed.rule == "allocation-beside-sales"
    assert noticed.params == {"site": "Boiler house", "product": "Steam"}


def test_what_a_recipe_takes_out_is_not_shared(yard: Yard) -> None:
    """100 kWh of steam at 2 kg are sold: of 900 kg at the boiler house 700 are shared, and 100."""
    _sells_steam(yard, emissions=co2("2"))
    yard.allocate(("mill", "1"))
    shared = yard.shared()
    assert shared.findings == ()
    assert taken(shared.by_owner[yard.mill.id]) == pytest.approx(800)
