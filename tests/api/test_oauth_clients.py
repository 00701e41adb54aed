"""OAuth clients: what is stored, who authenticates, and when a secret ends."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from api import tables
from api.errors import ClientNotAuthenticated, ClientRefused, ClientUnknown
from api.oauth.clients import GRANTED, Clients
from tests.factory import Actor, Factory

SCOPES = ("events", "footprints")


@pytest.fixture
def clients(factory: Factory) -> Clients:
    return Clients(factory.engine, factory.clock)


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


def authenticates(clients: Clients, client_id: str, secret: str) -> bool:
    try:
        return clients.authenticate(client_id, secret).client.id == client_id
    except ClientNotAuthenticated:
        return False


def test_a_client_is_who_shows_its_secret(clients: Clients, acme: Actor) -> None:
    client_id, secret = clients.add("supplier", acme.id, "Acme's ERP", SCOPES)
    found = clients.authenticate(client_id, secret).client
    assert (found.role, found.enterprise, found.name) == ("supplier", acme.id, "Acme's ERP")
    assert found.scopes == {"events", "footprints"}
    assert clients.list() == [found]


def test_a_secret_of_another_client_opens_nothing(clients: Clients, acme: Actor) -> None:
    one, other = (clients.add("supplier", acme.id, name, SCOPES) for name in ("one", "other"))
    assert not authenticates(clients, one[0], other[1])
    assert not authenticates(clients, one[0], one[1][:-1] + "!")
    assert not authenticates(clients, "", one[1])


def test_the_database_holds_digests_of_secrets_only(
    clients: Clients, acme: Actor, factory: Factory
) -> None:
    _, secret = clients.add("supplier", acme.id, "ERP", SCOPES)
    with factory.engine.connect() as connection:
        for table in (tables.client, tables.client_secret):
            (row,) = connection.execute(sa.select(table)).all()
            assert not any(secret[4:] in str(value) for value in row)


def test_a_secret_that_was_rotated_out_stays_valid_for_a_day(
    clients: Clients, acme: Actor, factory: Factory
) -> None:
    client_id, old = clients.add("supplier", acme.id, "ERP", SCOPES)
    new = clients.rotate(client_id)
    factory.clock.advance(days=1, seconds=-1)
    assert authenticates(clients, client_id, old)
    factory.clock.advance(seconds=1)
    assert not authenticates(clients, client_id, old)
    assert authenticates(clients, client_id, new)


def test_a_secret_can_be_ended_at_once(clients: Clients, acme: Actor) -> None:
    client_id, old = clients.add("supplier", acme.id, "ERP", SCOPES)
    new = clients.rotate(client_id, hours=0)
    assert not authenticates(clients, client_id, old)
    assert authenticates(clients, client_id, new)


def test_rotating_again_prolongs_no_secret(clients: Clients, acme: Actor, factory: Factory) -> None:
    client_id, first = clients.add("supplier", acme.id, "ERP", SCOPES)
    second = clients.rotate(client_id, hours=1)
    third = clients.rotate(client_id, hours=5)
    factory.clock.advance(seconds=3600)
    assert [authenticates(clients, client_id, each) for each in (first, second, third)] == [
        False,
        True,
        True,
    ]


def test_secrets_that_have_ended_are_forgotten_at_the_next_rotation(
    clients: Clients, acme: Actor, factory: Factory
) -> None:
    client_id, _ = clients.add("supplier", acme.id, "ERP", SCOPES)
    for _ in range(3):
        clients.rotate(client_id, hours=1)
        factory.clock.advance(seconds=3600)
    with factory.engine.connect() as connection:
        assert len(connection.execute(sa.select(tables.client_secret)).all()) == 2


def test_a_revoked_client_stays_revoked_since_the_first_time(
    clients: Clients, acme: Actor, factory: Factory
) -> None:
    client_id, secret = clients.add("supplier", acme.id, "ERP", SCOPES)
    clients.revoke(client_id)
    revoked_at = factory.clock.now_ms
    factory.clock.advance(days=1)
    clients.revoke(client_id)
    assert not authenticates(clients, client_id, secret)
    assert [each.revoked_at for each in clients.list()] == [revoked_at]
    with pytest.raises(ClientUnknown):
        clients.rotate(client_id)


def test_an_unknown_client_is_neither_rotated_nor_revoked(clients: Clients) -> None:
    with pytest.raises(ClientUnknown):
        clients.rotate("nobody")
    with pytest.raises(ClientUnknown):
        clients.revoke("nobody")


@pytest.mark.parametrize(
    ("role", "of", "name", "scopes", "reason"),
    [
        ("root", "acme", "ERP", SCOPES, "not one of"),
        ("anonymous", "acme", "ERP", SCOPES, "not one of"),
        ("supplier", None, "ERP", SCOPES, "speaks for an enterprise"),
        ("supplier", "00000000-0000-4000-8000-000000000000", "ERP", SCOPES, "registered"),
        ("supplier", "acme", " ", SCOPES, "name"),
        ("supplier", "acme", "ERP\x1b[2J", SCOPES, "name"),
        ("supplier", "acme", "ERP", (), "scopes"),
        ("supplier", "acme", "ERP", ("everything",), "scopes"),
    ],
)
def test_a_client_that_makes_no_sense_is_refused(
    clients: Clients, acme: Actor, role: str, of: str | None, name: str, scopes: object, reason: str
) -> None:
    with pytest.raises(ClientRefused, match=reason):
        clients.add(role, acme.id if of == "acme" else of, name, scopes)  # type: ignore[arg-type]  # that is the point
    assert clients.list() == []


def test_uses_are_told_newest_first_and_by_client(clients: Clients, factory: Factory) -> None:
    clients.note("a", GRANTED, "192.0.2.1")
    factory.clock.advance(seconds=1)
    clients.note("b", "invalid_client", "2001:db8::1")
    assert [(use.client, use.outcome, use.address) for use in clients.uses()] == [
        ("b", "invalid_client", "2001:db8::1"),
        ("a", GRANTED, "192.0.2.1"),
    ]
    assert [use.client for use in clients.uses("a")] == ["a"]
    assert len(clients.uses(limit=1)) == 1


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("\x00", "\\x00"),
        ("a\nb\x1b[31m", "a\\nb\\x1b[31m"),
        ("农场", "\\u519c\\u573a"),
        ("x" * 10_000, "x" * 64),
        ("\U0001f4a9" * 100, ("\\U0001f4a9" * 100)[:64]),
    ],
)
def test_whatever_is_sent_as_id_is_kept_short_and_harmless(
    clients: Clients, sent: str, kept: str
) -> None:
    clients.note(sent, "invalid_client", "192.0.2.1")
    assert [use.client for use in clients.uses()] == [kept]


def test_a_flood_of_refusals_neither_fills_the_disk_nor_hides_what_was_granted(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, most in (("_TRIM_EVERY", 1), ("MOST_REFUSALS", 5), ("MOST_GRANTS", 2)):
        monkeypatch.setattr(f"api.oauth.clients.{name}", most)
    for number in range(3):
        clients.note(f"partner {number}", GRANTED, "192.0.2.1")
    for number in range(13):
        clients.note(f"guess {number}", "invalid_client", "198.51.100.1")
    assert [use.client for use in clients.uses()] == [
        *(f"guess {number}" for number in range(12, 7, -1)),
        "partner 2",
        "partner 1",
    ]
