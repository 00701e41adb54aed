"""Requests in the terminal: a buyer asks, a supplier reads what to do and does it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.app import create_app
from api.asking import settling
from api.services import Services
from api.settings import Settings
from tests.cli_world import ORIGIN, Terminal, admitted, served, terminal

pytestmark = pytest.mark.only_on("sqlite", "a terminal is not about the database")

PRODUCT = "4c3b7a90-5d0b-4f6e-9d3a-2f1f6a8b1c02"


def submitted(at: Terminal, address: str, name: str, document: object) -> None:
    at.write(f"{name}.json", document)
    signed = f"{name}.jws"
    at.ok("sign", f"{name}.json", "--key", "maker.key", "--out", signed)
    at.ok("submit", signed, "--server", address)


def settle() -> None:
    """What the server's errand does every few seconds."""
    app = create_app(Settings.from_env())
    services: Services = app.extensions["catchment"]
    settling.settle(services)
    services.database.dispose()


def test_a_supplier_is_asked_and_does_what_the_inbox_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = terminal(tmp_path, monkeypatch)
    at.ok("init", "--origin", ORIGIN, "--name", "Operator")
    with served() as address:
        maker, buyer = (admitted(at, address, name) for name in ("maker", "buyer"))
        mine = ("--server", address, "--token", maker)
        theirs = ("--server", address, "--token", buyer)
        product = {"type": "product", "id": PRODUCT, "name": "Wire", "unit": "KGM"}
        submitted(at, address, "product", product)
        asked = at.ok("requests", "ask", "Wire", "--comment", "For the tender.", *theirs, "--json")
        (request,) = asked.json["requests"]
        assert "Wire" in at.ok("requests", "inbox", *mine).out
        told = at.ok("requests", "show", request["id"], *mine).out
        assert "For the tender." in told
        assert "catchment sign --new footprint" in told
        statement = next(line for line in told.splitlines() if '"disclosure"' in line)
        footprint = json.loads(at.ok("sign", "--new", "footprint").out)
        submitted(at, address, "footprint", footprint)
        pact_id = footprint["pact"]["id"]
        refused = at.run("requests", "answer", request["id"], pact_id, *mine)
        assert refused.code == 1
        assert '"type": "disclosure"' in refused.err
        # The very line that was shown is signed.
        submitted(at, address, "disclosure", json.loads(statement))
        settle()
        assert "has answered" in at.ok("requests", "show", request["id"], *theirs).out
        sent = at.ok("requests", "sent", *theirs).out
        assert "1 of 1 suppliers answered" in sent
        assert at.ok("requests", "show", asked.json["asking"], *theirs).out.count("Tier 1") == 1
        at.ok("requests", "answer", request["id"], pact_id, *mine)
        late = at.run("requests", "decline", request["id"], "--reason", "No.", *mine)
        assert late.code == 1
        assert "ended already" in late.err
        too_late = at.run("requests", "pass-on", request["id"], *mine)
        assert too_late.code == 1
        assert "ended already" in too_late.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("requests", "ask"), "--product-id"),
        (("requests", "ask", "--geography", "CN"), "--product-id"),
        (("requests", "show", "wire"), "wire"),
        (("requests", "answer", "wire", PRODUCT), "wire"),
        (("subscriptions", "--end", "wire"), "wire"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    done = terminal(tmp_path, monkeypatch).run(*arguments, "--server", "http://127.0.0.1:9")
    assert done.code == 2
    assert said in done.err
