"""What the rules of plausibility look at: statements, lines and nodes, each with its place in the
log, so that a finding can point at what it is about.

Everything is read for a scope, and nothing before it is asked for: findings about one product cost
its own statements, its buyers' and its class, not the whole log.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Final, cast

import numpy as np

from graph.findings import Finding, finding
from graph.kept import kept
from graph.reading.links import lines_of, wanted
from graph.reading.masses import declared_units
from graph.reading.network import Floats, Node, uses_of
from graph.reading.references import Catalogue, Listed, Resolved
from graph.reading.year import Whole, Year
from graph.solving.characterise import Characterisation
from graph.solving.solved import Solved
from ledger import pact
from ledger.errors import UnitMismatch
from ledger.findings import Party, Side, Source
from ledger.standing import Said, Standing
from ledger.statements import Enterprise, Footprint, InputLine, Product, Purchases, Recipe

LEAST_DIGITS: Final = 3
"""Numbers with fewer significant digits agree by chance."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at: products by id, and sites whose purchases are."""

    products: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Line:
    """An input line: who takes it in, where the log says so, and which product is meant.

    ``consumer`` is a name; ``product`` the consumer's, ``None`` for the purchases of a site.
    """

    line: InputLine
    listed: Listed | None
    consumer: str
    product: str | None
    site: str
    said: Said
    where: str

    @property
    def source(self) -> Source:
        return Source(self.said.index, self.said.digest, self.where)

    def found(self, rule: str, *others: Line, **params: object) -> Finding:
        """A finding of a rule about this line, and others of the same consumer on the same."""
        sources = tuple(each.source for each in (self, *others))
        mine = Party(Side.CONSUMER, self.said.owner, self.product, self.site, sources)
        parties = (mine,) if self.listed is None else (supplier_of(self.listed), mine)
        return finding(rule, self.where, parties=parties, **self._params, **params)

    @property
    def _params(self) -> dict[str, object]:
        product = self.listed.product if self.listed else None
        return {
            "consumer": self.consumer,
            "amount": self.line.amount,
            "unit": self.line.unit,
            "supplier": product.name if product else wanted(self.line.ref),
            "declared": product.unit if product else "",
        }


@dataclass(frozen=True, slots=True)
class Declared:
    """A footprint that stands, and its product."""

    said: Said
    listed: Listed

    @property
    def body(self) -> Footprint:
        return cast(Footprint, self.said.statement.body)

    @property
    def pcf(self) -> pact.CarbonFootprint:
        return self.body.pact.pcf

    @property
    def product(self) -> Product:
        return self.listed.product

    @property
    def per_unit(self) -> float | None:
        """Total without uptake, kg CO2e per declared unit of the product; None if unreadable."""
        try:
            amount = declared_units(self.body.pact, self.product)
        except UnitMismatch:
            return None
        return float(self.pcf.pcf_excluding_biogenic_uptake) / amount

    @property
    def numbers(self) -> tuple[Decimal, ...]:
        """The totals and parts: what a calculation gives, and a copy repeats."""
        pcf = self.pcf
        totals = (pcf.pcf_excluding_biogenic_uptake, pcf.pcf_including_biogenic_uptake)
        return (*totals, *pcf.components.values())

    @property
    def is_telling(self) -> bool:
        """Whether its total has digits enough that two do not agree by chance."""
        digits = self.pcf.pcf_excluding_biogenic_uptake.normalize().as_tuple().digits
        return len(digits) >= LEAST_DIGITS

    def found(self, rule: str, where: str = "", **params: object) -> Finding:
        """A finding of a rule about this footprint; ``where`` points into its PACT body."""
        source = Source(self.said.index, self.said.digest, f"/pact{where}")
        party = Party(Side.SUPPLIER, self.listed.owner, self.product.id, self.body.site, (source,))
        return finding(rule, where, parties=(party,), product=self.product.name, **params)


