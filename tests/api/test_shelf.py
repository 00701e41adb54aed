"""Footprints as they are handed out: what comes on the shelf, who finds it, and how it ends."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jsonschema
import orjson
import pytest
import sqlalchemy as sa

from api import tables
from api.access.access import Access
from api.callers import Caller
from api.pact import provenance, shelf
from api.pact.criteria import Criteria
from api.pact.provenance import UNSIGNED
from api.pact.provenance_schema import SCHEMA
from api.pact.shelf import Shelf, Shelved, shelf_of
from api.services import Services
from ledger.leaf import Leaf
from ledger.receipt import Receipt, verify
from ledger.statements import External, Footprint
from ledger.store import writing
from tests.factory import START_MS, Actor, Factory

EVERYTHING = Criteria()
VALID = jsonschema.Draft202012Validator(SCHEMA)


def access(services: Services, reader: Actor | None, role: str = "procurement") -> Access:
    caller = Caller(role, reader.id if reader else None)
    return Access(services.engine.standing(), caller)


@pytest.fixture
def maker(factory: Factory) -> Actor:
    return factory.enterprise("Maker")


def test_a_declared_footprint_is_listed_for_whom_its_owner_discloses_it(
    factory: Factory, services: Services, maker: Actor
) -> None:
    buyer, other = factory.enterprise("Buyer"), factory.enterprise("Other")
    resin = maker.product("Resin")
    maker.footprint(resin, "2.5")
    assert not shelf_of(services).page(EVERYTHING, access(services, buyer)).items
    maker.disclose("footprint", resin, to=buyer)
    (found,) = shelf_of(services).page(EVERYTHING, access(services, buyer)).items
    document = orjson.loads(found.json)
    assert document["pcf"]["pcfExcludingBiogenicUptake"] == "2.5"
    assert document["status"] == "Active"
    assert shelf_of(services).find(found.id, access(services, buyer)) == found
    assert shelf_of(services).find(found.id, access(services, other)) is None


def test_a_corrected_footprint_is_deprecated_and_stays_readable(
    services: Services, maker: Actor
) -> None:
    resin = maker.product("Resin")
    first = maker.footprint(resin, "2.5")
    mine = access(services, maker)
    assert [each.status for each in shelf_of(services).page(EVERYTHING, mine).items] == ["Active"]
    maker.correct(first, pact=maker.pact_body("2.4"))
    told = shelf_of(services).page(EVERYTHING, access(services, maker)).items
    assert [each.status for each in told] == ["Deprecated", "Active"]


def shelved(services: Services, reader: Actor, role: str = "supplier") -> list[Shelved]:
    return list(shelf_of(services).page(EVERYTHING, access(services, reader, role)).items)


def origin(found: Shelved) -> dict[str, Any]:
    """What our extension says, held to its schema."""
    told: dict[str, Any] = orjson.loads(found.json)["extensions"][-1]["data"]
    VALID.validate(told)
    return told


# --- How one ends -----------------------------------------------------------------------------


def test_a_withdrawn_footprint_is_deprecated_and_stays_readable(
    services: Services, maker: Actor
) -> None:
    said = maker.footprint(maker.product("Resin"), "2.5")
    (before,) = shelved(services, maker)
    maker.withdraw(said)
    (after,) = shelved(services, maker)
    assert after.status == "Deprecated"
    assert after.json == before.json.replace(b'"status":"Active"', b'"status":"Deprecated"')


def test_an_erased_footprint_is_gone_and_nothing_finds_it(services: Services, maker: Actor) -> None:
    said = maker.footprint(maker.product("Resin"), "2.5")
    (found,) = shelved(services, maker)
    maker.erase(said)
    assert shelved(services, maker) == []
    assert shelf_of(services).find(found.id, access(services, maker)) is None
    by_company = Criteria.of({"companyId": [orjson.loads(found.json)["companyIds"][0]]})
    assert shelf_of(services).page(by_company, access(services, maker)).items == ()


def test_no_number_comes_again_once_the_newest_footprint_is_erased(
    services: Services, maker: Actor
) -> None:
    """Pages and marks of who was told what go by it."""
    resin = maker.product("Resin")
    said = maker.footprint(resin, "2.5")
    (erased,) = shelved(services, maker)
    maker.erase(said)
    maker.footprint(resin, "2.4", year=2024)
    (found,) = shelved(services, maker)
    assert found.serial > erased.serial


def test_one_that_was_erased_before_anybody_looked_never_comes(
    services: Services, maker: Actor
) -> None:
    resin = maker.product("Resin")
    maker.erase(maker.footprint(resin, "2.5"))
    maker.footprint(resin, "2.4", year=2024)
    (found,) = shelved(services, maker)
    assert orjson.loads(found.json)["pcf"]["pcfExcludingBiogenicUptake"] == "2.4"


def test_one_that_a_thief_may_have_signed_is_deprecated(
    factory: Factory, services: Services, maker: Actor
) -> None:
    resin = maker.product("Resin")
    factory.clock.advance(days=2)
    maker.footprint(resin, "2.5")
    assert [each.status for each in shelved(services, maker)] == ["Active"]
    factory.operator.revoke(maker, since=factory.clock.now_ms - 86_400_000)
    assert [each.status for each in shelved(services, maker)] == ["Deprecated"]


def test_a_revocation_changes_nothing_of_what_still_stands(
    factory: Factory, services: Services, maker: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of thousands of footprints, only those in question keep others from appending."""
    thief = factory.enterprise("Thief")
    maker.footprint(maker.product("Resin"), "2")
    stolen = thief.footprint(thief.product("Steel"), "2")
    shelf_of(services).follow(services.engine.standing())
    looked_at = list[str]()

    def settle(*about: Any) -> None:
        looked_at.extend(about[-1])
        return settled(*about)

    settled = Shelf._settle
    monkeypatch.setattr(Shelf, "_settle", settle)
    factory.clock.advance(days=1)
    factory.operator.revoke(thief, since=START_MS)
    shelf_of(services).follow(services.engine.standing())
    body = stolen.statement.body
    assert looked_at == [body.natural_key(stolen.statement.subject).text]


