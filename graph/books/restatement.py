"""Membership over time, and an earlier year restated with a later fence.

A park's figure of a year is of the sites that were members then, each for its days. Once sites
join, leave or move to another park, two years are no longer of the same thing. So the base year is
told twice: **as it was**, and **restated**, with the sites that lie within the fence on a later day
(by default the last of the year it is compared with), each for the whole base year. The later year
is told both ways too, and a waterfall leads from the one to the other:

    base as it was − left + joined = base restated
    base restated + change of activity = year restated
    year restated + days outside = year as it was

Scope 1 is additive over places. T2 is not: what one site delivers to another counts outside for the
one and inside for both. What a site contributes is therefore the ordered difference of unions,

    c_k = T2(P₀ ∪ … ∪ P_k) − T2(P₀ ∪ … ∪ P_{k−1}),

first for the sites that left, then for those that joined, each in the order of the day and then of
the id. Every step begins where the one before it ends, so that the sum is exact. In another order
single contributions differ, and the totals do not.

A site that said nothing of the base year leaves the restated year open: that is unknown, not zero.
An enterprise is restated alike, with the sites that it owns on the day.

Source: GHG Protocol, Corporate Value Chain Standard, chapter 9 (recalculation of the base year when
the boundary changes), and Corporate Standard, chapter 5.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, cast

from graph.engine import (
    Answered,
    Books,
    Engine,
    Question,
    books_of_places,
    memberships_of,
    places_of_enterprise,
    places_of_park,
)
from graph.errors import BaseYearNotEarlier, NoDataForYear, UnknownBoundary
from graph.figures.boundary import NOTHING, Amount, Lacking, Totals, assess_totals
from graph.reading.year import Place, Year
from ledger.standing import Said, Standing
from ledger.statements import Membership

PARK: Final = "park"
_DRAWS: Final = ("park", "enterprise", "site", "membership", "transfer")
"""Types of statements that draw a boundary."""


class Why(enum.StrEnum):
    """What a step of the waterfall is."""

    LEFT = "left"
    JOINED = "joined"
    ACTIVITY = "activity"
    DAYS = "days"
    """Days of the later year on which sites were not, or still, members."""


@dataclass(frozen=True, slots=True)
class Handover:
    """A site passed from one enterprise to another on ``day``. It moves no figure of a park."""

    site: str
    day: dt.date
    giver: str
    taker: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A site that the restated base year has for other days than the base year had.

    ``day`` is the first as a member, or the first no longer. ``parks`` are the other parks it came
    from (joined) or went to (left). ``places`` are its days of the base year that this is about.
    """

    site: str
    why: Why
    day: dt.date
    parks: tuple[str, ...]
    handed: tuple[Handover, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """From one total to the next; ``moved`` says of which site, where it is one."""

    why: Why
    before: Totals
    after: Totals
    moved: Moved | None = None

    @property
    def scope1(self) -> Amount:
        """kg CO2e that Scope 1 differs by."""
        return self.after.scope1 - self.before.scope1

    @property
    def t2(self) -> Amount:
        """kg CO2e that T2 differs by; null value while either total is open."""
        return self.after.t2 - self.before.t2


@dataclass(frozen=True)
class Restatement:
    """A base year beside a later one; ``steps`` lead from the first as it was to the second.

    ``fence`` are the sites within on ``day``. ``handed`` are those of them that changed hands since
    the base year began, wherever they are members.
    """

    park: str
    name: str
    day: dt.date
    fence: tuple[str, ...]
    base: Answered
    year: Answered
    steps: tuple[Step, ...]
    handed: tuple[Handover, ...]
    as_of: int

    def step(self, why: Why) -> Step:
        """The first step for a reason; ``ACTIVITY`` and ``DAYS`` are always there, once."""
        return next(each for each in self.steps if each.why is why)

    @property
    def base_as_it_was(self) -> Totals:
        return self.steps[0].before

    @property
    def base_restated(self) -> Totals:
        return self.step(Why.ACTIVITY).before

    @property
    def year_restated(self) -> Totals:
        return self.step(Why.ACTIVITY).after

    @property
    def year_as_it_was(self) -> Totals:
        return self.steps[-1].after

    @property
    def moved(self) -> tuple[Moved, ...]:
        return tuple(each.moved for each in self.steps if each.moved is not None)


def restatement(
    engine: Engine, park: str, base: int, question: Question, day: dt.date | None = None
) -> Restatement:
    """The base year of a park restated with its fence on ``day`` of the year of ``question``.

    ``day`` is by default the last of that year. Raises ``BaseYearNotEarlier``, ``NoDataForYear``
    where nothing is stated of either year, and as ``Engine.park``.
    """
    now = engine.park(park, question)
    later, on = now.answered, day or last_day(now.answered.year)
    if base >= later.year:
        raise BaseYearNotEarlier(base=base, year=later.year)
    earlier = engine.answer(replace(question, year=base, at=later.at))
    fence = fence_on(later.standing, PARK, park, on)
    was, restated = _both(earlier, park, fence)
    if not (_is_told(earlier, was) or _is_told(earlier, restated)):
        raise NoDataForYear(year=base)
    moves = moves_of(later.standing, park, was, restated, on)
    levels = totals_along(earlier, was, moves)
    year_was, year_restated = _both(later, park, fence)
    now_restated, now_was = totals_of(later, (year_restated, year_was))
    steps = (
        *(Step(m.why, a, b, m) for m, (a, b) in zip(moves, pairwise(levels), strict=True)),
        Step(Why.ACTIVITY, levels[-1], now_restated),
        Step(Why.DAYS, now_restated, now_was),
    )
    return Restatement(
        park=park,
        name=now.name,
        day=on,
        fence=fence,
        base=earlier,
        year=later,
        steps=steps,
        handed=tuple(_handed(later.standing, fence, dt.date(base, 1, 1), on)),
        as_of=max(now.as_of, last_drawn(later.standing), *_last_told(earlier, (*was, *restated))),
    )


def last_day(year: int) -> dt.date:
    return dt.date(year, 12, 31)


def _both(
    answered: Answered, park: str, fence: Sequence[str]
) -> tuple[tuple[Place, ...], tuple[Place, ...]]:
    """The places of a year as it was, and of the whole year of the sites within ``fence``."""
    standing, year = answered.standing, answered.year
    return places_of_park(standing, park, year), whole_year_of(standing, year, fence)


# --- The fence -------------------------------------------------------------------------------


def fence_on(standing: Standing, kind: str, boundary: str, day: dt.date) -> tuple[str, ...]:
    """The sites that are members of a park, or that an enterprise owns, on a day."""
    of = places_of_park if kind == PARK else places_of_enterprise
    return tuple(sorted({place.site for place in of(standing, boundary, day.year, day)}))


def whole_year_of(standing: Standing, year: int, sites: Iterable[str]) -> tuple[Place, ...]:
    """All days of a year of ``sites``, cut where memberships and owners change."""
    cut = Year(standing, year)
    return tuple(place for site in sorted(sites) for place in cut.places(site))


def restated_books(answered: Answered, kind: str, boundary: str, day: dt.date) -> Books:
    """The books of a year with the fence of ``day``.

    Raises ``UnknownBoundary``, and ``NoDataForYear`` where nothing is stated of any of its sites.
    """
    standing = answered.standing
    said = (standing.parks if kind == PARK else standing.enterprises).get(boundary)
    if said is None:
        raise UnknownBoundary(kind=kind, id=boundary)
    places = whole_year_of(standing, answered.year, fence_on(standing, kind, boundary, day))
    name = str(getattr(said.statement.body, "name", boundary))
    parks = {boundary: places} if kind == PARK else {}
    drawn = last_drawn(standing)
    return books_of_places(kind, boundary, name, answered, places, (), drawn, parks)


def last_drawn(standing: Standing) -> int:
    """The last entry that can have drawn any fence: it may be called younger, never older."""
    return standing.touched.last(_DRAWS)


def _last_told(answered: Answered, places: Iterable[Place]) -> Iterator[int]:
    """The last entries behind the figures of ``places``: nothing upstream is younger than all."""
    network = answered.solved.network
    yield int(network.as_of.max(initial=-1))
    yield from (network.site_as_of.get(place.site, -1) for place in places)


# --- What moved ------------------------------------------------------------------------------


def moves_of(
    standing: Standing,
    park: str,
    was: Iterable[Place],
    restated: Iterable[Place],
    on: dt.date,
) -> tuple[Moved, ...]:
    """What leads from the places that were to those of the fence on a day: first what left, then
    what joined, each in the order of the day and the id."""
    before, after = set(was), set(restated)
    left = _by_site(before - after)
    joined = _by_site(after - before)
    found = (
        *(_moved(standing, park, Why.LEFT, site, places, on) for site, places in left.items()),
        *(_moved(standing, park, Why.JOINED, site, places, on) for site, places in joined.items()),
    )
    return tuple(sorted(found, key=lambda each: (each.why is Why.JOINED, each.day, each.site)))


def _by_site(places: Iterable[Place]) -> dict[str, tuple[Place, ...]]:
    found: dict[str, tuple[Place, ...]] = {}
    for place in sorted(places):
        found[place.site] = (*found.get(place.site, ()), place)
    return found


def _moved(
    standing: Standing, park: str, why: Why, site: str, places: tuple[Place, ...], on: dt.date
) -> Moved:
    own = [each for each in _memberships(standing, site) if each.park == park and each.start <= on]
    others = [each for each in _memberships(standing, site) if each.park != park]
    if why is Why.LEFT:
        day = max(each.end for each in own if each.end is not None)
        parks = (each.park for each in others if _holds_on(each, on))
    else:
        day = max(each.start for each in own if _holds_on(each, on))
        parks = (each.park for each in others if any(_shares(each, place) for place in places))
    first = places[0].start.replace(month=1, day=1)
    handed = tuple(_handed(standing, (site,), first, on))
    return Moved(site, why, day, tuple(sorted(set(parks))), handed, places)


def _memberships(standing: Standing, site: str) -> list[Membership]:
    about: Iterable[Said] = standing.about(Membership.TYPE, site)
    return [cast(Membership, said.statement.body) for said in about]


def _holds_on(membership: Membership, day: dt.date) -> bool:
    return membership.start <= day and (membership.end is None or day < membership.end)


def _shares(membership: Membership, place: Place) -> bool:
    return membership.start < place.end and (membership.end is None or membership.end > place.start)


def _handed(
    standing: Standing, sites: Iterable[str], first: dt.date, last: dt.date
) -> Iterator[Handover]:
    for site in sites:
        for day in sorted(standing.transfer_days("site", site)):
            if first < day <= last:
                giver = standing.owner_on("site", site, day - dt.timedelta(days=1))
                taker = standing.owner_on("site", site, day)
                yield Handover(site, day, str(giver), str(taker))


def days_of_change(standing: Standing, park: str) -> tuple[dt.date, ...]:
    """Every day on which the fence of a park is another than the day before."""
    bodies = (cast(Membership, said.statement.body) for said in memberships_of(standing, park))
    days = {day for each in bodies for day in (each.start, each.end) if day is not None}
    return tuple(sorted(days))


# --- Totals ----------------------------------------------------------------------------------


def totals_along(
    answered: Answered, was: Sequence[Place], moves: Iterable[Moved]
) -> tuple[Totals, ...]:
    """The totals before the first move and after each."""
    sets = [frozenset(was)]
    for move in moves:
        own = frozenset(move.places)
        sets.append(sets[-1] - own if move.why is Why.LEFT else sets[-1] | own)
    return totals_of(answered, sets)


def totals_of(answered: Answered, boundaries: Iterable[Iterable[Place]]) -> tuple[Totals, ...]:
    """The totals of each set of places.

    No place at all is nothing; places of which nothing is stated are unknown.
    """
    sets = [tuple(each) for each in boundaries]
    told = [each for each in sets if _is_told(answered, each)]
    computed = iter(assess_totals(answered.solved, told, answered.weights))
    return tuple(
        next(computed) if _is_told(answered, each) else (_UNKNOWN if each else _NONE)
        for each in sets
    )


def _is_told(answered: Answered, places: Iterable[Place]) -> bool:
    nodes_at = answered.solved.network.nodes_at
    return any(len(nodes_at.get(place, ())) for place in places)


_OPEN: Final = Amount(0.0, lacking=Lacking.OPEN)
_NONE: Final = Totals(NOTHING, NOTHING, None, None)
_UNKNOWN: Final = Totals(_OPEN, _OPEN, None, None)
