"""A park with every line of the inventory, worked on paper.

The park company U runs waste water works, roofs with photovoltaics and the cables. Tenant A is
inside all year; tenant B joins on 1 June and has 214 of the 365 days of everything it states.
Amounts are kg, power is kWh, GWP AR6 (HFC-134a 1530; CH4 29.8 fossil, 27 not) unless it says AR5
(1300; 28 and 28). All that is bought outside is made by firms that state recipes and output.

**Scope 1**

    A  natural gas   10 000 Nm3 · 38.931 MJ · 0.0153 · 0.99 · 44/12                =  21 621.88809
       diesel        10 t · 42 000 MJ (measured, not 43 330) · 0.0202 · 0.98 · 44/12 = 30 485.84
       process CO2                                                                 =  50 000
       HFC-134a      2 · 1530                                                      =   3 060
       methane       100 · 29.8, fossil                                            =   2 980
    U  methane       1 000 · 27, of waste water                                    =  27 000
    B  natural gas   3 650 Nm3 · 214/365 = 2 140 Nm3 · 2.162188809                 =   4 627.0840526
                                                                        together   = 139 774.8121426

    AR5: 2 · 1300 = 2 600, 100 · 28 = 2 800, 1 000 · 28 = 28 000: 460 and 180 less, 1 000 more.

**Scope 2.** The grid emits 0.6 where power is generated, and 0.1 before, in coal supply. A takes
80 000 from it, B 36 500 · 214/365 = 21 400, U 10 000: 111 400. By direct line A takes 5 000 of
wind, and 20 000 of the roofs, which are inside. Heat that A sells to B is inside as well.

    location  111 400 · 0.6                                                        =  66 840
    market    A's certificates cover 30 000, the park's 11 400 of the 81 400 left:
              70 000 · 0.8 (residual mix)                                          =  56 000

**Scope 3, upstream.** B's purchases count by days, like all of B.

    1  goods      (1 000 + 365 · 214/365) · 2                                      =   2 428
    2  capital    10 · 100                                                         =   1 000
    3  energy     111 400 · 0.1 + 5 000 · 0.02 + (10 000 + 2 140) · 0.3            =  14 882
    4  freight    500 · 0.1                                                        =      50
    5  waste      30 · 50                                                          =   1 500
    6  travel     4 · 25                                                           =     100
    7  commuting  200 · 3                                                          =     600
    8  leased     1 · 400                                                          =     400
                                                                        together   =  20 960

**Scope 3, downstream.** A makes 1 000 parts of 2 kg. 400 of them go into 100 machines of Y, beside
200 kg of other material: q = 800/1 000. Nothing comes back.

     9  delivery    1 000 · 0.05                                                   =      50
    10  processing  q · 8 per machine · 100                                        =     640
    11  use         600 parts that no one builds in · 3                            =   1 800
    12  discarding  1 000 · 0.2                                                    =     200
    13  leased out                                                                 =      70
    14  franchises                                                                 =       0
    15  investments                                                                =      30
                                                                        together   =   2 790

**Net.** 5 000 captured and stored (1 000 used and 700 biogenic do not count), 8 000 removed and
verified (3 000 are not), 2 000 of offsets beside it.

    operational  139 774.8121426 + 66 840 − 13 000 = 193 614.8121426    market 182 774.8121426
    full         that + 20 960 + 2 790             = 217 364.8121426    market 206 524.8121426

**Waste water.** What U emits and draws on, 27 000 + 10 000 · 0.7 = 34 000, is done for A alone
until B joins, from then on 3/4 for A and 1/4 for B:

    A  34 000 · (151 + 0.75 · 214)/365 = 29 016.4383562
    B  34 000 · 0.25 · 214/365         =  4 983.5616438
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.books.inventory import FullBooks, full_books
from graph.books.region import region_of
from graph.books.shared import shared_of
from graph.engine import Engine, Question
from graph.reading.direct import burn
from graph.reading.factors import Ladder
from graph.terms import LOCATION, MARKET, Assessed, Grade
from ledger.schema import load
from ledger.statements import (
    RESIDUAL_MIX,
    Allocation,
    Certificate,
    Factors,
    Fuel,
    Holding,
    Holdings,
    InputLine,
    Inventory,
    Period,
    Purchases,
    Share,
    Transport,
)
from tests.databases import Databases
from tests.factory import Actor, Factory, day, gas, line, ref, year_of
from tests.graph.ask import co2, known

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")

YEAR = 2025
FUEL = "urn:catchment:fuel:"
SCOPE1 = 139_774.8121426
ELSEWHERE = ("110", "30")
"""Where the fence of the park does not reach."""

OUTSIDE: dict[str, tuple[str, str, str | None]] = {
    "goods": ("KGM", "2", None),
    "capital": ("H87", "100", None),
    "coal supply": ("KWH", "0.1", None),
    "wind": ("KWH", "0.02", "0"),
    "fuel supply": ("NM3", "0.3", None),
    "freight": ("TKM", "0.1", None),
    "waste": ("TNE", "50", None),
    "travel": ("H87", "25", None),
    "coach": ("H87", "3", None),
    "lease": ("H87", "400", None),
}
"""Product -> unit, kg CO2 per unit, and kg of that at generation for what is electricity."""


@dataclass
class World:
    """The park and whom it trades with; products and sites by name."""

    f: Factory
    manager: Actor
    park: str
    firms: dict[str, Actor]
    sites: dict[str, str]
    products: dict[str, str]

    def full(self, gwp: str = "AR6") -> FullBooks:
        return full_books(Engine(self.f.log).park(self.park, Question(year=YEAR, gwp=gwp)))

    def certificate(self, kind: str, amount: str, unit: str, **used_for: str) -> None:
        who = self.manager if "park" in used_for else self.firms["A"]
        serial = f"S-{self.f.random.getrandbits(40):013d}"
        body = Certificate(
            kind=kind,
            registry="registry.example",
            serial=serial,
            amount=Decimal(amount),
            unit=unit,
            year=YEAR,
            vintage=YEAR,
            **used_for,
        )
        who.say(body)


def build(f: Factory, *, silent: int = 0, removed: str = "8000") -> World:
    """The park. Of category ``silent`` somebody says nothing; ``removed`` kg are verified."""
    state_factors(f)
    manager = f.enterprise("U Park Company")
    park = manager.park("Hand Park")
    firms = {name: f.enterprise(f"{name} Works") for name in "AB"}
    sites = {name: firm.site(f"{name} site", grid_region="CN-JS") for name, firm in firms.items()}
    firms["U"], sites["U"] = manager, manager.site("U site", grid_region="CN-JS")
    for name, start in (("U", "2025-01-01"), ("A", "2025-01-01"), ("B", "2025-06-01")):
        manager.membership(park, sites[name], start=start, consent_by=firms[name])
    world = World(f, manager, park, firms, sites, {})
    for name, (unit, kg, generation) in OUTSIDE.items():
        make_outside(world, name, unit, kg, generation)
    sell_power(world)
    sell_inside(world)
    sell_part(world, silent)
    take_in(world, silent)
    state_inventories(world, removed)
    share_the_works(world)
    world.certificate("green-power", "30000", "KWH", site=sites["A"])
    world.certificate("green-power", "11400", "KWH", park=park)
    world.certificate("offset", "2000", "KGM", park=park)
    if silent not in (13, 14, 15):
        hold(world)
    return world


def state_factors(f: Factory) -> None:
    carbon = {"netCalorificValue": "38.931", "carbonContent": "0.0153", "oxidation": "0.99"}
    diesel = {"netCalorificValue": "43330", "carbonContent": "0.0202", "oxidation": "0.98"}
    rows = [
        {**row("fuel", FUEL + "natural-gas", "NM3", "2.16218880900"), **carbon},
        {**row("fuel", FUEL + "diesel", "TNE", "3145.122"), **diesel},
        row("grid", RESIDUAL_MIX, "KWH", "0.8"),
    ]
    about = {"name": "hand", "version": "1", "publisher": "P", "source": "S", "year": YEAR}
    f.operator.say(load(Factors, {**about, "rows": rows}))


def row(kind: str, of: str, unit: str, kg: str) -> dict[str, Any]:
    emitted = [{"gas": "CO2", "origin": "fossil", "amount": kg}]
    return {"kind": kind, "name": of, "of": of, "unit": unit, "emissions": emitted}


def make_outside(world: World, name: str, unit: str, kg: str, generation: str | None) -> None:
    """A firm of its own, far away, that makes one product from nothing that anybody sells."""
    firm = world.f.enterprise(f"{name} Co")
    site = firm.site(f"{name} site", at=ELSEWHERE)
    carrier = {} if generation is None else {"energy_carrier": "electricity"}
    product = firm.product(name, unit=unit, **carrier)
    generated = None if generation is None else co2(generation)
    firm.recipe(product, site, basis=("1", unit), emissions=co2(kg), generation=generated)
    firm.production(product, site, "10000000", unit)
    world.products[name] = product


def sell_power(world: World) -> None:
    """The grid: 0.6 where it generates, 0.1 in what it takes in."""
    firm = world.f.enterprise("Grid Co")
    site = firm.site("Grid site", at=ELSEWHERE)
    grid = firm.product("grid", unit="KWH", energy_carrier="electricity", grid="CN-JS")
    supply = line((world.products["coal supply"], "1", "KWH"), category=3)
    firm.recipe(
        grid,
        site,
        basis=("1", "KWH"),
        emissions=co2("0.6"),
        generation=co2("0.6"),
        inputs=[supply],
    )
    firm.production(grid, site, "10000000", "KWH")
    world.products["grid"] = grid


def sell_inside(world: World) -> None:
    """Power of the roofs, from U to A; heat from A to B, of A's own fuel."""
    u, a = world.firms["U"], world.firms["A"]
    roofs = u.product("roofs", unit="KWH", energy_carrier="electricity")
    u.recipe(roofs, world.sites["U"], basis=("1", "KWH"), generation=co2("0"))
    u.production(roofs, world.sites["U"], "20000", "KWH")
    heat = a.product("heat", unit="3B", energy_carrier="heat")
    emitted = co2("0.07")
    a.recipe(heat, world.sites["A"], basis=("1", "3B"), emissions=emitted, generation=emitted)
    a.production(heat, world.sites["A"], "7300", "3B")
    world.products |= {"roofs": roofs, "heat": heat}