@dataclass(frozen=True)
class Evidence:
    """What stands, sorted for a year, with the solved network of that year and the weights of a
    question's GWP set over its columns."""

    year: Year
    solved: Solved
    weights: Characterisation

    @classmethod
    def of(
        cls,
        standing: Standing,
        solved: Solved,
        weights: Characterisation,
        valid_on: dt.date | None = None,
    ) -> Evidence:
        return cls(Year(standing, solved.network.year, valid_on), solved, weights)

    @property
    def standing(self) -> Standing:
        return self.year.standing

    @property
    def nodes(self) -> Sequence[Node]:
        return self.solved.network.nodes

    @property
    def catalogue(self) -> Catalogue:
        return kept(self.standing, "catalogue", lambda: Catalogue(self.standing))

    @property
    def everything(self) -> Scope:
        """All that is registered."""
        return Scope(frozenset(self.standing.products), frozenset(self.standing.sites))

    # -- footprints ----------------------------------------------------------------------------

    def listed(self, scope: Scope) -> Iterator[Listed]:
        """The registered products of a scope, in order of their ids."""
        for product in sorted(scope.products):
            if (listed := self.catalogue.product(product)) is not None:
                yield listed

    def declared(self, listed: Listed) -> list[Declared]:
        """The footprints of a product that stand, of every year, by end of reference period."""
        product = listed.product.id
        if product not in self._declared:
            stated = (Declared(said, listed) for said in self.year.footprints(product))
            self._declared[product] = sorted(
                stated, key=lambda each: (each.pcf.reference_period_end, each.said.index)
            )
        return self._declared[product]

    @cached_property
    def _declared(self) -> dict[str, list[Declared]]:
        return {}

    def footprints(self, scope: Scope) -> Iterator[Declared]:
        for listed in self.listed(scope):
            yield from self.declared(listed)

    @cached_property
    def by_numbers(self) -> Mapping[tuple[object, ...], list[Declared]]:
        """Footprints by their unit and numbers, digit by digit; only those that are telling."""
        found: dict[tuple[object, ...], list[Declared]] = defaultdict(list)
        for each in self.footprints(self.everything):
            if each.is_telling:
                found[each.pcf.unit_code, each.pcf.declared_unit_amount, each.numbers].append(each)
        return found

    # -- nodes ---------------------------------------------------------------------------------

    def nodes_of(self, scope: Scope) -> Iterator[int]:
        of_product = self.solved.network.nodes_of
        for product in sorted(scope.products):
            yield from of_product.get(product, ())

    @cached_property
    def kg_co2e(self) -> Floats:
        """Gross kg CO2e per declared unit of every node, computed; gaps contribute nothing."""
        return self.weights.co2e(self.solved.footprints)

    @cached_property
    def direct_kg_co2e(self) -> Floats:
        """Gross kg CO2e that every node emits itself, or states in a footprint, per unit."""
        return self.weights.co2e(self.solved.network.direct)

    def stated_kg_co2e(self, node: int) -> float | None:
        """Gross kg CO2e per declared unit as declared beside a recipe; ``None`` if nothing is."""
        stated = self.solved.network.declared.get(node)
        return None if stated is None else float(self.weights.co2e(stated))

    @cached_property
    def uses(self) -> Floats:
        """Declared units of every node that others state to have taken in, in the year."""
        network = self.solved.network
        return uses_of(network.edges, network.output)

    def name_of(self, enterprise: str) -> str:
        """The name an enterprise is registered under, or its id."""
        said = self.standing.enterprises.get(enterprise)
        return cast(Enterprise, said.statement.body).name if said else enterprise

    # -- lines ---------------------------------------------------------------------------------

    def lines(self, scope: Scope) -> Sequence[Line]:
        """Lines of the recipes and purchases in scope, and those of others on its products."""
        if scope not in self._lines:
            self._lines[scope] = self._read_lines(scope)
        return self._lines[scope]

    @cached_property
    def _lines(self) -> dict[Scope, list[Line]]:
        return {}

    def _read_lines(self, scope: Scope) -> list[Line]:
        own = [
            *(line for product in sorted(scope.products) for line in self._of_recipes(product)),
            *(line for site in sorted(scope.sites) for line in self._of_purchases(site)),
        ]
        met = self._of_buyers(scope)
        return own + [m for m in met if m.listed and m.listed.product.id in scope.products]

    def _of_buyers(self, scope: Scope) -> Iterator[Line]:
        """Lines of nodes outside the scope that draw on its products, or would."""
        met = {(self.nodes[j].product, _site(self.nodes[j])) for j in self._buyers(scope)}
        for product, site in sorted(met, key=str):
            if product is not None and product not in scope.products:
                yield from self._of_recipes(product, site)
            if product is None and site is not None and site not in scope.sites:
                yield from self._of_purchases(site)

    def _buyers(self, scope: Scope) -> set[int]:
        """Nodes that draw on a product of the scope, and those whose line on it was set aside."""
        network, drawn = self.solved.network, list(self.nodes_of(scope))
        edges = network.edges
        on = np.isin(edges.supplier, drawn) & (edges.amount != 0)
        names = {listed.product.name for listed in self.listed(scope)}
        aside = (gap.node for gap in network.gaps if gap.wanted in names)
        return {*map(int, edges.consumer[on]), *aside}

    def _of_recipes(self, product: str, site: str | None = None) -> Iterator[Line]:
        """Lines of the recipes that count in the year or stand in for it, at one site or all."""
        listed = self.catalogue.product(product)
        for about in sorted(self.year.recipes(product)) if listed else ():
            counted = {whole.period for whole in self._counted(*about)}
            for said in self.standing.about("recipe", product):
                body = cast(Recipe, said.statement.body)
                if body.about == about and body.period in counted and site in (None, body.site):
                    yield from self._read(said, body.inputs, product, body.site)

    def _counted(self, product: str, site: str) -> Sequence[Whole[Recipe]]:
        places = self.year.places(site)
        fitting = [whole for place in places for whole in self.year.recipes_at(product, place)]
        return fitting or self.year.other_recipes(product, site)[:1]

    def _of_purchases(self, site: str) -> Iterator[Line]:
        counted = {whole.period for whole in self.year.purchases(site)}
        for said in self.standing.about("purchases", site):
            body = cast(Purchases, said.statement.body)
            if body.period in counted:
                yield from self._read(said, body.inputs, None, site)

    def _read(
        self, said: Said, inputs: Sequence[InputLine], product: str | None, site: str
    ) -> Iterator[Line]:
        made = self.catalogue.product(product) if product else None
        consumer = made.product.name if made else self.year.site_name(site)
        for k, stated in enumerate(inputs):
            for n, line in enumerate(lines_of([stated])):
                meant = self.catalogue.resolve(line.ref, line.supplier)
                listed = meant.listed if isinstance(meant, Resolved) else None
                where = f"/inputs/{k}" + ("/transport" if n else "")
                yield Line(line, listed, consumer, product, site, said, where)


def supplier_of(listed: Listed, *sources: Source) -> Party:
    """The side of a product's owner."""
    return Party(Side.SUPPLIER, listed.owner, listed.product.id, None, sources)


def consumers_of(evidence: Evidence, node: int) -> tuple[Party, ...]:
    """The sides of the other enterprises that draw on a node."""
    edges, owner = evidence.solved.network.edges, evidence.nodes[node].owner
    drawing = edges.consumer[(edges.supplier == node) & (edges.amount != 0)]
    met = (evidence.nodes[j] for j in sorted(set(map(int, drawing))))
    parties = (Party(Side.CONSUMER, n.owner, n.product, _site(n)) for n in met if n.owner != owner)
    return tuple(dict.fromkeys(parties))


def _site(node: Node) -> str | None:
    return node.place.site if node.place else None
