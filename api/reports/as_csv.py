"""A report as one CSV file (RFC 4180): a record for each cell, with section, unit and mark.

Tables of a report differ in their columns; records of a CSV file must not. So every record says of
one cell where it stands, what its unit is, and whether it is a lower bound; a spreadsheet's filter
or pivot table makes any table of them. UTF-8 with a byte order mark: without it Excel takes Chinese
for something else.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from flask_babel import gettext

from api.reports.cells import AT_LEAST, guarded, written
from api.reports.document import EMPTY, Cell, Document, Number, Section, Table

MEDIA_TYPE: Final = "text/csv; charset=utf-8"
_BOM: Final = "\ufeff"

Record = tuple[str, str, str, str, str, str, str, str]
"""Section, table, row, name, column, value, unit, mark."""


def write(document: Document) -> bytes:
    """The file; lines end with CR LF, and fields are quoted where they must be."""
    file = io.StringIO(newline="")
    file.write(_BOM)
    csv.writer(file, lineterminator="\r\n").writerows([_head(), *_records(document)])
    return file.getvalue().encode("utf-8")


def _head() -> Record:
    return (
        gettext("Section"),
        gettext("Table"),
        gettext("Row"),
        gettext("Name"),
        gettext("Column"),
        gettext("Value"),
        gettext("Unit"),
        gettext("Mark"),
    )


def _records(document: Document) -> Iterator[Record]:
    for section in document.sections:
        for table in section.tables:
            yield from _of_table(section, table)
        for number, note in enumerate(section.notes, 1):
            said = (guarded(section.title), "", str(number), "")
            yield *said, gettext("Note"), guarded(note), "", ""


def _of_table(section: Section, table: Table) -> Iterator[Record]:
    place = guarded(section.title), guarded(table.title)
    for number, (first, *cells) in enumerate(table.rows, 1):
        # A table of one column has no other cells that its rows could name.
        named = written(first) if cells else ""
        told = zip(table.columns[1:], cells, strict=True) if cells else [(table.columns[0], first)]
        for column, cell in told:
            if cell != EMPTY:
                yield *place, str(number), named, guarded(column), *_measured(cell)


def _measured(cell: Cell) -> tuple[str, str, str]:
    unit = cell.unit if isinstance(cell, Number) else ""
    mark = AT_LEAST if isinstance(cell, Number) and cell.at_least else ""
    return written(cell), unit, mark
