"""From tables to wanted statements: every sheet is read by what knows its subject."""

from __future__ import annotations

import datetime as dt
import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

from api.columns import NOTES, SHEETS, Sheet
from api.importing import footprints, gathered, single
from api.importing.cells import Cells, Known
from api.importing.single import Reader
from api.importing.wanted import Books, Problem, Reading, Wanted
from api.sheets import Table

_READERS: Mapping[str, Reader] = {
    **single.READERS,
    **gathered.READERS,
    "footprint": footprints.READ,
}
"""Type of statement -> what reads the rows of its sheets."""
_ORDER = list(dict.fromkeys(sheet.kind for sheet in SHEETS.values()))


def read(
    tables: Iterable[Table],
    enterprise: str | None,
    books: Callable[[str], Books],
    now: dt.datetime,
) -> Reading:
    """The statements that tables ask for, in the order in which a log can take them.

    ``enterprise`` is spoken for where a row names none; with ``None`` every row must name one.
    ``books`` gives what stands of an enterprise. Nothing is raised for a bad row: see
    `Reading.problems`.
    """
    reading = Reading()
    sheets = [(sheet, table) for table in tables if (sheet := _sheet(table, reading))]
    sheets.sort(key=lambda pair: _ORDER.index(pair[0].kind))
    known = Known(books)
    rows = [(sheet, Cells(sheet, row, enterprise, known)) for sheet, t in sheets for row in t.rows]
    for sheet, cells in rows:
        known.announce(sheet, cells)
    for kind in _ORDER:
        _READERS[kind]([cells for sheet, cells in rows if sheet.kind == kind], reading, now)
    reading.problems += [problem for _, cells in rows for problem in cells.problems]
    _refuse_twice(reading)
    return reading


def _sheet(table: Table, reading: Reading) -> Sheet | None:
    """The sheet of a table, if its columns can be used; says what is wrong otherwise."""
    if table.name in NOTES:
        return None
    sheet = SHEETS.get(table.name.strip().lower())
    problems = list(_flaws(table, sheet))
    reading.problems += problems
    return None if problems else sheet


def _flaws(table: Table, sheet: Sheet | None) -> Iterator[Problem]:
    if sheet is None:
        yield Problem(table.name, "There is no sheet of this name; the sheets are %(known)s. For a "
                      "CSV file there is --type.",
                      {"known": ", ".join(SHEETS)})  # fmt: skip
        return
    for column in filter(None, table.columns):
        if column not in sheet.names:
            close = difflib.get_close_matches(column, sheet.names, 1) or sheet.names
            yield Problem(f"{sheet.name}!1 {column}", "There is no such column; known: %(known)s.",
                          {"known": ", ".join(close)})  # fmt: skip
    for column in sheet.required:
        if column not in table.columns:
            yield Problem(f"{sheet.name}!1 {column}", "This column is missing.")


def _refuse_twice(reading: Reading) -> None:
    """Leave out statements of one natural key that are asked for twice, and say so."""
    groups: dict[tuple[str, str], list[Wanted]] = defaultdict(list)
    for wanted in reading.wanted:
        key = wanted.body.natural_key(wanted.subject).text
        groups[wanted.subject, key].append(wanted)
    for group in groups.values():
        for again in group[1:]:
            told = Problem(again.rows[0], "The same is stated in %(first)s already.",
                           {"first": group[0].rows[0]})  # fmt: skip
            reading.problems.append(told)
    reading.wanted = [group[0] for group in groups.values() if len(group) == 1]
