"""Publishing a figure, and what is answered about it from then on."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from graph.version import VERSION
from ledger import bundle, jws, strict_base64
from ledger.checkpoint import Checkpoint
from ledger.merkle import Frontier
from ledger.note import open_note
from ledger.schema import load
from ledger.statements import WHOLE, Figure, InputLine, Purchases, Recipe, Result
from ledger.strict_json import dumps
from ledger.verify import Verdict
from tests.audited import YEAR, figure_of, overall, trust_of, verified
from tests.chain import Chain, build_chain
from tests.factory import START_MS, Actor, Factory, line, year_of

AsRole = Callable[..., dict[str, str]]
COMMON = ("type", "subject", "prev")


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


@pytest.fixture
def auditor(as_role: AsRole) -> dict[str, str]:
    return as_role("auditor")


@pytest.fixture
def manager(as_role: AsRole, chain: Chain) -> dict[str, str]:
    return as_role("park", chain.manager)


def unsigned(client: FlaskClient, chain: Chain, headers: dict[str, str], **query: Any) -> Any:
    path = f"/v1/parks/{chain.park}/figure"
    response = client.get(path, headers=headers, query_string={"year": 2025, **query})
    assert response.status_code == 200, response.text
    return response.get_json()


def body_of(document: dict[str, Any], **changes: Any) -> Figure:
    members = {name: each for name, each in document.items() if name not in COMMON}
    return dataclasses.replace(load(Figure, members), **changes)


def wrong(figure: Figure, name: str, kg: str) -> Figure:
    """The figure with one number put otherwise."""
    number = Decimal(kg)
    results = (
        dataclasses.replace(each, at_least=number, value=number) if each.name == name else each
        for each in figure.results
    )
    return dataclasses.replace(figure, results=tuple(results))


def submit(client: FlaskClient, envelope: bytes) -> tuple[int, Any]:
    response = client.post("/v1/statements", data=envelope, content_type="application/jose")
    return response.status_code, response.get_json(force=True)


def publish(client: FlaskClient, chain: Chain, headers: dict[str, str], **query: Any) -> str:
    figure = body_of(unsigned(client, chain, headers, **query))
    status, answer = submit(client, chain.manager.sign(figure))
    assert status == 201, answer
    return str(answer["digest"])


def read(client: FlaskClient, digest: str, headers: dict[str, str]) -> Any:
    return client.get(f"/v1/figures/{digest}", headers=headers).get_json()


# --- What there is to sign ---


def test_what_is_answered_is_what_is_signed(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    document = unsigned(client, chain, manager)
    assert document["subject"] == chain.manager.id
    results = {each["name"]: each["value"] for each in document["results"]}
    assert (results["scope1"], results["t2"], results["returned"]) == ("250", "330", "42.9")
    status, answer = submit(client, chain.manager.sign(body_of(document)))
    assert (status, answer["type"], answer["new"]) == (201, "figure", True)


def test_the_prefix_is_named_by_its_root(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    log = chain.factory.log
    checkpoint = Checkpoint.parse(open_note(log.checkpoint(), [log.verifier]).text)
    at = unsigned(client, chain, manager)["at"]
    assert at == {"size": checkpoint.size, "root": checkpoint.root.hex()}


def test_a_lower_bound_leaves_the_value_out(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    buyer = chain.firms["P1"]
    recipe = chain.recipes["P1"].statement.body
    assert isinstance(recipe, Recipe)
    unknown = line((buyer.id, "1", "KGM"))
    buyer.correct(chain.recipes["P1"], inputs=(*recipe.inputs, unknown))
    results = {each["name"]: each for each in unsigned(client, chain, manager)["results"]}
    assert "value" not in results["t2"]
    assert results["scope1"]["value"] == "250"


def test_what_was_published_of_the_same_before_is_named_to_be_followed(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    assert "prev" not in unsigned(client, chain, manager)
    digest = publish(client, chain, manager)
    assert unsigned(client, chain, manager)["prev"] == digest


def test_an_enterprise_publishes_its_own(
    client: FlaskClient, chain: Chain, as_role: AsRole
) -> None:
    power = chain.firms["E3"]
    path = f"/v1/enterprises/{power.id}/figure?year=2025"
    document = client.get(path, headers=as_role("supplier", power)).get_json()
    assert document["subject"] == power.id
    assert submit(client, power.sign(body_of(document)))[0] == 201


def operator_key(factory: Factory) -> Actor:
    """A second key of the operator, which may publish for others."""
    key = factory.operator.with_key()
    factory.register(key, roles=("operator",))
    return key


def test_the_operator_publishes_for_a_park(
    client: FlaskClient, chain: Chain, auditor: dict[str, str]
) -> None:
    document = unsigned(client, chain, auditor)
    operator = operator_key(chain.factory)
    envelope = operator.sign(body_of(document), subject=document["subject"])
    status, answer = submit(client, envelope)
    assert (status, answer["onBehalf"]) == (201, True)


# --- What is refused ---


@pytest.mark.parametrize(
    ("name", "kg", "computed"), [("t2", "33", "330"), ("scope1", "250.001", "250")]
)
def test_a_figure_that_its_inputs_do_not_give_is_refused_and_never_reaches_the_log(
    client: FlaskClient, chain: Chain, manager: dict[str, str], name: str, kg: str, computed: str
) -> None:
    size = chain.factory.log.size()
    figure = wrong(body_of(unsigned(client, chain, manager)), name, kg)
    status, problem = submit(client, chain.manager.sign(figure))
    assert (status, problem["code"]) == (422, "figure-differs")
    assert problem["params"] == {"name": name, "stated": kg, "computed": computed}
    assert chain.factory.log.size() == size


def test_a_figure_of_other_inputs_another_engine_or_other_factors_is_refused(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    figure = body_of(unsigned(client, chain, manager))
    inputs = dataclasses.replace(figure.inputs, count=figure.inputs.count - 1)
    factors = (dataclasses.replace(figure.factor_sets[0], digest="0" * 64),)
    for changes, where in (
        ({"engine": "0"}, "/engine"),
        ({"inputs": inputs}, "/inputs/count"),
        ({"factor_sets": factors}, "/factorSets"),
        ({"as_of": figure.as_of - 1}, "/asOf"),
    ):
        altered = dataclasses.replace(figure, **changes)
        status, problem = submit(client, chain.manager.sign(altered))
        assert (status, problem["code"], problem["where"]) == (422, "figure-differs", where)


def test_a_figure_without_its_main_number_is_refused(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    figure = body_of(unsigned(client, chain, manager))
    without = tuple(each for each in figure.results if each.name != "t2")
    status, problem = submit(
        client, chain.manager.sign(dataclasses.replace(figure, results=without))
    )
    assert (status, problem["params"]["stated"]) == (422, "–")


def test_a_figure_of_a_year_without_data_is_refused(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    enterprise = chain.manager
    figure = body_of(unsigned(client, chain, manager), year=1999)
    figure = dataclasses.replace(
        figure, object=dataclasses.replace(figure.object, type="enterprise", id=enterprise.id)
    )
    assert submit(client, enterprise.sign(figure))[1]["code"] == "no-data-for-year"


@pytest.mark.parametrize(
    "flags", ["", "?atomic=true", "?dry_run=true", "?atomic=true&dry_run=true"]
)
def test_a_batch_refuses_it_too_whatever_its_manner(
    client: FlaskClient, chain: Chain, manager: dict[str, str], flags: str
) -> None:
    figure = body_of(unsigned(client, chain, manager))
    before = chain.factory.log.size()
    firm, site = chain.firms["P1"], chain.sites["P1"]
    right, bad = chain.manager.sign(figure), chain.manager.sign(wrong(figure, "t2", "1"))
    other = firm.sign(purchases_of(site))
    statements = [each.decode() for each in (other, bad, right)]
    response = client.post(f"/v1/statements/batch{flags}", json={"statements": statements})
    results = response.get_json(force=True)["results"]
    assert [each["status"] for each in results] == [201, 422, 201]
    assert results[1]["problem"]["code"] == "figure-differs"
    assert [results[0]["index"], results[2]["index"]] == [before, before + 1]
    assert chain.factory.log.size() == before + (2 if flags == "" else 0)


def purchases_of(site: str) -> Purchases:
    return Purchases(site=site, inputs=(), period=year_of(2025), part=WHOLE)


def test_a_figure_behind_an_escaped_type_is_computed_all_the_same(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    """JSON lets letters be written as numbers; the statement is the same."""
    figure = wrong(body_of(unsigned(client, chain, manager)), "t2", "1")
    actor = chain.manager
    payload = dumps(actor.payload(figure)).replace(b'"type":"figure"', b'"type":"\\u0066igure"')
    assert b"\\u0066igure" in payload
    head, _, _ = jws.sign({}, actor.key).partition(b".")
    signing_input = head + b"." + strict_base64.to_url(payload).encode()
    signature = strict_base64.to_url(actor.key.sign(signing_input)).encode()
    status, problem = submit(client, signing_input + b"." + signature)
    assert (status, problem["code"]) == (422, "figure-differs")


def test_who_may_not_read_a_figure_does_not_learn_it_by_stating_another(
    client: FlaskClient, chain: Chain, auditor: dict[str, str]
) -> None:
    document = unsigned(client, chain, auditor)
    operator = operator_key(chain.factory)
    bad = operator.sign(wrong(body_of(document), "t2", "1"), subject=document["subject"])
    status, problem = submit(client, bad)
    assert (status, problem["params"]["computed"]) == (422, "–")


def test_a_stranger_cannot_have_a_figure_computed(
    client: FlaskClient, chain: Chain, auditor: dict[str, str]
) -> None:
    bad = wrong(body_of(unsigned(client, chain, auditor)), "t2", "1")
    stranger = chain.factory.enterprise("Stranger")
    forged = stranger.sign(bad, iss=chain.manager.id, subject=chain.manager.id)
    assert submit(client, forged)[1]["code"] == "wrong-issuer"
    assert submit(client, stranger.sign(bad))[1]["code"] == "not-owner"


def test_the_same_figure_again_gets_its_first_index(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    envelope = chain.manager.sign(body_of(unsigned(client, chain, manager)))
    _, first = submit(client, envelope)
    status, again = submit(client, envelope)
    assert (status, again["index"], again["new"]) == (200, first["index"], False)


def test_figures_of_one_or_two_tenants_that_do_not_agree_cannot_be_published(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    """An auditor sees the books; what would be published, everybody who reads figures could."""
    chain = build_chain(factory, small_aggregates=False)
    path = f"/v1/parks/{chain.park}/figure?year=2025"
    for headers in (as_role("park", chain.manager), as_role("auditor")):
        response = client.get(path, headers=headers)
        assert response.get_json(force=True)["code"] == "fewer-than-three-tenants"


def test_categories_that_hide_one_supplier_each_are_left_out_of_what_is_published(
    client: FlaskClient, factory: Factory, as_role: AsRole
) -> None:
    """Categories 4 and 6 hide one supplier each: shown alone, they would be that one's figure."""
    buyer = factory.enterprise("Buyer")
    plant, machine = buyer.site(), buyer.product("Machine")
    lines: list[InputLine] = []
    for category in (1, 1, 1, 4, 6):
        supplier = factory.enterprise(f"Supplier {len(lines)}")
        part = supplier.product("Part")
        supplier.footprint(part, "2")
        lines.append(line((part, "1", "KGM"), category=category))
    buyer.recipe(machine, plant, inputs=lines)
    buyer.production(machine, plant, "1")
    address = f"/v1/enterprises/{buyer.id}/figure?year=2025"
    for headers in (as_role("supplier", buyer), as_role("auditor")):
        document = client.get(address, headers=headers).get_json()
        shown = {each["name"]: each["value"] for each in document["results"]}
        assert not [name for name in shown if name.startswith("scope3Category")]
        assert (shown["scope3Upstream"], shown["t2"]) == ("10", "10")
    # An auditor could state them, and the log would show them to whom figures are disclosed.
    figure = body_of(document)
    freight = Result(name="scope3Category4", at_least=Decimal(2), value=Decimal(2))
    told = dataclasses.replace(figure, results=(*figure.results, freight))
    status, problem = submit(client, buyer.sign(told))
    assert (status, problem["params"]["computed"]) == (422, "–")
    assert submit(client, buyer.sign(figure))[0] == 201


