"""The answers about a park or an enterprise: Scope 1, 2, 3 and the bridge T0 → T1 → T2.

A park's answer protects its tenants, an enterprise's its suppliers; ``Guarded`` says whose figures
a part of the answer must not give away, and the rest is the same for both.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np
from flask_babel import gettext

from api.access.access import Access, Sight, Tenants, nodes_inside
from api.access.rule_of_three import allows, merged
from api.figures.covered import Deductions, covered_may_be_told, deductions_told, may_be_told
from api.figures.parts import (
    Answer,
    Hidden,
    amount,
    by_gas,
    columns_of,
    findings_about,
    gap_rows,
    head,
    name_of,
    origin,
    rungs,
    site_name,
    told,
    undisclosed,
)
from api.figures.scope3 import CATEGORIES, OTHER_CATEGORIES
from graph.engine import Books, memberships_of
from graph.figures.boundary import NOTHING, Amount, Missing
from graph.figures.gaps import Effect
from graph.figures.rungs import footprints_by_rung
from graph.findings import MISSING_SENTENCES, Finding, finding
from graph.reading.network import Floats
from graph.terms import Feed
from ledger.statements import Membership

BOUNDARY = "fence"
SCOPE2 = 0
"""The part of the upstream figure that is no Scope 3 category."""
LARGEST = 20
"""How many origins are listed."""


@dataclass(frozen=True)
class Guarded:
    """Books with what must not be read from them.

    Exactly one of ``tenants`` (of a park) and ``suppliers`` (of an enterprise) is given.
    """

    books: Books
    access: Access
    tenants: Tenants | None = None
    suppliers: Sight | None = None

    @cached_property
    def inside(self) -> list[int]:
        return nodes_inside(self.books)

    @cached_property
    def crossing(self) -> list[tuple[int, int, int]]:
        """(supplier, consumer, category) of every edge over which something came in."""
        network, within = self.books.answered.solved.network, set(self.books.places)
        outside = np.array([node.place not in within for node in network.nodes], dtype=bool)
        counted = np.zeros(len(network.nodes), dtype=bool)
        counted[self.inside] = True
        counted &= np.nan_to_num(network.output) != 0
        edges = network.edges
        over = counted[edges.consumer] & outside[edges.supplier] & (edges.amount != 0)
        columns = (edges.supplier[over], edges.consumer[over], edges.category[over])
        return list(zip(*(map(int, column) for column in columns), strict=True))

    def behind_inflow(
        self, supplier: int, consumer: int, table: Floats | None = None
    ) -> AbstractSet[str]:
        """Whose undisclosed figures one edge over the fence contains.

        With a ``table`` of figures by node, only those are meant that have something in their row.
        """
        if self.tenants is not None:
            return {self._owner(consumer)} & self.tenants.guarded
        hidden = self._hidden_behind(supplier)
        if table is None:
            return frozenset(hidden.values())
        return {owner for i, owner in hidden.items() if np.any(np.nan_to_num(table[i]))}

    def _hidden_behind(self, supplier: int) -> Mapping[int, str]:
        if supplier not in self._hidden_cache:
            network = self.books.answered.solved.network
            sight, viewer = cast(Sight, self.suppliers), self.books.id
            if supplier in sight.open_nodes:
                beyond = self.access.sight_from(network, [supplier], viewer).hidden
                self._hidden_cache[supplier] = beyond
            else:
                owner = sight.hidden.get(supplier)
                self._hidden_cache[supplier] = {supplier: owner} if owner else {}
        return self._hidden_cache[supplier]

    @cached_property
    def _hidden_cache(self) -> dict[int, Mapping[int, str]]:
        return {}

    def amount(self, figure: Amount) -> Answer:
        """A figure, without what was filled in where that would tell too much."""
        return amount(figure, tells_filled=self.tells_filled)

    def may_show_effect(self, effect: Effect) -> bool:
        """How much of something further up is drawn tells how much was bought of what it is in."""
        if self.access.caller.is_auditor or not self._protects:
            return True
        return effect.gap.node in self._inside

    @property
    def _protects(self) -> bool:
        """Whether anybody's figures are in these books that the caller may not know."""
        if self.tenants is not None:
            return bool(self.tenants.guarded)
        return bool(cast(Sight, self.suppliers).hidden)

    @cached_property
    def _inside(self) -> frozenset[int]:
        return frozenset(self.inside)

    def scope1_columns(self) -> tuple[Hidden, ...]:
        """For each kind of protection: column -> tenants that have emissions in it."""
        direct = self.books.answered.solved.network.direct
        kinds = (self.tenants.guarded, self.tenants.unread) if self.tenants else ()
        return tuple(columns_of(self._owned_by(kind), direct) for kind in kinds)

    def upstream_columns(self) -> Hidden:
        """Column -> those behind what came in with something in it."""
        footprints = self.books.answered.solved.footprints
        if self.suppliers is not None:
            return columns_of(self.suppliers.hidden, footprints)
        found: dict[int, set[str]] = defaultdict(set)
        for supplier, consumer, _ in self.crossing:
            behind = self.behind_inflow(supplier, consumer)
            for k in np.flatnonzero(np.nan_to_num(footprints[supplier])) if behind else ():
                found[int(k)] |= behind
        return found

    @cached_property
    def filled_parts(self) -> Mapping[int, AbstractSet[str]]:
        """Category -> those whose undisclosed figures lack what was filled in under it."""
        solved = self.books.answered.solved
        found: dict[int, set[str]] = {part: set() for part in (SCOPE2, *CATEGORIES)}
        for supplier, consumer, category in self.crossing:
            if np.any(np.nan_to_num(solved.estimated[supplier])):
                behind = self.behind_inflow(supplier, consumer, solved.estimated)
                found[category] |= behind
                if solved.network.nodes[supplier].carrier is not None:
                    found[SCOPE2] |= behind
        if self.tenants is not None:
            for gap in self.books.assessment.gaps:
                lacking = {self._owner(gap.node)} & self.tenants.guarded
                found[gap.category] |= lacking
                if gap.estimate is not None and gap.estimate.is_generation:
                    found[SCOPE2] |= lacking
        return found

    @cached_property
    def tells_filled(self) -> bool:
        """Whether what was filled in tells nobody what one or two others lack."""
        return allows(len(set[str]().union(*self.filled_parts.values())))

    @cached_property
    def tells_cover(self) -> bool:
        """Whether what certificates cover tells nobody what one or two others have bought."""
        return covered_may_be_told(self.books, self.tenants)

    @cached_property
    def tells_deducted(self) -> Deductions:
        """Which sums of capture and sinks tell nobody what one or two others stated of theirs."""
        return deductions_told(self.books, self.tenants)

    def rung_parts(self) -> Hidden:
        """Position in ``RUNGS`` -> those behind what came in on that rung."""
        answered = self.books.answered
        found: dict[int, set[str]] = defaultdict(set)
        if not self._protects:
            return found
        nodes = np.array(sorted(self._behind_crossing), dtype=np.int64)
        rows = np.nan_to_num(footprints_by_rung(answered.solved, nodes, answered.weights))
        for node, row in zip(nodes.tolist(), rows, strict=True):
            for k in np.flatnonzero(row):
                found[int(k)] |= self._behind_crossing[node]
        return found

    @cached_property
    def _behind_crossing(self) -> Mapping[int, AbstractSet[str]]:
        """Node -> those whose undisclosed figures its row stands for in what came in: of a park
        the tenants that take it in, of an enterprise its owner, wherever the view ends."""
        found: dict[int, set[str]] = defaultdict(set)
        for supplier, consumer, _ in self.crossing:
            if self.tenants is not None:
                found[supplier] |= {self._owner(consumer)} & self.tenants.guarded
            else:
                for node, owner in self._hidden_behind(supplier).items():
                    found[node].add(owner)
        return found

    def inflow_parts(self) -> Mapping[int, AbstractSet[str]]:
        """Category, or ``SCOPE2`` -> those whose undisclosed figures it contains."""
        nodes = self.books.answered.solved.network.nodes
        found: dict[int, set[str]] = {part: set() for part in (SCOPE2, *CATEGORIES)}
        for supplier, consumer, category in self.crossing:
            behind = self.behind_inflow(supplier, consumer)
            found[category] |= behind
            if nodes[supplier].carrier is not None:
                found[SCOPE2] |= behind
        return found

    def may_show_origin(self, node: int) -> bool:
        """Whether what arose at an outside node may stand in a row of its own."""
        access, at = self.access, self.books.answered.solved.network.nodes[node]
        if access.may_know_inputs_of(at) or at.owner == self.books.id:
            return True
        stated = at.feed in (Feed.FOOTPRINT, Feed.EXPIRED)
        return stated and at.product is not None and access.may_read_footprint_of(at.product)

    def _owner(self, node: int) -> str:
        return self.books.answered.solved.network.nodes[node].owner

    def _owned_by(self, enterprises: AbstractSet[str]) -> dict[int, str]:
        owners = {node: self._owner(node) for node in self.inside}
        return {node: owner for node, owner in owners.items() if owner in enterprises}


