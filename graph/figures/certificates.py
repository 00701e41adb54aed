"""Certificates that are used up for a boundary in a year."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from graph.kept import kept
from graph.reading.year import Place
from ledger import units
from ledger.standing import Said, Standing
from ledger.statements import Certificate


@dataclass(frozen=True, slots=True)
class Used:
    """A statement of certificates, and the share (0 to 1) of its amount that is the boundary's.

    What is used for a site is for its whole calendar year: a boundary that holds the site on some
    days of it has the share of those days. What is used for a park is the park's alone.
    """

    said: Said
    share: float

    @property
    def body(self) -> Certificate:
        return cast(Certificate, self.said.statement.body)

    def amount_in(self, unit: str) -> float:
        """Its part of the amount, in a unit of the same kind."""
        stated, wanted = units.parse(self.body.unit), units.parse(unit)
        return float(units.convert(self.body.amount, stated, wanted)) * self.share


def used_for(
    standing: Standing, year: int, places: Iterable[Place], parks: Collection[str] = ()
) -> tuple[Used, ...]:
    """Certificates used up in ``year`` for sites of ``places``, then for ``parks``, in the order of
    the log."""
    return tuple(_used_for(standing, year, places, parks))


def _used_for(
    standing: Standing, year: int, places: Iterable[Place], parks: Collection[str]
) -> Iterator[Used]:
    stated = certificates_of(standing, year)
    inside: dict[str, float] = defaultdict(float)
    for place in places:
        inside[place.site] += place.days / (365 + calendar.isleap(place.start.year))
    for site, share in inside.items():
        yield from (Used(said, min(1.0, share)) for said in stated.get(site, ()))
    for park in parks:
        yield from (Used(said, 1.0) for said in stated.get(park, ()))


def certificates_of(standing: Standing, year: int) -> Mapping[str, tuple[Said, ...]]:
    """What is used up in a year, by the id of the site or park that it is used for."""
    return kept(standing, ("certificates", year), lambda: _by_holder(standing, year))


def _by_holder(standing: Standing, year: int) -> Mapping[str, tuple[Said, ...]]:
    found: dict[str, list[Said]] = defaultdict(list)
    for said in standing.statements(Certificate.TYPE):
        body = cast(Certificate, said.statement.body)
        if body.year == year:
            found[body.used_for].append(said)
    return {holder: tuple(each) for holder, each in found.items()}


def last_certified(standing: Standing) -> int:
    """The last entry about any certificate: one that was withdrawn no longer says for whom it was,
    so that an answer may be called younger than it is, never older."""
    return standing.touched.get((Certificate.TYPE, ""), -1)
