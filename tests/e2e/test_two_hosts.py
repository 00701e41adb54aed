"""Two Catchment hosts: one pulls the other's footprints through a proxy that ends TLS.

A mill states footprints on its own host. A car maker, on another, names the mill's steel in its
recipe, and its figure follows what the mill's host lists.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from api.keys import keyfile
from api.keys.signing import signed
from ledger.pact import ProductFootprint
from ledger.schema import load
from ledger.statements import (
    Basis,
    Body,
    DisclosedObject,
    Disclosure,
    Footprint,
    Product,
    Production,
    Recipe,
    Site,
)
from tests.e2e.deployment import Deployment, Member
from tests.e2e.tls_proxy import TlsProxy
from tests.factory import gas, line, year_of
from tests.patience import HANG_SECONDS

pytestmark = pytest.mark.only_on("sqlite", "about two hosts, whatever their databases")

MILL = "urn:pact:mill.example:company:1"
PRODUCTS = [f"urn:pact:mill.example:product-id:{n}" for n in range(5)]


@dataclass
class InProduction(Deployment):
    """A deployment with what its operator sets besides."""

    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, "CATCHMENT_ENV": "production", **self.more}


@dataclass
class Hosts:
    """The mill's host with its proxy, and the car maker's; ``cars`` is what that one makes."""

    there: Deployment
    here: Deployment
    mill: Member
    maker: Member
    proxy: TlsProxy
    credentials: tuple[str, str]

    def says(self, who: Member, body: Body, prev: str | None = None) -> str:
        """Have a member say something to its own host; the digest of the statement."""
        key = keyfile.read(who.deployment.folder / who.key, production=True)
        answer = requests.post(
            f"{who.deployment.address}/v1/statements",
            signed(key, body, who.id, prev),
            headers={"Content-Type": "application/jose", "X-Forwarded-Proto": "https"},
            timeout=HANG_SECONDS,
        )
        assert answer.status_code == 201, answer.text
        digest: str = answer.json()["digest"]
        return digest

    def pull(self, *options: str) -> dict[str, str]:
        """What became of each footprint that the mill's host lists, by its id."""
        told = self.here.run_json("pull", "Mill", "--yes", "--filter", "limit=2", *options)
        return {each["id"]: each["outcome"] for each in told["footprints"]}


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    folders = [tmp_path / name for name in ("there", "here")]
    for folder in folders:
        folder.mkdir()
    there = InProduction(folders[0], starts_commands=False, more={"CATCHMENT_TRUSTED_PROXIES": "1"})
    with TlsProxy(tmp_path, there.port) as proxy:
        trust = {"REQUESTS_CA_BUNDLE": str(proxy.certificate)}
        here = InProduction(folders[1], starts_commands=False, more=trust)
        there.run("init", "--origin", "mill.example/log")
        here.run("init", "--origin", "cars.example/log")
        with there.serving(), here.serving():
            yield _settled(there, here, proxy)


def _settled(there: Deployment, here: Deployment, proxy: TlsProxy) -> Hosts:
    mill, guest, maker = there.admitted("Mill"), there.admitted("Cars"), here.admitted("Car maker")
    client = there.run_json(
        "client", "add", "Cars", "--role", "procurement", "--enterprise", guest.id
    )
    credentials = client["client_id"], client["client_secret"]
    here.run(
        "partner", "add", "Mill", "--url", proxy.url, "--admit", "Mill", "--identifier", MILL,
        "--client-id", credentials[0], "--secret", credentials[1], "--buyer", maker.id,
    )  # fmt: skip
    return Hosts(there, here, mill, maker, proxy, credentials)


def _pact(urn: str, total: str, **members: Any) -> ProductFootprint:
    body = {
        "id": str(uuid.uuid4()),
        "specVersion": "3.0.3",
        "created": "2026-01-10T00:00:00Z",
        "status": "Active",
        "companyName": "Mill",
        "companyIds": [MILL],
        "productDescription": "",
        "productIds": [urn],
        "productNameCompany": "Steel",
        "pcf": {
            "declaredUnitOfMeasurement": "kilogram",
            "declaredUnitAmount": "1",
            "productMassPerDeclaredUnit": "1",
            "referencePeriodStart": "2025-01-01T00:00:00Z",
            "referencePeriodEnd": "2026-01-01T00:00:00Z",
            "geographyCountry": "CN",
            "pcfExcludingBiogenicUptake": total,
            "pcfIncludingBiogenicUptake": total,
            "fossilCarbonContent": "0",
            "fossilGhgEmissions": total,
            "ipccCharacterizationFactors": ["AR6"],
            "crossSectoralStandards": ["ISO14067"],
            "exemptedEmissionsPercent": "0",
        },
        **members,
    }
    return load(ProductFootprint, body)


