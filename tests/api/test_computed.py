"""Computed figures as PACT footprints: what is told, what is not, and when there is a new one."""

from __future__ import annotations

import dataclasses
import uuid
from decimal import Decimal
from typing import Any, cast

import jsonschema
import orjson
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from api import tables
from api.access.access import Access
from api.callers import Caller
from api.pact import computed, computed_document
from api.pact.criteria import Criteria
from api.pact.provenance_schema import SCHEMA
from api.pact.shelf import Shelved, shelf_of
from api.services import Services
from api.serving import errands
from graph.engine import Question
from ledger import pact
from ledger.schema import load
from ledger.statements import Footprint, Product
from ledger.store import reading
from tests.api.conftest import AsRole
from tests.factory import Actor, Factory, gas

EVERYTHING = Criteria()
VALID = jsonschema.Draft202012Validator(SCHEMA)


@dataclasses.dataclass
class World:
    """A maker with a plant, and a buyer that its footprints are disclosed to."""

    factory: Factory
    services: Services
    maker: Actor
    buyer: Actor
    plant: str

    def product(self, name: str = "Resin", **members: Any) -> str:
        made = self.maker.product(name, **members)
        self.maker.disclose("footprint", made, to=self.buyer)
        return made

    def access(self, reader: Actor | None = None) -> Access:
        of = (reader or self.buyer).id
        return Access(self.services.engine.standing(), Caller("procurement", of))

    def followed(self, reader: Actor | None = None) -> list[Shelved]:
        """What the buyer finds once the errand has run."""
        computed.follow(self.services)
        return self.found(reader)

    def found(self, reader: Actor | None = None) -> list[Shelved]:
        return list(shelf_of(self.services).page(EVERYTHING, self.access(reader)).items)

    def only(self) -> dict[str, Any]:
        (found,) = self.followed()
        return document(found)

    def withheld(self) -> dict[int, str]:
        """Year -> the condition that forbids it."""
        computed.follow(self.services)
        with reading(self.services.database) as connection:
            rows = connection.execute(sa.select(tables.withheld)).all()
        return {row.year: row.code for row in rows}


@pytest.fixture
def world(factory: Factory, services: Services) -> World:
    maker, buyer = factory.enterprise("Maker"), factory.enterprise("Buyer")
    plant = maker.site("Plant", division="320500", grid_region="CN-JS")
    return World(factory, services, maker, buyer, plant)


def document(found: Shelved) -> dict[str, Any]:
    """As it is served, held to PACT's rules and to our schema."""
    served: dict[str, Any] = orjson.loads(found.json)
    load(pact.ProductFootprint, served)
    VALID.validate(served["extensions"][-1]["data"])
    return served


