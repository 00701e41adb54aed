"""The firewall: rules that look at what was stated, and at what follows, for what cannot be true.

A rule is a small pure function of the evidence and of a scope: it yields what it finds about the
products and sites in the scope. ``graph.findings.REGISTRY`` says how severe each is and what each
side is told; this module says when it holds. Rules about a footprint look at every one that stands,
whatever its year, because a wrong one is wrong as long as it stands; rules about lines and balances
look at what counts in the year.

Nothing here changes a number. What is set aside is set aside where the network is built: lines in
units that do not convert, and what the predicates of ``graph.reading.masses`` name.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias, cast
from urllib.parse import urlsplit

import numpy as np
from marshmallow import ValidationError

from graph.books.reconciliation import differences
from graph.findings import Finding, figure, finding
from graph.reading.masses import (
    bridges_by_mass,
    is_for_one,
    kg_per_declared,
    masses_disagree,
    stated_kg_per_declared,
)
from graph.reading.network import Node
from graph.reading.openings import in_declared_unit
from graph.reading.references import Listed
from graph.soundness.evidence import Declared, Evidence, Line, Scope, consumers_of, supplier_of
from graph.terms import Feed
from ledger import pact, units
from ledger.errors import UnitMismatch
from ledger.findings import Party, Side, Source
from ledger.standing import Said
from ledger.statements import Period, Product, Production, Recipe

Rule: TypeAlias = Callable[[Evidence, Scope], Iterator[Finding]]

FACTOR_TOLERANCE: Final = math.log(1.2)
"""How near (in ln) a ratio must be to a declared amount to be that amount."""
LEAST_AMOUNT: Final = 3
"""A declared amount nearer to 1 than this is not told from an ordinary difference."""
BUYERS_TOLERANCE: Final = 0.01
STAGES_NOTICED: Final = 0.01
STAGES_WARNED: Final = 0.05
LEAST_PEERS: Final = 8
LEAST_OWNERS: Final = 3
"""A class tells its median only where so many other enterprises are behind it."""
OUTLYING: Final = 3.5
"""Deviations from the median, in robust σ, from which a value is called outlying (Iglewicz and
Hoaglin 1993)."""
MAD_TO_SIGMA: Final = 1.4826
"""The median absolute deviation of a normal distribution times this is its σ."""
LEAST_SIGMA: Final = 0.12
"""In ln: what lies within 1.5 times the median is never outlying, however alike the peers."""
BALANCE_TOLERANCE: Final = 0.10
"""PACT lets 5 per cent be exempted, and what a site uses for itself is in no product."""
DIRECT_TOLERANCE: Final = 0.01
OUTPUT_TOLERANCE: Final = 1e-9
INTO_PRODUCTS: Final = frozenset({1, 3, 4, 5})
"""Scope 3 categories of what a cradle-to-gate footprint contains."""

TOLD: Final = ("footprint", "recipe", "production")
"""Statements that say where a product is made, or what it carries."""
STAGES_PATH: Final = "/schemas/catchment-stages-1.json"
"""Path of the extension that gives a PACT footprint by stage of the life cycle: ``{"stages":
[{"name", "kgCo2ePerDeclaredUnit"}]}``, decimal strings, for the whole declared amount."""


def findings(evidence: Evidence, scope: Scope) -> tuple[Finding, ...]:
    """What the rules find about a scope, worst first, each once."""
    return _found(RULES, evidence, scope)


def findings_for_auditors(evidence: Evidence, scope: Scope) -> tuple[Finding, ...]:
    """As ``findings``, and what takes everybody's footprints to find: costs one pass over all."""
    return _found((*RULES, copied_across_owners), evidence, scope)


def _found(rules: Iterable[Rule], evidence: Evidence, scope: Scope) -> tuple[Finding, ...]:
    found = dict.fromkeys(each for rule in rules for each in rule(evidence, scope))
    return tuple(sorted(found, key=lambda each: (each.severity.rank, each.rule)))


# --- Lines: units, repetitions, suppliers -----------------------------------------------------


