"""A workbook goes to a server: all of it or nothing, once, and again without effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from api.cli import import_ as importing
from api.importing.columns import SHEETS
from api.importing.wanted import entity_id
from api.keys import keyfile
from api.opening import open_services
from api.settings import Settings
from ledger.standing import Standing
from ledger.statements import Purchases
from tests.cli_world import ORIGIN, Said, Terminal, admitted, served, terminal

Cells = dict[str, list[dict[str, Any]]]

BOOK: Cells = {
    "sites": [
        {
            "code": "plant",
            "name": "苏州工厂",
            "latitude": 31.32,
            "longitude": 120.71,
            "time_zone": "Asia/Shanghai",
        }
    ],
    "products": [
        {"code": "steel", "name": "Steel", "unit": "t"},
        {"code": "wire", "name": "Wire", "unit": "kg"},
    ],
    "production": [
        {"product": "steel", "site": "plant", "period": 2025, "amount": 1200, "unit": "t"}
    ],
    "recipes": [
        {
            "product": "steel",
            "site": "plant",
            "period": 2025,
            "basis_amount": 1,
            "basis_unit": "t",
            "line": "emission",
            "gas": "CO2",
            "amount": 1.85,
            "unit": "t",
        }
    ],
    "inventory": [{"site": "plant", "period": 2025, "gas": "CO2", "amount": 2220, "unit": "t"}],
}


@dataclass
class Supplier:
    """Acme at its terminal, with its token, speaking to a server."""

    at: Terminal
    address: str
    token: str

    @property
    def enterprise(self) -> str:
        return keyfile.read(Path("acme.key"), production=False).enterprise

    def book(self, sheets: Cells, name: str = "book.xlsx") -> Path:
        path = self.at.folder / name
        with xlsxwriter.Workbook(path) as made:
            for sheet, rows in sheets.items():
                page = made.add_worksheet(sheet)
                names = SHEETS[sheet].names
                page.write_row(0, 0, names)
                for number, row in enumerate(rows, 1):
                    for column, value in row.items():
                        page.write(number, names.index(column), value)
        return path

    def imports(self, path: Path, *options: str) -> Said:
        return self.at.run(
            "import", path, "--key", "acme.key", "--server", self.address, "--token", self.token,
            *options,
        )  # fmt: skip

    def size(self) -> int:
        return open_services(Settings.from_env()).log.size()

    def standing(self) -> Standing:
        return open_services(Settings.from_env()).engine.standing()


@pytest.fixture
def acme(
    database_setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Supplier]:
    at = terminal(tmp_path, monkeypatch, database_setting)
    at.ok("init", "--origin", ORIGIN)
    with served() as address:
        yield Supplier(at, address, admitted(at, address, "acme"))


def edited(change: Callable[[Cells], None]) -> Cells:
    book = {sheet: [dict(row) for row in rows] for sheet, rows in BOOK.items()}
    change(book)
    return book


def actions(said: Said) -> list[tuple[str, str]]:
    return [(row["type"], row["action"]) for row in said.json["statements"]]


def test_a_workbook_goes_in_once_and_an_edited_cell_becomes_a_correction(acme: Supplier) -> None:
    before = acme.size()
    first = acme.imports(acme.book(BOOK), "--json")
    assert first.code == 0, first.out
    assert actions(first) == [
        ("site", "new"),
        ("product", "new"),
        ("product", "new"),
        ("production", "new"),
        ("recipe", "new"),
        ("inventory", "new"),
    ]
    assert [row["index"] for row in first.json["statements"]] == list(range(before, before + 6))

    again = acme.imports(acme.book(BOOK), "--json")
    assert {action for _, action in actions(again)} == {"unchanged"}
    assert not again.json["written"]
    assert acme.size() == before + 6

    book = acme.book(edited(lambda b: b["recipes"][0].update(amount=1.8)))
    third = acme.imports(book, "--json")
    assert [each for each in actions(third) if each[1] != "unchanged"] == [("recipe", "change")]
    assert acme.size() == before + 7
    assert acme.at.ok("product", "steel", "--json").json["value"] == "1800"


def test_a_dry_run_says_the_same_and_writes_nothing(acme: Supplier) -> None:
    before = acme.size()
    said = acme.imports(acme.book(BOOK), "--dry-run")
    assert said.code == 0
    assert "New: 6" in said.out
    assert "Nothing was written." in said.out
    assert acme.size() == before


def test_one_refused_row_keeps_everything_out(acme: Supplier) -> None:
    before = acme.size()
    book = acme.book(edited(lambda b: b["inventory"][0].update(amount="2,220")))
    said = acme.imports(book)
    assert said.code == 1
    assert "inventory!2 amount: “2,220” is not a plain decimal." in said.err
    assert acme.size() == before


def test_partial_writes_what_is_accepted_and_still_says_what_is_not(acme: Supplier) -> None:
    before = acme.size()
    book = acme.book(edited(lambda b: b["inventory"][0].update(amount="2,220")))
    said = acme.imports(book, "--partial")
    assert said.code == 1
    assert acme.size() == before + 5


def test_what_the_log_refuses_is_told_by_its_row(acme: Supplier) -> None:
    acme.imports(acme.book(BOOK))
    before = acme.size()
    book = edited(lambda b: b["inventory"][0].update(period="2025-Q1"))
    said = acme.imports(acme.book(book))
    assert said.code == 1
    assert said.err.startswith("inventory!2: 2025-01-01/2025-04-01 overlaps 2025-01-01/2026-01-01")
    assert acme.size() == before


def test_what_was_withdrawn_is_stated_again_on_top_of_the_withdrawal(acme: Supplier) -> None:
    acme.imports(acme.book(BOOK))
    (inventory,) = acme.standing().statements("inventory")
    acme.at.write("w.json", {"type": "withdrawal", "reason": "A mistake."})
    acme.at.ok("sign", "w.json", "--key", "acme.key", "--prev", inventory.digest, "--out", "w.jws")
    acme.at.ok("submit", "w.jws", "--server", acme.address)
    assert not list(acme.standing().statements("inventory"))
    assert acme.imports(acme.book(BOOK)).code == 0
    assert len(list(acme.standing().statements("inventory"))) == 1


def lines(count: int) -> Cells:
    line = {"site": "plant", "period": 2025, "ref": "steel", "unit": "kg", "category": 1}
    purchases = [{**line, "amount": number + 1} for number in range(count)]
    return {"sites": BOOK["sites"], "products": BOOK["products"], "purchases": purchases}


def test_a_list_that_shrinks_to_one_part_replaces_its_parts(acme: Supplier) -> None:
    assert acme.imports(acme.book(lines(401))).code == 0
    assert len(list(acme.standing().statements("purchases"))) == 2
    assert acme.imports(acme.book(lines(3))).code == 0
    (said,) = acme.standing().statements("purchases")
    assert isinstance(said.statement.body, Purchases)
    assert len(said.statement.body.inputs) == 3


def test_more_than_a_batch_is_judged_in_full_before_anything_is_written(
    acme: Supplier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 8)
    products = [{"code": f"p{n}", "name": f"P{n}", "unit": "kg"} for n in range(20)]
    made = {"site": "plant", "period": 2025, "amount": 1, "unit": "kg"}
    production = [{**made, "product": f"p{n}"} for n in range(20)]
    book: Cells = {"sites": BOOK["sites"], "products": products, "production": production}
    before = acme.size()
    spoiled = [*production[:-1], {**production[-1], "product": entity_id(acme.enterprise, "x", "")}]
    said = acme.imports(acme.book({**book, "production": spoiled}))
    assert said.code == 1
    assert "production!21" in said.err
    assert acme.size() == before
    assert acme.imports(acme.book(book)).code == 0
    assert acme.size() == before + 41


def test_custody_keys_speak_each_for_its_enterprise(acme: Supplier, tmp_path: Path) -> None:
    token = acme.at.ok("token", "issue", "--role", "auditor", "--json").json["token"]
    admitted(acme.at, acme.address, "beta")
    beta = keyfile.read(Path("beta.key"), production=False).enterprise
    rows = [
        {"enterprise": each, "code": "steel", "name": "Steel", "unit": "kg"}
        for each in (acme.enterprise, beta)
    ]
    said = acme.at.run(
        "import", acme.book({"products": rows}), "--keys", ".", "--server", acme.address,
        "--token", token,
    )  # fmt: skip
    assert said.code == 0, said.err
    owners = {said.owner for said in acme.standing().products.values()}
    assert owners == {acme.enterprise, beta}


def test_a_delegate_speaks_for_another(acme: Supplier) -> None:
    admitted(acme.at, acme.address, "beta")
    beta = keyfile.read(Path("beta.key"), production=False).enterprise
    acme.at.write("d.json", {"type": "delegation", "delegate": acme.enterprise, "serial": 1,
                             "until": "2099-01-01"})  # fmt: skip
    book = acme.book({"products": BOOK["products"]})
    refused = acme.imports(book, "--on-behalf-of", beta)
    assert refused.code == 1
    acme.at.ok("sign", "d.json", "--key", "beta.key", "--out", "d.jws")
    acme.at.ok("submit", "d.jws", "--server", acme.address)
    assert acme.imports(book, "--on-behalf-of", beta).code == 0
    assert {said.owner for said in acme.standing().products.values()} == {beta}


def test_what_is_no_id_speaks_for_nobody(acme: Supplier) -> None:
    assert acme.imports(acme.book(BOOK), "--on-behalf-of", "banana").code == 2


def test_csv_files_are_named_after_their_sheet_or_told(acme: Supplier) -> None:
    text = "code,name,unit\nsteel,钢,吨\n"
    acme.at.write("products.csv", text)
    assert acme.imports(Path("products.csv")).code == 0
    acme.at.write("export-1.csv", text)
    refused = acme.imports(Path("export-1.csv"))
    assert refused.code == 1
    assert "--type" in refused.err
    assert acme.imports(Path("export-1.csv"), "--type", "products").code == 0


def test_importing_needs_a_key_and_a_token(acme: Supplier) -> None:
    book = acme.book(BOOK)
    assert acme.at.run("import", book, "--server", acme.address, "--token", acme.token).code == 2
    assert acme.at.run("import", book, "--key", "acme.key", "--server", acme.address).code == 2


def test_a_hostile_file_is_one_sentence_and_exit_code_1(acme: Supplier) -> None:
    before = acme.size()
    Path("bad.xlsx").write_bytes(b"PK\x03\x04")
    said = acme.imports(Path("bad.xlsx"))
    assert said.code == 1
    assert said.err.startswith("The file is refused: it is not a sound .xlsx file.")
    assert acme.size() == before


def test_the_empty_workbook_filled_in_is_imported(acme: Supplier) -> None:
    said = acme.at.ok("import", "template", "empty.xlsx")
    assert "products" in said.out
    assert acme.at.run("import", "template", "empty.xlsx").code == 1
    assert acme.imports(Path("empty.xlsx")).code == 0


def test_the_log_takes_all_that_the_books_of_a_site_can_say(acme: Supplier) -> None:
    place = {"site": "plant", "period": 2025}
    book: Cells = {
        "sites": [
            {**BOOK["sites"][0], "division": 320505},
            {**BOOK["sites"][0], "code": "boiler", "name": "Boiler house"},
        ],
        "meters": [
            {"site": "plant", "meter": "E-01", "measures": "electricity", "flow": "bought",
             "source": "grid", "unit": "kWh", "reads": "register", "multiplier": 2000}
        ],
        "inventory": [{**place, "gas": "none"}],
        "fuels": [{**place, "fuel": "天然气", "amount": 10, "unit": "万Nm3"}],
        "energy": [{**place, "carrier": "electricity", "flow": "bought", "source": "grid",
                    "amount": 400, "unit": "MWh"}],
        "waste": [{**place, "kind": "municipal", "treatment": "landfilled", "amount": 0,
                   "unit": "t"}],
        "water": [{**place, "kind": "fresh", "amount": 5000, "unit": "m3"}],
        "removals": [{**place, "sink": "natural", "name": "Grove", "amount": 2, "unit": "t"}],
        "captured": [{**place, "origin": "fossil", "fate": "used", "amount": 1, "unit": "t"}],
        "output_value": [{**place, "amount": 1200, "unit": "万CNY:2025:basic"}],
        "allocations": [{"site": "boiler", "period": 2025, "service": "Steam", "key": "Heat",
                         "used_at": "plant", "share": 1}],
        "certificates": [{"kind": "green-power", "registry": "gec.cn", "serial": "GEC-001",
                          "count": 40, "amount": 40, "unit": "MWh", "year": 2025,
                          "site": "plant"}],
        "targets": [{"name": "Net zero", "ambition": "operational", "base_year": 2025,
                     "year": 2035, "reduction": 100}],
    }  # fmt: skip
    first = acme.imports(acme.book(book), "--json")
    assert first.code == 0, first.out
    kinds = ["site", "site", "meter", "inventory", "allocation", "certificate", "target"]
    assert actions(first) == [(kind, "new") for kind in kinds]
    again = acme.imports(acme.book(book), "--json")
    assert {action for _, action in actions(again)} == {"unchanged"}
    only_water: Cells = {"water": [{**place, "kind": "fresh", "amount": 6000, "unit": "m3"}]}
    changed = acme.imports(acme.book(only_water), "--json")
    assert [(row["type"], row["changed"]) for row in changed.json["statements"]] == [
        ("inventory", ["water"])
    ]
