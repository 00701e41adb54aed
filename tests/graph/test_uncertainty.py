"""How far off a figure may be: held to a simulation, which knows nothing of first order."""

from __future__ import annotations

import dataclasses
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graph.terms import Rung
from graph.tracing.uncertainty import (
    DEFAULT_AMOUNT_GSD,
    DEFAULT_GSD,
    Spread,
    Terms,
    Uncertainty,
    terms_of,
    uncertainty,
)
from ledger.statements import DataQuality
from tests.chain import Chain, build_chain
from tests.factory import Actor, Factory, line
from tests.graph.told import draw, draw_of_park, tell

pytestmark = pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")

OUTPUT = {"P1": 100.0, "P2": 50.0, "E3": 200.0, "T4": 40.0}
EMITTED = {"P1": 200.0, "P2": 50.0, "E3": 160.0, "T4": 40.0}
FLOWS = {
    ("P1", "P2"): 40.0,
    ("P2", "P1"): 15.0,
    ("P2", "T4"): 20.0,
    ("E3", "P1"): 50.0,
    ("E3", "P2"): 20.0,
    ("E3", "T4"): 10.0,
    ("T4", "P1"): 20.0,
}
DRAWS = 20_000


@pytest.fixture
def chain(factory: Factory) -> Chain:
    return build_chain(factory)


@pytest.fixture
def worked(shared: Path) -> Any:
    text = (shared / "park-hand-example" / "example.json").read_text("utf-8")
    return json.loads(text)["expected"]["uncertainty_P1"]


def of(chain: Chain, name: str) -> Uncertainty:
    found = Spread.of(draw(chain.factory, chain.products[name])).whole
    assert found is not None
    return found


def gsd_of(samples: Any) -> float:
    return math.exp(float(np.log(samples).std()))


def test_the_spread_of_a_product_is_the_one_worked_out_on_paper(chain: Chain, worked: Any) -> None:
    for name, gsd in worked["gsd_direct"].items():
        tell(chain, name, gsd=gsd, line_gsd=str(worked["gsd_all_coefficients"]))
    found = of(chain, "P1")
    assert found.gsd == pytest.approx(worked["analytic_gsd"], abs=5e-8)
    assert found.gsd == pytest.approx(worked["monte_carlo_gsd_40000_seed1"], abs=5e-4)
    assert found.by_default == 0
    assert found.lower == pytest.approx(3.7125 / found.gsd**1.96, rel=1e-4)
    assert found.upper == pytest.approx(3.7125 * found.gsd**1.96, rel=1e-4)


def test_a_simulation_of_the_park_has_the_same_spread(chain: Chain) -> None:
    own = {"P1": 1.1, "P2": 1.3, "E3": 1.2, "T4": 1.25}
    for name, gsd in own.items():
        tell(chain, name, gsd=gsd, line_gsd="1.1")
    found = Spread.of(draw_of_park(chain.factory, chain.park))
    simulated = _simulated_park(own, 1.1)
    for part in ("whole", "scope1", "upstream"):
        analytic = getattr(found, part)
        assert analytic.gsd == pytest.approx(gsd_of(simulated[part]), rel=6e-3)


def _simulated_park(own: dict[str, float], of_amounts: float) -> dict[str, Any]:
    """Scope 1 of P1 and P2, and m*'z of what they buy of E3 and T4, with every number redrawn."""
    random = np.random.default_rng(1)

    def redrawn(value: float, gsd: float) -> Any:
        return value * np.exp(math.log(gsd) * random.standard_normal(DRAWS))

    per_unit = {n: redrawn(EMITTED[n] / OUTPUT[n], gsd) for n, gsd in own.items()}
    flows = {cell: redrawn(flow, of_amounts) for cell, flow in FLOWS.items()}
    tool = per_unit["T4"] + flows["E3", "T4"] / OUTPUT["T4"] * per_unit["E3"]
    scope1 = sum(per_unit[n] * OUTPUT[n] for n in ("P1", "P2"))
    power = flows["E3", "P1"] + flows["E3", "P2"]
    upstream = power * per_unit["E3"] + flows["T4", "P1"] * tool
    return {"scope1": scope1, "upstream": upstream, "whole": scope1 + upstream}


def test_with_or_without_recipes_a_park_is_as_sure(factory: Factory) -> None:
    chain = build_chain(factory, tenants_books=True)
    with_recipes = _park_gsd(chain)
    for name in ("P1", "P2"):
        chain.firms[name].withdraw(chain.recipes[name])
    assert _park_gsd(chain) == pytest.approx(with_recipes)


def _park_gsd(chain: Chain) -> float:
    found = Spread.of(draw_of_park(chain.factory, chain.park)).whole
    assert found is not None
    return found.gsd


def test_what_says_nothing_takes_a_default_and_is_shown_to(chain: Chain) -> None:
    assert of(chain, "E3").gsd == pytest.approx(DEFAULT_GSD[Rung.COMPUTED])
    assert of(chain, "E3").by_default == 1
    tell(chain, "E3", gsd=1.5)
    assert of(chain, "E3").gsd == pytest.approx(1.5)
    assert of(chain, "E3").by_default == 0
    assert 0 < of(chain, "P1").by_default < 1


