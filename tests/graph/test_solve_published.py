"""The solver against figures that others published."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from graph.solving.solve import Plan


def published(folder: Path, name: str) -> np.ndarray:
    return np.array(json.loads((folder / f"{name}.json").read_text()), dtype=np.float64)


def table(path: Path) -> dict[str, np.ndarray]:
    """Rows of numbers by their label."""
    with path.open(encoding="utf-8", newline="") as lines:
        _, *rows = csv.reader(lines)
    return {row[0]: np.array(row[1:], dtype=np.float64) for row in rows}


def close(computed: np.ndarray, truth: np.ndarray, digits: float = 1e-9) -> bool:
    """Equal to ``digits`` relative in every single element, however small."""
    return np.allclose(computed, truth, rtol=digits, atol=1e-300)


@pytest.fixture(scope="session")
def textbook(shared: Path) -> dict[str, dict]:
    return json.loads((shared / "textbook" / "textbook_cases.json").read_text())


def test_a_thousand_kilowatt_hours_cost_what_heijungs_and_suh_computed(textbook):
    case = textbook["heijungs_suh_2002_electricity_fuel"]
    technology = np.array(case["technology_A"], dtype=float)
    # Processes produce electricity (row 1) and fuel (row 0): one product each, so the use per
    # unit is minus the rest of the column over what the column yields.
    electricity, fuel = technology[:, 0], technology[:, 1]
    A = np.array([[0, -electricity[0] / electricity[1]], [0, 0]]).T
    direct = np.array(case["intervention_B"], dtype=float) / [electricity[1], fuel[0]]
    plan = Plan.of(csr_array(A))

    inventory = 1000 * plan.footprints(direct.T)[0]
    made = plan.supply(np.array([[1000.0], [0.0]]))[:, 0] / [electricity[1], fuel[0]]

    assert inventory == pytest.approx(case["published_inventory"], rel=1e-14)
    assert made == pytest.approx(case["published_scaling"], rel=1e-14)


def test_miller_and_blair_find_the_same_outputs_and_labour(textbook):
    case = textbook["miller_blair_ch2"]
    plan = Plan.of(csr_array(np.array(case["Z"]) / np.array(case["x"])))

    outputs = plan.supply(np.array(case["new_final_demand"], dtype=float)[:, None])[:, 0]

    assert np.round(plan.supply(np.eye(2)), 8) == pytest.approx(np.array(case["L"]), abs=5e-8)
    assert np.round(outputs, 1) == pytest.approx(case["new_x"])
    labour = np.array(case["labour_coefficients"]) * np.round(outputs, 1)
    assert labour == pytest.approx(case["labour_total_per_sector"], abs=0.05)


def test_all_emissions_of_the_small_world_table_land_on_final_demand(textbook):
    case = textbook["pymrio_small_mrio"]
    Z, Y, F = (np.array(case[name], dtype=float) for name in ("Z", "Y", "F"))
    output = Z.sum(axis=1) + Y.sum(axis=1)
    plan = Plan.of(csr_array(Z / output))

    footprints = plan.footprints((F / output).T)

    assert footprints.T @ Y.sum(axis=1) == pytest.approx(F.sum(axis=1), rel=1e-14)
    assert plan.supply(Y.sum(axis=1, keepdims=True))[:, 0] == pytest.approx(output, rel=1e-14)


def test_the_office_for_national_statistics_publishes_the_same_inverse(shared):
    folder = shared / "uk-ons-2010"
    A = np.array(list(table(folder / "coefficients_product_by_product.csv").values()))[:127, :127]
    truth = np.array(list(table(folder / "leontief_inverse_published.csv").values()))[:127, :127]

    inverse = Plan.of(csr_array(A)).supply(np.eye(127))

    assert np.abs(inverse - truth).max() < 1e-12
    assert close(inverse[truth > 1e-12], truth[truth > 1e-12])


def test_the_office_for_national_statistics_publishes_the_same_multipliers(shared):
    folder = shared / "uk-ons-2010"
    coefficients = table(folder / "coefficients_product_by_product.csv")
    A = np.array(list(coefficients.values()))[:127, :127]
    pay = coefficients["Compensation of employees"][:127]
    value_added = (
        pay
        + coefficients["Taxes less subsidies on production"][:127]
        + coefficients["Gross Operating Surplus"][:127]
    )
    with (folder / "multipliers_published.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    truth = {
        name: np.array([float(row[name]) for row in rows[:127]])
        for name in ("output_multiplier", "employment_cost_effects", "gva_effects")
    }

    footprints = Plan.of(csr_array(A)).footprints(np.column_stack([np.ones(127), pay, value_added]))

    assert close(footprints[:, 0], truth["output_multiplier"])
    assert close(footprints[:, 1], truth["employment_cost_effects"])
    assert close(footprints[:, 2], truth["gva_effects"])


@pytest.mark.parametrize(
    ("model", "A_name", "L_name", "N_name"),
    [
        ("useeio-2.0.1", "A", "L", "N"),
        ("useeio-2.0.1", "A_d", "L_d", "N_d"),
        ("useeio-states/GA", "A", "L", "N"),
        ("useeio-states/CA", "A", "L", "N"),
    ],
)
def test_the_environmental_protection_agency_publishes_the_same_footprints(
    shared, model, A_name, L_name, N_name
):
    folder = shared / model / "matrix"
    A, D = published(folder, A_name), published(folder, "D")
    plan = Plan.of(csr_array(A))

    footprints = plan.footprints(D.T)
    inverse = plan.supply(np.eye(len(A)))

    assert not plan.refused
    assert close(footprints.T, published(folder, N_name))
    assert close(inverse, published(folder, L_name))
    assert plan.residual(D.T, footprints) < 1e-14


def test_the_american_table_is_accepted_with_its_small_credits(shared):
    A = published(shared / "useeio-2.0.1" / "matrix", "A")

    plan = Plan.of(csr_array(A))

    assert (A < 0).any()
    assert not plan.refused
    assert plan.largest > 300


def test_the_park_worked_by_hand(shared):
    case = json.loads((shared / "park-hand-example" / "example.json").read_text())
    names = [node["id"] for node in case["nodes"]]
    output = np.array([node["output"] for node in case["nodes"]], dtype=float)
    direct = np.array([node["direct_emissions"] for node in case["nodes"]]) / output
    A = np.zeros((4, 4))
    for supplier, consumer, amount in case["flows"]:
        at = names.index(consumer)
        A[names.index(supplier), at] = amount / output[at]
    expected = case["expected"]
    plan = Plan.of(csr_array(A))

    m = plan.footprints(direct[:, None])[:, 0]
    origins = plan.footprints(np.diag(direct)).T

    assert m == pytest.approx(list(expected["unit_footprints_m"].values()), rel=1e-14)
    assert plan.supply(np.eye(4)) == pytest.approx(
        np.array(expected["leontief_inverse_L"]), rel=1e-14
    )
    assert origins == pytest.approx(
        np.array(expected["origin_matrix_G_rows_origin_cols_product"]), rel=1e-14
    )
    assert (plan.levels, plan.components, plan.largest) == (2, 2, 3)
