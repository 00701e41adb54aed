"""Reports over HTTP and in the terminal: what is in them, who gets them, and what they are called.

The numbers are those of the park in ``tests.reported``, and those that the API gives.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from werkzeug.http import parse_options_header

from api.keys.keyfile import write_secret
from api.reports.cells import unguarded
from ledger.receipt import Receipt
from tests.api.conftest import AsRole
from tests.chain import build_chain
from tests.cli_world import Terminal, terminal
from tests.factory import Factory
from tests.reported import PARK, SINK, YEAR, Reported

pytestmark = pytest.mark.only_on("sqlite", "it is about answers, which come from no database")

Cells = dict[str, dict[str, str]]
"""Name of a row -> column -> value."""


@pytest.fixture
def reported(factory: Factory) -> Reported:
    return Reported(factory)


@pytest.fixture
def host(reported: Reported, as_role: AsRole) -> dict[str, str]:
    return as_role("park", reported.host)


def path(reported: Reported, form: str, **query: Any) -> str:
    asked = "&".join(f"{name}={value}" for name, value in {"year": YEAR, **query}.items())
    return f"/v1/parks/{reported.park}/report.{form}?{asked}"


def records(data: bytes) -> Iterator[dict[str, str]]:
    return csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""))


def table(data: bytes, title: str) -> Cells:
    """One table of a report in CSV."""
    found: Cells = {}
    for row in records(data):
        if row["Table"] == title:
            found.setdefault(row["Name"], {})[row["Column"]] = row["Mark"] + row["Value"]
    return found


def workbook(data: bytes) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def identity(client: FlaskClient, address: str, headers: Any = None) -> Cells:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response.text
    return table(response.data, "Question and answer")


# --- What is in it -----------------------------------------------------------------------------


def test_a_report_says_what_was_worked_out_by_hand(
    client: FlaskClient, reported: Reported, host: Any
) -> None:
    data = client.get(path(reported, "csv"), headers=host).data
    scopes, net, ledgers = (table(data, each) for each in ("Scopes", "Net emissions", "Ledgers"))
    assert {name: row["Amount"] for name, row in scopes.items()} == {
        "Scope 1": "1000",
        "Scope 2, location-based": "0",
        "Scope 2, market-based": "0",
        "Scope 3, upstream": "200",
        "Scope 3, downstream": "≥0",
        "Scope 3": "≥200",
    }
    assert {name: row["Amount"] for name, row in net.items()} == {
        "gross, Scope 1 and 2": "1000",
        "gross, Scope 1 to 3": "≥1200",
        "net, Scope 1 and 2": "700",
        "net, Scope 1 to 3": "≥900",
    }
    assert [row["Amount"] for row in ledgers.values()] == ["50", "250", "50", "0", "120", "unknown"]


def test_a_workbook_has_the_numbers_of_the_api(
    client: FlaskClient, reported: Reported, host: Any
) -> None:
    answer = client.get(f"/v1/parks/{reported.park}/net?year={YEAR}", headers=host).get_json()
    sheets = workbook(client.get(path(reported, "xlsx"), headers=host).data)
    assert list(sheets)[:6] == [
        "What this is",
        "Scopes",
        "Scope 3 by category",
        "Bridge",
        "Net emissions",
        "Status",
    ]
    sheet = sheets["Scope 3 by category"]
    rows = {row[1]: row for row in reversed(sheet) if isinstance(row[1], float)}
    assert sorted(rows) == list(range(1, 16))
    for category in answer["scope3"]["byCategory"]:
        row, told = rows[category["category"]], category["amount"]
        assert row[0] == category["name"]
        if told is None:
            assert row[4] == "unknown"
            continue
        assert row[4] == float(told["value"] or told["atLeast"])
        assert row[5] == float(told["lower"])
        assert row[6] == (float(told["upper"]) if told["upper"] else "unknown")
        assert row[7] == (float(told["coverage"]) if told["coverage"] else "unknown")
    gases = [row for row in sheets["By gas"] if row[0] == "CO2"]
    assert [row[3] for row in gases] == [
        float(each["kgCo2e"]) for each in answer["byGas"]["scope1"]
    ]


def test_all_three_files_say_the_same(client: FlaskClient, reported: Reported, host: Any) -> None:
    data, html = (client.get(path(reported, form), headers=host).data for form in ("csv", "html"))
    book = workbook(client.get(path(reported, "xlsx"), headers=host).data)
    cells = {cell for rows in book.values() for row in rows for cell in row}
    page = unescape(html.decode("utf-8"))
    for row in records(data):
        assert row["Section"] in book
        assert f">{unguarded(row['Section'])}</h2>" in page
        if row["Unit"]:
            assert float(row["Value"]) in cells
        else:
            told = unguarded(row["Value"])
            assert told in cells or float(told) in cells


def test_a_report_tells_the_account_the_targets_and_the_indicators(
    client: FlaskClient, reported: Reported, host: Any
) -> None:
    reported.aim()
    data = client.get(path(reported, "csv"), headers=host).data
    account = table(data, "From opening to closing")
    moved = [float(row["Amount"]) for row in account.values()]
    # T2 was 800 kg, all of it Scope 1, and is 1000 + 200.
    assert (moved[0], moved[-1]) == (800, 1200)
    assert sum(moved[:-1]) == pytest.approx(moved[-1])
    target = table(data, "'=Half by 2030")
    assert float(target["2025"]["At most"]) == pytest.approx(800 * (1 - 0.5 / 6))
    assert (target["2025"]["Amount"], target["2025"]["On the path"]) == ("700", "yes")
    items = table(data, "Item by item")
    assert items["CO2 per unit of energy"]["Threshold"] == "0.2"


def test_parts_that_a_reader_may_not_have_are_left_out_with_a_sentence(
    client: FlaskClient, reported: Reported
) -> None:
    reported.aim()
    reported.host.disclose("figure", reported.park)
    data = client.get(path(reported, "csv")).data
    assert not table(data, "From opening to closing")
    assert not table(data, "Item by item")
    notes = {row["Section"]: row["Value"] for row in records(data) if row["Column"] == "Note"}
    for left_out in ("Carbon account", "Indicators"):
        assert "only to callers with a token" in notes[left_out]
    assert table(data, "'=Half by 2030")["2025"]["Amount"] == "700"


def test_names_that_look_like_formulas_reach_nobody_s_spreadsheet_as_one(
    client: FlaskClient, reported: Reported, host: Any
) -> None:
    data = client.get(path(reported, "csv"), headers=host).data
    for row in records(data):
        measured = row["Unit"] != "" or row["Value"] == ""
        texts = [each for name, each in row.items() if name != "Value" or not measured]
        assert not [each for each in texts if each.lstrip().startswith(("=", "+", "-", "@"))]
    assert f"'{SINK}" in data.decode("utf-8-sig")
    sheets = workbook(client.get(path(reported, "xlsx"), headers=host).data)
    assert SINK in [row[0] for row in sheets["Net emissions"]]
    assert PARK in [row[1] for row in sheets["What this is"]]


# --- What it rests on --------------------------------------------------------------------------


def test_a_report_says_from_which_position_of_the_log_it_is(
    client: FlaskClient, reported: Reported, host: Any
) -> None:
    log = reported.factory.log
    told = identity(client, path(reported, "csv"), host)
    assert told["Log"]["Answer"] == log.origin
    assert told["Answered from so many entries"]["Answer"] == str(log.size())
    assert told["Signed checkpoint"]["Answer"] == log.checkpoint().decode()
    assert told["Root of the tree over them"]["Answer"] in log.checkpoint().decode()
    assert told["Published figure"]["Answer"].startswith("No figure that answers this question")


def test_a_report_names_the_published_figure_with_its_receipt(
    client: FlaskClient, reported: Reported, host: Any
) -> None:
    figure = reported.publish()
    told = identity(client, path(reported, "csv"), host)
    assert told["Published figure"]["Answer"] == figure.digest
    assert told["Published as entry"]["Answer"] == str(figure.index)
    assert told["Compared with this report"]["Answer"].startswith(
        "It answers exactly this question"
    )
    receipt = Receipt.parse(told["Receipt"]["Answer"].encode())
    entry = reported.factory.log.entry(figure.index)
    assert (receipt.index, receipt.leaf) == (figure.index, entry.leaf.encode())
    data = client.get(path(reported, "csv"), headers=host).data
    results = {name: row["Amount"] for name, row in table(data, "Published figure").items()}
    assert (results["scope1"], results["t2"]) == ("1000", "1200")


def test_a_figure_that_something_has_moved_since_is_told_apart(
    client: FlaskClient, reported: Reported, host: Any
) -> None:
    figure = reported.publish()
    reported.certify("offset", 1, "O-2", park=reported.park)
    told = identity(client, path(reported, "csv"), host)
    assert told["Published figure"]["Answer"] == figure.digest
    assert "this report is as of another entry" in told["Compared with this report"]["Answer"]
    before = identity(client, path(reported, "csv", at=figure.index), host)
    assert before["Compared with this report"]["Answer"].startswith(
        "It answers exactly this question"
    )


def test_a_receipt_is_for_whom_the_entry_is(client: FlaskClient, reported: Reported) -> None:
    reported.publish()
    reported.host.disclose("figure", reported.park)
    told = identity(client, path(reported, "csv"))
    assert len(told["Published figure"]["Answer"]) == 64
    assert told["Receipt"]["Answer"].startswith("For its issuer, its subject and auditors")


# --- Who gets it, and when it is another -------------------------------------------------------


@pytest.mark.parametrize("form", ["xlsx", "csv", "html"])
def test_whoever_may_not_read_the_inventory_gets_no_report(
    client: FlaskClient, reported: Reported, as_role: AsRole, form: str
) -> None:
    stranger = as_role("supplier", reported.factory.enterprise("Stranger"))
    assert client.get(path(reported, form)).status_code == 401
    assert client.get(path(reported, form), headers=stranger).status_code == 403
    reported.host.disclose("figure", reported.park)
    assert client.get(path(reported, form)).status_code == 200


def test_a_report_of_two_tenants_is_refused_as_their_inventory_is(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    chain = build_chain(factory, small_aggregates=False)
    headers = as_role("park", chain.manager)
    responses = [
        client.get(f"/v1/parks/{chain.park}/{what}?year=2025", headers=headers)
        for what in ("net", "report.csv")
    ]
    assert [each.get_json()["code"] for each in responses] == ["fewer-than-three-tenants"] * 2


def test_an_enterprise_has_a_report_of_its_own(
    client: FlaskClient, reported: Reported, as_role: AsRole
) -> None:
    address = f"/v1/enterprises/{reported.host.id}/report.csv?year={YEAR}"
    told = identity(client, address, as_role("supplier", reported.host))
    assert told["Enterprise"]["Answer"] == "Host"


def test_a_reader_keeps_its_report_until_the_figure_moves(
    client: FlaskClient, reported: Reported, host: Any
) -> None:
    first = client.get(path(reported, "xlsx"), headers=host)
    kept = {**host, "If-None-Match": first.headers["ETag"]}
    reported.factory.register(reported.host.with_key())
    again = client.get(path(reported, "xlsx"), headers=kept)
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(path(reported, "csv"), headers=kept).status_code == 200
    assert client.get(path(reported, "xlsx", lang="zh"), headers=kept).status_code == 200
    reported.publish()
    published = client.get(path(reported, "xlsx"), headers=kept)
    assert published.status_code == 200
    assert published.headers["Catchment-Checkpoint"].startswith(f"{reported.factory.log.size()} ")


@pytest.mark.parametrize(
    ("form", "kind", "media_type"),
    [
        ("xlsx", "attachment", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("csv", "attachment", "text/csv; charset=utf-8"),
        ("html", "inline", "text/html; charset=utf-8"),
    ],
)
def test_a_file_says_what_it_is_and_what_it_is_called(
    client: FlaskClient, reported: Reported, host: Any, form: str, kind: str, media_type: str
) -> None:
    response = client.get(path(reported, form), headers=host)
    assert response.content_type == media_type
    header = response.headers["Content-Disposition"]
    assert f'filename="1-1-Park-{YEAR}-AR6.{form}"' in header
    told, options = parse_options_header(header)
    assert (told, options["filename"]) == (kind, f"{PARK}-{YEAR}-AR6.{form}")


def test_a_page_is_served_under_a_policy_that_allows_its_style_alone(
    client: FlaskClient, reported: Reported, host: Any
) -> None:
    first = client.get(path(reported, "html"), headers=host)
    policy = first.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    # A browser puts the headers of a 304 in the place of those it has kept.
    again = client.get(
        path(reported, "html"), headers={**host, "If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.headers["Content-Security-Policy"]) == (304, policy)


@pytest.mark.parametrize("query", ["lang=fr", "year=1066", "form=csv"])
def test_what_cannot_be_asked_is_a_problem(
    client: FlaskClient, reported: Reported, host: Any, query: str
) -> None:
    response = client.get(f"/v1/parks/{reported.park}/report.csv?{query}", headers=host)
    assert (response.status_code, response.content_type) == (400, "application/problem+json")
    assert client.get(path(reported, "pdf"), headers=host).status_code == 404


# --- In the terminal ---------------------------------------------------------------------------


@pytest.fixture
def at(factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """The terminal of the machine that the log is on."""
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    made = terminal(tmp_path, monkeypatch)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    return made


def test_the_terminal_writes_a_report_and_overwrites_none(at: Terminal, reported: Reported) -> None:
    said = at.ok("report", reported.park, "--year", YEAR, "--out", "park.xlsx")
    assert said.out == "park.xlsx is written.\n"
    sheets = workbook((at.folder / "park.xlsx").read_bytes())
    assert ["Scope 1", 1000.0] in [row[:2] for row in sheets["Scopes"]]
    again = at.run("report", reported.park, "--year", YEAR, "--out", "park.xlsx")
    assert again.code == 1
    assert "park.xlsx" in again.err


def test_the_terminal_names_things_and_chooses_forms(at: Terminal, reported: Reported) -> None:
    at.ok("report", "Host", "--format", "csv", "--out", "host.txt")
    assert table((at.folder / "host.txt").read_bytes(), "Scopes")["Scope 1"]["Amount"] == "1000"
    assert at.run("report", "Host", "--out", "host.txt").code == 2
    assert at.run("report", "Nobody", "--out", "park.csv").code == 1
    assert not (at.folder / "park.csv").exists()
