"""The client asks what buyers ask, over HTTP: found once and kept, compared, decided, followed.

A mill's coil declares 2 kg CO2e per kg and is open to the buyer; its plate of 3 kg is not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace

import pytest
import requests
from flask import Flask

from api.client import Client, Refused, http
from api.keys.keyfile import KeyFile
from api.services import Services
from tests.factory import Actor, Factory
from tests.serving import served

pytestmark = pytest.mark.only_on("sqlite", "about programs that call, not about the database")

GTIN = "4006381333931"


@pytest.fixture
def market(factory: Factory) -> SimpleNamespace:
    mill, buyer = factory.enterprise("Mill"), factory.enterprise("Buyer")
    coil = mill.product("Coil", identifiers=(f"urn:gtin:{GTIN}",))
    plate = mill.product("Plate")
    declared = mill.footprint(coil, "2")
    mill.footprint(plate, "3")
    mill.disclose("footprint", coil, to=buyer)
    return SimpleNamespace(mill=mill, buyer=buyer, coil=coil, plate=plate, declared=declared)


@pytest.fixture
def statuses() -> list[int]:
    """What each request was answered with."""
    return []


@pytest.fixture
def buyer(
    app: Flask, services: Services, market: SimpleNamespace, statuses: list[int]
) -> Iterator[Client]:
    """The client of the buyer's program, and a server for it."""
    _, token = services.tokens.issue("procurement", market.buyer.id, "test")
    session = requests.Session()
    session.hooks["response"].append(lambda answer, **_: statuses.append(answer.status_code))
    with served(app) as address, Client(address, token, session=session) as client:
        yield client


def key_of(actor: Actor, factory: Factory) -> KeyFile:
    log = factory.log_members()
    return KeyFile(actor.key, actor.id, log["origin"], log["genesis"])


def test_a_footprint_is_found_by_the_names_of_its_product(
    buyer: Client, market: SimpleNamespace
) -> None:
    found = buyer.footprint(gtin=GTIN, supplier=market.mill.id, year=2025)
    assert (found.product, found.name, found.supplier) == (market.coil, "Coil", market.mill.id)
    assert (found.value, found.unit, found.year) == (Decimal(2), "kg CO2e per KGM", 2025)
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower < 2 < found.upper
    assert buyer.footprint(product=market.coil, year=2025) == found
    urn = f"urn:gtin:{GTIN}"
    assert buyer.footprint(identifier=urn, supplier=market.mill.id, year=2025) == found


def test_what_has_not_changed_is_not_sent_again(
    buyer: Client, market: SimpleNamespace, statuses: list[int]
) -> None:
    first = buyer.footprint(product=market.coil)
    first.document.clear()
    again = buyer.footprint(product=market.coil)
    assert (again.value, again.document["value"]) == (Decimal(2), "2")
    assert statuses == [200, 304]
    pact = market.mill.pact_body("2.5")
    market.mill.correct(market.declared, pact=pact)
    assert buyer.footprint(product=market.coil).value == Decimal("2.5")
    assert buyer.footprint(product=market.coil).value == Decimal("2.5")
    assert statuses == [200, 304, 200, 304]


def test_questions_are_kept_apart_and_not_without_end(
    buyer: Client, market: SimpleNamespace, statuses: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MOST_KEPT", 2)
    for year in (2023, 2024, 2025, 2024, 2023):
        assert buyer.footprint(product=market.coil, year=year).year == year
    assert statuses == [200, 200, 200, 304, 200]


def test_what_may_not_be_read_is_a_refusal_however_often_it_is_asked(
    buyer: Client, market: SimpleNamespace
) -> None:
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            buyer.footprint(product=market.plate)
        assert refused.value.code == "not-disclosed"


def test_offers_are_compared_decided_and_followed(
    buyer: Client, market: SimpleNamespace, factory: Factory
) -> None:
    offers = [
        {"label": "A", "product": market.coil, "amount": "40", "unit": "TNE"},
        {"label": "B", "product": market.plate, "amount": "40", "unit": "TNE"},
    ]
    compared = buyer.compare({"unit": "TNE", "year": 2025, "offers": offers})
    a, b = compared.offers
    assert (compared.first, a.verdict, a.rank, a.value) == ("A", "passed", 1, Decimal(2000))
    assert (b.verdict, b.rank, b.value) == ("refused", None, None)
    assert [reason.code for reason in b.reasons] == ["not-disclosed"]
    assert b.reasons[0].sentence

    factory.clock.advance(seconds=time.time() - factory.clock() / 1000)  # the client signs now
    award = compared.decided("T-7", chosen="A")
    held = buyer.say(award, key_of(market.buyer, factory))
    (listed,) = buyer.awards(reference="T-7")
    assert (listed["digest"], listed["chosen"]) == (held.digest, "A")
    market.mill.correct(market.declared, pact=market.mill.pact_body("2.5"))
    drifted = buyer.drift(held.digest)
    assert drifted["offers"][0]["change"] == "500"
    assert drifted["stillFirst"] is True
