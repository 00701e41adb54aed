"""One row of a table: its cells as the ledger reads them, and what is wrong with them.

A code in a cell means an entity of the files or one that stands in the log.
"""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any, TypeAlias, TypeVar

from api.errors import AmountRefused, CodeUnknown, NumberRefused, PeriodRefused, WordUnknown
from api.importing import chinese
from api.importing.columns import NONE, SHEETS
from api.importing.heads import Headed
from api.importing.sheets import Row
from api.importing.wanted import Books, Problem, entity_id
from ledger import units
from ledger.errors import CatchmentError, StatementMalformed
from ledger.schema import load
from ledger.statements import Period, Periodic

T = TypeVar("T")

_NONE = (NONE, *chinese.WORDS[NONE])
_AMOUNT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_PERIOD = re.compile(
    r"(?P<year>\d{4})(?:-?[Qq](?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2]))?", re.ASCII
)


class Known:
    """What codes in the files can mean: entities of the files and entities that stand."""

    def __init__(self, books: Callable[[str], Books]) -> None:
        self.books = books
        self._announced: dict[tuple[str, str], Cells] = {}
        self._periodic: dict[str, dict[_Span, list[Periodic]]] = {}

    def announce(self, cells: Cells) -> None:
        code, kind = cells.get("code"), cells.sheet.kind
        if code and cells.enterprise:
            self._announced[kind, entity_id(cells.enterprise, kind, code)] = cells

    def stated(
        self, enterprise: str, kind: type[Periodic], about: tuple[str, ...], period: Period
    ) -> list[Periodic]:
        """What stands of exactly this period, the parts in order."""
        if enterprise not in self._periodic:
            self._periodic[enterprise] = _by_span(self.books(enterprise))
        return self._periodic[enterprise].get((kind, about, period), [])

    def has(self, enterprise: str, kind: str, entity: str) -> bool:
        return (kind, entity) in self._announced or f"{kind}|{entity}" in self.books(enterprise)

    def cell(self, enterprise: str, kind: str, entity: str, column: str) -> str:
        """What the file, or else the log, says of an entity; empty when neither does."""
        if announced := self._announced.get((kind, entity)):
            return announced.row.cells.get(column, "")
        if stands := self.books(enterprise).get(f"{kind}|{entity}"):
            value = getattr(stands.body, column)
            return format(value, "f") if isinstance(value, Decimal) else str(value or "")
        return ""


class Cells:
    """One row: reads cells, and collects what is wrong with them."""

    def __init__(self, table: Headed, row: Row, enterprise: str | None, known: Known) -> None:
        self.table, self.row, self.known = table, row, known
        self.sheet = table.sheet
        self.problems: list[Problem] = []
        self.enterprise = self._enterprise(enterprise)
        for column, sentence in row.errors.items():
            self.refuse(column, sentence)
        for column in self.sheet.required:
            if column not in row.cells and column not in row.errors:
                self.refuse(column, "This cell must not be empty.")

    @property
    def where(self) -> str:
        return f"{self.table.name}!{self.row.number}"

    @property
    def sound(self) -> bool:
        return not self.problems

    def refuse(self, column: str, sentence: str, **params: object) -> None:
        self.problems.append(Problem(self._at(column), sentence, params))

    def refuse_for(self, column: str, refused: CatchmentError) -> None:
        told = refused.sentence, refused.params, refused.advice
        self.problems.append(Problem(self._at(column), *told))

    def get(self, column: str) -> str | None:
        return self.row.cells.get(column)

    def words(self, column: str) -> list[str]:
        return self.row.cells.get(column, "").replace(";", " ").split()

    def read(self, column: str, parse: Callable[[str], T]) -> T | None:
        """A cell through a parser of the ledger; None, and a problem, where it refuses."""
        text = self.get(column)
        if text is None:
            return None
        try:
            return parse(text)
        except CatchmentError as refused:
            self.refuse_for(column, refused)
        return None

    def amount(self, column: str) -> str | None:
        return self.read(column, plain_amount)

    def unit(self, column: str) -> str | None:
        return self.read(column, units.from_alias)

    def quantity(self, amount: str = "amount", unit: str = "unit") -> tuple[str | None, str | None]:
        """An amount and the code of its unit, of which ``万Nm3`` is ten thousand."""
        number, many = self.amount(amount), self.read(unit, units.multiple)
        if many is None:
            return number, None
        if number is None or many.count == 1:
            return number, many.code
        return format(many.singly(Decimal(number)), "f"), many.code

    def word(self, column: str) -> str | None:
        """One of the column's choices, in either language."""
        choices = words_of(self.sheet.name, column)
        return self.read(column, lambda text: _chosen(text, choices))

    def term(self, column: str) -> str | None:
        """As `word`, where other texts are as good: they stay as they are."""
        text = self.get(column)
        return text and words_of(self.sheet.name, column).get(text.lower(), text)

    def period(self) -> Period | None:
        return self.read("period", period_of)

    def own(self, column: str, *kinds: str) -> str | None:
        """The id of an entity of the enterprise, by code or id."""
        return self.read(column, lambda text: self._own(text, kinds))

    def load(
        self, cls: type[T], members: Mapping[str, Any], columns: Mapping[str, str]
    ) -> T | None:
        """Make a declared dataclass; ``columns`` says which column a JSON path came from."""
        if not self.sound:
            return None
        present = {name: value for name, value in members.items() if value not in (None, "", [])}
        try:
            return load(cls, present)
        except StatementMalformed as refused:
            for path, sentence in refused.problems:
                self.refuse(_column_of(path, columns), sentence.replace("%", "%%"))
        return None

    def _at(self, column: str) -> str:
        return f"{self.where} {self.table.spelt(column)}".rstrip()

    def _enterprise(self, default: str | None) -> str | None:
        named = self.row.cells.get("enterprise")
        if named is None:
            if default is None:
                self.refuse("enterprise", "Name the enterprise that this row speaks for.")
            return default
        if default is not None and named != default:
            self.refuse("enterprise", "The key speaks for %(own)s.", own=default)
            return None
        if not _is_id(named):
            self.refuse("enterprise", "The id of an enterprise is expected.")
            return None
        return named

    def _own(self, text: str, kinds: Sequence[str]) -> str:
        if _is_id(text):
            return text
        enterprise = str(self.enterprise)
        for kind in kinds:
            entity = entity_id(enterprise, kind, text)
            if self.known.has(enterprise, kind, entity):
                return entity
        raise CodeUnknown(kinds=" or ".join(kinds), text=text)