def test_one_that_is_said_again_with_its_id_takes_the_place_of_the_suspect(
    factory: Factory, services: Services, maker: Actor
) -> None:
    resin = maker.product("Resin")
    factory.clock.advance(days=2)
    said = maker.footprint(resin, "2.5")
    shelved(services, maker)
    factory.operator.revoke(maker, since=factory.clock.now_ms - 86_400_000)
    again = maker.with_key()
    factory.register(again)
    stated = again.correct(said, prev=None)
    (found,) = shelved(services, maker)
    assert (found.status, found.entry) == ("Active", stated.index)


def test_the_next_owner_of_a_product_hands_out_what_the_last_one_declared(
    factory: Factory, services: Services, maker: Actor
) -> None:
    heir, buyer = factory.enterprise("Heir"), factory.enterprise("Buyer")
    resin = maker.product("Resin")
    maker.footprint(resin, "2.5")
    (before,) = shelved(services, maker)
    maker.transfer("product", resin, heir)
    assert shelved(services, maker) == []
    assert [each.json for each in shelved(services, heir)] == [before.json]
    heir.disclose("footprint", resin, to=buyer)
    assert [each.id for each in shelved(services, buyer)] == [before.id]


def test_a_disclosure_that_is_closed_again_holds_at_once(
    factory: Factory, services: Services, maker: Actor
) -> None:
    buyer = factory.enterprise("Buyer")
    resin = maker.product("Resin")
    maker.footprint(resin, "2.5")
    opened = maker.disclose("footprint", resin, to=buyer)
    (found,) = shelved(services, buyer)
    maker.correct(opened, level="private")
    assert shelved(services, buyer) == []
    assert shelf_of(services).find(found.id, access(services, buyer)) is None
    assert [each.id for each in shelved(services, maker)] == [found.id]


@pytest.mark.parametrize(
    ("end", "over"),
    [
        ("2024-02-29T00:00:00Z", "2027-02-28T00:00:00"),  # there is no 29 February in 2027
        ("2025-01-01T00:00:00Z", "2028-01-01T00:00:00"),
    ],
)
def test_it_is_deprecated_exactly_three_years_after_its_reference_period(
    factory: Factory, services: Services, maker: Actor, end: str, over: str
) -> None:
    period = {"referencePeriodStart": "2024-01-01T00:00:00Z", "referencePeriodEnd": end}
    maker.footprint(maker.product("Resin"), "2.5", pcf=period)
    instant = dt.datetime.fromisoformat(over).replace(tzinfo=dt.UTC)
    factory.clock.now_ms = int(instant.timestamp() * 1000) - 1
    assert [each.status for each in shelved(services, maker)] == ["Active"]
    factory.clock.now_ms += 1
    assert [each.status for each in shelved(services, maker)] == ["Deprecated"]
    deprecated = Criteria.of({"status": ["deprecated"]})
    assert shelf_of(services).page(deprecated, access(services, maker)).items


