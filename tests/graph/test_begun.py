"""A year that goes on from arrays is the year read from nothing, at every later prefix."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from graph.keeping import filed
from graph.keeping.begun import BegunYear, written
from graph.keeping.history import History
from graph.keeping.running import Running
from graph.reading.current import CurrentYear
from graph.solving.solved import Solved
from ledger.errors import SnapshotRefused
from ledger.standing import Standing
from ledger.statements import Basis, Emission, Enterprise, InputLine, Recipe, Reference
from tests.factory import Actor, Factory
from tests.graph.ask import YEAR, co2
from tests.graph.test_current import AUTUMN, around, by_node
from tests.graph.world import GTINS, World, period

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

SOLVED = ("footprints", "estimated", "spread", "incomplete", "open_ended", "as_of")


def begun(running: Running, path: Path) -> BegunYear:
    """What comes back from a file that a year was put into."""
    filed.write(path, *written(running.current, running.solved()))
    return BegunYear(*filed.read(path))


def going_on(standing: Standing, begin: BegunYear, day: dt.date | None = None) -> Running:
    return Running(CurrentYear(standing, YEAR, day, begin), live_from=1, solved=begin.solved)


def follow(running: Running, history: History, size: int) -> None:
    standing = history.at(size)
    spoken = history.spoken(running.standing, standing)
    assert spoken is not None
    running.follow(standing, spoken)


def after_one_more(factory: Factory, say: Callable[[], object], path: Path) -> Running:
    """A year that goes on from a file, and then with what is said next."""
    history = History(factory.log)
    read = Running(CurrentYear(history.live(), YEAR))
    running = going_on(history.live(), begun(read, path))
    say()
    follow(running, history, factory.log.size())
    return running


def check_is_the_year_read_anew(running: Running) -> None:
    current = running.current
    anew = CurrentYear(current.standing, YEAR, current.year.valid_on)
    assert by_node(current.network()) == by_node(anew.network())
    assert around(current.network()) == around(anew.network())
    check_finds_its_nodes(current)
    live, whole = running.solved(), Solved.of(current.network())
    for name in SOLVED:
        assert_allclose(getattr(live, name), getattr(whole, name), rtol=1e-9, atol=1e-12)


def check_finds_its_nodes(current: CurrentYear) -> None:
    """Columns answer what going through the nodes would."""
    network = current.network()
    nodes = list(network.nodes)
    assert [network.nodes[i] for i in range(len(nodes))] == nodes
    assert [network.owners[code] for code in network.owner_codes] == [n.owner for n in nodes]
    for i, node in enumerate(nodes):
        assert current.number((node.product, node.place)) == i
        assert i in network.nodes_at[node.place]
        assert node.product is None or i in network.nodes_of[node.product]
    listed = [i for made in network.nodes_of.values() for i in made]
    assert sorted(listed) == [i for i, node in enumerate(nodes) if node.product is not None]
    assert sorted(i for here in network.nodes_at.values() for i in here) == list(range(len(nodes)))


@pytest.mark.parametrize(
    ("seed", "first", "stride", "day"),
    [(12, 20, 1, None), (14, 30, 3, AUTUMN)],
)
def test_a_random_life_goes_on_from_any_of_its_moments(
    new_factory: Callable[..., Factory],
    tmp_path: Path,
    seed: int,
    first: int,
    stride: int,
    day: dt.date | None,
) -> None:
    f = new_factory(seed=seed)
    world, start = World(f, random.Random(seed)), f.log.size()
    for _ in range(first + 40):
        world.step()
    history = History(f.log)
    then = history.at(start + first)
    read = Running(CurrentYear(then, YEAR, day))
    running = going_on(then, begun(read, tmp_path / "year"), day)
    check_is_the_year_read_anew(running)
    for size in range(start + first + stride, f.log.size() + 1, stride):
        follow(running, history, size)
        check_is_the_year_read_anew(running)


@pytest.mark.parametrize("seed", [21])
def test_what_goes_on_can_be_put_into_arrays_again_and_again(
    new_factory: Callable[..., Factory], tmp_path: Path, seed: int
) -> None:
    f = new_factory(seed=seed)
    world = World(f, random.Random(seed))
    for _ in range(15):
        world.step()
    history = History(f.log)
    running = Running(CurrentYear(history.live(), YEAR))
    for round_ in range(12):
        running = going_on(running.standing, begun(running, tmp_path / f"{round_}"))
        check_is_the_year_read_anew(running)
        for _ in range(4):
            world.step()
            follow(running, history, f.log.size())
            check_is_the_year_read_anew(running)


def test_what_comes_back_is_what_was_written(
    new_factory: Callable[..., Factory], tmp_path: Path
) -> None:
    f = new_factory(seed=31)
    world = World(f, random.Random(31))
    for _ in range(60):
        world.step()
    read = Running(CurrentYear(f.standing(), YEAR))
    begin = begun(read, tmp_path / "year")
    before, after = read.current.network(), begin.network
    assert tuple(after.nodes) == before.nodes
    assert after.gaps == before.gaps
    assert after.findings == before.findings
    assert after.stand_ins == before.stand_ins
    for whose, findings in read.current.noticed.known.items():
        assert begin.noticed_of(whose) == findings
    for name in SOLVED:
        assert_array_equal(getattr(begin.solved, name), getattr(read.solved(), name))


def test_a_fork_of_what_goes_on_goes_its_own_way(
    factory: Factory, acme: Actor, site: str, steel: str, tmp_path: Path
) -> None:
    acme.recipe(steel, site, emissions=co2("2"))
    history = History(factory.log)
    read = Running(CurrentYear(history.live(), YEAR))
    one = going_on(history.live(), begun(read, tmp_path / "year"))
    before = by_node(one.current.network())
    other = one.fork()
    acme.production(steel, site, "10")
    acme.footprint(acme.product("Ore"), "0.3")
    follow(other, history, factory.log.size())
    assert by_node(one.current.network()) == before
    check_is_the_year_read_anew(other)
    check_is_the_year_read_anew(one)


def test_what_was_revised_before_still_has_a_say(
    factory: Factory, acme: Actor, site: str, steel: str, tmp_path: Path
) -> None:
    """A registration that was corrected may have decided what any line of its owner means."""
    ore, slag, mine = acme.product("Ore"), acme.product("Slag"), acme.site()
    for place in (site, mine):
        acme.recipe(ore, place, emissions=co2("1"))
    acme.recipe(steel, site, inputs=[(ore, "1.6", "KGM")])
    stated = factory.standing().products[slag]
    revised = acme.say(replace(stated.statement.body, name="Dross"), prev=stated.digest)
    running = after_one_more(factory, lambda: acme.production(ore, site, "3"), tmp_path / "year")
    network = running.current.network()
    assert network.as_of[network.nodes_of[steel][0]] == revised.index
    check_is_the_year_read_anew(running)


def test_who_was_renamed_before_still_has_a_say(
    factory: Factory, acme: Actor, site: str, steel: str, tmp_path: Path
) -> None:
    """What names no supplier may have meant another's product before any enterprise changed."""
    gtin, mine, other = GTINS[0], acme.site(), factory.enterprise("Other")
    ore = acme.product("Ore", identifiers=(gtin,))
    for place in (site, mine):
        acme.recipe(ore, place, emissions=co2("1"))
    line = InputLine(
        ref=Reference(identifiers=(gtin,)), amount=Decimal("1.6"), unit="KGM", category=1
    )
    acme.say(
        Recipe(
            product=steel,
            site=site,
            period=period(("2025-01-01", "2026-01-01")),
            basis=Basis(amount=Decimal(1), unit="KGM"),
            emissions=(),
            inputs=(line,),
        )
    )
    for firm, admitted in ((acme, (gtin,)), (other, ())):
        prev = factory.standing().enterprises[firm.id].digest
        body = Enterprise(id=firm.id, name=firm.name, admitted=admitted, country="CN")
        renamed = factory.operator.say(body, subject=firm.id, prev=prev)
    running = after_one_more(factory, lambda: acme.production(ore, site, "3"), tmp_path / "year")
    network = running.current.network()
    assert network.as_of[network.nodes_of[steel][0]] == renamed.index
    check_is_the_year_read_anew(running)


