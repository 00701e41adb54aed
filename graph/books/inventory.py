"""The whole inventory of a boundary: all scopes, down to the net figure and what it may be called.

    operational gross = Scope 1 + Scope 2          full gross = operational gross + Scope 3
    net = gross − fossil CO2 captured and stored − verified removals

each location-based and market-based, for a calendar year, of all greenhouse gases. Offsets are told
beside the net figure and never lower it.

**Coverage of Scope 3.** Each of the 15 categories is covered where every place inside has stated
something under it, or that there was nothing (``Purchases.without``), and what is behind it is
known. A category that is not covered is unknown: then Scope 3 has no value, the full figures are
lower bounds, and no status rests on them. So nobody reaches net zero by leaving a category out.
Suppliers that state only a total may hide that more of what is sold comes back; then categories 9,
10 and 12 are lower than told, so that does not leave them uncovered.

**Status**, judged market-based, from values and not from lower bounds:

======================  =========================================================================
net-zero                the full net figure is zero or below
near-zero               what remains of the full figure is at most the share of the base year's
                        full gross that a ``target`` of the park has declared; the base year is
                        restated with the fence of the end of the year, and of several targets
                        the one that lets least remain counts
operational-net-zero    the operational net figure is zero or below
none                    none of them
======================  =========================================================================

A registered site inside a park's fence that is no member blocks any status.

Sources: ISO 14064-1:2018 (boundary and categories); GHG Protocol, Scope 2 Guidance (two methods
side by side) and Corporate Value Chain Standard (categories); ISO 14068-1:2023 (reductions before
offsets).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, cast

import numpy as np

from graph.books.downstream import Downstream, Stage, downstream_of, last_moved
from graph.books.restatement import last_day, restated_books
from graph.engine import Books, Engine, Question
from graph.errors import NoDataForYear
from graph.figures.boundary import NOTHING, Amount, Lacking
from graph.figures.gaps import GapIndex
from graph.figures.ledgers import Ledgers, net_of
from graph.reading.gate import HELD
from graph.reading.network import Network
from graph.reading.year import Place, Year
from graph.solving.outside import EdgesByConsumer
from graph.terms import LOCATION, MARKET, Assessed, Cover, Grade
from ledger.standing import Standing
from ledger.statements import Purchases, Target

UPSTREAM: Final = range(1, 9)
DOWNSTREAM: Final = range(9, 16)
TRANSPORT: Final = 4
_UNFENCED: Final = "site-inside-fence"


@dataclass(frozen=True, slots=True)
class Category:
    """One category of Scope 3; ``silent`` are places that say nothing under it.

    ``amount`` is ``None`` where nothing at all is known of it. ``stage`` tells more of a downstream
    one that was derived.
    """

    number: int
    cover: Cover
    amount: Amount | None
    silent: tuple[Place, ...] = ()
    stage: Stage | None = None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stands in the way of a grade (a key of ``OBSTACLES``), with what its sentence names."""

    grade: Grade
    reason: str
    params: Mapping[str, object]


OPERATIONAL_NET: Final = "The operational net figure"
FULL_NET: Final = "The full net figure"
OBSTACLES: Final[Mapping[str, str]] = {
    "above-zero": "%(figure)s is above zero: %(tonnes)s t CO2e remain.",
    "open": "%(figure)s is a lower bound only: something in it is not known.",
    "categories": "Categories of Scope 3 that are not covered: %(categories)s.",
    "unfenced": "A registered site lies inside the fence without being a member: %(site)s.",
    "no-threshold": "No target of the park declares what may remain to be called near-zero.",
    "base-unknown": "The gross emissions of the base year %(year)d are not fully known.",
    "above-threshold": "%(share)s %% of the gross emissions of %(year)d remain; the target allows "
    "%(allowed)s %%.",
}
"""Why a boundary is not called so."""


@dataclass(frozen=True, slots=True)
class Status:
    """The highest grade, and what stands in the way of those above it."""

    grade: Grade
    obstacles: tuple[Obstacle, ...]

    def against(self, grade: Grade) -> tuple[Obstacle, ...]:
        return tuple(each for each in self.obstacles if each.grade is grade)


