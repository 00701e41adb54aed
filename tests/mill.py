"""A firm in two years, whose carbon account is worked by hand: every movement on paper.

Gas emits 2 kg CO2 per Nm³; power of the grid 0.6 kg per kWh in 2024 and 0.5 in 2025; paint of its
class 5 kg per kg on average. In kg CO2e:

=============  =====================  =====================  ======================================
2024 → 2025    2024                   2025                   what moved
=============  =====================  =====================  ======================================
natural gas    1000 Nm³ · 2 = 2000    1100 Nm³ · 2 = 2200    activity +200
process        400, corrected to 500  500                    restatement +100
steel          100 kg A · 2 = 200     60 A · 2 + 40 B · 1    supplier −40: 40 kg at 2 become 40 at 1
               .                      = 160
copper         50 kg · 4 = 200        60 kg · 3 = 180        activity 10 · (4 + 3)/2 = +35
               .                      .                      factor −1 · (50 + 60)/2 = −55
paint          10 kg · 5 = 50 (est.)  10 kg · 3 = 30         method −20: declared, not estimated
power          1000 kWh · 0.6 = 600   900 kWh · 0.5 = 450    activity −100 · 0.55 = −55
               .                      .                      factor −0.1 · 950 = −95
Scope 1        2500 (publ. 2400)      2700
Scope 2        600                    450
Scope 3        450                    370
T2             3550 (publ. 3450)      3520
=============  =====================  =====================  ======================================

    3450 + restatement 100 + activity 180 − supplier 40 − factor 150 − method 20 = 3520
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ledger.log import Accepted
from ledger.schema import load
from ledger.statements import ELECTRICITY, DirectEmission, Factors, Fuel, Inventory, OutputValue
from tests.audited import figure_of
from tests.factory import Actor, Factory, line, year_of

FIRST, SECOND = 2024, 2025
GAS = "urn:catchment:fuel:natural-gas"
STEEL, PAINT = "urn:cpc:41211", "urn:cpc:35110"
ON_PAPER = {
    "restatement": 100.0,
    "activity": 180.0,
    "supplier": -40.0,
    "factor": -150.0,
    "method": -20.0,
}


@dataclass
class Mill:
    """The firm, its site, and what it buys: products by name, and who sells them."""

    f: Factory
    firm: Actor
    site: str
    products: dict[str, str]
    sellers: dict[str, Actor]
    inventory: Accepted
    published: Accepted

    @property
    def park(self) -> str:
        return next(iter(self.f.standing().parks))

    def disclose_all(self) -> None:
        """Let the firm read what its suppliers state."""
        for name, product in self.products.items():
            self.sellers[name].disclose("footprint", product, to=self.firm)


def build_mill(f: Factory) -> Mill:
    """The firm with both years said; 2024 was published before its inventory was corrected."""
    state_factors(f)
    firm = f.enterprise("Mill", country="CN")
    site = firm.site("Mill site", grid_region="CN-JS")
    sellers = {name: f.enterprise(f"{name} Co") for name in ("Steel A", "Steel B", "Copper")}
    classes = {"Steel A": (STEEL,), "Steel B": (STEEL,), "Copper": ()}
    products = {n: s.product(n, classifications=classes[n]) for n, s in sellers.items()}
    sellers["Paint"] = f.enterprise("Paint Co")
    products["Paint"] = sellers["Paint"].product("Paint", classifications=(PAINT,))
    for name, first, second in (("Steel A", "2", "2"), ("Copper", "4", "3")):
        sellers[name].footprint(products[name], first, year=FIRST)
        sellers[name].footprint(products[name], second, year=SECOND)
    sellers["Steel B"].footprint(products["Steel B"], "1", year=SECOND)
    sellers["Paint"].footprint(products["Paint"], "3", year=SECOND)
    inventory = firm.say(books(site, FIRST, gas="1000", process="400", worth="10000"))
    firm.say(books(site, SECOND, gas="1100", process="500", worth="12000"))
    bought = {
        FIRST: [(products["Steel A"], "100"), (products["Copper"], "50"), ((PAINT, "CN"), "10")],
        SECOND: [
            (products["Steel A"], "60"),
            (products["Steel B"], "40"),
            (products["Copper"], "60"),
            (products["Paint"], "10"),
        ],
    }
    for year, power in ((FIRST, "1000"), (SECOND, "900")):
        lines = [line((what, amount, "KGM")) for what, amount in bought[year]]
        lines.append(line(((ELECTRICITY, "CN-JS"), power, "KWH"), category=3))
        firm.purchases(site, lines, year=year)
    published = firm.say(figure_of(f.log, "enterprise", firm.id, FIRST))
    corrected = books(site, FIRST, gas="1000", process="500", worth="10000")
    inventory = firm.say(corrected, prev=inventory.digest)
    return Mill(f, firm, site, products, sellers, inventory, published)


def books(
    site: str, year: int, *, gas: str, process: str, worth: str | None = None, **fuel: Any
) -> Inventory:
    """The inventory of a year; ``fuel`` are measured values of the gas."""
    measured = {name: Decimal(value) for name, value in fuel.items()}
    return Inventory(
        site=site,
        period=year_of(year),
        emissions=(DirectEmission(gas="CO2", amount=Decimal(process), source="process"),),
        fuels=(Fuel(fuel=GAS, amount=Decimal(gas), unit="NM3", **measured),),
        output_value=worth and OutputValue(amount=Decimal(worth), unit=f"CNY:{year}:basic"),
    )


def state_factors(f: Factory) -> None:
    """One set: burning gas, paint on average, and the power of the grid in both years."""
    rows = [
        _row("fuel", GAS, "NM3", "2"),
        _row("average", PAINT, "KGM", "5"),
        _row("grid", ELECTRICITY, "KWH", "0.6", year=FIRST),
        _row("grid", ELECTRICITY, "KWH", "0.5", year=SECOND),
    ]
    about = {"name": "yearbook", "version": "1", "publisher": "I", "source": "Y", "year": FIRST}
    f.operator.say(load(Factors, {**about, "rows": rows}))


def _row(kind: str, of: str, unit: str, kg: str, **more: Any) -> dict[str, Any]:
    emitted = [{"gas": "CO2", "origin": "fossil", "amount": kg}]
    return {"kind": kind, "name": kind, "of": of, "unit": unit, "emissions": emitted, **more}
