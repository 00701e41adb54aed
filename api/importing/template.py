"""The empty workbook that suppliers fill in: one sheet per kind of statement, with hints.

It is in English or in Chinese; either is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from api.importing import chinese
from api.importing.columns import SHEETS, Column, Sheet
from ledger.units import UNITS

ROWS_WITH_HINTS: Final = 2000

_EXCEL_LIST_CHARACTERS = 255
_WIDTH = 16
_TEXTS = ("code", "serial", "meter", "division")
"""Columns of digits that are no numbers: a spreadsheet keeps 15 of them and drops leading zeros."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How a workbook speaks: in ``language``, with meanings as ``told`` says them."""

    language: str = "en"
    told: Callable[[str], str] = str

    @property
    def is_chinese(self) -> bool:
        return self.language == "zh"

    def sheet(self, name: str) -> str:
        return chinese.SHEETS[name] if self.is_chinese else name

    def head(self, column: str) -> str:
        return chinese.COLUMNS[column] if self.is_chinese else column

    def choices(self, column: Column) -> list[str]:
        return [self._choice(each) for each in column.choices]

    def _choice(self, choice: str) -> str:
        if not self.is_chinese:
            return choice
        return chinese.FUELS.get(choice) or chinese.WORDS.get(choice, (choice,))[0]


def write_template(path: Path, wording: Wording | None = None) -> None:
    """Write the workbook: `api.importing.sheets.read_file` finds every column in it and no row."""
    words = wording or Wording()
    # Texts stay texts: a cell that begins with = must never become a formula.
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        lists = _Lists(words)
        for sheet in SHEETS.values():
            _write_sheet(book, sheet, words, lists)
        _write_columns(book, words)
        lists.write(book)


def described() -> Iterator[tuple[Sheet, Column]]:
    """Every sheet and column, in order."""
    for sheet in SHEETS.values():
        for column in sheet.columns:
            yield sheet, column


def _write_sheet(book: Workbook, sheet: Sheet, words: Wording, lists: _Lists) -> None:
    page = book.add_worksheet(words.sheet(sheet.name))
    header = book.add_format({"bold": True, "bottom": 1})
    required = book.add_format({"bold": True, "bottom": 1, "bg_color": "#FFF2CC"})
    texts = book.add_format({"num_format": "@"})
    for place, column in enumerate(sheet.columns):
        page.set_column(place, place, _WIDTH, texts if column.name in _TEXTS else None)
        page.write_string(
            0, place, words.head(column.name), required if column.required else header
        )
        page.write_comment(0, place, words.told(column.doc), {"x_scale": 2})
        _offer(page, place, column, lists)
    page.freeze_panes(1, 0)


def _offer(page: Worksheet, place: int, column: Column, lists: _Lists) -> None:
    if not column.choices:
        return
    # A hint, not a rule: words such as kg and 千瓦时 are read as well.
    page.data_validation(
        1,
        place,
        ROWS_WITH_HINTS,
        place,
        {"validate": "list", "source": lists.source(column), "show_error": False},
    )


class _Lists:
    """The sheet of units, and of choices too long for a drop-down of their own."""

    def __init__(self, words: Wording) -> None:
        self._words = words
        self._name = words.sheet("lists")
        units = list(UNITS.values())
        self._columns: list[Sequence[str]] = [
            [words.head("unit"), *(unit.code for unit in units)],
            [words.head("kind"), *(unit.dimension for unit in units)],
        ]

    def source(self, column: Column) -> list[str] | str:
        choices = self._words.choices(column)
        if len(",".join(choices)) <= _EXCEL_LIST_CHARACTERS:
            return choices
        self._columns.append([self._words.head(column.name), *choices])
        letter = xl_col_to_name(len(self._columns) - 1)
        return f"={self._name}!${letter}$2:${letter}${len(choices) + 1}"

    def write(self, book: Workbook) -> None:
        _write_table(book, self._name, self._columns)


def _write_columns(book: Workbook, words: Wording) -> None:
    heads = map(words.told, ("Sheet", "Column", "Required", "Meaning"))
    rows = [
        (
            words.sheet(sheet.name),
            words.head(column.name),
            words.told("yes") if column.required else "",
            words.told(column.doc),
        )
        for sheet, column in described()
    ]
    columns = [[head, *cells] for head, cells in zip(heads, zip(*rows, strict=True), strict=True)]
    page = _write_table(book, words.sheet("columns"), columns)
    page.set_column(3, 3, 5 * _WIDTH)


def _write_table(book: Workbook, name: str, columns: Sequence[Sequence[str]]) -> Worksheet:
    page: Any = book.add_worksheet(name)
    header = book.add_format({"bold": True, "bottom": 1})
    for place, cells in enumerate(columns):
        page.write_string(0, place, cells[0], header)
        for number, cell in enumerate(cells[1:], 1):
            page.write_string(number, place, cell)
    page.set_column(0, len(columns) - 1, _WIDTH)
    return page
