"""What becomes of what a park sells: the worked example, and small chains whose sums fit on paper.

The example of docs/accounting.md goes on after the gate. T4 makes 40 pieces out of 20 P2 (all its
material is from the park: q = 1) and 10 units of power; 20 of its 40 pieces go back to P1: r = 0.5.

    h(T4) = 40/40 + (10/40)·0.8 = 1.2       category 10 = (1 − 0.5)·1·1.2·40 = 24
    250 (Scope 1) + 56 (power) + 24 (tools) + 24 (category 10) + 96 (power for others) = 450 = ΣE

Of P1, 100 − 40 = 60 leave and none return: ξ_net = y = 60. Of P2, 50 − 15 = 35 leave, 10 of them
in the 20 tools that return: ξ_net = 25, and 50 − 15 − 20 = 15 are used as they are: y = 15.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from graph.books.downstream import Downstream, Stage, downstream_of, last_moved
from graph.engine import Books, Engine, Question
from graph.terms import Assessed
from ledger.schema import load
from ledger.statements import (
    Cost,
    Delivery,
    EndOfLife,
    Factors,
    Processing,
    Product,
    Reference,
    Transport,
    Treatment,
)
from tests.chain import YEAR, Chain, build_chain
from tests.factory import Actor, Factory, line
from tests.graph.ask import co2

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

H87 = ("1", "H87")
ROAD = "urn:cpc:65112"


def books(f: Factory, park: str) -> Books:
    return Engine(f.log).park(park, Question(year=YEAR))


def asked(f: Factory, park: str) -> Downstream:
    return downstream_of(books(f, park))


def stage(found: Downstream, category: int) -> Stage:
    return next(each for each in found.stages if each.category == category)


def concerns(f: Factory, park: str, category: int) -> set[tuple[str, str]]:
    """(product, reason) of everything that cannot be assessed."""
    nodes = books(f, park).answered.solved.network.nodes
    return {(nodes[c.node].name, c.reason) for c in stage(asked(f, park), category).concerns}


def state_after_the_gate(chain: Chain) -> None:
    for name, use in (("P1", "2"), ("P2", "3")):
        chain.firms[name].downstream(
            chain.products[name],
            chain.sites[name],
            year=YEAR,
            basis=("10", "H87"),
            delivery=co2("1"),
            use=co2(f"{use}0"),
            end_of_life=co2("5"),
        )


@pytest.mark.parametrize("recipes_inside", [True, False])
def test_every_category_of_the_worked_example_matches_the_arithmetic_on_paper(
    factory: Factory, recipes_inside: bool
) -> None:
    chain = build_chain(
        factory, weighed=True, tenants_recipes=recipes_inside, tenants_books=not recipes_inside
    )
    state_after_the_gate(chain)
    found = asked(factory, chain.park)
    values = {each.category: each.amount.value for each in found.stages}
    assert values[9] == pytest.approx((60 + 25) * 0.1)
    assert values[10] == pytest.approx(24)
    assert values[11] == pytest.approx(60 * 2 + 15 * 3)
    assert values[12] == pytest.approx((60 + 25) * 0.5)
    assert {each.status for each in found.stages} == {Assessed.ASSESSED}
    assert found.not_stated == (13, 14, 15)


def test_every_emission_of_the_worked_example_is_counted_once(factory: Factory) -> None:
    chain = build_chain(factory, weighed=True)
    of_park = books(factory, chain.park)
    found, assessed = downstream_of(of_park), of_park.assessment
    nodes = of_park.answered.solved.network.nodes
    shares = {nodes[each.node].name: each for each in found.shares}
    assert (shares["E3"].upstream, shares["T4"].upstream) == pytest.approx((0.375, 0.5))
    assert (shares["E3"].processing, shares["T4"].processing) == (0, 1)
    processing = stage(found, 10).amount.at_least
    power_for_others = 120 * 0.8
    counted = assessed.scope1.at_least + assessed.upstream.at_least + processing
    assert counted == pytest.approx(250 + 56 + 24 + 24)
    assert counted + power_for_others == pytest.approx(450)


def test_what_nobody_stated_is_named_and_never_zero(factory: Factory) -> None:
    chain = build_chain(factory, weighed=True)
    for category in (9, 11, 12):
        assert stage(asked(factory, chain.park), category).status is Assessed.NOT_ASSESSABLE
        assert stage(asked(factory, chain.park), category).amount.value is None
        named = {("P1", "not-stated"), ("P2", "not-stated")}
        assert concerns(factory, chain.park, category) == named


def test_without_masses_the_share_of_a_material_is_not_known(factory: Factory) -> None:
    chain = build_chain(factory)
    assert concerns(factory, chain.park, 10) == {("T4", "material-unknown")}
    assert stage(asked(factory, chain.park), 10).status is Assessed.NOT_ASSESSABLE


def test_an_answer_is_as_young_as_the_last_entry_that_can_have_moved_it(factory: Factory) -> None:
    chain = build_chain(factory, weighed=True)
    state_after_the_gate(chain)
    assert last_moved(books(factory, chain.park)) == factory.log.size() - 1
    factory.enterprise("Bystander")
    assert last_moved(books(factory, chain.park)) == factory.log.size() - 2  # a key moves nothing


# -- processing --------------------------------------------------------------------------------


class Outside:
    """A park that sells `steel` and a plant of another firm that makes things out of it."""

    def __init__(self, factory: Factory) -> None:
        self.f = factory
        self.maker, self.buyer = factory.enterprise("Maker"), factory.enterprise("Buyer")
        self.works, self.plant = self.maker.site(), self.buyer.site(at=("100", "30"))
        self.park = self.maker.park()
        self.maker.membership(self.park, self.works, consent_by=self.maker)
        self.steel = self.made(self.maker, self.works, "Steel", "100", "10")

    def made(
        self,
        actor: Actor,
        site: str,
        name: str,
        output: str,
        emits: str = "0",
        inputs: tuple[tuple[str, str], ...] = (),
        **members: object,
    ) -> str:
        """A product with its output and its recipe, both totals of the year; inputs in kg."""
        product = actor.product(name, **members)  # type: ignore[arg-type]  # members of a product
        unit = str(members.get("unit", "KGM"))
        actor.production(product, site, output, unit)
        lines = [(ref, amount, "KGM") for ref, amount in inputs]
        actor.recipe(product, site, basis=(output, unit), emissions=co2(emits), inputs=lines)
        return product

    def bought(
        self, name: str, *inputs: tuple[str, str], output: str = "10", emits: str = "6"
    ) -> str:
        return self.made(self.buyer, self.plant, name, output, emits, inputs)

    def value(self) -> float | None:
        return stage(asked(self.f, self.park), 10).amount.value

    def concerns(self) -> set[tuple[str, str]]:
        return concerns(self.f, self.park, 10)


@pytest.fixture
def outside(factory: Factory) -> Outside:
    return Outside(factory)


def test_a_product_falls_on_its_materials_by_mass_and_its_users_take_their_share(
    outside: Outside,
) -> None:
    """q(Frame) = 3/(3 + 1) = 0.75; q(Car) = 8·0.75/(8 + 2) = 0.6; 0.75·6 + 0.6·5 = 7.5."""
    rubber = outside.bought("Rubber", emits="0")
    frame = outside.bought("Frame", (outside.steel, "3"), (rubber, "1"), output="8")
    outside.bought("Car", (frame, "8"), (rubber, "2"), emits="5")
    assert outside.value() == pytest.approx(7.5)


def test_energy_carries_no_material_and_neither_does_what_makes_it(outside: Outside) -> None:
    """The power station burns 50 kg from the park: its emissions follow the power, not the coal."""
    power = outside.made(
        outside.buyer,
        outside.plant,
        "Power",
        "90",
        "100",
        ((outside.steel, "50"),),
        unit="KWH",
        energy_carrier="electricity",
    )
    lamp = outside.buyer.product("Lamp")
    outside.buyer.production(lamp, outside.plant, "10")
    rubber = outside.bought("Rubber", emits="0")
    lines = [(power, "90", "KWH"), (rubber, "1", "KGM")]
    outside.buyer.recipe(lamp, outside.plant, basis=("10", "KGM"), inputs=lines)
    assert outside.value() == 0


def test_power_bought_for_processing_counts_and_a_purchase_of_unknown_power_is_named(
    outside: Outside,
) -> None:
    """h·x = 6 + 4·0.5 = 8 kg for a frame all of steel."""
    power = outside.made(
        outside.buyer,
        outside.plant,
        "Power",
        "10",
        "5",
        unit="KWH",
        energy_carrier="electricity",
    )
    frame = outside.buyer.product("Frame")
    outside.buyer.production(frame, outside.plant, "10")
    lines = [(outside.steel, "3", "KGM"), (power, "4", "KWH")]
    made = {"basis": ("10", "KGM"), "emissions": co2("6"), "inputs": lines}
    recipe = outside.buyer.recipe(frame, outside.plant, **made)  # type: ignore[arg-type]  # members
    assert outside.value() == pytest.approx(8)
    heat = outside.buyer.product("Heat", unit="KWH", energy_carrier="heat")
    outside.buyer.correct(recipe, inputs=tuple(map(line, [*lines, (heat, "1", "KWH")])))
    assert outside.value() is None
    assert outside.concerns() == {("Frame", "emissions-unknown")}
    assert stage(asked(outside.f, outside.park), 10).amount.at_least == pytest.approx(8)


def test_what_turns_out_to_be_energy_carries_no_material_from_then_on(outside: Outside) -> None:
    """Pellets of steel and steam of pellets emit 6 kg each: 12; once steam is energy, 6."""
    pellet = outside.bought("Pellet", (outside.steel, "1"))
    steam = outside.bought("Steam", (pellet, "1"))
    engine = Engine(outside.f.log)

    def value() -> float | None:
        of_park = engine.park(outside.park, Question(year=YEAR))
        return stage(downstream_of(of_park), 10).amount.value

    assert value() == pytest.approx(12)
    body = Product(id=steam, name="Steam", unit="KGM", energy_carrier="steam")
    outside.buyer.say(body, prev=outside.f.standing().products[steam].digest)
    assert value() == pytest.approx(6)


def test_a_closed_loop_of_materials_is_named(outside: Outside) -> None:
    """Pulp is made of paper and paper of pulp alone: by the key, both come from nowhere.

    A box of paper and steel from the park cannot say then how much of it is from the park.
    """
    pulp, paper = outside.buyer.product("Pulp"), outside.buyer.product("Paper")
    for product, material in ((pulp, paper), (paper, pulp)):
        outside.buyer.production(product, outside.plant, "10")
        lines = [(material, "5", "KGM")]
        outside.buyer.recipe(product, outside.plant, basis=("10", "KGM"), inputs=lines)
    assert outside.value() == 0
    outside.bought("Box", (paper, "1"), (outside.steel, "1"))
    assert outside.value() is None
    assert outside.concerns() == {("Box", "closed-loop")}
    wood = outside.bought("Wood", emits="0")
    opened = [(pulp, "4", "KGM"), (wood, "1", "KGM")]
    fresh = outside.buyer.product("Fresh paper", replaces=(paper,))
    outside.buyer.production(fresh, outside.plant, "10")
    outside.buyer.recipe(fresh, outside.plant, basis=("10", "KGM"), inputs=opened)
    assert outside.value() == pytest.approx(0.5 * 6)


def test_a_loop_that_material_enters_is_followed_to_its_end(outside: Outside) -> None:
    """q(Cast) = (1 + q(Chip))/2 and q(Chip) = q(Cast), so both are all of steel: q = 1."""
    chip = outside.buyer.product("Chip")
    cast = outside.bought("Cast", (outside.steel, "5"), (chip, "5"))
    outside.buyer.production(chip, outside.plant, "10")
    lines = [(cast, "5", "KGM")]
    outside.buyer.recipe(chip, outside.plant, basis=("10", "KGM"), inputs=lines)
    assert outside.value() == pytest.approx(6)


def test_costs_decide_only_where_the_maker_says_why_masses_mean_nothing(outside: Outside) -> None:
    """A watch of 9 kg of case from the park and 1 kg of movement, which costs three times as much.

    By mass 0.9·6 = 5.4 kg; by cost 1/4·6 = 1.5 kg.
    """
    movement = outside.bought("Movement", emits="0")
    watch = outside.bought("Watch", (outside.steel, "9"), (movement, "1"))
    assert outside.value() == pytest.approx(5.4)
    price = "CNY:2025:purchaser"
    steel = Cost(ref=Reference(product=outside.steel), amount=Decimal(25), unit=price)
    moving = Cost(ref=Reference(product=movement), amount=Decimal(75), unit=price)
    key = {"key": "economic", "reason": "A case is a case."}
    said = outside.buyer.downstream(
        watch, outside.plant, processing=Processing(**key, costs=(steel, moving))
    )
    assert outside.value() == pytest.approx(1.5)
    outside.buyer.correct(said, processing=Processing(**key, costs=(moving,)))
    assert outside.concerns() == {("Watch", "material-unknown")}


def test_capital_goods_and_services_become_no_part_of_what_is_made(outside: Outside) -> None:
    press = outside.made(
        outside.maker, outside.works, "Press", "1", unit="H87", mass_per_unit="900"
    )
    advice = outside.made(outside.maker, outside.works, "Advice", "1", unit="H87",
                          mass_per_unit="0")  # fmt: skip
    rubber = outside.bought("Rubber", emits="0")
    ring = outside.buyer.product("Ring")
    outside.buyer.production(ring, outside.plant, "10")
    lines = [
        line((press, "1", "H87"), category=2),
        line((advice, "1", "H87")),
        line((rubber, "1", "KGM")),
    ]
    outside.buyer.recipe(ring, outside.plant, basis=("10", "KGM"), emissions=co2("6"), inputs=lines)
    assert outside.value() == 0


def test_material_whose_supplier_is_unknown_still_has_its_mass(outside: Outside) -> None:
    """1 kg of steel beside 3 kg of something that nobody registered: a quarter of 6 kg."""
    frame = outside.buyer.product("Frame")
    outside.buyer.production(frame, outside.plant, "10")
    lines = [(outside.steel, "1", "KGM"), ("urn:gtin:4006381333931", "3", "KGM")]
    outside.buyer.recipe(
        frame, outside.plant, basis=("10", "KGM"), emissions=co2("6"), inputs=lines
    )
    assert outside.value() == pytest.approx(1.5)


def test_a_buyer_that_does_not_say_how_much_it_makes_is_named(outside: Outside) -> None:
    frame = outside.buyer.product("Frame")
    outside.buyer.recipe(frame, outside.plant, inputs=[(outside.steel, "1", "KGM")])
    assert outside.concerns() == {("Frame", "output-unknown")}
    assert ("Steel", "buyers-unknown") not in concerns(outside.f, outside.park, 11)
    outside.maker.downstream(outside.steel, outside.works, use=co2("1"))
    assert concerns(outside.f, outside.park, 11) == {("Steel", "buyers-unknown")}


def test_a_site_that_states_only_its_books_processes_what_it_bought(outside: Outside) -> None:
    """All 12 kg that the plant emitted, by 30 of the 40 kg it took in: 9 kg."""
    rubber = outside.made(outside.maker, outside.maker.site(at=("1", "1")), "Rubber", "50")
    lines = [(outside.steel, "30", "KGM"), (rubber, "10", "KGM")]
    outside.buyer.purchases(outside.plant, lines)
    assert outside.concerns() == {("Plant", "emissions-unknown")}
    outside.buyer.inventory(outside.plant, co2("12"))
    assert outside.value() == pytest.approx(9)


def test_recipes_that_use_up_all_purchases_leave_nothing_to_process(outside: Outside) -> None:
    frame = outside.bought("Frame", (outside.steel, "0.3"), output="3", emits="6")
    assert frame
    outside.buyer.purchases(outside.plant, [(outside.steel, "0.3", "KGM")])
    assert outside.concerns() == set()
    assert outside.value() == pytest.approx(6)


def test_suppliers_that_state_only_a_total_may_hide_what_returns(outside: Outside) -> None:
    tool = outside.buyer.product("Tool")
    outside.buyer.footprint(tool, "2")
    axle = outside.made(outside.maker, outside.works, "Axle", "5", inputs=((tool, "1"),))
    outside.bought("Frame", (axle, "1"))
    found = stage(asked(outside.f, outside.park), 10)
    assert (found.amount.value, found.status) == (pytest.approx(6), Assessed.PARTIAL)


# -- delivery, end of life, holdings -----------------------------------------------------------


@pytest.fixture
def carried(outside: Outside) -> tuple[Actor, str]:
    haulier = outside.f.enterprise("Haulier")
    return haulier, haulier.product("Haul", unit="TKM")


def deliver(outside: Outside, service: str, tkm: str) -> None:
    haul = Transport(ref=Reference(product=service), amount=Decimal(tkm), unit="TKM")
    outside.maker.downstream(outside.steel, outside.works, delivery=Delivery(services=(haul,)))


def test_a_delivery_is_priced_at_what_the_service_emits(
    outside: Outside, carried: tuple[Actor, str]
) -> None:
    """100 kg of steel, 0.2 tkm each at 0.1 kg per tkm: 2 kg."""
    haulier, haul = carried
    deliver(outside, haul, "0.2")
    assert concerns(outside.f, outside.park, 9) == {("Steel", "not-priced")}
    haulier.footprint(haul, "0.1", unit="TKM")
    assert stage(asked(outside.f, outside.park), 9).amount.value == pytest.approx(2)


def state_haulage(f: Factory) -> None:
    """A tonne-kilometre of road freight in China emits 0.1 kg."""
    kg = [{"gas": "CO2", "origin": "fossil", "amount": "0.1"}]
    row = {"kind": "average", "name": "Road", "of": ROAD, "unit": "TKM", "region": "CN"}
    about = {"name": "china", "version": "1", "publisher": "I", "source": "Y", "year": 2025}
    f.operator.say(load(Factors, {**about, "rows": [{**row, "emissions": kg}]}))


def test_a_service_that_nobody_describes_is_estimated_by_where_its_owner_is(
    outside: Outside,
) -> None:
    """As an input would be: 100 kg of steel, 0.2 tkm each at 0.1 kg per tkm in China: 2 kg."""
    state_haulage(outside.f)
    haulier = outside.f.enterprise("Haulier", country="CN")
    deliver(outside, haulier.product("Haul", unit="TKM", classifications=(ROAD,)), "0.2")
    found = stage(asked(outside.f, outside.park), 9).amount
    assert (found.at_least, found.value) == (0, pytest.approx(2))


def test_a_service_that_somebody_inside_was_to_do_is_estimated_by_nothing(outside: Outside) -> None:
    """What the maker's own lorries emit may be in its inventory."""
    state_haulage(outside.f)
    service = Transport(
        ref=Reference(classification=ROAD, region="CN"),
        supplier=outside.maker.id,
        amount=Decimal("0.2"),
        unit="TKM",
    )
    delivery = Delivery(services=(service,))
    outside.maker.downstream(outside.steel, outside.works, delivery=delivery)
    assert concerns(outside.f, outside.park, 9) == {("Steel", "not-priced")}


