"""Files of strangers are read exactly, or refused in a sentence before they can do harm."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import TableRefused
from api.importing import sheets
from api.importing.columns import NOTES, SHEETS
from api.importing.sheets import plain_number, read_csv, read_file, read_xlsx
from api.importing.template import write_template


def workbook(fill: Callable[[Any], object], name: str = "sites") -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        fill(book.add_worksheet(name))
    return stream.getvalue()


def replaced(data: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The same zip with one part changed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name == part else content)
    return stream.getvalue()


def refusal(data: bytes) -> str:
    with pytest.raises(TableRefused) as refused:
        read_xlsx(data)
    return str(refused.value)


# --- CSV ---


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_chinese_is_read_from_utf8_and_from_gb18030(encoding: str) -> None:
    table = read_csv("code,name\nA-1,苏州工厂\n".encode(encoding), "sites")
    assert table.rows[0].cells == {"code": "A-1", "name": "苏州工厂"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_the_one_the_header_uses(delimiter: str) -> None:
    table = read_csv(f"code{delimiter}name\nA{delimiter}B\n".encode(), "sites")
    assert table.rows[0].cells == {"code": "A", "name": "B"}


def test_rows_keep_the_numbers_a_spreadsheet_shows() -> None:
    table = read_csv(b"\ncode,name\n\nA,B\n", "sites")
    assert [row.number for row in table.rows] == [4]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"code\0,name\n", "zero bytes"),
        ("code,name\nA,B\n".encode("utf-16"), "zero bytes"),
        (b'code,name\n"A,B\n', "row 2 is not CSV"),
        (b'code,name\n"A"x,B\n', "row 2 is not CSV"),
        (b"code,name\nA,B,C\n", "row 2 of sites has more cells"),
        (b"code,code\nA,B\n", "the column code comes twice"),
        (b"code\n" + b"x" * 10_001, "more than 10000 characters"),
        (b"code\n" + b"x" * 140_000, "row 2 is not CSV"),
        (b"code\n" + b"," * 200, "more than 100 columns"),
        (b"code\n" + b"\xff\xff\xff", "neither UTF-8 nor GB 18030"),
    ],
)
def test_malformed_csv_is_refused_in_one_sentence(data: bytes, told: str) -> None:
    with pytest.raises(TableRefused) as refused:
        read_csv(data, "sites")
    assert told in str(refused.value)


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 10)
    with pytest.raises(TableRefused, match="more than 10 rows"):
        read_csv(b"code\n" + b"A\n" * 10, "sites")


def test_a_formula_in_csv_is_a_problem_of_its_cell() -> None:
    table = read_csv(b'code,name\nA,=HYPERLINK("http://x")\n'.replace(b'"', b""), "sites")
    assert "formula" in table.rows[0].errors["name"]


@settings(max_examples=60)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_a_refusal(data: bytes) -> None:
    for read in (lambda: read_csv(data, "sites"), lambda: read_xlsx(data)):
        with contextlib.suppress(TableRefused):
            read()


# --- XLSX ---


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.1 + 0.2, "0.3"), (1e21, "1000000000000000000000"), (2025.0, "2025"), (1e-7, "0.0000001")],
)
def test_number_cells_become_plain_decimals_of_15_digits(number: float, text: str) -> None:
    table = read_xlsx(workbook(lambda page: page.write_column(0, 0, ["amount", number])))[0]
    assert table.rows[0].cells == {"amount": text}
    assert plain_number(number) == text


def test_error_cells_are_problems_and_not_empty() -> None:
    def fill(page: Any) -> None:
        page.write_row(0, 0, ["code", "amount"])
        page.write(1, 0, "A")
        page.write_formula(1, 1, "=1/0", None, "#DIV/0!")

    row = read_xlsx(workbook(fill))[0].rows[0]
    assert row.number == 2
    assert row.errors == {"amount": "The cell shows an error; correct its formula."}


def test_a_row_of_nothing_but_an_error_is_not_skipped() -> None:
    def fill(page: Any) -> None:
        page.write(0, 0, "amount")
        page.write_formula(1, 0, "=1/0", None, "#DIV/0!")

    assert len(read_xlsx(workbook(fill))[0].rows) == 1


def test_a_formula_nobody_calculated_is_a_problem() -> None:
    def fill(page: Any) -> None:
        page.write(0, 0, "amount")
        page.write_formula(1, 0, "=1+1", None, 2)

    uncalculated = replaced(
        workbook(fill), "xl/worksheets/sheet1.xml", lambda part: part.replace(b"<v>2</v>", b"")
    )
    assert read_xlsx(workbook(fill))[0].rows[0].cells == {"amount": "2"}
    assert "no saved value" in read_xlsx(uncalculated)[0].rows[0].errors["amount"]


def test_what_is_no_zip_is_refused() -> None:
    assert "not a sound .xlsx file" in refusal(b"PK\x03\x04 but no more")


def test_another_kind_of_zip_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as new:
        new.writestr("content.xml", "<x/>")
    assert "not a workbook" in refusal(stream.getvalue())


def bomb(unpacked: int) -> bytes:
    """A workbook whose sheet is one long run of spaces."""
    base = workbook(lambda page: page.write(0, 0, "code"))
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(base)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for name in old.namelist():
            if name != "xl/worksheets/sheet1.xml":
                new.writestr(name, old.read(name))
        with new.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(unpacked // 2**20):
                part.write(b" " * 2**20)
    return stream.getvalue()


def test_a_gigabyte_in_a_small_file_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = bomb(2**30)
    assert len(data) < 8 * 2**20
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("it is unpacked"))
    tracemalloc.start()
    told = refusal(data)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "unpacks to more than 64 MiB" in told
    assert most < 8 * 2**20


def test_a_part_that_unpacks_to_far_more_than_its_size_is_refused() -> None:
    assert "more than 200 times its size" in refusal(bomb(16 * 2**20))


def test_a_directory_that_lies_about_sizes_is_not_believed() -> None:
    data = bomb(2**20 * 100)
    real, claimed = (100 * 2**20).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    assert real in data
    assert "not a sound" in refusal(data.replace(real, claimed))


def test_one_cell_in_the_last_row_and_column_is_refused() -> None:
    # Laid out as a rectangle this 5 kB file would take half a terabyte.
    def fill(page: Any) -> None:
        page.write(0, 0, "code")
        page.write(1_048_575, 16_383, "x")

    assert "cells beyond row" in refusal(workbook(fill))


def test_a_row_number_out_of_range_is_refused() -> None:
    data = workbook(lambda page: page.write_column(0, 0, ["code", "A"]))

    def change(part: bytes) -> bytes:
        return part.replace(b'<row r="2"', b'<row r="900000"').replace(b'r="A2"', b"")

    assert "cells beyond row" in refusal(replaced(data, "xl/worksheets/sheet1.xml", change))


def test_a_document_type_is_refused() -> None:
    data = workbook(lambda page: page.write(0, 0, "code"))
    bombed = replaced(
        data,
        "xl/worksheets/sheet1.xml",
        lambda part: part.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet', 1),
    )
    assert "document type" in refusal(bombed)


def test_too_many_sheets_are_refused() -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        for number in range(sheets.MAX_SHEETS + 1):
            book.add_worksheet(f"s{number}")
    assert "more than 40 sheets" in refusal(stream.getvalue())


def test_a_file_larger_than_the_cap_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MAX_FILE_BYTES", 10)
    path = tmp_path / "sites.csv"
    path.write_bytes(b"x" * 11)
    with pytest.raises(TableRefused, match="larger than"):
        read_file(path)


def test_other_kinds_of_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sites.ods"
    path.write_bytes(b"x")
    with pytest.raises(TableRefused, match=r"only \.csv and \.xlsx"):
        read_file(path)


# --- The empty workbook ---


def test_the_empty_workbook_has_every_sheet_and_column(tmp_path: Path) -> None:
    path = tmp_path / "empty.xlsx"
    write_template(path)
    tables = {table.name: table for table in read_file(path)}
    assert tables.keys() == {*SHEETS, *NOTES}
    assert all(tables[name].columns == sheet.names for name, sheet in SHEETS.items())
    assert not any(tables[name].rows for name in SHEETS)
