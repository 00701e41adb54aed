"""What the statements behind a network say of their data.

    facts = f(what stands, network)

A node's own emissions come from statements: recipes, a footprint, the inventory of a place. Each is
a **datum** with what it says of itself (primary share, ratings, spread), when it was measured and
whether a verifier stands behind it. Its amounts come from input lines, which say whether they are
primary data and how sure they are.

Nothing is read before it is asked for, and everything once: asking of every node costs O(n), asking
of some nodes what these cost.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Final, TypeAlias, cast

import numpy as np

from graph.findings import Finding, finding
from graph.kept import kept
from graph.reading.assurance import Assurance, assurance_of, last_word_on
from graph.reading.direct import direct_of
from graph.reading.factors import Ladder
from graph.reading.flows import inventories_of, region_of
from graph.reading.links import lines_of
from graph.reading.masses import bridges_by_mass
from graph.reading.network import Column, Estimate, Floats, Ints, Network, Node, Vector
from graph.reading.openings import (
    Described,
    basis_of,
    in_declared_unit,
    is_mass_disputed,
    open_product,
)
from graph.reading.references import Listed, class_key
from graph.reading.year import Place, Standby, Whole, Year
from graph.terms import Feed
from ledger import identifiers
from ledger.errors import UnitMismatch
from ledger.pact import DataQualityIndicators
from ledger.standing import Said, Standing
from ledger.statements import (
    DataQuality,
    Emission,
    InputLine,
    Inventory,
    Product,
    Recipe,
    Reference,
)

DIMENSIONS: Final = ("technology", "geography", "time")
"""What ratings are about (PACT v3: technologicalDQR, geographicalDQR, temporalDQR)."""


Ratings: TypeAlias = tuple[float | None, float | None, float | None]
"""In the order of ``DIMENSIONS``, 1 (best) to 5; ``None`` is unknown."""
_UNRATED: Final[Ratings] = (None, None, None)


@dataclass(frozen=True, slots=True)
class Datum:
    """A statement as the source of a node's own emissions.

    ``emissions`` are its part of them, kg by column, where there are several; ``index`` is the
    entry that states it, ``as_of`` the last that had a say in who assures it, ``middle`` the middle
    day of what it was measured in. ``primary`` is a share from 0 to 1. ``None`` is unknown
    throughout, but for ``assurance``: nobody assures it.
    """

    index: int
    emissions: Vector
    primary: float | None
    ratings: Ratings
    gsd: float | None
    assurance: Assurance | None
    middle: dt.date
    as_of: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Amount:
    """A line's part of what a node takes in of a product; ``gsd`` ``None``: not stated."""

    share: float
    is_primary: bool
    gsd: float | None


@dataclass(frozen=True, slots=True)
class Filling:
    """What the factor ladder puts at a node: for itself, or for a gap in what it takes in.

    ``category`` is that of the gap, and ``supplier`` who was to fill it.
    """

    estimate: Estimate
    supplier: str | None
    category: int | None


Taken: TypeAlias = tuple[str | None, int]
"""A product and the category it is taken in under."""
NOBODY_ELSE: Final[Mapping[int, int]] = MappingProxyType({})


def facts_of(standing: Standing, network: Network, valid_on: dt.date | None = None) -> Facts:
    """What stands behind ``network``, which must be that of ``standing`` and ``valid_on``.

    Kept with the network, whose numbers it speaks in: a year that is read anew numbers its nodes
    anew. What is said of data moves no network, so several standings may share one.
    """
    # The facts hold their standing, so no other has its id while they are kept.
    name = "facts", id(standing), valid_on
    return kept(network, name, lambda: Facts(standing, network, valid_on))