def boundary_answer(guarded: Guarded) -> Answer:
    """The books of a park or an enterprise as far as the caller may read them, in kg CO2e."""
    books = guarded.books
    answered, assessed = books.answered, books.assessment
    network, weights = answered.solved.network, answered.weights
    gaps, gaps_elsewhere = _gaps(guarded)
    missing, missing_elsewhere = _missing(guarded)
    return {
        books.kind: {"id": books.id, "name": books.name},
        **head(answered, books.as_of, BOUNDARY),
        "unit": "kg CO2e",
        "scope1": guarded.amount(assessed.scope1),
        **_split(guarded),
        "upstream": guarded.amount(assessed.upstream),
        "bridge": _bridge(guarded),
        "rungs": _rungs(guarded),
        "returning": str(assessed.returning),
        "not_assessable_because": _reasons(guarded),
        "by_gas": {
            "scope1": by_gas(
                network.columns, assessed.scope1_columns, weights, *guarded.scope1_columns()
            ),
            "upstream": by_gas(
                network.columns, assessed.upstream_columns, weights, guarded.upstream_columns()
            ),
        },
        "by_tenant": _by_tenant(guarded),
        "origins": _origins(guarded),
        "missing": missing,
        "missing_not_shown": missing_elsewhere,
        "gaps": gaps,
        "gaps_not_shown": gaps_elsewhere,
        "findings": _findings(guarded),
        "memberships": _memberships(books),
        "on_behalf": on_behalf(guarded),
    }


