"""A product's figure as a PACT footprint: what is told, what stands in, and what is left out. Pure.

The figure of a calendar year, as the product's owner may show it, cradle to gate under one GWP set
(``graph.figures.footprint``). One declared unit of the product is the declared unit of the
footprint: of a product in tonnes, 1000 kilograms. So its values need no scaling.

==============================  =================================================================
``fossilGhgEmissions``,         what the figure's columns say of their origin; where an origin is
``landUseChangeGhgEmissions``,  unknown or would tell what is not disclosed, no part is told and
``biogenicNonCO2Emissions``     0 stands in for the first, as WBCSD's usability model allows
``pcfExcludingBiogenicUptake``  their sum, exact in decimals; removals and captured carbon that
                                suppliers state stand apart and lower nothing
``pcfIncludingBiogenicUptake``  that and ``biogenicCO2Uptake``, where any was stated
``fossilCarbonContent``,        0, and ``N/A``: nothing in the log tells, the schema asks, and the
``crossSectoralStandards``,     model allows; the comment says so. Exempted is 0 because a figure
``exemptedEmissionsPercent``    from which anything is left out is not handed out
==============================  =================================================================

Numbers have nine significant digits of the largest of them, so that what rounding does to sums in
another order changes nothing that is handed out.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, cast

import numpy as np

from api.access.access import Access, Sight
from api.access.rule_of_three import allows
from api.errors import (
    FewerThanThree,
    FigureOpenEnded,
    MassUnknown,
    NotByRecipe,
)
from api.figures.parts import columns_of
from api.pact import provenance
from api.pact.geography import geography_of
from api.quality.answers import Shown, shown_of_product
from graph.engine import Answered, Question
from graph.figures.footprint import ProductFootprint, mix_of, product_footprint
from graph.reading.network import Floats, Node
from graph.reading.openings import UNSPECIFIED
from graph.reading.year import Year
from graph.soundness.usability import NOT_AVAILABLE
from graph.terms import Feed
from graph.tracing.draws import Draw, draw_of_product
from graph.tracing.facts import DIMENSIONS, facts_of
from graph.tracing.quality import Mask, Origins, Quality
from graph.version import VERSION
from ledger import pact, units
from ledger.schema import load
from ledger.statements import Enterprise, Factors, Footprint, Product, Site

SPEC_VERSION: Final = "3.0.3"
DIGITS: Final = 9
"""Significant digits of the largest number of a footprint; the others end where it does."""
GWP: Final = "AR6"
_PARTS: Final = {
    "fossil": "fossilGhgEmissions",
    "land-use": "landUseChangeGhgEmissions",
    "biogenic": "biogenicNonCO2Emissions",
}
"""Origin of a column -> the part of the total that it makes up."""
ADDED_UP: Final = frozenset(
    (
        "pcfExcludingBiogenicUptake",
        "pcfIncludingBiogenicUptake",
        "biogenicCO2Uptake",
        *_PARTS.values(),
    )
)
"""Members that are sums of many numbers; all others are words, or rounded to fewer places."""
_RATINGS: Final = dict(
    zip(DIMENSIONS, ("technologicalDQR", "geographicalDQR", "temporalDQR"), strict=True)
)
_WITHOUT_MASS: Final = ("energy", "freight", "time", "data")
"""Dimensions of energy, transport and services, of which PACT says that the mass is 0."""
_PACT_CODES: Final = frozenset(map(units.from_pact, pact.DECLARED_UNITS))
_IN_PACT: Final = {
    "mass": "KGM",
    "energy": "3B",
    "volume": "MTQ",
    "area": "MTK",
    "time": "HUR",
    "count": "H87",
}
_IN_KWH: Final = ("WHR", "MWH", "GWH", "D32")
_ONE: Final = Decimal(1)
_REPORT: Final = re.compile(r"AR\d+", re.ASCII)
_PER_CENT: Final = 100
_DAYS_IN_YEAR: Final = 365.25
_BOUNDARY: Final = (
    "Cradle to gate: what is emitted where the product is made, by its recipe, and everything "
    "upstream of it that suppliers have stated. Removals and captured carbon, where any were "
    "stated, are not deducted."
)
_FILLED_IN: Final = (
    "Not known, and filled in as WBCSD's usability model allows: fossilCarbonContent and "
    "exemptedEmissionsPercent with 0, crossSectoralStandards with N/A%(fossil)s."
)
_FOSSIL_TOO: Final = ", fossilGhgEmissions with 0 because the parts of the total are not told"
_NO_UPTAKE: Final = "No biogenic uptake is told: the total with it repeats the total without it."
"""Whether nobody stated any, or one supplier did that cannot be told apart, is not said."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A figure as it would be handed out.

    ``members`` are those of a product footprint but for ``id``, ``created``, ``precedingPfIds``
    and ``status``; ``as_of`` is the last entry that had a say in them.
    """

    members: dict[str, Any]
    provenance: dict[str, Any]
    as_of: int
    start: dt.datetime
    end: dt.datetime


def span_of(answered: Answered, product: str) -> tuple[dt.datetime, dt.datetime] | None:
    """The year as it passes where a product is made by recipes; ``None`` where it is not."""
    zones = {zoneinfo.ZoneInfo(site.time_zone) for site in _sites(answered, product)}
    if not zones:
        return None
    first, after = (dt.date(year, 1, 1) for year in (answered.year, answered.year + 1))
    starts, ends = (
        [dt.datetime.combine(day, dt.time(), zone) for zone in zones] for day in (first, after)
    )
    return min(starts), max(ends)


def is_declared(answered: Answered, product: str) -> bool:
    """Whether a footprint that its owner declared stands for the year, and all of the product.

    One whose reference period has its middle in the year; of a product made at several sites, one
    for a single site is no word about the others.
    """
    made_at = {site.id for site in _sites(answered, product)}
    stated = (
        cast(Footprint, said.statement.body)
        for said in Year(answered.standing, answered.year).footprints(product)
    )
    of_year = [each for each in stated if each.pact.pcf.reference_year == answered.year]
    in_force = [each.site for each in of_year if each.pact.status != "Deprecated"]
    return bool(in_force) and (None in in_force or made_at <= set(in_force))


def _sites(answered: Answered, product: str) -> list[Site]:
    """Where recipes of the year say that a product is made."""
    network = answered.solved.network
    nodes = (network.nodes[i] for i in network.nodes_of.get(product, []))
    ids = {node.place.site for node in nodes if node.place and node.feed is Feed.RECIPE}
    said = (answered.standing.sites.get(site) for site in sorted(ids))
    return [cast(Site, each.statement.body) for each in said if each is not None]


class Making:
    """One figure on its way into a document, with what its owner may show of it."""

    def __init__(self, answered: Answered, product: str, access: Access) -> None:
        """Raises for what forbids to hand the figure out; see `computed`."""
        self.answered, self.access = answered, access
        solved, weights = answered.solved, answered.weights
        network = solved.network
        fed = {network.nodes[i].feed for i in network.nodes_of.get(product, [])} - {Feed.NONE}
        if fed and fed != {Feed.RECIPE}:
            raise NotByRecipe(year=answered.year)
        self.figure: ProductFootprint = product_footprint(solved, product, weights)
        asked = Question(answered.year, answered.gwp)
        self.sight: Sight = access.require_footprint(product, solved, asked)
        if self.figure.amount.value is None:
            raise FigureOpenEnded(year=answered.year)
        if not (self.figure.amount.complete or self._tells_filled):
            raise FewerThanThree
        facts = facts_of(answered.standing, solved.network)
        self.draw: Draw = draw_of_product(solved, weights, facts, product)
        said = answered.standing.products[product]
        self.product = cast(Product, said.statement.body)

    @property
    def _tells_filled(self) -> bool:
        filled = columns_of(self.sight.hidden, self.answered.solved.estimated)
        return allows(len(set[str]().union(*filled.values())))

    # -- the total and its parts ---------------------------------------------------------------

    @cached_property
    def columns(self) -> Floats:
        """(k,) kg by column per declared unit, what is filled in included."""
        nodes, mix = mix_of(self.answered.solved, self.figure.product, None)
        return np.asarray(self.figure.columns + mix @ self.answered.solved.estimated[nodes])

    @cached_property
    def _met(self) -> dict[str, list[int]]:
        """Origin -> the columns of it that have anything in them and count, or are taken up."""
        met: dict[str, list[int]] = {}
        weights, columns = self.answered.weights, self.answered.solved.network.columns
        for k in np.flatnonzero(self.columns).tolist():
            if weights.gross[k] or columns[k].origin in weights.apart:
                met.setdefault(columns[k].origin, []).append(k)
        return met

    def _may_tell(self, columns: Iterable[int]) -> bool:
        """Whether what is known and what is filled in of these columns may be told apart."""
        solved, among = self.answered.solved, list(columns)
        tables = (columns_of(self.sight.hidden, t) for t in (solved.footprints, solved.estimated))
        behind = (set[str]().union(*(hidden[k] for k in among)) for hidden in tables)
        return all(allows(len(enterprises)) for enterprises in behind)

    @cached_property
    def parts(self) -> dict[str, float] | None:
        """The parts of the total by PACT member, kg CO2e; ``None`` where they are not told."""
        told = {origin: at for origin, at in self._met.items() if origin in _PARTS}
        kg = {_PARTS[origin]: self._kg(at) for origin, at in told.items()}
        may = all(map(self._may_tell, told.values()))
        if UNSPECIFIED in self._met or not may or any(part < 0 for part in kg.values()):
            return None
        return {_PARTS["fossil"]: 0.0, **kg}

    def _kg(self, columns: list[int]) -> float:
        return float(self.columns[columns] @ self.answered.weights.gross[columns])

    @cached_property
    def uptake(self) -> float | None:
        """CO2 taken up from the air, kg CO2e, zero or less; ``None`` unknown or not told."""
        taken_up = self._met.get("uptake", [])
        if not taken_up or not self._may_tell(taken_up):
            return None
        return min(0.0, float(self.columns[taken_up].sum()))

    def emissions(self) -> dict[str, str]:
        """Totals and parts; they add up exactly."""
        parts = self.parts
        whole = {"total": cast(float, self.figure.amount.value)} if parts is None else parts
        taken_up = {} if self.uptake is None else {"biogenicCO2Uptake": self.uptake}
        rounded = _rounded({**whole, **taken_up})
        excluding = sum((rounded[name] for name in whole), Decimal(0))
        told = {name: rounded[name] for name in (*(parts or ()), *taken_up)}
        totals = {
            "pcfExcludingBiogenicUptake": excluding,
            "pcfIncludingBiogenicUptake": excluding + rounded.get("biogenicCO2Uptake", 0),
        }
        stands_in = {"fossilGhgEmissions": Decimal(0)} if parts is None else {}
        return {name: _plain(each) for name, each in (totals | stands_in | told).items()}

    def reports(self) -> list[str]:
        """Assessment reports of the GWP values; of those that others stated their totals under,
        the ones that may be told."""
        told = (under for under, columns in self._foreign.items() if self._may_tell(columns))
        return sorted({self.answered.gwp, *(report for u in told for report in _REPORT.findall(u))})

    @property
    def hides_reports(self) -> bool:
        """Whether there may be other reports than those that are told."""
        return not all(map(self._may_tell, self._foreign.values()))

    @cached_property
    def _foreign(self) -> dict[str, list[int]]:
        """GWP sets that totals were stated under -> the columns that hold them."""
        found: dict[str, list[int]] = {}
        for k in (k for at in self._met.values() for k in at):
            under = self.answered.solved.network.columns[k].stated_under
            if under and under != self.answered.gwp:
                found.setdefault(under, []).append(k)
        return found

    # -- the data behind it --------------------------------------------------------------------

    @cached_property
    def origins(self) -> Origins:
        return Origins.of(self.draw)

    @cached_property
    def quality(self) -> Quality:
        return self.origins.quality

    @cached_property
    def shown(self) -> Shown:
        return shown_of_product(self.answered, self.draw, self.sight)

    def told_of_data(self) -> dict[str, Any]:
        """Primary-data share, ratings, sources of estimates; each only where it is known."""
        told: dict[str, Any] = {}
        primary = self.quality.primary.value
        if "primary" in self.shown.shares and primary is not None:
            told["primaryDataShare"] = _plain(_to(primary * _PER_CENT, 2))
        if (ratings := self._ratings()) is not None:
            told["dqi"] = ratings
        if sources := self._sources():
            told["secondaryEmissionFactorSources"] = sources
        return told

    def _ratings(self) -> dict[str, str] | None:
        averages = {name: self.quality.ratings[name].value for name in DIMENSIONS}
        if not all(name in self.shown.shares for name in DIMENSIONS):
            return None
        told = {_RATINGS[n]: _plain(_to(v, 2)) for n, v in averages.items() if v is not None}
        return told if len(told) == len(_RATINGS) else None

    def _sources(self) -> list[dict[str, str]]:
        """Sets of factors that fill in for what open nodes lack."""
        fillings = self.draw.fillings()
        at = {each.estimate.index for i, each, _ in fillings if i in self.sight.open_nodes}
        sets = {
            (body.name, body.version)
            for said in self.answered.standing.statements(Factors.TYPE)
            if said.index in at and isinstance(body := said.statement.body, Factors)
        }
        return [{"name": name, "version": version} for name, version in sorted(sets)]

    def on_behalf_share(self) -> float | None:
        """Share of the carbon that was declared on somebody's behalf, where it may be told."""
        network, spoken_for = self.answered.solved.network, self.answered.spoken_for
        nodes = self.draw.nodes
        is_held = np.array(
            [not spoken_for.isdisjoint(_described(network.nodes[int(i)])) for i in nodes], bool
        )
        carbon = self.quality.carbon
        if not is_held.any() or not carbon:
            return 0.0
        if self.sight.hidden and not self._may_tell_apart(is_held):
            return None
        return float(np.abs(self.draw.emitted[is_held]).sum() / carbon)

    def _may_tell_apart(self, is_held: Mask) -> bool:
        """Whether those behind what ``is_held`` and behind the rest are nobody, or three each."""
        solved, nodes = self.answered.solved, self.draw.nodes
        own = np.abs(self.answered.weights.co2e(solved.network.direct[nodes]))
        arising = np.zeros((len(solved.network.nodes), 2))
        arising[nodes, 0], arising[nodes, 1] = own * is_held, own * ~is_held
        sides = columns_of(self.sight.hidden, solved.plan.footprints(arising)).values()
        return all(allows(len(behind)) for behind in sides)