def sell_part(world: World, silent: int) -> None:
    """A's part, what becomes of it, and Y, who builds four of them into a machine."""
    a, site = world.firms["A"], world.sites["A"]
    part = a.product("part", unit="H87", mass_per_unit="2")
    goods = world.products["goods"]
    a.recipe(part, site, basis=("1", "H87"), emissions=co2("50"), inputs=[(goods, "1", "KGM")])
    a.production(part, site, "1000", "H87")
    stages = {9: ("delivery", "0.05"), 11: ("use", "3"), 12: ("end_of_life", "0.2")}
    told = {name: co2(kg) for category, (name, kg) in stages.items() if category != silent}
    a.downstream(part, site, basis=("1", "H87"), **told)
    y = world.f.enterprise("Y Works")
    machines = y.site("Y site", at=ELSEWHERE)
    machine = y.product("machine", unit="H87", mass_per_unit="10")
    inputs = [(part, "4", "H87"), (goods, "2", "KGM")]
    y.recipe(machine, machines, basis=("1", "H87"), emissions=co2("8"), inputs=inputs)
    if silent != 10:
        y.production(machine, machines, "100", "H87")
    world.products |= {"part": part, "machine": machine}


def take_in(world: World, silent: int) -> None:
    """Purchases; the park company says under which categories it took in nothing."""
    by_lorry = Transport(ref=ref(world.products["freight"]), amount=Decimal(500), unit="TKM")
    bought: dict[str, list[InputLine]] = {
        "A": [
            lined(world, "goods", "1000", 1, transport=by_lorry),
            lined(world, "capital", "10", 2),
            lined(world, "grid", "80000", 3),
            lined(world, "wind", "5000", 3),
            lined(world, "roofs", "20000", 3),
            lined(world, "fuel supply", "10000", 3),
            lined(world, "waste", "30", 5),
            lined(world, "travel", "4", 6),
            lined(world, "coach", "200", 7),
            lined(world, "lease", "1", 8),
        ],
        "B": [
            lined(world, "goods", "365", 1),
            lined(world, "grid", "36500", 3),
            lined(world, "heat", "7300", 3),
            lined(world, "fuel supply", "3650", 3),
        ],
        "U": [lined(world, "grid", "10000", 3)] if silent != 3 else [],
    }
    nothing = {"A": (), "B": (2, 4, 5, 6, 7, 8), "U": (1, 2, 4, 5, 6, 7, 8)}
    for name, inputs in bought.items():
        without = tuple(c for c in nothing[name] if (name, c) != ("U", silent))
        world.firms[name].say(
            Purchases(
                site=world.sites[name],
                period=year_of(YEAR),
                inputs=tuple(inputs),
                without=without,
            )
        )


