"""A table of readings of one meter becomes statements, one for each month of the site's calendar.

Times have an offset from UTC, or are those of the site's own clock; a local time that there was
twice, or not at all, is refused. Rows may come in any order. A month that is stated already keeps
the readings that the table does not have, unless the table is to replace it: what was said is not
lost because a file begins later.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, cast

import marshmallow as ma

from api.errors import (
    AmountRefused,
    CellRefused,
    NegativeReading,
    ReadingsRefused,
    TimeRefused,
    TimeSkipped,
    TimeTwice,
)
from api.importing.cells import plain_amount
from api.importing.sheets import Row, Table
from api.importing.wanted import Books, Problem, Reading, Wanted
from ledger import jws
from ledger.schema import nonnegative
from ledger.statements import Part, Period, Readings
from ledger.statements import Reading as Read
from ledger.statements.meters import MOST_READINGS
from ledger.statements.parts import FIRST_YEAR, LAST_YEAR

TIMES: Final = (
    "time",
    "at",
    "timestamp",
    "date",
    "datetime",
    "时间",
    "日期",
    "抄表时间",
    "采集时间",
)
VALUES: Final = (
    "value",
    "reading",
    "amount",
    "count",
    "读数",
    "示数",
    "数值",
    "值",
    "用量",
    "电量",
)
_TIME = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.0+)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_READING: Final = nonnegative()
_MOST_BYTES: Final = jws.MAX_COMPACT_BYTES * 2 // 3
"""Of the readings in one statement: base64 makes 4 of 3, and there is something around them."""
_AROUND_A_READING: Final = 24
"""Bytes of ``{"at":"","value":""},`` and a little."""


@dataclass(frozen=True, slots=True)
class Of:
    """Whose readings a table has. ``replace``: it has all there are of the months in it."""

    subject: str
    site: str
    meter: str
    zone: zoneinfo.ZoneInfo
    replace: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
    """A reading and the row it stands in."""

    row: int
    at: dt.datetime
    value: Decimal


def readings_in(table: Table, about: Of, books: Books) -> Reading:
    """What a table asks for beside what stands, and what is wrong with its rows.

    Raises ReadingsRefused for a table without the two columns, or without rows.
    """
    time, value = _column(table, TIMES), _column(table, VALUES)
    if not table.rows:
        raise ReadingsRefused(reason="it has no rows")
    found = Reading()
    lines: dict[dt.datetime, _Line] = {}
    for row in table.rows:
        line = _line(table, row, time, value, about.zone, found.problems)
        if line is not None and _is_new(table, line, lines, found.problems):
            lines[line.at] = line
    if not found.problems:
        found.wanted.extend(_wanted(table, about, list(lines.values()), books))
    return found


def time_at(text: str, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """A moment, with the offset of ``zone``. 24:00 is the end of a day.

    Raises TimeRefused, TimeSkipped and TimeTwice.
    """
    written = _TIME.fullmatch(text)
    if written is None:
        raise TimeRefused(text=text)
    *numbers, offset = written.groups()
    year, month, day, hour, minute, second = (int(each or 0) for each in numbers)
    if not FIRST_YEAR < year < LAST_YEAR:
        raise TimeRefused(text=text)
    ends_a_day = (hour, minute, second) == (24, 0, 0)
    try:
        at = dt.datetime(year, month, day, 0 if ends_a_day else hour, minute, second)
        at += dt.timedelta(days=1 if ends_a_day else 0)
        if offset is None:
            return _fixed(_local(text, at, zone))
        return _fixed(dt.datetime.fromisoformat(f"{at.isoformat()}{offset}").astimezone(zone))
    except (ValueError, OverflowError):
        raise TimeRefused(text=text) from None


def _fixed(at: dt.datetime) -> dt.datetime:
    """The same moment with an offset for its zone: within one zone, Python compares what clocks
    show, and takes the two hours of the night on which they are put back for one."""
    return at.replace(tzinfo=dt.timezone(cast(dt.timedelta, at.utcoffset())))


def _local(text: str, at: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.datetime:
    """A time of a clock in ``zone`` that there was just once."""
    first, second = at.replace(tzinfo=zone), at.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first
    if first.astimezone(dt.UTC).astimezone(zone).replace(tzinfo=None) != at:
        raise TimeSkipped(text=text, zone=zone.key)
    both = {"first": first.isoformat(), "second": second.isoformat()}
    raise TimeTwice(text=text, zone=zone.key, **both)


# -- rows ---------------------------------------------------------------------------------------


def _column(table: Table, names: Sequence[str]) -> str:
    """The one column that is called one of ``names``."""
    found = [column for column in table.columns if column in names]
    if not found:
        raise ReadingsRefused(reason=f"it has no column called {', '.join(names)}")
    if len(found) > 1:
        raise ReadingsRefused(reason=f"of its columns {' and '.join(found)} only one can be meant")
    return found[0]


def _line(
    table: Table,
    row: Row,
    time: str,
    value: str,
    zone: zoneinfo.ZoneInfo,
    problems: list[Problem],
) -> _Line | None:
    read: list[dt.datetime | Decimal] = []
    for column in (time, value):
        where, text = f"{table.name}!{row.number} {column}", row.cells.get(column)
        if (flaw := row.errors.get(column)) is not None:
            problems.append(Problem(where, flaw))
        elif text is None:
            problems.append(Problem(where, "This cell must not be empty."))
        else:
            try:
                read.append(time_at(text, zone) if column == time else _count(text))
            except CellRefused as refused:
                problems.append(Problem(where, refused.sentence, refused.params, refused.advice))
    if len(read) < 2:
        return None
    return _Line(row.number, cast(dt.datetime, read[0]), cast(Decimal, read[1]))


def _count(text: str) -> Decimal:
    """A reading is never negative. Raises AmountRefused and NegativeReading."""
    try:
        return _READING.deserialize(plain_amount(text))
    except ma.ValidationError:
        refused = NegativeReading if text.startswith("-") else AmountRefused
        raise refused(text=text) from None


def _is_new(
    table: Table, line: _Line, lines: Mapping[dt.datetime, _Line], problems: list[Problem]
) -> bool:
    """Whether its moment is not read yet. Twice the same counts once, twice another is refused."""
    before = lines.get(line.at)
    if before is not None and before.value != line.value:
        told = {"row": before.row, "before": before.value, "now": line.value}
        problems.append(
            Problem(
                f"{table.name}!{line.row}",
                "Row %(row)d has %(before)s for the same moment, and this one %(now)s.",
                told,
                "Leave the wrong one out.",
            )
        )
    return before is None


# -- statements ---------------------------------------------------------------------------------


def _wanted(table: Table, about: Of, lines: Sequence[_Line], books: Books) -> Iterator[Wanted]:
    told = {line.at: line.value for line in lines}
    for period, here in sorted(_months(lines, about.zone).items(), key=lambda each: each[0].start):
        stated = {} if about.replace else _stated(about, period, books)
        kept = {at: told.get(at, value) for at, value in stated.items()}
        read = {**kept, **{line.at: line.value for line in here}}
        readings = [Read(at=at, value=read[at]) for at in sorted(read)]
        rows = sorted(line.row for line in here)
        places = tuple(f"{table.name}!{row}" for row in dict.fromkeys((rows[0], rows[-1])))
        pieces = list(_cut(readings))
        for k, piece in enumerate(pieces, 1):
            part = Part(k=k, n=len(pieces))
            body = _body(about, period, part, piece, books)
            yield Wanted(about.subject, body, f"{about.meter} {period.start:%Y-%m}", places)


def _months(lines: Sequence[_Line], zone: zoneinfo.ZoneInfo) -> dict[Period, list[_Line]]:
    """Readings by month. One that closes a month, with nothing after it, stays in that month."""
    months: dict[Period, list[_Line]] = defaultdict(list)
    for line in lines:
        months[_month_of(line.at.astimezone(zone).date())].append(line)
    for period, here in list(months.items()):
        before = _month_of(period.start - dt.timedelta(days=1))
        begins = dt.datetime.combine(period.start, dt.time(), zone).astimezone(dt.UTC)
        if before in months and [line.at for line in here] == [begins]:
            months[before].extend(months.pop(period))
    return months


def _month_of(day: dt.date) -> Period:
    first = day.replace(day=1)
    return Period(start=first, end=(first + dt.timedelta(days=31)).replace(day=1))


def _stated(about: Of, period: Period, books: Books) -> dict[dt.datetime, Decimal]:
    """What is stated of a month, by moment."""
    return {
        reading.at: reading.value
        for body in _bodies(about, books)
        if body.period == period
        for reading in body.readings
    }


def _bodies(about: Of, books: Books) -> Iterator[Readings]:
    for stands in books.values():
        body = stands.body
        if isinstance(body, Readings) and body.about == (about.site, about.meter):
            yield body


def _cut(readings: Sequence[Read]) -> Iterator[Sequence[Read]]:
    """Pieces of nearly equal length that each fit into a statement."""
    size = sum(len(f"{each.at.isoformat()}{each.value:f}") for each in readings)
    size += _AROUND_A_READING * len(readings)
    pieces = max(-(-len(readings) // MOST_READINGS), -(-size // _MOST_BYTES))
    step = -(-len(readings) // pieces)
    yield from (readings[k : k + step] for k in range(0, len(readings), step))


def _body(
    about: Of, period: Period, part: Part, readings: Iterable[Read], books: Books
) -> Readings:
    """The statement; a remark that was made on it before stays."""
    body = Readings(
        site=about.site, meter=about.meter, period=period, part=part, readings=tuple(readings)
    )
    stands = books.get(body.natural_key(about.subject).text)
    return body if stands is None else replace(body, remark=cast(Readings, stands.body).remark)
