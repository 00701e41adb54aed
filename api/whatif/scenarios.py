"""Scenarios that stand in the log, tried on the latest year as far as the caller may know it.

An auditor may try any. The owner of a park or an enterprise is told what follows from what it could
state itself, and nothing by whose difference it would learn what it may not read:

* its own inventories at sites within the fence, and certificates, change nothing that others state;
* anything else is judged as in POST /v1/what-if (``api.whatif.hypotheses``), and of a park it is
  told only where no tenant's figures are protected from its owner.

A scenario that the log has outgrown, or that tells too much, is told with its problem: it neither
disappears nor keeps others from being told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import marshmallow as ma

from api.access.access import Access, is_further_cut
from api.errors import FewerThanThreeTenants, WouldReveal
from api.figures.boundaries import Guarded
from api.inventory.net_figures import shows_net
from api.whatif.hypotheses import require_nothing_new, require_own_changes, require_said_by
from api.whatif.wire import ChangeSchema, change_of
from graph.books.restatement import PARK
from graph.books.targets import OPERATIONAL, Imagined
from graph.differences.whatif import Change, Say, suppose, supposition
from graph.engine import Engine, Question
from ledger.errors import CatchmentError
from ledger.schema import malformed
from ledger.statements import Certificate, Inventory, Scenario


@dataclass(frozen=True)
class Tried:
    """A scenario with what it would make of the latest year, or why nothing can be told."""

    scenario: Scenario
    imagined: Imagined | None
    problem: CatchmentError | None


@dataclass(frozen=True)
class Trial:
    """The latest year of a boundary, on which scenarios are tried; ``latest`` is restated."""

    engine: Engine
    access: Access
    question: Question
    latest: Guarded

    def of(self, scenario: Scenario) -> Tried:
        """What a scenario comes to."""
        try:
            return Tried(scenario, self._imagined(scenario), None)
        except CatchmentError as problem:
            return Tried(scenario, None, problem)

    def _imagined(self, scenario: Scenario) -> Imagined:
        books, changes = self.latest.books, changes_of(scenario)
        if not shows_net(self.latest, OPERATIONAL, is_further_cut(self.question)):
            raise FewerThanThreeTenants
        before = self.engine.answer(self.question)
        require_own_changes(self.access, before.standing, changes)
        supposed = suppose(before.standing, changes)
        require_said_by(self.access, supposed)
        after = supposition(before, supposed)
        if not self._is_of_the_owner_alone(changes):
            self._require_nothing_new(after)
        return Imagined.of(before, after.answer(self.question), books.kind, books.id)

    def _is_of_the_owner_alone(self, changes: Iterable[Change]) -> bool:
        """Whether the changes are of what the owner states of itself, and of nothing it draws."""
        sites = {place.site for place in self.latest.books.places}
        return all(isinstance(each, Say) and _is_own(each.members, sites) for each in changes)

    def _require_nothing_new(self, after: Engine) -> None:
        access, books, tenants = self.access, self.latest.books, self.latest.tenants
        if access.caller.is_auditor:
            return
        if tenants is not None and (tenants.guarded or tenants.unread):
            raise WouldReveal(name=books.name)
        owner = books.answered.standing.owner_of(PARK, books.id) if tenants else books.id
        kind, entity = "enterprise", str(owner)
        require_nothing_new(access, self.engine, after, kind, entity, self.question)


def _is_own(members: Any, sites: Iterable[str]) -> bool:
    kind = members.get("type")
    at_site = members.get("site") in sites
    return (kind == Inventory.TYPE and at_site) or (
        kind == Certificate.TYPE and (at_site or "park" in members)
    )


def changes_of(scenario: Scenario) -> Sequence[Change]:
    """The changes of a scenario. Raises StatementMalformed where one has another form."""
    return [_change(told, i) for i, told in enumerate(scenario.changes)]


def _change(told: Any, position: int) -> Change:
    try:
        return change_of(ChangeSchema().load(told))
    except ma.ValidationError as refused:
        raise malformed(refused, f"/changes/{position}") from None