def lined(world: World, name: str, amount: str, category: int, **more: Any) -> InputLine:
    unit = OUTSIDE[name][0] if name in OUTSIDE else {"heat": "3B"}.get(name, "KWH")
    return line((world.products[name], amount, unit), category=category, **more)


def state_inventories(world: World, removed: str) -> None:
    a = {
        "emissions": [
            {"gas": "CO2", "amount": "50000", "source": "process"},
            {"gas": "HFC-134a", "amount": "2", "source": "fugitive"},
            {"gas": "CH4", "amount": "100", "source": "fugitive"},
        ],
        "fuels": [
            {"fuel": FUEL + "natural-gas", "amount": "10000", "unit": "NM3"},
            {
                "fuel": FUEL + "diesel",
                "amount": "10",
                "unit": "TNE",
                "netCalorificValue": "42000",
            },
        ],
        "removals": [{"sink": "natural", "name": "Meadow", "amount": "3000"}],
        "captured": [
            {"origin": "fossil", "fate": "stored", "amount": "5000"},
            {"origin": "fossil", "fate": "used", "amount": "1000"},
            {"origin": "biogenic", "fate": "stored", "amount": "700"},
        ],
    }
    b = {
        "emissions": [],
        "fuels": [{"fuel": FUEL + "natural-gas", "amount": "3650", "unit": "NM3"}],
    }
    u = {
        "emissions": [{"gas": "CH4", "origin": "biogenic", "amount": "1000", "source": "waste"}],
        "removals": [{"sink": "natural", "name": "Reed bed", "amount": removed}],
    }
    said = {name: state(world, name, members) for name, members in (("A", a), ("B", b), ("U", u))}
    verifier = world.f.enterprise("Verifier", roles=("verifier",))
    world.f.operator.accredit(verifier)
    verifier.attest(said["U"])


