"""A site's own books fix its Scope 1 and its inflow; recipes only distribute them."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal

import pytest

from graph.errors import NoDataForYear
from graph.figures.boundary import Assessment
from graph.terms import Assessed, Feed
from tests.factory import Factory, line
from tests.graph.ask import co2, figure, firm, known, network, park, reasons, rules

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")

HALVES = (("2025-01-01", "2025-07-01"), ("2025-07-01", "2026-01-01"))
NINE_MONTHS = ("2025-01-01", "2025-10-01")


class Mill:
    """A mill that makes 100 kg of beam from steel (1.5 kg CO2e per kg) and power (0.8 per kWh).

    Its books: 500 kg CO2 of its own, 400 kg of steel and 250 kWh taken in.
    So Scope 1 is 500 and upstream 400 · 1.5 + 250 · 0.8 = 800; T2 is 1300.
    """

    def __init__(self, f: Factory) -> None:
        self.f = f
        self.seller = f.enterprise("Seller")
        self.steel = self.seller.product("Steel")
        self.power = self.seller.product("Power", unit="KWH")
        self.seller.footprint(self.steel, "1.5")
        self.seller.footprint(self.power, "0.8", unit="KWH")
        self.acme = f.enterprise("Acme")
        self.site = self.acme.site("Mill")
        self.beam = self.acme.product("Beam")
        self.manager = f.enterprise("Manager")
        self.park = self.manager.park()

    def join(self, site: str, start: str = "2025-01-01") -> None:
        self.manager.membership(self.park, site, start=start)

    def keep_books(self) -> None:
        self.acme.inventory(self.site, co2("500"))
        bought = [
            line((self.steel, "400", "KGM")),
            line((self.power, "250", "KWH"), category=3),
        ]
        self.acme.purchases(self.site, bought)

    def make(self, product: str, direct: str, steel: str, power: str, output: str = "100") -> None:
        """State a recipe per kg of product, and its output."""
        used = [line((self.steel, steel, "KGM")), line((self.power, power, "KWH"), category=3)]
        self.acme.recipe(product, self.site, emissions=co2(direct), inputs=used)
        self.acme.production(product, self.site, output)

    def books(self) -> Assessment:
        return firm(self.f, self.acme.id)

    def park_books(self) -> Assessment:
        return park(self.f, self.park).assessment


@pytest.fixture
def mill(factory: Factory) -> Mill:
    return Mill(factory)


def totals(books: Assessment) -> list[float]:
    return [known(each) for each in (books.scope1, books.upstream, books.t2)]


# --- Recipes and books ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direct", "steel", "power"),
    [("3", "3", "2"), ("5", "4", "2.5"), ("8", "7", "1")],
    ids=["recipes-use-less", "exactly", "more-than-the-books-have"],
)
def test_scope_1_upstream_and_t2_are_the_same_with_and_without_recipes(
    mill: Mill, direct: str, steel: str, power: str
) -> None:
    mill.keep_books()
    assert totals(mill.books()) == pytest.approx([500, 800, 1300])
    mill.make(mill.beam, direct, steel, power)
    assert totals(mill.books()) == pytest.approx([500, 800, 1300])


def test_what_recipes_leave_over_stands_in_the_overhead_node_with_its_sign(mill: Mill) -> None:
    """A kg of beam: 3 kg CO2, 5 kg of steel, 2 kWh; 100 kg made.

    Left: 500 − 300 = 200 kg CO2, 400 − 500 = −100 kg of steel, 250 − 200 = 50 kWh.
    The beam itself: 3 + 5 · 1.5 + 2 · 0.8 = 12.1. T0 = 1210 + (200 − 150 + 40) = 1300.
    """
    mill.keep_books()
    mill.make(mill.beam, "3", "5", "2")
    net = network(mill.f)
    names = [node.name if node.feed is not Feed.OVERHEAD else "rest" for node in net.nodes]
    rest = names.index("rest")
    left = net.inputs.toarray()[:, rest]
    assert dict(zip(names, left, strict=True)) == pytest.approx(
        {"Steel": -100, "Power": 50, "Beam": 0, "rest": 0}
    )
    assert net.direct[rest] @ [column.gas == "CO2" for column in net.columns] == pytest.approx(200)
    assert "negative-residual" in rules(mill.f)
    assert known(figure(mill.f, mill.beam).amount) == pytest.approx(12.1)
    assert known(mill.books().t0) == pytest.approx(1300)


def test_recipes_that_leave_nothing_over_raise_no_finding(mill: Mill) -> None:
    mill.keep_books()
    mill.make(mill.beam, "5", "4", "2.5")
    assert rules(mill.f) == set()


def test_without_books_recipes_and_production_stand_in_and_are_marked(mill: Mill) -> None:
    mill.make(mill.beam, "3", "5", "2")
    books = mill.books()
    assert totals(books) == pytest.approx([300, 500 * 1.5 + 200 * 0.8, 1210])
    assert books.missing == ()
    assert {each.what for each in books.stand_ins} == {"inventory", "purchases"}
    mill.keep_books()
    assert mill.books().stand_ins == ()


def test_an_inventory_without_purchases_leaves_the_inflow_to_the_recipes(mill: Mill) -> None:
    mill.make(mill.beam, "3", "5", "2")
    mill.acme.inventory(mill.site, co2("500"))
    books = mill.books()
    assert totals(books) == pytest.approx([500, 910, 1410])
    assert {each.what for each in books.stand_ins} == {"purchases"}


def test_what_one_site_makes_for_itself_is_no_purchase(mill: Mill) -> None:
    """Ingots (1 kg of steel, 2 kg CO2 each) are made and used at the mill; books as before."""
    mill.keep_books()
    ingot = mill.acme.product("Ingot")
    mill.make(ingot, "2", "1", "0", output="200")
    mill.acme.recipe(mill.beam, mill.site, emissions=co2("1"), inputs=[(ingot, "2", "KGM")])
    mill.acme.production(mill.beam, mill.site, "100")
    books = mill.books()
    assert totals(books) == pytest.approx([500, 800, 1300])
    # T1: nothing of the 200 ingots is left; 100 beams of 1 + 2 · (2 + 1.5) = 8, rest 500.
    assert known(books.t1) == pytest.approx(100 * 8 + (500 - 500) + 200 * 1.5 + 250 * 0.8)
    assert "negative-residual" not in rules(mill.f)


def test_a_random_mill_has_the_same_totals_with_and_without_its_recipes(
    new_factory: Callable[..., Factory],
) -> None:
    """Purchases by product, identifier and other units; recipes by product, identifier, class."""
    dice = random.Random(5)
    f = new_factory(seed=5)
    seller, acme = f.enterprise("Seller", identifiers=("urn:duns:000000001",)), f.enterprise("Acme")
    gtin, of_class = "urn:gtin:4006381333931", "urn:cpc:4121"
    goods = []
    for number in range(4):
        members = {"identifiers": (gtin,)} if number == 0 else {}
        good = seller.product(f"Good {number}", classifications=(of_class,), **members)
        seller.footprint(good, str(dice.randint(1, 9)))
        goods.append(good)
    site = acme.site()

    def amount(most: int) -> str:
        return str(Decimal(dice.randint(1, 20 * most)) / 20)

    bought = [line((good, amount(100), "KGM"), category=dice.randint(1, 4)) for good in goods[1:3]]
    bought.append(line((gtin, amount(1), "TNE"), supplier="urn:duns:000000001", category=2))
    acme.inventory(site, [("CO2", "fossil", "50"), ("CH4", "biogenic", "2")])
    acme.purchases(site, bought)
    without = [*totals(firm(f, acme.id)), known(firm(f, acme.id).scope3)]
    by_category = {c: known(a) for c, a in firm(f, acme.id).scope3_by_category.items() if known(a)}
    for number in range(5):
        made = acme.product(f"Made {number}")
        what = [*goods, gtin, (of_class, "CN"), goods[3]]
        acme.recipe(
            made,
            site,
            emissions=[("CO2", "fossil", amount(2)), ("CO2e", "fossil", amount(1), "AR6")],
            inputs=[
                line((each, amount(3), "KGM"), supplier=seller.id if each == gtin else None)
                for each in dice.sample(what, 3)
            ],
        )
        acme.production(made, site, amount(50))
    books = firm(f, acme.id)
    assert [*totals(books), known(books.scope3)] == pytest.approx(without)
    after = {c: known(a) for c, a in books.scope3_by_category.items() if abs(known(a)) > 1e-9}
    assert after == pytest.approx(by_category)
    assert books.t0 is not None
    f.close()


# --- A recipe line takes what was bought ----------------------------------------------------


@pytest.fixture
def two_steels(mill: Mill) -> tuple[str, str]:
    """Bought: 300 kg of one steel (1.5) and 100 kg of another (3.5): a mix of 2.0 per kg."""
    other = mill.f.enterprise("Other", identifiers=("urn:duns:000000002",))
    gtin, of_class = "urn:gtin:4006381333931", "urn:cpc:4121"
    steels = []
    for seller, total in ((mill.seller, "1.5"), (other, "3.5")):
        steel = seller.product(f"{seller.name}'s", identifiers=(gtin,), classifications=(of_class,))
        seller.footprint(steel, total)
        steels.append(steel)
    mill.acme.inventory(mill.site, co2("0"))
    mill.acme.purchases(
        mill.site,
        [
            line((steels[0], "300", "KGM")),
            line((gtin, "0.1", "TNE"), supplier="urn:duns:000000002"),
        ],
    )
    return steels[0], steels[1]


@pytest.mark.parametrize("what", [("urn:cpc:4121", "CN"), "urn:gtin:4006381333931"])
def test_a_recipe_line_by_class_or_number_takes_the_mix_that_was_bought(
    mill: Mill, two_steels: tuple[str, str], what: object
) -> None:
    mill.acme.recipe(mill.beam, mill.site, inputs=[line((what, "2", "KGM"))])
    mill.acme.production(mill.beam, mill.site, "10")
    assert known(figure(mill.f, mill.beam).amount) == pytest.approx(2 * 2.0)
    assert known(mill.books().upstream) == pytest.approx(300 * 1.5 + 100 * 3.5)


def test_a_recipe_line_by_product_takes_that_product_from_where_it_was_bought(
    mill: Mill,
) -> None:
    """Steel from two sites, bought from the dear one; the recipe names the product alone."""
    seller = mill.seller
    cheap, dear = seller.site("Cheap"), seller.site("Dear")
    plate = seller.product("Plate")
    for where, emitted in ((cheap, "1"), (dear, "3")):
        seller.recipe(plate, where, emissions=co2(emitted))
        seller.production(plate, where, "100")
    mill.acme.purchases(mill.site, [line((plate, "50", "KGM"), site=dear)])
    mill.acme.recipe(mill.beam, mill.site, inputs=[line((plate, "2", "KGM"))])
    mill.acme.production(mill.beam, mill.site, "10")
    assert known(figure(mill.f, mill.beam).amount) == pytest.approx(2 * 3)


def test_a_line_by_class_without_purchases_is_a_gap(mill: Mill) -> None:
    mill.seller.product("Any", classifications=("urn:cpc:4121",))
    mill.acme.recipe(mill.beam, mill.site, inputs=[line((("urn:cpc:4121", "CN"), "2", "KGM"))])
    (gap,) = figure(mill.f, mill.beam).gaps
    assert (gap.reason, gap.wanted) == ("class-only", "urn:cpc:4121 (CN)")


# --- What is missing ------------------------------------------------------------------------


def test_books_of_nine_months_are_incomplete_and_give_a_lower_bound(mill: Mill) -> None:
    mill.acme.inventory(mill.site, co2("500"), period=NINE_MONTHS)
    mill.acme.purchases(mill.site, [(mill.steel, "400", "KGM")])
    books = mill.books()
    assert (books.scope1.value, books.scope1.at_least) == (None, pytest.approx(500))
    assert known(books.upstream) == pytest.approx(600)
    assert [missing.what for missing in books.missing] == ["inventory-incomplete"]
    assert books.t2_status is Assessed.PARTIAL


def test_a_place_that_its_books_tell_nothing_of_is_not_emptied_by_them(mill: Mill) -> None:
    """The books end in June, the mill joins the park in July: recipes stand in for its half.

    365 kg made in the year at 3 kg CO2, 5 kg of steel (1.5) and 2 kWh (0.8): 184 kg in the park.
    """
    mill.join(mill.site, "2025-07-01")
    mill.make(mill.beam, "3", "5", "2", output="365")
    mill.acme.inventory(mill.site, co2("500"), period=HALVES[0])
    mill.acme.purchases(mill.site, [(mill.steel, "400", "KGM")], period=HALVES[0])
    books = mill.park_books()
    assert totals(books) == pytest.approx([184 * 3, 184 * 9.1, 184 * 12.1])
    assert {each.what for each in books.stand_ins} == {"inventory", "purchases"}


def test_a_site_that_said_nothing_is_named_and_blocks_the_total(mill: Mill) -> None:
    mill.keep_books()
    mill.acme.site("Silent")
    books = mill.books()
    assert (books.scope1.value, books.scope1.at_least) == (None, pytest.approx(500))
    assert (books.t2.value, books.t2_status) == (None, Assessed.PARTIAL)
    assert [missing.what for missing in books.missing] == ["inventory", "purchases"]


def test_an_empty_inventory_says_that_nothing_was_emitted(mill: Mill) -> None:
    mill.acme.inventory(mill.site, [])
    mill.acme.purchases(mill.site, [])
    assert totals(mill.books()) == [0, 0, 0]


def test_a_year_nobody_spoke_of_has_no_books(mill: Mill) -> None:
    mill.keep_books()
    with pytest.raises(NoDataForYear):
        firm(mill.f, mill.acme.id, year=2023)


# --- Within the year ------------------------------------------------------------------------


def test_a_member_from_july_brings_the_days_from_july(mill: Mill) -> None:
    """184 of 365 days."""
    mill.join(mill.site, "2025-07-01")
    mill.keep_books()
    share = 184 / 365
    assert totals(mill.park_books()) == pytest.approx([500 * share, 800 * share, 1300 * share])
    assert totals(mill.books()) == pytest.approx([500, 800, 1300])
    assert rules(mill.f) == {"split-by-days"}


def test_books_of_two_halves_are_not_split(mill: Mill) -> None:
    mill.join(mill.site, "2025-07-01")
    for half, emitted, steel in zip(HALVES, ("300", "200"), ("100", "300"), strict=True):
        mill.acme.inventory(mill.site, co2(emitted), period=half)
        mill.acme.purchases(mill.site, [(mill.steel, steel, "KGM")], period=half)
    assert totals(mill.park_books()) == pytest.approx([200, 450, 650])
    assert rules(mill.f) == set()


def test_a_member_from_july_keeps_its_totals_when_it_discloses_recipes(mill: Mill) -> None:
    mill.join(mill.site, "2025-07-01")
    mill.keep_books()
    without = totals(mill.park_books())
    mill.make(mill.beam, "8", "7", "1")
    books = mill.park_books()
    assert totals(books) == pytest.approx(without)
    # Recipes distribute: what beams carry beyond the books is taken off the rest.
    assert known(books.t0) == pytest.approx(1300 * 184 / 365)


def test_members_that_join_on_one_day_buy_from_each_other_inside(mill: Mill) -> None:
    """The rail works takes in all 100 kg of beam and emits 200 kg CO2 itself.

    In the park, from July: 184/365 of 500 + 200 of its own and of 800 bought. Had the second half
    bought half of its beams from the first, these would count as bought outside.
    """
    mill.keep_books()
    mill.make(mill.beam, "5", "4", "2.5")
    rails = mill.f.enterprise("Rails")
    works = rails.site("Rail works")
    rails.inventory(works, co2("200"))
    rails.purchases(works, [(mill.beam, "100", "KGM")])
    for site in (mill.site, works):
        mill.join(site, "2025-07-01")
    share = 184 / 365
    assert totals(mill.park_books()) == pytest.approx([700 * share, 800 * share, 1500 * share])


# --- Black boxes and gaps inside ------------------------------------------------------------


@pytest.fixture
def works(mill: Mill) -> str:
    """A rail works in the mill's park: 200 kg CO2, 100 kg of beam taken in."""
    mill.keep_books()
    rails = mill.f.enterprise("Rails")
    site = rails.site("Rail works")
    rails.inventory(site, co2("200"))
    rails.purchases(site, [(mill.beam, "100", "KGM")])
    for member in (mill.site, site):
        mill.join(member)
    return site


