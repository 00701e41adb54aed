"""``catchment events``: what an operator sees of events, and sends again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.asking import receiving
from api.opening import open_services
from api.outbox.cloud_event import CloudEvent
from api.outbox.outbox import outbox_of
from api.pact import events
from api.partners.inbox import inbox_of
from api.partners.partners import Partner, partners_of
from api.services import Services
from api.settings import Settings
from tests.cli_world import ORIGIN, Terminal, terminal

pytestmark = pytest.mark.only_on("sqlite", "what is shown does not depend on the database")

HOST = "https://pact.buyer.example"


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    begun = terminal(tmp_path, monkeypatch)
    begun.ok("init", "--origin", ORIGIN)
    return begun


@pytest.fixture
def services(at: Terminal) -> Services:
    return open_services(Settings.from_env())


@pytest.fixture
def partner(services: Services) -> Partner:
    return partners_of(services).add(
        name="Buyer's host", enterprise="e", url=HOST, client_id="us", secret="s"
    )


def receive(services: Services, partner: Partner, id_: str) -> None:
    asked = events.request_created(HOST, services.clock(), {"productId": ["urn:gtin:0"]})
    body = asked.body.replace(asked.id.encode(), id_.encode())
    inbox_of(services).keep(partner, events.read(body), body)


def test_events_are_listed_with_what_became_of_them(
    at: Terminal, services: Services, partner: Partner
) -> None:
    receive(services, partner, "first [one]")
    receiving.run(services)
    receive(services, partner, "second")
    said = at.ok("events").out
    assert "first [one]" in said
    assert "Buyer's host" in said
    assert "RequestRejectedEvent.3" in said
    listed = at.ok("events", "--json").json
    states = {each["id"]: each["state"] for each in listed["received"]}
    assert states == {"first [one]": "done", "second": "waiting"}
    (answer,) = listed["outgoing"]
    assert (answer["state"], answer["attempts"], answer["recipient"]) == ("waiting", 0, partner.id)
    assert json.loads(answer["body"])["data"]["requestEventId"] == "first [one]"
    waiting = at.ok("events", "--state", "waiting", "--received", "--json").json
    assert [each["id"] for each in waiting["received"]] == ["second"]
    assert waiting["outgoing"] == []


def test_the_last_answer_is_shown_and_an_event_is_sent_again(
    at: Terminal, services: Services, partner: Partner
) -> None:
    made = CloudEvent("an id", events.PUBLISHED, HOST, services.clock(), {})
    serial = outbox_of(services).put("partner", partner.id, made)
    (delivery,) = outbox_of(services).of()
    outbox_of(services).given_up(delivery, "pact.buyer.example answered 400: What?")
    said = at.ok("events", "--outgoing").out
    assert "answered 400: What?" in said
    assert "failed" in said
    assert "an id" in at.ok("events", "--replay", serial).out
    (again,) = at.ok("events", "--json").json["outgoing"]
    assert (again["state"], again["attempts"]) == ("waiting", 0)
    assert again["next_at"].endswith("Z")
    refused = at.run("events", "--replay", serial + 1, "--json")
    assert (refused.code, refused.json["code"]) == (1, "delivery-unknown")
