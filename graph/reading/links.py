"""From an input line to the nodes it draws on.

A line says how much of what was taken in; the network needs declared units of nodes. In between
stand the reference, the site, the unit and, for recipes of a site that also states its purchases,
the mix that was really bought.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from graph.findings import Finding, finding
from graph.reading.factors import Ladder, containing
from graph.reading.network import Estimate, Grid, output_shares
from graph.reading.openings import Opened, Seat, in_declared_unit
from graph.reading.references import Catalogue, Key, Listed, Resolved, Unresolved, class_key
from graph.reading.year import Place
from ledger import identifiers, units
from ledger.errors import UnitMismatch
from ledger.statements import ELECTRICITY, InputLine, Product, Reference

CATEGORY_TRANSPORT = 4
LADDER: Key = ("factors", "")
"""What the lines depend on that only the factor ladder can fill."""

NodeKey = tuple[str | None, Place | None]
"""A node by what it is: (product, place); the overhead node of a place has no product."""


@dataclass(frozen=True, slots=True)
class Link:
    """``amount`` declared units of ``node``, as a line's total, under a Scope 3 category."""

    node: NodeKey
    amount: float
    category: int
    mixed: bool


@dataclass(frozen=True, slots=True)
class Unmet:
    """Why a line draws on no node. ``supplier`` is the enterprise it would come from, if known.

    ``estimate`` is what the factor ladder puts in the place of the whole line; ``grid`` is given
    where the line is for electricity from a public grid.
    """

    reason: str
    supplier: str | None
    estimate: Estimate | None = None
    grid: Grid | None = None


@dataclass(frozen=True, slots=True)
class Laddered:
    """What the factor ladder says of an amount: ``estimate`` if a rung reaches it, ``grid`` where
    it is electricity from a public grid, ``said`` the last entry about where it comes from."""

    estimate: Estimate | None
    grid: Grid | None
    said: int

    @classmethod
    def of(
        cls,
        ladder: Ladder,
        catalogue: Catalogue,
        ref: Reference,
        amount: tuple[float, str],
        listed: Listed | None,
        bridge: Product | None,
    ) -> Laddered:
        """Of an ``amount`` and its unit that no node answers for.

        ``listed`` is the product that was meant, if one was; ``bridge`` is it too, where its mass
        may convert amounts.
        """
        named = (ref.classification,) if ref.classification else ()
        classes = (*named, *(listed.product.classifications if listed else ()))
        of_grid = listed.product.grid if listed else None
        region, said = ref.region or of_grid, -1
        if region is None and listed is not None:
            region, said = catalogue.country(listed.owner)
        estimate = ladder.estimate(*amount, classes, region, bridge)
        grid = Grid(region) if of_grid or _is_electricity(classes) else None
        return cls(estimate, grid, said)


