"""Capture, removals and offsets: what lowers a net figure, and what never does."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from graph.books.inventory import full_books
from graph.books.region import region_of
from graph.engine import Books, Engine, Question
from graph.publishing.published import amounts_of
from ledger.log import Accepted
from ledger.statements import Capture, Certificate, Inventory, Removal
from tests.factory import Actor, Factory, gas, year_of

pytestmark = pytest.mark.only_on("sqlite", "what follows is not about the database")

SCOPE1 = 1000


class Grove:
    """A park company that runs one site: 1000 kg CO2, a sink of 300 kg, and capture."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.host: Actor = factory.enterprise("Host")
        self.verifier = factory.enterprise("Verifier", roles=("verifier",))
        factory.operator.accredit(self.verifier)
        self.site = self.host.site()
        self.park = self.host.park()
        self.host.membership(self.park, self.site)
        self.host.purchases(self.site, [])
        self.inventory: Accepted = self.host.say(self.body())

    def body(self, **members: Any) -> Inventory:
        return Inventory(
            **{
                "site": self.site,
                "period": year_of(2025),
                "emissions": (gas(("CO2", "fossil", str(SCOPE1))),),
                "removals": (
                    Removal(sink="natural", name="Alder grove", amount=Decimal(300)),
                    Removal(sink="technical", name="Air capture", amount=Decimal(100)),
                ),
                "captured": (
                    Capture(origin="fossil", fate="stored", amount=Decimal(50)),
                    Capture(origin="fossil", fate="used", amount=Decimal(20)),
                    Capture(origin="biogenic", fate="stored", amount=Decimal(10)),
                ),
                **members,
            }
        )

    def certify(self, kind: str, amount: int, serial: str, **members: Any) -> Accepted:
        where = {"site": self.site} if kind == "removal" else {"park": self.park}
        return self.host.say(
            Certificate(
                **{
                    "kind": kind,
                    "registry": "sinks.example",
                    "serial": serial,
                    "amount": Decimal(amount),
                    "unit": "KGM",
                    "year": 2025,
                    **where,
                    **members,
                }
            )
        )

    def books(self) -> Books:
        return Engine(self.factory.log).park(self.park, Question(2025))


@pytest.fixture
def grove(factory: Factory) -> Grove:
    return Grove(factory)


def test_only_fossil_carbon_that_is_stored_lowers_the_net_figure(grove: Grove) -> None:
    books = grove.books()
    assert books.ledgers.captured == 50
    assert books.net_operational(books.assessment.scope2).value == SCOPE1 - 50


def test_sinks_count_once_a_verifier_attests_the_very_inventory(grove: Grove) -> None:
    assert (grove.books().ledgers.removed, grove.books().ledgers.removed_unverified) == (0, 400)
    grove.verifier.attest(grove.inventory)
    assert (grove.books().ledgers.removed, grove.books().ledgers.removed_unverified) == (400, 0)
    grove.host.correct(grove.inventory, removals=grove.body().removals[:1])
    assert (grove.books().ledgers.removed, grove.books().ledgers.removed_unverified) == (0, 300)


def test_certificates_verify_what_is_left_and_no_more_than_there_is(grove: Grove) -> None:
    said = grove.certify("removal", 350, "A-1")
    books = grove.books()
    assert (books.ledgers.removed, books.ledgers.removed_unverified) == (350, 50)
    assert [row.by for row in books.ledgers.sunk] == ["certificate", "certificate"]
    assert not books.ledgers.findings
    grove.host.correct(said, amount=Decimal(500))
    books = grove.books()
    assert (books.ledgers.removed, books.ledgers.removed_unverified) == (400, 0)
    assert [each.rule for each in books.findings] == ["removal-certificates-exceed"]
    assert "100 kg" in books.findings[0].sentence


def test_a_certificate_of_another_year_or_site_verifies_nothing(grove: Grove) -> None:
    grove.certify("removal", 100, "A-1", year=2024)
    grove.certify("removal", 100, "A-2", site=grove.host.site("Other"))
    assert grove.books().ledgers.removed == 0


