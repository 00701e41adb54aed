"""A park of two tenants whose energy is said in one line per statement, for tests of indicators."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from graph.engine import Books, Engine, Question
from graph.indicators.quantities import Ground
from ledger.statements import (
    CARRIER_URNS,
    Certificate,
    DirectEmission,
    Energy,
    FactorRow,
    Factors,
    Fuel,
    Inventory,
    Waste,
    Water,
)
from tests.factory import Actor, Factory, gas, year_of

YEAR = 2025
FUEL = "urn:catchment:fuel:"
NOTHING_ELSE: dict[str, Any] = {
    "waste": [("industrial-solid", "landfilled", "0")],
    "water": [("fresh", "0"), ("reused", "0")],
}
"""What a site says that has neither waste nor water."""


class Parkland:
    """Sites A and B in a park, each of an enterprise of its own, for the whole year."""

    def __init__(self, f: Factory, *, small_aggregates: bool = True) -> None:
        self.f = f
        self.manager = f.enterprise("Park Manager")
        self.park = self.manager.park("Example Park")
        self.firms = {name: f.enterprise(f"{name} Works", country="CN") for name in "AB"}
        self.sites = {name: firm.site(f"Site {name}") for name, firm in self.firms.items()}
        for name, firm in self.firms.items():
            self.manager.membership(
                self.park,
                self.sites[name],
                consent_by=firm,
                small_aggregates=small_aggregates,
            )

    def says(self, name: str, **members: Any) -> None:
        """An inventory of one site: rows as tuples, fuels in kg or Nm3, energy in MWh."""
        rows = {
            "emissions": lambda name, origin, amount, source=None, gwp=None: DirectEmission(
                gas=name, origin=origin, amount=Decimal(amount), source=source, gwp=gwp
            ),
            "fuels": lambda fuel, amount, use="final", measured=(): Fuel(
                fuel=FUEL + fuel,
                amount=Decimal(amount),
                unit=unit_of(fuel),
                use=use,
                **{name: Decimal(value) for name, value in dict(measured).items()},
            ),
            "energy": lambda carrier, flow, source, amount, unit="MWH": Energy(
                carrier=carrier, flow=flow, source=source, amount=Decimal(amount), unit=unit
            ),
            "waste": lambda kind, treatment, amount: Waste(
                kind=kind, treatment=treatment, amount=Decimal(amount), unit="TNE"
            ),
            "water": lambda kind, amount: Water(kind=kind, amount=Decimal(amount), unit="MTQ"),
        }
        said: dict[str, Any] = {"emissions": ()}
        for member, value in members.items():
            said[member] = tuple(rows[member](*row) for row in value) if member in rows else value
        when = {"period": year_of(YEAR), **said}
        self.firms[name].say(Inventory(site=self.sites[name], **when))

    def certified(self, mwh: str, *, of: str | None = None, **members: Any) -> None:
        """Green power used for the park, or for one site."""
        who: Actor = self.firms[of] if of else self.manager
        used = {"site": self.sites[of]} if of else {"park": self.park}
        plain: dict[str, Any] = {
            "kind": "green-power",
            "registry": "gec.cn",
            "serial": f"GEC-{self.f.random.getrandbits(40):013d}",
            "amount": Decimal(mwh),
            "unit": "MWH",
            "year": YEAR,
        }
        who.say(Certificate(**{**plain, **used, **members}))

    def basis(self, name: str = "coal", **kgce: str) -> None:
        """Coefficients: kg of coal equivalent per MWh of a carrier, per kg or Nm3 of a fuel."""
        rows = tuple(
            FactorRow(
                kind="coal-equivalent",
                name=of,
                of=CARRIER_URNS.get(of, FUEL + of.replace("_", "-")),
                unit="MWH" if of in CARRIER_URNS else unit_of(of),
                factor=Decimal(factor),
            )
            for of, factor in kgce.items()
        )
        self.state(name, rows)

    def factors(self, **kg: str | tuple[str, str]) -> None:
        """kg CO2 per kg or Nm3 of a fuel, by (amount, origin) or fossil."""
        rows = tuple(
            FactorRow(
                kind="fuel",
                name=of,
                of=FUEL + of.replace("_", "-"),
                unit=unit_of(of),
                emissions=(gas(("CO2", *_origin(amount))),),
            )
            for of, amount in kg.items()
        )
        self.state("fuels", rows)

    def state(self, name: str, rows: Iterable[FactorRow]) -> None:
        """A set of factors, by the registrar."""
        self.f.operator.say(
            Factors(
                name=name,
                version="1",
                publisher="Institute",
                source="Table 1",
                year=YEAR,
                rows=tuple(rows),
            )
        )

    @property
    def books(self) -> Books:
        return Engine(self.f.log).park(self.park, Question(year=YEAR))

    def ground(self, basis: str | None = None) -> Ground:
        return Ground(self.books, basis)


def unit_of(fuel: str) -> str:
    return "NM3" if fuel.endswith("gas") else "KGM"


def _origin(amount: str | tuple[str, str]) -> tuple[str, str]:
    return ("fossil", amount) if isinstance(amount, str) else (amount[1], amount[0])
