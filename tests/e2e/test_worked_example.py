"""The worked example of docs/accounting.md, imported from tables and answered over HTTP.

Outputs, emissions and flows are read from ``../shared/data/park-hand-example``; the expected
numbers are the arithmetic on paper in docs/accounting.md, written down here once more.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from api.importing.wanted import entity_id
from tests.e2e.deployment import Deployment, Member

EXAMPLE = Path(__file__).parents[3] / "shared" / "data" / "park-hand-example" / "example.json"
YEAR = "2025"
INSIDE = ("P1", "P2")
CARRIERS = {"E3": "electricity"}
M = {"P1": "3.7125", "P2": "4.29", "E3": "0.8", "T4": "3.345"}
FIRM_TOTALS = {"P1": 297.0, "P2": 171.6, "E3": 160.0, "T4": 121.636363636364}
ORIGINS_OF_P1 = {"P1": 2.5, "P2": 0.3125, "E3": 0.65, "T4": 0.25}


@pytest.fixture
def example() -> Any:
    if not EXAMPLE.is_file():
        pytest.skip("the worked example is not in ../shared/data/park-hand-example")
    return json.loads(EXAMPLE.read_text())


@dataclass
class Chain:
    here: Deployment
    members: dict[str, Member]
    park: str
    auditor: str

    def books(self) -> Any:
        return self.here.get(f"/v1/parks/{self.park}/inventory", self.auditor, year=YEAR)

    def product(self, name: str) -> str:
        return entity_id(self.members[name].id, "product", name)


Rows = list[dict[str, str]]


def write_csv(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns(rows), restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_workbook(path: Path, sheets: dict[str, Rows]) -> Path:
    with xlsxwriter.Workbook(path) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            sheet.write_row(0, 0, columns(rows))
            for number, row in enumerate(rows, start=1):
                sheet.write_row(number, 0, [row.get(name, "") for name in columns(rows)])
    return path


def columns(rows: Rows) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def sheets_of(example: Any, name: str, ids: dict[str, str], *, recipe: bool) -> dict[str, Rows]:
    """One firm's tables; a tenant without recipe states its inventory and purchases instead."""
    node = next(node for node in example["nodes"] if node["id"] == name)
    where = {"latitude": "31.5", "longitude": "120.5" if name in INSIDE else "119.5"}
    about = {"product": name, "site": "works", "period": YEAR}
    output = {"amount": str(node["output"]), "unit": "pcs"}
    emission = {"gas": "CO2", "amount": str(node["direct_emissions"]), "unit": "kg"}
    inputs = [
        {
            "ref": identifier(supplier),
            "supplier": ids[supplier],
            "amount": str(amount),
            "unit": "pcs",
            "category": "3" if supplier in CARRIERS else "1",
        }
        for supplier, consumer, amount in example["flows"]
        if consumer == name
    ]
    product = {"code": name, "name": name, "unit": "pcs", "identifiers": identifier(name)}
    site = {"code": "works", "name": f"{name} works", "time_zone": "Asia/Shanghai", **where}
    sheets: dict[str, Rows] = {
        "sites": [site],
        "products": [{**product, "energy_carrier": CARRIERS.get(name, "")}],
        "production": [{**about, **output}],
    }
    if recipe:
        basis = {**about, "basis_amount": output["amount"], "basis_unit": "pcs"}
        lines = [{"line": "emission", **emission}, *({"line": "input", **i} for i in inputs)]
        return {**sheets, "recipes": [{**basis, **line} for line in lines]}
    place = {"site": "works", "period": YEAR}
    return {
        **sheets,
        "inventory": [{**place, **emission}],
        "purchases": [{**place, **line} for line in inputs],
    }


def identifier(name: str) -> str:
    return f"urn:pact:example.test:product-id:{name}"