def state(world: World, name: str, members: dict[str, Any]) -> Any:
    span = {"start": f"{YEAR}-01-01", "end": f"{YEAR + 1}-01-01"}
    body = load(Inventory, {"site": world.sites[name], "period": span, **members})
    return world.firms[name].say(body)


def share_the_works(world: World) -> None:
    """Of what U does: all for A until B joins, from then on a quarter for B."""
    for start, end, shares in (
        ("2025-01-01", "2025-06-01", {"A": "1"}),
        ("2025-06-01", "2026-01-01", {"A": "0.75", "B": "0.25"}),
    ):
        world.manager.say(
            Allocation(
                site=world.sites["U"],
                period=Period(start=day(start), end=day(end)),
                service="waste water",
                key="Metered water.",
                shares=tuple(
                    Share(site=world.sites[name], share=Decimal(share))
                    for name, share in shares.items()
                ),
            )
        )


def hold(world: World) -> None:
    """What the park has others run: a hall leased out, a share in a firm, no franchise."""
    rows = ((13, "70", "A hall."), (15, "30", "A share in a kiln."))
    held = tuple(
        Holding(category=category, emissions=(gas(("CO2", "fossil", kg)),), reason=why)
        for category, kg, why in rows
    )
    world.manager.say(Holdings(enterprise=world.park, period=year_of(YEAR), holdings=held))


# --- Scope 1 -------------------------------------------------------------------------------


def test_scope_1_is_what_burnt_leaked_and_came_out_of_the_process(factory: Factory) -> None:
    world = build(factory)
    books = world.full().books.assessment
    by_owner = {name: known(books.scope1_by_owner[firm.id]) for name, firm in world.firms.items()}
    assert by_owner == pytest.approx(
        {"A": 108_147.72809, "U": 27_000, "B": 4_627.0840526}, rel=1e-9
    )
    assert known(books.scope1) == pytest.approx(SCOPE1, rel=1e-9)


