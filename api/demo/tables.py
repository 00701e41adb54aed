"""The demonstration's tables as rows, and rows as the bodies of statements. Pure.

Names in the tables (``heron-steel``) become UUIDv5 of one namespace, so that every load has the
same ids. Units are written as people write them (`ledger.units.from_alias`); periods are a year,
``2025``, or a quarter, ``2025Q3``.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import uuid
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from api.importing.cells import period_of
from ledger import pact, units
from ledger.gases import CO2E
from ledger.schema import load
from ledger.statements import (
    Basis,
    Body,
    Consent,
    DirectEmission,
    DisclosedObject,
    Disclosure,
    Emission,
    Enterprise,
    Footprint,
    InputLine,
    Inventory,
    LogId,
    Park,
    Product,
    Production,
    Purchases,
    Recipe,
    Reference,
    Site,
    Transport,
)

Row: TypeAlias = dict[str, str]
Said: TypeAlias = tuple[str, Body]
"""The name of the enterprise that speaks, and what it says."""

FREIGHT: Final = "drover-freight"
"""The transport service behind ``freight_tkm``."""
GWP: Final = "AR6"
TIME_ZONE_OFFSET: Final = "+08:00"

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://catchment.example/demo")
_FOLDER = Path(__file__).parent


@cache
def rows(table: str) -> tuple[Row, ...]:
    """The rows of ``<table>.csv``, empty cells as empty texts."""
    with (_FOLDER / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return tuple(csv.DictReader(file))


def id_of(name: str) -> str:
    """The id of anything the tables name; names are unique across all tables."""
    return str(uuid.uuid5(_NAMESPACE, name))


def owner_of(table: str, name: str) -> str:
    """The enterprise, by name, that a row of ``sites``, ``parks`` or ``products`` belongs to."""
    return _owners(table)[name]


@cache
def _owners(table: str) -> dict[str, str]:
    return {row[table.removesuffix("s")]: row["enterprise"] for row in rows(table)}


# --- Who, where and what -------------------------------------------------------------------


def enterprises() -> Iterator[tuple[str, tuple[str, ...], Enterprise]]:
    """Names, roles of their keys, and registrations."""
    for row in rows("enterprises"):
        name = row["enterprise"]
        body = Enterprise(
            id=id_of(name), name=row["name"], country="CN", identifiers=(_company_urn(name),)
        )
        yield name, tuple(row["roles"].split()), body


def _company_urn(enterprise: str) -> str:
    domain = next(r["domain"] for r in rows("enterprises") if r["enterprise"] == enterprise)
    return f"urn:pact:{domain}:company-id:1"


def _product_urn(product: str) -> str:
    return f"{_company_urn(owner_of('products', product))[:-13]}:product-id:{product}"


def entities() -> Iterator[Said]:
    """Sites, parks and products."""
    for row in rows("sites"):
        yield row["enterprise"], _site(row)
    for row in rows("parks"):
        yield row["enterprise"], _park(row)
    for row in rows("products"):
        yield row["enterprise"], _product(row)


def _site(row: Row) -> Site:
    return Site(
        id=id_of(row["site"]),
        name=row["name"],
        latitude=Decimal(row["latitude"]),
        longitude=Decimal(row["longitude"]),
        time_zone=row["time_zone"],
        grid_region=row["grid_region"],
    )


def _park(row: Row) -> Park:
    corners = (corner.split() for corner in row["fence"].split(";"))
    fence = tuple((Decimal(longitude), Decimal(latitude)) for longitude, latitude in corners)
    return Park(id=id_of(row["park"]), name=row["name"], fence=fence)


def _product(row: Row) -> Product:
    return Product(
        id=id_of(row["product"]),
        name=row["name"],
        unit=units.from_alias(row["unit"]),
        identifiers=tuple(filter(None, (_product_urn(row["product"]), row["identifier"]))),
        classifications=tuple(filter(None, (row["class"],))),
        mass_per_unit=Decimal(row["kg_per_unit"]),
        energy_carrier=row["energy_carrier"] or None,
    )


def consent(row: Row, log: LogId) -> Consent:
    """What the owner of the site in a row of ``memberships`` signs for the park."""
    return Consent(
        log={"origin": log.origin, "genesis": str(log.genesis)},
        park=id_of(row["park"]),
        site=id_of(row["site"]),
        start=dt.date.fromisoformat(row["from"]),
        end=dt.date.fromisoformat(row["to"]) if row["to"] else None,
        small_aggregates=row["small_aggregates"] == "yes",
    )


# --- Books ---------------------------------------------------------------------------------


def books() -> Iterator[Said]:
    """Production, recipes, inventories and purchases."""
    for row in rows("production"):
        yield owner_of("products", row["product"]), _production(row)
    for made in _grouped("recipes", "product", "site", "period"):
        yield owner_of("products", made[0]["product"]), _recipe(made)
    for emitted in _grouped("inventory", "site", "period"):
        yield owner_of("sites", emitted[0]["site"]), _inventory(emitted)
    for bought in _grouped("purchases", "site", "period"):
        yield owner_of("sites", bought[0]["site"]), _purchases(bought)


def _grouped(table: str, *by: str) -> Iterator[list[Row]]:
    """Rows that make up one statement; they stand next to each other in the table."""
    for _, group in itertools.groupby(rows(table), key=lambda row: [row[name] for name in by]):
        yield list(group)


def _production(row: Row) -> Production:
    return Production(
        product=id_of(row["product"]),
        site=id_of(row["site"]),
        period=period_of(row["period"]),
        amount=Decimal(row["amount"]),
        unit=units.from_alias(row["unit"]),
    )


def _recipe(made: list[Row]) -> Recipe:
    first = made[0]
    generated = _emissions((row["what"], row) for row in made if row["line"] == "generation")
    return Recipe(
        product=id_of(first["product"]),
        site=id_of(first["site"]),
        period=period_of(first["period"]),
        basis=Basis(amount=Decimal(first["basis"]), unit=units.from_alias(first["unit"])),
        emissions=_emissions((row["what"], row) for row in made if row["line"] == "emission"),
        inputs=tuple(_input_line(row) for row in made if row["line"] == "input"),
        generation=generated or None,
    )


def _inventory(emitted: list[Row]) -> Inventory:
    return Inventory(
        site=id_of(emitted[0]["site"]),
        period=period_of(emitted[0]["period"]),
        emissions=tuple(
            DirectEmission(gas=each.gas, origin=each.origin, amount=each.amount, gwp=each.gwp)
            for each in _emissions((row["gas"], {**row, "amount": row["kg"]}) for row in emitted)
        ),
    )


def _purchases(bought: list[Row]) -> Purchases:
    return Purchases(
        site=id_of(bought[0]["site"]),
        period=period_of(bought[0]["period"]),
        inputs=tuple(map(_input_line, bought)),
    )


def _emissions(emitted: Iterable[tuple[str, Row]]) -> tuple[Emission, ...]:
    return tuple(
        Emission(
            gas=gas,
            origin=row["origin"],
            amount=Decimal(row["amount"]),
            gwp=GWP if gas == CO2E else None,
        )
        for gas, row in emitted
    )


def _input_line(row: Row) -> InputLine:
    return InputLine(
        ref=_reference(row["what"], row["region"]),
        supplier=_supplier(row["supplier"]),
        amount=Decimal(row["amount"]),
        unit=units.from_alias(row["in"]),
        category=int(row["category"]),
        transport=_freight(row["freight_tkm"]) if row["freight_tkm"] else None,
    )


def _reference(what: str, region: str) -> Reference:
    """A product by its name; a class, where a region is given with it; else an identifier."""
    if not what.startswith("urn:"):
        return Reference(product=id_of(what))
    if region:
        return Reference(classification=what, region=region)
    return Reference(identifiers=(what,))


def _supplier(text: str) -> str | None:
    if not text:
        return None
    return text if text.startswith("urn:") else id_of(text)


def _freight(tkm: str) -> Transport:
    return Transport(ref=_reference(FREIGHT, ""), amount=Decimal(tkm), unit="TKM")


# --- Footprints and who may read them ------------------------------------------------------


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
    owner, product = owner_of("products", row["product"]), _row("products", row["product"])
    return {
        "id": id_of(f"footprint {row['product']} {row['year']}"),
        "specVersion": "3.0.3",
        "created": f"{int(row['year']) + 1}-03-01T09:00:00{TIME_ZONE_OFFSET}",
        "status": "Active",
        "companyName": _row("enterprises", owner)["name"],
        "companyIds": [_company_urn(owner)],
        "productDescription": product["name"],
        "productIds": [_product_urn(row["product"])],
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


def _row(table: str, name: str) -> Row:
    key = table.removesuffix("s")
    return next(row for row in rows(table) if row[key] == name)


def disclosures() -> Iterator[Said]:
    """What is opened, and to whom."""
    for row in rows("disclosures"):
        what = DisclosedObject(type=row["kind"], id=id_of(row["object"]))
        grantee = id_of(row["grantee"]) if row["grantee"] else None
        yield (
            _owner_of_any(row["object"]),
            Disclosure(object=what, level=row["level"], grantee=grantee),
        )


def _owner_of_any(name: str) -> str:
    found = (_owners(table).get(name) for table in ("products", "sites", "parks"))
    return next(owner for owner in found if owner)
