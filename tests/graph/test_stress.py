"""Without a key, a supplier or a verifier: what returns, what falls, what rests on whom."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.differences.stress import (
    rests_on_enterprises,
    rests_on_keys,
    through_nodes,
    without_key,
    without_supplier,
    without_verifier,
)
from graph.differences.whatif import Supposed, Supposition, supposition
from graph.engine import Engine, Question
from graph.tracing.explain import Trace, trace_boundary, trace_product
from ledger.standing import Standing
from tests.chain import YEAR, Chain, build_chain
from tests.factory import Actor, Factory
from tests.graph.nets import solved_of
from tests.graph.world import World

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

ASKED = Question(year=YEAR)


def after(factory: Factory, standing: Standing) -> Supposition:
    return supposition(Engine(factory.log).answer(ASKED), Supposed(standing))


def footprint(engine: Engine, product: str) -> tuple[float, float | None]:
    amount = engine.footprint(product, ASKED)[1].amount
    return amount.at_least, amount.value


def second_key(factory: Factory, actor: Actor) -> Actor:
    other = actor.with_key()
    factory.register(other, roles=("supplier", "park"))
    return other


def test_without_a_key_the_last_sound_statement_returns(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    ware = acme.product("Ware")
    first = acme.footprint(ware, "5")
    other = second_key(factory, acme)
    other.correct(first, pact=acme.pact_body("9"))
    standing = factory.standing()
    size = factory.log.size()
    assert footprint(Engine(factory.log), ware) == (9, 9)
    fallen = without_key(factory.log, standing, other.key.public.kid)
    assert footprint(after(factory, fallen), ware) == (5, 5)
    assert (factory.log.size(), fallen.size) == (size, size)


def test_without_a_key_what_only_it_signed_is_gone(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    ware = acme.product("Ware")
    other = second_key(factory, acme)
    other.footprint(ware, "9")
    fallen = without_key(factory.log, factory.standing(), other.key.public.kid)
    assert not list(fallen.statements("footprint"))
    assert list(fallen.statements("product"))


def test_without_a_key_what_it_withdrew_stands_again(factory: Factory) -> None:
    acme = factory.enterprise("Acme")
    ware = acme.product("Ware")
    said = acme.footprint(ware, "5")
    other = second_key(factory, acme)
    other.withdraw(said)
    fallen = without_key(factory.log, factory.standing(), other.key.public.kid)
    assert footprint(after(factory, fallen), ware) == (5, 5)


def test_without_a_key_what_it_handed_over_is_the_givers_again(factory: Factory) -> None:
    acme, other = factory.enterprise("Acme"), factory.enterprise("Other")
    ware = acme.product("Ware")
    acme.footprint(ware, "5")
    second = second_key(factory, acme)
    second.transfer("product", ware, to=other)
    standing = factory.standing()
    assert standing.owner_of("product", ware) == other.id
    fallen = without_key(factory.log, standing, second.key.public.kid)
    assert fallen.owner_of("product", ware) == acme.id


@pytest.mark.parametrize("seed", range(3))
def test_without_a_key_is_what_stands_once_it_is_revoked_from_the_beginning(
    factory: Factory, seed: int
) -> None:
    world = World(factory, random.Random(seed))
    firm = world.firms[0]
    for _ in range(25):
        world.step()
    others = second_key(factory, firm)
    for said in (world.sites, world.products):
        said.update({each: others for each, owner in said.items() if owner is firm})
    world.firms[0] = others
    for _ in range(25):
        world.step()
    fallen = without_key(factory.log, factory.standing(), others.key.public.kid)
    supposed = after(factory, fallen).answer(ASKED).solved
    firm.revoke(others, since=1000)
    revoked = Engine(factory.log).answer(ASKED).solved
    named = [
        {
            (node.product, node.place): round(float(np.nan_to_num(solved.footprints[i]).sum()), 9)
            for i, node in enumerate(solved.network.nodes)
        }
        for solved in (supposed, revoked)
    ]
    assert named[0] == named[1]


def test_without_a_supplier_what_is_taken_in_of_it_is_a_gap(factory: Factory) -> None:
    chain = build_chain(factory)
    fallen = without_supplier(factory.standing(), chain.firms["T4"].id)
    books = after(factory, fallen).park(chain.park, ASKED)
    assert books.assessment.t2.at_least == pytest.approx(306)
    assert books.assessment.t2.value is None


def test_without_a_verifier_its_attestations_are_gone_and_no_other(factory: Factory) -> None:
    chain = build_chain(factory)
    said = chain.recipes["P1"]
    for name in ("One", "Two"):
        verifier = factory.enterprise(name, roles=("verifier",))
        factory.operator.accredit(verifier, scope=("recipe",))
        verifier.attest(said)
    standing = factory.standing()
    (first, second) = standing.statements("attestation")
    fallen = without_verifier(standing, first.owner)
    assert [each.owner for each in fallen.statements("attestation")] == [second.owner]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_passes_through_nodes_is_what_is_lost_without_them(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 6))
    share = st.one_of(st.just(0.0), st.floats(-0.1 / size, 0.8 / size))
    amounts = np.array([[data.draw(share) for _ in range(size)] for _ in range(size)])
    direct = np.array([data.draw(st.floats(0, 10)) for _ in range(size)])
    chosen = sorted(data.draw(st.frozensets(st.integers(0, size - 1))))
    solved, weights = solved_of(amounts, direct)
    trace = trace_product(solved, "p0", weights)
    silent, emitting = amounts.copy(), direct.copy()
    silent[chosen], silent[:, chosen], emitting[chosen] = 0, 0, 0
    without, _ = solved_of(silent, emitting)
    left = 0.0 if 0 in chosen else float(without.footprints[0, 0])
    told = through_nodes(trace, np.isin(trace.nodes, chosen))
    assert told.total == pytest.approx(trace.figure.total - left, abs=1e-9)


def park_trace(factory: Factory, chain: Chain) -> Trace:
    books = Engine(factory.log).park(chain.park, ASKED)
    return trace_boundary(books.answered.solved, books.places, books.answered.weights)


def test_what_the_worked_park_rests_on(factory: Factory) -> None:
    """P1: 200 + 50 · 0.8 + 20 · 1.2 = 264; P2: 50 + 20 · 0.8 = 66; power 60; tools 24."""
    chain = build_chain(factory)
    trace = park_trace(factory, chain)
    enterprises = {rest.of: rest.kg.total for rest in rests_on_enterprises(trace)}
    expected = {"P1": 264, "P2": 66, "E3": 60, "T4": 24}
    assert enterprises == pytest.approx({chain.firms[n].id: kg for n, kg in expected.items()})
    keys = rests_on_keys(trace, factory.standing())
    assert {rest.of: rest.kg.total for rest in keys} == pytest.approx(
        {chain.firms[n].key.public.kid: kg for n, kg in expected.items()}
    )
    assert keys[0].owner == chain.firms["P1"].id
    assert keys[0].share == pytest.approx(0.8)


def test_without_an_outside_supplier_falls_what_was_said_to_rest_on_it(factory: Factory) -> None:
    chain = build_chain(factory)
    t2 = Engine(factory.log).park(chain.park, ASKED).assessment.t2.at_least
    for rest in rests_on_enterprises(park_trace(factory, chain)):
        if rest.of in (chain.firms["E3"].id, chain.firms["T4"].id):
            fallen = after(factory, without_supplier(factory.standing(), rest.of))
            left = fallen.park(chain.park, ASKED).assessment.t2.at_least
            assert t2 - left == pytest.approx(rest.kg.total)
