"""What of capture, sinks and certificates a park, a report and the world are told: of no tenant
alone, nor of two.

No tenant has agreed to small aggregates; most let the park read their inventories.
"""

from __future__ import annotations

import csv
import io
import re
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from api.publication.publication import publishable
from graph.engine import Engine, Question
from ledger.schema import load
from ledger.statements import Certificate, Inventory, Purchases
from tests.api.conftest import AsRole, Headers
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "what is told is not about databases")

YEAR = {"start": "2025-01-01", "end": "2026-01-01"}
GRIDS = ("CN-JS", "CN-ZJ", "CN-AH")


def sink(kg: int) -> dict[str, Any]:
    return {"removals": [{"sink": "natural", "name": "Grove", "amount": str(kg)}]}


def capture(kg: int) -> dict[str, Any]:
    return {"captured": [{"origin": "fossil", "fate": "stored", "amount": str(kg)}]}


class Estate:
    """A park whose own enterprise emits nothing; each tenant emits 1000 kg."""

    def __init__(self, factory: Factory, client: FlaskClient, as_role: AsRole) -> None:
        self.factory, self.client = factory, client
        self.host = factory.enterprise("Host")
        self.park = self.host.park("Estate")
        self.sites: dict[str, str] = {}
        self._join(self.host, {}, kg=0)
        self.auditor, self.company = as_role("auditor"), as_role("park", self.host)

    def tenant(
        self, name: str, stated: dict[str, Any] | None = None, *, consents: bool = True, **more: Any
    ) -> Actor:
        firm = self.factory.enterprise(name)
        self._join(firm, stated or {}, consents=consents, **more)
        return firm

    def _join(
        self,
        firm: Actor,
        stated: dict[str, Any],
        *,
        kg: int = 1000,
        consents: bool = True,
        grid: str = GRIDS[0],
        power: tuple[str, int] | None = None,
    ) -> None:
        site = self.sites[firm.id] = firm.site(f"Site of {firm.name}", grid_region=grid)
        emitted = [{"gas": "CO2", "origin": "fossil", "amount": str(kg)}]
        about = {"site": site, "period": YEAR}
        firm.say(load(Inventory, {**about, "emissions": emitted, **stated}))
        inputs = [_power(*power)] if power else []
        without = [1, 2, 4, 5, 6, 7, 8] + ([] if power else [3])
        firm.say(load(Purchases, {**about, "inputs": inputs, "without": sorted(without)}))
        self.host.membership(self.park, site, consent_by=firm if consents else None)

    def certify(self, firm: Actor, kind: str, amount: str, unit: str, **more: Any) -> None:
        firm.say(
            Certificate(
                kind=kind,
                registry="registry.example",
                serial=f"{kind}-{firm.name}".upper().replace(" ", "-"),
                amount=Decimal(amount),
                unit=unit,
                year=2025,
                site=self.sites[firm.id],
                **more,
            )
        )

    def verify(self, firm: Actor, kg: int) -> None:
        self.certify(firm, "removal", str(kg), "KGM")

    def net(self, headers: Headers | None = None) -> Any:
        return self._asked("net", self.company if headers is None else headers).get_json()

    def removals(self, headers: Headers | None = None) -> tuple[Any, Any]:
        removed = self.net(headers)["ledgers"]["removals"]
        return removed["verified"], removed["unverified"]

    def report(self, form: str) -> str:
        """All words of a report, whatever its form."""
        data = self._asked(f"report.{form}", self.company).data
        if form != "xlsx":
            return data.decode("utf-8-sig")
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        return str([book.get_sheet_by_name(each).to_python() for each in book.sheet_names])

    def _asked(self, what: str, headers: Headers) -> Any:
        address = f"/v1/parks/{self.park}/{what}?year=2025"
        response = self.client.get(address, headers=headers)
        assert response.status_code == 200, response.text
        return response


def _power(product: str, kwh: int) -> dict[str, Any]:
    return {"ref": {"product": product}, "amount": str(kwh), "unit": "KWH", "category": 3}


@pytest.fixture
def estate(factory: Factory, client: FlaskClient, as_role: AsRole) -> Estate:
    return Estate(factory, client, as_role)


NO_NET = {"location": None, "market": None}


@pytest.mark.parametrize("form", ["csv", "xlsx", "html"])
def test_a_park_without_consents_sees_no_tenant_s_sink(estate: Estate, form: str) -> None:
    """41, 42 and 43 kg: the sum is of three, and no row is of one."""
    for k in (1, 2, 3):
        estate.tenant(f"Tenant {k}", sink(40 + k), consents=False)
    removals = estate.net()["ledgers"]["removals"]
    assert removals == {"verified": "0", "unverified": "126", "rows": []}
    assert len(estate.net(estate.auditor)["ledgers"]["removals"]["rows"]) == 3
    assert "Grove" not in estate.report(form)