class Facts:
    """Reads what stands behind the nodes of a network, once and when it is asked for."""

    def __init__(self, standing: Standing, network: Network, valid_on: dt.date | None) -> None:
        self.network = network
        self._standing = standing
        self._year = Year(standing, network.year, valid_on)
        self._day = valid_on or dt.date(network.year, 12, 31)
        self._described: dict[int, Described | None] = {}
        self._data: dict[int, tuple[Datum, ...]] = {}
        self._amounts: dict[int, Mapping[Taken, tuple[Amount, ...]]] = {}

    @property
    def end(self) -> dt.date:
        """The day from which ages are counted back: the first after the time asked about."""
        return self._day + dt.timedelta(days=1)

    def data(self, node: int) -> tuple[Datum, ...]:
        """The statements that a node's own emissions come from; none of what nothing describes."""
        if node not in self._data:
            self._data[node] = tuple(self._read_data(node))
        return self._data[node]

    def amounts(self, node: int) -> Mapping[Taken, tuple[Amount, ...]]:
        """What a node's lines say of their amounts, for products of which any says something.

        Shares of one product sum to 1. Of a product that is not there, nothing is said.
        """
        if node not in self._amounts:
            self._amounts[node] = self._read_amounts(node)
        return self._amounts[node]

    def said_of(
        self, edges: Ints, takes: Mapping[int, int] = NOBODY_ELSE
    ) -> Iterator[tuple[int, tuple[Amount, ...]]]:
        """Positions in ``edges`` of amounts of which lines say something, and what.

        ``takes`` names the node whose lines speak for a consumer, where it is another.
        """
        of, nodes = self.network.edges, self.network.nodes
        consumers, at = np.unique(of.consumer[edges], return_inverse=True)
        said = [self.amounts(takes.get(j, j)) for j in consumers.tolist()]
        speaking = np.array([bool(amounts) for amounts in said], dtype=np.bool_)
        for k in np.flatnonzero(speaking[at]).tolist() if consumers.size else ():
            supplier, category = int(of.supplier[edges[k]]), int(of.category[edges[k]])
            taken = nodes[supplier].product, category
            if taken in said[at[k]]:
                yield k, said[at[k]][taken]

    def primary_shares(self, edges: Ints, takes: Mapping[int, int] = NOBODY_ELSE) -> Floats:
        """α of each of ``edges``: how much of its amount is primary data; 1 where nothing is said.

        Whoever states its own inputs knows them; a line that says otherwise is not primary.
        """
        shares = np.ones(len(edges))
        for k, amounts in self.said_of(edges, takes):
            shares[k] = sum(amount.share for amount in amounts if amount.is_primary)
        return shares

    @cached_property
    def fillings(self) -> Mapping[int, Sequence[Filling]]:
        """Node -> what the factor ladder puts there, per declared unit."""
        found: dict[int, list[Filling]] = defaultdict(list)
        for node, estimate in self.network.stand_ins.items():
            found[node].append(Filling(estimate, self.network.nodes[node].owner, None))
        for gap in self.network.gaps:
            if gap.estimate is not None:
                found[gap.node].append(Filling(gap.estimate, gap.supplier, gap.category))
        return found

    # -- what describes a node -----------------------------------------------------------------

    def _described_by(self, node: int) -> Described | None:
        if node not in self._described:
            at = self.network.nodes[node]
            self._described[node] = self._by_feed(at) or self._by_opening(at)
        return self._described[node]

    def _by_feed(self, at: Node) -> Described | None:
        """What describes a node, where its feed leaves no choice: a small part of opening it."""
        if at.product is None:
            return None
        if at.feed is Feed.RECIPE and at.place:
            recipes = self._year.recipes_at(at.product, at.place)
            return [(recipes[0], 1.0)] if len(recipes) == 1 else None
        if at.feed in (Feed.FOOTPRINT, Feed.EXPIRED):
            return self._year.footprint(at.product, at.place.site if at.place else None)
        return None

    def _by_opening(self, at: Node) -> Described | None:
        said = self._standing.products.get(at.product or "")
        if said is None or at.feed is Feed.NONE:
            return None
        touched = self._standing.touched[said.key.type, said.key.parts[0]]
        listed = Listed(cast(Product, said.statement.body), said.owner, said.index, touched)
        seats = open_product(self._year, listed).seats
        return next((seat.described_by for seat in seats if seat.place == at.place), None)

    def _recipes(self, node: int) -> list[tuple[Whole[Recipe], float]]:
        """The recipes of a node, with the factor from their totals to one declared unit."""
        described_by = self._described_by(node)
        if described_by is None or isinstance(described_by, Standby):
            return []
        weighted = [(described_by, 1.0)] if isinstance(described_by, Whole) else described_by
        product = self._product(cast(str, self.network.nodes[node].product))
        return [(whole, weight / basis_of(product, whole)) for whole, weight in weighted]

    def _product(self, product: str) -> Product:
        return cast(Product, self._standing.products[product].statement.body)

    # -- emissions -----------------------------------------------------------------------------

    def _read_data(self, node: int) -> Iterator[Datum]:
        at = self.network.nodes[node]
        if at.feed is Feed.OVERHEAD:
            yield from self._of_inventories(cast(Place, at.place), at.name)
            return
        described_by = self._described_by(node)
        if isinstance(described_by, Standby):
            yield self._of_footprint(described_by, at.name)
        for recipe, per_unit in self._recipes(node):
            for said, body in zip(recipe.said, recipe.bodies, strict=True) if per_unit else ():
                yield self._of_books(said, body, _vector(body.emissions, per_unit), at.name)

    def _of_inventories(self, place: Place, name: str) -> Iterator[Datum]:
        region, _ = region_of(self._standing, place.site)
        for each in inventories_of(self._year, [place]):
            emitted = direct_of(each.body, self._ladder, region).emissions
            vector = {column: kg * each.share for column, kg in emitted.items()}
            yield self._of_books(each.said, each.body, vector, name)

    @cached_property
    def _ladder(self) -> Ladder:
        return Ladder.of(self._standing, self.network.year)

    def _of_books(
        self, said: Said, body: Recipe | Inventory, emissions: Vector, name: str
    ) -> Datum:
        period, quality, share = body.period, body.quality, _share_of(body.quality)
        return Datum(
            index=said.index,
            emissions=emissions,
            primary=None if share is None else float(share) / 100,
            ratings=_ratings(quality),
            gsd=float(quality.gsd) if quality and quality.gsd is not None else None,
            assurance=assurance_of(self._standing, said, self._day),
            middle=period.start + (period.end - period.start) / 2,
            as_of=last_word_on(self._standing, said),
            findings=_doubt(name, quality.primary_share if quality else None, share),
        )

    def _of_footprint(self, standby: Standby, name: str) -> Datum:
        pcf = standby.footprint.pact.pcf
        share = pcf.known_primary_data_share
        first, after = pcf.reference_period_start, pcf.reference_period_end
        return Datum(
            index=standby.said.index,
            emissions={},
            primary=None if share is None else float(share) / 100,
            ratings=_dqi(pcf.dqi),
            gsd=None,
            assurance=assurance_of(self._standing, standby.said, self._day),
            middle=(first + (after - first) / 2).date(),
            as_of=last_word_on(self._standing, standby.said),
            findings=_doubt(name, pcf.primary_data_share, share),
        )

    # -- amounts -------------------------------------------------------------------------------

    def _read_amounts(self, node: int) -> Mapping[Taken, tuple[Amount, ...]]:
        lines = list(self._lines(node))
        if not any(line.primary is not None or line.gsd is not None for line, _ in lines):
            return {}
        suppliers = (self.network.nodes[i].product for i in self.network.suppliers_of(node))
        met: dict[Taken, list[tuple[InputLine, float]]] = defaultdict(list)
        for product in map(self._product, dict.fromkeys(filter(None, suppliers))):
            disputed = is_mass_disputed(self._year, product)
            for line, scale in lines:
                if _means(line.ref, product):
                    size = abs(_in_units(line, product, disputed)) * scale
                    met[product.id, line.category].append((line, size))
        return {taken: tuple(_amounts(these)) for taken, these in met.items()}

    def _lines(self, node: int) -> Iterator[tuple[InputLine, float]]:
        """A node's input lines, with the factor to one declared unit."""
        for inputs, scale in self._lists(node):
            for line in lines_of(inputs):
                yield line, scale

    def _lists(self, node: int) -> Iterator[tuple[Sequence[InputLine], float]]:
        at = self.network.nodes[node]
        if at.feed is Feed.OVERHEAD:
            place = cast(Place, at.place)
            for bought in self._year.purchases(place.site):
                for stated in bought.bodies:
                    yield stated.inputs, place.share_of(bought.period)
        for recipe, per_unit in self._recipes(node):
            for body in recipe.bodies:
                yield body.inputs, per_unit