@dataclass(frozen=True, slots=True)
class Read:
    """What a line came to: its links or the reason there are none, and what was noticed.

    ``as_of`` is the last entry that decided which product is meant, and of what is not linked, the
    last that was said about it: what is linked brings its own. ``asked`` names what the reading
    depends on: as long as nothing of it moves, it stays the same.
    """

    line: InputLine
    links: tuple[Link, ...]
    unmet: Unmet | None
    listed: Listed | None
    as_of: int
    asked: frozenset[Key] = frozenset()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who takes in what a line says, by name, and the place where."""

    name: str
    place: Place


class Bought:
    """What a place bought, to be found by product and by identifier.

    ``as_of`` is the last entry that can have decided which recipe line finds what.
    """

    def __init__(self, reads: Iterable[Read] = (), as_of: int = -1) -> None:
        self.reads = tuple(reads)
        self.as_of = max(as_of, *(read.as_of for read in self.reads), -1)
        # Which recipe line finds what depends on all that is said of what was bought.
        listed = {read.listed.product.id for read in self.reads if read.listed}
        words = {("word", product) for product in listed}
        self.asked = frozenset(words.union(*(read.asked for read in self.reads)))
        self._of_product: dict[str, list[Read]] = defaultdict(list)
        self._called: dict[str, list[Read]] = defaultdict(list)
        for read in self.reads:
            if read.listed is not None and read.links:
                self._of_product[read.listed.product.id].append(read)
                for name in _names(read):
                    self._called[name].append(read)

    def of_products(self, product_ids: Iterable[str]) -> list[Read]:
        return [read for each in product_ids for read in self._of_product.get(each, ())]

    def called(self, urns: Iterable[str]) -> list[Read]:
        """What carries one of the identifiers, or was bought by it."""
        names = (identifiers.parse(urn).key for urn in urns)
        found = {id(read): read for name in names for read in self._called.get(name, ())}
        return list(found.values())


def lines_of(inputs: Sequence[InputLine]) -> Iterator[InputLine]:
    """Every line, and the transport that came with it as a line of its own (category 4)."""
    for line in inputs:
        yield line
        if line.transport is not None:
            carried = line.transport
            yield InputLine(
                ref=carried.ref,
                supplier=carried.supplier,
                amount=carried.amount,
                unit=carried.unit,
                category=CATEGORY_TRANSPORT,
            )


def wanted(ref: Reference) -> str:
    """What a reference asks for, in one short text."""
    if ref.product is not None:
        return ref.product
    return ref.identifiers[0] if ref.identifiers else f"{ref.classification} ({ref.region})"


class LineReader:
    """Reads lines against the catalogue, the products of a year as opened, and the ladder."""

    def __init__(
        self,
        catalogue: Catalogue,
        opened: Callable[[str], Opened],
        ladder: Ladder,
        ladder_as_of: int,
    ) -> None:
        self.catalogue = catalogue
        self.opened = opened
        self.ladder = ladder
        self.ladder_as_of = ladder_as_of

    def read(self, line: InputLine, consumer: Consumer, bought: Bought | None = None) -> Read:
        """The nodes a line draws on.

        ``bought`` is given for a recipe line: what the site's purchases say, if it states any. The
        line is matched with them by product, then by identifier, then by class, and takes the mix
        that was bought, so that recipes distribute purchases and never contradict their origin.
        What was not bought and is made at the recipe's own place comes from there.
        """
        meant = self.catalogue.resolve(line.ref, line.supplier)
        matches = self._matches(line, meant, bought) if bought else []
        if matches:
            read = self._as_bought(line, meant, matches, consumer)
        elif isinstance(meant, Unresolved):
            unmet = Unmet(meant.reason, meant.supplier)
            read = self._estimated(Read(line, (), unmet, None, meant.as_of))
        else:
            read = self._direct(line, meant, consumer, own_first=bought is not None)
        if bought:
            read = replace(read, as_of=max(read.as_of, bought.as_of))
        return replace(read, asked=frozenset(self._asked(read)))

    def _asked(self, read: Read) -> Iterator[Key]:
        line = read.line
        yield from self.catalogue.interests(line.ref, line.supplier)
        if line.ref.classification is not None:
            yield "class", class_key(line.ref.classification)
        if read.listed is not None:
            product = read.listed.product.id
            yield "face", product
            if not _draws(read):
                yield "word", product
        if read.unmet is not None:
            yield LADDER
            if read.listed is not None:
                yield "enterprise", read.listed.owner

    def _direct(
        self, line: InputLine, meant: Resolved, consumer: Consumer, *, own_first: bool
    ) -> Read:
        opened = self.opened(meant.listed.product.id)
        candidates = [
            seat for seat in opened.seats if line.site is None or _site(seat) == line.site
        ]
        # A site that is cut in two makes its intermediates in each half, for that half.
        own = [seat for seat in candidates if seat.place == consumer.place]
        candidates = own if own and own_first else candidates
        if not candidates:
            return self._unlinked("undeclared", line, meant, opened)
        shares = output_shares(candidates, [seat.output for seat in candidates], consumer.place)
        if shares is None:
            return self._unlinked("site-unknown", line, meant, opened)
        ratio = _declared_units(line.unit, opened)
        if ratio is None:
            return self._misfit(line, meant, consumer, opened)
        mixed = len({_site(seat) for seat in candidates}) > 1
        links = tuple(
            Link(_key(seat), float(line.amount) * ratio * share, line.category, mixed)
            for seat, share in zip(candidates, map(float, shares), strict=True)
            if share
        )
        as_of = meant.as_of if line.amount else max(meant.as_of, opened.last_word)
        remarks = self._remarks(line, meant, consumer)
        return Read(line, links, None, meant.listed, as_of, findings=remarks)

    def _matches(self, line: InputLine, meant: Resolved | Unresolved, bought: Bought) -> list[Read]:
        if isinstance(meant, Resolved):
            return bought.of_products([meant.listed.product.id])
        if line.ref.classification is not None:
            return bought.of_products(sorted(self.catalogue.in_class(line.ref.classification)))
        return bought.called(line.ref.identifiers)

    def _as_bought(
        self,
        line: InputLine,
        meant: Resolved | Unresolved,
        matches: list[Read],
        consumer: Consumer,
    ) -> Read:
        """Split the line over what was bought, by amount in the line's own unit."""
        usable: list[tuple[Link, float]] = []
        for read in matches:
            ratio = _declared_units(line.unit, self.opened(_product(read).id))
            if ratio is not None:
                usable += [(link, ratio) for link in read.links]
        total = sum(link.amount / ratio for link, ratio in usable)
        if not usable or total == 0:
            if isinstance(meant, Resolved):
                opened = self.opened(meant.listed.product.id)
                return self._misfit(line, meant, consumer, opened)
            unmet = Unmet("unit-mismatch", meant.supplier)
            return self._estimated(Read(line, (), unmet, None, meant.as_of))
        links = tuple(
            Link(link.node, float(line.amount) * link.amount / total, line.category, link.mixed)
            for link, _ in usable
        )
        return Read(line, links, None, matches[0].listed, meant.as_of)

    # -- what draws on nothing ---------------------------------------------------------------

    def _unlinked(self, reason: str, line: InputLine, meant: Resolved, opened: Opened) -> Read:
        """A line whose product is known, and that no node can answer for."""
        as_of = max(meant.as_of, opened.last_word)
        unmet = Unmet(reason, meant.listed.owner)
        return self._estimated(Read(line, (), unmet, meant.listed, as_of))

    def _misfit(self, line: InputLine, meant: Resolved, consumer: Consumer, opened: Opened) -> Read:
        """A line in a unit that does not become its product's: set aside, or money spent on it."""
        if units.price_of(line.unit) is not None:
            return self._unlinked("spend-only", line, meant, opened)
        product = meant.listed.product
        reason = "mass-disputed" if opened.disputes(line.unit) else "unit-mismatch"
        noticed = finding(
            reason,
            consumer=consumer.name,
            amount=line.amount,
            unit=line.unit,
            supplier=product.name,
            declared=product.unit,
        )
        unlinked = self._unlinked(reason, line, meant, opened)
        return replace(unlinked, findings=(noticed,))

    def _estimated(self, read: Read) -> Read:
        """The same with what the factor ladder says of the line."""
        assert read.unmet is not None
        line, listed = read.line, read.listed
        bridge = self.opened(listed.product.id).bridge if listed else None
        amount = float(line.amount), line.unit
        found = Laddered.of(self.ladder, self.catalogue, line.ref, amount, listed, bridge)
        unmet = replace(read.unmet, estimate=found.estimate, grid=found.grid)
        return replace(read, unmet=unmet, as_of=max(read.as_of, found.said, self.ladder_as_of))

    def _remarks(self, line: InputLine, meant: Resolved, consumer: Consumer) -> tuple[Finding, ...]:
        taker, taken = consumer.name, meant.listed.product.name
        remarks = []
        if line.amount < 0:
            remarks.append(finding("negative-input", consumer=taker, supplier=taken))
        if line.supplier is not None:
            named = self.catalogue.enterprise(line.supplier)
            if named != meant.listed.owner:
                remarks.append(finding("supplier-differs", consumer=taker, supplier=taken))
        return tuple(remarks)


