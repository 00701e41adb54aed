"""The energy of a boundary in a year: what was burnt, what crossed the fence, how much coal it is.

Everything is a sum over the inventories of the boundary's places (``graph.reading.flows``); of what
is bought and sold only the difference counts, so that trade between tenants cancels:

    net = Σ bought − Σ sold             electricity, heat, steam and cooling, in MWh

**Comprehensive energy consumption**, in tonnes of coal equivalent (tce, 29.3076 GJ):

    energy = Σ fuels used for energy − Σ fuels derived + Σ net + Σ made of no fuel

=================  ==============================================================================
fuels used         final, power, heat and processing; *feedstock* is material, not energy
fuels derived      made by processing here: they count again where they are used
net                electricity, heat, steam and cooling over the fence, whatever they are made of
made of no fuel    non-fossil electricity generated inside: sun, wind, water
=================  ==============================================================================

Nothing counts twice: what is generated from fuels, or recovered from waste heat and pressure, is in
the fuels already; a fuel of biogenic carbon that is burnt for power counts as the electricity it
gives, which is stated as generated and non-fossil.

How much coal one unit is, its coefficient, is a **declared basis**: the rows ``coal-equivalent`` of
one set of factors, chosen by name (``basis_of``). A site's own measured calorific value of a fuel
comes before it, and nothing else does: what the basis has no coefficient for leaves the sum
unknown. Steam that is stated as energy counts as heat where the basis tells no other coefficient.

**Clean energy** is what China's statistical communiqués count so, natural gas and non-fossil
energy: here natural gas, fuels of biogenic carbon, non-fossil electricity and heat, and electricity
covered by certificates. Recovered energy is not told apart: its fuel is counted as what it is.

Sources: GB/T 2589-2020 for the coefficients, for 7000 kcal = 29.3076 MJ per kg of coal equivalent,
for measured values first, and for electricity by its own heat (0.1229 kg per kWh) where the basis
has it so; notice 发改环资〔2025〕910号, annex 4, for the boundary and the calendar year.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Final, NamedTuple

from graph.books.unsaid import Lack, lack, unsaid
from graph.errors import CoalBasisAmbiguous, CoalBasisMissing, CoalBasisUnknown
from graph.figures.certificates import Used, used_for
from graph.figures.market import MOST_YEARS_APART
from graph.reading.direct import DERIVED, FEEDSTOCK, Burnt, burn
from graph.reading.factors import FactorSet, Ladder, factor_sets
from graph.reading.flows import StatedInventory, inventories_of, region_of
from graph.reading.year import Place, Year
from ledger import identifiers, units
from ledger.standing import Standing
from ledger.statements import CARRIER_URNS, GREEN_POWER, Fuel

MJ_PER_KGCE: Final = 29.3076
"""The heat of one kilogram of coal equivalent: 7000 kcal (GB/T 2589)."""
GJ_PER_MWH: Final = 3.6
COAL: Final = "coal-equivalent"
ELECTRIC: Final = "electricity"
HEATS: Final = ("heat", "steam")
GRID: Final = "grid"
NON_FOSSIL: Final = "non-fossil"
MWH: Final = "MWH"
_CLEAN_FUELS: Final = frozenset({"urn:catchment:fuel:natural-gas", "urn:catchment:fuel:lng"})
_KG_PER_TONNE: Final = 1000


# -- the basis ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Basis:
    """A set of coefficients that stands; ``index`` is the last entry that states a part of it."""

    name: str
    version: str
    index: int
    ladder: Ladder

    def kgce(self, urn: str, unit: str, region: str | None) -> tuple[float, str] | None:
        """kg of coal equivalent per ``unit`` of what a URN stands for, and the row that says so."""
        found = self.ladder.best((COAL,), urn, unit, region)
        if found is None:
            return None
        factor, ratio = found
        return float(factor.row.factor or 0) * ratio, factor.text


def basis_of(standing: Standing, year: int, name: str | None) -> Basis:
    """The set of coefficients called ``name``; without a name the only one there is.

    Raises ``CoalBasisUnknown`` (no set of that name has any), ``CoalBasisMissing`` (none stands)
    and ``CoalBasisAmbiguous`` (several stand, and none is named).
    """
    sets = {each.head.name: each for each in factor_sets(standing) if _has_coefficients(each)}
    if name is not None and name not in sets:
        raise CoalBasisUnknown(name=name, choices=", ".join(sets) or "–")
    if not sets:
        raise CoalBasisMissing
    if name is None and len(sets) > 1:
        raise CoalBasisAmbiguous(choices=", ".join(sets))
    found = sets[name] if name is not None else next(iter(sets.values()))
    head = found.head
    return Basis(head.name, head.version, found.index, Ladder(found.factors, year))


def _has_coefficients(found: FactorSet) -> bool:
    return any(factor.row.kind == COAL for factor in found.factors)


# -- what was said -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FuelUse:
    """A fuel as a site used it in the year: ``amount`` of its unit, and what one unit emits.

    ``burnt`` is ``None`` where no factor fits and not all values were measured.
    """

    site: str
    fuel: Fuel
    amount: float
    burnt: Burnt | None

    @property
    def key(self) -> str:
        return identifiers.parse(self.fuel.fuel).key

    @property
    def is_energy(self) -> bool:
        return self.fuel.use != FEEDSTOCK

    @property
    def is_biogenic(self) -> bool:
        """Whether all of the CO2 of burning it is of biogenic carbon."""
        emitted = self.burnt.emissions if self.burnt else {}
        return {column.origin for column in emitted if column.gas == "CO2"} == {"biogenic"}

    @property
    def is_clean(self) -> bool:
        return self.is_biogenic or self.key in _CLEAN_FUELS

    @property
    def becomes_power(self) -> bool:
        """Whether it counts as the electricity that it gives."""
        return self.fuel.use == "power" and self.is_biogenic


class Flow(NamedTuple):
    """Energy of one carrier at one site: ``flow`` and ``source`` as in inventories."""

    site: str
    carrier: str
    flow: str
    source: str


@dataclass(frozen=True)
class Balance:
    """The energy of a boundary: fuels in their own units, ``flows`` in MWh.

    ``green`` are certificates of green power used for the boundary. ``silent`` is what inventories
    leave unsaid, and ``unlisted`` names sites that state CO2 of combustion and no fuel behind it.
    """

    year: Year
    places: tuple[Place, ...]
    fuels: tuple[FuelUse, ...]
    flows: Mapping[Flow, float]
    green: tuple[Used, ...]
    silent: tuple[Lack, ...]
    unlisted: tuple[Lack, ...]

    @cached_property
    def sites(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(place.site for place in self.places))

    def total(
        self, flow: str, carriers: Collection[str], sources: Collection[str] = (), site: str = ""
    ) -> float:
        """MWh of one flow; no ``sources``: of all, no ``site``: at all."""
        return sum(
            mwh
            for of, mwh in self.flows.items()
            if of.flow == flow
            and of.carrier in carriers
            and (not sources or of.source in sources)
            and (not site or of.site == site)
        )

    def net(
        self, carriers: Collection[str], sources: Collection[str] = (), site: str = ""
    ) -> float:
        """MWh bought less MWh sold: over the fence, negative where more goes than comes."""
        bought, sold = (self.total(flow, carriers, sources, site) for flow in ("bought", "sold"))
        return bought - sold

    @cached_property
    def certified(self) -> Mapping[str, float]:
        """Holder (site or park) -> MWh from grids that its certificates cover.

        Certificates used for a site cover at most what it takes from grids, those used for the park
        at most what is left of that over its fence; the rest of them counts for nothing.
        """
        stated: dict[str, float] = defaultdict(float)
        for each in self.green:
            stated[each.body.used_for] += each.amount_in(MWH)
        covered = {
            site: min(stated.pop(site), max(0.0, self.net((ELECTRIC,), (GRID,), site)))
            for site in self.sites
            if site in stated
        }
        left = max(0.0, self.net((ELECTRIC,), (GRID,)))
        for site, mwh in covered.items():
            covered[site] = min(mwh, left)
            left -= covered[site]
        for park, mwh in stated.items():
            covered[park] = min(mwh, left)
            left -= covered[park]
        return covered

    @property
    def covered(self) -> float:
        """MWh from grids that certificates cover."""
        return sum(self.certified.values())

    @property
    def certificates_unused(self) -> float:
        """MWh of certificates beyond what came from grids: they count for nothing."""
        return sum(each.amount_in(MWH) for each in self.green) - self.covered

    @property
    def electricity(self) -> float:
        """MWh used inside: net of the fence, and generated."""
        return self.net((ELECTRIC,)) + self.total("generated", (ELECTRIC,))

    @property
    def direct_green(self) -> float:
        """MWh of non-fossil electricity used inside, supplied directly or generated here."""
        generated = self.total("generated", (ELECTRIC,), (NON_FOSSIL,))
        return self.net((ELECTRIC,), (NON_FOSSIL,)) + generated


def balance_of(
    year: Year, places: Sequence[Place], ladder: Ladder, parks: Collection[str] = ()
) -> Balance:
    """What the inventories of ``places`` say of energy; ``ladder`` tells what fuels emit.

    ``parks`` are those whose own certificates belong to the boundary.
    """
    stated = list(inventories_of(year, places))
    used = used_for(year.standing, year.year, places, parks)
    return Balance(
        year=year,
        places=tuple(places),
        fuels=tuple(_fuels(year, stated, ladder)),
        flows=_flows(stated),
        green=tuple(each for each in used if _counts(each, year.year)),
        silent=unsaid(year, places, "electricity"),
        unlisted=tuple(dict.fromkeys(_unlisted(year, stated))),
    )


def _counts(each: Used, year: int) -> bool:
    """Green power generated in the year it is used up for, or next to it, as market-based."""
    vintage = each.body.vintage
    near = vintage is None or abs(vintage - year) <= MOST_YEARS_APART
    return each.body.kind == GREEN_POWER and near


def _fuels(year: Year, stated: Iterable[StatedInventory], ladder: Ladder) -> Iterator[FuelUse]:
    """Statements of the same fuel, use and values at one site are one row."""
    amounts: dict[tuple[str, Fuel], float] = defaultdict(float)
    for each in stated:
        for fuel in each.body.fuels:
            one = replace(fuel, amount=Decimal(1))
            amounts[each.place.site, one] += float(fuel.amount) * each.share
    for (site, one), amount in amounts.items():
        region, _ = region_of(year.standing, site)
        yield FuelUse(site, one, amount, burn(one, ladder, region))


def _flows(stated: Iterable[StatedInventory]) -> Mapping[Flow, float]:
    found: dict[Flow, float] = defaultdict(float)
    mwh = units.parse(MWH)
    for each in stated:
        for row in each.body.energy:
            amount = float(units.convert(row.amount, units.parse(row.unit), mwh))
            of = Flow(each.place.site, row.carrier, row.flow, row.source)
            found[of] += amount * each.share
    return dict(found)


def _unlisted(year: Year, stated: Iterable[StatedInventory]) -> Iterator[Lack]:
    """CO2 that may be of combustion, at sites that list no fuel for it."""
    for each in stated:
        may_be_burnt = any(
            row.gas in ("CO2", "CO2e") and row.source in ("combustion", None) and row.amount
            for row in each.body.emissions
        )
        if may_be_burnt:
            yield lack("fuels-unlisted", site=year.site_name(each.place.site))


# -- how much coal it is -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the consumption at a site, in the unit it is stated in.

    ``how`` is the use of a fuel, or ``net`` or ``generated`` of a carrier; ``what`` is a URN.
    ``kgce`` is per unit, by ``factor``: a row of the basis, or ``None`` where the site measured the
    calorific value. ``tce`` has the sign with which it counts; ``None``: unknown.
    """

    site: str
    what: str
    how: str
    source: str | None
    amount: float
    unit: str
    kgce: float | None
    factor: str | None
    tce: float | None
    is_clean: bool