def test_offsets_are_told_and_lower_nothing(grove: Grove) -> None:
    before = grove.books()
    grove.certify("offset", 5000, "O-1", project="Forest elsewhere")
    after = grove.books()
    assert after.ledgers.offsets == 5000
    assert after.assessment.t2 == before.assessment.t2
    for scope2 in (after.assessment.scope2, after.market.amount):
        assert after.net_operational(scope2) == before.net_operational(scope2)
    assert full_books(after).full == full_books(before).full
    assert full_books(after).status == full_books(before).status


def test_a_site_that_is_inside_for_some_days_brings_the_share_of_these(factory: Factory) -> None:
    """From 1 July: 184 of 365 days of emissions, capture and sinks."""
    grove = Grove(factory)
    late = grove.host.park("Late")
    grove.host.membership(late, grove.site, start="2025-07-01")
    grove.verifier.attest(grove.inventory)
    ledgers = Engine(factory.log).park(late, Question(2025)).ledgers
    assert ledgers.removed == pytest.approx(400 * 184 / 365)
    assert ledgers.captured == pytest.approx(50 * 184 / 365)
    assert ledgers.offsets == 0


def test_offsets_of_a_park_are_those_of_a_region_that_holds_it(grove: Grove) -> None:
    grove.certify("offset", 70, "O-1")
    engine, question = Engine(grove.factory.log), Question(2025)
    park, host = engine.park(grove.park, question), engine.enterprise(grove.host.id, question)
    assert (park.ledgers.offsets, host.ledgers.offsets) == (70, 0)
    region = region_of([park, host]).books
    assert region.ledgers.offsets == 70
    assert region.ledgers.captured == park.ledgers.captured  # the site is in both, and counts once


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(lambda g: g.verifier.attest(g.inventory), id="attested"),
        pytest.param(lambda g: g.certify("removal", 1, "A-1"), id="certified"),
        pytest.param(lambda g: g.certify("offset", 1, "O-1"), id="offset"),
    ],
)
def test_what_moves_a_ledger_moves_as_of(grove: Grove, said: Callable[[Grove], Accepted]) -> None:
    before = grove.books().as_of
    index = said(grove).index
    assert grove.books().as_of == index > before


def test_no_more_capture_counts_than_fossil_carbon_was_emitted(grove: Grove) -> None:
    """1000 kg emitted, 5000 said to be stored: the rest is named, and nothing goes below zero."""
    captured = (Capture(origin="fossil", fate="stored", amount=Decimal(5000)),)
    grove.host.correct(grove.inventory, captured=captured)
    books = grove.books()
    assert books.ledgers.captured == SCOPE1
    assert books.net_operational(books.assessment.scope2).value == 0
    assert [each.rule for each in books.findings] == ["capture-exceeds-emissions"]


def test_a_removal_of_another_year_verifies_nothing(grove: Grove) -> None:
    grove.certify("removal", 100, "A-1", vintage=1999)
    books = grove.books()
    assert books.ledgers.removed == 0
    assert [each.rule for each in books.findings] == ["removal-certificate-of-another-year"]
    grove.certify("removal", 100, "A-2", vintage=2025)
    assert grove.books().ledgers.removed == 100


def test_certificates_of_a_park_verify_no_sink_of_its_neighbour(factory: Factory) -> None:
    """400 kg of sinks each; the first has certificates for 700: 400 + 0, also in their region."""
    first, second = Grove(factory), Grove(factory)
    first.certify("removal", 700, "A-1", site=None, park=first.park)
    engine, question = Engine(factory.log), Question(2025)
    parks = [engine.park(each.park, question) for each in (first, second)]
    region = region_of(parks).books
    assert [each.ledgers.removed for each in parks] == [400, 0]
    assert region.ledgers.removed == 400


def test_what_nobody_said_of_sinks_is_not_published_as_none(factory: Factory) -> None:
    host = factory.enterprise("Host")
    site, wire = host.site(), host.product("Wire")
    host.recipe(wire, site, emissions=[("CO2", "fossil", "1")])
    host.production(wire, site, "5")
    books = Engine(factory.log).enterprise(host.id, Question(2025))
    told = amounts_of(books)
    assert told.keys().isdisjoint({"captured", "removals"})
    assert told["scope1"].value == 5
