"""Mass and declared amount of a product, as its registration and its footprint give them.

Two predicates decide what the network sets aside: ``is_for_one`` of a footprint and
``masses_disagree`` of a product whose amounts are stated by mass.
"""

from __future__ import annotations

from typing import Final

from ledger import pact, units
from ledger.errors import UnitMismatch
from ledger.statements import Product

MASS_TOLERANCE: Final = 0.05
"""By how much two masses of one product may differ: moisture, rounding, a little packaging."""


def kg_per_declared(product: Product) -> float | None:
    """kg of product in one of its declared units, as registered; ``None`` where nobody said."""
    unit = units.parse(product.unit)
    if unit.dimension == "mass":
        return float(unit.factor)
    stated = product.mass_per_unit
    return float(stated) if stated is not None and stated > 0 else None


def declared_units(footprint: pact.ProductFootprint, product: Product) -> float:
    """Declared units of ``product`` in the amount a footprint is for. Raises ``UnitMismatch``."""
    pcf = footprint.pcf
    source, target = units.parse(pcf.unit_code), units.parse(product.unit)
    per_unit = float(units.ratio(source, target, product.mass_per_unit))
    return float(pcf.declared_unit_amount) * per_unit


def stated_kg_per_declared(footprint: pact.ProductFootprint, product: Product) -> float:
    """kg in one declared unit of ``product``, as its footprint says. Raises ``UnitMismatch``."""
    mass = float(footprint.pcf.product_mass_per_declared_unit)
    return mass / declared_units(footprint, product)


def is_for_one(footprint: pact.ProductFootprint, product: Product) -> bool:
    """Whether a footprint declares an amount other than 1, but gives the mass of one.

    PACT values are for the whole declared amount. Where the mass was not multiplied, nor perhaps
    was the value: it may be wrong by that factor, and nobody but the owner can say.
    """
    amount = float(footprint.pcf.declared_unit_amount)
    compared = _stated_to_registered(footprint, product)
    if compared is None or abs(amount - 1) <= MASS_TOLERANCE:
        return False
    return abs(compared * amount - 1) <= MASS_TOLERANCE


def masses_disagree(footprint: pact.ProductFootprint, product: Product) -> bool:
    """Whether a product's registration and its footprint give different masses.

    Then an amount stated by mass cannot be said in the product's declared unit. PACT's mass of 0,
    for energy and services, contradicts a registered mass as any other does.
    """
    compared = _stated_to_registered(footprint, product)
    if compared is None or is_for_one(footprint, product):
        return False
    return abs(compared - 1) > MASS_TOLERANCE


def bridges_by_mass(unit: str, product: Product) -> bool:
    """Whether an amount in ``unit`` becomes declared units only by the mass of one."""
    return units.parse(unit).dimension == "mass" != units.parse(product.unit).dimension


def _stated_to_registered(footprint: pact.ProductFootprint, product: Product) -> float | None:
    """The mass in the footprint over the registered one; ``None`` where one cannot be read."""
    registered = kg_per_declared(product)
    if registered is None:
        return None
    try:
        return stated_kg_per_declared(footprint, product) / registered
    except UnitMismatch:
        return None
