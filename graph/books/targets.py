"""Targets: how far a park or an enterprise has come on the path that it has set itself.

A target demands that the net figure of Scope 1 and 2 (``operational``) or of all scopes (``full``),
market-based, less what was captured and stored and less verified removals, is lower than that of a
base year ``b`` by given percentages ``r_k`` in the years ``y_k``:

    required(y) = N(b) · (1 − r(y) / 100),    r piecewise linear through (b, 0), (y₁, r₁), …,

and constant after the last milestone. Offsets never count. ``N(b)`` and the figures of all years
are **restated** with the fence as it stands at the end of the latest year
(``graph.books.restatement``), so that nobody comes nearer to a target by letting a site go. As they
were they are told beside it.

The projection is the least-squares line through the figures of the years in which they are known,
at least two of them. Nothing that is open is on the path: it has a lower bound, and can only be
known to lie above it.

Source of the linear path and of like-for-like base years: GHG Protocol Corporate Standard,
chapters 5 and 11.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, cast

from graph.books.inventory import full_books, targets_of
from graph.books.restatement import PARK, last_day, last_drawn, restated_books
from graph.engine import PERIODIC, Answered, Books, Engine, Question
from graph.errors import NoDataForYear
from graph.figures.boundary import Amount
from graph.kept import kept
from graph.terms import MARKET
from ledger.standing import Standing
from ledger.statements import Milestone, Periodic, Scenario, Target

OPERATIONAL: Final = "operational"
FULL: Final = "full"
LEAST_YEARS: Final = 2
"""Through how many years a line can be laid."""


# --- Figures ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class YearFigures:
    """The books of one year, as they were and restated; ``None``: nothing is stated of them.

    Net figures in kg CO2e by ambition.
    """

    year: int
    as_it_was: Books | None
    restated: Books | None

    def net(self, ambition: str) -> Amount | None:
        """The figure that targets are measured by."""
        return net_figure(self.restated, ambition) if self.restated else None

    def net_as_it_was(self, ambition: str) -> Amount | None:
        return net_figure(self.as_it_was, ambition) if self.as_it_was else None


def net_figure(books: Books, ambition: str) -> Amount:
    """Scope 1 and 2 (``operational``), or all scopes, market-based, less capture and removals."""
    if ambition == FULL:
        return kept(books, FULL, lambda: full_books(books).full[MARKET])
    return books.net_operational(books.market.amount)


def figures_of_years(
    engine: Engine, kind: str, entity: str, question: Question, years: Iterable[int], day: dt.date
) -> Iterator[YearFigures]:
    """The figures of ``years`` in which anything is stated of the boundary, restated to ``day``."""
    for year in years:
        asked = replace(question, year=year)
        found = YearFigures(
            year,
            _as_it_was(engine, kind, entity, asked),
            _restated(engine.answer(asked), kind, entity, day),
        )
        if found.as_it_was or found.restated:
            yield found


def _as_it_was(engine: Engine, kind: str, entity: str, question: Question) -> Books | None:
    ask = engine.park if kind == PARK else engine.enterprise
    try:
        return ask(entity, question)
    except NoDataForYear:
        return None


def _restated(answered: Answered, kind: str, entity: str, day: dt.date) -> Books | None:
    try:
        return restated_books(answered, kind, entity, day)
    except NoDataForYear:
        return None


def years_stated(standing: Standing) -> tuple[int, ...]:
    """Calendar years of which anything periodic is stated, by anybody."""
    stated = (said for kind in PERIODIC for said in standing.statements(kind))
    return tuple(sorted({cast(Periodic, said.statement.body).period.year for said in stated}))


# --- The path --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Path:
    """What a target demands of every year since its base year.

    ``base`` is the figure of the base year in kg CO2e; without one nothing is demanded. A base that
    is zero or below leaves nothing to be reduced, and has no path either.
    """

    base_year: int
    base: float | None
    milestones: tuple[Milestone, ...]

    @classmethod
    def of(cls, target: Target, base: Amount | None) -> Path:
        known = base.value if base is not None else None
        return cls(target.base_year, known if known and known > 0 else None, target.milestones)

    @property
    def last_year(self) -> int:
        return self.milestones[-1].year

    def reduction(self, year: float) -> float:
        """Percent of the base year's figure by which that of ``year`` is to be lower."""
        before, reached = self.base_year, 0.0
        for each in self.milestones:
            demanded = float(each.reduction)
            if year < each.year:
                share = max(0.0, (year - before) / (each.year - before))
                return reached + share * (demanded - reached)
            before, reached = each.year, demanded
        return reached

    def required(self, year: int) -> float | None:
        """kg CO2e that the figure of a year may be at most."""
        return None if self.base is None else self.base * (1 - self.reduction(year) / 100)

    @property
    def zero_year(self) -> int | None:
        """The first year that nothing may remain in; ``None``: the target does not go so far."""
        whole = (each.year for each in self.milestones if each.reduction == 100)
        return next(whole, None)

    def last_year_allowing(self, figure: float, since: int) -> int | None:
        """The last year from ``since`` to the target that ``figure`` kg CO2e is on the path;
        ``None``: it is not, in any of them."""
        allowed = (
            year
            for year in range(max(since, self.last_year), since - 1, -1)
            if (required := self.required(year)) is not None and is_within(figure, required)
        )
        return next(allowed, None)


