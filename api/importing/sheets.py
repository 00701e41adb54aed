"""Tables from CSV and XLSX files of people nobody knows; and workbooks written for them.

Every cell is read as text. A number cell of a workbook becomes the shortest plain decimal of at
most 15 significant digits, which is what a spreadsheet keeps and shows; a date becomes
``YYYY-MM-DD``. Nothing is calculated: a formula counts with the value that was saved beside it.

A workbook is a zip of XML, and both can be bombs. Before the spreadsheet library sees anything,

1. the zip directory is read, and sizes, ratios and counts beyond the caps are refused;
2. every part is unpacked in bounded steps, and those that hold XML are repacked into a new zip,
   so that what was checked is what is parsed;
3. every part is scanned for document types and, in sheets, for cells outside the caps: a library
   that lays a sheet out as a rectangle would die of one cell in the last row and column;
4. error values and formulas without a saved value are noted: the library reads them as empty.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final
from xml.parsers import expat

import python_calamine as calamine

from api.errors import TableRefused

MiB: Final = 1024 * 1024
MAX_FILE_BYTES: Final = 16 * MiB
MAX_UNPACKED_BYTES: Final = 64 * MiB
MAX_RATIO: Final = 200
MAX_PARTS: Final = 500
MAX_SHEETS: Final = 40
MAX_ROWS: Final = 100_000
MAX_COLUMNS: Final = 100
MAX_CELLS: Final = 1_000_000
MAX_CELL_CHARACTERS: Final = 10_000

ENCODINGS: Final = ("utf-8-sig", "gb18030")
DELIMITERS: Final = ",;\t"

FLAWS: Final = {
    "formula": "The cell holds a formula; put its value there.",
    "unsaved": "The formula has no saved value; open the file in a spreadsheet and save it.",
    "error": "The cell shows an error; correct its formula.",
}
"""Why a cell has no value that can be used."""

_STEP = 256 * 1024
_SMALL_PART = 64 * 1024  # below this a high ratio is only an empty sheet
_SIGNIFICANT_DIGITS = 15
_FORMULA = "="
_CELL = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)
_XML = (".xml", ".rels")


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is numbered in the file, from 1; empty cells are left out."""

    number: int
    cells: Mapping[str, str]
    errors: Mapping[str, str]
    """Column -> one of `FLAWS`."""


