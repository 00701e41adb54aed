"""Reports before anybody has decided how they look: sections of titled tables with typed cells.

A cell knows what it holds, so that a spreadsheet gets numbers, a page gets tonnes, and nothing that
is unknown becomes a zero or an empty field on the way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

KG: Final = "kg CO2e"


@dataclass(frozen=True, slots=True)
class Text:
    """Words as they are."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """An amount in ``unit``; ``at_least``: all that is known of it, and the amount is no less."""

    value: float
    unit: str = KG
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole: 1 is all of it."""

    value: float


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number that counts or numbers something, such as an entry of the log."""

    value: int


@dataclass(frozen=True, slots=True)
class Missing:
    """What stands where nothing is known, or nothing may be shown: said in words, never zero."""

    words: str


Cell: TypeAlias = Text | Number | Share | Whole | Missing
Row: TypeAlias = tuple[Cell, ...]

EMPTY: Final = Text("")
"""Where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as wide as there are ``columns``; the first cell of a row names it.

    Raises ValueError for a row of another width.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"a row of “{self.title}” is not as wide as its head")

    def unit_of(self, column: int) -> str:
        """The unit of all amounts in a column; empty where there are none, or of several units."""
        cells = (row[column] for row in self.rows)
        units = {cell.unit for cell in cells if isinstance(cell, Number)}
        return units.pop() if len(units) == 1 else ""

    def largest(self, column: int) -> float:
        """The size of the largest amount in a column; zero where there is none."""
        cells = (row[column] for row in self.rows)
        return max((abs(cell.value) for cell in cells if isinstance(cell, Number)), default=0.0)


@dataclass(frozen=True, slots=True)
class Section:
    """What belongs together under one heading; ``notes`` are sentences about it."""

    title: str
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A report in one language. ``name`` is what it is of; the first section says which answer."""

    title: str
    name: str
    year: int
    gwp: str
    language: str
    sections: tuple[Section, ...]

    def tables(self) -> Iterator[tuple[Section, Table]]:
        """Every table with its section, in order."""
        for section in self.sections:
            for table in section.tables:
                yield section, table
