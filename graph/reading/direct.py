"""What burning a fuel emits: from its factor, or from what was measured of it.

    CO2 = amount · net calorific value · carbon content · oxidation · 44/12

in kg, with MJ per unit, kg of carbon per MJ, and the share of it that is oxidised (IPCC 2006,
volume 2, chapter 2; the same in China's guides for enterprises). Each of the three is the site's
own measured value where it states one, else that of the fuel's factor. A factor that gives no such
values states kg CO2 per unit; what it states of other gases is per unit of fuel burnt. A factor in
CO2e alone has the carbon in it already: beside measured values nothing of it counts.

What a fuel is used for decides what of it counts (``ledger.statements.FUEL_USES``): *feedstock*
stays in the product and emits nothing; *processing* turns it into other fuels, so that its carbon
is balanced in full, oxidation 1, against what was *derived* from it, which counts negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from graph.reading.factors import Factor, Ladder
from graph.reading.network import Column, Vector
from ledger.gases import CO2E
from ledger.statements import BURNT, Fuel, Inventory

CO2_PER_CARBON: Final = 44 / 12
FEEDSTOCK: Final = "feedstock"
DERIVED: Final = "derived"
_CO2: Final = "CO2"


@dataclass(frozen=True, slots=True)
class Carbon:
    """MJ per unit, kg of carbon per MJ, and the share of it that is oxidised."""

    net_calorific_value: float
    carbon_content: float
    oxidation: float

    @property
    def co2(self) -> float:
        """kg of CO2 per unit."""
        oxidised = self.net_calorific_value * self.carbon_content * self.oxidation
        return oxidised * CO2_PER_CARBON


@dataclass(frozen=True, slots=True)
class Burnt:
    """What one statement of a fuel emits: kg by column, for the whole amount.

    ``carbon`` is per unit of the statement, where its values are known. ``factor`` names set,
    version and row, ``None`` where nothing of a factor was needed; ``index`` is the entry that
    states it, -1 for none. ``measured`` are the members the site measured itself.
    """

    fuel: Fuel
    emissions: Vector
    carbon: Carbon | None
    factor: str | None
    index: int
    measured: tuple[str, ...]


@dataclass(frozen=True)
class Direct:
    """What an inventory statement says was emitted: kg by column, in all.

    ``burnt`` are the fuels in it; ``unknown`` those that no factor fits: what they emit is missing
    from ``emissions``, not zero.
    """

    emissions: Vector
    burnt: tuple[Burnt, ...]
    unknown: tuple[Fuel, ...]


def direct_of(inventory: Inventory, ladder: Ladder, region: str | None) -> Direct:
    """What a site emits itself: what it states as such, and what its fuels emit."""
    total: dict[Column, float] = {}
    for emission in inventory.emissions:
        column = Column(emission.gas, emission.origin, emission.gwp)
        total[column] = total.get(column, 0.0) + float(emission.amount)
    each = [(fuel, burn(fuel, ladder, region)) for fuel in inventory.fuels]
    burnt = tuple(found for _, found in each if found is not None)
    for found in burnt:
        for column, kg in found.emissions.items():
            total[column] = total.get(column, 0.0) + kg
    return Direct(total, burnt, tuple(fuel for fuel, found in each if found is None))


def burn(fuel: Fuel, ladder: Ladder, region: str | None) -> Burnt | None:
    """What a fuel emits. ``None``: no factor fits it, and not all its values were measured.

    ``region`` is where it is burnt: factors for the very region come before its country's.
    """
    amount = float(fuel.amount)
    if fuel.use == FEEDSTOCK:
        return Burnt(fuel, {}, None, None, -1, ())
    found = ladder.best(("fuel",), fuel.fuel, fuel.unit, region)
    factor, ratio = found if found else (None, 1.0)
    carbon = _carbon(fuel, factor, ratio)
    per_unit = _per_unit(fuel, factor, ratio, carbon)
    if per_unit is None:
        return None
    sign = -1.0 if fuel.use == DERIVED else 1.0
    return Burnt(
        fuel=fuel,
        emissions={column: sign * amount * kg for column, kg in per_unit.items()},
        carbon=carbon,
        factor=factor.text if factor else None,
        index=factor.index if factor else -1,
        measured=fuel.measured,
    )


def _per_unit(
    fuel: Fuel, factor: Factor | None, ratio: float, carbon: Carbon | None
) -> dict[Column, float] | None:
    """kg by column per unit of the statement; its CO2 by the carbon, where that is known."""
    stated = _stated(factor, ratio)
    if carbon is None:
        # A measured value needs the two others; a factor of kg CO2 alone has none to go with it.
        return stated if factor and not fuel.measured and fuel.use in BURNT else None
    if fuel.use not in BURNT:
        return {Column(_CO2, _origin(stated)): carbon.co2}
    others = {column: kg for column, kg in stated.items() if column.gas not in (_CO2, CO2E)}
    return {Column(_CO2, _origin(stated)): carbon.co2, **others}


def _origin(stated: Mapping[Column, float]) -> str:
    """Whose carbon it is: as the factor says, else fossil."""
    return next((column.origin for column in stated if column.gas == _CO2), "fossil")


def _stated(factor: Factor | None, ratio: float) -> dict[Column, float]:
    if factor is None:
        return {}
    return {
        Column(each.gas, each.origin, each.gwp): float(each.amount) * ratio
        for each in factor.row.emissions
    }


def _carbon(fuel: Fuel, factor: Factor | None, ratio: float) -> Carbon | None:
    """Measured values first, each in place of the factor's."""
    row = factor.row if factor else None

    def value(measured: Decimal | None, default: Decimal | None, scale: float) -> float | None:
        if measured is not None:
            return float(measured)
        return None if default is None else float(default) * scale

    heat = value(fuel.net_calorific_value, row.net_calorific_value if row else None, ratio)
    content = value(fuel.carbon_content, row.carbon_content if row else None, 1.0)
    oxidation = value(fuel.oxidation, row.oxidation if row else None, 1.0)
    if fuel.use not in BURNT:
        oxidation = 1.0
    if heat is None or content is None or oxidation is None:
        return None
    return Carbon(heat, content, oxidation)
