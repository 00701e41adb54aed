"""Pulling from a partner: the commands, and the errand that follows what a partner announces."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.cli.local import REGISTRAR_FILE
from api.keys.keyfile import KeyFile, write, write_secret
from api.pact import events
from api.partners import companies, pulling
from api.partners.calling import PactHost
from api.partners.companies import Newcomer
from api.partners.partners import Partner, partners_of
from api.partners.taking import OUTCOMES
from api.services import Services
from api.tables import partner as partners
from api.tables import received
from ledger.schema import dump
from ledger.store import reading, writing
from tests.cli_world import Terminal, terminal
from tests.factory import Actor, Factory, line
from tests.pact_host import CLIENT, SECRET, PactServer
from tests.patience import HANG_SECONDS

pytestmark = pytest.mark.only_on("sqlite", "about commands and what they read from a host")

MILL = "urn:pact:mill.example:company:1"
GTIN = "urn:gtin:04012345123456"


@pytest.fixture(autouse=True)
def now(factory: Factory) -> None:
    """Statements in custody are signed at the time of day, so the log's clock must show it."""
    factory.clock.now_ms = time.time_ns() // 1_000_000


@pytest.fixture
def server() -> Iterator[PactServer]:
    with PactServer() as host:
        yield host


def operators_key(factory: Factory) -> KeyFile:
    operator = factory.operator
    return KeyFile(operator.key, operator.id, factory.log.origin, factory.log.genesis.digest)


def listed(factory: Factory, total: str = "2", **members: Any) -> dict[str, Any]:
    body = dump(factory.operator.pact_body(total))
    given = {"companyIds": [MILL], "companyName": "Mill", "productIds": [GTIN], **members}
    return {**body, **given}


def test_every_outcome_is_explained() -> None:
    explained = (Path(__file__).parents[2] / "docs/partners.md").read_text("utf-8")
    assert [each for each in OUTCOMES if f"\n| {each} |" not in explained] == []


# --- The commands


@pytest.fixture
def buyer(factory: Factory) -> Actor:
    return factory.enterprise("Buyer")