def lines(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """What is wrong with single lines, and with several of one consumer on one product."""
    seen = evidence.lines(scope)
    disputed = {product for each in seen for product in _disputed(evidence, each)}
    for line in seen:
        yield from unit_of(line, disputed)
        yield from supplier_named(evidence, line)
        yield from sign_of(line)
    yield from repeated_lines(seen)
    yield from units_that_differ(seen)


def unit_of(line: Line, disputed: Iterable[str] = ()) -> Iterator[Finding]:
    """A line's unit must convert into the declared unit, by masses that nobody disputes."""
    if line.listed is None:
        return
    product = line.listed.product
    try:
        in_declared_unit(line.line.unit, product)
    except UnitMismatch:
        bridges = bridges_by_mass(line.line.unit, product)
        yield line.found("mass-missing" if bridges else "unit-mismatch")
        return
    if product.id in disputed and bridges_by_mass(line.line.unit, product):
        yield line.found("mass-disputed")


def supplier_named(evidence: Evidence, line: Line) -> Iterator[Finding]:
    """The supplier that a line names must own the product it means."""
    named = line.line.supplier
    if line.listed and named and evidence.catalogue.enterprise(named) != line.listed.owner:
        yield line.found("supplier-differs")


def sign_of(line: Line) -> Iterator[Finding]:
    if line.listed and line.line.amount < 0:
        yield line.found("negative-input")


def repeated_lines(seen: Iterable[Line]) -> Iterator[Finding]:
    """One line several times in one statement, whoever is named as its supplier.

    Several pieces, several suppliers, or a list that was imported several times: nobody can tell.
    """
    same: dict[object, list[Line]] = defaultdict(list)
    for each in seen:
        line = each.line
        at = (each.product, each.site, each.said.digest, each.where.endswith("/transport"))
        same[at, line.ref, line.site, line.amount, line.unit, line.category].append(each)
    for first, *others in same.values():
        if others:
            yield first.found("repeated-line", *others, count=len(others) + 1)


def units_that_differ(seen: Iterable[Line]) -> Iterator[Finding]:
    """One site that states one product in units of two dimensions, here and there."""
    by_link: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for each in seen:
        if each.listed is not None:
            by_link[each.site, each.listed.product.id].append(each)
    for on_one in by_link.values():
        first = on_one[0]
        other = next((o for o in on_one if views_disagree(o.line.unit, first.line.unit)), None)
        if other is not None:
            yield first.found("line-units-differ", other, other=other.line.unit)


def views_disagree(one: str, other: str) -> bool:
    """Whether the two ends of an edge count in units of different dimensions (piece, litre)."""
    return units.parse(one).dimension != units.parse(other).dimension


def _disputed(evidence: Evidence, line: Line) -> Iterator[str]:
    """The product of a line that is stated by mass, if its own masses disagree."""
    if line.listed is None or not bridges_by_mass(line.line.unit, line.listed.product):
        return
    product = line.listed.product
    if any(masses_disagree(each.body.pact, product) for each in evidence.declared(line.listed)):
        yield product.id


# --- Statements: units, masses, declared amounts ----------------------------------------------


def statement_units(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """Footprints, recipes and production must be in units that convert into the declared one."""
    for listed in evidence.listed(scope):
        for each in evidence.declared(listed):
            if not _converts(unit := each.pcf.unit_code, listed.product):
                where = "/pcf/declaredUnitOfMeasurement"
                yield each.found("footprint-unit", where, unit=unit, declared=listed.product.unit)
        for said, unit, rule, where in _stated_units(evidence, listed.product.id):
            if not _converts(unit, listed.product):
                yield _of_product(
                    listed, rule, said, where, unit=unit, declared=listed.product.unit
                )


def _stated_units(evidence: Evidence, product: str) -> Iterator[tuple[Said, str, str, str]]:
    for said in evidence.standing.about("recipe", product):
        yield said, cast(Recipe, said.statement.body).basis.unit, "recipe-unit", "/basis/unit"
    for said in evidence.standing.about("production", product):
        yield said, cast(Production, said.statement.body).unit, "production-unit", "/unit"


def masses(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """The mass in a footprint against the registered one: another, or that of one unit only."""
    where = "/pcf/productMassPerDeclaredUnit"
    for each in evidence.footprints(scope):
        product = each.product
        if is_for_one(each.body.pact, product):
            yield each.found("declared-amount-by-mass", where, **_amount(each))
        elif masses_disagree(each.body.pact, product):
            yield each.found(
                "mass-contradictory",
                where,
                mass=figure(kg_per_declared(product) or 0.0),
                stated=figure(stated_kg_per_declared(each.body.pact, product)),
                declared=product.unit,
            )


def amounts_by_siblings(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """A value that is exactly the declared amount away from the product's other figures.

    The others are its other footprints and what its recipes give.
    """
    for listed in evidence.listed(scope):
        stated = evidence.declared(listed)
        computed = _computed(evidence, listed.product.id)
        for each in stated:
            others = [*computed, *(o.per_unit for o in stated if o is not each)]
            if is_off_by_amount(each, [other for other in others if other and other > 0]):
                yield each.found(
                    "declared-amount-by-siblings", "/pcf/declaredUnitAmount", **_amount(each)
                )


def is_off_by_amount(each: Declared, siblings: Sequence[float]) -> bool:
    """Whether a value and the median of its siblings are apart by the declared amount."""
    amount, value = float(each.pcf.declared_unit_amount), each.per_unit
    if not siblings or not value or value < 0:
        return False
    apart = abs(math.log(value / statistics.median(siblings)))
    trap = abs(math.log(amount))
    return trap >= math.log(LEAST_AMOUNT) and abs(apart - trap) <= FACTOR_TOLERANCE


def _computed(evidence: Evidence, product: str) -> list[float]:
    made = evidence.nodes_of(Scope(frozenset({product})))
    return [float(evidence.kg_co2e[i]) for i in made if evidence.nodes[i].feed is Feed.RECIPE]


def _amount(each: Declared) -> dict[str, object]:
    return {"amount": each.pcf.declared_unit_amount, "unit": each.pcf.declared_unit_of_measurement}


def _converts(unit: str, product: Product) -> bool:
    try:
        in_declared_unit(unit, product)
    except UnitMismatch:
        return False
    return True


def _of_product(listed: Listed, rule: str, said: Said, where: str, **params: object) -> Finding:
    party = supplier_of(listed, Source(said.index, said.digest, where))
    return finding(rule, where, parties=(party,), product=listed.product.name, **params)


# --- Footprints: shares, sums, stages ---------------------------------------------------------


def unsigned_external(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """Footprints that nobody but another host vouches for: of the scope, and of what it takes in.

    Unlike an error in a footprint, this is the buyer's to know: its figure rests on it.
    """
    lines = (each.listed for each in evidence.lines(scope) if each.listed is not None)
    taken_in = (listed.product.id for listed in lines)
    for each in evidence.footprints(Scope(scope.products.union(taken_in))):
        if each.body.external is not None:
            yield each.found("unsigned-external", host=urlsplit(each.body.external.host).netloc)


def pact_rules(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """What PACT's text asks for and a footprint does not keep (``ledger.pact.findings``)."""
    for each in evidence.footprints(scope):
        for noticed in pact.findings(each.body.pact):
            yield each.found(noticed.rule, noticed.where, **noticed.params)


def parts_within_wholes(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """No part may be greater than what contains it."""
    for each in evidence.footprints(scope):
        for part, value, whole, limit in _contained(each.pcf):
            if value is not None and value > limit:
                yield each.found(
                    "part-above-whole",
                    f"/pcf/{part}",
                    part=part,
                    value=format(value, "f"),
                    whole=whole,
                    limit=format(limit, "f"),
                )


def _contained(pcf: pact.CarbonFootprint) -> Iterator[tuple[str, Decimal | None, str, Decimal]]:
    """Parts with what contains them. The total is net, so its gross parts bound it as well."""
    gross = sum((pcf.components[name] for name in pact.GROSS_PARTS), Decimal(0))
    total = max(pcf.pcf_excluding_biogenic_uptake, gross)
    fossil = pcf.fossil_ghg_emissions
    managed = pcf.land_management_fossil_ghg_emissions
    name = "pcfExcludingBiogenicUptake"
    yield "landManagementFossilGhgEmissions", managed, "fossilGhgEmissions", fossil
    yield "aircraftGhgEmissions", pcf.aircraft_ghg_emissions, name, total
    yield "packagingGhgEmissions", pcf.packaging_ghg_emissions, name, total


def stages(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """Stages of the life cycle against the total, where a footprint gives them."""
    for each in evidence.footprints(scope):
        for at, extension in enumerate(each.body.pact.extensions):
            parts = stages_of(extension)
            if parts is not None:
                yield from _stages_against_total(each, parts, f"/extensions/{at}")


def _stages_against_total(
    each: Declared, parts: Sequence[Decimal], where: str
) -> Iterator[Finding]:
    total, summed = each.pcf.pcf_excluding_biogenic_uptake, sum(parts, Decimal(0))
    apart = distance(summed, total)
    if apart > STAGES_NOTICED:
        rule = "stages-do-not-add-up" if apart >= STAGES_WARNED else "stages-differ"
        yield each.found(rule, where, sum=format(summed, "f"), total=format(total, "f"))


def distance(summed: Decimal, total: Decimal) -> float:
    """How far a sum is from its total, relative to the total. Rounded to 12 digits, so that 5 per
    cent is 5 per cent."""
    if not total:
        return 0.0 if not summed else math.inf
    return round(float(abs(summed - total) / abs(total)), 12)


def stages_of(extension: pact.Extension) -> list[Decimal] | None:
    """The stages an extension gives, kg CO2e; ``None`` if it is about anything else."""
    if not urlsplit(extension.data_schema).path.endswith(STAGES_PATH):
        return None
    stated: Any = extension.data.get("stages")
    try:
        return [pact.read_decimal(stage["kgCo2ePerDeclaredUnit"]) for stage in stated]
    except (KeyError, TypeError, ValidationError):
        return None


# --- Footprints beside each other: copies, outliers -------------------------------------------


def copied_forward(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """The same numbers in successive reference periods of one product and site."""
    for listed in evidence.listed(scope):
        last: dict[str | None, Declared] = {}
        for each in evidence.declared(listed):
            before = last.get(each.body.site)
            last[each.body.site] = each
            if before and each.is_telling and _repeats(each, before):
                ends = (d.pcf.reference_period_end.date() for d in (before, each))
                before_end, end = ends
                yield each.found("copied-forward", "/pcf", before=before_end, end=end)


def _repeats(each: Declared, before: Declared) -> bool:
    later = each.pcf.reference_period_end > before.pcf.reference_period_end
    alike = each.pcf.declared_unit_amount == before.pcf.declared_unit_amount
    return later and alike and each.numbers == before.numbers


def copied_across_products(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """The same numbers for several products of one owner, in their latest footprints."""
    by_owner: dict[object, list[Declared]] = defaultdict(list)
    for listed in evidence.listed(scope):
        for each in evidence.declared(listed)[-1:]:
            if each.is_telling:
                by_owner[listed.owner, _numbers_with_unit(each)].append(each)
    for alike in by_owner.values():
        if len(alike) > 1:
            yield _copied("copied-across-products", alike, len(alike))


def copied_across_owners(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """The same numbers for products of several owners, in any of their footprints."""
    for alike in evidence.by_numbers.values():
        owners = {each.listed.owner for each in alike}
        if len(owners) > 1 and any(each.product.id in scope.products for each in alike):
            yield _copied("copied-across-owners", alike, len(owners))


def _numbers_with_unit(each: Declared) -> tuple[object, ...]:
    return each.pcf.unit_code, each.pcf.declared_unit_amount, each.numbers


def _copied(rule: str, alike: Sequence[Declared], count: int) -> Finding:
    parties = tuple(party for each in alike for party in each.found(rule, count=count).parties)
    return finding(rule, "/pcf", parties=parties, product=alike[0].product.name, count=count)


def outliers(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """Footprints far from the median of their class, by the median absolute deviation of ln.

    Compared per kg where the mass is known, else per declared unit; the latest footprint of each
    product counts. The factor is told with two digits, for a median is somebody's value.
    """
    classes: dict[str, dict[str, tuple[str, str, float]]] = {}
    for listed in evidence.listed(scope):
        mine = _comparable(evidence, listed)
        for classification in listed.product.classifications if mine else ():
            if classification not in classes:
                classes[classification] = _class_of(evidence, classification)
            yield from _outlying(evidence, listed, classification, classes[classification])


def _class_of(evidence: Evidence, classification: str) -> dict[str, tuple[str, str, float]]:
    """Product -> (owner, per what, ln kg CO2e) of a class."""
    found = {}
    for product in sorted(evidence.catalogue.in_class(classification)):
        listed = cast(Listed, evidence.catalogue.product(product))
        if (compared := _comparable(evidence, listed)) is not None:
            found[product] = (listed.owner, *compared)
    return found


def _comparable(evidence: Evidence, listed: Listed) -> tuple[str, float] | None:
    stated = evidence.declared(listed)
    value = stated[-1].per_unit if stated else None
    if value is None or value <= 0:
        return None
    mass = kg_per_declared(listed.product)
    return (
        (listed.product.unit, math.log(value)) if mass is None else ("kg", math.log(value / mass))
    )


def _outlying(
    evidence: Evidence,
    listed: Listed,
    classification: str,
    members: Mapping[str, tuple[str, str, float]],
) -> Iterator[Finding]:
    _, per, value = members[listed.product.id]
    peers = {
        product: (owner, other)
        for product, (owner, each_per, other) in members.items()
        if each_per == per and product != listed.product.id
    }
    owners = {owner for owner, _ in peers.values()} - {listed.owner}
    if len(peers) < LEAST_PEERS or len(owners) < LEAST_OWNERS:
        return
    apart = deviation(value, [other for _, other in peers.values()])
    if apart is not None:
        yield evidence.declared(listed)[-1].found(
            "outlier-high" if apart > 0 else "outlier-low",
            "/pcf/pcfExcludingBiogenicUptake",
            factor=figure(math.exp(abs(apart)), digits=2),
            peers=len(peers),
            classification=classification,
        )


def deviation(value: float, peers: Sequence[float]) -> float | None:
    """How far (in ln) a value is from the median of its peers, if it is an outlier."""
    median = statistics.median(peers)
    mad = statistics.median(abs(peer - median) for peer in peers)
    apart = value - median
    return apart if abs(apart) > OUTLYING * max(MAD_TO_SIGMA * mad, LEAST_SIGMA) else None


# --- Balances ---------------------------------------------------------------------------------


def deliveries(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """y = x − Z·1 < 0: what is stated as taken in exceeds what is stated as made."""
    network = evidence.solved.network
    for i in evidence.nodes_of(scope):
        used, made = float(evidence.uses[i]), float(network.output[i])
        if not used > made * (1 + OUTPUT_TOLERANCE):
            continue
        node = evidence.nodes[i]
        parties = (_side_of(evidence, node), *consumers_of(evidence, i))
        named = {"product": node.name, "unit": node.unit}
        yield finding(
            "deliveries-exceed-output", "", parties=parties, amount=figure(used - made), **named
        )
        if amount := _declared_amount_between(evidence, node, used, made):
            yield finding("declared-amount-by-buyers", "", parties=parties, amount=amount, **named)


def _declared_amount_between(
    evidence: Evidence, node: Node, used: float, made: float
) -> str | None:
    """The amount a footprint of the node is for, if uses are just that many times the output."""
    listed = evidence.catalogue.product(cast(str, node.product))
    for each in evidence.declared(listed) if listed and made > 0 else ():
        amount = float(each.pcf.declared_unit_amount)
        if amount >= LEAST_AMOUNT and abs(used / made / amount - 1) <= BUYERS_TOLERANCE:
            return format(each.pcf.declared_unit_amount, "f")
    return None


def below_direct(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """A declared footprint less than what the recipe of the same product emits by itself."""
    for i in evidence.nodes_of(scope):
        stated, direct = evidence.stated_kg_co2e(i), float(evidence.direct_kg_co2e[i])
        if stated is not None and stated < direct * (1 - DIRECT_TOLERANCE):
            node = evidence.nodes[i]
            yield finding(
                "footprint-below-direct",
                "",
                parties=(_side_of(evidence, node),),
                product=node.name,
                declared=figure(stated),
                direct=figure(direct),
                unit=node.unit,
            )


@dataclass(frozen=True, slots=True)
class Balance:
    """kg CO2e that products of an enterprise are sold under, and that they hold."""

    sold: float
    held: float
    nodes: tuple[int, ...]

    @property
    def falls_short(self) -> bool:
        return self.held > 0 and self.held - self.sold > BALANCE_TOLERANCE * self.held


def embodied(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """Carbon sold under declared footprints against the carbon that came in and was emitted.

    A footprint that is true of a batch and declared of all that was made leaves carbon behind: it
    is in nobody's product. An enterprise balances

        Σ declared_j · x_j   against   Σ m_j · x_j                       products with a recipe too
        Σ declared_j · x_j   against   E_rest + Σ m_i · bought_i         products without, by place

    where the second asks for whole books of the place and for the output of all such products.
    """
    owned: dict[str, list[int]] = defaultdict(list)
    wanted = {listed.owner for listed in evidence.listed(scope)}
    for i, node in enumerate(evidence.nodes):
        if node.owner in wanted:
            owned[node.owner].append(i)
    for owner, nodes in sorted(owned.items()):
        balance = _added([_with_recipes(evidence, nodes), *_by_books(evidence, nodes)])
        if balance.falls_short and _touches(evidence, balance, scope):
            yield _unsold(evidence, owner, balance)


def _with_recipes(evidence: Evidence, nodes: Iterable[int]) -> Balance:
    output = evidence.solved.network.output
    both = [
        i for i in nodes if evidence.stated_kg_co2e(i) is not None and not math.isnan(output[i])
    ]
    sold = sum(cast(float, evidence.stated_kg_co2e(i)) * output[i] for i in both)
    return Balance(
        float(sold), float(sum(evidence.kg_co2e[i] * output[i] for i in both)), tuple(both)
    )


def _by_books(evidence: Evidence, nodes: Iterable[int]) -> Iterator[Balance]:
    """A balance for each place with whole books whose products are all declared."""
    network = evidence.solved.network
    by_place: dict[Any, list[int]] = defaultdict(list)
    for i in nodes:
        by_place[evidence.nodes[i].place].append(i)
    for place, here in by_place.items():
        book = network.books.get(place)
        if place is None or book is None:
            continue
        whole = min(book.inventory_days, book.purchase_days) >= place.days
        made = [i for i in here if evidence.nodes[i].feed is Feed.FOOTPRINT]
        if whole and made and not np.isnan(network.output[made]).any():
            yield _of_place(evidence, here, made)


def _of_place(evidence: Evidence, here: Sequence[int], made: Sequence[int]) -> Balance:
    network = evidence.solved.network
    edges = network.edges
    overhead = next(i for i in here if evidence.nodes[i].feed is Feed.OVERHEAD)
    bought = (edges.consumer == overhead) & np.isin(edges.category, sorted(INTO_PRODUCTS))
    came_in = float(edges.amount[bought] @ evidence.kg_co2e[edges.supplier[bought]])
    held = float(evidence.direct_kg_co2e[overhead]) + came_in
    return Balance(float(evidence.direct_kg_co2e[made] @ network.output[made]), held, tuple(made))


def _added(balances: Iterable[Balance]) -> Balance:
    met = list(balances)
    nodes = tuple(i for balance in met for i in balance.nodes)
    return Balance(sum(b.sold for b in met), sum(b.held for b in met), nodes)


def _touches(evidence: Evidence, balance: Balance, scope: Scope) -> bool:
    return any(evidence.nodes[i].product in scope.products for i in balance.nodes)


def _unsold(evidence: Evidence, owner: str, balance: Balance) -> Finding:
    parties = tuple(_side_of(evidence, evidence.nodes[i]) for i in balance.nodes)
    return finding(
        "embodied-sold-below-bought",
        "",
        parties=tuple(dict.fromkeys(parties)),
        enterprise=evidence.name_of(owner),
        sold=figure(balance.sold),
        held=figure(balance.held),
    )


def _side_of(evidence: Evidence, node: Node) -> Party:
    """The owner's side of a node, with what it states of its footprint and its output."""
    product, site = cast(str, node.product), node.place.site if node.place else None
    said = [
        each
        for kind in TOLD
        for each in evidence.standing.about(kind, product)
        if getattr(each.statement.body, "site", None) in (site, None)
    ]
    sources = tuple(Source(each.index, each.digest) for each in said)
    return Party(Side.SUPPLIER, node.owner, product, site, sources)


# --- Meters -----------------------------------------------------------------------------------


def meters_and_inventories(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """What the meters of a site count against what its inventory states of the same."""
    for site in sorted(scope.sites):
        yield from differences(evidence.year, site)


# --- Periods ----------------------------------------------------------------------------------


def in_force(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """Products of which nothing is in force in the year, or on the day: never zero, but old."""
    when = evidence.year.valid_on or evidence.year.year
    for i in evidence.nodes_of(scope):
        node = evidence.nodes[i]
        stands_in = _stands_in(evidence, node)
        if stands_in is not None:
            yield finding(
                "nothing-in-force",
                "",
                parties=(_side_of(evidence, node),),
                product=node.name,
                when=when,
                start=stands_in[0],
                end=stands_in[1],
            )


def _stands_in(evidence: Evidence, node: Node) -> tuple[object, object] | None:
    """The period of the recipe or footprint that stands in for a node, if one does."""
    product = cast(str, node.product)
    if node.feed is Feed.OTHER_YEAR and node.place is not None:
        period: Period = evidence.year.other_recipes(product, node.place.site)[0].period
        return period.start, period.end
    if node.feed is Feed.EXPIRED:
        standby = evidence.year.footprint(product, node.place.site if node.place else None)
        if standby is not None:
            pcf = standby.footprint.pact.pcf
            return pcf.reference_period_start.date(), pcf.reference_period_end.date()
    return None


def nowhere(evidence: Evidence, scope: Scope) -> Iterator[Finding]:
    """Products that no statement of any year describes or places: unknown, never zero."""
    for listed in evidence.listed(scope):
        product = listed.product.id
        told = (evidence.standing.about(kind, product) for kind in TOLD)
        if not any(told):
            yield finding(
                "made-nowhere", "", parties=(supplier_of(listed),), product=listed.product.name
            )


RULES: Final[tuple[Rule, ...]] = (
    lines,
    statement_units,
    masses,
    amounts_by_siblings,
    unsigned_external,
    pact_rules,
    parts_within_wholes,
    stages,
    copied_forward,
    copied_across_products,
    outliers,
    deliveries,
    below_direct,
    embodied,
    meters_and_inventories,
    in_force,
    nowhere,
)
"""What is looked at for a scope; ``copied_across_owners`` looks at everybody's footprints."""

LOOKED_AT: Final = frozenset(
    {
        "unit-mismatch",
        "mass-disputed",
        "supplier-differs",
        "negative-input",
        "recipe-unit",
        "footprint-unit",
        "declared-amount-by-mass",
        "production-unit",
        "deliveries-exceed-output",
    }
)
"""Rules that building the network notices too, there without saying where."""
