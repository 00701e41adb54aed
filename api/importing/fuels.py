"""Fuels by the names that China's reporting guides give them."""

from __future__ import annotations

from api.errors import FuelUnknown
from api.importing import chinese
from api.importing.factor_tables import FUEL

_GASES = frozenset(FUEL + name for name in chinese.GASES)
_FUELS = {word: FUEL + name for name, zh in chinese.FUELS.items() for word in (name, zh)}


def is_gas(urn: str | None) -> bool:
    """Whether the guides count a fuel by volume, so that its amount needs a condition."""
    return urn in _GASES


def fuel_urn(text: str) -> str:
    """The URN of a fuel, from itself or a name in China's guides. Raises FuelUnknown."""
    if text.lower().startswith("urn:"):
        return text
    urn = _FUELS.get(text.lower().replace(" ", "-"))
    if urn is None:
        raise FuelUnknown(text=text)
    return urn
