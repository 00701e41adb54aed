"""What inventories say of places: the part of every statement that falls on each of them.

A statement is for a site and a period; a boundary is made of places, which are sites on some days
of a year. Of a statement whose period a place shares in part, the place has its share by days:

    share = common days of period and place ÷ days of the period

so any total over a boundary is ``Σ amount · share`` over what this gives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from graph.reading.year import Place, Year
from ledger.standing import Said, Standing
from ledger.statements import Enterprise, Inventory, Site


@dataclass(frozen=True, slots=True)
class StatedInventory:
    """A statement and the ``share`` (above 0, at most 1) of its totals that a place has."""

    place: Place
    share: float
    said: Said

    @property
    def body(self) -> Inventory:
        return cast(Inventory, self.said.statement.body)

    @property
    def index(self) -> int:
        return self.said.index

    @property
    def digest(self) -> str:
        return self.said.digest


def inventories_of(year: Year, places: Iterable[Place]) -> Iterator[StatedInventory]:
    """Every piece of every inventory that stands for days of the places, in order of the places."""
    for place in places:
        for whole in year.inventories(place.site):
            if share := place.share_of(whole.period):
                yield from (StatedInventory(place, share, said) for said in whole.said)


def region_of(standing: Standing, site: str) -> tuple[str | None, int]:
    """Where a site stands as factors know it, and the last entry about who says so.

    The region of its power grid; where it states none, the country of its owner.
    """
    stands = standing.sites.get(site)
    said = standing.touched.get(("site", site), -1)
    region = cast(Site, stands.statement.body).grid_region if stands else None
    if region is not None:
        return region, said
    owner = standing.owner_of("site", site) or ""
    enterprise = standing.enterprises.get(owner)
    country = cast(Enterprise, enterprise.statement.body).country if enterprise else None
    return country, max(said, standing.touched.get(("enterprise", owner), -1))
