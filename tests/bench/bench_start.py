"""How soon a server answers about a year: read anew, and from its snapshot; and its first waves.

Statements are not signed one by one: a few that were are filled with other ids and put under the
same signatures, as in `bench_replay`. A year of a million products is not read from them, which
takes a quarter of an hour and more memory than most machines have: its arrays are made directly. At
the smaller size they are checked against the year that was read.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.testing import assert_array_equal

from graph.engine import Engine, Question
from graph.keeping.begun import BegunYear, written
from graph.keeping.running import Running
from graph.keeping.year_snapshots import YearSnapshots
from graph.reading.current import CurrentYear
from graph.reading.groups import Groups
from graph.reading.network import FEEDS, Column, Edges, Network
from graph.reading.roster import OF_NODES, OF_PLACES, NodeTable, Roster
from graph.reading.texts import Texts
from graph.solving.solved import Solved
from graph.terms import Feed
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
EDGE: Final = ("supplier", "consumer", "category", "amount", "mixed")
SOLVED: Final = ("footprints", "incomplete", "open_ended", "as_of")
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
    return [
        Row(whole, anew.seconds, "s", 1.0, whole),
        Row("its snapshot written", anew.measured, "s", anew.measured / anew.seconds, whole),
        *(
            Row(f"{step}, {of}", each, "s", each / anew.seconds, whole)
            for step, each in seconds.items()
        ),
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
    """A log of products of one enterprise, spread over sites; most are drawn on by nobody."""

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
        others = [acme.recipe(t, self.home, emissions=emissions) for t in self.things[1:]]
        entries = list(self.factory.log.entries())
        found = {kind: [e for e in entries if e.leaf.type == kind] for kind in ("site", "product")}
        self.registered = [entry.index for entry in found["product"]]
        self.cut = next(e.index for e in entries if e.leaf.type == "membership")
        self.told = [recipe.index, *(each.index for each in others)]
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
        if -INPUTS <= number < 0:
            return []
        if drawn_on <= 0:
            return [-place for place in range(1, INPUTS + 1)]
        return [number * place * 7919 % drawn_on for place in range(1, INPUTS + 1)]

    def product(self, number: int) -> str:
        return self.things[-number % (INPUTS + 1)] if number < 0 else _id(number)

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
    """What `graph.keeping.begun.written` makes of the year of ``town``."""
    plan = Plan(town)
    network = plan.network()
    solved = Solved.of(network)
    reads = plan.reads()
    none = np.zeros(0, np.int64)
    empty = ("called", "identifier", "class", "replaces", "somewhere")
    arrays = {
        **{f"node-{name}": plan.table.column(name) for name in OF_NODES},
        **{f"place-{name}": plan.table.column(name) for name in OF_PLACES},
        **{f"edge-{name}": getattr(network.edges, name) for name in EDGE},
        "direct": network.direct,
        "output": network.output,
        "as_of": network.as_of,
        "book": np.zeros((0, 3), np.int64),
        "site": np.stack([plan.sites, plan.owners, plan.site_as_of()], axis=1),
        "gap-text": text([]),
        "stand-in-text": text([]),
        "finding-text": text([["output-unknown", "", [["product", "Product"]]]]),
        "partly_told": none,
        **{f"{name}-node": none for name in ("generation", "declared")},
        **{f"{name}-row": np.zeros((0, 1)) for name in ("generation", "declared")},
        **{f"solved-{name}": getattr(solved, name) for name in SOLVED},
        **{f"{name}-{of}": none for name in empty for of in ("key", "member")},
        "sites-key": plan.owners,
        "sites-member": plan.sites,
        "reader-key": reads.keys,
        "reader-member": reads.members,
        "noticed-key": np.arange(len(plan.numbers)),
        "noticed-member": np.zeros(len(plan.numbers), np.int64),
    }
    header = {
        "year": YEAR,
        "columns": [["CO2", "fossil", None]],
        "kinds": ["product", "face", "revised"],
        "renamed": -1,
        "revised": [],
        "salt": plan.texts.salt.hex(),
    }
    return BegunYear(header, arrays | plan.texts.arrays())


class Plan:
    """The year of a town as arrays: nodes in the order of their products' ids."""

    def __init__(self, town: Town) -> None:
        self.town, self.texts = town, Texts()
        numbers = range(-INPUTS - 1, town.products)
        ids = sorted((town.product(number), number) for number in numbers)
        self.numbers = np.array([number for _, number in ids])
        self.codes = self.texts.codes(each for each, _ in ids)
        self.at = np.empty(len(ids), np.int64)
        """The node of each number, from the lowest on."""
        self.at[self.numbers + INPUTS + 1] = np.arange(len(ids))
        far = range(-(-town.products // AT_A_SITE))
        self.sites = self.texts.codes([town.home, *(_id(_SITES + at) for at in far)])
        self.owners = np.full(len(self.sites), self.texts.code(town.acme), np.int32)
        self.place = np.where(self.numbers < AT_A_SITE, 0, self.numbers // AT_A_SITE + 1)
        self.table = self._table()
        lists = [town.suppliers(int(number)) for number in self.numbers]
        self.consumer = np.repeat(np.arange(len(lists)), [len(each) for each in lists])
        drawn = np.fromiter((each for of in lists for each in of), np.int64)
        self.supplier = self.at[drawn + INPUTS + 1]

    def _table(self) -> NodeTable:
        def all_of(name: str) -> Any:
            return np.full(len(self.numbers), self.texts.code(name), np.int32)

        first, last = (dt.date(year, 1, 1).toordinal() for year in (YEAR, YEAR + 1))
        feed = np.full(len(self.numbers), FEEDS.index(Feed.RECIPE), np.int8)
        columns = {
            "product": self.codes,
            "place": self.place.astype(np.int32),
            "owner": all_of(self.town.acme),
            "name": all_of("Product"),
            "unit": all_of("KGM"),
            "carrier": np.full(len(self.numbers), -1, np.int32),
            "feed": feed,
            "site": self.sites,
            "start": np.full(len(self.sites), first, np.int32),
            "end": np.full(len(self.sites), last, np.int32),
        }
        return NodeTable(self.texts, columns)

    def network(self) -> Network:
        count = len(self.numbers)
        return Network(
            year=YEAR,
            nodes=Roster(self.table),
            columns=(Column("CO2", "fossil"),),
            direct=np.full((count, 1), CO2),
            edges=Edges(
                supplier=self.supplier,
                consumer=self.consumer,
                category=np.ones(len(self.supplier), np.int64),
                amount=np.full(len(self.supplier), AMOUNT),
                mixed=np.zeros(len(self.supplier), bool),
            ),
            output=np.full(count, np.nan),
            gaps=(),
            generation={},
            declared={},
            books={},
            as_of=self.as_of(),
            findings=(),
        )

    def _registered(self) -> Any:
        town, numbers = self.town, self.numbers
        early = np.array(
            [town.registered[-n % (INPUTS + 1)] for n in numbers[numbers < 0].tolist()]
        )
        found = town.first + 2 * numbers + numbers // AT_A_SITE + 1
        found[numbers < 0] = early
        return found

    def _own(self) -> Any:
        """The last entry about each product."""
        numbers, own = self.numbers, self._registered() + 1
        told = [self.town.told[-n % (INPUTS + 1)] for n in numbers[numbers < 0].tolist()]
        own[numbers < 0] = told
        return own

    def as_of(self) -> Any:
        last = np.maximum(self._own(), np.where(self.place == 0, self.town.cut, -1))
        np.maximum.at(last, self.consumer, self._registered()[self.supplier])
        return last

    def site_as_of(self) -> Any:
        last = self.town.first + np.arange(-1, len(self.sites) - 1) * (2 * AT_A_SITE + 1)
        last[0] = self.town.cut
        np.maximum.at(last, self.place, self._own())
        return last

    def reads(self) -> Groups:
        """Who draws on a product asks for its registration, its looks and its owner's others."""
        product = self.codes[self.supplier].astype(np.int64)
        revised = np.full(len(product), 2 << 32 | self.texts.code(self.town.acme), np.int64)
        keys = np.concatenate([product, 1 << 32 | product, revised])
        units = np.tile(self.consumer, 3)
        each = np.unique(keys << 24 | units)
        return Groups(each >> 24, each & (1 << 24) - 1)


def check_alike(read: BegunYear, made: BegunYear) -> None:
    """Whether a year that was made is the year that was read."""
    here, there = read.network, made.network
    assert list(here.nodes) == list(there.nodes)
    for name in EDGE:
        assert_array_equal(getattr(here.edges, name), getattr(there.edges, name))
    for name in ("direct", "output", "as_of"):
        assert_array_equal(getattr(here, name), getattr(there, name))
    assert (here.site_owners, here.site_as_of) == (there.site_owners, there.site_as_of)
    assert here.findings == there.findings
    for name in SOLVED:
        assert_array_equal(getattr(read.solved, name), getattr(made.solved, name))
    for node in [*here.nodes[:200], *here.nodes[-200:]]:
        asked = [(kind, cast(str, node.product)) for kind in ("product", "face", "word")]
        assert all(set(read.readers(key)) == set(made.readers(key)) for key in asked)
        whose = node.product, node.place
        assert read.noticed_of(whose) == made.noticed_of(whose)


def text(value: Any) -> Any:
    return np.frombuffer(json.dumps(value).encode(), np.uint8)
