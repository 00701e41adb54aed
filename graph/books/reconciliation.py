"""What the meters of a site count, beside what its inventory states of the same.

Compared are energy by carrier, flow and source, fuels bought (less what is sold on) with what was
used of them (less what was made of other fuels), and water bought with fresh water; over the very
days that the inventories of the year are for, and only where readings cover all of these days. A
difference of more than ``TOLERANCE`` of what is stated is told, with both numbers.

Where a meter does not say the source of its energy, all sources of that carrier and flow are
compared together. An inventory that lists one carrier at all is taken to list every flow of it, so
that what it leaves out is stated as none; of a carrier it never mentions it says nothing, which is
not zero. Flows ``used`` are parts of others. Water is passed over where the site makes some itself,
and a fuel where amounts do not convert into one another, as m³ and tonnes do not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias, cast

from graph.books.metering import SIGNS, Kind, ratio
from graph.findings import Finding, figure, finding
from graph.reading.direct import DERIVED
from graph.reading.meters import Metered, metered, meters_at
from graph.reading.year import Whole, Year
from ledger import identifiers, units
from ledger.findings import Party, Side, Source
from ledger.standing import Said
from ledger.statements import CARRIERS, Inventory, Meter

TOLERANCE: Final = 0.02
"""Relative to what is stated. Meters of billing quality are good to 1 or 2 per cent."""
_COMPARED: Final = ("bought", "sold", "generated")

_Group: TypeAlias = tuple[str, str, str, str]
"""Measure, flow, source ("": all of them), fuel."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Two numbers for one thing, in one unit. ``stated`` None: the inventory says nothing of it."""

    site: str
    what: str
    unit: str
    metered: float
    stated: float | None
    said: tuple[Said, ...]

    @property
    def differ(self) -> bool:
        """Whether they are too far apart to be the same."""
        if self.stated is None:
            return self.metered > 0
        return abs(self.metered - self.stated) > TOLERANCE * self.stated


def compared(year: Year, site: str) -> Iterator[Compared]:
    """Everything that both the meters and the inventories of a site tell of a year.

    What two owners of a site state is never added up: each is told of its own days.
    """
    owned: dict[str, list[Whole[Inventory]]] = defaultdict(list)
    for whole in year.inventories(site):
        owned[whole.said[0].owner].append(whole)
    for inventories in owned.values():
        yield from _compared(year, site, inventories)


def _compared(year: Year, site: str, inventories: Sequence[Whole[Inventory]]) -> Iterator[Compared]:
    periods = [whole.period for whole in inventories]
    found = [
        metered(year.standing, site, said.key.parts[1], year.year, periods)
        for said in meters_at(year.standing, site)
    ]
    book = _Book(inventories)
    for group, alike in _groups([each for each in found if each.meter.flow in _COMPARED]).items():
        yield from _compare(site, group, alike, book)


def differences(year: Year, site: str) -> Iterator[Finding]:
    """What differs at a site, for its owner."""
    for each in compared(year, site):
        if each.differ:
            yield _noticed(year, each)


def _noticed(year: Year, each: Compared) -> Finding:
    sources = tuple(Source(said.index, said.digest) for said in each.said)
    owners = (Party(Side.SUPPLIER, each.said[-1].owner, None, each.site, sources),)
    told = {
        "site": year.site_name(each.site),
        "what": each.what,
        "unit": each.unit,
        "year": str(year.year),
        "metered": figure(each.metered),
    }
    if each.stated is None:
        return finding("metered-and-unstated", "", parties=owners, **told)
    stated = figure(each.stated)
    return finding("meters-against-inventory", "", parties=owners, stated=stated, **told)


def _compare(site: str, group: _Group, alike: Sequence[Metered], book: _Book) -> Iterator[Compared]:
    unit = Kind.of(alike[0].meter).unit
    if len({units.parse(each.meter.unit).dimension for each in alike}) > 1:
        return
    if not all(each.whole.is_whole for each in alike):
        return
    counted = sum(_counted(each, group, unit) for each in alike)
    stated = book.stated(group, unit)
    if stated is not None or not book.mentions(group):
        what = " ".join(filter(None, (group[2], group[3] or group[0], group[1])))
        yield Compared(site, what, unit, counted, stated, book.said)


def _counted(each: Metered, group: _Group, unit: str) -> float:
    """What a meter adds to its group: fuels sold on are taken off."""
    sign = SIGNS[each.meter.flow] if group[0] == "fuel" else 1.0
    return sign * cast(float, each.whole.amount) * ratio(each.meter.unit, unit)


def _groups(found: Sequence[Metered]) -> dict[_Group, list[Metered]]:
    """Meters that are compared together."""
    unsaid = {_carried(m.meter) for m in found if m.meter.source is None}
    made_water = any(m.meter.measures == "water" and m.meter.flow == "generated" for m in found)
    groups: dict[_Group, list[Metered]] = defaultdict(list)
    for each in found:
        meter = each.meter
        if meter.measures in CARRIERS:
            source = "" if _carried(meter) in unsaid else cast(str, meter.source)
            groups[meter.measures, meter.flow, source, ""].append(each)
        elif meter.measures == "fuel" and meter.flow in SIGNS:
            groups["fuel", "bought", "", Kind.of(meter).fuel].append(each)
        elif meter.measures == "water" and meter.flow == "bought" and not made_water:
            groups["water", "bought", "", ""].append(each)
    return groups


def _carried(meter: Meter) -> tuple[str, str]:
    return meter.measures, meter.flow


class _Book:
    """What the inventories of a site in a year state, all of them together."""

    def __init__(self, inventories: Sequence[Whole[Inventory]]) -> None:
        self.bodies = [body for whole in inventories for body in whole.bodies]
        self.said = tuple(said for whole in inventories for said in whole.said)

    def mentions(self, group: _Group) -> bool:
        """Whether anything is stated of it, in whatever unit."""
        return bool(self._rows(group))

    def stated(self, group: _Group, unit: str) -> float | None:
        """The total in ``unit``; ``None``: nothing is said of it, or not in such a unit."""
        rows, wanted = self._rows(group), units.parse(unit)
        if not rows or any(units.parse(code).dimension != wanted.dimension for code, _ in rows):
            return None
        return sum(float(amount) * ratio(code, unit) for code, amount in rows)

    def _rows(self, group: _Group) -> list[tuple[str, Decimal]]:
        measures, flow, source, fuel = group
        if measures == "fuel":
            return [
                (row.unit, -row.amount if row.use == DERIVED else row.amount)
                for body in self.bodies
                for row in body.fuels
                if identifiers.parse(row.fuel).key == fuel
            ]
        if measures == "water":
            rows = (row for body in self.bodies for row in body.water)
            return [(row.unit, row.amount) for row in rows if row.kind == "fresh"]
        listed = [row for body in self.bodies for row in body.energy if row.carrier == measures]
        fitting = [
            (row.unit, row.amount)
            for row in listed
            if row.flow == flow and source in ("", row.source)
        ]
        # What a list of a carrier leaves out there was none of.
        return fitting or [(row.unit, Decimal(0)) for row in listed[:1]]
