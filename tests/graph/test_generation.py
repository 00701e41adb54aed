"""Scope 2 is what arose where bought energy was generated: the rest of it is category 3."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from graph.figures.boundary import Assessment
from graph.terms import Assessed
from ledger import pact
from tests.factory import Actor, Factory, line
from tests.graph.ask import co2, firm, known, network, park

GENERATION = f"https://catchment.example{pact.ENERGY_GENERATION_PATH}"
KWH = ("1", "KWH")


class Grid:
    """Makes energy suppliers of one kind or another, each with a site of its own."""

    def __init__(self, f: Factory) -> None:
        self.f = f
        self.firm = f.enterprise("Energy")

    def makes(
        self,
        name: str,
        direct: str = "0",
        takes: Sequence[tuple[str, str, str]] = (),
        *,
        carrier: str | None = "electricity",
        unit: str = "KWH",
        generation: str | None = None,
        by: Actor | None = None,
        site: str | None = None,
        output: str | None = None,
    ) -> str:
        """A product with a recipe per unit: kg CO2 and (product, amount, unit) taken in."""
        by = by or self.firm
        site = site or by.site(f"{name} site")
        product = by.product(name, unit=unit, energy_carrier=carrier)
        by.recipe(
            product,
            site,
            basis=("1", unit),
            emissions=co2(direct),
            inputs=[line(each, category=3) for each in takes],
            generation=None if generation is None else co2(generation),
        )
        if output:
            by.production(product, site, output, unit)
        return product

    def states(self, name: str, total: str, generation: str | None, amount: str = "1") -> str:
        """A product of which only a footprint for ``amount`` kWh is stated."""
        product = self.firm.product(name, unit="KWH", energy_carrier="electricity")
        extension = {
            "specVersion": "2.0.0",
            "dataSchema": GENERATION,
            "data": {"generationKgCo2ePerDeclaredUnit": generation},
        }
        extensions = [extension] if generation is not None else []
        pcf = {"declaredUnitAmount": amount}
        self.firm.footprint(product, total, unit="KWH", pcf=pcf, extensions=extensions)
        return product


@pytest.fixture
def grid(factory: Factory) -> Grid:
    return Grid(factory)


@pytest.fixture
def plant(grid: Grid) -> str:
    """A power station: 0.6 kg CO2 per kWh of its own, 0.2 kg of coal at 0.5: m = 0.7."""
    coal = grid.firm.product("Coal")
    grid.firm.footprint(coal, "0.5")
    return grid.makes("Plant", "0.6", [(coal, "0.2", "KGM")])


def books_of_buying(acme: Actor, *bought: tuple[str, str, str], category: int = 3) -> Assessment:
    """The books of a site that emits nothing and takes in these."""
    site = acme.site("Works")
    acme.inventory(site, [])
    acme.purchases(site, [line(each, category=category) for each in bought])
    return firm(acme.factory, acme.id)


def split(books: Assessment) -> tuple[float, float, float]:
    return known(books.scope2), known(books.scope3), known(books.upstream)


# --- Generators and resellers ---------------------------------------------------------------


def test_of_a_generator_its_own_emissions_are_scope_2_and_its_fuel_category_3(
    acme: Actor, plant: str
) -> None:
    """100 kWh: 100 · 0.6 = 60 and 100 · 0.2 · 0.5 = 10."""
    books = books_of_buying(acme, (plant, "100", "KWH"))
    assert split(books) == pytest.approx((60, 10, 70))
    assert known(books.scope3_by_category[3]) == pytest.approx(10)


def test_losses_of_a_reseller_are_category_3(acme: Actor, grid: Grid, plant: str) -> None:
    """1.25 kWh taken in per kWh delivered: 0.6 at generation, 1.25 · 0.7 − 0.6 = 0.275 lost."""
    utility = grid.makes("Utility", takes=[(plant, "1.25", "KWH")])
    assert split(books_of_buying(acme, (utility, "100", "KWH"))) == pytest.approx((60, 27.5, 87.5))


def test_losses_along_a_chain_of_resellers_are_category_3(
    acme: Actor, grid: Grid, plant: str
) -> None:
    """Then 1.1 kWh per kWh: still 0.6 at generation, 1.1 · 0.875 = 0.9625 in all."""
    utility = grid.makes("Utility", takes=[(plant, "1.25", "KWH")])
    landlord = grid.makes("Landlord", takes=[(utility, "1.1", "KWH")])
    assert split(books_of_buying(acme, (landlord, "100", "KWH"))) == pytest.approx(
        (60, 36.25, 96.25)
    )


def test_a_resellers_own_emissions_are_not_generation(acme: Actor, grid: Grid, plant: str) -> None:
    """SF6 or vehicles of a utility that takes in all it delivers: 0.02 kg per kWh."""
    utility = grid.makes("Utility", "0.02", [(plant, "1", "KWH")])
    assert split(books_of_buying(acme, (utility, "100", "KWH"))) == pytest.approx((60, 12, 72))


def test_a_utility_has_the_mean_of_its_supplies(acme: Actor, grid: Grid, plant: str) -> None:
    """0.75 from the plant (0.6), 0.5 from wind (0), of 1.25 one arrives: (0.45 + 0) / 1.25."""
    wind = grid.makes("Wind")
    utility = grid.makes("Utility", takes=[(plant, "0.75", "KWH"), (wind, "1.8", "3B")])
    books = books_of_buying(acme, (utility, "100", "KWH"))
    assert split(books) == pytest.approx((36, 75 * 0.7 - 36, 75 * 0.7))


def test_a_utility_that_generates_the_rest_itself_has_both(
    acme: Actor, grid: Grid, plant: str
) -> None:
    """0.4 taken in at 0.6 and 0.3 kg of its own: 0.24 + 0.3 per kWh."""
    utility = grid.makes("Utility", "0.3", [(plant, "0.4", "KWH")])
    books = books_of_buying(acme, (utility, "100", "KWH"))
    assert split(books) == pytest.approx((54, 4, 58))


def test_energy_from_another_carrier_is_fuel(acme: Actor, grid: Grid, plant: str) -> None:
    """Heat from a heat pump: 0.3 kWh of power (0.7) per kWh, nothing burnt where heat is made."""
    heat = grid.makes("Heat", takes=[(plant, "0.3", "KWH")], carrier="heat")
    assert split(books_of_buying(acme, (heat, "100", "KWH"))) == pytest.approx((0, 21, 21))


def test_energy_inside_other_goods_is_no_scope_2(acme: Actor, grid: Grid, plant: str) -> None:
    steel = grid.makes("Steel", "1", [(plant, "2", "KWH")], carrier=None, unit="KGM")
    assert split(books_of_buying(acme, (steel, "10", "KGM"))) == pytest.approx((0, 24, 24))


def test_the_label_of_the_link_decides_the_category_of_what_is_left(
    acme: Actor, plant: str
) -> None:
    books = books_of_buying(acme, (plant, "100", "KWH"), category=8)
    assert known(books.scope2) == pytest.approx(60)
    assert {c: known(a) for c, a in books.scope3_by_category.items()} == pytest.approx({8: 10})


# --- Stated generation ----------------------------------------------------------------------


def test_a_footprint_may_state_its_generation_in_an_extension(acme: Actor, grid: Grid) -> None:
    power = grid.states("Power", "0.7", "0.6")
    assert split(books_of_buying(acme, (power, "100", "KWH"))) == pytest.approx((60, 10, 70))


def test_a_stated_generation_is_for_the_declared_amount_not_for_one_unit(
    acme: Actor, grid: Grid
) -> None:
    """700 kg and 600 kg for 1000 kWh."""
    power = grid.states("Power", "700", "600", amount="1000")
    assert split(books_of_buying(acme, (power, "100", "KWH"))) == pytest.approx((60, 10, 70))


def test_a_recipe_may_state_the_generation_of_its_energy(
    acme: Actor, grid: Grid, plant: str
) -> None:
    """What is stated comes before what would be derived: 0.5 instead of 0.6."""
    utility = grid.makes("Utility", takes=[(plant, "1.25", "KWH")], generation="0.5")
    assert split(books_of_buying(acme, (utility, "100", "KWH"))) == pytest.approx((50, 37.5, 87.5))


# --- Unknown --------------------------------------------------------------------------------


def test_unknown_generation_leaves_the_split_open_but_not_the_upstream(
    factory: Factory, acme: Actor, grid: Grid, plant: str
) -> None:
    power = grid.states("Power", "0.7", None)
    books = books_of_buying(acme, (power, "100", "KWH"), (plant, "10", "KWH"))
    assert known(books.upstream) == pytest.approx(77)
    assert known(books.t2) == pytest.approx(77)
    assert books.t2_status is Assessed.ASSESSED
    assert (books.scope2.value, books.scope3.value) == (None, None)
    assert books.scope2.at_least == pytest.approx(6)
    assert [network(factory).nodes[i].name for i in books.unsplit] == ["Power"]


def test_unknown_generation_is_handed_on_by_resellers(acme: Actor, grid: Grid) -> None:
    power = grid.states("Power", "0.7", None)
    utility = grid.makes("Utility", takes=[(power, "1.1", "KWH")])
    books = books_of_buying(acme, (utility, "100", "KWH"))
    assert (books.scope2.value, known(books.upstream)) == (None, pytest.approx(77))


def test_unknown_generation_of_energy_that_nobody_inside_buys_does_not_matter(
    acme: Actor, grid: Grid
) -> None:
    power = grid.states("Power", "0.7", None)
    steel = grid.makes("Steel", "1", [(power, "2", "KWH")], carrier=None, unit="KGM")
    assert split(books_of_buying(acme, (steel, "10", "KGM"))) == pytest.approx((0, 24, 24))


def test_more_generation_than_footprint_is_no_generation_that_is_known(
    factory: Factory, acme: Actor, grid: Grid
) -> None:
    """0.3 in all cannot contain 0.6: Scope 3 would be negative."""
    power = grid.states("Power", "0.3", "0.6")
    books = books_of_buying(acme, (power, "100", "KWH"))
    assert known(books.upstream) == pytest.approx(30)
    assert (books.scope2.value, books.scope3.value) == (None, None)
    assert [network(factory).nodes[i].name for i in books.unsplit] == ["Power"]


def test_steam_by_mass_and_by_energy_cannot_be_compared_and_breaks_nothing(
    acme: Actor, grid: Grid
) -> None:
    boiler = grid.makes("Boiler", "0.2", carrier="steam", unit="KGM")
    network_operator = grid.makes(
        "Steam network", takes=[(boiler, "1.5", "KGM")], carrier="steam", unit="3B"
    )
    books = books_of_buying(acme, (network_operator, "100", "3B"))
    assert (books.scope2.value, known(books.upstream)) == (None, pytest.approx(30))


def test_a_gap_in_bought_energy_leaves_both_open(acme: Actor, grid: Grid) -> None:
    """Else a utility that takes in all it delivers from somebody unknown would generate zero."""
    unknown = grid.firm.product("Unknown", unit="KWH", energy_carrier="electricity")
    utility = grid.makes("Utility", takes=[(unknown, "1", "KWH")])
    books = books_of_buying(acme, (utility, "100", "KWH"))
    assert (books.upstream.value, books.scope2.value, books.scope3.value) == (None, None, None)


def test_a_gap_in_the_fuel_of_a_generator_leaves_scope_2_known(acme: Actor, grid: Grid) -> None:
    """Coal by mass from somebody unknown is no power taken in: 0.6 kg per kWh stay known."""
    power = grid.makes("Plant", "0.6", [("urn:gtin:4006381333931", "0.4", "KGM")])
    books = books_of_buying(acme, (power, "100", "KWH"))
    assert known(books.scope2) == pytest.approx(60)
    assert (books.upstream.value, books.scope3.value) == (None, None)


# --- Energy made inside ---------------------------------------------------------------------


def test_energy_made_inside_is_scope_1_and_no_scope_2(
    factory: Factory, acme: Actor, grid: Grid
) -> None:
    """A plant of the park makes 1000 kWh with 600 kg CO2 and sells 100 kWh to the works."""
    owner, manager = factory.enterprise("Owner"), factory.enterprise("Manager")
    here = owner.site("Power house")
    power = grid.makes("House power", "0.6", by=owner, site=here, output="1000")
    works = acme.site("Works")
    acme.inventory(works, [])
    acme.purchases(works, [line((power, "100", "KWH"), category=3)])
    fenced = manager.park()
    for site in (here, works):
        manager.membership(fenced, site)
    books = park(factory, fenced).assessment
    assert known(books.scope1) == pytest.approx(600)
    assert split(books) == (0, 0, 0)
    assert split(firm(factory, acme.id)) == pytest.approx((60, 0, 60))


def test_energy_that_leaves_and_comes_back_counts_where_it_was_made(
    factory: Factory, acme: Actor, grid: Grid, plant: str
) -> None:
    """A utility outside mixes 0.5 kWh from inside (0.6) with 0.5 kWh from the plant (0.6, m 0.7).

    Of 100 kWh bought back 50 were made inside: Scope 1 already. Scope 2 is 50 · 0.6 = 30, and
    50 · 0.1 = 5 stay in category 3.
    """
    owner, manager = factory.enterprise("Owner"), factory.enterprise("Manager")
    here = owner.site("Power house")
    inside = grid.makes("House power", "0.6", by=owner, site=here, output="1000")
    utility = grid.makes("Utility", takes=[(inside, "0.5", "KWH"), (plant, "0.5", "KWH")])
    works = acme.site("Works")
    acme.inventory(works, [])
    acme.purchases(works, [line((utility, "100", "KWH"), category=3)])
    fenced = manager.park()
    for site in (here, works):
        manager.membership(fenced, site)
    books = park(factory, fenced).assessment
    assert known(books.scope1) == pytest.approx(600)
    assert split(books) == pytest.approx((30, 5, 35))
