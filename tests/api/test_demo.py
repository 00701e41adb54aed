"""The demonstration holds together: accepted whole, plausible, and each point of it shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from api.demo import DemoSummary, insecure_key, load
from api.demo.tables import id_of, rows
from api.errors import DemoInProduction
from api.importing.cells import period_of
from graph.books.inventory import FullBooks, with_base
from graph.books.shared import shared_of
from graph.books.targets import plans_of
from graph.engine import Engine, Question
from graph.figures.boundary import Amount, Assessment
from graph.indicators.indicators import apply, system_of
from graph.indicators.quantities import Ground
from graph.reading.meters import metered
from graph.reading.network import Network
from graph.terms import LOCATION, MARKET, Assessed, Cover, Feed
from ledger.standing import Standing
from ledger.statements import Disclosure, Figure, Inventory, Membership
from tests.databases import Databases
from tests.factory import Factory

HERON, REED, PLUM = "heron-lake", "reed-bank", "plum-ford"
BEYOND_THE_GAPS = {"plum-linerboard", "plum-carton", "plum-portable"}
"""Linerboard lacks its resin, cartons are made of it, power stations are packed in both gaps."""


@dataclass
class Demo:
    factory: Factory
    summary: DemoSummary
    engine: Engine
    progress: list[tuple[int, int]]

    def park(self, name: str, year: int = 2025) -> Assessment:
        return self.engine.park(id_of(name), Question(year=year)).assessment

    def enterprise(self, name: str) -> Assessment:
        return self.engine.enterprise(id_of(name), Question(year=2025)).assessment

    def footprint(self, product: str, year: int = 2025) -> Amount:
        return self.engine.footprint(id_of(product), Question(year=year))[1].amount

    @property
    def network(self) -> Network:
        return self.engine.answer(Question(year=2025)).solved.network

    @property
    def standing(self) -> Standing:
        return self.engine.standing()


@pytest.fixture(scope="module")
def demo(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    factory = Factory(databases.new(tmp_path_factory.mktemp("demo"), "demo"))
    progress: list[tuple[int, int]] = []
    summary = load_into(factory, progress)
    return Demo(factory, summary, Engine(factory.log), progress)


def load_into(factory: Factory, progress: list[tuple[int, int]] | None = None) -> DemoSummary:
    now = factory.clock.now_ms // 1000
    told = None if progress is None else lambda done, of: progress.append((done, of))
    return load(factory.log, factory.operator.key, now, told)


def known(amount: Amount | None) -> float:
    assert amount is not None
    assert amount.value is not None
    return amount.value


def node_of(network: Network, product: str) -> int:
    (node,) = network.nodes_of[id_of(product)]
    return node


# --- Loading -------------------------------------------------------------------------------


def test_every_statement_is_accepted(demo: Demo) -> None:
    assert demo.summary.loaded
    assert demo.factory.log.size() == 1 + demo.summary.statements


def test_progress_is_told_up_to_the_last_statement(demo: Demo) -> None:
    total = demo.summary.statements - len(demo.summary.parks)
    assert demo.progress == [(done, total) for done in range(1, total + 1)]


def test_each_park_has_published_its_figure_of_2025(demo: Demo) -> None:
    bodies = (said.statement.body for said in demo.standing.statements("figure"))
    published = {(body.object.id, body.year) for body in bodies if isinstance(body, Figure)}
    assert published == {(park, 2025) for park in demo.summary.parks.values()}


def test_there_are_three_parks_with_at_least_three_tenants_beside_the_park_company(
    demo: Demo,
) -> None:
    assert set(demo.summary.parks.values()) == {id_of(park) for park in (HERON, REED, PLUM)}
    for row in rows("parks"):
        members = [each["site"] for each in rows("memberships") if each["park"] == row["park"]]
        owners = {demo.standing.owner_of("site", id_of(site)) for site in members}
        assert len(owners - {id_of(row["enterprise"])}) >= 3


def test_the_demonstration_has_the_promised_size(demo: Demo) -> None:
    assert 14 <= len(demo.summary.enterprises) <= 20
    assert 45 <= demo.summary.products <= 65


def test_a_second_load_changes_nothing(demo: Demo) -> None:
    before = demo.factory.log.size()
    again = load_into(demo.factory)
    assert (again.loaded, demo.factory.log.size()) == (False, before)


def test_a_log_in_which_others_have_spoken_is_left_alone(factory: Factory) -> None:
    factory.enterprise("Somebody")
    before = factory.log.size()
    assert not load_into(factory).loaded
    assert factory.log.size() == before


def test_what_the_operator_said_before_is_no_obstacle(factory: Factory) -> None:
    factory.operator.say(factory.key_body(factory.operator.with_key()))
    assert load_into(factory).loaded


def test_the_demonstration_is_refused_in_production(
    factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATCHMENT_ENV", "production")
    with pytest.raises(DemoInProduction):
        load_into(factory)
    assert factory.log.size() == 1


def test_its_keys_are_the_same_everywhere_and_differ_between_enterprises() -> None:
    names = [row["enterprise"] for row in rows("enterprises")]
    kids = {insecure_key(name).public.kid for name in names}
    assert len(kids) == len(names)
    assert insecure_key("heron-steel").public == insecure_key("heron-steel").public


def test_every_emission_and_every_footprint_names_its_source() -> None:
    emitted = [row for row in rows("recipes") if row["line"] != "input"]
    stated = [*emitted, *rows("inventory"), *rows("footprints"), *rows("fuels"), *rows("factors")]
    assert [row for row in stated if not row["source"]] == []


# --- Parks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("park", [HERON, REED])
def test_the_scopes_sum_to_the_figure_of_the_park(demo: Demo, park: str) -> None:
    books = demo.park(park)
    assert books.t2_status is Assessed.ASSESSED
    scopes = known(books.scope1) + known(books.scope2) + known(books.scope3)
    assert scopes == pytest.approx(known(books.t2))


def test_goods_that_leave_heron_lake_and_return_are_counted_once(demo: Demo) -> None:
    books = demo.park(HERON)
    assert known(books.t0) > known(books.t1) > known(books.t2) > 0
    assert known(books.returned) > 0.1 * known(books.t2)
    # Pig iron and other goods come with a total only: loops through their makers stay unseen.
    assert books.returning is Assessed.PARTIAL


def test_a_tenant_without_recipes_leaves_the_figure_and_takes_the_bridge(demo: Demo) -> None:
    books = demo.park(REED)
    assert known(books.t2) > 0
    assert (books.t0, books.t1, books.returned) == (None, None, None)
    assert books.returning is Assessed.NOT_ASSESSABLE
    assert set(books.not_assessable_because) == {"LFP cell 280 Ah", "LFP module, 12 cells"}


def test_the_cell_makers_footprint_agrees_with_its_books(demo: Demo) -> None:
    made = 3_000_000
    assert known(demo.enterprise("reed-cells").t2) / made == pytest.approx(
        known(demo.footprint("reed-cell")), rel=0.02
    )


def test_the_gaps_of_plum_ford_are_listed_with_their_amounts(demo: Demo) -> None:
    books = demo.park(PLUM)
    assert books.t2.value is None
    assert books.t2.at_least > 0
    assert {(gap.reason, gap.unit) for gap in books.gaps} == {
        ("unregistered", "KGM"),
        ("class-only", "TNE"),
    }
    resin = next(gap for gap in books.gaps if gap.reason == "unregistered")
    # 289 440 kg a year, of which the park has the days from 1 July.
    assert resin.amount == pytest.approx(289440 * 184 / 365)


def test_exactly_what_lies_downstream_of_the_gaps_is_incomplete(demo: Demo) -> None:
    solved = demo.engine.answer(Question(year=2025)).solved
    nodes = solved.network.nodes
    touched = {nodes[i].product for i in np.flatnonzero(solved.incomplete)}
    assert touched - {None} == {id_of(product) for product in BEYOND_THE_GAPS}
    overheads = {
        nodes[i].owner for i in np.flatnonzero(solved.incomplete) if nodes[i].product is None
    }
    assert overheads == {id_of("plum-packs"), id_of("plum-board")}


def test_the_board_mill_counts_from_the_day_it_joins(demo: Demo) -> None:
    of_the_year = known(demo.enterprise("plum-board").scope1)
    in_the_park = known(demo.park(PLUM).scope1_by_owner[id_of("plum-board")])
    assert in_the_park == pytest.approx(of_the_year * 184 / 365)


def test_every_site_lies_where_its_membership_says(demo: Demo) -> None:
    for park in (HERON, REED, PLUM):
        assert demo.engine.park(id_of(park), Question(year=2025)).findings == ()


def test_the_years_differ(demo: Demo) -> None:
    now, before = demo.park(HERON), demo.park(HERON, 2024)
    assert known(now.t2) != pytest.approx(known(before.t2), rel=0.01)
    assert known(before.t0) > known(before.t1) > known(before.t2)


# --- The books of Heron Lake ---------------------------------------------------------------


@pytest.fixture(scope="module")
def heron(demo: Demo) -> FullBooks:
    return with_base(demo.engine, demo.engine.park(id_of(HERON), Question(year=2025)))


def gas_emission(cubic_metres: float, mj: float = 38.931) -> float:
    """kg CO2e of burning natural gas: CO2, and per TJ 1 kg CH4 (29.8) and 0.1 kg N2O (273)."""
    co2 = mj * 0.0153 * 0.99 * 44 / 12
    # The factor states CH4 and N2O per Nm3, whatever calorific value the site has measured.
    return cubic_metres * (co2 + 38.931e-6 * (29.8 + 0.1 * 273))


def test_what_fuels_emit_follows_from_factors_and_from_measured_values(demo: Demo) -> None:
    diesel = 45 * (43330 * 0.0202 * 0.98 * 44 / 12 + 0.168987 * (29.8 + 273))
    leaked = 6 * 771 + 6 * 3740
    scope1 = known(demo.enterprise("heron-body").scope1)
    assert scope1 == pytest.approx(gas_emission(1_513_800, 38.62) + diesel + leaked)


def test_the_foundry_counts_from_the_day_it_joins(demo: Demo) -> None:
    of_the_year = known(demo.enterprise("heron-castings").scope1)
    diesel = 8 * (43330 * 0.0202 * 0.98 * 44 / 12 + 0.168987 * (29.8 + 273))
    assert of_the_year == pytest.approx(gas_emission(69_700) + diesel + 36_180)
    in_the_park = known(demo.park(HERON).scope1_by_owner[id_of("heron-castings")])
    assert in_the_park == pytest.approx(of_the_year * 214 / 365)


def test_every_place_of_heron_lake_speaks_of_every_category(heron: FullBooks) -> None:
    assert [each.number for each in heron.categories if each.silent] == []
    upstream = {each.number: each.cover for each in heron.categories if each.number <= 8}
    assert upstream == {**dict.fromkeys(range(1, 8), Cover.STATED), 8: Cover.NONE}
    assert heron.uncovered == ()


def test_certificates_cover_a_part_of_the_power_from_the_grid(heron: FullBooks) -> None:
    market = heron.books.market
    assert (market.grid_kwh, market.covered_kwh) == pytest.approx((163_400e3, 24_000e3))
    assert known(heron.scope2[MARKET]) == pytest.approx((163_400e3 - 24_000e3) * 0.6096)
    assert (market.excess_kwh, market.findings) == (0, ())


def test_only_the_sink_that_was_verified_and_what_stays_captured_lower_the_net_figure(
    heron: FullBooks,
) -> None:
    for basis in (LOCATION, MARKET):
        gross, net = known(heron.gross_operational[basis]), known(heron.operational[basis])
        assert gross - net == pytest.approx(486_000 + 900_000)
    # 41 t of young trees that nobody verified, 350 t for use, 1 500 t of offsets: told apart.
    ledgers = heron.ledgers
    assert sum(sunk.kg - sunk.verified_kg for sunk in ledgers.sunk) == 41_000
    assert sum(each.kg for each in ledgers.caught if each.fate == "used") == 350_000
    assert ledgers.offsets == 1_500_000


def test_what_inventories_say_of_power_is_what_was_bought(demo: Demo) -> None:
    for (site, period), mwh in electricity_bought().items():
        said = flows_of(demo.standing, site, period)
        assert said == pytest.approx(mwh, rel=0.01), (site, period)


def test_natural_gas_burnt_is_natural_gas_bought() -> None:
    for row in rows("fuels"):
        if row["fuel"].endswith("natural-gas"):
            gigajoules = float(row["amount"]) * float(row["mj_per_unit"] or 38.931) / 1000
            (bought,) = (
                float(each["amount"])
                for each in rows("purchases")
                if (each["site"], each["period"]) == (row["site"], row["period"])
                and each["what"] == "lowland-natural-gas"
            )
            assert gigajoules == pytest.approx(bought, rel=0.01), row


@pytest.mark.parametrize(
    ("site", "meter", "stated", "flags"),
    [
        ("heron-utilities", "E-01", 163_400e3, []),
        ("heron-utilities", "PV-01", 12_900e3, ["gap"]),
        ("heron-steelworks", "G-01", 11_341_200, ["reset"]),
        ("heron-bodyshop", "G-01", 1_513_800, []),
    ],
)
def test_meters_counted_what_inventories_say_and_tell_what_was_wrong(
    demo: Demo, site: str, meter: str, stated: float, flags: list[str]
) -> None:
    """One was replaced in September, one was not read at the beginning of August."""
    read = metered(demo.standing, id_of(site), meter, 2025)
    assert read.whole.amount == pytest.approx(stated, rel=0.01)
    assert [flag.kind for flag in read.flags] == flags
    months = [month.amount for month in read.months]
    assert sum(amount for amount in months if amount) == pytest.approx(read.whole.amount)
    assert None not in months


def test_the_park_is_off_the_path_of_its_target_and_has_two_scenarios(demo: Demo) -> None:
    plans = plans_of(demo.engine, "park", id_of(HERON), Question(year=2025))
    (progress,) = plans.progress
    assert progress.base.year == 2024
    assert (progress.latest.year, progress.latest.on_path) == (2025, False)
    assert [scenario.start_year for scenario in plans.scenarios] == [2027, 2028]


def test_a_provincial_guideline_is_applied_to_what_the_park_has(demo: Demo) -> None:
    books = demo.engine.park(id_of(HERON), Question(year=2025))
    outcome = apply(system_of(demo.standing, "lowland-parks"), Ground(books, None))
    assert [judged.missing for judged in outcome.items if judged.missing] == []
    assert (outcome.points, outcome.out_of, outcome.bonus) == (75, 100, 5)


def test_the_waste_water_works_are_shared_by_days(demo: Demo, heron: FullBooks) -> None:
    moved = shared_of(heron.books).by_owner
    given = known(moved[id_of("heron-park")].given)
    taken = {owner: known(each.taken) for owner, each in moved.items()}
    assert sum(taken.values()) == pytest.approx(given)
    # The foundry has 6 % of the days from 1 June on.
    assert taken[id_of("heron-castings")] == pytest.approx(given * 0.06 * 214 / 365)


def electricity_bought() -> dict[tuple[str, str], float]:
    """MWh by site and period, as purchases of Heron Lake say."""
    found: dict[tuple[str, str], float] = {}
    for row in rows("purchases"):
        if row["site"].startswith("heron") and row["what"] in ("grid-js", "heron-power"):
            mwh = float(row["amount"]) / {"kWh": 1000, "MWh": 1}[row["in"]]
            key = row["site"], row["period"]
            found[key] = found.get(key, 0.0) + mwh
    return found


def flows_of(standing: Standing, site: str, period: str) -> float:
    """MWh of electricity bought, as an inventory says."""
    key = Inventory(site=id_of(site), period=period_of(period), emissions=()).natural_key("")
    stated = (said.statement.body for said in standing.about("inventory", id_of(site)))
    bodies = (body for body in stated if body.natural_key("") == key)
    (body,) = (body for body in bodies if isinstance(body, Inventory))
    bought = (e for e in body.energy if (e.carrier, e.flow) == ("electricity", "bought"))
    return sum(float(each.amount) for each in bought)


# --- Energy --------------------------------------------------------------------------------


def test_the_reseller_needs_all_it_buys_and_its_losses_are_the_parks(demo: Demo) -> None:
    # 172 000 MWh delivered, 2.5 % are lost; 12 900 MWh come from its own roofs, the rest from the
    # grid, at 582.7 kg CO2 per MWh generated.
    assert known(demo.park(HERON).scope2) == pytest.approx((172000 * 1.025 - 12900) * 582.7)


def test_losses_of_the_reseller_are_no_scope_2_of_its_customers(demo: Demo) -> None:
    bought = [
        float(row["amount"]) * {"kWh": 1, "MWh": 1000}[row["in"]]
        for row in rows("purchases")
        if (row["site"], row["what"], row["period"]) == ("heron-steelworks", "heron-power", "2025")
    ]
    # Of what the reseller takes in, the roofs give 12 900 of 176 300 MWh, and emit nothing.
    mean = 0.5827 * 163400 / 176300
    assert known(demo.enterprise("heron-steel").scope2) == pytest.approx(sum(bought) * mean)


def test_own_solar_power_lowers_the_generation_of_what_plum_ford_delivers(demo: Demo) -> None:
    # 0.84 kWh from the Anhui grid per kWh delivered, the rest from its own roofs.
    assert demo.park(PLUM).scope2.at_least == pytest.approx(76500e3 * 0.84 * 0.6553)


# --- Products ------------------------------------------------------------------------------


def test_scrap_comes_back_to_the_furnace_and_the_loop_has_a_figure(demo: Demo) -> None:
    network = demo.network
    _, loops = connected_components(network.inputs, directed=True, connection="strong")
    assert loops[node_of(network, "heron-slab")] == loops[node_of(network, "marsh-scrap")]
    assert loops[node_of(network, "plum-ingot")] == loops[node_of(network, "plum-swarf")]
    assert 700 < known(demo.footprint("heron-slab")) < 1200
    assert 3000 < known(demo.footprint("plum-ingot")) < 5000


def test_recipes_of_four_quarters_are_weighted_by_their_production(demo: Demo) -> None:
    network = demo.network
    power, oxygen = node_of(network, "heron-power"), node_of(network, "heron-oxygen")
    quarters = [(2900, 0.540), (3000, 0.548), (3050, 0.575), (3100, 0.550)]
    expected = sum(made * kwh for made, kwh in quarters) / sum(made for made, _ in quarters)
    assert network.inputs[power, oxygen] == pytest.approx(expected)


def test_stated_and_computed_footprints_stand_side_by_side(demo: Demo) -> None:
    for product in ("heron-coil", "heron-galvanised", "heron-tray", "plum-extrusion", "plum-pack"):
        figure = demo.engine.footprint(id_of(product), Question(year=2025))[1]
        assert figure.declared == pytest.approx(known(figure.amount), rel=0.02)
        assert figure.residual != 0


def test_each_way_to_describe_a_product_occurs(demo: Demo) -> None:
    feeds = Counter(node.feed for node in demo.network.nodes)
    described = (Feed.RECIPE, Feed.FOOTPRINT, Feed.EXPIRED, Feed.OVERHEAD)
    assert all(feeds[feed] for feed in described)
    assert feeds[Feed.NONE] == 0
    before = demo.engine.answer(Question(year=2024)).solved.network
    assert any(node.feed is Feed.OTHER_YEAR for node in before.nodes)


def test_the_books_fit_and_only_the_split_year_is_remarked(demo: Demo) -> None:
    assert {found.rule for found in demo.network.findings} == {"split-by-days"}
    before = demo.engine.answer(Question(year=2024)).solved
    assert before.network.findings == before.findings == ()


def test_no_product_with_stated_output_is_delivered_below_zero(demo: Demo) -> None:
    network = demo.network
    made = np.nan_to_num(network.output)
    left = network.output - network.inputs @ made
    assert not (left < 0).any()


def test_purchases_exceed_recipes_by_little(demo: Demo) -> None:
    """The rest in the overhead of a place carries less than a twentieth of its upstream.

    But for the waste water works: what they do for everybody is no product, and allocated.
    """
    network, solved = demo.network, demo.engine.answer(Question(year=2025))
    footprints = solved.weights.co2e(np.nan_to_num(solved.solved.footprints))
    for j, node in enumerate(network.nodes):
        recipes = [i for i in node_products(network, j) if network.nodes[i].feed is Feed.RECIPE]
        if node.feed is not Feed.OVERHEAD or not recipes or node.place is None:
            continue
        if node.place.site == id_of("heron-waterworks"):
            continue
        rest = float(footprints @ network.inputs[:, [j]].toarray()[:, 0])
        used = sum(
            float(footprints @ network.inputs[:, [i]].toarray()[:, 0]) * network.output[i]
            for i in recipes
        )
        assert 0 <= rest < 0.05 * used, node.name


def node_products(network: Network, overhead: int) -> list[int]:
    place = network.nodes[overhead].place
    return [i for i, node in enumerate(network.nodes) if node.place == place and node.product]


# --- Who may read --------------------------------------------------------------------------


def test_every_park_publishes_its_figure(demo: Demo) -> None:
    said = (each.statement.body for each in demo.standing.statements("disclosure"))
    opened = [body for body in said if isinstance(body, Disclosure)]
    public = {body.object.id for body in opened if body.object.type == "figure"}
    assert public == {id_of(park) for park in (HERON, REED, PLUM)}
    footprints = Counter(body.level for body in opened if body.object.type == "footprint")
    assert min(footprints["public"], footprints["named"]) >= 5


def test_consents_let_every_park_be_read(demo: Demo) -> None:
    """Those who agreed to small aggregates do not count; the others are none or three."""
    said = (each.statement.body for each in demo.standing.statements("membership"))
    assert all(isinstance(body, Membership) and body.consent for body in said)
    guarded = Counter(r["park"] for r in rows("memberships") if r["small_aggregates"] == "no")
    assert guarded == {REED: 3, PLUM: 3}
