"""What may be said of a product after the gate, and by whom."""

from __future__ import annotations

from typing import Any

import pytest

from api.cli.examples import EXAMPLES
from ledger.errors import NotOwner, OverlappingPeriods, StatementMalformed, UnitMismatch
from ledger.schema import dump, load
from ledger.statements import ERASABLE, VERIFIABLE, Downstream, Holdings
from tests.factory import Factory


def example(kind: str, **changes: Any) -> dict[str, Any]:
    members = {name: value for name, value in EXAMPLES[kind].items() if name != "type"}
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def refused_at(kind: type[Any], members: dict[str, Any]) -> set[str]:
    with pytest.raises(StatementMalformed) as refused:
        load(kind, members)
    return {where for where, _ in refused.value.problems}


@pytest.mark.parametrize("kind", [Downstream, Holdings])
def test_what_is_read_is_written_again(kind: type[Any]) -> None:
    members = example(kind.TYPE)
    assert dump(load(kind, members)) == {**members, "part": {"k": 1, "n": 1}}


def test_a_verifier_can_look_into_both_and_both_can_be_erased() -> None:
    assert {"downstream", "holdings"} <= set(VERIFIABLE) & set(ERASABLE)


@pytest.mark.parametrize(
    ("member", "said", "where"),
    [
        ("delivery", {}, "/delivery/emissions"),
        ("use", {"emissions": []}, "/use/assumptions"),
        ("endOfLife", {"assumptions": "Landfill."}, "/endOfLife/emissions"),
        (
            "endOfLife",
            {
                "assumptions": "Half of it is lost.",
                "treatments": [
                    {"ref": {"classification": "urn:cpc:94331", "region": "CN"}, "share": "0.5"}
                ],
            },
            "/endOfLife/treatments",
        ),
        ("processing", {"key": "economic", "reason": "They differ."}, "/processing/costs"),
        ("processing", {"key": "mass", "reason": "They do not differ."}, "/processing/reason"),
        (
            "processing",
            {
                "key": "economic",
                "reason": "They differ.",
                "costs": [
                    {"ref": {"identifiers": ["urn:cas:7440-66-6"]}, "amount": "1", "unit": unit}
                    for unit in ("CNY:2025:purchaser", "EUR:2025:purchaser")
                ],
            },
            "/processing/costs",
        ),
        (
            "processing",
            {
                "key": "economic",
                "reason": "They differ.",
                "costs": [
                    {"ref": {"identifiers": ["urn:cas:7440-66-6"]}, "amount": "1", "unit": "KGM"}
                ],
            },
            "/processing/costs/0/unit",
        ),
    ],
)
def test_what_nobody_could_check_is_refused(member: str, said: Any, where: str) -> None:
    assert where in refused_at(Downstream, example("downstream", **{member: said}))


def test_only_services_come_in_pieces() -> None:
    second = example("downstream", part={"k": 2, "n": 2})
    assert "/use" in refused_at(Downstream, second)
    bare = example("downstream", use=None, endOfLife=None, processing=None)
    assert load(Downstream, {**bare, "part": {"k": 2, "n": 2}}).part.k == 2


@pytest.mark.parametrize("category", [12, 16])
def test_only_categories_13_to_15_are_entered(category: int) -> None:
    held = {"category": category, "emissions": [], "reason": "Shares in a neighbour."}
    assert "/holdings/0/category" in refused_at(Holdings, example("holdings", holdings=[held]))


def test_the_maker_speaks_of_its_own_product_in_a_unit_of_it(factory: Factory) -> None:
    acme, other = factory.enterprise("Acme"), factory.enterprise("Other")
    plant, wire = acme.site(), acme.product("Wire")
    with pytest.raises(NotOwner):
        other.downstream(wire, plant, use=())
    with pytest.raises(UnitMismatch):
        acme.downstream(wire, plant, basis=("1", "KWH"), use=())
    said = acme.downstream(wire, plant, use=[("CO2", "fossil", "2")])
    acme.correct(said, use=None)
    with pytest.raises(OverlappingPeriods):
        acme.downstream(wire, plant, use=(), period=("2025-01-01", "2025-07-01"))


def test_an_enterprise_enters_its_own_holdings(factory: Factory) -> None:
    acme, other = factory.enterprise("Acme"), factory.enterprise("Other")
    said = acme.holdings((15, [("CO2", "fossil", "7")]))
    assert said.statement.body.natural_key(acme.id).parts[0] == acme.id
    with pytest.raises(NotOwner):
        other.say(said.statement.body)
    with pytest.raises(OverlappingPeriods):
        acme.holdings((13, ()), period=("2025-01-01", "2025-07-01"))


def test_what_a_site_says_of_its_products_follows_the_product_to_its_new_owner(
    factory: Factory,
) -> None:
    acme, heir = factory.enterprise("Acme"), factory.enterprise("Heir")
    plant, wire = acme.site(), acme.product("Wire")
    said = acme.downstream(wire, plant, use=[("CO2", "fossil", "2")])
    acme.transfer("product", wire, heir, start="2025-06-01")
    with pytest.raises(NotOwner):
        acme.correct(said, use=None)
