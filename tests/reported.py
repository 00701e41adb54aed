"""A park with something in every ledger, whose owner works in it alone: for reports and pages.

    Scope 1 1000 kg · steel 100 kg at 2 kg CO2e: Scope 3, category 1, 200 kg · no energy is bought
    captured and stored 50 kg · sinks 300 kg, of which certificates verify 250 · offsets 120 kg
    operational net 1000 − 50 − 250 = 700 · full net, as far as it is known, 900 kg CO2e

What is bought under the other categories but the 6th: nothing, as the site says. Names look like
formulas wherever somebody may choose one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from api.publication.publication import publishable
from graph.engine import Engine, Question
from ledger.log import Accepted
from ledger.statements import (
    Capture,
    Certificate,
    Inventory,
    Milestone,
    Planner,
    Purchases,
    Removal,
    Target,
)
from tests.factory import Actor, Factory, gas, line, year_of

YEAR = 2025
PARK = "=1+1 苏州 Park"
SINK = "@Alder grove"


@dataclass
class Reported:
    """``host`` runs ``park`` and the only site in it."""

    factory: Factory
    host: Actor = field(init=False)
    site: str = field(init=False)
    park: str = field(init=False)

    def __post_init__(self) -> None:
        self.host = self.factory.enterprise("Host")
        mill = self.factory.enterprise("Mill")
        self.site, self.park = self.host.site("-Works"), self.host.park(PARK)
        self.host.membership(self.park, self.site, start=f"{YEAR - 1}-01-01")
        steel = mill.product("+Steel")
        mill.footprint(steel, "2")
        mill.disclose("footprint", steel)
        bought = line((steel, "100", "KGM"), category=1)
        self.host.say(
            Purchases(
                site=self.site,
                period=year_of(YEAR),
                inputs=(bought,),
                without=(2, 3, 4, 5, 7, 8),
            )
        )
        self.host.say(_books(self.site))
        self.certify("removal", 250, "A-1", site=self.site)
        self.certify("offset", 120, "O-1", park=self.park, project="Forest elsewhere")

    def certify(self, kind: str, kg: int, serial: str, **members: Any) -> Accepted:
        certificate = Certificate(
            kind=kind,
            registry="sinks.example",
            serial=serial,
            amount=Decimal(kg),
            unit="KGM",
            year=YEAR,
            **members,
        )
        return self.host.say(certificate)

    def aim(self) -> None:
        """Say that it was 800 kg the year before, and that half of that is to go by 2030.

        The path allows 800 · (1 − 0.5 / 6) = 733 1/3 kg in the year; operational net is 700.
        """
        self.host.purchases(self.site, [], year=YEAR - 1)
        self.host.inventory(self.site, [("CO2", "fossil", "800")], year=YEAR - 1)
        target = Target(
            object=Planner(type="park", id=self.park),
            serial=1,
            name="=Half by 2030",
            ambition="operational",
            base_year=YEAR - 1,
            milestones=(Milestone(year=2030, reduction=Decimal(50)),),
        )
        self.host.say(target)

    def publish(self) -> Accepted:
        """Publish the figure of the park."""
        log = self.factory.log
        books = Engine(log).park(self.park, Question(YEAR))
        return self.host.say(publishable(log, books, self.factory.standing()))


def _books(site: str) -> Inventory:
    return Inventory(
        site=site,
        period=year_of(YEAR),
        emissions=(gas(("CO2", "fossil", "1000")),),
        removals=(Removal(sink="natural", name=SINK, amount=Decimal(300)),),
        captured=(Capture(origin="fossil", fate="stored", amount=Decimal(50)),),
    )
