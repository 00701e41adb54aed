"""How cells are written where programs read them: numbers in plain decimals, texts as texts.

A spreadsheet takes a text that begins like a formula for one, whoever wrote it: names in a report
are those that enterprises gave themselves. Such a text is led by an apostrophe, and so is one that
begins with an apostrophe, so that `unguarded` gives back what was meant.
"""

from __future__ import annotations

from typing import Final

from api.figures.numbers import plain
from api.reports.document import Cell, Missing, Number, Share, Text, Whole

AT_LEAST: Final = "≥"
_BEGINS_A_FORMULA: Final = tuple("=+-@＝＋－＠")
"""Those of full width are taken for the others where Chinese and Japanese are typed."""
_GUARD: Final = "'"


def written(cell: Cell) -> str:
    """A cell as plain text: up to 12 significant digits, no unit, no separators, no mark."""
    match cell:
        case Number() | Share():
            return plain(cell.value)
        case Whole():
            return str(cell.value)
        case Missing():
            return guarded(cell.words)
        case Text():
            return guarded(cell.text)


def begins_a_formula(text: str) -> bool:
    """Whether a spreadsheet may calculate a text. Blanks before it are no protection."""
    return text.lstrip().startswith(_BEGINS_A_FORMULA) or text.startswith(("\t", "\r", "\n"))


def guarded(text: str) -> str:
    """A text that no spreadsheet calculates."""
    return _GUARD + text if begins_a_formula(text) or text.startswith(_GUARD) else text


def unguarded(text: str) -> str:
    """What was meant by a guarded text."""
    return text.removeprefix(_GUARD)
