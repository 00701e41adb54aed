"""Tables of factors as their publishers print them, and our own: what becomes of each line.

The published tables stay beside the project; what they must come to is known from elsewhere.
"""

from __future__ import annotations

import csv
import random
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

from api.errors import FactorTableRefused
from api.importing.factor_tables import (
    ANYWHERE,
    FOSSIL_POWER,
    LAYOUTS,
    PART_BYTES,
    RESIDUAL_MIX,
    About,
    Reading,
    parts_of,
    read,
)
from api.importing.sheets import read_csv, read_file
from graph.gwp import set_of
from graph.reading.direct import burn
from graph.reading.factors import Factor, Ladder
from graph.terms import Rung
from ledger.errors import StatementMalformed
from ledger.gases import parse as gas_of
from ledger.schema import dump
from ledger.statements import ELECTRICITY, FactorRow, Factors, Fuel
from ledger.strict_json import dumps

SHARED = Path(__file__).parents[2] / "../shared/data"
BY_GAS = "epa-factors-1.3/SupplyChainGHGEmissionFactors_v1.3.0_NAICS_byGHG_USD2022.csv"
AS_CO2E = "epa-factors-1.3/SupplyChainGHGEmissionFactors_v1.3.0_NAICS_CO2e_USD2022.csv"
GRID = "china/grid_co2_factors_2023.csv"
FUELS = "china/fuel_defaults_ndrc_guides.csv"
COAL = "china/standard_coal_coefficients.csv"
ABOUT = About("steel", "2025", "Institute", "Yearbook", 2024)

OURS = """\
kind,name,of,region,year,unit,gas,origin,amount,gwp,gsd,to,factor
average,Coil,urn:cpc:41211,CN,,t,CO2,fossil,2150,,1.2,,
average,Coil,urn:cpc:41211,CN,,t,CH4,,1.5e1,,1.2,,
spend,Steel,urn:cpc:412,,2023,CNY:2023:purchaser,CO2e,,0.21,AR6,,,
exchange-rate,Mean of the year,,,,CNY:2023:purchaser,,,,,,USD:2023:purchaser,0.1412
"""


def published(name: str) -> Path:
    if not (SHARED / name).is_file():
        pytest.skip(f"a published table is absent: expected at ../shared/data/{name}")
    return SHARED / name


@cache
def rows_of(name: str, layout: str) -> tuple[FactorRow, ...]:
    """The rows of a published table, of which every line is good."""
    (table,) = read_file(published(name))
    reading = read(table, layout)
    assert reading.problems == []
    return tuple(reading.rows)


def ours(text: str, region: str | None = None) -> Reading:
    return read(read_csv(text.encode(), "steel"), "catchment", region)


def told(reading: Reading) -> list[str]:
    return [f"{each.where}: {each}" for each in reading.problems]


# --- Published tables ----------------------------------------------------------------------


def test_epa_by_gas_under_ar5_is_what_epa_prints_as_co2e() -> None:
    """EPA prints three significant digits of each gas and three decimals of the sum: 0.005."""
    by_gas = {row.of: row for row in rows_of(BY_GAS, "epa")}
    as_co2e = {row.of: row for row in rows_of(AS_CO2E, "epa")}
    assert by_gas.keys() == as_co2e.keys()
    assert len(by_gas) == 1016
    ar5 = set_of("AR5")
    for of, row in by_gas.items():
        total = sum(
            float(each.amount) * ar5.factor(gas_of(each.gas, each.gwp), "fossil")
            for each in row.emissions
        )
        (printed,) = as_co2e[of].emissions
        assert (printed.gas, printed.gwp) == ("CO2e", "AR5")
        assert total == pytest.approx(float(printed.amount), abs=0.005), of
        assert (row.kind, row.unit, row.region, len(row.emissions)) == (
            "spend",
            "USD:2022:purchaser",
            "US",
            18,
        )


def test_epa_factors_contain_the_margins_that_a_purchaser_pays_for() -> None:
    with published(AS_CO2E).open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    printed = {f"urn:naics:{line['2017 NAICS Code']}": line for line in lines}
    for row in rows_of(AS_CO2E, "epa"):
        line = printed[str(row.of)]
        made, margins = (
            Decimal(line["Supply Chain Emission Factors without Margins"]),
            Decimal(line["Margins of Supply Chain Emission Factors"]),
        )
        assert row.emissions[0].amount == pytest.approx(made + margins, abs=Decimal("0.0015"))


