"""What cannot be true of what was stated: each rule where it holds, and where it does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.engine import Engine, Question
from graph.findings import REGISTRY, Finding
from graph.reading.masses import is_for_one, masses_disagree
from graph.soundness.evidence import Evidence, Scope
from graph.soundness.plausibility import deviation, distance, figure, findings_for_auditors
from ledger.findings import Severity, Side
from ledger.log import Accepted
from ledger.statements import Product
from tests.factory import Actor, Factory, line
from tests.graph.ask import co2

pytestmark = pytest.mark.only_on("sqlite", "it is about what was stated, wherever it is stored")


def noticed(f: Factory, product: str | None = None, year: int = 2025) -> dict[str, Finding]:
    """The last finding of each rule, about one product or everything."""
    answered = Engine(f.log).answer(Question(year=year))
    evidence = Evidence.of(answered.standing, answered.solved, answered.weights)
    scope = Scope(frozenset({product})) if product else evidence.everything
    return {each.rule: each for each in findings_for_auditors(evidence, scope)}


def words(found: Finding, side: Side) -> str:
    return found.template_for(side) % found.params


# --- The registry -----------------------------------------------------------------------------


@pytest.mark.parametrize("rule", sorted(REGISTRY))
def test_every_sentence_is_filled_by_the_same_particulars(rule: str) -> None:
    """What a side reads may say less than the whole, never something else."""

    def names(template: str) -> set[str]:
        found: set[str] = set()

        class Names(dict[str, str]):
            def __missing__(self, name: str) -> str:
                found.add(name)
                return ""

        _ = template % Names()
        return found

    stated = REGISTRY[rule]
    for side in Side:
        assert names(stated.template_for(side)) <= names(stated.sentence)


# --- Lines ------------------------------------------------------------------------------------


@pytest.fixture
def bolts(factory: Factory) -> Actor:
    return factory.enterprise("Bolts")


@pytest.fixture
def bolt(bolts: Actor) -> str:
    return bolts.product("Bolt", unit="H87")


def test_a_line_by_mass_on_pieces_without_a_mass_says_what_each_side_must_do(
    factory: Factory, acme: Actor, site: str, steel: str, bolts: Actor, bolt: str
) -> None:
    said = acme.recipe(steel, site, inputs=[(bolt, "1", "H87"), (bolt, "0.25", "KGM")])
    found = noticed(factory, bolt)["mass-missing"]
    assert found.severity is Severity.QUARANTINE
    assert "add its mass per unit" in words(found, Side.SUPPLIER)
    assert "0.25 KGM of Bolt for Steel" in words(found, Side.CONSUMER)
    (consumer,), (supplier,) = found.of(Side.CONSUMER), found.of(Side.SUPPLIER)
    assert (consumer.enterprise, consumer.product) == (acme.id, steel)
    assert (supplier.enterprise, supplier.product) == (bolts.id, bolt)
    (source,) = consumer.sources
    assert (source.digest, source.where) == (said.digest, "/inputs/1")


def test_what_the_supplier_reads_names_no_buyer_and_no_amount(
    factory: Factory, acme: Actor, site: str, steel: str, bolt: str
) -> None:
    acme.recipe(steel, site, inputs=[line((bolt, "31.25", "LTR"), supplier=acme.id)] * 2)
    for found in noticed(factory, bolt).values():
        told = words(found, Side.SUPPLIER)
        assert "31.25" not in told
        assert "Steel" not in told
        assert "Acme" not in told


def test_one_link_in_two_units_is_one_wrong(
    factory: Factory, acme: Actor, site: str, steel: str, bolts: Actor, bolt: str
) -> None:
    acme.recipe(steel, site, inputs=[(bolt, "1", "H87")])
    acme.purchases(site, [(bolt, "2.5", "LTR")])
    found = noticed(factory, steel)
    assert "line-units-differ" not in found  # the site's purchases are not the product's affair
    assert noticed(factory)["line-units-differ"].params["other"] == "LTR"


def test_lines_with_other_amounts_are_not_repeated(
    factory: Factory, acme: Actor, site: str, steel: str, bolt: str
) -> None:
    acme.recipe(steel, site, inputs=[(bolt, "1", "H87"), (bolt, "2", "H87")])
    assert "repeated-line" not in noticed(factory)


# --- Masses and declared amounts --------------------------------------------------------------


def pcs(mass: str | None) -> Product:
    return Product(id="p", name="P", unit="H87", mass_per_unit=mass and Decimal(mass))


@pytest.mark.parametrize(
    ("registered", "amount", "mass", "one", "other"),
    [
        ("2.5", "1000", "2500", False, False),  # as it should be
        ("2.5", "1000", "2.5", True, False),  # the mass of one piece: the trap
        ("2.5", "1", "2.5", False, False),
        ("2.5", "1", "4", False, True),  # another mass
        ("2.5", "1", "2.6", False, False),  # 4 per cent
        ("2.5", "1", "0", False, True),
        (None, "1000", "7", False, False),  # nothing to compare with
    ],
)
def test_a_mass_is_compared_with_the_registered_one(
    acme: Actor, registered: str | None, amount: str, mass: str, one: bool, other: bool
) -> None:
    pcf = {"declaredUnitAmount": amount, "productMassPerDeclaredUnit": mass}
    body = acme.pact_body("10", unit="H87", pcf=pcf)
    assert (is_for_one(body, pcs(registered)), masses_disagree(body, pcs(registered))) == (
        one,
        other,
    )


def test_a_declared_amount_shows_in_what_the_other_figures_say(
    factory: Factory, acme: Actor, steel: str
) -> None:
    """1.9 kg per 1000 kg, between 1.85 and 2.0 per kg: it was never multiplied."""
    acme.footprint(steel, "1.85", year=2023)
    wrong = {"declaredUnitAmount": "1000", "productMassPerDeclaredUnit": "1000"}
    acme.footprint(steel, "1.9", year=2024, pcf=wrong)
    acme.footprint(steel, "2.0", year=2025)
    assert noticed(factory)["declared-amount-by-siblings"].params["amount"] == "1000"


def test_an_amount_that_was_multiplied_is_no_trap(
    factory: Factory, acme: Actor, steel: str
) -> None:
    right = {"declaredUnitAmount": "1000", "productMassPerDeclaredUnit": "1000"}
    acme.footprint(steel, "1.85", year=2023)
    acme.footprint(steel, "1900", year=2024, pcf=right)
    assert not noticed(factory).keys() & {"declared-amount-by-siblings", "declared-amount-by-mass"}


# --- Footprints beside each other -------------------------------------------------------------


def test_a_part_is_not_greater_than_its_whole(factory: Factory, acme: Actor, steel: str) -> None:
    acme.footprint(steel, "2", pcf={"landManagementFossilGhgEmissions": "3"})
    found = noticed(factory)["part-above-whole"]
    assert "landManagementFossilGhgEmissions of Steel is 3 kg CO2e" in found.sentence


def test_one_product_in_a_class_of_nine_stands_out(factory: Factory) -> None:
    made = {"classifications": ("urn:cpc:4121",)}
    for n in range(9):
        firm = factory.enterprise(f"Firm {n}")
        firm.footprint(firm.product(f"Steel {n}", **made), "20" if n == 8 else f"1.{n}1")
    found = noticed(factory)
    assert (found["outlier-high"].params["product"], found["outlier-high"].params["peers"]) == (
        "Steel 8",
        "8",
    )
    # The median of 1.01 … 1.71 is 1.36; 20 / 1.36 = 14.7, told with two digits.
    assert found["outlier-high"].params["factor"] == "15"
    assert "copied-across-owners" not in found


@pytest.mark.parametrize("firms", [1, 2, 3])
def test_a_class_of_fewer_than_three_other_owners_tells_nothing(
    factory: Factory, firms: int
) -> None:
    made = {"classifications": ("urn:cpc:4121",)}
    others = [factory.enterprise(f"Firm {n}") for n in range(firms)]
    for n in range(9):
        others[n % firms].footprint(others[n % firms].product(f"Steel {n}", **made), "1.5")
    high = factory.enterprise("High")
    high.footprint(high.product("Steel", **made), "20")
    assert ("outlier-high" in noticed(factory)) == (firms == 3)


@given(st.lists(st.floats(-3, 3), min_size=8, max_size=20), st.floats(-3, 3))
def test_alike_or_median_is_never_outlying(peers: list[float], value: float) -> None:
    assert deviation(value, [value] * 8) is None
    apart = deviation(value, peers)
    assert apart is None or math.exp(abs(apart)) > 1.5


def test_the_same_digits_of_two_owners_are_for_auditors(factory: Factory, acme: Actor) -> None:
    other = factory.enterprise("Other")
    for firm in (acme, other):
        firm.footprint(firm.product("Thing"), "1.8524")
    found = noticed(factory)["copied-across-owners"]
    assert {party.enterprise for party in found.parties} == {acme.id, other.id}
    assert found.audience == "auditors"


@given(st.decimals("0.001", 1000, places=3), st.floats(0, 1))
def test_distance_is_relative_to_the_total(total: Decimal, share: float) -> None:
    summed = total * (1 + Decimal(str(share)))
    assert distance(summed, total) == pytest.approx(share, abs=1e-9)


def test_nothing_is_no_sum_of_something() -> None:
    assert distance(Decimal(0), Decimal(0)) == 0
    assert distance(Decimal(1), Decimal(0)) == math.inf


# --- Balances ---------------------------------------------------------------------------------


@pytest.fixture
def smelter(acme: Actor, site: str, steel: str) -> Callable[[str], Accepted]:
    """Steel that emits 2 kg per kg by its recipe, of which 100 kg are made."""
    acme.recipe(steel, site, emissions=co2("2"))
    acme.production(steel, site, "100")

    def declares(total: str) -> Accepted:
        return acme.footprint(steel, total)

    return declares


def test_a_green_batch_declared_for_all_that_was_made_leaves_carbon_behind(
    factory: Factory, acme: Actor, site: str, smelter: Callable[[str], Accepted]
) -> None:
    """Green ore, 10 of the 100 kg, has none; 90 have 1 each: 100·2 + 90 = 290 are held, but all
    is sold under the footprint of the green batch, 2 per kg: 200."""
    mine = factory.enterprise("Mine")
    pit = mine.site("Pit")
    ores = {name: mine.product(f"{name} ore") for name in ("Green", "Grey")}
    mine.footprint(ores["Green"], "0", site=pit)
    mine.footprint(ores["Grey"], "1", site=pit)
    slab = acme.product("Slab")
    taken_in = [(ores["Green"], "10", "KGM"), (ores["Grey"], "90", "KGM")]
    acme.recipe(slab, site, basis=("100", "KGM"), emissions=co2("200"), inputs=taken_in)
    acme.production(slab, site, "100")
    acme.footprint(slab, "2")
    found = noticed(factory, slab)["embodied-sold-below-bought"]
    assert (found.params["sold"], found.params["held"]) == ("200", "290")
    assert "footprint-below-direct" not in noticed(factory, slab)


def test_a_footprint_that_fits_its_recipe_leaves_nothing_behind(
    factory: Factory, smelter: Callable[[str], Accepted]
) -> None:
    smelter("1.95")
    assert not noticed(factory).keys() & {"embodied-sold-below-bought"}


def test_a_footprint_below_what_the_recipe_emits_is_told(
    factory: Factory, smelter: Callable[[str], Accepted]
) -> None:
    smelter("1.5")
    found = noticed(factory)["footprint-below-direct"]
    assert (found.params["declared"], found.params["direct"]) == ("1.5", "2")


def test_books_hold_the_carbon_of_products_that_only_declare(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """Without a recipe: the site emitted 300, bought 100 · 2, and sold 100 · 3 = 300 of 500."""
    mine = factory.enterprise("Mine")
    ore = mine.product("Ore")
    mine.footprint(ore, "2", site=mine.site("Pit"))
    acme.footprint(steel, "3", site=site)
    acme.production(steel, site, "100")
    acme.inventory(site, co2("300"))
    acme.purchases(site, [(ore, "100", "KGM")])
    found = noticed(factory)["embodied-sold-below-bought"]
    assert (found.params["sold"], found.params["held"]) == ("300", "500")


def test_uses_that_exceed_the_output_are_told_to_both_sides_without_the_sum(
    factory: Factory, acme: Actor, site: str, steel: str, bolts: Actor, bolt: str
) -> None:
    shed = bolts.site("Shed")
    bolts.recipe(bolt, shed, basis=("1", "H87"), emissions=co2("1"))
    bolts.production(bolt, shed, "50", "H87")
    acme.purchases(site, [(bolt, "80", "H87")])
    found = noticed(factory, bolt)["deliveries-exceed-output"]
    assert found.params["amount"] == "30"
    assert all("30" not in words(found, side) for side in Side)
    assert [party.enterprise for party in found.of(Side.CONSUMER)] == [acme.id]


def test_uses_that_are_the_declared_amount_times_the_output_are_in_other_units(
    factory: Factory, acme: Actor, site: str, bolts: Actor, bolt: str
) -> None:
    shed = bolts.site("Shed")
    bolts.footprint(bolt, "150", unit="H87", site=shed, pcf={"declaredUnitAmount": "100"})
    bolts.production(bolt, shed, "3", "H87")
    acme.purchases(site, [(bolt, "300", "H87")])
    assert noticed(factory)["declared-amount-by-buyers"].params["amount"] == "100"


# --- Periods ----------------------------------------------------------------------------------


def test_an_expired_footprint_stands_in_and_says_so(
    factory: Factory, acme: Actor, steel: str
) -> None:
    acme.footprint(steel, "2", year=2019)
    found = noticed(factory)["nothing-in-force"]
    assert "that of 2019-01-01 to 2020-01-01 stands in" in found.sentence


def test_a_product_that_is_only_registered_is_unknown_never_zero(
    factory: Factory, steel: str
) -> None:
    assert "unknown, never as zero" in noticed(factory)["made-nowhere"].sentence


@given(st.floats(1e-9, 1e12))
def test_numbers_in_sentences_have_no_exponent(value: float) -> None:
    assert "e" not in figure(value).lower()
    assert float(figure(value)) == pytest.approx(value, rel=1e-5)
