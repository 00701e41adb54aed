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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar, cast

from ledger.standing import Said, Standing
from ledger.statements import (
    Footprint,
    Inventory,
    Membership,
    NaturalKey,
    Period,
    Periodic,
    Production,
    Purchases,
    Recipe,
    Site,
)

T = TypeVar("T")
P = TypeVar("P", bound=Periodic)
P_co = TypeVar("P_co", bound=Periodic, covariant=True)

_TOLD_OF_A_PRODUCT = ("product", "footprint", "recipe", "production", "transfer")
_SAYS_WHERE = ("recipe", "production", "footprint")
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
    """A periodic statement with all its parts, in their order."""

    period: Period
    said: tuple[Said, ...]

    @property
    def bodies(self) -> tuple[P_co, ...]:
        return tuple(cast(P_co, each.statement.body) for each in self.said)

    @property
    def index(self) -> int:
        """The last entry that states one of them."""
        return max(each.index for each in self.said)


def wholes(said: Iterable[Said], kind: type[P]) -> dict[tuple[str, ...], list[Whole[P]]]:
    """Complete statements of ``kind`` by what they are about, in order of their periods.

    A set of parts that is not complete does not stand. The log takes no overlapping periods, but a
    withdrawal that turns out suspect brings back what it ended, beside what was stated since: then
    the later word stands, so that no day counts twice.
    """
    complete = _complete(said, kind)
    return {about: _without_overruled(sets) for about, sets in complete.items()}


def overruled(standing: Standing, year: int) -> Iterator[str]:
    """The sites of which something said of the year overlaps a later word on the same."""
    if not standing.soundness.compromised:
        return  # the log lets nothing overlap that nobody has doubted
    for kind in (Recipe, Production, Inventory, Purchases):
        for (*_, site), sets in _complete(standing.statements(kind.TYPE), kind).items():
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


def _complete(said: Iterable[Said], kind: type[P]) -> dict[tuple[str, ...], list[Whole[P]]]:
    """Sets of parts that are complete, by what they are about, in order of their periods."""
    parts: dict[tuple[tuple[str, ...], Period, int], dict[int, Said]] = defaultdict(dict)
    for each in said:
        body = cast(P, each.statement.body)
        parts[body.about, body.period, body.part.n][body.part.k] = each
    complete: dict[tuple[str, ...], list[Whole[P]]] = defaultdict(list)
    for (about, period, n), pieces in parts.items():
        if len(pieces) == n:
            complete[about].append(Whole(period, tuple(pieces[k] for k in sorted(pieces))))
    for sets in complete.values():
        sets.sort(key=lambda whole: whole.period.start)
    return dict(complete)


def places_at(
    standing: Standing, site: str, year: int, valid_on: dt.date | None = None
) -> tuple[Place, ...]:
    """The year of a site, cut where a membership begins or ends, and where it changes hands.

    As of one day nothing is cut: whoever it belongs to on that day has it for the whole year.
    """
    first, last = dt.date(year, 1, 1), dt.date(year + 1, 1, 1)
    if valid_on is not None:
        return (Place(site, first, last),)
    cuts = {first, last}
    for said in standing.about("membership", site):
        membership = cast(Membership, said.statement.body)
        cuts.update(day for day in (membership.start, membership.end) if day)
    cuts.update(standing.transfer_days("site", site))
    return tuple(_between(site, sorted(day for day in cuts if first <= day <= last)))


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


@dataclass(frozen=True, slots=True)
class Span:
    """The time a question is about: instants ``[start, end)``; ``day`` is given for one day."""

    start: dt.datetime
    end: dt.datetime
    day: bool

    @classmethod
    def of(cls, year: int, valid_on: dt.date | None, zone: zoneinfo.ZoneInfo) -> Span:
        """A calendar year or a day as it passes in ``zone``."""
        first = valid_on or dt.date(year, 1, 1)
        after = valid_on + dt.timedelta(days=1) if valid_on else dt.date(year + 1, 1, 1)
        start, end = (dt.datetime.combine(day, dt.time(), zone) for day in (first, after))
        return cls(start, end, valid_on is not None)

    def has_in_force(self, footprint: Footprint) -> bool:
        """Whether a footprint touches it: in a year by reference period or validity, on a day by
        validity alone. One that its owner calls Deprecated (PACT) is never in force."""
        pact, pcf = footprint.pact, footprint.pact.pcf
        spans = [(pact.valid_from, pact.valid_until)]
        if not self.day:
            spans.append((pcf.reference_period_start, pcf.reference_period_end))
        touches = any(start < self.end and end > self.start for start, end in spans)
        return touches and pact.status != "Deprecated"

    def encloses(self, footprint: Footprint) -> bool:
        """Whether the whole reference period lies in it."""
        pcf = footprint.pact.pcf
        return self.start <= pcf.reference_period_start and pcf.reference_period_end <= self.end

    def has_measured(self, footprint: Footprint) -> bool:
        """Whether the middle of the reference period lies in it."""
        pcf = footprint.pact.pcf
        start, end = pcf.reference_period_start, pcf.reference_period_end
        return self.start <= start + (end - start) / 2 < self.end