def test_ten_thousand_cubic_metres_of_natural_gas_emit_21_6219_tonnes(factory: Factory) -> None:
    state_factors(factory)
    fuel = Fuel(fuel=FUEL + "natural-gas", amount=Decimal(10_000), unit="NM3")
    burnt = burn(fuel, Ladder.of(factory.standing(), YEAR), "CN-JS")
    assert burnt is not None
    assert sum(burnt.emissions.values()) / 1000 == pytest.approx(21.6219, abs=5e-5)


@pytest.mark.parametrize(("gwp", "more"), [("AR6", 0.0), ("AR5", -460 - 180 + 1000)])
def test_another_report_weighs_the_same_gases_otherwise(
    factory: Factory, gwp: str, more: float
) -> None:
    full = build(factory).full(gwp)
    assert known(full.books.assessment.scope1) == pytest.approx(SCOPE1 + more, rel=1e-9)
    assert known(full.scope3) == pytest.approx(20_960 + 2_790, rel=1e-9)


# --- Scope 2 and 3 -------------------------------------------------------------------------


def test_scope_2_is_told_by_place_and_by_contract(factory: Factory) -> None:
    full = build(factory).full()
    assert known(full.scope2[LOCATION]) == pytest.approx(66_840)
    assert known(full.scope2[MARKET]) == pytest.approx(56_000)
    market = full.books.market
    told = (market.grid_kwh, market.covered_kwh, market.direct_kwh, market.excess_kwh)
    assert told == pytest.approx((111_400, 41_400, 5_000, 0))


def test_heat_and_roof_power_that_tenants_sell_each_other_are_no_scope_2_of_the_park(
    factory: Factory,
) -> None:
    """B alone: 36 500 · 0.6 and 7 300 MJ · 0.07 of heat, for the whole year; A: no roof power."""
    world = build(factory)
    engine = Engine(factory.log)
    scope2 = {
        name: known(engine.enterprise(world.firms[name].id, Question(year=YEAR)).assessment.scope2)
        for name in "AB"
    }
    assert scope2 == pytest.approx({"A": 80_000 * 0.6, "B": 36_500 * 0.6 + 7_300 * 0.07})


def test_every_category_of_scope_3_is_on_paper(factory: Factory) -> None:
    full = build(factory).full()
    told = {each.number: known(each.amount) for each in full.categories}
    assert told == pytest.approx(
        {
            1: 2_428,
            2: 1_000,
            3: 14_882,
            4: 50,
            5: 1_500,
            6: 100,
            7: 600,
            8: 400,
            9: 50,
            10: 640,
            11: 1_800,
            12: 200,
            13: 70,
            14: 0,
            15: 30,
        }
    )
    assert known(full.books.assessment.scope3) == pytest.approx(20_960)
    assert known(full.scope3_downstream) == pytest.approx(2_790)
    assert full.books.assessment.returning is Assessed.ASSESSED
    assert (full.uncovered, full.books.findings) == ((), ())


# --- Net -----------------------------------------------------------------------------------


def test_what_was_stored_and_verified_lowers_the_net_figures_and_nothing_else_does(
    factory: Factory,
) -> None:
    full = build(factory).full()
    ledgers = full.ledgers
    assert (ledgers.captured, ledgers.removed) == (5_000, 8_000)
    assert (ledgers.removed_unverified, ledgers.offsets) == (3_000, 2_000)
    operational = {basis: known(each) for basis, each in full.operational.items()}
    assert operational == pytest.approx(
        {LOCATION: 193_614.8121426, MARKET: 182_774.8121426}, rel=1e-9
    )
    whole = {basis: known(each) for basis, each in full.full.items()}
    assert whole == pytest.approx({LOCATION: 217_364.8121426, MARKET: 206_524.8121426}, rel=1e-9)
    assert full.offset_share == pytest.approx(2_000 / 219_524.8121426)
    assert full.status.grade is Grade.NONE


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kg=st.integers(1, 10**9))
def test_offsets_never_change_a_footprint(by_hand: World, kg: int) -> None:
    before = numbers(by_hand)
    told = by_hand.full().ledgers.offsets
    by_hand.certificate("offset", str(kg), "KGM", park=by_hand.park)
    assert numbers(by_hand) == before
    assert by_hand.full().ledgers.offsets == told + kg


