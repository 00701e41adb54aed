"""The carbon account of a boundary: what a figure was, why it moved, and what it is."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.books.account_rows import COLUMNS, Material, Matter, Row, Side
from graph.books.carbon_account import (
    ACCOUNTS,
    Account,
    CarbonAccount,
    OutputValue,
    carbon_account,
    published_before,
    years_of,
)
from graph.books.movements import Cause, Item, movements
from graph.engine import Books, Engine, Question
from graph.errors import GraphError, YearsReversed
from graph.figures.boundary import Amount
from ledger.statements import (
    Body,
    DirectEmission,
    Footprint,
    InputLine,
    Inventory,
    Membership,
    Part,
    Purchases,
)
from tests.audited import figure_of
from tests.factory import Actor, Factory, gas, line, year_of
from tests.graph.world import HALVES, WHOLE_YEAR, World, period
from tests.mill import (
    FIRST,
    GAS,
    ON_PAPER,
    PAINT,
    SECOND,
    STEEL,
    Mill,
    books,
    build_mill,
    state_factors,
)

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

EARLIER = {
    WHOLE_YEAR: (("2024-01-01", "2025-01-01"),),
    HALVES: (("2024-01-01", "2024-07-01"), ("2024-07-01", "2025-01-01")),
}


@pytest.fixture
def mill(factory: Factory) -> Mill:
    return build_mill(factory)


def account(f: Factory, of: str, kind: str = "enterprise", **asked: object) -> CarbonAccount:
    """The account of 2025 as the log stands, with what was published and what that was of."""
    engine = Engine(f.log)
    ask = engine.park if kind == "park" else engine.enterprise
    before, after = (ask(of, Question(year, **asked)) for year in (FIRST, SECOND))  # type: ignore[arg-type]  # a test
    published = published_before(f.standing(), before)
    return carbon_account(before, after, published, _then(engine, before, published))


def _then(engine: Engine, before: Books, published: object) -> Books | None:
    if published is None:
        return None
    size = published.statement.body.at.size  # type: ignore[attr-defined]  # a published figure
    ask = engine.park if before.kind == "park" else engine.enterprise
    return ask(before.id, Question(FIRST, before.answered.gwp, size))


def moved(told: Account) -> dict[str, float]:
    """Every cause that moved anything, in kg CO2e."""
    return {str(each.cause): each.kg.total for each in told.movements if abs(each.kg.total) > 1e-9}


def behind(told: CarbonAccount, cause: Cause) -> dict[str, float]:
    """What is behind a cause, by what it is about."""
    movement = next(each for each in told.t2.movements if each.cause is cause)
    return {_name(item): item.kg.t2.total for item in movement.items}


def _name(item: Item) -> str:
    material = item.of.material
    return item.of.product or (material.of if material else item.of.site or "")


def check_adds_up(told: CarbonAccount) -> None:
    """Opening, movements and closing of each account; and the scopes are T2 together."""
    for each in told.accounts.values():
        parts = [movement.kg for movement in each.movements]
        if each.restatement is not None and each is not told.t2:
            parts.append(each.restatement)
        opening = each.opening or each.restated
        known = opening.at_least + sum(part.known for part in parts)
        scale = max(abs(end.at_least) + abs(end.filled) for end in (opening, each.closing))
        tight = pytest.approx(each.closing.at_least, rel=1e-9, abs=1e-9 * max(1.0, scale))
        assert known == tight, each.name
        if each.is_valued:
            value = opening.value + sum(part.total for part in parts)  # type: ignore[operator]  # is valued
            assert value == pytest.approx(each.closing.value, rel=1e-9, abs=1e-9 * max(1.0, scale))
    for cause in Cause:
        kg = [_of(told.accounts[name], cause) for name in ACCOUNTS]
        if cause is not Cause.RESTATEMENT:
            assert sum(kg[1:]) == pytest.approx(kg[0], rel=1e-6, abs=1e-6)


def _of(told: Account, cause: Cause) -> float:
    return sum(each.kg.total for each in told.movements if each.cause is cause)


# --- By hand ---------------------------------------------------------------------------------


def test_every_movement_of_two_years_is_that_on_paper(mill: Mill) -> None:
    """Opening 3450 as published, closing 3520; the working is in ``tests.mill``."""
    told = account(mill.f, mill.firm.id)
    assert told.t2.opening is not None
    assert told.t2.opening.value == pytest.approx(3450)
    assert told.t2.restated.value == pytest.approx(3550)
    assert told.t2.closing.value == pytest.approx(3520)
    assert moved(told.t2) == pytest.approx(ON_PAPER)
    check_adds_up(told)


def test_the_items_behind_a_cause_are_those_on_paper(mill: Mill) -> None:
    told, made = account(mill.f, mill.firm.id), mill.products
    assert behind(told, Cause.RESTATEMENT) == pytest.approx({"process": 100})
    assert behind(told, Cause.ACTIVITY) == pytest.approx(
        {GAS: 200, made["Copper"]: 35, "electricity": -55}
    )
    assert behind(told, Cause.SUPPLIER) == pytest.approx(
        {made["Steel A"]: -80, made["Steel B"]: 40}
    )
    assert behind(told, Cause.FACTOR) == pytest.approx({"electricity": -95, made["Copper"]: -55})
    # 10 kg of paint of nobody in particular, at 5 kg each, are 10 kg of a supplier that says 3.
    assert behind(told, Cause.METHOD) == pytest.approx({PAINT: -50, made["Paint"]: 30})


def test_each_scope_has_an_account_of_its_own(mill: Mill) -> None:
    scopes = account(mill.f, mill.firm.id).accounts
    assert moved(scopes["scope1"]) == pytest.approx({"activity": 200})
    assert scopes["scope1"].restatement is not None
    assert scopes["scope1"].restatement.total == pytest.approx(100)
    assert moved(scopes["scope2Location"]) == pytest.approx({"activity": -55, "factor": -95})
    assert moved(scopes["scope3Upstream"]) == pytest.approx(
        {"activity": 35, "supplier": -40, "factor": -55, "method": -20}
    )


def test_without_a_published_figure_the_opening_is_that_of_today(mill: Mill) -> None:
    mill.firm.withdraw(mill.published)
    told = account(mill.f, mill.firm.id)
    assert told.published is None
    assert told.t2.opening == told.t2.restated
    assert "restatement" not in moved(told.t2)
    check_adds_up(told)


def test_a_figure_published_under_another_gwp_set_opens_no_account(mill: Mill) -> None:
    told = account(mill.f, mill.firm.id, gwp="AR5")
    assert told.published is None


def test_of_two_published_figures_the_later_one_opens_the_account(mill: Mill) -> None:
    mill.firm.say(figure_of(mill.f.log, "enterprise", mill.firm.id, FIRST))
    told = account(mill.f, mill.firm.id)
    assert told.t2.opening is not None
    assert told.t2.opening.value == pytest.approx(3550)
    assert "restatement" not in moved(told.t2)


def test_a_measured_value_in_place_of_a_factor_is_a_change_of_method(factory: Factory) -> None:
    """1000 Nm³ at 2 kg by the factor; then 1000 at 36 MJ · 0.015 kg/MJ · 1 · 44/12 = 1.98."""
    told = _two_inventories(
        factory,
        books("", FIRST, gas="1000", process="0"),
        books(
            "",
            SECOND,
            gas="1000",
            process="0",
            net_calorific_value="36",
            carbon_content="0.015",
            oxidation="1",
        ),
    )
    assert moved(told.t2) == pytest.approx({"method": -20})


def test_more_of_a_fuel_with_a_measured_value_is_split_between_both(factory: Factory) -> None:
    """1000 at 2 = 2000, then 1200 at 1.98 = 2376: 200 · 1.99 = 398 and −0.02 · 1100 = −22."""
    measured = {"net_calorific_value": "36", "carbon_content": "0.015", "oxidation": "1"}
    told = _two_inventories(
        factory,
        books("", FIRST, gas="1000", process="0"),
        books("", SECOND, gas="1200", process="0", **measured),
    )
    assert moved(told.t2) == pytest.approx({"activity": 398, "method": -22})


def test_what_a_supplier_now_knows_of_its_own_inputs_is_method_and_the_rest_is_factor(
    factory: Factory,
) -> None:
    """10 kg bought of a supplier that emits 1, then 1.1, and takes in 2 kg of paint for each:
    estimated at 5, then declared at 3. Factor 10 · 0.1; method 10 · (−10 + 6)."""
    state_factors(factory)
    buyer, supplier = factory.enterprise("Buyer"), factory.enterprise("Supplier")
    painter = factory.enterprise("Painter")
    site, works = buyer.site(), supplier.site()
    good, paint = supplier.product("Good"), painter.product("Paint")
    painter.footprint(paint, "3")
    for year, kg, wanted in ((FIRST, "1", (PAINT, "CN")), (SECOND, "1.1", paint)):
        supplier.recipe(
            good,
            works,
            emissions=[("CO2", "fossil", kg)],
            inputs=[(wanted, "2", "KGM")],
            year=year,
        )
        buyer.inventory(site, year=year)
        buyer.purchases(site, [(good, "10", "KGM")], year=year)
    assert moved(account(factory, buyer.id).t2) == pytest.approx({"factor": 1, "method": -40})


def test_a_footprint_under_another_gwp_set_is_a_change_of_method(factory: Factory) -> None:
    buyer, supplier = factory.enterprise("Buyer"), factory.enterprise("Supplier")
    site, good = buyer.site(), supplier.product("Good")
    for year, kg, gwp in ((FIRST, "2", "AR5"), (SECOND, "3", "AR6")):
        supplier.footprint(good, kg, year=year, pcf={"ipccCharacterizationFactors": [gwp]})
        buyer.inventory(site, year=year)
        buyer.purchases(site, [(good, "10", "KGM")], year=year)
    assert moved(account(factory, buyer.id).t2) == pytest.approx({"method": 10})


def _two_inventories(f: Factory, first: Inventory, second: Inventory) -> CarbonAccount:
    state_factors(f)
    firm = f.enterprise("Firm", country="CN")
    site = firm.site()
    for inventory in (first, second):
        firm.say(replace(inventory, site=site))
        firm.purchases(site, year=inventory.period.year)
    return account(f, firm.id)


# --- Three factors at once -------------------------------------------------------------------


def test_two_suppliers_three_factors_by_hand() -> None:
    """Q 100 → 120, A alone at 2 → A ¾ at 2.4 and B ¼ at 1: E = 200 → 120·(0.75·2.4 + 0.25·1) = 246.

    Shapley over three factors, weights 1/3 for both others at the same end, 1/6 crossed:

    activity   20·[(1·2 + 0.75·2.4)/3 + (1·2.4 + 0.75·2)/6] for A = 20·(3.8/3 + 3.9/6) = 38.3333
               and 20·[0.25·1/3 + 0.25·1/6] = 2.5 for B:                          40.8333 together
    supplier   −¼·[(100·2 + 120·2.4)/3 + (100·2.4 + 120·2)/6] = −¼·(488/3 + 480/6) = −60.6667 for A
               and ¼·[(100 + 120)/3 + (100 + 120)/6] = 27.5 for B
    factor     0.4·[(100·1 + 120·0.75)/3 + (100·0.75 + 120·1)/6] = 0.4·(190/3 + 195/6) = 38.3333
    """
    first, second = _side(A=(100, 2.0)), _side(A=(90, 2.4), B=(30, 1.0))
    assert _told(first, second) == pytest.approx(
        {
            ("activity", None): 245 / 6,
            ("supplier", "A"): -182 / 3,
            ("supplier", "B"): 27.5,
            ("factor", "A"): 115 / 3,
        }
    )
    assert sum(_told(first, second).values()) == pytest.approx(46)


def test_a_material_that_only_one_year_has_is_activity() -> None:
    assert _told(_side(), _side(A=(10, 3.0))) == pytest.approx({("activity", "A"): 30})
    assert _told(_side(A=(10, 3.0)), _side()) == pytest.approx({("activity", "A"): -30})


def test_what_is_known_on_another_rung_moved_by_method_alone() -> None:
    second = _side(A=(10, 3.0))
    expired = replace(second.rows[0], ways=frozenset({("expired-footprint", "AR6")}))
    told = _told(_side(A=(10, 2.0)), replace(second, rows=(expired,)))
    assert told == pytest.approx({("method", "A"): 10})


def test_an_input_that_opens_is_told_apart_and_never_spread() -> None:
    """B is bought instead of A, and nobody knows what it emits: all of the material is unknown."""
    opened = _side(A=(60, 2.0), B=(40, 0.0), open_ended="B")
    assert _told(_side(A=(100, 2.0)), opened) == pytest.approx({("unknown", "A"): -80})
    # Where the same product was bought before, the others stay comparable.
    both = _side(A=(60, 2.0), B=(40, 1.0))
    assert _told(both, opened) == pytest.approx({("unknown", "B"): -40})


def test_what_is_open_in_both_years_moves_as_far_as_it_is_known() -> None:
    first, second = (_side(A=(q, 2.0), open_ended="A") for q in (10, 12))
    assert _told(first, second) == pytest.approx({("activity", "A"): 4})


def test_a_site_that_leaves_a_year_open_has_no_causes() -> None:
    second = replace(_side(A=(10, 9.0)), untold=frozenset({("site", "purchases")}))
    assert _told(_side(A=(10, 2.0)), second) == pytest.approx({("unknown", "A"): 70})


def test_a_site_inside_for_half_the_year_is_structure_for_the_other_half() -> None:
    """Half of 100 kg at 2, then 120 at 2.5: a whole year is 100 → 200, then 300.

    structure = (1 − ½) · (200 + 300)/2 = 125, and of the rest ¾: 150 → 225, activity 15 · 2.25.
    """
    first = replace(_side(A=(50, 2.0)), days={"site": 0.5})
    told = _told(first, _side(A=(120, 2.5)))
    assert told == pytest.approx(
        {("structure", "site"): 125, ("activity", "A"): 33.75, ("factor", "A"): 41.25}
    )


def _side(open_ended: str = "", **taken: tuple[float, float]) -> Side:
    """A year in which one site takes in so many kg of each product, at so many kg CO2e each."""
    steel = Material(Matter.CLASS, STEEL, "mass")
    rows = []
    for product, (amount, per_unit) in taken.items():
        kg = np.zeros(COLUMNS)
        kg[1] = amount * per_unit
        declared = frozenset({("declared", "AR6")})
        is_open = product == open_ended
        rows.append(Row("site", steel, product, amount, kg, kg, declared, is_open))
    return Side(tuple(rows), {"site": 1.0}, frozenset(), frozenset())


def _told(first: Side, second: Side) -> Mapping[tuple[str, str | None], float]:
    items = movements(first, second)
    return {
        (str(item.cause), item.of.product or item.of.site): item.kg.t2.total
        for item in items
        if abs(item.kg.t2.total) > 1e-9
    }


# --- Boundaries that change --------------------------------------------------------------------


def test_a_site_that_is_handed_over_is_structure(factory: Factory) -> None:
    """Own 100 → 110; another site with 40 comes from somebody else at New Year."""
    buyer, seller = factory.enterprise("Buyer"), factory.enterprise("Seller")
    own, bought = buyer.site("Own"), seller.site("Bought")
    for year, kg in ((FIRST, "100"), (SECOND, "110")):
        buyer.inventory(own, [("CO2", "fossil", kg)], year=year)
        buyer.purchases(own, year=year)
    seller.inventory(bought, [("CO2", "fossil", "35")], year=FIRST)
    seller.purchases(bought, year=FIRST)
    seller.transfer("site", bought, buyer, start="2025-01-01")
    buyer.inventory(bought, [("CO2", "fossil", "40")], year=SECOND)
    buyer.purchases(bought, year=SECOND)
    assert moved(account(factory, buyer.id).t2) == pytest.approx({"structure": 40, "activity": 10})


def test_a_supplier_that_joins_the_park_is_structure_and_nothing_else(factory: Factory) -> None:
    """Tenant T buys 10 kg of G, made by J with 3 kg each; J joins at New Year with all of its 30.

    Within the later fence G is made inside: T2 stays 20 + 30, and no factor changed.
    """
    park, tenant, joiner = (factory.enterprise(name) for name in ("Park", "T", "J"))
    fence, t, j = park.park("Fence"), tenant.site("T"), joiner.site("J")
    good = joiner.product("G")
    park.membership(fence, t, consent_by=tenant, start="2024-01-01")
    park.membership(fence, j, consent_by=joiner, start="2025-01-01")
    for year in (FIRST, SECOND):
        tenant.inventory(t, [("CO2", "fossil", "20")], year=year)
        tenant.purchases(t, [(good, "10", "KGM")], year=year)
        joiner.recipe(good, j, emissions=[("CO2", "fossil", "3")], year=year)
        joiner.production(good, j, "10", year=year)
    told = account(factory, fence, "park")
    assert [told.t2.restated.value, told.t2.closing.value] == pytest.approx([50, 50])
    assert moved(told.t2) == {}
    by_site = behind(told, Cause.STRUCTURE)
    assert by_site == pytest.approx({t: -30, j: 30})


# --- Products and output -----------------------------------------------------------------------


def test_products_and_output_value_stand_beside_both_years(factory: Factory) -> None:
    """2 kg CO2e per kg, 100 kg made: 200 kg; of 250 in all. 250 kg over 10 000 yuan are 0.025."""
    firm = factory.enterprise("Firm")
    site, product = firm.site(), firm.product("Bar")
    for year in (FIRST, SECOND):
        firm.recipe(product, site, emissions=[("CO2", "fossil", "2")], year=year)
        firm.production(product, site, "100", year=year)
        stated = DirectEmission(gas="CO2", amount=Decimal(250))
        worth = books(site, year, gas="0", process="0", worth="10000").output_value
        firm.say(
            Inventory(
                site=site,
                period=year_of(year),
                emissions=(stated,),
                output_value=worth if year == SECOND else None,
            )
        )
    told = account(factory, firm.id)
    (bar,) = told.after.made
    assert (bar.output, bar.share) == (100, pytest.approx(0.8))
    assert bar.kg is not None
    assert (bar.per_unit and bar.per_unit.total, bar.kg.total) == (2, 200)
    assert told.after.per_value == pytest.approx(0.025)
    # In the year before nobody said what it was worth: that is unknown, not nothing.
    assert (told.before.output_value, told.before.per_value) == (None, None)


def test_output_values_of_parts_of_one_inventory_add_up(factory: Factory) -> None:
    """Two parts of the whole year, worth 10 000 and 2 500 yuan, of a site that emits 250 kg."""
    firm = factory.enterprise("Firm")
    site = firm.site()
    for year in (FIRST, SECOND):
        firm.purchases(site, [], year=year)
    firm.inventory(site, [("CO2", "fossil", "0")], year=FIRST)
    for k, (kg, worth) in enumerate((("250", "10000"), ("0", "2500")), start=1):
        stated = books(site, SECOND, gas="0", process=kg, worth=worth)
        firm.say(replace(stated, fuels=(), part=Part(k=k, n=2)))
    told = account(factory, firm.id).after
    assert told.output_value == OutputValue(12_500, "CNY:2025:basic")
    assert told.per_value == pytest.approx(250 / 12_500)


# --- As of ---------------------------------------------------------------------------------------


def test_an_account_stands_as_of_what_was_published_and_of_its_withdrawal(factory: Factory) -> None:
    """1000 kg published, 1500 after: the opening is the one, and without it the other."""
    firm = factory.enterprise("Firm")
    site = firm.site()
    first = firm.inventory(site, [("CO2", "fossil", "1000")], year=FIRST)
    for year in (FIRST, SECOND):
        firm.purchases(site, [], year=year)
    published = firm.say(figure_of(factory.log, "enterprise", firm.id, FIRST))
    firm.correct(first, emissions=(gas(("CO2", "fossil", "1500")),))
    firm.inventory(site, [("CO2", "fossil", "1000")], year=SECOND)
    assert account(factory, firm.id).t2.opening.at_least == 1000
    withdrawn = firm.withdraw(published)
    told = account(factory, firm.id)
    assert (told.t2.opening.at_least, told.as_of) == (1500, withdrawn.index)


# --- Refusals ----------------------------------------------------------------------------------


def test_an_account_leads_forward_in_time(mill: Mill) -> None:
    engine = Engine(mill.f.log)
    assert years_of(engine, Question(SECOND)) == (FIRST, SECOND)
    with pytest.raises(YearsReversed):
        years_of(engine, Question(SECOND), SECOND)


# --- Properties --------------------------------------------------------------------------------


class TwoYears(World):
    """Firms that tell of 2024 and of 2025, with fuels in their inventories."""

    def _periods(self, site: str) -> tuple[tuple[str, str], ...]:
        when = super()._periods(site)
        return (*when, *EARLIER[when])

    def say_membership(self, site: str) -> None:
        start = self._pick([dt.date(2024, 1, 1), dt.date(2024, 7, 1), dt.date(2025, 7, 1)])
        end = self._pick([None, None, dt.date(2025, 10, 1)])
        body = Membership(park=self.park, site=site, serial=1, start=start, end=end)
        self._tell(self.manager, ("membership", site), body)

    def say_everything(self) -> None:
        """Who belongs to the park, the books of every site, and footprints of both years."""
        for site, owner in self.sites.items():
            self.say_membership(site)
            for when in self._periods(site):
                bought = Purchases(site=site, period=period(when), inputs=self._named_lines())
                self._tell(owner, ("purchases", site, when), bought)
                stated = replace(books(site, SECOND, gas="1", process="2"), period=period(when))
                self._tell(owner, ("inventory", site, when), stated)
        for product, owner in self.products.items():
            for year in (FIRST, SECOND):
                pact = owner.pact_body(str(self._amount(3)), year=year)
                body = Footprint(product=product, site=None, pact=pact)
                self._tell(owner, ("footprint", product, None, year), body)

    def _named_lines(self) -> tuple[InputLine, ...]:
        chosen = self.random.sample(list(self.products), 3)
        return tuple(line((product, str(self._amount(2)), "KGM")) for product in chosen)

    def say_books(self, site: str) -> None:
        if self._sometimes(0.5):
            super().say_books(site)
            return
        when = self._pick(self._periods(site))
        body: Body = replace(
            books(site, SECOND, gas=str(self._amount(20)), process=str(self._amount(3))),
            period=period(when),
        )
        self._tell(self.sites[site], (body.TYPE, site, when), body)


@pytest.mark.parametrize("seed", [1, 2])
def test_movements_sum_to_closing_less_opening_in_random_worlds(
    factory: Factory, seed: int
) -> None:
    state_factors(factory)
    world = TwoYears(factory, random.Random(seed))
    world.say_everything()
    seen: set[str] = set()
    for _ in range(3):
        for _ in range(20):
            world.step()
        for kind, entity in [
            ("park", world.park),
            *(("enterprise", firm.id) for firm in world.firms),
        ]:
            try:
                told = account(factory, entity, kind)
            except GraphError:
                continue
            check_adds_up(told)
            seen.update(str(movement.cause) for movement in told.t2.movements if movement.items)
            owner = world.manager if kind == "park" else _firm(world, entity)
            if told.published is None:
                owner.say(figure_of(factory.log, kind, entity, FIRST))
    assert seen >= {"activity", "structure", "factor", "method", "unknown"}


def _firm(world: World, enterprise: str) -> Actor:
    return next(firm for firm in world.firms if firm.id == enterprise)


@pytest.mark.parametrize("seed", range(3))
def test_a_year_beside_itself_moved_nothing(factory: Factory, seed: int) -> None:
    world = World(factory, random.Random(seed))
    for _ in range(150):
        world.step()
    engine, seen = Engine(factory.log), 0
    for firm in world.firms:
        try:
            one = engine.enterprise(firm.id, Question(SECOND))
        except GraphError:
            continue
        told = carbon_account(one, one)
        assert [movement.items for movement in told.t2.movements] == [()]  # of the restatement
        seen += 1
    assert seen


amounts = st.floats(0.01, 100)
taken = st.dictionaries(st.sampled_from("ABCD"), st.tuples(amounts, amounts), max_size=4)


@settings(max_examples=100, deadline=None)
@given(taken, taken)
def test_the_split_of_a_material_is_exact_and_turns_round_with_time(
    first: dict[str, tuple[float, float]], second: dict[str, tuple[float, float]]
) -> None:
    one, other = _side(**first), _side(**second)
    there, back = _told(one, other), _told(other, one)
    difference = sum(q * m for q, m in second.values()) - sum(q * m for q, m in first.values())
    assert sum(there.values()) == pytest.approx(difference, abs=1e-6)
    keys = there.keys() | back.keys()
    assert [there.get(k, 0) for k in keys] == pytest.approx(
        [-back.get(k, 0) for k in keys], abs=1e-6
    )


def test_an_open_figure_tells_lower_bounds_and_no_value(mill: Mill) -> None:
    unknown = mill.f.uuid()
    site = mill.firm.site("Annex")
    mill.firm.inventory(site, [("CO2", "fossil", "7")], year=SECOND)
    mill.firm.purchases(site, [line((unknown, "1", "KGM"))], year=SECOND)
    told = account(mill.f, mill.firm.id)
    assert not told.t2.is_valued
    assert told.t2.closing.value is None
    assert isinstance(told.t2.closing, Amount)
    check_adds_up(told)
