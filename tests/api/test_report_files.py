"""Reports as files: the same document as a workbook, as text, and as a page."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from flask_babel import force_locale
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from werkzeug.http import parse_options_header

from api.app import assemble
from api.figures.numbers import plain
from api.reports import as_csv, as_html, as_xlsx
from api.reports.cells import guarded, unguarded, written
from api.reports.document import (
    EMPTY,
    Cell,
    Document,
    Missing,
    Number,
    Section,
    Share,
    Table,
    Text,
    Whole,
)
from api.reports.names import disposition
from api.settings import Settings

pytestmark = pytest.mark.only_on("sqlite", "it is about files, and asks no database")

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "＝1+1", '=HYPERLINK("http://x")')
KNOWN = (
    Number(1234567.890123),
    Number(-0.5, "kg"),
    Number(12, "kWh", at_least=True),
    Share(0.25),
    Whole(42),
    Missing("not shown"),
    Text("words"),
)


@pytest.fixture(scope="module")
def app() -> Flask:
    return assemble(Settings())


def document(*sections: Section, language: str = "en") -> Document:
    return Document("Park 2025", "Park", 2025, "AR6", language, sections)


def table(*cells: Cell) -> Table:
    rows = tuple((Text(f"Row {k}"), cell) for k, cell in enumerate(cells))
    return Table("Things", ("Name", "Cell"), rows)


def only(made: Table) -> Document:
    return document(Section("Section", (made,)))


def file(app: Flask, writer: ModuleType, made: Document) -> bytes:
    with app.test_request_context("/"), force_locale(made.language):
        data: bytes = writer.write(made)
    return data


def records(data: bytes) -> list[dict[str, str]]:
    """A CSV file as any reader of RFC 4180 has it."""
    text = data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def sheets(data: bytes) -> dict[str, list[list[Any]]]:
    """The rows of every sheet of a workbook, from its first row."""
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {
        name: book.get_sheet_by_name(name).to_python(skip_empty_area=False)
        for name in book.sheet_names
    }


def parts(data: bytes, folder: str) -> dict[str, str]:
    """The XML parts of a workbook in a folder."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        names = [name for name in packed.namelist() if name.startswith(folder)]
        return {name: packed.read(name).decode("utf-8") for name in names}


# --- CSV ---------------------------------------------------------------------------------------


def test_a_csv_file_has_a_record_for_each_cell_with_unit_and_mark(app: Flask) -> None:
    rows = records(file(app, as_csv, only(table(*KNOWN))))
    assert [(row["Name"], row["Value"], row["Unit"], row["Mark"]) for row in rows] == [
        ("Row 0", "1234567.89012", "kg CO2e", ""),
        ("Row 1", "-0.5", "kg", ""),
        ("Row 2", "12", "kWh", "≥"),
        ("Row 3", "0.25", "", ""),
        ("Row 4", "42", "", ""),
        ("Row 5", "not shown", "", ""),
        ("Row 6", "words", "", ""),
    ]
    assert {(row["Section"], row["Table"], row["Column"]) for row in rows} == {
        ("Section", "Things", "Cell")
    }


def test_a_csv_file_is_utf_8_with_a_mark_and_lines_that_end_as_they_must(app: Flask) -> None:
    data = file(app, as_csv, document(Section("园区", (table(*KNOWN),), ("一句话",))))
    assert data.startswith(b"\xef\xbb\xbf")
    lines = data.decode("utf-8-sig").split("\r\n")
    assert lines.pop() == ""
    assert len(lines) == 1 + len(KNOWN) + 1
    assert {len(line) for line in csv.reader(lines)} == {8}
    assert lines[-1] == "园区,,1,,Note,一句话,,"


CELLS = st.one_of(
    st.floats(-1e15, 1e15, allow_nan=False).map(Number),
    st.floats(0, 1).map(Share),
    st.text(max_size=30).map(Text),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CELLS, min_size=1, max_size=6))
def test_a_csv_file_gives_back_every_cell(app: Flask, cells: list[Cell]) -> None:
    shown = [cell for cell in cells if cell != EMPTY]
    back = [row["Value"] for row in records(file(app, as_csv, only(table(*cells))))]
    assert back == [written(cell) for cell in shown]
    for value, cell in zip(back, shown, strict=True):
        if isinstance(cell, Text):
            assert unguarded(value) == cell.text
        elif isinstance(cell, Number | Share):
            assert value == plain(cell.value)


# --- Workbooks ---------------------------------------------------------------------------------


def test_a_workbook_holds_numbers_as_numbers_and_words_as_words(app: Flask) -> None:
    (rows,) = sheets(file(app, as_xlsx, only(table(*KNOWN)))).values()
    assert rows[0][0] == "Section"
    head = rows.index(["Name", "Cell"])
    assert [row[1] for row in rows[head + 1 :]] == [
        1234567.89012,
        -0.5,
        12,
        0.25,
        42,
        "not shown",
        "words",
    ]


