"""What becomes of the footprints that a partner's host lists."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from decimal import Decimal
from typing import Any, cast

import pytest

from api.keys.keyfile import KeyFile
from api.partners import companies, taking
from api.partners.companies import Newcomer
from api.partners.partners import Partner, partners_of
from api.partners.taking import Taken, read_all, take_in
from api.services import Services
from api.submission.custody import custody_of
from graph.engine import Question
from graph.reading.assurance import assurance_of
from graph.soundness.evidence import Evidence, Scope
from graph.soundness.plausibility import findings
from ledger.pact import ProductFootprint
from ledger.schema import dump
from ledger.statements import Footprint, NaturalKey, Product
from tests.factory import Actor, Factory, line

pytestmark = pytest.mark.only_on("sqlite", "what is taken over does not depend on the database")

MILL = "urn:pact:mill.example:company:1"
GTIN = "urn:gtin:04012345123456"
HOST = "https://mill.example"


@pytest.fixture(autouse=True)
def now(factory: Factory) -> None:
    """Statements in custody are signed at the time of day, so the log's clock must show it."""
    factory.clock.now_ms = time.time_ns() // 1_000_000


@pytest.fixture
def registrar(factory: Factory) -> KeyFile:
    operator = factory.operator
    return KeyFile(operator.key, operator.id, factory.log.origin, factory.log.genesis.digest)


@pytest.fixture
def buyer(factory: Factory) -> Actor:
    return factory.enterprise("Buyer")


@pytest.fixture
def bare(services: Services, buyer: Actor) -> Partner:
    """A partner nobody was admitted through."""
    return partners_of(services).add(
        name="Mill", enterprise=buyer.factory.uuid(), url=HOST, client_id="c", secret="s",
        buyers=[buyer.id],
    )  # fmt: skip


@pytest.fixture
def partner(services: Services, bare: Partner, registrar: KeyFile) -> Partner:
    partner, _ = companies.admit(services, bare, registrar, Newcomer("Mill", (MILL,)))
    return partner


def mill_of(partner: Partner) -> str:
    (mill,) = partner.companies
    return mill


def listed(factory: Factory, total: str = "2.5", **members: Any) -> dict[str, Any]:
    """A footprint as the mill's host lists it."""
    body = factory.operator.pact_body(total)
    given = {"companyIds": [MILL], "companyName": "Mill", "productIds": [GTIN], **members}
    return {**dump(body), **given}


def raw(*documents: dict[str, Any]) -> list[bytes]:
    return [json.dumps(each).encode() for each in documents]


def outcomes(taken: list[Taken]) -> list[str]:
    return [each.outcome for each in taken]


def stands(services: Services, product: str) -> list[ProductFootprint]:
    found = services.engine.standing().about("footprint", product)
    return [cast(Footprint, said.statement.body).pact for said in found]


def only_product(services: Services, partner: Partner) -> str:
    standing = services.engine.standing()
    mine = [id_ for id_, said in standing.products.items() if said.owner == mill_of(partner)]
    (product,) = mine
    return product


def test_a_listed_footprint_is_said_in_custody_and_tells_where_it_was_read(
    factory: Factory, services: Services, partner: Partner, buyer: Actor
) -> None:
    (sent,) = raw(listed(factory))
    (taken,) = take_in(services, partner, [sent])
    assert taken.outcome == taking.NEW
    assert taken.entry is not None
    statement = factory.log.entry(taken.entry).statement
    body = cast(Footprint, statement.body)
    assert statement.subject == mill_of(partner)
    assert body.external is not None
    assert body.external.host == HOST
    assert body.external.digest == hashlib.sha256(sent).hexdigest()
    product = cast(Product, services.engine.standing().products[body.product].statement.body)
    assert (product.unit, product.identifiers, product.name) == ("KGM", (GTIN,), "Product")
    disclosed = NaturalKey("disclosure", ("footprint", body.product, buyer.id))
    assert services.engine.standing().find(disclosed) is not None


