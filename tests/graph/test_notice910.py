"""China's national indicator: the published example, and a park whose every term fits on paper."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graph.indicators.indicators import Outcome, Result, Verdict, apply
from graph.indicators.notice910 import (
    CONVERSION,
    CORE,
    ELECTRICITY,
    FOSSIL_HEAT_T_PER_GJ,
    FOSSIL_POWER_T_PER_MWH,
    FUEL,
    HEAT,
    PROCESS,
    SYSTEM,
    Emitted,
)
from tests.factory import Factory
from tests.graph.parkland import NOTHING_ELSE, Parkland

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

NO_POWER = ("electricity", "bought", "grid", "0")
NO_WASTE_HEAT = ("heat", "recoverable", "recovered", "0")


@pytest.fixture
def park(factory: Factory) -> Parkland:
    return Parkland(factory)


def published_example(park: Parkland) -> None:
    """68 000 t of fuels, 92 000 t over the fence, 24 000 t of processes, over 800 000 tce.

    34 000 t of coal · 2 = 68 000 · 99 992 MWh · 0.8325 + 79 606 GJ · 0.11 = 83 243.34 + 8 756.66 =
    92 000. In tce: coal 34 000 · 0.7 = 23 800, power 99 992 · 0.125 = 12 499, heat 22 112.777… MWh
    · 0.1224 = 2 706.604, straw 1 521 988.792 · 0.5 = 760 994.396: 800 000.
    """
    park.factors(coal="2", straw=("1.4", "biogenic"))
    park.basis(coal="0.7", straw="0.5", electricity="125", heat="122.4")
    park.says(
        "A",
        fuels=[("coal", "34000000"), ("straw", "1521988792", "heat")],
        emissions=[("CO2", "fossil", "24000000", "process"), ("CH4", "fossil", "9000", "fugitive")],
        energy=[("electricity", "bought", "grid", "99992")],
    )
    heat = ("heat", "bought", "fossil", "79606", "GV")
    park.says("B", energy=[NO_POWER, heat])


def judged(park: Parkland) -> Outcome:
    return apply(SYSTEM, park.ground())


def emitted(park: Parkland) -> Emitted:
    return park.ground().emitted


def test_the_published_example_is_0_23_and_24_000_t_too_much(park: Parkland) -> None:
    published_example(park)
    found = emitted(park)
    terms = {rule: found.of(rule) for rule in (FUEL, CONVERSION, PROCESS)}
    assert terms == {FUEL: pytest.approx(68_000), CONVERSION: 0, PROCESS: pytest.approx(24_000)}
    assert found.of(ELECTRICITY) + found.of(HEAT) == pytest.approx(92_000)
    assert found.value == pytest.approx(184_000)
    assert park.ground()("energy").value == pytest.approx(800_000)
    outcome = judged(park)
    core = outcome.items[0]
    assert core.item.id == CORE
    assert round(core.value or 0, 2) == 0.23
    assert (core.verdict, outcome.result) == (Verdict.NOT_MET, Result.NOT_PASSED)
    assert core.beyond == pytest.approx(24_000)


def test_24_000_t_less_is_exactly_what_the_notice_allows(park: Parkland) -> None:
    """Certificates for 24 000 / 0.8325 = 28 828.828… MWh: 160 000 t over 800 000 tce."""
    published_example(park)
    park.certified("28828.8288288288288")
    outcome = judged(park)
    assert outcome.items[0].value == pytest.approx(0.2)
    assert (outcome.items[0].verdict, outcome.result) == (Verdict.MET, Result.PASSED)


def test_every_term_of_the_method_on_paper(park: Parkland) -> None:
    """t CO2: coal burnt 10 t · 2 = 20, as material 5 t → 0; coal turned into coke 100 · 2 − 60 · 3
    = 20; lime 7, fugitive 1, unsaid 2, without its fuel 4; power (100 + 30 − 60) · 0.8325 − green
    power directly 40 · 0 − certificates 20 · 0.8325 = 41.625; heat (90 − 10) GJ · 0.11 = 8.8.
    Waste 6 t and cooling stay apart.
    """
    park.factors(straw=("1", "biogenic"))
    carbon = {"net_calorific_value": "30", "carbon_content": "0.02", "oxidation": "0.9"}
    co2 = 30 * 0.02 * 44 / 12  # kg per kg: 2.2 of all carbon, 1.98 of what is oxidised
    park.says(
        "A",
        fuels=[
            ("coal", "10000", "heat", carbon),
            ("coal", "5000", "feedstock"),
            ("coal", "100000", "processing", carbon),
            ("coke", "60000", "derived", carbon),
            ("straw", "1000"),
        ],
        emissions=[
            ("CO2", "fossil", "7000", "process"),
            ("CO2", "fossil", "1000", "fugitive"),
            ("CO2", "fossil", "2000"),
            ("CO2", "fossil", "4000", "combustion"),
            ("CO2", "fossil", "6000", "waste"),
            ("CO2", "biogenic", "5000", "process"),
            ("SF6", "fossil", "5", "fugitive"),
        ],
        energy=[
            ("electricity", "bought", "grid", "100"),
            ("electricity", "sold", "fossil", "60"),
            ("cooling", "bought", "fossil", "11"),
        ],
        captured=(),
    )
    park.says(
        "B",
        energy=[
            ("electricity", "bought", "grid", "30"),
            ("electricity", "bought", "non-fossil", "40"),
            ("heat", "bought", "fossil", "90", "GV"),
            ("heat", "sold", "fossil", "10", "GV"),
            ("steam", "bought", "recovered", "50", "GV"),
            ("heat", "bought", "non-fossil", "50", "GV"),
        ],
    )
    park.certified("20")
    found = emitted(park)
    assert found.missing == ()
    assert found.of(FUEL) == pytest.approx(10 * co2 * 0.9 + 4)
    assert found.of(CONVERSION) == pytest.approx(100 * co2 - 60 * co2)
    assert found.of(PROCESS) == pytest.approx(7 + 1 + 2)
    assert found.of(ELECTRICITY) == pytest.approx((100 + 30 - 60 - 20) * 0.8325)
    assert found.of(HEAT) == pytest.approx(80 * 0.11)
    assert {each.what: each.amount for each in found.outside} == {
        "waste": pytest.approx(6),
        "cooling": pytest.approx(11),
    }
    for part in found.parts:
        assert part.t_co2 == pytest.approx(part.amount * (part.factor or 0))


def test_power_that_is_delivered_counts_against_power_that_comes(park: Parkland) -> None:
    """A park that sells 50 MWh more than it takes in: −50 · 0.8325; what the sun gave counts 0."""
    park.says("A", energy=[NO_POWER, ("electricity", "sold", "fossil", "50")])
    park.says(
        "B",
        energy=[
            ("electricity", "generated", "non-fossil", "70"),
            ("electricity", "sold", "non-fossil", "70"),
        ],
    )
    assert emitted(park).value == pytest.approx(-50 * 0.8325)


def test_what_is_not_known_is_named_and_leaves_no_number(park: Parkland) -> None:
    park.says("A", fuels=[("peat", "1")], emissions=[("CO2e", "fossil", "3", "process", "AR6")])
    found = emitted(park)
    assert found.value is None
    assert [each.reason for each in found.missing] == [
        "electricity",
        "inventory",
        "fuel-factor",
        "emissions-co2",
    ]
    assert "urn:catchment:fuel:peat in KGM, which Site A used" in found.missing[2].sentence
    core = judged(park).items[0]
    assert (core.verdict, judged(park).result) == (Verdict.MISSING, Result.OPEN)


@pytest.mark.parametrize(
    ("tce", "tonnes", "threshold", "verdict"),
    [
        ("199999", "1", None, Verdict.NONE),
        ("200000", "40000", "0.2", Verdict.MET),
        ("200000", "40001", "0.2", Verdict.NOT_MET),
        ("999999", "199999", "0.2", Verdict.MET),
        ("1000000", "300000", "0.3", Verdict.MET),
        ("1000000", "300001", "0.3", Verdict.NOT_MET),
    ],
)
def test_the_threshold_follows_from_the_size(
    park: Parkland, tce: str, tonnes: str, threshold: str | None, verdict: Verdict
) -> None:
    """Straw for the energy, lime for the CO2."""
    park.factors(straw=("1", "biogenic"))
    park.basis(straw="1", electricity="120")
    park.says(
        "A",
        fuels=[("straw", f"{tce}000")],
        emissions=[("CO2", "fossil", f"{tonnes}000", "process")],
        energy=[NO_POWER],
    )
    park.says("B", energy=[NO_POWER])
    outcome = judged(park)
    core = outcome.items[0]
    assert core.verdict is verdict
    assert core.value == pytest.approx(int(tonnes) / int(tce))
    if threshold is None:
        assert [each.reason for each in core.missing] == ["no-threshold"]
        assert outcome.result is Result.OPEN
    else:
        assert str(core.item.threshold) == threshold


def test_guiding_indicators_are_counted_and_do_not_decide(park: Parkland) -> None:
    """Clean 95 of 100 MWh, waste 3 of 4 t, heat 6 of 10 MWh, water 80 of 100 m3, direct 45 %."""
    park.basis(electricity="120")
    park.says(
        "A",
        energy=[
            ("electricity", "bought", "grid", "55"),
            ("electricity", "generated", "non-fossil", "45"),
            ("heat", "recoverable", "recovered", "10"),
            ("steam", "generated", "recovered", "4"),
            ("electricity", "generated", "recovered", "2"),
            ("electricity", "sold", "recovered", "2"),
        ],
        waste=[("industrial-solid", "utilised", "3"), ("industrial-solid", "stored", "1")],
        water=[("fresh", "20"), ("reused", "80")],
    )
    park.certified("50")
    park.says("B", energy=[NO_POWER, NO_WASTE_HEAT], **NOTHING_ELSE)
    outcome = judged(park)
    told = {each.item.id: (each.value, each.verdict) for each in outcome.items[1:]}
    assert told == {
        "clean-energy": (pytest.approx(95 / 98), Verdict.MET),
        "industrial-waste": (pytest.approx(0.75), Verdict.NOT_MET),
        "waste-energy": (pytest.approx(0.6), Verdict.MET),
        "water-reuse": (pytest.approx(0.8), Verdict.MET),
        "direct-green-power": (pytest.approx(45 / 100), Verdict.NOT_MET),
    }
    assert (outcome.points, outcome.out_of) == (3, 4)


def test_the_rules_are_those_of_the_published_annexes() -> None:
    path = Path(__file__).parents[2] / "../shared/data/china/ndrc_2025_910_indicators.json"
    if not path.is_file():
        pytest.skip(
            f"the published annexes are absent: expected at ../shared/data/china/{path.name}"
        )
    annexes = json.loads(path.read_text(encoding="utf-8"))
    core = [item for item in SYSTEM.items if item.id == CORE]
    bands = annexes["core"]["bands"]
    assert [(int(item.at_least or 0), float(item.threshold)) for item in core] == [
        (band["energy_tce_min"], band["max"]) for band in bands
    ]
    assert [item.below for item in core] == [bands[0]["energy_tce_max_exclusive"], None]
    assert core[0].title_zh == annexes["core"]["name"]
    guiding = {item.title_zh: 100 * float(item.threshold) for item in SYSTEM.items}
    for each in annexes["guiding"]:
        if "min_pct" in each:
            assert guiding[each["name"]] == pytest.approx(each["min_pct"])
    direct = next(item for item in SYSTEM.items if item.id == "direct-green-power")
    other = annexes["other_rules"]["direct_green_power_share_of_electricity_min_pct"]
    assert 100 * direct.threshold == other
    accounting = annexes["accounting"]
    assert accounting["ef_other_electricity_kgCO2_per_kWh"] == FOSSIL_POWER_T_PER_MWH
    assert accounting["ef_heat_fossil_default_tCO2_per_GJ"] == FOSSIL_HEAT_T_PER_GJ
