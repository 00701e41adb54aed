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

_TOLD_OF_A_PRODUCT = ("product", "footprint", "recipe", "production", "transfer")
_CUTS_A_SITE = ("site", "membership", "transfer")
_TOLD_OF_A_SITE = (*_CUTS_A_SITE, "footprint", "recipe", "production", "inventory", "purchases")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A site between two changes of its park membership: days ``[start, end)`` of one year."""

    site: str
    start: dt.date
    end: dt.date

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def share_of(self, span: Period | Place) -> float:
        """The fraction of ``span``, by days, that falls into this place (0 to 1)."""
        return max(0, self.common_days(span)) / span.days

    def common_days(self, span: Period | Place) -> int:
        """Days that both have; negative by the days between two that do not touch."""
        return (min(self.end, span.end) - max(self.start, span.start)).days


@dataclass(frozen=True, slots=True)
class Whole(Generic[P_co]):
    """A periodic statement with all its parts."""

    period: Period
    bodies: tuple[P_co, ...]
    index: int


def wholes(standing: Standing, kind: type[P]) -> dict[tuple[str, ...], list[Whole[P]]]:
    """Complete statements of ``kind`` by what they are about, in order of their periods.

    A set of parts that is not complete does not stand. The log takes no overlapping periods, but a
    withdrawal that turns out suspect brings back what it ended, beside what was stated since: then
    the later word stands, so that no day counts twice.
    """
    complete = _complete(standing, kind)
    return {about: _without_overruled(sets) for about, sets in complete.items()}


def overruled(standing: Standing, year: int) -> Iterator[str]:
    """The sites of which something said of the year overlaps a later word on the same."""
    if not standing.soundness.compromised:
        return  # the log lets nothing overlap that nobody has doubted
    for kind in (Recipe, Production, Inventory, Purchases):
        for (*_, site), sets in _complete(standing, kind).items():
            left = [whole for whole in sets if whole not in _without_overruled(sets)]
            if any(whole.period.year == year for whole in left):
                yield site


def _without_overruled(sets: list[Whole[P]]) -> list[Whole[P]]:
    if not any(a.period.overlaps(b.period) for a, b in itertools.pairwise(sets)):
        return sets
    standing: list[Whole[P]] = []
    for whole in sorted(sets, key=lambda whole: whole.index, reverse=True):
        if not any(whole.period.overlaps(later.period) for later in standing):
            standing.append(whole)
    return sorted(standing, key=lambda whole: whole.period.start)


def _complete(standing: Standing, kind: type[P]) -> dict[tuple[str, ...], list[Whole[P]]]:
    """Sets of parts that are complete, by what they are about, in order of their periods."""
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
    """The year of every site that stands, cut where a membership begins or ends, and where it
    changes hands."""
    first, last = dt.date(year, 1, 1), dt.date(year + 1, 1, 1)
    cuts: dict[str, set[dt.date]] = {
        cast(Site, said.statement.body).id: {first, last} for said in standing.statements("site")
    }
    for said in standing.statements("membership"):
        membership = cast(Membership, said.statement.body)
        if membership.site in cuts:
            ends = (membership.start, membership.end)
            cuts[membership.site].update(day for day in ends if day and first < day < last)
    for site, days in cuts.items():
        days.update(day for day in standing.transfer_days("site", site) if first < day < last)
    return {site: tuple(_between(site, sorted(days))) for site, days in cuts.items()}


def _between(site: str, days: Sequence[dt.date]) -> Iterator[Place]:
    for start, end in itertools.pairwise(days):
        yield Place(site, start, end)


@dataclass(frozen=True, slots=True)
class Standby:
    """A footprint that may stand for a product; ``expired``: it is not in force in the year."""

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
    return Standby(best, expired=not _in_force(_of(best), year, zone))


def _of(said: Said) -> Footprint:
    return cast(Footprint, said.statement.body)


def _rank(
    said: Said, site: str | None, year: int, zone: zoneinfo.ZoneInfo
) -> tuple[bool, bool, bool, dt.datetime, int]:
    footprint = _of(said)
    return (
        _in_force(footprint, year, zone),
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


def _in_force(footprint: Footprint, year: int, zone: zoneinfo.ZoneInfo) -> bool:
    """Whether it touches the year; one that its owner calls Deprecated (PACT) is in no year."""
    first, last = _bounds(year, zone)
    pact, pcf = footprint.pact, footprint.pact.pcf
    spans = (
        (pcf.reference_period_start, pcf.reference_period_end),
        (pact.valid_from, pact.valid_until),
    )
    touches = any(start < last and end > first for start, end in spans)
    return touches and pact.status != "Deprecated"


def _is_measured_in(footprint: Footprint, year: int, zone: zoneinfo.ZoneInfo) -> bool:
    """Whether the middle of its reference period lies in the year."""
    first, last = _bounds(year, zone)
    start, end = footprint.pact.pcf.reference_period_start, footprint.pact.pcf.reference_period_end
    return first <= start + (end - start) / 2 < last


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

    def sites_of(self, product: str) -> Sequence[str | None]:
        """Where a product stands in the year; ``None``: somewhere.

        Where it is made in the year; else where footprints in force are for; else where recipes of
        other years made it; else where expired footprints were for.
        """
        stated = self._footprint_sites(product)
        return (
            self._made_at.get(product, ())
            or [site for site in stated if self._has_footprint_in_force(product, site)]
            or self._ever_made_at.get(product, ())
            or stated
        )

    @cached_property
    def _made_at(self) -> dict[str, list[str]]:
        """Sites by product: with production, a recipe or a footprint measured in the year."""
        recipes = {a for a, group in self.recipes.items() if any(map(self._of_year, group))}
        return self._by_product({*recipes, *self.production, *self._measured_at()})

    def _measured_at(self) -> Iterator[tuple[str, str]]:
        for product, stated in self.footprints.items():
            for footprint in map(_of, stated):
                site = footprint.site
                if site in self.sites and _is_measured_in(footprint, self.year, self._zone(site)):
                    yield product, site

    @cached_property
    def _ever_made_at(self) -> dict[str, list[str]]:
        """Sites by product: those with a recipe of any year."""
        return self._by_product(self.recipes)

    def _by_product(self, abouts: Iterable[tuple[str, ...]]) -> dict[str, list[str]]:
        sites: dict[str, list[str]] = defaultdict(list)
        for product, site in sorted(abouts):
            if site in self.sites:
                sites[product].append(site)
        return dict(sites)

    def _footprint_sites(self, product: str) -> Sequence[str | None]:
        """The sites that footprints are for, else ``None`` if there is one of no site."""
        stated = {_of(said).site for said in self.footprints.get(product, ())}
        return sorted(site for site in stated if site in self.sites) or list({None} & stated)

    def _has_footprint_in_force(self, product: str, site: str | None) -> bool:
        standby = self.footprint(product, site)
        return standby is not None and not standby.expired

    def _of_year(self, whole: Whole[Periodic]) -> bool:
        return whole.period.year == self.year

    def _zone(self, site: str | None) -> zoneinfo.ZoneInfo:
        """PACT times are judged in the site's zone; in UTC where there is no site."""
        return zoneinfo.ZoneInfo(self.sites[site].time_zone if site else "UTC")

    def recipes_at(self, product: str, place: Place) -> list[Whole[Recipe]]:
        """Recipes of this year for the product at a place: those that overlap it.

        Where none does, those of the site's other days stand for its days as well.
        """
        group = self.recipes.get((product, place.site), ())
        this_year = [whole for whole in group if self._of_year(whole)]
        overlapping = [whole for whole in this_year if place.common_days(whole.period) > 0]
        return overlapping or this_year

    def recipes_of_other_years(self, product: str, site: str) -> list[Whole[Recipe]]:
        """Nearest in time first, of two as near the earlier year, within a year the last period."""
        group = self.recipes.get((product, site), ())
        return sorted(
            (whole for whole in group if not self._of_year(whole)),
            key=lambda w: (
                abs(w.period.year - self.year),
                w.period.year,
                -w.period.end.toordinal(),
            ),
        )

    def last_word(self, product: str) -> int:
        """The last entry that can have shaped the nodes of a product.

        Entries of other years count as well: an answer may be called younger than it is, never
        older.
        """
        about = [(kind, product) for kind in _TOLD_OF_A_PRODUCT]
        about += [(kind, site) for site in self._named_with[product] for kind in _CUTS_A_SITE]
        return max(self.standing.touched.get(each, -1) for each in about)

    def last_word_at(self, site: str) -> int:
        """The last entry that can have shaped which nodes stand at a site.

        Or may stand there: what its owner states without a site.
        """
        owner = self.standing.last_owner_of("site", site)
        told = (self.standing.touched.get((kind, site), -1) for kind in _TOLD_OF_A_SITE)
        return max(*told, *map(self.last_word, self._named_at[site] | self._of_no_site[owner]))

    @cached_property
    def _named_at(self) -> dict[str, set[str]]:
        """Site -> the products that anything said about it names."""
        products: dict[str, set[str]] = defaultdict(set)
        for product, sites in self._named_with.items():
            for site in sites:
                products[site].add(product)
        return products

    @cached_property
    def _of_no_site(self) -> dict[str | None, set[str]]:
        """Enterprise -> its products that ever had a footprint of no site."""
        products: dict[str | None, set[str]] = defaultdict(set)
        for product, site, _ in (key.parts for key in self.standing.ever_said("footprint")):
            if site.startswith(Footprint.SOMEWHERE):
                products[self.standing.last_owner_of("product", product)].add(product)
        return products

    @cached_property
    def _named_with(self) -> dict[str, set[str]]:
        """Product -> the sites that anything said about it names, whether or not they stand."""
        sites: dict[str, set[str]] = defaultdict(set)
        for product, site in (*self.recipes, *self.production):
            sites[product].add(site)
        for product, stated in self.footprints.items():
            sites[product].update(filter(None, (_of(said).site for said in stated)))
        return sites

    def footprint(self, product: str, site: str | None) -> Standby | None:
        """The footprint that may stand for the product at a site."""
        candidates = self.footprints.get(product, ())
        return footprint_for(candidates, site, self.year, self._zone(site))


def _within(
    sets: dict[tuple[str, ...], list[Whole[P]]], year: int
) -> dict[tuple[str, ...], list[Whole[P]]]:
    kept = {about: [w for w in group if w.period.year == year] for about, group in sets.items()}
    return {about: group for about, group in kept.items() if group}
