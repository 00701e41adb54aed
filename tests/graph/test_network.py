"""From input lines to edges: units, sites, transport, loops, and what does not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from graph.engine import Engine, Question
from graph.errors import GasWithoutGwp, LoopGain, SitesWithoutOutput
from ledger.log import Accepted
from ledger.statements import Transport
from tests.factory import Actor, Decimal, Factory, line, ref
from tests.graph.ask import YEAR, co2, figure, firm, known, network, park, reasons, rules, sentences

pytestmark = pytest.mark.only_on("sqlite", "it is about what was stated, wherever it is stored")


@pytest.fixture
def supplier(factory: Factory) -> Actor:
    return factory.enterprise("Supplier")


def edges(f: Factory) -> list[tuple[str, str, float, int]]:
    """(supplier, consumer, amount per unit, category), by name."""
    net = network(f)
    names = [node.name for node in net.nodes]
    return [
        (names[i], names[j], pytest.approx(amount), int(category))
        for i, j, amount, category in zip(
            net.edges.supplier,
            net.edges.consumer,
            net.edges.amount,
            net.edges.category,
            strict=True,
        )
    ]


# --- Units ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "unit", "pieces"),
    [
        ("10", "H87", 10),
        ("5", "KGM", 2),
        ("0.01", "TNE", 4),
        ("2500", "GRM", 1),
        ("0.003", "T3", 3),
    ],
)
def test_an_amount_by_mass_is_bridged_into_pieces_of_known_mass(
    factory: Factory,
    acme: Actor,
    site: str,
    supplier: Actor,
    amount: str,
    unit: str,
    pieces: float,
) -> None:
    """A bolt weighs 2.5 kg and carries 4 kg CO2e."""
    bolt = supplier.product("Bolt", unit="H87", mass_per_unit="2.5")
    supplier.footprint(bolt, "4", unit="H87", pcf={"productMassPerDeclaredUnit": "2.5"})
    beam = acme.product("Beam")
    acme.recipe(beam, site, inputs=[(bolt, amount, unit)])
    assert known(figure(factory, beam).amount) == pytest.approx(4 * pieces)


def test_a_line_whose_unit_does_not_fit_is_set_aside_and_names_both_sides(
    factory: Factory, acme: Actor, site: str, supplier: Actor
) -> None:
    bolt = supplier.product("Bolt", unit="H87")
    supplier.footprint(bolt, "4", unit="H87")
    beam = acme.product("Beam")
    acme.recipe(beam, site, emissions=co2("1"), inputs=[(bolt, "5", "KGM")])
    stated = figure(factory, beam)
    assert (stated.amount.value, stated.amount.at_least) == (None, pytest.approx(1))
    (gap,) = stated.gaps
    assert (gap.reason, gap.wanted, gap.amount, gap.unit) == ("unit-mismatch", "Bolt", 5, "KGM")
    assert gap.supplier == supplier.id
    (told,) = sentences(factory, "unit-mismatch")
    assert told.startswith("Beam states 5 KGM of Bolt, which is declared in H87: the line is set")


def test_a_supplier_that_changes_its_declared_unit_changes_no_buyers_figure(
    factory: Factory, acme: Actor, site: str, supplier: Actor
) -> None:
    """0.8 kg CO2e per kWh are 0.8/3.6 per MJ; the buyer's signed 9 MJ stay 9 MJ."""
    power = supplier.product("Power", unit="KWH")
    supplier.footprint(power, "0.8", unit="KWH")
    beam = acme.product("Beam")
    acme.recipe(beam, site, inputs=[(power, "9", "3B")])
    before = known(figure(factory, beam).amount)
    assert before == pytest.approx(9 / 3.6 * 0.8)
    said = factory.standing().products[power]
    supplier.say(replace(said.statement.body, unit="3B"), prev=said.digest)  # type: ignore[type-var]  # a dataclass
    assert known(figure(factory, beam).amount) == pytest.approx(before)


def test_a_recipe_or_production_in_a_unit_that_no_longer_fits_is_set_aside(
    factory: Factory, acme: Actor, site: str
) -> None:
    beam = acme.product("Beam", unit="KGM")
    acme.recipe(beam, site, basis=("1", "KGM"), emissions=co2("2"))
    acme.production(beam, site, "100", "KGM")
    said = factory.standing().products[beam]
    acme.say(replace(said.statement.body, unit="H87"), prev=said.digest)  # type: ignore[type-var]  # a dataclass
    acme.footprint(beam, "7", unit="H87")
    assert known(figure(factory, beam).amount) == pytest.approx(7)
    assert {"recipe-unit", "production-unit"} <= rules(factory)


