"""One row of a table: its cells as the ledger reads them, and what is wrong with them.

A code in a cell means an entity of the files or one that stands in the log.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

from api.columns import NONE, Sheet
from api.errors import AmountRefused, CodeUnknown, NumberRefused, PeriodRefused
from api.importing.wanted import Books, Problem, entity_id
from api.sheets import Row
from ledger import units
from ledger.errors import CatchmentError, StatementMalformed
from ledger.schema import load
from ledger.statements import Period

T = TypeVar("T")

_AMOUNT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_PERIOD = re.compile(
    r"(?P<year>\d{4})(?:-?[Qq](?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2]))?", re.ASCII
)


class Known:
    """What codes in the files can mean: entities of the files and entities that stand."""

    def __init__(self, books: Callable[[str], Books]) -> None:
        self.books = books
        self._announced: dict[tuple[str, str], Cells] = {}

    def announce(self, sheet: Sheet, cells: Cells) -> None:
        code = cells.row.cells.get("code")
        if code and cells.enterprise:
            self._announced[sheet.kind, entity_id(cells.enterprise, sheet.kind, code)] = cells

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

    def __init__(self, sheet: Sheet, row: Row, enterprise: str | None, known: Known) -> None:
        self.sheet, self.row, self.known = sheet, row, known
        self.problems: list[Problem] = []
        self.enterprise = self._enterprise(enterprise)
        for column, sentence in row.errors.items():
            self.refuse(column, sentence)
        for column in sheet.required:
            if column not in row.cells and column not in row.errors:
                self.refuse(column, "This cell must not be empty.")

    @property
    def where(self) -> str:
        return f"{self.sheet.name}!{self.row.number}"

    @property
    def sound(self) -> bool:
        return not self.problems

    def refuse(self, column: str, sentence: str, **params: object) -> None:
        self.problems.append(Problem(f"{self.where} {column}".rstrip(), sentence, params))

    def refuse_for(self, column: str, refused: CatchmentError) -> None:
        where = f"{self.where} {column}"
        self.problems.append(Problem(where, refused.sentence, refused.params, refused.advice))

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


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _column_of(path: str, columns: Mapping[str, str]) -> str:
    """The column behind a JSON path; longer paths are named before shorter ones."""
    return next((column for prefix, column in columns.items() if path.startswith(prefix)), "")


Rows: TypeAlias = Sequence[Cells]


def says_none(cells: Cells, column: str, group: Rows) -> bool:
    """Whether the row says that there are no lines; it then stands alone."""
    if str(cells.get(column)).lower() != NONE:
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


def whole(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise NumberRefused(text=text, least=least, most=most)
        if not least <= int(text) <= most:
            raise NumberRefused(text=text, least=least, most=most)
        return int(text)

    return parse