def origin(served: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = served["extensions"][-1]["data"]
    return told


# --- What is told -----------------------------------------------------------------------------


def test_a_figure_is_told_by_the_origin_of_its_gases_and_adds_up_exactly(world: World) -> None:
    """Of 1 t: 2 kg CO2, 0.1 kg biogenic CH4 (× 27), 0.3 kg CO2 of land use, and 5 kg biogenic CO2,
    which is in no total."""
    resin = world.product(unit="TNE")
    gases = [("CO2", "fossil", "2"), ("CH4", "biogenic", "0.1"), ("CO2", "land-use", "0.3")]
    world.maker.recipe(
        resin, world.plant, basis=("1", "TNE"), emissions=[*gases, ("CO2", "biogenic", "5")]
    )
    told = world.only()
    pcf = told["pcf"]
    assert pcf["fossilGhgEmissions"] == "2"
    assert pcf["biogenicNonCO2Emissions"] == "2.7"
    assert pcf["landUseChangeGhgEmissions"] == "0.3"
    assert pcf["pcfExcludingBiogenicUptake"] == pcf["pcfIncludingBiogenicUptake"] == "5"
    assert (pcf["declaredUnitOfMeasurement"], pcf["declaredUnitAmount"]) == ("kilogram", "1000")
    assert pcf["productMassPerDeclaredUnit"] == "1000"
    assert pcf["geographyCountrySubdivision"] == "CN-JS"
    assert pcf["referencePeriodStart"] == "2024-12-31T16:00:00Z"  # the year of Shanghai
    assert pcf["referencePeriodEnd"] == "2025-12-31T16:00:00Z"
    assert "primaryDataShare" not in pcf  # nobody said
    assert origin(told)["usability"]["level"] == 1


def test_parts_that_no_decimal_holds_still_add_up(world: World) -> None:
    resin = world.product()
    gases = [("CO2", "fossil", "1"), ("CH4", "biogenic", "1"), ("CO2", "land-use", "1")]
    world.maker.recipe(resin, world.plant, basis=("7", "KGM"), emissions=gases)
    pcf = world.only()["pcf"]
    parts = ("fossilGhgEmissions", "biogenicNonCO2Emissions", "landUseChangeGhgEmissions")
    assert sum(Decimal(pcf[part]) for part in parts) == Decimal(pcf["pcfExcludingBiogenicUptake"])
    assert pcf["fossilGhgEmissions"] == "0.14285714"  # 1/7, to the places that 27/7 ends at


def test_what_stands_in_is_named_in_the_comment(world: World) -> None:
    resin = world.product()
    world.maker.recipe(resin, world.plant, emissions=[("CO2", "fossil", "2")])
    told = world.only()
    assert told["pcf"]["crossSectoralStandards"] == ["N/A"]
    assert told["pcf"]["fossilCarbonContent"] == "0"
    for member in ("fossilCarbonContent", "exemptedEmissionsPercent", "crossSectoralStandards"):
        assert member in told["comment"]
    assert "repeats the total without it" in told["comment"]


def test_who_has_no_urns_is_named_by_the_log(world: World) -> None:
    resin = world.product()
    world.maker.recipe(resin, world.plant, emissions=[("CO2", "fossil", "2")])
    told = world.only()
    assert told["companyIds"] == [f"urn:pact:log.test.example:company-id:{world.maker.id}"]
    assert told["productIds"] == [f"urn:pact:log.test.example:product-id:{resin}"]


def test_registered_urns_are_told_as_they_are(world: World) -> None:
    resin = world.product(
        identifiers=("urn:gtin:4006381333931",), classifications=("urn:cpc:0151",)
    )
    world.maker.recipe(resin, world.plant, emissions=[("CO2", "fossil", "2")])
    told = world.only()
    assert told["productIds"] == ["urn:gtin:4006381333931"]
    assert told["productClassifications"] == ["urn:cpc:0151"]
    criteria = Criteria.of({"productId": ["URN:GTIN:4006381333931"]})
    assert shelf_of(world.services).page(criteria, world.access()).items


@pytest.mark.parametrize(
    ("unit", "mass", "told"),
    [
        ("MWH", None, ("kilowatt hour", "1000", "0")),
        ("GV", None, ("megajoule", "1000", "0")),
        ("TKM", None, ("ton kilometer", "1", "0")),
        ("H87", "2.5", ("piece", "1", "2.5")),
        ("T3", "2500", ("piece", "1000", "2500")),
        ("LTR", "0.8", ("liter", "1", "0.8")),
        ("HLT", "80", ("cubic meter", "0.1", "80")),
        ("NM3", "1.429", ("kilogram", "1.429", "1.429")),  # PACT has no unit of normal conditions
        ("MTR", "7.5", ("kilogram", "7.5", "7.5")),
    ],
)
def test_one_declared_unit_is_told_in_a_unit_of_pact(
    world: World, unit: str, mass: str | None, told: tuple[str, str, str]
) -> None:
    """The value is never scaled: it is for amount × unit, which is one declared unit."""
    known = {} if mass is None else {"mass_per_unit": mass}
    made = world.product(unit=unit, **known)
    world.maker.recipe(made, world.plant, basis=("1", unit), emissions=[("CO2", "fossil", "3")])
    pcf = world.only()["pcf"]
    members = ("declaredUnitOfMeasurement", "declaredUnitAmount", "productMassPerDeclaredUnit")
    assert tuple(pcf[member] for member in members) == told
    assert pcf["pcfExcludingBiogenicUptake"] == "3"


def test_uptake_that_a_supplier_stated_is_taken_off_including(world: World) -> None:
    straw = world.maker.product("Straw")
    world.maker.footprint(
        straw, "1", pcf={"biogenicCO2Uptake": "-1.5", "pcfIncludingBiogenicUptake": "-0.5"}
    )
    board = world.product("Board")
    world.maker.recipe(board, world.plant, inputs=[(straw, "2", "KGM")])
    pcf = world.only()["pcf"]
    assert pcf["biogenicCO2Uptake"] == "-3"
    assert (pcf["pcfExcludingBiogenicUptake"], pcf["pcfIncludingBiogenicUptake"]) == ("2", "-1")


def test_other_sets_of_gwp_that_are_inside_are_named(world: World) -> None:
    ore = world.maker.product("Ore")
    world.maker.footprint(ore, "1", pcf={"ipccCharacterizationFactors": ["AR5"]})
    steel = world.product("Steel")
    world.maker.recipe(
        steel, world.plant, emissions=[("CO2", "fossil", "1")], inputs=[(ore, "2", "KGM")]
    )
    assert world.only()["pcf"]["ipccCharacterizationFactors"] == ["AR5", "AR6"]


def test_a_total_of_unknown_parts_is_told_without_parts(world: World) -> None:
    ore = world.maker.product("Ore")
    world.maker.footprint(ore, "1.5", pcf={"fossilGhgEmissions": "0"})
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, inputs=[(ore, "2", "KGM")])
    told = world.only()
    assert told["pcf"]["pcfExcludingBiogenicUptake"] == "3"
    assert told["pcf"]["fossilGhgEmissions"] == "0"
    assert "fossilGhgEmissions with 0" in told["comment"]
    assert not load(pact.ProductFootprint, told).pcf.parts_known


