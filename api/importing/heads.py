"""Which sheet a table is, and which of its columns are which, in either language."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from api.importing import chinese
from api.importing.columns import NOTES, SHEETS, Sheet
from api.importing.sheets import Row, Table
from api.importing.wanted import Problem

_NAMED = {name: sheet for sheet in SHEETS.values() for name in (sheet.name, sheet.zh)}
_NOTES = {*NOTES, *(chinese.SHEETS[name] for name in NOTES)}


@dataclass(frozen=True, slots=True)
class Headed:
    """A table whose columns are known.

    ``name`` and ``heads`` are how the file spells its sheet and columns, so that people find what
    is told of them; a column without a cell may be missing in ``heads``.
    """

    sheet: Sheet
    name: str
    heads: Mapping[str, str]
    rows: tuple[Row, ...]

    def spelt(self, column: str) -> str:
        return self.heads.get(column, column)


def headed(table: Table) -> Headed | list[Problem]:
    """The table by the names of columns here, or what is wrong with its name or heads.

    Notes of the empty workbook are neither: there is nothing wrong with them, nothing is read.
    """
    name = table.name.strip().lower()
    if name in _NOTES:
        return []
    sheet = _NAMED.get(name)
    if sheet is None:
        known = (each.name if name.isascii() else each.zh for each in SHEETS.values())
        return [Problem(table.name, "There is no sheet of this name; the sheets are %(known)s. For "
                        "a CSV file there is --type.", {"known": ", ".join(known)})]  # fmt: skip
    meant = {head: column.name for column in sheet.columns for head in (column.name, column.zh)}
    problems = list(_flaws(table, name, sheet, meant))
    heads = {meant[head]: head for head in table.columns if head in meant}
    return problems or Headed(sheet, name, MappingProxyType(heads), _renamed(table, meant))


def _renamed(table: Table, meant: Mapping[str, str]) -> tuple[Row, ...]:
    if all(meant.get(head, head) == head for head in table.columns):
        return table.rows
    return tuple(
        Row(
            row.number,
            {meant[head]: cell for head, cell in row.cells.items()},
            {meant[head]: flaw for head, flaw in row.errors.items()},
        )
        for row in table.rows
    )


def _flaws(table: Table, name: str, sheet: Sheet, meant: Mapping[str, str]) -> Iterator[Problem]:
    seen = dict[str, str]()
    for head in filter(None, table.columns):
        place = f"{name}!1 {head}"
        if head not in meant:
            close = difflib.get_close_matches(head, meant, 1) or sheet.names
            yield Problem(place, "There is no such column; known: %(known)s.",
                          {"known": ", ".join(close)})  # fmt: skip
        elif (other := seen.setdefault(meant[head], head)) != head:
            yield Problem(place, "The column %(other)s is the same.", {"other": other})
    for column in sheet.required:
        if column not in seen:
            yield Problem(f"{name}!1 {column}", "This column is missing.")