def imported(here: Deployment, example: Any, *, tenants_recipes: bool) -> Chain:
    """Everything said: the assembler's books come as CSV tables, the others' as workbooks."""
    members = {node["id"]: here.admitted(f"{node['id']} Works") for node in example["nodes"]}
    manager = here.admitted("Park Manager", role="park")
    ids = {name: member.id for name, member in members.items()}
    for name, member in members.items():
        recipe = tenants_recipes or name not in INSIDE
        sheets = sheets_of(example, name, ids, recipe=recipe)
        if name == "T4":
            for sheet, rows in sheets.items():
                member.imports(write_csv(here.folder / f"{sheet}.csv", rows))
        else:
            member.imports(write_workbook(here.folder / "books.xlsx", sheets))
    fence = "120 31; 121 31; 121 32; 120 32"
    sites = (entity_id(ids[name], "site", "works") for name in INSIDE)
    drawn = {
        "parks": [{"code": "park", "name": "The park", "fence": fence}],
        "memberships": [{"park": "park", "site": site, "from": "2025-01-01"} for site in sites],
    }
    manager.imports(write_workbook(here.folder / "park.xlsx", drawn))
    auditor = here.run_json("token", "issue", "--role", "auditor", "--label", "test")["token"]
    return Chain(here, members, entity_id(manager.id, "park", "park"), auditor)


@pytest.mark.slow
def test_every_number_on_paper_is_answered_over_http(
    database_setting: str, tmp_path: Path, example: Any
) -> None:
    here = Deployment(tmp_path, database_setting, starts_commands=False)
    here.run("init", "--origin", "log.example.test")
    with here.serving():
        chain = imported(here, example, tenants_recipes=True)
        books = chain.books()
        assert books["scope1"]["value"] == "250"
        assert books["scope2"]["location"]["value"] == "56"
        assert books["scope3"]["upstream"]["value"] == "24"
        assert books["upstream"]["value"] == "80"
        bridge = {name: books["bridge"][name]["value"] for name in ("t0", "t1", "returned", "t2")}
        assert bridge == {"t0": "585.75", "t1": "372.9", "returned": "42.9", "t2": "330"}
        assert books["returning"] == "assessed"
        assert {o["name"]: float(o["kgCo2e"]) for o in origins(books)} == pytest.approx(
            {"E3": 60, "T4": 20}
        )
        for name, footprint in M.items():
            path = f"/v1/products/{chain.product(name)}"
            figure = here.get(f"{path}/footprint", chain.auditor, year=YEAR)
            assert (figure["value"], figure["coverage"]) == (footprint, "1")
            member = chain.members[name]
            firm = here.get(f"/v1/enterprises/{member.id}/inventory", chain.auditor, year=YEAR)
            total = float(firm["bridge"]["t2"]["value"])
            assert total == pytest.approx(FIRM_TOTALS[name], rel=1e-11)
        path = f"/v1/products/{chain.product('P1')}/contributions"
        rows = here.get(path, chain.auditor, year=YEAR)["rows"]
        emitted = {row["product"]["name"]: float(row["kgCo2e"]) for row in rows}
        assert emitted == pytest.approx(ORIGINS_OF_P1)


@pytest.mark.slow
@pytest.mark.only_on("sqlite", "is about arithmetic; its sibling runs on both databases")
def test_without_the_tenants_recipes_the_park_keeps_its_figure(
    database_setting: str, tmp_path: Path, example: Any
) -> None:
    here = Deployment(tmp_path, database_setting, starts_commands=False)
    here.run("init", "--origin", "log.example.test")
    with here.serving():
        books = imported(here, example, tenants_recipes=False).books()
    assert books["scope1"]["value"] == "250"
    assert books["upstream"]["value"] == "80"
    assert books["scope3"]["upstream"]["value"] == "24"
    assert books["bridge"]["t2"]["value"] == "330"
    for name in ("t0", "t1", "returned"):
        assert books["bridge"][name] is None
    assert books["returning"] == "not_assessable"


def origins(books: Any) -> Iterator[dict[str, str]]:
    for row in books["origins"]:
        yield {"name": row["product"]["name"], "kgCo2e": row["kgCo2e"]}