def test_one_that_its_owner_calls_deprecated_never_was_active(
    services: Services, maker: Actor
) -> None:
    maker.footprint(maker.product("Resin"), "2.5", status="Deprecated")
    assert [each.status for each in shelved(services, maker)] == ["Deprecated"]


# --- Following the log ------------------------------------------------------------------------


def test_two_processes_that_follow_at_once_put_each_footprint_there_once(
    services: Services, maker: Actor
) -> None:
    resin = maker.product("Resin")
    first, second = (Shelf(services) for _ in range(2))
    for total in ("2.5", "2.6", "2.7"):
        maker.footprint(resin, total, year=2025 - int(total[2]) % 3)
        standing = services.engine.standing()
        first.follow(standing)
        second.follow(standing)
    assert len(shelved(services, maker)) == 3


def a_life(factory: Factory, maker: Actor, look: Callable[[], object] = bool) -> None:
    """Footprints that are corrected, withdrawn, erased, transferred and left alone; ``look`` is
    called after each of these."""
    heir = factory.enterprise("Heir")
    corrected, withdrawn, erased, handed, kept = (
        maker.product(name) for name in ("Corrected", "Withdrawn", "Erased", "Handed", "Kept")
    )
    said = maker.footprint(corrected, "1.5")
    look()
    maker.footprint(kept, "3.5", extensions=[_EXTENSION])
    look()
    maker.correct(said, pact=maker.pact_body("1.4"))
    look()
    second = maker.footprint(withdrawn, "2")
    look()
    maker.withdraw(second)
    third = maker.footprint(erased, "9")
    look()
    maker.erase(third)
    maker.footprint(handed, "4")
    look()
    maker.transfer("product", handed, heir)
    look()


_EXTENSION = {
    "specVersion": "2.0.0",
    "dataSchema": "https://maker.example/schema.json",
    "data": {"nothing": None, "shade": "blue"},
}


