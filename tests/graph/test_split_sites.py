"""A site that joins a park within a year is two places; what it makes for itself stays in each."""

from __future__ import annotations

import pytest

from graph.engine import Engine, Question
from graph.figures.boundary import Assessment
from graph.reading.network import Network
from tests.factory import Factory, line

pytestmark = pytest.mark.only_on("sqlite", "it is about what was stated, wherever it is stored")

JULY_TO_DECEMBER = 184
"""Days; the amounts below are chosen as one per day of 2025."""


def network_of(f: Factory) -> Network:
    return Engine(f.log).answer(Question(year=2025)).solved.network


def rules(network: Network) -> set[str]:
    return {each.rule for each in network.findings}


@pytest.fixture
def mill(factory: Factory) -> Factory:
    """A board mill makes cartons of its own board, and joins a park on 1 July.

    Pulp has a footprint of 1 kg CO2e per kg. A kg of board takes 2 kg of pulp (m = 2), a carton
    half a kg of board (m = 1). 365 kg of board and 365 cartons are made in the year.
    """
    f = factory
    forest, board_maker, manager = map(f.enterprise, ("Forest", "Mill", "Manager"))
    pulp = forest.product("Pulp")
    forest.footprint(pulp, "1")
    site = board_maker.site("Board mill")
    park = manager.park("Park", id="6d7a6f5e-0f0a-4f43-9d3e-2f7f3c1f4a11")
    manager.membership(park, site, start="2025-07-01", consent_by=board_maker)
    board = board_maker.product("Board")
    carton = board_maker.product("Carton", unit="H87")
    board_maker.recipe(board, site, inputs=[line((pulp, "2", "KGM"))])
    board_maker.recipe(carton, site, basis=("1", "H87"), inputs=[line((board, "0.5", "KGM"))])
    board_maker.production(board, site, "365")
    board_maker.production(carton, site, "365", "H87")
    board_maker.inventory(site)
    board_maker.purchases(site, [line((pulp, "730", "KGM"))])
    return f


def books_of_the_park(f: Factory) -> Assessment:
    park = "6d7a6f5e-0f0a-4f43-9d3e-2f7f3c1f4a11"
    return Engine(f.log).park(park, Question(year=2025)).assessment


def test_what_a_split_site_makes_for_itself_crosses_no_fence(mill: Factory) -> None:
    books = books_of_the_park(mill)
    assert books.t0 is not None
    assert books.t1 is not None
    assert books.returned is not None
    days = JULY_TO_DECEMBER
    # Inside: board 184 kg of m = 2 and 184 cartons of m = 1; half a kg of board per carton stays.
    assert books.t0.value == pytest.approx(2 * days + 1 * days)
    assert books.t1.value == pytest.approx(2 * (days - days / 2) + 1 * days)
    assert books.t2.value == pytest.approx(2 * days)
    assert books.returned.value == pytest.approx(0, abs=1e-9)


def test_a_split_site_that_bought_what_its_recipes_use_has_no_rest(mill: Factory) -> None:
    assert rules(network_of(mill)) == {"split-by-days"}


def test_an_unknown_output_does_not_hide_that_others_use_too_much(factory: Factory) -> None:
    f = factory
    firm = f.enterprise("Firm")
    site = firm.site("Works")
    steel, known, unknown = (firm.product(name) for name in ("Steel", "Bolts", "Nuts"))
    for made in (known, unknown):
        firm.recipe(made, site, inputs=[line((steel, "1.5", "KGM"))])
    firm.recipe(steel, site, emissions=[("CO2", "fossil", "1")])
    firm.production(steel, site, "100")
    firm.production(known, site, "100")
    assert "deliveries-exceed-output" in rules(network_of(f))
