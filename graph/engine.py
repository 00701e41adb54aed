"""The engine follows the log and answers questions about it.

    figure = f(prefix, question)

The live standing is folded forward as entries arrive; a question about the past folds the chain
heads of that prefix. Networks and their solutions are kept as long as no entry that could move
them has come: they are named by the last such entry, so two prefixes that differ only in keys,
delegations or disclosures share one solution.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar, cast

from graph.behalf import spoken_for
from graph.boundary import Assessment, assess
from graph.build import build
from graph.characterise import Characterisation, characterise
from graph.errors import LogPositionUnknown, UnknownBoundary, UnknownProduct
from graph.fence import encloses, fence_findings
from graph.findings import Finding
from graph.footprint import Origin, ProductFootprint, origins_of, product_footprint
from graph.solved import Solved
from graph.year import Place, Year
from ledger.entry import Entry
from ledger.errors import PayloadErased
from ledger.soundness import EVENTS, unsettles
from ledger.standing import Prefixes, Said, Standing
from ledger.statements import Erasure, Membership, Park, Periodic, Site

T = TypeVar("T")

VERSION = "1"
"""Changes whenever the same prefix and question may give another figure."""
MOVES_FIGURES = (
    "enterprise",
    "site",
    "membership",
    "product",
    "footprint",
    "recipe",
    "production",
    "inventory",
    "purchases",
    "transfer",
)
"""Statement types that can move a figure."""
PERIODIC = ("inventory", "production", "recipe", "purchases")
KEPT_SOLUTIONS = 16
KEPT_STANDINGS = 4


class Reader(Prefixes, Protocol):
    """The part of the log the engine reads."""

    def size(self) -> int: ...

    def entries(self, start: int, stop: int) -> Iterator[Entry]: ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked besides the thing itself: a calendar year, a GWP set, a log size.

    ``year`` None: the latest year anything was stated for; ``at`` None: the whole log.
    """

    year: int | None = None
    gwp: str = "AR6"
    at: int | None = None


@dataclass(frozen=True)
class Answered:
    """A question with its defaults filled in, and what it was asked of.

    ``spoken_for`` are the products and sites of which something was said on behalf.
    """

    year: int
    gwp: str
    at: int
    standing: Standing
    solved: Solved
    weights: Characterisation
    spoken_for: frozenset[str]


@dataclass(frozen=True)
class Books:
    """The books of a boundary with the statements that draw it."""

    kind: str
    id: str
    name: str
    answered: Answered
    places: tuple[Place, ...]
    assessment: Assessment
    findings: tuple[Finding, ...]
    as_of: int


class _Recent:
    """The last few results of a pure function, by its arguments."""

    def __init__(self, kept: int) -> None:
        self.kept = kept
        self._results: OrderedDict[Hashable, object] = OrderedDict()

    def get(self, name: Hashable, make: Callable[[], T]) -> T:
        if name in self._results:
            self._results.move_to_end(name)
        else:
            self._results[name] = make()
            while len(self._results) > self.kept:
                self._results.popitem(last=False)
        return cast(T, self._results[name])

    def clear(self) -> None:
        self._results.clear()