def test_where_it_comes_from_leads_back_to_the_same_figure(world: World) -> None:
    resin = world.product()
    world.maker.recipe(resin, world.plant, emissions=[("CO2", "fossil", "2")])
    told = origin(world.only())
    assert told["kind"] == "computed"
    assert told["question"] == {"product": resin, "year": 2025, "gwp": "AR6"}
    assert told["address"].endswith(f"?year=2025&gwp=AR6&at={told['size']}")
    question = Question(year=2025, at=told["size"])
    _, figure = world.services.engine.footprint(resin, question)
    assert figure.amount.value == 2
    assert (told["coverage"], told["estimatedShare"], told["onBehalfShare"]) == ("1", "0", "0")
    assert told["verifiedShare"] == {"limited": "0", "reasonable": "0"}
    assert told["ageDays"] == 183 + 14  # from the middle of 2025 to 15 January 2026


def test_the_share_that_verifiers_assure_is_told(world: World, factory: Factory) -> None:
    verifier = factory.enterprise("Verifier", roles=("verifier",))
    factory.operator.accredit(verifier)
    ore = world.maker.product("Ore")
    stated = world.maker.footprint(ore, "1")
    verifier.attest(stated, level="reasonable")
    steel = world.product("Steel")
    world.maker.recipe(
        steel, world.plant, emissions=[("CO2", "fossil", "3")], inputs=[(ore, "1", "KGM")]
    )
    assert origin(world.only())["verifiedShare"] == {"limited": "0", "reasonable": "0.25"}


def test_the_share_that_was_declared_on_behalf_is_told(world: World, factory: Factory) -> None:
    agent, quarry = factory.enterprise("Agent"), factory.enterprise("Quarry")
    ore = quarry.product("Ore")
    quarry.delegate(agent)
    body = quarry.pact_body("1")
    agent.say(_footprint(ore, body), subject=quarry.id)
    quarry.disclose("footprint", ore, to=world.maker)
    steel = world.product("Steel")
    world.maker.recipe(
        steel, world.plant, emissions=[("CO2", "fossil", "3")], inputs=[(ore, "1", "KGM")]
    )
    assert origin(world.only())["onBehalfShare"] == "0.25"


def _footprint(product: str, body: pact.ProductFootprint) -> Any:
    return Footprint(product=product, site=None, pact=body)


