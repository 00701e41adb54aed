"""What a node emits and takes in: its recipe, its footprint, or what a site has left over.

Recipes distribute what a site's inventory and purchases fix; the signed rest of both stands in the
**overhead** node of the place, never clipped: with or without recipes a place has the same direct
emissions and the same inflow.

Amounts leave ``Decimal`` here, once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from graph.findings import Finding, finding
from graph.reading.direct import Direct, direct_of
from graph.reading.factors import Ladder
from graph.reading.flows import inventories_of, region_of
from graph.reading.links import (
    LADDER,
    Bought,
    Consumer,
    LineReader,
    Link,
    NodeKey,
    Read,
    lines_of,
    scaled,
    wanted,
)
from graph.reading.network import OUTPUT_TOLERANCE, Book, Column, Estimate, Gap, Node, Vector
from graph.reading.openings import (
    Opened,
    Seat,
    basis_of,
    days_told,
    declared_amount,
    gwp_sets_of,
    is_split,
    stated_vector,
)
from graph.reading.references import Key
from graph.reading.year import Place, Standby, Whole, Year
from graph.terms import Feed
from ledger import pact
from ledger.gases import CO2E
from ledger.statements import Emission, Product, Recipe

OF_NO_NODE = -1
"""The node of a gap before nodes have numbers."""
NO_FACTORS = Ladder((), 0)
"""For what needs none."""


@dataclass(frozen=True)
class Account:
    """One node: what it emits (kg by column) and takes in, per declared unit; overhead: in all.

    ``generation`` is what energy carriers state of their generation. ``stand_in`` is the ladder's
    estimate for a node that nothing describes. ``asked`` names what reading its lines depended on.
    """

    node: Node
    output: float
    direct: Vector = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    gaps: tuple[Gap, ...] = ()
    generation: Vector | None = None
    declared: Vector | None = None
    stand_in: Estimate | None = None
    is_partly_told: bool = False
    as_of: int = -1
    asked: frozenset[Key] = frozenset()
    findings: tuple[Finding, ...] = ()

    @property
    def key(self) -> NodeKey:
        return self.node.product, self.node.place

    @property
    def estimates(self) -> Iterator[Estimate]:
        """What the factor ladder puts at the node and in its gaps."""
        if self.stand_in is not None:
            yield self.stand_in
        yield from (gap.estimate for gap in self.gaps if gap.estimate is not None)

    @property
    def has_gap(self) -> bool:
        """Whether something it takes in is missing, or it is itself."""
        return self.node.feed is Feed.NONE or bool(self.gaps)

    @property
    def is_open_ended(self) -> bool:
        """Whether no rung of the ladder reaches some of that."""
        is_unknown = self.node.feed is Feed.NONE and self.stand_in is None
        return is_unknown or any(gap.estimate is None for gap in self.gaps)

    def columns(self) -> Iterator[Column]:
        """The columns of everything it states."""
        yield from self.direct
        yield from self.generation or ()
        yield from self.declared or ()
        for estimate in self.estimates:
            yield from estimate.emissions


class Describer:
    """Describes the nodes of one year, given how every product is opened."""

    def __init__(self, year: Year, reader: LineReader, last_word: Callable[[str], int]) -> None:
        self.year = year
        self.reader = reader
        self.last_word = last_word
        self._stated: dict[Place, Stated] = {}

    def bought(self, place: Place) -> Bought:
        """The lines of a place's purchases, read; amounts are the place's share by days."""
        consumer = Consumer(self.year.site_name(place.site), place)
        reads = [
            scaled(self.reader.read(line, consumer), share)
            for whole in self.year.purchases(place.site)
            if (share := place.share_of(whole.period))
            for body in whole.bodies
            for line in lines_of(body.inputs)
        ]
        listed = {read.listed.product.id for read in reads if read.listed}
        return Bought(reads, max(map(self.last_word, listed), default=-1))

    def of_seat(self, opened: Opened, seat: Seat, bought: Bought) -> Account:
        """The node of a product; ``bought`` is what its place states of its purchases."""
        described_by, product = seat.described_by, opened.product
        account = Account(
            node=seat.node,
            output=seat.output,
            declared=seat.declared,
            is_partly_told=seat.is_partly_told,
            as_of=opened.last_word,
        )
        if isinstance(described_by, Standby):
            return self._by_footprint(account, product, described_by)
        if isinstance(described_by, Whole):
            return self._by_recipes(account, product, [(described_by, 1.0)], Bought())
        if described_by is not None:
            return self._by_recipes(account, product, described_by, bought)
        return self._by_nobody(account, opened)

    def _by_nobody(self, account: Account, opened: Opened) -> Account:
        """Estimated by the grid whose mix it is, else by that of its site; where none is known, by
        its owner's country."""
        place, owner, reader = account.node.place, account.node.owner, self.reader
        site = self.year.site(place.site) if place else None
        said, asked = -1, {LADDER}
        region = opened.product.grid or (site.grid_region if site else None)
        if region is None:
            region, said = reader.catalogue.country(owner)
            asked.add(("enterprise", owner))
        classes, unit = opened.product.classifications, opened.product.unit
        stand_in = reader.ladder.estimate(1.0, unit, classes, region, opened.bridge)
        as_of = max(account.as_of, said, reader.ladder_as_of)
        return replace(account, stand_in=stand_in, as_of=as_of, asked=frozenset(asked))

    def _by_footprint(self, account: Account, product: Product, standby: Standby) -> Account:
        direct, findings = stated_vector(standby, product)
        generation = None
        stated = pact.energy_generation(standby.footprint.pact)
        if stated is not None and product.energy_carrier is not None:
            per_unit = float(stated) / declared_amount(standby, product)
            total = sum(v for c, v in direct.items() if v > 0)
            if per_unit > total * (1 + OUTPUT_TOLERANCE):
                findings.append(finding("generation-above-footprint", product=product.name))
            generation = {Column(CO2E, "fossil", gwp_sets_of(standby)): per_unit}
        return replace(account, direct=direct, generation=generation, findings=tuple(findings))

    def _by_recipes(
        self,
        account: Account,
        product: Product,
        recipes: Sequence[tuple[Whole[Recipe], float]],
        bought: Bought,
    ) -> Account:
        place = cast(Place, account.node.place)
        consumer = Consumer(product.name, place)
        met = self.year.standing.touched.get(("purchases", place.site), -1)
        pages = _Pages(max(account.as_of, met))
        generation: dict[Column, float] = {}
        has_generation = False
        for whole, weight in recipes:
            per_unit = weight / basis_of(product, whole)
            pages.as_of = max(pages.as_of, whole.index)
            for body in whole.bodies:
                _add(pages.direct, body.emissions, per_unit)
                if body.generation is not None:
                    has_generation = True
                    _add(generation, body.generation, per_unit)
                for line in lines_of(body.inputs):
                    pages.enter(self.reader.read(line, consumer, bought), per_unit)
        if account.node.feed is Feed.RECIPE and math.isnan(account.output):
            pages.findings.append(finding("output-unknown", product=account.node.name))
        return pages.close(account, generation if has_generation else None)

    # -- overhead ----------------------------------------------------------------------------

    def book(self, place: Place) -> Book:
        """What a place's own statements fix."""
        stated = self.stated(place)
        return Book(
            days_told(place, self.year.inventories(place.site)),
            days_told(place, self.year.purchases(place.site)),
            sum(len(direct.unknown) for _, direct in stated.parts),
        )

    def stated(self, place: Place) -> Stated:
        """What the inventories of a place say was emitted there, and what that depends on."""
        if place not in self._stated:
            self._stated[place] = self._read_stated(place)
        return self._stated[place]

    def _read_stated(self, place: Place) -> Stated:
        found = list(inventories_of(self.year, [place]))
        if not any(each.body.fuels for each in found):
            return Stated(
                tuple((each.share, direct_of(each.body, NO_FACTORS, None)) for each in found)
            )
        standing, reader = self.year.standing, self.reader
        region, said = region_of(standing, place.site)
        return Stated(
            parts=tuple(
                (each.share, direct_of(each.body, reader.ladder, region)) for each in found
            ),
            asked=frozenset({LADDER, ("enterprise", standing.owner_of("site", place.site) or "")}),
            as_of=max(said, reader.ladder_as_of),
        )

    def overhead(
        self, place: Place, here: Iterable[Account], bought: Bought, as_of: int
    ) -> Account:
        """The node that holds what the place's recipes do not account for, with its sign.

        ``here`` are the accounts of the products at the place.
        """
        site, standing = self.year.site_name(place.site), self.year.standing
        node = Node(
            product=None,
            place=place,
            owner=cast(str, standing.owner_of("site", place.site)),
            name=site,
            unit="C62",
            feed=Feed.OVERHEAD,
        )
        produced = [
            account
            for account in here
            if account.node.feed is Feed.RECIPE and not math.isnan(account.output)
        ]
        pages, book = _Pages(as_of), self.book(place)
        if book.has_inventory:
            self._rest_of_emissions(pages, place, produced, self.stated(place))
        if book.has_purchases:
            self._rest_of_purchases(pages, place, bought, produced)
        stated = (*self.year.inventories(place.site), *self.year.purchases(place.site))
        if any(is_split(place, whole) for whole in stated):
            pages.findings.append(finding("split-by-days", site=site))
        return pages.close(Account(node, 1.0), None)

    def _rest_of_emissions(
        self, pages: _Pages, place: Place, produced: Sequence[Account], inventories: Stated
    ) -> None:
        rest, site = pages.direct, self.year.site_name(place.site)
        pages.as_of = max(pages.as_of, inventories.as_of)
        for share, direct in inventories.parts:
            for column, kg in direct.emissions.items():
                rest[column] = rest.get(column, 0.0) + kg * share
            pages.findings += [
                finding("fuel-without-factor", site=site, fuel=fuel.fuel, unit=fuel.unit)
                for fuel in direct.unknown
            ]
        stated = max(rest.values(), default=0.0)
        for account in produced:
            for column, value in account.direct.items():
                rest[column] = rest.get(column, 0.0) - value * account.output
        self._note_negative(pages, place, rest.values(), stated)

    def _rest_of_purchases(
        self, pages: _Pages, place: Place, bought: Bought, produced: Sequence[Account]
    ) -> None:
        for read in bought.reads:
            pages.enter(read, 1.0)
        stated = sum(link.amount for read in bought.reads for link in read.links)
        pages.links += [
            replace(link, amount=-link.amount * account.output)
            for account in produced
            for link in account.links
            if link.node[1] != place
        ]
        rest: dict[NodeKey, float] = defaultdict(float)
        for link in pages.links:
            rest[link.node] += link.amount
        self._note_negative(pages, place, rest.values(), stated)

    def _note_negative(
        self, pages: _Pages, place: Place, rest: Iterable[float], scale: float
    ) -> None:
        if min(rest, default=0.0) < -OUTPUT_TOLERANCE * max(scale, 1.0):
            site = self.year.site_name(place.site)
            pages.findings.append(finding("negative-residual", site=site))