# --- Suppliers and sites -------------------------------------------------------------------


def test_several_suppliers_of_one_material_are_several_lines(
    factory: Factory, acme: Actor, site: str, supplier: Actor
) -> None:
    """2 kg of one steel at 1.5 and 1 kg of the other at 3: 6 kg CO2e."""
    other = factory.enterprise("Other")
    gtin = "urn:gtin:4006381333931"
    for seller, total in ((supplier, "1.5"), (other, "3")):
        seller.footprint(seller.product(f"{seller.name}'s steel", identifiers=(gtin,)), total)
    beam = acme.product("Beam")
    lines = [
        line((gtin, "2", "KGM"), supplier=supplier.id),
        line((gtin, "1", "KGM"), supplier=other.id),
    ]
    acme.recipe(beam, site, inputs=lines)
    assert known(figure(factory, beam).amount) == pytest.approx(2 * 1.5 + 1 * 3)
    assert edges(factory) == [
        ("Supplier's steel", "Beam", 2, 1),
        ("Other's steel", "Beam", 1, 1),
    ]


@pytest.fixture
def two_sites(factory: Factory, supplier: Actor) -> tuple[str, str, str]:
    """Steel from North (300 kg at 1 kg CO2 per kg) and South (100 kg at 3): mix 1.5."""
    north, south = supplier.site("North"), supplier.site("South", at=("10", "50"))
    steel = supplier.product("Steel")
    for where, made, emitted in ((north, "300", "1"), (south, "100", "3")):
        supplier.recipe(steel, where, emissions=co2(emitted))
        supplier.production(steel, where, made)
    return steel, north, south


def test_a_product_of_two_sites_is_their_mix_by_output_unless_a_site_is_named(
    factory: Factory, acme: Actor, site: str, two_sites: tuple[str, str, str]
) -> None:
    steel, north, south = two_sites
    beam, rail = acme.product("Beam"), acme.product("Rail")
    acme.recipe(beam, site, inputs=[line((steel, "4", "KGM"))])
    acme.recipe(rail, site, inputs=[line((steel, "4", "KGM"), site=south)])
    assert known(figure(factory, beam).amount) == pytest.approx(4 * (300 * 1 + 100 * 3) / 400)
    assert known(figure(factory, rail).amount) == pytest.approx(4 * 3)
    assert known(figure(factory, steel).amount) == pytest.approx(1.5)
    assert known(figure(factory, steel, site=north).amount) == pytest.approx(1)
    net = network(factory)
    drawn = net.edges.amount, net.edges.mixed
    assert sorted(zip(*drawn, strict=True)) == [(1.0, True), (3.0, True), (4.0, False)]


def test_a_fence_that_splits_a_mix_counts_each_part_where_it_is_and_says_so(
    factory: Factory, acme: Actor, site: str, two_sites: tuple[str, str, str]
) -> None:
    """Works and North are in the park. 40 kg of steel: 30 from North inside, 10 from South.

    Scope 1: 300 · 1 + 20 = 320. Upstream: 10 · 3 = 30.
    """
    steel, north, south = two_sites
    manager = factory.enterprise("Manager")
    fenced = manager.park()
    for member in (site, north):
        manager.membership(fenced, member)
    beam = acme.product("Beam")
    acme.recipe(beam, site, emissions=co2("2"), inputs=[line((steel, "4", "KGM"))])
    acme.production(beam, site, "10")
    books = park(factory, fenced).assessment
    assert known(books.scope1) == pytest.approx(320)
    assert known(books.upstream) == pytest.approx(30)
    assert books.split_mixes == ("Steel",)
    manager.membership(fenced, south)
    assert park(factory, fenced).assessment.split_mixes == ()


def test_a_mix_of_sites_with_unknown_output_is_a_gap_not_a_guess(
    factory: Factory, acme: Actor, site: str, supplier: Actor
) -> None:
    steel = supplier.product("Steel")
    for where, emitted in (("North", "1"), ("South", "3")):
        supplier.recipe(steel, supplier.site(where), emissions=co2(emitted))
    beam = acme.product("Beam")
    acme.recipe(beam, site, inputs=[line((steel, "4", "KGM"))])
    assert reasons(figure(factory, beam).gaps) == ["site-unknown"]
    with pytest.raises(SitesWithoutOutput):
        figure(factory, steel)


