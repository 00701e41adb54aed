"""What counts in a year: whole sets, weighted quarters, places, and the feed of each product."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal

import pytest

from graph.reading.year import Place, places_at
from graph.terms import Feed
from ledger.statements import Product, Site
from tests.factory import Actor, Factory, line
from tests.graph.ask import co2, figure, firm, known, network, reasons, rules, sentences, solved

pytestmark = pytest.mark.only_on("sqlite", "it is about figures, wherever the log is stored")

QUARTERS = (
    ("2025-01-01", "2025-04-01"),
    ("2025-04-01", "2025-07-01"),
    ("2025-07-01", "2025-10-01"),
    ("2025-10-01", "2026-01-01"),
)
HALVES = (("2025-01-01", "2025-07-01"), ("2025-07-01", "2026-01-01"))


def feeds(f: Factory, product: str, year: int = 2025) -> tuple[Feed, ...]:
    return figure(f, product, year=year).feeds


# --- Parts ---------------------------------------------------------------------------------


def test_a_set_of_parts_counts_once_it_is_complete(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """Two parts for the same 10 kg: 20 + 5 kg CO2 and 10 kg of ore at 0.3: (25 + 3) / 10."""
    ore = acme.product("Ore")
    acme.footprint(ore, "0.3")
    acme.footprint(steel, "9")
    acme.recipe(steel, site, basis=("10", "KGM"), emissions=co2("20"), part=(1, 2))
    assert feeds(factory, steel) == (Feed.FOOTPRINT,)
    acme.recipe(
        steel,
        site,
        basis=("10", "KGM"),
        emissions=co2("5"),
        inputs=[(ore, "10", "KGM")],
        part=(2, 2),
    )
    assert feeds(factory, steel) == (Feed.RECIPE,)
    assert known(figure(factory, steel).amount) == pytest.approx((20 + 5 + 10 * 0.3) / 10)


def test_parts_that_name_different_bases_are_set_aside(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    acme.footprint(steel, "9")
    acme.recipe(steel, site, basis=("10", "KGM"), emissions=co2("20"), part=(1, 2))
    acme.recipe(steel, site, basis=("1", "TNE"), emissions=co2("5"), part=(2, 2))
    assert known(figure(factory, steel).amount) == pytest.approx(9)
    assert "recipe-bases-differ" in rules(factory)


def test_parts_of_an_inventory_and_of_production_are_added(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    acme.recipe(steel, site, emissions=co2("2"))
    acme.production(steel, site, "30", part=(1, 2))
    acme.inventory(site, co2("70"), part=(1, 2))
    assert firm(factory, acme.id).scope1.value is None
    acme.production(steel, site, "20", part=(2, 2))
    acme.inventory(site, co2("50"), part=(2, 2))
    assert known(firm(factory, acme.id).scope1) == pytest.approx(70 + 50)
    assert network(factory).output[0] == pytest.approx(30 + 20)


# --- Quarters ------------------------------------------------------------------------------


def test_quarters_of_a_recipe_are_weighted_by_the_production_of_the_same_quarters(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """4, 3, 2, 1 kg per kg with 10, 20, 30, 40 kg made: (40 + 60 + 60 + 40) / 100 = 2."""
    for quarter, emitted, made in zip(QUARTERS, "4321", ("10", "20", "30", "40"), strict=True):
        acme.recipe(steel, site, emissions=co2(emitted), period=quarter)
        acme.production(steel, site, made, period=quarter)
    assert known(figure(factory, steel).amount) == pytest.approx(2)
    assert known(firm(factory, acme.id).scope1) == pytest.approx(200)
    assert rules(factory) == set()


def test_production_told_in_other_units_and_shorter_periods_weighs_the_same(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """First half: 10 kg in each quarter. Second half: 0.06 t. (3 · 20 + 1 · 60) / 80 = 1.5."""
    for half, emitted in zip(HALVES, "31", strict=True):
        acme.recipe(steel, site, emissions=co2(emitted), period=half)
    for quarter in QUARTERS[:2]:
        acme.production(steel, site, "10", period=quarter)
    acme.production(steel, site, "0.06", "TNE", period=HALVES[1])
    assert known(figure(factory, steel).amount) == pytest.approx(1.5)
    assert rules(factory) == set()


def test_a_quarter_in_which_nothing_was_made_weighs_nothing(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    for half, emitted, made in zip(HALVES, "31", ("0", "5"), strict=True):
        acme.recipe(steel, site, emissions=co2(emitted), period=half)
        acme.production(steel, site, made, period=half)
    assert known(figure(factory, steel).amount) == pytest.approx(1)
    assert rules(factory) == set()


def test_without_production_recipes_are_weighted_by_their_bases_and_it_is_noticed(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """6 kg for 2 kg made and 1000 kg for 1 t made: (6 + 1000) / (2 + 1000)."""
    acme.recipe(steel, site, basis=("2", "KGM"), emissions=co2("6"), period=HALVES[0])
    acme.recipe(steel, site, basis=("1", "TNE"), emissions=co2("1000"), period=HALVES[1])
    assert known(figure(factory, steel).amount) == pytest.approx(1006 / 1002)
    assert rules(factory) == {"recipe-weights", "output-unknown"}
    # Production of the whole year does not say how much fell into each half.
    acme.production(steel, site, "5")
    assert known(figure(factory, steel).amount) == pytest.approx(1006 / 1002)
    assert rules(factory) == {"recipe-weights"}


# --- Places --------------------------------------------------------------------------------


def test_a_year_is_cut_where_memberships_begin_and_end(
    factory: Factory, acme: Actor, site: str
) -> None:
    manager = factory.enterprise("Manager")
    parks = [manager.park("One"), manager.park("Two")]
    manager.membership(parks[0], site, start="2024-03-01", end="2025-04-01")
    manager.membership(parks[1], site, start="2025-07-01")
    days = [dt.date(2025, 1, 1), dt.date(2025, 4, 1), dt.date(2025, 7, 1), dt.date(2026, 1, 1)]
    cut = places_at(factory.standing(), site, 2025)
    assert cut == tuple(Place(site, *each) for each in itertools.pairwise(days))
    assert [place.days for place in cut] == [90, 91, 184]
    assert len(places_at(factory.standing(), site, 2026)) == 1


def test_a_withdrawn_site_takes_its_own_figures_and_nobody_elses(
    factory: Factory, acme: Actor, steel: str
) -> None:
    """Whatever still speaks of the site: its membership, books, recipe and footprint."""
    manager = factory.enterprise("Manager")
    body = Site(
        id=factory.uuid(),
        name="Gone",
        latitude=Decimal("31.5"),
        longitude=Decimal("120.5"),
        time_zone="Asia/Shanghai",
    )
    said = acme.say(body)
    manager.membership(manager.park(), body.id, start="2025-07-01")
    acme.inventory(body.id, co2("70"))
    acme.purchases(body.id, [(steel, "1", "KGM")])
    made_there, somewhere = acme.product("Made there"), acme.product("Somewhere")
    acme.recipe(made_there, body.id, emissions=co2("2"))
    acme.footprint(made_there, "3", site=body.id)
    acme.recipe(somewhere, body.id, emissions=co2("2"))
    acme.footprint(somewhere, "4")
    acme.footprint(steel, "9")
    acme.withdraw(said)
    assert known(figure(factory, steel).amount) == pytest.approx(9)
    assert known(figure(factory, somewhere).amount) == pytest.approx(4)
    assert network(factory).books == {}
    assert made_there not in network(factory).nodes_of


def test_the_second_half_of_a_cut_year_uses_the_recipe_of_the_first_if_it_has_none(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    manager = factory.enterprise("Manager")
    manager.membership(manager.park(), site, start="2025-07-01")
    acme.recipe(steel, site, emissions=co2("2"), period=QUARTERS[0])
    acme.production(steel, site, "365")
    feeds_of_places = [node.feed for node in network(factory).nodes]
    assert feeds_of_places == [Feed.RECIPE, Feed.RECIPE]
    assert known(figure(factory, steel).amount) == pytest.approx(2)


def test_a_cut_site_that_states_no_output_still_has_a_figure(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """One site, two places: weighted by days. 181 at 3 kg and 184 at 1 kg."""
    manager = factory.enterprise("Manager")
    manager.membership(manager.park(), site, start="2025-07-01")
    for half, emitted in zip(HALVES, "31", strict=True):
        acme.recipe(steel, site, emissions=co2(emitted), period=half)
    assert known(figure(factory, steel).amount) == pytest.approx((181 * 3 + 184 * 1) / 365)


# --- Which feed ----------------------------------------------------------------------------


def test_the_feed_of_a_product_is_the_best_of_what_is_said(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """Each statement is better than the one before it: the figure follows."""
    acme.footprint(steel, "5", year=2020)
    assert (feeds(factory, steel), known(figure(factory, steel).amount)) == ((Feed.EXPIRED,), 5)
    acme.recipe(steel, site, emissions=co2("4"), year=2023)
    assert (feeds(factory, steel), known(figure(factory, steel).amount)) == ((Feed.OTHER_YEAR,), 4)
    acme.footprint(steel, "3", year=2024)
    assert (feeds(factory, steel), known(figure(factory, steel).amount)) == ((Feed.FOOTPRINT,), 3)
    acme.recipe(steel, site, emissions=co2("2"), year=2025)
    assert (feeds(factory, steel), known(figure(factory, steel).amount)) == ((Feed.RECIPE,), 2)


def test_the_nearest_other_year_stands_in_and_of_two_the_earlier(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    acme.recipe(steel, site, emissions=co2("2"), year=2021)
    acme.recipe(steel, site, emissions=co2("3"), year=2024)
    acme.recipe(steel, site, emissions=co2("4"), year=2026)
    assert known(figure(factory, steel).amount) == pytest.approx(3)
    assert known(figure(factory, steel, year=2022).amount) == pytest.approx(2)
    assert known(figure(factory, steel, year=2029).amount) == pytest.approx(4)


def test_a_recipe_of_another_year_never_gives_scope_1(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    acme.recipe(steel, site, emissions=co2("4"), year=2024)
    acme.production(steel, site, "10")
    books = firm(factory, acme.id)
    assert (books.scope1.value, books.scope1.at_least) == (None, 0)
    assert {missing.what for missing in books.missing} == {"inventory", "purchases"}
    acme.inventory(site, co2("50"))
    assert known(firm(factory, acme.id).scope1) == pytest.approx(50)


def test_a_recipe_of_another_year_that_no_longer_fits_the_unit_breaks_nothing(
    factory: Factory, acme: Actor, site: str
) -> None:
    beam = Product(id=factory.uuid(), name="Beam", unit="KGM")
    said = acme.say(beam)
    acme.recipe(beam.id, site, emissions=co2("4"), year=2024)
    acme.correct(said, unit="H87")
    assert "recipe-unit" in rules(factory)
    acme.footprint(beam.id, "30", unit="H87", year=2020)
    assert (feeds(factory, beam.id), known(figure(factory, beam.id).amount)) == (
        (Feed.EXPIRED,),
        30,
    )


def test_of_footprints_in_force_the_one_measured_inside_the_year_counts_then_the_latest(
    factory: Factory, acme: Actor, steel: str
) -> None:
    def measured(start: str, end: str, total: str) -> None:
        period = {"referencePeriodStart": start, "referencePeriodEnd": end}
        acme.footprint(steel, total, pcf=period)

    measured("2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z", "1")
    measured("2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z", "2")
    assert known(figure(factory, steel).amount) == pytest.approx(2)
    measured("2025-01-01T00:00:00Z", "2025-04-01T00:00:00Z", "3")
    assert known(figure(factory, steel).amount) == pytest.approx(3)
    measured("2025-06-01T00:00:00Z", "2026-06-01T00:00:00Z", "4")
    assert known(figure(factory, steel).amount) == pytest.approx(3)


def test_of_footprints_with_the_same_period_the_last_said_counts(
    factory: Factory, acme: Actor, steel: str
) -> None:
    acme.footprint(steel, "1", geography="DE")
    first = acme.footprint(steel, "2", geography="CN")
    assert known(figure(factory, steel).amount) == pytest.approx(2)
    acme.withdraw(first)
    assert known(figure(factory, steel).amount) == pytest.approx(1)


def test_a_footprint_for_the_site_comes_before_one_for_no_site_in_particular(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    acme.footprint(steel, "1")
    acme.footprint(steel, "2", site=site, year=2024)
    assert known(figure(factory, steel).amount) == pytest.approx(2)


@pytest.mark.parametrize(
    ("zone", "until", "feed"),
    [
        ("Asia/Shanghai", "2023-12-31T16:00:00Z", Feed.EXPIRED),
        ("Asia/Shanghai", "2023-12-31T16:00:01Z", Feed.FOOTPRINT),
        ("UTC", "2023-12-31T16:00:01Z", Feed.EXPIRED),
        ("America/New_York", "2024-01-01T05:00:00Z", Feed.EXPIRED),
        ("America/New_York", "2024-01-01T05:00:01Z", Feed.FOOTPRINT),
    ],
)
def test_validity_is_judged_by_the_calendar_of_the_site(
    factory: Factory, acme: Actor, steel: str, zone: str, until: str, feed: Feed
) -> None:
    """2024 begins in Shanghai at 16:00Z of the day before, in New York at 05:00Z."""
    there = acme.site("There", time_zone=zone)
    pcf = {
        "referencePeriodStart": "2020-02-01T00:00:00Z",
        "referencePeriodEnd": "2021-02-01T00:00:00Z",
    }
    acme.footprint(steel, "2", site=there, pcf=pcf, validityPeriodEnd=until)
    assert feeds(factory, steel, year=2024) == (feed,)


def test_validity_without_dates_runs_three_years_from_the_end_of_the_reference_period(
    factory: Factory, acme: Actor, steel: str
) -> None:
    acme.footprint(steel, "2", year=2021)
    in_force = {year: feeds(factory, steel, year=year)[0] for year in range(2019, 2027)}
    assert [year for year, feed in in_force.items() if feed is Feed.FOOTPRINT] == [
        2021,
        2022,
        2023,
        2024,
    ]


def test_a_footprint_its_owner_calls_deprecated_is_the_last_resort(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    acme.footprint(steel, "9", status="Deprecated")
    assert feeds(factory, steel) == (Feed.EXPIRED,)
    acme.recipe(steel, site, emissions=co2("4"), year=2023)
    assert feeds(factory, steel) == (Feed.OTHER_YEAR,)


# --- Several sites -------------------------------------------------------------------------


def test_a_second_site_known_by_its_footprint_of_the_year_is_a_place_of_its_own(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """Steel is made at Works by a recipe (2) and at Mill, measured at 5. Only the line knows."""
    mill = acme.site("Mill")
    acme.recipe(steel, site, emissions=co2("2"))
    acme.production(steel, site, "10")
    acme.footprint(steel, "5", site=mill)
    beam = acme.product("Beam")
    acme.recipe(beam, site, inputs=[line((steel, "3", "KGM"), site=mill)])
    assert known(figure(factory, beam).amount) == pytest.approx(3 * 5)
    nail = acme.product("Nail")
    other = acme.site("Other")
    acme.recipe(nail, other, inputs=[line((steel, "3", "KGM"))])
    assert reasons(figure(factory, nail).gaps) == ["site-unknown"]


def test_a_footprint_of_last_year_at_another_site_does_not_blur_where_it_is_made_now(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    mill = acme.site("Mill")
    acme.footprint(steel, "5", site=mill, year=2024)
    assert known(figure(factory, steel).amount) == pytest.approx(5)
    acme.recipe(steel, site, emissions=co2("2"))
    assert known(figure(factory, steel).amount) == pytest.approx(2)


def test_production_that_leaves_out_days_is_not_taken_for_the_year(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """2 kg per kg, 10 kg made in the first half: at least 20 kg, not 20 kg."""
    acme.recipe(steel, site, emissions=co2("2"))
    acme.production(steel, site, "10", period=HALVES[0])
    books = firm(factory, acme.id)
    assert (books.scope1.value, books.scope1.at_least) == (None, pytest.approx(20))
    (told,) = sentences(factory, "production-incomplete")
    assert told.startswith("The production of Steel at Works leaves out days of the year")
    acme.production(steel, site, "0", period=HALVES[1])
    assert known(firm(factory, acme.id).scope1) == pytest.approx(20)


def test_a_log_in_which_nothing_was_said_gives_an_empty_year(factory: Factory) -> None:
    assert solved(factory).network.nodes == ()
