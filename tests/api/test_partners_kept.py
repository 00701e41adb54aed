"""Partners as they are kept, whatever the database."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from api.errors import PartnerClientTaken, PartnerExists, PartnerRefused, PartnerUnknown
from api.oauth.clients import Clients, clients_of
from api.partners.partners import Partner, partners_of
from api.services import Services
from api.tables import partner as table
from ledger.store import reading
from tests.factory import Factory


def add(services: Services, name: str = "Mill", **more: Any) -> Partner:
    given = {"enterprise": "e", "url": "https://mill.example", "client_id": "c", "secret": "s3cret"}
    return partners_of(services).add(name=name, **{**given, **more})


def test_a_partner_is_found_by_name_and_id_while_it_is_one(services: Services) -> None:
    added = add(services, buyers=["b", "a", "b"])
    assert added.buyers == ("a", "b")
    assert partners_of(services).get("Mill") == partners_of(services).get(added.id) == added
    assert partners_of(services).active() == [added]
    partners_of(services).remove(added)
    assert partners_of(services).active() == []
    with pytest.raises(PartnerUnknown):
        partners_of(services).get("Mill")


def test_a_secret_is_opened_and_never_stored_as_it_is(services: Services) -> None:
    added = add(services)
    assert partners_of(services).secret(added) == "s3cret"
    with reading(services.database) as connection:
        row = connection.execute(sa.select(table)).one()
    assert not any("s3cret" in str(value) for value in row)


def test_a_name_is_given_once_and_comes_back_with_what_it_had(services: Services) -> None:
    first = partners_of(services).takes_company(add(services), "company")
    with pytest.raises(PartnerExists):
        add(services)
    partners_of(services).remove(first)
    again = add(services, url="https://new.example", secret="other")
    assert again == replace(first, url="https://new.example")
    assert partners_of(services).secret(again) == "other"


def test_a_client_is_one_partners(services: Services, factory: Factory) -> None:
    clients = Clients(factory.engine, factory.clock)
    client, _ = clients.add("auditor", None, "Mill's host", ("footprints",))
    assert partners_of(services).of_client(client) is None
    added = add(services, client=client)
    assert partners_of(services).of_client(client) == added
    partners_of(services).remove(added)
    assert partners_of(services).of_client(client) is None


def test_no_two_partners_have_one_client(services: Services) -> None:
    client, _ = clients_of(services).add("auditor", None, "Mill's host", ("events",))
    first = add(services, client=client)
    with pytest.raises(PartnerClientTaken):
        add(services, "Other", client=client)
    add(services, "Without")
    add(services, "Without too")
    partners_of(services).remove(first)
    assert add(services, "Other", client=client).client == client


def test_companies_are_remembered_with_through_whom_they_came(services: Services) -> None:
    mill, other = add(services), add(services, "Other")
    for company in ("2", "1", "2"):
        mill = partners_of(services).takes_company(mill, company)
    assert mill.companies == ("1", "2")
    assert partners_of(services).through_whom("1") == [mill]
    partners_of(services).remove(other)
    assert partners_of(services).through_whom("3") == []


@pytest.mark.parametrize(
    "written", ["https://mill.example/", "https://mill.example/3", "https://mill.example/3/events/"]
)
def test_an_address_is_kept_without_what_is_always_the_same(
    services: Services, written: str
) -> None:
    assert add(services, url=written).url == "https://mill.example"


def test_in_production_nobody_is_called_in_the_clear(services: Services) -> None:
    production = replace(services, settings=replace(services.settings, environment="production"))
    with pytest.raises(PartnerRefused, match="https://"):
        add(production, url="http://mill.example")
    with pytest.raises(PartnerRefused, match="https://"):
        add(production, auth_url="http://mill.example")
