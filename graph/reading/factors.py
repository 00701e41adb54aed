"""What stands in the place of a gap: the factor ladder.

An input that nobody upstream describes is estimated from the sets of factors that the registrar has
stated, on the first of these rungs that has a factor which fits:

1. **product average** (rows ``average`` and ``grid``): emissions per unit of what was taken in;
2. **spend-based** (rows ``spend``): emissions per unit of money that was paid for it;
3. nothing: the gap stays unknown, and so does every total above it.

Rows ``fuel`` are never used here. They say what *burning* a fuel emits, which is the buyer's own
Scope 1 (``graph.reading.direct``), not what making it has emitted; rows ``coal-equivalent`` say how
energy is counted (``graph.books.energy``).

**Which factor.** Of all rows that fit, the first in this order; so it depends on what stands and on
nothing else, least of all on the order of rows or parts.

==============  ==================================================================================
classification  a row for the very class before one for a class that contains it (fewest digits
                dropped first); of several classes the one with the longer code
region          the very region, then its country (``CN-JS`` → ``CN``), then rows for anywhere; a
                row for another region never
year            not later than the year asked for, the latest first; then the earliest later one
set             by name, then version, then the entry that states it, then the place in it
==============  ==================================================================================

A row whose unit the amount cannot be converted into is passed over. Amounts convert within a
dimension, and between mass and the product's declared unit by its mass per unit. Prices convert in
two steps, each at most once: by an exchange rate of the line's own price year, then by a price
index within the factor's currency. Price bases (basic, producer, purchaser, with tax) never convert
into one another, because nothing general says what margins and taxes a product bears.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias, cast

from graph.reading.network import Column, Estimate
from graph.terms import Rung
from ledger import identifiers, units
from ledger.errors import UnitMismatch
from ledger.recent import Recent
from ledger.standing import Said, Standing
from ledger.statements import FactorRow, Factors, Product

DEFAULT_GSD: Final[Mapping[str, float]] = {
    "grid": 1.04,
    "fuel": 1.04,
    "average": 1.24,
    "spend": 1.44,
}
"""Geometric standard deviation by kind of row, where a row states none.

exp(√Σσ²) over the default variances of the pedigree matrix (Weidema et al. 2013, ecoinvent data
quality guideline 3); the scores are argued in docs/decisions/0016.
"""
NESTED_BY_DIGITS: Final = frozenset({"cpc", "hs", "isic", "naics"})
"""Classifications in which dropping the last digit of a code names the class that contains it."""

_RUNGS: Final = ((Rung.AVERAGE, ("average", "grid")), (Rung.SPEND, ("spend",)))
_ANYWHERE: Final = 2
"""The rank of rows for anywhere, after the very region and its country."""
_Conversion: TypeAlias = tuple[float, int]
"""How many of the factor's unit one of the line's is, and the last entry that says so."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A row of a set that stands. ``place`` is its part and its position in that, from 0."""

    set: str
    version: str
    row: FactorRow
    year: int
    index: int
    place: tuple[int, int]

    @property
    def text(self) -> str:
        """What a reader finds it by."""
        about = ", ".join(filter(None, (self.row.of, self.row.region, str(self.year))))
        return f"{self.set} {self.version}: {self.row.name} ({about})"

    @property
    def gsd(self) -> float:
        return float(self.row.gsd) if self.row.gsd is not None else DEFAULT_GSD[self.row.kind]

    @property
    def order(self) -> tuple[str, str, int, tuple[int, int]]:
        """What decides between factors that fit equally well."""
        return self.set, self.version, self.index, self.place


@dataclass(frozen=True)
class FactorSet:
    """A set all of whose parts stand; ``index`` is the last entry that states one of them."""

    said: tuple[Said, ...]

    @property
    def head(self) -> Factors:
        """The first part, for what all of them say alike."""
        return cast(Factors, self.said[0].statement.body)

    @property
    def index(self) -> int:
        return max(said.index for said in self.said)

    @property
    def factors(self) -> Iterator[Factor]:
        for said in self.said:
            part = cast(Factors, said.statement.body)
            for i, row in enumerate(part.rows):
                year = part.year if row.year is None else row.year
                yield Factor(part.name, part.version, row, year, said.index, (part.part.k, i))