@dataclass(frozen=True)
class FullBooks:
    """The inventory of a boundary. Amounts in kg CO2e; figures by basis (`BASES`)."""

    books: Books
    downstream: Downstream
    categories: tuple[Category, ...]
    base: FullBooks | None = None
    """The base year of the target that declares a threshold, restated, where one does."""

    @property
    def ledgers(self) -> Ledgers:
        return self.books.ledgers

    @cached_property
    def scope2(self) -> Mapping[str, Amount]:
        return {LOCATION: self.books.assessment.scope2, MARKET: self.books.market.amount}

    @cached_property
    def scope3_downstream(self) -> Amount:
        return _total(each for each in self.categories if each.number in DOWNSTREAM)

    @cached_property
    def scope3(self) -> Amount:
        """All 15 categories; open while one of them is not covered.

        Its upstream part is that of the assessment, which holds what no category has as well.
        """
        upstream = self.books.assessment.scope3
        covered = all(each.cover.is_whole for each in self.categories if each.number in UPSTREAM)
        return upstream + self.scope3_downstream + (NOTHING if covered else _OPEN)

    @cached_property
    def gross_operational(self) -> Mapping[str, Amount]:
        return {basis: self.books.assessment.scope1 + each for basis, each in self.scope2.items()}

    @cached_property
    def gross(self) -> Mapping[str, Amount]:
        return {basis: each + self.scope3 for basis, each in self.gross_operational.items()}

    @cached_property
    def operational(self) -> Mapping[str, Amount]:
        """Operational net."""
        return {basis: net_of(each, self.ledgers) for basis, each in self.gross_operational.items()}

    @cached_property
    def full(self) -> Mapping[str, Amount]:
        """Full net."""
        return {basis: net_of(each, self.ledgers) for basis, each in self.gross.items()}

    @property
    def offset_share(self) -> float | None:
        """Offsets relative to the full gross figure, market-based; ``None``: that is not known."""
        gross = self.gross[MARKET].value
        return self.ledgers.offsets / gross if gross else None

    @cached_property
    def biogenic(self) -> float:
        """kg of biogenic CO2 emitted inside, which is in no scope."""
        apart = self.books.answered.weights.apart.get("biogenicCO2")
        columns = self.books.assessment.scope1_columns
        return float(columns @ apart) if apart is not None else 0.0

    @cached_property
    def uncovered(self) -> tuple[Category, ...]:
        return tuple(each for each in self.categories if not each.cover.is_whole)

    @cached_property
    def status(self) -> Status:
        return _status(self)

    @cached_property
    def as_of(self) -> int:
        """The last entry that had a say in any of it."""
        touched = self.books.answered.standing.touched
        plans = touched.get((Target.TYPE, self.books.id), -1)
        return max(last_moved(self.books), plans, self.base.as_of if self.base else -1)


_OPEN: Final = Amount(0.0, lacking=Lacking.OPEN)


def full_books(books: Books, base: FullBooks | None = None) -> FullBooks:
    """The inventory of a boundary. Raises ``GasWithoutGwp``."""
    found = downstream_of(books)
    categories = (*_upstream(books), *_downstream(found))
    return FullBooks(books, found, categories, base)


def with_base(engine: Engine, books: Books) -> FullBooks:
    """The inventory of a park or an enterprise, with that of the base year of its target where that
    declares what may remain to be called near-zero.

    The base year has the fence of the end of the year, so that nobody comes closer to zero by
    letting a site leave. A year can be its own base.
    """
    answered = books.answered
    target = threshold_of(answered.standing, books.id)
    full = full_books(books)
    if target is None:
        return full
    if target.base_year == answered.year:
        return replace(full, base=full)
    earlier = engine.answer(Question(target.base_year, answered.gwp, answered.at))
    try:
        base = restated_books(earlier, books.kind, books.id, last_day(answered.year))
    except NoDataForYear:
        return full
    return replace(full, base=full_books(base))


def targets_of(standing: Standing, planner: str) -> tuple[Target, ...]:
    """The targets of a park or an enterprise that stand, in the order of the log."""
    return tuple(cast(Target, said.statement.body) for said in standing.about(Target.TYPE, planner))


def threshold_of(standing: Standing, planner: str) -> Target | None:
    """The target that lets least remain to be called near-zero; None: none declares it."""
    shares = [(each.near_zero, each) for each in targets_of(standing, planner)]
    declared = [(share, each) for share, each in shares if share is not None]
    return min(declared, key=lambda each: each[0], default=(None, None))[1]


# -- categories --------------------------------------------------------------------------------


def _total(categories: Iterable[Category]) -> Amount:
    total = NOTHING
    for each in categories:
        total += each.amount or NOTHING
        total += NOTHING if each.cover.is_whole else _OPEN
    return total


def _upstream(books: Books) -> Iterator[Category]:
    stated = books.assessment.scope3_by_category
    told = {place: _told_at(books, place) for place in books.places}
    for number in UPSTREAM:
        amount = stated.get(number)
        silent = tuple(place for place, numbers in told.items() if number not in numbers)
        if amount is None:
            cover = Cover.NOT_STATED if silent else Cover.NONE
            yield Category(number, cover, None if silent else NOTHING, silent)
        else:
            is_whole = not silent and amount.lacking is not Lacking.OPEN
            yield Category(number, Cover.STATED if is_whole else Cover.PARTIAL, amount, silent)