@pytest.fixture(scope="module")
def by_hand(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The park once, for tests that only add to what it says beside its figures."""
    return build(Factory(databases.new(tmp_path_factory.mktemp("by-hand"), "by-hand")))


def numbers(world: World) -> dict[str, float]:
    """Everything of the park but its offsets, and what its products carry."""
    full, engine = world.full(), Engine(world.f.log)
    books = full.books.assessment
    amounts = {
        "scope1": books.scope1,
        "scope3": full.scope3,
        "t2": books.t2,
        **{f"scope2 {basis}": each for basis, each in full.scope2.items()},
        **{f"operational {basis}": each for basis, each in full.operational.items()},
        **{f"full {basis}": each for basis, each in full.full.items()},
        **{
            name: engine.footprint(product, Question(year=YEAR))[1].amount
            for name, product in world.products.items()
        },
    }
    return {name: known(each) for name, each in amounts.items()}


# --- Status --------------------------------------------------------------------------------

ENOUGH = "215000"
"""Removed and verified: more than the 214 524.8121426 that are left without any removal."""


def test_a_park_that_removes_all_it_emits_and_leaves_nothing_out_is_net_zero(
    factory: Factory,
) -> None:
    full = build(factory, removed=ENOUGH).full()
    assert known(full.full[MARKET]) == pytest.approx(-475.1878574)
    assert full.status.grade is Grade.NET_ZERO


def test_a_sink_counts_once_a_registry_certifies_it(factory: Factory) -> None:
    """205 000 are attested; the meadow's 3 000 are missing until there is a certificate of them."""
    world = build(factory, removed="205000")
    assert known(world.full().full[MARKET]) == pytest.approx(9_524.8121426)
    world.certificate("removal", "2500", "KGM", site=world.sites["A"])
    assert known(world.full().full[MARKET]) == pytest.approx(7_024.8121426)
    assert world.full().ledgers.removed_unverified == pytest.approx(500)


@pytest.mark.parametrize(
    ("silent", "uncovered"),
    [
        *((number, (number,)) for number in (*range(1, 9), 9, 11, 12)),
        # How many machines Y makes is what processing, and use beside it, are told from.
        (10, (10, 11)),
        (13, (13, 14, 15)),
    ],
)
def test_leaving_a_category_out_blocks_net_zero_and_names_it(
    factory: Factory, silent: int, uncovered: tuple[int, ...]
) -> None:
    full = build(factory, silent=silent, removed=ENOUGH).full()
    assert tuple(each.number for each in full.uncovered) == uncovered
    assert full.full[MARKET].value is None
    assert full.status.grade is Grade.OPERATIONAL
    against = {each.reason: each.params for each in full.status.against(Grade.NET_ZERO)}
    assert against["categories"] == {"categories": ", ".join(map(str, uncovered))}


# --- Shared --------------------------------------------------------------------------------


def test_waste_water_is_put_to_whom_it_is_done_for_and_moves_no_total(factory: Factory) -> None:
    world = build(factory)
    moved = shared_of(world.full().books).by_owner
    net = {name: known(moved[firm.id].net) for name, firm in world.firms.items()}
    assert net == pytest.approx({"U": -34_000, "A": 29_016.4383562, "B": 4_983.5616438}, rel=1e-9)
    assert sum(net.values()) == pytest.approx(0, abs=1e-6)


def test_what_the_park_sells_to_its_neighbour_counts_once_in_the_region_above_both(
    factory: Factory,
) -> None:
    """Y alone: 800 + 400 parts · (50 + 2) + 200 · 2 = 22 000; in the region its parts are inside.

    The park has 139 774.8121426 + 66 840 + 20 960, the region that and 800 + 400 of Y.
    """
    world = build(factory)
    engine, question = Engine(factory.log), Question(year=YEAR)
    y = str(factory.standing().owner_of("product", world.products["machine"]))
    region = region_of([engine.park(world.park, question), engine.enterprise(y, question)])
    each = [known(member.assessment.t2) for member in region.members]
    assert each == pytest.approx([227_574.8121426, 22_000], rel=1e-9)
    assert known(region.books.assessment.t2) == pytest.approx(228_774.8121426, rel=1e-9)
    assert known(region.difference) == pytest.approx(20_800)
