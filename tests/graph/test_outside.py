"""The outside of a boundary, cut out of the network or passed as a whole: the same numbers."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.figures import rungs
from graph.figures.boundary import Amount, Assessment, assess_totals
from graph.solving import outside
from graph.solving.solved import Solved
from tests.graph.test_estimates import gap, gaps_in
from tests.graph.test_identities import WEIGHTS, Year, years


def both_ways(year: Year) -> tuple[Assessment, Assessment]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(outside, "SMALLEST", 0)
        whole = year.books()
    return year.books(), whole


@settings(deadline=None, max_examples=40)
@given(years(), st.data())
def test_both_ways_round_give_the_same_books(year: Year, data: st.DataObject) -> None:
    gaps = data.draw(gaps_in(year))
    lone = gap(data.draw(st.integers(0, len(year.network.nodes) - 1)), None)
    some = data.draw(st.sampled_from([(), gaps, (*gaps, lone)]))
    cone, whole = both_ways(Year(replace(year.network, gaps=some), year.inside))
    for each in fields(Assessment):
        assert_same(getattr(cone, each.name), getattr(whole, each.name), each.name)


def assert_same(one: object, other: object, name: str) -> None:
    if isinstance(one, Amount) and isinstance(other, Amount):
        assert one.lacking is other.lacking, name
        assert_same([one.lower, one.filled], [other.lower, other.filled], name)
    elif name == "effects":
        pairs = zip(one, other, strict=True)  # type: ignore[call-overload]  # tuples of effects
        assert all(a.kg_co2e == pytest.approx(b.kg_co2e) for a, b in pairs)
    elif isinstance(one, np.ndarray | list | float) or name in ("rungs",):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-9), name
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), name  # type: ignore[attr-defined]  # also a dict
        for key, value in one.items():
            assert_same(value, other[key], name)  # type: ignore[index]  # also a dict
    elif name != "gaps":
        assert one == other, name


def test_a_loop_that_gains_only_with_the_inside_is_no_loop_outside() -> None:
    """Two products that use 1.2 of one another have no footprint; alone, the outer one has."""
    year = looped(1.2)
    for books in both_ways(year):
        assert books.upstream.at_least == pytest.approx(100 * 1.2)
        assert books.upstream.complete


def test_a_loop_that_gains_outside_leaves_a_lower_bound() -> None:
    year = looped(1.2)
    beyond = replace(
        year.network, nodes=tuple(replace(n, place=None, owner="far") for n in year.network.nodes)
    )
    here = year.network.nodes[0].place
    assert here is not None
    buyer = replace(year.network.nodes[0], place=here, product="buyer", owner="buyer")
    edges = year.network.edges
    network = replace(
        beyond,
        nodes=(*beyond.nodes, buyer),
        direct=np.vstack([beyond.direct, beyond.direct[0]]),
        output=np.append(beyond.output, 10.0),
        as_of=np.append(beyond.as_of, 0),
        edges=replace(
            edges,
            supplier=np.append(edges.supplier, 1),
            consumer=np.append(edges.consumer, 2),
            category=np.append(edges.category, 1),
            amount=np.append(edges.amount, 1.0),
            mixed=np.append(edges.mixed, False),
        ),
    )
    for books in both_ways(Year(network, frozenset({here}))):
        assert (books.upstream.at_least, books.upstream.value) == (0, None)


def looped(amount: float) -> Year:
    """Inside 100 units of the first of two products that use ``amount`` of each other."""
    from tests.graph.test_estimates import year_of

    year = year_of(lambda works, mill: ())
    edges = replace(
        year.network.edges,
        supplier=np.array([1, 0]),
        consumer=np.array([0, 1]),
        category=np.array([1, 1]),
        amount=np.array([amount, amount]),
        mixed=np.array([False, False]),
    )
    return Year(replace(year.network, edges=edges), year.inside)


@settings(deadline=None, max_examples=20)
@given(years(), st.data())
def test_totals_of_many_boundaries_are_those_of_each(year: Year, data: st.DataObject) -> None:
    gaps = data.draw(gaps_in(year))
    filled = Year(replace(year.network, gaps=gaps), year.inside)
    boundaries = [year.inside, *(frozenset({each}) for each in year.inside)]
    many = assess_totals(Solved.of(filled.network), boundaries, WEIGHTS)
    for totals, inside in zip(many, boundaries, strict=True):
        books = filled.books(inside)
        for name in ("scope1", "upstream", "t0", "t1", "t2"):
            assert_same(getattr(totals, name), getattr(books, name), name)


@settings(deadline=None, max_examples=20)
@given(years(), st.data())
def test_footprints_split_by_rung_are_the_same_upstream_of_one_as_of_all(
    year: Year, data: st.DataObject
) -> None:
    solved = Solved.of(replace(year.network, gaps=data.draw(gaps_in(year))))
    nodes = np.array(data.draw(st.lists(st.integers(0, len(year.network.nodes) - 1), min_size=1)))
    whole = rungs.footprints_by_rung(solved, nodes, WEIGHTS)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rungs, "AT_ONCE", 0)
        cone = rungs.footprints_by_rung(solved, nodes, WEIGHTS)
    assert cone == pytest.approx(whole, rel=1e-9, abs=1e-12)
    kg = WEIGHTS.co2e(solved.footprints[nodes] + solved.estimated[nodes])
    assert whole.sum(axis=1) == pytest.approx(kg, rel=1e-9, abs=1e-12)