def _split(guarded: Guarded) -> Answer:
    """Scope 2 and the categories of Scope 3; null and one sum where they would tell too much."""
    assessed = guarded.books.assessment
    together = merged(guarded.inflow_parts(), guarded.filled_parts)
    if SCOPE2 in together:
        return {
            "scope2": {"location": None, "market": None},
            "scope3": {"upstream": None, "by_category": [], "not_stated": []},
        }
    by_category = assessed.scope3_by_category
    rows = [
        {"category": category, "name": gettext(CATEGORIES[category]), **guarded.amount(figure)}
        for category, figure in by_category.items()
        if category not in together
    ]
    if together:
        rest = [by_category[category] for category in together if category in by_category]
        told = guarded.amount(sum(rest, NOTHING))
        rows.append({"category": None, "name": gettext(OTHER_CATEGORIES), **told})
    return {
        "scope2": {
            "location": guarded.amount(assessed.scope2),
            "market": guarded.amount(guarded.books.market.amount) if guarded.tells_cover else None,
        },
        "scope3": {
            "upstream": guarded.amount(assessed.scope3),
            "by_category": rows,
            "not_stated": _named(CATEGORIES.keys() - by_category.keys()),
        },
    }


def _named(categories: Iterable[int]) -> list[Answer]:
    return [{"category": each, "name": gettext(CATEGORIES[each])} for each in sorted(categories)]


def _bridge(guarded: Guarded) -> Answer:
    assessed = guarded.books.assessment
    t0, t1 = assessed.t0, assessed.t1
    steps = {
        "t0": t0,
        "internal": t0 - t1 if t0 and t1 else None,
        "t1": t1,
        "returned": assessed.returned,
        "t2": assessed.t2,
    }
    told = {name: figure and guarded.amount(figure) for name, figure in steps.items()}
    return {**told, "status": str(assessed.t2_status)}


def _rungs(guarded: Guarded) -> list[Answer] | None:
    """How well T2 is known; null where it would tell what others lack."""
    if not guarded.tells_filled:
        return None
    return rungs(guarded.books.assessment.rungs, guarded.rung_parts())


def _reasons(guarded: Guarded) -> Answer:
    """Which products lack a recipe or an output; by name for those who may know that."""
    books, access = guarded.books, guarded.access
    own = books.kind == "enterprise" and access.caller.enterprise == books.id
    names = books.assessment.not_assessable_because
    shown = list(names) if own or access.caller.is_auditor else None
    return {"count": len(names), "products": shown}


def _by_tenant(guarded: Guarded) -> list[Answer] | None:
    """Scope 1 by tenant, for the park's own enterprise and auditors; null for others."""
    books, access, tenants = guarded.books, guarded.access, guarded.tenants
    standing = books.answered.standing
    owner = standing.owner_of("park", books.id)
    if tenants is None or not (access.caller.is_auditor or access.caller.enterprise == owner):
        return None
    figures = books.assessment.scope1_by_owner
    rows = [
        {
            "enterprise": {"id": tenant, "name": name_of(standing, tenant) or tenant},
            "enterprises": 1,
            "scope1": amount(figure),
        }
        for tenant, figure in sorted(figures.items(), key=lambda item: -item[1].at_least)
        if tenant not in tenants.unread
    ]
    rest = [figures[tenant] for tenant in tenants.unread]
    if rest:
        told = amount(sum(rest, NOTHING))
        rows.append({"enterprise": None, "enterprises": len(rest), "scope1": told})
    return rows


