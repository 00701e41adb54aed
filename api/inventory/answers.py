"""The whole inventory of a boundary as far as the caller may read it, down to the net figure.

It is the answer about the books, and more: Scope 2 both ways, all categories of Scope 3, what was
captured, removed and offset, the net figures and the status. A part that one or two tenants could
be told from is null, and so is every figure that is made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from flask_babel import gettext

from api.downstream.answers import Readable
from api.figures.boundaries import Guarded, boundary_answer
from api.figures.covered import grids_together, rows_told, verification_told
from api.figures.grades import AT_MOST, GRADE_WORDS, NOT_SHOWN, NOTHING_ENTERED, SILENT
from api.figures.parts import Answer, Hidden, amount, apart, site_name
from api.figures.scope3 import CATEGORIES, DOWNSTREAM
from graph.books.downstream import REASONS
from graph.books.inventory import OBSTACLES, Category, FullBooks, Obstacle
from graph.books.shared import Moved, shared_of
from graph.figures.boundary import NOTHING, Amount
from graph.figures.ledgers import Caught, Offset, Sunk
from graph.reading.year import Place
from graph.terms import BASES, LOCATION, MARKET, Assessed, Cover, Grade

_TELLING: Final = ("open", "categories", "no-threshold")
"""Obstacles that tell nothing but what the answer tells anyway."""


@dataclass(frozen=True)
class Inventory:
    """An inventory with what must not be read from it; ``is_earlier``: of an earlier position."""

    guarded: Guarded
    full: FullBooks
    is_earlier: bool

    def answer(self) -> Answer:
        books = self._books
        return {
            **books,
            "as_of": self.full.as_of,
            **self._tenants(),
            "scope2": {**books["scope2"], **self._power()},
            "scope3": {
                "upstream": books["scope3"]["upstream"],
                "downstream": self._of_categories(self.full.scope3_downstream),
                "total": self._of_categories(self.full.scope3),
                "by_category": [self._category(each) for each in self.full.categories],
            },
            "biogenic": self._biogenic,
            "gross": {
                "operational": self._by_basis(self.full.gross_operational, self._shows_scope2),
                "full": self._by_basis(self.full.gross, self._shows_full),
            },
            "ledgers": self._ledgers(),
            "net": {
                "operational": self._by_basis(
                    self.full.operational, self._shows_scope2 and self._shows_deductions
                ),
                "full": self._by_basis(self.full.full, self._shows_full and self._shows_deductions),
            },
            "status": self._status(),
        }

    # -- what may be shown ---------------------------------------------------------------------

    @cached_property
    def _readable(self) -> Readable:
        return Readable(self.guarded, self.full.downstream, self.is_earlier)

    @cached_property
    def _runs(self) -> bool:
        """Whether the caller runs the boundary, or audits it."""
        books, access = self.guarded.books, self.guarded.access
        owner = books.answered.standing.owner_of(books.kind, books.id)
        caller = access.caller
        return caller.is_auditor or caller.enterprise in (owner, books.id)

    @cached_property
    def _books(self) -> Answer:
        return boundary_answer(self.guarded)

    @property
    def _shows_scope2(self) -> bool:
        return self._books["scope2"]["location"] is not None

    @cached_property
    def _shows_downstream(self) -> bool:
        stages = self.full.downstream.stages
        return all(self._readable.may_read(stage.category) for stage in stages)

    @property
    def _shows_full(self) -> bool:
        return self._shows_scope2 and self._shows_downstream

    @property
    def _shows_deductions(self) -> bool:
        return self.guarded.tells_deducted.net

    @property
    def _shows_market(self) -> bool:
        return self._shows_scope2 and self.guarded.tells_cover

    def _tenants(self) -> Answer:
        """Scope 1 by tenant with what shared sites do for it; of an enterprise there are none."""
        if self.guarded.tenants is None:
            return {}
        rows = self._books["by_tenant"]
        return {"by_tenant": rows and [{**row, **self._allocated(row)} for row in rows]}

    def _allocated(self, row: Answer) -> Answer:
        """What falls on the tenants of a row, and their Scope 1 with it.

        Null where it would tell what a site emits whose inventory the park may not read.
        """
        told = {each["enterprise"]["id"] for each in self._books["by_tenant"] if each["enterprise"]}
        named = {row["enterprise"]["id"]} if row["enterprise"] else self._sharing.keys() - told
        moved = [self._sharing[each] for each in named & self._sharing.keys()]
        if any(each is None for each in moved):
            return {"allocated": None, "scope1_with_shared": None}
        net = sum((each.scope1_net for each in moved if each is not None), NOTHING)
        figures = self.full.books.assessment.scope1_by_owner
        own = sum((figures[each] for each in self._owners_in(row, told)), NOTHING)
        return {"allocated": amount(net), "scope1_with_shared": amount(own + net)}

    def _owners_in(self, row: Answer, told: AbstractSet[str]) -> AbstractSet[str]:
        figures = self.full.books.assessment.scope1_by_owner
        return {row["enterprise"]["id"]} if row["enterprise"] else figures.keys() - told

    @cached_property
    def _sharing(self) -> Mapping[str, Moved | None]:
        """What enterprises inside give and take; ``None`` where a giver's books are not open."""
        unread = self.guarded.tenants.unread if self.guarded.tenants else frozenset[str]()
        shared = shared_of(self.full.books)
        closed = {row.taker for row in shared.rows if row.giver in unread}
        return {
            owner: None if owner in closed | unread else moved
            for owner, moved in shared.by_owner.items()
        }

    @property
    def _biogenic(self) -> float | None:
        """kg of biogenic CO2 emitted inside; null where it would tell too much."""
        assessed, weights = self.guarded.books.assessment, self.guarded.books.answered.weights
        kinds: Iterable[Hidden] = self.guarded.scope1_columns() or ({},)
        told = [apart(assessed.scope1_columns, weights, hidden) for hidden in kinds]
        return None if any(None in each.values() for each in told) else self.full.biogenic

    # -- figures -------------------------------------------------------------------------------

    def _amount(self, figure: Amount) -> Answer:
        return self.guarded.amount(figure)

    def _of_categories(self, figure: Amount) -> Answer | None:
        return self._amount(figure) if self._shows_full else None

    def _by_basis(self, figures: Mapping[str, Amount], shown: bool) -> Answer:
        told = {LOCATION: shown, MARKET: shown and self.guarded.tells_cover}
        return {basis: self._amount(figures[basis]) if told[basis] else None for basis in BASES}

    def _power(self) -> Answer:
        market = self.full.books.market
        if not self._shows_market:
            return {"grid_kwh": None, "covered_kwh": None, "direct_kwh": None, "residual": []}
        return {
            "grid_kwh": market.grid_kwh,
            "covered_kwh": market.covered_kwh,
            "direct_kwh": market.direct_kwh,
            "residual": self._residual(),
        }

    def _residual(self) -> list[Answer]:
        """By grid; those that would tell what one or two tenants take in are one row."""
        residual = self.full.books.market.residual
        together = grids_together(self.full.books, self.guarded.tenants)
        rows = [
            {"region": each.region, "kwh": each.kwh, "factor": each.factor}
            for each in residual
            if each.region not in together
        ]
        rest = [each.kwh for each in residual if each.region in together]
        return rows + ([{"region": None, "kwh": sum(rest), "factor": None}] if rest else [])

    def _category(self, category: Category) -> Answer:
        number = category.number
        is_upstream = number in CATEGORIES
        if is_upstream:
            shown = {row["category"]: row for row in self._books["scope3"]["by_category"]}
            figure = shown.get(number)
            told = {name: figure[name] for name in _AMOUNT} if figure else None
            if category.cover is Cover.NONE:
                told = amount(category.amount or Amount(0.0))
        else:
            may = self._readable.may_read(number)
            told = amount(category.amount) if category.amount is not None and may else None
        return {
            "category": number,
            "name": gettext((CATEGORIES if is_upstream else DOWNSTREAM)[number]),
            "direction": "upstream" if is_upstream else "downstream",
            "status": str(category.cover),
            "amount": told,
            "reasons": list(dict.fromkeys(self._reasons(category))),
        }

    def _reasons(self, category: Category) -> Iterator[str]:
        """Why it is not covered, or may be lower, as far as that may be told."""
        if category.cover.is_whole:
            if category.stage is not None and category.stage.status is Assessed.PARTIAL:
                yield gettext(AT_MOST)
            return
        standing = self.guarded.books.answered.standing
        for place in category.silent:
            if self._sees(place):
                yield gettext(SILENT) % {"site": site_name(standing, place.site)}
        if category.stage is not None:
            for each in category.stage.concerns:
                if self._readable.may_name(each):
                    product = self._readable.nodes[each.node].name
                    yield gettext(REASONS[each.reason]) % {"product": product}
        if category.cover is Cover.NOT_STATED and not category.silent:
            yield gettext(NOTHING_ENTERED)

    def _sees(self, place: Place) -> bool:
        books, access = self.guarded.books, self.guarded.access
        return self._runs or (books.kind == "park" and access.sees_member(books.id, place.site))

    def _ledgers(self) -> Answer:
        ledgers, told = self.full.ledgers, self.guarded.tells_deducted
        return {
            "captured": {
                "stored_fossil": self._deducted(ledgers.captured, told.captured),
                "rows": [
                    {
                        "site": self._site(each.place),
                        "origin": each.origin,
                        "fate": each.fate,
                        "kg": each.kg,
                        "counted_kg": each.counted_kg,
                    }
                    for each in ledgers.caught
                    if each.place in self._open(ledgers.caught)
                ],
            },
            "removals": {
                "verified": self._deducted(ledgers.removed, told.removed),
                "unverified": self._deducted(ledgers.removed_unverified, told.removed),
                "rows": [
                    self._sunk(each)
                    for each in ledgers.sunk
                    if each.place in self._open(ledgers.sunk)
                ],
            },
            "offsets": {
                "amount": ledgers.offsets,
                "share_of_gross": self.full.offset_share
                if self._shows_full and self._shows_market
                else None,
                "rows": [_offset(each) for each in ledgers.used_up],
            },
        }

    def _deducted(self, kg: float, shown: bool) -> float | None:
        """A sum of a ledger; nothing where some site has not said is not known to be nothing."""
        return kg if shown and (kg or not self.full.ledgers.is_open) else None

    def _open(self, ledger: Iterable[Caught | Sunk]) -> frozenset[Place]:
        """Places whose rows may stand by themselves, for whoever runs the boundary."""
        if not self._runs:
            return frozenset()
        rows = ((each.place, each.kg) for each in ledger)
        return rows_told(rows, self.guarded.books, self.guarded.access, self.guarded.tenants)

    def _sunk(self, sunk: Sunk) -> Answer:
        """What certificates verify of a tenant's is its own affair, as what it has bought."""
        told = verification_told(sunk.place, self.guarded.books, self.guarded.tenants)
        return {
            "site": self._site(sunk.place),
            "sink": sunk.sink,
            "name": sunk.name,
            "kg": sunk.kg,
            "verified_kg": sunk.verified_kg if told else None,
            "by": sunk.by if told else None,
        }

    def _site(self, place: Place) -> Answer:
        standing = self.guarded.books.answered.standing
        return {"id": place.site, "name": site_name(standing, place.site)}

    # -- status --------------------------------------------------------------------------------

    def _status(self) -> Answer:
        status = self.full.status
        grades = [grade for grade in Grade if grade is not Grade.NONE]
        return {
            "name": str(status.grade),
            "title": gettext(GRADE_WORDS[status.grade]),
            "grades": [
                {
                    "name": str(grade),
                    "title": gettext(GRADE_WORDS[grade]),
                    "reached": not status.against(grade),
                    "obstacles": self._obstacles(status.against(grade)),
                }
                for grade in grades
            ],
        }

    def _obstacles(self, obstacles: Iterable[Obstacle]) -> list[Answer]:
        rows = [self._obstacle(each) for each in obstacles]
        return [row for i, row in enumerate(rows) if row not in rows[:i]]

    def _tells(self, obstacle: Obstacle) -> bool:
        """Whether an obstacle may be told: its numbers where the figure is shown that they are of,
        what is about sites and other years to whoever runs the boundary."""
        if obstacle.reason in _TELLING:
            return True
        of_full = obstacle.grade is not Grade.OPERATIONAL
        shows = self._shows_scope2 and self._shows_market and self._shows_deductions
        if obstacle.reason == "above-zero":
            return shows and (self._shows_full or not of_full)
        return self._runs and (obstacle.reason != "above-threshold" or (shows and self._shows_full))

    def _obstacle(self, obstacle: Obstacle) -> Answer:
        if not self._tells(obstacle):
            return {"reason": "not-shown", "sentence": gettext(NOT_SHOWN)}
        params = {
            name: gettext(value) if name == "figure" else value
            for name, value in obstacle.params.items()
        }
        return {
            "reason": obstacle.reason,
            "sentence": gettext(OBSTACLES[obstacle.reason]) % params,
        }


_AMOUNT: Final = ("at_least", "filled", "value", "coverage", "lower", "upper", "lacking")


def _offset(offset: Offset) -> Answer:
    certificate = offset.certificate
    return {
        "registry": certificate.registry,
        "serial": certificate.serial,
        "count": certificate.count,
        "project": certificate.project,
        "vintage": certificate.vintage,
        "kg": offset.kg,
        "index": offset.index,
    }