ROUNDING: Final = 1e-9
"""What rounding may add to a figure that is exactly on its path, relative to it."""


def is_within(figure: float, required: float) -> bool:
    return figure <= required + ROUNDING * abs(required)


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure of a year beside the path, in kg CO2e.

    ``on_path`` is ``None`` where it cannot be told: a figure that is open is never on it, and off
    it once its lower bound is above.
    """

    year: int
    required: float | None
    figure: Amount | None
    as_it_was: Amount | None = None

    @property
    def distance(self) -> float | None:
        """How far the figure lies above the path; below it, it is negative."""
        if self.required is None or self.figure is None or self.figure.value is None:
            return None
        return self.figure.value - self.required

    @property
    def on_path(self) -> bool | None:
        if self.required is None or self.figure is None:
            return None
        if self.figure.value is not None:
            return is_within(self.figure.value, self.required)
        return None if is_within(self.figure.at_least, self.required) else False


# --- The projection --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Projection:
    """The least-squares line through the figures of ``years``.

    ``slope`` in kg CO2e per year; ``level`` is the line in the mean of the years.
    """

    years: tuple[int, ...]
    slope: float
    level: float

    @classmethod
    def of(cls, figures: Mapping[int, float]) -> Projection | None:
        """``slope = Σ(y − ȳ)(N − N̄) / Σ(y − ȳ)²``; ``None`` for fewer than two years."""
        if len(figures) < LEAST_YEARS:
            return None
        years = tuple(sorted(figures))
        middle, level = sum(years) / len(years), sum(figures.values()) / len(years)
        spread = sum((year - middle) ** 2 for year in years)
        drift = sum((year - middle) * (figures[year] - level) for year in years)
        return cls(years, drift / spread, level)

    def at(self, year: int) -> float:
        """kg CO2e in a year, if it goes on like this."""
        return self.level + self.slope * (year - sum(self.years) / len(self.years))


# --- Scenarios -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Imagined:
    """What a scenario would make of the latest year: the books with the same fence, hypothetical.

    ``after`` stands on no prefix of the log, and nothing can be published from it.
    """

    before: Books
    after: Books

    @classmethod
    def of(cls, before: Answered, after: Answered, kind: str, entity: str) -> Imagined:
        """A boundary in two answers to one question, with the fence of the last day of its year in
        each. Raises as ``restated_books``."""
        day = last_day(before.year)
        books = (restated_books(each, kind, entity, day) for each in (before, after))
        return cls(*books)

    def difference(self, ambition: str) -> float | None:
        """kg CO2e that the net figure would differ by; ``None`` while either is open."""
        was, then = (net_figure(each, ambition).value for each in (self.before, self.after))
        return None if was is None or then is None else then - was

    @property
    def unverified(self) -> float:
        """kg of CO2 that sinks would remove without anybody verifying it: it does not count."""
        return self.after.ledgers.removed_unverified


@dataclass(frozen=True, slots=True)
class Outlook:
    """A scenario beside one path: judged in the first year in which both are, ``first``."""

    first: Judged
    last_on_path: int | None
    """The last year to the target that the same figure would still be on the path."""


def outlook(path: Path, scenario: Scenario, year: int, figure: Amount) -> Outlook:
    """``figure`` of ``year`` as a scenario would make it, from its first year on."""
    first = max(scenario.start_year, year)
    last = None if figure.value is None else path.last_year_allowing(figure.value, first)
    return Outlook(Judged(first, path.required(first), figure), last)


def scenarios_of(standing: Standing, planner: str) -> tuple[Scenario, ...]:
    """The scenarios of a park or an enterprise that stand, in the order of the log."""
    return tuple(
        cast(Scenario, said.statement.body) for said in standing.about(Scenario.TYPE, planner)
    )


# --- Targets ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """A target with what has become of it.

    ``judged`` are the years with figures since the base year, ``base`` is the first of them;
    ``projection`` is ``None`` where too few years are known.
    """

    target: Target
    path: Path
    base: Judged
    judged: tuple[Judged, ...]
    projection: Projection | None

    @property
    def latest(self) -> Judged:
        return self.judged[-1] if self.judged else self.base

    @property
    def projected(self) -> tuple[Judged, ...]:
        """Where the line leads in the years of the milestones that are still ahead."""
        if self.projection is None:
            return ()
        ahead = (each.year for each in self.path.milestones if each.year > self.latest.year)
        return tuple(
            Judged(year, self.path.required(year), Amount(self.projection.at(year)))
            for year in ahead
        )


@dataclass(frozen=True)
class Plans:
    """The targets of a park or an enterprise with its figures; ``scenarios`` are not computed yet.

    ``day`` is the one whose fence all years are restated with.
    """

    kind: str
    id: str
    name: str
    latest: Answered
    day: dt.date
    figures: tuple[YearFigures, ...]
    progress: tuple[Progress, ...]
    scenarios: tuple[Scenario, ...]
    as_of: int


def plans_of(engine: Engine, kind: str, entity: str, question: Question) -> Plans:
    """Every target of a park or an enterprise, and how far it has come by the year of
    ``question``. Raises ``NoDataForYear`` where that year has none, and as ``Engine.park``."""
    ask = engine.park if kind == PARK else engine.enterprise
    now = ask(entity, question)
    latest, standing = now.answered, now.answered.standing
    day, asked = last_day(latest.year), replace(question, at=latest.at)
    targets = targets_of(standing, entity)
    first = min((each.base_year for each in targets), default=latest.year)
    years = [year for year in years_stated(standing) if first <= year <= latest.year]
    figures = tuple(figures_of_years(engine, kind, entity, asked, years, day))
    return Plans(
        kind=kind,
        id=entity,
        name=now.name,
        latest=latest,
        day=day,
        figures=figures,
        progress=tuple(progress_of(each, figures) for each in targets),
        scenarios=scenarios_of(standing, entity),
        as_of=max(_last_words(standing, entity, figures), now.as_of),
    )


def progress_of(target: Target, figures: Iterable[YearFigures]) -> Progress:
    """A target beside the figures of the years since its base year, in their order."""
    since = [each for each in figures if each.year >= target.base_year]
    told = {each.year: each.net(target.ambition) for each in since}
    path = Path.of(target, told.get(target.base_year))
    judged = tuple(
        Judged(
            each.year,
            path.required(each.year),
            told[each.year],
            each.net_as_it_was(target.ambition),
        )
        for each in since
    )
    known = {
        year: figure.value
        for year, figure in told.items()
        if figure is not None and figure.value is not None
    }
    nothing = Judged(target.base_year, path.required(target.base_year), None)
    base = next((each for each in judged if each.year == target.base_year), nothing)
    return Progress(target, path, base, judged, Projection.of(known))


def _last_words(standing: Standing, entity: str, figures: Iterable[YearFigures]) -> int:
    """The last entry behind any of it; of products after the gate, the last of the log."""
    touched = standing.touched
    plans = touched.last((Target.TYPE, Scenario.TYPE), entity)
    books = (each for year in figures for each in (year.as_it_was, year.restated) if each)
    after = touched.last(("downstream", "holdings"))
    return max(last_drawn(standing), plans, after, *(each.as_of for each in books))
