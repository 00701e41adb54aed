"""GWP sets against published tables, and against factors that US EPA computed with one of them."""

import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from graph.errors import GasWithoutGwp, UnknownGwpSet
from graph.gwp import set_of
from ledger import gases

DATA = Path(__file__).parents[3] / "shared" / "data"
SETS = ("AR4", "AR5", "AR6")


def rows_of(*path: str) -> list[dict[str, str]]:
    file = DATA.joinpath(*path)
    if not file.exists():
        pytest.skip(f"published table not here: {'/'.join(path)}")
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def plain(gas_id: str) -> str:
    """The id as the published tables write it: HFC134a, HFC4310mee, CH4_fossil."""
    return gas_id.replace("-", "")


def factor(set_name: str, gas_id: str, origin: gases.Origin = "fossil") -> float:
    return set_of(set_name).factor(gases.parse(gas_id), origin)


# IPCC AR4 Table 2.14; AR5 Table 8.A.1; AR6 Tables 7.15 (methane) and 7.SM.7.
@pytest.mark.parametrize(
    ("gas_id", "origin", "published"),
    [
        ("CO2", "fossil", (1, 1, 1)),
        ("CO2", "land-use", (1, 1, 1)),
        ("CO2", "biogenic", (0, 0, 0)),
        ("CH4", "fossil", (25, 28, 29.8)),
        ("CH4", "biogenic", (25, 28, 27.0)),
        ("CH4", "land-use", (25, 28, 27.0)),
        ("N2O", "biogenic", (298, 265, 273)),
        ("SF6", "fossil", (22800, 23500, 25200)),
        ("NF3", "fossil", (17200, 16100, 17400)),
        ("HFC-134a", "fossil", (1430, 1300, 1530)),
    ],
)
def test_a_gas_has_the_value_its_report_prints(
    gas_id: str, origin: gases.Origin, published: tuple[float, ...]
):
    assert tuple(factor(name, gas_id, origin) for name in SETS) == published


def test_the_selected_published_values_are_ours():
    # AR5 also prints 30 for fossil methane; our AR5 has 28 for every origin (see graph.gwp).
    ours = {plain(id_): id_ for id_ in gases.GASES}
    methane = {"CH4_fossil": "fossil", "CH4_non_fossil": "biogenic"}
    compared = 0
    for row in rows_of("gwp", "gwp100_selected.csv"):
        name, origin = row["gas"], methane.get(row["gas"], "fossil")
        if name == "CH4_unspecified":
            continue
        gas = gases.GASES[ours["CH4" if name in methane else name]]
        assert gas.cas == row["cas"]
        for set_name in SETS:
            printed = row[f"{set_name}_GWP100"]
            if (name, set_name) == ("CH4_fossil", "AR5"):
                assert float(printed) == 30
            elif printed:
                assert factor(set_name, gas.id, origin) == float(printed)
                compared += 1
            else:
                with pytest.raises(GasWithoutGwp):
                    factor(set_name, gas.id)
    # 31 rows of 3 sets, without fossil methane in AR5 and seven gases that AR4 lacks.
    assert compared == 31 * 3 - 1 - 7


def test_every_other_gas_agrees_with_the_full_published_table():
    table = {row["Species"]: row for row in rows_of("gwp", "globalwarmingpotentials.csv")}
    for id_ in gases.GASES.keys() - {"CO2", "CH4"}:
        for set_name in SETS:
            printed = table[plain(id_)][f"{set_name}GWP100"]
            if printed:
                assert factor(set_name, id_) == float(printed), (id_, set_name)
            else:
                with pytest.raises(GasWithoutGwp):
                    factor(set_name, id_)


def test_origin_matters_for_carbon_dioxide_and_methane_alone():
    for set_name in SETS:
        values = set_of(set_name).values
        by_gas = defaultdict(set)
        for (gas_id, _), value in values.items():
            by_gas[gas_id].add(value)
        expected = {"CO2", "CH4"} if set_name == "AR6" else {"CO2"}
        assert {gas_id for gas_id, found in by_gas.items() if len(found) > 1} == expected