def test_a_stated_footprint_inside_counts_nothing_and_its_inventory_everything(
    mill: Mill, works: str
) -> None:
    """The mill states 15 kg CO2e per kg of beam, in public. Inside, its books are what counts."""
    mill.acme.footprint(mill.beam, "15", site=mill.site)
    books = mill.park_books()
    assert totals(books) == pytest.approx([700, 800, 1500])
    assert books.t2_status is Assessed.ASSESSED
    assert (books.t0, books.returning) == (None, Assessed.NOT_ASSESSABLE)
    assert books.not_assessable_because == ("Beam",)
    rails = network(mill.f).site_owners[works]
    assert known(firm(mill.f, rails).upstream) == pytest.approx(1500)


def test_a_black_box_inside_without_an_inventory_leaves_scope_1_open(mill: Mill) -> None:
    mill.acme.footprint(mill.beam, "15", site=mill.site)
    mill.acme.purchases(mill.site, [(mill.steel, "400", "KGM")])
    books = mill.books()
    assert (books.scope1.value, books.scope1.at_least) == (None, 0)
    assert known(books.upstream) == pytest.approx(600)
    assert [missing.what for missing in books.missing] == ["inventory"]


def test_a_footprint_of_no_site_is_inside_where_all_its_owners_sites_are(
    mill: Mill, works: str
) -> None:
    """Counting it as bought outside would count the mill's own emissions twice."""
    mill.acme.footprint(mill.beam, "15")
    books = mill.park_books()
    assert totals(books) == pytest.approx([700, 800, 1500])
    assert books.t2_status is Assessed.ASSESSED
    assert books.not_assessable_because == ("Beam",)