_Span: TypeAlias = tuple[type[Periodic], tuple[str, ...], Period]


def _by_span(books: Books) -> dict[_Span, list[Periodic]]:
    found: dict[_Span, list[Periodic]] = defaultdict(list)
    for stands in books.values():
        if isinstance(body := stands.body, Periodic):
            found[type(body), body.about, body.period].append(body)
    for parts in found.values():
        parts.sort(key=lambda body: body.part.k)
    return dict(found)


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _column_of(path: str, columns: Mapping[str, str]) -> str:
    """The column behind a JSON path; longer paths are named before shorter ones."""
    return next((column for prefix, column in columns.items() if path.startswith(prefix)), "")


def same(*columns: str) -> dict[str, str]:
    """JSON paths of members that are called as their columns are."""
    return {f"/{name}": name for name in columns}


Rows: TypeAlias = Sequence[Cells]


def says_none(cells: Cells, column: str, group: Rows) -> bool:
    """Whether the row says that there are no lines; it then stands alone."""
    if str(cells.get(column)).lower() not in _NONE:
        return False
    if len(group) > 1:
        cells.refuse(column, "“none” stands alone, but there are other lines.")
    return True


# --- Texts of cells ------------------------------------------------------------------------


def plain_amount(text: str) -> str:
    """An amount as typed; raises AmountRefused, also for separators: readers differ on those."""
    if not _AMOUNT.fullmatch(text):
        raise AmountRefused(text=text)
    return text


def period_of(text: str) -> Period:
    """A period of days or by name; raises PeriodRefused.

    ``2025``, ``2025-Q3``, ``2025-07``, or days ``2025-01-01/2025-07-01``, the last excluded.
    """
    start, _, end = text.partition("/") if "/" in text else _named_period(text)
    try:
        return load(Period, {"start": start.strip(), "end": end.strip()})
    except StatementMalformed:
        raise PeriodRefused(text=text) from None


def _named_period(text: str) -> tuple[str, str, str]:
    match = _PERIOD.fullmatch(text)
    if match is None:
        raise PeriodRefused(text=text)
    year, first, months = int(match["year"]), 1, 12
    if match["quarter"]:
        first, months = 3 * int(match["quarter"]) - 2, 3
    elif match["month"]:
        first, months = int(match["month"]), 1
    after = first + months
    end = f"{year + 1:04}-01-01" if after > 12 else f"{year:04}-{after:02}-01"
    return f"{year:04}-{first:02}-01", "/", end


@cache
def words_of(sheet: str, column: str) -> Mapping[str, str]:
    """What may be written for a column's choices -> the choice; in lower case."""
    (found,) = (each for each in SHEETS[sheet].columns if each.name == column)
    return {
        word.lower(): choice
        for choice in found.choices
        for word in (choice, *chinese.WORDS.get(choice, ()))
    }


def _chosen(text: str, choices: Mapping[str, str]) -> str:
    choice = choices.get(text.lower())
    if choice is None:
        # Told in the language of the cell.
        known = dict.fromkeys(choices.values())
        words = known if text.isascii() else (chinese.WORDS[each][0] for each in known)
        raise WordUnknown(text=text, choices=", ".join(words))
    return choice


def whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise NumberRefused(text=text, least=least, most=most)
        if not least <= int(text) <= most:
            raise NumberRefused(text=text, least=least, most=most)
        return int(text)

    return parse
