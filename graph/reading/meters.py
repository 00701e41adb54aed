"""What a meter counted in a calendar year, month by month, from the readings that are stated.

The series of a meter is every complete set of ``readings`` statements of the year, merged in order
of time, and the nearest sets before and after it, whose readings close its ends. From it follow
**spans** ``(from, to]`` of which the amount is known:

* a *register* counts up: between two readings it counted ``(now − before) · multiplier``. Where it
  drops, it began again at 0 if the meter states a ``rollover`` that lies above the reading before,
  and if ``rollover − before + now`` is less than half of it; any other drop is a **reset**, and
  what was counted meanwhile is unknown, never negative;
* an *interval* is read as the amount since the reading before. Where the meter states its spacing,
  the first reading of all is for one spacing, and so is one that comes later than 1.5 spacings
  after the reading before: of the time between nothing is known. Without a spacing the first
  reading is for a time that nobody states, and does not count.

What was counted in a stretch of time is what the spans have in it; a span that reaches beyond is
split by time:

    amount[a, b) = C(b) − C(a),   C(t) = Σ amount · share of the span that lies before t

Months and years are those of the site's own clock, so that a day of 23 or 25 hours is one. A
stretch of which nothing is known has no amount; one that is known in part has the amount of that
part and says how large it is.
"""

from __future__ import annotations

import datetime as dt
import itertools
import zoneinfo
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from graph.errors import UnknownMeter
from graph.reading.year import Whole, wholes
from ledger.recent import Recent
from ledger.standing import Said, Standing
from ledger.statements import Inventory, Meter, NaturalKey, Period, Readings, Site

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

LATE: Final = 1.5
"""How many spacings may pass between two readings before there is a gap."""
WHOLE_SHARE: Final = 0.999
"""From which share of its time on a stretch counts as covered: a year less eight hours."""
FLAGS: Final = MappingProxyType(
    {
        "gap": "No reading from %(start)s to %(end)s.",
        "reset": "The register dropped between %(start)s and %(end)s: what it counted meanwhile "
        "is unknown.",
        "rollover": "The register began again at 0 between %(start)s and %(end)s.",
        "disagree": "Two statements give different readings for %(start)s: the later one counts.",
        "superseded": "What was stated for %(start)s to %(end)s has been corrected.",
    }
)
"""What is told of a series, each in words."""
_MONTHS: Final = 12
_KEPT: Final = 2048
_NO_YEAR: Final = 1970


class Span(Protocol):
    """Days ``[start, end)``: a ``Period`` or a ``Place``."""

    @property
    def start(self) -> dt.date: ...

    @property
    def end(self) -> dt.date: ...


