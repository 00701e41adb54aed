"""Three data sets made by others, said as their owners would say them, for tests of what is wrong
with them. Names of real companies are left out: their values here are not theirs.
"""

from __future__ import annotations

import csv
import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import python_calamine

from graph.engine import Engine, Question
from graph.findings import Finding
from graph.soundness.evidence import Evidence
from graph.soundness.plausibility import STAGES_PATH, findings_for_auditors
from ledger import pact
from ledger.log import Accepted, Refused
from ledger.schema import load
from ledger.statements import Footprint
from tests.factory import Actor, Factory, line

CHUNK = 100
NOT_YET = cast(Accepted, None)
"""What appending answers until everything is appended."""
UNITS = {
    "unit:piece": "H87",
    "unit:kilogram": "KGM",
    "unit:gram": "GRM",
    "unit:litre": "LTR",
}

Row = dict[str, str]


class Heap(Factory):
    """A log to which statements are appended many at a time: what is said is signed at once, and
    judged and stored in `append_all`."""

    def __init__(self, place: str | Path, *, seed: int = 0) -> None:
        self.signed: list[bytes] = []
        super().__init__(place, seed=seed)

    def append(self, envelope: bytes) -> Accepted:
        self.signed.append(envelope)
        return NOT_YET

    def append_all(self) -> None:
        for start in range(0, len(self.signed), CHUNK):
            for outcome in self.log.append(self.signed[start : start + CHUNK]):
                if isinstance(outcome, Refused):
                    raise outcome.error
        self.signed.clear()


def noticed(f: Factory, year: int) -> tuple[Finding, ...]:
    """Everything that is found about everything."""
    answered = Engine(f.log).answer(Question(year=year))
    evidence = Evidence.of(answered.standing, answered.solved, answered.weights)
    return findings_for_auditors(evidence, evidence.everything)


# --- catenax-bom ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bom:
    """A bill of materials: lines as the parent sees them, and as the child does."""

    parts: list[Row]
    lines: list[Row]
    usages: list[Row]
    sites: list[Row]

    @classmethod
    def read(cls, folder: Path) -> Bom:
        tables = (folder / f"derived/{name}.csv" for name in _TABLES)
        return cls(*(list(csv.DictReader(path.read_text("utf-8").splitlines())) for path in tables))

    @property
    def owner(self) -> dict[str, str]:
        return {part["part_id"]: part["company_bpnl"] for part in self.parts}

    @property
    def unit(self) -> dict[str, str]:
        """What a part is counted in by those who make it; pieces where they do not say."""
        return {usage["child_part_id"]: UNITS[usage["unit"]] for usage in self.usages}


_TABLES = ("parts", "bom_edges", "usage_edges", "part_sites")


def say_bom(f: Heap, bom: Bom) -> None:
    """Firms with their sites and parts; of each part its lines of the half year they are valid, and
    one piece made, which says where."""
    firms = {bpn: f.enterprise(bpn) for bpn in sorted(set(bom.owner.values()))}
    for part in bom.parts:
        unit = bom.unit.get(part["part_id"], "H87")
        actor = firms[part["company_bpnl"]]
        actor.product(part["name"], unit=unit, id=_id(part["part_id"]))
    sites: dict[tuple[str, str], str] = {}
    for row in bom.sites:
        actor, part = firms[bom.owner[row["part_id"]]], _id(row["part_id"])
        at = actor.name, row["site_bpns"]
        site = sites[at] = sites.get(at) or actor.site(row["site_bpns"])
        unit = bom.unit.get(row["part_id"], "H87")
        actor.production(part, site, "1", unit, **_HALF)
        if lines := [each for each in bom.lines if each["parent_part_id"] == row["part_id"]]:
            taken_in = (_line(each, firms) for each in lines)
            actor.recipe(part, site, basis=("1", unit), inputs=taken_in, **_HALF)
    f.append_all()


_HALF: dict[str, Any] = {"period": ("2024-01-01", "2024-07-02")}


def _line(row: Row, firms: dict[str, Actor]) -> Any:
    named = firms.get(row["child_company_bpnl"])
    return line(
        (_id(row["child_part_id"]), row["quantity"], UNITS[row["unit"]]),
        supplier=named.id if named else str(uuid.uuid5(uuid.NAMESPACE_URL, "nobody")),
    )


def _id(urn: str) -> str:
    return urn.removeprefix("urn:uuid:")


# --- pact-samples -----------------------------------------------------------------------------