class Engine:
    """Answers questions about a log; safe to share between threads.

    One lock guards following and computing: a figure is computed once, not once per waiting
    reader.
    """

    def __init__(self, log: Reader) -> None:
        self._log = log
        self._lock = threading.RLock()
        self._live = Standing()
        self._standings = _Recent(KEPT_STANDINGS)
        self._solutions = _Recent(KEPT_SOLUTIONS)
        self._years = _Recent(KEPT_STANDINGS)
        self._behalf = _Recent(KEPT_STANDINGS)

    # -- prefixes --------------------------------------------------------------------------

    def standing(self, at: int | None = None) -> Standing:
        """What stands after the first ``at`` entries (None: all there are).

        Raises ``LogPositionUnknown`` for a prefix the log does not have.
        """
        with self._lock:
            live = self._followed()
            if at is not None and not 0 < at <= live.size:
                raise LogPositionUnknown(size=live.size, at=at)
            if at is None or at == live.size:
                return live
            return self._standings.get(at, lambda: self._at(at))

    def _followed(self) -> Standing:
        size = self._log.size()
        try:
            if self._live.size < size:
                self._live = self._ahead(size)
        except PayloadErased:
            # What stood a moment ago was erased since: what stands now says so.
            if self._log.size() == size:
                raise
            return self._followed()
        return self._live

    def _ahead(self, size: int) -> Standing:
        # Readers may still hold the old standing; it must not change under them.
        ahead = self._live.copy()
        for entry in self._log.entries(ahead.size, size):
            if entry.is_erased or isinstance(entry.statement.body, Erasure):
                # What an earlier prefix says must be forgotten here, too.
                self._forget()
                return self._at(size)
            if unsettles(entry.statement):
                return self._at(size)
            if entry.leaf.type in EVENTS and not ahead.soundness.is_clean:
                # A key that was suspect may have been registered again: its consents count anew.
                ahead.soundness = self._log.soundness_at(size)
            ahead.fold(entry)
        ahead.size = size  # a reader of parts of a log may not have its last entries
        return ahead

    def _at(self, size: int) -> Standing:
        return Standing.after(self._log, size)

    def _forget(self) -> None:
        for kept in (self._standings, self._solutions, self._years, self._behalf):
            kept.clear()

    def answer(self, question: Question) -> Answered:
        """Fill in a question's defaults and solve the network it is about.

        Raises ``UnknownGwpSet`` and ``LogPositionUnknown``.
        """
        with self._lock:
            standing = self.standing(question.at)
            moved = max(standing.touched.get((kind, ""), -1) for kind in MOVES_FIGURES)
            year = question.year
            if year is None:
                year = self._years.get(moved, lambda: latest_year(standing))
            solved = self._solutions.get((moved, year), lambda: Solved.of(build(standing, year)))
            weights = characterise(solved.network.columns, question.gwp)
            keys = standing.touched.get(("key", ""), -1)
            behalf = self._behalf.get((moved, keys), lambda: spoken_for(standing))
            return Answered(year, question.gwp, standing.size, standing, solved, weights, behalf)

    # -- figures ---------------------------------------------------------------------------

    def footprint(
        self, product: str, question: Question, site: str | None = None
    ) -> tuple[Answered, ProductFootprint]:
        """The footprint of a product. Raises as ``graph.footprint.product_footprint``."""
        answered = self.about_product(product, question)
        return answered, product_footprint(answered.solved, product, answered.weights, site)

    def origins(
        self, product: str, question: Question, site: str | None = None
    ) -> tuple[Answered, tuple[Origin, ...]]:
        """Where a product's footprint was emitted. Raises as ``footprint``."""
        answered = self.about_product(product, question)
        return answered, origins_of(answered.solved, product, answered.weights, site)

    def about_product(self, product: str, question: Question) -> Answered:
        """What is needed to answer about a registered product.

        Raises ``UnknownProduct``, and as ``answer`` does.
        """
        answered = self.answer(question)
        if product not in answered.standing.products:
            raise UnknownProduct(product=product)
        return answered

    def park(self, park: str, question: Question) -> Books:
        """The books of a park: its member sites for the days of their membership.

        Raises ``UnknownBoundary`` and ``NoDataForYear``.
        """
        answered = self.answer(question)
        said = answered.standing.parks.get(park)
        if said is None:
            raise UnknownBoundary(kind="park", id=park)
        fenced = cast(Park, said.statement.body)
        places = places_of_park(answered.standing, park, answered.year)
        sites = (cast(Site, s.statement.body) for s in answered.standing.sites.values())
        noticed = fence_findings(fenced, sites, {place.site for place in places})
        touched = answered.standing.touched
        drawn = max(
            touched["park", park],
            touched.get(("membership", park), -1),
            last_of_fence(answered.standing, fenced, places),
        )
        return self._books("park", park, fenced.name, answered, places, noticed, drawn)

    def enterprise(self, enterprise: str, question: Question) -> Books:
        """The books of an enterprise: all its sites. Raises as ``park`` does."""
        answered = self.answer(question)
        said = answered.standing.enterprises.get(enterprise)
        if said is None:
            raise UnknownBoundary(kind="enterprise", id=enterprise)
        places = places_of_enterprise(answered.standing, enterprise, answered.year)
        own = last_of_sites(answered.standing, lambda _, owner: owner == enterprise)
        told = answered.standing.touched
        once = (told.get((kind, p.site), -1) for p in places for kind in ("site", "transfer"))
        drawn = max(said.index, own, *once)
        name = getattr(said.statement.body, "name", enterprise)
        return self._books("enterprise", enterprise, name, answered, places, (), drawn)

    def _books(
        self,
        kind: str,
        boundary: str,
        name: str,
        answered: Answered,
        places: tuple[Place, ...],
        noticed: tuple[Finding, ...],
        drawn: int,
    ) -> Books:
        assessment = assess(answered.solved, places, answered.weights)
        return Books(
            kind=kind,
            id=boundary,
            name=name,
            answered=answered,
            places=places,
            assessment=assessment,
            findings=noticed,
            as_of=max(assessment.as_of, drawn),
        )