@pytest.mark.slow
def test_a_figure_follows_what_another_host_lists_over_https(hosts: Hosts) -> None:
    digests, bodies = [], []
    for urn in PRODUCTS:
        product = Product(id=str(uuid.uuid4()), name="Steel", unit="KGM", identifiers=(urn,))
        hosts.says(hosts.mill, product)
        body = Footprint(product=product.id, pact=_pact(urn, "2"))
        opened = DisclosedObject(type="footprint", id=product.id)
        hosts.says(hosts.mill, Disclosure(object=opened, level="public"))
        digests.append(hosts.says(hosts.mill, body))
        bodies.append(body)
    _says_https(hosts)

    owner = hosts.here.run_json("partner", "show", "Mill")["enterprise"]
    cars = _recipe_of(hosts, owner)
    before = _upstream(hosts, cars)
    assert before == ("1", None)

    # Five footprints on three pages.
    assert list(hosts.pull().values()) == ["new"] * 5
    # 1 kg of its own, and 3 kg at 2 kg CO2e.
    assert _upstream(hosts, cars) == ("7", "7")
    assert set(hosts.pull().values()) == {"unchanged"}

    first = bodies[0]
    corrected = _pact(PRODUCTS[0], "1.5", precedingPfIds=[first.pact.id])
    hosts.says(hosts.mill, replace(first, pact=corrected), digests[0])
    told = hosts.pull()
    assert told[corrected.id] == "changed"
    assert told[first.pact.id] == "replaced already"
    assert list(told.values()).count("unchanged") == 4
    # 1 + 3 × 1.5
    assert _upstream(hosts, cars) == ("5.5", "5.5")


def _says_https(hosts: Hosts) -> None:
    """What the mill's host says of its own addresses is what its proxy is reached at."""
    trusted, url = str(hosts.proxy.certificate), hosts.proxy.url
    found = requests.get(
        f"{url}/.well-known/openid-configuration", verify=trusted, timeout=HANG_SECONDS
    )
    assert found.json()["token_endpoint"] == f"{url}/auth/token"
    issued = requests.post(
        f"{url}/auth/token",
        {"grant_type": "client_credentials"},
        auth=hosts.credentials,
        verify=trusted,
        timeout=HANG_SECONDS,
    )
    bearer = {"Authorization": f"Bearer {issued.json()['access_token']}"}
    page = requests.get(
        f"{url}/3/footprints?limit=2", headers=bearer, verify=trusted, timeout=HANG_SECONDS
    )
    assert len(page.json()["data"]) == 2
    assert page.links["next"]["url"].startswith(f"{url}/3/footprints?")


def _recipe_of(hosts: Hosts, supplier: str) -> str:
    """The car maker's product, in which are 3 kg of the mill's first product."""
    site = Site(
        id=str(uuid.uuid4()), name="Works", latitude=Decimal("31.5"), longitude=Decimal("120.5"),
        time_zone="Asia/Shanghai",
    )  # fmt: skip
    cars = Product(id=str(uuid.uuid4()), name="Car", unit="KGM")
    common = {"product": cars.id, "site": site.id, "period": year_of(2025)}
    steel = line((PRODUCTS[0], "3", "KGM"), supplier=supplier)
    emitted = gas(("CO2", "fossil", "1"))
    one = Basis(amount=Decimal(1), unit="KGM")
    recipe = Recipe(basis=one, emissions=(emitted,), inputs=(steel,), **common)
    for body in (site, cars, Production(amount=Decimal(1), unit="KGM", **common), recipe):
        hosts.says(hosts.maker, body)
    return cars.id


def _upstream(hosts: Hosts, product: str) -> tuple[str, str | None]:
    """At least, and the value, of a product here, kg CO2e per kg."""
    answer = requests.get(
        f"{hosts.here.address}/v1/products/{product}/footprint?year=2025",
        headers={"Authorization": f"Bearer {hosts.maker.token}"},
        timeout=HANG_SECONDS,
    )
    assert answer.ok, answer.text
    found = answer.json()
    return found["atLeast"], found["value"]