def pact_samples(folder: Path) -> list[dict[str, Any]]:
    """The 90 objects without the names of real companies and goods: their values are invented."""
    bodies = [b for path in sorted(folder.glob("*.json")) for b in json.loads(path.read_text())]
    firms = {name: n for n, name in enumerate(sorted({b["companyName"] for b in bodies}))}
    return [{**b, **_renamed(firms[b["companyName"]], n)} for n, b in enumerate(bodies)]


def _renamed(firm: int, product: int) -> dict[str, Any]:
    domain = f"urn:pact:firm-{firm}.example"
    return {
        "companyName": f"Firm {firm}",
        "companyIds": [f"{domain}:company-id:1"],
        "productIds": [f"{domain}:product-id:{product}"],
        "productNameCompany": f"Product {product}",
        "productDescription": "",
        "comment": "SAMPLE",
    }


def say_pact(f: Heap, bodies: Iterable[dict[str, Any]]) -> None:
    """A firm for each company, a product for each footprint."""
    firms: dict[str, Actor] = {}
    for body in bodies:
        footprint = load(pact.ProductFootprint, body)
        name, pcf = footprint.company_name, footprint.pcf
        if name not in firms:
            firms[name] = f.enterprise(name)
        mass = format(_mass(pcf), "f")
        product = firms[name].product(
            footprint.product_name_company, unit=pcf.unit_code, mass_per_unit=mass
        )
        firms[name].say(Footprint(product=product, site=None, pact=footprint))
    f.append_all()


def _mass(pcf: pact.CarbonFootprint) -> Decimal:
    return pcf.product_mass_per_declared_unit / pcf.declared_unit_amount


# --- carbon-catalogue -------------------------------------------------------------------------

PCF = "Product's carbon footprint (PCF, kg CO2e)"


@dataclass(frozen=True)
class Catalogued:
    """One published footprint: of which product, in which year, with its stages if given."""

    product: str
    company: str
    sector: str
    year: int
    mass: Decimal
    total: Decimal
    stages: tuple[tuple[str, Decimal], ...]


def carbon_catalogue(folder: Path) -> list[Catalogued]:
    """All 866, by product and year."""
    (path,) = folder.glob("*.xlsx")
    book = python_calamine.CalamineWorkbook.from_path(path)
    stages: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
    for row in _rows(book, "Stage Level Data"):
        name = row["Description of LCA stage"]
        stages[row["*PCF-ID"]].append((name, _decimal(row["Emissions at stage (kg CO2e)"])))
    found = [_catalogued(row, stages) for row in _rows(book, "Product Level Data")]
    return sorted(found, key=lambda each: (each.product, each.year))


def _rows(book: python_calamine.CalamineWorkbook, sheet: str) -> Iterator[dict[str, Any]]:
    heading, *rows = book.get_sheet_by_name(sheet).to_python()
    return (dict(zip(map(str, heading), row, strict=True)) for row in rows)


def _catalogued(row: dict[str, Any], stages: dict[str, list[tuple[str, Decimal]]]) -> Catalogued:
    company, product, _ = row["*PCF-ID"].split("-")
    return Catalogued(
        product=f"{company}-{product}",
        company=company,
        sector=row["*Company's sector"],
        year=int(row["Year of reporting"]),
        mass=_decimal(row["Product weight (kg)"]),
        total=_decimal(row[PCF]),
        stages=tuple(stages.get(row["*PCF-ID"], ())),
    )


def _decimal(number: float) -> Decimal:
    return Decimal(format(Decimal(repr(number)), "f"))


def say_catalogue(f: Heap, rows: Sequence[Catalogued]) -> None:
    """A firm for each company, a product of its sector for each product, in pieces."""
    firms = {company: f.enterprise(company) for company in sorted({r.company for r in rows})}
    products: dict[str, str] = {}
    for row in rows:
        owner, mass = firms[row.company], format(row.mass, "f")
        if row.product not in products:
            products[row.product] = owner.product(
                row.product, unit="H87", mass_per_unit=mass, classifications=(_class(row),)
            )
        owner.footprint(
            products[row.product],
            format(row.total, "f"),
            unit="H87",
            year=row.year,
            pcf={"productMassPerDeclaredUnit": mass},
            extensions=_stages(row),
        )
    f.append_all()


def _class(row: Catalogued) -> str:
    letters = "".join(c if c.isalnum() else " " for c in row.sector.lower())
    return f"urn:gics:{'-'.join(letters.split())}"


def _stages(row: Catalogued) -> list[dict[str, Any]]:
    if not row.stages:
        return []
    stages = [{"name": name, "kgCo2ePerDeclaredUnit": format(kg, "f")} for name, kg in row.stages]
    schema = f"https://catchment.example{STAGES_PATH}"
    return [{"specVersion": "2.0.0", "dataSchema": schema, "data": {"stages": stages}}]