def _vector(emissions: Iterable[Emission], scale: float) -> Vector:
    kg: dict[Column, float] = defaultdict(float)
    for each in emissions:
        kg[Column(each.gas, each.origin, each.gwp)] += float(each.amount) * scale
    return kg


def _share_of(quality: DataQuality | None) -> Decimal | None:
    return quality.known_primary_share if quality else None


def _ratings(quality: DataQuality | None) -> Ratings:
    if quality is None:
        return _UNRATED
    return _floats(quality.technology, quality.geography, quality.time)


def _dqi(dqi: DataQualityIndicators | None) -> Ratings:
    if dqi is None:
        return _UNRATED
    return _floats(dqi.technological_dqr, dqi.geographical_dqr, dqi.temporal_dqr)


def _floats(*ratings: Decimal | None) -> Ratings:
    return cast(Ratings, tuple(None if each is None else float(each) for each in ratings))


def _doubt(name: str, stated: Decimal | None, known: Decimal | None) -> tuple[Finding, ...]:
    if stated is None or known is not None:
        return ()
    return (finding("primary-data-share", product=name, share=stated),)


def _means(ref: Reference, product: Product) -> bool:
    """Whether a line that draws on a product names it: by id, identifier or class."""
    if ref.product is not None:
        return ref.product == product.id or ref.product in product.replaces
    if ref.classification is not None:
        wanted = class_key(ref.classification)
        return any(class_key(each) == wanted for each in product.classifications)
    return not _keys(ref.identifiers).isdisjoint(_keys(product.identifiers))


def _keys(urns: Iterable[str]) -> set[str]:
    return {identifiers.parse(urn).key for urn in urns}


def _in_units(line: InputLine, product: Product, disputed: bool) -> float:
    """A line's amount in declared units; none of one that is set aside for its unit or mass."""
    if disputed and bridges_by_mass(line.unit, product):
        return 0.0
    try:
        return float(line.amount) * in_declared_unit(line.unit, product)
    except UnitMismatch:
        return 0.0


def _amounts(lines: Sequence[tuple[InputLine, float]]) -> Iterator[Amount]:
    total = sum(size for _, size in lines)
    for line, size in lines:
        gsd = float(line.gsd) if line.gsd is not None else None
        yield Amount(size / total if total else 0.0, line.primary is not False, gsd)