def test_recipes_do_not_stand_in_for_a_product_made_somewhere_inside(mill: Mill) -> None:
    """The mill also makes scrap iron, of which only a footprint is stated: 300 kg at least."""
    mill.make(mill.beam, "3", "5", "2")
    mill.acme.footprint(mill.acme.product("Scrap iron"), "1", year=2020)
    assert known(mill.books().scope1) == pytest.approx(300)
    mill.acme.footprint(mill.acme.product("Iron"), "1")
    books = mill.books()
    assert (books.scope1.value, books.scope1.at_least) == (None, pytest.approx(300))
    assert books.not_assessable_because == ("Iron",)


def test_a_footprint_of_no_site_makes_the_total_partial_where_it_may_be_either(
    mill: Mill, works: str
) -> None:
    mill.acme.footprint(mill.beam, "15")
    mill.acme.site("Elsewhere", at=("10", "50"))
    books = mill.park_books()
    assert totals(books) == pytest.approx([700, 800, 1500])
    assert books.t2_status is Assessed.PARTIAL


def test_a_footprint_of_no_site_that_nobody_inside_takes_in_changes_nothing(
    mill: Mill, works: str
) -> None:
    mill.acme.footprint(mill.beam, "15", site=mill.site)
    mill.acme.footprint(mill.acme.product("Other"), "3")
    mill.acme.site("Elsewhere", at=("10", "50"))
    assert mill.park_books().t2_status is Assessed.ASSESSED