def test_spend_in_the_united_states_is_estimated_by_epa() -> None:
    """Soybeans for 1000 dollars of 2022, AR5: 0.532 kg CO2e per dollar in the printed table."""
    factors = [Factor("epa", "1.3", row, 2022, 0, (1, 0)) for row in rows_of(BY_GAS, "epa")]
    found = Ladder(factors, 2024).estimate(
        1000.0, "USD:2022:purchaser", ["urn:naics:111110"], "US", None
    )
    assert found is not None
    assert found.rung is Rung.SPEND
    ar5 = set_of("AR5")
    total = sum(
        kg * ar5.factor(gas_of(column.gas, column.stated_under), "fossil")
        for column, kg in found.emissions.items()
    )
    assert total == pytest.approx(532, abs=5)


def test_a_set_of_a_thousand_rows_is_cut_into_parts_the_log_takes() -> None:
    reading = Reading(18_288, list(rows_of(BY_GAS, "epa")))
    parts = parts_of(reading, About("epa", "1.3", "US EPA", "v1.3"))
    assert [part.part.k for part in parts] == list(range(1, len(parts) + 1))
    assert all(len(dumps(dump(part))) < PART_BYTES + 8192 for part in parts)
    assert sum(len(part.rows) for part in parts) == 1016
    assert {(part.year, part.part.n) for part in parts} == {(2022, len(parts))}


@pytest.mark.parametrize(
    ("of", "region", "year", "kg_per_kwh"),
    [
        (ELECTRICITY, "CN", 2023, "0.5306"),
        (ELECTRICITY, "CN", 2022, "0.5366"),
        (ELECTRICITY, "CN-JS", 2023, "0.5827"),
        (ELECTRICITY, "CN-HI", 2023, "0.3648"),
        (ELECTRICITY, "CN-EAST", 2023, "0.55"),
        (ELECTRICITY, "CN-SOUTHWEST", 2023, "0.2472"),
        (RESIDUAL_MIX, "CN", 2023, "0.6096"),
        (FOSSIL_POWER, "CN", 2023, "0.8273"),
        (FOSSIL_POWER, "CN", 2022, "0.8325"),
    ],
)
def test_the_grids_of_china_are_what_the_ministry_announced(
    of: str, region: str, year: int, kg_per_kwh: str
) -> None:
    found = [
        row
        for row in rows_of(GRID, "china-grid")
        if (row.of, row.region, row.year) == (of, region, year)
    ]
    (row,) = found
    (emission,) = row.emissions
    assert (row.kind, row.unit, emission.gas) == ("grid", "KWH", "CO2")
    assert emission.amount == Decimal(kg_per_kwh)


def test_every_province_and_grid_of_china_has_its_row() -> None:
    rows = rows_of(GRID, "china-grid")
    assert len(rows) == 42
    assert len({row.region for row in rows}) == 1 + 7 + 30


def test_burning_natural_gas_emits_what_the_guides_come_to() -> None:
    """389.31 GJ/10⁴ Nm³ × 0.0153 t C/GJ × 0.99 × 44/12 = 21.6219 t CO2/10⁴ Nm³."""
    rows = {row.of: row for row in rows_of(FUELS, "china-fuels")}
    assert len(rows) == 27
    gas = rows["urn:catchment:fuel:natural-gas"]
    assert (gas.unit, gas.region) == ("NM3", "CN")
    assert float(gas.emissions[0].amount) * 10_000 / 1000 == pytest.approx(21.6219, abs=5e-5)
    said = (gas.net_calorific_value, gas.carbon_content, gas.oxidation)
    assert said == (Decimal("38.931"), Decimal("0.0153"), Decimal("0.99"))
    for row in rows.values():
        assert row.net_calorific_value
        assert row.carbon_content
        assert row.oxidation
        burnt = float(row.net_calorific_value * row.carbon_content * row.oxidation) * 44 / 12
        assert float(row.emissions[0].amount) == pytest.approx(burnt, rel=1e-9)


