"""The engine follows the log and answers questions about it.

    figure = f(prefix, question)

For every year that is asked about, one network is kept up with the log: what is said since moves
only what lies downstream of it (``graph.reading.current`` reads it, ``graph.solving.live`` solves
it). A question about the past goes forward from the nearest earlier prefix at which the year is
kept, or reads it from nothing; both give the same.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from graph.errors import UnknownBoundary, UnknownProduct
from graph.figures.behalf import SpokenFor
from graph.figures.boundary import Amount, Assessment, Fence
from graph.figures.fence import encloses, fence_findings
from graph.figures.footprint import Origin, ProductFootprint, origins_of, product_footprint
from graph.figures.ledgers import Ledgers, ledgers_of, net_of
from graph.figures.market import NO_PARKS, Market, market_based
from graph.findings import Finding, finding
from graph.keeping.history import History, Reader
from graph.keeping.running import Running
from graph.keeping.years import Years
from graph.kept import kept
from graph.reading.current import CurrentYear
from graph.reading.factors import Ladder
from graph.reading.year import Place, Year
from graph.solving.characterise import Characterisation, characterise
from graph.solving.solved import Solved
from ledger.entry import Entry
from ledger.recent import Recent
from ledger.standing import Said, Standing
from ledger.statements import Body, Footprint, Membership, Park, Periodic, Site

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
    "factors",
    "certificate",
    "attestation",
    "accreditation",
)
"""Statement types that can move a figure; the last three a net figure alone."""
PERIODIC = ("inventory", "production", "recipe", "purchases")
KEPT = 4
UNSTATED_INVENTORY = ("inventory", "inventory-incomplete")
"""What a place may leave unsaid, so that nobody knows what it caught and removed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked besides the thing itself: a calendar year, a GWP set, a log size, a day.

    ``year`` None: the year of the day, else the latest year anything was stated for; ``at`` None:
    the whole log. With ``valid_on`` what is in force on that day stands for the whole year.
    """

    year: int | None = None
    gwp: str = "AR6"
    at: int | None = None
    valid_on: dt.date | None = None


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
    spoken_for: SpokenFor
    valid_on: dt.date | None = None


@dataclass(frozen=True)
class Books:
    """The books of a boundary with the statements that draw it."""

    kind: str
    id: str
    name: str
    answered: Answered
    places: tuple[Place, ...]
    assessment: Assessment
    market: Market
    ledgers: Ledgers
    findings: tuple[Finding, ...]
    as_of: int
    parks: Mapping[str, Collection[Place]] = field(default_factory=dict)
    """Parks whose own certificates belong to the boundary, with their places."""

    def net_operational(self, scope2: Amount) -> Amount:
        """Scope 1 and 2 less capture and verified removals."""
        return net_of(self.assessment.scope1 + scope2, self.ledgers)


class Engine:
    """Answers questions about a log; safe to share between threads.

    One lock guards following and computing: a figure is computed once, not once per waiting
    reader. ``begin`` is a standing of the same log to go on from instead of reading it all, and
    ``years`` are years as they were at its prefix.
    """

    def __init__(
        self, log: Reader, begin: Standing | None = None, years: Iterable[Running] = ()
    ) -> None:
        self._lock = threading.RLock()
        self._history = History(log, begin)
        self._years = Years(self._history, years)
        self._latest: Recent[tuple[tuple[str, ...], int], int] = Recent(KEPT)

    def standing(self, at: int | None = None) -> Standing:
        """What stands after the first ``at`` entries (None: all there are).

        Raises ``LogPositionUnknown`` for a prefix the log does not have.
        """
        with self._lock:
            return self._history.at(at)

    def calendar_years(self) -> tuple[Standing, list[Running]]:
        """What stands, and the years that were asked about as they are then, apart from this
        engine: others wait while they are brought there, and not while they are read."""
        with self._lock:
            standing = self._history.live()
            return standing, self._years.calendar_years(standing)

    def answer(self, question: Question) -> Answered:
        """Fill in a question's defaults and solve the network it is about.

        Raises ``UnknownGwpSet`` and ``LogPositionUnknown``.
        """
        with self._lock:
            standing = self.standing(question.at)
            year = self._year_of(question, standing)
            solved = self._years.solved(standing, year, question.valid_on)
            return self._told(replace(question, year=year), standing, solved)

    def steps(self, question: Question, start: int, stop: int) -> Iterator[tuple[Entry, Answered]]:
        """The answer after every entry from prefix ``start`` to ``stop``, one after another.

        ``question.year`` must be given. Each costs what the entry moved, not what the year holds.
        Raises as ``answer`` does.
        """
        of = cast(int, question.year), question.valid_on
        with self._lock:
            self._history.at(stop)
            standing = self._history.at(start)
            running = self._years.running(standing, of).fork()
        for step in self._history.walk(standing, stop):
            if step.spoken is None:
                running = Running(CurrentYear(step.standing, *of))
            else:
                running.follow(step.standing, step.spoken)
            yield step.entry, self._told(question, step.standing, running.solved())

    def _told(self, question: Question, standing: Standing, solved: Solved) -> Answered:
        return Answered(
            year=cast(int, question.year),
            gwp=question.gwp,
            at=standing.size,
            standing=standing,
            solved=solved,
            weights=characterise(solved.network.columns, question.gwp),
            spoken_for=SpokenFor(standing),
            valid_on=question.valid_on,
        )

    def _year_of(self, question: Question, standing: Standing) -> int:
        if question.valid_on is not None:
            return question.valid_on.year
        if question.year is not None:
            return question.year
        footprints = (Footprint.TYPE,)
        return self._latest_of(PERIODIC, standing) or self._latest_of(footprints, standing) or 1970

    def _latest_of(self, kinds: tuple[str, ...], standing: Standing) -> int:
        moved = standing.touched.last(kinds)
        known = self._latest.get((kinds, moved))
        if known is None:
            known = self._latest.put((kinds, moved), _latest_of(standing, kinds))
        return known

    # -- figures ---------------------------------------------------------------------------

    def footprint(
        self, product: str, question: Question, site: str | None = None
    ) -> tuple[Answered, ProductFootprint]:
        """The footprint of a product. Raises as ``graph.figures.footprint.product_footprint``."""
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
        places = places_of_park(answered.standing, park, answered.year, answered.valid_on)
        sites = (cast(Site, s.statement.body) for s in answered.standing.sites.values())
        noticed = (
            *fence_findings(fenced, sites, {place.site for place in places}),
            *_elsewhere_findings(answered, park, places),
        )
        touched = answered.standing.touched
        drawn = max(
            touched["park", park],
            touched.get(("membership", park), -1),
            last_of_fence(answered.standing, fenced, places),
        )
        return books_of_places(
            "park", park, fenced.name, answered, places, noticed, drawn, {park: places}
        )

    def enterprise(self, enterprise: str, question: Question) -> Books:
        """The books of an enterprise: all its sites. Raises as ``park`` does."""
        answered = self.answer(question)
        said = answered.standing.enterprises.get(enterprise)
        if said is None:
            raise UnknownBoundary(kind="enterprise", id=enterprise)
        places = places_of_enterprise(
            answered.standing, enterprise, answered.year, answered.valid_on
        )
        own = last_of_sites(answered.standing, lambda _, owner: owner == enterprise)
        told = answered.standing.touched
        once = (told.get((kind, p.site), -1) for p in places for kind in ("site", "transfer"))
        drawn = max(said.index, own, *once)
        name = getattr(said.statement.body, "name", enterprise)
        return books_of_places("enterprise", enterprise, name, answered, places, (), drawn)


class Settled(Engine):
    """An engine that reads no log: whatever is asked, it answers from one answer."""

    def __init__(self, answered: Answered) -> None:
        self._answer = answered

    def answer(self, question: Question) -> Answered:
        """The same, whatever is asked."""
        return self._answer

    def standing(self, at: int | None = None) -> Standing:
        return self._answer.standing

    def park(self, park: str, question: Question) -> Books:
        return kept(self._answer, ("park", park), lambda: Engine.park(self, park, question))

    def enterprise(self, enterprise: str, question: Question) -> Books:
        about = "enterprise", enterprise
        return kept(self._answer, about, lambda: Engine.enterprise(self, enterprise, question))


def books_of_places(
    kind: str,
    boundary: str,
    name: str,
    answered: Answered,
    places: tuple[Place, ...],
    noticed: tuple[Finding, ...],
    drawn: int,
    parks: Mapping[str, Collection[Place]] = NO_PARKS,
) -> Books:
    """The books of any set of places; ``drawn`` is the last entry that drew the boundary.

    ``parks`` are those, with their places, whose own certificates belong to it. Raises
    ``NoDataForYear``.
    """
    fence = Fence(answered.solved, frozenset(places), answered.weights)
    assessment, standing = fence.assessment(), answered.standing
    year = Year(standing, answered.year, answered.valid_on)
    ladder = Ladder.of(standing, answered.year)
    market = market_based(fence, standing, ladder, parks)
    told = {each.what for each in (*assessment.missing, *assessment.stand_ins)}
    ledgers = ledgers_of(
        year, places, parks, answered.valid_on, is_open=not told.isdisjoint(UNSTATED_INVENTORY)
    )
    return Books(
        kind=kind,
        id=boundary,
        name=name,
        answered=answered,
        places=places,
        assessment=assessment,
        market=market,
        ledgers=ledgers,
        findings=(*noticed, *market.findings, *ledgers.findings),
        as_of=max(assessment.as_of, drawn, market.as_of, ledgers.as_of),
        parks=parks,
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


def _elsewhere_findings(
    answered: Answered, park: str, places: Iterable[Place]
) -> Iterator[Finding]:
    """Members that belong to another park on the same days: both parks count them."""
    standing = answered.standing
    for place in places:
        for said in standing.about("membership", place.site):
            other = cast(Membership, said.statement.body)
            known = standing.parks.get(other.park)
            if other.park != park and known and _belongs(place, other, answered.valid_on):
                yield finding(
                    "member-of-another-park",
                    site=Year(standing, answered.year).site_name(place.site),
                    other=cast(Park, known.statement.body).name,
                    first=place.start,
                    after=place.end,
                )


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
    """The latest calendar year anything periodic was stated for.

    Where nothing was, as in a log of footprints alone, the latest that one refers to; 1970 in an
    empty log.
    """
    return _latest_of(standing, PERIODIC) or _latest_of(standing, (Footprint.TYPE,)) or 1970


def _latest_of(standing: Standing, kinds: Iterable[str]) -> int:
    """The latest year that statements of some types are about; 0 where none stands."""
    bodies = (said.statement.body for kind in kinds for said in standing.statements(kind))
    return max(map(_year_about, bodies), default=0)


def _year_about(body: Body) -> int:
    if isinstance(body, Footprint):
        return body.pact.pcf.reference_year
    return cast(Periodic, body).period.year