def _described(node: Node) -> Iterator[str]:
    if node.product:
        yield node.product
    if node.place:
        yield node.place.site


def computed(
    answered: Answered, product: str, access: Access, log: Mapping[str, str], issued: dt.date
) -> Computed:
    """The figure of ``product`` as a footprint of the year that is ``answered``.

    ``access`` is that of the product's owner, ``issued`` the day it is handed out (UTC).

    Raises
    ------
    NoDataForYear, LoopGain, SitesWithoutOutput, GasWithoutGwp
        There is no figure (``graph.figures.footprint``).
    NotByRecipe
        It would not rest on recipes of the year.
    FewerThanThree
        It would tell what one or two enterprises keep to themselves.
    FigureOpenEnded
        Something upstream is missing and nothing estimates it.
    MassUnknown, UnitNotInPact
        PACT asks for what is not registered, or has no unit for the product's.
    """
    making = Making(answered, product, access)
    start, end = cast(tuple[dt.datetime, dt.datetime], span_of(answered, product))
    owner = access.caller.enterprise or ""
    said = answered.standing.enterprises.get(owner)
    enterprise = cast(Enterprise, said.statement.body) if said else None
    domain = log["origin"].split("/")[0]
    made = making.product
    pcf = {
        **declared_unit(made),
        "referencePeriodStart": _z(start),
        "referencePeriodEnd": _z(end),
        **geography_of(_sites(answered, product)),
        "boundaryProcessesDescription": _BOUNDARY,
        **making.emissions(),
        "fossilCarbonContent": "0",
        "ipccCharacterizationFactors": making.reports(),
        "crossSectoralStandards": [NOT_AVAILABLE],
        "exemptedEmissionsPercent": "0",
        **making.told_of_data(),
    }
    classes = list(made.classifications)
    members = {
        "specVersion": SPEC_VERSION,
        "companyName": enterprise.name if enterprise else owner,
        "companyIds": list(enterprise.identifiers if enterprise else ())
        or [f"urn:pact:{domain}:company-id:{owner}"],
        "productDescription": made.name,
        "productIds": list(made.identifiers) or [f"urn:pact:{domain}:product-id:{product}"],
        **({"productClassifications": classes} if classes else {}),
        "productNameCompany": made.name,
        "comment": _comment(making),
        "pcf": pcf,
    }
    read = load(pact.ProductFootprint, {**members, **_UNNAMED, "created": _z(end)})
    return Computed(
        members=members,
        provenance={**_origin(making, log, end, issued), **provenance.grades(read, issued)},
        as_of=_as_of(making, owner),
        start=start,
        end=end,
    )