@dataclass(frozen=True, slots=True)
class Table:
    """A sheet: column names from its first filled row, and every filled row below."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def read_file(path: Path, name: str | None = None) -> list[Table]:
    """The tables of a ``.csv`` (one, called ``name`` or as the file is) or ``.xlsx`` file.

    Raises TableRefused.
    """
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise _refused(f"it is larger than {MAX_FILE_BYTES // MiB} MiB")
    if path.suffix.lower() == ".csv":
        return [read_csv(data, name or path.stem)]
    if path.suffix.lower() == ".xlsx":
        return read_xlsx(data)
    raise _refused("only .csv and .xlsx files are read")


def read_csv(data: bytes, name: str) -> Table:
    """One table. UTF-8 with or without a byte order mark, or else GB 18030.

    Comma, semicolon or tab separate, whichever the first line has most of. Raises TableRefused.
    """
    text = _decoded(data)
    first = text.lstrip("\r\n").partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return _table(name, _numbered(reader), {})


def read_xlsx(data: bytes) -> list[Table]:
    """The tables of a workbook, sheet by sheet; empty sheets have none. Raises TableRefused."""
    workbook = _inspected(data)
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(workbook.zip))
        sheets = [book.get_sheet_by_name(name) for name in book.sheet_names[: MAX_SHEETS + 1]]
    except (calamine.CalamineError, calamine.PasswordError) as unread:
        raise _refused("it is not a workbook that can be read") from unread
    if len(sheets) > MAX_SHEETS:
        raise _refused(f"it has more than {MAX_SHEETS} sheets")
    tables = (_sheet_table(sheet, workbook) for sheet in sheets)
    return [table for table in tables if table.columns]


def plain_number(number: float) -> str:
    """A spreadsheet's number in plain decimals: ``0.1 + 0.2`` is ``0.3``, ``1e21`` has no e.

    Spreadsheets keep and show 15 significant digits; digits beyond are noise of binary sums.
    """
    return format(Decimal(format(number, f".{_SIGNIFICANT_DIGITS}g")), "f")


# --- Rows ----------------------------------------------------------------------------------


def _table(
    name: str, rows: Iterator[tuple[int, Sequence[str]]], errors: Mapping[tuple[int, int], str]
) -> Table:
    wrong = {row for row, _ in errors}
    filled = ((n, cells) for n, cells in rows if any(cells) or n in wrong)
    header = next(filled, None)
    if header is None:
        return Table(name, (), ())
    columns = _columns(name, header[1])
    return Table(name, columns, tuple(_row(name, n, cells, columns, errors) for n, cells in filled))


def _columns(name: str, header: Sequence[str]) -> tuple[str, ...]:
    columns = tuple(cell.strip().lower().replace(" ", "_") for cell in header)
    while columns and not columns[-1]:
        columns = columns[:-1]
    if twice := {column for column in columns if column and columns.count(column) > 1}:
        raise _refused(f"the column {min(twice)} comes twice in {name}")
    return columns


def _row(
    name: str,
    number: int,
    cells: Sequence[str],
    columns: tuple[str, ...],
    errors: Mapping[tuple[int, int], str],
) -> Row:
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise _refused(f"row {number} of {name} has more cells than there are columns")
    named = dict(zip(columns, (cell.strip() for cell in cells), strict=False))
    if named.get(""):
        raise _refused(f"row {number} of {name} has a cell in a column without a name")
    wrong = {column: errors[number, i] for i, column in enumerate(columns) if (number, i) in errors}
    wrong |= {
        column: FLAWS["formula"] for column, cell in named.items() if cell.startswith(_FORMULA)
    }
    return Row(number, {column: cell for column, cell in named.items() if cell}, wrong)


# --- CSV -----------------------------------------------------------------------------------


def _decoded(data: bytes) -> str:
    if b"\0" in data:
        raise _refused("it holds zero bytes; save it as “CSV UTF-8”")
    for encoding in ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _refused("its text is neither UTF-8 nor GB 18030; save it as “CSV UTF-8”")


def _numbered(reader: Iterator[list[str]]) -> Iterator[tuple[int, Sequence[str]]]:
    """Rows with their numbers, as a spreadsheet would number them."""
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader, None)
        except csv.Error as malformed:
            raise _refused(f"row {number} is not CSV ({malformed})") from None
        if cells is None:
            return
        _check_row(number, cells)
        yield number, cells


def _check_row(number: int, cells: Sequence[str]) -> None:
    if number > MAX_ROWS:
        raise _refused(f"it has more than {MAX_ROWS} rows")
    if len(cells) > MAX_COLUMNS:
        raise _refused(f"row {number} has more than {MAX_COLUMNS} columns")
    if any(len(cell) > MAX_CELL_CHARACTERS for cell in cells):
        raise _refused(f"a cell in row {number} has more than {MAX_CELL_CHARACTERS} characters")


# --- XLSX ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Workbook:
    """A workbook that passed inspection; ``errors`` by sheet, then (row from 1, column from 0)."""

    zip: bytes
    errors: Mapping[str, Mapping[tuple[int, int], str]]


def _sheet_table(sheet: calamine.CalamineSheet, workbook: _Workbook) -> Table:
    rows = sheet.to_python(skip_empty_area=False)
    errors = workbook.errors.get(sheet.name, {})
    # The library ends at the last cell with a value; errors below it are rows too.
    last = max((row for row, _ in errors), default=0)
    rows += [[] for _ in range(len(rows), last)]
    texts = ((n, [_text(cell) for cell in cells]) for n, cells in enumerate(rows, 1))
    return _table(sheet.name, _checked(texts), errors)


def _checked(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, Sequence[str]]]:
    for number, cells in rows:
        _check_row(number, cells)
        yield number, cells


def _text(cell: object) -> str:
    match cell:
        case bool():
            return str(cell).lower()
        case int() | float():
            return plain_number(cell)
        case dt.datetime() if cell.time() == dt.time():
            return cell.date().isoformat()
        case dt.datetime() | dt.date() | dt.time():
            return cell.isoformat()
        case _:
            return str(cell)


def _inspected(data: bytes) -> _Workbook:
    parts = _unpacked(data)
    scans = {name: _scan(name, part) for name, part in parts.items()}
    repacked = io.BytesIO()
    with zipfile.ZipFile(repacked, "w") as new:
        for name, part in parts.items():
            new.writestr(name, part)
    names = _sheet_parts(parts)
    errors = {sheet: scans[part].errors for sheet, part in names.items() if part in scans}
    return _Workbook(repacked.getvalue(), errors)


def _unpacked(data: bytes) -> dict[str, bytes]:
    """The XML parts of a workbook; everything is unpacked, so that every size is known."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            members = packed.infolist()
            _check_directory(members)
            parts = {member.filename: _unpack(packed, member) for member in members}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError):
        raise _refused("it is not a sound .xlsx file") from None
    if "xl/workbook.xml" not in parts:
        raise _refused("it is not a workbook of the .xlsx kind")
    return {name: part for name, part in parts.items() if name.lower().endswith(_XML)}


