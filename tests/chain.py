"""The worked example of docs/accounting.md as statements in a real log.

Park: P1 (output 100, emits 200 kg) and P2 (50, 50). Outside: power station E3 (200, 160) and
assembler T4 (40, 40). P1 buys 15 P2, 50 E3, 20 T4; P2 buys 40 P1, 20 E3; T4 buys 20 P2, 10 E3.

    m(E3) = 160/200 = 0.8                    m(T4) = 1 + 0.25·0.8 + 0.5·m(P2)
    m(P1) = 2 + 0.5·0.8 + 0.15·m(P2) + 0.2·m(T4) = 2.64 + 0.25·m(P2)
    m(P2) = 1 + 0.4·0.8 + 0.8·m(P1)          so  m(P1) = 3.7125, m(P2) = 4.29, m(T4) = 3.345

    Scope 1 250 · Scope 2 70·0.8 = 56 · m*(T4) = 1 + 0.25·0.8 = 1.2 · Scope 3 20·1.2 = 24
    T0 100·3.7125 + 50·4.29 = 585.75 · T1 60·3.7125 + 35·4.29 = 372.9 · T2 250 + 80 = 330
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.log import Accepted
from ledger.statements import InputLine
from tests.factory import Actor, Factory, line

YEAR = 2025
MADE = {"P1": ("100", "200"), "P2": ("50", "50"), "E3": ("200", "160"), "T4": ("40", "40")}
FLOWS = [
    ("P1", "P2", "40"),
    ("P2", "P1", "15"),
    ("P2", "T4", "20"),
    ("E3", "P1", "50"),
    ("E3", "P2", "20"),
    ("E3", "T4", "10"),
    ("T4", "P1", "20"),
]


@dataclass
class Chain:
    factory: Factory
    firms: dict[str, Actor]
    manager: Actor
    park: str
    sites: dict[str, str]
    products: dict[str, str]
    recipes: dict[str, Accepted]

    def disclose_all(self) -> None:
        """Open every footprint to everyone."""
        for name, product in self.products.items():
            self.firms[name].disclose("footprint", product)


INSIDE = ("P1", "P2")


def build_chain(
    factory: Factory,
    *,
    small_aggregates: bool = True,
    tenants_recipes: bool = True,
    tenants_books: bool = False,
    weighed: bool = False,
) -> Chain:
    """Four enterprises; P1 and P2 consent to the park of a fifth.

    Tenants state recipes, or inventory and purchases (``tenants_books``), or both. Goods that are
    ``weighed`` have a mass of 1 kg apiece.
    """
    firms = {name: factory.enterprise(f"{name} Works") for name in MADE}
    manager = factory.enterprise("Park Manager")
    sites = {name: firm.site(f"{name} site") for name, firm in firms.items()}
    park = manager.park("Example Park")
    for name in INSIDE:
        manager.membership(
            park, sites[name], consent_by=firms[name], small_aggregates=small_aggregates
        )
    mass = {"mass_per_unit": "1"} if weighed else {}
    products = {
        name: firm.product(name, unit="H87", energy_carrier="electricity")
        if name == "E3"
        else firm.product(name, unit="H87", **mass)
        for name, firm in firms.items()
    }
    chain = Chain(factory, firms, manager, park, sites, products, {})
    for name in MADE:
        firms[name].production(products[name], sites[name], MADE[name][0], "H87", year=YEAR)
        if tenants_recipes or name not in INSIDE:
            chain.recipes[name] = _recipe(chain, name)
        if tenants_books and name in INSIDE:
            _books(chain, name)
    return chain


def _recipe(chain: Chain, name: str) -> Accepted:
    output, emitted = MADE[name]
    return chain.firms[name].recipe(
        chain.products[name],
        chain.sites[name],
        year=YEAR,
        basis=(output, "H87"),
        emissions=[("CO2", "fossil", emitted)],
        inputs=_bought(chain, name),
    )


def _books(chain: Chain, name: str) -> None:
    firm, site = chain.firms[name], chain.sites[name]
    firm.inventory(site, year=YEAR, emissions=[("CO2", "fossil", MADE[name][1])])
    firm.purchases(site, year=YEAR, inputs=_bought(chain, name))


def _bought(chain: Chain, name: str) -> list[InputLine]:
    return [
        line((chain.products[i], amount, "H87"), category=3 if i == "E3" else 1)
        for i, j, amount in FLOWS
        if j == name
    ]