def test_the_same_list_again_changes_nothing(
    factory: Factory, services: Services, partner: Partner
) -> None:
    sent = raw(listed(factory), listed(factory, productIds=["urn:gtin:96385074"]))
    assert outcomes(take_in(services, partner, sent)) == [taking.NEW] * 2
    size = factory.log.size()
    assert outcomes(take_in(services, partner, sent)) == [taking.UNCHANGED] * 2
    assert outcomes(take_in(services, partner, sent, again=True)) == [taking.UNCHANGED] * 2
    assert factory.log.size() == size


def test_a_crash_before_it_was_noted_says_nothing_twice(
    factory: Factory, services: Services, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = raw(listed(factory))
    with monkeypatch.context() as patched:
        patched.setattr(taking._Taking, "_keep", lambda *_: None)
        (before,) = take_in(services, partner, sent)
    size = factory.log.size()
    (after,) = take_in(services, partner, sent)
    assert (after.outcome, after.entry) == (taking.UNCHANGED, before.entry)
    assert factory.log.size() == size


def test_every_member_and_extension_is_kept(
    factory: Factory, services: Services, partner: Partner
) -> None:
    extension = {
        "specVersion": "2.0.0",
        "dataSchema": "https://other.example/schema.json",
        "data": {"share": 0.125, "list": [1, None, {"x": 1e-7}]},
    }
    document = listed(factory, extensions=[extension], houseNumber={"of": "ours"})
    (taken,) = take_in(services, partner, raw(document))
    assert taken.entry is not None
    kept = factory.log.entry(taken.entry).statement.envelope.payload["pact"]
    assert json.loads(taking.dumps(kept)) == json.loads(json.dumps(document))


def test_one_that_is_malformed_leaves_the_others_as_they_are(
    factory: Factory, services: Services, partner: Partner
) -> None:
    good = listed(factory)
    bad = listed(factory, status="Perhaps")
    floats = json.dumps(listed(factory)).replace('"2.5"', "2.5").encode()
    others = [b"[]", b"nonsense", b'{"id": 5}', b'{"a":1,"a":2}', b"9" * 5000, b'"\\ud800"']
    deep = b"[" * 500 + b"]" * 500
    taken = take_in(services, partner, [*others, deep, floats, *raw(bad, good)])
    assert outcomes(taken) == [taking.MALFORMED] * 9 + [taking.NEW]
    assert [each.id for each in taken[-2:]] == [bad["id"], good["id"]]
    assert "Perhaps" in taken[-2].told or "status" in taken[-2].told


def test_a_huge_one_is_left_out(factory: Factory, services: Services, partner: Partner) -> None:
    data = {"x": "y" * 300_000}
    extension = {"specVersion": "2", "dataSchema": "https://o.example", "data": data}
    padded = listed(factory, extensions=[extension])
    enormous = b'{"id": "' + b" " * 2_000_000 + b'"}'
    taken = take_in(services, partner, [*raw(padded), enormous])
    assert sorted(outcomes(taken)) == [taking.MALFORMED, taking.REFUSED]


def test_other_content_under_the_same_id_is_told_and_not_taken(
    factory: Factory, services: Services, partner: Partner
) -> None:
    document = listed(factory)
    take_in(services, partner, raw(document))
    greener = {**document, "pcf": {**document["pcf"], "pcfExcludingBiogenicUptake": "0.1"}}
    (told,) = take_in(services, partner, raw(greener))
    assert told.outcome == taking.OTHER_BYTES
    (still,) = stands(services, only_product(services, partner))
    assert still.pcf.pcf_excluding_biogenic_uptake == Decimal("2.5")
    # And again next time: nobody gets used to it.
    assert outcomes(take_in(services, partner, raw(greener))) == [taking.OTHER_BYTES]


def test_what_a_host_says_anew_of_its_origin_is_no_change(
    factory: Factory, services: Services, partner: Partner
) -> None:
    def with_receipt(text: str) -> dict[str, Any]:
        schema = f"https://mill.example{taking.PROVENANCE_PATH}"
        origin = {"specVersion": "2.0.0", "dataSchema": schema, "data": {"receipt": text}}
        return {**document, "extensions": [origin]}

    document = listed(factory)
    take_in(services, partner, raw(with_receipt("first")))
    assert outcomes(take_in(services, partner, raw(with_receipt("second")))) == [taking.UNCHANGED]


def test_one_that_is_deprecated_there_ends_here(
    factory: Factory, services: Services, partner: Partner
) -> None:
    document = listed(factory)
    take_in(services, partner, raw(document))
    ended = raw({**document, "status": "Deprecated"})
    assert outcomes(take_in(services, partner, ended)) == [taking.DEPRECATED]
    assert stands(services, only_product(services, partner)) == []
    size = factory.log.size()
    assert outcomes(take_in(services, partner, ended)) == [taking.DEPRECATED]
    assert factory.log.size() == size


def test_a_successor_takes_the_place_of_what_it_replaces(
    factory: Factory, services: Services, partner: Partner
) -> None:
    first = listed(factory)
    take_in(services, partner, raw(first))
    # Made earlier by the clock of a host that says which one it replaces.
    second = listed(factory, "2.0", precedingPfIds=[first["id"]], created="2025-01-01T00:00:00Z")
    both = raw({**first, "status": "Deprecated"}, second)
    assert outcomes(take_in(services, partner, both)) == [taking.CHANGED, taking.REPLACED]
    (now,) = stands(services, only_product(services, partner))
    assert now.id == second["id"]


def test_a_successor_for_another_year_ends_what_it_replaces(
    factory: Factory, services: Services, partner: Partner
) -> None:
    first = listed(factory)
    take_in(services, partner, raw(first))
    later = dump(factory.operator.pact_body("2.0", year=2024))
    second = {**listed(factory), "pcf": later["pcf"], "precedingPfIds": [first["id"]]}
    assert outcomes(take_in(services, partner, raw(second))) == [taking.CHANGED]
    assert [each.id for each in stands(services, only_product(services, partner))] == [second["id"]]


def test_of_two_for_the_same_time_and_place_the_later_stands(
    factory: Factory, services: Services, partner: Partner
) -> None:
    early = listed(factory, created="2026-02-01T00:00:00Z")
    late = listed(factory, "2.0", created="2026-03-01T00:00:00Z")
    assert outcomes(take_in(services, partner, raw(late))) == [taking.NEW]
    assert outcomes(take_in(services, partner, raw(early))) == [taking.REPLACED]
    assert [each.id for each in stands(services, only_product(services, partner))] == [late["id"]]


def test_one_that_ended_can_be_followed_by_another(
    factory: Factory, services: Services, partner: Partner
) -> None:
    first = listed(factory)
    take_in(services, partner, raw(first))
    take_in(services, partner, raw({**first, "status": "Deprecated"}))
    second = listed(factory, "2.0")
    assert outcomes(take_in(services, partner, raw(second))) == [taking.CHANGED]
    assert [each.id for each in stands(services, only_product(services, partner))] == [second["id"]]


def test_a_product_that_gains_a_name_stays_the_same(
    factory: Factory, services: Services, partner: Partner
) -> None:
    own = "urn:pact:mill.example:product-id:7"
    take_in(services, partner, raw(listed(factory, productIds=[own])))
    take_in(services, partner, raw(listed(factory, "2.0", productIds=[own, GTIN])))
    product = services.engine.standing().products[only_product(services, partner)]
    assert cast(Product, product.statement.body).identifiers == (own, GTIN)


def test_a_piece_tells_the_mass_of_one(
    factory: Factory, services: Services, partner: Partner
) -> None:
    document = listed(factory)
    document["pcf"] |= {
        "declaredUnitOfMeasurement": "piece",
        "declaredUnitAmount": "1E1",
        "productMassPerDeclaredUnit": "25",
    }
    take_in(services, partner, raw(document))
    product = services.engine.standing().products[only_product(services, partner)]
    body = cast(Product, product.statement.body)
    assert (body.unit, body.mass_per_unit) == ("H87", Decimal("2.5"))


# --- Who may be spoken of


def test_an_enterprise_that_speaks_for_itself_is_never_overruled(
    factory: Factory, services: Services, partner: Partner
) -> None:
    urn = "urn:pact:victim.example:company:1"
    victim = factory.enterprise("Victim", identifiers=(urn,))
    resin = victim.product("Resin", identifiers=(GTIN,))
    victim.footprint(resin, "9")
    size = factory.log.size()
    for urns in (
        [urn],
        [MILL, urn],
        [urn.upper().replace("URN", "urn", 1).replace("PACT", "pact")],
    ):
        (taken,) = take_in(services, partner, raw(listed(factory, companyIds=urns)))
        assert taken.outcome in (companies.SPEAKS_FOR_ITSELF, companies.WAITS)
    (taken,) = take_in(services, partner, raw(listed(factory, companyIds=[MILL, urn])))
    assert taken.outcome == companies.SPEAKS_FOR_ITSELF
    assert factory.log.size() == size


def test_a_company_that_came_to_speak_for_itself_is_heard_alone(
    factory: Factory, services: Services, partner: Partner
) -> None:
    take_in(services, partner, raw(listed(factory)))
    itself = Actor(factory, mill_of(partner), "Mill", factory.operator.with_key().key)
    factory.register(itself)
    (taken,) = take_in(services, partner, raw(listed(factory, "0.1")))
    assert taken.outcome == companies.SPEAKS_FOR_ITSELF


def test_another_partner_may_not_speak_of_it(
    factory: Factory, services: Services, partner: Partner
) -> None:
    take_in(services, partner, raw(listed(factory)))
    rival = partners_of(services).add(
        name="Rival", enterprise=factory.uuid(), url="https://rival.example", client_id="c",
        secret="s",
    )  # fmt: skip
    (taken,) = take_in(services, rival, raw(listed(factory, "99")))
    assert taken.outcome == companies.OF_ANOTHER


def test_an_unknown_company_waits_for_the_operator(
    factory: Factory, services: Services, bare: Partner, registrar: KeyFile
) -> None:
    sent = raw(listed(factory), listed(factory, productIds=["urn:gtin:96385074"]))
    size = factory.log.size()
    assert outcomes(take_in(services, bare, sent)) == [companies.WAITS] * 2
    assert factory.log.size() == size
    (newcomer,) = taking.newcomers(services, bare, read_all(sent)[0])
    assert newcomer == Newcomer("Mill", (MILL,))
    partner, mill = companies.admit(services, bare, registrar, newcomer)
    assert outcomes(take_in(services, partner, sent)) == [taking.NEW] * 2
    assert custody_of(services).path(mill).stat().st_mode & 0o777 == 0o600


def test_companies_that_share_a_name_are_one(
    factory: Factory, services: Services, bare: Partner
) -> None:
    duns = "urn:duns:123456789"
    sent = raw(
        listed(factory, companyIds=[MILL]),
        listed(factory, companyIds=[duns]),
        listed(factory, companyIds=[duns, MILL]),
        listed(factory, companyIds=["urn:unreadable"]),
    )
    (newcomer,) = taking.newcomers(services, bare, read_all(sent)[0])
    assert set(newcomer.identifiers) == {MILL, duns}


def test_the_enterprise_a_host_belongs_to_gets_its_key_and_more_names_at_the_first_pull(
    factory: Factory, services: Services, bare: Partner, registrar: KeyFile
) -> None:
    duns = "urn:duns:123456789"
    owner = companies.registered(services, registrar, "Mill", (MILL,))
    partner = partners_of(services).add(
        name="Own", enterprise=owner, url=HOST, client_id="c", secret="s"
    )
    sent = raw(
        listed(factory, companyIds=[duns]),
        listed(factory, "2.0", companyIds=[duns, MILL], created="2026-03-01T00:00:00Z"),
    )
    (newcomer,) = taking.newcomers(services, partner, read_all(sent)[0])
    assert newcomer.enterprise == owner
    partner, admitted = companies.admit(services, partner, registrar, newcomer)
    assert admitted == owner
    assert outcomes(take_in(services, partner, sent)) == [taking.NEW, taking.CHANGED]
    assert len(services.engine.standing().enterprises) == 2  # and the buyer


def test_an_id_of_another_enterprise_is_not_taken(
    factory: Factory, services: Services, partner: Partner, buyer: Actor
) -> None:
    ours = buyer.footprint(buyer.product("Own"), "1")
    pact = cast(Footprint, ours.statement.body).pact
    (taken,) = take_in(services, partner, raw(listed(factory, id=pact.id)))
    assert (taken.outcome, taken.entry) == (taking.ANOTHERS_ID, ours.index)


def test_a_gtin_that_a_host_claims_captures_no_line(
    factory: Factory, services: Services, partner: Partner, buyer: Actor
) -> None:
    plant, car = buyer.site(), buyer.product("Car")
    honest = factory.enterprise("Honest", admitted=(GTIN,))
    honest.footprint(honest.product("Steel", identifiers=(GTIN,)), "2")
    buyer.production(car, plant, "1")
    buyer.recipe(car, plant, inputs=[(GTIN, "3", "KGM")])
    before = kg(services, car)
    assert outcomes(take_in(services, partner, raw(listed(factory, "500")))) == [taking.NEW]
    assert kg(services, car) == before == (Decimal(6), True)


def kg(services: Services, product: str) -> tuple[Decimal, bool]:
    """What is known of a footprint, and whether that is all of it."""
    _, found = services.engine.footprint(product, Question(year=2025))
    return Decimal(str(round(found.amount.at_least, 9))), found.amount.complete


def test_a_buyers_figure_waits_for_the_supplier_and_follows_it(
    factory: Factory, services: Services, partner: Partner, buyer: Actor
) -> None:
    plant, car = buyer.site(), buyer.product("Car")
    buyer.production(car, plant, "1")
    steel = line((GTIN, "3", "KGM"), supplier=mill_of(partner))
    buyer.recipe(
        car, plant, emissions=[("CO2", "fossil", "1")],
        inputs=[steel],
    )  # fmt: skip
    assert kg(services, car) == (Decimal(1), False)
    first = listed(factory, "2")
    take_in(services, partner, raw(first))
    # 1 kg of its own, and 3 kg at 2 kg CO2e each.
    assert kg(services, car) == (Decimal(7), True)
    second = listed(factory, "1.5", precedingPfIds=[first["id"]])
    take_in(services, partner, raw({**first, "status": "Deprecated"}, second))
    assert kg(services, car) == (Decimal("5.5"), True)


def test_whoever_rests_on_it_is_told_that_nobody_signed_it(
    factory: Factory, services: Services, partner: Partner, buyer: Actor
) -> None:
    plant, car = buyer.site(), buyer.product("Car")
    buyer.production(car, plant, "1")
    buyer.recipe(car, plant, inputs=[line((GTIN, "3", "KGM"), supplier=mill_of(partner))])
    verified = {"coverage": "product level", "providerName": "Some verifier"}
    document = listed(factory)
    document["pcf"] |= {"verification": verified}
    take_in(services, partner, raw(document))
    answered = services.engine.answer(Question(year=2025))
    evidence = Evidence.of(answered.standing, answered.solved, answered.weights)
    steel = only_product(services, partner)
    for scope in (Scope(frozenset({steel})), Scope(frozenset({car}))):
        told = [each for each in findings(evidence, scope) if each.rule == "unsigned-external"]
        assert [each.params["host"] for each in told] == ["mill.example"]
    assert steel in answered.spoken_for
    # That somebody verified it is its owner's word, and here not even that.
    (said,) = answered.standing.about("footprint", steel)
    assert assurance_of(answered.standing, said, dt.date.today()) is None


def test_a_rehearsal_says_nothing(factory: Factory, services: Services, partner: Partner) -> None:
    size, sent = factory.log.size(), raw(listed(factory))
    (taken,) = take_in(services, partner, sent, dry_run=True)
    assert (taken.outcome, taken.entry) == (taking.NEW, None)
    assert factory.log.size() == size
    assert outcomes(take_in(services, partner, sent)) == [taking.NEW]
