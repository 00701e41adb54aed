"""Systems of indicators: rule tables over quantities that a park already has.

A system has no formulas. Each item names one quantity, or two of which the first is divided by the
second, an operator and a threshold; what becomes of the items is said by their class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import marshmallow as ma
from marshmallow import fields, validate

from ledger.schema import Many, Quantity, Text, many, nonnegative, said
from ledger.statements.base import Body

QUANTITIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "scope1": "t CO2e",
        "scope2-location": "t CO2e",
        "scope2-market": "t CO2e",
        "scope3": "t CO2e",
        "scope3-upstream": "t CO2e",
        "scope3-downstream": "t CO2e",
        "gross-operational": "t CO2e",
        "gross": "t CO2e",
        "net-operational": "t CO2e",
        "net": "t CO2e",
        "removals-verified": "t CO2",
        "removals": "t CO2",
        "captured": "t CO2",
        "offsets": "t CO2e",
        "co2-of-notice-910": "t CO2",
        "energy": "tce",
        "energy-clean": "tce",
        "electricity": "MWh",
        "electricity-bought": "MWh",
        "electricity-green": "MWh",
        "electricity-green-direct": "MWh",
        "electricity-generated-non-fossil": "MWh",
        "heat-recovered": "MWh",
        "heat-recoverable": "MWh",
        "waste-industrial": "t",
        "waste-industrial-utilised": "t",
        "water": "m3",
        "water-reused": "m3",
        "output-value": "10k CNY",
        "tenants": "enterprises",
        "tenants-with-inventory": "enterprises",
        "coverage": "1",
        "primary-share": "1",
        "verified-share": "1",
    }
)
"""What a park has that an item can ask for, and in what unit."""
PRINCIPLED: Final = "principled"
NON_PRINCIPLED: Final = "non-principled"
BONUS: Final = "bonus"
CLASSES: Final = (PRINCIPLED, NON_PRINCIPLED, BONUS)
OPERATORS: Final = ("at-most", "below", "at-least", "above")
MOST_ITEMS: Final = 300
_SLUG = validate.Regexp(
    r"^[a-z0-9][a-z0-9.-]{0,59}\Z",
    error="Up to 60 lower-case letters, digits, full stops and hyphens are expected.",
)


def _quantity(*, required: bool = False) -> fields.String:
    return fields.String(required=required, validate=validate.OneOf(tuple(QUANTITIES)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One rule: ``quantity ÷ per`` compared with a threshold.

    ``when`` limits it to parks of which a quantity lies in a band: of several items with one id,
    the one whose band the park is in counts.
    """

    id: str = said(fields.String(required=True, validate=_SLUG), "Short name within the system.")
    title: str = said(Text(required=True), "What it is called, in English.")
    title_zh: str | None = said(Text(data_key="titleZh"), "What it is called, in Chinese.")
    kind: str = said(
        fields.String(required=True, validate=validate.OneOf(CLASSES), data_key="class"),
        "principled: if it is not met, nothing is; non-principled: counts with its weight; bonus: "
        "adds on top.",
    )
    quantity: str = said(_quantity(required=True), "What is asked for.")
    per: str | None = said(_quantity(), "What it is divided by, if anything.")
    operator: str = said(
        fields.String(required=True, validate=validate.OneOf(OPERATORS)),
        "How it must lie to the threshold: at-most, below, at-least, above.",
    )
    threshold: Decimal = said(
        Quantity(required=True), "The threshold, in the unit of the quantity (per that of `per`)."
    )
    weight: Decimal | None = said(
        nonnegative(), "Points for meeting it; of principled items there are none."
    )
    when: str | None = said(_quantity(), "The quantity that decides whether it applies.")
    at_least: Decimal | None = said(Quantity(), "It applies from this much of `when` on.")
    below: Decimal | None = said(Quantity(), "It applies up to less than this much of `when`.")
    park_type: str | None = said(Text(max_length=60), "The type of park it is for; absent: all.")
    source: str | None = said(Text(max_length=400), "The clause that says so.")

    def __post_init__(self) -> None:
        if (self.weight is None) != (self.kind == PRINCIPLED):
            raise ma.ValidationError(
                "Items have a weight, but for principled ones, which have none.", "weight"
            )
        if self.when is None and (self.at_least is not None or self.below is not None):
            raise ma.ValidationError("A band is one of a quantity: name it.", "when")
        if self.when is not None and self.at_least is None and self.below is None:
            raise ma.ValidationError("A band has a lower end, an upper end or both.", "when")


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicators(Body):
    """A system of indicators. Which systems there are, the registrar says for the whole log."""

    TYPE = "indicators"
    SIGNED_BY = ("registrar",)
    name: str = said(fields.String(required=True, validate=_SLUG), "Name of the system.")
    version: str = said(Text(required=True, max_length=60), "The publisher's version.")
    title: str = said(Text(required=True), "What it is called, in English.")
    title_zh: str | None = said(Text(data_key="titleZh"), "What it is called, in Chinese.")
    publisher: str = said(Text(required=True), "Who publishes it.")
    source: str = said(Text(required=True, max_length=2000), "Where it can be read.")
    pass_mark: Decimal | None = said(
        nonnegative(), "Points that are needed besides the principled items; absent: all of them."
    )
    bonus_cap: Decimal | None = said(
        nonnegative(), "The most points that bonus items add; absent: as many as there are."
    )
    park_types: tuple[str, ...] = said(
        Many(Text(max_length=60), load_default=(), most=50), "Types of parks it tells apart."
    )
    items: tuple[Indicator, ...] = said(
        many(Indicator, required=True, least=1, most=MOST_ITEMS), "The rules."
    )

    def __post_init__(self) -> None:
        seen: dict[tuple[str, str | None], list[Indicator]] = {}
        for i, item in enumerate(self.items):
            if item.park_type is not None and item.park_type not in self.park_types:
                raise ma.ValidationError("No such type of park is listed.", f"items/{i}/parkType")
            for other in seen.setdefault((item.id, item.park_type), []):
                if _bands_meet(item, other):
                    raise ma.ValidationError(
                        "An item above has the same id and applies to the same parks.",
                        f"items/{i}/id",
                    )
            seen[item.id, item.park_type].append(item)

    def key_parts(self, subject: str) -> tuple[str, ...]:
        return (self.name,)


def _bands_meet(one: Indicator, other: Indicator) -> bool:
    """Whether some park may be in the bands of both."""
    if one.when is None or other.when is None or one.when != other.when:
        return True
    return not (_ends_before(one, other) or _ends_before(other, one))


def _ends_before(one: Indicator, other: Indicator) -> bool:
    return one.below is not None and other.at_least is not None and one.below <= other.at_least