_UNNAMED: Final = {"id": "00000000-0000-0000-0000-000000000000", "status": "Active"}


def declared_unit(product: Product) -> dict[str, str]:
    """One declared unit of a product in PACT's units, and its mass.

    What PACT has no unit for, gas at normal conditions or lengths, is given by its mass.
    """
    unit = units.parse(product.unit)
    mass = _mass(product, unit)
    code = _code_in_pact(unit)
    if code is None and mass <= 0:
        units.to_pact(product.unit)
    amount = units.convert(_ONE, unit, units.parse(code)) if code else mass
    return {
        "declaredUnitOfMeasurement": units.to_pact(code or "KGM"),
        "declaredUnitAmount": _plain(amount),
        "productMassPerDeclaredUnit": _plain(mass),
    }


def _mass(product: Product, unit: units.Unit) -> Decimal:
    if unit.dimension == "mass":
        return unit.factor
    if product.mass_per_unit is not None:
        return product.mass_per_unit
    if unit.dimension in _WITHOUT_MASS:
        return Decimal(0)
    raise MassUnknown(product=product.name)


def _code_in_pact(unit: units.Unit) -> str | None:
    if unit.code in _PACT_CODES:
        return unit.code
    return "KWH" if unit.code in _IN_KWH else _IN_PACT.get(unit.dimension)