# --- The rule of three ------------------------------------------------------------------------


def suppliers(world: World, count: int, **pcf: Any) -> list[tuple[str, str, str]]:
    """Lines on goods of so many enterprises that keep their footprints to themselves."""
    made = []
    for n in range(count):
        quarry = world.factory.enterprise(f"Quarry {n}")
        ore = quarry.product(f"Ore {n}")
        quarry.footprint(ore, "1", pcf=pcf)
        made.append((ore, "1", "KGM"))
    return made


@pytest.mark.parametrize("count", [1, 2])
def test_a_figure_that_would_tell_one_or_two_suppliers_figures_is_withheld(
    world: World, count: int
) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, inputs=suppliers(world, count))
    assert world.withheld() == {2025: "fewer-than-three"}
    assert world.found() == []


def test_a_figure_over_three_suppliers_is_handed_out(world: World) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, inputs=suppliers(world, 3))
    assert world.only()["pcf"]["fossilGhgEmissions"] == "3"


def test_a_part_that_only_one_of_three_suppliers_has_is_not_told_apart(world: World) -> None:
    land = {"fossilGhgEmissions": "0.4", "landUseChangeGhgEmissions": "0.6"}
    lines = [*suppliers(world, 2), *suppliers(world, 1, **land)]
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, inputs=lines)
    told = world.only()
    assert told["pcf"]["pcfExcludingBiogenicUptake"] == "3"
    assert "landUseChangeGhgEmissions" not in told["pcf"]
    assert told["pcf"]["fossilGhgEmissions"] == "0"


def test_uptake_that_only_one_of_three_suppliers_has_is_not_denied(world: World) -> None:
    taken_up = {"biogenicCO2Uptake": "-1", "pcfIncludingBiogenicUptake": "0"}
    lines = [*suppliers(world, 2), *suppliers(world, 1, **taken_up)]
    world.maker.recipe(world.product("Board"), world.plant, inputs=lines)
    told = world.only()
    assert "biogenicCO2Uptake" not in told["pcf"]
    assert "No biogenic uptake is told" in told["comment"]


def test_removals_that_suppliers_state_are_not_deducted_and_that_is_said(world: World) -> None:
    """A supplier's 2 kg less 0.5 kg that it takes out of the air for good are 2 kg here."""
    lime = world.maker.product("Lime")
    net = {"fossilGhgEmissions": "2", "technologicalCO2Removals": "-0.5"}
    world.maker.footprint(lime, "1.5", pcf=net)
    world.maker.recipe(world.product("Board"), world.plant, inputs=[(lime, "1", "KGM")])
    told = world.only()
    assert told["pcf"]["pcfExcludingBiogenicUptake"] == "2"
    assert "are not deducted" in told["pcf"]["boundaryProcessesDescription"]


def test_a_set_of_gwp_that_only_one_of_three_suppliers_used_is_not_told(world: World) -> None:
    lines = [*suppliers(world, 2), *suppliers(world, 1, ipccCharacterizationFactors=["AR5"])]
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, inputs=lines)
    told = world.only()
    assert told["pcf"]["ipccCharacterizationFactors"] == ["AR6"]
    assert "other sets of GWP values" in told["comment"]


def test_a_share_that_would_tell_whose_data_are_primary_is_not_told(world: World) -> None:
    told_of = {"primaryDataShare": "50", "secondaryEmissionFactorSources": [
        {"name": "Factors", "version": "1"}]}  # fmt: skip
    lines = [*suppliers(world, 2, primaryDataShare="100"), *suppliers(world, 1, **told_of)]
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, inputs=lines)
    assert "primaryDataShare" not in world.only()["pcf"]


# --- What is not handed out -------------------------------------------------------------------


def test_an_open_end_upstream_is_no_footprint(world: World) -> None:
    steel = world.product("Steel")
    unknown = "urn:gtin:4006381333931"
    world.maker.recipe(steel, world.plant, inputs=[(unknown, "1", "KGM")])
    assert world.withheld() == {2025: "figure-open-ended"}