def test_a_service_counts_no_emission_that_is_in_scope_1_already(
    outside: Outside, carried: tuple[Actor, str]
) -> None:
    """The haulier's one input is a product of the park: of the 3.5 kg per tkm, 3 count."""
    haulier, haul = carried
    yard = haulier.site(at=("9", "9"))
    part = outside.made(outside.maker, outside.works, "Part", "10", "5")
    haulier.production(haul, yard, "100", "TKM")
    haulier.recipe(haul, yard, basis=("1", "TKM"), emissions=co2("3"), inputs=[(part, "1", "KGM")])
    deliver(outside, haul, "0.2")
    steel = stage(asked(outside.f, outside.park), 9).amount
    assert steel.at_least == pytest.approx(100 * 0.2 * 3)


def test_the_end_of_life_follows_the_mass_to_where_it_is_treated(outside: Outside) -> None:
    """50 wheels of 20 kg, a tenth of it landfilled at 0.5 kg per kg: 50 kg; scrap emits nothing."""
    wheel = outside.made(
        outside.maker, outside.works, "Wheel", "50", unit="H87", mass_per_unit="20"
    )
    tip, scrap = outside.buyer.product("Landfill"), outside.buyer.product("Scrap yard")
    outside.buyer.footprint(tip, "0.5")
    outside.buyer.footprint(scrap, "0")
    shares = ((tip, "0.1"), (scrap, "0.9"))
    treated = tuple(
        Treatment(ref=Reference(product=each), share=Decimal(share)) for each, share in shares
    )
    discarded = EndOfLife(treatments=treated, assumptions="By weighbridge.")
    outside.maker.downstream(wheel, outside.works, basis=H87, end_of_life=discarded)
    assert stage(asked(outside.f, outside.park), 12).amount.at_least == pytest.approx(50)


