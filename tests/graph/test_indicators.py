"""Rule tables applied to given quantities: vetoes, points, a bonus, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.books.unsaid import lack
from graph.errors import IndicatorSystemUnknown, NoParkTypes, ParkTypeUnknown
from graph.indicators.indicators import (
    Measured,
    Outcome,
    Result,
    Verdict,
    apply,
    system_of,
    systems,
)
from graph.indicators.notice910 import NAME, SYSTEM
from ledger.schema import load
from ledger.statements import Indicators
from tests.factory import Factory

UNKNOWN = Measured.of(3.0, (lack("gaps"),))


def item(name: str, quantity: str, threshold: str, **members: str) -> dict[str, str]:
    plain = {"title": name, "class": "non-principled", "operator": "at-least"}
    said = {"id": name, "quantity": quantity, "threshold": threshold, **plain, **members}
    if said["class"] != "principled":
        said.setdefault("weight", "1")
    return said


def system(*items: dict[str, str], **members: Any) -> Indicators:
    about = {
        "name": "local",
        "version": "1",
        "title": "Local rules",
        "publisher": "Province",
        "source": "Notice 1",
    }
    return load(Indicators, {**about, **members, "items": list(items)})


def asked(
    rules: Indicators, values: Mapping[str, float | Measured], kind: str | None = None
) -> Outcome:
    def measured(name: str) -> Measured:
        value = values[name]
        return value if isinstance(value, Measured) else Measured.of(value)

    return apply(rules, measured, kind)


def test_a_principled_item_is_a_veto_whatever_the_points() -> None:
    rules = system(
        item("net", "net", "0", **{"class": "principled", "operator": "at-most"}),
        item("tenants", "tenants", "3", weight="5"),
    )
    missed = asked(rules, {"net": 1, "tenants": 9})
    assert (missed.result, missed.points, missed.out_of) == (Result.NOT_PASSED, 5, 5)
    assert asked(rules, {"net": 0, "tenants": 9}).result is Result.PASSED
    assert asked(rules, {"net": UNKNOWN, "tenants": 9}).result is Result.OPEN
    # What is missing cannot save what another principled item has lost.
    both = system(*(item(n, n, "0", **{"class": "principled"}) for n in ("net", "scope1")))
    assert asked(both, {"net": UNKNOWN, "scope1": -1}).result is Result.NOT_PASSED


def test_points_and_a_capped_bonus_reach_the_pass_mark() -> None:
    """4 + 3 points of 10, the bonus of 2 + 2 capped at 3: 10 of 10."""
    rules = system(
        item("a", "water", "1", weight="4"),
        item("b", "electricity", "1", weight="3"),
        item("c", "energy", "1", weight="3"),
        item("d", "tenants", "1", weight="2", **{"class": "bonus"}),
        item("e", "coverage", "0.5", weight="2", **{"class": "bonus"}),
        passMark="10",
        bonusCap="3",
    )
    values: dict[str, float | Measured] = {
        "water": 1,
        "electricity": 1,
        "energy": 0,
        "tenants": 1,
        "coverage": 1,
    }
    found = asked(rules, values)
    assert (found.points, found.out_of, found.bonus, found.result) == (7, 10, 3, Result.PASSED)
    assert asked(rules, {**values, "tenants": 0}).result is Result.NOT_PASSED
    assert asked(rules, {**values, "tenants": UNKNOWN}).result is Result.OPEN


def test_without_a_pass_mark_everything_is_to_be_met() -> None:
    rules = system(
        item("a", "water", "1"), item("b", "tenants", "1", weight="9", **{"class": "bonus"})
    )
    assert asked(rules, {"water": 1, "tenants": 0}).result is Result.PASSED
    assert asked(rules, {"water": 0, "tenants": 1}).result is Result.NOT_PASSED


@pytest.mark.parametrize(
    ("operator", "met"),
    [("at-most", (1, 1, 0)), ("below", (1, 0, 0)), ("at-least", (0, 1, 1)), ("above", (0, 0, 1))],
)
def test_what_lies_on_the_threshold(operator: str, met: tuple[int, int, int]) -> None:
    rules = system(item("a", "scope1", "0.3", per="energy", operator=operator))
    verdicts = (asked(rules, {"scope1": 0.1 * k, "energy": 1}).items[0] for k in (2, 3, 4))
    # 0.1 · 3 is 0.30000000000000004 in floating point: compared as stated, it is 0.3.
    assert tuple(each.verdict is Verdict.MET for each in verdicts) == tuple(map(bool, met))


def test_of_items_with_one_id_the_one_in_whose_band_the_park_lies_counts() -> None:
    banded = {"when": "tenants", "operator": "at-most"}
    rules = system(
        item("a", "scope1", "10", below="5", **banded),
        item("a", "scope1", "20", atLeast="5", below="9", **banded),
    )
    small, large = (asked(rules, {"scope1": 15, "tenants": n}).items for n in (4, 5))
    assert [each.verdict for each in small] == [Verdict.NOT_MET]
    assert [(each.verdict, each.item.threshold) for each in large] == [(Verdict.MET, Decimal(20))]
    beyond = asked(rules, {"scope1": 15, "tenants": 9})
    assert (beyond.items[0].verdict, beyond.items[0].value) == (Verdict.NONE, 15)
    assert (beyond.out_of, beyond.result) == (0, Result.PASSED)
    unknown = asked(rules, {"scope1": 15, "tenants": UNKNOWN}).items[0]
    assert (unknown.verdict, unknown.value, unknown.known) == (Verdict.MISSING, None, 15)


def test_items_are_for_a_type_of_park_or_for_all() -> None:
    rules = system(
        item("a", "scope1", "1", parkType="steel"),
        item("a", "scope1", "2", parkType="chips"),
        item("b", "water", "1"),
        parkTypes=["steel", "chips"],
    )
    found = asked(rules, {"scope1": 1, "water": 1}, "chips")
    assert [(each.item.id, each.item.threshold) for each in found.items] == [("a", 2), ("b", 1)]
    for kind in (None, "paper"):
        with pytest.raises(ParkTypeUnknown, match="steel, chips"):
            asked(rules, {}, kind)
    with pytest.raises(NoParkTypes, match="has no types"):
        asked(system(item("b", "water", "1")), {"water": 1}, "steel")


def test_a_ratio_over_nothing_has_no_verdict_and_one_over_the_unknown_is_missing() -> None:
    rules = system(item("a", "water-reused", "0.8", per="water"))
    nothing = asked(rules, {"water-reused": 0, "water": 0})
    assert nothing.items[0].verdict is Verdict.NONE
    assert (nothing.out_of, nothing.result) == (0, Result.PASSED)
    unknown = asked(rules, {"water-reused": 3, "water": Measured.of(4, (lack("gaps"),))}).items[0]
    assert (unknown.verdict, unknown.value, unknown.known) == (Verdict.MISSING, None, 0.75)


@given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e9), st.integers(-1000, 1000))
def test_how_far_beyond_decides_the_verdict(of: float, per: float, threshold: int) -> None:
    """Beyond the threshold is where `quantity − threshold · per` is above 0, but for rounding."""
    rules = system(item("a", "scope1", str(threshold), per="energy", operator="at-most"))
    (found,) = asked(rules, {"scope1": of, "energy": per}).items
    assert found.beyond is not None
    if abs(found.beyond) > 1e-9 * (abs(of) + abs(threshold * per)):
        assert (found.verdict is Verdict.MET) == (found.beyond < 0)


@pytest.mark.only_on("sqlite", "is about what follows, not where it is kept")
def test_stated_systems_stand_beside_those_built_in(factory: Factory) -> None:
    rules = system(item("a", "water", "1"))
    factory.operator.say(rules)
    standing = factory.standing()
    assert list(systems(standing)) == ["local", NAME]
    assert system_of(standing, "local") == rules
    assert system_of(standing, NAME) is SYSTEM
    with pytest.raises(IndicatorSystemUnknown, match="local, notice-910"):
        system_of(standing, "elsewhere")