def test_a_mass_that_nobody_registered_is_asked_for(world: World) -> None:
    chair = world.product("Chair", unit="H87")
    world.maker.recipe(chair, world.plant, basis=("1", "H87"), emissions=[("CO2", "fossil", "3")])
    assert world.withheld() == {2025: "mass-unknown"}


def test_a_loop_that_gives_back_more_than_it_takes_is_no_footprint(world: World) -> None:
    ash, clay = world.product("Ash"), world.maker.product("Clay")
    world.maker.recipe(ash, world.plant, inputs=[(clay, "2", "KGM")])
    world.maker.recipe(clay, world.plant, inputs=[(ash, "2", "KGM")])
    assert world.withheld() == {2025: "loop-gain"}


def test_several_sites_without_their_outputs_are_no_mix(world: World) -> None:
    steel, other = world.product("Steel"), world.maker.site("Other")
    for site in (world.plant, other):
        world.maker.recipe(steel, site, emissions=[("CO2", "fossil", "2")])
    assert world.withheld() == {2025: "sites-without-output"}


def test_what_nothing_describes_is_withheld_for_the_latest_year_alone(world: World) -> None:
    world.product("Steel")
    assert world.withheld() == {2025: "no-data-for-year"}


def test_what_is_declared_for_another_year_is_missed_by_nobody(world: World) -> None:
    steel = world.product("Steel")
    world.maker.footprint(steel, "2", year=2024)
    assert world.withheld() == {}


def test_what_is_disclosed_to_nobody_is_not_computed(world: World) -> None:
    steel = world.maker.product("Steel")
    world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    assert world.followed(world.maker) == []


def test_the_last_three_complete_years_are_handed_out(world: World) -> None:
    steel = world.product("Steel")
    for year in (2021, 2022, 2023, 2024, 2025, 2026):
        gases = [("CO2", "fossil", str(year - 2020))]
        period = ("2026-01-01", "2026-01-10") if year == 2026 else None
        world.maker.recipe(steel, world.plant, emissions=gases, year=year, period=period)
    totals = {document(each)["pcf"]["pcfExcludingBiogenicUptake"] for each in world.followed()}
    assert totals == {"5", "4", "3"}


def test_a_year_is_handed_out_when_it_is_over_and_for_three_years(world: World) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    world.factory.clock.now_ms = 1_767_196_799_000  # 2025-12-31T15:59:59Z, a second before
    assert world.followed() == []
    world.factory.clock.advance(days=1)
    (found,) = world.followed()
    assert found.status == "Active"
    world.factory.clock.advance(days=3 * 365 + 1)
    (found,) = world.followed()
    assert found.status == "Deprecated"


# --- When there is a new one ------------------------------------------------------------------


def test_a_figure_that_moves_has_a_new_id_and_names_the_one_before(world: World) -> None:
    steel = world.product("Steel")
    said = world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    (first,) = world.followed()
    world.maker.correct(said, emissions=(gas(("CO2", "fossil", "3")),))
    before, after = world.followed()
    assert (before.id, before.status, after.status) == (first.id, "Deprecated", "Active")
    assert document(after)["precedingPfIds"] == [first.id]
    changed = first.json.replace(b'"status":"Active"', b'"status":"Deprecated"')
    assert before.json == changed


def test_who_is_let_in_later_reads_the_figure_and_none_of_those_before(
    world: World, factory: Factory
) -> None:
    """Two figures of a product could be subtracted."""
    late = factory.enterprise("Late")
    steel = world.product("Steel")
    said = world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    world.followed()
    world.maker.correct(said, emissions=(gas(("CO2", "fossil", "3")),))
    computed.follow(world.services)
    world.maker.disclose("footprint", steel, to=late)
    before, after = world.followed()
    assert [each.id for each in world.followed(late)] == [after.id]
    assert shelf_of(world.services).find(before.id, world.access(late)) is None
    assert shelf_of(world.services).find(before.id, world.access()) == before


