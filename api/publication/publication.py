"""What may be published of a park or an enterprise, and whether a figure is what follows.

A figure that is published is for good, and for everybody whom its owner lets read figures. So it
states no more than its owner is shown of the books; that is the same whoever computes or signs it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from api.access.access import Access
from api.access.rule_of_three import merged
from api.callers import Caller
from api.figures.boundaries import SCOPE2, Guarded
from api.figures.scope3 import CATEGORIES
from api.services import Services
from graph.engine import Books, Question
from graph.errors import FigureDiffers
from graph.publishing.published import (
    Difference,
    books_of,
    difference,
    figure_body,
    inputs_of,
    known_alone,
)
from graph.terms import category_name
from ledger import tiles
from ledger.errors import CatchmentError
from ledger.log import Log
from ledger.standing import Standing
from ledger.statements import Figure, Statement

ABSENT: Final = "–"
OF_SCOPE2: Final = (
    "scope2Location",
    "scope2Market",
    "netOperationalLocation",
    "netOperationalMarket",
)
"""Results from which Scope 2 can be told."""
OF_CERTIFICATES: Final = ("scope2Market", "netOperationalMarket")
"""Results from which it can be told what certificates cover."""
OF_DEDUCTIONS: Final = ("netOperationalLocation", "netOperationalMarket")
"""Results from which it can be told what was captured and removed."""


def publishable(log: Log, books: Books, standing: Standing) -> Figure:
    """The figure that the owner of ``books`` may publish; ``standing`` is that of the whole log.

    Raises FewerThanThree or FewerThanThreeTenants where the owner is not shown the books.
    """
    size = books.answered.at
    inputs = inputs_of(entry.leaf for entry in log.heads_at(size))
    figure = figure_body(books, inputs, tiles.root(size, log.tile))
    guarded = _as_the_owner(books, standing)
    hidden = _not_shown(guarded)
    shown = (result for result in figure.results if result.name not in hidden)
    told = shown if guarded.tells_filled else map(known_alone, shown)
    return replace(figure, results=tuple(told))


def _as_the_owner(books: Books, standing: Standing) -> Guarded:
    """The books as their owner is shown them."""
    of_park = books.kind == "park"
    owner = standing.owner_of("park", books.id) if of_park else books.id
    access = Access(standing, Caller("park", owner))
    tenants = access.require_tenants(books, Question()) if of_park else None
    suppliers = None if of_park else access.require_suppliers(books, Question())
    return Guarded(books, access, tenants, suppliers)


def _not_shown(guarded: Guarded) -> set[str]:
    """Names of the results that only a sum of several may show."""
    together = merged(guarded.inflow_parts(), guarded.filled_parts)
    hidden = {category_name(category) for category in together}
    if SCOPE2 in together:
        hidden |= {*OF_SCOPE2, "scope3Upstream", *map(category_name, CATEGORIES)}
    if not guarded.tells_cover:
        hidden |= set(OF_CERTIFICATES)
    deducted = guarded.tells_deducted
    told = {"captured": deducted.captured, "removals": deducted.removed}
    hidden |= {name for name, may_be_told in told.items() if not may_be_told}
    if not deducted.net:
        hidden |= set(OF_DEDUCTIONS)
    return hidden


def check_confirmed(services: Services, statement: Statement, figure: Figure) -> None:
    """Compute a figure that is about to be published.

    Raises FigureDiffers for one that says anything else than what follows from its prefix, and what
    there is to say instead where nothing follows: as ``Engine.park``, `publishable`, PayloadErased.
    """
    standing = services.engine.standing()
    computed = publishable(services.log, books_of(services.engine, figure), standing)
    found = difference(figure, computed)
    if found is not None:
        raise _differs(found, told=_may_be_told(standing, statement, figure))


def _differs(found: Difference, *, told: bool) -> FigureDiffers:
    return FigureDiffers(
        found.where,
        name=found.name,
        stated=found.stated or ABSENT,
        computed=(found.computed if told else None) or ABSENT,
    )


def _may_be_told(standing: Standing, statement: Statement, figure: Figure) -> bool:
    """Whether the signer may read the figure, so that nobody learns it by stating another."""
    try:
        Access(standing, Caller("park", statement.common.iss)).require(
            figure.object.type, figure.object.id, "figure"
        )
    except CatchmentError:
        return False
    return True