def test_nothing_is_read_that_nobody_asks_about(
    factory: Factory, acme: Actor, site: str, steel: str, tmp_path: Path
) -> None:
    for number in range(5):
        acme.footprint(acme.product(f"Thing {number}"), "1")
    stated = acme.recipe(steel, site, emissions=co2("2"))
    emissions = (Emission(gas="CO2", amount=Decimal(3)),)
    running = after_one_more(
        factory, lambda: acme.correct(stated, emissions=emissions), tmp_path / "year"
    )
    assert running.current.opened.keys() == {steel}
    assert len(running.current.accounts) == 1


# --- Files -----------------------------------------------------------------------------------


def test_arrays_come_back_from_a_file(tmp_path: Path) -> None:
    arrays = {
        "none": np.zeros((0, 3)),
        "some": np.arange(7, dtype=np.int8),
        "flags": np.ones(3, bool),
    }
    filed.write(tmp_path / "file", {"year": 2025}, arrays)
    header, read = filed.read(tmp_path / "file")
    assert header["year"] == 2025
    for name, array in arrays.items():
        assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


@pytest.mark.parametrize("at", [0, 30, -100, -1])
def test_a_file_that_was_changed_is_refused(tmp_path: Path, at: int) -> None:
    path = tmp_path / "file"
    filed.write(path, {}, {"some": np.arange(100)})
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(SnapshotRefused):
        filed.read(path)


@pytest.mark.parametrize("kept", [0, 10, 40, 500])
def test_a_file_that_was_cut_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "file"
    filed.write(path, {}, {"some": np.arange(100)})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SnapshotRefused):
        filed.read(path)