def test_nobody_waits_to_append_while_proofs_and_documents_are_made(
    services: Services, maker: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = False

    @contextmanager
    def watched(database: sa.Engine) -> Iterator[sa.Connection]:
        nonlocal locked
        with writing(database) as connection:
            locked = True
            yield connection
        locked = False

    def made(*about: Any) -> dict[str, Any]:
        assert not locked
        return of_statement(*about)

    of_statement = provenance.of_statement
    monkeypatch.setattr(shelf, "writing", watched)
    monkeypatch.setattr(provenance, "of_statement", made)
    maker.footprint(maker.product("Steel"), "2")
    shelf_of(services).follow(services.engine.standing())
    assert shelf_of(services).page(EVERYTHING, access(services, maker)).items


def test_a_shelf_that_is_made_anew_hands_out_the_same_bytes(
    factory: Factory, services: Services, maker: Actor
) -> None:
    """Also the receipts: each is against the first checkpoint that covered its entry."""
    a_life(factory, maker)
    auditor = Access(services.engine.standing(), Caller("auditor"))
    before = shelf_of(services).page(EVERYTHING, auditor).items
    factory.enterprise("Somebody later")
    with writing(services.database) as connection:
        for table in (tables.shelved_term, tables.shelved, tables.progress):
            connection.execute(table.delete())
    anew = Shelf(services).page(EVERYTHING, Access(services.engine.standing(), Caller("auditor")))
    assert anew.items == before
    assert len(before) == 5


def test_a_shelf_that_follows_step_by_step_is_that_which_follows_at_the_end(
    factory: Factory, services: Services, maker: Actor
) -> None:
    a_life(factory, maker, lambda: shelf_of(services).follow(services.engine.standing()))
    auditor = Access(services.engine.standing(), Caller("auditor"))
    told = [(e.id, e.status, e.json) for e in shelf_of(services).page(EVERYTHING, auditor).items]
    with writing(services.database) as connection:
        for table in (tables.shelved_term, tables.shelved, tables.progress):
            connection.execute(table.delete())
    anew = Shelf(services).page(EVERYTHING, auditor).items
    assert [(e.id, e.status, e.json) for e in anew] == told


# --- Where it comes from ----------------------------------------------------------------------


def test_a_declared_footprint_brings_its_own_proof(
    factory: Factory, services: Services, maker: Actor
) -> None:
    said = maker.footprint(maker.product("Resin"), "2.5")
    factory.enterprise("Somebody later")
    (found,) = shelved(services, maker)
    told = origin(found)
    assert (told["kind"], told["digest"], told["index"]) == ("declared", said.digest, said.index)
    assert told["log"]["genesis"] == services.log.genesis.digest
    receipt = Receipt.parse(told["receipt"].encode())
    verify(receipt, [services.log.verifier], told["log"]["origin"])
    assert Leaf.parse(receipt.leaf).signed == said.digest
    assert told["onBehalf"] is False
    assert told["ageDays"] == 183 + 14  # from 2 July 2025 to 15 January 2026
    assert told["usability"] == {
        "level": 1,
        "lacking": ["/pcf/packagingEmissionsIncluded", "/pcf/primaryDataShare"],
    }


def test_rules_that_it_breaks_are_named(services: Services, maker: Actor) -> None:
    broken = {"fossilGhgEmissions": "1", "primaryDataShare": "0.6"}
    maker.footprint(maker.product("Resin"), "2.5", pcf=broken)
    (found,) = shelved(services, maker)
    assert origin(found)["findings"] == [
        "parts-do-not-add-up",
        "primary-data-share",
        "secondary-sources-absent",
    ]


def test_what_a_delegate_said_was_declared_on_behalf(
    factory: Factory, services: Services, maker: Actor
) -> None:
    agent = factory.enterprise("Agent")
    resin = maker.product("Resin")
    maker.delegate(agent)
    body = Footprint(product=resin, site=None, pact=maker.pact_body("2.5"))
    agent.say(body, subject=maker.id)
    (found,) = shelved(services, maker)
    assert origin(found)["onBehalf"] is True


def test_what_was_read_from_another_host_says_that_its_owner_signed_nothing(
    factory: Factory, services: Services, maker: Actor
) -> None:
    held = maker.with_key()
    factory.register(held, custody="operator")
    resin = held.product("Resin")
    source = External(host="https://other.example", fetched=1_768_400_000, digest="ab" * 32)
    pact_body = held.pact_body("2.5")
    held.say(Footprint(product=resin, site=None, pact=pact_body, external=source))
    (found,) = shelved(services, maker)
    told = origin(found)
    assert (told["kind"], told["onBehalf"]) == ("external", True)
    assert told["external"] == {
        "host": "https://other.example",
        "fetched": "2026-01-14T14:13:20Z",
        "sha256": "ab" * 32,
        "note": UNSIGNED,
    }


def test_the_schema_refuses_what_is_not_told_in_full(services: Services, maker: Actor) -> None:
    maker.footprint(maker.product("Resin"), "2.5")
    (found,) = shelved(services, maker)
    told = origin(found)
    for name in told:
        with pytest.raises(jsonschema.ValidationError):
            VALID.validate({n: v for n, v in told.items() if n != name})
    with pytest.raises(jsonschema.ValidationError):
        VALID.validate({**told, "more": 1})


def test_reading_one_by_what_stands_now_sees_what_was_appended_since(
    factory: Factory, services: Services, maker: Actor
) -> None:
    buyer = factory.enterprise("Buyer")
    caller = Caller("procurement", buyer.id)
    resin = maker.product("Resin")
    said = maker.footprint(resin, "2.5")
    footprint = said.statement.body.pact.id
    read = shelf_of(services).read
    assert read(footprint, caller) is None
    opened = maker.disclose("footprint", resin, to=buyer)
    first = read(footprint, caller)
    assert first
    assert read(footprint, caller) == first, "nothing was appended: one query is enough"
    assert read(factory.uuid(), caller) is None
    maker.withdraw(said)
    ended = read(footprint, caller)
    assert ended
    assert ended.status == "Deprecated"
    maker.correct(opened, level="private")
    assert read(footprint, caller) is None
