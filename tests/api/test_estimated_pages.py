"""Figures that rest on estimates: over HTTP, on pages and in the terminal, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

from api.cli.figures import BAR_WIDTH, bounds_bar
from api.keys.keyfile import write_secret
from ledger.schema import load
from ledger.statements import Factors
from tests.api.conftest import AsRole
from tests.cli_world import terminal
from tests.factory import Actor, Factory

pytestmark = pytest.mark.only_on("sqlite", "it is about words and numbers, wherever they lie")

COIL = "urn:cpc:41211"
GSD = "1.5"


class Works:
    """A works in a park of its own: 50 kg CO2 itself, and 20 kg of coil at 2.15 by average.

    Known 50, with estimates 50 + 43 = 93, at most 50 + 43 * 1.5 ** 2 = 146.75 kg CO2e.
    """

    def __init__(self, factory: Factory) -> None:
        self.factory, self.acme = factory, factory.enterprise("Acme")
        self.site, self.park = self.acme.site("Works"), self.acme.park("East Park")
        self.acme.membership(self.park, self.site, consent_by=self.acme)
        emissions = [{"gas": "CO2", "origin": "fossil", "amount": "2.15"}]
        row = {"kind": "average", "name": "Coil", "of": COIL, "unit": "KGM", "gsd": GSD,
               "emissions": emissions}  # fmt: skip
        about = {"name": "averages", "version": "1", "publisher": "I", "source": "Y", "year": 2025}
        factory.operator.say(load(Factors, {**about, "rows": [row]}))
        self.product = self.acme.product("Widget", unit="H87")
        self.acme.recipe(
            self.product,
            self.site,
            basis=("1", "H87"),
            emissions=[("CO2", "fossil", "0.5")],
            inputs=[((COIL, "CN"), "0.2", "KGM")],
        )
        self.acme.production(self.product, self.site, "100", "H87")


@pytest.fixture
def works(factory: Factory) -> Works:
    return Works(factory)


def get(client: FlaskClient, address: str, headers: Any) -> Any:
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


BOUNDS = {"atLeast": "50", "filled": "43", "value": "93", "lower": "50", "upper": "146.75"}


def test_the_books_of_a_park_say_what_is_known_filled_in_and_how_much_higher(
    client: FlaskClient, works: Works, as_role: AsRole
) -> None:
    body = get(client, f"/v1/parks/{works.park}/inventory?year=2025", as_role("auditor"))
    t2 = body["bridge"]["t2"]
    assert {name: t2[name] for name in BOUNDS} == BOUNDS
    assert (float(t2["coverage"]), t2["lacking"]) == (pytest.approx(50 / 93), "estimated")
    shares = {row["rung"]: float(row["share"]) for row in body["rungs"]}
    assert shares == pytest.approx({"computed": 50 / 93, "product-average": 43 / 93})
    (gap,) = body["gaps"]
    assert (gap["estimate"]["kgCo2e"], gap["effect"]) == ("43", "96.75")
    assert gap["estimate"]["factor"].startswith("averages 1")


def test_the_footprint_of_a_product_ranks_its_gaps(
    client: FlaskClient, works: Works, as_role: AsRole
) -> None:
    works.factory.clock.advance(seconds=1)
    headers = as_role("supplier", works.acme)
    body = get(client, f"/v1/products/{works.product}/footprint?year=2025", headers)
    assert (body["value"], body["lower"], body["upper"]) == ("0.93", "0.5", "1.4675")
    assert [row["effect"] for row in body["gaps"]] == ["0.9675"]
    assert [row["rung"] for row in body["rungs"]] == ["computed", "product-average"]


def buyer(factory: Factory, suppliers: int, lacking: int) -> tuple[Actor, str]:
    """Somebody who buys from several, of whom the first few lack something the ladder fills."""
    made, firm = [], factory.enterprise("Buyer")
    for k in range(suppliers):
        other = factory.enterprise(f"Supplier {k}")
        part, site = other.product(f"Part {k}"), other.site(f"Site {k}")
        inputs = [((COIL, "CN"), "1", "KGM")] if k < lacking else []
        other.recipe(part, site, emissions=[("CO2", "fossil", "1")], inputs=inputs)
        made.append(part)
    machine, plant = firm.product("Machine"), firm.site("Plant")
    firm.recipe(machine, plant, emissions=[("CO2", "fossil", "1")],
                inputs=[(part, "1", "KGM") for part in made])  # fmt: skip
    return firm, machine


@pytest.mark.parametrize(("lacking", "shown"), [(1, False), (2, False), (3, True)])
def test_what_is_filled_in_does_not_tell_what_one_supplier_lacks(
    client: FlaskClient, works: Works, as_role: AsRole, lacking: int, shown: bool
) -> None:
    firm, machine = buyer(works.factory, 3, lacking)
    headers = as_role("supplier", firm)
    body = get(client, f"/v1/products/{machine}/footprint?year=2025", headers)
    assert (body["atLeast"], body["lacking"]) == ("4", "estimated")
    told = [body[name] is not None for name in ("value", "filled", "coverage", "upper", "rungs")]
    assert told == [shown] * 5
    assert (body["gaps"], body["gapsNotShown"]) == ([], lacking)


def page(client: FlaskClient, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.get_data(as_text=True)


def bars(html: str) -> dict[str, float]:
    svg = html[html.index('<svg viewBox="0 0 920 26"') :]
    drawn = ElementTree.fromstring(svg[: svg.index("</svg>") + len("</svg>")])
    return {rect.get("class", ""): float(rect.get("width", "0")) for rect in drawn.iter("rect")}


def test_a_park_s_page_draws_what_is_known_estimated_and_at_most(
    client: FlaskClient, works: Works
) -> None:
    works.acme.disclose("figure", works.park)
    html = page(client, f"/parks/{works.park}?year=2025")
    assert bars(html) == pytest.approx(
        {"known": 920 * 50 / 146.75, "filled": 920 * 43 / 146.75, "spread": 920 * 53.75 / 146.75}
    )
    assert "Known 0.050 t CO2e, with estimates 0.093, at most 0.147." in html
    assert "computed 53.8 %, by a product average 46.2 %." in " ".join(html.split())
    assert "1 input has no footprint" in html


def test_a_product_s_page_shows_its_footprint_once_it_is_public(
    client: FlaskClient, works: Works
) -> None:
    address = f"/products/{works.product}?year=2025"
    assert client.get(address).status_code == 403
    works.acme.disclose("footprint", works.product)
    html = page(client, address)
    assert "<h1>Widget</h1>" in html
    assert "Known 0.5, with estimates 0.93, at most 1.4675, kg CO2e per H87." in html
    assert bars(html)["known"] == pytest.approx(920 * 0.5 / 1.4675)
    assert client.get(f"/products/{works.site}").status_code == 404


def test_the_terminal_says_how_well_a_figure_is_known(
    factory: Factory, works: Works, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    said = at.ok("park", "East Park", "--year", 2025).out
    assert "known 0.050, with estimates 0.093, at most 0.147" in said
    assert "How well it is known: computed 53.8 %, by a product average 46.2 %." in said
    assert "It adds 96.75 kg CO2e at most." in " ".join(said.split())
    assert "with estimates 0.93" in at.ok("product", "Widget", "--year", 2025).out


def test_the_bar_of_a_figure_ends_at_its_upper_bound() -> None:
    known, filled, spread = bounds_bar(1, 2, 4)
    assert (len(known), len(filled), len(spread)) == (9, 9, 18)
    assert sum(map(len, bounds_bar(0.3, 0.7, 1.1))) == BAR_WIDTH
    assert bounds_bar(0, 0, 0) == ("", "", "")