def _check_directory(members: Sequence[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_PARTS:
        raise _refused(f"it has more than {MAX_PARTS} parts")
    if len({member.filename.lower() for member in members}) < len(members):
        raise _refused("a part of it comes twice")
    if sum(member.file_size for member in members) > MAX_UNPACKED_BYTES:
        raise _refused(f"it unpacks to more than {MAX_UNPACKED_BYTES // MiB} MiB")
    if any(map(_is_bomb, members)):
        raise _refused(f"a part of it unpacks to more than {MAX_RATIO} times its size")


def _is_bomb(member: zipfile.ZipInfo) -> bool:
    size = member.file_size
    return size > _SMALL_PART and size > MAX_RATIO * max(member.compress_size, 1)


def _unpack(packed: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Unpack in steps: the directory may lie about the size, and is not believed."""
    part = bytearray()
    with packed.open(member) as stream:
        while step := stream.read(_STEP):
            part += step
            if len(part) > member.file_size:
                raise _refused("a part of it is larger than its directory says")
    return bytes(part)


class _Scan:
    """What one XML part has that must be known before it is parsed for good."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.errors: dict[tuple[int, int], str] = {}
        self._root = ""
        self._row = self._column = self._cells = 0
        self._waiting: tuple[int, int] | None = None
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end

    def run(self, part: bytes) -> None:
        try:
            self._parser.Parse(part, True)
        except expat.ExpatError:
            raise _refused(f"{self.name} in it is not well-formed") from None

    def _doctype(self, *_: object) -> None:
        raise _refused(f"{self.name} in it has a document type, which no workbook needs")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if not self._root:
            self._root = name
        if self._root != "worksheet":
            return
        if name == "row":
            self._row = _whole(attributes.get("r"), self._row + 1)
            self._column = -1
        elif name == "c":
            self._cell(attributes)
        elif name == "f" and self._here not in self.errors:
            self._waiting = self._here
        elif name == "v":
            self._waiting = None

    def _end(self, tag: str) -> None:
        if tag.rpartition(":")[2] == "c" and self._waiting is not None:
            self.errors[self._waiting] = FLAWS["unsaved"]
            self._waiting = None

    @property
    def _here(self) -> tuple[int, int]:
        return self._row, self._column

    def _cell(self, attributes: dict[str, str]) -> None:
        self._column += 1
        self._cells += 1
        if "r" in attributes:
            self._row, self._column = _place(attributes["r"])
        if self._row > MAX_ROWS or self._column >= MAX_COLUMNS:
            raise _refused(f"{self.name} in it has cells beyond row {MAX_ROWS}, column CV")
        if self._cells > MAX_CELLS:
            raise _refused(f"{self.name} in it has more than {MAX_CELLS} cells")
        if attributes.get("t") == "e":
            self.errors[self._here] = FLAWS["error"]


def _scan(name: str, part: bytes) -> _Scan:
    scan = _Scan(name)
    scan.run(part)
    return scan


def _whole(text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise _refused("a row of it has no proper number")
    return int(text)


def _place(reference: str) -> tuple[int, int]:
    """``B3`` is row 3, column 1."""
    match = _CELL.fullmatch(reference)
    if match is None:
        raise _refused("a cell of it has no proper place")
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(match[2]), column - 1


def _sheet_parts(parts: Mapping[str, bytes]) -> dict[str, str]:
    """Sheet name -> the part that holds it."""
    targets: dict[str, str] = {}
    for attributes in _elements(parts.get("xl/_rels/workbook.xml.rels"), "Relationship"):
        target = attributes.get("Target", "")
        path = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        targets[attributes.get("Id", "")] = path
    return {
        attributes.get("name", ""): targets.get(_relation(attributes), "")
        for attributes in _elements(parts.get("xl/workbook.xml"), "sheet")
    }


def _relation(attributes: Mapping[str, str]) -> str:
    return next((value for name, value in attributes.items() if name.endswith(":id")), "")


def _elements(part: bytes | None, wanted: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == wanted:
            found.append(attributes)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.Parse(part or b"<none/>", True)
    return found


def _refused(reason: str) -> TableRefused:
    return TableRefused(reason=reason)
