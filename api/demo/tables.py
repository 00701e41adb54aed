"""The demonstration's tables as rows, and who and what they are about. Pure.

Names in the tables (``heron-steel``) become UUIDv5 of one namespace, so that every load has the
same ids. Units are written as people write them (`ledger.units.from_alias`); periods are a year,
``2025``, a quarter, ``2025Q3``, or days, ``2025-06-01/2026-01-01``. What is said of them is read
from their rows by the modules beside this one.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import uuid
from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from ledger import units
from ledger.statements import Body, Consent, Enterprise, LogId, Park, Product, Site

Row: TypeAlias = dict[str, str]
Said: TypeAlias = tuple[str, Body]
"""The name of the enterprise that speaks or is spoken of, and what is said."""

REGISTRAR: Final = ""
"""Speaks for the whole log, under no name of the tables."""
GWP: Final = "AR6"

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


def grouped(table: str, *by: str) -> Iterator[list[Row]]:
    """Rows that make up one statement; they stand next to each other in the table."""
    for _, group in itertools.groupby(rows(table), key=lambda row: [row[name] for name in by]):
        yield list(group)


def of_books(table: str, site: str, period: str) -> list[Row]:
    """The rows of a table that are about a site in a period."""
    return _by_books(table).get((site, period), [])


@cache
def _by_books(table: str) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows(table):
        found.setdefault((row["site"], row["period"]), []).append(row)
    return found


def row_of(table: str, name: str) -> Row:
    """The row of an enterprise, site, park or product."""
    key = table.removesuffix("s")
    return next(row for row in rows(table) if row[key] == name)


def number(text: str) -> Decimal | None:
    """The number in a cell, if there is one."""
    return Decimal(text) if text else None


def owner_of(table: str, name: str) -> str:
    """The enterprise, by name, that a row of ``sites``, ``parks`` or ``products`` belongs to."""
    return _owners(table)[name]


def owner_of_any(name: str, tables: Sequence[str] = ("products", "sites", "parks")) -> str:
    """The enterprise that a thing of one of the tables belongs to."""
    found = (_owners(table).get(name) for table in tables)
    return next(owner for owner in found if owner)


@cache
def _owners(table: str) -> dict[str, str]:
    return {row[table.removesuffix("s")]: row["enterprise"] for row in rows(table)}


def enterprises() -> Iterator[tuple[str, tuple[str, ...], Enterprise]]:
    """Names, roles of their keys, and registrations."""
    for row in rows("enterprises"):
        name = row["enterprise"]
        body = Enterprise(
            id=id_of(name), name=row["name"], country="CN", identifiers=(company_urn(name),)
        )
        yield name, tuple(row["roles"].split()), body


def company_urn(enterprise: str) -> str:
    """Under which an enterprise knows itself."""
    return f"urn:pact:{row_of('enterprises', enterprise)['domain']}:company-id:1"


def product_urn(product: str) -> str:
    """Under which its maker knows a product."""
    return f"{company_urn(owner_of('products', product))[:-13]}:product-id:{product}"


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
        division=row["division"],
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
        identifiers=tuple(filter(None, (product_urn(row["product"]), row["identifier"]))),
        classifications=tuple(filter(None, (row["class"],))),
        mass_per_unit=Decimal(row["kg_per_unit"]),
        energy_carrier=row["energy_carrier"] or None,
        grid=row["grid"] or None,
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
