"""How good the data behind a figure are: worked out on paper, and what must hold of any figure."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from graph.engine import Engine, Question
from graph.reading.assurance import Assurance
from graph.terms import Rung
from graph.tracing.facts import facts_of
from graph.tracing.quality import Origins, Part, Quality, doubts, quality_table
from ledger.statements import DataQuality
from tests.chain import Chain, build_chain
from tests.factory import Actor, Factory, line
from tests.graph.told import (
    answered,
    draw,
    draw_of_park,
    facts,
    quality,
    say_all,
    tell,
    verifier_of,
)

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

NAMES = ("P1", "P2", "E3", "T4")
ALL_PRIMARY = DataQuality(primary_share=Decimal(100))


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


@pytest.fixture
def worked(shared: Path) -> Any:
    """What was worked out by hand, with the working in its report."""
    text = (shared / "park-hand-example" / "example.json").read_text("utf-8")
    return json.loads(text)["expected"]


def of(chain: Chain, name: str) -> Quality:
    return quality(chain.factory, chain.products[name])


def of_park(chain: Chain) -> Origins:
    return Origins.of(draw_of_park(chain.factory, chain.park))


# -- products ----------------------------------------------------------------------------------


def test_primary_shares_are_those_worked_out_on_paper(chain: Chain, worked: Any) -> None:
    own = worked["pds"]["own_emission_primary_share"]
    say_all(chain, "primary_share", {name: 100 * share for name, share in own.items()})
    shares = {name: of(chain, name).primary.value for name in NAMES}
    assert shares == pytest.approx(worked["pds"]["pds"], rel=1e-12)


def test_ratings_are_those_worked_out_on_paper(chain: Chain, worked: Any) -> None:
    say_all(chain, "technology", worked["dqr"]["own_emission_dqr"])
    ratings = {name: of(chain, name).ratings["technology"].value for name in NAMES}
    assert ratings == pytest.approx(worked["dqr"]["dqr"], rel=1e-12)


def test_a_share_follows_the_carbon_of_each_origin(chain: Chain) -> None:
    # Of P1's 3.7125 kg, its own recipe emits 2.5, E3 0.65, P2 0.3125 and T4 0.25.
    say_all(chain, "primary_share", {"P1": 100, "P2": 0, "E3": 0, "T4": 0})
    assert of(chain, "P1").primary.value == pytest.approx(2.5 / 3.7125)


def test_what_nobody_tells_is_unknown_and_never_zero(chain: Chain) -> None:
    tell(chain, "P1", primary_share=80)
    primary = of(chain, "P1").primary
    assert primary.value is None
    assert primary.told == pytest.approx(2.5 / 3.7125)
    assert primary.of_told == pytest.approx(0.8)
    untold = of(chain, "E3").primary
    assert (untold.value, untold.of_told, untold.told) == (None, None, 0)


def test_a_share_that_may_be_a_fraction_counts_as_unknown_and_is_told(chain: Chain) -> None:
    tell(chain, "E3", primary_share="0.6")
    assert of(chain, "E3").primary.told == 0
    given = answered(chain.factory)
    nodes = given.solved.network.nodes_of[chain.products["E3"]]
    (doubt,) = doubts(facts(given), nodes)
    assert (doubt.rule, doubt.params["share"]) == ("primary-data-share", "0.6")


@pytest.mark.parametrize(("stated", "known"), [("60", 0.6), ("0.6", None), ("1", None), ("0", 0)])
def test_a_footprint_is_a_leaf_with_the_share_it_declares(
    factory: Factory, acme: Actor, site: str, steel: str, stated: str, known: float | None
) -> None:
    acme.footprint(steel, "3", pcf={"primaryDataShare": stated})
    wire = acme.product("Wire")
    acme.recipe(wire, site, inputs=[(steel, "2", "KGM")])
    found = quality(factory, wire)
    assert found.primary.value == (None if known is None else pytest.approx(known))
    assert found.rungs[Rung.DECLARED] == pytest.approx(1)


def test_a_footprint_is_a_leaf_with_the_ratings_it_declares(
    factory: Factory, acme: Actor, steel: str
) -> None:
    dqi = {"technologicalDQR": "2", "geographicalDQR": "1.5", "temporalDQR": "5"}
    acme.footprint(steel, "3", pcf={"dqi": dqi})
    ratings = quality(factory, steel).ratings
    assert [ratings[each].value for each in ("technology", "geography", "time")] == [2, 1.5, 5]


def test_what_an_amount_that_is_not_primary_brings_in_is_not_primary_either(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    coal = acme.product("Coal")
    acme.footprint(coal, "1", pcf={"primaryDataShare": "100"})
    estimated = dataclasses.replace(line((coal, "2", "KGM")), primary=False)
    measured = line((coal, "1", "KGM"), category=3)
    said = acme.recipe(steel, site, emissions=[("CO2", "fossil", "1")])
    acme.correct(said, quality=ALL_PRIMARY, inputs=(estimated, measured))
    # 1 kg of its own, 2 kg over an amount that is no primary data, 1 kg over one that is.
    assert quality(factory, steel).primary.value == pytest.approx(2 / 4)
    given = answered(factory)
    (node,) = given.solved.network.nodes_of[steel]
    row = quality_table(given.solved, given.weights, facts(given))[node]
    assert (row[Part.PRIMARY], row[Part.UNTOLD]) == pytest.approx((2, 0))


def test_lines_on_one_product_count_by_their_amounts(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    coal = acme.product("Coal")
    acme.footprint(coal, "1", pcf={"primaryDataShare": "100"})
    estimated = dataclasses.replace(line((coal, "250", "GRM")), primary=False)
    acme.recipe(steel, site, inputs=[estimated, (coal, "0.75", "KGM")])
    assert quality(factory, steel).primary.value == pytest.approx(0.75)


def test_recipes_of_a_year_count_by_what_was_made_with_each(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    halves = ("2025-01-01", "2025-07-01"), ("2025-07-01", "2026-01-01")
    for half, share, made in zip(halves, (100, 0), ("3", "1"), strict=True):
        said = acme.recipe(steel, site, emissions=[("CO2", "fossil", "1")], period=half)
        acme.correct(said, quality=DataQuality(primary_share=Decimal(share)))
        acme.production(steel, site, made, period=half)
    assert quality(factory, steel).primary.value == pytest.approx(0.75)


def test_freezing_a_product_at_its_own_figure_changes_nothing(chain: Chain) -> None:
    say_all(chain, "primary_share", {"P1": 100, "P2": 100, "E3": 0, "T4": 50})
    before, frozen = of(chain, "P1"), of(chain, "T4").primary.value
    assert frozen is not None
    firm, product = chain.firms["T4"], chain.products["T4"]
    firm.withdraw(chain.recipes["T4"])
    pcf = {"primaryDataShare": f"{100 * frozen:.15g}"}
    firm.footprint(product, "3.345", unit="H87", pcf=pcf, site=chain.sites["T4"])
    after = of(chain, "P1")
    assert after.carbon == pytest.approx(before.carbon)
    assert after.primary.value == pytest.approx(before.primary.value)


def test_a_product_of_several_sites_is_as_good_as_its_mix(factory: Factory, acme: Actor) -> None:
    steel = acme.product("Steel")
    for name, share, made in (("North", 100, "3"), ("South", 0, "1")):
        site = acme.site(name)
        said = acme.recipe(steel, site, emissions=[("CO2", "fossil", "1")])
        acme.correct(said, quality=DataQuality(primary_share=Decimal(share)))
        acme.production(steel, site, made)
    assert quality(factory, steel).primary.value == pytest.approx(0.75)


def test_a_credit_weighs_as_much_as_what_it_credits(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    slag = acme.product("Slag")
    acme.footprint(slag, "1", pcf={"primaryDataShare": "0"})
    said = acme.recipe(steel, site, emissions=[("CO2", "fossil", "3")])
    acme.correct(said, quality=ALL_PRIMARY, inputs=(line((slag, "-1", "KGM")),))
    # 3 kg that are primary and a credit of 1 kg that is not: 3 of 4, not 3 of 2.
    assert quality(factory, steel).primary.value == pytest.approx(0.75)


# -- verification and age ----------------------------------------------------------------------


def test_the_verified_share_is_the_carbon_of_what_a_verifier_assures(chain: Chain) -> None:
    verifier = verifier_of(chain.factory)
    verifier.attest(chain.recipes["P1"])
    verifier.attest(chain.recipes["E3"], level="reasonable")
    verified = of(chain, "P1").verified
    assert verified[Assurance.LIMITED] == pytest.approx(2.5 / 3.7125)
    assert verified[Assurance.REASONABLE] == pytest.approx(0.65 / 3.7125)


@pytest.mark.parametrize("silenced", ["superseded", "expired", "withdrawn", "unaccredited"])
def test_an_opinion_that_no_longer_speaks_verifies_nothing(chain: Chain, silenced: str) -> None:
    f = chain.factory
    verifier = f.enterprise("Verifier", roles=("verifier",))
    accredited = f.operator.accredit(verifier, scope=("recipe",))
    until = dt.date(2025, 12, 30) if silenced == "expired" else dt.date(2025, 12, 31)
    opinion = verifier.attest(chain.recipes["P1"], until=until)
    assert silenced == "expired" or of(chain, "P1").verified[Assurance.LIMITED]
    if silenced == "superseded":
        tell(chain, "P1", technology=1)
    elif silenced == "withdrawn":
        verifier.withdraw(opinion)
    elif silenced == "unaccredited":
        f.operator.withdraw(accredited)
    assert set(of(chain, "P1").verified.values()) == {0}


def test_an_opinion_that_others_may_have_signed_verifies_nothing(chain: Chain) -> None:
    f = chain.factory
    verifier, since = verifier_of(f), f.clock.now_ms
    f.clock.advance(days=1)
    verifier.attest(chain.recipes["P1"])
    assert of(chain, "P1").verified[Assurance.LIMITED] > 0
    f.operator.revoke(verifier, since=since)
    assert set(of(chain, "P1").verified.values()) == {0}


def test_age_counts_from_the_middle_of_what_was_measured(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    old = acme.product("Old")
    acme.footprint(old, "1", year=2023)
    acme.recipe(steel, site, emissions=[("CO2", "fossil", "1")], inputs=[(old, "1", "KGM")])
    found = quality(factory, steel)
    # Half a year from the middle of 2025, two and a half from that of 2023.
    assert found.age.value == pytest.approx(1.5, abs=0.01)
    assert found.oldest == pytest.approx(2.5, abs=0.01)


# -- what holds of any figure ------------------------------------------------------------------


def test_an_open_figure_has_shares_of_what_is_known_and_no_value(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    said = acme.recipe(steel, site, emissions=[("CO2", "fossil", "1")])
    gap = line((factory.uuid(), "1", "KGM"))
    acme.correct(said, quality=ALL_PRIMARY, inputs=(gap,))
    found = quality(factory, steel)
    assert not found.complete
    assert (found.primary.value, found.primary.of_told) == (None, 1)
    assert found.rungs[Rung.COMPUTED] == 1


def test_all_products_at_once_have_the_same_quality_as_each_alone(chain: Chain) -> None:
    say_all(chain, "primary_share", {"P1": 100, "P2": 40, "E3": 0})
    verifier_of(chain.factory).attest(chain.recipes["T4"])
    given = answered(chain.factory)
    table = quality_table(given.solved, given.weights, facts(given))
    for name in NAMES:
        (node,) = given.solved.network.nodes_of[chain.products[name]]
        alone = Origins.of(draw(chain.factory, chain.products[name]))
        assert table[node] == pytest.approx(alone.parts.sum(axis=0), rel=1e-12)
        assert sum(alone.quality.rungs.values()) == pytest.approx(1)


# -- boundaries --------------------------------------------------------------------------------


def test_a_park_is_as_good_as_its_books_and_what_it_buys(chain: Chain) -> None:
    # Scope 1 250 = P1 200 + P2 50; outside, E3 emits (70 + 20·0.25)·0.8 = 60 and T4 20.
    say_all(chain, "primary_share", {"P1": 100, "P2": 50, "E3": 0, "T4": 100})
    park = of_park(chain)
    assert park.of_scope1.primary.value == pytest.approx(225 / 250)
    assert park.of_upstream.primary.value == pytest.approx(20 / 80)
    assert park.quality.primary.value == pytest.approx(245 / 330)
    assert park.quality.carbon == pytest.approx(330)


def test_what_a_park_takes_in_by_estimate_is_not_primary(chain: Chain) -> None:
    say_all(chain, "primary_share", dict.fromkeys(NAMES, 100))
    said = chain.recipes["P1"]
    body: Any = said.statement.body
    power, *others = sorted(body.inputs, key=lambda line: line.ref.product != chain.products["E3"])
    inputs = (dataclasses.replace(power, primary=False), *others)
    chain.firms["P1"].correct(said, inputs=inputs)
    # P1 buys 50 of the 75 units of power, 0.8 kg each.
    park = of_park(chain)
    assert park.of_scope1.primary.value == pytest.approx(1)
    assert park.of_upstream.primary.value == pytest.approx(1 - 40 / 80)


def test_the_inventory_speaks_for_recipes_that_distribute_it(factory: Factory) -> None:
    chain = build_chain(factory, tenants_books=True)
    say_all(chain, "primary_share", dict.fromkeys(NAMES, 0))
    for said in list(factory.standing().statements("inventory")):
        firm = next(firm for firm in chain.firms.values() if firm.id == said.owner)
        body: Any = said.statement.body
        firm.say(dataclasses.replace(body, quality=ALL_PRIMARY), prev=said.digest)
    assert of_park(chain).of_scope1.primary.value == pytest.approx(1)
    assert of_park(chain).of_upstream.primary.value == 0


def test_with_or_without_recipes_a_park_is_as_good(factory: Factory) -> None:
    chain = build_chain(factory, tenants_books=True)
    say_all(chain, "primary_share", {"P1": 30, "P2": 60, "E3": 10, "T4": 20})
    with_recipes = _numbers(of_park(chain).quality)
    for name in ("P1", "P2"):
        chain.firms[name].withdraw(chain.recipes[name])
    assert _numbers(of_park(chain).quality) == pytest.approx(with_recipes)


def _numbers(found: Quality) -> list[float | None]:
    told = (found.primary.told, found.primary.of_told)
    return [found.carbon, *told, found.age.value, *found.rungs.values()]


def test_what_is_known_of_data_is_of_the_network_that_is_asked_about(chain: Chain) -> None:
    """A year that is kept up with the log and one that is read anew number their nodes otherwise:
    what was read of the data for the one says nothing of the other."""
    engine, question = Engine(chain.factory.log), Question(year=2025)
    followed = engine.answer(question)
    for firm in map(chain.factory.enterprise, "ABCD"):
        site, product = firm.site(), firm.product("Bolt")
        firm.recipe(product, site, emissions=[("CO2", "fossil", "3")])
        followed = engine.answer(question)
    anew = Engine(chain.factory.log).answer(question).solved.network
    standing, network = followed.standing, followed.solved.network
    assert [n.product for n in network.nodes] != [n.product for n in anew.nodes]
    assert facts_of(standing, network) is facts_of(standing, network)
    for each in (network, anew):
        assert facts_of(standing, each).network is each