def test_one_statement_over_several_paths_moves_all_of_them(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    coal, coke = acme.product("Coal"), acme.product("Coke")
    acme.footprint(coal, "1")
    acme.recipe(coke, site, inputs=[_sure((coal, "1", "KGM"))])
    inputs = [_sure((coal, "1", "KGM")), _sure((coke, "1", "KGM"))]
    acme.recipe(steel, site, inputs=inputs)
    found = Spread.of(draw(factory, steel)).whole
    assert found is not None
    # 2 kg that are one number: as uncertain as that number, not less by √2.
    assert found.gsd == pytest.approx(DEFAULT_GSD[Rung.DECLARED])


def test_a_line_split_over_two_sites_is_one_number(factory: Factory, acme: Actor) -> None:
    coal, steel, works = acme.product("Coal"), acme.product("Steel"), acme.site("Works")
    for name in ("North", "South"):
        site = acme.site(name)
        said = acme.recipe(coal, site, emissions=[("CO2", "fossil", "1")])
        _exact(acme, said)
        acme.production(coal, site, "1")
    acme.recipe(steel, works, inputs=[(coal, "1", "KGM")])
    found = Spread.of(draw(factory, steel)).whole
    assert found is not None
    assert found.gsd == pytest.approx(DEFAULT_AMOUNT_GSD)


def test_independent_numbers_add_in_quadrature_and_shared_ones_directly() -> None:
    kg, sigma = np.array([1.0, 1.0]), np.log([1.2, 1.2])
    flags = np.zeros(2, dtype=bool)
    found = [
        uncertainty(2.0, Terms(kg, sigma, np.array(group), flags, flags), complete=True)
        for group in ([0, 1], [0, 0])
    ]
    gsds = [each.gsd for each in found if each]
    assert gsds == pytest.approx([1.2 ** (1 / math.sqrt(2)), 1.2])


@pytest.mark.parametrize("shared", [False, True])
def test_a_simulation_with_shared_numbers_has_the_same_spread(*, shared: bool) -> None:
    random = np.random.default_rng(2)
    kg, sigma = np.array([3.0, 2.0, 1.0]), np.log([1.2, 1.2, 1.1])
    normal = random.standard_normal((DRAWS, 3))
    normal[:, 1] = normal[:, 0] if shared else normal[:, 1]
    simulated = (kg * np.exp(sigma * normal)).sum(axis=1)
    group, flags = np.array([0, 0 if shared else 1, 2]), np.zeros(3, dtype=bool)
    found = uncertainty(6.0, Terms(kg, sigma, group, flags, flags), complete=True)
    assert found is not None
    assert found.gsd == pytest.approx(gsd_of(simulated), rel=5e-3)
    bounds = found.lower, found.upper
    assert None not in bounds
    inside = (bounds[0] <= simulated) & (simulated <= bounds[1])
    assert inside.mean() == pytest.approx(0.95, abs=0.01)


def test_a_figure_that_credits_all_but_cancel_has_no_interval() -> None:
    kg, flags = np.array([1000.0, -999.999]), np.zeros(2, dtype=bool)
    terms = Terms(kg, np.log([1.2, 1.2]), np.array([0, 1]), flags, flags)
    assert uncertainty(0.001, terms, complete=True) is None
    assert uncertainty(0.0, terms, complete=True) is None


def test_an_open_figure_has_a_spread_and_no_bounds(
    factory: Factory, acme: Actor, site: str, steel: str
) -> None:
    gap = (factory.uuid(), "1", "KGM")
    acme.recipe(steel, site, emissions=[("CO2", "fossil", "1")], inputs=[gap])
    found = Spread.of(draw(factory, steel)).whole
    assert found is not None
    assert (found.lower, found.upper) == (None, None)
    assert found.gsd == pytest.approx(DEFAULT_GSD[Rung.COMPUTED])


def test_a_term_is_what_the_figure_gains_when_its_number_grows(chain: Chain) -> None:
    """Against a difference quotient of m' = e'(I − A)⁻¹ for every number on its own."""
    names, step = list(OUTPUT), 1e-6
    e = np.array([EMITTED[n] / OUTPUT[n] for n in names])
    a = np.zeros((4, 4))
    for (i, j), flow in FLOWS.items():
        a[names.index(i), names.index(j)] = flow / OUTPUT[j]

    def figure(e: Any, a: Any) -> float:
        return float(np.linalg.solve((np.eye(4) - a).T, e)[0])

    expected = []
    for k in range(4):
        grown = e * np.where(np.arange(4) == k, 1 + step, 1)
        expected.append((figure(grown, a) - figure(e, a)) / step)
    for i, j in np.argwhere(a):
        more = a.copy()
        more[i, j] *= 1 + step
        expected.append((figure(e, more) - figure(e, a)) / step)
    terms = terms_of(draw(chain.factory, chain.products["P1"]))
    assert sorted(terms.kg) == pytest.approx(sorted(expected), rel=1e-4)


def _sure(given: Any) -> Any:
    return dataclasses.replace(line(given), gsd=Decimal(1))


def _exact(acme: Actor, said: Any) -> None:
    acme.correct(said, quality=DataQuality(gsd=Decimal(1)))
