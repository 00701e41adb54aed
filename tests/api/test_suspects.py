"""What is suspect is listed to those whom it concerns, page by page."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient

from tests.api.conftest import AsRole, Headers
from tests.factory import Actor, Factory

URL = "/v1/log/suspects"


def stolen(factory: Factory) -> tuple[Actor, Actor]:
    """Two enterprises whose keys were compromised before they said anything; Acme said three."""
    acme, other = factory.enterprise("Acme"), factory.enterprise("Other")
    since = factory.clock.now_ms
    for name in ("A", "B", "C"):
        acme.product(name)
    other.product("D")
    factory.clock.advance(seconds=1)
    for actor in (acme, other):
        factory.operator.revoke(actor, since=since, subject=actor.id)
    return acme, other


def items(client: FlaskClient, headers: Headers, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(URL, query_string=query, headers=headers)
    assert answer.status_code == 200, answer.json
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def test_auditors_and_the_operator_see_all_and_others_their_own(
    client: FlaskClient, as_role: AsRole, factory: Factory
) -> None:
    acme, other = stolen(factory)
    assert len(items(client, as_role("auditor"))) == 4
    assert len(items(client, as_role("operator"))) == 4
    assert {each["subject"] for each in items(client, as_role("supplier", acme))} == {acme.id}
    assert len(items(client, as_role("supplier", other))) == 1
    assert items(client, as_role("supplier", factory.enterprise("Third"))) == []


def test_nobody_is_told_anything_without_a_token(client: FlaskClient, factory: Factory) -> None:
    stolen(factory)
    assert client.get(URL).status_code == 401


def test_pages_follow_one_another(client: FlaskClient, as_role: AsRole, factory: Factory) -> None:
    stolen(factory)
    auditor, address, seen = as_role("auditor"), f"{URL}?limit=3", []
    while address:
        answer = client.get(address, headers=auditor)
        seen += [each["index"] for each in answer.json["items"]]
        link = answer.headers.get("Link", "")
        address = link.partition(">")[0].lstrip("<")
    assert seen == sorted(seen)
    assert len(seen) == 4


def test_what_would_become_suspect_is_told_without_storing_anything(
    client: FlaskClient, as_role: AsRole, factory: Factory
) -> None:
    acme = factory.enterprise("Acme")
    before = factory.clock.now_ms
    acme.product("A")
    factory.clock.advance(seconds=10)
    acme.product("B")
    kid, own = acme.key.public.kid, as_role("supplier", acme)
    size = factory.log.size()
    both = items(client, own, kid=kid, since=before // 1000)
    assert [(each["cause"], each["reattested"]) for each in both] == [(None, False)] * 2
    assert len(items(client, own, kid=kid, since=before // 1000 + 10)) == 1
    assert items(client, own) == []
    assert factory.log.size() == size


def test_half_a_question_is_refused(client: FlaskClient, as_role: AsRole) -> None:
    answer = client.get(f"{URL}?kid=x", headers=as_role("auditor"))
    assert (answer.status_code, answer.json["code"]) == (400, "parameters-refused")


def test_an_erased_statement_is_not_listed(
    client: FlaskClient, as_role: AsRole, factory: Factory
) -> None:
    acme = factory.enterprise("Acme")
    site = acme.site()
    said = acme.inventory(site)
    sound = acme.with_key()
    factory.register(sound)
    since = factory.clock.now_ms
    factory.clock.advance(seconds=1)
    sound.revoke(acme, since=since)
    assert len(items(client, as_role("auditor"))) == 2
    sound.erase(said)
    assert len(items(client, as_role("auditor"))) == 1
    assert [each.said.statement.type for each in factory.standing().suspects] == ["site"]