def factor_sets(standing: Standing) -> tuple[FactorSet, ...]:
    """The sets that stand, by name: those of which all parts of one version are stated.

    While a version replaces another part by part, neither is complete, and the set does not stand.
    """
    parts: dict[tuple[str, str, int], dict[int, Said]] = defaultdict(dict)
    for said in standing.statements(Factors.TYPE):
        body = cast(Factors, said.statement.body)
        parts[body.name, body.version, body.part.n][body.part.k] = said
    return tuple(
        FactorSet(tuple(pieces[k] for k in sorted(pieces)))
        for (_, _, n), pieces in sorted(parts.items())
        if len(pieces) == n
    )


class Ladder:
    """The factors that stand, to be asked about one year.

    Answers are remembered, so what is asked often costs one look-up.
    """

    def __init__(self, factors: Iterable[Factor], year: int) -> None:
        self.year = year
        self._factors = tuple(factors)
        self._of: dict[tuple[str, str], list[Factor]] = defaultdict(list)
        self._conversions: dict[tuple[str, str], Factor] = {}
        self._found: dict[tuple[object, ...], Estimate | None] = {}
        for factor in sorted(self._factors, key=lambda each: each.order):
            row = factor.row
            if row.of is not None:
                self._of[row.kind, identifiers.parse(row.of).key].append(factor)
            elif row.to is not None:
                self._conversions.setdefault((row.unit, row.to), factor)

    @classmethod
    def of(cls, standing: Standing, year: int) -> Ladder:
        """The ladder of what stands: a pure function of both, remembered because few sets change
        and all of their rows would be read anew."""
        stated = tuple((said.index, said.digest) for said in standing.statements(Factors.TYPE))
        if (known := _LADDERS.get((stated, year))) is not None:
            return known
        factors = (each for found in factor_sets(standing) for each in found.factors)
        return _LADDERS.put((stated, year), cls(factors, year))

    def rows(self) -> tuple[Factor, ...]:
        """Every factor that stands, by set, part and position."""
        return self._factors

    def stated(self, kind: str, urn: str) -> Sequence[Factor]:
        """The rows of a kind for the very ``urn``, by what decides between them."""
        return self._of.get((kind, identifiers.parse(urn).key), [])

    def estimate(
        self,
        amount: float,
        unit: str,
        classes: Sequence[str],
        region: str | None,
        product: Product | None,
    ) -> Estimate | None:
        """kg by column for ``amount`` of ``unit`` of what belongs to ``classes`` (URNs).

        ``region`` is where it comes from; without one only rows for anywhere fit. ``product``, if
        it is registered, bridges between mass and its declared unit. ``index`` is the last of the
        entries that the estimate rests on, conversions included. ``None``: no rung reaches it.
        """
        mass = (product.unit, product.mass_per_unit) if product else None
        asked = (unit, tuple(classes), region, mass)
        if asked not in self._found:
            self._found[asked] = self._for_one(unit, classes, region, product)
        found = self._found[asked]
        return found.scaled(amount) if found else None

    def best(
        self, kinds: Sequence[str], urn: str, unit: str, region: str | None
    ) -> tuple[Factor, float] | None:
        """The row for the very ``urn`` that fits best, and how many of its unit one ``unit`` is.

        A class that contains the one asked for does not fit: what burns like one fuel does not
        burn like its family. ``None``: there is no such row in a unit that converts.
        """
        for factor in self._fitting(kinds, (identifiers.parse(urn).key,), region):
            ratio = _ratio(unit, factor.row.unit, None)
            if ratio is not None:
                return factor, ratio
        return None

    def _for_one(
        self, unit: str, classes: Sequence[str], region: str | None, product: Product | None
    ) -> Estimate | None:
        """The estimate for one ``unit``."""
        specific = _by_specificity(classes)
        for rung, kinds in _RUNGS:
            for factor in self._fitting(kinds, specific, region):
                converted = self._converted(unit, factor, product)
                if converted is not None:
                    return _estimate(rung, factor, *converted)
        return None

    def _fitting(
        self, kinds: Sequence[str], specific: Sequence[str], region: str | None
    ) -> list[Factor]:
        """Rows that are for one of the classes and for the region, best first."""
        ranked = [
            ((place, rank, _year_rank(factor, self.year)), factor.order, factor)
            for place, key in enumerate(specific)
            for kind in kinds
            for factor in self._of.get((kind, key), ())
            if (rank := _region_rank(factor, region)) is not None
        ]
        return [factor for *_, factor in sorted(ranked, key=lambda each: each[:2])]

    def _converted(self, unit: str, factor: Factor, product: Product | None) -> _Conversion | None:
        paid, priced = units.price_of(unit), units.price_of(factor.row.unit)
        if paid is not None and priced is not None:
            return self._exchanged(paid, priced)
        ratio = _ratio(unit, factor.row.unit, product)
        return None if ratio is None else (ratio, factor.index)

    def _exchanged(self, paid: units.Price, priced: units.Price) -> _Conversion | None:
        """By an exchange rate of the line's price year, then by a price index; or not at all."""
        if paid.basis != priced.basis:
            return None
        between = units.Price(priced.currency, paid.year, paid.basis)
        rate, index = self._step(paid, between), self._step(between, priced)
        return (rate[0] * index[0], max(rate[1], index[1])) if rate and index else None

    def _step(self, source: units.Price, target: units.Price) -> _Conversion | None:
        """As a row states it, else the other way round."""
        if source == target:
            return 1.0, -1
        if stated := self._conversions.get((source.code, target.code)):
            return float(cast(Decimal, stated.row.factor)), stated.index
        if stated := self._conversions.get((target.code, source.code)):
            return 1 / float(cast(Decimal, stated.row.factor)), stated.index
        return None


