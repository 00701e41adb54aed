"""From tables to wanted statements: every sheet is read by what knows its subject."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from api.importing import books as of_sites
from api.importing import footprints, plans, recipes, single
from api.importing.cells import Cells, Known
from api.importing.columns import SHEETS
from api.importing.heads import Headed, headed
from api.importing.sheets import Table
from api.importing.single import Reader
from api.importing.wanted import Books, Problem, Reading, Wanted

_READERS: Mapping[str, Reader] = {
    **single.READERS,
    **of_sites.READERS,
    **plans.READERS,
    "recipe": recipes.read,
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
    known = Known(books)
    rows = [Cells(each, row, enterprise, known) for each in _sheets(tables, reading)
            for row in each.rows]  # fmt: skip
    for cells in rows:
        known.announce(cells)
    for kind in _ORDER:
        _READERS[kind]([cells for cells in rows if cells.sheet.kind == kind], reading, now)
    reading.problems += [problem for cells in rows for problem in cells.problems]
    _refuse_twice(reading)
    return reading


def _sheets(tables: Iterable[Table], reading: Reading) -> list[Headed]:
    """The tables that can be used, in the order of their statements."""
    found: list[Headed] = []
    for table in tables:
        read = headed(table)
        if isinstance(read, Headed):
            found.append(read)
        else:
            reading.problems += read
    return sorted(found, key=lambda each: _ORDER.index(each.sheet.kind))


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