# --- Transport -----------------------------------------------------------------------------


def test_the_transport_of_an_input_is_a_link_of_its_own_in_category_4(
    factory: Factory, acme: Actor, site: str, supplier: Actor
) -> None:
    """100 kg of beam: 200 kg of steel at 1.5 (category 1) and 60 tkm at 0.1 (category 4)."""
    steel, freight = supplier.product("Steel"), supplier.product("Freight", unit="TKM")
    supplier.footprint(steel, "1.5")
    supplier.footprint(freight, "0.1", unit="TKM")
    carried = Transport(ref=ref(freight), amount=Decimal("60"), unit="TKM")
    beam = acme.product("Beam")
    acme.recipe(
        beam, site, basis=("100", "KGM"), inputs=[line((steel, "200", "KGM"), transport=carried)]
    )
    acme.production(beam, site, "100")
    assert edges(factory) == [("Steel", "Beam", 2, 1), ("Freight", "Beam", 0.6, 4)]
    books = firm(factory, acme.id)
    by_category = {c: known(amount) for c, amount in books.scope3_by_category.items()}
    assert by_category == pytest.approx({1: 300, 4: 6})


# --- What does not fit ---------------------------------------------------------------------


def test_deliveries_beyond_the_output_are_reported_and_kept(
    factory: Factory, acme: Actor, site: str, supplier: Actor
) -> None:
    """100 kg of steel made, 150 used: y = −50. The figure of the beam stands."""
    mill = supplier.site("Mill")
    steel = supplier.product("Steel")
    supplier.recipe(steel, mill, emissions=co2("2"))
    supplier.production(steel, mill, "100")
    beam = acme.product("Beam")
    acme.recipe(beam, site, inputs=[(steel, "3", "KGM")])
    acme.production(beam, site, "50")
    assert sentences(factory, "deliveries-exceed-output") == [
        "Stated uses of Steel exceed its output by 50 KGM: the statements do not fit."
    ]
    assert known(figure(factory, beam).amount) == pytest.approx(6)


def test_a_negative_amount_is_kept_and_flagged(
    factory: Factory, acme: Actor, site: str, supplier: Actor
) -> None:
    """A kg of beam takes 2 kg of steel at 3 and gives back 0.5 kg of scrap at 1."""
    steel, scrap = supplier.product("Steel"), supplier.product("Scrap")
    supplier.footprint(steel, "3")
    supplier.footprint(scrap, "1")
    beam = acme.product("Beam")
    acme.recipe(beam, site, inputs=[(steel, "2", "KGM"), (scrap, "-0.5", "KGM")])
    assert known(figure(factory, beam).amount) == pytest.approx(6 - 0.5)
    assert sentences(factory, "negative-input") == [
        "Beam states a negative amount of Scrap: it is kept."
    ]


# --- Loops ---------------------------------------------------------------------------------


@pytest.fixture
def ring(factory: Factory, acme: Actor, site: str) -> Callable[[str], tuple[str, str, Accepted]]:
    """Two products that feed each other: half a kg of the one, ``gain`` · 2 of the other."""

    def make(amount: str) -> tuple[str, str, Accepted]:
        first, second = acme.product("Crusher"), acme.product("Gear")
        acme.recipe(first, site, emissions=co2("1"), inputs=[(second, "0.5", "KGM")])
        said = acme.recipe(second, site, emissions=co2("1"), inputs=[(first, amount, "KGM")])
        return first, second, said

    return make


def test_a_loop_that_yields_more_than_it_uses_is_solved(
    factory: Factory, ring: Callable[[str], tuple[str, str, Accepted]]
) -> None:
    """c = 1 + 0.5 g, g = 1 + 0.8 c: c = 1.5 / 0.6 = 2.5, g = 3."""
    crusher, gear, _ = ring("0.8")
    assert known(figure(factory, crusher).amount) == pytest.approx(2.5)
    assert known(figure(factory, gear).amount) == pytest.approx(3)


