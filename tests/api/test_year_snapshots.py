"""A server that starts from the snapshot of its years answers as one that reads them anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api import snapshots
from api.keys.keyfile import write_secret
from api.opening import open_services
from api.services import Services
from api.settings import Settings
from graph.engine import Engine, Question
from graph.keeping.year_snapshots import YearSnapshots
from graph.reading.current import CurrentYear
from graph.solving.solved import Solved
from ledger.log import Log
from tests.factory import Actor, Factory
from tests.graph.ask import YEAR, co2
from tests.graph.test_current import around, by_node

pytestmark = pytest.mark.only_on("sqlite", "a snapshot is a file beside any database")

ASKED = Question(year=YEAR)


@pytest.fixture
def settings(factory: Factory, tmp_path: Path) -> Settings:
    made = Settings(data=tmp_path, database_url=factory.url, snapshot_entries=3)
    write_secret(made.signing_key_file, factory.signer.private)
    return made


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


@pytest.fixture
def site(acme: Actor) -> str:
    return acme.site()


@pytest.fixture
def steel(acme: Actor) -> str:
    return acme.product("Steel")


@pytest.fixture
def nothing_read(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The years that were read anew."""
    read: list[Any] = []
    whole = CurrentYear._read_all

    def noticed(self: CurrentYear, standing: Any) -> None:
        read.append(self.year.year)
        whole(self, standing)

    monkeypatch.setattr(CurrentYear, "_read_all", noticed)
    return read


def kept(settings: Settings, product: str, acme: Actor) -> Services:
    """A server that was asked about a year, and wrote it."""
    services, f = open_services(settings), acme.factory
    f.log = Log(f.engine, f.signer, f.clock, snapshots=snapshots.snapshots_of(settings))
    services.engine.footprint(product, ASKED)
    for number in range(4):
        acme.product(f"Thing {number}")
    assert snapshots.keep(services)
    return services


def files(settings: Settings) -> list[str]:
    return sorted(file.name for file in settings.data.glob("standing.snapshot.of-*"))


def check_answers_as_anew(services: Services) -> None:
    here, there = (e.answer(ASKED).solved for e in (services.engine, Engine(services.log)))
    assert by_node(here.network) == by_node(there.network)
    assert around(here.network) == around(there.network)
    assert figures(here) == figures(there)


def figures(solved: Solved) -> dict[Any, Any]:
    nodes = solved.network.nodes
    return {
        (node.product, node.place): (solved.footprints[i].tolist(), int(solved.as_of[i]))
        for i, node in enumerate(nodes)
    }


def test_a_year_is_not_read_anew(
    factory: Factory, acme: Actor, site: str, steel: str, settings: Settings, nothing_read: Any
) -> None:
    acme.recipe(steel, site, emissions=co2("2"))
    kept(settings, steel, acme)
    assert files(settings) == [f"standing.snapshot.of-{YEAR}"]
    nothing_read.clear()
    again = open_services(settings)
    again.engine.footprint(steel, ASKED)
    acme.production(steel, site, "10")
    again.engine.footprint(steel, ASKED)
    assert nothing_read == []
    check_answers_as_anew(again)


@pytest.mark.parametrize("as_of", ["an erasure", "a transfer", "a revocation"])
def test_what_redraws_the_past_is_read_anew(
    factory: Factory, acme: Actor, site: str, steel: str, settings: Settings, as_of: str
) -> None:
    acme.recipe(steel, site, emissions=co2("2"))
    ore = acme.product("Ore")
    stated = acme.footprint(ore, "0.3")
    acme.production(steel, site, "5")
    kept(settings, steel, acme)
    other = factory.enterprise("Other")
    if as_of == "an erasure":
        acme.erase(stated)
        assert files(settings) == []
    elif as_of == "a transfer":
        acme.transfer("site", site, other, start="2025-07-01")
    else:
        factory.operator.revoke(acme, since=factory.clock.now_ms - 3_600_000)
    again = open_services(settings)
    check_answers_as_anew(again)


def test_a_file_of_another_version_is_not_used(
    acme: Actor,
    site: str,
    steel: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    nothing_read: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    acme.recipe(steel, site, emissions=co2("2"))
    kept(settings, steel, acme)
    monkeypatch.setattr("graph.keeping.year_snapshots.VERSION", "0")
    nothing_read.clear()
    again = open_services(settings)
    again.engine.footprint(steel, ASKED)
    assert nothing_read == [YEAR]
    assert "another version" in caplog.text


def test_a_year_of_another_prefix_than_what_stands_is_not_used(
    acme: Actor,
    site: str,
    steel: str,
    settings: Settings,
    nothing_read: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    acme.recipe(steel, site, emissions=co2("2"))
    services = kept(settings, steel, acme)
    acme.production(steel, site, "5")
    snapshots.snapshots_of(settings).dump(services.engine.standing(), services.log)
    nothing_read.clear()
    again = open_services(settings)
    again.engine.footprint(steel, ASKED)
    assert nothing_read == [YEAR]
    assert "another prefix" in caplog.text


def test_a_year_nobody_asks_about_any_more_is_removed(
    acme: Actor, site: str, steel: str, settings: Settings
) -> None:
    acme.recipe(steel, site, emissions=co2("2"))
    kept(settings, steel, acme)
    anew = open_services(replace(settings, snapshot_entries=1))
    anew.engine._years._states.clear()
    acme.product("One more")
    assert snapshots.keep(anew)
    assert files(settings) == []


def test_a_year_written_while_something_of_it_is_erased_is_removed_again(
    acme: Actor, site: str, steel: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme.recipe(steel, site, emissions=co2("2"))
    services = kept(settings, steel, acme)
    standing, years = services.engine.calendar_years()
    assert [each.standing.size for each in years] == [standing.size]
    monkeypatch.setattr(Log, "erased_since", lambda *_: True)
    assert not YearSnapshots(settings.snapshot_file).dump(years, services.log)
    assert files(settings) == []


def test_a_year_of_which_something_was_erased_since_is_not_used(
    acme: Actor,
    site: str,
    steel: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    acme.recipe(steel, site, emissions=co2("2"))
    services = kept(settings, steel, acme)
    standing = services.engine.standing()
    monkeypatch.setattr(Log, "erased_since", lambda *_: True)
    assert snapshots.begin_years(services.log, standing, settings) == []
    assert "erased since" in caplog.text
    assert files(settings) == []


def test_where_nothing_stands_in_a_file_no_year_does(acme: Actor, settings: Settings) -> None:
    services = open_services(replace(settings, snapshot_entries=0))
    none = replace(settings, snapshot_entries=0)
    assert snapshots.begin_years(services.log, None, none) == []
    assert not YearSnapshots(None).dump([], services.log)
    assert list(YearSnapshots(None).load(services.log, services.engine.standing())) == []
