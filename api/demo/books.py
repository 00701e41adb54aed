"""The books of the demonstration: what is made, how, what sites emit and what they take in. Pure.

A site's inventory is spread over tables, one for each kind of line: ``inventory`` (emissions that
no fuel listed apart causes), ``fuels``, ``energy``, ``waste``, ``water``, ``sinks``, ``captured``
and ``output_values``. What is in ``fuels`` is not in ``inventory``: its emissions follow from the
factors of ``factors``, so that nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import partial
from typing import Any, Final

from api.demo.tables import GWP, Row, Said, grouped, id_of, number, of_books, owner_of, rows
from api.importing.cells import period_of
from ledger import units
from ledger.gases import CO2E
from ledger.statements import (
    Basis,
    Capture,
    Delivery,
    DirectEmission,
    Downstream,
    Emission,
    EndOfLife,
    Energy,
    Fuel,
    Holding,
    Holdings,
    InputLine,
    Inventory,
    OutputValue,
    Production,
    Purchases,
    Recipe,
    Reference,
    Removal,
    Transport,
    Use,
    Waste,
    Water,
)

FREIGHT: Final = "drover-freight"
"""The transport service behind ``freight_tkm``."""
INVENTORY: Final = (
    "inventory",
    "fuels",
    "energy",
    "waste",
    "water",
    "sinks",
    "captured",
    "output_values",
)
"""The tables that make up the inventory of a site."""


def books() -> Iterator[Said]:
    """Production, recipes, inventories, purchases, and what becomes of goods after the gate."""
    for row in rows("production"):
        yield owner_of("products", row["product"]), _production(row)
    for made in grouped("recipes", "product", "site", "period"):
        yield owner_of("products", made[0]["product"]), _recipe(made)
    for site, period in dict.fromkeys(_inventoried()):
        yield owner_of("sites", site), inventory_of(site, period)
    for row in rows("downstream"):
        yield owner_of("products", row["product"]), _downstream(row)
    for held in grouped("holdings", "park", "period"):
        yield owner_of("parks", held[0]["park"]), _holdings(held)
    for bought in grouped("purchases", "site", "period"):
        site, period = bought[0]["site"], bought[0]["period"]
        yield owner_of("sites", site), _purchases(site, period, bought)


def _inventoried() -> Iterator[tuple[str, str]]:
    """The site and period of every row that belongs into an inventory."""
    for table in INVENTORY:
        for row in rows(table):
            yield row["site"], row["period"]


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


def inventory_of(site: str, period: str) -> Inventory:
    """Everything that the tables say of a site in a period, in one statement."""
    about = partial(of_books, site=site, period=period)
    value = next(iter(about("output_values")), None)
    return Inventory(
        site=id_of(site),
        period=period_of(period),
        emissions=tuple(map(_direct, about("inventory"))),
        fuels=tuple(map(_fuel, about("fuels"))),
        energy=tuple(map(_energy, about("energy"))),
        waste=tuple(map(_waste, about("waste"))),
        water=tuple(map(_water, about("water"))),
        removals=tuple(map(_removal, about("sinks"))),
        captured=tuple(map(_capture, about("captured"))),
        output_value=OutputValue(**_amount(value)) if value else None,
    )


def _amount(row: Row) -> dict[str, Any]:
    return {"amount": Decimal(row["amount"]), "unit": units.from_alias(row["unit"])}


def _direct(row: Row) -> DirectEmission:
    return DirectEmission(
        gas=row["gas"],
        origin=row["origin"],
        amount=Decimal(row["kg"]),
        gwp=GWP if row["gas"] == CO2E else None,
        source=row["cause"] or None,
    )


def _fuel(row: Row) -> Fuel:
    measured = number(row["mj_per_unit"])
    return Fuel(fuel=row["fuel"], use=row["use"], net_calorific_value=measured, **_amount(row))


def _energy(row: Row) -> Energy:
    return Energy(carrier=row["carrier"], flow=row["flow"], source=row["made_from"], **_amount(row))


def _waste(row: Row) -> Waste:
    return Waste(kind=row["kind"], treatment=row["treatment"], **_amount(row))


def _water(row: Row) -> Water:
    return Water(kind=row["kind"], **_amount(row))


def _removal(row: Row) -> Removal:
    return Removal(
        sink=row["sink"], name=row["name"], amount=Decimal(row["kg"]), method=row["method"]
    )


def _capture(row: Row) -> Capture:
    return Capture(origin=row["origin"], fate=row["fate"], amount=Decimal(row["kg"]))


def _purchases(site: str, period: str, bought: list[Row]) -> Purchases:
    nothing = next(iter(of_books("without", site, period)), {"categories": ""})
    return Purchases(
        site=id_of(site),
        period=period_of(period),
        inputs=tuple(map(_input_line, bought)),
        without=tuple(map(int, nothing["categories"].split())),
    )


def _downstream(row: Row) -> Downstream:
    """Goods that nobody carries away by lorry are delivered without emissions."""
    carried = (_freight(row["freight_tkm"]),) if row["freight_tkm"] else None
    discarded = Decimal(row["kg_co2e_discarded"])
    emitted = (Emission(gas=CO2E, origin="fossil", amount=discarded, gwp=GWP),)
    return Downstream(
        product=id_of(row["product"]),
        site=id_of(row["site"]),
        period=period_of(row["period"]),
        basis=Basis(amount=Decimal(row["basis"]), unit=units.from_alias(row["unit"])),
        delivery=Delivery(services=carried) if carried else Delivery(emissions=()),
        use=Use(emissions=(), assumptions=row["use"]),
        end_of_life=EndOfLife(emissions=emitted if discarded else (), assumptions=row["discarded"]),
    )


def _holdings(held: list[Row]) -> Holdings:
    return Holdings(
        enterprise=id_of(held[0]["park"]),
        period=period_of(held[0]["period"]),
        holdings=tuple(
            Holding(
                category=int(row["category"]),
                emissions=_emissions([(row["gas"], {**row, "amount": row["kg"]})]),
                reason=row["reason"],
            )
            for row in held
        ),
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