_LADDERS: Final[Recent[tuple[tuple[tuple[int, str], ...], int], Ladder]] = Recent(16)


def _estimate(rung: Rung, factor: Factor, ratio: float, last: int) -> Estimate:
    return Estimate(
        rung=rung,
        emissions={
            Column(each.gas, each.origin, each.gwp): float(each.amount) * ratio
            for each in factor.row.emissions
        },
        gsd=factor.gsd,
        factor=factor.text,
        index=max(factor.index, last),
        is_generation=factor.row.kind == "grid",
    )


def _by_specificity(classes: Iterable[str]) -> list[str]:
    """Keys of the classes and of what contains them: fewest digits dropped, then longest code."""
    dropped: dict[str, int] = {}
    for urn in classes:
        for steps, key in enumerate(containing(urn)):
            dropped[key] = min(steps, dropped.get(key, steps))
    return sorted(dropped, key=lambda key: (dropped[key], -len(key.rpartition(":")[2]), key))


def containing(urn: str) -> Iterator[str]:
    """The key of a class, then those of the classes that contain it, nearest first."""
    named = identifiers.parse(urn)
    yield named.key
    if named.scheme in NESTED_BY_DIGITS and named.value.isdecimal():
        for length in range(len(named.value) - 1, 0, -1):
            yield f"urn:{named.scheme}:{named.value[:length]}"


def _region_rank(factor: Factor, region: str | None) -> int | None:
    """``None``: the factor is for another region."""
    held = factor.row.region
    if held is None:
        return _ANYWHERE
    ranks = (region, region.partition("-")[0]) if region else ()
    return ranks.index(held) if held in ranks else None


def _year_rank(factor: Factor, year: int) -> tuple[bool, int]:
    return factor.year > year, abs(factor.year - year)


def _ratio(unit: str, target: str, product: Product | None) -> float | None:
    """How many ``target`` one ``unit`` is; ``None``: nothing bridges the two."""
    source, wanted = units.parse(unit), units.parse(target)
    if source.dimension == wanted.dimension:
        return float(units.ratio(source, wanted))
    if product is None or not product.mass_per_unit:
        return None
    declared, kilogram = units.parse(product.unit), units.parse("KGM")
    try:
        amount = units.ratio(source, declared, product.mass_per_unit)
        if declared.dimension == wanted.dimension:
            return float(units.convert(amount, declared, wanted))
        return float(units.convert(amount * product.mass_per_unit, kilogram, wanted))
    except UnitMismatch:
        return None