def _told_at(books: Books, place: Place) -> frozenset[int]:
    """Categories under which a place took something in, or says that it took in nothing.

    Of several statements of purchases each must say so. Where none is made, what its recipes take
    in is all that is told.
    """
    answered = books.answered
    year = Year(answered.standing, answered.year, answered.valid_on)
    stated = [whole.bodies for whole in year.purchases(place.site) if place.share_of(whole.period)]
    if not stated:
        return _drawn_at(answered.solved.network, place)
    return frozenset.intersection(*(frozenset(_told_by(bodies)) for bodies in stated))


def _told_by(bodies: Iterable[Purchases]) -> Iterator[int]:
    for body in bodies:
        yield from body.without
        for line in body.inputs:
            yield line.category
            if line.transport is not None:
                yield TRANSPORT


def _drawn_at(network: Network, place: Place) -> frozenset[int]:
    nodes = np.array(sorted(network.nodes_at.get(place, ())), dtype=np.int64)
    edges = network.edges.category[EdgesByConsumer.of(network).into(nodes)]
    gaps = (gap.category for gap in GapIndex.of(network).at(nodes))
    return frozenset({*np.unique(edges).tolist(), *gaps})


def _downstream(found: Downstream) -> Iterator[Category]:
    stages = {stage.category: stage for stage in found.stages}
    for number in DOWNSTREAM:
        stage = stages.get(number)
        if stage is None:
            yield Category(number, Cover.NOT_STATED, None)
        else:
            yield Category(number, _cover_of(stage), stage.amount, stage=stage)


def _cover_of(stage: Stage) -> Cover:
    if stage.status is Assessed.NOT_ASSESSABLE:
        return Cover.NOT_ASSESSABLE
    if stage.amount.lacking is Lacking.OPEN:
        return Cover.PARTIAL
    is_none = stage.category in HELD and not stage.amount.at_least
    return Cover.NONE if is_none else Cover.STATED


# -- status ------------------------------------------------------------------------------------


def _status(full: FullBooks) -> Status:
    """Grades whose way is free hold; the highest of them is the status."""
    obstacles = (
        *_above_zero(Grade.OPERATIONAL, OPERATIONAL_NET, full.operational[MARKET]),
        *_near_zero(full),
        *_above_zero(Grade.NET_ZERO, FULL_NET, full.full[MARKET]),
        *_uncovered(full),
        *_unfenced(full.books),
    )
    blocked = {each.grade for each in obstacles}
    free = [grade for grade in Grade if grade is not Grade.NONE and grade not in blocked]
    return Status(free[-1] if free else Grade.NONE, obstacles)


def _above_zero(grade: Grade, figure: str, net: Amount) -> Iterator[Obstacle]:
    if net.value is None:
        yield Obstacle(grade, "open", {"figure": figure})
    elif net.value > 0:
        tonnes = f"{net.value / 1000:,.1f}"
        yield Obstacle(grade, "above-zero", {"figure": figure, "tonnes": tonnes})


def _near_zero(full: FullBooks) -> Iterator[Obstacle]:
    grade, books = Grade.NEAR_ZERO, full.books
    target = threshold_of(books.answered.standing, books.id)
    if target is None or target.near_zero is None:
        yield Obstacle(grade, "no-threshold", {})
        return
    gross = full.base.gross[MARKET].value if full.base else None
    remaining = full.full[MARKET].value
    if not gross:
        yield Obstacle(grade, "base-unknown", {"year": target.base_year})
    if remaining is None:
        yield Obstacle(grade, "open", {"figure": FULL_NET})
    elif gross and 100 * remaining / gross > float(target.near_zero):
        yield Obstacle(
            grade,
            "above-threshold",
            {
                "share": f"{100 * remaining / gross:.3g}",
                "year": target.base_year,
                "allowed": f"{target.near_zero:f}",
            },
        )


def _uncovered(full: FullBooks) -> Iterator[Obstacle]:
    if full.uncovered:
        numbers = ", ".join(str(each.number) for each in full.uncovered)
        for grade in (Grade.NEAR_ZERO, Grade.NET_ZERO):
            yield Obstacle(grade, "categories", {"categories": numbers})


def _unfenced(books: Books) -> Iterator[Obstacle]:
    for noticed in books.findings:
        if noticed.rule == _UNFENCED:
            for grade in (Grade.OPERATIONAL, Grade.NEAR_ZERO, Grade.NET_ZERO):
                yield Obstacle(grade, "unfenced", {"site": noticed.params["site"]})
