"""A boundary's year as its meters tell it, while it runs: month by month, and what that emits.

The meters of a place count on its days: of a site that joins in June, what it used from June. What
is counted alike (measure, flow, source, fuel) is added up in one unit; a flow ``used`` is a part of
what is counted elsewhere and is told, but never added to anything. A month in which no meter of a
kind was read has no amount.

**The estimate** is of operational emissions, location-based, in kg CO2e:

    Σ (bought − sold) of energy · factor of the grid  +  Σ (bought − sold) of fuels · burning it

Of electricity it counts what is from a public grid; of heat, steam and cooling what is not said to
be non-fossil or recovered, if a factor for the region stands (rows ``grid`` of
``graph.reading.factors``). It is labelled as coming from meters and is never the inventory: it
knows no process emissions and no refrigerants, and takes every fuel as burnt. What no factor stands
for, and energy whose emissions only its supplier can say, is named and not counted. Electricity
generated inside emits what its fuels do, which their own meters count.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Final, cast

from graph.figures.services import co2e_of
from graph.findings import Finding, finding
from graph.reading.direct import burn
from graph.reading.factors import Ladder
from graph.reading.flows import region_of
from graph.reading.meters import Metered, Stretch, metered, meters_at
from graph.reading.network import Column
from graph.reading.year import Place
from ledger import identifiers, units
from ledger.standing import Standing
from ledger.statements import CARRIER_URNS, Factors, Fuel, Meter, Site

MONTHS: Final = 12
SIGNS: Final = MappingProxyType({"bought": 1.0, "sold": -1.0})
"""How a flow counts in what a boundary takes in; others do not."""
_ANY_SOURCE: Final = (None, "fossil")
_NOWHERE: Final = "(not stated)"
_UNITS: Final = MappingProxyType({"electricity": "KWH", "water": "MTQ"})
_UNIT_OF: Final = MappingProxyType({"energy": "GV", "mass": "TNE", "volume": "MTQ"})
"""Units that a year is told in: by what is measured, else by its dimension."""


@dataclass(frozen=True, slots=True)
class Known:
    """A sum over meters: ``amount`` is ``None`` where none of them was read.

    ``share`` is how much of their time readings cover, 0 to 1; ``None``: there was no meter.
    """

    amount: float | None
    share: float | None


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """What meters have to have in common to be added up, and the unit that it is told in."""

    measures: str
    flow: str
    source: str
    fuel: str
    unit: str

    @classmethod
    def of(cls, meter: Meter) -> Kind:
        fuel = identifiers.parse(meter.fuel).key if meter.fuel else ""
        return cls(meter.measures, meter.flow, meter.source or "", fuel, told_in(meter))


@dataclass(frozen=True)
class Row:
    """What the meters of one kind counted: twelve months, and all of them."""

    kind: Kind
    months: tuple[Known, ...]
    whole: Known
    meters: int


@dataclass(frozen=True)
class Estimate:
    """kg CO2e by month and in all: of fuels (``scope1``), of grid electricity (``scope2``), and of
    both together.

    ``factors`` are what was multiplied with; ``lacks`` say what is not in it.
    """

    scope1: Row | None
    scope2: Row | None
    together: Row | None
    factors: tuple[str, ...]
    lacks: tuple[Finding, ...]


@dataclass(frozen=True)
class MeteredYear:
    """A boundary as its meters tell it.

    ``through`` is the instant that all meters with any reading reach, ``latest`` the last that one
    of them does; both are ``None`` where none was read. ``without_meters`` are the sites that state
    none.
    """

    year: int
    rows: tuple[Row, ...]
    estimate: Estimate
    metered: tuple[Metered, ...]
    sites: tuple[str, ...]
    without_meters: tuple[str, ...]
    as_of: int

    @property
    def through(self) -> dt.datetime | None:
        return min(self._reached, default=None)

    @property
    def latest(self) -> dt.datetime | None:
        return max(self._reached, default=None)

    @cached_property
    def _reached(self) -> list[dt.datetime]:
        return [each.through for each in self.metered if each.through is not None]


def told_in(meter: Meter) -> str:
    """The unit that what a meter counts is told in."""
    dimension = units.parse(meter.unit).dimension
    if (unit := _UNITS.get(meter.measures)) is not None:
        return unit
    base = (u.code for u in units.UNITS.values() if u.dimension == dimension and u.factor == 1)
    return _UNIT_OF.get(dimension) or next(base, meter.unit)


def metered_year(standing: Standing, places: Iterable[Place], year: int, gwp: str) -> MeteredYear:
    """What the meters of places counted on their days. Raises GasWithoutGwp."""
    days: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        days[place.site].append(place)
    found = [
        metered(standing, site, said.key.parts[1], year, here)
        for site, here in sorted(days.items())
        for said in meters_at(standing, site)
    ]
    estimated = _Estimated(standing, Ladder.of(standing, year), gwp)
    with_meters = {each.site for each in found}
    return MeteredYear(
        year=year,
        rows=_rows(found),
        estimate=estimated.of(found),
        metered=tuple(found),
        sites=tuple(sorted(days)),
        without_meters=tuple(site for site in sorted(days) if site not in with_meters),
        as_of=_as_of(standing, days),
    )


def _as_of(standing: Standing, sites: Collection[str]) -> int:
    """The last entry about meters of the sites, or about factors."""
    kinds = ("site", "meter", "readings", "membership", "transfer")
    about = [standing.touched.last(kinds, site) for site in sites]
    regions = [region_of(standing, site)[1] for site in sites]
    return max(*about, *regions, standing.touched.get((Factors.TYPE, ""), -1), -1)


# -- adding up ----------------------------------------------------------------------------------


def _rows(found: Iterable[Metered]) -> tuple[Row, ...]:
    alike: dict[Kind, list[tuple[Metered, float]]] = defaultdict(list)
    for each in found:
        kind = Kind.of(each.meter)
        alike[kind].append((each, ratio(each.meter.unit, kind.unit)))
    return tuple(_row(kind, alike[kind]) for kind in sorted(alike))


def _row(kind: Kind, scaled: Sequence[tuple[Metered, float]]) -> Row:
    """``scaled`` are meters, each with what one of its units counts for."""
    months = tuple(_sum((each.months[k], scale) for each, scale in scaled) for k in range(MONTHS))
    return Row(kind, months, _sum((each.whole, scale) for each, scale in scaled), len(scaled))


def _sum(scaled: Iterable[tuple[Stretch, float]]) -> Known:
    stretches = list(scaled)
    amounts = [each.amount * scale for each, scale in stretches if each.amount is not None]
    seconds = sum(each.seconds for each, _ in stretches)
    known = sum(each.known for each, _ in stretches)
    return Known(sum(amounts) if amounts else None, known / seconds if seconds else None)


def ratio(unit: str, target: str) -> float:
    """How many ``target`` one ``unit`` of the same dimension is."""
    return float(units.ratio(units.parse(unit), units.parse(target)))


# -- what it emits ------------------------------------------------------------------------------


def _what(metered: Metered) -> tuple[str, str, str]:
    """Where, what, and which fuel."""
    kind = Kind.of(metered.meter)
    return metered.site, kind.measures, kind.fuel


def _is_part(meter: Meter) -> bool:
    """Whether it counts, of something that emits, a part of what is counted elsewhere."""
    return meter.flow == "used" and meter.measures != "water"


_EMITTED: Final = Kind("emissions", "", "", "", "KGM")


class _Estimated:
    """What meters come to in kg CO2e, with the factors of one year."""

    def __init__(self, standing: Standing, ladder: Ladder, gwp: str) -> None:
        self.standing, self.ladder, self.gwp = standing, ladder, gwp
        self.factors: dict[str, None] = {}
        self.lacks: dict[Finding, None] = {}

    def of(self, found: Sequence[Metered]) -> Estimate:
        scopes: dict[int, list[tuple[Metered, float]]] = {1: [], 2: []}
        bought = {_what(each) for each in found if each.meter.flow == "bought"}
        for each in found:
            if _is_part(each.meter) and _what(each) not in bought:
                self._lack("metered-in-part", each.site, each.meter)
            for scope, kg in self._per_unit(each.site, each.meter):
                scopes[scope].append((each, SIGNS[each.meter.flow] * kg))
        one, two = (_row(_EMITTED, scopes[k]) if scopes[k] else None for k in (1, 2))
        both = [*scopes[1], *scopes[2]]
        together = _row(_EMITTED, both) if both else None
        return Estimate(one, two, together, tuple(self.factors), tuple(self.lacks))

    def _per_unit(self, site: str, meter: Meter) -> Iterator[tuple[int, float]]:
        """The scope that a meter counts in and kg CO2e per unit of it, if it counts."""
        if meter.measures == "fuel":
            yield from self._fuel(site, meter)
        elif meter.measures != "water" and meter.flow in SIGNS:
            yield from self._energy(site, meter)

    def _energy(self, site: str, meter: Meter) -> Iterator[tuple[int, float]]:
        is_power = meter.measures == "electricity"
        if is_power and meter.source is None:
            self._lack("meter-without-source", site, meter)
        elif meter.source == "grid" or (not is_power and meter.source in _ANY_SOURCE):
            yield from self._grid(site, meter)
        elif meter.flow == "bought":
            self._lack("metered-supply", site, meter, measures=meter.measures)

    def _grid(self, site: str, meter: Meter) -> Iterator[tuple[int, float]]:
        region, _ = region_of(self.standing, site)
        urn = CARRIER_URNS[meter.measures]
        found = self.ladder.best(("grid",), urn, meter.unit, region)
        if found is None:
            where = region or _NOWHERE
            rule = "meter-without-grid-factor"
            self._lack(rule, site, meter, region=where, measures=meter.measures)
            return
        factor, per_unit = found
        emitted = {
            Column(each.gas, each.origin, each.gwp): float(each.amount) * per_unit
            for each in factor.row.emissions
        }
        self.factors[factor.text] = None
        yield 2, co2e_of(emitted, self.gwp)

    def _fuel(self, site: str, meter: Meter) -> Iterator[tuple[int, float]]:
        if meter.flow == "generated":
            self._lack("metered-fuel-made", site, meter)
        if meter.flow not in SIGNS:
            return
        region, _ = region_of(self.standing, site)
        one = Fuel(fuel=cast(str, meter.fuel), amount=Decimal(1), unit=meter.unit, use="final")
        burnt = burn(one, self.ladder, region)
        if burnt is None:
            self._lack("meter-without-fuel-factor", site, meter, fuel=one.fuel, unit=meter.unit)
            return
        if burnt.factor is not None:
            self.factors[burnt.factor] = None
        yield 1, co2e_of(burnt.emissions, self.gwp)

    def _lack(self, rule: str, site: str, meter: Meter, **params: str) -> None:
        stands = self.standing.sites[site]
        name = cast(Site, stands.statement.body).name
        self.lacks[finding(rule, "", parties=(), site=name, meter=meter.meter, **params)] = None
