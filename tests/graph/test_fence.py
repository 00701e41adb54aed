"""The polygon decides what is inside; members and the fence must agree."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.engine import Engine, Question
from graph.figures.fence import encloses, fence_findings
from ledger.statements import Park, Site
from tests.factory import SQUARE, Factory
from tests.graph.ask import park

pytestmark = pytest.mark.only_on("sqlite", "it is about what was stated, wherever it is stored")


def corners(*pairs: tuple[str, str]) -> tuple[tuple[Decimal, Decimal], ...]:
    return tuple((Decimal(x), Decimal(y)) for x, y in pairs)


BLOCK = corners(*SQUARE)
# A U that opens to the north: the point between its arms lies outside.
HOLLOW = corners(
    ("0", "0"), ("6", "0"), ("6", "6"), ("4", "6"), ("4", "2"), ("2", "2"), ("2", "6"), ("0", "6")
)


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        (("120.5", "31.5"), True),
        (("120.000001", "31.999999"), True),
        (("119.999999", "31.5"), False),
        (("120.5", "32.000001"), False),
        (("-120.5", "31.5"), False),
        (("120.5", "-31.5"), False),
    ],
)
def test_a_point_is_inside_a_rectangle_or_not(point: tuple[str, str], inside: bool) -> None:
    assert encloses(BLOCK, Decimal(point[0]), Decimal(point[1])) is inside


@pytest.mark.parametrize(
    ("point", "inside"),
    [
        (("1", "5"), True),
        (("5", "5"), True),
        (("3", "1"), True),
        (("3", "4"), False),
        (("3", "2.5"), False),
        (("7", "2"), False),
        # On the height of a corner, where a careless ray counts it twice or not at all.
        (("-1", "2"), False),
        (("1", "2"), True),
        (("3", "6"), False),
        (("-1", "0"), False),
    ],
)
def test_a_point_between_the_arms_of_a_fence_is_outside(
    point: tuple[str, str], inside: bool
) -> None:
    assert encloses(HOLLOW, Decimal(point[0]), Decimal(point[1])) is inside


@given(
    st.integers(-100, 700),
    st.integers(-100, 700),
    st.integers(0, len(HOLLOW) - 1),
    st.booleans(),
)
def test_where_a_fence_begins_and_which_way_it_runs_changes_nothing(
    x: int, y: int, start: int, backwards: bool
) -> None:
    point = Decimal(x) / 100 + Decimal("0.001"), Decimal(y) / 100 + Decimal("0.001")
    turned = (*HOLLOW[start:], *HOLLOW[:start])
    other = turned[::-1] if backwards else turned
    assert encloses(other, *point) == encloses(HOLLOW, *point)
    assert encloses((*other, other[0]), *point) == encloses(HOLLOW, *point)


def site_at(name: str, longitude: str, latitude: str) -> Site:
    return Site(
        id=f"00000000-0000-4000-8000-{ord(name):012}",
        name=name,
        longitude=Decimal(longitude),
        latitude=Decimal(latitude),
        time_zone="Asia/Shanghai",
    )


def test_members_outside_and_strangers_inside_are_both_named() -> None:
    fenced = Park(id="00000000-0000-4000-8000-000000000000", name="Park", fence=BLOCK)
    sites = [
        site_at("A", "120.5", "31.5"),
        site_at("B", "120.6", "31.6"),
        site_at("C", "10", "50"),
        site_at("D", "11", "50"),
    ]
    found = fence_findings(fenced, sites, {sites[0].id, sites[2].id})
    assert [(each.rule, each.params) for each in found] == [
        ("site-inside-fence", {"site": "B"}),
        ("member-outside-fence", {"site": "C"}),
    ]


def test_the_books_of_a_park_carry_what_its_fence_says(factory: Factory) -> None:
    firm, manager = factory.enterprise("Firm"), factory.enterprise("Manager")
    fenced = manager.park()
    member = firm.site("Member")
    firm.site("Stranger")
    firm.site("Far away", at=("10", "50"))
    firm.inventory(member, [])
    manager.membership(fenced, member)
    said = park(factory, fenced).findings
    assert [each.sentence for each in said] == [
        "Site Stranger lies inside the fence without being a member."
    ]


def test_who_was_a_member_in_another_year_only_is_a_stranger_in_this_one(factory: Factory) -> None:
    firm, manager = factory.enterprise("Firm"), factory.enterprise("Manager")
    fenced = manager.park()
    member, past = firm.site("Member"), firm.site("Past")
    firm.inventory(member, [])
    manager.membership(fenced, member)
    manager.membership(fenced, past, start="2023-01-01", end="2025-01-01")
    said = park(factory, fenced).findings
    assert [each.params for each in said] == [{"site": "Past"}]


def test_a_member_of_two_parks_is_told_to_both_with_the_days(factory: Factory) -> None:
    """From 1 June to the end of September; a move from one park to the next is none."""
    host, neighbour, acme = (factory.enterprise(name) for name in ("Host", "Neighbour", "Acme"))
    site = acme.site("Mill")
    acme.inventory(site)
    acme.purchases(site)
    first, second = host.park("First"), neighbour.park("Second")
    host.membership(first, site, end="2025-10-01")
    neighbour.membership(second, site, start="2025-06-01")
    engine, question = Engine(factory.log), Question(2025)
    for asked, other in ((first, "Second"), (second, "First")):
        (noticed,) = engine.park(asked, question).findings
        assert noticed.rule == "member-of-another-park"
        assert noticed.params == {
            "site": "Mill",
            "other": other,
            "first": "2025-06-01",
            "after": "2025-10-01",
        }
