"""The answer about targets, as far as the caller may read it.

The path of a target is its base year's figure scaled, and a projection is made of the figures of
years: neither is told to whom one of these figures is closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from api.figures.boundaries import BOUNDARY, Guarded
from api.figures.covered import may_be_told
from api.figures.parts import Answer, head
from api.figures.parts import told as told_of
from api.inventory.net_figures import shows_net
from api.web.problems import problem_of
from api.whatif.scenarios import Tried
from graph.books.targets import (
    FULL,
    OPERATIONAL,
    Imagined,
    Judged,
    Plans,
    Progress,
    net_figure,
    outlook,
)
from graph.figures.boundary import Amount
from ledger.errors import CatchmentError
from ledger.findings import Finding


@dataclass(frozen=True)
class Read:
    """The books of a year as far as the caller may read them; ``None``: not at all."""

    as_it_was: Guarded | None
    restated: Guarded | None


@dataclass(frozen=True)
class PlansTold:
    """Plans with what must not be read from them.

    ``read`` are the books by year; ``tried`` are the scenarios, ``None``: not for this caller.
    """

    plans: Plans
    read: Mapping[int, Read]
    tried: tuple[Tried, ...] | None
    is_earlier: bool

    def answer(self) -> Answer:
        """Targets and scenarios, in kg CO2e."""
        plans = self.plans
        latest = plans.latest
        return {
            plans.kind: {"id": plans.id, "name": plans.name},
            **head(latest, plans.as_of, BOUNDARY),
            "on_behalf": any(self._sites_spoken_for()),
            "unit": "kg CO2e",
            "fence_on": plans.day.isoformat(),
            "targets": [self._target(each) for each in plans.progress],
            "scenarios": None
            if self.tried is None
            else [self._scenario(each) for each in self.tried],
        }

    def _sites_spoken_for(self) -> Iterator[bool]:
        for year in self.plans.figures:
            for books in (year.as_it_was, year.restated):
                if books is not None:
                    sites = {place.site for place in books.places}
                    yield not books.answered.spoken_for.isdisjoint(sites)

    # -- what may be shown ---------------------------------------------------------------------

    @cached_property
    def _shown(self) -> dict[tuple[int, bool, str], bool]:
        return {}

    def _shows(self, year: int, ambition: str, *, restated: bool = True) -> bool:
        key = year, restated, ambition
        if key not in self._shown:
            read = self.read.get(year)
            guarded = (read.restated if restated else read.as_it_was) if read else None
            told = guarded is not None and shows_net(guarded, ambition, self.is_earlier)
            self._shown[key] = told
        return self._shown[key]

    def _figure(
        self, year: int, ambition: str, figure: Amount | None, *, restated: bool = True
    ) -> Answer | None:
        if figure is None or not self._shows(year, ambition, restated=restated):
            return None
        read = self.read[year]
        guarded = read.restated if restated else read.as_it_was
        return guarded.amount(figure) if guarded is not None else None

    # -- targets -------------------------------------------------------------------------------

    def _target(self, progress: Progress) -> Answer:
        target, path = progress.target, progress.path
        years = range(target.base_year, path.last_year + 1)
        has_path = self._shows(target.base_year, target.ambition)
        return {
            "serial": target.serial,
            "name": target.name,
            "ambition": target.ambition,
            "base_year": target.base_year,
            "near_zero": target.near_zero and float(target.near_zero),
            "base": self._judged(progress, progress.base),
            "zero_year": path.zero_year,
            "milestones": list(self._milestones(progress)),
            "path": [
                {"year": year, "required": path.required(year) if has_path else None}
                for year in years
            ],
            "years": [self._judged(progress, each) for each in progress.judged],
            "projection": self._projection(progress),
        }

    def _judged(self, progress: Progress, judged: Judged) -> Answer:
        ambition = progress.target.ambition
        was = self._figure(judged.year, ambition, judged.as_it_was, restated=False)
        return {
            **self._beside(progress, judged),
            "figure": self._figure(judged.year, ambition, judged.figure),
            "as_it_was": was,
            "shown": self._shows(judged.year, ambition),
        }

    def _beside(self, progress: Progress, judged: Judged, *, of_year: bool = True) -> Answer:
        ambition = progress.target.ambition
        has_path = self._shows(progress.target.base_year, ambition)
        told = has_path and (not of_year or self._shows(judged.year, ambition))
        return {
            "year": judged.year,
            "required": judged.required if has_path else None,
            "distance": judged.distance if told else None,
            "on_path": judged.on_path if told else None,
        }

    def _milestones(self, progress: Progress) -> Iterator[Answer]:
        projected = {each.year: each for each in progress.projected}
        reached = {each.year: each for each in progress.judged}
        is_shown = self._shows_line(progress)
        for milestone in progress.path.milestones:
            year = milestone.year
            ahead = projected.get(year) if is_shown else None
            nothing = Judged(year, progress.path.required(year), None)
            judged = ahead or reached.get(year, nothing)
            yield {
                **self._beside(progress, judged, of_year=ahead is None),
                "reduction": float(milestone.reduction),
                "projected": ahead.figure.at_least if ahead and ahead.figure else None,
            }

    def _projection(self, progress: Progress) -> Answer | None:
        line = progress.projection
        if line is None or not self._shows_line(progress):
            return None
        years = range(progress.latest.year, max(progress.path.last_year, progress.latest.year) + 1)
        return {
            "years": list(line.years),
            "per_year": line.slope,
            "path": [{"year": year, "projected": line.at(year)} for year in years],
        }

    def _shows_line(self, progress: Progress) -> bool:
        line, ambition = progress.projection, progress.target.ambition
        return line is not None and all(self._shows(year, ambition) for year in line.years)

    # -- scenarios -----------------------------------------------------------------------------

    def _scenario(self, tried: Tried) -> Answer:
        scenario, found = tried.scenario, tried.imagined
        told = {
            "serial": scenario.serial,
            "name": scenario.name,
            "start_year": scenario.start_year,
            "changes": [dict(each) for each in scenario.changes],
            "problem": None,
            "figures": [],
            "unverified_removals": None,
            "outlook": [],
            "findings": [],
        }
        if found is None:
            return told | {"problem": tried.problem and _flaw(tried.problem)}
        figures = {each: net_figure(found.after, each) for each in self._ambitions}
        return told | {
            "figures": [
                {
                    "ambition": each,
                    "before": self._of_latest(net_figure(found.before, each)),
                    "after": self._of_latest(after),
                    "difference": found.difference(each),
                }
                for each, after in figures.items()
            ],
            "unverified_removals": found.unverified,
            "outlook": list(self._outlooks(tried, figures)),
            "findings": [told_of(each) for each in self._new_findings(found)],
        }

    @cached_property
    def _ambitions(self) -> tuple[str, ...]:
        """Of which the latest year may be told; all scopes where a target is about them."""
        asked = {OPERATIONAL, *(each.target.ambition for each in self.plans.progress)}
        latest = self.plans.latest.year
        return tuple(each for each in (OPERATIONAL, FULL) if each in asked and
                     self._shows(latest, each))  # fmt: skip

    def _of_latest(self, figure: Amount) -> Answer:
        restated = self.read[self.plans.latest.year].restated
        return restated.amount(figure) if restated else {}

    def _new_findings(self, found: Imagined) -> Iterator[Finding]:
        """What a scenario would give cause to notice, for those who may know it of the books."""
        latest = self.read[self.plans.latest.year].restated
        known = {(each.rule, each.sentence) for each in found.before.findings}
        for each in found.after.findings:
            is_new = (each.rule, each.sentence) not in known
            if is_new and latest and may_be_told(each, found.after, latest.access, latest.tenants):
                yield each

    def _outlooks(self, tried: Tried, figures: Mapping[str, Amount]) -> Iterator[Answer]:
        for progress in self.plans.progress:
            target = progress.target
            after = figures.get(target.ambition)
            if after is None or not self._shows(target.base_year, target.ambition):
                continue
            seen = outlook(progress.path, tried.scenario, self.plans.latest.year, after)
            yield {
                **self._beside(progress, seen.first, of_year=False),
                "serial": target.serial,
                "last_on_path": seen.last_on_path,
            }


def _flaw(problem: CatchmentError) -> Answer:
    told = problem_of(problem)
    return {"code": told["code"], "detail": told["detail"], "advice": told.get("advice", "")}
