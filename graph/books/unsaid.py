"""What a number of a boundary lacks, by name: nothing that nobody stated is taken for zero.

An inventory may leave out what it does not have to say. Where a number needs it, the site that says
nothing of it is named; one that has none states an amount of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from graph.reading.openings import days_told
from graph.reading.year import Place, Year
from ledger.errors import CatchmentError
from ledger.statements import Inventory


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that is missing: a key of ``LACKS`` and what fills its sentence."""

    reason: str
    particulars: tuple[tuple[str, str], ...]

    @property
    def params(self) -> dict[str, str]:
        return dict(self.particulars)

    @property
    def sentence(self) -> str:
        return LACKS[self.reason] % self.params


def lack(reason: str, **params: object) -> Lack:
    """One of ``LACKS``."""
    return Lack(reason, tuple((name, str(value)) for name, value in params.items()))


def lack_of(refused: CatchmentError) -> Lack:
    """What could not be had, where an answer goes on without it: its code is one of ``LACKS``."""
    return lack(refused.code, **refused.params)


LACKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "inventory": "%(site)s has no inventory for %(days)s of %(of)s days: state it.",
        "electricity": "The inventories of %(site)s say nothing of electricity: state what was "
        "bought, sold and generated, 0 if there was none.",
        "industrial-waste": "The inventories of %(site)s say nothing of industrial solid waste: "
        "state it, 0 if there was none.",
        "water": "The inventories of %(site)s do not state both fresh and reused water: state "
        "them, 0 if there was none.",
        "recoverable": "The inventories of %(site)s say nothing of waste heat, cold or pressure "
        "that could be used: state it, 0 if there is none.",
        "recovered": "The inventories of %(site)s state waste energy that could be used, but not "
        "how much of it is: state what was generated from it, 0 if nothing was.",
        "recovered-above-recoverable": "More waste energy is used than there is to use: one of "
        "the two amounts is wrong.",
        "output-value": "The inventories of %(site)s state no output value: state it.",
        "output-currency": "%(site)s states its output value in %(unit)s, and nothing here "
        "converts it into yuan: state it in CNY.",
        "price-years": "Output values are stated in prices of different years or kinds "
        "(%(units)s), which do not add up: state them alike.",
        "fuel-factor": "No factor stands for %(fuel)s in %(unit)s, which %(site)s used: have one "
        "stated, or state measured calorific value, carbon content and oxidation.",
        "fuel-co2": "The factor for %(fuel)s, which %(site)s used, tells CO2e only: how much of it "
        "is CO2 is not known.",
        "emissions-co2": "%(site)s states emissions as CO2e: how much of them is CO2 is not known. "
        "State the gases apart.",
        "fuels-unlisted": "%(site)s states CO2 of combustion, or without saying what from, and no "
        "fuel behind it: how much energy that was is not known.",
        "coal-equivalent": "The basis %(basis)s has no coefficient for %(what)s in %(unit)s, which "
        "%(site)s states: have the registrar add one, or state the measured calorific value of a "
        "fuel.",
        "coal-basis-missing": "No set of coefficients for standard coal stands: have the registrar "
        "state one.",
        "coal-basis-ambiguous": "Several sets of coefficients for standard coal stand "
        "(%(choices)s): name one.",
        "unit-product-energy": "Nobody states the energy that a unit of each product took: what "
        "is needed is that of every product for which a national limit stands, beside the second "
        "level of that limit (GB energy consumption quotas per unit product).",
        "nothing-to-divide-by": "What it is divided by is 0, so there is no ratio.",
        "no-threshold": "The system has no threshold for a park of this size.",
        "gaps": "The figure lacks something: see what the inventory of the park names as missing.",
        "categories": "These categories of Scope 3 are not covered: %(categories)s.",
        "quality": "The share is not known for all of the carbon: see the quality of the figure.",
        "not-shown": "It would tell what one or two enterprises keep to themselves.",
    }
)
"""Why a number is not known, and what to do next."""


def _of_electricity(bodies: Sequence[Inventory]) -> bool:
    return any(row.carrier == "electricity" for body in bodies for row in body.energy)


def _of_industrial_waste(bodies: Sequence[Inventory]) -> bool:
    return any(row.kind == "industrial-solid" for body in bodies for row in body.waste)


def _of_water(bodies: Sequence[Inventory]) -> bool:
    return {"fresh", "reused"} <= {row.kind for body in bodies for row in body.water}


def _of_recoverable(bodies: Sequence[Inventory]) -> bool:
    return any(row.flow == "recoverable" for body in bodies for row in body.energy)


def _of_recovered(bodies: Sequence[Inventory]) -> bool:
    rows = [row for body in bodies for row in body.energy]
    used = any(row.flow == "generated" and row.source == "recovered" for row in rows)
    return used or not any(row.flow == "recoverable" and row.amount for row in rows)


def _of_output_value(bodies: Sequence[Inventory]) -> bool:
    return any(body.output_value is not None for body in bodies)


_SAYS: Final[Mapping[str, Callable[[Sequence[Inventory]], bool]]] = MappingProxyType(
    {
        "electricity": _of_electricity,
        "industrial-waste": _of_industrial_waste,
        "water": _of_water,
        "recoverable": _of_recoverable,
        "recovered": _of_recovered,
        "output-value": _of_output_value,
    }
)
"""Reason -> whether an inventory, all its parts together, says something of it.

One that lists electricity is taken to list all energy that came, went or was made.
"""


def unsaid(year: Year, places: Iterable[Place], *reasons: str) -> tuple[Lack, ...]:
    """What the inventories of the places leave out: days, and what ``reasons`` are about."""
    return tuple(dict.fromkeys(_unsaid(year, places, reasons)))


def _unsaid(year: Year, places: Iterable[Place], reasons: Sequence[str]) -> Iterator[Lack]:
    for place in places:
        name, wholes = year.site_name(place.site), year.inventories(place.site)
        told = days_told(place, wholes)
        if told < place.days:
            yield lack("inventory", site=name, days=place.days - told, of=place.days)
        for whole in wholes:
            if place.share_of(whole.period):
                silent = (reason for reason in reasons if not _SAYS[reason](whole.bodies))
                yield from (lack(reason, site=name) for reason in silent)