def test_burning_any_fuel_of_the_guides_emits_what_they_print() -> None:
    """All 27 through the engine: t CO2 per tonne or 10⁴ Nm³, as the table itself multiplies it."""
    ladder = Ladder(
        [Factor("guides", "1", row, 2015, 0, (1, 0)) for row in rows_of(FUELS, "china-fuels")], 2025
    )
    with published(FUELS).open(encoding="utf-8") as file:
        printed = list(csv.DictReader(file))
    assert len(printed) == 27
    for line, row in zip(printed, rows_of(FUELS, "china-fuels"), strict=True):
        size = "1000" if line["activity_unit"] == "t" else "10000"
        fuel = Fuel(
            fuel=str(row.of), amount=Decimal(size), unit="KGM" if row.unit == "TNE" else "NM3"
        )
        burnt = burn(fuel, ladder, "CN-JS")
        assert burnt is not None
        (kg,) = burnt.emissions.values()
        stated = float(line["tCO2_per_unit(computed NCV*C*ox*44/12)"])
        assert kg / 1000 == pytest.approx(stated, abs=5e-7), row.name


def test_standard_coal_is_read_for_fuels_and_carriers() -> None:
    rows = rows_of(COAL, "china-coal")
    assert len(rows) == 11  # the twelfth line is the definition of the unit
    found = {row.of: (row.unit, row.factor) for row in rows}
    assert found == {
        "urn:catchment:fuel:raw-coal": ("KGM", Decimal("0.7143")),
        "urn:cpc:17100": ("KWH", Decimal("0.1229")),
        "urn:catchment:energy:heat": ("3B", Decimal("0.03412")),
        "urn:catchment:fuel:natural-gas": ("NM3", Decimal("1.33")),
        "urn:catchment:fuel:coke": ("KGM", Decimal("0.9714")),
        "urn:catchment:fuel:crude-oil": ("KGM", Decimal("1.4286")),
        "urn:catchment:fuel:gasoline": ("KGM", Decimal("1.4714")),
        "urn:catchment:fuel:diesel": ("KGM", Decimal("1.4571")),
        "urn:catchment:fuel:fuel-oil": ("KGM", Decimal("1.4286")),
        "urn:catchment:fuel:lpg": ("KGM", Decimal("1.7143")),
        "urn:catchment:fuel:kerosene": ("KGM", Decimal("1.4714")),
    }
    by_urn = {row.of: row for row in rows}
    assert by_urn["urn:catchment:fuel:coke"].name == "焦炭 coke (remembered)"
    # But for raw coal, which the guides tell by its kinds, all are called as fuels are.
    fuels = {row.of for row in rows_of(FUELS, "china-fuels")}
    of_fuels = {urn for urn in found if str(urn).startswith("urn:catchment:fuel:")}
    assert of_fuels - fuels == {"urn:catchment:fuel:raw-coal"}


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("1 kgce,MJ,29.3", "line 2 kgce_per_unit"),
        ("1 kgce,kWh,29.3076", "line 2 kgce_per_unit"),
        ("焦炭,kg,0.9714", "line 2 energy"),
        ("焦炭 coke,kg,", "line 2 kgce_per_unit"),
        ("焦炭 coke,kg,0", "line 2 factor"),
        ("焦炭 coke,stone,1", "line 2"),
    ],
)
def test_a_bad_line_of_coefficients_is_named(line: str, where: str) -> None:
    table = read_csv(f"energy,unit,kgce_per_unit\n{line}\n".encode(), "coal")
    (problem,) = read(table, "china-coal").problems
    assert problem.where == where


# --- Our own layout ------------------------------------------------------------------------


def test_lines_of_one_factor_are_joined() -> None:
    reading = ours(OURS)
    assert told(reading) == []
    coil, steel, rate = reading.rows
    assert [(each.gas, each.origin, each.amount) for each in coil.emissions] == [
        ("CH4", "fossil", 15),
        ("CO2", "fossil", 2150),
    ]
    assert (coil.unit, coil.gsd, steel.region, steel.year) == ("TNE", Decimal("1.2"), None, 2023)
    assert (rate.kind, rate.factor) == ("exchange-rate", Decimal("0.1412"))


