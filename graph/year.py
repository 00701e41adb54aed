"""What counts in one calendar year, before any arithmetic.

Statements about periods arrive in parts and in quarters; memberships begin and end within a year.
This module sorts them: complete sets of parts, a year cut at membership changes into **places**,
and the footprint that stands for a product when it has no recipe.
"""

from __future__ import annotations

import datetime as dt
import itertools
import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar, cast

from ledger.standing import Said, Standing
from ledger.statements import (
    Footprint,
    Inventory,
    Membership,
    Period,
    Periodic,
    Production,
    Purchases,
    Recipe,
    Site,
)

P = TypeVar("P", bound=Periodic)
P_co = TypeVar("P_co", bound=Periodic, covariant=True)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A site between two changes of its park membership: days ``[start, end)`` of one year."""

    site: str
    start: dt.date
    end: dt.date

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def share_of(self, period: Period) -> float:
        """The fraction of ``period``, by days, that falls into this place (0 to 1)."""
        return max(0, self.common_days(period)) / period.days

    def common_days(self, period: Period) -> int:
        return (min(self.end, period.end) - max(self.start, period.start)).days


@dataclass(frozen=True, slots=True)
class Whole(Generic[P_co]):
    """A periodic statement with all its parts."""

    period: Period
    bodies: tuple[P_co, ...]
    index: int


def wholes(standing: Standing, kind: type[P]) -> dict[tuple[str, ...], list[Whole[P]]]:
    """Complete statements of ``kind`` by what they are about, in order of their periods.

    A set of parts that is not complete does not stand.
    """
    parts: dict[tuple[tuple[str, ...], Period, int], dict[int, Said]] = defaultdict(dict)
    for said in standing.statements(kind.TYPE):
        body = cast(P, said.statement.body)
        parts[body.about, body.period, body.part.n][body.part.k] = said
    complete: dict[tuple[str, ...], list[Whole[P]]] = defaultdict(list)
    for (about, period, n), pieces in parts.items():
        if len(pieces) == n:
            bodies = tuple(cast(P, pieces[k].statement.body) for k in sorted(pieces))
            complete[about].append(Whole(period, bodies, max(s.index for s in pieces.values())))
    for sets in complete.values():
        sets.sort(key=lambda whole: whole.period.start)
    return dict(complete)


def places_of(standing: Standing, year: int) -> dict[str, tuple[Place, ...]]:
    """Every site's year, cut where a membership of the site begins or ends within it."""
    first, last = dt.date(year, 1, 1), dt.date(year + 1, 1, 1)
    cuts: dict[str, set[dt.date]] = {
        cast(Site, said.statement.body).id: {first, last} for said in standing.statements("site")
    }
    for said in standing.statements("membership"):
        membership = cast(Membership, said.statement.body)
        ends = (day for day in (membership.start, membership.end) if day and first < day < last)
        cuts.setdefault(membership.site, {first, last}).update(ends)
    return {site: tuple(_between(site, sorted(days))) for site, days in cuts.items()}


def _between(site: str, days: Sequence[dt.date]) -> Iterator[Place]:
    for start, end in itertools.pairwise(days):
        yield Place(site, start, end)


@dataclass(frozen=True, slots=True)
class Standby:
    """A footprint that may stand for a product, and whether it is in force in the year."""

    said: Said
    expired: bool

    @property
    def footprint(self) -> Footprint:
        return cast(Footprint, self.said.statement.body)


def footprint_for(
    candidates: Iterable[Said], site: str | None, year: int, zone: zoneinfo.ZoneInfo
) -> Standby | None:
    """The footprint that feeds a product at ``site`` in ``year``, if any does.

    Order: in force in the year (reference period or validity touches it) before expired; for this
    site before for none in particular; reference period inside the year; then the latest end of
    the reference period; then the latest entry. PACT times are judged in ``zone``.
    """
    fitting = [said for said in candidates if _of(said).site in (site, None)]
    if not fitting:
        return None
    best = max(fitting, key=lambda said: _rank(said, site, year, zone))
    return Standby(best, expired=not _touches(_of(best), year, zone))


def _of(said: Said) -> Footprint:
    return cast(Footprint, said.statement.body)


def _rank(
    said: Said, site: str | None, year: int, zone: zoneinfo.ZoneInfo
) -> tuple[bool, bool, bool, dt.datetime, int]:
    footprint = _of(said)
    return (
        _touches(footprint, year, zone),
        footprint.site == site,
        _inside(footprint, year, zone),
        footprint.pact.pcf.reference_period_end,
        said.index,
    )