def test_two_halves_of_a_year_are_averaged_by_days(outside: Outside) -> None:
    """181 days at 1 kg and 184 days at 2 kg per kg used: 100·(181 + 2·184)/365."""
    for period, kg in ((("2025-01-01", "2025-07-01"), "1"), (("2025-07-01", "2026-01-01"), "2")):
        outside.maker.downstream(outside.steel, outside.works, use=co2(kg), period=period)
    found = stage(asked(outside.f, outside.park), 11).amount.value
    assert found == pytest.approx(100 * (181 + 2 * 184) / 365)


def test_what_an_enterprise_has_others_run_is_entered_and_not_part_of_a_park(
    outside: Outside,
) -> None:
    outside.maker.holdings((13, co2("7")), (15, co2("2")), (15, co2("3")))
    of_firm = Engine(outside.f.log).enterprise(outside.maker.id, Question(year=YEAR))
    found = downstream_of(of_firm)
    assert {s.category: s.amount.value for s in found.stages if s.category > 12} == {
        13: 7,
        14: 0,
        15: 5,
    }
    assert found.not_stated == ()
    assert asked(outside.f, outside.park).not_stated == (13, 14, 15)


def test_holdings_of_a_part_of_the_year_are_a_lower_bound(outside: Outside) -> None:
    outside.maker.holdings((13, co2("7")), period=("2025-01-01", "2025-07-01"))
    found = downstream_of(Engine(outside.f.log).enterprise(outside.maker.id, Question(year=YEAR)))
    leased = stage(found, 13)
    assert (leased.amount.at_least, leased.amount.value) == (7, None)
    assert leased.status is Assessed.PARTIAL