def test_a_gap_at_a_supplier_inside_is_not_upstream_but_makes_the_total_partial(
    mill: Mill, works: str
) -> None:
    """Beam is registered but nothing is said of it: the mill's books count it all the same."""
    books = mill.park_books()
    assert totals(books) == pytest.approx([700, 800, 1500])
    assert (books.t2_status, books.gaps) == (Assessed.PARTIAL, ())


def test_a_gap_at_a_supplier_outside_is_upstream_and_leaves_the_total_open(
    mill: Mill, works: str
) -> None:
    rails = network(mill.f).site_owners[works]
    books = firm(mill.f, rails)
    assert (known(books.scope1), books.upstream.value, books.t2.value) == (200, None, None)
    assert books.t2.at_least == pytest.approx(200)
    (gap,) = books.gaps
    assert (gap.reason, gap.wanted, gap.amount, gap.unit) == ("undeclared", "Beam", 100, "KGM")


def test_what_a_supplier_outside_takes_in_from_an_undescribed_product_inside_counts_zero(
    mill: Mill, works: str
) -> None:
    """Tools (2 kg CO2, 1 kg of beam each) come back to the rail works: 10 · 2 and no gap.

    Of the beam nothing is stated but the mill's books, in which its emissions are.
    """
    forge, tool = mill.seller.site("Forge"), mill.seller.product("Tool", unit="H87")
    used = [(mill.beam, "1", "KGM")]
    mill.seller.recipe(tool, forge, basis=("1", "H87"), emissions=co2("2"), inputs=used)
    toolmakers = mill.f.enterprise("Tool works")
    site = toolmakers.site("Tool works")
    toolmakers.inventory(site, [])
    toolmakers.purchases(site, [(tool, "10", "H87")])
    mill.join(site)
    books = mill.park_books()
    assert totals(books) == pytest.approx([700, 800 + 20, 1520])
    assert (books.incomplete, books.t2_status) == ((), Assessed.PARTIAL)
    assert firm(mill.f, toolmakers.id).upstream.value is None