def footprint_for(candidates: Iterable[Said], site: str | None, span: Span) -> Standby | None:
    """The footprint that feeds a product at ``site`` in the time of ``span``, if any does.

    Order: in force before expired; for this site before for none in particular; reference period
    inside the time; then the latest end of the reference period; then the latest entry.
    """
    fitting = [said for said in candidates if _of(said).site in (site, None)]
    if not fitting:
        return None
    best = max(fitting, key=lambda said: _rank(said, site, span))
    return Standby(best, expired=not span.has_in_force(_of(best)))


def _of(said: Said) -> Footprint:
    return cast(Footprint, said.statement.body)


def _rank(said: Said, site: str | None, span: Span) -> tuple[bool, bool, bool, dt.datetime, int]:
    footprint = _of(said)
    return (
        span.has_in_force(footprint),
        footprint.site == site,
        span.encloses(footprint),
        footprint.pact.pcf.reference_period_end,
        said.index,
    )


class Year:
    """Everything said that can count in one calendar year, sorted but not yet computed with.

    Nothing is read before it is asked for, so that a year costs what is asked of it. As of one day
    (``valid_on``) what is in force on that day stands for the whole year: recipes whose period
    has it, footprints by their validity, memberships and owners of that day.
    """

    def __init__(self, standing: Standing, year: int, valid_on: dt.date | None = None) -> None:
        self.standing = standing
        self.year = year
        self.valid_on = valid_on

    @cached_property
    def _memory(self) -> dict[tuple[str, str], Any]:
        return {}

    def _once(self, what: str, about: str, make: Callable[[str], T]) -> T:
        """``make(about)``, read once."""
        if (what, about) not in self._memory:
            self._memory[what, about] = make(about)
        return cast(T, self._memory[what, about])

    def ahead(self, standing: Standing) -> Year:
        """The same year after more was said."""
        return Year(standing, self.year, self.valid_on)

    # -- what is stated ----------------------------------------------------------------------

    def site(self, site: str) -> Site | None:
        return self._once("site", site, self._site)

    def _site(self, site: str) -> Site | None:
        said = self.standing.sites.get(site)
        return cast(Site, said.statement.body) if said else None

    def site_name(self, site: str) -> str:
        stands = self.site(site)
        return stands.name if stands else site

    def places(self, site: str) -> tuple[Place, ...]:
        """The places of a site; none if no such site stands."""
        return self._once("places", site, self._places)

    def _places(self, site: str) -> tuple[Place, ...]:
        if self.site(site) is None:
            return ()
        return places_at(self.standing, site, self.year, self.valid_on)

    def recipes(self, product: str) -> dict[tuple[str, ...], list[Whole[Recipe]]]:
        """Recipes of a product by (product, site), of every year."""
        return self._once("recipes", product, lambda p: wholes(self.said("recipe", p), Recipe))

    def production(self, product: str) -> dict[tuple[str, ...], list[Whole[Production]]]:
        """What was made of a product in the year, by (product, site)."""
        return self._once(
            "outputs",
            product,
            lambda p: _within(wholes(self.said("production", p), Production), self.year),
        )

    def inventories(self, site: str) -> list[Whole[Inventory]]:
        """The inventories of a site in the year."""
        return self._once("inventory", site, lambda s: self._of_site(s, Inventory))

    def purchases(self, site: str) -> list[Whole[Purchases]]:
        """What a site took in in the year."""
        return self._once("purchases", site, lambda s: self._of_site(s, Purchases))

    def _of_site(self, site: str, kind: type[P]) -> list[Whole[P]]:
        stated = wholes(self.standing.about(kind.TYPE, site), kind)
        return _within(stated, self.year).get((site,), [])

    def footprints(self, product: str) -> tuple[Said, ...]:
        """Footprints of a product, of every year."""
        return self.said("footprint", product)

    def said(self, kind: str, about: str) -> tuple[Said, ...]:
        """What stands of one type about a product or a site, read once."""
        return self._once(kind, about, lambda each: self.standing.about(kind, each))

    # -- where products stand ----------------------------------------------------------------

    def sites_of(self, product: str) -> Sequence[str | None]:
        """Where a product stands in the year; ``None``: somewhere.

        Where it is made in the year; else where footprints in force are for; else where recipes of
        other years made it; else where expired footprints were for.
        """
        stated = self._footprint_sites(product)
        return (
            self._made_at(product)
            or [site for site in stated if self._has_footprint_in_force(product, site)]
            or self._standing_sites(site for _, site in self.recipes(product))
            or stated
        )

    def _made_at(self, product: str) -> list[str]:
        """Sites with production, a recipe or a footprint measured in the year."""
        of_year = {
            site
            for (_, site), group in self.recipes(product).items()
            if any(map(self._fits, group))
        }
        made = {site for _, site in self.production(product)}
        return self._standing_sites({*of_year, *made, *self._measured_at(product)})

    def _measured_at(self, product: str) -> Iterator[str]:
        for footprint in map(_of, self.footprints(product)):
            site = footprint.site
            if site and self.site(site) and self._whole_year(site).has_measured(footprint):
                yield site

    def _standing_sites(self, sites: Iterable[str]) -> list[str]:
        return sorted(site for site in set(sites) if self.site(site))

    def _footprint_sites(self, product: str) -> Sequence[str | None]:
        """The sites that footprints are for, else ``None`` if there is one of no site."""
        stated = {_of(said).site for said in self.footprints(product)}
        return self._standing_sites(filter(None, stated)) or list({None} & stated)

    def _has_footprint_in_force(self, product: str, site: str | None) -> bool:
        standby = self.footprint(product, site)
        return standby is not None and not standby.expired

    def _fits(self, whole: Whole[Periodic]) -> bool:
        """Whether a recipe is one of the year, and of the day where one is asked for."""
        period, day = whole.period, self.valid_on
        return period.year == self.year and (day is None or period.start <= day < period.end)

    def _zone(self, site: str | None) -> zoneinfo.ZoneInfo:
        """PACT times are judged in the site's zone; in UTC where there is no site."""
        stands = self.site(site) if site else None
        return zoneinfo.ZoneInfo(stands.time_zone if stands else "UTC")

    def _span(self, site: str | None) -> Span:
        day = self.valid_on
        return self._once("span", site or "", lambda _: Span.of(self.year, day, self._zone(site)))

    def _whole_year(self, site: str) -> Span:
        return self._once("year", site, lambda _: Span.of(self.year, None, self._zone(site)))

    def recipes_at(self, product: str, place: Place) -> list[Whole[Recipe]]:
        """Recipes of this year for the product at a place: those that overlap it.

        Where none does, those of the site's other days stand for its days as well.
        """
        group = self.recipes(product).get((product, place.site), ())
        fitting = [whole for whole in group if self._fits(whole)]
        overlapping = [whole for whole in fitting if place.common_days(whole.period) > 0]
        return overlapping or fitting

    def other_recipes(self, product: str, site: str) -> list[Whole[Recipe]]:
        """Recipes of other years (or not in force on the day): nearest in time first, of two as
        near the earlier year, within a year the last period."""
        group = self.recipes(product).get((product, site), ())
        return sorted(
            (whole for whole in group if not self._fits(whole)),
            key=lambda w: (
                abs(w.period.year - self.year),
                w.period.year,
                -w.period.end.toordinal(),
            ),
        )

    def footprint(self, product: str, site: str | None) -> Standby | None:
        """The footprint that may stand for the product at a site."""
        return footprint_for(self.footprints(product), site, self._span(site))

    # -- the last word -----------------------------------------------------------------------

    def last_word(self, product: str) -> int:
        """The last entry that can have shaped the nodes of a product.

        Entries of other years count as well: an answer may be called younger than it is, never
        older.
        """
        return self._once("last word", product, self._last_word)

    def _last_word(self, product: str) -> int:
        about = self.standing.touched.last(_TOLD_OF_A_PRODUCT, product)
        cuts = (self._once("cut", site, self._last_cut) for site in self.sites_named_with(product))
        return max(about, *cuts, -1)

    def _last_cut(self, site: str) -> int:
        """The last entry that can have cut the year of a site."""
        return self.standing.touched.last(_CUTS_A_SITE, site)

    def last_word_at(self, site: str) -> int:
        """The last entry about a site, or about anything made there."""
        return self.standing.touched.last(_TOLD_OF_A_SITE, site)

    def sites_named_with(self, product: str) -> set[str]:
        """The sites that anything said about a product names, whether or not they stand."""
        return {
            said.key.parts[1]
            for kind in _SAYS_WHERE
            for said in self.said(kind, product)
            if not is_of_no_site(said.key)
        }

    def products_named_at(self, site: str) -> set[str]:
        """The products that anything said about a site names."""
        return {said.key.parts[0] for kind in _SAYS_WHERE for said in self.said(kind, site)}


def products_somewhere(standing: Standing) -> Iterator[tuple[str | None, str]]:
    """Enterprises with their products that ever had a footprint of no site."""
    for key in standing.ever_said("footprint"):
        if is_of_no_site(key):
            yield standing.last_owner_of("product", key.parts[0]), key.parts[0]


def is_of_no_site(key: NaturalKey) -> bool:
    """Whether what is said of a product is for no site in particular; only footprints can be."""
    return key.parts[1].startswith(Footprint.SOMEWHERE)


def _within(
    sets: dict[tuple[str, ...], list[Whole[P]]], year: int
) -> dict[tuple[str, ...], list[Whole[P]]]:
    kept = {about: [w for w in group if w.period.year == year] for about, group in sets.items()}
    return {about: group for about, group in kept.items() if group}