@dataclass(frozen=True)
class Consumption:
    """Comprehensive energy consumption by a declared basis, line by line, in tce.

    ``clean`` contains the electricity that certificates cover (``certified``), which is among
    the lines as what it is physically.
    """

    basis: Basis
    lines: tuple[Line, ...]
    certified: float
    missing: tuple[Lack, ...]

    @property
    def known(self) -> float:
        """What is known of it, which is all of it where nothing is missing."""
        return sum(line.tce or 0.0 for line in self.lines)

    @property
    def clean(self) -> float:
        return sum(line.tce or 0.0 for line in self.lines if line.is_clean) + self.certified


def consumption(balance: Balance, basis: Basis) -> Consumption:
    """How much coal the energy of a boundary is."""
    counter = _Counter(balance, basis)
    lines = (*counter.fuels(), *counter.carriers())
    grid = [line for line in lines if line.source == GRID]
    mwh = sum(line.amount for line in grid)
    per_mwh = sum(line.tce or 0.0 for line in grid) / mwh if mwh else 0.0
    missing = (*balance.silent, *balance.unlisted, *dict.fromkeys(counter.missing(lines)))
    return Consumption(basis, lines, balance.covered * per_mwh, missing)


_HOW: Final = {"bought": "net", "sold": "net", "generated": "generated", "recoverable": ""}
"""Flow -> how it counts, if at all."""