def test_a_supplier_with_a_gap_of_its_own_is_named_where_the_total_is_open(mill: Mill) -> None:
    ore = mill.seller.product("Ore")
    iron, smelter = mill.seller.product("Iron"), mill.seller.site("Smelter")
    mill.seller.recipe(iron, smelter, emissions=co2("2"), inputs=[(ore, "1", "KGM")])
    mill.acme.inventory(mill.site, co2("1"))
    mill.acme.purchases(mill.site, [(iron, "10", "KGM")])
    books = mill.books()
    assert (books.upstream.value, books.upstream.at_least) == (None, pytest.approx(20))
    assert books.gaps == ()
    assert [network(mill.f).nodes[i].name for i in books.incomplete] == ["Iron"]


def test_a_gap_in_a_recipe_does_not_open_what_the_purchases_close(mill: Mill) -> None:
    mill.keep_books()
    lines = [line(("urn:gtin:4006381333931", "3", "KGM"))]
    mill.acme.recipe(mill.beam, mill.site, emissions=co2("1"), inputs=lines)
    mill.acme.production(mill.beam, mill.site, "100")
    books = mill.books()
    assert totals(books) == pytest.approx([500, 800, 1300])
    assert books.gaps == ()
    assert reasons(figure(mill.f, mill.beam).gaps) == ["unregistered"]