@pytest.mark.parametrize("declares", [False, True])
def test_who_was_let_in_after_a_figure_had_moved_never_reads_what_it_was(
    world: World, declares: bool
) -> None:
    """Also where nobody looked in between: the log tells the order."""
    resin, late = world.product(), world.factory.enterprise("Late")
    said = world.maker.recipe(resin, world.plant, emissions=[("CO2", "fossil", "2")])
    world.followed()
    if declares:
        world.maker.footprint(resin, "3")
    else:
        world.maker.correct(said, emissions=(gas(("CO2", "fossil", "3")),))
    world.maker.disclose("footprint", resin, to=late)
    assert [document(each)["pcf"]["fossilGhgEmissions"] for each in world.followed(late)] == ["3"]
    assert len(world.found()) == 2


def test_what_moves_nothing_of_it_leaves_it_as_it_is(world: World) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    (first,) = world.followed()
    other = world.maker.product("Other")
    world.maker.recipe(other, world.plant, emissions=[("CO2", "fossil", "9")])
    assert [each.json for each in world.followed()] == [first.json]


@pytest.mark.parametrize(("before", "after"), [("20240101", "20240102"), ("Infinity", "NaN")])
def test_names_that_look_like_numbers_are_names(world: World, before: str, after: str) -> None:
    """And no name keeps the figures of others from being handed out."""
    resin = world.product(before)
    world.maker.recipe(resin, world.plant, emissions=[("CO2", "fossil", "2")])
    world.followed()
    said = world.services.engine.standing().products[resin]
    renamed = dataclasses.replace(cast(Product, said.statement.body), name=after)
    world.maker.say(renamed, prev=said.digest)
    assert [document(each)["productNameCompany"] for each in world.followed()] == [before, after]


def test_following_again_costs_no_figure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    world.followed()
    world.factory.enterprise("Bystander")  # moves figures, perhaps: names are looked up
    world.followed()
    world.maker.park()

    def refuse(*_: object) -> None:
        raise AssertionError("a figure was asked for")

    monkeypatch.setattr(world.services.engine, "answer", refuse)
    world.followed()


def test_only_figures_that_moved_are_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    steel, resin, chair = (
        world.product("Steel"),
        world.product(),
        world.product("Chair", unit="H87"),
    )
    said = world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    gases = [("CO2", "fossil", "3")]
    world.maker.recipe(resin, world.plant, emissions=gases)
    world.maker.recipe(chair, world.plant, basis=("1", "H87"), emissions=gases)
    assert world.withheld() == {2025: "mass-unknown"}
    made: list[str] = []
    make = computed.computed

    def noted(answered: Any, product: str, *args: Any) -> Any:
        made.append(product)
        return make(answered, product, *args)

    monkeypatch.setattr(computed, "computed", noted)
    world.maker.correct(said, emissions=(gas(("CO2", "fossil", "4")),))
    assert world.withheld() == {2025: "mass-unknown"}  # kept, though nobody looked at it again
    assert set(made) == {steel}
    assert sorted(e.status for e in world.found()) == ["Active", "Active", "Deprecated"]


def test_what_comes_to_be_withdrawn_is_looked_at_again(world: World) -> None:
    steel = world.product("Steel")
    said = world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    world.followed()
    world.maker.withdraw(said)
    assert [each.status for each in world.followed()] == ["Deprecated"]
    assert world.withheld() == {2025: "no-data-for-year"}


def test_a_declared_footprint_of_the_year_takes_its_place_at_once(world: World) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    world.followed()
    world.maker.footprint(steel, "2.1")
    assert [(e.kind, e.status) for e in world.found()] == [
        ("computed", "Deprecated"),
        ("declared", "Active"),
    ]
    assert [(e.kind, e.status) for e in world.followed()] == [
        ("computed", "Deprecated"),
        ("declared", "Active"),
    ]


def test_once_the_declared_one_is_withdrawn_the_figure_is_handed_out_again(world: World) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    (first,) = world.followed()
    declared = world.maker.footprint(steel, "2.1")
    world.followed()
    world.maker.withdraw(declared)
    *_, again = world.followed()
    assert (again.kind, again.status) == ("computed", "Active")
    assert document(again)["precedingPfIds"] == [first.id]
    assert again.id != first.id