@dataclass(frozen=True)
class Stated:
    """What the inventories of a place say was emitted, each with the share that is the place's.

    ``asked`` names what that depends on besides the statements, ``as_of`` the last entry about it.
    """

    parts: tuple[tuple[float, Direct], ...]
    asked: frozenset[Key] = frozenset()
    as_of: int = -1


class _Pages:
    """An account while its lines are entered."""

    def __init__(self, as_of: int) -> None:
        self.as_of = as_of
        self.direct: dict[Column, float] = {}
        self.links: list[Link] = []
        self.gaps: list[Gap] = []
        self.asked: set[Key] = set()
        self.findings: list[Finding] = []

    def enter(self, read: Read, scale: float) -> None:
        """Put a line that was read into the account, as links or as a gap."""
        self.as_of = max(self.as_of, read.as_of)
        self.asked |= read.asked
        self.findings += read.findings
        if read.unmet is not None and read.line.amount:
            self.gaps.append(_gap(read, scale))
        self.links += [replace(link, amount=link.amount * scale) for link in read.links]

    def close(self, account: Account, generation: Mapping[Column, float] | None) -> Account:
        return replace(
            account,
            direct=self.direct,
            links=tuple(self.links),
            gaps=tuple(self.gaps),
            generation=generation,
            as_of=self.as_of,
            asked=frozenset(self.asked),
            findings=(*account.findings, *dict.fromkeys(self.findings)),
        )


def _gap(read: Read, scale: float) -> Gap:
    line, unmet = read.line, read.unmet
    assert unmet is not None
    return Gap(
        node=OF_NO_NODE,
        reason=unmet.reason,
        wanted=read.listed.product.name if read.listed else wanted(line.ref),
        supplier=unmet.supplier,
        amount=float(line.amount) * scale,
        unit=line.unit,
        category=line.category,
        estimate=unmet.estimate and unmet.estimate.scaled(scale),
        grid=unmet.grid,
    )


def _add(vector: dict[Column, float], emissions: Iterable[Emission], scale: float) -> None:
    for emission in emissions:
        column = Column(emission.gas, emission.origin, emission.gwp)
        vector[column] = vector.get(column, 0.0) + float(emission.amount) * scale
