"""What changed from one prefix to another, and which entries changed it, one after another."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest

from graph.differences.changes import Difference, difference, wave
from graph.differences.whatif import Number
from graph.engine import Engine, Question
from graph.errors import LogPositionUnknown, NoDataForYear, PrefixesReversed
from ledger.errors import CatchmentError
from tests.factory import Actor, Factory, line
from tests.graph.ask import YEAR, co2
from tests.graph.world import World

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

ASKED = Question(year=YEAR)


def main(number: Number) -> tuple[float | None, float | None]:
    return (
        number.before and number.before.at_least,
        number.after and number.after.at_least,
    )


def of_product(f: Factory, product: str, start: int, stop: int | None = None) -> Difference:
    return difference(Engine(f.log), "product", product, ASKED, start, stop or f.log.size())


def test_a_supplier_that_corrects_its_footprint_is_the_cause_and_the_path_leads_to_it(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """1.6 kg of ore at 0.3, then at 0.5 kg CO2e/kg: steel moves by 1.6 × 0.2 = 0.32."""
    mine = factory.enterprise("Mine")
    ore = mine.product("Ore")
    stated = mine.footprint(ore, "0.3")
    acme.recipe(steel, site, emissions=co2("2"), inputs=[(ore, "1.6", "KGM")])
    start = factory.log.size()
    acme.disclose("footprint", steel)
    corrected = mine.correct(stated, pact=mine.pact_body("0.5"))
    acme.product("Something else")
    found = of_product(factory, steel, start)
    (cause,) = found.causes
    assert (cause.index, cause.type) == (corrected.index, "footprint")
    assert [node.name for node in cause.nodes] == ["Steel", "Ore"]
    before, after = main(found.whole.main)
    assert before == pytest.approx(2.48)
    assert after == pytest.approx(2.80)
    assert main(cause.moved.main) == (before, after)


def test_of_two_that_multiply_each_has_its_share_in_the_order_of_the_log(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    """2 units at 1 → 3 units at 1 (+1) → 3 units at 2 (+3): 2 becomes 6."""
    ore = acme.product("Ore")
    stated = acme.footprint(ore, "1")
    recipe = acme.recipe(steel, site, inputs=[(ore, "2", "KGM")])
    start = factory.log.size()
    acme.correct(recipe, inputs=(line((ore, "3", "KGM")),))
    acme.correct(stated, pact=acme.pact_body("2"))
    found = of_product(factory, steel, start)
    assert [main(cause.moved.main) for cause in found.causes] == [
        (pytest.approx(2), pytest.approx(3)),
        (pytest.approx(3), pytest.approx(6)),
    ]


def test_a_park_moves_when_a_member_joins(factory: Factory, acme: Actor, site: str) -> None:
    host = factory.enterprise("Host")
    park = host.park()
    other = host.site("Boiler house")
    host.inventory(other, co2("10"))
    host.membership(park, other)
    acme.inventory(site, co2("100"))
    start = factory.log.size()
    joined = host.membership(park, site)
    found = difference(Engine(factory.log), "park", park, ASKED, start, factory.log.size())
    (cause,) = found.causes
    assert cause.index == joined.index
    scope1 = next(number for number in found.whole.numbers if number.name == "scope1")
    assert main(scope1) == (pytest.approx(10), pytest.approx(110))


def test_a_figure_that_was_not_there_appears(factory: Factory, acme: Actor, steel: str) -> None:
    start = factory.log.size()
    stated = acme.footprint(steel, "2")
    found = of_product(factory, steel, start)
    assert main(found.whole.main) == (None, 2)
    assert [cause.index for cause in found.causes] == [stated.index]


def test_a_difference_goes_forward_and_ends_at_a_figure(
    factory: Factory, acme: Actor, steel: str
) -> None:
    size = factory.log.size()
    with pytest.raises(NoDataForYear):
        of_product(factory, steel, 1)
    acme.footprint(steel, "2")
    with pytest.raises(PrefixesReversed):
        of_product(factory, steel, size, size)
    with pytest.raises(LogPositionUnknown):
        of_product(factory, steel, size, size + 5)


@pytest.mark.parametrize("seed", [8, 11])
def test_what_the_entries_moved_adds_up_to_the_difference(
    new_factory: Callable[..., Factory], seed: int
) -> None:
    """Every cause goes on where the one before it ended; revocations and withdrawals included."""
    f = new_factory(seed=seed)
    world, start = World(f, random.Random(seed)), f.log.size()
    for _ in range(40):
        world.step()
    f.clock.advance(days=1)
    f.operator.revoke(world.firms[0], since=f.clock.now_ms - 3_600_000)
    engine, found = Engine(f.log), 0
    for kind, entity in [("park", world.park), *(("product", p) for p in world.products)]:
        try:
            told = difference(engine, kind, entity, ASKED, start, f.log.size())
        except CatchmentError:
            continue
        found += len(told.causes)
        ends = [main(cause.moved.main) for cause in told.causes]
        assert all(one[1] == next_[0] for one, next_ in itertools.pairwise(ends))
        if ends:
            assert (ends[0][0], ends[-1][1]) == main(told.whole.main)
    assert found > 5


# --- Waves -----------------------------------------------------------------------------------


def test_a_wave_names_everything_downstream_with_its_path(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    ore, beam = acme.product("Ore"), acme.product("Beam")
    acme.footprint(acme.product("Water"), "0.1")
    stated = acme.footprint(ore, "0.3")
    acme.recipe(steel, site, inputs=[(ore, "2", "KGM")])
    acme.recipe(beam, site, inputs=[(steel, "3", "KGM")])
    corrected = acme.correct(stated, pact=acme.pact_body("0.4"))
    rippled = wave(Engine(factory.log), corrected.index, ASKED)
    products = {
        each.name: ([node.name for node in path], each.main.difference)
        for each, path in rippled.moved
        if each.kind == "product"
    }
    assert products == {
        "Ore": (["Ore"], pytest.approx(0.1)),
        "Steel": (["Steel", "Ore"], pytest.approx(0.2)),
        "Beam": (["Beam", "Steel", "Ore"], pytest.approx(0.6)),
    }


def test_an_entry_that_moves_nothing_has_an_empty_wave(factory: Factory, acme: Actor) -> None:
    said = acme.product("Ore")
    assert said
    assert wave(Engine(factory.log), factory.log.size() - 1, ASKED).moved == ()