def test_recipes_that_use_what_was_never_bought_draw_on_no_gap_of_its_supplier(
    mill: Mill,
) -> None:
    """Three products use iron, whose figure has a gap, and the books say that none was bought."""
    ore = mill.seller.product("Ore")
    iron, smelter = mill.seller.product("Iron"), mill.seller.site("Smelter")
    mill.seller.recipe(iron, smelter, emissions=co2("2"), inputs=[(ore, "1", "KGM")])
    mill.keep_books()
    for number, amount in enumerate(("0.1", "0.7", "0.3")):
        made = mill.acme.product(f"Made {number}")
        mill.acme.recipe(made, mill.site, inputs=[(iron, amount, "KGM")])
        mill.acme.production(made, mill.site, "33.3")
    books = mill.books()
    assert totals(books) == pytest.approx([500, 800, 1300])
    assert books.incomplete == ()


@pytest.mark.parametrize("used", [None, "0.6", "1.4"])
def test_a_bought_product_that_nobody_describes_is_one_gap_of_what_was_bought(
    mill: Mill, used: str | None
) -> None:
    """100 kg of iron from a smelter that states only its output; the recipe says what it says."""
    iron = mill.seller.product("Iron")
    mill.seller.production(iron, mill.seller.site("Smelter"), "1000")
    mill.acme.inventory(mill.site, [])
    mill.acme.purchases(mill.site, [(iron, "100", "KGM")])
    if used:
        mill.acme.recipe(mill.beam, mill.site, inputs=[(iron, used, "KGM")])
        mill.acme.production(mill.beam, mill.site, "100")
    (gap,) = mill.books().gaps
    assert (gap.reason, gap.wanted, gap.amount) == ("undeclared", "Iron", pytest.approx(100))


def test_an_undescribed_product_that_only_recipes_name_is_no_gap_of_the_books(mill: Mill) -> None:
    iron = mill.seller.product("Iron")
    mill.seller.production(iron, mill.seller.site("Smelter"), "1000")
    mill.keep_books()
    mill.acme.recipe(mill.beam, mill.site, inputs=[(iron, "0.7", "KGM")])
    mill.acme.production(mill.beam, mill.site, "33.3")
    assert totals(mill.books()) == pytest.approx([500, 800, 1300])
