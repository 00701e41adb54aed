"""Footprints as PACT v3 writes them, one to a row."""

from __future__ import annotations

import datetime as dt
import hashlib
import zoneinfo
from decimal import Decimal
from typing import Any, Final, cast

from api.importing.cells import Cells
from api.importing.lines import present
from api.importing.single import single
from api.importing.wanted import entity_id
from ledger import units
from ledger.errors import CatchmentError
from ledger.statements import Enterprise
from ledger.strict_json import dumps

PACT_VERSION: Final = "3.0.3"
_PACT_UNITS = {"mass": "KGM", "energy": "3B", "volume": "LTR", "count": "H87", "time": "HUR"}
_PACT_CODES = ("KGM", "LTR", "MTQ", "KWH", "3B", "TKM", "MTK", "H87", "HUR")


def _footprint(cells: Cells, now: dt.datetime) -> dict[str, Any]:
    product, site = cells.own("product", "product"), cells.own("site", "site")
    pact = {**_pact_head(cells, product), "pcf": present(_pact_pcf(cells, product, site))}
    named = hashlib.sha256(dumps({"pact": pact, "site": site})).hexdigest()
    pact["id"] = entity_id(str(cells.enterprise), "footprint", named)
    pact["created"] = now.astimezone(dt.UTC).replace(microsecond=0).isoformat()
    return {"product": product, "site": site, "pact": pact}


def _pact_head(cells: Cells, product: str | None) -> dict[str, Any]:
    enterprise = str(cells.enterprise)
    holder = cells.known.books(enterprise).get(f"enterprise|{enterprise}")
    company = cast(Enterprise, holder.body) if holder else None
    known = cells.known.cell(enterprise, "product", str(product), "name")
    return {
        "specVersion": PACT_VERSION,
        "status": "Active",
        "companyName": company.name if company else enterprise,
        "companyIds": list(company.identifiers if company else ()) or [f"urn:uuid:{enterprise}"],
        "productDescription": "",
        "productIds": [f"urn:uuid:{product}"],
        "productNameCompany": known or str(cells.get("product")),
    }


def _pact_pcf(cells: Cells, product: str | None, site: str | None) -> dict[str, Any]:
    total = cells.amount("total")
    unit, amount, mass = _declared_unit(cells, str(product))
    start, end = _instants(cells, site)
    return {
        "declaredUnitOfMeasurement": unit,
        "declaredUnitAmount": amount,
        "productMassPerDeclaredUnit": cells.amount("mass") or mass,
        "referencePeriodStart": start,
        "referencePeriodEnd": end,
        "geographyCountry": cells.get("country"),
        "geographyCountrySubdivision": cells.get("subdivision"),
        "boundaryProcessesDescription": cells.get("boundary"),
        "pcfExcludingBiogenicUptake": total,
        "pcfIncludingBiogenicUptake": cells.amount("total_with_uptake") or total,
        "fossilCarbonContent": cells.amount("fossil_carbon"),
        "biogenicCarbonContent": cells.amount("biogenic_carbon"),
        "fossilGhgEmissions": cells.amount("fossil") or total,
        "ipccCharacterizationFactors": cells.words("gwp"),
        "crossSectoralStandards": cells.words("standards"),
        "exemptedEmissionsPercent": cells.amount("exempted_percent"),
        "primaryDataShare": cells.amount("primary_share"),
    }


def _declared_unit(cells: Cells, product: str) -> tuple[str | None, str | None, str | None]:
    """PACT's word, how many of it one declared unit is, and the mass of that in kg.

    PACT has ten units: a product declared in tonnes is said as 1000 kilogram.
    """
    enterprise = str(cells.enterprise)
    text = cells.known.cell(enterprise, "product", product, "unit")
    if not text:
        cells.refuse("product", "Its declared unit is not known; put it into the products sheet.")
        return None, None, None
    try:
        unit = units.parse(units.from_alias(text))
        word, amount = _in_pact(unit)
    except CatchmentError as refused:
        cells.refuse_for("product", refused)
        return None, None, None
    if unit.dimension == "mass":
        return word, amount, format(unit.factor, "f")
    mass = cells.known.cell(enterprise, "product", product, "mass_per_unit")
    if not mass and not cells.get("mass"):
        cells.refuse("mass", "Say the mass per declared unit; 0 for energy and services.")
    return word, amount, mass


def _in_pact(unit: units.Unit) -> tuple[str, str]:
    target = unit.code if unit.code in _PACT_CODES else _PACT_UNITS.get(unit.dimension, unit.code)
    amount = units.convert(Decimal(1), unit, units.parse(target))
    return units.to_pact(target), format(amount, "f")


def _instants(cells: Cells, site: str | None) -> tuple[str | None, str | None]:
    """The period's first and last midnight in the zone of the row or of its site."""
    period = cells.period()
    zone = cells.get("time_zone") or (
        cells.known.cell(str(cells.enterprise), "site", site, "time_zone") if site else ""
    )
    if not zone or zone not in zoneinfo.available_timezones():
        cells.refuse("time_zone", "Name the time zone of the period, such as Asia/Shanghai.")
        return None, None
    if period is None:
        return None, None
    start, end = (_midnight(day, zone) for day in (period.start, period.end))
    return start, end


def _midnight(day: dt.date, zone: str) -> str:
    local = dt.datetime.combine(day, dt.time(), zoneinfo.ZoneInfo(zone))
    return local.astimezone(dt.UTC).isoformat()


READ: Final = single(
    "footprint",
    _footprint,
    {
        "/pact/pcf/pcfExcluding": "total",
        "/pact/pcf/pcfIncluding": "total_with_uptake",
        "/pact/pcf/fossilGhg": "fossil",
        "/pact/pcf/fossilCarbon": "fossil_carbon",
        "/pact/pcf/biogenicCarbon": "biogenic_carbon",
        "/pact/pcf/productMass": "mass",
        "/pact/pcf/ipcc": "gwp",
        "/pact/pcf/crossSectoral": "standards",
        "/pact/pcf/exempted": "exempted_percent",
        "/pact/pcf/geographyCountrySubdivision": "subdivision",
        "/pact/pcf/geographyCountry": "country",
        "/pact/pcf/primary": "primary_share",
        "/pact/pcf/boundary": "boundary",
        "/pact/pcf/referencePeriod": "period",
        "/site": "site",
        "/product": "product",
    },
)
"""What reads the sheet of footprints."""