class _Counter:
    def __init__(self, balance: Balance, basis: Basis) -> None:
        self.balance, self.basis = balance, basis
        standing = balance.year.standing
        self._regions = {site: region_of(standing, site)[0] for site in balance.sites}

    def fuels(self) -> Iterator[Line]:
        for use in self.balance.fuels:
            if use.is_energy and not use.becomes_power:
                yield self._fuel(use)

    def _fuel(self, use: FuelUse) -> Line:
        fuel = use.fuel
        measured, found = fuel.net_calorific_value, None
        if measured is None:
            found = self.basis.kgce(fuel.fuel, fuel.unit, self._regions[use.site])
            kgce = found[0] if found else None
        else:
            kgce = float(measured) / MJ_PER_KGCE
        sign = -1.0 if fuel.use == DERIVED else 1.0
        return Line(
            site=use.site,
            what=fuel.fuel,
            how=fuel.use,
            source=None,
            amount=use.amount,
            unit=fuel.unit,
            kgce=kgce,
            factor=found[1] if found else None,
            tce=None if kgce is None else sign * use.amount * kgce / _KG_PER_TONNE,
            is_clean=use.is_clean,
        )

    def carriers(self) -> Iterator[Line]:
        balance = self.balance
        rows = {(of.site, of.carrier, of.source, _HOW[of.flow]) for of in balance.flows}
        for site, carrier, source, how in sorted(rows):
            if how == "net":
                mwh = balance.net((carrier,), (source,), site)
                yield self._carrier(site, carrier, source, how, mwh)
            elif how == "generated" and (carrier, source) == (ELECTRIC, NON_FOSSIL):
                mwh = balance.total(how, (carrier,), (source,), site)
                yield self._carrier(site, carrier, source, how, mwh)

    def _carrier(self, site: str, carrier: str, source: str, how: str, mwh: float) -> Line:
        found = self._coefficient(carrier, self._regions[site]) if mwh else (0.0, None)
        return Line(
            site=site,
            what=CARRIER_URNS[carrier],
            how=how,
            source=source,
            amount=mwh,
            unit=MWH,
            kgce=found[0] if found else None,
            factor=found[1] if found else None,
            tce=mwh * found[0] / _KG_PER_TONNE if found else None,
            is_clean=source == NON_FOSSIL,
        )

    def _coefficient(self, carrier: str, region: str | None) -> tuple[float, str | None] | None:
        asked = dict.fromkeys((carrier, "heat" if carrier in HEATS else carrier))
        found = (self.basis.kgce(CARRIER_URNS[each], MWH, region) for each in asked)
        return next((each for each in found if each is not None), None)

    def missing(self, lines: Iterable[Line]) -> Iterator[Lack]:
        for line in lines:
            if line.tce is None:
                yield lack(
                    "coal-equivalent",
                    basis=self.basis.name,
                    what=line.what,
                    unit=line.unit,
                    site=self.balance.year.site_name(line.site),
                )