@pytest.fixture
def at(factory: Factory, buyer: Actor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """The operator's machine, with the registrar's key."""
    made = terminal(tmp_path, monkeypatch)
    (tmp_path / "var").mkdir()
    write_secret(tmp_path / "var" / "signing-key.pem", factory.signer.private)
    write(tmp_path / "var" / REGISTRAR_FILE, operators_key(factory))
    monkeypatch.setenv("DATABASE_URL", factory.url)
    monkeypatch.setenv("CATCHMENT_PARTNER_SECRET", SECRET)
    return made


@pytest.fixture
def registered(at: Terminal, server: PactServer) -> Terminal:
    at.ok(
        "partner", "add", "Mill", "--url", f"{server.url}/3/", "--admit", "Mill AG",
        "--identifier", MILL, "--client-id", CLIENT, "--buyer", "buyer",
    )  # fmt: skip
    return at


def outcomes(at: Terminal, *options: str) -> dict[str, str]:
    found = at.ok("pull", "Mill", "--json", "--yes", *options).json["footprints"]
    return {each["id"]: each["outcome"] for each in found}


def test_a_partner_is_listed_without_its_secret(registered: Terminal, server: PactServer) -> None:
    for command in (("list",), ("show", "Mill")):
        for options in ((), ("--json",)):
            said = registered.ok("partner", *command, *options)
            assert server.url in said.out
            assert SECRET not in said.out
    (found,) = registered.ok("partner", "list", "--json").json
    assert found["url"] == server.url
    assert b"over there" not in (registered.folder / "log.db").read_bytes()


def test_a_secret_is_asked_for_where_none_is_given(
    at: Terminal, buyer: Actor, server: PactServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CATCHMENT_PARTNER_SECRET")
    at.ok("partner", "add", "Own", "--url", server.url, "--enterprise", buyer.id, "--client-id",
          CLIENT, typed=f"{SECRET}\n")  # fmt: skip
    assert at.ok("pull", "Own", "--json").json["footprints"] == []


def test_a_partner_is_registered_for_somebody(at: Terminal, server: PactServer) -> None:
    common = ("partner", "add", "Own", "--url", server.url, "--client-id", CLIENT)
    assert at.run(*common).code == 2
    assert at.run(*common, "--admit", "Mill").code == 2
    for nobody in ("Nobody", "018f0000-0000-7000-8000-000000000000"):
        assert "no enterprise" in at.run(*common, "--enterprise", nobody).err
    assert "no enterprise" in at.run(*common, "--admit", "Mill", "--identifier", MILL,
                                     "--buyer", "Nobody").err  # fmt: skip
    assert "client" in at.run(*common, "--enterprise", "Buyer", "--client", "unknown").err
    assert at.run(*common, "--admit", "Mill", "--identifier", "urn:gtin:1").code == 1
    admit = ("--admit", "Mill", "--identifier", MILL)
    assert at.run("partner", "add", "Own", "--url", "ftp://x", *admit, *common[-2:]).code == 1
    at.ok(*common, *admit)
    assert "already" in at.run("partner", "add", "Other", *common[3:], *admit).err


def test_a_removed_partner_is_neither_read_nor_in_the_way(
    registered: Terminal, server: PactServer
) -> None:
    registered.ok("partner", "remove", "Mill")
    assert "No partner" in registered.run("pull", "Mill").err
    registered.ok("partner", "add", "Mill", "--url", server.url, "--enterprise", "Mill AG",
                  "--client-id", CLIENT)  # fmt: skip
    assert registered.run("partner", "add", "Mill", "--url", server.url, "--enterprise", "Mill AG",
                          "--client-id", CLIENT).code == 1  # fmt: skip
    registered.ok("pull", "Mill")


def test_the_operator_is_asked_before_a_company_is_admitted(
    factory: Factory, registered: Terminal, server: PactServer
) -> None:
    server.list(listed(factory), listed(factory, companyIds=["urn:duns:123456789"]))
    size = factory.log.size()
    said = registered.ok("pull", "Mill", typed="n\n")
    assert "urn:duns:123456789" in said.out
    assert "company waits for the operator" in said.out
    assert factory.log.size() == size
    assert set(outcomes(registered).values()) == {"new"}


def test_where_nobody_can_be_asked_new_companies_wait_and_the_rest_is_taken_over(
    factory: Factory, registered: Terminal, server: PactServer
) -> None:
    server.list(listed(factory))
    outcomes(registered)
    news, stranger = listed(factory, "3"), listed(factory, companyIds=["urn:duns:123456789"])
    server.list(news, stranger)
    for options in ((), ("--json",)):
        said = registered.ok("pull", "Mill", *options, typed="")
        assert "company waits for the operator" in said.out
    standing = {each["id"]: each["outcome"] for each in said.json["footprints"]}
    assert standing == {
        news["id"]: "unchanged",
        stranger["id"]: "company waits for the operator",
    }


def test_every_company_is_shown_before_it_is_admitted(
    factory: Factory, registered: Terminal, server: PactServer
) -> None:
    names = [f"Works-{number}-" for number in range(60)]
    server.list(
        *(listed(factory, companyName=name, companyIds=[f"urn:x-mill:{name}"]) for name in names)
    )
    said = registered.ok("pull", "Mill", typed="n\n")
    assert [name for name in names if said.out.count(name) < 2] == []


def test_only_a_first_pull_says_anything(
    factory: Factory, registered: Terminal, server: PactServer
) -> None:
    server.list(*(listed(factory, productIds=[f"urn:pact:mill.example:product-id:{n}"])
                  for n in range(5)))  # fmt: skip
    assert list(outcomes(registered).values()) == ["new"] * 5
    size = factory.log.size()
    assert list(outcomes(registered).values()) == ["unchanged"] * 5
    assert list(outcomes(registered, "--full").values()) == ["unchanged"] * 5
    assert factory.log.size() == size
    assert "unchanged" in registered.ok("partner", "show", "Mill").out


def test_a_rehearsal_tells_what_would_come_of_it(
    factory: Factory, registered: Terminal, server: PactServer
) -> None:
    server.list(listed(factory))
    size = factory.log.size()
    said = registered.ok("pull", "Mill", "--dry-run", "--json").json
    assert [each["name"] for each in said["companies"]] == ["Mill"]
    assert [each["outcome"] for each in said["footprints"]] == ["company waits for the operator"]
    assert "Nothing was said" in registered.ok("pull", "Mill", "--dry-run").out
    assert factory.log.size() == size


def test_what_is_wrong_is_told_and_ends_in_an_exit_code(
    factory: Factory, registered: Terminal, server: PactServer
) -> None:
    good = listed(factory)
    server.list(good, {**listed(factory), "status": "Perhaps"})
    said = registered.run("pull", "Mill", "--yes")
    assert said.code == 1
    assert "malformed" in said.out
    assert "new" in said.out


def test_a_host_that_is_down_decides_nothing(registered: Terminal, server: PactServer) -> None:
    server.answers["/auth/token"] = lambda _: (503, {}, b"")
    assert registered.run("pull", "Mill").code == 1
    server.answers["/3/footprints"] = lambda _: (200, {}, b"<html>")
    del server.answers["/auth/token"]
    assert registered.run("pull", "Mill").code == 3
    server._server.server_close()
    assert registered.run("pull", "Mill", "--json").code == 3


def test_filters_are_those_of_pact(registered: Terminal, server: PactServer) -> None:
    registered.ok("pull", "Mill", "--filter", "status=Active", "--filter", "status=Deprecated")
    assert server.requests[-1].query == {"status": ["Active", "Deprecated"]}
    assert registered.run("pull", "Mill", "--filter", "status").code == 2


def test_a_correction_there_moves_the_buyers_figure_at_the_next_pull(
    factory: Factory, registered: Terminal, server: PactServer, buyer: Actor
) -> None:
    plant, car = buyer.site(), buyer.product("Car")
    operator = factory.enterprise("Park company")
    park = operator.park("East park")
    operator.membership(park, plant, consent_by=buyer)
    mill = registered.ok("partner", "list", "--json").json[0]["enterprise"]
    buyer.production(car, plant, "100")
    buyer.inventory(plant, [("CO2", "fossil", "100")])
    steel = line((GTIN, "3", "KGM"), supplier=mill)
    buyer.recipe(car, plant, emissions=[("CO2", "fossil", "1")], inputs=[steel])
    assert upstream(registered, park) == ("0", None)
    first = listed(factory, "2")
    server.list(first)
    assert outcomes(registered) == {first["id"]: "new"}
    # 100 kg of cars, in each of which are 3 kg of steel at 2 kg CO2e.
    assert upstream(registered, park) == ("600", "600")
    before = factory.log.size()
    second = listed(factory, "1.5", precedingPfIds=[first["id"]])
    server.list({**first, "status": "Deprecated"}, second)
    assert outcomes(registered) == {first["id"]: "replaced already", second["id"]: "changed"}
    # 100 × 3 × 1.5
    assert upstream(registered, park) == ("450", "450")
    told = registered.ok("diff", "park", "East park", "--from", before, "--json").out
    assert "450" in told


def upstream(at: Terminal, park: str) -> tuple[str, str | None]:
    """What the park's purchases emitted at least, and their value, in kg."""
    found = at.ok("park", park, "--year", "2025", "--json").json["scope3"]["upstream"]
    return found["atLeast"], found["value"]


# --- What is announced


@pytest.fixture
def partner(factory: Factory, services: Services, server: PactServer) -> Partner:
    bare = partners_of(services).add(
        name="Mill", enterprise=factory.uuid(), url=server.url, client_id=CLIENT, secret=SECRET
    )
    mill = Newcomer("Mill", (MILL,))
    partner, _ = companies.admit(services, bare, operators_key(factory), mill)
    return partner


def announce(services: Services, partner: Partner, *ids: str, id_: str = "1") -> None:
    event = {
        "specversion": "1.0", "id": id_, "source": partner.url, "time": "2026-01-01T00:00:00Z",
        "type": events.PUBLISHED, "data": {"pfIds": list(ids)},
    }  # fmt: skip
    row = {
        "source": partner.url, "id": id_, "partner": partner.id, "type": events.PUBLISHED,
        "body": json.dumps(event).encode(), "at": services.clock(), "state": "waiting", "told": "",
    }  # fmt: skip
    with writing(services.database) as connection:
        connection.execute(received.insert(), row)


def state(services: Services) -> tuple[str, str, int]:
    with reading(services.database) as connection:
        row = connection.execute(sa.select(received)).one()
    return row.state, row.told, row.attempts


def test_what_a_partner_announces_is_fetched(
    factory: Factory, services: Services, server: PactServer, partner: Partner
) -> None:
    document, gone = listed(factory), factory.uuid()
    server.list(document, listed(factory))
    announce(services, partner, document["id"], gone)
    pulling.pull_announced(services)
    assert state(services) == ("done", "1 new, 1 refused", 0)
    assert "/3/footprints" not in server.paths()
    (said,) = services.engine.standing().statements("footprint")
    assert said.owner in partner.companies


def test_a_company_that_nobody_admitted_is_not_let_in_by_an_event(
    factory: Factory, services: Services, server: PactServer, partner: Partner
) -> None:
    document = listed(factory, companyIds=["urn:duns:123456789"])
    server.list(document)
    announce(services, partner, document["id"])
    size = factory.log.size()
    pulling.pull_announced(services)
    assert state(services)[:2] == ("done", "1 company waits for the operator")
    assert factory.log.size() == size


def test_a_host_that_is_down_is_asked_again_and_not_for_ever(
    factory: Factory, services: Services, server: PactServer, partner: Partner
) -> None:
    document = listed(factory)
    server.list(document)
    path = f"/3/footprints/{document['id']}"
    server.answers[path] = lambda _: (503, {}, b"")
    announce(services, partner, document["id"])
    for attempt in range(1, 73):  # an hour apart, which is as long as is waited at most
        pulling.pull_announced(services)
        pulling.pull_announced(services)  # not due yet
        assert (state(services)[0], state(services)[2]) == ("waiting", attempt)
        factory.clock.advance(seconds=3600)
    pulling.pull_announced(services)
    assert state(services)[0] == "failed"
    assert "503" in state(services)[1]
    assert server.paths().count(path) == 73


def test_a_removed_partner_is_asked_nothing(
    services: Services, server: PactServer, partner: Partner
) -> None:
    announce(services, partner, "00000000-0000-4000-8000-000000000000")
    partners_of(services).remove(partner)
    pulling.pull_announced(services)
    assert server.requests == []
    with reading(services.database) as connection:
        assert connection.execute(sa.select(partners.c.removed_at)).scalar_one() is not None


def test_a_slow_host_has_its_time_and_goes_on_where_it_was(
    factory: Factory,
    services: Services,
    server: PactServer,
    partner: Partner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    documents = [listed(factory) for _ in range(3)]
    server.list(*documents)
    announce(services, partner, *(each["id"] for each in documents))
    monkeypatch.setattr(pulling, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(pulling, "_AT_ONCE", 1)
    for asked in (1, 2):
        pulling.pull_announced(services)
        assert (state(services)[0], state(services)[2]) == ("waiting", asked)
        factory.clock.advance(seconds=3600)
    monkeypatch.setattr(pulling, "PATIENCE_SECONDS", HANG_SECONDS)
    pulling.pull_announced(services)
    assert state(services)[0] == "done"
    assert [server.paths().count(f"/3/footprints/{each['id']}") for each in documents] == [1, 1, 1]


def test_what_nobody_foresaw_of_one_partner_keeps_no_other_waiting(
    factory: Factory,
    services: Services,
    server: PactServer,
    partner: Partner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = partners_of(services).add(
        name="Worse", enterprise=factory.uuid(), url=server.url, client_id=CLIENT, secret=SECRET
    )
    document = listed(factory)
    server.list(document)
    announce(services, other, document["id"], id_="worse")
    factory.clock.advance(seconds=1)
    announce(services, partner, document["id"])
    before = PactHost.footprint

    def footprint(host: PactHost, footprint_id: str) -> bytes:
        if host._partner == other:
            raise OverflowError
        return before(host, footprint_id)

    monkeypatch.setattr(PactHost, "footprint", footprint)
    pulling.pull_announced(services)
    with reading(services.database) as connection:
        rows = connection.execute(sa.select(received.c.id, received.c.state)).all()
    assert dict(map(tuple, rows)) == {"worse": "waiting", "1": "done"}


def test_each_partner_has_its_turn_whatever_the_others_announce(
    factory: Factory, services: Services, server: PactServer, partner: Partner
) -> None:
    other = partners_of(services).add(
        name="Loud", enterprise=factory.uuid(), url=server.url, client_id=CLIENT, secret=SECRET
    )
    for number in range(30):
        announce(services, other, factory.uuid(), id_=f"loud {number}")
    factory.clock.advance(seconds=1)
    announce(services, partner, factory.uuid())
    pulling.pull_announced(services)
    done = sa.select(received.c.partner).where(received.c.state == "done")
    with reading(services.database) as connection:
        assert sorted(connection.execute(done).scalars()) == sorted([other.id, partner.id])