def test_a_lower_bound_stays_a_number_and_shows_that_it_is_one(app: Flask) -> None:
    made = only(table(Number(1500.0, at_least=True)))
    data = file(app, as_xlsx, made)
    assert sheets(data)["Section"][-1][1] == 1500
    assert '"&quot;≥ &quot;#,##0.00"' in parts(data, "xl/styles.xml")["xl/styles.xml"]


def test_a_head_stays_in_sight_and_is_printed_on_every_page(app: Flask) -> None:
    data = file(app, as_xlsx, only(table(*KNOWN)))
    (sheet,) = parts(data, "xl/worksheets/sheet").values()
    assert re.search(r'<pane xSplit="1" ySplit="3"[^>]*state="frozen"', sheet)
    assert "_xlnm.Print_Titles" in parts(data, "xl/workbook")["xl/workbook.xml"]


def test_sheets_are_called_as_workbooks_allow_it(app: Flask) -> None:
    titles = ("Scope [1]: all/none?", "x" * 40, "X" * 40, "'quoted'", "范围三：按类别")
    data = file(app, as_xlsx, document(*(Section(title, (table(Whole(1)),)) for title in titles)))
    names = list(sheets(data))
    assert names == ["Scope  1   all none", "x" * 31, "X" * 29 + " 2", "quoted", "范围三：按类别"]


def test_the_same_document_is_the_same_workbook(app: Flask) -> None:
    made = only(table(*KNOWN))
    assert file(app, as_xlsx, made) == file(app, as_xlsx, made)


# --- What looks like a formula -----------------------------------------------------------------


@pytest.mark.parametrize("text", FORMULAS)
def test_a_name_that_looks_like_a_formula_is_never_one(app: Flask, text: str) -> None:
    rows = ((Text(text), Text(text)), (Text(text), Missing(text)))
    made = document(Section(text, (Table(text, (text, text), rows),), (text,)))
    for row in records(file(app, as_csv, made)):
        for name, each in row.items():
            assert not each.lstrip().startswith(tuple("=+-@＝")), name
    data = file(app, as_xlsx, made)
    for sheet in parts(data, "xl/worksheets").values():
        assert "<f>" not in sheet
        assert "hyperlink" not in sheet
    (rows_read,) = sheets(data).values()
    assert rows_read[-2:] == [[text, text], [text, text]]
    assert 'quotePrefix="1"' in parts(data, "xl/styles.xml")["xl/styles.xml"]


@given(st.text(max_size=40))
def test_a_guard_is_taken_off_again(text: str) -> None:
    told = guarded(text)
    assert unguarded(told) == text
    assert not told.lstrip().startswith(tuple("=+-@＝＋－＠"))


# --- Pages -------------------------------------------------------------------------------------


def page(app: Flask, made: Document) -> str:
    return file(app, as_html, made).decode("utf-8")


def test_a_page_says_tonnes_and_what_is_missing_in_words(app: Flask) -> None:
    amounts = (Number(1_500_000.0), Number(2_000.0, at_least=True), Number(12.0), Number(-3000.0))
    html = page(app, only(table(*amounts, Missing("not shown"))))
    assert re.findall(r'<td class="([a-z ]+)">(.*?)</td>', html) == [
        ("number", "1,500"),
        ("number bound", "≥ 2"),
        ("number", "≈ 0"),
        ("number", "−3"),
        ("number missing", "not shown"),
    ]
    assert "<caption>t CO2e</caption>" in html


def test_a_page_needs_nothing_from_elsewhere_and_its_policy_allows_nothing(app: Flask) -> None:
    html = page(app, only(table(Text('<script>alert("1")</script>'))))
    assert not re.search(r"<script|<link|<img|\ssrc=|url\(|@import|javascript:", html)
    assert set(re.findall(r'href="([^"]*)"', html)) == {"#s1"}
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in as_html.policy()
    assert as_html.policy().startswith("default-src 'none'")


def test_rows_are_as_wide_as_their_head() -> None:
    with pytest.raises(ValueError, match="not as wide as its head"):
        Table("Things", ("One", "Two"), ((Text("alone"),),))


# --- What files are called ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "plain_name", "told"),
    [
        ("East Park", "East-Park-2025.csv", "East Park-2025.csv"),
        ("苏州工业园区", "report-2025.csv", "苏州工业园区-2025.csv"),
        ('../../etc/"pass"\r\nSet-Cookie: x', "etc-pass-Set-Cookie-x-2025.csv", None),
        ("Müller & Söhne", "Muller-Sohne-2025.csv", "Müller & Söhne-2025.csv"),
        ("\u202egpj.exe", "gpj-exe-2025.csv", "gpj.exe-2025.csv"),
        ("...", "report-2025.csv", "report-2025.csv"),
    ],
)
def test_a_file_has_a_safe_name_and_the_one_people_know(
    name: str, plain_name: str, told: str | None
) -> None:
    header = disposition(name, "2025.csv")
    assert header.isascii()
    assert header.isprintable()
    assert f'filename="{plain_name}"' in header
    kind, options = parse_options_header(header)
    assert kind == "attachment"
    if told is not None:
        assert options["filename"] == told
    assert not set('/\\:"\r\n') & set(options["filename"])
