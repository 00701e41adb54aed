"""How soon a server answers about a year: read anew, and from its snapshot; and its first waves.

Statements are not signed one by one: a few that were are filled with other ids and put under the
same signatures, as in `bench_replay`. A year of a million products is not read from them, which
takes a quarter of an hour and more memory than most machines have: its arrays are made directly. At
the smaller size they are checked against the year that was read.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.testing import assert_array_equal

from graph.begun import BegunYear, written
from graph.current import CurrentYear
from graph.engine import Engine, Question
from graph.network import Column, Edges, Feed, Network
from graph.roster import NodeTable, Roster
from graph.running import Running
from graph.solved import Solved
from graph.texts import Texts
from graph.year_snapshots import YearSnapshots
from ledger import strict_base64, tables
from ledger.leaf import Leaf
from ledger.snapshot import Snapshots
from ledger.standing import Standing
from tests.bench.bench_replay import (
    LARGE,
    _apart,
    _Filled,
    _head,
    _id,
    _memory,
    _row,
    _Taken,
    _Template,
    _template,
    _timed,
)
from tests.bench.row import Row
from tests.factory import Actor, Factory

READ = 50_000
"""Products of the year that is read from statements."""
MADE = 1_000_000
INPUTS = 4
AMOUNT = 0.2
CO2 = 12.5
AT_A_SITE = 20
TIER = 8
"""Of so many products one is drawn on by others."""
YEAR = 2025
ASKED = Question(year=YEAR)
WAVES = 30
_AT_ONCE = 10_000
_SITES = 1 << 40
"""Where the numbers of sites begin."""


def run() -> list[Row]:
    """The year of some thousand products read and taken on; a larger one made and taken on."""
    rows = _rows(READ, is_read=True)
    return rows + (_rows(MADE, is_read=False) if os.environ.get(LARGE) else [])


def _rows(products: int, *, is_read: bool) -> list[Row]:
    of = f"{products:,} products".replace(",", " ")
    with tempfile.TemporaryDirectory() as folder:
        town = Town(Factory(Path(folder)), products)
        path = Path(folder) / "standing"
        anew = _apart(lambda: _prepare(town, path, is_read=is_read))
        taken = _apart(lambda: _start(town, path))
        town.factory.close()
    whole = f"a year of {of}, {'read anew' if is_read else 'made and solved as arrays'}"
    seconds = dict(zip(STEPS, taken.measured, strict=True))
    file = Path(f"{path}.of-{YEAR}")
    return [
        Row(whole, anew.seconds, "s", 1.0, whole),
        Row("its snapshot written", anew.measured, "s", anew.measured / anew.seconds, whole),
        *(Row(f"{step}, {of}", each, "s", each / anew.seconds, whole) for step, each in seconds.items()),
        Row(f"memory after that, {of}", taken.memory, "MB", taken.memory / anew.memory, whole),
    ]


STEPS = (
    "snapshots opened",
    "first answer about a product after that",
    "first answer about a park after that",
    "first wave after that",
    "every further wave, median",
)


class Town:
    """A log of products spread over sites, one enterprise's all, most of them drawn on by nobody."""

    def __init__(self, factory: Factory, products: int) -> None:
        self.factory, self.products = factory, products
        acme, manager = factory.enterprise("Acme"), factory.enterprise("Manager")
        self.acme, self.home, self.park = acme.id, acme.site(), manager.park("Park")
        manager.membership(self.park, self.home, consent_by=acme)
        self.things = [acme.product("Product") for _ in range(INPUTS + 1)]
        self._templates = self._signed(acme)
        self.first = factory.log.size()
        self._fill()
        self.log = _Filled(factory, products)

    def _signed(self, acme: Actor) -> dict[str, tuple[_Template, list[str]]]:
        lines = [(each, str(AMOUNT), "KGM") for each in self.things[1:]]
        emissions = [("CO2", "fossil", str(CO2))]
        recipe = acme.recipe(self.things[0], self.home, emissions=emissions, inputs=lines)
        entries = list(self.factory.log.entries())
        found = {kind: [e for e in entries if e.leaf.type == kind] for kind in ("site", "product")}
        self.registered = [entry.index for entry in found["product"]]
        self.cut = next(e.index for e in entries if e.leaf.type == "membership")
        self.told = recipe.index
        return {
            "site": (_template(found["site"][0], ()), [self.home]),
            "product": (_template(found["product"][0], ()), [self.things[0]]),
            "recipe": (_template(entries[recipe.index], ()), [*self.things, self.home]),
        }

    # -- what is said ------------------------------------------------------------------------

    def site(self, number: int) -> str:
        at = number // AT_A_SITE
        return _id(_SITES + at) if at else self.home

    def suppliers(self, number: int) -> list[int]:
        """Numbers of products; negative: of those that were registered first."""
        drawn_on = number // TIER
        if not drawn_on:
            return [-place for place in range(1, INPUTS + 1)]
        return [number * place * 7919 % drawn_on for place in range(1, INPUTS + 1)]

    def product(self, number: int) -> str:
        return self.things[-number] if number < 0 else _id(number)

    def index(self, number: int) -> int:
        """The entry that registers a product; a site comes before the first at it, its recipe
        behind."""
        return self.first + 2 * number + number // AT_A_SITE + (1 if number >= 0 else 0)

    def envelope(self, kind: str, ids: Iterable[str], *, co2: float = CO2) -> bytes:
        template, old = self._templates[kind]
        payload = template.payload.replace(f'"{CO2}"', f'"{co2}"')
        for before, after in zip(old, ids, strict=True):
            payload = payload.replace(before, after)
        encoded = strict_base64.to_url(payload.encode())
        return f"{template.header}.{encoded}.{template.signature}".encode()

    def recipe(self, number: int, *, co2: float = CO2) -> bytes:
        drawn = map(self.product, self.suppliers(number))
        return self.envelope("recipe", (_id(number), *drawn, self.site(number)), co2=co2)

    def _said(self) -> Iterator[tuple[str, bytes]]:
        for number in range(self.products):
            if number % AT_A_SITE == 0:
                site = _id(_SITES + number // AT_A_SITE)
                yield "site", self.envelope("site", [site])
            yield "product", self.envelope("product", [_id(number)])
            yield "recipe", self.recipe(number)

    def _fill(self) -> None:
        rows = (
            _row(self.first + at, self._templates[kind][0], envelope)
            for at, (kind, envelope) in enumerate(self._said())
        )
        while batch := list(islice(rows, _AT_ONCE)):
            with self.factory.engine.begin() as connection:
                connection.execute(tables.entry.insert(), batch)
                connection.execute(tables.head.insert(), list(map(_head, batch)))

    def correct(self, number: int, co2: float) -> None:
        """One more entry: a recipe with other emissions."""
        template = self._templates["recipe"][0]
        index = self.log.size()
        opened = _row(0, template, self.recipe(number))["chain"]
        row = _row(index, template, self.recipe(number, co2=co2))
        named = {name: row[name] for name in ("signed", "type", "kid", "time")}
        envelope = hashlib.sha256(row["envelope"]).hexdigest()
        leaf = Leaf(envelope=envelope, chain=opened, **named)
        row |= {"chain": opened, "leaf": leaf.encode()}
        with self.factory.engine.begin() as connection:
            connection.execute(tables.entry.insert(), [row])
        self.log._size = index + 1


# --- Preparing and starting --------------------------------------------------------------------


def _prepare(town: Town, path: Path, *, is_read: bool) -> _Taken:
    """Write both snapshots; what is measured is the second."""
    before = _memory()
    standing = Standing.after(town.log, town.log.size())
    if is_read:
        seconds, running = _timed(lambda: _solved(Running(CurrentYear(standing, YEAR))))
        check_alike(BegunYear(*written(running.current, running.solved())), arrays_of(town))
    else:
        seconds, begin = _timed(lambda: arrays_of(town))
        running = Running(CurrentYear(standing, YEAR, begin=begin), solved=begin.solved)
    memory = _memory() - before
    Snapshots(path).dump(standing, town.log)
    writing, _ = _timed(lambda: YearSnapshots(path).dump([running], town.log))
    return _Taken(seconds, memory, writing)


def _solved(running: Running) -> Running:
    running.solved()
    return running


def _start(town: Town, path: Path) -> Any:
    before = _memory()
    opening, engine = _timed(lambda: _opened(town, path))
    last = town.products - 1
    about, _ = _timed(lambda: engine.footprint(_id(last), ASKED))
    park, _ = _timed(lambda: engine.park(town.park, ASKED))
    waves = [_wave(engine, town, town.products - 7 * k - 1, 20.5 + k) for k in range(WAVES)]
    steps = (opening, about, park, waves[0], float(np.median(waves[1:])))
    return _Taken(opening, _memory() - before, steps)


def _opened(town: Town, path: Path) -> Engine:
    standing = Snapshots(path).load(town.log)
    assert standing is not None
    return Engine(town.log, standing, list(YearSnapshots(path).load(town.log, standing)))


def _wave(engine: Engine, town: Town, number: int, co2: float) -> float:
    """Seconds from a corrected recipe to the figure it moved."""
    town.correct(number, co2)
    seconds, (answered, _) = _timed(lambda: engine.footprint(_id(number), ASKED))
    assert answered.at == town.log.size()
    return seconds


# --- The arrays of the year, without reading it ------------------------------------------------


def arrays_of(town: Town) -> BegunYear:
    """What `graph.begun.written` makes of the year of ``town``."""
    ids = [*town.things, *map(_id, range(town.products))]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    number = np.array(order) - len(town.things)
    texts = Texts()
    names = texts.codes(ids[at] for at in order)
    sites = [town.home, *(_id(_SITES + at) for at in range(-(-town.products // AT_A_SITE)))]
    return _begun(town, texts, names, number, texts.codes(sites))


def _begun(town: Town, texts: Texts, names: Any, number: Any, sites: Any) -> BegunYear:
    raise NotImplementedError
