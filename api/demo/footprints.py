"""The PACT footprints of the demonstration, as enterprises exchange them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from api.demo.tables import (
    GWP,
    Row,
    Said,
    company_urn,
    id_of,
    owner_of,
    product_urn,
    row_of,
    rows,
)
from ledger import pact, units
from ledger.schema import load
from ledger.statements import Footprint

TIME_ZONE_OFFSET: Final = "+08:00"


def footprints() -> Iterator[Said]:
    """PACT footprints, as exchanged between enterprises."""
    for row in rows("footprints"):
        yield owner_of("products", row["product"]), _footprint(row)


def _footprint(row: Row) -> Footprint:
    return Footprint(
        product=id_of(row["product"]),
        site=id_of(row["site"]) if row["site"] else None,
        pact=load(pact.ProductFootprint, _pact_body(row)),
    )


def _pact_body(row: Row) -> dict[str, object]:
    owner, product = owner_of("products", row["product"]), row_of("products", row["product"])
    return {
        "id": id_of(f"footprint {row['product']} {row['year']}"),
        "specVersion": "3.0.3",
        "created": f"{int(row['year']) + 1}-03-01T09:00:00{TIME_ZONE_OFFSET}",
        "status": "Active",
        "companyName": row_of("enterprises", owner)["name"],
        "companyIds": [company_urn(owner)],
        "productDescription": product["name"],
        "productIds": [product_urn(row["product"])],
        "productNameCompany": product["name"],
        "comment": row["source"],
        "pcf": _carbon_footprint(row, product),
        **({"extensions": [_generation(row)]} if row["kg_co2e_generation"] else {}),
    }


def _carbon_footprint(row: Row, product: Row) -> dict[str, object]:
    parts = {
        "fossilGhgEmissions": Decimal(row["kg_co2e"]),
        "landUseChangeGhgEmissions": Decimal(row["kg_co2e_land_use"] or 0),
        "biogenicNonCO2Emissions": Decimal(row["kg_co2e_biogenic"] or 0),
    }
    total, uptake = sum(parts.values(), Decimal(0)), Decimal(row["kg_co2e_uptake"] or 0)
    unit = units.from_alias(row["unit"])
    whole_units = Decimal(row["amount"]) * units.ratio(
        units.parse(unit), units.parse(units.from_alias(product["unit"]))
    )
    stated = {
        "declaredUnitAmount": Decimal(row["amount"]),
        "productMassPerDeclaredUnit": whole_units * Decimal(product["kg_per_unit"]),
        "pcfExcludingBiogenicUptake": total,
        "pcfIncludingBiogenicUptake": total + uptake,
        "fossilCarbonContent": Decimal(0),
        "exemptedEmissionsPercent": Decimal(0),
        "primaryDataShare": Decimal(row["primary_percent"]),
        **({"biogenicCO2Uptake": uptake} if uptake else {}),
        **parts,
    }
    year = int(row["year"])
    return {
        **{name: format(value.normalize(), "f") for name, value in stated.items()},
        "declaredUnitOfMeasurement": units.to_pact(unit),
        "referencePeriodStart": f"{year}-01-01T00:00:00{TIME_ZONE_OFFSET}",
        "referencePeriodEnd": f"{year + 1}-01-01T00:00:00{TIME_ZONE_OFFSET}",
        **_geography(row["region"]),
        "ipccCharacterizationFactors": [GWP],
        "crossSectoralStandards": ["ISO14067"],
        **_secondary_sources(row),
    }


def _geography(region: str) -> dict[str, str]:
    subdivision = "-" in region
    return {"geographyCountrySubdivision" if subdivision else "geographyCountry": region}


def _secondary_sources(row: Row) -> dict[str, object]:
    if row["primary_percent"] == "100":
        return {}
    source = {"name": "Published factors, see comment", "version": row["year"]}
    return {"secondaryEmissionFactorSources": [source]}


def _generation(row: Row) -> dict[str, object]:
    return {
        "specVersion": "2.0.0",
        "dataSchema": f"https://catchment.example{pact.ENERGY_GENERATION_PATH}",
        "data": {"generationKgCo2ePerDeclaredUnit": row["kg_co2e_generation"]},
    }
