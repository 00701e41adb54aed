"""What an award may say, who may say it, and what it asks of the log."""

from __future__ import annotations

from typing import Any

import pytest

from api.cli.examples import EXAMPLES
from ledger import errors, tiles
from ledger.schema import dump, load
from ledger.statements import Award
from tests.factory import Actor, Factory

_PLAIN: dict[str, Any] = {name: each for name, each in EXAMPLES["award"].items() if name != "type"}
_OFFER: dict[str, Any] = _PLAIN["offers"][0]


def award(**changes: Any) -> Award:
    members = {**_PLAIN, **changes}
    return load(Award, {name: each for name, each in members.items() if each is not None})


def offered(**changes: Any) -> list[dict[str, Any]]:
    members = {**_OFFER, **changes}
    return [{name: each for name, each in members.items() if each is not None}]


def facts(**changes: Any) -> dict[str, Any]:
    members = {**_OFFER["facts"], **changes}
    return {name: each for name, each in members.items() if each is not None}


@pytest.fixture
def buyer(factory: Factory) -> Actor:
    return factory.enterprise("Buyer")


def here(factory: Factory, size: int = 1) -> dict[str, Any]:
    """A prefix that the log has."""
    return {"size": size, "root": tiles.root(size, factory.log.tile).hex()}


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"offers": []}, "/offers"),
        ({"offers": [_OFFER, _OFFER]}, "/offers"),
        ({"offers": [{**_OFFER, "label": str(k)} for k in range(101)]}, "/offers"),
        ({"chosen": "Another"}, "/chosen"),
        ({"validOn": "2024-06-30"}, "/validOn"),
        ({"order": "taste"}, "/order"),
        ({"unit": "ton"}, "/unit"),
        ({"carbonPrice": {"amount": "600", "currency": "RMB"}}, "/carbonPrice/currency"),
        ({"carbonPrice": {"amount": "-1", "currency": "CNY"}}, "/carbonPrice/amount"),
        ({"rule": {"maxRatioToBest": "0.9"}}, "/rule/maxRatioToBest"),
        ({"rule": {"minCoverage": "80"}}, "/rule/minCoverage"),
        ({"rule": {"minUsability": 4}}, "/rule/minUsability"),
        ({"offers": offered(asOf=347)}, "/offers/0/asOf"),
        ({"offers": offered(amount="0")}, "/offers/0/amount"),
        ({"offers": offered(unsigned="0" * 64)}, "/offers/0/unsigned"),
        ({"offers": offered(product=None)}, "/offers/0/product"),
        ({"offers": offered(reasons=["above-limit"])}, "/offers/0/reasons"),
        ({"offers": offered(verdict="failed")}, "/offers/0/reasons"),
        ({"offers": offered(verdict="failed", reasons=["No way."])}, "/offers/0/reasons/0"),
        ({"offers": offered(facts=None)}, "/offers/0/facts"),
        ({"offers": offered(facts=facts(value=None))}, "/offers/0/facts"),
        ({"offers": offered(units=None)}, "/offers/0/units"),
    ],
)
def test_an_award_that_contradicts_itself_is_not_read(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(errors.StatementMalformed) as refused:
        award(**changes)
    assert where in {each for each, _ in refused.value.problems}


@pytest.mark.parametrize(
    "changes",
    [
        {"offers": offered(verdict="refused", reasons=["not-disclosed"], facts=None, units=None)},
        {"offers": offered(verdict="refused", reasons=["not-registered"], product=None,
                           identifier="urn:gtin:4006381333931", facts=None)},
        {"offers": offered(unsigned="0" * 64, product=None, asOf=None)},
        {"chosen": None, "carbonPrice": None, "rule": {}},
    ],
)  # fmt: skip
def test_what_an_award_may_also_say_is_written_as_it_is_read(changes: dict[str, Any]) -> None:
    said = award(**changes)
    assert load(Award, dump(said)) == said


def test_it_rests_on_a_prefix_that_the_log_has(factory: Factory, buyer: Actor) -> None:
    offers = offered(asOf=None)
    with pytest.raises(errors.PrefixRefused):
        buyer.say(award(offers=offers))
    other = {**here(factory), "root": "0" * 64}
    with pytest.raises(errors.PrefixRefused):
        buyer.say(award(offers=offers, at=other))
    buyer.say(award(offers=offers, at=here(factory)))


def test_of_one_tender_and_number_one_award_stands(factory: Factory, buyer: Actor) -> None:
    plain = {"offers": offered(asOf=None), "at": here(factory)}
    first = buyer.say(award(**plain))
    with pytest.raises(errors.ChainExists):
        buyer.say(award(**plain))
    buyer.say(award(**plain, serial=2))
    factory.enterprise("Other").say(award(**plain))
    again = buyer.correct(first, chosen=None)
    standing = factory.standing()
    mine = [said.statement.body for said in standing.about("award", buyer.id)]
    assert [(each.serial, each.chosen) for each in mine] == [(2, _OFFER["label"]), (1, None)]  # type: ignore[attr-defined]  # awards
    buyer.withdraw(again)
    assert len(list(factory.standing().about("award", buyer.id))) == 1


def test_nobody_decides_for_another_unasked(factory: Factory, buyer: Actor) -> None:
    body = award(offers=offered(asOf=None), at=here(factory))
    other = factory.enterprise("Other")
    with pytest.raises(errors.NotAuthorised):
        other.say(body, subject=buyer.id)
    with pytest.raises(errors.RoleMissing):
        factory.enterprise("Checker", roles=("verifier",)).say(body)