@pytest.mark.parametrize("amount", ["2", "2.5", "1000000"])
def test_a_loop_that_uses_what_it_yields_is_refused_alone_and_named(
    factory: Factory,
    acme: Actor,
    site: str,
    ring: Callable[[str], tuple[str, str, Accepted]],
    amount: str,
) -> None:
    crusher, gear, _ = ring(amount)
    alone, buyer = acme.product("Alone"), acme.product("Buyer")
    acme.recipe(alone, site, emissions=co2("7"))
    acme.recipe(buyer, site, emissions=co2("1"), inputs=[(gear, "1", "KGM"), (alone, "1", "KGM")])
    for product in (crusher, gear):
        with pytest.raises(LoopGain) as refused:
            figure(factory, product)
        assert set(refused.value.params["loop"].split(" → ")) == {"Crusher", "Gear"}
    assert known(figure(factory, alone).amount) == pytest.approx(7)
    bought = figure(factory, buyer).amount
    assert (bought.value, bought.at_least) == (None, pytest.approx(1 + 7))
    (noticed,) = Engine(factory.log).answer(Question(year=YEAR)).solved.findings
    assert noticed.rule == "loop-gain"


def test_a_refused_loop_is_alive_again_after_a_correction(
    factory: Factory, acme: Actor, ring: Callable[[str], tuple[str, str, Accepted]]
) -> None:
    crusher, _, said = ring("2")
    with pytest.raises(LoopGain):
        figure(factory, crusher)
    acme.correct(said, inputs=(line((crusher, "0.8", "KGM")),))
    assert known(figure(factory, crusher).amount) == pytest.approx(2.5)


def test_a_site_whose_loop_is_refused_has_no_chain_totals_but_keeps_scope_1(
    factory: Factory,
    acme: Actor,
    site: str,
    ring: Callable[[str], tuple[str, str, Accepted]],
) -> None:
    crusher, gear, _ = ring("2")
    for product in (crusher, gear):
        acme.production(product, site, "10")
    books = firm(factory, acme.id)
    assert known(books.scope1) == pytest.approx(20)
    assert books.t0 is not None
    assert books.t0.value is None


def test_a_gap_upstream_leaves_at_least_and_takes_the_value(
    factory: Factory, acme: Actor, site: str, supplier: Actor
) -> None:
    """Steel (2 + gap) → beam (1 + 3 · steel): at least 1 + 3 · 2, and the gap is named."""
    mill = supplier.site("Mill")
    steel, ore = supplier.product("Steel"), supplier.product("Ore")
    supplier.recipe(steel, mill, emissions=co2("2"), inputs=[(ore, "1", "KGM")])
    beam = acme.product("Beam")
    acme.recipe(beam, site, emissions=co2("1"), inputs=[(steel, "3", "KGM")])
    stated = figure(factory, beam)
    assert (stated.amount.value, stated.amount.coverage) == (None, None)
    assert stated.amount.at_least == pytest.approx(7)
    assert [(gap.reason, gap.wanted) for gap in stated.gaps] == [("undeclared", "Ore")]
    supplier.footprint(ore, "0.5")
    stated = figure(factory, beam)
    assert (stated.amount.value, stated.amount.coverage) == (pytest.approx(1 + 3 * 2.5), 1)
    assert stated.gaps == ()


def test_a_product_that_is_made_but_not_described_is_a_gap_for_its_buyers(
    factory: Factory, acme: Actor, site: str, supplier: Actor
) -> None:
    steel = supplier.product("Steel")
    supplier.production(steel, supplier.site("Mill"), "100")
    beam = acme.product("Beam")
    acme.recipe(beam, site, emissions=co2("1"), inputs=[(steel, "3", "KGM")])
    stated = figure(factory, beam)
    assert (stated.amount.value, reasons(stated.gaps)) == (None, ["undeclared"])


def test_a_gas_without_a_value_stops_the_figures_that_contain_it_and_no_others(
    factory: Factory, acme: Actor, site: str
) -> None:
    """AR4 has no value for SO2F2, which one fumigation emits; steel has nothing to do with it."""
    steel, fumigation = acme.product("Steel"), acme.product("Fumigation")
    acme.recipe(steel, site, year=YEAR, emissions=co2("2"))
    acme.recipe(fumigation, site, year=YEAR, emissions=[("SO2F2", "fossil", "1")])
    engine, question = Engine(factory.log), Question(year=YEAR, gwp="AR4")
    assert known(engine.footprint(steel, question)[1].amount) == pytest.approx(2)
    assert [o.kg_co2e for o in engine.origins(steel, question)[1]] == pytest.approx([2])
    with pytest.raises(GasWithoutGwp):
        engine.footprint(fumigation, question)
