"""What is made upstream for many demands at once is what is made for each of them alone."""

from __future__ import annotations

import numpy as np
import pytest

from graph.engine import Engine, Question
from graph.solving import upstream
from graph.solving.upstream import made_for, made_for_each
from tests.factory import Factory

pytestmark = pytest.mark.only_on("sqlite", "it is about numbers")


@pytest.mark.parametrize("cells", [1, 7, 4_000_000])
@pytest.mark.parametrize("small", [0, 30_000])
def test_many_demands_are_passed_at_once_as_they_are_alone(
    factory: Factory, monkeypatch: pytest.MonkeyPatch, cells: int, small: int
) -> None:
    """A chain of six, a loop of two beside it that is allowed, and two that use both."""
    acme = factory.enterprise("Acme")
    site = acme.site()
    chain: list[str] = []
    for k in range(6):
        chain.append(acme.product(f"Link {k}"))
        taken = [(chain[k - 1], "0.5", "KGM")] if k else []
        acme.recipe(chain[k], site, emissions=[("CO2", "fossil", "1")], inputs=taken)
    one, other = acme.product("One"), acme.product("Other")
    acme.recipe(one, site, inputs=[(other, "0.5", "KGM"), (chain[2], "1", "KGM")])
    acme.recipe(other, site, emissions=[("CO2", "fossil", "2")], inputs=[(one, "0.25", "KGM")])
    monkeypatch.setattr(upstream, "_CELLS", cells)
    monkeypatch.setattr(upstream, "SMALL_CONE", small)
    solved = Engine(factory.log).answer(Question(2025)).solved
    count = len(solved.network.nodes)
    demands = [{k: 1.0} for k in range(count)] + [{0: 0.25, count - 1: 0.75}]
    for demand, (nodes, units) in zip(demands, made_for_each(solved, demands), strict=True):
        alone_nodes, alone = made_for(solved, demand)
        assert np.all(np.diff(nodes) > 0)
        dense, expected = np.zeros((2, count))
        dense[nodes], expected[alone_nodes] = units, alone
        assert np.allclose(dense, expected, rtol=1e-14, atol=0)
    assert made_for_each(solved, []) == []
