"""A report as one page to read, to keep, and to print on A4: nothing is fetched from elsewhere.

Its style stands in the page, so that a copy on a disk looks the same; the policy under which it is
served names that style by its hash and allows no other, and no script.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from flask import render_template

from api.figures.numbers import compact, percent, places_for, tonnes
from api.reports.cells import AT_LEAST
from api.reports.document import (
    EMPTY,
    KG,
    Cell,
    Document,
    Missing,
    Number,
    Row,
    Section,
    Share,
    Table,
    Text,
    Whole,
)
from ledger import strict_base64

MEDIA_TYPE: Final = "text/html; charset=utf-8"
TONNES: Final = "t CO2e"
MOST_COLUMNS: Final = 7
"""Of a table that is printed in the usual size."""
LONGEST_WORD: Final = 20
"""In characters; what is longer may break where it must."""
_STYLE: Final = Path(__file__).parents[1] / "templates" / "report.css"


@dataclass(frozen=True, slots=True)
class _Shown:
    """Words in a cell, and the class that says how they look."""

    words: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class _ShownTable:
    """``unit`` is that of every amount, where they have one in common."""

    title: str
    unit: str
    heads: tuple[_Shown, ...]
    rows: tuple[tuple[_Shown, ...], ...]
    is_wide: bool


@dataclass(frozen=True, slots=True)
class _ShownSection:
    title: str
    notes: tuple[str, ...]
    tables: tuple[_ShownTable, ...]


def write(document: Document) -> bytes:
    """The page, in an application context, whose language it speaks."""
    sections = [_section(section) for section in document.sections]
    return render_template("report.html", document=document, sections=sections).encode("utf-8")


@cache
def policy() -> str:
    """The content security policy of the page: its style, and nothing else."""
    # The template includes the file as every template is: without the line end at its end.
    style = _STYLE.read_bytes().removesuffix(b"\n")
    digest = strict_base64.to_standard(hashlib.sha256(style).digest())
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def _section(section: Section) -> _ShownSection:
    return _ShownSection(section.title, section.notes, tuple(map(_table, section.tables)))


def _table(table: Table) -> _ShownTable:
    units = {cell.unit for row in table.rows for cell in row if isinstance(cell, Number)}
    unit = _unit(units.pop()) if len(units) == 1 else ""
    rows = tuple(tuple(_cells(table, row)) for row in table.rows)
    is_wide = len(table.columns) > MOST_COLUMNS
    return _ShownTable(table.title, unit, tuple(_heads(table, unit)), rows, is_wide)


def _unit(unit: str) -> str:
    return TONNES if unit == KG else unit


def _heads(table: Table, common: str) -> Iterator[_Shown]:
    for column, title in enumerate(table.columns):
        unit = "" if common else _unit(table.unit_of(column))
        kind = "number" if _is_measured(table, column) else ""
        yield _Shown(f"{title} ({unit})" if unit else title, kind)


def _is_measured(table: Table, column: int) -> bool:
    """Whether a column holds numbers, and no words but those for what is missing."""
    cells = [row[column] for row in table.rows if row[column] != EMPTY]
    return any(not isinstance(each, Missing) for each in cells) and not any(
        isinstance(each, Text) for each in cells
    )


def _cells(table: Table, row: Row) -> Iterator[_Shown]:
    places = places_for(_largest(table))
    for column, cell in enumerate(row):
        shown = _cell(cell, places, has_unit_in_head=bool(table.unit_of(column)))
        kind = f"number {shown.kind}".rstrip() if _is_measured(table, column) else shown.kind
        yield _Shown(shown.words, kind)


def _largest(table: Table) -> float:
    """The largest amount of CO2e in a table, in kg: one number of decimals for all of them."""
    amounts = (cell for row in table.rows for cell in row if isinstance(cell, Number))
    return max((abs(cell.value) for cell in amounts if cell.unit == KG), default=0.0)


def _cell(cell: Cell, places: int, *, has_unit_in_head: bool) -> _Shown:
    match cell:
        case Number():
            unit = "" if has_unit_in_head else f" {_unit(cell.unit)}"
            sign = f"{AT_LEAST} " if cell.at_least else ""
            return _Shown(sign + _amount(cell, places) + unit, "bound" if cell.at_least else "")
        case Share():
            return _Shown(percent(cell.value))
        case Whole():
            return _Shown(f"{cell.value:,}")
        case Missing():
            return _Shown(cell.words, "missing")
        case Text():
            return _Shown(cell.text, _kind_of(cell.text))


def _kind_of(text: str) -> str:
    """Several lines stay lines; a word that is no word, such as a digest, may break anywhere."""
    if "\n" in text:
        return "lines"
    return "long" if any(len(word) > LONGEST_WORD for word in text.split()) else ""


def _amount(number: Number, places: int) -> str:
    """What is not zero is not shown as zero, however small it is beside the others."""
    if number.unit != KG:
        return compact(number.value).replace("-", "−")
    told = tonnes(number.value, places)
    if number.value and not told.strip("0.,"):
        return f"≈ {told}"
    return told.replace("-", "−")