def test_one_for_another_year_stands_beside_it(world: World) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    world.maker.footprint(steel, "2.1", year=2024)
    assert {(e.kind, e.status) for e in world.followed()} == {
        ("computed", "Active"),
        ("declared", "Active"),
    }


def test_a_figure_that_comes_to_be_withheld_is_deprecated(world: World) -> None:
    ore = world.maker.product("Ore")
    stated = world.maker.footprint(ore, "1")
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, inputs=[(ore, "2", "KGM")])
    world.followed()
    world.maker.withdraw(stated)
    (found,) = world.followed()
    assert found.status == "Deprecated"
    assert world.withheld() == {2025: "figure-open-ended"}


def test_what_is_told_of_it_can_change_without_the_figure(world: World) -> None:
    """Suppliers that disclose their figures to the maker: now the parts are told, too."""
    steel = world.product("Steel")
    quarries = [world.factory.enterprise(f"Quarry {n}") for n in range(3)]
    ores = [quarry.product("Ore") for quarry in quarries]
    land = {"fossilGhgEmissions": "0.4", "landUseChangeGhgEmissions": "0.6"}
    for quarry, ore, parts in zip(quarries, ores, ({}, {}, land), strict=True):
        quarry.footprint(ore, "1", pcf=parts)
    world.maker.recipe(steel, world.plant, inputs=[(ore, "1", "KGM") for ore in ores])
    (first,) = world.followed()
    for quarry, ore in zip(quarries, ores, strict=True):
        quarry.disclose("footprint", ore, to=world.maker)
    before, after = world.followed()
    assert (before.id, before.status) == (first.id, "Deprecated")
    assert document(before)["pcf"]["fossilGhgEmissions"] == "0"
    assert document(after)["pcf"]["fossilGhgEmissions"] == "2.4"
    assert document(after)["pcf"]["landUseChangeGhgEmissions"] == "0.6"
    assert before.entry == after.entry  # the figure has not moved


def test_ids_are_of_the_log_the_question_and_the_entry(world: World) -> None:
    steel = world.product("Steel")
    said = world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    (found,) = world.followed()
    genesis = world.services.log.genesis
    name = f"catchment:{genesis.common.log.origin}:{genesis.digest}"
    namespace = uuid.uuid5(uuid.NAMESPACE_URL, name)
    expected = uuid.uuid5(namespace, f"{steel} 2025 AR6 as of {said.index}")
    assert found.id == str(expected)
    assert found.entry == said.index


def test_an_id_that_was_computed_here_cannot_be_declared_by_another(world: World) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    (found,) = world.followed()
    copied = world.buyer.product("Copy")
    world.buyer.footprint(copied, "99", id=found.id)
    assert [each.json for each in world.followed()] == [found.json]


def test_an_id_that_was_declared_in_advance_is_not_given_twice(world: World) -> None:
    steel = world.product("Steel")
    said = world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    genesis = world.services.log.genesis
    name = f"catchment:{genesis.common.log.origin}:{genesis.digest}"
    guessed = uuid.uuid5(
        uuid.uuid5(uuid.NAMESPACE_URL, name), f"{steel} 2025 AR6 as of {said.index}"
    )
    other = world.buyer.product("Other")
    world.buyer.footprint(other, "99", id=str(guessed))
    declared, made = world.followed()
    assert (declared.id, made.product) == (str(guessed), steel)
    assert made.id != declared.id


