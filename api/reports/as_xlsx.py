"""A report as a workbook: a sheet for each section, numbers as numbers, texts as texts.

A number has all digits that the API gives it and a format that shows fewer; a lower bound shows
``≥`` before it and stays a number. Nothing in a report is a formula or a link, whatever it says.
The same document gives the same bytes.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from api.figures.numbers import plain
from api.reports.cells import AT_LEAST, begins_a_formula
from api.reports.document import (
    Cell,
    Document,
    Missing,
    Number,
    Section,
    Share,
    Table,
    Text,
    Whole,
)

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

MEDIA_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_MOST_CHARACTERS: Final = 32_767
"""What a cell of a workbook holds."""
_NAME_CHARACTERS: Final = 31
_NOT_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\]")
_NARROWEST, _WIDEST = 9, 60
_MADE: Final = dt.datetime(1980, 1, 1, tzinfo=dt.UTC)
_OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def write(document: Document) -> bytes:
    """The workbook."""
    # Takes long to import, and of all that is asked only workbooks need it.
    import xlsxwriter

    file = io.BytesIO()
    with xlsxwriter.Workbook(file, _OPTIONS) as book:
        # When it was made is no part of what it says.
        book.set_properties({"title": document.title, "created": _MADE})
        formats = _Formats(book)
        for section, name in zip(document.sections, sheet_names(document), strict=True):
            _Sheet(book.add_worksheet(name), formats).write(section)
    return file.getvalue()


def sheet_names(document: Document) -> list[str]:
    """The sections' titles as workbooks allow them: short, different, without ``[]:*?/\\``."""
    names: list[str] = []
    for section in document.sections:
        plain_title = _NOT_IN_NAMES.sub(" ", section.title).strip("' ")[:_NAME_CHARACTERS] or "–"
        names.append(_unlike(names, plain_title))
    return names


def _unlike(names: list[str], wanted: str) -> str:
    """``wanted``, or with a number behind it; names differ by more than upper and lower case."""
    taken, name, number = {each.casefold() for each in names}, wanted, 2
    while name.casefold() in taken:
        suffix = f" {number}"
        name, number = wanted[: _NAME_CHARACTERS - len(suffix)] + suffix, number + 1
    return name


class _Formats:
    """How cells look; each look exists once in a workbook."""

    def __init__(self, book: Workbook) -> None:
        self.title = book.add_format({"bold": True, "font_size": 14})
        self.head = book.add_format(
            {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": "#EEF2F1"}
        )
        self.words = book.add_format({"text_wrap": True, "valign": "top"})
        # Without it, a text that begins with = becomes a formula when somebody edits its cell.
        self.quoted = book.add_format({"text_wrap": True, "valign": "top", "quote_prefix": True})
        self.missing = book.add_format({"italic": True, "font_color": "#5B6768", "valign": "top"})
        self.number = cache(lambda shown: book.add_format({"num_format": shown, "valign": "top"}))


class _Sheet:
    """A worksheet that is written from top to bottom."""

    def __init__(self, sheet: Worksheet, formats: _Formats) -> None:
        self._sheet = sheet
        self._formats = formats
        self._row = 0
        self._widths: dict[int, int] = {}

    def write(self, section: Section) -> None:
        self._line(section.title, self._formats.title)
        for note in section.notes:
            self._line(note, self._formats.quoted if begins_a_formula(note) else None)
        for table in section.tables:
            self._table(table, is_only=len(section.tables) == 1)
        for column, width in self._widths.items():
            self._sheet.set_column(column, column, width)
        self._sheet.set_paper(9)  # A4
        self._sheet.set_landscape()
        self._sheet.fit_to_pages(1, 0)

    def _line(self, text: str, look: Format | None) -> None:
        self._sheet.write_string(self._row, 0, text[:_MOST_CHARACTERS], look)
        self._row += 1

    def _table(self, table: Table, *, is_only: bool) -> None:
        self._row += 1
        if not is_only:
            self._line(table.title, self._formats.title)
        for column, title in enumerate(headings(table)):
            self._sheet.write_string(self._row, column, title, self._formats.head)
            self._widen(column, title)
        self._row += 1
        if is_only:
            self._sheet.freeze_panes(self._row, 1)
            self._sheet.repeat_rows(self._row - 1)
        for cells in table.rows:
            for column, cell in enumerate(cells):
                self._cell(table, column, cell)
            self._row += 1

    def _cell(self, table: Table, column: int, cell: Cell) -> None:
        if isinstance(cell, Text | Missing):
            self._text(column, cell)
            return
        shown = cell.value if isinstance(cell, Whole) else float(plain(cell.value))
        look = self._formats.number(_shown(table, column, cell))
        self._sheet.write_number(self._row, column, shown, look)

    def _text(self, column: int, cell: Text | Missing) -> None:
        text = (cell.words if isinstance(cell, Missing) else cell.text)[:_MOST_CHARACTERS]
        if not text:
            return
        look = self._formats.missing if isinstance(cell, Missing) else self._formats.words
        look = self._formats.quoted if begins_a_formula(text) else look
        self._sheet.write_string(self._row, column, text, look)
        self._widen(column, text)

    def _widen(self, column: int, text: str) -> None:
        wanted = max(_NARROWEST, min(_WIDEST, _breadth(text) + 2))
        self._widths[column] = max(self._widths.get(column, 0), wanted)


def headings(table: Table) -> Iterator[str]:
    """The titles of the columns, with the unit of those that have one."""
    for column, title in enumerate(table.columns):
        unit = table.unit_of(column)
        yield f"{title} ({unit})" if unit and unit not in title else title


def _shown(table: Table, column: int, cell: Number | Share | Whole) -> str:
    """The number format: as many decimals as the column's largest number leaves room for."""
    match cell:
        case Whole():
            return "0"
        case Share():
            return "0.0%"
        case Number():
            form = "#,##0" + _decimals(table.largest(column))
            form = form if table.unit_of(column) else form + f'" {_quotable(cell.unit)}"'
            return f'"{AT_LEAST} "{form}' if cell.at_least else form


def _decimals(largest: float) -> str:
    places = 6 if largest == 0 else 5 - math.floor(math.log10(largest))
    places = max(0, min(places, 9))
    return "." + places * "0" if places else ""


def _quotable(unit: str) -> str:
    return unit.replace('"', "”")


def _breadth(text: str) -> int:
    """How wide the longest line is; a Chinese character is as wide as two letters."""
    lines = text.splitlines() or [""]
    return max(sum(2 if ord(each) > 0x2E7F else 1 for each in line) for line in lines)