# --- What was published ---


def test_a_published_figure_is_listed_and_read_with_its_receipt(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    digest = publish(client, chain, manager)
    shown = read(client, digest, manager)
    assert (shown["issuer"], shown["state"], shown["type"]) == (
        chain.manager.id,
        "in-force",
        "figure",
    )
    assert shown["inputsSince"] == {"superseded": 0, "withdrawn": 0, "suspect": 0}
    assert shown["asOfNow"] == shown["payload"]["asOf"]
    assert shown["receipt"].startswith("c2sp.org/tlog-proof@v1")
    assert shown["bundle"] == f"/v1/figures/{digest}/bundle"
    (item,) = client.get("/v1/figures", headers=manager).get_json()["items"]
    assert (item["digest"], item["object"]["id"]) == (digest, chain.park)


@pytest.mark.parametrize(
    ("query", "found"),
    [("year=2025", 1), ("year=2024", 0), ("object={park}", 1), ("object={other}", 0)],
)
def test_figures_are_listed_by_object_and_year(
    client: FlaskClient, chain: Chain, manager: dict[str, str], query: str, found: int
) -> None:
    publish(client, chain, manager)
    address = "/v1/figures?" + query.format(park=chain.park, other=chain.manager.id)
    assert len(client.get(address, headers=manager).get_json()["items"]) == found


def test_figures_come_in_pages(client: FlaskClient, chain: Chain, manager: dict[str, str]) -> None:
    digests = [publish(client, chain, manager, gwp=gwp) for gwp in ("AR6", "AR5")]
    response = client.get("/v1/figures?limit=1", headers=manager)
    assert response.get_json()["items"][0]["digest"] == digests[0]
    following = response.headers["Link"].partition("<")[2].partition(">")[0]
    assert client.get(following, headers=manager).get_json()["items"][0]["digest"] == digests[1]


def test_a_published_figure_stands_as_of_its_prefix_and_says_what_came_after(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    digest = publish(client, chain, manager)
    chain.firms["P1"].correct(chain.recipes["P1"], emissions=())
    chain.firms["T4"].withdraw(chain.recipes["T4"])
    shown = read(client, digest, manager)
    assert shown["state"] == "in-force"
    assert shown["inputsSince"] == {"superseded": 1, "withdrawn": 1, "suspect": 0}
    assert shown["asOfNow"] > shown["payload"]["asOf"]
    results = {each["name"]: each["value"] for each in shown["payload"]["results"]}
    assert results["t2"] == "330"


def test_inputs_of_a_stolen_key_are_counted_as_suspect_and_come_with_the_bundle(
    client: FlaskClient, chain: Chain, manager: dict[str, str], auditor: dict[str, str]
) -> None:
    digest = publish(client, chain, manager)
    firm = chain.firms["P1"]
    chain.factory.operator.revoke(firm, since=START_MS)
    shown = read(client, digest, auditor)
    own = [said for said in chain.factory.standing().suspects if said.said.owner == firm.id]
    assert shown["inputsSince"] == {"superseded": 0, "withdrawn": 0, "suspect": len(own)}
    assert chain.recipes["P1"].index in bundled(client, digest, auditor).envelopes


def test_of_an_erased_input_is_said_that_nobody_can_compute_the_figure_here_any_more(
    client: FlaskClient, chain: Chain, manager: dict[str, str], auditor: dict[str, str]
) -> None:
    digest = publish(client, chain, manager)
    erased = chain.recipes["T4"]
    chain.firms["T4"].erase(erased)
    shown = read(client, digest, auditor)
    assert shown["state"] == "in-force"
    assert shown["inputsSince"] is None
    made = bundled(client, digest, auditor)
    assert erased.index not in made.envelopes
    assert isinstance(made.leaves[erased.index], bytes)


def test_a_figure_whose_input_is_erased_is_not_confirmed_any_more(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    figure = body_of(unsigned(client, chain, manager))
    chain.firms["T4"].erase(chain.recipes["T4"])
    status, problem = submit(client, chain.manager.sign(figure))
    assert (status, problem["code"]) == (410, "payload-erased")


def test_a_figure_of_an_earlier_prefix_is_confirmed_by_that_prefix(
    client: FlaskClient, chain: Chain, manager: dict[str, str]
) -> None:
    figure = body_of(unsigned(client, chain, manager))
    chain.firms["P1"].correct(chain.recipes["P1"], emissions=())
    assert submit(client, chain.manager.sign(figure))[0] == 201


def test_a_statement_that_is_no_figure_is_none(
    client: FlaskClient, chain: Chain, auditor: dict[str, str]
) -> None:
    for path in (f"/v1/figures/{chain.recipes['P1'].digest}", f"/v1/figures/{'x' * 64}"):
        for address in (path, f"{path}/bundle"):
            answer = client.get(address, headers=auditor)
            assert answer.get_json(force=True)["code"] == "statement-not-found"


READERS = ("anonymous", "manager", "P1", "grantee", "stranger", "auditor", "operator")


@pytest.mark.parametrize(
    ("open_to", "may"),
    [
        (None, {"manager", "auditor"}),
        ("grantee", {"manager", "auditor", "grantee"}),
        ("public", set(READERS)),
    ],
)
def test_a_published_figure_is_for_those_who_may_read_figures_of_its_park(
    client: FlaskClient,
    chain: Chain,
    manager: dict[str, str],
    as_role: AsRole,
    open_to: str | None,
    may: set[str],
) -> None:
    digest = publish(client, chain, manager)
    grantee, stranger = chain.factory.enterprise("G"), chain.factory.enterprise("S")
    if open_to is not None:
        to = grantee if open_to == "grantee" else None
        chain.manager.disclose("figure", chain.park, to=to)
    headers = {
        "anonymous": {},
        "manager": manager,
        "P1": as_role("supplier", chain.firms["P1"]),
        "grantee": as_role("supplier", grantee),
        "stranger": as_role("supplier", stranger),
        "auditor": as_role("auditor"),
        "operator": as_role("operator"),
    }
    for reader in READERS:
        listed = client.get("/v1/figures", headers=headers[reader]).get_json()["items"]
        assert bool(listed) is (reader in may), reader
        for address in (f"/v1/figures/{digest}", f"/v1/figures/{digest}/bundle"):
            status = client.get(address, headers=headers[reader]).status_code
            assert status == (200 if reader in may else 404), (reader, address)


# --- The bundle ---


def bundled(client: FlaskClient, digest: str, headers: dict[str, str]) -> bundle.Bundle:
    response = client.get(f"/v1/figures/{digest}/bundle", headers=headers)
    assert (response.status_code, response.content_type) == (200, "application/zip")
    return bundle.read(io.BytesIO(response.data))


def test_an_auditors_bundle_has_all_leaves_under_the_checkpoint_and_the_inputs(
    client: FlaskClient, chain: Chain, manager: dict[str, str], auditor: dict[str, str]
) -> None:
    log = chain.factory.log
    digest = publish(client, chain, manager)
    made = bundled(client, digest, auditor)
    checkpoint = Checkpoint.parse(open_note(made.checkpoint, [log.verifier]).text)
    assert checkpoint.size == made.size == log.size()
    assert Frontier(0, ()).grown(made.leaf_hashes()).root == checkpoint.root
    assert all(isinstance(leaf, bytes) for leaf in made.leaves)
    assert made.figure == log.entry_by_digest(digest).index
    # All that stands moves the figure, draws it, or says who could say what.
    assert set(made.envelopes) == {entry.index for entry in log.heads_at(log.size())}


@pytest.mark.parametrize(("engine", "is_read"), [("2", False), (VERSION, True)])
def test_a_figure_comes_with_what_its_own_engine_read(
    client: FlaskClient, chain: Chain, auditor: dict[str, str], engine: str, is_read: bool
) -> None:
    factory, firm = chain.factory, chain.firms["P1"]
    verifier = factory.enterprise("Verifier", roles=("verifier",))
    factory.operator.accredit(verifier)
    stated = firm.inventory(chain.sites["P1"], year=YEAR, emissions=[("CO2", "fossil", "1")])
    attested = verifier.attest(stated)
    figure = chain.manager.say(figure_of(factory.log, "park", chain.park, engine=engine))
    made = bundled(client, figure.digest, auditor)
    assert (attested.index in made.envelopes) is is_read
    assert overall(verified(made, trust_of(factory.log))) is Verdict.VALID
    # It lapses: an input of this engine's figures, and none of those before it.
    verifier.withdraw(attested)
    assert read(client, figure.digest, auditor)["inputsSince"]["withdrawn"] == int(is_read)


def test_of_other_parks_nothing_is_bundled(
    client: FlaskClient, chain: Chain, manager: dict[str, str], auditor: dict[str, str]
) -> None:
    other = chain.manager.park("Other park")
    made = bundled(client, publish(client, chain, manager), auditor)
    standing = chain.factory.standing()
    assert standing.parks[chain.park].index in made.envelopes
    assert standing.parks[other].index not in made.envelopes


def test_what_the_reader_may_not_see_is_left_out_and_its_leaf_is_a_hash(
    client: FlaskClient, chain: Chain, manager: dict[str, str], auditor: dict[str, str]
) -> None:
    digest = publish(client, chain, manager)
    whole, own = bundled(client, digest, auditor), bundled(client, digest, manager)
    assert list(own.leaf_hashes()) == list(whole.leaf_hashes())
    recipe = chain.recipes["P1"].index
    assert isinstance(own.leaves[recipe], bundle.LeafHash)
    assert recipe in whole.envelopes
    assert recipe not in own.envelopes
    assert {0, own.figure} < set(own.envelopes)
    assert set(own.envelopes) < set(whole.envelopes)


def test_a_withdrawn_membership_comes_with_its_withdrawal(
    client: FlaskClient, chain: Chain, manager: dict[str, str], auditor: dict[str, str]
) -> None:
    site = chain.sites["T4"]
    member = chain.manager.membership(chain.park, site, consent_by=chain.firms["T4"])
    ended = chain.manager.withdraw(member)
    made = bundled(client, publish(client, chain, manager), auditor)
    assert {member.index, ended.index} <= set(made.envelopes)


def test_two_bundles_of_one_tree_are_the_same_bytes(
    client: FlaskClient, chain: Chain, manager: dict[str, str], auditor: dict[str, str]
) -> None:
    address = f"/v1/figures/{publish(client, chain, manager)}/bundle"
    first, second = (client.get(address, headers=auditor).data for _ in range(2))
    assert first == second
