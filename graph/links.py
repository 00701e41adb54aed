"""From an input line to the nodes it draws on.

A line says how much of what was taken in; the network needs declared units of nodes. In between
stand the reference, the site, the unit and, for recipes of a site that also states its purchases,
the mix that was really bought.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from graph.findings import Finding, finding
from graph.network import Node, output_shares
from graph.references import Catalogue, Listed, Resolved, Unresolved
from graph.year import Place
from ledger import identifiers, units
from ledger.errors import UnitMismatch
from ledger.statements import InputLine, Product, Reference

CATEGORY_TRANSPORT = 4


@dataclass(frozen=True, slots=True)
class Link:
    """``amount`` declared units of ``node``, as a line's total, under a Scope 3 category."""

    node: int
    amount: float
    category: int
    mixed: bool


@dataclass(frozen=True, slots=True)
class Unmet:
    """Why a line draws on no node. ``supplier`` is the enterprise it would come from, if known."""

    reason: str
    supplier: str | None


@dataclass(frozen=True, slots=True)
class Read:
    """What a line came to: its links or the reason there are none, and what was noticed.

    ``as_of`` is the last entry that decided which product is meant.
    """

    line: InputLine
    links: tuple[Link, ...]
    unmet: Unmet | None
    listed: Listed | None
    as_of: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who takes in what a line says, by name, and the place where."""

    name: str
    place: Place


class Bought:
    """What a place bought, to be found by product and by identifier."""

    def __init__(self, reads: Iterable[Read] = ()) -> None:
        self.reads = tuple(reads)
        self.as_of = max((read.as_of for read in self.reads), default=-1)
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


@dataclass
class Roster:
    """The nodes of a year as they are opened, with their output (NaN: unknown).

    ``last_word`` is, by product, the last entry that can have shaped its nodes or left it without.
    """

    nodes: list[Node] = field(default_factory=list)
    output: list[float] = field(default_factory=list)
    as_of: list[int] = field(default_factory=list)
    last_word: dict[str, int] = field(default_factory=dict)
    of_product: dict[str, list[int]] = field(default_factory=dict)
    at_place: dict[Place, list[int]] = field(default_factory=dict)

    def open(self, node: Node, output: float, as_of: int) -> int:
        """Add a node; returns its index."""
        index = len(self.nodes)
        self.nodes.append(node)
        self.output.append(output)
        self.as_of.append(as_of)
        if node.product is not None:
            self.of_product.setdefault(node.product, []).append(index)
        if node.place is not None:
            self.at_place.setdefault(node.place, []).append(index)
        return index

    def saw(self, node: int, entry: int) -> None:
        """Entry ``entry`` had a say in ``node``."""
        self.as_of[node] = max(self.as_of[node], entry)


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


def in_declared_unit(unit: str, product: Product) -> float:
    """Declared units of ``product`` in one ``unit``. Raises ``UnitMismatch``."""
    source, target = units.parse(unit), units.parse(product.unit)
    return float(units.ratio(source, target, product.mass_per_unit))


class LineReader:
    """Reads lines against the catalogue and the nodes of a year."""

    def __init__(self, catalogue: Catalogue, roster: Roster) -> None:
        self.catalogue = catalogue
        self.roster = roster

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
            read = _unmet(line, meant.reason, meant.supplier, None, meant.as_of)
        else:
            read = self._direct(line, meant, consumer, own_first=bought is not None)
        return replace(read, as_of=max(read.as_of, bought.as_of)) if bought else read

    def _direct(
        self, line: InputLine, meant: Resolved, consumer: Consumer, *, own_first: bool
    ) -> Read:
        listed, product = meant.listed, meant.listed.product
        as_of = max(meant.as_of, self.roster.last_word[product.id])
        candidates = [
            i
            for i in self.roster.of_product.get(product.id, ())
            if line.site is None or _site(self.roster.nodes[i]) == line.site
        ]
        # A site that is cut in two makes its intermediates in each half, for that half.
        own = [i for i in candidates if self.roster.nodes[i].place == consumer.place]
        candidates = own if own and own_first else candidates
        if not candidates:
            return _unmet(line, "undeclared", listed.owner, listed, as_of)
        nodes = [self.roster.nodes[i] for i in candidates]
        shares = output_shares(nodes, [self.roster.output[i] for i in candidates], consumer.place)
        if shares is None:
            return _unmet(line, "site-unknown", listed.owner, listed, as_of)
        try:
            ratio = in_declared_unit(line.unit, product)
        except UnitMismatch:
            return self._quarantined(line, meant, consumer)
        mixed = len({_site(node) for node in nodes}) > 1
        links = tuple(
            Link(i, float(line.amount) * ratio * share, line.category, mixed)
            for i, share in zip(candidates, map(float, shares), strict=True)
            if share
        )
        return Read(line, links, None, listed, as_of, self._remarks(line, meant, consumer))

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
            try:
                ratio = in_declared_unit(line.unit, _product(read))
            except UnitMismatch:
                continue
            usable += [(link, ratio) for link in read.links]
        total = sum(link.amount / ratio for link, ratio in usable)
        if not usable or total == 0:
            return (
                self._quarantined(line, meant, consumer)
                if isinstance(meant, Resolved)
                else _unmet(line, "unit-mismatch", meant.supplier, None, meant.as_of)
            )
        links = tuple(
            Link(link.node, float(line.amount) * link.amount / total, line.category, link.mixed)
            for link, _ in usable
        )
        return Read(line, links, None, matches[0].listed, meant.as_of)

    def _quarantined(self, line: InputLine, meant: Resolved, consumer: Consumer) -> Read:
        product = meant.listed.product
        noticed = finding(
            "unit-mismatch",
            consumer=consumer.name,
            amount=line.amount,
            unit=line.unit,
            supplier=product.name,
            declared=product.unit,
        )
        unmet = Unmet("unit-mismatch", meant.listed.owner)
        return Read(line, (), unmet, meant.listed, meant.as_of, (noticed,))

    def _remarks(self, line: InputLine, meant: Resolved, consumer: Consumer) -> tuple[Finding, ...]:
        names = {"consumer": consumer.name, "supplier": meant.listed.product.name}
        remarks = []
        if line.amount < 0:
            remarks.append(finding("negative-input", **names))
        if line.supplier is not None:
            named = self.catalogue.enterprise(line.supplier)
            if named != meant.listed.owner:
                remarks.append(finding("supplier-differs", **names))
        return tuple(remarks)


def _unmet(
    line: InputLine, reason: str, supplier: str | None, listed: Listed | None, as_of: int
) -> Read:
    return Read(line, (), Unmet(reason, supplier), listed, as_of)


def _site(node: Node) -> str | None:
    return node.place.site if node.place else None


def _product(read: Read) -> Product:
    assert read.listed is not None
    return read.listed.product


def _names(read: Read) -> set[str]:
    stated = (*_product(read).identifiers, *read.line.ref.identifiers)
    return {identifiers.parse(urn).key for urn in stated}
