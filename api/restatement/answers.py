"""The answer about a restated base year, as far as the caller may read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from api.access.access import Tenants
from api.figures.boundaries import BOUNDARY
from api.figures.parts import Answer, amount, head, name_of, site_name
from graph.books.restatement import Handover, Restatement, Step, Why
from graph.figures.boundary import NOTHING, Amount, Totals
from ledger.standing import Standing
from ledger.statements import Park


@dataclass(frozen=True)
class Told:
    """A restatement with what must not be read from it.

    ``tenants`` are those whom the base year protects either way; ``tells_filled``: whether what was
    filled in may be told of every year in it.
    """

    found: Restatement
    tenants: Tenants
    tells_filled: bool

    @property
    def _standing(self) -> Standing:
        return self.found.year.standing

    def answer(self) -> Answer:
        """Both years both ways, in kg CO2e."""
        found = self.found
        return {
            "park": {"id": found.park, "name": found.name},
            **head(found.year, found.as_of, BOUNDARY),
            "on_behalf": not found.year.spoken_for.isdisjoint(found.fence),
            "unit": "kg CO2e",
            "base": found.base.year,
            "fence_on": found.day.isoformat(),
            "fence": [self._site(site) for site in found.fence],
            "base_as_it_was": self._totals(found.base_as_it_was),
            "base_restated": self._totals(found.base_restated),
            "year_restated": self._totals(found.year_restated),
            "year_as_it_was": self._totals(found.year_as_it_was),
            "steps": list(self._steps()),
            "moved": [self._moved(step) for step in found.steps if step.moved is not None],
            "handed": [self._handed(each) for each in found.handed],
        }

    def _amount(self, figure: Amount) -> Answer:
        return amount(figure, tells_filled=self.tells_filled)

    def _totals(self, totals: Totals) -> Answer:
        return {"scope1": self._amount(totals.scope1), "t2": self._amount(totals.t2)}

    # -- steps ---------------------------------------------------------------------------------

    def _steps(self) -> Iterator[Answer]:
        """All that left in one step, and all that joined: a part of it could tell of one tenant."""
        for why in Why:
            steps = [step for step in self.found.steps if step.why is why]
            if steps:
                yield self._step(str(why), steps)

    def _step(self, why: str, steps: list[Step]) -> Answer:
        return {
            "why": why,
            "sites": len({step.moved.site for step in steps if step.moved}),
            "scope1": self._amount(sum((step.scope1 for step in steps), NOTHING)),
            "t2": self._amount(sum((step.t2 for step in steps), NOTHING)),
        }

    def _moved(self, step: Step) -> Answer:
        """One site; its figures only where the restatement protects nobody at all: what others
        draw on it is in its T2."""
        moved = step.moved
        assert moved is not None
        shown = not (self.tenants.guarded or self.tenants.unread)
        return {
            "site": self._site(moved.site),
            "why": str(moved.why),
            "day": moved.day.isoformat(),
            "parks": [self._park(park) for park in moved.parks],
            "handed": [self._handed(each) for each in moved.handed],
            "days": sum(place.days for place in moved.places),
            "scope1": self._amount(step.scope1) if shown else None,
            "t2": self._amount(step.t2) if shown else None,
        }

    # -- names ---------------------------------------------------------------------------------

    def _handed(self, handed: Handover) -> Answer:
        return {
            "site": self._site(handed.site),
            "day": handed.day.isoformat(),
            "giver": self._enterprise(handed.giver),
            "taker": self._enterprise(handed.taker),
        }

    def _site(self, site: str) -> Answer:
        return {"id": site, "name": site_name(self._standing, site)}

    def _enterprise(self, enterprise: str) -> Answer:
        return {"id": enterprise, "name": name_of(self._standing, enterprise) or enterprise}

    def _park(self, park: str) -> Answer:
        said = self._standing.parks.get(park)
        return {"id": park, "name": cast(Park, said.statement.body).name if said else park}