def memberships_of(standing: Standing, park: str) -> list[Said]:
    """Memberships of a park that stand, in the order of the log."""
    return [
        said
        for said in standing.about("membership", park)
        if cast(Membership, said.statement.body).park == park
    ]


def places_of_park(
    standing: Standing, park: str, year: int, valid_on: dt.date | None = None
) -> tuple[Place, ...]:
    """The places of a park's member sites in a year; places are cut where memberships change."""
    cut = Year(standing, year, valid_on)
    members = (cast(Membership, s.statement.body) for s in memberships_of(standing, park))
    # A set: a membership that stands again after a suspect withdrawal may overlap a later one.
    places = {
        place
        for membership in members
        for place in cut.places(membership.site)
        if _belongs(place, membership, valid_on)
    }
    return tuple(sorted(places))


def _belongs(place: Place, membership: Membership, valid_on: dt.date | None) -> bool:
    """Whether a place lies within a membership; as of a day, whether that day does."""
    first = valid_on or place.start
    after = valid_on + dt.timedelta(days=1) if valid_on else place.end
    return membership.start <= first and (membership.end is None or after <= membership.end)


def places_of_enterprise(
    standing: Standing, enterprise: str, year: int, valid_on: dt.date | None = None
) -> tuple[Place, ...]:
    """The places of the sites an enterprise owns, on the days of the year on which it does."""
    cut = Year(standing, year, valid_on)
    return tuple(
        place
        for site in sorted(standing.sites)
        for place in cut.places(site)
        if standing.owner_on("site", site, valid_on or place.start) == enterprise
    )


def last_of_fence(standing: Standing, fenced: Park, places: Iterable[Place]) -> int:
    """The last entry that can have decided which sites are members, or should be.

    Where a site stood before it was revised is not kept, so every revision counts; a site that was
    merely registered somewhere else does not.
    """
    members = {standing.owner_of("site", place.site) for place in places}

    def decides(said: Said | None, owner: str) -> bool:
        if said is None or said.is_revised or owner in members:
            return True
        site = cast(Site, said.statement.body)
        return encloses(fenced.fence, site.longitude, site.latitude)

    return last_of_sites(standing, decides)


def last_of_sites(standing: Standing, decides: Callable[[Said | None, str], bool]) -> int:
    """The last entry about a site of which ``decides`` holds, given what stands and its owner."""
    about = (
        standing.touched["site", site]
        for site, owner in standing.ever_owned("site")
        if decides(standing.sites.get(site), owner)
    )
    return max(about, default=-1)


def latest_year(standing: Standing) -> int:
    """The latest calendar year anything periodic was stated for; 1970 in an empty log."""
    return max(
        (
            cast(Periodic, said.statement.body).period.year
            for kind in PERIODIC
            for said in standing.statements(kind)
        ),
        default=1970,
    )
