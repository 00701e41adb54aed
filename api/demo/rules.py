"""What the registrar of the demonstration says for the whole log: factors, indicators. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from api.demo.tables import REGISTRAR, Row, Said, grouped, number, row_of, rows
from ledger import units
from ledger.statements import Emission, FactorRow, Factors, Indicator, Indicators


def rules() -> Iterator[Said]:
    """Sets of factors, with the rows that the demonstration needs, and a system of indicators."""
    for told in grouped("factors", "set"):
        yield REGISTRAR, _factors(told)
    for told in grouped("indicators", "system"):
        yield REGISTRAR, _indicators(told)


def _factors(told: list[Row]) -> Factors:
    about = next(row for row in rows("factor_sets") if row["set"] == told[0]["set"])
    return Factors(
        name=about["set"],
        version=about["version"],
        publisher=about["publisher"],
        source=about["source"],
        year=int(about["year"]),
        rows=tuple(_factor(same) for same in _by_factor(told)),
    )


def _by_factor(told: list[Row]) -> list[list[Row]]:
    """One line for each gas of a factor."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in told:
        found.setdefault((row["kind"], row["of"], row["region"]), []).append(row)
    return list(found.values())


def _factor(same: list[Row]) -> FactorRow:
    first = same[0]
    return FactorRow(
        kind=first["kind"],
        name=first["name"],
        of=first["of"],
        region=first["region"] or None,
        unit=units.from_alias(first["unit"]),
        emissions=tuple(
            Emission(gas=row["gas"], origin=row["origin"], amount=Decimal(row["amount"]))
            for row in same
            if row["gas"]
        ),
        net_calorific_value=number(first["net_calorific_value"]),
        carbon_content=number(first["carbon_content"]),
        oxidation=number(first["oxidation"]),
        factor=number(first["factor"]),
    )


def _indicators(told: list[Row]) -> Indicators:
    about = row_of("indicator_systems", told[0]["system"])
    return Indicators(
        name=about["indicator_system"],
        version=about["version"],
        title=about["title"],
        title_zh=about["title_zh"],
        publisher=about["publisher"],
        source=about["source"],
        pass_mark=number(about["pass_mark"]),
        bonus_cap=number(about["bonus_cap"]),
        items=tuple(map(_indicator, told)),
    )


def _indicator(row: Row) -> Indicator:
    return Indicator(
        id=row["id"],
        title=row["title"],
        title_zh=row["title_zh"],
        kind=row["class"],
        quantity=row["quantity"],
        per=row["per"] or None,
        operator=row["operator"],
        threshold=Decimal(row["threshold"]),
        weight=number(row["weight"]),
        source=row["source"],
    )