def _comment(making: Making) -> str:
    told_apart = making.parts is not None
    sentences = [_FILLED_IN % {"fossil": "" if told_apart else _FOSSIL_TOO}]
    if making.uptake is None:
        sentences.append(_NO_UPTAKE)
    if not making.figure.amount.complete:
        sentences.append("What suppliers left unsaid is estimated and included.")
    if making.hides_reports:
        sentences.append("Suppliers may have stated totals under other sets of GWP values.")
    if _code_in_pact(units.parse(making.product.unit)) is None:
        sentences.append(f"The declared unit is 1 {making.product.unit}, given by its mass.")
    return " ".join(sentences)


def _origin(
    making: Making, log: Mapping[str, str], end: dt.datetime, issued: dt.date
) -> dict[str, Any]:
    answered, figure, quality = making.answered, making.figure, making.quality
    filled = figure.amount.filled / figure.amount.value if figure.amount.value else 0.0
    estimated = min(max(filled, 0.0), 1.0)
    verified = {str(level): min(share, 1.0) for level, share in quality.verified.items()}
    told = {
        "kind": provenance.COMPUTED,
        "log": dict(log),
        "question": {"product": figure.product, "year": answered.year, "gwp": answered.gwp},
        "engine": VERSION,
        **provenance.shares(
            coverage=1 - estimated,
            estimatedShare=estimated,
            verifiedShare=verified if "verified" in making.shown.shares else None,
            onBehalfShare=making.on_behalf_share(),
        ),
    }
    if "age" in making.shown.shares and quality.age.value is not None:
        since = (issued - end.date()).days
        told["ageDays"] = max(0, round(quality.age.value * _DAYS_IN_YEAR) + since)
    return told


def _as_of(making: Making, owner: str) -> int:
    touched, product = making.answered.standing.touched, making.figure.product
    about = [("enterprise", owner), ("product", product), ("transfer", product)]
    about += [("site", site.id) for site in _sites(making.answered, product)]
    named = (touched.get(each, -1) for each in about)
    return max(making.figure.as_of, making.origins.as_of, *named)


def _rounded(values: Mapping[str, float]) -> dict[str, Decimal]:
    """To as many places as leave the largest `DIGITS` digits."""
    largest = max(map(abs, values.values()))
    places = DIGITS - 1 - math.floor(math.log10(largest)) if largest else 0
    return {name: _to(value, places) for name, value in values.items()}


def _to(value: float, places: int) -> Decimal:
    return Decimal(repr(value)).quantize(Decimal(1).scaleb(-places))


def _plain(number: Decimal) -> str:
    """Without exponent, trailing zeros, or a minus before zero."""
    return format(number.normalize(), "f") if number else "0"


def _z(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
