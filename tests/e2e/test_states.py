"""A US state as the park: 146 products of a published two-region table, imported and asked for.

The US EPA's state models (``../shared/data/useeio-states``) come with their own Leontief inverse L
and multipliers N. Products, recipes and production are imported from workbooks, signed, submitted
over HTTP; what the API answers is compared with what the published L and N give.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import xlsxwriter

from api.importing.wanted import entity_id
from tests.e2e.deployment import Deployment, Member

STATES = Path(__file__).parents[3] / "shared" / "data" / "useeio-states"
UNIT = "USD:2020:basic"
GWP = "AR4"
CLOSE = {"rel": 1e-9}


@dataclass
class Table:
    """A published model; ``inside`` marks the sectors of the state."""

    sectors: list[dict[str, str]]
    inside: np.ndarray
    a: np.ndarray
    big_l: np.ndarray
    direct: np.ndarray
    multipliers: np.ndarray
    output: np.ndarray

    @classmethod
    def of(cls, state: str) -> Table:
        folder = STATES / state
        if not folder.is_dir():
            pytest.skip(f"the published table of {state} is not in ../shared/data/useeio-states")

        def read(name: str) -> object:
            return json.loads((folder / f"{name}.json").read_text())

        sectors = read("sectors")
        row = next(i["index"] for i in read("indicators") if i["code"] == "GHG")
        big_l = np.array(read("matrix/L"))
        demand = np.zeros(len(sectors))
        position = {sector["id"]: sector["index"] for sector in sectors}
        for region in (f"US-{state}", "RoUS"):
            for line in read(f"demands/2020_{region}_Production_Complete"):
                demand[position[line["sector"]]] += line["amount"]
        return cls(
            sectors=sectors,
            inside=np.array([sector["location"] == f"US-{state}" for sector in sectors]),
            a=np.array(read("matrix/A")),
            big_l=big_l,
            direct=np.array(read("matrix/D"))[row],
            multipliers=np.array(read("matrix/N"))[row],
            output=big_l @ demand,
        )

    def expected(self) -> dict[str, float]:
        """The bridge from the published L and N alone, kg CO2e."""
        p = self.inside
        n, x = self.multipliers[p], self.output[p]
        never_returning = np.linalg.solve(self.big_l[np.ix_(p, p)], x)
        t2 = n @ never_returning
        t1 = n @ (x - self.a[np.ix_(p, p)] @ x)
        scope1 = self.direct[p] @ x
        return {
            "scope1": scope1,
            "upstream": t2 - scope1,
            "t0": n @ x,
            "t1": t1,
            "t2": t2,
            "returned": t1 - t2,
        }


def plain(number: float) -> str:
    return format(Decimal(repr(float(number))), "f")


def identifier(sector: dict[str, str]) -> str:
    return f"urn:pact:useeio.example:sector:{sector['id'].replace('/', '-')}"


def write_workbook(path: Path, table: Table, region: np.ndarray, owners: list[str]) -> None:
    """The books of one region; other regions' goods are named by identifier and supplier."""
    sheets: dict[str, list[list[str]]] = {
        "sites": [["code", "name", "latitude", "longitude", "time_zone"]],
        "products": [["code", "name", "unit", "identifiers"]],
        "production": [["product", "site", "period", "amount", "unit"]],
        "recipes": [["product", "site", "period", "basis_amount", "basis_unit", "line"]],
    }
    sheets["recipes"][0] += ["gas", "gwp", "ref", "supplier", "amount", "unit", "category"]
    sheets["sites"].append(["all", "The whole region", "33.0", "-83.0", "America/New_York"])
    for j in np.flatnonzero(region):
        code = f"s{j}"
        sheets["products"].append(
            [code, table.sectors[j]["name"][:300], UNIT, identifier(table.sectors[j])]
        )
        sheets["production"].append([code, "all", "2020", plain(table.output[j]), UNIT])
        basis = [code, "all", "2020", "1", UNIT]
        emitted = plain(table.direct[j])
        sheets["recipes"].append([*basis, "emission", "CO2e", GWP, "", "", emitted, "kg", ""])
        sheets["recipes"] += [
            [*basis, "input", "", "", identifier(table.sectors[i]), owners[i], amount, UNIT, "1"]
            for i in np.flatnonzero(table.a[:, j])
            if (amount := plain(table.a[i, j]))
        ]
    with xlsxwriter.Workbook(path) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)


def write_park(folder: Path, member_site: str) -> Path:
    path = folder / "park.xlsx"
    with xlsxwriter.Workbook(path) as workbook:
        parks = workbook.add_worksheet("parks")
        parks.write_row(0, 0, ["code", "name", "fence"])
        parks.write_row(1, 0, ["state", "The state", "-84 32; -82 32; -82 34; -84 34"])
        members = workbook.add_worksheet("memberships")
        members.write_row(0, 0, ["park", "site", "from"])
        members.write_row(1, 0, ["state", member_site, "2020-01-01"])
    return path


@pytest.mark.slow
@pytest.mark.only_on("sqlite", "is about arithmetic; the worked example comes from both databases")
@pytest.mark.parametrize("state", ["GA", "CA"])
def test_a_state_as_the_park_matches_its_published_table(
    database_setting: str, tmp_path: Path, state: str
) -> None:
    table = Table.of(state)
    here = Deployment(tmp_path, database_setting, starts_commands=False)
    here.run("init", "--origin", "log.states.example")
    with here.serving():
        economy, rest = here.admitted("State economy"), here.admitted("Rest of the country")
        manager = here.admitted("State manager", role="park")
        owners = [economy.id if own else rest.id for own in table.inside]
        for member, region in ((economy, table.inside), (rest, ~table.inside)):
            write_workbook(tmp_path / "books.xlsx", table, region, owners)
            member.imports(tmp_path / "books.xlsx")
        manager.imports(write_park(tmp_path, entity_id(economy.id, "site", "all")))
        auditor = here.run_json("token", "issue", "--role", "auditor", "--label", "test")["token"]
        park = entity_id(manager.id, "park", "state")
        books = here.get(f"/v1/parks/{park}/inventory", auditor, year="2020", gwp=GWP)
        answered = footprints(here, (economy, rest), table, auditor)

    expected = table.expected()
    for name in ("scope1", "upstream"):
        assert float(books[name]["value"]) == pytest.approx(expected[name], **CLOSE)
    for name in ("t0", "t1", "t2", "returned"):
        assert float(books["bridge"][name]["value"]) == pytest.approx(expected[name], rel=1e-8)
    assert answered == pytest.approx(table.multipliers, **CLOSE)


def footprints(
    here: Deployment, members: tuple[Member, Member], table: Table, auditor: str
) -> np.ndarray:
    """What the API answers for each of the products, kg CO2e per dollar."""
    economy, rest = members
    values = []
    for j, own in enumerate(table.inside):
        product = entity_id((economy if own else rest).id, "product", f"s{j}")
        path = f"/v1/products/{product}/footprint"
        figure = here.get(path, auditor, year="2020", gwp=GWP)
        values.append(float(figure["value"]))
    return np.array(values)