def scaled(read: Read, share: float) -> Read:
    """The part of a purchase that belongs to a place."""
    if share == 1.0:
        return read
    links = tuple(replace(link, amount=link.amount * share) for link in read.links)
    line = replace(read.line, amount=read.line.amount * Decimal(share))
    unmet = read.unmet
    if unmet is not None and unmet.estimate is not None:
        unmet = replace(unmet, estimate=unmet.estimate.scaled(share))
    return replace(read, line=line, links=links, unmet=unmet)


def _declared_units(unit: str, opened: Opened) -> float | None:
    """Declared units of a product in one ``unit``; ``None`` where nothing undisputed says it."""
    if opened.disputes(unit):
        return None
    try:
        return in_declared_unit(unit, opened.product)
    except UnitMismatch:
        return None


def _is_electricity(classes: Iterable[str]) -> bool:
    return any(ELECTRICITY in containing(each) for each in classes)


def _draws(read: Read) -> bool:
    return any(link.amount for link in read.links)


def _key(seat: Seat) -> NodeKey:
    return seat.node.product, seat.place


def _site(seat: Seat) -> str | None:
    return seat.place.site if seat.place else None


def _product(read: Read) -> Product:
    assert read.listed is not None
    return read.listed.product


def _names(read: Read) -> set[str]:
    stated = (*_product(read).identifiers, *read.line.ref.identifiers)
    return {identifiers.parse(urn).key for urn in stated}