def _bounds(year: int, zone: zoneinfo.ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    return dt.datetime(year, 1, 1, tzinfo=zone), dt.datetime(year + 1, 1, 1, tzinfo=zone)


def _inside(footprint: Footprint, year: int, zone: zoneinfo.ZoneInfo) -> bool:
    first, last = _bounds(year, zone)
    pcf = footprint.pact.pcf
    return first <= pcf.reference_period_start and pcf.reference_period_end <= last


def _touches(footprint: Footprint, year: int, zone: zoneinfo.ZoneInfo) -> bool:
    first, last = _bounds(year, zone)
    pact, pcf = footprint.pact, footprint.pact.pcf
    spans = (
        (pcf.reference_period_start, pcf.reference_period_end),
        (pact.valid_from, pact.valid_until),
    )
    return any(start < last and end > first for start, end in spans)


@dataclass(frozen=True)
class Year:
    """Everything said that can count in one calendar year, sorted but not yet computed with."""

    year: int
    standing: Standing
    places: dict[str, tuple[Place, ...]]
    sites: dict[str, Site]
    recipes: dict[tuple[str, ...], list[Whole[Recipe]]]
    """By (product, site), of every year."""
    production: dict[tuple[str, ...], list[Whole[Production]]]
    inventories: dict[tuple[str, ...], list[Whole[Inventory]]]
    purchases: dict[tuple[str, ...], list[Whole[Purchases]]]
    footprints: dict[str, list[Said]]
    """By product, of every year."""

    @classmethod
    def of(cls, standing: Standing, year: int) -> Year:
        footprints: dict[str, list[Said]] = defaultdict(list)
        for said in standing.statements("footprint"):
            footprints[_of(said).product].append(said)
        sites = (cast(Site, said.statement.body) for said in standing.statements("site"))
        return cls(
            year=year,
            standing=standing,
            places=places_of(standing, year),
            sites={site.id: site for site in sites},
            recipes=wholes(standing, Recipe),
            production=_within(wholes(standing, Production), year),
            inventories=_within(wholes(standing, Inventory), year),
            purchases=_within(wholes(standing, Purchases), year),
            footprints=dict(footprints),
        )

    @cached_property
    def made_at(self) -> dict[str, list[str]]:
        """Sites by product: those with production or a recipe in the year, in order."""
        this_year = (
            about
            for about, group in self.recipes.items()
            if any(whole.period.year == self.year for whole in group)
        )
        return _sites_by_product({*self.production, *this_year})

    @cached_property
    def ever_made_at(self) -> dict[str, list[str]]:
        """Sites by product: those with a recipe of any year, in order."""
        return _sites_by_product(self.recipes)

    def recipes_at(self, product: str, place: Place) -> list[Whole[Recipe]]:
        """Recipes of this year for the product that overlap the place."""
        group = self.recipes.get((product, place.site), ())
        return [whole for whole in group if place.common_days(whole.period) > 0]

    def recipe_of_another_year(self, product: str, site: str) -> Whole[Recipe] | None:
        """The recipe nearest in time, an earlier year before a later one at equal distance."""
        group = [w for w in self.recipes.get((product, site), ()) if w.period.year != self.year]
        return min(
            group,
            key=lambda w: (
                abs(w.period.year - self.year),
                w.period.year,
                -w.period.end.toordinal(),
            ),
            default=None,
        )

    def footprint(self, product: str, site: str | None) -> Standby | None:
        """The footprint that may stand for the product at a site; UTC where there is no site."""
        zone = zoneinfo.ZoneInfo(self.sites[site].time_zone if site else "UTC")
        return footprint_for(self.footprints.get(product, ()), site, self.year, zone)

    def footprint_sites(self, product: str) -> set[str | None]:
        """The sites footprints of the product are for; ``None`` for one of no site."""
        return {_of(said).site for said in self.footprints.get(product, ())}


def _sites_by_product(abouts: Iterable[tuple[str, ...]]) -> dict[str, list[str]]:
    sites: dict[str, list[str]] = defaultdict(list)
    for product, site in sorted(abouts):
        sites[product].append(site)
    return dict(sites)


def _within(
    sets: dict[tuple[str, ...], list[Whole[P]]], year: int
) -> dict[tuple[str, ...], list[Whole[P]]]:
    kept = {about: [w for w in group if w.period.year == year] for about, group in sets.items()}
    return {about: group for about, group in kept.items() if group}
