"""Offers compared at the command line, decided on with one's own key, and looked at again later."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.keys import keyfile
from api.keys.keyfile import KeyFile, write_secret
from api.keys.tokens import Tokens
from ledger.log import Accepted
from tests.cli_world import Terminal, served, terminal
from tests.factory import Actor, Factory, gas

pytestmark = pytest.mark.only_on("sqlite", "about commands; comparisons are tested on both kinds")


@pytest.fixture
def bidder(factory: Factory) -> Actor:
    factory.clock.now_ms = round(time.time() * 1000)  # what is signed at a terminal is signed now
    return factory.enterprise("Bidder")


@pytest.fixture
def said(bidder: Actor) -> dict[str, Accepted]:
    plant = bidder.site()
    made = {}
    for name, direct in (("Coil", "2"), ("Sheet", "3")):
        product = bidder.product(name, identifiers=[f"urn:pact:bidder.example:product-id:{name}"])
        emissions = [("CO2", "fossil", direct)]
        made[name] = bidder.recipe(product, plant, emissions=emissions)
        bidder.disclose("footprint", product)
    return made


@pytest.fixture
def at(
    factory: Factory,
    bidder: Actor,
    said: dict[str, Accepted],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Terminal]:
    """A buyer with a key and a token, and two offers in a file."""
    made = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    buyer = factory.enterprise("Buyer")
    log = factory.log_id.origin, str(factory.log_id.genesis)
    keyfile.write(tmp_path / "buyer.key", KeyFile(buyer.key, buyer.id, *log))
    offers = [
        {
            "label": name.lower(),
            "identifier": f"urn:pact:bidder.example:product-id:{name}",
            "supplier": bidder.id,
            "amount": "1000",
            "unit": "KGM",
        }
        for name in said
    ]
    rule = {"maxPerUnit": "2500"}
    made.write("offers.json", {"unit": "TNE", "year": 2025, "rule": rule, "offers": offers})
    _, token = Tokens(factory.engine).issue("procurement", buyer.id, "test")
    with served() as address:
        monkeypatch.setenv("CATCHMENT_SERVER", address)
        monkeypatch.setenv("CATCHMENT_TOKEN", token)
        yield made


def test_offers_are_shown_in_one_unit_with_verdict_and_reason(at: Terminal) -> None:
    shown = at.ok("compare", "offers.json").out
    assert "kg CO2e per TNE" in shown
    coil, sheet = (line for line in shown.splitlines() if line.startswith(("1  ", "2  ")))
    assert ("coil" in coil, "2,000" in coil, "passes" in coil) == (True, True, True)
    assert ("sheet" in sheet, "3,000" in sheet, "fails" in sheet) == (True, True, True)
    assert "sheet: More carbon per unit than allowed." in shown
    assert "First among those that pass: coil." in shown


def test_every_decision_on_a_tender_has_the_next_serial_number(at: Terminal) -> None:
    decide = ("compare", "offers.json", "--award", "T-1", "--chosen", "coil", "--key", "buyer.key")
    serials = [at.ok(*decide, "--json").json["logged"]["serial"] for _ in range(2)]
    assert serials == [1, 2]
    assert "T-1 (2)" in at.ok("awards").out


def test_an_award_is_saved_with_its_receipt_and_drifts_with_what_is_corrected(
    at: Terminal, bidder: Actor, said: dict[str, Accepted]
) -> None:
    decide = ("compare", "offers.json", "--award", "T-1", "--chosen", "coil", "--key", "buyer.key")
    logged = at.ok(*decide, "--json").json["logged"]
    assert Path(logged["statement"]).read_bytes().count(b".") == 2
    assert Path(logged["receiptFile"]).read_text("utf-8") == logged["receipt"]
    bidder.correct(said["Coil"], emissions=(gas(("CO2", "fossil", "3.5")),))
    shown = at.ok("drift", "T-1").out
    assert "2,000" in shown
    assert "3,500" in shown
    assert at.run("drift", "T-2").code == 1


def test_what_belongs_to_an_award_is_refused_without_one(at: Terminal) -> None:
    assert at.run("compare", "offers.json", "--chosen", "coil").code == 2


def test_a_file_that_is_no_json_is_named(at: Terminal) -> None:
    at.write("wrong.json", "{")
    refused = at.run("compare", "wrong.json")
    assert refused.code == 1
    assert "wrong.json" in refused.err