def test_every_known_gas_has_a_value_in_the_newest_set():
    assert {gas_id for gas_id, _ in set_of("AR6").values} == set(gases.GASES)


def test_a_gas_without_a_value_is_named_and_never_zero():
    with pytest.raises(GasWithoutGwp, match=r"HFC-41 has no global warming potential in AR4\."):
        factor("AR4", "HFC-41")


def test_stated_co2e_is_itself_under_every_set():
    stated = gases.parse("CO2e", "AR5")
    assert [set_of(name).factor(stated, "fossil") for name in SETS] == [1.0, 1.0, 1.0]


def test_an_unknown_set_is_refused_and_the_known_ones_are_named():
    for name in ("AR3", "ar6", ""):
        with pytest.raises(UnknownGwpSet, match="AR4, AR5, AR6"):
            set_of(name)
    assert all(set_of(name).name == name and set_of(name).source for name in SETS)


def test_a_set_is_data_that_nobody_can_change():
    with pytest.raises(TypeError):
        set_of("AR6").values["CO2", "fossil"] = 2.0


EPA_NAMES = {
    "Carbon dioxide": "CO2",
    "Methane": "CH4",
    "Nitrous oxide": "N2O",
    "Sulfur hexafluoride": "SF6",
    "Nitrogen trifluoride": "NF3",
    "Carbon tetrafluoride": "CF4",
    "Hexafluoroethane": "C2F6",
    "Perfluoropropane": "C3F8",
    "Perfluorocyclobutane": "cC4F8",
    "Perfluorobutane": "C4F10",
    "Perfluorohexane": "C6F14",
}
EPA_COLUMNS = (
    "Supply Chain Emission Factors without Margins",
    "Margins of Supply Chain Emission Factors",
    "Supply Chain Emission Factors with Margins",
)
EPA_FILE = "SupplyChainGHGEmissionFactors_v1.3.0_NAICS_{}_USD2022.csv"


def half_a_last_digit(printed: str) -> float:
    """Largest rounding error of a printed number: 3.23e-09 -> 5e-12."""
    exponent = Decimal(printed).as_tuple().exponent
    assert isinstance(exponent, int)
    return 0.5 * 10.0**exponent


def epa_sums(set_name: str) -> dict[tuple[str, str], tuple[float, float]]:
    """(industry, column) -> CO2e by our factors and the rounding error its parts allow."""
    value: dict[tuple[str, str], float] = defaultdict(float)
    error: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows_of("epa-factors-1.3", EPA_FILE.format("byGHG")):
        stated = row["Unit"].startswith("kg CO2e")
        weight = 1.0 if stated else factor(set_name, EPA_NAMES.get(row["GHG"], row["GHG"]))
        for column in EPA_COLUMNS:
            key = row["2017 NAICS Code"], column
            value[key] += weight * float(row[column])
            error[key] += weight * half_a_last_digit(row[column])
    return {key: (value[key], error[key]) for key in value}


def epa_outside_rounding(set_name: str) -> int:
    """How many of EPA's printed CO2e factors our weighted sum does not reproduce."""
    sums = epa_sums(set_name)
    outside = 0
    for row in rows_of("epa-factors-1.3", EPA_FILE.format("CO2e")):
        for column in EPA_COLUMNS:
            value, error = sums[row["2017 NAICS Code"], column]
            outside += abs(value - float(row[column])) > error + 0.5e-3 + 1e-12
    assert len(sums) == 3048
    return outside


def test_epa_factors_by_gas_under_ar5_give_epa_factors_in_co2e():
    assert epa_outside_rounding("AR5") == 0


@pytest.mark.parametrize("set_name", ["AR4", "AR6"])
def test_the_epa_comparison_tells_the_sets_apart(set_name: str):
    assert epa_outside_rounding(set_name) > 500
