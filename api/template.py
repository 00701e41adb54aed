"""The empty workbook that suppliers fill in: one sheet per kind of statement, with hints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from api.columns import SHEETS, Column, Sheet
from ledger.units import UNITS

ROWS_WITH_HINTS: Final = 2000

_EXCEL_LIST_CHARACTERS = 255
_WIDTH = 16


def write_template(path: Path) -> None:
    """Write the workbook. What `api.sheets.read_file` reads of it is every column and no row."""
    # Texts stay texts: a cell that begins with = must never become a formula.
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        header = book.add_format({"bold": True, "bottom": 1})
        required = book.add_format({"bold": True, "bottom": 1, "bg_color": "#FFF2CC"})
        for sheet in SHEETS.values():
            page = book.add_worksheet(sheet.name)
            for place, column in enumerate(sheet.columns):
                page.write_string(0, place, column.name, required if column.required else header)
                _hint(page, place, column)
            page.freeze_panes(1, 0)
            page.set_column(0, len(sheet.columns) - 1, _WIDTH)
        _write_columns(book, header)
        _write_lists(book, header)


def described() -> Iterator[tuple[Sheet, Column]]:
    """Every sheet and column, in order."""
    for sheet in SHEETS.values():
        for column in sheet.columns:
            yield sheet, column


def _hint(page: Worksheet, place: int, column: Column) -> None:
    page.write_comment(0, place, column.doc, {"x_scale": 2})
    choices = list(column.choices)
    if not choices or len(",".join(choices)) > _EXCEL_LIST_CHARACTERS:
        return
    # A hint, not a rule: words such as kg and 千瓦时 are read as well.
    page.data_validation(
        1,
        place,
        ROWS_WITH_HINTS,
        place,
        {"validate": "list", "source": choices, "show_error": False},
    )


def _write_columns(book: Workbook, header: object) -> None:
    page = book.add_worksheet("columns")
    rows = [("sheet", "column", "required", "meaning")]
    rows += [(s.name, c.name, "yes" if c.required else "", c.doc) for s, c in described()]
    for number, row in enumerate(rows):
        for place, text in enumerate(row):
            page.write_string(number, place, text, header if number == 0 else None)
    page.set_column(0, 2, _WIDTH)
    page.set_column(3, 3, 5 * _WIDTH)


def _write_lists(book: Workbook, header: object) -> None:
    page = book.add_worksheet("lists")
    rows = [("unit", "kind"), *((unit.code, unit.dimension) for unit in UNITS.values())]
    for number, (code, dimension) in enumerate(rows):
        page.write_string(number, 0, code, header if number == 0 else None)
        page.write_string(number, 1, dimension, header if number == 0 else None)