def test_a_set_is_the_same_however_its_lines_are_ordered() -> None:
    head, *lines = OURS.splitlines()
    expected = parts_of(ours(OURS), ABOUT)
    for seed in range(5):
        random.Random(seed).shuffle(lines)
        assert parts_of(ours("\n".join([head, *lines])), ABOUT) == expected


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ("average,Coil,urn:cpc:41211,US,,t,CO2,,many,,,,", "line 6 amount"),
        ("average,Coil,urn:cpc:41211,US,,t,CO2,,-1,,,,", "line 6 amount"),
        ("average,Coil,urn:cpc:41211,US,,t,CO3,,1,,,,", "line 6 gas"),
        ("average,Coil,urn:cpc:41211,US,,t,CO2,,,,,,", "line 6 amount"),
        ("average,Coil,urn:cpc:41211,US,22,t,CO2,,1,,,,", "line 6 year"),
        ("average,Coil,urn:cpc:41211,US,,ton,CO2,,1,,,,", "line 6"),
        ("average,Coil,41211,US,,t,CO2,,1,,,,", "line 6 of"),
        ("average,Coil,urn:cpc:41211,US,,t,,,,,,,", "line 6 emissions"),
        ("mean,Coil,urn:cpc:41211,US,,t,CO2,,1,,,,", "line 6 kind"),
        ("spend,Coil,urn:cpc:41211,US,,t,CO2,,1,,,,", "line 6 unit"),
        ("average,Wire,urn:cpc:41211,CN,,t,N2O,,1,,,,", "line 6"),
        ("average,=A1,urn:cpc:41211,US,,t,CO2,,1,,,,", "line 6 name"),
    ],
)
def test_a_bad_line_is_named_and_leaves_no_set(line: str, where: str) -> None:
    reading = ours(OURS + line + "\n")
    assert [each.where for each in reading.problems] == [where]
    assert parts_of(reading, ABOUT) == []


def test_two_lines_for_the_same_in_other_units_leave_no_set() -> None:
    reading = ours(OURS + "average,Coil by mass,urn:cpc:41211,CN,2024,kg,CO2,,2,,,,\n")
    assert told(reading) == []
    assert parts_of(reading, ABOUT) == []
    assert told(reading) == [": “Coil” and “Coil by mass” are for the same."]


def test_rows_of_the_sets_own_year_say_none() -> None:
    (part,) = parts_of(ours(OURS), About("steel", "1", "I", "Y"))
    assert part.year == 2023
    assert {row.name: row.year for row in part.rows} == {
        "Coil": None,
        "Steel": None,
        "Mean of the year": None,
    }


def test_a_set_without_any_year_asks_for_one() -> None:
    reading = ours("kind,name,of,unit,gas,amount\naverage,Coil,urn:cpc:41211,kg,CO2,2\n")
    assert parts_of(reading, About("steel", "1", "I", "Y")) == []
    assert told(reading) == ["--year: Say the year that the factors are for."]


def test_a_region_can_be_put_in_place_of_what_rows_say() -> None:
    def regions(region: str) -> set[tuple[str, str | None]]:
        return {(row.kind, row.region) for row in ours(OURS, region).rows}

    assert regions("DE") == {("average", "DE"), ("spend", "DE"), ("exchange-rate", None)}
    assert {region for _, region in regions(ANYWHERE)} == {None}


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_a_table_of_another_layout_is_refused(layout: str) -> None:
    table = read_csv(b"name,of,amount\nCoil,urn:cpc:41211,2\n", "steel")
    with pytest.raises(FactorTableRefused):
        read(table, layout)


def test_a_fuel_whose_defaults_do_not_give_its_own_product_is_refused() -> None:
    head = "fuel_zh,fuel_en,activity_unit,NCV_GJ_per_unit,carbon_tC_per_GJ,oxidation,"
    head += "tCO2_per_unit(computed NCV*C*ox*44/12)"
    table = read_csv(f"{head}\n柴油,diesel,t,43.33,0.0202,0.98,3.245122\n".encode(), "fuels")
    (problem,) = read(table, "china-fuels").problems
    assert problem.where.startswith("line 2 tco2_per_unit")


def test_what_is_said_of_the_whole_set_is_checked_too() -> None:
    with pytest.raises(StatementMalformed, match="name"):
        parts_of(ours(OURS), About("my steel", "1", "I", "Y"))


def test_a_long_set_is_cut_and_its_parts_are_one_set() -> None:
    line = "average,Coil {k},urn:cpc:{k},CN,,t,CO2,fossil,2150,,,,\n"
    lines = (line.format(k=k) for k in range(10_000, 12_500))
    parts = parts_of(ours(OURS.splitlines()[0] + "\n" + "".join(lines)), ABOUT)
    assert len(parts) > 1
    assert sum(len(part.rows) for part in parts) == 2500
    assert all(isinstance(part, Factors) and part.part.n == len(parts) for part in parts)
