"""Subscriptions from the command line, against a server on a port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.keys.keyfile import write_secret
from api.keys.tokens import Tokens
from tests.cli_world import Terminal, served, terminal
from tests.factory import Factory

pytestmark = pytest.mark.only_on("sqlite", "about commands; the store is tested on both kinds")

URL = "http://127.0.0.1:9/hook"


@pytest.fixture
def at(factory: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A supplier that looks after its own product, over HTTP."""
    made = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    monkeypatch.setenv("DATABASE_URL", factory.url)
    supplier = factory.enterprise("Supplier")
    steel = supplier.product("Steel")
    supplier.recipe(steel, supplier.site(), emissions=[("CO2", "fossil", "2")])
    _, token = Tokens(factory.engine).issue("supplier", supplier.id, "test")
    with served() as address:
        monkeypatch.setenv("CATCHMENT_SERVER", address)
        monkeypatch.setenv("CATCHMENT_TOKEN", token)
        yield made


def test_a_subscription_is_made_listed_and_ended(at: Terminal) -> None:
    made = at.ok("subscribe", "product", "Steel", URL, "--threshold", "0.05", "--json").json
    assert made["secret"].startswith("whsec_")
    assert made["figures"][0]["value"] == "2"
    listed = at.ok("subscriptions").out
    assert "latest" in listed
    assert "5.0 %" in listed
    at.ok("subscriptions", "--end", made["id"])
    assert at.ok("subscriptions", "--json").json == []
    assert at.run("subscriptions", "--end", str(made["about"])).code == 1


def test_people_are_shown_the_secret_once(at: Terminal) -> None:
    said = at.ok("subscribe", "product", "Steel", URL).out
    assert said.splitlines()[-1].startswith("whsec_")
    assert "whsec_" not in at.ok("subscriptions").out


def test_what_was_sent_is_shown_and_sent_again(at: Terminal) -> None:
    made = at.ok("subscribe", "product", "Steel", URL, "--json").json
    event = at.ok("subscriptions", "--test", made["id"], "--json").json["event"]
    shown = at.ok("subscriptions", "--deliveries", made["id"], "--json").json
    assert [(each["id"], each["state"]) for each in shown] == [(event, "waiting")]
    assert "waiting" in at.ok("subscriptions", "--deliveries", made["id"]).out
    again = at.ok("subscriptions", "--deliveries", made["id"], "--replay", event, "--json").json
    assert again == {"event": event}
    assert at.run("subscriptions", "--replay", event).code == 2


def test_the_key_is_exchanged(at: Terminal) -> None:
    made = at.ok("subscribe", "product", "Steel", URL, "--json").json
    said = at.ok("subscriptions", "--rotate", made["id"]).out
    assert said.splitlines()[-1].startswith("whsec_")
    assert made["secret"] not in said


def test_an_address_inside_is_refused_with_its_reason(at: Terminal) -> None:
    said = at.run("subscribe", "product", "Steel", "https://10.0.0.1/")
    assert said.code == 1
    assert "does not lead to public addresses" in said.err
