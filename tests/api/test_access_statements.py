"""Every kind of statement by every kind of reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from api.access.access import Access
from api.callers import ANONYMOUS, Caller
from ledger.log import Accepted
from ledger.standing import Said, Standing
from ledger.statements import WHOLE, Inventory
from tests.databases import Databases
from tests.factory import Actor, Factory, year_of

READERS = (
    "anonymous",
    "owner",
    "delegate",
    "grantee",
    "park",
    "former park",
    "stranger",
    "procurement",
    "auditor",
    "operator",
)
WITH_TOKEN = set(READERS) - {"anonymous"}
READABLE_BY = {
    "enterprise": WITH_TOKEN,
    "site": WITH_TOKEN,
    "park": WITH_TOKEN,
    "product": WITH_TOKEN,
    "footprint": {"owner", "grantee", "auditor"},
    "recipe": {"owner", "grantee", "auditor"},
    "production": {"owner", "grantee", "auditor"},
    "purchases": {"owner", "grantee", "auditor"},
    "inventory": {"owner", "grantee", "park", "auditor"},
    "key": {"owner", "auditor", "operator"},
    "delegation": {"owner", "delegate", "auditor", "operator"},
    "membership": {"owner", "park", "auditor", "operator"},
    "disclosure": {"owner", "grantee", "auditor", "operator"},
    "genesis": {"auditor", "operator"},
}


@dataclass
class World:
    standing: Standing
    callers: dict[str, Caller]
    said: dict[str, Said]

    def may_read(self, reader: str, kind: str) -> bool:
        return Access(self.standing, self.callers[reader]).may_read_said(self.said[kind])


@pytest.fixture(scope="module")
def world(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    f = Factory(databases.new(tmp_path_factory.mktemp("log"), "log"))
    yield _world(f)
    f.close()


def _world(f: Factory) -> World:
    names = ("owner", "delegate", "grantee", "park", "former park", "stranger", "procurement")
    actors = {name: f.enterprise(name.title()) for name in names}
    owner, park = actors["owner"], actors["park"]
    plant, steel, fence = owner.site("Plant"), owner.product("Steel"), park.park("Park")
    old_fence = actors["former park"].park("Old park")
    said = [
        owner.footprint(steel, "1.9"),
        owner.recipe(steel, plant),
        owner.production(steel, plant, "100"),
        owner.purchases(plant),
        owner.inventory(plant),
        owner.delegate(actors["delegate"]),
        park.membership(fence, plant, consent_by=owner),
        *_grants(owner, actors["grantee"], steel, plant),
    ]
    # A consent that ended before the inventory's year begins opens none of it.
    actors["former park"].membership(
        old_fence, plant, start="2023-01-01", end="2025-01-01", consent_by=owner
    )
    standing = f.standing()
    shown = {each.statement.type: each.index for each in said}
    return World(standing, _callers(actors), dict(_chosen(standing, actors, shown)))


def _grants(owner: Actor, grantee: Actor, steel: str, plant: str) -> list[Accepted]:
    about = {"footprint": steel, "recipe": steel, "production": steel}
    opened = {**about, "purchases": plant, "inventory": plant}
    return [owner.disclose(kind, each, to=grantee) for kind, each in opened.items()]


def _callers(actors: dict[str, Actor]) -> dict[str, Caller]:
    roles = {"park": "park", "former park": "park", "procurement": "procurement"}
    named = {name: Caller(roles.get(name, "supplier"), actor.id) for name, actor in actors.items()}
    return {
        **named,
        "anonymous": ANONYMOUS,
        "auditor": Caller("auditor"),
        "operator": Caller("operator"),
    }


def _chosen(
    standing: Standing, actors: dict[str, Actor], shown: dict[str, int]
) -> Iterator[tuple[str, Said]]:
    """Of each type one statement of the owner's, or of the park's for parks and memberships."""
    subjects = {"park": actors["park"].id}
    for kind in READABLE_BY:
        subject = subjects.get(kind, actors["owner"].id)
        for said in standing.statements(kind):
            if said.index == shown.get(kind) or (kind not in shown and said.owner == subject):
                yield kind, said
            if kind == "genesis":
                yield kind, said


@pytest.mark.parametrize("kind", READABLE_BY)
@pytest.mark.parametrize("reader", READERS)
def test_a_statement_is_shown_to_those_it_is_for_and_to_nobody_else(
    world: World, reader: str, kind: str
) -> None:
    assert world.may_read(reader, kind) == (reader in READABLE_BY[kind])


def test_a_public_footprint_is_shown_to_everyone(factory: Factory) -> None:
    maker = factory.enterprise("Maker")
    steel = maker.product("Steel")
    stated = maker.footprint(steel, "1.9")
    maker.disclose("footprint", steel)
    assert Access(factory.standing(), ANONYMOUS).may_read_statement(stated.statement)


def test_what_is_closed_again_is_closed_also_for_what_was_said_before(factory: Factory) -> None:
    maker, buyer = factory.enterprise("Maker"), factory.enterprise("Buyer")
    steel = maker.product("Steel")
    stated = maker.footprint(steel, "1.9")
    opened = maker.disclose("footprint", steel, to=buyer)
    caller = Caller("procurement", buyer.id)
    assert Access(factory.standing(), caller).may_read_statement(stated.statement)
    closed = maker.correct(opened, level="private")
    assert not Access(factory.standing(), caller).may_read_statement(stated.statement)
    maker.withdraw(maker.correct(closed, level="named"))
    assert not Access(factory.standing(), caller).may_read_statement(stated.statement)


def test_a_withdrawal_is_shown_to_whom_it_names_to_auditors_and_to_the_operator(
    factory: Factory,
) -> None:
    maker, other = factory.enterprise("Maker"), factory.enterprise("Other")
    gone = maker.withdraw(maker.inventory(maker.site())).statement
    standing = factory.standing()
    readers = [Caller("supplier", maker.id), Caller("auditor"), Caller("operator")]
    assert all(Access(standing, each).may_read_statement(gone) for each in readers)
    for stranger in (ANONYMOUS, Caller("supplier", other.id)):
        assert not Access(standing, stranger).may_read_statement(gone)


def test_a_park_without_consent_reads_no_inventory(factory: Factory) -> None:
    owner, park = factory.enterprise("Owner"), factory.enterprise("Park")
    plant = owner.site("Plant")
    park.membership(park.park("Park"), plant)
    stated = owner.inventory(plant)
    access = Access(factory.standing(), Caller("park", park.id))
    assert not access.may_read_statement(stated.statement)


def test_a_consent_opens_only_periods_that_it_covers_whole(factory: Factory) -> None:
    owner, park = factory.enterprise("Owner"), factory.enterprise("Park")
    plant = owner.site("Plant")
    park.membership(park.park("Park"), plant, start="2025-04-01", consent_by=owner)
    first = owner.inventory(plant, period=("2025-01-01", "2025-04-01"))
    later = owner.inventory(plant, period=("2025-04-01", "2026-01-01"))
    access = Access(factory.standing(), Caller("park", park.id))
    assert not access.may_read_statement(first.statement)
    assert access.may_read_statement(later.statement)


def test_an_owner_takes_its_consent_back(factory: Factory) -> None:
    owner, park = factory.enterprise("Owner"), factory.enterprise("Park")
    plant = owner.site("Plant")
    park.membership(park.park("Park"), plant, consent_by=owner)
    stated = owner.inventory(plant).statement
    reader = Caller("park", park.id)
    assert Access(factory.standing(), reader).may_read_statement(stated)
    owner.disclose("inventory", plant, to=park, level="private")
    assert not Access(factory.standing(), reader).may_read_statement(stated)


def test_leaf_records_go_to_auditors_to_the_subject_and_to_the_issuer(factory: Factory) -> None:
    maker, consultant = factory.enterprise("Maker"), factory.enterprise("Consultant")
    stranger = factory.enterprise("Stranger")
    maker.delegate(consultant)
    plant = maker.site()
    body = Inventory(site=plant, period=year_of(2025), part=WHOLE, emissions=())
    said = consultant.say(body, subject=maker.id)
    entry, standing = factory.log.entry(said.index), factory.standing()
    readers = [Caller("supplier", maker.id), Caller("supplier", consultant.id), Caller("auditor")]
    assert all(Access(standing, each).may_read_entry(entry) for each in readers)
    for other in (ANONYMOUS, Caller("operator"), Caller("supplier", stranger.id)):
        assert not Access(standing, other).may_read_entry(entry)
