"""Rule tables from CSV and XLSX files: a line for each item, and what is wrong with each line.

The columns are the members of an item (``COLUMNS``); what is said of the system as a whole is told
beside the table. Types of parks are those that the lines name, in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from api.errors import IndicatorTableRefused
from api.importing.sheets import Row, Table
from api.importing.wanted import Problem
from ledger.errors import StatementMalformed
from ledger.schema import dump, load
from ledger.statements import Indicator, Indicators

COLUMNS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id": "id",
        "title": "title",
        "title_zh": "titleZh",
        "class": "class",
        "quantity": "quantity",
        "per": "per",
        "operator": "operator",
        "threshold": "threshold",
        "weight": "weight",
        "when": "when",
        "at_least": "atLeast",
        "below": "below",
        "park_type": "parkType",
        "source": "source",
    }
)
"""Column -> member of an item."""
_SIGNS: Final = ("=", "==", "=<", "=>")
NEEDED: Final = ("id", "title", "class", "quantity", "operator", "threshold")


@dataclass(frozen=True, slots=True)
class About:
    """What is said of a system as a whole; marks and caps as they are written."""

    name: str
    version: str
    title: str
    publisher: str
    source: str
    title_zh: str | None = None
    pass_mark: str | None = None
    bonus_cap: str | None = None


@dataclass
class Reading:
    """What a table says, line by line, and what is wrong with it."""

    lines: int
    items: list[tuple[int, Indicator]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read(table: Table) -> Reading:
    """The items of a table. Raises IndicatorTableRefused for one that is no rule table.

    A bad line raises nothing: see ``problems``.
    """
    if missing := [name for name in NEEDED if name not in table.columns]:
        raise IndicatorTableRefused(reason=f"it has no column {missing[0]}")
    if unknown := [name for name in table.columns if name not in COLUMNS]:
        raise IndicatorTableRefused(reason=f"nothing is called {unknown[0]} in a rule table")
    reading = Reading(len(table.rows))
    for row in table.rows:
        _read_line(row, reading)
    return reading


def _read_line(row: Row, reading: Reading) -> None:
    unread = {column: flaw for column, flaw in row.errors.items() if not _is_misspelt(row, column)}
    found = [Problem(_place(row.number, column), flaw) for column, flaw in unread.items()]
    try:
        said = {COLUMNS[column]: text for column, text in row.cells.items()}
        item = load(Indicator, said)
    except StatementMalformed as refused:
        named = {each.where for each in found}
        found += [each for each in _flaws(refused, row.number) if each.where not in named]
    else:
        reading.items += [] if found else [(row.number, item)]
    reading.problems += found


def _is_misspelt(row: Row, column: str) -> bool:
    """Whether what looks like a formula is an operator, which the rules of an item then name."""
    return column == "operator" and row.cells.get(column) in _SIGNS


def _flaws(refused: StatementMalformed, line: int) -> list[Problem]:
    """One for each rule that is broken; ``path`` ends in a member of the item."""
    columns = {member: column for column, member in COLUMNS.items()}
    found = []
    for path, sentence in refused.problems:
        member = path.rpartition("/")[2]
        where = _place(line, columns.get(member, member))
        found.append(Problem(where, sentence.replace("%", "%%")))
    return found


def _place(line: int, column: str) -> str:
    return f"line {line} {column}".rstrip()


def system_of(reading: Reading, about: About) -> Indicators | None:
    """The system; ``None`` where a line is refused, which ``problems`` names.

    Raises StatementMalformed for what is wrong with ``about``.
    """
    if reading.problems:
        return None
    try:
        return load(Indicators, _said(reading, about))
    except StatementMalformed as refused:
        reading.problems += _of_lines(refused, reading)
        if not reading.problems:
            raise
        return None


def _said(reading: Reading, about: About) -> dict[str, Any]:
    items = [item for _, item in reading.items]
    types = dict.fromkeys(item.park_type for item in items if item.park_type is not None)
    said = {
        "name": about.name,
        "version": about.version,
        "title": about.title,
        "titleZh": about.title_zh,
        "publisher": about.publisher,
        "source": about.source,
        "passMark": about.pass_mark,
        "bonusCap": about.bonus_cap,
        "parkTypes": list(types),
        "items": [dump(item) for item in items],
    }
    return {name: value for name, value in said.items() if value not in (None, [])}


def _of_lines(refused: StatementMalformed, reading: Reading) -> list[Problem]:
    """What is wrong with an item beside others, at its line."""
    found = []
    for path, sentence in refused.problems:
        _, *names = path.split("/")
        if names[0] == "items" and len(names) > 1 and names[1].isdecimal():
            line, _ = reading.items[int(names[1])]
            found += _flaws(StatementMalformed("", ((path, sentence),)), line)
    return found
