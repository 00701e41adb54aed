"""Who states meters, allocations, targets and scenarios, and what each asks of the log."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from api.cli.examples import EXAMPLES
from ledger import errors
from ledger.schema import dump, load
from ledger.statements import (
    BODIES,
    Allocation,
    Meter,
    Milestone,
    Period,
    Planner,
    Scenario,
    Share,
    Target,
)
from tests.factory import Actor, Factory, year_of


def members(kind: str, **changes: Any) -> dict[str, Any]:
    stated = {name: value for name, value in EXAMPLES[kind].items() if name != "type"}
    return {name: value for name, value in {**stated, **changes}.items() if value is not None}


def refused_at(kind: str, **changes: Any) -> set[str]:
    with pytest.raises(errors.StatementMalformed) as refused:
        load(BODIES[kind], members(kind, **changes))
    return {where for where, _ in refused.value.problems}


def shares(*stated: tuple[str, str]) -> tuple[Share, ...]:
    return tuple(Share(site=site, share=Decimal(share)) for site, share in stated)


def allocation(site: str, *stated: tuple[str, str], **changes: Any) -> Allocation:
    plain: dict[str, Any] = {"period": year_of(2025), "service": "Steam", "key": "Metered heat"}
    return Allocation(**{**plain, **changes}, site=site, shares=shares(*stated))


def target(kind: str, id: str, **changes: Any) -> Target:
    plain: dict[str, Any] = {
        "serial": 1,
        "name": "Half by 2030",
        "ambition": "operational",
        "base_year": 2025,
        "milestones": (Milestone(year=2030, reduction=Decimal(50)),),
    }
    return Target(**{**plain, **changes}, object=Planner(type=kind, id=id))


def scenario(kind: str, id: str, **changes: Any) -> Scenario:
    plain: dict[str, Any] = {
        "serial": 1,
        "name": "Heat pumps",
        "start_year": 2027,
        "changes": ({"remove": {"digest": "0" * 64}},),
    }
    return Scenario(**{**plain, **changes}, object=Planner(type=kind, id=id))


@pytest.fixture
def acme(factory: Factory) -> Actor:
    return factory.enterprise("Acme")


@pytest.fixture
def works(acme: Actor) -> str:
    return acme.site("Works")


@pytest.fixture
def other(factory: Factory) -> Actor:
    return factory.enterprise("Other")


# --- Meters ----------------------------------------------------------------------------------


def test_a_meter_is_said_by_the_owner_of_its_site(acme: Actor, works: str, other: Actor) -> None:
    meter = load(Meter, members("meter", site=works))
    with pytest.raises(errors.NotOwner):
        other.say(meter)
    said = acme.say(meter)
    with pytest.raises(errors.ChainExists):
        acme.say(meter)
    acme.transfer("site", works, other)
    with pytest.raises(errors.NotOwner):
        acme.correct(said)
    other.say(meter, prev=said.digest)


# --- Allocations -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"shares": []}, "/shares"),
        ({"shares": [("a", "0.5"), ("b", "0.4")]}, "/shares"),
        ({"shares": [("a", "0.6"), ("b", "0.5")]}, "/shares"),
        ({"shares": [("a", "0.5"), ("a", "0.5")]}, "/shares"),
        ({"shares": [("a", "1"), ("b", "0")]}, "/shares/1/share"),
        ({"part": {"k": 1, "n": 2}}, "/part"),
        ({"service": None}, "/service"),
        ({"key": None}, "/key"),
    ],
)
def test_shares_are_whole_and_sum_to_one(changes: dict[str, Any], where: str) -> None:
    named = {"a": EXAMPLES["certificate"]["site"], "b": EXAMPLES["target"]["object"]["id"]}
    if "shares" in changes:
        stated = [{"site": named[site], "share": share} for site, share in changes["shares"]]
        changes = {"shares": stated}
    assert refused_at("allocation", **changes) == {where}


def test_thirds_cannot_be_said_exactly_so_the_last_share_takes_the_rest(
    acme: Actor, works: str
) -> None:
    third = "0.333333"
    served = [acme.site() for _ in range(3)]
    acme.say(allocation(works, *zip(served, [third, third, "0.333334"], strict=True)))


def test_an_allocation_is_its_owner_s_and_names_sites_that_stand(
    factory: Factory, acme: Actor, works: str, other: Actor
) -> None:
    served = other.site()
    december = Period(start=dt.date(2025, 12, 1), end=dt.date(2026, 1, 1))
    with pytest.raises(errors.NotOwner):
        other.say(allocation(works, (served, "1")))
    with pytest.raises(errors.UnknownReference) as refused:
        acme.say(allocation(works, (served, "0.5"), (factory.uuid(), "0.5")))
    assert refused.value.where == "/shares/1/site"
    acme.say(allocation(works, (served, "1")))
    with pytest.raises(errors.OverlappingPeriods):
        acme.say(allocation(works, (served, "1"), period=december))
    acme.say(allocation(works, (served, "1"), period=year_of(2026)))


# --- Periods that have not begun -------------------------------------------------------------


@pytest.mark.parametrize("kind", ["inventory", "purchases", "production", "holdings"])
def test_nobody_states_facts_of_days_that_have_not_begun(
    acme: Actor, works: str, kind: str
) -> None:
    """It is 15 January 2026 (UTC), and somewhere the 16th already."""
    steel = acme.product("Steel")

    def says(first: str, after: str) -> None:
        match kind:
            case "production":
                acme.production(steel, works, "1", period=(first, after))
            case "holdings":
                acme.holdings(period=(first, after))
            case _:
                getattr(acme, kind)(works, period=(first, after))

    with pytest.raises(errors.InTheFuture) as refused:
        says("2026-01-17", "2026-02-01")
    assert refused.value.where == "/period/start"
    says("2026-01-16", "2027-01-01")


@pytest.mark.parametrize("kind", ["recipe", "downstream", "allocation"])
def test_what_is_meant_to_hold_is_told_a_year_ahead_at_most(
    acme: Actor, works: str, kind: str
) -> None:
    steel = acme.product("Steel")

    def says(first: str, after: str) -> None:
        period = Period(start=dt.date.fromisoformat(first), end=dt.date.fromisoformat(after))
        match kind:
            case "recipe":
                acme.recipe(steel, works, period=(first, after))
            case "downstream":
                acme.downstream(steel, works, period=(first, after))
            case _:
                acme.say(allocation(works, (works, "1"), period=period))

    with pytest.raises(errors.InTheFuture) as refused:
        says("2027-01-17", "2028-01-01")
    assert refused.value.where == "/period/start"
    says("2027-01-16", "2028-01-01")


# --- Targets and scenarios -------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["allocation", "target", "scenario", "meter"])
def test_what_is_read_is_written_again(kind: str) -> None:
    written = dump(load(BODIES[kind], members(kind)))
    assert {name: written[name] for name in members(kind)} == members(kind)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"ambition": "gross"}, "/ambition"),
        ({"milestones": []}, "/milestones"),
        ({"milestones": [{"year": 2025, "reduction": "10"}]}, "/milestones/0/year"),
        (
            {"milestones": [{"year": 2030, "reduction": "10"}, {"year": 2030, "reduction": "20"}]},
            "/milestones/1/year",
        ),
        (
            {"milestones": [{"year": 2030, "reduction": "30"}, {"year": 2035, "reduction": "20"}]},
            "/milestones/1/reduction",
        ),
        ({"milestones": [{"year": 2030, "reduction": "101"}]}, "/milestones/0/reduction"),
        ({"nearZero": "-1"}, "/nearZero"),
        ({"nearZero": "50.1"}, "/nearZero"),
    ],
)
def test_milestones_come_in_order_and_never_go_back(changes: dict[str, Any], where: str) -> None:
    assert refused_at("target", baseYear=2025, **changes) == {where}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ([], "/changes"),
        ([{}], "/changes/0"),
        ([{"say": {}, "remove": {}}], "/changes/0"),
        ([{"invent": {}}], "/changes/0"),
    ],
)
def test_a_change_says_one_thing_that_can_be_supposed(changes: list[Any], where: str) -> None:
    assert refused_at("scenario", changes=changes) == {where}


@pytest.mark.parametrize("plan", [target, scenario])
def test_a_plan_is_of_one_s_own_park_or_of_oneself(acme: Actor, other: Actor, plan: Any) -> None:
    park = acme.park()
    with pytest.raises(errors.NotOwner):
        other.say(plan("park", park))
    with pytest.raises(errors.NotOwner):
        other.say(plan("enterprise", acme.id))
    said = acme.say(plan("park", park))
    acme.say(plan("park", park, serial=2))
    acme.say(plan("enterprise", acme.id))
    with pytest.raises(errors.ChainExists):
        acme.say(plan("park", park, name="Another"))
    acme.correct(said, name="Another")


@pytest.mark.parametrize("plan", [target, scenario])
def test_a_plan_of_a_park_that_is_not_there_is_refused(
    factory: Factory, acme: Actor, plan: Any
) -> None:
    with pytest.raises(errors.UnknownReference):
        acme.say(plan("park", factory.uuid()))