def _origins(guarded: Guarded) -> list[Answer] | None:
    """Where the upstream figure was emitted, largest first; null where it would tell too much.

    A row tells how much was bought of something: where tenants must be protected, there is none.
    """
    books = guarded.books
    if guarded.tenants is not None and guarded.tenants.guarded:
        return None
    nodes, standing = books.answered.solved.network.nodes, books.answered.standing
    origins = books.assessment.origins
    shown = {i for i in origins if guarded.may_show_origin(i)}
    if not allows(len({nodes[i].owner for i in origins if i not in shown})):
        return None
    total = sum(origins.values())
    rows = [origin(standing, nodes[i], origins[i], total) for i in shown]
    rows.sort(key=lambda row: -abs(row["kg_co2e"]))
    rest = sum(kg for i, kg in origins.items() if i not in shown)
    return rows[:LARGEST] + ([undisclosed(rest, total)] if rest else [])


def _gaps(guarded: Guarded) -> tuple[list[Answer], int]:
    """Unmet inputs of the boundary as totals of the year, and those further upstream."""
    books = guarded.books
    told = (
        each if guarded.may_show_effect(each) else replace(each, kg_co2e=None)
        for each in books.assessment.effects
    )
    return gap_rows(books.answered, told, guarded.access)


def _missing(guarded: Guarded) -> tuple[list[Answer], int]:
    missing = guarded.books.assessment.missing
    rows = [_missing_row(guarded, each) for each in missing if _sees(guarded, each.place.site)]
    return rows, len(missing) - len(rows)


def _sees(guarded: Guarded, site: str) -> bool:
    books, access = guarded.books, guarded.access
    if books.kind == "park":
        return access.sees_member(books.id, site)
    return access.caller.is_auditor or access.caller.enterprise == books.id


def _missing_row(guarded: Guarded, missing: Missing) -> Answer:
    place = missing.place
    name = site_name(guarded.books.answered.standing, place.site)
    last = place.end - dt.timedelta(days=1)
    said = {"site": name, "first": place.start, "last": last}
    return {
        "site": {"id": place.site, "name": name},
        "from": str(place.start),
        "to": str(place.end),
        "what": missing.what,
        "sentence": gettext(MISSING_SENTENCES[missing.what]) % said,
    }


def _findings(guarded: Guarded) -> list[Answer]:
    """About the fence for whoever runs the park, about books for those whose they are."""
    books, access = guarded.books, guarded.access
    open_to = (each for each in books.findings if may_be_told(each, books, access, guarded.tenants))
    fence = [told(each) for each in open_to]
    assessed = [told(each) for each in _assessed_findings(guarded)]
    return fence + assessed + findings_about(books.answered, guarded.inside, access)


def _assessed_findings(guarded: Guarded) -> Iterator[Finding]:
    """What the assessment had to make do with: at sites, and at what was bought.

    What was bought is the tenants' affair; of a park only auditors are told.
    """
    books, access = guarded.books, guarded.access
    assessed, nodes = books.assessment, books.answered.solved.network.nodes
    for stand_in in assessed.stand_ins:
        if _sees(guarded, site := stand_in.place.site):
            rule = f"recipes-for-{stand_in.what}"
            yield finding(rule, site=site_name(books.answered.standing, site))
    if access.caller.is_auditor or access.caller.enterprise == books.id:
        for i in assessed.incomplete:
            yield finding("supplier-incomplete", product=nodes[i].name)
        for i in assessed.unsplit:
            yield finding("generation-unknown", product=nodes[i].name)
        for name in assessed.split_mixes:
            yield finding("mix-across-fence", product=name)


def _memberships(books: Books) -> int | None:
    if books.kind != "park":
        return None
    standing, sites = books.answered.standing, {place.site for place in books.places}
    members = (cast(Membership, s.statement.body) for s in memberships_of(standing, books.id))
    return sum(member.site in sites for member in members)


def on_behalf(guarded: Guarded) -> bool:
    """Whether somebody else said something of what the books are about."""
    nodes = guarded.books.answered.solved.network.nodes
    sites = {place.site for place in guarded.books.places}
    products = {product for i in guarded.inside if (product := nodes[i].product)}
    return not guarded.books.answered.spoken_for.isdisjoint(sites | products)