@dataclass(frozen=True, slots=True)
class Flag:
    """Something that a reader must know of a series: one of ``FLAGS``, and when it was."""

    kind: str
    start: dt.datetime
    end: dt.datetime

    @property
    def params(self) -> dict[str, str]:
        """What the sentence names."""
        return {"start": self.start.isoformat(" ", "minutes"),
                "end": self.end.isoformat(" ", "minutes")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a meter counted in a stretch of time, in its own unit.

    ``amount`` is that of the ``known`` seconds; ``None``: nothing is known. ``seconds`` are those
    of the stretch, 0 where all of it lies outside of what is asked. ``readings`` were taken in it:
    with none, the amount was split from what was read before and after.
    """

    amount: float | None
    known: float
    seconds: float
    readings: int
    flags: tuple[str, ...]

    @property
    def share(self) -> float | None:
        """How much of its time is known, 0 to 1; ``None`` for a stretch without any."""
        return self.known / self.seconds if self.seconds else None

    @property
    def is_whole(self) -> bool:
        """Whether readings cover it."""
        return self.share is not None and self.share >= WHOLE_SHARE


@dataclass(frozen=True, slots=True)
class Metered:
    """A meter in a year: its twelve months, and all of it together.

    ``through`` is the last instant that the readings reach, ``None`` without any; ``as_of`` the
    last entry that can have moved it.
    """

    site: str
    meter: Meter
    year: int
    months: tuple[Stretch, ...]
    whole: Stretch
    flags: tuple[Flag, ...]
    through: dt.datetime | None
    as_of: int


def meters_at(standing: Standing, site: str) -> tuple[Said, ...]:
    """The meters of a site that stand, by name."""
    found = standing.about(Meter.TYPE, site)
    return tuple(sorted(found, key=lambda said: said.key.parts))


def metered(
    standing: Standing, site: str, name: str, year: int, days: Iterable[Span] = ()
) -> Metered:
    """What a meter counted in a year, or on some days of it, which must not overlap.

    Readings of a meter are understood as it is stated now. Raises UnknownMeter.
    """
    stated = standing.find(NaturalKey(Meter.TYPE, (site, name)))
    located = standing.sites.get(site)
    if stated is None or located is None:
        raise UnknownMeter(meter=name, site=site)
    asked = _Asked(
        meter=cast(Meter, stated.statement.body),
        zone=zoneinfo.ZoneInfo(cast(Site, located.statement.body).time_zone),
        year=year,
        days=_joined(days) or ((dt.date(year, 1, 1), dt.date(year + 1, 1, 1)),),
    )
    told = _around(standing.about(Readings.TYPE, site), name, year)
    as_of = standing.touched.last(("site", "meter", "readings"), site)
    return _told(asked, told, stated.digest, as_of)


def latest_year_at(standing: Standing, sites: Collection[str]) -> int:
    """The latest calendar year that any meter of the sites was read in, else that an inventory of
    theirs is for; 1970 where there is neither, as of an empty log."""
    for kind in (Readings, Inventory):
        told = (said for site in sites for said in standing.about(kind.TYPE, site))
        if (year := max((kind.span(said.key)[0].year for said in told), default=None)) is not None:
            return year
    return _NO_YEAR


# -- which statements ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """A meter, the clock of its site, and the days that are asked about, in order."""

    meter: Meter
    zone: zoneinfo.ZoneInfo
    year: int
    days: tuple[tuple[dt.date, dt.date], ...]

    def instant(self, day: dt.date) -> int:
        """When a day begins at the site, in seconds since 1970."""
        return int(dt.datetime.combine(day, dt.time(), self.zone).timestamp())

    def moment(self, seconds: float) -> dt.datetime:
        """With an offset for the zone: within one zone, Python compares what clocks show."""
        at = dt.datetime.fromtimestamp(seconds, self.zone)
        return at.replace(tzinfo=dt.timezone(cast(dt.timedelta, at.utcoffset())))


def _joined(days: Iterable[Span]) -> tuple[tuple[dt.date, dt.date], ...]:
    """Days in order, those that touch as one."""
    joined: list[tuple[dt.date, dt.date]] = []
    for start, end in sorted((each.start, each.end) for each in days):
        if joined and joined[-1][1] == start:
            start = joined.pop()[0]
        joined.append((start, end))
    return tuple(joined)


def _around(said: Iterable[Said], name: str, year: int) -> tuple[Said, ...]:
    """The readings of a meter in a year, with the nearest complete sets before and after it."""
    sets: dict[tuple[Period, int], list[Said]] = defaultdict(list)
    for each in said:
        if each.key.parts[1] == name:
            period, part = Readings.span(each.key)
            sets[period, part.n].append(each)
    complete = {period: pieces for (period, n), pieces in sets.items() if len(pieces) == n}
    before = max((p for p in complete if p.year < year), key=lambda p: p.end, default=None)
    after = min((p for p in complete if p.year > year), key=lambda p: p.start, default=None)
    within = (period for period in complete if period.year == year)
    wanted = [each for each in (before, *within, after) if each is not None]
    return tuple(each for period in wanted for each in complete[period])


def _told(asked: _Asked, said: tuple[Said, ...], meter: str, as_of: int) -> Metered:
    """A pure function of the statements, remembered because a year has many readings."""
    key = asked.zone.key, asked.year, asked.days, meter, tuple(each.digest for each in said), as_of
    known = _METERED.get(key)
    return known if known is not None else _METERED.put(key, _Year(asked, said).told(as_of))


_METERED: Final[Recent[tuple[object, ...], Metered]] = Recent(_KEPT)


# -- the series ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Series:
    """Readings in order of time: instants in seconds since 1970, and what was read, exactly.

    ``disputed`` are the instants for which two statements differ.
    """

    at: Ints
    values: tuple[Decimal, ...]
    disputed: tuple[int, ...]


def _merged(sets: Iterable[Whole[Readings]]) -> _Series:
    """Of two readings of one instant that of the later entry of the log counts."""
    read: dict[int, Decimal] = {}
    disputed: set[int] = set()
    for said in sorted((each for whole in sets for each in whole.said), key=lambda s: s.index):
        for reading in cast(Readings, said.statement.body).readings:
            at = int(reading.at.timestamp())
            if read.setdefault(at, reading.value) != reading.value:
                disputed.add(at)
            read[at] = reading.value
    order = sorted(read)
    values = tuple(read[at] for at in order)
    return _Series(np.array(order, dtype=np.int64), values, tuple(sorted(disputed)))


@dataclass(frozen=True)
class _Counted:
    """Spans of known amount, in order: ``starts`` and ``ends`` in seconds since 1970.

    ``totals`` are what all spans up to each of them have, in the unit, added exactly and rounded
    once. ``noticed`` are (kind, from, to).
    """

    starts: Floats
    ends: Floats
    totals: Floats
    noticed: tuple[tuple[str, float, float], ...] = ()

    def accrued(self, instants: Floats) -> Floats:
        """C(t) of each instant."""
        return self._until(instants, self.totals)

    def covered(self, instants: Floats) -> Floats:
        """Seconds before each instant of which the amount is known."""
        return self._until(instants, np.cumsum(self.ends - self.starts))

    def _until(self, instants: Floats, totals: Floats) -> Floats:
        if not len(totals):
            return np.zeros(len(instants))
        knots = np.stack([self.starts, self.ends], axis=1).ravel()
        heights = np.stack([np.concatenate([[0.0], totals[:-1]]), totals], axis=1).ravel()
        until: Floats = np.interp(instants, knots, heights)
        return until


def _counted(series: _Series, meter: Meter) -> _Counted:
    if len(series.at) == 0:
        return _Counted(np.zeros(0), np.zeros(0), np.zeros(0))
    return _register(series, meter) if meter.reads == "register" else _intervals(series, meter)


def _register(series: _Series, meter: Meter) -> _Counted:
    at = series.at.astype(float)
    steps: list[Decimal | None] = []
    noticed = list(_late(at, meter))
    for i, (before, now) in enumerate(itertools.pairwise(series.values)):
        step = now - before if now >= before else _rolled(before, now, meter.rollover)
        steps.append(step)
        if now < before:
            kind = "reset" if step is None else "rollover"
            noticed.append((kind, float(at[i]), float(at[i + 1])))
    known = np.array([step is not None for step in steps], dtype=bool)
    totals = _totals((step for step in steps if step is not None), meter)
    return _Counted(at[:-1][known], at[1:][known], totals, tuple(noticed))


def _rolled(before: Decimal, now: Decimal, rollover: Decimal | None) -> Decimal | None:
    """What a register counted that began again at 0; ``None``: it did not, it was reset."""
    if rollover is None or before >= rollover:
        return None
    counted = rollover - before + now
    return counted if 2 * counted < rollover else None


def _intervals(series: _Series, meter: Meter) -> _Counted:
    ends, spacing = series.at.astype(float), meter.spacing_seconds
    if spacing is None:
        return _Counted(ends[:-1], ends[1:], _totals(series.values[1:], meter))
    since = np.concatenate([[ends[0] - spacing], ends[:-1]])
    late = ends - since > LATE * spacing
    starts = np.where(late, ends - spacing, since)
    noticed = tuple(("gap", float(since[i]), float(starts[i])) for i in np.flatnonzero(late))
    return _Counted(starts, ends, _totals(series.values, meter), noticed)


def _late(at: Floats, meter: Meter) -> Iterator[tuple[str, float, float]]:
    """Where more time passed between readings of a register than there should."""
    if meter.spacing_seconds is not None:
        for i in np.flatnonzero(np.diff(at) > LATE * meter.spacing_seconds):
            yield "gap", float(at[i]), float(at[i + 1])


def _totals(amounts: Iterable[Decimal], meter: Meter) -> Floats:
    multiplier = meter.multiplier or Decimal(1)
    totals = itertools.accumulate(each * multiplier for each in amounts)
    return np.array([float(total) for total in totals], dtype=float)


# -- the year -----------------------------------------------------------------------------------


class _Year:
    """The series of a meter laid over the months of a year."""

    def __init__(self, asked: _Asked, said: Iterable[Said]) -> None:
        self.asked = asked
        about = asked.meter.site, asked.meter.meter
        self.sets = wholes(said, Readings).get(about, [])
        self.series = _merged(self.sets)
        self.counted = _counted(self.series, asked.meter)
        self.windows = [(asked.instant(a), asked.instant(b)) for a, b in asked.days]

    def told(self, as_of: int) -> Metered:
        asked, flags = self.asked, tuple(sorted(self._flags(), key=lambda f: (f.start, f.kind)))
        months = tuple(
            self._month(month, edges, flags) for month, edges in enumerate(self._edges(), 1)
        )
        return Metered(
            site=asked.meter.site,
            meter=asked.meter,
            year=asked.year,
            months=months,
            whole=_together(months),
            flags=flags,
            through=self._through(),
            as_of=as_of,
        )

    def _edges(self) -> list[list[tuple[int, int]]]:
        """For each month the stretches of it that are asked about, in seconds."""
        months = [self._first(month) for month in range(1, _MONTHS + 2)]
        return [
            [(max(a, x), min(b, y)) for x, y in self.windows if max(a, x) < min(b, y)]
            for a, b in itertools.pairwise(months)
        ]

    def _first(self, month: int) -> int:
        years, month = divmod(month - 1, _MONTHS)
        return self.asked.instant(dt.date(self.asked.year + years, month + 1, 1))

    def _month(self, month: int, edges: list[tuple[int, int]], flags: Sequence[Flag]) -> Stretch:
        starts, ends = (np.array([edge[k] for edge in edges], dtype=float) for k in (0, 1))
        counted, at = self.counted, self.series.at
        known = float((counted.covered(ends) - counted.covered(starts)).sum())
        amount = float((counted.accrued(ends) - counted.accrued(starts)).sum())
        read = np.searchsorted(at, ends) - np.searchsorted(at, starts)
        a, b = self._first(month), self._first(month + 1)
        touching = {f.kind for f in flags if _touches(f, a, b)}
        return Stretch(
            amount=amount if known else None,
            known=known,
            seconds=float((ends - starts).sum()),
            readings=int(read.sum()),
            flags=tuple(kind for kind in FLAGS if kind in touching),
        )

    def _flags(self) -> Iterator[Flag]:
        """What is told of the days that are asked about."""
        noticed = [
            *self.counted.noticed,
            *self._uncovered(),
            *(("disagree", at, at) for at in self.series.disputed),
            *(("superseded", *each) for each in self._revised()),
        ]
        for kind, start, end in noticed:
            flag = Flag(kind, self.asked.moment(start), self.asked.moment(end))
            if any(_touches(flag, a, b) for a, b in self.windows):
                yield flag

    def _uncovered(self) -> Iterator[tuple[str, float, float]]:
        """The beginning and the end of the days that are asked about, where no reading is."""
        counted = self.counted
        for start, end in self.windows:
            if not len(counted.ends) or counted.ends[-1] <= start or counted.starts[0] >= end:
                yield "gap", start, end
                continue
            if counted.starts[0] > start:
                yield "gap", start, float(counted.starts[0])
            if counted.ends[-1] < end:
                yield "gap", float(counted.ends[-1]), end

    def _revised(self) -> Iterator[tuple[int, int]]:
        for whole in self.sets:
            if any(said.is_revised for said in whole.said):
                yield self.asked.instant(whole.period.start), self.asked.instant(whole.period.end)

    def _through(self) -> dt.datetime | None:
        last = self.windows[-1][1]
        begun = self.counted.starts < last
        if not begun.any():
            return None
        reached = min(float(self.counted.ends[begun][-1]), float(last))
        return self.asked.moment(reached) if reached > self.windows[0][0] else None


def _touches(flag: Flag, start: float, end: float) -> bool:
    """Whether a flag falls into ``[start, end)``."""
    begins, ends = flag.start.timestamp(), flag.end.timestamp()
    return begins < end and (ends > start or begins >= start)


def _together(months: Sequence[Stretch]) -> Stretch:
    amounts = [each.amount for each in months if each.amount is not None]
    kinds = {kind for each in months for kind in each.flags}
    return Stretch(
        amount=sum(amounts) if amounts else None,
        known=sum(each.known for each in months),
        seconds=sum(each.seconds for each in months),
        readings=sum(each.readings for each in months),
        flags=tuple(kind for kind in FLAGS if kind in kinds),
    )
