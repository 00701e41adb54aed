"""A few enterprises that say, correct and withdraw things at random, for tests of whole logs."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from ledger.errors import CatchmentError
from ledger.log import Accepted
from ledger.statements import (
    ELECTRICITY,
    RESIDUAL_MIX,
    Basis,
    Body,
    Certificate,
    Emission,
    Enterprise,
    FactorRow,
    Factors,
    Footprint,
    Fuel,
    InputLine,
    Inventory,
    Membership,
    Period,
    Product,
    Production,
    Purchases,
    Recipe,
    Reference,
    Removal,
    Site,
)
from tests.factory import Actor, Factory

CLASS = "urn:cpc:4121"
POWER: Final = (CLASS, ELECTRICITY, RESIDUAL_MIX)
"""What rows of grids are for."""
FUEL = "urn:catchment:fuel:natural-gas"
GTINS = tuple(f"urn:gtin:{code}" for code in ("4006381333931", "9780201379624", "96385074"))
WHOLE_YEAR = (("2025-01-01", "2026-01-01"),)
HALVES = (("2025-01-01", "2025-07-01"), ("2025-07-01", "2026-01-01"))
YEAR_BEFORE = (("2024-01-01", "2025-01-01"),)
PIECES: Final = {"H87": Decimal(1), "KGM": Decimal(2), "TNE": Decimal("0.002")}
"""What one piece of two kilograms is, in units that lines state."""


@dataclass
class World:
    """Three firms with two sites and two products each, and a park that some sites join.

    ``step`` makes one more entry: a new statement, a correction or a withdrawal.
    """

    f: Factory
    random: random.Random
    firms: list[Actor] = field(default_factory=list)
    sites: dict[str, Actor] = field(default_factory=dict)
    products: dict[str, Actor] = field(default_factory=dict)
    heads: dict[tuple[Any, ...], tuple[Actor, Accepted]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.manager = self.f.enterprise("Manager")
        self.park = self.manager.park("Park")
        for name in ("Ada", "Bob", "Cyd"):
            firm = self.f.enterprise(name)
            self.firms.append(firm)
            for _ in (1, 2):
                self.sites[self.f.uuid()] = firm
                self.products[self.f.uuid()] = firm
        for site in self.sites:
            self.say_site(site)
        for product in self.products:
            self.say_product(product)

    def step(self) -> None:
        """Append one entry; what the log refuses is not counted."""
        size = self.f.log.size()
        while self.f.log.size() == size:
            try:
                self.random.choice(self._doings())()
            except CatchmentError:
                continue

    def _doings(self) -> list[Callable[[], None]]:
        product, site = self._pick(self.products), self._pick(self.sites)
        owned = self._pick(
            [s for s, owner in self.sites.items() if owner is self.products[product]]
        )
        return [
            *[lambda: self.say_recipe(product, owned)] * 4,
            *[lambda: self.say_production(product, owned)] * 3,
            *[lambda: self.say_footprint(product, owned)] * 2,
            *[lambda: self.say_books(site)] * 3,
            *[lambda: self.say_product(product)] * 2,
            lambda: self.say_site(site),
            lambda: self.say_membership(site),
            lambda: self.say_enterprise(self._pick(self.firms)),
            lambda: self.say_certificate(site),
            self.say_factors,
            *[self.withdraw] * 4,
            lambda: self.disclose(product),
        ]

    # -- single statements ------------------------------------------------------------------

    def say_product(self, product: str) -> None:
        owner = self.products[product]
        own = [each for each, other in self.products.items() if other is owner]
        body = Product(
            id=product,
            name=f"{owner.name}'s {own.index(product) + 1}",
            unit=self._pick(["KGM", "KGM", "H87"]),
            mass_per_unit=self._pick([None, *[Decimal(2)] * 4, Decimal(3)]),
            identifiers=tuple(gtin for gtin in GTINS if self._sometimes(0.4)),
            classifications=(CLASS,) if self._sometimes(0.5) else (),
            **self._energy(owner, own.index(product)),
            replaces=tuple(each for each in own if each != product and self._sometimes(0.15)),
        )
        self._tell(owner, ("product", product), body)

    def _energy(self, owner: Actor, number: int) -> dict[str, str | None]:
        """Cyd's second is heat, and Bob's power, of a public grid or not."""
        carriers = {"Bob": "electricity", "Cyd": "heat"}
        carrier = carriers.get(owner.name) if number else None
        grids = ["CN-JS", "CN-JS", "DE", None] if carrier == "electricity" else [None]
        return {"energy_carrier": carrier, "grid": self._pick(grids)}

    def say_site(self, site: str) -> None:
        owner = self.sites[site]
        number = [each for each, other in self.sites.items() if other is owner].index(site) + 1
        body = Site(
            id=site,
            name=f"{owner.name} {number}",
            latitude=Decimal("31.5") + self.random.randint(0, 1),
            longitude=Decimal("120.5"),
            time_zone="Asia/Shanghai",
            grid_region=self._pick([None, None, "CN-JS"]),
        )
        self._tell(owner, ("site", site), body)

    def say_recipe(self, product: str, site: str) -> None:
        when = self._pick([*self._periods(site), *YEAR_BEFORE])
        body = Recipe(
            product=product,
            site=site,
            period=period(when),
            basis=Basis(amount=Decimal(1), unit=self._unit_of(product)),
            emissions=(self._emission(),),
            inputs=tuple(self._line() for _ in range(self.random.randint(0, 3))),
        )
        self._tell(self.products[product], ("recipe", product, site, when), body)

    def say_production(self, product: str, site: str) -> None:
        when = self._pick(self._periods(site))
        body = Production(
            product=product,
            site=site,
            period=period(when),
            amount=self._amount(10),
            unit=self._unit_of(product),
        )
        self._tell(self.products[product], ("production", product, site, when), body)

    def say_footprint(self, product: str, site: str) -> None:
        owner, year = self.products[product], self._pick([2020, 2024, 2025])
        at = self._pick([site, None])
        declared, mass = self._pick(["1", "1", "1", "10"]), self._pick([1, 2, 2, 2, 2])
        of_all = self._pick([Decimal(declared), Decimal(declared), Decimal(1)])
        pcf = {"declaredUnitAmount": declared, "productMassPerDeclaredUnit": str(mass * of_all)}
        unit = self._unit_of(product)
        pact = owner.pact_body(str(self._amount(1)), unit=unit, year=year, pcf=pcf)
        body = Footprint(product=product, site=at, pact=pact)
        self._tell(owner, ("footprint", product, at, year), body)

    def say_books(self, site: str) -> None:
        when = self._pick(self._periods(site))
        if self._sometimes(0.5):
            body: Body = Inventory(
                site=site,
                period=period(when),
                emissions=(self._emission(),),
                fuels=tuple(self._fuel() for _ in range(self._pick([0, 0, 1, 2]))),
                removals=tuple(self._removal() for _ in range(self._pick([0, 0, 1]))),
            )
        else:
            inputs = tuple(self._line() for _ in range(self.random.randint(0, 3)))
            body = Purchases(site=site, period=period(when), inputs=inputs)
        self._tell(self.sites[site], (body.TYPE, site, when), body)

    def say_membership(self, site: str) -> None:
        start = self._pick([dt.date(2025, 1, 1), dt.date(2025, 7, 1), dt.date(2025, 4, 1)])
        end = self._pick([None, dt.date(2025, 10, 1)])
        body = Membership(park=self.park, site=site, serial=1, start=start, end=end)
        self._tell(self.manager, ("membership", site), body)

    def say_enterprise(self, firm: Actor) -> None:
        body = Enterprise(
            id=firm.id,
            name=firm.name,
            country=self._pick([None, "CN", "DE"]),
            identifiers=tuple(f"urn:duns:{self.random.randint(1, 4):09}" for _ in range(1)),
            admitted=tuple(gtin for gtin in GTINS if self._sometimes(0.5)),
        )
        key = ("enterprise", firm.id)
        prev = self.heads[key][1].digest if key in self.heads else self._registration(firm)
        said = self.f.operator.say(body, subject=firm.id, prev=prev)
        self.heads[key] = (self.f.operator, said)

    def _registration(self, firm: Actor) -> str:
        return self.f.standing().enterprises[firm.id].digest

    def say_factors(self) -> None:
        """One of two sets; each row is for a country, a region or anywhere."""
        regions = [region for region in (None, "CN", "CN-JS", "DE") if self._sometimes(0.6)]
        name = self._pick(["first", "second"])
        body = Factors(
            name=name,
            version="1",
            publisher="Institute",
            source="Yearbook",
            year=self._pick([2023, 2025]),
            rows=tuple(map(self._row, regions or [None])),
        )
        key = ("factors", name)
        prev = self.heads[key][1].digest if key in self.heads else None
        self.heads[key] = (self.f.operator, self.f.operator.say(body, prev=prev))

    def _row(self, region: str | None) -> FactorRow:
        """Of a class, of a fuel, of power in kilowatt-hours, or of what of it nobody claimed."""
        kind = self._pick(["average", "grid", "fuel"])
        of = self._pick(POWER) if kind == "grid" else FUEL if kind == "fuel" else CLASS
        return FactorRow(
            kind=kind,
            name="A class",
            of=of,
            region=region,
            unit="KWH" if of in POWER[1:] else self._pick(["KGM", "H87"]),
            emissions=(self._emission(),),
        )

    def _fuel(self) -> Fuel:
        measured = (Decimal(40), Decimal("0.02"), Decimal("0.99")) if self._sometimes(0.3) else ()
        names = ("net_calorific_value", "carbon_content", "oxidation")
        return Fuel(
            fuel=FUEL,
            amount=self._amount(1),
            unit="KGM",
            **dict(zip(names, measured, strict=False)),
        )

    def _removal(self) -> Removal:
        return Removal(sink="natural", name="Alder grove", amount=self._amount("0.1"))

    def say_certificate(self, site: str) -> None:
        """Of a sink at a site, for one of two years: it verifies removals that nobody attests."""
        number = list(self.sites).index(site)
        body = Certificate(
            kind="removal",
            registry="sinks.example",
            serial=f"S-{number}",
            amount=self._amount("0.1"),
            unit="KGM",
            year=self._pick([2025, 2025, 2024]),
            site=site,
        )
        self._tell(self.sites[site], ("certificate", site), body)

    def disclose(self, product: str) -> None:
        self.products[product].disclose("footprint", product)

    def withdraw(self) -> None:
        key = self._pick([key for key in self.heads if key[0] != "enterprise"])
        actor, head = self.heads[key]
        if head.statement.type != "withdrawal":
            self.heads[key] = (actor, actor.withdraw(head))

    # -- dice -------------------------------------------------------------------------------

    def _tell(self, actor: Actor, key: tuple[Any, ...], body: Body) -> None:
        prev = self.heads[key][1].digest if key in self.heads else None
        self.heads[key] = (actor, actor.say(body, prev=prev))

    def _line(self) -> InputLine:
        ref = self._pick(
            [
                Reference(product=self._pick(self.products)),
                Reference(product=self._pick(self.products)),
                Reference(identifiers=(self._pick(GTINS),)),
                Reference(classification=CLASS, region="CN"),
                Reference(classification=ELECTRICITY, region=self._pick(["CN-JS", "DE"])),
            ]
        )
        is_power = ref.classification == ELECTRICITY
        unit = "KWH" if is_power else self._pick([*PIECES, "KGM", "KGM"])
        named = [None, None, self._pick(self.firms).id, f"urn:duns:{self.random.randint(1, 4):09}"]
        return InputLine(
            ref=ref,
            supplier=self._pick(named),
            site=self._pick([None, None, None, self._pick(self.sites)]),
            amount=self._amount("0.3") * PIECES.get(unit, Decimal(1)),
            unit=unit,
            category=self.random.randint(1, 4),
        )

    def _unit_of(self, product: str) -> str:
        """The unit the product is declared in, mostly."""
        said = self.f.standing().products.get(product)
        declared = said.statement.body.unit if said else "KGM"  # type: ignore[attr-defined]  # a product
        return self._pick([declared, declared, declared, "KGM"])

    def _emission(self) -> Emission:
        return Emission(gas="CO2", origin="fossil", amount=self._amount(1))

    def _amount(self, most: Any) -> Decimal:
        return (Decimal(most) * self.random.randint(1, 20) / 20).normalize() + 0

    def _sometimes(self, chance: float) -> bool:
        return self.random.random() < chance

    def _pick(self, choices: Any) -> Any:
        return self.random.choice(list(choices))

    def _periods(self, site: str) -> tuple[tuple[str, str], ...]:
        """A site tells of the whole year or of halves, never both."""
        return HALVES if list(self.sites).index(site) % 2 else WHOLE_YEAR


def period(when: tuple[str, str]) -> Period:
    start, end = map(dt.date.fromisoformat, when)
    return Period(start=start, end=end)