def test_ids_differ_however_often_the_same_figure_is_told_otherwise(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By versions of this program, say, while nothing is appended."""
    world.maker.recipe(world.product(), world.plant, emissions=[("CO2", "fossil", "2")])
    world.followed()
    for words in ("One", "Two", "Three"):
        monkeypatch.setattr(computed_document, "_BOUNDARY", words)
        world.factory.clock.advance(days=1)
        found = world.followed()
    assert len({each.id for each in found}) == 4
    chain = [document(each).get("precedingPfIds") for each in found]
    assert chain == [None, *([each.id] for each in found[:-1])]


def test_a_disclosure_that_is_closed_again_closes_what_was_handed_out(world: World) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    (found,) = world.followed()
    opened = world.services.engine.standing().about("disclosure", steel)[0]
    world.maker.say(dataclasses.replace(opened.statement.body, level="private"), prev=opened.digest)
    assert world.followed() == []
    assert [each.id for each in world.followed(world.maker)] == [found.id]


def test_two_processes_hand_out_one(world: World, factory: Factory) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    again = dataclasses.replace(world.services)
    computed.follow(again)
    computed.follow(world.services)
    assert len(world.found()) == 1


def test_the_server_does_it_unasked(world: World) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    assert world.found() == []
    (errand,) = (each for each in errands.ERRANDS if each.name == "computed")
    errand.run(world.services)
    assert [each.kind for each in world.found()] == ["computed"]


# --- What the owner is told -------------------------------------------------------------------


def told(client: FlaskClient, enterprise: Actor, headers: dict[str, str], query: str = "") -> Any:
    return client.get(f"/v1/enterprises/{enterprise.id}/shelf{query}", headers=headers)


@pytest.mark.only_on("sqlite", "it is about what is told, wherever it is stored")
def test_an_owner_reads_what_is_handed_out_and_what_is_withheld_why(
    world: World, client: FlaskClient, as_role: AsRole
) -> None:
    steel, chair = world.product("Steel"), world.product("Chair", unit="H87")
    world.maker.recipe(steel, world.plant, emissions=[("CO2", "fossil", "2")])
    gases = [("CO2", "fossil", "3")]
    world.maker.recipe(chair, world.plant, basis=("1", "H87"), emissions=gases)
    (found,) = world.followed()
    first, second = told(client, world.maker, as_role("supplier", world.maker)).json["items"]
    assert first["product"] == {"id": steel, "name": "Steel"}
    assert first["disclosedTo"] == [{"id": world.buyer.id, "name": "Buyer"}]
    assert [each["id"] for each in first["footprints"]] == [found.id]
    assert first["footprints"][0]["kgCo2e"] == "2"
    (withheld,) = second["withheld"]
    assert (withheld["year"], withheld["why"]["code"]) == (2025, "mass-unknown")
    assert "Chair" in withheld["why"]["detail"]
    assert second["footprints"] == []


@pytest.mark.only_on("sqlite", "it is about what is told, wherever it is stored")
def test_what_stands_in_the_way_is_named_to_the_owner(
    world: World, client: FlaskClient, as_role: AsRole
) -> None:
    steel = world.product("Steel")
    world.maker.recipe(steel, world.plant, inputs=suppliers(world, 1))
    world.followed()
    (item,) = told(client, world.maker, as_role("supplier", world.maker)).json["items"]
    (withheld,) = item["withheld"]
    assert [each["detail"] for each in withheld["why"]["problems"]] == ["Ore 0"]


@pytest.mark.only_on("sqlite", "it is about what is told, wherever it is stored")
def test_nobody_else_is_told_but_auditors(
    world: World, client: FlaskClient, as_role: AsRole
) -> None:
    world.product("Steel")
    assert told(client, world.maker, as_role("auditor")).status_code == 200
    for headers in (as_role("supplier", world.buyer), as_role("operator")):
        assert told(client, world.maker, headers).json["code"] == "shelf-not-yours"
    assert told(client, world.maker, {}).status_code == 401


@pytest.mark.only_on("sqlite", "it is about what is told, wherever it is stored")
def test_the_list_has_pages(world: World, client: FlaskClient, as_role: AsRole) -> None:
    names = [f"Product {n}" for n in range(5)]
    for name in names:
        world.product(name)
    headers, seen = as_role("supplier", world.maker), []
    address = f"/v1/enterprises/{world.maker.id}/shelf?limit=2"
    while address:
        page = client.get(address, headers=headers)
        seen += [item["product"]["name"] for item in page.json["items"]]
        link = page.headers.get("Link", "")
        address = link[1 : link.index(">")] if link else ""
    assert seen == names


def test_the_schema_is_open_to_everybody_and_the_same_for_good(client: FlaskClient) -> None:
    answer = client.get("/v1/schemas/provenance-1.json")
    jsonschema.Draft202012Validator.check_schema(answer.get_json())
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.content_type == "application/schema+json"