def test_the_capture_of_one_and_the_sinks_of_two_are_two_sums(estate: Estate) -> None:
    estate.tenant("Catcher", capture(123))
    two = [estate.tenant(name, sink(40)) for name in ("Elm", "Fir")]
    for verified in (False, True):
        for firm in two if verified else []:
            estate.verify(firm, 40)
        body = estate.net()
        assert body["ledgers"]["captured"]["storedFossil"] is None
        assert estate.removals() == (None, None)
        assert body["net"]["operational"] == NO_NET


def test_what_is_verified_of_one_tenant_is_told_to_nobody(estate: Estate) -> None:
    """Three sinks, of which one is certified: not the park, nor the world, nor a published figure
    tells of how much; and no row of the park tells whose it is."""
    firms = [estate.tenant(f"Tenant {k}", sink(40 + k)) for k in (1, 2, 3)]
    estate.verify(firms[0], 17)
    estate.host.disclose("figure", estate.park)
    assert estate.removals(estate.auditor) == ("17", "109")
    for headers in (estate.company, {}):
        assert estate.removals(headers) == (None, None)
        assert estate.net(headers)["net"]["operational"] == NO_NET
    rows = estate.net()["ledgers"]["removals"]["rows"]
    assert sorted((row["kg"], row["verifiedKg"], row["by"]) for row in rows) == [
        (kg, None, None) for kg in ("41", "42", "43")
    ]
    assert not re.search(r"\b17(\.0)?\b", " ".join(_sinks_of(estate.report("csv"))))
    books = Engine(estate.factory.log).park(estate.park, Question(2025))
    published = publishable(estate.factory.log, books, estate.factory.standing())
    left_out = {"removals", "netOperationalLocation", "netOperationalMarket"}
    names = {result.name for result in published.results}
    assert "scope1" in names
    assert not names & left_out


def _sinks_of(report: str) -> list[str]:
    rows = csv.DictReader(io.StringIO(report, newline=""))
    return [row["Value"] for row in rows if row["Table"] == "What sinks removed"]


def test_what_is_left_unverified_of_one_tenant_is_told_to_nobody(estate: Estate) -> None:
    """The park reads of 123 kg in three inventories: the verified sum would tell the rest."""
    firms = [estate.tenant(f"Tenant {k}", sink(40 + k)) for k in (0, 1, 2)]
    for firm, kg in zip(firms, (40, 41, 30), strict=True):
        estate.verify(firm, kg)
    assert estate.removals() == (None, None)
    assert estate.net()["net"]["operational"] == NO_NET


def test_a_sum_less_what_the_park_reads_is_of_three_or_of_nobody(estate: Estate) -> None:
    """It reads two of three inventories with captured CO2: the sum would tell the third."""
    for name in ("Ash", "Elm"):
        estate.tenant(name, capture(100))
    estate.tenant("Closed", capture(7), consents=False)
    for name in ("Fir", "Oak"):
        estate.tenant(name, sink(5), consents=False)
    captured = estate.net()["ledgers"]["captured"]
    assert captured["storedFossil"] is None
    assert captured["rows"] == []
    assert estate.net()["net"]["operational"] == NO_NET


def test_a_stated_nothing_hides_nobody(estate: Estate) -> None:
    """One removes 40 kg and two say that they remove nothing: the sum is still of one."""
    for name, kg in (("Elm", 40), ("Fir", 0), ("Oak", 0)):
        estate.tenant(name, sink(kg), consents=False)
    assert estate.removals(estate.auditor) == ("0", "40")
    assert estate.removals() == (None, None)
    assert estate.net()["ledgers"]["removals"]["rows"] == []


@pytest.fixture
def powered(estate: Estate) -> tuple[Estate, list[Actor]]:
    """Three tenants on three grids take in 1000, 2000 and 3000 kWh."""
    state = estate.factory.enterprise("State grid")
    firms = []
    for k, region in enumerate(GRIDS, 1):
        plant = state.site(f"Plant {region}")
        power = state.product(region, unit="KWH", energy_carrier="electricity", grid=region)
        burnt = [("CO2", "fossil", "0.6")]
        state.recipe(power, plant, basis=("1", "KWH"), emissions=burnt, generation=burnt)
        state.production(power, plant, "100000000", "KWH")
        state.disclose("footprint", power)
        firms.append(estate.tenant(f"Tenant {k}", grid=region, power=(power, 1000 * k)))
    return estate, firms


def test_three_grids_with_one_tenant_each_are_one_row(powered: tuple[Estate, list[Actor]]) -> None:
    estate, _ = powered
    assert len(estate.net(estate.auditor)["scope2"]["residual"]) == 3
    assert estate.net()["scope2"]["residual"] == [{"region": None, "kwh": "6000", "factor": None}]


def test_refused_certificates_hide_nobody(powered: tuple[Estate, list[Actor]]) -> None:
    """Of three tenants with certificates those of two are too old: what is covered is of one."""
    estate, firms = powered
    estate.certify(firms[0], "green-power", "0.7", "MWH")
    for firm in firms[1:]:
        estate.certify(firm, "green-power", "0.5", "MWH", vintage=2019)
    assert estate.net(estate.auditor)["scope2"]["coveredKwh"] == "700"
    told = estate.net()["scope2"]
    assert (told["coveredKwh"], told["market"], told["residual"]) == (None, None, [])
