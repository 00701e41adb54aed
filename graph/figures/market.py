"""Market-based Scope 2 of a boundary: what its energy emits by what it has contracted.

    ``S2 = Σ_d g_d q_d + Σ_s Σ_r f_r (k_sr − c_sr)``        kg CO2e

``q_d`` units of energy ``d`` from elsewhere than a public grid (direct lines, contracts, heat,
steam, cooling) keep their own generation ``g_d``, as location-based. ``k_sr`` kWh cross the fence
from the public grid ``r`` to site ``s``; ``c_sr`` of them are covered by certificates of green
power and count 0; the rest has the residual mix ``f_r`` in kg CO2e per kWh: the mix of the grid
without what others have claimed. That is the order of table 6.3 in the GHG Protocol's Scope 2
Guidance (2015; chapter 6 has the calculation, chapter 7 the quality criteria): certificates,
contracts, what the supplier states of its power, residual mix, grid average.

* What is **from a public grid** the product says (``Product.grid``); else a line that names the
  class of electricity, or an undeclared product that the ladder estimates with a grid's factor.
* Certificates used for a site cover what that site takes from grids over the fence, over all grids
  in proportion, ``c_sr = k_sr · min(1, C_s / Σ_r k_sr)``; then those used for the park cover in the
  same way what is left at all of its sites. A site that is inside for some days has its
  certificates' share of these days. What exceeds the power from grids counts for nothing.
* A certificate of power made more than one year before or after the year it is used for is not
  counted (chapter 7, criterion 4: as close as possible to the period it is applied to).
* Where no residual mix stands for a grid, the generation that location-based uses stands in, and
  that is said: then what others have claimed may be counted twice.

An amount is known as well as it is location-based, with one difference: a residual mix makes a grid
that nobody describes known as an estimate. Losses on the way and the supply of fuels are in
category 3 in both methods.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final, cast

from graph.figures.boundary import ENERGY, NOTHING, ROUNDING, Amount, Fence, Lacking, is_generation
from graph.figures.certificates import Used, last_certified, used_for
from graph.figures.services import co2e_of, times
from graph.findings import Finding, finding
from graph.reading.factors import Factor, Ladder
from graph.reading.flows import region_of
from graph.reading.network import Column, Gap, Grid, Node
from graph.reading.year import Place
from ledger import units
from ledger.findings import Party, Side
from ledger.standing import Standing
from ledger.statements import GREEN_POWER, RESIDUAL_MIX, Enterprise, Factors, Product

ELECTRIC: Final = "electricity"
KILOWATT_HOUR: Final = "KWH"
NO_PARKS: Final[Mapping[str, Collection[Place]]] = MappingProxyType({})
MOST_YEARS_APART: Final = 1
"""Between the year in which power was made and the year its certificate is used for."""


@dataclass(frozen=True, slots=True)
class Residual:
    """What counts for uncovered power of one grid. ``region`` None: nobody says which grid.

    ``factor`` names set, version and row, ``kg_per_kwh`` is its CO2e; both ``None`` where no
    residual mix stands and the grid average ``stood_in``. ``kwh`` is the uncovered power, and
    ``places`` are those that draw on the grid (None: it is not known at which).
    """

    region: str | None
    kwh: float
    factor: str | None
    kg_per_kwh: float | None
    places: frozenset[Place | None] = frozenset()

    @property
    def stood_in(self) -> bool:
        return self.factor is None


@dataclass(frozen=True, slots=True)
class Use:
    """Certificates of green power used for one site or park, in kWh.

    ``refused`` are not counted, for the power was made in too distant a year.
    """

    holder: str
    used: tuple[Used, ...]
    refused: tuple[Used, ...]
    kwh: float
    covered_kwh: float

    @property
    def excess_kwh(self) -> float:
        return self.kwh - self.covered_kwh


@dataclass(frozen=True, slots=True)
class Market:
    """Market-based Scope 2 in kg CO2e, and the electricity behind it.

    ``grid_kwh`` crosses the fence from public grids, ``direct_kwh`` from elsewhere. ``as_of`` is
    the last entry about certificates or factors; what is bought has the boundary's own.
    """

    amount: Amount
    grid_kwh: float
    covered_kwh: float
    direct_kwh: float
    residual: tuple[Residual, ...]
    uses: tuple[Use, ...]
    findings: tuple[Finding, ...]
    as_of: int

    @property
    def excess_kwh(self) -> float:
        """Certificates beyond what was bought from grids: they count for nothing."""
        return sum(use.excess_kwh for use in self.uses)


def market_based(
    fence: Fence,
    standing: Standing,
    ladder: Ladder,
    parks: Mapping[str, Collection[Place]] = NO_PARKS,
) -> Market:
    """Market-based Scope 2 of a boundary in the year of its network.

    ``standing`` and ``ladder`` are those of the network and its year. ``parks`` are the parks that
    the boundary is or is made of, with their places: of others no certificates count. Raises
    ``GasWithoutGwp``.
    """
    intake = _Intake(fence, standing)
    cover = _Cover(intake.powers, _green_power(fence, standing, parks), parks)
    mix = _Mix(ladder, fence.weights.gwp)
    residual = tuple(_residuals(cover.uncovered, mix))
    touched = standing.touched
    return Market(
        amount=sum((_amount(*each, mix) for each in cover.uncovered), intake.elsewhere),
        grid_kwh=sum(power.kwh for power in intake.powers),
        covered_kwh=sum(use.covered_kwh for use in cover.uses),
        direct_kwh=intake.direct_kwh,
        residual=residual,
        uses=tuple(cover.uses),
        findings=tuple(_findings(standing, ladder.year, residual, cover.uses, intake.unmeasured)),
        as_of=max(last_certified(standing), touched.get((Factors.TYPE, ""), -1)),
    )


def _green_power(
    fence: Fence, standing: Standing, parks: Mapping[str, Collection[Place]]
) -> dict[str, list[Used]]:
    """Certificates by the site or park that they are used for, sites first."""
    found: dict[str, list[Used]] = defaultdict(list)
    for used in used_for(standing, fence.network.year, sorted(fence.places), parks):
        if used.body.kind == GREEN_POWER:
            found[used.body.used_for].append(used)
    return found


# -- what crosses the fence ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Power:
    """Electricity from a public grid that a place takes in; ``located`` is location-based.

    ``place`` None: of an owner all of whose sites are inside, at which of them is not known.
    """

    place: Place | None
    grid: Grid
    kwh: float
    located: Amount


class _Intake:
    """What crosses the fence as energy, power from public grids apart from all else."""

    def __init__(self, fence: Fence, standing: Standing) -> None:
        self.fence, self.network, self.standing = fence, fence.network, standing
        self.suppliers: list[int] = fence.inflow.suppliers.tolist()
        self.unmeasured: list[str] = []
        """Names of power from a grid in units that say nothing of energy: it stays as it is."""
        self.grids = dict(self._grids())
        lacked = filter(_is_measured, fence.unmet)
        self.powers = [*self._delivered(), *map(self._lacked, lacked)]

    # -- from public grids ---------------------------------------------------------------------

    def _grids(self) -> Iterator[tuple[int, Grid]]:
        """Suppliers outside that are a grid, measured in units of energy."""
        for i in self.suppliers:
            node = self.network.nodes[i]
            grid = self._grid_of(i, node) if node.carrier == ELECTRIC else None
            if grid and _kilowatt_hours(node.unit) is not None:
                yield i, grid
            elif grid:
                self.unmeasured.append(node.name)

    def _grid_of(self, i: int, node: Node) -> Grid | None:
        """The grid whose mix a product is."""
        product = cast(Product, self.standing.products[str(node.product)].statement.body)
        if product.grid is not None:
            return Grid(product.grid)
        stand_in = self.network.stand_ins.get(i)
        return Grid(self._region(node)) if stand_in and stand_in.is_generation else None

    def _region(self, node: Node) -> str | None:
        """Of a grid that an undeclared product does not name: as it was estimated."""
        if node.place is not None:
            return region_of(self.standing, node.place.site)[0]
        owner = self.standing.enterprises.get(node.owner)
        return cast(Enterprise, owner.statement.body).country if owner else None

    def _delivered(self) -> Iterator[_Power]:
        """By place and supplier; what recipes and the rest of a place cancel out is left out."""
        edges, (over, bought) = self.network.edges, self.fence.crossing
        units_of: dict[tuple[Place | None, int], list[float]] = defaultdict(list)
        for k, amount in zip(over.tolist(), bought.tolist(), strict=True):
            if (i := int(edges.supplier[k])) in self.grids:
                place = self.network.nodes[int(edges.consumer[k])].place
                units_of[place, i].append(amount)
        for (place, i), amounts in units_of.items():
            total = sum(amounts)
            if abs(total) > ROUNDING * max(map(abs, amounts)):
                per_kwh = cast(float, _kilowatt_hours(self.network.nodes[i].unit))
                located = times(self._generated[i], total)
                yield _Power(place, self.grids[i], total * per_kwh, located)

    def _lacked(self, gap: Gap) -> _Power:
        kwh = gap.amount * cast(float, _kilowatt_hours(gap.unit))
        place = self.network.nodes[gap.node].place
        return _Power(place, cast(Grid, gap.grid), kwh, self._located(gap))

    # -- location-based ------------------------------------------------------------------------

    @cached_property
    def _generated(self) -> dict[int, Amount]:
        """Per declared unit of each supplier, what arose where it was generated."""
        per_unit, unknown = self.fence.generation
        columns = (column.tolist() for column in (*per_unit.T, unknown))
        rows = zip(*columns, strict=True)
        return {i: _generated(*row) for i, row in zip(self.suppliers, rows, strict=True)}

    def _located(self, gap: Gap) -> Amount:
        """What is estimated of energy that nobody describes; of other things nothing is energy."""
        if gap.estimate is not None and is_generation(gap):
            kg = co2e_of(gap.estimate.emissions, self.fence.weights.gwp)
            return Amount(0.0, kg, kg * gap.estimate.spread, Lacking.ESTIMATED)
        return Amount(0.0, lacking=Lacking.OPEN) if gap.category == ENERGY else NOTHING

    @property
    def elsewhere(self) -> Amount:
        """Energy from elsewhere than a grid, and what places do not tell."""
        told = NOTHING if self.fence.has_inflow else Amount(0.0, lacking=Lacking.OPEN)
        bought = zip(self.suppliers, self.fence.inflow.total.tolist(), strict=True)
        direct = (times(self._generated[i], n) for i, n in bought if i not in self.grids)
        lacked = (self._located(gap) for gap in self.fence.unmet if not _is_measured(gap))
        return sum((*direct, *lacked), told)

    @property
    def direct_kwh(self) -> float:
        """Electricity from elsewhere than a grid, where it is measured as energy."""
        bought = zip(self.suppliers, self.fence.inflow.total.tolist(), strict=True)
        nodes = ((self.network.nodes[i], n) for i, n in bought if i not in self.grids)
        power = ((n, _kilowatt_hours(x.unit)) for x, n in nodes if x.carrier == ELECTRIC)
        return float(sum(n * each for n, each in power if each is not None))


def _generated(known: float, filled: float, spread: float, is_unknown: bool) -> Amount:
    if is_unknown:
        return Amount(known, filled, spread, Lacking.OPEN)
    return Amount(known, filled, spread, Lacking.ESTIMATED if filled else Lacking.NOTHING)


def _is_measured(gap: Gap) -> bool:
    """Whether it is power from a grid, in a unit of energy."""
    return gap.grid is not None and _kilowatt_hours(gap.unit) is not None


def _kilowatt_hours(unit: str) -> float | None:
    """How many kWh one unit is; ``None``: it is no unit of energy."""
    stated, wanted = units.parse(unit), units.parse(KILOWATT_HOUR)
    if stated.dimension != wanted.dimension:
        return None
    return float(units.ratio(stated, wanted))


# -- what certificates cover --------------------------------------------------------------------


class _Cover:
    """Which kWh are covered. ``uncovered`` are the powers with what of each is left."""

    def __init__(
        self,
        powers: Sequence[_Power],
        certificates: Mapping[str, Sequence[Used]],
        parks: Mapping[str, Collection[Place]],
    ) -> None:
        self._powers, self._left = powers, [power.kwh for power in powers]
        self.uses = [
            self._use(holder, used, parks.get(holder)) for holder, used in certificates.items()
        ]

    @property
    def uncovered(self) -> list[tuple[_Power, float]]:
        return list(zip(self._powers, self._left, strict=True))

    def _use(self, holder: str, used: Sequence[Used], places: Collection[Place] | None) -> Use:
        """Cover what a site takes in, or a park at its ``places``, each power by the same share."""
        counted = tuple(each for each in used if not _is_distant(each))
        kwh = sum(each.amount_in(KILOWATT_HOUR) for each in counted)
        theirs = [
            at
            for at, power in enumerate(self._powers)
            if self._left[at] > 0 and _takes(power, holder, places)
        ]
        taken = sum(self._left[at] for at in theirs)
        share = min(1.0, kwh / taken) if taken else 0.0
        for at in theirs:
            self._left[at] *= 1.0 - share
        return Use(holder, counted, tuple(filter(_is_distant, used)), kwh, share * taken)


def _takes(power: _Power, holder: str, places: Collection[Place] | None) -> bool:
    if places is not None:
        return power.place is None or power.place in places
    return power.place is not None and power.place.site == holder


def _is_distant(used: Used) -> bool:
    vintage = used.body.vintage
    return vintage is not None and abs(used.body.year - vintage) > MOST_YEARS_APART


# -- what the rest emits ------------------------------------------------------------------------


class _Mix:
    """The residual mix of each grid, per kWh."""

    def __init__(self, ladder: Ladder, gwp: str) -> None:
        self._ladder, self._gwp = ladder, gwp
        self._known: dict[Grid, tuple[Factor, float] | None] = {}

    def of(self, grid: Grid) -> tuple[Factor, float] | None:
        """The factor and its kg CO2e per kWh."""
        if grid not in self._known:
            self._known[grid] = self._find(grid)
        return self._known[grid]

    def _find(self, grid: Grid) -> tuple[Factor, float] | None:
        found = self._ladder.best(("grid",), RESIDUAL_MIX, KILOWATT_HOUR, grid.region)
        if found is None:
            return None
        factor, ratio = found
        emitted = {
            Column(each.gas, each.origin, each.gwp): float(each.amount) * ratio
            for each in factor.row.emissions
        }
        return factor, co2e_of(emitted, self._gwp)


def _amount(power: _Power, kwh: float, mix: _Mix) -> Amount:
    """What ``kwh`` of a power emit that nothing covers."""
    if not kwh:
        return NOTHING
    found = mix.of(power.grid)
    if found is None:
        return times(power.located, kwh / power.kwh)
    factor, per_kwh = found
    kg = kwh * per_kwh
    if power.located.lacking is Lacking.NOTHING:
        return Amount(kg)
    return Amount(0.0, kg, kg * (factor.gsd**2 - 1), Lacking.ESTIMATED)


def _residuals(uncovered: Iterable[tuple[_Power, float]], mix: _Mix) -> Iterator[Residual]:
    """By region, where anything is left."""
    left: dict[Grid, float] = defaultdict(float)
    places: dict[Grid, set[Place | None]] = defaultdict(set)
    for power, kwh in uncovered:
        left[power.grid] += kwh
        places[power.grid] |= {power.place} if power.kwh else set()
    for grid, kwh in sorted(left.items(), key=lambda each: each[0].region or ""):
        found = mix.of(grid) if kwh else None
        if kwh:
            text, kg = (found[0].text, found[1]) if found else (None, None)
            yield Residual(grid.region, kwh, text, kg, frozenset(places[grid]))


# -- what was noticed ---------------------------------------------------------------------------


def _findings(
    standing: Standing,
    year: int,
    residual: Iterable[Residual],
    uses: Iterable[Use],
    unmeasured: Iterable[str],
) -> Iterator[Finding]:
    for each in residual:
        if each.stood_in:
            yield finding("residual-mix-absent", region=each.region or "?", year=year)
    for name in unmeasured:
        yield finding("grid-power-unmeasured", product=name)
    for use in uses:
        holder = _name(standing, use.holder)
        for used in use.refused:
            yield finding(
                "certificate-of-another-time",
                registry=used.body.registry,
                serial=used.body.serial,
                holder=holder,
                vintage=used.body.vintage,
                year=year,
                parties=_holding(use),
            )
        if use.excess_kwh > ROUNDING * use.kwh:
            excess = f"{use.excess_kwh / 1000:.6g}"
            yield finding(
                "certificates-in-excess",
                holder=holder,
                amount=excess,
                year=year,
                parties=_holding(use),
            )


def _holding(use: Use) -> tuple[Party, ...]:
    """Whose certificates they are, and the site that they are used for, if it is one."""
    held = dict.fromkeys((each.said.owner, each.body.site) for each in (*use.used, *use.refused))
    return tuple(Party(Side.CONSUMER, owner, site=site) for owner, site in held)


def _name(standing: Standing, holder: str) -> str:
    said = standing.sites.get(holder) or standing.parks.get(holder)
    return str(getattr(said.statement.body, "name", holder)) if said else holder
